//! A store that fails for a while: calls that are up go on or wait, new ones are refused, and it is told of once.
#![allow(clippy::unwrap_used)] // helpers of tests, beside the tests themselves

use std::cell::RefCell;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use callflow_core::event::Event;
use callflow_core::lifecycle::State;
use callflow_graph::bot::{
    AtLimit, Bot, Call, CallHandler, Config, Drain, HandlerError, PlaceError, StoreOutage, What,
};
use callflow_graph::session::{Order, Target};
use callflow_graph::simulator::{Outcome, Person, Step, WhenRung, wav_tone};
use callflow_graph::store::memory::Memory;
use callflow_graph::store::{CallName, Commit, Pending, Record, Store, StoreError};
use callflow_graph::transport::{Exchange, Transport};
use callflow_tests::cut::{CutStore, Fault, Power};
use callflow_tests::{APP, PERSON, Scene};

const GOOD: u8 = 0;
/// Nothing can be written.
const FULL: u8 = 1;
/// What is written is said not to be.
const LIES: u8 = 2;

/// A store on a disk that fails for a while.
#[derive(Default)]
struct Disk {
    inner: Memory,
    state: AtomicU8,
}

impl Disk {
    fn set(&self, state: u8) {
        self.state.store(state, Ordering::SeqCst);
    }
}

macro_rules! if_room {
    ($self:ident, $change:expr) => {{
        let path = "/calls.redb".into();
        let full = Err(StoreError::Unwritable { path, reason: "no space left".to_owned() });
        match $self.state.load(Ordering::SeqCst) {
            GOOD => $change,
            FULL => Box::pin(std::future::ready(full)),
            _ => {
                let change = $change;
                Box::pin(async move { change.await.and(full) })
            }
        }
    }};
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

/// Answers, listens, and plays a prompt for each key.
#[derive(Clone, Default)]
struct Ivr {
    told: Arc<Mutex<Vec<String>>>,
}

fn words(event: &Event) -> String {
    match event {
        Event::Tone { sequence, .. } => format!("tone {}", sequence.number()),
        Event::OperationEnded { .. } => "played".to_owned(),
        Event::Established => "established".to_owned(),
        Event::Ended(_) => "ended".to_owned(),
        other => format!("{other:?}"),
    }
}

impl CallHandler for Ivr {
    type State = Vec<String>;

    async fn on_event(
        &self,
        call: &mut Call<'_>,
        kept: &mut Vec<String>,
        event: &Event,
    ) -> Result<(), HandlerError> {
        kept.push(words(event));
        self.told.lock().unwrap().push(words(event));
        match event {
            Event::Offered => {
                call.answer()?;
                call.subscribe_to_tone()?;
            }
            Event::Created => {
                call.subscribe_to_tone()?;
            }
            Event::Tone { .. } => {
                call.play("https://files.test/menu.wav")?;
            }
            _ => {}
        }
        Ok(())
    }

    async fn on_resumed(&self, _: &mut Call<'_>, kept: &mut Vec<String>) -> Result<(), HandlerError> {
        kept.push("resumed".to_owned());
        Ok(())
    }
}

/// A process's way out, while it has power.
struct Out {
    net: Arc<dyn Transport>,
    power: Arc<Power>,
}

impl Transport for Out {
    fn send(&self, request: http::Request<Bytes>) -> Exchange {
        if self.power.is_off() { Box::pin(std::future::pending()) } else { self.net.send(request) }
    }
}

/// A process of a bot, and the requests that it sent.
struct Process {
    bot: Bot,
    power: Arc<Power>,
    seen: tokio::sync::mpsc::UnboundedReceiver<callflow_graph::bot::Observed>,
}

impl Process {
    async fn start(scene: &Scene, disk: &Arc<Disk>, ivr: &Ivr) -> Self {
        let power = Power::until(None);
        let inner = Arc::<Disk>::clone(disk);
        let (takes, fault) = (Duration::ZERO, Fault::None);
        let store = Arc::new(CutStore { inner, power: Arc::clone(&power), takes, fault });
        let out = Arc::new(Out { net: Arc::new(scene.net.clone()), power: Arc::clone(&power) });
        let bot = Bot::start(scene.config(), ivr.clone(), store, out, scene.clock).await.unwrap();
        scene.net.mount("bot.test", bot.router());
        let seen = bot.watch();
        Self { bot, power, seen }
    }

    /// The requests of this kind that it sent since this was last asked.
    fn sent(&mut self, end: &str) -> usize {
        let mut count = 0;
        while let Ok(observed) = self.seen.try_recv() {
            count += usize::from(matches!(observed.what, What::Request { line, .. } if line.ends_with(end)));
        }
        count
    }

    async fn told(&self, name: &CallName) -> Vec<String> {
        serde_json::from_slice(&self.bot.view(name).await.unwrap().unwrap().author).unwrap()
    }
}

fn ivr_scene() -> Scene {
    let scene = Scene::good();
    let prompt = Bytes::from(wav_tone(Duration::from_secs(2)));
    scene.net.mount("files.test", Router::new().route("/menu.wav", get(async || prompt)));
    scene
}

/// Presses a key 20 s after the call is up, another one 20 s later, and hangs up another 20 s later.
fn two_keys() -> Vec<Step> {
    let wait = || Step::Wait(Duration::from_secs(20));
    vec![Step::AwaitAnswer, wait(), Step::Press('1'), wait(), Step::Press('2'), wait(), Step::HangUp]
}

std::thread_local! {
    /// What was logged as an error on this thread: a test has one of its own.
    static LOGGED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

struct ToThread;

impl std::io::Write for ToThread {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOGGED.with_borrow_mut(|logged| logged.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Forgets what was logged. One subscriber is for all tests: those of single threads would race for what is of interest.
fn log_anew() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::ERROR);
        let subscriber = subscriber.with_ansi(false).with_writer(|| ToThread).finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
    LOGGED.take();
}

/// How many errors say this.
fn logged(words: &str) -> usize {
    let logged = String::from_utf8(LOGGED.with_borrow(Clone::clone)).unwrap();
    logged.lines().filter(|line| line.contains(words)).count()
}

fn name_of(id: &str) -> CallName {
    CallName::try_new(format!("c-{}", id.to_lowercase())).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_call_goes_on_while_new_ones_are_refused_and_the_store_is_given_it_later() {
    let (scene, disk, ivr) = (ivr_scene(), Arc::new(Disk::default()), Ivr::default());
    let mut first = Process::start(&scene, &disk, &ivr).await;
    let id = scene.simulator.call_bot(PERSON, APP, two_keys()).unwrap();
    let name = name_of(&id);
    after(10).await;
    assert_eq!(first.bot.view(&name).await.unwrap().unwrap().state, State::Established);
    let kept = disk.inner.read(&name).await;

    let mut fault = first.bot.store_fault();
    disk.set(FULL);
    after(5).await;
    assert_eq!(*fault.borrow(), None, "nothing was to be written");
    after(10).await;
    assert_eq!(first.sent("/playPrompt"), 1, "of the first key");
    assert!(matches!(*fault.borrow_and_update(), Some(StoreError::Unwritable { .. })));
    let refused = first.bot.place(Target::User(PERSON.to_owned())).await;
    assert!(matches!(refused, Err(PlaceError::Store(StoreError::Unwritable { .. }))), "{refused:?}");
    let late = scene.simulator.call_bot(PERSON, APP, vec![Step::AwaitAnswer, Step::HangUp]).unwrap();
    after(60).await;
    assert_eq!(first.sent("/playPrompt"), 1, "of the second key");
    let told = first.told(&name).await;
    let heard =
        told.iter().skip_while(|word| *word != "tone 2").filter(|word| !word.contains("StateChanged"));
    assert_eq!(heard.collect::<Vec<_>>(), ["tone 2", "played", "tone 3", "played", "ended"]);
    assert_eq!(scene.simulator.call(&id).unwrap().outcome, Outcome::Done);
    assert_eq!(disk.inner.read(&name).await, kept, "nothing of it is written");
    assert_eq!(disk.inner.read(&name_of(&late)).await, Ok(None));
    assert!(!fault.has_changed().unwrap(), "it is told of once");

    disk.set(GOOD);
    after(3).await;
    assert_eq!(*fault.borrow_and_update(), None);
    first.power.cut();
    let given = ivr.told.lock().unwrap().len();
    let mut second = Process::start(&scene, &disk, &ivr).await;
    after(60).await;
    assert_eq!(second.told(&name).await, told);
    assert!(second.bot.view(&name).await.unwrap().unwrap().end.is_some());
    assert_eq!(ivr.told.lock().unwrap().len(), given, "nothing is given again");
    assert_eq!(second.sent(""), 0, "nothing is sent again");
}

#[tokio::test(start_paused = true)]
async fn after_a_crash_meanwhile_a_call_goes_on_from_where_the_store_was_and_nobody_is_called_again() {
    let (scene, disk, ivr) = (ivr_scene(), Arc::new(Disk::default()), Ivr::default());
    let when_rung = WhenRung::PickUp { after: Duration::from_secs(3), then: two_keys() };
    scene.simulator.add_person(Person { id: PERSON.to_owned(), display_name: "Ada".to_owned(), when_rung });
    let mut first = Process::start(&scene, &disk, &ivr).await;
    let name = first.bot.place(Target::User(PERSON.to_owned())).await.unwrap();
    after(10).await;
    let before = first.told(&name).await;
    assert!(before.contains(&"established".to_owned()), "{before:?}");
    assert_eq!(first.sent(" /communications/calls"), 1);
    disk.set(FULL);
    after(20).await;
    assert!(first.told(&name).await.contains(&"tone 2".to_owned()));
    first.power.cut();
    disk.set(GOOD);
    let mut second = Process::start(&scene, &disk, &ivr).await;
    after(5).await;
    let mut resumed = before.clone();
    resumed.push("resumed".to_owned());
    assert_eq!(second.told(&name).await, resumed, "what came since is lost with the process");
    after(60).await;
    let after_all = second.told(&name).await;
    assert!(after_all.starts_with(&resumed), "{after_all:?}");
    for word in ["tone 3", "played", "ended"] {
        assert!(after_all.contains(&word.to_owned()), "{word}: {after_all:?}");
    }
    assert_eq!(second.sent(" /communications/calls"), 0, "nobody is called twice");
    assert_eq!(scene.simulator.calls().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_is_not_created_before_it_is_kept_that_it_is() {
    let (scene, disk, ivr) = (ivr_scene(), Arc::new(Disk::default()), Ivr::default());
    let mut first = Process::start(&scene, &disk, &ivr).await;
    let name = first.bot.place(Target::User(PERSON.to_owned())).await.unwrap();
    disk.set(FULL);
    after(60).await;
    assert_eq!(first.sent(" /communications/calls"), 0);
    assert!(scene.simulator.calls().is_empty());
    first.power.cut();
    disk.set(GOOD);
    let mut second = Process::start(&scene, &disk, &ivr).await;
    after(30).await;
    assert_eq!(second.sent(" /communications/calls"), 1);
    assert_eq!(scene.simulator.calls().len(), 1);
    assert!(second.told(&name).await.contains(&"established".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_bot_that_stops_writes_what_is_owed_where_it_can() {
    for is_good_again in [true, false] {
        log_anew();
        let (scene, disk, ivr) = (ivr_scene(), Arc::new(Disk::default()), Ivr::default());
        let first = Process::start(&scene, &disk, &ivr).await;
        let id = scene.simulator.call_bot(PERSON, APP, two_keys()).unwrap();
        after(10).await;
        let kept = disk.inner.read(&name_of(&id)).await;
        disk.set(FULL);
        after(20).await;
        let seen = first.told(&name_of(&id)).await;
        disk.set(if is_good_again { GOOD } else { FULL });
        first.bot.stop().await;
        let left = disk.inner.read(&name_of(&id)).await;
        assert_eq!(left == kept, !is_good_again);
        assert_eq!(logged("calls go on from memory"), 1);
        assert_eq!(logged("could not be written before the bot stopped"), usize::from(!is_good_again));
        assert_eq!(logged("count=1"), usize::from(!is_good_again));
        if let (true, Ok(Some(record))) = (is_good_again, left) {
            assert_eq!(serde_json::from_slice::<Vec<String>>(&record.author).unwrap(), seen);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_written_and_said_not_to_be_is_not_taken_for_anothers() {
    for store_outage in [StoreOutage::GO_ON, StoreOutage::Wait] {
        let mut scene = Scene::good();
        let disk = Arc::new(Disk::default());
        scene.store = Arc::<Disk>::clone(&disk);
        let config = Config { store_outage, ..scene.config() };
        let net = Arc::new(scene.net.clone());
        let bot =
            Bot::start(config, scene.menu.clone(), Arc::clone(&scene.store), net, scene.clock).await.unwrap();
        scene.net.mount("bot.test", bot.router());
        let script = vec![Step::AwaitAnswer, Step::AwaitHangUp];
        let id = scene.simulator.call_bot(PERSON, APP, script).unwrap();
        after(10).await;
        disk.set(LIES);
        let ordering = tokio::spawn({
            let (bot, name) = (bot.clone(), name_of(&id));
            async move { bot.order(&name, Order::HangUp).await }
        });
        after(5).await;
        disk.set(GOOD);
        ordering.await.unwrap().unwrap();
        after(5).await;
        assert_eq!(scene.simulator.call(&id).unwrap().outcome, Outcome::Done, "{store_outage:?}");
        let ends = scene.told(&name_of(&id)).iter().filter(|event| matches!(event, Event::Ended(_))).count();
        assert_eq!(ends, 1, "{store_outage:?}");
        let kept = scene.store.read(&name_of(&id)).await.unwrap();
        assert_eq!(kept.unwrap().inbox, [], "{store_outage:?}");
        assert_eq!(*bot.store_fault().borrow(), None, "{store_outage:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_another_instance_drives_is_left_to_it() {
    let (scene, disk, ivr) = (ivr_scene(), Arc::new(Disk::default()), Ivr::default());
    let mut first = Process::start(&scene, &disk, &ivr).await;
    let id = scene.simulator.call_bot(PERSON, APP, two_keys()).unwrap();
    let name = name_of(&id);
    after(10).await;
    let mut second = Process::start(&scene, &disk, &ivr).await;
    after(1).await;
    assert!(second.told(&name).await.contains(&"resumed".to_owned()), "it has committed the call");
    first.sent("");
    log_anew();
    for _ in 0..2 {
        let ordered = first.bot.order(&name, Order::HangUp).await;
        assert!(matches!(ordered, Err(PlaceError::NoCall(_))), "{ordered:?}");
    }
    assert_eq!(first.sent(""), 0, "nothing leaves");
    after(100).await;
    assert_eq!(first.sent(""), 0, "nothing leaves later");
    assert_eq!(logged("another instance drives this call"), 1, "it is told of once");
    assert_eq!(second.sent("/playPrompt"), 2);
    assert_eq!(scene.simulator.call(&id).unwrap().outcome, Outcome::Done);
    let drained = first.bot.drain(Drain::new(Duration::from_secs(600))).await;
    assert_eq!(drained, callflow_graph::bot::Drained::default(), "it is no call of this one");
}

#[tokio::test(start_paused = true)]
async fn told_to_wait_calls_wait_for_the_store_and_go_on_while_new_ones_are_refused() {
    let mut scene = Scene::good();
    let disk = Arc::new(Disk::default());
    scene.store = Arc::<Disk>::clone(&disk);
    let config = Config { store_outage: StoreOutage::Wait, ..scene.config() };
    let net = Arc::new(scene.net.clone());
    let bot =
        Bot::start(config, scene.menu.clone(), Arc::clone(&scene.store), net, scene.clock).await.unwrap();
    scene.net.mount("bot.test", bot.router());
    let id = scene.simulator.call_bot(PERSON, APP, vec![Step::AwaitAnswer, Step::AwaitHangUp]).unwrap();
    let name = CallName::try_new(format!("c-{}", id.to_lowercase())).unwrap();
    after(10).await;
    assert_eq!(bot.view(&name).await.unwrap().unwrap().state, State::Established);

    let mut fault = bot.store_fault();
    assert_eq!(*fault.borrow_and_update(), None);
    disk.set(FULL);
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

    disk.set(GOOD);
    ordering.await.unwrap().unwrap();
    after(5).await;
    assert_eq!(scene.simulator.call(&id).unwrap().outcome, Outcome::Done);
    assert!(fault.has_changed().unwrap());
    assert_eq!(*fault.borrow_and_update(), None);
    assert!(scene.told(&name).iter().any(|event| matches!(event, Event::Ended(_))));
}

#[tokio::test(start_paused = true)]
async fn a_bot_is_drained_or_stopped_at_once_while_its_store_fails_and_the_next_start_ends_its_calls() {
    // Whether calls go on from memory, and whether somebody does not wait for the drain.
    for (goes_on, at_once) in [(true, false), (true, true), (false, false), (false, true)] {
        let case = (goes_on, at_once);
        let mut scene = Scene::good();
        let disk = Arc::new(Disk::default());
        scene.store = Arc::<Disk>::clone(&disk);
        let start = async || {
            let store_outage = if goes_on { StoreOutage::GO_ON } else { StoreOutage::Wait };
            let config = Config { store_outage, ..scene.config() };
            let (menu, net) = (scene.menu.clone(), Arc::new(scene.net.clone()));
            let bot = Bot::start(config, menu, Arc::clone(&scene.store), net, scene.clock).await.unwrap();
            scene.net.mount("bot.test", bot.router());
            bot
        };
        let bot = start().await;
        let id = scene.simulator.call_bot(PERSON, APP, vec![Step::AwaitAnswer, Step::AwaitHangUp]).unwrap();
        let name = CallName::try_new(format!("c-{}", id.to_lowercase())).unwrap();
        after(10).await;
        disk.set(FULL);
        let drain = Drain {
            at_limit: AtLimit::HangUp { within: Duration::from_secs(10) },
            ..Drain::new(Duration::from_secs(30))
        };
        let begun = tokio::time::Instant::now();
        if at_once {
            tokio::select! {
                drained = bot.drain(drain) => unreachable!("{drained:?}"),
                () = after(5) => bot.stop().await,
            }
            assert_eq!(bot.live(), std::slice::from_ref(&name), "{case:?}");
            assert!(begun.elapsed() < Duration::from_secs(10), "{case:?}");
        } else {
            let drained = bot.drain(drain).await;
            assert_eq!(drained.hung_up, std::slice::from_ref(&name), "{case:?}");
            assert_eq!(drained.left.is_empty(), goes_on, "{case:?}: {drained:?}");
            assert!(begun.elapsed() < Duration::from_secs(60), "{case:?}");
        }
        // What the call's end needs did not leave where it was not to.
        let is_over = scene.simulator.call(&id).unwrap().outcome == Outcome::Done;
        assert_eq!(is_over, goes_on && !at_once, "{case:?}");

        disk.set(GOOD);
        let next = start().await;
        after(20).await;
        assert_eq!(next.live().is_empty(), is_over, "{case:?}: the service was asked how it stands");
        let drained = next.drain(Drain { within: Duration::ZERO, ..drain }).await;
        assert_eq!(drained.left, [], "{case:?}");
        assert_eq!(scene.simulator.call(&id).unwrap().outcome, Outcome::Done, "{case:?}");
        let view = next.view(&name).await;
        assert!(
            view.is_err() || view.is_ok_and(|view| view.is_none_or(|view| view.end.is_some())),
            "{case:?}"
        );
    }
}
