//! I13: whether the call was ever established.

use super::{Broken, Step, holds};
use crate::action::Action;
use crate::call::Call;
use crate::event::Event;
use crate::operation::Outcome;

/// Whether the bot was told that the call was established.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Established {
    is_told: bool,
}

impl Established {
    /// Of a call that is watched from now on.
    pub const fn new<const R: usize, const O: usize>(call: &Call<R, O>) -> Self {
        Self { is_told: call.was_ever_established() }
    }

    /// I13: an ended call says whether it was ever established; no event of an established call (media, tone, operation)
    /// comes from one that never was. An operation that failed is none of an established call, nor is a cancellation of
    /// what only waited.
    ///
    /// # Errors
    /// [`Broken`]
    pub fn i13_established_or_not<const R: usize, const O: usize>(
        &mut self,
        step: &Step<'_, '_, R, O>,
    ) -> Result<(), Broken> {
        for event in step.events() {
            match event {
                Event::Established => {
                    holds("I13", !self.is_told, "a call was established for the first time twice")?;
                    self.is_told = true;
                }
                Event::MediaChanged { .. } | Event::Tone { .. } => {
                    holds("I13", self.is_told, "media of a call that was never established")?;
                }
                Event::OperationEnded { action, outcome: Outcome::Completed, .. } => {
                    let is_local = *action == Action::CancelMediaProcessing;
                    holds(
                        "I13",
                        self.is_told || is_local,
                        "an operation of a call that was never established",
                    )?;
                }
                Event::EndRevised(end) => self.is_told |= end.ever_established,
                Event::Ended(end) => {
                    holds(
                        "I13",
                        end.ever_established == self.is_told,
                        "the end is wrong about being established",
                    )?;
                }
                _ => {}
            }
        }
        let is_known = step.after.was_ever_established() || !step.after.state().is_connected();
        holds("I13", is_known, "a connected call does not know that it was established")?;
        let is_told = step.after.was_ever_established() == self.is_told;
        holds("I13", is_told, "the bot was not told that the call was established")
    }
}
