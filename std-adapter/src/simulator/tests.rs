//! The service, seen by a bot that is written by hand.

mod endpoints;
mod faults;
mod groups;
mod handover;
mod legacy;
mod media;
mod meetings;
mod participants;
mod people;
mod raw;
mod roster;
mod throttle;

use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;

use super::*;
use crate::client::{Answer, Credentials, GraphClient, GraphRequest, Limits};
use crate::transport::InProcess;
use crate::webhook::authentication::{Authenticator, Expected};

const APP: &str = "app-1";
const TENANT: &str = "tenant-1";

struct Scene {
    simulator: Simulator,
    client: GraphClient,
    net: InProcess,
    /// What the bot was told, with the header that came with it.
    told: UnboundedReceiver<(String, Value)>,
    answers_with: Arc<AtomicU16>,
    clock: Clock,
}

fn scene(permissions: &[&str]) -> Scene {
    scene_with(permissions, |_| {})
}

fn scene_with(permissions: &[&str], set_up: impl FnOnce(&mut Config)) -> Scene {
    let (net, clock) = (InProcess::new(), Clock::system());
    let mut app = Registration::new(APP, TENANT, "s3cret", "https://bot.test/calls");
    for permission in permissions {
        app = app.with(*permission);
    }
    let mut config = Config::new("https://graph.test", app);
    set_up(&mut config);
    let simulator = Simulator::try_new(config, Arc::new(net.clone()), clock).unwrap();
    net.mount("graph.test", simulator.router());
    let (tell, told) = mpsc::unbounded_channel();
    let answers_with = Arc::new(AtomicU16::new(202));
    let status = Arc::clone(&answers_with);
    let hear = async move |headers: http::HeaderMap, axum::Json(body): axum::Json<Value>| {
        let header = headers[http::header::AUTHORIZATION].to_str().unwrap().to_owned();
        let _ = tell.send((header, body));
        StatusCode::from_u16(status.load(Ordering::SeqCst)).unwrap()
    };
    let wav = async || wav_tone(Duration::from_secs(4));
    net.mount("bot.test", Router::new().route("/calls", post(hear)).route("/a.wav", get(wav)));
    for (id, when_rung) in [
        (
            "ada",
            WhenRung::PickUp {
                after: Duration::from_secs(2),
                then: vec![Step::Wait(Duration::from_secs(5)), Step::HangUp],
            },
        ),
        ("bob", WhenRung::Decline),
        ("eve", WhenRung::Ignore),
    ] {
        simulator.add_person(Person { id: id.to_owned(), display_name: id.to_owned(), when_rung });
    }
    let credentials = Credentials::with_secret(TENANT, APP, "s3cret");
    let client =
        GraphClient::new(credentials, simulator.endpoints(), Limits::default(), Arc::new(net.clone()), clock);
    Scene { simulator, client, net, told, answers_with, clock }
}

impl Scene {
    async fn send(&self, method: Method, path: &str, body: Value) -> Answer {
        let body = if body.is_null() { None } else { Some(Bytes::from(body.to_string())) };
        let path = format!("/communications/calls{path}");
        self.client.send(&GraphRequest { body, ..GraphRequest::new(method, &path) }).await.unwrap()
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, body).await
    }

    /// The next notification: its change type and its resource.
    async fn next(&mut self) -> (String, Value) {
        let (_, body) = self.told.recv().await.unwrap();
        let entry = &body["value"][0];
        (entry["changeType"].as_str().unwrap().to_owned(), entry["resourceData"].clone())
    }

    /// The states that are told until the call is over.
    async fn states(&mut self) -> Vec<String> {
        let mut states = Vec::new();
        loop {
            let (change, data) = self.next().await;
            states.push(format!("{change}/{}", data["state"].as_str().unwrap_or("-")));
            if change == "deleted" && data["status"].is_null() {
                return states;
            }
        }
    }

    /// The next notification that `is_it` is said of; what comes before is passed over.
    async fn until(&mut self, is_it: impl Fn(&str, &Value) -> bool) -> Value {
        loop {
            let (change, data) = self.next().await;
            if is_it(&change, &data) {
                return data;
            }
        }
    }

    /// The end of an operation.
    async fn end_of(&mut self, operation: &Value) -> Value {
        self.until(|change, data| change == "deleted" && data["id"] == operation["id"]).await
    }

    /// The next roster.
    async fn roster(&mut self) -> Vec<Value> {
        self.until(|_, data| data.is_array()).await.as_array().unwrap().clone()
    }

    /// A call that has its audio: its id and that of the bot in it.
    async fn established(&mut self, body: Value) -> (String, String) {
        let call = body_of(&self.post("", body).await);
        self.until(|_, data| data["mediaState"]["audio"] == "active").await;
        (call["id"].as_str().unwrap().to_owned(), call["myParticipantId"].as_str().unwrap().to_owned())
    }

    /// An incoming call that has its audio.
    async fn answered(&mut self, script: Vec<Step>) -> String {
        let id = self.ring(script).await;
        assert_eq!(self.post(&format!("/{id}/answer"), answer_body()).await.status, 202);
        self.until(|_, data| data["mediaState"]["audio"] == "active").await;
        id
    }

    /// What each request is answered with: its status and the error's code.
    async fn check(&self, id: &str, rows: impl IntoIterator<Item = (&str, Value, (u16, &str))>) {
        for (path, body, expected) in rows {
            let (status, word) = code(&self.post(&format!("/{id}{path}"), body.clone()).await);
            assert_eq!((status, word.as_str()), expected, "{path} {body}");
        }
    }

    async fn ring(&mut self, script: Vec<Step>) -> String {
        let id = self.simulator.call_bot("ada", APP, script).unwrap();
        assert_eq!(self.next().await.0, "created");
        id
    }
}

fn answer_body() -> Value {
    json!({
        "callbackUri": "https://bot.test/calls",
        "acceptedModalities": ["audio"],
        "mediaConfig": {"@odata.type": "#microsoft.graph.serviceHostedMediaConfig"},
    })
}

fn create_body(user: &str) -> Value {
    json!({
        "@odata.type": "#microsoft.graph.call",
        "callbackUri": "https://bot.test/calls",
        "mediaConfig": {"@odata.type": "#microsoft.graph.serviceHostedMediaConfig"},
        "targets": [{"identity": {"user": {"id": user}}}],
    })
}

const EVERY_PERMISSION: [&str; 4] =
    ["Calls.Initiate.All", "Calls.InitiateGroupCall.All", "Calls.JoinGroupCall.All", "Calls.AccessMedia.All"];

fn meeting_body() -> Value {
    json!({
        "callbackUri": "https://bot.test/calls",
        "mediaConfig": {"@odata.type": "#microsoft.graph.serviceHostedMediaConfig"},
        "chatInfo": {"threadId": "19:meeting@thread.v2", "messageId": "0"},
        "meetingInfo": {
            "@odata.type": "microsoft.graph.organizerMeetingInfo",
            "organizer": {"user": {"id": "eve"}},
        },
    })
}

fn invited(users: &[&str]) -> Value {
    users.iter().map(|user| json!({"identity": {"user": {"id": user}}})).collect()
}

fn prompts(count: usize) -> Value {
    vec![json!({"mediaInfo": {"uri": "https://bot.test/a.wav"}}); count].into()
}

fn body_of(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

fn code(answer: &Answer) -> (u16, String) {
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    (answer.status, body["error"]["code"].as_str().unwrap().to_owned())
}

#[tokio::test(start_paused = true)]
async fn from_ring_to_hang_up_with_a_prompt_and_a_key() {
    let mut scene = scene(&["Calls.AccessMedia.All"]);
    let script = vec![
        Step::AwaitAnswer,
        Step::AwaitPromptStart,
        Step::Press('1'),
        Step::AwaitPromptEnd,
        Step::AwaitHangUp,
    ];
    let id = scene.ring(script).await;
    assert_eq!(scene.post(&format!("/{id}/answer"), answer_body()).await.status, 202);
    for expected in [Value::Null, Value::Null, json!("active")] {
        assert_eq!(scene.next().await.1["mediaState"]["audio"], expected);
    }
    let listen = scene.post(&format!("/{id}/subscribeToTone"), json!({"clientContext": "c-1"})).await;
    assert_eq!(listen.status, 200);
    let prompts = json!([{"mediaInfo": {"uri": "https://bot.test/a.wav"}}]);
    let play =
        scene.post(&format!("/{id}/playPrompt"), json!({"prompts": prompts, "clientContext": "c-2"})).await;
    let operation: Value = serde_json::from_slice(&play.body).unwrap();
    assert_eq!(
        (operation["status"].as_str(), operation["clientContext"].as_str()),
        (Some("running"), Some("c-2"))
    );
    assert!(play.location.unwrap().ends_with(operation["id"].as_str().unwrap()));
    let before = scene.clock.now_millis();
    let (_, tone) = scene.next().await;
    assert_eq!(
        (tone["toneInfo"]["tone"].as_str(), tone["state"].as_str()),
        (Some("tone1"), Some("established"))
    );
    let (change, done) = scene.next().await;
    assert_eq!(
        (change.as_str(), done["status"].as_str(), &done["id"]),
        ("deleted", Some("completed"), &operation["id"])
    );
    assert_eq!(scene.clock.now_millis() - before, 4000, "a prompt takes its time");
    let path = format!("/{id}/operations/{}", operation["id"].as_str().unwrap());
    assert_eq!(scene.send(Method::GET, &path, Value::Null).await.status, 200);
    assert_eq!(scene.send(Method::DELETE, &format!("/{id}"), Value::Null).await.status, 204);
    assert_eq!(scene.states().await, ["updated/terminating", "deleted/terminated"]);
    assert_eq!(code(&scene.post(&format!("/{id}/keepAlive"), Value::Null).await), (404, "8522".to_owned()));
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(scene.simulator.call(&id).unwrap().outcome, Outcome::Done);
}

#[tokio::test(start_paused = true)]
async fn calling_a_person_needs_the_permission_and_each_answers_in_his_way() {
    let without = scene(&["Calls.AccessMedia.All"]);
    assert_eq!(code(&without.post("", create_body("ada")).await), (403, "7504".to_owned()));
    let mut scene = scene(&["Calls.Initiate.All"]);
    for (person, states) in [
        (
            "ada",
            &["updated/establishing", "updated/established", "updated/established", "deleted/terminated"][..],
        ),
        ("bob", &["updated/establishing", "deleted/terminated"]),
        ("eve", &["updated/establishing", "deleted/terminated"]),
    ] {
        let answer = scene.post("", create_body(person)).await;
        assert_eq!(answer.status, 201);
        let call: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(call["state"], "establishing");
        assert!(answer.location.unwrap().ends_with(call["id"].as_str().unwrap()));
        assert_eq!(scene.states().await, states, "{person}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_nobody_answers_ends_after_fifteen_seconds_and_a_late_answer_is_8522() {
    let mut scene = scene(&[]);
    let id = scene.ring(vec![Step::AwaitAnswer]).await;
    assert_eq!(scene.states().await, ["deleted/terminated"]);
    assert_eq!(code(&scene.post(&format!("/{id}/answer"), answer_body()).await), (404, "8522".to_owned()));
    assert_eq!(scene.simulator.call(&id).unwrap().outcome, Outcome::CutShort(Step::AwaitAnswer));
}

#[tokio::test(start_paused = true)]
async fn answered_once_rejected_never_after_and_rejecting_tells_no_state() {
    let mut scene = scene(&[]);
    let id = scene.ring(vec![]).await;
    assert_eq!(scene.post(&format!("/{id}/answer"), answer_body()).await.status, 202);
    assert_eq!(code(&scene.post(&format!("/{id}/reject"), json!({"reason": "busy"})).await).0, 400);
    let id = scene.simulator.call_bot("ada", APP, vec![]).unwrap();
    assert_eq!(scene.post(&format!("/{id}/reject"), json!({"reason": "Busy"})).await.status, 202);
    loop {
        let (change, data) = scene.next().await;
        if change == "deleted" {
            assert_eq!(data["state"], Value::Null);
            break;
        }
    }
}

/// Source: Graph docs, the page of each operation, "Permissions".
#[tokio::test(start_paused = true)]
async fn each_operation_needs_one_of_its_permissions_and_names_them() {
    let short = |permission: &str| format!("Calls.{permission}.All");
    let (initiate, group, join) = ("Initiate", "InitiateGroupCall", "JoinGroupCall");
    let (guest, media) = ("JoinGroupCallAsGuest", "AccessMedia");
    let all = [initiate, group, join, guest, media];
    for (method, path, needed) in [
        (Method::POST, "redirect", &[initiate][..]),
        (Method::POST, "transfer", &[initiate]),
        (Method::POST, "recordResponse", &[media]),
        (Method::POST, "subscribeToTone", &[media]),
        (Method::POST, "sendDtmfTones", &[media]),
        (Method::POST, "changeScreenSharingRole", &[media]),
        (Method::POST, "updateRecordingStatus", &[media, join]),
        (Method::POST, "addLargeGalleryView", &[guest, join, group]),
        (Method::POST, "participants/invite", &[group]),
        (Method::GET, "participants/p", &[join, guest]),
        (Method::DELETE, "participants/p", &[join, guest]),
        (Method::POST, "participants/p/mute", &[join, guest]),
        (Method::POST, "participants/p/startHoldMusic", &[join, guest]),
        (Method::POST, "participants/p/stopHoldMusic", &[join, guest]),
        (Method::GET, "audioRoutingGroups", &[join, group]),
        (Method::POST, "audioRoutingGroups", &[join, group]),
        (Method::GET, "audioRoutingGroups/g", &[join, group]),
        (Method::PATCH, "audioRoutingGroups/g", &[join, group]),
        (Method::DELETE, "audioRoutingGroups/g", &[join, group]),
        (Method::GET, "contentSharingSessions", &[guest, join, initiate, group]),
        (Method::GET, "contentSharingSessions/s", &[guest, join, initiate, group]),
        (Method::GET, "", &[]),
        (Method::GET, "participants", &[]),
        (Method::POST, "keepAlive", &[]),
        (Method::POST, "mute", &[]),
        (Method::POST, "playPrompt", &[]),
        (Method::POST, "cancelMediaProcessing", &[]),
    ] {
        for permission in all {
            let permission = short(permission);
            let mut scene = scene(&[&permission]);
            let id = scene.ring(vec![]).await;
            let path = format!("/{id}/{path}");
            let answer = scene.send(method.clone(), path.trim_end_matches('/'), json!({})).await;
            let is_enough = needed.is_empty() || needed.iter().any(|needed| short(needed) == permission);
            let expected: &[u16] = if is_enough { &[200, 400, 404] } else { &[403] };
            assert!(
                expected.contains(&answer.status),
                "{method} {path} with {permission}: {}",
                answer.status
            );
            if !is_enough {
                let message = body_of(&answer)["error"]["message"].as_str().unwrap().to_owned();
                assert!(needed.iter().all(|needed| message.contains(&short(needed))), "{message}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_is_placed_by_what_it_names_and_needs_the_permission_of_that() {
    let with = |name: &str, value: Value| {
        let mut body = meeting_body();
        body[name] = value;
        body
    };
    let targets = |users: &[&str]| {
        let mut body = create_body("ada");
        body["targets"] = invited(users);
        body
    };
    let app_hosted = json!({"@odata.type": "#microsoft.graph.appHostedMediaConfig"});
    for (body, granted, expected) in [
        (targets(&["ada", "eve"]), "Calls.Initiate.All", (403, "7504")),
        (targets(&["eve"; 6]), "Calls.InitiateGroupCall.All", (400, "BadRequest")),
        (targets(&["ada", "nobody"]), "Calls.InitiateGroupCall.All", (400, "BadRequest")),
        (meeting_body(), "Calls.InitiateGroupCall.All", (403, "7504")),
        (with("chatInfo", Value::Null), "Calls.JoinGroupCall.All", (400, "BadRequest")),
        (with("chatInfo", json!({"threadId": "19:x"})), "Calls.JoinGroupCall.All", (400, "BadRequest")),
        (with("meetingInfo", Value::Null), "Calls.JoinGroupCall.All", (400, "BadRequest")),
        (with("mediaConfig", Value::Null), "Calls.JoinGroupCall.All", (400, "BadRequest")),
        (with("mediaConfig", app_hosted), "Calls.JoinGroupCall.All", (400, "BadRequest")),
        (
            with("source", json!({"identity": {"guest": {"id": "g"}}})),
            "Calls.JoinGroupCall.All",
            (403, "7504"),
        ),
    ] {
        let scene = scene(&[granted]);
        let (status, word) = code(&scene.post("", body.clone()).await);
        assert_eq!((status, word.as_str()), expected, "{granted} {body}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_call_is_established_by_the_first_who_picks_up_and_ends_where_nobody_does() {
    let mut scene = scene(&EVERY_PERMISSION);
    let mut body = create_body("ada");
    body["targets"] = invited(&["bob", "ada"]);
    scene.post("", body.clone()).await;
    assert_eq!(scene.roster().await.len(), 1);
    assert_eq!(scene.roster().await.len(), 2);
    // Ada hangs up, and the bot is alone.
    assert_eq!(scene.roster().await.len(), 1);
    let end = scene.until(|change, _| change == "deleted").await;
    assert_eq!(end["resultInfo"]["subcode"], 5010);
    body["targets"] = invited(&["bob", "eve"]);
    scene.post("", body).await;
    let end = scene.until(|change, _| change == "deleted").await;
    assert_eq!(end["resultInfo"]["subcode"], 5013);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_not_kept_alive_is_cleaned_up() {
    let mut scene = scene(&[]);
    let id = scene.ring(vec![]).await;
    scene.post(&format!("/{id}/answer"), answer_body()).await;
    tokio::time::sleep(Duration::from_secs(44 * 60)).await;
    assert_eq!(scene.post(&format!("/{id}/keepAlive"), Value::Null).await.status, 200);
    tokio::time::sleep(Duration::from_secs(44 * 60)).await;
    assert_eq!(scene.simulator.call(&id).unwrap().state, "established");
    tokio::time::sleep(Duration::from_secs(2 * 60)).await;
    assert_eq!(scene.simulator.call(&id).unwrap().result, Some((408, 8537)));
}

#[tokio::test(start_paused = true)]
async fn bad_requests_each_have_their_error() {
    let mut scene = scene(&["Calls.Initiate.All"]);
    let id = scene.ring(vec![Step::AwaitAnswer]).await;
    let call = |below: &str| format!("/{id}{below}");
    let prompts = json!({"prompts": [{"mediaInfo": {"uri": "https://bot.test/a.wav"}}]});
    for (path, body, expected) in [
        (call("/answer"), json!({"callbackUri": "http://bot.test/", "mediaConfig": {}}), (400, "BadRequest")),
        (call("/answer"), json!({"callbackUri": "https://bot.test/"}), (400, "BadRequest")),
        (call("/playPrompt"), prompts, (400, "8523")),
        (call("/playPrompt"), json!({"prompts": []}), (400, "BadRequest")),
        (call("/reject"), json!({"reason": "bored"}), (400, "BadRequest")),
        (call("/subscribeToTone"), json!({}), (403, "7504")),
        (call("/transfer"), json!({}), (400, "BadRequest")),
        (call("/startRecording"), json!({}), (400, "BadRequest")),
        ("/nobody/answer".to_owned(), answer_body(), (404, "8522")),
        (String::new(), json!({"callbackUri": "https://bot.test/calls"}), (400, "BadRequest")),
        (String::new(), create_body("nobody"), (400, "BadRequest")),
    ] {
        let (status, word) = code(&scene.post(&path, body.clone()).await);
        assert_eq!((status, word.as_str()), expected, "{path} {body}");
    }
    scene.simulator.refuse_next("/keepAlive", 503);
    assert_eq!(scene.post(&call("/keepAlive"), Value::Null).await.status, 503);
    assert_eq!(scene.post(&call("/keepAlive"), Value::Null).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_prompt_that_cannot_be_had_fails_its_operation() {
    let mut scene = scene(&[]);
    let id = scene.ring(vec![]).await;
    scene.post(&format!("/{id}/answer"), answer_body()).await;
    for _ in 0..3 {
        scene.next().await;
    }
    for uri in ["https://bot.test/none.wav", "https://gone.test/a.wav"] {
        let body = json!({"prompts": [{"mediaInfo": {"uri": uri}}]});
        assert_eq!(scene.post(&format!("/{id}/playPrompt"), body).await.status, 200);
        assert_eq!(scene.next().await.1["status"], "failed");
    }
}

#[tokio::test(start_paused = true)]
async fn tokens_of_both_directions_are_good_and_expire() {
    let mut scene = scene(&[]);
    scene.ring(vec![]).await;
    let url = scene.simulator.endpoints().openid;
    let authenticator =
        Authenticator::new(Expected::for_app(APP), url, Arc::new(scene.net.clone()), scene.clock);
    scene.simulator.call_bot("ada", APP, vec![]).unwrap();
    let (header, _) = scene.told.recv().await.unwrap();
    assert_eq!(authenticator.authenticate(Some(&header)).await.unwrap().tenant_id, TENANT);
    for flaw in [Flaw::Audience, Flaw::Issuer, Flaw::Expired, Flaw::KeyId] {
        let flawed = scene.simulator.authorization(APP, Some(flaw)).unwrap();
        assert!(authenticator.authenticate(Some(&flawed)).await.is_err(), "{flaw:?}");
    }
    let good = scene.simulator.authorization(APP, None).unwrap();
    assert!(authenticator.authenticate(Some(&good)).await.is_ok());

    let direct = |token: String| {
        let request =
            Request::get("https://graph.test/v1.0/communications/calls/x").header("authorization", token);
        scene.net.send(request.body(Bytes::new()).unwrap())
    };
    assert_eq!(direct("Bearer nonsense".to_owned()).await.unwrap().status(), 401);
    assert_eq!(direct(header).await.unwrap().status(), 401, "a notification's token is not for Graph");
    let app = scene.simulator.world.app(APP).unwrap();
    let token = scene.simulator.world.keys.for_graph(&app, scene.clock.now_seconds()).unwrap();
    assert_eq!(direct(format!("Bearer {token}")).await.unwrap().status(), 404);
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(direct(format!("Bearer {token}")).await.unwrap().status(), 401);
}

#[tokio::test(start_paused = true)]
async fn a_bot_takes_notifications_of_either_issuer() {
    for issuer in Issuer::ALL {
        let mut scene = scene(&[]);
        let app = scene.simulator.world.app(APP).unwrap().issued_by(*issuer);
        scene.simulator.world.registrations.write().unwrap().insert(APP.to_owned(), app);
        scene.simulator.call_bot("ada", APP, vec![]).unwrap();
        let (header, _) = scene.told.recv().await.unwrap();
        for (expected, is_taken) in Issuer::ALL.iter().map(|expected| (expected, expected == issuer)) {
            let expected = Expected::for_app(APP).issued_by([expected.claim().to_owned()]);
            let url = scene.simulator.endpoints().openid;
            let authenticator = Authenticator::new(expected, url, Arc::new(scene.net.clone()), scene.clock);
            let authenticated = authenticator.authenticate(Some(&header)).await;
            assert_eq!(authenticated.is_ok(), is_taken, "{issuer:?}: {authenticated:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_bot_does_not_accept_is_posted_again() {
    let mut scene = scene(&[]);
    scene.answers_with.store(503, Ordering::SeqCst);
    scene.simulator.call_bot("ada", APP, vec![]).unwrap();
    for _ in 0..2 {
        assert_eq!(scene.next().await.0, "created");
    }
}

#[tokio::test(start_paused = true)]
async fn without_any_permission_the_caller_is_encrypted() {
    let mut scene = scene(&[]);
    scene.simulator.call_bot("ada", APP, vec![]).unwrap();
    assert!(scene.next().await.1["source"]["identity"]["encrypted"].is_object());
    assert_eq!(
        scene.simulator.call_bot("nobody", APP, vec![]),
        Err(SimulatorError::NoPerson("nobody".to_owned()))
    );
}
