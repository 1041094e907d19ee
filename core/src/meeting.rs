//! Meeting coordinates: what says that a call is, or became, part of a conversation.

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
}
