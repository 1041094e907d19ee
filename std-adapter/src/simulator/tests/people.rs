use super::*;

impl Scene {
    fn add(&self, id: &str, when_rung: WhenRung) {
        self.simulator.add_person(Person { id: id.to_owned(), display_name: id.to_owned(), when_rung });
    }

    /// What is told of the call itself until it is over: its states, and its last data.
    async fn course(&mut self) -> (Vec<String>, Value) {
        let mut states = Vec::new();
        loop {
            let (change, data) = self.next().await;
            if data["@odata.type"] != "#microsoft.graph.call" {
                continue;
            }
            let audio = data["mediaState"]["audio"].as_str().unwrap_or_default();
            states.push(format!("{} {audio}", data["state"].as_str().unwrap()).trim_end().to_owned());
            if change == "deleted" {
                return (states, data);
            }
        }
    }
}

const SECOND: Duration = Duration::from_secs(1);

/// Source: Graph docs, call: delete, the codes with which calls end.
#[tokio::test(start_paused = true)]
async fn who_does_not_take_a_call_ends_it_with_his_code() {
    let to = || "ada".to_owned();
    for (when_rung, expected) in [
        (WhenRung::Decline, (480, 10134)),
        (WhenRung::Ignore, (200, 5002)),
        (WhenRung::Busy, (486, 560_486)),
        (WhenRung::Unreachable, (480, 10076)),
        (WhenRung::NoEndpoint, (480, 10037)),
        (WhenRung::NoSignaling, (408, 10057)),
        (WhenRung::PrivateCallingDisabled, (480, 10199)),
        (WhenRung::AcceptanceLost { after: SECOND }, (408, 1106)),
        // It rings 60 seconds at most.
        (WhenRung::PickUp { after: 61 * SECOND, then: vec![] }, (200, 5002)),
        (WhenRung::VoiceMail { after: 61 * SECOND }, (200, 5002)),
        (WhenRung::Forward { to: "nobody".to_owned() }, (200, 5002)),
        // Two who forward to each other.
        (WhenRung::Forward { to: "bob".to_owned() }, (200, 5002)),
    ] {
        let mut scene = scene(&["Calls.Initiate.All"]);
        scene.add("bob", when_rung.clone());
        scene.post("", create_body("bob")).await;
        let (states, end) = scene.course().await;
        assert_eq!(states, ["establishing", "terminated"], "{when_rung:?}");
        let result = &end["resultInfo"];
        assert_eq!(
            (&result["code"], &result["subcode"]),
            (&json!(expected.0), &json!(expected.1)),
            "{when_rung:?}"
        );
    }
    let mut scene = scene(&["Calls.Initiate.All"]);
    scene.add("bob", WhenRung::NoMedia { after: SECOND });
    scene.post("", create_body("bob")).await;
    let (states, end) = scene.course().await;
    assert_eq!(states, ["establishing", "established", "terminated"], "never with media");
    assert_eq!((&end["resultInfo"]["code"], &end["resultInfo"]["subcode"]), (&json!(410), &json!(301_005)));
    scene.add("bob", WhenRung::Forward { to: to() });
    scene.post("", create_body("bob")).await;
    let (states, end) = scene.course().await;
    assert_eq!(states, ["establishing", "established", "established active", "terminated"]);
    assert_eq!(end["resultInfo"]["subcode"], 4521, "ada hung up");
}

#[tokio::test(start_paused = true)]
async fn who_took_the_call_is_told_of() {
    let mut scene = scene(&["Calls.Initiate.All"]);
    for (when_rung, by, endpoint, is_forwarded) in [
        (WhenRung::PickUp { after: SECOND, then: vec![Step::HangUp] }, "bob", "default", false),
        (WhenRung::Forward { to: "ada".to_owned() }, "ada", "default", true),
        (WhenRung::VoiceMail { after: 20 * SECOND }, "bob", "voicemail", false),
    ] {
        scene.add("bob", when_rung.clone());
        scene.post("", create_body("bob")).await;
        let told = scene.until(|_, data| data["state"] == "established").await;
        assert_eq!(told["answeredBy"]["identity"]["user"]["id"], by, "{when_rung:?}");
        assert_eq!(told["answeredBy"]["endpointType"], endpoint);
        let route = &told["callRoutes"][0];
        assert_eq!(route["routingType"] == "forwarded", is_forwarded);
        if is_forwarded {
            assert_eq!(
                (&route["original"]["user"]["id"], &route["final"]["user"]["id"]),
                (&json!("bob"), &json!("ada"))
            );
        }
        let before = scene.clock.now_millis();
        scene.until(|change, _| change == "deleted").await;
        if endpoint == "voicemail" {
            assert!(scene.clock.now_millis() - before >= 60_000, "it listens for a while");
        }
    }
}

/// Source: Graph docs, call: create (beta).
#[tokio::test(start_paused = true)]
async fn beta_says_how_somebody_is_rung() {
    let slow = || WhenRung::PickUp { after: 20 * SECOND, then: vec![Step::HangUp] };
    let forwards = || WhenRung::Forward { to: "ada".to_owned() };
    let (ringing, policies) =
        (("ringingTimeoutInSeconds", json!(10)), ("routingPolicies", json!(["disableForwarding"])));
    for (when_rung, version, member, is_established, seconds) in [
        (slow(), "beta", ringing.clone(), false, 10),
        (slow(), "v1.0", ringing, true, 20),
        (WhenRung::Ignore, "beta", ("ringingTimeoutInSeconds", json!(115)), false, 115),
        (forwards(), "beta", policies.clone(), false, 60),
        (forwards(), "v1.0", policies, true, 7),
    ] {
        let mut scene = scene(&["Calls.Initiate.All"]);
        scene.add("bob", when_rung);
        let mut body = create_body("bob");
        body[member.0] = member.1.clone();
        let began = scene.clock.now_millis();
        let path = format!("/{version}/communications/calls");
        assert_eq!(scene.raw(Method::POST, &path, body.to_string()).await.status, 201);
        let (states, _) = scene.course().await;
        assert_eq!(states.contains(&"established".to_owned()), is_established, "{version} {member:?}");
        assert_eq!((scene.clock.now_millis() - began) / 1000, seconds, "{version} {member:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_invitation_fails_with_the_code_of_whom_it_is_for_and_is_taken_by_whom_it_is_forwarded_to() {
    let mut scene = scene(&EVERY_PERMISSION);
    let (id, _) = scene.established(meeting_body()).await;
    while scene.roster().await.len() != 2 {}
    for (when_rung, expected) in [
        (WhenRung::Decline, Some((480, 10134))),
        (WhenRung::Ignore, Some((408, 8544))),
        (WhenRung::Busy, Some((486, 560_486))),
        (WhenRung::PrivateCallingDisabled, Some((480, 10199))),
        (WhenRung::AcceptanceLost { after: SECOND }, Some((408, 1106))),
        (WhenRung::NoMedia { after: SECOND }, Some((410, 301_005))),
        (WhenRung::Forward { to: "ada".to_owned() }, None),
    ] {
        scene.add("bob", when_rung.clone());
        let body = json!({"participants": invited(&["bob"])});
        let operation = body_of(&scene.post(&format!("/{id}/participants/invite"), body).await);
        let end = scene.end_of(&operation).await;
        let result = &end["resultInfo"];
        if let Some((code, subcode)) = expected {
            assert_eq!(end["status"], "failed", "{when_rung:?}");
            assert_eq!(
                (&result["code"], &result["subcode"]),
                (&json!(code), &json!(subcode)),
                "{when_rung:?}"
            );
        } else {
            assert_eq!(end["status"], "completed");
            let people = scene.roster().await;
            assert_eq!(people.last().unwrap()["info"]["identity"]["user"]["id"], "ada");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn people_end_calls_in_their_ways() {
    for (person, step, expected) in [
        ("ada", Step::HangUp, 4521),
        ("ada", Step::RemoveBot, 5300),
        ("ada", Step::EndForAll, 5001),
        // Source: Graph docs, call: delete (ended by the PSTN user).
        ("+15550100", Step::HangUp, 540_000),
    ] {
        let mut scene = scene(&[]);
        scene.with_instance();
        scene.add(person, WhenRung::Ignore);
        let script = vec![Step::AwaitAnswer, Step::Wait(SECOND), step];
        let id = scene.simulator.call_bot(person, APP, script).unwrap();
        scene.until(|change, _| change == "created").await;
        assert_eq!(scene.post(&format!("/{id}/answer"), answer_body()).await.status, 202);
        let (_, end) = scene.course().await;
        assert_eq!(
            (&end["resultInfo"]["code"], &end["resultInfo"]["subcode"]),
            (&json!(200), &json!(expected))
        );
        tokio::time::sleep(SECOND).await;
        assert_eq!(scene.simulator.call(&id).unwrap().outcome, Outcome::Done);
    }
}

/// Source: Graph docs, call: create (PSTN), call: answer (the table of PSTN scenarios).
#[tokio::test(start_paused = true)]
async fn a_telephone_is_reached_by_an_application_instance_only() {
    let mut scene = scene(&EVERY_PERMISSION);
    let number = "+15550100";
    scene.add(number, WhenRung::PickUp { after: SECOND, then: vec![Step::AwaitHangUp] });
    let instance = |id: &str| json!({"identity": {"applicationInstance": {"id": id, "displayName": "Desk"}}});
    let phone = |number: &str| json!([{"identity": {"phone": {"id": number}}}]);
    let body = |source: Value, number: &str| {
        let mut body = create_body("ada");
        (body["source"], body["targets"]) = (source, phone(number));
        body
    };
    let bad = (400, "BadRequest");
    scene
        .check_created([(body(json!(null), number), bad), (body(instance("instance-1"), number), bad)])
        .await;
    scene.with_instance();
    scene
        .check_created([
            (body(json!(null), number), bad),
            (body(instance("instance-2"), number), bad),
            (body(instance("instance-1"), "15550100"), bad),
            (body(instance("instance-1"), "+0555"), bad),
            (body(instance("instance-1"), "+1555010x"), bad),
            (body(instance("instance-1"), "+1234567890123456"), bad),
            (body(json!({"identity": {"user": {"id": "ada"}}}), number), bad),
            (body(json!({"identity": {"guest": {"id": "g"}}}), number), bad),
        ])
        .await;
    let (id, _) = scene.established(body(instance("INSTANCE-1"), number)).await;
    // From here another number can be called, and a number that nobody has is not reached.
    let invite = json!({"participants": phone("+15550199")});
    let operation = body_of(&scene.post(&format!("/{id}/participants/invite"), invite.clone()).await);
    let roster = scene.roster().await;
    assert_eq!(roster[0]["info"]["identity"]["applicationInstance"]["displayName"], "Desk");
    assert_eq!(roster[1]["info"]["identity"]["phone"]["id"], number);
    assert_eq!(scene.end_of(&operation).await["resultInfo"]["subcode"], 10134);

    let (plain, _) = scene.established(create_body("ada")).await;
    scene.check(&plain, [("/participants/invite", invite, bad)]).await;
    let transfer = json!({"transferTarget": phone(number)[0]});
    scene.check(&plain, [("/transfer", transfer, bad)]).await;
    // A telephone calls the instance.
    scene.simulator.call_bot(number, APP, vec![]).unwrap();
    let told = scene.until(|change, _| change == "created").await;
    assert_eq!(told["targets"][0]["identity"]["applicationInstance"]["id"], "instance-1");
    assert_eq!(told["source"]["identity"]["phone"]["id"], number);
}

impl Scene {
    /// The app has an application instance from here on.
    fn with_instance(&self) {
        let mut registrations = self.simulator.world.registrations.write().unwrap();
        let instance = Instance { id: "instance-1".to_owned(), display_name: "Desk".to_owned() };
        registrations.get_mut(APP).unwrap().instances.push(instance);
    }

    /// What each request to create a call is refused with.
    async fn check_created(&self, rows: impl IntoIterator<Item = (Value, (u16, &str))>) {
        for (body, expected) in rows {
            let (status, word) = code(&self.post("", body.clone()).await);
            assert_eq!((status, word.as_str()), expected, "{body}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_telephone_reaches_no_app_without_an_instance() {
    let scene = scene(&[]);
    scene.add("+15550100", WhenRung::Ignore);
    let refused = scene.simulator.call_bot("+15550100", APP, vec![]);
    assert_eq!(refused, Err(SimulatorError::NoInstance(APP.to_owned())));
}

/// Source: field reports: an invitation that was taken leaves the call in meeting mode, also where it is declined.
#[tokio::test(start_paused = true)]
async fn a_call_in_which_an_invitation_was_taken_is_not_transferred() {
    let mut scene = scene(&EVERY_PERMISSION);
    let id = scene.answered(vec![Step::AwaitHangUp]).await;
    let invite = json!({"participants": invited(&["bob"])});
    let operation = body_of(&scene.post(&format!("/{id}/participants/invite"), invite).await);
    assert_eq!(scene.end_of(&operation).await["status"], "failed");
    let transfer = json!({"transferTarget": {"identity": {"user": {"id": "eve"}}}});
    let path = format!("/v1.0/communications/calls/{id}/transfer");
    let refused = scene.raw(Method::POST, &path, transfer.to_string()).await;
    assert_eq!((refused.status, refused.code()), (400, "8523"));
    assert_eq!(refused.body["error"]["message"], "Cannot do transfer for meeting mode.");
    assert_eq!(refused.page(), "assumed");
    let people = body_of(&scene.send(Method::GET, &format!("/{id}/participants"), Value::Null).await);
    let ada =
        people["value"].as_array().unwrap().iter().find(|one| one["info"]["identity"]["user"]["id"] == "ada");
    let mut named = transfer;
    named["transferee"] = json!({"identity": {"user": {"id": "ada"}}, "participantId": ada.unwrap()["id"]});
    assert_eq!(scene.post(&format!("/{id}/transfer"), named).await.status, 202, "as of a group");
}

#[tokio::test(start_paused = true)]
async fn nobody_is_rung_for_a_call_that_is_hung_up_at_once() {
    for targets in [&["eve"][..], &["eve", "bob"]] {
        let mut scene = scene(&EVERY_PERMISSION);
        let body = json!({
            "callbackUri": "https://bot.test/calls",
            "targets": invited(targets),
            "mediaConfig": {"@odata.type": "#microsoft.graph.serviceHostedMediaConfig"},
        });
        let id = body_of(&scene.post("", body).await)["id"].as_str().unwrap().to_owned();
        assert_eq!(scene.send(Method::DELETE, &format!("/{id}"), Value::Null).await.status, 204);
        tokio::time::sleep(Duration::from_secs(120)).await;
        let history = scene.simulator.history(0);
        let rung =
            history.iter().filter(|one| matches!(&one.what, What::Person { did, .. } if did == "is rung"));
        assert_eq!(rung.count(), 0, "{targets:?}");
        assert_eq!(scene.states().await, ["updated/terminating", "deleted/terminated"], "{targets:?}");
        assert!(scene.told.try_recv().is_err(), "nothing is told after the end");
    }
}
