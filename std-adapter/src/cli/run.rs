//! `callflow run`: the built-in IVR, of a file, until it is told to stop.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use callflow_graph::bot::{Bot, Drained, StartError};
use callflow_graph::client::ClientError;
use callflow_graph::clock::Clock;
use callflow_graph::configuration::Configuration;
use callflow_graph::ivr::{Dialler, EXAMPLE, Menus, Outgoing};
use callflow_graph::operations::Operations;
use callflow_graph::prompt::Prompts;
use callflow_graph::transport::Transport;
use tokio::net::TcpListener;

use super::configuration::Given;
use super::signals::Signals;
use super::{BAD_INPUT, Failure, complain, print};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    given: Given,
    /// Print menus as they may be described, with what each line does
    #[arg(long)]
    example: bool,
}

/// How long a stop may take that does not wait for calls.
const STOP_WITHIN: Duration = Duration::from_secs(5);
/// Who ends a process by a second signal is told by this code.
///
/// Source: shells' custom: 128 and the number of SIGINT.
const INTERRUPTED: u8 = 130;

pub(super) async fn run(args: &Args) -> Result<ExitCode, Failure> {
    if args.example {
        return print(EXAMPLE);
    }
    let configuration = match args.given.load() {
        Ok(configuration) => configuration,
        Err(code) => return Ok(code),
    };
    let menus = match Menus::read(&configuration) {
        Ok(menus) => menus,
        Err(error) => {
            error.problems.iter().for_each(|problem| complain(&problem.to_string()));
            return Ok(ExitCode::from(BAD_INPUT));
        }
    };
    menus.warnings.iter().for_each(|warning| complain(warning));
    let clock = Clock::system();
    let transport: Arc<dyn Transport> =
        Arc::new(configuration.transport(Duration::from_secs(3), Duration::from_secs(15))?);
    let mut signals = Signals::try_new()?;
    let opened = signals.unless(open(&configuration, &menus, Arc::clone(&transport), clock)).await;
    let Some(prompts) = opened.transpose()? else { return Ok(stopped_early()) };
    if let Some(folder) = &menus.recordings {
        std::fs::create_dir_all(folder).map_err(|error| {
            Failure::Because(format!(
                "{} cannot be made: {error}; give another `run.recordings`",
                folder.display()
            ))
        })?;
    }
    // Before the store is opened: who cannot listen has nothing to do with it.
    let webhook = listen(configuration.listen, "webhook.listen").await?;
    let operation = match &configuration.operations {
        Some(settings) => Some(listen(settings.listen, "operations.listen").await?),
        None => None,
    };
    let store = configuration.store.open()?;
    let mut config = configuration.bot.clone();
    if let Some(trace) = &configuration.trace {
        let recorder = trace.open().map_err(|error| {
            Failure::Because(format!(
                "{} cannot be written: {error}; give another `trace.file`",
                trace.file.display()
            ))
        })?;
        config.trace = Some(recorder);
    }
    let outgoing = menus.outgoing.clone();
    let handler = menus.handler(prompts.clone(), Arc::clone(&transport));
    let started = signals.unless(Bot::start(config, handler, store, transport, clock)).await;
    let Some(bot) = started.transpose()? else { return Ok(stopped_early()) };
    match signals.unless(bot.check_credentials()).await {
        None => {
            stop(&bot).await;
            return Ok(stopped_early());
        }
        Some(Err(error)) if is_definite(&error) => {
            bot.stop().await;
            return Err(error.into());
        }
        Some(Err(error)) => complain(&error.to_string()),
        Some(Ok(())) => {}
    }
    serve(webhook, &bot, &prompts);
    let operations = operate(&configuration, &bot, operation, outgoing)?;
    print(&format!("listening on {}, reached at {}\n", configuration.listen, configuration.bot.callback))?;
    until_drained(&configuration, &bot, operations.as_ref(), &mut signals).await
}

/// The prompts, with whatever the menus play.
async fn open(
    configuration: &Configuration,
    menus: &Menus,
    transport: Arc<dyn Transport>,
    clock: Clock,
) -> Result<Prompts, Failure> {
    let prompts = configuration.prompts.open(transport, clock).await?;
    menus.prepare(&prompts).await?;
    Ok(prompts)
}

/// Whoever stops a bot that does not listen yet has what he wanted.
fn stopped_early() -> ExitCode {
    complain("stopped before it listened; calls that are kept are taken up by the next start");
    ExitCode::SUCCESS
}

/// Whether it stays so until somebody does something.
fn is_definite(error: &StartError) -> bool {
    matches!(error, StartError::Client(ClientError::NoToken { reason, .. }) if reason.is_definite())
}

async fn listen(address: SocketAddr, key: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        Failure::Because(format!("cannot listen on {address}: {error}; give another address as `{key}`"))
    })
}

fn serve(listener: TcpListener, bot: &Bot, prompts: &Prompts) {
    let router: Router = bot.router().merge(prompts.router());
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "serving failed");
        }
    });
}

fn operate(
    configuration: &Configuration,
    bot: &Bot,
    listener: Option<TcpListener>,
    outgoing: BTreeMap<String, Outgoing>,
) -> Result<Option<Operations>, Failure> {
    let (Some(settings), Some(listener)) = (&configuration.operations, listener) else { return Ok(None) };
    let operations = Operations::draining_by(bot, settings.key.clone(), configuration.drain)?
        .placing(Arc::new(Dialler::new(bot, outgoing, &configuration.bot)));
    let served = operations.clone();
    tokio::spawn(async move {
        if let Err(error) = served.serve(listener).await {
            tracing::error!(%error, "operation cannot be served");
        }
    });
    Ok(Some(operations))
}

/// Waits for a signal, or a drain that was asked for by HTTP; a second signal stops at once.
async fn until_drained(
    configuration: &Configuration,
    bot: &Bot,
    operations: Option<&Operations>,
    signals: &mut Signals,
) -> Result<ExitCode, Failure> {
    let by_http = async {
        match operations {
            Some(operations) => operations.drained().await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(by_http);
    tokio::select! {
        () = signals.next() => {}
        drained = &mut by_http => return said(&drained),
    }
    complain("taking no new calls, and waiting for those that are up; a second signal stops at once");
    let draining = async {
        match operations {
            Some(operations) => {
                operations.drain();
                operations.drained().await
            }
            None => bot.drain(configuration.drain).await,
        }
    };
    tokio::select! {
        drained = draining => said(&drained),
        () = signals.next() => {
            stop(bot).await;
            let left = bot.live().len();
            complain(&match configuration.store.file {
                Some(_) => format!("stopped at once; {left} calls are left, which the next start takes up"),
                None => format!("stopped at once; {left} calls are left, and nothing is kept of them (`store.in_memory`)"),
            });
            Ok(ExitCode::from(INTERRUPTED))
        }
    }
}

/// Stops without waiting for calls.
async fn stop(bot: &Bot) {
    if tokio::time::timeout(STOP_WITHIN, bot.stop()).await.is_err() {
        complain("what was being handled did not end; the next start takes it up");
    }
}

fn said(drained: &Drained) -> Result<ExitCode, Failure> {
    print(&format!(
        "drained: {} calls were hung up, {} are left\n",
        drained.hung_up.len(),
        drained.left.len()
    ))
}
