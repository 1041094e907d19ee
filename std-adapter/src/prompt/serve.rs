//! Prompts over HTTP: what the service fetches.
//!
//! | answer | when |
//! | --- | --- |
//! | 200 | the whole prompt, or its head |
//! | 206 | the range that was asked for |
//! | 304 | it is the one that is known already |
//! | 403 | the address is not signed, was changed, or is not good any more |
//! | 404 | there is no such prompt, or not any more |
//! | 416 | the range is not in it |
//! | 500 | it cannot be read or converted any more |
//! | 503 | it is not ready in time |
//!
//! Source: RFC 9110, 8.8.3 (entity tags), 13 (conditions), 14 (ranges).

use std::ops::Range;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH, IF_RANGE,
    RANGE,
};
use http::{HeaderMap, HeaderName, StatusCode, Uri};

use super::cache::{Sound, hex};
use super::error::PromptError;
use super::library::{Claim, Prompts};

impl Prompts {
    /// What serves the prompts at [`Settings::address`](super::Settings::address), to be merged with
    /// [`Bot::router`](crate::bot::Bot::router).
    pub fn router(&self) -> Router {
        let path =
            self.settings().address.parse::<Uri>().map(|uri| uri.path().to_owned()).unwrap_or_default();
        let path = path.trim_end_matches('/').to_owned();
        if path.is_empty() { self.routes() } else { Router::new().nest(&path, self.routes()) }
    }

    /// What serves the prompts, to be nested at whatever path [`Settings::address`](super::Settings::address) comes out at.
    pub fn routes(&self) -> Router {
        Router::new().route("/{file}", get(serve)).with_state(self.clone())
    }
}

/// Why a prompt is not served.
enum Refusal {
    NotSigned,
    Expired,
    Unknown,
    NotMade,
    NotReady,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, text) = match self {
            Self::NotSigned => (StatusCode::FORBIDDEN, "this address is not one that the bot gave"),
            Self::Expired => (StatusCode::FORBIDDEN, "this address is not good any more"),
            Self::Unknown => (StatusCode::NOT_FOUND, "there is no such prompt, or not any more"),
            Self::NotMade => {
                (StatusCode::INTERNAL_SERVER_ERROR, "the prompt cannot be made; the bot's log says why")
            }
            Self::NotReady => {
                (StatusCode::SERVICE_UNAVAILABLE, "the prompt is not ready; the bot's log says why")
            }
        };
        (status, text).into_response()
    }
}

/// The query of a signed address.
struct Signed {
    content: String,
    until: u64,
    signature: String,
}

impl Signed {
    fn read(query: &str) -> Option<Self> {
        let member = |name: &str| {
            let mut found = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
            found.next().map(|(_, value)| value.into_owned())
        };
        Some(Self { content: member("v")?, until: member("e")?.parse().ok()?, signature: member("s")? })
    }
}

async fn serve(
    State(prompts): State<Prompts>,
    Path(file): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    match find(&prompts, &file, query.as_deref()).await {
        Ok((sound, left)) => respond(&sound, left, &headers),
        Err(refusal) => {
            // Nothing of the address: it is a stranger's, or its signature was good.
            match refusal {
                Refusal::NotSigned => {
                    tracing::warn!(
                        "an address of a prompt is not signed with this key; is it the key from before?"
                    );
                }
                Refusal::Expired => {
                    tracing::warn!(
                        "an address of a prompt is over; raise `Settings::valid_for` if it came from a command"
                    );
                }
                // Logged with their reason.
                Refusal::Unknown | Refusal::NotMade | Refusal::NotReady => {}
            }
            refusal.into_response()
        }
    }
}

/// The prompt, and for how many seconds its address is still good.
async fn find(prompts: &Prompts, file: &str, query: Option<&str>) -> Result<(Sound, u64), Refusal> {
    let name = file.strip_suffix(".wav").ok_or(Refusal::NotSigned)?;
    let Signed { content, until, signature } = query.and_then(Signed::read).ok_or(Refusal::NotSigned)?;
    let claim = Claim { name, content: &content, until }.text();
    if !prompts.settings().key.is_good(&claim, &signature) {
        return Err(Refusal::NotSigned);
    }
    let left = until.checked_sub(prompts.now_seconds()).filter(|left| *left > 0).ok_or(Refusal::Expired)?;
    match prompts.sound(name).await {
        Ok(sound) => Ok((sound, left)),
        Err(error) => {
            tracing::error!(prompt = name, %error, "a prompt cannot be served");
            Err(match error {
                PromptError::Unknown(_) => Refusal::Unknown,
                PromptError::TooSlow { .. } => Refusal::NotReady,
                PromptError::Address(_)
                | PromptError::Name(_)
                | PromptError::Duplicate { .. }
                | PromptError::Unreadable { .. }
                | PromptError::Refused { .. }
                | PromptError::Folder(_)
                | PromptError::Full { .. }
                | PromptError::NoTts
                | PromptError::Tts(_) => Refusal::NotMade,
            })
        }
    }
}

/// What of a prompt is asked for.
enum Part {
    Whole,
    Range(Range<usize>),
    Outside,
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// One range is served; of several, or of what is none, the whole is, as a server may.
fn part(headers: &HeaderMap, tag: &str, length: usize) -> Part {
    let is_this = text(headers, IF_RANGE).is_none_or(|known| known == tag);
    let asked = text(headers, RANGE).filter(|_| is_this);
    let Some(Ok(ranges)) = asked.map(http_range_header::parse_range_header) else { return Part::Whole };
    if ranges.len() != 1 {
        return Part::Whole;
    }
    let validated = ranges.validate(u64::try_from(length).unwrap_or(u64::MAX));
    let Some(range) = validated.ok().and_then(|ranges| ranges.into_iter().next()) else {
        return Part::Outside;
    };
    let (Ok(first), Ok(last)) = (usize::try_from(*range.start()), usize::try_from(*range.end())) else {
        return Part::Outside;
    };
    Part::Range(first..last.saturating_add(1))
}

fn respond(sound: &Sound, left: u64, headers: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", hex(sound.digest.get(..16).unwrap_or_default()));
    let length = sound.wav.len();
    let usual = [(ETAG, tag.clone()), (CACHE_CONTROL, format!("private, max-age={left}"))];
    let is_known = text(headers, IF_NONE_MATCH).is_some_and(|known| {
        known.split(',').map(str::trim).any(|known| known == "*" || known.trim_start_matches("W/") == tag)
    });
    if is_known {
        return (StatusCode::NOT_MODIFIED, usual).into_response();
    }
    let (status, body, range) = match part(headers, &tag, length) {
        Part::Whole => (StatusCode::OK, sound.wav.clone(), None),
        Part::Range(range) => {
            let (first, last) = (range.start, range.end.saturating_sub(1));
            let body = sound.wav.get(range).map(|part| sound.wav.slice_ref(part)).unwrap_or_default();
            (StatusCode::PARTIAL_CONTENT, body, Some(format!("bytes {first}-{last}/{length}")))
        }
        Part::Outside => (StatusCode::RANGE_NOT_SATISFIABLE, Bytes::new(), Some(format!("bytes */{length}"))),
    };
    let about = [
        (CONTENT_TYPE, "audio/wav".to_owned()),
        (CONTENT_LENGTH, body.len().to_string()),
        (ACCEPT_RANGES, "bytes".to_owned()),
    ];
    let mut response = (status, usual, about, Body::from(body)).into_response();
    if let Some(range) = range.and_then(|range| range.parse().ok()) {
        response.headers_mut().insert(CONTENT_RANGE, range);
    }
    response
}

#[cfg(test)]
mod tests;
