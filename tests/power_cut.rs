//! The power goes at every step that somebody outside of the process could see, and the next process goes on.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)] // helpers of tests; figures are printed

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use callflow_tests::cut::{Fault, Side};
use callflow_tests::oracle::{self, Rule, judge, judge_ours};
use callflow_tests::outage::{Outage, Plan, World};
use callflow_tests::plain_loop::{Accepts, PlainLoop, breaches};

const SHORT: Duration = Duration::from_secs(2);
/// Longer than the service posts again, and than anybody waits for an answer.
const LONG: Duration = Duration::from_secs(20);
const SIDES: [Side; 2] = [Side::Before, Side::After];

/// Runs `plan` with a cut at every step, and gives the number of runs.
async fn at_every_step(plan: Plan, pause: Duration) -> u32 {
    let world = World::new();
    let (mut runs, mut broken) = (0, Vec::new());
    for side in SIDES {
        for step in 1.. {
            let outage = Outage { cut: Some((step, side)), pause };
            let (seen, ours) = world.run_ours(plan, Fault::None, outage).await;
            let all = judge_ours(&seen, &ours);
            broken.extend(
                all.into_iter()
                    .map(|one| format!("{side:?} {step} {}: {one:?}", oracle::place(seen.cut.as_ref()))),
            );
            if seen.cut.is_none() {
                let mut done: Vec<_> = seen.asked.iter().filter(|asked| asked.status < 300).collect();
                done.retain(|asked| {
                    !["subscribeToTone", "keepAlive", "GET", "DELETE"]
                        .iter()
                        .any(|free| asked.what.contains(free))
                });
                let mut done: Vec<_> = done.iter().map(|asked| asked.what.as_str()).collect();
                done.sort_unstable();
                assert_eq!(done, plan.whole(), "{plan:?} without a cut: {:?}", seen.histories);
                break;
            }
            runs += 1;
        }
    }
    println!("{plan:?}: {runs} cuts");
    assert!(broken.is_empty(), "{plan:?}: {} broken\n{}", broken.len(), broken.join("\n"));
    runs
}

macro_rules! every_step {
    ($($name:ident: $plan:ident, $least:literal;)*) => {$(
        #[tokio::test(start_paused = true)]
        async fn $name() {
            let runs = at_every_step(Plan::$plan, SHORT).await + at_every_step(Plan::$plan, LONG).await;
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
    ] {
        let mut found = BTreeSet::new();
        for step in 1.. {
            let outage = Outage { cut: Some((step, Side::After)), pause: SHORT };
            let (seen, ours) = world.run_ours(plan, fault, outage).await;
            found.extend(judge_ours(&seen, &ours).into_iter().map(|(rule, _)| rule));
            if seen.cut.is_none() {
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
                    let outage = Outage { cut: Some((step, side)), pause: SHORT };
                    let seen = world.run(plan, &plain, outage, async || {}).await;
                    let all = judge(&seen);
                    if seen.cut.is_none() {
                        assert!(all.is_empty(), "{plan:?} {accepts:?} without a cut: {all:?}");
                        break;
                    }
                    broken.extend(all);
                    cuts[place] += 1;
                }
            }
            for step in 1.. {
                let outage = Outage { cut: Some((step, side)), pause: SHORT };
                let (seen, _) = world.run_ours(plan, Fault::None, outage).await;
                ours.extend(judge(&seen));
                if seen.cut.is_none() {
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
