//! The webhook: what Graph posts comes in here.
//!
//! In this order: room is made, the token is checked, the body read within a limit, its entries told apart, each put into the
//! inbox of its call, and 202 answered. Nothing of a bad request reaches a call. A call is bound to its tenant, also after a
//! restart; where the bot was given a domain's name as its tenant, which no token names, the calls that it places are not.
//!
//! | answer | when |
//! | --- | --- |
//! | 200 | somebody is joining, and the body says what becomes of him: it is in the store |
//! | 202 | accepted: it is in the store |
//! | 204 | in the format before Graph's: the service then sends it again in Graph's |
//! | 400 | no notification can be read in it |
//! | 401 | any fault of the token |
//! | 403 | a good token of a tenant that is not served, or not the call's |
//! | 302 | a call that another region is to have: [`Elsewhere`] |
//! | 408, 413 | the body takes longer, or has more bytes, than [`Settings`] say |
//! | 415 | it is no JSON, or in a charset that is not known |
//! | 503 | the keys of the service, or the store, cannot be had now, a joining participant's answer could not be put away in time, the bot is [drained](crate::bot::Bot::drain), or there is more to do than [`Settings`] allow: sent again later, as `Retry-After` says, it may be accepted |
//!
//! A notification that a participant is joining (policy-based recording) is answered 200, with what the bot orders as the
//! body, or with the default where it does not do so within [`Joining::within`](crate::bot::Joining::within). A repeat gets
//! the same. Where several are in one batch, the body is the answer to the first: the service has room for one.
//!
//! An error has a JSON body: `{"error": {"code": …, "message": …}}`. Every answer repeats the id of the message as
//! `client-request-id`, and `scenario-id`, as the vendor's SDK does.

mod admission;
pub mod authentication;
mod body;
mod joining;
mod settings;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use callflow_core::report::Told;
use http::header::{AUTHORIZATION, CONNECTION, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::json;
use tracing::Instrument;

use crate::runtime::delivery::{Accepted, Delivery};
use crate::runtime::{AcceptError, Incoming, Shared, is_of_tenant};
use crate::store::{CallName, StoreError};
use crate::wire::notification::{Notice, Subject, read_batch};
use authentication::{Fault, Sender};

pub(crate) use admission::Admission;
pub use settings::{Connection, Elsewhere, First, Settings};

/// The most that a notification may hold by default, in bytes.
pub const MAX_BODY: usize = 1024 * 1024;
/// How long its body may take to come by default.
pub const BODY_WITHIN: Duration = Duration::from_secs(10);

/// The id of a message.
///
/// Source: headers of notifications in field reports, and the constants of the vendor's samples.
const MESSAGE_ID: &str = "x-microsoft-skype-message-id";
/// The id of its first sending.
///
/// Source: assumed of its name; if it is wrong, it stands beside the body where repeats are recognised.
const ORIGINAL_MESSAGE_ID: &str = "x-microsoft-skype-original-message-id";
/// What the SDK answers the id of the message as.
///
/// Source: the vendor's SDK, as its logs show it.
const CLIENT_REQUEST_ID: &str = "client-request-id";
/// What several calls of one scenario have in common.
///
/// Source: headers of notifications in field reports.
const SCENARIO_ID: &str = "scenario-id";

/// After how many seconds a refused notification may come again.
const RETRY_AFTER_SECONDS: u16 = 1;
/// The longest header that is repeated in an answer, in bytes.
const MAX_ECHO: usize = 128;

/// Why a request was not accepted.
enum Refusal {
    Token(Fault),
    ContentType(String),
    TooLarge(usize),
    TooSlow(Duration),
    Unreadable(String),
    Store,
    /// There is more to do than may be taken in.
    Overloaded(&'static str),
    /// The bot answered a joining participant, and the answer is not put away yet.
    JoiningUnsettled,
}

/// Why an answer is a refusal, for the metrics.
#[derive(Clone, Copy)]
struct Code(&'static str);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code, message) = match self {
            Self::Token(fault) => (fault.status(), fault.code(), fault.to_string()),
            Self::ContentType(reason) => (415, "contentType", reason),
            Self::TooLarge(max) => (413, "bodyTooLarge", format!("a notification has {max} bytes at most")),
            Self::TooSlow(within) => (408, "bodyTooSlow", format!("the body has to come within {within:?}")),
            Self::Unreadable(reason) => (400, "notificationUnreadable", reason),
            Self::Overloaded(what) => (503, "overloaded", format!("{what}; send it again later")),
            Self::JoiningUnsettled => {
                let message = "the answer to the joining participant is not stored yet; send it again later";
                (503, "joiningUnsettled", message.to_owned())
            }
            // What the store said is for the log: a path is none of the sender's business.
            Self::Store => (503, "storeUnavailable", "cannot be stored now; send it again later".to_owned()),
        };
        tracing::warn!(status, code, message, "a notification was refused");
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response =
            (status, Json(json!({"error": {"code": code, "message": message}}))).into_response();
        response.extensions_mut().insert(Code(code));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, RETRY_AFTER_SECONDS.into());
        }
        response
    }
}

/// The routes at the path of the callback: the bot's own address, and one for each call below it.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    let path =
        shared.config.callback.parse::<http::Uri>().map(|uri| uri.path().to_owned()).unwrap_or_default();
    let path = path.trim_end_matches('/').to_owned();
    if path.is_empty() { routes(shared) } else { Router::new().nest(&path, routes(shared)) }
}

/// The routes, to be nested at whatever path the callback comes out at.
pub(crate) fn routes(shared: Arc<Shared>) -> Router {
    Router::new().route("/", post(general)).route("/{call}", post(of_call)).with_state(shared)
}

async fn general(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    answer(&shared, None, request).await
}

async fn of_call(State(shared): State<Arc<Shared>>, Path(call): Path<String>, request: Request) -> Response {
    answer(&shared, CallName::try_new(call).filter(|name| !name.is_planned()), request).await
}

async fn answer(shared: &Arc<Shared>, call: Option<CallName>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let span = span_of(&parts.headers);
    let answered = async {
        let answered = match shared.admission.request() {
            Ok(_until_answered) => accept(shared, call, &parts.headers, body).await,
            Err(refusal) => Err(refusal),
        };
        answered.into_response()
    };
    let mut response = answered.instrument(span.clone()).await;
    let code = response.extensions().get::<Code>().map_or("", |code| code.0);
    shared.metrics.answered(response.status().as_u16(), code);
    span.record("status", response.status().as_u16());
    for (to, from) in [(CLIENT_REQUEST_ID, MESSAGE_ID), (SCENARIO_ID, SCENARIO_ID)] {
        if let Some(value) = parts.headers.get(from).filter(|value| value.len() <= MAX_ECHO) {
            response.headers_mut().insert(HeaderName::from_static(to), value.clone());
        }
    }
    if shared.config.webhook.connection == Connection::Closed {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The span of a request. Whoever posted wrote the headers: what is no id is not repeated in logs.
fn span_of(headers: &HeaderMap) -> tracing::Span {
    let is_id = |text: &&str| {
        text.len() <= MAX_ECHO
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/".contains(&byte))
    };
    tracing::info_span!(
        "webhook",
        message_id = message_id(headers).filter(is_id),
        scenario_id = text(headers, SCENARIO_ID).filter(is_id),
        status = tracing::field::Empty,
    )
}

async fn accept(
    shared: &Arc<Shared>,
    call: Option<CallName>,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let settings = &shared.config.webhook;
    let authorization = text(headers, AUTHORIZATION.as_str());
    let sender = shared.authenticator.authenticate(authorization).await.map_err(Refusal::Token)?;
    let encoding = body::encoding(headers)?;
    let (body, _room_until_answered) = body::read(body, encoding, settings, &shared.admission).await?;
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
    if shared.draining() == Some(Incoming::Unavailable)
        && begins_a_call(shared, &calls, &batch.notices).await?
    {
        return Err(Refusal::Overloaded("the instance is about to stop"));
    }
    if let Some(elsewhere) = &settings.elsewhere
        && let Some(location) =
            redirected(shared, elsewhere, &calls, &sender, &batch.notices, headers).await?
    {
        return Ok((StatusCode::FOUND, [(LOCATION, location)]).into_response());
    }
    let accepted = Accepted {
        at: shared.clock.now_millis(),
        tenant_id: sender.tenant_id,
        body,
        message_id: message_id(headers).map(str::to_owned),
        scenario_id: text(headers, SCENARIO_ID).map(str::to_owned),
    };
    put_in(shared, &calls, &Arc::new(Delivery { accepted, notices: batch.notices })).await
}

/// Where the author sends an incoming call of which nothing is known here.
async fn redirected(
    shared: &Shared,
    elsewhere: &Elsewhere,
    calls: &Addressees,
    sender: &Sender,
    notices: &[Notice],
    headers: &HeaderMap,
) -> Result<Option<HeaderValue>, Refusal> {
    if !begins_a_call(shared, calls, notices).await? {
        return Ok(None);
    }
    let mut headers = headers.clone();
    headers.remove(AUTHORIZATION);
    let first = First { tenant_id: &sender.tenant_id, notices, headers: &headers };
    let Some(address) = elsewhere.decide(&first) else { return Ok(None) };
    let is_good = address.parse().is_ok_and(|uri| crate::transport::check_scheme(&uri).is_ok());
    match HeaderValue::try_from(address) {
        Ok(location) if is_good => Ok(Some(location)),
        Ok(_) | Err(_) => {
            tracing::error!("a call is to be redirected to what is no https address; it is taken here");
            Ok(None)
        }
    }
}

/// Whether a batch tells of an incoming call, and of none that is known.
async fn begins_a_call(shared: &Shared, calls: &Addressees, notices: &[Notice]) -> Result<bool, Refusal> {
    let is_incoming = |notice: &Notice| match &notice.subject {
        Subject::Call(told) => told.news.state == Told::State(callflow_core::lifecycle::State::Incoming),
        _ => false,
    };
    if !notices.iter().any(is_incoming) {
        return Ok(false);
    }
    for name in calls.keys() {
        if shared.store.read(name).await.map_err(of_store)?.is_some() {
            return Ok(false);
        }
    }
    Ok(true)
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
        check_tenant(shared, &name, sender).await?;
        let joining = calls.entry(name).or_default();
        if notice.subject == Subject::Joining {
            joining.push(place);
        }
    }
    Ok(calls)
}

/// Puts a batch into the inboxes of its calls, and says what to answer.
async fn put_in(
    shared: &Arc<Shared>,
    calls: &Addressees,
    delivery: &Arc<Delivery>,
) -> Result<Response, Refusal> {
    let until = tokio::time::Instant::now() + shared.config.joining.within;
    let mut replies = Vec::new();
    for (name, places) in calls {
        let mut asked = Vec::new();
        for place in places {
            asked.push((*place, joining::ask(shared, name, &delivery.accepted, *place).await?));
        }
        // A repeat of what was answered is in the store.
        if asked.is_empty() || asked.iter().any(|(_, asked)| asked.is_open()) {
            shared.accept(name, delivery).await.map_err(of_accept)?;
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

fn of_accept(error: AcceptError) -> Refusal {
    match error {
        AcceptError::Store(error) => of_store(error),
        AcceptError::TooManyWait => Refusal::Overloaded("too many notifications wait to be handled"),
    }
}

#[allow(clippy::needless_pass_by_value)] // what `map_err` hands over
fn of_store(error: StoreError) -> Refusal {
    tracing::error!(%error, "the store fails");
    Refusal::Store
}

async fn check_tenant(shared: &Shared, name: &CallName, sender: &Sender) -> Result<(), Refusal> {
    let tenant = shared.tenant_of(name).await.map_err(of_store)?;
    let is_ours = is_of_tenant(tenant.as_deref(), &sender.tenant_id);
    if is_ours { Ok(()) } else { Err(Refusal::Token(Fault::AnotherTenant)) }
}
