//! What the service serves: tokens, keys, recordings, and behind a token the calling API.
//!
//! Source: Graph docs, the pages of the operations named below; Microsoft identity platform, client credentials flow.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use axum::extract::{Path, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::authority::{self, Base};
use super::credential::Real;
use super::endpoint::Version;
use super::error::Error;
use super::tokens::{Issuer, TOKEN_LIFE, Unusable};
use super::{Registration, World, fault, headers, history, routes};

pub(super) type Served = Arc<World>;

/// The app whose token a request carries.
#[derive(Clone)]
pub(super) struct Caller(pub(super) Registration);

pub(super) fn router(world: Served) -> Router {
    let api = |version| {
        routes::router(version)
            .layer(from_fn_with_state(Arc::clone(&world), authenticate))
            .layer(from_fn_with_state(Arc::clone(&world), fault::inject))
            .layer(from_fn_with_state(Arc::clone(&world), headers::complete))
            .layer(from_fn_with_state(Arc::clone(&world), history::record))
    };
    Router::new()
        .route("/{tenant}/oauth2/v2.0/token", post(issue_token))
        .merge(authority::router())
        .route("/v1/.well-known/OpenIdConfiguration", get(openid))
        // Other libraries for bots write it so.
        .route("/v1/.well-known/openidconfiguration", get(openid))
        .route("/v1/.well-known/keys", get(keys))
        .route("/recordings/{operation}", get(recording))
        .nest("/v1.0", api(Version::V1))
        .nest("/beta", api(Version::Beta))
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
    // Before anything is compared.
    if let Some(real) = ["client_secret", "client_assertion"].into_iter().find_map(|name| Real::of(of(name)))
    {
        return refuse(StatusCode::UNAUTHORIZED, "invalid_client", real.words());
    }
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

/// The two issuers share it: their tokens are signed by the same keys.
async fn openid(Base(base): Base) -> Json<Value> {
    Json(json!({
        "issuer": Issuer::BotFramework.claim(),
        "jwks_uri": format!("{base}/v1/.well-known/keys"),
        "id_token_signing_alg_values_supported": ["RS256"],
    }))
}

async fn keys(State(world): State<Served>) -> Json<Value> {
    Json(world.keys.published())
}

/// Checks the token, and refuses what a test asked to be refused.
async fn authenticate(State(world): State<Served>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let refusal = {
        let mut refusals = world.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        let place = refusals.iter().position(|(suffix, _)| path.ends_with(suffix.as_str()));
        place.map(|place| refusals.remove(place).1)
    };
    if let Some(status) = refusal {
        return Error::new(status, "Refused", "Refused as asked.").into_response();
    }
    match caller(&world, request.headers()) {
        Ok(app) => {
            request.extensions_mut().insert(Caller(app));
            next.run(request).await
        }
        Err(unusable) => Error::unauthorized(unusable.to_string()).into_response(),
    }
}

/// The app whose token this is.
fn caller(world: &World, headers: &HeaderMap) -> Result<Registration, Unusable> {
    let token = bearer(headers).filter(|token| !token.is_empty()).ok_or(Unusable::Missing)?;
    let (app_id, tenant_id) = world.keys.holder_of(token, world.clock.now_seconds())?;
    let app = world.app(&app_id).ok_or(Unusable::App)?;
    if app.tenant_id == tenant_id { Ok(app) } else { Err(Unusable::Tenant) }
}

/// What somebody said whom the bot recorded; the address and the token are those of the operation.
///
/// Source: Graph docs, call: recordResponse.
async fn recording(
    State(world): State<Served>,
    Path(operation): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let token = bearer(&headers).unwrap_or_default();
    let wav = world.all_calls().iter().find_map(|call| call.recorded(&operation, token));
    let wav = wav.ok_or_else(|| Error::unauthorized("The token is not that of the recording."))?;
    Ok(([(CONTENT_TYPE, "application/octet-stream")], wav).into_response())
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
}
