use super::*;

fn with_option(mut body: Value, kind: &str, name: &str) -> Value {
    body["callOptions"] = json!({"@odata.type": format!("#microsoft.graph.{kind}"), name: true});
    body
}

/// Source: Graph docs, deltaParticipants; participant (rosterSequenceNumber, removedState).
#[tokio::test(start_paused = true)]
async fn who_asks_for_deltas_hears_what_changed() {
    let mut scene = scene(&EVERY_PERMISSION);
    let body = with_option(meeting_body(), "outgoingCallOptions", "isDeltaRosterEnabled");
    let call = body_of(&scene.post("", body).await);
    let (id, bot) = (call["id"].as_str().unwrap(), &call["myParticipantId"]);
    let delta = async |scene: &mut Scene| {
        let data = scene.until(|_, data| data["@odata.type"] == "#microsoft.graph.deltaParticipants").await;
        (data["sequenceNumber"].as_u64().unwrap(), data["participants"].as_array().unwrap().clone())
    };
    let (first, people) = delta(&mut scene).await;
    assert_eq!((first, people.len(), &people[0]["id"]), (1, 1, bot));
    let (second, people) = delta(&mut scene).await;
    assert_eq!((second, people.len(), &people[0]["rosterSequenceNumber"]), (2, 1, &json!(2)));
    let eve = people[0]["id"].as_str().unwrap();
    assert_eq!(scene.post(&format!("/{id}/mute"), Value::Null).await.status, 200);
    let (third, people) = delta(&mut scene).await;
    assert_eq!((third, people.len(), &people[0]["id"]), (3, 1, bot));
    assert_eq!((&people[0]["isMuted"], &people[0]["removedState"]), (&json!(true), &Value::Null));
    let gone = scene.send(Method::DELETE, &format!("/{id}/participants/{eve}"), Value::Null).await;
    assert_eq!(gone.status, 204);
    let (_, people) = delta(&mut scene).await;
    assert_eq!((people.len(), &people[0]["id"]), (1, &json!(eve)));
    assert!(people[0]["removedState"]["reason"].is_string());
}

/// Source: Graph docs, call: create, answer: only who asked for it is told; the sessions are there for all.
#[tokio::test(start_paused = true)]
async fn who_asks_for_it_hears_of_what_is_shared() {
    let second = Duration::from_secs(1);
    for is_asked_for in [true, false] {
        let mut scene = scene(&EVERY_PERMISSION);
        let script = vec![
            Step::AwaitAnswer,
            Step::Wait(second),
            Step::Share,
            Step::Wait(second),
            Step::StopSharing,
            Step::HangUp,
        ];
        let id = scene.ring(script).await;
        let body = if is_asked_for {
            with_option(answer_body(), "incomingCallOptions", "isContentSharingNotificationEnabled")
        } else {
            answer_body()
        };
        assert_eq!(scene.post(&format!("/{id}/answer"), body).await.status, 202);
        scene.until(|_, data| data["mediaState"]["audio"] == "active").await;
        tokio::time::sleep(second + second / 2).await;
        let sessions = format!("/{id}/contentSharingSessions");
        let list = body_of(&scene.send(Method::GET, &sessions, Value::Null).await)["value"].clone();
        assert_eq!(list.as_array().unwrap().len(), 1);
        let one = format!("{sessions}/{}", list[0]["id"].as_str().unwrap());
        assert_eq!(body_of(&scene.send(Method::GET, &one, Value::Null).await), list[0]);
        let mut changes = Vec::new();
        loop {
            let (change, data) = scene.next().await;
            if data[0]["@odata.type"] == "#microsoft.graph.contentSharingSession" {
                assert_eq!(data[0]["id"], list[0]["id"]);
                changes.push(change);
            } else if change == "deleted" {
                break;
            }
        }
        let expected: &[&str] = if is_asked_for { &["created", "deleted"] } else { &[] };
        assert_eq!(changes, expected);
    }
}
