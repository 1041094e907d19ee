//! What `handle` gives: small, bounded, and returned, so that nothing can be left undrained.

use heapless::Vec;

use crate::action::Action;
use crate::command::{Command, Placement};
use crate::event::Event;
use crate::id::{OperationId, Ticket};
use crate::lifecycle::pending::Unsettled;
use crate::lifecycle::{self, State};
use crate::limit::Breach;
use crate::permission::Missing;
use crate::request::{Dispatch, Request};
use crate::restriction::Restriction;
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
        /// It was recognised, and no rule uses it.
        NotUsed = "not used",
    }
}

/// How many requests one input can cause.
pub const MAX_REQUESTS: usize = 4;
/// How many events one input can cause.
pub const MAX_EVENTS: usize = 9;

/// What the input carried that a request takes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
enum Given<'a> {
    Nothing,
    Placement(&'a Placement<'a>),
    Command(&'a Command<'a>),
}

/// A request, without what it carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
enum Slot {
    /// What the input asked for.
    Given(Dispatch),
    KeepAlive,
    Refresh,
    HangUp,
    ListParticipants,
    GetOperation,
    Release,
}

/// What an input gave.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[must_use]
pub struct Output<'a> {
    events: Vec<Event, MAX_EVENTS, u8>,
    given: Given<'a>,
    requests: Vec<(Ticket, Slot), MAX_REQUESTS, u8>,
    /// The operation that is asked for: one at the most.
    operation: OperationId,
    pub(super) ticket: Option<Ticket>,
    pub(super) verdict: Verdict,
    overflow: bool,
}

impl<'a> Output<'a> {
    /// Of no input yet: for [`Call::handle_into`](super::Call::handle_into).
    pub const fn new() -> Self {
        Self {
            events: Vec::new(),
            given: Given::Nothing,
            requests: Vec::new(),
            operation: OperationId::NIL,
            ticket: None,
            verdict: Verdict::Repeat,
            overflow: false,
        }
    }

    pub(super) fn clear(&mut self) {
        self.events.clear();
        self.requests.clear();
        self.given = Given::Nothing;
        self.ticket = None;
        self.verdict = Verdict::Repeat;
        self.overflow = false;
    }

    /// The request takes over what `placement` carries.
    pub(super) const fn of_placement(&mut self, placement: &'a Placement<'a>) {
        self.given = Given::Placement(placement);
    }

    /// Requests take over what `command` carries.
    pub(super) const fn of_command(&mut self, command: &'a Command<'a>) {
        self.given = Given::Command(command);
    }

    /// The HTTP to make, in this order.
    pub fn requests(&self) -> Requests<'_, 'a> {
        Requests { output: self, next: 0 }
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

    #[inline(never)]
    pub(super) fn event(&mut self, event: Event) {
        self.overflow |= self.events.push(event).is_err();
    }

    /// What the input asked for leaves as the request of this ticket.
    pub(super) fn given(&mut self, ticket: Ticket, dispatch: Dispatch) {
        self.request(ticket, Slot::Given(dispatch));
    }

    pub(super) fn keep_alive(&mut self, ticket: Ticket) {
        self.request(ticket, Slot::KeepAlive);
    }

    pub(super) fn refresh(&mut self, ticket: Ticket) {
        self.request(ticket, Slot::Refresh);
    }

    pub(super) fn hang_up(&mut self, ticket: Ticket) {
        self.request(ticket, Slot::HangUp);
    }

    pub(super) fn list_participants(&mut self, ticket: Ticket) {
        self.request(ticket, Slot::ListParticipants);
    }

    pub(super) fn get_operation(&mut self, ticket: Ticket, operation: OperationId) {
        self.operation = operation;
        self.request(ticket, Slot::GetOperation);
    }

    pub(super) fn release(&mut self, ticket: Ticket) {
        self.request(ticket, Slot::Release);
    }

    #[inline(never)]
    fn request(&mut self, ticket: Ticket, slot: Slot) {
        self.overflow |= self.requests.push((ticket, slot)).is_err();
    }

    fn at(&self, place: usize) -> Option<Request<'a>> {
        let (ticket, slot) = *self.requests.get(place)?;
        let perform = |command, dispatch| Request::Perform { ticket, command, dispatch };
        Some(match (slot, self.given) {
            (Slot::Given(_), Given::Placement(placement)) => {
                Request::Create { ticket, placement: *placement }
            }
            (Slot::Given(dispatch), Given::Command(command)) => perform(*command, dispatch),
            // What is given is there before a request names it.
            (Slot::Given(_), Given::Nothing) => return None,
            (Slot::KeepAlive, _) => perform(Command::KeepAlive, Dispatch::Now),
            (Slot::Refresh, _) => perform(Command::Refresh, Dispatch::Now),
            (Slot::HangUp, _) => perform(Command::HangUp, Dispatch::Now),
            (Slot::ListParticipants, _) => Request::ListParticipants { ticket },
            (Slot::GetOperation, _) => Request::GetOperation { ticket, operation: self.operation },
            (Slot::Release, _) => Request::Release { ticket },
        })
    }
}

impl Default for Output<'_> {
    fn default() -> Self {
        Self::new()
    }
}

/// The requests of an [`Output`].
#[derive(Clone, Debug)]
pub struct Requests<'o, 'a> {
    output: &'o Output<'a>,
    next: usize,
}

impl<'a> Iterator for Requests<'_, 'a> {
    type Item = Request<'a>;

    fn next(&mut self) -> Option<Request<'a>> {
        let request = self.output.at(self.next)?;
        self.next = self.next.saturating_add(1);
        Some(request)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.output.requests.len().saturating_sub(self.next);
        (left, Some(left))
    }
}

impl ExactSizeIterator for Requests<'_, '_> {}

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
    /// Answering, rejecting and redirecting shut each other out.
    Settlement(Unsettled),
    /// A page says that it is not for such a call.
    Restricted(Restriction),
    /// What it carries is too little, too much or too long.
    Limit(Breach),
    /// The app lacks this permission: have an administrator grant it and consent again.
    PermissionMissing(Missing),
    /// A request of this kind is out: wait for its answer.
    Busy(Action),
    /// The creation of the call is not settled yet: wait for [`Event::Created`].
    NotCreatedYet,
    /// The bot hung up already: wait for the end.
    HangingUp,
    /// All places for operations are taken: wait for [`Event::OperationEnded`].
    OperationsFull {
        /// How many places there are.
        places: u8,
    },
    /// Only one participant can be invited out of another call at a time.
    ReplacesOne,
    /// No notification of a joining participant waits for an answer.
    NobodyJoining,
    /// This recording status is not one that can be reported.
    NoStatus,
    /// A tone that has no key stops no recording, and one that is not known cannot be sent.
    NoTone,
    /// A phone is called as an application instance, which has a number.
    PhoneNeedsInstance,
    /// A guest joins meetings, and calls nobody.
    GuestNeedsMeeting,
}

impl core::fmt::Display for Why {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Lifecycle(why) => f.write_str(why.name()),
            Self::Settlement(why) => f.write_str(why.name()),
            Self::Restricted(restriction) => f.write_str(restriction.words()),
            Self::Limit(breach) => breach.fmt(f),
            Self::PermissionMissing(missing) => {
                write!(f, "the app lacks {missing}; have an administrator grant it and consent again")
            }
            Self::Busy(action) => write!(f, "a request to {action} is out; wait for its answer"),
            Self::NotCreatedYet => f.write_str("the call is not created yet; wait until it is"),
            Self::HangingUp => f.write_str("the bot hung up already; wait for the end"),
            Self::OperationsFull { places } => {
                write!(f, "all {places} places for operations are taken; wait until one ends")
            }
            Self::ReplacesOne => f.write_str(
                "only one participant is invited out of another call at a time; invite one by one",
            ),
            Self::NobodyJoining => {
                f.write_str("no joining participant waits for an answer; wait for the next")
            }
            Self::NoStatus => {
                f.write_str("no such recording status; report recording, notRecording or failed")
            }
            Self::NoTone => f.write_str("no such key; give tones that a phone has"),
            Self::PhoneNeedsInstance => {
                f.write_str("a phone is called as an application instance; give one as the source")
            }
            Self::GuestNeedsMeeting => {
                f.write_str("a guest calls nobody; join a meeting, or call as the bot")
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
    pub action: Action,
    /// Why, and so what to do.
    pub why: Why,
}

impl core::fmt::Display for Refused {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "cannot {} while {}: {}", self.action, self.state, self.why)
    }
}

impl core::error::Error for Refused {}
