//! An on-call pager: rings people in turn until one picks up and presses 1.
//!
//! It is written in the async style, and runs against the simulator, in virtual time and without a network:
//! `cargo run -p callflow-graph --example pager`
#![allow(clippy::print_stdout)] // it shows what happened

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use callflow_graph::conversation::{RetryPlan, Scripted, ScriptedBot};
use callflow_graph::piece::Confirmed;
use callflow_graph::session::Target;
use callflow_graph::simulator::{Stage, Step, WhenRung};
use callflow_graph::store::memory::Memory;

/// Rings those who are on call, one after another, two rounds at most. Gives the name of who took the alarm.
pub(crate) async fn page(bot: &ScriptedBot, on_call: &[(&'static str, Target)]) -> Option<&'static str> {
    let once = RetryPlan { ring: Duration::from_secs(20), ..RetryPlan::default() };
    for (name, target) in on_call.iter().chain(on_call) {
        // Busy, declined, not picked up: the next one.
        let Ok(call) = bot.reach(target.clone(), &once).await else { continue };
        // Voice mail picks up, and presses nothing.
        let accepted = call.confirm(Stage::prompt("disk_full_press_1")).attempts(1).await;
        if accepted == Ok(Confirmed::Yes) {
            // Whether he hears the thanks changes nothing.
            let _ = call.play(Stage::prompt("thanks")).await;
            return Some(name);
        }
        // Dropping the call hangs up.
    }
    None
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut stage = Stage::try_new()?;
    let picks_up = |then| WhenRung::PickUp { after: Duration::from_secs(4), then };
    let on_call = [
        ("Ada", stage.person("Ada", WhenRung::Ignore)),
        ("Bob", stage.person("Bob", WhenRung::Decline)),
        ("a voice mail", stage.person("a voice mail", picks_up(vec![Step::AwaitHangUp]))),
        (
            "Dan",
            stage.person("Dan", picks_up(vec![Step::AwaitPromptEnd, Step::Press('1'), Step::AwaitHangUp])),
        ),
    ];
    let bot = Scripted::placing_only()
        .start(stage.config(), Arc::new(Memory::new()), stage.transport(), stage.clock)
        .await?;
    stage.mount(bot.bot());

    let taken_by = page(&bot, &on_call).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    bot.bot().stop().await;

    println!("{}", stage.transcript().join("\n"));
    println!("the alarm was taken by {}", taken_by.unwrap_or("nobody"));
    assert_eq!(taken_by, Some("Dan"));
    assert!(stage.simulator.calls().iter().all(|call| call.state == "terminated"));
    Ok(())
}
