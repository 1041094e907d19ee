//! Operations: each is asked once, and ends in exactly one completion.
//!
//! An operation is known by its ticket from the first, by Graph's id once an answer or a notification told it. Its
//! completion comes in the answer or by notification, before or after the other, twice, or never: then it is asked for
//! where its id is known, and otherwise its outcome is called unknown, until news or the call's end settles it.
//!
//! What plays, records, listens and sends tones leaves one after another: the next when the one before has its answer (or
//! is known to have none), and none before the call is established with audio active. What the bot asks before that is
//! *held*, and released later. Everything else leaves at once.
//!
//! | action | completes |
//! | --- | --- |
//! | playPrompt, recordResponse, sendDtmfTones, startHoldMusic, addLargeGalleryView, invite | by notification |
//! | prompts that are repeated for ever | when they are cancelled |
//! | all others | in the answer |
//!
//! Source: Graph docs, commsOperation, and the page of each action; that requests are answered one at a time keeps their
//! order at the service, which no page promises otherwise.

use heapless::Vec;

use crate::action::{Action, Actions};
use crate::id::{OperationId, Ticket};
use crate::result::{Class, ResultInfo};
use crate::time::{Span, Timestamp};
use crate::words::words;

words! {
    /// `commsOperation.status`
    pub enum Status {
        /// It was taken and has not begun.
        NotStarted = "notStarted",
        /// It is being carried out.
        Running = "running",
        /// It is done.
        Completed = "completed",
        /// It failed.
        Failed = "failed",
        /// A status that this version does not know: taken for running.
        Unrecognised = "unrecognised",
    }
}

impl Status {
    /// The status that a notification means: one of a deleted operation is final, whatever it says.
    ///
    /// Source: Graph docs, commsNotification (`deleted`), commsOperation.
    pub(crate) fn told_by(self, is_deleted: bool, result: Option<ResultInfo>) -> Self {
        match self {
            Self::Completed | Self::Failed => self,
            Self::NotStarted | Self::Running | Self::Unrecognised if is_deleted => {
                match result.map(ResultInfo::class) {
                    None | Some(Class::Normal) => Self::Completed,
                    Some(Class::Refused | Class::Failed | Class::Unknown) => Self::Failed,
                }
            }
            Self::NotStarted | Self::Running | Self::Unrecognised => self,
        }
    }

    /// The status that Graph calls by this name, in any case.
    pub fn parse(name: &str) -> Self {
        Self::ALL.iter().copied().find(|s| s.name().eq_ignore_ascii_case(name)).unwrap_or(Self::Unrecognised)
    }
}

words! {
    /// `completionReason`: why an operation completed or failed.
    ///
    /// Source: Graph docs, sendDtmfTonesOperation, and of beta playPromptOperation and recordOperation; field captures have
    /// it in v1.0 too.
    pub enum Completion {
        /// It was carried out.
        CompletedSuccessfully = "completedSuccessfully",
        /// It was cancelled.
        MediaOperationCanceled = "mediaOperationCanceled",
        /// A recording was cancelled.
        OperationCanceled = "operationCanceled",
        /// A stop tone ended the recording.
        StopToneDetected = "stopToneDetected",
        /// The recording lasted as long as it may.
        MaxRecordDurationReached = "maxRecordDurationReached",
        /// Nothing was said at first.
        InitialSilenceTimeout = "initialSilenceTimeout",
        /// Nothing was said any more.
        MaxSilenceTimeout = "maxSilenceTimeout",
        /// The prompt before the recording could not be played.
        PlayPromptFailed = "playPromptFailed",
        /// The beep before the recording could not be played.
        PlayBeepFailed = "playBeepFailed",
        /// No sound came.
        MediaReceiveTimeout = "mediaReceiveTimeout",
        /// Something else went wrong.
        UnspecifiedError = "unspecifiedError",
        /// A reason that this version does not know; the adapter keeps its word.
        Unrecognised = "unrecognised",
    }
}

impl Completion {
    /// The reason that Graph calls by this name, in any case.
    pub fn parse(name: &str) -> Self {
        Self::ALL.iter().copied().find(|c| c.name().eq_ignore_ascii_case(name)).unwrap_or(Self::Unrecognised)
    }

    const fn is_cancelled(self) -> bool {
        matches!(self, Self::MediaOperationCanceled | Self::OperationCanceled)
    }
}

words! {
    /// How an operation ended.
    pub enum Outcome {
        /// The service completed it.
        Completed = "completed",
        /// The service took it, and it failed.
        Failed = "failed",
        /// It was cancelled, at the service or before it left.
        Cancelled = "cancelled",
        /// The service refused the request: nothing was done.
        Refused = "refused",
        /// The request never left, or never arrived: nothing was done.
        NotSent = "not sent",
        /// The answer was lost, and nothing else would tell: it may have been carried out or not.
        Unknown = "unknown",
        /// The call ended first.
        CallEnded = "call ended",
    }
}

/// Where an operation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Phase {
    /// Its request waits.
    Held,
    /// Its request is out.
    Asked,
    /// The service carries it out.
    Running,
    /// The answer was lost, or the completion never came: it may be carried out or not. A notification may still tell.
    Unknown,
    /// It ended; the row is kept until the next input.
    Ended(Outcome),
}

/// The actions whose requests leave one after another, once there is audio.
const QUEUED: Actions =
    Actions::of(&[Action::PlayPrompt, Action::Record, Action::SubscribeToTone, Action::SendDtmf]);
/// The actions whose completion a notification tells.
const NOTIFIED: Actions = Actions::of(&[
    Action::PlayPrompt,
    Action::Record,
    Action::SendDtmf,
    Action::StartHoldMusic,
    Action::AddLargeGalleryView,
    Action::Invite,
    Action::InviteSeveral,
]);
/// The actions that cancelling ends.
///
/// Source: Graph docs, call: cancelMediaProcessing (playing and recording), sendDtmfTonesOperation (`mediaOperationCanceled`).
const CANCELLED: Actions = Actions::of(&[Action::PlayPrompt, Action::Record, Action::SendDtmf]);

/// No wait: the operation is not asked for.
const NO_WAIT: u16 = 0;
/// The operation never completes by itself, so that it is not waited for.
const ENDLESS: u16 = u16::MAX;

/// One operation of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Operation {
    id: OperationId,
    ticket: Ticket,
    /// When it is asked for: the low half of a moment in beats, [`NO_WAIT`] or [`ENDLESS`].
    due: u16,
    action: Action,
    phase: Phase,
}

impl Operation {
    /// The ticket of its request.
    pub const fn ticket(&self) -> Ticket {
        self.ticket
    }

    /// What it does.
    pub const fn action(&self) -> Action {
        self.action
    }

    /// Where it stands.
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// Graph's id for it, once known.
    pub const fn id(&self) -> Option<OperationId> {
        self.id.known()
    }

    const fn has_ended(&self) -> bool {
        matches!(self.phase, Phase::Ended(_))
    }

    /// Whether what leaves in turn has to wait for it.
    const fn is_in_the_way(&self) -> bool {
        match self.phase {
            Phase::Held => true,
            Phase::Asked => QUEUED.has(self.action),
            Phase::Running | Phase::Unknown | Phase::Ended(_) => false,
        }
    }

    /// Beats until it is asked for; none where it is not waited for.
    #[allow(clippy::cast_possible_wrap)] // the distance wraps around, and its sign says which of the two came first
    const fn ahead_of(&self, now: u16) -> Option<i16> {
        match self.due {
            NO_WAIT | ENDLESS => None,
            due => Some(due.wrapping_sub(now) as i16),
        }
    }

    fn wait(&mut self, now: Timestamp, wait: Span) {
        if self.due != ENDLESS {
            self.due = soon(now, wait);
        }
    }

    #[cfg(feature = "snapshot")]
    pub(crate) const fn to_parts(self) -> (OperationId, Ticket, u16, Action, Phase) {
        (self.id, self.ticket, self.due, self.action, self.phase)
    }

    #[cfg(feature = "snapshot")]
    pub(crate) const fn from_parts(
        (id, ticket, due, action, phase): (OperationId, Ticket, u16, Action, Phase),
    ) -> Self {
        Self { id, ticket, due, action, phase }
    }
}

/// The bits of a millisecond count that a beat does not tell apart: 1024 ms, which costs a device no division.
const BEAT: u32 = 10;

/// The moment in beats, the low half.
#[allow(clippy::cast_possible_truncation)] // the low half
const fn beats(moment: Timestamp) -> u16 {
    moment.as_millis().wrapping_shr(BEAT) as u16
}

/// The first beat `wait` from now or later, 9 hours at most, so that it is told from one that passed.
pub(crate) const fn due_at(now: Timestamp, wait: Span) -> Timestamp {
    let most = if wait.as_millis() > 0x1FF_FFFF { 0x1FF_FFFF } else { wait.as_millis() };
    let begun = now.plus(Span::from_millis(most)).plus(Span::from_millis(1023));
    Timestamp::from_millis(begun.as_millis() & !1023)
}

/// The same as a row keeps it: never a mark.
const fn soon(now: Timestamp, wait: Span) -> u16 {
    match beats(due_at(now, wait)) {
        NO_WAIT | ENDLESS => 1,
        due => due,
    }
}

/// So many beats, none where that moment passed.
fn in_millis(beats: i16) -> Span {
    Span::from_millis(u64::from(beats.max(0).unsigned_abs()).wrapping_shl(BEAT))
}

/// A set of places in the table of operations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Places(u32);

impl Places {
    /// Whether `place` is in the set.
    pub const fn has(self, place: u8) -> bool {
        matches!(1u32.checked_shl(place as u32), Some(bit) if self.0 & bit != 0)
    }

    /// Whether the set has no place.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many places the set has.
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    pub(crate) fn add(&mut self, place: usize) {
        self.0 |= u32::try_from(place).ok().and_then(|place| 1u32.checked_shl(place)).unwrap_or(0);
    }
}

/// The operations of a call, `O` at most, in the order in which they were asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Operations<const O: usize> {
    rows: Vec<Operation, O, u8>,
}

/// What the service says of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct News {
    /// Its id, where one was given.
    pub id: Option<OperationId>,
    /// Its status.
    pub status: Status,
    /// Its result, where one was given.
    pub result: Option<ResultInfo>,
    /// Why it completed, where that was given.
    pub completion: Option<Completion>,
}

impl News {
    /// The end that this news tells of; none where it goes on.
    ///
    /// Source: Graph docs, commsOperation; call: cancelMediaProcessing and sendDtmfTonesOperation, which tell a cancelled one as
    /// failed with 400/8508, and as completed with `mediaOperationCanceled`.
    fn outcome(&self) -> Option<Outcome> {
        let cancelled = ResultInfo { code: 400, subcode: 8508 };
        let is_cancelled =
            self.result == Some(cancelled) || self.completion.is_some_and(Completion::is_cancelled);
        match self.status {
            Status::Completed | Status::Failed if is_cancelled => Some(Outcome::Cancelled),
            Status::Completed => Some(Outcome::Completed),
            Status::Failed => Some(Outcome::Failed),
            Status::NotStarted | Status::Running | Status::Unrecognised => None,
        }
    }
}

/// What news of an operation did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Effect {
    /// The operation ended.
    Ended(Operation, Outcome),
    /// It goes on, and something of it was new: it was not known before that the service took it.
    Taken(Action),
    /// It goes on, and something else of it was new.
    Applied,
    /// It says what is known.
    Same,
    /// No operation of this call is meant.
    NotOurs,
}

/// What a lost answer did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Lost {
    /// News may still settle it.
    Unknown(Operation),
    /// Nothing else would tell: it ended.
    Ended(Operation),
    /// It was not waited for.
    NotAsked,
}

/// What to do about an operation that was waited for long enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Due {
    /// Ask for it.
    Ask(Operation, OperationId),
    /// Its id is not known: its outcome is unknown from here on.
    Unknown(Operation),
}

impl<const O: usize> Operations<O> {
    pub(crate) const fn new() -> Self {
        Self { rows: Vec::new() }
    }

    /// Forgets them all.
    pub(crate) fn clear(&mut self) {
        self.rows.clear();
    }

    /// The operations, those that ended with the last input included.
    pub fn rows(&self) -> core::slice::Iter<'_, Operation> {
        self.rows.iter()
    }

    /// The operation at `place`.
    pub fn at(&self, place: u8) -> Option<&Operation> {
        self.rows.get(usize::from(place))
    }

    /// The operation of this ticket.
    pub fn of(&self, ticket: Ticket) -> Option<&Operation> {
        self.rows.iter().find(|row| row.ticket == ticket)
    }

    /// Whether there is room for one more.
    pub fn has_room(&self) -> bool {
        !self.rows.is_full() || self.rows.iter().any(Operation::has_ended)
    }

    /// Whether a request of this action is out; invitations of one and of several are one kind.
    pub(crate) fn is_asked(&self, actions: Actions) -> bool {
        self.rows.iter().any(|row| row.phase == Phase::Asked && actions.has(row.action))
    }

    /// Whether an invitation has not ended.
    pub(crate) fn has_invitations(&self) -> bool {
        let is_invitation = |row: &Operation| matches!(row.action, Action::Invite | Action::InviteSeveral);
        self.rows.iter().any(|row| is_invitation(row) && !row.has_ended())
    }

    /// An operation that the service is known to carry out, to be asked for: it is waited for anew from now on.
    pub(crate) fn ask_running(&mut self, now: Timestamp, wait: Span) -> Option<(Ticket, OperationId)> {
        let row = self
            .rows
            .iter_mut()
            .find(|row| row.id != OperationId::NIL && matches!(row.phase, Phase::Running | Phase::Unknown))?;
        if row.due != NO_WAIT {
            row.wait(now, wait);
        }
        Some((row.ticket, row.id))
    }

    /// Whether another operation of the same action was asked for after this one, and has not ended.
    pub(crate) fn has_newer(&self, than: &Operation) -> bool {
        let mut newer = self.rows.iter().skip_while(|row| row.ticket != than.ticket).skip(1);
        newer.any(|row| row.action == than.action && !row.has_ended())
    }

    /// Whether any request waits.
    pub(crate) fn holds(&self) -> bool {
        self.rows.iter().any(|row| row.phase == Phase::Held)
    }

    /// Forgets those that ended: their places were readable until now.
    pub(crate) fn sweep(&mut self) {
        if self.rows.iter().any(Operation::has_ended) {
            self.rows.retain(|row| !row.has_ended());
        }
    }

    /// Takes an operation in. Gives whether its request may leave at once, or `None` where there is no room.
    pub(crate) fn ask(&mut self, ticket: Ticket, action: Action, how: Asking) -> Option<bool> {
        let waits = QUEUED.has(action)
            && (!how.media_is_usable || (!how.interrupts && self.rows.iter().any(Operation::is_in_the_way)));
        let phase = if waits { Phase::Held } else { Phase::Asked };
        let due = if how.endless { ENDLESS } else { NO_WAIT };
        self.rows.push(Operation { id: OperationId::NIL, ticket, due, action, phase }).ok()?;
        Some(phase == Phase::Asked)
    }

    /// The ticket of the request that waited longest, if it may leave now: it is asked from here on.
    pub(crate) fn release(&mut self) -> Option<Ticket> {
        if self.is_asked(QUEUED) {
            return None;
        }
        let row = self.rows.iter_mut().find(|row| row.phase == Phase::Held)?;
        row.phase = Phase::Asked;
        Some(row.ticket)
    }

    /// Takes in what the service says of the operation that `ticket` or the id in `news` names.
    ///
    /// Source: Graph docs, commsOperation: completed or failed is final, and anything else goes on.
    pub(crate) fn told(&mut self, now: Timestamp, wait: Span, ticket: Option<Ticket>, news: News) -> Effect {
        let id = news.id.unwrap_or(OperationId::NIL);
        let by_id = |row: &Operation| row.id == id && id != OperationId::NIL;
        // A row whose id is known belongs to that id: another id with its context is another operation.
        let is_free = |row: &Operation| row.id == OperationId::NIL || id == OperationId::NIL;
        let mut place = None;
        for (nth, row) in self.rows.iter().enumerate() {
            if by_id(row) {
                place = Some(nth);
                break;
            }
            if Some(row.ticket) == ticket && is_free(row) {
                place = Some(nth);
            }
        }
        let Some(row) = place.and_then(|place| self.rows.get_mut(place)) else { return Effect::NotOurs };
        if row.has_ended() {
            return Effect::Same;
        }
        if row.phase == Phase::Held {
            // Its request never left: whatever this is about, it is not that.
            return Effect::NotOurs;
        }
        let before = row.phase;
        let had_id = row.id().is_some();
        if let (false, Some(id)) = (had_id, news.id) {
            row.id = id;
        }
        if let Some(outcome) = news.outcome() {
            row.phase = Phase::Ended(outcome);
            return Effect::Ended(*row, outcome);
        }
        match before {
            Phase::Asked | Phase::Unknown => {
                row.phase = Phase::Running;
                row.wait(now, wait);
                Effect::Taken(row.action)
            }
            Phase::Held | Phase::Running | Phase::Ended(_) if had_id || news.id.is_none() => Effect::Same,
            Phase::Held | Phase::Running | Phase::Ended(_) => Effect::Applied,
        }
    }

    /// What an answer without a status means for the operation of `ticket`.
    pub(crate) fn status_of_taken(&self, ticket: Ticket) -> Status {
        match self.of(ticket) {
            Some(row) if NOTIFIED.has(row.action) => Status::Running,
            Some(_) | None => Status::Completed,
        }
    }

    /// Ends the operation of `ticket` as `outcome`, in whatever phase it is; `None` where there is none, or it has ended.
    pub(crate) fn close(&mut self, ticket: Ticket, outcome: Outcome) -> Option<Operation> {
        let row = self.rows.iter_mut().find(|row| row.ticket == ticket && !row.has_ended())?;
        row.phase = Phase::Ended(outcome);
        Some(*row)
    }

    /// Notes that the answer to the request of `ticket` was lost. What only an answer completes ends as unknown: its
    /// action sets a state, and can be asked for again.
    pub(crate) fn lost(&mut self, now: Timestamp, wait: Span, ticket: Ticket) -> Lost {
        let asked = self.rows.iter_mut().find(|row| row.ticket == ticket && row.phase == Phase::Asked);
        let Some(row) = asked else { return Lost::NotAsked };
        if NOTIFIED.has(row.action) {
            row.phase = Phase::Unknown;
            if row.id().is_some() {
                row.wait(now, wait);
            }
            Lost::Unknown(*row)
        } else {
            row.phase = Phase::Ended(Outcome::Unknown);
            Lost::Ended(*row)
        }
    }

    /// Ends those that wait for their turn and that cancelling ends.
    pub(crate) fn cancel_held(&mut self) -> Places {
        self.end_where(Outcome::Cancelled, |row| row.phase == Phase::Held && CANCELLED.has(row.action))
    }

    /// Ends all that have not ended: the call is over.
    ///
    /// Source: assumed; no page says whether a pending operation is told of after the call's end, so that none waits
    /// for ever. If one is told of after all, nothing happens.
    pub(crate) fn end_all(&mut self) -> Places {
        self.end_where(Outcome::CallEnded, |row| !row.has_ended())
    }

    /// The operation that was waited for long enough, if any was, and when to look again. It is waited for anew where it
    /// is asked for; one at a time, so that one tick asks once.
    pub(crate) fn take_due(&mut self, now: Timestamp, wait: Span) -> (Option<Due>, Option<Timestamp>) {
        let beat = beats(now);
        let (mut soonest, mut next) = (None, i16::MAX);
        for (place, row) in self.rows.iter().enumerate() {
            let waits = matches!(row.phase, Phase::Running | Phase::Unknown);
            let Some(ahead) = row.ahead_of(beat).filter(|_| waits) else { continue };
            match soonest {
                Some((_, least)) if ahead >= least => next = next.min(ahead),
                Some((_, least)) => (soonest, next) = (Some((place, ahead)), least),
                None => soonest = Some((place, ahead)),
            }
        }
        let Some((place, ahead)) = soonest else { return (None, None) };
        let at = |ahead: i16| {
            let begun = Timestamp::from_millis(now.as_millis() & !1023);
            begun.plus(in_millis(ahead.max(1)))
        };
        if ahead > 0 {
            return (None, Some(at(ahead)));
        }
        let Some(row) = self.rows.get_mut(place) else { return (None, None) };
        let Some(id) = row.id() else {
            row.due = NO_WAIT;
            row.phase = Phase::Unknown;
            return (Some(Due::Unknown(*row)), (next < i16::MAX).then(|| at(next)));
        };
        row.wait(now, wait);
        let again = row.ahead_of(beat).unwrap_or(i16::MAX);
        (Some(Due::Ask(*row, id)), Some(at(next.min(again))))
    }

    /// Notes that the operation of `ticket` cannot be asked for; the operation, where that was news.
    pub(crate) fn not_found(&mut self, ticket: Ticket) -> Option<Operation> {
        let row = self.rows.iter_mut().find(|row| row.ticket == ticket && !row.has_ended())?;
        row.due = if row.due == ENDLESS { ENDLESS } else { NO_WAIT };
        let was_unknown = core::mem::replace(&mut row.phase, Phase::Unknown) == Phase::Unknown;
        (!was_unknown).then_some(*row)
    }

    pub(crate) fn rebase(&mut self, old_now: Timestamp, new_now: Timestamp) {
        for row in &mut self.rows {
            if let Some(ahead) = row.ahead_of(beats(old_now)) {
                row.due = soon(new_now, in_millis(ahead));
            }
        }
    }

    fn end_where(&mut self, outcome: Outcome, ends: impl Fn(&Operation) -> bool) -> Places {
        let mut ended = Places::default();
        for (place, row) in self.rows.iter_mut().enumerate() {
            if ends(row) {
                row.phase = Phase::Ended(outcome);
                ended.add(place);
            }
        }
        ended
    }

    #[cfg(feature = "snapshot")]
    pub(crate) fn push_decoded(&mut self, row: Operation) -> bool {
        self.rows.push(row).is_ok()
    }

    /// Whether the rows of a decoded table can occur together.
    #[cfg(feature = "snapshot")]
    pub(crate) fn is_sound(&self) -> bool {
        let twice = self.rows.iter().enumerate().any(|(place, row)| {
            self.rows.iter().skip(place.saturating_add(1)).any(|other| other.ticket == row.ticket)
        });
        let held = |row: &Operation| row.phase != Phase::Held || QUEUED.has(row.action);
        !twice && self.rows.iter().all(held)
    }
}

/// How an operation is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Asking {
    /// Whether media requests may leave.
    pub(crate) media_is_usable: bool,
    /// Whether it goes before what waits.
    pub(crate) interrupts: bool,
    /// Whether it never completes by itself.
    pub(crate) endless: bool,
}

#[cfg(test)]
mod tests;
