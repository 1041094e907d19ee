//! A conference starter: somebody calls the bot, which invites the others. The peer-to-peer call becomes a group call by that.
//!
//! It is written in the async style, and runs against the simulator, in virtual time and without a network:
//! `cargo run -p callflow-graph --example conference`
#![allow(clippy::print_stdout)] // it shows what happened

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use callflow_core::event::Event;
use callflow_graph::conversation::{Conversation, Fallback, Scripted};
use callflow_graph::piece::Failure;
use callflow_graph::session::Target;
use callflow_graph::simulator::{Outcome, Stage, Step, WhenRung};
use callflow_graph::store::memory::Memory;

pub(crate) async fn start_conference(call: Conversation, others: &[Target]) -> Result<(), Failure> {
    let mut events = call.events();
    call.answer().await?;
    call.play(Stage::prompt("the_others_are_called")).await?;
    let mut came = 0;
    for other in others {
        match call.invite(other.clone()).await {
            Ok(()) => came += 1,
            Err(failure @ Failure::Ended(_)) => return Err(failure),
            // Who does not come is left out.
            Err(failure) => println!("          somebody does not come: {failure}"),
        }
    }
    if came == 0 {
        call.play(Stage::prompt("nobody_came")).await?;
        return call.hang_up().await.map(drop);
    }
    let is_group =
        std::iter::from_fn(|| events.try_recv().ok()).any(|event| matches!(event, Event::KindChanged(_)));
    println!("          {came} came; a group call: {is_group}");
    // The bot stays until everybody has left.
    tokio::select! {
        left = call.leave_when_alone() => left,
        ended = call.ended() => ended.map(drop),
    }
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut stage = Stage::try_new()?;
    let picks_up = |then| WhenRung::PickUp { after: Duration::from_secs(3), then };
    let others = Arc::new([
        stage.person("Bob", picks_up(vec![Step::Wait(Duration::from_secs(120)), Step::HangUp])),
        stage.person("Cid", WhenRung::Decline),
        stage.person("Dan", picks_up(vec![Step::Wait(Duration::from_secs(60)), Step::HangUp])),
    ]);
    stage.person("Ada", WhenRung::Ignore);
    let bot = Scripted::new(move |call| {
        let others = Arc::clone(&others);
        async move { start_conference(call, &*others).await }
    })
    .fallback(Fallback::say(Stage::prompt("sorry")))
    .start(stage.config(), Arc::new(Memory::new()), stage.transport(), stage.clock)
    .await?;
    stage.mount(bot.bot());

    let call =
        stage.ring("Ada", vec![Step::AwaitAnswer, Step::Wait(Duration::from_secs(90)), Step::HangUp])?;
    tokio::time::sleep(Duration::from_secs(300)).await;
    bot.bot().stop().await;

    let lines = stage.transcript();
    println!("{}", lines.join("\n"));
    let count = |what: &str| lines.iter().filter(|line| line.contains(what)).count();
    assert_eq!((count(" joins"), count("bot: invite")), (2, 3));
    let call = stage.simulator.call(&call).ok_or("there is no such call")?;
    assert_eq!((call.state, call.outcome), ("terminated", Outcome::Done));
    Ok(())
}
