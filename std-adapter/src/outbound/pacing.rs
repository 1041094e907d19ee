//! How many calls are begun at a time.

use std::collections::BTreeSet;

use crate::store::CallName;

/// How many calls are made. What waits for its turn is called in the order in which it came due, so that nothing is passed
/// over for ever; after a restart the same bounds hold.
///
/// They count what [`OutboundBot::plan`](super::OutboundBot::plan) asked for. Calls to the bot, and those that it places
/// otherwise, count for [`Quota`](crate::bot::Quota), which is respected too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pacing {
    /// At most so many at once, from the moment at which one begins until it has ended.
    pub at_once: usize,
    /// At most so many are begun in any minute.
    pub per_minute: usize,
}

impl Default for Pacing {
    /// 80 at once, and 60 a minute.
    ///
    /// Source: Graph docs, Microsoft Graph service-specific throttling limits (cloud communications: 100 concurrent calls for
    /// each app), less a fifth for calls to the bot. Calls a minute are assumed, since no page limits them; if that is too
    /// many, the service answers 429, and they wait.
    fn default() -> Self {
        Self { at_once: 80, per_minute: 60 }
    }
}

/// What counts for a minute.
const MINUTE: u64 = 60_000;

/// When calls were begun, within the last minute.
#[derive(Debug, Default)]
pub(super) struct Begun(BTreeSet<(u64, CallName)>);

impl Begun {
    pub(super) fn note(&mut self, at: u64, call: &CallName) {
        self.0.insert((at, call.clone()));
    }

    /// Takes one back that was not begun.
    pub(super) fn take_back(&mut self, at: u64, call: &CallName) {
        self.0.remove(&(at, call.clone()));
    }

    /// From when on one more may begin.
    pub(super) fn free_at(&mut self, now: u64, pacing: &Pacing) -> u64 {
        while self.0.first().is_some_and(|(at, _)| at.saturating_add(MINUTE) <= now) {
            self.0.pop_first();
        }
        // The first of the last so many: once it is a minute ago, there is room.
        let per_minute = pacing.per_minute.max(1);
        match self.0.len().checked_sub(per_minute).and_then(|passed| self.0.iter().nth(passed)) {
            Some((at, _)) => at.saturating_add(MINUTE),
            None => now,
        }
    }
}

/// For how long the moments at which calls were begun have to be kept.
pub(super) const KEPT_FOR: u64 = MINUTE;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_as_may_be_in_any_minute() {
        let pacing = Pacing { at_once: 9, per_minute: 2 };
        let call = |number: u32| CallName::try_new(format!("o-{number}")).unwrap();
        let mut begun = Begun::default();
        assert_eq!(begun.free_at(0, &pacing), 0);
        begun.note(0, &call(1));
        assert_eq!(begun.free_at(10_000, &pacing), 10_000);
        begun.note(10_000, &call(2));
        assert_eq!(begun.free_at(10_000, &pacing), 60_000);
        assert_eq!(begun.free_at(59_999, &pacing), 60_000);
        assert_eq!(begun.free_at(60_000, &pacing), 60_000);
        begun.note(60_000, &call(3));
        assert_eq!(begun.free_at(60_001, &pacing), 70_000);
        begun.take_back(60_000, &call(3));
        assert_eq!(begun.free_at(60_001, &pacing), 60_001);
        // More than may be, as after a restart with a stricter bound.
        for number in 4..8 {
            begun.note(61_000 + u64::from(number), &call(number));
        }
        assert_eq!(begun.free_at(61_100, &pacing), 121_006);
        assert_eq!(
            begun.free_at(61_100, &Pacing { per_minute: 0, ..pacing }),
            121_007,
            "none would be for ever"
        );
    }
}
