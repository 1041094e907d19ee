//! `callflow sim`: the simulator, for a bot in any language.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use callflow_graph::client::Endpoints;
use callflow_graph::clock::Clock;
use callflow_graph::simulator::{Config, Person, Registration, Simulator, Step, What, WhenRung};
use callflow_graph::transport::{Https, Transport};

use super::{Failure, listen};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The port to serve on; 0 is a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Where the bot's incoming calls are announced
    #[arg(long, default_value = "http://127.0.0.1:3978/calls")]
    callback: String,
    /// The bot's application id
    #[arg(long, default_value = "8a34a46b-3d17-4adc-8dce-dc4e7d572698")]
    app_id: String,
    /// The tenant
    #[arg(long, default_value = "932899f8-2ea1-4604-8413-27bd2892079f")]
    tenant_id: String,
    /// The bot's client secret
    #[arg(
        long,
        env = "CALLFLOW_CLIENT_SECRET",
        default_value = SECRET,
        hide_env_values = true
    )]
    client_secret: String,
    /// A permission that the app has; may be given several times
    #[arg(long = "permission", default_values_t = ["Calls.Initiate.All".to_owned(), "Calls.AccessMedia.All".to_owned()])]
    permissions: Vec<String>,
    /// How long a second of a prompt takes, in seconds
    #[arg(long, default_value_t = 1.0)]
    time_scale: f64,
    /// Let Ada call the bot at once, press 1 after its first prompt, and hang up 5 seconds later
    #[arg(long)]
    call: bool,
    /// A file for the variables with which `callflow run` and `callflow check` find this simulator: env $(cat FILE) callflow
    /// run …; one of another simulator is replaced
    #[arg(long, value_name = "FILE")]
    env: Option<PathBuf>,
}

/// What the secret is where none is given; it opens nothing but a simulator.
const SECRET: &str = "only-for-the-simulator";
const PERSON: &str = "112f7296-5fa4-42ca-bae8-6a692b15d4b8";

pub(super) async fn run(args: &Args) -> Result<ExitCode, Failure> {
    let transport: Arc<dyn Transport> =
        Arc::new(Https::try_new(Duration::from_secs(3), Duration::from_secs(15))?);
    let listener = listen(args.port, "the simulator").await?;
    let base = format!("http://{}", listener.local_addr()?);
    let mut app = Registration::new(&args.app_id, &args.tenant_id, &args.client_secret, &args.callback);
    for permission in &args.permissions {
        app = app.with(permission);
    }
    let mut config = Config::new(&base, app);
    config.time_scale = args.time_scale;
    let simulator = Simulator::try_new(config, transport, Clock::system())?;
    let then = vec![Step::AwaitPromptEnd, Step::Press('1'), Step::Wait(Duration::from_secs(5)), Step::HangUp];
    let when_rung = WhenRung::PickUp { after: Duration::from_secs(2), then: then.clone() };
    simulator.add_person(Person { id: PERSON.to_owned(), display_name: "Ada".to_owned(), when_rung });
    let mut seen = simulator.watch();
    let router = simulator.router();
    let server = tokio::spawn(async move { axum::serve(listener, router).await });

    let endpoints = simulator.endpoints();
    if let Some(file) = &args.env {
        write_variables(file, &variables(args, &endpoints)).map_err(|reason| {
            Failure::Because(format!("{}: {reason}; give another --env", file.display()))
        })?;
    }
    let secret = if args.client_secret == SECRET { SECRET } else { "the one that was given" };
    say(&[
        ("Graph", endpoints.graph.as_str()),
        ("tokens", &format!("{}/{}/oauth2/v2.0/token", endpoints.authority, args.tenant_id)),
        ("scope", &endpoints.scope),
        ("OpenID", &endpoints.openid),
        ("tenant", &args.tenant_id),
        ("app", &args.app_id),
        ("secret", secret),
        ("permissions", &args.permissions.join(" ")),
        ("callback", &args.callback),
        ("person", &format!("Ada, user {PERSON}: picks up after 2 seconds")),
    ])?;
    if args.call {
        simulator.call_bot(PERSON, &args.app_id, then)?;
    }
    loop {
        tokio::select! {
            observed = seen.recv() => {
                let Some(observed) = observed else { break };
                match observed.what {
                    What::Request { method, path, status, .. } => say(&[("request", &format!("{method} {path} → {status}"))])?,
                    What::Notification { about, result, .. } => say(&[("notification", &format!("{about} → {result}"))])?,
                    What::Person { name, did } => say(&[("person", &format!("{name} {did}"))])?,
                    _ => {}
                }
            }
            stopped = tokio::signal::ctrl_c() => {
                stopped?;
                break;
            }
        }
    }
    server.abort();
    Ok(ExitCode::SUCCESS)
}

/// The variables of a bot at this simulator. A secret that was given is not among them.
fn variables(args: &Args, endpoints: &Endpoints) -> String {
    let secret = (args.client_secret == SECRET).then_some(("APP_SECRET", SECRET));
    let all = [
        ("CLOUD_AUTHORITY", endpoints.authority.as_str()),
        ("CLOUD_GRAPH", &endpoints.graph),
        ("CLOUD_OPENID", &endpoints.openid),
        ("CLOUD_SCOPE", &endpoints.scope),
        ("APP_TENANT_ID", &args.tenant_id),
        ("APP_ID", &args.app_id),
        ("WEBHOOK_CALLBACK", &args.callback),
    ];
    let lines = all.into_iter().chain(secret).map(|(name, value)| format!("CALLFLOW_{name}={value}\n"));
    lines.collect()
}

/// Writes the variables, over those of another simulator alone.
fn write_variables(file: &Path, text: &str) -> Result<(), String> {
    // The shell reads the file by words, and makes names of files of wildcards.
    let is_a_word = |line: &str| !line.contains(|c: char| c.is_whitespace() || "*?[\\'\"".contains(c));
    if let Some((name, _)) = text.lines().find(|line| !is_a_word(line)).and_then(|line| line.split_once('='))
    {
        return Err(format!(
            "the value of {name} has blanks, quotes or wildcards in it, and would not be read as it is"
        ));
    }
    match std::fs::read(file) {
        Ok(there)
            if there
                .split(|byte| *byte == b'\n')
                .any(|line| !line.is_empty() && !line.starts_with(b"CALLFLOW_")) =>
        {
            return Err("it is there already, and is none of a simulator's".to_owned());
        }
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error.to_string()),
    }
    std::fs::write(file, text).map_err(|error| error.to_string())
}

fn say(lines: &[(&str, &str)]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for (name, value) in lines {
        writeln!(out, "{name:>14}  {value}")?;
    }
    out.flush()
}
