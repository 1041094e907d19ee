//! An orderly end of a bot: no new calls, and those that are up end by themselves, are hung up, or are left.
#![allow(clippy::unwrap_used)] // helpers of tests, beside the tests themselves

use std::sync::Arc;
use std::time::Duration;

use callflow_core::event::Event;
use callflow_core::lifecycle::State;
use callflow_graph::bot::{
    AtLimit, Bot, Call, CallHandler, Drain, Drained, HandlerError, Incoming, PlaceError,
};
use callflow_graph::session::Target;
use callflow_graph::simulator::{Outcome, Step};
use callflow_graph::store::CallName;
use callflow_tests::{APP, PERSON, Scene};

/// Answers where its caller is told to; lets ring where it is not.
struct Answers(bool);

impl CallHandler for Answers {
    type State = ();

    async fn on_event(&self, call: &mut Call<'_>, (): &mut (), event: &Event) -> Result<(), HandlerError> {
        if self.0 && *event == Event::Offered {
            call.answer()?;
        }
        Ok(())
    }
}

fn name_of(id: &str) -> CallName {
    CallName::try_new(format!("c-{}", id.to_lowercase())).unwrap()
}

async fn start(scene: &Scene, answers: bool) -> Bot {
    let (net, store) = (Arc::new(scene.net.clone()), Arc::clone(&scene.store));
    let bot = Bot::start(scene.config(), Answers(answers), store, net, scene.clock).await.unwrap();
    scene.net.mount("bot.test", bot.router());
    bot
}

async fn after(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

fn call(scene: &Scene, script: Vec<Step>) -> String {
    scene.simulator.call_bot(PERSON, APP, script).unwrap()
}

fn drained(bot: &Bot, drain: Drain) -> tokio::task::JoinHandle<Drained> {
    let bot = bot.clone();
    tokio::spawn(async move { bot.drain(drain).await })
}

#[tokio::test(start_paused = true)]
async fn calls_end_by_themselves_and_no_new_ones_begin() {
    for incoming in [Incoming::Busy, Incoming::Unavailable] {
        let scene = Scene::good();
        let bot = start(&scene, true).await;
        let id = call(&scene, vec![Step::AwaitAnswer, Step::Wait(Duration::from_secs(30)), Step::HangUp]);
        after(5).await;
        let began = tokio::time::Instant::now();
        let draining = drained(&bot, Drain { incoming, ..Drain::new(Duration::from_secs(600)) });
        after(1).await;
        let placed = bot.place(Target::User(PERSON.to_owned())).await;
        assert!(matches!(placed, Err(PlaceError::Draining)), "{placed:?}");
        let late = call(&scene, vec![Step::AwaitAnswer, Step::HangUp]);
        after(3).await;
        let kept = scene.store.read(&name_of(&late)).await.unwrap();
        match incoming {
            Incoming::Busy => {
                assert_eq!(
                    scene.simulator.call(&late).unwrap().outcome,
                    Outcome::CutShort(Step::AwaitAnswer)
                );
            }
            Incoming::Unavailable => assert_eq!(kept, None, "it is another instance's"),
        }
        assert_eq!(draining.await.unwrap(), Drained::default());
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
        assert_eq!(scene.simulator.call(&id).unwrap().outcome, Outcome::Done);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_up_at_the_limit_is_hung_up_or_left_to_the_next_process() {
    for at_limit in [AtLimit::HangUp { within: Duration::from_secs(60) }, AtLimit::Leave] {
        for answers in [true, false] {
            let scene = Scene::good();
            let bot = start(&scene, answers).await;
            let id = call(&scene, vec![Step::AwaitHangUp]);
            after(2).await;
            let drain = Drain { at_limit, ..Drain::new(Duration::from_secs(5)) };
            let done = bot.drain(drain).await;
            let name = name_of(&id);
            match at_limit {
                AtLimit::HangUp { .. } => {
                    assert_eq!(done, Drained { hung_up: vec![name], left: Vec::new() }, "{answers}");
                    assert_eq!(scene.simulator.call(&id).unwrap().outcome, Outcome::Done, "{answers}");
                }
                AtLimit::Leave => {
                    assert_eq!(done, Drained { hung_up: Vec::new(), left: vec![name.clone()] }, "{answers}");
                    let next = start(&scene, answers).await;
                    after(2).await;
                    let expected = if answers { State::Established } else { State::Incoming };
                    assert_eq!(next.view(&name).await.unwrap().unwrap().state, expected);
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_bot_is_drained_at_once() {
    let scene = Scene::good();
    let bot = start(&scene, true).await;
    let began = tokio::time::Instant::now();
    assert_eq!(bot.drain(Drain::new(Duration::from_secs(600))).await, Drained::default());
    assert!(began.elapsed() < Duration::from_secs(1));
}
