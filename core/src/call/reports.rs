//! How a report changes a call: each is handed to the rule book that it concerns.

use super::{Call, Output, Verdict};
use crate::classification::Direction;
use crate::deadline;
use crate::event::{Event, Table};
use crate::lifecycle::end::How;
use crate::lifecycle::pending::{Creation, Exchange, HangingUp, Settlement};
use crate::lifecycle::{self, Effect, State, Trigger};
use crate::operation::{self, Outcome};
use crate::report::{CallNews, Change, OperationNews, Report, RosterNews, Told, ToneInfo, Topic};
use crate::time::Timestamp;

/// Where news comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
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

    pub(super) fn call_news(
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
            verdict = self.told_state(now, lifecycle::WITH_TONES, source, output);
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
        let Some(change) = self.roster.told(news.participants, news.extent) else { return Verdict::Stale };
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

    pub(super) fn operation_news(
        &mut self,
        change: Change,
        news: OperationNews,
        output: &mut Output<'_>,
    ) -> Verdict {
        let ticket =
            news.context.filter(|context| context.key == self.facts.key).map(|context| context.ticket);
        let status = news.status.told_by(change == Change::Deleted, news.result);
        let news = operation::News { id: news.id, status, result: news.result };
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
}

fn not_used(topic: Topic, output: &mut Output<'_>) -> Verdict {
    output.event(Event::NotUsed(topic));
    Verdict::NotUsed
}

pub(super) fn operation_ended(ended: &operation::Operation) -> Event {
    let outcome = match ended.phase() {
        operation::Phase::Ended(outcome) => outcome,
        operation::Phase::Held
        | operation::Phase::Asked
        | operation::Phase::Running
        | operation::Phase::Unknown => Outcome::Failed,
    };
    Event::OperationEnded { ticket: ended.ticket(), kind: ended.kind(), outcome, result: ended.result() }
}
