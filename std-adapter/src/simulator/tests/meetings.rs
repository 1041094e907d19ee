use super::*;

const NUMBER: &str = "123456789012";

impl Scene {
    /// A meeting of Eve's.
    fn meeting(&self) -> Meeting {
        let meeting = Meeting {
            thread_id: "19:meeting_eve@thread.v2".to_owned(),
            join_meeting_id: NUMBER.to_owned(),
            passcode: Some("psw123".to_owned()),
            token: "token-1".to_owned(),
            ..Meeting::new("eve", "Planning")
        };
        self.simulator.add_meeting(meeting.clone());
        meeting
    }
}

fn join_body(meeting_info: &Value) -> Value {
    json!({
        "callbackUri": "https://bot.test/calls",
        "mediaConfig": {"@odata.type": "#microsoft.graph.serviceHostedMediaConfig"},
        "meetingInfo": meeting_info,
        "tenantId": TENANT,
    })
}

fn by_number(number: &str, passcode: &Value) -> Value {
    join_body(&json!({
        "@odata.type": "#microsoft.graph.joinMeetingIdMeetingInfo",
        "joinMeetingId": number,
        "passcode": passcode,
    }))
}

fn by_token(token: &str) -> Value {
    join_body(&json!({"@odata.type": "#microsoft.graph.tokenMeetingInfo", "token": token}))
}

fn by_organizer(thread: &str, organizer: &str) -> Value {
    let mut body = join_body(&json!({
        "@odata.type": "#microsoft.graph.organizerMeetingInfo",
        "organizer": {"user": {"id": organizer, "tenantId": TENANT}},
        "allowConversationWithoutHost": true,
    }));
    body["chatInfo"] = json!({"threadId": thread, "messageId": "0"});
    body
}

fn as_guest(mut body: Value) -> Value {
    body["source"] = json!({"identity": {"guest": {"id": "g-1", "displayName": "Guest"}}});
    body
}

/// Source: Graph docs, call: create, the examples of joining; what nobody can join is assumed to be refused at once.
#[tokio::test(start_paused = true)]
async fn a_meeting_is_joined_by_what_names_it() {
    let join = "Calls.JoinGroupCall.All";
    let guest = "Calls.JoinGroupCallAsGuest.All";
    let thread = "19:meeting_eve@thread.v2";
    let mut without_chat = by_organizer(thread, "eve");
    without_chat["chatInfo"] = Value::Null;
    let mut with_targets = by_number(NUMBER, &json!("psw123"));
    with_targets["targets"] = invited(&["ada", "bob"]);
    for (case, body, granted, expected) in [
        ("by its number", by_number(NUMBER, &json!("psw123")), join, Ok(())),
        ("with spaces", by_number("123 456 789 012", &json!("psw123")), join, Ok(())),
        ("no such number", by_number("1", &json!("psw123")), join, Err((404, "NotFound"))),
        ("another passcode", by_number(NUMBER, &json!("psw124")), join, Err((403, "Forbidden"))),
        ("no passcode", by_number(NUMBER, &Value::Null), join, Err((403, "Forbidden"))),
        ("by its token", by_token("token-1"), join, Ok(())),
        ("another token", by_token("token-2"), join, Err((404, "NotFound"))),
        ("by its organizer", by_organizer(thread, "eve"), join, Ok(())),
        ("another organizer", by_organizer(thread, "ada"), join, Err((400, "BadRequest"))),
        ("nobody", by_organizer("19:x@thread.v2", "nobody"), join, Err((400, "BadRequest"))),
        ("without its chat", without_chat, join, Err((400, "BadRequest"))),
        ("of a chat", by_token("token-1"), "Calls.JoinGroupCalls.Chat", Ok(())),
        ("as a guest", as_guest(by_token("token-1")), guest, Ok(())),
        ("as a guest, with the other's right", as_guest(by_token("token-1")), join, Err((403, "7504"))),
        ("with a guest's right", by_token("token-1"), guest, Err((403, "7504"))),
        ("with the right to call", by_token("token-1"), "Calls.Initiate.All", Err((403, "7504"))),
        ("with targets", with_targets, join, Err((403, "7504"))),
    ] {
        let scene = scene(&[granted]);
        scene.meeting();
        let answer = scene.post("", body).await;
        match expected {
            Ok(()) => assert_eq!(answer.status, 201, "{case}"),
            Err(expected) => {
                let (status, word) = code(&answer);
                assert_eq!((status, word.as_str()), expected, "{case}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_answer_to_a_join_has_the_coordinates_and_those_who_are_called_join_too() {
    let mut scene = scene(&EVERY_PERMISSION);
    let meeting = scene.meeting();
    let mut body = by_number(NUMBER, &json!("psw123"));
    body["targets"] = invited(&["ada"]);
    let call = body_of(&scene.post("", body.clone()).await);
    assert_eq!(call["chatInfo"]["threadId"], json!(meeting.thread_id));
    assert_eq!(call["meetingInfo"]["joinMeetingId"], NUMBER);
    assert_eq!((&call["state"], &call["mediaState"]), (&json!("establishing"), &Value::Null));
    let users = |people: &[Value]| -> Vec<Value> {
        people.iter().map(|one| one["info"]["identity"]["user"]["id"].clone()).collect()
    };
    loop {
        let people = users(&scene.roster().await);
        if people.contains(&json!("ada")) {
            assert!(people.contains(&json!("eve")), "{people:?}");
            break;
        }
    }
    body["targets"] = invited(&["ada"; 6]);
    assert_eq!(code(&scene.post("", body).await), (400, "BadRequest".to_owned()));
}

/// Source: Graph docs, the PSTN scenarios of call: answer.
#[tokio::test(start_paused = true)]
async fn who_joined_by_a_token_calls_no_telephone() {
    let mut scene = scene(&EVERY_PERMISSION);
    scene.meeting();
    let invite = json!({"participants": [{"identity": {"phone": {"id": "+15550100"}}}]});
    for (body, expected) in
        [(by_token("token-1"), 400), (by_organizer("19:meeting_eve@thread.v2", "eve"), 200)]
    {
        let (id, _) = scene.established(body).await;
        assert_eq!(scene.post(&format!("/{id}/participants/invite"), invite.clone()).await.status, expected);
    }
}

/// Source: Graph docs, call: create (guests), lobbyBypassSettings; call: delete (200/5855).
#[tokio::test(start_paused = true)]
async fn the_lobby_holds_whom_the_meeting_says() {
    let permissions = ["Calls.JoinGroupCall.All", "Calls.JoinGroupCallAsGuest.All"];
    for (bypass, is_guest, waits) in [
        (LobbyBypass::Everyone, true, false),
        (LobbyBypass::Organization, true, true),
        (LobbyBypass::Organization, false, false),
        (LobbyBypass::Organizer, false, true),
    ] {
        let mut scene = scene(&permissions);
        let meeting = Meeting { bypass, ..scene.meeting() };
        scene.simulator.add_meeting(meeting);
        let body = if is_guest { as_guest(by_token("token-1")) } else { by_token("token-1") };
        let call = body_of(&scene.post("", body).await);
        let id = call["id"].as_str().unwrap().to_owned();
        let first = scene.roster().await;
        assert_eq!((first.len(), &first[0]["isInLobby"]), (1, &json!(waits)), "{bypass:?} {is_guest}");
        assert_eq!(first[0]["info"]["identity"]["guest"]["displayName"] == "Guest", is_guest);
        if waits {
            let play = scene.post(&format!("/{id}/playPrompt"), json!({"prompts": prompts(1)})).await;
            assert_eq!(code(&play), (400, "8523".to_owned()), "there is no audio in the lobby");
            assert!(scene.simulator.admit(&id));
            assert!(!scene.simulator.admit(&id), "once is enough");
        }
        let all = scene.roster().await;
        assert_eq!(all.len(), 2);
        assert!(all.iter().all(|one| one["isInLobby"] == false));
        assert_eq!(scene.simulator.call(&id).unwrap().state, "established");
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_let_in_sent_away_or_waits_too_long() {
    let mut scene = scene(&["Calls.JoinGroupCall.All"]);
    let held = |admits_after| Meeting { bypass: LobbyBypass::Organizer, admits_after, ..scene.meeting() };
    let (never, soon) = (held(None), held(Some(Duration::from_secs(20))));
    scene.simulator.add_meeting(soon);
    scene.established(by_token("token-1")).await;
    assert_eq!(scene.roster().await.len(), 2);

    scene.simulator.add_meeting(never);
    let id = body_of(&scene.post("", by_token("token-1")).await)["id"].as_str().unwrap().to_owned();
    while scene.roster().await.len() != 1 {}
    assert!(scene.simulator.turn_away(&id));
    assert!(!scene.simulator.turn_away(&id));
    assert_eq!(scene.simulator.call(&id).unwrap().result, Some((200, 5300)));

    scene.post("", by_token("token-1")).await;
    let began = scene.clock.now_millis();
    let end = scene.until(|change, data| change == "deleted" && data["resultInfo"]["subcode"] == 5855).await;
    assert_eq!(end["resultInfo"]["code"], 200);
    assert_eq!((scene.clock.now_millis() - began) / 60_000, 30);
}

#[tokio::test(start_paused = true)]
async fn in_beta_a_bot_admits_who_waits() {
    let mut scene = scene(&EVERY_PERMISSION);
    scene.meeting();
    let (id, bot) = scene.established(by_token("token-1")).await;
    while scene.roster().await.len() != 2 {}
    assert!(scene.simulator.knock(&id, "ada") && scene.simulator.knock(&id, "bob"));
    scene.roster().await;
    let people = scene.roster().await;
    let of = |user: &str| {
        let one = people.iter().find(|one| one["info"]["identity"]["user"]["id"] == user).unwrap();
        assert_eq!(one["isInLobby"], true);
        one["id"].as_str().unwrap().to_owned()
    };
    let (ada, bob) = (of("ada"), of("bob"));
    let path = |below: &str| format!("/beta/communications/calls/{id}/participants/{below}");
    for (below, expected) in [
        (format!("{bot}/admitFromLobby"), 400),
        ("nobody/admitFromLobby".to_owned(), 404),
        (format!("{ada}/admitFromLobby"), 204),
        (format!("{ada}/admitFromLobby"), 400),
        (format!("{bob}/removeFromLobby"), 204),
        (format!("{bob}/removeFromLobby"), 404),
        ("admitAllFromLobby".to_owned(), 204),
    ] {
        assert_eq!(scene.raw(Method::POST, &path(&below), "").await.status, expected, "{below}");
    }
    let people = body_of(&scene.send(Method::GET, &format!("/{id}/participants"), Value::Null).await);
    let people = people["value"].as_array().unwrap().clone();
    assert_eq!(people.len(), 3);
    assert!(people.iter().all(|one| one["isInLobby"] == false));
    assert!(!scene.simulator.knock("none", "ada"));
}

#[tokio::test(start_paused = true)]
async fn in_beta_a_bot_mutes_many_mixes_and_records() {
    let mut scene = scene(&EVERY_PERMISSION);
    scene.meeting();
    let (id, bot) = scene.established(by_token("token-1")).await;
    let people = scene.roster().await;
    let eve = people[1]["id"].as_str().unwrap().to_owned();
    let path = |below: &str| format!("/beta/communications/calls/{id}/{below}");
    let mixer = |id: &str| json!({"participantMixerLevels": [{"participant": id, "exclusive": true, "sourceLevels": [{"participant": bot, "level": 50}]}]});
    for (below, body, status, operation) in [
        ("participants/muteAll", json!({"participants": ["nobody"]}), 404, ""),
        ("participants/muteAll", json!({"participants": [eve], "clientContext": "c"}), 200, "completed"),
        ("participants/configureMixer", mixer("nobody"), 404, ""),
        ("participants/configureMixer", mixer(&eve), 202, "running"),
        ("startRecording", json!({"clientContext": "c"}), 200, "running"),
        ("stopRecording", json!({}), 200, "running"),
        ("startTranscription", json!({"language": "en-US"}), 200, "running"),
        ("stopTranscription", json!({}), 200, "running"),
    ] {
        let answer = scene.raw(Method::POST, &path(below), body.to_string()).await;
        assert_eq!(answer.status, status, "{below} {body}");
        assert_eq!(answer.body["status"].as_str().unwrap_or_default(), operation, "{below}");
        if operation == "running" {
            assert_eq!(scene.end_of(&answer.body).await["status"], "completed", "{below}");
        }
    }
    let people = body_of(&scene.send(Method::GET, &format!("/{id}/participants/{eve}"), Value::Null).await);
    assert_eq!(people["isMuted"], true);
}

/// Source: Graph docs, call: answer. An invitation into a group call has both coordinates.
#[tokio::test(start_paused = true)]
async fn a_bot_is_invited_into_a_meeting() {
    for (permissions, expected) in [(&["Calls.JoinGroupCall.All"][..], 202), (&["Calls.Initiate.All"], 403)] {
        let mut scene = scene(permissions);
        let meeting = scene.meeting();
        let id = scene.simulator.invite_bot("ada", APP, meeting.clone(), vec![Step::AwaitHangUp]).unwrap();
        let told = scene.until(|change, _| change == "created").await;
        assert_eq!(told["chatInfo"]["threadId"], json!(meeting.thread_id));
        assert_eq!(told["meetingInfo"]["token"], json!(meeting.token));
        let answer = scene.post(&format!("/{id}/answer"), answer_body()).await;
        assert_eq!(answer.status, expected);
        if expected == 202 {
            assert_eq!(scene.roster().await.len(), 2, "it has a roster from the beginning");
        }
    }
}

/// Source: Graph docs, onlineMeeting: get, create and createOrGet.
#[tokio::test(start_paused = true)]
async fn a_meeting_is_looked_up_by_what_names_it() {
    let scene = scene(&["OnlineMeetings.Read.All"]);
    let meeting = scene.meeting();
    let encode = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let filter = |name: &str, value: &str| format!("?$filter={}", encode(&format!("{name} eq '{value}'")));
    let url = meeting.join_web_url(TENANT);
    let id = encode("eve_19:meeting_eve@thread.v2");
    for (user, below, status, found) in [
        ("eve", filter("JoinWebUrl", &url), 200, Some(1)),
        ("eve", filter("joinWebUrl", &encode(&url)), 200, Some(1)),
        ("eve", filter("joinMeetingIdSettings/joinMeetingId", NUMBER), 200, Some(1)),
        ("eve", filter("joinMeetingIdSettings/joinMeetingId", "1"), 200, Some(0)),
        ("ada", filter("joinMeetingIdSettings/joinMeetingId", NUMBER), 200, Some(0)),
        ("nobody", filter("joinMeetingIdSettings/joinMeetingId", NUMBER), 404, None),
        ("eve", filter("subject", "Planning"), 400, None),
        // There is no list.
        ("eve", String::new(), 400, None),
        ("eve", format!("/{id}"), 200, None),
        ("ada", format!("/{id}"), 404, None),
        ("eve", "/none".to_owned(), 404, None),
    ] {
        let path = format!("/v1.0/users/{user}/onlineMeetings{below}");
        let answer = scene.raw(Method::GET, &path, "").await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.body["value"].as_array().map(Vec::len), found, "{path}");
        let shown = if found == Some(1) { &answer.body["value"][0] } else { &answer.body };
        if status == 200 && found != Some(0) {
            assert_eq!(shown["chatInfo"]["threadId"], json!(meeting.thread_id));
            assert_eq!(shown["joinMeetingIdSettings"]["passcode"], "psw123");
            assert_eq!(shown["joinWebUrl"], json!(url));
        }
    }
    assert!(url.starts_with(
        "https://teams.microsoft.com/l/meetup-join/19%3Ameeting%5Feve%40thread%2Ev2/0?context="
    ));
    let create = scene.raw(Method::POST, "/v1.0/users/eve/onlineMeetings", "{}").await;
    assert_eq!((create.status, create.code()), (403, "7504"), "reading is not writing");
}

#[tokio::test(start_paused = true)]
async fn a_meeting_that_was_made_can_be_joined() {
    let scene = scene(&["OnlineMeetings.ReadWrite.All", "Calls.JoinGroupCall.All"]);
    let path = "/v1.0/users/eve/onlineMeetings";
    let body = json!({
        "subject": "Review",
        "joinMeetingIdSettings": {"isPasscodeRequired": true},
        "lobbyBypassSettings": {"scope": "everyone"},
    });
    let made = scene.raw(Method::POST, path, body.to_string()).await;
    assert_eq!(made.status, 201);
    let settings = &made.body["joinMeetingIdSettings"];
    let (number, passcode) = (settings["joinMeetingId"].as_str().unwrap(), &settings["passcode"]);
    assert_eq!((number.len(), passcode.as_str().unwrap().len()), (12, 6));
    assert_eq!(scene.post("", by_number(number, passcode)).await.status, 201);
    assert_eq!(code(&scene.post("", by_number(number, &Value::Null)).await).0, 403);

    let body = json!({"externalId": "e-1", "subject": "Standup"}).to_string();
    let path = format!("{path}/createOrGet");
    let first = scene.raw(Method::POST, &path, body.clone()).await;
    let second = scene.raw(Method::POST, &path, body).await;
    assert_eq!((first.status, second.status), (201, 200));
    assert_eq!(first.body["id"], second.body["id"]);
}
