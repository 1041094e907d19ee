//! How time changes a call: deadlines are set, and pass.

use super::{Call, Output, Verdict};
use crate::deadline::{self, Timer};
use crate::event::Event;
use crate::id::{OperationId, Ticket};
use crate::lifecycle::State;
use crate::lifecycle::end::How;
use crate::lifecycle::pending::{Creation, Exchange, HangingUp, Settlement};
use crate::operation::Due;
use crate::time::Timestamp;

impl<const R: usize, const O: usize> Call<R, O> {
    pub(super) fn tick(&mut self, now: Timestamp, output: &mut Output<'_>) {
        let Some(due) = self.deadlines.next().filter(|due| due.at <= now) else { return };
        self.sweep();
        output.verdict = Verdict::Applied;
        self.deadlines.clear(due.kind);
        match due.kind {
            deadline::Kind::Answer => self.answer_limit_passed(now, output),
            deadline::Kind::Ring => self.ring_limit_passed(now, output),
            deadline::Kind::KeepAlive => {
                let ticket = self.take_ticket();
                self.keep_alive(now, ticket, output);
            }
            deadline::Kind::Media => self.facts.media.presume(),
            deadline::Kind::News => self.ask(now, output),
            deadline::Kind::Ask => {
                // A question that is out by now counts as lost.
                let ticket = self.take_ticket();
                self.get_call(now, ticket, output);
            }
            deadline::Kind::AskParticipants => {
                let ticket = self.take_ticket();
                self.list_participants(now, ticket, output);
            }
            deadline::Kind::Operation => {
                self.operation_is_due(now, output);
                self.wait_for_operations(now);
            }
            deadline::Kind::Joining => {
                self.pending.joining = 0;
                output.event(Event::JoiningTimeout);
            }
            deadline::Kind::Creation => self.finish(How::Inferred, output),
        }
        self.let_media_go(now, output);
    }

    #[inline(never)]
    pub(super) fn arm(&mut self, now: Timestamp, kind: deadline::Kind, timer: Timer) {
        self.deadlines.set(kind, now.plus(self.facts.timers.of(timer)));
    }

    /// Source: Graph docs, call: answer (15 seconds); what the service tells afterwards is not documented, so it is asked.
    fn answer_limit_passed(&mut self, now: Timestamp, output: &mut Output<'_>) {
        match self.pending.settlement {
            Settlement::Open => {
                self.pending.settlement = Settlement::Expired;
                output.event(Event::AnswerTimeout);
                self.ask(now, output);
            }
            Settlement::Unknown(_) => self.ask(now, output),
            Settlement::Asked(_) | Settlement::Taken(_) | Settlement::Expired | Settlement::NotNeeded => {}
        }
    }

    /// Nobody answered: the call is hung up, and again as long as it rings on.
    ///
    /// Source: assumed; v1.0 lets nobody say how long a call may ring. If the service ends it first, its news comes first.
    fn ring_limit_passed(&mut self, now: Timestamp, output: &mut Output<'_>) {
        if !matches!(self.facts.state, State::Establishing | State::Ringing) {
            return;
        }
        if !self.pending.no_answer {
            self.pending.no_answer = true;
            output.event(Event::NoAnswer);
        }
        if self.pending.hanging_up == HangingUp::No && !self.is_out(Exchange::HangUp) {
            let ticket = self.take_ticket();
            self.hang_up(ticket, output);
        }
        self.arm(now, deadline::Kind::Ring, Timer::News);
    }

    fn operation_is_due(&mut self, now: Timestamp, output: &mut Output<'_>) {
        let wait = self.facts.timers.of(Timer::Operation);
        match self.operations.take_due(now, wait) {
            Some(Due::Ask(operation, id)) => self.get_operation(operation.ticket(), id, output),
            Some(Due::Unknown(operation)) => {
                output
                    .event(Event::OutcomeUnknown { ticket: operation.ticket(), action: operation.action() });
            }
            None => {}
        }
    }

    /// Sets the deadline of the operation that is waited for longest, or clears it.
    pub(super) fn wait_for_operations(&mut self, now: Timestamp) {
        match self.operations.next_due(now) {
            Some(at) => self.deadlines.set(deadline::Kind::Operation, at),
            None => self.deadlines.clear(deadline::Kind::Operation),
        }
    }

    pub(super) fn get_call(&mut self, now: Timestamp, ticket: Ticket, output: &mut Output<'_>) {
        self.pending.outstanding.put(Exchange::GetCall, ticket);
        self.pending.doubt.asked(now);
        self.wait_for_answer(now, deadline::Kind::Ask);
        output.refresh(ticket);
    }

    pub(super) fn list_participants(&mut self, now: Timestamp, ticket: Ticket, output: &mut Output<'_>) {
        self.pending.outstanding.put(Exchange::ListParticipants, ticket);
        self.pending.roster_doubt.asked(now);
        self.wait_for_answer(now, deadline::Kind::AskParticipants);
        output.list_participants(ticket);
    }

    /// A question counts as lost after a while, and not sooner than the next may be asked.
    fn wait_for_answer(&mut self, now: Timestamp, kind: deadline::Kind) {
        let timers = &self.facts.timers;
        let wait = timers.of(Timer::QuestionLost).max(timers.of(Timer::Question));
        self.deadlines.set(kind, now.plus(wait));
    }

    pub(super) fn get_operation(&mut self, of: Ticket, id: OperationId, output: &mut Output<'_>) {
        let ticket = self.take_ticket();
        self.pending.outstanding.put(Exchange::GetOperation, ticket);
        self.pending.questioned = Some(of);
        output.get_operation(ticket, id);
    }

    /// Asks for the call, now or as soon as its rate allows.
    pub(super) fn ask(&mut self, now: Timestamp, output: &mut Output<'_>) {
        if self.pending.creation != Creation::Done {
            return;
        }
        if self.is_out(Exchange::GetCall) {
            self.pending.doubt.overtake();
            return;
        }
        let at = self.pending.doubt.earliest(now, self.facts.timers.of(Timer::Question));
        if at <= now {
            let ticket = self.take_ticket();
            self.get_call(now, ticket, output);
        } else {
            self.deadlines.set(deadline::Kind::Ask, at);
        }
    }

    /// Asks for the participants, now or as soon as its rate allows. A call between two endpoints has no list of them.
    ///
    /// Source: Graph docs, call: list participants (group calls).
    pub(super) fn ask_participants(&mut self, now: Timestamp, output: &mut Output<'_>) {
        if self.pending.creation != Creation::Done || !self.has_roster() {
            return;
        }
        if self.is_out(Exchange::ListParticipants) {
            self.pending.roster_doubt.overtake();
            return;
        }
        let at = self.pending.roster_doubt.earliest(now, self.facts.timers.of(Timer::Question));
        if at <= now {
            let ticket = self.take_ticket();
            self.list_participants(now, ticket, output);
        } else {
            self.deadlines.set(deadline::Kind::AskParticipants, at);
        }
    }

    pub(super) fn has_roster(&self) -> bool {
        self.facts.classification.hosting() == crate::classification::Hosting::Conversation
    }

    /// Whether a media request may leave.
    pub(super) fn is_media_usable(&self) -> bool {
        let hanging_up = self.pending.hanging_up != HangingUp::No;
        self.facts.state.is_connected() && self.facts.media.is_usable() && !hanging_up
    }

    /// Lets the next held request go where it may, and sets or clears the limit of waiting for audio.
    pub(super) fn let_media_go(&mut self, now: Timestamp, output: &mut Output<'_>) {
        let waits = self.facts.state.is_connected() && self.operations.holds();
        if waits
            && self.is_media_usable()
            && let Some(ticket) = self.operations.release()
        {
            output.release(ticket);
        }
        if waits && self.facts.media.is_unknown() {
            if self.deadlines.of(deadline::Kind::Media).is_none() {
                self.arm(now, deadline::Kind::Media, Timer::Media);
            }
        } else {
            self.deadlines.clear(deadline::Kind::Media);
        }
    }
}
