//! Who is in a call: the roster, and what a bot does with participants.
//!
//! Source: Graph docs, participant: invite, delete, mute, startHoldMusic, stopHoldMusic; call: mute, unmute,
//! changeScreenSharingRole, addLargeGalleryView, updateRecordingStatus.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::asked::{self, Hosting};
use super::call::{Call, STEP, Stage};
use super::error::Error;
use super::operation::{Ended, Operation};
use super::person::{self, Person};

/// The permissions of group calls, one of which an app has that stays when a call becomes one. Source: Graph docs, Calls
/// overview, which does not say which; assumed: any.
const OF_GROUPS: [&str; 3] =
    ["Calls.InitiateGroupCall.All", "Calls.JoinGroupCall.All", "Calls.JoinGroupCallAsGuest.All"];

/// Somebody in a call.
#[derive(Clone, Debug)]
pub(super) struct Participant {
    pub(super) id: String,
    /// The kind of identity, and the identity.
    identity: (&'static str, Value),
    is_muted: bool,
    pub(super) is_in_lobby: bool,
    /// He has more to say of himself than others: a large gallery view.
    metadata: Option<&'static str>,
    /// He sends his screen.
    is_sharing: bool,
}

impl Participant {
    pub(super) fn new(id: &str, identity: (&'static str, Value)) -> Self {
        Self {
            id: id.to_owned(),
            identity,
            is_muted: false,
            is_in_lobby: false,
            metadata: None,
            is_sharing: false,
        }
    }

    /// Somebody who is not of the bot.
    pub(super) fn user(person: &Person) -> Self {
        Self::new(&uuid::Uuid::new_v4().to_string(), person.identity())
    }

    pub(super) fn in_lobby(self, is_in_lobby: bool) -> Self {
        Self { is_in_lobby, ..self }
    }

    /// Source: Graph docs, concept: identify large gallery view participants.
    fn large_gallery() -> Self {
        let identity = json!({
            "@odata.type": "#microsoft.graph.identity",
            "id": uuid::Uuid::new_v4().to_string(),
            "identityProvider": "AAD",
            "ApplicationType": "LargeGallery-V2",
        });
        let metadata = r#"{"__platform":{"ui":{"hidden":true}},"audienceView":{"page":1,"status":"active","type":"lg"}}"#;
        Self {
            metadata: Some(metadata),
            ..Self::new(&uuid::Uuid::new_v4().to_string(), ("application", identity))
        }
    }

    /// The same place, taken by another: one to whom the call was forwarded.
    fn of(self, person: &Person) -> Self {
        Self { identity: person.identity(), ..self }
    }

    fn is_user(&self, id: &str) -> bool {
        self.user_id() == Some(id)
    }

    /// The object id of a user, or the number of a telephone.
    pub(super) fn user_id(&self) -> Option<&str> {
        let (kind, identity) = &self.identity;
        identity.get("id").and_then(Value::as_str).filter(|_| ["user", "phone"].contains(kind))
    }

    pub(super) fn json(&self) -> Value {
        let (kind, identity) = &self.identity;
        let stream = |media: &str, label: &str, source: &str, direction: &str| {
            json!({
                "@odata.type": "#microsoft.graph.mediaStream",
                "mediaType": media,
                "label": label,
                "sourceId": source,
                "direction": direction,
                "serverMuted": media == "audio" && self.is_muted,
            })
        };
        let mut streams = vec![stream("audio", "main-audio", "1", "sendReceive")];
        if self.is_sharing {
            streams.push(stream("videoBasedScreenSharing", "applicationsharing-video", "2", "sendOnly"));
        }
        json!({
            "@odata.type": "#microsoft.graph.participant",
            "id": self.id,
            "info": {
                "@odata.type": "#microsoft.graph.participantInfo",
                "identity": {"@odata.type": "#microsoft.graph.identitySet", *kind: identity},
                "endpointType": "default",
                "participantId": self.id,
            },
            "mediaStreams": streams,
            "metadata": self.metadata,
            "isMuted": self.is_muted,
            "isInLobby": self.is_in_lobby,
        })
    }
}

/// An invitation that is not answered yet.
pub(super) struct Invited {
    id: String,
    withdrawn: CancellationToken,
}

impl Call {
    /// The roster. Source: field report: that of a peer-to-peer call is empty.
    pub(super) fn participants(&self) -> Vec<Value> {
        self.with(|inner| inner.roster.iter().map(Participant::json).collect())
    }

    pub(super) fn participant(&self, id: &str) -> Result<Value, Error> {
        self.with(|inner| inner.roster.iter().find(|participant| participant.id == id).map(Participant::json))
            .ok_or_else(no_participant)
    }

    pub(super) fn join(&self, participant: Participant) {
        self.with(|inner| inner.roster.push(participant));
        self.tell_roster();
    }

    /// Somebody leaves a call that has a roster; it ends where the bot is alone.
    pub(super) fn leave(&self, is_he: impl Fn(&Participant) -> bool) {
        let is_alone = self.with(|inner| {
            inner.roster.retain(|participant| !is_he(participant));
            inner.roster.iter().all(|left| left.id == self.participant_id())
        });
        self.tell_roster();
        if is_alone {
            // Source: Graph docs, call: delete (only one participant remained).
            self.end(200, 5010, false);
        }
    }

    pub(super) fn leave_user(&self, id: &str) {
        self.leave(|participant| participant.is_user(id));
    }

    /// A person mutes or unmutes himself; whether he could.
    pub(super) fn mute_user(&self, person: &Person, is_muted: bool) -> bool {
        if self.stage() != Stage::Established {
            return false;
        }
        self.did(&person.display_name, if is_muted { "mutes himself" } else { "unmutes himself" });
        let id = self
            .with(|inner| inner.roster.iter().find(|one| one.is_user(&person.id)).map(|one| one.id.clone()));
        // A peer-to-peer call has no roster that would tell of it.
        if let Some(id) = id {
            let _ = self.change(&id, |participant| participant.is_muted = is_muted);
        }
        true
    }

    /// Those who are in the call add somebody; why it is not done.
    ///
    /// Source: Graph docs, Calls overview: where the app lacks the permissions of group calls, it is dropped. The code is
    /// assumed.
    pub(super) fn add_by_others(self: &Arc<Self>, person: &Person) -> Result<(), String> {
        if self.stage() != Stage::Established {
            return Err("the call is not established".to_owned());
        }
        if self.has_in_it(&person.id) {
            return Err(format!("{} is in the call already", person.display_name));
        }
        self.did(&person.display_name, "is added by the others");
        let app = self.world().and_then(|world| world.app(self.app_id()));
        let may_stay = app
            .is_some_and(|app| app.permissions.iter().any(|granted| OF_GROUPS.contains(&granted.as_str())));
        if !may_stay {
            self.end_saying(403, 7504, "The app has no permission of group calls.");
            return Ok(());
        }
        self.become_conversation();
        self.with(|inner| inner.is_group = true);
        self.join(Participant::user(person));
        Ok(())
    }

    /// Whether this person is connected.
    pub(super) fn has_in_it(&self, person_id: &str) -> bool {
        self.people().iter().any(|(id, is)| id == person_id && *is == "connected")
    }

    /// Changes a participant and tells of it; where there is none, nothing.
    pub(super) fn change(&self, id: &str, how: impl FnOnce(&mut Participant)) -> Result<(), Error> {
        let change = |inner: &mut super::call::Inner| {
            inner.roster.iter_mut().find(|participant| participant.id == id).map(how)
        };
        self.with(change).ok_or_else(no_participant)?;
        self.tell_roster();
        Ok(())
    }

    /// Mutes or unmutes the bot itself.
    pub(super) fn mute(&self, body: &Value, is_muted: bool) -> Result<Value, Error> {
        let context = asked::context_of(body);
        self.group()?;
        self.change(self.participant_id(), |participant| participant.is_muted = is_muted)?;
        let kind = if is_muted { "muteParticipantOperation" } else { "unmuteParticipantOperation" };
        Ok(self.keep(Operation::done(kind, context)))
    }

    pub(super) fn mute_participant(&self, id: &str, body: &Value) -> Result<Value, Error> {
        let context = asked::context_of(body);
        self.group()?;
        self.change(id, |participant| participant.is_muted = true)?;
        Ok(self.keep(Operation::done("muteParticipantOperation", context)))
    }

    /// Source: Graph docs, participant: muteAll (beta, deprecated).
    pub(super) fn mute_all(&self, body: &Value) -> Result<Value, Error> {
        let context = asked::context_of(body);
        let ids: Vec<_> = asked::items(body, "participants").iter().filter_map(Value::as_str).collect();
        self.group()?;
        ids.iter().try_for_each(|id| self.participant(id).map(drop))?;
        self.with(|inner| {
            for participant in &mut inner.roster {
                participant.is_muted |= ids.contains(&participant.id.as_str());
            }
        });
        self.tell_roster();
        Ok(self.keep(Operation::done("commsOperation", context)))
    }

    /// Source: Graph docs, participant: configureMixer (beta).
    pub(super) fn configure_mixer(self: &Arc<Self>, body: &Value) -> Result<Value, Error> {
        let context = asked::context_of(body);
        self.group()?;
        for level in asked::items(body, "participantMixerLevels") {
            let sources = asked::items(level, "sourceLevels");
            for named in std::iter::once(level).chain(sources) {
                let id = named.get("participant").and_then(Value::as_str).unwrap_or_default();
                self.participant(id)?;
            }
        }
        Ok(self.run("commsOperation", context, |_| {}))
    }

    /// Recording and transcription of a meeting. Source: assumed; the model names the actions, no page describes them.
    pub(super) fn capture(self: &Arc<Self>, kind: &'static str, body: &Value) -> Result<Value, Error> {
        let context = asked::context_of(body);
        self.group()?;
        Ok(self.run(kind, context, |_| {}))
    }

    /// An operation that is over after a step; then `done` is done. Gives it as its request is answered.
    fn run(
        self: &Arc<Self>,
        kind: &'static str,
        context: Option<String>,
        done: impl FnOnce(&Self) + Send + 'static,
    ) -> Value {
        let operation = Operation::running(kind, context);
        let (id, call) = (operation.id.clone(), Arc::clone(self));
        let json = self.keep(operation);
        self.later(async move {
            tokio::time::sleep(STEP).await;
            if call.stage() == Stage::Established {
                call.end_operation(&id, Ended::well());
                done(&call);
            }
        });
        json
    }

    pub(super) fn share_screen(&self, body: &Value) -> Result<(), Error> {
        let is_sharing = asked::word_of(body, "role", &["sharer"]).is_some();
        self.group()?;
        if self.with(|inner| inner.hosting) != Hosting::App {
            return Err(Error::not_in_this_state("Screens are shared with app-hosted media only."));
        }
        self.change(self.participant_id(), |participant| participant.is_sharing = is_sharing)
    }

    pub(super) fn add_large_gallery_view(self: &Arc<Self>, body: &Value) -> Result<Value, Error> {
        let context = asked::context_of(body);
        self.group()?;
        Ok(self.run("addLargeGalleryViewOperation", context, |call| {
            call.join(Participant::large_gallery());
        }))
    }

    pub(super) fn set_recording_status(&self, body: &Value) -> Result<Value, Error> {
        let context = asked::context_of(body);
        self.established()?;
        if !self.is_policy_recording() {
            return Err(Error::not_in_this_state("The call is not one of policy-based recording."));
        }
        Ok(self.keep(Operation::done("updateRecordingStatusOperation", context)))
    }

    /// Source: Graph docs, participant: startHoldMusic. One at a time.
    pub(super) fn start_hold_music(self: &Arc<Self>, id: &str, body: &Value) -> Result<Value, Error> {
        let context = asked::context_of(body);
        self.group()?;
        self.participant(id)?;
        self.with(|inner| {
            if inner.on_hold.is_some() {
                return Err(Error::not_in_this_state("A participant is on hold already."));
            }
            inner.on_hold = Some(id.to_owned());
            Ok(())
        })?;
        Ok(self.run("startHoldMusicOperation", context, |_| {}))
    }

    pub(super) fn stop_hold_music(&self, id: &str, body: &Value) -> Result<Value, Error> {
        let context = asked::context_of(body);
        self.group()?;
        self.participant(id)?;
        self.with(|inner| {
            if inner.on_hold.as_deref() != Some(id) {
                return Err(Error::not_in_this_state("The participant is not on hold."));
            }
            inner.on_hold = None;
            Ok(())
        })?;
        Ok(self.keep(Operation::done("stopHoldMusicOperation", context)))
    }

    /// Removes somebody, or withdraws an invitation.
    pub(super) fn remove(&self, id: &str) -> Result<(), Error> {
        let withdrawn = self.with(|inner| {
            let place = inner.invited.iter().position(|invited| invited.id == id)?;
            Some(inner.invited.swap_remove(place).withdrawn)
        });
        if let Some(withdrawn) = withdrawn {
            withdrawn.cancel();
            return Ok(());
        }
        self.participant(id)?;
        if id == self.participant_id() {
            return Err(Error::bad_request("The bot leaves with DELETE on the call."));
        }
        self.leave(|participant| participant.id == id);
        Ok(())
    }

    pub(super) fn invite(self: &Arc<Self>, body: &Value) -> Result<Value, Error> {
        let context = asked::context_of(body);
        let mut asked = asked::items(body, "participants");
        let replaced = asked.iter().find_map(|one| one.get("replacesCallId").and_then(Value::as_str));
        if replaced.is_some() {
            // Source: Graph docs, participant: invite. The rest of the list is ignored.
            asked = asked.get(..1).unwrap_or(asked);
        }
        if asked.len() > 5 {
            return Err(Error::bad_request(format!("participants has 1 to 5 entries, not {}.", asked.len())));
        }
        self.established()?;
        if asked.len() > 1 && !self.is_group_with_chat() {
            return Err(Error::not_in_this_state("Several are invited into a group call with a chat only."));
        }
        let people = self.people_to_invite(asked)?;
        let replaced = replaced.map(|id| self.other_call(id)).transpose()?;
        self.become_conversation();
        let mut answered = Vec::new();
        let mut rung = Vec::new();
        for (person, one) in people.into_iter().zip(asked) {
            let participant = Participant::user(&person);
            let withdrawn = CancellationToken::new();
            let invited = Invited { id: participant.id.clone(), withdrawn: withdrawn.clone() };
            self.with(|inner| inner.invited.push(invited));
            let mut one = one.clone();
            if let Some(members) = one.as_object_mut() {
                members.insert("participantId".to_owned(), participant.id.clone().into());
            }
            answered.push(one);
            rung.push((person, participant, withdrawn));
        }
        let operation = Operation::running("inviteParticipantsOperation", context)
            .with("participants", answered.into())
            .spelled("Running");
        let (id, call) = (operation.id.clone(), Arc::clone(self));
        let json = self.keep(operation);
        self.later(async move { call.ring_invited(&id, rung, replaced).await });
        Ok(json)
    }

    fn people_to_invite(&self, asked: &[Value]) -> Result<Vec<Person>, Error> {
        let Some(world) = self.world() else { return Err(Error::call_not_found()) };
        let person = |one| {
            let person = world.callee(one, self.reaches_phones())?;
            let is_here = self.is_with(&person.id)
                || self.with(|inner| inner.roster.iter().any(|here| here.is_user(&person.id)));
            // Source: Graph docs, participant: invite.
            if is_here {
                Err(Error::bad_request("An invited one is in the call already."))
            } else {
                Ok(person)
            }
        };
        asked.iter().map(person).collect()
    }

    async fn ring_invited(
        self: &Arc<Self>,
        operation: &str,
        rung: Vec<(Person, Participant, CancellationToken)>,
        replaced: Option<Arc<Self>>,
    ) {
        let mut ringing = tokio::task::JoinSet::new();
        for (person, participant, withdrawn) in rung {
            let (call, is_on_the_line) = (Arc::clone(self), replaced.is_some());
            ringing.spawn(async move {
                let end = tokio::select! {
                    biased;
                    () = withdrawn.cancelled() => Err((400, 8508)),
                    taken = call.reach(&person, is_on_the_line) => taken,
                };
                (participant, end)
            });
        }
        let (mut joined, mut failure) = (Vec::new(), None);
        while let Some(Ok((participant, end))) = ringing.join_next().await {
            self.with(|inner| inner.invited.retain(|invited| invited.id != participant.id));
            match end {
                Ok(taken) => joined.push((participant.of(&taken.by), taken)),
                Err(codes) => failure = Some(codes),
            }
        }
        if self.stage() != Stage::Established {
            return;
        }
        if let (true, Some((code, subcode))) = (joined.is_empty(), failure) {
            self.end_operation(operation, Ended::failed(code, subcode, "Action failed."));
            return;
        }
        self.with(|inner| inner.is_group = true);
        self.end_operation(operation, Ended::well());
        let mut people = Vec::new();
        for (participant, taken) in joined {
            self.with(|inner| inner.roster.push(participant));
            people.push(taken);
        }
        self.tell_roster();
        if let Some(replaced) = replaced {
            // Source: Graph docs, participant: invite; assumed: the codes.
            replaced.end(200, 5001, true);
        }
        for taken in people {
            self.did(&taken.by.display_name, "joins");
            self.later(person::act(Arc::clone(self), taken.by, taken.then));
        }
    }
}

fn no_participant() -> Error {
    Error::not_found("Participant")
}
