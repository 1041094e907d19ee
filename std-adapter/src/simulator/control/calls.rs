//! Calls: those that there are, and what people do in them.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;

use super::super::Registration;
use super::super::call::{self, Stage};
use super::super::person::{self, Person};
use super::super::placement::Reason;
use super::super::prompt;
use super::super::recording::Speech;
use super::super::ringing::Decision;
use super::super::service::Served;
use super::super::step::Step;
use super::deed::Deed;
use super::error::Refusal;
use super::view::CallState;

/// The calls, those that ended included, the newest last
#[utoipa::path(get, path = "/sim/v1/calls", responses((status = 200, body = [CallState])))]
pub(super) async fn list(State(world): State<Served>) -> Json<Vec<CallState>> {
    let mut calls = world.all_calls();
    calls.sort_by_key(|call| call.began_at());
    Json(calls.iter().map(|call| CallState::of(&world, call)).collect())
}

/// A call
#[utoipa::path(get, path = "/sim/v1/calls/{call}",
    responses((status = 200, body = CallState), (status = 404, body = Refusal)))]
pub(super) async fn show(
    State(world): State<Served>,
    Path(id): Path<String>,
) -> Result<Json<CallState>, Refusal> {
    let call = found(&world, &id)?;
    Ok(Json(CallState::of(&world, &call)))
}

/// Who calls which bot.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NewCall {
    /// The person who calls, by his id.
    from: String,
    /// The app that is called, by its id; the only one where it is left out.
    #[serde(default)]
    to: Option<String>,
    /// What the person does then.
    #[serde(default)]
    #[schema(value_type = Vec<String>, example = json!(["await prompt end", "press 1"]))]
    then: Vec<Step>,
    /// Whether a policy calls the bot to record him.
    #[serde(default)]
    recording: bool,
}

/// Lets a person call a bot
#[utoipa::path(post, path = "/sim/v1/calls", request_body = NewCall,
    responses((status = 201, body = CallState), (status = 404, body = Refusal)))]
pub(super) async fn start(
    State(world): State<Served>,
    asked: Result<Json<NewCall>, JsonRejection>,
) -> Result<(StatusCode, Json<CallState>), Refusal> {
    let Json(NewCall { from, to, then, recording }) = asked?;
    let person = found_person(&world, &from)?;
    let app = match to {
        Some(id) => world.app(&id).ok_or_else(|| Refusal::not_found(format!("there is no app {id}"))),
        None => only_app(&world),
    }?;
    let reason = if recording { Reason::Recording } else { Reason::Plain };
    let id = call::Call::incoming(&world, &app, &person, then, &reason)
        .map_err(|error| Refusal::bad(error.to_string()))?;
    Ok((StatusCode::CREATED, Json(CallState::of(&world, &*found(&world, &id)?))))
}

fn only_app(world: &Served) -> Result<Registration, Refusal> {
    match world.apps().as_slice() {
        [app] => Ok(app.clone()),
        _ => Err(Refusal::bad("`to` says which app is called, where there is not exactly one")),
    }
}

/// What a person does.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Act {
    /// `pick up`, `decline`, `join`, `press 1`, `speak 3s`, `mute`, `unmute`, `share`, `stop sharing`, `remove bot`,
    /// `end call` or `hang up`.
    #[schema(value_type = String, example = "press 1")]
    does: Deed,
}

/// Lets a person do something in a call
#[utoipa::path(post, path = "/sim/v1/calls/{call}/people/{person}", request_body = Act,
    responses((status = 200, body = CallState), (status = 404, body = Refusal), (status = 409, body = Refusal)))]
pub(super) async fn act(
    State(world): State<Served>,
    Path((id, person_id)): Path<(String, String)>,
    asked: Result<Json<Act>, JsonRejection>,
) -> Result<Json<CallState>, Refusal> {
    let Json(Act { does }) = asked?;
    let (call, person) = (found(&world, &id)?, found_person(&world, &person_id)?);
    match does {
        Deed::PickUp => decide(&world, &call, &person, Decision::PickUp)?,
        Deed::Decline => decide(&world, &call, &person, Decision::Decline)?,
        Deed::Join => call.add_by_others(&person).map_err(Refusal::conflict)?,
        // Who rings or waits can go as well.
        Deed::Step(Step::HangUp) => {
            let is_there = call.people().iter().any(|(id, is)| *id == person.id && *is != "left");
            if !is_there || !call.hang_up_by(&person) {
                return Err(Refusal::conflict(format!("{} is not in the call", person.display_name)));
            }
        }
        Deed::Step(step) => {
            may_act(&call, &person)?;
            let (call, person) = (Arc::clone(&call), person.clone());
            // Speaking takes its time; the answer does not wait for it.
            world.spawn(async move {
                person::perform(&call, &person, &step).await;
            });
            tokio::task::yield_now().await;
        }
    }
    Ok(Json(CallState::of(&world, &call)))
}

/// Lets a person say what a WAV file has: 16 kHz, 16 bits, mono, 2 minutes at most
#[utoipa::path(post, path = "/sim/v1/calls/{call}/people/{person}/speech",
    request_body(content = [u8], content_type = "audio/wav"),
    responses((status = 200, body = CallState), (status = 400, body = Refusal), (status = 409, body = Refusal)))]
pub(super) async fn speak(
    State(world): State<Served>,
    Path((id, person_id)): Path<(String, String)>,
    wav: Bytes,
) -> Result<Json<CallState>, Refusal> {
    let (call, person) = (found(&world, &id)?, found_person(&world, &person_id)?);
    let samples =
        prompt::samples_of(&wav).map_err(|why| Refusal::bad(format!("the sound is not taken: {why}")))?;
    may_act(&call, &person)?;
    let speaking = Arc::clone(&call);
    world.spawn(async move { speaking.speak(&person.display_name, Speech::Samples(samples)).await });
    tokio::task::yield_now().await;
    Ok(Json(CallState::of(&world, &call)))
}

/// A prompt that somebody heard
#[utoipa::path(get, path = "/sim/v1/sounds/{name}",
    responses((status = 200, content_type = "audio/wav", body = [u8]), (status = 404, body = Refusal)))]
pub(super) async fn sound(
    State(world): State<Served>,
    Path(name): Path<String>,
) -> Result<impl axum::response::IntoResponse, Refusal> {
    let wav =
        world.sounds.get(&name).ok_or_else(|| Refusal::not_found("there is no such sound, or no longer"))?;
    Ok(([(http::header::CONTENT_TYPE, "audio/wav")], wav))
}

/// Refuses what only somebody does who is in an established call.
fn may_act(call: &call::Call, person: &Person) -> Result<(), Refusal> {
    if call.stage() != Stage::Established {
        Err(Refusal::conflict("the call is not established"))
    } else if call.has_in_it(&person.id) {
        Ok(())
    } else {
        Err(Refusal::conflict(format!("{} is not in the call", person.display_name)))
    }
}

fn decide(world: &Served, call: &call::Call, person: &Person, decision: Decision) -> Result<(), Refusal> {
    if world.ringing.decide(call.id(), &person.id, decision) {
        Ok(())
    } else {
        Err(Refusal::conflict(format!(
            "the phone of {} does not ring for somebody to decide; `when_rung` has to be `ask`",
            person.display_name
        )))
    }
}

fn found(world: &Served, id: &str) -> Result<Arc<call::Call>, Refusal> {
    world.call(id).ok_or_else(|| Refusal::not_found(format!("there is no call {id}")))
}

fn found_person(world: &Served, id: &str) -> Result<Person, Refusal> {
    world.person(id).ok_or_else(|| Refusal::not_found(format!("there is no person {id}; add him first")))
}
