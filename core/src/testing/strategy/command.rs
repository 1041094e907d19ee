//! Any command.

use std::vec;

use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;

use super::{CALLBACK, TARGETS, any_participant, media_config, some};
use crate::command::{
    Answer, AudioGroup, AudioRoutingGroup, BargeIn, Beep, Command, Invitee, JoiningAnswer, Mask, Record,
    Redirect, RejectReason, Repeat, RoutingMode, Transfer, Transferee, Visibility,
};
use crate::id::ParticipantId;
use crate::identity::Identity;
use crate::list::List;
use crate::media::{RecordingStatus, ScreenSharingRole, Tone};
use crate::testing::participant_id;
use crate::text::Uri;

const PROMPTS: [Uri<'static>; 21] = [Uri::new("https://bot.example/menu.wav"); 21];
/// The last is none that could be sent.
const TONES: [Tone; 4] = [Tone::Tone1, Tone::Star, Tone::Pound, Tone::Unrecognised];
const INVITEES: [Invitee<'static>; 6] =
    [Invitee::new(Identity::User("550fae72-d251-43ec-868c-373732c2704f")); 6];
const OUT_OF_ANOTHER: [Invitee<'static>; 2] = [Invitee {
    identity: Identity::User("550fae72-d251-43ec-868c-373732c2704f"),
    replaces_call_id: Some("57dab8b1-894c-409a-b240-bd8beae78896"),
    participant_id: None,
    visibility: Visibility::Hidden,
    audio_group: AudioGroup::Apart,
}; 2];
const RECEIVERS: [ParticipantId; 2] = [participant_id(2), participant_id(3)];

fn answer() -> impl Strategy<Value = Command<'static>> {
    (media_config(), weighted(0.2, 1u16..4)).prop_map(|(media, participant_capacity)| {
        Command::Answer(Answer { media, participant_capacity, ..Answer::new(CALLBACK) })
    })
}

/// An answer so many times as often as a rejection or a redirection.
pub(super) fn settling(answers: u32) -> impl Strategy<Value = Command<'static>> {
    prop_oneof![
        answers => answer(),
        1 => select(RejectReason::ALL).prop_map(Command::Reject),
        1 => redirect(),
    ]
}

fn redirect() -> impl Strategy<Value = Command<'static>> {
    let count = prop_oneof![4 => 1usize..3, 1 => select(vec![0usize, 25, 26])];
    let timeout = weighted(0.3, select(vec![14u8, 15, 30, 90, 91]));
    (some(&TARGETS, count), timeout)
        .prop_map(|(targets, timeout)| Command::Redirect(Redirect { targets, timeout, mask: Mask::NONE }))
}

fn transfer() -> impl Strategy<Value = Command<'static>> {
    (any::<bool>(), weighted(0.5, any_participant())).prop_map(|(consults, transferee)| {
        let [target, ..] = TARGETS;
        Command::Transfer(Transfer {
            target,
            replaces_call_id: consults.then_some("57dab8b1-894c-409a-b240-bd8beae78896"),
            transferee: transferee.map(|participant| Transferee { identity: target, participant }),
        })
    })
}

fn record() -> impl Strategy<Value = Command<'static>> {
    let seconds = || weighted(0.1, select(vec![0u8, 1, 5, 120, 121]));
    (select(BargeIn::ALL), select(Beep::ALL), seconds(), seconds(), seconds(), 0usize..2).prop_map(
        |(barge_in, beep, initial_silence, max_silence, max_duration, stops)| {
            let [prompt, ..] = PROMPTS;
            Command::Record(Record {
                prompt: Some(prompt),
                barge_in,
                beep,
                initial_silence,
                max_silence,
                max_duration,
                stop_tones: List::new(TONES.get(..stops).unwrap_or(&[])),
            })
        },
    )
}

fn routing_group() -> impl Strategy<Value = AudioRoutingGroup<'static>> {
    let receivers = some(&RECEIVERS, prop_oneof![6 => Just(1usize), 1 => Just(2), 1 => Just(0)]);
    (select(RoutingMode::ALL), receivers).prop_map(|(mode, receivers)| AudioRoutingGroup {
        mode,
        source: participant_id(1),
        receivers,
    })
}

/// Any command.
pub fn command() -> impl Strategy<Value = Command<'static>> {
    let prompts = some(&PROMPTS, prop_oneof![8 => 1usize..3, 1 => select(vec![0usize, 20, 21])]);
    let media = prop_oneof![
        4 => (prompts, prop_oneof![4 => Just(Repeat::Once), 1 => Just(Repeat::Forever)])
            .prop_map(|(prompts, repeat)| Command::PlayPrompt { prompts, repeat }),
        2 => record(),
        1 => Just(Command::CancelMediaProcessing),
        2 => Just(Command::SubscribeToTone),
        2 => (some(&TONES, prop_oneof![12 => 0usize..4, 1 => Just(4usize)]), weighted(0.3, 0u16..500))
            .prop_map(|(tones, delay)| Command::SendDtmf { tones, delay }),
    ];
    let invite = prop_oneof![
        6 => some(&INVITEES, Just(1usize)),
        2 => some(&INVITEES, select(vec![0usize, 2, 5, 6])),
        1 => some(&OUT_OF_ANOTHER, 1usize..3),
    ];
    let [prompt, ..] = PROMPTS;
    let others = prop_oneof![
        2 => invite.prop_map(Command::Invite),
        1 => any_participant().prop_map(Command::RemoveParticipant),
        1 => any_participant().prop_map(Command::MuteParticipant),
        2 => (1u8..3, weighted(0.5, Just(prompt))).prop_map(|(number, prompt)| Command::StartHoldMusic {
            participant: participant_id(number), prompt
        }),
        1 => (1u8..3).prop_map(participant_id).prop_map(Command::StopHoldMusic),
    ];
    let recording = prop_oneof![
        3 => select(RecordingStatus::ALL).prop_map(Command::UpdateRecordingStatus),
        1 => prop_oneof![
            Just(JoiningAnswer::Accept),
            Just(JoiningAnswer::Reject(RejectReason::Busy)),
            Just(JoiningAnswer::InviteNewBot(CALLBACK)),
        ]
        .prop_map(Command::AnswerJoining),
    ];
    let rest = prop_oneof![
        select(ScreenSharingRole::ALL).prop_map(Command::ChangeScreenSharingRole),
        Just(Command::AddLargeGalleryView),
        routing_group().prop_map(Command::CreateAudioRoutingGroup),
        routing_group().prop_map(|group| Command::UpdateAudioRoutingGroup { id: "g", group }),
        Just(Command::DeleteAudioRoutingGroup { id: "g" }),
        Just(Command::Mute),
        Just(Command::Unmute),
    ];
    prop_oneof![
        4 => settling(4),
        2 => transfer(),
        1 => Just(Command::HangUp),
        1 => Just(Command::KeepAlive),
        1 => Just(Command::Refresh),
        8 => media,
        5 => others,
        2 => recording,
        4 => rest,
    ]
}
