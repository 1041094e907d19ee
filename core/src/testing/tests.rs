//! The invariants, over stories of acts.

use proptest::prelude::*;

use super::*;


/// How many cases a property tries.
const CASES: u32 = if cfg!(debug_assertions) { 1_500 } else { 20_000 };

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn i1_to_i14_hold_over_any_story(story in story(60)) {
        story.play::<4, 3>(|_, _| {})?;
    }
}
