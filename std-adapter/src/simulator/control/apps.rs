//! The apps that are registered.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use http::StatusCode;
use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::Value;

use super::super::seed::AppSeed;
use super::super::service::Served;
use super::super::{Issuer, Registration};
use super::error::Refusal;

/// An app, without its secret.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct App {
    id: String,
    tenant: String,
    callback: String,
    issuer: Issuer,
    permissions: BTreeSet<String>,
}

impl From<Registration> for App {
    fn from(app: Registration) -> Self {
        Self {
            id: app.app_id,
            tenant: app.tenant_id,
            callback: app.callback_uri,
            issuer: app.issuer,
            permissions: app.permissions,
        }
    }
}

/// The apps
#[utoipa::path(get, path = "/sim/v1/apps", responses((status = 200, body = [App])))]
pub(super) async fn list(State(world): State<Served>) -> Json<Vec<App>> {
    let mut apps: Vec<App> = world.apps().into_iter().map(App::from).collect();
    apps.sort_by(|one, other| one.id.cmp(&other.id));
    Json(apps)
}

/// Registers an app, or changes what is known of it; its permissions count from its next request on, and a secret that is left
/// out stays what it is
#[utoipa::path(put, path = "/sim/v1/apps/{id}", request_body = AppSeed,
    responses((status = 200, body = App), (status = 400, body = Refusal)))]
pub(super) async fn put(
    State(world): State<Served>,
    Path(id): Path<String>,
    asked: Result<Json<Value>, JsonRejection>,
) -> Result<Json<App>, Refusal> {
    let Json(mut asked) = asked?;
    if let (Some(members), Some(known)) = (asked.as_object_mut(), world.app(&id)) {
        members.entry("secret").or_insert_with(|| known.client_secret.expose_secret().into());
    }
    let Json(app) = Json::<AppSeed>::from_bytes(asked.to_string().as_bytes())?;
    if app.id != id {
        return Err(Refusal::bad(format!("the path says {id}, and the body {}", app.id)));
    }
    let registration = Registration::from(app);
    world.register(registration.clone()).map_err(|error| Refusal::bad(error.to_string()))?;
    Ok(Json(registration.into()))
}

/// Forgets an app: its tokens open nothing from now on
#[utoipa::path(delete, path = "/sim/v1/apps/{id}", responses((status = 204), (status = 404, body = Refusal)))]
pub(super) async fn delete(
    State(world): State<Served>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    if world.unregister(&id) {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Refusal::not_found(format!("there is no app {id}")))
    }
}
