//! Peer-to-peer or group: which of the two a call is, and why.
//!
//! Nothing that Graph sends names the kind. It follows from how the call was created (direction, number of targets,
//! meeting coordinates) and from how many participants it ever had. A call is created as one of the two; a peer-to-peer
//! call may become a group, and a group never becomes peer-to-peer again.
//!
//! How the service *hosts* a call is a fact of its own: a peer-to-peer call may be hosted as a conversation (it got
//! coordinates or a roster later on) and still has two participants.
//!
//! Source: Graph docs, Calls overview, call, and call: create.

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
    }
}

/// How many participants at once make a call a group.
///
/// Source: Graph docs, Calls overview.
pub const GROUP_FROM: usize = 3;

/// How many targets a new group call takes.
///
/// Source: Graph docs, call: create (up to 5 VoIP users).
pub const MAX_TARGETS: u8 = 5;

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
pub struct Change {
    /// The call became a group.
    pub kind: bool,
    /// The call is now hosted as a conversation.
    pub hosting: bool,
}

impl Classification {
    /// Classifies a call as it is created.
    ///
    /// `targets` counts the entries of `targets`; for an incoming call they do not matter.
    ///
    /// Source: Graph docs, Calls overview (coordinates; three or more) and call: create (several targets).
    pub const fn at_creation(direction: Direction, targets: usize, coordinates: Coordinates) -> Self {
        let reason = match (coordinates.are_given(), direction) {
            (true, Direction::Incoming | Direction::Outgoing) => Reason::CoordinatesAtCreation,
            (false, Direction::Incoming) => Reason::CalledDirectly,
            (false, Direction::Outgoing) if targets >= 2 => Reason::SeveralTargets,
            (false, Direction::Outgoing) => Reason::OneTarget,
        };
        let hosting = match Self::kind_of(reason) {
            Kind::PeerToPeer => Hosting::Direct,
            Kind::Group => Hosting::Conversation,
        };
        Self { reason, hosting }
    }

    /// Takes in that a roster arrived, in which `participants` distinct ones were seen outside the lobby.
    ///
    /// Source: Graph docs, Calls overview; that any roster means a conversation is assumed: if it is wrong, only
    /// the hosting is, on which no refusal depends.
    pub fn saw_roster(&mut self, participants: usize) -> Change {
        let kind = participants >= GROUP_FROM && self.kind() == Kind::PeerToPeer;
        if kind {
            self.reason = Reason::ThreeParticipants;
        }
        Change { kind, hosting: self.is_now_a_conversation() }
    }

    /// Takes in coordinates that came after the creation: they change the hosting, never the kind.
    ///
    /// Source: Graph docs, Calls overview ("when the call was first created").
    pub fn saw_coordinates(&mut self, coordinates: Coordinates) -> Change {
        Change { kind: false, hosting: coordinates.are_given() && self.is_now_a_conversation() }
    }

    /// Peer-to-peer or group.
    pub const fn kind(self) -> Kind {
        Self::kind_of(self.reason)
    }

    /// Why it is of that kind.
    pub const fn reason(self) -> Reason {
        self.reason
    }

    /// How the service hosts it.
    pub const fn hosting(self) -> Hosting {
        self.hosting
    }

    const fn kind_of(reason: Reason) -> Kind {
        match reason {
            Reason::OneTarget | Reason::CalledDirectly => Kind::PeerToPeer,
            Reason::SeveralTargets | Reason::CoordinatesAtCreation | Reason::ThreeParticipants => Kind::Group,
        }
    }

    fn is_now_a_conversation(&mut self) -> bool {
        let before = core::mem::replace(&mut self.hosting, Hosting::Conversation);
        before == Hosting::Direct
    }

    /// Whether the parts of a decoded classification can occur together.
    #[cfg(feature = "snapshot")]
    pub(crate) const fn is_sound(self) -> bool {
        matches!((self.kind(), self.hosting), (Kind::PeerToPeer, _) | (Kind::Group, Hosting::Conversation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_of_the_truth_table() {
        use Coordinates::{Both, Chat, Meeting, None};
        use Direction::{Incoming, Outgoing};
        for (name, direction, targets, coordinates, kind) in [
            ("one user", Outgoing, 1, None, Kind::PeerToPeer),
            ("several targets, nobody there yet", Outgoing, 2, None, Kind::Group),
            ("a meeting is joined", Outgoing, 0, Both, Kind::Group),
            ("coordinates and a target", Outgoing, 1, Meeting, Kind::Group),
            ("a user calls the bot", Incoming, 1, None, Kind::PeerToPeer),
            ("the bot is invited", Incoming, 1, Both, Kind::Group),
            ("only a chat", Incoming, 1, Chat, Kind::Group),
            ("only a meeting", Incoming, 1, Meeting, Kind::Group),
        ] {
            assert_eq!(Classification::at_creation(direction, targets, coordinates).kind(), kind, "{name}");
        }
    }

    #[test]
    fn two_in_a_roster_with_late_coordinates_are_a_conversation_and_no_group() {
        let mut call = Classification::at_creation(Direction::Incoming, 1, Coordinates::None);
        assert_eq!(call.saw_coordinates(Coordinates::Both), Change { kind: false, hosting: true });
        assert_eq!(call.saw_roster(2), Change::default());
        assert_eq!((call.kind(), call.hosting()), (Kind::PeerToPeer, Hosting::Conversation));
        assert_eq!(call.saw_roster(3), Change { kind: true, hosting: false });
        assert_eq!(call.saw_roster(1), Change::default());
        assert_eq!((call.kind(), call.reason()), (Kind::Group, Reason::ThreeParticipants));
    }
}
