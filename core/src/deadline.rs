//! Deadlines: when the call wants to be told the time, and why.
//!
//! One place for each kind; the next deadline is the earliest of them. "Never" is `None`. A tick before it changes
//! nothing; a tick at it moves or clears it.

use crate::time::{Span, Timestamp};
use crate::words::words;

words! {
    /// Why a call wants to be told the time.
    pub enum Kind {
        /// The limit for answering or rejecting passes.
        Answer = "answer",
        /// A keepAlive is due.
        KeepAlive = "keepAlive",
        /// What was held for audio to become active is let go, though no audio was told of.
        Media = "media",
        /// News that a request should have caused did not come.
        News = "news",
        /// The call is asked for.
        Ask = "ask",
        /// Nothing was heard of a call whose creation was asked for.
        Creation = "creation",
    }
}

/// A deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Deadline {
    /// When to hand in a tick.
    pub at: Timestamp,
    /// What for.
    pub kind: Kind,
}

/// How long an incoming call waits to be answered or rejected.
///
/// Source: Graph docs, call: answer.
pub const ANSWER: Span = Span::from_secs(15);
/// How long it waits where the invitation is for policy-based recording.
///
/// Source: Graph docs, call: answer (example 3).
pub const ANSWER_POLICY_RECORDING: Span = Span::from_secs(5);
/// How often a call is kept alive. The service clears up after 45 minutes without.
///
/// Source: Graph docs, call: keepAlive.
pub const KEEP_ALIVE: Span = Span::from_minutes(15);
/// How soon a keepAlive is tried again after one that failed.
///
/// Source: assumed; short enough for several tries within the 45 minutes.
pub const KEEP_ALIVE_RETRY: Span = Span::from_minutes(2);
/// How long after `established` audio is waited for before held requests are let go.
///
/// Source: assumed; where audio was active and the news of it lost, nothing else would let them go. If audio is not
/// active, the service refuses the request, and the operation ends so.
pub const MEDIA: Span = Span::from_secs(10);
/// How long after an answer, a rejection or a hang-up was taken news of it is waited for before the call is asked for.
///
/// Source: assumed; field reports have calls whose news never came, and asking is harmless.
pub const NEWS: Span = Span::from_secs(15);
/// How long the creation of a call may stay without any news, where its answer was lost.
///
/// Source: assumed; longer than the 115 s that a callee may ring (Graph docs, call: create, beta).
pub const CREATION: Span = Span::from_secs(180);

/// The deadlines of one call, one a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Deadlines([Option<Timestamp>; Kind::COUNT]);

impl Deadlines {
    /// The earliest; of several at once the one whose kind comes first.
    pub fn next(&self) -> Option<Deadline> {
        let set =
            Kind::ALL.iter().zip(&self.0).filter_map(|(kind, at)| at.map(|at| Deadline { at, kind: *kind }));
        set.min_by_key(|deadline| deadline.at)
    }

    /// When the deadline of this kind is.
    pub fn of(&self, kind: Kind) -> Option<Timestamp> {
        self.0.get(kind.index()).copied().flatten()
    }

    /// Sets the deadline of this kind.
    pub(crate) fn set(&mut self, kind: Kind, at: Timestamp) {
        self.put(kind, Some(at));
    }

    /// Clears the deadline of this kind.
    pub(crate) fn clear(&mut self, kind: Kind) {
        self.put(kind, None);
    }

    /// Clears them all.
    pub(crate) fn clear_all(&mut self) {
        *self = Self::default();
    }

    /// Moves them all from one origin of time to another.
    pub(crate) fn rebase(&mut self, old_now: Timestamp, new_now: Timestamp) {
        for at in self.0.iter_mut().flatten() {
            *at = new_now.plus(at.since(old_now));
        }
    }

    fn put(&mut self, kind: Kind, at: Option<Timestamp>) {
        if let Some(place) = self.0.get_mut(kind.index()) {
            *place = at;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_is_next_and_says_why() {
        let mut deadlines = Deadlines::default();
        assert_eq!(deadlines.next(), None);
        deadlines.set(Kind::KeepAlive, Timestamp::from_millis(900_000));
        deadlines.set(Kind::Answer, Timestamp::from_millis(15_000));
        assert_eq!(
            deadlines.next(),
            Some(Deadline { at: Timestamp::from_millis(15_000), kind: Kind::Answer })
        );
        deadlines.rebase(Timestamp::from_millis(5_000), Timestamp::from_millis(0));
        deadlines.clear(Kind::Answer);
        assert_eq!(
            deadlines.next(),
            Some(Deadline { at: Timestamp::from_millis(895_000), kind: Kind::KeepAlive })
        );
    }
}
