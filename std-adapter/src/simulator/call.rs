//! The service's own idea of a call: where it stands, and what is told of it.
//!
//! Source: Graph docs, call: answer, reject, delete, keepAlive, and their examples; what is assumed says so.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::sync::{mpsc, watch};

use super::asked::Hosting;
use super::delivery::{self, Notification};
use super::error::Error;
use super::groups::Group;
use super::media::Queued;
use super::operation::Operation;
use super::participants::{Invited, Participant};
use super::person::{Outcome, Person, Progress};
use super::recording::{Recorded, Spoken};
use super::ringing::Taken;
use super::roster::{Options, Told};
use super::sharing::Session;
use super::{What, World};

/// How long a call lives without a keepAlive. Source: Graph docs, call: keepAlive.
const KEPT_FOR: Duration = Duration::from_secs(45 * 60);
/// How long somebody is rung. Source: Graph docs, call: create (beta: at most 115 s).
pub(super) const RING_FOR: Duration = Duration::from_secs(60);
/// How long the service takes from one step to the next. Source: assumed.
pub(super) const STEP: Duration = Duration::from_millis(40);

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Incoming,
    Answered,
    Rejected,
    Redirecting,
    Establishing,
    Established,
    Transferring,
    TransferAccepted,
    Terminated,
}

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Self::Incoming | Self::Rejected => "incoming",
            Self::Redirecting => "redirecting",
            Self::Answered | Self::Establishing => "establishing",
            Self::Established => "established",
            Self::Transferring => "transferring",
            Self::TransferAccepted => "transferAccepted",
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
    /// Whether it is a group call.
    pub is_group: bool,
    /// Code and subcode of its end.
    pub result: Option<(u32, u32)>,
    /// How far the person's script got.
    pub outcome: Outcome,
    /// How many prompts were begun.
    pub prompts_started: u32,
    /// How many prompts came to their end.
    pub prompts_ended: u32,
}

/// What is known of a call from its beginning, and stays.
pub(super) struct Facts {
    pub(super) id: String,
    pub(super) direction: &'static str,
    /// The other side of a peer-to-peer call, as it was called.
    pub(super) peer: Option<Person>,
    /// That which the bot asked the call to be part of.
    pub(super) chain_id: Option<String>,
    pub(super) chat_info: Value,
    pub(super) meeting_info: Value,
    /// The bot was called to record by policy.
    pub(super) is_policy_recording: bool,
    /// What else its resource shows.
    pub(super) said: Map<String, Value>,
    /// As what the bot is in it: the kind of identity, and the identity.
    pub(super) bot: (&'static str, Value),
    /// Telephones can be called from it.
    pub(super) reaches_phones: bool,
}

#[allow(clippy::struct_excessive_bools)] // each is a fact of its own
pub(super) struct Inner {
    pub(super) stage: Stage,
    pub(super) callback: String,
    pub(super) hosting: Hosting,
    /// More than two take part, or did, or meeting coordinates were given. Source: Graph docs, Calls overview.
    pub(super) is_group: bool,
    /// The bot waits in the lobby.
    pub(super) in_lobby: bool,
    /// The other side of a peer-to-peer call.
    peer: Option<Person>,
    answered_by: Value,
    routes: Vec<Value>,
    pub(super) options: Options,
    pub(super) roster: Vec<Participant>,
    pub(super) told: Told,
    pub(super) sessions: Vec<Session>,
    pub(super) invited: Vec<Invited>,
    pub(super) on_hold: Option<String>,
    pub(super) groups: Vec<Group>,
    pub(super) has_audio: bool,
    pub(super) listens: bool,
    next_tone: u64,
    /// Every key that was pressed.
    pub(super) keys: Vec<char>,
    pub(super) operations: Vec<Operation>,
    pub(super) spoken: Vec<Spoken>,
    pub(super) recorded: Vec<Recorded>,
    kept_at: u64,
    result: Option<(u32, u32)>,
    outcome: Outcome,
    pub(super) player: Option<mpsc::UnboundedSender<Queued>>,
}

pub(super) struct Call {
    facts: Facts,
    app_id: String,
    tenant_id: String,
    pub(super) chain_id: String,
    participant_id: String,
    began_at: u64,
    ordinal: u64,
    world: Weak<World>,
    inner: Mutex<Inner>,
    progress: watch::Sender<Progress>,
    notifications: mpsc::UnboundedSender<Notification>,
}

impl Call {
    /// A call that is not among those of the world yet, and what it tells.
    pub(super) fn new(
        world: &Arc<World>,
        (app_id, tenant_id): (String, String),
        facts: Facts,
        (stage, hosting): (Stage, Hosting),
        callback: String,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<Notification>) {
        let (notifications, queue) = mpsc::unbounded_channel();
        let has_coordinates = !facts.chat_info.is_null() || !facts.meeting_info.is_null();
        let peer = facts.peer.clone();
        let options = Options::of(&facts.said.clone().into());
        let chain_id = facts.chain_id.clone().unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
        let call = Arc::new(Self {
            facts,
            app_id,
            tenant_id,
            chain_id,
            participant_id: uuid::Uuid::new_v4().to_string(),
            began_at: world.clock.now_millis(),
            ordinal: world.begun.fetch_add(1, Ordering::Relaxed).saturating_add(1),
            world: world.weak(),
            inner: Mutex::new(Inner {
                stage,
                callback,
                hosting,
                is_group: has_coordinates,
                in_lobby: false,
                peer,
                answered_by: Value::Null,
                routes: Vec::new(),
                options,
                roster: Vec::new(),
                told: Told::default(),
                sessions: Vec::new(),
                invited: Vec::new(),
                on_hold: None,
                groups: Vec::new(),
                has_audio: false,
                listens: false,
                // Field captures have sequences that begin at 6.
                next_tone: world.chances.faults().seed % 7,
                keys: Vec::new(),
                operations: Vec::new(),
                spoken: Vec::new(),
                recorded: Vec::new(),
                kept_at: world.clock.now_millis(),
                result: None,
                outcome: Outcome::Running,
                player: None,
            }),
            progress: watch::Sender::new(Progress::default()),
            notifications,
        });
        (call, queue)
    }

    /// Source: Graph docs, call: keepAlive.
    pub(super) async fn clean_up(self: Arc<Self>) {
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
        &self.facts.id
    }

    pub(super) fn app_id(&self) -> &str {
        &self.app_id
    }

    pub(super) fn direction(&self) -> &'static str {
        self.facts.direction
    }

    /// When it began, in milliseconds since the Unix epoch.
    pub(super) fn began_at(&self) -> u64 {
        self.began_at
    }

    /// Its place among all calls, from 1 on: chances depend on it, and not on its id.
    pub(super) fn ordinal(&self) -> u64 {
        self.ordinal
    }

    /// Whether it is a group call, and why. Source: Graph docs, Calls overview.
    pub(super) fn kind(&self) -> (bool, &'static str) {
        let has_coordinates = !self.facts.chat_info.is_null() || !self.facts.meeting_info.is_null();
        let is_group = self.with(|inner| inner.is_group);
        let why = match (is_group, has_coordinates, &self.facts.peer) {
            (false, ..) => "one participant and the bot",
            (true, true, _) => "meeting coordinates were given when it was created",
            (true, false, None) => "it was created with several targets",
            (true, false, Some(_)) => "a third participant came in",
        };
        (is_group, why)
    }

    /// The people who are in it, or were, with where they are.
    pub(super) fn people(&self) -> Vec<(String, &'static str)> {
        let stage = self.stage();
        let roster: Vec<String> = self
            .with(|inner| inner.roster.iter().filter_map(|one| one.user_id().map(str::to_owned)).collect());
        let is = match stage {
            Stage::Terminated => "left",
            Stage::Incoming
            | Stage::Answered
            | Stage::Rejected
            | Stage::Redirecting
            | Stage::Establishing => "waiting",
            Stage::Established | Stage::Transferring | Stage::TransferAccepted => "connected",
        };
        if roster.is_empty() {
            return self.peer().iter().map(|peer| (peer.id.clone(), is)).collect();
        }
        let peer = self.peer().filter(|peer| !roster.contains(&peer.id)).map(|peer| (peer.id, "left"));
        peer.into_iter().chain(roster.iter().map(|id| (id.clone(), is))).collect()
    }

    /// It is over, and nobody is told.
    pub(super) fn drop_silently(&self) {
        self.finish(None);
    }

    /// The bot's own place in the roster.
    pub(super) fn participant_id(&self) -> &str {
        &self.participant_id
    }

    pub(super) fn is_policy_recording(&self) -> bool {
        self.facts.is_policy_recording
    }

    pub(super) fn is_group_with_chat(&self) -> bool {
        self.facts.chat_info.get("threadId").is_some_and(Value::is_string)
            && self.with(|inner| inner.is_group)
    }

    /// Whether this is the other side of a peer-to-peer call.
    pub(super) fn is_with(&self, person_id: &str) -> bool {
        self.with(|inner| {
            inner.peer.as_ref().is_some_and(|peer| peer.id == person_id) && inner.roster.is_empty()
        })
    }

    pub(super) fn reaches_phones(&self) -> bool {
        self.facts.reaches_phones
    }

    /// The other side of a peer-to-peer call.
    pub(super) fn peer(&self) -> Option<Person> {
        self.with(|inner| inner.peer.clone())
    }

    /// Somebody took the call that the bot placed.
    pub(super) fn is_taken(&self, taken: &Taken) {
        self.with(|inner| {
            inner.peer = Some(taken.by.clone());
            inner.answered_by = taken.answered_by();
            inner.routes.extend(taken.route.clone());
        });
    }

    pub(super) fn world(&self) -> Option<Arc<World>> {
        self.world.upgrade()
    }

    /// Another live call of the same app.
    pub(super) fn other_call(&self, id: &str) -> Result<Arc<Self>, Error> {
        let other = self.world().and_then(|world| world.call(id));
        other
            .filter(|other| {
                other.app_id == self.app_id && other.id() != self.id() && other.stage() != Stage::Terminated
            })
            .ok_or_else(|| Error::bad_request("replacesCallId is no live call of this app."))
    }

    /// Runs `task` as long as the simulator is there.
    pub(super) fn later(&self, task: impl Future<Output = ()> + Send + 'static) {
        if let Some(world) = self.world() {
            world.spawn(task);
        }
    }

    pub(super) fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    pub(super) fn progress_is(&self, how: impl FnOnce(&mut Progress)) {
        self.progress.send_modify(how);
    }

    pub(super) fn set_outcome(&self, outcome: Outcome) {
        self.with(|inner| inner.outcome = outcome);
    }

    pub(super) fn view(&self) -> CallView {
        let progress = *self.progress.borrow();
        self.with(|inner| CallView {
            id: self.facts.id.clone(),
            state: inner.stage.name(),
            is_group: inner.is_group,
            result: inner.result,
            outcome: inner.outcome.clone(),
            prompts_started: progress.prompts_started,
            prompts_ended: progress.prompts_ended,
        })
    }

    /// The call as GET and the answer to its creation show it.
    pub(super) fn json(&self) -> Value {
        let mut json = json!({
            "@odata.type": "#microsoft.graph.call",
            "id": self.facts.id,
            "direction": self.facts.direction,
            "callChainId": self.chain_id,
            "tenantId": self.tenant_id,
            "myParticipantId": self.participant_id,
            "chatInfo": self.facts.chat_info,
            "meetingInfo": self.facts.meeting_info,
            "targets": [],
            "subject": null,
            "mediaState": null,
            "resultInfo": null,
            "ringingTimeoutInSeconds": null,
            "toneInfo": null,
            "transcription": null,
        });
        let Some(members) = json.as_object_mut() else { return json };
        members.extend(self.facts.said.clone());
        self.with(|inner| {
            members.insert("state".to_owned(), inner.stage.name().into());
            members.insert("callbackUri".to_owned(), inner.callback.clone().into());
            members.insert("answeredBy".to_owned(), inner.answered_by.clone());
            members.insert("callRoutes".to_owned(), inner.routes.clone().into());
        });
        json
    }

    /// Source: Graph docs, call: answer.
    pub(super) fn answer(self: &Arc<Self>, callback: String, hosting: Hosting) -> Result<(), Error> {
        self.settle(Stage::Answered)?;
        self.with(|inner| (inner.callback, inner.hosting) = (callback, hosting));
        let answered = Arc::clone(self);
        self.later(async move {
            tokio::time::sleep(STEP).await;
            answered.connect().await;
        });
        Ok(())
    }

    /// Source: Graph docs, call: reject. The notification has no state.
    pub(super) fn reject(self: &Arc<Self>, callback: Option<String>) -> Result<(), Error> {
        self.settle(Stage::Rejected)?;
        self.call_back_to(callback);
        self.finish(None);
        let data = json!({"@odata.type": "#microsoft.graph.call", "@odata.id": format!("/communications/calls/{}", self.facts.id)});
        self.tell("deleted", "deleted call", String::new(), data);
        Ok(())
    }

    /// Later notifications go there.
    pub(super) fn call_back_to(&self, callback: Option<String>) {
        if let Some(callback) = callback {
            self.with(|inner| inner.callback = callback);
        }
    }

    /// An incoming call is answered, rejected or redirected once.
    pub(super) fn settle(&self, stage: Stage) -> Result<(), Error> {
        match self.stage() {
            Stage::Incoming if self.facts.direction == "incoming" && self.step_on(Stage::Incoming, stage) => {
                Ok(())
            }
            Stage::Terminated => Err(Error::call_not_found()),
            Stage::Incoming
            | Stage::Answered
            | Stage::Rejected
            | Stage::Redirecting
            | Stage::Establishing
            | Stage::Established
            | Stage::Transferring
            | Stage::TransferAccepted => {
                Err(Error::not_in_this_state("The call was answered, rejected or redirected already."))
            }
        }
    }

    /// Goes from one stage to another, if it is at the first.
    pub(super) fn step_on(&self, from: Stage, to: Stage) -> bool {
        self.with(|inner| {
            let is_there = inner.stage == from;
            if is_there {
                inner.stage = to;
            }
            is_there
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

    /// Refuses what needs an established call.
    pub(super) fn established(&self) -> Result<(), Error> {
        match self.stage() {
            Stage::Established => Ok(()),
            Stage::Terminated => Err(Error::call_not_found()),
            Stage::Incoming
            | Stage::Answered
            | Stage::Rejected
            | Stage::Redirecting
            | Stage::Establishing
            | Stage::Transferring
            | Stage::TransferAccepted => Err(Error::not_in_this_state("The call is not established.")),
        }
    }

    /// Refuses what needs an established group call.
    pub(super) fn group(&self) -> Result<(), Error> {
        self.established()?;
        if self.with(|inner| inner.is_group) {
            Ok(())
        } else {
            Err(Error::not_in_this_state("A peer-to-peer call does not have that."))
        }
    }

    /// From here on the call has a roster. Source: field reports: it comes with the first invitation that is taken.
    pub(super) fn become_conversation(&self) {
        if self.with(|inner| !inner.roster.is_empty()) {
            return;
        }
        let (kind, identity) = &self.facts.bot;
        let bot = Participant::new(&self.participant_id, (*kind, identity.clone()));
        self.with(|inner| {
            let peer = inner.peer.as_ref().map(Participant::user);
            inner.roster = std::iter::once(bot.in_lobby(inner.in_lobby)).chain(peer).collect();
        });
        self.tell_roster();
    }

    /// A person presses a key; whether the call was there to press it in.
    pub(super) fn press(&self, person: &Person, key: char) -> bool {
        let tone = match key {
            '*' => "star".to_owned(),
            '#' => "pound".to_owned(),
            digit => format!("tone{digit}"),
        };
        if self.stage() != Stage::Established {
            return false;
        }
        self.did(&person.display_name, &format!("presses {key}"));
        let sequence = self.with(|inner| {
            inner.keys.push(key);
            inner.next_tone = inner.next_tone.saturating_add(1);
            inner.listens.then_some(inner.next_tone)
        });
        // Whoever records hears of it.
        self.progress_is(|_| ());
        if let Some(sequence) = sequence {
            let data = json!({
                "@odata.type": "#microsoft.graph.call",
                "state": "established",
                "toneInfo": {"@odata.type": "#microsoft.graph.toneInfo", "sequenceId": sequence, "tone": tone},
            });
            self.tell(
                "updated",
                &format!("updated call established {tone} #{sequence}"),
                String::new(),
                data,
            );
        }
        true
    }

    /// Source: Graph docs, call: delete (200/4521, ended by the other participant of a peer-to-peer call).
    pub(super) fn hang_up_by(&self, person: &Person) -> bool {
        if self.stage() == Stage::Terminated {
            return false;
        }
        self.did(&person.display_name, "hangs up");
        if self.with(|inner| inner.roster.is_empty()) {
            // Source: Graph docs, call: delete (ended by the PSTN user).
            self.end(200, if person.is_phone() { 540_000 } else { 4521 }, false);
        } else {
            self.leave_user(&person.id);
        }
        true
    }

    /// A person ends the call for the bot.
    pub(super) fn end_by(&self, person: &Person, did: &str, subcode: u32) -> bool {
        let is_live = self.stage() == Stage::Established;
        if is_live {
            self.did(&person.display_name, did);
            self.end(200, subcode, false);
        }
        is_live
    }

    /// The call is set up: establishing, then established.
    pub(super) async fn connect(&self) {
        let is_going_on = self.step_on(Stage::Answered, Stage::Establishing);
        if !is_going_on && self.stage() != Stage::Establishing {
            return;
        }
        self.tell_state("establishing");
        tokio::time::sleep(STEP).await;
        self.establish().await;
    }

    pub(super) async fn establish(&self) {
        if !self.say_established() {
            return;
        }
        if self.with(|inner| inner.is_group) {
            self.become_conversation();
        }
        tokio::time::sleep(STEP).await;
        // Source: assumed; no page says whether there is audio in the lobby.
        if !self.with(|inner| inner.in_lobby) {
            self.activate_audio();
        }
    }

    /// Field captures: one `established` without media, then another with it. Whether it was established now.
    pub(super) fn say_established(&self) -> bool {
        if !self.step_on(Stage::Establishing, Stage::Established) {
            return false;
        }
        let mut data = json!({
            "@odata.type": "#microsoft.graph.call",
            "state": "established",
            "direction": self.facts.direction,
            "callChainId": self.chain_id,
        });
        let shown = self.json();
        if let Some(members) = data.as_object_mut() {
            for name in ["chatInfo", "meetingInfo", "answeredBy", "callRoutes"] {
                let value = shown.get(name).filter(|value| !value.is_null() && **value != json!([]));
                members.extend(value.map(|value| (name.to_owned(), value.clone())));
            }
        }
        self.tell("updated", "updated call established", String::new(), data);
        self.progress_is(|progress| progress.established = true);
        true
    }

    pub(super) fn activate_audio(&self) {
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

    pub(super) fn end(&self, code: u32, subcode: u32, with_terminating: bool) {
        if self.finish(Some((code, subcode))) {
            if with_terminating {
                self.tell_state("terminating");
            }
            self.tell_end(code, subcode, "");
        }
    }

    pub(super) fn end_saying(&self, code: u32, subcode: u32, message: &str) {
        if self.finish(Some((code, subcode))) {
            self.tell_end(code, subcode, message);
        }
    }

    /// Somebody else answers. Source: Graph docs, call: redirect. The documented end has no resultInfo.
    pub(super) fn end_answered_by(&self, answered_by: &Value) {
        if self.finish(None) {
            let data = json!({
                "@odata.type": "#microsoft.graph.call",
                "state": "terminated",
                "answeredBy": answered_by,
            });
            self.tell("deleted", "deleted call terminated", String::new(), data);
        }
    }

    fn tell_end(&self, code: u32, subcode: u32, message: &str) {
        let result = json!({
            "@odata.type": "#microsoft.graph.resultInfo",
            "code": code,
            "subcode": subcode,
            "message": message,
        });
        let data =
            json!({"@odata.type": "#microsoft.graph.call", "state": "terminated", "resultInfo": result});
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
        if let (true, Some(world)) = (ended, self.world()) {
            world.meters.ends(&self.app_id);
        }
        self.progress_is(|progress| progress.ended = true);
        ended
    }

    pub(super) fn tell_state(&self, state: &str) {
        let data = json!({"@odata.type": "#microsoft.graph.call", "state": state});
        self.tell("updated", &format!("updated call {state}"), String::new(), data);
    }

    /// Tells of the call itself, before anything else of it.
    pub(super) fn announce(&self, data: Value, in_legacy_format: bool) {
        let legacy = in_legacy_format.then(|| delivery::in_legacy_format(&data));
        self.send("created", "created call incoming", String::new(), data, legacy);
    }

    pub(super) fn tell(&self, change: &'static str, about: &str, below: String, data: Value) {
        self.send(change, about, below, data, None);
    }

    fn send(&self, change: &'static str, about: &str, below: String, data: Value, legacy: Option<Value>) {
        let notification = Notification {
            call: self.facts.id.clone(),
            app_id: self.app_id.clone(),
            tenant_id: self.tenant_id.clone(),
            to: self.with(|inner| inner.callback.clone()),
            about: about.to_owned(),
            change,
            below,
            data,
            legacy,
        };
        // Delivery ends with the simulator.
        let _ = self.notifications.send(notification);
    }

    /// The peer of the call, or everybody in it, did this.
    pub(super) fn did_all(&self, what: &str) {
        match self.peer() {
            Some(peer) => self.did(&peer.display_name, what),
            None => self.did("everybody", what),
        }
    }

    pub(super) fn did(&self, name: &str, what: &str) {
        self.happened(What::Person { name: name.to_owned(), did: what.to_owned() });
    }

    pub(super) fn happened(&self, what: What) {
        if let Some(world) = self.world.upgrade() {
            world.observe(Some(&self.facts.id), what);
        }
    }

    pub(super) fn stage(&self) -> Stage {
        self.with(|inner| inner.stage)
    }

    pub(super) fn with<T>(&self, at: impl FnOnce(&mut Inner) -> T) -> T {
        at(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
