use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Value, json};

use super::super::{Config, Person, Registration, Simulator, WhenRung};
use crate::clock::Clock;
use crate::transport::{InProcess, Transport};

const APP: &str = "8a34a46b-3d17-4adc-8dce-dc4e7d572698";

struct Scene {
    net: InProcess,
    simulator: Simulator,
}

fn scene(permissions: &[&str]) -> Scene {
    let net = InProcess::new();
    let mut app = Registration::new(APP, "tenant", "s3cret", "https://bot.test/calls");
    for permission in permissions {
        app = app.with(*permission);
    }
    let mut config = Config::new("https://graph.test", app);
    for name in ["ada", "ben"] {
        config.people.push(Person {
            id: name.to_owned(),
            display_name: name.to_owned(),
            when_rung: WhenRung::Ask,
        });
    }
    let simulator = Simulator::try_new(config, Arc::new(net.clone()), Clock::system()).unwrap();
    net.mount("graph.test", simulator.router());
    net.mount("bot.test", axum::Router::new().fallback(async || http::StatusCode::ACCEPTED));
    Scene { net, simulator }
}

impl Scene {
    async fn send(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let request = Request::builder().method(method).uri(format!("https://graph.test{path}"));
        let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
        let request = request.header("content-type", "application/json").body(body).unwrap();
        let answer = self.net.send(request).await.unwrap();
        (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap_or(Value::Null))
    }

    async fn get(&self, path: &str) -> Value {
        let (status, answer) = self.send(Method::GET, path, Value::Null).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.send(Method::POST, path, body).await
    }

    /// A token, and the bot's request with it.
    async fn as_bot(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let form = format!(
            "grant_type=client_credentials&client_id={APP}&client_secret=s3cret&scope=https://graph.microsoft.com/.default"
        );
        let request = Request::post("https://graph.test/tenant/oauth2/v2.0/token")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.into());
        let answer = self.net.send(request.unwrap()).await.unwrap();
        let token: Value = serde_json::from_slice(answer.body()).unwrap();
        let token = token["access_token"].as_str().unwrap();
        let request = Request::builder()
            .method(method)
            .uri(format!("https://graph.test/v1.0/communications/calls{path}"))
            .header("authorization", format!("Bearer {token}"))
            .body(body.to_string().into());
        let answer = self.net.send(request.unwrap()).await.unwrap();
        (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap_or(Value::Null))
    }

    async fn call_of_ada(&self) -> String {
        let (status, call) = self.post("/sim/v1/calls", json!({"from": "ada"})).await;
        assert_eq!(status, 201, "{call}");
        call["id"].as_str().unwrap().to_owned()
    }

    async fn answered(&self) -> String {
        let id = self.call_of_ada().await;
        let body = json!({
            "callbackUri": "https://bot.test/calls",
            "mediaConfig": {"@odata.type": "#microsoft.graph.serviceHostedMediaConfig"},
        });
        assert_eq!(self.as_bot(Method::POST, &format!("/{id}/answer"), body).await.0, 202);
        tokio::time::sleep(Duration::from_secs(1)).await;
        id
    }
}

#[tokio::test(start_paused = true)]
async fn a_person_calls_and_does_what_he_is_told() {
    let scene = scene(&[]);
    let id = scene.answered().await;
    let call = scene.get(&format!("/sim/v1/calls/{id}")).await;
    assert_eq!((&call["state"], &call["isGroup"]), (&json!("established"), &json!(false)), "{call}");
    assert_eq!(call["people"], json!({"ada": "connected"}));
    let act = |person: &str| format!("/sim/v1/calls/{id}/people/{person}");
    for (person, does, expected) in [
        ("ada", "press 1", 200),
        ("ada", "press 12", 422),
        ("ada", "await answer", 422),
        ("ada", "pick up", 409),
        ("ben", "press 1", 409),
        ("ben", "hang up", 409),
        ("eve", "press 1", 404),
        ("ada", "hang up", 200),
        ("ada", "press 1", 409),
    ] {
        let (status, answer) = scene.post(&act(person), json!({"does": does})).await;
        assert_eq!(status, expected, "{person} {does}: {answer}");
        assert_eq!(status != 200, answer["error"].is_string(), "{answer}");
    }
    assert_eq!(scene.get(&format!("/sim/v1/calls/{id}")).await["state"], "terminated");
    let deeds: Vec<Value> =
        scene.get(&format!("/sim/v1/history?call={id}")).await.as_array().unwrap().clone();
    let did = deeds.iter().filter(|one| one["kind"] == "person").map(|one| one["did"].as_str().unwrap());
    assert_eq!(did.collect::<Vec<_>>(), ["calls the bot", "presses 1", "hangs up"]);
    let answered = deeds.iter().find(|one| one["method"] == "POST").unwrap();
    assert_eq!(
        (&answered["status"], &answered["headers"]["authorization"]),
        (&json!(202), &json!("(not kept)"))
    );
    assert_eq!(answered["body"]["callbackUri"], "https://bot.test/calls");
}

#[tokio::test(start_paused = true)]
async fn a_phone_rings_until_somebody_decides() {
    for (does, state) in [("pick up", "established"), ("decline", "terminated")] {
        let scene = scene(&["Calls.Initiate.All"]);
        let body = json!({
            "callbackUri": "https://bot.test/calls",
            "targets": [{"identity": {"user": {"id": "ben"}}}],
            "mediaConfig": {"@odata.type": "#microsoft.graph.serviceHostedMediaConfig"},
        });
        let (status, call) = scene.as_bot(Method::POST, "", body).await;
        assert_eq!(status, 201, "{call}");
        let id = call["id"].as_str().unwrap();
        tokio::time::sleep(Duration::from_secs(30)).await;
        let call = scene.get(&format!("/sim/v1/calls/{id}")).await;
        assert_eq!((&call["state"], &call["people"]), (&json!("establishing"), &json!({"ben": "ringing"})));
        let (status, _) = scene.post(&format!("/sim/v1/calls/{id}/people/ben"), json!({"does": does})).await;
        assert_eq!(status, 200);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let call = scene.get(&format!("/sim/v1/calls/{id}")).await;
        assert_eq!(call["state"], state, "{does}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_added_makes_it_a_group_where_the_app_may_stay() {
    for (permissions, state) in
        [(&["Calls.JoinGroupCall.All"][..], "established"), (&["Calls.Initiate.All"], "terminated")]
    {
        let scene = scene(permissions);
        let id = scene.answered().await;
        let (status, call) =
            scene.post(&format!("/sim/v1/calls/{id}/people/ben"), json!({"does": "join"})).await;
        assert_eq!((status, &call["state"]), (200, &json!(state)), "{call}");
        if state == "established" {
            assert_eq!(call["why"], "a third participant came in");
            assert_eq!(call["roster"].as_array().unwrap().len(), 3);
            assert_eq!(call["people"], json!({"ada": "connected", "ben": "connected"}));
            let again = scene.post(&format!("/sim/v1/calls/{id}/people/ben"), json!({"does": "join"})).await;
            assert_eq!(again.0, 409);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_prompt_is_heard_and_what_is_said_is_recorded() {
    let scene = scene(&["Calls.AccessMedia.All"]);
    let prompt = crate::wav::tone(Duration::from_secs(2));
    let served = prompt.clone();
    scene.net.mount("prompts.test", axum::Router::new().fallback(async move || served.clone()));
    let id = scene.answered().await;
    let body = json!({
        "prompts": [{"mediaInfo": {"uri": "https://prompts.test/beep.wav"}}],
        "maxRecordDurationInSeconds": 60, "initialSilenceTimeoutInSeconds": 5, "maxSilenceTimeoutInSeconds": 2,
        "stopTones": ["#"],
    });
    let (status, operation) = scene.as_bot(Method::POST, &format!("/{id}/recordResponse"), body).await;
    assert_eq!(status, 200, "{operation}");
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let of_prompts = async |name: &str| -> Vec<Value> {
        let all = scene.get(&format!("/sim/v1/history?call={id}")).await;
        let prompts = all.as_array().unwrap().iter().filter(|one| one["kind"] == "prompt");
        prompts.map(|one| one[name].clone()).collect()
    };
    assert_eq!(of_prompts("did").await, ["begins", "ends"]);
    let sound = of_prompts("sound").await[0].as_str().unwrap().to_owned();
    let request = Request::get(format!("https://graph.test{sound}")).body(Bytes::new()).unwrap();
    assert_eq!(*scene.net.send(request).await.unwrap().body(), prompt);

    let speech = async |person: &str, wav: Vec<u8>| {
        let uri = format!("https://graph.test/sim/v1/calls/{id}/people/{person}/speech");
        scene.net.send(Request::post(uri).body(wav.into()).unwrap()).await.unwrap().status().as_u16()
    };
    let said = crate::wav::write(&vec![1234; 16_000]);
    assert_eq!(speech("ada", b"RIFF".to_vec()).await, 400);
    assert_eq!(speech("ben", said.clone()).await, 409);
    assert_eq!(speech("ada", said).await, 200);
    tokio::time::sleep(Duration::from_secs(4)).await;
    let call = scene.get(&format!("/sim/v1/calls/{id}")).await;
    let operation = &call["operations"][0];
    assert_eq!(operation["completionReason"], "maxSilenceTimeout", "{operation}");
    let request = Request::get(operation["recordingLocation"].as_str().unwrap())
        .header("authorization", format!("Bearer {}", operation["recordingAccessToken"].as_str().unwrap()));
    let recording = scene.net.send(request.body(Bytes::new()).unwrap()).await.unwrap().into_body();
    let heard =
        recording[44..].as_chunks::<2>().0.iter().filter(|sample| i16::from_le_bytes(**sample) == 1234);
    assert_eq!(heard.count(), 16_000);
    // Silence before and after.
    assert!(recording.len() > 44 + 2 * 2 * 16_000, "{}", recording.len());
}

#[tokio::test(start_paused = true)]
async fn a_prompt_that_is_cancelled_is_told_of_as_stopped() {
    let scene = scene(&[]);
    let served = crate::wav::tone(Duration::from_secs(20));
    scene.net.mount("prompts.test", axum::Router::new().fallback(async move || served.clone()));
    let id = scene.answered().await;
    let body = json!({"prompts": [{"mediaInfo": {"uri": "https://prompts.test/long.wav"}}]});
    assert_eq!(scene.as_bot(Method::POST, &format!("/{id}/playPrompt"), body).await.0, 200);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(scene.as_bot(Method::POST, &format!("/{id}/cancelMediaProcessing"), json!({})).await.0, 200);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let all = scene.get("/sim/v1/history").await;
    let did =
        all.as_array().unwrap().iter().filter(|one| one["kind"] == "prompt").map(|one| one["did"].clone());
    assert_eq!(did.collect::<Vec<_>>(), ["begins", "stopped"]);
}

#[tokio::test(start_paused = true)]
async fn apps_and_people_are_changed_and_come_back_by_a_reset() {
    let scene = scene(&[]);
    let cleo = json!({"name": "Cleo", "when_rung": "pick up after 2s", "then": ["press 1"]});
    let (status, answer) = scene.send(Method::PUT, "/sim/v1/people/cleo", cleo).await;
    assert_eq!((status, &answer["id"]), (200, &json!("cleo")));
    let app =
        json!({"id": "other", "tenant": "t", "secret": "very-secret", "callback": "https://bot.test/c"});
    let (status, answer) = scene.send(Method::PUT, "/sim/v1/apps/other", app.clone()).await;
    assert_eq!(status, 200);
    assert!(!answer.to_string().contains("very-secret"), "{answer}");
    assert_eq!(scene.send(Method::PUT, "/sim/v1/apps/another", app).await.0, 400);
    // A secret that is left out stays; where there is none yet, it is asked for.
    for (id, status) in [(APP, 200), ("unknown", 422)] {
        let app = json!({"id": id, "tenant": "tenant", "callback": "https://bot.test/calls"});
        assert_eq!(scene.send(Method::PUT, &format!("/sim/v1/apps/{id}"), app).await.0, status, "{id}");
    }
    assert_eq!(scene.as_bot(Method::GET, "/none", Value::Null).await.0, 404);
    let (status, answer) = scene.send(Method::PUT, "/sim/v1/people/cleo", json!({"nam": "Cleo"})).await;
    assert_eq!(status, 422);
    assert!(answer["error"].as_str().unwrap().contains("nam"), "{answer}");
    // Two apps: it has to be said which one is called.
    assert_eq!(scene.post("/sim/v1/calls", json!({"from": "ada"})).await.0, 400);
    assert_eq!(scene.post("/sim/v1/calls", json!({"from": "ada", "to": "other"})).await.0, 201);
    assert_eq!(scene.get("/sim/v1/people").await.as_array().unwrap().len(), 3);
    assert_eq!(scene.send(Method::DELETE, "/sim/v1/people/ada", Value::Null).await.0, 204);
    assert_eq!(scene.send(Method::DELETE, "/sim/v1/people/ada", Value::Null).await.0, 404);
    assert_eq!(scene.post("/sim/v1/reset", Value::Null).await.0, 204);
    let names: Vec<Value> =
        scene.get("/sim/v1/people").await.as_array().unwrap().iter().map(|p| p["id"].clone()).collect();
    assert_eq!(names, ["ada", "ben"]);
    assert_eq!(scene.get("/sim/v1/apps").await.as_array().unwrap().len(), 1);
    assert_eq!(scene.get("/sim/v1/calls").await, json!([]));
    assert_eq!(scene.simulator.history(0), []);
}

/// The next event of a stream: its id, and its entry.
async fn next(body: &mut axum::body::Body) -> (u64, Value) {
    use http_body_util::BodyExt;
    let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
    let text = std::str::from_utf8(&frame).unwrap();
    let line = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim();
    (line("id:").parse().unwrap(), serde_json::from_str(line("data:")).unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_reader_of_events_goes_on_after_a_break() {
    use tower::ServiceExt;
    let scene = scene(&[]);
    let open = async |last: Option<u64>| {
        let mut request = Request::get("https://graph.test/sim/v1/events");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let request = request.body(axum::body::Body::empty()).unwrap();
        scene.simulator.router().oneshot(request).await.unwrap().into_body()
    };
    scene.call_of_ada().await;
    let mut events = open(None).await;
    let (first, entry) = next(&mut events).await;
    assert_eq!((first, &entry["did"]), (1, &json!("calls the bot")));
    let (second, entry) = next(&mut events).await;
    assert_eq!((second, &entry["kind"]), (2, &json!("notification")), "it waits for what comes");
    drop(events);
    scene.call_of_ada().await;
    assert_eq!(next(&mut open(Some(second)).await).await.0, 3);
    // Of a simulator before this one: everything is told.
    assert_eq!(next(&mut open(Some(1_000_000)).await).await.0, 1);
}

#[tokio::test]
async fn what_there_is_is_described() {
    let scene = scene(&[]);
    let described = scene.get("/sim/v1/openapi.json").await;
    let paths = described["paths"].as_object().unwrap();
    for path in ["/sim/v1", "/sim/v1/people/{id}", "/sim/v1/calls/{call}/people/{person}", "/sim/v1/events"] {
        assert!(paths.contains_key(path), "{path}");
    }
    // Every reference leads somewhere.
    let text = described.to_string();
    for (_, rest) in text.match_indices("\"$ref\":\"#").map(|(at, found)| text.split_at(at + found.len())) {
        let pointer = rest.split('"').next().unwrap();
        assert!(described.pointer(pointer).is_some(), "{pointer}");
    }
    let about = scene.get("/sim/v1").await;
    assert_eq!(about["graph"], "https://graph.test/v1.0");
}
