//! Planned calls while the power goes at any step: each entry ends once, nobody is rung twice for one attempt, and the bounds
//! of the pacing hold, across processes.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)] // helpers of tests; figures are printed

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use callflow_core::event::Event;
use callflow_graph::bot::{Call, CallHandler, HandlerError};
use callflow_graph::outbound::{
    Disposition, Entry, EntryId, Outbound, OutboundBot, OutboundHandler, Outcome, Pacing, Planned, RetryPlan,
    Standing,
};
use callflow_graph::session::Target;
use callflow_graph::simulator::{Faults, Observed, Person, Step, What, WhenRung};
use callflow_graph::store::Store;
use callflow_graph::store::memory::Memory;
use callflow_tests::Scene;
use callflow_tests::cut::{CutNet, CutStore, Fault, Power, Side};
use callflow_tests::service::Service;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde::{Deserialize, Serialize};

const PERMISSIONS: [&str; 2] = ["Calls.Initiate.All", "Calls.AccessMedia.All"];
const PAUSE: Duration = Duration::from_secs(20);
/// How long the service lets it ring, in milliseconds.
const RINGS_FOR: u64 = 60_000;

/// What somebody does each time that he is rung.
#[derive(Clone, Copy, Debug)]
enum Reaction {
    TakesIt,
    HangsUpAtOnce,
    Declines,
    LetsItRing,
}

impl Reaction {
    fn when_rung(self) -> WhenRung {
        let picks_up = |then| WhenRung::PickUp { after: Duration::from_secs(4), then };
        match self {
            Self::TakesIt => picks_up(vec![Step::Wait(Duration::from_secs(10)), Step::HangUp]),
            Self::HangsUpAtOnce => picks_up(vec![Step::HangUp]),
            Self::Declines => WhenRung::Decline,
            Self::LetsItRing => WhenRung::Ignore,
        }
    }
}

/// Somebody who is to be called.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    reaction: Reaction,
    attempts: usize,
    wait: u64,
    /// When he is cancelled, in seconds.
    cancelled_at: Option<u64>,
}

/// What the bot keeps: how often a call to him was established.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Met(u32);

#[derive(Clone, Default)]
struct Caller {
    settled: Arc<Mutex<Vec<(EntryId, Outcome)>>>,
}

impl CallHandler for Caller {
    type State = Met;

    async fn on_event(&self, _: &mut Call<'_>, met: &mut Met, event: &Event) -> Result<(), HandlerError> {
        if *event == Event::Established {
            met.0 += 1;
        }
        Ok(())
    }
}

impl OutboundHandler for Caller {
    async fn on_settled(&self, entry: &Entry, _: &Met) -> Result<(), HandlerError> {
        if let Standing::Settled { outcome, .. } = entry.standing {
            self.settled.lock().unwrap().push((entry.id.clone(), outcome));
        }
        Ok(())
    }
}

/// A run of some processes, one after another, on one store.
struct World {
    scene: Scene,
    service: Arc<Service>,
    store: Arc<Memory>,
    caller: Caller,
    pacing: Pacing,
}

struct Process {
    power: Arc<Power>,
    bot: OutboundBot<Caller>,
}

impl World {
    fn new(pacing: Pacing) -> Self {
        let scene = Scene::new(&PERMISSIONS, Faults::default());
        let service = Service::new(scene.net.clone());
        Self { scene, service, store: Arc::new(Memory::new()), caller: Caller::default(), pacing }
    }

    /// Starts a process; none where its power goes before it has begun.
    async fn start(&self, cut: Option<(u32, Side)>, fault: Fault) -> (Arc<Power>, Option<Process>) {
        let power = Power::until(cut);
        let inner: Arc<dyn Store> = Arc::<Memory>::clone(&self.store);
        let store = Arc::new(CutStore { inner, power: Arc::clone(&power), takes: Duration::ZERO, fault });
        let net = Arc::new(CutNet { net: Arc::clone(&self.service), power: Arc::clone(&power) });
        let started = Outbound::new(self.caller.clone())
            .pacing(self.pacing)
            .keep_settled(Duration::from_secs(1_000_000))
            .start(self.scene.config(), store, net, self.scene.clock);
        let bot = tokio::select! {
            bot = started => bot.unwrap(),
            () = power.off() => return (power, None),
        };
        self.scene.net.mount("bot.test", bot.bot().router());
        (Arc::clone(&power), Some(Process { power, bot }))
    }
}

/// What came of a run.
#[derive(Debug, Default)]
struct Ran {
    broken: Vec<String>,
    cuts: usize,
}

/// Calls all, with power cuts at these steps of the first processes, and says what is broken.
async fn run(all: &[Wanted], pacing: Pacing, cuts: &[(u32, Side)], fault: Fault) -> Ran {
    let world = World::new(pacing);
    let mut seen = world.scene.simulator.watch();
    let begun = world.scene.clock.now_millis();
    for (number, wanted) in all.iter().enumerate() {
        let when_rung = wanted.reaction.when_rung();
        let (id, display_name) = (format!("{number}"), format!("{number}"));
        world.scene.simulator.add_person(Person { id, display_name, when_rung });
    }
    let mut ran = Ran::default();
    let mut ids: BTreeMap<usize, EntryId> = BTreeMap::new();
    let mut cancelled = BTreeSet::new();
    let mut cuts = cuts.iter().copied();
    let mut next_cut = cuts.next();
    let ended_at = begun + 2 * 3600 * 1000;
    while world.scene.clock.now_millis() < ended_at {
        let (power, process) = world.start(next_cut, fault).await;
        if let Some(process) = &process {
            let work = work(&world, process, all, &mut ids, &mut cancelled, begun, ended_at);
            tokio::select! {
                () = work => {}
                () = power.off() => {}
            }
        }
        if power.is_off() && next_cut.is_some() {
            ran.cuts += 1;
            next_cut = cuts.next();
        }
        if world.scene.clock.now_millis() >= ended_at
            && let Some(process) = &process
        {
            let entries = process.bot.entries().await;
            judge(&world, all, &ids, &entries, ran.cuts > 0, &mut ran.broken);
        }
        // Its tasks are dropped where they stand.
        power.cut();
        world.scene.net.mount("bot.test", axum::Router::new());
        if let Some(process) = process {
            tokio::spawn(async move { process.bot.bot().stop().await });
        }
        tokio::time::sleep(PAUSE).await;
    }
    let seen: Vec<_> = std::iter::from_fn(|| seen.try_recv().ok()).collect();
    judge_rings(all, &ids, &world, &seen, &mut ran.broken).await;
    ran
}

/// Plans who is not planned yet, cancels whom it is time to, and waits for the end.
async fn work(
    world: &World,
    process: &Process,
    all: &[Wanted],
    ids: &mut BTreeMap<usize, EntryId>,
    cancelled: &mut BTreeSet<usize>,
    begun: u64,
    ended_at: u64,
) {
    for (number, wanted) in all.iter().enumerate() {
        if ids.contains_key(&number) {
            continue;
        }
        let plan = RetryPlan {
            ring: Duration::from_secs(20),
            ..RetryPlan::every(Duration::from_secs(wanted.wait), wanted.attempts)
        };
        let planned = Planned::new(Target::User(format!("{number}")), Met::default());
        // The author does not know after a crash whether it was planned: the key does.
        let id = process.bot.plan(planned.plan(plan).key(format!("{number}"))).await.unwrap();
        ids.insert(number, id);
    }
    loop {
        let now = world.scene.clock.now_millis();
        for (number, wanted) in all.iter().enumerate() {
            let is_time = wanted.cancelled_at.is_some_and(|at| begun + at * 1000 <= now);
            if is_time && !cancelled.contains(&number) {
                process.bot.cancel(&ids[&number]).await.unwrap();
                cancelled.insert(number);
            }
        }
        if now >= ended_at || process.power.is_off() {
            return;
        }
        let pause = if now < begun + 300_000 { 1 } else { 600 };
        tokio::time::sleep(Duration::from_secs(pause)).await;
    }
}

/// How the entries stand in the end.
fn judge(
    world: &World,
    all: &[Wanted],
    ids: &BTreeMap<usize, EntryId>,
    entries: &[Entry],
    was_cut: bool,
    broken: &mut Vec<String>,
) {
    let settled = world.caller.settled.lock().unwrap().clone();
    if entries.len() != all.len() {
        broken.push(format!("{} entries of {}", entries.len(), all.len()));
    }
    for (number, wanted) in all.iter().enumerate() {
        let Some(entry) = entries.iter().find(|entry| Some(&entry.id) == ids.get(&number)) else {
            broken.push(format!("{number} was forgotten"));
            continue;
        };
        let Standing::Settled { outcome, .. } = entry.standing else {
            broken.push(format!("{number} never ended: {:?}", entry.standing));
            continue;
        };
        let told: BTreeSet<_> = settled
            .iter()
            .filter(|(id, _)| *id == entry.id)
            .map(|(_, outcome)| format!("{outcome:?}"))
            .collect();
        if told != BTreeSet::from([format!("{outcome:?}")]) {
            broken.push(format!("{number} is {outcome:?}, and the author was told {told:?}"));
        }
        let counted =
            entry.attempts.iter().filter(|attempt| attempt.disposition.is_some_and(Disposition::is_attempt));
        if counted.count() > wanted.attempts {
            broken.push(format!("{number} had too many attempts: {:?}", entry.attempts));
        }
        if entry.attempts.iter().any(|attempt| attempt.disposition.is_none()) {
            broken.push(format!("{number} ended without its attempt: {:?}", entry.attempts));
        }
        let fits = match outcome {
            Outcome::Reached => matches!(wanted.reaction, Reaction::TakesIt | Reaction::HangsUpAtOnce),
            Outcome::Cancelled => wanted.cancelled_at.is_some(),
            Outcome::GivenUp(Disposition::Unknown) => true,
            // He may have taken it, and hung up, while the bot was not there.
            Outcome::GivenUp(Disposition::NoAnswer) if was_cut => true,
            Outcome::GivenUp(_) => !matches!(wanted.reaction, Reaction::TakesIt | Reaction::HangsUpAtOnce),
            _ => false,
        };
        if !fits {
            broken
                .push(format!("{number} cannot have ended so: {outcome:?} {wanted:?} {:?}", entry.attempts));
        }
    }
}

/// When people were rung, and for how long their calls went on, by the service's account.
async fn judge_rings(
    all: &[Wanted],
    ids: &BTreeMap<usize, EntryId>,
    world: &World,
    seen: &[Observed],
    broken: &mut Vec<String>,
) {
    // Calls by their ids: whom they rang, and when they began.
    let mut begun: Vec<(usize, u64, String)> = Vec::new();
    for one in seen {
        if let What::Person { name, did } = &one.what
            && did == "is rung"
        {
            begun.push((name.parse().unwrap(), one.at, one.call.clone().unwrap()));
        }
    }
    for (number, wanted) in all.iter().enumerate() {
        let of_him: Vec<_> = begun.iter().filter(|(whom, ..)| *whom == number).collect();
        let attempts = match ids.get(&number) {
            Some(id) => {
                let name = callflow_graph::store::CallName::try_new(id.as_str()).unwrap();
                let record = world.store.read(&name).await.unwrap().unwrap();
                let kept: serde_json::Value = serde_json::from_slice(&record.author).unwrap();
                let attempts = kept["attempts"].as_array().unwrap().iter();
                attempts.filter(|attempt| attempt["disposition"] != "NotPlaced").count()
            }
            None => 0,
        };
        if of_him.len() > attempts || of_him.len() > wanted.attempts {
            broken.push(format!("{number} was rung {} times in {attempts} attempts", of_him.len()));
        }
        // What one call to him is over by: it rings 20 seconds, and goes on for 10.
        for pair in of_him.windows(2) {
            let gap = pair[1].1 - pair[0].1;
            if gap < wanted.wait * 1000 {
                broken.push(format!("{number} was rung again after {gap} ms"));
            }
        }
    }
    let per_minute = world.pacing.per_minute;
    for window in begun.windows(per_minute + 1) {
        // Between its plan and its ring a call takes a moment, which may differ by a little.
        if window[per_minute].1 - window[0].1 + 1000 < 60_000 {
            broken.push(format!("more than {per_minute} in a minute: {window:?}"));
        }
    }
    judge_at_once(all, world.pacing.at_once, seen, broken);
}

/// How many calls were up at once, and whether two were to the same.
fn judge_at_once(all: &[Wanted], most: usize, seen: &[Observed], broken: &mut Vec<String>) {
    let mut up: BTreeMap<&str, (usize, u64)> = BTreeMap::new();
    for one in seen {
        let Some(call) = one.call.as_deref() else { continue };
        // Who lets it ring is not rung for ever.
        up.retain(|_, (whom, at)| {
            !matches!(all[*whom].reaction, Reaction::LetsItRing) || one.at - *at < RINGS_FOR
        });
        match &one.what {
            What::Person { name, did } if did == "is rung" => {
                let number = name.parse().unwrap();
                if up.values().any(|(whom, _)| *whom == number) {
                    broken.push(format!("{name} is rung while a call to him is up"));
                }
                up.insert(call, (number, one.at));
            }
            What::Person { did, .. } if did == "hangs up" || did == "declines" => {
                up.remove(call);
            }
            What::Request { method, status, .. } if method == "DELETE" && *status < 300 => {
                up.remove(call);
            }
            _ => {}
        }
        if up.len() > most {
            broken.push(format!("{} at once: {up:?}", up.len()));
            return;
        }
    }
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let reaction = prop_oneof![
        Just(Reaction::TakesIt),
        Just(Reaction::HangsUpAtOnce),
        Just(Reaction::Declines),
        Just(Reaction::LetsItRing),
    ];
    let cancelled_at = proptest::option::weighted(0.3, 0u64..200);
    (reaction, 1usize..4, prop_oneof![Just(0u64), Just(30), Just(600)], cancelled_at).prop_map(
        |(reaction, attempts, wait, cancelled_at)| Wanted { reaction, attempts, wait, cancelled_at },
    )
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Before), Just(Side::After)]
}

fn paused<T>(run: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(run)
}

#[test]
fn each_entry_ends_once_whatever_comes_of_it_and_wherever_the_power_goes() {
    let cases = (
        proptest::collection::vec(wanted(), 1..5),
        1usize..4,
        1usize..5,
        proptest::collection::vec((1u32..120, side()), 0..4),
    );
    let mut runner = TestRunner::new(Config { cases: 48, failure_persistence: None, ..Config::default() });
    let cut = std::cell::Cell::new(0);
    runner
        .run(&cases, |(all, at_once, per_minute, cuts)| {
            let pacing = Pacing { at_once, per_minute };
            let ran = paused(run(&all, pacing, &cuts, Fault::None));
            cut.set(cut.get() + ran.cuts);
            prop_assert!(ran.broken.is_empty(), "{:?}", ran.broken);
            Ok(())
        })
        .unwrap();
    println!("{} power cuts", cut.get());
    assert!(cut.get() >= 20, "{} cuts are too few to mean anything", cut.get());
}

const EACH: [Wanted; 3] = [
    Wanted { reaction: Reaction::TakesIt, attempts: 2, wait: 30, cancelled_at: None },
    Wanted { reaction: Reaction::LetsItRing, attempts: 2, wait: 30, cancelled_at: None },
    Wanted { reaction: Reaction::Declines, attempts: 3, wait: 30, cancelled_at: Some(60) },
];

#[test]
fn the_power_goes_at_every_step() {
    let pacing = Pacing { at_once: 2, per_minute: 3 };
    for side in [Side::Before, Side::After] {
        let mut steps = 0;
        for step in 1.. {
            let ran = paused(run(&EACH, pacing, &[(step, side)], Fault::None));
            assert!(ran.broken.is_empty(), "{side:?} {step}: {:?}", ran.broken);
            if ran.cuts == 0 {
                break;
            }
            steps = step;
        }
        println!("{side:?}: {steps} steps");
        assert!(steps >= 50, "{steps} cuts are too few to mean anything");
    }
}

#[test]
fn the_rules_notice_a_store_that_forgets_that_a_request_left() {
    let pacing = Pacing { at_once: 2, per_minute: 3 };
    let is_noticed = (1..60)
        .any(|step| !paused(run(&EACH, pacing, &[(step, Side::After)], Fault::LosesMarks)).broken.is_empty());
    assert!(is_noticed);
}
