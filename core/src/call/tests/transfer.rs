//! Transfers: blind, consultative, of one out of a group, and failed.

use super::*;

const FAILED: CallNews = CallNews { result: result(500, 7000), ..CallNews::of(State::Established) };

#[test]
fn a_blind_transfer_succeeds() {
    // Graph docs, call: transfer.
    talking()
        .at(30)
        .bot(transfer())
        .asks(&[Action::Transfer])
        .refused(transfer(), Why::Busy(Action::Transfer))
        .response(Action::Transfer, 202)
        .nothing()
        .refused(transfer(), Why::Lifecycle(lifecycle::Why::InTransfer))
        .at(31)
        .told(State::Transferring)
        .gives(&[moved(State::Established, State::Transferring)])
        .at(33)
        .told(State::TransferAccepted)
        .gives(&[moved(State::Transferring, State::TransferAccepted)])
        .refused(transfer(), Why::Lifecycle(lifecycle::Why::InTransfer))
        .at(34)
        .deleted(result(0, 7015))
        .gives(&[moved(State::TransferAccepted, State::Terminated), over(By::Bot, result(0, 7015))])
        .asks(&[])
        .in_every_way();
}

#[test]
fn audio_goes_before_or_after_the_transfer_is_accepted() {
    let inactive = CallNews { audio: Some(Audio::Inactive), ..CallNews::of(State::Transferring) };
    let before = talking().at(30).bot(transfer()).response(Action::Transfer, 202).at(31).news(inactive);
    let call = before
        .clone()
        .gives(&[
            moved(State::Established, State::Transferring),
            Event::MediaChanged { audio: Audio::Inactive },
        ])
        .told(State::TransferAccepted)
        .gives(&[moved(State::Transferring, State::TransferAccepted)])
        .in_every_way();
    assert_eq!(call.state(), State::TransferAccepted);
    // The other way round its state is older than what is known.
    let call = talking()
        .at(30)
        .bot(transfer())
        .response(Action::Transfer, 202)
        .at(31)
        .told(State::TransferAccepted)
        .gives(&[moved(State::Established, State::TransferAccepted)])
        .says_late(Said::Call(Change::Updated, inactive))
        .gives(&[Event::MediaChanged { audio: Audio::Inactive }])
        .in_every_way();
    assert_eq!(call.state(), State::TransferAccepted);
}

#[test]
fn a_transfer_fails_and_the_call_goes_on() {
    // Graph docs, call: transfer: 500/7000 on a call that lives is no end.
    talking()
        .at(30)
        .bot(transfer())
        .response(Action::Transfer, 202)
        .at(31)
        .told(State::Transferring)
        .gives(&[moved(State::Established, State::Transferring)])
        .at(50)
        .news(FAILED)
        .gives(&[moved(State::Transferring, State::Established), Event::TransferFailed(result(500, 7000))])
        .check(|call| assert_eq!(call.end(), None))
        .at(51)
        .bot(transfer())
        .response(Action::Transfer, 202)
        .at(52)
        .told(State::Transferring)
        .at(53)
        .deleted(result(200, 7015))
        .in_every_way();
}

#[test]
fn a_transfer_fails_at_once() {
    let failed = talking()
        .at(30)
        .bot(transfer())
        .response(Action::Transfer, 202)
        .at(31)
        .news(CallNews { result: result(500, 7700), ..FAILED })
        .gives(&[Event::TransferFailed(result(500, 7700))]);
    let call = failed.in_every_way();
    assert_eq!(call.state(), State::Established);
    // What came late is no transfer, as the service says when it is asked.
    failed
        .at(32)
        .told_late(State::Transferring)
        .gives(&[
            moved(State::Established, State::Transferring),
            moved(State::Transferring, State::Established),
        ])
        .asks(&[Action::Transfer, Action::Refresh])
        .tell();
}

#[test]
fn a_consultative_transfer_ends_both_calls() {
    // The bot's call with the target takes the place of the one with the caller.
    let consult = Command::Transfer(Transfer { replaces_call_id: Some("a"), ..Transfer::to(USERS[0]) });
    let replaced =
        CallNews { reason: Some(TerminationReason::AppTransferred), ..CallNews::of(State::Terminated) };
    let with_target = called()
        .at(30)
        .bot(consult)
        .response(Action::Transfer, 202)
        .at(31)
        .told(State::Transferring)
        .told(State::TransferAccepted)
        .at(32)
        .says(Said::Call(Change::Deleted, replaced))
        .in_every_way();
    let end = with_target.end().unwrap();
    assert_eq!((end.by, end.reason, end.result), (By::Bot, Some(TerminationReason::AppTransferred), None));
    let with_caller = talking().at(32).says(Said::Call(Change::Deleted, replaced)).in_every_way();
    assert_eq!(with_caller.end().map(|end| end.by), Some(By::Bot));
}

#[test]
fn a_consultative_transfer_fails_and_leaves_both_calls() {
    let call = called()
        .at(30)
        .bot(Command::Transfer(Transfer { replaces_call_id: Some("a"), ..Transfer::to(USERS[0]) }))
        .response(Action::Transfer, 202)
        .at(31)
        .told(State::Transferring)
        .at(40)
        .news(FAILED)
        .in_every_way();
    assert_eq!((call.state(), call.transferring()), (State::Established, Transferring::No));
}

#[test]
fn one_of_a_group_is_transferred_and_the_bot_stays() {
    let transferee = Transferee { identity: USERS[0], participant: participant("anna") };
    let named = Command::Transfer(Transfer { transferee: Some(transferee), ..Transfer::to(USERS[0]) });
    let call = joined()
        .roster(&[here("bot"), here("anna"), here("ben")])
        .at(30)
        .refused(transfer(), Why::Restricted(Restriction::TransfereeNeeded))
        .bot(named)
        .response(Action::Transfer, 202)
        .at(31)
        .roster(&[here("bot"), here("ben")])
        .at(45)
        .asks(&[Action::Transfer, Action::ListParticipants, Action::Refresh])
        .check(|call| assert_eq!(call.transferring(), Transferring::Unknown, "no news of it will come"))
        .in_every_way();
    assert_eq!((call.state(), call.roster().count()), (State::Established, 2));
}

#[test]
fn a_transfer_is_refused_in_meeting_mode() {
    // Field reports: 8523.
    talking()
        .at(30)
        .bot(transfer())
        .refusal(Action::Transfer, 400, 8523)
        .gives(&[failed(Action::Transfer, 400, 8523)])
        .bot(transfer())
        .asks(&[Action::Transfer, Action::Transfer])
        // A lost refusal leaves it open whether the call is being transferred.
        .in_order();
}

#[test]
fn somebody_hangs_up_during_a_transfer() {
    let call = talking()
        .at(30)
        .bot(transfer())
        .response(Action::Transfer, 202)
        .at(31)
        .told(State::Transferring)
        .at(32)
        .deleted(result(200, 4521))
        .in_every_way();
    assert_eq!(call.end().map(|end| end.by), Some(By::OtherParticipant));
}

#[test]
fn a_transfer_that_the_bot_did_not_ask_for_is_asked_about() {
    talking()
        .at(30)
        .told(State::Transferring)
        .gives(&[moved(State::Established, State::Transferring)])
        .asks(&[Action::Refresh])
        .in_every_way();
}

#[test]
fn a_transfer_of_which_no_news_comes_is_asked_about() {
    let asked = talking().at(30).bot(transfer()).response(Action::Transfer, 202);
    // It goes on and on.
    asked
        .clone()
        .at(31)
        .found(State::Transferring)
        .at(45)
        .gives(&[moved(State::Established, State::Transferring)])
        .at(165)
        .asks(&[Action::Transfer, Action::Refresh, Action::Refresh])
        .in_order();
    // It was carried out.
    asked
        .clone()
        .at(40)
        .gone(8522)
        .at(45)
        .gives(&[
            moved(State::Established, State::Terminated),
            Event::Ended(End { ever_established: true, ..without_a_word(By::Unknown) }),
        ])
        .in_every_way();
    // It failed, or never began: which of the two is not told.
    let call =
        asked.at(45).asks(&[Action::Transfer, Action::Refresh]).nothing().bot(transfer()).in_every_way();
    assert_eq!(call.transferring(), Transferring::Asked);
}

#[test]
fn a_call_on_hold_is_transferred_too() {
    let call = talking()
        .at(30)
        .told(State::Hold)
        .gives(&[moved(State::Established, State::Hold)])
        .asks(&[Action::Refresh])
        .at(31)
        .bot(transfer())
        .response(Action::Transfer, 202)
        .at(32)
        .told(State::Transferring)
        .gives(&[moved(State::Hold, State::Transferring)])
        .in_every_way();
    assert_eq!(call.state(), State::Transferring);
}

#[test]
fn a_call_is_held_and_taken_off_hold() {
    talking()
        .at(30)
        .told(State::Hold)
        .gives(&[moved(State::Established, State::Hold)])
        .at(60)
        .told(State::Established)
        .gives(&[moved(State::Hold, State::Established)])
        .asks(&[Action::Refresh, Action::Refresh])
        .in_every_way();
}

#[test]
fn an_answer_that_news_overtook_is_not_believed_and_asked_for_again() {
    let mut call = talking().tell();
    let refresh = Command::Refresh;
    let question = call.handle(at(10), Input::Command(&refresh)).unwrap().ticket().unwrap();
    let held = Report::Call { change: Change::Updated, news: CallNews::of(State::Hold) };
    let _ = call.handle(at(11), Input::Report(&held)).unwrap();
    let body = Body::Call(CallNews::of(State::Established));
    let old = Report::Response(Response { ticket: question, status: 200, code: 0, body });
    let output = call.handle(at(12), Input::Report(&old)).unwrap();
    assert_eq!((output.events(), output.verdict()), (&[][..], Verdict::Stale));
    assert_eq!(call.state(), State::Hold);
    assert_eq!(call.next_deadline(), Some(Deadline { at: at(20), kind: deadline::Kind::Ask }));
}
