//! `chatInfo` and `meetingInfo`: how a meeting or a group call is found.
//!
//! Source: Graph docs, chatInfo, organizerMeetingInfo, tokenMeetingInfo, joinMeetingIdMeetingInfo.

use serde::Deserialize;

use super::WireError;
use super::lenient::There;
use super::placement::Meeting;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChatJson {
    #[serde(rename = "@odata.type")]
    _odata_type: Option<There>,
    thread_id: Option<String>,
    message_id: Option<String>,
    reply_chain_message_id: Option<String>,
}

/// Abstract in the model; what it has says which it is, as well as its type.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MeetingJson {
    #[serde(rename = "@odata.type")]
    _odata_type: Option<There>,
    organizer: Option<OrganizerJson>,
    // What the wire always asks for.
    #[serde(rename = "allowConversationWithoutHost")]
    _allow_conversation_without_host: Option<There>,
    token: Option<String>,
    join_meeting_id: Option<String>,
    passcode: Option<String>,
}

#[derive(Deserialize)]
struct OrganizerJson {
    #[serde(rename = "@odata.type")]
    _odata_type: Option<There>,
    user: OrganizingUserJson,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OrganizingUserJson {
    #[serde(rename = "@odata.type")]
    _odata_type: Option<There>,
    id: String,
    tenant_id: Option<String>,
}

impl MeetingJson {
    /// The way into the meeting. The organizer's tenant may be named as that of the call only.
    ///
    /// # Errors
    /// [`WireError`] with the member that is missing.
    pub(super) fn with(self, chat: Option<ChatJson>, tenant_id: Option<&str>) -> Result<Meeting, WireError> {
        let missing = |member: &str| WireError::new(1, member, "missing");
        if let Some(token) = self.token {
            return Ok(Meeting::Token(token.into()));
        }
        if let Some(id) = self.join_meeting_id {
            return Ok(Meeting::JoinId { id, passcode: self.passcode.map(Into::into) });
        }
        let OrganizerJson { user, .. } = self.organizer.ok_or_else(|| missing("meetingInfo.organizer"))?;
        let chat = chat.ok_or_else(|| missing("chatInfo"))?;
        let tenant_id = user.tenant_id.or_else(|| tenant_id.map(str::to_owned)).unwrap_or_default();
        chat.of_organizer(user.id, tenant_id).ok_or_else(|| missing("chatInfo.threadId"))
    }
}

impl ChatJson {
    /// The way in by this chat and its organizer; `None` for a chat without its thread.
    pub(super) fn of_organizer(self, organizer_id: String, tenant_id: String) -> Option<Meeting> {
        Some(Meeting::Organizer {
            thread_id: self.thread_id?,
            message_id: self.message_id.unwrap_or_else(|| "0".to_owned()),
            reply_chain_message_id: self.reply_chain_message_id,
            organizer_id,
            tenant_id,
        })
    }
}
