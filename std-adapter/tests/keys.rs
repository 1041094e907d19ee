//! Keys that callers of the built-in IVR press before, during and after prompts, and all at once: the call comes to its end,
//! and no key counts twice.
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests, beside the tests themselves

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use callflow_graph::bot::Bot;
use callflow_graph::clock::Clock;
use callflow_graph::configuration::Sources;
use callflow_graph::ivr::Menus;
use callflow_graph::simulator::{self, Fault, Faults, Person, Registration, Simulator, Step, What, WhenRung};
use callflow_graph::store::CallName;
use callflow_graph::store::memory::Memory;
use callflow_graph::transport::{Exchange, InProcess, Transport};
use http::Request;

const APP: &str = "app-1";
const ADA: &str = "112f7296-5fa4-42ca-bae8-6a692b15d4b8";
const BOB: &str = "550fae72-d251-43ec-868c-373732c2704f";
const SECRET: &str = "a secret of the app";
/// The deepest menu. Each 1 leads one deeper.
const DEEPEST: usize = 8;

/// Menus below each other, whose prompts have their names.
fn menus() -> String {
    let of = |depth: usize| {
        let deeper =
            if depth < DEEPEST { format!("1 = {{ menu = \"{}\" }}\n", depth + 1) } else { String::new() };
        format!(
            "[menu.{depth}]\nprompt = \"{depth}\"\ngoodbye_prompt = \"bye\"\nno_input_seconds = 3\nretries = 0\n\
             [menu.{depth}.keys]\n0 = \"hang_up\"\n2 = {{ play = \"bye\" }}\n3 = {{ transfer = \"user:{BOB}\" }}\n\
             4 = {{ record = 5 }}\n{deeper}"
        )
    };
    let all: Vec<_> = (0..=DEEPEST).map(of).collect();
    format!("[run]\nstart = \"0\"\nrecordings = \"messages\"\n{}", all.concat())
}

/// A network on which the service's fetches of prompts are seen.
#[derive(Clone)]
struct Seen {
    net: InProcess,
    played: Arc<Mutex<BTreeSet<String>>>,
}

impl Transport for Seen {
    fn send(&self, request: Request<Bytes>) -> Exchange {
        if let Some(name) = request.uri().path().strip_prefix("/prompts/") {
            self.played.lock().unwrap().insert(name.trim_end_matches(".wav").to_owned());
        }
        self.net.send(request)
    }
}

/// What became of a call.
#[derive(Debug)]
struct Told {
    /// The deepest menu that was played.
    depth: usize,
    hung_up: usize,
    transferred: usize,
    /// Whether it had ended for the service, and for the bot.
    ended: (bool, bool),
}

async fn start(net: &InProcess, simulator: &Simulator, folder: &std::path::Path, clock: Clock) -> Bot {
    let endpoints = simulator.endpoints();
    let configuration = Sources::new()
        .text(folder.join("bot.toml"), menus())
        .variables([("CALLFLOW_APP_SECRET", SECRET)])
        .set("app.tenant_id", "tenant-1")
        .set("app.id", APP)
        .set("cloud.authority", endpoints.authority)
        .set("cloud.graph", endpoints.graph)
        .set("cloud.openid", endpoints.openid)
        .set("cloud.scope", endpoints.scope)
        .set("webhook.callback", "https://bot.test/calls")
        .set("prompts.folder", folder.join("prompts").to_str().unwrap())
        .load()
        .unwrap();
    let transport: Arc<dyn Transport> = Arc::new(net.clone());
    let prompts = configuration.prompts.open(Arc::clone(&transport), clock).await.unwrap();
    let handler = Menus::read(&configuration).unwrap().handler(prompts.clone(), Arc::clone(&transport));
    let bot =
        Bot::start(configuration.bot, handler, Arc::new(Memory::new()), transport, clock).await.unwrap();
    net.mount("bot.test", bot.router().merge(prompts.router()));
    bot
}

/// Lets Ada call, do what `script` says, and then wait for the end.
async fn call(script: &[Step], faults: Faults) -> Told {
    let (net, clock) = (InProcess::new(), Clock::system());
    let app = Registration::new(APP, "tenant-1", SECRET, "https://bot.test/calls")
        .with("Calls.Initiate.All")
        .with("Calls.AccessMedia.All");
    let seen = Seen { net: net.clone(), played: Arc::default() };
    let config = simulator::Config { faults, ..simulator::Config::new("https://graph.test", app) };
    let simulator = Simulator::try_new(config, Arc::new(seen.clone()), clock).unwrap();
    net.mount("graph.test", simulator.router());
    for (id, name) in [(ADA, "Ada"), (BOB, "Bob")] {
        let when_rung = WhenRung::PickUp { after: Duration::from_secs(1), then: Vec::new() };
        simulator.add_person(Person { id: id.to_owned(), display_name: name.to_owned(), when_rung });
    }
    let folder = tempfile::tempdir().unwrap();
    for of in ["prompts", "messages"] {
        std::fs::create_dir(folder.path().join(of)).unwrap();
    }
    for name in (0..=DEEPEST).map(|depth| depth.to_string()).chain(["bye".to_owned()]) {
        let prompt = simulator::wav_tone(Duration::from_millis(250));
        std::fs::write(folder.path().join(format!("prompts/{name}.wav")), prompt).unwrap();
    }
    let bot = start(&net, &simulator, folder.path(), clock).await;
    let mut watched = simulator.watch();
    let steps = [&[Step::AwaitAnswer], script, &[Step::AwaitHangUp]].concat();
    let id = simulator.call_bot(ADA, APP, steps).unwrap();
    tokio::time::sleep(Duration::from_secs(180)).await;
    let name = CallName::try_new(format!("c-{}", id.to_lowercase())).unwrap();
    let view = bot.view(&name).await.unwrap().unwrap();
    let mut told = Told {
        depth: seen
            .played
            .lock()
            .unwrap()
            .iter()
            .filter_map(|name| name.parse().ok())
            .max()
            .unwrap_or_default(),
        hung_up: 0,
        transferred: 0,
        ended: (simulator.call(&id).unwrap().state == "terminated", view.end.is_some()),
    };
    while let Ok(observed) = watched.try_recv() {
        if let What::Request { method, path, status, .. } = observed.what
            && status < 300
        {
            told.hung_up += usize::from(method == "DELETE");
            told.transferred += usize::from(path.ends_with("/transfer"));
        }
    }
    bot.stop().await;
    told
}

fn keys(keys: &str) -> Vec<Step> {
    keys.chars().map(Step::Press).collect()
}

fn seconds(seconds: u64) -> Step {
    Step::Wait(Duration::from_secs(seconds))
}

/// News twice, and late by more than a prompt.
fn bad() -> Faults {
    Faults::default().with(Fault::NotificationTwice, 100).with(Fault::NotificationLate, 50)
}

#[tokio::test(start_paused = true)]
async fn whenever_keys_are_pressed_the_call_ends_and_none_counts_twice() {
    for moment in [
        vec![],
        vec![Step::AwaitToneSubscription],
        vec![Step::AwaitPromptStart],
        vec![Step::AwaitPromptEnd],
        vec![Step::AwaitPromptEnd, seconds(2)],
        // While he is told goodbye.
        vec![Step::AwaitPromptEnd, seconds(4)],
    ] {
        for pressed in ["1", "11", "1111", "12", "21", "13", "411", "0", "01", "1234567890*#"] {
            for faults in [Faults::default(), bad()] {
                let script = [moment.clone(), keys(pressed)].concat();
                let told = call(&script, faults.clone()).await;
                let case = (&moment, pressed, faults);
                assert_eq!(told.ended, (true, true), "{case:?}: {told:?}");
                let ones = pressed.matches('1').count();
                assert!(told.depth <= ones, "{case:?}: {told:?}");
                assert!(told.hung_up <= 1 && told.transferred <= 1, "{case:?}: {told:?}");
                if !pressed.contains('3') {
                    assert_eq!((told.hung_up, told.transferred), (1, 0), "{case:?}: {told:?}");
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_told_of_twice_leads_one_menu_deeper() {
    let twice = Faults::default().with(Fault::NotificationTwice, 100);
    let after =
        |count: usize| (0..count).flat_map(|_| [Step::AwaitPromptEnd, Step::Press('1')]).collect::<Vec<_>>();
    let during = |count: usize| {
        (0..count).flat_map(|_| [Step::AwaitPromptStart, Step::Press('1')]).collect::<Vec<_>>()
    };
    for count in 1..4 {
        for script in [after(count), during(count)] {
            let told = call(&script, twice.clone()).await;
            assert_eq!((told.depth, told.hung_up, told.ended), (count, 1, (true, true)), "{script:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_in_the_midst_of_something_else_leaves_it_defined() {
    // While he is transferred, recorded, and played something.
    for (pressed, transferred) in [('3', 1), ('4', 0), ('2', 0)] {
        for faults in [Faults::default(), bad()] {
            let wait = Step::Wait(Duration::from_millis(300));
            let script = [
                vec![Step::AwaitPromptEnd, Step::Press(pressed), wait.clone()],
                keys("11"),
                vec![wait],
                keys("#"),
            ];
            let told = call(&script.concat(), faults).await;
            assert_eq!(told.ended, (true, true), "{pressed}: {told:?}");
            assert!(told.transferred == transferred && told.depth <= 2, "{pressed}: {told:?}");
        }
    }
}
