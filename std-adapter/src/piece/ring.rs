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
