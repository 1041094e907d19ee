//! How much an app may do at a time, and in a month.
//!
//! Source: Graph docs, Microsoft Graph service-specific throttling limits, cloud communications.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::error::Error;

/// How long a month is taken to be.
const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The limits of an app; those that the documentation gives are the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttling {
    /// How many calls it may have at a time: 100.
    pub concurrent_calls: usize,
    /// How many calls it may place in a month: 10,000.
    pub calls_a_month: usize,
    /// How many meetings of one person may be made or looked up in a month: 2,000.
    pub meetings_a_month: usize,
}

impl Default for Throttling {
    fn default() -> Self {
        Self { concurrent_calls: 100, calls_a_month: 10_000, meetings_a_month: 2_000 }
    }
}

/// What apps did so far.
#[derive(Debug, Default)]
pub(super) struct Meters {
    /// By app.
    live: Mutex<HashMap<String, usize>>,
    /// When; by who did, or was done for.
    placed: Mutex<HashMap<String, VecDeque<u64>>>,
    meetings: Mutex<HashMap<String, VecDeque<u64>>>,
}

impl Meters {
    /// A call of the app began.
    pub(super) fn begins(&self, app_id: &str) {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        let count = live.entry(app_id.to_owned()).or_default();
        *count = count.saturating_add(1);
    }

    /// A call of the app ended.
    pub(super) fn ends(&self, app_id: &str) {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = live.get_mut(app_id) {
            *count = count.saturating_sub(1);
        }
    }

    /// Whether the app may place another call `now`; it is counted.
    pub(super) fn place(&self, app_id: &str, limits: Throttling, now: u64) -> Result<(), Error> {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner).get(app_id).copied();
        if live.unwrap_or_default() >= limits.concurrent_calls {
            let most = limits.concurrent_calls;
            return Err(Error::throttled(format!("An app has {most} calls at a time at most.")));
        }
        let words = "An app places so many calls in a month at most";
        count(&self.placed, app_id, (limits.calls_a_month, now), words)
    }

    /// Whether another meeting of this person may be made or looked up `now`; it is counted.
    pub(super) fn meet(&self, person_id: &str, limits: Throttling, now: u64) -> Result<(), Error> {
        let words = "For one person so many meetings are served in a month at most";
        count(&self.meetings, person_id, (limits.meetings_a_month, now), words)
    }
}

fn count(
    meter: &Mutex<HashMap<String, VecDeque<u64>>>,
    whose: &str,
    (most, now): (usize, u64),
    words: &str,
) -> Result<(), Error> {
    let month = u64::try_from(MONTH.as_millis()).unwrap_or(u64::MAX);
    let mut meter = meter.lock().unwrap_or_else(PoisonError::into_inner);
    let times = meter.entry(whose.to_owned()).or_default();
    while times.front().is_some_and(|at| now.saturating_sub(*at) >= month) {
        times.pop_front();
    }
    if times.len() >= most {
        return Err(Error::throttled(format!("{words}: {most}.")));
    }
    times.push_back(now);
    Ok(())
}
