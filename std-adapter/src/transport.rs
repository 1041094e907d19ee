//! One trait under everything that speaks HTTP: a request goes out, a response comes back.
//!
//! In life it is [`Https`] (reqwest over rustls). In tests it is a [`InProcess`] transport, which calls axum routers
//! directly, so that a paused clock makes a thousand calls with all their timeouts run in seconds. Nothing above this
//! module knows which of the two it has.
//!
//! Neither follows redirects: a `302` must not carry a token to another host.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response, Uri};
use tower::ServiceExt;

/// The most that a response body may hold, in bytes: Graph's answers are a few KiB, a prompt is a few MiB.
pub const MAX_RESPONSE_BYTES: usize = 32 * 1024 * 1024;

/// What a request became.
pub type Exchange = Pin<Box<dyn Future<Output = Result<Response<Bytes>, TransportError>> + Send>>;

/// What a request became whose response's body comes in pieces.
pub type Streamed = Pin<Box<dyn Future<Output = Result<Response<Body>, TransportError>> + Send>>;

/// Carries HTTP requests.
///
/// An implementation need not know about tokens, retries or Graph; it tells only whether the request may have arrived.
pub trait Transport: Send + Sync + 'static {
    /// Sends `request`, whose URI is absolute, and resolves to its response with the whole body.
    fn send(&self, request: Request<Bytes>) -> Exchange;

    /// Sends `request`, and resolves to its response as soon as its head is there. How long the pieces of the body may
    /// take, and how many there may be, is the caller's to limit.
    ///
    /// Without an implementation of its own it is [`Self::send`], whose body comes as one piece.
    fn stream(&self, request: Request<Bytes>) -> Streamed {
        let sent = self.send(request);
        Box::pin(async move { Ok(sent.await?.map(Body::from)) })
    }
}

/// Why there is no response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The request never left: nothing was done at the far side.
    #[error("cannot reach {host}: {reason}; check that the address is right and the host answers")]
    Unreachable {
        /// Host and port that were tried.
        host: String,
        /// What the network said.
        reason: String,
    },
    /// The request may have arrived, but no whole response came back: whether it took effect is not known.
    #[error("no answer from {host}: {reason}; the request may or may not have taken effect")]
    NoAnswer {
        /// Host and port that were asked.
        host: String,
        /// What went wrong.
        reason: String,
    },
    /// The host failed many times one after another, so that nothing is sent to it for a while.
    #[error(
        "{host} has failed since {} and is not asked again for {wait:?}; look whether it is down, or wait",
        crate::clock::in_words(*.since)
    )]
    CircuitOpen {
        /// Host and port.
        host: String,
        /// Since when, in milliseconds since the Unix epoch.
        since: u64,
        /// Until when, as `since`.
        until: u64,
        /// How long that is from now.
        wait: Duration,
    },
    /// The request is not one that this transport may send.
    #[error("will not send to {uri}: {reason}")]
    Forbidden {
        /// The target, without its query.
        uri: String,
        /// Why, and what to do.
        reason: String,
    },
}

impl TransportError {
    /// Whether the far side certainly did nothing.
    pub fn is_certainly_undone(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::CircuitOpen { .. } | Self::Forbidden { .. } => true,
            Self::NoAnswer { .. } => false,
        }
    }
}

/// Host and port of `uri`, for messages; never its path or query, which may hold secrets.
fn host_of(uri: &Uri) -> String {
    uri.authority()
        .map_or_else(|| "(no host)".to_owned(), |a| a.as_str().rsplit('@').next().unwrap_or("").to_owned())
}

/// Whether `uri` is one that may be used without TLS: its host is this machine's own.
pub fn is_loopback(uri: &Uri) -> bool {
    let Some(host) = uri.host() else { return false };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost") || bare.parse::<std::net::IpAddr>().is_ok_and(|a| a.is_loopback())
}

/// Whether `uri` is that of the service from which a machine of Azure has the tokens of its managed identity. It is part of
/// the host, speaks plain http only, and is not reached through a network: `http://169.254.169.254/metadata/identity/…` of a
/// virtual machine, and a link-local address with the path `/msi/token` of App Service on Linux.
///
/// Source: Azure docs, managed identities: how to use a token on a virtual machine; the second from field reports.
pub fn is_managed_identity(uri: &Uri) -> bool {
    let Some(authority) = uri.authority() else { return false };
    let path = uri.path();
    let is_straight = !path.contains("..") && !path.contains('%');
    let is_metadata =
        authority.as_str() == "169.254.169.254" && path.starts_with("/metadata/identity/") && is_straight;
    let is_link_local = authority.host().parse::<std::net::Ipv4Addr>().is_ok_and(|a| a.is_link_local());
    is_metadata || (is_link_local && !authority.as_str().contains('@') && path == "/msi/token")
}

/// Refuses plain http to another machine. The service of a managed identity is the one exception
/// ([`is_managed_identity`]).
///
/// # Errors
/// [`TransportError::Forbidden`]: use https, or a loopback address.
pub fn check_scheme(uri: &Uri) -> Result<(), TransportError> {
    let forbidden = |reason: &str| {
        Err(TransportError::Forbidden {
            uri: format!("{}://{}{}", uri.scheme_str().unwrap_or(""), host_of(uri), uri.path()),
            reason: reason.to_owned(),
        })
    };
    match uri.scheme_str() {
        Some("https") => Ok(()),
        Some("http") if is_loopback(uri) || is_managed_identity(uri) => Ok(()),
        Some("http") => forbidden("plain http is for loopback addresses only; use https"),
        _ => forbidden("not an absolute http or https address"),
    }
}

/// HTTP over the network, by reqwest and rustls.
#[derive(Clone, Debug)]
pub struct Https {
    direct: reqwest::Client,
    /// For plain http, which is for this machine: a proxy would be another one.
    local: reqwest::Client,
}

impl Https {
    /// A transport that gives up connecting after `connect` and waits at most `total` for a whole response.
    ///
    /// # Errors
    /// [`TransportError::Unreachable`] where TLS cannot be set up on this machine.
    pub fn try_new(connect: Duration, total: Duration) -> Result<Self, TransportError> {
        Self::build(connect, total, &[])
    }

    /// The same, which besides this machine's authorities trusts those in `pem`: for a test double alone, since whoever has
    /// the key of one of them can be any host to it.
    ///
    /// # Errors
    /// [`TransportError::Unreachable`] where there is no certificate in `pem`, or as in [`Self::try_new`].
    pub fn try_new_trusting(connect: Duration, total: Duration, pem: &[u8]) -> Result<Self, TransportError> {
        let refuse = |reason: String| TransportError::Unreachable { host: "(local)".to_owned(), reason };
        let authorities = reqwest::Certificate::from_pem_bundle(pem).map_err(|e| refuse(chain(&e)))?;
        if authorities.is_empty() {
            return Err(refuse("there is no `BEGIN CERTIFICATE` in it".to_owned()));
        }
        Self::build(connect, total, &authorities)
    }

    fn build(
        connect: Duration,
        total: Duration,
        authorities: &[reqwest::Certificate],
    ) -> Result<Self, TransportError> {
        // reqwest repeats by itself only what an HTTP/2 server said it did not take (REFUSED_STREAM, or a GOAWAY without
        // error for streams beyond its last one), and hyper what was not written to a connection that was closing.
        let builder = || {
            reqwest::Client::builder()
                .tls_certs_merge(authorities.iter().cloned())
                .redirect(reqwest::redirect::Policy::none())
                .connect_timeout(connect)
                .timeout(total)
                .user_agent(concat!("callflow/", env!("CARGO_PKG_VERSION")))
        };
        let built = |builder: reqwest::ClientBuilder| {
            builder
                .build()
                .map_err(|e| TransportError::Unreachable { host: "(local)".to_owned(), reason: chain(&e) })
        };
        Ok(Self { direct: built(builder())?, local: built(builder().no_proxy())? })
    }

    fn client_for(&self, uri: &Uri) -> reqwest::Client {
        if uri.scheme_str() == Some("http") { self.local.clone() } else { self.direct.clone() }
    }
}

/// The longest that the body of a streamed response may take: its reader limits each piece.
const STREAM_WITHIN: Duration = Duration::from_secs(24 * 3600);

fn classify(host: &str, error: &reqwest::Error) -> TransportError {
    let (host, reason) = (host.to_owned(), chain(error));
    if error.is_connect() || error.is_builder() {
        TransportError::Unreachable { host, reason }
    } else {
        TransportError::NoAnswer { host, reason }
    }
}

impl Transport for Https {
    fn stream(&self, request: Request<Bytes>) -> Streamed {
        let client = self.client_for(request.uri());
        Box::pin(async move {
            check_scheme(request.uri())?;
            let host = host_of(request.uri());
            let mut outgoing = reqwest::Request::try_from(request).map_err(|e| classify(&host, &e))?;
            *outgoing.timeout_mut() = Some(STREAM_WITHIN);
            let answer = client.execute(outgoing).await.map_err(|e| classify(&host, &e))?;
            Ok(Response::<reqwest::Body>::from(answer).map(Body::new))
        })
    }

    fn send(&self, request: Request<Bytes>) -> Exchange {
        let client = self.client_for(request.uri());
        Box::pin(async move {
            check_scheme(request.uri())?;
            let host = host_of(request.uri());
            let classify = |e: &reqwest::Error| classify(&host, e);
            let outgoing = reqwest::Request::try_from(request).map_err(|e| classify(&e))?;
            let mut answer = client.execute(outgoing).await.map_err(|e| classify(&e))?;
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = answer.status();
            *response.headers_mut() = std::mem::take(answer.headers_mut());
            let mut body = Vec::new();
            while let Some(piece) = answer.chunk().await.map_err(|e| classify(&e))? {
                if body.len().saturating_add(piece.len()) > MAX_RESPONSE_BYTES {
                    return Err(TransportError::NoAnswer {
                        host,
                        reason: "response body too large".to_owned(),
                    });
                }
                body.extend_from_slice(&piece);
            }
            *response.body_mut() = Bytes::from(body);
            Ok(response)
        })
    }
}

/// What an error and its causes say, without URLs.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut words = Vec::new();
    let mut next = Some(error);
    while let Some(e) = next {
        let text = e.to_string();
        // reqwest's own texts repeat the URL, which may be signed; its causes do not.
        if e.downcast_ref::<reqwest::Error>().is_none() && !words.contains(&text) {
            words.push(text);
        }
        next = e.source();
    }
    if words.is_empty() { "the connection failed".to_owned() } else { words.join(": ") }
}

/// HTTP without a network: requests go to axum routers by their host.
///
/// A host that no router was mounted for is [`TransportError::Unreachable`].
#[derive(Clone, Default)]
pub struct InProcess {
    hosts: Arc<RwLock<HashMap<String, Router>>>,
}

impl std::fmt::Debug for InProcess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hosts = self.hosts.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("InProcess").field("hosts", &hosts.keys()).finish()
    }
}

impl InProcess {
    /// A network without hosts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Serves everything sent to `host` (and port, where the URLs have one) by `router`; replaces an earlier one.
    pub fn mount(&self, host: impl Into<String>, router: Router) {
        self.hosts.write().unwrap_or_else(PoisonError::into_inner).insert(host.into(), router);
    }

    /// Takes `host` off this network, as if its machine were gone.
    pub fn unmount(&self, host: &str) {
        self.hosts.write().unwrap_or_else(PoisonError::into_inner).remove(host);
    }
}

impl Transport for InProcess {
    fn send(&self, request: Request<Bytes>) -> Exchange {
        let host = host_of(request.uri());
        let streamed = self.stream(request);
        Box::pin(async move {
            let (parts, body) = streamed.await?.into_parts();
            let body = axum::body::to_bytes(body, MAX_RESPONSE_BYTES)
                .await
                .map_err(|e| TransportError::NoAnswer { host, reason: e.to_string() })?;
            Ok(Response::from_parts(parts, body))
        })
    }

    fn stream(&self, request: Request<Bytes>) -> Streamed {
        let host = host_of(request.uri());
        let router = self.hosts.read().unwrap_or_else(PoisonError::into_inner).get(&host).cloned();
        Box::pin(async move {
            check_scheme(request.uri())?;
            let Some(router) = router else {
                return Err(TransportError::Unreachable { host, reason: "no such host".to_owned() });
            };
            let Ok(response) = router.oneshot(request.map(Body::from)).await;
            Ok(response)
        })
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;

    use super::*;

    fn uri(text: &str) -> Uri {
        text.parse().unwrap()
    }

    #[test]
    fn plain_http_leaves_for_loopback_only() {
        for (text, allowed) in [
            ("https://graph.microsoft.com/v1.0", true),
            ("http://127.0.0.1:80/x", true),
            ("http://[::1]:80/x", true),
            ("http://localhost/x", true),
            ("http://graph.microsoft.com/v1.0", false),
            ("http://169.254.169.254/metadata/identity/oauth2/token?api-version=1", true),
            ("http://169.254.169.254/metadata/instance", false),
            ("http://169.254.169.254/metadata/identity/../instance", false),
            ("http://169.254.169.254/metadata/identity/%2e%2e/instance", false),
            ("http://169.254.169.254/", false),
            ("http://169.254.169.254:8080/metadata/identity/oauth2/token", false),
            ("http://169.254.169.254.example.com/metadata/identity/oauth2/token", false),
            ("http://169.254.169.253/metadata/identity/oauth2/token", false),
            ("http://169.254.129.2:8081/msi/token?resource=x", true),
            ("http://169.254.129.2:8081/msi/token/x", false),
            ("http://10.0.0.1:8081/msi/token", false),
            ("http://127.0.0.1.example.com/", false),
            ("/relative", false),
        ] {
            assert_eq!(check_scheme(&uri(text)).is_ok(), allowed, "{text}");
        }
    }

    #[tokio::test]
    async fn a_mounted_host_answers_and_another_is_unreachable() {
        let net = InProcess::new();
        net.mount("bot.test", Router::new().route("/hi", get(|| async { "hello" })));
        let ask = |to: &str| net.send(Request::get(to).body(Bytes::new()).unwrap());
        assert_eq!(ask("https://bot.test/hi").await.unwrap().body(), "hello");
        let lost = ask("https://other.test/hi").await.unwrap_err();
        assert!(lost.is_certainly_undone(), "{lost}");
        assert!(lost.to_string().contains("other.test"));
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let away = async || (http::StatusCode::FOUND, [(http::header::LOCATION, "/elsewhere")]);
        let router = Router::new().route("/here", get(away)).route("/elsewhere", get(async || "followed"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let https = Https::try_new(Duration::from_secs(2), Duration::from_secs(2)).unwrap();
        let request = Request::get(format!("http://{address}/here")).body(Bytes::new()).unwrap();
        assert_eq!(https.send(request).await.unwrap().status(), 302);
    }

    #[tokio::test]
    async fn a_closed_port_is_certainly_undone() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let https = Https::try_new(Duration::from_secs(1), Duration::from_secs(2)).unwrap();
        let request = Request::get(format!("http://{address}/secret?sig=abc")).body(Bytes::new()).unwrap();
        let error = https.send(request).await.unwrap_err();
        assert!(error.is_certainly_undone(), "{error}");
        assert!(!error.to_string().contains("abc"), "{error}");
    }
}
