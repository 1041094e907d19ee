//! A store that lives as long as its process: for tests, and for bots that may lose their calls in a crash.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::{CallName, Change, Commit, Pending, Record, Reply, Store, StoreError, apply};

/// The store. It uses no thread, so that a paused clock does not run away while it works.
#[derive(Debug, Default)]
pub struct Memory {
    records: Mutex<BTreeMap<CallName, Record>>,
    counters: Mutex<BTreeMap<String, u64>>,
}

impl Memory {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn change(&self, name: &CallName, change: Change) -> Reply {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let mut record = records.remove(name);
        let reply = apply(name, &mut record, change);
        if let Some(record) = record {
            records.insert(name.clone(), record);
        }
        reply
    }

    fn look<T>(&self, at: impl FnOnce(&BTreeMap<CallName, Record>) -> T) -> T {
        at(&self.records.lock().unwrap_or_else(PoisonError::into_inner))
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
        ready(Ok(self.look(|records| records.get(name).cloned())))
    }

    fn commit(&self, name: &CallName, commit: Commit) -> Pending<'_, u64> {
        ready(self.change(name, Change::Commit(commit)))
    }

    fn mark_attempted(&self, name: &CallName, ticket: u32) -> Pending<'_, ()> {
        ready(self.change(name, Change::MarkAttempted(ticket)).map(|_| ()))
    }

    fn resolve(&self, alias: &str) -> Pending<'_, Option<CallName>> {
        let found = self.look(|records| {
            let mut all = records.iter();
            all.find(|(_, record)| record.alias.as_deref() == Some(alias)).map(|(name, _)| name.clone())
        });
        ready(Ok(found))
    }

    fn names(&self) -> Pending<'_, Vec<CallName>> {
        ready(Ok(self.look(|records| records.keys().cloned().collect())))
    }

    fn forget(&self, name: &CallName) -> Pending<'_, ()> {
        ready(self.change(name, Change::Forget).map(|_| ()))
    }

    fn count(&self, key: &str, by: u64) -> Pending<'_, u64> {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        let counter = counters.entry(key.to_owned()).or_default();
        *counter = counter.saturating_add(by);
        ready(Ok(*counter))
    }
}
