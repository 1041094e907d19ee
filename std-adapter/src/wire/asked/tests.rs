use callflow_core::command::{Modalities, RejectReason, Repeat};

use super::*;
use crate::wire::placement::{Caller, Destination, Meeting, Target};

const CALL: &str = "/communications/calls/57DA";

fn order(action: &str, body: &str) -> Order {
    match read_request(Method::Post, &format!("{CALL}/{action}"), body.as_bytes()).unwrap().what {
        Ask::Order(order) => order,
        other => panic!("{other:?}"),
    }
}

fn created(body: &str) -> (Placement, Option<String>) {
    match read_request(Method::Post, "/communications/calls", body.as_bytes()).unwrap().what {
        Ask::Create { placement, tenant_id } => (*placement, tenant_id),
        other => panic!("{other:?}"),
    }
}

#[test]
fn paths_of_either_version_and_spelling_name_the_same() {
    for path in [
        "https://graph.microsoft.com/v1.0/communications/calls/57DA/mute",
        "https://graph.microsoft.com/beta/communications/calls/57DA/microsoft.graph.mute",
        "/app/calls/57DA/mute/",
        "communications/Calls/57DA/mute?x=1",
    ] {
        let asked = read_request(Method::Post, path, b"").unwrap();
        assert_eq!(asked.call.as_deref(), Some("57DA"), "{path}");
        assert_eq!(asked.what, Ask::Order(Order::Mute), "{path}");
    }
}

#[test]
fn what_has_no_body() {
    let participant = ParticipantId::parse("p/1");
    for (method, below, what) in [
        (Method::Get, "", Ask::Order(Order::Refresh)),
        (Method::Delete, "", Ask::Order(Order::HangUp)),
        (Method::Post, "/keepAlive", Ask::Order(Order::KeepAlive)),
        (Method::Get, "/participants", Ask::ListParticipants),
        (Method::Get, "/operations/0F", Ask::GetOperation("0F".to_owned())),
        (Method::Delete, "/participants/p%2F1", Ask::Order(Order::RemoveParticipant(participant))),
        (
            Method::Delete,
            "/audioRoutingGroups/g",
            Ask::Order(Order::DeleteAudioRoutingGroup { id: "g".to_owned() }),
        ),
        (Method::Post, "/unheardOf", Ask::Other(format!("POST {CALL}/unheardOf"))),
    ] {
        assert_eq!(
            read_request(method, &format!("{CALL}{below}"), b"").unwrap().what,
            what,
            "{method} {below}"
        );
    }
    let elsewhere = read_request(Method::Get, "/me/onlineMeetings", b"").unwrap();
    assert_eq!((elsewhere.call, elsewhere.what), (None, Ask::Other("GET /me/onlineMeetings".to_owned())));
}

#[test]
fn what_is_left_out_has_its_default() {
    assert_eq!(order("reject", "{}"), Order::Reject(RejectReason::None));
    assert_eq!(order("recordResponse", "{}"), Order::Record(crate::wire::order::Record::default()));
    let play = order("playPrompt", r#"{"prompts": [{"mediaInfo": {"uri": "https://bot.example/a.wav"}}]}"#);
    assert_eq!(
        play,
        Order::PlayPrompt { prompts: vec!["https://bot.example/a.wav".into()], repeat: Repeat::Once }
    );
}

#[test]
fn a_call_to_a_user_as_sdks_write_it() {
    let (placement, tenant_id) = created(
        r##"{"callbackUri": "https://bot.example/1", "mediaConfig": {"preFetchMedia": [], "@odata.type": "#microsoft.graph.serviceHostedMediaConfig"},
            "requestedModalities": ["Audio"], "source": null, "tenantId": "t",
            "targets": [{"identity": {"user": {"id": "u", "@odata.type": "#microsoft.graph.identity"}, "phone": null}}]}"##,
    );
    assert_eq!(placement.to, Destination::Targets(vec![Target::User("u".to_owned())]));
    assert_eq!((placement.source, placement.modalities), (Caller::Bot, Modalities::AUDIO));
    assert_eq!(tenant_id.as_deref(), Some("t"));
}

#[test]
fn the_tenant_of_a_meeting_may_stand_on_the_call_only() {
    let (placement, _) = created(
        r#"{"callbackUri": "https://bot.example/1", "mediaConfig": {"@odata.type": "microsoft.graph.appHostedMediaConfig"}, "tenantId": "t",
            "chatInfo": {"threadId": "19:x", "messageId": "0"}, "meetingInfo": {"organizer": {"user": {"id": "o"}}}}"#,
    );
    let Destination::Meeting(Meeting::Organizer { tenant_id, thread_id, .. }) = placement.to else {
        panic!()
    };
    assert_eq!((tenant_id.as_str(), thread_id.as_str()), ("t", "19:x"));
}

#[test]
fn what_cannot_be_read_is_told_by_its_member() {
    for (action, body, words) in [
        ("/reject", r#"{"reason": "bored"}"#, "member reason: `bored` is none of none, busy, forbidden"),
        (
            "/transfer",
            r#"{"transferTarget": {"identity": {"encrypted": {"id": "x"}}}}"#,
            "`encrypted` cannot be called",
        ),
        ("/transfer", r#"{"transferTarget": {"identity": {}}}"#, "without an identity"),
        ("/recordResponse", r#"{"stopTones": ["tone1"]}"#, "`tone1` is no key"),
        ("/playPrompt", "{\n\"prompts\": 1}", "line 2, member prompts"),
        (
            "/audioRoutingGroups",
            r#"{"routingMode": "multicast", "sources": [], "receivers": []}"#,
            "one source is expected",
        ),
        (
            "/sendDtmfTones",
            r#"{"tones": ["unrecognised"]}"#,
            "member tones[0]: `unrecognised` is none of tone0",
        ),
        ("/answer", "{}", "missing field `mediaConfig`"),
        (
            "",
            r##"{"mediaConfig": {"@odata.type": "#microsoft.graph.noMediaConfig"}}"##,
            "`noMediaConfig` is none of",
        ),
        (
            "",
            r##"{"mediaConfig": {"@odata.type": "#microsoft.graph.serviceHostedMediaConfig"}, "meetingInfo": {}}"##,
            "member meetingInfo.organizer: missing",
        ),
        ("/mute", "no JSON", "line 1"),
    ] {
        let path =
            if action.is_empty() { "/communications/calls".to_owned() } else { format!("{CALL}{action}") };
        let fault = read_request(Method::Post, &path, body.as_bytes()).unwrap_err();
        assert!(fault.to_string().contains(words), "{action}: {fault}");
    }
}

#[test]
fn members_that_nothing_reads_are_named() {
    let asked = read_request(
        Method::Post,
        &format!("{CALL}/transfer"),
        br#"{"transferTarget": {"endpointType": "default", "identity": {"user": {"id": "u"}}}, "clientContext": "c", "mood": 1}"#,
    )
    .unwrap();
    assert_eq!(asked.client_context.as_deref(), Some("c"));
    assert_eq!(asked.ignored, ["transferTarget.endpointType", "mood"]);
}
