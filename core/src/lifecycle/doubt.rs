//! Doubt: when the call is asked for, and what its absence means.
//!
//! News that nothing documented explains, or that has no documented order, is a sign that something was missed: the call
//! is asked for, never more often than every ten seconds
//! ([`Timer::Question`](crate::deadline::Timer::Question)), and less often while asking fails. A 404 with code 8522 says
//! that the call is gone. A bare one may come from a proxy or a wrong region, so it is asked once more before it is
//! believed.
//!
//! Source: Graph docs, call: get, call: keepAlive (404); that a bare 404 may be wrong is assumed: if it is not, the end
//! is known ten seconds later.

use crate::time::{Near, Span, Timestamp};

/// The code with which the service says that a call does not exist (any more).
///
/// Source: field reports; no page has it.
pub const CALL_NOT_FOUND: u32 = 8522;
/// The most time between two questions while asking fails.
pub const MAX_GAP: Span = Span::from_minutes(5);

/// What was asked, and what came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Doubt {
    /// When it was asked last, if ever.
    asked_at: Near,
    was_asked: bool,
    failures: u8,
    bare_not_found: bool,
    /// Something changed, or new doubt arose, while a question was out: its answer may be older.
    overtaken: bool,
}

/// What a 404 says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotFound {
    /// The call is gone.
    Gone,
    /// It has to be asked for once more.
    AskAgain,
}

impl Doubt {
    /// Nothing was asked yet.
    pub(crate) const NONE: Self = Self {
        asked_at: Near::of(Timestamp::from_millis(0)),
        was_asked: false,
        failures: 0,
        bare_not_found: false,
        overtaken: false,
    };

    /// The first moment, not before `now`, at which the call may be asked for.
    pub(crate) fn earliest(self, now: Timestamp, gap: Span) -> Timestamp {
        let gap = self.widened(gap);
        if !self.was_asked {
            return now;
        }
        let wait = i64::from(self.asked_at.ahead_of(now)).saturating_add_unsigned(gap.as_millis());
        match u64::try_from(wait) {
            // A clock that jumped back must not put the question off for longer than the gap.
            Ok(wait) if wait <= gap.as_millis() => now.plus(Span::from_millis(wait)),
            Ok(_) | Err(_) => now,
        }
    }

    pub(crate) fn asked(&mut self, now: Timestamp) {
        self.asked_at = Near::of(now);
        self.was_asked = true;
        self.overtaken = false;
    }

    pub(crate) fn overtake(&mut self) {
        self.overtaken = true;
    }

    /// The question was answered; whether it was overtaken meanwhile.
    pub(crate) fn answered(&mut self) -> bool {
        self.failures = 0;
        self.bare_not_found = false;
        core::mem::take(&mut self.overtaken)
    }

    /// The call is known to live: a bare 404 before was a proxy's.
    pub(crate) fn lives(&mut self) {
        self.bare_not_found = false;
    }

    /// The question failed: the next one waits longer.
    pub(crate) fn failed(&mut self) {
        self.failures = self.failures.saturating_add(1);
    }

    /// Reads a 404 with this code, of the answer to a question for the call, or to another request. Two requests that were
    /// out together are no two questions.
    pub(crate) fn not_found(&mut self, code: u32, is_answer: bool) -> NotFound {
        if code == CALL_NOT_FOUND || (self.bare_not_found && is_answer) {
            return NotFound::Gone;
        }
        self.bare_not_found = true;
        NotFound::AskAgain
    }

    fn widened(self, gap: Span) -> Span {
        let doublings = u32::from(self.failures.min(5));
        let millis = gap.as_millis().saturating_mul(1u64.wrapping_shl(doublings));
        Span::from_millis(millis.min(MAX_GAP.as_millis().max(gap.as_millis())))
    }

    #[cfg(feature = "snapshot")]
    pub(crate) const fn to_parts(self) -> (u32, [u8; 2]) {
        let flags = self.was_asked as u8 | (self.bare_not_found as u8) << 1 | (self.overtaken as u8) << 2;
        (self.asked_at.bits(), [self.failures, flags])
    }

    #[cfg(feature = "snapshot")]
    pub(crate) const fn from_parts(asked_at: u32, [failures, flags]: [u8; 2]) -> Self {
        Self {
            asked_at: Near::from_bits(asked_at),
            was_asked: flags & 1 != 0,
            failures,
            bare_not_found: flags & 2 != 0,
            overtaken: flags & 4 != 0,
        }
    }

    pub(crate) fn rebase(&mut self, old_now: Timestamp, new_now: Timestamp) {
        self.asked_at = self.asked_at.rebase(old_now, new_now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Timestamp {
        Timestamp::from_millis(secs * 1000)
    }

    #[test]
    fn questions_keep_their_distance_and_failures_widen_it() {
        let gap = Span::from_secs(10);
        let mut doubt = Doubt::default();
        assert_eq!(doubt.earliest(at(5), gap), at(5));
        doubt.asked(at(5));
        assert_eq!(doubt.earliest(at(6), gap), at(15));
        doubt.failed();
        assert_eq!(doubt.earliest(at(6), gap), at(25));
        for _ in 0..300 {
            doubt.failed();
        }
        assert_eq!(doubt.earliest(at(6), gap), at(305));
        doubt.answered();
        assert_eq!(doubt.earliest(at(100), gap), at(100));
    }

    #[test]
    fn a_clock_that_jumps_puts_no_question_off() {
        let gap = Span::from_secs(10);
        let mut doubt = Doubt::default();
        doubt.asked(at(1_000_000));
        assert_eq!(doubt.earliest(at(5), gap), at(5));
        let years = Timestamp::from_millis(1 << 40);
        assert_eq!(doubt.earliest(years, gap), years);
        doubt.rebase(at(1_000_003), at(2));
        assert_eq!(doubt.earliest(at(2), gap), at(9));
    }

    #[test]
    fn a_bare_404_is_asked_again_and_8522_is_believed() {
        assert_eq!(Doubt::default().not_found(CALL_NOT_FOUND, false), NotFound::Gone);
        let mut doubt = Doubt::default();
        assert_eq!(doubt.not_found(0, false), NotFound::AskAgain);
        assert_eq!(doubt.not_found(0, false), NotFound::AskAgain, "of a request that was out as well");
        assert_eq!(doubt.not_found(0, true), NotFound::Gone);
        doubt.answered();
        assert_eq!(doubt.not_found(0, true), NotFound::AskAgain);
    }
}
