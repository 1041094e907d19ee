//! The roster: who is in the call, as far as Graph told.
//!
//! Absent is not left: a participant that a full roster lacks is *unconfirmed* until a list of the participants, or
//! `removedState`, says that he left (an embedder may choose to [trust](Trust) rosters). Participants are told apart by
//! their id, never by their identity: one person may be there with several endpoints. The roster decides nothing but the
//! count that makes a call a group, and that is counted from the report itself, so that a table that is full stays right
//! in number; whom it could not name it counts.
//!
//! | a roster comes as | and means |
//! | --- | --- |
//! | a full one, by notification | everybody; whom it lacks is unconfirmed |
//! | the answer to a question | everybody; whom it lacks left |
//! | a delta with a number | those who changed; a gap before it means that something was missed |
//! | some without a number | those who changed |
//!
//! A full roster has no number of its own: one that comes late is taken for the newest, until the next roster or list
//! says otherwise; only what it says of a participant with a `rosterSequenceNumber` is known to be older.
//!
//! Source: Graph docs, participant (removedState), call: list participants, deltaParticipants; Calls overview. That a full
//! roster may be short is seen in the examples of participant: mute and participant: invite.

use heapless::Vec;

use crate::id::{ParticipantId, Sequence};
use crate::list::List;
use crate::media::{Mute, RecordingStatus, ScreenSharingRole};
use crate::words::words;

words! {
    /// Where a participant stands.
    pub enum Presence {
        /// In the call.
        Present = "present",
        /// In the lobby.
        Lobby = "lobby",
        /// The newest roster lacked him.
        Unconfirmed = "unconfirmed",
        /// He left; the place is kept until the next input.
        Left = "left",
        /// He was invited, and no roster has had him yet.
        Invited = "invited",
        /// No participant: the large gallery view, which stands in rosters as if it were one.
        GalleryView = "gallery view",
    }
}

words! {
    /// Whether a participant is on hold.
    ///
    /// Source: field reports: a stream of direction `inactive` is all that shows it.
    pub enum Hold {
        /// He is.
        On = "on hold",
        /// He is not.
        Off = "not on hold",
    }
}

/// A participant as a roster reports him: what it says of him, and no more.
///
/// Source: Graph docs, participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Participant {
    /// His id; examples have participants without one.
    pub id: Option<ParticipantId>,
    /// Where the roster says that he stands: present, in the lobby, left (`removedState`), or no participant.
    pub presence: Presence,
    /// `isMuted`
    pub mute: Option<Mute>,
    /// Whether his audio is inactive.
    pub hold: Option<Hold>,
    /// `recordingInfo.recordingStatus`
    pub recording: Option<RecordingStatus>,
    /// Whether he shares his screen.
    pub screen: Option<ScreenSharingRole>,
    /// `rosterSequenceNumber`: the roster in which he was last changed.
    pub sequence: Option<Sequence>,
}

impl Participant {
    /// A participant of whom the roster says no more than this.
    pub const fn new(id: Option<ParticipantId>, presence: Presence) -> Self {
        Self { id, presence, mute: None, hold: None, recording: None, screen: None, sequence: None }
    }
}

/// Whom a roster names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Extent {
    /// Everybody: whom it lacks is unconfirmed.
    Full,
    /// Those who changed, with `sequenceNumber`.
    ///
    /// Source: Graph docs, deltaParticipants.
    Delta(Sequence),
    /// Some, without a number: it says nothing of the others, and nothing of its place in an order.
    Part,
}

words! {
    /// What it means that a full roster lacks somebody.
    pub enum Trust {
        /// He is unconfirmed until he is known to have left.
        Confirm = "confirm",
        /// He left.
        Snapshots = "snapshots",
    }
}

/// A place in the roster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Member {
    id: ParticipantId,
    /// `rosterSequenceNumber`; 0 where none was told, and the most where it is larger.
    sequence: u32,
    presence: Presence,
    recording: Option<RecordingStatus>,
    mute: Option<Mute>,
    /// Whether he is on hold, and whether he shares his screen: two bits each.
    hold_and_screen: u8,
}

impl Member {
    /// His id.
    pub const fn id(&self) -> ParticipantId {
        self.id
    }

    /// Where he stands.
    pub const fn presence(&self) -> Presence {
        self.presence
    }

    /// Whether he can be heard, as far as Graph said.
    pub const fn mute(&self) -> Option<Mute> {
        self.mute
    }

    /// Whether he is on hold, as far as Graph said.
    pub const fn hold(&self) -> Option<Hold> {
        match self.hold_and_screen & 0b11 {
            0b01 => Some(Hold::On),
            0b10 => Some(Hold::Off),
            _ => None,
        }
    }

    /// Whether he shares his screen, as far as Graph said.
    pub const fn screen(&self) -> Option<ScreenSharingRole> {
        match self.hold_and_screen & 0b1100 {
            0b0100 => Some(ScreenSharingRole::Sharer),
            0b1000 => Some(ScreenSharingRole::Viewer),
            _ => None,
        }
    }

    /// Whether he is recorded, as far as Graph said.
    pub const fn recording(&self) -> Option<RecordingStatus> {
        self.recording
    }

    const fn named(id: ParticipantId) -> Self {
        Self { id, sequence: 0, presence: Presence::Left, recording: None, mute: None, hold_and_screen: 0 }
    }

    /// Takes in what a roster says of him; whether anything but his presence changed. `None` where it is older than
    /// what is known.
    ///
    /// Source: Graph docs, participant (`rosterSequenceNumber`).
    fn told(&mut self, told: &Participant) -> Option<bool> {
        if let Some(sequence) = told.sequence {
            let sequence = u32::try_from(sequence.number()).unwrap_or(u32::MAX);
            if sequence < self.sequence {
                return None;
            }
            self.sequence = sequence;
        }
        let before = (self.mute, self.recording, self.hold_and_screen);
        self.presence = told.presence;
        self.mute = told.mute.or(self.mute);
        self.recording = told.recording.or(self.recording);
        match told.hold {
            Some(Hold::On) => self.hold_and_screen = self.hold_and_screen & !0b11 | 0b01,
            Some(Hold::Off) => self.hold_and_screen = self.hold_and_screen & !0b11 | 0b10,
            None => {}
        }
        match told.screen {
            Some(ScreenSharingRole::Sharer) => {
                self.hold_and_screen = self.hold_and_screen & !0b1100 | 0b0100;
            }
            Some(ScreenSharingRole::Viewer) => {
                self.hold_and_screen = self.hold_and_screen & !0b1100 | 0b1000;
            }
            None => {}
        }
        Some((self.mute, self.recording, self.hold_and_screen) != before)
    }

    #[cfg(feature = "snapshot")]
    pub(crate) const fn to_parts(self) -> MemberParts {
        (self.id, self.sequence, self.presence, self.recording, self.mute, self.hold_and_screen)
    }

    #[cfg(feature = "snapshot")]
    pub(crate) const fn from_parts(parts: MemberParts) -> Self {
        let (id, sequence, presence, recording, mute, hold_and_screen) = parts;
        Self { id, sequence, presence, recording, mute, hold_and_screen }
    }
}

#[cfg(feature = "snapshot")]
pub(crate) type MemberParts = (ParticipantId, u32, Presence, Option<RecordingStatus>, Option<Mute>, u8);

/// A set of places in the roster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Places([u32; 2]);

impl Places {
    /// Whether `place` is in the set.
    pub fn has(self, place: u8) -> bool {
        let bit = 1u32.wrapping_shl(u32::from(place));
        self.0.get(usize::from(place).wrapping_shr(5)).is_some_and(|word| word & bit != 0)
    }

    /// Whether the set has no place.
    pub const fn is_empty(self) -> bool {
        let [low, high] = self.0;
        low | high == 0
    }

    /// How many places the set has.
    pub const fn len(self) -> u32 {
        let [low, high] = self.0;
        low.count_ones().saturating_add(high.count_ones())
    }

    pub(crate) fn add(&mut self, place: usize) {
        let bit = 1u32.wrapping_shl(u32::try_from(place).unwrap_or(0));
        if let Some(word) = self.0.get_mut(place.wrapping_shr(5)) {
            *word |= bit;
        }
    }
}

/// What a roster changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Change {
    pub(crate) joined: Places,
    pub(crate) left: Places,
    /// Whose presence changed in another way, or of whom something else did.
    pub(crate) other: Places,
    /// Whether the participants have to be asked for: news is missing, or somebody who was counted can be named now.
    pub(crate) ask: bool,
    /// How many found no place, where that changed.
    pub(crate) unnamed: Option<u16>,
    /// Distinct participants in the call that this report and the table know of.
    pub(crate) in_call: usize,
}

#[cfg(test)]
impl Change {
    /// Whether nobody's presence changed, and nothing else of anybody either.
    pub(crate) const fn is_none(&self) -> bool {
        self.joined.is_empty() && self.left.is_empty() && self.other.is_empty() && self.unnamed.is_none()
    }
}

/// The roster, `R` places at most and 64 in any case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Roster<const R: usize> {
    members: Vec<Member, R, u8>,
    /// How many are in the call without a place here.
    unnamed: u16,
    /// Whether somebody left, whose place is still to be taken.
    has_left: bool,
    /// Whether any delta roster came, and the highest `sequenceNumber` of one so far.
    has_deltas: bool,
    newest: Sequence,
}

impl<const R: usize> Roster<R> {
    pub(crate) const fn new() -> Self {
        Self { members: Vec::new(), unnamed: 0, has_left: false, has_deltas: false, newest: Sequence::new(0) }
    }

    /// Forgets them all.
    pub(crate) fn clear(&mut self) {
        self.members.clear();
        (self.unnamed, self.has_left) = (0, false);
        (self.has_deltas, self.newest) = (false, Sequence::new(0));
    }

    /// The places, those of participants who left with the last input included.
    pub fn members(&self) -> core::slice::Iter<'_, Member> {
        self.members.iter()
    }

    /// The member at `place`.
    pub fn at(&self, place: u8) -> Option<&Member> {
        self.members.get(usize::from(place))
    }

    /// The member of this id.
    pub fn of(&self, id: ParticipantId) -> Option<&Member> {
        self.members.iter().find(|member| member.id == id)
    }

    /// How many are in the call without a place in the table, or without an id.
    pub const fn unnamed(&self) -> u16 {
        self.unnamed
    }

    /// How many are in the call as far as known, the bot included; those who are unconfirmed count.
    pub fn count(&self) -> usize {
        let counts = |member: &&Member| matches!(member.presence, Presence::Present | Presence::Unconfirmed);
        self.members.iter().filter(counts).count().saturating_add(usize::from(self.unnamed))
    }

    /// Whether a newer delta came before this one, so that what this one tells was missed, unless it comes again.
    ///
    /// Source: Graph docs, deltaParticipants (`sequenceNumber` identifies the order).
    pub(crate) fn is_beyond(&self, extent: Extent) -> bool {
        matches!(extent, Extent::Delta(sequence) if self.has_deltas && sequence < self.newest)
    }

    /// Forgets those who left: their places were readable until now.
    pub(crate) fn sweep(&mut self) {
        if core::mem::take(&mut self.has_left) {
            self.members.retain(|member| member.presence != Presence::Left);
        }
    }

    /// Gives a place to somebody who was invited, where there is one left: as soon as he joins he is told of as new.
    ///
    /// Source: field reports (the answer to an invitation names the participant); if it is missing, he is new anyhow.
    pub(crate) fn invite(&mut self, id: ParticipantId) {
        if self.of(id).is_none() {
            // A full table names him when he joins, if there is a place then.
            let _ = self.members.push(Member { presence: Presence::Invited, ..Member::named(id) });
        }
    }

    /// Takes their places from those who were invited and did not join: no invitation is pending any more.
    pub(crate) fn forget_invited(&mut self) {
        for member in self.members.iter_mut().filter(|member| member.presence == Presence::Invited) {
            member.presence = Presence::Left;
            self.has_left = true;
        }
    }

    /// Takes in a roster; `None` for a delta that is not newer than one before it.
    ///
    /// Source: Graph docs, deltaParticipants (`sequenceNumber` identifies the order); that the numbers rise by one is
    /// assumed: if they do not, the participants are asked for more often than needed, within its rate.
    #[inline(never)] // its stack is not to be paid for by what ends a call
    pub(crate) fn told(
        &mut self,
        reported: List<'_, Participant>,
        extent: Extent,
        trust: Trust,
    ) -> Option<Change> {
        let mut change = Change::default();
        if let Extent::Delta(sequence) = extent {
            if self.has_deltas {
                if sequence <= self.newest {
                    return None;
                }
                change.ask = sequence.number() > self.newest.number().saturating_add(1);
            }
            (self.has_deltas, self.newest) = (true, sequence);
        }
        let is_full = extent == Extent::Full;
        let mut named = Places::default();
        let mut homeless = Homeless::new();
        let mut unnamed = 0u16;
        for (nth, mut participant) in reported.iter().enumerate() {
            if matches!(participant.presence, Presence::Invited | Presence::Unconfirmed) {
                // Conclusions of the table's own: whom a roster names is there.
                participant.presence = Presence::Present;
            }
            let is_present = participant.presence == Presence::Present;
            let Some(id) = participant.id else {
                unnamed = unnamed.saturating_add(u16::from(is_present));
                continue;
            };
            let Some(place) = self.place_of(id, &participant, &mut change) else {
                // Told twice in one report, he is counted once.
                if is_present && homeless.is_new(id, nth, reported) {
                    unnamed = unnamed.saturating_add(1);
                }
                continue;
            };
            named.add(place);
            let Some(member) = self.members.get_mut(place) else { continue };
            let before = member.presence;
            let Some(differs) = member.told(&participant) else { continue };
            match (before, participant.presence) {
                (_, Presence::Left) if before != Presence::Left => change.left.add(place),
                (Presence::Invited, _) => change.joined.add(place),
                (before, now) if before != now && !usize_has(change.joined, place) => change.other.add(place),
                (_, _) if differs && !usize_has(change.joined, place) => change.other.add(place),
                (_, _) => {}
            }
        }
        if is_full {
            self.lacks(named, trust, &mut change);
        }
        self.count_unnamed(is_full, unnamed, &mut change);
        if !change.left.is_empty() {
            // Whoever is named again in the same report is there after all.
            self.has_left = self.members.iter().any(|member| member.presence == Presence::Left);
        }
        let present = self.members.iter().filter(|member| member.presence == Presence::Present).count();
        change.in_call = present.saturating_add(usize::from(self.unnamed));
        Some(change)
    }

    /// The place of `id`: a new one if need be and there is one left. Nobody who left gets one.
    fn place_of(
        &mut self,
        id: ParticipantId,
        participant: &Participant,
        change: &mut Change,
    ) -> Option<usize> {
        if let Some(place) = self.members.iter().position(|member| member.id == id) {
            return Some(place);
        }
        if participant.presence == Presence::Left {
            return None;
        }
        let place = self.members.len();
        let fresh = Member { presence: participant.presence, ..Member::named(id) };
        self.members.push(fresh).ok()?;
        change.joined.add(place);
        Some(place)
    }

    /// Marks those whom a full roster did not name.
    fn lacks(&mut self, named: Places, trust: Trust, change: &mut Change) {
        for (place, member) in self.members.iter_mut().enumerate() {
            if usize_has(named, place) {
                continue;
            }
            match (member.presence, trust) {
                (Presence::Left | Presence::Invited, _) => {}
                (_, Trust::Snapshots) => {
                    member.presence = Presence::Left;
                    change.left.add(place);
                }
                (Presence::Unconfirmed, Trust::Confirm) => {}
                (Presence::Present | Presence::Lobby | Presence::GalleryView, Trust::Confirm) => {
                    member.presence = Presence::Unconfirmed;
                    change.other.add(place);
                    change.ask = true;
                }
            }
        }
    }

    /// A full roster counts exactly; any other only adds, so that the participants are asked for.
    fn count_unnamed(&mut self, is_full: bool, unnamed: u16, change: &mut Change) {
        let before = self.unnamed;
        if is_full {
            self.unnamed = unnamed;
        } else if unnamed > 0 {
            self.unnamed = self.unnamed.max(unnamed);
            change.ask = true;
        }
        if self.unnamed != before {
            change.unnamed = Some(self.unnamed);
        }
        change.ask |= self.unnamed > 0 && !change.left.is_empty();
    }

    #[cfg(feature = "snapshot")]
    pub(crate) const fn numbers(&self) -> (u16, Option<Sequence>) {
        (self.unnamed, if self.has_deltas { Some(self.newest) } else { None })
    }

    #[cfg(feature = "snapshot")]
    pub(crate) fn set_numbers(&mut self, unnamed: u16, newest: Option<Sequence>) {
        self.unnamed = unnamed;
        self.has_deltas = newest.is_some();
        self.newest = newest.unwrap_or_default();
    }

    #[cfg(feature = "snapshot")]
    pub(crate) fn push_decoded(&mut self, member: Member) -> bool {
        self.has_left |= member.presence == Presence::Left;
        self.members.push(member).is_ok()
    }
}

/// Those of a report who have no place in the table, so that nobody is counted twice.
struct Homeless {
    folded: Vec<u32, 16, u8>,
}

impl Homeless {
    const fn new() -> Self {
        Self { folded: Vec::new() }
    }

    /// Whether the report did not name `id` before its entry `nth`. Only where its folds leave that open, the report is
    /// gone through once more.
    fn is_new(&mut self, id: ParticipantId, nth: usize, reported: List<'_, Participant>) -> bool {
        let fold = id.fold();
        let is_open = self.folded.is_full() || self.folded.contains(&fold);
        if is_open && reported.iter().take(nth).any(|earlier| earlier.id == Some(id)) {
            return false;
        }
        // A full list leaves everything open.
        let _ = self.folded.push(fold);
        true
    }
}

fn usize_has(places: Places, place: usize) -> bool {
    u8::try_from(place).is_ok_and(|place| places.has(place))
}

#[cfg(test)]
mod tests;
