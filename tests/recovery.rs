//! What becomes of calls whose record, or whose handler's state, cannot be read, and of those of which nothing is kept.
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests, beside the tests themselves

use std::sync::Arc;
use std::time::Duration;

use callflow_core::event::Event;
use callflow_core::lifecycle::State;
use callflow_graph::bot::{
    Bot, Call, CallHandler, Config, HandlerError, Recovered, StateError, UnknownCalls,
};
use callflow_graph::session::Order;
use callflow_graph::simulator::{Outcome, Step};
use callflow_graph::store::memory::Memory;
use callflow_graph::store::{CallName, Commit, Record, Store};
use callflow_tests::{APP, PERSON, Scene};
use serde::{Deserialize, Serialize};

fn name_of(id: &str) -> CallName {
    CallName::try_new(format!("c-{}", id.to_lowercase())).unwrap()
}

async fn start<H: CallHandler>(scene: &Scene, config: Config, handler: H, store: &Arc<dyn Store>) -> Bot {
    let net = Arc::new(scene.net.clone());
    let bot = Bot::start(config, handler, Arc::clone(store), net, scene.clock).await.unwrap();
    scene.net.mount("bot.test", bot.router());
    bot
}

async fn after(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

/// What a commit that changes nothing of this record says.
fn again(record: Record) -> Commit {
    let Record { version, call, texts, author, about, alias, .. } = record;
    Commit { version, call, texts, author, about, alias, ..Commit::default() }
}

/// The first release: a bare number.
struct Old;

impl CallHandler for Old {
    type State = u32;

    async fn on_event(&self, call: &mut Call<'_>, told: &mut u32, event: &Event) -> Result<(), HandlerError> {
        *told += 1;
        if *event == Event::Offered {
            call.answer()?;
        }
        Ok(())
    }
}

#[derive(Default, Serialize, Deserialize)]
struct Seen {
    events: u32,
    resumed: bool,
    recovered: Option<String>,
}

/// The next release. Whether it reads what the first one kept, and whether it goes on with a recovered call.
struct New {
    migrates: bool,
    goes_on: bool,
}

impl CallHandler for New {
    type State = Seen;
    const STATE_VERSION: u32 = 1;

    fn migrate(&self, from: u32, bytes: &[u8]) -> Result<Seen, StateError> {
        match from {
            0 if self.migrates => Ok(Seen { events: serde_json::from_slice(bytes)?, ..Seen::default() }),
            _ => Err(StateError::Refused { from, known: Self::STATE_VERSION }),
        }
    }

    async fn on_event(&self, _: &mut Call<'_>, told: &mut Seen, _: &Event) -> Result<(), HandlerError> {
        told.events += 1;
        Ok(())
    }

    async fn on_resumed(&self, _: &mut Call<'_>, told: &mut Seen) -> Result<(), HandlerError> {
        told.resumed = true;
        Ok(())
    }

    async fn on_recovered(
        &self,
        call: &mut Call<'_>,
        told: &mut Seen,
        why: Recovered,
    ) -> Result<(), HandlerError> {
        told.recovered = Some(format!("{why:?} {}", call.state().name()));
        if !self.goes_on {
            call.hang_up()?;
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn an_old_state_is_migrated_or_left_as_it_is_and_never_replaced() {
    for migrates in [true, false] {
        let scene = Scene::good();
        let first = start(&scene, scene.config(), Old, &scene.store).await;
        let id = scene.simulator.call_bot(PERSON, APP, vec![Step::AwaitAnswer, Step::AwaitHangUp]).unwrap();
        after(5).await;
        first.stop().await;
        let before = scene.store.read(&name_of(&id)).await.unwrap().unwrap();
        let count: u32 = serde_json::from_slice(&before.author).unwrap();
        assert!(count > 1);
        let second = start(&scene, scene.config(), New { migrates, goes_on: true }, &scene.store).await;
        after(5).await;
        let kept = scene.store.read(&name_of(&id)).await.unwrap().unwrap();
        if migrates {
            let told: Seen = serde_json::from_slice(&kept.author).unwrap();
            assert_eq!((told.events, told.resumed, kept.about.author_version), (count, true, 1));
        } else {
            assert_eq!((&kept.author, kept.about.author_version), (&before.author, 0));
        }
        assert_eq!(second.view(&name_of(&id)).await.unwrap().unwrap().state, State::Established);
    }
}

/// What is damaged of a record.
#[derive(Clone, Copy, Debug)]
enum Damage {
    Call,
    Texts,
    Both,
}

#[tokio::test(start_paused = true)]
async fn a_call_that_cannot_be_read_is_rebuilt_from_what_the_service_says_and_its_handler_told() {
    for damage in [Damage::Call, Damage::Texts, Damage::Both] {
        for goes_on in [true, false] {
            let scene = Scene::good();
            let first = start(&scene, scene.config(), Old, &scene.store).await;
            let script = vec![Step::AwaitAnswer, Step::Wait(Duration::from_secs(60)), Step::HangUp];
            let id = scene.simulator.call_bot(PERSON, APP, script).unwrap();
            let name = name_of(&id);
            after(5).await;
            first.stop().await;
            let mut commit = again(scene.store.read(&name).await.unwrap().unwrap());
            let count: u32 = serde_json::from_slice(&commit.author).unwrap();
            if matches!(damage, Damage::Call | Damage::Both) {
                commit.call = vec![0xFF; 9];
            }
            if matches!(damage, Damage::Texts | Damage::Both) {
                commit.texts = b"{".to_vec();
            }
            scene.store.commit(&name, commit).await.unwrap();

            let second = start(&scene, scene.config(), New { migrates: true, goes_on }, &scene.store).await;
            after(5).await;
            let view = second.view(&name).await.unwrap().unwrap();
            let told: Seen = serde_json::from_slice(&view.author).unwrap();
            let case = (damage, goes_on);
            assert_eq!(told.recovered.as_deref(), Some("Unreadable established"), "{case:?}");
            assert!(told.events > count && !told.resumed, "{case:?}");
            assert_eq!(view.id.as_deref(), Some(id.as_str()), "{case:?}");
            assert_eq!(view.state.is_ended(), !goes_on, "{case:?}");
            after(70).await;
            let view = second.view(&name).await.unwrap().unwrap();
            assert!(view.end.is_some(), "{case:?}: news of it still arrives");
        }
    }
}

/// Hangs up by default what it does not know.
struct Plain;

impl CallHandler for Plain {
    type State = ();

    async fn on_event(&self, _: &mut Call<'_>, (): &mut (), _: &Event) -> Result<(), HandlerError> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_ended_meanwhile_and_cannot_be_read_ends() {
    let scene = Scene::good();
    let first = start(&scene, scene.config(), Old, &scene.store).await;
    let script = vec![Step::AwaitAnswer, Step::Wait(Duration::from_secs(30)), Step::HangUp];
    let id = scene.simulator.call_bot(PERSON, APP, script).unwrap();
    after(5).await;
    first.stop().await;
    let mut commit = again(scene.store.read(&name_of(&id)).await.unwrap().unwrap());
    (commit.call, commit.author) = (Vec::new(), Vec::new());
    scene.store.commit(&name_of(&id), commit).await.unwrap();
    after(300).await;
    let second = start(&scene, scene.config(), Plain, &scene.store).await;
    after(60).await;
    assert!(second.view(&name_of(&id)).await.unwrap().unwrap().end.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_call_of_which_nothing_is_kept_is_ignored_hung_up_or_adopted() {
    for policy in [UnknownCalls::Ignore, UnknownCalls::HangUp, UnknownCalls::Adopt] {
        let scene = Scene::good();
        let first = start(&scene, scene.config(), Old, &scene.store).await;
        // The service tells the next process of the tone alone.
        let script =
            vec![Step::AwaitAnswer, Step::Wait(Duration::from_secs(20)), Step::Press('1'), Step::AwaitHangUp];
        let id = scene.simulator.call_bot(PERSON, APP, script).unwrap();
        after(5).await;
        first.order(&name_of(&id), Order::SubscribeToTone).await.unwrap();
        after(1).await;
        first.stop().await;
        let empty: Arc<dyn Store> = Arc::new(Memory::new());
        let config = Config { unknown_calls: policy, ..scene.config() };
        let second = start(&scene, config, New { migrates: true, goes_on: true }, &empty).await;
        after(120).await;
        let outcome = scene.simulator.call(&id).unwrap().outcome;
        let view = second.view(&name_of(&id)).await.unwrap();
        match policy {
            UnknownCalls::Adopt => {
                let view = view.unwrap();
                let told: Seen = serde_json::from_slice(&view.author).unwrap();
                assert_eq!(told.recovered.as_deref(), Some("Unknown established"));
                assert_eq!((view.state, outcome), (State::Established, Outcome::Running));
                second.order(&name_of(&id), Order::HangUp).await.unwrap();
                after(5).await;
                assert!(second.view(&name_of(&id)).await.unwrap().unwrap().end.is_some());
            }
            UnknownCalls::HangUp => assert_eq!((view, outcome), (None, Outcome::Done)),
            _ => assert_eq!((view, outcome), (None, Outcome::Running)),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_of_which_nothing_is_kept_is_hung_up_or_adopted_once_the_service_answers() {
    for policy in [UnknownCalls::HangUp, UnknownCalls::Adopt] {
        let scene = Scene::good();
        let first = start(&scene, scene.config(), Old, &scene.store).await;
        let script =
            vec![Step::AwaitAnswer, Step::Wait(Duration::from_secs(20)), Step::Press('1'), Step::AwaitHangUp];
        let id = scene.simulator.call_bot(PERSON, APP, script).unwrap();
        after(5).await;
        first.order(&name_of(&id), Order::SubscribeToTone).await.unwrap();
        after(1).await;
        first.stop().await;
        let empty: Arc<dyn Store> = Arc::new(Memory::new());
        let config = Config { unknown_calls: policy, ..scene.config() };
        let second = start(&scene, config, New { migrates: true, goes_on: true }, &empty).await;
        after(60).await;
        scene.net.unmount("graph.test");
        after(300).await;
        assert_eq!(scene.simulator.call(&id).unwrap().outcome, Outcome::Running);
        assert_eq!(second.view(&name_of(&id)).await.unwrap(), None);
        scene.net.mount("graph.test", scene.simulator.router());
        after(120).await;
        let is_adopted = second.view(&name_of(&id)).await.unwrap().is_some();
        assert_eq!(is_adopted, policy == UnknownCalls::Adopt, "{policy:?}");
        let outcome = if is_adopted { Outcome::Running } else { Outcome::Done };
        assert_eq!(scene.simulator.call(&id).unwrap().outcome, outcome, "{policy:?}");
    }
}
