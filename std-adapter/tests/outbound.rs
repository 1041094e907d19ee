//! Calls that are to be made: against the simulator, in virtual time, restarts included.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // helpers of tests, beside the tests themselves

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use callflow_core::event::Event;
use callflow_graph::bot::{Call, CallHandler, Drain, Enforce, HandlerError, Quota};
use callflow_graph::outbound::{
    DailyHours, Disposition, Entry, EntryId, Outbound, OutboundBot, OutboundHandler, Outcome, Pacing,
    PlanError, Planned, RetryPlan, Standing, Window,
};
use callflow_graph::piece::{Confirm, Confirmed, Running};
use callflow_graph::session::Target;
use callflow_graph::simulator::{Observed, Stage, Step, What, WhenRung};
use callflow_graph::store::Store;
use callflow_graph::store::memory::Memory;
use callflow_graph::transport::{Exchange, Transport};
use http::{Request, Response};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::UnboundedReceiver;

/// What the bot keeps of somebody.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Asked {
    question: Running<Confirm>,
    answer: Option<bool>,
    calls: u32,
}

type Told = Arc<Mutex<Vec<(EntryId, Standing, Asked)>>>;

/// Asks for 1 or 2, and has the question asked again where neither was pressed.
#[derive(Clone, Default)]
struct Asker {
    told: Told,
    /// How often being told fails.
    fails: Arc<AtomicU32>,
}

impl CallHandler for Asker {
    type State = Asked;

    async fn on_event(
        &self,
        call: &mut Call<'_>,
        asked: &mut Asked,
        event: &Event,
    ) -> Result<(), HandlerError> {
        if *event == Event::Established {
            asked.calls += 1;
            asked.question.begin(call, Confirm::new(Stage::prompt("do_you_come")).attempts(1));
        }
        if let Some(answer) = asked.question.on_event(call, event) {
            asked.answer = answer.ok().map(|answer| answer == Confirmed::Yes);
            if call.end().is_none() {
                call.hang_up()?;
            }
        }
        Ok(())
    }

    async fn on_wake(&self, call: &mut Call<'_>, asked: &mut Asked) -> Result<(), HandlerError> {
        if asked.question.on_wake(call).is_some() {
            call.hang_up()?;
        }
        Ok(())
    }
}

impl OutboundHandler for Asker {
    fn disposition(&self, asked: &Asked, told: Disposition) -> Disposition {
        match told {
            Disposition::Answered if asked.answer.is_none() => Disposition::Incomplete,
            told => told,
        }
    }

    async fn on_settled(&self, entry: &Entry, asked: &Asked) -> Result<(), HandlerError> {
        self.told.lock().unwrap().push((entry.id.clone(), entry.standing.clone(), asked.clone()));
        match self.fails.load(Ordering::SeqCst) {
            0 => Ok(()),
            left => {
                self.fails.store(left - 1, Ordering::SeqCst);
                Err(HandlerError::Other("not now".to_owned()))
            }
        }
    }
}

/// A stage, and bots on it one after another, on the same store.
struct Scene {
    stage: Stage,
    seen: UnboundedReceiver<Observed>,
    begun: u64,
    store: Arc<dyn Store>,
    handler: Asker,
    pacing: Pacing,
    quota: Quota,
    transport: Arc<dyn Transport>,
}

impl Scene {
    fn new() -> Self {
        let stage = Stage::try_new().unwrap();
        Self {
            seen: stage.simulator.watch(),
            begun: stage.clock.now_millis(),
            store: Arc::new(Memory::new()),
            handler: Asker::default(),
            pacing: Pacing::default(),
            quota: Quota::default(),
            transport: stage.transport(),
            stage,
        }
    }

    async fn start(&self) -> OutboundBot<Asker> {
        let mut config = self.stage.config();
        config.quota = self.quota;
        let bot = Outbound::new(self.handler.clone())
            .pacing(self.pacing)
            .start(config, Arc::clone(&self.store), Arc::clone(&self.transport), self.stage.clock)
            .await
            .unwrap();
        self.stage.mount(bot.bot());
        bot
    }

    /// Who was rung since the last look, and when, in seconds since the beginning.
    fn rung(&mut self) -> Vec<(String, u64)> {
        let seen = std::iter::from_fn(|| self.seen.try_recv().ok());
        let begun = self.begun;
        seen.filter_map(|seen| match seen.what {
            What::Person { name, did } if did == "is rung" => Some((name, (seen.at - begun) / 1000)),
            _ => None,
        })
        .collect()
    }

    fn times(&mut self) -> Vec<u64> {
        self.rung().into_iter().map(|(_, at)| at).collect()
    }
}

fn picks_up(then: Vec<Step>) -> WhenRung {
    WhenRung::PickUp { after: Duration::from_secs(5), then }
}

fn says_yes() -> WhenRung {
    picks_up(vec![Step::AwaitPromptEnd, Step::Press('1'), Step::AwaitHangUp])
}

fn hangs_up() -> WhenRung {
    picks_up(vec![Step::AwaitPromptStart, Step::HangUp])
}

/// Minutes between attempts, whatever came of them.
fn every(minutes: u64, attempts: usize) -> RetryPlan {
    RetryPlan::every(Duration::from_secs(60 * minutes), attempts)
}

async fn after(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

async fn outcome(bot: &OutboundBot<Asker>, id: &EntryId) -> Option<Outcome> {
    match bot.entry(id).await?.standing {
        Standing::Settled { outcome, .. } => Some(outcome),
        Standing::Waiting { .. } | Standing::Calling { .. } => None,
    }
}

async fn dispositions(bot: &OutboundBot<Asker>, id: &EntryId) -> Vec<Option<Disposition>> {
    bot.entry(id).await.unwrap().attempts.iter().map(|attempt| attempt.disposition).collect()
}

#[tokio::test(start_paused = true)]
async fn each_is_tried_as_often_as_the_plan_says_and_told_of_once() {
    use Disposition::{Answered, Incomplete, NoAnswer, Unreachable};
    for (name, when_rung, came, expected, times) in [
        ("Ada", says_yes(), vec![Answered], Outcome::Reached, vec![0]),
        ("Bob", hangs_up(), vec![Incomplete; 3], Outcome::GivenUp(Incomplete), vec![0, 305, 610]),
        ("Cid", WhenRung::Ignore, vec![NoAnswer; 3], Outcome::GivenUp(NoAnswer), vec![0, 330, 660]),
        ("Dan", WhenRung::Decline, vec![Unreachable; 3], Outcome::GivenUp(Unreachable), vec![0, 300, 600]),
    ] {
        let mut scene = Scene::new();
        let whom = scene.stage.person(name, when_rung);
        let bot = scene.start().await;
        let plan = RetryPlan { ring: Duration::from_secs(30), ..every(5, 3) };
        let id = bot.plan(Planned::new(whom, Asked::default()).plan(plan)).await.unwrap();
        after(3000).await;
        assert_eq!(outcome(&bot, &id).await, Some(expected), "{name}");
        let came: Vec<_> = came.into_iter().map(Some).collect();
        assert_eq!(dispositions(&bot, &id).await, came, "{name}");
        // A plan waits from the end of an attempt.
        let rung = scene.times();
        assert!(rung.iter().zip(&times).all(|(at, expected)| at.abs_diff(*expected) <= 8), "{name} {rung:?}");
        assert_eq!(rung.len(), times.len(), "{name}");
        let told = scene.handler.told.lock().unwrap().clone();
        assert_eq!(told.len(), 1, "{name}");
        assert_eq!(bot.state(&id).await.unwrap().as_ref(), Some(&told[0].2));
        let answered = u32::try_from(rung.len()).unwrap();
        let established = if matches!(name, "Ada" | "Bob") { answered } else { 0 };
        assert_eq!(told[0].2.calls, established, "the state goes from attempt to attempt: {name}");
        after(3600).await;
        assert_eq!(bot.entry(&id).await, None, "it is forgotten");
        assert_eq!(scene.store.names().await.unwrap(), [], "{name}");
        bot.bot().stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn several_are_called_in_turn() {
    let mut scene = Scene::new();
    let ada = scene.stage.person("Ada", WhenRung::Decline);
    let bob = scene.stage.person("Bob", WhenRung::Decline);
    let bot = scene.start().await;
    bot.plan(Planned::new(ada, Asked::default()).or_else(bob).plan(every(0, 4))).await.unwrap();
    after(60).await;
    let names: Vec<_> = scene.rung().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["Ada", "Bob", "Ada", "Bob"]);
}

#[tokio::test(start_paused = true)]
async fn no_more_at_once_and_no_more_a_minute_than_the_pacing_says_and_in_order() {
    // How many at once and a minute, for how long each rings, and when they are begun.
    for (at_once, per_minute, rings, expected) in [
        (2, 100, 50, vec![0, 0, 50, 50, 100, 100]),
        (100, 2, 10, vec![0, 0, 60, 60, 120, 120]),
        (2, 3, 40, vec![0, 0, 40, 60, 80, 100]),
    ] {
        let mut scene = Scene::new();
        scene.pacing = Pacing { at_once, per_minute };
        let bot = scene.start().await;
        for number in 0..6 {
            let whom = scene.stage.person(&format!("{number}"), WhenRung::Ignore);
            let plan = RetryPlan { ring: Duration::from_secs(rings), ..every(1000, 1) };
            bot.plan(Planned::new(whom, Asked::default()).plan(plan)).await.unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        after(600).await;
        let rung = scene.rung();
        let names: Vec<_> = rung.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["0", "1", "2", "3", "4", "5"]);
        let times: Vec<_> = rung.iter().map(|(_, at)| *at).collect();
        let is_close = times.iter().zip(&expected).all(|(at, expected)| at.abs_diff(*expected) <= 1);
        assert!(is_close, "{at_once} {per_minute}: {times:?}");
        bot.bot().stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_and_what_is_up_goes_on_after_a_restart_and_the_bounds_hold() {
    let mut scene = Scene::new();
    scene.pacing = Pacing { at_once: 3, per_minute: 2 };
    let first = scene.start().await;
    let mut ids = Vec::new();
    for name in ["Ada", "Bob", "Cid"] {
        let whom = scene.stage.person(name, says_yes());
        ids.push(first.plan(Planned::new(whom, Asked::default())).await.unwrap());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    after(6).await;
    first.bot().stop().await;
    assert_eq!(scene.times().len(), 2);
    let second = scene.start().await;
    after(30).await;
    assert_eq!(scene.times(), [0; 0], "two were begun within the minute");
    for id in &ids[..2] {
        assert_eq!(outcome(&second, id).await, Some(Outcome::Reached), "it was up");
    }
    after(30).await;
    assert_eq!(scene.times(), [60]);
    after(60).await;
    let listed: BTreeMap<_, _> =
        second.entries().await.into_iter().map(|entry| (entry.id, entry.attempts.len())).collect();
    assert_eq!(listed, ids.iter().map(|id| (id.clone(), 1)).collect());
    assert_eq!(second.bot().calls().await.unwrap().len(), 3, "an entry is no call");
}

#[tokio::test(start_paused = true)]
async fn an_entry_is_cancelled_before_between_and_during_attempts() {
    for (when_rung, cancelled_after, expected, rings) in [
        (WhenRung::Decline, None, Outcome::Cancelled, 0),
        (WhenRung::Decline, Some(60), Outcome::Cancelled, 1),
        (WhenRung::Ignore, Some(10), Outcome::Cancelled, 1),
        (picks_up(vec![Step::AwaitHangUp]), Some(6), Outcome::Cancelled, 1),
    ] {
        let mut scene = Scene::new();
        let whom = scene.stage.person("Ada", when_rung.clone());
        let bot = scene.start().await;
        let not_before = Some(scene.begun + u64::from(cancelled_after.is_none()) * 60_000);
        let plan = RetryPlan { window: Window { not_before, ..Window::default() }, ..every(5, 3) };
        let id = bot.plan(Planned::new(whom, Asked::default()).plan(plan)).await.unwrap();
        after(cancelled_after.unwrap_or(5)).await;
        assert!(bot.cancel(&id).await.unwrap(), "{when_rung:?}");
        after(20).await;
        assert_eq!(outcome(&bot, &id).await, Some(expected), "{when_rung:?} {cancelled_after:?}");
        assert!(!bot.cancel(&id).await.unwrap(), "it is over");
        after(3000).await;
        assert_eq!(scene.times().len(), rings, "{when_rung:?} {cancelled_after:?}");
        assert!(scene.stage.simulator.calls().iter().all(|call| call.state == "terminated"));
        assert_eq!(scene.handler.told.lock().unwrap().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_cancelled_before_a_restart_is_ended_after_it() {
    let mut scene = Scene::new();
    let whom = scene.stage.person("Ada", picks_up(vec![Step::AwaitHangUp]));
    let first = scene.start().await;
    let id = first.plan(Planned::new(whom, Asked::default()).plan(every(5, 3))).await.unwrap();
    after(6).await;
    // The bot has no way to say it.
    scene.stage.net.mount("graph.test", axum::Router::new());
    assert!(first.cancel(&id).await.unwrap());
    first.bot().stop().await;
    scene.stage.net.mount("graph.test", scene.stage.simulator.router());
    let second = scene.start().await;
    after(60).await;
    assert_eq!(outcome(&second, &id).await, Some(Outcome::Cancelled));
    assert_eq!(scene.times().len(), 1);
}

/// Answers requests for calls itself for a while.
struct Busy {
    inner: Arc<dyn Transport>,
    status: u16,
    left: AtomicU16,
}

impl Transport for Busy {
    fn send(&self, request: Request<Bytes>) -> Exchange {
        let is_placed =
            request.method() == http::Method::POST && request.uri().path().ends_with("/communications/calls");
        if is_placed && self.left.load(Ordering::SeqCst) > 0 {
            self.left.fetch_sub(1, Ordering::SeqCst);
            let status = self.status;
            return Box::pin(async move {
                Ok(Response::builder().status(status).header("retry-after", "60").body(Bytes::new()).unwrap())
            });
        }
        self.inner.send(request)
    }
}

#[tokio::test(start_paused = true)]
async fn too_many_requests_put_a_call_back_and_any_other_refusal_does_not() {
    for (status, times, expected) in [
        (429, 3, Outcome::Reached),
        (403, 1, Outcome::GivenUp(Disposition::Refused)),
        // It may have been done.
        (500, 1, Outcome::GivenUp(Disposition::Unknown)),
    ] {
        let mut scene = Scene::new();
        let left = AtomicU16::new(times);
        scene.transport = Arc::new(Busy { inner: scene.stage.transport(), status, left });
        let whom = scene.stage.person("Ada", says_yes());
        let bot = scene.start().await;
        let id = bot.plan(Planned::new(whom, Asked::default()).plan(every(1, 1))).await.unwrap();
        after(1000).await;
        assert_eq!(outcome(&bot, &id).await, Some(expected), "{status}");
        let rung = scene.times();
        assert_eq!(rung.len(), usize::from(expected == Outcome::Reached), "{status}");
        if status == 429 {
            assert!(rung[0] >= 60, "it was let alone meanwhile: {rung:?}");
            let came = dispositions(&bot, &id).await;
            assert_eq!(came.last(), Some(&Some(Disposition::Answered)), "{came:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_quota_that_is_used_makes_it_wait() {
    let mut scene = Scene::new();
    scene.quota = Quota { concurrent: 1, enforce: Enforce::Refuse, ..Quota::default() };
    let bot = scene.start().await;
    let mut ids = Vec::new();
    for name in ["Ada", "Bob"] {
        let whom = scene.stage.person(name, says_yes());
        ids.push(bot.plan(Planned::new(whom, Asked::default()).plan(every(1, 1))).await.unwrap());
    }
    after(120).await;
    for id in &ids {
        assert_eq!(outcome(&bot, id).await, Some(Outcome::Reached));
        assert_eq!(dispositions(&bot, id).await.len(), 1);
    }
    assert_eq!(scene.rung().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_rung_outside_of_the_hours_nor_once_time_is_up() {
    let mut scene = Scene::new();
    let whom = scene.stage.person("Ada", WhenRung::Decline);
    let bot = scene.start().await;
    // Hours that begin two hours from now, and last one.
    let minute_of_day = u32::try_from(scene.begun / 60_000 % 1440).unwrap();
    let at = |minutes: u32| {
        let minutes = (minute_of_day + minutes) % 1440;
        (u8::try_from(minutes / 60).unwrap(), u8::try_from(minutes % 60).unwrap())
    };
    let daily = DailyHours::try_new(at(120), at(180), 0);
    assert!(daily.is_some());
    let window = Window { daily, ..Window::default() };
    let within = Duration::from_secs(48 * 3600);
    let plan = RetryPlan { window, within, ..every(50, 9) };
    let id = bot.plan(Planned::new(whom.clone(), Asked::default()).plan(plan)).await.unwrap();
    after(50 * 3600).await;
    let minutes: Vec<_> = scene.times().into_iter().map(|at| at / 60).collect();
    assert_eq!(minutes.len(), 4, "{minutes:?}");
    for (minute, expected) in minutes.iter().zip([120, 170, 1560, 1610]) {
        assert!(minute.abs_diff(expected) <= 1, "{minutes:?}");
    }
    assert_eq!(bot.entry(&id).await, None, "it is over for long");
    let told = scene.handler.told.lock().unwrap().clone();
    assert!(matches!(told[0].1, Standing::Settled { outcome: Outcome::Expired, .. }));
    let never = Window { not_after: Some(1), ..Window::default() };
    let refused =
        bot.plan(Planned::new(whom, Asked::default()).plan(RetryPlan { window: never, ..every(1, 1) })).await;
    assert!(matches!(refused, Err(PlanError::NoMoment)));
}

#[tokio::test(start_paused = true)]
async fn what_has_a_key_is_planned_once() {
    let mut scene = Scene::new();
    let whom = scene.stage.person("Ada", says_yes());
    let planned = || Planned::new(whom.clone(), Asked::default()).key("appointment 4711");
    let first = scene.start().await;
    let id = first.plan(planned()).await.unwrap();
    assert_eq!(first.plan(planned()).await.unwrap(), id);
    after(60).await;
    first.bot().stop().await;
    let second = scene.start().await;
    assert_eq!(second.plan(planned()).await.unwrap(), id);
    after(60).await;
    assert_eq!(scene.times().len(), 1);
    assert_eq!(EntryId::try_new(id.as_str()), Some(id));
    assert_eq!(EntryId::try_new("o-1"), None);
}

#[tokio::test(start_paused = true)]
async fn an_author_who_could_not_be_told_is_told_again() {
    let scene = Scene::new();
    scene.handler.fails.store(2, Ordering::SeqCst);
    let whom = scene.stage.person("Ada", says_yes());
    let bot = scene.start().await;
    bot.plan(Planned::new(whom, Asked::default())).await.unwrap();
    after(600).await;
    let told = scene.handler.told.lock().unwrap().clone();
    assert_eq!(told.len(), 3);
    assert!(told.iter().all(|(_, _, asked)| asked.answer == Some(true)));
}

#[tokio::test(start_paused = true)]
async fn a_drained_bot_calls_nobody_else_and_the_next_one_does() {
    let mut scene = Scene::new();
    scene.pacing = Pacing { at_once: 1, per_minute: 100 };
    let first = scene.start().await;
    for name in ["Ada", "Bob"] {
        let whom = scene.stage.person(name, says_yes());
        first.plan(Planned::new(whom, Asked::default())).await.unwrap();
    }
    after(6).await;
    let drained = first.bot().drain(Drain::new(Duration::from_secs(60))).await;
    assert!(drained.left.is_empty() && drained.hung_up.is_empty(), "{drained:?}");
    assert_eq!(scene.rung().len(), 1);
    let second = scene.start().await;
    after(60).await;
    assert_eq!(scene.rung().len(), 1);
    let entries = second.entries().await;
    assert_eq!(entries.len(), 2);
    for entry in entries {
        assert_eq!(outcome(&second, &entry.id).await, Some(Outcome::Reached));
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_of_an_attempt_is_kept_until_its_entry_has_what_came_of_it() {
    let mut scene = Scene::new();
    let whom = scene.stage.person("Ada", says_yes());
    let mut config = scene.stage.config();
    config.keep_ended = Duration::ZERO;
    let start = async || {
        let bot = Outbound::new(scene.handler.clone())
            .start(config.clone(), Arc::clone(&scene.store), scene.stage.transport(), scene.stage.clock)
            .await
            .unwrap();
        scene.stage.mount(bot.bot());
        bot
    };
    let bot = start().await;
    let id = bot.plan(Planned::new(whom, Asked::default()).plan(every(1, 3))).await.unwrap();
    after(60).await;
    assert_eq!(outcome(&bot, &id).await, Some(Outcome::Reached));
    assert_eq!(bot.bot().calls().await.unwrap(), [], "then it is forgotten");
    bot.bot().stop().await;
    assert_eq!(scene.times().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_lost_counts_and_is_not_repeated() {
    let mut scene = Scene::new();
    let whom = scene.stage.person("Ada", says_yes());
    let first = scene.start().await;
    let id = first.plan(Planned::new(whom, Asked::default())).await.unwrap();
    after(6).await;
    first.bot().stop().await;
    let Standing::Calling { call } = first.entry(&id).await.unwrap().standing else { panic!() };
    let last_seq = scene.store.read(&call).await.unwrap().unwrap().last_seq;
    assert!(scene.store.forget(&call, last_seq).await.unwrap());
    let second = scene.start().await;
    after(7200).await;
    assert_eq!(second.entry(&id).await, None);
    let told = scene.handler.told.lock().unwrap().clone();
    let expected = Outcome::GivenUp(Disposition::Unknown);
    assert!(matches!(told[0].1, Standing::Settled { outcome, .. } if outcome == expected), "{told:?}");
    assert_eq!(scene.times().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_number_that_the_rules_forbid_is_refused_and_not_lost() {
    let scene = Scene::new();
    let bot = scene.start().await;
    let phone = Target::Phone("+12345678901".into());
    let id = bot.plan(Planned::new(phone, Asked::default())).await.unwrap();
    after(10).await;
    let refused = Outcome::GivenUp(Disposition::Refused);
    assert_eq!(outcome(&bot, &id).await, Some(refused), "{:?}", bot.entry(&id).await);
}
