//! Joining participants (policy-based recording): who answers, the bot or the default, and that it is one of them.
//!
//! The notification is answered in the response to it, while the call's task may still be busy with something else. So
//! who comes first is decided here, between the bot, which orders an answer, and the webhook, which answers by the
//! default once the time is over. Either is put away with the call before anything is sent: the bot's by its commit, the
//! default in the call's inbox, where the task finds it and tells the call.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest;
use callflow_core::command::RejectReason;
use callflow_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::delivery::Accepted;
use crate::session::{JoiningAnswer, Order, OrderError, Session, Step};
use crate::store::InboxEntry;

/// How joining participants are answered where the bot does not do it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joining {
    /// How long the bot may take, from the time at which the notification came: 3 seconds by default.
    ///
    /// The service's own limit is not documented. Core lets none wait for longer than the invitation itself may, which
    /// is 5 seconds.
    ///
    /// Source: Graph docs, call: answer (example 3), for the invitation.
    pub within: Duration,
    /// The answer afterwards: by default a rejection as busy, so that nobody counts as recorded whom no bot has taken.
    pub default: JoiningAnswer,
}

impl Default for Joining {
    fn default() -> Self {
        Self { within: Duration::from_secs(3), default: JoiningAnswer::Reject(RejectReason::Busy) }
    }
}

/// Tells one notification from another, and the same for each repeat of it.
///
/// It is made of the id that the service gave the message, where it gave one, of all that came with it, and of the place
/// among the entries: two participants who join have notifications that may differ in their id alone.
///
/// Source: assumed; if a repeat comes with another id, the bot is asked again.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct JoiningKey(String);

impl JoiningKey {
    pub(crate) fn new(message_id: Option<&str>, body: &str, place: usize) -> Self {
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(message_id.unwrap_or_default().as_bytes());
        hash.update(format!("\n{place}\n").as_bytes());
        hash.update(body.as_bytes());
        Self(hash.finish().as_ref().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}")))
    }

    pub(super) fn of(accepted: &Accepted, place: usize) -> Self {
        Self::new(accepted.message_id.as_deref(), &accepted.body, place)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// That a notification was answered by the default, as the inbox keeps it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Defaulted {
    pub(crate) joining: JoiningKey,
    pub(crate) answer: JoiningAnswer,
}

impl Defaulted {
    /// Reads it; `None` where the entry is a notification.
    pub(super) fn read(entry: &InboxEntry) -> Option<Self> {
        serde_json::from_slice(&entry.bytes).ok()
    }
}

enum Decided {
    NotYet,
    /// By the bot; what it answered is being put away.
    ByBot,
    ByDefault(JoiningAnswer),
}

struct Slot {
    decided: Decided,
    waiters: Vec<oneshot::Sender<String>>,
}

/// The notifications that are being answered.
#[derive(Clone, Default)]
pub(crate) struct Desk {
    slots: Arc<Mutex<HashMap<JoiningKey, Slot>>>,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").finish_non_exhaustive()
    }
}

/// A response that waits for its answer.
pub(crate) struct Waiter {
    desk: Desk,
    key: JoiningKey,
    pub(crate) answer: oneshot::Receiver<String>,
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.answer.close();
        let mut slots = self.desk.slots();
        if let Some(slot) = slots.get_mut(&self.key) {
            slot.waiters.retain(|waiter| !waiter.is_closed());
            if slot.waiters.is_empty() && matches!(slot.decided, Decided::NotYet) {
                slots.remove(&self.key);
            }
        }
    }
}

impl Desk {
    fn slots(&self) -> MutexGuard<'_, HashMap<JoiningKey, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the answer.
    ///
    /// # Errors
    /// The answer, where the default was taken already.
    pub(crate) fn wait(&self, key: &JoiningKey) -> Result<Waiter, JoiningAnswer> {
        let mut slots = self.slots();
        let slot = slots.entry(key.clone()).or_insert_with(Slot::new);
        if let Decided::ByDefault(answer) = &slot.decided {
            return Err(answer.clone());
        }
        let (tell, answer) = oneshot::channel();
        slot.waiters.push(tell);
        Ok(Waiter { desk: self.clone(), key: key.clone(), answer })
    }

    /// Takes the default, unless the bot has answered. Says whether the default it is.
    pub(super) fn take_default(&self, key: &JoiningKey, answer: &JoiningAnswer) -> bool {
        let mut slots = self.slots();
        // None: the bot's answer was told this moment.
        let Some(slot) = slots.get_mut(key) else { return false };
        match slot.decided {
            Decided::NotYet => {
                slot.decided = Decided::ByDefault(answer.clone());
                true
            }
            Decided::ByBot => false,
            Decided::ByDefault(_) => true,
        }
    }

    /// Takes in that the default was taken before a restart.
    pub(super) fn learn_default(&self, key: &JoiningKey, answer: &JoiningAnswer) {
        let mut slots = self.slots();
        let slot = slots.entry(key.clone()).or_insert_with(Slot::new);
        slot.decided = Decided::ByDefault(answer.clone());
    }

    /// Takes it for the bot, unless the default was taken, which is given then.
    pub(super) fn take_for_bot(&self, key: &str) -> Option<JoiningAnswer> {
        let mut slots = self.slots();
        let slot = slots.entry(JoiningKey(key.to_owned())).or_insert_with(Slot::new);
        if let Decided::ByDefault(answer) = &slot.decided {
            return Some(answer.clone());
        }
        slot.decided = Decided::ByBot;
        None
    }

    /// The answer, where it is the default.
    pub(super) fn default_of(&self, key: &JoiningKey) -> Option<JoiningAnswer> {
        match &self.slots().get(key)?.decided {
            Decided::ByDefault(answer) => Some(answer.clone()),
            Decided::NotYet | Decided::ByBot => None,
        }
    }

    /// The bot did not answer after all.
    fn give_back(&self, key: &str) {
        let mut slots = self.slots();
        if let Some(slot) = slots.get_mut(&JoiningKey(key.to_owned())) {
            slot.decided = Decided::NotYet;
        }
    }

    /// Forgets a notification that nobody handles.
    pub(super) fn forget(&self, key: &JoiningKey) {
        self.slots().remove(key);
    }

    /// Tells the responses that wait what `session` answered: it is put away.
    pub(super) fn tell(&self, session: &Session) {
        let mut slots = self.slots();
        slots.retain(|key, slot| match session.joining_answer(key.as_str()) {
            Some(answer) => {
                for waiter in slot.waiters.drain(..) {
                    // Who asked may have gone.
                    let _ = waiter.send(answer.body());
                }
                false
            }
            None => true,
        });
    }

    /// Carries out what the bot orders. Its answer to a joining participant goes to the oldest that was not answered by the
    /// default; the call is told of those that were, in the first value.
    pub(crate) fn order(
        &self,
        session: &mut Session,
        now: Timestamp,
        order: &Order,
    ) -> (Step, Result<Step, OrderError>) {
        let mut before = Step::none();
        if !matches!(order, Order::AnswerJoining(_)) {
            return (before, session.order(now, order));
        }
        loop {
            let Some(oldest) = session.joinings_waiting().next().map(str::to_owned) else { break };
            let Some(answer) = self.take_for_bot(&oldest) else {
                let ordered = session.order(now, order);
                if ordered.is_err() {
                    self.give_back(&oldest);
                }
                return (before, ordered);
            };
            before = before.followed_by(session.answer_joining(now, &oldest, &answer));
        }
        (before, session.order(now, order))
    }

    /// Answers everything that still waits, since the call does not wait any more.
    pub(super) fn close(&self, session: &mut Session, now: Timestamp, default: &JoiningAnswer) -> Step {
        let mut step = Step::none();
        let waiting: Vec<_> = session.joinings_waiting().map(str::to_owned).collect();
        for key in waiting {
            let answer = self.take_for_bot(&key).unwrap_or_else(|| default.clone());
            step = step.followed_by(session.answer_joining(now, &key, &answer));
        }
        step
    }
}

impl Slot {
    fn new() -> Self {
        Self { decided: Decided::NotYet, waiters: Vec::new() }
    }
}
