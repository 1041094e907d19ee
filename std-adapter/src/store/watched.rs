//! A store that tells whether it can be written.

use std::sync::Arc;

use tokio::sync::watch;

use super::{CallName, Commit, Pending, Record, Store, StoreError};

/// Watches what becomes of changes to `inner`: one alarm when they begin to fail, and one word when that is over.
pub(crate) struct Watched {
    inner: Arc<dyn Store>,
    fault: watch::Sender<Option<StoreError>>,
}

impl Watched {
    pub(crate) fn new(inner: Arc<dyn Store>) -> Self {
        Self { inner, fault: watch::Sender::new(None) }
    }

    /// Why the store cannot be written now.
    pub(crate) fn fault(&self) -> watch::Receiver<Option<StoreError>> {
        self.fault.subscribe()
    }

    fn note<T>(&self, result: &Result<T, StoreError>) {
        let fault = match result {
            Ok(_) => None,
            Err(error @ (StoreError::Unwritable { .. } | StoreError::Closed)) => Some(error.clone()),
            // They are about one call.
            Err(_) => return,
        };
        self.fault.send_if_modified(|known| match (&known, fault) {
            (None, None) => false,
            (Some(_), Some(_)) => false,
            (None, Some(error)) => {
                tracing::error!(%error, "the store cannot be written: calls wait for it, and new ones are refused");
                *known = Some(error);
                true
            }
            (Some(_), None) => {
                tracing::warn!("the store can be written again");
                *known = None;
                true
            }
        });
    }

    fn watch<'a, T: Send + 'a>(&'a self, change: Pending<'a, T>) -> Pending<'a, T> {
        Box::pin(async move {
            let result = change.await;
            self.note(&result);
            result
        })
    }
}

impl Store for Watched {
    fn append(&self, name: &CallName, bytes: Vec<u8>) -> Pending<'_, u64> {
        self.watch(self.inner.append(name, bytes))
    }

    fn read(&self, name: &CallName) -> Pending<'_, Option<Record>> {
        self.inner.read(name)
    }

    fn commit(&self, name: &CallName, commit: Commit) -> Pending<'_, u64> {
        self.watch(self.inner.commit(name, commit))
    }

    fn mark_attempted(&self, name: &CallName, ticket: u32) -> Pending<'_, ()> {
        self.watch(self.inner.mark_attempted(name, ticket))
    }

    fn resolve(&self, alias: &str) -> Pending<'_, Option<CallName>> {
        self.inner.resolve(alias)
    }

    fn names(&self) -> Pending<'_, Vec<CallName>> {
        self.inner.names()
    }

    fn forget(&self, name: &CallName, last_seq: u64) -> Pending<'_, bool> {
        self.watch(self.inner.forget(name, last_seq))
    }

    fn count(&self, key: &str, by: u64) -> Pending<'_, u64> {
        self.watch(self.inner.count(key, by))
    }
}
