//! What the service serves: tokens, keys, and the calling API.
//!
//! Source: Graph docs, the pages of the operations named below; Microsoft identity platform, client credentials flow.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use axum::extract::{Path, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Form, Json, Router};
use bytes::Bytes;
use http::header::{AUTHORIZATION, LOCATION};
use http::{StatusCode, Uri};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::call::Call;
use super::error::Error;
use super::tokens::{ISSUER, TOKEN_LIFE};
use super::{Registration, What, World};

type Served = Arc<World>;

/// The app whose token a request carries.
#[derive(Clone)]
struct Caller(Registration);

pub(super) fn router(world: Served) -> Router {
    let api = Router::new()
        .route("/communications/calls", post(create))
        .route("/communications/calls/{id}", get(get_call).delete(delete))
        .route("/communications/calls/{id}/participants", get(list_participants))
        .route("/communications/calls/{id}/operations/{operation}", get(get_operation))
        .route("/communications/calls/{id}/{action}", post(act))
        .fallback(async |uri: Uri| Error::not_simulated(uri.path()))
        .layer(from_fn_with_state(Arc::clone(&world), authenticate));
    Router::new()
        .route("/{tenant}/oauth2/v2.0/token", post(issue_token))
        .route("/v1/.well-known/OpenIdConfiguration", get(openid))
        // Other libraries for bots write it so.
        .route("/v1/.well-known/openidconfiguration", get(openid))
        .route("/v1/.well-known/keys", get(keys))
        .nest("/v1.0", api)
        .with_state(world)
}

async fn issue_token(
    State(world): State<Served>,
    Path(tenant): Path<String>,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let of = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let refuse = |status, error: &str, description: &str| {
        (status, Json(json!({"error": error, "error_description": description}))).into_response()
    };
    if of("grant_type") != "client_credentials" {
        return refuse(
            StatusCode::BAD_REQUEST,
            "unsupported_grant_type",
            "AADSTS70003: The app requested an unsupported grant type.",
        );
    }
    if !of("scope").ends_with("/.default") {
        return refuse(
            StatusCode::BAD_REQUEST,
            "invalid_scope",
            "AADSTS1002012: The provided value for scope is not valid.",
        );
    }
    let Some(app) = world.app(of("client_id")).filter(|app| app.tenant_id == tenant) else {
        let words = "AADSTS700016: Application was not found in the directory.";
        return refuse(StatusCode::BAD_REQUEST, "unauthorized_client", words);
    };
    if app.client_secret.expose_secret() != of("client_secret") {
        return refuse(
            StatusCode::UNAUTHORIZED,
            "invalid_client",
            "AADSTS7000215: Invalid client secret provided.",
        );
    }
    match world.keys.for_graph(&app, world.clock.now_seconds()) {
        Some(token) => Json(json!({"token_type": "Bearer", "expires_in": TOKEN_LIFE, "access_token": token}))
            .into_response(),
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn openid(State(world): State<Served>) -> Json<Value> {
    let base = world.config.base.trim_end_matches('/');
    Json(json!({
        "issuer": ISSUER,
        "jwks_uri": format!("{base}/v1/.well-known/keys"),
        "id_token_signing_alg_values_supported": ["RS256"],
    }))
}

async fn keys(State(world): State<Served>) -> Json<Value> {
    Json(world.keys.published().clone())
}

/// Checks the token, refuses what a test asked to be refused, and tells the watchers.
async fn authenticate(State(world): State<Served>, mut request: Request, next: Next) -> Response {
    let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
    let refusal = {
        let mut refusals = world.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        let place = refusals.iter().position(|(suffix, _)| path.ends_with(suffix.as_str()));
        place.map(|place| refusals.remove(place).1)
    };
    let token = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    let caller = token
        .and_then(|token| world.keys.app_of(token, world.clock.now_seconds()))
        .and_then(|app_id| world.app(&app_id));
    let response = match (refusal, caller) {
        (Some(status), _) => Error::new(status, "Refused", "Refused as asked.").into_response(),
        (None, None) => {
            Error::unauthorized("The token is missing, expired or not for Graph.").into_response()
        }
        (None, Some(app)) => {
            request.extensions_mut().insert(Caller(app));
            next.run(request).await
        }
    };
    let status = response.status().as_u16();
    let call = path.split('/').nth(3).map(str::to_owned);
    world.observe(call.as_deref(), What::Request { method, path, status });
    response
}

/// Source: Graph docs, call: create.
async fn create(
    State(world): State<Served>,
    Extension(Caller(app)): Extension<Caller>,
    body: Bytes,
) -> Result<Response, Error> {
    let body = read(&body)?;
    let callback = callback_of(&body)?;
    if body.get("mediaConfig").is_none_or(Value::is_null) {
        return Err(Error::bad_request("mediaConfig is required."));
    }
    if ["chatInfo", "meetingInfo"].iter().any(|name| body.get(name).is_some_and(|value| !value.is_null())) {
        return Err(Error::not_simulated("Joining a meeting"));
    }
    let targets = body.get("targets").and_then(Value::as_array).cloned().unwrap_or_default();
    let [target] = targets.as_slice() else {
        return Err(if targets.is_empty() {
            Error::bad_request("targets is required.")
        } else {
            Error::not_simulated("A new group call")
        });
    };
    // Source: Graph docs, Calls overview.
    require(&app, &["Calls.Initiate.All"])?;
    let user = target.pointer("/identity/user/id").and_then(Value::as_str).unwrap_or_default();
    let person =
        world.person(user).ok_or_else(|| Error::bad_request("The target is no user of this tenant."))?;
    let call = Call::outgoing(&world, &app, &person, callback);
    let base = world.config.base.trim_end_matches('/');
    let location = format!("{base}/v1.0/communications/calls/{}", call.id());
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(call.json())).into_response())
}

async fn get_call(
    State(world): State<Served>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Error> {
    let call = live(&world, &caller, &id)?;
    Ok(Json(call.json()))
}

async fn delete(
    State(world): State<Served>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<StatusCode, Error> {
    live(&world, &caller, &id)?.delete()?;
    Ok(StatusCode::NO_CONTENT)
}

/// Source: field report: a peer-to-peer call has an empty list.
async fn list_participants(
    State(world): State<Served>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Error> {
    live(&world, &caller, &id)?;
    Ok(Json(json!({"value": []})))
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
    let location = |operation: &Value| {
        let base = world.config.base.trim_end_matches('/');
        let operation = operation.get("id").and_then(Value::as_str).unwrap_or_default();
        [(LOCATION, format!("{base}/v1.0/communications/calls/{}/operations/{operation}", call.id()))]
    };
    let action = action.rsplit('.').next().unwrap_or_default();
    match action {
        "answer" => {
            let body = read(&body)?;
            let callback = callback_of(&body)?;
            let media = body.pointer("/mediaConfig/@odata.type").and_then(Value::as_str).unwrap_or_default();
            if media.ends_with("appHostedMediaConfig") {
                return Err(Error::not_simulated("App-hosted media"));
            }
            if !media.ends_with("serviceHostedMediaConfig") {
                return Err(Error::bad_request("mediaConfig is required."));
            }
            call.answer(callback)?;
            Ok(StatusCode::ACCEPTED.into_response())
        }
        "reject" => {
            let body = read(&body)?;
            let reason = body.get("reason").and_then(Value::as_str).unwrap_or_default();
            if !["none", "busy", "forbidden"].iter().any(|known| known.eq_ignore_ascii_case(reason)) {
                return Err(Error::bad_request("reason is none, busy or forbidden."));
            }
            call.reject()?;
            Ok(StatusCode::ACCEPTED.into_response())
        }
        "keepAlive" => {
            call.keep_alive()?;
            Ok(StatusCode::OK.into_response())
        }
        "playPrompt" => {
            let body = read(&body)?;
            let prompts = body.get("prompts").cloned().unwrap_or_default();
            let operation = call.play(prompts, context_of(&body)?)?;
            Ok((location(&operation), Json(operation)).into_response())
        }
        "subscribeToTone" => {
            require(app, &["Calls.AccessMedia.All"])?;
            let operation = call.subscribe_to_tone(context_of(&read(&body)?)?)?;
            Ok((location(&operation), Json(operation)).into_response())
        }
        other => Err(Error::not_simulated(other)),
    }
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

fn read(body: &[u8]) -> Result<Value, Error> {
    let body: Value =
        serde_json::from_slice(body).map_err(|e| Error::bad_request(format!("Not JSON: {e}")))?;
    if body.is_object() { Ok(body) } else { Err(Error::bad_request("An object is expected.")) }
}

fn callback_of(body: &Value) -> Result<String, Error> {
    let callback = body.get("callbackUri").and_then(Value::as_str).unwrap_or_default();
    let is_good = callback.parse().is_ok_and(|uri: Uri| crate::transport::check_scheme(&uri).is_ok());
    if is_good {
        Ok(callback.to_owned())
    } else {
        Err(Error::bad_request("callbackUri has to be an https address."))
    }
}

/// Source: Graph docs, commsOperation (256 characters).
fn context_of(body: &Value) -> Result<Option<String>, Error> {
    let context = body.get("clientContext").and_then(Value::as_str);
    if context.is_some_and(|context| context.chars().count() > 256) {
        return Err(Error::bad_request("clientContext has 256 characters at most."));
    }
    Ok(context.map(str::to_owned))
}
