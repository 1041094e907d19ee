//! Deadlines: when the call wants to be told the time, and why; and the timers behind them.
//!
//! One place for each kind; the next deadline is the earliest of them. "Never" is `None`. A tick before it changes
//! nothing; a tick at it moves or clears it. Every timer can be set, within the range that the documentation leaves.
//!
//! ```
//! use callflow_core::deadline::{Timer, Timers};
//! use callflow_core::time::Span;
//! let timers = Timers::default().with(Timer::Ring, Span::from_secs(20))?;
//! assert_eq!(timers.of(Timer::Ring), Span::from_secs(20));
//! assert_eq!(timers.of(Timer::Answer), Span::from_secs(15));
//! assert!(timers.with(Timer::KeepAlive, Span::from_minutes(46)).is_err(), "the call would be over");
//! # Ok::<(), callflow_core::deadline::OutOfRange>(())
//! ```

use crate::certainty::Certainty;
use crate::time::{Span, Timestamp};
use crate::words::words;

words! {
    /// Why a call wants to be told the time.
    pub enum Kind {
        /// The limit for answering, rejecting or redirecting passes.
        Answer = "answer",
        /// A keepAlive is due.
        KeepAlive = "keepAlive",
        /// An operation was waited for long enough.
        Operation = "operation",
        /// What was held for audio to become active is let go, though no audio was told of.
        Media = "media",
        /// News that a request should have caused did not come.
        News = "news",
        /// The call is asked for.
        Ask = "ask",
        /// The participants are asked for.
        AskParticipants = "ask participants",
        /// The bot's own limit for ringing somebody passes, or is near: then the call is asked for first.
        Ring = "ring",
        /// A notification of a joining participant has to be answered.
        Joining = "joining",
        /// Nothing was heard of a call whose creation was asked for.
        Creation = "creation",
    }
}

words! {
    /// A span that decides a deadline.
    ///
    /// Source: [`Timer::source`].
    pub enum Timer {
        /// How long an incoming call waits to be answered, rejected or redirected: 15 seconds.
        Answer = "answer",
        /// How long it waits where the invitation is for policy-based recording: 5 seconds. A notification that a
        /// participant is joining waits as long.
        AnswerPolicyRecording = "answer policy recording",
        /// How long somebody may ring before the bot hangs up: 115 seconds.
        Ring = "ring",
        /// How often a call is kept alive: 15 minutes. The service clears up after 45 without.
        KeepAlive = "keepAlive",
        /// How soon a keepAlive is tried again after one that failed: 2 minutes.
        KeepAliveRetry = "keepAlive retry",
        /// How long after `established` audio is waited for before held requests are let go: 10 seconds.
        Media = "media",
        /// How long after an answer, a rejection, a transfer or a hang-up was taken news of it is waited for before the
        /// call is asked for: 15 seconds; after a redirect, as long as that may ring in addition.
        News = "news",
        /// How long the creation of a call may stay without any news, where its answer was lost: 3 minutes.
        Creation = "creation",
        /// How long an operation's completion is waited for before the operation is asked for, or where its id is not
        /// known its outcome is called unknown: 60 seconds.
        Operation = "operation",
        /// The least time between two questions for the call, or for its participants: 10 seconds.
        Question = "question",
        /// How long an answer to a question is waited for before it counts as lost: 60 seconds.
        QuestionLost = "question lost",
    }
}

impl Timer {
    /// The documented or assumed span, and the range within which it can be set.
    const fn spans(self) -> (Span, Span, Span) {
        let (default, least, most) = match self {
            Self::Answer => (15_000, 100, 15_000),
            Self::AnswerPolicyRecording => (5_000, 100, 15_000),
            Self::Ring => (115_000, 1_000, 600_000),
            // Three tries within the 45 minutes that the service waits.
            Self::KeepAlive => (900_000, 1_000, 2_400_000),
            Self::KeepAliveRetry => (120_000, 1_000, 120_000),
            Self::Media => (10_000, 100, 600_000),
            Self::News => (15_000, 100, 600_000),
            Self::Creation => (180_000, 1_000, 3_600_000),
            Self::Operation => (60_000, 1_000, 3_600_000),
            Self::Question => (10_000, 1_000, 300_000),
            Self::QuestionLost => (60_000, 1_000, 600_000),
        };
        (Span::from_millis(default), Span::from_millis(least), Span::from_millis(most))
    }

    /// The span where none is set.
    pub const fn default_span(self) -> Span {
        self.spans().0
    }

    /// The least and the most that can be set.
    pub const fn range(self) -> (Span, Span) {
        let (_, least, most) = self.spans();
        (least, most)
    }

    /// How sure the default is.
    pub const fn certainty(self) -> Certainty {
        match self {
            Self::Answer | Self::AnswerPolicyRecording | Self::KeepAlive => Certainty::Documented,
            Self::Ring
            | Self::KeepAliveRetry
            | Self::Media
            | Self::News
            | Self::Creation
            | Self::Operation
            | Self::Question
            | Self::QuestionLost => Certainty::Assumed,
        }
    }

    /// Where the default stands.
    pub const fn source(self) -> &'static str {
        match self {
            Self::Answer => "Graph docs, call: answer",
            Self::AnswerPolicyRecording => {
                "Graph docs, call: answer (example 3), for the invitation; assumed for joining participants; if it is \
                 wrong, some are answered by default that could have waited"
            }
            Self::Ring => {
                "assumed (application: post calls has no limit in v1.0, and allows 115 seconds at most in beta); if it is \
                 wrong, ringing is cut short that the service would allow"
            }
            Self::KeepAlive => "Graph docs, call: keepAlive",
            Self::KeepAliveRetry => {
                "assumed (several tries within the 45 minutes that call: keepAlive gives); if it is wrong, the service is \
                 asked more often than it likes"
            }
            Self::Media => {
                "assumed (the news that audio is active may be lost, and nothing else would let the requests go); if it is \
                 wrong, the service refuses the request, and the operation ends so"
            }
            Self::News => {
                "assumed (field reports: news that never came); if it is wrong, the call is asked for once, which is \
                 harmless"
            }
            Self::Creation => {
                "assumed (longer than the 115 seconds of ringing in application: post calls, beta); if it is wrong, a call \
                 is given up of which there would have been news"
            }
            Self::Operation => {
                "assumed (field report: an invitation that nobody takes fails after about as long); if it is wrong, an \
                 operation that still runs is asked for, or called unknown where its id is not known"
            }
            Self::Question => {
                "assumed (six requests a minute is what doubt may cost); if it is wrong, the service throttles them"
            }
            Self::QuestionLost => {
                "assumed (no answer takes as long); if it is wrong, the call is asked for once more"
            }
        }
    }
}

/// A span outside the range of its timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct OutOfRange {
    /// Which timer.
    pub timer: Timer,
    /// What was asked for.
    pub span: Span,
}

impl core::fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (least, most) = self.timer.range();
        let (span, least, most) = (self.span.as_millis(), least.as_millis(), most.as_millis());
        write!(f, "{span} ms is no span for the {} timer; give {least}…{most} ms", self.timer)
    }
}

impl core::error::Error for OutOfRange {}

/// The ranges of the timers as they are kept, which is what a snapshot is held against.
#[cfg(feature = "snapshot")]
static RANGES: [(u16, u16); Timer::COUNT] = {
    let mut ranges = [(0, 0); Timer::COUNT];
    let mut place = 0;
    while place < Timer::COUNT {
        #[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)] // runs while compiling only
        {
            let (least, most) = Timer::ALL[place].range();
            ranges[place] = (tenths(least), tenths(most));
            place += 1;
        }
    }
    ranges
};

/// The unit in which spans are kept, in milliseconds.
const UNIT: u32 = 100;

/// The timers of a call, in tenths of a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Timers([u16; Timer::COUNT]);

impl Default for Timers {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Timers {
    /// The documented spans, and the assumed ones where no page has any.
    pub const DEFAULT: Self = {
        let mut timers = Self([0; Timer::COUNT]);
        let mut place = 0;
        while place < Timer::COUNT {
            #[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)] // runs while compiling only
            {
                timers.0[place] = tenths(Timer::ALL[place].default_span());
                place += 1;
            }
        }
        timers
    };

    /// These timers with `timer` set to `span`, rounded down to tenths of a second.
    ///
    /// # Errors
    /// [`OutOfRange`], which says what is allowed.
    pub fn with(mut self, timer: Timer, span: Span) -> Result<Self, OutOfRange> {
        let (least, most) = timer.range();
        if span < least || span > most {
            return Err(OutOfRange { timer, span });
        }
        if let Some(place) = self.0.get_mut(timer.index()) {
            *place = tenths(span);
        }
        Ok(self)
    }

    /// The span of this timer.
    pub fn of(&self, timer: Timer) -> Span {
        let tenths = self.0.get(timer.index()).copied().unwrap_or(0);
        Span::from_millis(u32::from(tenths).wrapping_mul(UNIT).into())
    }

    #[cfg(feature = "snapshot")]
    pub(crate) const fn tenths(self) -> [u16; Timer::COUNT] {
        self.0
    }

    #[cfg(feature = "snapshot")]
    pub(crate) const fn tenths_mut(&mut self) -> &mut [u16; Timer::COUNT] {
        &mut self.0
    }

    /// Whether every span is within its range, as after [`with`](Self::with).
    #[cfg(feature = "snapshot")]
    pub(crate) fn are_sound(&self) -> bool {
        self.0.iter().zip(&RANGES).all(|(tenths, (least, most))| (least..=most).contains(&tenths))
    }
}

#[allow(clippy::cast_possible_truncation)] // the longest range is an hour, which is 36 000
#[allow(clippy::arithmetic_side_effects)] // by a constant that is not 0
const fn tenths(span: Span) -> u16 {
    (span.as_millis() / UNIT as u64) as u16
}

/// A deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Deadline {
    /// When to hand in a tick.
    pub at: Timestamp,
    /// What for.
    pub kind: Kind,
}

/// Never.
const NEVER: u32 = u32::MAX;
/// The furthest that a deadline can be ahead of another, in milliseconds: 49 days.
const FURTHEST: u64 = 0xFFFF_FFFE;

/// How long before a deadline the moment is put from which all count, so that earlier ones seldom move it: 4.6 hours.
const ROOM: u64 = 1 << 24;

/// The deadlines of one call, one a kind: a moment, and how long after it each is.
///
/// Two are equal if the moments are, whatever they count from.
#[derive(Clone, Copy, Debug, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Deadlines {
    // Two words: what holds it then needs no alignment of eight.
    base: [u32; 2],
    after: [u32; Kind::COUNT],
}

impl PartialEq for Deadlines {
    fn eq(&self, other: &Self) -> bool {
        Kind::ALL.iter().all(|kind| self.of(*kind) == other.of(*kind))
    }
}

impl core::hash::Hash for Deadlines {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        for kind in Kind::ALL {
            self.of(*kind).hash(state);
        }
    }
}

impl Default for Deadlines {
    fn default() -> Self {
        Self::NONE
    }
}

impl Deadlines {
    /// None is set.
    pub const NONE: Self = Self { base: [0; 2], after: [NEVER; Kind::COUNT] };

    /// None is set yet, and each that will be is `earliest` or later, and as far from it as it was in the table that it
    /// comes from: none has to be cut short.
    #[cfg(feature = "snapshot")]
    pub(crate) const fn from_earliest(earliest: Timestamp) -> Self {
        Self { base: split(earliest), ..Self::NONE }
    }

    /// The earliest; of several at once the one whose kind comes first.
    pub fn next(&self) -> Option<Deadline> {
        let mut earliest = None;
        let mut least = NEVER;
        for (kind, after) in Kind::ALL.iter().zip(self.after) {
            if after < least {
                least = after;
                earliest = Some(*kind);
            }
        }
        earliest.map(|kind| Deadline { at: self.moment(least), kind })
    }

    /// When the deadline of this kind is.
    pub fn of(&self, kind: Kind) -> Option<Timestamp> {
        self.after.get(kind.index()).filter(|after| **after != NEVER).map(|after| self.moment(*after))
    }

    /// Sets the deadline of this kind.
    pub(crate) fn set(&mut self, kind: Kind, at: Timestamp) {
        self.clear(kind);
        let mut after = at.as_millis().wrapping_sub(self.base().as_millis());
        // Before the base, or too far behind it.
        if after > FURTHEST {
            self.move_base(at);
            after = at.since(self.base()).as_millis().min(FURTHEST);
        }
        if let Some(place) = self.after.get_mut(kind.index()) {
            *place = u32::try_from(after).unwrap_or(NEVER);
        }
    }

    /// Clears the deadline of this kind.
    pub(crate) fn clear(&mut self, kind: Kind) {
        if let Some(place) = self.after.get_mut(kind.index()) {
            *place = NEVER;
        }
    }

    /// Clears them all.
    pub(crate) fn clear_all(&mut self) {
        *self = Self::default();
    }

    /// Moves them all from one origin of time to another; one that passed is due at once.
    pub(crate) fn rebase(&mut self, old_now: Timestamp, new_now: Timestamp) {
        let mut moved = Self::default();
        for kind in Kind::ALL {
            if let Some(at) = self.of(*kind) {
                moved.set(*kind, new_now.plus(at.since(old_now)));
            }
        }
        *self = moved;
    }

    /// Makes a moment before `at` and the deadlines the one from which all count. What is further ahead of `at` than
    /// can be said fires early by as much; what is further behind it has passed by far, and says a later moment that has.
    fn move_base(&mut self, at: Timestamp) {
        let old = self.base();
        let least = self.after.iter().fold(NEVER, |least, after| least.min(*after));
        let earliest = if least == NEVER { at } else { self.moment(least).min(at) };
        let before =
            |moment: Timestamp, by: u64| Timestamp::from_millis(moment.as_millis().saturating_sub(by));
        let base = before(earliest, ROOM).max(before(at, FURTHEST));
        let (later, earlier) = (base.since(old).as_millis(), old.since(base).as_millis());
        for after in self.after.iter_mut().filter(|after| **after != NEVER) {
            let moved = u64::from(*after).saturating_sub(later).saturating_add(earlier);
            *after = u32::try_from(moved.min(FURTHEST)).unwrap_or(NEVER);
        }
        self.base = split(base);
    }

    const fn base(&self) -> Timestamp {
        let [high, low] = self.base;
        Timestamp::from_millis((high as u64).wrapping_shl(32) | low as u64)
    }

    const fn moment(&self, after: u32) -> Timestamp {
        self.base().plus(Span::from_millis(after as u64))
    }
}

#[allow(clippy::cast_possible_truncation)] // the two halves
const fn split(moment: Timestamp) -> [u32; 2] {
    [moment.as_millis().wrapping_shr(32) as u32, moment.as_millis() as u32]
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_earliest_is_next_and_says_why() {
        let mut deadlines = Deadlines::default();
        assert_eq!(deadlines.next(), None);
        deadlines.set(Kind::KeepAlive, Timestamp::from_millis(900_000));
        deadlines.set(Kind::Answer, Timestamp::from_millis(15_000));
        assert_eq!(
            deadlines.next(),
            Some(Deadline { at: Timestamp::from_millis(15_000), kind: Kind::Answer })
        );
        deadlines.rebase(Timestamp::from_millis(5_000), Timestamp::from_millis(0));
        deadlines.clear(Kind::Answer);
        assert_eq!(
            deadlines.next(),
            Some(Deadline { at: Timestamp::from_millis(895_000), kind: Kind::KeepAlive })
        );
    }

    #[test]
    fn regression_deadlines_at_the_same_moments_are_equal_whichever_was_set_first() {
        let (answer, keep_alive) = (Timestamp::from_millis(15_000), Timestamp::from_millis(900_000));
        let (mut one, mut other) = (Deadlines::default(), Deadlines::default());
        one.set(Kind::Answer, answer);
        one.set(Kind::KeepAlive, keep_alive);
        one.clear(Kind::Answer);
        assert_ne!(one, other);
        other.set(Kind::KeepAlive, keep_alive);
        assert_eq!(one, other);
        let hasher = std::hash::RandomState::new();
        assert_eq!(hasher.hash_one(one), hasher.hash_one(other));
    }

    #[cfg(feature = "snapshot")]
    #[test]
    fn regression_deadlines_that_are_as_far_apart_as_can_be_are_read_as_they_were() {
        let (keep_alive, news) =
            (Timestamp::from_millis(1 << 40), Timestamp::from_millis((1 << 40) + FURTHEST));
        let mut read = Deadlines::from_earliest(keep_alive);
        read.set(Kind::News, news);
        read.set(Kind::KeepAlive, keep_alive);
        assert_eq!((read.of(Kind::KeepAlive), read.of(Kind::News)), (Some(keep_alive), Some(news)));
    }

    #[test]
    fn regression_a_leap_of_years_sets_no_deadline_before_it() {
        let years = Timestamp::from_millis(1 << 42);
        let mut deadlines = Deadlines::default();
        deadlines.set(Kind::KeepAlive, Timestamp::from_millis(900_000));
        deadlines.set(Kind::Ask, years);
        assert_eq!(deadlines.of(Kind::Ask), Some(years));
        assert_eq!(deadlines.next().map(|next| next.kind), Some(Kind::KeepAlive), "it passed, and is due");
        deadlines.clear(Kind::KeepAlive);
        assert_eq!(deadlines.next(), Some(Deadline { at: years, kind: Kind::Ask }));
    }

    #[test]
    fn timers_have_their_documented_defaults() {
        for (page, timer, seconds) in [
            ("call: answer", Timer::Answer, 15),
            ("call: answer (example 3)", Timer::AnswerPolicyRecording, 5),
            ("call: keepAlive", Timer::KeepAlive, 15 * 60),
            ("application: post calls, beta", Timer::Ring, 115),
        ] {
            assert_eq!(Timers::DEFAULT.of(timer), Span::from_secs(seconds), "{page}");
        }
        for timer in Timer::ALL {
            let (least, most) = timer.range();
            assert!((least..=most).contains(&timer.default_span()), "{timer}");
            let below = Span::from_millis(least.as_millis() - 1);
            assert!(Timers::DEFAULT.with(*timer, below).is_err(), "{timer}");
            assert!(Timers::DEFAULT.with(*timer, most.plus_one()).is_err(), "{timer}");
            assert_eq!(Timers::DEFAULT.with(*timer, most).unwrap().of(*timer), most, "{timer}");
        }
    }

    impl Span {
        fn plus_one(self) -> Self {
            Self::from_millis(self.as_millis() + 1)
        }
    }

    #[test]
    fn regression_deadlines_are_equal_from_whatever_moment_they_count() {
        let (mut one, mut other) = (Deadlines::default(), Deadlines::default());
        one.set(Kind::Answer, Timestamp::from_millis(15_000));
        for deadlines in [&mut one, &mut other] {
            deadlines.set(Kind::KeepAlive, Timestamp::from_millis(900_000));
        }
        one.clear(Kind::Answer);
        assert_eq!(one, other);
    }

    #[test]
    fn regression_a_leap_of_years_is_not_made_up_for_in_steps_of_49_days() {
        let mut deadlines = Deadlines::default();
        deadlines.set(Kind::KeepAlive, Timestamp::from_millis(900_000));
        let years = Timestamp::from_millis(1 << 40);
        deadlines.set(Kind::Ask, years);
        assert_eq!(deadlines.of(Kind::Ask), Some(years));
        assert!(deadlines.of(Kind::KeepAlive).is_some_and(|at| at < years));
    }

    proptest! {
        #[test]
        fn a_deadline_is_kept_as_it_was_set_within_49_days(
            sets in proptest::collection::vec((0..Kind::COUNT, 0u64..4_000_000_000), 1..20), base in any::<u32>(),
        ) {
            let mut deadlines = Deadlines::default();
            let mut model = [None; Kind::COUNT];
            for (kind, at) in sets {
                let at = Timestamp::from_millis(u64::from(base) * 1000 + at);
                deadlines.set(Kind::ALL[kind], at);
                model[kind] = Some(at);
                for (kind, expected) in Kind::ALL.iter().zip(model) {
                    prop_assert_eq!(deadlines.of(*kind), expected);
                }
                prop_assert_eq!(deadlines.next().map(|next| next.at), model.iter().flatten().min().copied());
            }
        }

        #[test]
        fn a_deadline_that_is_set_anywhere_is_never_later_than_asked_for(
            sets in proptest::collection::vec((0..Kind::COUNT, any::<u64>()), 1..20),
        ) {
            let mut deadlines = Deadlines::default();
            for (kind, at) in sets {
                deadlines.set(Kind::ALL[kind], Timestamp::from_millis(at));
                prop_assert!(deadlines.of(Kind::ALL[kind]).is_some_and(|set| set.as_millis() <= at));
            }
        }
    }
}
