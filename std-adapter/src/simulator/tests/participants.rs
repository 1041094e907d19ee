use super::*;

#[tokio::test(start_paused = true)]
async fn a_peer_to_peer_call_becomes_a_group_when_an_invitation_is_answered() {
    let mut scene = scene(&EVERY_PERMISSION);
    let id = scene.answered(vec![Step::AwaitHangUp]).await;
    let call = format!("/{id}");
    let list = async |scene: &Scene| {
        let list = scene.send(Method::GET, &format!("/{id}/participants"), Value::Null).await;
        body_of(&list)["value"].as_array().unwrap().len()
    };
    assert_eq!(list(&scene).await, 0);
    let invite = |users: &[&str]| ("/participants/invite", json!({"participants": invited(users)}));
    let refused = (400, "8523");
    let (path, several) = invite(&["bob", "eve"]);
    scene.check(&id, [(path, several, refused), ("/mute", json!({}), refused)]).await;
    // A roster comes as soon as the invitation is taken, and stays where it is declined; a group comes with an answer.
    let (path, one) = invite(&["bob"]);
    let operation = body_of(&scene.post(&format!("{call}{path}"), one).await);
    assert_eq!(operation["status"], "Running");
    assert!(operation["participants"][0]["participantId"].is_string());
    assert_eq!(scene.roster().await.len(), 2);
    let end = scene.end_of(&operation).await;
    assert_eq!((&end["status"], &end["resultInfo"]["subcode"]), (&json!("failed"), &json!(10134)));
    scene.check(&id, [("/mute", json!({}), refused)]).await;
    scene.simulator.add_person(Person {
        id: "cy".to_owned(),
        display_name: "cy".to_owned(),
        when_rung: WhenRung::PickUp { after: Duration::from_secs(1), then: vec![Step::AwaitHangUp] },
    });
    let (path, one) = invite(&["cy"]);
    let operation = body_of(&scene.post(&format!("{call}{path}"), one.clone()).await);
    assert_eq!(scene.end_of(&operation).await["status"], "completed");
    assert_eq!(scene.roster().await.len(), 3);
    assert_eq!(list(&scene).await, 3);
    assert_eq!(scene.post(&format!("{call}/mute"), Value::Null).await.status, 200);
    scene.check(&id, [(path, one, (400, "BadRequest"))]).await;
}

#[tokio::test(start_paused = true)]
async fn who_mutes_himself_or_shares_is_told_of_in_the_roster() {
    let mut scene = scene(&EVERY_PERMISSION);
    let mut body = meeting_body();
    body["mediaConfig"] = json!({"@odata.type": "#microsoft.graph.appHostedMediaConfig", "blob": "<opaque>"});
    let (id, bot) = scene.established(body).await;
    let me = |people: &[Value]| people.iter().find(|one| one["id"] == json!(bot)).unwrap().clone();
    while scene.roster().await.len() != 2 {}
    for (action, is_muted) in [("mute", true), ("unmute", false)] {
        let answer = scene.post(&format!("/{id}/{action}"), json!({"clientContext": "c"})).await;
        assert_eq!((answer.status, &body_of(&answer)["status"]), (200, &json!("completed")));
        let me = me(&scene.roster().await);
        assert_eq!(
            (&me["isMuted"], &me["mediaStreams"][0]["serverMuted"]),
            (&json!(is_muted), &json!(is_muted))
        );
    }
    for (role, streams) in [("Sharer", 2), ("viewer", 1)] {
        let answer = scene.post(&format!("/{id}/changeScreenSharingRole"), json!({"role": role})).await;
        assert_eq!(answer.status, 202);
        assert_eq!(me(&scene.roster().await)["mediaStreams"].as_array().unwrap().len(), streams);
    }
    let hosted = (400, "8523");
    scene
        .check(
            &id,
            [
                ("/playPrompt", json!({"prompts": prompts(1)}), hosted),
                ("/recordResponse", json!({}), hosted),
                ("/subscribeToTone", json!({}), hosted),
                ("/cancelMediaProcessing", json!({}), hosted),
                ("/changeScreenSharingRole", json!({"role": "host"}), (400, "BadRequest")),
            ],
        )
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_invitation_that_is_withdrawn_fails() {
    let mut scene = scene(&EVERY_PERMISSION);
    let (id, _) = scene.established(meeting_body()).await;
    let body = json!({"participants": invited(&["ada"])});
    let operation = body_of(&scene.post(&format!("/{id}/participants/invite"), body).await);
    let participant = operation["participants"][0]["participantId"].as_str().unwrap();
    let path = format!("/{id}/participants/{participant}");
    assert_eq!(scene.send(Method::DELETE, &path, Value::Null).await.status, 204);
    let end = scene.end_of(&operation).await;
    assert_eq!((&end["status"], &end["resultInfo"]["subcode"]), (&json!("failed"), &json!(8508)));
    assert_eq!(scene.send(Method::DELETE, &path, Value::Null).await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn whom_an_invitation_replaces_is_moved_and_his_call_ends() {
    let mut scene = scene(&EVERY_PERMISSION);
    let peer = scene.answered(vec![Step::AwaitHangUp]).await;
    let (id, _) = scene.established(meeting_body()).await;
    let participant = json!({"identity": {"user": {"id": "ada"}}, "replacesCallId": peer});
    // The rest of the list is ignored.
    let body = json!({"participants": [participant, {"identity": {"user": {"id": "nobody"}}}]});
    assert_eq!(scene.post(&format!("/{id}/participants/invite"), body).await.status, 200);
    scene.until(|change, data| change == "deleted" && data["state"] == "terminated").await;
    assert_eq!(scene.simulator.call(&peer).unwrap().state, "terminated");
    assert_eq!(scene.simulator.call(&id).unwrap().state, "established");
}

#[tokio::test(start_paused = true)]
async fn one_participant_at_a_time_hears_hold_music() {
    let mut scene = scene(&EVERY_PERMISSION);
    let (id, bot) = scene.established(meeting_body()).await;
    let people = body_of(&scene.send(Method::GET, &format!("/{id}/participants"), Value::Null).await);
    let eve =
        people["value"].as_array().unwrap().iter().find(|one| one["id"] != json!(bot)).unwrap()["id"].clone();
    let path = |who: &str, action: &str| format!("/participants/{who}/{action}");
    let (eve, refused) = (eve.as_str().unwrap(), (400, "8523"));
    let (start, stop) = (path(eve, "startHoldMusic"), path(eve, "stopHoldMusic"));
    scene.check(&id, [(stop.as_str(), json!({}), refused)]).await;
    let answer = scene.post(&format!("/{id}{start}"), json!({"clientContext": "hold"})).await;
    assert_eq!((answer.status, &body_of(&answer)["status"]), (202, &json!("running")));
    assert_eq!(scene.end_of(&body_of(&answer)).await["clientContext"], "hold");
    scene
        .check(
            &id,
            [
                (path(&bot, "startHoldMusic").as_str(), json!({}), refused),
                (path(&bot, "stopHoldMusic").as_str(), json!({}), refused),
                (path(eve, "startHoldMusic").as_str(), json!({"customPrompt": {}}), (400, "BadRequest")),
                (path("nobody", "startHoldMusic").as_str(), json!({}), (404, "NotFound")),
                (path("nobody", "mute").as_str(), json!({}), (404, "NotFound")),
                (path(eve, "admitFromLobby").as_str(), json!({}), (400, "BadRequest")),
            ],
        )
        .await;
    let answer = scene.post(&format!("/{id}{stop}"), Value::Null).await;
    assert_eq!((answer.status, &body_of(&answer)["status"]), (202, &json!("completed")));
}

#[tokio::test(start_paused = true)]
async fn a_recorder_is_called_with_its_context_and_answers_within_five_seconds() {
    let mut scene = scene(&EVERY_PERMISSION);
    scene.simulator.call_recorder("ada", APP, vec![]).unwrap();
    let (_, late) = scene.next().await;
    assert_eq!(late["meetingInfo"]["@odata.type"], "#microsoft.graph.tokenMeetingInfo");
    assert!(late["incomingContext"]["observedParticipantId"].is_string());
    let before = scene.clock.now_millis();
    assert_eq!(scene.states().await, ["deleted/terminated"]);
    assert_eq!(scene.clock.now_millis() - before, 5000);

    let id = scene.simulator.call_recorder("ada", APP, vec![Step::AwaitHangUp]).unwrap();
    let status = format!("/{id}/updateRecordingStatus");
    let recording = json!({"status": "Recording"});
    assert_eq!(code(&scene.post(&status, recording.clone()).await), (400, "8523".to_owned()));
    assert_eq!(scene.post(&format!("/{id}/answer"), answer_body()).await.status, 202);
    scene.until(|_, data| data["mediaState"]["audio"] == "active").await;
    assert_eq!(scene.post(&status, recording.clone()).await.status, 200);
    assert_eq!(code(&scene.post(&status, json!({"status": "paused"})).await), (400, "BadRequest".to_owned()));

    let (id, _) = scene.established(meeting_body()).await;
    let other = scene.post(&format!("/{id}/updateRecordingStatus"), recording).await;
    assert_eq!(code(&other), (400, "8523".to_owned()), "only by policy");

    scene.simulator.revoke(APP, "Calls.JoinGroupCall.All");
    let id = scene.simulator.call_recorder("ada", APP, vec![]).unwrap();
    assert_eq!(code(&scene.post(&format!("/{id}/answer"), answer_body()).await), (403, "7504".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_large_gallery_view_joins_the_roster() {
    let mut scene = scene(&EVERY_PERMISSION);
    let (id, _) = scene.established(meeting_body()).await;
    let answer = scene.post(&format!("/{id}/addLargeGalleryView"), Value::Null).await;
    assert_eq!(answer.status, 202);
    assert_eq!(scene.end_of(&body_of(&answer)).await["status"], "completed");
    let people = scene.roster().await;
    assert_eq!(
        people.last().unwrap()["info"]["identity"]["application"]["ApplicationType"],
        "LargeGallery-V2"
    );
}
