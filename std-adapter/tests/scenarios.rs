//! The scenarios that come with the crate: each is passed by a bot of the examples, or by one that is made for it here,
//! without faults and under the faults of many seeds, in virtual time.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)] // helpers of tests, beside the tests themselves

use std::collections::BTreeSet;
use std::error::Error;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use axum::routing::post;
use axum::{Json, Router};
use callflow_core::event::Event;
use callflow_graph::bot::{Bot, Call, CallHandler, HandlerError};
use callflow_graph::conversation::{Conversation, Fallback, Scripted, ScriptedBot};
use callflow_graph::outbound::{OutboundBot, OutboundHandler, Planned};
use callflow_graph::piece::Failure;
use callflow_graph::scenario::{Report, SHIPPED, Scenario, run};
use callflow_graph::session::{Destination, Invitee, Placement, Target};
use callflow_graph::simulator::Stage;
use callflow_graph::simulator::seed::{Habit, PersonSeed};
use callflow_graph::store::Store;
use callflow_graph::store::memory::Memory;
use http::StatusCode;
use serde::Deserialize;

#[allow(dead_code)]
#[path = "../examples/conference.rs"]
mod conference;
#[allow(dead_code)]
#[path = "../examples/ivr.rs"]
mod ivr;
#[allow(dead_code)]
#[path = "../examples/meeting.rs"]
mod meeting;
#[allow(dead_code)]
#[path = "../examples/pager.rs"]
mod pager;
#[allow(dead_code)]
#[path = "../examples/recorder.rs"]
mod recorder;
#[allow(dead_code)]
#[path = "../examples/reminder.rs"]
mod reminder;
#[allow(dead_code)]
#[path = "../examples/transfer_desk.rs"]
mod transfer_desk;

/// Under the faults of how many seeds each scenario is passed.
const SEEDS: u64 = 100;

type Started<B> = Result<B, Box<dyn Error>>;

fn shipped(name: &str) -> Scenario {
    let (_, text) = SHIPPED.iter().find(|(known, _)| *known == name).unwrap();
    Scenario::read(text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Runs a scenario on a runtime of its own, so that nothing of one run is there in the next.
fn once<B>(scenario: &Scenario, seed: Option<u64>, start: &impl AsyncFn(&Stage) -> Started<B>) -> Report {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(run(scenario, seed, start)).unwrap()
}

#[allow(clippy::needless_pass_by_value)] // a closure, written where it is given
fn is_passed<B>(name: &str, start: impl AsyncFn(&Stage) -> Started<B>) {
    let scenario = shipped(name);
    let began = Instant::now();
    for seed in std::iter::once(None).chain((1..=SEEDS).map(Some)) {
        let report = once(&scenario, seed, &start);
        assert!(report.is_passed(), "{report}");
    }
    #[allow(clippy::cast_precision_loss)]
    let rate = (SEEDS + 1) as f64 / began.elapsed().as_secs_f64();
    println!("{name}: {rate:.0} runs a second");
}

/// Puts a bot on the stage, with what its operator tells it.
fn mount(stage: &Stage, bot: &Bot, operator: Router) {
    stage.net.mount("bot.test", bot.router().merge(operator));
}

/// Whom the bot is told to call.
#[derive(Deserialize)]
struct Whom {
    #[serde(default)]
    user: Option<String>,
    #[serde(default)]
    users: Vec<String>,
}

#[derive(Deserialize)]
struct Which {
    link: String,
}

/// A bot that only calls; `told` is what becomes of what it is told at `path`, which is accepted at once.
async fn placing<T, F>(
    stage: &Stage,
    path: &str,
    told: impl Fn(ScriptedBot, T) -> F + Clone + Send + Sync + 'static,
) -> Started<ScriptedBot>
where
    T: serde::de::DeserializeOwned + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let bot = Scripted::placing_only()
        .start(stage.config(), Arc::new(Memory::new()), stage.transport(), stage.clock)
        .await?;
    let of_operator = bot.clone();
    let operator = post(move |Json(body): Json<T>| {
        tokio::spawn(told(of_operator.clone(), body));
        async { StatusCode::ACCEPTED }
    });
    mount(stage, bot.bot(), Router::new().route(path, operator));
    Ok(bot)
}

/// A bot whose calls are scripts, which may place calls themselves.
async fn scripted<F>(
    stage: &Stage,
    script: impl Fn(ScriptedBot, Conversation) -> F + Clone + Send + Sync + 'static,
) -> Started<ScriptedBot>
where
    F: Future<Output = Result<(), Failure>> + Send + 'static,
{
    let the_bot = Arc::new(OnceLock::<ScriptedBot>::new());
    let of_scripts = Arc::clone(&the_bot);
    let bot = Scripted::new(move |call| {
        let (bot, script) = (Arc::clone(&of_scripts), script.clone());
        async move { script(bot.get().ok_or(Failure::Gone)?.clone(), call).await }
    })
    .fallback(Fallback::say(Stage::prompt("sorry")))
    .start(stage.config(), Arc::new(Memory::new()), stage.transport(), stage.clock)
    .await?;
    the_bot.set(bot.clone()).map_err(|_| "it is set once")?;
    mount(stage, bot.bot(), Router::new());
    Ok(bot)
}

async fn durable(stage: &Stage, handler: impl CallHandler) -> Started<Bot> {
    let store = Arc::new(Memory::new());
    let bot = Bot::start(stage.config(), handler, store, stage.transport(), stage.clock).await?;
    mount(stage, &bot, Router::new());
    Ok(bot)
}

/// Whom a scenario gives this name, without an id of his own.
fn user(name: &str) -> Target {
    let person = PersonSeed { id: None, name: name.to_owned(), when_rung: Habit::Ask, then: Vec::new() };
    Target::User(person.id())
}

async fn ivr(stage: &Stage) -> Started<Bot> {
    durable(stage, ivr::Ivr { operator: user("the operator") }).await
}

/// What a bot plans that is told at `path` whom to call.
fn planning<H: OutboundHandler>(
    stage: &Stage,
    path: &str,
    bot: OutboundBot<H>,
    planned: impl Fn(Whom) -> Planned<H::State> + Clone + Send + Sync + 'static,
) -> OutboundBot<H> {
    let of_operator = bot.clone();
    let operator = post(async move |Json(whom): Json<Whom>| match of_operator.plan(planned(whom)).await {
        Ok(_) => StatusCode::ACCEPTED,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    });
    mount(stage, bot.bot(), Router::new().route(path, operator));
    bot
}

async fn reminding(stage: &Stage) -> Started<OutboundBot<reminder::Reminder>> {
    let store: Arc<dyn Store> = Arc::new(Memory::new());
    let bot = reminder::start(stage, &reminder::Reminder::default(), &store).await?;
    Ok(planning(stage, "/place", bot, |whom| {
        let target = Target::User(whom.user.unwrap_or_default());
        Planned::new(target, reminder::Appointment::default()).plan(reminder::plan())
    }))
}

/// Calls whom it is told to, says something, and hangs up.
async fn saying(stage: &Stage) -> Started<ScriptedBot> {
    async fn say(bot: ScriptedBot, whom: Whom) -> Result<(), Box<dyn Error + Send + Sync>> {
        let placement: Placement = match whom.user {
            Some(user) => Target::User(user).into(),
            None => whom.users.into_iter().map(Target::User).collect::<Vec<_>>().into(),
        };
        let is_group = matches!(&placement.to, Destination::Targets(several) if several.len() > 1);
        let call = bot.place(placement).await?;
        call.established().await?;
        call.play(Stage::prompt("hello")).await?;
        if is_group {
            call.ended().await?;
        } else {
            call.hang_up().await?;
        }
        Ok(())
    }
    placing(stage, "/place", |bot, whom| async move {
        let _ = say(bot, whom).await;
    })
    .await
}

/// Answers, and stays until nobody else is there.
#[derive(Clone, Copy)]
struct Staying;

impl CallHandler for Staying {
    type State = ();

    async fn on_event(&self, call: &mut Call<'_>, (): &mut (), event: &Event) -> Result<(), HandlerError> {
        if *event == Event::Offered {
            call.answer()?;
        }
        Ok(())
    }
}

/// Redirects whoever calls.
struct Redirecting(Target);

impl CallHandler for Redirecting {
    type State = ();

    async fn on_event(&self, call: &mut Call<'_>, (): &mut (), event: &Event) -> Result<(), HandlerError> {
        if *event == Event::Offered {
            call.redirect(self.0.clone())?;
        }
        Ok(())
    }
}

#[test]
fn incoming_answered() {
    is_passed("incoming_answered", ivr);
}

#[test]
fn incoming_menu() {
    is_passed("incoming_menu", ivr);
}

#[test]
fn incoming_rejected() {
    is_passed("incoming_rejected", saying);
}

#[test]
fn incoming_redirected() {
    for name in ["incoming_redirected", "incoming_redirected_unanswered"] {
        is_passed(name, async |stage: &Stage| durable(stage, Redirecting(user("Ben"))).await);
    }
}

#[test]
fn incoming_given_up() {
    is_passed("incoming_given_up", ivr);
}

#[test]
fn outgoing_answered() {
    is_passed("outgoing_answered", reminding);
}

#[test]
fn outgoing_recorded() {
    is_passed("outgoing_recorded", reminding);
}

#[test]
fn outgoing_declined() {
    is_passed("outgoing_declined", saying);
}

#[test]
fn outgoing_unanswered() {
    is_passed("outgoing_unanswered", saying);
}

#[test]
fn outgoing_in_turn() {
    is_passed("outgoing_in_turn", async |stage: &Stage| {
        let bot = pager::start(stage).await?;
        Ok(planning(stage, "/page", bot, |whom| {
            let mut people = whom.users.into_iter().map(Target::User);
            let first = people.next().unwrap_or(Target::User(String::new()));
            people.fold(Planned::new(first, pager::Alarm::default()), Planned::or_else).plan(pager::plan(3))
        }))
    });
}

#[test]
fn meeting_joined() {
    is_passed("meeting_joined", async |stage: &Stage| {
        placing(stage, "/join", |bot, which: Which| async move {
            let _ = meeting::announce(&bot, &which.link).await.map_err(|error| error.to_string());
        })
        .await
    });
}

#[test]
fn group_placed() {
    is_passed("group_placed", saying);
}

#[test]
fn transferred() {
    is_passed("transferred", ivr);
}

#[test]
fn transfer_failed() {
    is_passed("transfer_failed", ivr);
}

#[test]
fn transferred_consultatively() {
    is_passed("transferred_consultatively", async |stage: &Stage| {
        let desks = Arc::new([user("Sue of sales"), user("Sam of support")]);
        scripted(stage, move |bot, call| {
            let desks = Arc::clone(&desks);
            async move { transfer_desk::desk(&bot, &desks, call).await }
        })
        .await
    });
}

#[test]
fn invited() {
    for name in ["invited", "invited_declined"] {
        is_passed(name, async |stage: &Stage| {
            let others = Arc::new(["Ben", "Cleo", "Dan"].map(user));
            scripted(stage, move |_, call| {
                let others = Arc::clone(&others);
                async move { conference::start_conference(call, &*others).await }
            })
            .await
        });
    }
}

#[test]
fn merged() {
    is_passed("merged", async |stage: &Stage| {
        let ben = user("Ben");
        scripted(stage, move |bot, call| {
            let ben = ben.clone();
            async move {
                call.answer().await?;
                let other = bot.place(ben.clone()).await.map_err(|_| Failure::Gone)?;
                other.established().await?;
                let view = bot.bot().view(other.name()).await.map_err(|_| Failure::Gone)?;
                let id = view.and_then(|view| view.id);
                call.invite(Invitee { replaces_call_id: id, ..ben.into() }).await?;
                tokio::time::sleep(Duration::from_secs(20)).await;
                call.hang_up().await.map(drop)
            }
        })
        .await
    });
}

#[test]
fn added_by_others() {
    is_passed("added_by_others", async |stage: &Stage| {
        scripted(stage, |_, call| async move {
            call.answer().await?;
            call.established().await?;
            // Until the caller has left.
            tokio::time::sleep(Duration::from_secs(30)).await;
            call.hang_up().await.map(drop)
        })
        .await
    });
}

#[test]
fn added_without_permission() {
    is_passed("added_without_permission", async |stage: &Stage| durable(stage, Staying).await);
}

#[test]
fn kept_alive() {
    is_passed("kept_alive", async |stage: &Stage| durable(stage, Staying).await);
}

#[test]
fn policy_recording() {
    is_passed("policy_recording", async |stage: &Stage| durable(stage, recorder::Recorder).await);
}

#[test]
fn news_lost() {
    is_passed("news_lost", saying);
}

#[test]
fn every_scenario_is_run_here() {
    let here = include_str!("scenarios.rs");
    let names: BTreeSet<_> = SHIPPED.iter().map(|(name, _)| *name).collect();
    assert_eq!(names.len(), SHIPPED.len());
    let untried: Vec<_> = names.iter().filter(|name| !here.contains(&format!("\"{name}\""))).collect();
    assert!(untried.is_empty(), "{untried:?}");
    for (name, text) in SHIPPED {
        let scenario = Scenario::read(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!scenario.source.is_empty() && !scenario.shows.is_empty(), "{name}");
    }
}
