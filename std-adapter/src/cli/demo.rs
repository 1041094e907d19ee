//! `callflow demo`: a simulator, a small IVR bot, a person, and the call between them over real HTTP.

mod bot;
mod shown;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use callflow_core::action::Action;
use callflow_core::classification::{Hosting, Kind};
use callflow_core::event::Event;
use callflow_core::lifecycle::end::How;
use callflow_core::media::MediaHost;
use callflow_core::operation;
use callflow_core::permission::{self, Permission, Permissions, Requirement};
use callflow_core::result::ResultInfo;
use callflow_graph::bot::{Bot, Config, Observed, What};
use callflow_graph::client::Credentials;
use callflow_graph::clock::Clock;
use callflow_graph::prompt::tts::Tones;
use callflow_graph::prompt::{self, Prompts};
use callflow_graph::session::Target;
use callflow_graph::simulator::{self, Outcome, Person, Registration, Simulator, Step, WhenRung};
use callflow_graph::store::CallName;
use callflow_graph::store::embedded::Embedded;
use callflow_graph::trace::Recorder;
use callflow_graph::transport::{Https, Transport};
use serde_json::json;

use self::bot::Ivr;
use self::shown::Out;
use super::{Failure, listen};

#[derive(clap::Args, Debug, Default)]
pub(crate) struct Args {
    /// Let the bot call the person
    #[arg(long)]
    outgoing: bool,
    /// Open the simulator's page in a browser, where the phones are yours, and go on until Ctrl-C
    #[arg(long)]
    open: bool,
    /// Print one JSON object a line, the summary last
    #[arg(long)]
    json: bool,
    /// Take permissions from the bot's app before the call, as Calls.Initiate.All,Calls.AccessMedia.All
    #[arg(long, value_name = "PERMISSION", value_parser = super::permissions::granted, default_value = "none", hide_default_value = true)]
    revoke: Permissions,
    /// Where the bot keeps its calls [default: a file that is removed afterwards]
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    /// Write every input of the call to this file, for `callflow replay` and `callflow ladder`
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// The bot's port [default: a free one]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    bot_port: u16,
    /// The simulator's port [default: a free one]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    sim_port: u16,
}

const APP: &str = "8a34a46b-3d17-4adc-8dce-dc4e7d572698";
const TENANT: &str = "932899f8-2ea1-4604-8413-27bd2892079f";
const SECRET: &str = "only-for-the-demo";
const PERSON: &str = "112f7296-5fa4-42ca-bae8-6a692b15d4b8";
const PERSON_NAME: &str = "Ada";
/// Who can be added on the page.
const OTHER: &str = "4b1d52a7-9c3e-4f61-8d5a-2f7e1c9b0a36";
/// How long the whole call may take.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn run(args: &Args) -> Result<ExitCode, Failure> {
    let clock = Clock::system();
    let transport: Arc<dyn Transport> =
        Arc::new(Https::try_new(Duration::from_secs(3), Duration::from_secs(10))?);
    let sim_listener = listen(args.sim_port, "the simulator").await?;
    let bot_listener = listen(args.bot_port, "the bot").await?;
    let sim_base = format!("http://{}", sim_listener.local_addr()?);
    let bot_base = format!("http://{}", bot_listener.local_addr()?);

    let app = registered(args, format!("{bot_base}/calls"));
    let simulator =
        Simulator::try_new(simulator::Config::new(&sim_base, app), Arc::clone(&transport), clock)?;
    let script = vec![
        Step::AwaitAnswer,
        Step::AwaitPromptStart,
        Step::Wait(Duration::from_millis(900)),
        Step::Press('1'),
        Step::AwaitPromptEnd,
        Step::AwaitHangUp,
    ];
    let when_rung = if args.open {
        simulator.add_person(Person {
            id: OTHER.to_owned(),
            display_name: "Ben".to_owned(),
            when_rung: WhenRung::Ask,
        });
        WhenRung::Ask
    } else {
        WhenRung::PickUp { after: Duration::from_millis(700), then: script.clone() }
    };
    let person = Person { id: PERSON.to_owned(), display_name: PERSON_NAME.to_owned(), when_rung };
    simulator.add_person(person);
    serve(sim_listener, simulator.router());

    let temporary =
        std::env::temp_dir().join(format!("callflow-demo-{}.redb", uuid::Uuid::new_v4().simple()));
    let store_path = args.store.clone().unwrap_or_else(|| temporary.clone());
    let store = Arc::new(Embedded::open(&store_path)?);
    let credentials = Credentials::with_secret(TENANT, APP, SECRET);
    let mut config = Config::new(credentials, format!("{bot_base}/calls"));
    config.endpoints = simulator.endpoints();
    config.trace = args.trace.as_deref().map(traced).transpose()?;
    let prompts = Prompts::try_new(
        prompt::Settings {
            tts: Some(Arc::new(Tones)),
            ..prompt::Settings::new(format!("{bot_base}/prompts"), prompt::Key::new(SECRET)?)
        },
        clock,
    )?;
    let handler = Ivr { prompts: prompts.clone() };
    let bot = Bot::start(config, handler, store, transport, clock).await?;
    bot.check_credentials().await?;
    serve(bot_listener, bot.router().merge(prompts.router()));

    let result = if args.open {
        stay(args, &bot, &simulator, clock, &sim_base).await
    } else {
        watch(args, &bot, &simulator, clock, script).await
    };
    bot.stop().await;
    drop(bot);
    if args.store.is_none() {
        // Left over only where somebody else holds it.
        let _ = std::fs::remove_file(temporary);
    }
    result
}

/// The bot's app. On the page somebody can be added, which it stays in with a permission of group calls.
fn registered(args: &Args, callback: String) -> Registration {
    let of_groups = args.open.then_some(Permission::JoinGroupCallAll);
    let permissions = [Permission::InitiateAll, Permission::AccessMediaAll].into_iter().chain(of_groups);
    permissions
        .filter(|permission| !args.revoke.has(*permission))
        .fold(Registration::new(APP, TENANT, SECRET, callback), |app, permission| app.with(permission.name()))
}

/// Writes a trace of the bot to this file.
fn traced(path: &Path) -> Result<Recorder, Failure> {
    Recorder::to_file(path).map_err(|error| {
        let path = path.display();
        Failure::Because(format!(
            "{path} cannot be written ({error}); check that the folder is there, and may be written"
        ))
    })
}

fn serve(listener: tokio::net::TcpListener, router: Router) {
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "serving failed");
        }
    });
}

/// What Graph refused.
struct Refusal {
    action: Action,
    result: ResultInfo,
}

impl Refusal {
    /// Why, and what to do.
    fn words(&self) -> String {
        let Self { action, result } = self;
        let meaning = result.meaning().unwrap_or("for a reason that callflow does not know");
        let needs = permission::required(*action, Kind::PeerToPeer, Hosting::Direct, MediaHost::Service);
        match needs {
            Requirement::Needs(needs) if result.subcode == permission::CODE => {
                format!("{action}: {meaning}; it needs {needs}")
            }
            Requirement::Needs(_) | Requirement::Nothing | Requirement::NotSupported => {
                format!("{action}: {meaning}")
            }
        }
    }
}

/// What was seen of the call.
#[derive(Default)]
struct Seen {
    call: Option<CallName>,
    requests: u64,
    notifications: u64,
    events: BTreeMap<String, u64>,
    longest: Option<u64>,
    refused: Option<Refusal>,
    is_over: bool,
}

async fn watch(
    args: &Args,
    bot: &Bot,
    simulator: &Simulator,
    clock: Clock,
    script: Vec<Step>,
) -> Result<ExitCode, Failure> {
    let (mut at_bot, mut at_graph) = (bot.watch(), simulator.watch());
    let begun = clock.now_millis();
    let mut seen = Seen::default();
    let mut out = Out::new(args.json, PERSON_NAME, begun);
    out.head()?;
    if args.outgoing {
        seen.call = Some(bot.place(Target::User(PERSON.to_owned())).await?);
    } else {
        simulator.call_bot(PERSON, APP, script)?;
    }
    let patience = tokio::time::sleep(PATIENCE);
    tokio::pin!(patience);
    // After the end, what is still on its way is shown too.
    let mut quiet = None;
    loop {
        let rest = async {
            match quiet {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            observed = at_bot.recv() => {
                let Some(observed) = observed else { break };
                out.bot(&observed)?;
                seen.note(observed);
            }
            observed = at_graph.recv() => {
                if let Some(observed) = observed {
                    out.graph(&observed)?;
                }
            }
            () = rest => break,
            () = &mut patience => break,
        }
        if seen.is_over && quiet.is_none() {
            quiet = Some(tokio::time::Instant::now() + Duration::from_millis(300));
        }
    }
    let Some(name) = &seen.call else {
        return Err(Failure::Because("nothing reached the bot".to_owned()));
    };
    let view =
        bot.view(name).await?.ok_or_else(|| Failure::Because("the call is not in the store".to_owned()))?;
    let scripted = simulator.calls().iter().all(|call| call.outcome == Outcome::Done);
    let as_scripted = scripted && seen.is_over && view.ever_established && !simulator.calls().is_empty();
    let how = view.end.map(|end| end.how);
    let not_created = seen.refused.as_ref().filter(|_| how == Some(How::NotCreated));
    let result = view.end.and_then(|end| end.result).or(not_created.map(|refusal| refusal.result));
    let text = match not_created {
        Some(refusal) => format!("the call was not created: {}", refusal.words()),
        None => ended_in_words(how, result),
    };
    let refused = seen.refused.as_ref().map(|refusal| {
        let ResultInfo { code, subcode } = refusal.result;
        json!({"code": code, "subcode": subcode, "text": refusal.words()})
    });
    let summary = json!({
        "call": view.id,
        "kind": view.classification.kind().name(),
        "why": view.classification.reason().name(),
        "final_state": view.state.name(),
        "ever_established": view.ever_established,
        "ended": {"code": result.map(|r| r.code), "subcode": result.map(|r| r.subcode), "text": text},
        "refused": refused,
        "requests": seen.requests,
        "notifications": seen.notifications,
        "events": seen.events,
        "longest_notification_to_request_ms": seen.longest,
        "as_scripted": as_scripted,
    });
    out.summary(&summary)?;
    Ok(if as_scripted { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Draws what is done on the page, until somebody has enough of it.
async fn stay(
    args: &Args,
    bot: &Bot,
    simulator: &Simulator,
    clock: Clock,
    base: &str,
) -> Result<ExitCode, Failure> {
    let (mut at_bot, mut at_graph) = (bot.watch(), simulator.watch());
    let mut out = Out::new(args.json, PERSON_NAME, clock.now_millis());
    let page = format!("{base}/");
    out.line("page", &format!("{page} (Ctrl-C ends)"))?;
    if let Err(error) = open::that_detached(&page) {
        tracing::warn!(%error, "no browser could be started; open the page yourself");
    }
    out.head()?;
    if args.outgoing {
        bot.place(Target::User(PERSON.to_owned())).await?;
    }
    loop {
        tokio::select! {
            observed = at_bot.recv() => {
                let Some(observed) = observed else { break };
                out.bot(&observed)?;
            }
            observed = at_graph.recv() => {
                let Some(observed) = observed else { break };
                out.graph(&observed)?;
            }
            stopped = tokio::signal::ctrl_c() => {
                stopped?;
                break;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn ended_in_words(how: Option<How>, result: Option<ResultInfo>) -> String {
    let meaning = result.and_then(ResultInfo::meaning);
    match (how, meaning) {
        (None, _) => "the call has not ended".to_owned(),
        (Some(How::NotCreated), _) => "the call was not created".to_owned(),
        (Some(How::Told), Some(meaning)) => meaning.to_owned(),
        (Some(How::Told), None) => "the service ended the call and gave no reason that is known".to_owned(),
        (Some(How::Inferred), _) => "the service does not know the call any more".to_owned(),
    }
}

impl Seen {
    fn note(&mut self, observed: Observed) {
        match observed.what {
            What::Notification { .. } => self.notifications += 1,
            What::Request { caused_at, .. } => {
                self.requests += 1;
                let took = caused_at.map(|caused_at| observed.at.saturating_sub(caused_at));
                self.longest = self.longest.max(took);
            }
            What::Event(event) => {
                let words = format!("{event:?}");
                let name = words.split([' ', '(', '{']).next().unwrap_or_default().to_owned();
                *self.events.entry(name).or_default() += 1;
                match event {
                    Event::CommandFailed { action, status, code, .. } => {
                        let result = ResultInfo { code: u32::from(status), subcode: code };
                        self.refused = Some(Refusal { action, result });
                    }
                    Event::OperationEnded {
                        action,
                        outcome: operation::Outcome::Refused,
                        result: Some(result),
                        ..
                    } => self.refused = Some(Refusal { action, result }),
                    Event::Ended(_) => self.is_over = true,
                    _ => {}
                }
            }
            _ => {}
        }
        self.call.get_or_insert(observed.call);
    }
}
