//! The async style: scripts against the simulator, in virtual time.
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests, beside the tests themselves

use std::sync::Arc;
use std::time::Duration;

use callflow_core::action::Action;
use callflow_core::event::Event;
use callflow_graph::conversation::{Conversation, Fallback, ReachError, RetryPlan, Scripted, ScriptedBot};
use callflow_graph::piece::{Confirmed, Failure, Hold};
use callflow_graph::session::{Record, Target};
use callflow_graph::simulator::{Outcome, Stage, Step, WhenRung};
use callflow_graph::store::Store;
use callflow_graph::store::memory::Memory;
use tokio::sync::mpsc;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

async fn start(stage: &Stage, scripted: Scripted, store: &Arc<dyn Store>) -> ScriptedBot {
    let started = scripted.start(stage.config(), Arc::clone(store), stage.transport(), stage.clock).await;
    let bot = started.unwrap();
    stage.mount(bot.bot());
    bot
}

fn store() -> Arc<dyn Store> {
    Arc::new(Memory::new())
}

fn picks_up(then: Vec<Step>) -> WhenRung {
    WhenRung::PickUp { after: seconds(3), then }
}

/// How each call's person got on.
fn outcomes(stage: &Stage) -> Vec<Outcome> {
    stage.simulator.calls().into_iter().map(|call| call.outcome).collect()
}

#[tokio::test(start_paused = true)]
async fn a_bot_calls_plays_collects_and_hangs_up() {
    let stage = Stage::try_new().unwrap();
    let then = vec![
        Step::AwaitPromptEnd,
        Step::AwaitPromptStart,
        Step::Press('1'),
        Step::Press('2'),
        Step::Wait(seconds(2)),
        Step::Press('3'),
        Step::Press('#'),
        Step::AwaitHangUp,
    ];
    let ada = stage.person("Ada", picks_up(then));
    let bot = start(&stage, Scripted::placing_only(), &store()).await;
    let call = bot.place(ada).await.unwrap();
    call.established().await.unwrap();
    call.play(Stage::prompt("hello")).await.unwrap();
    let collect = call.collect(4).prompt(Stage::prompt("pin")).terminator('#').timeout(seconds(8));
    // Three of four digits: the terminator is no way out.
    assert_eq!(collect.await, Err(Failure::InvalidInput));
    let end = call.hang_up().await.unwrap();
    assert!(end.ever_established);
    assert_eq!(outcomes(&stage), [Outcome::Done]);
    assert_eq!(call.play(Stage::prompt("late")).await, Err(Failure::Ended(end)));
    assert_eq!(call.ended().await, Ok(end));
}

#[tokio::test(start_paused = true)]
async fn keys_that_nobody_waits_for_are_kept_for_who_does() {
    let stage = Stage::try_new().unwrap();
    let then = vec![
        Step::AwaitPromptStart,
        Step::Press('1'),
        Step::Press('4'),
        Step::Press('2'),
        Step::AwaitPromptEnd,
        Step::AwaitHangUp,
    ];
    let ada = stage.person("Ada", picks_up(then));
    let bot = start(&stage, Scripted::placing_only(), &store()).await;
    let call = bot.place(ada).await.unwrap();
    call.established().await.unwrap();
    call.listen().await.unwrap();
    call.play(Stage::prompt("hello")).await.unwrap();
    assert_eq!(call.menu(Stage::prompt("menu"), "12").await, Ok('1'));
    assert_eq!(call.collect(2).prompt(Stage::prompt("pin")).await.unwrap(), "42");
    call.hang_up().await.unwrap();
    // Neither menu nor question was played.
    assert_eq!(stage.simulator.calls().first().unwrap().prompts_started, 1);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_come_to_pass_says_why() {
    let cases: Vec<(&str, WhenRung)> =
        vec![("declines", WhenRung::Decline), ("lets it ring", WhenRung::Ignore)];
    for (case, when_rung) in cases {
        let stage = Stage::try_new().unwrap();
        let ada = stage.person("Ada", when_rung);
        let bot = start(&stage, Scripted::placing_only(), &store()).await;
        let call = bot.place(ada).await.unwrap();
        let failure = call.established().await.unwrap_err();
        assert!(matches!(failure, Failure::Ended(end) if !end.ever_established), "{case}: {failure:?}");
    }
    let stage = Stage::try_new().unwrap();
    let ada = stage.person("Ada", picks_up(vec![Step::Wait(seconds(4)), Step::HangUp]));
    let bot = start(&stage, Scripted::placing_only(), &store()).await;
    let call = bot.place(ada.clone()).await.unwrap();
    call.established().await.unwrap();
    let failure = call.play("https://nowhere.test/x.wav").await.unwrap_err();
    assert!(matches!(failure, Failure::Failed { action: Action::PlayPrompt, .. }), "{failure:?}");
    // He hangs up while he is asked.
    let failure = call.confirm(Stage::prompt("question")).await.unwrap_err();
    assert!(matches!(failure, Failure::Ended(end) if end.ever_established), "{failure:?}");

    stage.simulator.revoke("8a34a46b-3d17-4adc-8dce-dc4e7d572698", "Calls.AccessMedia.All");
    let call = bot.place(ada.clone()).await.unwrap();
    call.established().await.unwrap();
    let failure = call.collect(1).await.unwrap_err();
    assert!(failure.to_string().contains("Calls.AccessMedia.All"), "{failure}");
    stage.simulator.revoke("8a34a46b-3d17-4adc-8dce-dc4e7d572698", "Calls.Initiate.All");
    let failure = bot.place(ada).await.unwrap().established().await.unwrap_err();
    assert!(failure.to_string().contains("Calls.Initiate.All"), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn a_message_is_recorded_or_nobody_spoke() {
    for (speaks, is_recorded) in [(true, true), (false, false)] {
        let stage = Stage::try_new().unwrap();
        let mut then = vec![Step::AwaitPromptEnd];
        if speaks {
            then.extend([Step::Wait(seconds(1)), Step::Speak(seconds(3))]);
        }
        then.push(Step::AwaitHangUp);
        let ada = stage.person("Ada", picks_up(then));
        let bot = start(&stage, Scripted::placing_only(), &store()).await;
        let call = bot.place(ada).await.unwrap();
        call.established().await.unwrap();
        let record = Record {
            prompt: Some(Stage::prompt("after_the_beep").into()),
            max_duration: Some(60),
            ..Record::default()
        };
        let recorded = call.record(record).await;
        match recorded {
            Ok(recording) => assert!(is_recorded && recording.location.contains("/recordings/")),
            Err(failure) => assert!(!is_recorded && failure == Failure::NoInput, "{failure:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn dropping_means_what_it_says() {
    let stage = Stage::try_new().unwrap();
    let ada =
        stage.person("Ada", picks_up(vec![Step::AwaitPromptEnd, Step::Wait(seconds(20)), Step::HangUp]));
    let bot = start(&stage, Scripted::placing_only(), &store()).await;
    // A future that is dropped waits no more, and the prompt is heard to its end.
    let call = bot.place(ada.clone()).await.unwrap();
    call.established().await.unwrap();
    assert!(tokio::time::timeout(seconds(1), call.play(Stage::prompt("hello"))).await.is_err());
    tokio::time::sleep(seconds(5)).await;
    assert_eq!(stage.simulator.calls().first().unwrap().prompts_ended, 1);
    // The last handle hangs up.
    let other = call.clone();
    drop(call);
    tokio::time::sleep(seconds(2)).await;
    assert_eq!(stage.simulator.calls().first().unwrap().state, "established");
    drop(other);
    tokio::time::sleep(seconds(2)).await;
    assert_eq!(stage.simulator.calls().first().unwrap().state, "terminated");
    // So it does before the service has the call.
    drop(bot.place(ada.clone()).await.unwrap());
    tokio::time::sleep(seconds(2)).await;
    assert!(stage.simulator.calls().iter().all(|call| call.state == "terminated"));
    // One that was detached goes on, and can be taken up.
    let call = bot.place(ada).await.unwrap();
    call.established().await.unwrap();
    let name = call.name().clone();
    call.detach();
    tokio::time::sleep(seconds(10)).await;
    let call = bot.attach(&name).await.unwrap().unwrap();
    assert!(call.hang_up().await.unwrap().ever_established);
    assert!(bot.attach(&name).await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_script_that_returns_fails_panics_or_says_nothing_leaves_no_call() {
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum How {
        Returns,
        Fails,
        Panics,
        FailsWhileItRings,
    }
    for (how, prompts) in [(How::Returns, 0), (How::Fails, 1), (How::Panics, 1), (How::FailsWhileItRings, 0)]
    {
        let stage = Stage::try_new().unwrap();
        stage.person("Ada", WhenRung::Ignore);
        let script = move |call: Conversation| async move {
            if how == How::FailsWhileItRings {
                return Err(Failure::TimedOut);
            }
            call.answer().await?;
            match how {
                How::Returns => Ok(()),
                How::Fails => Err(Failure::TimedOut),
                How::Panics | How::FailsWhileItRings => panic!("a mistake of the author"),
            }
        };
        let scripted = Scripted::new(script).fallback(Fallback::say(Stage::prompt("sorry")));
        let bot = start(&stage, scripted, &store()).await;
        stage.ring("Ada", vec![Step::AwaitHangUp]).unwrap();
        tokio::time::sleep(seconds(10)).await;
        let call = stage.simulator.calls().into_iter().next().unwrap();
        assert_eq!((call.state, call.prompts_ended), ("terminated", prompts), "{how:?}");
        bot.bot().stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_a_call_without_its_script_gets_the_fallback() {
    let bob = Stage::try_new().unwrap().person("Bob", WhenRung::Ignore);
    let cases = [
        ("hung up", Fallback::hang_up(), 0),
        ("last words", Fallback::say(Stage::prompt("sorry")), 1),
        ("passed on", Fallback::transfer(bob), 0),
        ("last words that cannot be had", Fallback::say("https://nowhere.test/x.wav"), 0),
    ];
    for (case, fallback, prompts) in cases {
        let mut stage = Stage::try_new().unwrap();
        stage.person("Bob", picks_up(vec![Step::AwaitHangUp]));
        stage.person("Ada", WhenRung::Ignore);
        let store = store();
        let script = async |call: Conversation| {
            call.answer().await?;
            call.collect(4).timeout(seconds(500)).await.map(drop)
        };
        let first = start(&stage, Scripted::new(script), &store).await;
        stage.ring("Ada", vec![Step::AwaitHangUp]).unwrap();
        tokio::time::sleep(seconds(5)).await;
        first.bot().stop().await;
        drop(first);
        assert_eq!(stage.simulator.calls().first().unwrap().state, "established", "{case}");
        let second = start(&stage, Scripted::placing_only().fallback(fallback), &store).await;
        tokio::time::sleep(seconds(60)).await;
        let call = stage.simulator.calls().into_iter().next().unwrap();
        assert_eq!((call.state, call.prompts_ended), ("terminated", prompts), "{case}");
        let is_transferred = stage.transcript().iter().any(|line| line.contains("transfer"));
        assert_eq!(is_transferred, case == "passed on", "{case}");
        second.bot().stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_bot_without_a_script_takes_no_calls() {
    let stage = Stage::try_new().unwrap();
    stage.person("Ada", WhenRung::Ignore);
    let bot = start(&stage, Scripted::placing_only(), &store()).await;
    stage.ring("Ada", vec![Step::AwaitAnswer]).unwrap();
    tokio::time::sleep(seconds(5)).await;
    assert_eq!(outcomes(&stage), [Outcome::CutShort(Step::AwaitAnswer)]);
    bot.bot().stop().await;
}

#[tokio::test(start_paused = true)]
async fn who_does_not_pick_up_is_rung_again_as_planned() {
    let stage = Stage::try_new().unwrap();
    let ada = stage.person("Ada", WhenRung::Ignore);
    let bot = start(&stage, Scripted::placing_only(), &store()).await;
    let plan = RetryPlan { ring: seconds(20), pauses: vec![seconds(60), seconds(120)] };
    let began = stage.clock.now_millis();
    let failure = bot.reach(ada.clone(), &plan).await.unwrap_err();
    assert!(matches!(failure, ReachError::NotReached(Failure::TimedOut)), "{failure}");
    assert_eq!(stage.simulator.calls().len(), 3);
    assert_eq!((stage.clock.now_millis() - began) / 10_000, 24);
    stage.person("Ada", picks_up(vec![Step::AwaitPromptEnd, Step::Press('1'), Step::AwaitHangUp]));
    let call = bot.reach(ada, &plan).await.unwrap();
    assert_eq!(call.confirm(Stage::prompt("accept")).await, Ok(Confirmed::Yes));
    // What is refused is not tried again.
    let nobody = Target::User("00000000-0000-0000-0000-00000000dead".to_owned());
    let before = stage.simulator.calls().len();
    let failure = bot.reach(nobody, &plan).await.unwrap_err();
    assert!(matches!(failure, ReachError::NotReached(Failure::Refused { .. })), "{failure}");
    assert_eq!(stage.simulator.calls().len(), before);
}

#[tokio::test(start_paused = true)]
async fn a_caller_is_transferred_to_who_was_asked_before() {
    let mut stage = Stage::try_new().unwrap();
    stage.person("Ada", WhenRung::Ignore);
    let expert =
        stage.person("Eve", picks_up(vec![Step::AwaitPromptEnd, Step::Press('1'), Step::AwaitHangUp]));
    let (callers, mut calls) = mpsc::unbounded_channel();
    let scripted = Scripted::new(move |call: Conversation| {
        let callers = callers.clone();
        async move {
            call.answer().await?;
            callers.send(call).map_err(|_| Failure::Gone)
        }
    });
    let bot = start(&stage, scripted, &store()).await;
    stage.ring("Ada", vec![Step::AwaitAnswer, Step::AwaitHangUp]).unwrap();
    let caller = calls.recv().await.unwrap();
    let consultation = bot.place(expert.clone()).await.unwrap();
    consultation.established().await.unwrap();
    assert_eq!(consultation.confirm(Stage::prompt("caller")).await, Ok(Confirmed::Yes));
    caller.transfer_into(expert, &consultation).await.unwrap();
    assert!(stage.transcript().iter().any(|line| line.contains("transfer")));
}

#[tokio::test(start_paused = true)]
async fn every_event_is_told_to_who_watches() {
    let stage = Stage::try_new().unwrap();
    let ada = stage.person("Ada", picks_up(vec![Step::Wait(seconds(1)), Step::HangUp]));
    let bot = start(&stage, Scripted::placing_only(), &store()).await;
    let call = bot.place(ada).await.unwrap();
    let mut events = call.events();
    call.ended().await.unwrap();
    let mut told = Vec::new();
    while let Ok(event) = events.try_recv() {
        told.push(event);
    }
    assert!(told.contains(&Event::Established));
    assert!(matches!(
        told.iter().rev().find(|event| matches!(event, Event::Ended(_))),
        Some(Event::Ended(_))
    ));
}

#[tokio::test(start_paused = true)]
async fn somebody_is_put_on_hold_with_music_and_taken_off_again() {
    let stage = Stage::try_new().unwrap();
    let ada = stage.person("Ada", picks_up(vec![Step::Wait(seconds(100)), Step::HangUp]));
    let bob = stage.person("Bob", picks_up(vec![Step::Wait(seconds(100)), Step::HangUp]));
    let bot = start(&stage, Scripted::placing_only(), &store()).await;
    let call = bot.place(ada).await.unwrap();
    call.established().await.unwrap();
    assert_eq!(call.participants().await.unwrap(), [], "a peer-to-peer call has no roster");
    call.invite(bob).await.unwrap();
    tokio::time::sleep(seconds(1)).await;
    let others = call.participants().await.unwrap();
    assert_eq!(others.len(), 2);
    let (first, _) = others.first().unwrap();
    call.hold(*first, Some(Stage::prompt("music").into())).await.unwrap();
    // One at a time.
    let (second, _) = others.last().unwrap();
    let failure = call.hold(*second, None).await.unwrap_err();
    assert!(matches!(failure, Failure::Order(_)), "{failure:?}");
    call.resume(*first).await.unwrap();
    call.hold(*second, None).await.unwrap();
    call.resume(*second).await.unwrap();
    // The same as a piece, which is ended while it begins, or when it has begun.
    for pause in [0, 5] {
        let waits = call.on_hold(Hold::participant(*first).music(Stage::prompt("music"))).await.unwrap();
        tokio::time::sleep(seconds(pause)).await;
        let failure = call.hold(*second, None).await.unwrap_err();
        assert!(matches!(failure, Failure::Order(_)), "{failure:?}");
        waits.unhold().await.unwrap();
        call.hold(*second, None).await.unwrap();
        call.resume(*second).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn somebody_waits_with_music_while_the_script_does_something_else() {
    let stage = Stage::try_new().unwrap();
    let ada = stage.person("Ada", picks_up(vec![Step::Wait(seconds(100)), Step::HangUp]));
    let bot = start(&stage, Scripted::placing_only(), &store()).await;
    let call = bot.place(ada).await.unwrap();
    call.established().await.unwrap();
    let rounds = || stage.simulator.calls().first().unwrap().prompts_started;
    let waits = call.on_hold(Hold::with_music(Stage::prompt("music"))).await.unwrap();
    tokio::time::sleep(seconds(9)).await;
    waits.unhold().await.unwrap();
    let heard = rounds();
    assert!((4..=5).contains(&heard), "{heard}");
    call.play(Stage::prompt("somebody_is_there")).await.unwrap();
    tokio::time::sleep(seconds(10)).await;
    assert_eq!(rounds(), heard + 1);
    // What ends it by itself is told of then.
    let waits = call.on_hold(Hold::with_music(Stage::prompt("music")).at_most(seconds(3))).await.unwrap();
    tokio::time::sleep(seconds(10)).await;
    assert_eq!(waits.unhold().await, Err(Failure::TimedOut));
    let end = call.hang_up().await.unwrap();
    let failure = call.on_hold(Hold::with_music(Stage::prompt("music"))).await.unwrap_err();
    assert_eq!(failure, Failure::Ended(end));
}
