//! Policy-based recording: the invitation, those who join and leave, and when media may be kept.

use super::*;

fn report(status: RecordingStatus) -> Command<'static> {
    Command::UpdateRecordingStatus(status)
}

fn accept() -> Command<'static> {
    Command::AnswerJoining(JoiningAnswer::Accept)
}

/// A recorder that is in the call, at second 2.
fn recorder() -> Story {
    let invited = Offer { coordinates: Coordinates::Meeting, recording: PolicyRecording::Yes, ..offer() };
    offered(invited)
        .at(1)
        .bot(Command::Answer(Answer { participant_capacity: Some(200), ..Answer::new(CALLBACK) }))
        .response(Action::Answer, 202)
        .at(2)
        .told(State::Established)
        .begun()
}

#[test]
fn media_may_be_kept_once_the_status_is_confirmed() {
    // Graph docs, call: updateRecordingStatus.
    let call = recorder()
        .check(|call| assert_eq!((call.recording(), call.recorded_participants()), (None, 1)))
        .at(3)
        .bot(report(RecordingStatus::Recording))
        .check(|call| assert_eq!(call.recording(), None, "asked is not confirmed"))
        .operation(Action::UpdateRecordingStatus, "u", Status::Completed)
        .gives(&[
            ended(Action::UpdateRecordingStatus, Outcome::Completed),
            Event::RecordingConfirmed(RecordingStatus::Recording),
        ])
        .at(600)
        .bot(report(RecordingStatus::NotRecording))
        .operation(Action::UpdateRecordingStatus, "v", Status::Completed)
        .gives(&[
            ended(Action::UpdateRecordingStatus, Outcome::Completed),
            Event::RecordingConfirmed(RecordingStatus::NotRecording),
        ])
        .in_every_way();
    assert_eq!(call.recording(), Some(RecordingStatus::NotRecording));
}

#[test]
fn i8_nothing_may_be_kept_after_a_refusal_or_a_lost_answer() {
    for (said, outcome) in [
        (Said::Answer(Action::UpdateRecordingStatus, 403, 7504, Carried::Nothing), Outcome::Refused),
        (Said::NoAnswer(Action::UpdateRecordingStatus), Outcome::Unknown),
        (Said::NotSent(Action::UpdateRecordingStatus), Outcome::NotSent),
    ] {
        let call = recorder()
            .at(3)
            .bot(report(RecordingStatus::Recording))
            .says(said)
            .gives(&[ended(Action::UpdateRecordingStatus, outcome)])
            .bot(report(RecordingStatus::Recording))
            .in_order();
        assert_eq!(call.recording(), None);
    }
}

#[test]
fn a_status_that_is_none_is_not_reported() {
    recorder().refused(report(RecordingStatus::Unrecognised), Why::NoStatus).in_every_way();
}

#[test]
fn only_a_recorder_reports_a_status() {
    let refused = Why::Restricted(Restriction::PolicyRecordingOnly);
    joined().refused(report(RecordingStatus::Recording), refused).in_every_way();
}

#[test]
fn participants_join_and_leave() {
    // Graph docs, participantJoiningNotification, participantLeftNotification.
    recorder()
        .at(10)
        .says(Said::Joining)
        .gives(&[Event::Joining])
        .bot(accept())
        .asks(&[Action::AnswerJoining])
        .check(|call| assert_eq!(call.recorded_participants(), 2))
        .refused(accept(), Why::NobodyJoining)
        .at(60)
        .says(Said::Left)
        .gives(&[Event::RecordedParticipantLeft])
        .check(|call| assert_eq!(call.recorded_participants(), 1))
        .in_order();
}

#[test]
fn a_joining_participant_is_rejected_or_sent_to_another_bot() {
    for answer in [
        JoiningAnswer::Reject(RejectReason::Busy),
        JoiningAnswer::InviteNewBot(Uri::new("https://other.example/calls")),
    ] {
        let call = recorder().at(10).says(Said::Joining).bot(Command::AnswerJoining(answer)).in_order();
        assert_eq!(call.recorded_participants(), 1);
    }
}

#[test]
fn joining_participants_are_answered_within_five_seconds() {
    let waits = recorder()
        .at(10)
        .says(Said::Joining)
        .at(14)
        .says(Said::Joining)
        .gives(&[Event::Joining, Event::Joining])
        .check(|call| {
            assert_eq!(call.next_deadline(), Some(Deadline { at: at(15), kind: deadline::Kind::Joining }));
        });
    waits.clone().at(15).gives(&[Event::JoiningTimeout]).refused(accept(), Why::NobodyJoining).in_order();
    waits.bot(accept()).bot(accept()).refused(accept(), Why::NobodyJoining).at(16).nothing().in_order();
}

#[test]
fn a_joining_participant_says_that_this_call_records() {
    let call = joined().at(10).says(Said::Joining).bot(accept()).in_order();
    assert_eq!(call.recorded_participants(), 1);
    let mut call = call;
    assert!(call.handle(at(300), Input::Command(&report(RecordingStatus::Recording))).is_ok());
}

#[test]
fn a_recorded_participant_who_leaves_is_never_counted_below_nobody() {
    let call = joined().at(10).says(Said::Left).says(Said::Left).in_order();
    assert_eq!(call.recorded_participants(), 0);
}

#[test]
fn regression_nothing_is_confirmed_once_the_bot_reported_that_it_stopped() {
    let call = recorder()
        .at(3)
        .bot(report(RecordingStatus::Recording))
        .operation(Action::UpdateRecordingStatus, "u", Status::Completed)
        .check(|call| assert_eq!(call.recording(), Some(RecordingStatus::Recording)))
        .at(600)
        .bot(report(RecordingStatus::NotRecording))
        .tell();
    assert_eq!(call.recording(), None, "whatever becomes of the report");
}

#[test]
fn nobody_joins_a_call_that_is_over() {
    recorder()
        .at(10)
        .deleted(None)
        .gives(&[moved(State::Established, State::Terminated), over(By::Unknown, None)])
        .at(11)
        .says(Said::Joining)
        .nothing()
        .refused(accept(), Why::Lifecycle(lifecycle::Why::Ended))
        .in_order();
}
