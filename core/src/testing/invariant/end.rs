//! I1: the end.

use super::{Broken, Step, holds, is_question};
use crate::call::Input;
use crate::event::Event;
use crate::lifecycle::end::How;

/// I1: an end that was told is final; no request but a `GET` leaves an ended call, and that only where the end was
/// inferred.
///
/// # Errors
/// [`Broken`]
pub fn i01_told_end_is_final<const R: usize, const O: usize>(
    step: &Step<'_, '_, R, O>,
) -> Result<(), Broken> {
    let (before, after) = (step.before.end(), step.after.end());
    if let Some(told) = before.filter(|end| end.how == How::Told) {
        let still = after.filter(|end| end.how == How::Told && step.after.state().is_ended());
        let still = still.ok_or(Broken { invariant: "I1", seen: "an end that was told was taken back" })?;
        holds("I1", step.requests().next().is_none(), "a request left a call whose end was told")?;
        let is_quiet = |event: &Event| matches!(event, Event::EndRevised { .. } | Event::NotUsed(_));
        holds("I1", step.events().iter().all(is_quiet), "something was told of a call whose end was told")?;
        let is_command = matches!(step.input, Input::Command(_));
        holds("I1", !is_command || step.result.is_err(), "a command was taken after an end that was told")?;
        holds("I1", told.result.is_none() || told.result == still.result, "the result of an end changed")?;
        holds("I1", told.reason.is_none() || told.reason == still.reason, "the reason of an end changed")?;
    }
    if let Some(end) = after {
        let mut requests = step.requests();
        holds(
            "I1",
            requests.all(|request| is_question(&request)),
            "a request other than GET left an ended call",
        )?;
        let is_inferred = end.how == How::Inferred;
        holds(
            "I1",
            is_inferred || step.requests().next().is_none(),
            "an end was asked about, though it is certain",
        )?;
    }
    Ok(())
}
