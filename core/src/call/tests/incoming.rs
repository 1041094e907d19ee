//! Calls to the bot.

use super::*;

#[test]
fn an_incoming_call_is_answered() {
    let call = incoming()
        .gives(&[Event::Offered])
        .at(1)
        .bot(answer())
        .nothing()
        .asks(&[Action::Answer])
        .response(Action::Answer, 202)
        .check(|call| assert_eq!(call.state(), State::Incoming, "taken is not done"))
        .nothing()
        .at(2)
        .told(State::Establishing)
        .gives(&[moved(State::Incoming, State::Establishing)])
        .told(State::Established)
        .gives(&[moved(State::Establishing, State::Established), Event::Established])
        .at(4)
        .audio(Audio::Active)
        .gives(&[Event::MediaChanged { audio: Audio::Active }])
        .at(60)
        .told(State::Terminating)
        .deleted(result(200, 5001))
        .gives(&[
            moved(State::Established, State::Terminating),
            moved(State::Terminating, State::Terminated),
            over(By::Unknown, result(200, 5001)),
        ])
        .asks(&[])
        .in_every_way();
    assert_eq!(call.next_deadline(), None);
}

#[test]
fn established_may_come_before_establishing_and_before_the_answer() {
    let call = incoming()
        .at(1)
        .bot(answer())
        .at(2)
        .told(State::Established)
        .gives(&[Event::Offered, moved(State::Incoming, State::Established), Event::Established])
        .told_late(State::Establishing)
        .nothing()
        .response(Action::Answer, 202)
        .nothing()
        .asks(&[Action::Answer])
        .in_every_way();
    assert_eq!(call.settlement(), Settlement::Taken(Settling::Answer));
}

#[test]
fn an_answered_call_of_which_no_news_comes_is_asked_for() {
    // Field reports: calls with `incoming` and never `establishing` or `established`.
    let call = incoming()
        .at(1)
        .bot(answer())
        .response(Action::Answer, 202)
        .gives(&[Event::Offered])
        .at(3)
        .found(State::Established)
        .at(15)
        .nothing()
        .at(16)
        .gives(&[moved(State::Incoming, State::Established), Event::Established])
        .asks(&[Action::Answer, Action::Refresh])
        .in_every_way();
    assert!(call.was_ever_established());
}

#[test]
fn an_incoming_call_is_rejected() {
    // Graph docs, call: reject: the notification says `deleted` and no state.
    incoming()
        .at(1)
        .bot(reject())
        .response(Action::Reject, 202)
        .gives(&[Event::Offered])
        .asks(&[Action::Reject])
        .refused(answer(), Why::Settlement(Unsettled::Rejected))
        .refused(Command::HangUp, Why::Lifecycle(lifecycle::Why::UseReject))
        .at(2)
        .says(Said::Call(Change::Deleted, CallNews::NONE))
        .gives(&[moved(State::Incoming, State::Terminated), Event::Ended(never_established(By::Bot, None))])
        .in_every_way();
}

#[test]
fn an_incoming_call_is_redirected_and_somebody_picks_up() {
    // Graph docs, call: redirect: the notification has no result; that of a phone says who answered.
    let picked_up = CallNews { answered_by: Some(Answerer::Phone), ..CallNews::of(State::Terminated) };
    incoming()
        .at(1)
        .bot(redirect())
        .response(Action::Redirect, 202)
        .refused(answer(), Why::Settlement(Unsettled::Redirected))
        .at(20)
        .says(Said::Call(Change::Deleted, picked_up))
        .gives(&[
            Event::Offered,
            moved(State::Incoming, State::Terminated),
            Event::Ended(never_established(By::Bot, None)),
        ])
        .asks(&[Action::Redirect])
        .in_every_way();
}

#[test]
fn a_redirected_call_that_nobody_takes_is_asked_for_once_it_rang_out() {
    incoming()
        .at(1)
        .bot(redirect())
        .response(Action::Redirect, 202)
        .at(2)
        .told(State::Redirecting)
        .gives(&[Event::Offered, moved(State::Incoming, State::Redirecting)])
        .at(75)
        .nothing()
        .asks(&[Action::Redirect])
        .gone(8522)
        .at(76)
        .asks(&[Action::Refresh])
        .gives(&[moved(State::Redirecting, State::Terminated), Event::Ended(without_a_word(By::Bot))])
        .in_every_way();
}

#[test]
fn a_redirected_call_that_is_still_there_is_asked_for_and_not_taken_again() {
    let call = incoming()
        .at(1)
        .bot(redirect())
        .response(Action::Redirect, 202)
        .at(80)
        .asks(&[Action::Redirect, Action::Refresh])
        .refused(answer(), Why::Settlement(Unsettled::Redirected))
        .in_every_way();
    assert_eq!(call.state(), State::Incoming);
}

#[test]
fn redirecting_that_the_bot_did_not_ask_for_is_asked_about() {
    let call =
        incoming().at(1).told(State::Redirecting).asks(&[Action::Refresh]).at(2).deleted(None).in_every_way();
    assert_eq!(call.end().map(|end| end.by), Some(By::Unknown));
}

#[test]
fn a_recording_policy_gives_five_seconds() {
    let invited = Offer { coordinates: Coordinates::Meeting, recording: PolicyRecording::Yes, ..offer() };
    offered(invited)
        .at(4)
        .check(|call| {
            let limit = Deadline { at: at(5), kind: deadline::Kind::Answer };
            assert_eq!(call.next_deadline(), Some(limit));
        })
        .gone(8522)
        .at(5)
        .gives(&[
            Event::Offered,
            Event::AnswerTimeout,
            moved(State::Incoming, State::Terminated),
            Event::Ended(without_a_word(By::Unknown)),
        ])
        .refused(answer(), Why::Lifecycle(lifecycle::Why::Ended))
        .in_every_way();
    offered(invited)
        .at(4)
        .bot(answer())
        .response(Action::Answer, 202)
        .at(5)
        .told(State::Established)
        .gives(&[Event::Offered, moved(State::Incoming, State::Established), Event::Established])
        .in_every_way();
}

#[test]
fn another_endpoint_answers() {
    // The sister product's words for it: accepted elsewhere.
    incoming()
        .at(4)
        .deleted(result(487, 10003))
        .gives(&[
            Event::Offered,
            moved(State::Incoming, State::Terminated),
            Event::Ended(never_established(By::Unknown, result(487, 10003))),
        ])
        .asks(&[])
        .refused(answer(), Why::Lifecycle(lifecycle::Why::Ended))
        .in_every_way();
}

#[test]
fn another_instance_of_the_bot_answers() {
    let call = incoming()
        .at(4)
        .told(State::Establishing)
        .told(State::Established)
        .refused(answer(), Why::Lifecycle(lifecycle::Why::NotIncoming))
        .in_every_way();
    assert_eq!(call.settlement(), Settlement::NotNeeded);
    assert_eq!(call.next_deadline().map(|due| due.kind), Some(deadline::Kind::KeepAlive));
}

#[test]
fn the_caller_gives_up_while_the_answer_is_under_way() {
    incoming()
        .at(3)
        .bot(answer())
        .deleted(result(487, 0))
        .refusal(Action::Answer, 404, 8522)
        .gives(&[
            Event::Offered,
            moved(State::Incoming, State::Terminated),
            Event::Ended(never_established(By::Unknown, result(487, 0))),
        ])
        .in_order();
}

#[test]
fn answer_limit_below_at_and_above() {
    for (secs, expected) in [(14, Ok(())), (15, Err(Why::Settlement(Unsettled::TooLate)))] {
        let (mut call, _) = Small::offered(at(0), setup(), offer());
        let command = answer();
        let before = call.clone();
        let found = call.handle(at(secs), Input::Command(&command)).map(drop).map_err(|refused| refused.why);
        assert_eq!(found, expected, "{secs}");
        assert_eq!(call == before, expected.is_err(), "{secs}");
    }
}

#[test]
fn the_limit_passes_and_what_became_of_the_call_is_asked() {
    incoming()
        .at(14)
        .gone(8522)
        .at(15)
        .gives(&[
            Event::Offered,
            Event::AnswerTimeout,
            moved(State::Incoming, State::Terminated),
            Event::Ended(without_a_word(By::Unknown)),
        ])
        .asks(&[Action::Refresh])
        .in_every_way();
}

#[test]
fn an_answer_refused_after_the_limit_is_too_late_for_another() {
    incoming()
        .at(14)
        .bot(answer())
        .at(15)
        .gives(&[Event::Offered]) // it may still have been taken
        .refusal(Action::Answer, 400, 0)
        .gives(&[failed(Action::Answer, 400, 0), Event::AnswerTimeout])
        .asks(&[Action::Answer, Action::Refresh])
        .refused(answer(), Why::Settlement(Unsettled::TooLate))
        .refused(reject(), Why::Settlement(Unsettled::TooLate))
        // A lost refusal would leave it open whether the call was answered.
        .in_order();
}

#[test]
fn a_definite_refusal_leaves_another_way_open() {
    incoming()
        .at(1)
        .bot(answer())
        .refused(answer(), Why::Settlement(Unsettled::Answered))
        .refused(reject(), Why::Settlement(Unsettled::Answered))
        .at(2)
        .refusal(Action::Answer, 403, 7504)
        .gives(&[Event::Offered, failed(Action::Answer, 403, 7504)])
        .bot(reject())
        .response(Action::Reject, 202)
        .at(3)
        .deleted(None)
        // As above.
        .in_order();
}

#[test]
fn a_late_answer_is_told_that_the_call_is_gone() {
    // Field reports: 404 with 8522.
    incoming()
        .at(14)
        .bot(answer())
        .gone(8522)
        .refusal(Action::Answer, 404, 8522)
        .gives(&[
            Event::Offered,
            failed(Action::Answer, 404, 8522),
            moved(State::Incoming, State::Terminated),
            Event::Ended(without_a_word(By::Unknown)),
        ])
        .in_every_way();
}

#[test]
fn an_unanswered_call_is_neither_hung_up_nor_transferred() {
    incoming()
        .at(1)
        .refused(Command::HangUp, Why::Lifecycle(lifecycle::Why::UseReject))
        .refused(transfer(), Why::Lifecycle(lifecycle::Why::AnswerFirst))
        .in_every_way();
}

#[test]
fn an_invitation_into_a_group_call_has_coordinates() {
    // Graph docs, call: answer: chatInfo and meetingInfo.
    let call = offered(Offer { coordinates: Coordinates::Both, ..offer() })
        .at(1)
        .bot(answer())
        .response(Action::Answer, 202)
        .at(2)
        .news(CallNews { own_participant: Some(participant("bot")), ..CallNews::of(State::Establishing) })
        .told(State::Established)
        .gives(&[
            Event::Offered,
            moved(State::Incoming, State::Establishing),
            moved(State::Establishing, State::Established),
            Event::Established,
        ])
        .roster(&[here("bot"), here("anna"), here("ben")])
        .gives(&[roster_changed(&[0, 1, 2], &[])])
        .in_every_way();
    assert_eq!(call.classification().reason(), classification::Reason::CoordinatesAtCreation);
    assert!(call.is_own(participant("bot")));
}

fn redirect() -> Command<'static> {
    Command::Redirect(Redirect::to(List::new(&USERS[..2])))
}

#[test]
fn regression_the_bot_ended_a_call_whose_end_overtook_the_answer_to_its_rejection() {
    for command in [reject(), redirect()] {
        let call = incoming().at(1).bot(command).at(2).deleted(None).in_every_way();
        assert_eq!(call.end(), Some(never_established(By::Bot, None)));
    }
}
