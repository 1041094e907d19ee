//! How calls come about: a person calls the bot, or the bot calls somebody, several, or joins a meeting.
//!
//! Source: Graph docs, call: create, answer.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::asked::Hosting;
use super::call::{Call, Facts, RING_FOR, STEP, Stage};
use super::participants::Participant;
use super::person::{self, Outcome, Person};
use super::ringing::Answered;
use super::step::Step;
use super::{Registration, World, delivery, plain};

/// How long a bot may take to answer, and how long where it records by policy. Source: Graph docs, call: answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
const RECORDER_ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// Whom the bot calls.
pub(super) enum Placement {
    Peer(Person),
    Group(Vec<Person>),
    Meeting { organizer: Person, chat_info: Value, meeting_info: Value },
}

fn facts(id: String, direction: &'static str, peer: Option<Person>) -> Facts {
    Facts {
        id,
        direction,
        peer,
        chat_info: Value::Null,
        meeting_info: Value::Null,
        is_policy_recording: false,
    }
}

impl Call {
    /// A person calls the bot.
    pub(super) fn incoming(
        world: &Arc<World>,
        app: &Registration,
        person: &Person,
        script: Vec<Step>,
        is_policy_recording: bool,
    ) -> String {
        // Documented examples write the ids of incoming calls without dashes, in capitals.
        let id = uuid::Uuid::new_v4().simple().to_string().to_uppercase();
        let mut facts = facts(id, "incoming", Some(person.clone()));
        if is_policy_recording {
            let token = uuid::Uuid::new_v4().to_string();
            facts.meeting_info = json!({"@odata.type": "#microsoft.graph.tokenMeetingInfo", "token": token});
            facts.is_policy_recording = true;
        }
        let call =
            Self::start(world, app, facts, (Stage::Incoming, Hosting::Service), app.callback_uri.clone());
        call.did(&person.display_name, "calls the bot");
        call.tell("created", "created call incoming", String::new(), announcement(&call, app, person));
        let limit = if is_policy_recording { RECORDER_ANSWERS_WITHIN } else { ANSWER_WITHIN };
        let limited = Arc::clone(&call);
        world.spawn(async move {
            tokio::time::sleep(limit).await;
            if limited.stage() == Stage::Incoming {
                // Source: assumed; no page says what the bot is told then.
                limited.end(408, 10057, false);
            }
        });
        world.spawn(person::act(Arc::clone(&call), person.clone(), script));
        call.id().to_owned()
    }

    /// The bot calls; the call is what its request is answered with.
    pub(super) fn outgoing(
        world: &Arc<World>,
        app: &Registration,
        placement: Placement,
        hosting: Hosting,
        callback: String,
    ) -> Arc<Self> {
        let id = uuid::Uuid::new_v4().to_string();
        let facts = match &placement {
            Placement::Peer(person) => facts(id, "outgoing", Some(person.clone())),
            Placement::Group(_) => facts(id, "outgoing", None),
            Placement::Meeting { chat_info, meeting_info, .. } => Facts {
                chat_info: chat_info.clone(),
                meeting_info: meeting_info.clone(),
                ..facts(id, "outgoing", None)
            },
        };
        let call = Self::start(world, app, facts, (Stage::Establishing, hosting), callback);
        if matches!(placement, Placement::Group(_)) {
            call.with(|inner| inner.is_group = true);
        }
        let placed = Arc::clone(&call);
        world.spawn(async move {
            tokio::time::sleep(STEP).await;
            match placement {
                Placement::Peer(person) => placed.ring_peer(person).await,
                Placement::Group(people) => placed.ring_all(people).await,
                Placement::Meeting { organizer, .. } => {
                    placed.connect().await;
                    if placed.stage() == Stage::Established {
                        placed.join(Participant::user(&organizer));
                    }
                }
            }
        });
        call
    }

    fn start(
        world: &Arc<World>,
        app: &Registration,
        facts: Facts,
        stands: (Stage, Hosting),
        callback: String,
    ) -> Arc<Self> {
        let (call, queue) =
            Self::new(world, (app.app_id.clone(), app.tenant_id.clone()), facts, stands, callback);
        let mut calls = world.calls.write().unwrap_or_else(PoisonError::into_inner);
        calls.insert(plain(call.id()), Arc::clone(&call));
        drop(calls);
        world.spawn(delivery::run(world.weak(), queue));
        world.spawn(Arc::clone(&call).clean_up());
        call
    }

    async fn ring_peer(self: Arc<Self>, person: Person) {
        self.tell_state("establishing");
        match self.ring(&person, RING_FOR).await {
            Answered::PickedUp(then) => {
                if self.stage() == Stage::Establishing {
                    self.did(&person.display_name, "picks up");
                    self.establish().await;
                    person::act(self, person, then).await;
                }
            }
            Answered::Declined => {
                self.set_outcome(Outcome::Done);
                self.end(480, 10134, false);
            }
            Answered::Not => {
                self.set_outcome(Outcome::Done);
                // Source: field captures, where an unanswered call ended so.
                self.end(200, 5002, false);
            }
        }
    }

    /// All ring at once; the first who picks up establishes the call.
    async fn ring_all(self: Arc<Self>, people: Vec<Person>) {
        self.tell_state("establishing");
        let mut ringing = tokio::task::JoinSet::new();
        for person in people {
            let call = Arc::clone(&self);
            ringing.spawn(async move { (call.react(&person, false).await, person) });
        }
        while let Some(Ok((reaction, person))) = ringing.join_next().await {
            let Ok(then) = reaction else { continue };
            match self.stage() {
                Stage::Establishing => self.establish().await,
                Stage::Established => {}
                Stage::Incoming
                | Stage::Answered
                | Stage::Rejected
                | Stage::Redirecting
                | Stage::Transferring
                | Stage::TransferAccepted
                | Stage::Terminated => return,
            }
            self.did(&person.display_name, "picks up");
            self.join(Participant::user(&person));
            self.later(person::act(Arc::clone(&self), person, then));
        }
        if self.stage() == Stage::Establishing {
            // Source: Graph docs, call: delete (nobody else joined the group call).
            self.end(200, 5013, false);
        }
    }
}

/// What a bot is told of an incoming call.
fn announcement(call: &Call, app: &Registration, person: &Person) -> Value {
    let has_permission = app.permissions.iter().any(|permission| permission.starts_with("Calls."));
    // Source: Graph docs, call: answer. Without any permission the caller is encrypted.
    let identity = if has_permission {
        json!({"user": {"@odata.type": "#microsoft.graph.identity", "id": person.id, "displayName": person.display_name}})
    } else {
        json!({"encrypted": {"@odata.type": "#microsoft.graph.identity", "id": uuid::Uuid::new_v4().to_string()}})
    };
    let mut data = json!({
        "@odata.type": "#microsoft.graph.call",
        "@odata.id": format!("/communications/calls/{}", call.id()),
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
        "myParticipantId": call.participant_id(),
        "requestedModalities": ["audio"],
    });
    let meeting_info = call.json().get("meetingInfo").cloned().unwrap_or_default();
    if let (true, Some(members)) = (call.is_policy_recording(), data.as_object_mut()) {
        // Source: Graph docs, call: answer, the example of policy-based recording.
        let source = uuid::Uuid::new_v4().to_string();
        members.insert("meetingInfo".to_owned(), meeting_info);
        members.insert(
            "incomingContext".to_owned(),
            json!({
                "@odata.type": "#microsoft.graph.incomingContext",
                "sourceParticipantId": source,
                "observedParticipantId": source,
            }),
        );
    }
    data
}
