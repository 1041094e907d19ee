//! Handlers that fail, panic or do not return, in each of their hooks: the call goes on, and nothing of it is lost.
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests, beside the tests themselves

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use callflow_core::event::Event;
use callflow_core::lifecycle::State;
use callflow_core::media::Tone;
use callflow_graph::bot::{
    AtLimit, Bot, Call, CallHandler, Config, Drain, HandlerError, Recovered, StateError, What,
};
use callflow_graph::session::Order;
use callflow_graph::simulator::{Outcome, Step};
use callflow_graph::store::{CallName, Commit, Record};
use callflow_tests::{APP, PERSON, Scene};
use tracing::subscriber::DefaultGuard;

fn name_of(id: &str) -> CallName {
    CallName::try_new(format!("c-{}", id.to_lowercase())).unwrap()
}

async fn start<H: CallHandler>(scene: &Scene, config: Config, handler: H) -> Bot {
    let net = Arc::new(scene.net.clone());
    let bot = Bot::start(config, handler, Arc::clone(&scene.store), net, scene.clock).await.unwrap();
    scene.net.mount("bot.test", bot.router());
    bot
}

async fn after(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

/// What is logged on this thread from now on.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn heard() -> (Self, DefaultGuard) {
        let log = Self::default();
        let into = log.clone();
        let logged = tracing_subscriber::fmt().with_ansi(false).with_writer(move || into.clone()).finish();
        (log, tracing::subscriber::set_default(logged))
    }

    fn has(&self, words: &str) -> bool {
        String::from_utf8_lossy(&self.0.lock().unwrap()).contains(words)
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The release before: it answers.
struct Before;

impl CallHandler for Before {
    type State = Vec<String>;

    async fn on_event(
        &self,
        call: &mut Call<'_>,
        told: &mut Self::State,
        event: &Event,
    ) -> Result<(), HandlerError> {
        if *event == Event::Offered {
            call.answer()?;
            told.push("offered".to_owned());
        }
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hook {
    Event,
    Resumed,
    Wake,
    Recovered,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Fails,
    Panics,
    /// Before there is a future.
    PanicsAtOnce,
    Hangs,
    /// What it holds panics when it is let go.
    HangsAndPanics,
}

struct Grenade;

impl Drop for Grenade {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "a mistake of the author's");
    }
}

/// Listens for keys, and does badly in a hook once it has commanded that; the key 2 ends the call.
struct Clumsy {
    hook: Hook,
    how: How,
}

impl Clumsy {
    fn at_once(&self, hook: Hook) {
        assert!((self.hook, self.how) != (hook, How::PanicsAtOnce), "a mistake of the author's");
    }

    async fn goes_badly(&self, hook: Hook) -> Result<(), HandlerError> {
        if self.hook != hook {
            return Ok(());
        }
        match self.how {
            How::Fails => return Err(HandlerError::Other("it cannot".to_owned())),
            How::Panics => panic!("a mistake of the author's"),
            How::PanicsAtOnce => {}
            How::Hangs => std::future::pending().await,
            How::HangsAndPanics => {
                let _held = Grenade;
                std::future::pending::<()>().await;
            }
        }
        Ok(())
    }

    async fn hear(
        &self,
        call: &mut Call<'_>,
        told: &mut Vec<String>,
        hook: Hook,
    ) -> Result<(), HandlerError> {
        call.listen()?;
        told.push(format!("{hook:?}"));
        self.goes_badly(hook).await
    }
}

impl CallHandler for Clumsy {
    type State = Vec<String>;

    fn on_event(
        &self,
        call: &mut Call<'_>,
        told: &mut Self::State,
        event: &Event,
    ) -> impl Future<Output = Result<(), HandlerError>> + Send {
        let is_first = matches!(event, Event::Tone { tone: Tone::Tone1, .. });
        if is_first {
            self.at_once(Hook::Event);
        }
        async move {
            match event {
                Event::Tone { tone: Tone::Tone2, .. } => {
                    told.push("2".to_owned());
                    call.hang_up()?;
                }
                Event::Tone { .. } => {
                    told.push("Event".to_owned());
                    self.goes_badly(Hook::Event).await?;
                }
                Event::Established => told.push("established".to_owned()),
                Event::Ended(_) => told.push("ended".to_owned()),
                _ => {}
            }
            Ok(())
        }
    }

    fn on_resumed(
        &self,
        call: &mut Call<'_>,
        told: &mut Self::State,
    ) -> impl Future<Output = Result<(), HandlerError>> + Send {
        self.at_once(Hook::Resumed);
        self.hear(call, told, Hook::Resumed)
    }

    fn on_wake(
        &self,
        call: &mut Call<'_>,
        told: &mut Self::State,
    ) -> impl Future<Output = Result<(), HandlerError>> + Send {
        self.at_once(Hook::Wake);
        self.hear(call, told, Hook::Wake)
    }

    fn on_recovered(
        &self,
        call: &mut Call<'_>,
        told: &mut Self::State,
        _: Recovered,
    ) -> impl Future<Output = Result<(), HandlerError>> + Send {
        self.at_once(Hook::Recovered);
        self.hear(call, told, Hook::Recovered)
    }
}

/// Damages what is kept of a call; the handler's state stays.
async fn damage(scene: &Scene, name: &CallName) {
    let Record { version, texts, author, about, alias, .. } = scene.store.read(name).await.unwrap().unwrap();
    let commit = Commit { version, call: vec![0xFF; 9], texts, author, about, alias, ..Commit::default() };
    scene.store.commit(name, commit).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_does_badly_costs_neither_the_call_nor_an_event() {
    for hook in [Hook::Event, Hook::Resumed, Hook::Wake, Hook::Recovered] {
        for how in [How::Fails, How::Panics, How::PanicsAtOnce, How::Hangs, How::HangsAndPanics] {
            let case = (hook, how);
            let (log, _heard) = Log::heard();
            let scene = Scene::good();
            let first = start(&scene, scene.config(), Before).await;
            let wait = || Step::Wait(Duration::from_secs(60));
            let script = vec![
                Step::AwaitAnswer,
                wait(),
                Step::Press('1'),
                wait(),
                Step::Press('2'),
                Step::Wait(Duration::from_secs(20)),
                Step::HangUp,
            ];
            let id = scene.simulator.call_bot(PERSON, APP, script).unwrap();
            let name = name_of(&id);
            after(5).await;
            first.stop().await;
            if hook == Hook::Recovered {
                damage(&scene, &name).await;
            }
            let second = start(&scene, scene.config(), Clumsy { hook, how }).await;
            after(15).await;
            second.wake(&name).await.unwrap();
            after(150).await;

            let view = second.view(&name).await.unwrap().unwrap();
            let told: Vec<String> = serde_json::from_slice(&view.author).unwrap();
            // What panicked or hung has changed nothing of the state, and nothing else is missing.
            let mut expected = vec!["offered"];
            expected.extend(match hook {
                Hook::Recovered => ["Recovered", "established"].as_slice(),
                Hook::Event | Hook::Resumed | Hook::Wake => &["Resumed"],
            });
            expected.extend(["Wake", "Event", "2", "ended"]);
            expected.retain(|line| how == How::Fails || *line != format!("{hook:?}"));
            assert_eq!(told, expected, "{case:?}");
            assert_eq!(view.state, State::Terminated, "{case:?}");
            // The bot hung up, and not the person: what was commanded before it went badly was done.
            assert_eq!(scene.simulator.call(&id).unwrap().result, Some((200, 7000)), "{case:?}");
            let words = match how {
                How::Fails => "the handler failed",
                How::Panics | How::PanicsAtOnce | How::HangsAndPanics => "the handler panicked",
                How::Hangs => "did not return within 10s, and is let go; do what takes long in a task",
            };
            assert!(log.has(words), "{case:?}");
            assert!(!log.has("Tone1"), "no log says which key was pressed");
        }
    }
}

/// Answers before it does not return.
struct Asleep;

impl CallHandler for Asleep {
    type State = ();

    async fn on_event(&self, call: &mut Call<'_>, (): &mut (), event: &Event) -> Result<(), HandlerError> {
        if *event == Event::Offered {
            call.answer()?;
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_leaves_in_time_though_the_handler_hangs_behind_it() {
    let scene = Scene::good();
    let bot = start(&scene, scene.config(), Asleep).await;
    let script = vec![Step::AwaitAnswer, Step::Wait(Duration::from_secs(20)), Step::HangUp];
    let id = scene.simulator.call_bot(PERSON, APP, script).unwrap();
    after(60).await;
    assert!(bot.view(&name_of(&id)).await.unwrap().unwrap().ever_established);
    assert_eq!(scene.simulator.call(&id).unwrap().outcome, Outcome::Done);
}

/// Is told of an event, and panics each time.
#[derive(Clone, Default)]
struct Hopeless(Arc<Mutex<Vec<String>>>);

impl CallHandler for Hopeless {
    type State = u32;

    async fn on_event(&self, call: &mut Call<'_>, told: &mut u32, event: &Event) -> Result<(), HandlerError> {
        self.0.lock().unwrap().push(format!("{event:?}"));
        *told += 1;
        if *event == Event::Offered {
            call.answer()?;
            call.play("https://bot.test/menu.wav")?;
        }
        panic!("a mistake of the author's");
    }
}

#[tokio::test(start_paused = true)]
async fn who_panics_at_everything_is_told_of_each_event_once() {
    let scene = Scene::good();
    let hopeless = Hopeless::default();
    let bot = start(&scene, scene.config(), hopeless.clone()).await;
    let mut watched = bot.watch();
    let script = vec![Step::AwaitAnswer, Step::Wait(Duration::from_secs(20)), Step::HangUp];
    let id = scene.simulator.call_bot(PERSON, APP, script).unwrap();
    after(60).await;
    let mut events = Vec::new();
    while let Ok(seen) = watched.try_recv() {
        if let What::Event(event) = seen.what {
            events.push(format!("{event:?}"));
        }
    }
    assert!(events.len() > 4, "{events:?}");
    assert_eq!(*hopeless.0.lock().unwrap(), events);
    let view = bot.view(&name_of(&id)).await.unwrap().unwrap();
    assert_eq!((view.state, view.author.as_slice()), (State::Terminated, b"0".as_slice()));
}

/// Each end of what is played makes it play again, and end that.
#[derive(Clone, Default)]
struct Mill(Arc<Mutex<u32>>);

impl CallHandler for Mill {
    type State = u32;

    async fn on_event(
        &self,
        call: &mut Call<'_>,
        turns: &mut u32,
        event: &Event,
    ) -> Result<(), HandlerError> {
        match event {
            Event::Offered | Event::OperationEnded { .. } if !call.state().is_ended() => {
                if *event == Event::Offered {
                    call.answer()?;
                }
                *turns += 1;
                *self.0.lock().unwrap() += 1;
                // Held, as there is no audio yet: it ends at once.
                call.play("https://bot.test/menu.wav")?;
                call.cancel_media()?;
            }
            _ => {}
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_turns_for_ever_is_stopped_and_its_call_goes_on() {
    let (log, _heard) = Log::heard();
    let scene = Scene::good();
    let mill = Mill::default();
    let bot = start(&scene, scene.config(), mill.clone()).await;
    let script = vec![Step::AwaitAnswer, Step::Wait(Duration::from_secs(20)), Step::HangUp];
    let id = scene.simulator.call_bot(PERSON, APP, script).unwrap();
    after(3).await;
    assert!(log.has("too many events follow one input"), "{}", mill.0.lock().unwrap());
    after(60).await;
    let view = bot.view(&name_of(&id)).await.unwrap().unwrap();
    assert_eq!((view.state, view.ever_established), (State::Terminated, true));
    let turns: u32 = serde_json::from_slice(&view.author).unwrap();
    assert_eq!(turns, *mill.0.lock().unwrap(), "what it was told is kept");
}

/// How a state is not to be had.
#[derive(Clone, Copy, Debug)]
enum Unread {
    Refused,
    Unreadable,
    Panics,
}

/// The next release, which reads no state of the one before.
struct Next(Unread);

impl CallHandler for Next {
    type State = u32;
    const STATE_VERSION: u32 = 3;

    fn migrate(&self, from: u32, bytes: &[u8]) -> Result<u32, StateError> {
        match self.0 {
            Unread::Refused => Err(StateError::Refused { from, known: Self::STATE_VERSION }),
            Unread::Unreadable => Ok(serde_json::from_slice(bytes)?),
            Unread::Panics => panic!("a mistake of the author's"),
        }
    }

    async fn on_event(&self, _: &mut Call<'_>, _: &mut u32, _: &Event) -> Result<(), HandlerError> {
        panic!("it is told of nothing");
    }
}

#[tokio::test(start_paused = true)]
async fn a_state_that_cannot_be_read_is_left_and_its_call_can_be_ended_and_drained() {
    for unread in [Unread::Refused, Unread::Unreadable, Unread::Panics] {
        for by_drain in [true, false] {
            let case = (unread, by_drain);
            let (log, _heard) = Log::heard();
            let scene = Scene::good();
            let first = start(&scene, scene.config(), Before).await;
            let script = vec![Step::AwaitAnswer, Step::AwaitHangUp];
            let id = scene.simulator.call_bot(PERSON, APP, script).unwrap();
            let name = name_of(&id);
            after(5).await;
            first.stop().await;
            let before = scene.store.read(&name).await.unwrap().unwrap();
            let second = start(&scene, scene.config(), Next(unread)).await;
            after(5).await;
            second.wake(&name).await.unwrap();
            assert_eq!(second.view(&name).await.unwrap().unwrap().state, State::Established, "{case:?}");
            let words = match unread {
                Unread::Refused => "it is of version 0, and this release knows 3",
                Unread::Unreadable => "raise `CallHandler::STATE_VERSION` where the state's shape changed",
                Unread::Panics => "the handler panicked",
            };
            assert!(log.has(words) && log.has("its events are not handled"), "{case:?}");
            if by_drain {
                let drain = Drain {
                    at_limit: AtLimit::HangUp { within: Duration::from_secs(10) },
                    ..Drain::new(Duration::from_secs(1))
                };
                let drained = second.drain(drain).await;
                assert_eq!((drained.hung_up, drained.left), (vec![name.clone()], Vec::new()), "{case:?}");
            } else {
                second.order(&name, Order::HangUp).await.unwrap();
                after(5).await;
            }
            assert_eq!(scene.simulator.call(&id).unwrap().outcome, Outcome::Done, "{case:?}");
            let kept = scene.store.read(&name).await.unwrap().unwrap();
            assert_eq!((kept.author, kept.about.author_version), (before.author, 0), "{case:?}");
            assert!(!log.has("it is told of nothing"), "{case:?}");
        }
    }
}

/// A state that can be read and not be written, or whose writing panics.
#[derive(Clone, Copy, Debug, Default)]
enum Stubborn {
    #[default]
    Written,
    Fails,
    Panics,
}

impl serde::Serialize for Stubborn {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Written => serializer.serialize_u32(1),
            Self::Fails => Err(serde::ser::Error::custom("it cannot")),
            Self::Panics => panic!("a mistake of the author's"),
        }
    }
}

impl<'de> serde::Deserialize<'de> for Stubborn {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u32::deserialize(deserializer).map(|_| Self::Written)
    }
}

struct Stubbornly(Stubborn);

impl CallHandler for Stubbornly {
    type State = Stubborn;

    async fn on_event(
        &self,
        call: &mut Call<'_>,
        state: &mut Stubborn,
        event: &Event,
    ) -> Result<(), HandlerError> {
        match event {
            Event::Offered => {
                call.answer()?;
            }
            Event::Established => {
                *state = self.0;
                call.hang_up()?;
            }
            _ => {}
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_state_that_cannot_be_written_is_the_one_from_before() {
    for state in [Stubborn::Fails, Stubborn::Panics] {
        let (log, _heard) = Log::heard();
        let scene = Scene::good();
        let bot = start(&scene, scene.config(), Stubbornly(state)).await;
        let script = vec![Step::AwaitAnswer, Step::AwaitHangUp];
        let id = scene.simulator.call_bot(PERSON, APP, script).unwrap();
        after(10).await;
        let view = bot.view(&name_of(&id)).await.unwrap().unwrap();
        assert_eq!((view.state, view.author.as_slice()), (State::Terminated, b"1".as_slice()), "{state:?}");
        assert!(log.has("cannot be written; the one before is kept"), "{state:?}");
        assert_eq!(scene.simulator.call(&id).unwrap().outcome, Outcome::Done, "{state:?}");
    }
}
