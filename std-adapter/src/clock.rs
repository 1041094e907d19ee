//! The adapter's clock: milliseconds since the Unix epoch, steady for as long as the process runs.
//!
//! It reads the system's time once and then counts with tokio's monotonic clock. So a paused tokio clock is the whole
//! adapter's clock in tests, and a system clock that is set back while calls are up moves no deadline.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// Tells the time to everything in one process. Clones agree.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin_millis: u64,
    started: Instant,
}

impl Clock {
    /// A clock that starts at the system's time now.
    pub fn system() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Self { origin_millis: millis(since_epoch), started: Instant::now() }
    }

    /// Milliseconds since the Unix epoch.
    pub fn now_millis(&self) -> u64 {
        self.origin_millis.saturating_add(millis(self.started.elapsed()))
    }

    /// Seconds since the Unix epoch, as tokens state them.
    pub fn now_seconds(&self) -> u64 {
        self.now_millis() / 1000
    }

    /// The tokio instant at which this clock shows `at_millis`; now, if that is past, and a year from now at most.
    pub fn instant(&self, at_millis: u64) -> Instant {
        let wait = Duration::from_millis(at_millis.saturating_sub(self.now_millis())).min(FURTHEST);
        Instant::now().checked_add(wait).unwrap_or_else(Instant::now)
    }
}

/// No deadline is set further ahead: who wakes up too early looks again.
const FURTHEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// Whole milliseconds of `duration`, at most `u64::MAX`.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A moment as HTTP writes it, for messages.
pub(crate) fn in_words(millis: u64) -> String {
    // Later than httpdate knows.
    const LAST_YEAR: Duration = Duration::from_secs(253_402_300_799);
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(millis).min(LAST_YEAR))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_paused_clock_moves_only_as_it_is_moved() {
        let clock = Clock::system();
        let before = clock.now_millis();
        tokio::time::advance(Duration::from_secs(900)).await;
        assert_eq!(clock.now_millis() - before, 900_000);
        assert_eq!(clock.instant(before), Instant::now());
        assert_eq!(clock.instant(u64::MAX), Instant::now() + FURTHEST);
    }
}
