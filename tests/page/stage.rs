//! A simulator on loopback, people whose phones ring until somebody decides, and a bot with a menu.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use callflow_core::event::Event;
use callflow_core::media::Tone;
use callflow_graph::bot::{Bot, Call, CallHandler, Config, HandlerError};
use callflow_graph::client::Credentials;
use callflow_graph::clock::Clock;
use callflow_graph::simulator::{self, Person, Registration, Simulator, WhenRung, wav_tone};
use callflow_graph::store::memory::Memory;
use callflow_graph::transport::{Https, Transport};
use callflow_tests::{APP, TENANT};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

const SECRET: &str = "only-for-the-simulator";
pub(crate) const PERMISSIONS: &[&str] =
    &["Calls.Initiate.All", "Calls.JoinGroupCall.All", "Calls.AccessMedia.All"];

/// Plays a menu and listens: 2 ends the call, any other key stops what plays and begins the menu again.
struct Menu {
    prompt: String,
}

impl CallHandler for Menu {
    type State = ();

    async fn on_event(&self, call: &mut Call<'_>, (): &mut (), event: &Event) -> Result<(), HandlerError> {
        match event {
            Event::Offered | Event::Created => {
                if *event == Event::Offered {
                    call.answer()?;
                }
                call.subscribe_to_tone()?;
                call.play(self.prompt.as_str())?;
            }
            Event::Tone { tone: Tone::Tone2, .. } => {
                call.hang_up()?;
            }
            Event::Tone { .. } => {
                call.cancel_media()?;
                call.play(self.prompt.as_str())?;
            }
            _ => {}
        }
        Ok(())
    }
}

pub(crate) struct Stage {
    pub(crate) base: String,
    pub(crate) simulator: Simulator,
    pub(crate) bot: Bot,
    served: Option<Runtime>,
}

/// Serves on threads of its own: when they end, its connections are cut as those of a process that ends.
fn serve_apart(listener: std::net::TcpListener, router: Router) -> Runtime {
    listener.set_nonblocking(true).unwrap();
    let served = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    served.spawn(async move {
        axum::serve(TcpListener::from_std(listener).unwrap(), router).await.unwrap();
    });
    served
}

fn person(id: &str, name: &str) -> Person {
    Person { id: id.to_owned(), display_name: name.to_owned(), when_rung: WhenRung::Ask }
}

fn simulate(base: &str, callback: &str, permissions: &[&str], transport: &Arc<dyn Transport>) -> Simulator {
    let mut app = Registration::new(APP, TENANT, SECRET, callback);
    for permission in permissions {
        app = app.with(*permission);
    }
    let mut config = simulator::Config::new(base, app);
    config.people = vec![person("ada", "Ada"), person("ben", "Ben")];
    Simulator::try_new(config, Arc::clone(transport), Clock::system()).unwrap()
}

impl Stage {
    pub(crate) async fn set(permissions: &[&str]) -> Self {
        let (seconds, clock) = (Duration::from_secs, Clock::system());
        let transport: Arc<dyn Transport> = Arc::new(Https::try_new(seconds(3), seconds(15)).unwrap());
        let at_graph = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let at_bot = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", at_graph.local_addr().unwrap());
        let bot_base = format!("http://{}", at_bot.local_addr().unwrap());
        let callback = format!("{bot_base}/calls");
        let simulator = simulate(&base, &callback, permissions, &transport);
        let served = Some(serve_apart(at_graph, simulator.router()));
        let mut config = Config::new(Credentials::with_secret(TENANT, APP, SECRET), callback);
        config.endpoints = simulator.endpoints();
        let menu = Menu { prompt: format!("{bot_base}/menu.wav") };
        let bot = Bot::start(config, menu, Arc::new(Memory::new()), transport, clock).await.unwrap();
        let prompts = Router::new().route("/menu.wav", get(async || wav_tone(Duration::from_secs(20))));
        let router = bot.router().merge(prompts);
        tokio::spawn(async move { axum::serve(at_bot, router).await.unwrap() });
        Self { base, simulator, bot, served }
    }

    /// Cuts all connections to the simulator, and lets none be made.
    pub(crate) fn cut(&mut self) {
        if let Some(served) = self.served.take() {
            served.shutdown_background();
        }
    }

    /// The same simulator can be reached again.
    pub(crate) async fn mend(&mut self) {
        let address = self.base.trim_start_matches("http://");
        // What was cut a moment ago may hold it still.
        let listener = loop {
            match std::net::TcpListener::bind(address) {
                Ok(listener) => break listener,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
        self.served = Some(serve_apart(listener, self.simulator.router()));
    }

    /// Another simulator takes the place of this one, at the same address.
    pub(crate) async fn restart(&mut self) {
        self.cut();
        let seconds = Duration::from_secs;
        let transport: Arc<dyn Transport> = Arc::new(Https::try_new(seconds(3), seconds(15)).unwrap());
        self.simulator = simulate(&self.base, "http://127.0.0.1:9/calls", PERMISSIONS, &transport);
        self.mend().await;
    }

    /// The only call's state.
    pub(crate) fn state(&self) -> &'static str {
        let calls = self.simulator.calls();
        assert_eq!(calls.len(), 1, "{calls:?}");
        calls[0].state
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.cut();
    }
}
