//! A store that fails for a while: calls that are up wait and go on, new ones are refused, and it is told of once.
#![allow(clippy::unwrap_used)] // helpers of tests, beside the tests themselves

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use callflow_core::event::Event;
use callflow_core::lifecycle::State;
use callflow_graph::bot::PlaceError;
use callflow_graph::session::{Order, Target};
use callflow_graph::simulator::{Outcome, Step};
use callflow_graph::store::memory::Memory;
use callflow_graph::store::{CallName, Commit, Pending, Record, Store, StoreError};
use callflow_tests::{APP, PERSON, Scene};

/// A store on a disk that is full for a while.
#[derive(Default)]
struct Disk {
    inner: Memory,
    is_full: AtomicBool,
}

macro_rules! if_room {
    ($self:ident, $change:expr) => {
        if $self.is_full.load(Ordering::SeqCst) {
            let path = "/calls.redb".into();
            Box::pin(std::future::ready(Err(StoreError::Unwritable {
                path,
                reason: "no space left".to_owned(),
            })))
        } else {
            $change
        }
    };
}

impl Store for Disk {
    fn append(&self, name: &CallName, bytes: Vec<u8>) -> Pending<'_, u64> {
        if_room!(self, self.inner.append(name, bytes))
    }

    fn read(&self, name: &CallName) -> Pending<'_, Option<Record>> {
        self.inner.read(name)
    }

    fn commit(&self, name: &CallName, commit: Commit) -> Pending<'_, u64> {
        if_room!(self, self.inner.commit(name, commit))
    }

    fn mark_attempted(&self, name: &CallName, ticket: u32) -> Pending<'_, ()> {
        if_room!(self, self.inner.mark_attempted(name, ticket))
    }

    fn resolve(&self, alias: &str) -> Pending<'_, Option<CallName>> {
        self.inner.resolve(alias)
    }

    fn names(&self) -> Pending<'_, Vec<CallName>> {
        self.inner.names()
    }

    fn forget(&self, name: &CallName, last_seq: u64) -> Pending<'_, bool> {
        if_room!(self, self.inner.forget(name, last_seq))
    }

    fn count(&self, key: &str, by: u64) -> Pending<'_, u64> {
        if_room!(self, self.inner.count(key, by))
    }
}

async fn after(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn calls_wait_for_the_store_and_go_on_while_new_ones_are_refused() {
    let mut scene = Scene::good();
    let disk = Arc::new(Disk::default());
    scene.store = Arc::<Disk>::clone(&disk);
    let bot = scene.start().await;
    let id = scene.simulator.call_bot(PERSON, APP, vec![Step::AwaitAnswer, Step::AwaitHangUp]).unwrap();
    let name = CallName::try_new(format!("c-{}", id.to_lowercase())).unwrap();
    after(10).await;
    assert_eq!(bot.view(&name).await.unwrap().unwrap().state, State::Established);

    let mut fault = bot.store_fault();
    assert_eq!(*fault.borrow_and_update(), None);
    disk.is_full.store(true, Ordering::SeqCst);
    let ordering = tokio::spawn({
        let (bot, name) = (bot.clone(), name.clone());
        async move { bot.order(&name, Order::HangUp).await }
    });
    for _ in 0..5 {
        after(1).await;
        let refused = bot.place(Target::User(PERSON.to_owned())).await;
        assert!(matches!(refused, Err(PlaceError::Store(_))), "{refused:?}");
    }
    let late = scene.simulator.call_bot(PERSON, APP, vec![Step::AwaitAnswer, Step::HangUp]).unwrap();
    after(5).await;
    assert!(fault.has_changed().unwrap());
    assert!(matches!(*fault.borrow_and_update(), Some(StoreError::Unwritable { .. })));
    after(5).await;
    assert!(!fault.has_changed().unwrap(), "it is told of once");
    assert_eq!(
        scene.simulator.call(&id).unwrap().outcome,
        Outcome::Running,
        "nothing leaves that is not kept"
    );
    assert_eq!(
        scene.store.read(&CallName::try_new(format!("c-{}", late.to_lowercase())).unwrap()).await,
        Ok(None)
    );

    disk.is_full.store(false, Ordering::SeqCst);
    ordering.await.unwrap().unwrap();
    after(5).await;
    assert_eq!(scene.simulator.call(&id).unwrap().outcome, Outcome::Done);
    assert!(fault.has_changed().unwrap());
    assert_eq!(*fault.borrow_and_update(), None);
    assert!(scene.told(&name).iter().any(|event| matches!(event, Event::Ended(_))));
}
