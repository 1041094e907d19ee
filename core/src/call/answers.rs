//! How the answer to a request, or its absence, changes a call.

use super::deadlines::Question;
use super::operations::operation_ended;
use super::reports::Source;
use super::{Call, Marks, Output, Verdict};
use crate::action::{Action, Actions};
use crate::classification::HostingCause;
use crate::deadline::{self, Timer};
use crate::event::Event;
use crate::id::Ticket;
use crate::lifecycle::doubt::NotFound;
use crate::lifecycle::end::How;
use crate::lifecycle::pending::{Creation, Exchange, HangingUp, Reading, Settlement, Settling, Transferring};
use crate::lifecycle::{self, Effect, News, State};
use crate::operation::{self, Lost, Operation, Outcome, Status};
use crate::permission;
use crate::report::{Body, CallNews, Change, OperationNews, Response};
use crate::result::{By, ResultInfo};
use crate::time::Timestamp;

/// The actions on something that a call has: its absence is not the call's.
const OF_ITS_PARTS: Actions = Actions::of(&[
    Action::RemoveParticipant,
    Action::MuteParticipant,
    Action::StartHoldMusic,
    Action::StopHoldMusic,
    Action::UpdateAudioRoutingGroup,
    Action::DeleteAudioRoutingGroup,
]);

impl<const R: usize, const O: usize> Call<R, O> {
    pub(super) fn response(
        &mut self,
        now: Timestamp,
        response: &Response<'_>,
        output: &mut Output<'_>,
    ) -> Verdict {
        let Some(exchange) = self.pending.outstanding.settle(response.ticket) else {
            return self.operation_response(now, response, output);
        };
        let is_question =
            matches!(exchange, Exchange::GetCall | Exchange::ListParticipants | Exchange::GetOperation);
        let reading =
            if is_question { Reading::of_question(response.status) } else { Reading::of(response.status) };
        self.learn(self.action_of_exchange(exchange), reading, response);
        match exchange {
            Exchange::Create => self.create_answered(now, reading, response, output),
            Exchange::Settle => self.settle_answered(now, reading, response, output),
            Exchange::Transfer => self.transfer_answered(now, reading, response, output),
            Exchange::HangUp => match reading {
                Reading::Taken => {
                    self.arm(now, deadline::Kind::News, Timer::News);
                    Verdict::Applied
                }
                Reading::Refused => {
                    self.pending.hanging_up = HangingUp::No;
                    if response.status != 404 {
                        output.event(command_failed(Action::HangUp, response));
                    }
                    self.not_found(now, response, output)
                }
                Reading::Unclear => self.hang_up_unclear(now, response.ticket, output),
            },
            Exchange::KeepAlive => match reading {
                Reading::Taken => {
                    self.pending.doubt.lives();
                    Verdict::Applied
                }
                Reading::Refused | Reading::Unclear => {
                    self.retry_keep_alive(now);
                    self.read_not_found(now, response, true, output)
                }
            },
            Exchange::GetCall => self.question_answered(now, Question::Call, reading, response, output),
            Exchange::ListParticipants => {
                self.question_answered(now, Question::Participants, reading, response, output)
            }
            Exchange::GetOperation => self.get_operation_answered(now, reading, response, output),
        }
    }

    /// What an answer teaches of the app's permissions.
    ///
    /// Source: field reports (403 with 7504).
    fn learn(&mut self, action: Action, reading: Reading, response: &Response<'_>) {
        match reading {
            Reading::Refused if response.status == 403 && response.code == permission::CODE => {
                self.facts.knowledge.refused(self.requirement(action));
            }
            Reading::Taken => self.facts.knowledge.taken(self.requirement(action)),
            Reading::Refused | Reading::Unclear => {}
        }
    }

    #[inline(never)]
    fn action_of_exchange(&self, exchange: Exchange) -> Action {
        match exchange {
            Exchange::Create => self.facts.created_by,
            Exchange::Settle => match self.pending.settlement.settling() {
                Some(settling) => self.action_of_settling(settling),
                None => self.facts.created_by,
            },
            Exchange::Transfer => Action::Transfer,
            Exchange::HangUp => Action::HangUp,
            Exchange::KeepAlive => Action::KeepAlive,
            Exchange::GetCall => Action::Refresh,
            Exchange::GetOperation => Action::GetOperation,
            Exchange::ListParticipants => Action::ListParticipants,
        }
    }

    #[inline(never)]
    fn action_of_settling(&self, settling: Settling) -> Action {
        match settling {
            // For an incoming call this says which way of answering it takes.
            Settling::Answer => self.facts.created_by,
            Settling::Reject => Action::Reject,
            Settling::Redirect => Action::Redirect,
        }
    }

    fn create_answered(
        &mut self,
        now: Timestamp,
        reading: Reading,
        response: &Response<'_>,
        output: &mut Output<'_>,
    ) -> Verdict {
        match reading {
            Reading::Taken => {
                const SILENT: CallNews = CallNews::NONE;
                let news = match &response.body {
                    Body::Call(news) => news,
                    Body::None | Body::Operation(_) | Body::Roster(_) => &SILENT,
                };
                if let Some(id) = news.id {
                    // The answer knows best: earlier news may have been taken for this call's.
                    self.facts.id = id;
                }
                self.call_news(now, Change::Created, news, Source::Answer, output)
            }
            Reading::Refused => {
                if self.pending.creation == Creation::Done {
                    // The service told of the call, so it was created: by an earlier try of the same request.
                    return Verdict::Stale;
                }
                output.event(command_failed(self.facts.created_by, response));
                self.not_created(output)
            }
            Reading::Unclear => self.creation_unclear(response.ticket, output),
        }
    }

    fn creation_unclear(&mut self, ticket: Ticket, output: &mut Output<'_>) -> Verdict {
        if self.pending.creation == Creation::Done {
            return Verdict::Repeat;
        }
        self.pending.creation = Creation::Unknown;
        output.event(Event::OutcomeUnknown { ticket, action: self.facts.created_by });
        Verdict::Applied
    }

    fn not_created(&mut self, output: &mut Output<'_>) -> Verdict {
        if lifecycle::effect(self.facts.state, News::NotCreated) != Effect::To(State::Terminated) {
            return Verdict::Stale;
        }
        self.facts.ended_by = By::Service;
        self.finish(How::NotCreated, output);
        Verdict::Applied
    }

    fn settle_answered(
        &mut self,
        now: Timestamp,
        reading: Reading,
        response: &Response<'_>,
        output: &mut Output<'_>,
    ) -> Verdict {
        let Settlement::Asked(settling) = self.pending.settlement else {
            // News of its effect came first.
            return if reading == Reading::Taken { Verdict::Repeat } else { Verdict::Stale };
        };
        match reading {
            Reading::Taken => {
                self.pending.settlement = Settlement::Taken(settling);
                self.deadlines.clear(deadline::Kind::Answer);
                if settling != Settling::Redirect {
                    self.arm(now, deadline::Kind::News, Timer::News);
                }
                Verdict::Applied
            }
            Reading::Refused => {
                output.event(command_failed(self.action_of_settling(settling), response));
                self.reopen(now, output);
                self.not_found(now, response, output)
            }
            Reading::Unclear => self.settle_unclear(now, settling, response.ticket, output),
        }
    }

    fn settle_unclear(
        &mut self,
        now: Timestamp,
        settling: Settling,
        ticket: Ticket,
        output: &mut Output<'_>,
    ) -> Verdict {
        self.pending.settlement = Settlement::Unknown(settling);
        self.arm(now, deadline::Kind::News, Timer::News);
        output.event(Event::OutcomeUnknown { ticket, action: self.action_of_settling(settling) });
        Verdict::Applied
    }

    /// What was asked is known not to have been taken: another may be tried until the limit.
    fn reopen(&mut self, now: Timestamp, output: &mut Output<'_>) {
        self.deadlines.clear(deadline::Kind::News);
        self.pending.settlement = Settlement::Open;
        if self.deadlines.of(deadline::Kind::Answer).is_none() {
            self.answer_limit_passed(now, output);
        }
    }

    /// Source: Graph docs, call: transfer (202; its notifications tell the rest).
    fn transfer_answered(
        &mut self,
        now: Timestamp,
        reading: Reading,
        response: &Response<'_>,
        output: &mut Output<'_>,
    ) -> Verdict {
        if self.pending.transferring != Transferring::Asked {
            // News of its effect came first.
            return if reading == Reading::Taken { Verdict::Repeat } else { Verdict::Stale };
        }
        match reading {
            Reading::Taken => {
                self.pending.transferring = Transferring::Taken;
                self.arm(now, deadline::Kind::News, Timer::News);
                Verdict::Applied
            }
            Reading::Refused => {
                self.pending.transferring = Transferring::No;
                output.event(command_failed(Action::Transfer, response));
                self.not_found(now, response, output)
            }
            Reading::Unclear => self.transfer_unclear(now, response.ticket, output),
        }
    }

    fn transfer_unclear(&mut self, now: Timestamp, ticket: Ticket, output: &mut Output<'_>) -> Verdict {
        if self.pending.transferring != Transferring::Asked {
            return Verdict::Repeat;
        }
        self.pending.transferring = Transferring::Unknown;
        output.event(Event::OutcomeUnknown { ticket, action: Action::Transfer });
        self.arm(now, deadline::Kind::News, Timer::News);
        Verdict::Applied
    }

    fn hang_up_unclear(&mut self, now: Timestamp, ticket: Ticket, output: &mut Output<'_>) -> Verdict {
        self.pending.hanging_up = HangingUp::No;
        output.event(Event::OutcomeUnknown { ticket, action: Action::HangUp });
        self.ask(now, output);
        Verdict::Applied
    }

    fn retry_keep_alive(&mut self, now: Timestamp) {
        let soon = now.plus(self.facts.timers.of(Timer::KeepAliveRetry));
        if self.deadlines.of(deadline::Kind::KeepAlive).is_some_and(|at| soon < at) {
            self.deadlines.set(deadline::Kind::KeepAlive, soon);
        }
    }

    #[inline(never)]
    fn question_answered(
        &mut self,
        now: Timestamp,
        question: Question,
        reading: Reading,
        response: &Response<'_>,
        output: &mut Output<'_>,
    ) -> Verdict {
        self.deadlines.clear(question.deadline());
        match reading {
            Reading::Taken => match (question, &response.body) {
                (Question::Call, Body::Call(_)) | (Question::Participants, Body::Roster(_))
                    if self.doubt_of(question).answered() =>
                {
                    // Something changed while the question was out: the answer may be older than that.
                    self.wonder(question, now, output);
                    Verdict::Stale
                }
                (Question::Call, Body::Call(news)) => {
                    self.call_news(now, Change::Updated, news, Source::Answer, output)
                }
                (Question::Participants, Body::Roster(news)) => {
                    self.roster_news(now, news, Source::Answer, output)
                }
                (Question::Call, Body::None | Body::Operation(_) | Body::Roster(_))
                | (Question::Participants, Body::None | Body::Operation(_) | Body::Call(_)) => {
                    self.question_failed(question, now)
                }
            },
            // 404 says something of the call; any other refusal says that the bot may not ask.
            Reading::Refused => self.read_not_found(now, response, question == Question::Call, output),
            Reading::Unclear => self.question_failed(question, now),
        }
    }

    fn get_operation_answered(
        &mut self,
        now: Timestamp,
        reading: Reading,
        response: &Response<'_>,
        output: &mut Output<'_>,
    ) -> Verdict {
        let asked = self.pending.questioned.take();
        match (reading, &response.body) {
            (Reading::Taken, Body::Operation(news)) => {
                self.operation_told(now, asked, news.status, news, output)
            }
            (Reading::Refused, _) => {
                // The operation cannot be asked for: only a notification or the call's end settles it now.
                if let Some(operation) = asked.and_then(|ticket| self.operations.not_found(ticket)) {
                    let (ticket, action) = (operation.ticket(), operation.action());
                    output.event(Event::OutcomeUnknown { ticket, action });
                }
                if response.code == lifecycle::doubt::CALL_NOT_FOUND {
                    return self.not_found(now, response, output);
                }
                Verdict::Applied
            }
            // It is asked for again when it was waited for as long once more.
            (Reading::Taken, Body::None | Body::Call(_) | Body::Roster(_)) | (Reading::Unclear, _) => {
                Verdict::Applied
            }
        }
    }

    /// Reads a 404 of any request on the call.
    ///
    /// Source: Graph docs, call: keepAlive (404: clean up).
    fn not_found(&mut self, now: Timestamp, response: &Response<'_>, output: &mut Output<'_>) -> Verdict {
        self.read_not_found(now, response, false, output)
    }

    /// As [`Self::not_found`]; the answer to keepAlive or to a question for the call is believed the second time.
    fn read_not_found(
        &mut self,
        now: Timestamp,
        response: &Response<'_>,
        is_answer: bool,
        output: &mut Output<'_>,
    ) -> Verdict {
        if response.status != 404 || self.facts.state.is_ended() {
            return Verdict::Applied;
        }
        match self.pending.doubt.not_found(response.code, is_answer) {
            NotFound::Gone => self.finish(How::Inferred, output),
            NotFound::AskAgain => self.ask(now, output),
        }
        Verdict::Applied
    }

    fn operation_response(
        &mut self,
        now: Timestamp,
        response: &Response<'_>,
        output: &mut Output<'_>,
    ) -> Verdict {
        let Some(operation) = self.operations.of(response.ticket).copied() else { return Verdict::Repeat };
        let reading = Reading::of(response.status);
        self.learn(operation.action(), reading, response);
        match reading {
            Reading::Taken => {
                const SILENT: OperationNews = OperationNews::of(Status::Unrecognised);
                let news = match &response.body {
                    Body::Operation(news) => news,
                    Body::None | Body::Call(_) | Body::Roster(_) => &SILENT,
                };
                let status = self.read_status(&operation, news.status);
                self.operation_told(now, Some(response.ticket), status, news, output)
            }
            Reading::Refused => {
                let result = ResultInfo { code: u32::from(response.status), subcode: response.code };
                let verdict = self.close(response.ticket, Outcome::Refused, Some(result), output);
                // A participant or a group that is not there says nothing of the call.
                let is_of_call = !OF_ITS_PARTS.has(operation.action())
                    || response.code == lifecycle::doubt::CALL_NOT_FOUND;
                if verdict == Verdict::Applied && is_of_call {
                    return self.not_found(now, response, output);
                }
                verdict
            }
            Reading::Unclear => self.operation_unclear(now, response.ticket, output),
        }
    }

    /// A status that is not known is what an answer without one means: it is done, or a notification will tell.
    ///
    /// Source: Graph docs, commsOperation.
    fn read_status(&self, operation: &Operation, status: Status) -> Status {
        if status == Status::Unrecognised {
            self.operations.status_of_taken(operation.ticket())
        } else {
            status
        }
    }

    fn operation_unclear(&mut self, now: Timestamp, ticket: Ticket, output: &mut Output<'_>) -> Verdict {
        match self.operations.lost(now, self.facts.timers.of(Timer::Operation), ticket) {
            Lost::Unknown(operation) => {
                let action = operation.action();
                output.event(Event::OutcomeUnknown { ticket, action });
                self.invite_may_be_taken(action, output);
                self.wait_for_operation(now);
                Verdict::Applied
            }
            Lost::Ended(operation) => {
                self.not_done(&operation);
                self.facts.marks.set(Marks::ENDED);
                output.event(operation_ended(&operation, Outcome::Unknown));
                Verdict::Applied
            }
            Lost::NotAsked => Verdict::Repeat,
        }
    }

    /// An invitation that was or may have been taken makes the call a conversation.
    ///
    /// Source: field reports (the call stays in meeting mode, also when the invitation is declined).
    pub(super) fn invite_may_be_taken(&mut self, action: Action, output: &mut Output<'_>) {
        if matches!(action, Action::Invite | Action::InviteSeveral)
            && self.facts.classification.invite_taken().hosting
        {
            output.event(Event::HostingChanged(HostingCause::InviteTaken));
        }
    }

    fn close(
        &mut self,
        ticket: Ticket,
        outcome: Outcome,
        result: Option<ResultInfo>,
        output: &mut Output<'_>,
    ) -> Verdict {
        let Some(ended) = self.operations.close(ticket, outcome) else { return Verdict::Repeat };
        self.facts.marks.set(Marks::ENDED);
        self.not_done(&ended);
        let mut event = operation_ended(&ended, outcome);
        if let Event::OperationEnded { result: of_event, .. } = &mut event {
            *of_event = result;
        }
        output.event(event);
        Verdict::Applied
    }

    pub(super) fn no_response(&mut self, now: Timestamp, ticket: Ticket, output: &mut Output<'_>) -> Verdict {
        match self.pending.outstanding.settle(ticket) {
            Some(Exchange::Create) => self.creation_unclear(ticket, output),
            Some(Exchange::Settle) => match self.pending.settlement {
                Settlement::Asked(settling) => self.settle_unclear(now, settling, ticket, output),
                Settlement::Open
                | Settlement::Unknown(_)
                | Settlement::Taken(_)
                | Settlement::Expired
                | Settlement::NotNeeded => Verdict::Repeat,
            },
            Some(Exchange::Transfer) => self.transfer_unclear(now, ticket, output),
            Some(Exchange::HangUp) => self.hang_up_unclear(now, ticket, output),
            Some(
                exchange @ (Exchange::KeepAlive
                | Exchange::GetCall
                | Exchange::ListParticipants
                | Exchange::GetOperation),
            ) => self.not_answered(now, exchange),
            None => self.operation_unclear(now, ticket, output),
        }
    }

    pub(super) fn not_sent(&mut self, now: Timestamp, ticket: Ticket, output: &mut Output<'_>) -> Verdict {
        let unsent = Response { ticket, status: 0, code: 0, body: Body::None };
        match self.pending.outstanding.settle(ticket) {
            Some(Exchange::Create) => {
                if self.pending.creation == Creation::Done {
                    return Verdict::Stale;
                }
                output.event(command_failed(self.facts.created_by, &unsent));
                self.not_created(output)
            }
            Some(Exchange::Settle) => match self.pending.settlement {
                Settlement::Asked(settling) => {
                    output.event(command_failed(self.action_of_settling(settling), &unsent));
                    self.reopen(now, output);
                    Verdict::Applied
                }
                Settlement::Open
                | Settlement::Unknown(_)
                | Settlement::Taken(_)
                | Settlement::Expired
                | Settlement::NotNeeded => Verdict::Stale,
            },
            Some(Exchange::Transfer) if self.pending.transferring == Transferring::Asked => {
                self.pending.transferring = Transferring::No;
                output.event(command_failed(Action::Transfer, &unsent));
                Verdict::Applied
            }
            Some(Exchange::Transfer) => Verdict::Stale,
            Some(Exchange::HangUp) => {
                self.pending.hanging_up = HangingUp::No;
                output.event(command_failed(Action::HangUp, &unsent));
                Verdict::Applied
            }
            Some(
                exchange @ (Exchange::KeepAlive
                | Exchange::GetCall
                | Exchange::ListParticipants
                | Exchange::GetOperation),
            ) => self.not_answered(now, exchange),
            None => self.close(ticket, Outcome::NotSent, None, output),
        }
    }

    /// A request that may be repeated was not answered, or did not leave.
    fn not_answered(&mut self, now: Timestamp, exchange: Exchange) -> Verdict {
        match exchange {
            Exchange::KeepAlive => {
                self.retry_keep_alive(now);
                Verdict::Applied
            }
            Exchange::GetCall => self.question_failed(Question::Call, now),
            Exchange::ListParticipants => self.question_failed(Question::Participants, now),
            // The operation is asked for again when it was waited for as long once more. The others are not repeated.
            Exchange::GetOperation
            | Exchange::Create
            | Exchange::Settle
            | Exchange::Transfer
            | Exchange::HangUp => Verdict::Applied,
        }
    }

    /// Takes back what was noted in the expectation that an action is carried out.
    pub(super) fn not_done(&mut self, ended: &Operation) {
        match ended.action() {
            // Whether he is off hold is not known then: the service decides of the next.
            Action::StopHoldMusic => self.facts.on_hold = None,
            Action::StartHoldMusic if !self.operations.has_newer(ended) => self.facts.on_hold = None,
            Action::UpdateRecordingStatus if !self.operations.has_newer(ended) => {
                self.pending.reporting = None;
            }
            Action::Invite | Action::InviteSeveral => self.invitation_ended(),
            _ => {}
        }
    }
}

fn command_failed(action: Action, response: &Response<'_>) -> Event {
    Event::CommandFailed { ticket: response.ticket, action, status: response.status, code: response.code }
}

/// The news of an operation as its rule book reads it.
pub(super) fn news_of(news: &OperationNews, status: Status) -> operation::News {
    operation::News { id: news.id, status, result: news.result, completion: news.completion }
}
