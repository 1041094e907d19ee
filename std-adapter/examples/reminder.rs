//! An appointment reminder: calls, asks whether the appointment is kept, and tries again later where nobody picks up.
//!
//! It is written in the async style, and runs against the simulator, in virtual time and without a network:
//! `cargo run -p callflow-graph --example reminder`
#![allow(clippy::print_stdout)] // it shows what happened

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use callflow_graph::conversation::{ReachError, RetryPlan, Scripted, ScriptedBot};
use callflow_graph::piece::{Confirmed, Failure};
use callflow_graph::session::{Record, Target};
use callflow_graph::simulator::{Stage, Step, WhenRung};
use callflow_graph::store::memory::Memory;

/// What came of a reminder.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reminded {
    /// He comes.
    Kept,
    /// He does not, and said why or did not.
    Cancelled { has_message: bool },
    /// He was called, and did not say.
    NoAnswer,
    /// He was not reached, as often as it was tried.
    NotReached,
}

pub(crate) async fn remind(bot: &ScriptedBot, whom: Target) -> Result<Reminded, Failure> {
    let plan = RetryPlan {
        ring: Duration::from_secs(30),
        pauses: vec![Duration::from_secs(15 * 60), Duration::from_secs(3600)],
    };
    let call = match bot.reach(whom, &plan).await {
        Ok(call) => call,
        Err(ReachError::NotReached(failure @ Failure::Refused { .. })) => return Err(failure),
        Err(_) => return Ok(Reminded::NotReached),
    };
    let reminded = match call.confirm(Stage::prompt("tomorrow_at_nine_1_yes_2_no")).await {
        Ok(Confirmed::Yes) => Reminded::Kept,
        Ok(Confirmed::No) => {
            let record = Record {
                prompt: Some(Stage::prompt("leave_a_message").into()),
                max_duration: Some(60),
                ..Record::default()
            };
            Reminded::Cancelled { has_message: call.record(record).await.is_ok() }
        }
        Err(Failure::NoInput | Failure::InvalidInput | Failure::Ended(_)) => Reminded::NoAnswer,
        Err(failure) => return Err(failure),
    };
    if !matches!(reminded, Reminded::NoAnswer) {
        call.play(Stage::prompt("goodbye")).await?;
    }
    Ok(reminded)
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut stage = Stage::try_new()?;
    let bot = Scripted::placing_only()
        .start(stage.config(), Arc::new(Memory::new()), stage.transport(), stage.clock)
        .await?;
    stage.mount(bot.bot());
    let picks_up = |then| WhenRung::PickUp { after: Duration::from_secs(5), then };
    let ada = vec![Step::AwaitPromptEnd, Step::Press('1'), Step::AwaitPromptEnd, Step::AwaitHangUp];
    let bob = vec![
        Step::AwaitPromptStart,
        Step::Press('2'),
        Step::Wait(Duration::from_secs(5)),
        Step::Speak(Duration::from_secs(6)),
        Step::AwaitHangUp,
    ];
    let cases = [
        (stage.person("Ada", picks_up(ada)), Reminded::Kept),
        (stage.person("Bob", picks_up(bob)), Reminded::Cancelled { has_message: true }),
        (stage.person("Cid", picks_up(vec![Step::AwaitPromptStart, Step::HangUp])), Reminded::NoAnswer),
        (stage.person("Dan", WhenRung::Decline), Reminded::NotReached),
    ];
    for (whom, expected) in cases {
        assert_eq!(remind(&bot, whom).await?, expected);
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    bot.bot().stop().await;
    println!("{}", stage.transcript().join("\n"));
    // One each, and Dan three times.
    assert_eq!(stage.simulator.calls().len(), 6);
    assert!(stage.simulator.calls().iter().all(|call| call.state == "terminated"));
    Ok(())
}
