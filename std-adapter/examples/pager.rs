//! An on-call pager: rings people in turn until one picks up and presses 1.
//!
//! It is written in the durable style, so that an alarm is not lost with the process, and runs against the simulator, in
//! virtual time and without a network: `cargo run -p callflow-graph --example pager`
#![allow(clippy::print_stdout)] // it shows what happened

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use callflow_core::event::Event;
use callflow_graph::bot::{Call, CallHandler, HandlerError};
use callflow_graph::outbound::{
    Disposition, Outbound, OutboundBot, OutboundHandler, Outcome, Planned, RetryPlan, Standing,
};
use callflow_graph::piece::{Confirm, Confirmed, Farewell, Running};
use callflow_graph::simulator::{Stage, Step, WhenRung};
use callflow_graph::store::memory::Memory;
use serde::{Deserialize, Serialize};

/// An alarm: the state of each call about it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Alarm {
    question: Running<Confirm>,
    farewell: Running<Farewell>,
    is_taken: bool,
}

pub(crate) struct Pager;

impl CallHandler for Pager {
    type State = Alarm;

    async fn on_event(
        &self,
        call: &mut Call<'_>,
        alarm: &mut Alarm,
        event: &Event,
    ) -> Result<(), HandlerError> {
        if *event == Event::Established {
            alarm.question.begin(call, Confirm::new(Stage::prompt("disk_full_press_1")).attempts(1));
        }
        alarm.farewell.on_event(call, event);
        match alarm.question.on_event(call, event) {
            Some(Ok(Confirmed::Yes)) => {
                alarm.is_taken = true;
                alarm.farewell.begin(call, Farewell::saying(Stage::prompt("thanks")));
            }
            Some(_) if call.end().is_none() => drop(call.hang_up()?),
            Some(_) | None => {}
        }
        Ok(())
    }

    async fn on_wake(&self, call: &mut Call<'_>, alarm: &mut Alarm) -> Result<(), HandlerError> {
        // Voice mail picks up, and presses nothing.
        if alarm.question.on_wake(call).is_some() {
            call.hang_up()?;
        }
        Ok(())
    }
}

impl OutboundHandler for Pager {
    fn disposition(&self, alarm: &Alarm, told: Disposition) -> Disposition {
        match told {
            Disposition::Answered if !alarm.is_taken => Disposition::Incomplete,
            told => told,
        }
    }
}

pub(crate) async fn start(stage: &Stage) -> Result<OutboundBot<Pager>, Box<dyn Error>> {
    let store = Arc::new(Memory::new());
    let bot = Outbound::new(Pager).start(stage.config(), store, stage.transport(), stage.clock).await?;
    stage.mount(bot.bot());
    Ok(bot)
}

/// One after another, two rounds at most of `people`, without a pause; whoever is refused or may have been rung is passed over
/// too.
pub(crate) fn plan(people: usize) -> RetryPlan {
    RetryPlan { ring: Duration::from_secs(20), ..RetryPlan::every(Duration::ZERO, people.saturating_mul(2)) }
        .again(Disposition::Refused, [Duration::ZERO])
        .again(Disposition::Unknown, [Duration::ZERO])
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut stage = Stage::try_new()?;
    let picks_up = |then| WhenRung::PickUp { after: Duration::from_secs(4), then };
    let names = ["Ada", "Bob", "a voice mail", "Dan"];
    let dan = vec![Step::AwaitPromptEnd, Step::Press('1'), Step::AwaitHangUp];
    let [ada, bob, voice_mail, dan] = [
        (names[0], WhenRung::Ignore),
        (names[1], WhenRung::Decline),
        (names[2], picks_up(vec![Step::AwaitHangUp])),
        (names[3], picks_up(dan)),
    ]
    .map(|(name, when_rung)| stage.person(name, when_rung));
    let bot = start(&stage).await?;
    let alarm =
        Planned::new(ada, Alarm::default()).or_else(bob).or_else(voice_mail).or_else(dan).plan(plan(4));
    let id = bot.plan(alarm.key("disk full")).await?;
    tokio::time::sleep(Duration::from_secs(300)).await;
    let entry = bot.entry(&id).await.ok_or("it is kept for an hour")?;
    bot.bot().stop().await;

    println!("{}", stage.transcript().join("\n"));
    let last = entry.attempts.len().checked_sub(1).and_then(|last| names.iter().cycle().nth(last));
    println!("{:?} by {}", entry.standing, last.unwrap_or(&"nobody"));
    assert!(matches!(entry.standing, Standing::Settled { outcome: Outcome::Reached, .. }));
    assert_eq!(last, Some(&"Dan"));
    assert!(stage.simulator.calls().iter().all(|call| call.state == "terminated"));
    Ok(())
}
