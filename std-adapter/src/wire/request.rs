//! Requests: method, path and JSON body of what the call wants made.

use callflow_core::command::{
    Answer, AudioGroup, AudioRoutingGroup, BargeIn, Beep, CallOptions, Command, Destination, Invitee,
    MediaConfig, Modalities, Placement, Record, Redirect, Repeat, Transfer, Visibility,
};
use callflow_core::id::{CallKey, ClientContext, OperationId, ParticipantId, Ticket};
use callflow_core::identity::{Identity, Source};
use callflow_core::list::List;
use callflow_core::media::Tone;
use callflow_core::meeting::Meeting;
use callflow_core::request::Request;
use callflow_core::text::Uri;
use serde_json::{Value, json};

use super::escape::segment;
use super::text::Address;

/// The HTTP method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
    /// PATCH
    Patch,
    /// DELETE
    Delete,
}

impl Method {
    /// Its name in HTTP.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl std::fmt::Display for Method {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// The version of the API that a request is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Version {
    /// `v1.0`
    #[default]
    V1,
    /// `beta`: its members may change at any time.
    Beta,
}

impl Version {
    /// Its name in a path.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V1 => "v1.0",
            Self::Beta => "beta",
        }
    }
}

/// A request over HTTP: its path is below the base of its version (`https://graph.microsoft.com/v1.0`).
#[derive(Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// The version.
    pub version: Version,
    /// The method.
    pub method: Method,
    /// The path, with its leading slash.
    pub path: String,
    /// The JSON body.
    pub body: Option<String>,
}

impl HttpRequest {
    /// Adds members to the body, where it is a JSON object.
    pub(super) fn amend(&mut self, add: impl FnOnce(&mut serde_json::Map<String, Value>)) {
        let body = self.body.as_deref().and_then(|body| serde_json::from_str(body).ok());
        if let Some(Value::Object(mut body)) = body {
            add(&mut body);
            self.body = Some(Value::Object(body).to_string());
        }
    }
}

impl std::fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A body holds callback keys, prompts' signatures and numbers.
        let body = self.body.as_ref().map(|body| format!("<{} bytes>", body.len()));
        f.debug_struct("HttpRequest")
            .field("version", &self.version)
            .field("method", &self.method)
            .field("path", &self.path)
            .field("body", &body)
            .finish()
    }
}

/// The texts of ids, which core keeps as bits only.
pub trait IdTexts {
    /// The call's id, as Graph wrote it.
    fn call(&self) -> Option<&str>;
    /// The text of this operation's id.
    fn operation(&self, id: OperationId) -> Option<&str>;
    /// The text of this participant's id.
    fn participant(&self, id: ParticipantId) -> Option<&str>;
}

/// Whose request it is.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The embedder's name of the call, which goes into every `clientContext`.
    pub key: CallKey,
    /// Where Graph posts news of the call: a redirect names it again.
    pub callback: Uri<'a>,
    /// The tenant, which goes into the creation of a call.
    pub tenant_id: Option<&'a str>,
}

impl Origin<'_> {
    fn context(&self, ticket: Ticket) -> Value {
        json!(ClientContext { key: self.key, ticket }.to_string())
    }
}

/// Where a request goes, below the call, and its body.
struct Line {
    method: Method,
    below: String,
    body: Option<Value>,
}

impl Line {
    fn new(method: Method, below: impl Into<String>, body: Option<Value>) -> Self {
        Self { method, below: below.into(), body }
    }

    fn post(below: impl Into<String>, body: Value) -> Self {
        Self::new(Method::Post, below, Some(body))
    }
}

/// Writes `request`; `None` for one that has no HTTP of its own, or whose ids have no text.
///
/// An id that was never told as a text is written as the GUID that it is; one that is none has no text then. What is
/// released is written as it was when it was held. The answer to a joining participant is no request: see
/// [`write_answer`](super::joining::write_answer).
///
/// Source: Graph docs, the pages of the actions; where they and the model of v1.0 disagree, the model.
pub fn write(request: &Request<'_>, origin: &Origin<'_>, ids: &impl IdTexts) -> Option<HttpRequest> {
    let line = match request {
        Request::Create { placement, .. } => {
            let body = Some(create(placement, origin.tenant_id).to_string());
            return Some(HttpRequest {
                version: Version::V1,
                method: Method::Post,
                path: "/communications/calls".to_owned(),
                body,
            });
        }
        Request::Perform { ticket, command, .. } => perform(*ticket, command, origin, ids)?,
        Request::ListParticipants { .. } => Line::new(Method::Get, "/participants", None),
        Request::GetOperation { operation, .. } => {
            let id = text_of(ids.operation(*operation), operation.to_bytes(), operation.is_guid())?;
            Line::new(Method::Get, format!("/operations/{}", segment(&id)), None)
        }
        Request::Release { .. } => return None,
    };
    let call = segment(ids.call()?);
    Some(HttpRequest {
        version: version_of(request),
        method: line.method,
        path: format!("/communications/calls/{call}{}", line.below),
        body: line.body.map(|body| body.to_string()),
    })
}

/// The version that has all that a request asks for.
fn version_of(request: &Request<'_>) -> Version {
    match request {
        Request::Perform { command, .. } if beta_member(command).is_some() => Version::Beta,
        Request::Create { .. }
        | Request::Perform { .. }
        | Request::ListParticipants { .. }
        | Request::GetOperation { .. }
        | Request::Release { .. } => Version::V1,
    }
}

/// The member of a command that only beta has, where it uses one.
///
/// Source: Graph docs, call: playPrompt and call: redirect, each in v1.0 and in beta.
pub fn beta_member(command: &Command<'_>) -> Option<&'static str> {
    if let Command::PlayPrompt { repeat: Repeat::Forever, .. } = command {
        return Some("loop");
    }
    if let Command::Redirect(redirect) = command { redirect.mask.names().next() } else { None }
}

fn perform(ticket: Ticket, command: &Command<'_>, origin: &Origin<'_>, ids: &impl IdTexts) -> Option<Line> {
    let context = || json!({"clientContext": origin.context(ticket)});
    let of_participant = |id: &ParticipantId, action: &str| {
        Some(format!("/participants/{}{action}", segment(&participant(ids, *id)?)))
    };
    Some(match command {
        Command::Answer(with) => Line::post("/answer", answer(with)),
        Command::Reject(reason) => Line::post("/reject", json!({"reason": reason.name()})),
        Command::Redirect(with) => Line::post("/redirect", redirect(with, origin.callback)),
        Command::Transfer(with) => Line::post("/transfer", transfer(with, ids)?),
        Command::HangUp => Line::new(Method::Delete, "", None),
        Command::KeepAlive => Line::new(Method::Post, "/keepAlive", None),
        Command::Refresh => Line::new(Method::Get, "", None),
        Command::Mute => Line::post("/mute", context()),
        Command::Unmute => Line::post("/unmute", context()),
        Command::PlayPrompt { prompts: uris, repeat } => {
            let mut body = context();
            insert(&mut body, "prompts", json!(uris.iter().map(prompt).collect::<Vec<_>>()));
            if *repeat == Repeat::Forever {
                insert(&mut body, "loop", json!(true));
            }
            Line::post("/playPrompt", body)
        }
        Command::Record(with) => Line::post("/recordResponse", record(with, context())),
        Command::CancelMediaProcessing => Line::post("/cancelMediaProcessing", context()),
        Command::SubscribeToTone => Line::post("/subscribeToTone", context()),
        Command::SendDtmf { tones, delay } => {
            if tones.iter().any(|tone| tone == Tone::Unrecognised) {
                return None;
            }
            let mut body = context();
            insert(&mut body, "tones", json!(tones.iter().map(Tone::name).collect::<Vec<_>>()));
            insert_some(&mut body, "delayBetweenTonesMs", *delay);
            Line::post("/sendDtmfTones", body)
        }
        Command::Invite(invitees) => {
            let mut body = context();
            insert(&mut body, "participants", json!(invitees.iter().map(invitee).collect::<Vec<_>>()));
            Line::post("/participants/invite", body)
        }
        Command::RemoveParticipant(id) => Line::new(Method::Delete, of_participant(id, "")?, None),
        Command::MuteParticipant(id) => Line::post(of_participant(id, "/mute")?, context()),
        Command::StartHoldMusic { participant, prompt: custom } => {
            let mut body = context();
            insert_some(&mut body, "customPrompt", custom.map(prompt));
            Line::post(of_participant(participant, "/startHoldMusic")?, body)
        }
        Command::StopHoldMusic(id) => Line::post(of_participant(id, "/stopHoldMusic")?, context()),
        Command::UpdateRecordingStatus(status) => {
            let mut body = context();
            insert(&mut body, "status", json!(status.name()));
            Line::post("/updateRecordingStatus", body)
        }
        Command::AnswerJoining(_) => return None,
        Command::ChangeScreenSharingRole(role) => {
            Line::post("/changeScreenSharingRole", json!({"role": role.name()}))
        }
        Command::AddLargeGalleryView => Line::post("/addLargeGalleryView", context()),
        Command::CreateAudioRoutingGroup(group) => {
            Line::post("/audioRoutingGroups", routing_group(group, ids)?)
        }
        Command::UpdateAudioRoutingGroup { id, group } => Line::new(
            Method::Patch,
            format!("/audioRoutingGroups/{}", segment(id)),
            Some(routing_group(group, ids)?),
        ),
        Command::DeleteAudioRoutingGroup { id } => {
            Line::new(Method::Delete, format!("/audioRoutingGroups/{}", segment(id)), None)
        }
    })
}

/// Source: Graph docs, application: post calls.
fn create(placement: &Placement<'_>, tenant_id: Option<&str>) -> Value {
    let mut body = json!({
        "@odata.type": "#microsoft.graph.call",
        "callbackUri": placement.callback.reveal(),
        "requestedModalities": modalities(placement.modalities),
        "mediaConfig": media_config(placement.media),
    });
    match placement.to {
        Destination::Targets(targets) => insert(&mut body, "targets", json!(invitees_of(targets))),
        Destination::Meeting(meeting) => join(&mut body, meeting),
    }
    insert_some(&mut body, "source", source(placement.source));
    insert_some(&mut body, "callOptions", options(placement.options, "outgoingCallOptions"));
    insert_some(&mut body, "tenantId", tenant_id);
    body
}

/// Source: Graph docs, application: post calls (join with organizer information, a join token, a join id);
/// organizerMeetingInfo (`allowConversationWithoutHost`: who joins after the bot stays when it leaves).
fn join(body: &mut Value, meeting: Meeting<'_>) {
    let info = match meeting {
        Meeting::Organizer(by) => {
            let mut chat = json!({
                "@odata.type": "#microsoft.graph.chatInfo",
                "threadId": by.thread_id,
                "messageId": by.message_id,
            });
            insert_some(&mut chat, "replyChainMessageId", by.reply_chain_message_id);
            insert(body, "chatInfo", chat);
            let mut organizer = json!({"@odata.type": "#microsoft.graph.identity"});
            insert(&mut organizer, "id", json!(by.organizer_id));
            insert(&mut organizer, "tenantId", json!(by.tenant_id));
            json!({
                "@odata.type": "#microsoft.graph.organizerMeetingInfo",
                "organizer": {"@odata.type": "#microsoft.graph.identitySet", "user": organizer},
                "allowConversationWithoutHost": true,
            })
        }
        Meeting::Token(token) => {
            json!({"@odata.type": "#microsoft.graph.tokenMeetingInfo", "token": token.reveal()})
        }
        Meeting::JoinId { id, passcode } => json!({
            "@odata.type": "#microsoft.graph.joinMeetingIdMeetingInfo",
            "joinMeetingId": id,
            "passcode": passcode.map(callflow_core::text::Secret::reveal),
        }),
    };
    insert(body, "meetingInfo", info);
}

fn source(source: Source<'_>) -> Option<Value> {
    let (kind, id, name) = match source {
        Source::Bot => return None,
        Source::Application(id) => ("application", id, None),
        Source::ApplicationInstance(id) => ("applicationInstance", id, None),
        Source::Guest { id, display_name } => ("guest", id, Some(display_name)),
    };
    Some(json!({
        "@odata.type": "#microsoft.graph.participantInfo",
        "identity": identity_set(kind, id, name),
    }))
}

/// Source: Graph docs, call: answer.
fn answer(answer: &Answer<'_>) -> Value {
    let mut body = json!({
        "callbackUri": answer.callback.reveal(),
        "acceptedModalities": modalities(answer.modalities),
        "mediaConfig": media_config(answer.media),
    });
    insert_some(&mut body, "participantCapacity", answer.participant_capacity);
    insert_some(&mut body, "callOptions", options(answer.options, "incomingCallOptions"));
    body
}

/// Source: Graph docs, call: redirect (the masks: beta).
fn redirect(redirect: &Redirect<'_>, callback: Uri<'_>) -> Value {
    let mut body = json!({"targets": invitees_of(redirect.targets), "callbackUri": callback.reveal()});
    insert_some(&mut body, "timeout", redirect.timeout);
    for name in redirect.mask.names() {
        insert(&mut body, name, json!(true));
    }
    body
}

/// Source: Graph docs, call: transfer; without `clientContext`, which the model does not have there.
fn transfer(transfer: &Transfer<'_>, ids: &impl IdTexts) -> Option<Value> {
    let target = Invitee { replaces_call_id: transfer.replaces_call_id, ..Invitee::new(transfer.target) };
    let mut body = json!({"transferTarget": invitee(target)});
    if let Some(transferee) = transfer.transferee {
        let (kind, id) = kind_and_id(transferee.identity);
        let info = json!({
            "@odata.type": "#microsoft.graph.participantInfo",
            "identity": identity_set(kind, id, None),
            "participantId": participant(ids, transferee.participant)?,
        });
        insert(&mut body, "transferee", info);
    }
    Some(body)
}

/// Source: Graph docs, call: record (`stopTones` are keys, not the names of tones).
fn record(record: &Record<'_>, mut body: Value) -> Value {
    insert(&mut body, "bargeInAllowed", json!(record.barge_in == BargeIn::Interrupts));
    insert(&mut body, "playBeep", json!(record.beep == Beep::Played));
    insert_some(&mut body, "prompts", record.prompt.map(|uri| vec![prompt(uri)]));
    insert_some(&mut body, "initialSilenceTimeoutInSeconds", record.initial_silence);
    insert_some(&mut body, "maxSilenceTimeoutInSeconds", record.max_silence);
    insert_some(&mut body, "maxRecordDurationInSeconds", record.max_duration);
    let keys: Vec<_> = record.stop_tones.iter().filter_map(Tone::key).collect();
    if !keys.is_empty() {
        insert(&mut body, "stopTones", json!(keys));
    }
    body
}

/// Source: Graph docs, audioRoutingGroup.
fn routing_group(group: &AudioRoutingGroup<'_>, ids: &impl IdTexts) -> Option<Value> {
    let receivers: Option<Vec<_>> = group.receivers.iter().map(|id| participant(ids, id)).collect();
    Some(json!({
        "routingMode": group.mode.name(),
        "sources": [participant(ids, group.source)?],
        "receivers": receivers?,
    }))
}

fn prompt(uri: Uri<'_>) -> Value {
    json!({
        "@odata.type": "#microsoft.graph.mediaPrompt",
        "mediaInfo": media_info(uri),
    })
}

fn media_info(uri: Uri<'_>) -> Value {
    json!({
        "@odata.type": "#microsoft.graph.mediaInfo",
        "uri": uri.reveal(),
        "resourceId": resource_id(uri.reveal()),
    })
}

/// Adds to the body of a call that is made or answered which prompts are to be fetched beforehand: nothing where the bot
/// hosts the media.
pub(super) fn pre_fetch(body: &mut serde_json::Map<String, Value>, prompts: &[Address]) {
    if prompts.is_empty() {
        return;
    }
    if let Some(Value::Object(media)) = body.get_mut("mediaConfig")
        && media.get("@odata.type").is_some_and(|kind| kind == "#microsoft.graph.serviceHostedMediaConfig")
    {
        let all: Vec<_> = prompts.iter().map(|prompt| media_info(prompt.uri())).collect();
        media.insert("preFetchMedia".to_owned(), all.into());
    }
}

fn media_config(media: MediaConfig<'_>) -> Value {
    match media {
        MediaConfig::ServiceHosted => json!({"@odata.type": "#microsoft.graph.serviceHostedMediaConfig"}),
        MediaConfig::AppHosted(blob) => {
            json!({"@odata.type": "#microsoft.graph.appHostedMediaConfig", "blob": blob.reveal()})
        }
    }
}

fn modalities(modalities: Modalities) -> Vec<&'static str> {
    modalities.names().collect()
}

/// `kind` is `outgoingCallOptions` or `incomingCallOptions`: the model's `callOptions` is abstract.
fn options(options: CallOptions, kind: &str) -> Option<Value> {
    if options == CallOptions::NONE {
        return None;
    }
    let mut body = json!({"@odata.type": format!("#microsoft.graph.{kind}")});
    for name in options.names() {
        insert(&mut body, name, json!(true));
    }
    Some(body)
}

fn invitees_of(targets: List<'_, Identity<'_>>) -> Vec<Value> {
    targets.iter().map(|identity| invitee(Invitee::new(identity))).collect()
}

/// Source: Graph docs, invitationParticipantInfo.
fn invitee(one: Invitee<'_>) -> Value {
    let (kind, id) = kind_and_id(one.identity);
    let mut info = json!({
        "@odata.type": "#microsoft.graph.invitationParticipantInfo",
        "identity": identity_set(kind, id, None),
    });
    insert_some(&mut info, "replacesCallId", one.replaces_call_id);
    insert_some(&mut info, "participantId", one.participant_id);
    if one.visibility == Visibility::Hidden {
        insert(&mut info, "hidden", json!(true));
    }
    if one.audio_group == AudioGroup::Apart {
        insert(&mut info, "removeFromDefaultAudioRoutingGroup", json!(true));
    }
    info
}

fn kind_and_id(identity: Identity<'_>) -> (&'static str, &str) {
    match identity {
        Identity::User(id) => ("user", id),
        Identity::Application(id) => ("application", id),
        Identity::ApplicationInstance(id) => ("applicationInstance", id),
        Identity::Phone(number) => ("phone", number.reveal()),
        Identity::Guest(id) => ("guest", id),
    }
}

fn identity_set(kind: &str, id: &str, display_name: Option<&str>) -> Value {
    let mut identity = json!({"@odata.type": "#microsoft.graph.identity", "id": id});
    insert_some(&mut identity, "displayName", display_name);
    json!({"@odata.type": "#microsoft.graph.identitySet", kind: identity})
}

fn insert(body: &mut Value, name: &str, value: Value) {
    if let Some(body) = body.as_object_mut() {
        body.insert(name.to_owned(), value);
    }
}

fn insert_some(body: &mut Value, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        insert(body, name, value.into());
    }
}

fn participant(ids: &impl IdTexts, id: ParticipantId) -> Option<String> {
    text_of(ids.participant(id), id.to_bytes(), id.is_guid())
}

/// The text of an id: the one that was told, else the GUID that its bits are.
///
/// Source: assumed; Graph itself writes one id with and without dashes and in either case.
fn text_of(told: Option<&str>, bits: [u8; 16], is_guid: bool) -> Option<String> {
    told.map(str::to_owned).or_else(|| is_guid.then(|| guid(u128::from_be_bytes(bits))))
}

/// A stable id for a prompt, so that the service can cache it: a GUID made of the address.
///
/// Source: Graph docs, mediaInfo (`resourceId`).
fn resource_id(uri: &str) -> String {
    guid(u128::from_be_bytes(OperationId::parse(uri).to_bytes()))
}

fn guid(bits: u128) -> String {
    let part = |shift: u32, mask: u128| bits.wrapping_shr(shift) & mask;
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        part(96, 0xFFFF_FFFF),
        part(80, 0xFFFF),
        part(64, 0xFFFF),
        part(48, 0xFFFF),
        part(0, 0xFFFF_FFFF_FFFF)
    )
}

#[cfg(test)]
mod tests;
