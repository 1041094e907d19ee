//! The client of Graph: tokens, limits of time, and requests that are repeated by a [rule](retry) or not at all.
//!
//! Who the bot is, [`Credentials`] say, and where the services are, [`Endpoints`] of a [`Cloud`]. A token is fetched once for
//! however many ask, kept per tenant, and fetched anew some minutes before it expires. A request that is answered 401 is sent
//! once more with a new token: a 401 means that nothing was done. Whatever else is repeated is by the
//! [class](retry::Class) that the caller gives; without one it is sent once.
//!
//! Each try carries a `client-request-id` of its own, and what belongs to one call the same `Scenario-Id`. Both are
//! written to logs of the service, and hold nothing of a person.
//!
//! Source: Microsoft identity platform, client credentials flow; Graph docs, Microsoft Graph error responses, best
//! practices (what support asks for); `Scenario-Id`: the vendor's samples.

mod certificate;
pub mod circuit;
mod cloud;
mod credentials;
mod endpoints;
mod federation;
mod managed_identity;
mod platform;
mod refusal;
pub mod retry;
mod token;
mod token_source;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use callflow_core::permission::Grants;
use circuit::{CircuitLimits, Circuits, Urgency};
use http::header::{AUTHORIZATION, CONTENT_TYPE, DATE, LOCATION, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use retry::{Class, Decision, Tried, When, decide};
use secrecy::{ExposeSecret, SecretString};
use token::Tokens;
use tracing::Instrument;
use uuid::Uuid;

use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::transport::{Transport, TransportError};
use crate::wire::request::Version;

pub use certificate::{Certificate, CertificateError};
pub use cloud::{Cloud, UnknownCloud};
pub use credentials::{Credentials, EnvironmentError, Proof};
pub use endpoints::Endpoints;
pub use federation::{AssertionSource, Federation};
pub use managed_identity::ManagedIdentity;
pub use token_source::{AccessToken, Fetch, TokenError, TokenSource};

/// Limits of time, and of patience.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long one exchange may take.
    pub exchange: Duration,
    /// How long a request may take with all its tries and the pauses between them, where the call sets no limit. No pause
    /// is begun that would last longer.
    pub request: Duration,
    /// How long before its end a token is replaced, at most a tenth of its life.
    pub renew_before: Duration,
    /// When a host that fails is let alone.
    pub circuit: CircuitLimits,
}

impl Default for Limits {
    /// Ten seconds an exchange: a call waits 15 to be answered. Thirty seconds a request: the requests of a call leave one
    /// after another, and one that is throttled for longer is better told to the bot. Five minutes before a token's end.
    fn default() -> Self {
        Self {
            exchange: Duration::from_secs(10),
            request: Duration::from_secs(30),
            renew_before: Duration::from_secs(300),
            circuit: CircuitLimits::default(),
        }
    }
}

/// A request to Graph.
#[derive(Clone, Debug)]
pub struct GraphRequest<'a> {
    /// The tenant whose token it carries; the bot's own where there is none.
    pub tenant_id: Option<&'a str>,
    /// The version of the API.
    pub version: Version,
    /// The method.
    pub method: Method,
    /// The path below the base of that version, with its leading slash.
    pub path: &'a str,
    /// The JSON body.
    pub body: Option<Bytes>,
    /// `Scenario-Id`: the same for all that belongs to one call.
    pub scenario_id: Option<Uuid>,
    /// By which rule it is repeated; without one it is sent once.
    pub class: Option<Class>,
    /// The call's limit, in milliseconds since the Unix epoch: beyond it nothing is repeated.
    pub until: Option<u64>,
}

impl<'a> GraphRequest<'a> {
    /// A request without a body, of no call, that is sent once.
    pub fn new(method: Method, path: &'a str) -> Self {
        Self {
            tenant_id: None,
            version: Version::V1,
            method,
            path,
            body: None,
            scenario_id: None,
            class: None,
            until: None,
        }
    }
}

/// What Graph answered, whatever the status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Bytes,
    /// `Location`.
    pub location: Option<String>,
    /// `Retry-After`, from now.
    pub retry_after: Option<Duration>,
    /// What Microsoft's support asks for.
    pub support: Support,
}

/// What Microsoft's support asks for, and what the service's logs have of a request. `Display` writes what is there.
///
/// Source: Graph docs, best practices for working with Microsoft Graph.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Support {
    /// `request-id`, given by Graph.
    pub request_id: Option<String>,
    /// `client-request-id`, given by the client, a new one each try.
    pub client_request_id: String,
    /// `Date`.
    pub date: Option<String>,
    /// `x-ms-ags-diagnostic`: which of the service's machines answered. Cut to [`MAX_DIAGNOSTIC`] characters.
    pub diagnostic: Option<String>,
}

/// What is kept of `x-ms-ags-diagnostic`, in characters: what is seen has about 150.
pub const MAX_DIAGNOSTIC: usize = 400;

impl fmt::Display for Support {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "client-request-id {}", self.client_request_id)?;
        for (name, value) in [
            ("request-id", &self.request_id),
            ("date", &self.date),
            ("x-ms-ags-diagnostic", &self.diagnostic),
        ] {
            if let Some(value) = value {
                write!(f, ", {name} {value}")?;
            }
        }
        Ok(())
    }
}

/// Why there is no answer of Graph.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// No token could be had: nothing was sent to Graph.
    #[error("no token for app {app_id} in tenant {tenant_id}: {reason}")]
    NoToken {
        /// The app.
        app_id: String,
        /// The tenant.
        tenant_id: String,
        /// Why, and what to do.
        reason: Box<TokenError>,
    },
    /// The request could not be made: nothing was sent.
    #[error("cannot make a request for {path}: {reason}")]
    Malformed {
        /// The path.
        path: String,
        /// Why.
        reason: String,
    },
    /// The network failed before the request arrived.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The request may have arrived, but no whole answer came.
    #[error("{cause} (client-request-id {client_request_id}, for Microsoft's support)")]
    NoAnswer {
        /// What the network said.
        cause: TransportError,
        /// The id that the request carried.
        client_request_id: String,
    },
}

impl ClientError {
    /// Whether Graph certainly did nothing.
    pub fn is_certainly_undone(&self) -> bool {
        match self {
            Self::NoToken { .. } | Self::Malformed { .. } => true,
            Self::Transport(error) | Self::NoAnswer { cause: error, .. } => error.is_certainly_undone(),
        }
    }
}

/// The client. Clones share their tokens.
#[derive(Clone)]
pub struct GraphClient {
    inner: Arc<Inner>,
}

struct Inner {
    metrics: Arc<Metrics>,
    endpoints: Endpoints,
    limits: Limits,
    transport: Arc<dyn Transport>,
    tokens: Tokens,
    clock: Clock,
}

impl fmt::Debug for GraphClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GraphClient").field("endpoints", &self.inner.endpoints).finish_non_exhaustive()
    }
}

impl GraphClient {
    /// A client that has fetched nothing yet.
    pub fn new(
        credentials: Credentials,
        endpoints: Endpoints,
        limits: Limits,
        transport: Arc<dyn Transport>,
        clock: Clock,
    ) -> Self {
        Self::counted(credentials, endpoints, limits, transport, clock, Arc::default())
    }

    /// As [`Self::new`]; what it does is counted in `metrics`.
    pub(crate) fn counted(
        credentials: Credentials,
        endpoints: Endpoints,
        limits: Limits,
        transport: Arc<dyn Transport>,
        clock: Clock,
        metrics: Arc<Metrics>,
    ) -> Self {
        let circuits = Circuits::new(transport, limits.circuit, clock, Arc::clone(&metrics));
        let transport: Arc<dyn Transport> = Arc::new(circuits);
        let tokens = Tokens::new(credentials, endpoints.clone(), limits, Arc::clone(&transport), clock);
        let tokens = tokens.counted(Arc::clone(&metrics));
        Self { inner: Arc::new(Inner { metrics, endpoints, limits, transport, tokens, clock }) }
    }

    /// Sends a request, and again where the rule of its class has it; without a class once.
    ///
    /// Where an earlier try may have taken effect and no later one settled it, the answer is what came of the earlier one:
    /// that the second answer to a call was refused does not say that the first was not taken.
    ///
    /// # Errors
    /// [`ClientError`], which says whether Graph certainly did nothing. Any status is an [`Answer`].
    pub async fn send(&self, request: &GraphRequest<'_>) -> Result<Answer, ClientError> {
        use tracing::field::Empty;
        let span = tracing::info_span!(
            "graph",
            method = %request.method,
            path = without_query(request.path),
            scenario_id = request.scenario_id.map(tracing::field::display),
            status = Empty,
            attempts = Empty,
            client_request_id = Empty,
            request_id = Empty,
            diagnostic = Empty,
        );
        let told = span.clone();
        let sent = async {
            let mut attempts = 0;
            let result = self.send_by_rule(request, &mut attempts).await;
            told.record("attempts", attempts);
            tell(&told, &result);
            result
        };
        sent.instrument(span).await
    }

    async fn send_by_rule(&self, request: &GraphRequest<'_>, count: &mut u32) -> Result<Answer, ClientError> {
        let Some(class) = request.class else {
            *count = 1;
            return self.exchange(request).await;
        };
        let now = self.inner.clock.now_millis();
        let budget = u64::try_from(self.inner.limits.request.as_millis()).unwrap_or(u64::MAX);
        let until = request.until.unwrap_or(u64::MAX).min(now.saturating_add(budget));
        let mut pauses = retry::pauses();
        let mut open = None;
        loop {
            *count = count.saturating_add(1);
            let result = self.exchange(request).await;
            let (came, retry_after) = read(&result);
            let pause = pauses.next().unwrap_or(self.inner.limits.request);
            let left = Duration::from_millis(until.saturating_sub(self.inner.clock.now_millis()));
            match decide(class, Tried { count: *count, came, retry_after }, pause, left) {
                Decision::GiveUp => return settled(class, result, open),
                Decision::Again { after } => {
                    let support = result.as_ref().ok().map(|answer| tracing::field::display(&answer.support));
                    tracing::info!(count, ?came, ?after, support, "trying again");
                    self.inner.metrics.retry(came);
                    if matches!(came, When::NoAnswer | When::Failed) {
                        open = Some(result);
                    }
                    tokio::time::sleep(after).await;
                }
            }
        }
    }

    /// Fetches a token, so that a wrong secret is told of before the first call.
    ///
    /// # Errors
    /// [`ClientError::NoToken`]
    pub async fn check_credentials(&self) -> Result<(), ClientError> {
        self.inner.tokens.get(self.inner.tokens.home_tenant(), None).await.map(|_| ())
    }

    /// What the newest token of `tenant_id`, or of the bot's own tenant, says of the app's permissions. It is a hint: the
    /// `roles` claim, read without a check. [`Grants::Unknown`] before the first token, and where it does not say.
    pub fn granted(&self, tenant_id: Option<&str>) -> Grants {
        self.inner.tokens.granted(tenant_id.unwrap_or(self.inner.tokens.home_tenant()))
    }

    async fn exchange(&self, request: &GraphRequest<'_>) -> Result<Answer, ClientError> {
        let tenant = request.tenant_id.unwrap_or(self.inner.tokens.home_tenant());
        let token = self.inner.tokens.get(tenant, None).await?;
        let answer = self.attempt(&token, request).await?;
        if answer.status != 401 {
            return Ok(answer);
        }
        tracing::info!("the token was refused; trying once with a new one");
        let token = self.inner.tokens.get(tenant, Some(&token)).await?;
        self.attempt(&token, request).await
    }

    async fn attempt(&self, token: &SecretString, request: &GraphRequest<'_>) -> Result<Answer, ClientError> {
        let client_request_id = Uuid::new_v4().to_string();
        let made = self.make(token, request, &client_request_id)?;
        let response = match within(&*self.inner.transport, self.inner.limits.exchange, made).await {
            Ok(response) => response,
            Err(cause) if cause.is_certainly_undone() => return Err(cause.into()),
            Err(cause) => return Err(ClientError::NoAnswer { cause, client_request_id }),
        };
        let answer = self.read_answer(response, client_request_id);
        tracing::debug!(status = answer.status, support = %answer.support, "answered");
        Ok(answer)
    }

    fn make(
        &self,
        token: &SecretString,
        request: &GraphRequest<'_>,
        client_request_id: &str,
    ) -> Result<Request<Bytes>, ClientError> {
        let path = request.path;
        let malformed =
            |reason: String| ClientError::Malformed { path: without_query(path).to_owned(), reason };
        if !path.starts_with('/') {
            return Err(malformed(
                "a path below Graph's base is expected, with its leading slash".to_owned(),
            ));
        }
        let base = self.inner.endpoints.base(request.version).ok_or_else(|| {
            malformed(
                "the base of Graph does not end in v1.0, so that beta cannot be told from it".to_owned(),
            )
        })?;
        let uri: Uri =
            format!("{base}{path}").parse().map_err(|e: http::uri::InvalidUri| malformed(e.to_string()))?;
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()))
            .map_err(|_| malformed("the token is no header value".to_owned()))?;
        bearer.set_sensitive(true);
        let mut made = Request::builder()
            .method(&request.method)
            .uri(uri)
            .header(AUTHORIZATION, bearer)
            .header(CLIENT_REQUEST_ID, client_request_id);
        if let Some(scenario_id) = request.scenario_id {
            made = made.header(SCENARIO_ID, scenario_id.to_string());
        }
        if request.class == Some(Class::HangUp) {
            made = made.extension(Urgency::Urgent);
        }
        if request.body.is_some() {
            made = made.header(CONTENT_TYPE, "application/json");
        }
        made.body(request.body.clone().unwrap_or_default()).map_err(|e| malformed(e.to_string()))
    }

    fn read_answer(&self, response: http::Response<Bytes>, client_request_id: String) -> Answer {
        let header = |name: &str| text(response.headers(), name);
        let date = header(DATE.as_str());
        // The service's own clock, where it told it: a date to wait for was made with that.
        let now = date
            .as_deref()
            .and_then(|date| httpdate::parse_http_date(date).ok())
            .unwrap_or_else(|| UNIX_EPOCH + Duration::from_millis(self.inner.clock.now_millis()));
        Answer {
            status: response.status().as_u16(),
            location: header(LOCATION.as_str()),
            retry_after: header(RETRY_AFTER.as_str()).and_then(|text| retry::read_retry_after(&text, now)),
            support: Support {
                request_id: header("request-id"),
                client_request_id,
                date,
                diagnostic: header("x-ms-ags-diagnostic")
                    .map(|text| text.chars().take(MAX_DIAGNOSTIC).collect()),
            },
            body: response.into_body(),
        }
    }
}

/// The header with the id of a try.
const CLIENT_REQUEST_ID: &str = "client-request-id";
/// The header that ties requests and notifications of a call together.
pub(crate) const SCENARIO_ID: &str = "scenario-id";

/// What Microsoft's support asks for, of the try that counts.
fn tell(span: &tracing::Span, result: &Result<Answer, ClientError>) {
    match result {
        Ok(Answer { status, support, .. }) => {
            span.record("status", status);
            span.record("client_request_id", &support.client_request_id);
            for (name, value) in [("request_id", &support.request_id), ("diagnostic", &support.diagnostic)] {
                if let Some(value) = value {
                    span.record(name, value);
                }
            }
        }
        Err(ClientError::NoAnswer { client_request_id, .. }) => {
            span.record("client_request_id", client_request_id);
        }
        Err(ClientError::NoToken { .. } | ClientError::Malformed { .. } | ClientError::Transport(_)) => {}
    }
}

/// What a try says to the rule.
fn read(result: &Result<Answer, ClientError>) -> (When, Option<Duration>) {
    match result {
        Ok(answer) => (When::of_status(answer.status), answer.retry_after),
        // Neither is better for being asked again; what of a token may be asked again the tokens know.
        Err(ClientError::Malformed { .. } | ClientError::NoToken { .. }) => (When::Answered, None),
        Err(ClientError::Transport(TransportError::Forbidden { .. })) => (When::Answered, None),
        Err(ClientError::Transport(TransportError::CircuitOpen { wait, .. })) => (When::NotSent, Some(*wait)),
        Err(error) if error.is_certainly_undone() => (When::NotSent, None),
        Err(_) => (When::NoAnswer, None),
    }
}

/// The answer, where `open` is what came of an earlier try that may have taken effect.
fn settled(
    class: Class,
    last: Result<Answer, ClientError>,
    open: Option<Result<Answer, ClientError>>,
) -> Result<Answer, ClientError> {
    let Some(open) = open else { return last };
    match &last {
        Ok(answer) if answer.status == 429 => open,
        // What a second one is refused for may be what the first one did.
        Ok(answer) if class == Class::Settling && !matches!(answer.status, 200..=299) => open,
        Ok(_) => last,
        Err(_) => open,
    }
}

/// Sends, and gives up after `limit`: the request may have arrived.
async fn within(
    transport: &dyn Transport,
    limit: Duration,
    request: Request<Bytes>,
) -> Result<http::Response<Bytes>, TransportError> {
    let host = request.uri().host().unwrap_or_default().to_owned();
    match tokio::time::timeout(limit, transport.send(request)).await {
        Ok(result) => result,
        Err(_) => Err(TransportError::NoAnswer { host, reason: format!("nothing came within {limit:?}") }),
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

fn without_query(path: &str) -> &str {
    path.split(['?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::atomic::{AtomicU32, Ordering};

    use axum::Router;
    use axum::routing::{self, post};
    use axum::{Form, Json};
    use http::StatusCode;
    use serde_json::json;

    use super::*;
    use crate::transport::InProcess;

    #[derive(Default)]
    struct Counts {
        tokens: AtomicU32,
        requests: AtomicU32,
    }

    fn service(counts: &Arc<Counts>) -> InProcess {
        let (tokens, requests) = (Arc::clone(counts), Arc::clone(counts));
        let net = InProcess::new();
        let issue = async move |Form(form): Form<HashMap<String, String>>| {
            tokio::time::sleep(Duration::from_millis(50)).await;
            if form["client_secret"] != "right" {
                let error = json!({"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret.\r\nTrace"});
                return (StatusCode::UNAUTHORIZED, Json(error));
            }
            let number = tokens.tokens.fetch_add(1, Ordering::SeqCst);
            (StatusCode::OK, Json(json!({"access_token": format!("token-{number}"), "expires_in": "3600"})))
        };
        let answer = async move |headers: HeaderMap| {
            requests.requests.fetch_add(1, Ordering::SeqCst);
            let bearer = headers[AUTHORIZATION].to_str().unwrap().to_owned();
            if bearer.ends_with("token-0") && requests.requests.load(Ordering::SeqCst) > 100 {
                return (StatusCode::UNAUTHORIZED, bearer);
            }
            (StatusCode::OK, bearer)
        };
        let slow = async || {
            tokio::time::sleep(Duration::from_secs(60)).await;
            "late"
        };
        net.mount("login.test", Router::new().route("/{tenant}/oauth2/v2.0/token", post(issue)));
        net.mount(
            "graph.test",
            Router::new().route("/v1.0/x", routing::get(answer)).route("/v1.0/slow", routing::get(slow)),
        );
        net
    }

    fn client(net: InProcess, secret: &str) -> GraphClient {
        let endpoints = Endpoints {
            authority: "https://login.test".to_owned(),
            graph: "https://graph.test/v1.0".to_owned(),
            ..Endpoints::global()
        };
        let credentials = Credentials::with_secret("t", "app", secret);
        GraphClient::new(credentials, endpoints, Limits::default(), Arc::new(net), Clock::system())
    }

    async fn get(client: &GraphClient, path: &str) -> Result<Answer, ClientError> {
        client.send(&GraphRequest::new(Method::GET, path)).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_hundred_at_once_fetch_one_token_and_a_later_one_renews_it() {
        let counts = Arc::new(Counts::default());
        let client = client(service(&counts), "right");
        let asks: Vec<_> = (0..100)
            .map(|_| {
                let client = client.clone();
                tokio::spawn(async move { get(&client, "/x").await.unwrap().status })
            })
            .collect();
        for ask in asks {
            assert_eq!(ask.await.unwrap(), 200);
        }
        assert_eq!(counts.tokens.load(Ordering::SeqCst), 1);
        tokio::time::advance(Duration::from_secs(3301)).await;
        let answer = get(&client, "/x").await.unwrap();
        assert_eq!(answer.body, "Bearer token-1", "renewed before its end");
        assert_eq!(
            client
                .send(&GraphRequest { tenant_id: Some("other"), ..GraphRequest::new(Method::GET, "/x") })
                .await
                .unwrap()
                .body,
            "Bearer token-2"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_token_is_replaced_once() {
        let counts = Arc::new(Counts::default());
        let client = client(service(&counts), "right");
        counts.requests.store(100, Ordering::SeqCst);
        let answer = get(&client, "/x").await.unwrap();
        assert_eq!((answer.status, &answer.body[..]), (200, &b"Bearer token-1"[..]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_wrong_secret_says_what_to_do_and_is_not_printed() {
        let client = client(service(&Arc::default()), "wrong-s3cret");
        let error = client.check_credentials().await.unwrap_err();
        assert!(error.to_string().contains("check the client secret"), "{error}");
        assert!(
            error.to_string().contains("AADSTS7000215") && !error.to_string().contains("Trace"),
            "{error}"
        );
        assert!(error.is_certainly_undone());
        assert!(!format!("{client:?} {:?}", client.inner.tokens.credentials).contains("s3cret"));
    }

    #[tokio::test(start_paused = true)]
    async fn what_takes_too_long_may_have_arrived_and_what_cannot_be_reached_has_not() {
        let counts = Arc::new(Counts::default());
        let net = service(&counts);
        let client = client(net.clone(), "right");
        let slow = get(&client, "/slow").await.unwrap_err();
        assert!(!slow.is_certainly_undone(), "{slow}");
        net.unmount("graph.test");
        let gone = get(&client, "/x").await.unwrap_err();
        assert!(gone.is_certainly_undone() && gone.to_string().contains("graph.test"), "{gone}");
    }

    /// Answers by a script, one entry a request: a status with a `Retry-After`, or a wait that is too long.
    fn scripted(script: &'static [(u16, &'static str)]) -> (GraphClient, Arc<AtomicU32>) {
        let (net, asked) = (service(&Arc::default()), Arc::new(AtomicU32::new(0)));
        let count = Arc::clone(&asked);
        let answer = async move || {
            let place = count.fetch_add(1, Ordering::SeqCst) as usize;
            let (status, retry_after) = script[place.min(script.len() - 1)];
            if status == 0 {
                tokio::time::sleep(Duration::from_secs(60)).await;
            }
            (StatusCode::from_u16(status).unwrap(), [(RETRY_AFTER, retry_after)])
        };
        net.mount("graph.test", Router::new().route("/v1.0/x", post(answer)));
        (client(net, "right"), asked)
    }

    const LATE: (u16, &str) = (0, "");

    #[tokio::test(start_paused = true)]
    async fn a_script_of_tries_by_class_and_limit() {
        for (class, limit, script, expected, tries, least) in [
            (Class::OnceOnly, None, &[(429, "2.128"), (201, "")][..], Some(201), 2, 2128),
            (Class::OnceOnly, None, &[(429, "29"), (429, "29")][..], Some(429), 2, 29_000),
            (Class::OnceOnly, None, &[(429, "31")][..], Some(429), 1, 0),
            (Class::OnceOnly, None, &[(503, "1"), (201, "")][..], Some(503), 1, 0),
            (Class::OnceOnly, None, &[LATE, (201, "")][..], None, 1, 0),
            (Class::Idempotent, None, &[(503, "1"), LATE, (200, "")][..], Some(200), 3, 11_000),
            (Class::Settling, Some(15_000), &[LATE, (202, "")][..], Some(202), 2, 10_000),
            // The second try is refused for what the first one may have done.
            (Class::Settling, Some(15_000), &[LATE, (404, "")][..], None, 2, 10_000),
            (Class::Settling, Some(15_000), &[LATE, LATE, (202, "")][..], None, 2, 20_000),
            (Class::Settling, Some(5_000), &[LATE, (202, "")][..], None, 1, 10_000),
            (Class::Settling, Some(5_000), &[(429, "6"), (202, "")][..], Some(429), 1, 0),
            (Class::Settling, Some(5_000), &[(429, "2"), (202, "")][..], Some(202), 2, 2000),
            (Class::Settling, Some(15_000), &[(404, "")][..], Some(404), 1, 0),
            (Class::Idempotent, None, &[LATE, (429, "60")][..], None, 2, 10_000),
            (Class::Idempotent, None, &[LATE, (404, "")][..], Some(404), 2, 10_000),
        ] {
            let (client, asked) = scripted(script);
            let clock = client.inner.clock;
            let begun = clock.now_millis();
            let until = limit.map(|limit| begun + limit);
            let request = GraphRequest { class: Some(class), until, ..GraphRequest::new(Method::POST, "/x") };
            let result = client.send(&request).await;
            let row = format!("{class:?} {limit:?} {script:?}");
            assert_eq!(result.as_ref().ok().map(|answer| answer.status), expected, "{row}: {result:?}");
            assert_eq!(asked.load(Ordering::SeqCst), tries, "{row}");
            assert!(clock.now_millis() - begun >= least, "{row}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_that_fails_is_let_alone_for_a_while_but_hang_ups_pass() {
        let (client, asked) = scripted(&[(503, "")]);
        let post =
            async |class| client.send(&GraphRequest { class, ..GraphRequest::new(Method::POST, "/x") }).await;
        for _ in 0..10 {
            assert_eq!(post(None).await.unwrap().status, 503);
        }
        let refused = post(None).await.unwrap_err();
        assert!(refused.is_certainly_undone(), "{refused}");
        let words = refused.to_string();
        assert!(words.contains("graph.test has failed since ") && words.contains(" GMT "), "{words}");
        assert_eq!(asked.load(Ordering::SeqCst), 10, "it was not asked");
        let ended = post(Some(Class::HangUp)).await.unwrap();
        assert_eq!((ended.status, asked.load(Ordering::SeqCst)), (503, 13), "a hang-up has its chance");
        // What may be repeated waits until the circuit lets a probe go, and its success lets all others go.
        let (client, asked) =
            scripted(&[LATE, LATE, LATE, LATE, LATE, LATE, LATE, LATE, LATE, LATE, (201, "")]);
        for _ in 0..10 {
            let request = GraphRequest::new(Method::POST, "/x");
            assert!(!client.send(&request).await.unwrap_err().is_certainly_undone());
        }
        let once = GraphRequest { class: Some(Class::OnceOnly), ..GraphRequest::new(Method::POST, "/x") };
        assert_eq!(client.send(&once).await.unwrap().status, 201);
        assert_eq!(asked.load(Ordering::SeqCst), 11);
        assert_eq!(client.send(&GraphRequest::new(Method::POST, "/x")).await.unwrap().status, 201);
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_that_cannot_be_had_is_not_asked_for_by_each_try_and_its_host_has_a_circuit() {
        let net = service(&Arc::default());
        let asked = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&asked);
        let down = async move || {
            count.fetch_add(1, Ordering::SeqCst);
            StatusCode::BAD_GATEWAY
        };
        net.mount("login.test", Router::new().route("/{tenant}/oauth2/v2.0/token", post(down)));
        let client = client(net, "right");
        let request = GraphRequest { class: Some(Class::Safe), ..GraphRequest::new(Method::GET, "/x") };
        for sent in 1..=12 {
            let error = client.send(&request).await.unwrap_err();
            assert!(error.is_certainly_undone() && matches!(error, ClientError::NoToken { .. }), "{error}");
            assert_eq!(asked.load(Ordering::SeqCst), sent.min(10));
            assert_eq!(error.to_string().contains("login.test has failed since"), sent > 10, "{error}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_support_asks_for_is_kept_and_each_try_has_its_own_id() {
        let net = service(&Arc::default());
        let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let answer = async move |headers: HeaderMap| {
            let of = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
            log.lock().unwrap().push((of("client-request-id").unwrap(), of("scenario-id")));
            let told = [
                ("request-id", "r-1"),
                ("x-ms-ags-diagnostic", r#"{"ServerInfo":{"DataCenter":"West Europe"}}"#),
                ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
                ("retry-after", "Sun, 06 Nov 1994 08:49:39 GMT"),
            ];
            (StatusCode::SERVICE_UNAVAILABLE, told)
        };
        net.mount("graph.test", Router::new().route("/v1.0/x", post(answer)));
        let client = client(net, "right");
        let scenario_id = Some(Uuid::from_u128(7));
        let class = Some(Class::Idempotent);
        let request = GraphRequest { scenario_id, class, ..GraphRequest::new(Method::POST, "/x") };
        let answer = client.send(&request).await.unwrap();
        let seen = seen.lock().unwrap();
        let ids: std::collections::BTreeSet<_> = seen.iter().map(|(id, _)| id.clone()).collect();
        assert_eq!((seen.len(), ids.len()), (3, 3));
        assert!(ids.iter().all(|id| Uuid::parse_str(id).is_ok()));
        assert!(seen.iter().all(|(_, id)| *id == scenario_id.map(|id| id.to_string())));
        assert_eq!(answer.retry_after, Some(Duration::from_secs(2)), "by the service's own clock");
        let words = answer.support.to_string();
        for part in [seen[2].0.as_str(), "request-id r-1", "West Europe", "06 Nov 1994"] {
            assert!(words.contains(part), "{words}");
        }
        assert_eq!(answer.support.client_request_id, seen[2].0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_path_cannot_lead_away_from_graph() {
        let client = client(service(&Arc::default()), "right");
        for path in ["https://evil.test/x", "@evil.test/x", ""] {
            let error = get(&client, path).await.unwrap_err();
            assert!(matches!(error, ClientError::Malformed { .. }), "{error}");
        }
    }
}
