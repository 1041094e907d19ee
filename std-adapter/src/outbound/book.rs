//! Every entry in memory, as the store has it, and what is to be done next with each.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::entry::{Kept, Standing};
use super::handler::Holds;
use super::pacing::{Begun, KEPT_FOR};
use crate::store::CallName;

/// One entry.
#[derive(Debug)]
pub(super) struct Slot {
    /// The version at which the store has it.
    pub(super) version: u64,
    pub(super) kept: Kept,
    /// When it is looked at again, where that is not by its standing: the store has to be read, or the author is told again.
    pub(super) again_at: Option<u64>,
    /// What the store has is not certain: it has to be read.
    pub(super) is_stale: bool,
    /// Somebody is at it: its call is being placed or ended, or the author told.
    pub(super) is_busy: bool,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Book {
    holds: Arc<Holds>,
    slots: HashMap<CallName, Slot>,
    /// Those that wait, in the order in which they are called.
    due: BTreeSet<(u64, u64, CallName)>,
    /// Moments at which something else has to be done.
    agenda: BTreeSet<(u64, CallName)>,
    /// Those that are called.
    calling: BTreeSet<CallName>,
    pub(super) begun: Begun,
    /// None is begun before this moment.
    pub(super) held_until: u64,
    /// For how long those that are over are kept.
    keep_settled: u64,
}

impl Book {
    pub(super) fn new(holds: Arc<Holds>, keep_settled: u64) -> Self {
        Self {
            holds,
            slots: HashMap::new(),
            due: BTreeSet::new(),
            agenda: BTreeSet::new(),
            calling: BTreeSet::new(),
            begun: Begun::default(),
            held_until: 0,
            // What counts for the pacing has to be there after a restart.
            keep_settled: keep_settled.max(KEPT_FOR),
        }
    }

    pub(super) fn get(&self, id: &CallName) -> Option<&Slot> {
        self.slots.get(id)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&CallName, &Slot)> {
        self.slots.iter()
    }

    /// Changes what is not of the store.
    pub(super) fn change(&mut self, id: &CallName, change: impl FnOnce(&mut Slot)) {
        self.take_out(id);
        if let Some(slot) = self.slots.get_mut(id) {
            change(slot);
        }
        self.put_in(id);
    }

    /// Takes in what the store has.
    pub(super) fn learn(&mut self, id: &CallName, version: u64, kept: Kept) {
        self.take_out(id);
        let before = self.slots.get(id).and_then(|slot| slot.kept.call().cloned());
        for attempt in &kept.attempts {
            self.begun.note(attempt.began_at, &attempt.call);
        }
        let after = kept.call().cloned();
        let is_busy = self.slots.get(id).is_some_and(|slot| slot.is_busy);
        self.slots.insert(id.clone(), Slot { version, kept, again_at: None, is_stale: false, is_busy });
        if let Some(call) = &after {
            self.holds.hold(call);
        }
        if let Some(call) = before.filter(|before| after.as_ref() != Some(before)) {
            self.holds.let_go(&call);
        }
        self.put_in(id);
    }

    pub(super) fn forget(&mut self, id: &CallName) {
        self.take_out(id);
        if let Some(call) = self.slots.remove(id).and_then(|slot| slot.kept.call().cloned()) {
            self.holds.let_go(&call);
        }
    }

    /// How many are called.
    pub(super) fn at_once(&self) -> usize {
        self.calling.len()
    }

    /// Those that are called, and nobody is at.
    pub(super) fn calling(&self) -> Vec<CallName> {
        let idle = |id: &&CallName| self.slots.get(*id).is_some_and(|slot| !slot.is_busy && !slot.is_stale);
        self.calling.iter().filter(idle).cloned().collect()
    }

    /// Who is called next, and from when on.
    pub(super) fn first_due(&self) -> Option<(u64, CallName)> {
        self.due.first().map(|(due, _, id)| (*due, id.clone()))
    }

    /// The next moment on the agenda.
    pub(super) fn next_moment(&self) -> Option<u64> {
        self.agenda.first().map(|(at, _)| *at)
    }

    /// Takes the next one from the agenda whose moment has come; it is back on it with the next change.
    pub(super) fn take_moment(&mut self, now: u64) -> Option<CallName> {
        let come = self.agenda.first().is_some_and(|(at, _)| *at <= now);
        if come { self.agenda.pop_first().map(|(_, id)| id) } else { None }
    }

    /// When an entry is due, and its moment on the agenda.
    fn places(&self, slot: &Slot) -> (Option<u64>, Option<u64>) {
        let Slot { kept, again_at, is_stale, is_busy, .. } = slot;
        if *is_stale {
            return (None, *again_at);
        }
        match kept.standing {
            Standing::Waiting { due } => (Some(due.max(again_at.unwrap_or(0))), Some(kept.expires_at())),
            Standing::Calling { .. } => (None, *again_at),
            Standing::Settled { .. } if *is_busy => (None, None),
            Standing::Settled { at, .. } => {
                let forget_at = if kept.is_told { at.saturating_add(self.keep_settled) } else { at };
                (None, Some(forget_at.max(again_at.unwrap_or(0))))
            }
        }
    }

    fn take_out(&mut self, id: &CallName) {
        let Some(slot) = self.slots.get(id) else { return };
        let (due, moment) = self.places(slot);
        let planned_at = slot.kept.planned_at;
        if let Some(due) = due {
            self.due.remove(&(due, planned_at, id.clone()));
        }
        if let Some(moment) = moment {
            self.agenda.remove(&(moment, id.clone()));
        }
        self.calling.remove(id);
    }

    fn put_in(&mut self, id: &CallName) {
        let Some(slot) = self.slots.get(id) else { return };
        let (due, moment) = self.places(slot);
        let planned_at = slot.kept.planned_at;
        if slot.kept.call().is_some() {
            self.calling.insert(id.clone());
        }
        if let Some(due) = due {
            self.due.insert((due, planned_at, id.clone()));
        }
        if let Some(moment) = moment {
            self.agenda.insert((moment, id.clone()));
        }
    }
}
