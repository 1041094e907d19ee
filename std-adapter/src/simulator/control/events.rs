//! What happens, as it happens and from any number on.

use std::convert::Infallible;

use axum::Json;
use axum::extract::{Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream};
use http::HeaderMap;
use serde::Deserialize;

use super::super::Observed;
use super::super::service::Served;

/// How much is sent at once.
const AT_ONCE: usize = 200;

/// Where a reader begins.
#[derive(Deserialize, utoipa::IntoParams)]
pub(super) struct From {
    /// The number of the last entry that he has; 0, or none, is the beginning.
    #[serde(default)]
    after: u64,
    /// Only what is of this call.
    call: Option<String>,
}

/// What happened, oldest first, as far as it is kept
#[utoipa::path(get, path = "/sim/v1/history", params(From), responses((status = 200, body = [Observed])))]
pub(super) async fn history(State(world): State<Served>, Query(from): Query<From>) -> Json<Vec<Observed>> {
    Json(match &from.call {
        None => world.history.after(from.after, usize::MAX),
        Some(call) => {
            let mut of_it = world.history.of_call(call);
            of_it.retain(|observed| observed.number > from.after);
            of_it
        }
    })
}

/// What happens, as server-sent events whose ids are the entries' numbers: a reader whose connection broke goes on where it was
#[utoipa::path(get, path = "/sim/v1/events", params(From),
    responses((status = 200, content_type = "text/event-stream", body = Observed)))]
pub(super) async fn events(
    State(world): State<Served>,
    Query(from): Query<From>,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()).and_then(|id| id.parse().ok());
    let newest = world.history.newest();
    // A number that is still to come is of a simulator before this one.
    let after = last.unwrap_or(from.after);
    let after = if after > *newest.borrow() { 0 } else { after };
    let told = stream::unfold((world, newest, after), async |(world, mut newest, after)| {
        let seen = loop {
            let seen = world.history.after(after, AT_ONCE);
            if !seen.is_empty() {
                break seen;
            }
            newest.wait_for(|newest| *newest > after).await.ok()?;
        };
        let after = seen.last().map_or(after, |observed| observed.number);
        Some((seen, (world, newest, after)))
    });
    let told = futures_util::StreamExt::flat_map(told, |seen| {
        stream::iter(seen.into_iter().map(|observed| Ok(event_of(&observed))))
    });
    Sse::new(told).keep_alive(KeepAlive::default())
}

fn event_of(observed: &Observed) -> Event {
    let json = serde_json::to_string(observed).unwrap_or_default();
    Event::default().id(observed.number.to_string()).data(json)
}
