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

use super::fault::{Fault, lateness};
use super::{Posted, What, World};

/// How often a notification is posted that is not accepted.
const TRIES: u64 = 3;
/// How long the bot may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// How long one waits that is to be overtaken, where no other comes.
const OVERTAKEN_WITHIN: Duration = Duration::from_secs(5);

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
    /// What is posted first, until it is answered with 204.
    pub(super) legacy: Option<Value>,
}

/// Delivers what comes, until nobody can send any more.
pub(super) async fn run(world: Weak<World>, mut queue: mpsc::UnboundedReceiver<Notification>) {
    // One that waits until the next one has gone out.
    let mut overtaken = None;
    loop {
        let next = match &overtaken {
            None => queue.recv().await,
            // The last of a call is overtaken by nothing.
            Some(_) => tokio::time::timeout(OVERTAKEN_WITHIN, queue.recv()).await.unwrap_or(None),
        };
        let (Some(world), next) = (world.upgrade(), next) else { return };
        let is_over = next.is_none() && overtaken.is_none();
        if is_over {
            return;
        }
        let Some(notification) = next else {
            if let Some(waiting) = overtaken.take() {
                deliver(&world, &waiting).await;
            }
            continue;
        };
        if !is_wanted(&world, &notification).await {
            continue;
        }
        let strikes = |fault| world.strikes(fault, Some(&notification.call), &notification.about);
        if strikes(Fault::NotificationLost).is_some() {
            notification.note(&world, "lost".to_owned(), 0, world.clock.now_millis());
            continue;
        }
        if strikes(Fault::KeyRotated).is_some() {
            world.keys.rotate();
        }
        let is_twice = strikes(Fault::NotificationTwice).is_some();
        if let Some(drawn) = strikes(Fault::NotificationLate) {
            let wait = lateness(&world.chances.faults(), drawn);
            let (weak, late) = (world.weak(), notification.clone());
            world.spawn(async move {
                tokio::time::sleep(wait).await;
                if let Some(world) = weak.upgrade() {
                    deliver(&world, &late).await;
                }
            });
        } else if overtaken.is_none() && strikes(Fault::NotificationReordered).is_some() {
            overtaken = Some(notification);
            continue;
        } else {
            deliver(&world, &notification).await;
        }
        if is_twice {
            deliver(&world, &notification).await;
        }
        if let Some(waiting) = overtaken.take() {
            deliver(&world, &waiting).await;
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
    fn note(&self, world: &World, result: String, tries: u64, sent_at: u64) {
        let posted = Arc::new(Posted { to: self.to.clone(), body: self.body().into(), tries, sent_at });
        world.observe(Some(&self.call), What::Notification { about: self.about.clone(), result, posted });
    }
}

/// Whether the bot is to hear of this in Graph's format. Where it comes in the legacy format first, it says so with 204.
///
/// Source: the vendor's article on calling notifications. What becomes of any other answer is assumed: the call is not
/// announced again, and nobody answers it.
async fn is_wanted(world: &World, notification: &Notification) -> bool {
    let Some(legacy) = &notification.legacy else { return true };
    let sent_at = world.clock.now_millis();
    let answer = post(world, notification, legacy.to_string().into()).await;
    let result = answer.as_ref().map_or_else(Clone::clone, |status| status.as_u16().to_string());
    notification.note(world, format!("legacy format: {result}"), 1, sent_at);
    answer == Ok(StatusCode::NO_CONTENT)
}

/// An incoming call in the legacy format. Source: field report; nobody documents it.
pub(super) fn in_legacy_format(call: &Value) -> Value {
    let of = |name: &str| call.get(name).cloned().unwrap_or_default();
    let from = call.pointer("/source/identity").cloned().unwrap_or_default();
    let to = call.pointer("/targets/0/identity").cloned().unwrap_or_default();
    let participant = |identity: Value, originator: bool, id: Value| {
        json!({
            "identity": identity,
            "participantId": id,
            "endpointId": null,
            "languageId": null,
            "tenantId": of("tenantId"),
            "region": null,
            "originator": originator,
            "isHidden": false,
            "endPointType": "default",
            "removeFromDefaultAudioRoutingGroup": false,
        })
    };
    let id = call.get("@odata.id").and_then(Value::as_str).and_then(|id| id.rsplit('/').next());
    json!({
        "id": id,
        "participants": [
            participant(from, true, uuid::Uuid::new_v4().to_string().into()),
            participant(to, false, of("myParticipantId")),
        ],
        "isMultiparty": call.get("chatInfo").is_some(),
        "presentedModalityTypes": ["audio"],
        "callState": "incoming",
        "tenantId": of("tenantId"),
    })
}

async fn deliver(world: &World, notification: &Notification) {
    let (mut result, mut tries, sent_at) = ("not posted".to_owned(), 0, world.clock.now_millis());
    while tries < TRIES {
        tries = tries.saturating_add(1);
        match post(world, notification, notification.body()).await {
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
    notification.note(world, result, tries, sent_at);
}

async fn post(world: &World, notification: &Notification, body: Bytes) -> Result<StatusCode, String> {
    let Notification { app_id, tenant_id, to, .. } = notification;
    let issuer = world.app(app_id).map(|app| app.issuer).unwrap_or_default();
    let token = world.keys.for_notification(issuer, app_id, tenant_id, world.clock.now_seconds());
    let token = token.ok_or("no token can be signed")?;
    let request = Request::post(to.as_str())
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .header(CONTENT_TYPE, "application/json")
        .body(body)
        .map_err(|_| "the callback is no address")?;
    let answer = tokio::time::timeout(ANSWER_WITHIN, world.transport.send(request)).await;
    let answer = answer.map_err(|_| format!("no answer within {ANSWER_WITHIN:?}"))?;
    answer.map(|response| response.status()).map_err(|error| error.to_string())
}
