//! Traces: what happened in a run, who did it, and when; and the failures that are told with them.

use core::fmt::{self, Write};
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use super::act::Act;
use super::service::Happened;
use crate::action::Action;
use crate::call::{Call, Refused};
use crate::command::Command;
use crate::event::Event;
use crate::id::Ticket;
use crate::time::Timestamp;

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// At the service: somebody did something, or it carried out what was asked.
    AtService(Happened),
    /// A report arrived.
    Told(Act),
    /// The bot learnt of an event.
    Learnt(Event),
    /// The bot commanded, and the command was taken, with this ticket.
    Taken(Command<'static>, Option<Ticket>),
    /// The bot commanded, and was refused.
    Refused(Command<'static>, Refused),
    /// A request left.
    Left(Action, Ticket),
}

/// What happened, when, and how things stood at the service then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: What,
    /// How many others were in the call.
    pub others: usize,
    /// Whether the call was connected.
    pub is_connected: bool,
}

impl Entry {
    /// The event that the bot learnt of, if this is one.
    pub const fn event(&self) -> Option<&Event> {
        match &self.what {
            What::Learnt(event) => Some(event),
            _ => None,
        }
    }

    /// The command that was taken from the bot, if this is one.
    pub const fn command(&self) -> Option<&Command<'static>> {
        match &self.what {
            What::Taken(command, _) => Some(command),
            _ => None,
        }
    }

    /// What the service carried out for the bot, if this is such a thing.
    pub const fn carried_out(&self) -> Option<Action> {
        match &self.what {
            What::AtService(Happened::CarriedOut(action)) => Some(*action),
            _ => None,
        }
    }
}

/// A run of a bot through a history.
#[derive(Clone, Debug)]
pub struct Trace<const R: usize, const O: usize> {
    pub(super) entries: Vec<Entry>,
    pub(super) call: Call<R, O>,
}

impl<const R: usize, const O: usize> Trace<R, O> {
    /// What happened, in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The call as it is in the end.
    pub const fn call(&self) -> &Call<R, O> {
        &self.call
    }

    /// The events that the bot learnt of.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.entries.iter().filter_map(Entry::event)
    }

    /// The commands that were taken from the bot.
    pub fn commands(&self) -> impl Iterator<Item = &Command<'static>> {
        self.entries.iter().filter_map(Entry::command)
    }

    /// Demands that nothing in the trace is `bad`.
    ///
    /// # Errors
    /// [`Failure`], with the ladder up to what is.
    pub fn never(&self, rule: &str, bad: impl Fn(&Entry) -> bool) -> Result<&Self, Failure> {
        match self.entries.iter().position(bad) {
            Some(place) => Err(self.failure(rule, place)),
            None => Ok(self),
        }
    }

    /// Demands that whatever is `first` is followed by something that is `then`.
    ///
    /// # Errors
    /// [`Failure`], with the whole ladder.
    pub fn always_after(
        &self,
        rule: &str,
        first: impl Fn(&Entry) -> bool,
        then: impl Fn(&Entry) -> bool,
    ) -> Result<&Self, Failure> {
        let last = self.entries.iter().rposition(then);
        match self.entries.iter().rposition(first) {
            Some(place) if last.is_none_or(|last| last < place) => Err(self.failure(rule, usize::MAX)),
            Some(_) | None => Ok(self),
        }
    }

    /// Demands anything else of the trace.
    ///
    /// # Errors
    /// [`Failure`], with the whole ladder.
    pub fn require(&self, rule: &str, holds: impl FnOnce(&Self) -> bool) -> Result<&Self, Failure> {
        if holds(self) { Ok(self) } else { Err(self.failure(rule, usize::MAX)) }
    }

    fn failure(&self, rule: &str, place: usize) -> Failure {
        let until = place.saturating_add(1).min(self.entries.len());
        Failure::new(rule, self.entries.get(..until).unwrap_or(&self.entries))
    }
}

impl<const R: usize, const O: usize> fmt::Display for Trace<R, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&ladder(&self.entries))
    }
}

/// A rule that broke in a run, and what led there.
#[derive(Clone, PartialEq, Eq)]
pub struct Failure {
    rule: String,
    ladder: String,
}

impl Failure {
    pub(super) fn new(rule: &str, entries: &[Entry]) -> Self {
        Self { rule: rule.to_string(), ladder: ladder(entries) }
    }

    /// The rule, or the invariant and what was seen.
    pub fn rule(&self) -> &str {
        &self.rule
    }

    /// What led there: a line each, with its time and who did it.
    pub fn ladder(&self) -> &str {
        &self.ladder
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.rule, self.ladder)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for Failure {}

fn ladder(entries: &[Entry]) -> String {
    let begins = entries.first().map_or(Timestamp::default(), |entry| entry.at);
    let mut ladder = String::new();
    for entry in entries {
        let millis = entry.at.since(begins).as_millis();
        let (who, what) = match &entry.what {
            What::AtService(happened) => ("service", format!("{happened:?}")),
            What::Told(act) => ("service -> call", format!("{act:?}")),
            What::Learnt(event) => ("call -> bot", format!("{event:?}")),
            What::Taken(command, _) => ("bot -> call", format!("{command:?}")),
            What::Refused(command, refused) => ("bot -> call", format!("{command:?}: {refused}")),
            What::Left(action, ticket) => {
                ("call -> service", format!("{action}, ticket {}", ticket.number()))
            }
        };
        let (seconds, rest) = (millis / 1000, millis % 1000);
        // Writing into a string cannot fail.
        let _ = writeln!(ladder, "{seconds:>6}.{rest:03} s  {who:<15}  {}", brief(&what));
    }
    ladder
}

/// What is said, without what is not: members that are not there say nothing.
fn brief(what: &str) -> String {
    let mut brief = String::new();
    for part in what.split(", ") {
        // What is left of `Thing { member: None }`, or of one that begins or ends so.
        let (kept, ends) = match part.split_once(": None") {
            Some((member, rest)) => match member.rfind("{ ") {
                Some(brace) => (member.get(..brace.saturating_add(2)).unwrap_or(""), rest),
                None => ("", rest),
            },
            None => (part, ""),
        };
        if !kept.is_empty() {
            brief.push_str(if brief.is_empty() || brief.ends_with("{ ") { "" } else { ", " });
            brief.push_str(kept);
        }
        brief.push_str(ends);
    }
    brief
}
