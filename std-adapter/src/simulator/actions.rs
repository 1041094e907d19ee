//! The calling API: which request asks for what, and which permission it needs.
//!
//! A request is checked in this order: the call, the permission, the body, the kind and state of the call. Source: Graph
//! docs, the page of each operation; the order is assumed.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use bytes::Bytes;
use http::StatusCode;
use http::header::LOCATION;
use serde_json::{Value, json};

use super::asked::{self, Hosting, member};
use super::call::Call;
use super::error::Error;
use super::placement::Placement;
use super::service::{Caller, Served};
use super::{Registration, World};

const INITIATE: &str = "Calls.Initiate.All";
const INITIATE_GROUP: &str = "Calls.InitiateGroupCall.All";
const JOIN: &str = "Calls.JoinGroupCall.All";
const JOIN_AS_GUEST: &str = "Calls.JoinGroupCallAsGuest.All";
const MEDIA: &str = "Calls.AccessMedia.All";

pub(super) fn router() -> Router<Served> {
    Router::new()
        .route("/", post(create))
        .route("/{id}", get(get_call).delete(delete))
        .route("/{id}/{action}", post(act))
        .route("/{id}/operations/{operation}", get(get_operation))
        .route("/{id}/participants", get(list_participants))
        .route(
            "/{id}/participants/{participant}",
            get(get_participant).delete(remove_participant).post(act_on_participants),
        )
        .route("/{id}/participants/{participant}/{action}", post(act_on_participant))
        .route("/{id}/audioRoutingGroups", get(list_groups).post(create_group))
        .route("/{id}/audioRoutingGroups/{group}", get(get_group).patch(change_group).delete(delete_group))
        .route("/{id}/contentSharingSessions", get(list_sharing))
        .route("/{id}/contentSharingSessions/{session}", get(get_sharing))
}

/// Source: Graph docs, call: create; Calls overview.
async fn create(
    State(world): State<Served>,
    Extension(Caller(app)): Extension<Caller>,
    body: Bytes,
) -> Result<Response, Error> {
    let body = asked::read(&body)?;
    let callback = asked::callback_of(&body)?;
    let hosting = asked::hosting_of(&body)?;
    let placement = placement(&world, &app, &body)?;
    if hosting == Hosting::App {
        require(&app, &[MEDIA])?;
    }
    let call = Call::outgoing(&world, &app, placement, hosting, callback);
    let location = format!("{}/v1.0/communications/calls/{}", world.base(), call.id());
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(call.json())).into_response())
}

fn placement(world: &World, app: &Registration, body: &Value) -> Result<Placement, Error> {
    let targets = asked::items(body, "targets")?;
    let has_coordinates = member(body, "chatInfo").is_some() || member(body, "meetingInfo").is_some();
    let user = |target: &Value| {
        let person = world.person(asked::user_of(target));
        person.ok_or_else(|| Error::bad_request("A target is no user of this tenant."))
    };
    match targets {
        [] if has_coordinates => meeting(world, app, body),
        _ if has_coordinates => Err(Error::not_simulated("Joining a meeting with targets")),
        [] => Err(Error::bad_request("targets is required.")),
        [target] => {
            require(app, &[INITIATE])?;
            user(target).map(Placement::Peer)
        }
        several => {
            require(app, &[INITIATE_GROUP])?;
            if several.len() > 5 {
                return Err(Error::bad_request("A new group call has 5 targets at most."));
            }
            several.iter().map(user).collect::<Result<_, _>>().map(Placement::Group)
        }
    }
}

/// A meeting is known by its organizer; there are none of other kinds here.
fn meeting(world: &World, app: &Registration, body: &Value) -> Result<Placement, Error> {
    if body.pointer("/source/identity/guest").is_some_and(|guest| !guest.is_null()) {
        return Err(Error::not_simulated("Joining as a guest"));
    }
    require(app, &[JOIN])?;
    let meeting_info =
        member(body, "meetingInfo").ok_or_else(|| Error::bad_request("meetingInfo is required."))?;
    if !asked::is_of_type(meeting_info, "organizerMeetingInfo") {
        return Err(Error::not_simulated("A meeting that is not named by its organizer"));
    }
    let chat_info = member(body, "chatInfo").ok_or_else(|| Error::bad_request("chatInfo is required."))?;
    if ["threadId", "messageId"].iter().any(|name| !chat_info.get(*name).is_some_and(Value::is_string)) {
        return Err(Error::bad_request("chatInfo has a threadId and a messageId."));
    }
    let organizer = meeting_info.pointer("/organizer/user/id").and_then(Value::as_str).unwrap_or_default();
    let organizer = world
        .person(organizer)
        .ok_or_else(|| Error::bad_request("The organizer is no user of this tenant."))?;
    Ok(Placement::Meeting { organizer, chat_info: chat_info.clone(), meeting_info: meeting_info.clone() })
}

async fn get_call(
    State(world): State<Served>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Error> {
    Ok(Json(live(&world, &caller, &id)?.json()))
}

async fn delete(
    State(world): State<Served>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<StatusCode, Error> {
    live(&world, &caller, &id)?.delete()?;
    Ok(StatusCode::NO_CONTENT)
}

async fn get_operation(
    State(world): State<Served>,
    Extension(caller): Extension<Caller>,
    Path((id, operation)): Path<(String, String)>,
) -> Result<Json<Value>, Error> {
    let call = live(&world, &caller, &id)?;
    call.operation(&operation).map(Json).ok_or_else(|| Error::new(404, "NotFound", "Operation not found."))
}

async fn act(
    State(world): State<Served>,
    Extension(caller): Extension<Caller>,
    Path((id, action)): Path<(String, String)>,
    body: Bytes,
) -> Result<Response, Error> {
    let call = live(&world, &caller, &id)?;
    let Caller(app) = &caller;
    let began = |status, operation| Ok(began(&world, &call, status, operation));
    match unqualified(&action) {
        "answer" => answer(&call, app, &asked::read(&body)?),
        "reject" => {
            let body = asked::read(&body)?;
            asked::one_of(body.get("reason"), &["none", "busy", "forbidden"])?;
            call.reject(asked::optional_callback_of(&body)?)?;
            Ok(StatusCode::ACCEPTED.into_response())
        }
        "redirect" => {
            require(app, &[INITIATE])?;
            call.redirect(&asked::read(&body)?)?;
            Ok(StatusCode::ACCEPTED.into_response())
        }
        "transfer" => {
            require(app, &[INITIATE])?;
            call.transfer(&asked::read(&body)?)?;
            Ok(StatusCode::ACCEPTED.into_response())
        }
        "keepAlive" => {
            call.keep_alive()?;
            Ok(StatusCode::OK.into_response())
        }
        "mute" => began(StatusCode::OK, call.mute(&asked::read_optional(&body)?, true)?),
        "unmute" => began(StatusCode::OK, call.mute(&asked::read_optional(&body)?, false)?),
        "playPrompt" => began(StatusCode::OK, call.play(&asked::read(&body)?)?),
        "cancelMediaProcessing" => began(StatusCode::OK, call.cancel_media(&asked::read_optional(&body)?)?),
        "recordResponse" => {
            require(app, &[MEDIA])?;
            began(StatusCode::OK, call.record(&asked::read(&body)?)?)
        }
        "subscribeToTone" => {
            require(app, &[MEDIA])?;
            began(StatusCode::OK, call.subscribe_to_tone(&asked::read_optional(&body)?)?)
        }
        "sendDtmfTones" => {
            require(app, &[MEDIA])?;
            began(StatusCode::OK, call.send_dtmf(&asked::read(&body)?)?)
        }
        "changeScreenSharingRole" => {
            require(app, &[MEDIA])?;
            call.share_screen(&asked::read(&body)?)?;
            Ok(StatusCode::ACCEPTED.into_response())
        }
        "updateRecordingStatus" => {
            // The page lists both and does not say whether one is enough.
            require(app, &[MEDIA, JOIN])?;
            began(StatusCode::OK, call.set_recording_status(&asked::read(&body)?)?)
        }
        "addLargeGalleryView" => {
            require(app, &[JOIN_AS_GUEST, JOIN, INITIATE_GROUP])?;
            began(StatusCode::ACCEPTED, call.add_large_gallery_view(&asked::read_optional(&body)?)?)
        }
        other => Err(Error::not_simulated(other)),
    }
}

/// Source: Graph docs, call: answer. A peer-to-peer call needs no permission.
fn answer(call: &Arc<Call>, app: &Registration, body: &Value) -> Result<Response, Error> {
    if call.with(|inner| inner.is_group) {
        require(app, &[JOIN, JOIN_AS_GUEST])?;
    }
    let callback = asked::callback_of(body)?;
    let hosting = asked::hosting_of(body)?;
    if hosting == Hosting::App {
        require(app, &[MEDIA])?;
    }
    call.answer(callback, hosting)?;
    Ok(StatusCode::ACCEPTED.into_response())
}

async fn list_participants(
    State(world): State<Served>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Error> {
    Ok(Json(json!({"value": live(&world, &caller, &id)?.participants()})))
}

async fn get_participant(
    State(world): State<Served>,
    Extension(caller): Extension<Caller>,
    Path((id, participant)): Path<(String, String)>,
) -> Result<Json<Value>, Error> {
    let call = live(&world, &caller, &id)?;
    require(&caller.0, &[JOIN, JOIN_AS_GUEST])?;
    call.participant(&participant).map(Json)
}

/// That the tenant's administrator allowed the app to remove participants is taken for granted.
async fn remove_participant(
    State(world): State<Served>,
    Extension(caller): Extension<Caller>,
    Path((id, participant)): Path<(String, String)>,
) -> Result<StatusCode, Error> {
    let call = live(&world, &caller, &id)?;
    require(&caller.0, &[JOIN, JOIN_AS_GUEST])?;
    call.remove(&participant)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn act_on_participants(
    State(world): State<Served>,
    Extension(caller): Extension<Caller>,
    Path((id, action)): Path<(String, String)>,
    body: Bytes,
) -> Result<Response, Error> {
    let call = live(&world, &caller, &id)?;
    match unqualified(&action) {
        "invite" => {
            require(&caller.0, &[INITIATE_GROUP])?;
            Ok(began(&world, &call, StatusCode::OK, call.invite(&asked::read(&body)?)?))
        }
        other => Err(Error::not_simulated(other)),
    }
}

async fn act_on_participant(
    State(world): State<Served>,
    Extension(caller): Extension<Caller>,
    Path((id, participant, action)): Path<(String, String, String)>,
    body: Bytes,
) -> Result<Response, Error> {
    let call = live(&world, &caller, &id)?;
    require(&caller.0, &[JOIN_AS_GUEST, JOIN])?;
    let body = asked::read_optional(&body)?;
    let (status, operation) = match unqualified(&action) {
        "mute" => (StatusCode::OK, call.mute_participant(&participant, &body)?),
        "startHoldMusic" => (StatusCode::ACCEPTED, call.start_hold_music(&participant, &body)?),
        "stopHoldMusic" => (StatusCode::ACCEPTED, call.stop_hold_music(&participant, &body)?),
        other => return Err(Error::not_simulated(other)),
    };
    Ok(began(&world, &call, status, operation))
}

async fn list_groups(
    State(world): State<Served>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Error> {
    let call = live(&world, &caller, &id)?;
    require(&caller.0, &[JOIN, INITIATE_GROUP])?;
    Ok(Json(json!({"value": call.groups()})))
}

/// Source: Graph docs, call: create audioRoutingGroup. The answer is 200.
async fn create_group(
    State(world): State<Served>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, Error> {
    let call = live(&world, &caller, &id)?;
    require(&caller.0, &[JOIN, INITIATE_GROUP])?;
    call.add_group(&asked::read(&body)?).map(Json)
}

async fn get_group(
    State(world): State<Served>,
    Extension(caller): Extension<Caller>,
    Path((id, group)): Path<(String, String)>,
) -> Result<Json<Value>, Error> {
    let call = live(&world, &caller, &id)?;
    require(&caller.0, &[JOIN, INITIATE_GROUP])?;
    call.audio_group(&group).map(Json)
}

async fn change_group(
    State(world): State<Served>,
    Extension(caller): Extension<Caller>,
    Path((id, group)): Path<(String, String)>,
    body: Bytes,
) -> Result<Json<Value>, Error> {
    let call = live(&world, &caller, &id)?;
    require(&caller.0, &[JOIN, INITIATE_GROUP])?;
    call.change_group(&group, &asked::read(&body)?).map(Json)
}

async fn delete_group(
    State(world): State<Served>,
    Extension(caller): Extension<Caller>,
    Path((id, group)): Path<(String, String)>,
) -> Result<StatusCode, Error> {
    let call = live(&world, &caller, &id)?;
    require(&caller.0, &[JOIN, INITIATE_GROUP])?;
    call.remove_group(&group)?;
    Ok(StatusCode::NO_CONTENT)
}

/// People share nothing here, so there is no session.
async fn list_sharing(
    State(world): State<Served>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Error> {
    live(&world, &caller, &id)?;
    require(&caller.0, &[JOIN_AS_GUEST, JOIN, INITIATE, INITIATE_GROUP])?;
    Ok(Json(json!({"value": []})))
}

async fn get_sharing(
    State(world): State<Served>,
    Extension(caller): Extension<Caller>,
    Path((id, _)): Path<(String, String)>,
) -> Result<Json<Value>, Error> {
    live(&world, &caller, &id)?;
    require(&caller.0, &[JOIN_AS_GUEST, JOIN, INITIATE, INITIATE_GROUP])?;
    Err(Error::new(404, "NotFound", "Content sharing session not found."))
}

/// The answer to a request that began an operation.
fn began(world: &World, call: &Call, status: StatusCode, operation: Value) -> Response {
    let id = operation.get("id").and_then(Value::as_str).unwrap_or_default();
    let location = format!("{}/v1.0/communications/calls/{}/operations/{id}", world.base(), call.id());
    (status, [(LOCATION, location)], Json(operation)).into_response()
}

/// An action without its namespace, which may stand before it.
fn unqualified(action: &str) -> &str {
    action.strip_prefix("microsoft.graph.").unwrap_or(action)
}

/// The call of this id, which has to be the caller's and not ended.
fn live(world: &World, Caller(app): &Caller, id: &str) -> Result<Arc<Call>, Error> {
    let call = world.call(id).filter(|call| call.app_id() == app.app_id).ok_or_else(Error::call_not_found)?;
    if call.view().state == "terminated" { Err(Error::call_not_found()) } else { Ok(call) }
}

/// Refuses an app that has none of `permissions`.
fn require(app: &Registration, permissions: &[&str]) -> Result<(), Error> {
    let is_granted = permissions
        .iter()
        .any(|permission| app.permissions.iter().any(|granted| granted.eq_ignore_ascii_case(permission)));
    if is_granted { Ok(()) } else { Err(Error::permission(permissions)) }
}
