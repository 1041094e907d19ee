//! An IVR with a menu and a PIN, in the durable style: its process is stopped and started again in the middle of the call,
//! and nobody hears of it.
//!
//! It runs against the simulator, in virtual time and without a network: `cargo run -p callflow-graph --example ivr`
#![allow(clippy::print_stdout)] // it shows what happened

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use callflow_core::event::Event;
use callflow_graph::bot::{Bot, Call, CallHandler, HandlerError};
use callflow_graph::piece::{Collect, Digits, Failure, Farewell, Menu, Running, TransferTo};
use callflow_graph::session::Target;
use callflow_graph::simulator::{Outcome, Stage, Step, WhenRung};
use callflow_graph::store::Store;
use callflow_graph::store::memory::Memory;
use serde::{Deserialize, Serialize};

/// Where a caller is: of the pieces one runs at a time.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Caller {
    menu: Running<Menu>,
    pin: Running<Collect>,
    transfer: Running<TransferTo>,
    farewell: Running<Farewell>,
}

pub(crate) struct Ivr {
    pub(crate) operator: Target,
}

impl Ivr {
    fn ask(call: &mut Call<'_>, caller: &mut Caller) -> Option<Result<char, Failure>> {
        let menu = Menu::new(Stage::prompt("balance_1_operator_0"), "10");
        caller.menu.begin(call, menu.invalid_prompt(Stage::prompt("no_such_choice")))
    }

    fn chosen(&self, call: &mut Call<'_>, caller: &mut Caller, choice: Result<char, Failure>) {
        match choice {
            Ok('1') => {
                let pin = Collect::digits(4).prompt(Stage::prompt("pin")).terminator('#').attempts(3);
                if let Some(entered) = caller.pin.begin(call, pin) {
                    Self::entered(call, caller, &entered);
                }
            }
            Ok(_) => drop(caller.transfer.begin(call, TransferTo::new(self.operator.clone()))),
            Err(_) => Self::part(call, caller, "goodbye"),
        }
    }

    fn entered(call: &mut Call<'_>, caller: &mut Caller, pin: &Result<Digits, Failure>) {
        let is_right = pin.as_ref().is_ok_and(|digits| *digits == "2468");
        Self::part(call, caller, if is_right { "balance" } else { "wrong_pin" });
    }

    fn part(call: &mut Call<'_>, caller: &mut Caller, prompt: &str) {
        // Nothing is left to do where it is over already.
        let _ = caller.farewell.begin(call, Farewell::saying(Stage::prompt(prompt)));
    }
}

impl CallHandler for Ivr {
    type State = Caller;

    async fn on_event(
        &self,
        call: &mut Call<'_>,
        caller: &mut Caller,
        event: &Event,
    ) -> Result<(), HandlerError> {
        if *event == Event::Offered {
            call.answer()?;
            if let Some(choice) = Self::ask(call, caller) {
                self.chosen(call, caller, choice);
            }
            return Ok(());
        }
        // The farewell first: whatever begins it below is not to give it the same event.
        let _ = caller.farewell.on_event(call, event);
        if let Some(Err(_)) = caller.transfer.on_event(call, event) {
            Self::part(call, caller, "nobody_there");
        }
        if let Some(entered) = caller.pin.on_event(call, event) {
            Self::entered(call, caller, &entered);
        }
        if let Some(choice) = caller.menu.on_event(call, event) {
            self.chosen(call, caller, choice);
        }
        Ok(())
    }

    async fn on_wake(&self, call: &mut Call<'_>, caller: &mut Caller) -> Result<(), HandlerError> {
        if let Some(entered) = caller.pin.on_wake(call) {
            Self::entered(call, caller, &entered);
        }
        if let Some(choice) = caller.menu.on_wake(call) {
            self.chosen(call, caller, choice);
        }
        Ok(())
    }
}

async fn start(stage: &Stage, operator: &Target, store: &Arc<dyn Store>) -> Result<Bot, Box<dyn Error>> {
    let handler = Ivr { operator: operator.clone() };
    let bot = Bot::start(stage.config(), handler, Arc::clone(store), stage.transport(), stage.clock).await?;
    stage.mount(&bot);
    Ok(bot)
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut stage = Stage::try_new()?;
    let then = vec![Step::AwaitHangUp];
    let operator = stage.person("the operator", WhenRung::PickUp { after: Duration::from_secs(2), then });
    stage.person("Ada", WhenRung::Ignore);
    stage.person("Bob", WhenRung::Ignore);
    let store: Arc<dyn Store> = Arc::new(Memory::new());
    let first = start(&stage, &operator, &store).await?;

    // Ada presses a wrong key, then 1, and the bot stops in the middle of her PIN.
    let ada = vec![
        Step::AwaitPromptEnd,
        Step::Press('7'),
        Step::AwaitPromptEnd,
        Step::AwaitPromptEnd,
        Step::Press('1'),
        Step::AwaitPromptEnd,
        Step::Press('2'),
        Step::Press('4'),
        Step::Wait(Duration::from_secs(3)),
        Step::Press('6'),
        Step::Press('8'),
        Step::AwaitPromptEnd,
        Step::AwaitHangUp,
    ];
    let call = stage.ring("Ada", ada)?;
    tokio::time::sleep(Duration::from_millis(9800)).await;
    first.stop().await;
    println!("{}\n          the bot is stopped, and started again", stage.transcript().join("\n"));
    let shown = stage.transcript().len();
    let second = start(&stage, &operator, &store).await?;
    tokio::time::sleep(Duration::from_secs(30)).await;

    // Bob wants somebody to talk to.
    stage.ring("Bob", vec![Step::AwaitPromptStart, Step::Press('0'), Step::AwaitHangUp])?;
    tokio::time::sleep(Duration::from_secs(30)).await;
    second.stop().await;

    let lines = stage.transcript();
    println!("{}", lines.iter().skip(shown).cloned().collect::<Vec<_>>().join("\n"));
    assert!(lines.iter().any(|line| line.contains("bot: transfer")));
    let ada = stage.simulator.call(&call).ok_or("there is no such call")?;
    assert_eq!((ada.state, ada.outcome), ("terminated", Outcome::Done));
    assert_eq!(ada.prompts_ended, 5, "menu, no such choice, menu, PIN, balance");
    Ok(())
}
