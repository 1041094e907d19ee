//! The simulator itself: where it serves what, and how it begins anew.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;

use super::super::service::Served;

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
