//! The table of the calling API: which request asks for what, in which version, with which permission and body.
//!
//! Source: Graph docs, the page that each row names.

use http::Method;

use super::permission::Needs::{self, ByKind, Nothing, OneOf};
use super::permission::{
    INITIATE, INITIATE_GROUP, JOIN, JOIN_AS_GUEST, MEDIA, MEDIA_OF_CHAT, READ_MEETINGS, WRITE_MEETINGS,
};
use super::shape::{Shape, bodies};

/// The versions of Graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    V1,
    Beta,
}

impl Version {
    /// As it stands in addresses.
    pub(super) fn segment(self) -> &'static str {
        match self {
            Self::V1 => "v1.0",
            Self::Beta => "beta",
        }
    }
}

/// Something that can be asked of the calling API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// Of a call that there is.
    OnCall(OnCall),
    CreateCall,
    LogTeleconferenceDeviceQuality,
    FindOnlineMeeting,
    GetOnlineMeeting,
    CreateOnlineMeeting,
    CreateOrGetOnlineMeeting,
}

/// Something that can be asked of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnCall {
    GetCall,
    DeleteCall,
    Answer,
    Reject,
    Redirect,
    Transfer,
    KeepAlive,
    Mute,
    Unmute,
    ChangeScreenSharingRole,
    UpdateRecordingStatus,
    AddLargeGalleryView,
    StartRecording,
    StopRecording,
    StartTranscription,
    StopTranscription,
    ListParticipants,
    GetParticipant,
    RemoveParticipant,
    Invite,
    MuteParticipant,
    MuteAll,
    StartHoldMusic,
    StopHoldMusic,
    ConfigureMixer,
    AdmitAllFromLobby,
    AdmitFromLobby,
    RemoveFromLobby,
    PlayPrompt,
    RecordResponse,
    CancelMediaProcessing,
    SubscribeToTone,
    SendDtmfTones,
    ListAudioRoutingGroups,
    CreateAudioRoutingGroup,
    GetAudioRoutingGroup,
    UpdateAudioRoutingGroup,
    DeleteAudioRoutingGroup,
    GetOperation,
    ListContentSharingSessions,
    GetContentSharingSession,
}

/// The body of a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Body {
    /// It has none, or none that is read.
    None,
    Required(&'static Shape),
    /// All members may be left out, and so the body.
    Optional(&'static Shape),
}

/// The methods that the API knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    Post,
    Patch,
    Delete,
}

impl Verb {
    pub(super) fn method(self) -> Method {
        match self {
            Self::Get => Method::GET,
            Self::Post => Method::POST,
            Self::Patch => Method::PATCH,
            Self::Delete => Method::DELETE,
        }
    }
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) endpoint: Endpoint,
    pub(super) verb: Verb,
    /// Below the version; what stands in braces is an id.
    pub(super) path: &'static str,
    /// The first version that has it. Beta has all that v1.0 has.
    pub(super) since: Version,
    pub(super) needs: Needs,
    pub(super) body: Body,
    /// The page of the documentation.
    pub(super) page: &'static str,
}

const fn row(
    endpoint: Endpoint,
    (verb, path): (Verb, &'static str),
    needs: Needs,
    body: Body,
    page: &'static str,
) -> Row {
    Row { endpoint, verb, path, since: Version::V1, needs, body, page }
}

/// A row of a call.
const fn on(
    endpoint: OnCall,
    request: (Verb, &'static str),
    needs: Needs,
    body: Body,
    page: &'static str,
) -> Row {
    row(Endpoint::OnCall(endpoint), request, needs, body, page)
}

const fn beta(row: Row) -> Row {
    Row { since: Version::Beta, ..row }
}

const fn get(path: &'static str) -> (Verb, &'static str) {
    (Verb::Get, path)
}

const fn post(path: &'static str) -> (Verb, &'static str) {
    (Verb::Post, path)
}

const fn delete(path: &'static str) -> (Verb, &'static str) {
    (Verb::Delete, path)
}

const ROSTER: Needs = OneOf(&[JOIN, JOIN_AS_GUEST]);
const GROUPS: Needs = OneOf(&[JOIN, INITIATE_GROUP]);
const SHARING: Needs = OneOf(&[JOIN_AS_GUEST, JOIN, INITIATE, INITIATE_GROUP]);
const MEDIA_ALONE: Needs = OneOf(&[MEDIA, MEDIA_OF_CHAT]);
const CONTEXT: Body = Body::Optional(&bodies::CONTEXT_ALONE);

/// Every request that is taken.
pub(super) static TABLE: [Row; 47] = {
    use Body::{None, Optional, Required};
    use Endpoint as E;
    use OnCall as C;
    [
        // A call is created with one of the permissions of Calls; which one depends on whom it is with.
        row(E::CreateCall, post(CALLS), ByKind, Required(&bodies::CREATE), "call: create"),
        // Later pages list Calls.Initiate.All and Calls.AccessMedia.All, and say that they were checked at the creation.
        on(C::GetCall, get("/communications/calls/{id}"), Nothing, None, "call: get"),
        on(C::DeleteCall, delete("/communications/calls/{id}"), Nothing, None, "call: delete"),
        // A peer-to-peer call needs none to be answered.
        on(
            C::Answer,
            post("/communications/calls/{id}/answer"),
            ByKind,
            Required(&bodies::ANSWER),
            "call: answer",
        ),
        on(
            C::Reject,
            post("/communications/calls/{id}/reject"),
            Nothing,
            Optional(&bodies::REJECT),
            "call: reject",
        ),
        on(
            C::Redirect,
            post("/communications/calls/{id}/redirect"),
            OneOf(&[INITIATE]),
            Required(&bodies::REDIRECT),
            "call: redirect",
        ),
        on(
            C::Transfer,
            post("/communications/calls/{id}/transfer"),
            OneOf(&[INITIATE]),
            Required(&bodies::TRANSFER),
            "call: transfer",
        ),
        on(C::KeepAlive, post("/communications/calls/{id}/keepAlive"), Nothing, None, "call: keepAlive"),
        on(C::Mute, post("/communications/calls/{id}/mute"), Nothing, CONTEXT, "call: mute"),
        on(C::Unmute, post("/communications/calls/{id}/unmute"), Nothing, CONTEXT, "call: unmute"),
        on(
            C::ChangeScreenSharingRole,
            post("/communications/calls/{id}/changeScreenSharingRole"),
            MEDIA_ALONE,
            Required(&bodies::SCREEN_SHARING_ROLE),
            "call: changeScreenSharingRole",
        ),
        // The page lists both and does not say whether one is enough.
        on(
            C::UpdateRecordingStatus,
            post("/communications/calls/{id}/updateRecordingStatus"),
            OneOf(&[MEDIA, JOIN]),
            Required(&bodies::RECORDING_STATUS),
            "call: updateRecordingStatus",
        ),
        on(
            C::AddLargeGalleryView,
            post("/communications/calls/{id}/addLargeGalleryView"),
            OneOf(&[JOIN_AS_GUEST, JOIN, INITIATE_GROUP]),
            CONTEXT,
            "call: addLargeGalleryView",
        ),
        row(
            E::LogTeleconferenceDeviceQuality,
            post("/communications/calls/logTeleconferenceDeviceQuality"),
            MEDIA_ALONE,
            Required(&bodies::DEVICE_QUALITY),
            "call: logTeleconferenceDeviceQuality",
        ),
        beta(on(
            C::StartRecording,
            post("/communications/calls/{id}/startRecording"),
            OneOf(&[JOIN]),
            CONTEXT,
            "call: startRecording",
        )),
        beta(on(
            C::StopRecording,
            post("/communications/calls/{id}/stopRecording"),
            OneOf(&[JOIN]),
            CONTEXT,
            "call: stopRecording",
        )),
        beta(on(
            C::StartTranscription,
            post("/communications/calls/{id}/startTranscription"),
            OneOf(&[JOIN]),
            Optional(&bodies::TRANSCRIPTION),
            "call: startTranscription",
        )),
        beta(on(
            C::StopTranscription,
            post("/communications/calls/{id}/stopTranscription"),
            OneOf(&[JOIN]),
            CONTEXT,
            "call: stopTranscription",
        )),
        on(
            C::ListParticipants,
            get("/communications/calls/{id}/participants"),
            Nothing,
            None,
            "call: list participants",
        ),
        on(
            C::GetParticipant,
            get("/communications/calls/{id}/participants/{participant}"),
            ROSTER,
            None,
            "participant: get",
        ),
        on(
            C::RemoveParticipant,
            delete("/communications/calls/{id}/participants/{participant}"),
            ROSTER,
            None,
            "participant: delete",
        ),
        on(
            C::Invite,
            post("/communications/calls/{id}/participants/invite"),
            OneOf(&[INITIATE_GROUP]),
            Required(&bodies::INVITE),
            "participant: invite",
        ),
        on(
            C::MuteParticipant,
            post("/communications/calls/{id}/participants/{participant}/mute"),
            ROSTER,
            CONTEXT,
            "participant: mute",
        ),
        beta(on(
            C::MuteAll,
            post("/communications/calls/{id}/participants/muteAll"),
            ROSTER,
            Required(&bodies::MUTE_ALL),
            "participant: muteAll",
        )),
        on(
            C::StartHoldMusic,
            post("/communications/calls/{id}/participants/{participant}/startHoldMusic"),
            OneOf(&[JOIN_AS_GUEST, JOIN]),
            Optional(&bodies::HOLD_MUSIC),
            "participant: startHoldMusic",
        ),
        on(
            C::StopHoldMusic,
            post("/communications/calls/{id}/participants/{participant}/stopHoldMusic"),
            OneOf(&[JOIN_AS_GUEST, JOIN]),
            CONTEXT,
            "participant: stopHoldMusic",
        ),
        beta(on(
            C::ConfigureMixer,
            post("/communications/calls/{id}/participants/configureMixer"),
            OneOf(&[INITIATE_GROUP, JOIN, JOIN_AS_GUEST]),
            Required(&bodies::MIXER),
            "participant: configureMixer",
        )),
        beta(on(
            C::AdmitAllFromLobby,
            post("/communications/calls/{id}/participants/admitAllFromLobby"),
            OneOf(&[JOIN_AS_GUEST, JOIN]),
            None,
            "participant: admitAllFromLobby",
        )),
        beta(on(
            C::AdmitFromLobby,
            post("/communications/calls/{id}/participants/{participant}/admitFromLobby"),
            OneOf(&[JOIN_AS_GUEST, JOIN]),
            None,
            "participant: admitFromLobby",
        )),
        beta(on(
            C::RemoveFromLobby,
            post("/communications/calls/{id}/participants/{participant}/removeFromLobby"),
            OneOf(&[JOIN_AS_GUEST, JOIN]),
            None,
            "participant: removeFromLobby",
        )),
        on(
            C::PlayPrompt,
            post("/communications/calls/{id}/playPrompt"),
            Nothing,
            Required(&bodies::PLAY_PROMPT),
            "call: playPrompt",
        ),
        on(
            C::RecordResponse,
            post("/communications/calls/{id}/recordResponse"),
            MEDIA_ALONE,
            Required(&bodies::RECORD_RESPONSE),
            "call: recordResponse",
        ),
        on(
            C::CancelMediaProcessing,
            post("/communications/calls/{id}/cancelMediaProcessing"),
            Nothing,
            CONTEXT,
            "call: cancelMediaProcessing",
        ),
        on(
            C::SubscribeToTone,
            post("/communications/calls/{id}/subscribeToTone"),
            MEDIA_ALONE,
            CONTEXT,
            "call: subscribeToTone",
        ),
        on(
            C::SendDtmfTones,
            post("/communications/calls/{id}/sendDtmfTones"),
            MEDIA_ALONE,
            Required(&bodies::SEND_DTMF),
            "call: sendDtmfTones",
        ),
        on(
            C::ListAudioRoutingGroups,
            get("/communications/calls/{id}/audioRoutingGroups"),
            GROUPS,
            None,
            "call: list audioRoutingGroups",
        ),
        on(
            C::CreateAudioRoutingGroup,
            post("/communications/calls/{id}/audioRoutingGroups"),
            GROUPS,
            Required(&bodies::GROUP),
            "call: create audioRoutingGroup",
        ),
        on(
            C::GetAudioRoutingGroup,
            get("/communications/calls/{id}/audioRoutingGroups/{group}"),
            GROUPS,
            None,
            "audioRoutingGroup: get",
        ),
        on(
            C::UpdateAudioRoutingGroup,
            (Verb::Patch, "/communications/calls/{id}/audioRoutingGroups/{group}"),
            GROUPS,
            Required(&bodies::GROUP_CHANGE),
            "audioRoutingGroup: update",
        ),
        on(
            C::DeleteAudioRoutingGroup,
            delete("/communications/calls/{id}/audioRoutingGroups/{group}"),
            GROUPS,
            None,
            "audioRoutingGroup: delete",
        ),
        on(
            C::GetOperation,
            get("/communications/calls/{id}/operations/{operation}"),
            Nothing,
            None,
            "addLargeGalleryViewOperation: get",
        ),
        on(
            C::ListContentSharingSessions,
            get("/communications/calls/{id}/contentSharingSessions"),
            SHARING,
            None,
            "call: list contentSharingSessions",
        ),
        on(
            C::GetContentSharingSession,
            get("/communications/calls/{id}/contentSharingSessions/{session}"),
            SHARING,
            None,
            "contentSharingSession: get",
        ),
        row(
            E::FindOnlineMeeting,
            get("/users/{user}/onlineMeetings"),
            OneOf(&[READ_MEETINGS, WRITE_MEETINGS]),
            None,
            "onlineMeeting: get",
        ),
        row(
            E::GetOnlineMeeting,
            get("/users/{user}/onlineMeetings/{meeting}"),
            OneOf(&[READ_MEETINGS, WRITE_MEETINGS]),
            None,
            "onlineMeeting: get",
        ),
        row(
            E::CreateOnlineMeeting,
            post("/users/{user}/onlineMeetings"),
            OneOf(&[WRITE_MEETINGS]),
            Optional(&bodies::ONLINE_MEETING),
            "application: create onlineMeeting",
        ),
        row(
            E::CreateOrGetOnlineMeeting,
            post("/users/{user}/onlineMeetings/createOrGet"),
            OneOf(&[WRITE_MEETINGS]),
            Required(&bodies::KNOWN_MEETING),
            "onlineMeeting: createOrGet",
        ),
    ]
};

const CALLS: &str = "/communications/calls";

/// What the deprecated addresses below `/app/calls` do not have. Source: Graph docs, the permissions of each address.
const NOT_BELOW_APP: [Endpoint; 7] = [
    Endpoint::OnCall(OnCall::KeepAlive),
    Endpoint::OnCall(OnCall::StartHoldMusic),
    Endpoint::OnCall(OnCall::StopHoldMusic),
    Endpoint::OnCall(OnCall::SendDtmfTones),
    Endpoint::OnCall(OnCall::ListContentSharingSessions),
    Endpoint::OnCall(OnCall::GetContentSharingSession),
    Endpoint::LogTeleconferenceDeviceQuality,
];

/// What a request is for.
pub(super) enum Found {
    /// A row, and the ids in the path.
    Row(&'static Row, Vec<String>),
    /// The path is one, but not with this method; with these.
    Method(Vec<Method>),
    /// This segment leads nowhere.
    Segment(String),
}

/// Looks a request up. `path` is below the version.
pub(super) fn find(version: Version, method: &Method, path: &str) -> Found {
    let (path, is_below_app) = match path.strip_prefix("/app/calls") {
        Some(below) if version == Version::Beta => (format!("{CALLS}{below}"), true),
        _ => (path.to_owned(), false),
    };
    let said: Vec<String> = path.split('/').filter(|segment| !segment.is_empty()).map(decoded).collect();
    let is_there =
        |row: &&Row| row.since <= version && !(is_below_app && NOT_BELOW_APP.contains(&row.endpoint));
    let mut fitting: Vec<(&'static Row, Vec<String>)> = Vec::new();
    let mut deepest = 0_usize;
    for row in TABLE.iter().filter(is_there) {
        let (depth, ids) = fit(row.path, &said);
        deepest = deepest.max(depth);
        if let Some(ids) = ids {
            fitting.push((row, ids));
        }
    }
    // What is spelled out comes before what may be any id.
    let fewest = fitting.iter().map(|(_, ids)| ids.len()).min();
    fitting.retain(|(_, ids)| Some(ids.len()) == fewest);
    if let Some(place) = fitting.iter().position(|(row, _)| row.verb.method() == *method) {
        let (row, ids) = fitting.swap_remove(place);
        return Found::Row(row, ids);
    }
    if !fitting.is_empty() {
        return Found::Method(fitting.into_iter().map(|(row, _)| row.verb.method()).collect());
    }
    match said.get(deepest) {
        Some(segment) => Found::Segment(segment.clone()),
        // A collection that has entries, but is not listed.
        None => Found::Method(Vec::new()),
    }
}

/// How many segments of a template a path has; where it has all and no more, the ids in it.
fn fit(template: &str, said: &[String]) -> (usize, Option<Vec<String>>) {
    let (mut depth, mut ids) = (0_usize, Vec::new());
    let mut expected = template.split('/').filter(|segment| !segment.is_empty());
    for segment in said {
        match expected.next() {
            Some(name) if name.starts_with('{') => ids.push(segment.clone()),
            Some(name) if unqualified(segment).eq_ignore_ascii_case(name) => {}
            Some(_) | None => return (depth, None),
        }
        depth = depth.saturating_add(1);
    }
    (depth, expected.next().is_none().then_some(ids))
}

/// An action without its namespace, which may stand before it.
fn unqualified(segment: &str) -> &str {
    segment.strip_prefix("microsoft.graph.").unwrap_or(segment)
}

fn decoded(segment: &str) -> String {
    percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned()
}
