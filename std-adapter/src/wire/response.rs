//! Responses: what Graph answers to a request.

use callflow_core::report::Body;
use callflow_core::roster::Extent;
use serde::Deserialize;

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
    Operation(OperationTold),
    /// The participants.
    Roster(RosterTold),
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
            Self::Nothing | Self::Error | Self::Other(_) => Body::None,
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
}

#[derive(Deserialize)]
struct ListJson {
    #[serde(rename = "@odata.context")]
    _context: Option<There>,
    value: Vec<ParticipantJson>,
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
        return Ok((Answered::Operation(operation.into_told(None)), ignored));
    }
    if is("call")
        || (kind.is_none()
            && shape.value.is_none()
            && (shape.state.is_some() || shape.callback_uri.is_some()))
    {
        let (call, ignored) = read::<CallJson>(text, 1, "")?;
        return Ok((Answered::Call(Box::new(call.into_told())), ignored));
    }
    let is_participants = context.to_ascii_lowercase().contains("participant");
    if shape.value.is_some() && (is_participants || lists_participants(text)) {
        let (list, ignored) = read::<ListJson>(text, 1, "")?;
        let participants = list.value.into_iter().map(ParticipantJson::into_participant).collect();
        let ignored = ignored.into_iter().map(|name| name.trim_start_matches("value.").to_owned()).collect();
        return Ok((Answered::Roster(RosterTold { extent: Extent::Full, participants }), ignored));
    }
    if is("participant") {
        let (participant, ignored) = read::<ParticipantJson>(text, 1, "")?;
        let participants = vec![participant.into_participant()];
        // One participant is no roster: nobody else may be taken for missing.
        return Ok((Answered::Roster(RosterTold { extent: Extent::Part, participants }), ignored));
    }
    Ok((Answered::Other(kind.unwrap_or("(no type)").to_owned()), Vec::new()))
}

fn lists_participants(text: &str) -> bool {
    #[derive(Deserialize)]
    struct Item {
        #[serde(rename = "@odata.type")]
        odata_type: Option<String>,
    }
    #[derive(Deserialize)]
    struct Items {
        value: Vec<Item>,
    }
    let is_one = |item: &Item| item.odata_type.as_deref().map(short_type) == Some("participant");
    serde_json::from_str::<Items>(text).is_ok_and(|items| items.value.iter().any(is_one))
}

#[cfg(test)]
mod tests {
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
    fn a_list_of_participants_an_error_and_nothing() {
        let body = json!({"value": [{"@odata.type": "#microsoft.graph.participant", "id": "1"}]});
        let Answered::Roster(told) = answered(&body) else { panic!() };
        assert_eq!(told.participants.len(), 1);
        assert_eq!(answered(&json!({"error": {"code": "7504"}})), Answered::Error);
        assert_eq!(read_answer(b" \n").unwrap().0, Answered::Nothing);
        assert!(read_answer(b"<html>").is_err());
    }
}
