//! One telling of a story: the call, the service behind it, and the reports between the two.
//!
//! The bot is patient: what is refused because its news did not come yet is commanded again once it came, or after a
//! round of questions where it was lost.

use std::collections::BTreeMap;
use std::format;
use std::string::String;
use std::vec::Vec;

use super::*;

/// A request that the call made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) ticket: Ticket,
    pub(super) action: Action,
    pub(super) operation: Option<OperationId>,
    pub(super) left: bool,
    pub(super) answered: bool,
}

/// What a call asks of its own accord, or at any time without harm: the service behind the story answers it.
fn is_question(action: Action) -> bool {
    matches!(action, Action::Refresh | Action::KeepAlive | Action::ListParticipants | Action::GetOperation)
}

/// A report on its way: it comes once the report of this number came.
type OnItsWay = (usize, Said, Option<Ticket>);

pub(super) struct Run<'s> {
    pub(super) story: &'s Story,
    pub(super) telling: Telling,
    pub(super) call: Small,
    now: Timestamp,
    service: Service,
    pub(super) events: Vec<Event>,
    pub(super) sent: Vec<Sent>,
    ids: Vec<(OperationId, Ticket)>,
    on_their_way: Vec<OnItsWay>,
    slow: Vec<(usize, Said, Ticket)>,
    moment: usize,
    said: usize,
    events_seen: usize,
    pub(super) requests_seen: usize,
}

impl<'s> Run<'s> {
    pub(super) fn up_to_the_last_step(story: &'s Story, telling: Telling) -> Self {
        let mut run = Self::begin(story, telling);
        let moments = story.moments_of_reports();
        for step in &story.steps {
            run.step(step, &moments);
        }
        run
    }

    pub(super) fn of(story: &'s Story, telling: Telling) -> Self {
        let mut run = Self::up_to_the_last_step(story, telling);
        run.all_come();
        if matches!(telling, Telling::Lost(_)) {
            run.round();
        }
        run.settle();
        run
    }

    fn begin(story: &'s Story, telling: Telling) -> Self {
        let now = at(0);
        let (state, coordinates) = match &story.beginning {
            Beginning::Offered(_, offer) => (State::Incoming, offer.coordinates),
            Beginning::Placed(_, placement) => (State::Establishing, placement.coordinates()),
        };
        let service = Service {
            state,
            not_found: None,
            coordinates,
            transcription: None,
            own: None,
            roster: Vec::new(),
            operations: Vec::new(),
        };
        let (call, output) = match &story.beginning {
            Beginning::Offered(setup, offer) => Small::offered(now, *setup, *offer),
            Beginning::Placed(setup, placement) => Small::place(now, *setup, placement).unwrap(),
        };
        let mut run = Self {
            story,
            telling,
            call,
            now,
            service,
            events: Vec::new(),
            sent: Vec::new(),
            ids: Vec::new(),
            on_their_way: Vec::new(),
            slow: Vec::new(),
            moment: 0,
            said: 0,
            events_seen: 0,
            requests_seen: 0,
        };
        run.take(&output);
        run
    }

    fn is_in_order(&self) -> bool {
        self.telling == Telling::AsItIs || (self.telling == Telling::Twice && !self.story.tells_again)
    }

    fn step(&mut self, step: &Step, moments: &[usize]) {
        match step {
            Step::Begun => {
                (self.events_seen, self.requests_seen) = (self.events.len(), self.sent.len());
            }
            Step::At(secs) => {
                self.moment += 1;
                self.wait(at(*secs));
                self.slow_answers_come();
            }
            Step::Bot(command) => self.bot(command),
            Step::Refused(command, why) if self.is_in_order() => {
                let before = self.call.clone();
                let refused = self.call.handle(self.now, Input::Command(command)).unwrap_err();
                assert_eq!(refused.why, *why, "{command:?}");
                assert_eq!(self.call, before, "{command:?}");
            }
            Step::Says(said) => {
                let ticket = self.request_of(said);
                self.service.happens(said);
                self.report(said, ticket, moments);
            }
            Step::SaysLate(said) => {
                let ticket = self.request_of(said);
                self.report(said, ticket, moments);
            }
            Step::Gone(code) => self.service.not_found = Some(*code),
            Step::Found(state) => {
                (self.service.not_found, self.service.state) = (None, *state);
            }
            Step::RosterIs(members) => self.service.roster = members.clone(),
            Step::Events(expected) if self.is_in_order() => {
                let events: Vec<_> = self.events[self.events_seen..].iter().copied().map(plainly).collect();
                assert_eq!(events, *expected, "{:?} at {:?}", self.telling, self.now);
                self.events_seen = self.events.len();
            }
            Step::Asked(expected) if self.is_in_order() => {
                let left = self.sent[self.requests_seen..].iter().filter(|sent| sent.left);
                let actions: Vec<_> = left.map(|sent| sent.action).collect();
                assert_eq!(actions, *expected, "{:?} at {:?}", self.telling, self.now);
                self.requests_seen = self.sent.len();
            }
            Step::Check(check) if self.is_in_order() => check(&self.call),
            Step::Refused(..) | Step::Events(_) | Step::Asked(_) | Step::Check(_) => {}
        }
    }

    /// Reports come in the order of the telling.
    fn report(&mut self, said: &Said, ticket: Option<Ticket>, moments: &[usize]) {
        let nth = self.said;
        self.said += 1;
        match self.telling {
            Telling::Twice => {
                self.comes(said, ticket);
                // Which notification of a joining participant is repeated is the embedder's to recognise.
                if !matches!(said, Said::Joining | Said::Left) {
                    self.comes(said, ticket);
                }
            }
            Telling::Late(moment) if moments[nth] == moment => {
                let next = moments.iter().find(|other| **other > moment);
                let after = moments.iter().rposition(|other| Some(other) == next).unwrap_or(usize::MAX);
                self.on_their_way.push((after, said.clone(), ticket));
            }
            Telling::Swapped(first) if nth == first => {
                self.on_their_way.push((nth + 1, said.clone(), ticket));
            }
            Telling::Lost(lost) if nth == lost => {
                if let (Said::Answer(action, ..) | Said::NotSent(action), Some(ticket)) = (said, ticket) {
                    self.comes(&Said::NoAnswer(*action), Some(ticket));
                }
            }
            Telling::AsItIs
            | Telling::Late(_)
            | Telling::Swapped(_)
            | Telling::Lost(_)
            | Telling::SlowAnswers => self.comes(said, ticket),
        }
        let (due, rest) =
            core::mem::take(&mut self.on_their_way).into_iter().partition(|(after, ..)| *after <= nth);
        self.on_their_way = rest;
        let due: Vec<OnItsWay> = due;
        for (_, said, ticket) in due {
            self.comes(&said, ticket);
        }
    }

    /// Everything that is on its way comes.
    fn all_come(&mut self) {
        for (_, said, ticket) in core::mem::take(&mut self.on_their_way) {
            self.comes(&said, ticket);
        }
        self.moment += 2;
        self.slow_answers_come();
    }

    fn comes(&mut self, said: &Said, ticket: Option<Ticket>) {
        let context = ticket.map(|ticket| self.call.client_context(ticket));
        let ticket = ticket.unwrap_or(Ticket::FIRST);
        let report = match said {
            Said::Call(change, news) => {
                // The id is in the address of the notification's resource.
                let id = news.id.or(Some(CallId::parse(CALL)));
                Report::Call { change: *change, news: CallNews { id, ..*news } }
            }
            Said::Roster(extent, members) => {
                Report::Roster(RosterNews { extent: *extent, participants: List::new(members) })
            }
            Said::Operation(_, change, news) => {
                Report::Operation { change: *change, news: OperationNews { context, ..*news } }
            }
            Said::Sharing(change, session) => {
                Report::ContentSharing { change: *change, session: session.map(SessionId::parse) }
            }
            Said::Joining => Report::Joining,
            Said::Left => Report::Left,
            Said::NotSent(_) => Report::NotSent { ticket },
            Said::NoAnswer(_) => Report::NoResponse { ticket },
            Said::Answer(_, status, code, carried) => {
                let body = match carried {
                    Carried::Nothing => Body::None,
                    Carried::Call(news) => Body::Call(*news),
                    Carried::Operation(news) => Body::Operation(*news),
                    Carried::Roster(members) => {
                        Body::Roster(RosterNews { extent: Extent::Full, participants: List::new(members) })
                    }
                };
                Report::Response(Response { ticket, status: *status, code: *code, body })
            }
        };
        self.handle(Input::Report(&report)).unwrap();
        self.answer_questions();
    }

    fn handle(&mut self, input: Input<'_>) -> Result<(), Refused> {
        let output = self.call.handle(self.now, input)?;
        self.take(&output);
        #[cfg(feature = "snapshot")]
        {
            let mut buffer = [0; Small::SNAPSHOT_LEN];
            assert_eq!(Small::decode(self.call.encode(&mut buffer).unwrap()).as_ref(), Ok(&self.call));
        }
        Ok(())
    }

    fn take(&mut self, output: &Output<'_>) {
        assert!(!output.has_overflowed());
        self.events.extend(output.events());
        for request in output.requests() {
            let (ticket, action) = (request.ticket(), request.action());
            let left = !matches!(request, Request::Perform { dispatch: Dispatch::Held, .. });
            let operation = match request {
                Request::GetOperation { operation, .. } => Some(operation),
                _ => None,
            };
            if let Some(action) = action {
                self.sent.push(Sent { ticket, action, operation, left, answered: false });
            } else {
                let held = self.sent.iter_mut().find(|sent| sent.ticket == ticket).unwrap();
                assert!(!held.left, "released twice");
                held.left = true;
            }
        }
    }

    /// The service answers what it was asked.
    fn answer_questions(&mut self) {
        for _ in 0..20 {
            let asked = self.sent.iter_mut().find(|sent| is_question(sent.action) && !sent.answered);
            let Some(asked) = asked else { return };
            asked.answered = true;
            let (ticket, action, operation) = (asked.ticket, asked.action, asked.operation);
            let said = self.service.answer(action, operation);
            if self.telling == Telling::SlowAnswers {
                self.slow.push((self.moment + 1, said, ticket));
            } else {
                self.comes_as_answer(&said, ticket);
            }
        }
        panic!("the call does not stop asking: {:?}", self.sent);
    }

    fn comes_as_answer(&mut self, said: &Said, ticket: Ticket) {
        if let Said::Answer(action, status, code, carried) = said {
            let said = Said::Answer(*action, *status, *code, carried.clone());
            self.comes(&said, Some(ticket));
        }
    }

    fn slow_answers_come(&mut self) {
        let moment = self.moment;
        let (due, rest): (Vec<_>, Vec<_>) =
            core::mem::take(&mut self.slow).into_iter().partition(|(when, ..)| *when <= moment);
        self.slow = rest;
        for (_, said, ticket) in due {
            self.comes_as_answer(&said, ticket);
        }
    }

    /// Lets time pass, with a tick at each deadline.
    fn wait(&mut self, until: Timestamp) {
        while let Some(due) = self.call.next_deadline().filter(|due| due.at <= until) {
            self.tick_at(due.at);
        }
        self.now = self.now.max(until);
    }

    fn tick_at(&mut self, moment: Timestamp) {
        self.now = self.now.max(moment);
        self.handle(Input::Tick).unwrap();
        self.answer_questions();
    }

    fn bot(&mut self, command: &Command<'_>) {
        let Err(refused) = self.handle(Input::Command(command)) else { return self.answer_questions() };
        assert!(!self.is_in_order(), "{refused}");
        self.all_come();
        if self.handle(Input::Command(command)).is_err() {
            self.round();
            let again = self.handle(Input::Command(command));
            assert!(again.is_ok(), "{:?}: {again:?}\n{:?}", self.telling, self.events);
        }
        self.answer_questions();
    }

    /// The request of which the service speaks, if it does.
    fn request_of(&mut self, said: &Said) -> Option<Ticket> {
        if let Some(action) = said.answers() {
            let ticket = self.request(action);
            if let Said::Answer(_, _, _, Carried::Operation(OperationNews { id: Some(id), .. })) = said {
                self.ids.push((*id, ticket));
            }
            return Some(ticket);
        }
        let Said::Operation(None, _, OperationNews { id: Some(id), .. }) = said else { return None };
        self.ids.iter().find(|(known, _)| known == id).map(|(_, ticket)| *ticket)
    }

    /// The oldest request of this action that left and has no answer; else the latest.
    fn request(&mut self, action: Action) -> Ticket {
        for attempt in 0..20 {
            let left = |sent: &Sent| sent.action == action && sent.left;
            let oldest = self.sent.iter().position(|sent| left(sent) && !sent.answered);
            if let Some(place) = oldest.or_else(|| self.sent.iter().rposition(left)) {
                let sent = &mut self.sent[place];
                sent.answered = true;
                return sent.ticket;
            }
            assert!(!self.is_in_order(), "no request to {action} left: {:?}", self.sent);
            match attempt {
                0 => self.all_come(),
                1 if matches!(self.telling, Telling::Lost(_)) => self.round(),
                _ => {
                    let due = self.call.next_deadline().unwrap();
                    self.tick_at(due.at);
                }
            }
        }
        panic!("{:?}: no request to {action} left: {:?}", self.telling, self.sent);
    }

    /// One round of what can be asked.
    fn round(&mut self) {
        for command in [Command::KeepAlive, Command::Refresh] {
            // One that ended, or is not created yet, has nothing to ask.
            let _ = self.handle(Input::Command(&command));
            self.answer_questions();
        }
    }

    /// Lets the call ask what it has in mind to ask, for two minutes and a half.
    fn settle(&mut self) {
        let until = self.now.plus(Span::from_secs(150));
        while let Some(due) = self.call.next_deadline().filter(|due| due.at <= until) {
            if matches!(due.kind, deadline::Kind::Answer | deadline::Kind::Ring | deadline::Kind::Joining) {
                return;
            }
            self.tick_at(due.at);
            self.moment += 2;
            self.slow_answers_come();
        }
    }

    pub(super) fn facts(&self) -> BTreeMap<Fact, String> {
        let call = &self.call;
        let end = call.end();
        let is_live = !call.state().is_ended();
        let mut members: Vec<_> = call
            .roster()
            .members()
            .filter(|member| member.presence() != Presence::Left)
            .map(|member| {
                let sequence_apart = (member.mute(), member.hold(), member.recording(), member.screen());
                format!("{:?} {} {sequence_apart:?}", member.id(), member.presence())
            })
            .collect();
        members.sort();
        let alone = (call.is_alone(), call.is_in_lobby(), call.roster().unnamed());
        [
            (Fact::Id, format!("{:?}", call.id())),
            (Fact::State, format!("{}", call.state())),
            (Fact::How, format!("{:?}", end.map(|end| end.how))),
            (Fact::EndedBy, format!("{:?}", end.map(|end| end.by))),
            (Fact::EndCode, format!("{:?}", end.map(|end| (end.result, end.reason)))),
            (Fact::EverEstablished, format!("{}", call.was_ever_established())),
            (Fact::Kind, format!("{}", call.kind())),
            (Fact::Hosting, format!("{}", call.classification().hosting())),
            (Fact::Audio, if is_live { format!("{:?}", call.audio()) } else { String::new() }),
            (Fact::Transcription, format!("{:?}", call.transcription())),
            (Fact::Recording, if is_live { format!("{:?}", call.recording()) } else { String::new() }),
            (Fact::Recorded, format!("{}", call.recorded_participants())),
            (Fact::Reached, format!("{:?} {:?}", call.facts.answered_by, call.facts.routing)),
            (Fact::Settlement, if is_live { format!("{:?}", call.settlement()) } else { String::new() }),
            (Fact::Transfer, format!("{}", may_transfer(call))),
            (Fact::Roster, if is_live { format!("{alone:?} {members:?}") } else { String::new() }),
            (Fact::Tones, format!("{:?}", self.tones())),
            (Fact::Outcomes, format!("{:?}", self.outcomes())),
            (Fact::Sharing, format!("{}", call.facts.media.sharing == Some(Sharing::Started))),
        ]
        .into()
    }

    fn tones(&self) -> Vec<(u64, Tone)> {
        let tone = |event: &Event| match event {
            Event::Tone { sequence, tone, .. } => Some((sequence.number(), *tone)),
            _ => None,
        };
        let mut tones: Vec<_> = self.events.iter().filter_map(tone).collect();
        tones.sort_by_key(|(sequence, _)| *sequence);
        tones
    }

    fn outcomes(&self) -> Vec<(&'static str, Outcome)> {
        let outcome = |event: &Event| match event {
            Event::OperationEnded { action, outcome, .. } => Some((action.name(), *outcome)),
            _ => None,
        };
        let mut outcomes: Vec<_> = self.events.iter().filter_map(outcome).collect();
        outcomes.sort_by_key(|(name, outcome)| (*name, outcome.index()));
        outcomes
    }
}

/// Whether what became of a transfer leaves room for another.
fn may_transfer(call: &Small) -> bool {
    matches!(call.transferring(), Transferring::No | Transferring::Unknown)
}
