//! Clients that others wrote, against the simulator: Microsoft's `msgraph-sdk`, `azure-identity` and
//! `botframework-connector` for Python, by plain http and by https; `@azure/identity` and
//! `@microsoft/microsoft-graph-client` for JavaScript, by https.
//!
//! They are installed by pip and npm, with pinned versions, below `target`. Where there is no Python 3, or no Node.js, the
//! tests are skipped by name; with `CI=true` its absence is a failure.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::indexing_slicing)] // helpers of tests

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::routing::{get, post};
use axum::{Json, Router};
use callflow_graph::clock::Clock;
use callflow_graph::simulator::{
    CallView, Certificates, Config, Flaw, Issuer, Outcome, Person, Registration, Simulator, Step, WhenRung,
    wav_tone,
};
use callflow_graph::transport::Https;
use callflow_tests::{APP, TENANT};
use serde_json::{Value, json};

const SECRET: &str = "only-for-the-simulator";
const REQUIREMENTS: &str = include_str!("conformance/requirements.txt");

const PACKAGES: &str = include_str!("conformance/node/package-lock.json");

/// What runs a script: the program, and the folder in which its packages are.
type Installed = Result<PathBuf, String>;

fn folder_of(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance").join(path)
}

fn run_program(command: &mut Command) -> Result<(), String> {
    match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr))),
        Err(error) => Err(format!("{command:?}: {error}")),
    }
}

/// The Python of a virtual environment, or why there is none.
fn python() -> &'static Installed {
    static MADE: OnceLock<Installed> = OnceLock::new();
    MADE.get_or_init(|| {
        let folder = folder_of("conformance-python");
        let (python, installed) = (folder.join("bin/python"), folder.join("installed"));
        if std::fs::read_to_string(&installed).is_ok_and(|versions| versions == REQUIREMENTS) {
            return Ok(python);
        }
        run_program(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder))?;
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(here("requirements.txt"));
        run_program(&mut pip)?;
        std::fs::write(installed, REQUIREMENTS).map_err(|error| error.to_string())?;
        Ok(python)
    })
}

/// The folder of the packages for Node.js, or why there is none.
fn node() -> &'static Installed {
    static MADE: OnceLock<Installed> = OnceLock::new();
    MADE.get_or_init(|| {
        let folder = folder_of("conformance-node");
        let installed = folder.join("installed");
        std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        // Scripts find their packages beside themselves.
        for file in ["bot.mjs", "package.json", "package-lock.json"] {
            std::fs::copy(here("node").join(file), folder.join(file)).map_err(|error| error.to_string())?;
        }
        run_program(Command::new("node").arg("--version"))?;
        if std::fs::read_to_string(&installed).is_ok_and(|versions| versions == PACKAGES) {
            return Ok(folder);
        }
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&folder);
        run_program(&mut npm)?;
        std::fs::write(installed, PACKAGES).map_err(|error| error.to_string())?;
        Ok(folder)
    })
}

/// By what the clients reach the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Http,
    Https,
    /// And nobody told them of the authority.
    HttpsUntrusted,
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

/// What came of a script.
struct Ran {
    printed: String,
    errors: String,
    succeeded: bool,
    calls: Vec<CallView>,
}

/// Runs a script against a simulator of its own. None: skipped.
async fn run(script: &str, by: By, issuer: Issuer) -> Option<Ran> {
    // Scripts wait for what takes its real time: they do not have to share the machine as well.
    static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let _alone = ONE_AT_A_TIME.lock().await;
    let is_python = Path::new(script).extension().is_some_and(|extension| extension == "py");
    let installed = tokio::task::spawn_blocking(if is_python { python } else { node }).await.unwrap();
    let installed = match installed {
        Ok(installed) => installed,
        Err(reason) => {
            let must_be_there = std::env::var("CI").is_ok_and(|ci| ci == "true");
            assert!(!must_be_there, "no clients for {script}: {reason}");
            println!("skipped {script}: {reason}");
            return None;
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let callback = format!("http://127.0.0.1:{port}/calls");
    let mut app = Registration::new(APP, TENANT, SECRET, &callback).issued_by(issuer);
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
    let by_http = router.clone();
    let server = tokio::spawn(async move { drop(axum::serve(listener, by_http).await) });

    let folder = tempfile::tempdir().unwrap();
    let authority_file = folder.path().join("ca.pem");
    let certificates = Certificates::make(&[], Clock::system().now_seconds()).unwrap();
    std::fs::write(&authority_file, certificates.authority_pem()).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let secure = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let secure_server = tokio::spawn(async move { drop(certificates.serve(listener, router).await) });

    let mut command = if is_python { Command::new(installed) } else { Command::new("node") };
    command
        .arg(if is_python { here(script) } else { installed.join(script) })
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("CALLFLOW_APP", APP)
        .env("CALLFLOW_SECRET", SECRET)
        .env("CALLFLOW_TENANT", TENANT)
        .env("CALLFLOW_CALLBACK", callback)
        .env("CALLFLOW_CONTROL", format!("{base}/control"))
        .env("NO_PROXY", "127.0.0.1,localhost")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let reached = if by == By::Http { &base } else { &secure };
    command
        .env("CALLFLOW_GRAPH", format!("{reached}/v1.0"))
        .env("CALLFLOW_TOKENS", format!("{reached}/{TENANT}/oauth2/v2.0/token"))
        .env("CALLFLOW_OPENID", format!("{reached}/v1/.well-known/OpenIdConfiguration"));
    for variable in ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"] {
        match by {
            By::Https => command.env(variable, &authority_file),
            By::Http | By::HttpsUntrusted => command.env_remove(variable),
        };
    }
    if by != By::Http {
        command.env("CALLFLOW_AUTHORITY", &secure);
    }
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    server.abort();
    secure_server.abort();
    let [printed, errors] =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Some(Ran { printed, errors, succeeded: output.status.success(), calls: simulator.calls() })
}

/// What a script printed that does what it should, and the calls that there were.
async fn succeed(script: &str, by: By) -> Option<(String, Vec<CallView>)> {
    succeed_as(script, by, Issuer::BotFramework).await
}

async fn succeed_as(script: &str, by: By, issuer: Issuer) -> Option<(String, Vec<CallView>)> {
    let Ran { printed, errors, succeeded, calls } = run(script, by, issuer).await?;
    assert!(succeeded, "{script}: {printed}\n{errors}");
    Some((printed, calls))
}

/// The call of the scripts named `bot`.
fn assert_answered_and_over(printed: &str, calls: &[CallView]) {
    assert_eq!(printed.lines().last(), Some("over"), "{printed}");
    assert!(printed.contains("key 1"), "{printed}");
    let [call] = calls else { panic!("{calls:?}") };
    assert_eq!((call.state, call.result), ("terminated", Some((200, 7000))));
    assert_eq!((call.outcome.clone(), call.prompts_started), (Outcome::Done, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bot_in_python_answers_plays_hears_a_key_and_hangs_up() {
    for by in [By::Http, By::Https] {
        let Some((printed, calls)) = succeed("bot.py", by).await else { return };
        assert_answered_and_over(&printed, &calls);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bot_in_javascript_answers_plays_hears_a_key_and_hangs_up() {
    for issuer in Issuer::ALL {
        let Some((printed, calls)) = succeed_as("bot.mjs", By::Https, *issuer).await else { return };
        assert_answered_and_over(&printed, &calls);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_do_not_know_the_authority_come_to_no_call() {
    // Node.js' client says only that it came to no authority.
    for (script, says) in [("bot.py", "certificate verify failed"), ("bot.mjs", "endpoints_resolution_error")]
    {
        let Some(ran) = run(script, By::HttpsUntrusted, Issuer::BotFramework).await else { return };
        assert!(!ran.succeeded, "{script}: {}", ran.printed);
        assert!(ran.errors.contains(says), "{script}: {}", ran.errors);
        assert!(!ran.calls.iter().any(|call| call.state == "established"), "{script}: {:?}", ran.calls);
    }
}

/// Microsoft's validator for bots takes one of the two issuers alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_validator_of_the_bot_framework_refuses_the_issuer_of_graph() {
    let Some(ran) = run("tokens.py", By::Http, Issuer::Graph).await else { return };
    assert!(!ran.succeeded, "{}", ran.printed);
    assert!(ran.errors.contains("PermissionError"), "{}", ran.errors);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_good_token_passes_the_validator_of_the_bot_framework() {
    let Some((printed, _)) = succeed("tokens.py", By::Http).await else { return };
    let refused: Vec<&str> = printed.lines().collect();
    assert_eq!(refused.len(), 5, "{printed}");
    for what in ["audience", "issuer", "expiry", "key", "app"] {
        assert!(printed.contains(&format!("refused {what}")), "{what}: {printed}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_operation_of_the_sdk_is_answered_as_documented() {
    for by in [By::Http, By::Https] {
        let Some((printed, calls)) = succeed("operations.py", by).await else { return };
        let did: Vec<&str> = printed.lines().collect();
        assert_eq!(did.len(), 13, "{printed}");
        assert_eq!(did.last(), Some(&"did permissions"), "{printed}");
        assert!(calls.iter().filter(|call| call.state == "terminated").count() >= 15, "{calls:?}");
    }
}
