//! The command line.

mod check;
mod configuration;
mod decode;
mod demo;
mod diagram;
mod explain;
mod explain_token;
mod ladder;
mod operate;
mod permissions;
mod replay;
mod run;
mod setup;
mod signals;
mod sim;
mod store;
mod story;
mod tables;
mod test;

use std::fmt::Display;
use std::io::{ErrorKind, IsTerminal, Write};
use std::process::ExitCode;

use callflow_core::certainty::Certainty;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Parser, Subcommand};

/// Bots in Microsoft Teams calls over Microsoft Graph: watch a call, read notifications, run a Graph of your own.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = false)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Watch a call being handled, from ring to hang-up (this is what happens without a command)
    Demo(demo::Args),
    /// Say what is understood of the JSON of notifications, one JSON object a line
    Decode(decode::Args),
    /// Say what the codes mean with which a call, an operation or a request ended
    Explain(explain::Args),
    /// Say why the token of a notification, given on standard input, is taken or refused
    ExplainToken(explain_token::Args),
    /// Say which permissions an app needs for what, and which it lacks
    Permissions(permissions::Args),
    /// Draw the rules: the lifecycle, the two kinds of calls, the permissions
    Diagram(diagram::Args),
    /// List the rules, with where each stands and how sure it is
    Tables(tables::Args),
    /// Look at the file of a bot's store, make it smaller, or delete calls from it
    Store(store::Args),
    /// Find out what is wrong with a bot before its first call: token, permissions, callback, clock, keys, store, prompts
    Check(check::Args),
    /// Write what an administrator needs: Teams app manifest, consent link, permissions, lines for Azure and PowerShell
    Setup(setup::Args),
    /// Run the built-in IVR that a file describes: menus, prompts, transfers, recordings
    Run(run::Args),
    /// Look at the calls of a bot that runs, or end one
    Calls(operate::Calls),
    /// Drain a bot that runs: it takes no new calls, and ends when those that are up have ended
    Drain(operate::Which),
    /// Ask a bot that runs whether it can take calls
    Health(operate::Which),
    /// Say what a bot's configuration comes to, and where each key was given; or print an example
    Config(configuration::Args),
    /// Hand the inputs of a trace in again, and print how each call stands after each
    Replay(replay::Args),
    /// Draw the calls of a trace as ladders
    Ladder(ladder::Args),
    /// Run scenarios against a bot in any language, also under faults, and say where it differs
    Test(test::Args),
    /// Serve a Graph calling service on loopback until Ctrl-C
    Sim(sim::Args),
}

/// The command line was wrong, or what it named cannot be read.
const BAD_INPUT: u8 = 2;

/// Runs a command.
pub(crate) fn run(args: &Args) -> ExitCode {
    let result = match &args.command {
        None => asynchronously(demo::run(&demo::Args::default())),
        Some(Command::Demo(args)) => asynchronously(demo::run(args)),
        Some(Command::Sim(args)) => asynchronously(sim::run(args)),
        Some(Command::Test(args)) => asynchronously(test::run(args)),
        Some(Command::Decode(args)) => decode::run(args),
        Some(Command::Explain(args)) => explain::run(args),
        Some(Command::ExplainToken(args)) => asynchronously(explain_token::run(args)),
        Some(Command::Permissions(args)) => permissions::run(args),
        Some(Command::Diagram(args)) => diagram::run(args),
        Some(Command::Tables(args)) => tables::run(args),
        Some(Command::Store(args)) => store::run(args),
        Some(Command::Check(args)) => asynchronously(check::run(args)),
        Some(Command::Setup(args)) => setup::run(args),
        Some(Command::Run(args)) => asynchronously(run::run(args)),
        Some(Command::Calls(args)) => asynchronously(operate::calls(args)),
        Some(Command::Drain(args)) => asynchronously(operate::drain(args)),
        Some(Command::Health(args)) => asynchronously(operate::health(args)),
        Some(Command::Config(args)) => configuration::run(args),
        Some(Command::Replay(args)) => replay::run(args),
        Some(Command::Ladder(args)) => ladder::run(args),
    };
    match result {
        Ok(code) => code,
        Err(Failure::NoReader) => ExitCode::SUCCESS,
        Err(Failure::Because(words)) => {
            complain(&words);
            ExitCode::FAILURE
        }
    }
}

/// Why a command stopped.
enum Failure {
    /// Who reads only the beginning, as `head` does, has what he wanted.
    NoReader,
    /// In words that say what to do.
    Because(String),
}

impl<E: std::error::Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        let any: &(dyn std::error::Error + 'static) = &error;
        match any.downcast_ref::<std::io::Error>() {
            Some(io) if io.kind() == ErrorKind::BrokenPipe => Self::NoReader,
            Some(_) | None => Self::Because(error.to_string()),
        }
    }
}

/// Says what is wrong.
fn complain(words: &str) {
    // Where standard error is gone there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "callflow: {words}");
}

/// Prints `text`.
fn print(text: &(impl Display + ?Sized)) -> Result<ExitCode, Failure> {
    let mut out = std::io::stdout().lock();
    write!(out, "{text}").and_then(|()| out.flush())?;
    Ok(ExitCode::SUCCESS)
}

/// Where a rule stands, and how sure it is; one that is assumed says both itself.
fn standing(certainty: Certainty, source: &str) -> String {
    match certainty {
        Certainty::Documented | Certainty::Captured => format!("{source} ({certainty})"),
        Certainty::Assumed => source.to_owned(),
    }
}

/// Reads one of core's words, in any case where the argument ignores it; for another, clap names those like it.
fn one_of<T: Copy + Send + Sync + 'static>(
    all: &'static [T],
    name: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(all.iter().map(|one| name(*one))).try_map(move |word| {
        all.iter().copied().find(|one| name(*one).eq_ignore_ascii_case(&word)).ok_or("no such word")
    })
}

fn asynchronously(command: impl Future<Output = Result<ExitCode, Failure>>) -> Result<ExitCode, Failure> {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("error"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(has_colours(&std::io::stderr()))
        .with_writer(std::io::stderr)
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(command);
    // A prompt that is converted for nobody any more is not waited for.
    runtime.shutdown_background();
    result
}

/// Whether `stream` shows colours: a terminal, and nobody who asked for none.
fn has_colours(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Listens on a port of this machine.
async fn listen(port: u16, what_for: &str) -> Result<tokio::net::TcpListener, Failure> {
    tokio::net::TcpListener::bind(("127.0.0.1", port)).await.map_err(|e| {
        Failure::Because(format!(
            "cannot listen on 127.0.0.1:{port} for {what_for}: {e}; give another port, or 0 for a free one"
        ))
    })
}
