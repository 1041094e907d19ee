//! Graph's error envelope, as the service writes it, and beside it the rule that refused.
//!
//! Source: Graph docs, Microsoft Graph error responses; the numbers of the calling service from field reports.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

/// What stands in the place of a page where none has the rule.
const ASSUMED: &str = "assumed";

/// An error that a request is answered with.
#[derive(Clone, Debug)]
pub(super) struct Error {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
    /// The rule that refused, where the message does not say it.
    why: Option<String>,
    /// The page of the documentation that has the rule.
    page: Option<&'static str>,
}

impl Error {
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), why: None, page: None }
    }

    pub(super) fn call_not_found() -> Self {
        let why = "The call has ended, or there never was one of this id among those of the app.";
        Self::new(404, "8522", "Call not found.").because(why)
    }

    /// One of `missing` is needed. The service does not say which; here the message does.
    pub(super) fn permission(missing: &[&str]) -> Self {
        let words = "Insufficient enterprise tenant permissions, cannot access this API.";
        let needed = missing.join(" or ");
        Self::new(403, "7504", format!("{words} Needed: {needed}."))
            .because(format!("The app has not been granted {needed}."))
    }

    /// `said` is not the tenant of the app.
    pub(super) fn tenant(path: &str, said: &str) -> Self {
        Self::new(403, "7505", "Request authorization tenant mismatch.")
            .because(format!("{path} is {said}, which is not the tenant whose token this is."))
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub(super) fn not_in_this_state(message: impl Into<String>) -> Self {
        Self::new(400, "8523", message)
    }

    pub(super) fn not_found(what: &str) -> Self {
        Self::new(404, "NotFound", format!("{what} not found."))
    }

    pub(super) fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(401, "InvalidAuthenticationToken", message).on("Microsoft Graph authorization")
    }

    /// Source: Graph docs, Microsoft Graph throttling guidance.
    pub(super) fn throttled(why: impl Into<String>) -> Self {
        Self::new(429, "TooManyRequests", "Please retry after.").because(why).on("throttling limits")
    }

    /// With the rule that refused.
    pub(super) fn because(self, why: impl Into<String>) -> Self {
        Self { why: Some(why.into()), ..self }
    }

    /// With the page that has the rule, unless it is known already.
    pub(super) fn on(self, page: &'static str) -> Self {
        Self { page: self.page.or(Some(page)), ..self }
    }

    /// No page has the rule.
    pub(super) fn assumed(self) -> Self {
        Self { page: Some(ASSUMED), ..self }
    }

    /// The body of the answer, `at` that time of the service.
    pub(super) fn json(&self, request: &str, client_request: &str, at: &str) -> Value {
        let mut inner = json!({"date": at, "request-id": request, "client-request-id": client_request});
        if let (429, Some(members)) = (self.status, inner.as_object_mut()) {
            members.extend([
                ("code".to_owned(), "429".into()),
                ("status".to_owned(), "429".into()),
                ("message".to_owned(), self.message.clone().into()),
            ]);
        }
        json!({
            "error": {"code": self.code, "message": self.message, "innerError": inner},
            "simulator": {
                "why": self.why.as_ref().unwrap_or(&self.message),
                "page": self.page.unwrap_or(ASSUMED),
            },
        })
    }

    /// The answer with this body. The error goes with it, for whoever completes the answer.
    pub(super) fn response(self, body: Value) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(body)).into_response();
        if self.status == 429 {
            response.headers_mut().insert(http::header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let id = uuid::Uuid::new_v4().to_string();
        let body = self.json(&id, &id, "");
        self.response(body)
    }
}
