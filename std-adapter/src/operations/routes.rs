//! The routes.

use axum::extract::{Path, Query, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use callflow_core::lifecycle::end::End;
use callflow_core::media::Mute;
use callflow_core::operation::{Operation, Phase};
use callflow_core::result::ResultInfo;
use callflow_core::roster::Hold;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{NotPlaced, Operations};
use crate::bot::PlaceError;
use crate::runtime::{Participating, View};
use crate::store::{CallName, StoreError};

pub(super) fn router(operations: Operations) -> Router {
    let keyed = Router::new()
        .route("/calls", get(list))
        .route("/calls/{call}", get(show))
        .route("/calls/{call}/hang-up", post(hang_up))
        .route("/outgoing", get(outgoing))
        .route("/outgoing/{name}", post(place))
        .route("/drain", post(drain))
        .route("/metrics", get(metrics))
        .layer(from_fn_with_state(operations.clone(), with_key));
    Router::new()
        .route("/live", get(async || Json(json!({"live": true}))))
        .route("/ready", get(ready))
        .merge(keyed)
        .with_state(operations)
}

fn error(status: StatusCode, code: &str, message: &str) -> Response {
    (status, Json(json!({"error": {"code": code, "message": message}}))).into_response()
}

fn of_store(fault: &StoreError) -> Response {
    tracing::error!(error = %fault, "the store fails");
    error(
        StatusCode::SERVICE_UNAVAILABLE,
        "storeUnavailable",
        "the store cannot be read now; try again later",
    )
}

/// What is told stays with whoever has the key.
async fn with_key(State(operations): State<Operations>, request: Request, next: Next) -> Response {
    let mut response = match has_key(&operations, request.headers()) {
        Ok(()) => next.run(request).await,
        Err((code, message)) => {
            let mut response = error(StatusCode::UNAUTHORIZED, code, message);
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            response
        }
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn has_key(operations: &Operations, headers: &HeaderMap) -> Result<(), (&'static str, &'static str)> {
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let key = given
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    match key {
        None => Err(("keyMissing", "send the key of operations as `Authorization: Bearer …`")),
        Some((_, key)) if operations.is_key(key.trim()) => Ok(()),
        Some(_) => Err(("keyWrong", "this is not the key of operations: look how the bot was given it")),
    }
}

async fn ready(State(operations): State<Operations>, headers: HeaderMap) -> Response {
    let bot = &operations.inner.bot;
    let is_draining = bot.is_draining();
    let store = bot.store_fault().borrow().as_ref().map(ToString::to_string);
    let keys = bot.check_keys().await.err().map(|fault| fault.to_string());
    let token = bot.check_credentials().await.err().map(|fault| fault.to_string());
    let is_ready = !is_draining && store.is_none() && keys.is_none() && token.is_none();
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    if has_key(&operations, &headers).is_err() {
        return (status, Json(json!({"ready": is_ready}))).into_response();
    }
    let [store, keys, token] = [store, keys, token].map(|fault| fault.unwrap_or_else(|| "ok".to_owned()));
    let body =
        json!({"ready": is_ready, "draining": is_draining, "store": store, "keys": keys, "token": token});
    (status, Json(body)).into_response()
}

#[derive(Deserialize)]
struct Which {
    #[serde(default)]
    all: bool,
}

async fn list(State(operations): State<Operations>, Query(Which { all }): Query<Which>) -> Response {
    let bot = &operations.inner.bot;
    let names = match bot.calls().await {
        Ok(names) => names,
        Err(fault) => return of_store(&fault),
    };
    let mut calls = Vec::new();
    for name in names {
        match bot.view(&name).await {
            Ok(Some(view)) if all || view.end.is_none() => calls.push(summary(&name, &view)),
            Ok(_) => {}
            Err(fault) => return of_store(&fault),
        }
    }
    Json(json!({"calls": calls})).into_response()
}

/// The call of this name, or of Graph's id.
async fn find(operations: &Operations, text: &str) -> Result<(CallName, View), Response> {
    let bot = &operations.inner.bot;
    let unknown = || error(StatusCode::NOT_FOUND, "callUnknown", "there is no such call, or not any more");
    let by_name = async {
        let name = CallName::try_new(text)?;
        Some((name.clone(), bot.view(&name).await.transpose()?))
    };
    if let Some((name, view)) = by_name.await {
        return Ok((name, view.map_err(|fault| of_store(&fault))?));
    }
    let name = bot.named(text).await.map_err(|fault| of_store(&fault))?;
    let view = bot.view(&name).await.map_err(|fault| of_store(&fault))?;
    Ok((name, view.ok_or_else(unknown)?))
}

async fn show(State(operations): State<Operations>, Path(call): Path<String>) -> Response {
    let (name, view) = match find(&operations, &call).await {
        Ok(found) => found,
        Err(response) => return response,
    };
    let mut body = summary(&name, &view);
    if let Value::Object(members) = &mut body {
        let participants: Vec<_> = view.participants.iter().map(participant).collect();
        let running: Vec<_> = view.operations.iter().map(operation).collect();
        members.insert("participants".to_owned(), participants.into());
        members.insert("unnamed_participants".to_owned(), view.unnamed.into());
        members.insert("operations".to_owned(), running.into());
        members.insert("recent".to_owned(), operations.inner.recent.call(&name).into());
    }
    Json(body).into_response()
}

async fn hang_up(State(operations): State<Operations>, Path(call): Path<String>) -> Response {
    let name = match find(&operations, &call).await {
        Ok((name, _)) => name,
        Err(response) => return response,
    };
    match operations.inner.bot.end(&name).await {
        Ok(()) => {
            (StatusCode::ACCEPTED, Json(json!({"call": name.as_str(), "ending": true}))).into_response()
        }
        Err(PlaceError::NoCall(_)) => {
            error(StatusCode::NOT_FOUND, "callUnknown", "there is no such call any more")
        }
        Err(fault) => error(StatusCode::CONFLICT, "refused", &fault.to_string()),
    }
}

async fn outgoing(State(operations): State<Operations>) -> Response {
    let names = operations.placing.map(|placing| placing.names()).unwrap_or_default();
    Json(json!({"outgoing": names})).into_response()
}

async fn place(State(operations): State<Operations>, Path(name): Path<String>) -> Response {
    let placed = match &operations.placing {
        Some(placing) => placing.place(&name).await,
        None => Err(NotPlaced::Unknown { name, among: Vec::new() }),
    };
    match placed {
        Ok(call) => (StatusCode::ACCEPTED, Json(json!({"call": call.as_str()}))).into_response(),
        Err(NotPlaced::Place(PlaceError::Store(fault))) => of_store(&fault),
        Err(fault) => {
            let (status, code) = match fault {
                NotPlaced::Unknown { .. } => (StatusCode::NOT_FOUND, "outgoingUnknown"),
                NotPlaced::Permission { .. } => (StatusCode::FORBIDDEN, "permissionMissing"),
                NotPlaced::Place(_) | NotPlaced::State(_) => (StatusCode::CONFLICT, "refused"),
            };
            error(status, code, &fault.to_string())
        }
    }
}

async fn metrics(State(operations): State<Operations>) -> Response {
    ([(CONTENT_TYPE, crate::metrics::CONTENT)], operations.inner.bot.metrics()).into_response()
}

async fn drain(State(operations): State<Operations>) -> Response {
    operations.drain();
    (StatusCode::ACCEPTED, Json(json!({"draining": true}))).into_response()
}

fn summary(name: &CallName, view: &View) -> Value {
    let classification = view.classification;
    json!({
        "name": name.as_str(),
        "id": view.id,
        "direction": view.direction.name(),
        "state": view.state.name(),
        "kind": classification.kind().name(),
        "reason": classification.reason().name(),
        "hosting": classification.hosting().name(),
        "ever_established": view.ever_established,
        "ended": view.end.map(ended),
    })
}

fn ended(end: End) -> Value {
    let result = end.result;
    json!({
        "how": end.how.name(),
        "by": end.by.name(),
        "code": result.map(|result| result.code),
        "subcode": result.map(|result| result.subcode),
        "text": result.and_then(ResultInfo::meaning),
    })
}

fn participant(participating: &Participating) -> Value {
    let Participating { named, member } = participating;
    let party = named.as_ref().and_then(|named| named.party.as_ref());
    // A phone's id is its number.
    let party_id = party.filter(|party| party.kind != "phone").and_then(|party| party.id.as_deref());
    json!({
        "id": named.as_ref().map(|named| named.id.as_str()),
        "kind": party.map(|party| party.kind.as_str()),
        "party_id": party_id,
        "presence": member.presence().name(),
        "muted": member.mute().map(|mute| mute == Mute::On),
        "on_hold": member.hold().map(|hold| hold == Hold::On),
    })
}

fn operation(operation: &Operation) -> Value {
    let phase = match operation.phase() {
        Phase::Held => "held",
        Phase::Asked => "asked",
        Phase::Running => "running",
        Phase::Unknown => "unknown",
        Phase::Ended(outcome) => outcome.name(),
    };
    json!({
        "ticket": operation.ticket().number(),
        "action": operation.action().name(),
        "phase": phase,
    })
}
