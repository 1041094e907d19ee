use callflow_core::command::{RejectReason, RoutingMode, Transferee};
use callflow_core::media::{RecordingStatus, ScreenSharingRole};
use callflow_core::meeting::ByOrganizer;
use callflow_core::request::Dispatch;
use callflow_core::text::Secret;

use super::*;

struct Ids(Option<&'static str>);

impl IdTexts for Ids {
    fn call(&self) -> Option<&str> {
        self.0
    }

    fn operation(&self, _: OperationId) -> Option<&str> {
        Some("op/1")
    }

    fn participant(&self, id: ParticipantId) -> Option<&str> {
        (id == ParticipantId::parse("p/1")).then_some("p/1")
    }
}

const TICKET: Ticket = Ticket::FIRST;
const ORIGIN: Origin<'_> =
    Origin { key: CallKey::new(1), callback: Uri::new("https://bot.example/1"), tenant_id: Some("tenant") };

fn http(request: &Request<'_>) -> Option<HttpRequest> {
    write(request, &ORIGIN, &Ids(Some("57DA")))
}

fn body(request: &Request<'_>) -> (String, Value) {
    let http = http(request).unwrap();
    let body = http.body.map_or(Value::Null, |body| serde_json::from_str(&body).unwrap());
    (format!("{} {}", http.method, http.path), body)
}

fn perform(command: Command<'_>) -> Request<'_> {
    Request::Perform { ticket: TICKET, command, dispatch: Dispatch::Now }
}

/// The line below the call, and the body.
fn performed(command: Command<'_>) -> (String, Value) {
    let (line, body) = body(&perform(command));
    (line.replace("/communications/calls/57DA", "…"), body)
}

fn created(placement: &Placement<'_>) -> Value {
    body(&Request::Create { ticket: TICKET, placement: *placement }).1
}

fn context() -> Value {
    json!({"clientContext": "0000000000000001-1"})
}

#[test]
fn creating_calls_a_user_with_service_hosted_media() {
    let targets = [Identity::User("112f7296"), Identity::Phone(Secret::new("+4912"))];
    let placement = Placement::to_targets(Uri::new("https://bot.example/cb"), List::new(&targets));
    let request = Request::Create { ticket: TICKET, placement };
    let (line, body) = body(&request);
    assert_eq!(line, "POST /communications/calls");
    assert_eq!(
        body,
        json!({
            "@odata.type": "#microsoft.graph.call",
            "callbackUri": "https://bot.example/cb",
            "requestedModalities": ["audio"],
            "mediaConfig": {"@odata.type": "#microsoft.graph.serviceHostedMediaConfig"},
            "targets": [
                {
                    "@odata.type": "#microsoft.graph.invitationParticipantInfo",
                    "identity": {
                        "@odata.type": "#microsoft.graph.identitySet",
                        "user": {"@odata.type": "#microsoft.graph.identity", "id": "112f7296"},
                    },
                },
                {
                    "@odata.type": "#microsoft.graph.invitationParticipantInfo",
                    "identity": {
                        "@odata.type": "#microsoft.graph.identitySet",
                        "phone": {"@odata.type": "#microsoft.graph.identity", "id": "+4912"},
                    },
                },
            ],
            "tenantId": "tenant",
        })
    );
    let http = write(&request, &Origin { tenant_id: None, ..ORIGIN }, &Ids(None)).unwrap();
    assert!(!format!("{http:?}").contains("+4912"));
    assert!(!http.body.unwrap().contains("tenantId"));
}

#[test]
fn a_source_and_options_are_written_with_their_types() {
    let targets = [Identity::Phone(Secret::new("+4912"))];
    let body = created(&Placement {
        source: Source::ApplicationInstance("3d913abb"),
        media: MediaConfig::AppHosted(Secret::new("blob")),
        modalities: Modalities::AUDIO.and(Modalities::SCREEN_SHARING),
        options: CallOptions::DELTA_ROSTER.and(CallOptions::CONTENT_SHARING_NOTIFICATION),
        ..Placement::to_targets(Uri::new("https://bot.example/cb"), List::new(&targets))
    });
    assert_eq!(
        body["source"],
        json!({
            "@odata.type": "#microsoft.graph.participantInfo",
            "identity": {
                "@odata.type": "#microsoft.graph.identitySet",
                "applicationInstance": {"@odata.type": "#microsoft.graph.identity", "id": "3d913abb"},
            },
        })
    );
    assert_eq!(
        body["mediaConfig"],
        json!({"@odata.type": "#microsoft.graph.appHostedMediaConfig", "blob": "blob"})
    );
    assert_eq!(body["requestedModalities"], json!(["audio", "videoBasedScreenSharing"]));
    assert_eq!(
        body["callOptions"],
        json!({
            "@odata.type": "#microsoft.graph.outgoingCallOptions",
            "isContentSharingNotificationEnabled": true,
            "isDeltaRosterEnabled": true,
        })
    );
}

#[test]
fn a_meeting_is_joined_in_each_of_its_three_ways() {
    let callback = Uri::new("https://bot.example/cb");
    let by = ByOrganizer {
        thread_id: "19:meeting_1@thread.v2",
        message_id: "0",
        reply_chain_message_id: None,
        organizer_id: "5810cede",
        tenant_id: "aa67bd4c",
    };
    let body = created(&Placement {
        source: Source::Guest { id: "d7a3b999", display_name: "Guest User" },
        ..Placement::into_meeting(callback, Meeting::Organizer(by))
    });
    assert_eq!(
        body["chatInfo"],
        json!({"@odata.type": "#microsoft.graph.chatInfo", "threadId": "19:meeting_1@thread.v2", "messageId": "0"})
    );
    assert_eq!(
        body["meetingInfo"],
        json!({
            "@odata.type": "#microsoft.graph.organizerMeetingInfo",
            "organizer": {
                "@odata.type": "#microsoft.graph.identitySet",
                "user": {"@odata.type": "#microsoft.graph.identity", "id": "5810cede", "tenantId": "aa67bd4c"},
            },
            "allowConversationWithoutHost": true,
        })
    );
    assert_eq!(
        body["source"]["identity"]["guest"],
        json!({"@odata.type": "#microsoft.graph.identity", "id": "d7a3b999", "displayName": "Guest User"})
    );
    assert_eq!(body.get("targets"), None);
    let chained = ByOrganizer { reply_chain_message_id: Some("1533758867081"), ..by };
    let body = created(&Placement::into_meeting(callback, Meeting::Organizer(chained)));
    assert_eq!(body["chatInfo"]["replyChainMessageId"], "1533758867081");
    assert_eq!(body.get("source"), None);
    for (meeting, info) in [
        (
            Meeting::Token(Secret::new("t")),
            json!({"@odata.type": "#microsoft.graph.tokenMeetingInfo", "token": "t"}),
        ),
        (
            Meeting::JoinId { id: "1234567", passcode: Some(Secret::new("psw123")) },
            json!({"@odata.type": "#microsoft.graph.joinMeetingIdMeetingInfo", "joinMeetingId": "1234567", "passcode": "psw123"}),
        ),
        (
            Meeting::JoinId { id: "1234567", passcode: None },
            json!({"@odata.type": "#microsoft.graph.joinMeetingIdMeetingInfo", "joinMeetingId": "1234567", "passcode": null}),
        ),
    ] {
        let body = created(&Placement::into_meeting(callback, meeting));
        assert_eq!((&body["meetingInfo"], body.get("chatInfo")), (&info, None));
    }
}

#[test]
fn what_settles_an_incoming_call() {
    let answer = Answer {
        participant_capacity: Some(200),
        options: CallOptions::INTERACTIVE_ROSTER,
        ..Answer::new(Uri::new("https://bot.example/1"))
    };
    assert_eq!(
        performed(Command::Answer(answer)),
        (
            "POST …/answer".to_owned(),
            json!({
                "callbackUri": "https://bot.example/1",
                "acceptedModalities": ["audio"],
                "mediaConfig": {"@odata.type": "#microsoft.graph.serviceHostedMediaConfig"},
                "participantCapacity": 200,
                "callOptions": {
                    "@odata.type": "#microsoft.graph.incomingCallOptions",
                    "isInteractiveRosterEnabled": true,
                },
            })
        )
    );
    let reject = performed(Command::Reject(RejectReason::Busy));
    assert_eq!(reject, ("POST …/reject".to_owned(), json!({"reason": "busy"})));
    let targets = [Identity::Application("22bfd41f"), Identity::Guest("g")];
    let (line, body) = performed(Command::Redirect(Redirect::to(List::new(&targets))));
    assert_eq!(line, "POST …/redirect");
    assert_eq!(body["targets"][0]["identity"]["application"]["id"], "22bfd41f");
    assert_eq!(body["targets"][1]["identity"]["guest"]["id"], "g");
    assert_eq!((&body["callbackUri"], body.get("timeout")), (&json!("https://bot.example/1"), None));
    assert_eq!(body.get("maskCaller"), None);
    let masked = Redirect {
        timeout: Some(90),
        mask: callflow_core::command::Mask::CALLER,
        ..Redirect::to(List::new(&targets))
    };
    let (_, body) = performed(Command::Redirect(masked));
    assert_eq!((&body["timeout"], &body["maskCaller"]), (&json!(90), &json!(true)));
    assert_eq!(body.get("maskCallee"), None);
}

#[test]
fn a_transfer_names_whom_it_moves_and_what_it_replaces() {
    let blind = Transfer::to(Identity::User("550fae72"));
    let target = json!({
        "@odata.type": "#microsoft.graph.invitationParticipantInfo",
        "identity": {
            "@odata.type": "#microsoft.graph.identitySet",
            "user": {"@odata.type": "#microsoft.graph.identity", "id": "550fae72"},
        },
    });
    assert_eq!(
        performed(Command::Transfer(blind)),
        ("POST …/transfer".to_owned(), json!({"transferTarget": target}))
    );
    let transferee = Transferee { identity: Identity::User("ada"), participant: ParticipantId::parse("p/1") };
    let (_, body) = performed(Command::Transfer(Transfer {
        replaces_call_id: Some("e5d39592"),
        transferee: Some(transferee),
        ..blind
    }));
    assert_eq!(body["transferTarget"]["replacesCallId"], "e5d39592");
    assert_eq!(
        body["transferee"],
        json!({
            "@odata.type": "#microsoft.graph.participantInfo",
            "identity": {
                "@odata.type": "#microsoft.graph.identitySet",
                "user": {"@odata.type": "#microsoft.graph.identity", "id": "ada"},
            },
            "participantId": "p/1",
        })
    );
}

#[test]
fn what_needs_no_more_than_its_line() {
    let pid = ParticipantId::parse("p/1");
    for (command, line, expected) in [
        (Command::HangUp, "DELETE …", Value::Null),
        (Command::KeepAlive, "POST …/keepAlive", Value::Null),
        (Command::Refresh, "GET …", Value::Null),
        (Command::Mute, "POST …/mute", context()),
        (Command::Unmute, "POST …/unmute", context()),
        (Command::CancelMediaProcessing, "POST …/cancelMediaProcessing", context()),
        (Command::SubscribeToTone, "POST …/subscribeToTone", context()),
        (Command::AddLargeGalleryView, "POST …/addLargeGalleryView", context()),
        (Command::RemoveParticipant(pid), "DELETE …/participants/p%2F1", Value::Null),
        (Command::MuteParticipant(pid), "POST …/participants/p%2F1/mute", context()),
        (Command::StopHoldMusic(pid), "POST …/participants/p%2F1/stopHoldMusic", context()),
        (Command::DeleteAudioRoutingGroup { id: "g/1" }, "DELETE …/audioRoutingGroups/g%2F1", Value::Null),
        (
            Command::ChangeScreenSharingRole(ScreenSharingRole::Sharer),
            "POST …/changeScreenSharingRole",
            json!({"role": "sharer"}),
        ),
    ] {
        assert_eq!(performed(command), (line.to_owned(), expected), "{command:?}");
    }
    let (line, _) = body(&Request::ListParticipants { ticket: TICKET });
    assert_eq!(line, "GET /communications/calls/57DA/participants");
    let (line, _) = body(&Request::GetOperation { ticket: TICKET, operation: OperationId::parse("op/1") });
    assert_eq!(line, "GET /communications/calls/57DA/operations/op%2F1");
}

#[test]
fn what_plays_records_and_sends_tones() {
    let menu = Uri::new("https://bot.example/menu.wav?sig=1");
    let prompts = [menu];
    let prompt = json!({
        "@odata.type": "#microsoft.graph.mediaPrompt",
        "mediaInfo": {
            "@odata.type": "#microsoft.graph.mediaInfo",
            "uri": "https://bot.example/menu.wav?sig=1",
            "resourceId": resource_id("https://bot.example/menu.wav?sig=1"),
        },
    });
    let play = |repeat| performed(Command::PlayPrompt { prompts: List::new(&prompts), repeat });
    let (line, once) = play(Repeat::Once);
    assert_eq!(line, "POST …/playPrompt");
    assert_eq!(once, json!({"clientContext": "0000000000000001-1", "prompts": [prompt]}));
    assert_eq!(play(Repeat::Forever).1["loop"], true);

    let usual = Record::after(None);
    let (line, recorded) = performed(Command::Record(usual));
    assert_eq!(line, "POST …/recordResponse");
    assert_eq!(
        recorded,
        json!({"clientContext": "0000000000000001-1", "bargeInAllowed": false, "playBeep": true})
    );
    let keys = [Tone::Pound, Tone::Tone1, Tone::Star];
    let whole = Record {
        barge_in: BargeIn::Interrupts,
        beep: Beep::Silent,
        initial_silence: Some(5),
        max_silence: Some(2),
        max_duration: Some(10),
        stop_tones: List::new(&keys),
        ..Record::after(Some(menu))
    };
    assert_eq!(
        performed(Command::Record(whole)).1,
        json!({
            "clientContext": "0000000000000001-1",
            "bargeInAllowed": true,
            "playBeep": false,
            "prompts": [prompt],
            "initialSilenceTimeoutInSeconds": 5,
            "maxSilenceTimeoutInSeconds": 2,
            "maxRecordDurationInSeconds": 10,
            "stopTones": ["#", "1", "*"],
        })
    );

    let tones = [Tone::Tone1, Tone::Pound];
    assert_eq!(
        performed(Command::SendDtmf { tones: List::new(&tones), delay: Some(1000) }),
        (
            "POST …/sendDtmfTones".to_owned(),
            json!({
                "clientContext": "0000000000000001-1",
                "tones": ["tone1", "pound"],
                "delayBetweenTonesMs": 1000,
            })
        )
    );
    let unknown = [Tone::Unrecognised];
    assert_eq!(http(&perform(Command::SendDtmf { tones: List::new(&unknown), delay: None })), None);
    let status = performed(Command::UpdateRecordingStatus(RecordingStatus::NotRecording));
    assert_eq!(
        status,
        (
            "POST …/updateRecordingStatus".to_owned(),
            json!({"clientContext": "0000000000000001-1", "status": "notRecording"})
        )
    );
}

#[test]
fn what_concerns_participants() {
    let pid = ParticipantId::parse("p/1");
    let invitees = [
        Invitee::new(Identity::User("7e1b4346")),
        Invitee {
            replaces_call_id: Some("a7ebfb2d"),
            participant_id: Some("p-2"),
            visibility: Visibility::Hidden,
            audio_group: AudioGroup::Apart,
            ..Invitee::new(Identity::ApplicationInstance("i"))
        },
    ];
    let (line, body) = performed(Command::Invite(List::new(&invitees)));
    assert_eq!(
        (line.as_str(), &body["clientContext"]),
        ("POST …/participants/invite", &json!("0000000000000001-1"))
    );
    let [usual, apart] = body["participants"].as_array().unwrap().as_slice() else { panic!("{body}") };
    assert_eq!(usual.as_object().unwrap().keys().collect::<Vec<_>>(), ["@odata.type", "identity"]);
    assert_eq!(apart["identity"]["applicationInstance"]["id"], "i");
    assert_eq!((&apart["replacesCallId"], &apart["participantId"]), (&json!("a7ebfb2d"), &json!("p-2")));
    assert_eq!(
        (&apart["hidden"], &apart["removeFromDefaultAudioRoutingGroup"]),
        (&json!(true), &json!(true))
    );
    let music = Some(Uri::new("https://bot.example/on-hold.wav"));
    let (line, body) = performed(Command::StartHoldMusic { participant: pid, prompt: music });
    assert_eq!(line, "POST …/participants/p%2F1/startHoldMusic");
    assert_eq!(body["customPrompt"]["@odata.type"], "#microsoft.graph.mediaPrompt");
    assert_eq!(performed(Command::StartHoldMusic { participant: pid, prompt: None }).1, context());
    let receivers = [ParticipantId::parse("550fae72d25143ec868c373732c2704f")];
    let group =
        AudioRoutingGroup { mode: RoutingMode::Multicast, source: pid, receivers: List::new(&receivers) };
    let written = json!({
        "routingMode": "multicast",
        "sources": ["p/1"],
        "receivers": ["550fae72-d251-43ec-868c-373732c2704f"],
    });
    assert_eq!(
        performed(Command::CreateAudioRoutingGroup(group)),
        ("POST …/audioRoutingGroups".to_owned(), written.clone())
    );
    assert_eq!(
        performed(Command::UpdateAudioRoutingGroup { id: "g", group }),
        ("PATCH …/audioRoutingGroups/g".to_owned(), written)
    );
}

#[test]
fn what_has_no_http_or_no_text_is_not_written() {
    assert_eq!(http(&Request::Release { ticket: TICKET }), None);
    assert_eq!(http(&perform(Command::AnswerJoining(callflow_core::command::JoiningAnswer::Accept))), None);
    assert_eq!(write(&perform(Command::HangUp), &ORIGIN, &Ids(None)), None);
    let stranger = ParticipantId::parse("no guid, and never told");
    assert_eq!(http(&perform(Command::MuteParticipant(stranger))), None);
}
