//! What Graph puts on every answer, so that a failure can be traced.
//!
//! Source: Graph docs, best practices for working with Microsoft Graph; Microsoft Graph error responses.

use std::time::{Duration, UNIX_EPOCH};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue, header};

use super::error::Error;
use super::service::Served;

const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
pub(super) const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("client-request-id");
const DIAGNOSTIC: HeaderName = HeaderName::from_static("x-ms-ags-diagnostic");
/// Where a request was served.
const SERVED_BY: &str = r#"{"ServerInfo":{"DataCenter":"Simulator","Slice":"E","Ring":"0","ScaleUnit":"000","RoleInstance":"SIMULATOR"}}"#;

/// Names the request in its answer: in the headers, and in the envelope of an error.
pub(super) async fn complete(State(world): State<Served>, request: Request, next: Next) -> Response {
    let id = uuid::Uuid::new_v4().to_string();
    let chosen = request.headers().get(CLIENT_REQUEST_ID).cloned();
    let mut response = next.run(request).await;
    let now = world.clock.now_millis();
    if let Some(error) = response.extensions_mut().remove::<Error>() {
        let client_id = chosen.as_ref().and_then(|chosen| chosen.to_str().ok()).unwrap_or(&id);
        let body = error.json(&id, client_id, &date_of(now));
        let allow = response.headers().get(header::ALLOW).cloned();
        response = error.response(body);
        response.headers_mut().extend(allow.map(|allow| (header::ALLOW, allow)));
    }
    let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(now));
    let headers = response.headers_mut();
    if let Ok(own) = HeaderValue::from_str(&id) {
        headers.insert(CLIENT_REQUEST_ID, chosen.unwrap_or_else(|| own.clone()));
        headers.insert(REQUEST_ID, own);
    }
    headers.insert(DIAGNOSTIC, HeaderValue::from_static(SERVED_BY));
    if let Ok(date) = HeaderValue::from_str(&date) {
        headers.insert(header::DATE, date);
    }
    response
}

/// A time as the envelope of an error writes it.
fn date_of(millis: u64) -> String {
    let time = i64::try_from(millis).ok().and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok());
    time.map(|time| time.strftime("%Y-%m-%dT%H:%M:%S").to_string()).unwrap_or_default()
}
