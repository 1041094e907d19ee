//! I3: answer, reject, redirect.

use super::{Broken, Step, holds};
use crate::call::{Call, Input, Why};
use crate::command::Command;
use crate::deadline;
use crate::id::Ticket;
use crate::lifecycle::State;
use crate::report::Report;
use crate::request::Request;
use crate::time::Timestamp;

/// What was tried to settle an incoming call.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Settlements {
    /// Until when it may be settled.
    limit: Option<Timestamp>,
    /// What was taken, or may have been.
    tried: Option<Ticket>,
    /// Whether its answer was lost: then no later one counts.
    is_lost: bool,
    /// Whether the limit was passed at any time.
    has_passed: bool,
}

impl Settlements {
    /// Remembers the limit of a call that was just made.
    pub fn new<const R: usize, const O: usize>(call: &Call<R, O>) -> Self {
        let limit = call.deadlines.of(deadline::Kind::Answer);
        Self { limit, tried: None, is_lost: false, has_passed: false }
    }

    /// I3: of answer, reject and redirect at most one was taken or may have been taken; after a definite 4xx another may be
    /// tried until the deadline, and none after it.
    ///
    /// # Errors
    /// [`Broken`]
    pub fn i03_settled_once<const R: usize, const O: usize>(
        &mut self,
        step: &Step<'_, '_, R, O>,
    ) -> Result<(), Broken> {
        let is_before_limit = self.limit.is_some_and(|limit| step.now < limit);
        self.has_passed |= !is_before_limit;
        self.learn(step);
        if let (Input::Command(command), Err(refused)) = (step.input, step.result) {
            let is_open = self.tried.is_none() && step.before.state() == State::Incoming;
            let may = is_settlement(command) && is_open && !self.has_passed;
            let is_shut_out = matches!(refused.why, Why::Settlement(_) | Why::Lifecycle(_));
            return holds(
                "I3",
                !(may && is_shut_out),
                "a call could not be settled though nothing was taken",
            );
        }
        for request in step.requests() {
            if let Request::Perform { ticket, command, .. } = request
                && is_settlement(&command)
            {
                holds("I3", self.tried.is_none(), "a second way to settle the call was tried")?;
                holds("I3", is_before_limit, "the call was settled after the limit")?;
                self.tried = Some(ticket);
            }
        }
        Ok(())
    }

    /// Takes in what became of what was tried.
    fn learn<const R: usize, const O: usize>(&mut self, step: &Step<'_, '_, R, O>) {
        let (ticket, is_undone) = match step.input {
            Input::Report(Report::Response(response)) => {
                // 408 is a gateway's: the service may have taken the request.
                let is_definite = (400..500).contains(&response.status) && response.status != 408;
                (response.ticket, is_definite)
            }
            Input::Report(Report::NotSent { ticket }) => (*ticket, true),
            Input::Report(Report::NoResponse { ticket }) => (*ticket, false),
            Input::Report(_) | Input::Command(_) | Input::Tick => return,
        };
        if self.tried == Some(ticket) && !self.is_lost {
            if is_undone && step.before.state() == State::Incoming {
                self.tried = None;
            } else {
                self.is_lost = true;
            }
        }
    }
}

fn is_settlement(command: &Command<'_>) -> bool {
    matches!(command, Command::Answer(_) | Command::Reject(_) | Command::Redirect(_))
}
