//! Events: what the bot learns.

use crate::command;
use crate::id::{Sequence, Ticket};
use crate::lifecycle::State;
use crate::lifecycle::end::End;
use crate::media::{Arrival, Audio, Tone};
use crate::operation::{self, Outcome};
use crate::permission::Permission;
use crate::report::Topic;
use crate::result::ResultInfo;
use crate::roster;
use crate::words::words;

words! {
    /// A table of the call.
    pub enum Table {
        /// The roster.
        Roster = "roster",
    }
}

/// What the bot learns.
///
/// Serialised variants are append-only, and none ever gains a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Event {
    /// A call to the bot waits to be answered or rejected.
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
    /// The call was established for the first time.
    Established,
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
        kind: operation::Kind,
        /// How it ended.
        outcome: Outcome,
        /// The service's result; where the request was refused, its status and code.
        result: Option<ResultInfo>,
    },
    /// The operations at these places ended with the call; they stay readable until the next input.
    OperationsEnded {
        /// Where they stand.
        places: operation::Places,
    },
    /// A command that was taken came to nothing.
    CommandFailed {
        /// Its ticket.
        ticket: Ticket,
        /// Which command.
        command: command::Kind,
        /// The HTTP status; 0 where the request never arrived.
        status: u16,
        /// The service's own number of the error, 0 where it gave none.
        code: u32,
    },
    /// The answer to a request was lost: whether it took effect is not known, and it is not repeated.
    OutcomeUnknown {
        /// Its ticket.
        ticket: Ticket,
        /// Which command.
        command: command::Kind,
    },
    /// The limit for answering or rejecting passed.
    AnswerTimeout,
    /// The call became a group.
    KindChanged,
    /// The call is now hosted as a conversation.
    HostingChanged,
    /// The roster changed; those who left stay readable in their places until the next input.
    RosterChanged {
        /// Who is new.
        joined: roster::Places,
        /// Who left.
        left: roster::Places,
    },
    /// A command left although a permission for it is known to be missing.
    PermissionMissing(Permission),
    /// The call's end had been inferred, and was wrong.
    Revived,
    /// A report was recognised that no rule uses yet.
    NotUsed(Topic),
    /// A table is full; what the call decides stays right.
    Full(Table),
    /// The call is over.
    Ended(End),
    /// More became known of the end: that it was told, its result, or that the call had been established.
    EndRevised(End),
}
