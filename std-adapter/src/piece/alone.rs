//! A bot that does not stay where everybody else has left.

use std::time::Duration;

use callflow_core::event::Event;
use serde::{Deserialize, Serialize};

use super::timer::Timer;
use super::{Failure, Piece, Progress};
use crate::bot::Call;

/// Hangs up once everybody else is known to have left, and nobody came back for a while: 10 seconds by default.
///
/// It goes by confirmed leaves only: whom a roster merely lacks counts as there, and so does who is invited or in the lobby.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaveWhenAlone {
    grace: Duration,
    timer: Timer,
}

impl Default for LeaveWhenAlone {
    fn default() -> Self {
        Self::after(Duration::from_secs(10))
    }
}

impl LeaveWhenAlone {
    /// Hangs up when the bot has been alone for this long.
    pub fn after(grace: Duration) -> Self {
        Self { grace, timer: Timer::default() }
    }

    fn look(&mut self, call: &mut Call<'_>) {
        if !call.machine().is_alone() {
            self.timer.stop();
        } else if !self.timer.is_running() {
            self.timer.start(call, self.grace);
        }
    }
}

impl Piece for LeaveWhenAlone {
    type Output = ();

    fn begin(&mut self, call: &mut Call<'_>) -> Progress<()> {
        if let Some(end) = call.end() {
            return Progress::Done(Err(Failure::Ended(end)));
        }
        self.look(call);
        Progress::Pending
    }

    fn on_event(&mut self, call: &mut Call<'_>, event: &Event) -> Progress<()> {
        if let Event::Ended(end) = *event {
            return Progress::Done(Err(Failure::Ended(end)));
        }
        self.look(call);
        Progress::Pending
    }

    fn on_wake(&mut self, call: &mut Call<'_>) -> Progress<()> {
        if !self.timer.has_come(call) {
            return Progress::Pending;
        }
        Progress::Done(call.hang_up().map(drop).map_err(Failure::from))
    }
}
