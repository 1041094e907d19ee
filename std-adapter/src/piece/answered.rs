//! Who took a call that the bot placed.

use std::time::Duration;

use callflow_core::event::Event;
use callflow_core::identity::{Answerer, Routing};
use serde::{Deserialize, Serialize};

use super::timer::Timer;
use super::{Failure, Piece, Progress};
use crate::bot::Call;

/// Who took a call, as far as the service tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    /// Who; none where the service does not say.
    pub by: Option<Answerer>,
    /// By which detour; none where there was none, or the service does not say.
    pub routing: Option<Routing>,
}

impl Reached {
    /// Whether voice mail took it, as far as the service tells. It does not always: who must be a person is asked to
    /// [`Confirm`](super::Confirm).
    pub fn is_voice_mail(&self) -> bool {
        self.by == Some(Answerer::VoiceMail)
    }
}

/// Waits until the service says who took the call; where it does not, for 2 seconds from when the call is established.
///
/// Source: field captures (`answeredBy`, `callRoutes`); no page explains them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhoAnswered {
    patience: Duration,
    timer: Timer,
}

impl Default for WhoAnswered {
    fn default() -> Self {
        Self { patience: Duration::from_secs(2), timer: Timer::default() }
    }
}

impl WhoAnswered {
    fn known(call: &Call<'_>) -> Option<Reached> {
        call.machine().answered_by().map(|by| Reached { by: Some(by), routing: None })
    }
}

impl Piece for WhoAnswered {
    type Output = Reached;

    fn begin(&mut self, call: &mut Call<'_>) -> Progress<Reached> {
        if let Some(end) = call.end() {
            return Progress::Done(Err(Failure::Ended(end)));
        }
        if let Some(reached) = Self::known(call) {
            return Progress::Done(Ok(reached));
        }
        if call.machine().was_ever_established() {
            self.timer.start(call, self.patience);
        }
        Progress::Pending
    }

    fn on_event(&mut self, call: &mut Call<'_>, event: &Event) -> Progress<Reached> {
        match *event {
            Event::Reached { by: by @ Some(_), routing } => Progress::Done(Ok(Reached { by, routing })),
            Event::Established => {
                self.timer.start(call, self.patience);
                Progress::Pending
            }
            Event::Ended(end) => Progress::Done(Err(Failure::Ended(end))),
            _ => Progress::Pending,
        }
    }

    fn on_wake(&mut self, call: &mut Call<'_>) -> Progress<Reached> {
        if self.timer.has_come(call) { Progress::Done(Ok(Reached::default())) } else { Progress::Pending }
    }
}

#[cfg(test)]
mod tests {
    use callflow_core::id::CallKey;
    use callflow_core::time::Timestamp;

    use super::*;
    use crate::runtime::joining::Desk;
    use crate::session::{Placement, Session, Settings, Step, Target};
    use crate::store::CallName;

    #[test]
    fn what_the_service_says_is_given_and_what_it_does_not_say_is_not_waited_for_long() {
        use Answerer::{User, VoiceMail};
        let reached = |by, routing| Event::Reached { by, routing };
        let is_by = |by| Progress::Done(Ok(Reached { by, routing: None }));
        let forwarded = Reached { by: Some(VoiceMail), routing: Some(Routing::Forwarded) };
        // The events, and what they lead to; the moment comes where none does.
        let cases = [
            (vec![reached(Some(User), None), Event::Established], is_by(Some(User))),
            (
                vec![Event::Established, reached(Some(VoiceMail), Some(Routing::Forwarded))],
                Progress::Done(Ok(forwarded)),
            ),
            // A detour alone does not say who it is.
            (vec![Event::Established, reached(None, Some(Routing::Lookup))], is_by(None)),
            (vec![Event::Established], is_by(None)),
        ];
        let settings = Settings::new("https://bot.example/calls/1");
        let placement = Placement::from(Target::User("ada".to_owned()));
        let (name, desk, at) = (CallName::try_new("c-1").unwrap(), Desk::default(), Timestamp::from_millis);
        for (events, expected) in cases {
            let (mut session, _) = Session::place(at(0), CallKey::new(1), &placement, &settings).unwrap();
            let mut piece = WhoAnswered::default();
            let mut call = Call::new(&name, &mut session, at(0), &desk, Step::none());
            let mut progress = piece.begin(&mut call);
            for event in &events {
                if progress == Progress::Pending {
                    progress = piece.on_event(&mut call, event);
                }
            }
            for millis in [1999, 2000] {
                if progress == Progress::Pending {
                    let mut call = Call::new(&name, &mut session, at(millis), &desk, Step::none());
                    progress = piece.on_wake(&mut call);
                    assert_eq!(progress == Progress::Pending, millis < 2000);
                }
            }
            assert_eq!(progress, expected, "{events:?}");
        }
        assert!(forwarded.is_voice_mail() && !Reached::default().is_voice_mail());
    }
}
