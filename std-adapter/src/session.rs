//! A call with its JSON, still without I/O: what a runtime drives, and what a bot in another language embeds.
//!
//! In go a notification, a response's status and bytes, a command, or the time; out come the HTTP to make, what the bot
//! learns, and the next deadline. Core keeps ids as bits; the session keeps their texts, which paths need, and the
//! requests that core holds back. It needs no tokio, no HTTP library and no database: build the adapter with its default
//! features off. `examples/by_hand.rs` drives a whole call so, over a restart in its middle.
//!
//! | an embedder | hands in | and gets |
//! | --- | --- | --- |
//! | is posted a notification | [`read_batch`](crate::wire::notification::read_batch), then [`Session::notice`] for each entry of the call, or [`Session::offered`] for a new one | a [`Step`] |
//! | wants something | [`Session::order`], or [`Session::place`] for a new call | a [`Step`], or why not |
//! | made a request of a step | [`Session::response`], [`Session::no_response`] or [`Session::not_sent`], with its ticket | a [`Step`] |
//! | sees [`Session::next_deadline`] pass | [`Session::tick`] | a [`Step`] |
//! | keeps the call | [`Session::to_bytes`] after each step and before its requests leave; [`Session::from_bytes`] | the call |
//!
//! Inputs of one call are handed in one after another. A request that is [`once_only`](Outgoing::once_only) is never sent
//! twice, unless the service said that it took nothing (429); what may have been sent before a crash is told as
//! [`Session::no_response`].
//!
//! ```
//! use callflow_core::id::CallKey;
//! use callflow_core::time::Timestamp;
//! use callflow_graph::session::{Answer, Order, Session, Settings};
//! use callflow_graph::wire::notification::read_batch;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let body = br##"{"value": [{"changeType": "created", "resourceUrl": "/communications/calls/57DA",
//!     "resourceData": {"@odata.type": "#microsoft.graph.call", "state": "incoming"}}]}"##;
//! let batch = read_batch(body)?;
//! let settings = Settings::new("https://bot.example/calls/1");
//! let now = Timestamp::from_millis(0);
//! let (mut session, _) = Session::offered(now, CallKey::new(1), &batch.notices[0], &settings).ok_or("no incoming call")?;
//! let step = session.order(now, &Order::Answer(Answer::default()))?;
//! assert_eq!(step.requests[0].http.path, "/communications/calls/57DA/answer");
//! # Ok(())
//! # }
//! ```

mod joining;
pub mod journal;
mod offered;
mod placed;
mod recovered;
mod texts;
mod timers;
#[cfg(feature = "net")]
mod wakes;

pub use crate::wire::order::{
    Answer, AudioRoutingGroup, Invitee, JoiningAnswer, Order, Record, Redirect, Transfer, Transferee,
};
pub use crate::wire::placement::{Caller, Destination, Media, Meeting, Placement, RoutingPolicy, Target};
pub use crate::wire::text::{Address, Sensitive};

use callflow_core::action::{Action, Actions};
use callflow_core::call::{Call, Input, Offer, Refused, Setup, Verdict};
use callflow_core::deadline::{self, Timers};
use callflow_core::event::Event;
use callflow_core::id::{CallId, CallKey, OperationId, ParticipantId, Ticket};
use callflow_core::lifecycle::State;
use callflow_core::permission::{Grants, Policy};
use callflow_core::report::{Report, Response, Told};
use callflow_core::restriction::{Overrides, PolicyRecording};
use callflow_core::roster::Trust;
use callflow_core::snapshot::SnapshotError;
use callflow_core::time::Timestamp;

use crate::wire::audio_routing_group::AudioRoutingGroupTold;
use crate::wire::graph_error::GraphError;
use crate::wire::notification::{Notice, Subject};
use crate::wire::request::HttpRequest;
use crate::wire::resource::{Named, Party, Recording};
use crate::wire::response::{Answered, read_answer};
use journal::{Body, Input as Heard, Journal, Journaling};
use offered::Offered;
use serde::{Deserialize, Serialize};
use texts::Texts;

/// The call of core, with the room that a server gives it: 64 participants, 16 operations.
pub type Machine = Call<64, 16>;

/// What a session is told when it begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Where Graph posts news of this call.
    pub callback: String,
    /// The tenant in which a call is placed, where its destination names none.
    pub tenant_id: Option<String>,
    /// `Scenario-Id`: what ties the call's requests and notifications together in the service's logs, a GUID. It is kept
    /// with the call.
    pub scenario_id: Option<String>,
    /// What is known of the app's permissions.
    pub grants: Grants,
    /// What becomes of a command whose permission is known to be missing.
    pub policy: Policy,
    /// Whether requests that only beta has may be made.
    pub beta: Beta,
    /// The actions that the service does not offer: those that the worldwide cloud has and another lacks.
    pub lacking: Actions,
    /// Restrictions that are switched off, by name.
    pub overrides: Overrides,
    /// What it means that a full roster lacks somebody.
    pub trust: Trust,
    /// The timers.
    #[serde(with = "timers")]
    pub timers: Timers,
    /// Whether it keeps a journal of what it is told.
    #[serde(skip)]
    pub journal: Journaling,
}

impl Settings {
    /// News goes to `callback`; the app's permissions are not known, and nothing is switched off.
    pub fn new(callback: impl Into<String>) -> Self {
        Self {
            callback: callback.into(),
            tenant_id: None,
            scenario_id: None,
            grants: Grants::Unknown,
            policy: Policy::Advise,
            beta: Beta::Off,
            lacking: Actions::default(),
            overrides: Overrides::NONE,
            trust: Trust::Confirm,
            timers: Timers::DEFAULT,
            journal: Journaling::Off,
        }
    }

    fn offered(&self) -> Offered {
        Offered { beta: self.beta, lacking: self.lacking }
    }

    fn setup(&self, key: CallKey) -> Setup {
        Setup {
            key,
            grants: self.grants,
            policy: self.policy,
            overrides: self.overrides,
            trust: self.trust,
            timers: self.timers,
        }
    }
}

/// Whether requests may be made that only the beta version of the API has: its members may change at any time, and the
/// vendor supports no use of it in production. Such are a prompt that is played without end, and a redirect that hides an
/// identity.
///
/// Source: Graph docs, versioning and support.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Beta {
    /// They are refused.
    #[default]
    Off,
    /// They go to beta; everything else goes to v1.0.
    On,
}

/// Why an order is not carried out. Nothing changed, and nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OrderError {
    /// The call's rules forbid it.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Only beta has it.
    #[error("`{member}` is in the beta version of Graph only: leave it out, or set `beta` to `Beta::On`")]
    Beta {
        /// The member.
        member: &'static str,
    },
    /// The cloud does not have it.
    #[error("{} is not offered in this cloud: the worldwide one has it", .action.name())]
    NotInCloud {
        /// The action.
        action: Action,
    },
}

/// HTTP to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Its ticket: what becomes of it is handed in with this.
    pub ticket: Ticket,
    /// What it does.
    pub action: Action,
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
    /// The JSON body of the response, with status 200, to the oldest notification of a joining participant that waits for
    /// one: what [`Order::AnswerJoining`] becomes.
    pub joining_answer: Option<String>,
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

/// One call with its JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    call: Machine,
    texts: Texts,
    journal: Journal,
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
        let recording = if told.is_policy_recording { PolicyRecording::Yes } else { PolicyRecording::No };
        let offer = Offer { coordinates: told.news.coordinates, recording, ..Offer::new(CallId::parse(&id)) };
        let (call, output) = Machine::offered(now, settings.setup(key), offer);
        let tenant_id = told.tenant_id.clone().or_else(|| settings.tenant_id.clone());
        let mut texts = Texts::new(&settings.callback, tenant_id);
        texts.scenario_id.clone_from(&settings.scenario_id);
        texts.offered = settings.offered();
        texts.call = Some(id);
        texts.source.clone_from(&told.source);
        texts.learn_call(told);
        let (step, _) = texts.write(&call, &output, None);
        let mut session = Self { call, texts, journal: Journal::new(settings.journal) };
        let heard =
            || Heard::Offered { key, settings: Box::new(settings.clone()), notice: notice.posted.clone() };
        session.journal.note(now, heard, Ok(&step), &session.call);
        Some((session, step))
    }

    /// A call that the bot places, or a meeting that it joins.
    ///
    /// # Errors
    /// [`OrderError`]
    pub fn place(
        now: Timestamp,
        key: CallKey,
        placement: &Placement,
        settings: &Settings,
    ) -> Result<(Self, Step), OrderError> {
        if let (Beta::Off, Some(member)) = (settings.beta, placement.beta_member()) {
            return Err(OrderError::Beta { member });
        }
        placement.with(&settings.callback, |placed| {
            let (call, output) = Machine::place(now, settings.setup(key), placed)?;
            let tenant_id = placement.tenant_id().map(str::to_owned).or_else(|| settings.tenant_id.clone());
            let mut texts = Texts::new(&settings.callback, tenant_id);
            texts.meeting = match &placement.to {
                Destination::Meeting(meeting) => Some(meeting.clone()),
                Destination::Targets(_) => None,
            };
            texts.scenario_id.clone_from(&settings.scenario_id);
            texts.offered = settings.offered();
            let (mut step, _) = texts.write(&call, &output, None);
            step.requests.iter_mut().for_each(|request| placement.complete(&mut request.http));
            let mut session = Self { call, texts, journal: Journal::new(settings.journal) };
            let (of_settings, of_placement) = (|| Box::new(settings.clone()), || Box::new(placement.clone()));
            let heard = || Heard::Placed { key, settings: of_settings(), placement: of_placement() };
            session.journal.note(now, heard, Ok(&step), &session.call);
            Ok((session, step))
        })
    }

    /// Takes in what Graph told.
    pub fn notice(&mut self, now: Timestamp, notice: &Notice) -> Step {
        let step = self.take_notice(now, notice);
        self.journal.note(now, || Heard::Notified(notice.posted.clone()), Ok(&step), &self.call);
        step
    }

    fn take_notice(&mut self, now: Timestamp, notice: &Notice) -> Step {
        self.texts.learn(&self.call, notice.call.as_deref(), &notice.subject);
        self.report(now, &notice.report())
    }

    /// Takes in the notification that a participant is joining, which `key` tells from others: one that has come before
    /// changes nothing.
    ///
    /// Afterwards it waits for [`Order::AnswerJoining`] or [`Self::answer_joining`], and what it was answered is kept as
    /// [`Self::joining_answer`] with the call. One that the call takes no notice of, since it has ended, does not wait.
    pub fn joining(&mut self, now: Timestamp, notice: &Notice, key: &str) -> Step {
        let step = self.take_joining(now, notice, key);
        let heard = || Heard::Joining { notice: notice.posted.clone(), key: key.to_owned() };
        self.journal.note(now, heard, Ok(&step), &self.call);
        step
    }

    fn take_joining(&mut self, now: Timestamp, notice: &Notice, key: &str) -> Step {
        if self.texts.joinings.knows(key) {
            return Step::none();
        }
        let step = self.take_notice(now, notice);
        if step.events.contains(&Event::Joining) {
            self.texts.joinings.wait(key);
        }
        step
    }

    /// Answers the notification of `key`, unless that was done: what an embedder does in the bot's place.
    ///
    /// Where the call does not wait for it any more, the answer is kept for repeats alone.
    pub fn answer_joining(&mut self, now: Timestamp, key: &str, answer: &JoiningAnswer) -> Step {
        let step = self.take_joining_answer(now, key, answer);
        let heard = || Heard::AnsweredJoining { key: key.to_owned(), answer: answer.clone() };
        self.journal.note(now, heard, Ok(&step), &self.call);
        step
    }

    fn take_joining_answer(&mut self, now: Timestamp, key: &str, answer: &JoiningAnswer) -> Step {
        if self.texts.joinings.answer(key).is_some() {
            return Step::none();
        }
        let is_waiting = self.texts.joinings.knows(key);
        self.texts.joinings.prefer(key);
        let ordered =
            if is_waiting { self.take_order(now, &Order::AnswerJoining(answer.clone())).ok() } else { None };
        self.texts.joinings.conclude(key, answer);
        ordered.unwrap_or_else(Step::none)
    }

    /// What the notification of `key` was answered: the newest 64 are kept.
    pub fn joining_answer(&self, key: &str) -> Option<&JoiningAnswer> {
        self.texts.joinings.answer(key)
    }

    /// The keys of the notifications of joining participants that wait for an answer, the oldest first.
    pub fn joinings_waiting(&self) -> impl Iterator<Item = &str> {
        self.texts.joinings.waiting()
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
        let (step, fault) = self.take_response(now, ticket, status, location, body);
        let heard = || Heard::Answered {
            ticket,
            status,
            location: location.map(str::to_owned),
            body: Body(body.to_vec()),
        };
        self.journal.note(now, heard, Ok(&step), &self.call);
        (step, fault)
    }

    fn take_response(
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
                self.texts.learn_call(told);
            }
            Answered::Operation(told) => {
                told.id = told.id.take().or_else(|| located.map(str::to_owned));
                told.news.id = told.id.as_deref().map(OperationId::parse);
                self.texts.learn_operation(&self.call, Some(ticket), told);
            }
            Answered::Roster(told) => self.texts.learn_roster(told),
            Answered::AudioRoutingGroups(groups) => {
                let is_taken = matches!(status, 200..=299);
                if let (true, [AudioRoutingGroupTold { id: Some(id), .. }]) = (is_taken, groups.as_slice()) {
                    self.texts.learn_audio_routing_group(ticket, id);
                }
            }
            Answered::Nothing | Answered::ContentSharing(_) | Answered::Error | Answered::Other(_) => {
                if status == 201 {
                    self.texts.call = self.texts.call.take().or_else(|| located.map(str::to_owned));
                }
            }
        }
        let response = Response { ticket, status, code, body: answered.body() };
        (self.report(now, &Report::Response(response)), fault)
    }

    /// Takes in that the request of `ticket` left, and that no answer came.
    pub fn no_response(&mut self, now: Timestamp, ticket: Ticket) -> Step {
        let step = self.report(now, &Report::NoResponse { ticket });
        self.journal.note(now, || Heard::NoAnswer { ticket }, Ok(&step), &self.call);
        step
    }

    /// Takes in that the request of `ticket` certainly never arrived.
    pub fn not_sent(&mut self, now: Timestamp, ticket: Ticket) -> Step {
        let step = self.report(now, &Report::NotSent { ticket });
        self.journal.note(now, || Heard::NotSent { ticket }, Ok(&step), &self.call);
        step
    }

    /// Takes in a command.
    ///
    /// # Errors
    /// [`OrderError`]: nothing changed.
    pub fn order(&mut self, now: Timestamp, order: &Order) -> Result<Step, OrderError> {
        let ordered = self.take_order(now, order);
        let output = ordered.as_ref().map_err(|error| *error);
        self.journal.note(now, || Heard::Ordered(Box::new(order.clone())), output, &self.call);
        ordered
    }

    fn take_order(&mut self, now: Timestamp, order: &Order) -> Result<Step, OrderError> {
        let callback = self.texts.callback.clone();
        let (step, unwritten) = order.with(&callback, |command| {
            self.texts.offered.check(command)?;
            let output = self.call.handle(now, Input::Command(command))?;
            Ok::<_, OrderError>(self.texts.write(&self.call, &output, Some(order)))
        })?;
        Ok(self.settle_unwritten(now, step, unwritten))
    }

    /// Takes in which permissions the app has. What was learnt from refusals is forgotten.
    pub fn grant(&mut self, now: Timestamp, grants: Grants) -> Step {
        let step = self.report(now, &Report::Granted(grants));
        self.journal.note(now, || Heard::Granted(grants), Ok(&step), &self.call);
        step
    }

    /// Takes in that the time has come.
    pub fn tick(&mut self, now: Timestamp) -> Step {
        let step = self.input(now, Input::Tick);
        self.journal.note(now, || Heard::Tick, Ok(&step), &self.call);
        step
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

    /// The way into the meeting or group call that the call is in, as far as Graph said: what a bot that lost its place
    /// joins again by.
    ///
    /// Source: Graph docs, call (keep `chatInfo` and `meetingInfo` in a highly available place).
    pub fn meeting(&self) -> Option<&Meeting> {
        self.texts.meeting.as_ref()
    }

    /// Counts an event that is given to the bot.
    #[cfg(feature = "net")]
    pub(crate) fn count_event(&mut self) {
        self.texts.events = self.texts.events.saturating_add(1);
    }

    /// Counts those that were given before the session began anew.
    #[cfg(feature = "net")]
    pub(crate) fn count_events(&mut self, events: u64) {
        self.texts.events = events;
    }

    #[cfg(feature = "net")]
    pub(crate) fn events_counted(&self) -> u64 {
        self.texts.events
    }

    /// The tenant of the call.
    pub fn tenant_id(&self) -> Option<&str> {
        self.texts.tenant_id.as_deref()
    }

    /// The `Scenario-Id` that the session began with.
    pub fn scenario_id(&self) -> Option<&str> {
        self.texts.scenario_id.as_deref()
    }

    /// The participant of this id, as Graph named him.
    pub fn participant(&self, id: ParticipantId) -> Option<&Named> {
        self.texts.named(id)
    }

    /// Where the recording can be had that the command of this ticket asked for, once it is done.
    pub fn recording(&self, ticket: Ticket) -> Option<&Recording> {
        self.texts.recording(ticket)
    }

    /// The id of the audio routing group that the command of this ticket made.
    pub fn audio_routing_group(&self, ticket: Ticket) -> Option<&str> {
        self.texts.audio_routing_group(ticket)
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
            journal: Journal::default(),
        })
    }

    fn report(&mut self, now: Timestamp, report: &Report<'_>) -> Step {
        self.input(now, Input::Report(report))
    }

    fn input(&mut self, now: Timestamp, input: Input<'_>) -> Step {
        let (step, unwritten) = match self.call.handle(now, input) {
            Ok(output) => self.texts.write(&self.call, &output, None),
            // Reports and ticks are never refused.
            Err(_) => (Step::none(), Vec::new()),
        };
        self.settle_unwritten(now, step, unwritten)
    }

    /// A request whose ids have no text never leaves, and the call is told so.
    fn settle_unwritten(&mut self, now: Timestamp, mut step: Step, unwritten: Vec<Ticket>) -> Step {
        for ticket in unwritten {
            let more = self.report(now, &Report::NotSent { ticket });
            step.requests.extend(more.requests);
            step.events.extend(more.events);
        }
        step
    }
}

impl Step {
    /// Puts what a later input gave behind this.
    #[cfg(feature = "net")]
    pub(crate) fn followed_by(mut self, later: Self) -> Self {
        self.requests.extend(later.requests);
        self.events.extend(later.events);
        self
    }

    pub(crate) const fn none() -> Self {
        Self {
            requests: Vec::new(),
            joining_answer: None,
            events: Vec::new(),
            verdict: Verdict::Repeat,
            ticket: None,
        }
    }
}

#[cfg(test)]
mod tests;
