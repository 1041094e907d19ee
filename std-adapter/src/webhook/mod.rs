//! The webhook: what Graph posts comes in here.
//!
//! In this order: the token is checked, the body read within a limit, its entries told apart, each put into the inbox of
//! its call, and 202 answered. Nothing of a bad request reaches a call.
//!
//! | answer | when |
//! | --- | --- |
//! | 200 | somebody is joining, and the body says what becomes of him: it is in the store |
//! | 202 | accepted: it is in the store |
//! | 204 | in the format before Graph's: the service then sends it again in Graph's |
//! | 400 | no notification can be read in it |
//! | 401 | any fault of the token |
//! | 403 | a good token of a tenant that is not served, or not the call's |
//! | 408, 413 | the body takes longer than [`BODY_WITHIN`], or has more than [`MAX_BODY`] bytes |
//! | 503 | the keys of the service, or the store, cannot be had now, or a joining participant's answer could not be put away in time: sent again later it may be accepted |
//!
//! A notification that a participant is joining (policy-based recording) is answered 200, with what the bot orders as the
//! body, or with the default where it does not do so within [`Joining::within`](crate::bot::Joining::within). A repeat gets
//! the same. Where several are in one batch, the body is the answer to the first: the service has room for one.
//!
//! An error has a JSON body: `{"error": {"code": …, "message": …}}`.

pub mod authentication;
mod joining;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use serde_json::json;

use crate::runtime::{Accepted, Shared};
use crate::store::{CallName, StoreError};
use crate::wire::notification::{Notice, Subject, read_batch};
use authentication::{Fault, Sender};

/// The most that a notification may hold, in bytes.
pub const MAX_BODY: usize = 1024 * 1024;
/// How long its body may take to come.
pub const BODY_WITHIN: Duration = Duration::from_secs(10);

/// The id of a message.
///
/// Source: headers of notifications in field reports, and the constants of the vendor's samples.
const MESSAGE_ID: &str = "x-microsoft-skype-message-id";
/// The id of its first sending.
///
/// Source: assumed of its name; if it is wrong, it stands beside the body where repeats are recognised.
const ORIGINAL_MESSAGE_ID: &str = "x-microsoft-skype-original-message-id";
/// What several calls of one scenario have in common.
///
/// Source: headers of notifications in field reports.
const SCENARIO_ID: &str = "scenario-id";

/// Why a request was not accepted.
enum Refusal {
    Token(Fault),
    TooLarge,
    TooSlow,
    Unreadable(String),
    Store,
    /// The bot answered a joining participant, and the answer is not put away yet.
    JoiningUnsettled,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code, message) = match self {
            Self::Token(fault) => (fault.status(), fault.code(), fault.to_string()),
            Self::TooLarge => (413, "bodyTooLarge", format!("a notification has {MAX_BODY} bytes at most")),
            Self::TooSlow => (408, "bodyTooSlow", format!("the body has to come within {BODY_WITHIN:?}")),
            Self::Unreadable(reason) => (400, "notificationUnreadable", reason),
            // What the store said is for the log: a path is none of the sender's business.
            Self::JoiningUnsettled => {
                let message = "the answer to the joining participant is not stored yet; send it again later";
                (503, "joiningUnsettled", message.to_owned())
            }
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

async fn general(State(shared): State<Arc<Shared>>, request: Request) -> Result<Response, Refusal> {
    accept(&shared, None, request).await
}

async fn of_call(
    State(shared): State<Arc<Shared>>,
    Path(call): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    accept(&shared, CallName::try_new(call), request).await
}

async fn accept(shared: &Arc<Shared>, call: Option<CallName>, request: Request) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let sender = shared
        .authenticator
        .authenticate(text(&parts.headers, AUTHORIZATION.as_str()))
        .await
        .map_err(Refusal::Token)?;
    let body = read_body(body).await?;
    let batch = read_batch(body.as_bytes()).map_err(|fault| Refusal::Unreadable(fault.to_string()))?;
    for fault in &batch.faults {
        tracing::warn!(%fault, "an entry of a notification cannot be read");
    }
    if let (true, Some(fault)) = (batch.notices.is_empty(), batch.faults.first()) {
        return Err(Refusal::Unreadable(fault.to_string()));
    }
    if batch.notices.iter().any(|notice| notice.subject == Subject::Legacy) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let calls = addressees(shared, call, &sender, &batch.notices).await?;
    let accepted = Accepted {
        at: shared.clock.now_millis(),
        tenant_id: sender.tenant_id,
        body,
        message_id: message_id(&parts.headers).map(str::to_owned),
        scenario_id: text(&parts.headers, SCENARIO_ID).map(str::to_owned),
    };
    put_in(shared, &calls, &accepted).await
}

/// The calls that a batch is for, and the places of the entries that tell of joining participants.
type Addressees = BTreeMap<CallName, Vec<usize>>;

async fn addressees(
    shared: &Shared,
    call: Option<CallName>,
    sender: &Sender,
    notices: &[Notice],
) -> Result<Addressees, Refusal> {
    let known = match call {
        Some(name) => shared.store.read(&name).await.map_err(of_store)?.map(|_| name),
        None => None,
    };
    let mut calls = Addressees::new();
    for (place, notice) in notices.iter().enumerate() {
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
        check_tenant(shared, &name, sender)?;
        let joining = calls.entry(name).or_default();
        if notice.subject == Subject::Joining {
            joining.push(place);
        }
    }
    Ok(calls)
}

/// Puts a batch into the inboxes of its calls, and says what to answer.
async fn put_in(shared: &Arc<Shared>, calls: &Addressees, accepted: &Accepted) -> Result<Response, Refusal> {
    let until = tokio::time::Instant::now() + shared.config.joining.within;
    let mut replies = Vec::new();
    for (name, places) in calls {
        let mut asked = Vec::new();
        for place in places {
            asked.push((*place, joining::ask(shared, name, accepted, *place).await?));
        }
        // A repeat of what was answered is in the store.
        if asked.is_empty() || asked.iter().any(|(_, asked)| asked.is_open()) {
            shared.accept(name, accepted).await.map_err(of_store)?;
        }
        replies.extend(asked.into_iter().map(|(place, asked)| (place, name, asked)));
    }
    if replies.len() > 1 {
        tracing::warn!(
            count = replies.len(),
            "several are joining in one batch; the first is answered in the response"
        );
    }
    replies.sort_by_key(|(place, ..)| *place);
    let mut first = None;
    for (_, name, asked) in replies {
        let body = asked.answer(shared, name, until).await?;
        first.get_or_insert(body);
    }
    Ok(match first {
        Some(body) => (StatusCode::OK, [(CONTENT_TYPE, "application/json")], body).into_response(),
        None => StatusCode::ACCEPTED.into_response(),
    })
}

/// The id that the service gave the message: of its first sending, where it is a repeat.
fn message_id(headers: &HeaderMap) -> Option<&str> {
    text(headers, ORIGINAL_MESSAGE_ID).or_else(|| text(headers, MESSAGE_ID))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
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
