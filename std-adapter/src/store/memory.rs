//! A store that lives as long as its process: for tests, and for bots that may lose their calls in a crash.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use super::{CallName, Change, Commit, Pending, Record, Reply, Store, StoreError, apply};

/// The store. It uses no thread, so that a paused clock does not run away while it works.
#[derive(Debug, Default)]
pub struct Memory {
    kept: Mutex<Kept>,
    counters: Mutex<BTreeMap<String, u64>>,
}

#[derive(Debug, Default)]
struct Kept {
    records: HashMap<CallName, Record>,
    /// The calls by their aliases.
    aliases: HashMap<String, CallName>,
}

impl Memory {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn change(&self, name: &CallName, change: Change) -> Reply {
        let counts = change.counts().map(str::to_owned);
        let reply = self.change_record(name, change);
        if let (Ok(_), Some(key)) = (&reply, counts) {
            self.add(&key, 1);
        }
        reply
    }

    fn add(&self, key: &str, by: u64) -> u64 {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        let counter = counters.entry(key.to_owned()).or_default();
        *counter = counter.saturating_add(by);
        *counter
    }

    fn change_record(&self, name: &CallName, change: Change) -> Reply {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut record = kept.records.remove(name);
        let before = record.as_ref().and_then(|record| record.alias.clone());
        let reply = apply(name, &mut record, change);
        let after = record.as_ref().and_then(|record| record.alias.as_ref());
        if before.as_ref() != after {
            if let Some(before) = before {
                kept.aliases.remove(&before);
            }
            if let Some(after) = after {
                kept.aliases.insert(after.clone(), name.clone());
            }
        }
        if let Some(record) = record {
            kept.records.insert(name.clone(), record);
        }
        reply
    }

    fn look<T>(&self, at: impl FnOnce(&Kept) -> T) -> T {
        at(&self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn ready<'a, T: Send + 'a>(result: Result<T, StoreError>) -> Pending<'a, T> {
    Box::pin(std::future::ready(result))
}

impl Store for Memory {
    fn append(&self, name: &CallName, bytes: Vec<u8>) -> Pending<'_, u64> {
        ready(self.change(name, Change::Append(bytes)))
    }

    fn read(&self, name: &CallName) -> Pending<'_, Option<Record>> {
        ready(Ok(self.look(|kept| kept.records.get(name).cloned())))
    }

    fn commit(&self, name: &CallName, commit: Commit) -> Pending<'_, u64> {
        ready(self.change(name, Change::Commit(Box::new(commit))))
    }

    fn mark_attempted(&self, name: &CallName, ticket: u32) -> Pending<'_, ()> {
        ready(self.change(name, Change::MarkAttempted(ticket)).map(|_| ()))
    }

    fn resolve(&self, alias: &str) -> Pending<'_, Option<CallName>> {
        ready(Ok(self.look(|kept| kept.aliases.get(alias).cloned())))
    }

    fn names(&self) -> Pending<'_, Vec<CallName>> {
        let mut names: Vec<_> = self.look(|kept| kept.records.keys().cloned().collect());
        names.sort();
        ready(Ok(names))
    }

    fn forget(&self, name: &CallName, last_seq: u64) -> Pending<'_, bool> {
        ready(self.change(name, Change::Forget(last_seq)).map(|gone| gone == 1))
    }

    fn count(&self, key: &str, by: u64) -> Pending<'_, u64> {
        ready(Ok(self.add(key, by)))
    }
}
