//! What the end-to-end tests share: a simulator and a bot on one in-process network, in virtual time; and whatever can be
//! asked of Graph, drawn at random.

pub mod asks;
pub mod cut;
pub mod oracle;
pub mod outage;
pub mod plain_loop;
pub mod script;
pub mod service;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use callflow_core::event::Event;
use callflow_graph::bot::{Bot, Call, CallHandler, Config, HandlerError};
use callflow_graph::client::Credentials;
use callflow_graph::clock::Clock;
use callflow_graph::simulator::{self, Faults, Person, Registration, Simulator, Step, WhenRung, wav_tone};
use callflow_graph::store::memory::Memory;
use callflow_graph::store::{CallName, Store};
use callflow_graph::transport::{InProcess, Transport};
use serde::{Deserialize, Serialize};

/// The bot's app.
pub const APP: &str = "8a34a46b-3d17-4adc-8dce-dc4e7d572698";
/// Its tenant.
pub const TENANT: &str = "932899f8-2ea1-4604-8413-27bd2892079f";
/// Who calls and is called.
pub const PERSON: &str = "112f7296-5fa4-42ca-bae8-6a692b15d4b8";

/// What the bot of the tests keeps of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Every event, as it prints.
    pub events: Vec<String>,
    /// How many tones were pressed.
    pub tones: u32,
}

/// Every event of every call, in order, with the call's name: what handlers were told, crashes included.
pub type Log = Arc<Mutex<Vec<(CallName, Event)>>>;

/// Answers, listens, plays a menu, and hangs up when a key is pressed.
#[derive(Clone, Default)]
pub struct Menu {
    /// What it was told.
    pub log: Log,
}

impl CallHandler for Menu {
    type State = Kept;

    async fn on_event(
        &self,
        call: &mut Call<'_>,
        kept: &mut Kept,
        event: &Event,
    ) -> Result<(), HandlerError> {
        kept.events.push(format!("{event:?}"));
        self.log
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .push((call.name().clone(), *event));
        match event {
            Event::Offered => {
                call.answer()?;
                call.subscribe_to_tone()?;
                call.play("https://bot.test/menu.wav")?;
            }
            Event::Created => {
                call.subscribe_to_tone()?;
                call.play("https://bot.test/menu.wav")?;
            }
            Event::Tone { .. } => {
                kept.tones += 1;
                call.hang_up()?;
            }
            _ => {}
        }
        Ok(())
    }
}

/// A simulator and the network that it and bots are on.
pub struct Scene {
    /// The network.
    pub net: InProcess,
    /// Graph.
    pub simulator: Simulator,
    /// The time.
    pub clock: Clock,
    /// What the bot's calls are kept in.
    pub store: Arc<dyn Store>,
    /// What the bot does.
    pub menu: Menu,
}

impl Scene {
    /// A Graph on which `permissions` are granted and notifications fail as `faults` say.
    ///
    /// # Panics
    /// Where keys cannot be made on this machine.
    pub fn new(permissions: &[&str], faults: Faults) -> Self {
        let (net, clock) = (InProcess::new(), Clock::system());
        let mut app = Registration::new(APP, TENANT, "s3cret", "https://bot.test/calls");
        for permission in permissions {
            app = app.with(*permission);
        }
        let config = simulator::Config { faults, ..simulator::Config::new("https://graph.test", app) };
        let simulator = match Simulator::try_new(config, Arc::new(net.clone()), clock) {
            Ok(simulator) => simulator,
            Err(error) => unreachable!("{error}"),
        };
        net.mount("graph.test", simulator.router());
        let when_rung = WhenRung::PickUp { after: Duration::from_secs(3), then: Self::script() };
        simulator.add_person(Person { id: PERSON.to_owned(), display_name: "Ada".to_owned(), when_rung });
        Self { net, simulator, clock, store: Arc::new(Memory::new()), menu: Menu::default() }
    }

    /// Every permission that the bot needs, and no faults.
    pub fn good() -> Self {
        Self::new(&["Calls.Initiate.All", "Calls.AccessMedia.All"], Faults::default())
    }

    /// Listen to the prompt's beginning, press 1, wait for the end.
    pub fn script() -> Vec<Step> {
        vec![Step::AwaitAnswer, Step::AwaitPromptStart, Step::Press('1'), Step::AwaitHangUp]
    }

    /// How the bot is set up.
    pub fn config(&self) -> Config {
        let credentials = Credentials::with_secret(TENANT, APP, "s3cret");
        let mut config = Config::new(credentials, "https://bot.test/calls");
        config.endpoints = self.simulator.endpoints();
        config
    }

    /// Starts a bot on this scene's store, and puts it on the network.
    ///
    /// # Panics
    /// Where it does not start.
    pub async fn start(&self) -> Bot {
        self.start_over(Arc::new(self.net.clone())).await
    }

    /// As [`Self::start`]; what the bot sends goes over `transport`.
    ///
    /// # Panics
    /// Where it does not start.
    pub async fn start_over(&self, transport: Arc<dyn Transport>) -> Bot {
        let started =
            Bot::start(self.config(), self.menu.clone(), Arc::clone(&self.store), transport, self.clock)
                .await;
        let bot = match started {
            Ok(bot) => bot,
            Err(error) => unreachable!("{error}"),
        };
        let menu = bytes::Bytes::from(wav_tone(Duration::from_secs(2)));
        let prompts = Router::new().route("/menu.wav", get(async || menu));
        self.net.mount("bot.test", bot.router().merge(prompts));
        bot
    }

    /// The `Authorization` header that Graph puts on notifications to an app of a tenant.
    ///
    /// # Panics
    /// Where it is not had.
    pub async fn authorization(&self, app: &str, tenant: &str) -> String {
        let heard = Arc::new(Mutex::new(String::new()));
        let hear = Arc::clone(&heard);
        // A caller who never waits for an answer: the first notification of his call carries it.
        let hook = async move |headers: axum::http::HeaderMap| {
            let header = headers.get("authorization").and_then(|value| value.to_str().ok());
            header
                .unwrap_or_default()
                .clone_into(&mut hear.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
            axum::http::StatusCode::ACCEPTED
        };
        self.net.mount("ear.test", Router::new().route("/calls", axum::routing::post(hook)));
        let registration = Registration::new(app, tenant, "s3cret", "https://ear.test/calls");
        let config = simulator::Config::new("https://another-graph.test", registration);
        let Ok(simulator) = Simulator::try_new(config, Arc::new(self.net.clone()), self.clock) else {
            unreachable!("the keys were made before")
        };
        let when_rung = WhenRung::Ignore;
        simulator.add_person(Person { id: PERSON.to_owned(), display_name: "Ada".to_owned(), when_rung });
        assert!(simulator.call_bot(PERSON, app, vec![Step::HangUp]).is_ok());
        loop {
            let header = heard.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
            if !header.is_empty() {
                return header;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// What the handlers were told of a call.
    pub fn told(&self, name: &CallName) -> Vec<Event> {
        let log = self.menu.log.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        log.iter().filter(|(of, _)| of == name).map(|(_, event)| *event).collect()
    }
}
