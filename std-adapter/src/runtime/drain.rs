//! An orderly end: no new calls, and those that are up end by themselves, as far as there is time.

use std::time::Duration;

use callflow_core::command::RejectReason;
use callflow_core::lifecycle::State;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::{Bot, PlaceError, Shared};
use crate::session::{Order, OrderError};
use crate::store::CallName;

/// How a bot is drained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drain {
    /// How long live calls may go on.
    pub within: Duration,
    /// What becomes of calls to the bot meanwhile.
    pub incoming: Incoming,
    /// What becomes of calls that are still up then.
    pub at_limit: AtLimit,
}

impl Drain {
    /// Calls go on for `within`, and are then hung up with a minute to confirm it; who calls meanwhile is told that the bot
    /// is busy.
    ///
    /// Source of the minute: the vendor's samples, which end their calls so at shutdown.
    pub const fn new(within: Duration) -> Self {
        let at_limit = AtLimit::HangUp { within: Duration::from_secs(60) };
        Self { within, incoming: Incoming::Busy, at_limit }
    }
}

/// What becomes of calls to a bot that is drained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// They are rejected as busy. The handler is told of their end alone.
    Busy,
    /// The notification is answered 503 with `Retry-After`, and nothing is kept of it: where another instance is at the same
    /// address, it takes the call when the service tries again. How often it does that is not documented.
    Unavailable,
}

/// What becomes of calls that are still up when there is no more time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtLimit {
    /// They are hung up, those that ring rejected.
    HangUp {
        /// How long their ends are waited for.
        within: Duration,
    },
    /// They stay up: the next process on the same store takes them up.
    Leave,
}

/// What a drained bot left behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// The calls that were told to end when there was no more time.
    pub hung_up: Vec<CallName>,
    /// The calls that are still up, or whose end is not confirmed.
    pub left: Vec<CallName>,
}

impl Bot {
    /// Takes no new calls, lets those that are up end by themselves within the time of `drain`, then ends or leaves them,
    /// and [stops](Self::stop). The webhook has to stay mounted until this returns: ends are told there.
    ///
    /// Calls cannot be placed any more: [`PlaceError::Draining`]. Whoever stops waiting for this leaves the bot so, without
    /// new calls.
    pub async fn drain(&self, drain: Drain) -> Drained {
        let shared = &self.shared;
        shared.draining.send_replace(Some(drain.incoming));
        let mut drained = Drained::default();
        if !shared.all_ended(Instant::now() + drain.within).await
            && let AtLimit::HangUp { within } = drain.at_limit
        {
            drained.hung_up = shared.counter.live();
            self.end_all(&drained.hung_up, Instant::now() + within).await;
        }
        self.stop().await;
        drained.left = shared.counter.live();
        if !drained.left.is_empty() {
            tracing::warn!(
                count = drained.left.len(),
                "calls are still up while the bot stops; the next start takes them up"
            );
        }
        drained
    }

    /// The calls that are up.
    pub fn live(&self) -> Vec<CallName> {
        self.shared.counter.live()
    }

    /// Whether it is drained, or was.
    pub fn is_draining(&self) -> bool {
        self.shared.draining().is_some()
    }

    /// Ends these calls, and waits for that.
    async fn end_all(&self, names: &[CallName], until: Instant) {
        let mut ending = JoinSet::new();
        for name in names {
            let (bot, name) = (self.clone(), name.clone());
            ending.spawn(async move {
                if let Err(error) = bot.end(&name).await {
                    tracing::warn!(%name, %error, "a call cannot be ended");
                }
            });
        }
        // A call that waits for its store ends when that can be written again.
        let _ = timeout_at(until, ending.join_all()).await;
        self.shared.all_ended(until).await;
    }

    /// Ends a call: hangs up, or rejects it as busy where it still rings.
    ///
    /// # Errors
    /// [`PlaceError`]: nothing was done.
    pub async fn end(&self, name: &CallName) -> Result<(), PlaceError> {
        match self.order(name, Order::HangUp).await {
            Err(PlaceError::Order(OrderError::Refused(refused))) if refused.state == State::Incoming => {
                self.order(name, Order::Reject(RejectReason::Busy)).await
            }
            other => other,
        }
    }
}

impl Shared {
    /// What becomes of calls to the bot, where it is drained.
    pub(crate) fn draining(&self) -> Option<Incoming> {
        *self.draining.borrow()
    }

    /// Waits until no call is up; gives whether that was so before `until`.
    async fn all_ended(&self, until: Instant) -> bool {
        let mut changes = self.live.subscribe();
        loop {
            changes.mark_unchanged();
            if self.counter.live().is_empty() {
                return true;
            }
            // The sender is our own.
            if !matches!(timeout_at(until, changes.changed()).await, Ok(Ok(()))) {
                return self.counter.live().is_empty();
            }
        }
    }
}
