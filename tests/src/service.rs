//! The service with a witness: what it carried out and what was accepted of its notifications is noted, and transfers,
//! invitations and recordings are carried out in front of the simulator.
//!
//! Source: Graph docs, call: transfer, record; participant: invite (their examples).
#![allow(clippy::missing_panics_doc, clippy::unwrap_used, clippy::indexing_slicing)] // a poisoned lock is a test that failed already

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use callflow_graph::transport::{Exchange, InProcess, Transport, TransportError};
use http::{HeaderValue, Request, Response};
use serde_json::{Value, json};

use crate::cut::Line;

/// A request that reached the service.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The call's id in one spelling; of a creation the one that it made.
    pub call: String,
    /// The last segment of its path, with its method: `POST playPrompt`.
    pub what: String,
    /// What is wanted of whom: the prompt's address, or the person.
    pub intent: String,
    /// What it was answered.
    pub status: u16,
}

/// A notification that the bot accepted.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// The call's id in one spelling.
    pub call: String,
    /// Its entry.
    pub entry: Value,
}

#[derive(Debug, Default)]
struct Noted {
    asked: Vec<Asked>,
    accepted: Vec<Accepted>,
    /// Bodies that were posted and not accepted.
    missed: BTreeSet<Bytes>,
    authorization: Option<HeaderValue>,
    callbacks: Vec<(String, String)>,
    /// Calls that are over, whatever the simulator says.
    over: BTreeSet<String>,
}

/// The service.
pub struct Service {
    net: InProcess,
    /// The way to the bot.
    pub line: Line,
    noted: Mutex<Noted>,
}

type Answered = Result<Response<Bytes>, TransportError>;

impl Service {
    /// In front of the simulator on `net`.
    pub fn new(net: InProcess) -> Arc<Self> {
        Arc::new(Self { net, line: Line::default(), noted: Mutex::default() })
    }

    /// Forgets what was noted.
    pub fn begin_anew(&self) {
        let mut noted = self.noted.lock().unwrap();
        let authorization = noted.authorization.take();
        *noted = Noted { authorization, over: std::mem::take(&mut noted.over), ..Noted::default() };
    }

    /// What was asked.
    pub fn requests(&self) -> Vec<Asked> {
        self.noted.lock().unwrap().asked.clone()
    }

    /// What was accepted.
    pub fn accepted(&self) -> Vec<Accepted> {
        self.noted.lock().unwrap().accepted.clone()
    }

    /// How many notifications were posted and never accepted.
    pub fn missed(&self) -> usize {
        self.noted.lock().unwrap().missed.len()
    }

    /// Takes a request of the bot.
    pub(crate) async fn asked(self: Arc<Self>, request: Request<Bytes>) -> Answered {
        let path = request.uri().path().to_owned();
        let Some(below) = path.split("/communications/calls").nth(1).map(|below| below.trim_matches('/'))
        else {
            return self.net.send(request).await;
        };
        let mut parts = below.splitn(2, '/');
        let call = plain(parts.next().unwrap_or_default());
        let action =
            parts.next().unwrap_or_default().rsplit(['/', '.']).next().unwrap_or_default().to_owned();
        let what = format!("{} {action}", request.method());
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        self.learn_callback(&call, &body);
        let of_its_own = matches!(action.as_str(), "transfer" | "invite" | "recordResponse");
        let is_over = self.noted.lock().unwrap().over.contains(&call);
        let answered = if is_over {
            Ok(answer(404, &json!({"error": {"code": "8522", "message": "Call not found."}})))
        } else if of_its_own {
            Ok(self.carry_out(&call, &action, &body))
        } else {
            self.net.send(request).await
        };
        if let Ok(response) = &answered {
            let made: Value = serde_json::from_slice(response.body()).unwrap_or_default();
            let call = match made.get("id").and_then(Value::as_str) {
                Some(id) if call.is_empty() => plain(id),
                Some(_) | None => call,
            };
            self.learn_callback(&call, &body);
            let asked = Asked { call, what, intent: intent_of(&body), status: response.status().as_u16() };
            self.noted.lock().unwrap().asked.push(asked);
        }
        answered
    }

    fn learn_callback(&self, call: &str, body: &Value) {
        if let Some(callback) = body.get("callbackUri").and_then(Value::as_str) {
            self.noted.lock().unwrap().callbacks.push((call.to_owned(), callback.to_owned()));
        }
    }

    fn carry_out(self: &Arc<Self>, call: &str, action: &str, body: &Value) -> Response<Bytes> {
        let context = body.get("clientContext").cloned().unwrap_or_default();
        let id = format!("{action}-{}", self.noted.lock().unwrap().asked.len());
        let operation = |kind: &str, status: &str| json!({"@odata.type": format!("#microsoft.graph.{kind}"), "id": id, "status": status, "clientContext": context});
        let state = |state: &str| json!({"@odata.type": "#microsoft.graph.call", "state": state});
        let below = format!("/operations/{id}");
        let (response, news) = match action {
            "transfer" => {
                self.noted.lock().unwrap().over.insert(call.to_owned());
                let mut end = state("terminated");
                end["resultInfo"] = json!({"code": 0, "subcode": 7015, "message": ""});
                let news = vec![
                    ("updated", String::new(), state("transferring")),
                    ("updated", String::new(), state("transferAccepted")),
                    ("deleted", String::new(), end),
                ];
                (answer(202, &Value::Null), news)
            }
            "invite" => {
                let done = operation("inviteParticipantsOperation", "completed");
                (
                    answer(200, &operation("inviteParticipantsOperation", "running")),
                    vec![("updated", below, done)],
                )
            }
            _ => {
                let mut done = operation("recordOperation", "completed");
                done["recordingLocation"] = json!("https://files.test/recording");
                done["recordingAccessToken"] = json!("only-for-the-recording");
                (answer(200, &operation("recordOperation", "running")), vec![("deleted", below, done)])
            }
        };
        let (service, call) = (Arc::clone(self), call.to_owned());
        tokio::spawn(async move {
            for (change, below, data) in news {
                tokio::time::sleep(Duration::from_millis(500)).await;
                service.tell(&call, change, &below, data).await;
            }
        });
        response
    }

    /// Posts a notification of its own, three times at most.
    async fn tell(&self, call: &str, change: &str, below: &str, data: Value) {
        let resource = format!("/communications/calls/{call}{below}");
        let entry = json!({"changeType": change, "resourceUrl": resource, "resourceData": data});
        let body = Bytes::from(json!({"value": [entry]}).to_string());
        for tried in 1..=3 {
            let (to, authorization) = {
                let noted = self.noted.lock().unwrap();
                let to = noted.callbacks.iter().rev().find(|(of, _)| of == call).map(|(_, to)| to.clone());
                (to, noted.authorization.clone())
            };
            let (Some(to), Some(authorization)) = (to, authorization) else { return };
            let request = Request::post(to)
                .header("authorization", authorization)
                .header("content-type", "application/json")
                .body(body.clone())
                .unwrap();
            if self.post(request).await.is_ok_and(|response| !response.status().is_server_error()) {
                return;
            }
            tokio::time::sleep(Duration::from_secs(tried)).await;
        }
    }

    async fn post(&self, request: Request<Bytes>) -> Answered {
        let bytes = request.body().clone();
        let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        {
            let mut noted = self.noted.lock().unwrap();
            noted.missed.insert(bytes.clone());
            if let Some(authorization) = request.headers().get("authorization") {
                noted.authorization = Some(authorization.clone());
            }
        }
        let answered = self.line.post(self.net.send(request)).await;
        if answered.as_ref().is_ok_and(|response| response.status().is_success()) {
            self.noted.lock().unwrap().missed.remove(&bytes);
            for entry in body.get("value").and_then(Value::as_array).into_iter().flatten() {
                let url = entry.get("resourceUrl").and_then(Value::as_str).unwrap_or_default();
                let call = plain(url.split('/').nth(3).unwrap_or_default());
                self.noted.lock().unwrap().accepted.push(Accepted { call, entry: entry.clone() });
            }
        }
        answered
    }
}

/// What the simulator sends over: notifications to the bot pass the witness.
pub struct ToBot(pub Arc<Service>);

impl Transport for ToBot {
    fn send(&self, request: Request<Bytes>) -> Exchange {
        let service = Arc::clone(&self.0);
        Box::pin(async move {
            if request.uri().host() != Some("bot.test") {
                return service.net.send(request).await;
            }
            let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
            let url = body.pointer("/value/0/resourceUrl").and_then(Value::as_str).unwrap_or_default();
            let call = plain(url.split('/').nth(3).unwrap_or_default());
            if service.noted.lock().unwrap().over.contains(&call) {
                // It was transferred: what the simulator does not know is not told.
                return Ok(answer(202, &Value::Null));
            }
            service.post(request).await
        })
    }
}

fn answer(status: u16, body: &Value) -> Response<Bytes> {
    let bytes = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    Response::builder().status(status).body(bytes).unwrap()
}

fn intent_of(body: &Value) -> String {
    let of = |path: &str| body.pointer(path).and_then(Value::as_str).map(str::to_owned);
    of("/prompts/0/mediaInfo/uri")
        .or_else(|| of("/targets/0/identity/user/id"))
        .or_else(|| of("/transferTarget/identity/user/id"))
        .or_else(|| of("/participants/0/identity/user/id"))
        .unwrap_or_default()
}

/// An id in one spelling.
pub fn plain(id: &str) -> String {
    id.replace('-', "").to_ascii_lowercase()
}
