//! Clients that others wrote, against the simulator: Microsoft's `msgraph-sdk` and `botframework-connector` for Python.
//!
//! They are installed by pip, with pinned versions, into a virtual environment below `target`. Where there is no Python 3
//! the tests are skipped by name; with `CI=true` its absence is a failure.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::indexing_slicing)] // helpers of tests

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::routing::{get, post};
use axum::{Json, Router};
use callflow_graph::clock::Clock;
use callflow_graph::simulator::{
    CallView, Config, Flaw, Outcome, Person, Registration, Simulator, Step, WhenRung, wav_tone,
};
use callflow_graph::transport::Https;
use callflow_tests::{APP, TENANT};
use serde_json::{Value, json};

const SECRET: &str = "only-for-the-simulator";
const REQUIREMENTS: &str = include_str!("conformance/requirements.txt");

/// The Python of the virtual environment, or why there is none.
fn python() -> Result<&'static Path, &'static str> {
    static MADE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    MADE.get_or_init(install).as_ref().map(PathBuf::as_path).map_err(String::as_str)
}

fn install() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("conformance-python");
    let (python, installed) = (folder.join("bin/python"), folder.join("installed"));
    if std::fs::read_to_string(&installed).is_ok_and(|versions| versions == REQUIREMENTS) {
        return Ok(python);
    }
    let run = |program: &Path, args: &[&str]| match Command::new(program).args(args).output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            Err(format!("{} {}: {}", program.display(), args[1], String::from_utf8_lossy(&output.stderr)))
        }
        Err(error) => Err(format!("{}: {error}", program.display())),
    };
    run(Path::new("python3"), &["-m", "venv", "--clear", &folder.to_string_lossy()])?;
    let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/requirements.txt");
    run(&python, &["-m", "pip", "install", "--quiet", "--requirement", &requirements.to_string_lossy()])?;
    std::fs::write(installed, REQUIREMENTS).map_err(|error| error.to_string())?;
    Ok(python)
}

fn person(id: &str, when_rung: WhenRung) -> Person {
    Person { id: id.to_owned(), display_name: id.to_owned(), when_rung }
}

/// What a script may ask the test for.
fn control(simulator: &Arc<Simulator>) -> Router {
    let (calling, revoking, signing) = (Arc::clone(simulator), Arc::clone(simulator), Arc::clone(simulator));
    let call = async move |Json(asked): Json<Value>| {
        let mut script = vec![Step::AwaitAnswer];
        if let Some(keys) = asked["presses"].as_str() {
            script.push(Step::AwaitPromptStart);
            script.extend(keys.chars().map(Step::Press));
        }
        if let Some(seconds) = asked["speaks"].as_f64() {
            script.push(Step::AwaitPromptEnd);
            script.push(Step::Speak(Duration::from_secs_f64(seconds)));
        }
        script.push(Step::AwaitHangUp);
        let person = asked["person"].as_str().unwrap();
        let id = match asked["records"].as_bool() {
            Some(true) => calling.call_recorder(person, APP, script),
            Some(false) | None => calling.call_bot(person, APP, script),
        };
        Json(json!({"id": id.unwrap()}))
    };
    let revoke = async move |Json(asked): Json<Value>| {
        revoking.revoke(APP, asked["permission"].as_str().unwrap());
        Json(json!({}))
    };
    let tokens = async move || {
        let header = |flaw| signing.authorization(APP, flaw).unwrap();
        Json(json!({
            "good": header(None),
            "audience": header(Some(Flaw::Audience)),
            "issuer": header(Some(Flaw::Issuer)),
            "expiry": header(Some(Flaw::Expired)),
            "key": header(Some(Flaw::KeyId)),
        }))
    };
    Router::new()
        .route("/control/calls", post(call))
        .route("/control/revoke", post(revoke))
        .route("/control/tokens", post(tokens))
        .route("/control/prompt.wav", get(async || wav_tone(Duration::from_secs(2))))
}

/// Runs a script against a simulator of its own; what it printed, and the calls that there were. None: skipped.
async fn run(script: &str) -> Option<(String, Vec<CallView>)> {
    let python = match tokio::task::spawn_blocking(python).await.unwrap() {
        Ok(python) => python,
        Err(reason) => {
            let must_be_there = std::env::var("CI").is_ok_and(|ci| ci == "true");
            assert!(!must_be_there, "no Python with the clients: {reason}");
            println!("skipped {script}: {reason}");
            return None;
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let callback = format!("http://127.0.0.1:{port}/calls");
    let mut app = Registration::new(APP, TENANT, SECRET, &callback);
    for permission in ["Initiate", "InitiateGroupCall", "JoinGroupCall", "AccessMedia"] {
        app = app.with(format!("Calls.{permission}.All"));
    }
    let mut config = Config::new(&base, app);
    config.time_scale = 0.1;
    let transport = Https::try_new(Duration::from_secs(3), Duration::from_secs(15)).unwrap();
    let simulator = Arc::new(Simulator::try_new(config, Arc::new(transport), Clock::system()).unwrap());
    let picks_up = || WhenRung::PickUp { after: Duration::from_millis(50), then: vec![Step::AwaitHangUp] };
    simulator.add_person(person("ada", picks_up()));
    simulator.add_person(person("bob", WhenRung::Decline));
    simulator.add_person(person("cy", picks_up()));
    simulator.add_person(person("dee", picks_up()));
    let router = simulator.router().merge(control(&simulator));
    let server = tokio::spawn(async move { axum::serve(listener, router).await });

    let endpoints = simulator.endpoints();
    let mut command = Command::new(python);
    command
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance").join(script))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("CALLFLOW_GRAPH", &endpoints.graph)
        .env("CALLFLOW_TOKENS", format!("{}/{TENANT}/oauth2/v2.0/token", endpoints.authority))
        .env("CALLFLOW_OPENID", &endpoints.openid)
        .env("CALLFLOW_APP", APP)
        .env("CALLFLOW_SECRET", SECRET)
        .env("CALLFLOW_TENANT", TENANT)
        .env("CALLFLOW_CALLBACK", callback)
        .env("CALLFLOW_CONTROL", format!("{base}/control"))
        .env("NO_PROXY", "127.0.0.1")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    server.abort();
    let printed = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {}\n{printed}\n{errors}", output.status);
    Some((printed, simulator.calls()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bot_in_python_answers_plays_hears_a_key_and_hangs_up() {
    let Some((printed, calls)) = run("bot.py").await else { return };
    assert_eq!(printed.lines().last(), Some("over"), "{printed}");
    assert!(printed.contains("key 1"), "{printed}");
    let [call] = calls.as_slice() else { panic!("{calls:?}") };
    assert_eq!((call.state, call.result), ("terminated", Some((200, 7000))));
    assert_eq!((call.outcome.clone(), call.prompts_started), (Outcome::Done, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_good_token_passes_the_validator_of_the_bot_framework() {
    let Some((printed, _)) = run("tokens.py").await else { return };
    let refused: Vec<&str> = printed.lines().collect();
    assert_eq!(refused.len(), 5, "{printed}");
    for what in ["audience", "issuer", "expiry", "key", "app"] {
        assert!(printed.contains(&format!("refused {what}")), "{what}: {printed}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_operation_of_the_sdk_is_answered_as_documented() {
    let Some((printed, calls)) = run("operations.py").await else { return };
    let did: Vec<&str> = printed.lines().collect();
    assert_eq!(did.len(), 13, "{printed}");
    assert_eq!(did.last(), Some(&"did permissions"), "{printed}");
    assert!(calls.iter().filter(|call| call.state == "terminated").count() >= 15, "{calls:?}");
}
