//! Requests: the HTTP that the call wants made.
//!
//! Each carries a ticket; what became of it over HTTP is reported with that ticket. A request is *once only* unless it may be
//! repeated without harm: an answer that was lost is then reported as lost, and not asked for again.

use crate::command::{MediaConfig, RejectReason};
use crate::id::{ClientContext, OperationId, Ticket};
use crate::identity::Identity;
use crate::list::List;
use crate::text::Uri;

/// When a request leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Dispatch {
    /// Now.
    Now,
    /// When [`Request::Release`] names its ticket; if the call ends first, never.
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
        /// Where news of the call goes.
        #[cfg_attr(feature = "serde", serde(borrow))]
        callback: Uri<'a>,
        /// Whom to call.
        #[cfg_attr(feature = "serde", serde(borrow))]
        targets: List<'a, Identity<'a>>,
        /// Who hosts the media.
        #[cfg_attr(feature = "serde", serde(borrow))]
        media: MediaConfig<'a>,
    },
    /// `POST …/answer`. Once only.
    Answer {
        /// Its ticket.
        ticket: Ticket,
        /// Where news of the call goes.
        #[cfg_attr(feature = "serde", serde(borrow))]
        callback: Uri<'a>,
        /// Who hosts the media.
        #[cfg_attr(feature = "serde", serde(borrow))]
        media: MediaConfig<'a>,
    },
    /// `POST …/reject`. Once only.
    Reject {
        /// Its ticket.
        ticket: Ticket,
        /// Why.
        reason: RejectReason,
    },
    /// `DELETE …/{id}`.
    HangUp {
        /// Its ticket.
        ticket: Ticket,
    },
    /// `POST …/keepAlive`.
    KeepAlive {
        /// Its ticket.
        ticket: Ticket,
    },
    /// `GET …/{id}`.
    GetCall {
        /// Its ticket.
        ticket: Ticket,
    },
    /// `GET …/operations/{id}`.
    GetOperation {
        /// Its ticket.
        ticket: Ticket,
        /// The operation.
        operation: OperationId,
    },
    /// `POST …/playPrompt`. Once only.
    PlayPrompt {
        /// What goes into `clientContext`; its ticket is the request's.
        context: ClientContext,
        /// What to play.
        #[cfg_attr(feature = "serde", serde(borrow))]
        prompts: List<'a, Uri<'a>>,
        /// When it leaves.
        dispatch: Dispatch,
    },
    /// `POST …/subscribeToTone`. Once only.
    SubscribeToTone {
        /// What goes into `clientContext`; its ticket is the request's.
        context: ClientContext,
        /// When it leaves.
        dispatch: Dispatch,
    },
    /// No HTTP of its own: the request of this ticket, held until now, leaves.
    Release {
        /// The ticket of the request that was held.
        ticket: Ticket,
    },
}

impl Request<'_> {
    /// The ticket.
    pub const fn ticket(&self) -> Ticket {
        match self {
            Self::Create { ticket, .. }
            | Self::Answer { ticket, .. }
            | Self::Reject { ticket, .. }
            | Self::HangUp { ticket }
            | Self::KeepAlive { ticket }
            | Self::GetCall { ticket }
            | Self::GetOperation { ticket, .. }
            | Self::Release { ticket } => *ticket,
            Self::PlayPrompt { context, .. } | Self::SubscribeToTone { context, .. } => context.ticket,
        }
    }

    /// Whether it must not be repeated unless the service said that it took nothing.
    pub const fn is_once_only(&self) -> bool {
        match self {
            Self::Create { .. }
            | Self::Answer { .. }
            | Self::Reject { .. }
            | Self::PlayPrompt { .. }
            | Self::SubscribeToTone { .. }
            | Self::Release { .. } => true,
            Self::HangUp { .. }
            | Self::KeepAlive { .. }
            | Self::GetCall { .. }
            | Self::GetOperation { .. } => false,
        }
    }
}
