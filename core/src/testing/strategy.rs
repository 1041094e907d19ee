//! Strategies: any command, any report, any act, and stories that go deep.
//!
//! Everything shrinks towards less: fewer acts, shorter pauses, plainer news. Requests are named by how new they are, ids
//! and numbers are few, so that what comes often belongs to what went before.

mod history;

pub use history::{
    channel, fates, history, incoming, late_channel, late_history, manners, plain_opening, scene, scenes,
};

use std::vec;
use std::vec::Vec;

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;

use super::act::{Act, Carried, Opening, Which};
use super::{Broken, Observer};
use crate::call::{Call, Offer, Output, Refused, Setup};
use crate::command::{
    Answer, AudioGroup, AudioRoutingGroup, BargeIn, Beep, CallOptions, Command, Destination, Invitee,
    JoiningAnswer, Mask, MediaConfig, Modalities, Placement, Record, Redirect, RejectReason, Repeat,
    RoutingMode, Transfer, Transferee, Visibility,
};
use crate::deadline::{Timer, Timers};
use crate::id::{CallId, CallKey, ClientContext, OperationId, ParticipantId, Sequence, SessionId, Ticket};
use crate::identity::{Answerer, Identity, Routing, Source};
use crate::lifecycle::State;
use crate::lifecycle::end::TerminationReason;
use crate::list::List;
use crate::media::{Audio, Mute, RecordingStatus, ScreenSharingRole, Tone, Transcription};
use crate::meeting::{ByOrganizer, Coordinates, Meeting};
use crate::operation::{Completion, Status};
use crate::permission::{Grants, Permission, Permissions, Policy};
use crate::report::{CallNews, Change, OperationNews, Told, ToneInfo};
use crate::restriction::{Overrides, PolicyRecording, Restriction};
use crate::result::ResultInfo;
use crate::roster::{Extent, Hold, Participant, Presence, Trust};
use crate::text::{Secret, Uri};
use crate::time::{Span, Timestamp};

const CALLBACK: Uri<'static> = Uri::new("https://bot.example/calls/1");
const PROMPTS: [Uri<'static>; 21] = [Uri::new("https://bot.example/menu.wav"); 21];
const TARGETS: [Identity<'static>; 26] = {
    let mut targets = [Identity::User("550fae72-d251-43ec-868c-373732c2704f"); 26];
    let [_, second, third, ..] = &mut targets;
    *second = Identity::Application("e6ba9b63-4d53-4a3b-9ea1-7fe2a7a40d0a");
    *third = Identity::Guest("6");
    targets
};
const PHONES: [Identity<'static>; 2] = [Identity::Phone(Secret::new("+12345678901")); 2];
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

/// The key of every call that [`setup`] makes.
pub const KEY: CallKey = CallKey::new(9);

/// The id of the participant of this number, in everything that these strategies make.
pub const fn participant_id(number: u8) -> ParticipantId {
    ParticipantId::from_bytes([
        number, 0xC3, 0x89, 0x43, 0x43, 0x11, 0x4E, 0xD1, 0x99, 0x5E, 0x1F, 0x5B, 0x2E, 0xA4, 0x4B, 0x01,
    ])
}

const fn operation_id(number: u8) -> OperationId {
    OperationId::from_bytes([number; 16])
}

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

fn answer() -> impl Strategy<Value = Command<'static>> {
    (media_config(), weighted(0.2, 1u16..4)).prop_map(|(media, participant_capacity)| {
        Command::Answer(Answer { media, participant_capacity, ..Answer::new(CALLBACK) })
    })
}

/// An answer so many times as often as a rejection or a redirection.
fn settling(answers: u32) -> impl Strategy<Value = Command<'static>> {
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

fn coordinates() -> impl Strategy<Value = Coordinates> + Clone {
    prop_oneof![
        6 => Just(Coordinates::None),
        1 => select(vec![Coordinates::Chat, Coordinates::Meeting, Coordinates::Both]),
    ]
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

fn grants() -> impl Strategy<Value = Grants> {
    let some = vec(select(Permission::ALL), 0..5).prop_map(|list| Grants::Known(Permissions::of(&list)));
    prop_oneof![3 => Just(Grants::Unknown), 2 => Just(Grants::Known(Permissions::ALL)), 2 => some]
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

fn organizer() -> Meeting<'static> {
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

/// A call, and what happens to it. `Debug` prints an act a line.
#[derive(Clone, PartialEq, Eq)]
pub struct Story {
    /// How it begins.
    pub opening: Opening,
    /// Acts, and how many milliseconds pass before each.
    pub acts: Vec<(u64, Act)>,
}

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

impl core::fmt::Debug for Story {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        writeln!(f, "{:?}", self.opening)?;
        for (pause, act) in &self.acts {
            writeln!(f, "{pause:>9} ms later: {act:?}")?;
        }
        Ok(())
    }
}

impl Story {
    /// Plays the story under the eyes of an [`Observer`], with a tick at each deadline, and shows `see` the call and what
    /// each act gave. A call that is refused has no story.
    ///
    /// # Errors
    /// The invariant that broke.
    pub fn play<const R: usize, const O: usize>(
        &self,
        mut see: impl FnMut(&Call<R, O>, &Result<Output<'_>, Refused>),
    ) -> Result<Option<Call<R, O>>, Broken> {
        let mut now = Timestamp::from_millis(1_000_000);
        let Ok((mut call, output)) = self.opening.open::<R, O>(now) else { return Ok(None) };
        let mut observer = Observer::open(&self.opening, &call, now)?;
        see(&call, &Ok(output));
        for (pause, act) in &self.acts {
            now = now.plus(Span::from_millis(*pause));
            while let Some(due) = call.next_deadline().filter(|due| due.at <= now) {
                let result = observer.observe(&mut call, due.at, crate::call::Input::Tick)?;
                see(&call, &result);
            }
            let before = call.clone();
            act.with(&before, |input| {
                let result = observer.observe(&mut call, now, input)?;
                see(&call, &result);
                Ok(())
            })?;
        }
        Ok(Some(call))
    }
}
