use serde_json::{Value, json};

use super::bodies::*;
use super::*;

fn check(shape: &Shape, body: &Value) -> Result<(), String> {
    shape.check(body, Version::V1).map_err(|e| e.message)
}

fn with(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

fn user() -> Value {
    json!({"identity": {"user": {"id": "u"}}})
}

fn hosted() -> Value {
    json!({"@odata.type": "#microsoft.graph.serviceHostedMediaConfig"})
}

fn create() -> Value {
    json!({"callbackUri": "https://bot.test/", "mediaConfig": hosted(), "targets": [user()]})
}

fn prompt() -> Value {
    json!({"mediaInfo": {"uri": "https://bot.test/a.wav"}})
}

/// Each limit of the documentation, at it and on both sides of it.
#[test]
fn limits_are_tried_at_below_and_above_them() {
    let text = |length: usize| json!("x".repeat(length));
    let many = |one: Value, count: usize| Value::from(vec![one; count]);
    let redirect = || json!({"targets": [user()]});
    let play = |count| json!({"prompts": many(prompt(), count)});
    for (shape, body, expected) in [
        (&CONTEXT_ALONE, json!({"clientContext": text(0)}), None),
        (&CONTEXT_ALONE, json!({"clientContext": text(256)}), None),
        (
            &CONTEXT_ALONE,
            json!({"clientContext": text(257)}),
            Some("clientContext has 256 characters at most."),
        ),
        // Characters, not bytes.
        (&CONTEXT_ALONE, json!({"clientContext": "é".repeat(256)}), None),
        (&REDIRECT, json!({"targets": []}), Some("targets has 1 to 25 entries, not 0.")),
        (&REDIRECT, json!({"targets": many(user(), 1)}), None),
        (&REDIRECT, json!({"targets": many(user(), 25)}), None),
        (&REDIRECT, json!({"targets": many(user(), 26)}), Some("targets has 1 to 25 entries, not 26.")),
        (&REDIRECT, with(redirect(), "timeout", json!(14)), Some("timeout is between 15 and 90, not 14.")),
        (&REDIRECT, with(redirect(), "timeout", json!(15)), None),
        (&REDIRECT, with(redirect(), "timeout", json!(90)), None),
        (&REDIRECT, with(redirect(), "timeout", json!(91)), Some("timeout is between 15 and 90, not 91.")),
        (&PLAY_PROMPT, play(0), Some("prompts has 1 to 20 entries, not 0.")),
        (&PLAY_PROMPT, play(20), None),
        (&PLAY_PROMPT, play(21), Some("prompts has 1 to 20 entries, not 21.")),
        (&RECORD_RESPONSE, play(0), None),
        (&RECORD_RESPONSE, play(1), None),
        (&RECORD_RESPONSE, play(2), Some("prompts has 1 entries at most, not 2.")),
        (&CREATE, with(create(), "ringingTimeoutInSeconds", json!(115)), None),
        (
            &CREATE,
            with(create(), "ringingTimeoutInSeconds", json!(116)),
            Some("ringingTimeoutInSeconds is between 1 and 115, not 116."),
        ),
        (&SEND_DTMF, json!({"tones": []}), Some("tones has 1 entries at least, not 0.")),
        (&INVITE, json!({"participants": []}), Some("participants has 1 entries at least, not 0.")),
    ] {
        assert_eq!(check(shape, &body).err().as_deref(), expected, "{body}");
    }
    for name in ["initialSilenceTimeoutInSeconds", "maxSilenceTimeoutInSeconds", "maxRecordDurationInSeconds"]
    {
        for (seconds, is_taken) in [(0, false), (1, true), (120, true), (121, false)] {
            assert_eq!(
                check(&RECORD_RESPONSE, &json!({name: seconds})).is_ok(),
                is_taken,
                "{name} {seconds}"
            );
        }
    }
}

/// A member of another type, one that is missing and one that is no member of its enum are each named.
#[allow(clippy::too_many_lines)] // a table
#[test]
fn what_does_not_fit_is_named() {
    let created = |name: &str, value: Value| with(create(), name, value);
    let answered = |name: &str, value: Value| {
        with(json!({"callbackUri": "https://bot.test/", "mediaConfig": hosted()}), name, value)
    };
    for (shape, body, expected) in [
        (&CREATE, json!([]), "The body is an object, not a collection."),
        (&CREATE, json!({}), "callbackUri is required."),
        (&CREATE, created("callbackUri", json!(1)), "callbackUri is a text, not a number."),
        (&CREATE, created("callbackUri", json!(null)), "callbackUri is required."),
        (
            &CREATE,
            created("callbackUri", json!("http://bot.test/")),
            "callbackUri has to be an https address.",
        ),
        (&CREATE, created("callbackUri", json!("bot.test")), "callbackUri has to be an https address."),
        (&CREATE, created("mediaConfig", json!(null)), "mediaConfig is required."),
        (&CREATE, created("mediaConfig", json!("x")), "mediaConfig is an object, not a text."),
        (
            &CREATE,
            created("mediaConfig", json!({"@odata.type": "#microsoft.graph.appHostedMediaConfig"})),
            "mediaConfig.blob is required.",
        ),
        (
            &CREATE,
            created(
                "mediaConfig",
                json!({"@odata.type": "#microsoft.graph.appHostedMediaConfig", "blob": ""}),
            ),
            "mediaConfig.blob is empty.",
        ),
        (
            &CREATE,
            created("mediaConfig", json!({"@odata.type": "serviceHostedMediaConfig"})),
            "mediaConfig has an @odata.type of #microsoft.graph.serviceHostedMediaConfig or \
             #microsoft.graph.appHostedMediaConfig.",
        ),
        (
            &CREATE,
            created("mediaConfig", json!({})),
            "mediaConfig has an @odata.type of #microsoft.graph.serviceHostedMediaConfig or \
             #microsoft.graph.appHostedMediaConfig.",
        ),
        (
            &CREATE,
            created("mediaConfig", with(hosted(), "preFetchMedia", json!([{"resourceId": "r"}]))),
            "mediaConfig.preFetchMedia[0].uri is required.",
        ),
        (&CREATE, created("targets", json!({})), "targets is a collection, not an object."),
        (&CREATE, created("targets", json!([user(), {}])), "targets[1].identity is required."),
        (&CREATE, created("targets", json!([{"identity": {}}])), "targets[0].identity names nobody."),
        (
            &CREATE,
            created("targets", json!([{"identity": {"user": null, "dog": {"id": "d"}}}])),
            "targets[0].identity names nobody.",
        ),
        (
            &CREATE,
            created("targets", json!([{"identity": {"user": {"displayName": "Ada"}}}])),
            "targets[0].identity.user.id is required.",
        ),
        (
            &CREATE,
            created("targets", json!([{"identity": {"user": {"id": 7}}}])),
            "targets[0].identity.user.id is a text, not a number.",
        ),
        (
            &CREATE,
            created("targets", json!([{"identity": {"user": "u"}}])),
            "targets[0].identity.user is an object, not a text.",
        ),
        (
            &CREATE,
            created("requestedModalities", json!(["audio", "smell"])),
            "requestedModalities[1] is one of audio, video, videoBasedScreenSharing, data, unknown.",
        ),
        (&CREATE, created("tenantId", json!(1)), "tenantId is a text, not a number."),
        (&CREATE, created("direction", json!("incoming")), "direction is one of outgoing."),
        (
            &CREATE,
            created("callOptions", json!({"@odata.type": "#microsoft.graph.incomingCallOptions"})),
            "callOptions has an @odata.type of #microsoft.graph.outgoingCallOptions.",
        ),
        (
            &CREATE,
            created(
                "callOptions",
                json!({"@odata.type": "#microsoft.graph.outgoingCallOptions", "isDeltaRosterEnabled": "yes"}),
            ),
            "callOptions.isDeltaRosterEnabled is true or false, not a text.",
        ),
        (&CREATE, created("chatInfo", json!({"messageId": "0"})), "chatInfo.threadId is required."),
        (&CREATE, created("chatInfo", json!({"threadId": "19:x"})), "chatInfo.messageId is required."),
        (
            &CREATE,
            created("meetingInfo", json!({"@odata.type": "#microsoft.graph.organizerMeetingInfo"})),
            "meetingInfo.organizer is required.",
        ),
        (
            &CREATE,
            created("meetingInfo", json!({"@odata.type": "#microsoft.graph.tokenMeetingInfo"})),
            "meetingInfo.token is required.",
        ),
        (
            &CREATE,
            created(
                "meetingInfo",
                json!({"@odata.type": "#microsoft.graph.joinMeetingIdMeetingInfo", "joinMeetingId": 1}),
            ),
            "meetingInfo.joinMeetingId is a text, not a number.",
        ),
        (
            &ANSWER,
            answered("participantCapacity", json!("200")),
            "participantCapacity is a whole number, not a text.",
        ),
        (
            &ANSWER,
            answered("participantCapacity", json!(1.5)),
            "participantCapacity is a whole number, not a number.",
        ),
        (
            &ANSWER,
            answered("acceptedModalities", json!("audio")),
            "acceptedModalities is a collection, not a text.",
        ),
        (&REJECT, json!({"reason": "bored"}), "reason is one of none, busy, forbidden."),
        (&TRANSFER, json!({"transferTarget": {}}), "transferTarget.identity is required."),
        (
            &TRANSFER,
            json!({"transferTarget": with(user(), "endpointType", json!("fax"))}),
            "transferTarget.endpointType is one of default, voicemail, skypeForBusiness, skypeForBusinessVoipPhone, \
             unknownFutureValue.",
        ),
        (
            &TRANSFER,
            json!({"transferTarget": user(), "transferee": {"participantId": "p"}}),
            "transferee.identity is required.",
        ),
        (&CONTEXT_ALONE, json!({"clientContext": 7}), "clientContext is a text, not a number."),
        (&SCREEN_SHARING_ROLE, json!({"role": "host"}), "role is one of viewer, sharer."),
        (&RECORDING_STATUS, json!({"status": "paused"}), "status is one of notRecording, recording, failed."),
        (&INVITE, json!({"participants": [{}]}), "participants[0].identity is required."),
        (&HOLD_MUSIC, json!({"customPrompt": {}}), "customPrompt.mediaInfo is required."),
        (&HOLD_MUSIC, json!({"customPrompt": {"mediaInfo": {}}}), "customPrompt.mediaInfo.uri is required."),
        (&MUTE_ALL, json!({"participants": [1]}), "participants[0] is a text, not a number."),
        (
            &MIXER,
            json!({"participantMixerLevels": [{}]}),
            "participantMixerLevels[0].participant is required.",
        ),
        (&PLAY_PROMPT, json!({}), "prompts is required."),
        (
            &PLAY_PROMPT,
            json!({"prompts": [{"mediaInfo": {"uri": "a.wav"}}]}),
            "prompts[0].mediaInfo.uri has to be an https address.",
        ),
        (&RECORD_RESPONSE, json!({"playBeep": 1}), "playBeep is true or false, not a number."),
        (&RECORD_RESPONSE, json!({"bargeInAllowed": "true"}), "bargeInAllowed is true or false, not a text."),
        (
            &RECORD_RESPONSE,
            json!({"maxSilenceTimeoutInSeconds": "5"}),
            "maxSilenceTimeoutInSeconds is a whole number, not a text.",
        ),
        (
            &RECORD_RESPONSE,
            json!({"stopTones": ["pound"]}),
            "stopTones[0] is one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, *, #.",
        ),
        (&RECORD_RESPONSE, json!({"stopTones": "#"}), "stopTones is a collection, not a text."),
        (
            &SEND_DTMF,
            json!({"tones": ["tone1"], "delayBetweenTonesMs": -1}),
            "delayBetweenTonesMs is between 0 and 2147483647, not -1.",
        ),
        (&GROUP, json!({"routingMode": "manyToMany"}), "routingMode is one of oneToOne, multicast."),
        (&GROUP, json!({"routingMode": "oneToOne"}), "sources is required."),
        (&GROUP_CHANGE, json!({"receivers": [1]}), "receivers[0] is a text, not a number."),
        (&TRANSCRIPTION, json!({"language": 1}), "language is a text, not a number."),
        (&DEVICE_QUALITY, json!({"quality": {}}), "quality.callChainId is required."),
        (&KNOWN_MEETING, json!({}), "externalId is required."),
        (&ONLINE_MEETING, json!({"subject": 1}), "subject is a text, not a number."),
    ] {
        assert_eq!(check(shape, &body), Err(expected.to_owned()), "{body}");
    }
}

/// What real clients write, and the documentation's own examples leave out.
#[test]
fn what_the_documentation_leaves_open_passes() {
    let created = |name: &str, value: Value| with(create(), name, value);
    for (shape, body) in [
        (&CREATE, create()),
        (&CREATE, created("@odata.type", json!("#microsoft.graph.call"))),
        (&CREATE, created("unheardOf", json!({"a": [1]}))),
        (&CREATE, created("subject", json!(null))),
        (&CREATE, created("callbackUri", json!("http://127.0.0.1:8000/calls"))),
        (&CREATE, created("requestedModalities", json!(["Audio"]))),
        // Older clients write types without the sign.
        (&CREATE, created("mediaConfig", json!({"@odata.type": "microsoft.graph.serviceHostedMediaConfig"}))),
        (&CREATE, created("targets", json!([{"identity": {"phone": {"id": "+12345678901"}, "user": null}}]))),
        (&REJECT, json!({"reason": "Busy"})),
        (&REJECT, json!({})),
        (&SEND_DTMF, json!({"tones": ["tone1", "Star", "a", "flash"]})),
        // The documented example has characters, not members of tone.
        (&RECORD_RESPONSE, json!({"stopTones": ["#", "1", "*"]})),
        (&GROUP, json!({"routingMode": "OneToOne", "sources": ["a"], "receivers": ["b"]})),
        (
            &DEVICE_QUALITY,
            json!({"quality": {
                "callChainId": "c", "mediaLegId": "m", "participantId": "p", "deviceName": "d",
                "deviceDescription": "x", "mediaQualityList": [
                    {"@odata.type": "#microsoft.graph.teleconferenceDeviceAudioQuality", "channelIndex": 1},
                ],
            }}),
        ),
    ] {
        assert_eq!(check(shape, &body), Ok(()), "{body}");
    }
}

#[test]
fn what_only_beta_has_is_no_parameter_in_v1() {
    let play = json!({"prompts": [prompt()], "loop": true});
    let redirect = |name: &str, value: Value| with(json!({"targets": [user()]}), name, value);
    for (shape, body, name) in [
        (&PLAY_PROMPT, play, "loop"),
        (&RECORD_RESPONSE, json!({"streamWhileRecording": true}), "streamWhileRecording"),
        (&REDIRECT, redirect("maskCaller", json!(true)), "maskCaller"),
        (&REDIRECT, redirect("maskCallee", json!(true)), "maskCallee"),
        (&REDIRECT, redirect("targetDisposition", json!("default")), "targetDisposition"),
    ] {
        let refused = check(shape, &body).unwrap_err();
        assert!(refused.contains(&format!("'{name}'")), "{refused}");
        assert!(shape.check(&body, Version::Beta).is_ok(), "{body}");
        assert!(check(shape, &with(body, name, Value::Null)).is_ok(), "null is as if it were left out");
    }
    assert!(PLAY_PROMPT.check(&json!({"prompts": [prompt()], "loop": 1}), Version::Beta).is_err());
}
