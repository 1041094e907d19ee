//! The service with a witness: what it carried out and what was accepted of its notifications is noted, and transfers,
//! invitations and recordings are carried out in front of the simulator.
//!
//! Source: Graph docs, call: transfer, record; participant: invite (their examples).
#![allow(clippy::missing_panics_doc, clippy::unwrap_used, clippy::indexing_slicing)] // a poisoned lock is a test that failed already

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use callflow_core::id::ClientContext;
use callflow_graph::transport::{Exchange, InProcess, Transport, TransportError};
use http::{HeaderValue, Request, Response};
use serde_json::{Value, json};

use crate::cut::Line;
use crate::script::JOININGS;

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

/// A participant who joined, under policy-based recording.
#[derive(Clone, Debug)]
pub struct Joined {
    /// The call's id in one spelling.
    pub call: String,
    /// Which of them he is, from 0.
    pub number: u32,
    /// What came back each time that it was asked about him; none where nothing did.
    pub answers: Vec<Option<String>>,
}

/// A notification that was posted and never accepted.
#[derive(Clone, Debug)]
pub struct Missed {
    /// The call's id in one spelling.
    pub call: String,
    /// The ticket of the request that it is about, where it names one.
    pub ticket: Option<u32>,
}

/// A notification that the bot accepted.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// The call's id in one spelling.
    pub call: String,
    /// Its entry.
    pub entry: Value,
    /// When, in the service's order of things.
    pub at: u64,
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
    joined: Vec<Joined>,
    answers_late: bool,
}

/// The service.
pub struct Service {
    net: InProcess,
    /// The way to the bot.
    pub line: Line,
    noted: Mutex<Noted>,
    moments: AtomicU64,
}

/// How much later than usual it answers where its news come first: longer than a prompt.
const LATE: Duration = Duration::from_millis(2500);
/// What may be asked again after a while, as long as the bot has not answered.
const ASKED_AGAIN: Duration = Duration::from_secs(2);

type Answered = Result<Response<Bytes>, TransportError>;

impl Service {
    /// In front of the simulator on `net`.
    pub fn new(net: InProcess) -> Arc<Self> {
        Arc::new(Self { net, line: Line::default(), noted: Mutex::default(), moments: AtomicU64::new(0) })
    }

    /// Forgets what was noted. From now on it tells of what it did before it answers, or not.
    pub fn begin_anew(&self, answers_late: bool) {
        let mut noted = self.noted.lock().unwrap();
        let authorization = noted.authorization.take();
        let over = std::mem::take(&mut noted.over);
        *noted = Noted { authorization, over, answers_late, ..Noted::default() };
    }

    /// Forgets what was asked and accepted.
    pub fn forget(&self) {
        let mut noted = self.noted.lock().unwrap();
        noted.asked.clear();
        noted.accepted.clear();
    }

    /// The next moment: each is later than the ones before.
    pub fn moment(&self) -> u64 {
        self.moments.fetch_add(1, Ordering::Relaxed)
    }

    /// What participants who joined were answered.
    pub fn joined(&self) -> Vec<Joined> {
        self.noted.lock().unwrap().joined.clone()
    }

    /// What was asked.
    pub fn requests(&self) -> Vec<Asked> {
        self.noted.lock().unwrap().asked.clone()
    }

    /// What was accepted.
    pub fn accepted(&self) -> Vec<Accepted> {
        self.noted.lock().unwrap().accepted.clone()
    }

    /// Which notifications were posted and never accepted.
    pub fn missed(&self) -> Vec<Missed> {
        let noted = self.noted.lock().unwrap();
        let bodies = noted.missed.iter().filter_map(|body| serde_json::from_slice::<Value>(body).ok());
        let entries = bodies.filter_map(|body| body.pointer("/value/0").cloned());
        entries.map(|entry| Missed { call: call_of(&entry), ticket: ticket_of(&entry) }).collect()
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
        let changes = request.method() != http::Method::GET && action != "keepAlive";
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
            let answers_late = {
                let mut noted = self.noted.lock().unwrap();
                noted.asked.push(asked);
                noted.answers_late
            };
            if answers_late && changes {
                tokio::time::sleep(LATE).await;
            }
        }
        answered
    }

    /// Lets participants join a call one after another, and asks about each of them once more when all have.
    pub async fn let_join(&self, call: &str) {
        let call = plain(call);
        for again in [false, true] {
            for number in 0..JOININGS {
                tokio::time::sleep(Duration::from_secs(1)).await;
                let answer = self.ask_to_join(&call, number).await;
                let mut noted = self.noted.lock().unwrap();
                match noted.joined.iter_mut().find(|joined| again && joined.number == number) {
                    Some(joined) => joined.answers.push(answer),
                    None => noted.joined.push(Joined { call: call.clone(), number, answers: vec![answer] }),
                }
            }
        }
    }

    /// Asks the bot about a participant who joins, until it answers, and gives that in a word.
    async fn ask_to_join(&self, call: &str, number: u32) -> Option<String> {
        let data = json!({"@odata.type": "#microsoft.graph.participantJoiningNotification"});
        let resource = format!("/communications/calls/{call}");
        let entry = json!({"changeType": "created", "resourceUrl": resource, "resourceData": data});
        let body = Bytes::from(json!({"value": [entry]}).to_string());
        for _ in 0..20 {
            let request =
                self.to_bot(call)?.header("x-microsoft-skype-message-id", format!("{call}-{number}"));
            let answered = self.post(request.body(body.clone()).unwrap()).await;
            if let Some(response) = answered.ok().filter(|response| response.status() == 200) {
                let answer: Value = serde_json::from_slice(response.body()).unwrap_or_default();
                let of = |member: &str| answer.get(member).and_then(Value::as_str).unwrap_or_default();
                return Some(match (of("@odata.type"), of("reason")) {
                    ("#microsoft.graph.acceptJoinResponse", _) => "accept".to_owned(),
                    ("#microsoft.graph.inviteNewBotResponse", _) => "elsewhere".to_owned(),
                    (_, "forbidden") => "default".to_owned(),
                    (_, reason) => reason.to_owned(),
                });
            }
            tokio::time::sleep(ASKED_AGAIN).await;
        }
        None
    }

    /// The beginning of a request to the address of a call.
    fn to_bot(&self, call: &str) -> Option<http::request::Builder> {
        let noted = self.noted.lock().unwrap();
        let (_, to) = noted.callbacks.iter().rev().find(|(of, _)| of == call)?;
        let authorization = noted.authorization.clone()?;
        let request = Request::post(to).header("authorization", authorization);
        Some(request.header("content-type", "application/json"))
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
            let Some(request) = self.to_bot(call) else { return };
            if self
                .post(request.body(body.clone()).unwrap())
                .await
                .is_ok_and(|response| !response.status().is_server_error())
            {
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
                let accepted = Accepted { call: call_of(entry), entry: entry.clone(), at: self.moment() };
                self.noted.lock().unwrap().accepted.push(accepted);
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
            let call = body.pointer("/value/0").map(call_of).unwrap_or_default();
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

/// The call that a notification's entry is about.
pub fn call_of(entry: &Value) -> String {
    let url = entry.get("resourceUrl").and_then(Value::as_str).unwrap_or_default();
    plain(url.split('/').nth(3).unwrap_or_default())
}

/// The ticket of the request that a notification's entry is about, where it names one.
pub fn ticket_of(entry: &Value) -> Option<u32> {
    let context = entry.pointer("/resourceData/clientContext")?.as_str()?;
    ClientContext::parse(context).map(|context| context.ticket.number())
}

/// An id in one spelling.
pub fn plain(id: &str) -> String {
    id.replace('-', "").to_ascii_lowercase()
}
