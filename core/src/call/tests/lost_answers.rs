//! Requests whose answer is lost: nothing is sent again by itself, what is not known is said, and what settles it.

use std::vec::Vec;

use super::*;

const TONES: [Tone; 1] = [Tone::Pound];
const INVITEES: [Invitee<'static>; 2] = [Invitee::new(USERS[0]); 2];
const RECEIVERS: [ParticipantId; 1] = [ParticipantId::from_bytes([7; 16])];

/// A meeting whose chat is known, so that every action of an established call is for it.
fn meeting() -> Story {
    joined()
}

fn redirect() -> Command<'static> {
    Command::Redirect(Redirect::to(List::new(&USERS[..1])))
}

fn invite(count: usize) -> Command<'static> {
    Command::Invite(List::new(INVITEES.split_at(count).0))
}

/// Every command that must not be repeated, on a call that it is for, and what is told when its answer is lost.
fn once_only() -> Vec<(Story, Command<'static>, Event)> {
    let routing = AudioRoutingGroup {
        mode: RoutingMode::OneToOne,
        source: participant("anna"),
        receivers: List::new(&RECEIVERS),
    };
    let by_notification = [
        (play(), Action::PlayPrompt),
        (record(), Action::Record),
        (Command::SendDtmf { tones: List::new(&TONES), delay: None }, Action::SendDtmf),
        (invite(1), Action::Invite),
        (invite(2), Action::InviteSeveral),
        (Command::StartHoldMusic { participant: RECEIVERS[0], prompt: None }, Action::StartHoldMusic),
        (Command::AddLargeGalleryView, Action::AddLargeGalleryView),
    ];
    let in_the_answer = [
        (Command::SubscribeToTone, Action::SubscribeToTone),
        (Command::CancelMediaProcessing, Action::CancelMediaProcessing),
        (Command::CreateAudioRoutingGroup(routing), Action::CreateAudioRoutingGroup),
    ];
    let mut all: Vec<_> = [
        (incoming(), answer(), unknown(Action::Answer)),
        (incoming(), reject(), unknown(Action::Reject)),
        (incoming(), redirect(), unknown(Action::Redirect)),
        (talking(), transfer(), unknown(Action::Transfer)),
    ]
    .into();
    all.extend(by_notification.map(|(command, action)| (meeting(), command, unknown(action))));
    all.extend(in_the_answer.map(|(command, action)| (meeting(), command, ended(action, Outcome::Unknown))));
    all
}

#[test]
fn every_command_that_must_not_be_repeated_is_tried_here() {
    // A creation has its own stories below; a joining participant is answered in the response to his notification.
    let apart = [
        Action::Place,
        Action::PlaceGroup,
        Action::Join,
        Action::JoinAsGuest,
        Action::AnswerJoining,
        Action::AnswerPolicyRecording,
    ];
    let tried: Vec<_> = once_only().iter().map(|(_, command, _)| command.action()).collect();
    for action in Action::ALL.iter().filter(|action| action.is_once_only() && !apart.contains(action)) {
        assert!(tried.contains(action), "{action}");
    }
}

#[test]
fn a_command_whose_answer_was_lost_is_named_and_never_sent_again() {
    for (story, command, event) in once_only() {
        let action = command.action();
        let told = story.at(10).begun().bot(command).says(Said::NoAnswer(action)).gives(&[event]);
        for secs in [11, 80, 600, 3000] {
            let requests = told.clone().at(secs).requests();
            assert_eq!(requests.iter().filter(|asked| **asked == action).count(), 1, "{action} after {secs}");
        }
    }
}

#[test]
fn a_status_that_leaves_it_open_is_a_lost_answer() {
    for status in [0, 302, 408, 500, 503] {
        for (story, command, event) in once_only() {
            let action = command.action();
            story.at(10).begun().bot(command).response(action, status).gives(&[event]).tell();
        }
    }
}

#[test]
fn a_definite_refusal_says_that_nothing_was_done() {
    for (story, command, _) in once_only() {
        let action = command.action();
        let is_operation =
            !matches!(action, Action::Answer | Action::Reject | Action::Redirect | Action::Transfer);
        let event = if is_operation { ended(action, Outcome::Refused) } else { failed(action, 429, 0) };
        let again = story.at(10).begun().bot(command).response(action, 429).gives(&[event]).bot(command);
        assert_eq!(again.requests().iter().filter(|asked| **asked == action).count(), 2, "{action}");
    }
}

#[test]
fn what_was_never_sent_may_be_tried_again() {
    for (story, command, _) in once_only() {
        let action = command.action();
        let is_operation =
            !matches!(action, Action::Answer | Action::Reject | Action::Redirect | Action::Transfer);
        let event = if is_operation { ended(action, Outcome::NotSent) } else { failed(action, 0, 0) };
        story.at(10).begun().bot(command).says(Said::NotSent(action)).gives(&[event]).bot(command).tell();
    }
}

#[test]
fn a_completion_settles_an_operation_whose_answer_was_lost() {
    for (story, command, event) in once_only() {
        let action = command.action();
        if event != unknown(action)
            || matches!(action, Action::Answer | Action::Reject | Action::Redirect | Action::Transfer)
        {
            continue;
        }
        for (status, outcome) in [(Status::Completed, Outcome::Completed), (Status::Failed, Outcome::Failed)]
        {
            story
                .clone()
                .at(10)
                .bot(command)
                .says(Said::NoAnswer(action))
                .at(20)
                .begun()
                .finished_by_context(action, status)
                .gives(&[ended(action, outcome)])
                .finished_by_context(action, status)
                .nothing()
                .tell();
        }
    }
}

#[test]
fn an_operation_that_nothing_settles_ends_with_the_call() {
    talking()
        .at(10)
        .bot(play())
        .says(Said::NoAnswer(Action::PlayPrompt))
        .gives(&[unknown(Action::PlayPrompt)])
        .check(|call| assert!(call.operations().rows().all(|row| row.phase() == Phase::Unknown)))
        .at(300)
        .deleted(None)
        .gives(&[moved(State::Established, State::Terminated), ended_together(&[0]), over(By::Unknown, None)])
        .in_order();
}

#[test]
fn a_prompt_whose_answer_was_lost_holds_up_no_other() {
    talking()
        .at(10)
        .bot(play())
        .bot(record())
        .asks(&[Action::PlayPrompt])
        .says(Said::NoAnswer(Action::PlayPrompt))
        .operation(Action::Record, "r", Status::Running)
        .finished("r", Status::Completed, None)
        .gives(&[unknown(Action::PlayPrompt), ended(Action::Record, Outcome::Completed)])
        .in_order();
}

#[test]
fn news_settles_an_answer_that_was_lost() {
    let lost = incoming().at(1).bot(answer()).says(Said::NoAnswer(Action::Answer));
    let call = lost
        .clone()
        .gives(&[Event::Offered, unknown(Action::Answer)])
        .refused(answer(), Why::Settlement(Unsettled::Answered))
        .refused(reject(), Why::Settlement(Unsettled::Answered))
        .at(3)
        .told(State::Establishing)
        .gives(&[moved(State::Incoming, State::Establishing)])
        .in_every_way();
    assert_eq!(call.settlement(), Settlement::Taken(Settling::Answer));
    // Or the question does, after the limit passed.
    let call = lost.clone().found(State::Established).at(16).asks(&[Action::Answer, Action::Refresh]).tell();
    assert_eq!(call.settlement(), Settlement::Taken(Settling::Answer));
    // What was answered may be hung up, and spoken to.
    lost.clone().bot(play()).bot(Command::HangUp).asks(&[Action::Answer, Action::HangUp]).tell();
    // The call was gone.
    let call = lost.gone(8522).at(16).tell();
    assert_eq!(call.end(), Some(without_a_word(By::Unknown)));
}

#[test]
fn the_end_settles_a_rejection_and_a_redirect_that_were_lost() {
    for (command, action) in [(reject(), Action::Reject), (redirect(), Action::Redirect)] {
        let call = incoming()
            .at(1)
            .bot(command)
            .says(Said::NoAnswer(action))
            .gives(&[Event::Offered, unknown(action)])
            .at(3)
            .deleted(None)
            .in_order();
        assert_eq!(call.end(), Some(never_established(By::Bot, None)));
    }
}

#[test]
fn news_settles_a_transfer_that_was_lost() {
    let lost = talking().at(10).bot(transfer()).says(Said::NoAnswer(Action::Transfer));
    lost.clone()
        .gives(&[unknown(Action::Transfer)])
        .at(11)
        .told(State::Transferring)
        .gives(&[moved(State::Established, State::Transferring)])
        .refused(transfer(), Why::Lifecycle(lifecycle::Why::InTransfer))
        .asks(&[Action::Transfer])
        .at(12)
        .deleted(result(0, 7015))
        .in_every_way();
    // It failed.
    lost.clone()
        .at(11)
        .news(CallNews { result: result(500, 7000), ..CallNews::of(State::Established) })
        .gives(&[unknown(Action::Transfer), Event::TransferFailed(result(500, 7000))])
        .in_order();
    // It goes on as if nothing had been: another may be tried.
    lost.at(25).asks(&[Action::Transfer, Action::Refresh]).bot(transfer()).tell();
}

#[test]
fn a_lost_hang_up_is_asked_about_and_may_be_tried_again() {
    let lost = talking().at(10).bot(Command::HangUp).says(Said::NoAnswer(Action::HangUp));
    lost.clone()
        .gives(&[unknown(Action::HangUp)])
        .asks(&[Action::HangUp, Action::Refresh])
        .bot(Command::HangUp)
        .response(Action::HangUp, 204)
        .at(11)
        .deleted(result(200, 7000))
        .in_order();
    let call =
        talking().at(10).bot(Command::HangUp).gone(8522).says(Said::NoAnswer(Action::HangUp)).in_order();
    assert!(call.state().is_ended());
}

#[test]
fn a_lost_creation_waits_for_news_and_is_never_repeated() {
    for placement in [to_users(1), to_users(2), Placement::into_meeting(CALLBACK, MEETING)] {
        let action = placement.action();
        let lost = placed(placement).at(1).says(Said::NoAnswer(action)).gives(&[unknown(action)]);
        // A hang-up waits for the call's id.
        lost.clone()
            .refused(Command::Refresh, Why::NotCreatedYet)
            .bot(Command::HangUp)
            .asks(&[action])
            .at(32)
            .told(State::Establishing)
            .gives(&[Event::Created])
            .asks(&[Action::HangUp])
            .tell();
        // Nothing is ever heard.
        lost.clone()
            .at(179)
            .nothing()
            .at(180)
            .gives(&[
                moved(State::Establishing, State::Terminated),
                Event::Ended(without_a_word(By::Unknown)),
            ])
            .asks(&[action])
            .tell();
        // It is heard of late.
        let call = lost
            .at(200)
            .begun()
            .told(State::Established)
            .gives(&[Event::Revived, moved(State::Terminated, State::Established), Event::Established])
            .tell();
        assert_eq!((call.creation(), call.state()), (Creation::Done, State::Established));
    }
}

#[test]
fn a_creation_that_never_left_is_over() {
    outgoing()
        .at(1)
        .says(Said::NotSent(Action::Place))
        .gives(&[
            failed(Action::Place, 0, 0),
            moved(State::Establishing, State::Terminated),
            Event::Ended(End { how: How::NotCreated, ..never_established(By::Service, None) }),
        ])
        .in_order();
}

#[test]
fn a_creation_that_was_refused_and_is_heard_of_all_the_same_is_asked_for() {
    // Another try of the same request, by a client that repeats them, was taken.
    let call = outgoing()
        .at(1)
        .refusal(Action::Place, 409, 0)
        .begun()
        .at(2)
        .told(State::Established)
        .asks(&[Action::Refresh])
        .gives(&[Event::Revived, moved(State::Terminated, State::Established), Event::Established])
        .tell();
    assert_eq!(call.creation(), Creation::Done);
}

#[test]
fn questions_that_are_lost_are_asked_again_and_less_often() {
    let mut call = talking().tell();
    let refresh = Command::Refresh;
    let ticket = call.handle(at(10), Input::Command(&refresh)).unwrap().ticket().unwrap();
    assert_eq!(call.next_deadline(), Some(Deadline { at: at(70), kind: deadline::Kind::Ask }));
    let _ = call.handle(at(11), Input::Report(&Report::NoResponse { ticket })).unwrap();
    assert_eq!(call.next_deadline(), Some(Deadline { at: at(30), kind: deadline::Kind::Ask }), "twice ten");
    let output = call.handle(at(30), Input::Tick).unwrap();
    let ticket = output.requests().next().unwrap().ticket();
    let _ = call.handle(at(31), Input::Report(&Report::NoResponse { ticket })).unwrap();
    assert_eq!(
        call.next_deadline(),
        Some(Deadline { at: at(70), kind: deadline::Kind::Ask }),
        "four times ten"
    );
    // A question of which no word comes at all counts as lost after a minute.
    let _ = call.handle(at(70), Input::Tick).unwrap();
    assert_eq!(call.next_deadline(), Some(Deadline { at: at(130), kind: deadline::Kind::Ask }));
}
