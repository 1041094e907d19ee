//! Graph's error envelope, as the service writes it.
//!
//! Source: Graph docs, Microsoft Graph error responses; the numbers of the calling service from field reports.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;

/// An error that a request is answered with.
#[derive(Clone, Debug)]
pub(super) struct Error {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Error {
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    pub(super) fn call_not_found() -> Self {
        Self::new(404, "8522", "Call not found.")
    }

    /// One of `missing` is needed. The service does not say which; here the message does.
    pub(super) fn permission(missing: &[&str]) -> Self {
        let words = "Insufficient enterprise tenant permissions, cannot access this API.";
        Self::new(403, "7504", format!("{words} Needed: {}.", missing.join(" or ")))
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub(super) fn not_in_this_state(message: impl Into<String>) -> Self {
        Self::new(400, "8523", message)
    }

    pub(super) fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(401, "InvalidAuthenticationToken", message)
    }

    pub(super) fn not_simulated(what: &str) -> Self {
        Self::new(501, "NotImplemented", format!("{what} is not simulated."))
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let id = uuid::Uuid::new_v4().to_string();
        let body = json!({"error": {
            "code": self.code,
            "message": self.message,
            "innerError": {"request-id": id, "client-request-id": id},
        }});
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(body)).into_response();
        if let Ok(id) = http::HeaderValue::from_str(&id) {
            response.headers_mut().insert("request-id", id);
        }
        if self.status == 429 {
            response.headers_mut().insert(http::header::RETRY_AFTER, http::HeaderValue::from_static("1"));
        }
        response
    }
}
