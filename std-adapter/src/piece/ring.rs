//! Somebody who is rung, until he picks up.

use std::time::Duration;

use callflow_core::event::Event;
use serde::{Deserialize, Serialize};

use super::timer::Timer;
use super::{Failure, Piece, Progress, Reached, WhoAnswered};
use crate::bot::Call;

/// Rings for so long at most, on a call that the bot placed, and then waits until it is known who took it, as
/// [`WhoAnswered`] does.
///
/// Where nobody takes it in time it is [`Failure::TimedOut`], and rings on: [`Farewell`](super::Farewell) hangs up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ring {
    within: Duration,
    timer: Timer,
    who: WhoAnswered,
    is_up: bool,
    reached: Option<Reached>,
}

impl Default for Ring {
    /// For 45 seconds.
    fn default() -> Self {
        Self::within(Duration::from_secs(45))
    }
}

impl Ring {
    /// For so long at most, from when it begins.
    pub fn within(within: Duration) -> Self {
        Self { within, timer: Timer::default(), who: WhoAnswered::default(), is_up: false, reached: None }
    }

    /// Who took it may be told before it is established.
    fn take(&mut self, who: Progress<Reached>) -> Progress<Reached> {
        match who {
            Progress::Done(Ok(reached)) => self.reached = Some(reached),
            other => return other,
        }
        match self.reached {
            Some(reached) if self.is_up => Progress::Done(Ok(reached)),
            Some(_) | None => Progress::Pending,
        }
    }
}

impl Piece for Ring {
    type Output = Reached;

    fn begin(&mut self, call: &mut Call<'_>) -> Progress<Reached> {
        self.is_up = call.machine().was_ever_established();
        if !self.is_up {
            self.timer.start(call, self.within);
        }
        let who = self.who.begin(call);
        self.take(who)
    }

    fn on_event(&mut self, call: &mut Call<'_>, event: &Event) -> Progress<Reached> {
        match *event {
            Event::CommandFailed { action, status, code, .. } if call.id().is_none() => {
                return Progress::Done(Err(Failure::of_command(call, action, status, code)));
            }
            Event::Established => {
                self.is_up = true;
                self.timer.stop();
            }
            _ => {}
        }
        match self.reached {
            Some(reached) if self.is_up => Progress::Done(Ok(reached)),
            _ => {
                let who = self.who.on_event(call, event);
                self.take(who)
            }
        }
    }

    fn on_wake(&mut self, call: &mut Call<'_>) -> Progress<Reached> {
        if !self.is_up {
            let is_over = self.timer.has_come(call);
            return if is_over { Progress::Done(Err(Failure::TimedOut)) } else { Progress::Pending };
        }
        let who = self.who.on_wake(call);
        self.take(who)
    }
}

#[cfg(test)]
mod tests {
    use callflow_core::id::CallKey;
    use callflow_core::identity::Answerer;
    use callflow_core::time::Timestamp;

    use super::*;
    use crate::runtime::joining::Desk;
    use crate::session::{Placement, Session, Settings, Step, Target};
    use crate::store::CallName;

    #[test]
    fn it_is_done_when_the_call_is_up_and_it_is_known_who_took_it_in_either_order() {
        let reached = Event::Reached { by: Some(Answerer::User), routing: None };
        let by = |by| Progress::Done(Ok(Reached { by, routing: None }));
        // What happens, and how it comes out when 10 seconds and 2 more have passed.
        let cases = [
            (vec![reached, Event::Established], by(Some(Answerer::User))),
            (vec![Event::Established, reached], by(Some(Answerer::User))),
            (vec![Event::Established], by(None)),
            (vec![reached], Progress::Done(Err(Failure::TimedOut))),
            (Vec::new(), Progress::Done(Err(Failure::TimedOut))),
        ];
        let settings = Settings::new("https://bot.example/calls/1");
        let placement = Placement::from(Target::User("ada".to_owned()));
        let (name, desk, at) = (CallName::try_new("c-1").unwrap(), Desk::default(), Timestamp::from_millis);
        for (events, expected) in cases {
            let (mut session, _) = Session::place(at(0), CallKey::new(1), &placement, &settings).unwrap();
            let mut piece = Ring::within(Duration::from_secs(10));
            let mut call = Call::new(&name, &mut session, at(0), &desk, Step::none());
            let mut progress = piece.begin(&mut call);
            for event in &events {
                assert_eq!(progress, Progress::Pending, "{events:?}");
                progress = piece.on_event(&mut call, event);
            }
            for millis in [1999, 2000, 9999, 10_000] {
                if progress == Progress::Pending {
                    let mut call = Call::new(&name, &mut session, at(millis), &desk, Step::none());
                    progress = piece.on_wake(&mut call);
                    let is_early =
                        millis < if events.is_empty() || events == [reached] { 10_000 } else { 2000 };
                    assert_eq!(progress == Progress::Pending, is_early, "{events:?} {millis}");
                }
            }
            assert_eq!(progress, expected, "{events:?}");
        }
    }
}
