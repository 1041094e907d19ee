//! Somebody whom a script lets wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use callflow_core::event::Event;
use tokio::sync::oneshot;

use super::Handle;
use super::line::Registry;
use crate::bot::Call;
use crate::piece::{Failure, Hold, Piece, Progress};

/// Somebody who waits with music, until [`Self::unhold`].
///
/// Dropped without that, the music ends with the round that is heard; a participant of a group call stays on hold until
/// [`Conversation::resume`](super::Conversation::resume).
#[derive(Debug)]
#[must_use = "the music goes on as long as this is held"]
pub struct OnHold {
    handle: Arc<Handle>,
    is_over: Arc<AtomicBool>,
    outcome: oneshot::Receiver<Result<(), Failure>>,
}

impl OnHold {
    pub(super) async fn begin(handle: &Arc<Handle>, hold: Hold) -> Result<Self, Failure> {
        let (begun, has_begun) = oneshot::channel();
        let is_over = Arc::new(AtomicBool::new(false));
        let piece = Holding { hold, begun: Some(begun), is_over: Arc::clone(&is_over) };
        let outcome = Registry::ask(&handle.registry, &handle.name, piece).await?;
        if has_begun.await.is_ok() {
            return Ok(Self { handle: Arc::clone(handle), is_over, outcome });
        }
        match outcome.await {
            Ok(Err(failure)) => Err(failure),
            Ok(Ok(())) | Err(_) => Err(Failure::Gone),
        }
    }

    /// Stops the music, and waits until that is done.
    ///
    /// # Errors
    /// [`Failure`], also of what ended it before: [`Failure::TimedOut`], as a rule.
    pub async fn unhold(self) -> Result<(), Failure> {
        self.is_over.store(true, Ordering::Release);
        let bot = self.handle.registry.bot().await.ok_or(Failure::Gone)?;
        self.handle.registry.wake(&bot, &self.handle.name).await;
        drop(bot);
        self.outcome.await.unwrap_or(Err(Failure::Gone))
    }
}

/// The piece, and how it is told from outside.
struct Holding {
    hold: Hold,
    begun: Option<oneshot::Sender<()>>,
    is_over: Arc<AtomicBool>,
}

impl Piece for Holding {
    type Output = ();

    fn begin(&mut self, call: &mut Call<'_>) -> Progress<()> {
        let progress = self.hold.begin(call);
        if let (Progress::Pending, Some(begun)) = (&progress, self.begun.take()) {
            // Who waited may have gone.
            let _ = begun.send(());
        }
        progress
    }

    fn on_event(&mut self, call: &mut Call<'_>, event: &Event) -> Progress<()> {
        self.hold.on_event(call, event)
    }

    fn on_wake(&mut self, call: &mut Call<'_>) -> Progress<()> {
        if self.is_over.load(Ordering::Acquire) {
            return self.hold.unhold(call);
        }
        self.hold.on_wake(call)
    }
}
