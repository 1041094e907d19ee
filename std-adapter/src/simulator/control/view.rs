//! A call as the service sees it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::super::World;
use super::super::asked::Hosting;
use super::super::call::Call;
use super::super::operation::Operation;

/// A call.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CallState {
    id: String,
    /// The app whose call it is.
    app: String,
    /// When it began, in milliseconds since the Unix epoch.
    began_at: u64,
    /// Its `callState`.
    state: &'static str,
    direction: &'static str,
    /// Whether it is a group call.
    is_group: bool,
    /// Why it is, or is not.
    why: &'static str,
    /// Who runs its media: `service` or `app`.
    hosting: &'static str,
    /// Where its notifications go.
    callback: String,
    /// Whether the bot listens to keys.
    listens: bool,
    /// Code and subcode of its end, where it said any.
    result: Option<(u32, u32)>,
    /// The people, by their ids: `ringing`, `connected` or `left`.
    people: BTreeMap<String, &'static str>,
    /// The roster as Graph shows it; empty in a peer-to-peer call.
    #[schema(value_type = Vec<Object>)]
    roster: Vec<Value>,
    /// The operations as Graph shows them.
    #[schema(value_type = Vec<Object>)]
    operations: Vec<Value>,
    /// How many prompts were begun, and how many came to their end.
    prompts: (u32, u32),
}

impl CallState {
    pub(super) fn of(world: &World, call: &Call) -> Self {
        let view = call.view();
        let (is_group, why) = call.kind();
        let mut people: BTreeMap<String, &'static str> = call.people().into_iter().collect();
        people.extend(world.ringing.of_call(call.id()).into_iter().map(|id| (id, "ringing")));
        call.with(|inner| Self {
            id: view.id,
            app: call.app_id().to_owned(),
            began_at: call.began_at(),
            state: view.state,
            direction: call.direction(),
            is_group,
            why,
            hosting: match inner.hosting {
                Hosting::Service => "service",
                Hosting::App => "app",
            },
            callback: inner.callback.clone(),
            listens: inner.listens,
            result: view.result,
            people,
            roster: inner.roster.iter().map(super::super::participants::Participant::json).collect(),
            operations: inner.operations.iter().map(Operation::json).collect(),
            prompts: (view.prompts_started, view.prompts_ended),
        })
    }
}
