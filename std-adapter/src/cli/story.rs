//! The entries of a trace in words, and reading one from a file.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use callflow_graph::session::journal::{Input, Posted};
use callflow_graph::trace::{Line, Reader, Record, TraceError};

use super::Failure;
use super::ladder::last;

/// Opens a trace.
pub(super) fn open(path: &Path) -> Result<Reader<BufReader<File>>, Failure> {
    let file = File::open(path).map_err(|error| {
        let path = path.display();
        Failure::Because(format!("{path} cannot be read: {error}; give a file that was written with --trace"))
    })?;
    Ok(Reader::new(BufReader::new(file)))
}

/// Says in which file what is wrong.
pub(super) fn fault(path: &Path, error: &TraceError) -> Failure {
    Failure::Because(format!("{}: {error}", path.display()))
}

/// What is to be said of a line that is no entry.
pub(super) fn aside(record: &Record) -> Option<String> {
    match record {
        Record::Lost(lost) => Some(format!("{lost} entries could not be written here")),
        Record::Truncated { line } => Some(format!(
            "line {line} was cut off: whoever wrote it was killed, or the disk was full; what is before it is good"
        )),
        Record::Opened { .. } | Record::Entry(_) => None,
    }
}

/// What is remembered of earlier entries, so that later ones can be told.
#[derive(Default)]
pub(super) struct Story {
    /// The method and path of each request, by call and ticket.
    asked: HashMap<(String, u32), String>,
}

impl Story {
    /// What was handed in, in words.
    pub(super) fn input(&mut self, line: &Line) -> String {
        let words = match &line.input {
            Input::Placed { .. } => "the bot places the call".to_owned(),
            Input::Offered { notice, .. } | Input::Notified(notice) | Input::Joining { notice, .. } => {
                of_notice(notice)
            }
            Input::Recovered { status, .. } => format!("{status}  (to GET)"),
            Input::Restored { lost: 0, .. } => "goes on from what was kept of it".to_owned(),
            Input::Restored { lost, .. } => {
                format!("{lost} entries are lost; goes on from how it stood then")
            }
            Input::AnsweredJoining { .. } => "a joining participant is answered".to_owned(),
            Input::Answered { ticket, status, .. } => {
                format!("{status}  (to {})", self.asked(line, ticket.number()))
            }
            Input::NoAnswer { ticket } => format!("no answer  (to {})", self.asked(line, ticket.number())),
            Input::NotSent { ticket } => format!("not sent  ({})", self.asked(line, ticket.number())),
            Input::Ordered(order) => format!("the bot orders {}", name_of(order)),
            Input::Granted(_) => "permissions are told".to_owned(),
            Input::Tick => "the time has come".to_owned(),
        };
        for request in &line.output.requests {
            let asked = format!("{} {}", request.method, request.path);
            self.asked.insert((line.call.clone(), request.ticket), asked);
        }
        words
    }

    fn asked(&self, line: &Line, ticket: u32) -> String {
        match self.asked.get(&(line.call.clone(), ticket)) {
            Some(asked) => last(asked),
            None => format!("ticket {ticket}"),
        }
    }
}

fn of_notice(posted: &Posted) -> String {
    match posted.notice() {
        Ok(notice) => notice.in_words_with_key(),
        Err(reason) => format!("a notification that cannot be read: {reason}"),
    }
}

/// The name of an order's variant.
fn name_of(order: &impl serde::Serialize) -> String {
    match serde_json::to_value(order) {
        Ok(serde_json::Value::String(name)) => name,
        Ok(serde_json::Value::Object(members)) => members.keys().next().cloned().unwrap_or_default(),
        Ok(_) | Err(_) => String::new(),
    }
}
