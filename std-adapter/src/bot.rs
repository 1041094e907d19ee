//! The API that bots are written against.
//!
//! A [`CallHandler`] is given each event of a call together with its own serialisable state of that call. What it
//! commands there is committed with that state, before any request leaves: a crash loses neither and repeats neither. Where
//! the store cannot be written, [`StoreOutage`] says what becomes of that. This is the way for a bot whose calls must outlive its
//! process. What most bots do is there to be put together: [`piece`](crate::piece). A call as a script, which is shorter and
//! which a restart cuts off, is in [`conversation`](crate::conversation).
//!
//! ```
//! use callflow_core::event::Event;
//! use callflow_graph::bot::{Call, CallHandler, HandlerError};
//!
//! struct Menu;
//!
//! impl CallHandler for Menu {
//!     type State = u32;
//!
//!     async fn on_event(&self, call: &mut Call<'_>, pressed: &mut u32, event: &Event) -> Result<(), HandlerError> {
//!         match event {
//!             Event::Offered => {
//!                 call.answer()?;
//!                 call.subscribe_to_tone()?;
//!                 call.play("https://bot.example/menu.wav")?;
//!             }
//!             Event::Tone { .. } => {
//!                 *pressed += 1;
//!                 call.hang_up()?;
//!             }
//!             _ => {}
//!         }
//!         Ok(())
//!     }
//! }
//! ```

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use callflow_core::action::Action;
use callflow_core::classification::Classification;
use callflow_core::command::RejectReason;
use callflow_core::event::Event;
use callflow_core::id::{ParticipantId, Ticket};
use callflow_core::lifecycle::State;
use callflow_core::lifecycle::end::End;
use callflow_core::lifecycle::pending::Creation;
use callflow_core::media::{RecordingStatus, Tone};
use callflow_core::operation;
use callflow_core::time::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::runtime::joining::Desk;
use crate::session::{
    Address, Answer, JoiningAnswer, Machine, Meeting, Order, OrderError, Outgoing, Record, Session, Step,
    Target, Transfer,
};
use crate::store::CallName;
use crate::wire::notification::Notice;
use crate::wire::resource::{Named, Party, Recording};

pub use crate::runtime::quota::{Enforce, Quota, QuotaExceeded, QuotaLimit, Usage};
pub use crate::runtime::request::{AskError, RequestError};
pub use crate::runtime::{
    AtLimit, Bot, Config, Drain, Drained, Incoming, Joining, Observed, Participating, PlaceError, StartError,
    UnknownCalls, View, What,
};
pub use crate::store::StoreOutage;

/// What a handler could not do. It is logged; what the handler commanded before stays commanded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HandlerError {
    /// A command was not carried out.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// Something of the author's own.
    #[error("{0}")]
    Other(String),
}

/// Why the state that is kept of a call is not one of the handler's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// There is no way from that version to this one.
    #[error(
        "it is of version {from}, and this release knows {known}; make one of the other in `CallHandler::migrate`"
    )]
    Refused {
        /// The version it was kept with.
        from: u32,
        /// [`CallHandler::STATE_VERSION`].
        known: u32,
    },
    /// It is no such JSON.
    #[error(
        "it cannot be read ({0}); raise `CallHandler::STATE_VERSION` where the state's shape changed, and read the old one in `CallHandler::migrate`"
    )]
    Unreadable(#[from] serde_json::Error),
}

/// What a bot does with its calls.
pub trait CallHandler: Send + Sync + 'static {
    /// What the bot keeps of a call. It is stored as JSON with the call.
    type State: Default + Serialize + DeserializeOwned + Send;

    /// The version of [`Self::State`], kept with it. What was kept before there were versions is of version 0.
    const STATE_VERSION: u32 = 0;

    /// Makes a state of one that another release kept: `bytes` of version `from`, earlier or later than
    /// [`Self::STATE_VERSION`]. Where it is this version itself, the bytes cannot be read as [`Self::State`].
    ///
    /// By default it refuses, since a bot that forgot what it said to a caller is worse off than one that knows that it
    /// cannot read it. A bot that would rather begin anew returns `Ok(Self::State::default())`.
    ///
    /// ```
    /// # use callflow_core::event::Event;
    /// # use callflow_graph::bot::{Call, CallHandler, HandlerError, StateError};
    /// # #[derive(Default, serde::Serialize, serde::Deserialize)]
    /// struct Pressed { keys: u32 }
    ///
    /// # struct Menu;
    /// impl CallHandler for Menu {
    ///     type State = Pressed;
    ///     const STATE_VERSION: u32 = 1;
    ///
    ///     fn migrate(&self, from: u32, bytes: &[u8]) -> Result<Pressed, StateError> {
    ///         match from {
    ///             // It was a bare number.
    ///             0 => Ok(Pressed { keys: serde_json::from_slice(bytes)? }),
    ///             _ => Err(StateError::Refused { from, known: Self::STATE_VERSION }),
    ///         }
    ///     }
    /// #   async fn on_event(&self, _: &mut Call<'_>, _: &mut Pressed, _: &Event) -> Result<(), HandlerError> { Ok(()) }
    /// }
    /// ```
    ///
    /// # Errors
    /// [`StateError`]: the state stays as it is kept, and the handler is given none of the call's events, until a release
    /// comes that can read it.
    fn migrate(&self, from: u32, bytes: &[u8]) -> Result<Self::State, StateError> {
        if from != Self::STATE_VERSION {
            return Err(StateError::Refused { from, known: Self::STATE_VERSION });
        }
        Ok(serde_json::from_slice(bytes)?)
    }

    /// Takes in an event. Events of one call come one after another; those of different calls at the same time.
    ///
    /// # Errors
    /// [`HandlerError`] is logged, and the call goes on with the next event. So it does where the handler panics, or does not
    /// return within [`Config::handler_within`]: what it commanded before that stays commanded, and its state is the one from
    /// before the event. The same event is not given again.
    fn on_event(
        &self,
        call: &mut Call<'_>,
        state: &mut Self::State,
        event: &Event,
    ) -> impl Future<Output = Result<(), HandlerError>> + Send;

    /// Takes in that the call goes on after a restart of the bot: another process began it. It is given once each start,
    /// before anything that the service is asked or tells afterwards; what is commanded here is committed with the state, as
    /// in [`Self::on_event`]. A process that ends before that was put away makes the next one give it again.
    ///
    /// By default it does nothing: what was commanded before the restart goes on by itself.
    ///
    /// # Errors
    /// As [`Self::on_event`].
    fn on_resumed(
        &self,
        call: &mut Call<'_>,
        state: &mut Self::State,
    ) -> impl Future<Output = Result<(), HandlerError>> + Send {
        let _ = (call, state);
        std::future::ready(Ok(()))
    }

    /// Takes in that a moment has come for which [`Call::wake_at`] was asked, or that [`Bot::wake`] was called. Several that
    /// have come together are told of once, and one that came while no process ran at the next start.
    ///
    /// It is a hint, not a message: who waits for a moment looks at [`Call::now`], and asks again where it has not come.
    /// By default it does nothing.
    ///
    /// # Errors
    /// As [`Self::on_event`].
    fn on_wake(
        &self,
        call: &mut Call<'_>,
        state: &mut Self::State,
    ) -> impl Future<Output = Result<(), HandlerError>> + Send {
        let _ = (call, state);
        std::future::ready(Ok(()))
    }

    /// Whether an ended call may be forgotten, once [`Config::keep_ended`] has passed. Where it may not, it is asked for again
    /// after as much time, and after a second at least: a handler that has yet to put something of the call away elsewhere
    /// keeps it so. By default it may.
    fn may_forget(&self, call: &CallName) -> bool {
        let _ = call;
        true
    }

    /// Takes in that a call goes on of which nothing is left but Graph's id, and what the service answered to GET of it: no
    /// roster, no operations, and nothing of what was commanded before. `state` is the handler's own, where that can still be
    /// read. Afterwards the events of the answer are given, `Established` again among them, or `Ended`.
    ///
    /// By default a call that rings is rejected, and any other hung up: a caller should not listen to a bot that does not
    /// know any more what it was doing.
    ///
    /// # Errors
    /// As [`Self::on_event`].
    fn on_recovered(
        &self,
        call: &mut Call<'_>,
        state: &mut Self::State,
        why: Recovered,
    ) -> impl Future<Output = Result<(), HandlerError>> + Send {
        let _ = (state, why);
        let ordered = match call.state() {
            State::Incoming => call.reject(RejectReason::Busy).map(|_| ()),
            state if state.is_ended() => Ok(()),
            _ => call.hang_up().map(|_| ()),
        };
        std::future::ready(ordered.map_err(HandlerError::from))
    }
}

/// Why a call goes on of which nothing is left but Graph's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Recovered {
    /// What was kept of it cannot be read: it is damaged, or of a release that this one does not know.
    Unreadable,
    /// The service told of it, and nothing was kept: [`UnknownCalls::Adopt`].
    Unknown,
}

/// A call, as a handler has it: what is known of it, and what can be commanded.
#[derive(Debug)]
pub struct Call<'a> {
    name: &'a CallName,
    session: &'a mut Session,
    now: Timestamp,
    desk: &'a Desk,
    notice: Option<&'a Notice>,
    requests: Vec<Outgoing>,
    events: VecDeque<Event>,
    /// How long the handler may take for one of them.
    within: Duration,
    /// Whether this input is that a moment has come.
    is_woken: bool,
}

impl<'a> Call<'a> {
    pub(crate) fn new(
        name: &'a CallName,
        session: &'a mut Session,
        now: Timestamp,
        desk: &'a Desk,
        step: Step,
    ) -> Self {
        Self {
            name,
            session,
            now,
            desk,
            notice: None,
            requests: step.requests,
            events: step.events.into(),
            within: HANDLER_WITHIN,
            is_woken: false,
        }
    }

    pub(crate) fn caused_by(self, notice: Option<&'a Notice>) -> Self {
        Self { notice, ..self }
    }

    pub(crate) fn handled_within(self, within: Duration) -> Self {
        Self { within, ..self }
    }

    pub(crate) fn given(self, given: Given) -> Self {
        Self { is_woken: given == Given::Woken, ..self }
    }

    /// Answers, with audio that the service hosts.
    ///
    /// # Errors
    /// [`OrderError`]
    pub fn answer(&mut self) -> Result<Ticket, OrderError> {
        self.order(&Order::Answer(Answer::default()))
    }

    /// Rejects.
    ///
    /// # Errors
    /// [`OrderError`]
    pub fn reject(&mut self, reason: RejectReason) -> Result<Ticket, OrderError> {
        self.order(&Order::Reject(reason))
    }

    /// Forwards an incoming call to `target`, which rings for as long as the service does it by default.
    ///
    /// Several targets, a time, or whose identity is hidden: [`Order::Redirect`].
    ///
    /// # Errors
    /// [`OrderError`]
    pub fn redirect(&mut self, target: Target) -> Result<Ticket, OrderError> {
        self.order(&Order::Redirect(target.into()))
    }

    /// Transfers the other participant to `target`: a blind transfer.
    ///
    /// Out of a group call: [`Order::Transfer`], which names who is moved.
    ///
    /// # Errors
    /// [`OrderError`]
    pub fn transfer(&mut self, target: Target) -> Result<Ticket, OrderError> {
        self.order(&Order::Transfer(target.into()))
    }

    /// Transfers the other participant to `target`, with whom the bot is in the call of Graph's id `replaces_call_id`: a
    /// consultative transfer.
    ///
    /// # Errors
    /// [`OrderError`]
    pub fn transfer_into(
        &mut self,
        target: Target,
        replaces_call_id: impl Into<String>,
    ) -> Result<Ticket, OrderError> {
        let replaces_call_id = Some(replaces_call_id.into());
        self.order(&Order::Transfer(Transfer { replaces_call_id, ..target.into() }))
    }

    /// Hangs up. In a group call only the bot's own leg ends.
    ///
    /// # Errors
    /// [`OrderError`]
    pub fn hang_up(&mut self) -> Result<Ticket, OrderError> {
        self.order(&Order::HangUp)
    }

    /// Mutes the bot in a group call.
    ///
    /// # Errors
    /// [`OrderError`]
    pub fn mute(&mut self) -> Result<Ticket, OrderError> {
        self.order(&Order::Mute)
    }

    /// Unmutes the bot in a group call.
    ///
    /// # Errors
    /// [`OrderError`]
    pub fn unmute(&mut self) -> Result<Ticket, OrderError> {
        self.order(&Order::Unmute)
    }

    /// Plays the WAV file at `uri`, as soon as the call has audio and after what was asked before. `Prompts`, of feature
    /// `prompts`, has it converted and served: `call.play(prompts.url("menu")?)`.
    ///
    /// # Errors
    /// [`OrderError`]
    pub fn play(&mut self, uri: impl Into<Address>) -> Result<Ticket, OrderError> {
        self.order(&Order::play(uri))
    }

    /// Records what is said, as soon as the call has audio and after what was asked before. Where the recording can be had
    /// [`Self::recording`] says, once the operation of the ticket completed.
    ///
    /// # Errors
    /// [`OrderError`]
    pub fn record(&mut self, record: Record) -> Result<Ticket, OrderError> {
        self.order(&Order::Record(record))
    }

    /// Ends what is played and recorded, and what waits for it.
    ///
    /// # Errors
    /// [`OrderError`]
    pub fn cancel_media(&mut self) -> Result<Ticket, OrderError> {
        self.order(&Order::CancelMediaProcessing)
    }

    /// Asks to be told of the tones that are pressed, unless that was asked before and not refused.
    ///
    /// # Errors
    /// [`OrderError`]
    pub fn listen(&mut self) -> Result<(), OrderError> {
        if self.session.listens() {
            return Ok(());
        }
        self.subscribe_to_tone().map(|_| ())
    }

    /// Asks to be told of the tones that are pressed.
    ///
    /// # Errors
    /// [`OrderError`]
    pub fn subscribe_to_tone(&mut self) -> Result<Ticket, OrderError> {
        self.order(&Order::SubscribeToTone)
    }

    /// Sends tones, as soon as the call has audio, with the pause between two that the service makes by default.
    ///
    /// # Errors
    /// [`OrderError`]
    pub fn send_dtmf(&mut self, tones: impl Into<Vec<Tone>>) -> Result<Ticket, OrderError> {
        self.order(&Order::SendDtmf { tones: tones.into(), delay: None })
    }

    /// Invites `target`. A peer-to-peer call becomes a group call by that.
    ///
    /// Several at once, or somebody out of another call: [`Order::Invite`].
    ///
    /// # Errors
    /// [`OrderError`]
    pub fn invite(&mut self, target: Target) -> Result<Ticket, OrderError> {
        self.order(&Order::Invite(vec![target.into()]))
    }

    /// Removes a participant, or withdraws his invitation.
    ///
    /// # Errors
    /// [`OrderError`]
    pub fn remove(&mut self, participant: ParticipantId) -> Result<Ticket, OrderError> {
        self.order(&Order::RemoveParticipant(participant))
    }

    /// Mutes a participant of a group call. There is no unmuting of others.
    ///
    /// # Errors
    /// [`OrderError`]
    pub fn mute_participant(&mut self, participant: ParticipantId) -> Result<Ticket, OrderError> {
        self.order(&Order::MuteParticipant(participant))
    }

    /// Puts a participant on hold, with the music of the WAV file at `prompt`, or the service's. One at a time.
    ///
    /// # Errors
    /// [`OrderError`]
    pub fn start_hold_music(
        &mut self,
        participant: ParticipantId,
        prompt: Option<Address>,
    ) -> Result<Ticket, OrderError> {
        self.order(&Order::StartHoldMusic { participant, prompt })
    }

    /// Takes a participant off hold.
    ///
    /// # Errors
    /// [`OrderError`]
    pub fn stop_hold_music(&mut self, participant: ParticipantId) -> Result<Ticket, OrderError> {
        self.order(&Order::StopHoldMusic(participant))
    }

    /// Says whether the bot records, under policy-based recording. Nothing may be kept before
    /// [`Event::RecordingConfirmed`] tells of `recording`.
    ///
    /// # Errors
    /// [`OrderError`]
    pub fn update_recording_status(&mut self, status: RecordingStatus) -> Result<Ticket, OrderError> {
        self.order(&Order::UpdateRecordingStatus(status))
    }

    /// Answers the joining participant who has waited for longest, under policy-based recording: where [`Event::Joining`]
    /// was told of.
    ///
    /// The answer goes into the response to his notification once this input's commit is put away, so a handler answers
    /// and returns. Whoever is not answered within [`Joining::within`] gets [`Joining::default`].
    ///
    /// # Errors
    /// [`OrderError`], also where the default was sent already.
    pub fn answer_joining(&mut self, answer: JoiningAnswer) -> Result<Ticket, OrderError> {
        self.order(&Order::AnswerJoining(answer))
    }

    /// Commands anything.
    ///
    /// # Errors
    /// [`OrderError`]: nothing changed, and its text says what to do.
    pub fn order(&mut self, order: &Order) -> Result<Ticket, OrderError> {
        let (before, ordered) = self.desk.order(self.session, self.now, order);
        self.take(before);
        let step = ordered?;
        if *order == Order::SubscribeToTone {
            self.session.set_listens(true);
        }
        let ticket = step.ticket;
        self.take(step);
        // A command that is taken has a ticket.
        Ok(ticket.unwrap_or(Ticket::FIRST))
    }

    fn take(&mut self, step: Step) {
        self.requests.extend(step.requests);
        self.events.extend(step.events);
    }

    /// Asks for [`CallHandler::on_wake`] at `at`, or at once where that has passed; one that has passed comes a second later
    /// where `on_wake` itself asks for it, so that a handler which always does turns once a second. It is committed with the
    /// handler's state and outlives a restart, and the call's end for as long as the call is kept ([`Config::keep_ended`]).
    /// 32 moments are kept; of more, the earliest.
    ///
    /// ```
    /// use std::time::Duration;
    /// use callflow_core::event::Event;
    /// use callflow_graph::bot::{Call, CallHandler, HandlerError};
    ///
    /// /// Hangs up after a minute.
    /// struct Brief;
    ///
    /// impl CallHandler for Brief {
    ///     type State = Option<u64>;
    ///
    ///     async fn on_event(&self, call: &mut Call<'_>, until: &mut Self::State, event: &Event) -> Result<(), HandlerError> {
    ///         if *event == Event::Established {
    ///             *until = Some(call.wake_in(Duration::from_secs(60)).as_millis());
    ///         }
    ///         Ok(())
    ///     }
    ///
    ///     async fn on_wake(&self, call: &mut Call<'_>, until: &mut Self::State) -> Result<(), HandlerError> {
    ///         if until.is_some_and(|until| until <= call.now().as_millis()) {
    ///             call.hang_up()?;
    ///         }
    ///         Ok(())
    ///     }
    /// }
    /// ```
    pub fn wake_at(&mut self, at: Timestamp) {
        let is_past = self.is_woken && at <= self.now;
        let at = if is_past { after(self.now, WOKEN_AGAIN) } else { at };
        self.session.wake_at(at);
    }

    /// Asks for [`CallHandler::on_wake`] after `wait`, and gives that moment. See [`Self::wake_at`].
    pub fn wake_in(&mut self, wait: Duration) -> Timestamp {
        let at = after(self.now, wait);
        self.wake_at(at);
        at
    }

    /// The time of this input.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The name of the call in the store.
    pub fn name(&self) -> &CallName {
        self.name
    }

    /// Graph's id, once known.
    pub fn id(&self) -> Option<&str> {
        self.session.id()
    }

    /// Graph's `callState`, as far as known.
    pub fn state(&self) -> State {
        self.session.call().state()
    }

    /// Whether the service has the call, so that something can be commanded of it.
    pub(crate) fn is_created(&self) -> bool {
        self.id().is_some() && self.session.call().creation() == Creation::Done
    }

    /// Peer-to-peer or group, why, and how it is hosted.
    pub fn classification(&self) -> Classification {
        self.session.call().classification()
    }

    /// Who called the bot.
    pub fn source(&self) -> Option<&Party> {
        self.session.source()
    }

    /// The number of the event in the history of its call, from 1. It is committed with what the handler makes of it.
    ///
    /// An event is given again only where a process ended before that was put away. Then the number comes again too, with
    /// the handler's state from before: whatever was given under it earlier has not happened to the call. A handler that
    /// acts on the world by other ways than its commands can tell by the number that it may have done so already.
    pub fn event_number(&self) -> u64 {
        self.session.events_counted()
    }

    /// What Graph told that gave the event, where a notification did: with the members of which callflow reads nothing, in
    /// `extra`.
    ///
    /// ```
    /// use callflow_graph::bot::Call;
    /// use callflow_graph::wire::notification::Subject;
    ///
    /// /// Who forwarded the call to the bot, if somebody did.
    /// fn transferor(call: &Call<'_>) -> Option<serde_json::Value> {
    ///     let Subject::Call(told) = &call.notice()?.subject else { return None };
    ///     told.extra.get("incomingContext")?.get("transferor").cloned()
    /// }
    /// ```
    pub fn notice(&self) -> Option<&Notice> {
        self.notice
    }

    /// The way into the meeting or group call that the call is in, as far as Graph said: what a bot that lost its place
    /// joins again by, with [`Bot::place`].
    pub fn meeting(&self) -> Option<&Meeting> {
        self.session.meeting()
    }

    /// The participant of this id, as Graph named him.
    pub fn participant(&self, id: ParticipantId) -> Option<&Named> {
        self.session.participant(id)
    }

    /// Where the recording can be had that the command of this ticket asked for, once it is done. It is gone soon after the
    /// call: [`Bot::download_to_file`] fetches it, in a task of its own.
    pub fn recording(&self, ticket: Ticket) -> Option<&Recording> {
        self.session.recording(ticket)
    }

    /// The id of the audio routing group that the command of this ticket made.
    pub fn audio_routing_group(&self, ticket: Ticket) -> Option<&str> {
        self.session.audio_routing_group(ticket)
    }

    /// The end, once there is one.
    pub fn end(&self) -> Option<End> {
        self.session.call().end()
    }

    /// The call of core: roster, operations, and all else.
    pub fn machine(&self) -> &Machine {
        self.session.call()
    }

    pub(crate) fn next_event(&mut self) -> Option<Event> {
        let event = self.events.pop_front()?;
        if let Event::OperationEnded { action: Action::SubscribeToTone, outcome, .. } = event
            && outcome != operation::Outcome::Completed
        {
            self.session.set_listens(false);
        }
        self.session.count_event();
        Some(event)
    }

    /// The events that the handler is not told of.
    fn rest(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.next_event()).collect()
    }

    /// The requests to make.
    pub(crate) fn into_requests(self) -> Vec<Outgoing> {
        self.requests
    }
}

/// How long after [`CallHandler::on_wake`] it is called again where it asked for a moment that has passed.
const WOKEN_AGAIN: Duration = Duration::from_secs(1);

fn after(now: Timestamp, wait: Duration) -> Timestamp {
    let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    Timestamp::from_millis(now.as_millis().saturating_add(wait))
}

/// An event as logs show it: which key was pressed is nobody's business there.
pub(crate) struct Logged<'a>(pub(crate) &'a Event);

impl std::fmt::Debug for Logged<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Event::Tone { sequence, .. } => {
                write!(f, "Tone {{ sequence: {}, <redacted> }}", sequence.number())
            }
            event => event.fmt(f),
        }
    }
}

/// What a handler made of its state.
pub(crate) type Handled<'a> = Pin<Box<dyn Future<Output = (Kept, Vec<Event>)> + Send + 'a>>;

/// A handler's state, as it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) version: u32,
    /// JSON; nothing where there is none yet.
    pub(crate) bytes: Vec<u8>,
}

/// A handler without its type.
pub(crate) trait Author: Send + Sync + 'static {
    /// Hands what is given, and every event of `call`, to the handler, and gives its new state and the events.
    fn handle<'a>(&'a self, call: &'a mut Call<'_>, given: Given, state: Kept) -> Handled<'a>;

    /// Whether an ended call may be forgotten.
    fn may_forget(&self, call: &CallName) -> bool;
}

/// What a handler is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    /// The events alone.
    Events,
    /// That the call goes on after a restart, first.
    Resumed,
    /// That a moment has come, first.
    Woken,
    /// That the call is known by its id alone, first.
    Recovered(Recovered),
}

/// How long a handler may take for an event where nothing else is stated: an answer that it commanded before it hung still
/// leaves in time.
///
/// Source: Graph docs, call: answer (15 seconds).
pub(crate) const HANDLER_WITHIN: Duration = Duration::from_secs(10);

/// Why a handler did not come to an end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unfinished {
    #[error("the handler panicked")]
    Panicked,
    #[error(
        "the handler did not return within {0:?}, and is let go; do what takes long in a task, and tell the call by `Bot::wake`"
    )]
    Hung(Duration),
}

/// Does what may panic in an author's code.
fn caught<T>(does: impl FnOnce() -> T) -> Result<T, Unfinished> {
    catch_unwind(AssertUnwindSafe(does)).map_err(|_| Unfinished::Panicked)
}

/// Drives `handling`, and stops where it panics or does not end: a mistake in a handler must cost no call.
pub(crate) async fn unwound<T>(within: Duration, handling: impl Future<Output = T>) -> Result<T, Unfinished> {
    let mut handling = pin!(Some(handling));
    let unwinding = poll_fn(|context| {
        let Some(handling) = handling.as_mut().as_pin_mut() else { return Poll::Pending };
        match caught(|| handling.poll(context)) {
            Ok(Poll::Ready(done)) => Poll::Ready(Ok(done)),
            Ok(Poll::Pending) => Poll::Pending,
            Err(panicked) => Poll::Ready(Err(panicked)),
        }
    });
    let driven = tokio::time::timeout(within, unwinding).await.unwrap_or(Err(Unfinished::Hung(within)));
    // What it held may panic as well when it is let go.
    caught(|| handling.set(None))?;
    driven
}

/// The most events that one input may lead to: a handler whose commands fail at once must not turn for ever.
const MAX_EVENTS: usize = 256;

/// What a handler is told, one after another.
enum Told {
    /// What comes before the events.
    First(Given),
    Event(Event),
}

impl std::fmt::Debug for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::First(given) => given.fmt(f),
            Self::Event(event) => Logged(event).fmt(f),
        }
    }
}

/// Calls the handler. Of its own: what panics before there is a future panics in this one.
async fn tell<H: CallHandler>(
    handler: &H,
    call: &mut Call<'_>,
    state: &mut H::State,
    told: &Told,
) -> Result<(), HandlerError> {
    match told {
        Told::First(Given::Events) => Ok(()),
        Told::First(Given::Resumed) => handler.on_resumed(call, state).await,
        Told::First(Given::Woken) => handler.on_wake(call, state).await,
        Told::First(Given::Recovered(why)) => handler.on_recovered(call, state, *why).await,
        Told::Event(event) => handler.on_event(call, state, event).await,
    }
}

pub(crate) fn read_state<H: CallHandler>(handler: &H, kept: &Kept) -> Result<H::State, StateError> {
    if kept.bytes.is_empty() {
        return Ok(H::State::default());
    }
    if kept.version == H::STATE_VERSION
        && let Ok(state) = serde_json::from_slice(&kept.bytes)
    {
        return Ok(state);
    }
    handler.migrate(kept.version, &kept.bytes)
}

/// The handler's state; `None` where it cannot be read, which the log says.
fn state_of<H: CallHandler>(handler: &H, kept: &Kept) -> Option<H::State> {
    // Kept as it is: a handler that knows it may come back with the next release.
    const LEFT: &str = "the handler's state of this call cannot be read; its events are not handled";
    match caught(|| read_state(handler, kept)) {
        Ok(Ok(state)) => return Some(state),
        Ok(Err(error)) => tracing::error!(%error, LEFT),
        Err(error) => tracing::error!(%error, LEFT),
    }
    None
}

/// The state as it is kept; `before` where it cannot be written.
fn written<H: CallHandler>(state: &H::State, before: Kept) -> Kept {
    const LEFT: &str = "the handler's state of this call cannot be written; the one before is kept";
    match caught(|| serde_json::to_vec(state)) {
        Ok(Ok(bytes)) => return Kept { version: H::STATE_VERSION, bytes },
        Ok(Err(error)) => tracing::error!(%error, LEFT),
        Err(error) => tracing::error!(%error, LEFT),
    }
    before
}

impl<H: CallHandler> Author for H {
    fn may_forget(&self, call: &CallName) -> bool {
        // A panic forgets nothing.
        catch_unwind(AssertUnwindSafe(|| CallHandler::may_forget(self, call))).unwrap_or(false)
    }

    fn handle<'a>(&'a self, call: &'a mut Call<'_>, given: Given, before: Kept) -> Handled<'a> {
        Box::pin(async move {
            let (mut kept, mut seen) = (before, Vec::new());
            let Some(mut state) = state_of(self, &kept) else { return (kept, call.rest()) };
            let mut next = Some(Told::First(given));
            while let Some(told) = next {
                match unwound(call.within, tell(self, call, &mut state, &told)).await {
                    Ok(done) => {
                        if let Err(error) = done {
                            tracing::warn!(?told, %error, "the handler failed");
                        }
                        let is_nothing =
                            matches!(told, Told::First(Given::Events)) && !call.events.is_empty();
                        if !is_nothing {
                            kept = written::<H>(&state, kept);
                        }
                    }
                    Err(error) => {
                        // Its state may be half changed.
                        tracing::error!(?told, %error, "its state from before is kept");
                        let Some(before) = state_of(self, &kept) else { break };
                        state = before;
                    }
                }
                next = call.next_event().inspect(|event| seen.push(*event)).map(Told::Event);
                if seen.len() > MAX_EVENTS {
                    tracing::error!(event = ?next, "too many events follow one input; the rest is not handled");
                    break;
                }
            }
            seen.extend(call.rest());
            (kept, seen)
        })
    }
}

#[cfg(test)]
mod tests {
    use callflow_core::id::Sequence;
    use callflow_core::media::Arrival;

    use super::*;

    #[test]
    fn no_log_says_which_key_was_pressed() {
        let sequence = Sequence::new(6);
        let event = Event::Tone { sequence, tone: Tone::Tone7, arrival: Arrival::InOrder };
        assert_eq!(format!("{:?}", Logged(&event)), "Tone { sequence: 6, <redacted> }");
        assert_eq!(format!("{:?}", Logged(&Event::Offered)), "Offered");
    }

    #[test]
    fn what_is_shared_between_tasks_can_be() {
        fn check<T: Send + Sync>() {}
        check::<Bot>();
        check::<Session>();
        check::<Machine>();
        check::<crate::client::GraphClient>();
        check::<crate::store::embedded::Embedded>();
        check::<crate::webhook::authentication::Authenticator>();
        check::<crate::webhook::Settings>();
    }
}
