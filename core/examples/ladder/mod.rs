//! A stage for the examples: calls in virtual time against a service that follows a script, printed as a ladder.
//!
//! [`Stage::next_event`] gives one event after another, and advances the clock to whatever comes next: something that was put
//! into the script, or a deadline of a call. Every request is answered at once as Graph answers it, and then the story says
//! what else it causes.

#![allow(clippy::print_stdout)] // to print is what a ladder is for
#![allow(dead_code)] // each example uses some of it

use std::collections::{BTreeMap, VecDeque};

use callflow_core::action::Action;
use callflow_core::call::{Input, Output, Setup};
use callflow_core::calls::{Address, Calls, NotHandled, NotPlaced, Routed};
use callflow_core::command::{Command, JoiningAnswer, Placement, Repeat};
use callflow_core::event::Event;
use callflow_core::id::{CallId, CallKey, ClientContext, Sequence, Ticket};
use callflow_core::lifecycle::State;
use callflow_core::list::List;
use callflow_core::media::{Audio, Tone};
use callflow_core::operation::Status;
use callflow_core::report::{Body, CallNews, Change, OperationNews, Report, Response, Told, ToneInfo};
use callflow_core::request::{Dispatch, Request};
use callflow_core::restriction::PolicyRecording;
use callflow_core::result::ResultInfo;
use callflow_core::text::Uri;
use callflow_core::time::Timestamp;

pub(crate) type Call = callflow_core::call::Call<4, 4>;
/// What Graph does because of a request, besides answering it: after how many milliseconds, to which call, what.
pub(crate) type Scenes = Vec<(u64, CallKey, Report<'static>)>;

/// A request that Graph took.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) key: CallKey,
    pub(crate) action: Action,
    ticket: Ticket,
}

impl Asked {
    /// The notification that the operation is done.
    pub(crate) fn done(self) -> Report<'static> {
        let context = Some(ClientContext { key: self.key, ticket: self.ticket });
        let news = OperationNews { context, ..OperationNews::of(Status::Completed) };
        Report::Operation { change: Change::Deleted, news }
    }

    /// The notification that the operation was cancelled.
    pub(crate) fn cancelled(self) -> Report<'static> {
        let context = Some(ClientContext { key: self.key, ticket: self.ticket });
        let result = Some(ResultInfo { code: 400, subcode: 8508 });
        let news = OperationNews { context, result, ..OperationNews::of(Status::Failed) };
        Report::Operation { change: Change::Deleted, news }
    }
}

/// The end of every story, in milliseconds: a call that is never hung up is kept alive for ever.
const LONGEST: u64 = 3_600_000;

pub(crate) struct Stage<G> {
    now: u64,
    calls: Calls<2, 4, 4>,
    graph: G,
    names: &'static [(CallKey, &'static str)],
    /// By time, and of several at once in the order in which they were put there.
    script: BTreeMap<(u64, u32), (CallKey, Report<'static>)>,
    scenes: u32,
    requests: BTreeMap<(u64, Ticket), Action>,
    events: VecDeque<(CallKey, Event)>,
}

impl<G: FnMut(Asked) -> Scenes> Stage<G> {
    /// An empty stage for calls of these names, on which Graph does what `graph` says.
    pub(crate) fn new(names: &'static [(CallKey, &'static str)], graph: G) -> Self {
        println!(" seconds  call  who            what");
        let (script, requests, events) = (BTreeMap::new(), BTreeMap::new(), VecDeque::new());
        Self { now: 0, calls: Calls::new(), graph, names, script, scenes: 0, requests, events }
    }

    /// Puts a report into the script, `after` milliseconds from now.
    pub(crate) fn later(&mut self, after: u64, key: CallKey, report: Report<'static>) {
        self.scenes += 1;
        self.script.insert((self.now + after, self.scenes), (key, report));
    }

    /// The next event; none once nothing more happens.
    pub(crate) fn next_event(&mut self) -> Option<(CallKey, Event)> {
        loop {
            if let Some((key, event)) = self.events.pop_front() {
                self.print(key, "         bot", &format!("  · {}", learnt(&event)));
                return Some((key, event));
            }
            let due = self.calls.next_deadline().map(|(_, due)| due.at.as_millis());
            let scene = self.script.first_key_value().map(|((at, _), _)| *at);
            let all_are_over = self.calls.iter().all(|call| call.end().is_some());
            if scene.is_none() && (all_are_over || due.is_none_or(|due| due > LONGEST)) {
                return None;
            }
            if due.is_some_and(|due| scene.is_none_or(|scene| due < scene)) {
                self.now = self.now.max(due.unwrap_or_default());
                if let Some((key, output)) = self.calls.tick(self.at()) {
                    self.take(key, &output);
                }
            } else if let Some(((at, _), (key, report))) = self.script.pop_first() {
                self.now = at;
                self.tell(key, &report);
            }
        }
    }

    /// Lets somebody call the bot.
    pub(crate) fn ring(&mut self, key: CallKey, id: &str, recording: PolicyRecording) {
        let news = Report::Call { change: Change::Created, news: CallNews::of(State::Incoming) };
        self.print(key, "Graph ─▶ bot", &describe(&news));
        let routed = self.calls.route(self.at(), Address::Id(CallId::parse(id)), &news, |offer| {
            offer.recording = recording;
            Setup::new(key)
        });
        if let Routed::New { key, output } = routed {
            self.take(key, &output);
        }
    }

    /// Lets the bot call somebody.
    pub(crate) fn place(&mut self, key: CallKey, placement: &Placement<'_>) -> Result<(), NotPlaced> {
        let output = self.calls.place(self.at(), Setup::new(key), placement)?;
        self.take(key, &output);
        Ok(())
    }

    /// Lets the bot want something.
    pub(crate) fn command(&mut self, key: CallKey, command: &Command<'_>) -> Result<(), NotHandled> {
        match self.calls.handle(self.at(), key, Input::Command(command)) {
            Ok(output) => {
                self.take(key, &output);
                Ok(())
            }
            Err(refused) => {
                self.print(key, "         bot", &format!("  ! {refused}"));
                Err(refused)
            }
        }
    }

    /// Lets the bot play a prompt.
    pub(crate) fn play(&mut self, key: CallKey, prompt: &str) -> Result<(), NotHandled> {
        let prompts = [Uri::new(prompt)];
        self.command(key, &Command::PlayPrompt { prompts: List::new(&prompts), repeat: Repeat::Once })
    }

    pub(crate) fn call(&self, key: CallKey) -> Option<&Call> {
        self.calls.get(key)
    }

    fn at(&self) -> Timestamp {
        Timestamp::from_millis(self.now)
    }

    fn tell(&mut self, key: CallKey, report: &Report<'_>) {
        let what = match report {
            Report::Response(response) => {
                let action = self.requests.get(&(key.bits(), response.ticket));
                format!("{} ({})", response.status, action.map_or("?", |action| action.name()))
            }
            other => describe(other),
        };
        self.print(key, "Graph ─▶ bot", &what);
        let routed = self.calls.route(self.at(), Address::Key(key), report, |_| Setup::new(key));
        if let Routed::Told { key, output } = routed {
            self.take(key, &output);
        }
    }

    /// Sends the requests, and keeps the events for the bot.
    fn take(&mut self, key: CallKey, output: &Output<'_>) {
        self.events.extend(output.events().iter().map(|event| (key, *event)));
        for request in output.requests() {
            let ticket = request.ticket();
            let at = (key.bits(), ticket);
            let action = request.action().or_else(|| self.requests.get(&at).copied());
            let Some(action) = action else { continue };
            self.requests.insert(at, action);
            match request {
                Request::Perform { command, dispatch: Dispatch::Held, .. } => {
                    self.print(key, "         bot", &format!("{} waits for audio", what(&command)));
                    continue;
                }
                Request::Perform { command, .. } => self.print(key, "Graph ◀─ bot", &what(&command)),
                Request::Release { .. } => {
                    self.print(key, "Graph ◀─ bot", &format!("{action}, which waited"));
                }
                _ => self.print(key, "Graph ◀─ bot", action.name()),
            }
            let (status, body) = match action {
                // It is itself the answer to a request of Graph's.
                Action::AnswerJoining => continue,
                Action::Place => (201, Body::Call(CallNews::NONE)),
                Action::Refresh => (200, Body::Call(CallNews::NONE)),
                Action::ListParticipants => (200, Body::None),
                _ => (202, Body::None),
            };
            self.later(20, key, Report::Response(Response { ticket, status, code: 0, body }));
            for (after, to, report) in (self.graph)(Asked { key, action, ticket }) {
                self.later(after, to, report);
            }
        }
    }

    fn print(&self, key: CallKey, arrow: &str, what: &str) {
        let name = self.names.iter().find(|(of, _)| *of == key).map_or("?", |(_, name)| name);
        println!("{:>4}.{:03}  {name:<4}  {arrow:<12}   {what}", self.now / 1000, self.now % 1000);
    }
}

/// News that the call is in this state.
pub(crate) fn state(state: State) -> Report<'static> {
    Report::Call { change: Change::Updated, news: CallNews::of(state) }
}

/// News that the call is established, with audio.
pub(crate) fn audible() -> Report<'static> {
    let news = CallNews { audio: Some(Audio::Active), ..CallNews::of(State::Established) };
    Report::Call { change: Change::Updated, news }
}

/// News that a key was pressed.
pub(crate) fn pressed(sequence: u64, tone: Tone) -> Report<'static> {
    let tone = Some(ToneInfo { sequence: Sequence::new(sequence), tone });
    Report::Call { change: Change::Updated, news: CallNews { tone, ..CallNews::of(State::Established) } }
}

/// News that the call is over.
pub(crate) fn over(news: CallNews) -> Report<'static> {
    Report::Call { change: Change::Deleted, news: CallNews { state: Told::State(State::Terminated), ..news } }
}

fn what(command: &Command<'_>) -> String {
    let file = |uri: Uri<'_>| uri.without_query().rsplit('/').next().unwrap_or_default().to_owned();
    match command {
        Command::PlayPrompt { prompts, .. } => {
            let files: Vec<_> = prompts.iter().map(file).collect();
            format!("playPrompt {}", files.join(", "))
        }
        Command::AnswerJoining(answer) => match answer {
            JoiningAnswer::Accept => "accepts".to_owned(),
            JoiningAnswer::Reject(reason) => format!("rejects: {reason}"),
            JoiningAnswer::InviteNewBot(_) => "names another bot".to_owned(),
        },
        other => other.action().to_string(),
    }
}

fn describe(report: &Report<'_>) -> String {
    match report {
        Report::Call { change, news } => {
            let state = match news.state {
                Told::State(state) => state.name(),
                Told::Nothing | Told::Unrecognised => "",
            };
            let tone = news.tone.map(|told| format!(", {} pressed", told.tone));
            let audio = news.audio.map(|audio| format!(", audio {audio}"));
            let result = news.result.map(|result| format!(", {}", result.words()));
            let more = [audio, tone, result].into_iter().flatten().collect::<String>();
            format!("call {change}: {state}{more}")
        }
        Report::Operation { news, .. } => {
            let ticket = news.context.map_or(0, |context| context.ticket.number());
            format!("operation {ticket}: {}", news.status)
        }
        Report::Roster(news) => format!("roster of {}", news.participants.len()),
        Report::Joining => "a participant joins: is he recorded?".to_owned(),
        Report::Left => "a recorded participant left".to_owned(),
        other => format!("{other:?}"),
    }
}

fn learnt(event: &Event) -> String {
    match event {
        Event::StateChanged { from, to } => format!("{from} → {to}"),
        Event::Tone { tone, .. } => tone.to_string(),
        Event::MediaChanged { audio } => format!("audio {audio}"),
        Event::OperationEnded { action, outcome, .. } => format!("{action}: {outcome}"),
        Event::KindChanged(reason) => format!("now a group call: {reason}"),
        Event::HostingChanged(cause) => format!("now hosted as a conversation: {cause}"),
        Event::RosterChanged { joined, left } => format!("{} joined, {} left", joined.len(), left.len()),
        Event::RosterUpdated { changed } => format!("{} changed", changed.len()),
        Event::RecordingConfirmed(status) => format!("confirmed: {status}"),
        Event::TransferFailed(result) => {
            format!("transfer failed: {}", result.map_or("no result", ResultInfo::words))
        }
        Event::Ended(end) => {
            let established = if end.ever_established { "established" } else { "never established" };
            let reason = end.reason.map_or("no reason given", |reason| reason.name());
            format!("over ({}), by {}, {established}, {reason}", end.how, end.by)
        }
        other => format!("{other:?}"),
    }
}
