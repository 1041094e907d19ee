//! When somebody may be rung.

use serde::{Deserialize, Serialize};

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// When an attempt may begin: at any time, unless it says otherwise. A call that has begun is not cut off by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Not before this moment, in milliseconds since the Unix epoch.
    pub not_before: Option<u64>,
    /// Not from this moment on.
    pub not_after: Option<u64>,
    /// Only at these hours.
    pub daily: Option<DailyHours>,
}

/// Hours of each day, by an offset from UTC that is stated: which offset is the callee's, and when it changes, the bot has
/// to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DailyHours {
    from: u16,
    to: u16,
    utc_offset: i16,
}

impl DailyHours {
    /// From `from` until before `to`, hours and minutes, at `utc_offset` minutes east of UTC. Where `to` is the earlier, the
    /// hours pass midnight; the same twice is the whole day.
    ///
    /// None where there is no such time of day, or no such offset: up to 18 hours either way.
    ///
    /// ```
    /// use callflow_graph::outbound::DailyHours;
    ///
    /// let by_day_in_berlin_in_winter = DailyHours::try_new((9, 0), (17, 30), 60);
    /// assert!(by_day_in_berlin_in_winter.is_some() && DailyHours::try_new((9, 0), (24, 0), 60).is_none());
    /// ```
    pub fn try_new(from: (u8, u8), to: (u8, u8), utc_offset: i16) -> Option<Self> {
        let minutes = |(hours, minutes): (u8, u8)| {
            (hours < 24 && minutes < 60).then(|| u16::from(hours).saturating_mul(60) + u16::from(minutes))
        };
        let is_offset = utc_offset.unsigned_abs() <= 18 * 60;
        is_offset.then_some(())?;
        Some(Self { from: minutes(from)?, to: minutes(to)?, utc_offset })
    }

    /// How long after `at` it is within the hours: nothing where it is.
    fn wait(self, at: u64) -> u64 {
        let at = i64::try_from(at).unwrap_or(i64::MAX);
        let local = at.saturating_add(i64::from(self.utc_offset).saturating_mul(MINUTE)).rem_euclid(DAY);
        let (from, to) =
            (i64::from(self.from).saturating_mul(MINUTE), i64::from(self.to).saturating_mul(MINUTE));
        let is_within = match from.cmp(&to) {
            std::cmp::Ordering::Less => (from..to).contains(&local),
            std::cmp::Ordering::Greater => local >= from || local < to,
            std::cmp::Ordering::Equal => true,
        };
        let wait = if is_within { 0 } else { from.saturating_sub(local).rem_euclid(DAY) };
        wait.unsigned_abs()
    }
}

impl Window {
    /// The first moment from `at` on at which an attempt may begin; none where none comes.
    pub fn next(&self, at: u64) -> Option<u64> {
        let at = at.max(self.not_before.unwrap_or(0));
        let at = at.saturating_add(self.daily.map_or(0, |daily| daily.wait(at)));
        self.not_after.is_none_or(|end| at < end).then_some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> u64 {
        u64::try_from(text.parse::<jiff::Timestamp>().unwrap().as_millisecond()).unwrap()
    }

    #[test]
    fn the_next_moment_within_the_hours() {
        let by_day = DailyHours::try_new((9, 0), (17, 0), 0);
        let by_night = DailyHours::try_new((22, 0), (6, 30), 0);
        let in_india = DailyHours::try_new((9, 0), (17, 0), 330);
        let in_honolulu = DailyHours::try_new((9, 0), (17, 0), -600);
        let always = DailyHours::try_new((8, 0), (8, 0), 0);
        for (daily, at, expected) in [
            (None, "2026-11-25T03:00:00Z", "2026-11-25T03:00:00Z"),
            (by_day, "2026-11-25T08:59:59.999Z", "2026-11-25T09:00:00Z"),
            (by_day, "2026-11-25T09:00:00Z", "2026-11-25T09:00:00Z"),
            (by_day, "2026-11-25T16:59:59.999Z", "2026-11-25T16:59:59.999Z"),
            (by_day, "2026-11-25T17:00:00Z", "2026-11-26T09:00:00Z"),
            (by_day, "2026-12-31T23:00:00Z", "2027-01-01T09:00:00Z"),
            (by_night, "2026-11-25T06:29:00Z", "2026-11-25T06:29:00Z"),
            (by_night, "2026-11-25T06:30:00Z", "2026-11-25T22:00:00Z"),
            (by_night, "2026-11-25T23:59:59Z", "2026-11-25T23:59:59Z"),
            (in_india, "2026-11-25T03:29:00Z", "2026-11-25T03:30:00Z"),
            (in_india, "2026-11-25T11:30:00Z", "2026-11-26T03:30:00Z"),
            (in_honolulu, "2026-11-25T03:30:00Z", "2026-11-25T19:00:00Z"),
            (in_honolulu, "2026-11-25T02:59:00Z", "2026-11-25T02:59:00Z"),
            (always, "2026-11-25T07:00:00Z", "2026-11-25T07:00:00Z"),
        ] {
            let window = Window { daily, ..Window::default() };
            assert_eq!(window.next(moment(at)), Some(moment(expected)), "{daily:?} {at}");
        }
    }

    #[test]
    fn neither_before_it_begins_nor_once_it_is_over() {
        let window = Window { not_before: Some(100), not_after: Some(200), daily: None };
        for (at, expected) in
            [(0, Some(100)), (100, Some(100)), (199, Some(199)), (200, None), (u64::MAX, None)]
        {
            assert_eq!(window.next(at), expected, "{at}");
        }
        let daily = DailyHours::try_new((9, 0), (17, 0), 0);
        let until_noon = Window { not_after: Some(moment("2026-11-25T12:00:00Z")), daily, not_before: None };
        assert_eq!(until_noon.next(moment("2026-11-24T18:00:00Z")), Some(moment("2026-11-25T09:00:00Z")));
        let until_dawn = Window { not_after: Some(moment("2026-11-25T06:00:00Z")), daily, not_before: None };
        assert_eq!(until_dawn.next(moment("2026-11-24T18:00:00Z")), None);
        assert_eq!(Window { daily, ..Window::default() }.next(u64::MAX), Some(u64::MAX), "no overflow");
    }

    #[test]
    fn times_and_offsets_that_are_none() {
        for (from, to, offset, is_good) in [
            ((0, 0), (23, 59), 0, true),
            ((24, 0), (1, 0), 0, false),
            ((0, 60), (1, 0), 0, false),
            ((0, 0), (1, 0), 18 * 60, true),
            ((0, 0), (1, 0), -18 * 60, true),
            ((0, 0), (1, 0), 18 * 60 + 1, false),
            ((0, 0), (1, 0), i16::MIN, false),
        ] {
            assert_eq!(DailyHours::try_new(from, to, offset).is_some(), is_good, "{from:?} {to:?} {offset}");
        }
    }
}
