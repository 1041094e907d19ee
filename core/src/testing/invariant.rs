//! What must always hold of a call, whatever it is told. Each is written once, here.
//!
//! | | what | where |
//! | --- | --- | --- |
//! | I1 | an end that was told is final, and nothing but a question leaves an ended call | [`i01_told_end_is_final`] |
//! | I2 | a peer-to-peer call may become a group, for a reason that counts, and never the reverse | [`i02_group_for_a_reason`], [`i02_kind_at_creation`] |
//! | I3 | of answer, reject and redirect one is taken at most | [`Settlements::i03_settled_once`] |
//! | I4 | no request leaves that a page forbids, or whose permission is known to be missing | [`Allowed::i04_nothing_forbidden_leaves`] |
//! | I5 | every operation ends in one completion | [`Started::i05_each_operation_ends_once`] |
//! | I6 | twice is once, and another order leads to the same or to a question | [`i06_twice_is_once`], [`i06_same_facts_or_asked`], [`i06_has_the_facts_or_asks`] |
//! | I7 | older never overwrites newer, where an order is known | [`Order::i07_older_never_overwrites_newer`] |
//! | I8 | media may be kept only after `recording` was confirmed | [`Confirmed::i08_recording_was_confirmed`] |
//! | I9 | one round of questions brings the facts | [`i09_a_round_brings_the_facts`] |
//! | I10 | a refusal changes nothing, outputs and questions are bounded | [`i10_outputs_are_bounded`], [`Questions::i10_questions_keep_their_distance`] |
//! | I11 | a snapshot is the call | `i11_snapshot_is_the_call`, with the feature `snapshot` |
//! | I12 | every live call is kept alive | [`Kept::i12_live_calls_are_kept_alive`] |
//! | I13 | an end says whether the call was established, and nothing of an established call comes from one that was not | [`Established::i13_established_or_not`] |
//! | I14 | a tick before the deadline does nothing, one at it moves it | [`i14_ticks_do_not_spin`] |
//!
//! Those that need no memory are functions of one [`Step`]; the others remember something, and are methods of what they
//! remember. [`Observer`](super::Observer) has one of each. What the rules are checked against is not core's own tables.

mod allowed;
mod bounds;
mod end;
mod established;
mod facts;
mod kept;
mod kind;
mod order;
mod recording;
mod repeat;
mod settlements;
#[cfg(feature = "snapshot")]
mod snapshot;
mod started;

pub use allowed::{Allowed, i04_creation_is_allowed};
pub use bounds::{Questions, i10_outputs_are_bounded};
pub use end::i01_told_end_is_final;
pub use established::Established;
pub use facts::{Facts, i06_has_the_facts_or_asks, i09_a_round_brings_the_facts};
pub(crate) use kept::i14_ticks_end;
pub use kept::{Kept, i14_ticks_do_not_spin};
pub use kind::{i02_group_for_a_reason, i02_kind_at_creation};
pub use order::Order;
pub use recording::Confirmed;
use repeat::is_asking;
pub use repeat::{i06_same_facts_or_asked, i06_twice_is_once};
pub use settlements::Settlements;
#[cfg(feature = "snapshot")]
pub use snapshot::{i11_damaged_bytes_are_refused, i11_snapshot_is_the_call};
pub use started::Started;

use crate::call::{Call, Input, Output, Refused};
use crate::command::Command;
use crate::event::Event;
use crate::report::{Body, CallNews, Report, Response, RosterNews};
use crate::request::Request;
use crate::time::Timestamp;

/// An invariant that broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Broken {
    /// Its name, as in `I1`.
    pub invariant: &'static str,
    /// What was seen.
    pub seen: &'static str,
}

impl core::fmt::Display for Broken {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}: {}", self.invariant, self.seen)
    }
}

impl core::error::Error for Broken {}

fn holds(invariant: &'static str, condition: bool, seen: &'static str) -> Result<(), Broken> {
    if condition { Ok(()) } else { Err(Broken { invariant, seen }) }
}

/// One input of a call, and what it did.
#[derive(Clone, Copy, Debug)]
pub struct Step<'s, 'a, const R: usize, const O: usize> {
    /// The call as it was.
    pub before: &'s Call<R, O>,
    /// When.
    pub now: Timestamp,
    /// What happened.
    pub input: Input<'a>,
    /// What it gave.
    pub result: &'s Result<Output<'a>, Refused>,
    /// The call as it is.
    pub after: &'s Call<R, O>,
}

impl<'s, 'a, const R: usize, const O: usize> Step<'s, 'a, R, O> {
    /// What the bot learnt.
    pub fn events(&self) -> &'s [Event] {
        match self.result {
            Ok(output) => output.events(),
            Err(_) => &[],
        }
    }

    /// The requests that left.
    pub fn requests(&self) -> impl Iterator<Item = Request<'a>> + use<'s, 'a, R, O> {
        self.result.as_ref().into_iter().flat_map(Output::requests)
    }

    /// The answer that came, if one did.
    pub const fn response(&self) -> Option<&'a Response<'a>> {
        match self.input {
            Input::Report(Report::Response(response)) => Some(response),
            Input::Report(_) | Input::Command(_) | Input::Tick => None,
        }
    }

    /// News of the call that came, in a notification or an answer.
    pub const fn call_news(&self) -> Option<&'a CallNews> {
        match self.input {
            Input::Report(
                Report::Call { news, .. } | Report::Response(Response { body: Body::Call(news), .. }),
            ) => Some(news),
            Input::Report(_) | Input::Command(_) | Input::Tick => None,
        }
    }

    /// The roster that came, in a notification or an answer.
    pub const fn roster_news(&self) -> Option<&'a RosterNews<'a>> {
        match self.input {
            Input::Report(
                Report::Roster(news) | Report::Response(Response { body: Body::Roster(news), .. }),
            ) => Some(news),
            Input::Report(_) | Input::Command(_) | Input::Tick => None,
        }
    }
}

/// Whether it asks the service how things are, and changes nothing.
fn is_question(request: &Request<'_>) -> bool {
    matches!(
        request,
        Request::Perform { command: Command::Refresh, .. }
            | Request::ListParticipants { .. }
            | Request::GetOperation { .. }
    )
}
