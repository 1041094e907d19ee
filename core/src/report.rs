//! Reports: what Graph says, by notification or in the answer to a request.
//!
//! A report is never refused: it is applied, recognised as a repeat or as stale, or taken as a sign that something was
//! missed. What has no rule yet is recognised and named as not used.

use crate::id::{CallId, ClientContext, OperationId, ParticipantId, Sequence, Ticket};
use crate::lifecycle::State;
use crate::list::List;
use crate::media::{Audio, Tone};
use crate::meeting::Coordinates;
use crate::operation::Status;
use crate::result::ResultInfo;
use crate::roster::{Extent, Participant};
use crate::words::words;

words! {
    /// `changeType` of a notification.
    pub enum Change {
        /// The resource is new.
        Created = "created",
        /// Some of its members changed: those that the notification carries.
        Updated = "updated",
        /// The resource is gone.
        Deleted = "deleted",
    }
}

/// `callState`, as it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Told {
    /// No state was told: it stays what it was.
    Nothing,
    /// This one.
    State(State),
    /// One that this version does not know; the adapter keeps its word.
    Unrecognised,
}

/// `toneInfo`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ToneInfo {
    /// Its place in the order of tones.
    pub sequence: Sequence,
    /// Which key.
    pub tone: Tone,
}

/// What is said of the call: the members that were there, and no others. Absent is not null.
///
/// Source: Graph docs, call, commsNotification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CallNews {
    /// The id, where one was told.
    pub id: Option<CallId>,
    /// Its state.
    pub state: Told,
    /// `mediaState.audio`.
    pub audio: Option<Audio>,
    /// A tone.
    pub tone: Option<ToneInfo>,
    /// `resultInfo`: of the end, or of a transfer that failed.
    pub result: Option<ResultInfo>,
    /// Which coordinates there are.
    pub coordinates: Coordinates,
    /// `myParticipantId`.
    pub own_participant: Option<ParticipantId>,
}

impl CallNews {
    /// News that says nothing.
    pub const NONE: Self = Self {
        id: None,
        state: Told::Nothing,
        audio: None,
        tone: None,
        result: None,
        coordinates: Coordinates::None,
        own_participant: None,
    };

    /// News of this state and nothing else.
    pub const fn of(state: State) -> Self {
        Self { state: Told::State(state), ..Self::NONE }
    }
}

/// What is said of an operation.
///
/// Source: Graph docs, commsOperation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct OperationNews {
    /// Its id, where one was told.
    pub id: Option<OperationId>,
    /// Its `clientContext`, where it is one of core's.
    pub context: Option<ClientContext>,
    /// Its status.
    pub status: Status,
    /// Its result.
    pub result: Option<ResultInfo>,
}

/// A roster.
///
/// Source: Graph docs, call: list participants, deltaParticipants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RosterNews<'a> {
    /// Whether it names everybody.
    pub extent: Extent,
    /// Whom it names.
    #[cfg_attr(feature = "serde", serde(borrow))]
    pub participants: List<'a, Participant>,
}

/// The body of an answer, as far as a rule asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Body<'a> {
    /// None, or one that no rule reads.
    None,
    /// The call.
    Call(CallNews),
    /// An operation.
    Operation(OperationNews),
    /// The participants.
    Roster(#[cfg_attr(feature = "serde", serde(borrow))] RosterNews<'a>),
}

/// The answer to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Response<'a> {
    /// The request's ticket.
    pub ticket: Ticket,
    /// The HTTP status.
    pub status: u16,
    /// The service's own number of an error (7504, 8522), 0 where it gave none.
    pub code: u32,
    /// What it carried.
    #[cfg_attr(feature = "serde", serde(borrow))]
    pub body: Body<'a>,
}

/// What Graph says.
///
/// Serialised variants are append-only, and none ever gains a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Report<'a> {
    /// A notification of the call.
    Call {
        /// What happened to the resource.
        change: Change,
        /// What it carries.
        news: CallNews,
    },
    /// A notification of the roster.
    Roster(#[cfg_attr(feature = "serde", serde(borrow))] RosterNews<'a>),
    /// A notification of an operation.
    Operation {
        /// What happened to the resource.
        change: Change,
        /// What it carries.
        news: OperationNews,
    },
    /// A notification of a content sharing session. Recognised, not yet used.
    ContentSharing(Change),
    /// A participant asks to join (policy-based recording). Recognised, not yet used.
    Joining,
    /// A participant left (policy-based recording). Recognised, not yet used.
    Left,
    /// A notification of a resource that this version does not know.
    Unrecognised,
    /// The answer to a request.
    Response(#[cfg_attr(feature = "serde", serde(borrow))] Response<'a>),
    /// A request left, and no answer came: whether it took effect is not known.
    NoResponse {
        /// The request's ticket.
        ticket: Ticket,
    },
    /// A request never left, or certainly never arrived.
    NotSent {
        /// The request's ticket.
        ticket: Ticket,
    },
}

words! {
    /// What a report is about, where no rule uses it yet.
    pub enum Topic {
        /// A content sharing session.
        ContentSharing = "content sharing session",
        /// A participant who asks to join.
        Joining = "participant joining",
        /// A participant who left.
        Left = "participant left",
        /// A resource that this version does not know.
        Unrecognised = "unrecognised resource",
        /// An operation that this call did not ask for.
        ForeignOperation = "operation of somebody else",
    }
}
