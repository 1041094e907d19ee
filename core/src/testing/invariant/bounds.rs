//! I10: refusals, outputs and questions are bounded.

use std::collections::BTreeMap;

use super::{Broken, Step, holds};
use crate::call::{Input, MAX_EVENTS, MAX_REQUESTS};
use crate::command::Command;
use crate::deadline::Timer;
use crate::request::Request;
use crate::time::{Span, Timestamp};

/// I10: `handle` that returns `Err` changed nothing, and only a command is refused; the number of outputs is bounded.
///
/// # Errors
/// [`Broken`]
pub fn i10_outputs_are_bounded<const R: usize, const O: usize>(
    step: &Step<'_, '_, R, O>,
) -> Result<(), Broken> {
    let Ok(output) = step.result else {
        holds("I10", matches!(step.input, Input::Command(_)), "something else than a command was refused")?;
        return holds("I10", step.before == step.after, "a refused command changed the call");
    };
    holds("I10", !output.has_overflowed(), "an output found no room")?;
    let count = output.requests().count();
    holds("I10", count <= MAX_REQUESTS && output.events().len() <= MAX_EVENTS, "an output is too large")
}

/// When the service was asked what is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Questions {
    call: Option<Timestamp>,
    participants: Option<Timestamp>,
    operations: BTreeMap<[u8; 16], Timestamp>,
}

impl Questions {
    /// I10: `GET`s of each kind that are asked on doubt keep their distance.
    ///
    /// # Errors
    /// [`Broken`]
    pub fn i10_questions_keep_their_distance<const R: usize, const O: usize>(
        &mut self,
        step: &Step<'_, '_, R, O>,
    ) -> Result<(), Broken> {
        let now = step.now;
        let timers = &step.before.facts.timers;
        let gap = timers.of(Timer::Question);
        // A clock that jumped back makes no question early.
        let is_early = |asked: Option<Timestamp>, gap: Span| {
            asked.is_some_and(|asked| now >= asked && now < asked.plus(gap))
        };
        if matches!(step.input, Input::Command(_)) {
            return Ok(());
        }
        for request in step.requests() {
            match request {
                Request::Perform { command: Command::Refresh, .. } => {
                    holds("I10", !is_early(self.call, gap), "the call was asked for too often")?;
                    self.call = Some(now);
                }
                Request::ListParticipants { .. } => {
                    holds(
                        "I10",
                        !is_early(self.participants, gap),
                        "the participants were asked for too often",
                    )?;
                    self.participants = Some(now);
                }
                Request::GetOperation { operation, .. } => {
                    // The moment is kept in seconds.
                    let gap = Span::from_millis(timers.of(Timer::Operation).as_millis().saturating_sub(1000));
                    let asked = self.operations.insert(operation.to_bytes(), now);
                    holds("I10", !is_early(asked, gap), "an operation was asked for too often")?;
                }
                Request::Create { .. } | Request::Perform { .. } | Request::Release { .. } => {}
            }
        }
        Ok(())
    }
}
