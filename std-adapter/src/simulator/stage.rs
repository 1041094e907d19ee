//! A stage for a bot: simulator, people and prompts on one network in the process.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tokio::sync::mpsc;

use super::seed::id_of;
use super::{
    Config, Observed, Person, Registration, Simulator, SimulatorError, Step, What, WhenRung, wav_tone,
};
use crate::bot::{self, Bot};
use crate::client::Credentials;
use crate::clock::Clock;
use crate::session::Target;
use crate::transport::{InProcess, Transport};

const APP: &str = "8a34a46b-3d17-4adc-8dce-dc4e7d572698";
const TENANT: &str = "932899f8-2ea1-4604-8413-27bd2892079f";
const SECRET: &str = "only-for-the-stage";
/// Every permission that the simulator asks for.
const PERMISSIONS: [&str; 5] = [
    "Calls.Initiate.All",
    "Calls.InitiateGroupCall.All",
    "Calls.JoinGroupCall.All",
    "Calls.JoinGroupCallAsGuest.All",
    "Calls.AccessMedia.All",
];
/// How long each prompt lasts.
const PROMPT: Duration = Duration::from_secs(2);

/// A simulator with all permissions granted, on a network in the process: what a bot's tests and examples begin with. Under
/// a paused tokio clock whole calls take no time.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use callflow_graph::conversation::Scripted;
/// use callflow_graph::simulator::{Stage, Step, WhenRung};
/// use callflow_graph::store::memory::Memory;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut stage = Stage::try_new()?;
/// let ada = stage.person("Ada", WhenRung::PickUp { after: Duration::ZERO, then: vec![Step::AwaitHangUp] });
/// let bot = Scripted::placing_only()
///     .start(stage.config(), Arc::new(Memory::new()), stage.transport(), stage.clock)
///     .await?;
/// stage.mount(bot.bot());
/// let call = bot.place(ada).await?;
/// call.established().await?;
/// call.hang_up().await?;
/// assert!(stage.transcript().iter().any(|line| line.contains("Ada is rung")));
/// # Ok(())
/// # }
/// ```
pub struct Stage {
    /// The network.
    pub net: InProcess,
    /// Graph.
    pub simulator: Simulator,
    /// The time.
    pub clock: Clock,
    begun: u64,
    seen: mpsc::UnboundedReceiver<Observed>,
    lines: Vec<String>,
}

impl std::fmt::Debug for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stage").field("simulator", &self.simulator).finish_non_exhaustive()
    }
}

impl Stage {
    /// An empty stage.
    ///
    /// # Errors
    /// [`SimulatorError::Key`]
    pub fn try_new() -> Result<Self, SimulatorError> {
        Self::try_with(|_| ())
    }

    /// A stage whose simulator is set up as `set_up` changes it.
    ///
    /// # Errors
    /// [`SimulatorError::Key`]
    pub fn try_with(set_up: impl FnOnce(&mut Config)) -> Result<Self, SimulatorError> {
        let (net, clock) = (InProcess::new(), Clock::system());
        let mut app = Registration::new(APP, TENANT, SECRET, "https://bot.test/calls");
        for permission in PERMISSIONS {
            app = app.with(permission);
        }
        let mut config = Config::new("https://graph.test", app);
        set_up(&mut config);
        let simulator = Simulator::try_new(config, Arc::new(net.clone()), clock)?;
        net.mount("graph.test", simulator.router());
        net.mount("prompts.test", Router::new().route("/{name}", get(async || wav_tone(PROMPT))));
        let seen = simulator.watch();
        Ok(Self { net, simulator, clock, begun: clock.now_millis(), seen, lines: Vec::new() })
    }

    /// Puts a person on it, or changes what he does, and gives how a bot calls him. His object id is made of his name.
    pub fn person(&self, name: &str, when_rung: WhenRung) -> Target {
        let id = id_of(name);
        self.simulator.add_person(Person { id: id.clone(), display_name: name.to_owned(), when_rung });
        Target::User(id)
    }

    /// Lets a person call the bot and do what `script` says. Gives the call's id.
    ///
    /// # Errors
    /// [`SimulatorError::NoPerson`]
    pub fn ring(&self, name: &str, script: Vec<Step>) -> Result<String, SimulatorError> {
        self.simulator.call_bot(&id_of(name), APP, script)
    }

    /// Lets a policy call the bot to record a person, who does what `script` says. Gives the call's id.
    ///
    /// # Errors
    /// [`SimulatorError::NoPerson`]
    pub fn ring_recorder(&self, name: &str, script: Vec<Step>) -> Result<String, SimulatorError> {
        self.simulator.call_recorder(&id_of(name), APP, script)
    }

    /// How the bot is set up.
    pub fn config(&self) -> bot::Config {
        let credentials = Credentials::with_secret(TENANT, APP, SECRET);
        let mut config = bot::Config::new(credentials, "https://bot.test/calls");
        config.endpoints = self.simulator.endpoints();
        config
    }

    /// What the bot sends goes over this.
    pub fn transport(&self) -> Arc<dyn Transport> {
        Arc::new(self.net.clone())
    }

    /// Puts the bot's webhook on the network, in the place of another's.
    pub fn mount(&self, bot: &Bot) {
        self.net.mount("bot.test", bot.router());
    }

    /// The address of a prompt of 2 seconds; any name will do.
    pub fn prompt(name: &str) -> String {
        format!("https://prompts.test/{name}.wav")
    }

    /// What people did and the bot asked so far, one line each, with the seconds since the stage was made.
    pub fn transcript(&mut self) -> &[String] {
        while let Ok(Observed { at, what, .. }) = self.seen.try_recv() {
            let told = match what {
                What::Person { name, did } => format!("{name} {did}"),
                What::Request { method, path, status, .. } => match said(&method, &path) {
                    Some(asked) => format!("    bot: {asked} ({status})"),
                    None => continue,
                },
                What::Notification { .. } | What::Prompt { .. } | What::Fault { .. } => continue,
            };
            let seconds = Duration::from_millis(at.saturating_sub(self.begun)).as_secs_f64();
            self.lines.push(format!("{seconds:8.2}  {told}"));
        }
        &self.lines
    }
}

/// What a request asks, without the ids; none where it is not of a call.
fn said(method: &str, path: &str) -> Option<String> {
    let (_, below) = path.split_once("/communications/calls")?;
    let asked = below.rsplit('/').next().unwrap_or_default();
    let is_id = asked.is_empty() || uuid::Uuid::try_parse(asked).is_ok();
    Some(match (method, is_id) {
        ("POST", true) => "place the call".to_owned(),
        ("DELETE", true) => "hang up".to_owned(),
        (_, true) => method.to_lowercase(),
        (_, false) => asked.to_owned(),
    })
}
