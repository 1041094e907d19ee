//! `callflow replay`: the inputs of a trace, handed in again.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use callflow_graph::session::journal::Input;
use callflow_graph::trace::{Line, Record, Replay, Replayed, Standing};

use super::story::{Story, aside, fault, open};
use super::{BAD_INPUT, Failure, complain};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// A file that was written with --trace
    file: PathBuf,
    /// Replay this call only, by its name in the trace
    #[arg(long, value_name = "NAME")]
    call: Option<String>,
    /// Stop after this line of the file, or after so many seconds from the first entry (12.5s), and print the whole state
    #[arg(long, value_name = "N", value_parser = until)]
    until: Option<Until>,
    /// Exit with 1 at the first difference from what was recorded
    #[arg(long)]
    assert: bool,
}

/// Where a replay stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Until {
    /// After this line of the file.
    Line(usize),
    /// After so many milliseconds.
    After(u64),
}

fn until(text: &str) -> Result<Until, String> {
    let read = match text.strip_suffix('s') {
        None => text.parse().ok().map(Until::Line),
        Some(seconds) => {
            let seconds = seconds.parse().ok().and_then(|s| std::time::Duration::try_from_secs_f64(s).ok());
            seconds.and_then(|seconds| u64::try_from(seconds.as_millis()).ok()).map(Until::After)
        }
    };
    read.ok_or_else(|| "give the number of a line, or seconds, as 12.5s".to_owned())
}

impl Until {
    /// Whether the entry is behind the place.
    fn is_passed_by(self, line: &Line, begun: u64) -> bool {
        match self {
            Self::Line(number) => line.number > number,
            Self::After(millis) => line.at.saturating_sub(begun) > millis,
        }
    }
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let mut reader = open(&args.file)?;
    let mut out = std::io::stdout().lock();
    let (mut replay, mut story) = (Replay::default(), Story::default());
    let (mut begun, mut last) = (None, None::<String>);
    let mut entries = 0u64;
    for record in &mut reader {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                out.flush()?;
                return Err(fault(&args.file, &error));
            }
        };
        if let Some(words) = aside(&record) {
            writeln!(out, "         {words}")?;
        }
        let Record::Entry(line) = record else { continue };
        let begun = *begun.get_or_insert(line.at);
        if args.until.is_some_and(|until| until.is_passed_by(&line, begun)) {
            break;
        }
        if args.call.as_ref().is_some_and(|call| *call != line.call) {
            continue;
        }
        let replayed = match replay.step(&line) {
            Ok(replayed) => replayed,
            Err(error) => {
                out.flush()?;
                return Err(Failure::Because(format!("{}: {error}", args.file.display())));
            }
        };
        tell(&mut out, &line, &replayed, &story.input(&line), begun)?;
        entries = entries.saturating_add(1);
        if let Some(difference) = replayed.difference(&line) {
            writeln!(out, "         differs: {difference}")?;
            if args.assert {
                out.flush()?;
                complain(&format!("{}, line {}: {difference}", args.file.display(), line.number));
                return Ok(ExitCode::FAILURE);
            }
        }
        last = Some(line.call);
    }
    if let (None, Some(call)) = (&last, &args.call) {
        complain(&format!("{}: there is no call {call} in it", args.file.display()));
        return Ok(ExitCode::from(BAD_INPUT));
    }
    if args.assert && entries == 0 {
        complain(&format!("{}: no entry of it was replayed, so nothing was compared", args.file.display()));
        return Ok(ExitCode::from(BAD_INPUT));
    }
    if let Some(session) = last.filter(|_| args.until.is_some()).and_then(|call| replay.call(&call)) {
        writeln!(out, "\n{:#?}", session.call())?;
    }
    if args.assert {
        writeln!(out, "{entries} entries: as recorded")?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn tell(
    out: &mut impl Write,
    line: &Line,
    replayed: &Replayed,
    words: &str,
    begun: u64,
) -> std::io::Result<()> {
    #[allow(clippy::cast_precision_loss)] // a call is not that long
    let seconds = line.at.saturating_sub(begun) as f64 / 1000.0;
    let (call, input) = (&line.call, line.input.name());
    writeln!(out, "{:>6} {seconds:>9.3}  {call}  {input}: {words}", line.number)?;
    let output = &replayed.output;
    if let Some(refused) = &output.refused {
        writeln!(out, "         refused: {refused}")?;
    }
    for request in &output.requests {
        writeln!(out, "         → {} {} (ticket {})", request.method, request.path, request.ticket)?;
    }
    let events = output.events.iter().zip(line.output.first_event.unwrap_or(1)..);
    for (event, number) in events {
        writeln!(out, "         event {number}: {event}")?;
    }
    if let (Some(missing), Input::Restored { .. }) = (&replayed.missing, &line.input) {
        writeln!(out, "         entries are missing before this: {}", missing.difference)?;
    }
    writeln!(out, "         {}", in_words(&replayed.state, line.at))
}

/// How a call stands, in a line.
fn in_words(state: &Standing, now: u64) -> String {
    let mut words = vec![
        state.state.clone(),
        format!("{}: {}", state.kind, state.reason),
        format!("media {}, audio {}", state.media_host, state.audio.as_deref().unwrap_or("–")),
        format!("roster {}", state.roster.len()),
    ];
    if !state.operations.is_empty() {
        words.push(format!("operations {}", state.operations.join(", ")));
    }
    words.extend(state.end.as_ref().map(|end| format!("ended: {end}")));
    if let (Some(at), Some(kind)) = (state.deadline_at, &state.deadline) {
        #[allow(clippy::cast_precision_loss)] // at most days
        let seconds = at.saturating_sub(now) as f64 / 1000.0;
        words.push(format!("{kind} in {seconds:.3} s"));
    }
    words.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_to_stop_at_and_what_is_none() {
        for (text, expected) in [
            ("17", Some(Until::Line(17))),
            ("12.5s", Some(Until::After(12_500))),
            ("0s", Some(Until::After(0))),
            ("-1s", None),
            ("s", None),
            ("later", None),
            ("1e99s", None),
        ] {
            assert_eq!(until(text).ok(), expected, "{text}");
        }
    }
}
