use std::time::{Duration, UNIX_EPOCH};

use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::{any, post};
use axum::{Json, Router};
use callflow_core::event::Event;
use http::StatusCode;
use serde_json::json;

use super::*;
use crate::bot::{Bot, Call, CallHandler, HandlerError};
use crate::configuration::Sources;
use crate::simulator::{self, Registration, Simulator};
use crate::store::memory::Memory;
use crate::transport::InProcess;

const SECRET: &str = "a secret of the app";
const MP3: &[u8] = include_bytes!("../prompt/fixtures/tone.mp3");

struct Silent;

impl CallHandler for Silent {
    type State = ();

    async fn on_event(&self, _: &mut Call<'_>, (): &mut (), _: &Event) -> Result<(), HandlerError> {
        Ok(())
    }
}

struct Scene {
    net: InProcess,
    clock: Clock,
    simulator: Simulator,
    folder: tempfile::TempDir,
    /// What is set besides what makes everything good.
    more: Vec<(&'static str, String)>,
}

impl Scene {
    fn new() -> Self {
        let (net, clock) = (InProcess::new(), Clock::system());
        let app = Registration::new("app-1", "tenant-1", SECRET, "https://bot.test/calls")
            .with("Calls.Initiate.All")
            .with("Calls.AccessMedia.All");
        let config = simulator::Config::new("https://graph.test", app);
        let simulator = Simulator::try_new(config, Arc::new(net.clone()), clock).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("prompts")).unwrap();
        std::fs::write(folder.path().join("prompts/menu.mp3"), MP3).unwrap();
        let scene = Self { net, clock, simulator, folder, more: Vec::new() };
        scene.serve_dated(0);
        scene
    }

    /// Serves the simulator by a clock that is so many seconds apart.
    fn serve_dated(&self, apart: i64) {
        let clock = self.clock;
        let dated = map_response(move |mut response: Response| {
            let seconds = clock.now_seconds().saturating_add_signed(apart);
            let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds));
            response.headers_mut().insert(http::header::DATE, date.parse().unwrap());
            std::future::ready(response)
        });
        self.net.mount("graph.test", self.simulator.router().layer(dated));
    }

    fn configuration(&self) -> Configuration {
        self.configured("")
    }

    /// With this file.
    fn configured(&self, file: &str) -> Configuration {
        let endpoints = self.simulator.endpoints();
        let path = |name: &str| self.folder.path().join(name).to_str().unwrap().to_owned();
        let mut sources = Sources::new()
            .text(self.folder.path().join("bot.toml"), file)
            .variables([("CALLFLOW_APP_SECRET", SECRET)])
            .set("app.tenant_id", "tenant-1")
            .set("app.id", "app-1")
            .set("cloud.authority", endpoints.authority)
            .set("cloud.graph", endpoints.graph)
            .set("cloud.openid", endpoints.openid)
            .set("cloud.scope", endpoints.scope)
            .set("webhook.callback", "https://bot.test/calls")
            .set("store.file", path("calls.redb"))
            .set("prompts.folder", path("prompts"));
        for (key, value) in &self.more {
            sources = match *key {
                "secret" => sources.variables([("CALLFLOW_APP_SECRET", value.as_str())]),
                "file" => sources.text("bot.toml", value),
                key => sources.set(key, value),
            };
        }
        sources.load().unwrap()
    }

    async fn start(&self) {
        let configuration = self.configuration();
        let transport: Arc<dyn Transport> = Arc::new(self.net.clone());
        let prompts = configuration.prompts.open(Arc::clone(&transport), self.clock).await.unwrap();
        let bot = Bot::start(configuration.bot, Silent, Arc::new(Memory::new()), transport, self.clock)
            .await
            .unwrap();
        self.net.mount("bot.test", bot.router().merge(prompts.router()));
    }

    async fn check(&self) -> Report {
        check(&self.configuration(), Arc::new(self.net.clone()), self.clock).await
    }

    async fn findings(&self, check: &str) -> Vec<Finding> {
        self.check().await.findings.into_iter().filter(|finding| finding.check == check).collect()
    }

    async fn finding(&self, check: &str) -> Finding {
        self.findings(check).await.swap_remove(0)
    }
}

fn says(finding: &Finding, outcome: Outcome, words: &str) {
    let text = format!("{} {}", finding.found, finding.way_out.as_deref().unwrap_or_default());
    assert_eq!(finding.outcome, outcome, "{finding:?}");
    assert!(text.contains(words), "{words}: {finding:?}");
    assert!(!text.contains(SECRET), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_bot_that_runs_as_it_should_passes_every_check() {
    let scene = Scene::new();
    scene.start().await;
    let report = scene.check().await;
    let checks: Vec<_> = report.findings.iter().map(|finding| finding.check).collect();
    assert_eq!(checks, ["token", "clock", "permissions", "graph", "keys", "callback", "store", "prompts"]);
    assert_eq!(report.outcome(), Outcome::Ok, "{:#?}", report.findings);
    let row = |action| *report.abilities.iter().find(|row| row.action == action).unwrap();
    assert_eq!((row(Action::Place).p2p, row(Action::Record).group), (Ability::Can, Ability::Can));
    assert_eq!(row(Action::Invite).group.to_string(), "cannot: lacks Calls.InitiateGroupCall.All");
    assert_eq!(row(Action::MuteParticipant).p2p, Ability::NotOffered);
    assert!(!scene.folder.path().join("calls.redb").exists(), "what was made to find out is gone");
}

#[tokio::test(start_paused = true)]
async fn a_wrong_secret_is_explained_and_what_follows_is_not_blamed() {
    let mut scene = Scene::new();
    scene.more.push(("secret", "another secret".to_owned()));
    says(&scene.finding("token").await, Outcome::Failed, "check the client secret: it is wrong");
    says(&scene.finding("graph").await, Outcome::Warning, "see to the token first");
    says(&scene.finding("permissions").await, Outcome::Warning, "nothing is stated");
    let report = scene.check().await;
    let place = report.abilities.iter().find(|row| row.action == Action::Place).unwrap();
    assert_eq!(place.p2p.to_string(), "needs Calls.Initiate.All");
}

#[tokio::test(start_paused = true)]
async fn what_is_stated_is_compared_with_the_token() {
    let mut scene = Scene::new();
    scene.more.push((
        "app.permissions",
        "Calls.AccessMedia.All, Calls.JoinGroupCall.All, Calls.AccessMedia.Chat".to_owned(),
    ));
    says(
        &scene.finding("permissions").await,
        Outcome::Failed,
        "not in the token: Calls.JoinGroupCall.All add",
    );
    scene.more = vec![("app.permissions", "Calls.Initiate.All".to_owned())];
    says(&scene.finding("permissions").await, Outcome::Warning, "hears no keys");
}

#[tokio::test(start_paused = true)]
async fn clocks_that_differ() {
    let scene = Scene::new();
    for (apart, outcome, words) in [
        (1, Outcome::Ok, "agrees"),
        (-20, Outcome::Ok, "20 seconds ahead"),
        (60, Outcome::Warning, "60 seconds behind"),
        (-400, Outcome::Failed, "400 seconds ahead"),
    ] {
        scene.serve_dated(apart);
        says(&scene.finding("clock").await, outcome, words);
    }
    scene.net.mount("graph.test", scene.simulator.router());
    says(&scene.finding("clock").await, Outcome::Warning, "tells no date");
    scene.net.unmount("graph.test");
    says(&scene.finding("clock").await, Outcome::Failed, "graph.test");
}

#[tokio::test(start_paused = true)]
async fn keys_that_cannot_be_had() {
    let mut scene = Scene::new();
    scene.more.push(("cloud.openid", "https://graph.test/nowhere".to_owned()));
    says(&scene.finding("keys").await, Outcome::Failed, "`cloud.openid`");
}

#[tokio::test(start_paused = true)]
async fn what_graph_answers_is_explained() {
    let scene = Scene::new();
    let wrapped = r#"{"errorCode":"7503","message":"Application is not registered in our store."}"#;
    for (status, body, outcome, words) in [
        (
            404,
            json!({"error": {"code": "8522", "message": "Call not found."}}),
            Outcome::Ok,
            "only a call can tell",
        ),
        (403, json!({"error": {"code": "7504", "message": "x"}}), Outcome::Failed, "consent again"),
        (403, json!({"error": {"code": "UnknownError", "message": wrapped}}), Outcome::Failed, "tab Calling"),
        (403, json!({"error": {"code": "7505", "message": "x"}}), Outcome::Failed, "another tenant"),
        (403, json!({}), Outcome::Failed, "look at the app's permissions"),
        (401, json!({}), Outcome::Failed, "`cloud.scope`"),
        (500, json!({}), Outcome::Warning, "client-request-id"),
    ] {
        let answer = (StatusCode::from_u16(status).unwrap(), Json(body));
        let graph = Router::new().route("/v1.0/{*path}", any(async move || answer));
        let tokens = scene.simulator.router();
        let both = Router::new().merge(graph).fallback_service(tokens);
        scene.net.mount("graph.test", both);
        says(&scene.finding("graph").await, outcome, words);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_at_the_callback_is_told_apart() {
    let mut scene = Scene::new();
    says(
        &scene.finding("callback").await,
        Outcome::Failed,
        "start the bot first (it listens on 127.0.0.1:3978)",
    );
    for (status, words) in [
        (200, "takes anybody's word"),
        (302, "it is led elsewhere"),
        (401, "asks for a login"),
        (403, "asks for a login"),
        (404, "nobody takes notifications at this path"),
        (418, "no webhook of callflow"),
        (502, "does not reach it"),
    ] {
        let status = StatusCode::from_u16(status).unwrap();
        scene.net.mount("bot.test", Router::new().route("/calls", post(async move || status)));
        says(&scene.finding("callback").await, Outcome::Failed, words);
    }
    let slow = async || tokio::time::sleep(Duration::from_secs(60)).await;
    scene.net.mount("bot.test", Router::new().route("/calls", post(slow)));
    says(&scene.finding("callback").await, Outcome::Failed, "nothing came within 10s");
    // Another's words, without the mark of this request.
    let parrot = (StatusCode::UNAUTHORIZED, Json(json!({"error": {"code": "tokenMissing"}})));
    scene.net.mount("bot.test", Router::new().route("/calls", post(async move || parrot)));
    says(&scene.finding("callback").await, Outcome::Failed, "asks for a login");
    scene.start().await;
    says(&scene.finding("callback").await, Outcome::Ok, "cannot be told from here");
    for (address, words) in
        [("http://127.0.0.1:3978", "on loopback"), ("https://10.0.0.7", "private to this network")]
    {
        scene.more = vec![("webhook.callback", format!("{address}/calls"))];
        let bot = Bot::start(
            scene.configuration().bot,
            Silent,
            Arc::new(Memory::new()),
            Arc::new(scene.net.clone()),
            scene.clock,
        );
        let host = address.split("//").last().unwrap();
        scene.net.mount(host, bot.await.unwrap().router());
        says(&scene.finding("callback").await, Outcome::Warning, words);
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_be_written_is_in_use_or_is_none() {
    let mut scene = Scene::new();
    let file = scene.folder.path().join("calls.redb");
    let open = crate::store::embedded::Embedded::open(&file).unwrap();
    says(&scene.finding("store").await, Outcome::Warning, "in use by another process");
    drop(open);
    says(&scene.finding("store").await, Outcome::Ok, "can be written");
    assert!(file.exists(), "what was there stays");
    scene.more = vec![("store.file", "/nowhere/at/all/calls.redb".to_owned())];
    says(&scene.finding("store").await, Outcome::Failed, "check that the folder is there");
    let memory = Sources::new()
        .variables([("CALLFLOW_APP_SECRET", SECRET)])
        .set("app.tenant_id", "t")
        .set("app.id", "a")
        .set("webhook.callback", "https://bot.test/calls")
        .set("store.in_memory", "true");
    says(&local::store(&memory.load().unwrap()).await, Outcome::Warning, "in memory alone");
}

#[tokio::test(start_paused = true)]
async fn prompts_that_cannot_be_played_or_fetched() {
    let mut scene = Scene::new();
    let folder = scene.folder.path().join("prompts");
    says(&scene.finding("prompts").await, Outcome::Warning, "see to the callback first");
    scene.start().await;
    let webhook_alone = Bot::start(
        scene.configuration().bot,
        Silent,
        Arc::new(Memory::new()),
        Arc::new(scene.net.clone()),
        scene.clock,
    );
    scene.net.mount("bot.test", webhook_alone.await.unwrap().router());
    says(&scene.finding("prompts").await, Outcome::Failed, "status 404");
    scene.start().await;
    scene.more = vec![
        ("prompts.speech", "program".to_owned()),
        ("prompts.speech_program", "/nowhere/speak".to_owned()),
    ];
    says(&scene.finding("speech").await, Outcome::Failed, "/nowhere/speak");
    std::fs::write(folder.join("broken.mp3"), "no sound").unwrap();
    says(&scene.finding("prompts").await, Outcome::Failed, "broken");
    std::fs::remove_dir_all(&folder).unwrap();
    says(&scene.finding("prompts").await, Outcome::Failed, "cannot be read");
    std::fs::create_dir(&folder).unwrap();
    says(&scene.finding("prompts").await, Outcome::Ok, "there are none");
}

#[tokio::test(start_paused = true)]
async fn menus_that_run_would_refuse_are_found() {
    let mut scene = Scene::new();
    scene.start().await;
    let menu = "[menu.main]\nprompt = \"menu\"\n[menu.main.keys]\n1 = \"repeat\"\n";
    let outgoing = "[outgoing.ada]\nto = \"user:112f7296-5fa4-42ca-bae8-6a692b15d4b8\"\nmenu = \"main\"\n";
    for (file, outcome, words) in [
        (
            menu.to_owned(),
            Outcome::Ok,
            "1 menus and 0 outgoing calls can be read, and whatever they play can be had",
        ),
        (format!("{menu}{outgoing}"), Outcome::Warning, "somebody is called, which needs Calls.Initiate.All"),
        ("[menu.main]\n".to_owned(), Outcome::Failed, "a menu says what there is to press"),
        (
            menu.replace("repeat", "repaet"),
            Outcome::Failed,
            "bot.toml:4:5: menu.main.keys.1: `repaet` is none of these",
        ),
        (menu.replace("\"menu\"", "\"other\""), Outcome::Failed, "menu.main: there is no prompt \"other\""),
        (menu.replace("prompt =", "say ="), Outcome::Failed, "menu.main: no text-to-speech is set up"),
        ("[run]\nstart = \"main\"\n".to_owned(), Outcome::Failed, "there is no menu"),
        (
            format!("{menu}2 = {{ transfer = \"user:550fae72-d251-43ec-868c-373732c2704f\" }}\n"),
            Outcome::Warning,
            "needs Calls.Initiate.All",
        ),
    ] {
        let stated = ("app.permissions", "Calls.AccessMedia.All".to_owned());
        scene.more = vec![("file", file.clone()), stated];
        let finding = scene.finding("menus").await;
        // A warning stands behind what could be read.
        let finding =
            if outcome == Outcome::Warning { scene.findings("menus").await.swap_remove(1) } else { finding };
        says(&finding, outcome, words);
        assert_eq!(finding.way_out.is_none(), outcome == Outcome::Ok, "{finding:?}");
    }
    // They are looked at, too, where there are no prompts.
    scene.more = vec![("file", menu.replace("repeat", "repaet"))];
    std::fs::remove_dir_all(scene.folder.path().join("prompts")).unwrap();
    says(&scene.finding("menus").await, Outcome::Failed, "`repaet` is none of these");
}

#[test]
fn each_refusal_has_causes_and_is_found_in_either_form() {
    for code in [7503, 7504, 7505] {
        let refusal = refusals::told(&format!("{{\"code\":\"{code}\"}}")).unwrap();
        assert!(refusal.code == code && refusal.causes.len() >= 3);
    }
    assert_eq!(refusals::told("8522"), None);
}
