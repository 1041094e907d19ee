//! Posting notifications: signed, in order within a call, unless the faults that were asked for say otherwise.
//!
//! Source: Graph docs, commsNotification. How often the service posts again what was not accepted is not documented; here
//! three times.

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{Posted, What, World};

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
            notification.note(&world, "lost".to_owned(), 0);
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

impl Notification {
    fn body(&self) -> Bytes {
        let Self { call, change, below, data, .. } = self;
        let entry = json!({
            "@odata.type": "#microsoft.graph.commsNotification",
            "changeType": change,
            "resource": format!("/app/calls/{call}{below}"),
            "resourceUrl": format!("/communications/calls/{call}{below}"),
            "resourceData": data,
        });
        json!({"@odata.type": "#microsoft.graph.commsNotifications", "value": [entry]}).to_string().into()
    }

    /// Notes what became of it.
    fn note(&self, world: &World, result: String, tries: u64) {
        let posted = Arc::new(Posted { to: self.to.clone(), body: self.body().into(), tries });
        world.observe(Some(&self.call), What::Notification { about: self.about.clone(), result, posted });
    }
}

async fn deliver(world: &World, notification: &Notification) {
    let mut result = "not posted".to_owned();
    let mut tries = 0;
    while tries < TRIES {
        tries = tries.saturating_add(1);
        match post(world, notification).await {
            Ok(status) => {
                result = status.as_u16().to_string();
                if !status.is_server_error() {
                    break;
                }
            }
            Err(reason) => result = reason,
        }
        tokio::time::sleep(Duration::from_secs(tries)).await;
    }
    notification.note(world, result, tries);
}

async fn post(world: &World, notification: &Notification) -> Result<StatusCode, String> {
    let Notification { app_id, tenant_id, to, .. } = notification;
    let token = world.keys.for_notification(app_id, tenant_id, world.clock.now_seconds());
    let token = token.ok_or("no token can be signed")?;
    let request = Request::post(to.as_str())
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .header(CONTENT_TYPE, "application/json")
        .body(notification.body())
        .map_err(|_| "the callback is no address")?;
    let answer = tokio::time::timeout(ANSWER_WITHIN, world.transport.send(request)).await;
    let answer = answer.map_err(|_| format!("no answer within {ANSWER_WITHIN:?}"))?;
    answer.map(|response| response.status()).map_err(|error| error.to_string())
}
