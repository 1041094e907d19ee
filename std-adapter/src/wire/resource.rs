//! The resources that Graph tells of, as core's vocabulary wants them: owned mirrors, and what else of them is used.

use callflow_core::id::{CallId, ClientContext, OperationId, ParticipantId, Sequence};
use callflow_core::identity::{Answerer, Routing};
use callflow_core::lifecycle::State;
use callflow_core::lifecycle::end::TerminationReason;
use callflow_core::list::List;
use callflow_core::media::{Audio, Mute, RecordingStatus, ScreenSharingRole, Tone, Transcription};
use callflow_core::meeting::Coordinates;
use callflow_core::operation::{Completion, Status};
use callflow_core::report::{CallNews, OperationNews, RosterNews, Told, ToneInfo};
use callflow_core::result::ResultInfo;
use callflow_core::roster::{Extent, Hold, Participant, Presence};
use serde::Deserialize;

use super::extra::Extra;
use super::lenient::{Number, There, Truth};
use super::meeting::{ChatJson, MeetingJson};
use super::placement::Meeting;

/// A call as it was told of: what core reads, and the texts that an author may want.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallTold {
    /// For core.
    pub news: CallNews,
    /// The id as it was written, where one was.
    pub id: Option<String>,
    /// Who calls, in a notification of an incoming call.
    pub source: Option<Party>,
    /// Whom he called.
    pub targets: Vec<Party>,
    /// The tenant of the call.
    pub tenant_id: Option<String>,
    /// The bot's own participant id as it was written.
    pub own_participant: Option<String>,
    /// The way into the meeting or group call, where it was told: what a bot that lost its place joins again by.
    ///
    /// Source: Graph docs, call (keep `chatInfo` and `meetingInfo` in a highly available place).
    pub meeting: Option<Meeting>,
    /// Whether this is an invitation for policy-based recording, which waits for a shorter time.
    pub is_policy_recording: bool,
    /// Words of enums that this version does not know.
    pub unrecognised: Vec<String>,
    /// Members of which not all is read.
    pub extra: Extra,
}

/// Somebody on a call, as far as he is named. `Debug` shows neither name nor number.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Party {
    /// Which member of `identitySet` it was: `user`, `application`, `phone`, `encrypted` …
    pub kind: String,
    /// His id: of a phone, the number.
    pub id: Option<String>,
    /// His name, where it was given.
    pub display_name: Option<String>,
}

impl std::fmt::Debug for Party {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let id = match (self.kind.as_str(), &self.id) {
            ("phone", Some(_)) => Some("<redacted>"),
            (_, id) => id.as_deref(),
        };
        f.debug_struct("Party").field("kind", &self.kind).field("id", &id).finish_non_exhaustive()
    }
}

/// A participant by his id, and who he is as far as that was told.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Named {
    /// The id as it was written.
    pub id: String,
    /// Who he is.
    pub party: Option<Party>,
    /// Members of which not all is read. They are not put away with the call.
    #[serde(skip)]
    pub extra: Extra,
}

/// A roster as it was told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RosterTold {
    /// Whether it names everybody.
    pub extent: Extent,
    /// Whom it names.
    pub participants: Vec<Participant>,
    /// Those of them who have an id.
    pub named: Vec<Named>,
}

impl RosterTold {
    pub(super) fn new(extent: Extent, participants: impl IntoIterator<Item = ParticipantJson>) -> Self {
        let mut told = Self { extent, participants: Vec::new(), named: Vec::new() };
        for json in participants {
            let (participant, named) = json.into_participant();
            told.participants.push(participant);
            told.named.extend(named);
        }
        told
    }

    /// With what was not read of each participant, in the order in which `all` has them.
    pub(super) fn with_extras(mut self, all: Vec<Extra>) -> Self {
        let with_id = self.participants.iter().zip(all).filter(|(participant, _)| participant.id.is_some());
        for (named, (_, extra)) in self.named.iter_mut().zip(with_id) {
            named.extra = extra;
        }
        self
    }

    /// For core.
    pub fn news(&self) -> RosterNews<'_> {
        RosterNews { extent: self.extent, participants: List::new(&self.participants) }
    }
}

/// An operation as it was told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationTold {
    /// For core.
    pub news: OperationNews,
    /// The id as it was written, where one was.
    pub id: Option<String>,
    /// Its `@odata.type` without the namespace: `playPromptOperation`.
    pub kind: Option<String>,
    /// Its status as it was written.
    pub status: Option<String>,
    /// `clientContext` as it was written.
    pub client_context: Option<String>,
    /// The participants that it names.
    pub participants: Vec<Named>,
    /// Where a recording can be had.
    pub recording: Option<Recording>,
    /// Members of which not all is read.
    pub extra: Extra,
}

/// Where a recording can be had: a `GET` of the address, with the token as bearer. It is gone soon after the call.
/// `Debug` shows neither.
///
/// Source: Graph docs, call: record.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Recording {
    /// Its address.
    pub location: String,
    /// The token for it.
    pub access_token: String,
}

impl std::fmt::Debug for Recording {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Recording(<redacted>)")
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CallJson {
    #[serde(rename = "@odata.type")]
    _odata_type: Option<There>,
    id: Option<String>,
    state: Option<String>,
    media_state: Option<MediaStateJson>,
    tone_info: Option<ToneJson>,
    result_info: Option<ResultJson>,
    // Whatever is in them may not cost the rest.
    chat_info: Option<serde_json::Value>,
    meeting_info: Option<serde_json::Value>,
    my_participant_id: Option<String>,
    source: Option<ParticipantInfoJson>,
    targets: Option<Vec<Option<ParticipantInfoJson>>>,
    tenant_id: Option<String>,
    incoming_context: Option<There>,
    termination_reason: Option<String>,
    transcription: Option<TranscriptionJson>,
    answered_by: Option<ParticipantInfoJson>,
    call_routes: Option<Vec<RouteJson>>,
    // Its shape is documented in one example only.
    application_metadata: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct TranscriptionJson {
    #[serde(rename = "@odata.type")]
    _odata_type: Option<There>,
    state: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RouteJson {
    #[serde(rename = "@odata.type")]
    _odata_type: Option<There>,
    routing_type: Option<String>,
}

#[derive(Deserialize)]
struct MediaStateJson {
    #[serde(rename = "@odata.type")]
    _odata_type: Option<There>,
    audio: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToneJson {
    #[serde(rename = "@odata.type")]
    _odata_type: Option<There>,
    sequence_id: Option<Number>,
    tone: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct ResultJson {
    #[serde(rename = "@odata.type")]
    _odata_type: Option<There>,
    code: Option<Number>,
    subcode: Option<Number>,
    // As some writers spell it; both may stand there.
    #[serde(rename = "subCode")]
    sub_code: Option<Number>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ParticipantInfoJson {
    #[serde(rename = "@odata.type")]
    _odata_type: Option<There>,
    identity: Option<std::collections::BTreeMap<String, serde_json::Value>>,
    endpoint_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ParticipantJson {
    #[serde(rename = "@odata.type")]
    _odata_type: Option<There>,
    id: Option<String>,
    info: Option<ParticipantInfoJson>,
    is_in_lobby: Option<Truth>,
    is_muted: Option<Truth>,
    media_streams: Option<Vec<StreamJson>>,
    recording_info: Option<RecordingInfoJson>,
    removed_state: Option<There>,
    roster_sequence_number: Option<Number>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StreamJson {
    #[serde(rename = "@odata.type")]
    _odata_type: Option<There>,
    media_type: Option<String>,
    label: Option<String>,
    direction: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RecordingInfoJson {
    #[serde(rename = "@odata.type")]
    _odata_type: Option<There>,
    recording_status: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeltaJson {
    #[serde(rename = "@odata.type")]
    _odata_type: Option<There>,
    sequence_number: Option<Number>,
    participants: Option<Vec<ParticipantJson>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OperationJson {
    #[serde(rename = "@odata.type")]
    odata_type: Option<String>,
    id: Option<String>,
    client_context: Option<String>,
    status: Option<String>,
    result_info: Option<ResultJson>,
    completion_reason: Option<String>,
    // An invitation has objects here, other operations have ids.
    participants: Option<Vec<serde_json::Value>>,
    recording_location: Option<String>,
    recording_access_token: Option<String>,
}

/// The value of `all` that Graph calls by this name, in any case.
pub(super) fn word<T: Copy>(all: &[T], name: fn(T) -> &'static str, written: &str) -> Option<T> {
    all.iter().copied().find(|value| name(*value).eq_ignore_ascii_case(written.trim()))
}

/// What the service writes where it does not say.
fn is_said(word: &str) -> bool {
    !["unknown", "none"].iter().any(|unsaid| word.trim().eq_ignore_ascii_case(unsaid))
}

impl CallJson {
    pub(super) fn into_told(self) -> CallTold {
        let mut unrecognised = Vec::new();
        let state = self.state.map_or(Told::Nothing, |written| {
            word(State::ALL, State::name, &written).map_or_else(
                || {
                    unrecognised.push(written);
                    Told::Unrecognised
                },
                Told::State,
            )
        });
        let audio = self.media_state.and_then(|media| media.audio).and_then(|written| {
            let audio = word(Audio::ALL, Audio::name, &written);
            if audio.is_none() {
                unrecognised.push(written);
            }
            audio
        });
        let tone = self.tone_info.and_then(|info| {
            let word = info.tone?;
            let tone = Tone::parse(word.trim());
            if tone == Tone::Unrecognised {
                // What is not understood may be a key all the same, and these words are logged.
                unrecognised.push("a tone that is none of toneInfo's".to_owned());
            }
            let Some(sequence) = info.sequence_id else {
                unrecognised.push("a tone without its sequenceId".to_owned());
                return None;
            };
            let sequence = sequence.or_tell("sequenceId", &mut unrecognised)?;
            Some(ToneInfo { sequence: Sequence::new(sequence), tone })
        });
        let result = self.result_info.and_then(|info| info.into_result(&mut unrecognised));
        let reason = self.termination_reason.map(|written| {
            let reason = TerminationReason::parse(written.trim());
            if reason == TerminationReason::Unrecognised {
                unrecognised.push(written);
            }
            reason
        });
        let transcription = self.transcription.and_then(|info| info.state).map(|written| {
            word(Transcription::ALL, Transcription::name, &written).unwrap_or_else(|| {
                unrecognised.push(written);
                Transcription::Unrecognised
            })
        });
        let last_route = self.call_routes.into_iter().flatten().last();
        let routing = last_route.and_then(|route| route.routing_type).map(|written| {
            word(Routing::ALL, Routing::name, &written).unwrap_or_else(|| {
                unrecognised.push(written);
                Routing::Unrecognised
            })
        });
        let metadata = self.application_metadata.unwrap_or_default();
        let invited_for = metadata.pointer("/botData/inviteReasons").and_then(serde_json::Value::as_array);
        // Source: Graph docs, call: answer (example 3). Where no reason is given, a context with a meeting and no chat is
        // what that example has; if it is wrong, a call is answered within a shorter time than it might be.
        let is_policy_recording = match invited_for {
            Some(reasons) => reasons
                .iter()
                .filter_map(serde_json::Value::as_str)
                .any(|why| why.eq_ignore_ascii_case("PolicyBasedRecording")),
            None => {
                self.incoming_context.is_some() && self.meeting_info.is_some() && self.chat_info.is_none()
            }
        };
        let has_chat =
            self.chat_info.as_ref().and_then(|chat| chat.get("threadId")).is_some_and(|id| !id.is_null());
        let is_meeting = self.meeting_info.is_some();
        let meeting = meeting(self.chat_info, self.meeting_info, self.tenant_id.as_deref());
        CallTold {
            news: CallNews {
                id: self.id.as_deref().map(CallId::parse),
                state,
                audio,
                tone,
                result,
                coordinates: Coordinates::new(has_chat, is_meeting),
                own_participant: self.my_participant_id.as_deref().map(ParticipantId::parse),
                reason,
                transcription,
                answered_by: self.answered_by.as_ref().map(ParticipantInfoJson::answerer),
                routing,
            },
            id: self.id,
            source: self.source.and_then(ParticipantInfoJson::into_party),
            targets: self
                .targets
                .into_iter()
                .flatten()
                .flatten()
                .filter_map(ParticipantInfoJson::into_party)
                .collect(),
            tenant_id: self.tenant_id,
            own_participant: self.my_participant_id,
            meeting,
            is_policy_recording,
            unrecognised,
            extra: Extra::default(),
        }
    }
}

/// The way in, as far as both together are one.
fn meeting(
    chat: Option<serde_json::Value>,
    info: Option<serde_json::Value>,
    tenant_id: Option<&str>,
) -> Option<Meeting> {
    let chat = chat.and_then(|chat| ChatJson::deserialize(chat).ok());
    MeetingJson::deserialize(info?).ok()?.with(chat, tenant_id).ok()
}

impl ResultJson {
    /// The codes; what is no number goes to `unrecognised`. A larger one than 32 bits hold becomes the largest.
    fn into_result(self, unrecognised: &mut Vec<String>) -> Option<ResultInfo> {
        let mut read = |number: Option<Number>, member| {
            let number = number?.or_tell(member, unrecognised)?;
            Some(u32::try_from(number).unwrap_or(u32::MAX))
        };
        let code = read(self.code, "code");
        let subcode = read(self.subcode.or(self.sub_code), "subcode");
        if code.is_none() && subcode.is_none() {
            return None;
        }
        Some(ResultInfo { code: code.unwrap_or(0), subcode: subcode.unwrap_or(0) })
    }
}

impl ParticipantInfoJson {
    fn into_party(self) -> Option<Party> {
        let (kind, identity) = self
            .identity?
            .into_iter()
            .find(|(kind, identity)| !kind.starts_with('@') && identity.as_object().is_some())?;
        let text = |name: &str| identity.get(name).and_then(|value| value.as_str()).map(str::to_owned);
        Some(Party { kind, id: text("id"), display_name: text("displayName") })
    }

    /// Who took the call. Voice mail answers in the name of whom it belongs to.
    ///
    /// Source: field captures (`answeredBy`); participantInfo and communicationsIdentitySet (`endpointType`).
    fn answerer(&self) -> Answerer {
        let within = || self.identity.as_ref()?.get("endpointType")?.as_str();
        let endpoint = self.endpoint_type.as_deref().or_else(within);
        if endpoint.is_some_and(|endpoint| endpoint.trim().eq_ignore_ascii_case("voicemail")) {
            return Answerer::VoiceMail;
        }
        let has = |kind: &str| {
            self.identity.as_ref().and_then(|set| set.get(kind)).is_some_and(serde_json::Value::is_object)
        };
        match () {
            () if has("user") => Answerer::User,
            () if has("application") || has("applicationInstance") => Answerer::Application,
            () if has("phone") => Answerer::Phone,
            () => Answerer::Other,
        }
    }

    /// Whether this is the large gallery view, an application that stands in rosters beside the participants.
    ///
    /// Source: Graph docs, identify a large gallery view participant (`applicationType`, in any case of letters).
    fn is_gallery_view(&self) -> bool {
        let application = self.identity.as_ref().and_then(|set| set.get("application"));
        let members = application.and_then(serde_json::Value::as_object);
        members.into_iter().flatten().any(|(name, value)| {
            let prefix = value.as_str().and_then(|kind| kind.get(..GALLERY_VIEW.len()));
            name.eq_ignore_ascii_case("applicationType")
                && prefix.is_some_and(|prefix| prefix.eq_ignore_ascii_case(GALLERY_VIEW))
        })
    }
}

/// How the application type of a large gallery view begins; a version follows.
const GALLERY_VIEW: &str = "LargeGallery";

impl ParticipantJson {
    fn into_participant(self) -> (Participant, Option<Named>) {
        let is_gallery_view = self.info.as_ref().is_some_and(ParticipantInfoJson::is_gallery_view);
        let presence = match (self.removed_state, self.is_in_lobby) {
            (Some(There), _) => Presence::Left,
            (None, Some(Truth(true))) => Presence::Lobby,
            (None, Some(Truth(false)) | None) if is_gallery_view => Presence::GalleryView,
            (None, Some(Truth(false)) | None) => Presence::Present,
        };
        let streams = self.media_streams.unwrap_or_default();
        let recording = self.recording_info.and_then(|info| info.recording_status);
        let participant = Participant {
            id: self.id.as_deref().map(ParticipantId::parse),
            presence,
            mute: self.is_muted.map(|Truth(is_muted)| if is_muted { Mute::On } else { Mute::Off }),
            hold: hold(&streams),
            recording: recording.filter(|written| is_said(written)).map(|written| {
                word(RecordingStatus::ALL, RecordingStatus::name, &written)
                    .unwrap_or(RecordingStatus::Unrecognised)
            }),
            screen: screen(&streams),
            sequence: self.roster_sequence_number.and_then(Number::read).map(Sequence::new),
        };
        let party = self.info.and_then(ParticipantInfoJson::into_party);
        (participant, self.id.map(|id| Named { id, party, extra: Extra::default() }))
    }
}

/// Whether all of somebody's audio is inactive.
///
/// Source: field reports (a stream of direction `inactive` is all that shows that somebody is on hold).
fn hold(streams: &[StreamJson]) -> Option<Hold> {
    let mut directions = streams.iter().filter(|stream| stream.is("audio", "main-audio")).peekable();
    directions.peek()?;
    let is_on = directions.all(|stream| stream.has_direction(&["inactive"]));
    Some(if is_on { Hold::On } else { Hold::Off })
}

/// Whether somebody shares his screen; a roster without such a stream does not say.
///
/// Source: Graph docs, call: changeScreenSharingRole (the roster that follows).
fn screen(streams: &[StreamJson]) -> Option<ScreenSharingRole> {
    let mut sharing = streams
        .iter()
        .filter(|stream| stream.is("videoBasedScreenSharing", "applicationsharing-video"))
        .peekable();
    sharing.peek()?;
    let shares = sharing.any(|stream| stream.has_direction(&["sendOnly", "sendReceive"]));
    Some(if shares { ScreenSharingRole::Sharer } else { ScreenSharingRole::Viewer })
}

impl StreamJson {
    fn is(&self, media_type: &str, label: &str) -> bool {
        let are = |written: &Option<String>, word: &str| {
            written.as_deref().is_some_and(|written| written.trim().eq_ignore_ascii_case(word))
        };
        are(&self.media_type, media_type) || are(&self.label, label)
    }

    fn has_direction(&self, words: &[&str]) -> bool {
        let written = self.direction.as_deref().unwrap_or_default().trim();
        words.iter().any(|word| word.eq_ignore_ascii_case(written))
    }
}

impl DeltaJson {
    pub(super) fn into_told(self) -> RosterTold {
        // A delta without its number is still no full roster: it names only those who changed.
        let number = self.sequence_number.and_then(Number::read);
        let extent = number.map_or(Extent::Part, |number| Extent::Delta(Sequence::new(number)));
        RosterTold::new(extent, self.participants.into_iter().flatten())
    }
}

impl OperationJson {
    /// `fallback` is the id that the resource's URL names.
    pub(super) fn into_told(self, fallback: Option<&str>) -> OperationTold {
        let id = self.id.or_else(|| fallback.map(str::to_owned));
        let invited = |one: &serde_json::Value| {
            let id = one.get("participantId").unwrap_or(one).as_str()?;
            Some(Named { id: id.to_owned(), party: None, extra: Extra::default() })
        };
        let participants: Vec<_> = self.participants.iter().flatten().filter_map(invited).collect();
        let recording = self
            .recording_location
            .zip(self.recording_access_token)
            .filter(|(location, _)| !location.is_empty())
            .map(|(location, access_token)| Recording { location, access_token });
        OperationTold {
            news: OperationNews {
                id: id.as_deref().map(OperationId::parse),
                context: self.client_context.as_deref().and_then(ClientContext::parse),
                status: self
                    .status
                    .as_deref()
                    .map_or(Status::Unrecognised, |word| Status::parse(word.trim())),
                // An operation has no list of what was not understood: its outcome is in its status.
                result: self.result_info.and_then(|info| info.into_result(&mut Vec::new())),
                completion: self
                    .completion_reason
                    .as_deref()
                    .filter(|written| is_said(written))
                    .map(|written| Completion::parse(written.trim())),
                invited: participants.first().map(|named| ParticipantId::parse(&named.id)),
            },
            participants,
            recording,
            id,
            kind: self.odata_type.as_deref().map(|name| short_type(name).to_owned()),
            status: self.status,
            client_context: self.client_context,
            extra: Extra::default(),
        }
    }
}

/// `#microsoft.graph.call` is `call`.
pub(super) fn short_type(odata_type: &str) -> &str {
    odata_type.rsplit('.').next().unwrap_or(odata_type).trim_start_matches('#')
}
