//! What happens in a call across a power cut, and the bot that does its part of it.
#![allow(clippy::missing_panics_doc, clippy::unwrap_used)] // a poisoned lock is a test that failed already

use std::sync::{Arc, Mutex};
use std::time::Duration;

use callflow_core::command::RejectReason;
use callflow_core::event::Event;
use callflow_graph::bot::{
    AtLimit, Call, CallHandler, Config, Drain, HandlerError, Joining, Recovered, UnknownCalls,
};
use callflow_graph::session::{JoiningAnswer, Record, Target};
use callflow_graph::simulator::Step;
use serde::{Deserialize, Serialize};

use crate::outage::{DESK, MENU};
use crate::service::{Service, plain};

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Somebody calls, hears a prompt, and one for each key that he presses.
    Incoming,
    /// The bot calls somebody, plays, and goes on as above.
    Outgoing,
    /// Somebody calls, and is transferred.
    Transfer,
    /// Somebody calls, and another is invited.
    Invite,
    /// Somebody calls, and is recorded.
    Record,
    /// Somebody calls, and is rejected.
    Reject,
    /// Somebody calls, and hangs up while a prompt is played.
    FarHangUp,
    /// Somebody calls while the bot calls somebody.
    Two,
    /// A policy lets a call be recorded, and participants join: the bot answers the first, lets the second have the
    /// default, and is late for the third.
    Joining,
    /// The bot is drained while somebody is in a call, and while another calls; who is left is hung up.
    Drain,
    /// The same; who is left stays in his call.
    DrainAndLeave,
    /// The record of a call becomes unreadable between two processes; the handler goes on.
    Unreadable,
    /// The same, with what lies beside it; the handler hangs up.
    UnreadableHungUp,
    /// The store is lost between two processes; calls that are not known are adopted.
    Adopt,
    /// The same; they are hung up.
    HangUpUnknown,
}

/// What becomes of the store between two processes, beside cuts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Calls cannot be read.
    Calls,
    /// Neither calls nor the texts beside them.
    CallsAndTexts,
    /// Nothing is left.
    All,
}

/// The number of participants who join.
pub const JOININGS: u32 = 3;

impl Plan {
    /// Whether somebody calls.
    pub fn is_called(self) -> bool {
        self != Self::Outgoing
    }

    /// Whether the bot calls.
    pub fn places(self) -> bool {
        matches!(self, Self::Outgoing | Self::Two)
    }

    /// What becomes of the store in the middle of the call.
    pub fn loss(self) -> Option<Loss> {
        match self {
            Self::Unreadable => Some(Loss::Calls),
            Self::UnreadableHungUp => Some(Loss::CallsAndTexts),
            Self::Adopt | Self::HangUpUnknown => Some(Loss::All),
            _ => None,
        }
    }

    /// How the bot is drained in the middle of the call.
    pub fn drain(self) -> Option<Drain> {
        let at_limit = match self {
            Self::Drain => AtLimit::HangUp { within: Duration::from_secs(20) },
            Self::DrainAndLeave => AtLimit::Leave,
            _ => return None,
        };
        Some(Drain { at_limit, ..Drain::new(Duration::from_secs(3)) })
    }

    /// What the bot is set up with for it.
    pub fn set_up(self, config: &mut Config) {
        config.unknown_calls = match self {
            Self::Adopt => UnknownCalls::Adopt,
            Self::HangUpUnknown => UnknownCalls::HangUp,
            _ => UnknownCalls::Ignore,
        };
        if self.loss() == Some(Loss::All) {
            // Each look into the inbox meanwhile is a step.
            config.keep_unknown = Duration::from_secs(4);
        }
        config.joining =
            Joining { default: JoiningAnswer::Reject(RejectReason::Forbidden), ..Joining::default() };
    }

    /// What the person does.
    pub fn script(self) -> Vec<Step> {
        let wait = |secs| Step::Wait(Duration::from_secs(secs));
        match self {
            Self::FarHangUp => vec![Step::AwaitAnswer, wait(1), Step::HangUp],
            Self::Reject => vec![Step::AwaitHangUp],
            Self::Joining | Self::Drain | Self::DrainAndLeave => {
                vec![Step::AwaitAnswer, wait(90), Step::HangUp]
            }
            Self::Unreadable => {
                vec![Step::AwaitAnswer, wait(20), Step::Press('1'), wait(60), Step::HangUp]
            }
            Self::UnreadableHungUp => vec![Step::AwaitAnswer, Step::AwaitHangUp],
            Self::Adopt => vec![Step::AwaitAnswer, wait(10), Step::Press('1'), wait(300), Step::HangUp],
            Self::HangUpUnknown => {
                vec![Step::AwaitAnswer, wait(10), Step::Press('1'), Step::AwaitHangUp]
            }
            _ => vec![
                Step::AwaitAnswer,
                wait(3),
                Step::Press('1'),
                wait(3),
                Step::Press('2'),
                wait(30),
                Step::HangUp,
            ],
        }
    }

    /// What is carried out where nothing goes wrong, without what may be repeated.
    pub fn whole(self) -> &'static [&'static str] {
        match self {
            Self::Incoming => &["POST answer", "POST playPrompt", "POST playPrompt", "POST playPrompt"],
            Self::Outgoing => &["POST ", "POST playPrompt", "POST playPrompt", "POST playPrompt"],
            Self::Transfer => &["POST answer", "POST transfer"],
            Self::Invite => &["POST answer", "POST invite"],
            Self::Record => &["POST answer", "POST recordResponse"],
            Self::Reject => &["POST reject"],
            Self::FarHangUp | Self::UnreadableHungUp => &["POST answer", "POST playPrompt"],
            Self::Two => &[
                "POST ",
                "POST answer",
                "POST playPrompt",
                "POST playPrompt",
                "POST playPrompt",
                "POST playPrompt",
                "POST playPrompt",
                "POST playPrompt",
            ],
            Self::Joining => &["POST answer"],
            Self::Drain | Self::DrainAndLeave => &["POST answer", "POST playPrompt", "POST reject"],
            Self::Unreadable => &["POST answer", "POST playPrompt", "POST playPrompt"],
            Self::Adopt => &["POST playPrompt"],
            Self::HangUpUnknown => &[],
        }
    }
}

/// What a handler was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The call's name.
    pub call: String,
    /// Its id in one spelling, once known.
    pub id: Option<String>,
    /// The event.
    pub event: String,
    /// The event's number.
    pub number: u64,
    /// When, in the service's order of things.
    pub at: u64,
}

/// What the bot keeps of a call: its committed history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// Each event, in order.
    pub events: Vec<String>,
}

/// An event in words that bots of any kind could use.
pub fn heard(event: &Event) -> String {
    match event {
        Event::Offered => "offered".to_owned(),
        Event::Established => "established".to_owned(),
        Event::Tone { sequence, .. } => format!("tone {}", sequence.number()),
        Event::Ended(_) => "ended".to_owned(),
        other => format!("{other:?}"),
    }
}

/// Whether a word of a history says that the call goes on of which nothing was left but its id.
pub fn is_recovery(word: &str) -> bool {
    word.starts_with("recovered")
}

/// What an accepted notification has to lead to.
pub fn expected(entry: &serde_json::Value) -> Option<String> {
    let text = |path: &str| entry.pointer(path).and_then(serde_json::Value::as_str).unwrap_or_default();
    if text("/resourceUrl").contains("/operations/") {
        return None;
    }
    if let Some(tone) = entry.pointer("/resourceData/toneInfo/sequenceId") {
        return Some(format!("tone {tone}"));
    }
    match (text("/changeType"), text("/resourceData/state")) {
        ("created", "incoming") => Some("offered".to_owned()),
        ("deleted", _) => Some("ended".to_owned()),
        ("updated", "established") => Some("established".to_owned()),
        _ => None,
    }
}

/// A bot that does what the plan says.
#[derive(Clone)]
pub struct Script {
    /// The plan.
    pub plan: Plan,
    /// What it was given.
    pub told: Arc<Mutex<Vec<Told>>>,
    /// In whose order of things.
    pub service: Arc<Service>,
    /// The how manieth process it is, from 0. Each would answer joining participants otherwise.
    pub process: usize,
}

impl Script {
    fn note(&self, call: &Call<'_>, event: &str) {
        self.told.lock().unwrap().push(Told {
            call: call.name().to_string(),
            id: call.id().map(plain),
            event: event.to_owned(),
            number: call.event_number(),
            at: self.service.moment(),
        });
    }

    fn joining_answer(&self) -> (JoiningAnswer, &'static str) {
        match self.process {
            0 => (JoiningAnswer::Accept, "accept"),
            1 => (JoiningAnswer::Reject(RejectReason::Busy), "busy"),
            _ => (JoiningAnswer::InviteNewBot("https://bot-2.test/calls".into()), "elsewhere"),
        }
    }

    /// Answers the next who joins, and gives what it answered.
    async fn join(&self, call: &mut Call<'_>, history: &History) -> &'static str {
        let before = history.events.iter().filter(|word| word.starts_with("joining")).count();
        if before == 1 {
            return "default";
        }
        if before == 2 {
            tokio::time::sleep(Duration::from_secs(4)).await;
        }
        let (answer, words) = self.joining_answer();
        call.answer_joining(answer).map_or("default", |_| words)
    }
}

impl CallHandler for Script {
    type State = History;

    async fn on_event(
        &self,
        call: &mut Call<'_>,
        history: &mut History,
        event: &Event,
    ) -> Result<(), HandlerError> {
        let words = heard(event);
        self.note(call, &words);
        if *event == Event::Joining {
            let answer = self.join(call, history).await;
            history.events.push(format!("joining: {answer}"));
            return Ok(());
        }
        history.events.push(words);
        let desk = || Target::User(DESK.to_owned());
        match (self.plan, event) {
            (Plan::Reject, Event::Offered) => {
                call.reject(RejectReason::Busy)?;
            }
            (Plan::Transfer | Plan::Invite | Plan::Record | Plan::Joining, Event::Offered) => {
                call.answer()?;
            }
            (Plan::Transfer, Event::Established) => {
                call.transfer(desk())?;
            }
            (Plan::Invite, Event::Established) => {
                call.invite(desk())?;
            }
            (Plan::Record, Event::Established) => {
                call.record(Record { prompt: Some(MENU.into()), ..Record::default() })?;
            }
            (_, Event::Offered) => {
                call.answer()?;
                call.subscribe_to_tone()?;
                call.play(MENU)?;
            }
            (_, Event::Created) => {
                call.subscribe_to_tone()?;
                call.play(MENU)?;
            }
            (_, Event::Tone { sequence, .. }) => {
                call.play(format!("{MENU}?tone={}", sequence.number()))?;
            }
            _ => {}
        }
        Ok(())
    }

    async fn on_recovered(
        &self,
        call: &mut Call<'_>,
        history: &mut History,
        why: Recovered,
    ) -> Result<(), HandlerError> {
        let words = format!("recovered {why:?}");
        self.note(call, &words);
        history.events.push(words);
        if self.plan == Plan::UnreadableHungUp && !call.state().is_ended() {
            call.hang_up()?;
        }
        Ok(())
    }
}
