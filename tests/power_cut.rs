//! The power goes at every step that somebody outside of the process could see, and the next process goes on.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)] // helpers of tests; figures are printed

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use callflow_tests::cut::{Fault, Side};
use callflow_tests::oracle::{self, Rule, judge, judge_ours};
use callflow_tests::outage::{Outage, Seen, World};
use callflow_tests::plain_loop::{Accepts, PlainLoop, breaches};
use callflow_tests::script::Plan;

const SHORT: Duration = Duration::from_secs(2);
/// Longer than the service posts again, and than anybody waits for an answer.
const LONG: Duration = Duration::from_secs(20);
const SIDES: [Side; 2] = [Side::Before, Side::After];

/// Runs `plan` with one cut at every step, and gives the number of runs.
async fn at_every_step(plan: Plan, pause: Duration, answers_late: bool) -> u32 {
    Runs::new(plan).at_every_step(pause, answers_late).await.finish()
}

/// Runs `plan` with a cut at every step, and a second one in what follows: at every `stride`th step, each time others.
async fn at_every_pair(plan: Plan, stride: u32) -> u32 {
    let mut runs = Runs::new(plan);
    for step in 1.. {
        for again in (step % stride + 1..).step_by(stride as usize) {
            let second = if (step + again) % 2 == 0 { Side::After } else { Side::Before };
            let cuts = [Some((step, Side::After)), Some((again, second))];
            let seen = runs.run(Outage { cuts, pause: SHORT, answers_late: false }).await;
            if seen.cuts.is_empty() {
                return runs.finish();
            }
            if seen.cuts.len() < 2 {
                break;
            }
        }
    }
    runs.finish()
}

/// Runs of one plan.
struct Runs {
    world: World,
    plan: Plan,
    sealed: bool,
    takes: Duration,
    count: u32,
    broken: Vec<String>,
}

impl Runs {
    fn new(plan: Plan) -> Self {
        Self { world: World::new(), plan, sealed: false, takes: Duration::ZERO, count: 0, broken: Vec::new() }
    }

    async fn run(&mut self, outage: Outage) -> Seen {
        let mut ours = self.world.ours(self.plan, Fault::None);
        (ours.sealed, ours.takes) = (self.sealed, self.takes);
        let (seen, of_ours) = self.world.run_this(&ours, outage).await;
        for one in judge_ours(&seen, &of_ours) {
            self.broken.push(format!("{:?} {}: {one:?}", outage.cuts, oracle::places(&seen.cuts)));
        }
        if seen.cuts.is_empty() {
            let mut done: Vec<_> = seen.asked.iter().filter(|asked| asked.status < 300).collect();
            done.retain(|asked| {
                !["subscribeToTone", "keepAlive", "GET", "DELETE"]
                    .iter()
                    .any(|free| asked.what.contains(free))
            });
            let mut done: Vec<_> = done.iter().map(|asked| asked.what.as_str()).collect();
            done.sort_unstable();
            assert_eq!(done, self.plan.whole(), "{:?} without a cut: {:?}", self.plan, seen.histories);
        } else {
            self.count += 1;
        }
        seen
    }

    /// One cut at every step.
    async fn at_every_step(mut self, pause: Duration, answers_late: bool) -> Self {
        for side in SIDES {
            for step in 1.. {
                let outage = Outage { cuts: [Some((step, side)), None], pause, answers_late };
                if self.run(outage).await.cuts.is_empty() {
                    break;
                }
            }
        }
        self
    }

    fn finish(self) -> u32 {
        let Self { plan, count, broken, .. } = self;
        println!("{plan:?}: {count} runs with cuts");
        assert!(broken.is_empty(), "{plan:?}: {} broken\n{}", broken.len(), broken.join("\n"));
        count
    }
}

macro_rules! every_step {
    ($($name:ident: $plan:ident, $least:literal;)*) => {$(
        #[tokio::test(start_paused = true)]
        async fn $name() {
            let mut runs = 0;
            for pause in [SHORT, LONG] {
                runs += at_every_step(Plan::$plan, pause, false).await;
            }
            assert!(runs >= $least, "{runs} cuts are too few to mean anything");
        }
    )*};
}

every_step! {
    an_incoming_call_with_prompts_and_keys: Incoming, 10;
    an_outgoing_call_with_prompts_and_keys: Outgoing, 10;
    a_transfer: Transfer, 10;
    an_invitation: Invite, 10;
    a_recording: Record, 10;
    a_rejection: Reject, 10;
    a_caller_who_hangs_up_during_a_prompt: FarHangUp, 10;
    an_incoming_and_an_outgoing_call_at_once: Two, 10;
    participants_who_join: Joining, 10;
    a_drained_bot_that_hangs_up: Drain, 10;
    a_drained_bot_that_leaves_its_calls: DrainAndLeave, 10;
    a_call_that_cannot_be_read: Unreadable, 10;
    a_call_that_cannot_be_read_and_is_hung_up: UnreadableHungUp, 10;
    an_unknown_call_that_is_adopted: Adopt, 10;
    an_unknown_call_that_is_hung_up: HangUpUnknown, 10;
}

macro_rules! late_answers {
    ($($name:ident: $plan:ident;)*) => {$(
        #[tokio::test(start_paused = true)]
        async fn $name() {
            let runs = at_every_step(Plan::$plan, SHORT, true).await;
            assert!(runs >= 10, "{runs} cuts are too few to mean anything");
        }
    )*};
}

late_answers! {
    news_of_prompts_before_their_answers: Incoming;
    news_of_a_creation_before_its_answer: Outgoing;
    news_of_a_transfer_before_its_answer: Transfer;
    news_of_an_invitation_before_its_answer: Invite;
    news_of_a_recording_before_its_answer: Record;
}

macro_rules! every_pair {
    ($($name:ident: $plan:ident, $stride:literal;)*) => {$(
        #[tokio::test(start_paused = true)]
        async fn $name() {
            let runs = at_every_pair(Plan::$plan, $stride).await;
            assert!(runs >= 10, "{runs} cuts are too few to mean anything");
        }
    )*};
}

every_pair! {
    twice_in_an_incoming_call: Incoming, 47;
    twice_in_an_outgoing_call: Outgoing, 47;
    twice_in_a_transfer: Transfer, 29;
    twice_in_an_invitation: Invite, 29;
    twice_in_a_recording: Record, 29;
    twice_in_a_rejection: Reject, 1;
    twice_while_participants_join: Joining, 61;
    twice_in_a_drained_bot: Drain, 47;
    twice_in_a_call_that_cannot_be_read: Unreadable, 29;
    twice_in_a_call_that_is_adopted: Adopt, 29;
    twice_in_a_call_that_is_not_known: HangUpUnknown, 13;
}

#[tokio::test(start_paused = true)]
async fn a_call_in_a_store_that_is_encrypted() {
    let runs = Runs { sealed: true, ..Runs::new(Plan::Incoming) };
    assert!(runs.at_every_step(SHORT, false).await.finish() >= 10);
}

/// What must not happen before a commit has time to happen meanwhile.
#[tokio::test(start_paused = true)]
async fn participants_who_join_while_the_store_takes_its_time() {
    let runs = Runs { takes: Duration::from_millis(1), ..Runs::new(Plan::Joining) };
    assert!(runs.at_every_step(SHORT, false).await.finish() >= 10);
}

#[tokio::test(start_paused = true)]
async fn the_rules_notice_what_a_store_does_wrong() {
    let world = World::new();
    for (fault, plan, rules) in [
        (Fault::LosesOutbox, Plan::Incoming, &[Rule::IsAnswered][..]),
        (Fault::LosesMarks, Plan::Incoming, &[Rule::NoPromptTwice]),
        (Fault::LosesMarks, Plan::Outgoing, &[Rule::NobodyRungTwice]),
        (Fault::LosesMarks, Plan::Invite, &[Rule::NothingElseTwice]),
        (Fault::LosesInbox, Plan::Incoming, &[Rule::NoCallForgotten]),
        (Fault::LosesCommits, Plan::Incoming, &[Rule::NoEventLost]),
        (Fault::ForgetsNothing, Plan::Reject, &[Rule::NothingLeft]),
        (Fault::CommitsLate, Plan::Joining, &[Rule::AnswerIsCommitted]),
    ] {
        let mut found = BTreeSet::new();
        for step in 1.. {
            let (seen, ours) = world.run_ours(plan, fault, Outage::at(step, Side::After, SHORT)).await;
            found.extend(judge_ours(&seen, &ours).into_iter().map(|(rule, _)| rule));
            if seen.cuts.is_empty() {
                break;
            }
        }
        assert!(rules.iter().all(|rule| found.contains(rule)), "{fault:?} {plan:?}: {found:?}");
    }
}

/// The rules that a reader of the table asks for first.
const COMPARED: [(Rule, &str); 6] = [
    (Rule::IsAnswered, "calls left ringing"),
    (Rule::NoCallForgotten, "calls forgotten"),
    (Rule::NoPromptTwice, "prompts twice"),
    (Rule::NobodyRungTwice, "rung twice"),
    (Rule::NothingElseTwice, "other requests twice"),
    (Rule::NoEventLost, "events lost"),
];

#[tokio::test(start_paused = true)]
async fn an_ordinary_loop_loses_and_doubles_what_callflow_does_not() {
    let world = World::new();
    let (mut first, mut last, mut ours, mut cuts) = (Vec::new(), Vec::new(), Vec::new(), [0; 3]);
    for plan in [Plan::Incoming, Plan::Outgoing, Plan::Transfer, Plan::Invite, Plan::Record] {
        for side in SIDES {
            for (accepts, broken, place) in [(Accepts::First, &mut first, 0), (Accepts::Last, &mut last, 1)] {
                for step in 1.. {
                    let plain = PlainLoop::new(&world, plan, accepts);
                    let outage = Outage::at(step, side, SHORT);
                    let seen = world.run(plan, &plain, outage, async || {}).await;
                    let all = judge(&seen);
                    if seen.cuts.is_empty() {
                        assert!(all.is_empty(), "{plan:?} {accepts:?} without a cut: {all:?}");
                        break;
                    }
                    broken.extend(all);
                    cuts[place] += 1;
                }
            }
            for step in 1.. {
                let outage = Outage::at(step, side, SHORT);
                let (seen, _) = world.run_ours(plan, Fault::None, outage).await;
                ours.extend(judge(&seen));
                if seen.cuts.is_empty() {
                    break;
                }
                cuts[2] += 1;
            }
        }
    }
    let (first, last, ours) = (breaches(first), breaches(last), breaches(ours));
    println!("{:>22} {:>14} {:>14} {:>10}", "", "accepts first", "accepts last", "callflow");
    println!("{:>22} {:>14} {:>14} {:>10}", "cuts", cuts[0], cuts[1], cuts[2]);
    for (rule, words) in COMPARED {
        let of = |all: &BTreeMap<Rule, usize>| all.get(&rule).copied().unwrap_or(0);
        println!("{words:>22} {:>14} {:>14} {:>10}", of(&first), of(&last), of(&ours));
    }
    assert!(ours.is_empty(), "{ours:?}");
    assert!(first.contains_key(&Rule::IsAnswered) && first.contains_key(&Rule::NoEventLost), "{first:?}");
    assert!(last.contains_key(&Rule::NoPromptTwice), "{last:?}");
}
