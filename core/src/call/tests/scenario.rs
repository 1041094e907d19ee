//! Stories: a call in virtual time, told by what the bot wants and what the service says; and the same story disturbed.
//!
//! A story is data, so that it can be told again: with every report twice, with the reports of a moment late, with two
//! neighbours swapped, with one report lost, and with slow answers to what the call asks by itself. The service behind it
//! is a fold over the story: what happened, happened, whatever became of its report, and whoever asks is told so.
//!
//! What a disturbed telling may not change are the facts at its end. The bot is patient: what is refused because its news
//! did not come yet is commanded again once it came, or after a round of questions where it was lost.

use std::collections::BTreeMap;
use std::format;
use std::string::String;
use std::vec::Vec;

use super::*;
use crate::command::{Answer, Record, RejectReason, Repeat, Transfer};
use crate::id::{OperationId, Sequence, SessionId};
use crate::identity::Identity;
use crate::list::List;
use crate::media::{Sharing, Tone};
use crate::meeting::{ByOrganizer, Meeting};
use crate::operation::Completion;
use crate::report::{CallNews, Change, OperationNews, RosterNews, Told, ToneInfo};
use crate::request::{Dispatch, Request};
use crate::roster::{Extent, Participant};
use crate::text::Uri;
use crate::time::Span;

/// The call of the stories: four participants, three operations.
pub(super) type Small = Call<4, 3>;

pub(super) const CALLBACK: Uri<'static> = Uri::new("https://bot.example/calls/9");
pub(super) const CALL: &str = "57DAB8B1894C409AB240BD8BEAE78896";
pub(super) const USERS: [Identity<'static>; 26] =
    [Identity::User("550fae72-d251-43ec-868c-373732c2704f"); 26];
pub(super) const PROMPTS: [Uri<'static>; 21] = [Uri::new("https://bot.example/menu.wav"); 21];

pub(super) const MEETING: Meeting<'static> = Meeting::Organizer(ByOrganizer {
    thread_id: "19:meeting_1@thread.v2",
    message_id: "0",
    reply_chain_message_id: None,
    organizer_id: "5810cede-f3cc-42eb-b2c1-e9bd5d53ec96",
    tenant_id: "aa67bd4c-8475-432d-bd41-39f255720e0a",
});

pub(super) fn at(secs: u64) -> Timestamp {
    Timestamp::from_millis(secs * 1000)
}

pub(super) fn setup() -> Setup {
    Setup::new(CallKey::new(9))
}

pub(super) fn offer() -> Offer {
    Offer::new(CallId::parse(CALL))
}

pub(super) fn to_users(count: usize) -> Placement<'static> {
    Placement::to_targets(CALLBACK, List::new(USERS.split_at(count).0))
}

pub(super) fn answer() -> Command<'static> {
    Command::Answer(Answer::new(CALLBACK))
}

pub(super) fn reject() -> Command<'static> {
    Command::Reject(RejectReason::Busy)
}

pub(super) fn play() -> Command<'static> {
    Command::PlayPrompt { prompts: List::new(&PROMPTS[..1]), repeat: Repeat::Once }
}

pub(super) fn record() -> Command<'static> {
    Command::Record(Record::after(None))
}

pub(super) fn transfer() -> Command<'static> {
    Command::Transfer(Transfer::to(USERS[0]))
}

pub(super) fn participant(name: &str) -> ParticipantId {
    ParticipantId::parse(name)
}

pub(super) fn here(name: &str) -> Participant {
    Participant::new(Some(participant(name)), Presence::Present)
}

pub(super) fn in_lobby(name: &str) -> Participant {
    Participant::new(Some(participant(name)), Presence::Lobby)
}

pub(super) fn gone(name: &str) -> Participant {
    Participant::new(Some(participant(name)), Presence::Left)
}

pub(super) const fn result(code: u32, subcode: u32) -> Option<ResultInfo> {
    Some(ResultInfo { code, subcode })
}

/// These places in the roster are new, and these left.
pub(super) fn roster_changed(joined: &[usize], left: &[usize]) -> Event {
    Event::RosterChanged { joined: places(joined), left: places(left) }
}

pub(super) fn roster_updated(changed: &[usize]) -> Event {
    Event::RosterUpdated { changed: places(changed) }
}

fn places(of: &[usize]) -> crate::roster::Places {
    let mut places = crate::roster::Places::default();
    of.iter().for_each(|place| places.add(*place));
    places
}

/// The operations at these places ended together.
pub(super) fn ended_together(of: &[usize]) -> Event {
    let mut places = crate::operation::Places::default();
    of.iter().for_each(|place| places.add(*place));
    Event::OperationsEnded { places }
}

pub(super) fn moved(from: State, to: State) -> Event {
    Event::StateChanged { from, to }
}

/// An operation ended so; its ticket and the service's words about it are left out.
pub(super) fn ended(action: Action, outcome: Outcome) -> Event {
    Event::OperationEnded { ticket: Ticket::FIRST, action, outcome, completion: None, result: None }
}

pub(super) fn unknown(action: Action) -> Event {
    Event::OutcomeUnknown { ticket: Ticket::FIRST, action }
}

pub(super) fn failed(action: Action, status: u16, code: u32) -> Event {
    Event::CommandFailed { ticket: Ticket::FIRST, action, status, code }
}

/// The call ended as Graph told, after it was established.
pub(super) fn over(by: By, result: Option<ResultInfo>) -> Event {
    Event::Ended(End { how: How::Told, ever_established: true, by, reason: None, result })
}

/// The end of a call that was never established, as Graph told.
pub(super) const fn never_established(by: By, result: Option<ResultInfo>) -> End {
    End { how: How::Told, ever_established: false, by, reason: None, result }
}

/// The end of a call that was never established, of which no word came.
pub(super) const fn lost(by: By) -> End {
    End { how: How::Inferred, ..never_established(by, None) }
}

/// An event without what depends on the number of requests before it.
pub(super) fn plainly(mut event: Event) -> Event {
    match &mut event {
        Event::OperationEnded { ticket, completion, result, .. } => {
            (*ticket, *completion, *result) = (Ticket::FIRST, None, None);
        }
        Event::OutcomeUnknown { ticket, .. } | Event::CommandFailed { ticket, .. } => *ticket = Ticket::FIRST,
        _ => {}
    }
    event
}

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
    const fn answers(&self) -> Option<Action> {
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
enum Step {
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
enum Beginning {
    Offered(Setup, Offer),
    Placed(Setup, Placement<'static>),
}

/// A story that can be told more than once.
#[derive(Clone, Debug)]
pub(super) struct Story {
    beginning: Beginning,
    steps: Vec<Step>,
    lost: Vec<Fact>,
    tells_again: bool,
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

    fn reports(&self) -> Vec<Said> {
        let says = |step: &Step| match step {
            Step::Says(said) | Step::SaysLate(said) => Some(said.clone()),
            _ => None,
        };
        self.steps.iter().filter_map(says).collect()
    }

    /// Tells the story as it is; the call right after its last step.
    pub(super) fn tell(&self) -> Small {
        Run::up_to_the_last_step(self, Telling::AsItIs).call
    }

    /// Tells the story as it is; all its events.
    pub(super) fn tell_events(&self) -> Vec<Event> {
        Run::up_to_the_last_step(self, Telling::AsItIs).events
    }

    /// Tells the story as it is; the requests that left since its beginning was told.
    pub(super) fn requests(&self) -> Vec<Action> {
        let run = Run::up_to_the_last_step(self, Telling::AsItIs);
        run.sent[run.requests_seen..].iter().filter(|sent| sent.left).map(|sent| sent.action).collect()
    }

    /// Tells the story as it is, and with each report twice. For a story that is one only in this order.
    pub(super) fn in_order(&self) -> Small {
        let plain = Run::of(self, Telling::AsItIs);
        let twice = Run::of(self, Telling::Twice);
        same(&plain, &twice, &[]);
        assert!(self.tells_again || plain.events == twice.events, "{:?}\n{:?}", plain.events, twice.events);
        plain.call
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

    /// Tells the story in every way.
    pub(super) fn in_every_way(&self) -> Small {
        self.in_every_way_but(&[])
    }

    /// Tells the story in every way; these facts depend on the order, for a reason that the test gives.
    pub(super) fn in_every_way_but(&self, differ: &[Fact]) -> Small {
        let plain = Run::of(self, Telling::AsItIs);
        let _ = self.in_order();
        same(&plain, &Run::of(self, Telling::SlowAnswers), differ);
        for moment in 0..=self.moments() {
            same(&plain, &Run::of(self, Telling::Late(moment)), differ);
        }
        let reports = self.reports();
        for first in 0..reports.len().saturating_sub(1) {
            same(&plain, &Run::of(self, Telling::Swapped(first)), differ);
        }
        for (lost, said) in reports.iter().enumerate() {
            let mut differ = [differ, self.lost.as_slice()].concat();
            differ.extend(lost_for_good(said));
            same(&plain, &Run::of(self, Telling::Lost(lost)), &differ);
        }
        plain.call
    }

    fn moments(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step, Step::At(_))).count()
    }

    /// For each report, in which moment it comes.
    fn moments_of_reports(&self) -> Vec<usize> {
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

/// How a story is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Telling {
    AsItIs,
    /// Every report comes twice.
    Twice,
    /// The reports of this moment come after those of the next.
    Late(usize),
    /// This report comes after the one that follows it.
    Swapped(usize),
    /// This report never comes; of an answer the bot knows that it was lost.
    Lost(usize),
    /// What the call asks by itself is answered as of then, and the answers come a moment later.
    SlowAnswers,
}

/// A fact of a call at the end of a story.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fact {
    Id,
    State,
    How,
    EndedBy,
    EndCode,
    EverEstablished,
    Kind,
    Hosting,
    Audio,
    Transcription,
    Recording,
    Recorded,
    Reached,
    Settlement,
    Transfer,
    Roster,
    Tones,
    Outcomes,
    Sharing,
}

/// What one round of questions does not bring back. Each name is a row of the table in the docs of `lifecycle`.
pub(super) const LOST_FOR_GOOD: &[(&str, fn(&Said) -> bool, &[Fact])] = &[
    ("audio became active", |said| audio_of(said) == Some(Audio::Active), &[Fact::Audio]),
    ("audio became inactive", |said| audio_of(said) == Some(Audio::Inactive), &[Fact::Audio]),
    ("a tone", |said| matches!(said, Said::Call(_, CallNews { tone: Some(_), .. })), &[Fact::Tones]),
    // What only the answer tells: that an operation which it completes is done, and so that recording is confirmed.
    (
        "the answer to a request",
        |said| matches!(said, Said::Answer(..) | Said::NotSent(_)),
        &[Fact::Outcomes, Fact::Recording, Fact::Settlement, Fact::EndedBy],
    ),
    ("the end", ends, &[Fact::How, Fact::EndedBy, Fact::EndCode]),
    (
        "who answered, how it was routed",
        |said| matches!(said, Said::Call(_, news) if news.answered_by.is_some() || news.routing.is_some()),
        &[Fact::Reached],
    ),
    ("content sharing began or ended", |said| matches!(said, Said::Sharing(..)), &[Fact::Sharing]),
    (
        "a participant is joining, or left, under policy-based recording",
        |said| matches!(said, Said::Joining | Said::Left),
        &[Fact::Recorded],
    ),
];

fn audio_of(said: &Said) -> Option<Audio> {
    match said {
        Said::Call(_, news) => news.audio,
        _ => None,
    }
}

fn ends(said: &Said) -> bool {
    matches!(said, Said::Call(Change::Deleted, _))
        || matches!(
            said,
            Said::Call(_, CallNews { state: Told::State(State::Terminating | State::Terminated), .. })
        )
}

fn lost_for_good(said: &Said) -> impl Iterator<Item = Fact> + use<> {
    let rows = LOST_FOR_GOOD.iter().filter(|(_, is_of, _)| is_of(said));
    rows.flat_map(|(_, _, facts)| facts.iter().copied()).collect::<Vec<_>>().into_iter()
}

#[test]
fn what_is_lost_for_good_stands_in_the_table_of_the_docs() {
    let docs = include_str!("../../lifecycle.rs");
    for (name, _, _) in LOST_FOR_GOOD {
        assert!(docs.contains(&format!("//! | {name} |")), "{name}");
    }
}

fn same(plain: &Run<'_>, other: &Run<'_>, may_differ: &[Fact]) {
    let (expected, found) = (plain.facts(), other.facts());
    for (fact, value) in &expected {
        assert!(
            may_differ.contains(fact) || found.get(fact) == Some(value),
            "{:?}: {fact:?} is {} and should be {value}\n{:?}\n{:?}",
            other.telling,
            found[fact],
            other.telling.what_of(other.story),
            other.events,
        );
    }
}

impl Telling {
    fn what_of(self, story: &Story) -> Option<Said> {
        match self {
            Self::Swapped(nth) | Self::Lost(nth) => story.reports().get(nth).cloned(),
            Self::AsItIs | Self::Twice | Self::Late(_) | Self::SlowAnswers => None,
        }
    }
}

/// The service's own view of the call: what happened so far.
#[derive(Clone, Debug)]
struct Service {
    state: State,
    not_found: Option<u32>,
    coordinates: Coordinates,
    transcription: Option<Transcription>,
    own: Option<ParticipantId>,
    roster: Vec<Participant>,
    operations: Vec<OperationNews>,
}

impl Service {
    fn happens(&mut self, said: &Said) {
        match said {
            Said::Call(change, news) => self.call(*change, news),
            Said::Answer(_, 200..=299, _, Carried::Call(news)) => self.call(Change::Updated, news),
            Said::Roster(Extent::Full, members) => self.roster = members.clone(),
            Said::Roster(Extent::Delta(_) | Extent::Part, members) => {
                for member in members {
                    self.roster.retain(|known| known.id != member.id);
                    self.roster.push(*member);
                }
            }
            Said::Operation(_, change, news) => {
                let status = news.status.told_by(*change == Change::Deleted, news.result);
                self.operation(OperationNews { status, ..*news });
            }
            Said::Answer(_, 200..=299, _, Carried::Operation(news)) => self.operation(*news),
            Said::Answer(..)
            | Said::NotSent(_)
            | Said::NoAnswer(_)
            | Said::Sharing(..)
            | Said::Joining
            | Said::Left => {}
        }
    }

    fn call(&mut self, change: Change, news: &CallNews) {
        if let Told::State(state) = news.state {
            self.state = state;
        }
        if change == Change::Deleted || self.state == State::Terminated {
            self.not_found = Some(8522);
        }
        let has = |one: fn(Coordinates) -> bool| one(self.coordinates) || one(news.coordinates);
        self.coordinates = Coordinates::new(has(Coordinates::has_chat), has(has_meeting));
        self.transcription = news.transcription.or(self.transcription);
        self.own = news.own_participant.or(self.own);
    }

    fn operation(&mut self, news: OperationNews) {
        match self.operations.iter_mut().find(|known| known.id == news.id) {
            // A completion may come before the answer, which is older.
            Some(known) if is_final(known.status) => {}
            Some(known) => *known = news,
            None => self.operations.push(news),
        }
    }

    /// What the service answers to a question, or to a keepAlive.
    fn answer(&self, action: Action, operation: Option<OperationId>) -> Said {
        if let Some(code) = self.not_found {
            return Said::Answer(action, 404, code, Carried::Nothing);
        }
        let (status, carried) = match action {
            Action::Refresh => (200, Carried::Call(self.told())),
            Action::ListParticipants => {
                let is_there = |member: &&Participant| member.presence != Presence::Left;
                (200, Carried::Roster(self.roster.iter().filter(is_there).copied().collect()))
            }
            Action::GetOperation => match self.operations.iter().find(|known| known.id == operation) {
                Some(known) => (200, Carried::Operation(*known)),
                None => (404, Carried::Nothing),
            },
            _ => (200, Carried::Nothing),
        };
        Said::Answer(action, status, 0, carried)
    }

    /// Source: Graph docs, call: get; it has no `mediaState`, no tone, and nobody who answered.
    fn told(&self) -> CallNews {
        CallNews {
            id: Some(CallId::parse(CALL)),
            coordinates: self.coordinates,
            own_participant: self.own,
            transcription: self.transcription,
            ..CallNews::of(self.state)
        }
    }
}

fn has_meeting(coordinates: Coordinates) -> bool {
    matches!(coordinates, Coordinates::Meeting | Coordinates::Both)
}

fn is_final(status: Status) -> bool {
    matches!(status, Status::Completed | Status::Failed)
}

/// A request that the call made.
#[derive(Clone, Copy, Debug)]
struct Sent {
    ticket: Ticket,
    action: Action,
    operation: Option<OperationId>,
    left: bool,
    answered: bool,
}

/// What a call asks of its own accord, or at any time without harm: the service behind the story answers it.
fn is_question(action: Action) -> bool {
    matches!(action, Action::Refresh | Action::KeepAlive | Action::ListParticipants | Action::GetOperation)
}

/// A report on its way: it comes once the report of this number came.
type OnItsWay = (usize, Said, Option<Ticket>);

struct Run<'s> {
    story: &'s Story,
    telling: Telling,
    call: Small,
    now: Timestamp,
    service: Service,
    events: Vec<Event>,
    sent: Vec<Sent>,
    ids: Vec<(OperationId, Ticket)>,
    on_their_way: Vec<OnItsWay>,
    slow: Vec<(usize, Said, Ticket)>,
    moment: usize,
    said: usize,
    events_seen: usize,
    requests_seen: usize,
}

impl<'s> Run<'s> {
    fn up_to_the_last_step(story: &'s Story, telling: Telling) -> Self {
        let mut run = Self::begin(story, telling);
        let moments = story.moments_of_reports();
        for step in &story.steps {
            run.step(step, &moments);
        }
        run
    }

    fn of(story: &'s Story, telling: Telling) -> Self {
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
                let after = moments.iter().rposition(|other| *other <= moment + 1).unwrap_or(nth);
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
            match action {
                Some(action) => {
                    self.sent.push(Sent { ticket, action, operation, left, answered: false });
                }
                None => {
                    let held = self.sent.iter_mut().find(|sent| sent.ticket == ticket).unwrap();
                    assert!(!held.left, "released twice");
                    held.left = true;
                }
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

    fn facts(&self) -> BTreeMap<Fact, String> {
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
