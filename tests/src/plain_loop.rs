//! An ordinary bot, to be compared with: for each notification it loads the call's state, runs the callback, sends what that
//! asks for, and puts the state back. It accepts the notification before all that, or after it. A request without an answer
//! is sent again, as clients commonly do.
#![allow(clippy::missing_panics_doc, clippy::unwrap_used)] // a poisoned lock is a test that failed already

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use bytes::Bytes;
use callflow_graph::bot::{Drain, Drained};
use callflow_graph::transport::Transport;
use http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::cut::{CutNet, Power};
use crate::outage::{CALLED, DESK, Kind, Later, MENU, Process, World};
use crate::script::{Loss, Plan, expected};
use crate::service::plain;
use crate::{APP, TENANT};

type Kept = Arc<Mutex<BTreeMap<String, Vec<String>>>>;

/// The bot, with what it keeps.
pub struct PlainLoop<'a> {
    world: &'a World,
    plan: Plan,
    accepts: Accepts,
    kept: Kept,
}

/// When it accepts a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepts {
    /// Before it works.
    First,
    /// When it has done all that follows.
    Last,
}

impl<'a> PlainLoop<'a> {
    /// It keeps nothing yet.
    pub fn new(world: &'a World, plan: Plan, accepts: Accepts) -> Self {
        Self { world, plan, accepts, kept: Kept::default() }
    }
}

#[derive(Clone)]
struct Running {
    plan: Plan,
    accepts: Accepts,
    kept: Kept,
    net: Arc<CutNet>,
    power: Arc<Power>,
}

impl Kind for PlainLoop<'_> {
    fn start(&self, power: Arc<Power>) -> Later<'_, Box<dyn Process>> {
        let net = Arc::new(CutNet { net: Arc::clone(&self.world.service), power: Arc::clone(&power) });
        let (plan, accepts) = (self.plan, self.accepts);
        let process = Running { plan, accepts, kept: Arc::clone(&self.kept), net, power };
        Box::pin(async { Box::new(process) as Box<dyn Process> })
    }

    fn histories(&self) -> Later<'_, BTreeMap<String, Vec<String>>> {
        Box::pin(async { self.kept.lock().unwrap().clone() })
    }

    fn lose(&self, _: Loss) -> Later<'_, ()> {
        Box::pin(async { self.kept.lock().unwrap().clear() })
    }
}

impl Process for Running {
    fn router(&self) -> Router {
        Router::new().route("/calls", post(notified)).with_state(self.clone())
    }

    fn place(&self) -> Later<'_, ()> {
        let body = json!({
            "callbackUri": "https://bot.test/calls", "targets": [{"identity": {"user": {"id": CALLED}}}],
            "mediaConfig": {"@odata.type": "#microsoft.graph.serviceHostedMediaConfig"},
        });
        Box::pin(async move { self.ask("", body).await })
    }

    fn drain(&self, _: Drain) -> Later<'static, Drained> {
        Box::pin(std::future::pending())
    }

    fn bury(self: Box<Self>) {}
}

async fn notified(State(bot): State<Running>, body: Bytes) -> StatusCode {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    for entry in body.get("value").and_then(Value::as_array).into_iter().flatten() {
        let url = entry.get("resourceUrl").and_then(Value::as_str).unwrap_or_default();
        let call = plain(url.split('/').nth(3).unwrap_or_default());
        let (working, entry) = (bot.clone(), entry.clone());
        let work = tokio::spawn(async move { working.handle(&call, &entry).await });
        if bot.accepts == Accepts::Last && work.await.is_err() {
            return StatusCode::INTERNAL_SERVER_ERROR;
        }
    }
    StatusCode::ACCEPTED
}

impl Running {
    async fn handle(&self, call: &str, entry: &Value) {
        let Some(word) = expected(entry) else { return };
        let load = async { self.kept.lock().unwrap().get(call).cloned().unwrap_or_default() };
        let mut history = self.power.stored("load", load).await;
        if word == "established" && !entry.to_string().contains("active") {
            return;
        }
        let answer = json!({
            "callbackUri": "https://bot.test/calls", "acceptedModalities": ["audio"],
            "mediaConfig": {"@odata.type": "#microsoft.graph.serviceHostedMediaConfig"},
        });
        let play = |uri: String| json!({"prompts": [{"mediaInfo": {"uri": uri}}]});
        let desk = json!({"identity": {"user": {"id": DESK}}});
        match (self.plan, word.as_str()) {
            (Plan::Reject, "offered") => {
                self.ask(&format!("/{call}/reject"), json!({"reason": "busy"})).await;
            }
            (_, "offered") => {
                self.ask(&format!("/{call}/answer"), answer).await;
            }
            (Plan::Transfer, "established") => {
                self.ask(&format!("/{call}/transfer"), json!({"transferTarget": desk})).await;
            }
            (Plan::Invite, "established") => {
                self.ask(&format!("/{call}/participants/invite"), json!({"participants": [desk]})).await;
            }
            (Plan::Record, "established") => {
                self.ask(&format!("/{call}/recordResponse"), play(MENU.to_owned())).await;
            }
            (_, "established") => {
                self.ask(&format!("/{call}/subscribeToTone"), json!({})).await;
                self.ask(&format!("/{call}/playPrompt"), play(MENU.to_owned())).await;
            }
            (_, tone) if tone.starts_with("tone") => {
                let number = tone.trim_start_matches("tone ");
                self.ask(&format!("/{call}/playPrompt"), play(format!("{MENU}?tone={number}"))).await;
            }
            _ => {}
        }
        history.push(word);
        let upsert = async {
            self.kept.lock().unwrap().insert(call.to_owned(), history);
        };
        self.power.stored("upsert", upsert).await;
    }

    /// Asks, up to three times: a request whose connection broke, and one that a server failed, is asked again.
    async fn ask(&self, below: &str, body: Value) {
        let form = format!(
            "client_id={APP}&client_secret=s3cret&grant_type=client_credentials&scope=https%3A%2F%2Fgraph.test%2F.default"
        );
        let request = Request::post(format!("https://graph.test/{TENANT}/oauth2/v2.0/token"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from(form));
        let Ok(token) = self.net.send(request.unwrap()).await else { return };
        let token: Value = serde_json::from_slice(token.body()).unwrap_or_default();
        let token = token.get("access_token").and_then(Value::as_str).unwrap_or_default();
        for _ in 0..3 {
            let request = Request::post(format!("https://graph.test/v1.0/communications/calls{below}"))
                .header("authorization", format!("Bearer {token}"))
                .header("content-type", "application/json")
                .body(Bytes::from(body.to_string()));
            let answered = self.net.send(request.unwrap()).await;
            if answered.is_ok_and(|response| !response.status().is_server_error()) {
                return;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

/// How often each rule was broken.
pub fn breaches<T: Ord>(broken: impl IntoIterator<Item = (T, String)>) -> BTreeMap<T, usize> {
    let mut counts = BTreeMap::new();
    for (rule, _) in broken.into_iter().collect::<BTreeSet<_>>() {
        *counts.entry(rule).or_default() += 1;
    }
    counts
}
