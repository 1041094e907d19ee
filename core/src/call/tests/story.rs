//! A story as data: what the bot wants and what the service says, in virtual time.

use std::vec::Vec;

use super::*;

/// What an answer carries.
#[derive(Clone, Debug)]
pub(super) enum Carried {
    Nothing,
    Call(CallNews),
    Operation(OperationNews),
    Roster(Vec<Participant>),
}

/// What the service says.
#[derive(Clone, Debug)]
pub(super) enum Said {
    Call(Change, CallNews),
    Roster(Extent, Vec<Participant>),
    /// Of the request of this action, by its context alone; or of the one whose answer had this id.
    Operation(Option<Action>, Change, OperationNews),
    Sharing(Change, Option<&'static str>),
    Joining,
    Left,
    /// To the oldest request of this action that has no answer.
    Answer(Action, u16, u32, Carried),
    /// The request of this action never left.
    NotSent(Action),
    /// No answer came to the request of this action.
    NoAnswer(Action),
}

impl Said {
    pub(super) const fn answers(&self) -> Option<Action> {
        match self {
            Self::Answer(action, ..)
            | Self::NotSent(action)
            | Self::NoAnswer(action)
            | Self::Operation(Some(action), ..) => Some(*action),
            Self::Call(..)
            | Self::Roster(..)
            | Self::Operation(None, ..)
            | Self::Sharing(..)
            | Self::Joining
            | Self::Left => None,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    /// It is this many seconds after the beginning.
    At(u64),
    /// The bot commands.
    Bot(Command<'static>),
    /// The bot commands, and is refused.
    Refused(Command<'static>, Why),
    /// It happens, and is reported.
    Says(Said),
    /// It happened long ago, or never; it is reported all the same.
    SaysLate(Said),
    /// It happens, and nobody reports it: the service answers 404 with this code from now on.
    Gone(u32),
    /// The call is in this state, and nobody reports it.
    Found(State),
    /// These are in the call, and nobody reports it.
    RosterIs(Vec<Participant>),
    /// These events came since the last such step.
    Events(Vec<Event>),
    /// These requests left since the last such step.
    Asked(Vec<Action>),
    Check(fn(&Small)),
    /// What a story builds on was told: its events and requests are expected elsewhere.
    Begun,
}

#[derive(Clone, Debug)]
pub(super) enum Beginning {
    Offered(Setup, Offer),
    Placed(Setup, Placement<'static>),
}

/// A story that can be told more than once.
#[derive(Clone, Debug)]
pub(super) struct Story {
    pub(super) beginning: Beginning,
    pub(super) steps: Vec<Step>,
    pub(super) lost: Vec<Fact>,
    pub(super) tells_again: bool,
}

pub(super) fn incoming() -> Story {
    offered(offer())
}

pub(super) fn offered(offer: Offer) -> Story {
    Story {
        beginning: Beginning::Offered(setup(), offer),
        steps: Vec::new(),
        lost: Vec::new(),
        tells_again: false,
    }
}

pub(super) fn outgoing() -> Story {
    placed(to_users(1))
}

pub(super) fn placed(placement: Placement<'static>) -> Story {
    Story {
        beginning: Beginning::Placed(setup(), placement),
        steps: Vec::new(),
        lost: Vec::new(),
        tells_again: false,
    }
}

/// An incoming call that was answered and has audio, at second 3.
pub(super) fn talking() -> Story {
    incoming()
        .at(1)
        .bot(answer())
        .response(Action::Answer, 202)
        .at(2)
        .told(State::Establishing)
        .told(State::Established)
        .at(3)
        .audio(Audio::Active)
        .begun()
}

/// An outgoing call that was answered and has audio, at second 6.
pub(super) fn called() -> Story {
    outgoing()
        .created(State::Establishing)
        .at(1)
        .told(State::Ringing)
        .at(5)
        .told(State::Established)
        .at(6)
        .audio(Audio::Active)
        .begun()
}

/// A meeting that the bot joined, with audio, at second 2.
pub(super) fn joined() -> Story {
    placed(Placement::into_meeting(CALLBACK, MEETING))
        .created(State::Establishing)
        .at(1)
        .told(State::Established)
        .at(2)
        .audio(Audio::Active)
        .begun()
}

impl Story {
    fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    pub(super) fn with(mut self, change: impl FnOnce(&mut Setup)) -> Self {
        match &mut self.beginning {
            Beginning::Offered(setup, _) | Beginning::Placed(setup, _) => change(setup),
        }
        self
    }

    pub(super) fn at(self, secs: u64) -> Self {
        self.step(Step::At(secs))
    }

    pub(super) fn bot(self, command: Command<'static>) -> Self {
        self.step(Step::Bot(command))
    }

    pub(super) fn refused(self, command: Command<'static>, why: Why) -> Self {
        self.step(Step::Refused(command, why))
    }

    pub(super) fn says(self, said: Said) -> Self {
        self.step(Step::Says(said))
    }

    pub(super) fn says_late(self, said: Said) -> Self {
        self.step(Step::SaysLate(said))
    }

    pub(super) fn told(self, state: State) -> Self {
        self.news(CallNews::of(state))
    }

    pub(super) fn told_late(self, state: State) -> Self {
        self.says_late(Said::Call(Change::Updated, CallNews::of(state)))
    }

    pub(super) fn news(self, news: CallNews) -> Self {
        self.says(Said::Call(Change::Updated, news))
    }

    /// Audio changes, told with `established` as the service does.
    pub(super) fn audio(self, audio: Audio) -> Self {
        self.news(CallNews { audio: Some(audio), ..CallNews::of(State::Established) })
    }

    pub(super) fn tone(self, sequence: u64, tone: Tone) -> Self {
        let tone = Some(ToneInfo { sequence: Sequence::new(sequence), tone });
        self.news(CallNews { tone, ..CallNews::of(State::Established) })
    }

    pub(super) fn deleted(self, result: Option<ResultInfo>) -> Self {
        self.says(Said::Call(Change::Deleted, CallNews { result, ..CallNews::of(State::Terminated) }))
    }

    pub(super) fn response(self, to: Action, status: u16) -> Self {
        self.says(Said::Answer(to, status, 0, Carried::Nothing))
    }

    pub(super) fn refusal(self, of: Action, status: u16, code: u32) -> Self {
        self.says(Said::Answer(of, status, code, Carried::Nothing))
    }

    /// The service created the call that the bot placed.
    pub(super) fn created(self, state: State) -> Self {
        let Beginning::Placed(_, placement) = &self.beginning else {
            panic!("only a placed call is created")
        };
        let action = placement.action();
        let news = CallNews {
            id: Some(CallId::parse(CALL)),
            own_participant: Some(participant("bot")),
            ..CallNews::of(state)
        };
        self.says(Said::Answer(action, 201, 0, Carried::Call(news)))
    }

    /// The answer carries an operation.
    pub(super) fn operation(self, to: Action, id: &str, status: Status) -> Self {
        let news = OperationNews { id: Some(OperationId::parse(id)), ..OperationNews::of(status) };
        let http = if matches!(to, Action::StartHoldMusic | Action::AddLargeGalleryView) { 202 } else { 200 };
        self.says(Said::Answer(to, http, 0, Carried::Operation(news)))
    }

    /// An operation's last notification, with its id and its context.
    pub(super) fn finished(self, id: &str, status: Status, result: Option<ResultInfo>) -> Self {
        let news = OperationNews { id: Some(OperationId::parse(id)), result, ..OperationNews::of(status) };
        self.says(Said::Operation(None, Change::Deleted, news))
    }

    /// An operation's last notification names it by its context alone.
    pub(super) fn finished_by_context(self, of: Action, status: Status) -> Self {
        self.says(Said::Operation(Some(of), Change::Deleted, OperationNews::of(status)))
    }

    pub(super) fn completed_because(self, id: &str, status: Status, completion: Completion) -> Self {
        let news = OperationNews {
            id: Some(OperationId::parse(id)),
            completion: Some(completion),
            ..OperationNews::of(status)
        };
        self.says(Said::Operation(None, Change::Deleted, news))
    }

    pub(super) fn roster(self, members: &[Participant]) -> Self {
        self.says(Said::Roster(Extent::Full, members.to_vec()))
    }

    pub(super) fn delta(self, number: u64, members: &[Participant]) -> Self {
        self.says(Said::Roster(Extent::Delta(Sequence::new(number)), members.to_vec()))
    }

    pub(super) fn gone(self, code: u32) -> Self {
        self.step(Step::Gone(code))
    }

    pub(super) fn found(self, state: State) -> Self {
        self.step(Step::Found(state))
    }

    pub(super) fn roster_is(self, members: &[Participant]) -> Self {
        self.step(Step::RosterIs(members.to_vec()))
    }

    pub(super) fn gives(self, events: &[Event]) -> Self {
        self.step(Step::Events(events.to_vec()))
    }

    pub(super) fn nothing(self) -> Self {
        self.gives(&[])
    }

    pub(super) fn asks(self, actions: &[Action]) -> Self {
        self.step(Step::Asked(actions.to_vec()))
    }

    pub(super) fn check(self, check: fn(&Small)) -> Self {
        self.step(Step::Check(check))
    }

    /// What came so far is checked elsewhere.
    pub(super) fn begun(self) -> Self {
        self.step(Step::Begun)
    }

    pub(super) fn reports(&self) -> Vec<Said> {
        let says = |step: &Step| match step {
            Step::Says(said) | Step::SaysLate(said) => Some(said.clone()),
            _ => None,
        };
        self.steps.iter().filter_map(says).collect()
    }

    /// A repetition of a report may be told again, because what was asked in between took it back.
    pub(super) const fn telling_again(mut self) -> Self {
        self.tells_again = true;
        self
    }

    /// What a lost report of this story costs beyond the table, for a reason that the test gives.
    pub(super) fn but_lost(mut self, facts: &[Fact]) -> Self {
        self.lost.extend(facts);
        self
    }

    pub(super) fn moments(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step, Step::At(_))).count()
    }

    /// For each report, in which moment it comes.
    pub(super) fn moments_of_reports(&self) -> Vec<usize> {
        let mut moment = 0;
        let mut all = Vec::new();
        for step in &self.steps {
            match step {
                Step::At(_) => moment += 1,
                Step::Says(_) | Step::SaysLate(_) => all.push(moment),
                _ => {}
            }
        }
        all
    }
}
