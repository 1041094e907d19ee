//! Whole calls: bot and simulator, every step over HTTP in process, in virtual time.
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests, beside the tests themselves

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::routing::{get, post};
use axum::{Json, Router};
use callflow_core::action::Action;
use callflow_core::classification::{Kind, Reason};
use callflow_core::command::RejectReason;
use callflow_core::event::Event;
use callflow_core::lifecycle::State;
use callflow_core::lifecycle::end::How;
use callflow_core::media::Tone;
use callflow_core::operation::Outcome as Ended;
use callflow_core::result::ResultInfo;
use callflow_graph::bot::{
    AskError, Bot, Call, CallHandler, Config, Enforce, HandlerError, Observed, PlaceError, Quota,
    RequestError, What,
};
use callflow_graph::client::retry::Class;
use callflow_graph::session::{Answer, Beta, Order, Target};
use callflow_graph::simulator::{Fault, Faults, Outcome, Person, Step, WhenRung};
use callflow_graph::store::embedded::Embedded;
use callflow_graph::store::{CallName, Commit, Pending, Record, Store, StoreError};
use callflow_graph::transport::{Exchange, InProcess, Transport, TransportError};
use callflow_graph::wire::audio_routing_group::AudioRoutingGroupTold;
use callflow_graph::wire::direct::Direct;
use callflow_graph::wire::notification::Subject;
use callflow_graph::wire::placement::Meeting;
use callflow_graph::wire::request::Version;
use callflow_graph::wire::response::Answered;
use callflow_tests::{APP, Kept, PERSON, Scene, TENANT};
use http::{Method, StatusCode};
use serde_json::json;

fn name_of(id: &str) -> CallName {
    CallName::try_new(format!("c-{}", id.to_lowercase())).unwrap()
}

fn ada() -> Target {
    Target::User(PERSON.to_owned())
}

/// Waits until the call is over.
async fn end_of(bot: &Bot, name: &CallName) -> callflow_graph::runtime::View {
    for _ in 0..6000 {
        if let Some(view) = bot.view(name).await.unwrap().filter(|view| view.end.is_some()) {
            return view;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{name} has not ended: {:?}", bot.view(name).await);
}

#[tokio::test(start_paused = true)]
async fn a_person_calls_and_the_bot_answers_plays_hears_and_hangs_up() {
    let scene = Scene::good();
    let bot = scene.start().await;
    let id = scene.simulator.call_bot(PERSON, APP, Scene::script()).unwrap();
    let view = end_of(&bot, &name_of(&id)).await;
    assert_eq!(view.id.as_deref(), Some(id.as_str()));
    assert_eq!((view.state, view.ever_established), (State::Terminated, true));
    assert_eq!(
        (view.classification.kind(), view.classification.reason()),
        (Kind::PeerToPeer, Reason::CalledDirectly)
    );
    let end = view.end.unwrap();
    assert_eq!((end.how, end.result), (How::Told, Some(ResultInfo { code: 200, subcode: 7000 })));
    let kept: Kept = serde_json::from_slice(&view.author).unwrap();
    assert_eq!(kept.tones, 1);
    assert_eq!(scene.simulator.call(&id).unwrap().outcome, Outcome::Done);
}

#[tokio::test(start_paused = true)]
async fn the_bot_calls_a_person() {
    let scene = Scene::good();
    let bot = scene.start().await;
    let name = bot.place(ada()).await.unwrap();
    let view = end_of(&bot, &name).await;
    assert!(view.ever_established);
    assert_eq!(
        (view.classification.kind(), view.classification.reason()),
        (Kind::PeerToPeer, Reason::OneTarget)
    );
    let told = scene.told(&name);
    assert_eq!(told.first(), Some(&Event::Created));
    assert!(
        told.iter().any(|event| matches!(event, Event::OperationEnded { outcome: Ended::Completed, .. }))
    );
}

#[tokio::test(start_paused = true)]
async fn without_the_permission_nobody_is_called_and_the_bot_is_told_why() {
    let scene = Scene::new(&["Calls.AccessMedia.All"], Faults::default());
    let bot = scene.start().await;
    let name = bot.place(ada()).await.unwrap();
    let view = end_of(&bot, &name).await;
    assert_eq!(view.end.unwrap().how, How::NotCreated);
    let failed = scene.told(&name).into_iter().find_map(|event| match event {
        Event::CommandFailed { action, status, code, .. } => Some((action, status, code)),
        _ => None,
    });
    assert_eq!(failed, Some((Action::Place, 403, 7504)));
    assert_eq!(scene.simulator.calls(), []);
}

#[tokio::test(start_paused = true)]
async fn who_declines_or_lets_it_ring_was_never_established() {
    let scene = Scene::good();
    let bot = scene.start().await;
    for when_rung in [WhenRung::Decline, WhenRung::Ignore] {
        scene.simulator.add_person(Person {
            id: PERSON.to_owned(),
            display_name: "Ada".to_owned(),
            when_rung,
        });
        let name = bot.place(ada()).await.unwrap();
        let view = end_of(&bot, &name).await;
        assert!(!view.ever_established && view.end.unwrap().how == How::Told);
        let told = scene.told(&name);
        assert!(
            told.iter().any(|event| matches!(event, Event::OperationsEnded { .. })),
            "what was held ended too"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn who_hangs_up_first_ends_the_call_for_both() {
    let scene = Scene::good();
    let bot = scene.start().await;
    let script = vec![Step::AwaitAnswer, Step::HangUp];
    let id = scene.simulator.call_bot(PERSON, APP, script).unwrap();
    let view = end_of(&bot, &name_of(&id)).await;
    assert_eq!(view.end.unwrap().result, Some(ResultInfo { code: 200, subcode: 4521 }));
}

#[tokio::test(start_paused = true)]
async fn commands_from_outside_are_carried_out_or_refused_with_a_reason() {
    let scene = Scene::good();
    let bot = scene.start().await;
    let id = scene.simulator.call_bot(PERSON, APP, vec![Step::AwaitHangUp]).unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let name = name_of(&id);
    let refused = bot.order(&name, Order::Answer(Answer::default())).await.unwrap_err();
    assert!(refused.to_string().contains("cannot answer while established"), "{refused}");
    bot.order(&name, Order::HangUp).await.unwrap();
    end_of(&bot, &name).await;
    let nobody = CallName::try_new("c-0").unwrap();
    assert!(matches!(bot.order(&nobody, Order::HangUp).await, Err(PlaceError::NoCall(_))));
}

/// Answers, and panics at the first tone.
struct Clumsy;

impl CallHandler for Clumsy {
    type State = u32;

    async fn on_event(&self, call: &mut Call<'_>, kept: &mut u32, event: &Event) -> Result<(), HandlerError> {
        match event {
            Event::Offered => {
                call.answer()?;
                call.subscribe_to_tone()?;
                *kept = 7;
            }
            Event::Tone { .. } => {
                *kept = 8;
                call.hang_up()?;
                panic!("a mistake of the author's");
            }
            _ => {}
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_panics_costs_no_call() {
    let scene = Scene::good();
    let transport = Arc::new(scene.net.clone());
    let bot =
        Bot::start(scene.config(), Clumsy, Arc::clone(&scene.store), transport, scene.clock).await.unwrap();
    scene.net.mount("bot.test", bot.router());
    let script = vec![Step::AwaitToneSubscription, Step::Press('1'), Step::AwaitHangUp];
    let id = scene.simulator.call_bot(PERSON, APP, script).unwrap();
    let view = end_of(&bot, &name_of(&id)).await;
    assert_eq!(view.author, b"7", "the state from before the panic");
    assert_eq!(
        scene.simulator.call(&id).unwrap().outcome,
        Outcome::Done,
        "what was commanded before stays so"
    );
}

/// Answers, and does not come back from the first tone.
struct Hanging;

impl CallHandler for Hanging {
    type State = u32;

    async fn on_event(&self, call: &mut Call<'_>, kept: &mut u32, event: &Event) -> Result<(), HandlerError> {
        match event {
            Event::Offered => {
                call.answer()?;
                call.subscribe_to_tone()?;
                *kept = 7;
            }
            Event::Tone { tone: Tone::Tone1, .. } => {
                *kept = 8;
                std::future::pending::<()>().await;
            }
            Event::Tone { .. } => {
                call.hang_up()?;
            }
            _ => {}
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_hangs_is_let_go_and_its_call_goes_on() {
    let scene = Scene::good();
    let transport = Arc::new(scene.net.clone());
    let bot =
        Bot::start(scene.config(), Hanging, Arc::clone(&scene.store), transport, scene.clock).await.unwrap();
    scene.net.mount("bot.test", bot.router());
    let wait = Step::Wait(Duration::from_secs(60));
    let script =
        vec![Step::AwaitToneSubscription, Step::Press('1'), wait, Step::Press('2'), Step::AwaitHangUp];
    let id = scene.simulator.call_bot(PERSON, APP, script).unwrap();
    let view = end_of(&bot, &name_of(&id)).await;
    assert_eq!(view.author, b"7", "the state from before it hung");
    assert_eq!(scene.simulator.call(&id).unwrap().outcome, Outcome::Done, "the second key was heard");
}

#[tokio::test(start_paused = true)]
async fn a_long_call_is_kept_alive() {
    let scene = Scene::good();
    let bot = scene.start().await;
    let script = vec![Step::AwaitAnswer, Step::Wait(Duration::from_secs(3 * 3600)), Step::HangUp];
    let id = scene.simulator.call_bot(PERSON, APP, script).unwrap();
    tokio::time::sleep(Duration::from_secs(3 * 3600 + 60)).await;
    let view = bot.view(&name_of(&id)).await.unwrap();
    assert_eq!(scene.simulator.call(&id).unwrap().result, Some((200, 4521)), "not cleaned up: {view:?}");
}

#[tokio::test(start_paused = true)]
async fn an_unreachable_prompt_fails_its_operation_and_the_call_goes_on() {
    let scene = Scene::good();
    let bot = scene.start().await;
    scene.net.mount("bot.test", bot.router());
    let script =
        vec![Step::AwaitAnswer, Step::Wait(Duration::from_secs(5)), Step::Press('1'), Step::AwaitHangUp];
    let id = scene.simulator.call_bot(PERSON, APP, script).unwrap();
    let name = name_of(&id);
    end_of(&bot, &name).await;
    let told = scene.told(&name);
    assert!(
        told.iter().any(|event| matches!(event, Event::OperationEnded { outcome: Ended::Failed, .. })),
        "{told:?}"
    );
    assert_eq!(scene.simulator.call(&id).unwrap().outcome, Outcome::Done);
}

#[tokio::test(start_paused = true)]
async fn an_unreachable_graph_is_told_of_and_nobody_is_called() {
    let scene = Scene::good();
    let bot = scene.start().await;
    scene.net.unmount("graph.test");
    let name = bot.place(ada()).await.unwrap();
    let view = end_of(&bot, &name).await;
    assert_eq!(view.end.unwrap().how, How::NotCreated);
    let told = scene.told(&name);
    assert!(matches!(told[0], Event::CommandFailed { status: 0, action: Action::Place, .. }), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_429_is_asked_again_because_nothing_was_done() {
    let scene = Scene::good();
    let bot = scene.start().await;
    scene.simulator.refuse_next("/calls", 429);
    let name = bot.place(ada()).await.unwrap();
    assert!(end_of(&bot, &name).await.ever_established);
    assert_eq!(scene.simulator.calls().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_503_to_a_creation_is_not_asked_again_and_the_bot_is_told() {
    let scene = Scene::good();
    let bot = scene.start().await;
    scene.simulator.refuse_next("/calls", 503);
    let name = bot.place(ada()).await.unwrap();
    let view = end_of(&bot, &name).await;
    assert_eq!(view.end.unwrap().how, How::Inferred);
    let told = scene.told(&name);
    assert!(matches!(told[0], Event::OutcomeUnknown { action: Action::Place, .. }), "{told:?}");
    assert_eq!(scene.simulator.calls(), [], "nobody was called twice, here not even once");
}

#[tokio::test(start_paused = true)]
async fn an_answer_refused_by_the_service_may_be_tried_again() {
    let scene = Scene::good();
    let bot = scene.start().await;
    scene.simulator.refuse_next("/answer", 400);
    let id = scene.simulator.call_bot(PERSON, APP, vec![Step::AwaitAnswer, Step::HangUp]).unwrap();
    let name = name_of(&id);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(bot.view(&name).await.unwrap().unwrap().state, State::Incoming);
    bot.order(&name, Order::Answer(Answer::default())).await.unwrap();
    assert!(end_of(&bot, &name).await.ever_established);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_calls_at_once_each_end_as_scripted() {
    let scene = Scene::good();
    let bot = scene.start().await;
    let ids: Vec<_> =
        (0..1000).map(|_| scene.simulator.call_bot(PERSON, APP, Scene::script()).unwrap()).collect();
    for id in &ids {
        let view = end_of(&bot, &name_of(id)).await;
        assert!(view.ever_established);
        assert_eq!(scene.simulator.call(id).unwrap().outcome, Outcome::Done, "{id}");
    }
}

#[tokio::test(start_paused = true)]
async fn late_twice_and_lost_news_leaves_no_call_behind() {
    let faults = Faults::default()
        .with(Fault::NotificationTwice, 20)
        .with(Fault::NotificationLost, 10)
        .with(Fault::NotificationLate, 30);
    let scene = Scene::new(&["Calls.Initiate.All", "Calls.AccessMedia.All"], faults);
    let bot = scene.start().await;
    // A tone that is lost is in no resource: the person gives up after a while.
    let mut then = Scene::script();
    then.pop();
    then.extend([Step::Wait(Duration::from_secs(60)), Step::HangUp]);
    let when_rung = WhenRung::PickUp { after: Duration::from_secs(3), then };
    scene.simulator.add_person(Person { id: PERSON.to_owned(), display_name: "Ada".to_owned(), when_rung });
    let mut names = Vec::new();
    for _ in 0..100 {
        names.push(bot.place(ada()).await.unwrap());
    }
    // Long enough for every question that is asked on doubt, and for the service to clean up.
    tokio::time::sleep(Duration::from_secs(2 * 3600)).await;
    for call in scene.simulator.calls() {
        assert!(call.prompts_started <= 1, "no prompt is played twice: {call:?}");
        assert_eq!(call.state, "terminated", "{call:?}");
    }
    assert_eq!(scene.simulator.calls().len(), 100, "nobody is called twice");
    for name in names {
        // A call that ended long ago is forgotten; one that is kept has ended.
        let told = scene.told(&name);
        let ended = told.iter().filter(|event| matches!(event, Event::Ended(_))).count();
        assert_eq!(ended, 1, "{told:?}");
        let tones = told.iter().filter(|event| matches!(event, Event::Tone { .. })).count();
        assert!(tones <= 1, "{told:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn late_and_doubled_news_of_incoming_calls_changes_nothing_of_the_story() {
    let faults = Faults::default()
        .late_by(Duration::from_secs(4))
        .with(Fault::NotificationTwice, 50)
        .with(Fault::NotificationLate, 50);
    let scene = Scene::new(&["Calls.AccessMedia.All"], faults);
    let bot = scene.start().await;
    let ids: Vec<_> =
        (0..200).map(|_| scene.simulator.call_bot(PERSON, APP, Scene::script()).unwrap()).collect();
    for id in &ids {
        let name = name_of(id);
        let view = end_of(&bot, &name).await;
        assert!(view.ever_established, "{:?}", scene.told(&name));
        assert_eq!(scene.simulator.call(id).unwrap().outcome, Outcome::Done, "{:?}", scene.told(&name));
        assert_eq!(scene.simulator.call(id).unwrap().prompts_started, 1);
        let kept: Kept = serde_json::from_slice(&view.author).unwrap();
        assert_eq!(kept.tones, 1, "{:?}", scene.told(&name));
    }
}

#[tokio::test(start_paused = true)]
async fn a_bot_that_stops_at_any_moment_is_taken_up_again_without_a_repetition() {
    for millis in (0..3200).step_by(40) {
        let scene = Scene::good();
        let bot = scene.start().await;
        let id = scene.simulator.call_bot(PERSON, APP, Scene::script()).unwrap();
        tokio::time::sleep(Duration::from_millis(millis)).await;
        bot.stop().await;
        drop(bot);
        let bot = scene.start().await;
        let name = name_of(&id);
        let view = end_of(&bot, &name).await;
        let call = scene.simulator.call(&id).unwrap();
        assert!(call.prompts_started <= 1, "stopped after {millis} ms: {call:?}");
        assert_eq!(call.state, "terminated", "stopped after {millis} ms");
        // Stopping may fall between sending and hearing the answer: that is told, and settled by news.
        assert!(view.ever_established, "stopped after {millis} ms: {:?}", scene.told(&name));
    }
}

#[tokio::test(start_paused = true)]
async fn a_damaged_call_in_the_store_is_left_as_it_is_and_costs_none_of_the_others() {
    let scene = Scene::good();
    let damaged = CallName::try_new("c-damaged").unwrap();
    let commit = Commit { call: vec![9, 9, 9], texts: b"{".to_vec(), ..Commit::default() };
    scene.store.commit(&damaged, commit).await.unwrap();
    let bot = scene.start().await;
    let id = scene.simulator.call_bot(PERSON, APP, Scene::script()).unwrap();
    assert!(end_of(&bot, &name_of(&id)).await.ever_established);
    let kept = scene.store.read(&damaged).await.unwrap().unwrap();
    assert_eq!((kept.version, kept.call), (1, vec![9, 9, 9]));
    assert!(matches!(bot.order(&damaged, Order::HangUp).await, Err(PlaceError::NoCall(_))));
}

/// A store whose process dies after so many operations: what was done before is there, and nothing comes back any more.
struct Dying {
    inner: Arc<dyn Store>,
    left: AtomicI64,
}

impl Dying {
    fn is_dead(&self) -> bool {
        self.left.fetch_sub(1, Ordering::SeqCst) <= 0
    }
}

macro_rules! until_dead {
    ($self:ident, $call:expr) => {
        if $self.is_dead() { Box::pin(std::future::pending()) } else { $call }
    };
}

impl Store for Dying {
    fn append(&self, name: &CallName, bytes: Vec<u8>) -> Pending<'_, u64> {
        until_dead!(self, self.inner.append(name, bytes))
    }

    fn read(&self, name: &CallName) -> Pending<'_, Option<Record>> {
        until_dead!(self, self.inner.read(name))
    }

    fn commit(&self, name: &CallName, commit: Commit) -> Pending<'_, u64> {
        until_dead!(self, self.inner.commit(name, commit))
    }

    fn mark_attempted(&self, name: &CallName, ticket: u32) -> Pending<'_, ()> {
        until_dead!(self, self.inner.mark_attempted(name, ticket))
    }

    fn resolve(&self, alias: &str) -> Pending<'_, Option<CallName>> {
        until_dead!(self, self.inner.resolve(alias))
    }

    fn names(&self) -> Pending<'_, Vec<CallName>> {
        until_dead!(self, self.inner.names())
    }

    fn forget(&self, name: &CallName, last_seq: u64) -> Pending<'_, bool> {
        until_dead!(self, self.inner.forget(name, last_seq))
    }

    fn count(&self, key: &str, by: u64) -> Pending<'_, u64> {
        until_dead!(self, self.inner.count(key, by))
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_at_any_operation_of_its_store_repeats_nothing_and_forgets_no_call() {
    let (mut known, mut whole) = (0, 0);
    // Two of them start a bot.
    for operations in 2..71 {
        let mut scene = Scene::good();
        let inner = Arc::clone(&scene.store);
        scene.store = Arc::new(Dying { inner: Arc::clone(&inner), left: AtomicI64::new(operations) });
        let dead = scene.start().await;
        let mut then = Scene::script();
        then.pop();
        then.extend([Step::Wait(Duration::from_secs(60)), Step::HangUp]);
        let id = scene.simulator.call_bot(PERSON, APP, then).unwrap();
        // The next process comes up while the call is in the middle of something.
        tokio::time::sleep(Duration::from_secs(2)).await;
        scene.store = inner;
        let bot = scene.start().await;
        let name = name_of(&id);
        tokio::time::sleep(Duration::from_secs(100)).await;
        let call = scene.simulator.call(&id).unwrap();
        assert!(call.prompts_started <= 1, "dead after {operations}: {call:?}");
        assert_eq!(call.state, "terminated", "dead after {operations}");
        if let Some(view) = bot.view(&name).await.unwrap() {
            known += 1;
            assert!(view.end.is_some(), "dead after {operations}: {view:?} {:?}", scene.told(&name));
            whole += usize::from(view.ever_established);
        }
        drop(dead);
    }
    assert!(known > 60 && whole > 50, "{known} known, {whole} established: too few to mean anything");
}

#[tokio::test]
async fn the_embedded_store_carries_a_call_to_the_next_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.redb");
    let mut scene = Scene::good();
    scene.store = Arc::new(Embedded::open(&path).unwrap());
    let bot = scene.start().await;
    let script = vec![Step::AwaitAnswer, Step::AwaitHangUp];
    let id = scene.simulator.call_bot(PERSON, APP, script).unwrap();
    let name = name_of(&id);
    while bot.view(&name).await.unwrap().is_none_or(|view| view.state != State::Established) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    bot.stop().await;
    scene.net.unmount("bot.test");
    drop(bot);
    scene.store = Arc::new(callflow_graph::store::memory::Memory::new());
    // A notification that the bot was answering as it stopped may still hold the file.
    scene.store = loop {
        match Embedded::open(&path) {
            Err(StoreError::InUse { .. }) => tokio::time::sleep(Duration::from_millis(20)).await,
            opened => break Arc::new(opened.unwrap()),
        }
    };
    let bot = scene.start().await;
    bot.order(&name, Order::HangUp).await.unwrap();
    while bot.view(&name).await.unwrap().is_none_or(|view| view.end.is_none()) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(scene.simulator.call(&id).unwrap().outcome, Outcome::Done);
}

/// A network on which the service's yes to requests whose path ends so gets lost, after they were carried out.
struct Loses {
    net: InProcess,
    suffix: &'static str,
}

impl Transport for Loses {
    fn send(&self, request: http::Request<bytes::Bytes>) -> Exchange {
        let is_lost = request.uri().path().ends_with(self.suffix);
        let sent = self.net.send(request);
        Box::pin(async move {
            let answer = sent.await?;
            if is_lost && answer.status().is_success() {
                let reason = "connection reset".to_owned();
                return Err(TransportError::NoAnswer { host: "graph.test".to_owned(), reason });
            }
            Ok(answer)
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_creation_was_not_answered_is_found_by_the_news_at_its_own_address() {
    // News is late: the loss is known before it.
    let faults = Faults::default().late_by(Duration::from_millis(500)).with(Fault::NotificationLate, 100);
    let scene = Scene::new(&["Calls.Initiate.All", "Calls.AccessMedia.All"], faults);
    let transport = Arc::new(Loses { net: scene.net.clone(), suffix: "/communications/calls" });
    let bot = scene.start_over(transport).await;
    let name = bot.place(ada()).await.unwrap();
    let view = end_of(&bot, &name).await;
    let told = scene.told(&name);
    assert!(matches!(told[0], Event::OutcomeUnknown { action: Action::Place, .. }), "{told:?}");
    assert_eq!(told[1], Event::Created, "{told:?}");
    assert!(view.ever_established && view.end.unwrap().how == How::Told, "{told:?}");
    let calls = scene.simulator.calls();
    assert_eq!(calls.len(), 1, "nobody is rung twice");
    assert_eq!(view.id.as_deref(), Some(calls[0].id.as_str()));
    assert_eq!(calls[0].prompts_started, 1, "the call went on");
}

/// A network that notes the `Scenario-Id` of every request to Graph's calls.
struct Notes {
    net: InProcess,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Transport for Notes {
    fn send(&self, request: http::Request<bytes::Bytes>) -> Exchange {
        if request.uri().path().contains("/communications/calls") {
            let id = request.headers()["scenario-id"].to_str().unwrap().to_owned();
            self.seen.lock().unwrap().push(id);
        }
        self.net.send(request)
    }
}

#[tokio::test(start_paused = true)]
async fn all_requests_of_a_call_carry_the_scenario_of_its_first_notification_or_one_of_their_own() {
    let scene = Scene::good();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let start = async || {
        let bot = scene.start_over(Arc::new(Notes { net: scene.net.clone(), seen: Arc::clone(&seen) })).await;
        // The first notification has the first of these, later ones others.
        let count = Arc::new(AtomicI64::new(0));
        let stamp = move |mut request: axum::extract::Request| {
            let number = count.fetch_add(1, Ordering::SeqCst);
            let id = format!("00000000-0000-4000-8000-{number:012}");
            request.headers_mut().insert("scenario-id", id.parse().unwrap());
            std::future::ready(request)
        };
        let stamped = bot.router().layer(axum::middleware::map_request(stamp));
        scene.net.mount("bot.test", stamped);
        bot
    };
    let bot = start().await;
    let id = scene.simulator.call_bot(PERSON, APP, vec![Step::AwaitAnswer, Step::AwaitHangUp]).unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    bot.stop().await;
    let bot = start().await;
    bot.order(&name_of(&id), Order::HangUp).await.unwrap();
    end_of(&bot, &name_of(&id)).await;
    let of_incoming: Vec<_> = std::mem::take(&mut *seen.lock().unwrap());
    assert!(of_incoming.len() >= 3, "{of_incoming:?}");
    assert!(of_incoming.iter().all(|id| id == "00000000-0000-4000-8000-000000000000"), "{of_incoming:?}");

    let name = bot.place(ada()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    bot.stop().await;
    let bot = start().await;
    bot.order(&name, Order::HangUp).await.unwrap();
    end_of(&bot, &name).await;
    let of_placed = seen.lock().unwrap();
    assert!(of_placed.len() >= 2 && of_placed.iter().all(|id| *id == of_placed[0]), "{of_placed:?}");
    assert!(!of_placed[0].starts_with("00000000-"), "it began before any notification");
    assert!(!name.as_str().contains(&of_placed[0].replace('-', "")), "the name is a secret");
}

#[tokio::test(start_paused = true)]
async fn calls_are_counted_across_restarts_warned_of_once_and_refused_where_that_is_asked_for() {
    let scene = Scene::good();
    let quota = Quota { concurrent: 100, monthly: 5, enforce: Enforce::Refuse };
    let start = async || {
        let config = Config { quota, ..scene.config() };
        let (store, net) = (Arc::clone(&scene.store), Arc::new(scene.net.clone()));
        let bot = Bot::start(config, scene.menu.clone(), store, net, scene.clock).await.unwrap();
        scene.net.mount("bot.test", bot.router());
        bot
    };
    let bot = start().await;
    let mut seen = bot.watch();
    for _ in 0..2 {
        bot.place(ada()).await.unwrap();
    }
    scene.simulator.call_bot(PERSON, APP, vec![Step::AwaitAnswer, Step::HangUp]).unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let warned = |seen: &mut tokio::sync::mpsc::UnboundedReceiver<Observed>| {
        let all = std::iter::from_fn(|| seen.try_recv().ok());
        all.filter(|one| matches!(one.what, What::QuotaNearlyUsed(_))).count()
    };
    assert_eq!(warned(&mut seen), 0);
    bot.stop().await;

    let bot = start().await;
    let mut seen = bot.watch();
    bot.place(ada()).await.unwrap();
    bot.place(ada()).await.unwrap();
    assert_eq!(warned(&mut seen), 1, "at four of five");
    let refused = bot.place(ada()).await.unwrap_err();
    assert!(matches!(&refused, PlaceError::Quota(exceeded) if exceeded.usage.used == 5), "{refused}");
    let id = scene.simulator.call_bot(PERSON, APP, vec![Step::AwaitAnswer, Step::HangUp]).unwrap();
    assert!(end_of(&bot, &name_of(&id)).await.ever_established, "an incoming call is never refused");
    assert_eq!(scene.simulator.calls().len(), 6);
}

#[tokio::test(start_paused = true)]
async fn as_many_calls_as_may_be_at_the_same_time_and_one_more_when_one_has_ended() {
    let scene = Scene::good();
    let quota = Quota { concurrent: 2, enforce: Enforce::Refuse, ..Quota::default() };
    let config = Config { quota, ..scene.config() };
    let (store, net) = (Arc::clone(&scene.store), Arc::new(scene.net.clone()));
    let bot = Bot::start(config, scene.menu.clone(), store, net, scene.clock).await.unwrap();
    scene.net.mount("bot.test", bot.router());
    let first = bot.place(ada()).await.unwrap();
    bot.place(ada()).await.unwrap();
    let refused = bot.place(ada()).await.unwrap_err();
    assert!(refused.to_string().contains("when a call has ended"), "{refused}");
    bot.order(&first, Order::HangUp).await.unwrap();
    end_of(&bot, &first).await;
    bot.place(ada()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_not_modelled_is_asked_as_the_call_and_repeated_only_where_that_is_asked_for() {
    let scene = Scene::good();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::new(Notes { net: scene.net.clone(), seen: Arc::clone(&seen) });
    let bot = scene.start_over(notes).await;
    let id = scene.simulator.call_bot(PERSON, APP, vec![Step::AwaitAnswer, Step::AwaitHangUp]).unwrap();
    let name = name_of(&id);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut watched = bot.watch();
    seen.lock().unwrap().clear();
    let whole = bot.request(&name, Version::V1, Method::GET, "", None, None).await.unwrap();
    assert_eq!(whole.status, 200);
    let body: serde_json::Value = serde_json::from_slice(&whole.body).unwrap();
    assert_eq!(body["state"], "established");
    for (class, status, asked) in
        [(None, 503, 1), (Some(Class::OnceOnly), 503, 1), (Some(Class::Safe), 200, 2)]
    {
        seen.lock().unwrap().clear();
        scene.simulator.refuse_next("/keepAlive", 503);
        let body = serde_json::json!({"clientContext": "mine"});
        let answer =
            bot.request(&name, Version::V1, Method::POST, "keepAlive", Some(&body), class).await.unwrap();
        assert_eq!((answer.status, seen.lock().unwrap().len()), (status, asked), "{class:?}");
    }
    scene.simulator.refuse_next("/nothing", 404);
    let absent =
        bot.request(&name, Version::V1, Method::GET, "/nothing?phone=%2B49123", None, None).await.unwrap();
    assert_eq!(absent.status, 404);
    let words: Vec<_> =
        std::iter::from_fn(|| watched.try_recv().ok()).map(|one| format!("{one:?}")).collect();
    assert!(words.iter().any(|line| line.contains("GET /nothing")), "{words:?}");
    assert!(words.iter().any(|line| line.contains("client-request-id")), "{words:?}");
    assert!(!words.iter().any(|line| line.contains("49123")), "{words:?}");
    let nobody = CallName::try_new("c-0").unwrap();
    let lost = bot.request(&nobody, Version::V1, Method::GET, "", None, None).await.unwrap_err();
    assert!(matches!(lost, RequestError::NoCall(_)), "{lost}");
}

/// A Graph with what the simulator does not have, in front of it.
fn with_more(scene: &Scene) -> Router {
    let groups =
        json!({"value": [{"id": "g", "routingMode": "oneToOne", "sources": ["a"], "receivers": ["b"]}]});
    let meetings =
        json!({"value": [{"id": "m", "joinMeetingIdSettings": {"joinMeetingId": "123", "passcode": "pw"}}]});
    let denied = json!({"error": {"code": "7504", "message": "Insufficient enterprise tenant permissions"}});
    let found = async move |uri: http::Uri| {
        let is_known = uri.query().is_some_and(|query| query.contains("%2Fmeet%2F123"));
        Json(if is_known { meetings } else { json!({"value": []}) })
    };
    Router::new()
        .route("/v1.0/communications/calls/{id}/audioRoutingGroups", get(async || Json(groups)))
        .route(
            "/v1.0/communications/calls/{id}/contentSharingSessions",
            get(async || (StatusCode::FORBIDDEN, Json(denied))),
        )
        .route("/v1.0/users/{id}/onlineMeetings", get(found))
        .route(
            "/beta/communications/calls/{id}/participants/admitAllFromLobby",
            post(async || StatusCode::NO_CONTENT),
        )
        .fallback_service(scene.simulator.router())
}

#[tokio::test(start_paused = true)]
async fn what_no_rule_decides_on_is_asked_directly_and_beta_only_where_it_is_on() {
    let scene = Scene::good();
    scene.net.mount("graph.test", with_more(&scene));
    for beta in [Beta::Off, Beta::On] {
        let config = Config { beta, ..scene.config() };
        let net = Arc::new(scene.net.clone());
        let store = Arc::new(callflow_graph::store::memory::Memory::new());
        let bot = Bot::start(config, scene.menu.clone(), store, net, scene.clock).await.unwrap();
        scene.net.mount("bot.test", bot.router());
        let id = scene.simulator.call_bot(PERSON, APP, vec![Step::AwaitAnswer, Step::AwaitHangUp]).unwrap();
        let name = name_of(&id);
        tokio::time::sleep(Duration::from_secs(2)).await;
        let Answered::AudioRoutingGroups(groups) =
            bot.ask(&name, &Direct::ListAudioRoutingGroups).await.unwrap()
        else {
            panic!()
        };
        let [AudioRoutingGroupTold { sources, .. }] = groups.as_slice() else { panic!("{groups:?}") };
        assert_eq!(sources, &["a"]);
        let denied = bot.ask(&name, &Direct::ListContentSharingSessions).await.unwrap_err();
        assert!(matches!(denied, AskError::Refused { status: 403, .. }), "{denied}");
        assert!(denied.to_string().contains("client-request-id"), "{denied}");
        let admitted = bot.ask(&name, &Direct::AdmitAllFromLobby).await;
        match beta {
            Beta::Off => assert!(matches!(admitted, Err(AskError::Beta)), "{admitted:?}"),
            Beta::On => assert_eq!(admitted.unwrap(), Answered::Nothing),
        }
        bot.stop().await;
    }
}

/// Notes what a handler sees of the notification that gave its event.
#[derive(Clone, Default)]
struct Reads {
    seen: Arc<Mutex<Vec<(String, bool)>>>,
}

impl CallHandler for Reads {
    type State = ();

    async fn on_event(&self, call: &mut Call<'_>, (): &mut (), event: &Event) -> Result<(), HandlerError> {
        let source = call.notice().and_then(|notice| match &notice.subject {
            Subject::Call(told) => told.extra.get("source").cloned(),
            _ => None,
        });
        self.seen.lock().unwrap().push((format!("{event:?}"), source.is_some()));
        if *event == Event::Offered {
            call.reject(RejectReason::Busy)?;
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_sees_the_notification_with_what_callflow_does_not_read() {
    let scene = Scene::good();
    let reads = Reads::default();
    let net = Arc::new(scene.net.clone());
    let store = Arc::clone(&scene.store);
    let bot = Bot::start(scene.config(), reads.clone(), store, net, scene.clock).await.unwrap();
    scene.net.mount("bot.test", bot.router());
    scene.simulator.call_bot(PERSON, APP, vec![Step::AwaitHangUp]).unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let seen = reads.seen.lock().unwrap();
    assert_eq!(seen.first().map(|(event, source)| (event.as_str(), *source)), Some(("Offered", true)));
    assert!(seen.iter().skip(1).all(|(_, source)| !source), "{seen:?}");
    assert!(seen.len() > 1, "{seen:?}");
}

/// A store into which something comes just when a call is to be forgotten.
#[derive(Default)]
struct CameMeanwhile {
    inner: callflow_graph::store::memory::Memory,
    gone: Mutex<Vec<bool>>,
}

impl Store for CameMeanwhile {
    fn append(&self, name: &CallName, bytes: Vec<u8>) -> Pending<'_, u64> {
        self.inner.append(name, bytes)
    }

    fn read(&self, name: &CallName) -> Pending<'_, Option<Record>> {
        self.inner.read(name)
    }

    fn commit(&self, name: &CallName, commit: Commit) -> Pending<'_, u64> {
        self.inner.commit(name, commit)
    }

    fn mark_attempted(&self, name: &CallName, ticket: u32) -> Pending<'_, ()> {
        self.inner.mark_attempted(name, ticket)
    }

    fn resolve(&self, alias: &str) -> Pending<'_, Option<CallName>> {
        self.inner.resolve(alias)
    }

    fn names(&self) -> Pending<'_, Vec<CallName>> {
        self.inner.names()
    }

    fn forget(&self, name: &CallName, last_seq: u64) -> Pending<'_, bool> {
        let name = name.clone();
        Box::pin(async move {
            if self.gone.lock().unwrap().is_empty() {
                self.inner.append(&name, b"late".to_vec()).await?;
            }
            let is_gone = self.inner.forget(&name, last_seq).await?;
            self.gone.lock().unwrap().push(is_gone);
            Ok(is_gone)
        })
    }

    fn count(&self, key: &str, by: u64) -> Pending<'_, u64> {
        self.inner.count(key, by)
    }
}

#[tokio::test(start_paused = true)]
async fn what_comes_while_a_call_is_forgotten_is_handled_first() {
    let scene = Scene::good();
    let store = Arc::new(CameMeanwhile::default());
    let net = Arc::new(scene.net.clone());
    let kept = Arc::<CameMeanwhile>::clone(&store);
    let bot = Bot::start(scene.config(), scene.menu.clone(), kept, net, scene.clock).await.unwrap();
    scene.net.mount("bot.test", bot.router());
    let name = bot.place(ada()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    bot.order(&name, Order::HangUp).await.unwrap();
    end_of(&bot, &name).await;
    tokio::time::sleep(scene.config().keep_ended * 3).await;
    assert_eq!(*store.gone.lock().unwrap(), [false, true]);
    assert_eq!(bot.view(&name).await.unwrap(), None);
}

/// Keeps the numbers of its events with its state, and tells what it was given.
#[derive(Clone, Default)]
struct Numbers {
    given: Arc<Mutex<Vec<(u64, String)>>>,
}

impl CallHandler for Numbers {
    type State = Vec<u64>;

    async fn on_event(
        &self,
        call: &mut Call<'_>,
        kept: &mut Vec<u64>,
        event: &Event,
    ) -> Result<(), HandlerError> {
        kept.push(call.event_number());
        self.given.lock().unwrap().push((call.event_number(), format!("{event:?}")));
        if *event == Event::Offered {
            call.answer()?;
            call.play("https://bot.test/menu.wav")?;
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_given_again_has_its_number_again() {
    let mut again = 0;
    for operations in 2..40 {
        let scene = Scene::good();
        let numbers = Numbers::default();
        let dying = Arc::new(Dying { inner: Arc::clone(&scene.store), left: AtomicI64::new(operations) });
        let start = async |store: Arc<dyn Store>| {
            let net = Arc::new(scene.net.clone());
            let bot = Bot::start(scene.config(), numbers.clone(), store, net, scene.clock).await.unwrap();
            scene.net.mount("bot.test", bot.router());
            bot
        };
        let first = start(dying).await;
        let id = scene.simulator.call_bot(PERSON, APP, vec![Step::AwaitAnswer, Step::HangUp]).unwrap();
        tokio::time::sleep(Duration::from_secs(4)).await;
        scene.net.unmount("bot.test");
        drop(first);
        let second = start(Arc::clone(&scene.store)).await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        let given = numbers.given.lock().unwrap().clone();
        let Some(view) = second.view(&name_of(&id)).await.unwrap() else { continue };
        let kept: Vec<u64> = serde_json::from_slice(&view.author).unwrap();
        assert_eq!(kept, (1..=kept.len() as u64).collect::<Vec<_>>(), "after {operations} operations");
        let mut seen = std::collections::BTreeMap::new();
        for (number, event) in &given {
            again += usize::from(seen.insert(event.clone(), *number) == Some(*number));
        }
    }
    assert!(again > 0, "no process died between a handler and its commit");
}

/// Counts in its state how often it was told that the call goes on.
#[derive(Clone, Default)]
struct Resumes;

impl CallHandler for Resumes {
    type State = u32;

    async fn on_event(&self, call: &mut Call<'_>, _: &mut u32, event: &Event) -> Result<(), HandlerError> {
        if *event == Event::Offered {
            call.answer()?;
        }
        Ok(())
    }

    async fn on_resumed(&self, _: &mut Call<'_>, resumed: &mut u32) -> Result<(), HandlerError> {
        *resumed += 1;
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_the_handler_is_told_and_an_end_that_nobody_told_is_found() {
    let scene = Scene::good();
    let start = async || {
        let (net, store) = (Arc::new(scene.net.clone()), Arc::clone(&scene.store));
        let bot = Bot::start(scene.config(), Resumes, store, net, scene.clock).await.unwrap();
        scene.net.mount("bot.test", bot.router());
        bot
    };
    let first = start().await;
    let stays = scene.simulator.call_bot(PERSON, APP, vec![Step::AwaitAnswer, Step::AwaitHangUp]).unwrap();
    let leaves = scene
        .simulator
        .call_bot(PERSON, APP, vec![Step::AwaitAnswer, Step::Wait(Duration::from_secs(30)), Step::HangUp])
        .unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    first.stop().await;
    scene.net.unmount("bot.test");
    // The service gives up telling of the end long before anybody listens again.
    tokio::time::sleep(Duration::from_secs(300)).await;
    let second = start().await;
    tokio::time::sleep(Duration::from_secs(15)).await;
    let found = second.view(&name_of(&leaves)).await.unwrap().unwrap();
    assert_eq!(found.end.map(|end| end.how), Some(How::Inferred), "GET says that it is gone");
    for id in [&stays, &leaves] {
        assert_eq!(second.view(&name_of(id)).await.unwrap().unwrap().author, b"1", "told once");
    }
    assert_eq!(second.view(&name_of(&stays)).await.unwrap().unwrap().end, None);
}

#[tokio::test(start_paused = true)]
async fn a_meeting_is_found_by_its_link() {
    let scene = Scene::good();
    scene.net.mount("graph.test", with_more(&scene));
    let bot = scene.start().await;
    let link = "https://teams.microsoft.com/meet/123?p=hash";
    let found = bot.find_meeting("organizer", TENANT, link).await.unwrap().unwrap();
    let by_id = Meeting::JoinId { id: "123".to_owned(), passcode: Some("pw".into()) };
    assert_eq!((found.id.as_str(), found.meeting), ("m", Some(by_id)));
    let other = bot.find_meeting("organizer", TENANT, "https://teams.microsoft.com/meet/9").await.unwrap();
    assert_eq!(other, None);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_got_lost_is_given_once_more_and_its_refusal_is_not_taken_for_the_first_ones() {
    let faults = Faults::default().with(Fault::NotificationLate, 100);
    let scene = Scene::new(&["Calls.AccessMedia.All"], faults);
    let bot = scene.start_over(Arc::new(Loses { net: scene.net.clone(), suffix: "/answer" })).await;
    let mut requests = scene.simulator.watch();
    let id = scene.simulator.call_bot(PERSON, APP, Scene::script()).unwrap();
    let view = end_of(&bot, &name_of(&id)).await;
    let told = scene.told(&name_of(&id));
    assert!(view.ever_established, "{told:?}");
    assert!(!told.iter().any(|event| matches!(event, Event::CommandFailed { action: Action::Answer, .. })));
    let answers: Vec<_> = std::iter::from_fn(|| requests.try_recv().ok())
        .filter_map(|seen| match seen.what {
            callflow_graph::simulator::What::Request { path, status, .. } => Some((path, status)),
            _ => None,
        })
        .filter(|(path, _)| path.ends_with("/answer"))
        .map(|(_, status)| status)
        .collect();
    assert!(matches!(answers.as_slice(), [202, 400..=499]), "{answers:?}");
}
