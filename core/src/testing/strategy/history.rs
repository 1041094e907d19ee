//! Histories that the documentation allows: what people and the service do, and what befalls messages.

use std::vec;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::opening::organizer;
use super::{CALLBACK, TARGETS};
use crate::call::{Offer, Setup};
use crate::command::Placement;
use crate::id::CallId;
use crate::list::List;
use crate::media::{Tone, Transcription};
use crate::meeting::Coordinates;
use crate::restriction::PolicyRecording;
use crate::testing::script::{AudioManner, Channel, Fate, Fault, History, Manners, Reaction, Scene};
use crate::testing::{KEY, Opening, service};

/// Any opening that a bot meets or makes without breaking a rule, with the documented rules and timers.
pub fn plain_opening() -> impl Strategy<Value = Opening> {
    let offer = |coordinates, recording| {
        Opening::Offered(Setup::new(KEY), Offer { id: service::call_id(), coordinates, recording })
    };
    let one = TARGETS.get(..1).unwrap_or(&[]);
    let several = TARGETS.get(..3).unwrap_or(&[]);
    let placed = |placement| Opening::Placed(Setup::new(KEY), placement);
    prop_oneof![
        4 => Just(offer(Coordinates::None, PolicyRecording::No)),
        1 => Just(offer(Coordinates::Both, PolicyRecording::No)),
        1 => Just(offer(Coordinates::Meeting, PolicyRecording::Yes)),
        3 => Just(placed(Placement::to_targets(CALLBACK, List::new(one)))),
        1 => Just(placed(Placement::to_targets(CALLBACK, List::new(several)))),
        2 => Just(placed(Placement::into_meeting(CALLBACK, organizer()))),
    ]
}

/// An incoming call of two.
pub fn incoming() -> Opening {
    Opening::Offered(Setup::new(KEY), Offer::new(CallId::from_bytes(service::call_id().to_bytes())))
}

fn reaction(least: u32, most: u32) -> impl Strategy<Value = Reaction> {
    prop_oneof![
        4 => (least..most).prop_map(Reaction::Does),
        1 => (least..most).prop_map(Reaction::Refuses),
    ]
}

/// Any manners of the service.
pub fn manners() -> impl Strategy<Value = Manners> {
    let audio = prop_oneof![
        3 => Just(AudioManner::AtOnce),
        2 => (0u32..5_000).prop_map(AudioManner::After),
        1 => Just(AudioManner::Never),
    ];
    (
        (reaction(100, 30_000), audio, reaction(100, 60_000), reaction(100, 60_000), 100u32..20_000),
        (any::<bool>(), any::<bool>(), proptest::bool::weighted(0.1), any::<bool>()),
    )
        .prop_map(|((pick_up, audio, transfer, invitation, playing), told)| {
            let (rings, tells_terminating, lobby, short_rosters) = told;
            Manners {
                pick_up,
                audio,
                rings,
                tells_terminating,
                lobby,
                short_rosters,
                transfer,
                invitation,
                playing,
            }
        })
}

/// Any scene.
pub fn scene() -> impl Strategy<Value = Scene> {
    prop_oneof![
        5 => select(Tone::ALL).prop_map(Scene::Presses),
        3 => Just(Scene::Joins),
        3 => (0u8..3).prop_map(Scene::Leaves),
        2 => (0u8..3).prop_map(Scene::Mutes),
        1 => Just(Scene::Admits),
        1 => Just(Scene::Audio),
        1 => Just(Scene::Holds),
        2 => Just(Scene::TellsAgain),
        1 => Just(Scene::Coordinates),
        1 => select(Transcription::ALL).prop_map(Scene::Transcribes),
        1 => Just(Scene::Shares),
        1 => Just(Scene::RecordedJoins),
        1 => Just(Scene::RecordedLeaves),
        1 => Just(Scene::HangsUp),
    ]
}

/// Any scenes, and how many milliseconds after what happened before.
pub fn scenes(length: usize) -> impl Strategy<Value = std::vec::Vec<(u32, Scene)>> {
    let pause = prop_oneof![4 => 0u32..5_000, 2 => 0u32..60_000, 1 => 0u32..1_200_000];
    vec((pause, scene()), 0..length.max(1))
}

/// Any fate of requests.
pub fn fates(length: usize) -> impl Strategy<Value = std::vec::Vec<Fate>> {
    let fate = prop_oneof![
        12 => (1u16..4_000).prop_map(Fate::Answered),
        1 => Just(Fate::AnswerLost),
        1 => Just(Fate::Lost),
        1 => Just(Fate::NotSent),
        1 => select(vec![(400u16, 0u32), (403, 7504), (404, 0), (409, 0), (429, 0)])
            .prop_map(|(status, code)| Fate::Refused(status, code)),
        1 => Just(Fate::GatewayTimeout),
        1 => Just(Fate::Fails),
    ];
    vec(fate, 0..length.max(1))
}

fn channel_of<S: Strategy<Value = Fault>>(
    length: usize,
    fault: impl Fn() -> S,
) -> impl Strategy<Value = Channel> {
    let faults = || vec(fault(), 0..length.max(1));
    (faults(), faults(), faults()).prop_map(|(calls, rosters, operations)| Channel {
        calls,
        rosters,
        operations,
    })
}

/// A channel that delays and repeats, and does not lose.
pub fn late_channel(length: usize) -> impl Strategy<Value = Channel> {
    channel_of(length, || {
        prop_oneof![
            4 => Just(Fault::None),
            2 => (1u32..30_000).prop_map(Fault::Late),
            1 => (0u32..30_000).prop_map(Fault::Twice),
        ]
    })
}

/// A channel that delays, repeats and loses.
pub fn channel(length: usize) -> impl Strategy<Value = Channel> {
    channel_of(length, || {
        prop_oneof![
            6 => Just(Fault::None),
            2 => (1u32..30_000).prop_map(Fault::Late),
            1 => (0u32..30_000).prop_map(Fault::Twice),
            2 => Just(Fault::Lost),
        ]
    })
}

/// Any history: of any call, with up to `length` scenes, in which notifications and requests are lost.
///
/// What befalls messages shrinks first: it counts them, so that with a scene less it would befall others.
pub fn history(length: usize) -> impl Strategy<Value = History> {
    (channel(length), fates(12), fates(6), scenes(length), manners(), plain_opening()).prop_map(
        |(channel, fates, questions, scenes, manners, opening)| History {
            opening,
            manners,
            scenes,
            fates,
            questions,
            channel,
        },
    )
}

/// Any history in which nothing is lost: notifications come late and twice, and every request is answered.
pub fn late_history(length: usize) -> impl Strategy<Value = History> {
    (late_channel(length), scenes(length), manners(), plain_opening()).prop_map(
        |(channel, scenes, manners, opening)| History { manners, scenes, channel, ..History::of(opening) },
    )
}
