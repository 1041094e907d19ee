//! An entry of a trace: an input of a call, what came out, and how the call stands afterwards.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::stand_in::StandIns;
use super::standing::Standing;
use crate::session::journal::{Entry, Input};
use crate::session::{OrderError, Outgoing, Step};

/// An entry of a trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Which line of the file it was read from.
    #[serde(skip)]
    pub number: usize,
    /// When it was handed in, in milliseconds since the Unix epoch.
    pub at: u64,
    /// The name of the call; a stand-in where the bot placed it.
    pub call: String,
    /// What was handed in.
    pub input: Input,
    /// What came out.
    #[serde(default)]
    pub output: Output,
    /// How the call stands afterwards.
    #[serde(default)]
    pub state: Standing,
}

/// What came out of an input.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Output {
    /// Why an order was not carried out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// What the input did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
    /// The ticket of the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<u32>,
    /// The requests to make, in this order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<Requested>,
    /// Whether a joining participant was answered.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub answers_joining: bool,
    /// The number of the first event, as the bot was told it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_event: Option<u64>,
    /// The events, in this order, as core writes them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Value>,
}

/// A request to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requested {
    /// Its ticket.
    pub ticket: u32,
    /// What it does.
    pub action: String,
    /// Its method.
    pub method: String,
    /// The version of Graph's API.
    pub version: String,
    /// Its path below that.
    pub path: String,
    /// Whether it must not be repeated unless the service said that it took nothing.
    pub once_only: bool,
}

impl Line {
    /// The line of an entry, with stand-ins for what may be secret. `None` where it cannot be written as JSON, which no
    /// input of a session is.
    pub(super) fn write(call: &str, entry: &Entry, stand_ins: &mut StandIns) -> Option<Value> {
        let mut output = Output::of(entry.output.as_ref().map_err(|error| *error));
        output.events = output.events.into_iter().map(|event| stand_ins.event(event)).collect();
        output.first_event = (!output.events.is_empty()).then_some(entry.first_event);
        for request in &mut output.requests {
            request.path = stand_ins.path(&request.path);
        }
        Some(serde_json::json!({
            "at": entry.at.as_millis(),
            "call": call,
            "input": stand_ins.input(serde_json::to_value(&entry.input).ok()?),
            "output": output,
            "state": Standing::of(&entry.call),
        }))
    }
}

impl Output {
    /// What came out of an input, as it stands in a trace.
    pub fn of(output: Result<&Step, OrderError>) -> Self {
        match output {
            Err(refused) => Self { refused: Some(refused.to_string()), ..Self::default() },
            Ok(step) => Self {
                refused: None,
                verdict: Some(step.verdict.name().to_owned()),
                ticket: step.ticket.map(callflow_core::id::Ticket::number),
                requests: step.requests.iter().map(Requested::of).collect(),
                answers_joining: step.joining_answer.is_some(),
                first_event: None,
                events: step.events.iter().filter_map(|event| serde_json::to_value(event).ok()).collect(),
            },
        }
    }
}

impl Requested {
    fn of(request: &Outgoing) -> Self {
        Self {
            ticket: request.ticket.number(),
            action: request.action.name().to_owned(),
            method: request.http.method.to_string(),
            version: request.http.version.name().to_owned(),
            path: request.http.path.clone(),
            once_only: request.once_only,
        }
    }
}
