//! How many calls an app may have: at the same time, and in a month.
//!
//! Calls in both directions count. The month's count is kept in the store, and begins with the month in UTC; the calls at
//! the same time are those of this bot that have not ended. At four fifths of a limit a warning is given once. Beyond a
//! limit calls are placed all the same, unless [`Enforce::Refuse`] is set: Graph knows better how much is used. Incoming
//! calls are never refused by it.
//!
//! A call counts when it begins, whatever becomes of it: with the commit that begins it.
//!
//! Source: Graph docs, Microsoft Graph service-specific throttling limits (cloud communications: 10,000 calls a month and
//! 100 concurrent calls for each app). That a month is a calendar month in UTC is assumed; if it is wrong, a call is
//! refused, or warned of, that would be within the limit.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::store::CallName;

/// The limits, and whether they are enforced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Calls at the same time.
    pub concurrent: u64,
    /// Calls in a month.
    pub monthly: u64,
    /// What becomes of a call that would exceed them.
    pub enforce: Enforce,
}

impl Default for Quota {
    /// The documented limits, not enforced.
    fn default() -> Self {
        Self { concurrent: 100, monthly: 10_000, enforce: Enforce::Warn }
    }
}

/// What becomes of a call that would exceed a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enforce {
    /// It is placed: Graph decides.
    Warn,
    /// It is not placed.
    Refuse,
}

/// A limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum QuotaLimit {
    /// Calls at the same time.
    Concurrent,
    /// Calls in a month.
    Monthly,
}

impl std::fmt::Display for QuotaLimit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Concurrent => "calls at the same time",
            Self::Monthly => "calls a month",
        })
    }
}

/// How much of a limit is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Which limit.
    pub limit: QuotaLimit,
    /// How many calls count.
    pub used: u64,
    /// How many may.
    pub of: u64,
}

/// A call would exceed a limit: nobody was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an app may have {} {}, and has {}; {}", .usage.of, .usage.limit, .usage.used, way_out(*.free_at))]
pub struct QuotaExceeded {
    /// The limit.
    pub usage: Usage,
    /// When it is free again, in milliseconds since the Unix epoch; none where that is when a call ends.
    pub free_at: Option<u64>,
}

fn way_out(free_at: Option<u64>) -> String {
    match free_at {
        Some(at) => format!("try again from {} on", crate::clock::in_words(at)),
        None => "try again when a call has ended".to_owned(),
    }
}

/// What counts.
#[derive(Debug, Default)]
struct Count {
    month: Month,
    monthly: u64,
    live: HashSet<CallName>,
    /// Whether the calls at the same time were warned of, and have not been half as many since.
    is_warned: bool,
}

/// The count of a bot.
#[derive(Debug)]
pub(super) struct Counter {
    quota: Quota,
    count: Mutex<Count>,
}

impl Counter {
    /// A counter, where `monthly` calls were begun in the month of `now`.
    pub(super) fn new(quota: Quota, now: u64, monthly: u64) -> Self {
        let count = Count { month: Month::of(now), monthly, ..Count::default() };
        Self { quota, count: Mutex::new(count) }
    }

    /// Counts a call that the bot places, or refuses it.
    pub(super) fn place(&self, name: &CallName, now: u64) -> Result<Vec<Usage>, QuotaExceeded> {
        self.change(|count| {
            count.turn(now);
            match self.quota.exceeded(count) {
                Some(exceeded) if self.quota.enforce == Enforce::Refuse => Err(exceeded),
                Some(_) | None => Ok(self.quota.begin(count, name)),
            }
        })
    }

    /// Counts a call to the bot.
    pub(super) fn offered(&self, name: &CallName, now: u64) -> Vec<Usage> {
        self.change(|count| {
            count.turn(now);
            self.quota.begin(count, name)
        })
    }

    /// The calls that are up.
    pub(super) fn live(&self) -> Vec<CallName> {
        self.change(|count| count.live.iter().cloned().collect())
    }

    /// Whether a call is up.
    pub(super) fn is_live(&self, name: &CallName) -> bool {
        self.change(|count| count.live.contains(name))
    }

    /// Takes back a call that was counted and did not begin.
    pub(super) fn not_begun(&self, name: &CallName) {
        self.change(|count| {
            count.live.remove(name);
            count.monthly = count.monthly.saturating_sub(1);
        });
    }

    /// Notes whether a call is up that was counted already.
    pub(super) fn set_live(&self, name: &CallName, is_live: bool) -> Option<Usage> {
        self.change(|count| {
            if is_live {
                return self.quota.add_live(count, name);
            }
            count.live.remove(name);
            count.is_warned =
                count.is_warned && used(count.live.len()).saturating_mul(2) > self.quota.concurrent;
            None
        })
    }

    /// How much of each limit is used.
    pub(super) fn usage(&self, now: u64) -> [Usage; 2] {
        let (concurrent, monthly) = self.change(|count| {
            count.turn(now);
            (used(count.live.len()), count.monthly)
        });
        [
            Usage { limit: QuotaLimit::Concurrent, used: concurrent, of: self.quota.concurrent },
            Usage { limit: QuotaLimit::Monthly, used: monthly, of: self.quota.monthly },
        ]
    }

    fn change<T>(&self, change: impl FnOnce(&mut Count) -> T) -> T {
        change(&mut self.count.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Quota {
    /// The limit that one more call would exceed.
    fn exceeded(&self, count: &Count) -> Option<QuotaExceeded> {
        let live = used(count.live.len());
        if count.monthly >= self.monthly {
            let usage = Usage { limit: QuotaLimit::Monthly, used: count.monthly, of: self.monthly };
            return Some(QuotaExceeded { usage, free_at: Some(count.month.end()) });
        }
        let usage = Usage { limit: QuotaLimit::Concurrent, used: live, of: self.concurrent };
        (live >= self.concurrent).then_some(QuotaExceeded { usage, free_at: None })
    }

    /// Counts a call, and gives what is to be warned of.
    fn begin(&self, count: &mut Count, name: &CallName) -> Vec<Usage> {
        count.monthly = count.monthly.saturating_add(1);
        // It goes up one by one, so it is met once, also where the bot was restarted meanwhile.
        let monthly = (count.monthly == four_fifths(self.monthly)).then_some(Usage {
            limit: QuotaLimit::Monthly,
            used: count.monthly,
            of: self.monthly,
        });
        monthly.into_iter().chain(self.add_live(count, name)).collect()
    }

    fn add_live(&self, count: &mut Count, name: &CallName) -> Option<Usage> {
        if !count.live.contains(name) {
            count.live.insert(name.clone());
        }
        let live = used(count.live.len());
        if count.is_warned || live < four_fifths(self.concurrent) {
            return None;
        }
        count.is_warned = true;
        Some(Usage { limit: QuotaLimit::Concurrent, used: live, of: self.concurrent })
    }
}

impl Count {
    /// Begins anew where a month has passed.
    fn turn(&mut self, now: u64) {
        let month = Month::of(now);
        if month != self.month {
            self.month = month;
            self.monthly = 0;
        }
    }
}

fn used(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Four fifths of a limit, rounded up.
const fn four_fifths(limit: u64) -> u64 {
    limit.saturating_sub(limit / 5)
}

/// A calendar month in UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Month {
    first: jiff::civil::Date,
}

impl Month {
    /// The month of a moment, which is in milliseconds since the Unix epoch.
    pub(super) fn of(now: u64) -> Self {
        let at = i64::try_from(now).ok().and_then(|now| Timestamp::from_millisecond(now).ok());
        Self { first: TimeZone::UTC.to_datetime(at.unwrap_or(Timestamp::MAX)).date().first_of_month() }
    }

    /// Under which name the store counts it.
    pub(super) fn key(self) -> String {
        format!("calls {}", self.first.strftime("%Y-%m"))
    }

    /// When the next one begins.
    fn end(self) -> u64 {
        let next = self.first.saturating_add(1.month()).to_datetime(Time::midnight());
        let at = TimeZone::UTC.to_timestamp(next).ok();
        at.and_then(|at| u64::try_from(at.as_millisecond()).ok()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(number: u64) -> CallName {
        CallName::try_new(format!("c-{number}")).unwrap()
    }

    fn moment(text: &str) -> u64 {
        u64::try_from(text.parse::<Timestamp>().unwrap().as_millisecond()).unwrap()
    }

    #[test]
    fn months_and_their_ends() {
        for (at, key, end) in [
            ("2026-11-30T23:59:59.999Z", "calls 2026-11", "2026-12-01T00:00:00Z"),
            ("2026-12-01T00:00:00Z", "calls 2026-12", "2027-01-01T00:00:00Z"),
            ("2028-02-29T12:00:00Z", "calls 2028-02", "2028-03-01T00:00:00Z"),
            ("1970-01-01T00:00:00Z", "calls 1970-01", "1970-02-01T00:00:00Z"),
        ] {
            let month = Month::of(moment(at));
            assert_eq!((month.key().as_str(), month.end()), (key, moment(end)), "{at}");
        }
        assert_eq!(Month::of(u64::MAX), Month::of(u64::MAX - 1), "what no calendar has");
    }

    #[test]
    fn calls_at_the_same_time_below_at_and_above_the_limit() {
        let quota = Quota { concurrent: 10, monthly: 1000, enforce: Enforce::Refuse };
        let counter = Counter::new(quota, 0, 0);
        let warned: Vec<_> = (0..10).map(|number| counter.place(&name(number), 0).unwrap().len()).collect();
        assert_eq!(warned, [0, 0, 0, 0, 0, 0, 0, 1, 0, 0], "once, at four fifths");
        let exceeded = counter.place(&name(10), 0).unwrap_err();
        assert_eq!((exceeded.usage.limit, exceeded.free_at), (QuotaLimit::Concurrent, None));
        assert!(exceeded.to_string().contains("10 calls at the same time"), "{exceeded}");
        assert_eq!(counter.offered(&name(11), 0), [], "an incoming one is never refused");
        counter.set_live(&name(0), false);
        assert!(counter.place(&name(10), 0).is_err(), "ten are up still");
        counter.set_live(&name(1), false);
        assert_eq!(counter.place(&name(10), 0), Ok(Vec::new()), "it has been warned of");
        for number in 2..8 {
            counter.set_live(&name(number), false);
        }
        assert!((20..30).any(|number| counter.place(&name(number), 0).is_ok_and(|warned| warned.len() == 1)));
    }

    #[test]
    fn a_month_that_is_used_up_ends() {
        let quota = Quota { concurrent: 100, monthly: 5, enforce: Enforce::Refuse };
        let now = moment("2026-11-25T04:00:00Z");
        let counter = Counter::new(quota, now, 3);
        let warned = counter.place(&name(1), now).unwrap();
        assert_eq!(warned, [Usage { limit: QuotaLimit::Monthly, used: 4, of: 5 }]);
        counter.not_begun(&name(1));
        assert_eq!(counter.place(&name(2), now).unwrap().len(), 1);
        assert_eq!(counter.offered(&name(3), now), []);
        let exceeded = counter.place(&name(4), now).unwrap_err();
        assert_eq!(exceeded.free_at, Some(moment("2026-12-01T00:00:00Z")));
        assert!(exceeded.to_string().contains("from Tue, 01 Dec 2026 00:00:00 GMT on"), "{exceeded}");
        assert_eq!(counter.place(&name(4), moment("2026-12-01T00:00:00Z")), Ok(Vec::new()));
    }

    #[test]
    fn without_enforcement_nothing_is_refused() {
        let counter = Counter::new(Quota { concurrent: 1, monthly: 1, ..Quota::default() }, 0, 0);
        assert!((0..10).all(|number| counter.place(&name(number), 0).is_ok()));
    }
}
