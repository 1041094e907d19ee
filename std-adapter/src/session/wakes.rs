//! When the handler of a call asked to be called again: kept with the call, so that a restart loses none.

use callflow_core::time::Timestamp;

use super::Session;

/// How many moments are kept of a call.
const KEPT: usize = 32;

impl Session {
    /// Keeps a moment. Where there are too many the latest goes: whoever asked for it is called earlier, and asks again.
    pub(crate) fn wake_at(&mut self, at: Timestamp) {
        let wakes = &mut self.texts.wakes;
        wakes.insert(at.as_millis());
        while wakes.len() > KEPT {
            wakes.pop_last();
        }
    }

    /// The next of them.
    pub(crate) fn next_wake(&self) -> Option<u64> {
        self.texts.wakes.first().copied()
    }

    /// Forgets those that have come.
    pub(crate) fn take_wakes(&mut self, now: Timestamp) {
        self.texts.wakes.retain(|at| *at > now.as_millis());
    }

    /// Whether the bot has asked to be told of tones.
    pub(crate) fn listens(&self) -> bool {
        self.texts.listens
    }

    pub(crate) fn set_listens(&mut self, listens: bool) {
        self.texts.listens = listens;
    }
}

#[cfg(test)]
mod tests {
    use callflow_core::id::CallKey;

    use super::*;
    use crate::session::{Placement, Settings, Target};

    #[test]
    fn the_earliest_moments_are_kept_and_outlive_the_process() {
        let settings = Settings::new("https://bot.example/calls/1");
        let placement = Placement::from(Target::User("ada".to_owned()));
        let (mut session, _) =
            Session::place(Timestamp::from_millis(0), CallKey::new(1), &placement, &settings).unwrap();
        assert_eq!(session.next_wake(), None);
        for at in (1..=40).rev() {
            session.wake_at(Timestamp::from_millis(at * 10));
        }
        let (call, texts) = session.to_bytes().unwrap();
        let mut session = Session::from_bytes(&call, &texts).unwrap();
        assert_eq!(session.texts.wakes.len(), KEPT);
        assert_eq!(session.next_wake(), Some(10));
        session.take_wakes(Timestamp::from_millis(19));
        assert_eq!(session.next_wake(), Some(20));
        session.take_wakes(Timestamp::from_millis(9999));
        assert_eq!(session.next_wake(), None);
    }
}
