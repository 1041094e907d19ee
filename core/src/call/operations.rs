//! How news of an operation changes a call.
//!
//! Source: Graph docs, commsOperation and the page of each action.

use super::answers::news_of;
use super::reports::{Source, not_used};
use super::{Call, Marks, Output, Verdict};
use crate::action::Action;
use crate::classification::HostingCause;
use crate::deadline::Timer;
use crate::event::Event;
use crate::id::Ticket;
use crate::lifecycle::State;
use crate::operation::{self, Operation, Outcome, Status};
use crate::report::{Change, OperationNews, Topic};
use crate::time::Timestamp;

impl<const R: usize, const O: usize> Call<R, O> {
    pub(super) fn operation_news(
        &mut self,
        now: Timestamp,
        change: Change,
        news: &OperationNews,
        output: &mut Output<'_>,
    ) -> Verdict {
        let ticket =
            news.context.filter(|context| context.key == self.facts.key).map(|context| context.ticket);
        let status = news.status.told_by(change == Change::Deleted, news.result);
        self.operation_told(now, ticket, status, news, output)
    }

    pub(super) fn operation_told(
        &mut self,
        now: Timestamp,
        ticket: Option<Ticket>,
        status: Status,
        news: &OperationNews,
        output: &mut Output<'_>,
    ) -> Verdict {
        let wait = self.facts.timers.of(Timer::Operation);
        match self.operations.told(now, wait, ticket, news_of(news, status)) {
            operation::Effect::Ended(ended, outcome) => {
                self.facts.marks.set(Marks::ENDED);
                self.operation_completed(now, &ended, outcome, news, output);
                Verdict::Applied
            }
            operation::Effect::Taken(action) => {
                self.invite_may_be_taken(action, output);
                if matches!(action, Action::Invite | Action::InviteSeveral)
                    && let Some(invited) = news.invited
                {
                    self.roster.invite(invited);
                }
                self.wait_for_operation(now);
                Verdict::Applied
            }
            operation::Effect::Applied => Verdict::Applied,
            operation::Effect::Same => Verdict::Repeat,
            operation::Effect::NotOurs if ticket.is_some() => Verdict::Stale,
            operation::Effect::NotOurs => not_used(Topic::ForeignOperation, output),
        }
    }

    pub(super) fn operation_completed(
        &mut self,
        now: Timestamp,
        ended: &Operation,
        outcome: Outcome,
        news: &OperationNews,
        output: &mut Output<'_>,
    ) {
        let mut outcome = outcome;
        if outcome == Outcome::Completed && !self.facts.ever_established {
            // What only an established call can do was done: the news of that was missed.
            let _ = self.told_state(now, State::Established, Source::Notification, output);
            self.ask(now, output);
            if !self.facts.ever_established {
                outcome = Outcome::Unknown;
            }
        }
        let mut event = operation_ended(ended, outcome);
        if let Event::OperationEnded { completion, result, .. } = &mut event {
            *completion = news.completion;
            *result = news.result;
        }
        output.event(event);
        if outcome != Outcome::Completed {
            self.invite_may_be_taken(ended.action(), output);
            self.not_done(ended);
            return;
        }
        match ended.action() {
            Action::Invite | Action::InviteSeveral => {
                let change = self.facts.classification.invite_completed();
                if change.kind {
                    output.event(Event::KindChanged(self.facts.classification.reason()));
                }
                if change.hosting {
                    output.event(Event::HostingChanged(HostingCause::Group));
                }
                self.invitation_ended();
            }
            Action::StopHoldMusic => self.facts.on_hold = None,
            // What is being reported is the newest one's: one before it, which completes late, confirms nothing any more.
            Action::UpdateRecordingStatus if !self.operations.has_newer(ended) => {
                let confirmed = self.pending.reporting.take();
                if let Some(status) = confirmed.filter(|status| self.facts.media.recording_confirmed(*status))
                {
                    output.event(Event::RecordingConfirmed(status));
                }
            }
            _ => {}
        }
    }

    /// Takes the places from those who were invited and did not join, where no invitation is pending.
    pub(super) fn invitation_ended(&mut self) {
        if !self.operations.has_invitations() {
            self.roster.forget_invited();
        }
    }
}

pub(super) fn operation_ended(ended: &Operation, outcome: Outcome) -> Event {
    Event::OperationEnded {
        ticket: ended.ticket(),
        action: ended.action(),
        outcome,
        completion: None,
        result: None,
    }
}
