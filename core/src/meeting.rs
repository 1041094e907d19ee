//! Meeting coordinates: how a meeting is joined, and what says that a call is, or became, part of a conversation.

use crate::text::Secret;

/// Which of `chatInfo` and `meetingInfo` are there (present, and not null).
///
/// Either alone counts as coordinates.
///
/// Source: Graph docs, call; assumed for one alone: if it is wrong, the call is taken for a group that is none, and
/// only asks for more permissions than it needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Coordinates {
    /// Neither.
    #[default]
    None,
    /// `chatInfo` with a thread id.
    Chat,
    /// `meetingInfo`.
    Meeting,
    /// Both.
    Both,
}

impl Coordinates {
    /// The coordinates that are there.
    pub const fn new(chat: bool, meeting: bool) -> Self {
        match (chat, meeting) {
            (false, false) => Self::None,
            (true, false) => Self::Chat,
            (false, true) => Self::Meeting,
            (true, true) => Self::Both,
        }
    }

    /// Whether there are any.
    pub const fn are_given(self) -> bool {
        !matches!(self, Self::None)
    }

    /// Whether the chat is known, which inviting several at once needs.
    pub const fn has_chat(self) -> bool {
        matches!(self, Self::Chat | Self::Both)
    }
}

/// How a meeting or a group call is found.
///
/// Source: Graph docs, application: post calls (join with organizer information, with a join token, with a join id).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Meeting<'a> {
    /// By its organizer and its chat thread, as a join link names them.
    Organizer(#[cfg_attr(feature = "serde", serde(borrow))] ByOrganizer<'a>),
    /// By a token, which an invitation carried.
    Token(#[cfg_attr(feature = "serde", serde(borrow))] Secret<'a>),
    /// By its meeting id.
    JoinId {
        /// The id, digits only.
        #[cfg_attr(feature = "serde", serde(serialize_with = "crate::text::write"))]
        id: &'a str,
        /// The passcode; none where the meeting needs none.
        #[cfg_attr(feature = "serde", serde(borrow))]
        passcode: Option<Secret<'a>>,
    },
}

/// A meeting by its organizer and its chat thread.
///
/// Source: Graph docs, organizerMeetingInfo and chatInfo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ByOrganizer<'a> {
    /// `chatInfo.threadId`
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::text::write"))]
    pub thread_id: &'a str,
    /// `chatInfo.messageId`: `0`, or the root message of a channel meeting.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::text::write"))]
    pub message_id: &'a str,
    /// `chatInfo.replyChainMessageId`
    pub reply_chain_message_id: Option<&'a str>,
    /// The organizer's object id.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::text::write"))]
    pub organizer_id: &'a str,
    /// The organizer's tenant.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::text::write"))]
    pub tenant_id: &'a str,
}

impl Meeting<'_> {
    /// Which coordinates a call that joins this meeting has.
    pub const fn coordinates(&self) -> Coordinates {
        match self {
            Self::Organizer(_) => Coordinates::Both,
            Self::Token(_) | Self::JoinId { .. } => Coordinates::Meeting,
        }
    }
}
