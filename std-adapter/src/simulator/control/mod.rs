//! The control API: drives the simulator from outside, by JSON under `/sim/v1`.
//!
//! A page, a test in any language or a script registers apps and people, lets people call, pick up, press keys and hang up,
//! and follows what happens. `GET /sim/v1/openapi.json` describes it. Graph itself has nothing of this.

mod about;
mod apps;
mod calls;
mod deed;
mod error;
mod events;
mod people;
mod view;

use axum::extract::DefaultBodyLimit;
use axum::routing::get;
use axum::{Json, Router};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::service::Served;

/// 2 minutes of speech, and a header.
const BODY_LIMIT: usize = 4 * 1024 * 1024;

#[derive(OpenApi)]
#[openapi(info(
    title = "callflow simulator",
    description = "Drives a simulated Graph calling service: apps, people, calls, and what happens."
))]
struct Description;

/// Everything under `/sim/v1`.
pub(super) fn router(world: Served) -> Router {
    let (router, description) = OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(about::about))
        .routes(routes!(about::reset))
        .routes(routes!(about::faults, about::set_faults))
        .routes(routes!(apps::list))
        .routes(routes!(apps::put, apps::delete))
        .routes(routes!(people::list))
        .routes(routes!(people::put, people::delete))
        .routes(routes!(calls::list, calls::start))
        .routes(routes!(calls::show))
        .routes(routes!(calls::act))
        .routes(routes!(calls::speak))
        .routes(routes!(calls::sound))
        .routes(routes!(events::history))
        .routes(routes!(events::events))
        .split_for_parts();
    let described = get(async move || Json(description));
    let router = router.route("/sim/v1/openapi.json", described);
    router.layer(DefaultBodyLimit::max(BODY_LIMIT)).with_state(world)
}

#[cfg(test)]
mod tests;
