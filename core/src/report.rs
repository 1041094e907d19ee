//! Reports: what Graph says, by notification or in the answer to a request, and what the embedder states.
//!
//! A report is never refused: it is applied, recognised as a repeat or as stale, or taken as a sign that something was
//! missed.

use crate::id::{CallId, ClientContext, OperationId, ParticipantId, Sequence, SessionId, Ticket};
use crate::identity::{Answerer, Routing};
use crate::lifecycle::State;
use crate::lifecycle::end::TerminationReason;
use crate::list::List;
use crate::media::{Audio, Tone, Transcription};
use crate::meeting::Coordinates;
use crate::operation::{Completion, Status};
use crate::permission::Grants;
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

/// `toneInfo`
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
    /// `mediaState.audio`
    pub audio: Option<Audio>,
    /// A tone.
    pub tone: Option<ToneInfo>,
    /// `resultInfo`: of the end, or of a transfer that failed.
    pub result: Option<ResultInfo>,
    /// `terminationReason`
    pub reason: Option<TerminationReason>,
    /// Which coordinates there are.
    pub coordinates: Coordinates,
    /// `myParticipantId`
    pub own_participant: Option<ParticipantId>,
    /// `transcription.state`
    pub transcription: Option<Transcription>,
    /// `answeredBy`
    pub answered_by: Option<Answerer>,
    /// `routingType` of the last of `callRoutes`
    pub routing: Option<Routing>,
}

impl CallNews {
    /// News that says nothing.
    pub const NONE: Self = Self {
        id: None,
        state: Told::Nothing,
        audio: None,
        tone: None,
        result: None,
        reason: None,
        coordinates: Coordinates::None,
        own_participant: None,
        transcription: None,
        answered_by: None,
        routing: None,
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
    /// `completionReason`
    pub completion: Option<Completion>,
    /// `participants[0].participantId` of an invitation: who will appear in the roster under this id.
    pub invited: Option<ParticipantId>,
}

impl OperationNews {
    /// News of this status and nothing else.
    pub const fn of(status: Status) -> Self {
        Self { id: None, context: None, status, result: None, completion: None, invited: None }
    }
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
    /// A notification of a content sharing session.
    ContentSharing {
        /// What happened to the session.
        change: Change,
        /// Which, where its path or body names it.
        session: Option<SessionId>,
    },
    /// A participant is joining (policy-based recording): to be answered with
    /// [`Command::AnswerJoining`](crate::command::Command::AnswerJoining). A repetition of the same notification is the
    /// embedder's to recognise, and to answer alike.
    Joining,
    /// A participant left (policy-based recording).
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
    /// The embedder states anew which permissions the app has. What was learnt from refusals is forgotten.
    Granted(Grants),
}

words! {
    /// What a report is about that no rule uses.
    pub enum Topic {
        /// A resource that this version does not know.
        Unrecognised = "unrecognised resource",
        /// An operation that this call did not ask for.
        ForeignOperation = "operation of somebody else",
    }
}
