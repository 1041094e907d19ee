//! What was seen, as a ladder in plain text: people, Graph, bot.

use std::fmt;

use super::check::{Failure, in_words, short};
use super::pattern::below_communications;
use super::report::Report;
use crate::simulator::{Observed, What};

/// How wide the gaps are between people, Graph and bot.
const LEFT: usize = 28;
const RIGHT: usize = 62;

/// Draws what was seen, up to what is wrong.
pub(super) fn draw(report: &Report, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(
        f,
        "  {:>4} {:>9}  {:<LEFT$} Graph{:>width$}",
        "line",
        "seconds",
        "people",
        "bot",
        width = RIGHT - 2
    )?;
    let wrong = report.failure.as_ref().and_then(|failure| failure.entry);
    let nearly = report.failure.as_ref().and_then(|failure| failure.nearly);
    for seen in &report.entries {
        if wrong.is_some_and(|wrong| seen.number > wrong) {
            break;
        }
        let Some(rung) = rung(seen) else { continue };
        let mark = match report.met.get(&seen.number) {
            _ if wrong == Some(seen.number) => "✗".to_owned(),
            _ if nearly == Some(seen.number) => "≠".to_owned(),
            Some(line) => line.to_string(),
            None => String::new(),
        };
        let at = std::time::Duration::from_millis(seen.at.saturating_sub(report.begun)).as_secs_f64();
        writeln!(f, "  {mark:>4} {at:>9.3}  {rung}")?;
    }
    match &report.failure {
        Some(Failure { entry: None, expected, .. }) => {
            writeln!(f, "  {:>4} {:>9}  {expected}", "✗", "missing")
        }
        Some(_) | None => Ok(()),
    }
}

fn rung(seen: &Observed) -> Option<String> {
    Some(match &seen.what {
        What::Person { name, did } => arrow(&format!("{name} {did}"), LEFT, true) + "│",
        What::Notification { about, result, .. } => {
            format!("{:LEFT$}│{} {result}", "", arrow(about, RIGHT, true))
        }
        What::Request { method, path, status, .. } => {
            let words = format!("{method} {} → {status}", short(below_communications(path)));
            let why = if *status >= 400 { reason(seen) } else { String::new() };
            format!("{:LEFT$}│{}{why}", "", arrow(&words, RIGHT, false))
        }
        What::Fault { fault, about } => format!("{:LEFT$}│   fault {}: {about}", "", fault.name()),
        What::Prompt { .. } => return None,
    })
}

fn reason(seen: &Observed) -> String {
    in_words(seen).split_once(": ").map(|(_, reason)| format!(" {reason}")).unwrap_or_default()
}

/// An arrow as wide as `width`; words that do not fit make it wider.
fn arrow(words: &str, width: usize, to_the_right: bool) -> String {
    let dashes = width.saturating_sub(words.chars().count().saturating_add(5)).max(1);
    let dashes = "─".repeat(dashes);
    if to_the_right { format!("── {words} {dashes}▶") } else { format!("◀─ {words} {dashes}─") }
}
