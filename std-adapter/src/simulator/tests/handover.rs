use super::*;

#[tokio::test(start_paused = true)]
async fn a_redirected_call_ends_when_somebody_picks_up_or_its_time_is_over() {
    for (target, seconds, has_result) in [("ada", 2, false), ("eve", 15, true), ("bob", 15, true)] {
        let mut scene = scene(&["Calls.Initiate.All"]);
        let id = scene.ring(vec![]).await;
        let before = scene.clock.now_millis();
        let body = json!({"targets": invited(&[target]), "timeout": 15});
        assert_eq!(scene.post(&format!("/{id}/redirect"), body).await.status, 202);
        let call = body_of(&scene.send(Method::GET, &format!("/{id}"), Value::Null).await);
        assert_eq!(call["state"], "redirecting");
        scene.check(&id, [("/reject", json!({"reason": "busy"}), (400, "8523"))]).await;
        let end = scene.until(|change, _| change == "deleted").await;
        assert_eq!((scene.clock.now_millis() - before) / 1000, seconds, "{target}");
        assert_eq!(end["resultInfo"].is_object(), has_result, "{target}");
    }
}

#[tokio::test(start_paused = true)]
async fn redirects_and_transfers_out_of_their_limits_are_refused() {
    let mut scene = scene(&EVERY_PERMISSION);
    let id = scene.ring(vec![]).await;
    let bad = (400, "BadRequest");
    let redirect =
        |targets: Value, timeout: u32| ("/redirect", json!({"targets": targets, "timeout": timeout}), bad);
    scene
        .check(
            &id,
            [
                redirect(json!([]), 20),
                redirect(invited(&["ada"; 26]), 20),
                redirect(invited(&["ada"]), 14),
                redirect(invited(&["ada"]), 91),
                redirect(invited(&["nobody"]), 20),
                ("/transfer", json!({}), bad),
                ("/transfer", json!({"transferTarget": invited(&["nobody"])[0]}), bad),
                ("/transfer", json!({"transferTarget": invited(&["ada"])[0]}), (400, "8523")),
            ],
        )
        .await;
    let most = json!({"targets": invited(&["eve"; 25]), "timeout": 90});
    assert_eq!(scene.post(&format!("/{id}/redirect"), most).await.status, 202);
    let id = scene.answered(vec![]).await;
    scene.check(&id, [("/redirect", json!({"targets": invited(&["ada"])}), (400, "8523"))]).await;
    scene.simulator.revoke(APP, "Calls.Initiate.All");
    for path in ["/redirect", "/transfer"] {
        scene.check(&id, [(path, json!({}), (403, "7504"))]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_transfer_that_fails_leaves_the_call_and_one_that_is_taken_ends_it() {
    let mut scene = scene(&["Calls.Initiate.All"]);
    let id = scene.answered(vec![]).await;
    let transfer = |to: &str| json!({"transferTarget": invited(&[to])[0]});
    assert_eq!(scene.post(&format!("/{id}/transfer"), transfer("bob")).await.status, 202);
    scene.check(&id, [("/transfer", transfer("ada"), (400, "8523"))]).await;
    let back = scene.until(|_, data| data["state"] == "established").await;
    assert_eq!(back["resultInfo"]["subCode"], 7700);
    assert_eq!(scene.post(&format!("/{id}/transfer"), transfer("ada")).await.status, 202);
    assert_eq!(
        scene.states().await,
        ["updated/transferring", "updated/transferAccepted", "deleted/terminated"]
    );
    assert_eq!(scene.simulator.call(&id).unwrap().result, Some((0, 7015)));
}

#[tokio::test(start_paused = true)]
async fn a_hang_up_in_a_transfer_ends_the_call_once() {
    let mut scene = scene(&["Calls.Initiate.All"]);
    let id = scene.answered(vec![]).await;
    let body = json!({"transferTarget": invited(&["eve"])[0]});
    scene.post(&format!("/{id}/transfer"), body).await;
    scene.send(Method::DELETE, &format!("/{id}"), Value::Null).await;
    scene.states().await;
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert!(scene.told.try_recv().is_err(), "nothing is told after the end");
}

/// Source: Graph docs, call: redirect, example 1.
#[tokio::test(start_paused = true)]
async fn a_call_is_redirected_to_another_app() {
    for answers in [true, false] {
        let mut scene = scene(&["Calls.Initiate.All"]);
        let other = Registration::new("app-2", TENANT, "s3cret", "https://bot.test/calls");
        scene.simulator.world.registrations.write().unwrap().insert("app-2".to_owned(), other.clone());
        let id = scene.ring(vec![]).await;
        let to = |app: &str| json!({"targets": [{"identity": {"application": {"id": app}}}]});
        scene
            .check(
                &id,
                [
                    ("/redirect", to("app-3"), (400, "BadRequest")),
                    ("/redirect", to(APP), (400, "BadRequest")),
                ],
            )
            .await;
        assert_eq!(scene.post(&format!("/{id}/redirect"), to("app-2")).await.status, 202);
        let told = scene.until(|change, _| change == "created").await;
        assert_eq!(told["targets"][0]["identity"]["application"]["id"], "app-2");
        if answers {
            let token = scene.simulator.world.keys.for_graph(&other, scene.clock.now_seconds()).unwrap();
            let place = told["@odata.id"].as_str().unwrap();
            let request = Request::post(format!("https://graph.test/v1.0{place}/answer"))
                .header("authorization", format!("Bearer {token}"));
            assert_eq!(scene.raw_with(request, answer_body().to_string()).await.status, 202);
        }
        let end =
            scene.until(|change, data| change == "deleted" && data["resultInfo"].is_null() == answers).await;
        assert_eq!(end["answeredBy"]["identity"]["application"]["id"] == "app-2", answers);
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(scene.simulator.call(&id).unwrap().state, "terminated");
    }
}
