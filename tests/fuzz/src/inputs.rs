//! Inputs out of bytes: every command, every report, and time in any direction.
//!
//! Ids and tickets are few, so that what comes later often means what came before.

use callflow_core::call::Input;
use callflow_core::command::{
    Answer, AudioGroup, AudioRoutingGroup, BargeIn, Beep, CallOptions, Command, Destination, Invitee,
    JoiningAnswer, Mask, MediaConfig, Modalities, Placement, Record, Redirect, RejectReason, Repeat,
    RoutingMode, Transfer, Transferee, Visibility,
};
use callflow_core::id::{
    CallId, CallKey, ClientContext, OperationId, ParticipantId, Sequence, SessionId, Ticket,
};
use callflow_core::identity::{Answerer, Identity, Routing, Source};
use callflow_core::lifecycle::State;
use callflow_core::lifecycle::end::TerminationReason;
use callflow_core::list::List;
use callflow_core::media::{Audio, Mute, RecordingStatus, ScreenSharingRole, Tone, Transcription};
use callflow_core::meeting::{ByOrganizer, Coordinates, Meeting};
use callflow_core::operation::{Completion, Status};
use callflow_core::permission::{Grants, Permission, Permissions};
use callflow_core::report::{
    Body, CallNews, Change, OperationNews, Report, Response, RosterNews, Told, ToneInfo,
};
use callflow_core::result::ResultInfo;
use callflow_core::roster::{Extent, Hold, Participant, Presence};
use callflow_core::text::{Secret, Uri};
use callflow_core::time::{Span, Timestamp};

use crate::{Bytes, Call};

const URI: Uri<'static> = Uri::new("https://bot.example/a.wav?sig=1");
const URIS: [Uri<'static>; 21] = [URI; 21];
const USERS: [Identity<'static>; 26] = [Identity::User("u"); 26];
const TONES: [Tone; 3] = [Tone::Tone1, Tone::Pound, Tone::Unrecognised];
const IDENTITIES: [Identity<'static>; 5] = [
    Identity::User("u"),
    Identity::Application("a"),
    Identity::ApplicationInstance("i"),
    Identity::Phone(Secret::new("+491")),
    Identity::Guest("g"),
];
const RESULTS: [(u32, u32); 8] =
    [(0, 0), (200, 0), (200, 7000), (200, 5002), (400, 8508), (500, 7000), (404, 8522), (u32::MAX, u32::MAX)];
/// What a roster can say; the others are for core to conclude.
const TOLD: [Presence; 4] = [Presence::Present, Presence::Lobby, Presence::Left, Presence::GalleryView];
const STATUSES: [u16; 12] = [200, 201, 202, 204, 400, 403, 404, 408, 429, 500, 503, 0];
const CODES: [u32; 4] = [0, 7504, 8522, u32::MAX];
const ORGANIZER: ByOrganizer<'static> = ByOrganizer {
    thread_id: "19:t",
    message_id: "0",
    reply_chain_message_id: None,
    organizer_id: "o",
    tenant_id: "t",
};

/// How the clock goes on before the next input.
#[derive(Clone, Copy, Debug)]
pub enum Moment {
    /// By a little.
    Soon(u8),
    /// To the next deadline, or a little before or after it.
    Deadline(i8),
    /// Back by a little.
    Back(u8),
    /// To anywhere.
    Leap(u64),
}

impl Moment {
    /// A moment out of bytes.
    pub fn of(bytes: &mut Bytes<'_>) -> Self {
        match bytes.byte() {
            0..100 => Self::Soon(bytes.byte()),
            100..220 => Self::Deadline(bytes.byte().cast_signed() % 2),
            220..250 => Self::Back(bytes.byte()),
            250.. => Self::Leap(bytes.number::<8>()),
        }
    }

    /// The same for a clock that only goes forward.
    #[must_use]
    pub fn forward(self) -> Self {
        match self {
            Self::Soon(by) | Self::Back(by) => Self::Soon(by),
            Self::Deadline(off) => Self::Deadline(off.max(0)),
            Self::Leap(by) => Self::Soon(by.to_le_bytes()[0]),
        }
    }

    /// The clock after `now`, of a call.
    pub fn after(self, now: Timestamp, call: &Call) -> Timestamp {
        match self {
            Self::Soon(by) => now.plus(Span::from_millis(u64::from(by) * 100)),
            Self::Deadline(off) => {
                let at = call.next_deadline().map_or(now, |due| due.at);
                Timestamp::from_millis(at.as_millis().saturating_add_signed(off.into()))
            }
            Self::Back(by) => Timestamp::from_millis(now.as_millis().saturating_sub(u64::from(by) * 50)),
            Self::Leap(to) => Timestamp::from_millis(to),
        }
    }
}

/// Hands a placement to `with`.
pub fn with_placement<T>(bytes: &mut Bytes<'_>, with: impl FnOnce(&Placement<'_>) -> T) -> T {
    let to = match bytes.byte() % 6 {
        0..3 => Destination::Targets(List::new(&USERS[..usize::from(bytes.byte() % 7)])),
        3 => Destination::Meeting(Meeting::Organizer(ORGANIZER)),
        4 => Destination::Meeting(Meeting::Token(Secret::new("t"))),
        _ => Destination::Meeting(Meeting::JoinId { id: "1", passcode: None }),
    };
    let source = match bytes.byte() % 8 {
        0..5 => Source::Bot,
        5 => Source::Application("a"),
        6 => Source::ApplicationInstance("i"),
        _ => Source::Guest { id: "g", display_name: "G" },
    };
    let (modalities, options) = (Modalities::AUDIO, CallOptions::DELTA_ROSTER);
    with(&Placement { callback: URI, to, source, media: media(bytes), modalities, options })
}

/// Hands an input to `with`.
pub fn with_input<T>(bytes: &mut Bytes<'_>, call: &Call, with: impl FnOnce(Input<'_>) -> T) -> T {
    match bytes.byte() {
        0..90 => {
            let receivers: Vec<_> = (0..bytes.byte() % 4).map(|_| participant(bytes)).collect();
            let targets: Vec<_> = (0..bytes.byte() % 8).map(|_| invitee(bytes)).collect();
            with(Input::Command(&command(bytes, List::new(&receivers), List::new(&targets))))
        }
        90..210 => {
            let members: Vec<_> = (0..bytes.byte() % 6).map(|_| member(bytes)).collect();
            with(Input::Report(&report(bytes, call, List::new(&members))))
        }
        210.. => with(Input::Tick),
    }
}

fn media(bytes: &mut Bytes<'_>) -> MediaConfig<'static> {
    bytes.one(&[
        MediaConfig::ServiceHosted,
        MediaConfig::ServiceHosted,
        MediaConfig::AppHosted(Secret::new("b")),
    ])
}

fn participant(bytes: &mut Bytes<'_>) -> ParticipantId {
    ParticipantId::from_bytes([1 + bytes.byte() % 6; 16])
}

fn operation_id(bytes: &mut Bytes<'_>) -> OperationId {
    OperationId::from_bytes([1 + bytes.byte() % 4; 16])
}

fn sequence(bytes: &mut Bytes<'_>) -> Sequence {
    Sequence::new(if bytes.byte() > 250 { bytes.number::<8>() } else { u64::from(bytes.byte() % 64) })
}

fn invitee(bytes: &mut Bytes<'_>) -> Invitee<'static> {
    Invitee {
        identity: bytes.one(&IDENTITIES),
        replaces_call_id: bytes.maybe(|_| "other"),
        participant_id: bytes.maybe(|_| "p"),
        visibility: bytes.one(Visibility::ALL),
        audio_group: bytes.one(AudioGroup::ALL),
    }
}

fn command<'a>(
    bytes: &mut Bytes<'_>,
    receivers: List<'a, ParticipantId>,
    invitees: List<'a, Invitee<'a>>,
) -> Command<'a> {
    let seconds = |bytes: &mut Bytes<'_>| bytes.maybe(Bytes::byte);
    match bytes.byte() % 27 {
        0 => Command::Answer(Answer {
            callback: URI,
            media: media(bytes),
            modalities: Modalities::AUDIO,
            participant_capacity: bytes.maybe(|bytes| bytes.byte().into()),
            options: CallOptions::NONE,
        }),
        1 => Command::Reject(bytes.one(RejectReason::ALL)),
        2 => Command::Redirect(Redirect {
            targets: List::new(bytes.some(&USERS)),
            timeout: seconds(bytes),
            mask: Mask::NONE,
        }),
        3 => Command::Transfer(Transfer {
            target: bytes.one(&IDENTITIES),
            replaces_call_id: bytes.maybe(|_| "other"),
            transferee: bytes.maybe(|bytes| Transferee {
                identity: bytes.one(&IDENTITIES),
                participant: participant(bytes),
            }),
        }),
        4 => Command::HangUp,
        5 => Command::KeepAlive,
        6 => Command::Refresh,
        7 => Command::Mute,
        8 => Command::Unmute,
        9 => Command::PlayPrompt { prompts: List::new(bytes.some(&URIS)), repeat: bytes.one(Repeat::ALL) },
        10 => Command::Record(Record {
            prompt: bytes.maybe(|_| URI),
            barge_in: bytes.one(BargeIn::ALL),
            beep: bytes.one(Beep::ALL),
            initial_silence: seconds(bytes),
            max_silence: seconds(bytes),
            max_duration: seconds(bytes),
            stop_tones: List::new(bytes.some(&TONES)),
        }),
        11 => Command::CancelMediaProcessing,
        12 => Command::SubscribeToTone,
        13 => Command::SendDtmf { tones: List::new(bytes.some(&TONES)), delay: None },
        14..16 => Command::Invite(invitees),
        16 => Command::RemoveParticipant(participant(bytes)),
        17 => Command::MuteParticipant(participant(bytes)),
        18 => Command::StartHoldMusic { participant: participant(bytes), prompt: bytes.maybe(|_| URI) },
        19 => Command::StopHoldMusic(participant(bytes)),
        20 => Command::UpdateRecordingStatus(bytes.one(RecordingStatus::ALL)),
        21 => Command::AnswerJoining(match bytes.byte() % 3 {
            0 => JoiningAnswer::Accept,
            1 => JoiningAnswer::Reject(bytes.one(RejectReason::ALL)),
            _ => JoiningAnswer::InviteNewBot(URI),
        }),
        22 => Command::ChangeScreenSharingRole(bytes.one(ScreenSharingRole::ALL)),
        23 => Command::AddLargeGalleryView,
        24 => Command::CreateAudioRoutingGroup(group(bytes, receivers)),
        25 => Command::UpdateAudioRoutingGroup { id: "g", group: group(bytes, receivers) },
        _ => Command::DeleteAudioRoutingGroup { id: "g" },
    }
}

fn group<'a>(bytes: &mut Bytes<'_>, receivers: List<'a, ParticipantId>) -> AudioRoutingGroup<'a> {
    AudioRoutingGroup { mode: bytes.one(RoutingMode::ALL), source: participant(bytes), receivers }
}

fn member(bytes: &mut Bytes<'_>) -> Participant {
    Participant {
        id: bytes.maybe(participant),
        presence: bytes.one(&TOLD),
        mute: bytes.maybe(|bytes| bytes.one(Mute::ALL)),
        hold: bytes.maybe(|bytes| bytes.one(Hold::ALL)),
        recording: bytes.maybe(|bytes| bytes.one(RecordingStatus::ALL)),
        screen: bytes.maybe(|bytes| bytes.one(ScreenSharingRole::ALL)),
        sequence: bytes.maybe(sequence),
    }
}

fn report<'a>(bytes: &mut Bytes<'_>, call: &Call, participants: List<'a, Participant>) -> Report<'a> {
    match bytes.byte() % 20 {
        0..6 => Report::Call { change: bytes.one(Change::ALL), news: call_news(bytes) },
        6..9 => Report::Roster(roster_news(bytes, participants)),
        9..12 => Report::Operation { change: bytes.one(Change::ALL), news: operation_news(bytes, call) },
        12 => Report::ContentSharing { change: bytes.one(Change::ALL), session: session(bytes) },
        13 => bytes.one(&[Report::Joining, Report::Left, Report::Unrecognised]),
        14..17 => Report::Response(Response {
            ticket: ticket(bytes),
            status: bytes.one(&STATUSES),
            code: bytes.one(&CODES),
            body: match bytes.byte() % 4 {
                0 => Body::None,
                1 => Body::Call(call_news(bytes)),
                2 => Body::Operation(operation_news(bytes, call)),
                _ => Body::Roster(roster_news(bytes, participants)),
            },
        }),
        17 => Report::NoResponse { ticket: ticket(bytes) },
        18 => Report::NotSent { ticket: ticket(bytes) },
        _ => Report::Granted(grants(bytes)),
    }
}

fn session(bytes: &mut Bytes<'_>) -> Option<SessionId> {
    bytes.maybe(|bytes| SessionId::from_bytes([1 + bytes.byte() % 3; 16]))
}

fn grants(bytes: &mut Bytes<'_>) -> Grants {
    let mut granted = Permissions::NONE;
    let mask = bytes.byte();
    for permission in Permission::ALL.iter().filter(|permission| mask >> permission.index() & 1 == 1) {
        granted = granted.with(*permission);
    }
    bytes.maybe(|_| granted).map_or(Grants::Unknown, Grants::Known)
}

fn ticket(bytes: &mut Bytes<'_>) -> Ticket {
    Ticket::try_new(bytes.byte().into()).unwrap_or(Ticket::FIRST)
}

fn result(bytes: &mut Bytes<'_>) -> ResultInfo {
    let (code, subcode) = bytes.one(&RESULTS);
    ResultInfo { code, subcode }
}

fn call_news(bytes: &mut Bytes<'_>) -> CallNews {
    let state = match bytes.byte() % 12 {
        10 => Told::Nothing,
        11 => Told::Unrecognised,
        place => Told::State(State::ALL[usize::from(place)]),
    };
    let others = bytes.byte();
    let if_set = |bit: u8| others >> bit & 1 == 1;
    CallNews {
        id: if_set(0).then(|| CallId::from_bytes([1 + bytes.byte() % 3; 16])),
        state,
        audio: if_set(1).then(|| bytes.one(Audio::ALL)),
        tone: if_set(2).then(|| ToneInfo { sequence: sequence(bytes), tone: bytes.one(Tone::ALL) }),
        result: if_set(3).then(|| result(bytes)),
        reason: if_set(4).then(|| bytes.one(TerminationReason::ALL)),
        coordinates: if if_set(5) { Coordinates::new(bytes.coin(), bytes.coin()) } else { Coordinates::None },
        own_participant: if_set(6).then(|| participant(bytes)),
        transcription: if_set(7).then(|| bytes.one(Transcription::ALL)),
        answered_by: if_set(7).then(|| bytes.one(Answerer::ALL)),
        routing: if_set(7).then(|| bytes.one(Routing::ALL)),
    }
}

fn operation_news(bytes: &mut Bytes<'_>, call: &Call) -> OperationNews {
    let foreign = CallKey::new(u64::MAX);
    OperationNews {
        id: bytes.maybe(operation_id),
        context: bytes.maybe(|bytes| ClientContext {
            key: bytes.one(&[call.key(), call.key(), foreign]),
            ticket: ticket(bytes),
        }),
        status: bytes.one(Status::ALL),
        result: bytes.maybe(result),
        completion: bytes.maybe(|bytes| bytes.one(Completion::ALL)),
        invited: bytes.maybe(participant),
    }
}

fn roster_news<'a>(bytes: &mut Bytes<'_>, participants: List<'a, Participant>) -> RosterNews<'a> {
    let extent = match bytes.byte() % 3 {
        0 => Extent::Full,
        1 => Extent::Delta(sequence(bytes)),
        _ => Extent::Part,
    };
    RosterNews { extent, participants }
}
