//! Time as the embedder tells it: other origins, leaps, and clocks that stand still or go back.

use super::*;

/// A call that waits for several things at once.
fn waiting() -> Small {
    joined()
        .at(4)
        .roster(&[here("bot"), here("anna")])
        .bot(play())
        .operation(Action::PlayPrompt, "p", Status::Running)
        .bot(Command::HangUp)
        .response(Action::HangUp, 204)
        .tell()
}

#[test]
fn a_rebased_call_waits_as_long_as_before() {
    let now = at(4);
    // A device after its boot, a server's epoch, the beginning and the end of time.
    for new_now in [0, 60_000, 1_700_000_000_000, u64::from(u32::MAX), u64::MAX / 2] {
        let new_now = Timestamp::from_millis(new_now);
        let (call, mut moved) = (waiting(), waiting());
        moved.rebase(now, new_now);
        for kind in deadline::Kind::ALL {
            let before = call.deadlines.of(*kind).map(|due| due.since(now).as_millis());
            let after = moved.deadlines.of(*kind).map(|due| due.since(new_now).as_millis());
            assert_eq!(before, after, "{kind}");
        }
        assert!(call.deadlines.of(deadline::Kind::Operation).is_some());
        moved.rebase(new_now, now);
        assert_eq!(moved.deadlines, call.deadlines);
    }
}

#[test]
fn what_passed_before_a_rebase_is_due_at_once() {
    let mut call = incoming().tell();
    call.rebase(at(100), at(3));
    assert_eq!(call.next_deadline(), Some(Deadline { at: at(3), kind: deadline::Kind::Answer }));
}

#[test]
fn a_tick_before_the_deadline_does_nothing_and_one_at_it_moves_it() {
    for mut call in [incoming().tell(), outgoing().tell(), talking().tell(), waiting()] {
        for _ in 0..20 {
            let Some(due) = call.next_deadline() else { break };
            let before = call.clone();
            let early = Timestamp::from_millis(due.at.as_millis() - 1);
            let output = call.handle(early, Input::Tick).unwrap();
            assert_eq!((output.events(), output.requests().len()), (&[][..], 0));
            assert_eq!(call, before);
            let _ = call.handle(due.at, Input::Tick).unwrap();
            assert_ne!(call.next_deadline(), Some(due));
        }
    }
}

#[test]
fn a_leap_of_years_ticks_each_deadline_once_and_comes_to_rest() {
    let years = Timestamp::from_millis(1 << 42);
    for mut call in [incoming().tell(), outgoing().tell(), talking().tell(), waiting()] {
        let mut ticks = 0;
        while call.next_deadline().is_some_and(|due| due.at <= years) {
            let _ = call.handle(years, Input::Tick).unwrap();
            ticks += 1;
            assert!(ticks < 20, "{:?}", call.next_deadline());
        }
    }
}

#[test]
fn a_clock_that_went_back_only_makes_deadlines_late() {
    let mut call = talking().tell();
    // What was set on the later clock fires by that clock.
    assert_eq!(call.next_deadline(), Some(Deadline { at: at(900), kind: deadline::Kind::KeepAlive }));
    let hold = Report::Call { change: Change::Updated, news: CallNews::of(State::Hold) };
    let asked = call.handle(at(0), Input::Report(&hold)).unwrap();
    assert_eq!(asked.requests().len(), 1);
    let due = call.next_deadline().unwrap();
    assert_eq!(due, Deadline { at: at(60), kind: deadline::Kind::Ask });
}

#[test]
fn the_end_of_time_is_no_end_of_the_call() {
    let mut call = talking().tell();
    let end = Timestamp::from_millis(u64::MAX);
    for command in [play(), Command::KeepAlive, Command::Refresh] {
        let _ = call.handle(end, Input::Command(&command)).unwrap();
    }
    assert!(call.next_deadline().is_some());
    call.rebase(end, at(0));
    assert_eq!(call.state(), State::Established);
}

#[test]
fn timers_are_the_embedders_within_their_ranges() {
    let call = incoming()
        .with(|setup| {
            setup.timers = setup.timers.with(Timer::Answer, Span::from_secs(10)).unwrap();
            setup.timers = setup.timers.with(Timer::KeepAlive, Span::from_minutes(10)).unwrap();
        })
        .tell();
    assert_eq!(call.next_deadline(), Some(Deadline { at: at(10), kind: deadline::Kind::Answer }));
    assert_eq!(call.deadlines.of(deadline::Kind::KeepAlive), Some(at(600)));
    let command = answer();
    let mut late = call;
    assert!(late.handle(at(10), Input::Command(&command)).is_err());
}
