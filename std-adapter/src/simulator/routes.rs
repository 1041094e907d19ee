//! From a request to what it asks for: found in the table, checked as far as the table can, and handed on.
//!
//! A request is checked in this order: the path, the call, the permission, the body, the tenant, the kind and state of
//! the call. Source: Graph docs, the page of each operation; the order is assumed.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use bytes::Bytes;
use http::header::ALLOW;
use http::{HeaderMap, HeaderValue, Method, Uri};
use serde_json::{Value, json};

use super::call::Call;
use super::endpoint::{self, Body, Endpoint, Found, Row, Version};
use super::error::Error;
use super::service::{Caller, Served};
use super::{Registration, World, actions, asked, meetings, tenant};

const ONLY_BETA: &str = "Only the beta version documents this.";

/// A request that may be carried out.
pub(super) struct Asked<'a> {
    pub(super) world: &'a Arc<World>,
    pub(super) app: &'a Registration,
    pub(super) version: Version,
    /// The ids in the path; that of a call is not among them.
    pub(super) ids: Vec<String>,
    pub(super) body: Value,
    pub(super) uri: &'a Uri,
    pub(super) headers: &'a HeaderMap,
}

impl Asked<'_> {
    /// The id at this place of the path.
    pub(super) fn id(&self, at: usize) -> &str {
        self.ids.get(at).map(String::as_str).unwrap_or_default()
    }

    /// With its body, once the permission, the body and the tenant are right.
    fn checked(mut self, row: &Row, body: &[u8]) -> Result<Self, Error> {
        row.needs.check(self.app)?;
        self.body = match row.body {
            Body::None => json!({}),
            Body::Optional(_) if body.is_empty() => json!({}),
            Body::Required(shape) | Body::Optional(shape) => {
                let body = asked::read(body)?;
                shape.check(&body, self.version)?;
                body
            }
        };
        tenant::check(&self.body, &self.app.tenant_id)?;
        Ok(self)
    }
}

pub(super) fn router(version: Version) -> Router<Served> {
    Router::new().fallback(
        move |State(world): State<Served>,
              Extension(Caller(app)): Extension<Caller>,
              method: Method,
              uri: Uri,
              headers: HeaderMap,
              body: Bytes| async move {
            let path = uri.path();
            let prefix = format!("/{}", version.segment());
            let below = path.strip_prefix(&prefix).filter(|below| below.starts_with('/')).unwrap_or(path);
            match endpoint::find(version, &method, below) {
                Found::Row(row, ids) => {
                    let asked = Asked {
                        world: &world,
                        app: &app,
                        version,
                        ids,
                        body: Value::Null,
                        uri: &uri,
                        headers: &headers,
                    };
                    serve(row, asked, &body).unwrap_or_else(|e| e.on(row.page).into_response())
                }
                Found::Method(allowed) => not_allowed(&allowed, is_of_beta(version, &method, below)),
                Found::Segment(segment) => {
                    no_segment(&segment, is_of_beta(version, &method, below)).into_response()
                }
            }
        },
    )
}

fn serve(row: &Row, mut asked: Asked<'_>, body: &[u8]) -> Result<Response, Error> {
    match row.endpoint {
        Endpoint::OnCall(endpoint) => {
            let id = if asked.ids.is_empty() { String::new() } else { asked.ids.remove(0) };
            let call = live(asked.world, asked.app, &id)?;
            actions::on_call(endpoint, &call, &asked.checked(row, body)?)
        }
        Endpoint::CreateCall => actions::create(&asked.checked(row, body)?),
        Endpoint::LogTeleconferenceDeviceQuality => actions::log_quality(&asked.checked(row, body)?),
        Endpoint::FindOnlineMeeting => meetings::find(&asked.checked(row, body)?),
        Endpoint::GetOnlineMeeting => meetings::get(&asked.checked(row, body)?),
        Endpoint::CreateOnlineMeeting => meetings::create(&asked.checked(row, body)?),
        Endpoint::CreateOrGetOnlineMeeting => meetings::create_or_get(&asked.checked(row, body)?),
    }
}

/// The call of this id, which has to be the app's and not ended.
fn live(world: &World, app: &Registration, id: &str) -> Result<Arc<Call>, Error> {
    let call = world.call(id).filter(|call| call.app_id() == app.app_id).ok_or_else(Error::call_not_found)?;
    if call.view().state == "terminated" { Err(Error::call_not_found()) } else { Ok(call) }
}

/// Whether only the beta version has what is asked.
fn is_of_beta(version: Version, method: &Method, path: &str) -> bool {
    version == Version::V1 && matches!(endpoint::find(Version::Beta, method, path), Found::Row(..))
}

fn not_allowed(allowed: &[Method], is_of_beta: bool) -> Response {
    let methods = allowed.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
    let why = match methods.as_str() {
        _ if is_of_beta => ONLY_BETA.to_owned(),
        "" => "No page documents a request of this address.".to_owned(),
        methods => format!("The address is documented for {methods} only."),
    };
    let words = "Specified HTTP method is not allowed for the request target.";
    let mut response = Error::new(405, "Request_BadRequest", words).because(why).into_response();
    if let Ok(methods) = HeaderValue::from_str(&methods) {
        response.headers_mut().insert(ALLOW, methods);
    }
    response
}

/// Source: field reports, where Graph answers 400.
fn no_segment(segment: &str, is_of_beta: bool) -> Error {
    let why =
        if is_of_beta { ONLY_BETA.to_owned() } else { format!("No page documents {segment} at this place.") };
    Error::bad_request(format!("Resource not found for the segment '{segment}'.")).because(why)
}
