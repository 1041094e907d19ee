//! The observer: all invariants, on every step of a call.

use super::invariant::{
    Allowed, Broken, Confirmed, Established, Kept, Order, Questions, Settlements, Started, Step,
};
use super::{Opening, invariant};
use crate::call::{Call, Input, Output, Refused};
use crate::time::Timestamp;

/// Watches a call, and says which invariant broke. It is a value that compares and hashes: a model checker keeps it beside
/// the call.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Observer {
    settlements: Settlements,
    allowed: Allowed,
    started: Started,
    order: Order,
    confirmed: Confirmed,
    questions: Questions,
    kept: Kept,
    established: Established,
}

impl Observer {
    /// Watches `call`, which was just made.
    pub fn new<const R: usize, const O: usize>(call: &Call<R, O>, now: Timestamp) -> Self {
        Self {
            settlements: Settlements::new(call),
            allowed: Allowed::new(call),
            started: Started::default(),
            order: Order::default(),
            confirmed: Confirmed::default(),
            questions: Questions::default(),
            kept: Kept::new(now),
            established: Established::new(call),
        }
    }

    /// Watches `call`, which was made of `opening`, and checks how it was made.
    ///
    /// # Errors
    /// The invariant that broke.
    pub fn open<const R: usize, const O: usize>(
        opening: &Opening,
        call: &Call<R, O>,
        now: Timestamp,
    ) -> Result<Self, Broken> {
        invariant::i02_kind_at_creation(opening, call)?;
        invariant::i04_creation_is_allowed(opening)?;
        Ok(Self::new(call, now))
    }

    /// Lets time pass up to `now`, with a tick at each deadline.
    ///
    /// # Errors
    /// The invariant that broke.
    pub fn wait<const R: usize, const O: usize>(
        &mut self,
        call: &mut Call<R, O>,
        now: Timestamp,
    ) -> Result<(), Broken> {
        invariant::i14_ticks_end(call, now, |call, at| self.handle(call, at, Input::Tick))
    }

    /// Hands `input` to `call`, and checks what comes of it.
    ///
    /// # Errors
    /// The invariant that broke.
    pub fn handle<const R: usize, const O: usize>(
        &mut self,
        call: &mut Call<R, O>,
        now: Timestamp,
        input: Input<'_>,
    ) -> Result<(), Broken> {
        self.observe(call, now, input).map(|_| ())
    }

    /// Hands `input` to `call`, checks what comes of it, and gives that.
    ///
    /// # Errors
    /// The invariant that broke.
    pub fn observe<'a, const R: usize, const O: usize>(
        &mut self,
        call: &mut Call<R, O>,
        now: Timestamp,
        input: Input<'a>,
    ) -> Result<Result<Output<'a>, Refused>, Broken> {
        let before = call.clone();
        let result = call.handle(now, input);
        self.check(&Step { before: &before, now, input, result: &result, after: call })?;
        Ok(result)
    }

    /// Checks a step of the call.
    ///
    /// # Errors
    /// The invariant that broke.
    pub fn check<const R: usize, const O: usize>(&mut self, step: &Step<'_, '_, R, O>) -> Result<(), Broken> {
        invariant::i10_outputs_are_bounded(step)?;
        invariant::i01_told_end_is_final(step)?;
        invariant::i02_group_for_a_reason(step)?;
        self.settlements.i03_settled_once(step)?;
        self.allowed.i04_nothing_forbidden_leaves(step)?;
        self.started.i05_each_operation_ends_once(step)?;
        invariant::i06_twice_is_once(step)?;
        self.order.i07_older_never_overwrites_newer(step)?;
        self.confirmed.i08_recording_was_confirmed(step)?;
        self.questions.i10_questions_keep_their_distance(step)?;
        #[cfg(feature = "snapshot")]
        invariant::i11_snapshot_is_the_call(step.after)?;
        self.kept.i12_live_calls_are_kept_alive(step)?;
        self.established.i13_established_or_not(step)?;
        invariant::i14_ticks_do_not_spin(step)
    }
}
