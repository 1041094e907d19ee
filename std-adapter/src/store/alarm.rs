//! Whether the store can be written: told once when that ends, and once when it is so again.

use tokio::sync::watch;

use super::StoreError;

/// The alarm.
pub(super) struct Alarm {
    fault: watch::Sender<Option<StoreError>>,
    /// What becomes of calls meanwhile, for the log.
    meanwhile: &'static str,
}

impl Alarm {
    pub(super) fn new(meanwhile: &'static str) -> Self {
        Self { fault: watch::Sender::new(None), meanwhile }
    }

    /// Why the store cannot be written now.
    pub(super) fn fault(&self) -> watch::Receiver<Option<StoreError>> {
        self.fault.subscribe()
    }

    /// What a change is refused with that cannot be kept.
    pub(super) fn refusal(&self) -> StoreError {
        self.fault.borrow().clone().unwrap_or(StoreError::Closed)
    }

    /// The store cannot be written.
    pub(super) fn begin(&self, error: &StoreError) {
        self.fault.send_if_modified(|known| {
            let begins = known.is_none();
            if begins {
                tracing::error!(%error, "the store cannot be written: {}", self.meanwhile);
                *known = Some(error.clone());
            }
            begins
        });
    }

    /// The store can be written, and nothing is owed to it.
    pub(super) fn end(&self) {
        self.fault.send_if_modified(|known| {
            let ends = known.take().is_some();
            if ends {
                tracing::warn!("the store can be written again");
            }
            ends
        });
    }
}
