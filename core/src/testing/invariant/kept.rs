//! I12 and I14: time.

use super::{Broken, Step, holds};
use crate::call::{Call, Input};
use crate::command::Command;
use crate::deadline;
use crate::event::Event;
use crate::lifecycle::pending::Creation;
use crate::request::Request;
use crate::time::{Span, Timestamp};

/// The service clears a call up that it had no keepAlive for in this time.
///
/// Source: Graph docs, call: keepAlive.
const CLEARED_UP_AFTER: Span = Span::from_minutes(45);

/// When the call was kept alive.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Kept {
    at: Timestamp,
}

impl Kept {
    /// Of a call that was just made.
    pub const fn new(now: Timestamp) -> Self {
        Self { at: now }
    }

    /// I12: every live call is kept alive: none passes 45 minutes without a keepAlive request having been asked for. So
    /// there is always a moment within them at which the call asks for one.
    ///
    /// # Errors
    /// [`Broken`]
    pub fn i12_live_calls_are_kept_alive<const R: usize, const O: usize>(
        &mut self,
        step: &Step<'_, '_, R, O>,
    ) -> Result<(), Broken> {
        let asked = |request| matches!(request, Request::Perform { command: Command::KeepAlive, .. });
        let begins = |event: &Event| matches!(event, Event::Created | Event::Revived);
        if step.requests().any(asked) || step.events().iter().any(begins) {
            self.at = step.now;
        }
        let is_live = !step.after.state().is_ended() && step.after.creation() == Creation::Done;
        let limit = self.at.plus(CLEARED_UP_AFTER);
        let due = step.after.deadlines.of(deadline::Kind::KeepAlive);
        holds(
            "I12",
            !is_live || due.is_some_and(|due| due <= limit),
            "a live call is not going to be kept alive",
        )
    }
}

/// I14: a tick before the deadline changes nothing; a tick at it moves or clears it.
///
/// # Errors
/// [`Broken`]
pub fn i14_ticks_do_not_spin<const R: usize, const O: usize>(
    step: &Step<'_, '_, R, O>,
) -> Result<(), Broken> {
    if step.input != Input::Tick {
        return Ok(());
    }
    let Some(due) = step.before.next_deadline().filter(|due| due.at <= step.now) else {
        let is_silent = step.requests().next().is_none() && step.events().is_empty();
        return holds(
            "I14",
            step.before == step.after && is_silent,
            "a tick before the deadline did something",
        );
    };
    holds("I14", step.after.next_deadline() != Some(due), "a tick left its deadline where it was")?;
    let again = step.after.deadlines.of(due.kind);
    let is_later = again.is_none_or(|again| again > step.now || step.now == Timestamp::from_millis(u64::MAX));
    holds("I14", is_later, "a deadline that passed is due again at once")
}

/// How many ticks one moment can need: each kind of deadline once, and those that they set once more.
const MOST_TICKS: usize = deadline::Kind::COUNT.saturating_mul(3);

/// I14: ticks at one moment come to an end.
pub(crate) fn i14_ticks_end<const R: usize, const O: usize>(
    call: &mut Call<R, O>,
    now: Timestamp,
    mut tick: impl FnMut(&mut Call<R, O>, Timestamp) -> Result<(), Broken>,
) -> Result<(), Broken> {
    let (mut at, mut ticks) = (Timestamp::from_millis(0), 0usize);
    while let Some(due) = call.next_deadline().filter(|due| due.at <= now) {
        ticks = if due.at > at { 0 } else { ticks.saturating_add(1) };
        at = at.max(due.at);
        holds("I14", ticks < MOST_TICKS, "ticks at one moment never end")?;
        tick(call, at)?;
    }
    Ok(())
}
