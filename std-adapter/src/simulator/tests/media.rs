use super::*;

fn record_body() -> Value {
    json!({"prompts": prompts(1), "maxSilenceTimeoutInSeconds": 2, "stopTones": ["#"]})
}

#[tokio::test(start_paused = true)]
async fn a_recording_ends_by_a_tone_by_silence_or_by_its_length() {
    let speak = |seconds| Step::Speak(Duration::from_secs(seconds));
    for (then, status, subcode, reason, seconds) in [
        (vec![speak(1)], "completed", 0, "maxSilenceTimeout", Some(3)),
        (vec![speak(1), Step::Press('1'), Step::Press('#')], "completed", 0, "stopToneDetected", Some(1)),
        (vec![speak(30)], "completed", 8515, "maxRecordDurationReached", Some(5)),
        (vec![], "failed", 8500, "initialSilenceTimeout", None),
    ] {
        let mut scene = scene(&["Calls.AccessMedia.All"]);
        let script = [vec![Step::AwaitPromptEnd], then, vec![Step::AwaitHangUp]].concat();
        let id = scene.answered(script).await;
        let operation = body_of(&scene.post(&format!("/{id}/recordResponse"), record_body()).await);
        let end = scene.end_of(&operation).await;
        assert_eq!((&end["status"], &end["completionReason"]), (&json!(status), &json!(reason)));
        assert_eq!(end["resultInfo"]["subcode"], subcode, "{reason}");
        let Some(seconds) = seconds else {
            assert_eq!((&end["recordingLocation"], &end["recordingAccessToken"]), (&json!(""), &json!("")));
            continue;
        };
        let fetch = async |token: &str| {
            let request = Request::get(end["recordingLocation"].as_str().unwrap());
            let request = request.header("authorization", format!("Bearer {token}"));
            scene.net.send(request.body(Bytes::new()).unwrap()).await.unwrap()
        };
        let fetched = fetch(end["recordingAccessToken"].as_str().unwrap()).await;
        assert_eq!(fetched.body().len(), 44 + seconds * 32_000, "{reason}");
        assert_eq!(fetch("another").await.status(), 401);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_cancelled_ends_once_each_and_what_comes_after_runs() {
    let mut scene = scene(&["Calls.AccessMedia.All"]);
    let id = scene.answered(vec![Step::AwaitHangUp]).await;
    let play = format!("/{id}/playPrompt");
    let first = body_of(&scene.post(&play, json!({"prompts": prompts(1)})).await);
    let second = body_of(&scene.post(&format!("/{id}/recordResponse"), record_body()).await);
    let answer = scene.post(&format!("/{id}/cancelMediaProcessing"), json!({"clientContext": "c"})).await;
    assert_eq!((answer.status, &body_of(&answer)["status"]), (200, &json!("completed")));
    assert_eq!(scene.end_of(&first).await["completionReason"], "mediaOperationCanceled");
    let end = scene.end_of(&second).await;
    assert_eq!((&end["status"], &end["resultInfo"]["subcode"]), (&json!("failed"), &json!(8508)));
    let third = body_of(&scene.post(&play, json!({"prompts": prompts(1)})).await);
    let (_, next) = scene.next().await;
    assert_eq!((&next["id"], &next["status"]), (&third["id"], &json!("completed")), "nothing is told twice");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_barges_in_ends_the_others() {
    let mut scene = scene(&["Calls.AccessMedia.All"]);
    let id = scene.answered(vec![Step::AwaitHangUp]).await;
    let first = body_of(&scene.post(&format!("/{id}/playPrompt"), json!({"prompts": prompts(1)})).await);
    let mut body = record_body();
    body["bargeInAllowed"] = json!(true);
    scene.post(&format!("/{id}/recordResponse"), body).await;
    assert_eq!(scene.end_of(&first).await["completionReason"], "mediaOperationCanceled");
}

#[tokio::test(start_paused = true)]
async fn media_requests_out_of_their_limits_are_refused() {
    let mut scene = scene(&["Calls.AccessMedia.All"]);
    let id = scene.answered(vec![]).await;
    let bad = (400, "BadRequest");
    let record = |name: &str, value: Value| ("/recordResponse", json!({name: value}), bad);
    scene
        .check(
            &id,
            [
                ("/playPrompt", json!({"prompts": prompts(21)}), bad),
                record("prompts", prompts(2)),
                record("maxRecordDurationInSeconds", json!(0)),
                record("maxRecordDurationInSeconds", json!(121)),
                record("stopTones", json!(["pound"])),
                ("/sendDtmfTones", json!({"tones": []}), bad),
                ("/sendDtmfTones", json!({"tones": ["tone10"]}), bad),
                ("/playPrompt", json!({"prompts": prompts(1), "clientContext": "x".repeat(257)}), bad),
            ],
        )
        .await;
    assert_eq!(scene.post(&format!("/{id}/playPrompt"), json!({"prompts": prompts(20)})).await.status, 200);
    scene.simulator.revoke(APP, "Calls.AccessMedia.All");
    for path in ["/recordResponse", "/subscribeToTone", "/sendDtmfTones"] {
        let answer = scene.post(&format!("/{id}{path}"), json!({"tones": ["tone1"]})).await;
        assert_eq!(code(&answer), (403, "7504".to_owned()), "{path}");
        assert!(body_of(&answer)["error"]["message"].as_str().unwrap().contains("Calls.AccessMedia.All"));
    }
}

#[tokio::test(start_paused = true)]
async fn tones_are_sent_with_their_delay_and_in_either_spelling() {
    let mut scene = scene(&["Calls.AccessMedia.All"]);
    let id = scene.answered(vec![]).await;
    let before = scene.clock.now_millis();
    let body = json!({"tones": ["Tone1", "star", "POUND"], "delayBetweenTonesMs": 1000});
    let operation = body_of(&scene.post(&format!("/{id}/microsoft.graph.sendDtmfTones"), body).await);
    assert_eq!(scene.end_of(&operation).await["completionReason"], "completedSuccessfully");
    assert!(scene.clock.now_millis() - before >= 2000);
}

/// Source: Graph docs, call: playPrompt (beta).
#[tokio::test(start_paused = true)]
async fn in_beta_a_prompt_is_played_again_until_it_is_cancelled() {
    let mut scene = scene(&[]);
    let id = scene.answered(vec![Step::AwaitHangUp]).await;
    let body = json!({"prompts": prompts(1), "loop": true}).to_string();
    let path = format!("/beta/communications/calls/{id}/playPrompt");
    let operation = scene.raw(Method::POST, &path, body.clone()).await.body;
    tokio::time::sleep(Duration::from_secs(14)).await;
    assert_eq!(scene.simulator.call(&id).unwrap().prompts_ended, 3);
    scene.post(&format!("/{id}/cancelMediaProcessing"), json!({})).await;
    assert_eq!(scene.end_of(&operation).await["completionReason"], "mediaOperationCanceled");
    let refused = scene.raw(Method::POST, &path.replace("beta", "v1.0"), body).await;
    assert_eq!((refused.status, refused.why()), (400, "Only the beta version has loop."));
}
