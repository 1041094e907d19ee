//! What an entry of the history has to look like.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use super::placeholder;
use crate::simulator::{Observed, What};

/// What something is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A request of the bot, by its method and its path below `/communications`; `{id}` is any id.
    Request { method: String, path: String },
    /// A notification that begins with these words.
    Notification(String),
    /// A deed that begins with these words, the person's name first.
    Person(String),
}

impl Kind {
    pub(super) fn request(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no request: POST /calls/{{id}}/answer is");
        let (method, path) = text.split_once(' ').ok_or_else(wrong)?;
        let is_known = ["GET", "POST", "PATCH", "DELETE"].contains(&method);
        if !is_known || !path.starts_with('/') || path.contains(char::is_whitespace) {
            return Err(wrong());
        }
        Ok(Self::Request { method: method.to_owned(), path: path.to_owned() })
    }

    pub(super) fn noun(&self) -> &'static str {
        match self {
            Self::Request { .. } => "request",
            Self::Notification(_) => "notification",
            Self::Person(_) => "person",
        }
    }

    /// Whether it is about a notification. A bot may act on one before its answer to that one has arrived, so that
    /// notifications are a sequence of their own.
    pub(super) fn is_news(&self) -> bool {
        matches!(self, Self::Notification(_))
    }

    /// Whether it is about a person.
    pub(super) fn is_deed(&self) -> bool {
        matches!(self, Self::Person(_))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request { method, path } => write!(f, "{method} {path}"),
            Self::Notification(about) => write!(f, "notification: {about}"),
            Self::Person(did) => f.write_str(did),
        }
    }
}

/// What an entry has to look like.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    pub(super) kind: Kind,
    /// The status of the answer; any of 200 to 299 where none is given.
    pub(super) status: Option<u16>,
    /// Members of the body, of a notification those of `resourceData`.
    pub(super) body: Option<Value>,
    /// Members that the body has not.
    pub(super) lacks: Vec<String>,
    /// Members of the answer to a request.
    pub(super) answer: Option<Value>,
}

/// Whether an entry looks so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Looks {
    So,
    /// It is about the same, and differs in this.
    Nearly(String),
    Not,
}

impl Pattern {
    /// Whether `seen` looks so.
    pub(super) fn of(&self, seen: &Observed, ids: &BTreeMap<String, String>) -> Looks {
        let (status, body, answer) = match (&self.kind, &seen.what) {
            (Kind::Request { method, path }, What::Request { method: m, path: p, status, exchange }) => {
                if method != m || !is_path(path, below_communications(p)) {
                    return Looks::Not;
                }
                (Some(*status), exchange.body.json(), exchange.answer.json())
            }
            (Kind::Notification(words), What::Notification { about, result, posted }) => {
                if !begins(about, words) {
                    return Looks::Not;
                }
                let data = posted.body.json();
                let data = data.as_ref().and_then(|body| body.pointer("/value/0/resourceData"));
                (result.parse().ok(), data.cloned(), None)
            }
            (Kind::Person(words), What::Person { name, did }) => {
                return if begins(&format!("{name} {did}"), words) { Looks::So } else { Looks::Not };
            }
            (Kind::Request { .. } | Kind::Notification(_) | Kind::Person(_), _) => return Looks::Not,
        };
        let is_right = match (self.status, status) {
            (Some(expected), found) => found == Some(expected),
            (None, Some(found)) => (200..300).contains(&found),
            // A notification that could not be posted.
            (None, None) => false,
        };
        if !is_right {
            let found = status.map_or_else(|| "no status".to_owned(), |status| format!("status {status}"));
            let expected = self.status.map_or_else(|| "2xx".to_owned(), |status| status.to_string());
            return Looks::Nearly(format!("{found} instead of {expected}"));
        }
        let has =
            |name: &&String| body.as_ref().and_then(|body| body.get(*name)).is_some_and(|it| !it.is_null());
        if let Some(name) = self.lacks.iter().find(has) {
            return Looks::Nearly(format!("body.{name} is there"));
        }
        let differs = [(&self.body, body, "body"), (&self.answer, answer, "answer")].into_iter().find_map(
            |(expected, found, what)| {
                let expected = placeholder::filled(expected.as_ref()?, ids);
                difference(&expected, &found.unwrap_or_default(), what)
            },
        );
        differs.map_or(Looks::So, Looks::Nearly)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if let Some(body) = &self.body {
            write!(f, " with {body}")?;
        }
        if !self.lacks.is_empty() {
            write!(f, " without {}", self.lacks.join(", "))?;
        }
        if let Some(status) = self.status {
            write!(f, ", answered with {status}")?;
        }
        if let Some(answer) = &self.answer {
            write!(f, " {answer}")?;
        }
        Ok(())
    }
}

/// Whether `text` begins with these words, each as a whole.
fn begins(text: &str, words: &str) -> bool {
    text.strip_prefix(words).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

/// The path of a request as the documentation writes it: `/calls/{id}/answer`, with the real id.
pub(super) fn below_communications(path: &str) -> &str {
    let below = path.split_once("/communications").map_or(path, |(_, below)| below);
    below.trim_end_matches('/')
}

fn is_path(pattern: &str, path: &str) -> bool {
    let mut found = path.split('/');
    let is_same =
        pattern.split('/').all(|segment| found.next().is_some_and(|one| segment == "{id}" || segment == one));
    is_same && found.next().is_none()
}

/// Where `found` lacks something of `expected`: each member that is expected has to be there, others may; a list has as
/// many items; the text `*` is anything but nothing.
fn difference(expected: &Value, found: &Value, at: &str) -> Option<String> {
    match (expected, found) {
        (Value::String(any), found) if any == "*" => found.is_null().then(|| format!("{at} is missing")),
        (Value::Object(expected), Value::Object(found)) => expected.iter().find_map(|(name, member)| {
            difference(member, found.get(name).unwrap_or(&Value::Null), &format!("{at}.{name}"))
        }),
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => expected
            .iter()
            .zip(found)
            .enumerate()
            .find_map(|(place, (expected, found))| difference(expected, found, &format!("{at}[{place}]"))),
        (Value::Array(expected), Value::Array(found)) => {
            Some(format!("{at} has {} items instead of {}", found.len(), expected.len()))
        }
        (expected, Value::Null) if !expected.is_null() => Some(format!("{at} is missing")),
        (expected, found) => (expected != found).then(|| format!("{at} is {found} instead of {expected}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_body_has_what_is_expected_and_may_have_more() {
        let found = json!({"a": 1, "b": {"c": "x"}, "d": [{"e": 1, "f": 2}], "g": null});
        for (expected, differs) in [
            (json!({}), None),
            (json!({"a": 1, "b": {"c": "*"}}), None),
            (json!({"d": [{"e": 1}]}), None),
            (json!({"a": 2}), Some("body.a is 1 instead of 2")),
            (json!({"b": {"x": 1}}), Some("body.b.x is missing")),
            (json!({"d": []}), Some("body.d has 1 items instead of 0")),
            (json!({"d": [{"f": 3}]}), Some("body.d[0].f is 2 instead of 3")),
            (json!({"g": "*"}), Some("body.g is missing")),
            (json!({"g": null}), None),
        ] {
            assert_eq!(difference(&expected, &found, "body").as_deref(), differs, "{expected}");
        }
    }

    #[test]
    fn a_path_is_that_of_the_documentation() {
        for (pattern, path, expected) in [
            ("/calls", "/v1.0/communications/calls", true),
            ("/calls", "/v1.0/communications/calls/", true),
            ("/calls/{id}/answer", "/beta/communications/calls/57DA/answer", true),
            ("/calls/{id}", "/v1.0/communications/calls/57DA/answer", false),
            ("/calls/{id}/answer", "/v1.0/communications/calls/57DA", false),
            ("/calls/{id}/participants/{id}/mute", "/v1.0/communications/calls/a/participants/b/mute", true),
        ] {
            assert_eq!(is_path(pattern, below_communications(path)), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn words_are_whole() {
        assert!(begins("updated call established tone1", "updated call established"));
        assert!(begins("Ada hangs up", "Ada hangs up"));
        assert!(!begins("Adam hangs up", "Ada"));
    }
}
