//! The client of Graph: tokens, limits of time, and nothing that repeats a request behind the caller's back.
//!
//! Who the bot is, [`Credentials`] say, and where the services are, [`Endpoints`] of a [`Cloud`]. A token is fetched once for
//! however many ask, kept per tenant, and fetched anew some minutes before it expires. A request that is answered 401 is sent
//! once more with a new token: a 401 means that nothing was done. Everything else is the caller's to decide, who knows what
//! may be repeated.
//!
//! Source: Microsoft identity platform, client credentials flow; Graph docs, Microsoft Graph error responses.

mod certificate;
mod cloud;
mod credentials;
mod endpoints;
mod federation;
mod managed_identity;
mod platform;
mod refusal;
mod token;
mod token_source;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use callflow_core::permission::Grants;
use http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use secrecy::{ExposeSecret, SecretString};
use token::Tokens;
use tracing::Instrument;

use crate::clock::Clock;
use crate::transport::{Transport, TransportError};

pub use certificate::{Certificate, CertificateError};
pub use cloud::{Cloud, UnknownCloud};
pub use credentials::{Credentials, EnvironmentError, Proof};
pub use endpoints::Endpoints;
pub use federation::{AssertionSource, Federation};
pub use managed_identity::ManagedIdentity;
pub use token_source::{AccessToken, Fetch, TokenError, TokenSource};

/// Limits of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long one exchange may take.
    pub exchange: Duration,
    /// How long before its end a token is replaced, at most a tenth of its life.
    pub renew_before: Duration,
}

impl Default for Limits {
    /// Ten seconds an exchange: a call waits 15 to be answered. Five minutes before a token's end.
    fn default() -> Self {
        Self { exchange: Duration::from_secs(10), renew_before: Duration::from_secs(300) }
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
    /// `request-id`, to be given to Microsoft's support.
    pub request_id: Option<String>,
    /// `Retry-After` in seconds, where it was given so.
    pub retry_after: Option<Duration>,
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
        reason: TokenError,
    },
    /// The request could not be made: nothing was sent.
    #[error("cannot make a request for {path}: {reason}")]
    Malformed {
        /// The path.
        path: String,
        /// Why.
        reason: String,
    },
    /// The network failed.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

impl ClientError {
    /// Whether Graph certainly did nothing.
    pub fn is_certainly_undone(&self) -> bool {
        match self {
            Self::NoToken { .. } | Self::Malformed { .. } => true,
            Self::Transport(error) => error.is_certainly_undone(),
        }
    }
}

/// The client. Clones share their tokens.
#[derive(Clone)]
pub struct GraphClient {
    inner: Arc<Inner>,
}

struct Inner {
    endpoints: Endpoints,
    limits: Limits,
    transport: Arc<dyn Transport>,
    tokens: Tokens,
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
        let tokens = Tokens::new(credentials, endpoints.clone(), limits, Arc::clone(&transport), clock);
        Self { inner: Arc::new(Inner { endpoints, limits, transport, tokens }) }
    }

    /// Sends a request to `path`, below Graph's base, with a token of `tenant_id` or of the bot's own tenant.
    ///
    /// # Errors
    /// [`ClientError`], which says whether Graph certainly did nothing. Any status is an [`Answer`].
    pub async fn send(
        &self,
        tenant_id: Option<&str>,
        method: Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<Answer, ClientError> {
        let span =
            tracing::info_span!("graph", %method, path = without_query(path), status = tracing::field::Empty);
        self.exchange(tenant_id, method, path, body).instrument(span).await
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

    async fn exchange(
        &self,
        tenant_id: Option<&str>,
        method: Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<Answer, ClientError> {
        let tenant = tenant_id.unwrap_or(self.inner.tokens.home_tenant());
        let token = self.inner.tokens.get(tenant, None).await?;
        let answer = self.attempt(&token, &method, path, body.clone()).await?;
        if answer.status != 401 {
            return Ok(answer);
        }
        tracing::info!("the token was refused; trying once with a new one");
        let token = self.inner.tokens.get(tenant, Some(&token)).await?;
        self.attempt(&token, &method, path, body).await
    }

    async fn attempt(
        &self,
        token: &SecretString,
        method: &Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<Answer, ClientError> {
        let malformed =
            |reason: String| ClientError::Malformed { path: without_query(path).to_owned(), reason };
        if !path.starts_with('/') {
            return Err(malformed(
                "a path below Graph's base is expected, with its leading slash".to_owned(),
            ));
        }
        let uri: Uri = format!("{}{path}", self.inner.endpoints.graph)
            .parse()
            .map_err(|e: http::uri::InvalidUri| malformed(e.to_string()))?;
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()))
            .map_err(|_| malformed("the token is no header value".to_owned()))?;
        bearer.set_sensitive(true);
        let client_request_id = uuid::Uuid::new_v4().to_string();
        let mut request = Request::builder()
            .method(method)
            .uri(uri)
            .header(AUTHORIZATION, bearer)
            .header("client-request-id", client_request_id.as_str());
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request.body(body.unwrap_or_default()).map_err(|e| malformed(e.to_string()))?;
        let response = within(&*self.inner.transport, self.inner.limits.exchange, request).await?;
        let status = response.status().as_u16();
        tracing::Span::current().record("status", status);
        let header = |name: &str| text(response.headers(), name);
        let answer = Answer {
            status,
            location: header(LOCATION.as_str()),
            request_id: header("request-id"),
            retry_after: header(RETRY_AFTER.as_str())
                .and_then(|secs| secs.trim().parse().ok())
                .map(Duration::from_secs),
            body: response.into_body(),
        };
        tracing::debug!(status, request_id = answer.request_id, client_request_id, "answered");
        Ok(answer)
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
    use axum::routing::{get, post};
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
        net.mount("graph.test", Router::new().route("/v1.0/x", get(answer)).route("/v1.0/slow", get(slow)));
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

    #[tokio::test(start_paused = true)]
    async fn a_hundred_at_once_fetch_one_token_and_a_later_one_renews_it() {
        let counts = Arc::new(Counts::default());
        let client = client(service(&counts), "right");
        let asks: Vec<_> = (0..100)
            .map(|_| {
                let client = client.clone();
                tokio::spawn(async move { client.send(None, Method::GET, "/x", None).await.unwrap().status })
            })
            .collect();
        for ask in asks {
            assert_eq!(ask.await.unwrap(), 200);
        }
        assert_eq!(counts.tokens.load(Ordering::SeqCst), 1);
        tokio::time::advance(Duration::from_secs(3301)).await;
        let answer = client.send(None, Method::GET, "/x", None).await.unwrap();
        assert_eq!(answer.body, "Bearer token-1", "renewed before its end");
        assert_eq!(client.send(Some("other"), Method::GET, "/x", None).await.unwrap().body, "Bearer token-2");
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_token_is_replaced_once() {
        let counts = Arc::new(Counts::default());
        let client = client(service(&counts), "right");
        counts.requests.store(100, Ordering::SeqCst);
        let answer = client.send(None, Method::GET, "/x", None).await.unwrap();
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
        let slow = client.send(None, Method::GET, "/slow", None).await.unwrap_err();
        assert!(!slow.is_certainly_undone(), "{slow}");
        net.unmount("graph.test");
        let gone = client.send(None, Method::GET, "/x", None).await.unwrap_err();
        assert!(gone.is_certainly_undone() && gone.to_string().contains("graph.test"), "{gone}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_path_cannot_lead_away_from_graph() {
        let client = client(service(&Arc::default()), "right");
        for path in ["https://evil.test/x", "@evil.test/x", ""] {
            let error = client.send(None, Method::GET, path, None).await.unwrap_err();
            assert!(matches!(error, ClientError::Malformed { .. }), "{error}");
        }
    }
}
