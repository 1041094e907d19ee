//! The webhook: what Graph posts comes in here.
//!
//! In this order: the token is checked, the body read within a limit, its entries told apart, each put into the inbox of
//! its call, and 202 answered. Nothing of a bad request reaches a call.
//!
//! | answer | when |
//! | --- | --- |
//! | 202 | accepted: it is in the store |
//! | 204 | in the format before Graph's: the service then sends it again in Graph's |
//! | 400 | no notification can be read in it |
//! | 401 | any fault of the token |
//! | 403 | a good token of a tenant that is not served, or not the call's |
//! | 408, 413 | the body takes longer than [`BODY_WITHIN`], or has more than [`MAX_BODY`] bytes |
//! | 503 | the keys of the service, or the store, cannot be had now: sent again later it may be accepted |
//!
//! A notification that a participant is joining (policy-based recording) should be answered in the body of the response;
//! until that is built it is answered 202 without one, as every other, and what the bot answers is logged.
//!
//! An error has a JSON body: `{"error": {"code": …, "message": …}}`.

pub mod authentication;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use http::StatusCode;
use http::header::AUTHORIZATION;
use serde_json::json;

use crate::client::SCENARIO_ID;
use crate::runtime::Shared;
use crate::store::{CallName, StoreError};
use crate::wire::notification::{Subject, read_batch};
use authentication::{Fault, Sender};

/// The most that a notification may hold, in bytes.
pub const MAX_BODY: usize = 1024 * 1024;
/// How long its body may take to come.
pub const BODY_WITHIN: Duration = Duration::from_secs(10);

/// Why a request was not accepted.
enum Refusal {
    Token(Fault),
    TooLarge,
    TooSlow,
    Unreadable(String),
    Store,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code, message) = match self {
            Self::Token(fault) => (fault.status(), fault.code(), fault.to_string()),
            Self::TooLarge => (413, "bodyTooLarge", format!("a notification has {MAX_BODY} bytes at most")),
            Self::TooSlow => (408, "bodyTooSlow", format!("the body has to come within {BODY_WITHIN:?}")),
            Self::Unreadable(reason) => (400, "notificationUnreadable", reason),
            // What the store said is for the log: a path is none of the sender's business.
            Self::Store => (503, "storeUnavailable", "cannot be stored now; send it again later".to_owned()),
        };
        tracing::warn!(status, code, message, "a notification was refused");
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(json!({"error": {"code": code, "message": message}}))).into_response()
    }
}

/// The routes: the bot's own address, and one for each call below it.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    let path =
        shared.config.callback.parse::<http::Uri>().map(|uri| uri.path().to_owned()).unwrap_or_default();
    let path = path.trim_end_matches('/');
    let root = if path.is_empty() { "/" } else { path };
    Router::new()
        .route(root, post(general))
        .route(&format!("{path}/{{call}}"), post(of_call))
        .with_state(shared)
}

async fn general(State(shared): State<Arc<Shared>>, request: Request) -> Result<StatusCode, Refusal> {
    accept(&shared, None, request).await
}

async fn of_call(
    State(shared): State<Arc<Shared>>,
    Path(call): Path<String>,
    request: Request,
) -> Result<StatusCode, Refusal> {
    accept(&shared, CallName::try_new(call), request).await
}

async fn accept(
    shared: &Arc<Shared>,
    call: Option<CallName>,
    request: Request,
) -> Result<StatusCode, Refusal> {
    let (parts, body) = request.into_parts();
    let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let sender = shared.authenticator.authenticate(header).await.map_err(Refusal::Token)?;
    let text = read_body(body).await?;
    let batch = read_batch(text.as_bytes()).map_err(|fault| Refusal::Unreadable(fault.to_string()))?;
    for fault in &batch.faults {
        tracing::warn!(%fault, "an entry of a notification cannot be read");
    }
    if let (true, Some(fault)) = (batch.notices.is_empty(), batch.faults.first()) {
        return Err(Refusal::Unreadable(fault.to_string()));
    }
    if batch.notices.iter().any(|notice| notice.subject == Subject::Legacy) {
        return Ok(StatusCode::NO_CONTENT);
    }
    let known = match call {
        Some(name) => shared.store.read(&name).await.map_err(of_store)?.map(|_| name),
        None => None,
    };
    let mut names = BTreeSet::new();
    for notice in &batch.notices {
        let name = match (&known, &notice.call) {
            (Some(name), _) => name.clone(),
            (None, Some(id)) => shared.name_of(id).await.map_err(of_store)?,
            (None, None) => {
                tracing::warn!(
                    subject = notice.subject.name(),
                    "a notification names no call; it is dropped"
                );
                continue;
            }
        };
        check_tenant(shared, &name, &sender)?;
        names.insert(name);
    }
    let scenario_id = parts.headers.get(SCENARIO_ID).and_then(|id| id.to_str().ok()?.trim().parse().ok());
    for name in names {
        shared.accept(&name, sender.tenant_id.clone(), scenario_id, text.clone()).await.map_err(of_store)?;
    }
    Ok(StatusCode::ACCEPTED)
}

#[allow(clippy::needless_pass_by_value)] // what `map_err` hands over
fn of_store(error: StoreError) -> Refusal {
    tracing::error!(%error, "the store fails");
    Refusal::Store
}

fn check_tenant(shared: &Shared, name: &CallName, sender: &Sender) -> Result<(), Refusal> {
    match shared.tenant_of(name) {
        Some(tenant) if tenant != sender.tenant_id => Err(Refusal::Token(Fault::AnotherTenant)),
        Some(_) | None => Ok(()),
    }
}

async fn read_body(body: Body) -> Result<String, Refusal> {
    let read = tokio::time::timeout(BODY_WITHIN, axum::body::to_bytes(body, MAX_BODY));
    let bytes = read.await.map_err(|_| Refusal::TooSlow)?.map_err(|_| Refusal::TooLarge)?;
    String::from_utf8(bytes.into()).map_err(|_| Refusal::Unreadable("the body is not UTF-8 text".to_owned()))
}
