//! A transfer desk: a caller says whom he wants, the bot asks that one first, and connects the two or takes a message.
//!
//! It is written in the async style (a consultative transfer), and runs against the simulator, in virtual time and without a
//! network: `cargo run -p callflow-graph --example transfer_desk`
#![allow(clippy::print_stdout)] // it shows what happened

use std::error::Error;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use callflow_graph::conversation::{Conversation, Fallback, RetryPlan, Scripted, ScriptedBot};
use callflow_graph::piece::{Confirmed, Failure};
use callflow_graph::session::{Record, Target};
use callflow_graph::simulator::{Outcome, Stage, Step, WhenRung};
use callflow_graph::store::memory::Memory;

/// Asks somebody whether he takes a caller; his call, where he does.
async fn consult(bot: &ScriptedBot, whom: &Target) -> Option<Conversation> {
    let once = RetryPlan { ring: Duration::from_secs(15), ..RetryPlan::default() };
    let call = bot.reach(whom.clone(), &once).await.ok()?;
    let accepted = call.confirm(Stage::prompt("a_caller_press_1")).await;
    (accepted == Ok(Confirmed::Yes)).then_some(call)
}

pub(crate) async fn desk(bot: &ScriptedBot, desks: &[Target; 2], call: Conversation) -> Result<(), Failure> {
    call.answer().await?;
    let choice = call.menu(Stage::prompt("sales_1_support_2"), "12").await?;
    let [sales, support] = desks;
    let whom = if choice == '1' { sales } else { support };
    call.play(Stage::prompt("one_moment")).await?;
    if let Some(consultation) = consult(bot, whom).await {
        match call.transfer_into(whom.clone(), &consultation).await {
            // Both calls of the bot end by themselves.
            Ok(()) => return call.ended().await.map(drop),
            Err(failure @ (Failure::Ended(_) | Failure::Gone)) => return Err(failure),
            Err(failure) => println!("          the transfer failed: {failure}"),
        }
    }
    let prompt = Some(Stage::prompt("leave_a_message").into());
    call.record(Record { prompt, max_duration: Some(60), ..Record::default() }).await?;
    call.play(Stage::prompt("goodbye")).await
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut stage = Stage::try_new()?;
    let then = vec![Step::AwaitPromptEnd, Step::Press('1'), Step::AwaitHangUp];
    let sales = stage.person("Sue of sales", WhenRung::PickUp { after: Duration::from_secs(3), then });
    let support = stage.person("Sam of support", WhenRung::Ignore);
    stage.person("Ada", WhenRung::Ignore);
    stage.person("Bob", WhenRung::Ignore);
    let desks = Arc::new([sales, support]);
    // The bot that the scripts place calls with is there once it is started.
    let the_bot = Arc::new(OnceLock::<ScriptedBot>::new());
    let of_scripts = Arc::clone(&the_bot);
    let bot = Scripted::new(move |call| {
        let (bot, desks) = (Arc::clone(&of_scripts), Arc::clone(&desks));
        async move { desk(bot.get().ok_or(Failure::Gone)?, &desks, call).await }
    })
    .fallback(Fallback::say(Stage::prompt("sorry")))
    .start(stage.config(), Arc::new(Memory::new()), stage.transport(), stage.clock)
    .await?;
    stage.mount(bot.bot());
    the_bot.set(bot.clone()).map_err(|_| "it is set once")?;

    stage.ring("Ada", vec![Step::AwaitPromptStart, Step::Press('1'), Step::AwaitHangUp])?;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let bobs = stage.ring(
        "Bob",
        vec![
            Step::AwaitPromptStart,
            Step::Press('2'),
            Step::AwaitPromptEnd,
            Step::AwaitPromptEnd,
            Step::Speak(Duration::from_secs(5)),
            Step::AwaitHangUp,
        ],
    )?;
    tokio::time::sleep(Duration::from_secs(120)).await;
    bot.bot().stop().await;

    let lines = stage.transcript();
    println!("{}", lines.join("\n"));
    let count = |what: &str| lines.iter().filter(|line| line.contains(what)).count();
    assert_eq!((count("bot: transfer"), count("bot: recordResponse")), (1, 1));
    assert_eq!(stage.simulator.call(&bobs).map(|call| call.outcome), Some(Outcome::Done));
    assert!(stage.simulator.calls().iter().all(|call| call.state == "terminated"));
    Ok(())
}
