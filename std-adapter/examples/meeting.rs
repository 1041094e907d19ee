//! A meeting joiner: joins by the link of the invitation, says something, and leaves.
//!
//! It is written in the async style, and runs against the simulator, in virtual time and without a network:
//! `cargo run -p callflow-graph --example meeting`
#![allow(clippy::print_stdout)] // it shows what happened

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use callflow_graph::conversation::{Scripted, ScriptedBot};
use callflow_graph::session::Target;
use callflow_graph::simulator::{Stage, WhenRung};
use callflow_graph::store::memory::Memory;
use callflow_graph::wire::join_url::JoinUrl;

/// Joins, says what it has to say, and leaves. Gives how many others were there.
pub(crate) async fn announce(bot: &ScriptedBot, link: &str) -> Result<usize, Box<dyn Error>> {
    let call = bot.place(JoinUrl::parse(link)?.into_meeting(None)).await?;
    call.established().await?;
    call.play(Stage::prompt("the_build_is_broken")).await?;
    let others = call.participants().await?.len();
    call.hang_up().await?;
    Ok(others)
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut stage = Stage::try_new()?;
    let Target::User(organizer) = stage.person("Olga", WhenRung::Ignore) else {
        return Err("no user".into());
    };
    let bot = Scripted::placing_only()
        .start(stage.config(), Arc::new(Memory::new()), stage.transport(), stage.clock)
        .await?;
    stage.mount(bot.bot());
    let tenant = &stage.config().credentials.tenant_id;
    let link = format!(
        "https://teams.microsoft.com/l/meetup-join/19%3Ameeting_MjA%40thread.v2/0?context=\
         %7B%22Tid%22%3A%22{tenant}%22%2C%22Oid%22%3A%22{organizer}%22%7D"
    );

    let others = announce(&bot, &link).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(announce(&bot, "https://teams.live.com/meet/123").await.is_err());
    bot.bot().stop().await;

    println!("{}", stage.transcript().join("\n"));
    assert_eq!(others, 1);
    let calls = stage.simulator.calls();
    assert_eq!(
        calls.iter().map(|call| (call.state, call.prompts_ended)).collect::<Vec<_>>(),
        [("terminated", 1)]
    );
    Ok(())
}
