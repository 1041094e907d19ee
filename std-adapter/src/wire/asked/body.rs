//! The bodies of requests, read.
//!
//! Source: Graph docs, the pages of the actions; what is left out has the default of its page.

use std::collections::BTreeMap;

use callflow_core::command::{
    AudioGroup, BargeIn, Beep, CallOptions, Mask, Modalities, RejectReason, Repeat, RoutingMode, Visibility,
};
use callflow_core::id::ParticipantId;
use callflow_core::media::{RecordingStatus, ScreenSharingRole, Tone};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error};
use serde_json::Value;

use super::{Ask, Asked};
use crate::wire::direct::Direct;
use crate::wire::lenient::{There, word};
use crate::wire::meeting::{ChatJson, MeetingJson};
use crate::wire::mixer::MixerLevel;
use crate::wire::order::{Answer, AudioRoutingGroup, Invitee, Order, Record, Redirect, Transfer, Transferee};
use crate::wire::placement::{Caller, Destination, Media, Placement, RoutingPolicy, Target};
use crate::wire::resource::short_type;
use crate::wire::text::Address;
use crate::wire::{WireError, read};

/// What every body may have.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Common {
    client_context: Option<String>,
    callback_uri: Option<Address>,
}

/// Reads a body as a `T`, with what every body may have.
fn asked<T: DeserializeOwned>(
    text: &str,
    what: impl FnOnce(T) -> Result<Ask, WireError>,
) -> Result<Asked, WireError> {
    let (common, _) = read::<Common>(text, 1, "")?;
    let (own, mut ignored) = read::<T>(text, 1, "")?;
    ignored.retain(|name| !["@odata.type", "clientContext", "callbackUri"].contains(&name.as_str()));
    Ok(Asked {
        call: None,
        callback: common.callback_uri,
        client_context: common.client_context,
        what: what(own)?,
        ignored,
    })
}

fn ordered<T: DeserializeOwned>(text: &str, order: impl FnOnce(T) -> Order) -> Result<Asked, WireError> {
    asked(text, |own| Ok(Ask::Order(order(own))))
}

/// An order whose body says nothing of its own.
pub(super) fn bare(text: &str, order: Order) -> Result<Asked, WireError> {
    #[derive(Deserialize)]
    struct BareJson {}
    ordered(text, |BareJson {}| order)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreateJson {
    targets: Option<Vec<InviteeJson>>,
    source: Option<SourceJson>,
    #[serde(default)]
    requested_modalities: ModalitiesJson,
    media_config: MediaJson,
    call_options: Option<OptionsJson>,
    chat_info: Option<ChatJson>,
    meeting_info: Option<MeetingJson>,
    tenant_id: Option<String>,
    subject: Option<String>,
    call_chain_id: Option<String>,
    ringing_timeout_in_seconds: Option<u8>,
    routing_policies: Option<Vec<RoutingPolicyJson>>,
}

pub(super) fn create(text: &str) -> Result<Asked, WireError> {
    asked(text, |json: CreateJson| {
        let to = match json.meeting_info {
            Some(meeting) => Destination::Meeting(meeting.with(json.chat_info, json.tenant_id.as_deref())?),
            None => Destination::Targets(
                json.targets.into_iter().flatten().map(|target| target.identity.0).collect(),
            ),
        };
        let (media, pre_fetch) = json.media_config.into_media();
        let placement = Placement {
            to,
            source: json.source.map_or(Caller::Bot, |source| source.identity.0),
            media,
            modalities: json.requested_modalities.0,
            options: options(json.call_options),
            subject: json.subject,
            call_chain_id: json.call_chain_id,
            ringing_timeout: json.ringing_timeout_in_seconds,
            routing_policies: json.routing_policies.into_iter().flatten().filter_map(|one| one.0).collect(),
            pre_fetch,
        };
        Ok(Ask::Create { placement: Box::new(placement), tenant_id: json.tenant_id })
    })
}

pub(super) fn answer(text: &str) -> Result<Asked, WireError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct AnswerJson {
        media_config: MediaJson,
        #[serde(default)]
        accepted_modalities: ModalitiesJson,
        participant_capacity: Option<u16>,
        call_options: Option<OptionsJson>,
    }
    ordered(text, |json: AnswerJson| {
        let (media, pre_fetch) = json.media_config.into_media();
        Order::Answer(Answer {
            media,
            modalities: json.accepted_modalities.0,
            participant_capacity: json.participant_capacity,
            options: options(json.call_options),
            pre_fetch,
        })
    })
}

pub(super) fn reject(text: &str) -> Result<Asked, WireError> {
    #[derive(Deserialize)]
    struct RejectJson {
        #[serde(default = "no_reason", deserialize_with = "reason")]
        reason: RejectReason,
    }
    fn no_reason() -> RejectReason {
        RejectReason::None
    }
    fn reason<'de, D: Deserializer<'de>>(d: D) -> Result<RejectReason, D::Error> {
        word(d, RejectReason::ALL, RejectReason::name)
    }
    ordered(text, |json: RejectJson| Order::Reject(json.reason))
}

pub(super) fn redirect(text: &str) -> Result<Asked, WireError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct RedirectJson {
        targets: Vec<InviteeJson>,
        timeout: Option<u8>,
        #[serde(default)]
        mask_callee: bool,
        #[serde(default)]
        mask_caller: bool,
    }
    ordered(text, |json: RedirectJson| {
        let masks = [(json.mask_callee, Mask::CALLEE), (json.mask_caller, Mask::CALLER)];
        let masks = masks.into_iter().filter(|(is_wanted, _)| *is_wanted);
        Order::Redirect(Redirect {
            targets: json.targets.into_iter().map(|target| target.identity.0).collect(),
            timeout: json.timeout,
            mask: masks.fold(Mask::NONE, |all, (_, one)| all.and(one)),
        })
    })
}

pub(super) fn transfer(text: &str) -> Result<Asked, WireError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct TransferJson {
        transfer_target: InviteeJson,
        transferee: Option<TransfereeJson>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct TransfereeJson {
        #[serde(rename = "@odata.type")]
        _odata_type: Option<There>,
        identity: TargetJson,
        participant_id: String,
    }
    ordered(text, |json: TransferJson| {
        Order::Transfer(Transfer {
            target: json.transfer_target.identity.0,
            replaces_call_id: json.transfer_target.replaces_call_id,
            transferee: json.transferee.map(|one| Transferee {
                identity: one.identity.0,
                participant: ParticipantId::parse(&one.participant_id),
            }),
        })
    })
}

pub(super) fn play_prompt(text: &str) -> Result<Asked, WireError> {
    #[derive(Deserialize)]
    struct PlayJson {
        prompts: Vec<PromptJson>,
        #[serde(default)]
        r#loop: bool,
    }
    ordered(text, |json: PlayJson| Order::PlayPrompt {
        prompts: json.prompts.into_iter().map(|prompt| prompt.media_info.uri).collect(),
        repeat: if json.r#loop { Repeat::Forever } else { Repeat::Once },
    })
}

pub(super) fn record(text: &str) -> Result<Asked, WireError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct RecordJson {
        prompts: Option<Vec<PromptJson>>,
        #[serde(default)]
        barge_in_allowed: bool,
        play_beep: Option<bool>,
        initial_silence_timeout_in_seconds: Option<u8>,
        max_silence_timeout_in_seconds: Option<u8>,
        max_record_duration_in_seconds: Option<u8>,
        #[serde(default, deserialize_with = "stop_tones")]
        stop_tones: Vec<Tone>,
    }
    fn stop_tones<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<Tone>, D::Error> {
        let written = Option::<Vec<String>>::deserialize(d)?.unwrap_or_default();
        let key = |text: &String| {
            let tone = Tone::ALL
                .iter()
                .copied()
                .find(|tone| tone.key().is_some_and(|key| text.eq_ignore_ascii_case(&key.to_string())));
            tone.ok_or_else(|| D::Error::custom(format_args!("`{text}` is no key: 0…9, *, #, A…D are")))
        };
        written.iter().map(key).collect()
    }
    ordered(text, |json: RecordJson| {
        Order::Record(Record {
            // One at most is allowed.
            prompt: json.prompts.into_iter().flatten().next().map(|prompt| prompt.media_info.uri),
            barge_in: if json.barge_in_allowed { BargeIn::Interrupts } else { BargeIn::Waits },
            beep: if json.play_beep.unwrap_or(true) { Beep::Played } else { Beep::Silent },
            initial_silence: json.initial_silence_timeout_in_seconds,
            max_silence: json.max_silence_timeout_in_seconds,
            max_duration: json.max_record_duration_in_seconds,
            stop_tones: json.stop_tones,
        })
    })
}

pub(super) fn send_dtmf_tones(text: &str) -> Result<Asked, WireError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct DtmfJson {
        tones: Vec<ToneJson>,
        delay_between_tones_ms: Option<u16>,
    }
    #[derive(Deserialize)]
    struct ToneJson(#[serde(deserialize_with = "tone")] Tone);
    fn tone<'de, D: Deserializer<'de>>(d: D) -> Result<Tone, D::Error> {
        word(d, Tone::ALL, Tone::name)
    }
    ordered(text, |json: DtmfJson| Order::SendDtmf {
        tones: json.tones.into_iter().map(|ToneJson(tone)| tone).collect(),
        delay: json.delay_between_tones_ms,
    })
}

pub(super) fn update_recording_status(text: &str) -> Result<Asked, WireError> {
    #[derive(Deserialize)]
    struct StatusJson {
        #[serde(deserialize_with = "status")]
        status: RecordingStatus,
    }
    fn status<'de, D: Deserializer<'de>>(d: D) -> Result<RecordingStatus, D::Error> {
        word(d, RecordingStatus::ALL, RecordingStatus::name)
    }
    ordered(text, |json: StatusJson| Order::UpdateRecordingStatus(json.status))
}

pub(super) fn change_screen_sharing_role(text: &str) -> Result<Asked, WireError> {
    #[derive(Deserialize)]
    struct RoleJson {
        #[serde(deserialize_with = "role")]
        role: ScreenSharingRole,
    }
    fn role<'de, D: Deserializer<'de>>(d: D) -> Result<ScreenSharingRole, D::Error> {
        word(d, ScreenSharingRole::ALL, ScreenSharingRole::name)
    }
    ordered(text, |json: RoleJson| Order::ChangeScreenSharingRole(json.role))
}

pub(super) fn invite(text: &str) -> Result<Asked, WireError> {
    #[derive(Deserialize)]
    struct InviteJson {
        participants: Vec<InviteeJson>,
    }
    ordered(text, |json: InviteJson| {
        Order::Invite(json.participants.into_iter().map(InviteeJson::into_invitee).collect())
    })
}

/// The recording and the transcription of Teams.
pub(super) fn of_teams(text: &str, action: &str) -> Result<Asked, WireError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct TeamsJson {
        #[serde(default)]
        client_context: String,
        language: Option<String>,
    }
    asked(text, |TeamsJson { client_context, language }: TeamsJson| {
        Ok(Ask::Direct(match action {
            "startRecording" => Direct::StartRecording { client_context },
            "stopRecording" => Direct::StopRecording { client_context },
            "startTranscription" => Direct::StartTranscription { client_context, language },
            _ => Direct::StopTranscription { client_context },
        }))
    })
}

pub(super) fn mute_all(text: &str) -> Result<Asked, WireError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct MuteAllJson {
        #[serde(default)]
        participants: Vec<String>,
        #[serde(default)]
        client_context: String,
    }
    asked(text, |MuteAllJson { participants, client_context }| {
        Ok(Ask::Direct(Direct::MuteAll { participants, client_context }))
    })
}

pub(super) fn configure_mixer(text: &str) -> Result<Asked, WireError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct MixerJson {
        participant_mixer_levels: Vec<MixerLevel>,
        #[serde(default)]
        client_context: String,
    }
    asked(text, |MixerJson { participant_mixer_levels: levels, client_context }| {
        Ok(Ask::Direct(Direct::ConfigureMixer { levels, client_context }))
    })
}

pub(super) fn start_hold_music(text: &str, participant: ParticipantId) -> Result<Asked, WireError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct HoldJson {
        custom_prompt: Option<PromptJson>,
    }
    ordered(text, |json: HoldJson| Order::StartHoldMusic {
        participant,
        prompt: json.custom_prompt.map(|prompt| prompt.media_info.uri),
    })
}

pub(super) fn audio_routing_group(
    text: &str,
    order: impl FnOnce(AudioRoutingGroup) -> Order,
) -> Result<Asked, WireError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct GroupJson {
        #[serde(deserialize_with = "mode")]
        routing_mode: RoutingMode,
        sources: Vec<String>,
        receivers: Vec<String>,
    }
    fn mode<'de, D: Deserializer<'de>>(d: D) -> Result<RoutingMode, D::Error> {
        word(d, RoutingMode::ALL, RoutingMode::name)
    }
    asked(text, |json: GroupJson| {
        let [source] = json.sources.as_slice() else {
            let reason = format!("one source is expected, there are {}", json.sources.len());
            return Err(WireError::new(1, "sources", reason));
        };
        Ok(Ask::Order(order(AudioRoutingGroup {
            mode: json.routing_mode,
            source: ParticipantId::parse(source),
            receivers: json.receivers.iter().map(|id| ParticipantId::parse(id)).collect(),
        })))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InviteeJson {
    #[serde(rename = "@odata.type")]
    _odata_type: Option<There>,
    identity: TargetJson,
    replaces_call_id: Option<String>,
    participant_id: Option<String>,
    hidden: Option<bool>,
    remove_from_default_audio_routing_group: Option<bool>,
}

impl InviteeJson {
    fn into_invitee(self) -> Invitee {
        let is_apart = self.remove_from_default_audio_routing_group.unwrap_or_default();
        Invitee {
            identity: self.identity.0,
            replaces_call_id: self.replaces_call_id,
            participant_id: self.participant_id,
            visibility: if self.hidden.unwrap_or_default() { Visibility::Hidden } else { Visibility::Shown },
            audio_group: if is_apart { AudioGroup::Apart } else { AudioGroup::Default },
        }
    }
}

#[derive(Deserialize)]
struct SourceJson {
    #[serde(rename = "@odata.type")]
    _odata_type: Option<There>,
    identity: CallerJson,
}

/// The one kind of an identity set that is there, with its members.
///
/// Source: Graph docs, identitySet (kinds that are not there may stand as null).
fn identity<'de, D: Deserializer<'de>>(d: D) -> Result<(String, IdentityJson), D::Error> {
    let set = BTreeMap::<String, Value>::deserialize(d)?;
    let mut kinds = set.into_iter().filter(|(kind, value)| !kind.starts_with('@') && value.is_object());
    let (kind, value) =
        kinds.next().ok_or_else(|| D::Error::custom("an identity set without an identity"))?;
    Ok((kind, IdentityJson::deserialize(value).map_err(D::Error::custom)?))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IdentityJson {
    id: String,
    display_name: Option<String>,
}

struct TargetJson(Target);

impl<'de> Deserialize<'de> for TargetJson {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let (kind, IdentityJson { id, .. }) = identity(d)?;
        Ok(Self(match kind.as_str() {
            "user" => Target::User(id),
            "phone" => Target::Phone(id.into()),
            "application" => Target::Application(id),
            "applicationInstance" => Target::ApplicationInstance(id),
            "guest" => Target::Guest(id),
            _ => return Err(D::Error::custom(format_args!("an identity of kind `{kind}` cannot be called"))),
        }))
    }
}

struct CallerJson(Caller);

impl<'de> Deserialize<'de> for CallerJson {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let (kind, IdentityJson { id, display_name }) = identity(d)?;
        Ok(Self(match kind.as_str() {
            "application" => Caller::Application(id),
            "applicationInstance" => Caller::ApplicationInstance(id),
            "guest" => Caller::Guest { id, display_name: display_name.unwrap_or_default() },
            _ => return Err(D::Error::custom(format_args!("an identity of kind `{kind}` cannot call"))),
        }))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PromptJson {
    #[serde(rename = "@odata.type")]
    _odata_type: Option<There>,
    media_info: MediaInfoJson,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MediaInfoJson {
    #[serde(rename = "@odata.type")]
    _odata_type: Option<There>,
    uri: Address,
    // Made of the address.
    #[serde(rename = "resourceId")]
    _resource_id: Option<There>,
}

/// Abstract in the model: its type says which it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MediaJson {
    #[serde(rename = "@odata.type", deserialize_with = "media_kind")]
    is_app_hosted: bool,
    blob: Option<String>,
    pre_fetch_media: Option<Vec<MediaInfoJson>>,
}

/// A word of `routingPolicies`; nothing for `none`.
struct RoutingPolicyJson(Option<RoutingPolicy>);

impl<'de> Deserialize<'de> for RoutingPolicyJson {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let written = String::deserialize(d)?;
        if written.eq_ignore_ascii_case("none") {
            return Ok(Self(None));
        }
        word(serde::de::value::StringDeserializer::new(written), &RoutingPolicy::ALL, RoutingPolicy::name)
            .map(|policy| Self(Some(policy)))
    }
}

fn media_kind<'de, D: Deserializer<'de>>(d: D) -> Result<bool, D::Error> {
    let written = String::deserialize(d)?;
    match short_type(&written) {
        "appHostedMediaConfig" => Ok(true),
        "serviceHostedMediaConfig" => Ok(false),
        other => Err(D::Error::custom(format_args!(
            "`{other}` is none of serviceHostedMediaConfig, appHostedMediaConfig"
        ))),
    }
}

impl MediaJson {
    /// Who hosts the media, and what is to be fetched beforehand.
    fn into_media(self) -> (Media, Vec<Address>) {
        if self.is_app_hosted {
            return (Media::App(self.blob.unwrap_or_default().into()), Vec::new());
        }
        let prompts = self.pre_fetch_media.into_iter().flatten().map(|media| media.uri);
        (Media::Service, prompts.collect())
    }
}

/// An array of words.
#[derive(Default)]
struct ModalitiesJson(Modalities);

impl<'de> Deserialize<'de> for ModalitiesJson {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let words = Option::<Vec<String>>::deserialize(d)?.unwrap_or_default();
        words.iter().try_fold(Self(Modalities::NONE), |Self(all), word| {
            let one = Modalities::parse(word.trim());
            one.map(|one| Self(all.and(one)))
                .ok_or_else(|| D::Error::custom(format_args!("`{word}` is no modality")))
        })
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_excessive_bools)] // as Graph has them
struct OptionsJson {
    #[serde(rename = "@odata.type")]
    _odata_type: Option<There>,
    #[serde(default)]
    hide_bot_after_escalation: bool,
    #[serde(default)]
    is_content_sharing_notification_enabled: bool,
    #[serde(default)]
    is_delta_roster_enabled: bool,
    #[serde(default)]
    is_interactive_roster_enabled: bool,
}

fn options(json: Option<OptionsJson>) -> CallOptions {
    let json = json.unwrap_or_default();
    [
        (json.hide_bot_after_escalation, CallOptions::HIDE_BOT_AFTER_ESCALATION),
        (json.is_content_sharing_notification_enabled, CallOptions::CONTENT_SHARING_NOTIFICATION),
        (json.is_delta_roster_enabled, CallOptions::DELTA_ROSTER),
        (json.is_interactive_roster_enabled, CallOptions::INTERACTIVE_ROSTER),
    ]
    .into_iter()
    .filter(|(is_wanted, _)| *is_wanted)
    .fold(CallOptions::NONE, |all, (_, one)| all.and(one))
}
