//! The response to the notification that a participant is joining: it waits for the bot's answer, or takes the default.

use std::sync::Arc;

use tokio::time::{Instant, timeout, timeout_at};

use super::{Refusal, of_store};
use crate::runtime::Shared;
use crate::runtime::delivery::Accepted;
use crate::runtime::joining::{JoiningKey, Waiter};
use crate::store::CallName;

/// What a joining participant is answered.
pub(super) enum Asked {
    /// What he was answered before.
    Answered(String),
    /// The bot is being asked.
    Open(JoiningKey, Waiter),
}

/// Begins to wait for the answer to the entry at `place`, before it is put into the inbox.
pub(super) async fn ask(
    shared: &Shared,
    name: &CallName,
    accepted: &Accepted,
    place: usize,
) -> Result<Asked, Refusal> {
    let key = JoiningKey::new(accepted.message_id.as_deref(), &accepted.body, place);
    // In this order: what is put away after the look into the store is told.
    let waiter = match shared.desk.wait(&key) {
        Ok(waiter) => waiter,
        Err(answer) => return Ok(Asked::Answered(answer.body())),
    };
    let answer = shared.joining_answer(name, &key).await.map_err(of_store)?;
    Ok(match answer {
        Some(answer) => Asked::Answered(answer.body()),
        None => Asked::Open(key, waiter),
    })
}

impl Asked {
    pub(super) fn is_open(&self) -> bool {
        matches!(self, Self::Open(..))
    }

    /// Waits until the time is over, takes the default then, and gives the body of the response.
    pub(super) async fn answer(
        self,
        shared: &Arc<Shared>,
        name: &CallName,
        until: Instant,
    ) -> Result<String, Refusal> {
        let (key, mut waiter) = match self {
            Self::Answered(body) => return Ok(body),
            Self::Open(key, waiter) => (key, waiter),
        };
        if let Ok(Ok(body)) = timeout_at(until, &mut waiter.answer).await {
            return Ok(body);
        }
        if shared.answer_by_default(name, &key).await.map_err(of_store)? {
            tracing::info!(call = %name, "a joining participant is answered by the default");
            return Ok(shared.config.joining.default.body());
        }
        // The bot was first, and its answer is being put away.
        match timeout(shared.config.joining.within, &mut waiter.answer).await {
            Ok(Ok(body)) => Ok(body),
            Ok(Err(_)) | Err(_) => Err(Refusal::JoiningUnsettled),
        }
    }
}
