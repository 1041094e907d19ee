//! Snapshots: a call as versioned bytes, and back.
//!
//! The first byte is the version; then come the parts of the call, one after another. They do not depend on how many
//! places the call has: a call with fewer places reads what fits, and refuses by name what does not. They are read one by
//! one into a call that is there already, and checked: bytes that are no call are refused by name, and never read as
//! another call. Times are those of the embedder's clock: see [`Call::rebase`] where its origin changes.
//!
//! ```
//! use callflow_core::call::{Call, Offer, Setup};
//! use callflow_core::id::{CallId, CallKey};
//! use callflow_core::time::Timestamp;
//!
//! # fn main() -> Result<(), callflow_core::snapshot::SnapshotError> {
//! let (setup, offer) = (Setup::new(CallKey::new(1)), Offer::new(CallId::parse("a")));
//! let (call, _) = Call::<4, 2>::offered(Timestamp::from_millis(0), setup, offer);
//! let mut buffer = [0; Call::<4, 2>::SNAPSHOT_LEN];
//! let bytes = call.encode(&mut buffer)?;
//! assert_eq!(Call::<4, 2>::decode(bytes)?, call);
//! # Ok(())
//! # }
//! ```
//!
//! # The bytes of version 2
//!
//! Numbers are varints (seven bits a byte, the lowest first), ids their 16 bytes, words their places in their lists; of what may be absent a word is
//! one more and absent 0, and the others stand only if their bit is set in a mask.
//!
//! | part | bytes |
//! | --- | --- |
//! | version | 1 |
//! | key, id | 8, 16 |
//! | words: what began the call to the status that is being reported, in the order of the source | 27 |
//! | mask, and what it names | 1…2 and more |
//! | tickets: the next one, a mask of those that are out, and those | 2 and more |
//! | deadlines: a mask, the earliest, and how long after it each is | 1 and more |
//! | operations: how many; for each id, ticket, due, action, phase | 1, and 21…25 each |
//! | roster: how many, the unnamed; for each id, words, sequence | 2 and more, and 20…24 each |

mod codec;
mod error;

pub use error::{Part, SnapshotError};

use codec::{
    Reader, Writer, byte, byte_of, byte_of_policy, byte_of_settlement, mask, maybe, phase_of, policy_of,
    settlement_of, some, truth,
};

use crate::action::{Action, Actions};
use crate::call::{Call, Facts, Marks};
use crate::classification::{Classification, Direction, Hosting, Reason};
use crate::deadline::{self, Deadlines, Timers};
use crate::id::{CallId, CallKey, OperationId, ParticipantId, Sequence};
use crate::identity::{Answerer, Routing};
use crate::lifecycle::State;
use crate::lifecycle::doubt::Doubt;
use crate::lifecycle::end::{How, TerminationReason};
use crate::lifecycle::pending::{
    Creation, Exchange, HangingUp, Outstanding, RingLimit, Settlement, Transferring,
};
use crate::media::{Audio, MediaHost, Mute, RecordingStatus, Sharing, Transcription};
use crate::operation::Operation;
use crate::permission::{Grants, Knowledge, Permissions};
use crate::restriction::{Chat, Overrides, PolicyRecording};
use crate::result::{By, ResultInfo};
use crate::roster::{Member, Presence, Trust};
use crate::time::{Span, Timestamp};

/// The version that [`Call::encode`] writes. [`Call::decode`] reads it; from here on also the one before it.
pub const VERSION: u8 = 2;

/// How many words of one byte a snapshot has.
const WORDS: usize = 27;

/// What begins a call.
const CREATORS: Actions = Actions::of(&[
    Action::Place,
    Action::PlaceGroup,
    Action::Join,
    Action::JoinAsGuest,
    Action::Answer,
    Action::AnswerPolicyRecording,
]);

/// What stands only if it is there: the bits of the mask.
mod bit {
    pub(super) const OWN: u16 = 1;
    pub(super) const ON_HOLD: u16 = 1 << 1;
    pub(super) const RESULT: u16 = 1 << 2;
    pub(super) const RECORDED: u16 = 1 << 3;
    pub(super) const HEARD: u16 = 1 << 4;
    pub(super) const SHARING: u16 = 1 << 5;
    pub(super) const OVERRIDES: u16 = 1 << 6;
    pub(super) const TIMERS: u16 = 1 << 7;
    pub(super) const QUESTIONED: u16 = 1 << 8;
    pub(super) const DOUBT: u16 = 1 << 9;
    pub(super) const ROSTER_DOUBT: u16 = 1 << 10;
    pub(super) const ALL: u16 = (1 << 11) - 1;
}

impl<const R: usize, const O: usize> Call<R, O> {
    /// A buffer of this many bytes holds any snapshot of such a call.
    pub const SNAPSHOT_LEN: usize =
        320usize.saturating_add(28usize.saturating_mul(O)).saturating_add(28usize.saturating_mul(R));

    /// Writes the call into `buffer`, and gives the bytes written.
    ///
    /// # Errors
    /// [`SnapshotError::BufferTooSmall`]
    #[inline(never)]
    pub fn encode<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], SnapshotError> {
        let whole = buffer.len();
        let mut to = Writer { rest: &mut *buffer, is_full: false };
        to.bytes(&[VERSION]);
        to.bytes(&self.facts.key.bits().to_be_bytes());
        to.bytes(&self.facts.id.to_bytes());
        to.bytes(&self.words());
        self.write_masked(&mut to);
        self.write_tickets(&mut to);
        self.write_deadlines(&mut to);
        to.number(byte(self.operations.rows().len()).into());
        for row in self.operations.rows() {
            let (id, ticket, due, action, phase) = row.to_parts();
            to.bytes(&id.to_bytes());
            to.number(ticket.number());
            let [high, low] = due.to_be_bytes();
            to.bytes(&[high, low, byte(action.index()), byte_of(phase)]);
        }
        self.write_roster(&mut to);
        let Writer { rest, is_full } = to;
        let written = whole.saturating_sub(rest.len());
        let bytes = if is_full { None } else { buffer.get(..written) };
        bytes.ok_or(SnapshotError::BufferTooSmall)
    }

    /// Reads a call that [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`SnapshotError`], which names what is wrong.
    pub fn decode(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let mut call = Self::blank();
        call.read(bytes)?;
        Ok(call)
    }

    /// Reads a call that [`Self::encode`] wrote into the place of this one: on a device this takes less stack than
    /// [`Self::decode`].
    ///
    /// # Errors
    /// [`SnapshotError`], which names what is wrong. This call is then one that ended before it began.
    #[inline(never)]
    pub fn decode_into(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        self.clear();
        self.read(bytes).inspect_err(|_| self.clear())
    }

    fn read(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        let (version, rest) = bytes.split_first().ok_or(SnapshotError::Empty)?;
        if *version != VERSION {
            return Err(SnapshotError::UnknownVersion { found: *version });
        }
        let mut from = Reader { rest, part: Part::Facts, too_large: None };
        if self.read_parts(&mut from).is_none() {
            return Err(from.error());
        }
        if !from.rest.is_empty() {
            return Err(SnapshotError::TrailingBytes);
        }
        if self.is_sound() { Ok(()) } else { Err(SnapshotError::Unsound) }
    }

    /// Reads the parts into a call that was cleared: what a part does not name is as it is there.
    fn read_parts(&mut self, from: &mut Reader<'_>) -> Option<()> {
        self.facts.key = CallKey::new(u64::from_be_bytes(from.bytes()?));
        self.facts.id = CallId::from_bytes(from.id()?);
        self.read_words(from.bytes()?)?;
        self.read_masked(from)?;
        from.part = Part::Tickets;
        self.read_tickets(from)?;
        from.part = Part::Deadlines;
        self.read_deadlines(from)?;
        from.part = Part::Operations;
        self.read_operations(from)?;
        self.facts.marks = Marks::ALL;
        from.part = Part::Roster;
        self.read_roster(from)
    }

    fn words(&self) -> [u8; WORDS] {
        let Facts { created_by, state, ever_established, end, ended_by, .. } = &self.facts;
        let Facts { reason, classification, chat, recording, media, media_host, .. } = &self.facts;
        let Facts { answered_by, routing, knowledge, policy, trust, .. } = &self.facts;
        let pending = &self.pending;
        let (known, granted) = match knowledge.grants() {
            Grants::Unknown => (0, Permissions::NONE),
            Grants::Known(granted) => (1, granted),
        };
        [
            byte(created_by.index()),
            byte(state.index()),
            u8::from(*ever_established),
            some(end.map(How::index)),
            byte(ended_by.index()),
            some(reason.map(TerminationReason::index)),
            byte(classification.reason().index()),
            byte(classification.hosting().index()),
            byte(chat.index()),
            byte(recording.index()),
            some(media.audio.map(Audio::index)),
            u8::from(media.presumed),
            some(media.transcription.map(Transcription::index)),
            some(media.recording.map(RecordingStatus::index)),
            byte(media_host.index()),
            some(answered_by.map(Answerer::index)),
            some(routing.map(Routing::index)),
            known | granted.bits() << 1,
            knowledge.lacking().bits(),
            byte_of_policy(*policy) | byte(trust.index()) << 4,
            byte(pending.creation.index()),
            byte_of_settlement(pending.settlement),
            byte(pending.transferring.index()),
            byte(pending.hanging_up.index()),
            byte(pending.ring_limit.index()),
            pending.joining,
            some(pending.reporting.map(RecordingStatus::index)),
        ]
    }

    fn read_words(&mut self, words: [u8; WORDS]) -> Option<()> {
        let [
            created_by,
            state,
            ever_established,
            end,
            ended_by,
            reason,
            classified,
            hosting,
            chat,
            recording,
            audio,
            presumed,
            transcription,
            confirmed,
            media_host,
            answered_by,
            routing,
            granted,
            lacking,
            policy_and_trust,
            creation,
            settlement,
            transferring,
            hanging_up,
            ring_limit,
            joining,
            reporting,
        ] = words;
        let facts = &mut self.facts;
        facts.created_by = Action::from_index(created_by.into()).filter(|action| CREATORS.has(*action))?;
        facts.state = State::from_index(state.into())?;
        facts.ever_established = truth(ever_established)?;
        facts.end = maybe(end, How::from_index)?;
        facts.ended_by = By::from_index(ended_by.into())?;
        facts.reason = maybe(reason, TerminationReason::from_index)?;
        facts.classification = Classification::from_parts(
            Reason::from_index(classified.into())?,
            Hosting::from_index(hosting.into())?,
        )?;
        facts.chat = Chat::from_index(chat.into())?;
        facts.recording = PolicyRecording::from_index(recording.into())?;
        facts.media.audio = maybe(audio, Audio::from_index)?;
        facts.media.presumed = truth(presumed)?;
        facts.media.transcription = maybe(transcription, Transcription::from_index)?;
        facts.media.recording = maybe(confirmed, RecordingStatus::from_index)?;
        facts.media_host = MediaHost::from_index(media_host.into())?;
        facts.answered_by = maybe(answered_by, Answerer::from_index)?;
        facts.routing = maybe(routing, Routing::from_index)?;
        let grants = match (granted & 1, Permissions::from_bits(granted >> 1)) {
            (0, Permissions::NONE) => Grants::Unknown,
            (0, _) => return None,
            (_, granted) => Grants::Known(granted),
        };
        if lacking > 0x7F {
            return None;
        }
        facts.knowledge = Knowledge::with_lacking(grants, Permissions::from_bits(lacking));
        facts.policy = policy_of(policy_and_trust & 0xF)?;
        facts.trust = Trust::from_index((policy_and_trust >> 4).into())?;
        let pending = &mut self.pending;
        pending.creation = Creation::from_index(creation.into())?;
        pending.settlement = settlement_of(settlement)?;
        pending.transferring = Transferring::from_index(transferring.into())?;
        pending.hanging_up = HangingUp::from_index(hanging_up.into())?;
        pending.ring_limit = RingLimit::from_index(ring_limit.into())?;
        pending.joining = joining;
        pending.reporting = maybe(reporting, RecordingStatus::from_index)?;
        Some(())
    }

    fn write_masked(&self, to: &mut Writer<'_>) {
        let Facts { own_participant, on_hold, media, overrides, timers, .. } = &self.facts;
        let result = self.facts.result();
        let pending = &self.pending;
        let is_default = |doubt: &Doubt| *doubt == Doubt::default();
        let mut mask = 0u16;
        let mut note = |is_there: bool, bit: u16| {
            if is_there {
                mask |= bit;
            }
        };
        note(own_participant.is_some(), bit::OWN);
        note(on_hold.is_some(), bit::ON_HOLD);
        note(result.is_some(), bit::RESULT);
        note(media.recorded != 0, bit::RECORDED);
        note(media.heard, bit::HEARD);
        note(media.sharing.is_some(), bit::SHARING);
        note(!overrides.is_empty(), bit::OVERRIDES);
        note(*timers != Timers::DEFAULT, bit::TIMERS);
        note(pending.questioned.is_some(), bit::QUESTIONED);
        note(!is_default(&pending.doubt), bit::DOUBT);
        note(!is_default(&pending.roster_doubt), bit::ROSTER_DOUBT);
        to.number(mask.into());
        for folded in [own_participant, on_hold].into_iter().flatten() {
            to.number(folded.get());
        }
        if let Some(result) = result {
            to.number(result.code);
            to.number(result.subcode);
        }
        if media.recorded != 0 {
            to.number(media.recorded.into());
        }
        if media.heard {
            to.long(media.newest.number());
            to.number(media.before);
        }
        if let Some(sharing) = media.sharing {
            to.bytes(&[byte(sharing.index())]);
            to.number(media.session);
        }
        if !overrides.is_empty() {
            to.number(overrides.bits().into());
        }
        if *timers != Timers::DEFAULT {
            for tenths in timers.tenths() {
                to.number(tenths.into());
            }
        }
        if let Some(questioned) = pending.questioned {
            to.number(questioned.number());
        }
        for doubt in [pending.doubt, pending.roster_doubt].iter().filter(|doubt| !is_default(doubt)) {
            let (asked_at, rest) = doubt.to_parts();
            to.number(asked_at);
            to.bytes(&rest);
        }
    }

    fn read_masked(&mut self, from: &mut Reader<'_>) -> Option<()> {
        let mask = from.half()?;
        if mask & !bit::ALL != 0 {
            return None;
        }
        let has = |bit: u16| mask & bit != 0;
        let (facts, pending) = (&mut self.facts, &mut self.pending);
        if has(bit::OWN) {
            facts.own_participant = Some(from.folded()?);
        }
        if has(bit::ON_HOLD) {
            facts.on_hold = Some(from.folded()?);
        }
        if has(bit::RESULT) {
            facts.has_result = true;
            facts.result = ResultInfo { code: from.number()?, subcode: from.number()? };
        }
        if has(bit::RECORDED) {
            facts.media.recorded = from.half()?;
        }
        if has(bit::HEARD) {
            facts.media.heard = true;
            facts.media.newest = Sequence::new(from.long()?);
            facts.media.before = from.number()?;
        }
        if has(bit::SHARING) {
            let [sharing] = from.bytes()?;
            facts.media.sharing = Some(Sharing::from_index(sharing.into())?);
            facts.media.session = from.number()?;
        }
        if has(bit::OVERRIDES) {
            facts.overrides = Overrides::from_bits(from.half()?)?;
        }
        if has(bit::TIMERS) {
            for tenths in facts.timers.tenths_mut() {
                *tenths = from.half()?;
            }
        }
        if has(bit::QUESTIONED) {
            pending.questioned = Some(from.ticket()?);
        }
        if has(bit::DOUBT) {
            pending.doubt = from.doubt()?;
        }
        if has(bit::ROSTER_DOUBT) {
            pending.roster_doubt = from.doubt()?;
        }
        Some(())
    }

    fn write_tickets(&self, to: &mut Writer<'_>) {
        let outstanding = &self.pending.outstanding;
        to.number(self.pending.next_ticket.number());
        to.number(mask(Exchange::ALL.iter().map(|exchange| outstanding.of(*exchange).is_some())));
        for ticket in Exchange::ALL.iter().filter_map(|exchange| outstanding.of(*exchange)) {
            to.number(ticket.number());
        }
    }

    fn read_tickets(&mut self, from: &mut Reader<'_>) -> Option<()> {
        self.pending.next_ticket = from.ticket()?;
        let mut mask = from.number()?;
        for exchange in Exchange::ALL {
            if mask & 1 != 0 {
                let ticket = from.spent_ticket(self.pending.next_ticket)?;
                self.pending.outstanding.put(*exchange, ticket);
            }
            mask >>= 1;
        }
        if mask == 0 { Some(()) } else { None }
    }

    fn write_deadlines(&self, to: &mut Writer<'_>) {
        let deadlines = &self.deadlines;
        to.number(mask(deadline::Kind::ALL.iter().map(|kind| deadlines.of(*kind).is_some())));
        let Some(earliest) = deadlines.next() else { return };
        to.long(earliest.at.as_millis());
        for at in deadline::Kind::ALL.iter().filter_map(|kind| deadlines.of(*kind)) {
            to.long(at.since(earliest.at).as_millis());
        }
    }

    fn read_deadlines(&mut self, from: &mut Reader<'_>) -> Option<()> {
        let mut mask = from.number()?;
        if mask == 0 {
            return Some(());
        }
        let earliest = Timestamp::from_millis(from.long()?);
        self.deadlines = Deadlines::from_earliest(earliest);
        for kind in deadline::Kind::ALL {
            if mask & 1 != 0 {
                let after = Span::from_millis(from.long()?);
                self.deadlines.set(*kind, earliest.plus(after));
            }
            mask >>= 1;
        }
        if mask == 0 { Some(()) } else { None }
    }

    fn read_operations(&mut self, from: &mut Reader<'_>) -> Option<()> {
        let needed = from.count()?;
        for _ in 0..needed {
            let id = OperationId::from_bytes(from.id()?);
            let ticket = from.spent_ticket(self.pending.next_ticket)?;
            let [high, low, action, phase] = from.bytes()?;
            let due = u16::from_be_bytes([high, low]);
            let (action, phase) = (Action::from_index(action.into())?, phase_of(phase)?);
            let row = Operation::from_parts((id, ticket, due, action, phase));
            if !self.operations.push_decoded(row) {
                return from.too_large(needed, O);
            }
        }
        Some(())
    }

    fn write_roster(&self, to: &mut Writer<'_>) {
        let (unnamed, newest) = self.roster.numbers();
        to.number(byte(self.roster.members().len()).into());
        // Twice the unnamed, and one more where deltas came: their newest number follows.
        to.number(u32::from(unnamed) << 1 | u32::from(newest.is_some()));
        if let Some(newest) = newest {
            to.long(newest.number());
        }
        for member in self.roster.members() {
            let (id, sequence, presence, recording, mute, hold_and_screen) = member.to_parts();
            to.bytes(&id.to_bytes());
            to.bytes(&[
                byte(presence.index()),
                some(recording.map(RecordingStatus::index)),
                some(mute.map(Mute::index)) | hold_and_screen << 4,
            ]);
            to.number(sequence);
        }
    }

    fn read_roster(&mut self, from: &mut Reader<'_>) -> Option<()> {
        let needed = from.count()?;
        let unnamed = from.number()?;
        let newest = if unnamed & 1 != 0 { Some(Sequence::new(from.long()?)) } else { None };
        let unnamed = u16::try_from(unnamed >> 1).ok()?;
        self.roster.set_numbers(unnamed, newest);
        for _ in 0..needed {
            let id = ParticipantId::from_bytes(from.id()?);
            let [presence, recording, others] = from.bytes()?;
            let sequence = from.number()?;
            let presence = Presence::from_index(presence.into())?;
            let recording = maybe(recording, RecordingStatus::from_index)?;
            let mute = maybe(others & 0xF, Mute::from_index)?;
            let member = Member::from_parts((id, sequence, presence, recording, mute, others >> 4));
            if !self.roster.push_decoded(member) {
                return from.too_large(needed, R);
            }
        }
        Some(())
    }

    /// Whether the parts can occur together.
    pub(crate) fn is_sound(&self) -> bool {
        let Facts { state, end, ever_established, timers, .. } = &self.facts;
        let crate::call::Pending { creation, settlement, hanging_up, transferring, outstanding, .. } =
            &self.pending;
        let incoming = self.facts.direction() == Direction::Incoming;
        self.operations.is_sound()
            && timers.are_sound()
            && state.is_ended() == end.is_some()
            && (*ever_established || !state.is_connected())
            && (*state != State::Incoming || incoming)
            && (!incoming || *creation == Creation::Done)
            && (incoming || *settlement == Settlement::NotNeeded)
            && (*creation == Creation::Done || matches!(state, State::Establishing | State::Terminated))
            && (!state.is_ended() || *hanging_up == HangingUp::No)
            && (!state.is_ended() || *transferring == Transferring::No)
            && (*end != Some(How::Told)
                || (self.deadlines.next().is_none() && *outstanding == Outstanding::NONE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::{Input, Offer, Setup};
    use crate::command::{Answer, Command};
    use crate::id::Ticket;
    use crate::text::Uri;

    #[test]
    fn regression_a_ticket_that_would_be_given_twice_is_refused() {
        let (setup, offer) = (Setup::new(CallKey::new(1)), Offer::new(CallId::parse("a")));
        let (mut call, _) = Call::<2, 2>::offered(Timestamp::from_millis(0), setup, offer);
        let answer = Command::Answer(Answer::new(Uri::new("https://bot.example")));
        for command in [answer, Command::SubscribeToTone] {
            assert!(call.handle(Timestamp::from_millis(0), Input::Command(&command)).is_ok());
        }
        let mut buffer = [0; Call::<2, 2>::SNAPSHOT_LEN];
        for (next, expected) in [(3, true), (1 << 31, true), (2, false), (1, false), (u32::MAX, false)] {
            call.pending.next_ticket = Ticket::try_new(next).unwrap();
            let bytes = call.encode(&mut buffer).unwrap();
            assert_eq!(Call::<2, 2>::decode(bytes).is_ok(), expected, "{next}");
        }
    }
}
