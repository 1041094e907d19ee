//! How many notifications wait to be handled, of each call and of all, and how many may.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::store::CallName;

#[derive(Default)]
struct Counts {
    of_calls: HashMap<CallName, usize>,
    of_all: usize,
}

/// The counts. They are of this process: those of the store are restored at the start.
#[derive(Default)]
pub(crate) struct Waiting {
    counts: Mutex<Counts>,
}

impl Waiting {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many wait.
    pub(super) fn of_all(&self) -> usize {
        self.counts().of_all
    }

    /// Makes room for one more, unless that is more than may be. Says how many of the call wait then.
    pub(super) fn reserve(&self, name: &CallName, max_of_call: usize, max: usize) -> Option<usize> {
        let mut counts = self.counts();
        let of_call = counts.of_calls.get(name).copied().unwrap_or_default();
        let has_room = of_call < max_of_call && counts.of_all < max;
        has_room.then(|| {
            counts.add(name, 1);
            of_call.saturating_add(1)
        })
    }

    /// Counts what is there already.
    pub(super) fn restore(&self, name: &CallName, count: usize) {
        self.counts().add(name, count);
    }

    /// Some are handled.
    pub(super) fn release(&self, name: &CallName, count: usize) {
        let mut counts = self.counts();
        let Some(of_call) = counts.of_calls.get_mut(name) else { return };
        let released = count.min(*of_call);
        *of_call = of_call.saturating_sub(released);
        if *of_call == 0 {
            counts.of_calls.remove(name);
        }
        counts.of_all = counts.of_all.saturating_sub(released);
    }

    /// The call is forgotten, with all that waits.
    pub(super) fn forget(&self, name: &CallName) {
        self.release(name, usize::MAX);
    }
}

impl Counts {
    fn add(&mut self, name: &CallName, count: usize) {
        if count > 0 {
            let of_call = self.of_calls.entry(name.clone()).or_default();
            *of_call = of_call.saturating_add(count);
            self.of_all = self.of_all.saturating_add(count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bound_holds_and_what_is_handled_or_forgotten_makes_room() {
        let (waiting, one, other) =
            (Waiting::default(), CallName::try_new("c-1").unwrap(), CallName::try_new("c-2").unwrap());
        let reserve = |name: &CallName| waiting.reserve(name, 2, 3).is_some();
        assert_eq!([reserve(&one), reserve(&one), reserve(&one)], [true, true, false], "of one call");
        assert_eq!([reserve(&other), reserve(&other)], [true, false], "of all");
        waiting.release(&one, 1);
        assert_eq!(waiting.reserve(&other, 2, 3), Some(2));
        waiting.forget(&other);
        waiting.forget(&one);
        waiting.restore(&one, 3);
        assert_eq!(waiting.reserve(&other, 2, 3), None);
        waiting.release(&one, 5);
        assert!(reserve(&other), "more than there was is as all");
    }
}
