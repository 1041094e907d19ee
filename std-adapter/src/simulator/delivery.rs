//! Posting notifications: signed, in order within a call, unless the faults that were asked for say otherwise.
//!
//! Source: Graph docs, commsNotification. How often the service posts again what was not accepted is not documented; here
//! three times.

use std::sync::Weak;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{What, World};

/// How often a notification is posted that is not accepted.
const TRIES: u64 = 3;
/// How long the bot may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// A notification of one call.
#[derive(Clone, Debug)]
pub(super) struct Notification {
    pub(super) call: String,
    pub(super) app_id: String,
    pub(super) tenant_id: String,
    pub(super) to: String,
    pub(super) about: String,
    pub(super) change: &'static str,
    /// Below `/communications/calls/{id}`.
    pub(super) below: String,
    pub(super) data: Value,
}

/// Delivers what comes, until nobody can send any more.
pub(super) async fn run(world: Weak<World>, mut queue: mpsc::UnboundedReceiver<Notification>) {
    while let Some(notification) = queue.recv().await {
        let Some(world) = world.upgrade() else { return };
        let faults = world.config.faults;
        if world.is_drawn(faults.lost) {
            let about = notification.about.clone();
            world.observe(Some(&notification.call), What::Notification { about, result: "lost".to_owned() });
            continue;
        }
        let twice = world.is_drawn(faults.twice);
        if world.is_drawn(faults.late) {
            let late_by = u64::try_from(faults.late_by.as_millis()).unwrap_or(u64::MAX);
            let wait = Duration::from_millis(world.draw().checked_rem(late_by).unwrap_or(0));
            let (weak, late) = (world.weak(), notification.clone());
            world.spawn(async move {
                tokio::time::sleep(wait).await;
                if let Some(world) = weak.upgrade() {
                    deliver(&world, &late).await;
                }
            });
        } else {
            deliver(&world, &notification).await;
        }
        if twice {
            deliver(&world, &notification).await;
        }
    }
}

async fn deliver(world: &World, notification: &Notification) {
    let Notification { call, app_id, tenant_id, to, about, change, below, data } = notification;
    let entry = json!({
        "@odata.type": "#microsoft.graph.commsNotification",
        "changeType": change,
        "resource": format!("/app/calls/{call}{below}"),
        "resourceUrl": format!("/communications/calls/{call}{below}"),
        "resourceData": data,
    });
    let body = json!({"@odata.type": "#microsoft.graph.commsNotifications", "value": [entry]}).to_string();
    let mut result = "not posted".to_owned();
    for tried in 1..=TRIES {
        let issuer = world.app(app_id).map(|app| app.issuer).unwrap_or_default();
        let now = world.clock.now_seconds();
        let Some(token) = world.keys.for_notification(issuer, app_id, tenant_id, now) else { break };
        let request = Request::post(to.as_str())
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .header(CONTENT_TYPE, "application/json")
            .body(Bytes::from(body.clone()));
        let Ok(request) = request else {
            result = String::from("the callback is no address");
            break;
        };
        let is_final = match tokio::time::timeout(ANSWER_WITHIN, world.transport.send(request)).await {
            Ok(Ok(response)) => {
                result = response.status().as_u16().to_string();
                !response.status().is_server_error()
            }
            Ok(Err(error)) => {
                result = error.to_string();
                false
            }
            Err(_) => {
                result = format!("no answer within {ANSWER_WITHIN:?}");
                false
            }
        };
        if is_final {
            break;
        }
        tokio::time::sleep(Duration::from_secs(tried)).await;
    }
    world.observe(Some(call), What::Notification { about: about.clone(), result });
}
