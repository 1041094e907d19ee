//! The bodies that the documentation describes, a constant each.

use super::Kind::{Address, Between, Flag, Identity, List, Number, Object, OneOf, Text, TextUpTo, Word};
use super::{ANY, Kind, Member, Shape, beta, may, must};

/// Source: Graph docs, commsOperation (256 characters).
const CONTEXT: Member = may("clientContext", TextUpTo(256));

const MODALITIES: Kind =
    List(&Word(&["audio", "video", "videoBasedScreenSharing", "data", "unknown"]), 0, ANY);

const ENDPOINT_TYPES: Kind =
    Word(&["default", "voicemail", "skypeForBusiness", "skypeForBusinessVoipPhone", "unknownFutureValue"]);

/// Source: Graph docs, mediaInfo.
const MEDIA_INFO: Shape = Shape(&[must("uri", Address), may("resourceId", Text)]);

/// Source: Graph docs, mediaPrompt. Its type may be left out: there is no other prompt.
const PROMPT: Shape = Shape(&[must("mediaInfo", Object(&MEDIA_INFO))]);

/// Source: Graph docs, mediaConfig, serviceHostedMediaConfig, appHostedMediaConfig.
const MEDIA_CONFIG: Kind = OneOf(&[
    ("serviceHostedMediaConfig", Shape(&[may("preFetchMedia", List(&Object(&MEDIA_INFO), 0, ANY))])),
    ("appHostedMediaConfig", Shape(&[must("blob", Text), may("removeFromDefaultAudioGroup", Flag)])),
]);

/// Source: Graph docs, participantInfo.
const PARTICIPANT_INFO: Shape = Shape(&[
    must("identity", Identity),
    may("participantId", Text),
    may("endpointType", ENDPOINT_TYPES),
    may("region", TextUpTo(ANY)),
    may("countryCode", TextUpTo(ANY)),
    may("languageId", TextUpTo(ANY)),
]);

/// Source: Graph docs, invitationParticipantInfo.
const INVITATION: Shape = Shape(&[
    must("identity", Identity),
    may("replacesCallId", Text),
    may("participantId", Text),
    may("hidden", Flag),
    may("removeFromDefaultAudioRoutingGroup", Flag),
    may("endpointType", ENDPOINT_TYPES),
]);

const CALL_OPTIONS: Shape = Shape(&[
    may("hideBotAfterEscalation", Flag),
    may("isContentSharingNotificationEnabled", Flag),
    may("isDeltaRosterEnabled", Flag),
    may("isInteractiveRosterEnabled", Flag),
]);

/// Source: Graph docs, chatInfo.
const CHAT_INFO: Shape =
    Shape(&[must("threadId", Text), must("messageId", Text), may("replyChainMessageId", Text)]);

/// Source: Graph docs, meetingInfo and the types derived of it.
const MEETING_INFO: Kind = OneOf(&[
    (
        "organizerMeetingInfo",
        Shape(&[must("organizer", Identity), may("allowConversationWithoutHost", Flag)]),
    ),
    ("tokenMeetingInfo", Shape(&[must("token", Text), may("allowConversationWithoutHost", Flag)])),
    (
        "joinMeetingIdMeetingInfo",
        Shape(&[
            must("joinMeetingId", Text),
            may("passcode", Text),
            may("allowConversationWithoutHost", Flag),
        ]),
    ),
]);

/// Source: Graph docs, call: create; beta, routingPolicies and ringingTimeoutInSeconds (115 s at most).
pub(in crate::simulator) const CREATE: Shape = Shape(&[
    must("callbackUri", Address),
    must("mediaConfig", MEDIA_CONFIG),
    may("requestedModalities", MODALITIES),
    may("targets", List(&Object(&INVITATION), 0, ANY)),
    may("source", Object(&PARTICIPANT_INFO)),
    may("chatInfo", Object(&CHAT_INFO)),
    may("meetingInfo", MEETING_INFO),
    may("tenantId", Text),
    may("callChainId", Text),
    may("subject", TextUpTo(ANY)),
    may("direction", Word(&["outgoing"])),
    may("callOptions", OneOf(&[("outgoingCallOptions", CALL_OPTIONS)])),
    may("ringingTimeoutInSeconds", Between(1, 115)),
    may(
        "routingPolicies",
        List(
            &Word(&[
                "none",
                "noMissedCall",
                "disableForwardingExceptPhone",
                "disableForwarding",
                "preferSkypeForBusiness",
                "unknownFutureValue",
            ]),
            0,
            ANY,
        ),
    ),
]);

/// Source: Graph docs, call: answer; deviates: the page has acceptedModalities required and callbackUri not, the model of
/// today has it the other way round, and counts.
pub(in crate::simulator) const ANSWER: Shape = Shape(&[
    must("callbackUri", Address),
    must("mediaConfig", MEDIA_CONFIG),
    may("acceptedModalities", MODALITIES),
    may("participantCapacity", Between(0, i32::MAX as i64)),
    may("callOptions", OneOf(&[("incomingCallOptions", CALL_OPTIONS)])),
]);

/// Source: Graph docs, call: reject; that the reason may be left out is the model's.
pub(in crate::simulator) const REJECT: Shape =
    Shape(&[may("reason", Word(&["none", "busy", "forbidden"])), may("callbackUri", Address)]);

/// Source: Graph docs, call: redirect (1 to 25 targets, 15 to 90 seconds).
pub(in crate::simulator) const REDIRECT: Shape = Shape(&[
    must("targets", List(&Object(&INVITATION), 1, 25)),
    may("timeout", Between(15, 90)),
    may("callbackUri", Address),
    beta("maskCallee", Flag),
    beta("maskCaller", Flag),
    beta("targetDisposition", Word(&["default", "simultaneousRing", "forward"])),
]);

/// Source: Graph docs, call: transfer.
pub(in crate::simulator) const TRANSFER: Shape = Shape(&[
    must("transferTarget", Object(&INVITATION)),
    may("transferee", Object(&PARTICIPANT_INFO)),
    CONTEXT,
]);

/// Of the operations that take nothing else. Source: Graph docs, the page of each.
pub(in crate::simulator) const CONTEXT_ALONE: Shape = Shape(&[CONTEXT]);

/// Source: Graph docs, call: changeScreenSharingRole.
pub(in crate::simulator) const SCREEN_SHARING_ROLE: Shape =
    Shape(&[must("role", Word(&["viewer", "sharer"]))]);

/// Source: Graph docs, call: updateRecordingStatus.
pub(in crate::simulator) const RECORDING_STATUS: Shape =
    Shape(&[must("status", Word(&["notRecording", "recording", "failed"])), CONTEXT]);

/// Source: Graph docs, participant: invite. How many is for the call to say: with replacesCallId only the first counts.
pub(in crate::simulator) const INVITE: Shape =
    Shape(&[must("participants", List(&Object(&INVITATION), 1, ANY)), CONTEXT]);

/// Source: Graph docs, participant: muteAll.
pub(in crate::simulator) const MUTE_ALL: Shape = Shape(&[must("participants", List(&Text, 1, ANY)), CONTEXT]);

/// Source: Graph docs, participant: startHoldMusic.
pub(in crate::simulator) const HOLD_MUSIC: Shape = Shape(&[may("customPrompt", Object(&PROMPT)), CONTEXT]);

/// Source: Graph docs, participant: configureMixer; participantMixerLevel, audioDuckingConfiguration, audioSourceLevel.
pub(in crate::simulator) const MIXER: Shape =
    Shape(&[must("participantMixerLevels", List(&Object(&MIXER_LEVEL), 1, ANY)), CONTEXT]);

const MIXER_LEVEL: Shape = Shape(&[
    must("participant", Text),
    may("exclusive", Flag),
    may("ducking", Object(&DUCKING)),
    may("sourceLevels", List(&Object(&SOURCE_LEVEL), 0, ANY)),
]);

const DUCKING: Shape = Shape(&[
    may("rampActive", Number),
    may("rampInactive", Number),
    may("lowerLevel", Number),
    may("upperLevel", Number),
]);

const SOURCE_LEVEL: Shape =
    Shape(&[must("participant", Text), may("level", Number), may("duckOthers", Flag)]);

/// Source: Graph docs, call: playPrompt (20 prompts at most).
pub(in crate::simulator) const PLAY_PROMPT: Shape =
    Shape(&[must("prompts", List(&Object(&PROMPT), 1, 20)), CONTEXT, beta("loop", Flag)]);

/// Source: Graph docs, call: recordResponse (one prompt at most, 1 to 120 seconds each).
pub(in crate::simulator) const RECORD_RESPONSE: Shape = Shape(&[
    may("prompts", List(&Object(&PROMPT), 0, 1)),
    may("bargeInAllowed", Flag),
    may("initialSilenceTimeoutInSeconds", Between(1, 120)),
    may("maxSilenceTimeoutInSeconds", Between(1, 120)),
    may("maxRecordDurationInSeconds", Between(1, 120)),
    may("playBeep", Flag),
    // The documented example has characters, not members of tone.
    may("stopTones", List(&Word(&["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "#"]), 0, ANY)),
    CONTEXT,
    beta("streamWhileRecording", Flag),
]);

/// The tones that there are. Source: Graph docs, tone.
const TONES: Kind = Word(&[
    "tone0", "tone1", "tone2", "tone3", "tone4", "tone5", "tone6", "tone7", "tone8", "tone9", "star",
    "pound", "a", "b", "c", "d", "flash",
]);

/// Source: Graph docs, call: sendDtmfTones.
pub(in crate::simulator) const SEND_DTMF: Shape = Shape(&[
    must("tones", List(&TONES, 1, ANY)),
    may("delayBetweenTonesMs", Between(0, i32::MAX as i64)),
    CONTEXT,
]);

const ROUTING_MODE: Kind = Word(&["oneToOne", "multicast"]);

/// Source: Graph docs, call: create audioRoutingGroup.
pub(in crate::simulator) const GROUP: Shape = Shape(&[
    must("routingMode", ROUTING_MODE),
    must("sources", List(&Text, 0, ANY)),
    must("receivers", List(&Text, 0, ANY)),
]);

/// Source: Graph docs, audioRoutingGroup: update.
pub(in crate::simulator) const GROUP_CHANGE: Shape = Shape(&[
    may("routingMode", ROUTING_MODE),
    may("sources", List(&Text, 0, ANY)),
    may("receivers", List(&Text, 0, ANY)),
]);

/// Source: Graph docs, call: startTranscription (beta).
pub(in crate::simulator) const TRANSCRIPTION: Shape = Shape(&[may("language", Text), CONTEXT]);

/// Source: Graph docs, teleconferenceDeviceQuality.
pub(in crate::simulator) const DEVICE_QUALITY: Shape = Shape(&[must("quality", Object(&QUALITY))]);

const QUALITY: Shape = Shape(&[
    must("callChainId", Text),
    must("mediaLegId", Text),
    must("participantId", Text),
    must("deviceName", Text),
    must("deviceDescription", Text),
    must("mediaQualityList", List(&MEDIA_QUALITY, 0, ANY)),
    may("cloudServiceDeploymentEnvironment", Text),
    may("cloudServiceDeploymentId", Text),
    may("cloudServiceInstanceName", Text),
    may("cloudServiceName", Text),
]);

/// Source: Graph docs, teleconferenceDeviceMediaQuality and the types derived of it.
const MEDIA_QUALITY: Kind = OneOf(&[
    ("teleconferenceDeviceAudioQuality", LEG_QUALITY),
    ("teleconferenceDeviceVideoQuality", LEG_QUALITY),
    ("teleconferenceDeviceScreenSharingQuality", LEG_QUALITY),
]);

const LEG_QUALITY: Shape = Shape(&[
    must("channelIndex", Between(i32::MIN as i64, i32::MAX as i64)),
    may("mediaDuration", Text),
    may("networkLinkSpeedInBytes", Between(0, i64::MAX)),
    may("localIPAddress", Text),
    may("localPort", Between(0, 65_535)),
    may("remoteIPAddress", Text),
    may("remotePort", Between(0, 65_535)),
    may("inboundPackets", Between(0, i64::MAX)),
    may("outboundPackets", Between(0, i64::MAX)),
]);

/// Source: Graph docs, application: create onlineMeeting.
pub(in crate::simulator) const ONLINE_MEETING: Shape = Shape(&[
    may("subject", TextUpTo(ANY)),
    may("startDateTime", Text),
    may("endDateTime", Text),
    may("joinMeetingIdSettings", Object(&JOIN_SETTINGS)),
    may("lobbyBypassSettings", Object(&LOBBY_SETTINGS)),
]);

const JOIN_SETTINGS: Shape = Shape(&[may("isPasscodeRequired", Flag)]);

/// Source: Graph docs, lobbyBypassSettings.
const LOBBY_SETTINGS: Shape = Shape(&[
    may(
        "scope",
        Word(&[
            "organizer",
            "organization",
            "organizationAndFederated",
            "everyone",
            "unknownFutureValue",
            "invited",
            "organizationExcludingGuests",
        ]),
    ),
    may("isDialInBypassEnabled", Flag),
]);

/// Source: Graph docs, onlineMeeting: createOrGet.
pub(in crate::simulator) const KNOWN_MEETING: Shape = Shape(&[
    must("externalId", Text),
    may("subject", TextUpTo(ANY)),
    may("startDateTime", Text),
    may("endDateTime", Text),
]);
