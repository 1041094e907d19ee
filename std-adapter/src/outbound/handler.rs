//! What the bot does in the calls that it was asked to make.

use std::collections::HashSet;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use callflow_core::event::Event;

use super::disposition::Disposition;
use super::entry::Entry;
use crate::bot::{Call, CallHandler, HandlerError, Recovered, StateError};
use crate::store::CallName;

/// A [`CallHandler`] whose calls are attempts: it also says what came of each.
///
/// Its state is the author's own of an entry: the first attempt begins with what was planned, and each further one with what
/// the one before left. Calls to the bot are handled by it as well.
pub trait OutboundHandler: CallHandler {
    /// What came of an attempt whose call has ended, by the state that it left: `told` is what the service tells. Where
    /// somebody answered and the call did not do what it was for, [`Disposition::Incomplete`] tries again as the plan says,
    /// and where voice mail took it and that is enough, [`Disposition::Answered`] does not.
    ///
    /// By default it is what the service tells: whoever answers is reached.
    fn disposition(&self, state: &Self::State, told: Disposition) -> Disposition {
        let _ = state;
        told
    }

    /// Takes in how an entry ended, with the state that its last call left.
    ///
    /// It is given at least once: again where a process ended before it was put away that it was given, or where this failed,
    /// a minute later. It may take as long as [`Config::handler_within`](crate::bot::Config::handler_within). By default it
    /// does nothing.
    ///
    /// # Errors
    /// [`HandlerError`]
    fn on_settled(
        &self,
        entry: &Entry,
        state: &Self::State,
    ) -> impl Future<Output = Result<(), HandlerError>> + Send {
        let _ = (entry, state);
        std::future::ready(Ok(()))
    }
}

/// The calls that may not be forgotten yet: what came of them is still to be put away with their entries.
#[derive(Debug, Default)]
pub(super) struct Holds {
    /// Whether all entries were read: before, no call may be forgotten that might be one's.
    is_loaded: AtomicBool,
    calls: Mutex<HashSet<CallName>>,
}

impl Holds {
    fn calls(&self) -> MutexGuard<'_, HashSet<CallName>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn hold(&self, call: &CallName) {
        self.calls().insert(call.clone());
    }

    pub(super) fn let_go(&self, call: &CallName) {
        self.calls().remove(call);
    }

    pub(super) fn is_loaded(&self) {
        self.is_loaded.store(true, Ordering::Release);
    }

    fn has(&self, call: &CallName) -> bool {
        !call.is_of_incoming() && (!self.is_loaded.load(Ordering::Acquire) || self.calls().contains(call))
    }
}

/// The author's handler, whose calls are kept until what came of them is put away.
pub(super) struct Attended<H> {
    pub(super) handler: Arc<H>,
    pub(super) holds: Arc<Holds>,
}

impl<H: OutboundHandler> CallHandler for Attended<H> {
    type State = H::State;
    const STATE_VERSION: u32 = H::STATE_VERSION;

    fn migrate(&self, from: u32, bytes: &[u8]) -> Result<Self::State, StateError> {
        self.handler.migrate(from, bytes)
    }

    async fn on_event(
        &self,
        call: &mut Call<'_>,
        state: &mut Self::State,
        event: &Event,
    ) -> Result<(), HandlerError> {
        self.handler.on_event(call, state, event).await
    }

    async fn on_resumed(&self, call: &mut Call<'_>, state: &mut Self::State) -> Result<(), HandlerError> {
        self.handler.on_resumed(call, state).await
    }

    async fn on_wake(&self, call: &mut Call<'_>, state: &mut Self::State) -> Result<(), HandlerError> {
        self.handler.on_wake(call, state).await
    }

    async fn on_recovered(
        &self,
        call: &mut Call<'_>,
        state: &mut Self::State,
        why: Recovered,
    ) -> Result<(), HandlerError> {
        self.handler.on_recovered(call, state, why).await
    }

    fn may_forget(&self, call: &CallName) -> bool {
        !self.holds.has(call) && self.handler.may_forget(call)
    }
}
