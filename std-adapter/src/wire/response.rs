//! Responses: what Graph answers to a request.

use callflow_core::report::Body;
use callflow_core::roster::Extent;
use serde::Deserialize;

use super::audio_routing_group::{AudioRoutingGroupJson, AudioRoutingGroupTold};
use super::content_sharing::{ContentSharingJson, ContentSharingTold};
use super::extra::{Extra, OF_A_CALL, OF_A_PARTICIPANT};
use super::lenient::There;
use super::resource::{
    CallJson, CallTold, OperationJson, OperationTold, ParticipantJson, RosterTold, short_type,
};
use super::{WireError, read, utf8};

/// What an answer carried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// Nothing.
    Nothing,
    /// The call.
    Call(Box<CallTold>),
    /// An operation.
    Operation(Box<OperationTold>),
    /// The participants.
    Roster(RosterTold),
    /// Audio routing groups: a list, or one.
    AudioRoutingGroups(Vec<AudioRoutingGroupTold>),
    /// Content sharing sessions: a list, or one.
    ContentSharing(Vec<ContentSharingTold>),
    /// Graph's error.
    Error,
    /// Something that no rule reads, by its type.
    Other(String),
}

impl Answered {
    /// For core.
    pub fn body(&self) -> Body<'_> {
        match self {
            Self::Call(told) => Body::Call(told.news),
            Self::Operation(told) => Body::Operation(told.news),
            Self::Roster(told) => Body::Roster(told.news()),
            Self::Nothing
            | Self::AudioRoutingGroups(_)
            | Self::ContentSharing(_)
            | Self::Error
            | Self::Other(_) => Body::None,
        }
    }
}

#[derive(Deserialize)]
struct ShapeJson {
    #[serde(rename = "@odata.type")]
    odata_type: Option<String>,
    #[serde(rename = "@odata.context")]
    context: Option<String>,
    error: Option<There>,
    value: Option<There>,
    state: Option<There>,
    status: Option<There>,
    #[serde(rename = "callbackUri")]
    callback_uri: Option<There>,
    #[serde(rename = "routingMode")]
    routing_mode: Option<There>,
}

#[derive(Deserialize)]
struct TypedJson {
    #[serde(rename = "@odata.type")]
    odata_type: Option<String>,
}

#[derive(Deserialize)]
struct ItemsJson<T> {
    #[serde(rename = "@odata.context")]
    _context: Option<There>,
    value: Vec<T>,
}

/// What a list may be of, as far as it says.
fn items<'a, T: Deserialize<'a>>(text: &'a str) -> Vec<T> {
    serde_json::from_str::<ItemsJson<T>>(text).map(|list| list.value).unwrap_or_default()
}

/// Reads the body of an answer, and names the members that nothing reads. An empty body is no error.
///
/// # Errors
/// [`WireError`]
pub fn read_answer(body: &[u8]) -> Result<(Answered, Vec<String>), WireError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok((Answered::Nothing, Vec::new()));
    }
    let text = utf8(body)?;
    let (shape, _) = read::<ShapeJson>(text, 1, "")?;
    let kind = shape.odata_type.as_deref().map(short_type);
    let is = |name: &str| kind.is_some_and(|kind| kind.eq_ignore_ascii_case(name));
    let is_operation = kind.is_some_and(|kind| kind.to_ascii_lowercase().ends_with("operation"));
    let context = shape.context.unwrap_or_default();
    if shape.error.is_some() {
        return Ok((Answered::Error, Vec::new()));
    }
    if is_operation || (kind.is_none() && shape.status.is_some()) {
        let (operation, ignored) = read::<OperationJson>(text, 1, "")?;
        let told = OperationTold { extra: extra(text, &ignored, &[]), ..operation.into_told(None) };
        return Ok((Answered::Operation(Box::new(told)), ignored));
    }
    if is("call")
        || (kind.is_none()
            && shape.value.is_none()
            && (shape.state.is_some() || shape.callback_uri.is_some()))
    {
        let (call, ignored) = read::<CallJson>(text, 1, "")?;
        let told = CallTold { extra: extra(text, &ignored, OF_A_CALL), ..call.into_told() };
        return Ok((Answered::Call(Box::new(told)), ignored));
    }
    if shape.value.is_some() {
        return read_list(text, &context.to_ascii_lowercase());
    }
    if is("audioRoutingGroup") || (kind.is_none() && shape.routing_mode.is_some()) {
        let (group, ignored) = read::<AudioRoutingGroupJson>(text, 1, "")?;
        return Ok((Answered::AudioRoutingGroups(vec![group.into_told()]), ignored));
    }
    if is("contentSharingSession") {
        let (session, ignored) = read::<ContentSharingJson>(text, 1, "")?;
        return Ok((Answered::ContentSharing(vec![session.into_told()]), ignored));
    }
    if is("participant") {
        let (participant, ignored) = read::<ParticipantJson>(text, 1, "")?;
        // One participant is no roster: nobody else may be taken for missing.
        let told = RosterTold::new(Extent::Part, [participant]).with_extras(Extra::of(
            text,
            &ignored,
            OF_A_PARTICIPANT,
        ));
        return Ok((Answered::Roster(told), ignored));
    }
    Ok((Answered::Other(kind.unwrap_or("(no type)").to_owned()), Vec::new()))
}

fn extra(text: &str, ignored: &[String], partly: &[&str]) -> Extra {
    Extra::of(text, ignored, partly).pop().unwrap_or_default()
}

/// Which collection it is, its context says, or else the type of its items.
fn read_list(text: &str, context: &str) -> Result<(Answered, Vec<String>), WireError> {
    let in_list = |ignored: Vec<String>| -> Vec<String> {
        ignored.into_iter().map(|name| name.trim_start_matches("value.").to_owned()).collect()
    };
    let typed = items::<TypedJson>(text);
    let is_roster = |item: &TypedJson| {
        item.odata_type.as_deref().is_some_and(|kind| short_type(kind).eq_ignore_ascii_case("participant"))
    };
    if context.contains("participant") || typed.iter().any(is_roster) {
        let (list, ignored) = read::<ItemsJson<ParticipantJson>>(text, 1, "")?;
        let ignored = in_list(ignored);
        let told = RosterTold::new(Extent::Full, list.value).with_extras(Extra::of_member(
            text,
            "value",
            &ignored,
            OF_A_PARTICIPANT,
        ));
        return Ok((Answered::Roster(told), ignored));
    }
    if context.contains("audioroutinggroup")
        || items::<AudioRoutingGroupJson>(text).iter().any(AudioRoutingGroupJson::is_one)
    {
        let (list, ignored) = read::<ItemsJson<AudioRoutingGroupJson>>(text, 1, "")?;
        let told = list.value.into_iter().map(AudioRoutingGroupJson::into_told).collect();
        return Ok((Answered::AudioRoutingGroups(told), in_list(ignored)));
    }
    if context.contains("contentsharingsession")
        || items::<ContentSharingJson>(text).iter().any(ContentSharingJson::is_one)
    {
        let (list, ignored) = read::<ItemsJson<ContentSharingJson>>(text, 1, "")?;
        let told = list.value.into_iter().map(ContentSharingJson::into_told).collect();
        return Ok((Answered::ContentSharing(told), in_list(ignored)));
    }
    Ok((Answered::Other("(a list)".to_owned()), Vec::new()))
}

#[cfg(test)]
mod tests {
    use callflow_core::command::RoutingMode;
    use callflow_core::operation::Status;
    use serde_json::json;

    use super::*;

    fn answered(body: &serde_json::Value) -> Answered {
        read_answer(body.to_string().as_bytes()).unwrap().0
    }

    #[test]
    fn a_created_call_with_its_unset_members_as_null() {
        let body = json!({
            "@odata.type": "#microsoft.graph.call", "state": "establishing", "direction": "outgoing", "id": "57dab8b1",
            "resultInfo": null, "mediaState": null, "chatInfo": null, "meetingInfo": null, "targets": [],
            "myParticipantId": "499ff390",
        });
        let Answered::Call(told) = answered(&body) else { panic!() };
        assert_eq!(told.id.as_deref(), Some("57dab8b1"));
        assert!(told.news.own_participant.is_some() && !told.news.coordinates.are_given());
    }

    #[test]
    fn operations_with_and_without_their_type() {
        let Answered::Operation(told) =
            answered(&json!({"id": "1", "status": "Running", "clientContext": "x"}))
        else {
            panic!()
        };
        assert_eq!(told.news.status, Status::Running);
        let body = json!({"@odata.type": "#microsoft.graph.subscribeToToneOperation", "status": "completed"});
        assert!(matches!(answered(&body), Answered::Operation(_)));
    }

    #[test]
    fn lists_an_error_and_nothing() {
        let body = json!({"value": [{"@odata.type": "#microsoft.graph.participant", "id": "1"}]});
        let Answered::Roster(told) = answered(&body) else { panic!() };
        assert_eq!(told.participants.len(), 1);
        let group =
            json!({"id": "oneToOne", "routingMode": "OneToOne", "sources": ["p"], "receivers": ["q"]});
        let told = vec![AudioRoutingGroupTold {
            id: Some("oneToOne".to_owned()),
            mode: Some(RoutingMode::OneToOne),
            sources: vec!["p".to_owned()],
            receivers: vec!["q".to_owned()],
        }];
        assert_eq!(answered(&group), Answered::AudioRoutingGroups(told.clone()));
        assert_eq!(answered(&json!({"value": [group]})), Answered::AudioRoutingGroups(told));
        let session = json!({
            "@odata.type": "#microsoft.graph.contentSharingSession", "id": "1", "presenterParticipantId": "p",
        });
        let told = ContentSharingTold { id: Some("1".to_owned()), presenter: Some("p".to_owned()) };
        assert_eq!(answered(&session), Answered::ContentSharing(vec![told.clone()]));
        assert_eq!(answered(&json!({"value": [session]})), Answered::ContentSharing(vec![told]));
        let list =
            json!({"@odata.context": "…#communications/calls('1')/contentSharingSessions", "value": []});
        assert_eq!(answered(&list), Answered::ContentSharing(Vec::new()));
        assert_eq!(answered(&json!({"value": [1]})), Answered::Other("(a list)".to_owned()));
        assert_eq!(answered(&json!({"error": {"code": "7504"}})), Answered::Error);
        assert_eq!(read_answer(b" \n").unwrap().0, Answered::Nothing);
        assert!(read_answer(b"<html>").is_err());
    }
}
