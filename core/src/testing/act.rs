//! Acts: inputs that own what they carry, so that they can be generated, kept and shrunk.

use std::vec::Vec;

use crate::call::{Call, Input, Offer, Output, Refused, Setup};
use crate::command::{Command, Placement};
use crate::id::{CallKey, ClientContext, ParticipantId, SessionId, Ticket};
use crate::list::List;
use crate::permission::Grants;
use crate::report::{Body, CallNews, Change, OperationNews, Report, Response, RosterNews};
use crate::roster::{Extent, Participant};
use crate::time::Timestamp;

/// The key of every call in stories and histories.
pub const KEY: CallKey = CallKey::new(9);

/// The id of the participant of this number, in stories and histories.
pub const fn participant_id(number: u8) -> ParticipantId {
    ParticipantId::from_bytes([
        number, 0xC3, 0x89, 0x43, 0x43, 0x11, 0x4E, 0xD1, 0x99, 0x5E, 0x1F, 0x5B, 0x2E, 0xA4, 0x4B, 0x01,
    ])
}

/// How a call begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// It is offered to the bot.
    Offered(Setup, Offer),
    /// The bot places it.
    Placed(Setup, Placement<'static>),
}

impl Opening {
    /// Makes the call.
    ///
    /// # Errors
    /// [`Refused`], for a placement that the rules forbid.
    pub fn open<const R: usize, const O: usize>(
        &self,
        now: Timestamp,
    ) -> Result<(Call<R, O>, Output<'_>), Refused> {
        match self {
            Self::Offered(setup, offer) => Ok(Call::offered(now, *setup, *offer)),
            Self::Placed(setup, placement) => Call::place(now, *setup, placement),
        }
    }
}

/// Which request of a call is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Which {
    /// The one of this ticket.
    Ticket(Ticket),
    /// The newest, or so many before it: counted when the act is handed in, so that a long story still hits requests that
    /// are out.
    Newest(u8),
}

impl Which {
    /// The ticket, for this call as it is now.
    pub fn of<const R: usize, const O: usize>(self, call: &Call<R, O>) -> Ticket {
        match self {
            Self::Ticket(ticket) => ticket,
            Self::Newest(back) => {
                let next = call.pending.next_ticket.number();
                Ticket::try_new(next.saturating_sub(u32::from(back).saturating_add(1)))
                    .unwrap_or(Ticket::FIRST)
            }
        }
    }
}

/// The body of an answer, as [`Act`] owns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Carried {
    /// None.
    None,
    /// The call.
    Call(CallNews),
    /// An operation.
    Operation(OperationNews),
    /// Participants.
    Roster(Extent, Vec<Participant>),
}

/// An input that owns what it carries. What a command borrows are constants.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Act {
    /// The bot wants something.
    Command(Command<'static>),
    /// A notification of the call.
    Call(Change, CallNews),
    /// A notification of the roster.
    Roster(Extent, Vec<Participant>),
    /// A notification of an operation; where a request is named, with its context.
    Operation(Change, Option<Which>, OperationNews),
    /// A notification of a content sharing session.
    ContentSharing(Change, Option<SessionId>),
    /// A participant is joining, under policy-based recording.
    Joining,
    /// A participant left, under policy-based recording.
    Left,
    /// A notification of an unknown resource.
    Unrecognised,
    /// The answer to a request: its status, the service's own code, and the body.
    Response(Which, u16, u32, Carried),
    /// A request got no answer.
    NoResponse(Which),
    /// A request did not leave.
    NotSent(Which),
    /// The embedder states the grants anew.
    Granted(Grants),
    /// The time.
    Tick,
}

impl Act {
    /// Hands this act to `with` as an input of `call`.
    pub fn with<T, const R: usize, const O: usize>(
        &self,
        call: &Call<R, O>,
        with: impl FnOnce(Input<'_>) -> T,
    ) -> T {
        let roster = |extent, participants| RosterNews { extent, participants: List::new(participants) };
        let report = match self {
            Self::Command(command) => return with(Input::Command(command)),
            Self::Tick => return with(Input::Tick),
            Self::Call(change, news) => Report::Call { change: *change, news: *news },
            Self::Roster(extent, participants) => Report::Roster(roster(*extent, participants)),
            Self::Operation(change, which, news) => {
                let context = which.map(|which| ClientContext { key: call.key(), ticket: which.of(call) });
                let context = context.or(news.context);
                Report::Operation { change: *change, news: OperationNews { context, ..*news } }
            }
            Self::ContentSharing(change, session) => {
                Report::ContentSharing { change: *change, session: *session }
            }
            Self::Joining => Report::Joining,
            Self::Left => Report::Left,
            Self::Unrecognised => Report::Unrecognised,
            Self::Response(which, status, code, carried) => {
                let body = match carried {
                    Carried::None => Body::None,
                    Carried::Call(news) => Body::Call(*news),
                    Carried::Operation(news) => Body::Operation(*news),
                    Carried::Roster(extent, participants) => Body::Roster(roster(*extent, participants)),
                };
                Report::Response(Response { ticket: which.of(call), status: *status, code: *code, body })
            }
            Self::NoResponse(which) => Report::NoResponse { ticket: which.of(call) },
            Self::NotSent(which) => Report::NotSent { ticket: which.of(call) },
            Self::Granted(grants) => Report::Granted(*grants),
        };
        with(Input::Report(&report))
    }
}
