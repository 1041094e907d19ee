//! Commands: what the bot wants of a call.
//!
//! A command is taken, and its ticket given, or refused before it costs a request. What it borrows travels on in the
//! request that it becomes; the call keeps none of it.

use crate::list::List;
use crate::text::{Secret, Uri};
use crate::words::words;

/// Who hosts the media of a call.
///
/// Source: Graph docs, mediaConfig.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum MediaConfig<'a> {
    /// The service: prompts, tones and recording go through Graph.
    ServiceHosted,
    /// The bot, with this blob of its media library.
    AppHosted(#[cfg_attr(feature = "serde", serde(borrow))] Secret<'a>),
}

impl MediaConfig<'_> {
    /// Whether the service hosts the media.
    pub const fn is_service_hosted(self) -> bool {
        matches!(self, Self::ServiceHosted)
    }
}

words! {
    /// The reason of a rejection.
    ///
    /// Source: Graph docs, call: reject.
    pub enum RejectReason {
        /// None is given.
        None = "none",
        /// The bot is busy.
        Busy = "busy",
        /// The bot may not take the call.
        Forbidden = "forbidden",
    }
}

/// What the bot wants.
///
/// Serialised variants are append-only, and none ever gains a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Command<'a> {
    /// Answer an incoming call.
    ///
    /// Source: Graph docs, call: answer.
    Answer {
        /// Where news of the call goes from now on.
        #[cfg_attr(feature = "serde", serde(borrow))]
        callback: Uri<'a>,
        /// Who hosts its media.
        #[cfg_attr(feature = "serde", serde(borrow))]
        media: MediaConfig<'a>,
    },
    /// Reject an incoming call.
    ///
    /// Source: Graph docs, call: reject.
    Reject {
        /// Why.
        reason: RejectReason,
    },
    /// Hang up. In a group call only the bot's own leg ends. While the creation of the call is not settled, the request
    /// waits for that.
    ///
    /// Source: Graph docs, call: delete.
    HangUp,
    /// Keep the call alive now. The call does so by itself every 15 minutes.
    ///
    /// Source: Graph docs, call: keepAlive.
    KeepAlive,
    /// Ask the service for the call, and for an operation that it carries out.
    ///
    /// Source: Graph docs, call: get.
    Refresh,
    /// Play prompts, one after another. Waits until the call is established with audio active.
    ///
    /// Source: Graph docs, call: playPrompt.
    PlayPrompt {
        /// Addresses of WAV files, at least one.
        #[cfg_attr(feature = "serde", serde(borrow))]
        prompts: List<'a, Uri<'a>>,
    },
    /// Be told of the tones that are pressed. Waits as playing does.
    ///
    /// Source: Graph docs, call: subscribeToTone.
    SubscribeToTone,
}

words! {
    /// Which command, without what it carries.
    pub enum Kind {
        /// Create the call, which [`Call::place`](crate::call::Call::place) asks.
        Create = "create",
        /// [`Command::Answer`]
        Answer = "answer",
        /// [`Command::Reject`]
        Reject = "reject",
        /// [`Command::HangUp`]
        HangUp = "hang up",
        /// [`Command::KeepAlive`]
        KeepAlive = "keep alive",
        /// [`Command::Refresh`]
        Refresh = "refresh",
        /// [`Command::PlayPrompt`]
        PlayPrompt = "play prompt",
        /// [`Command::SubscribeToTone`]
        SubscribeToTone = "subscribe to tone",
    }
}

impl Command<'_> {
    /// Which command this is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Answer { .. } => Kind::Answer,
            Self::Reject { .. } => Kind::Reject,
            Self::HangUp => Kind::HangUp,
            Self::KeepAlive => Kind::KeepAlive,
            Self::Refresh => Kind::Refresh,
            Self::PlayPrompt { .. } => Kind::PlayPrompt,
            Self::SubscribeToTone => Kind::SubscribeToTone,
        }
    }
}
