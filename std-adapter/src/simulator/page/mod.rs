//! The page: phones to pick up, and the calls as the service sees them.
//!
//! It is served at `/`, from what is compiled in: one HTML file, one style sheet, and a few ES modules. Nothing is built, and
//! nothing is fetched from elsewhere. All that it shows and does goes by the control API under `/sim/v1`.
//!
//! What a bot says is shown as text and never read as HTML, and the policy that comes with each file allows neither scripts
//! nor styles within it.

use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, StatusCode};

/// A file of the page.
#[derive(Clone, Copy)]
struct Asset {
    path: &'static str,
    kind: &'static str,
    text: &'static str,
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

const ASSETS: [Asset; 13] = [
    Asset { path: "/", kind: HTML, text: include_str!("index.html") },
    Asset { path: "/page/style.css", kind: CSS, text: include_str!("style.css") },
    Asset { path: "/page/icon.svg", kind: SVG, text: include_str!("icon.svg") },
    Asset { path: "/page/main.js", kind: SCRIPT, text: include_str!("main.js") },
    Asset { path: "/page/api.js", kind: SCRIPT, text: include_str!("api.js") },
    Asset { path: "/page/dom.js", kind: SCRIPT, text: include_str!("dom.js") },
    Asset { path: "/page/world.js", kind: SCRIPT, text: include_str!("world.js") },
    Asset { path: "/page/sound.js", kind: SCRIPT, text: include_str!("sound.js") },
    Asset { path: "/page/phones.js", kind: SCRIPT, text: include_str!("phones.js") },
    Asset { path: "/page/calls.js", kind: SCRIPT, text: include_str!("calls.js") },
    Asset { path: "/page/ladder.js", kind: SCRIPT, text: include_str!("ladder.js") },
    Asset { path: "/page/scenario.js", kind: SCRIPT, text: include_str!("scenario.js") },
    Asset { path: "/page/settings.js", kind: SCRIPT, text: include_str!("settings.js") },
];

/// What a browser may do with the page: load from here, and nothing else. Sounds come from here as well.
const POLICY: &str =
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";
const PERMISSIONS: &str = "camera=(), geolocation=(), microphone=(self)";

/// Serves the page.
pub(super) fn router() -> Router {
    ASSETS.into_iter().fold(Router::new(), |router, asset| {
        let tag = tag_of(asset.text);
        router.route(asset.path, get(async move |headers: HeaderMap| served(&asset, &tag, &headers)))
    })
}

/// A file; nothing of it where the browser has it already. It asks each time, since another version may run by then.
fn served(asset: &Asset, tag: &str, headers: &HeaderMap) -> Response {
    let is_known = headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let common = [(ETAG, tag), (CACHE_CONTROL, "no-cache"), (CONTENT_SECURITY_POLICY, POLICY)];
    if is_known {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    let others = [
        (CONTENT_TYPE, asset.kind),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("permissions-policy"), PERMISSIONS),
    ];
    (common, others, asset.text).into_response()
}

/// Another one for each text.
fn tag_of(text: &str) -> String {
    let digest = digest(&SHA256, text.as_bytes());
    let mut tag = "\"".to_owned();
    for byte in digest.as_ref().iter().take(12) {
        // A string takes all that is written.
        let _ = write!(tag, "{byte:02x}");
    }
    tag + "\""
}

#[cfg(test)]
mod tests;
