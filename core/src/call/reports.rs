//! How a report changes a call: each is handed to the rule book that it concerns.

use super::{Call, Output, Verdict};
use crate::classification::Direction;
use crate::command;
use crate::deadline;
use crate::event::{Event, Table};
use crate::id::Ticket;
use crate::lifecycle::doubt::NotFound;
use crate::lifecycle::end::How;
use crate::lifecycle::pending::{Creation, Exchange, HangingUp, Reading, Settlement, Settling};
use crate::lifecycle::{self, Effect, State, Trigger};
use crate::operation::{self, Outcome, Status};
use crate::report::{
    Body, CallNews, Change, OperationNews, Report, Response, RosterNews, Told, ToneInfo, Topic,
};
use crate::result::{Class, ResultInfo};
use crate::time::Timestamp;

/// Where news comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    /// A notification, which may come late.
    Notification,
    /// The answer to a question, which says what is.
    Answer,
}

impl<const R: usize, const O: usize> Call<R, O> {
    pub(super) fn report(&mut self, now: Timestamp, report: Report<'_>, output: &mut Output<'_>) -> Verdict {
        match report {
            Report::Call { change, news } => self.call_news(now, change, news, Source::Notification, output),
            Report::Roster(news) => self.roster_news(&news, output),
            Report::Operation { change, news } => self.operation_news(change, news, output),
            Report::ContentSharing(_) => not_used(Topic::ContentSharing, output),
            Report::Joining => not_used(Topic::Joining, output),
            Report::Left => not_used(Topic::Left, output),
            Report::Unrecognised => not_used(Topic::Unrecognised, output),
            Report::Response(response) => self.response(now, &response, output),
            Report::NoResponse { ticket } => self.no_response(now, ticket, output),
            Report::NotSent { ticket } => self.not_sent(now, ticket, output),
        }
    }

    fn call_news(
        &mut self,
        now: Timestamp,
        change: Change,
        news: CallNews,
        source: Source,
        output: &mut Output<'_>,
    ) -> Verdict {
        let told = match (change, news.state) {
            (Change::Deleted, _) => Some(State::Terminated),
            (Change::Created | Change::Updated, Told::State(state)) => Some(state),
            (Change::Created | Change::Updated, Told::Nothing | Told::Unrecognised) => None,
        };
        if self.facts.state.is_ended() {
            return self.news_after_the_end(now, told, &news, source, output);
        }
        let before = self.facts.clone();
        self.learn_of_creation(now, &news, output);
        let mut verdict = Verdict::Repeat;
        if self.facts.classification.saw_coordinates(news.coordinates).hosting {
            output.event(Event::HostingChanged);
        }
        if matches!(told, Some(State::Terminating | State::Terminated)) {
            self.facts.result = self.facts.result.or(news.result);
        }
        if let Some(state) = told {
            verdict = self.told_state(now, state, source, output);
        } else if news.tone.is_some() && !self.facts.ever_established {
            // Source: Graph docs, call: subscribeToTone. Tones come from an established call only: its news was missed.
            verdict = self.told_state(now, State::Established, source, output);
            self.ask(now, output);
        }
        if news.state == Told::Unrecognised && change != Change::Deleted {
            self.ask(now, output);
            verdict = Verdict::Unexplained;
        }
        self.hear(now, &news, before.ever_established, source, output);
        self.hang_up_if_wanted(output);
        let is_new = before != self.facts || !output.events.is_empty();
        if is_new && verdict != Verdict::Unexplained { Verdict::Applied } else { verdict }
    }

    /// Takes in audio and tones, which only a call that is or was established can have.
    fn hear(
        &mut self,
        now: Timestamp,
        news: &CallNews,
        was_established: bool,
        source: Source,
        output: &mut Output<'_>,
    ) {
        if self.facts.state.is_ended() {
            return;
        }
        let known = self.facts.media.audio();
        if let Some(audio) = news.audio {
            self.facts.media.told(audio);
        }
        let audio = self.facts.media.audio();
        if self.facts.ever_established {
            let first_heard = !was_established && known.is_some();
            if let Some(audio) = audio.filter(|_| audio != known || first_heard) {
                output.event(Event::MediaChanged { audio });
            }
            if let Some(ToneInfo { sequence, tone }) = news.tone
                && let Some(arrival) = self.facts.media.hear(sequence)
            {
                output.event(Event::Tone { sequence, tone, arrival });
            }
        }
        // Audio that goes and comes has no documented order: which is the newer?
        if known.is_some() && audio != known && source == Source::Notification {
            self.ask(now, output);
        }
    }

    /// Source: Graph docs, call: create; news of a call may come before the answer to its creation.
    fn learn_of_creation(&mut self, now: Timestamp, news: &CallNews, output: &mut Output<'_>) {
        self.facts.id = self.facts.id.or(news.id);
        self.facts.own_participant = self.facts.own_participant.or(news.own_participant);
        if self.pending.creation == Creation::Done {
            return;
        }
        self.pending.creation = Creation::Done;
        self.deadlines.clear(deadline::Kind::Creation);
        self.deadlines.set(deadline::Kind::KeepAlive, now.plus(deadline::KEEP_ALIVE));
        self.deadlines.set(deadline::Kind::News, now.plus(deadline::CREATION));
        output.event(Event::Created);
    }

    fn told_state(
        &mut self,
        now: Timestamp,
        told: State,
        source: Source,
        output: &mut Output<'_>,
    ) -> Verdict {
        match (lifecycle::effect(self.facts.state, Trigger::told(told)), source) {
            (Effect::To(to), Source::Notification | Source::Answer) | (Effect::Adopt(to), Source::Answer) => {
                self.enter(to, output);
                Verdict::Applied
            }
            (Effect::Adopt(to), Source::Notification) => {
                self.enter(to, output);
                self.ask(now, output);
                Verdict::Applied
            }
            (Effect::Unexplained, Source::Answer) => {
                self.enter(told, output);
                Verdict::Applied
            }
            (Effect::Unexplained, Source::Notification) => {
                self.ask(now, output);
                Verdict::Unexplained
            }
            (Effect::Same, Source::Notification | Source::Answer) => Verdict::Repeat,
            (Effect::Stale, Source::Notification | Source::Answer) => {
                if told.is_connected() && !self.facts.ever_established {
                    // Late, and yet news: an end that is under way followed an established call.
                    self.facts.ever_established = true;
                    output.event(Event::Established);
                }
                Verdict::Stale
            }
            // The effects of commands: an assertion beside the table keeps news from having them.
            (
                Effect::Allow | Effect::AllowIfAnswered(_) | Effect::AllowIfInferred(_) | Effect::Refuse(_),
                Source::Notification | Source::Answer,
            ) => Verdict::Stale,
        }
    }

    /// Lets the hang-up go that waited for the creation of the call.
    fn hang_up_if_wanted(&mut self, output: &mut Output<'_>) {
        let is_due = self.pending.hanging_up == HangingUp::Wanted && self.pending.creation == Creation::Done;
        if let Some(ticket) = self.pending.outstanding.of(Exchange::HangUp).filter(|_| is_due) {
            self.hang_up(ticket, output);
        }
    }

    /// The one place where the state changes.
    fn enter(&mut self, to: State, output: &mut Output<'_>) {
        if to.is_ended() {
            self.finish(How::Told, output);
            return;
        }
        let from = core::mem::replace(&mut self.facts.state, to);
        if from == to {
            return;
        }
        self.pending.doubt.overtake();
        self.deadlines.clear(deadline::Kind::News);
        output.event(Event::StateChanged { from, to });
        if from == State::Incoming {
            self.deadlines.clear(deadline::Kind::Answer);
            self.pending.settlement = match self.pending.settlement {
                // Not by this bot: another instance of it may have answered.
                Settlement::Open | Settlement::Expired => Settlement::NotNeeded,
                Settlement::Asked(settling) | Settlement::Unknown(settling) | Settlement::Taken(settling) => {
                    Settlement::Taken(settling)
                }
                Settlement::NotNeeded => Settlement::NotNeeded,
            };
        }
        if to.is_connected() && !self.facts.ever_established {
            self.facts.ever_established = true;
            output.event(Event::Established);
        }
    }

    /// The call is over.
    pub(super) fn finish(&mut self, how: How, output: &mut Output<'_>) {
        let from = core::mem::replace(&mut self.facts.state, State::Terminated);
        self.facts.end = Some(how);
        self.deadlines.clear_all();
        self.pending.outstanding.clear();
        self.pending.hanging_up = HangingUp::No;
        output.event(Event::StateChanged { from, to: State::Terminated });
        let places = self.operations.end_all();
        if !places.is_empty() {
            output.event(Event::OperationsEnded { places });
        }
        if let Some(end) = self.end() {
            output.event(Event::Ended(end));
        }
    }

    /// An end that was told is final, and only more may become known of it; one that was inferred may be wrong.
    fn news_after_the_end(
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
            self.facts.result = self.facts.result.or(news.result);
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

    fn doubt_the_end(
        &mut self,
        now: Timestamp,
        told: Option<State>,
        source: Source,
        output: &mut Output<'_>,
    ) -> Verdict {
        let is_impossible = told == Some(State::Incoming) && self.facts.direction == Direction::Outgoing;
        match (source, told) {
            (Source::Answer, Some(_)) if is_impossible => Verdict::Unexplained,
            (Source::Answer, Some(state)) => {
                self.facts.end = None;
                self.deadlines.set(deadline::Kind::KeepAlive, now.plus(deadline::KEEP_ALIVE));
                output.event(Event::Revived);
                self.enter(state, output);
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

    fn roster_news(&mut self, news: &RosterNews<'_>, output: &mut Output<'_>) -> Verdict {
        if self.facts.state.is_ended() {
            return Verdict::Stale;
        }
        let Some(change) = self.roster.told(news.participants, news.delta) else { return Verdict::Stale };
        let learnt = self.facts.classification.saw_roster(change.in_call);
        if learnt.kind {
            output.event(Event::KindChanged);
        }
        if learnt.hosting {
            output.event(Event::HostingChanged);
        }
        if change.is_any() {
            output.event(Event::RosterChanged { joined: change.joined, left: change.left });
        }
        if change.turned_away > 0 {
            output.event(Event::Full(Table::Roster));
        }
        if output.events.is_empty() { Verdict::Repeat } else { Verdict::Applied }
    }

    fn operation_news(&mut self, change: Change, news: OperationNews, output: &mut Output<'_>) -> Verdict {
        let ticket =
            news.context.filter(|context| context.key == self.facts.key).map(|context| context.ticket);
        let news = operation::News { id: news.id, status: final_status(change, &news), result: news.result };
        match self.operations.told(ticket, news) {
            operation::Effect::Ended(ended) => {
                output.event(operation_ended(&ended));
                Verdict::Applied
            }
            operation::Effect::Applied => Verdict::Applied,
            operation::Effect::Same => Verdict::Repeat,
            operation::Effect::NotOurs if ticket.is_some() => Verdict::Stale,
            operation::Effect::NotOurs => not_used(Topic::ForeignOperation, output),
        }
    }

    fn response(&mut self, now: Timestamp, response: &Response<'_>, output: &mut Output<'_>) -> Verdict {
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

    fn no_response(&mut self, now: Timestamp, ticket: Ticket, output: &mut Output<'_>) -> Verdict {
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

    fn not_sent(&mut self, now: Timestamp, ticket: Ticket, output: &mut Output<'_>) -> Verdict {
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

fn not_used(topic: Topic, output: &mut Output<'_>) -> Verdict {
    output.event(Event::NotUsed(topic));
    Verdict::NotUsed
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

/// The status that a notification means: one of a deleted operation is final, whatever it says.
///
/// Source: Graph docs, commsNotification (`deleted`), commsOperation.
fn final_status(change: Change, news: &OperationNews) -> Status {
    match (change, news.status) {
        (_, Status::Completed) => Status::Completed,
        (_, Status::Failed) => Status::Failed,
        (Change::Deleted, Status::NotStarted | Status::Running | Status::Unrecognised) => {
            match news.result.map(ResultInfo::class) {
                None | Some(Class::Normal) => Status::Completed,
                Some(Class::Refused | Class::Failed | Class::Unknown) => Status::Failed,
            }
        }
        (Change::Created | Change::Updated, going_on) => going_on,
    }
}

fn operation_ended(ended: &operation::Operation) -> Event {
    let outcome = match ended.phase() {
        operation::Phase::Ended(outcome) => outcome,
        operation::Phase::Held
        | operation::Phase::Asked
        | operation::Phase::Running
        | operation::Phase::Unknown => Outcome::Failed,
    };
    Event::OperationEnded { ticket: ended.ticket(), kind: ended.kind(), outcome, result: ended.result() }
}
