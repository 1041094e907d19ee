//! A store whose operations are timed.

use std::sync::Arc;
use std::time::Instant;

use super::Metrics;
use crate::store::{CallName, Commit, Pending, Record, Store};

/// Times what `inner` does.
pub(crate) struct Timed {
    inner: Arc<dyn Store>,
    metrics: Arc<Metrics>,
}

impl Timed {
    pub(crate) fn new(inner: Arc<dyn Store>, metrics: Arc<Metrics>) -> Self {
        Self { inner, metrics }
    }

    fn time<'a, T: Send + 'a>(&'a self, operation: &'static str, asked: Pending<'a, T>) -> Pending<'a, T> {
        let since = Instant::now();
        Box::pin(async move {
            let result = asked.await;
            self.metrics.stored(operation, since, result.is_ok());
            result
        })
    }
}

impl Store for Timed {
    fn append(&self, name: &CallName, bytes: Vec<u8>) -> Pending<'_, u64> {
        self.time("append", self.inner.append(name, bytes))
    }

    fn read(&self, name: &CallName) -> Pending<'_, Option<Record>> {
        self.time("read", self.inner.read(name))
    }

    fn commit(&self, name: &CallName, commit: Commit) -> Pending<'_, u64> {
        self.time("commit", self.inner.commit(name, commit))
    }

    fn mark_attempted(&self, name: &CallName, ticket: u32) -> Pending<'_, ()> {
        self.time("mark_attempted", self.inner.mark_attempted(name, ticket))
    }

    fn resolve(&self, alias: &str) -> Pending<'_, Option<CallName>> {
        self.time("resolve", self.inner.resolve(alias))
    }

    fn names(&self) -> Pending<'_, Vec<CallName>> {
        self.time("names", self.inner.names())
    }

    fn forget(&self, name: &CallName, last_seq: u64) -> Pending<'_, bool> {
        self.time("forget", self.inner.forget(name, last_seq))
    }

    fn count(&self, key: &str, by: u64) -> Pending<'_, u64> {
        self.time("count", self.inner.count(key, by))
    }
}
