//! An operation that a piece waits for.

use callflow_core::action::Action;
use callflow_core::event::Event;
use callflow_core::id::Ticket;
use callflow_core::operation::{Completion, Outcome, Phase};
use callflow_core::result::ResultInfo;
use serde::{Deserialize, Serialize};

use super::{Failure, Progress};
use crate::bot::Call;

/// An operation, by its ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Operation {
    ticket: Ticket,
    action: Action,
}

/// What became of it.
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    pub(super) completion: Option<Completion>,
    result: Option<ResultInfo>,
}

impl Operation {
    pub(super) const fn new(ticket: Ticket, action: Action) -> Self {
        Self { ticket, action }
    }

    pub(super) const fn ticket(self) -> Ticket {
        self.ticket
    }

    pub(super) const fn action(self) -> Action {
        self.action
    }

    /// What an event says of its end.
    pub(super) fn ended(self, call: &Call<'_>, event: &Event) -> Option<Ended> {
        let alone = |outcome| Some(Ended { outcome, completion: None, result: None });
        match *event {
            Event::OperationEnded { ticket, outcome, completion, result, .. } if ticket == self.ticket => {
                Some(Ended { outcome, completion, result })
            }
            // What was commanded since may have swept its place, and only what ended is swept.
            Event::OperationsEnded { .. } => match call.machine().operations().of(self.ticket) {
                None if call.end().is_some() => alone(Outcome::CallEnded),
                None => alone(Outcome::Cancelled),
                Some(operation) => match operation.phase() {
                    Phase::Ended(outcome) => alone(outcome),
                    Phase::Held | Phase::Asked | Phase::Running | Phase::Unknown => None,
                },
            },
            Event::CommandFailed { ticket, status, code, .. } if ticket == self.ticket => {
                let result = ResultInfo { code: u32::from(status), subcode: code };
                let outcome = if status == 0 { Outcome::NotSent } else { Outcome::Refused };
                Some(Ended { outcome, completion: None, result: Some(result) })
            }
            Event::OutcomeUnknown { ticket, .. } if ticket == self.ticket => alone(Outcome::Unknown),
            Event::Ended(_) => alone(Outcome::CallEnded),
            _ => None,
        }
    }

    /// The failure that an end is; none where it is none.
    pub(super) fn failure(self, call: &Call<'_>, ended: &Ended) -> Option<Failure> {
        let action = self.action;
        Some(match ended.outcome {
            Outcome::Completed => return None,
            Outcome::Failed => Failure::Failed { action, result: ended.result },
            Outcome::Cancelled => Failure::Cancelled { action },
            Outcome::Refused => match ended.result {
                Some(result) => Failure::refused(call, action, result),
                None => Failure::Failed { action, result: None },
            },
            Outcome::NotSent => Failure::NotSent { action },
            Outcome::Unknown => Failure::Unknown { action },
            Outcome::CallEnded => call.end().map_or(Failure::Gone, Failure::Ended),
        })
    }

    /// Its end, once: done well, or a failure.
    pub(super) fn outcome(self, call: &Call<'_>, event: &Event) -> Result<Option<Ended>, Failure> {
        let Some(ended) = self.ended(call, event) else { return Ok(None) };
        match self.failure(call, &ended) {
            None => Ok(Some(ended)),
            Some(failure) => Err(failure),
        }
    }
}

/// Whether the operation that a piece is about has come to its end.
pub(super) fn done(operation: Option<Operation>, call: &Call<'_>, event: &Event) -> Progress<()> {
    let ended = operation.map_or(Ok(None), |operation| operation.outcome(call, event));
    ended.map(|ended| ended.map(drop)).into()
}

/// Refuses to begin anything on a call that is over.
pub(super) fn check_live(call: &Call<'_>) -> Result<(), Failure> {
    call.end().map_or(Ok(()), |end| Err(Failure::Ended(end)))
}
