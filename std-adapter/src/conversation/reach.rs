//! Somebody who is to be reached: rung for so long, and again later.

use std::time::Duration;

use super::{Conversation, ScriptedBot};
use crate::bot::PlaceError;
use crate::piece::Failure;
use crate::session::Placement;

/// How somebody is rung, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPlan {
    /// For how long it rings at a time, before it is hung up.
    pub ring: Duration,
    /// The pause before each further attempt: so many attempts are made, and one.
    pub pauses: Vec<Duration>,
}

impl Default for RetryPlan {
    /// 45 seconds, once.
    fn default() -> Self {
        Self { ring: Duration::from_secs(45), pauses: Vec::new() }
    }
}

/// Why nobody was reached.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReachError {
    /// The call was not placed.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// It was, and the last attempt came to nothing.
    #[error("not reached: {0}")]
    NotReached(#[from] Failure),
}

impl ScriptedBot {
    /// Calls somebody until he picks up, as `plan` says. Where he does not within its ring time, it is hung up, and tried
    /// again after the next pause; so is who is busy or declines. What the service or the rules refuse is not tried again.
    ///
    /// The waiting is lost in a restart, as scripts are: what must not be is planned, with [`outbound`](crate::outbound).
    ///
    /// That somebody picked up is not that it was he: see [`Conversation::who_answered`], and
    /// [`Conversation::confirm`].
    ///
    /// # Errors
    /// [`ReachError`]
    pub async fn reach(
        &self,
        placement: impl Into<Placement>,
        plan: &RetryPlan,
    ) -> Result<Conversation, ReachError> {
        let placement = placement.into();
        let mut pauses = plan.pauses.iter();
        loop {
            let call = self.place(placement.clone()).await?;
            let failure = match tokio::time::timeout(plan.ring, call.established()).await {
                Ok(Ok(())) => return Ok(call),
                Ok(Err(failure)) => failure,
                Err(_) => {
                    // He may pick up at the last moment: that one is hung up on.
                    call.hang_up().await.map_or_else(|failure| failure, |_| Failure::TimedOut)
                }
            };
            match (failure, pauses.next()) {
                (Failure::Ended(_) | Failure::TimedOut | Failure::NotSent { .. }, Some(pause)) => {
                    tokio::time::sleep(*pause).await;
                }
                _ => return Err(failure.into()),
            }
        }
    }
}
