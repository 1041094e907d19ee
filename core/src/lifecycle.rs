//! The lifecycle of a call: in which state each action is for it, and which state each piece of news leads to.
//!
//! The state is Graph's `callState`. What is asked and not yet settled (an answer that was sent, a transfer that is under
//! way, a hang-up that waits for the call's id) is kept beside it, in [`pending`]. Two tables are the whole rule
//! ([`action_rows`], [`news_rows`]): a row names sets of states, an action or a piece of news, where that stands and how
//! sure it is; a `const fn` spreads the rows into dense arrays and asserts that each pair stands there exactly once, so
//! that a new state, action or piece of news breaks the build until somebody has thought about each pair.
//!
//! An *action* may leave, may leave with advice, or is refused with a reason. A piece of *news* is never refused: it
//! leads to a state, is a repeat, is stale, or nothing documented explains it, and then the call is asked for.
//!
//! # What a lost report costs, and what brings it back
//!
//! One round of keepAlive, `GET` call, `GET` participants and `GET` of an operation that is pending (the call makes it by
//! itself on doubt, and [`Command::Refresh`](crate::command::Command::Refresh) at any time) tells what is:
//!
//! | lost | costs | brought back by |
//! | --- | --- | --- |
//! | `establishing`, `ringing` | nothing: later news says more | the next news, or `GET` call |
//! | `established` | media commands wait | `GET` call, 15 seconds after the answer was taken; a tone; audio |
//! | audio became active | held media commands wait | ten seconds: then they leave, and the service decides |
//! | audio became active again | what was held since it was inactive waits | the next word of it: no `GET` tells `mediaState` |
//! | audio became inactive | a prompt is refused by the service | nothing: no documented `GET` tells `mediaState` |
//! | `transferring`, `transferAccepted` | the state is late | the end, or `GET` call |
//! | a transfer failed | the next transfer is refused | `GET` call |
//! | a tone | the key press is gone for good | nothing: no resource has tones |
//! | the answer to a request | its outcome is unknown until other news tells it | the news it causes, `GET` call, `GET` operation |
//! | an operation's completion | its place stays taken | `GET` operation, where its id is known; else the end of the call |
//! | a roster | joins and leaves are late | the next roster, `GET` participants |
//! | the roster with which somebody else makes a direct call a group | the call looks peer-to-peer | the next roster; `GET` call, where it tells coordinates: participants of a direct call are not listed |
//! | the last participant left | the call looks alive | keepAlive or `GET` call: 404 |
//! | the end | the call looks alive, for 15 minutes at most | keepAlive or `GET` call: 404; its code stays unknown for good |
//! | who answered, how it was routed | is not told | nothing: no documented `GET` tells them |
//! | content sharing began or ended | is not told | the next news of a session |
//! | a participant is joining, or left, under policy-based recording | he is not recorded, or counted too long | nothing |
//!
//! # The diagram
//!
//! An arrow is news that leads to another state; `(asked)`: and the call is asked for, because no page has that order or
//! the bot did not ask for it. [`diagram`](crate::diagram) draws it, and every pair as a table.
//!
#![doc = "```mermaid"]
#![doc = include_str!("diagram/lifecycle.mmd")]
#![doc = "```"]
//!
//! Source: Graph docs, call (callState), application: post calls, call: answer, reject, redirect, transfer, delete,
//! keepAlive, playPrompt, subscribeToTone; the table is checked by the tests of each row.

pub mod doubt;
pub mod end;
pub mod pending;
mod rows;

pub use rows::{ActionRow, NewsRow, States, action_rows, news_rows};

use core::fmt;

use crate::action::Action;
use crate::words::words;

words! {
    /// Graph's `callState`.
    pub enum State {
        /// A call to the bot waits to be answered or rejected.
        Incoming = "incoming",
        /// It is being set up.
        Establishing = "establishing",
        /// The callee is alerted.
        Ringing = "ringing",
        /// It is connected; media may or may not be active yet.
        Established = "established",
        /// It is on hold.
        Hold = "hold",
        /// The bot's transfer is being carried out.
        Transferring = "transferring",
        /// The other side accepted the transfer.
        TransferAccepted = "transferAccepted",
        /// It is being redirected.
        Redirecting = "redirecting",
        /// It is being torn down.
        Terminating = "terminating",
        /// It is over.
        Terminated = "terminated",
    }
}

impl State {
    /// Whether the call was connected and is still.
    pub const fn is_connected(self) -> bool {
        match self {
            Self::Established | Self::Hold | Self::Transferring | Self::TransferAccepted => true,
            Self::Incoming
            | Self::Establishing
            | Self::Ringing
            | Self::Redirecting
            | Self::Terminating
            | Self::Terminated => false,
        }
    }

    /// Whether the call is over.
    pub const fn is_ended(self) -> bool {
        matches!(self, Self::Terminated)
    }
}

/// The state of a call to the bot, as it is told first.
///
/// Source: Graph docs, call: answer (`created/incoming`).
pub const WHEN_OFFERED: State = State::Incoming;

/// The state of a call that the bot places or joins.
///
/// Source: Graph docs, application: post calls (201, `establishing`).
pub const WHEN_PLACED: State = State::Establishing;

/// The state that a tone tells of, where its news says none: that news was missed.
///
/// Source: Graph docs, call: subscribeToTone (tones come with `established`); assumed for one without a state: the call
/// is asked for as well.
pub const WITH_TONES: State = State::Established;

words! {
    /// What Graph can say of the state of a call.
    pub enum News {
        /// Graph says `incoming`.
        Incoming = "incoming",
        /// Graph says `establishing`.
        Establishing = "establishing",
        /// Graph says `ringing`.
        Ringing = "ringing",
        /// Graph says `established`.
        Established = "established",
        /// Graph says `hold`.
        Hold = "hold",
        /// Graph says `transferring`.
        Transferring = "transferring",
        /// Graph says `transferAccepted`.
        TransferAccepted = "transferAccepted",
        /// Graph says `redirecting`.
        Redirecting = "redirecting",
        /// Graph says `terminating`.
        Terminating = "terminating",
        /// Graph says `terminated`, or that the resource was deleted.
        Terminated = "terminated",
        /// The call is not there any more: an answer 404 with code 8522, or a bare 404 for the second time.
        Gone = "gone",
        /// Graph refused to create the call.
        NotCreated = "not created",
    }
}

impl News {
    /// The news that Graph gave this state.
    pub const fn told(state: State) -> Self {
        match state {
            State::Incoming => Self::Incoming,
            State::Establishing => Self::Establishing,
            State::Ringing => Self::Ringing,
            State::Established => Self::Established,
            State::Hold => Self::Hold,
            State::Transferring => Self::Transferring,
            State::TransferAccepted => Self::TransferAccepted,
            State::Redirecting => Self::Redirecting,
            State::Terminating => Self::Terminating,
            State::Terminated => Self::Terminated,
        }
    }
}

/// What a piece of news does in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Effect {
    /// It leads to this state.
    To(State),
    /// It leads to this state; unless the bot asked for that, the call is asked for too.
    AsAsked(State),
    /// It leads to this state, but no documented order says that it is the newest: the call is asked for too.
    Adopt(State),
    /// It says what is known.
    Same,
    /// It is older than what is known.
    Stale,
    /// Nothing documented explains it: the call is asked for, and the answer adopted.
    Unexplained,
}

impl Effect {
    /// The state that it leads to, where it leads to one.
    pub const fn to(self) -> Option<State> {
        match self {
            Self::To(state) | Self::AsAsked(state) | Self::Adopt(state) => Some(state),
            Self::Same | Self::Stale | Self::Unexplained => None,
        }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::To(state) => write!(f, "to {state}"),
            Self::AsAsked(state) => {
                write!(f, "to {state}, and the call is asked for unless the bot asked for this")
            }
            Self::Adopt(state) => write!(f, "to {state}, and the call is asked for"),
            Self::Same => f.write_str("says what is known"),
            Self::Stale => f.write_str("is older than what is known"),
            Self::Unexplained => f.write_str("is not explained, so that the call is asked for"),
        }
    }
}

/// Whether an action may leave in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Leave {
    /// It may.
    Allow,
    /// It may, and an event says that it is likely to be refused before the call is established.
    Advise,
    /// It may once the call was answered (or may have been), and is refused before.
    IfAnswered(Why),
    /// It may where the call's end was inferred, not told.
    IfInferred(Why),
    /// It is refused.
    Refuse(Why),
}

impl fmt::Display for Leave {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allow => f.write_str("may leave"),
            Self::Advise => f.write_str("may leave, with the advice that it is likely to be refused"),
            Self::IfAnswered(why) => write!(f, "may leave once the call was answered; before: {why}"),
            Self::IfInferred(why) => write!(f, "may leave where the end was inferred; else: {why}"),
            Self::Refuse(why) => write!(f, "refused: {why}"),
        }
    }
}

words! {
    /// Why the lifecycle refuses an action.
    pub enum Why {
        /// The call is over.
        Ended = "the call is over; nothing more can be done with it",
        /// Only an incoming call can be answered, rejected or redirected.
        NotIncoming = "only an incoming call that waits can be answered, rejected or redirected; to end this one, hang up",
        /// An incoming call that waits is rejected, not hung up.
        UseReject = "the call waits to be answered; use reject",
        /// The incoming call was not answered yet.
        AnswerFirst = "the call waits to be answered; answer it first",
        /// The call is being torn down or handed on.
        Leaving = "the call is being torn down or handed on; wait for its end",
        /// Only a call that is established or on hold can be transferred.
        NotEstablished = "the call is not established yet; wait until it is",
        /// A transfer is being carried out.
        InTransfer = "a transfer is under way; wait until it failed or the call ended",
        /// A call is created once.
        Exists = "the call exists; place another one",
    }
}

/// Whether `action` may leave in `state`.
pub fn leave(state: State, action: Action) -> Leave {
    rows::leave(state, action)
}

/// What `news` does in `state`.
pub fn effect(state: State, news: News) -> Effect {
    let pair = news.index().wrapping_mul(State::COUNT).wrapping_add(state.index());
    // Every pair is inside the table; the fallback asks, which is safe for any.
    rows::EFFECTS.get(pair).copied().unwrap_or(Effect::Unexplained)
}

#[cfg(test)]
mod tests;
