//! How much is taken in at a time: what is more is refused before it is in memory.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Refusal, Settings};

/// Room that is taken, until it is dropped.
pub(super) type Room = OwnedSemaphorePermit;

/// Room for requests and their bodies.
#[derive(Clone, Debug)]
pub(crate) struct Admission {
    requests: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
}

impl Admission {
    pub(crate) fn new(settings: &Settings) -> Self {
        let semaphore = |permits: usize| Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS)));
        Self { requests: semaphore(settings.max_requests), bytes: semaphore(settings.max_buffered) }
    }

    /// Room for a request, until it is answered.
    pub(super) fn request(&self) -> Result<Room, Refusal> {
        let requests = Arc::clone(&self.requests);
        requests.try_acquire_owned().map_err(|_| Refusal::Overloaded("too many requests at a time"))
    }

    /// Room for the bytes of a body.
    pub(super) fn bytes(&self, count: usize) -> Result<Room, Refusal> {
        let full = Refusal::Overloaded("too many bytes at a time");
        let Ok(count) = u32::try_from(count) else { return Err(full) };
        Arc::clone(&self.bytes).try_acquire_many_owned(count).map_err(|_| full)
    }
}
