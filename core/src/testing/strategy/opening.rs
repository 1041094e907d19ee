//! Any way in which a call begins.

use std::vec;
use std::vec::Vec;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::{CALLBACK, TARGETS, coordinates, grants, media_config, some};
use crate::call::{Offer, Setup};
use crate::command::{CallOptions, Destination, Modalities, Placement};
use crate::deadline::{Timer, Timers};
use crate::id::CallId;
use crate::identity::{Identity, Source};
use crate::meeting::{ByOrganizer, Coordinates, Meeting};
use crate::permission::Policy;
use crate::restriction::{Overrides, PolicyRecording, Restriction};
use crate::roster::Trust;
use crate::testing::{KEY, Opening};
use crate::text::Secret;
use crate::time::Span;

const PHONES: [Identity<'static>; 2] = [Identity::Phone(Secret::new("+12345678901")); 2];
/// What an embedder may decide of a call.
pub fn setup() -> impl Strategy<Value = Setup> {
    let policy = prop_oneof![3 => Just(Policy::Enforce), 1 => Just(Policy::Advise), 1 => Just(Policy::Off)];
    let overrides = prop_oneof![
        5 => Just(Overrides::NONE),
        1 => vec(select(Restriction::ALL), 0..4).prop_map(|list| Overrides::of(&list)),
    ];
    let trust = prop_oneof![4 => Just(Trust::Confirm), 1 => Just(Trust::Snapshots)];
    (grants(), policy, overrides, trust, timers()).prop_map(|(grants, policy, overrides, trust, timers)| {
        Setup { grants, policy, overrides, trust, timers, ..Setup::new(KEY) }
    })
}

fn timers() -> impl Strategy<Value = Timers> {
    let one = (select(Timer::ALL), any::<proptest::sample::Index>()).prop_map(|(timer, place)| {
        let (least, most) = timer.range();
        let width = usize::try_from(most.as_millis().saturating_sub(least.as_millis())).unwrap_or(0);
        let more = u64::try_from(place.index(width.saturating_add(1))).unwrap_or(0);
        (timer, Span::from_millis(least.as_millis().saturating_add(more)))
    });
    prop_oneof![4 => Just(Vec::new()), 1 => vec(one, 1..5)].prop_map(|set| {
        set.into_iter()
            .fold(Timers::DEFAULT, |timers, (timer, span)| timers.with(timer, span).unwrap_or(timers))
    })
}

fn offer() -> impl Strategy<Value = Offer> {
    let recording = prop_oneof![4 => Just(PolicyRecording::No), 1 => Just(PolicyRecording::Yes)];
    (coordinates(), recording).prop_map(|(coordinates, recording)| {
        let coordinates = if recording == PolicyRecording::Yes { Coordinates::Meeting } else { coordinates };
        Offer { id: CallId::from_bytes([7; 16]), coordinates, recording }
    })
}

pub(super) fn organizer() -> Meeting<'static> {
    Meeting::Organizer(ByOrganizer {
        thread_id: "19:meeting_Win6Ydo4wsMijFjZS00ZGVjLTk5MGUtOTRjNWY2NmNkYTFm@thread.v2",
        message_id: "0",
        reply_chain_message_id: None,
        organizer_id: "5810cede-f3cc-42eb-b2c1-e9bd5d53ec96",
        tenant_id: "aa67bd4c-8475-432d-bd41-39f255720e0a",
    })
}

fn placement() -> impl Strategy<Value = Placement<'static>> {
    let meeting = prop_oneof![
        Just(organizer()),
        Just(Meeting::Token(Secret::new("token"))),
        Just(Meeting::JoinId { id: "1234567", passcode: Some(Secret::new("psw123")) }),
    ];
    let to = prop_oneof![
        5 => some(&TARGETS, Just(1usize)).prop_map(Destination::Targets),
        2 => some(&TARGETS, select(vec![0usize, 2, 5, 6])).prop_map(Destination::Targets),
        1 => some(&PHONES, 1usize..3).prop_map(Destination::Targets),
        3 => meeting.prop_map(Destination::Meeting),
    ];
    let source = prop_oneof![
        6 => Just(Source::Bot),
        1 => Just(Source::Application("2891555a-92ff-42e6-80fa-6e1300c6b5c6")),
        2 => Just(Source::ApplicationInstance("3d913abb-aec0-4964-8fa6-3c6850c4f278")),
        1 => Just(Source::Guest { id: "d7a3b999-17ac-4bca-9e77-e6a730d2ec2e", display_name: "Guest" }),
    ];
    (to, source, media_config()).prop_map(|(to, source, media)| Placement {
        callback: CALLBACK,
        to,
        source,
        media,
        modalities: Modalities::AUDIO,
        options: CallOptions::NONE,
    })
}

/// Any way in which a call begins.
pub fn opening() -> impl Strategy<Value = Opening> {
    prop_oneof![
        (setup(), offer()).prop_map(|(setup, offer)| Opening::Offered(setup, offer)),
        (setup(), placement()).prop_map(|(setup, placement)| Opening::Placed(setup, placement)),
    ]
}
