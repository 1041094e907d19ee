//! One who is to be called: what is kept of him, and how it goes on.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::disposition::Disposition;
use super::pacing::KEPT_FOR;
use super::plan::{MAX_ATTEMPTS, PlanError, RetryPlan};
use crate::bot::Kept as Author;
use crate::session::Placement;
use crate::store::{About, CallName, Commit, Record};

/// How long after the service took nothing (429), or could not be asked, it is tried again.
///
/// Source: assumed; the client has waited already as the service said. If it is too short, the service says so again.
pub(super) const PUT_BACK: u64 = 30_000;

/// The name of an entry. Its text is for the author to keep; it is no secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "CallName", into = "CallName")]
pub struct EntryId(CallName);

impl EntryId {
    /// The entry of this name; none where `text` is no name of one.
    pub fn try_new(text: impl Into<String>) -> Option<Self> {
        CallName::try_new(text).filter(CallName::is_planned).map(Self)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub(super) fn name(&self) -> &CallName {
        &self.0
    }

    pub(super) fn of(name: &CallName) -> Self {
        Self(name.clone())
    }
}

impl TryFrom<CallName> for EntryId {
    type Error = &'static str;

    fn try_from(name: CallName) -> Result<Self, Self::Error> {
        if name.is_planned() { Ok(Self(name)) } else { Err("it is no name of an entry") }
    }
}

impl From<EntryId> for CallName {
    fn from(id: EntryId) -> Self {
        id.0
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An attempt: one call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The call.
    pub call: CallName,
    /// When it was begun, in milliseconds since the Unix epoch.
    pub began_at: u64,
    /// What came of it; none while it goes on.
    pub disposition: Option<Disposition>,
}

/// How an entry stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// It waits until this moment, in milliseconds since the Unix epoch, and then for its turn.
    Waiting {
        /// The moment.
        due: u64,
    },
    /// A call is made, or up.
    Calling {
        /// Which.
        call: CallName,
    },
    /// It is over.
    Settled {
        /// How.
        outcome: Outcome,
        /// When, in milliseconds since the Unix epoch.
        at: u64,
    },
}

/// How it ended to call somebody. Each entry ends in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Outcome {
    /// An attempt was [`Disposition::Answered`].
    Reached,
    /// The last attempt came to this, and the plan has none after it.
    GivenUp(Disposition),
    /// There was no more time: by [`RetryPlan::within`], or by its window.
    Expired,
    /// It was cancelled.
    Cancelled,
}

/// One who is to be called, as he is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// Its name.
    pub id: EntryId,
    /// Whom the attempts go to, in turn.
    pub to: Vec<Placement>,
    /// How it is tried again.
    pub plan: RetryPlan,
    /// When it was planned, in milliseconds since the Unix epoch.
    pub planned_at: u64,
    /// The attempts, in order; of those that the service took nothing of, the ones of the last minute.
    pub attempts: Vec<Attempt>,
    /// How it stands.
    pub standing: Standing,
    /// Whether it was cancelled; a call that is up then is being ended.
    pub is_cancelled: bool,
}

/// What is kept of an entry: JSON, in the place of an author's state.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    to: Vec<Placement>,
    pub(super) plan: RetryPlan,
    state: Option<State>,
    pub(super) planned_at: u64,
    pub(super) attempts: Vec<Attempt>,
    pub(super) standing: Standing,
    /// Whether the call of the attempt that goes on is known to have been in the store.
    pub(super) is_begun: bool,
    pub(super) is_cancelled: bool,
    /// Whether the author was told how it ended.
    pub(super) is_told: bool,
}

/// The author's own, with its version. It is not shown.
#[derive(Clone, Serialize, Deserialize)]
struct State {
    version: u32,
    json: Box<RawValue>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("version", &self.version).finish_non_exhaustive()
    }
}

impl State {
    fn of(author: Author) -> Option<Self> {
        let json = String::from_utf8(author.bytes).ok().and_then(|text| RawValue::from_string(text).ok())?;
        Some(Self { version: author.version, json })
    }
}

impl Kept {
    /// One that is planned now.
    pub(super) fn new(
        to: Vec<Placement>,
        plan: RetryPlan,
        author: Author,
        now: u64,
    ) -> Result<Self, PlanError> {
        if !(1..=MAX_ATTEMPTS).contains(&plan.attempts) {
            return Err(PlanError::Attempts(plan.attempts));
        }
        let state = State::of(author);
        let mut kept = Self {
            to,
            plan,
            state,
            planned_at: now,
            attempts: Vec::new(),
            standing: Standing::Waiting { due: now },
            is_begun: false,
            is_cancelled: false,
            is_told: false,
        };
        kept.schedule(now, now);
        match kept.standing {
            Standing::Waiting { .. } => Ok(kept),
            Standing::Calling { .. } | Standing::Settled { .. } => Err(PlanError::NoMoment),
        }
    }

    pub(super) fn read(record: &Record) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(&record.author)
    }

    pub(super) fn commit(&self, version: u64, now: u64) -> Result<Commit, serde_json::Error> {
        let about = About { at: now, ..About::default() };
        Ok(Commit { version, author: serde_json::to_vec(self)?, about, ..Commit::default() })
    }

    pub(super) fn entry(&self, id: &CallName) -> Entry {
        Entry {
            id: EntryId::of(id),
            to: self.to.clone(),
            plan: self.plan.clone(),
            planned_at: self.planned_at,
            attempts: self.attempts.clone(),
            standing: self.standing.clone(),
            is_cancelled: self.is_cancelled,
        }
    }

    /// The state that the next call begins with.
    pub(super) fn author(&self) -> Author {
        self.state.as_ref().map_or_else(Author::default, |state| Author {
            version: state.version,
            bytes: state.json.get().as_bytes().to_vec(),
        })
    }

    /// Takes in the state that a call left, where it left one.
    pub(super) fn learn_author(&mut self, author: Author) {
        if let Some(state) = State::of(author) {
            self.state = Some(state);
        }
    }

    /// Whom the next attempt goes to.
    pub(super) fn next_to(&self) -> Option<&Placement> {
        self.to.iter().cycle().nth(self.counted().checked_rem(self.to.len())?)
    }

    /// No attempt begins from this moment on.
    pub(super) fn expires_at(&self) -> u64 {
        let within = u64::try_from(self.plan.within.as_millis()).unwrap_or(u64::MAX);
        self.planned_at.saturating_add(within)
    }

    pub(super) fn call(&self) -> Option<&CallName> {
        match &self.standing {
            Standing::Calling { call } => Some(call),
            Standing::Waiting { .. } | Standing::Settled { .. } => None,
        }
    }

    /// The attempts that count.
    fn counted(&self) -> usize {
        self.attempts.iter().filter(|attempt| attempt.disposition.is_none_or(Disposition::is_attempt)).count()
    }

    /// An attempt begins: kept before the call is.
    pub(super) fn begin(&mut self, now: u64, call: CallName) {
        self.attempts.push(Attempt { call: call.clone(), began_at: now, disposition: None });
        self.standing = Standing::Calling { call };
        self.is_begun = false;
    }

    /// The request of the attempt that goes on leaves now.
    pub(super) fn date_anew(&mut self, now: u64) {
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.began_at = now;
        }
    }

    /// The call was never in the store, so that no request for it left: the attempt has not been.
    pub(super) fn take_back(&mut self, now: u64, due: u64) {
        self.attempts.pop();
        if self.is_cancelled {
            self.end(now, Outcome::Cancelled);
        } else {
            self.schedule(now, due);
        }
    }

    /// The attempt came to this.
    pub(super) fn settle(&mut self, now: u64, disposition: Disposition) {
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.disposition = Some(disposition);
        }
        self.attempts.retain(|attempt| {
            attempt.disposition != Some(Disposition::NotPlaced)
                || attempt.began_at.saturating_add(KEPT_FOR) > now
        });
        let of_the_same = |attempt: &&Attempt| attempt.disposition == Some(disposition);
        let nth = self.attempts.iter().filter(of_the_same).count();
        let wait = self.plan.wait(disposition, nth).filter(|_| self.counted() < self.plan.attempts);
        match (disposition, wait) {
            (Disposition::Answered, _) => self.end(now, Outcome::Reached),
            _ if self.is_cancelled => self.end(now, Outcome::Cancelled),
            (Disposition::NotPlaced, _) => self.schedule(now, now.saturating_add(PUT_BACK)),
            (_, Some(wait)) => {
                let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                self.schedule(now, now.saturating_add(wait));
            }
            (_, None) => self.end(now, Outcome::GivenUp(disposition)),
        }
    }

    /// Waits until `at`, or later where the window says so; where that is too late it is over.
    pub(super) fn schedule(&mut self, now: u64, at: u64) {
        match self.plan.window.next(at).filter(|due| *due < self.expires_at()) {
            Some(due) => self.standing = Standing::Waiting { due },
            None => self.end(now, Outcome::Expired),
        }
    }

    pub(super) fn end(&mut self, now: u64, outcome: Outcome) {
        self.standing = Standing::Settled { outcome, at: now };
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::window::Window;
    use super::*;
    use crate::session::Target;

    const MINUTE: u64 = 60_000;

    fn planned(plan: RetryPlan) -> Kept {
        let to = ["ada", "bob"].map(|id| Placement::from(Target::User(id.to_owned())));
        Kept::new(to.to_vec(), plan, Author::default(), 0).unwrap()
    }

    fn call(number: usize) -> CallName {
        CallName::try_new(format!("o-{number}")).unwrap()
    }

    #[test]
    fn each_disposition_leads_to_the_next_attempt_or_to_the_end() {
        use Disposition::{Answered, Busy, Declined, Failed, NoAnswer, NotPlaced, Refused, Unknown};
        let waiting = |minutes: u64| Standing::Waiting { due: minutes * MINUTE };
        let over = |outcome| Standing::Settled { outcome, at: 0 };
        let put_back = Standing::Waiting { due: PUT_BACK };
        // What the attempts came to, all at the beginning, and how it stands then.
        for (came, expected) in [
            (&[Answered][..], over(Outcome::Reached)),
            (&[Busy], waiting(5)),
            (&[Busy, Busy], waiting(15)),
            (&[NoAnswer, Busy], waiting(5)),
            (&[Busy, Busy, Busy], over(Outcome::GivenUp(Busy))),
            (&[NoAnswer, Busy, Declined], over(Outcome::GivenUp(Declined))),
            (&[Failed, Failed, Answered], over(Outcome::Reached)),
            (&[Refused], over(Outcome::GivenUp(Refused))),
            (&[Unknown], over(Outcome::GivenUp(Unknown))),
            (&[NotPlaced], put_back.clone()),
            (&[NotPlaced, NotPlaced, NotPlaced, NotPlaced], put_back.clone()),
            (&[NotPlaced, Busy, NotPlaced, Busy, NotPlaced], put_back),
        ] {
            let mut kept = planned(RetryPlan::default());
            for (number, disposition) in came.iter().enumerate() {
                kept.begin(0, call(number));
                assert_eq!(kept.call(), Some(&call(number)));
                kept.settle(0, *disposition);
            }
            assert_eq!(kept.standing, expected, "{came:?}");
        }
    }

    #[test]
    fn attempts_go_to_all_in_turn_and_one_that_was_not_placed_again_to_the_same() {
        let mut kept = planned(RetryPlan::every(Duration::ZERO, 9));
        let mut went_to = Vec::new();
        for disposition in [Disposition::Busy, Disposition::NotPlaced, Disposition::Busy, Disposition::Busy] {
            went_to.push(kept.next_to().cloned().unwrap());
            kept.begin(0, call(went_to.len()));
            kept.settle(0, disposition);
        }
        let [ada, bob] = ["ada", "bob"].map(|id| Placement::from(Target::User(id.to_owned())));
        assert_eq!(went_to, [ada.clone(), bob.clone(), bob, ada]);
    }

    #[test]
    fn what_was_not_placed_is_kept_no_longer_than_it_counts() {
        let mut kept = planned(RetryPlan::default());
        for number in 0..10 {
            let at = number as u64 * 2 * PUT_BACK;
            kept.begin(at, call(number));
            kept.settle(at, Disposition::NotPlaced);
        }
        assert_eq!(kept.attempts.len(), 1);
    }

    #[test]
    fn what_was_cancelled_ends_with_its_call_whatever_came_of_it() {
        for (disposition, expected) in [
            (Some(Disposition::Answered), Outcome::Reached),
            (Some(Disposition::Busy), Outcome::Cancelled),
            (Some(Disposition::NotPlaced), Outcome::Cancelled),
            (None, Outcome::Cancelled),
        ] {
            let mut kept = planned(RetryPlan::default());
            kept.begin(0, call(1));
            kept.is_cancelled = true;
            match disposition {
                Some(disposition) => kept.settle(7, disposition),
                None => kept.take_back(7, 0),
            }
            assert_eq!(kept.standing, Standing::Settled { outcome: expected, at: 7 }, "{disposition:?}");
        }
    }

    #[test]
    fn what_would_come_too_late_is_over() {
        let within = Duration::from_millis(10 * MINUTE);
        let plan = RetryPlan { within, ..RetryPlan::every(Duration::from_secs(300), 9) };
        let mut kept = planned(plan);
        for (now, expected) in [
            (0, Standing::Waiting { due: 5 * MINUTE }),
            (5 * MINUTE, Standing::Settled { outcome: Outcome::Expired, at: 5 * MINUTE }),
        ] {
            kept.begin(now, call(1));
            kept.settle(now, Disposition::Busy);
            assert_eq!(kept.standing, expected);
        }
        let window = Window { not_before: Some(10 * MINUTE), ..Window::default() };
        let plan = RetryPlan { within, window, ..RetryPlan::default() };
        let never = Kept::new(Vec::new(), plan, Author::default(), 0);
        assert!(matches!(never, Err(PlanError::NoMoment)));
        for attempts in [0, MAX_ATTEMPTS + 1] {
            let plan = RetryPlan { attempts, ..RetryPlan::default() };
            let refused = Kept::new(Vec::new(), plan, Author::default(), 0);
            assert!(matches!(refused, Err(PlanError::Attempts(found)) if found == attempts));
        }
    }

    #[test]
    fn an_entry_is_read_as_it_was_written_and_shows_no_state() {
        let author = Author { version: 3, bytes: br#"{"pin":"4711"}"#.to_vec() };
        let to = vec![Placement::from(Target::Phone("+12345678901".into()))];
        let mut kept = Kept::new(to, RetryPlan::default(), author.clone(), 5).unwrap();
        kept.begin(6, call(1));
        kept.settle(7, Disposition::NoAnswer);
        let commit = kept.commit(0, 7).unwrap();
        let record = Record { author: commit.author, ..Record::default() };
        let read = Kept::read(&record).unwrap();
        let id = CallName::planned(None);
        assert_eq!(read.entry(&id), kept.entry(&id));
        assert_eq!(read.author(), author);
        let shown = format!("{kept:?} {:?}", kept.entry(&id));
        assert!(!shown.contains("4711") && !shown.contains("12345678901"), "{shown}");
    }
}
