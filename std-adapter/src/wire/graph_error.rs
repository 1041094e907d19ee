//! Graph's error envelope.
//!
//! Source: Graph docs, Microsoft Graph error responses; that the calling API puts a number into `code` is seen in field
//! reports only.

use callflow_core::result::ResultInfo;
use serde::Deserialize;

/// An error that Graph answered with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GraphError {
    /// `code`, as it was written: a number of the calling service, or a word.
    pub code: String,
    /// `message`, cut to 300 characters.
    pub message: String,
    /// `request-id`, to be given to Microsoft's support.
    pub request_id: Option<String>,
}

impl std::fmt::Display for GraphError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)?;
        match &self.request_id {
            Some(id) => write!(f, " (request-id {id}, for Microsoft's support)"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for GraphError {}

#[derive(Deserialize)]
struct EnvelopeJson {
    error: ErrorJson,
}

#[derive(Deserialize)]
struct ErrorJson {
    code: Option<serde_json::Value>,
    message: Option<String>,
    #[serde(alias = "innererror", rename = "innerError")]
    inner: Option<InnerJson>,
}

#[derive(Deserialize)]
struct InnerJson {
    #[serde(rename = "request-id", alias = "requestId")]
    request_id: Option<String>,
}

/// What is kept of a message.
const MAX_MESSAGE: usize = 300;

impl GraphError {
    /// Reads the body of an answer; `None` where it is no such envelope.
    pub fn read(body: &[u8]) -> Option<Self> {
        let EnvelopeJson { error } = serde_json::from_slice(body).ok()?;
        let code = match error.code {
            Some(serde_json::Value::String(text)) => text,
            Some(other) => other.to_string(),
            None => String::new(),
        };
        Some(Self {
            code,
            message: error.message.unwrap_or_default().chars().take(MAX_MESSAGE).collect(),
            request_id: error.inner.and_then(|inner| inner.request_id),
        })
    }

    /// The service's number, 0 where `code` is a word.
    pub fn number(&self) -> u32 {
        self.code.trim().parse().unwrap_or(0)
    }

    /// What the error means, in words: callflow's where the number is known, else Graph's.
    pub fn words(&self, status: u16) -> String {
        let known = ResultInfo { code: u32::from(status), subcode: self.number() }.meaning();
        match (known, self.message.is_empty()) {
            (Some(known), true) => known.to_owned(),
            (Some(known), false) => format!("{known} ({})", self.message),
            (None, true) => self.code.clone(),
            (None, false) => self.message.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_words_and_what_is_no_envelope() {
        let body = br#"{"error":{"code":"7504","message":"Insufficient enterprise tenant permissions, cannot access this API.",
            "innerError":{"request-id":"r-1","date":"2026-01-01T00:00:00"}}}"#;
        let error = GraphError::read(body).unwrap();
        assert_eq!((error.number(), error.request_id.as_deref()), (7504, Some("r-1")));
        assert!(error.words(403).starts_with("the app lacks a permission"));
        assert!(
            error.to_string().contains("7504") && error.to_string().contains("request-id r-1"),
            "{error}"
        );
        let error = GraphError::read(br#"{"error":{"code":8522}}"#).unwrap();
        assert_eq!(error.number(), 8522);
        let error = GraphError::read(br#"{"error":{"code":"BadRequest","message":"No."}}"#).unwrap();
        assert_eq!((error.number(), error.words(400).as_str()), (0, "No."));
        assert_eq!(GraphError::read(b"<html>"), None);
        assert_eq!(GraphError::read(b"{}"), None);
    }
}
