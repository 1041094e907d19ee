//! Drives calls: one task a call, so that the inputs of a call are handled one after another and those of different
//! calls never wait for each other.
//!
//! An input (a notification from the inbox, the answer to a request, a command, the time) is handled, the handler is given
//! the events, and what came of it is committed. Only then do requests leave. After a restart each call goes on from what
//! was committed: what was accepted is handled, what was not sent is sent, and what was sent and must not be repeated is
//! told to the call as "no answer".
//!
//! # Spans
//!
//! What is logged stands in spans of `tracing`, by which it can be found, and which have what Microsoft's support asks for.
//! All are of the level `INFO`; fields are there once they are known. None has a token, a number, a name of a person, or an
//! address with its signature.
//!
//! | span | one for each | fields |
//! | --- | --- | --- |
//! | `call` | call's task | `name` (of the store), `call_id` (Graph's), `tenant_id`, `scenario_id`, `call_chain_id` |
//! | `request` | request of a call, in its `call` | `operation`, `ticket` |
//! | `graph` | request to Graph, with all its tries | `method`, `path`, `scenario_id`, `status`, `attempts`; of the try that counts `client_request_id`, `request_id`, `diagnostic` (`x-ms-ags-diagnostic`) |
//! | `webhook` | request to the webhook | `message_id`, `scenario_id`, `status` |

mod actor;
pub(crate) mod delivery;
mod drain;
pub(crate) mod joining;
pub mod quota;
mod recovery;
pub mod request;
mod settling;
mod span;
mod waiting;

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::task::Poll;
use std::time::Duration;

use callflow_core::classification::{Classification, Direction};
use callflow_core::deadline::{Timer, Timers};
use callflow_core::id::{CallId, CallKey};
use callflow_core::lifecycle::State;
use callflow_core::lifecycle::end::End;
use callflow_core::operation::Operation;
use callflow_core::permission::{Grants, Policy};
use callflow_core::restriction::Overrides;
use callflow_core::roster::{Member, Presence, Trust};
use callflow_core::time::{Span, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use self::quota::{Counter, Month, Quota, QuotaExceeded, Usage};
use crate::bot::{Author, CallHandler, Kept, Logged};
use crate::client::{ClientError, Cloud, Credentials, Endpoints, GraphClient, Limits};
use crate::clock::Clock;
use crate::metrics::{Metrics, Now, Timed};
use crate::session::journal::Journaling;
use crate::session::{Beta, JoiningAnswer, Order, OrderError, Placement, Session, Settings};
use crate::store::behind::{Behind, StoreOutage};
use crate::store::{CallName, Record, Store, StoreError};
use crate::trace::Recorder;
use crate::transport::Transport;
use crate::webhook::Admission;
use crate::webhook::authentication::{Authenticator, Expected, Fault};
use crate::wire::resource::Named;
use delivery::{Delivery, HANDED_OVER, HandedOver, MAX_HANDED_OVER};
use joining::{Defaulted, Desk, JoiningKey};
use waiting::Waiting;

pub use drain::{AtLimit, Drain, Drained, Incoming};
pub use joining::Joining;
pub use recovery::UnknownCalls;

/// How a bot is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// Who the bot is.
    pub credentials: Credentials,
    /// Where the services are.
    pub endpoints: Endpoints,
    /// Limits of time towards them.
    pub limits: Limits,
    /// The address at which Graph reaches [`Bot::router`]: `https://bot.example/calls`. News of each call goes to an
    /// address below it.
    pub callback: String,
    /// Whom the bot listens to.
    pub expected: Expected,
    /// What is known of the app's permissions. What is stated here counts for every tenant, whatever a token seems to say.
    ///
    /// Where it is [`Grants::Unknown`], the newest token of the call's tenant says it for each call that begins afterwards
    /// ([`GraphClient::granted`]); a token that does not say leaves it unknown. A token does not name what was granted for
    /// one chat only: state the grants where the bot relies on such.
    pub grants: Grants,
    /// What becomes of a command whose permission is known to be missing.
    pub policy: Policy,
    /// Whether requests that only beta has may be made.
    pub beta: Beta,
    /// Restrictions that are switched off, by name.
    pub overrides: Overrides,
    /// What it means that a full roster lacks somebody.
    pub trust: Trust,
    /// The timers of each call.
    pub timers: Timers,
    /// How many calls the app may have.
    pub quota: Quota,
    /// How long a call is kept after its end, for news that comes late.
    pub keep_ended: Duration,
    /// How long a notification for a call that is not known is kept, before [`Self::unknown_calls`] decides.
    pub keep_unknown: Duration,
    /// What becomes of a call that is not known once that has passed.
    pub unknown_calls: UnknownCalls,
    /// How many calls ask the service at a time how they stand, after a restart: 16 by default.
    pub asked_at_a_time: usize,
    /// How long the handler may take for one event: 10 s by default. Meanwhile its call takes in nothing else, and nothing
    /// leaves that it has commanded: an answer has to be out within 15 s, and 5 s under policy-based recording. A handler that
    /// hangs is let go then as where it panics: its state stays what it was before, and what it commanded until then is done.
    ///
    /// One that keeps its thread, as by `std::thread::sleep`, cannot be let go, and holds up the calls that share the thread:
    /// what blocks belongs into `tokio::task::spawn_blocking`.
    pub handler_within: Duration,
    /// How joining participants are answered where the bot does not do it (policy-based recording).
    pub joining: Joining,
    /// What becomes of calls that are up while the store cannot be written.
    pub store_outage: StoreOutage,
    /// What the webhook takes, and how it answers.
    pub webhook: crate::webhook::Settings,
    /// Where every input of every call is written, and what came out: nowhere by default.
    pub trace: Option<Recorder>,
}

impl Config {
    /// The worldwide cloud, any tenant, usual limits.
    pub fn new(credentials: Credentials, callback: impl Into<String>) -> Self {
        let expected = Expected::for_app(credentials.app_id.clone());
        Self {
            credentials,
            endpoints: Endpoints::global(),
            limits: Limits::default(),
            callback: callback.into(),
            expected,
            grants: Grants::Unknown,
            policy: Policy::Advise,
            beta: Beta::Off,
            overrides: Overrides::NONE,
            trust: Trust::Confirm,
            timers: Timers::DEFAULT,
            quota: Quota::default(),
            keep_ended: Duration::from_secs(600),
            keep_unknown: Duration::from_secs(60),
            unknown_calls: UnknownCalls::default(),
            asked_at_a_time: 16,
            handler_within: crate::bot::HANDLER_WITHIN,
            joining: Joining::default(),
            store_outage: StoreOutage::default(),
            webhook: crate::webhook::Settings::default(),
            trace: None,
        }
    }

    /// The same in `cloud`: its endpoints, and notifications that its service posts.
    #[must_use]
    pub fn in_cloud(mut self, cloud: Cloud) -> Self {
        self.endpoints = Endpoints::of(cloud);
        self.expected = self.expected.in_cloud(cloud);
        self
    }
}

/// Why a bot does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The callback is no address that Graph could reach.
    #[error(
        "the callback {0} is no https address (or http on loopback): give the one at which Graph reaches the bot"
    )]
    Callback(String),
    /// There is no calling in the cloud.
    #[error(
        "there is no calling API in the cloud {0}: run the bot in another cloud, for the tenants of that one"
    )]
    NoCalling(Cloud),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No token can be had.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// Why a call is not placed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlaceError {
    /// The rules forbid it.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// The app has as many calls as it may, and [`Enforce::Refuse`](quota::Enforce::Refuse) is set.
    #[error(transparent)]
    Quota(#[from] QuotaExceeded),
    /// It cannot be put away; nothing was sent.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The bot is about to stop.
    #[error("the bot is drained and takes no new calls; place it with the instance that follows")]
    Draining,
    /// There is no such call any more.
    #[error("there is no call {0} any more")]
    NoCall(CallName),
}

/// Something that happened at a bot, for those who watch: ladders, logs, tests.
#[derive(Clone, Debug)]
pub struct Observed {
    /// When, in milliseconds since the Unix epoch.
    pub at: u64,
    /// To which call.
    pub call: CallName,
    /// What.
    pub what: What,
    /// The state of the call afterwards.
    pub state: State,
}

/// What was observed. `Debug` does not show which key was pressed.
#[derive(Clone)]
#[non_exhaustive]
pub enum What {
    /// A notification was handled.
    Notification {
        /// When it was accepted.
        accepted_at: u64,
        /// What it was about, with its change type and what it told; not which key was pressed.
        about: String,
    },
    /// A request left.
    Request {
        /// Its method and path.
        line: String,
        /// When the notification was accepted that caused it; none where something else did.
        caused_at: Option<u64>,
    },
    /// A request was answered, or was not.
    Answer {
        /// Its method and path.
        line: String,
        /// The status, or what went wrong, with Graph's error in words, and of a refusal what Microsoft's support asks for.
        result: String,
    },
    /// The bot was told of an event.
    Event(callflow_core::event::Event),
    /// With this call four fifths of a limit of the app's calls are used.
    QuotaNearlyUsed(Usage),
}

impl std::fmt::Debug for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Notification { accepted_at, about } => {
                let mut shown = f.debug_struct("Notification");
                shown.field("accepted_at", accepted_at).field("about", about).finish()
            }
            Self::Request { line, caused_at } => {
                f.debug_struct("Request").field("line", line).field("caused_at", caused_at).finish()
            }
            Self::Answer { line, result } => {
                f.debug_struct("Answer").field("line", line).field("result", result).finish()
            }
            Self::Event(event) => f.debug_tuple("Event").field(&Logged(event)).finish(),
            Self::QuotaNearlyUsed(usage) => f.debug_tuple("QuotaNearlyUsed").field(usage).finish(),
        }
    }
}

/// What is known of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Graph's id.
    pub id: Option<String>,
    /// Who called whom.
    pub direction: Direction,
    /// Its state.
    pub state: State,
    /// Peer-to-peer or group, why, and how it is hosted.
    pub classification: Classification,
    /// Whether it was ever established.
    pub ever_established: bool,
    /// Its end.
    pub end: Option<End>,
    /// Who is in it, in its lobby, or invited, as far as the service told.
    pub participants: Vec<Participating>,
    /// How many more are in it of whom nothing else is known.
    pub unnamed: u16,
    /// What the service is asked to do, or does.
    pub operations: Vec<Operation>,
    /// The handler's state, as JSON.
    pub author: Vec<u8>,
}

/// Somebody in a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Participating {
    /// Who he is, where that was told.
    pub named: Option<Named>,
    /// How he stands in the call.
    pub member: Member,
}

impl View {
    fn of(session: &Session, author: Vec<u8>) -> Self {
        let call = session.call();
        let is_in = |member: &&Member| member.presence() != Presence::Left;
        let participating = |member: &Member| Participating {
            named: session.participant(member.id()).cloned(),
            member: *member,
        };
        Self {
            id: session.id().map(str::to_owned),
            direction: call.direction(),
            state: call.state(),
            classification: call.classification(),
            ever_established: call.was_ever_established(),
            end: call.end(),
            participants: call.roster().members().filter(is_in).map(participating).collect(),
            unnamed: call.roster().unnamed(),
            operations: call.operations().rows().copied().collect(),
            author,
        }
    }
}

/// Why a notification is not accepted.
pub(crate) enum AcceptError {
    Store(StoreError),
    TooManyWait,
}

impl From<StoreError> for AcceptError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What a call's task is told.
enum Wake {
    /// Something is in the inbox.
    Inbox,
    /// Something is in the inbox, and here it is.
    Delivered(HandedOver),
    /// A request was answered, or was not.
    Answered {
        ticket: callflow_core::id::Ticket,
        result: Result<crate::client::Answer, ClientError>,
        line: String,
    },
    /// It was in the store when the bot started.
    Restarted,
    /// It is its turn to ask the service how it stands.
    Reconcile(OwnedSemaphorePermit),
    /// A command from outside of the handler.
    Order(Order, oneshot::Sender<Result<(), OrderError>>),
    /// The handler is to be called: `Bot::wake`.
    Woken(oneshot::Sender<()>),
}

struct Running {
    wake: mpsc::UnboundedSender<Wake>,
    /// Somebody else drives it in the same store: it is not taken up again.
    is_anothers: bool,
    tenant_id: Option<String>,
}

pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) store: Arc<dyn Store>,
    /// The same: what it is owed.
    behind: Arc<Behind>,
    pub(crate) authenticator: Authenticator,
    pub(crate) desk: Desk,
    pub(crate) admission: Admission,
    pub(crate) metrics: Arc<Metrics>,
    waiting: Waiting,
    client: GraphClient,
    transport: Arc<dyn Transport>,
    pub(crate) clock: Clock,
    author: Box<dyn Author>,
    running: Mutex<HashMap<CallName, Running>>,
    watchers: RwLock<Vec<mpsc::UnboundedSender<Observed>>>,
    /// Calls that may ask the service how they stand, after a restart.
    reconciling: Arc<Semaphore>,
    tasks: TaskTracker,
    stop: CancellationToken,
    counter: Counter,
    /// Set while the bot is drained.
    draining: watch::Sender<Option<Incoming>>,
    /// Tells that a call is up, or not any more.
    live: watch::Sender<()>,
}

/// A bot: its calls, its webhook, and the way to place calls.
#[derive(Clone)]
pub struct Bot {
    shared: Arc<Shared>,
}

/// A bot that may be gone.
#[derive(Clone)]
pub(crate) struct WeakBot(Weak<Shared>);

impl WeakBot {
    pub(crate) fn upgrade(&self) -> Option<Bot> {
        self.0.upgrade().map(|shared| Bot { shared })
    }
}

impl std::fmt::Debug for Bot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bot").field("callback", &self.shared.config.callback).finish_non_exhaustive()
    }
}

impl Bot {
    /// Starts a bot, and takes up again what its store has: what was accepted is handled, each live call's handler is told
    /// ([`CallHandler::on_resumed`]), and the service is asked how the call stands, for a few calls at a time.
    ///
    /// # Errors
    /// [`StartError`]
    pub async fn start(
        config: Config,
        handler: impl CallHandler,
        store: Arc<dyn Store>,
        transport: Arc<dyn Transport>,
        clock: Clock,
    ) -> Result<Self, StartError> {
        if !config.endpoints.cloud.has_calling() {
            return Err(StartError::NoCalling(config.endpoints.cloud));
        }
        let is_reachable =
            config.callback.parse().is_ok_and(|uri: http::Uri| crate::transport::check_scheme(&uri).is_ok());
        if !is_reachable {
            return Err(StartError::Callback(config.callback));
        }
        let metrics = Arc::new(Metrics::default());
        let client = GraphClient::counted(
            config.credentials.clone(),
            config.endpoints.clone(),
            config.limits,
            Arc::clone(&transport),
            clock,
            Arc::clone(&metrics),
        );
        let authenticator = Authenticator::new(
            config.expected.clone(),
            config.endpoints.openid.clone(),
            Arc::clone(&transport),
            clock,
        );
        let timed = Arc::new(Timed::new(store, Arc::clone(&metrics)));
        let behind = Behind::new(timed, config.store_outage);
        let store: Arc<dyn Store> = Arc::<Behind>::clone(&behind);
        let names = store.names().await?;
        let now = clock.now_millis();
        let monthly = store.count(&Month::of(now).key(), 0).await?;
        let counter = Counter::new(config.quota, now, monthly);
        let admission = Admission::new(&config.webhook);
        let asked_at_a_time = config.asked_at_a_time.clamp(1, Semaphore::MAX_PERMITS);
        let shared = Arc::new(Shared {
            config,
            store,
            behind,
            authenticator,
            desk: Desk::default(),
            admission,
            metrics,
            waiting: Waiting::default(),
            client,
            transport,
            clock,
            author: Box::new(handler),
            running: Mutex::new(HashMap::new()),
            watchers: RwLock::new(Vec::new()),
            reconciling: Arc::new(Semaphore::new(asked_at_a_time)),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            counter,
            draining: watch::Sender::new(None),
            live: watch::Sender::new(()),
        });
        for name in names.into_iter().filter(|name| !name.is_planned()) {
            match shared.store.read(&name).await {
                Ok(record) => {
                    shared.waiting.restore(&name, record.map_or(0, |record| record.inbox.len()));
                }
                Err(error) => tracing::error!(%name, %error, "a call cannot be read; the others go on"),
            }
            shared.wake(&name, Wake::Restarted);
        }
        Ok(Self { shared })
    }

    /// Fetches a token, so that a wrong secret is told of before the first call.
    ///
    /// # Errors
    /// [`StartError::Client`]
    pub async fn check_credentials(&self) -> Result<(), StartError> {
        Ok(self.shared.client.check_credentials().await?)
    }

    /// The webhook, to be mounted so that Graph reaches it at [`Config::callback`].
    pub fn router(&self) -> axum::Router {
        crate::webhook::router(Arc::clone(&self.shared))
    }

    /// The webhook without the path of [`Config::callback`]: to be nested below any path, several bots in one router.
    ///
    /// Each takes only tokens for its own app, so that the path decides whose they have to be.
    pub fn routes(&self) -> axum::Router {
        crate::webhook::routes(Arc::clone(&self.shared))
    }

    /// Calls somebody, or joins a meeting: a [`Target`](crate::session::Target), a
    /// [`Meeting`](crate::session::Meeting), or a [`Placement`] with all its members.
    ///
    /// What becomes of it the handler is told: `Created` and `Established`, or `CommandFailed` and `Ended`.
    ///
    /// # Errors
    /// [`PlaceError`]: nobody was called.
    pub async fn place(&self, placement: impl Into<Placement>) -> Result<CallName, PlaceError> {
        self.place_keeping(placement.into(), Kept::default()).await
    }

    /// The same of a call of which the handler's state is there from the beginning.
    pub(crate) async fn place_keeping(
        &self,
        placement: Placement,
        author: Kept,
    ) -> Result<CallName, PlaceError> {
        let name = CallName::random();
        self.place_as(&name, &placement, author, None).await?;
        Ok(name)
    }

    /// The same under a name that no call has had, with the state that its handler begins with, and a limit for ringing.
    pub(crate) async fn place_as(
        &self,
        name: &CallName,
        placement: &Placement,
        author: Kept,
        ring: Option<Span>,
    ) -> Result<(), PlaceError> {
        let shared = &self.shared;
        if shared.draining().is_some() {
            return Err(PlaceError::Draining);
        }
        let tenant_id = placement.tenant_id().unwrap_or(&shared.config.credentials.tenant_id);
        let mut settings = shared.settings(name, tenant_id);
        if let Some(ring) = ring {
            // One that is out of range was made to fit by who asks.
            settings.timers = settings.timers.with(Timer::Ring, ring).unwrap_or(settings.timers);
        }
        let (session, step) = Session::place(shared.now(), new_key(), placement, &settings)?;
        let state = session.call().state();
        let warned = shared.counter.place(name, shared.clock.now_millis())?;
        if let Err(error) = actor::begin(shared, name, session, step, author).await {
            shared.counter.not_begun(name);
            return Err(error.into());
        }
        shared.warn_of_quota(name, state, warned);
        shared.wake(name, Wake::Inbox);
        Ok(())
    }

    /// What is kept of a call.
    pub(crate) async fn record(&self, name: &CallName) -> Result<Option<Record>, StoreError> {
        self.shared.store.read(name).await
    }

    pub(crate) fn store(&self) -> &Arc<dyn Store> {
        &self.shared.store
    }

    pub(crate) fn clock(&self) -> Clock {
        self.shared.clock
    }

    /// Whether a call is up, as far as this process knows.
    pub(crate) fn is_live(&self, name: &CallName) -> bool {
        self.shared.counter.is_live(name)
    }

    /// Tells when a call is put away that may be up, or not any more.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.shared.live.subscribe()
    }

    /// Cancelled once the bot stops.
    pub(crate) fn stopping(&self) -> CancellationToken {
        self.shared.stop.clone()
    }

    /// Runs a task that ends by itself when the bot stops, and that is waited for.
    pub(crate) fn spawn_to_end(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.shared.tasks.spawn(task);
    }

    /// Runs a task until it ends or the bot stops.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.shared.stop.clone();
        self.shared.tasks.spawn(async move {
            tokio::select! {
                () = task => {}
                () = stop.cancelled() => {}
            }
        });
    }

    /// Commands something of a call from outside of its handler.
    ///
    /// # Errors
    /// [`PlaceError`]: nothing was done.
    pub async fn order(&self, name: &CallName, order: Order) -> Result<(), PlaceError> {
        if self.shared.store.read(name).await?.is_none_or(|record| record.version == 0) {
            return Err(PlaceError::NoCall(name.clone()));
        }
        let (done, result) = oneshot::channel();
        self.shared.wake(name, Wake::Order(order, done));
        match result.await {
            Ok(result) => Ok(result?),
            Err(_) => Err(PlaceError::NoCall(name.clone())),
        }
    }

    /// Calls [`CallHandler::on_wake`] of a call now: where something else than the call is what its handler waits for. What the
    /// handler did is committed when this is done.
    ///
    /// # Errors
    /// [`PlaceError::NoCall`], [`PlaceError::Store`]: the handler was not called.
    pub async fn wake(&self, name: &CallName) -> Result<(), PlaceError> {
        if self.shared.store.read(name).await?.is_none_or(|record| record.version == 0) {
            return Err(PlaceError::NoCall(name.clone()));
        }
        let (done, woken) = oneshot::channel();
        self.shared.wake(name, Wake::Woken(done));
        woken.await.map_err(|_| PlaceError::NoCall(name.clone()))
    }

    /// What is known of a call, as it was last committed.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn view(&self, name: &CallName) -> Result<Option<View>, StoreError> {
        let Some(record) = self.shared.store.read(name).await?.filter(|record| record.version > 0) else {
            return Ok(None);
        };
        let session = Session::from_bytes(&record.call, &record.texts).ok();
        Ok(session.map(|session| View::of(&session, record.author)))
    }

    /// The call of Graph's id; its name is one that no call has where the id is not known.
    pub(crate) async fn named(&self, id: &str) -> Result<CallName, StoreError> {
        self.shared.name_of(id).await
    }

    /// Fetches the keys of the service that posts notifications, where there are none yet: without them every one is
    /// answered 503.
    ///
    /// # Errors
    /// [`Fault::KeysUnavailable`]
    pub async fn check_keys(&self) -> Result<(), Fault> {
        self.shared.authenticator.check_keys().await
    }

    pub(crate) fn downgrade(&self) -> WeakBot {
        WeakBot(Arc::downgrade(&self.shared))
    }

    /// What goes elsewhere than to Graph goes over this, without a circuit.
    pub(crate) fn transport(&self) -> &dyn Transport {
        &*self.shared.transport
    }

    /// The calls that are kept.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn calls(&self) -> Result<Vec<CallName>, StoreError> {
        let mut names = self.shared.store.names().await?;
        names.retain(|name| !name.is_planned());
        Ok(names)
    }

    /// Why the store cannot be written now, and when that changes; none while it can, and has all that it was owed.
    ///
    /// Meanwhile new calls are refused: an incoming one is answered 503 and comes again, a placed one is
    /// [`PlaceError::Store`]. Calls that are up go on from memory, or wait, as [`Config::store_outage`] says. Nothing has to be
    /// done once the store can be written again. It is told of in the log once, and once when it is over.
    pub fn store_fault(&self) -> watch::Receiver<Option<StoreError>> {
        self.shared.behind.fault()
    }

    /// The [metrics](crate::metrics) as text, of the type [`CONTENT`](crate::metrics::CONTENT).
    pub fn metrics(&self) -> String {
        let shared = &self.shared;
        shared.metrics.text(&Now {
            waiting: u64::try_from(shared.waiting.of_all()).unwrap_or(u64::MAX),
            has_store_fault: shared.behind.fault().borrow().is_some(),
            quota: shared.counter.usage(shared.clock.now_millis()),
            trace_lost: shared.config.trace.as_ref().map_or(0, Recorder::lost),
        })
    }

    /// `/metrics`, to be mounted on a listener that only the monitoring reaches.
    pub fn metrics_routes(&self) -> axum::Router {
        crate::metrics::routes(self.clone())
    }

    /// Tells of what happens from now on, until the receiver is dropped.
    pub fn watch(&self) -> mpsc::UnboundedReceiver<Observed> {
        let (watcher, seen) = mpsc::unbounded_channel();
        self.shared.watchers.write().unwrap_or_else(PoisonError::into_inner).push(watcher);
        seen
    }

    /// Stops after what is being handled. What was accepted and not handled is taken up at the next start. What is owed to a
    /// store that could not be written is written now, or told of in the log.
    pub async fn stop(&self) {
        self.shared.stop.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
        self.shared.behind.close().await;
        if let Some(trace) = self.shared.config.trace.clone() {
            // The disk is waited for by a thread that may.
            let _ = tokio::task::spawn_blocking(move || trace.flush()).await;
        }
    }
}

impl Shared {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.clock.now_millis())
    }

    /// What a call of `tenant_id` begins with.
    fn settings(&self, name: &CallName, tenant_id: &str) -> Settings {
        let grants = match self.config.grants {
            Grants::Unknown => self.client.granted(Some(tenant_id)),
            stated @ Grants::Known(_) => stated,
        };
        Settings {
            callback: format!("{}/{name}", self.config.callback.trim_end_matches('/')),
            tenant_id: Some(tenant_id.to_owned()),
            scenario_id: Some(scenario_of(name).to_string()),
            grants,
            policy: self.config.policy,
            beta: self.config.beta,
            lacking: self.config.endpoints.cloud.lacking(),
            overrides: self.config.overrides,
            trust: self.config.trust,
            timers: self.config.timers,
            journal: if self.config.trace.is_some() { Journaling::On } else { Journaling::Off },
        }
    }

    fn observe(&self, call: &CallName, state: State, what: What) {
        let mut watchers = self.watchers.write().unwrap_or_else(PoisonError::into_inner);
        let observed = Observed { at: self.clock.now_millis(), call: call.clone(), what, state };
        watchers.retain(|watcher| watcher.send(observed.clone()).is_ok());
    }

    /// Writes down what a call was told.
    fn trace(&self, call: &CallName, session: &mut Session) {
        if let Some(trace) = &self.config.trace {
            trace.record(call.as_str(), session);
        }
    }

    /// Traces a call that was taken up.
    fn trace_from_here(&self, session: &mut Session) {
        if self.config.trace.is_some() {
            session.keep_journal(self.now(), 0);
        }
    }

    fn warn_of_quota(&self, call: &CallName, state: State, warned: impl IntoIterator<Item = Usage>) {
        for usage in warned {
            let Usage { limit, used, of } = usage;
            tracing::warn!(%limit, used, of, "four fifths of what the app may have are used");
            self.observe(call, state, What::QuotaNearlyUsed(usage));
        }
    }

    /// Puts a notification into the inbox of the call that it is for. Transaction 1.
    pub(crate) async fn accept(
        self: &Arc<Self>,
        name: &CallName,
        delivery: &Arc<Delivery>,
    ) -> Result<(), AcceptError> {
        let bounds = &self.config.webhook;
        let waiting = self.waiting.reserve(name, bounds.max_waiting_of_call, bounds.max_waiting);
        let Some(waiting) = waiting else { return Err(AcceptError::TooManyWait) };
        let is_handed_over = waiting <= HANDED_OVER && delivery.accepted.body.len() <= MAX_HANDED_OVER;
        let handed_over = is_handed_over.then(|| Arc::clone(delivery));
        Ok(self.put_in(name, delivery.to_bytes(), handed_over).await?)
    }

    /// Puts an entry that is counted into an inbox. Of its own: whoever posted may hang up meanwhile.
    async fn put_in(
        self: &Arc<Self>,
        name: &CallName,
        bytes: Vec<u8>,
        handed_over: Option<Arc<Delivery>>,
    ) -> Result<(), StoreError> {
        let (shared, name) = (Arc::clone(self), name.clone());
        let mut put = Box::pin(async move {
            match shared.store.append(&name, bytes).await {
                Ok(seq) => {
                    let wake = handed_over
                        .map_or(Wake::Inbox, |delivery| Wake::Delivered(HandedOver { seq, delivery }));
                    shared.wake(&name, wake);
                    Ok(())
                }
                Err(error) => {
                    shared.waiting.release(&name, 1);
                    Err(error)
                }
            }
        });
        // A store that has nothing to wait for needs no task for that.
        match poll_fn(|context| Poll::Ready(put.as_mut().poll(context))).await {
            Poll::Ready(put) => put,
            Poll::Pending => self.tasks.spawn(put).await.unwrap_or(Err(StoreError::Closed)),
        }
    }

    /// Forgets a call, with what waited for it, unless something came into its inbox since `last_seq`; gives whether it is
    /// gone.
    async fn forget(&self, name: &CallName, last_seq: u64) -> Result<bool, StoreError> {
        let is_gone = self.store.forget(name, last_seq).await?;
        if is_gone {
            self.waiting.forget(name);
            if let Some(trace) = &self.config.trace {
                trace.forget(name.as_str());
            }
        }
        Ok(is_gone)
    }

    /// Puts into the inbox of a call that a joining participant was answered by the default, and says whether he was: else
    /// the bot's answer is being put away.
    pub(crate) async fn answer_by_default(
        self: &Arc<Self>,
        name: &CallName,
        key: &JoiningKey,
    ) -> Result<bool, StoreError> {
        let answer = self.config.joining.default.clone();
        if !self.desk.take_default(key, &answer) {
            return Ok(false);
        }
        let bytes = serde_json::to_vec(&Defaulted { joining: key.clone(), answer }).unwrap_or_default();
        self.waiting.restore(name, 1);
        self.put_in(name, bytes, None).await?;
        Ok(true)
    }

    /// What the notification of `key` was answered, as far as it is put away.
    pub(crate) async fn joining_answer(
        &self,
        name: &CallName,
        key: &JoiningKey,
    ) -> Result<Option<JoiningAnswer>, StoreError> {
        let Some(record) = self.store.read(name).await? else { return Ok(None) };
        let mut of_inbox = record.inbox.iter().filter_map(Defaulted::read);
        let by_default = of_inbox.find(|defaulted| defaulted.joining == *key);
        if let Some(defaulted) = by_default {
            return Ok(Some(defaulted.answer));
        }
        let session = Session::from_bytes(&record.call, &record.texts).ok();
        Ok(session.and_then(|session| session.joining_answer(key.as_str()).cloned()))
    }

    /// The call that news of `id` is for: the one that has the id, or the name that an incoming call of this id gets.
    pub(crate) async fn name_of(&self, id: &str) -> Result<CallName, StoreError> {
        let known = self.store.resolve(&alias_of(id)).await?;
        Ok(known.unwrap_or_else(|| CallName::of_incoming(CallId::parse(id))))
    }

    /// The tenant of a call that is known: what its task has said, or what is kept of it.
    pub(crate) async fn tenant_of(&self, name: &CallName) -> Result<Option<String>, StoreError> {
        let said = {
            let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            running.get(name).and_then(|running| running.tenant_id.clone())
        };
        if said.is_some() {
            return Ok(said);
        }
        let Some(record) = self.store.read(name).await?.filter(|record| record.version > 0) else {
            return Ok(None);
        };
        if record.about.tenant_id.is_some() {
            return Ok(record.about.tenant_id);
        }
        let session = Session::from_bytes(&record.call, &record.texts).map_err(|error| {
            tracing::error!(%name, %error, "the call is kept and cannot be read; nobody can be told to be of its tenant");
            StoreError::Closed
        })?;
        Ok(session.tenant_id().map(str::to_owned))
    }

    fn learn_tenant(&self, name: &CallName, tenant_id: Option<&str>) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(running), Some(tenant_id)) = (running.get_mut(name), tenant_id) {
            running.tenant_id = Some(tenant_id.to_ascii_lowercase());
        }
    }

    /// Leaves a call to another instance, until this one starts anew.
    fn leave(&self, name: &CallName) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = running.get_mut(name) {
            running.is_anothers = true;
        }
        drop(running);
        // It is over here: nothing can be warned of.
        let _ = self.counter.set_live(name, false);
        self.live.send_replace(());
    }

    /// Tells the task of a call, and starts one where there is none.
    fn wake(self: &Arc<Self>, name: &CallName, wake: Wake) {
        if name.is_planned() {
            return;
        }
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let wake = match running.get(name) {
            Some(known) if known.is_anothers => return,
            Some(known) => match known.wake.send(wake) {
                Ok(()) => return,
                Err(unsent) => unsent.0,
            },
            None => wake,
        };
        if self.stop.is_cancelled() {
            return;
        }
        let (sender, receiver) = mpsc::unbounded_channel();
        // The receiver is in hand: this cannot fail.
        let _ = sender.send(wake);
        running.insert(name.clone(), Running { wake: sender.clone(), is_anothers: false, tenant_id: None });
        let span = span::of_call(name);
        let (shared, name) = (Arc::clone(self), name.clone());
        self.tasks.spawn(actor::run(shared, name, sender, receiver).instrument(span));
    }
}

#[allow(clippy::cast_possible_truncation)] // half of the random bits are enough
fn new_key() -> CallKey {
    CallKey::new(uuid::Uuid::new_v4().as_u128() as u64)
}

/// The `Scenario-Id` of a call whose first notification brought none: the same after a restart. The name cannot be read out
/// of it, which is a secret for calls that the bot places.
fn scenario_of(name: &CallName) -> uuid::Uuid {
    const CALLS: uuid::Uuid = uuid::uuid!("5f3a0c7e-6a0e-4f0b-9d1b-3c4f0e3f6c11");
    uuid::Uuid::new_v5(&CALLS, name.as_str().as_bytes())
}

/// Whether a token of `tenant_id` speaks for a call of `of_call`.
///
/// Tokens name tenants by their ids: a call whose tenant is not known, or is a domain's name, cannot be compared.
pub(crate) fn is_of_tenant(of_call: Option<&str>, tenant_id: &str) -> bool {
    let known = of_call.filter(|tenant| uuid::Uuid::try_parse(tenant).is_ok());
    known.is_none_or(|tenant| tenant.eq_ignore_ascii_case(tenant_id))
}

/// Graph's id in one spelling, fit for a name.
fn alias_of(id: &str) -> String {
    format!("{:032x}", u128::from_be_bytes(CallId::parse(id).to_bytes()))
}
