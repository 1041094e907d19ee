//! Requests: the HTTP that the call wants made.
//!
//! Each carries a ticket; what became of it over HTTP is reported with that ticket. A request is *once only* unless it
//! may be repeated without harm: an answer that was lost is then reported as lost, and not asked for again.

use crate::action::{Action, Actions};
use crate::command::{Command, Placement};
use crate::id::{OperationId, Ticket};

/// When a request leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Dispatch {
    /// Now.
    Now,
    /// When [`Request::Release`] names its ticket; if the call ends or its operation is cancelled first, never.
    Held,
}

/// The HTTP that the call wants made.
///
/// Serialised variants are append-only, and none ever gains a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Request<'a> {
    /// `POST /communications/calls`. Once only.
    Create {
        /// Its ticket.
        ticket: Ticket,
        /// The call.
        #[cfg_attr(feature = "serde", serde(borrow))]
        placement: Placement<'a>,
    },
    /// What a command asks: the bot's, or one that the call gives itself ([`Command::KeepAlive`] every 15 minutes,
    /// [`Command::Refresh`] on doubt, which is a `GET` of the call alone, [`Command::HangUp`] when nobody answers).
    Perform {
        /// Its ticket.
        ticket: Ticket,
        /// What is asked.
        #[cfg_attr(feature = "serde", serde(borrow))]
        command: Command<'a>,
        /// When it leaves.
        dispatch: Dispatch,
    },
    /// `GET …/participants`
    ListParticipants {
        /// Its ticket.
        ticket: Ticket,
    },
    /// `GET …/operations/{id}`
    GetOperation {
        /// Its ticket.
        ticket: Ticket,
        /// The operation.
        operation: OperationId,
    },
    /// No HTTP of its own: the request of this ticket, held until now, leaves.
    Release {
        /// The ticket of the request that was held.
        ticket: Ticket,
    },
}

/// The actions whose request may be repeated freely: what they do twice is done once.
///
/// Source: assumed, from what each sets or reads; no page promises that a repeated request is recognised. If it is wrong
/// for one of them, the worst is a state set twice.
const REPEATABLE: Actions = Actions::of(&[
    Action::HangUp,
    Action::KeepAlive,
    Action::Refresh,
    Action::Mute,
    Action::Unmute,
    Action::MuteParticipant,
    Action::RemoveParticipant,
    Action::StopHoldMusic,
    Action::UpdateRecordingStatus,
    Action::ChangeScreenSharingRole,
    Action::UpdateAudioRoutingGroup,
    Action::DeleteAudioRoutingGroup,
    Action::ListParticipants,
    Action::GetOperation,
]);

impl Action {
    /// Whether its request must not be repeated unless the service said that it did nothing: repeated, it would ring
    /// somebody twice, play twice, or hit a call that the first one changed.
    pub const fn is_once_only(self) -> bool {
        !REPEATABLE.has(self)
    }
}

impl Request<'_> {
    /// The ticket.
    pub const fn ticket(&self) -> Ticket {
        match self {
            Self::Create { ticket, .. }
            | Self::Perform { ticket, .. }
            | Self::ListParticipants { ticket }
            | Self::GetOperation { ticket, .. }
            | Self::Release { ticket } => *ticket,
        }
    }

    /// Which action this is; none for a release, whose action is that of the request that was held.
    pub const fn action(&self) -> Option<Action> {
        match self {
            Self::Create { placement, .. } => Some(placement.action()),
            Self::Perform { command, .. } => Some(command.action()),
            Self::ListParticipants { .. } => Some(Action::ListParticipants),
            Self::GetOperation { .. } => Some(Action::GetOperation),
            Self::Release { .. } => None,
        }
    }

    /// Whether it must not be repeated unless the service said that it did nothing. What is released was held because it
    /// is.
    pub const fn is_once_only(&self) -> bool {
        match self.action() {
            Some(action) => action.is_once_only(),
            None => true,
        }
    }
}
