//! A deadline of a piece: kept with it, and asked of the call.

use std::time::Duration;

use callflow_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::bot::Call;

/// A deadline, or none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Timer {
    due: Option<u64>,
    /// The moment that was asked for last, and has not come: it need not be asked for again by who waits for longer.
    asked: Option<u64>,
}

impl Timer {
    pub(super) fn start(&mut self, call: &mut Call<'_>, wait: Duration) {
        let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let due = call.now().as_millis().saturating_add(wait);
        self.due = Some(due);
        if self.asked.is_none_or(|asked| asked > due) {
            self.ask(call, due);
        }
    }

    pub(super) fn stop(&mut self) {
        self.due = None;
    }

    pub(super) fn is_running(&self) -> bool {
        self.due.is_some()
    }

    /// Whether it has come, once. Else it is asked for again, since somebody else's moment may have come instead.
    pub(super) fn has_come(&mut self, call: &mut Call<'_>) -> bool {
        match self.due {
            Some(due) if due <= call.now().as_millis() => {
                *self = Self::default();
                true
            }
            Some(due) => {
                self.ask(call, due);
                false
            }
            None => {
                self.asked = None;
                false
            }
        }
    }

    fn ask(&mut self, call: &mut Call<'_>, due: u64) {
        self.asked = Some(due);
        call.wake_at(Timestamp::from_millis(due));
    }
}
