//! What each request of the calling API does, once it may be carried out.

use std::sync::Arc;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{LOCATION, USER_AGENT};
use serde_json::{Value, json};

use super::asked::{self, Hosting};
use super::call::Call;
use super::endpoint::OnCall;
use super::error::Error;
use super::permission::{JOIN, JOIN_AS_GUEST, MEDIA, MEDIA_OF_CHAT, require};
use super::placement::Placement;
use super::roster::Options;
use super::routes::Asked;

/// Requests of a call.
pub(super) fn on_call(endpoint: OnCall, call: &Arc<Call>, asked: &Asked<'_>) -> Result<Response, Error> {
    use OnCall as E;
    let body = &asked.body;
    let began = |status, operation| Ok(began(asked, call, status, operation));
    let (ok, accepted) = (StatusCode::OK, StatusCode::ACCEPTED);
    match endpoint {
        E::GetCall => Ok(Json(call.json()).into_response()),
        E::DeleteCall => call.delete().map(nothing),
        E::Answer => answer(call, asked),
        E::Reject => call.reject(asked::optional_callback_of(body)).map(taken),
        E::Redirect => call.redirect(body).map(taken),
        E::Transfer => call.transfer(body).map(taken),
        E::KeepAlive => call.keep_alive().map(IntoResponse::into_response),
        E::Mute => began(ok, call.mute(body, true)?),
        E::Unmute => began(ok, call.mute(body, false)?),
        E::ChangeScreenSharingRole => call.share_screen(body).map(taken),
        E::UpdateRecordingStatus => began(ok, call.set_recording_status(body)?),
        E::AddLargeGalleryView => began(accepted, call.add_large_gallery_view(body)?),
        E::StartRecording => began(ok, call.capture("startRecordingOperation", body)?),
        E::StopRecording => began(ok, call.capture("stopRecordingOperation", body)?),
        E::StartTranscription => began(ok, call.capture("startTranscriptionOperation", body)?),
        E::StopTranscription => began(ok, call.capture("stopTranscriptionOperation", body)?),
        E::ListParticipants => Ok(listed(&call.participants())),
        E::GetParticipant => call.participant(asked.id(0)).map(shown),
        // That the tenant's administrator allowed the app to remove participants is taken for granted.
        E::RemoveParticipant => call.remove(asked.id(0)).map(nothing),
        E::Invite => began(ok, call.invite(body)?),
        E::MuteParticipant => began(ok, call.mute_participant(asked.id(0), body)?),
        E::MuteAll => began(ok, call.mute_all(body)?),
        E::StartHoldMusic => began(accepted, call.start_hold_music(asked.id(0), body)?),
        E::StopHoldMusic => began(accepted, call.stop_hold_music(asked.id(0), body)?),
        E::ConfigureMixer => began(accepted, call.configure_mixer(body)?),
        E::AdmitAllFromLobby => call.admit_all().map(nothing),
        E::AdmitFromLobby => call.admit(asked.id(0)).map(nothing),
        E::RemoveFromLobby => call.turn_away(asked.id(0)).map(nothing),
        E::PlayPrompt => began(ok, call.play(body)?),
        E::RecordResponse => began(ok, call.record(body)?),
        E::CancelMediaProcessing => began(ok, call.cancel_media(body)?),
        E::SubscribeToTone => began(ok, call.subscribe_to_tone(body)?),
        E::SendDtmfTones => began(ok, call.send_dtmf(body)?),
        E::ListAudioRoutingGroups => Ok(listed(&call.groups())),
        // The documented answer is 200, not 201.
        E::CreateAudioRoutingGroup => call.add_group(body).map(shown),
        E::GetAudioRoutingGroup => call.audio_group(asked.id(0)).map(shown),
        E::UpdateAudioRoutingGroup => call.change_group(asked.id(0), body).map(shown),
        E::DeleteAudioRoutingGroup => call.remove_group(asked.id(0)).map(nothing),
        E::GetOperation => {
            call.operation(asked.id(0)).map(shown).ok_or_else(|| Error::not_found("Operation"))
        }
        E::ListContentSharingSessions => Ok(listed(&call.sessions())),
        E::GetContentSharingSession => call.session(asked.id(0)).map(shown),
    }
}

/// Source: Graph docs, call: create; Calls overview.
pub(super) fn create(asked: &Asked<'_>) -> Result<Response, Error> {
    let callback = asked::callback_of(&asked.body);
    let hosting = asked::hosting_of(&asked.body);
    let placement = Placement::of(asked)?;
    needs_media(asked, hosting)?;
    asked.world.meters.place(
        &asked.app.app_id,
        asked.world.config.throttling,
        asked.world.clock.now_millis(),
    )?;
    let call = Call::outgoing(asked.world, asked.app, placement, (hosting, callback));
    let location = address_of(asked, &call);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(call.json())).into_response())
}

/// Source: Graph docs, call: answer. A peer-to-peer call needs no permission.
fn answer(call: &Arc<Call>, asked: &Asked<'_>) -> Result<Response, Error> {
    if call.with(|inner| inner.is_group) {
        require(asked.app, &[JOIN, JOIN_AS_GUEST])?;
    }
    let callback = asked::callback_of(&asked.body);
    let hosting = asked::hosting_of(&asked.body);
    needs_media(asked, hosting)?;
    call.answer(callback, hosting)?;
    call.with(|inner| inner.options = Options::of(&asked.body));
    Ok(taken(()))
}

/// Source: Graph docs, call: create, answer.
fn needs_media(asked: &Asked<'_>, hosting: Hosting) -> Result<(), Error> {
    match hosting {
        Hosting::App => require(asked.app, &[MEDIA, MEDIA_OF_CHAT]),
        Hosting::Service => Ok(()),
    }
}

/// Source: Graph docs, call: logTeleconferenceDeviceQuality. It is of no call that is known here, and changes nothing.
pub(super) fn log_quality(asked: &Asked<'_>) -> Result<Response, Error> {
    let names_itself = |agent: &str| {
        agent.split_once('/').is_some_and(|(name, version)| !name.is_empty() && !version.is_empty())
    };
    let agent = asked.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
    if agent.is_some_and(names_itself) {
        Ok(StatusCode::OK.into_response())
    } else {
        Err(Error::bad_request("The header User-Agent is required, and is a name and a version: Name/1.0."))
    }
}

/// The answer to a request that began an operation.
fn began(asked: &Asked<'_>, call: &Call, status: StatusCode, operation: Value) -> Response {
    let id = operation.get("id").and_then(Value::as_str).unwrap_or_default();
    let location = format!("{}/operations/{id}", address_of(asked, call));
    (status, [(LOCATION, location)], Json(operation)).into_response()
}

fn address_of(asked: &Asked<'_>, call: &Call) -> String {
    let (base, version) = (asked.world.base(), asked.version.segment());
    format!("{base}/{version}/communications/calls/{}", call.id())
}

fn shown(resource: Value) -> Response {
    Json(resource).into_response()
}

fn listed(resources: &[Value]) -> Response {
    Json(json!({"value": resources})).into_response()
}

fn nothing((): ()) -> Response {
    StatusCode::NO_CONTENT.into_response()
}

fn taken((): ()) -> Response {
    StatusCode::ACCEPTED.into_response()
}
