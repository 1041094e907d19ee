//! Strategies: any command, any report, any act, stories that go deep, and histories that the documentation allows.
//!
//! Everything shrinks towards less: fewer acts, shorter pauses, plainer news. Requests are named by how new they are, ids
//! and numbers are few, so that what comes often belongs to what went before.

mod command;
mod history;
mod opening;
mod report;
mod story;

pub use command::command;
pub use history::{
    channel, fates, history, incoming, late_channel, late_history, manners, plain_opening, scene, scenes,
};
pub use opening::{opening, setup};
pub use report::{call_news, report};
pub use story::story;

use std::vec;
use std::vec::Vec;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::{Act, participant_id};
use crate::command::MediaConfig;
use crate::id::ParticipantId;
use crate::identity::Identity;
use crate::list::List;
use crate::meeting::Coordinates;
use crate::permission::{Grants, Permission, Permissions};
use crate::text::{Secret, Uri};

const CALLBACK: Uri<'static> = Uri::new("https://bot.example/calls/1");
const TARGETS: [Identity<'static>; 26] = {
    let mut targets = [Identity::User("550fae72-d251-43ec-868c-373732c2704f"); 26];
    let [_, second, third, ..] = &mut targets;
    *second = Identity::Application("e6ba9b63-4d53-4a3b-9ea1-7fe2a7a40d0a");
    *third = Identity::Guest("6");
    targets
};
fn any_participant() -> impl Strategy<Value = ParticipantId> + Clone {
    (1u8..8).prop_map(participant_id)
}

/// A prefix of `list`.
fn some<T: core::fmt::Debug + crate::list::Item<'static>>(
    list: &'static [T],
    count: impl Strategy<Value = usize>,
) -> impl Strategy<Value = List<'static, T>> {
    count.prop_map(|count| List::new(list.get(..count).unwrap_or(list)))
}
fn media_config() -> impl Strategy<Value = MediaConfig<'static>> {
    prop_oneof![4 => Just(MediaConfig::ServiceHosted), 1 => Just(MediaConfig::AppHosted(Secret::new("blob")))]
}

fn coordinates() -> impl Strategy<Value = Coordinates> + Clone {
    prop_oneof![
        6 => Just(Coordinates::None),
        1 => select(vec![Coordinates::Chat, Coordinates::Meeting, Coordinates::Both]),
    ]
}
fn grants() -> impl Strategy<Value = Grants> {
    let some = vec(select(Permission::ALL), 0..5).prop_map(|list| Grants::Known(Permissions::of(&list)));
    prop_oneof![3 => Just(Grants::Unknown), 2 => Just(Grants::Known(Permissions::ALL)), 2 => some]
}
/// Any act.
pub fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        10 => command().prop_map(Act::Command),
        14 => report(),
        1 => Just(Act::Tick),
    ]
}

fn pause() -> impl Strategy<Value = u64> {
    prop_oneof![6 => 0u64..2_000, 3 => 0u64..30_000, 1 => 0u64..1_000_000]
}

/// Acts, and how many milliseconds pass before each.
pub fn acts(length: usize) -> impl Strategy<Value = Vec<(u64, Act)>> {
    vec((pause(), act()), 0..length.max(1))
}
