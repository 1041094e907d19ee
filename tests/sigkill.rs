//! A bot in a process of its own is killed again and again while calls run, and started again on its store.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::too_many_lines
)] // helpers of tests

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::routing::get;
use callflow_graph::clock::Clock;
use callflow_graph::simulator::{Config, Person, Registration, Simulator, Step, What, WhenRung, wav_tone};
use callflow_graph::store::Store;
use callflow_graph::store::embedded::Embedded;
use callflow_graph::transport::Https;
use callflow_tests::outage::CALLED;
use callflow_tests::script::History;
use callflow_tests::service::plain;
use callflow_tests::{APP, PERSON, TENANT};

const KILLS: u32 = 25;

fn start(port: u16, service: &str, folder: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_killed_bot"))
        .args([&port.to_string(), service])
        .args([folder.join("calls.redb"), folder.join("notes")])
        .spawn()
        .unwrap()
}

fn script() -> Vec<Step> {
    let wait = |millis| Step::Wait(Duration::from_millis(millis));
    vec![Step::AwaitAnswer, wait(400), Step::Press('1'), wait(400), Step::Press('2'), wait(800), Step::HangUp]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_is_killed_at_any_moment_repeats_nothing_and_forgets_nothing() {
    let seed = u64::from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos()) | 1;
    let mut chance = seed;
    let mut draw = |below: u64| {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        chance % below
    };
    let folder = tempfile::tempdir().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let service = format!("http://{}", listener.local_addr().unwrap());
    let port = {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap().port()
    };
    let mut app = Registration::new(APP, TENANT, "s3cret", format!("http://127.0.0.1:{port}/calls"));
    for permission in ["Calls.Initiate.All", "Calls.AccessMedia.All"] {
        app = app.with(permission);
    }
    let https = Arc::new(Https::try_new(Duration::from_secs(2), Duration::from_secs(5)).unwrap());
    let config = Config { time_scale: 0.2, ..Config::new(&service, app) };
    let simulator = Simulator::try_new(config, https, Clock::system()).unwrap();
    for id in [PERSON, CALLED] {
        let when_rung = WhenRung::PickUp { after: Duration::from_millis(200), then: script() };
        simulator.add_person(Person { id: id.to_owned(), display_name: "Ada".to_owned(), when_rung });
    }
    // Each prompt that the bot asks for has an address of its own: whoever plays it fetches it.
    let played = Arc::new(Mutex::new(BTreeMap::<String, u32>::new()));
    let plays = Arc::clone(&played);
    let menu = bytes::Bytes::from(wav_tone(Duration::from_secs(1)));
    let prompts = Router::new().route(
        "/menu.wav",
        get(async move |uri: http::Uri| {
            *plays.lock().unwrap().entry(uri.query().unwrap_or_default().to_owned()).or_default() += 1;
            menu.clone()
        }),
    );
    let router = simulator.router().merge(prompts);
    tokio::spawn(async move { axum::serve(listener, router).await });
    let mut watched = simulator.watch();

    let mut calls = 0;
    for _ in 0..KILLS {
        let mut bot = start(port, &service, folder.path());
        let until = Instant::now() + Duration::from_millis(150 + draw(850));
        while Instant::now() < until {
            simulator.call_bot(PERSON, APP, script()).unwrap();
            calls += 1;
            tokio::time::sleep(Duration::from_millis(50 + draw(200))).await;
        }
        bot.kill().unwrap();
        bot.wait().unwrap();
    }
    let mut bot = start(port, &service, folder.path());
    let until = Instant::now() + Duration::from_secs(25);
    while simulator.calls().iter().any(|call| call.state != "terminated") && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // What was posted last is handled.
    tokio::time::sleep(Duration::from_secs(4)).await;
    bot.kill().unwrap();
    bot.wait().unwrap();

    let open: Vec<_> = simulator.calls().into_iter().filter(|call| call.state != "terminated").collect();
    assert!(open.is_empty(), "seed {seed}: {open:?}");
    let twice: Vec<_> = played.lock().unwrap().clone().into_iter().filter(|(_, count)| *count > 1).collect();
    assert!(twice.is_empty(), "seed {seed}: played twice: {twice:?}");

    let (mut accepted, mut rung) = (Vec::new(), 0);
    // What is told of a call that its person has left may come when the bot has learnt of the end from a refusal.
    let mut left = BTreeSet::new();
    let mut late = BTreeMap::<String, usize>::new();
    while let Ok(seen) = watched.try_recv() {
        let call = plain(&seen.call.unwrap_or_default());
        match seen.what {
            What::Notification { about, result, .. } if result == "202" => {
                if left.contains(&call) && about.contains(" tone") {
                    *late.entry(call.clone()).or_default() += 1;
                }
                accepted.push((call, about));
            }
            What::Person { did, .. } if did == "hangs up" => {
                left.insert(call);
            }
            What::Request { method, path, status: 201, .. }
                if method == "POST" && path.ends_with("/calls") =>
            {
                rung += 1;
            }
            _ => {}
        }
    }
    let notes = std::fs::read_to_string(folder.path().join("notes")).unwrap();
    let orders = notes.lines().filter(|line| *line == "placing").count();
    assert!(rung <= orders, "seed {seed}: {rung} rung, {orders} placed");
    let mut given = BTreeMap::<&str, usize>::new();
    for line in notes.lines().filter(|line| *line != "placing") {
        *given.entry(line).or_default() += 1;
    }
    let again = given.values().filter(|count| **count > 1).count();

    let store = Embedded::open(folder.path().join("calls.redb")).unwrap();
    let mut histories = BTreeMap::new();
    for name in store.names().await.unwrap() {
        let record = store.read(&name).await.unwrap().unwrap();
        let history: History = serde_json::from_slice(&record.author).unwrap_or_default();
        histories.insert(record.alias.unwrap_or_else(|| name.to_string()), history.events);
    }
    let events: usize = histories.values().map(Vec::len).sum();
    for (call, history) in &histories {
        let mut once = history.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), history.len(), "seed {seed}: {call}: {history:?}");
    }
    // A call that rang while no process could take its first notification, and was told of when it had ended only.
    let is_unheard_of = |call: &String| {
        let mut told = accepted.iter().filter(|(of, _)| of == call);
        !histories.contains_key(call) && told.all(|(_, about)| about == "deleted call terminated 408/10057")
    };
    for (call, about) in accepted.iter().filter(|(call, _)| !is_unheard_of(call)) {
        let Some(history) = histories.get(call) else { panic!("seed {seed}: {call} is forgotten: {about}") };
        let has = |word: &str| history.iter().any(|event| event == word);
        let is_there = match about.as_str() {
            "created call incoming" => has("offered"),
            "updated call established" => has("established"),
            about if about.starts_with("deleted call") => has("ended"),
            about if about.contains(" tone") => {
                let told =
                    accepted.iter().filter(|(of, about)| of == call && about.contains(" tone")).count();
                let given = history.iter().filter(|event| event.starts_with("tone ")).count();
                let may_be_late = late.get(call).copied().unwrap_or_default();
                // More may be given: the answer to one that was accepted dies with the process. None is given twice, see above.
                given >= told || (given >= told - may_be_late && has("ended"))
            }
            _ => true,
        };
        let told: Vec<_> = accepted.iter().filter(|(of, _)| of == call).map(|(_, about)| about).collect();
        assert!(is_there, "seed {seed}: {call}: {about} is not in {history:?}; accepted were {told:?}");
    }
    println!(
        "seed {seed}: {KILLS} kills, {calls} calls in, {rung} out, {} notifications accepted, {events} events committed, {} prompts played, {again} events given again",
        accepted.len(),
        played.lock().unwrap().len(),
    );
    assert!(accepted.len() > 100 && events > 200, "too few to mean anything");
}
