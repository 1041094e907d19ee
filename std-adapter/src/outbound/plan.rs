//! What is to be done to reach somebody, and how often.

use std::collections::BTreeMap;
use std::time::Duration;

use callflow_core::deadline::Timer;
use callflow_core::time::Span;
use serde::{Deserialize, Serialize};

use super::disposition::Disposition;
use super::window::Window;
use crate::session::Placement;
use crate::store::StoreError;

/// The most attempts that a plan may have.
pub const MAX_ATTEMPTS: usize = 100;

/// How somebody is tried again.
///
/// ```
/// use std::time::Duration;
/// use callflow_graph::outbound::{Disposition, RetryPlan};
///
/// let plan = RetryPlan { attempts: 4, ..RetryPlan::default() }
///     .again(Disposition::Busy, [Duration::from_secs(120), Duration::from_secs(600)])
///     .never(Disposition::VoiceMail);
/// assert_eq!(plan.wait(Disposition::Busy, 3), Some(Duration::from_secs(600)), "the last one counts for all further");
/// assert_eq!(plan.wait(Disposition::VoiceMail, 1), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryPlan {
    /// At most so many attempts, 1 to [`MAX_ATTEMPTS`].
    pub attempts: usize,
    /// For how long it rings at a time, before the bot hangs up: 1 second to 10 minutes.
    pub ring: Duration,
    /// For how long it is tried in all: no attempt begins later.
    pub within: Duration,
    /// When attempts may begin.
    pub window: Window,
    /// How long is waited after each disposition: [`Self::again`]. What is not in it is not tried again.
    pub waits: BTreeMap<Disposition, Vec<Duration>>,
}

impl Default for RetryPlan {
    /// Three attempts within a day, 45 seconds each, at any hour. Waited is after each that was busy 5 minutes, then 15; not
    /// answered 15 minutes, then an hour; unreachable 30 minutes; declined, voice mail, and what the handler calls incomplete
    /// an hour; failed 5 minutes. What is refused, and what is not known, is not tried again.
    ///
    /// Source: assumed; no page says how often somebody may be called. If it is wrong, somebody is called more or less often
    /// than he likes.
    fn default() -> Self {
        const MINUTE: Duration = Duration::from_secs(60);
        let none = Self {
            attempts: 3,
            ring: Duration::from_secs(45),
            within: 24 * 60 * MINUTE,
            window: Window::default(),
            waits: BTreeMap::new(),
        };
        none.again(Disposition::Busy, [5 * MINUTE, 15 * MINUTE])
            .again(Disposition::NoAnswer, [15 * MINUTE, 60 * MINUTE])
            .again(Disposition::Unreachable, [30 * MINUTE])
            .again(Disposition::Declined, [60 * MINUTE])
            .again(Disposition::VoiceMail, [60 * MINUTE])
            .again(Disposition::Incomplete, [60 * MINUTE])
            .again(Disposition::Failed, [5 * MINUTE])
    }
}

impl RetryPlan {
    /// So many attempts, with the same wait after each that came to nothing. What is refused, and what is not known, is not
    /// tried again.
    pub fn every(wait: Duration, attempts: usize) -> Self {
        let mut plan = Self { attempts, ..Self::default() };
        for waits in plan.waits.values_mut() {
            *waits = vec![wait];
        }
        plan
    }

    /// Waits so long after the first, second ... attempt that came to this; the last counts for all further ones. None at all
    /// is [`Self::never`].
    ///
    /// [`Disposition::Unknown`] may ring somebody twice. [`Disposition::Answered`] is never tried again, and
    /// [`Disposition::NotPlaced`] always is: waits for them count for nothing.
    #[must_use]
    pub fn again(mut self, after: Disposition, waits: impl IntoIterator<Item = Duration>) -> Self {
        self.waits.insert(after, waits.into_iter().collect());
        self
    }

    /// Does not try again after this.
    #[must_use]
    pub fn never(mut self, after: Disposition) -> Self {
        self.waits.remove(&after);
        self
    }

    /// How long is waited after the `nth` attempt, from 1, that came to this; none where it is not tried again.
    pub fn wait(&self, after: Disposition, nth: usize) -> Option<Duration> {
        let waits = self.waits.get(&after)?;
        waits.get(nth.saturating_sub(1)).or(waits.last()).copied()
    }

    /// The ring timer, within its range.
    pub(super) fn ring_timer(&self) -> Span {
        let (least, most) = Timer::Ring.range();
        let wanted = u64::try_from(self.ring.as_millis()).unwrap_or(u64::MAX);
        Span::from_millis(wanted.clamp(least.as_millis(), most.as_millis()))
    }
}

/// Somebody who is to be called.
///
/// ```
/// use callflow_graph::outbound::{Planned, RetryPlan};
/// use callflow_graph::session::Target;
///
/// let appointment = Planned::new(Target::User("112f7296-5fa4-42ca-bae8-6a692b15d4b8".to_owned()), "nine o'clock")
///     .or_else(Target::Phone("+12345678901".into()))
///     .plan(RetryPlan { attempts: 4, ..RetryPlan::default() })
///     .key("appointment 4711");
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Planned<S> {
    pub(super) to: Vec<Placement>,
    pub(super) state: S,
    pub(super) plan: RetryPlan,
    pub(super) key: Option<String>,
}

impl<S> Planned<S> {
    /// Calls `to`. The handler's state of the first attempt is `state`; each further one begins with what the one before left.
    pub fn new(to: impl Into<Placement>, state: S) -> Self {
        Self { to: vec![to.into()], state, plan: RetryPlan::default(), key: None }
    }

    /// The next attempt goes to this one, and so on in turn: another number of the same person, or whoever stands in for him.
    pub fn or_else(mut self, to: impl Into<Placement>) -> Self {
        self.to.push(to.into());
        self
    }

    /// How it is tried again.
    pub fn plan(mut self, plan: RetryPlan) -> Self {
        self.plan = plan;
        self
    }

    /// The author's own name for it: planned once, however often that is asked for, as long as it is kept. It is for those
    /// who do not know, after a crash of their own, whether they had planned it. Nothing of it can be read in the store.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }
}

/// Why nothing was planned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The plan has no attempt, or too many.
    #[error("a plan has 1 to {MAX_ATTEMPTS} attempts, not {0}")]
    Attempts(usize),
    /// Its window has no moment within its time.
    #[error(
        "there is no moment at which an attempt may begin: `RetryPlan::window` is over, or opens after `RetryPlan::within`"
    )]
    NoMoment,
    /// The state cannot be written as JSON.
    #[error("the handler's state cannot be written: {0}")]
    State(#[from] serde_json::Error),
    /// It cannot be put away.
    #[error(transparent)]
    Store(#[from] StoreError),
}
