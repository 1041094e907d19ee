//! `callflow sim`: the simulator, for a bot in any language.

mod beginning;
mod listening;
mod trust;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use callflow_graph::client::Endpoints;
use callflow_graph::clock::Clock;
use callflow_graph::simulator::seed::{self, PersonSeed, Seed};
use callflow_graph::simulator::{
    Access, Config, Issuer, Observed, Person, Registration, Simulator, Step, What, WhenRung,
};
use callflow_graph::transport::{Https, Transport};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;

use self::beginning::Beginning;
use self::listening::Listening;
use self::trust::Trust;
use super::signals::Signals;
use super::{BAD_INPUT, Failure, complain, one_of};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    listening: listening::Where,
    #[command(flatten)]
    beginning: Beginning,
    /// Where the bot's incoming calls are announced
    #[arg(long, default_value = "http://127.0.0.1:3978/calls")]
    callback: String,
    /// The bot's application id
    #[arg(long, default_value = "8a34a46b-3d17-4adc-8dce-dc4e7d572698")]
    app_id: String,
    /// The tenant
    #[arg(long, default_value = "932899f8-2ea1-4604-8413-27bd2892079f")]
    tenant_id: String,
    /// The bot's client secret: a made-up one, since those of real tenants are refused [default: only-for-the-simulator, or
    /// with --allow-remote a new one]
    #[arg(long, env = "CALLFLOW_CLIENT_SECRET", hide_env_values = true)]
    client_secret: Option<SecretString>,
    /// A permission that the app has; may be given several times
    #[arg(long = "permission", default_values_t = ["Calls.Initiate.All".to_owned(), "Calls.AccessMedia.All".to_owned()])]
    permissions: Vec<String>,
    /// Whom the tokens of notifications name as their issuer; a bot has to take both
    #[arg(long, value_parser = one_of(Issuer::ALL, Issuer::name), default_value = Issuer::BotFramework.name())]
    issuer: Issuer,
    /// How long a second of a prompt takes, in seconds
    #[arg(long, default_value_t = 1.0)]
    time_scale: f64,
    /// Let the first person call the bot at once, press 1 after its first prompt, and hang up 5 seconds later
    #[arg(long)]
    call: bool,
    /// A file for the variables with which `callflow run` and `callflow check` find this simulator, other clients trust it by
    /// https, and a script steers it where there is a key: env $(cat FILE) callflow run …; one of another simulator is replaced
    #[arg(long, value_name = "FILE")]
    env: Option<PathBuf>,
}

/// What the secret is where none is given; it opens nothing but a simulator.
const SECRET: &str = "only-for-the-simulator";
const PERSON: &str = "112f7296-5fa4-42ca-bae8-6a692b15d4b8";
const OTHER: &str = "4b1d52a7-9c3e-4f61-8d5a-2f7e1c9b0a36";

/// How the bot proves itself here.
struct Secret {
    text: SecretString,
    /// Whether it is ours to show.
    is_made: bool,
}

impl Secret {
    /// The one that was given; else the usual one, or, where others reach it, one that nobody knows.
    fn of(args: &Args) -> Self {
        match &args.client_secret {
            Some(given) => Self { text: given.clone(), is_made: false },
            None if args.listening.is_remote() => Self { text: Access::new_key(), is_made: true },
            None => Self { text: SECRET.into(), is_made: true },
        }
    }

    fn shown(&self) -> &str {
        if self.is_made { self.text.expose_secret() } else { "the one that was given" }
    }
}

pub(super) async fn run(args: &Args) -> Result<ExitCode, Failure> {
    if args.beginning.seed_example {
        write!(std::io::stdout(), "{}", seed::EXAMPLE)?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Err(refused) = args.listening.check() {
        complain(&refused.to_string());
        return Ok(ExitCode::from(BAD_INPUT));
    }
    let seed = args.beginning.seed()?;
    // From here on a signal lets what is written for this start alone be taken away again.
    let signals = Signals::try_new()?;
    let (clock, secret) = (Clock::system(), Secret::of(args));
    let transport: Arc<dyn Transport> =
        Arc::new(Https::try_new(Duration::from_secs(3), Duration::from_secs(15))?);
    let listening = args.listening.listen().await?;
    let key = listening.is_remote.then(Access::new_key);
    let access = Access { hosts: listening.hosts.clone(), key };
    let config = config(args, seed, &listening, &secret, access.clone());
    let (people, app_id) =
        (config.people.clone(), config.registrations.first().map(|app| app.app_id.clone()));
    let simulator = Simulator::try_new(config, transport, clock)?;
    let told = simulator.watch();
    let trust = match &listening.https {
        Some(_) => Some(Arc::new(Trust::make(&listening.hosts, &args.listening, clock.now_seconds())?)),
        None => None,
    };
    let endpoints = simulator.endpoints();
    if let Some(file) = &args.env {
        let lines = variables(args, &endpoints, &secret, &access, trust.as_deref());
        write_variables(file, &lines).map_err(|reason| {
            Failure::Because(format!("{}: {reason}; give another --env", file.display()))
        })?;
    }
    say_what_is_served(args, &endpoints, &secret, &listening)?;
    say_who_is_there(args, &people)?;
    say_who_may(&simulator, &access)?;
    if let Some(trust) = &trust {
        say(&[("CA", &format!("{} ({})", trust.file.display(), trust.standing()))])?;
        writeln!(std::io::stdout(), "\n{}", trust.in_words())?;
    }
    let mut servers = serve(&simulator, listening, trust.as_ref());
    if let (true, Some(person), Some(app_id)) = (args.call, people.first(), &app_id) {
        simulator.call_bot(&person.id, app_id, script())?;
    }
    tell_until_stopped(told, signals).await?;
    // Nobody else has the certificates then, and what was written for this start alone goes with them.
    servers.shutdown().await;
    Ok(ExitCode::SUCCESS)
}

fn serve(simulator: &Simulator, listening: Listening, trust: Option<&Arc<Trust>>) -> JoinSet<()> {
    let mut servers = JoinSet::new();
    let router = simulator.router();
    let served = router.clone();
    servers.spawn(async move {
        if let Err(error) = axum::serve(listening.http, served).await {
            tracing::error!(%error, "http cannot be served");
        }
    });
    if let (Some(listener), Some(trust)) = (listening.https, trust.cloned()) {
        servers.spawn(async move {
            if let Err(error) = trust.certificates.serve(listener, router).await {
                tracing::error!(%error, "https cannot be served");
            }
        });
    }
    servers
}

async fn tell_until_stopped(
    mut seen: UnboundedReceiver<Observed>,
    mut signals: Signals,
) -> Result<(), Failure> {
    loop {
        tokio::select! {
            observed = seen.recv() => {
                let Some(observed) = observed else { return Ok(()) };
                match observed.what {
                    What::Request { method, path, status, .. } => say(&[("request", &format!("{method} {path} → {status}"))])?,
                    What::Notification { about, result, .. } => say(&[("notification", &format!("{about} → {result}"))])?,
                    What::Person { name, did } => say(&[("person", &format!("{name} {did}"))])?,
                    _ => {}
                }
            }
            () = signals.next() => return Ok(()),
        }
    }
}

/// What a caller does who has no other script.
fn script() -> Vec<Step> {
    vec![Step::AwaitPromptEnd, Step::Press('1'), Step::Wait(Duration::from_secs(5)), Step::HangUp]
}

/// The people that there are without a file: one who goes by himself, and one whose phone is the page's.
fn people() -> Vec<Person> {
    let when_rung = WhenRung::PickUp { after: Duration::from_secs(2), then: script() };
    let ada = Person { id: PERSON.to_owned(), display_name: "Ada".to_owned(), when_rung };
    let ben = Person { id: OTHER.to_owned(), display_name: "Ben".to_owned(), when_rung: WhenRung::Ask };
    vec![ada, ben]
}

fn config(args: &Args, seed: Option<Seed>, listening: &Listening, secret: &Secret, access: Access) -> Config {
    let mut app =
        Registration::new(&args.app_id, &args.tenant_id, secret.text.expose_secret(), &args.callback)
            .issued_by(args.issuer);
    for permission in &args.permissions {
        app = app.with(permission);
    }
    let mut config = Config::new(&listening.base, app);
    config.people = people();
    if let Some(seed) = seed {
        config.people = seed.people.into_iter().map(Person::from).collect();
        if !seed.apps.is_empty() {
            config.registrations = seed.apps.into_iter().map(Registration::from).collect();
        }
    }
    config.faults = args.beginning.faults();
    config.time_scale = args.time_scale;
    config.access = access;
    config
}

fn say_what_is_served(
    args: &Args,
    endpoints: &Endpoints,
    secret: &Secret,
    listening: &Listening,
) -> std::io::Result<()> {
    say(&[("Graph", &endpoints.graph)])?;
    match &listening.secure_base {
        Some(_) if listening.is_remote => {
            let here = format!("http://{}/v1.0 (this machine alone)", listening.http.local_addr()?);
            say(&[("by http", &here)])?;
        }
        Some(secure) => say(&[("by https", &format!("{secure}/v1.0"))])?,
        None => {}
    }
    say(&[
        ("tokens", &format!("{}/{}/oauth2/v2.0/token", endpoints.authority, args.tenant_id)),
        ("scope", &endpoints.scope),
        ("OpenID", &endpoints.openid),
        ("issuer", args.issuer.claim()),
        ("tenant", &args.tenant_id),
        ("app", &args.app_id),
        ("secret", secret.shown()),
        ("permissions", &args.permissions.join(" ")),
        ("callback", &args.callback),
        ("page", &format!("{}/", endpoints.authority)),
    ])
}

fn say_who_is_there(args: &Args, people: &[Person]) -> std::io::Result<()> {
    for person in people {
        let seed = PersonSeed::from(person);
        say(&[("person", &format!("{}, user {}: {}", person.display_name, person.id, seed.when_rung))])?;
    }
    match args.beginning.in_words() {
        Some(faults) => say(&[("faults", &faults)]),
        None => Ok(()),
    }
}

/// The key, and a link by which a browser gets it.
fn say_who_may(simulator: &Simulator, access: &Access) -> std::io::Result<()> {
    let (Some(key), Some(link)) = (&access.key, simulator.link()) else { return Ok(()) };
    say(&[("key", &format!("{} (Authorization: Bearer …)", key.expose_secret())), ("open once", &link)])
}

/// Writes a file that others cannot read: there may be a key in it.
fn write_for_owner(file: &Path, text: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)?.write_all(text.as_bytes())
}

/// The variables of a bot at this simulator. A secret that was given is not among them.
fn variables(
    args: &Args,
    endpoints: &Endpoints,
    secret: &Secret,
    access: &Access,
    trust: Option<&Trust>,
) -> String {
    let all = [
        ("CLOUD_AUTHORITY", endpoints.authority.as_str()),
        ("CLOUD_GRAPH", &endpoints.graph),
        ("CLOUD_OPENID", &endpoints.openid),
        ("CLOUD_SCOPE", &endpoints.scope),
        ("APP_TENANT_ID", &args.tenant_id),
        ("APP_ID", &args.app_id),
        ("WEBHOOK_CALLBACK", &args.callback),
    ];
    let made = secret.is_made.then_some(("APP_SECRET", secret.text.expose_secret()));
    let key = access.key.as_ref().map(|key| ("SIM_KEY", key.expose_secret()));
    let lines =
        all.into_iter().chain(made).chain(key).map(|(name, value)| format!("CALLFLOW_{name}={value}\n"));
    let trusted =
        trust.into_iter().flat_map(Trust::variables).map(|(name, value)| format!("{name}={value}\n"));
    lines.chain(trusted).collect()
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
    let is_ours = |line: &[u8]| {
        let name = line.split(|byte| *byte == b'=').next().unwrap_or_default();
        name.starts_with(b"CALLFLOW_") || trust::VARIABLES.iter().any(|(known, _)| known.as_bytes() == name)
    };
    match std::fs::read(file) {
        Ok(there) if there.split(|byte| *byte == b'\n').any(|line| !line.is_empty() && !is_ours(line)) => {
            return Err("it is there already, and is none of a simulator's".to_owned());
        }
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error.to_string()),
    }
    write_for_owner(file, text).map_err(|error| error.to_string())
}

fn say(lines: &[(&str, &str)]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for (name, value) in lines {
        writeln!(out, "{name:>14}  {value}")?;
    }
    out.flush()
}
