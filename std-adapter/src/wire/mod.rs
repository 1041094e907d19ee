//! The JSON of Graph, to and from the vocabularies of core. Nothing else in callflow knows JSON.
//!
//! Lenient in what it reads: enum names in any case, members and values that it does not know, numbers written as strings,
//! batches, ids that are missing from a resource and stand in its URL, `resourceData` as an object, as an array or
//! absent. What it does not use it names. What it cannot read it refuses with line, member and reason, entry by
//! entry, so that one bad entry costs none of the others. Strict in what it writes.

pub mod asked;
pub mod audio_routing_group;
pub mod content_sharing;
pub mod device_quality;
pub mod direct;
pub(crate) mod escape;
pub mod extra;
pub mod graph_error;
pub(crate) mod inline;
pub mod join_url;
pub mod joining;
mod lenient;
mod meeting;
pub mod mixer;
pub mod notification;
pub mod online_meeting;
pub mod order;
pub mod placement;
pub mod posted;
pub mod request;
pub mod resource;
pub mod response;
pub mod text;

use std::fmt;

/// Where and why JSON cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireError {
    line: usize,
    member: String,
    reason: String,
}

impl WireError {
    /// The line, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The member, as a path from the top; `.` for the top itself.
    pub fn member(&self) -> &str {
        &self.member
    }

    /// What is wrong with it.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    pub(crate) fn new(line: usize, member: impl Into<String>, reason: impl Into<String>) -> Self {
        let member = member.into();
        Self { line, member: if member.is_empty() { ".".to_owned() } else { member }, reason: reason.into() }
    }

    /// From an error of the parser in a text that begins on `first_line`, below the member `under`.
    fn of_json(error: &serde_json::Error, first_line: usize, under: &str, path: &str) -> Self {
        let text = error.to_string();
        // serde_json puts the place behind its words; the place is said once, in our own form.
        let reason = text.split(" at line ").next().unwrap_or(&text);
        let path = if path == "." { "" } else { path };
        let member = match (under.is_empty(), path.is_empty()) {
            (true, _) => path.to_owned(),
            (false, true) => under.to_owned(),
            (false, false) if path.starts_with('[') => format!("{under}{path}"),
            (false, false) => format!("{under}.{path}"),
        };
        Self::new(first_line.saturating_add(error.line().saturating_sub(1)), member, reason)
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, member {}: {}", self.line, self.member, self.reason)
    }
}

impl std::error::Error for WireError {}

/// Reads `text`, which begins on `first_line` below the member `under`; names the members that nothing reads.
fn read<'a, T: serde::Deserialize<'a>>(
    text: &'a str,
    first_line: usize,
    under: &str,
) -> Result<(T, Vec<String>), WireError> {
    read_at(text, || (first_line, under.to_owned()))
}

/// As [`read`], with the line and the member of `text` asked for where it cannot be read.
fn read_at<'a, T: serde::Deserialize<'a>>(
    text: &'a str,
    place: impl FnOnce() -> (usize, String),
) -> Result<(T, Vec<String>), WireError> {
    let mut ignored = Vec::new();
    let mut json = serde_json::Deserializer::from_str(text);
    let mut note = |path: serde_ignored::Path<'_>| {
        let name = without_places(&path.to_string());
        if !ignored.contains(&name) {
            ignored.push(name);
        }
    };
    let read = T::deserialize(serde_ignored::Deserializer::new(&mut json, &mut note));
    match read.and_then(|value| json.end().map(|()| value)) {
        Ok(value) => Ok((value, ignored)),
        Err(error) => Err(fault::<T>(text, &error, place())),
    }
}

/// What is wrong with a text that cannot be read as `T`. It is read again for that: to keep track of the path costs as much
/// as all the rest, and nearly every text can be read.
fn fault<'a, T: serde::Deserialize<'a>>(
    text: &'a str,
    error: &serde_json::Error,
    (first_line, under): (usize, String),
) -> WireError {
    let mut json = serde_json::Deserializer::from_str(text);
    let mut track = serde_path_to_error::Track::new();
    let path = match T::deserialize(serde_path_to_error::Deserializer::new(&mut json, &mut track)) {
        Err(_) => track.path().to_string(),
        // Something stands behind it.
        Ok(_) => String::new(),
    };
    WireError::of_json(error, first_line, &under, &path)
}

/// A path of `serde_ignored` without the places in arrays and the marks of options: `0.info.?.region` is `info.region`.
fn without_places(path: &str) -> String {
    let named = |part: &&str| *part != "?" && !part.bytes().all(|b| b.is_ascii_digit());
    path.split('.').filter(named).collect::<Vec<_>>().join(".")
}

/// The text of a body that must be UTF-8, without a byte order mark.
fn utf8(body: &[u8]) -> Result<&str, WireError> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let text = std::str::from_utf8(body).map_err(|e| {
        let good = body.get(..e.valid_up_to()).unwrap_or_default();
        WireError::new(line_after(good), "", "not UTF-8 text")
    })?;
    if text.trim().is_empty() {
        return Err(WireError::new(1, "", "there is no JSON at all"));
    }
    Ok(text)
}

/// The line on which what follows `before` stands.
fn line_after(before: &[u8]) -> usize {
    before.split(|byte| *byte == b'\n').count()
}

/// The line of `whole` on which its part `part` begins.
fn line_of(whole: &str, part: &str) -> usize {
    let offset = (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
    line_after(whole.as_bytes().get(..offset).unwrap_or_default())
}
