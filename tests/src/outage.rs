//! Calls across a power cut: a bot whose power goes at a chosen step, the service and its time going on without it, and
//! another process that takes up what lies in the store.
#![allow(clippy::missing_panics_doc, clippy::unwrap_used, clippy::panic)] // what cannot be set up is a test that failed already

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use callflow_graph::bot::{Bot, Config, Drain, Drained};
use callflow_graph::client::Credentials;
use callflow_graph::clock::Clock;
use callflow_graph::session::Target;
use callflow_graph::simulator::{self, Person, Registration, Simulator, WhenRung, wav_tone};
use callflow_graph::store::encrypted::{Encrypted, Key, Keys};
use callflow_graph::store::memory::Memory;
use callflow_graph::store::{Commit, InboxEntry, Record, Store};
use callflow_graph::transport::InProcess;
use serde_json::Value;

use crate::cut::{CutNet, CutStore, Fault, Point, Power, Side};
use crate::script::{History, Loss, Plan, Script, Told};
use crate::service::{Accepted, Asked, Joined, Missed, Service, ToBot, call_of};
use crate::{APP, PERSON, TENANT};

/// Whom the bot calls.
pub const CALLED: &str = "6f0a2b1e-2f5d-4e0b-9a55-0f3b6d6c2a01";
/// To whom it transfers, and whom it invites.
pub const DESK: &str = "0b7d3c52-6f0e-4c7a-8d53-2f6f5d0c9b02";
/// The prompt that every call begins with.
pub const MENU: &str = "https://files.test/menu.wav";

/// How long after its beginning every call has ended: a bot that missed the news of it learns so by its next keepAlive.
const CALLS: Duration = Duration::from_secs(2 * 3600);
/// How long after its beginning the store is lost, or the bot is drained, where the plan says so.
const MIDDLE: Duration = Duration::from_secs(5);

/// Something that takes time.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A bot of whatever kind, with what outlives its processes.
pub trait Kind: Send + Sync {
    /// Starts a process. Where its power goes meanwhile, this never resolves.
    fn start(&self, power: Arc<Power>) -> Later<'_, Box<dyn Process>>;
    /// What is kept of each call of the service, by its id in one spelling.
    fn histories(&self) -> Later<'_, BTreeMap<String, Vec<String>>>;
    /// Loses what is kept, while there is no process.
    fn lose(&self, loss: Loss) -> Later<'_, ()>;
}

/// A process.
pub trait Process: Send + Sync {
    /// What it serves.
    fn router(&self) -> Router;
    /// Calls [`CALLED`].
    fn place(&self) -> Later<'_, ()>;
    /// Ends in order. Of a kind that cannot, this never resolves.
    fn drain(&self, drain: Drain) -> Later<'static, Drained>;
    /// Frees what it holds. Its power is off: nothing that it does then is seen.
    fn bury(self: Box<Self>);
}

/// A bot of callflow.
pub struct Ours {
    /// Where its calls are kept.
    pub store: Arc<dyn Store>,
    /// Whether they are kept encrypted.
    pub sealed: bool,
    /// How long the store takes for anything.
    pub takes: Duration,
    /// What its handler was told.
    pub told: Arc<Mutex<Vec<Told>>>,
    plan: Plan,
    fault: Fault,
    service: Arc<Service>,
    config: Config,
    clock: Clock,
    processes: AtomicUsize,
}

struct OurProcess(Bot);

impl Ours {
    /// The store as a process sees it.
    fn opened(&self, inner: Arc<dyn Store>) -> Arc<dyn Store> {
        if !self.sealed {
            return inner;
        }
        let key = Key::try_new("k1", [7; 32]).unwrap();
        Arc::new(Encrypted::new(inner, Arc::new(Keys::new(key))))
    }

    /// What is kept of each call, by its name.
    async fn records(&self) -> Vec<(String, Record)> {
        let store = self.opened(Arc::clone(&self.store));
        let mut all = Vec::new();
        for name in store.names().await.unwrap() {
            all.push((name.to_string(), store.read(&name).await.unwrap().unwrap_or_default()));
        }
        all
    }
}

impl Kind for Ours {
    fn start(&self, power: Arc<Power>) -> Later<'_, Box<dyn Process>> {
        Box::pin(async move {
            let inner = Arc::clone(&self.store);
            let (takes, fault) = (self.takes, self.fault);
            let cut = CutStore { inner, power: Arc::clone(&power), takes, fault };
            let store = self.opened(Arc::new(cut));
            let net = Arc::new(CutNet { net: Arc::clone(&self.service), power });
            let handler = Script {
                plan: self.plan,
                told: Arc::clone(&self.told),
                service: Arc::clone(&self.service),
                process: self.processes.fetch_add(1, Ordering::Relaxed),
            };
            let bot = Bot::start(self.config.clone(), handler, store, net, self.clock).await.unwrap();
            let process: Box<dyn Process> = Box::new(OurProcess(bot));
            process
        })
    }

    fn histories(&self) -> Later<'_, BTreeMap<String, Vec<String>>> {
        Box::pin(async move {
            let mut all = BTreeMap::new();
            for (name, record) in self.records().await.into_iter().filter(|(_, record)| record.version > 0) {
                let history: History = serde_json::from_slice(&record.author).unwrap_or_default();
                all.insert(record.alias.unwrap_or(name), history.events);
            }
            all
        })
    }

    fn lose(&self, loss: Loss) -> Later<'_, ()> {
        Box::pin(async move {
            for name in self.store.names().await.unwrap() {
                let record = self.store.read(&name).await.unwrap().unwrap_or_default();
                if loss == Loss::All {
                    assert!(self.store.forget(&name, record.last_seq).await.unwrap());
                    continue;
                }
                let Record { version, texts, author, about, alias, .. } = record;
                let texts = if loss == Loss::Calls { texts } else { b"{".to_vec() };
                let call = vec![0xFF; 9];
                let commit = Commit { version, call, texts, author, about, alias, ..Commit::default() };
                self.store.commit(&name, commit).await.unwrap();
            }
            if loss == Loss::All {
                self.told.lock().unwrap().clear();
            }
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

    fn drain(&self, drain: Drain) -> Later<'static, Drained> {
        let bot = self.0.clone();
        Box::pin(async move { bot.drain(drain).await })
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
    simulator: Arc<Simulator>,
    clock: Clock,
}

/// When the power goes, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Outage {
    /// At which step of the first process, and at which of the one after; never where there is none.
    pub cuts: [Option<(u32, Side)>; 2],
    /// How long until the next process.
    pub pause: Duration,
    /// Whether the service tells of what it did before it answers.
    pub answers_late: bool,
}

impl Outage {
    /// One cut.
    pub fn at(step: u32, side: Side, pause: Duration) -> Self {
        Self { cuts: [Some((step, side)), None], pause, answers_late: false }
    }
}

/// What was seen in a run.
#[derive(Debug)]
pub struct Seen {
    /// The plan.
    pub plan: Plan,
    /// Where the power went.
    pub cuts: Vec<Point>,
    /// For how long.
    pub pause: Duration,
    /// What the service was asked.
    pub asked: Vec<Asked>,
    /// What was accepted of its notifications.
    pub accepted: Vec<Accepted>,
    /// Those that never were.
    pub missed: Vec<Missed>,
    /// What participants who joined were answered.
    pub joined: Vec<Joined>,
    /// The committed history of each call that is kept.
    pub histories: BTreeMap<String, Vec<String>>,
    /// The service's calls that have not ended.
    pub open: Vec<String>,
    /// Those that had not when the bot was drained, and what it said of itself.
    pub drained: Option<(Vec<String>, Drained)>,
}

/// What is seen of a bot of callflow beside that.
#[derive(Debug, Default)]
pub struct SeenOfOurs {
    /// What the handler was told.
    pub told: Vec<Told>,
    /// Requests that were marked and not settled when the power went: name and ticket, and when that was.
    pub unsettled: Vec<(String, u32, u64)>,
    /// Entries of notifications that were kept and not handled when the power went, and when that was.
    pub waiting: Vec<Accepted>,
    /// What is kept of calls long after their end.
    pub left: Vec<String>,
}

/// The process that there is, if there is one.
struct Running {
    process: Option<Box<dyn Process>>,
    power: Arc<Power>,
    is_placed: bool,
    draining: Option<Later<'static, Drained>>,
}

impl World {
    /// A service with everybody who takes part.
    pub fn new() -> Self {
        let (net, clock) = (InProcess::new(), Clock::system());
        let service = Service::new(net.clone());
        let mut app = Registration::new(APP, TENANT, "s3cret", "https://bot.test/calls");
        for permission in ["Initiate", "AccessMedia", "InitiateGroupCall", "JoinGroupCall"] {
            app = app.with(format!("Calls.{permission}.All"));
        }
        let config = simulator::Config::new("https://graph.test", app);
        let to_bot = Arc::new(ToBot(Arc::clone(&service)));
        let simulator = Arc::new(Simulator::try_new(config, to_bot, clock).unwrap());
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
        plan.set_up(&mut config);
        Ours {
            store: Arc::new(Memory::new()),
            sealed: false,
            takes: Duration::ZERO,
            told: Arc::default(),
            plan,
            fault,
            service: Arc::clone(&self.service),
            config,
            clock: self.clock,
            processes: AtomicUsize::new(0),
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
        self.service.begin_anew(outage.answers_late);
        let before: BTreeSet<_> = self.simulator.calls().into_iter().map(|call| call.id).collect();
        let open = || {
            let calls = self.simulator.calls().into_iter().filter(|call| !before.contains(&call.id));
            calls.filter(|call| call.state != "terminated").map(|call| call.id).collect::<Vec<_>>()
        };
        for id in [PERSON, CALLED] {
            let when_rung = WhenRung::PickUp { after: Duration::from_secs(3), then: Plan::Outgoing.script() };
            self.simulator.add_person(Person {
                id: id.to_owned(),
                display_name: "Ada".to_owned(),
                when_rung,
            });
        }
        if let Some(loss) = plan.loss() {
            self.run_until_the_loss(plan, kind, loss).await;
        }
        let (mut cuts, mut drained) = (Vec::new(), None);
        let mut ahead = outage.cuts.into_iter().flatten();
        let mut running = Running::new(ahead.next(), !plan.places());
        running.start(self, kind).await;
        if plan.loss().is_none() {
            self.begin(plan);
        }
        running.place().await;
        running.draining = plan.drain().and_then(|drain| running.drain_later(drain));
        let mut histories = None;
        // The calls; then what is kept of them is forgotten.
        for length in [CALLS, 2 * CALLS] {
            loop {
                let power = Arc::clone(&running.power);
                tokio::select! {
                    () = tokio::time::sleep(length) => break,
                    () = power.off() => {
                        cuts.extend(power.cut_at());
                        at_cut().await;
                    }
                    done = running.drained() => {
                        drained = Some((open(), done));
                        // What was to be cut is what was drained.
                        ahead.by_ref().for_each(drop);
                        power.cut();
                    }
                }
                running.bury();
                tokio::time::sleep(outage.pause).await;
                running = Running::new(ahead.next(), running.is_placed);
                running.start(self, kind).await;
                running.place().await;
            }
            if histories.is_none() {
                histories = Some(kind.histories().await);
            }
        }
        running.power.cut();
        running.bury();
        let open = open();
        let histories = histories.unwrap_or_default();
        let (asked, accepted) = (self.service.requests(), self.service.accepted());
        let (missed, joined) = (self.service.missed(), self.service.joined());
        Seen { plan, cuts, pause: outage.pause, asked, accepted, missed, joined, histories, open, drained }
    }

    /// Lets somebody call, and do what the plan says.
    fn begin(&self, plan: Plan) {
        if !plan.is_called() {
            return;
        }
        if plan == Plan::Joining {
            let id = self.simulator.call_recorder(PERSON, APP, plan.script()).unwrap();
            let (service, simulator) = (Arc::clone(&self.service), Arc::clone(&self.simulator));
            tokio::spawn(async move {
                while simulator.call(&id).is_some_and(|call| call.state != "established") {
                    tokio::time::sleep(Duration::from_millis(500)).await;
                    if simulator.call(&id).is_none_or(|call| call.state == "terminated") {
                        return;
                    }
                }
                service.let_join(&id).await;
            });
            return;
        }
        self.simulator.call_bot(PERSON, APP, plan.script()).unwrap();
        if plan.drain().is_some() {
            let simulator = Arc::clone(&self.simulator);
            tokio::spawn(async move {
                tokio::time::sleep(MIDDLE + Duration::from_secs(1)).await;
                simulator.call_bot(PERSON, APP, plan.script()).unwrap();
            });
        }
    }

    async fn run_until_the_loss(&self, plan: Plan, kind: &dyn Kind, loss: Loss) {
        let mut first = Running::new(None, true);
        first.start(self, kind).await;
        self.begin(plan);
        tokio::time::sleep(MIDDLE).await;
        first.power.cut();
        first.bury();
        kind.lose(loss).await;
        if loss == Loss::All {
            // Nothing of what it was told is expected to be known.
            self.service.forget();
        }
    }

    /// As [`Self::run`] with a bot of callflow, which tells more.
    pub async fn run_ours(&self, plan: Plan, fault: Fault, outage: Outage) -> (Seen, SeenOfOurs) {
        self.run_this(&self.ours(plan, fault), outage).await
    }

    /// The same with a bot that is at hand.
    pub async fn run_this(&self, ours: &Ours, outage: Outage) -> (Seen, SeenOfOurs) {
        let mut of_ours = SeenOfOurs::default();
        let (unsettled, waiting) = (&mut of_ours.unsettled, &mut of_ours.waiting);
        let seen = self
            .run(ours.plan, ours, outage, async || {
                let at = self.service.moment();
                for (name, record) in ours.records().await {
                    let open = record.outbox.iter().filter(|row| row.attempted);
                    unsettled.extend(open.map(|row| (name.clone(), row.ticket, at)));
                    let entries = record.inbox.iter().flat_map(entries_of);
                    waiting.extend(entries.map(|entry| Accepted { call: call_of(&entry), entry, at }));
                }
            })
            .await;
        of_ours.told.clone_from(&ours.told.lock().unwrap());
        of_ours.left = ours.records().await.into_iter().map(|(name, _)| name).collect();
        (seen, of_ours)
    }
}

/// The entries of a notification, as the inbox keeps it; none of what is no notification.
fn entries_of(entry: &InboxEntry) -> Vec<Value> {
    let Some(body) = entry.parts().1 else { return Vec::new() };
    let body: Value = serde_json::from_slice(body).unwrap();
    body.get("value").and_then(Value::as_array).cloned().unwrap_or_default()
}

impl Running {
    fn new(cut: Option<(u32, Side)>, is_placed: bool) -> Self {
        Self { process: None, power: Power::until(cut), is_placed, draining: None }
    }

    async fn start(&mut self, world: &World, kind: &dyn Kind) {
        let process = tokio::select! {
            process = kind.start(Arc::clone(&self.power)) => process,
            () = self.power.off() => return,
        };
        world.net.mount("bot.test", process.router());
        world.service.line.lead_to(&self.power);
        self.process = Some(process);
    }

    async fn place(&mut self) {
        let Some(process) = self.process.as_ref().filter(|_| !self.is_placed) else { return };
        self.is_placed = true;
        tokio::select! {
            () = process.place() => {}
            () = self.power.off() => {}
        }
    }

    fn drain_later(&self, drain: Drain) -> Option<Later<'static, Drained>> {
        let draining = self.process.as_ref()?.drain(drain);
        Some(Box::pin(async move {
            tokio::time::sleep(MIDDLE).await;
            draining.await
        }))
    }

    async fn drained(&mut self) -> Drained {
        match self.draining.as_mut() {
            Some(draining) => draining.await,
            None => std::future::pending().await,
        }
    }

    fn bury(&mut self) {
        self.draining = None;
        if let Some(process) = self.process.take() {
            process.bury();
        }
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}
