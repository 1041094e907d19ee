//! The rules of the classification as two tables, with where each rule stands and how sure it is: for reading and for
//! drawing. The functions of the module decide; tests hold the two together.

use super::{Hosting, Kind, Reason};
use crate::certainty::Certainty;
use crate::words::words;

words! {
    /// The ways in which a call is created, as far as its kind depends on them.
    pub enum Created {
        /// The bot joins a meeting, or calls into one.
        WithCoordinates = "the bot gives meeting coordinates",
        /// The bot calls several.
        WithSeveralTargets = "the bot calls several, without meeting coordinates",
        /// The bot calls one.
        WithOneTarget = "the bot calls one, without meeting coordinates",
        /// The bot names nobody.
        WithNobody = "the bot names nobody",
        /// The bot is invited.
        Invited = "the bot is called with meeting coordinates",
        /// The bot is called.
        Called = "the bot is called without meeting coordinates",
    }
}

words! {
    /// What is seen of a call later on, as far as it bears on the classification.
    pub enum Observation {
        /// A roster with [`GROUP_FROM`](super::GROUP_FROM) participants or more.
        ManyInRoster = "a roster of three or more",
        /// A roster with fewer.
        FewInRoster = "a roster of fewer than three",
        /// Coordinates in a notification or an answer.
        Coordinates = "meeting coordinates",
        /// The service took an invitation of the bot's.
        InviteTaken = "an invitation was taken",
        /// An invitation of the bot's completed.
        InviteCompleted = "an invitation was completed",
    }
}

/// A row of the table of creations: what kind a call is, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct CreationRow {
    /// How the call is created.
    pub created: Created,
    /// Why it is of its kind; `None` where it is refused as [`NoTarget`](super::NoTarget).
    pub reason: Option<Reason>,
    /// How sure it is.
    pub certainty: Certainty,
    /// Where it stands.
    pub source: &'static str,
}

/// A row of the table of changes: what an observation makes of a call of this kind and hosting.
///
/// What no row has changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ChangeRow {
    /// The kind and the hosting before.
    pub from: (Kind, Hosting),
    /// What is seen.
    pub seen: Observation,
    /// The kind and the hosting afterwards.
    pub to: (Kind, Hosting),
    /// How sure it is.
    pub certainty: Certainty,
    /// Where it stands.
    pub source: &'static str,
}

/// The table of creations, for printing.
pub fn creation_rows() -> impl Iterator<Item = CreationRow> {
    CREATIONS.iter().copied()
}

/// The table of changes, for printing.
pub fn change_rows() -> impl Iterator<Item = ChangeRow> {
    CHANGES.iter().copied()
}

const DIRECT: (Kind, Hosting) = (Kind::PeerToPeer, Hosting::Direct);
const HOSTED: (Kind, Hosting) = (Kind::PeerToPeer, Hosting::Conversation);
const GROUPED: (Kind, Hosting) = (Kind::Group, Hosting::Conversation);

const fn creation(created: Created, reason: Option<Reason>, source: &'static str) -> CreationRow {
    CreationRow { created, reason, certainty: Certainty::Documented, source }
}

const fn change(
    from: (Kind, Hosting),
    seen: Observation,
    to: (Kind, Hosting),
    certainty: Certainty,
    source: &'static str,
) -> ChangeRow {
    ChangeRow { from, seen, to, certainty, source }
}

/// How a call is created, why it is then of its kind, source.
///
/// Source: the last column. The functions of the module decide; that they decide so is tested.
#[rustfmt::skip] // One line a rule.
const CREATIONS: &[CreationRow] = &[
    creation(Created::WithCoordinates, Some(Reason::CoordinatesAtCreation), "Graph docs, Calls overview (coordinates when the call was first created)"),
    creation(Created::WithSeveralTargets, Some(Reason::SeveralTargets), "Graph docs, application: post calls (several targets)"),
    creation(Created::WithOneTarget, Some(Reason::OneTarget), "Graph docs, Calls overview (the only target)"),
    CreationRow { certainty: Certainty::Assumed, ..creation(Created::WithNobody, None, "assumed (no page has such a request); if it is wrong, one is held back that the service would take") },
    creation(Created::Invited, Some(Reason::CoordinatesAtCreation), "Graph docs, call: answer (an invitation has chatInfo and meetingInfo; either alone is taken for both)"),
    creation(Created::Called, Some(Reason::CalledDirectly), "Graph docs, call: answer, Calls overview"),
];

use Certainty::{Assumed, Captured, Documented};
use Observation as Seen;

/// Before, what is seen, afterwards, how sure, source.
///
/// Source: the last column. The functions of the module decide; that they decide so is tested.
#[rustfmt::skip] // One line a rule.
const CHANGES: &[ChangeRow] = &[
    change(DIRECT, Seen::ManyInRoster, GROUPED, Documented, "Graph docs, Calls overview (three or more participants)"),
    change(DIRECT, Seen::FewInRoster, HOSTED, Captured, "field captures (a roster of two after coordinates came)"),
    change(DIRECT, Seen::Coordinates, HOSTED, Captured, "field captures (coordinates that came later, in a call of two)"),
    change(DIRECT, Seen::InviteTaken, HOSTED, Captured, "field reports (meeting mode after an invitation, also after one that was declined)"),
    change(DIRECT, Seen::InviteCompleted, GROUPED, Documented, "Graph docs, participant: invite, Calls overview (with the one invited there are three)"),
    change(HOSTED, Seen::ManyInRoster, GROUPED, Documented, "Graph docs, Calls overview (three or more participants)"),
    change(HOSTED, Seen::InviteCompleted, GROUPED, Documented, "Graph docs, participant: invite, Calls overview (with the one invited there are three)"),
    // The latch.
    change(GROUPED, Seen::FewInRoster, GROUPED, Assumed, "assumed (no page has a way back); if it is wrong, a call of two asks for more permissions than it needs"),
];

#[cfg(test)]
mod tests {
    use super::super::{Classification, Direction, GROUP_FROM, NoTarget};
    use super::*;
    use crate::meeting::Coordinates::{self, Both, Chat, Meeting};
    use Direction::{Incoming, Outgoing};

    fn parts(call: Classification) -> (Kind, Hosting) {
        (call.kind(), call.hosting())
    }

    #[test]
    fn the_table_of_creations_says_what_is_decided() {
        let given = [Chat, Meeting, Both];
        let cases: [(Created, Direction, &[usize], &[Coordinates]); Created::COUNT] = [
            (Created::WithCoordinates, Outgoing, &[0, 1, 2], &given),
            (Created::WithSeveralTargets, Outgoing, &[2, 5], &[Coordinates::None]),
            (Created::WithOneTarget, Outgoing, &[1], &[Coordinates::None]),
            (Created::WithNobody, Outgoing, &[0], &[Coordinates::None]),
            (Created::Invited, Incoming, &[0, 1, 2], &given),
            (Created::Called, Incoming, &[0, 1, 2], &[Coordinates::None]),
        ];
        assert_eq!(creation_rows().count(), cases.len());
        for (row, (created, direction, targets, coordinates)) in creation_rows().zip(cases) {
            assert_eq!(row.created, created);
            for (targets, coordinates) in
                targets.iter().flat_map(|count| coordinates.iter().map(move |given| (*count, *given)))
            {
                let found = Classification::try_at_creation(direction, targets, coordinates);
                let found = found.map(Classification::reason);
                assert_eq!(found, row.reason.ok_or(NoTarget), "{created}: {targets}, {coordinates:?}");
            }
        }
    }

    #[test]
    fn the_table_of_changes_says_what_is_decided() {
        let all =
            Reason::ALL.iter().flat_map(|reason| Hosting::ALL.iter().map(|hosting| (*reason, *hosting)));
        for before in all.filter_map(|(reason, hosting)| Classification::from_parts(reason, hosting)) {
            for seen in Observation::ALL {
                let mut call = before;
                let _ = match seen {
                    Observation::ManyInRoster => call.saw_roster(GROUP_FROM),
                    Observation::FewInRoster => call.saw_roster(GROUP_FROM - 1),
                    Observation::Coordinates => call.saw_coordinates(Both),
                    Observation::InviteTaken => call.invite_taken(),
                    Observation::InviteCompleted => call.invite_completed(),
                };
                let rows = || change_rows().filter(|row| row.from == parts(before) && row.seen == *seen);
                let expected = rows().next().map_or(parts(before), |row| row.to);
                assert_eq!(parts(call), expected, "{before:?}, {seen}");
                assert!(rows().count() <= 1, "{before:?}, {seen}");
            }
        }
    }
}
