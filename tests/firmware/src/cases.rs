//! The inputs whose instructions are counted, by name: on the microcontroller by the image `count`, and on the host.
//!
//! Each stands with the call that it meets, which is as full as such a call can be, and with what it must do there: a case
//! that is refused by mistake would be counted as cheap.

use callflow_core::call::{Input, Offer, Output, Refused, Setup, Verdict};
use callflow_core::command::{
    Answer, Command, Invitee, Placement, Record, Redirect, RejectReason, Repeat, Transfer,
};
use callflow_core::deadline::Timer;
use callflow_core::id::{CallId, CallKey, ClientContext, OperationId, ParticipantId, Sequence, Ticket};
use callflow_core::identity::Identity;
use callflow_core::lifecycle::State;
use callflow_core::list::List;
use callflow_core::media::{Audio, Tone};
use callflow_core::meeting::Coordinates;
use callflow_core::operation::Status;
use callflow_core::report::{Body, CallNews, Change, OperationNews, Report, Response, RosterNews, ToneInfo};
use callflow_core::result::ResultInfo;
use callflow_core::roster::{Extent, Participant, Presence};
use callflow_core::text::Uri;
use callflow_core::time::{Span, Timestamp};

/// The call of the cases: 16 places in the roster, 8 operations.
pub type Call = callflow_core::call::Call<16, 8>;

/// How many operations a call has room for.
pub const OPERATIONS: u8 = 8;

/// An input, the call that it meets, and what it does there.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// What it is called in the figures.
    pub name: &'static str,
    /// What bounds its instructions.
    pub class: Class,
    /// What it does.
    pub gives: Gives,
    /// Makes the call.
    pub before: fn() -> Call,
    /// When it comes.
    pub at: Timestamp,
    /// The input.
    pub input: Input<'static>,
}

impl Case {
    const fn unchanged(mut self) -> Self {
        self.gives = Gives::Nothing;
        self
    }

    const fn refused(mut self) -> Self {
        self.gives = Gives::Refusal;
        self
    }

    const fn longer(mut self, than: &'static str, by: u32) -> Self {
        self.class = Class::Longer { than, by };
        self
    }
}

/// What bounds the instructions of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A command of constant size.
    Command,
    /// A report of the call's state, of constant size.
    State,
    /// Anything else of constant size.
    Other,
    /// A roster, each of whose entries is compared with each place: it has a bound of its own.
    Roster,
    /// As the case of this name, with so many more list entries or operations that end.
    Longer {
        /// The case without them.
        than: &'static str,
        /// How many more.
        by: u32,
    },
}

/// What an input does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gives {
    /// It changes the call.
    Change,
    /// It is taken, and changes nothing.
    Nothing,
    /// It is refused.
    Refusal,
}

impl Gives {
    /// What `handle_into` did.
    pub fn of(result: Result<(), Refused>, output: &Output<'_>) -> Self {
        match result.map(|()| output.verdict()) {
            Ok(Verdict::Applied) => Self::Change,
            Ok(Verdict::Repeat | Verdict::Stale | Verdict::Unexplained | Verdict::NotUsed) => Self::Nothing,
            Err(_) => Self::Refusal,
        }
    }
}

/// Hands an input in; the instructions of this are counted.
///
/// # Errors
/// What `handle_into` gives.
#[inline(never)]
pub fn hand_in(
    call: &mut Call,
    at: Timestamp,
    input: Input<'static>,
    output: &mut Output<'static>,
) -> Result<(), Refused> {
    call.handle_into(at, input, output)
}

/// The cases.
pub static CASES: &[Case] = &[
    command("answer", offered, &ANSWER),
    command("reject", offered, &Command::Reject(RejectReason::Busy)),
    command("redirect", offered, &Command::Redirect(Redirect::to(List::new(&[DESK])))),
    command("transfer", two, &Command::Transfer(Transfer::to(DESK))),
    command("hang up", busy, &Command::HangUp),
    command("hang up before it is created", placed, &Command::HangUp),
    command("keep alive", busy, &Command::KeepAlive),
    command("refresh", busy, &Command::Refresh),
    command("mute", busy, &Command::Mute),
    command("play", busy, &PLAY),
    command("record", busy, &Command::Record(Record::after(Some(PROMPT)))),
    command("cancel", busy, &Command::CancelMediaProcessing),
    command("subscribe to tone", busy, &Command::SubscribeToTone),
    command("send a tone", busy, &Command::SendDtmf { tones: List::new(&[Tone::Pound]), delay: None }),
    command("invite", busy, &Command::Invite(List::new(&[Invitee::new(DESK)]))),
    command("mute a participant", busy, &Command::MuteParticipant(SOMEBODY)),
    command("hold music", busy, &Command::StartHoldMusic { participant: SOMEBODY, prompt: None }),
    command("gallery view", busy, &Command::AddLargeGalleryView),
    command("answer, refused", busy, &ANSWER).refused(),
    command("play, refused", full, &PLAY).refused(),
    state("told incoming, again", offered, &told(CallNews::of(State::Incoming))).unchanged(),
    state("told establishing", answered, &told(CallNews::of(State::Establishing))),
    state("told created", placed, &told(CREATED)),
    state("told established", answered, &told(ESTABLISHED)),
    state("told established, again", busy, &told(CallNews::of(State::Established))).unchanged(),
    state("told ringing, late", busy, &told(CallNews::of(State::Ringing))).unchanged(),
    state("told hold", busy, &told(CallNews::of(State::Hold))),
    state("told transferring", transferring, &told(CallNews::of(State::Transferring))),
    state("told a failed transfer", transferring, &told(FAILED_TRANSFER)),
    state("told terminating", busy, &told(CallNews::of(State::Terminating))),
    state("told terminated", joined, &told(CallNews::of(State::Terminated))),
    state("told the end, again", ended, &told(CallNews::of(State::Terminated))).unchanged(),
    state("told inactive audio", busy, &told(CallNews { audio: Some(Audio::Inactive), ..CallNews::NONE })),
    state("told a tone", busy, &told(CallNews { tone: Some(TONE), ..CallNews::of(State::Established) })),
    state("told coordinates", quiet, &told(CallNews { coordinates: Coordinates::Both, ..CallNews::NONE })),
    other("told of a running operation", asked, &operation(LAST, Status::Running)),
    other("told of a completed operation", busy, &operation(OPERATIONS, Status::Completed)),
    other("told of a foreign operation", busy, &operation(99, Status::Completed)).unchanged(),
    other("told of content sharing", busy, &SHARING),
    other("told of a joining participant", busy, &Report::Joining),
    other("answer taken", answering, &response(1, 202, Body::None)),
    other("answer refused by Graph", answering, &response(1, 403, Body::None)),
    other("answer without response", answering, &Report::NoResponse { ticket: ticket(1) }),
    other("answer not sent", answering, &Report::NotSent { ticket: ticket(1) }),
    other("creation taken", placed, &response(1, 201, Body::Call(CREATED))),
    other("play taken", asked, &response(LAST, 200, Body::Operation(operation_news(LAST, Status::Running)))),
    other(
        "play completed",
        asked,
        &response(LAST, 200, Body::Operation(operation_news(LAST, Status::Completed))),
    ),
    other("play refused by Graph", asked, &response(LAST, 403, Body::None)),
    other("play without response", asked, &Report::NoResponse { ticket: ticket(LAST) }),
    other("invitation completed", inviting, &operation(LAST, Status::Completed)),
    other("call not found", hanging_up, &response(LAST, 404, Body::None)),
    other("call read", refreshing, &response(LAST, 200, Body::Call(ESTABLISHED))).unchanged(),
    tick("tick, answer limit", offered, T0.plus(Timer::Answer.default_span())),
    tick("tick, ring limit", created, NOW.plus(Timer::Ring.default_span())),
    tick("tick, keep alive", joined, T0.plus(Timer::KeepAlive.default_span())),
    // Operations are looked after in beats of 1024 ms.
    tick("tick, operation", busy, NOW.plus(Timer::Operation.default_span()).plus(Span::from_millis(1024))),
    tick("tick, audio", waiting, T0.plus(Timer::KeepAlive.default_span())),
    tick("tick, nothing due", busy, NOW).unchanged(),
    roster("roster of 16, all new", quiet, &all_of(&SIXTEEN)),
    roster("roster of 16, all known", joined, &all_of(&SIXTEEN)).unchanged(),
    roster("roster of 16, all others", joined, &all_of(&SIXTEEN_OTHERS)),
    roster("roster of 16, all left", joined, &all_of(&SIXTEEN_LEFT)),
    roster("roster of 1 more, without a place", joined, &all_of(&ONE)),
    command("play 16 prompts", busy, &PLAY_16).longer("play", 15),
    state("end with 8 operations", full, &told(CallNews::of(State::Terminated))).longer("told terminated", 8),
    state("told the end of 8 operations, again", ended_full, &told(CallNews::of(State::Terminated)))
        .unchanged()
        .longer("told the end, again", 8),
];

/// When the calls began: as long after the Unix epoch as a server's are.
const T0: Timestamp = Timestamp::from_millis(1_764_000_000_000);
/// When most cases come.
const NOW: Timestamp = Timestamp::from_millis(1_764_000_001_000);

const KEY: CallKey = CallKey::new(0x57DA_B8B1_894C_409A);
const ID: CallId = CallId::from_bytes([0x57; 16]);
const CALLBACK: Uri<'static> = Uri::new("https://bot.example/calls/57dab8b1");
const PROMPT: Uri<'static> = Uri::new("https://bot.example/menu.wav");
const DESK: Identity<'static> = Identity::User("57dab8b1-894c-409a-b240-bd8beae78896");
const ANSWER: Command<'static> = Command::Answer(Answer::new(CALLBACK));
const PLAY: Command<'static> = Command::PlayPrompt { prompts: List::new(&[PROMPT]), repeat: Repeat::Once };
const PLAY_16: Command<'static> =
    Command::PlayPrompt { prompts: List::new(&[PROMPT; 16]), repeat: Repeat::Once };
const SHARING: Report<'static> = Report::ContentSharing { change: Change::Created, session: None };
const FAILED_TRANSFER: CallNews =
    CallNews { result: Some(ResultInfo { code: 500, subcode: 7000 }), ..CallNews::of(State::Established) };
const SOMEBODY: ParticipantId = ParticipantId::from_bytes([0xB0; 16]);
const TONE: ToneInfo = ToneInfo { sequence: Sequence::new(6), tone: Tone::Tone1 };
const CREATED: CallNews = CallNews { id: Some(ID), ..CallNews::of(State::Establishing) };
const ESTABLISHED: CallNews = CallNews {
    audio: Some(Audio::Active),
    own_participant: Some(ParticipantId::from_bytes([0xA0; 16])),
    ..CallNews::of(State::Established)
};
/// The ticket of what a call that is [`busy`] is asked next. Answering took the first.
const LAST: u8 = OPERATIONS + 1;

const SIXTEEN: [Participant; 16] = participants(0, Presence::Present);
const SIXTEEN_OTHERS: [Participant; 16] = participants(16, Presence::Present);
const ONE: [Participant; 1] = participants(16, Presence::Present);
const SIXTEEN_LEFT: [Participant; 16] = participants(0, Presence::Left);

/// Participants whose ids differ in the last byte only.
const fn participants<const N: usize>(from: u8, presence: Presence) -> [Participant; N] {
    let mut all = [Participant::new(None, presence); N];
    let mut number = from;
    let mut rest = all.as_mut_slice();
    while let Some((participant, others)) = rest.split_first_mut() {
        let mut id = [0xB0; 16];
        let [.., last] = &mut id;
        *last = number;
        participant.id = Some(ParticipantId::from_bytes(id));
        number = number.wrapping_add(1);
        rest = others;
    }
    all
}

const fn ticket(number: u8) -> Ticket {
    match Ticket::try_new(number as u32) {
        Some(ticket) => ticket,
        None => Ticket::FIRST,
    }
}

const fn operation_news(ticket_number: u8, status: Status) -> OperationNews {
    let context = ClientContext { key: KEY, ticket: ticket(ticket_number) };
    let id = OperationId::from_bytes([ticket_number; 16]);
    OperationNews { id: Some(id), context: Some(context), ..OperationNews::of(status) }
}

const fn response(number: u8, status: u16, body: Body<'static>) -> Report<'static> {
    Report::Response(Response { ticket: ticket(number), status, code: 0, body })
}

const fn told(news: CallNews) -> Report<'static> {
    Report::Call { change: Change::Updated, news }
}

const fn operation(ticket: u8, status: Status) -> Report<'static> {
    Report::Operation { change: Change::Updated, news: operation_news(ticket, status) }
}

const fn all_of(whom: &'static [Participant]) -> Report<'static> {
    Report::Roster(RosterNews { extent: Extent::Full, participants: List::new(whom) })
}

const fn command(name: &'static str, before: fn() -> Call, command: &'static Command<'static>) -> Case {
    let input = Input::Command(command);
    Case { name, class: Class::Command, gives: Gives::Change, before, at: NOW, input }
}

const fn state(name: &'static str, before: fn() -> Call, report: &'static Report<'static>) -> Case {
    Case { class: Class::State, ..other(name, before, report) }
}

const fn roster(name: &'static str, before: fn() -> Call, report: &'static Report<'static>) -> Case {
    Case { class: Class::Roster, ..other(name, before, report) }
}

const fn other(name: &'static str, before: fn() -> Call, report: &'static Report<'static>) -> Case {
    let input = Input::Report(report);
    Case { name, class: Class::Other, gives: Gives::Change, before, at: NOW, input }
}

const fn tick(name: &'static str, before: fn() -> Call, at: Timestamp) -> Case {
    Case { name, class: Class::Other, gives: Gives::Change, before, at, input: Input::Tick }
}

/// A call to the bot.
fn offered() -> Call {
    Call::offered(T0, Setup::new(KEY), Offer::new(ID)).0
}

/// A call that the bot placed, of which nothing was heard.
fn placed() -> Call {
    let targets = [Identity::User("57dab8b1-894c-409a-b240-bd8beae78896")];
    let placement = Placement::to_targets(CALLBACK, List::new(&targets));
    // That one target was refused would show: such a call does not give what its cases say.
    Call::place(T0, Setup::new(KEY), &placement).map_or_else(|_| offered(), |(call, _)| call)
}

/// One that was created.
fn created() -> Call {
    with(placed(), Input::Report(&response(1, 201, Body::Call(CREATED))))
}

/// One that the bot answers.
fn answering() -> Call {
    with(offered(), Input::Command(&ANSWER))
}

/// One whose answer was taken.
fn answered() -> Call {
    with(answering(), Input::Report(&response(1, 202, Body::None)))
}

/// An established peer-to-peer call, with nothing pending.
pub fn quiet() -> Call {
    with(answered(), Input::Report(&told(ESTABLISHED)))
}

/// An established peer-to-peer call with so many operations that Graph carries out.
pub fn playing(operations: u8) -> Call {
    (0..operations).fold(quiet(), |call, done| play(call, 2 + done))
}

fn play(call: Call, ticket: u8) -> Call {
    let news = operation_news(ticket, Status::Running);
    let call = with(call, Input::Command(&PLAY));
    with(call, Input::Report(&response(ticket, 200, Body::Operation(news))))
}

/// An established call with a full roster.
fn joined() -> Call {
    join(quiet())
}

/// One with a full roster, and room for one operation more.
fn busy() -> Call {
    join(playing(OPERATIONS - 1))
}

/// One with a full roster and all the operations that it has room for.
fn full() -> Call {
    join(playing(OPERATIONS))
}

fn join(call: Call) -> Call {
    with(call, Input::Report(&all_of(&SIXTEEN)))
}

/// A busy one whose last operation was asked.
fn asked() -> Call {
    with(busy(), Input::Command(&PLAY))
}

/// A peer-to-peer one with room for one operation more.
fn two() -> Call {
    playing(OPERATIONS - 1)
}

/// One that the bot transfers.
fn transferring() -> Call {
    let call = with(two(), Input::Command(&Command::Transfer(Transfer::to(DESK))));
    with(call, Input::Report(&response(LAST, 202, Body::None)))
}

/// A busy one into which the bot invites somebody.
fn inviting() -> Call {
    with(busy(), Input::Command(&Command::Invite(List::new(&[Invitee::new(DESK)]))))
}

/// A busy one that the bot hangs up.
fn hanging_up() -> Call {
    with(busy(), Input::Command(&Command::HangUp))
}

/// A busy one that was asked for.
fn refreshing() -> Call {
    with(busy(), Input::Command(&Command::Refresh))
}

/// An established one that waits for audio to play.
fn waiting() -> Call {
    let news = CallNews::of(State::Established);
    let call = with(answered(), Input::Report(&told(news)));
    with(call, Input::Command(&PLAY))
}

/// One that ended without an operation.
fn ended() -> Call {
    end(joined())
}

/// One that ended with all the operations that it had room for.
fn ended_full() -> Call {
    end(full())
}

fn end(call: Call) -> Call {
    let news = CallNews::of(State::Terminated);
    with(call, Input::Report(&told(news)))
}

fn with(mut call: Call, input: Input<'_>) -> Call {
    // That it was refused would show: such a call does not give what its cases say.
    let _ = call.handle(NOW, input);
    call
}
