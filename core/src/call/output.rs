//! What `handle` gives: small, bounded, and returned, so that nothing can be left undrained.

use heapless::Vec;

use crate::command;
use crate::event::Event;
use crate::id::Ticket;
use crate::lifecycle::pending::{Exchange, Unsettled};
use crate::lifecycle::{self, State};
use crate::permission::Permission;
use crate::request::Request;
use crate::words::words;

words! {
    /// What an input did.
    pub enum Verdict {
        /// It was applied.
        Applied = "applied",
        /// It says what is known.
        Repeat = "repeat",
        /// It is older than what is known.
        Stale = "stale",
        /// Nothing documented explains it: the call is asked for.
        Unexplained = "unexplained",
        /// It was recognised, and no rule uses it yet.
        NotUsed = "not used",
    }
}

/// How many requests one input can cause.
pub const MAX_REQUESTS: usize = 3;
/// How many events one input can cause.
pub const MAX_EVENTS: usize = 6;

/// What an input gave.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[must_use]
pub struct Output<'a> {
    pub(super) requests: Vec<Request<'a>, MAX_REQUESTS, u8>,
    pub(super) events: Vec<Event, MAX_EVENTS, u8>,
    pub(super) verdict: Verdict,
    pub(super) ticket: Option<Ticket>,
    pub(super) overflow: bool,
}

impl<'a> Output<'a> {
    pub(super) const fn new() -> Self {
        Self {
            requests: Vec::new(),
            events: Vec::new(),
            verdict: Verdict::Repeat,
            ticket: None,
            overflow: false,
        }
    }

    /// The HTTP to make, in this order.
    pub fn requests(&self) -> &[Request<'a>] {
        &self.requests
    }

    /// What the bot learns, in this order.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// What the input did.
    pub const fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// The ticket of the command that was handed in.
    pub const fn ticket(&self) -> Option<Ticket> {
        self.ticket
    }

    /// Whether an event or a request found no room: a property test says that it never is.
    #[doc(hidden)]
    pub const fn has_overflowed(&self) -> bool {
        self.overflow
    }

    pub(super) fn request(&mut self, request: Request<'a>) {
        self.overflow |= self.requests.push(request).is_err();
    }

    pub(super) fn event(&mut self, event: Event) {
        self.overflow |= self.events.push(event).is_err();
    }
}

#[cfg(target_pointer_width = "32")]
const _: () = assert!(core::mem::size_of::<Output<'_>>() <= 256);

/// Why a command was refused. Nothing changed, and no request left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Why {
    /// The lifecycle forbids it.
    Lifecycle(lifecycle::Why),
    /// Answering and rejecting shut each other out.
    Settlement(Unsettled),
    /// A request of this kind is out: wait for its answer.
    Busy(Exchange),
    /// The creation of the call is not settled yet: wait for [`Event::Created`].
    NotCreatedYet,
    /// The bot hung up already: wait for the end.
    HangingUp,
    /// All places for operations are taken: wait for [`Event::OperationEnded`].
    OperationsFull {
        /// How many places there are.
        places: u8,
    },
    /// The app lacks this permission: have an administrator grant it and consent again.
    PermissionMissing(Permission),
    /// The bot hosts the media of this call: play and listen with its media library.
    AppHostedMedia,
    /// There is no prompt to play: give one at least.
    NothingToPlay,
    /// There is nobody to call: give one target at least.
    NoTarget,
    /// There are more targets than a new group call takes: invite the others later.
    TooManyTargets {
        /// How many it takes.
        limit: u8,
    },
}

impl core::fmt::Display for Why {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Lifecycle(why) => f.write_str(why.name()),
            Self::Settlement(why) => f.write_str(why.name()),
            Self::Busy(exchange) => write!(f, "a request to {exchange} is out; wait for its answer"),
            Self::NotCreatedYet => f.write_str("the call is not created yet; wait until it is"),
            Self::HangingUp => f.write_str("the bot hung up already; wait for the end"),
            Self::OperationsFull { places } => {
                write!(f, "all {places} places for operations are taken; wait until one ends")
            }
            Self::PermissionMissing(permission) => {
                write!(f, "the app lacks {permission}; have an administrator grant it and consent again")
            }
            Self::AppHostedMedia => f.write_str(
                "the bot hosts the media of this call; use its media library, or service-hosted media",
            ),
            Self::NothingToPlay => f.write_str("there is no prompt; give one at least"),
            Self::NoTarget => f.write_str("there is nobody to call; give one target at least"),
            Self::TooManyTargets { limit } => {
                write!(f, "a new group call takes {limit} targets; invite the others later")
            }
        }
    }
}

/// A command that was refused, in which state, and why. The call is as it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Refused {
    /// The state of the call.
    pub state: State,
    /// Which command.
    pub command: command::Kind,
    /// Why, and so what to do.
    pub why: Why,
}

impl core::fmt::Display for Refused {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "cannot {} while {}: {}", self.command, self.state, self.why)
    }
}

impl core::error::Error for Refused {}
