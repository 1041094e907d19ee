//! How calls come about: a person calls the bot, or the bot calls somebody, several, or joins a meeting.
//!
//! Source: Graph docs, call: create, answer.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::asked::{self, Hosting, member};
use super::call::{Call, Facts, STEP, Stage};
use super::endpoint::Version;
use super::error::Error;
use super::meetings::{self, Meeting};
use super::participants::Participant;
use super::permission::{INITIATE, INITIATE_GROUP, JOIN, JOIN_AS_GUEST, JOIN_OF_CHAT, require};
use super::person::{self, Outcome, Person};
use super::ringing::{Rings, Taken, UNANSWERED};
use super::routes::Asked;
use super::step::Step;
use super::{Instance, Registration, SimulatorError, World, delivery, plain};

/// How long a bot may take to answer, and how long where it records by policy. Source: Graph docs, call: answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
const RECORDER_ANSWERS_WITHIN: Duration = Duration::from_secs(5);
/// How many a new group call has. Source: Graph docs, call: create.
const TARGETS_AT_MOST: usize = 5;
/// What a call's resource repeats of the request that made it.
const REPEATED: [&str; 7] =
    ["source", "targets", "requestedModalities", "mediaConfig", "subject", "callOptions", "routingPolicies"];

/// Whom the bot calls.
pub(super) enum Whom {
    Peer(Person, Rings),
    Group(Vec<Person>),
    Meeting { meeting: Meeting, organizer: Person, is_guest: bool, invited: Vec<Person> },
}

/// What a request to create a call asks for.
pub(super) struct Placement {
    whom: Whom,
    facts: Facts,
}

/// As what the bot calls. Source: Graph docs, call: create (source).
enum Source {
    Application,
    /// One of its instances.
    Instance,
    Guest,
}

impl Source {
    fn of(asked: &Asked<'_>) -> Result<Self, Error> {
        let Some(identity) = asked.body.pointer("/source/identity") else { return Ok(Self::Application) };
        let instance = identity.pointer("/applicationInstance/id").and_then(Value::as_str);
        match instance {
            Some(id) if asked.app.instances.iter().any(|instance| instance.id.eq_ignore_ascii_case(id)) => {
                Ok(Self::Instance)
            }
            Some(_) => Err(Error::bad_request(
                "source.identity.applicationInstance is no application instance of the app whose token this is.",
            )),
            None if member(identity, "guest").is_some() => Ok(Self::Guest),
            None if member(identity, "application").is_some() => Ok(Self::Application),
            None => Err(Error::bad_request(
                "source.identity is an application, an applicationInstance or a guest.",
            )),
        }
    }
}

impl Placement {
    /// Source: Graph docs, call: create; Calls overview.
    pub(super) fn of(asked: &Asked<'_>) -> Result<Self, Error> {
        let body = &asked.body;
        let source = Source::of(asked)?;
        let targets = asked::items(body, "targets");
        let has_coordinates = member(body, "chatInfo").is_some() || member(body, "meetingInfo").is_some();
        let reaches_phones = matches!(source, Source::Instance);
        let called = |target: &Value| asked.world.callee(target, reaches_phones);
        let whom = match (targets, source) {
            (_, Source::Guest) if !has_coordinates => {
                return Err(Error::bad_request("source.identity.guest is for joining meetings."));
            }
            (_, source) if has_coordinates => joining(asked, &source, targets)?,
            ([], _) => return Err(Error::bad_request("targets is required, or meetingInfo.")),
            ([target], _) => {
                require(asked.app, &[INITIATE])?;
                Whom::Peer(called(target)?, ringing_of(asked))
            }
            (several, _) => {
                require(asked.app, &[INITIATE_GROUP])?;
                if several.len() > TARGETS_AT_MOST {
                    return Err(Error::bad_request(format!(
                        "targets has {TARGETS_AT_MOST} entries at most in a new group call."
                    )));
                }
                Whom::Group(several.iter().map(called).collect::<Result<_, _>>()?)
            }
        };
        let facts = facts_of(asked, &whom, reaches_phones);
        Ok(Self { whom, facts })
    }
}

/// A join needs the permission of how it is done, and that of calling others where it names some.
fn joining(asked: &Asked<'_>, source: &Source, targets: &[Value]) -> Result<Whom, Error> {
    let is_guest = matches!(source, Source::Guest);
    require(asked.app, if is_guest { &[JOIN_AS_GUEST] } else { &[JOIN, JOIN_OF_CHAT] })?;
    if !targets.is_empty() {
        // Source: assumed; no page has both a meeting and targets.
        require(asked.app, &[INITIATE_GROUP])?;
        if targets.len() > TARGETS_AT_MOST {
            return Err(Error::bad_request(format!("targets has {TARGETS_AT_MOST} entries at most.")));
        }
    }
    let meeting = meetings::named(asked.world, &asked.body)?;
    let organizer = asked.world.person(&meeting.organizer);
    let organizer =
        organizer.ok_or_else(|| Error::bad_request("The organizer is no user of this tenant.").assumed())?;
    let invited = targets.iter().map(|target| asked.world.callee(target, true));
    let invited = invited.collect::<Result<_, _>>()?;
    Ok(Whom::Meeting { meeting, organizer, is_guest, invited })
}

/// Source: Graph docs, call: create (beta): of calls to one person only.
fn ringing_of(asked: &Asked<'_>) -> Rings {
    let mut ringing = Rings::default();
    if asked.version == Version::V1 {
        return ringing;
    }
    if let Some(seconds) = asked.body.get("ringingTimeoutInSeconds").and_then(Value::as_u64) {
        ringing.at_most = Duration::from_secs(seconds);
    }
    let policies = asked.body.get("routingPolicies").and_then(Value::as_array);
    let is_disabling = |policy: &Value| {
        policy.as_str().is_some_and(|policy| policy.eq_ignore_ascii_case("disableForwarding"))
    };
    ringing.for_him_alone = policies.is_some_and(|policies| policies.iter().any(is_disabling));
    ringing
}

fn facts_of(asked: &Asked<'_>, whom: &Whom, has_instance: bool) -> Facts {
    let body = &asked.body;
    let named = body.pointer("/source/identity").and_then(Value::as_object);
    let named = named.and_then(|named| {
        ["applicationInstance", "guest", "application"]
            .into_iter()
            .find_map(|kind| named.get(kind).filter(|one| !one.is_null()).map(|one| (kind, one.clone())))
    });
    let bot = named.unwrap_or_else(|| ("application", application(asked.app)));
    let mut facts = facts(uuid::Uuid::new_v4().to_string(), "outgoing", bot);
    facts.chain_id = body.get("callChainId").and_then(Value::as_str).map(str::to_owned);
    facts.reaches_phones = has_instance;
    for name in REPEATED {
        if let Some(value) = member(body, name) {
            facts.said.insert(name.to_owned(), value.clone());
        }
    }
    match whom {
        Whom::Peer(person, _) => facts.peer = Some(person.clone()),
        Whom::Group(_) => {}
        Whom::Meeting { meeting, .. } => {
            let meeting_info = body.get("meetingInfo").cloned().unwrap_or_default();
            // Source: Graph docs, the PSTN scenarios of call: answer. Who joined by a token reaches no telephone.
            facts.reaches_phones = !asked::is_of_type(&meeting_info, "tokenMeetingInfo");
            facts.chat_info = member(body, "chatInfo").cloned().unwrap_or_else(|| meeting.chat_info());
            facts.meeting_info = meeting_info;
        }
    }
    facts
}

fn application(app: &Registration) -> Value {
    json!({"@odata.type": "#microsoft.graph.identity", "id": app.app_id})
}

fn instance_of(instance: &Instance) -> Value {
    json!({
        "@odata.type": "#microsoft.graph.identity",
        "id": instance.id,
        "displayName": instance.display_name,
    })
}

fn facts(id: String, direction: &'static str, bot: (&'static str, Value)) -> Facts {
    let (kind, identity) = &bot;
    let source = json!({
        "@odata.type": "#microsoft.graph.participantInfo",
        "identity": {"@odata.type": "#microsoft.graph.identitySet", *kind: identity},
    });
    Facts {
        id,
        direction,
        peer: None,
        chain_id: None,
        chat_info: Value::Null,
        meeting_info: Value::Null,
        is_policy_recording: false,
        said: Map::from_iter([("source".to_owned(), source)]),
        bot,
        reaches_phones: false,
    }
}

impl World {
    /// Who a target or an invitation names. `reaches_phones`: the bot is in the call with a telephone number.
    pub(super) fn callee(&self, target: &Value, reaches_phones: bool) -> Result<Person, Error> {
        let id = |kind: &str| target.pointer(&format!("/identity/{kind}/id")).and_then(Value::as_str);
        if let Some(number) = id("phone") {
            if !is_number(number) {
                return Err(Error::bad_request("identity.phone.id is a number in E.164: +12345678901."));
            }
            if !reaches_phones {
                let words = "A telephone is reached with an application instance as the bot's identity only.";
                return Err(Error::bad_request(words).on("call: answer"));
            }
            return Ok(self.person(number).unwrap_or_else(|| Person::unallocated(number)));
        }
        let person = id("user").and_then(|id| self.person(id));
        let why = "The simulator has people and telephones behind targets, and only those that were added.";
        person.ok_or_else(|| Error::bad_request("A target is no user of this tenant.").because(why).assumed())
    }
}

/// Source: ITU-T E.164 (15 digits at most).
fn is_number(number: &str) -> bool {
    number.strip_prefix('+').is_some_and(|digits| {
        (2..=15).contains(&digits.len())
            && digits.bytes().all(|digit| digit.is_ascii_digit())
            && !digits.starts_with('0')
    })
}

/// In what way the bot is called.
#[derive(Clone, Debug)]
pub(super) enum Reason {
    /// By somebody who wants to speak to it.
    Plain,
    /// By a policy, to record.
    Recording,
    /// Into a meeting.
    Invitation(Meeting),
}

impl Call {
    /// A person calls the bot. From a telephone he calls its first application instance.
    pub(super) fn incoming(
        world: &Arc<World>,
        app: &Registration,
        person: &Person,
        script: Vec<Step>,
        reason: &Reason,
    ) -> Result<String, SimulatorError> {
        let instance = match app.instances.first() {
            Some(instance) if person.is_phone() => Some(instance),
            None if person.is_phone() => return Err(SimulatorError::NoInstance(app.app_id.clone())),
            Some(_) | None => None,
        };
        // Documented examples write the ids of incoming calls without dashes, in capitals.
        let id = uuid::Uuid::new_v4().simple().to_string().to_uppercase();
        let bot = match instance {
            Some(instance) => ("applicationInstance", instance_of(instance)),
            None => ("application", application(app)),
        };
        let (kind, identity) = bot.clone();
        let mut facts = facts(id, "incoming", bot);
        facts.peer = Some(person.clone());
        facts.reaches_phones = instance.is_some();
        facts.said.insert("source".to_owned(), source_of(app, person));
        facts.said.insert(
            "targets".to_owned(),
            json!([{"@odata.type": "#microsoft.graph.participantInfo", "identity": {kind: identity}}]),
        );
        match reason {
            Reason::Plain => {}
            Reason::Recording => {
                let meeting = Meeting::new(&person.id, "");
                facts.meeting_info = token_of(&meeting);
                facts.is_policy_recording = true;
                world.meetings.add(meeting);
            }
            // Source: Graph docs, call: answer. An invitation into a group call has both coordinates.
            Reason::Invitation(meeting) => {
                facts.meeting_info = token_of(meeting);
                facts.chat_info = meeting.chat_info();
            }
        }
        let call =
            Self::start(world, app, facts, (Stage::Incoming, Hosting::Service), app.callback_uri.clone());
        call.did(
            &person.display_name,
            if matches!(reason, Reason::Invitation(_)) { "invites the bot" } else { "calls the bot" },
        );
        call.announce(announcement(&call, app), app.is_announced_in_legacy_format);
        let limit = if call.is_policy_recording() { RECORDER_ANSWERS_WITHIN } else { ANSWER_WITHIN };
        let limited = Arc::clone(&call);
        world.spawn(async move {
            tokio::time::sleep(limit).await;
            if limited.stage() == Stage::Incoming {
                // Source: assumed; no page says what the bot is told then.
                limited.end(408, 10057, false);
            }
        });
        world.spawn(person::act(Arc::clone(&call), person.clone(), script));
        Ok(call.id().to_owned())
    }

    /// The bot calls; the call is what its request is answered with.
    pub(super) fn outgoing(
        world: &Arc<World>,
        app: &Registration,
        placement: Placement,
        (hosting, callback): (Hosting, String),
    ) -> Arc<Self> {
        let Placement { whom, facts } = placement;
        let call = Self::start(world, app, facts, (Stage::Establishing, hosting), callback);
        match &whom {
            Whom::Peer(..) => {}
            Whom::Group(_) => call.with(|inner| inner.is_group = true),
            Whom::Meeting { meeting, is_guest, .. } => {
                let holds = meeting.bypass.holds(*is_guest);
                call.with(|inner| inner.in_lobby = holds);
            }
        }
        let placed = Arc::clone(&call);
        world.spawn(async move {
            tokio::time::sleep(STEP).await;
            // The bot may have hung up at once: nobody is rung then, and nothing more is told.
            if placed.stage() == Stage::Terminated {
                return;
            }
            match whom {
                Whom::Peer(person, asked) => placed.ring_peer(person, asked).await,
                Whom::Group(people) => placed.ring_all(people).await,
                Whom::Meeting { meeting, organizer, invited, .. } => {
                    placed.connect().await;
                    if placed.with(|inner| inner.in_lobby) {
                        placed.wait_in_lobby(meeting.admits_after).await;
                        placed.enter_meeting(&organizer).await;
                    } else if placed.stage() == Stage::Established {
                        placed.join(Participant::user(&organizer));
                    }
                    placed.ring_more(invited).await;
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
        world.meters.begins(&app.app_id);
        let mut calls = world.calls.write().unwrap_or_else(PoisonError::into_inner);
        calls.insert(plain(call.id()), Arc::clone(&call));
        drop(calls);
        world.spawn(delivery::run(world.weak(), queue));
        world.spawn(Arc::clone(&call).clean_up());
        call
    }

    async fn ring_peer(self: Arc<Self>, person: Person, how: Rings) {
        self.tell_state("establishing");
        let taken = self.ring(&person, how).await;
        if self.stage() != Stage::Establishing {
            return;
        }
        match taken {
            Ok(taken) => self.taken_by_peer(taken).await,
            Err(codes) => {
                self.set_outcome(Outcome::Done);
                // Source: field captures, where an unanswered call of a bot ended so.
                let (code, subcode) = if codes == UNANSWERED { (200, 5002) } else { codes };
                self.end(code, subcode, false);
            }
        }
    }

    async fn taken_by_peer(self: Arc<Self>, taken: Taken) {
        let did = if taken.by_voice_mail { "has his voice mail take the call" } else { "picks up" };
        self.did(&taken.by.display_name, did);
        self.is_taken(&taken);
        match taken.but {
            None => {
                self.establish().await;
                person::act(self, taken.by, taken.then).await;
            }
            Some((code, subcode)) => {
                // Without media the call is established first; without an acknowledgement it never is.
                if code == 410 {
                    self.say_established();
                }
                self.set_outcome(Outcome::Done);
                self.end(code, subcode, false);
            }
        }
    }

    /// All ring at once; the first who picks up establishes the call.
    async fn ring_all(self: Arc<Self>, people: Vec<Person>) {
        self.tell_state("establishing");
        self.ring_more(people).await;
        if self.stage() == Stage::Establishing {
            // Source: Graph docs, call: delete (nobody else joined the group call).
            self.end(200, 5013, false);
        }
    }

    /// All ring at once, and each who picks up joins.
    async fn ring_more(self: &Arc<Self>, people: Vec<Person>) {
        let mut ringing = tokio::task::JoinSet::new();
        for person in people {
            let call = Arc::clone(self);
            ringing.spawn(async move { call.reach(&person, false).await });
        }
        while let Some(Ok(taken)) = ringing.join_next().await {
            let Ok(taken) = taken else { continue };
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
            self.did(&taken.by.display_name, "picks up");
            self.join(Participant::user(&taken.by));
            self.later(person::act(Arc::clone(self), taken.by, taken.then));
        }
    }
}

fn token_of(meeting: &Meeting) -> Value {
    json!({"@odata.type": "#microsoft.graph.tokenMeetingInfo", "token": meeting.token})
}

/// Who calls. Source: Graph docs, call: answer. Without any permission the caller is encrypted.
fn source_of(app: &Registration, person: &Person) -> Value {
    let has_permission = app.permissions.iter().any(|permission| permission.starts_with("Calls."));
    let (kind, identity) = if has_permission {
        person.identity()
    } else {
        let id = uuid::Uuid::new_v4().to_string();
        ("encrypted", json!({"@odata.type": "#microsoft.graph.identity", "id": id}))
    };
    json!({"@odata.type": "#microsoft.graph.participantInfo", "identity": {kind: identity}})
}

/// What a bot is told of an incoming call.
fn announcement(call: &Call, app: &Registration) -> Value {
    let mut data = json!({
        "@odata.type": "#microsoft.graph.call",
        "@odata.id": format!("/communications/calls/{}", call.id()),
        "@odata.etag": "W/\"5445\"",
        "state": "incoming",
        "direction": "incoming",
        "callChainId": call.chain_id,
        "tenantId": app.tenant_id,
        "myParticipantId": call.participant_id(),
        "requestedModalities": ["audio"],
    });
    let shown = call.json();
    let Some(members) = data.as_object_mut() else { return data };
    for name in ["source", "targets", "chatInfo", "meetingInfo"] {
        if let Some(value) = member(&shown, name) {
            members.insert(name.to_owned(), value.clone());
        }
    }
    if call.is_policy_recording() {
        // Source: Graph docs, call: answer, the example of policy-based recording.
        let source = uuid::Uuid::new_v4().to_string();
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
