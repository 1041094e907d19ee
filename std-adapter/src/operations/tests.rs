use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use callflow_core::event::Event;
use http::{Method, Request, Response, StatusCode};
use serde_json::Value;

use super::*;
use crate::bot::{Call, CallHandler, Config, HandlerError};
use crate::client::Credentials;
use crate::clock::Clock;
use crate::simulator::{self, Person, Registration, Simulator, Step, WhenRung};
use crate::store::memory::Memory;
use crate::transport::{InProcess, Transport};

const KEY: &str = "a key of operations";

/// Answers, hears keys and plays; without `answers` it lets the call ring.
struct Desk {
    answers: bool,
}

impl CallHandler for Desk {
    type State = ();

    async fn on_event(&self, call: &mut Call<'_>, (): &mut (), event: &Event) -> Result<(), HandlerError> {
        if self.answers && *event == Event::Offered {
            call.answer()?;
            call.subscribe_to_tone()?;
            call.play("https://bot.test/menu.wav")?;
        }
        Ok(())
    }
}

struct Scene {
    net: InProcess,
    simulator: Simulator,
    bot: Bot,
    operations: Operations,
}

async fn scene(answers: bool, secret: &str) -> Scene {
    let (net, clock) = (InProcess::new(), Clock::system());
    let app = Registration::new("app-1", "tenant-1", "s3cret", "https://bot.test/calls")
        .with("Calls.AccessMedia.All");
    let config = simulator::Config::new("https://graph.test", app);
    let simulator = Simulator::try_new(config, Arc::new(net.clone()), clock).unwrap();
    let (id, display_name) = ("ada".to_owned(), "Ada Lovelace".to_owned());
    simulator.add_person(Person { id, display_name, when_rung: WhenRung::Ignore });
    net.mount("graph.test", simulator.router());
    let mut config =
        Config::new(Credentials::with_secret("tenant-1", "app-1", secret), "https://bot.test/calls");
    config.endpoints = simulator.endpoints();
    let (store, transport) = (Arc::new(Memory::new()), Arc::new(net.clone()));
    let bot = Bot::start(config, Desk { answers }, store, transport, clock).await.unwrap();
    let menu = Router::new()
        .route("/menu.wav", axum::routing::get(async || crate::simulator::wav_tone(Duration::from_secs(60))));
    net.mount("bot.test", bot.router().merge(menu));
    let operations = Operations::try_new(&bot, KEY).unwrap();
    net.mount("operations.test", operations.router());
    Scene { net, simulator, bot, operations }
}

impl Scene {
    async fn ask(&self, method: Method, path: &str, key: Option<&str>) -> (StatusCode, Value) {
        let mut request = Request::builder().method(method).uri(format!("https://operations.test{path}"));
        if let Some(key) = key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let response: Response<Bytes> = self.net.send(request.body(Bytes::new()).unwrap()).await.unwrap();
        (response.status(), serde_json::from_slice(response.body()).unwrap_or_default())
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.ask(Method::GET, path, Some(KEY)).await
    }

    async fn post(&self, path: &str) -> (StatusCode, Value) {
        self.ask(Method::POST, path, Some(KEY)).await
    }

    /// Lets Ada call, press a key, and stay; gives the bot's view once `state` is reached.
    async fn call(&self, state: &str) -> Value {
        let stay = vec![
            Step::AwaitAnswer,
            Step::AwaitPromptStart,
            Step::Press('7'),
            Step::Wait(Duration::from_secs(600)),
        ];
        self.simulator.call_bot("ada", "app-1", stay).unwrap();
        loop {
            let (status, body) = self.get("/calls").await;
            assert_eq!(status, 200);
            match &body["calls"][0] {
                call if call["state"] == state => return call.clone(),
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_key_nothing_is_told() {
    let scene = scene(true, "s3cret").await;
    for (method, path) in [
        (Method::GET, "/calls"),
        (Method::GET, "/calls/c-1"),
        (Method::POST, "/calls/c-1/hang-up"),
        (Method::GET, "/outgoing"),
        (Method::POST, "/outgoing/reminder"),
        (Method::POST, "/drain"),
        (Method::GET, "/metrics"),
    ] {
        for (key, code) in
            [(None, "keyMissing"), (Some("another key, as long"), "keyWrong"), (Some(""), "keyWrong")]
        {
            let (status, body) = scene.ask(method.clone(), path, key).await;
            assert_eq!((status.as_u16(), &body["error"]["code"]), (401, &code.into()), "{path} {key:?}");
        }
    }
    assert!(!scene.bot.is_draining());
    assert_eq!(scene.ask(Method::GET, "/live", None).await.0, 200);
    assert_eq!(scene.ask(Method::GET, "/ready", None).await.1, serde_json::json!({"ready": true}));
    let shown = format!("{:?}", scene.operations);
    assert!(!shown.contains(KEY), "{shown}");
    assert!(matches!(Operations::try_new(&scene.bot, "short"), Err(OperationsError::KeyTooShort(5))));
}

#[tokio::test(start_paused = true)]
async fn a_call_is_listed_shown_and_hung_up() {
    let scene = scene(true, "s3cret").await;
    let listed = scene.call("established").await;
    let members: BTreeSet<_> = listed.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        members.into_iter().collect::<Vec<_>>(),
        ["direction", "ended", "ever_established", "hosting", "id", "kind", "name", "reason", "state"]
    );
    assert_eq!(
        (&listed["direction"], &listed["kind"], &listed["hosting"]),
        (&"incoming".into(), &"p2p".into(), &"direct".into())
    );
    tokio::time::sleep(Duration::from_secs(5)).await;
    let (name, id) = (listed["name"].as_str().unwrap(), listed["id"].as_str().unwrap());
    let (status, shown) = scene.get(&format!("/calls/{name}")).await;
    assert_eq!(status, 200);
    assert_eq!(scene.get(&format!("/calls/{id}")).await.1, shown, "by Graph's id too");
    let running = &shown["operations"][0];
    assert_eq!(
        (&running["action"], &running["phase"]),
        (&"playPrompt".into(), &"running".into()),
        "{shown:#}"
    );
    let recent = shown["recent"].as_array().unwrap();
    let has = |what: &str, text: &str| {
        recent.iter().any(|entry| entry["what"] == what && entry["text"].as_str().unwrap().contains(text))
    };
    assert!(
        has("request", "/answer") && has("event", "Established") && has("notification", "updated call"),
        "{shown:#}"
    );
    assert!(has("event", "Tone"), "{shown:#}");
    let text = shown.to_string();
    assert!(!text.contains("one7") && !text.contains("Seven") && !text.contains("Lovelace"), "{text}");
    let request =
        Request::get("https://operations.test/metrics").header("authorization", format!("Bearer {KEY}"));
    let metrics = scene.net.send(request.body(Bytes::new()).unwrap()).await.unwrap();
    assert_eq!(metrics.headers()["content-type"], crate::metrics::CONTENT);
    assert_eq!(String::from_utf8_lossy(metrics.body()), scene.bot.metrics());
    assert_eq!(scene.post(&format!("/calls/{name}/hang-up")).await.0, 202);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(scene.get("/calls").await.1["calls"], serde_json::json!([]));
    let ended = &scene.get("/calls?all=true").await.1["calls"][0]["ended"];
    assert_eq!((&ended["how"], &ended["by"]), (&"told".into(), &"bot".into()), "{ended}");
    let (status, body) = scene.post(&format!("/calls/{name}/hang-up")).await;
    assert_eq!((status.as_u16(), &body["error"]["code"]), (409, &"refused".into()), "{body}");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_rings_is_rejected_and_one_that_is_not_is_told_so() {
    let scene = scene(false, "s3cret").await;
    let ringing = scene.call("incoming").await;
    assert_eq!(scene.post(&format!("/calls/{}/hang-up", ringing["name"].as_str().unwrap())).await.0, 202);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(scene.get("/calls").await.1["calls"], serde_json::json!([]));
    for call in ["c-1", "57dab8b1-894c-409a-b240-bd8beae78896", "%2e%2e", "%00"] {
        let (status, body) = scene.get(&format!("/calls/{call}")).await;
        assert_eq!((status.as_u16(), &body["error"]["code"]), (404, &"callUnknown".into()), "{call}");
    }
}

#[tokio::test(start_paused = true)]
async fn readiness_says_what_is_wrong_to_those_who_may_know() {
    let scene = scene(true, "another").await;
    let (status, body) = scene.ask(Method::GET, "/ready", None).await;
    assert_eq!((status.as_u16(), body.to_string().as_str()), (503, r#"{"ready":false}"#));
    let (status, body) = scene.get("/ready").await;
    assert_eq!((status.as_u16(), &body["keys"], &body["store"]), (503, &"ok".into(), &"ok".into()));
    assert!(body["token"].as_str().unwrap().contains("check the client secret"), "{body}");
    let scene = self::scene(true, "s3cret").await;
    scene.net.unmount("graph.test");
    let (_, body) = scene.get("/ready").await;
    assert!(body["keys"].as_str().unwrap().contains("graph.test"), "{body}");
}

#[tokio::test(start_paused = true)]
async fn a_drain_ends_what_is_up_and_is_done_once() {
    let scene = scene(true, "s3cret").await;
    scene.call("established").await;
    assert_eq!(scene.post("/drain").await.0, 202);
    assert_eq!(scene.post("/drain").await.0, 202);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (status, body) = scene.get("/ready").await;
    assert_eq!((status.as_u16(), &body["draining"]), (503, &true.into()));
    let drained = scene.operations.drained().await;
    assert_eq!((drained.hung_up.len(), drained.left.len()), (1, 0));
}

#[tokio::test]
async fn it_is_not_served_where_others_reach_it() {
    let scene = scene(true, "s3cret").await;
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let refused = scene.operations.clone().serve(listener).await.unwrap_err();
    assert!(refused.to_string().contains("listen on 127.0.0.1"), "{refused}");
}
