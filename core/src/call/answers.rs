//! How the answer to a request, or its absence, changes a call.

use super::reports::{Source, operation_ended};
use super::{Call, Output, Verdict};
use crate::command;
use crate::deadline;
use crate::event::Event;
use crate::id::Ticket;
use crate::lifecycle::doubt::NotFound;
use crate::lifecycle::end::How;
use crate::lifecycle::pending::{Creation, Exchange, HangingUp, Reading, Settlement, Settling};
use crate::lifecycle::{self, Effect, State, Trigger};
use crate::operation::{self, Outcome, Status};
use crate::report::{Body, CallNews, Change, Response};
use crate::result::ResultInfo;
use crate::time::Timestamp;

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
        let reading = Reading::of(response.status);
        match exchange {
            Exchange::Create => self.create_answered(now, reading, response, output),
            Exchange::Settle => self.settle_answered(now, reading, response, output),
            Exchange::HangUp => match reading {
                Reading::Taken => {
                    self.deadlines.set(deadline::Kind::News, now.plus(deadline::NEWS));
                    Verdict::Applied
                }
                Reading::Refused => {
                    self.pending.hanging_up = HangingUp::No;
                    if response.status != 404 {
                        output.event(command_failed(command::Kind::HangUp, response));
                    }
                    self.not_found(now, response, output)
                }
                Reading::Unclear => self.hang_up_unclear(now, response.ticket, output),
            },
            Exchange::KeepAlive => match reading {
                Reading::Taken => Verdict::Applied,
                Reading::Refused | Reading::Unclear => {
                    self.retry_keep_alive(now);
                    self.not_found(now, response, output)
                }
            },
            Exchange::GetCall => self.get_call_answered(now, reading, response, output),
            Exchange::GetOperation => match response.body {
                Body::Operation(news) => self.operation_news(Change::Updated, news, output),
                Body::None | Body::Call(_) | Body::Roster(_) => Verdict::Applied,
            },
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
                let news = match response.body {
                    Body::Call(news) => news,
                    Body::None | Body::Operation(_) | Body::Roster(_) => CallNews::NONE,
                };
                self.call_news(now, Change::Created, news, Source::Answer, output)
            }
            Reading::Refused => {
                if self.pending.creation == Creation::Done {
                    // The service told of the call, so it was created: by an earlier try of the same request.
                    return Verdict::Stale;
                }
                output.event(command_failed(command::Kind::Create, response));
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
        output.event(Event::OutcomeUnknown { ticket, command: command::Kind::Create });
        Verdict::Applied
    }

    fn not_created(&mut self, output: &mut Output<'_>) -> Verdict {
        if lifecycle::effect(self.facts.state, Trigger::NotCreated) != Effect::To(State::Terminated) {
            return Verdict::Stale;
        }
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
                self.deadlines.set(deadline::Kind::News, now.plus(deadline::NEWS));
                Verdict::Applied
            }
            Reading::Refused => {
                output.event(command_failed(command_of(settling), response));
                self.reopen(output);
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
        self.deadlines.set(deadline::Kind::News, now.plus(deadline::NEWS));
        output.event(Event::OutcomeUnknown { ticket, command: command_of(settling) });
        Verdict::Applied
    }

    /// What was asked is known not to have been taken: another may be tried until the limit.
    fn reopen(&mut self, output: &mut Output<'_>) {
        if self.deadlines.of(deadline::Kind::Answer).is_some() {
            self.pending.settlement = Settlement::Open;
        } else {
            self.pending.settlement = Settlement::Expired;
            output.event(Event::AnswerTimeout);
        }
    }

    fn hang_up_unclear(&mut self, now: Timestamp, ticket: Ticket, output: &mut Output<'_>) -> Verdict {
        self.pending.hanging_up = HangingUp::No;
        output.event(Event::OutcomeUnknown { ticket, command: command::Kind::HangUp });
        self.ask(now, output);
        Verdict::Applied
    }

    fn retry_keep_alive(&mut self, now: Timestamp) {
        let soon = now.plus(deadline::KEEP_ALIVE_RETRY);
        if self.deadlines.of(deadline::Kind::KeepAlive).is_some_and(|at| soon < at) {
            self.deadlines.set(deadline::Kind::KeepAlive, soon);
        }
    }

    fn get_call_answered(
        &mut self,
        now: Timestamp,
        reading: Reading,
        response: &Response<'_>,
        output: &mut Output<'_>,
    ) -> Verdict {
        self.deadlines.clear(deadline::Kind::Ask);
        match (reading, response.body) {
            (Reading::Taken, Body::Call(news)) => {
                if self.pending.doubt.answered() {
                    // Something changed while the question was out: the answer may be older than that.
                    self.ask(now, output);
                    return Verdict::Stale;
                }
                self.call_news(now, Change::Updated, news, Source::Answer, output)
            }
            (Reading::Refused, Body::None | Body::Call(_) | Body::Operation(_) | Body::Roster(_)) => {
                // 404 says something of the call; any other refusal says that the bot may not ask.
                self.not_found(now, response, output)
            }
            (Reading::Taken, Body::None | Body::Operation(_) | Body::Roster(_))
            | (Reading::Unclear, Body::None | Body::Call(_) | Body::Operation(_) | Body::Roster(_)) => {
                self.question_failed(now)
            }
        }
    }

    fn question_failed(&mut self, now: Timestamp) -> Verdict {
        self.pending.doubt.failed();
        if self.facts.state.is_ended() {
            // Only further news of the call is worth another question.
            return Verdict::Applied;
        }
        self.deadlines.set(deadline::Kind::Ask, self.pending.doubt.earliest(now));
        Verdict::Applied
    }

    /// Reads a 404 of any request on the call.
    ///
    /// Source: Graph docs, call: keepAlive (404: clean up).
    fn not_found(&mut self, now: Timestamp, response: &Response<'_>, output: &mut Output<'_>) -> Verdict {
        if response.status != 404 || self.facts.state.is_ended() {
            return Verdict::Applied;
        }
        match self.pending.doubt.not_found(response.code) {
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
        if self.operations.of(response.ticket).is_none() {
            return Verdict::Repeat;
        }
        match Reading::of(response.status) {
            Reading::Taken => {
                let (id, status, result) = match response.body {
                    Body::Operation(news) => (news.id, news.status, news.result),
                    // Source: Graph docs, commsOperation. Without one, it goes on, and a notification will tell.
                    Body::None | Body::Call(_) | Body::Roster(_) => (None, Status::Running, None),
                };
                match self.operations.told(Some(response.ticket), operation::News { id, status, result }) {
                    operation::Effect::Ended(ended) => {
                        output.event(operation_ended(&ended));
                        Verdict::Applied
                    }
                    operation::Effect::Applied => Verdict::Applied,
                    operation::Effect::Same | operation::Effect::NotOurs => Verdict::Repeat,
                }
            }
            Reading::Refused => {
                let result = ResultInfo { code: u32::from(response.status), subcode: response.code };
                let verdict = self.close(response.ticket, Outcome::Refused, Some(result), output);
                if verdict == Verdict::Applied { self.not_found(now, response, output) } else { verdict }
            }
            Reading::Unclear => self.operation_unclear(response.ticket, output),
        }
    }

    fn operation_unclear(&mut self, ticket: Ticket, output: &mut Output<'_>) -> Verdict {
        let Some(kind) = self.operations.of(ticket).map(operation::Operation::kind) else {
            return Verdict::Repeat;
        };
        if !self.operations.lost(ticket) {
            return Verdict::Repeat;
        }
        let command = match kind {
            operation::Kind::PlayPrompt => command::Kind::PlayPrompt,
            operation::Kind::SubscribeToTone => command::Kind::SubscribeToTone,
        };
        output.event(Event::OutcomeUnknown { ticket, command });
        Verdict::Applied
    }

    fn close(
        &mut self,
        ticket: Ticket,
        outcome: Outcome,
        result: Option<ResultInfo>,
        output: &mut Output<'_>,
    ) -> Verdict {
        match self.operations.close(ticket, outcome, result) {
            Some(ended) => {
                output.event(operation_ended(&ended));
                Verdict::Applied
            }
            None => Verdict::Repeat,
        }
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
            Some(Exchange::HangUp) => self.hang_up_unclear(now, ticket, output),
            Some(Exchange::KeepAlive) => {
                self.retry_keep_alive(now);
                Verdict::Applied
            }
            Some(Exchange::GetCall) => self.question_failed(now),
            Some(Exchange::GetOperation) => Verdict::Applied,
            None => self.operation_unclear(ticket, output),
        }
    }

    pub(super) fn not_sent(&mut self, now: Timestamp, ticket: Ticket, output: &mut Output<'_>) -> Verdict {
        let unsent = Response { ticket, status: 0, code: 0, body: Body::None };
        match self.pending.outstanding.settle(ticket) {
            Some(Exchange::Create) => {
                if self.pending.creation == Creation::Done {
                    return Verdict::Stale;
                }
                output.event(command_failed(command::Kind::Create, &unsent));
                self.not_created(output)
            }
            Some(Exchange::Settle) => match self.pending.settlement {
                Settlement::Asked(settling) => {
                    output.event(command_failed(command_of(settling), &unsent));
                    self.reopen(output);
                    Verdict::Applied
                }
                Settlement::Open
                | Settlement::Unknown(_)
                | Settlement::Taken(_)
                | Settlement::Expired
                | Settlement::NotNeeded => Verdict::Stale,
            },
            Some(Exchange::HangUp) => {
                self.pending.hanging_up = HangingUp::No;
                output.event(command_failed(command::Kind::HangUp, &unsent));
                Verdict::Applied
            }
            Some(Exchange::KeepAlive) => {
                self.retry_keep_alive(now);
                Verdict::Applied
            }
            Some(Exchange::GetCall) => self.question_failed(now),
            Some(Exchange::GetOperation) => Verdict::Applied,
            None => self.close(ticket, Outcome::NotSent, None, output),
        }
    }
}

fn command_of(settling: Settling) -> command::Kind {
    match settling {
        Settling::Answer => command::Kind::Answer,
        Settling::Reject => command::Kind::Reject,
    }
}

fn command_failed(command: command::Kind, response: &Response<'_>) -> Event {
    Event::CommandFailed { ticket: response.ticket, command, status: response.status, code: response.code }
}
