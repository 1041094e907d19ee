//! How time changes a call: deadlines are set, and pass.

use super::{Call, Marks, Output, Verdict};
use crate::deadline::{self, Timer};
use crate::event::Event;
use crate::id::{OperationId, Ticket};
use crate::lifecycle::State;
use crate::lifecycle::doubt::Doubt;
use crate::lifecycle::end::How;
use crate::lifecycle::pending::{Creation, Exchange, HangingUp, RingLimit, Settlement};
use crate::operation::{self, Due};
use crate::time::Timestamp;

/// What the call asks for when it doubts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    /// The call itself.
    Call,
    /// Its participants.
    Participants,
}

impl Question {
    const fn exchange(self) -> Exchange {
        match self {
            Self::Call => Exchange::GetCall,
            Self::Participants => Exchange::ListParticipants,
        }
    }

    pub(super) const fn deadline(self) -> deadline::Kind {
        match self {
            Self::Call => deadline::Kind::Ask,
            Self::Participants => deadline::Kind::AskParticipants,
        }
    }
}

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
            // A question that is out by now counts as lost.
            deadline::Kind::Ask => self.put(Question::Call, now, output),
            deadline::Kind::AskParticipants => self.put(Question::Participants, now, output),
            deadline::Kind::Operation => self.operation_is_due(now, output),
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
    pub(super) fn answer_limit_passed(&mut self, now: Timestamp, output: &mut Output<'_>) {
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

    /// Sets the limit for ringing, with a question shortly before it: news that somebody picked up may have been missed.
    pub(super) fn let_ring(&mut self, now: Timestamp) {
        let ring = self.facts.timers.of(Timer::Ring);
        let asking = ring.minus(self.facts.timers.of(Timer::Question));
        self.deadlines.set(deadline::Kind::Ring, now.plus(asking));
    }

    /// Nobody answered: the call is asked for, then hung up, and again as long as it rings on.
    ///
    /// Source: assumed; v1.0 lets nobody say how long a call may ring. If the service ends it first, its news comes first.
    fn ring_limit_passed(&mut self, now: Timestamp, output: &mut Output<'_>) {
        if !matches!(self.facts.state, State::Establishing | State::Ringing) {
            return;
        }
        match self.pending.ring_limit {
            RingLimit::Ahead => {
                self.pending.ring_limit = RingLimit::Asked;
                self.ask(now, output);
                let (ring, gap) = (self.facts.timers.of(Timer::Ring), self.facts.timers.of(Timer::Question));
                self.deadlines.set(deadline::Kind::Ring, now.plus(ring.min(gap)));
                return;
            }
            RingLimit::Asked => {
                self.pending.ring_limit = RingLimit::Passed;
                output.event(Event::NoAnswer);
            }
            RingLimit::Passed => {}
        }
        if self.pending.hanging_up == HangingUp::No && !self.is_out(Exchange::HangUp) {
            let ticket = self.take_ticket();
            self.hang_up(ticket, output);
        }
        self.arm(now, deadline::Kind::Ring, Timer::News);
    }

    #[inline(never)]
    fn operation_is_due(&mut self, now: Timestamp, output: &mut Output<'_>) {
        let (due, next) = self.operations.take_due(now, self.facts.timers.of(Timer::Operation));
        match due {
            Some(Due::Ask(operation, id)) => self.get_operation(operation.ticket(), id, output),
            Some(Due::Unknown(operation)) => {
                output
                    .event(Event::OutcomeUnknown { ticket: operation.ticket(), action: operation.action() });
            }
            None => {}
        }
        if let Some(next) = next {
            self.deadlines.set(deadline::Kind::Operation, next);
        }
    }

    /// Sees to it that an operation which is waited for from now on is looked after. One that ends meanwhile leaves its
    /// deadline as it is: the tick finds nothing due, and looks for the next.
    pub(super) fn wait_for_operation(&mut self, now: Timestamp) {
        let at = operation::due_at(now, self.facts.timers.of(Timer::Operation));
        if self.deadlines.of(deadline::Kind::Operation).is_none_or(|next| at < next) {
            self.deadlines.set(deadline::Kind::Operation, at);
        }
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
        self.wonder(Question::Call, now, output);
    }

    /// Asks for the participants, now or as soon as its rate allows. A call between two endpoints has no list of them.
    ///
    /// Source: Graph docs, call: list participants (group calls).
    pub(super) fn ask_participants(&mut self, now: Timestamp, output: &mut Output<'_>) {
        if self.has_roster() {
            self.wonder(Question::Participants, now, output);
        }
    }

    #[inline(never)]
    pub(super) fn wonder(&mut self, question: Question, now: Timestamp, output: &mut Output<'_>) {
        if self.pending.creation != Creation::Done {
            return;
        }
        if self.is_out(question.exchange()) {
            self.doubt_of(question).overtake();
            return;
        }
        let gap = self.facts.timers.of(Timer::Question);
        let at = self.doubt_of(question).earliest(now, gap);
        if at <= now {
            self.put(question, now, output);
        } else {
            self.deadlines.set(question.deadline(), at);
        }
    }

    /// Puts a question, whenever the last one was put.
    fn put(&mut self, question: Question, now: Timestamp, output: &mut Output<'_>) {
        let ticket = self.take_ticket();
        self.put_as(question, now, ticket, output);
    }

    #[inline(never)]
    pub(super) fn put_as(
        &mut self,
        question: Question,
        now: Timestamp,
        ticket: Ticket,
        output: &mut Output<'_>,
    ) {
        self.pending.outstanding.put(question.exchange(), ticket);
        self.doubt_of(question).asked(now);
        self.wait_for_answer(now, question.deadline());
        match question {
            Question::Call => output.refresh(ticket),
            Question::Participants => output.list_participants(ticket),
        }
    }

    /// A question was not answered: it is put again, later each time. After the end only further news is worth one.
    #[inline(never)]
    pub(super) fn question_failed(&mut self, question: Question, now: Timestamp) -> Verdict {
        let gap = self.facts.timers.of(Timer::Question);
        let doubt = self.doubt_of(question);
        doubt.failed();
        let at = doubt.earliest(now, gap);
        if !self.facts.state.is_ended() {
            self.deadlines.set(question.deadline(), at);
        }
        Verdict::Applied
    }

    pub(super) const fn doubt_of(&mut self, question: Question) -> &mut Doubt {
        match question {
            Question::Call => &mut self.pending.doubt,
            Question::Participants => &mut self.pending.roster_doubt,
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
        if self.facts.marks.has(Marks::HELD) && !self.operations.holds() {
            self.facts.marks.clear(Marks::HELD);
        }
        let waits = self.facts.marks.has(Marks::HELD) && self.facts.state.is_connected();
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
