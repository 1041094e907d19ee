//! What the properties found in core, each as the shortest story that shows it.

use super::*;
use crate::call::{Offer, Setup, Why};
use crate::command::{Answer, BargeIn, Command, MediaConfig, Record, Repeat};
use crate::deadline::{Timer, Timers};
use crate::id::{CallId, OperationId};
use crate::lifecycle::State;
use crate::list::List;
use crate::media::{Audio, RecordingStatus};
use crate::operation::Status;
use crate::permission::{Grants, Permissions, Policy};
use crate::report::{CallNews, Change, OperationNews};
use crate::restriction::PolicyRecording;
use crate::roster::Extent;
use crate::text::{Secret, Uri};
use crate::time::Span;

const CALLBACK: Uri<'static> = Uri::new("https://bot.example/1");
const PROMPT: [Uri<'static>; 1] = [Uri::new("https://bot.example/1.wav")];

fn offered(setup: Setup, acts: Vec<(u64, Act)>) -> Result<Call<4, 3>, Broken> {
    let opening = Opening::Offered(setup, Offer::new(CallId::parse("a")));
    Story { opening, acts }.play(|_, _| {}).map(Option::unwrap)
}

#[test]
fn regression_an_answer_with_media_of_its_own_needs_the_permission() {
    let answer = Answer { media: MediaConfig::AppHosted(Secret::new("blob")), ..Answer::new(CALLBACK) };
    let setup =
        Setup { grants: Grants::Known(Permissions::NONE), policy: Policy::Enforce, ..Setup::new(KEY) };
    let mut call = offered(setup, Vec::new()).unwrap();
    let now = Timestamp::from_millis(1_000_001);
    let refused = call.handle(now, Input::Command(&Command::Answer(answer))).unwrap_err();
    assert!(matches!(refused.why, Why::PermissionMissing(_)), "{refused}");
    assert!(call.handle(now, Input::Command(&Command::Answer(Answer::new(CALLBACK)))).is_ok());
}

#[test]
fn regression_a_call_with_an_interrupting_recording_can_be_read_again() {
    let with_audio = CallNews { audio: Some(Audio::Active), ..CallNews::of(State::Established) };
    let record = Record { barge_in: BargeIn::Interrupts, ..Record::after(None) };
    let acts = Vec::from([
        (0, Act::Call(Change::Updated, with_audio)),
        (0, Act::Command(Command::PlayPrompt { prompts: List::new(&PROMPT), repeat: Repeat::Once })),
        (0, Act::Command(Command::Record(record))),
    ]);
    assert_eq!(offered(Setup::new(KEY), acts).err(), None);
}

#[test]
fn regression_questions_keep_their_distance_also_where_answers_are_lost() {
    let timers = Timers::DEFAULT.with(Timer::Question, Span::from_secs(120)).unwrap();
    let setup = Setup { timers, ..Setup::new(KEY) };
    assert_eq!(offered(setup, Vec::from([(600_000, Act::Tick)])).err(), None);
}

#[test]
fn regression_a_status_that_completes_late_confirms_not_the_one_reported_since() {
    let report = |status| Act::Command(Command::UpdateRecordingStatus(status));
    let told = |status| OperationNews { id: Some(OperationId::parse("b")), ..OperationNews::of(status) };
    let acts = Vec::from([
        (0, Act::Call(Change::Updated, CallNews::of(State::Established))),
        (0, report(RecordingStatus::NotRecording)),
        (0, Act::Response(Which::Newest(0), 200, 0, Carried::Operation(told(Status::Running)))),
        (0, report(RecordingStatus::Recording)),
        (0, Act::Operation(Change::Deleted, None, told(Status::Completed))),
    ]);
    let offer = Offer { recording: PolicyRecording::Yes, ..Offer::new(CallId::parse("a")) };
    let opening = Opening::Offered(Setup::new(KEY), offer);
    let mut call = Story { opening, acts }.play::<4, 3>(|_, _| {}).unwrap().unwrap();
    assert_eq!(call.recording(), None, "the service confirmed that nothing is recorded");
    let answer =
        Act::Response(Which::Newest(0), 200, 0, Carried::Operation(OperationNews::of(Status::Completed)));
    let now = Timestamp::from_millis(1_000_001);
    let before = call.clone();
    answer.with(&before, |input| call.handle(now, input).map(|_| ())).unwrap();
    assert_eq!(call.recording(), Some(RecordingStatus::Recording));
}

#[test]
fn regression_participants_who_are_not_there_do_not_end_the_call() {
    let participant = participant_id(9);
    let acts = Vec::from([
        (0, Act::Call(Change::Updated, CallNews::of(State::Established))),
        (0, Act::Roster(Extent::Full, Vec::new())),
        (0, Act::Command(Command::MuteParticipant(participant))),
        (0, Act::Command(Command::StartHoldMusic { participant, prompt: None })),
        (0, Act::Response(Which::Newest(0), 404, 0, Carried::None)),
        (0, Act::Response(Which::Newest(1), 404, 0, Carried::None)),
    ]);
    assert_eq!(offered(Setup::new(KEY), acts).unwrap().state(), State::Established);
}

#[test]
fn regression_a_report_that_was_lost_is_not_confirmed_by_the_one_before_it() {
    let report = |status| Act::Command(Command::UpdateRecordingStatus(status));
    let told = |status| OperationNews { id: Some(OperationId::parse("b")), ..OperationNews::of(status) };
    let acts = Vec::from([
        (0, Act::Call(Change::Updated, CallNews::of(State::Established))),
        (0, report(RecordingStatus::NotRecording)),
        (0, Act::Response(Which::Newest(0), 200, 0, Carried::Operation(told(Status::Running)))),
        (0, report(RecordingStatus::Recording)),
        (0, Act::NoResponse(Which::Newest(0))),
        (0, Act::Operation(Change::Deleted, None, told(Status::Completed))),
    ]);
    let offer = Offer { recording: PolicyRecording::Yes, ..Offer::new(CallId::parse("a")) };
    let opening = Opening::Offered(Setup::new(KEY), offer);
    let call = Story { opening, acts }.play::<4, 3>(|_, _| {}).unwrap().unwrap();
    assert_eq!(call.recording(), None);
}
