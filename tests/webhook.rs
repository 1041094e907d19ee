//! What comes in at the webhook that should not, and what comes of it: a clear error, and nothing lost.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // helpers of tests, beside the tests themselves

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use callflow_core::lifecycle::State;
use callflow_graph::bot::{Bot, StartError};
use callflow_graph::client::Credentials;
use callflow_graph::simulator::Step;
use callflow_graph::store::{CallName, Commit, Pending, Record, Store, StoreError};
use callflow_graph::transport::Transport;
use callflow_graph::webhook::MAX_BODY;
use callflow_tests::{APP, PERSON, Scene, TENANT};
use http::{Request, Response};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

const CALL: &str = "57DAB8B1894C409AB240BD8BEAE78896";

/// The key that another service would sign with, once made.
const FORGED: &[u8] = b"not a key of anybody's, but long enough to be a secret of HS256";

struct Hook {
    scene: Scene,
    bot: Bot,
    token: String,
}

/// A bot, and a token that its Graph signed.
async fn hook() -> Hook {
    let scene = Scene::good();
    let bot = scene.start().await;
    // A caller who never waits for an answer: his call's first notification carries a good token.
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let hear = async move |headers: http::HeaderMap| {
        let _ = tell.send(headers[http::header::AUTHORIZATION].to_str().unwrap().to_owned());
        http::StatusCode::ACCEPTED
    };
    scene.net.mount("bot.test", axum::Router::new().route("/calls", axum::routing::post(hear)));
    scene.simulator.call_bot(PERSON, APP, vec![Step::HangUp]).unwrap();
    let token = told.recv().await.unwrap();
    scene.net.mount("bot.test", bot.router());
    Hook { scene, bot, token }
}

impl Hook {
    async fn post(&self, authorization: Option<&str>, body: impl Into<Bytes>) -> Response<Bytes> {
        self.post_to("https://bot.test/calls", authorization, body).await
    }

    async fn post_to(
        &self,
        url: &str,
        authorization: Option<&str>,
        body: impl Into<Bytes>,
    ) -> Response<Bytes> {
        let mut request = Request::post(url);
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        self.scene.net.send(request.body(body.into()).unwrap()).await.unwrap()
    }

    /// Another bot in the place of this one.
    async fn start_with(&mut self, config: callflow_graph::bot::Config) {
        let (scene, transport) = (&self.scene, Arc::new(self.scene.net.clone()));
        let store = Arc::clone(&scene.store);
        self.bot = Bot::start(config, scene.menu.clone(), store, transport, scene.clock).await.unwrap();
        let menu = axum::routing::get(async || callflow_graph::simulator::wav_tone(Duration::from_secs(2)));
        let prompts = axum::Router::new().route("/menu.wav", menu);
        scene.net.mount("bot.test", self.bot.router().merge(prompts));
    }

    /// A call that Graph knows, established.
    async fn talking(&self) -> (String, CallName) {
        let script = vec![Step::AwaitAnswer, Step::AwaitHangUp];
        let id = self.scene.simulator.call_bot(PERSON, APP, script).unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let name = CallName::try_new(format!("c-{}", id.to_lowercase())).unwrap();
        (id, name)
    }

    async fn calls(&self) -> usize {
        self.bot.calls().await.unwrap().len()
    }
}

fn incoming(id: &str) -> String {
    entry("created", id, &json!({"@odata.type": "#microsoft.graph.call", "state": "incoming"}))
}

fn entry(change: &str, id: &str, data: &Value) -> String {
    let url = format!("/communications/calls/{id}");
    json!({"value": [{"changeType": change, "resourceUrl": url, "resourceData": data}]}).to_string()
}

fn code(response: &Response<Bytes>) -> (u16, String) {
    let body: Value = serde_json::from_slice(response.body()).unwrap();
    assert!(body["error"]["message"].as_str().is_some_and(|message| message.len() > 10), "{body}");
    (response.status().as_u16(), body["error"]["code"].as_str().unwrap().to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_bad_token_is_401_and_nothing_of_its_request_reaches_a_call() {
    let hook = hook().await;
    let now = hook.scene.clock.now_seconds();
    let claims = json!({"iss": "https://api.botframework.com", "aud": APP, "tid": TENANT, "nbf": now, "exp": now + 3600});
    let header = Header { kid: Some("simulator-1".to_owned()), ..Header::new(Algorithm::HS256) };
    let hs256 = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(FORGED)).unwrap();
    let mut parts: Vec<_> = hook.token.split('.').map(str::to_owned).collect();
    parts[1] = hs256.split('.').nth(1).unwrap().to_owned();
    let tampered = parts.join(".");
    for (authorization, expected) in [
        (None, "tokenMissing"),
        (Some("Bearer x".to_owned()), "tokenMalformed"),
        (Some(format!("Bearer {hs256}")), "tokenAlgorithm"),
        (Some(tampered), "tokenSignature"),
    ] {
        let refused = hook.post(authorization.as_deref(), incoming(CALL)).await;
        assert_eq!(code(&refused), (401, expected.to_owned()));
    }
    tokio::time::sleep(Duration::from_secs(4500)).await;
    let expired = hook.post(Some(&hook.token), incoming(CALL)).await;
    assert_eq!(code(&expired), (401, "tokenExpired".to_owned()));
    assert_eq!(hook.calls().await, 0);
}

#[tokio::test(start_paused = true)]
async fn bad_bodies_have_their_errors_and_a_good_one_is_accepted() {
    let hook = hook().await;
    let token = Some(hook.token.as_str());
    for (body, status) in [
        ("hello".to_owned(), 400),
        ("{}".to_owned(), 400),
        (json!({"value": [{"changeType": "sung"}]}).to_string(), 400),
        (entry("updated", CALL, &json!({"state": {}})), 400),
        ("x".repeat(MAX_BODY + 1), 413),
    ] {
        let (refused, _) = code(&hook.post(token, body.clone()).await);
        assert_eq!(refused, status, "{}", body.chars().take(60).collect::<String>());
    }
    let limit = format!("{}{}", incoming("1"), " ".repeat(MAX_BODY - incoming("1").len()));
    assert_eq!(hook.post(token, limit).await.status(), 202, "as large as the limit");
    let legacy = json!({"callState": "incoming", "id": "1"}).to_string();
    assert_eq!(hook.post(token, legacy).await.status(), 204);
    // One bad entry costs none of the others.
    let mut mixed: Value = serde_json::from_str(&incoming(CALL)).unwrap();
    mixed["value"].as_array_mut().unwrap().insert(0, json!({"changeType": "sung"}));
    assert_eq!(hook.post(token, mixed.to_string()).await.status(), 202);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(hook.calls().await, 2);
}

#[tokio::test(start_paused = true)]
async fn what_says_nothing_new_changes_nothing_and_unknown_words_are_survived() {
    let hook = hook().await;
    let token = Some(hook.token.as_str());
    let (id, name) = hook.talking().await;
    for body in [incoming(&id), incoming(&id), entry("updated", &id, &json!({"state": "dancing"}))] {
        assert_eq!(hook.post(token, body).await.status(), 202);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(hook.bot.view(&name).await.unwrap().unwrap().state, State::Established);
}

#[tokio::test(start_paused = true)]
async fn news_of_a_call_that_is_not_known_is_kept_for_a_while() {
    let hook = hook().await;
    let token = Some(hook.token.as_str());
    let established = entry("updated", CALL, &json!({"state": "established"}));
    assert_eq!(hook.post(token, established.clone()).await.status(), 202);
    tokio::time::sleep(Duration::from_secs(50)).await;
    assert_eq!(hook.calls().await, 1, "kept");
    tokio::time::sleep(Duration::from_secs(15)).await;
    assert_eq!(hook.calls().await, 0, "dropped, after a word in the log");

    // The other way round: the first notification comes after the second.
    assert_eq!(hook.post(token, established).await.status(), 202);
    assert_eq!(hook.post(token, incoming(CALL)).await.status(), 202);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let name = CallName::try_new(format!("c-{}", CALL.to_lowercase())).unwrap();
    assert_eq!(hook.bot.view(&name).await.unwrap().unwrap().state, State::Established);
}

#[tokio::test(start_paused = true)]
async fn a_good_token_of_another_tenant_is_403_for_a_call_that_is_known() {
    let hook = hook().await;
    let (id, name) = hook.talking().await;
    // The same service, speaking for another tenant's call.
    let other = callflow_graph::simulator::Registration::new(
        APP,
        "another-tenant",
        "s3cret",
        "https://other.test/calls",
    );
    let config = callflow_graph::simulator::Config::new("https://other-graph.test", other);
    let simulator = callflow_graph::simulator::Simulator::try_new(
        config,
        Arc::new(hook.scene.net.clone()),
        hook.scene.clock,
    )
    .unwrap();
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let hear = async move |headers: http::HeaderMap| {
        let _ = tell.send(headers[http::header::AUTHORIZATION].to_str().unwrap().to_owned());
        http::StatusCode::ACCEPTED
    };
    hook.scene.net.mount("other.test", axum::Router::new().route("/calls", axum::routing::post(hear)));
    simulator.add_person(callflow_graph::simulator::Person {
        id: PERSON.to_owned(),
        display_name: "Ada".to_owned(),
        when_rung: callflow_graph::simulator::WhenRung::Ignore,
    });
    simulator.call_bot(PERSON, APP, vec![]).unwrap();
    let token = told.recv().await.unwrap();
    let refused = hook.post(Some(&token), entry("deleted", &id, &json!({}))).await;
    assert_eq!(code(&refused), (403, "tenantMismatch".to_owned()));
    assert_eq!(hook.bot.view(&name).await.unwrap().unwrap().state, State::Established);
}

#[tokio::test(start_paused = true)]
async fn keys_that_cannot_be_had_are_503_so_that_the_service_tries_again() {
    let hook = hook().await;
    let graph = hook.scene.simulator.router();
    hook.scene.net.unmount("graph.test");
    let refused = hook.post(Some(&hook.token), incoming(CALL)).await;
    assert_eq!(code(&refused), (503, "keysUnavailable".to_owned()));
    assert_eq!(hook.calls().await, 0);
    hook.scene.net.mount("graph.test", graph);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(hook.post(Some(&hook.token), incoming(CALL)).await.status(), 202);
}

#[tokio::test(start_paused = true)]
async fn two_bots_in_one_router_each_refuse_the_others_token() {
    let scene = Scene::good();
    let mut router = axum::Router::new();
    let apps = [("one", APP), ("two", "8a34a46b-3d17-4adc-8dce-dc4e7d572699")];
    let mut bots = Vec::new();
    for (path, app) in apps {
        let mut config = scene.config();
        config.callback = format!("https://bot.test/deep/{path}");
        config.credentials.app_id = app.to_owned();
        config.expected = callflow_graph::webhook::authentication::Expected::for_app(app);
        let store: Arc<dyn Store> = Arc::new(callflow_graph::store::memory::Memory::new());
        let transport = Arc::new(scene.net.clone());
        let bot = Bot::start(config, scene.menu.clone(), store, transport, scene.clock).await.unwrap();
        router = router.nest(&format!("/deep/{path}"), bot.routes());
        bots.push(bot);
    }
    scene.net.mount("bot.test", router);
    let tokens = [scene.authorization(apps[0].1, TENANT).await, scene.authorization(apps[1].1, TENANT).await];
    for (token, owner) in tokens.iter().zip(["one", "two"]) {
        for (path, below) in [("one", ""), ("two", ""), ("one", "/c-1"), ("two", "/c-1")] {
            let url = format!("https://bot.test/deep/{path}{below}");
            let body = Bytes::from(incoming(CALL));
            let request = Request::post(url).header("authorization", token).body(body).unwrap();
            let response = scene.net.send(request).await.unwrap();
            if owner == path {
                assert_eq!(response.status(), 202);
            } else {
                assert_eq!(code(&response), (401, "tokenAudience".to_owned()));
            }
        }
    }
    for bot in bots {
        assert_eq!(bot.calls().await.unwrap().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn answers_repeat_the_ids_of_the_message_and_close_the_connection_where_that_is_asked() {
    let mut hook = hook().await;
    let post = async |hook: &Hook, token: &str| {
        let request = Request::post("https://bot.test/calls")
            .header("authorization", token)
            .header("content-type", "application/json; charset=windows-1252")
            .header("x-microsoft-skype-message-id", "message-1")
            .header("scenario-id", "scenario-1")
            .body(Bytes::from(incoming(CALL)))
            .unwrap();
        hook.scene.net.send(request).await.unwrap()
    };
    for (token, status) in [(hook.token.clone(), 202), ("Bearer x".to_owned(), 401)] {
        let response = post(&hook, &token).await;
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()["client-request-id"], "message-1");
        assert_eq!(response.headers()["scenario-id"], "scenario-1");
        assert!(response.headers().get("connection").is_none());
    }
    let mut config = hook.scene.config();
    config.webhook.connection = callflow_graph::webhook::Connection::Closed;
    hook.start_with(config).await;
    let response = post(&hook, &hook.token.clone()).await;
    assert_eq!(response.headers()["connection"], "close");
}

#[tokio::test(start_paused = true)]
async fn a_content_type_or_charset_that_cannot_be_json_is_415() {
    let hook = hook().await;
    for (content_type, status) in [
        ("application/json; charset=utf-8", 202),
        ("text/json", 202),
        ("application/json; charset=klingon", 415),
        ("application/x-www-form-urlencoded", 415),
    ] {
        let request = Request::post("https://bot.test/calls")
            .header("authorization", &hook.token)
            .header("content-type", content_type)
            .body(Bytes::from(incoming(CALL)))
            .unwrap();
        assert_eq!(hook.scene.net.send(request).await.unwrap().status(), status, "{content_type}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_another_region_is_to_have_is_302_and_one_that_is_known_stays() {
    let mut hook = hook().await;
    let mut config = hook.scene.config();
    let elsewhere = |first: &callflow_graph::webhook::First<'_>| {
        assert!(first.headers.get("authorization").is_none() && first.tenant_id == TENANT);
        let to = if first.notices.len() == 1 { "https://eu.bot.test/calls" } else { "http://eu.bot.test" };
        Some(to.to_owned())
    };
    config.webhook.elsewhere = Some(callflow_graph::webhook::Elsewhere::new(elsewhere));
    let (id, _) = hook.talking().await;
    hook.start_with(config).await;
    let token = Some(hook.token.clone());
    let token = token.as_deref();
    let away = hook.post(token, incoming(CALL)).await;
    assert_eq!(
        (away.status().as_u16(), &away.headers()["location"]),
        (302, &"https://eu.bot.test/calls".parse().unwrap())
    );
    assert_eq!(hook.calls().await, 1, "nothing of it is kept");
    assert_eq!(hook.post(token, incoming(&id)).await.status(), 202, "known");
    let late = entry("updated", CALL, &json!({"state": "established"}));
    assert_eq!(hook.post(token, late).await.status(), 202, "not its first");
    let other = "57DAB8B1894C409AB240BD8BEAE78897";
    let mut two: Value = serde_json::from_str(&incoming(other)).unwrap();
    let again = two["value"][0].clone();
    two["value"].as_array_mut().unwrap().push(again);
    assert_eq!(hook.post(token, two.to_string()).await.status(), 202, "to plain http nobody is sent");
}

#[tokio::test(start_paused = true)]
async fn a_call_stays_its_tenants_also_before_its_task_has_said_so() {
    let mut hook = hook().await;
    let (id, name) = hook.talking().await;
    let other = hook.scene.authorization(APP, "another-tenant").await;
    let same = hook.token.clone();
    let body = entry("deleted", &id, &json!({}));
    // Its task is no more, and the next has not begun.
    hook.bot.stop().await;
    assert_eq!(code(&hook.post(Some(&other), body.clone()).await), (403, "tenantMismatch".to_owned()));
    hook.start_with(hook.scene.config()).await;
    assert_eq!(code(&hook.post(Some(&other), body.clone()).await), (403, "tenantMismatch".to_owned()));
    let url = format!("https://bot.test/calls/{name}");
    assert_eq!(code(&hook.post_to(&url, Some(&other), body).await), (403, "tenantMismatch".to_owned()));
    let more = entry("updated", &id, &json!({"state": "established"}));
    assert_eq!(hook.post(Some(&same), more).await.status(), 202);
    assert_eq!(hook.bot.view(&name).await.unwrap().unwrap().state, State::Established);
}

#[tokio::test(start_paused = true)]
async fn what_another_tenant_said_of_a_call_before_it_was_known_is_dropped() {
    let hook = hook().await;
    let other = hook.scene.authorization(APP, "another-tenant").await;
    let established = entry("updated", CALL, &json!({"state": "established"}));
    assert_eq!(hook.post(Some(&other), established).await.status(), 202);
    assert_eq!(hook.post(Some(&hook.token), incoming(CALL)).await.status(), 202);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let name = CallName::try_new(format!("c-{}", CALL.to_lowercase())).unwrap();
    assert!(!hook.bot.view(&name).await.unwrap().unwrap().ever_established);
}

/// A store that puts nothing away before it is let.
struct Slow {
    inner: callflow_graph::store::memory::Memory,
    let_go: Arc<tokio::sync::Semaphore>,
}

impl Store for Slow {
    fn append(&self, name: &CallName, bytes: Vec<u8>) -> Pending<'_, u64> {
        let name = name.clone();
        Box::pin(async move {
            let _one = self.let_go.acquire().await;
            self.inner.append(&name, bytes).await
        })
    }

    fn read(&self, name: &CallName) -> Pending<'_, Option<Record>> {
        self.inner.read(name)
    }

    fn commit(&self, name: &CallName, commit: Commit) -> Pending<'_, u64> {
        self.inner.commit(name, commit)
    }

    fn mark_attempted(&self, name: &CallName, ticket: u32) -> Pending<'_, ()> {
        self.inner.mark_attempted(name, ticket)
    }

    fn resolve(&self, alias: &str) -> Pending<'_, Option<CallName>> {
        self.inner.resolve(alias)
    }

    fn names(&self) -> Pending<'_, Vec<CallName>> {
        self.inner.names()
    }

    fn count(&self, key: &str, by: u64) -> Pending<'_, u64> {
        self.inner.count(key, by)
    }

    fn forget(&self, name: &CallName, last_seq: u64) -> Pending<'_, bool> {
        self.inner.forget(name, last_seq)
    }
}

/// Posts the first notifications of `count` calls, all at a time.
fn post_many(hook: &Hook, from: usize, count: usize) -> Vec<tokio::task::JoinHandle<Response<Bytes>>> {
    let one = |number: usize| {
        let body = Bytes::from(incoming(&format!("{number:032}")));
        let request = Request::post("https://bot.test/calls").header("authorization", &hook.token);
        tokio::spawn(hook.scene.net.send(request.body(body).unwrap()))
    };
    let posted: Vec<_> = (from..from + count).map(one).collect();
    posted.into_iter().map(|post| tokio::spawn(async { post.await.unwrap().unwrap() })).collect()
}

#[tokio::test(start_paused = true)]
async fn more_than_is_taken_at_a_time_is_503_and_what_was_accepted_is_in_the_store() {
    let size = incoming(&"0".repeat(32)).len();
    // Five requests, the bytes of five, five that wait: each bound by itself.
    for bound in ["requests", "bytes", "inboxes"] {
        let mut hook = hook().await;
        let let_go = Arc::new(tokio::sync::Semaphore::new(0));
        let inner = callflow_graph::store::memory::Memory::new();
        hook.scene.store = Arc::new(Slow { inner, let_go: Arc::clone(&let_go) });
        let mut config = hook.scene.config();
        match bound {
            "requests" => config.webhook.max_requests = 5,
            "bytes" => {
                config.webhook.max_body = size;
                config.webhook.max_buffered = 5 * size;
            }
            _ => config.webhook.max_waiting = 5,
        }
        hook.start_with(config).await;
        let waiting = post_many(&hook, 1, 5);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let refused = hook.post(Some(&hook.token), incoming(CALL)).await;
        assert_eq!(code(&refused), (503, "overloaded".to_owned()), "{bound}");
        assert_eq!(refused.headers()["retry-after"], "1");
        let_go.add_permits(5);
        for answer in waiting {
            assert_eq!(answer.await.unwrap().status(), 202, "{bound}");
        }
        assert_eq!(hook.calls().await, 5, "{bound}");
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(hook.post(Some(&hook.token), incoming(CALL)).await.status(), 202, "{bound}");
        assert_eq!(hook.calls().await, 6, "{bound}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_call_whose_inbox_is_full_costs_the_others_nothing_also_after_a_restart() {
    let mut hook = hook().await;
    let mut config = hook.scene.config();
    config.webhook.max_waiting_of_call = 3;
    hook.start_with(config.clone()).await;
    // Nobody handles these: their call is not known yet.
    let late = |id: &str| entry("updated", id, &json!({"state": "established"}));
    let token = hook.token.clone();
    for _ in 0..3 {
        assert_eq!(hook.post(Some(&token), late(CALL)).await.status(), 202);
    }
    for _ in 0..2 {
        assert_eq!(code(&hook.post(Some(&token), late(CALL)).await), (503, "overloaded".to_owned()));
        assert_eq!(hook.post(Some(&token), incoming("1")).await.status(), 202);
        hook.bot.stop().await;
        hook.start_with(config.clone()).await;
    }
    // Forgotten, since its first notification never came.
    tokio::time::sleep(Duration::from_secs(70)).await;
    assert_eq!(hook.post(Some(&token), late(CALL)).await.status(), 202);
}

/// A store whose disk is full.
struct Full;

fn full<T: Send + 'static>() -> Pending<'static, T> {
    let error =
        StoreError::Unwritable { path: "/calls.redb".into(), reason: "no space left on device".to_owned() };
    Box::pin(std::future::ready(Err(error)))
}

impl Store for Full {
    fn append(&self, _: &CallName, _: Vec<u8>) -> Pending<'_, u64> {
        full()
    }

    fn read(&self, _: &CallName) -> Pending<'_, Option<Record>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn commit(&self, _: &CallName, _: Commit) -> Pending<'_, u64> {
        full()
    }

    fn mark_attempted(&self, _: &CallName, _: u32) -> Pending<'_, ()> {
        full()
    }

    fn resolve(&self, _: &str) -> Pending<'_, Option<CallName>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn names(&self) -> Pending<'_, Vec<CallName>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    fn forget(&self, _: &CallName, _: u64) -> Pending<'_, bool> {
        full()
    }

    fn count(&self, _: &str, _: u64) -> Pending<'_, u64> {
        Box::pin(std::future::ready(Ok(0)))
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_be_written_is_503_and_nobody_is_called() {
    let mut hook = hook().await;
    hook.scene.store = Arc::new(Full);
    hook.bot = hook.scene.start().await;
    let refused = hook.post(Some(&hook.token), incoming(CALL)).await;
    assert_eq!(code(&refused), (503, "storeUnavailable".to_owned()));
    assert!(!String::from_utf8_lossy(refused.body()).contains("calls.redb"), "the path is for the log only");
    let target = callflow_graph::session::Target::User(PERSON.to_owned());
    let error = hook.bot.place(target).await.unwrap_err();
    assert!(error.to_string().contains("not full"), "{error}");
    assert!(hook.scene.simulator.calls().iter().all(|call| call.id.len() == 32), "only Ada's own call");
}

#[tokio::test(start_paused = true)]
async fn a_callback_that_graph_cannot_reach_is_refused_at_the_start() {
    let scene = Scene::good();
    for callback in ["http://bot.example/calls", "bot.example", ""] {
        let config = callflow_graph::bot::Config { callback: callback.to_owned(), ..scene.config() };
        let transport = Arc::new(scene.net.clone());
        let started =
            Bot::start(config, scene.menu.clone(), Arc::clone(&scene.store), transport, scene.clock).await;
        assert!(matches!(started, Err(StartError::Callback(_))), "{callback}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_secret_is_told_of_before_the_first_call() {
    let scene = Scene::good();
    let mut config = scene.config();
    config.credentials = Credentials::with_secret(TENANT, APP, "wrong");
    let transport = Arc::new(scene.net.clone());
    let bot = Bot::start(config, scene.menu.clone(), Arc::clone(&scene.store), transport, scene.clock)
        .await
        .unwrap();
    let error = bot.check_credentials().await.unwrap_err();
    assert!(error.to_string().contains("check the client secret"), "{error}");
}
