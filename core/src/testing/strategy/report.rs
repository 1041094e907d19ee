//! Any report, weighted so that what comes belongs to what went before.

use std::vec;
use std::vec::Vec;

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;

use super::{any_participant, coordinates, grants};
use crate::id::{CallId, CallKey, ClientContext, OperationId, Sequence, SessionId, Ticket};
use crate::identity::{Answerer, Routing};
use crate::lifecycle::State;
use crate::lifecycle::end::TerminationReason;
use crate::media::{Audio, Mute, RecordingStatus, ScreenSharingRole, Tone, Transcription};
use crate::operation::{Completion, Status};
use crate::report::{CallNews, Change, OperationNews, Told, ToneInfo};
use crate::result::ResultInfo;
use crate::roster::{Extent, Hold, Participant, Presence};
use crate::testing::{Act, Carried, Which, participant_id};

const fn operation_id(number: u8) -> OperationId {
    OperationId::from_bytes([number; 16])
}

fn state() -> impl Strategy<Value = State> {
    prop_oneof![
        8 => Just(State::Established),
        3 => select(vec![State::Establishing, State::Ringing, State::Hold]),
        3 => select(vec![State::Transferring, State::TransferAccepted]),
        1 => select(vec![State::Incoming, State::Redirecting, State::Terminating, State::Terminated]),
    ]
}

fn result() -> impl Strategy<Value = ResultInfo> {
    (select(vec![0u32, 200, 408, 500, 700]), select(vec![5002u32, 7000, 8537]))
        .prop_map(|(code, subcode)| ResultInfo { code, subcode })
}

fn tone() -> impl Strategy<Value = ToneInfo> {
    (0u64..60, select(Tone::ALL))
        .prop_map(|(number, tone)| ToneInfo { sequence: Sequence::new(number), tone })
}
/// Any news of a call.
pub fn call_news() -> impl Strategy<Value = CallNews> {
    let told = prop_oneof![
        3 => Just(Told::Nothing),
        12 => state().prop_map(Told::State),
        1 => Just(Told::Unrecognised),
    ];
    let usual = (told, weighted(0.3, select(Audio::ALL)), weighted(0.2, tone()), weighted(0.2, result()));
    let rare = (
        weighted(0.5, Just(CallId::from_bytes([7; 16]))),
        coordinates(),
        weighted(0.1, select(TerminationReason::ALL)),
        weighted(0.2, Just(participant_id(1))),
        weighted(0.1, select(Transcription::ALL)),
        weighted(0.1, select(Answerer::ALL)),
        weighted(0.1, select(Routing::ALL)),
    );
    (usual, rare).prop_map(|(usual, rare)| {
        let (state, audio, tone, result) = usual;
        let (id, coordinates, reason, own_participant, transcription, answered_by, routing) = rare;
        CallNews {
            id,
            state,
            audio,
            tone,
            result,
            reason,
            coordinates,
            own_participant,
            transcription,
            answered_by,
            routing,
        }
    })
}

fn operation_news() -> impl Strategy<Value = OperationNews> {
    let status = prop_oneof![
        3 => Just(Status::Running),
        4 => Just(Status::Completed),
        2 => select(Status::ALL),
    ];
    // The context of another call, or of one that is none of the requests.
    let context = weighted(0.05, Just(ClientContext { key: CallKey::new(8), ticket: Ticket::FIRST }));
    (
        weighted(0.8, (1u8..6).prop_map(operation_id)),
        context,
        status,
        weighted(0.2, result()),
        weighted(0.2, select(Completion::ALL)),
        weighted(0.2, any_participant()),
    )
        .prop_map(|(id, context, status, result, completion, invited)| OperationNews {
            id,
            context,
            status,
            result,
            completion,
            invited,
        })
}

fn participant() -> impl Strategy<Value = Participant> {
    let presence = prop_oneof![
        6 => Just(Presence::Present),
        1 => select(vec![Presence::Lobby, Presence::Left, Presence::GalleryView]),
    ];
    let more = (
        weighted(0.2, select(Mute::ALL)),
        weighted(0.1, select(Hold::ALL)),
        weighted(0.1, select(RecordingStatus::ALL)),
        weighted(0.1, select(ScreenSharingRole::ALL)),
        weighted(0.2, (0u64..9).prop_map(Sequence::new)),
    );
    (weighted(0.95, any_participant()), presence, more).prop_map(|(id, presence, more)| {
        let (mute, hold, recording, screen, sequence) = more;
        Participant { mute, hold, recording, screen, sequence, ..Participant::new(id, presence) }
    })
}

fn extent() -> impl Strategy<Value = Extent> {
    prop_oneof![
        5 => Just(Extent::Full),
        2 => (0u64..12).prop_map(|number| Extent::Delta(Sequence::new(number))),
        1 => Just(Extent::Part),
    ]
}

/// Participants, among whom one is often the bot.
fn participants() -> impl Strategy<Value = Vec<Participant>> {
    (
        weighted(0.6, Just(Participant::new(Some(participant_id(1)), Presence::Present))),
        vec(participant(), 0..5),
    )
        .prop_map(|(own, others)| own.into_iter().chain(others).collect())
}
fn which() -> impl Strategy<Value = Which> {
    prop_oneof![8 => (0u8..3).prop_map(Which::Newest), 3 => (3u8..12).prop_map(Which::Newest)]
}

fn response() -> impl Strategy<Value = Act> {
    let status = prop_oneof![
        12 => select(vec![200u16, 201, 202, 204]),
        5 => select(vec![302u16, 400, 403, 404, 408, 409, 429, 500, 503]),
    ];
    let code = prop_oneof![2 => Just(0u32), 1 => select(vec![7504u32, 8522])];
    let body = prop_oneof![
        2 => Just(Carried::None),
        2 => call_news().prop_map(Carried::Call),
        3 => operation_news().prop_map(Carried::Operation),
        1 => participants().prop_map(|list| Carried::Roster(Extent::Full, list)),
    ];
    (which(), status, code, body).prop_map(|(which, status, code, body)| {
        // A call that is gone is told of by 404 only.
        let code = if status >= 400 { code } else { 0 };
        Act::Response(which, status, code, body)
    })
}

/// Any report.
pub fn report() -> impl Strategy<Value = Act> {
    let change = || prop_oneof![20 => Just(Change::Updated), 1 => select(Change::ALL)];
    prop_oneof![
        10 => (change(), call_news()).prop_map(|(change, news)| Act::Call(change, news)),
        4 => (extent(), participants()).prop_map(|(extent, list)| Act::Roster(extent, list)),
        5 => (select(Change::ALL), weighted(0.8, which()), operation_news())
            .prop_map(|(change, which, news)| Act::Operation(change, which, news)),
        1 => (select(Change::ALL), weighted(0.8, select(vec!["a", "b"]).prop_map(SessionId::parse)))
            .prop_map(|(change, session)| Act::ContentSharing(change, session)),
        1 => Just(Act::Joining),
        1 => Just(Act::Left),
        1 => Just(Act::Unrecognised),
        10 => response(),
        2 => which().prop_map(Act::NoResponse),
        1 => which().prop_map(Act::NotSent),
        1 => grants().prop_map(Act::Granted),
    ]
}
