//! Online meetings: how a meeting is looked up whose link alone is known.
//!
//! A bot asks with the permission `OnlineMeetings.Read.All` and under an application access policy that an administrator
//! granted it for the organizer. What it gets has the coordinates by which the meeting is joined.
//!
//! Source: Graph docs, onlineMeeting: get.

use serde::Deserialize;

use super::escape::{query, segment};
use super::lenient::There;
use super::meeting::ChatJson;
use super::placement::Meeting;
use super::request::{HttpRequest, Method, Version};
use super::{WireError, read, utf8};

/// A meeting, as far as joining it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnlineMeeting {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub subject: Option<String>,
    /// The way in: by the organizer and the chat thread, where both are told, else by the meeting's id.
    pub meeting: Option<Meeting>,
}

/// The request for the meetings that `organizer_id` organizes and that `link` leads to: one, or none.
///
/// The organizer is a user's object id; the link is that of the invitation, as it is.
pub fn by_join_url(organizer_id: &str, link: &str) -> HttpRequest {
    filtered(organizer_id, "JoinWebUrl", link.trim())
}

/// The request for the meeting of this join id, digits only.
pub fn by_join_id(organizer_id: &str, join_id: &str) -> HttpRequest {
    filtered(organizer_id, "joinMeetingIdSettings/joinMeetingId", join_id)
}

/// Source: OData 4.01, URL conventions (an apostrophe within a text is doubled).
fn filtered(organizer_id: &str, member: &str, value: &str) -> HttpRequest {
    let filter = query(&format!("{member} eq '{}'", value.replace('\'', "''")));
    HttpRequest {
        version: Version::V1,
        method: Method::Get,
        path: format!("/users/{}/onlineMeetings?$filter={filter}", segment(organizer_id)),
        body: None,
    }
}

#[derive(Deserialize)]
struct ListJson {
    value: Vec<OnlineMeetingJson>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OnlineMeetingJson {
    id: String,
    subject: Option<String>,
    chat_info: Option<ChatJson>,
    participants: Option<ParticipantsJson>,
    join_meeting_id_settings: Option<JoinIdJson>,
}

#[derive(Deserialize)]
struct ParticipantsJson {
    organizer: Option<OrganizerJson>,
}

#[derive(Deserialize)]
struct OrganizerJson {
    identity: Option<IdentityJson>,
}

#[derive(Deserialize)]
struct IdentityJson {
    user: Option<UserJson>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UserJson {
    id: Option<String>,
    tenant_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JoinIdJson {
    join_meeting_id: Option<String>,
    passcode: Option<String>,
    #[serde(rename = "isPasscodeRequired")]
    _is_passcode_required: Option<There>,
}

/// Reads the answer to such a request: a list, or one meeting. `tenant_id` is the organizer's, where the answer does not
/// say.
///
/// # Errors
/// [`WireError`]
pub fn read_meetings(body: &[u8], tenant_id: &str) -> Result<Vec<OnlineMeeting>, WireError> {
    #[derive(Deserialize)]
    struct ShapeJson {
        value: Option<There>,
    }
    let text = utf8(body)?;
    let (shape, _) = read::<ShapeJson>(text, 1, "")?;
    let all = match shape.value {
        Some(There) => read::<ListJson>(text, 1, "")?.0.value,
        None => vec![read::<OnlineMeetingJson>(text, 1, "")?.0],
    };
    Ok(all.into_iter().map(|json| json.into_meeting(tenant_id)).collect())
}

impl OnlineMeetingJson {
    fn into_meeting(self, tenant_id: &str) -> OnlineMeeting {
        let organizer = self.participants.and_then(|all| all.organizer?.identity?.user);
        let by_organizer = organizer.zip(self.chat_info).and_then(|(user, chat)| {
            chat.of_organizer(user.id?, user.tenant_id.unwrap_or_else(|| tenant_id.to_owned()))
        });
        let by_id = self.join_meeting_id_settings.and_then(|join| {
            Some(Meeting::JoinId { id: join.join_meeting_id?, passcode: join.passcode.map(Into::into) })
        });
        OnlineMeeting { id: self.id, subject: self.subject, meeting: by_organizer.or(by_id) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_link_is_asked_for_as_it_is() {
        let link = "https://teams.microsoft.com/l/meetup-join/19%3am%40thread.v2/0?context=%7b%22Oid%22%3a%22o'1%22%7d";
        let http = by_join_url("o/1", link);
        assert_eq!(
            http.path,
            "/users/o%2F1/onlineMeetings?$filter=JoinWebUrl%20eq%20'https%3A%2F%2Fteams.microsoft.com%2Fl%2Fmeetup-join\
             %2F19%253am%2540thread.v2%2F0%3Fcontext%3D%257b%2522Oid%2522%253a%2522o''1%2522%257d'"
        );
        assert_eq!((http.method, http.body), (Method::Get, None));
        assert!(
            by_join_id("o", "123")
                .path
                .ends_with("$filter=joinMeetingIdSettings%2FjoinMeetingId%20eq%20'123'")
        );
    }

    fn read_one(mut members: Value) -> OnlineMeeting {
        members["id"] = json!("MSo1N2Y5");
        let list = json!({"@odata.context": "…", "value": [members.clone()]}).to_string();
        let meetings = read_meetings(list.as_bytes(), "home").unwrap();
        assert_eq!(meetings, read_meetings(members.to_string().as_bytes(), "home").unwrap());
        meetings.into_iter().next().unwrap()
    }

    #[test]
    fn the_way_in_is_by_the_organizer_or_else_by_the_id() {
        let chat = json!({"threadId": "19:m@thread.v2", "messageId": "0", "replyChainMessageId": null});
        let organizer =
            |tenant: Value| json!({"organizer": {"identity": {"user": {"id": "o", "tenantId": tenant}}}});
        let join = json!({"joinMeetingId": "123", "passcode": "pw", "isPasscodeRequired": true});
        for (tenant, expected) in [(json!("t"), "t"), (json!(null), "home")] {
            let told = read_one(json!({"chatInfo": chat, "participants": organizer(tenant), "subject": "x"}));
            let Some(Meeting::Organizer { thread_id, organizer_id, tenant_id, .. }) = told.meeting else {
                panic!()
            };
            assert_eq!(
                (thread_id.as_str(), organizer_id.as_str(), tenant_id.as_str()),
                ("19:m@thread.v2", "o", expected)
            );
            assert_eq!(told.subject.as_deref(), Some("x"));
        }
        let told = read_one(
            json!({"chatInfo": null, "participants": organizer(json!("t")), "joinMeetingIdSettings": join}),
        );
        assert_eq!(told.meeting, Some(Meeting::JoinId { id: "123".to_owned(), passcode: Some("pw".into()) }));
        assert_eq!(read_one(json!({})).meeting, None);
        assert_eq!(read_meetings(br#"{"value": []}"#, "home"), Ok(Vec::new()));
        let fault = read_meetings(br#"{"value": [{"subject": 1}]}"#, "home").unwrap_err();
        assert!(fault.to_string().contains("value[0].subject"), "{fault}");
    }
}
