//! What happened: every request, notification and deed, numbered in its order.
//!
//! A page, a ladder or a test reads it from any number on, so that a reader whose connection broke goes on where it was.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::{OriginalUri, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{AUTHORIZATION, COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, Method, StatusCode};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use tokio::sync::{mpsc, watch};

use super::fault::{self, Fault};
use super::service::Served;

/// How much of a body is taken; the service's own limit is not documented.
const BODY_LIMIT: usize = 1024 * 1024;

/// Something that happened at the simulator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Observed {
    /// Its place among all that happened, from 1 on.
    pub number: u64,
    /// When, in milliseconds since the Unix epoch.
    pub at: u64,
    /// To which call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What was observed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "camelCase")]
#[non_exhaustive]
pub enum What {
    /// A request was answered.
    Request {
        /// Its method.
        method: String,
        /// Its path.
        path: String,
        /// The status of the answer.
        status: u16,
        /// The rest of it.
        #[serde(flatten)]
        #[schema(inline)]
        exchange: Arc<Exchange>,
    },
    /// A notification was posted.
    Notification {
        /// What it told.
        about: String,
        /// The status that the bot answered with, or why there is none.
        result: String,
        /// The rest of it.
        #[serde(flatten)]
        #[schema(inline)]
        posted: Arc<Posted>,
    },
    /// A prompt is heard, or no longer.
    Prompt {
        /// Whether it begins, ends or is stopped.
        did: Play,
        /// Which.
        #[serde(flatten)]
        #[schema(inline)]
        heard: Heard,
    },
    /// Something went wrong on purpose.
    Fault {
        /// What.
        #[schema(value_type = String)]
        fault: Fault,
        /// The request or notification that it struck.
        about: String,
    },
    /// A person did something.
    Person {
        /// Who.
        name: String,
        /// What.
        did: String,
    },
}

/// A prompt that is heard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Heard {
    /// The operation that plays it.
    pub operation: String,
    /// Where it can be heard, below the simulator's base: a WAV file.
    pub sound: String,
    /// How long it is, in milliseconds.
    pub length_ms: u64,
}

/// What a prompt does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Play {
    /// It begins.
    Begins,
    /// It comes to its end.
    Ends,
    /// It is stopped before its end.
    Stopped,
}

/// What a request and its answer say beside method, path and status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Exchange {
    /// What stands behind the path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// The request's headers, without tokens.
    pub headers: Headers,
    /// The request's body.
    pub body: Text,
    /// The answer's headers.
    pub answer_headers: Headers,
    /// The answer's body.
    pub answer: Text,
}

/// What a notification says beside what it tells of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Posted {
    /// Where it was posted.
    pub to: String,
    /// Its body.
    pub body: Text,
    /// How often it was posted until it was accepted, or given up.
    pub tries: u64,
    /// When it was posted first, in milliseconds since the Unix epoch: the entry itself comes with the answer, and what the bot
    /// asked meanwhile comes before it.
    pub sent_at: u64,
}

/// Headers in their order, with their names in small letters.
#[derive(Clone, Debug, Default, PartialEq, Eq, utoipa::ToSchema)]
#[schema(value_type = std::collections::HashMap<String, String>)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    fn of(headers: &HeaderMap) -> Self {
        let shown = headers.iter().map(|(name, value)| {
            let is_secret = [AUTHORIZATION, COOKIE, SET_COOKIE].contains(name);
            let value =
                if is_secret { "(not kept)".into() } else { String::from_utf8_lossy(value.as_bytes()) };
            (name.as_str().to_owned(), value.into_owned())
        });
        Self(shown.collect())
    }

    /// The first header of this name, which is written in small letters.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Serialize for Headers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// A body: JSON as it came, or other text.
#[derive(Clone, Debug, Default, PartialEq, Eq, utoipa::ToSchema)]
#[schema(value_type = Object)]
pub struct Text(Bytes);

impl Text {
    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// As JSON, where it is such.
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.0).ok()
    }
}

impl From<Bytes> for Text {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match serde_json::from_slice::<&RawValue>(&self.0) {
            Ok(json) => json.serialize(serializer),
            Err(_) if self.0.is_empty() => serializer.serialize_none(),
            Err(_) => serializer.serialize_str(&String::from_utf8_lossy(&self.0)),
        }
    }
}

/// The history of one simulator.
pub(super) struct History {
    inner: Mutex<Inner>,
    newest: watch::Sender<u64>,
    limit: usize,
}

#[derive(Default)]
struct Inner {
    kept: VecDeque<Observed>,
    newest: u64,
    watchers: Vec<mpsc::UnboundedSender<Observed>>,
}

impl History {
    /// One that keeps this many entries; the oldest are forgotten first.
    pub(super) fn new(limit: usize) -> Self {
        Self { inner: Mutex::default(), newest: watch::Sender::new(0), limit }
    }

    pub(super) fn note(&self, at: u64, call: Option<String>, what: What) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.newest = inner.newest.saturating_add(1);
        let observed = Observed { number: inner.newest, at, call, what };
        inner.watchers.retain(|watcher| watcher.send(observed.clone()).is_ok());
        while inner.kept.len() >= self.limit.max(1) {
            inner.kept.pop_front();
        }
        inner.kept.push_back(observed);
        self.newest.send_replace(inner.newest);
    }

    /// What happened after number `after`, `most` entries of it, as far as it is kept.
    pub(super) fn after(&self, after: u64, most: usize) -> Vec<Observed> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let begin = inner.kept.partition_point(|observed| observed.number <= after);
        inner.kept.range(begin..).take(most).cloned().collect()
    }

    /// Everything that is kept of one call.
    pub(super) fn of_call(&self, call: &str) -> Vec<Observed> {
        let call = super::plain(call);
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let is_of_it =
            |observed: &&Observed| observed.call.as_deref().is_some_and(|id| super::plain(id) == call);
        inner.kept.iter().filter(is_of_it).cloned().collect()
    }

    /// The number of the newest entry, as it grows.
    pub(super) fn newest(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    /// Tells of what happens from now on, until the receiver is dropped.
    pub(super) fn watch(&self) -> mpsc::UnboundedReceiver<Observed> {
        let (watcher, seen) = mpsc::unbounded_channel();
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).watchers.push(watcher);
        seen
    }

    /// Forgets what happened; the numbers go on, so that no reader takes new entries for old ones.
    pub(super) fn clear(&self) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).kept.clear();
    }
}

/// Notes a request of the calling API, and what it is answered with.
pub(super) async fn record(
    State(world): State<Served>,
    OriginalUri(uri): OriginalUri,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY_LIMIT).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let (method, path) = (parts.method.clone(), uri.path().to_owned());
    let mut exchange = Exchange {
        query: uri.query().map(str::to_owned),
        headers: Headers::of(&parts.headers),
        body: body.clone().into(),
        ..Exchange::default()
    };
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    let (parts, body) = response.into_parts();
    // The service's own answers are short, and come from memory; only one that is cut breaks off.
    let body = axum::body::to_bytes(body, usize::MAX).await.ok();
    exchange.answer_headers = Headers::of(&parts.headers);
    exchange.answer = body.clone().unwrap_or(Bytes::from_static(b"(the connection was cut)")).into();
    let call = call_of(&method, &path, &parts.headers);
    let what = What::Request {
        method: method.to_string(),
        path,
        status: parts.status.as_u16(),
        exchange: Arc::new(exchange),
    };
    world.observe(call.as_deref(), what);
    body.map_or_else(fault::cut, |body| Response::from_parts(parts, Body::from(body)))
}

/// The call that a request is about: the one in its path, or the one that it created.
fn call_of(method: &Method, path: &str, answer: &HeaderMap) -> Option<String> {
    let created = || answer.get(LOCATION).and_then(|location| location.to_str().ok()).and_then(call_in);
    call_in(path).or_else(|| if method == Method::POST { created() } else { None })
}

/// The id of the call in a path.
pub(super) fn call_in(path: &str) -> Option<String> {
    let (_, below) = path.split_once("/communications/calls/")?;
    below.split('/').next().filter(|id| !id.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deed(name: &str) -> What {
        What::Person { name: name.to_owned(), did: "waits".to_owned() }
    }

    #[test]
    fn a_reader_goes_on_where_it_was() {
        let history = History::new(3);
        for call in ["A-1", "b", "a1", "b", "A1"] {
            history.note(0, Some(call.to_owned()), deed("Ada"));
        }
        let numbers = |seen: Vec<Observed>| seen.iter().map(|one| one.number).collect::<Vec<_>>();
        assert_eq!(numbers(history.after(0, 10)), [3, 4, 5]);
        assert_eq!(numbers(history.after(4, 10)), [5]);
        assert_eq!(numbers(history.after(5, 10)), [0; 0]);
        assert_eq!(numbers(history.after(3, 1)), [4]);
        assert_eq!(numbers(history.of_call("a-1")), [3, 5]);
        history.clear();
        history.note(0, None, deed("Ada"));
        assert_eq!(numbers(history.after(0, 10)), [6]);
    }

    #[test]
    fn an_entry_is_one_flat_object() {
        let exchange = Exchange {
            headers: Headers(vec![("accept".to_owned(), "*/*".to_owned())]),
            body: Bytes::from_static(br#"{"a": 1}"#).into(),
            answer: Bytes::from_static(b"<html>").into(),
            ..Exchange::default()
        };
        let what = What::Request {
            method: "POST".to_owned(),
            path: "/x".to_owned(),
            status: 400,
            exchange: Arc::new(exchange),
        };
        let observed = Observed { number: 7, at: 9, call: None, what };
        let json = serde_json::to_value(&observed).unwrap();
        let expected = serde_json::json!({
            "number": 7, "at": 9, "kind": "request", "method": "POST", "path": "/x", "status": 400,
            "headers": {"accept": "*/*"}, "body": {"a": 1}, "answerHeaders": {}, "answer": "<html>",
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn tokens_are_not_kept() {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, "Bearer very-secret".parse().unwrap());
        headers.insert("accept", "text/plain".parse().unwrap());
        let kept = Headers::of(&headers);
        assert_eq!(kept.get("authorization"), Some("(not kept)"));
        assert_eq!(kept.get("accept"), Some("text/plain"));
    }

    #[test]
    fn a_request_belongs_to_the_call_in_its_path_or_to_the_one_that_it_created() {
        let mut answer = HeaderMap::new();
        for (method, path, location, expected) in [
            ("POST", "/v1.0/communications/calls/c1/answer", None, Some("c1")),
            ("DELETE", "/beta/communications/calls/c1", None, Some("c1")),
            (
                "POST",
                "/v1.0/communications/calls",
                Some("https://g/v1.0/communications/calls/c2"),
                Some("c2"),
            ),
            (
                "POST",
                "/v1.0/communications/calls/",
                Some("https://g/v1.0/communications/calls/c2"),
                Some("c2"),
            ),
            ("POST", "/v1.0/communications/calls", None, None),
            ("GET", "/v1.0/me", None, None),
        ] {
            answer.remove(LOCATION);
            if let Some(location) = location {
                answer.insert(LOCATION, location.parse().unwrap());
            }
            let method = method.parse().unwrap();
            assert_eq!(call_of(&method, path, &answer).as_deref(), expected, "{method} {path}");
        }
    }
}
