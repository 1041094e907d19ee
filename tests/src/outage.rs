//! Calls across a power cut: a bot whose power goes at a chosen step, the service and its time going on without it, and
//! another process that takes up what lies in the store.
#![allow(clippy::missing_panics_doc, clippy::unwrap_used, clippy::panic)] // what cannot be set up is a test that failed already

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use callflow_core::command::RejectReason;
use callflow_core::event::Event;
use callflow_graph::bot::{Bot, Call, CallHandler, Config, HandlerError};
use callflow_graph::client::Credentials;
use callflow_graph::clock::Clock;
use callflow_graph::session::{Record, Target};
use callflow_graph::simulator::{self, Person, Registration, Simulator, Step, WhenRung, wav_tone};
use callflow_graph::store::Store;
use callflow_graph::store::memory::Memory;
use callflow_graph::transport::InProcess;
use serde::{Deserialize, Serialize};

use crate::cut::{CutNet, CutStore, Fault, Point, Power, Side};
use crate::service::{Accepted, Asked, Service, ToBot};
use crate::{APP, PERSON, TENANT};

/// Whom the bot calls.
pub const CALLED: &str = "6f0a2b1e-2f5d-4e0b-9a55-0f3b6d6c2a01";
/// To whom it transfers, and whom it invites.
pub const DESK: &str = "0b7d3c52-6f0e-4c7a-8d53-2f6f5d0c9b02";
/// The prompt that every call begins with.
pub const MENU: &str = "https://files.test/menu.wav";

/// How long after its beginning every call has ended: a bot that missed the news of it learns so by its next keepAlive.
const CALLS: Duration = Duration::from_secs(2 * 3600);

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Somebody calls, hears a prompt, and one for each key that he presses.
    Incoming,
    /// The bot calls somebody, plays, and goes on as above.
    Outgoing,
    /// Somebody calls, and is transferred.
    Transfer,
    /// Somebody calls, and another is invited.
    Invite,
    /// Somebody calls, and is recorded.
    Record,
    /// Somebody calls, and is rejected.
    Reject,
    /// Somebody calls, and hangs up while a prompt is played.
    FarHangUp,
    /// Somebody calls while the bot calls somebody.
    Two,
}

impl Plan {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Incoming,
        Self::Outgoing,
        Self::Transfer,
        Self::Invite,
        Self::Record,
        Self::Reject,
        Self::FarHangUp,
        Self::Two,
    ];

    /// Whether somebody calls.
    pub fn is_called(self) -> bool {
        self != Self::Outgoing
    }

    /// Whether the bot calls.
    pub fn places(self) -> bool {
        matches!(self, Self::Outgoing | Self::Two)
    }

    fn script(self) -> Vec<Step> {
        let wait = |secs| Step::Wait(Duration::from_secs(secs));
        match self {
            Self::FarHangUp => vec![Step::AwaitAnswer, wait(1), Step::HangUp],
            Self::Reject => vec![Step::AwaitHangUp],
            _ => vec![
                Step::AwaitAnswer,
                wait(3),
                Step::Press('1'),
                wait(3),
                Step::Press('2'),
                wait(30),
                Step::HangUp,
            ],
        }
    }

    /// What is carried out where nothing goes wrong, without what may be repeated.
    pub fn whole(self) -> &'static [&'static str] {
        match self {
            Self::Incoming => &["POST answer", "POST playPrompt", "POST playPrompt", "POST playPrompt"],
            Self::Outgoing => &["POST ", "POST playPrompt", "POST playPrompt", "POST playPrompt"],
            Self::Transfer => &["POST answer", "POST transfer"],
            Self::Invite => &["POST answer", "POST invite"],
            Self::Record => &["POST answer", "POST recordResponse"],
            Self::Reject => &["POST reject"],
            Self::FarHangUp => &["POST answer", "POST playPrompt"],
            Self::Two => &[
                "POST ",
                "POST answer",
                "POST playPrompt",
                "POST playPrompt",
                "POST playPrompt",
                "POST playPrompt",
                "POST playPrompt",
                "POST playPrompt",
            ],
        }
    }
}

/// What a handler was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The call's name.
    pub call: String,
    /// The event.
    pub event: String,
}

/// What the bot keeps of a call: its committed history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// Each event, in order.
    pub events: Vec<String>,
}

/// An event in words that bots of any kind could use.
pub fn heard(event: &Event) -> String {
    match event {
        Event::Offered => "offered".to_owned(),
        Event::Established => "established".to_owned(),
        Event::Tone { sequence, .. } => format!("tone {}", sequence.number()),
        Event::Ended(_) => "ended".to_owned(),
        other => format!("{other:?}"),
    }
}

/// What an accepted notification has to lead to.
pub fn expected(entry: &serde_json::Value) -> Option<String> {
    let text = |path: &str| entry.pointer(path).and_then(serde_json::Value::as_str).unwrap_or_default();
    if text("/resourceUrl").contains("/operations/") {
        return None;
    }
    if let Some(tone) = entry.pointer("/resourceData/toneInfo/sequenceId") {
        return Some(format!("tone {tone}"));
    }
    match (text("/changeType"), text("/resourceData/state")) {
        ("created", "incoming") => Some("offered".to_owned()),
        ("deleted", _) => Some("ended".to_owned()),
        ("updated", "established") => Some("established".to_owned()),
        _ => None,
    }
}

/// A bot that does what the plan says.
#[derive(Clone)]
pub struct Script {
    plan: Plan,
    told: Arc<Mutex<Vec<Told>>>,
}

impl CallHandler for Script {
    type State = History;

    async fn on_event(
        &self,
        call: &mut Call<'_>,
        history: &mut History,
        event: &Event,
    ) -> Result<(), HandlerError> {
        let words = heard(event);
        self.told.lock().unwrap().push(Told { call: call.name().to_string(), event: words.clone() });
        history.events.push(words);
        let desk = || Target::User(DESK.to_owned());
        match (self.plan, event) {
            (Plan::Reject, Event::Offered) => {
                call.reject(RejectReason::Busy)?;
            }
            (Plan::Transfer | Plan::Invite | Plan::Record, Event::Offered) => {
                call.answer()?;
            }
            (Plan::Transfer, Event::Established) => {
                call.transfer(desk())?;
            }
            (Plan::Invite, Event::Established) => {
                call.invite(desk())?;
            }
            (Plan::Record, Event::Established) => {
                call.record(Record { prompt: Some(MENU.into()), ..Record::default() })?;
            }
            (_, Event::Offered) => {
                call.answer()?;
                call.subscribe_to_tone()?;
                call.play(MENU)?;
            }
            (_, Event::Created) => {
                call.subscribe_to_tone()?;
                call.play(MENU)?;
            }
            (_, Event::Tone { sequence, .. }) => {
                call.play(format!("{MENU}?tone={}", sequence.number()))?;
            }
            _ => {}
        }
        Ok(())
    }
}

/// Something that takes time.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A bot of whatever kind, with what outlives its processes.
pub trait Kind: Send + Sync {
    /// Starts a process. Where its power goes meanwhile, this never resolves.
    fn start(&self, power: Arc<Power>) -> Later<'_, Box<dyn Process>>;
    /// What is kept of each call of the service, by its id in one spelling.
    fn histories(&self) -> Later<'_, BTreeMap<String, Vec<String>>>;
}

/// A process.
pub trait Process: Send + Sync {
    /// What it serves.
    fn router(&self) -> Router;
    /// Calls [`CALLED`].
    fn place(&self) -> Later<'_, ()>;
    /// Frees what it holds. Its power is off: nothing that it does then is seen.
    fn bury(self: Box<Self>);
}

/// A bot of callflow.
pub struct Ours {
    /// Where its calls are kept.
    pub store: Arc<dyn Store>,
    /// What its handler was told.
    pub told: Arc<Mutex<Vec<Told>>>,
    plan: Plan,
    fault: Fault,
    service: Arc<Service>,
    config: Config,
    clock: Clock,
}

struct OurProcess(Bot);

impl Kind for Ours {
    fn start(&self, power: Arc<Power>) -> Later<'_, Box<dyn Process>> {
        Box::pin(async move {
            let inner = Arc::clone(&self.store);
            let store = Arc::new(CutStore { inner, power: Arc::clone(&power), fault: self.fault });
            let net = Arc::new(CutNet { net: Arc::clone(&self.service), power });
            let handler = Script { plan: self.plan, told: Arc::clone(&self.told) };
            let bot = Bot::start(self.config.clone(), handler, store, net, self.clock).await.unwrap();
            let process: Box<dyn Process> = Box::new(OurProcess(bot));
            process
        })
    }

    fn histories(&self) -> Later<'_, BTreeMap<String, Vec<String>>> {
        Box::pin(async move {
            let mut all = BTreeMap::new();
            for name in self.store.names().await.unwrap() {
                let record = self.store.read(&name).await.unwrap().unwrap_or_default();
                if record.version > 0 {
                    let history: History = serde_json::from_slice(&record.author).unwrap_or_default();
                    all.insert(record.alias.unwrap_or_else(|| name.to_string()), history.events);
                }
            }
            all
        })
    }
}

impl Process for OurProcess {
    fn router(&self) -> Router {
        self.0.router()
    }

    fn place(&self) -> Later<'_, ()> {
        Box::pin(async {
            self.0.place(Target::User(CALLED.to_owned())).await.unwrap();
        })
    }

    fn bury(self: Box<Self>) {
        // Its tasks are dropped where they stand; those that wait for a dead network wait for ever.
        tokio::spawn(async move { self.0.stop().await });
    }
}

/// A service, and bots to come.
pub struct World {
    /// The service.
    pub service: Arc<Service>,
    net: InProcess,
    simulator: Simulator,
    clock: Clock,
}

/// When the power goes, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Outage {
    /// At which step; never where there is none.
    pub cut: Option<(u32, Side)>,
    /// How long until the next process.
    pub pause: Duration,
}

/// What was seen in a run.
#[derive(Debug)]
pub struct Seen {
    /// The plan.
    pub plan: Plan,
    /// Where the power went.
    pub cut: Option<Point>,
    /// For how long.
    pub pause: Duration,
    /// What the service was asked.
    pub asked: Vec<Asked>,
    /// What was accepted of its notifications.
    pub accepted: Vec<Accepted>,
    /// How many of them never were.
    pub missed: usize,
    /// The committed history of each call that is kept.
    pub histories: BTreeMap<String, Vec<String>>,
    /// The service's calls that have not ended.
    pub open: Vec<String>,
}

/// What is seen of a bot of callflow beside that.
#[derive(Debug, Default)]
pub struct SeenOfOurs {
    /// What the handler was told.
    pub told: Vec<Told>,
    /// Requests that were marked and not settled when the power went: name and ticket.
    pub unsettled: BTreeSet<(String, u32)>,
    /// What is kept of calls long after their end.
    pub left: Vec<String>,
}

impl World {
    /// A service with everybody who takes part.
    pub fn new() -> Self {
        let (net, clock) = (InProcess::new(), Clock::system());
        let service = Service::new(net.clone());
        let mut app = Registration::new(APP, TENANT, "s3cret", "https://bot.test/calls");
        for permission in ["Calls.Initiate.All", "Calls.AccessMedia.All", "Calls.InitiateGroupCall.All"] {
            app = app.with(permission);
        }
        let config = simulator::Config::new("https://graph.test", app);
        let to_bot = Arc::new(ToBot(Arc::clone(&service)));
        let simulator = Simulator::try_new(config, to_bot, clock).unwrap();
        net.mount("graph.test", simulator.router());
        let menu = Bytes::from(wav_tone(Duration::from_secs(2)));
        net.mount("files.test", Router::new().route("/menu.wav", get(async || menu)));
        Self { service, net, simulator, clock }
    }

    /// A bot of callflow with an empty store.
    pub fn ours(&self, plan: Plan, fault: Fault) -> Ours {
        let credentials = Credentials::with_secret(TENANT, APP, "s3cret");
        let mut config = Config::new(credentials, "https://bot.test/calls");
        config.endpoints = self.simulator.endpoints();
        config.keep_ended = CALLS + CALLS / 2;
        Ours {
            store: Arc::new(Memory::new()),
            told: Arc::default(),
            plan,
            fault,
            service: Arc::clone(&self.service),
            config,
            clock: self.clock,
        }
    }

    /// Carries out `plan` with bots of `kind`, and says what was seen. `at_cut` is looked at while there is no process.
    pub async fn run(
        &self,
        plan: Plan,
        kind: &dyn Kind,
        outage: Outage,
        mut at_cut: impl AsyncFnMut(),
    ) -> Seen {
        self.service.begin_anew();
        let before: BTreeSet<_> = self.simulator.calls().into_iter().map(|call| call.id).collect();
        for id in [PERSON, CALLED] {
            let when_rung = WhenRung::PickUp { after: Duration::from_secs(3), then: Plan::Outgoing.script() };
            self.simulator.add_person(Person {
                id: id.to_owned(),
                display_name: "Ada".to_owned(),
                when_rung,
            });
        }
        let power = Power::until(outage.cut);
        let mut cut = None;
        let mut process = self.start(kind, &power).await;
        if plan.is_called() {
            self.simulator.call_bot(PERSON, APP, plan.script()).unwrap();
        }
        let mut is_placed = !plan.places();
        if let Some(process) = &process
            && !is_placed
        {
            is_placed = true;
            tokio::select! {
                () = process.place() => {}
                () = power.off() => {}
            }
        }
        let mut histories = None;
        let mut power = power;
        // The calls; then what is kept of them is forgotten.
        for length in [CALLS, 2 * CALLS] {
            tokio::select! {
                () = tokio::time::sleep(length) => {}
                () = power.off() => {
                    cut = power.cut_at();
                    at_cut().await;
                    if let Some(process) = process.take() {
                        process.bury();
                    }
                    tokio::time::sleep(outage.pause).await;
                    power = Power::until(None);
                    process = self.start(kind, &power).await;
                    if let Some(process) = &process
                        && !is_placed
                    {
                        is_placed = true;
                        process.place().await;
                    }
                    tokio::time::sleep(length).await;
                }
            }
            if histories.is_none() {
                histories = Some(kind.histories().await);
            }
        }
        power.cut();
        if let Some(process) = process {
            process.bury();
        }
        let calls = self.simulator.calls().into_iter().filter(|call| !before.contains(&call.id));
        let open = calls.filter(|call| call.state != "terminated").map(|call| call.id).collect();
        let histories = histories.unwrap_or_default();
        let (asked, accepted) = (self.service.requests(), self.service.accepted());
        let missed = self.service.missed();
        Seen { plan, cut, pause: outage.pause, asked, accepted, missed, histories, open }
    }

    async fn start(&self, kind: &dyn Kind, power: &Arc<Power>) -> Option<Box<dyn Process>> {
        let process = tokio::select! {
            process = kind.start(Arc::clone(power)) => process,
            () = power.off() => return None,
        };
        self.net.mount("bot.test", process.router());
        self.service.line.lead_to(power);
        Some(process)
    }

    /// As [`Self::run`] with a bot of callflow, which tells more.
    pub async fn run_ours(&self, plan: Plan, fault: Fault, outage: Outage) -> (Seen, SeenOfOurs) {
        let ours = self.ours(plan, fault);
        let mut of_ours = SeenOfOurs::default();
        let unsettled = &mut of_ours.unsettled;
        let seen = self
            .run(plan, &ours, outage, async || {
                for name in ours.store.names().await.unwrap() {
                    let record = ours.store.read(&name).await.unwrap().unwrap_or_default();
                    let open = record.outbox.iter().filter(|row| row.attempted);
                    unsettled.extend(open.map(|row| (name.to_string(), row.ticket)));
                }
            })
            .await;
        of_ours.told.clone_from(&ours.told.lock().unwrap());
        of_ours.left = ours.store.names().await.unwrap().iter().map(ToString::to_string).collect();
        (seen, of_ours)
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}
