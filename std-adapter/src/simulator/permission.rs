//! Permissions of the calling API: what they are called, and what an app without them is told.
//!
//! Source: Graph docs, Microsoft Graph permissions reference; the page of each operation. Which operation needs which of
//! them stands in the table of [`super::endpoint`].

use super::Registration;
use super::error::Error;

pub(super) const INITIATE: &str = "Calls.Initiate.All";
pub(super) const INITIATE_GROUP: &str = "Calls.InitiateGroupCall.All";
pub(super) const JOIN: &str = "Calls.JoinGroupCall.All";
pub(super) const JOIN_AS_GUEST: &str = "Calls.JoinGroupCallAsGuest.All";
/// Resource-specific: for the calls of one chat or meeting.
pub(super) const JOIN_OF_CHAT: &str = "Calls.JoinGroupCalls.Chat";
pub(super) const MEDIA: &str = "Calls.AccessMedia.All";
/// Resource-specific: for the calls of one chat or meeting.
pub(super) const MEDIA_OF_CHAT: &str = "Calls.AccessMedia.Chat";
pub(super) const READ_MEETINGS: &str = "OnlineMeetings.Read.All";
pub(super) const WRITE_MEETINGS: &str = "OnlineMeetings.ReadWrite.All";

/// What an operation needs.
#[derive(Clone, Copy, Debug)]
pub(super) enum Needs {
    /// Nothing of its own: what was checked when the call came about is enough.
    Nothing,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// It depends on what is asked: who is called, or which kind of call is answered.
    ByKind,
}

impl Needs {
    /// Refuses an app that lacks what can be told without looking at what it asks.
    pub(super) fn check(self, app: &Registration) -> Result<(), Error> {
        match self {
            Self::Nothing | Self::ByKind => Ok(()),
            Self::OneOf(permissions) => require(app, permissions),
        }
    }
}

/// Refuses an app that has none of `permissions`.
pub(super) fn require(app: &Registration, permissions: &[&str]) -> Result<(), Error> {
    let is_granted = permissions.iter().any(|permission| app.has(permission));
    if is_granted { Ok(()) } else { Err(Error::permission(permissions)) }
}
