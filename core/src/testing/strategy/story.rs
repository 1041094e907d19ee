//! Stories: a call, and any acts, that mostly begin as a call does that is connected in the end.

use std::vec::Vec;

use proptest::prelude::*;

use super::command::settling;
use super::{acts, opening};
use crate::command::Command;
use crate::id::CallId;
use crate::lifecycle::State;
use crate::media::Audio;
use crate::report::{CallNews, Change};
use crate::testing::{Act, Carried, Opening, Story, Which, participant_id};

/// A story of `length` acts at the most. Most begin as a call does that is connected in the end.
pub fn story(length: usize) -> impl Strategy<Value = Story> {
    (opening(), settling(12), 0usize..8, acts(length)).prop_map(|(opening, settling, begins, acts)| {
        let beginning = beginning(&opening, settling);
        let begun = beginning.into_iter().take(begins).map(|act| (10, act));
        Story { acts: begun.chain(acts).collect(), opening }
    })
}

/// What makes a call of an opening a connected one.
fn beginning(opening: &Opening, settling: Command<'static>) -> Vec<Act> {
    let answered = CallNews { id: Some(CallId::from_bytes([7; 16])), ..CallNews::of(State::Establishing) };
    let connected = CallNews {
        audio: Some(Audio::Active),
        own_participant: Some(participant_id(1)),
        ..CallNews::of(State::Established)
    };
    let first = match opening {
        Opening::Offered(..) => [
            Act::Command(settling),
            Act::Response(Which::Newest(0), 202, 0, Carried::None),
            Act::Call(Change::Updated, answered),
        ],
        Opening::Placed(..) => [
            Act::Response(Which::Newest(0), 201, 0, Carried::Call(answered)),
            Act::Call(Change::Updated, answered),
            Act::Call(Change::Updated, CallNews::of(State::Ringing)),
        ],
    };
    first.into_iter().chain([Act::Call(Change::Updated, connected)]).collect()
}
