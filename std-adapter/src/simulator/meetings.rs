//! Scheduled meetings: how they are named, found and made, and who waits in their lobby.
//!
//! Source: Graph docs, onlineMeeting, its methods get, create and createOrGet; organizerMeetingInfo, tokenMeetingInfo,
//! joinMeetingIdMeetingInfo; lobbyBypassSettings.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

use super::World;
use super::asked::{self, member};
use super::error::Error;
use super::routes::Asked;

/// A scheduled meeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meeting {
    /// The object id of who organizes it.
    pub organizer: String,
    /// What it is about.
    pub subject: String,
    /// The chat that belongs to it.
    pub thread_id: String,
    /// Its number, for who joins by number.
    pub join_meeting_id: String,
    /// What goes with the number, where something does.
    pub passcode: Option<String>,
    /// What joins it by itself.
    pub token: String,
    /// Who comes in without waiting.
    pub bypass: LobbyBypass,
    /// After how long who waits is admitted; never, where it is left out.
    pub admits_after: Option<Duration>,
    /// What an app knows it by.
    pub external_id: Option<String>,
}

/// Who does not have to wait in the lobby. Source: Graph docs, lobbyBypassSettings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LobbyBypass {
    /// Everybody comes in.
    Everyone,
    /// Guests wait. An app that does not join as a guest has the rights of somebody of the organization.
    Organization,
    /// Everybody waits but the organizer.
    Organizer,
}

impl LobbyBypass {
    fn name(self) -> &'static str {
        match self {
            Self::Everyone => "everyone",
            Self::Organization => "organization",
            Self::Organizer => "organizer",
        }
    }

    /// That which `scope` stands for, or the nearest that is stricter.
    fn of(scope: &str) -> Self {
        match scope.to_ascii_lowercase().as_str() {
            "everyone" => Self::Everyone,
            "organizer" | "invited" => Self::Organizer,
            _ => Self::Organization,
        }
    }

    /// Whether an app has to wait.
    pub(super) fn holds(self, is_guest: bool) -> bool {
        match self {
            Self::Everyone => false,
            Self::Organization => is_guest,
            Self::Organizer => true,
        }
    }
}

impl Meeting {
    /// A meeting of this person that everybody may enter, with names and numbers of its own.
    pub fn new(organizer: impl Into<String>, subject: impl Into<String>) -> Self {
        let id = uuid::Uuid::new_v4();
        Self {
            organizer: organizer.into(),
            subject: subject.into(),
            thread_id: format!("19:meeting_{}@thread.v2", id.simple()),
            join_meeting_id: format!("{:012}", id.as_u128() % 1_000_000_000_000),
            passcode: None,
            token: uuid::Uuid::new_v4().to_string(),
            bypass: LobbyBypass::Everyone,
            admits_after: None,
            external_id: None,
        }
    }

    /// The address that joins it. Source: Graph docs, onlineMeeting.
    pub fn join_web_url(&self, tenant_id: &str) -> String {
        let encoded = |text: &str| {
            percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
        };
        let context = json!({"Tid": tenant_id, "Oid": self.organizer}).to_string();
        let (thread, context) = (encoded(&self.thread_id), encoded(&context));
        format!("https://teams.microsoft.com/l/meetup-join/{thread}/0?context={context}")
    }

    fn id(&self) -> String {
        format!("{}_{}", self.organizer, self.thread_id)
    }

    pub(super) fn chat_info(&self) -> Value {
        json!({
            "@odata.type": "#microsoft.graph.chatInfo",
            "threadId": self.thread_id,
            "messageId": "0",
            "replyChainMessageId": null,
        })
    }

    fn json(&self, world: &World, tenant_id: &str) -> Value {
        let organizer = world.person(&self.organizer);
        let name = organizer.map(|organizer| organizer.display_name);
        json!({
            "@odata.type": "#microsoft.graph.onlineMeeting",
            "id": self.id(),
            "subject": self.subject,
            "externalId": self.external_id,
            "joinWebUrl": self.join_web_url(tenant_id),
            "chatInfo": self.chat_info(),
            "joinMeetingIdSettings": {
                "isPasscodeRequired": self.passcode.is_some(),
                "joinMeetingId": self.join_meeting_id,
                "passcode": self.passcode,
            },
            "lobbyBypassSettings": {"scope": self.bypass.name(), "isDialInBypassEnabled": false},
            "participants": {
                "organizer": {"identity": {"user": {"id": self.organizer, "displayName": name}}},
                "attendees": [],
            },
        })
    }
}

/// The meetings that there are.
#[derive(Debug, Default)]
pub(super) struct Book(RwLock<Vec<Meeting>>);

impl Book {
    /// Adds a meeting, in the place of one of the same thread.
    pub(super) fn add(&self, meeting: Meeting) {
        let mut meetings = self.0.write().unwrap_or_else(PoisonError::into_inner);
        meetings.retain(|known| known.thread_id != meeting.thread_id);
        meetings.push(meeting);
    }

    pub(super) fn find(&self, is_it: impl Fn(&Meeting) -> bool) -> Option<Meeting> {
        let meetings = self.0.read().unwrap_or_else(PoisonError::into_inner);
        meetings.iter().find(|meeting| is_it(meeting)).cloned()
    }
}

/// The meeting that a join names; one that is in no book is its organizer's.
///
/// Source: Graph docs, call: create; assumed: the statuses of what cannot be joined.
pub(super) fn named(world: &World, body: &Value) -> Result<Meeting, Error> {
    let info = member(body, "meetingInfo").ok_or_else(|| Error::bad_request("meetingInfo is required."))?;
    let of = |name: &str| info.get(name).and_then(Value::as_str).unwrap_or_default();
    if asked::is_of_type(info, "tokenMeetingInfo") {
        let token = of("token");
        let meeting = world.meetings.find(|meeting| meeting.token == token);
        meeting.ok_or_else(|| Error::not_found("Meeting").because("The token is of no meeting.").assumed())
    } else if asked::is_of_type(info, "joinMeetingIdMeetingInfo") {
        let number = of("joinMeetingId").replace(' ', "");
        let meeting = world.meetings.find(|meeting| meeting.join_meeting_id == number);
        let why = "No meeting has this joinMeetingId.";
        let meeting = meeting.ok_or_else(|| Error::not_found("Meeting").because(why).assumed())?;
        let said = info.get("passcode").and_then(Value::as_str);
        if meeting.passcode.is_some() && meeting.passcode.as_deref() != said {
            let words = "The passcode is not that of the meeting.";
            return Err(Error::new(403, "Forbidden", words).assumed());
        }
        Ok(meeting)
    } else {
        of_organizer(world, body, info)
    }
}

fn of_organizer(world: &World, body: &Value, info: &Value) -> Result<Meeting, Error> {
    let chat = member(body, "chatInfo").ok_or_else(|| {
        Error::bad_request("chatInfo is required with an organizerMeetingInfo.").on("call: create")
    })?;
    let thread = chat.get("threadId").and_then(Value::as_str).unwrap_or_default();
    let organizer = info.pointer("/organizer/user/id").and_then(Value::as_str).unwrap_or_default();
    let known = world.meetings.find(|meeting| meeting.thread_id == thread);
    match known {
        Some(meeting) if meeting.organizer == organizer => Ok(meeting),
        Some(_) => {
            Err(Error::bad_request("meetingInfo.organizer is not who organizes the meeting.").assumed())
        }
        None if world.person(organizer).is_some() => {
            Ok(Meeting { thread_id: thread.to_owned(), ..Meeting::new(organizer, "") })
        }
        None => Err(Error::bad_request("meetingInfo.organizer is no user of this tenant.").assumed()),
    }
}

/// Source: Graph docs, onlineMeeting: get. There is no list: what is looked for has to be named.
pub(super) fn find(asked: &Asked<'_>) -> Result<Response, Error> {
    let user = user(asked)?;
    let query = asked.uri.query().unwrap_or_default();
    let filter = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "$filter");
    let named = filter.as_ref().and_then(|(_, filter)| filter.split_once(" eq "));
    let value = named.map(|(_, value)| value.trim().trim_matches('\'').to_owned()).unwrap_or_default();
    let decoded = percent_encoding::percent_decode_str(&value).decode_utf8_lossy().into_owned();
    let tenant = &asked.app.tenant_id;
    let is_it: Box<dyn Fn(&Meeting) -> bool> =
        match named.map(|(name, _)| name.trim().to_ascii_lowercase()).as_deref() {
            Some("joinweburl") => Box::new(move |meeting| {
                let url = meeting.join_web_url(tenant);
                let plain = percent_encoding::percent_decode_str(&url).decode_utf8_lossy().into_owned();
                [&url, &plain].into_iter().any(|url| *url == value || *url == decoded)
            }),
            Some("joinmeetingidsettings/joinmeetingid") => {
                Box::new(move |meeting| meeting.join_meeting_id == value)
            }
            _ => {
                let words = "Filter expression expected - /onlineMeetings?$filter={ParameterName} eq '{id}'.";
                return Err(Error::new(400, "InvalidArgument", words));
            }
        };
    asked.world.meters.meet(user, asked.world.config.throttling, asked.world.clock.now_millis())?;
    let found = asked.world.meetings.find(|meeting| meeting.organizer == user && is_it(meeting));
    let found: Vec<_> = found.iter().map(|meeting| meeting.json(asked.world, tenant)).collect();
    Ok(Json(json!({"value": found})).into_response())
}

pub(super) fn get(asked: &Asked<'_>) -> Result<Response, Error> {
    let user = user(asked)?;
    asked.world.meters.meet(user, asked.world.config.throttling, asked.world.clock.now_millis())?;
    let id = asked.id(1);
    let meeting = asked.world.meetings.find(|meeting| meeting.organizer == user && meeting.id() == id);
    let meeting = meeting.ok_or_else(|| Error::not_found("Online meeting"))?;
    Ok(Json(meeting.json(asked.world, &asked.app.tenant_id)).into_response())
}

pub(super) fn create(asked: &Asked<'_>) -> Result<Response, Error> {
    let user = user(asked)?;
    made(asked, meeting_of(user, &asked.body))
}

pub(super) fn create_or_get(asked: &Asked<'_>) -> Result<Response, Error> {
    let user = user(asked)?;
    let external = asked.body.get("externalId").and_then(Value::as_str).unwrap_or_default();
    let known = asked
        .world
        .meetings
        .find(|meeting| meeting.organizer == user && meeting.external_id.as_deref() == Some(external));
    if let Some(meeting) = known {
        return Ok(Json(meeting.json(asked.world, &asked.app.tenant_id)).into_response());
    }
    let external_id = Some(external.to_owned());
    made(asked, Meeting { external_id, ..meeting_of(user, &asked.body) })
}

fn made(asked: &Asked<'_>, meeting: Meeting) -> Result<Response, Error> {
    let world = asked.world;
    world.meters.meet(&meeting.organizer, world.config.throttling, world.clock.now_millis())?;
    let json = meeting.json(world, &asked.app.tenant_id);
    world.meetings.add(meeting);
    Ok((StatusCode::CREATED, Json(json)).into_response())
}

fn meeting_of(organizer: &str, body: &Value) -> Meeting {
    let subject = body.get("subject").and_then(Value::as_str).unwrap_or_default();
    let mut meeting = Meeting::new(organizer, subject);
    if body.pointer("/joinMeetingIdSettings/isPasscodeRequired").and_then(Value::as_bool) == Some(true) {
        meeting.passcode = Some(uuid::Uuid::new_v4().simple().to_string().chars().take(6).collect());
    }
    // Source: assumed; the tenant's policy says what holds where a request says nothing.
    let scope = body.pointer("/lobbyBypassSettings/scope").and_then(Value::as_str);
    meeting.bypass = scope.map_or(LobbyBypass::Organization, LobbyBypass::of);
    meeting
}

/// The person in the path. That an application access policy lets the app act for him is taken for granted.
fn user<'a>(asked: &'a Asked<'_>) -> Result<&'a str, Error> {
    let id = asked.id(0);
    if asked.world.person(id).is_some() { Ok(id) } else { Err(Error::not_found("User")) }
}
