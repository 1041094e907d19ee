//! `callflow test`: scenarios against a bot in any language.

mod junit;

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Request;
use bytes::Bytes;
use callflow_graph::client::Endpoints;
use callflow_graph::clock::Clock;
use callflow_graph::scenario::{EXAMPLE, Report, SHIPPED, Scenario, Site};
use callflow_graph::simulator::{Config, Registration, Simulator};
use callflow_graph::transport::{Https, Transport, TransportError};
use tower::ServiceExt;

use super::{BAD_INPUT, Failure, complain, listen, print};

/// What the exit code says.
const EXIT_CODES: &str = "\
Exit code: 0 where all passed, 1 where one failed, 2 where a file is wrong or the bot is not reached.

The bot has to be started before, with Graph, token endpoint and OpenID document at the addresses that are printed, and
with the app, tenant and secret that are given here. Runs follow one another, since a bot knows one address of Graph.";

#[derive(clap::Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Args {
    /// The scenarios: TOML files
    #[arg(required_unless_present_any = ["example", "write"])]
    files: Vec<PathBuf>,
    /// Where the bot is reached: scheme, host and port
    #[arg(long, value_name = "URL", required_unless_present_any = ["example", "write"])]
    bot: Option<String>,
    /// Where its incoming calls are announced, below --bot
    #[arg(long, value_name = "PATH", default_value = "/calls")]
    callback: String,
    /// The port on which Graph is served meanwhile
    #[arg(long, default_value_t = 4100)]
    port: u16,
    /// Run each also under the faults of so many seeds, from 1 on
    #[arg(long, value_name = "N", default_value_t = 0)]
    faults: u64,
    /// Run each only under the faults of this seed: the one of a failure is printed with it
    #[arg(long, conflicts_with = "faults")]
    seed: Option<u64>,
    /// How long a second of a prompt takes, in seconds
    #[arg(long, default_value_t = 1.0)]
    time_scale: f64,
    /// Write the results as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
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
        default_value = "only-for-the-simulator",
        hide_env_values = true
    )]
    client_secret: String,
    /// Print a scenario as it may be written, with what each line does
    #[arg(long)]
    example: bool,
    /// Write the scenarios that come with this program into a folder
    #[arg(long, value_name = "FOLDER")]
    write: Option<PathBuf>,
}

/// What came of a scenario under all its seeds.
struct Tested {
    file: String,
    name: String,
    reports: Vec<(Report, Duration)>,
}

pub(super) async fn run(args: &Args) -> Result<ExitCode, Failure> {
    if args.example {
        return print(EXAMPLE);
    }
    if let Some(folder) = &args.write {
        return write_shipped(folder);
    }
    let Some(scenarios) = read(&args.files) else { return Ok(ExitCode::from(BAD_INPUT)) };
    let transport: Arc<dyn Transport> =
        Arc::new(Https::try_new(Duration::from_secs(3), Duration::from_secs(3600))?);
    let bot = args.bot.as_deref().unwrap_or_default().trim_end_matches('/').to_owned();
    if let Err(words) = reach(&bot, transport.as_ref()).await {
        complain(&words);
        return Ok(ExitCode::from(BAD_INPUT));
    }
    let began = Instant::now();
    let service = Service::begin(args, bot, transport).await?;
    service.introduce(args)?;
    let mut all = Vec::new();
    for (file, scenario) in scenarios {
        let tested = service.test(args, file, &scenario).await?;
        say(&tested)?;
        all.push(tested);
    }
    if let Some(file) = &args.junit {
        junit::write(file, &all).map_err(|error| {
            Failure::Because(format!("{}: {error}; give another --junit", file.display()))
        })?;
    }
    summary(&all, began.elapsed())
}

/// Reads all files, and says what is wrong with which.
fn read(files: &[PathBuf]) -> Option<Vec<(String, Scenario)>> {
    let mut scenarios = Vec::new();
    let mut is_well = true;
    for path in files {
        let text = std::fs::read_to_string(path).map_err(|error| error.to_string());
        let scenario = text.and_then(|text| Scenario::read(&text).map_err(|error| error.to_string()));
        match scenario {
            Ok(scenario) => scenarios.push((path.display().to_string(), scenario)),
            Err(reason) => {
                complain(&format!("{}: {reason}", path.display()));
                is_well = false;
            }
        }
    }
    is_well.then_some(scenarios)
}

/// Whether anybody listens where the bot is said to be.
async fn reach(bot: &str, transport: &dyn Transport) -> Result<(), String> {
    let request = http::Request::get(bot).body(Bytes::new()).map_err(|error| format!("{bot}: {error}"))?;
    let asked = tokio::time::timeout(Duration::from_secs(5), transport.send(request)).await;
    match asked {
        // Whatever it answers, it is there; so is one that takes its time.
        Err(_) | Ok(Ok(_) | Err(TransportError::NoAnswer { .. })) => Ok(()),
        Ok(Err(error)) => {
            Err(format!("the bot is not reached: {error}; start it first, and give its address by --bot"))
        }
    }
}

/// Graph, for one run after another: each has a simulator of its own at the same address.
struct Service {
    router: Arc<RwLock<Router>>,
    base: String,
    bot: String,
    transport: Arc<dyn Transport>,
    clock: Clock,
}

impl Service {
    async fn begin(args: &Args, bot: String, transport: Arc<dyn Transport>) -> Result<Self, Failure> {
        let listener = listen(args.port, "Graph").await?;
        let base = format!("http://{}", listener.local_addr()?);
        let router = Arc::new(RwLock::new(Router::new()));
        let current = Arc::clone(&router);
        let service = Router::new().fallback(move |request: Request| {
            let router = current.read().unwrap_or_else(PoisonError::into_inner).clone();
            router.oneshot(request)
        });
        tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, service).await {
                tracing::error!(%error, "serving failed");
            }
        });
        Ok(Self { router, base, bot, transport, clock: Clock::system() })
    }

    fn app(&self, args: &Args) -> Registration {
        let callback = format!("{}/{}", self.bot, args.callback.trim_start_matches('/'));
        Registration::new(&args.app_id, &args.tenant_id, &args.client_secret, callback)
    }

    fn introduce(&self, args: &Args) -> Result<(), Failure> {
        let simulator = self.simulator(Config::new(&self.base, self.app(args)))?;
        let Endpoints { graph, authority, openid, .. } = simulator.endpoints();
        let tokens = format!("{authority}/{}/oauth2/v2.0/token", args.tenant_id);
        let mut out = std::io::stdout().lock();
        for (name, value) in [("Graph", &graph), ("tokens", &tokens), ("OpenID", &openid)] {
            writeln!(out, "{name:>8}  {value}")?;
        }
        Ok(())
    }

    fn simulator(&self, config: Config) -> Result<Simulator, Failure> {
        let simulator = Simulator::try_new(config, Arc::clone(&self.transport), self.clock)?;
        *self.router.write().unwrap_or_else(PoisonError::into_inner) = simulator.router();
        Ok(simulator)
    }

    async fn test(&self, args: &Args, file: String, scenario: &Scenario) -> Result<Tested, Failure> {
        let seeds: Vec<Option<u64>> = match args.seed {
            Some(seed) => vec![Some(seed)],
            None => std::iter::once(None).chain((1..=args.faults).map(Some)).collect(),
        };
        let mut reports = Vec::new();
        for (place, seed) in seeds.iter().enumerate() {
            progress(&format!("{file}: run {} of {}", place.saturating_add(1), seeds.len()));
            let began = Instant::now();
            let report = self.perform(args, scenario, *seed).await?;
            reports.push((report, began.elapsed()));
        }
        progress("");
        Ok(Tested { file, name: scenario.name.clone(), reports })
    }

    async fn perform(&self, args: &Args, scenario: &Scenario, seed: Option<u64>) -> Result<Report, Failure> {
        let mut config = Config::new(&self.base, self.app(args));
        config.time_scale = args.time_scale;
        scenario.set_up(&mut config, seed);
        let simulator = self.simulator(config)?;
        let site = Site {
            simulator: &simulator,
            app: args.app_id.clone(),
            tenant: args.tenant_id.clone(),
            bot: self.bot.clone(),
            transport: Arc::clone(&self.transport),
            clock: self.clock,
        };
        Ok(site.perform(scenario, seed).await)
    }
}

/// Shows on a terminal what is being done, in one line.
fn progress(words: &str) {
    let mut err = std::io::stderr().lock();
    if err.is_terminal() {
        // Where standard error is gone there is nobody to tell.
        let _ = write!(err, "\r\u{1b}[K{words}").and_then(|()| err.flush());
    }
}

fn say(tested: &Tested) -> Result<(), Failure> {
    let Tested { file, name, reports } = tested;
    let runs = reports.len();
    let failed = reports.iter().filter(|(report, _)| !report.is_passed()).count();
    let took: f64 = reports.iter().map(|(_, took)| took.as_secs_f64()).sum();
    let mut out = std::io::stdout().lock();
    match failed {
        0 => writeln!(out, "passed  {file}: {name} ({}, {took:.1} s)", count(runs, "run"))?,
        _ => writeln!(out, "FAILED  {file}: {name} ({failed} of {})", count(runs, "run"))?,
    }
    // One ladder is enough to begin with; the seeds of the others are named.
    let mut failures = reports.iter().map(|(report, _)| report).filter(|report| !report.is_passed());
    if let Some(first) = failures.next() {
        writeln!(out, "\n{first}")?;
    }
    let others: Vec<String> =
        failures.filter_map(|report| report.seed).map(|seed| seed.to_string()).collect();
    if !others.is_empty() {
        writeln!(
            out,
            "  it failed as well with the faults of the seeds {}; --seed shows one\n",
            others.join(", ")
        )?;
    }
    out.flush()?;
    Ok(())
}

fn summary(all: &[Tested], took: Duration) -> Result<ExitCode, Failure> {
    let reports = || all.iter().flat_map(|tested| &tested.reports);
    let (runs, passed) = (reports().count(), reports().filter(|(report, _)| report.is_passed()).count());
    let failed = runs.saturating_sub(passed);
    #[allow(clippy::cast_precision_loss)] // there are not that many
    let rate = runs as f64 / took.as_secs_f64().max(f64::MIN_POSITIVE);
    let (scenarios, runs) = (count(all.len(), "scenario"), count(runs, "run"));
    let seconds = took.as_secs_f64();
    print(&format!(
        "{scenarios}, {runs}: {passed} passed, {failed} failed, in {seconds:.1} s ({rate:.1} runs a second)\n"
    ))?;
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn count(number: usize, of: &str) -> String {
    if number == 1 { format!("1 {of}") } else { format!("{number} {of}s") }
}

fn write_shipped(folder: &Path) -> Result<ExitCode, Failure> {
    std::fs::create_dir_all(folder)?;
    for (name, text) in SHIPPED {
        let path = folder.join(format!("{name}.toml"));
        std::fs::write(&path, text)
            .map_err(|error| Failure::Because(format!("{}: {error}; give another folder", path.display())))?;
    }
    print(&format!("{} written into {}\n", count(SHIPPED.len(), "scenario"), folder.display()))
}
