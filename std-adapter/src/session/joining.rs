//! Notifications that a participant is joining: which of them wait for their answer, and what the others were answered.
//!
//! Each has a key of the embedder's, by which a repeat is recognised: it changes nothing, and gets the same answer.
//!
//! Source: Graph docs, participantJoiningNotification.

use serde::{Deserialize, Serialize};

use super::texts::keep;
use crate::wire::order::JoiningAnswer;

/// The notifications of one call: of each kind the newest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Joinings {
    /// In the order in which they came.
    waiting: Vec<String>,
    answered: Vec<(String, JoiningAnswer)>,
}

impl Joinings {
    /// What the notification of `key` was answered.
    pub(super) fn answer(&self, key: &str) -> Option<&JoiningAnswer> {
        self.answered.iter().find(|(of, _)| of == key).map(|(_, answer)| answer)
    }

    pub(super) fn waiting(&self) -> impl Iterator<Item = &str> {
        self.waiting.iter().map(String::as_str)
    }

    pub(super) fn knows(&self, key: &str) -> bool {
        self.answer(key).is_some() || self.waiting().any(|waiting| waiting == key)
    }

    /// Lets one wait behind the others.
    pub(super) fn wait(&mut self, key: &str) {
        keep(&mut self.waiting, key.to_owned());
    }

    /// Keeps what the one of `key` is answered: the first answer stays.
    pub(super) fn conclude(&mut self, key: &str, answer: &JoiningAnswer) {
        self.waiting.retain(|waiting| waiting != key);
        if self.answer(key).is_none() {
            keep(&mut self.answered, (key.to_owned(), answer.clone()));
        }
    }

    /// Keeps what the oldest is answered.
    pub(super) fn conclude_oldest(&mut self, answer: &JoiningAnswer) {
        if let Some(oldest) = self.waiting.first().cloned() {
            self.conclude(&oldest, answer);
        }
    }

    /// Puts the one of `key` before the others, where it waits.
    pub(super) fn prefer(&mut self, key: &str) {
        // False before true, and otherwise as they are.
        self.waiting.sort_by_key(|waiting| waiting != key);
    }
}

#[cfg(test)]
mod tests {
    use callflow_core::command::RejectReason;

    use super::super::texts::KEPT;
    use super::*;

    #[test]
    fn the_first_answer_stays_and_the_newest_are_kept() {
        let mut joinings = Joinings::default();
        joinings.wait("1");
        joinings.conclude("1", &JoiningAnswer::Accept);
        joinings.conclude("1", &JoiningAnswer::Reject(RejectReason::Busy));
        assert_eq!(joinings.answer("1"), Some(&JoiningAnswer::Accept));
        for key in 2..=KEPT {
            joinings.conclude(&key.to_string(), &JoiningAnswer::Accept);
        }
        assert!(joinings.knows("1"), "as many as are kept");
        joinings.conclude("one more", &JoiningAnswer::Accept);
        assert!(!joinings.knows("1") && joinings.knows("2"));
    }
}
