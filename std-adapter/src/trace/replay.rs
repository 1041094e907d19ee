//! Feeds the inputs of a trace to sessions again.

use std::collections::HashMap;

use callflow_core::time::Timestamp;
use serde_json::Value;

use super::{Line, Output, Standing};
use crate::session::journal::{Input, Posted};
use crate::session::{OrderError, Session, SessionError, Step};
use crate::wire::notification::{Notice, read_batch};

/// The calls of a trace, as far as they were replayed.
#[derive(Debug, Default)]
pub struct Replay {
    calls: HashMap<String, Session>,
}

/// What came of an input when it was handed in again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// What came out.
    pub output: Output,
    /// How the call stands afterwards.
    pub state: Standing,
    /// Set where the call went on from what was kept of it, and stood otherwise before: entries are missing.
    pub missing: Option<Missing>,
}

/// How a call stood before it was restored from what was kept of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The first difference, in words.
    pub difference: String,
}

/// Why an input cannot be handed in again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The trace does not have how the call began.
    #[error("line {line}: the trace does not have the beginning of {call}; trace the bot from its start")]
    NotBegun {
        /// The line of the file.
        line: usize,
        /// The call.
        call: String,
    },
    /// A call cannot begin so.
    #[error("line {line}: {call} cannot begin by this: {reason}")]
    NoBeginning {
        /// The line of the file.
        line: usize,
        /// The call.
        call: String,
        /// Why.
        reason: String,
    },
    /// A notification cannot be read.
    #[error("line {line}: the notification cannot be read: {reason}")]
    Unreadable {
        /// The line of the file.
        line: usize,
        /// Why.
        reason: String,
    },
    /// What was kept of the call cannot be read.
    #[error("line {line}: {error}; replay it with the release that wrote the trace")]
    Snapshot {
        /// The line of the file.
        line: usize,
        /// Why.
        error: SessionError,
    },
}

impl Replay {
    /// A call as it stands, by its name in the trace.
    pub fn call(&self, name: &str) -> Option<&Session> {
        self.calls.get(name)
    }

    /// Hands the input of a line in again.
    ///
    /// # Errors
    /// [`ReplayError`]: nothing changed.
    pub fn step(&mut self, line: &Line) -> Result<Replayed, ReplayError> {
        let now = Timestamp::from_millis(line.at);
        let mut missing = None;
        let output = if let Some(began) = began(line, now)? {
            let (session, step) = began;
            let is_restored = matches!(line.input, Input::Restored { .. });
            let before = self.calls.get(&line.call).filter(|_| is_restored);
            missing = before.and_then(|before| {
                let before = Standing::of(before.call());
                let difference = difference("state", &json(&line.state), &json(&before));
                difference.map(|difference| Missing { difference })
            });
            self.calls.insert(line.call.clone(), session);
            Ok(step)
        } else {
            let not_begun = || ReplayError::NotBegun { line: line.number, call: line.call.clone() };
            let session = self.calls.get_mut(&line.call).ok_or_else(not_begun)?;
            hand_in(session, line, now)?
        };
        let output = Output::of(output.as_ref().map_err(|error| *error));
        let state = self.calls.get(&line.call).map(|session| Standing::of(session.call()));
        Ok(Replayed { output, state: state.unwrap_or_default(), missing })
    }
}

impl Replayed {
    /// The first difference from what the line says, in words; none where all is the same.
    pub fn difference(&self, line: &Line) -> Option<String> {
        // Which number an event has the bot's runtime counts, not the session.
        let recorded = Output { first_event: None, ..line.output.clone() };
        difference("output", &json(&recorded), &json(&self.output))
            .or_else(|| difference("state", &json(&line.state), &json(&self.state)))
    }
}

/// The session that the input begins, and what it gave; none where the input is for one that is there.
fn began(line: &Line, now: Timestamp) -> Result<Option<(Session, Step)>, ReplayError> {
    let no_beginning =
        |reason: String| ReplayError::NoBeginning { line: line.number, call: line.call.clone(), reason };
    match &line.input {
        Input::Placed { key, settings, placement } => Session::place(now, *key, placement, settings)
            .map(Some)
            .map_err(|refused| no_beginning(refused.to_string())),
        Input::Offered { key, settings, notice } => {
            let notice = read(line, notice)?;
            let began = Session::offered(now, *key, &notice, settings);
            began.map(Some).ok_or_else(|| no_beginning("it tells of no incoming call".to_owned()))
        }
        Input::Recovered { key, settings, id, is_incoming, status, body } => {
            let began = Session::recovered(now, *key, id, *is_incoming, (*status, &body.0), settings);
            began.map(Some).ok_or_else(|| no_beginning("the answer to GET of it cannot be used".to_owned()))
        }
        Input::Restored { snapshot, texts, .. } => Session::from_bytes(&snapshot.0, &texts.0)
            .map(|session| Some((session, Step::none())))
            .map_err(|error| ReplayError::Snapshot { line: line.number, error }),
        Input::Notified(_)
        | Input::Joining { .. }
        | Input::AnsweredJoining { .. }
        | Input::Answered { .. }
        | Input::NoAnswer { .. }
        | Input::NotSent { .. }
        | Input::Ordered(_)
        | Input::Granted(_)
        | Input::Tick => Ok(None),
    }
}

fn hand_in(
    session: &mut Session,
    line: &Line,
    now: Timestamp,
) -> Result<Result<Step, OrderError>, ReplayError> {
    Ok(Ok(match &line.input {
        Input::Notified(notice) => session.notice(now, &read(line, notice)?),
        Input::Joining { notice, key } => session.joining(now, &read(line, notice)?, key),
        Input::AnsweredJoining { key, answer } => session.answer_joining(now, key, answer),
        Input::Answered { ticket, status, location, body } => {
            session.response(now, *ticket, *status, location.as_deref(), &body.0).0
        }
        Input::NoAnswer { ticket } => session.no_response(now, *ticket),
        Input::NotSent { ticket } => session.not_sent(now, *ticket),
        Input::Ordered(order) => return Ok(session.order(now, order)),
        Input::Granted(grants) => session.grant(now, *grants),
        Input::Tick => session.tick(now),
        // They were handled as a beginning.
        Input::Placed { .. } | Input::Offered { .. } | Input::Recovered { .. } | Input::Restored { .. } => {
            Step::none()
        }
    }))
}

fn read(line: &Line, posted: &Posted) -> Result<Notice, ReplayError> {
    let unreadable = |reason: String| ReplayError::Unreadable { line: line.number, reason };
    posted.notice().map_err(unreadable)
}

impl Posted {
    /// The notice that was read from the entry.
    ///
    /// # Errors
    /// Why there is none, in words.
    pub fn notice(&self) -> Result<Notice, String> {
        let body = format!("{{\"value\": [{}]}}", self.entry);
        let batch = read_batch(body.as_bytes()).map_err(|fault| fault.to_string())?;
        match batch.notices.into_iter().nth(self.place) {
            Some(notice) => Ok(notice),
            None => Err(batch
                .faults
                .first()
                .map_or_else(|| format!("it has no notice {} from 0", self.place), ToString::to_string)),
        }
    }
}

fn json(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// The first difference between two values, in words.
fn difference(at: &str, recorded: &Value, replayed: &Value) -> Option<String> {
    match (recorded, replayed) {
        (Value::Object(recorded), Value::Object(replayed)) => {
            let mut names: Vec<_> = recorded.keys().chain(replayed.keys()).collect();
            names.sort();
            names.dedup();
            names.into_iter().find_map(|name| {
                let of = |members: &serde_json::Map<String, Value>| members.get(name).cloned();
                difference(
                    &format!("{at}.{name}"),
                    &of(recorded).unwrap_or_default(),
                    &of(replayed).unwrap_or_default(),
                )
            })
        }
        (Value::Array(recorded), Value::Array(replayed)) => {
            let count = recorded.len().max(replayed.len());
            (0..count).find_map(|place| {
                let of = |all: &[Value]| all.get(place).cloned().unwrap_or_default();
                difference(&format!("{at}[{place}]"), &of(recorded), &of(replayed))
            })
        }
        (recorded, replayed) if recorded == replayed => None,
        (recorded, replayed) => Some(format!("{at}: recorded {recorded}, replayed {replayed}")),
    }
}
