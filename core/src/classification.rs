//! Peer-to-peer or group: which of the two a call is, and why.
//!
//! Nothing that Graph sends names the kind. It follows from how the call was created (direction, number of targets,
//! meeting coordinates), from how many participants it ever had, and from invitations. A call is created as one of the
//! two; a peer-to-peer call may become a group, and a group never becomes peer-to-peer again.
//!
//! How the service *hosts* a call is a fact of its own: a peer-to-peer call may be hosted as a conversation (it got
//! coordinates or a roster later on, or an invitation was taken) and still has two participants.
//!
//! ```
//! use callflow_core::classification::{Classification, Hosting, Kind, Reason};
//! use callflow_core::meeting::Coordinates;
//!
//! let mut call = Classification::incoming(Coordinates::None);
//! assert_eq!(call.kind(), Kind::PeerToPeer);
//! // The service takes an invitation of the bot's: a conversation, with two participants still.
//! assert!(call.invite_taken().hosting);
//! assert_eq!((call.kind(), call.hosting()), (Kind::PeerToPeer, Hosting::Conversation));
//! // The invited one is there.
//! assert!(call.invite_completed().kind);
//! assert_eq!((call.kind(), call.reason()), (Kind::Group, Reason::InviteCompleted));
//! ```
//!
//! # The diagram
//!
#![doc = "```mermaid"]
#![doc = include_str!("diagram/classification.mmd")]
#![doc = "```"]
//!
//! Source: Graph docs, Calls overview, call, and application: post calls.

mod rows;

pub use rows::{ChangeRow, Created, CreationRow, Observation, change_rows, creation_rows};

use core::fmt;

use crate::meeting::Coordinates;
use crate::words::words;

words! {
    /// Who called whom.
    pub enum Direction {
        /// The bot was called, or was invited into a call.
        Incoming = "incoming",
        /// The bot calls, or joins a call.
        Outgoing = "outgoing",
    }
}

words! {
    /// The two kinds of calls.
    pub enum Kind {
        /// One participant calls another directly.
        PeerToPeer = "p2p",
        /// Three or more participants, or meeting coordinates when the call was created.
        Group = "group",
    }
}

words! {
    /// How the service hosts the call.
    pub enum Hosting {
        /// Between two endpoints.
        Direct = "direct",
        /// As a conversation: there is a roster, or there are coordinates.
        Conversation = "conversation",
    }
}

words! {
    /// Why a call is of its kind.
    pub enum Reason {
        /// The bot called one target, without meeting coordinates.
        OneTarget = "the bot called one target, without meeting coordinates",
        /// The bot was called directly, without meeting coordinates.
        CalledDirectly = "the bot was called directly, without meeting coordinates",
        /// The bot called two or more targets.
        SeveralTargets = "the bot called two or more targets",
        /// Meeting coordinates were given when the call was created.
        CoordinatesAtCreation = "meeting coordinates were given when the call was created",
        /// There were three or more participants at once.
        ThreeParticipants = "there were three or more participants",
        /// An invitation of the bot's was completed.
        InviteCompleted = "an invitation of the bot's was completed",
    }
}

words! {
    /// What made the service host a call as a conversation.
    ///
    /// Source: field reports and captures; that an invitation which was only taken does so is seen in reports.
    pub enum HostingCause {
        /// It became a group call.
        Group = "it became a group call",
        /// The service took an invitation, whatever comes of it.
        InviteTaken = "the service took an invitation",
        /// Meeting coordinates came.
        Coordinates = "meeting coordinates came",
        /// A roster came.
        Roster = "a roster came",
    }
}

impl Reason {
    /// The kind that follows from the reason.
    pub const fn kind(self) -> Kind {
        match self {
            Self::OneTarget | Self::CalledDirectly => Kind::PeerToPeer,
            Self::SeveralTargets
            | Self::CoordinatesAtCreation
            | Self::ThreeParticipants
            | Self::InviteCompleted => Kind::Group,
        }
    }
}

/// How many participants at once make a call a group.
///
/// Source: Graph docs, Calls overview.
pub const GROUP_FROM: usize = 3;

/// A call to nobody: no target, and no meeting coordinates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct NoTarget;

impl fmt::Display for NoTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is neither a target nor a meeting; name one of them")
    }
}

impl core::error::Error for NoTarget {}

/// What kind of call this is, why, and how it is hosted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Classification {
    reason: Reason,
    hosting: Hosting,
}

/// Whether an observation changed the classification.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Change {
    /// The call became a group.
    pub kind: bool,
    /// The call is now hosted as a conversation.
    pub hosting: bool,
}

impl Change {
    /// Whether there was any.
    pub const fn is_any(self) -> bool {
        self.kind || self.hosting
    }
}

impl Classification {
    /// Classifies a call as it is created.
    ///
    /// `targets` counts the entries of `targets`, of whatever kind; for an incoming call they do not matter.
    ///
    /// # Errors
    /// [`NoTarget`] for an outgoing call without target and coordinates: name one target or several, or the meeting.
    ///
    /// Source: Graph docs, Calls overview (coordinates; three or more) and application: post calls (several targets). That a
    /// target which is an application makes no difference, and that nobody to call is refused, is assumed: if it is wrong,
    /// a call to another bot asks for the wrong permission, or a request that the service would take is held back.
    pub const fn try_at_creation(
        direction: Direction,
        targets: usize,
        coordinates: Coordinates,
    ) -> Result<Self, NoTarget> {
        Ok(match (direction, coordinates.are_given(), targets) {
            (Direction::Incoming, _, _) => Self::incoming(coordinates),
            (Direction::Outgoing, true, _) => Self::created(Reason::CoordinatesAtCreation),
            (Direction::Outgoing, false, 0) => return Err(NoTarget),
            (Direction::Outgoing, false, 1) => Self::created(Reason::OneTarget),
            (Direction::Outgoing, false, _) => Self::created(Reason::SeveralTargets),
        })
    }

    /// Classifies an incoming call: with coordinates it is an invitation into a group.
    ///
    /// Source: Graph docs, call: answer (an invitation has `chatInfo` and `meetingInfo`); that one of the two is enough is
    /// assumed: if it is wrong, answering asks for more permissions than it needs.
    pub const fn incoming(coordinates: Coordinates) -> Self {
        Self::created(if coordinates.are_given() {
            Reason::CoordinatesAtCreation
        } else {
            Reason::CalledDirectly
        })
    }

    /// The classification with these parts; `None` if they cannot occur together.
    ///
    /// Source: Graph docs, Calls overview (a group is never hosted between two endpoints).
    pub const fn from_parts(reason: Reason, hosting: Hosting) -> Option<Self> {
        let made = Self { reason, hosting };
        if made.is_sound() { Some(made) } else { None }
    }

    /// Takes in that a roster arrived, in which `participants` distinct ones were seen outside the lobby.
    ///
    /// Source: Graph docs, Calls overview; that any roster means a conversation, and who counts, is assumed: if it is wrong,
    /// the service refuses what a roster seemed to allow, or a call is taken for a group too early.
    pub const fn saw_roster(&mut self, participants: usize) -> Change {
        if participants >= GROUP_FROM {
            return self.becomes_group(Reason::ThreeParticipants);
        }
        self.becomes_conversation()
    }

    /// Takes in coordinates that came after the creation: they change the hosting, never the kind.
    ///
    /// Source: Graph docs, Calls overview ("when the call was first created").
    pub const fn saw_coordinates(&mut self, coordinates: Coordinates) -> Change {
        if coordinates.are_given() {
            return self.becomes_conversation();
        }
        Change { kind: false, hosting: false }
    }

    /// Takes in that the service took an invitation: it hosts the call as a conversation, whatever comes of the invitation.
    ///
    /// Source: field reports (a call stays in meeting mode after an invitation that was declined, and has a roster from the
    /// invitation on).
    pub const fn invite_taken(&mut self) -> Change {
        self.becomes_conversation()
    }

    /// Takes in that an invitation completed: with the one invited there are three.
    ///
    /// Source: Graph docs, participant: invite, Calls overview; that no roster is waited for is assumed (field reports have
    /// calls without any): if it is wrong, the call is taken for a group a moment too early.
    pub const fn invite_completed(&mut self) -> Change {
        self.becomes_group(Reason::InviteCompleted)
    }

    /// Peer-to-peer or group.
    pub const fn kind(self) -> Kind {
        self.reason.kind()
    }

    /// Why it is of that kind.
    pub const fn reason(self) -> Reason {
        self.reason
    }

    /// How the service hosts it.
    pub const fn hosting(self) -> Hosting {
        self.hosting
    }

    const fn created(reason: Reason) -> Self {
        let hosting = match reason.kind() {
            Kind::PeerToPeer => Hosting::Direct,
            Kind::Group => Hosting::Conversation,
        };
        Self { reason, hosting }
    }

    /// The one-way latch: a group stays one, for the reason that it first had.
    ///
    /// Source: assumed (no page has a way back); if it is wrong, a call of two asks for more permissions than it needs.
    const fn becomes_group(&mut self, reason: Reason) -> Change {
        let kind = matches!(self.kind(), Kind::PeerToPeer);
        if kind {
            self.reason = reason;
        }
        Change { kind, ..self.becomes_conversation() }
    }

    const fn becomes_conversation(&mut self) -> Change {
        let hosting = matches!(self.hosting, Hosting::Direct);
        self.hosting = Hosting::Conversation;
        Change { kind: false, hosting }
    }

    /// Whether the parts of a decoded classification can occur together.
    pub(crate) const fn is_sound(self) -> bool {
        matches!((self.kind(), self.hosting), (Kind::PeerToPeer, _) | (Kind::Group, Hosting::Conversation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Coordinates::{Both, Chat, Meeting};
    use Direction::{Incoming, Outgoing};

    const NONE: Coordinates = Coordinates::None;
    const P2P: (Kind, Hosting) = (Kind::PeerToPeer, Hosting::Direct);
    const GROUP: (Kind, Hosting) = (Kind::Group, Hosting::Conversation);

    fn created(direction: Direction, targets: usize, coordinates: Coordinates) -> Classification {
        Classification::try_at_creation(direction, targets, coordinates).unwrap()
    }

    fn parts(call: Classification) -> (Kind, Hosting) {
        (call.kind(), call.hosting())
    }

    fn each_p2p() -> [Classification; 2] {
        [created(Outgoing, 1, NONE), created(Incoming, 1, NONE)]
    }

    #[test]
    fn truth_table_row_1_one_user_is_peer_to_peer() {
        // Graph docs, Calls overview.
        let call = created(Outgoing, 1, NONE);
        assert_eq!((parts(call), call.reason()), (P2P, Reason::OneTarget));
    }

    #[test]
    fn truth_table_row_2_one_phone_is_peer_to_peer() {
        // Graph docs, application: post calls (peer-to-peer PSTN call): what kind of target it is plays no part.
        assert_eq!(parts(created(Outgoing, 1, NONE)), P2P);
    }

    #[test]
    fn truth_table_row_3_one_application_is_peer_to_peer() {
        // Graph docs, Calls overview, taken at its word.
        assert_eq!(parts(created(Outgoing, 1, NONE)), P2P);
    }

    #[test]
    fn truth_table_row_4_several_targets_are_a_group_before_anybody_picks_up() {
        // Graph docs, call; application: post calls (several targets).
        for targets in [2, 3, 5, usize::MAX] {
            let call = created(Outgoing, targets, NONE);
            assert_eq!((parts(call), call.reason()), (GROUP, Reason::SeveralTargets), "{targets}");
        }
    }

    #[test]
    fn truth_table_row_5_coordinates_alone_are_a_group_with_the_bot_alone() {
        // Graph docs, Calls overview (coordinates when the call was first created).
        let mut call = created(Outgoing, 0, Both);
        assert_eq!((parts(call), call.reason()), (GROUP, Reason::CoordinatesAtCreation));
        assert_eq!(call.saw_roster(1), Change::default());
        assert_eq!(parts(call), GROUP);
    }

    #[test]
    fn truth_table_row_6_coordinates_with_others_there_are_a_group() {
        // Graph docs, Calls overview.
        let mut call = created(Outgoing, 0, Meeting);
        assert_eq!(call.saw_roster(2), Change::default());
        assert_eq!((parts(call), call.reason()), (GROUP, Reason::CoordinatesAtCreation));
    }

    #[test]
    fn truth_table_row_7_coordinates_decide_whatever_the_targets() {
        // Graph docs, Calls overview.
        for targets in [1, 2] {
            let call = created(Outgoing, targets, Both);
            assert_eq!((parts(call), call.reason()), (GROUP, Reason::CoordinatesAtCreation), "{targets}");
        }
    }

    #[test]
    fn truth_table_row_8_nobody_to_call_is_refused() {
        // No page has such a request.
        assert_eq!(Classification::try_at_creation(Outgoing, 0, NONE), Err(NoTarget));
    }

    #[test]
    fn truth_table_row_9_a_user_calling_the_bot_is_peer_to_peer() {
        // Graph docs, call: answer (peer-to-peer VoIP call); Calls overview.
        let call = created(Incoming, 1, NONE);
        assert_eq!((parts(call), call.reason()), (P2P, Reason::CalledDirectly));
    }

    #[test]
    fn truth_table_row_10_an_invitation_is_a_group() {
        // Graph docs, call: answer (an invitation has chatInfo and meetingInfo).
        let call = created(Incoming, 1, Both);
        assert_eq!((parts(call), call.reason()), (GROUP, Reason::CoordinatesAtCreation));
    }

    #[test]
    fn truth_table_row_11_policy_recording_is_a_group() {
        // Graph docs, call: answer (policy-based recording has tokenMeetingInfo).
        assert_eq!(parts(created(Incoming, 1, Meeting)), GROUP);
    }

    #[test]
    fn truth_table_row_12_either_coordinate_alone_is_a_group() {
        // Graph docs, call: answer speaks of both; either alone is taken for both.
        for coordinates in [Chat, Meeting] {
            assert_eq!(parts(created(Incoming, 1, coordinates)), GROUP, "{coordinates:?}");
        }
    }

    #[test]
    fn truth_table_row_13_a_completed_invitation_makes_a_group() {
        // Graph docs, participant: invite; Calls overview.
        for mut call in each_p2p() {
            assert_eq!(call.invite_taken(), Change { kind: false, hosting: true });
            assert_eq!(parts(call), (Kind::PeerToPeer, Hosting::Conversation));
            assert_eq!(call.invite_completed(), Change { kind: true, hosting: false });
            assert_eq!((parts(call), call.reason()), (GROUP, Reason::InviteCompleted));
        }
    }

    #[test]
    fn truth_table_row_14_somebody_added_by_the_other_side_makes_a_group() {
        // Teams docs, calls and meetings bots overview; Graph docs, Calls overview (three or more).
        for mut call in each_p2p() {
            assert_eq!(call.saw_roster(GROUP_FROM), Change { kind: true, hosting: true });
            assert_eq!((parts(call), call.reason()), (GROUP, Reason::ThreeParticipants));
        }
    }

    #[test]
    fn truth_table_row_15_a_group_back_at_two_stays_a_group() {
        // No page has a way back.
        for mut call in each_p2p() {
            call.saw_roster(3);
            assert_eq!(call.saw_roster(2), Change::default());
            assert_eq!((parts(call), call.reason()), (GROUP, Reason::ThreeParticipants));
        }
        for mut call in each_p2p() {
            call.invite_completed();
            assert_eq!(call.saw_roster(2), Change::default());
            assert_eq!((parts(call), call.reason()), (GROUP, Reason::InviteCompleted));
        }
    }

    #[test]
    fn truth_table_row_16_a_group_by_coordinates_is_one_with_one_or_two() {
        // Graph docs, Calls overview (when the call was first created).
        for participants in [1, 2] {
            let mut call = created(Incoming, 1, Both);
            assert_eq!(call.saw_roster(participants), Change::default());
            assert_eq!((parts(call), call.reason()), (GROUP, Reason::CoordinatesAtCreation));
        }
    }

    #[test]
    fn truth_table_row_17_a_group_by_targets_stays_one_when_it_empties() {
        // Graph docs, call: delete (the service may end it: 200/5010).
        let mut call = created(Outgoing, 2, NONE);
        for participants in [3, 2, 1, 0] {
            assert_eq!(call.saw_roster(participants), Change::default(), "{participants}");
        }
        assert_eq!((parts(call), call.reason()), (GROUP, Reason::SeveralTargets));
    }

    #[test]
    fn truth_table_row_18_a_call_transferred_to_the_bot_is_peer_to_peer() {
        // Graph docs, incomingContext (transferor); Calls overview: who transferred it plays no part.
        assert_eq!(parts(created(Incoming, 1, NONE)), P2P);
    }

    #[test]
    fn truth_table_row_19_a_redirected_call_is_peer_to_peer_for_the_one_that_answers() {
        // Graph docs, call: redirect (the first to answer is connected).
        assert_eq!(parts(created(Incoming, 25, NONE)), P2P);
    }

    #[test]
    fn two_in_a_roster_with_late_coordinates_are_a_conversation_and_no_group() {
        // Field captures.
        let mut call = created(Incoming, 1, NONE);
        assert_eq!(call.saw_coordinates(NONE), Change::default());
        assert_eq!(call.saw_coordinates(Both), Change { kind: false, hosting: true });
        assert_eq!(call.saw_roster(2), Change::default());
        assert_eq!(parts(call), (Kind::PeerToPeer, Hosting::Conversation));
        assert_eq!(call.saw_roster(3), Change { kind: true, hosting: false });
    }

    #[test]
    fn an_invitation_that_is_declined_leaves_a_conversation_of_two() {
        // Field reports: the call stays in meeting mode.
        for mut call in each_p2p() {
            assert!(call.invite_taken().is_any());
            assert!(!call.invite_taken().is_any());
            assert_eq!(parts(call), (Kind::PeerToPeer, Hosting::Conversation));
        }
    }

    #[test]
    fn parts_that_cannot_occur_together_are_no_classification() {
        for reason in Reason::ALL {
            for hosting in Hosting::ALL {
                let call = Classification::from_parts(*reason, *hosting);
                let is_sound = reason.kind() == Kind::PeerToPeer || *hosting == Hosting::Conversation;
                assert_eq!(call.is_some(), is_sound, "{reason}, {hosting}");
                assert!(call.is_none_or(|call| (call.reason(), call.hosting()) == (*reason, *hosting)));
            }
        }
    }
}
