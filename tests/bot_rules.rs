//! A worked example: rules of a bot of one's own, tried against every history that the documentation allows.
//!
//! Each bot here is written twice: as one would at first, with a mistake that no demo shows, and mended. The check finds
//! the mistake, shrinks the history to what matters, and prints it as a ladder; the mended bot passes the same check.
//!
//! A rule is a demand on the trace of a run: of what the bot learnt and commanded, and of what was true at the service.
#![allow(clippy::panic, clippy::unwrap_used)] // as in every test; the helpers here are no tests by themselves

use callflow_core::action::Action;
use callflow_core::call::Call;
use callflow_core::command::{Answer, Command, Repeat};
use callflow_core::event::Event;
use callflow_core::lifecycle::State;
use callflow_core::list::List;
use callflow_core::operation::Outcome;
use callflow_core::roster::Presence;
use callflow_core::testing::{Bot, Failure, History, Scene, Trace, history, run, strategy};
use callflow_core::text::Uri;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

const CALLBACK: Uri<'static> = Uri::new("https://bot.example/calls");
const MENU: [Uri<'static>; 1] = [Uri::new("https://bot.example/menu.wav")];

const CASES: u32 = if cfg!(debug_assertions) { 300 } else { 5_000 };

/// A call with room for ten participants and four operations.
type Room = Call<10, 4>;

fn menu() -> Command<'static> {
    Command::PlayPrompt { prompts: List::new(&MENU), repeat: Repeat::Once }
}

/// Answers, plays a menu, and hangs up at the first key, or when it is left alone.
#[derive(Clone, Copy)]
struct Menu {
    /// When it takes itself to be alone.
    is_alone: fn(&Room) -> bool,
    /// Upon which event it hangs up once more.
    again: fn(&Event) -> bool,
    /// Whether it hung up. The call hangs up by itself too, where nobody answers.
    is_leaving: bool,
}

impl Menu {
    /// Absent is not left: the call says when everybody else is known to have gone. And a request may be lost.
    const MENDED: Self = Self { is_alone: Call::is_alone, again: hang_up_came_to_nothing, is_leaving: false };

    fn leave(&mut self) -> Vec<Command<'static>> {
        self.is_leaving = true;
        vec![Command::HangUp]
    }
}

impl Bot<10, 4> for Menu {
    fn on_event(&mut self, call: &Room, event: &Event) -> Vec<Command<'static>> {
        match event {
            Event::Offered => vec![Command::Answer(Answer::new(CALLBACK))],
            Event::Established => vec![Command::SubscribeToTone, menu()],
            Event::Tone { .. } => self.leave(),
            Event::RosterChanged { .. } | Event::RosterUpdated { .. } if (self.is_alone)(call) => {
                self.leave()
            }
            event if self.is_leaving && (self.again)(event) => self.leave(),
            _ => Vec::new(),
        }
    }
}

/// The hang-up was refused, or nobody knows whether it arrived; to hang up twice does no harm.
fn hang_up_came_to_nothing(event: &Event) -> bool {
    let (Event::OutcomeUnknown { action, .. } | Event::CommandFailed { action, .. }) = event else {
        return false;
    };
    *action == Action::HangUp
}

/// As one would write it: nobody else is in the roster.
fn nobody_is_listed(call: &Room) -> bool {
    let present = |presence| presence == Presence::Present;
    call.roster().members().filter(|member| present(member.presence())).all(|member| call.is_own(member.id()))
}

/// What the menu bot promises.
fn menu_rules(trace: &Trace<10, 4>) -> Result<(), Failure> {
    let key = trace.entries().iter().position(|entry| matches!(entry.event(), Some(Event::Tone { .. })));
    let before_the_key = trace.entries().iter().take(key.unwrap_or(usize::MAX));
    let hangs_up_on_somebody = before_the_key
        .filter(|entry| entry.command() == Some(&Command::HangUp))
        .any(|entry| entry.others > 0);
    trace
        .require("nobody is hung up on before he pressed a key", |_| !hangs_up_on_somebody)?
        .require("the menu is played once at the most", |trace| {
            trace.entries().iter().filter(|entry| entry.carried_out() == Some(Action::PlayPrompt)).count()
                <= 1
        })?
        .always_after(
            "after a key the call ends, or the bot hangs up",
            |entry| matches!(entry.event(), Some(Event::Tone { .. })),
            |entry| {
                entry.command() == Some(&Command::HangUp) || matches!(entry.event(), Some(Event::Ended(_)))
            },
        )?;
    Ok(())
}

/// Finds the smallest history in which `bot` breaks a rule. The same ones are tried each time.
fn found(
    bot: impl Fn() -> Box<dyn Bot<10, 4>>,
    rules: impl Fn(&Trace<10, 4>) -> Result<(), Failure>,
) -> (Failure, History) {
    let config = Config { cases: 20_000, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    *tried(TestRunner::new_with_rng(config, rng), bot, rules).unwrap_err()
}

/// Tries `bot` against other histories each time.
fn kept(bot: impl Fn() -> Box<dyn Bot<10, 4>>, rules: impl Fn(&Trace<10, 4>) -> Result<(), Failure>) {
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    if let Err(found) = tried(TestRunner::new(config), bot, rules) {
        let (failure, history) = *found;
        panic!("{failure}\n{history:?}");
    }
}

fn tried(
    mut runner: TestRunner,
    bot: impl Fn() -> Box<dyn Bot<10, 4>>,
    rules: impl Fn(&Trace<10, 4>) -> Result<(), Failure>,
) -> Result<(), Box<(Failure, History)>> {
    struct Boxed(Box<dyn Bot<10, 4>>);
    impl Bot<10, 4> for Boxed {
        fn on_event(&mut self, call: &Room, event: &Event) -> Vec<Command<'static>> {
            self.0.on_event(call, event)
        }
    }
    let check = |history: &History| rules(&run(&mut Boxed(bot()), history)?);
    match runner.run(&history(12), |history| Ok(check(&history)?)) {
        Ok(()) => Ok(()),
        Err(TestError::Fail(_, history)) => Err(Box::new((check(&history).unwrap_err(), history))),
        Err(aborted) => panic!("{aborted}"),
    }
}

#[test]
fn the_naive_menu_bot_hangs_up_on_somebody_whom_a_short_roster_lacks() {
    let naive = Menu { is_alone: nobody_is_listed, ..Menu::MENDED };
    let (failure, history) = found(|| Box::new(naive), menu_rules);
    assert_eq!(failure.rule(), "nobody is hung up on before he pressed a key");
    // What is left of the history is what it takes: somebody is muted or joins, and a roster comes without the others.
    assert!(history.scenes.len() <= 3, "{history:?}");
    assert!(failure.ladder().contains("HangUp"), "{failure}");
}

#[test]
fn the_naive_menu_bot_stays_where_its_hang_up_was_lost() {
    let naive = Menu { again: |_| false, ..Menu::MENDED };
    let (failure, _) = found(|| Box::new(naive), menu_rules);
    assert_eq!(failure.rule(), "after a key the call ends, or the bot hangs up");
}

#[test]
fn the_mended_menu_bot_keeps_its_rules() {
    kept(|| Box::new(Menu::MENDED), menu_rules);
}

/// Calls somebody with an alarm, and plays it; `again` says upon which event it is played again.
#[derive(Clone, Copy)]
struct Alarm {
    again: fn(&Event) -> bool,
}

impl Bot<10, 4> for Alarm {
    fn on_event(&mut self, call: &Room, event: &Event) -> Vec<Command<'static>> {
        match event {
            Event::Offered => vec![Command::Answer(Answer::new(CALLBACK))],
            Event::Established => vec![menu()],
            Event::OperationEnded { action: Action::PlayPrompt, outcome: Outcome::Completed, .. } => {
                vec![Command::HangUp]
            }
            event if (self.again)(event) && call.state() == State::Established => vec![menu()],
            _ => Vec::new(),
        }
    }
}

/// As one would write it: whatever went wrong, it is played again.
fn whatever_went_wrong(event: &Event) -> bool {
    match event {
        Event::OutcomeUnknown { action: Action::PlayPrompt, .. } => true,
        Event::OperationEnded { action: Action::PlayPrompt, outcome, .. } => *outcome != Outcome::Completed,
        _ => false,
    }
}

/// Only where the service certainly did nothing.
fn nothing_was_played(event: &Event) -> bool {
    matches!(event, Event::OperationEnded { action: Action::PlayPrompt, outcome: Outcome::NotSent, .. })
}

fn alarm_rules(trace: &Trace<10, 4>) -> Result<(), Failure> {
    let played = |trace: &Trace<10, 4>| {
        trace.entries().iter().filter(|entry| entry.carried_out() == Some(Action::PlayPrompt)).count()
    };
    trace.require("nobody hears the alarm twice", |trace| played(trace) <= 1).map(|_| ())
}

#[test]
fn the_naive_alarm_is_heard_twice_where_an_answer_is_lost() {
    let (failure, history) = found(|| Box::new(Alarm { again: whatever_went_wrong }), alarm_rules);
    assert_eq!(failure.rule(), "nobody hears the alarm twice");
    // It takes a prompt that is played and whose answer or completion gets lost: nobody has to do much for that.
    assert!(history.scenes.len() <= 2, "{history:?}\n{failure}");
}

#[test]
fn the_mended_alarm_is_heard_once() {
    kept(|| Box::new(Alarm { again: nothing_was_played }), alarm_rules);
}

#[test]
fn a_history_can_be_written_down_as_well_as_drawn() {
    let history = History::of(strategy::incoming())
        .then(5_000, Scene::Joins)
        .then(10_000, Scene::Presses(callflow_core::media::Tone::Tone1));
    let trace = run(&mut { Menu::MENDED }, &history).unwrap();
    menu_rules(&trace).unwrap();
    assert!(trace.call().state().is_ended(), "{trace}");
    assert!(trace.events().any(|event| matches!(event, Event::KindChanged(_))), "{trace}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    /// The same as a property, for a bot that is a closure.
    #[test]
    fn the_invariants_hold_for_a_bot_that_does_nothing(history in history(12)) {
        run::<10, 4>(&mut |_: &Room, _: &Event| Vec::new(), &history)?;
    }
}
