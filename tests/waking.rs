//! A handler is called again when it asked for that, restarts or not.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // helpers of tests, beside the tests themselves

use std::sync::Arc;
use std::time::Duration;

use callflow_core::event::Event;
use callflow_core::time::Timestamp;
use callflow_graph::bot::{Bot, Call, CallHandler, HandlerError, PlaceError};
use callflow_graph::simulator::Step;
use callflow_graph::store::CallName;
use callflow_tests::{APP, PERSON, Scene};
use serde::{Deserialize, Serialize};

fn name_of(id: &str) -> CallName {
    CallName::try_new(format!("c-{}", id.to_lowercase())).unwrap()
}

/// What became of a call, in order.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Diary {
    wanted: Option<u64>,
    lines: Vec<String>,
}

/// Answers, asks to be called after a minute and after an hour, and hangs up after the minute.
struct Sleeper;

impl CallHandler for Sleeper {
    type State = Diary;

    async fn on_event(
        &self,
        call: &mut Call<'_>,
        diary: &mut Diary,
        event: &Event,
    ) -> Result<(), HandlerError> {
        match event {
            Event::Offered => {
                call.answer()?;
                diary.wanted = Some(call.wake_in(Duration::from_secs(60)).as_millis());
                call.wake_in(Duration::from_secs(3600));
            }
            Event::Ended(_) => diary.lines.push("ended".to_owned()),
            _ => {}
        }
        Ok(())
    }

    async fn on_resumed(&self, _: &mut Call<'_>, diary: &mut Diary) -> Result<(), HandlerError> {
        diary.lines.push("resumed".to_owned());
        Ok(())
    }

    async fn on_wake(&self, call: &mut Call<'_>, diary: &mut Diary) -> Result<(), HandlerError> {
        let now = call.now().as_millis();
        let late = diary.wanted.map(|wanted| now.checked_sub(wanted).map(|late| late / 1000));
        diary.lines.push(match late.flatten() {
            Some(late) => format!("late by {late} s"),
            None => "early".to_owned(),
        });
        if late.flatten().is_some() {
            call.hang_up()?;
        }
        Ok(())
    }
}

async fn start(scene: &Scene) -> Bot {
    let net = Arc::new(scene.net.clone());
    let bot = Bot::start(scene.config(), Sleeper, Arc::clone(&scene.store), net, scene.clock).await.unwrap();
    scene.net.mount("bot.test", bot.router());
    bot
}

async fn diary(bot: &Bot, name: &CallName) -> Diary {
    serde_json::from_slice(&bot.view(name).await.unwrap().unwrap().author).unwrap()
}

async fn after(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

fn ring(scene: &Scene) -> CallName {
    let script = vec![Step::AwaitAnswer, Step::AwaitHangUp];
    name_of(&scene.simulator.call_bot(PERSON, APP, script).unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_moment_comes_once_and_in_time() {
    let scene = Scene::good();
    let bot = start(&scene).await;
    let name = ring(&scene);
    after(59).await;
    assert_eq!(diary(&bot, &name).await.lines, [""; 0]);
    after(2).await;
    assert_eq!(diary(&bot, &name).await.lines, ["late by 0 s", "ended"]);
}

#[tokio::test(start_paused = true)]
async fn a_moment_that_passed_during_a_restart_comes_after_it_was_told() {
    // How long nobody is there, and how late the moment is then.
    for (away, late) in [(10, "late by 0 s"), (300, "late by 245 s")] {
        let scene = Scene::good();
        let first = start(&scene).await;
        let name = ring(&scene);
        after(5).await;
        first.stop().await;
        after(away).await;
        let second = start(&scene).await;
        after(60).await;
        assert_eq!(diary(&second, &name).await.lines, ["resumed", late, "ended"], "{away}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_is_called_from_outside() {
    let scene = Scene::good();
    let bot = start(&scene).await;
    let name = ring(&scene);
    after(5).await;
    bot.wake(&name).await.unwrap();
    assert_eq!(diary(&bot, &name).await.lines, ["early"]);
    let nobody = CallName::try_new("nobody").unwrap();
    assert!(matches!(bot.wake(&nobody).await, Err(PlaceError::NoCall(name)) if name == nobody));
}

/// Answers, and asks each time for a moment that has passed.
struct Restless;

impl CallHandler for Restless {
    type State = Diary;

    async fn on_event(&self, call: &mut Call<'_>, _: &mut Diary, event: &Event) -> Result<(), HandlerError> {
        match event {
            Event::Offered => drop(call.answer()?),
            Event::Established => call.wake_at(Timestamp::from_millis(1)),
            _ => {}
        }
        Ok(())
    }

    async fn on_wake(&self, call: &mut Call<'_>, diary: &mut Diary) -> Result<(), HandlerError> {
        diary.lines.push(call.now().as_millis().to_string());
        // A few, so that a handler that turns without end comes to one here.
        match diary.lines.len() {
            1 => call.wake_at(Timestamp::from_millis(1)),
            2 => drop(call.wake_in(Duration::ZERO)),
            3 => drop(call.wake_in(Duration::from_millis(200))),
            _ => {}
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_moment_that_has_passed_comes_once_and_not_in_a_spin() {
    let scene = Scene::good();
    let net = Arc::new(scene.net.clone());
    let store = Arc::clone(&scene.store);
    let bot = Bot::start(scene.config(), Restless, store, net, scene.clock).await.unwrap();
    scene.net.mount("bot.test", bot.router());
    let name = ring(&scene);
    after(30).await;
    let moments: Vec<u64> = diary(&bot, &name).await.lines.iter().map(|line| line.parse().unwrap()).collect();
    let gaps: Vec<u64> = moments.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(gaps, [1000, 1000, 200], "each once, and what is to come in time");
}
