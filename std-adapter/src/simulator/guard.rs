//! Keeps web pages elsewhere, and whoever has no key, away from a simulator.
//!
//! A browser on this machine reaches loopback for any page that it shows. So every request must name a host that the
//! simulator is known by (a page can give its own name our address: DNS rebinding), and whatever steers it or shows its
//! state must not come from a page of another origin: not as a form, a script, an image or a frame. No answer has CORS
//! headers. A request without a browser behind it has neither `Origin` nor `Sec-Fetch-Site`, and passes.
//!
//! Source: Fetch Metadata Request Headers (W3C); RFC 6454 (origins); OWASP, cross-site request forgery prevention.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::extract::{Query, Request, State};
use axum::middleware::{FromFnLayer, Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, ORIGIN, REFERRER_POLICY, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::uri::Authority;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::json;

use super::Config;
use super::access::{Key, LINK_PATH};
use super::credential::Real;
use super::tls::Encrypted;
use super::tokens::Keys;

/// What is let through.
pub(super) struct Policy {
    /// In lower case, without brackets.
    hosts: Vec<String>,
    key: Option<Key>,
}

type Checked = Pin<Box<dyn Future<Output = Response> + Send>>;
type Check<S> = fn(State<S>, Request, Next) -> Checked;
/// A layer of a router.
pub(super) type Layer<S> = FromFnLayer<Check<S>, S, (State<S>, Request)>;

/// Why a request is not let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    NoHost,
    Host,
    Elsewhere,
    NoKey,
    Link,
    Real(Real),
}

impl Policy {
    pub(super) fn of(config: &Config) -> Arc<Self> {
        let base = config.base.parse::<http::Uri>().ok();
        let base = base.as_ref().and_then(http::Uri::host);
        let hosts = base.into_iter().chain(config.access.hosts.iter().map(String::as_str));
        let key = config.access.key.clone().filter(|key| !key.expose_secret().is_empty()).map(Key::new);
        Arc::new(Self { hosts: hosts.map(bare).collect(), key })
    }

    /// A path that gives the key to a browser, once; none where there is no key.
    pub(super) fn link(&self) -> Option<String> {
        self.key.as_ref().map(Key::link)
    }

    fn is_known(&self, host: &str) -> bool {
        let host = bare(host);
        let is_loopback = host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        host == "localhost" || is_loopback || self.hosts.contains(&host)
    }
}

/// A host in one spelling.
fn bare(host: &str) -> String {
    host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase()
}

/// For everything that is served: the host must be one of ours, and what is shown as a token not that of a real tenant.
pub(super) fn outermost(policy: Arc<Policy>, keys: Arc<Keys>) -> Layer<(Arc<Policy>, Arc<Keys>)> {
    let check: Check<(Arc<Policy>, Arc<Keys>)> = |State((policy, keys)), request, next| {
        Box::pin(async move {
            match is_for_us(&policy, &keys, &request) {
                Ok(()) => next.run(request).await,
                Err(refusal) => refusal.into_response(),
            }
        })
    };
    from_fn_with_state((policy, keys), check)
}

/// For the page and all that steers: no page of another origin may ask, and the key must be shown where there is one.
///
/// A request that is safe in HTTP's sense (GET, HEAD) must change nothing: a link elsewhere may lead to it.
pub(super) fn layer(policy: Arc<Policy>) -> Layer<Arc<Policy>> {
    let check: Check<Arc<Policy>> = |State(policy), request, next| {
        Box::pin(async move {
            let mut response = match may_steer(&policy, &request) {
                Ok(()) => next.run(request).await,
                Err(refusal) => refusal.into_response(),
            };
            for (name, value) in HEADERS {
                response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
            }
            response
        })
    };
    from_fn_with_state(policy, check)
}

/// What a browser is told with every answer: to show it in no frame, give it to no other origin, guess no type, keep
/// nothing, and tell nobody its address.
const HEADERS: [(HeaderName, &str); 7] = [
    (CONTENT_SECURITY_POLICY, "frame-ancestors 'none'"),
    (X_FRAME_OPTIONS, "DENY"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// Where a browser is given the key, and a client that has it gets a link for one.
pub(super) fn links(policy: &Arc<Policy>) -> Router {
    let with_key = Router::new().route(LINK_PATH, post(make_link)).layer(layer(Arc::clone(policy)));
    Router::new().route(LINK_PATH, get(enter)).merge(with_key).with_state(Arc::clone(policy))
}

#[derive(Deserialize)]
struct Entering {
    #[serde(default)]
    code: String,
}

async fn enter(
    State(policy): State<Arc<Policy>>,
    Query(asked): Query<Entering>,
    request: Request,
) -> Response {
    let is_encrypted = request.extensions().get::<Encrypted>().is_some();
    let entered = policy.key.as_ref().and_then(|key| key.enter(&asked.code, is_encrypted));
    let mut response = entered.unwrap_or_else(|| Refusal::Link.into_response());
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn make_link(State(policy): State<Arc<Policy>>) -> Response {
    match policy.link() {
        Some(link) => Json(json!({"link": link})).into_response(),
        None => Refusal::Link.into_response(),
    }
}

fn is_for_us(policy: &Policy, keys: &Keys, request: &Request) -> Result<(), Refusal> {
    let authority = authority(request).ok_or(Refusal::NoHost)?;
    if !policy.is_known(authority.host()) {
        return Err(Refusal::Host);
    }
    for shown in request.headers().get_all(AUTHORIZATION) {
        let token =
            shown.to_str().ok().and_then(|text| text.split_once(' ')).map_or("", |(_, token)| token.trim());
        match Real::of(token) {
            Some(real) if !keys.signed_by_us(token) => return Err(Refusal::Real(real)),
            Some(_) | None => {}
        }
    }
    Ok(())
}

/// Host and port that a request names: one, and nobody's name before it.
fn authority(request: &Request) -> Option<Authority> {
    let mut named = request.headers().get_all(HOST).iter();
    let authority = match (named.next(), named.next()) {
        (Some(host), None) => host.to_str().ok()?.parse().ok()?,
        (Some(_), Some(_)) => return None,
        // A request within the process has no such header.
        (None, _) => request.uri().authority()?.clone(),
    };
    (!authority.as_str().contains('@')).then_some(authority)
}

fn may_steer(policy: &Policy, request: &Request) -> Result<(), Refusal> {
    if is_of_elsewhere(request) {
        return Err(Refusal::Elsewhere);
    }
    match &policy.key {
        Some(key) if !key.is_shown(request.headers()) => Err(Refusal::NoKey),
        Some(_) | None => Ok(()),
    }
}

/// Whether a page of another origin sent it. Going to our page by a link, or by an address, is not that.
fn is_of_elsewhere(request: &Request) -> bool {
    let of = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap_or("?"));
    let is_visit = matches!(*request.method(), Method::GET | Method::HEAD)
        && of("sec-fetch-mode") == Some("navigate")
        && of("sec-fetch-dest") == Some("document");
    match of("sec-fetch-site") {
        Some("same-origin" | "none") | None => {}
        Some(_) if is_visit => {}
        Some(_) => return true,
    }
    request.headers().get_all(ORIGIN).iter().any(|origin| !is_own(origin, request))
}

/// Whether an origin is that under which the request itself came.
fn is_own(origin: &HeaderValue, request: &Request) -> bool {
    let scheme = if request.extensions().get::<Encrypted>().is_some() { "https" } else { "http" };
    let own = authority(request).map(|authority| format!("{scheme}://{authority}"));
    own.is_some_and(|own| origin.as_bytes().eq_ignore_ascii_case(own.as_bytes()))
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code, message) = match self {
            Self::NoHost => (StatusCode::BAD_REQUEST, "noHost", "Name one host, by the header Host."),
            Self::Host => (
                StatusCode::MISDIRECTED_REQUEST,
                "wrongHost",
                "The simulator is not known by this name. Come by localhost, or start it with --host and this name.",
            ),
            Self::Elsewhere => (
                StatusCode::FORBIDDEN,
                "wrongOrigin",
                "A web page of another origin sent this. Only the simulator's own page may steer it, and programs.",
            ),
            Self::NoKey => (
                StatusCode::UNAUTHORIZED,
                "noKey",
                "Show the key that the simulator printed as `Authorization: Bearer …`, or open the link that it printed.",
            ),
            Self::Link => (
                StatusCode::FORBIDDEN,
                "noSuchLink",
                "This link was used before, or is none. With the key, POST /sim/session gives another.",
            ),
            Self::Real(real) => (StatusCode::UNAUTHORIZED, "realCredential", real.words()),
        };
        let mut response =
            (status, Json(json!({"error": {"code": code, "message": message}}))).into_response();
        if self == Self::NoKey {
            let challenge = HeaderValue::from_static("Bearer realm=\"callflow sim\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

#[cfg(test)]
mod tests;
