//! `callflow test` against bots that are reached by HTTP: good ones, and ones with a fault.
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests, beside the tests themselves

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use callflow_core::event::Event;
use callflow_graph::bot::{Bot, Call, CallHandler, Config, HandlerError};
use callflow_graph::client::{Credentials, Endpoints};
use callflow_graph::clock::Clock;
use callflow_graph::store::memory::Memory;
use callflow_graph::transport::Https;
use http::StatusCode;

const SCENARIO: &str = r#"
name = "a call is answered"
shows = "A bot has 15 seconds."
source = "Graph docs, call: answer"
limit = "30s"

[[person]]
name = "Ada"

[[call]]
from = "Ada"
then = ["await answer", "wait 2s", "hang up"]

[[see]]
request = "POST /calls/{id}/answer"
within = "2s"

[[never]]
request = "DELETE /calls/{id}"
"#;

/// What a bot does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    None,
    /// It does not answer the call.
    Silent,
    /// It fails on every notification.
    Fails,
    /// It hangs up as soon as it can.
    HangsUp,
}

struct Answering(Flaw);

impl CallHandler for Answering {
    type State = ();

    async fn on_event(&self, call: &mut Call<'_>, (): &mut (), event: &Event) -> Result<(), HandlerError> {
        match (self.0, event) {
            (Flaw::Silent, _) => {}
            (_, Event::Offered) => drop(call.answer()?),
            (Flaw::HangsUp, Event::Established) => drop(call.hang_up()?),
            _ => {}
        }
        Ok(())
    }
}

/// A free port of this machine, as likely as not to be free still when it is used.
fn port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Starts a bot for a Graph at `graph`; where it is reached.
async fn start(graph: u16, flaw: Flaw) -> (Bot, String) {
    let base = format!("http://127.0.0.1:{graph}");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = format!("http://{}", listener.local_addr().unwrap());
    let credentials = Credentials::with_secret(
        "932899f8-2ea1-4604-8413-27bd2892079f",
        "8a34a46b-3d17-4adc-8dce-dc4e7d572698",
        "only-for-the-simulator",
    );
    let mut config = Config::new(credentials, format!("{at}/calls"));
    config.endpoints = Endpoints {
        authority: base.clone(),
        graph: format!("{base}/v1.0"),
        openid: format!("{base}/v1/.well-known/OpenIdConfiguration"),
        ..Endpoints::global()
    };
    let transport = Arc::new(Https::try_new(Duration::from_secs(3), Duration::from_secs(15)).unwrap());
    let store = Arc::new(Memory::new());
    let bot = Bot::start(config, Answering(flaw), store, transport, Clock::system()).await.unwrap();
    let failing = from_fn(move |request: Request, next: Next| async move {
        let is_post = request.method() == http::Method::POST;
        if flaw == Flaw::Fails && is_post {
            return Response::from(StatusCode::NOT_FOUND.into_response());
        }
        next.run(request).await
    });
    let router: Router = bot.router().layer(failing);
    tokio::spawn(async move { axum::serve(listener, router).await });
    (bot, at)
}

fn callflow(folder: &Path, port: u16, bot: &str, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_callflow"));
    command
        .current_dir(folder)
        .args(["test", "a.toml", "--bot", bot, "--port", &port.to_string()])
        .args(more);
    command.output().unwrap()
}

fn folder(scenario: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    std::fs::write(path.join("a.toml"), scenario).unwrap();
    (folder, path)
}

async fn tested(flaw: Flaw, more: &'static [&'static str]) -> (Option<i32>, String, String) {
    let graph = port();
    let (bot, at) = start(graph, flaw).await;
    let (_folder, path) = folder(SCENARIO);
    let in_folder = path.clone();
    let output = tokio::task::spawn_blocking(move || callflow(&in_folder, graph, &at, more)).await.unwrap();
    bot.stop().await;
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    let junit = std::fs::read_to_string(path.join("out.xml")).unwrap_or_default();
    (output.status.code(), text, junit)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_bot_passes_with_and_without_faults() {
    let (code, text, junit) = tested(Flaw::None, &["--faults", "1", "--junit", "out.xml"]).await;
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("passed  a.toml: a call is answered (2 runs"), "{text}");
    assert!(text.contains("1 scenario, 2 runs: 2 passed, 0 failed"), "{text}");
    assert!(junit.contains(r#"<testcase name="with the faults of seed 1""#), "{junit}");
    assert!(junit.contains(r#"tests="2" "#) && junit.contains(r#"failures="0""#), "{junit}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_says_what_was_expected_and_what_was_seen() {
    for (flaw, expected, seen, last) in [
        (
            Flaw::Silent,
            "expected  POST /calls/{id}/answer within 2s  (line 14 of the file)",
            "seen      Ada calls the bot",
            "missing",
        ),
        (
            Flaw::Fails,
            "expected  the bot accepts every notification",
            "seen      notification: created call incoming, answered with 404",
            "created call incoming",
        ),
        (
            Flaw::HangsUp,
            "expected  never: DELETE /calls/{id}  (line 18 of the file)",
            "answered with 204",
            "DELETE",
        ),
    ] {
        let (code, text, junit) = tested(flaw, &["--junit", "out.xml"]).await;
        assert_eq!(code, Some(1), "{flaw:?}: {text}");
        assert!(text.contains(expected), "{flaw:?}: {text}");
        assert!(text.contains(seen), "{flaw:?}: {text}");
        let wrong = text.lines().find(|line| line.trim_start().starts_with('✗')).unwrap_or_default();
        assert!(wrong.contains(last), "{flaw:?}: {text}");
        assert!(junit.contains("<failure message=\"expected"), "{junit}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_nearly_as_expected_is_shown_in_the_ladder() {
    let graph = port();
    let (bot, at) = start(graph, Flaw::None).await;
    let video = "request = \"POST /calls/{id}/answer\"\nbody = { acceptedModalities = [\"video\"] }";
    let (_folder, path) = folder(&SCENARIO.replace("request = \"POST /calls/{id}/answer\"", video));
    let output = tokio::task::spawn_blocking(move || callflow(&path, graph, &at, &[])).await.unwrap();
    bot.stop().await;
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("body.acceptedModalities[0] is \"audio\" instead of \"video\""), "{text}");
    let nearly = text.lines().find(|line| line.trim_start().starts_with('≠')).unwrap_or_default();
    assert!(nearly.contains("/answer → 202"), "{text}");
}

#[test]
fn a_wrong_file_and_a_bot_that_is_not_there_are_told_apart_from_a_failure() {
    let nobody = format!("http://127.0.0.1:{}", port());
    for (scenario, words) in [
        (SCENARIO.to_owned(), "the bot is not reached"),
        (format!("{SCENARIO}\n[[se]]\n"), "a.toml: TOML parse error at line 21"),
        (SCENARIO.replace("from = \"Ada\"", "from = \"Bob\""), "a.toml: line 10: there is no person Bob"),
    ] {
        let (_folder, path) = folder(&scenario);
        let output = callflow(&path, port(), &nobody, &[]);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn the_example_and_the_shipped_scenarios_can_be_had() {
    let (_folder, path) = folder("");
    let run = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_callflow"));
        command.current_dir(&path).arg("test").args(args).output().unwrap()
    };
    let example = String::from_utf8(run(&["--example"]).stdout).unwrap();
    callflow_graph::scenario::Scenario::read(&example).unwrap();
    assert!(run(&["--write", "shipped"]).status.success());
    let text = std::fs::read_to_string(path.join("shipped/incoming_answered.toml")).unwrap();
    callflow_graph::scenario::Scenario::read(&text).unwrap();
}
