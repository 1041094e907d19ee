//! A Graph calling service for one machine: what a bot in any language can call, and be called by, without a tenant.
//!
//! It issues tokens, publishes its keys, takes the calling API's requests, checks them as the documentation says, keeps
//! calls of its own and posts signed notifications. People take part by a script. It is written from the documentation,
//! and shares no rule with core: two readings of the same text check each other.
//!
//! It offers nothing that the service does not document, and says of each refusal which rule it keeps: beside the
//! service's own envelope stands `simulator`, with `why` and the `page` of the documentation, or "assumed".
//!
//! # Who reaches it
//!
//! It is made to be driven by programs and by its own page, on one machine:
//!
//! * A request has to name a host that it is known by: `localhost`, a loopback address, the host of [`Config::base`], or one
//!   of [`Access::hosts`]. Any other gets 421, so that no web page can give its own name our address.
//! * What steers it, and its page, cannot be used by a web page of another origin: 403. No answer has CORS headers.
//! * Where there is a key ([`Access::key`]), both need it: as `Authorization: Bearer …`, or in a browser as the cookie that
//!   [`Simulator::link`] sets, once. `callflow sim` makes one where other machines reach it.
//! * The calling API needs a token, and a token the secret of a registered app.
//! * A client secret in the form that Entra ID gives its own, and a token that Entra ID issued, are refused by name before
//!   anything compares, keeps or shows them: as an app's secret ([`SimulatorError::RealSecret`]), in a request for a token,
//!   and in the header `Authorization` of any request. Client secrets older than that form cannot be told.
//!
//! # https
//!
//! SDKs fetch tokens by https alone. [`Certificates`] serves the same router by https, with a certificate of its own
//! authority. Clients have to trust that authority, and to be told not to ask Microsoft about this one:
//!
//! | client | trusts it by | and |
//! | --- | --- | --- |
//! | Python `azure-identity`, `msal` | `REQUESTS_CA_BUNDLE=ca.pem` | `authority="https://localhost:PORT"`, `disable_instance_discovery=True` (msal: `instance_discovery=False`) |
//! | Python `msgraph-sdk` | `SSL_CERT_FILE=ca.pem` | `allowed_hosts=["localhost"]`, `adapter.base_url = "https://localhost:PORT/v1.0"` |
//! | JavaScript `@azure/identity` | `NODE_EXTRA_CA_CERTS=ca.pem` | `authorityHost: "https://localhost:PORT"`, `disableInstanceDiscovery: true` |
//! | JavaScript `microsoft-graph-client` | `NODE_EXTRA_CA_CERTS=ca.pem` | `baseUrl: "https://localhost:PORT"`, `customHosts: new Set(["localhost"])` |
//! | .NET, Go | on Linux `SSL_CERT_FILE=ca.pem`, else the user's store | .NET `DisableInstanceDiscovery = true` |
//! | Java | a key store that `keytool` makes | `disableInstanceDiscovery()` |
//! | callflow | `cloud.ca_file` | |
//!
//! The first four are tested. The variables of Python stand in place of the usual authorities.
//!
//! ```
//! # use callflow_graph::clock::Clock;
//! # use callflow_graph::simulator::{Config, Person, Registration, Simulator, WhenRung};
//! # use callflow_graph::transport::InProcess;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), callflow_graph::simulator::SimulatorError> {
//! let net = InProcess::new();
//! let bot = Registration::new("app-1", "tenant-1", "s3cret", "https://bot.test/calls").with("Calls.Initiate.All");
//! let simulator = Simulator::try_new(Config::new("https://graph.test", bot), std::sync::Arc::new(net.clone()), Clock::system())?;
//! net.mount("graph.test", simulator.router());
//! simulator.add_person(Person { id: "ada".to_owned(), display_name: "Ada".to_owned(), when_rung: WhenRung::Ignore });
//! # Ok(())
//! # }
//! ```

mod access;
mod actions;
mod asked;
mod authority;
mod call;
mod control;
mod credential;
mod delivery;
mod endpoint;
mod error;
mod fault;
mod groups;
mod guard;
mod handover;
mod headers;
mod history;
mod lobby;
mod media;
mod meetings;
mod operation;
mod page;
mod participants;
mod permission;
mod person;
mod placement;
mod prompt;
mod recording;
mod ringing;
mod roster;
mod routes;
pub mod seed;
mod service;
mod shape;
mod sharing;
mod sound;
mod stage;
mod step;
mod tenant;
mod throttle;
mod tls;
mod tokens;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};

use secrecy::ExposeSecret as _;
use tokio::sync::mpsc;

pub use access::Access;
pub use call::CallView;
pub use fault::{Cut, Fault, Faults, NoFault};
pub use history::{Exchange, Headers, Heard, Observed, Play, Posted, Text, What};
pub use meetings::{LobbyBypass, Meeting};
pub use person::{Outcome, Person, VOICE_MAIL_FOR, WhenRung};
pub use ringing::Decision;
pub use stage::Stage;
pub use step::{Step, StepError};
pub use throttle::Throttling;
pub use tls::{Certificates, CertificatesError, Kept};
pub use tokens::{Flaw, Issuer};

use crate::client::Endpoints;
use crate::clock::Clock;
use crate::transport::Transport;
pub use crate::wav::tone as wav_tone;

/// An app that an administrator registered.
#[derive(Clone, Debug)]
pub struct Registration {
    /// Its application id.
    pub app_id: String,
    /// The tenant that gave its consent.
    pub tenant_id: String,
    /// Its secret.
    pub client_secret: secrecy::SecretString,
    /// Where its incoming calls are announced.
    pub callback_uri: String,
    /// The application permissions that were granted.
    pub permissions: BTreeSet<String>,
    /// Its application instances: resource accounts, each with a telephone number.
    pub instances: Vec<Instance>,
    /// The first notification of an incoming call comes in the legacy format, until it is answered with 204.
    pub is_announced_in_legacy_format: bool,
    /// Whom the tokens of its notifications name as their issuer.
    pub issuer: Issuer,
}

/// An application instance: by it an app is called from telephones, and calls them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Its object id.
    pub id: String,
    /// Its name.
    pub display_name: String,
}

impl Registration {
    /// An app without permissions.
    pub fn new(
        app_id: impl Into<String>,
        tenant_id: impl Into<String>,
        client_secret: impl Into<String>,
        callback_uri: impl Into<String>,
    ) -> Self {
        Self {
            app_id: app_id.into(),
            tenant_id: tenant_id.into(),
            client_secret: client_secret.into().into(),
            callback_uri: callback_uri.into(),
            permissions: BTreeSet::new(),
            instances: Vec::new(),
            is_announced_in_legacy_format: false,
            issuer: Issuer::default(),
        }
    }

    /// With notifications whose tokens name this issuer.
    #[must_use]
    pub fn issued_by(mut self, issuer: Issuer) -> Self {
        self.issuer = issuer;
        self
    }

    /// Refuses a secret that looks like one of a real tenant.
    fn check(&self) -> Result<(), SimulatorError> {
        match credential::Real::of(self.client_secret.expose_secret()) {
            Some(_) => Err(SimulatorError::RealSecret(self.app_id.clone())),
            None => Ok(()),
        }
    }

    pub(crate) fn has(&self, permission: &str) -> bool {
        self.permissions.iter().any(|granted| granted.eq_ignore_ascii_case(permission))
    }

    /// With this permission granted.
    #[must_use]
    pub fn with(mut self, permission: impl Into<String>) -> Self {
        self.permissions.insert(permission.into());
        self
    }
}

/// How a simulator is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// Scheme and authority under which it is reached: `http://127.0.0.1:4100`.
    pub base: String,
    /// The apps.
    pub registrations: Vec<Registration>,
    /// The people.
    pub people: Vec<Person>,
    /// How long a second of a prompt takes, in seconds.
    pub time_scale: f64,
    /// What goes wrong on purpose.
    pub faults: Faults,
    /// From where it may be reached, and who may steer it: this machine, and everybody on it.
    pub access: Access,
    /// How much of what happened is kept, in entries: 10,000 by default.
    pub history: usize,
    /// How much an app may do.
    pub throttling: Throttling,
}

impl Config {
    /// One app, prompts in their real time, no faults.
    pub fn new(base: impl Into<String>, registration: Registration) -> Self {
        Self {
            base: base.into(),
            registrations: vec![registration],
            people: Vec::new(),
            time_scale: 1.0,
            faults: Faults::default(),
            access: Access::default(),
            history: 10_000,
            throttling: Throttling::default(),
        }
    }
}

/// Why a simulator does not do something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SimulatorError {
    /// Its keys cannot be made.
    #[error("a key for signing cannot be made: {0}")]
    Key(String),
    /// There is no such person: add him first.
    #[error("there is no person {0}; add him first")]
    NoPerson(String),
    /// There is no such app: register it first.
    #[error("there is no app {0}; register it first")]
    NoApp(String),
    /// The secret of this app looks like one of a real tenant, which a simulator must not be given.
    #[error("the client secret of the app {0} looks like one of a real tenant: give a made-up one")]
    RealSecret(String),
    /// No telephone reaches the app: give it an application instance first.
    #[error("no telephone reaches app {0}; give it an application instance first")]
    NoInstance(String),
}

pub(crate) struct World {
    /// Another one after each start.
    instance: String,
    config: Config,
    transport: Arc<dyn Transport>,
    clock: Clock,
    keys: Arc<tokens::Keys>,
    policy: Arc<guard::Policy>,
    registrations: RwLock<HashMap<String, Registration>>,
    people: RwLock<HashMap<String, Person>>,
    /// By their ids in one spelling.
    calls: RwLock<BTreeMap<String, Arc<call::Call>>>,
    meetings: meetings::Book,
    meters: throttle::Meters,
    /// Statuses that the next requests to a path ending so are answered with.
    refusals: Mutex<Vec<(String, u16)>>,
    chances: fault::Chances,
    /// How many calls were begun.
    begun: AtomicU64,
    history: history::History,
    ringing: ringing::Ringing,
    sounds: sound::Sounds,
    stop: tokio_util::sync::CancellationToken,
}

/// The service.
pub struct Simulator {
    world: Arc<World>,
}

impl std::fmt::Debug for Simulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Simulator").field("base", &self.world.config.base).finish_non_exhaustive()
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.world.stop.cancel();
    }
}

impl Simulator {
    /// A service that reaches bots and prompts over `transport`.
    ///
    /// # Errors
    /// [`SimulatorError::Key`], [`SimulatorError::RealSecret`]
    pub fn try_new(
        config: Config,
        transport: Arc<dyn Transport>,
        clock: Clock,
    ) -> Result<Self, SimulatorError> {
        config.registrations.iter().try_for_each(Registration::check)?;
        let keys = Arc::new(tokens::Keys::try_new()?);
        let policy = guard::Policy::of(&config);
        let chances = fault::Chances::new(config.faults.clone());
        let history = history::History::new(config.history);
        let simulator = Self {
            world: Arc::new(World {
                instance: uuid::Uuid::new_v4().to_string(),
                config,
                transport,
                clock,
                keys,
                policy,
                registrations: RwLock::default(),
                people: RwLock::default(),
                calls: RwLock::default(),
                meetings: meetings::Book::default(),
                meters: throttle::Meters::default(),
                refusals: Mutex::default(),
                chances,
                begun: AtomicU64::new(0),
                history,
                ringing: ringing::Ringing::default(),
                sounds: sound::Sounds::default(),
                stop: tokio_util::sync::CancellationToken::new(),
            }),
        };
        simulator.world.begin();
        Ok(simulator)
    }

    /// Everything that it serves.
    pub fn router(&self) -> axum::Router {
        let (policy, keys) = (Arc::clone(&self.world.policy), Arc::clone(&self.world.keys));
        let steered = control::router(Arc::clone(&self.world)).merge(page::router());
        service::router(Arc::clone(&self.world))
            .merge(steered.layer(guard::layer(Arc::clone(&policy))))
            .merge(guard::links(&policy))
            // The last of all: what stands above it is reached through it.
            .layer(guard::outermost(policy, keys))
    }

    /// What a bot has to be given so that it uses this service instead of the real one.
    pub fn endpoints(&self) -> Endpoints {
        self.world.endpoints()
    }

    /// The address of the page with a code that gives a browser the key, once; none where there is no key.
    pub fn link(&self) -> Option<String> {
        Some(format!("{}{}", self.world.base(), self.world.policy.link()?))
    }

    /// Adds a person, or changes what he does.
    pub fn add_person(&self, person: Person) {
        self.world.add_person(person);
    }

    /// Adds a meeting, in the place of one of the same thread.
    pub fn add_meeting(&self, meeting: Meeting) {
        self.world.meetings.add(meeting);
    }

    /// Lets a person call a bot and do what `script` says. Gives the call's id. A telephone calls the first application
    /// instance of the app.
    ///
    /// # Errors
    /// [`SimulatorError::NoPerson`], [`SimulatorError::NoApp`], [`SimulatorError::NoInstance`]
    pub fn call_bot(
        &self,
        person_id: &str,
        app_id: &str,
        script: Vec<Step>,
    ) -> Result<String, SimulatorError> {
        self.call_bot_for(person_id, app_id, script, &placement::Reason::Plain)
    }

    /// Lets a policy call a bot to record a person, who does what `script` says. Gives the call's id.
    ///
    /// # Errors
    /// [`SimulatorError::NoPerson`], [`SimulatorError::NoApp`], [`SimulatorError::NoInstance`]
    pub fn call_recorder(
        &self,
        person_id: &str,
        app_id: &str,
        script: Vec<Step>,
    ) -> Result<String, SimulatorError> {
        self.call_bot_for(person_id, app_id, script, &placement::Reason::Recording)
    }

    /// Lets a person invite a bot into a meeting where he is, and do what `script` says. Gives the call's id.
    ///
    /// # Errors
    /// [`SimulatorError::NoPerson`], [`SimulatorError::NoApp`], [`SimulatorError::NoInstance`]
    pub fn invite_bot(
        &self,
        person_id: &str,
        app_id: &str,
        meeting: Meeting,
        script: Vec<Step>,
    ) -> Result<String, SimulatorError> {
        self.world.meetings.add(meeting.clone());
        self.call_bot_for(person_id, app_id, script, &placement::Reason::Invitation(meeting))
    }

    fn call_bot_for(
        &self,
        person_id: &str,
        app_id: &str,
        script: Vec<Step>,
        reason: &placement::Reason,
    ) -> Result<String, SimulatorError> {
        let person =
            self.world.person(person_id).ok_or_else(|| SimulatorError::NoPerson(person_id.to_owned()))?;
        let app = self.world.app(app_id).ok_or_else(|| SimulatorError::NoApp(app_id.to_owned()))?;
        call::Call::incoming(&self.world, &app, &person, script, reason)
    }

    /// Lets a bot in that waits in the lobby of a meeting; whether it did.
    pub fn admit(&self, call_id: &str) -> bool {
        self.world.call(call_id).is_some_and(|call| call.let_in())
    }

    /// Sends a bot away that waits in the lobby of a meeting; whether it did.
    pub fn turn_away(&self, call_id: &str) -> bool {
        self.world.call(call_id).is_some_and(|call| call.send_away())
    }

    /// Lets a person come to the lobby of the meeting that a call joined; whether he did.
    pub fn knock(&self, call_id: &str, person_id: &str) -> bool {
        let person = self.world.person(person_id);
        let call = self.world.call(call_id);
        person.zip(call).is_some_and(|(person, call)| call.knock(&person))
    }

    /// Decides for a person whose phone rings for a call; whether it did.
    pub fn decide(&self, call_id: &str, person_id: &str, decision: Decision) -> bool {
        self.world.ringing.decide(call_id, person_id, decision)
    }

    /// Adds a person to a call, as those who are in it can.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn add_to_call(&self, call_id: &str, person_id: &str) -> Result<(), String> {
        let call = self.world.call(call_id).ok_or_else(|| format!("there is no call {call_id}"))?;
        let person = self.world.person(person_id).ok_or_else(|| format!("there is no person {person_id}"))?;
        call.add_by_others(&person)
    }

    /// The `Authorization` header of a notification to an app, with a flaw where one is asked for: a bot has to refuse it.
    ///
    /// # Errors
    /// [`SimulatorError::NoApp`], [`SimulatorError::Key`]
    pub fn authorization(&self, app_id: &str, flaw: Option<Flaw>) -> Result<String, SimulatorError> {
        let app = self.world.app(app_id).ok_or_else(|| SimulatorError::NoApp(app_id.to_owned()))?;
        let (keys, now) = (&self.world.keys, self.world.clock.now_seconds());
        let token = match flaw {
            None => keys.for_notification(app.issuer, &app.app_id, &app.tenant_id, now),
            Some(flaw) => keys.flawed(app.issuer, &app.app_id, &app.tenant_id, now, flaw),
        };
        let token = token.ok_or_else(|| SimulatorError::Key("a token cannot be signed".to_owned()))?;
        Ok(format!("Bearer {token}"))
    }

    /// What is known of a call.
    pub fn call(&self, id: &str) -> Option<CallView> {
        self.world.call(id).map(|call| call.view())
    }

    /// What is known of every call, those that ended included.
    pub fn calls(&self) -> Vec<CallView> {
        self.world.all_calls().iter().map(|call| call.view()).collect()
    }

    /// Takes a permission from an app, as an administrator can while it runs.
    pub fn revoke(&self, app_id: &str, permission: &str) {
        let mut registrations = self.world.registrations.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(app) = registrations.get_mut(app_id) {
            app.permissions.retain(|granted| !granted.eq_ignore_ascii_case(permission));
        }
    }

    /// Answers the next request whose path ends with `suffix` with `status`, and does nothing of what it asks.
    pub fn refuse_next(&self, suffix: &str, status: u16) {
        let mut refusals = self.world.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        refusals.push((suffix.to_owned(), status));
    }

    /// What goes wrong from now on; their chances begin anew.
    pub fn set_faults(&self, faults: Faults) {
        self.world.chances.set(faults);
    }

    /// Tells of what happens from now on, until the receiver is dropped.
    pub fn watch(&self) -> mpsc::UnboundedReceiver<Observed> {
        self.world.history.watch()
    }

    /// What happened after the entry of this number, as far as it is kept; 0 is the beginning.
    pub fn history(&self, after: u64) -> Vec<Observed> {
        self.world.history.after(after, usize::MAX)
    }
}

impl World {
    fn base(&self) -> &str {
        self.config.base.trim_end_matches('/')
    }

    /// The apps and people that there are at the beginning.
    fn begin(&self) {
        *self.registrations.write().unwrap_or_else(PoisonError::into_inner) =
            self.config.registrations.iter().map(|app| (app.app_id.clone(), app.clone())).collect();
        *self.people.write().unwrap_or_else(PoisonError::into_inner) =
            self.config.people.iter().map(|person| (person.id.clone(), person.clone())).collect();
        self.begun.store(0, Ordering::Relaxed);
        self.chances.set(self.config.faults.clone());
    }

    /// Ends all calls without telling anybody, forgets what happened, and begins anew.
    fn reset(&self) {
        let calls = std::mem::take(&mut *self.calls.write().unwrap_or_else(PoisonError::into_inner));
        for call in calls.values() {
            call.drop_silently();
        }
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.begin();
        self.history.clear();
    }

    fn endpoints(&self) -> Endpoints {
        let base = self.base();
        Endpoints {
            authority: base.to_owned(),
            graph: format!("{base}/v1.0"),
            openid: format!("{base}/v1/.well-known/OpenIdConfiguration"),
            ..Endpoints::global()
        }
    }

    fn apps(&self) -> Vec<Registration> {
        self.registrations.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    fn register(&self, app: Registration) -> Result<(), SimulatorError> {
        app.check()?;
        self.registrations.write().unwrap_or_else(PoisonError::into_inner).insert(app.app_id.clone(), app);
        Ok(())
    }

    fn unregister(&self, id: &str) -> bool {
        self.registrations.write().unwrap_or_else(PoisonError::into_inner).remove(id).is_some()
    }

    fn everybody(&self) -> Vec<Person> {
        self.people.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    fn add_person(&self, person: Person) {
        self.people.write().unwrap_or_else(PoisonError::into_inner).insert(person.id.clone(), person);
    }

    fn remove_person(&self, id: &str) -> bool {
        self.people.write().unwrap_or_else(PoisonError::into_inner).remove(id).is_some()
    }

    fn all_calls(&self) -> Vec<Arc<call::Call>> {
        self.calls.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    fn observe(&self, call: Option<&str>, what: What) {
        self.history.note(self.clock.now_millis(), call.map(str::to_owned), what);
    }

    fn app(&self, id: &str) -> Option<Registration> {
        self.registrations.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    fn person(&self, id: &str) -> Option<Person> {
        self.people.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    fn call(&self, id: &str) -> Option<Arc<call::Call>> {
        self.calls.read().unwrap_or_else(PoisonError::into_inner).get(&plain(id)).cloned()
    }

    /// Runs `task` until the simulator is dropped.
    fn spawn(self: &Arc<Self>, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = task => {}
                () = stop.cancelled() => {}
            }
        });
    }

    fn weak(self: &Arc<Self>) -> Weak<Self> {
        Arc::downgrade(self)
    }
}

/// An id in one spelling: Graph writes the same one with and without dashes, and in either case.
fn plain(id: &str) -> String {
    id.replace('-', "").to_ascii_lowercase()
}

#[cfg(test)]
mod tests;
