//! The resources that Graph tells of, as core's vocabulary wants them: owned mirrors, and what else of them is used.

use callflow_core::id::{CallId, ClientContext, OperationId, ParticipantId, Sequence};
use callflow_core::lifecycle::State;
use callflow_core::list::List;
use callflow_core::media::{Audio, Tone};
use callflow_core::meeting::Coordinates;
use callflow_core::operation::Status;
use callflow_core::report::{CallNews, OperationNews, RosterNews, Told, ToneInfo};
use callflow_core::result::ResultInfo;
use callflow_core::roster::{Extent, Participant, Presence};
use serde::Deserialize;

use super::lenient::{Number, There, Truth};

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
    /// Whether this is an invitation for policy-based recording, which waits for a shorter time.
    pub is_policy_recording: bool,
    /// Words of enums that this version does not know.
    pub unrecognised: Vec<String>,
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

/// A roster as it was told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RosterTold {
    /// Whether it names everybody.
    pub extent: Extent,
    /// Whom it names.
    pub participants: Vec<Participant>,
}

impl RosterTold {
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
    chat_info: Option<ChatJson>,
    meeting_info: Option<There>,
    my_participant_id: Option<String>,
    source: Option<ParticipantInfoJson>,
    targets: Option<Vec<ParticipantInfoJson>>,
    tenant_id: Option<String>,
    incoming_context: Option<There>,
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
    #[serde(alias = "subCode")]
    subcode: Option<Number>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ChatJson {
    #[serde(rename = "@odata.type")]
    _odata_type: Option<There>,
    thread_id: Option<There>,
}

#[derive(Deserialize)]
struct ParticipantInfoJson {
    #[serde(rename = "@odata.type")]
    _odata_type: Option<There>,
    identity: Option<std::collections::BTreeMap<String, serde_json::Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ParticipantJson {
    #[serde(rename = "@odata.type")]
    _odata_type: Option<There>,
    id: Option<String>,
    is_in_lobby: Option<Truth>,
    removed_state: Option<There>,
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
}

impl CallJson {
    pub(super) fn into_told(self) -> CallTold {
        let mut unrecognised = Vec::new();
        let state = self.state.map_or(Told::Nothing, |word| {
            let known = State::ALL.iter().find(|state| state.name().eq_ignore_ascii_case(word.trim()));
            if let Some(state) = known {
                Told::State(*state)
            } else {
                unrecognised.push(word);
                Told::Unrecognised
            }
        });
        let audio = self.media_state.and_then(|media| media.audio).and_then(|word| {
            let audio =
                Audio::ALL.iter().copied().find(|audio| audio.name().eq_ignore_ascii_case(word.trim()));
            if audio.is_none() {
                unrecognised.push(word);
            }
            audio
        });
        let tone = self.tone_info.and_then(|info| {
            let word = info.tone?;
            let tone = Tone::parse(word.trim());
            if tone == Tone::Unrecognised {
                unrecognised.push(word);
            }
            Some(ToneInfo { sequence: Sequence::new(info.sequence_id?.0), tone })
        });
        let has_chat = self.chat_info.is_some_and(|chat| chat.thread_id.is_some());
        CallTold {
            news: CallNews {
                id: self.id.as_deref().map(CallId::parse),
                state,
                audio,
                tone,
                result: self.result_info.and_then(ResultJson::into_result),
                coordinates: Coordinates::new(has_chat, self.meeting_info.is_some()),
                own_participant: self.my_participant_id.as_deref().map(ParticipantId::parse),
            },
            id: self.id,
            source: self.source.and_then(ParticipantInfoJson::into_party),
            targets: self.targets.into_iter().flatten().filter_map(ParticipantInfoJson::into_party).collect(),
            tenant_id: self.tenant_id,
            is_policy_recording: self.incoming_context.is_some() && self.meeting_info.is_some(),
            unrecognised,
        }
    }
}

impl ResultJson {
    fn into_result(self) -> Option<ResultInfo> {
        if self.code.is_none() && self.subcode.is_none() {
            return None;
        }
        let number = |number: Option<Number>| number.map_or(0, Number::as_u32);
        Some(ResultInfo { code: number(self.code), subcode: number(self.subcode) })
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
}

impl ParticipantJson {
    pub(super) fn into_participant(self) -> Participant {
        let presence = match (self.removed_state, self.is_in_lobby) {
            (Some(There), _) => Presence::Left,
            (None, Some(Truth(true))) => Presence::Lobby,
            (None, Some(Truth(false)) | None) => Presence::Present,
        };
        Participant { id: self.id.as_deref().map(ParticipantId::parse), presence }
    }
}

impl DeltaJson {
    pub(super) fn into_told(self) -> RosterTold {
        let participants =
            self.participants.into_iter().flatten().map(ParticipantJson::into_participant).collect();
        // A delta without its number is still no full roster: it names only those who changed.
        let extent =
            self.sequence_number.map_or(Extent::Part, |number| Extent::Delta(Sequence::new(number.0)));
        RosterTold { extent, participants }
    }
}

impl OperationJson {
    /// `fallback` is the id that the resource's URL names.
    pub(super) fn into_told(self, fallback: Option<&str>) -> OperationTold {
        let id = self.id.or_else(|| fallback.map(str::to_owned));
        OperationTold {
            news: OperationNews {
                id: id.as_deref().map(OperationId::parse),
                context: self.client_context.as_deref().and_then(ClientContext::parse),
                status: self
                    .status
                    .as_deref()
                    .map_or(Status::Unrecognised, |word| Status::parse(word.trim())),
                result: self.result_info.and_then(ResultJson::into_result),
            },
            id,
            kind: self.odata_type.as_deref().map(|name| short_type(name).to_owned()),
            status: self.status,
            client_context: self.client_context,
        }
    }
}

/// `#microsoft.graph.call` is `call`.
pub(super) fn short_type(odata_type: &str) -> &str {
    odata_type.rsplit('.').next().unwrap_or(odata_type).trim_start_matches('#')
}
