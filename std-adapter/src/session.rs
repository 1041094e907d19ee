//! A call with its JSON, still without I/O: what a runtime drives, and what a bot in another language embeds.
//!
//! In go a notification, a response's status and bytes, a command, or the time; out come the HTTP to make, what the bot
//! learns, and the next deadline. Core keeps ids as bits; the session keeps their texts, which paths need, and the
//! requests that core holds back.
//!
//! ```
//! use callflow_core::id::CallKey;
//! use callflow_core::time::Timestamp;
//! use callflow_graph::session::{Order, Session, Settings};
//! use callflow_graph::wire::notification::read_batch;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let body = br##"{"value": [{"changeType": "created", "resourceUrl": "/communications/calls/57DA",
//!     "resourceData": {"@odata.type": "#microsoft.graph.call", "state": "incoming"}}]}"##;
//! let batch = read_batch(body)?;
//! let settings = Settings::new("https://bot.example/calls/1");
//! let now = Timestamp::from_millis(0);
//! let (mut session, _) = Session::offered(now, CallKey::new(1), &batch.notices[0], &settings).ok_or("no incoming call")?;
//! let step = session.order(now, &Order::Answer)?;
//! assert_eq!(step.requests[0].http.path, "/communications/calls/57DA/answer");
//! # Ok(())
//! # }
//! ```

use callflow_core::call::{Call, Input, Offer, Output, Placement, Refused, Verdict};
use callflow_core::command::{Command, MediaConfig, RejectReason};
use callflow_core::deadline;
use callflow_core::event::Event;
use callflow_core::id::{CallId, CallKey, ClientContext, OperationId, Ticket};
use callflow_core::identity::Identity;
use callflow_core::lifecycle::State;
use callflow_core::list::List;
use callflow_core::permission::{Grants, Policy};
use callflow_core::report::{Report, Response, Told};
use callflow_core::request::{Dispatch, Request};
use callflow_core::snapshot::SnapshotError;
use callflow_core::text::{Secret, Uri};
use callflow_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::wire::graph_error::GraphError;
use crate::wire::notification::{Notice, Subject};
use crate::wire::request::{HttpRequest, IdTexts, write};
use crate::wire::resource::Party;
use crate::wire::response::{Answered, read_answer};

/// The call of core, with the room that a server gives it: 64 participants, 16 operations.
pub type Machine = Call<64, 16>;

/// What a session is told when it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where Graph posts news of this call.
    pub callback: String,
    /// The tenant in which a call is placed.
    pub tenant_id: Option<String>,
    /// What is known of the app's permissions.
    pub grants: Grants,
    /// What becomes of a command whose permission is known to be missing.
    pub policy: Policy,
}

impl Settings {
    /// News goes to `callback`; the app's permissions are not known.
    pub fn new(callback: impl Into<String>) -> Self {
        Self { callback: callback.into(), tenant_id: None, grants: Grants::Unknown, policy: Policy::Advise }
    }
}

/// Whom to call.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// A user, by object id.
    User(String),
    /// A phone number in E.164 form.
    Phone(String),
    /// Another bot, by application id.
    Application(String),
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User(id) => f.debug_tuple("User").field(id).finish(),
            Self::Phone(_) => f.debug_tuple("Phone").field(&"<redacted>").finish(),
            Self::Application(id) => f.debug_tuple("Application").field(id).finish(),
        }
    }
}

impl Target {
    fn identity(&self) -> Identity<'_> {
        match self {
            Self::User(id) => Identity::User(id),
            Self::Phone(number) => Identity::Phone(Secret::new(number)),
            Self::Application(id) => Identity::Application(id),
        }
    }
}

/// A command of the bot: core's vocabulary, owned. Media is hosted by the service.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// Answer.
    Answer,
    /// Reject, for this reason.
    Reject(RejectReason),
    /// Hang up.
    HangUp,
    /// Keep the call alive now.
    KeepAlive,
    /// Ask the service for the call.
    Refresh,
    /// Play the WAV files at these addresses.
    PlayPrompt(Vec<String>),
    /// Be told of tones.
    SubscribeToTone,
}

impl std::fmt::Debug for Order {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Answer => f.write_str("Answer"),
            Self::Reject(reason) => f.debug_tuple("Reject").field(reason).finish(),
            Self::HangUp => f.write_str("HangUp"),
            Self::KeepAlive => f.write_str("KeepAlive"),
            Self::Refresh => f.write_str("Refresh"),
            Self::PlayPrompt(uris) => {
                let shown: Vec<_> = uris.iter().map(|uri| Uri::new(uri)).collect();
                f.debug_tuple("PlayPrompt").field(&shown).finish()
            }
            Self::SubscribeToTone => f.write_str("SubscribeToTone"),
        }
    }
}

/// HTTP to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Its ticket: what becomes of it is handed in with this.
    pub ticket: Ticket,
    /// Whether it must not be repeated unless the service said that it took nothing.
    pub once_only: bool,
    /// The request.
    pub http: HttpRequest,
}

/// What an input gave.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Step {
    /// The HTTP to make, in this order.
    pub requests: Vec<Outgoing>,
    /// What the bot learns, in this order.
    pub events: Vec<Event>,
    /// What the input did.
    pub verdict: Verdict,
    /// The ticket of the command that was handed in.
    pub ticket: Option<Ticket>,
}

/// Why bytes are no session.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The call cannot be read.
    #[error("{0}")]
    Snapshot(#[from] SnapshotError),
    /// The texts beside it cannot be read.
    #[error("the texts of the session cannot be read ({0}); restore them from a copy")]
    Texts(String),
}

/// The texts of a call, which core does not keep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Texts {
    callback: String,
    tenant_id: Option<String>,
    call: Option<String>,
    operations: Vec<String>,
    source: Option<Party>,
    /// What core holds back, to be written when it is released.
    held: Vec<(Ticket, Order)>,
}

impl IdTexts for Texts {
    fn call(&self) -> Option<&str> {
        self.call.as_deref()
    }

    fn operation(&self, id: OperationId) -> Option<&str> {
        self.operations.iter().map(String::as_str).find(|text| OperationId::parse(text) == id)
    }
}

/// One call with its JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    call: Machine,
    texts: Texts,
}

impl Session {
    /// A call to the bot; `None` where `notice` tells of no incoming call.
    pub fn offered(
        now: Timestamp,
        key: CallKey,
        notice: &Notice,
        settings: &Settings,
    ) -> Option<(Self, Step)> {
        let Subject::Call(told) = &notice.subject else { return None };
        if told.news.state != Told::State(State::Incoming) {
            return None;
        }
        let id = notice.call.clone()?;
        let mut offer = Offer::new(key, CallId::parse(&id));
        offer.coordinates = told.news.coordinates;
        offer.grants = settings.grants;
        offer.policy = settings.policy;
        if told.is_policy_recording {
            offer.answer_within = deadline::ANSWER_POLICY_RECORDING;
        }
        let (call, output) = Machine::offered(now, offer);
        let texts = Texts {
            callback: settings.callback.clone(),
            tenant_id: told.tenant_id.clone().or_else(|| settings.tenant_id.clone()),
            call: Some(id),
            operations: Vec::new(),
            source: told.source.clone(),
            held: Vec::new(),
        };
        let mut session = Self { call, texts };
        let (step, _) = session.texts.write(key, &output, None);
        Some((session, step))
    }

    /// A call that the bot places.
    ///
    /// # Errors
    /// [`Refused`]
    pub fn place(
        now: Timestamp,
        key: CallKey,
        targets: &[Target],
        settings: &Settings,
    ) -> Result<(Self, Step), Refused> {
        let identities: Vec<_> = targets.iter().map(Target::identity).collect();
        let mut placement = Placement::new(key, Uri::new(&settings.callback), List::new(&identities));
        placement.grants = settings.grants;
        placement.policy = settings.policy;
        let (call, output) = Machine::place(now, &placement)?;
        let mut texts = Texts {
            callback: settings.callback.clone(),
            tenant_id: settings.tenant_id.clone(),
            call: None,
            operations: Vec::new(),
            source: None,
            held: Vec::new(),
        };
        let (step, _) = texts.write(key, &output, None);
        Ok((Self { call, texts }, step))
    }

    /// Takes in what Graph told.
    pub fn notice(&mut self, now: Timestamp, notice: &Notice) -> Step {
        self.texts.learn(notice.call.as_deref(), &notice.subject);
        self.report(now, notice.report())
    }

    /// Takes in the answer to the request of `ticket`: its status, its `Location` header and its body.
    ///
    /// A body that cannot be read is taken for none, and named by the second value.
    pub fn response(
        &mut self,
        now: Timestamp,
        ticket: Ticket,
        status: u16,
        location: Option<&str>,
        body: &[u8],
    ) -> (Step, Option<crate::wire::WireError>) {
        let (mut answered, fault) = match read_answer(body) {
            Ok((answered, _)) => (answered, None),
            Err(fault) => (Answered::Nothing, Some(fault)),
        };
        let code = GraphError::read(body).map_or(0, |error| error.number());
        let located = location.and_then(|location| location.trim_end_matches('/').rsplit('/').next());
        match &mut answered {
            Answered::Call(told) => {
                let id = told.id.clone().or_else(|| located.map(str::to_owned));
                told.news.id = id.as_deref().map(CallId::parse);
                self.texts.call = self.texts.call.take().or(id);
            }
            Answered::Operation(told) => {
                told.id = told.id.take().or_else(|| located.map(str::to_owned));
                told.news.id = told.id.as_deref().map(OperationId::parse);
                self.texts.learn_operation(told.id.as_deref());
            }
            Answered::Nothing | Answered::Roster(_) | Answered::Error | Answered::Other(_) => {
                if status == 201 {
                    self.texts.call = self.texts.call.take().or_else(|| located.map(str::to_owned));
                }
            }
        }
        let response = Response { ticket, status, code, body: answered.body() };
        (self.report(now, Report::Response(response)), fault)
    }

    /// Takes in that the request of `ticket` left, and that no answer came.
    pub fn no_response(&mut self, now: Timestamp, ticket: Ticket) -> Step {
        self.report(now, Report::NoResponse { ticket })
    }

    /// Takes in that the request of `ticket` certainly never arrived.
    pub fn not_sent(&mut self, now: Timestamp, ticket: Ticket) -> Step {
        self.report(now, Report::NotSent { ticket })
    }

    /// Takes in a command.
    ///
    /// # Errors
    /// [`Refused`]: nothing changed.
    pub fn order(&mut self, now: Timestamp, order: &Order) -> Result<Step, Refused> {
        let callback = self.texts.callback.clone();
        let prompts: Vec<Uri<'_>>;
        let command = match order {
            Order::Answer => {
                Command::Answer { callback: Uri::new(&callback), media: MediaConfig::ServiceHosted }
            }
            Order::Reject(reason) => Command::Reject { reason: *reason },
            Order::HangUp => Command::HangUp,
            Order::KeepAlive => Command::KeepAlive,
            Order::Refresh => Command::Refresh,
            Order::PlayPrompt(uris) => {
                prompts = uris.iter().map(|uri| Uri::new(uri)).collect();
                Command::PlayPrompt { prompts: List::new(&prompts) }
            }
            Order::SubscribeToTone => Command::SubscribeToTone,
        };
        let key = self.call.key();
        let output = self.call.handle(now, Input::Command(command))?;
        let (step, unwritten) = self.texts.write(key, &output, Some(order));
        drop(output);
        Ok(self.settle_unwritten(now, step, unwritten))
    }

    /// Takes in that the time has come.
    pub fn tick(&mut self, now: Timestamp) -> Step {
        self.input(now, Input::Tick)
    }

    /// When to call [`Self::tick`], and what for.
    pub fn next_deadline(&self) -> Option<deadline::Deadline> {
        self.call.next_deadline()
    }

    /// The call.
    pub fn call(&self) -> &Machine {
        &self.call
    }

    /// The call's id, as Graph wrote it.
    pub fn id(&self) -> Option<&str> {
        self.texts.call.as_deref()
    }

    /// Who called the bot, as far as Graph said.
    pub fn source(&self) -> Option<&Party> {
        self.texts.source.as_ref()
    }

    /// The tenant of the call.
    pub fn tenant_id(&self) -> Option<&str> {
        self.texts.tenant_id.as_deref()
    }

    /// The call and its texts as bytes.
    ///
    /// # Errors
    /// [`SessionError`]
    pub fn to_bytes(&self) -> Result<(Vec<u8>, Vec<u8>), SessionError> {
        let mut buffer = [0; Machine::SNAPSHOT_LEN];
        let call = self.call.encode(&mut buffer)?.to_vec();
        let texts = serde_json::to_vec(&self.texts).map_err(|e| SessionError::Texts(e.to_string()))?;
        Ok((call, texts))
    }

    /// The session of these bytes.
    ///
    /// # Errors
    /// [`SessionError`]
    pub fn from_bytes(call: &[u8], texts: &[u8]) -> Result<Self, SessionError> {
        Ok(Self {
            call: Machine::decode(call)?,
            texts: serde_json::from_slice(texts).map_err(|e| SessionError::Texts(e.to_string()))?,
        })
    }

    fn report(&mut self, now: Timestamp, report: Report<'_>) -> Step {
        self.input(now, Input::Report(report))
    }

    fn input(&mut self, now: Timestamp, input: Input<'_>) -> Step {
        let key = self.call.key();
        let (step, unwritten) = match self.call.handle(now, input) {
            Ok(output) => self.texts.write(key, &output, None),
            // Reports and ticks are never refused.
            Err(_) => (Step::none(), Vec::new()),
        };
        self.settle_unwritten(now, step, unwritten)
    }

    /// A request whose ids have no text never leaves, and the call is told so.
    fn settle_unwritten(&mut self, now: Timestamp, mut step: Step, unwritten: Vec<Ticket>) -> Step {
        for ticket in unwritten {
            let more = self.not_sent(now, ticket);
            step.requests.extend(more.requests);
            step.events.extend(more.events);
        }
        step
    }
}

impl Step {
    const fn none() -> Self {
        Self { requests: Vec::new(), events: Vec::new(), verdict: Verdict::Repeat, ticket: None }
    }
}

impl Texts {
    fn learn(&mut self, call: Option<&str>, subject: &Subject) {
        if self.call.is_none() {
            self.call = call.map(str::to_owned);
        }
        if let Subject::Operation(told) = subject {
            self.learn_operation(told.id.as_deref());
        }
    }

    /// Keeps the text of an operation's id; of very many only the newest.
    fn learn_operation(&mut self, id: Option<&str>) {
        const KEPT: usize = 64;
        let Some(id) = id.filter(|id| !self.operations.iter().any(|known| known == id)) else { return };
        if self.operations.len() >= KEPT {
            self.operations.remove(0);
        }
        self.operations.push(id.to_owned());
    }

    /// Writes what core asks for; also gives the tickets of what could not be written.
    fn write(&mut self, key: CallKey, output: &Output<'_>, order: Option<&Order>) -> (Step, Vec<Ticket>) {
        let mut step = Step {
            requests: Vec::new(),
            events: output.events().to_vec(),
            verdict: output.verdict(),
            ticket: output.ticket(),
        };
        let mut unwritten = Vec::new();
        for request in output.requests() {
            let ticket = request.ticket();
            let held = match request {
                Request::PlayPrompt { dispatch: Dispatch::Held, .. }
                | Request::SubscribeToTone { dispatch: Dispatch::Held, .. } => {
                    self.held.extend(order.map(|order| (ticket, order.clone())));
                    continue;
                }
                Request::Release { .. } => {
                    let place = self.held.iter().position(|(held, _)| *held == ticket);
                    place.map(|place| self.held.remove(place).1)
                }
                _ => None,
            };
            let http = match (&held, request) {
                (Some(Order::PlayPrompt(uris)), Request::Release { .. }) => {
                    let prompts: Vec<_> = uris.iter().map(|uri| Uri::new(uri)).collect();
                    let prompts = List::new(&prompts);
                    let context = ClientContext { key, ticket };
                    write(&Request::PlayPrompt { context, prompts, dispatch: Dispatch::Now }, self, None)
                }
                (Some(Order::SubscribeToTone), Request::Release { .. }) => {
                    let context = ClientContext { key, ticket };
                    write(&Request::SubscribeToTone { context, dispatch: Dispatch::Now }, self, None)
                }
                (_, request) => write(request, self, self.tenant_id.as_deref()),
            };
            match http {
                Some(http) => {
                    step.requests.push(Outgoing { ticket, once_only: request.is_once_only(), http });
                }
                None => unwritten.push(ticket),
            }
        }
        if output.events().iter().any(|event| matches!(event, Event::Ended(_))) {
            self.held.clear();
        }
        (step, unwritten)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::notification::read_batch;

    const NOW: Timestamp = Timestamp::from_millis(0);

    fn notice(change: &str, data: &str) -> Notice {
        let body = format!(
            r#"{{"value": [{{"changeType": "{change}", "resourceUrl": "/communications/calls/57DA", "resourceData": {data}}}]}}"#
        );
        read_batch(body.as_bytes()).unwrap().notices.remove(0)
    }

    fn offered() -> Session {
        let incoming =
            notice("created", r#"{"state": "incoming", "source": {"identity": {"user": {"id": "u"}}}}"#);
        Session::offered(NOW, CallKey::new(1), &incoming, &Settings::new("https://bot.example/1")).unwrap().0
    }

    #[test]
    fn a_prompt_asked_for_early_leaves_with_the_audio_and_survives_its_bytes() {
        let mut session = offered();
        let answer = session.order(NOW, &Order::Answer).unwrap();
        let _ = session
            .order(NOW, &Order::PlayPrompt(vec!["https://bot.example/a.wav?sig=s".to_owned()]))
            .unwrap();
        let _ = session.response(NOW, answer.ticket.unwrap(), 202, None, b"");
        let (call, texts) = session.to_bytes().unwrap();
        let mut session = Session::from_bytes(&call, &texts).unwrap();
        let step = session.notice(
            NOW,
            &notice("updated", r#"{"state": "established", "mediaState": {"audio": "active"}}"#),
        );
        assert_eq!(step.requests.len(), 1);
        assert_eq!(step.requests[0].http.path, "/communications/calls/57DA/playPrompt");
        assert!(step.requests[0].http.body.as_ref().unwrap().contains("a.wav?sig=s"));
        assert!(step.requests[0].once_only);
        let body = br##"{"@odata.type": "#microsoft.graph.playPromptOperation", "status": "running"}"##;
        let location = "https://graph.microsoft.com/v1.0/communications/calls/57DA/operations/0FE0";
        let _ = session.response(NOW, step.requests[0].ticket, 200, Some(location), body);
        let step = session.order(NOW, &Order::Refresh).unwrap();
        assert_eq!(step.requests[1].http.path, "/communications/calls/57DA/operations/0FE0");
    }

    #[test]
    fn a_created_call_is_known_by_its_location() {
        let settings = Settings::new("https://bot.example/1");
        let (mut session, step) =
            Session::place(NOW, CallKey::new(1), &[Target::User("u".to_owned())], &settings).unwrap();
        let ticket = step.requests[0].ticket;
        let _ =
            session.response(NOW, ticket, 201, Some("https://graph/v1.0/communications/calls/2e1a/"), b"");
        assert_eq!(session.id(), Some("2e1a"));
        let step = session.order(NOW, &Order::HangUp).unwrap();
        assert_eq!(step.requests[0].http.path, "/communications/calls/2e1a");
    }

    #[test]
    fn a_created_call_without_any_id_cannot_be_hung_up_and_says_so() {
        let settings = Settings::new("https://bot.example/1");
        let (mut session, step) =
            Session::place(NOW, CallKey::new(1), &[Target::User("u".to_owned())], &settings).unwrap();
        let (_, fault) = session.response(NOW, step.requests[0].ticket, 201, None, b"<html>");
        assert!(fault.is_some());
        let step = session.order(NOW, &Order::HangUp).unwrap();
        assert!(matches!(step.events[..], [Event::CommandFailed { status: 0, .. }]), "{step:?}");
    }

    #[test]
    fn a_missing_permission_comes_with_its_number() {
        let settings = Settings::new("https://bot.example/1");
        let (mut session, step) =
            Session::place(NOW, CallKey::new(1), &[Target::User("u".to_owned())], &settings).unwrap();
        let body =
            br#"{"error": {"code": "7504", "message": "Insufficient enterprise tenant permissions."}}"#;
        let (step, _) = session.response(NOW, step.requests[0].ticket, 403, None, body);
        assert!(matches!(step.events[0], Event::CommandFailed { status: 403, code: 7504, .. }));
        assert!(session.call().state().is_ended());
    }

    #[test]
    fn what_is_no_incoming_call_begins_no_session() {
        let settings = Settings::new("https://bot.example/1");
        let late = notice("updated", r#"{"state": "established"}"#);
        assert!(Session::offered(NOW, CallKey::new(1), &late, &settings).is_none());
    }
}
