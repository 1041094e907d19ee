//! The service's own idea of a call.
//!
//! Source: Graph docs, call: create, answer, reject, delete, keepAlive, playPrompt, subscribeToTone, and their examples;
//! what is assumed says so.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use super::delivery::{self, Notification};
use super::error::Error;
use super::person::{self, Outcome, Person, Progress, Step, WhenRung};
use super::{Registration, What, World, prompt};

/// How long a bot may take to answer. Source: Graph docs, call: answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// How long a call lives without a keepAlive. Source: Graph docs, call: keepAlive.
const KEPT_FOR: Duration = Duration::from_secs(45 * 60);
/// How long somebody is rung. Source: Graph docs, call: create (beta: at most 115 s).
const RING_FOR: Duration = Duration::from_secs(60);
/// How long the service takes from one step to the next. Source: assumed.
const STEP: Duration = Duration::from_millis(40);

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Incoming,
    Answered,
    Rejected,
    Establishing,
    Established,
    Terminated,
}

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Self::Incoming | Self::Rejected => "incoming",
            Self::Answered | Self::Establishing => "establishing",
            Self::Established => "established",
            Self::Terminated => "terminated",
        }
    }
}

/// What is known of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallView {
    /// Its id.
    pub id: String,
    /// Its `callState`.
    pub state: &'static str,
    /// Code and subcode of its end.
    pub result: Option<(u32, u32)>,
    /// How far the person's script got.
    pub outcome: Outcome,
    /// How many prompts were begun.
    pub prompts_started: u32,
    /// How many prompts came to their end.
    pub prompts_ended: u32,
}

#[derive(Clone, Debug)]
struct Operation {
    id: String,
    kind: &'static str,
    client_context: Option<String>,
    prompts: Value,
    status: &'static str,
    result: Option<Value>,
}

impl Operation {
    fn json(&self) -> Value {
        let mut json = json!({
            "@odata.type": format!("#microsoft.graph.{}", self.kind),
            "id": self.id,
            "status": self.status,
            "clientContext": self.client_context,
            "resultInfo": self.result,
        });
        if let (Some(json), false) = (json.as_object_mut(), self.prompts.is_null()) {
            json.insert("prompts".to_owned(), self.prompts.clone());
        }
        json
    }
}

struct Inner {
    stage: Stage,
    callback: String,
    has_audio: bool,
    listens: bool,
    next_tone: u64,
    operations: Vec<Operation>,
    kept_at: u64,
    result: Option<(u32, u32)>,
    outcome: Outcome,
    player: Option<mpsc::UnboundedSender<String>>,
}

pub(super) struct Call {
    id: String,
    direction: &'static str,
    app_id: String,
    tenant_id: String,
    person: Person,
    chain_id: String,
    participant_id: String,
    world: Weak<World>,
    inner: Mutex<Inner>,
    progress: watch::Sender<Progress>,
    notifications: mpsc::UnboundedSender<Notification>,
}

impl Call {
    /// A person calls the bot.
    pub(super) fn incoming(
        world: &Arc<World>,
        app: &Registration,
        person: &Person,
        script: Vec<Step>,
    ) -> String {
        // Documented examples write the ids of incoming calls without dashes, in capitals.
        let id = uuid::Uuid::new_v4().simple().to_string().to_uppercase();
        let call = Self::new(world, id, "incoming", app, person, app.callback_uri.clone(), Stage::Incoming);
        call.did("calls the bot");
        let has_permission = app.permissions.iter().any(|permission| permission.starts_with("Calls."));
        // Source: Graph docs, call: answer. Without any permission the caller is encrypted.
        let identity = if has_permission {
            json!({"user": {"@odata.type": "#microsoft.graph.identity", "id": person.id, "displayName": person.display_name}})
        } else {
            json!({"encrypted": {"@odata.type": "#microsoft.graph.identity", "id": uuid::Uuid::new_v4().to_string()}})
        };
        let data = json!({
            "@odata.type": "#microsoft.graph.call",
            "@odata.id": format!("/communications/calls/{}", call.id),
            "@odata.etag": "W/\"5445\"",
            "state": "incoming",
            "direction": "incoming",
            "callChainId": call.chain_id,
            "source": {"@odata.type": "#microsoft.graph.participantInfo", "identity": identity},
            "targets": [{
                "@odata.type": "#microsoft.graph.participantInfo",
                "identity": {"application": {"@odata.type": "#microsoft.graph.identity", "id": app.app_id}},
            }],
            "tenantId": app.tenant_id,
            "myParticipantId": call.participant_id,
            "requestedModalities": ["audio"],
        });
        call.tell("created", "created call incoming", String::new(), data);
        let (limited, acting) = (Arc::clone(&call), Arc::clone(&call));
        world.spawn(async move {
            tokio::time::sleep(ANSWER_WITHIN).await;
            if limited.stage() == Stage::Incoming {
                // Source: assumed; no page says what the bot is told then.
                limited.end(408, 10057, false);
            }
        });
        world.spawn(person::act(acting, script));
        call.id.clone()
    }

    /// The bot calls a person; the answer to its request.
    pub(super) fn outgoing(
        world: &Arc<World>,
        app: &Registration,
        person: &Person,
        callback: String,
    ) -> Arc<Self> {
        let id = uuid::Uuid::new_v4().to_string();
        let call = Self::new(world, id, "outgoing", app, person, callback, Stage::Establishing);
        let rung = Arc::clone(&call);
        world.spawn(async move {
            tokio::time::sleep(STEP).await;
            rung.tell_state("establishing");
            rung.did("is rung");
            match rung.person.when_rung.clone() {
                WhenRung::PickUp { after, then } => {
                    tokio::time::sleep(after).await;
                    if rung.stage() == Stage::Establishing {
                        rung.did("picks up");
                        rung.establish().await;
                        person::act(rung, then).await;
                    }
                }
                WhenRung::Decline => {
                    rung.did("declines");
                    rung.set_outcome(Outcome::Done);
                    rung.end(480, 10134, false);
                }
                WhenRung::Ignore => {
                    tokio::time::sleep(RING_FOR).await;
                    rung.set_outcome(Outcome::Done);
                    // Source: field captures, where an unanswered call ended so.
                    rung.end(200, 5002, false);
                }
            }
        });
        call
    }

    fn new(
        world: &Arc<World>,
        id: String,
        direction: &'static str,
        app: &Registration,
        person: &Person,
        callback: String,
        stage: Stage,
    ) -> Arc<Self> {
        let (notifications, queue) = mpsc::unbounded_channel();
        let call = Arc::new(Self {
            id,
            direction,
            app_id: app.app_id.clone(),
            tenant_id: app.tenant_id.clone(),
            person: person.clone(),
            chain_id: uuid::Uuid::new_v4().to_string(),
            participant_id: uuid::Uuid::new_v4().to_string(),
            world: world.weak(),
            inner: Mutex::new(Inner {
                stage,
                callback,
                has_audio: false,
                listens: false,
                // Field captures have sequences that begin at 6.
                next_tone: world.config.seed % 7,
                operations: Vec::new(),
                kept_at: world.clock.now_millis(),
                result: None,
                outcome: Outcome::Running,
                player: None,
            }),
            progress: watch::Sender::new(Progress::default()),
            notifications,
        });
        world
            .calls
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(super::plain(&call.id), Arc::clone(&call));
        world.spawn(delivery::run(world.weak(), queue));
        world.spawn(Arc::clone(&call).clean_up());
        call
    }

    /// Source: Graph docs, call: keepAlive.
    async fn clean_up(self: Arc<Self>) {
        while self.stage() != Stage::Terminated {
            let Some(world) = self.world.upgrade() else { return };
            let idle = Duration::from_millis(
                world.clock.now_millis().saturating_sub(self.with(|inner| inner.kept_at)),
            );
            drop(world);
            match KEPT_FOR.checked_sub(idle).filter(|left| !left.is_zero()) {
                Some(left) => tokio::time::sleep(left).await,
                None => self.end(408, 8537, false),
            }
        }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn app_id(&self) -> &str {
        &self.app_id
    }

    pub(super) fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    pub(super) fn set_outcome(&self, outcome: Outcome) {
        self.with(|inner| inner.outcome = outcome);
    }

    pub(super) fn view(&self) -> CallView {
        let progress = *self.progress.borrow();
        self.with(|inner| CallView {
            id: self.id.clone(),
            state: inner.stage.name(),
            result: inner.result,
            outcome: inner.outcome.clone(),
            prompts_started: progress.prompts_started,
            prompts_ended: progress.prompts_ended,
        })
    }

    /// The call as GET and the answer to its creation show it.
    pub(super) fn json(&self) -> Value {
        self.with(|inner| {
            json!({
                "@odata.type": "#microsoft.graph.call",
                "id": self.id,
                "state": inner.stage.name(),
                "direction": self.direction,
                "callbackUri": inner.callback,
                "callChainId": self.chain_id,
                "tenantId": self.tenant_id,
                "myParticipantId": self.participant_id,
                "mediaState": null,
                "resultInfo": null,
                "chatInfo": null,
                "meetingInfo": null,
                "toneInfo": null,
                "targets": [],
            })
        })
    }

    /// Source: Graph docs, call: answer.
    pub(super) fn answer(self: &Arc<Self>, callback: String) -> Result<(), Error> {
        self.settle(Stage::Answered)?;
        self.with(|inner| inner.callback = callback);
        let Some(world) = self.world.upgrade() else { return Ok(()) };
        let answered = Arc::clone(self);
        world.spawn(async move {
            tokio::time::sleep(STEP).await;
            answered.with(|inner| inner.stage = Stage::Establishing);
            answered.tell_state("establishing");
            tokio::time::sleep(STEP).await;
            answered.establish().await;
        });
        Ok(())
    }

    /// Source: Graph docs, call: reject. The notification has no state.
    pub(super) fn reject(self: &Arc<Self>) -> Result<(), Error> {
        self.settle(Stage::Rejected)?;
        self.finish(None);
        let data = json!({"@odata.type": "#microsoft.graph.call", "@odata.id": format!("/communications/calls/{}", self.id)});
        self.tell("deleted", "deleted call", String::new(), data);
        Ok(())
    }

    fn settle(&self, stage: Stage) -> Result<(), Error> {
        self.with(|inner| match inner.stage {
            Stage::Incoming if self.direction == "incoming" => {
                inner.stage = stage;
                Ok(())
            }
            Stage::Terminated => Err(Error::call_not_found()),
            Stage::Incoming
            | Stage::Answered
            | Stage::Rejected
            | Stage::Establishing
            | Stage::Established => {
                Err(Error::not_in_this_state("The call was answered or rejected already."))
            }
        })
    }

    /// Source: Graph docs, call: delete.
    pub(super) fn delete(self: &Arc<Self>) -> Result<(), Error> {
        if self.stage() == Stage::Terminated {
            return Err(Error::call_not_found());
        }
        self.end(200, 7000, true);
        Ok(())
    }

    pub(super) fn keep_alive(&self) -> Result<(), Error> {
        let now = self.world.upgrade().map_or(0, |world| world.clock.now_millis());
        self.with(|inner| {
            if inner.stage == Stage::Terminated {
                return Err(Error::call_not_found());
            }
            inner.kept_at = now;
            Ok(())
        })
    }

    /// Source: Graph docs, call: playPrompt.
    pub(super) fn play(
        self: &Arc<Self>,
        prompts: Value,
        client_context: Option<String>,
    ) -> Result<Value, Error> {
        let uris: Vec<String> = prompts
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|prompt| prompt.pointer("/mediaInfo/uri").and_then(Value::as_str).map(str::to_owned))
            .collect();
        if uris.is_empty() || uris.len() > 20 {
            return Err(Error::bad_request("1 to 20 prompts with a mediaInfo.uri are expected."));
        }
        let operation = self.begin("playPromptOperation", "running", client_context, prompts)?;
        let player = self.with(|inner| inner.player.clone());
        let player = player.unwrap_or_else(|| {
            let (player, queue) = mpsc::unbounded_channel();
            self.with(|inner| inner.player = Some(player.clone()));
            if let Some(world) = self.world.upgrade() {
                world.spawn(play_all(Arc::clone(self), queue));
            }
            player
        });
        // The player lives as long as the call.
        let _ = player.send(operation.id.clone());
        Ok(operation.json())
    }

    /// Source: Graph docs, call: subscribeToTone.
    pub(super) fn subscribe_to_tone(&self, client_context: Option<String>) -> Result<Value, Error> {
        let operation = self.begin("subscribeToToneOperation", "completed", client_context, Value::Null)?;
        self.with(|inner| inner.listens = true);
        self.progress.send_modify(|progress| progress.listens = true);
        Ok(operation.json())
    }

    fn begin(
        &self,
        kind: &'static str,
        status: &'static str,
        client_context: Option<String>,
        prompts: Value,
    ) -> Result<Operation, Error> {
        let id = uuid::Uuid::new_v4().to_string();
        self.with(|inner| {
            match (inner.stage, inner.has_audio) {
                (Stage::Terminated, _) => return Err(Error::call_not_found()),
                (Stage::Established, true) => {}
                _ => return Err(Error::not_in_this_state("The call has no audio yet.")),
            }
            let operation = Operation { id, kind, client_context, prompts, status, result: None };
            inner.operations.push(operation.clone());
            Ok(operation)
        })
    }

    pub(super) fn operation(&self, id: &str) -> Option<Value> {
        self.with(|inner| {
            inner
                .operations
                .iter()
                .find(|operation| operation.id.eq_ignore_ascii_case(id))
                .map(Operation::json)
        })
    }

    /// The person presses a key; whether the call was there to press it in.
    pub(super) fn press(&self, key: char) -> bool {
        let tone = match key {
            '*' => "star".to_owned(),
            '#' => "pound".to_owned(),
            digit => format!("tone{digit}"),
        };
        if self.stage() != Stage::Established {
            return false;
        }
        self.did(&format!("presses {key}"));
        let sequence = self.with(|inner| {
            inner.next_tone = inner.next_tone.saturating_add(1);
            inner.listens.then_some(inner.next_tone)
        });
        if let Some(sequence) = sequence {
            let data = json!({
                "@odata.type": "#microsoft.graph.call",
                "state": "established",
                "toneInfo": {"@odata.type": "#microsoft.graph.toneInfo", "sequenceId": sequence, "tone": tone},
            });
            self.tell("updated", &format!("updated call established {tone}"), String::new(), data);
        }
        true
    }

    /// Source: Graph docs, call: delete (200/4521, ended by the other participant of a peer-to-peer call).
    pub(super) fn hang_up_by_person(&self) -> bool {
        if self.stage() == Stage::Terminated {
            return false;
        }
        self.did("hangs up");
        self.end(200, 4521, false);
        true
    }

    async fn establish(&self) {
        let is_live = self.with(|inner| {
            let is_live = inner.stage != Stage::Terminated;
            if is_live {
                inner.stage = Stage::Established;
            }
            is_live
        });
        if !is_live {
            return;
        }
        // Field captures: one `established` without media, then another with it.
        let data = json!({
            "@odata.type": "#microsoft.graph.call",
            "state": "established",
            "direction": self.direction,
            "callChainId": self.chain_id,
        });
        self.tell("updated", "updated call established", String::new(), data);
        self.progress.send_modify(|progress| progress.established = true);
        tokio::time::sleep(STEP).await;
        if self.stage() == Stage::Established {
            self.with(|inner| inner.has_audio = true);
            let data = json!({
                "@odata.type": "#microsoft.graph.call",
                "state": "established",
                "mediaState": {"@odata.type": "#microsoft.graph.callMediaState", "audio": "active"},
            });
            self.tell("updated", "updated call established audio active", String::new(), data);
        }
    }

    fn end(&self, code: u32, subcode: u32, with_terminating: bool) {
        if !self.finish(Some((code, subcode))) {
            return;
        }
        if with_terminating {
            self.tell_state("terminating");
        }
        let data = json!({
            "@odata.type": "#microsoft.graph.call",
            "state": "terminated",
            "resultInfo": {"@odata.type": "#microsoft.graph.resultInfo", "code": code, "subcode": subcode, "message": ""},
        });
        self.tell("deleted", &format!("deleted call terminated {code}/{subcode}"), String::new(), data);
    }

    fn finish(&self, result: Option<(u32, u32)>) -> bool {
        let ended = self.with(|inner| {
            let ended = inner.stage != Stage::Terminated;
            if ended {
                inner.stage = Stage::Terminated;
                inner.result = result;
            }
            ended
        });
        self.progress.send_modify(|progress| progress.ended = true);
        ended
    }

    fn tell_state(&self, state: &str) {
        let data = json!({"@odata.type": "#microsoft.graph.call", "state": state});
        self.tell("updated", &format!("updated call {state}"), String::new(), data);
    }

    fn tell(&self, change: &'static str, about: &str, below: String, data: Value) {
        let notification = Notification {
            call: self.id.clone(),
            app_id: self.app_id.clone(),
            tenant_id: self.tenant_id.clone(),
            to: self.with(|inner| inner.callback.clone()),
            about: about.to_owned(),
            change,
            below,
            data,
        };
        // Delivery ends with the simulator.
        let _ = self.notifications.send(notification);
    }

    fn did(&self, what: &str) {
        if let Some(world) = self.world.upgrade() {
            let name = self.person.display_name.clone();
            world.observe(Some(&self.id), What::Person { name, did: what.to_owned() });
        }
    }

    fn stage(&self) -> Stage {
        self.with(|inner| inner.stage)
    }

    fn with<T>(&self, at: impl FnOnce(&mut Inner) -> T) -> T {
        at(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Plays what comes, one operation after another, until the call ends.
async fn play_all(call: Arc<Call>, mut queue: mpsc::UnboundedReceiver<String>) {
    while let Some(id) = queue.recv().await {
        let mut progress = call.progress();
        tokio::select! {
            () = play_one(&call, &id) => {}
            _ = progress.wait_for(|progress| progress.ended) => return,
        }
    }
}

async fn play_one(call: &Call, id: &str) {
    let Some(world) = call.world.upgrade() else { return };
    let prompts = call.operation(id).and_then(|json| json.get("prompts").cloned()).unwrap_or_default();
    let mut failure = None;
    for prompt in prompts.as_array().into_iter().flatten() {
        let uri = prompt.pointer("/mediaInfo/uri").and_then(Value::as_str).unwrap_or_default();
        match prompt::fetch(&world, uri).await {
            Ok(length) => {
                call.progress.send_modify(|p| p.prompts_started = p.prompts_started.saturating_add(1));
                call.did("hears a prompt");
                tokio::time::sleep(length.mul_f64(world.config.time_scale.clamp(0.0, 1000.0))).await;
                call.progress.send_modify(|p| p.prompts_ended = p.prompts_ended.saturating_add(1));
            }
            Err(reason) => {
                failure = Some(reason);
                break;
            }
        }
    }
    let (status, result) = match failure {
        None => {
            ("completed", json!({"code": 200, "subcode": 0, "message": "Action completed successfully."}))
        }
        // Source: assumed; no page has the code of a prompt that cannot be had.
        Some(reason) => {
            ("failed", json!({"code": 400, "subcode": 8500, "message": format!("Prompt: {reason}")}))
        }
    };
    let json = call.with(|inner| {
        let operation = inner.operations.iter_mut().find(|operation| operation.id == id)?;
        operation.status = status;
        operation.result = Some(result);
        Some(operation.json())
    });
    if let Some(json) = json {
        call.tell("deleted", &format!("deleted operation {status}"), format!("/operations/{id}"), json);
    }
}
