//! Media operations: each is queued, started once, and ends in exactly one completion.
//!
//! An operation is known by its ticket from the first, by Graph's id once an answer or a notification told it. Its
//! completion comes in the answer or by notification, before or after the other. Requests leave one after another: the
//! next when the one before has its answer (or is known to have none), and none before the call is established with
//! audio active. What the bot asks before that is *held*, and released later.
//!
//! Source: Graph docs, commsOperation, call: playPrompt, call: subscribeToTone; that requests are answered one at a time
//! keeps their order at the service, which no page promises otherwise.

use heapless::Vec;

use crate::id::{OperationId, Ticket};
use crate::result::{Class, ResultInfo};
use crate::words::words;

words! {
    /// What an operation does.
    pub enum Kind {
        /// Plays prompts.
        PlayPrompt = "playPrompt",
        /// Asks to be told of tones.
        SubscribeToTone = "subscribeToTone",
    }
}

words! {
    /// `commsOperation.status`.
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
    /// How an operation ended.
    pub enum Outcome {
        /// The service completed it.
        Completed = "completed",
        /// The service took it, and it failed.
        Failed = "failed",
        /// The service refused the request: nothing was done.
        Refused = "refused",
        /// The request never left, or never arrived: nothing was done.
        NotSent = "not sent",
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
    /// The answer was lost: it may be carried out or not. A notification may still tell.
    Unknown,
    /// It ended; the row is kept until the next input.
    Ended(Outcome),
}

/// One operation of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Operation {
    ticket: Ticket,
    kind: Kind,
    phase: Phase,
    id: Option<OperationId>,
    result: Option<ResultInfo>,
}

impl Operation {
    /// The ticket of its request.
    pub const fn ticket(&self) -> Ticket {
        self.ticket
    }

    /// What it does.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Where it stands.
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// Graph's id for it, once known.
    pub const fn id(&self) -> Option<OperationId> {
        self.id
    }

    /// Its result, once known.
    pub const fn result(&self) -> Option<ResultInfo> {
        self.result
    }

    const fn has_ended(&self) -> bool {
        matches!(self.phase, Phase::Ended(_))
    }
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

    fn add(&mut self, place: usize) {
        self.0 |= u32::try_from(place).ok().and_then(|place| 1u32.checked_shl(place)).unwrap_or(0);
    }
}

/// The operations of a call, `O` at most, in the order in which they were asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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
}

/// What news of an operation did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Effect {
    /// The operation ended.
    Ended(Operation),
    /// It goes on, and something of it was new.
    Applied,
    /// It says what is known.
    Same,
    /// No operation of this call is meant.
    NotOurs,
}

impl<const O: usize> Operations<O> {
    pub(crate) const fn new() -> Self {
        Self { rows: Vec::new() }
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
        self.rows.iter().filter(|row| !row.has_ended()).count() < O
    }

    /// An operation that the service is known to carry out, to be asked for.
    pub fn running(&self) -> Option<&Operation> {
        self.rows.iter().find(|row| matches!(row.phase, Phase::Running | Phase::Unknown) && row.id.is_some())
    }

    /// Whether the next request has to wait for an earlier one.
    fn is_busy(&self) -> bool {
        self.rows.iter().any(|row| row.phase == Phase::Asked)
    }

    /// Whether any request waits.
    pub(crate) fn holds(&self) -> bool {
        self.rows.iter().any(|row| row.phase == Phase::Held)
    }

    /// Forgets those that ended: their places were readable until now.
    pub(crate) fn sweep(&mut self) {
        self.rows.retain(|row| !row.has_ended());
    }

    /// Takes an operation in. Gives whether its request may leave at once, or `None` where there is no room.
    pub(crate) fn ask(&mut self, ticket: Ticket, kind: Kind, media_is_usable: bool) -> Option<bool> {
        let now = media_is_usable && !self.is_busy() && !self.holds();
        let phase = if now { Phase::Asked } else { Phase::Held };
        self.rows.push(Operation { ticket, kind, phase, id: None, result: None }).ok()?;
        Some(now)
    }

    /// The ticket of the request that waited longest, if it may leave now: it is asked from here on.
    pub(crate) fn release(&mut self) -> Option<Ticket> {
        if self.is_busy() {
            return None;
        }
        let row = self.rows.iter_mut().find(|row| row.phase == Phase::Held)?;
        row.phase = Phase::Asked;
        Some(row.ticket)
    }

    /// Takes in what the service says of the operation that `ticket` or the id in `news` names.
    ///
    /// Source: Graph docs, commsOperation: completed or failed is final, and anything else goes on.
    pub(crate) fn told(&mut self, ticket: Option<Ticket>, news: News) -> Effect {
        let by_id = |row: &Operation| row.id.is_some() && row.id == news.id;
        let place = self.rows.iter().position(by_id).or_else(|| {
            let ticket = ticket?;
            // A row whose id is known belongs to that id: another id with its context is another operation.
            self.rows.iter().position(|row| {
                row.ticket == ticket && (row.id.is_none() || news.id.is_none() || row.id == news.id)
            })
        });
        let Some(row) = place.and_then(|place| self.rows.get_mut(place)) else { return Effect::NotOurs };
        if row.has_ended() {
            return Effect::Same;
        }
        if row.phase == Phase::Held {
            // Its request never left: whatever this is about, it is not that.
            return Effect::NotOurs;
        }
        let before = *row;
        row.id = row.id.or(news.id);
        row.result = news.result.or(row.result);
        match news.status {
            Status::Completed => row.phase = Phase::Ended(Outcome::Completed),
            Status::Failed => row.phase = Phase::Ended(Outcome::Failed),
            Status::NotStarted | Status::Running | Status::Unrecognised => row.phase = Phase::Running,
        }
        if row.has_ended() {
            Effect::Ended(*row)
        } else if *row == before {
            Effect::Same
        } else {
            Effect::Applied
        }
    }

    /// Ends the operation of `ticket` as `outcome`; `None` where it is not one whose request is out.
    pub(crate) fn close(
        &mut self,
        ticket: Ticket,
        outcome: Outcome,
        result: Option<ResultInfo>,
    ) -> Option<Operation> {
        let row = self.rows.iter_mut().find(|row| row.ticket == ticket && !row.has_ended())?;
        row.phase = Phase::Ended(outcome);
        row.result = result.or(row.result);
        Some(*row)
    }

    /// Notes that the answer to the request of `ticket` was lost; whether that was news.
    pub(crate) fn lost(&mut self, ticket: Ticket) -> bool {
        let asked = self.rows.iter_mut().find(|row| row.ticket == ticket && row.phase == Phase::Asked);
        asked.map(|row| row.phase = Phase::Unknown).is_some()
    }

    /// Ends all that have not ended: the call is over.
    ///
    /// Source: assumed; no page says whether a pending operation is told of after the call's end, so that none waits
    /// for ever. If one is told of after all, nothing happens.
    pub(crate) fn end_all(&mut self) -> Places {
        let mut ended = Places::default();
        for (place, row) in self.rows.iter_mut().enumerate() {
            if !row.has_ended() {
                row.phase = Phase::Ended(Outcome::CallEnded);
                ended.add(place);
            }
        }
        ended
    }

    /// Whether the rows of a decoded table can occur together.
    #[cfg(feature = "snapshot")]
    pub(crate) fn is_sound(&self) -> bool {
        let asked = self.rows.iter().filter(|row| row.phase == Phase::Asked).count();
        let twice = self.rows.iter().enumerate().any(|(place, row)| {
            self.rows.iter().skip(place.saturating_add(1)).any(|other| other.ticket == row.ticket)
        });
        asked <= 1 && !twice
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket(number: u32) -> Ticket {
        Ticket::try_new(number).unwrap()
    }

    fn news(id: Option<&str>, status: Status) -> News {
        News { id: id.map(OperationId::parse), status, result: None }
    }

    #[test]
    fn the_second_prompt_leaves_when_the_first_has_its_answer() {
        let mut table = Operations::<2>::new();
        assert_eq!(table.ask(ticket(1), Kind::PlayPrompt, true), Some(true));
        assert_eq!(table.ask(ticket(2), Kind::PlayPrompt, true), Some(false));
        assert!(!table.has_room());
        assert_eq!(table.ask(ticket(3), Kind::PlayPrompt, true), None);
        assert_eq!(table.release(), None);
        assert_eq!(table.told(Some(ticket(1)), news(Some("a"), Status::Running)), Effect::Applied);
        assert_eq!(table.release(), Some(ticket(2)));
    }

    #[test]
    fn i5_a_completion_before_the_answer_ends_it_once() {
        let mut table = Operations::<2>::new();
        table.ask(ticket(1), Kind::PlayPrompt, true);
        assert!(matches!(table.told(Some(ticket(1)), news(Some("a"), Status::Completed)), Effect::Ended(_)));
        assert_eq!(table.told(None, news(Some("a"), Status::Completed)), Effect::Same);
        assert_eq!(table.told(Some(ticket(1)), news(Some("a"), Status::Running)), Effect::Same);
        assert_eq!(table.close(ticket(1), Outcome::Refused, None), None);
        table.sweep();
        assert_eq!(table.told(Some(ticket(1)), news(Some("a"), Status::Running)), Effect::NotOurs);
    }

    #[test]
    fn a_deleted_operation_has_ended_whatever_it_says() {
        let failed = Some(ResultInfo { code: 400, subcode: 8508 });
        for (status, is_deleted, result, expected) in [
            (Status::Running, false, None, Status::Running),
            (Status::Running, true, None, Status::Completed),
            (Status::Unrecognised, true, failed, Status::Failed),
            (Status::Completed, true, failed, Status::Completed),
        ] {
            assert_eq!(status.told_by(is_deleted, result), expected, "{status}");
        }
    }

    #[test]
    fn a_lost_answer_is_settled_by_its_context() {
        let mut table = Operations::<2>::new();
        table.ask(ticket(1), Kind::PlayPrompt, true);
        assert!(table.lost(ticket(1)));
        assert!(!table.lost(ticket(1)));
        assert!(matches!(table.told(Some(ticket(1)), news(None, Status::Failed)), Effect::Ended(_)));
    }
}
