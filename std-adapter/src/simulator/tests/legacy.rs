use super::*;

/// Source: the vendor's article on calling notifications: 204 has the call sent again in Graph's format.
#[tokio::test(start_paused = true)]
async fn a_call_that_comes_in_the_legacy_format_comes_again_when_it_is_refused_with_204() {
    for (status, comes_again) in [(204, true), (202, false), (500, false)] {
        let mut scene = scene(&["Calls.Initiate.All"]);
        scene
            .simulator
            .world
            .registrations
            .write()
            .unwrap()
            .get_mut(APP)
            .unwrap()
            .is_announced_in_legacy_format = true;
        scene.answers_with.store(status, Ordering::SeqCst);
        let id = scene.simulator.call_bot("ada", APP, vec![]).unwrap();
        let (_, legacy) = scene.told.recv().await.unwrap();
        assert!(legacy.get("value").is_none());
        assert_eq!((&legacy["id"], &legacy["callState"]), (&json!(id), &json!("incoming")));
        assert_eq!(legacy["participants"][0]["identity"]["user"]["id"], "ada");
        assert_eq!(legacy["participants"][1]["identity"]["application"]["id"], APP);
        scene.answers_with.store(202, Ordering::SeqCst);
        let (change, data) = scene.next().await;
        if comes_again {
            assert_eq!((change.as_str(), data["state"].as_str()), ("created", Some("incoming")));
            assert_eq!(scene.post(&format!("/{id}/answer"), answer_body()).await.status, 202);
        } else {
            assert_eq!(
                (change.as_str(), &data["resultInfo"]["subcode"]),
                ("deleted", &json!(10057)),
                "{status}"
            );
        }
    }
}
