//! The call: one value, one entrance, where the rule books meet.
//!
//! ```
//! use callflow_core::call::{Call, Input, Offer, Setup};
//! use callflow_core::command::{Answer, Command};
//! use callflow_core::id::{CallId, CallKey};
//! use callflow_core::lifecycle::State;
//! use callflow_core::report::{CallNews, Change, Report};
//! use callflow_core::request::Request;
//! use callflow_core::text::Uri;
//! use callflow_core::time::Timestamp;
//!
//! # fn main() -> Result<(), callflow_core::call::Refused> {
//! let at = Timestamp::from_millis;
//! let offer = Offer::new(CallId::parse("57DAB8B1894C409AB240BD8BEAE78896"));
//! let (mut call, _) = Call::<4, 2>::offered(at(0), Setup::new(CallKey::new(1)), offer);
//!
//! let answer = Command::Answer(Answer::new(Uri::new("https://bot.example/1")));
//! let output = call.handle(at(20), Input::Command(&answer))?;
//! assert!(matches!(output.requests().next(), Some(Request::Perform { command: Command::Answer(_), .. })));
//! assert_eq!(call.state(), State::Incoming); // taken is not done: Graph will say
//!
//! let news = Report::Call { change: Change::Updated, news: CallNews::of(State::Established) };
//! let _ = call.handle(at(900), Input::Report(&news))?;
//! assert_eq!(call.state(), State::Established);
//! # Ok(())
//! # }
//! ```

mod answers;
mod commands;
mod deadlines;
mod ends;
mod operations;
mod output;
mod reports;
mod rosters;

pub use output::{MAX_EVENTS, MAX_REQUESTS, Output, Refused, Requests, Verdict, Why};

use core::num::NonZeroU32;

use crate::action::Action;
use crate::classification::{self, Classification, Direction};
use crate::command::{Command, Placement};
use crate::deadline::{self, Deadline, Deadlines, Timer, Timers};
use crate::event::Event;
use crate::id::{CallId, CallKey, ClientContext, ParticipantId, Ticket};
use crate::identity::{Answerer, Routing};
use crate::lifecycle::doubt::Doubt;
use crate::lifecycle::end::{End, How, TerminationReason};
use crate::lifecycle::pending::{
    Creation, Exchange, HangingUp, Outstanding, RingLimit, Settlement, Transferring,
};
use crate::lifecycle::{self, State};
use crate::media::{Audio, Media, MediaHost, RecordingStatus, Transcription};
use crate::meeting::Coordinates;
use crate::operation::Operations;
use crate::permission::{Grants, Knowledge, Policy};
use crate::report::Report;
use crate::restriction::{Chat, Overrides, PolicyRecording};
use crate::result::{By, ResultInfo};
use crate::roster::{Presence, Roster, Trust};
use crate::time::Timestamp;

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Input<'a> {
    /// The bot wants something.
    Command(&'a Command<'a>),
    /// Graph says something.
    Report(&'a Report<'a>),
    /// The next deadline passed.
    Tick,
}

/// What the embedder decides of a call: its name, what is known of the app, and which rules it has of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Setup {
    /// The embedder's name for the call.
    pub key: CallKey,
    /// What is known of the app's permissions.
    pub grants: Grants,
    /// What becomes of a command whose permission is known to be missing.
    pub policy: Policy,
    /// Restrictions that are switched off, by name.
    pub overrides: Overrides,
    /// What it means that a full roster lacks somebody.
    pub trust: Trust,
    /// The timers.
    pub timers: Timers,
}

impl Setup {
    /// The documented rules, for an app whose permissions are not known.
    pub const fn new(key: CallKey) -> Self {
        Self {
            key,
            grants: Grants::Unknown,
            policy: Policy::Enforce,
            overrides: Overrides::NONE,
            trust: Trust::Confirm,
            timers: Timers::DEFAULT,
        }
    }
}

/// A call to the bot, as its first notification tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Offer {
    /// Graph's id.
    pub id: CallId,
    /// Which coordinates the notification carried.
    pub coordinates: Coordinates,
    /// Whether it calls the bot in for policy-based recording.
    pub recording: PolicyRecording,
}

impl Offer {
    /// A call from somebody to the bot, without coordinates.
    pub const fn new(id: CallId) -> Self {
        Self { id, coordinates: Coordinates::None, recording: PolicyRecording::No }
    }
}

/// One call, with room for `R` participants (64 at most) and `O` operations (32 at most).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Call<const R: usize, const O: usize> {
    pub(crate) facts: Facts,
    pub(crate) pending: Pending,
    pub(crate) deadlines: Deadlines,
    pub(crate) operations: Operations<O>,
    pub(crate) roster: Roster<R>,
}

/// What is known of the call.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) struct Facts {
    pub(crate) key: CallKey,
    pub(crate) id: CallId,
    /// The bot's own participant id, folded.
    pub(crate) own_participant: Option<NonZeroU32>,
    /// Who is on hold with music, or is about to be: his participant id, folded.
    pub(crate) on_hold: Option<NonZeroU32>,
    pub(crate) has_result: bool,
    pub(crate) result: ResultInfo,
    pub(crate) end: Option<How>,
    pub(crate) ended_by: By,
    pub(crate) reason: Option<TerminationReason>,
    pub(crate) created_by: Action,
    pub(crate) state: State,
    pub(crate) ever_established: bool,
    pub(crate) classification: Classification,
    pub(crate) chat: Chat,
    pub(crate) recording: PolicyRecording,
    pub(crate) media: Media,
    pub(crate) media_host: MediaHost,
    pub(crate) answered_by: Option<Answerer>,
    pub(crate) routing: Option<Routing>,
    pub(crate) knowledge: Knowledge,
    pub(crate) policy: Policy,
    pub(crate) overrides: Overrides,
    pub(crate) trust: Trust,
    pub(crate) timers: Timers,
    pub(crate) marks: Marks,
}

/// What the table of operations has to be gone through for at the next input. They only save work: a mark too many finds
/// nothing, and calls are equal whatever is marked.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) struct Marks(u8);

impl PartialEq for Marks {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Marks {}

impl core::hash::Hash for Marks {
    fn hash<H: core::hash::Hasher>(&self, _: &mut H) {}
}

impl Marks {
    /// Nothing of this kind is in the table.
    pub(crate) const NONE: Self = Self(0);
    /// An operation ended: it is readable until the next input.
    pub(crate) const ENDED: Self = Self(1);
    /// A request is held.
    pub(crate) const HELD: Self = Self(2);
    /// Whatever there is.
    #[cfg(feature = "snapshot")]
    pub(crate) const ALL: Self = Self(3);

    pub(crate) const fn set(&mut self, mark: Self) {
        self.0 |= mark.0;
    }

    pub(crate) const fn clear(&mut self, mark: Self) {
        self.0 &= !mark.0;
    }

    pub(crate) const fn has(self, mark: Self) -> bool {
        self.0 & mark.0 != 0
    }
}

impl Facts {
    const BLANK: Self = Self {
        key: CallKey::new(0),
        id: CallId::NIL,
        own_participant: None,
        on_hold: None,
        has_result: false,
        result: ResultInfo { code: 0, subcode: 0 },
        end: Some(How::Told),
        ended_by: By::Unknown,
        reason: None,
        created_by: Action::Answer,
        state: State::Terminated,
        ever_established: false,
        classification: Classification::incoming(Coordinates::None),
        chat: Chat::Unknown,
        recording: PolicyRecording::No,
        media: Media::NEW,
        media_host: MediaHost::Service,
        answered_by: None,
        routing: None,
        knowledge: Knowledge::new(Grants::Unknown),
        policy: Policy::Enforce,
        overrides: Overrides::NONE,
        trust: Trust::Confirm,
        timers: Timers::DEFAULT,
        marks: Marks::NONE,
    };

    pub(crate) const fn direction(&self) -> Direction {
        match self.created_by {
            Action::Answer | Action::AnswerPolicyRecording => Direction::Incoming,
            _ => Direction::Outgoing,
        }
    }

    pub(crate) const fn result(&self) -> Option<ResultInfo> {
        if self.has_result { Some(self.result) } else { None }
    }
}

/// What is asked and not settled.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) struct Pending {
    pub(crate) next_ticket: Ticket,
    pub(crate) creation: Creation,
    pub(crate) settlement: Settlement,
    pub(crate) transferring: Transferring,
    pub(crate) hanging_up: HangingUp,
    /// How far the ring timer has come.
    pub(crate) ring_limit: RingLimit,
    /// How many notifications of joining participants wait for their answer.
    pub(crate) joining: u8,
    pub(crate) outstanding: Outstanding,
    /// The recording status that is being reported.
    pub(crate) reporting: Option<RecordingStatus>,
    /// The operation that is asked for.
    pub(crate) questioned: Option<Ticket>,
    pub(crate) doubt: Doubt,
    pub(crate) roster_doubt: Doubt,
}

impl Pending {
    const NOTHING: Self = Self {
        next_ticket: Ticket::FIRST,
        creation: Creation::Done,
        settlement: Settlement::NotNeeded,
        transferring: Transferring::No,
        hanging_up: HangingUp::No,
        ring_limit: RingLimit::Ahead,
        joining: 0,
        outstanding: Outstanding::NONE,
        reporting: None,
        questioned: None,
        doubt: Doubt::NONE,
        roster_doubt: Doubt::NONE,
    };
}

impl<const R: usize, const O: usize> Call<R, O> {
    const SMALL_ENOUGH: () = assert!(R <= 64 && O <= 32, "a roster has 64 places at most, operations 32");

    /// A call to the bot.
    ///
    /// Source: Graph docs, call: answer (`created/incoming`).
    pub fn offered(now: Timestamp, setup: Setup, offer: Offer) -> (Self, Output<'static>) {
        let mut call = Self::blank();
        let output = call.begin_offered(now, setup, offer);
        (call, output)
    }

    /// As [`Self::offered`], in the place of this call: on a device this takes less stack. What was there is gone.
    pub fn begin_offered(&mut self, now: Timestamp, setup: Setup, offer: Offer) -> Output<'static> {
        let (action, limit) = match offer.recording {
            PolicyRecording::No => (Action::Answer, Timer::Answer),
            PolicyRecording::Yes => (Action::AnswerPolicyRecording, Timer::AnswerPolicyRecording),
        };
        self.begin(&setup, Classification::incoming(offer.coordinates), action);
        self.facts.id = offer.id;
        self.facts.recording = offer.recording;
        self.facts.chat = chat_of(offer.coordinates);
        self.arm(now, deadline::Kind::Answer, limit);
        self.arm(now, deadline::Kind::KeepAlive, Timer::KeepAlive);
        let mut output = Output::new();
        output.verdict = Verdict::Applied;
        output.event(Event::Offered);
        output
    }

    /// A call that the bot places, or a meeting that it joins; the request is in the output.
    ///
    /// # Errors
    /// [`Why::Limit`] for none or too many targets, [`Why::PhoneNeedsInstance`], [`Why::GuestNeedsMeeting`], or
    /// [`Why::PermissionMissing`] under [`Policy::Enforce`].
    ///
    /// Source: Graph docs, application: post calls; Calls overview (Calls.Initiate.All).
    pub fn place<'a>(
        now: Timestamp,
        setup: Setup,
        placement: &'a Placement<'a>,
    ) -> Result<(Self, Output<'a>), Refused> {
        let mut call = Self::blank();
        let output = call.begin_placed(now, setup, placement)?;
        Ok((call, output))
    }

    /// As [`Self::place`], in the place of this call: on a device this takes less stack. What was there is gone, unless
    /// the call is refused.
    ///
    /// # Errors
    /// As [`Self::place`].
    pub fn begin_placed<'a>(
        &mut self,
        now: Timestamp,
        setup: Setup,
        placement: &'a Placement<'a>,
    ) -> Result<Output<'a>, Refused> {
        let action = placement.action();
        let refused = |why| Refused { state: State::Establishing, action, why };
        let classification = commands::classify(placement).map_err(refused)?;
        let missing = commands::permitted(placement, classification, &setup).map_err(refused)?;
        self.begin(&setup, classification, action);
        self.facts.media_host = placement.media.host();
        self.facts.chat = chat_of(placement.coordinates());
        self.arm(now, deadline::Kind::Creation, Timer::Creation);
        let mut output = Output::new();
        output.of_placement(placement);
        output.verdict = Verdict::Applied;
        if let Some(missing) = missing {
            output.event(Event::PermissionMissing { action, missing });
        }
        let ticket = self.take_ticket();
        self.pending.outstanding.put(Exchange::Create, ticket);
        output.ticket = Some(ticket);
        output.given(ticket, crate::request::Dispatch::Now);
        Ok(output)
    }

    /// No call yet: one that ended before it began, to be [offered](Self::begin_offered), [placed](Self::begin_placed) or read from
    /// a snapshot in its place.
    pub const fn blank() -> Self {
        let () = Self::SMALL_ENOUGH;
        Self {
            facts: Facts::BLANK,
            pending: Pending::NOTHING,
            deadlines: Deadlines::NONE,
            operations: Operations::new(),
            roster: Roster::new(),
        }
    }

    /// Takes in what happened at `now`, and gives what to do.
    ///
    /// # Errors
    /// [`Refused`], for a command only: the call is as it was before.
    #[inline]
    pub fn handle<'a>(&mut self, now: Timestamp, input: Input<'a>) -> Result<Output<'a>, Refused> {
        let mut output = Output::new();
        match self.handle_into(now, input, &mut output) {
            Ok(()) => Ok(output),
            Err(refused) => Err(refused),
        }
    }

    /// As [`Self::handle`], with the output in its place: a device saves copying it, which is a quarter of the whole. What
    /// the output held is gone.
    ///
    /// # Errors
    /// [`Refused`], for a command only: the call is as it was before, and the output is empty.
    #[inline(never)]
    pub fn handle_into<'a>(
        &mut self,
        now: Timestamp,
        input: Input<'a>,
        output: &mut Output<'a>,
    ) -> Result<(), Refused> {
        output.clear();
        match input {
            Input::Command(command) => self.command(now, command, output)?,
            Input::Report(report) => self.take_report(now, report, output),
            Input::Tick => self.tick(now, output),
        }
        Ok(())
    }

    /// Takes in the id, where it is not known yet; whether it is news.
    pub(crate) fn learn_id(&mut self, id: Option<CallId>) -> bool {
        let is_new = self.facts.id.known().is_none() && id.is_some();
        if let Some(id) = id.filter(|_| is_new) {
            self.facts.id = id;
        }
        is_new
    }

    /// Takes in a report. What comes of it borrows nothing of it.
    pub(crate) fn told<'o>(&mut self, now: Timestamp, report: &Report<'_>) -> Output<'o> {
        let mut output = Output::new();
        self.take_report(now, report, &mut output);
        output
    }

    fn take_report(&mut self, now: Timestamp, report: &Report<'_>, output: &mut Output<'_>) {
        self.sweep();
        output.verdict = self.report(now, report, output);
        self.let_media_go(now, output);
    }

    /// When to hand in the next [`Input::Tick`], and what for. `None`: never, unless something else happens.
    pub fn next_deadline(&self) -> Option<Deadline> {
        self.deadlines.next()
    }

    /// Carries the call from one origin of time to another: a device whose clock starts anew at its boot.
    pub fn rebase(&mut self, old_now: Timestamp, new_now: Timestamp) {
        self.deadlines.rebase(old_now, new_now);
        self.operations.rebase(old_now, new_now);
        self.pending.doubt.rebase(old_now, new_now);
        self.pending.roster_doubt.rebase(old_now, new_now);
    }

    /// The embedder's name for the call.
    pub const fn key(&self) -> CallKey {
        self.facts.key
    }

    /// Graph's id, once known.
    pub const fn id(&self) -> Option<CallId> {
        self.facts.id.known()
    }

    /// Who called whom.
    pub const fn direction(&self) -> Direction {
        self.facts.direction()
    }

    /// Graph's `callState`, as far as known.
    pub const fn state(&self) -> State {
        self.facts.state
    }

    /// Peer-to-peer or group, why, and how it is hosted.
    pub const fn classification(&self) -> Classification {
        self.facts.classification
    }

    /// Peer-to-peer or group.
    pub const fn kind(&self) -> classification::Kind {
        self.facts.classification.kind()
    }

    /// Whether the service has the call.
    pub const fn creation(&self) -> Creation {
        self.pending.creation
    }

    /// What became of answering, rejecting or redirecting.
    pub const fn settlement(&self) -> Settlement {
        self.pending.settlement
    }

    /// What became of the bot's transfer.
    pub const fn transferring(&self) -> Transferring {
        self.pending.transferring
    }

    /// Whether the call was ever established.
    pub const fn was_ever_established(&self) -> bool {
        self.facts.ever_established
    }

    /// The end, once there is one.
    pub const fn end(&self) -> Option<End> {
        let Facts { end, ever_established, ended_by, reason, .. } = &self.facts;
        match end {
            Some(how) => Some(End {
                how: *how,
                ever_established: *ever_established,
                by: *ended_by,
                reason: *reason,
                result: self.facts.result(),
            }),
            None => None,
        }
    }

    /// Whether audio is active, as far as Graph said.
    pub const fn audio(&self) -> Option<Audio> {
        self.facts.media.audio()
    }

    /// Who hosts the media.
    pub const fn media_host(&self) -> MediaHost {
        self.facts.media_host
    }

    /// The state of the transcription, as far as Graph said.
    pub const fn transcription(&self) -> Option<Transcription> {
        self.facts.media.transcription()
    }

    /// What the service confirmed of the bot's own recording: media may be kept while this is `recording`.
    pub const fn recording(&self) -> Option<RecordingStatus> {
        self.facts.media.recording()
    }

    /// How many participants this call records under a policy: known to be inaccurate where they come and go quickly.
    ///
    /// Source: Graph docs, call: answer (`participantCapacity`).
    pub const fn recorded_participants(&self) -> u16 {
        self.facts.media.recorded
    }

    /// Who took the call, as far as Graph said.
    pub const fn answered_by(&self) -> Option<Answerer> {
        self.facts.answered_by
    }

    /// What is known of the app's permissions, what was learnt on this call included.
    pub const fn knowledge(&self) -> Knowledge {
        self.facts.knowledge
    }

    /// The operations, those that ended with the last input included.
    pub const fn operations(&self) -> &Operations<O> {
        &self.operations
    }

    /// The roster, those who left with the last input included.
    pub const fn roster(&self) -> &Roster<R> {
        &self.roster
    }

    /// Whether this is the bot's own participant.
    pub fn is_own(&self, participant: ParticipantId) -> bool {
        self.facts.own_participant == folded(participant)
    }

    /// Whether the bot waits in the lobby: it is told of nobody else until it is admitted.
    ///
    /// Source: Graph docs, application: post calls (join as a guest).
    pub fn is_in_lobby(&self) -> bool {
        let mut members = self.roster.members();
        members.any(|member| member.presence() == Presence::Lobby && self.is_own(member.id()))
    }

    /// Whether everybody else is known to have left; never while anybody is only unconfirmed, or was not named.
    pub fn is_alone(&self) -> bool {
        let mut own = false;
        for member in self.roster.members() {
            match member.presence() {
                Presence::Present if self.is_own(member.id()) => own = true,
                Presence::Left | Presence::GalleryView => {}
                Presence::Present | Presence::Lobby | Presence::Unconfirmed | Presence::Invited => {
                    return false;
                }
            }
        }
        own && self.roster.unnamed() == 0
    }

    /// What goes into `clientContext` of the request of this ticket.
    pub const fn client_context(&self, ticket: Ticket) -> ClientContext {
        ClientContext { key: self.facts.key, ticket }
    }

    /// Makes this a call that was just created.
    fn begin(&mut self, setup: &Setup, classification: Classification, created_by: Action) {
        self.clear();
        let facts = &mut self.facts;
        facts.key = setup.key;
        facts.created_by = created_by;
        facts.end = None;
        facts.classification = classification;
        facts.knowledge = Knowledge::new(setup.grants);
        facts.policy = setup.policy;
        facts.overrides = setup.overrides;
        facts.trust = setup.trust;
        facts.timers = setup.timers;
        let (state, creation, settlement) = match facts.direction() {
            Direction::Incoming => (lifecycle::WHEN_OFFERED, Creation::Done, Settlement::Open),
            Direction::Outgoing => (lifecycle::WHEN_PLACED, Creation::Asked, Settlement::NotNeeded),
        };
        facts.state = state;
        self.pending.creation = creation;
        self.pending.settlement = settlement;
    }

    /// Makes this no call.
    pub(crate) fn clear(&mut self) {
        self.facts = Facts::BLANK;
        self.pending = Pending::NOTHING;
        self.deadlines.clear_all();
        self.operations.clear();
        self.roster.clear();
    }

    fn is_out(&self, exchange: Exchange) -> bool {
        self.pending.outstanding.of(exchange).is_some()
    }

    fn take_ticket(&mut self) -> Ticket {
        let ticket = self.pending.next_ticket;
        self.pending.next_ticket = ticket.next();
        ticket
    }

    fn sweep(&mut self) {
        if self.facts.marks.has(Marks::ENDED) {
            self.facts.marks.clear(Marks::ENDED);
            self.operations.sweep();
        }
        self.roster.sweep();
    }
}

fn chat_of(coordinates: Coordinates) -> Chat {
    if coordinates.has_chat() { Chat::Known } else { Chat::Unknown }
}

fn folded(participant: ParticipantId) -> Option<NonZeroU32> {
    NonZeroU32::new(participant.fold())
}

#[cfg(target_pointer_width = "32")]
const _: () = assert!(core::mem::size_of::<Call<16, 8>>() <= 1280);
#[cfg(target_pointer_width = "32")]
const _: () = assert!(core::mem::size_of::<Call<2, 4>>() <= 384);

#[cfg(test)]
mod tests;
