//! An appointment reminder: calls, asks whether the appointment is kept, and tries again later where nobody picks up, or does
//! not say. What is planned outlives restarts: the bot is restarted here while somebody waits to be called again.
//!
//! It is written in the durable style, and runs against the simulator, in virtual time and without a network:
//! `cargo run -p callflow-graph --example reminder`
#![allow(clippy::print_stdout)] // it shows what happened

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use callflow_core::event::Event;
use callflow_graph::bot::{Call, CallHandler, HandlerError};
use callflow_graph::outbound::{
    Disposition, Entry, Outbound, OutboundBot, OutboundHandler, Outcome, Pacing, Planned, RetryPlan, Standing,
};
use callflow_graph::piece::{Confirm, Confirmed, Farewell, RecordMessage, Running};
use callflow_graph::session::Record;
use callflow_graph::simulator::{Stage, Step, WhenRung};
use callflow_graph::store::Store;
use callflow_graph::store::memory::Memory;
use serde::{Deserialize, Serialize};

/// An appointment: the state of each call about it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Appointment {
    whose: String,
    answer: Option<Answer>,
    question: Running<Confirm>,
    message: Running<RecordMessage>,
    farewell: Running<Farewell>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// He comes.
    Kept,
    /// He does not, and said why or did not.
    Cancelled { has_message: bool },
}

/// What came of the appointments: whose, what he said, and how it ended.
pub(crate) type Book = Arc<Mutex<Vec<(String, Option<Answer>, Outcome)>>>;

/// Asks, and notes what came of it.
#[derive(Clone, Default)]
pub(crate) struct Reminder {
    book: Book,
}

impl Reminder {
    fn part(call: &mut Call<'_>, its: &mut Appointment) {
        its.farewell.begin(call, Farewell::saying(Stage::prompt("goodbye")));
    }
}

impl CallHandler for Reminder {
    type State = Appointment;

    async fn on_event(
        &self,
        call: &mut Call<'_>,
        its: &mut Appointment,
        event: &Event,
    ) -> Result<(), HandlerError> {
        if *event == Event::Established {
            its.question.begin(call, Confirm::new(Stage::prompt("tomorrow_at_nine_1_yes_2_no")));
        }
        its.farewell.on_event(call, event);
        match its.question.on_event(call, event) {
            Some(Ok(Confirmed::Yes)) => {
                its.answer = Some(Answer::Kept);
                Self::part(call, its);
            }
            Some(Ok(Confirmed::No)) => {
                its.answer = Some(Answer::Cancelled { has_message: false });
                let prompt = Some(Stage::prompt("leave_a_message").into());
                let record = Record { prompt, max_duration: Some(60), ..Record::default() };
                its.message.begin(call, RecordMessage::new(record));
            }
            Some(Err(_)) if call.end().is_none() => Self::part(call, its),
            Some(Err(_)) | None => {}
        }
        if let Some(recorded) = its.message.on_event(call, event) {
            its.answer = Some(Answer::Cancelled { has_message: recorded.is_ok() });
            if call.end().is_none() {
                Self::part(call, its);
            }
        }
        Ok(())
    }

    async fn on_wake(&self, call: &mut Call<'_>, its: &mut Appointment) -> Result<(), HandlerError> {
        if its.question.on_wake(call).is_some() {
            Self::part(call, its);
        }
        Ok(())
    }
}

impl OutboundHandler for Reminder {
    fn disposition(&self, its: &Appointment, told: Disposition) -> Disposition {
        match told {
            // Voice mail may have picked up, or he hung up: the question is open.
            Disposition::Answered if its.answer.is_none() => Disposition::Incomplete,
            told => told,
        }
    }

    async fn on_settled(&self, entry: &Entry, its: &Appointment) -> Result<(), HandlerError> {
        if let Standing::Settled { outcome, .. } = entry.standing {
            let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
            book.push((its.whose.clone(), its.answer, outcome));
        }
        Ok(())
    }
}

pub(crate) async fn start(
    stage: &Stage,
    reminder: &Reminder,
    store: &Arc<dyn Store>,
) -> Result<OutboundBot<Reminder>, Box<dyn Error>> {
    let bot = Outbound::new(reminder.clone())
        .pacing(Pacing { at_once: 2, per_minute: 10 })
        .start(stage.config(), Arc::clone(store), stage.transport(), stage.clock)
        .await?;
    stage.mount(bot.bot());
    Ok(bot)
}

pub(crate) fn plan() -> RetryPlan {
    RetryPlan { ring: Duration::from_secs(30), ..RetryPlan::default() }
        .again(Disposition::Unreachable, [Duration::from_secs(15 * 60), Duration::from_secs(3600)])
        .never(Disposition::Incomplete)
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut stage = Stage::try_new()?;
    let (reminder, store) = (Reminder::default(), Arc::new(Memory::new()) as Arc<dyn Store>);
    let picks_up = |then| WhenRung::PickUp { after: Duration::from_secs(5), then };
    let ada = vec![Step::AwaitPromptEnd, Step::Press('1'), Step::AwaitPromptEnd, Step::AwaitHangUp];
    let bob = vec![
        Step::AwaitPromptStart,
        Step::Press('2'),
        Step::Wait(Duration::from_secs(5)),
        Step::Speak(Duration::from_secs(6)),
        Step::AwaitHangUp,
    ];
    let first = start(&stage, &reminder, &store).await?;
    for (name, when_rung) in [
        ("Ada", picks_up(ada)),
        ("Bob", picks_up(bob)),
        ("Cid", picks_up(vec![Step::AwaitPromptStart, Step::HangUp])),
        ("Dan", WhenRung::Decline),
    ] {
        let whom = stage.person(name, when_rung);
        let appointment = Appointment { whose: name.to_owned(), ..Appointment::default() };
        first.plan(Planned::new(whom, appointment).plan(plan()).key(format!("{name}, at nine"))).await?;
    }
    tokio::time::sleep(Duration::from_secs(600)).await;
    first.bot().stop().await;
    let second = start(&stage, &reminder, &store).await?;
    tokio::time::sleep(Duration::from_secs(2 * 3600)).await;
    second.bot().stop().await;

    println!("{}", stage.transcript().join("\n"));
    let mut book = reminder.book.lock().unwrap_or_else(PoisonError::into_inner).clone();
    book.sort_by(|one, other| one.0.cmp(&other.0));
    for (whose, answer, outcome) in &book {
        println!("{whose}: {answer:?}, {outcome:?}");
    }
    let cancelled = Answer::Cancelled { has_message: true };
    assert_eq!(
        book,
        [
            ("Ada".to_owned(), Some(Answer::Kept), Outcome::Reached),
            ("Bob".to_owned(), Some(cancelled), Outcome::Reached),
            ("Cid".to_owned(), None, Outcome::GivenUp(Disposition::Incomplete)),
            ("Dan".to_owned(), None, Outcome::GivenUp(Disposition::Unreachable)),
        ]
    );
    // One each, and Dan three times.
    assert_eq!(stage.simulator.calls().len(), 6);
    assert!(stage.simulator.calls().iter().all(|call| call.state == "terminated"));
    Ok(())
}
