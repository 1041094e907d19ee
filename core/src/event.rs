//! Events: what the bot learns.

use crate::action::Action;
use crate::classification::{HostingCause, Reason};
use crate::id::{Sequence, Ticket};
use crate::identity::{Answerer, Routing};
use crate::lifecycle::State;
use crate::lifecycle::end::End;
use crate::media::{Arrival, Audio, RecordingStatus, Sharing, Tone, Transcription};
use crate::operation::{self, Completion, Outcome};
use crate::permission::Missing;
use crate::report::Topic;
use crate::restriction::Restriction;
use crate::result::ResultInfo;
use crate::roster;

/// What the bot learns.
///
/// Serialised variants are append-only, and none ever gains a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Event {
    /// A call to the bot waits to be answered, rejected or redirected.
    Offered,
    /// The service has the call that the bot placed.
    Created,
    /// The state changed.
    StateChanged {
        /// From this.
        from: State,
        /// To this.
        to: State,
    },
    /// The call was established for the first time. That somebody picked up is not that the callee did: see
    /// [`Self::Reached`].
    Established,
    /// The service says who took the call, or by which detour it came to him: a forward, or voice mail.
    Reached {
        /// Who took it, as far as known.
        by: Option<Answerer>,
        /// By which detour, as far as known.
        routing: Option<Routing>,
    },
    /// Audio became active or inactive.
    MediaChanged {
        /// What it is now.
        audio: Audio,
    },
    /// A tone was pressed. Each is told once.
    Tone {
        /// Its place in the order of tones.
        sequence: Sequence,
        /// Which key.
        tone: Tone,
        /// Whether it came in that order.
        arrival: Arrival,
    },
    /// An operation ended. Each that was taken is told of once, here or in [`Self::OperationsEnded`].
    OperationEnded {
        /// The ticket of its command.
        ticket: Ticket,
        /// What it did.
        action: Action,
        /// How it ended.
        outcome: Outcome,
        /// Why it completed, where the service said so.
        completion: Option<Completion>,
        /// The service's result; where the request was refused, its status and code.
        result: Option<ResultInfo>,
    },
    /// The operations at these places ended together, with the call or because they were cancelled before they left;
    /// they stay readable until the next input.
    OperationsEnded {
        /// Where they stand.
        places: operation::Places,
    },
    /// A command that was taken came to nothing.
    CommandFailed {
        /// Its ticket.
        ticket: Ticket,
        /// Which command.
        action: Action,
        /// The HTTP status; 0 where the request never arrived.
        status: u16,
        /// The service's own number of the error, 0 where it gave none.
        code: u32,
    },
    /// The answer to a request was lost, or an operation's completion never came: whether it took effect is not known,
    /// and it is not repeated.
    OutcomeUnknown {
        /// Its ticket.
        ticket: Ticket,
        /// Which command.
        action: Action,
    },
    /// The limit for answering, rejecting or redirecting passed.
    AnswerTimeout,
    /// Nobody answered within the ring timer: the call is hung up.
    NoAnswer,
    /// The call became a group call.
    KindChanged(Reason),
    /// The call is now hosted as a conversation.
    HostingChanged(HostingCause),
    /// The roster changed; those who left stay readable in their places until the next input.
    RosterChanged {
        /// Who is new.
        joined: roster::Places,
        /// Who left.
        left: roster::Places,
    },
    /// Something else of participants changed: mute, hold, lobby, recording, or whether they are confirmed.
    RosterUpdated {
        /// Whose.
        changed: roster::Places,
    },
    /// The roster has more participants than places: this many are counted and not named.
    RosterFull {
        /// How many.
        unnamed: u16,
    },
    /// Advice: a command left although a permission for it is known to be missing.
    PermissionMissing {
        /// Which command.
        action: Action,
        /// What is missing.
        missing: Missing,
    },
    /// Advice: a command left although it is likely to be refused on this call.
    Restricted {
        /// Which command.
        action: Action,
        /// Why.
        restriction: Restriction,
    },
    /// Advice: should somebody add a participant to this call, the service would drop the bot, which lacks any of these.
    DroppedIfGroup(Missing),
    /// A transfer failed; the call goes on.
    TransferFailed(Option<ResultInfo>),
    /// The service confirmed this recording status: media may be kept while it is `recording`, and only then.
    RecordingConfirmed(RecordingStatus),
    /// The call is transcribed, or is no more.
    TranscriptionChanged(Transcription),
    /// Content is shared, or is no more.
    ContentSharing(Sharing),
    /// A participant is joining (policy-based recording): to be answered at once.
    Joining,
    /// Notifications of joining participants were not answered in time: the embedder answers by its default.
    JoiningTimeout,
    /// A participant whom this call recorded left.
    RecordedParticipantLeft,
    /// The call's end had been inferred, and was wrong.
    Revived,
    /// A report was recognised that no rule uses.
    NotUsed(Topic),
    /// The call is over.
    Ended(End),
    /// More became known of the end: that it was told, its result, or that the call had been established.
    EndRevised(End),
}
