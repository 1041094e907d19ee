//! The simulator itself: where it serves what, and how it begins anew.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use http::StatusCode;
use serde::Serialize;

use super::super::Faults;
use super::super::service::Served;
use super::error::Refusal;

/// A simulator.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct About {
    /// Another one after each start: what a reader knew of one before is void.
    instance: String,
    /// Its time, in milliseconds since the Unix epoch.
    now: u64,
    /// The number of the newest entry of its history.
    newest: u64,
    /// The base of the calling API.
    graph: String,
    /// The base of the token endpoint, which stands below `/{tenant}/oauth2/v2.0/token`.
    authority: String,
    /// The `OpenID` document of those who sign notifications.
    openid: String,
}

/// Where what is served
#[utoipa::path(get, path = "/sim/v1", responses((status = 200, body = About)))]
pub(super) async fn about(State(world): State<Served>) -> Json<About> {
    let endpoints = world.endpoints();
    Json(About {
        instance: world.instance.clone(),
        now: world.clock.now_millis(),
        newest: *world.history.newest().borrow(),
        graph: endpoints.graph,
        authority: endpoints.authority,
        openid: endpoints.openid,
    })
}

/// Ends all calls without telling anybody, forgets what happened, and goes back to the apps and people of the beginning
#[utoipa::path(post, path = "/sim/v1/reset", responses((status = 204)))]
pub(super) async fn reset(State(world): State<Served>) -> StatusCode {
    world.reset();
    StatusCode::NO_CONTENT
}

/// What goes wrong on purpose
#[utoipa::path(get, path = "/sim/v1/faults", responses((status = 200, body = Faults)))]
pub(super) async fn faults(State(world): State<Served>) -> Json<Faults> {
    Json(world.chances.faults())
}

/// Lets this go wrong from now on, instead of what did before
#[utoipa::path(put, path = "/sim/v1/faults", request_body = Faults,
    responses((status = 200, body = Faults), (status = 422, body = Refusal)))]
pub(super) async fn set_faults(
    State(world): State<Served>,
    faults: Result<Json<Faults>, JsonRejection>,
) -> Result<Json<Faults>, Refusal> {
    let Json(faults) = faults?;
    world.chances.set(faults.clone());
    Ok(Json(faults))
}
