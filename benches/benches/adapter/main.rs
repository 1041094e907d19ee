//! Speed and memory of the adapter, side by side in one run: `cargo bench -p callflow-benches --bench adapter`.
//!
//! Everything runs in this process, without sockets: what is measured is what callflow adds. Ratios hold from machine to
//! machine; the times beside them are this one's.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    missing_docs
)] // a program that prints figures

mod bare;
mod graph;

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use callflow_core::event::Event;
use callflow_core::lifecycle::State;
use callflow_graph::bot::{Bot, Call, CallHandler, Config, HandlerError};
use callflow_graph::client::{Credentials, Endpoints};
use callflow_graph::clock::Clock;
use callflow_graph::session::Target;
use callflow_graph::store::Store;
use callflow_graph::store::embedded::Embedded;
use callflow_graph::store::memory::Memory;
use graph::{APP, Graph, TENANT, id_of, notification};
use http::{Request, StatusCode};
use serde_json::json;
use tower::ServiceExt;

/// Answers, plays when a key is pressed, and hangs up after the second key.
struct Plays;

impl CallHandler for Plays {
    type State = u32;

    async fn on_event(&self, call: &mut Call<'_>, keys: &mut u32, event: &Event) -> Result<(), HandlerError> {
        match event {
            Event::Offered => {
                call.answer()?;
            }
            Event::Tone { .. } => {
                *keys += 1;
                call.play("https://bot.test/menu.wav")?;
            }
            _ => {}
        }
        Ok(())
    }
}

/// A bot, its webhook and its Graph.
struct Scene {
    graph: Arc<Graph>,
    bot: Bot,
    router: Router,
    authorization: String,
}

impl Scene {
    async fn on(graph: &Arc<Graph>, store: Arc<dyn Store>) -> Self {
        let mut config =
            Config::new(Credentials::with_secret(TENANT, APP, "s3cret"), "https://bot.test/calls");
        config.endpoints = Endpoints {
            authority: "https://graph.test".to_owned(),
            graph: "https://graph.test/v1.0".to_owned(),
            openid: "https://graph.test/openid".to_owned(),
            ..Endpoints::global()
        };
        config.keep_ended = Duration::from_millis(50);
        let transport = Arc::<Graph>::clone(graph);
        let bot = Bot::start(config, Plays, store, transport, Clock::system()).await.unwrap();
        let router = bot.router();
        Self { graph: Arc::clone(graph), bot, router, authorization: graph.authorization(0) }
    }

    async fn in_memory(graph: &Arc<Graph>) -> Self {
        Self::on(graph, Arc::new(Memory::new())).await
    }

    async fn post(&self, body: Bytes) {
        assert_eq!(post(&self.router, &self.authorization, body).await, StatusCode::ACCEPTED);
    }

    /// Has `count` calls established with audio.
    async fn establish(&self, first: u64, count: u64) {
        for number in first..first + count {
            let id = id_of(number);
            self.post(notification("created", &id, &json!({"state": "incoming"}))).await;
            let live = json!({"state": "established", "mediaState": {"audio": "active"}});
            self.post(notification("updated", &id, &live)).await;
        }
        self.settle(first + count - 1).await;
    }

    /// Waits until the call of this number, the last, is established.
    async fn settle(&self, number: u64) {
        let name = format!("c-{}", id_of(number).replace('-', ""));
        let name = callflow_graph::store::CallName::try_new(name).unwrap();
        loop {
            let view = self.bot.view(&name).await.unwrap();
            if view.is_some_and(|view| view.state == State::Established) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// From a key's notification to the request that plays the prompt, for `count` calls one after another.
    async fn latencies(&self, calls: u64, count: u64, sequence: u64) -> Vec<Duration> {
        let mut all = Vec::new();
        for number in 0..count {
            let before = self.graph.played.lock().unwrap().len();
            let pressed = json!({"toneInfo": {"sequenceId": sequence + number, "tone": "tone1"}});
            let id = id_of(number * 7919 % calls);
            let body = notification("updated", &id, &pressed);
            let begun = Instant::now();
            self.post(body).await;
            let played = loop {
                if let Some(at) = self.graph.played.lock().unwrap().get(before) {
                    break *at;
                }
                tokio::task::yield_now().await;
            };
            all.push(played.duration_since(begun));
            // The prompt ends, so that the next one is not queued behind it.
            let path = format!("/communications/calls/{id}/operations/{}", id_of(before as u64 + 1));
            let done = json!({"value": [{"changeType": "deleted", "resourceUrl": path, "resourceData": {
                "@odata.type": "#microsoft.graph.playPromptOperation", "status": "completed"}}]});
            self.post(Bytes::from(done.to_string())).await;
        }
        all
    }
}

async fn post(router: &Router, authorization: &str, body: Bytes) -> StatusCode {
    let request = Request::post("/calls").header("authorization", authorization);
    let request = request.header("content-type", "application/json").body(Body::from(body)).unwrap();
    router.clone().oneshot(request).await.unwrap().status()
}

fn percentile(all: &mut [Duration], of_hundred: usize) -> Duration {
    all.sort();
    all[(all.len() * of_hundred / 100).min(all.len() - 1)]
}

/// What a turn of posts took.
#[derive(Default)]
struct Turn {
    /// Each post, until it was answered.
    each: Vec<Duration>,
    /// All of them, with what the calls made of them.
    whole: Duration,
}

/// Posts bodies that are all taken. Nothing waits meanwhile, so that the tasks of the calls have their turn afterwards.
async fn posted(router: &Router, tokens: &[String], bodies: &[Bytes]) -> Turn {
    let mut turn = Turn::default();
    let begun = Instant::now();
    for (token, body) in tokens.iter().cycle().zip(bodies) {
        let at = Instant::now();
        let status = tokio::task::unconstrained(post(router, token, body.clone())).await;
        turn.each.push(at.elapsed());
        assert_eq!(status, StatusCode::ACCEPTED);
    }
    for _ in 0..IDLE {
        tokio::task::yield_now().await;
    }
    turn.whole = begun.elapsed();
    turn
}

/// How often every task of one thread has its turn until there is nothing more to do.
const IDLE: usize = 100;

/// Three handlers in turns of some hundred posts, so that whatever else the machine does falls on all of them alike.
async fn webhook(graph: &Arc<Graph>) {
    const CALLS: u64 = 50;
    const TURNS: usize = 20;
    const IN_TURN: usize = 400;
    let body = |number| notification("updated", &id_of(number % CALLS), &json!({"state": "established"}));
    let bodies: Vec<_> = (0..IN_TURN as u64).map(body).collect();
    let cached = vec![graph.authorization(1)];
    let bare = bare::router(graph);
    let scene = Scene::in_memory(graph).await;
    scene.establish(0, CALLS).await;
    let mut taken: [Vec<Turn>; 3] = Default::default();
    for turn in 0..TURNS {
        let new: Vec<_> =
            (0..IN_TURN).map(|one| graph.authorization(2 + (turn * IN_TURN + one) as u64)).collect();
        let [plain, first, again] = &mut taken;
        plain.push(posted(&bare, &new, &bodies).await);
        first.push(posted(&scene.router, &new, &bodies).await);
        again.push(posted(&scene.router, &cached, &bodies).await);
    }
    scene.bot.stop().await;
    let figures = taken.map(|turns| {
        // The first turns warm.
        let turns = &turns[TURNS / 10..];
        let rate = |mut all: Vec<Duration>| IN_TURN as f64 / percentile(&mut all, 50).as_secs_f64();
        let accepted = rate(turns.iter().map(|turn| turn.each.iter().sum()).collect());
        let handled = rate(turns.iter().map(|turn| turn.whole).collect());
        let mut all: Vec<_> = turns.iter().flat_map(|turn| turn.each.iter().copied()).collect();
        (accepted, percentile(&mut all, 99), handled)
    });
    println!(
        "webhook on one thread, notifications a second as multiples of the bare handler: accepted (p99), and handled by their calls as well"
    );
    let names =
        ["bare axum + jsonwebtoken + serde_json", "a token seen for the first time", "a token seen before"];
    for (name, (accepted, p99, handled)) in names.into_iter().zip(figures) {
        println!(
            "  {name:<40} {accepted:>9.0}  {p99:>10.1?}  {:>6.2} x    {handled:>9.0}  {:>6.2} x",
            accepted / figures[0].0,
            handled / figures[0].2
        );
    }
}

/// One write that is on the disk, in the folder of the store.
fn one_flush(folder: &Path) -> Duration {
    let mut file = std::fs::File::create(folder.join("flush")).unwrap();
    let mut all: Vec<_> = (0..50)
        .map(|_| {
            let begun = Instant::now();
            file.write_all(&[7; 1024]).unwrap();
            file.sync_data().unwrap();
            begun.elapsed()
        })
        .collect();
    percentile(&mut all, 50)
}

async fn durable(graph: &Arc<Graph>) {
    const CALLS: u64 = 32;
    let folder = tempfile::tempdir().unwrap();
    let flush = one_flush(folder.path());
    let store = Arc::new(Embedded::open(folder.path().join("calls.redb")).unwrap());
    let scene = Arc::new(Scene::on(graph, store).await);
    scene.establish(0, CALLS).await;
    let body = |number| notification("updated", &id_of(number), &json!({"state": "established"}));
    let mut alone = Vec::new();
    for number in 0..60 {
        let begun = Instant::now();
        scene.post(body(number % CALLS)).await;
        alone.push(begun.elapsed());
    }
    let begun = Instant::now();
    let posts: Vec<_> = (0..CALLS)
        .map(|number| {
            let scene = Arc::clone(&scene);
            tokio::spawn(async move {
                for _ in 0..10 {
                    scene.post(body(number)).await;
                }
            })
        })
        .collect();
    for one in posts {
        one.await.unwrap();
    }
    let rate = (CALLS * 10) as f64 / begun.elapsed().as_secs_f64();
    let alone = percentile(&mut alone, 50);
    println!("durable: a notification is on the disk before it is acknowledged");
    println!(
        "  one flush of the disk {flush:.1?}; one notification alone {alone:.1?}, {:.1} flushes",
        alone.as_secs_f64() / flush.as_secs_f64()
    );
    println!(
        "  {CALLS} calls at once: {rate:.0} a second, {:.2} flushes each",
        1.0 / rate / flush.as_secs_f64()
    );
    scene.bot.stop().await;
}

/// Resident memory of this process, in bytes.
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    pages.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or_default() * 4096
}

async fn growth(graph: &Arc<Graph>) {
    println!(
        "as live calls grow: a key's notification to the request that plays (p50, p99), and memory a call"
    );
    let scene = Scene::in_memory(graph).await;
    let (mut live, mut sequence) = (0u64, 1u64);
    let begun_with = resident();
    for calls in [1u64, 100, 1_000, 10_000] {
        scene.establish(live, calls - live).await;
        live = calls;
        let mut all = scene.latencies(calls, 400, sequence).await;
        sequence += 400;
        let memory = resident().saturating_sub(begun_with) / calls;
        let (p50, p99) = (percentile(&mut all, 50), percentile(&mut all, 99));
        print!("  {calls:>6} calls  {p50:>10.1?}  {p99:>10.1?}");
        if calls >= 1_000 { println!("  {memory:>6} B") } else { println!() }
    }
    scene.bot.stop().await;
}

async fn restart(graph: &Arc<Graph>) {
    const CALLS: u64 = 1_000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.redb");
    {
        let scene = Arc::new(Scene::on(graph, Arc::new(Embedded::open(&path).unwrap())).await);
        let parts = (0..20).map(|part| {
            let scene = Arc::clone(&scene);
            tokio::spawn(async move { scene.establish(part * CALLS / 20, CALLS / 20).await })
        });
        for part in parts.collect::<Vec<_>>() {
            part.await.unwrap();
        }
        scene.bot.stop().await;
    }
    let store = Arc::new(Embedded::open(&path).unwrap());
    let begun = Instant::now();
    let scene = Scene::on(graph, store).await;
    let started = begun.elapsed();
    let mut all = scene.latencies(CALLS, 1, 1_000_000).await;
    println!("restart with {CALLS} live calls in one file");
    println!("  started in {started:.1?}; the first key's prompt {:.1?} later", percentile(&mut all, 50));
    scene.bot.stop().await;
}

async fn setup_and_teardown(graph: &Arc<Graph>) {
    const CALLS: u64 = 2_000;
    let scene = Arc::new(Scene::in_memory(graph).await);
    let before = graph.hung_up.load(Ordering::Relaxed);
    let begun = Instant::now();
    let parts = (0..20).map(|_| {
        let scene = Arc::clone(&scene);
        tokio::spawn(async move {
            for _ in 0..CALLS / 20 {
                let name = scene.bot.place(Target::User("u".to_owned())).await.unwrap();
                scene.bot.order(&name, callflow_graph::session::Order::HangUp).await.unwrap();
            }
        })
    });
    for part in parts.collect::<Vec<_>>() {
        part.await.unwrap();
    }
    while graph.hung_up.load(Ordering::Relaxed) - before < CALLS {
        tokio::task::yield_now().await;
    }
    let rate = CALLS as f64 / begun.elapsed().as_secs_f64();
    println!("calls set up and torn down, in memory: {rate:.0} a second");
    scene.bot.stop().await;
}

/// Runs what is named after `--` (`webhook`, `durable`, `growth`, `restart`, `calls`), or all of it.
fn main() {
    let named: Vec<_> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let wanted = |part: &str| named.is_empty() || named.iter().any(|name| name == part);
    let graph = Arc::new(Graph::new());
    if wanted("webhook") {
        let alone = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        alone.block_on(webhook(&graph));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        if wanted("durable") {
            durable(&graph).await;
        }
        if wanted("growth") {
            growth(&graph).await;
        }
        if wanted("restart") {
            restart(&graph).await;
        }
        if wanted("calls") {
            setup_and_teardown(&graph).await;
        }
    });
}
