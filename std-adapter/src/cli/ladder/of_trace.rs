//! `callflow ladder`: the calls of a trace, each as a ladder.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use callflow_graph::session::journal::Input;
use callflow_graph::trace::{Line, Record};
use clap::ValueEnum;

use super::super::story::{Story, aside, fault, open};
use super::super::{BAD_INPUT, Failure, complain, has_colours};
use super::mermaid::Mermaid;
use super::{Direction, Ladder, Lanes, Message, short};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// A file that was written with --trace
    file: PathBuf,
    /// Draw this call only, by its name in the trace
    #[arg(long, value_name = "NAME")]
    call: Option<String>,
    /// As text, or as a sequence diagram for Mermaid
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// How many columns the text may take [default: as the terminal has, or 120]
    #[arg(long, value_name = "COLUMNS")]
    width: Option<u16>,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Format {
    #[default]
    Text,
    Mermaid,
}

/// How wide a ladder is where there is no terminal.
const WIDTH: u16 = 120;

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let mut calls = BTreeMap::<String, (usize, Vec<Message>)>::new();
    let (mut story, mut begun) = (Story::default(), None);
    for record in open(&args.file)? {
        let record = record.map_err(|error| fault(&args.file, &error))?;
        if let Some(words) = aside(&record) {
            complain(&format!("{}: {words}", args.file.display()));
        }
        let Record::Entry(line) = record else { continue };
        let at = line.at.saturating_sub(*begun.get_or_insert(line.at));
        let messages = messages(&line, &mut story, at);
        if args.call.as_ref().is_none_or(|call| *call == line.call) {
            let known = calls.entry(line.call.clone()).or_insert((line.number, Vec::new()));
            known.1.extend(messages);
        }
    }
    if let (true, Some(call)) = (calls.is_empty(), &args.call) {
        complain(&format!("{}: there is no call {call} in it", args.file.display()));
        return Ok(ExitCode::from(BAD_INPUT));
    }
    // In the order in which they began.
    let mut calls: Vec<_> = calls.into_iter().collect();
    calls.sort_by_key(|(_, (line, _))| *line);
    let mut out = std::io::stdout().lock();
    for (place, (call, (_, messages))) in calls.iter().enumerate() {
        if place > 0 {
            writeln!(out)?;
        }
        match args.format {
            Format::Text => text(&mut out, args.width, call, messages)?,
            Format::Mermaid => write!(out, "{}", Mermaid { call, messages })?,
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn text(
    out: &mut std::io::StdoutLock<'_>,
    width: Option<u16>,
    call: &str,
    messages: &[Message],
) -> std::io::Result<()> {
    let of_terminal = || terminal_size::terminal_size().map(|(width, _)| width.0);
    let width = width.or_else(|| of_terminal().filter(|_| out.is_terminal())).unwrap_or(WIDTH);
    let has_colours = has_colours(out);
    writeln!(out, "{call}")?;
    let mut ladder = Ladder::new(out, has_colours, Lanes::GraphAndBot { width: width.into() });
    ladder.head()?;
    messages.iter().try_for_each(|message| ladder.draw(message))
}

/// What passed with an entry, in order.
fn messages(line: &Line, story: &mut Story, at: u64) -> Vec<Message> {
    let words = story.input(line);
    let is_refused = line.output.refused.is_some();
    let came = match &line.input {
        Input::Offered { .. } | Input::Notified(_) | Input::Joining { .. } => Some(false),
        Input::Answered { status, .. } | Input::Recovered { status, .. } => Some(*status >= 400),
        Input::NoAnswer { .. } | Input::NotSent { .. } => Some(true),
        Input::Placed { .. }
        | Input::Restored { .. }
        | Input::AnsweredJoining { .. }
        | Input::Ordered(_)
        | Input::Granted(_)
        | Input::Tick => None,
    };
    let state = Some(line.state.state.clone());
    let of = |direction, words, is_bad| Message { at, direction, words, state: state.clone(), is_bad };
    let mut all: Vec<_> = came.map(|is_bad| of(Direction::GraphToBot, words, is_bad)).into_iter().collect();
    if let (true, Input::Ordered(_), Some(refused)) = (is_refused, &line.input, &line.output.refused) {
        all.push(of(Direction::BotToGraph, format!("(not sent: {refused})"), true));
    }
    for request in &line.output.requests {
        let asked = short(&format!("{} {}", request.method, request.path));
        all.push(of(Direction::BotToGraph, asked, false));
    }
    if line.output.answers_joining {
        all.push(of(Direction::BotToGraph, "200  (to joining)".to_owned(), false));
    }
    all
}
