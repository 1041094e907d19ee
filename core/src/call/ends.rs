//! How a call ends: told, inferred, or refused; and what becomes known of its end afterwards.
//!
//! Source: Graph docs, call: delete, call: keepAlive.

use super::reports::Source;
use super::{Call, Marks, Output, Verdict};
use crate::classification::Direction;
use crate::deadline::{self, Timer};
use crate::event::Event;
use crate::lifecycle::State;
use crate::lifecycle::end::{How, TerminationReason};
use crate::lifecycle::pending::{Creation, HangingUp, Settling, Transferring};
use crate::report::CallNews;
use crate::result::{By, ended_by};
use crate::time::Timestamp;

impl<const R: usize, const O: usize> Call<R, O> {
    /// The call is over.
    pub(super) fn finish(&mut self, how: How, output: &mut Output<'_>) {
        let from = core::mem::replace(&mut self.facts.state, State::Terminated);
        self.facts.end = Some(how);
        self.facts.ended_by = self.who_ended_it();
        self.deadlines.clear_all();
        self.pending.outstanding.clear();
        self.pending.hanging_up = HangingUp::No;
        self.pending.transferring = Transferring::No;
        self.pending.joining = 0;
        self.pending.reporting = None;
        self.pending.questioned = None;
        output.event(Event::StateChanged { from, to: State::Terminated });
        let places = self.operations.end_all();
        if !places.is_empty() {
            self.facts.marks.set(Marks::ENDED);
            output.event(Event::OperationsEnded { places });
        }
        if let Some(end) = self.end() {
            output.event(Event::Ended(end));
        }
    }

    pub(super) fn learn_of_the_end(&mut self, news: &CallNews) -> bool {
        let mut is_new = false;
        if let (false, Some(result)) = (self.facts.has_result, news.result) {
            (self.facts.has_result, self.facts.result) = (true, result);
            is_new = true;
        }
        if self.facts.reason.is_none() && news.reason.is_some() {
            self.facts.reason = news.reason;
            is_new = true;
        }
        is_new
    }

    /// Who ended the call: as the result says, else the bot where it asked for that, else nobody knows.
    ///
    /// Source: Graph docs, call: delete (result codes); for the rest assumed: if it is wrong, the other side ended the
    /// call in the moment in which the bot asked to.
    pub(super) fn who_ended_it(&self) -> By {
        let told = self.facts.result().map_or(By::Unknown, ended_by);
        let handed_on =
            matches!(self.pending.settlement.settling(), Some(Settling::Reject | Settling::Redirect));
        let by_bot = self.pending.hanging_up == HangingUp::Sent
            || self.facts.reason == Some(TerminationReason::AppTransferred)
            || handed_on;
        match told {
            By::Unknown if by_bot => By::Bot,
            By::Unknown => self.facts.ended_by,
            told => told,
        }
    }

    /// An end that was told is final, and only more may become known of it; one that was inferred may be wrong.
    pub(super) fn news_after_the_end(
        &mut self,
        now: Timestamp,
        told: Option<State>,
        news: &CallNews,
        source: Source,
        output: &mut Output<'_>,
    ) -> Verdict {
        let before = self.end();
        let is_end = told == Some(State::Terminated);
        if self.facts.end != Some(How::Told) && !is_end {
            return self.doubt_the_end(now, told, source, output);
        }
        if is_end {
            self.facts.end = Some(How::Told);
            self.deadlines.clear_all();
            self.pending.outstanding.clear();
        }
        if matches!(told, Some(State::Terminating | State::Terminated)) {
            let _ = self.learn_of_the_end(news);
            self.facts.ended_by = self.who_ended_it();
        }
        self.facts.ever_established |= told.is_some_and(State::is_connected);
        match self.end() {
            Some(end) if before != Some(end) => {
                output.event(Event::EndRevised(end));
                Verdict::Applied
            }
            Some(_) | None if is_end => Verdict::Repeat,
            Some(_) | None => Verdict::Stale,
        }
    }

    pub(super) fn doubt_the_end(
        &mut self,
        now: Timestamp,
        told: Option<State>,
        source: Source,
        output: &mut Output<'_>,
    ) -> Verdict {
        let is_impossible = told == Some(State::Incoming) && self.facts.direction() == Direction::Outgoing;
        match (source, told) {
            (Source::Answer, Some(_)) if is_impossible => Verdict::Unexplained,
            (Source::Answer, Some(state)) => {
                self.facts.end = None;
                self.facts.ended_by = By::Unknown;
                self.arm(now, deadline::Kind::KeepAlive, Timer::KeepAlive);
                output.event(Event::Revived);
                self.enter(now, state, output);
                // Rosters that came meanwhile were not taken in.
                self.ask_participants(now, output);
                Verdict::Applied
            }
            (Source::Answer, None) => Verdict::Repeat,
            (Source::Notification, Some(_) | None) => {
                // News of a call whose creation was never answered, or was refused, tells that the service has it.
                self.pending.creation = Creation::Done;
                self.facts.end = Some(How::Inferred);
                self.ask(now, output);
                Verdict::Unexplained
            }
        }
    }
}
