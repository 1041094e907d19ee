//! The invariants over stories of acts, what such stories reach, and what they found.

mod histories;
mod orders;
mod reach;
mod regressions;

use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::call::{Call, Input};
use crate::time::Timestamp;

/// How many cases a property tries, unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = if cfg!(debug_assertions) { 1_500 } else { 20_000 };

fn config() -> ProptestConfig {
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => ProptestConfig::default(),
        None => ProptestConfig::with_cases(CASES),
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn i1_to_i14_hold_over_any_story(story in story(60)) {
        story.play::<4, 3>(|_, _| {})?;
    }

    #[test]
    fn i1_to_i14_hold_over_any_story_with_the_smallest_tables(story in story(40)) {
        story.play::<1, 1>(|_, _| {})?;
    }

    #[test]
    fn i10_nothing_panics_and_ticks_end_wherever_time_jumps(
        opening in opening(), begins in any::<u64>(), acts in proptest::collection::vec((any::<u64>(), act()), 0..40),
    ) {
        let Ok((mut call, _)) = opening.open::<4, 3>(Timestamp::from_millis(begins)) else { return Ok(()) };
        for (at, act) in acts {
            let now = Timestamp::from_millis(at);
            let before = call.clone();
            act.with(&before, |input| {
                let result = call.handle(now, input);
                invariant::i10_outputs_are_bounded(&Step { before: &before, now, input, result: &result, after: &call })
            })?;
            for _ in 0..200 {
                if call.next_deadline().is_none_or(|due| due.at > now) {
                    break;
                }
                let _ = call.handle(now, Input::Tick);
            }
            let is_done = call.next_deadline().is_none_or(|due| due.at > now || at > u64::MAX - 10_000_000);
            prop_assert!(is_done, "ticks never end at {}: {:?}", at, call.next_deadline());
        }
    }
}

#[cfg(feature = "snapshot")]
proptest! {
    #![proptest_config(config())]

    #[test]
    fn i11_damaged_snapshots_are_refused_or_are_calls(
        story in story(30), damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
        cut in proptest::option::of(any::<proptest::sample::Index>()),
    ) {
        let Some(call) = story.play::<4, 3>(|_, _| {})? else { return Ok(()) };
        let mut buffer = [0; Call::<4, 3>::SNAPSHOT_LEN];
        let mut bytes: Vec<u8> = call.encode(&mut buffer).unwrap().to_vec();
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        invariant::i11_damaged_bytes_are_refused::<4, 3>(&bytes)?;
    }
}
