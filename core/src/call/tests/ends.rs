//! How calls end, how the end becomes known, and what comes after it.

use super::*;

#[test]
fn regression_a_question_that_is_throttled_is_put_again() {
    for status in [401, 429] {
        let mut call = talking().at(30).tell();
        let ticket = call.handle(at(30), Input::Command(&Command::Refresh)).unwrap().ticket().unwrap();
        let answer = Response { ticket, status, code: 0, body: Body::None };
        let _ = call.handle(at(31), Input::Report(&Report::Response(answer))).unwrap();
        let again = call.handle(at(90), Input::Tick).unwrap();
        assert_eq!(again.requests().next().and_then(|one| one.action()), Some(Action::Refresh), "{status}");
    }
}

#[test]
fn the_bot_hangs_up() {
    talking()
        .at(30)
        .bot(Command::HangUp)
        .refused(Command::HangUp, Why::HangingUp)
        .refused(play(), Why::HangingUp)
        .refused(transfer(), Why::HangingUp)
        .response(Action::HangUp, 204)
        .nothing()
        .at(31)
        .told(State::Terminating)
        .refused(play(), Why::HangingUp)
        .refused(transfer(), Why::Lifecycle(lifecycle::Why::Leaving))
        .deleted(result(0, 0))
        .gives(&[
            moved(State::Established, State::Terminating),
            moved(State::Terminating, State::Terminated),
            over(By::Bot, result(0, 0)),
        ])
        .asks(&[Action::HangUp])
        .refused(Command::HangUp, Why::Lifecycle(lifecycle::Why::Ended))
        .refused(Command::Refresh, Why::Lifecycle(lifecycle::Why::Ended))
        .refused(Command::KeepAlive, Why::Lifecycle(lifecycle::Why::Ended))
        .in_every_way();
}

#[test]
fn a_hang_up_of_which_no_news_comes_is_asked_about() {
    talking()
        .at(30)
        .bot(Command::HangUp)
        .gone(8522)
        .response(Action::HangUp, 204)
        .at(44)
        .nothing()
        .at(45)
        .gives(&[moved(State::Established, State::Terminated), over_without_a_word(By::Bot)])
        .asks(&[Action::HangUp, Action::Refresh])
        .in_every_way();
}

#[test]
fn hanging_up_what_is_gone_is_no_failure() {
    talking()
        .at(30)
        .gone(8522)
        .bot(Command::HangUp)
        .refusal(Action::HangUp, 404, 8522)
        .gives(&[moved(State::Established, State::Terminated), over_without_a_word(By::Unknown)])
        .in_every_way();
}

#[test]
fn a_hang_up_that_is_refused_may_be_tried_again() {
    talking()
        .at(30)
        .bot(Command::HangUp)
        .refusal(Action::HangUp, 429, 0)
        .gives(&[failed(Action::HangUp, 429, 0)])
        .bot(Command::HangUp)
        .response(Action::HangUp, 204)
        .at(31)
        .deleted(None)
        .in_order();
}

#[test]
fn a_keep_alive_that_finds_no_call_ends_it() {
    // Graph docs, call: keepAlive (404); 8522 in field reports.
    talking()
        .at(100)
        .gone(8522)
        .at(899)
        .nothing()
        .at(900)
        .asks(&[Action::KeepAlive])
        .gives(&[moved(State::Established, State::Terminated), over_without_a_word(By::Unknown)])
        .refused(Command::KeepAlive, Why::Lifecycle(lifecycle::Why::Ended))
        .in_every_way();
}

#[test]
fn a_bare_404_is_asked_again_before_it_is_believed() {
    talking()
        .at(100)
        .gone(0)
        .at(900)
        .asks(&[Action::KeepAlive, Action::Refresh])
        .gives(&[moved(State::Established, State::Terminated), over_without_a_word(By::Unknown)])
        .in_every_way();
}

#[test]
fn a_bare_404_that_is_contradicted_changes_nothing() {
    let mut call = talking().tell();
    let keep_alive = Command::KeepAlive;
    let output = call.handle(at(100), Input::Command(&keep_alive)).unwrap();
    let ticket = output.ticket().unwrap();
    let requests = respond(&mut call, 101, ticket, 404, 0);
    assert_eq!(requests.len(), 1, "the call is asked for");
    let news = CallNews::of(State::Established);
    let found =
        Report::Response(Response { ticket: requests[0], status: 200, code: 0, body: Body::Call(news) });
    let output = call.handle(at(102), Input::Report(&found)).unwrap();
    assert_eq!((output.events(), output.verdict()), (&[][..], Verdict::Repeat));
    // The next bare one is the first again.
    let output = call.handle(at(200), Input::Command(&keep_alive)).unwrap();
    let ticket = output.ticket().unwrap();
    assert_eq!(respond(&mut call, 201, ticket, 404, 0).len(), 1);
    assert!(!call.state().is_ended());
}

#[test]
fn an_inferred_end_is_taken_back_when_the_call_lives() {
    let call = talking()
        .at(100)
        .gone(8522)
        .bot(Command::Refresh)
        .gives(&[moved(State::Established, State::Terminated), over_without_a_word(By::Unknown)])
        .at(200)
        .found(State::Established)
        .told(State::Established)
        .asks(&[Action::Refresh, Action::Refresh])
        .gives(&[Event::Revived, moved(State::Terminated, State::Established)])
        .check(|call| {
            assert_eq!(call.end(), None);
            let next = Deadline { at: at(200 + 900), kind: deadline::Kind::KeepAlive };
            assert_eq!(call.next_deadline(), Some(next));
        })
        // Slow answers would make the service wrong a second time.
        .in_order();
    assert_eq!(call.state(), State::Established);
}

#[test]
fn regression_a_roster_of_a_call_whose_end_was_inferred_lets_it_ask_and_come_back() {
    let call = joined()
        .roster(&[here("bot"), here("anna")])
        .at(100)
        .gone(8522)
        .bot(Command::Refresh)
        .at(200)
        .found(State::Established)
        .roster(&[here("bot"), here("anna"), here("ben")])
        .asks(&[Action::Refresh, Action::ListParticipants, Action::Refresh, Action::ListParticipants])
        .in_order();
    assert_eq!((call.state(), call.roster().count()), (State::Established, 3));
    let told =
        talking().at(60).deleted(None).at(61).says_late(Said::Roster(Extent::Full, std::vec![here("bot")]));
    assert!(told.asks(&[]).in_order().state().is_ended());
}

#[test]
fn a_told_end_absorbs_whatever_comes_late() {
    // Field reports: updates about an hour after the end.
    let call = talking()
        .at(60)
        .deleted(result(200, 5002))
        .gives(&[moved(State::Established, State::Terminated), over(By::Unknown, result(200, 5002))])
        .at(3600)
        .told_late(State::Established)
        .told_late(State::Hold)
        .told_late(State::Terminating)
        .says_late(Said::Call(Change::Created, CallNews::of(State::Incoming)))
        .nothing()
        .asks(&[])
        .in_every_way();
    assert_eq!(call.next_deadline(), None);
}

#[test]
fn more_may_become_known_of_an_end() {
    // A 404 came first: neither how nor why the call ended was told.
    let call = talking()
        .at(100)
        .gone(8522)
        .bot(Command::Refresh)
        .gives(&[moved(State::Established, State::Terminated), over_without_a_word(By::Unknown)])
        .at(110)
        .deleted(result(200, 4521))
        .gives(&[Event::EndRevised(End {
            how: How::Told,
            ever_established: true,
            by: By::OtherParticipant,
            reason: None,
            result: result(200, 4521),
        })])
        .in_every_way();
    assert_eq!(call.next_deadline(), None);
}

#[test]
fn an_established_that_comes_after_the_end_says_that_the_call_was() {
    incoming()
        .at(1)
        .bot(answer())
        .response(Action::Answer, 202)
        .at(5)
        .deleted(None)
        .gives(&[
            Event::Offered,
            moved(State::Incoming, State::Terminated),
            Event::Ended(never_established(By::Unknown, None)),
        ])
        .told_late(State::Established)
        .gives(&[Event::EndRevised(End { ever_established: true, ..never_established(By::Unknown, None) })])
        .in_order();
}

#[test]
fn the_reason_of_a_termination_is_kept() {
    let news =
        CallNews { reason: Some(TerminationReason::CallTerminated), ..CallNews::of(State::Terminated) };
    let call = talking().at(60).news(news).in_every_way();
    assert_eq!(call.end().and_then(|end| end.reason), Some(TerminationReason::CallTerminated));
}

#[test]
fn terminating_without_its_end_is_asked_about_until_it_is_known() {
    talking()
        .at(60)
        .told(State::Terminating)
        .gives(&[moved(State::Established, State::Terminating)])
        .at(75)
        .asks(&[Action::Refresh])
        .at(194)
        .gone(8522)
        .asks(&[])
        .at(195)
        .asks(&[Action::Refresh])
        .gives(&[moved(State::Terminating, State::Terminated), over_without_a_word(By::Unknown)])
        .in_every_way();
}

#[test]
fn a_call_is_kept_alive_every_fifteen_minutes() {
    // Graph docs, call: keepAlive.
    talking()
        .at(899)
        .asks(&[])
        .at(900)
        .asks(&[Action::KeepAlive])
        .at(1799)
        .asks(&[])
        .at(1800)
        .asks(&[Action::KeepAlive])
        .bot(Command::KeepAlive)
        .asks(&[Action::KeepAlive])
        .nothing()
        .in_every_way();
}

#[test]
fn regression_a_hang_up_that_had_no_effect_blocks_nothing() {
    let mut call = talking().at(4).bot(Command::HangUp).response(Action::HangUp, 204).tell();
    let ticket = call.handle(at(30), Input::Command(&Command::Refresh)).unwrap().ticket().unwrap();
    assert!(call.handle(at(30), Input::Command(&play())).is_err());
    let live = Body::Call(CallNews::of(State::Established));
    let answer = Response { ticket, status: 200, code: 0, body: live };
    let _ = call.handle(at(31), Input::Report(&Report::Response(answer))).unwrap();
    assert!(call.handle(at(32), Input::Command(&play())).is_ok());
    // One that was asked before the hang-up says nothing of it.
    let mut call = talking().at(4).tell();
    let ticket = call.handle(at(30), Input::Command(&Command::Refresh)).unwrap().ticket().unwrap();
    let hang_up = call.handle(at(30), Input::Command(&Command::HangUp)).unwrap().ticket().unwrap();
    for (ticket, status, body) in [(hang_up, 204, Body::None), (ticket, 200, live)] {
        let answer = Response { ticket, status, code: 0, body };
        let _ = call.handle(at(31), Input::Report(&Report::Response(answer))).unwrap();
    }
    assert!(call.handle(at(32), Input::Command(&play())).is_err());
}

#[test]
fn regression_a_bare_404_long_ago_is_forgotten_once_the_call_is_known_to_live() {
    let not_found = |call: &mut Small, now, status| {
        let ticket = call.handle(at(now), Input::Command(&Command::KeepAlive)).unwrap().ticket().unwrap();
        respond(call, now, ticket, status, 0);
    };
    let mut call = talking().at(4).tell();
    not_found(&mut call, 30, 404);
    not_found(&mut call, 40, 200);
    not_found(&mut call, 3_000, 404);
    assert_eq!(call.end(), None, "one 404 of a proxy");
}

#[test]
fn a_keep_alive_that_fails_is_tried_again_soon() {
    let mut call = talking().tell();
    assert_eq!(call.next_deadline(), Some(Deadline { at: at(900), kind: deadline::Kind::KeepAlive }));
    let output = call.handle(at(900), Input::Tick).unwrap();
    let ticket = output.requests().next().unwrap().ticket();
    assert_eq!(respond(&mut call, 901, ticket, 503, 0).len(), 0);
    assert_eq!(call.next_deadline(), Some(Deadline { at: at(901 + 120), kind: deadline::Kind::KeepAlive }));
    let output = call.handle(at(1021), Input::Tick).unwrap();
    let ticket = output.requests().next().unwrap().ticket();
    let _ = call.handle(at(1022), Input::Report(&Report::NoResponse { ticket })).unwrap();
    assert_eq!(call.next_deadline(), Some(Deadline { at: at(1022 + 120), kind: deadline::Kind::KeepAlive }));
}

#[test]
fn operations_end_with_the_call_each_once() {
    talking()
        .at(4)
        .bot(play())
        .operation(Action::PlayPrompt, "p", Status::Running)
        .bot(play())
        .at(5)
        .deleted(None)
        .gives(&[
            moved(State::Established, State::Terminated),
            ended_together(&[0, 1]),
            over(By::Unknown, None),
        ])
        .operation(Action::PlayPrompt, "q", Status::Running)
        .finished("p", Status::Completed, result(200, 0))
        .nothing()
        .tell();
    let call = talking().at(4).bot(play()).at(5).deleted(None).tell();
    let phases: std::vec::Vec<_> = call.operations().rows().map(Operation::phase).collect();
    assert_eq!(phases, [Phase::Ended(Outcome::CallEnded)], "readable until the next input");
}

fn over_without_a_word(by: By) -> Event {
    Event::Ended(End { ever_established: true, ..without_a_word(by) })
}

/// Answers the request of this ticket; the tickets of what is asked then.
fn respond(call: &mut Small, secs: u64, ticket: Ticket, status: u16, code: u32) -> std::vec::Vec<Ticket> {
    let report = Report::Response(Response { ticket, status, code, body: Body::None });
    let output = call.handle(at(secs), Input::Report(&report)).unwrap();
    output.requests().map(|request| request.ticket()).collect()
}

#[test]
fn a_list_of_participants_that_finds_no_call_ends_it() {
    // Field capture: a recorder's call that was gone, and never told of as deleted.
    joined()
        .at(4)
        .roster(&[here("bot"), here("anna")])
        .begun()
        .at(60)
        .gone(8522)
        .says_late(Said::Roster(Extent::Full, std::vec![here("bot")]))
        .gives(&[
            roster_updated(&[1]),
            moved(State::Established, State::Terminated),
            over_without_a_word(By::Unknown),
        ])
        .asks(&[Action::ListParticipants])
        .tell();
}

#[test]
fn news_that_says_nothing_changes_nothing() {
    // Field reports: callbacks without a payload.
    talking().at(4).news(CallNews::NONE).nothing().asks(&[]).in_every_way();
}

#[test]
fn a_state_that_is_not_known_is_asked_about() {
    let news = CallNews { state: Told::Unrecognised, ..CallNews::NONE };
    let mut call = talking().tell();
    let report = Report::Call { change: Change::Updated, news };
    let output = call.handle(at(4), Input::Report(&report)).unwrap();
    assert_eq!((output.verdict(), output.events()), (Verdict::Unexplained, &[][..]));
    assert_eq!(output.requests().next().and_then(|request| request.action()), Some(Action::Refresh));
    // One that is told with the end changes nothing about that.
    let report = Report::Call { change: Change::Deleted, news };
    assert_eq!(call.handle(at(5), Input::Report(&report)).unwrap().verdict(), Verdict::Applied);
    assert!(call.state().is_ended());
}

#[test]
fn questions_on_doubt_keep_their_distance() {
    // At most six a minute.
    let unknown = || Said::Call(Change::Updated, CallNews { state: Told::Unrecognised, ..CallNews::NONE });
    let mut story = talking().at(60);
    for tenth in 0..60 {
        story = story.at(60 + tenth).says_late(unknown());
    }
    let asked = story.requests();
    assert_eq!(asked, [Action::Refresh; 6]);
}

#[test]
fn a_resource_that_is_not_known_is_named() {
    let mut call = talking().tell();
    let before = call.clone();
    let output = call.handle(at(4), Input::Report(&Report::Unrecognised)).unwrap();
    assert_eq!(output.events(), [Event::NotUsed(Topic::Unrecognised)]);
    assert_eq!(output.verdict(), Verdict::NotUsed);
    assert_eq!(call, before);
}
