//! What is seen of the demo, as a ladder or as lines of JSON.

use std::io::Write;

use callflow_core::lifecycle::State;
use callflow_graph::bot::{Observed, What};
use callflow_graph::simulator;
use serde_json::{Value, json};

use super::super::has_colours;
use super::super::ladder::{Direction, Ladder, Lanes, Message, last, short};

/// Where what is seen goes: a ladder, or lines of JSON.
pub(super) enum Out {
    Ladder { ladder: Ladder<std::io::Stdout>, begun: u64 },
    Json { begun: u64 },
}

impl Out {
    pub(super) fn new(json: bool, person: &str, begun: u64) -> Self {
        if json {
            return Self::Json { begun };
        }
        let stdout = std::io::stdout();
        let has_colours = has_colours(&stdout);
        Self::Ladder { ladder: Ladder::new(stdout, has_colours, Lanes::WithPerson(person.to_owned())), begun }
    }

    pub(super) fn head(&mut self) -> std::io::Result<()> {
        match self {
            Self::Ladder { ladder, .. } => ladder.head(),
            Self::Json { .. } => Ok(()),
        }
    }

    pub(super) fn line(&mut self, name: &str, value: &str) -> std::io::Result<()> {
        match self {
            Self::Ladder { ladder, .. } => ladder.line(name, value),
            Self::Json { .. } => print(&json!({name: value})),
        }
    }

    pub(super) fn bot(&mut self, observed: &Observed) -> std::io::Result<()> {
        let (direction, words, is_bad) = match &observed.what {
            What::Notification { about, .. } => (Direction::GraphToBot, about.clone(), false),
            What::Request { line, .. } => (Direction::BotToGraph, short(line), false),
            What::Answer { line, result } => {
                let is_bad = !result.starts_with('2');
                (Direction::GraphToBot, format!("{}  (to {})", cut(result), last(line)), is_bad)
            }
            What::Event(event) => {
                if let Self::Json { begun } = self {
                    let line =
                        json!({"at_ms": observed.at.saturating_sub(*begun), "event": format!("{event:?}")});
                    return print(&line);
                }
                return Ok(());
            }
            _ => return Ok(()),
        };
        self.message(observed.at, direction, words, Some(observed.state), is_bad)
    }

    pub(super) fn graph(&mut self, observed: &simulator::Observed) -> std::io::Result<()> {
        let simulator::What::Person { did, .. } = &observed.what else { return Ok(()) };
        let heard = did.starts_with("hears") || did.starts_with("is rung");
        let direction = if heard { Direction::GraphToPerson } else { Direction::PersonToGraph };
        self.message(observed.at, direction, did.clone(), None, false)
    }

    fn message(
        &mut self,
        at: u64,
        direction: Direction,
        words: String,
        state: Option<State>,
        is_bad: bool,
    ) -> std::io::Result<()> {
        let state = state.map(|state| state.name().to_owned());
        match self {
            Self::Ladder { ladder, begun } => {
                ladder.draw(&Message { at: at.saturating_sub(*begun), direction, words, state, is_bad })
            }
            Self::Json { begun } => {
                let (from, to) = match direction {
                    Direction::PersonToGraph => ("person", "graph"),
                    Direction::GraphToPerson => ("graph", "person"),
                    Direction::GraphToBot => ("graph", "bot"),
                    Direction::BotToGraph => ("bot", "graph"),
                };
                let at = at.saturating_sub(*begun);
                print(&json!({"at_ms": at, "from": from, "to": to, "message": words, "state": state}))
            }
        }
    }

    pub(super) fn summary(&mut self, summary: &Value) -> std::io::Result<()> {
        let Self::Ladder { ladder, .. } = self else { return print(&json!({"summary": summary})) };
        let text = |pointer: &str| match summary.pointer(pointer) {
            None | Some(Value::Null) => "–".to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(Value::Bool(true)) => "yes".to_owned(),
            Some(Value::Bool(false)) => "no".to_owned(),
            Some(other) => other.to_string(),
        };
        ladder.rule()?;
        ladder.line("call", &text("/call"))?;
        ladder.line("kind", &format!("{}: {}", text("/kind"), text("/why")))?;
        let ended = format!("{}/{}: {}", text("/ended/code"), text("/ended/subcode"), text("/ended/text"));
        ladder.line("ended", &ended)?;
        ladder.line("established", &text("/ever_established"))?;
        if summary.pointer("/refused/text").is_some() {
            let refused =
                format!("{}/{}: {}", text("/refused/code"), text("/refused/subcode"), text("/refused/text"));
            ladder.line("refused", &refused)?;
        }
        ladder.line("requests", &text("/requests"))?;
        ladder.line("notifications", &text("/notifications"))?;
        if let Some(longest) = summary.get("longest_notification_to_request_ms").and_then(Value::as_u64) {
            ladder.line("slowest", &format!("{longest} ms from a notification to the request it caused"))?;
        }
        ladder.line("as scripted", &text("/as_scripted"))
    }
}

fn print(line: &Value) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// The beginning of an answer's words; all of them are in the summary.
fn cut(words: &str) -> String {
    const SHOWN: usize = 40;
    if words.chars().count() <= SHOWN {
        words.to_owned()
    } else {
        words.chars().take(SHOWN).chain(['…']).collect()
    }
}
