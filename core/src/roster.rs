//! The roster: who is in the call, as far as Graph told.
//!
//! Absent is not left: a participant that a full roster lacks is *unconfirmed* until Graph says that he was removed. The
//! roster decides nothing but the count that makes a call a group, and that is counted from the report itself, so that a
//! table that is full stays right.
//!
//! Source: Graph docs, participant (removedState), call: list participants; Calls overview.

use heapless::Vec;

use crate::id::{ParticipantId, Sequence};
use crate::list::List;
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
        /// Graph said that he left; the place is kept until the next input.
        Left = "left",
    }
}

/// A participant as a roster reports him.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Participant {
    /// His id; examples have participants without one.
    pub id: Option<ParticipantId>,
    /// Where the roster says that he stands: present, in the lobby, or left (`removedState`).
    pub presence: Presence,
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

/// A place in the roster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Member {
    id: ParticipantId,
    presence: Presence,
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
}

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

    fn add(&mut self, place: usize) {
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
    /// Somebody's presence changed in another way.
    pub(crate) other: bool,
    /// How many found no place.
    pub(crate) turned_away: u8,
    /// Distinct participants outside the lobby that this report and the table know of.
    pub(crate) in_call: usize,
}

impl Change {
    /// Whether anything of the roster changed.
    pub(crate) const fn is_any(&self) -> bool {
        self.other || !self.joined.is_empty() || !self.left.is_empty()
    }
}

/// The roster, `R` places at most and 64 in any case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Roster<const R: usize> {
    members: Vec<Member, R, u8>,
    /// The highest `sequenceNumber` of a delta roster so far.
    newest: Option<Sequence>,
}

impl<const R: usize> Roster<R> {
    pub(crate) const fn new() -> Self {
        Self { members: Vec::new(), newest: None }
    }

    /// The places, those of participants who left with the last input included.
    pub fn members(&self) -> core::slice::Iter<'_, Member> {
        self.members.iter()
    }

    /// The member at `place`.
    pub fn at(&self, place: u8) -> Option<&Member> {
        self.members.get(usize::from(place))
    }

    /// Forgets those who left: their places were readable until now.
    pub(crate) fn sweep(&mut self) {
        self.members.retain(|member| member.presence != Presence::Left);
    }

    /// Takes in a roster; `None` for a delta that is not newer than one before it. A full one makes those whom it lacks
    /// unconfirmed.
    ///
    /// Source: Graph docs, deltaParticipants (`sequenceNumber` identifies the order).
    pub(crate) fn told(&mut self, reported: List<'_, Participant>, extent: Extent) -> Option<Change> {
        match extent {
            Extent::Delta(sequence) if Some(sequence) <= self.newest => return None,
            Extent::Delta(sequence) => self.newest = Some(sequence),
            Extent::Full | Extent::Part => {}
        }
        let is_full = extent == Extent::Full;
        let mut change = Change::default();
        for participant in &reported {
            let Some(id) = participant.id else { continue };
            match self.members.iter_mut().enumerate().find(|(_, member)| member.id == id) {
                Some((place, member)) => {
                    let before = core::mem::replace(&mut member.presence, participant.presence);
                    if before != participant.presence {
                        if participant.presence == Presence::Left {
                            change.left.add(place);
                        } else {
                            change.other = true;
                        }
                    }
                }
                None if participant.presence == Presence::Left => {}
                None => {
                    let place = self.members.len();
                    match self.members.push(Member { id, presence: participant.presence }) {
                        Ok(()) => change.joined.add(place),
                        Err(_) => change.turned_away = change.turned_away.saturating_add(1),
                    }
                }
            }
        }
        if is_full {
            for member in &mut self.members {
                let is_lacking =
                    member.presence != Presence::Left && !reported.iter().any(|p| p.id == Some(member.id));
                if is_lacking && member.presence != Presence::Unconfirmed {
                    member.presence = Presence::Unconfirmed;
                    change.other = true;
                }
            }
        }
        change.in_call = in_call(reported);
        if !is_full {
            let known = self.members.iter().filter(|member| member.presence == Presence::Present).count();
            change.in_call = change.in_call.max(known);
        }
        Some(change)
    }
}

/// How many distinct participants a report has in the call; those without an id count as one each.
///
/// Source: Graph docs, Calls overview; that the lobby does not count is assumed: if it is wrong, a call becomes a group
/// when the next one is admitted.
fn in_call(reported: List<'_, Participant>) -> usize {
    let present = |p: &Participant| p.presence == Presence::Present;
    let mut count = 0usize;
    for (place, participant) in reported.iter().enumerate().filter(|(_, p)| present(p)) {
        let is_repeat = participant.id.is_some()
            && reported.iter().take(place).filter(present).any(|earlier| earlier.id == participant.id);
        count = count.saturating_add(usize::from(!is_repeat));
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(id: &str, presence: Presence) -> Participant {
        Participant { id: Some(ParticipantId::parse(id)), presence }
    }

    #[test]
    fn absent_is_unconfirmed_and_removed_is_left() {
        let mut roster = Roster::<4>::new();
        let all = [member("a", Presence::Present), member("b", Presence::Present)];
        let change = roster.told(List::new(&all), Extent::Full).unwrap();
        assert!(change.joined.has(0) && change.joined.has(1));
        let change = roster.told(List::new(&all[..1]), Extent::Full).unwrap();
        assert!(change.left.is_empty() && change.other);
        assert_eq!(roster.at(1).unwrap().presence(), Presence::Unconfirmed);
        let change =
            roster.told(List::new(&[member("b", Presence::Left)]), Extent::Delta(Sequence::new(4))).unwrap();
        assert_eq!(roster.told(List::new(&all), Extent::Delta(Sequence::new(4))), None);
        assert!(change.left.has(1));
        roster.sweep();
        assert_eq!(roster.members().count(), 1);
    }

    #[test]
    fn a_part_without_a_number_takes_nobody_away_and_no_place_in_the_order() {
        let mut roster = Roster::<4>::new();
        let all = [member("a", Presence::Present), member("b", Presence::Present)];
        roster.told(List::new(&all[..1]), Extent::Full).unwrap();
        let change = roster.told(List::new(&all[1..]), Extent::Part).unwrap();
        assert!(change.joined.has(1) && !change.other);
        assert!(roster.told(List::new(&all), Extent::Delta(Sequence::new(0))).is_some());
    }

    #[test]
    fn a_full_table_still_counts_three() {
        let mut roster = Roster::<1>::new();
        let all = ["a", "b", "c", "c"].map(|id| member(id, Presence::Present));
        let change = roster.told(List::new(&all), Extent::Full).unwrap();
        assert_eq!((change.in_call, change.turned_away), (3, 3));
    }

    #[test]
    fn the_lobby_does_not_count() {
        let all = [member("a", Presence::Present), member("b", Presence::Lobby)];
        assert_eq!(in_call(List::new(&all)), 1);
    }

    #[test]
    fn places_hold_sixty_four() {
        let mut places = Places::default();
        for place in [0, 31, 32, 63] {
            places.add(place);
        }
        assert!(places.has(0) && places.has(31) && places.has(32) && places.has(63) && !places.has(33));
        assert!(!places.has(64));
    }
}
