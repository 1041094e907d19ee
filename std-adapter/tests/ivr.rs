//! The built-in IVR, as callers at Graph's stand-in meet it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // helpers of tests, beside the tests themselves

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use callflow_graph::bot::Bot;
use callflow_graph::clock::Clock;
use callflow_graph::configuration::{Configuration, Sources};
use callflow_graph::ivr::{Dialler, Menus};
use callflow_graph::operations::Operations;
use callflow_graph::simulator::{self, Outcome, Person, Registration, Simulator, Step, WhenRung};
use callflow_graph::store::Store;
use callflow_graph::store::memory::Memory;
use callflow_graph::transport::{InProcess, Transport};
use http::Request;
use tokio::sync::mpsc;

const APP: &str = "app-1";
const ADA: &str = "112f7296-5fa4-42ca-bae8-6a692b15d4b8";
const BOB: &str = "550fae72-d251-43ec-868c-373732c2704f";
const SECRET: &str = "a secret of the app";
const KEY: &str = "a key of operations";
const MP3: &[u8] = include_bytes!("../src/prompt/fixtures/tone.mp3");

const MENUS: &str = r#"
[run]
recordings = "messages"
[menu.main]
prompt = "main"
invalid_prompt = "sorry"
goodbye_prompt = "bye"
[menu.main.keys]
1 = { play = "hours" }
2 = { menu = "more" }
3 = { transfer = "user:550fae72-d251-43ec-868c-373732c2704f" }
4 = { record = 5, then = "hang_up" }
5 = { record = 30 }
0 = "hang_up"
[menu.more]
prompt = "more"
no_input_seconds = 120
[menu.more.keys]
star = "hang_up"
pound = { menu = "main" }
[outgoing.bob]
to = "user:550fae72-d251-43ec-868c-373732c2704f"
menu = "more"
ring_seconds = 20
"#;

/// A network on which the service's fetches of prompts are seen.
#[derive(Clone)]
struct Seen {
    net: InProcess,
    fetched: mpsc::UnboundedSender<String>,
}

impl Transport for Seen {
    fn send(&self, request: Request<Bytes>) -> callflow_graph::transport::Exchange {
        let path = request.uri().path().to_owned();
        if let Some(name) = path.strip_prefix("/prompts/") {
            let _ = self.fetched.send(name.trim_end_matches(".wav").to_owned());
        }
        self.net.send(request)
    }
}

struct Scene {
    net: InProcess,
    simulator: Simulator,
    clock: Clock,
    folder: tempfile::TempDir,
    store: Arc<dyn Store>,
    permissions: String,
    played: mpsc::UnboundedReceiver<String>,
}

impl Scene {
    fn new(permissions: &[&str]) -> Self {
        let (net, clock) = (InProcess::new(), Clock::system());
        let mut app = Registration::new(APP, "tenant-1", SECRET, "https://bot.test/calls");
        for permission in permissions {
            app = app.with(*permission);
        }
        let permissions = permissions.join(",");
        let (fetched, played) = mpsc::unbounded_channel();
        let transport = Seen { net: net.clone(), fetched };
        let config = simulator::Config::new("https://graph.test", app);
        let simulator = Simulator::try_new(config, Arc::new(transport), clock).unwrap();
        net.mount("graph.test", simulator.router());
        for (id, name) in [(ADA, "Ada"), (BOB, "Bob")] {
            let when_rung = WhenRung::PickUp { after: Duration::from_secs(1), then: Vec::new() };
            simulator.add_person(Person { id: id.to_owned(), display_name: name.to_owned(), when_rung });
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("prompts")).unwrap();
        std::fs::create_dir(folder.path().join("messages")).unwrap();
        for name in ["main", "more", "hours", "sorry", "bye"] {
            std::fs::write(folder.path().join(format!("prompts/{name}.mp3")), MP3).unwrap();
        }
        Self { net, simulator, clock, folder, store: Arc::new(Memory::new()), permissions, played }
    }

    fn configuration(&self) -> Configuration {
        let endpoints = self.simulator.endpoints();
        Sources::new()
            .text(self.folder.path().join("bot.toml"), MENUS)
            .variables([("CALLFLOW_APP_SECRET", SECRET)])
            .set("app.tenant_id", "tenant-1")
            .set("app.id", APP)
            .set("cloud.authority", endpoints.authority)
            .set("cloud.graph", endpoints.graph)
            .set("cloud.openid", endpoints.openid)
            .set("cloud.scope", endpoints.scope)
            .set("webhook.callback", "https://bot.test/calls")
            .set("app.permissions", self.permissions.as_str())
            .set("prompts.folder", self.folder.path().join("prompts").to_str().unwrap())
            .load()
            .unwrap()
    }

    async fn start(&self) -> Bot {
        let configuration = self.configuration();
        let transport: Arc<dyn Transport> = Arc::new(self.net.clone());
        let prompts = configuration.prompts.open(Arc::clone(&transport), self.clock).await.unwrap();
        let menus = Menus::read(&configuration).unwrap();
        menus.prepare(&prompts).await.unwrap();
        let (outgoing, config) = (menus.outgoing.clone(), configuration.bot.clone());
        let handler = menus.handler(prompts.clone(), Arc::clone(&transport));
        let bot = Bot::start(configuration.bot, handler, Arc::clone(&self.store), transport, self.clock);
        let bot = bot.await.unwrap();
        self.net.mount("bot.test", bot.router().merge(prompts.router()));
        let dialler = Dialler::new(&bot, outgoing, &config);
        let operations = Operations::try_new(&bot, KEY).unwrap().placing(Arc::new(dialler));
        self.net.mount("operations.test", operations.router());
        bot
    }

    /// Lets Ada call, do what `steps` say once she is answered, and wait for the end.
    fn call(&self, steps: &[&[Step]]) {
        let script = [&[Step::AwaitAnswer][..], &steps.concat(), &[Step::AwaitHangUp]].concat();
        self.simulator.call_bot(ADA, APP, script).unwrap();
    }

    async fn plays(&mut self, names: &[&str]) {
        for (place, name) in names.iter().enumerate() {
            let played = tokio::time::timeout(Duration::from_secs(120), self.played.recv()).await;
            assert_eq!(played.as_ref().map(Option::as_deref), Ok(Some(*name)), "number {place}");
        }
    }

    /// Asks the bot's operation; gives the status and the body.
    async fn operate(&self, method: &str, path: &str) -> (u16, String) {
        let request = Request::builder().method(method).uri(format!("https://operations.test{path}"));
        let request = request.header("authorization", format!("Bearer {KEY}")).body(Bytes::new()).unwrap();
        let answer = self.net.send(request).await.unwrap();
        (answer.status().as_u16(), String::from_utf8_lossy(answer.body()).into_owned())
    }

    async fn is_done(&self) {
        tokio::time::sleep(Duration::from_secs(20)).await;
        let outcomes: Vec<_> = self.simulator.calls().into_iter().map(|call| call.outcome).collect();
        assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Done), "{outcomes:?}");
    }
}

const ALL: &[&str] = &["Calls.Initiate.All", "Calls.AccessMedia.All"];

fn wait(seconds: u64) -> Vec<Step> {
    vec![Step::Wait(Duration::from_secs(seconds))]
}

fn press(keys: &str) -> Vec<Step> {
    keys.chars().map(Step::Press).collect()
}

/// Each key once a prompt was over.
fn after_prompts(keys: &str) -> Vec<Step> {
    keys.chars().flat_map(|key| [Step::AwaitPromptEnd, Step::Press(key)]).collect()
}

#[tokio::test(start_paused = true)]
async fn a_caller_walks_through_menus_and_is_told_goodbye() {
    let mut scene = Scene::new(ALL);
    let bot = scene.start().await;
    scene.call(&[&after_prompts("1")]);
    scene.plays(&["main", "hours", "main"]).await;
    scene.call(&[&after_prompts("2#0")]);
    scene.plays(&["main", "more", "main", "bye"]).await;
    bot.stop().await;
}

#[tokio::test(start_paused = true)]
async fn keys_that_mean_nothing_lead_back_until_there_were_too_many() {
    // After the menu, and while it is played: with the word before it, it is played for as long as it takes.
    for pause in [5, 1] {
        let mut scene = Scene::new(ALL);
        let bot = scene.start().await;
        scene.call(&[&wait(pause), &press("9"), &wait(pause), &press("9"), &wait(pause), &press("9")]);
        scene.plays(&["main", "sorry", "main", "sorry", "main", "bye"]).await;
        scene.is_done().await;
        bot.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_presses_nothing_is_asked_again_and_then_told_goodbye_also_over_a_restart() {
    for restart in [false, true] {
        let mut scene = Scene::new(ALL);
        let mut bot = scene.start().await;
        scene.call(&[]);
        scene.plays(&["main"]).await;
        if restart {
            // The prompt is over, and the time to press is not.
            tokio::time::sleep(Duration::from_secs(5)).await;
            bot.stop().await;
            bot = scene.start().await;
        }
        scene.plays(&["sorry", "main", "sorry", "main", "bye"]).await;
        scene.is_done().await;
        bot.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_stops_the_menu_and_those_pressed_ahead_are_for_the_next() {
    // What is pressed while the main menu is played, and what is heard.
    let cases: [(&str, &[&str]); 4] = [
        ("10", &["main", "hours", "bye"]),
        // The keys come faster than prompts can be asked for, and the last word is heard all the same.
        ("2#0", &["main", "more", "bye"]),
        // Of two menus nothing is heard, and the second has no goodbye.
        ("12*", &["main", "hours"]),
        // Keys after a wrong one are not taken for what they were meant to be.
        ("1900", &["main", "hours", "sorry", "main", "bye"]),
    ];
    for (keys, heard) in cases {
        let mut scene = Scene::new(ALL);
        let bot = scene.start().await;
        scene.call(&[&[Step::AwaitPromptStart], &press(keys), &wait(8), &press("0")]);
        scene.plays(heard).await;
        tokio::time::sleep(Duration::from_secs(20)).await;
        assert!(scene.played.try_recv().is_err(), "{keys}");
        bot.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn where_a_caller_is_outlives_a_restart() {
    // In the main menu the star means nothing, and he would have been told so. The second time the way there is pressed
    // ahead, while a prompt plays, and kept with the call.
    let ahead =
        [after_prompts("1"), vec![Step::AwaitPromptStart, Step::AwaitPromptStart], press("2")].concat();
    let cases =
        [(after_prompts("2"), ["main", "more"], 5000, &[][..]), (ahead, ["main", "hours"], 300, &["more"])];
    for (steps, before, millis, after) in cases {
        let mut scene = Scene::new(ALL);
        let bot = scene.start().await;
        scene.call(&[&steps, &wait(30), &press("*")]);
        scene.plays(&before).await;
        tokio::time::sleep(Duration::from_millis(millis)).await;
        bot.stop().await;
        let bot = scene.start().await;
        scene.plays(after).await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        scene.is_done().await;
        assert!(scene.played.try_recv().is_err());
        bot.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_transfer_that_is_refused_leads_back_to_the_menu() {
    let mut scene = Scene::new(&["Calls.AccessMedia.All"]);
    let bot = scene.start().await;
    scene.call(&[&after_prompts("3"), &wait(10), &press("0")]);
    scene.plays(&["main", "sorry", "main", "bye"]).await;
    scene.is_done().await;
    bot.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_transfer_counts_as_a_key_that_means_nothing_when_nobody_takes_it() {
    let mut scene = Scene::new(ALL);
    let bob = Person { id: BOB.to_owned(), display_name: "Bob".to_owned(), when_rung: WhenRung::Decline };
    scene.simulator.add_person(bob);
    let bot = scene.start().await;
    let once = [after_prompts("3"), wait(10)].concat();
    scene.call(&[&once, &press("3"), &wait(10), &press("3"), &wait(10)]);
    scene.plays(&["main", "sorry", "main", "sorry", "main", "bye"]).await;
    bot.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_caller_is_transferred() {
    let mut scene = Scene::new(ALL);
    let bot = scene.start().await;
    let mut seen = scene.simulator.watch();
    scene.call(&[&after_prompts("3"), &wait(60)]);
    scene.plays(&["main"]).await;
    let transferred = async {
        loop {
            if let simulator::What::Request { path, status, .. } = seen.recv().await.unwrap().what
                && path.ends_with("/transfer")
            {
                return status;
            }
        }
    };
    assert_eq!(tokio::time::timeout(Duration::from_secs(60), transferred).await, Ok(202));
    bot.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_caller_says_is_kept_and_a_key_ends_it_and_does_nothing_else() {
    // The second time it leads back to the menu: were the key taken for the menu's, he would be told goodbye.
    let cases: [(Vec<Step>, &[&str]); 2] = [
        ([after_prompts("4"), vec![Step::Speak(Duration::from_secs(2))]].concat(), &["main", "bye"]),
        (
            [after_prompts("5"), wait(1), vec![Step::Speak(Duration::from_secs(2))], press("0")].concat(),
            &["main", "main", "sorry", "main", "sorry", "main", "bye"],
        ),
    ];
    for (steps, heard) in cases {
        let mut scene = Scene::new(ALL);
        let bot = scene.start().await;
        scene.call(&[&steps]);
        scene.plays(heard).await;
        scene.is_done().await;
        let kept: Vec<_> = std::fs::read_dir(scene.folder.path().join("messages")).unwrap().collect();
        assert_eq!(kept.len(), 1);
        let file = std::fs::read(kept[0].as_ref().unwrap().path()).unwrap();
        assert!(file.starts_with(b"RIFF"), "{} bytes", file.len());
        bot.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_recording_that_was_not_fetched_is_fetched_at_the_next_start() {
    let mut scene = Scene::new(ALL);
    let bot = scene.start().await;
    scene.call(&[&after_prompts("5"), &[Step::Speak(Duration::from_secs(2))], &wait(60)]);
    scene.plays(&["main", "main"]).await;
    bot.stop().await;
    let messages = scene.folder.path().join("messages");
    for kept in std::fs::read_dir(&messages).unwrap() {
        std::fs::remove_file(kept.unwrap().path()).unwrap();
    }
    let bot = scene.start().await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(std::fs::read_dir(&messages).unwrap().count(), 1);
    bot.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_prompt_that_cannot_be_fetched_leaves_its_menu_to_the_keys() {
    let mut scene = Scene::new(ALL);
    let bot = scene.start().await;
    // Nobody serves the prompts any more.
    scene.net.mount("bot.test", bot.router());
    scene.call(&[&wait(6), &press("0")]);
    scene.plays(&["main", "bye"]).await;
    scene.is_done().await;
    bot.stop().await;
}

#[tokio::test(start_paused = true)]
async fn who_cannot_be_heard_is_told_goodbye() {
    let mut scene = Scene::new(&["Calls.Initiate.All"]);
    let bot = scene.start().await;
    scene.call(&[]);
    scene.plays(&["main", "bye"]).await;
    scene.is_done().await;
    bot.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_prompt_that_there_is_not_is_told_of_before_anybody_calls() {
    let scene = Scene::new(ALL);
    std::fs::remove_file(scene.folder.path().join("prompts/hours.mp3")).unwrap();
    let configuration = scene.configuration();
    let prompts = configuration.prompts.open(Arc::new(scene.net.clone()), scene.clock).await.unwrap();
    let error = Menus::read(&configuration).unwrap().prepare(&prompts).await.unwrap_err().to_string();
    assert!(error.starts_with("menu.main: there is no prompt \"hours\""), "{error}");
}

#[tokio::test(start_paused = true)]
async fn somebody_is_called_and_comes_to_his_menu_also_over_a_restart() {
    for restart in [false, true] {
        let mut scene = Scene::new(ALL);
        let then = [vec![Step::AwaitPromptEnd], press("*"), vec![Step::AwaitHangUp]].concat();
        let when_rung = WhenRung::PickUp { after: Duration::from_secs(10), then };
        scene.simulator.add_person(Person { id: BOB.to_owned(), display_name: "Bob".to_owned(), when_rung });
        let mut bot = scene.start().await;
        assert_eq!(scene.operate("GET", "/outgoing").await, (200, r#"{"outgoing":["bob"]}"#.to_owned()));
        assert_eq!(scene.operate("POST", "/outgoing/bob").await.0, 202);
        if restart {
            tokio::time::sleep(Duration::from_secs(5)).await;
            bot.stop().await;
            bot = scene.start().await;
        }
        scene.plays(&["more"]).await;
        scene.is_done().await;
        assert!(scene.played.try_recv().is_err());
        bot.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_does_not_pick_up_is_rung_for_as_long_as_the_file_says() {
    for restart in [false, true] {
        let scene = Scene::new(ALL);
        let (id, display_name) = (BOB.to_owned(), "Bob".to_owned());
        scene.simulator.add_person(Person { id, display_name, when_rung: WhenRung::Ignore });
        let mut bot = scene.start().await;
        assert_eq!(scene.operate("POST", "/outgoing/bob").await.0, 202);
        if restart {
            tokio::time::sleep(Duration::from_secs(5)).await;
            bot.stop().await;
            bot = scene.start().await;
        }
        tokio::time::sleep(Duration::from_secs(if restart { 13 } else { 18 })).await;
        assert_ne!(scene.simulator.calls()[0].state, "terminated");
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert_eq!(scene.simulator.calls()[0].state, "terminated");
        bot.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_cannot_be_placed_is_refused_with_the_reason() {
    let scene = Scene::new(&["Calls.AccessMedia.All"]);
    let bot = scene.start().await;
    for (name, status, words) in
        [("bob", 403, "Calls.Initiate.All"), ("bbo", 404, "there is no outgoing call")]
    {
        let (code, body) = scene.operate("POST", &format!("/outgoing/{name}")).await;
        assert!(code == status && body.contains(words), "{code} {body}");
    }
    assert!(scene.simulator.calls().is_empty());
    bot.stop().await;
}
