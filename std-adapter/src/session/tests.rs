use callflow_core::command::RejectReason;
use callflow_core::command::{Mask, Repeat};
use callflow_core::media::Tone;

use super::*;
use crate::wire::notification::read_batch;
use crate::wire::request::Version;

const NOW: Timestamp = Timestamp::from_millis(0);

fn notice(change: &str, data: &str) -> Notice {
    let body = format!(
        r#"{{"value": [{{"changeType": "{change}", "resourceUrl": "/communications/calls/57DA", "resourceData": {data}}}]}}"#
    );
    read_batch(body.as_bytes()).unwrap().notices.remove(0)
}

fn offered() -> Session {
    let incoming =
        notice("created", r#"{"state": "incoming", "source": {"identity": {"user": {"id": "u"}}}}"#);
    Session::offered(NOW, CallKey::new(1), &incoming, &Settings::new("https://bot.example/1")).unwrap().0
}

#[test]
fn texts_from_before_scenarios_were_kept_are_read() {
    let (call, texts) = offered().to_bytes().unwrap();
    let mut old: serde_json::Value = serde_json::from_slice(&texts).unwrap();
    assert!(old.as_object_mut().unwrap().remove("scenario_id").is_some());
    let session = Session::from_bytes(&call, old.to_string().as_bytes()).unwrap();
    assert_eq!((session.id(), session.scenario_id()), (Some("57DA"), None));
}

#[test]
fn a_prompt_asked_for_early_leaves_with_the_audio_and_survives_its_bytes() {
    let mut session = offered();
    let answer = session.order(NOW, &Order::Answer(Answer::default())).unwrap();
    let _ = session.order(NOW, &Order::play("https://bot.example/a.wav?sig=s")).unwrap();
    let _ = session.response(NOW, answer.ticket.unwrap(), 202, None, b"");
    let (call, texts) = session.to_bytes().unwrap();
    let mut session = Session::from_bytes(&call, &texts).unwrap();
    let step = session
        .notice(NOW, &notice("updated", r#"{"state": "established", "mediaState": {"audio": "active"}}"#));
    assert_eq!(step.requests.len(), 1);
    assert_eq!(step.requests[0].http.path, "/communications/calls/57DA/playPrompt");
    assert_eq!(step.requests[0].action, Action::PlayPrompt, "what was held is known by what it does");
    assert!(step.requests[0].http.body.as_ref().unwrap().contains("a.wav?sig=s"));
    assert!(step.requests[0].once_only);
    let body = br##"{"@odata.type": "#microsoft.graph.playPromptOperation", "status": "running"}"##;
    let location = "https://graph.microsoft.com/v1.0/communications/calls/57DA/operations/0FE0";
    let _ = session.response(NOW, step.requests[0].ticket, 200, Some(location), body);
    let step = session.order(NOW, &Order::Refresh).unwrap();
    assert_eq!(step.requests[1].http.path, "/communications/calls/57DA/operations/0FE0");
}

#[test]
fn the_way_into_the_meeting_is_kept_and_silence_does_not_forget_it() {
    let mut session = offered();
    assert_eq!(session.meeting(), None);
    let told = r#"{"state": "established", "chatInfo": {"threadId": "19:x", "messageId": "0"},
        "meetingInfo": {"organizer": {"user": {"id": "o", "tenantId": "t"}}}}"#;
    let _ = session.notice(NOW, &notice("updated", told));
    let _ = session.notice(NOW, &notice("updated", r#"{"state": "established"}"#));
    let mut session = through_bytes(&session);
    assert!(
        matches!(session.meeting(), Some(Meeting::Organizer { organizer_id, .. }) if organizer_id == "o")
    );
    let _ = session.notice(NOW, &notice("updated", r#"{"meetingInfo": {"token": "newer"}}"#));
    assert_eq!(session.meeting(), Some(&Meeting::Token("newer".into())));

    let meeting = Meeting::JoinId { id: "12".to_owned(), passcode: None };
    let settings = Settings::new("https://bot.example/1");
    let (joined, _) = Session::place(NOW, CallKey::new(1), &meeting.clone().into(), &settings).unwrap();
    assert_eq!(joined.meeting(), Some(&meeting));
}

fn established() -> Session {
    let mut session = offered();
    let answer = session.order(NOW, &Order::Answer(Answer::default())).unwrap();
    let _ = session.response(NOW, answer.ticket.unwrap(), 202, None, b"");
    let _ = session
        .notice(NOW, &notice("updated", r#"{"state": "established", "mediaState": {"audio": "active"}}"#));
    session
}

fn through_bytes(session: &Session) -> Session {
    let (call, texts) = session.to_bytes().unwrap();
    let read = Session::from_bytes(&call, &texts).unwrap();
    assert_eq!(read.texts, session.texts);
    read
}

fn body(outgoing: &Outgoing) -> serde_json::Value {
    serde_json::from_str(outgoing.http.body.as_deref().unwrap()).unwrap()
}

#[test]
fn whatever_is_held_survives_its_bytes_and_leaves_as_it_was_ordered() {
    let mut session = offered();
    let _ = session.order(NOW, &Order::Answer(Answer::default())).unwrap();
    let record = Record {
        prompt: Some("https://bot.example/beep.wav".into()),
        max_duration: Some(9),
        stop_tones: vec![Tone::Pound],
        ..Record::default()
    };
    for order in [
        Order::SubscribeToTone,
        Order::play("https://bot.example/a.wav"),
        Order::Record(record),
        Order::SendDtmf { tones: vec![Tone::Star], delay: Some(300) },
    ] {
        let step = session.order(NOW, &order).unwrap();
        assert_eq!(step.requests, [], "{order:?}");
        session = through_bytes(&session);
    }
    let mut step = session
        .notice(NOW, &notice("updated", r#"{"state": "established", "mediaState": {"audio": "active"}}"#));
    let mut left = Vec::new();
    while let [released] = step.requests.as_slice() {
        let body = body(released);
        assert_eq!(body["clientContext"], format!("0000000000000001-{}", released.ticket.number()));
        left.push((released.http.path.rsplit('/').next().unwrap().to_owned(), body));
        (step, _) = session.response(NOW, released.ticket, 200, None, br#"{"status": "running"}"#);
    }
    let paths: Vec<_> = left.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["subscribeToTone", "playPrompt", "recordResponse", "sendDtmfTones"]);
    assert_eq!(
        (&left[2].1["stopTones"][0], &left[2].1["maxRecordDurationInSeconds"]),
        (&"#".into(), &9.into())
    );
    assert_eq!(left[3].1["delayBetweenTonesMs"], 300);
}

#[test]
fn what_is_cancelled_before_it_leaves_is_forgotten() {
    let mut session = offered();
    let _ = session.order(NOW, &Order::Answer(Answer::default())).unwrap();
    let empty = session.to_bytes().unwrap().1;
    let _ = session.order(NOW, &Order::play("https://bot.example/a.wav")).unwrap();
    let _ = session.order(NOW, &Order::play("https://bot.example/b.wav")).unwrap();
    assert_ne!(session.to_bytes().unwrap().1, empty);
    let step = session.order(NOW, &Order::CancelMediaProcessing).unwrap();
    assert!(step.events.iter().any(|event| matches!(event, Event::OperationsEnded { .. })), "{step:?}");
    assert_eq!(session.to_bytes().unwrap().1, empty);
}

#[test]
fn participants_are_named_by_rosters_and_by_operations_and_addressed_as_graph_wrote_them() {
    let mut session = established();
    let _ = session.notice(
        NOW,
        &notice(
            "updated",
            r##"[{"@odata.type": "#microsoft.graph.participant", "id": "A/da",
                "info": {"identity": {"user": {"id": "u", "displayName": "Ada"}}}},
               {"id": "b"}, {"id": "c"}]"##,
        ),
    );
    let mut session = through_bytes(&session);
    let ada = ParticipantId::parse("A/da");
    let named = session.participant(ada).unwrap();
    assert_eq!(named.party.as_ref().unwrap().display_name.as_deref(), Some("Ada"));
    let step = session.order(NOW, &Order::MuteParticipant(ada)).unwrap();
    assert_eq!(step.requests[0].http.path, "/communications/calls/57DA/participants/A%2Fda/mute");
    let invite = session.order(NOW, &Order::Invite(vec![Target::User("v".to_owned()).into()])).unwrap();
    let answer =
        br##"{"@odata.type": "#microsoft.graph.inviteParticipantsOperation", "id": "o", "status": "Running",
        "participants": [{"participantId": "Invi/ted"}]}"##;
    let _ = session.response(NOW, invite.ticket.unwrap(), 200, None, answer);
    let withdrawn = Order::RemoveParticipant(ParticipantId::parse("Invi/ted"));
    let step = session.order(NOW, &withdrawn).unwrap();
    assert_eq!(step.requests[0].http.path, "/communications/calls/57DA/participants/Invi%2Fted");
}

#[test]
fn of_very_many_participants_those_with_a_place_are_kept() {
    let mut session = established();
    let all: Vec<_> = (0..600).map(|number| format!(r#"{{"id": "p-{number}"}}"#)).collect();
    let path = r#"{"changeType": "updated", "resourceUrl": "/communications/calls/57DA/participants", "resourceData":"#;
    let body = format!(r#"{{"value": [{path} [{}]}}]}}"#, all.join(","));
    let told = read_batch(body.as_bytes()).unwrap().notices.remove(0);
    let _ = session.notice(NOW, &told);
    assert!(session.participant(ParticipantId::parse("p-0")).is_some());
    assert!(session.participant(ParticipantId::parse("p-599")).is_none());
}

#[test]
fn what_only_beta_has_leaves_for_beta_and_only_where_that_is_on() {
    let mask = Order::Redirect(Redirect { mask: Mask::CALLER, ..Target::User("u".to_owned()).into() });
    let forever =
        Order::PlayPrompt { prompts: vec!["https://bot.example/a.wav".into()], repeat: Repeat::Forever };
    let incoming = notice("created", r#"{"state": "incoming"}"#);
    let mut settings = Settings::new("https://bot.example/1");
    let (off, _) = Session::offered(NOW, CallKey::new(1), &incoming, &settings).unwrap();
    for (order, member) in [(&mask, "maskCaller"), (&forever, "loop")] {
        let mut session = off.clone();
        assert_eq!(session.order(NOW, order), Err(OrderError::Beta { member }));
        assert_eq!(session, off, "nothing changed");
    }
    settings.beta = Beta::On;
    let (on, _) = Session::offered(NOW, CallKey::new(1), &incoming, &settings).unwrap();
    let step = through_bytes(&on).order(NOW, &mask).unwrap();
    assert_eq!(step.requests[0].http.version, Version::Beta);
    let plain = Order::Redirect(Target::User("u".to_owned()).into());
    assert_eq!(through_bytes(&on).order(NOW, &plain).unwrap().requests[0].http.version, Version::V1);
}

#[test]
fn a_call_that_may_ring_for_so_long_is_placed_in_beta() {
    let placement = Placement { ringing_timeout: Some(30), ..Placement::from(Target::User("u".to_owned())) };
    let mut settings = Settings::new("https://bot.example/1");
    let refused = Session::place(NOW, CallKey::new(1), &placement, &settings).unwrap_err();
    assert_eq!(refused, OrderError::Beta { member: "ringingTimeoutInSeconds" });
    settings.beta = Beta::On;
    let (_, step) = Session::place(NOW, CallKey::new(1), &placement, &settings).unwrap();
    assert_eq!(step.requests[0].http.version, Version::Beta);
    assert_eq!(body(&step.requests[0])["ringingTimeoutInSeconds"], 30);
    let plain = Placement { subject: Some("rota".to_owned()), ringing_timeout: None, ..placement };
    let (_, step) = Session::place(NOW, CallKey::new(1), &plain, &settings).unwrap();
    assert_eq!(step.requests[0].http.version, Version::V1);
    assert_eq!(body(&step.requests[0])["subject"], "rota");
}

#[test]
fn what_the_cloud_lacks_is_refused_by_name() {
    let incoming = notice("created", r#"{"state": "incoming"}"#);
    let mut settings = Settings::new("https://bot.example/1");
    settings.lacking = Actions::of(&[Action::SendDtmf]);
    let (session, _) = Session::offered(NOW, CallKey::new(1), &incoming, &settings).unwrap();
    let mut session = through_bytes(&session);
    let error = session.order(NOW, &Order::SendDtmf { tones: vec![Tone::Tone1], delay: None }).unwrap_err();
    assert_eq!(error, OrderError::NotInCloud { action: Action::SendDtmf });
    assert!(error.to_string().contains("sendDtmfTones is not offered in this cloud"), "{error}");
    assert!(session.order(NOW, &Order::Answer(Answer::default())).is_ok());
}

#[test]
fn the_answer_to_a_joining_participant_is_no_request() {
    let mut session = established();
    let order = Order::AnswerJoining(JoiningAnswer::Accept);
    assert!(session.order(NOW, &order).is_err(), "nobody is joining");
    let joining =
        notice("created", r##"{"@odata.type": "#microsoft.graph.participantJoiningNotification"}"##);
    assert!(session.notice(NOW, &joining).events.contains(&Event::Joining));
    let step = session.order(NOW, &order).unwrap();
    assert_eq!((&step.requests[..], &step.events[..]), (&[][..], &[][..]));
    assert!(step.joining_answer.unwrap().contains("acceptJoinResponse"));
}

#[test]
fn a_joining_participant_is_answered_once_whatever_is_repeated() {
    let mut session = established();
    let joining =
        notice("created", r##"{"@odata.type": "#microsoft.graph.participantJoiningNotification"}"##);
    for _ in 0..2 {
        let _ = session.joining(NOW, &joining, "1");
        let _ = session.joining(NOW, &joining, "2");
    }
    assert_eq!(session.joinings_waiting().collect::<Vec<_>>(), ["1", "2"]);
    let _ = session.answer_joining(NOW, "2", &JoiningAnswer::Accept);
    let reject = JoiningAnswer::Reject(RejectReason::Busy);
    let _ = session.answer_joining(NOW, "2", &reject);
    assert_eq!(session.joinings_waiting().collect::<Vec<_>>(), ["1"]);
    let _ = session.order(NOW, &Order::AnswerJoining(reject.clone())).unwrap();
    let (call, texts) = session.to_bytes().unwrap();
    let mut again = Session::from_bytes(&call, &texts).unwrap();
    assert_eq!(again.joining_answer("2"), Some(&JoiningAnswer::Accept));
    assert_eq!(again.joining_answer("1"), Some(&reject));
    assert!(again.joining(NOW, &joining, "1").events.is_empty());
    assert!(again.order(NOW, &Order::AnswerJoining(reject)).is_err(), "nobody waits any more");
}

#[test]
fn a_recording_is_found_by_the_ticket_of_its_command() {
    let mut session = established();
    let ticket = session.order(NOW, &Order::Record(Record::default())).unwrap().ticket.unwrap();
    assert_eq!(session.recording(ticket), None);
    let done = format!(
        r##"{{"@odata.type": "#microsoft.graph.recordOperation", "id": "o", "status": "completed",
            "clientContext": "0000000000000001-{}",
            "recordingLocation": "https://file.location/1", "recordingAccessToken": "t"}}"##,
        ticket.number()
    );
    let _ = session.notice(NOW, &notice("deleted", &done));
    assert_eq!(through_bytes(&session).recording(ticket).unwrap().location, "https://file.location/1");
}

#[test]
fn a_meeting_is_joined_in_its_own_tenant() {
    let mut settings = Settings::new("https://bot.example/1");
    settings.tenant_id = Some("the bot's".to_owned());
    let meeting = Meeting::Organizer {
        thread_id: "19:meeting_1@thread.v2".to_owned(),
        message_id: "0".to_owned(),
        reply_chain_message_id: None,
        organizer_id: "o".to_owned(),
        tenant_id: "the organizer's".to_owned(),
    };
    let (session, step) = Session::place(NOW, CallKey::new(1), &meeting.into(), &settings).unwrap();
    assert_eq!(body(&step.requests[0])["tenantId"], "the organizer's");
    assert_eq!(session.tenant_id(), Some("the organizer's"));
    let by_id = Meeting::JoinId { id: "1234567".to_owned(), passcode: Some("psw".into()) };
    assert!(!format!("{by_id:?}").contains("psw"));
    let (_, step) = Session::place(NOW, CallKey::new(1), &by_id.into(), &settings).unwrap();
    assert_eq!(body(&step.requests[0])["tenantId"], "the bot's");
}

#[test]
fn the_id_of_an_audio_routing_group_is_in_the_answer_to_its_creation() {
    let mut session = established();
    let roster =
        r##"[{"@odata.type": "#microsoft.graph.participant", "id": "a"}, {"id": "b"}, {"id": "c"}]"##;
    let _ = session.notice(NOW, &notice("updated", roster));
    let group = AudioRoutingGroup {
        mode: callflow_core::command::RoutingMode::OneToOne,
        source: ParticipantId::parse("a"),
        receivers: vec![ParticipantId::parse("b")],
    };
    let ticket = session.order(NOW, &Order::CreateAudioRoutingGroup(group)).unwrap().ticket.unwrap();
    let answer = br#"{"id": "g-1", "routingMode": "oneToOne", "sources": ["a"], "receivers": ["b"]}"#;
    let (step, _) = session.response(NOW, ticket, 200, None, answer);
    assert!(matches!(step.events[..], [Event::OperationEnded { .. }]), "{step:?}");
    assert_eq!(session.audio_routing_group(ticket), Some("g-1"));
}

#[test]
fn a_created_call_is_known_by_its_location() {
    let settings = Settings::new("https://bot.example/1");
    let (mut session, step) =
        Session::place(NOW, CallKey::new(1), &Target::User("u".to_owned()).into(), &settings).unwrap();
    let ticket = step.requests[0].ticket;
    let _ = session.response(NOW, ticket, 201, Some("https://graph/v1.0/communications/calls/2e1a/"), b"");
    assert_eq!(session.id(), Some("2e1a"));
    let step = session.order(NOW, &Order::HangUp).unwrap();
    assert_eq!(step.requests[0].http.path, "/communications/calls/2e1a");
}

#[test]
fn a_created_call_without_any_id_cannot_be_hung_up_and_says_so() {
    let settings = Settings::new("https://bot.example/1");
    let (mut session, step) =
        Session::place(NOW, CallKey::new(1), &Target::User("u".to_owned()).into(), &settings).unwrap();
    let (_, fault) = session.response(NOW, step.requests[0].ticket, 201, None, b"<html>");
    assert!(fault.is_some());
    let step = session.order(NOW, &Order::HangUp).unwrap();
    assert!(matches!(step.events[..], [Event::CommandFailed { status: 0, .. }]), "{step:?}");
}

#[test]
fn a_missing_permission_comes_with_its_number() {
    let settings = Settings::new("https://bot.example/1");
    let (mut session, step) =
        Session::place(NOW, CallKey::new(1), &Target::User("u".to_owned()).into(), &settings).unwrap();
    let body = br#"{"error": {"code": "7504", "message": "Insufficient enterprise tenant permissions."}}"#;
    let (step, _) = session.response(NOW, step.requests[0].ticket, 403, None, body);
    assert!(matches!(step.events[0], Event::CommandFailed { status: 403, code: 7504, .. }));
    assert!(session.call().state().is_ended());
}

#[test]
fn what_is_no_incoming_call_begins_no_session() {
    let settings = Settings::new("https://bot.example/1");
    let late = notice("updated", r#"{"state": "established"}"#);
    assert!(Session::offered(NOW, CallKey::new(1), &late, &settings).is_none());
}
