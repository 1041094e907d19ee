//! Runs: a bot's own logic through a history, under the eyes of the observer.

use std::collections::{BTreeMap, VecDeque};
use std::string::ToString;
use std::vec::Vec;

use super::act::Act;
use super::invariant::{self, Broken};
use super::observer::Observer;
use super::script::History;
use super::service::{Sent, Service};
use super::trace::{Entry, Failure, Trace, What};
use crate::call::{Call, Input, Output, Refused};
use crate::command::Command;
use crate::event::Event;
use crate::id::Ticket;
use crate::request::{Dispatch, Request};
use crate::time::{Span, Timestamp};

/// A bot's own logic, as far as it concerns one call.
///
/// A closure from the call and an event to commands is one.
pub trait Bot<const R: usize, const O: usize> {
    /// What the bot does upon an event.
    fn on_event(&mut self, call: &Call<R, O>, event: &Event) -> Vec<Command<'static>>;

    /// A command was taken, with this ticket.
    fn on_taken(&mut self, _command: &Command<'static>, _ticket: Ticket) {}

    /// What the bot does when a command is refused. Nothing, if this is not written.
    fn on_refused(
        &mut self,
        _call: &Call<R, O>,
        _command: &Command<'static>,
        _refused: &Refused,
    ) -> Vec<Command<'static>> {
        Vec::new()
    }
}

impl<const R: usize, const O: usize, F> Bot<R, O> for F
where
    F: FnMut(&Call<R, O>, &Event) -> Vec<Command<'static>>,
{
    fn on_event(&mut self, call: &Call<R, O>, event: &Event) -> Vec<Command<'static>> {
        self(call, event)
    }
}

/// When every history begins.
const BEGINS: Timestamp = Timestamp::from_millis(1_000_000);
/// How long a run goes on after the last scene.
const REST: Span = Span::from_minutes(5);
/// How long the answers to a round of questions may take, doubt included.
const ROUND: Span = Span::from_secs(70);
/// How many commands a bot may give at one moment.
const MOST_COMMANDS: usize = 100;

/// Runs `bot` through `history`: the observer checks I1 to I8 and I10 to I14 at each step, and in the end rounds of
/// questions have to bring the service's facts (I9): one for what was out before, and one for each operation that may be
/// pending, since a round asks for one. Gives the trace, for rules of the bot's own.
///
/// # Errors
/// [`Failure`]: the invariant that broke, and what led there.
pub fn run<const R: usize, const O: usize>(
    bot: &mut impl Bot<R, O>,
    history: &History,
) -> Result<Trace<R, O>, Failure> {
    let mut run = Run::begin(bot, history)?;
    run.goes_on(horizon(history))?;
    run.asks()?;
    Ok(run.ends())
}

/// As [`run`], without the round of questions: the call is left as reports made it. Where all of them arrived, in whatever
/// order, it has the facts, or asks (I6).
///
/// # Errors
/// [`Failure`]: the invariant that broke, and what led there.
pub fn run_as_told<const R: usize, const O: usize>(
    bot: &mut impl Bot<R, O>,
    history: &History,
) -> Result<Trace<R, O>, Failure> {
    let mut run = Run::begin(bot, history)?;
    run.goes_on(horizon(history))?;
    let facts = run.service.facts();
    invariant::i06_has_the_facts_or_asks(&run.call, &facts).map_err(|broken| run.fails(broken))?;
    Ok(run.ends())
}

fn horizon(history: &History) -> Timestamp {
    history
        .scenes
        .iter()
        .fold(BEGINS.plus(REST), |at, (pause, _)| at.plus(Span::from_millis((*pause).into())))
}

struct Run<'b, B, const R: usize, const O: usize> {
    bot: &'b mut B,
    call: Call<R, O>,
    observer: Observer,
    service: Service,
    now: Timestamp,
    held: BTreeMap<Ticket, Command<'static>>,
    entries: Vec<Entry>,
    /// What the bot wants and was not handed in yet.
    wanted: VecDeque<Command<'static>>,
}

impl<'b, B: Bot<R, O>, const R: usize, const O: usize> Run<'b, B, R, O> {
    fn begin(bot: &'b mut B, history: &History) -> Result<Self, Failure> {
        let opened = history.opening.open(BEGINS);
        let (call, output) = opened.map_err(|refused| Failure::new(&refused.to_string(), &[]))?;
        let broken = |broken: Broken| Failure::new(&broken.to_string(), &[]);
        let observer = Observer::open(&history.opening, &call, BEGINS).map_err(broken)?;
        let service = Service::new(history, BEGINS);
        let (held, entries, wanted) = (BTreeMap::new(), Vec::new(), VecDeque::new());
        let mut run = Self { bot, call, observer, service, now: BEGINS, held, entries, wanted };
        run.takes(&output);
        run.commands()?;
        Ok(run)
    }

    fn ends(self) -> Trace<R, O> {
        Trace { entries: self.entries, call: self.call }
    }

    fn note(&mut self, what: What) {
        let (others, is_connected) = (self.service.others(), self.service.is_connected());
        self.entries.push(Entry { at: self.now, what, others, is_connected });
    }

    fn note_what_happened(&mut self) {
        for (at, happened) in self.service.happened() {
            let (others, is_connected) = (self.service.others(), self.service.is_connected());
            self.entries.push(Entry { at, what: What::AtService(happened), others, is_connected });
        }
    }

    fn fails(&self, broken: Broken) -> Failure {
        Failure::new(&broken.to_string(), &self.entries)
    }

    /// Lets time pass up to `until`, with all that happens meanwhile.
    fn goes_on(&mut self, until: Timestamp) -> Result<(), Failure> {
        loop {
            let due = self.call.next_deadline().map(|due| due.at);
            let next = self.service.next();
            let Some(at) = due.into_iter().chain(next).min().filter(|at| *at <= until) else { break };
            self.now = self.now.max(at);
            if next.is_none_or(|next| due.is_some_and(|due| due < next)) {
                self.hands(&Act::Tick)?;
                continue;
            }
            let act = self.service.take(self.now);
            self.note_what_happened();
            if let Some(act) = act {
                self.note(What::Told(act.clone()));
                self.hands(&act)?;
            }
        }
        self.now = self.now.max(until);
        Ok(())
    }

    /// Asks for everything until all that was lost is known, and checks that it is.
    fn asks(&mut self) -> Result<(), Failure> {
        self.service.calm_down();
        let mut found = Ok(());
        // What was befallen before may still be on its way, a refusal may come in between, and each round asks for one
        // operation.
        for _ in 0..O.saturating_add(3) {
            for command in [Command::KeepAlive, Command::Refresh] {
                // Refused where it is out, or where there is nothing to ask for any more.
                if self.call.clone().handle(self.now, Input::Command(&command)).is_ok() {
                    self.hands(&Act::Command(command))?;
                }
            }
            let until = self.now.plus(ROUND);
            self.goes_on(until)?;
            while self.service.is_telling() {
                let until = self.now.plus(Span::from_millis(10));
                self.goes_on(until)?;
            }
            found = invariant::i09_a_round_brings_the_facts(&self.call, &self.service.facts());
            if found.is_ok() {
                return Ok(());
            }
        }
        found.map_err(|broken| self.fails(broken))
    }

    /// Hands an act to the call, and then whatever the bot commands upon it.
    fn hands(&mut self, act: &Act) -> Result<(), Failure> {
        let asked = self.call.clone();
        act.with(&asked, |input| self.input(input)).map_err(|broken| self.fails(broken))?;
        self.commands()
    }

    fn input(&mut self, input: Input<'_>) -> Result<(), Broken> {
        if let Ok(output) = self.observer.observe(&mut self.call, self.now, input)? {
            self.takes(&output);
        }
        Ok(())
    }

    fn commands(&mut self) -> Result<(), Failure> {
        let mut count = 0usize;
        while let Some(command) = self.wanted.pop_front() {
            count = count.saturating_add(1);
            if count > MOST_COMMANDS {
                return Err(Failure::new("the bot never stops commanding", &self.entries));
            }
            let result = self.observer.observe(&mut self.call, self.now, Input::Command(&command));
            match result.map_err(|broken| self.fails(broken))? {
                Ok(output) => {
                    let ticket = output.ticket();
                    self.note(What::Taken(command, ticket));
                    if let Some(ticket) = ticket {
                        self.bot.on_taken(&command, ticket);
                        self.held.insert(ticket, command);
                    }
                    self.takes(&output);
                }
                Err(refused) => {
                    self.note(What::Refused(command, refused));
                    let wanted = self.bot.on_refused(&self.call, &command, &refused);
                    self.wanted.extend(wanted);
                }
            }
        }
        Ok(())
    }

    /// Carries the requests to the service, and the events to the bot.
    fn takes(&mut self, output: &Output<'_>) {
        for request in output.requests() {
            let released = match request {
                Request::Release { ticket } => self.held.get(&ticket).map(|held| (ticket, *held)),
                _ => None,
            };
            let (sent, action) = match (&request, released) {
                (_, Some((ticket, command))) => (Sent::Released(ticket, command), Some(command.action())),
                (Request::Perform { dispatch: Dispatch::Held, .. }, None) => continue,
                (request, None) => (Sent::Request(request), request.action()),
            };
            if let Some(action) = action {
                self.note(What::Left(action, request.ticket()));
            }
            self.service.request(self.now, &sent);
            self.note_what_happened();
        }
        for event in output.events() {
            self.note(What::Learnt(*event));
            let wanted = self.bot.on_event(&self.call, event);
            self.wanted.extend(wanted);
        }
    }
}
