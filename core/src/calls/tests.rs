use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::event::Event;
use crate::id::{ClientContext, OperationId, ParticipantId};
use crate::identity::Identity;
use crate::lifecycle::doubt::CALL_NOT_FOUND;
use crate::list::List;
use crate::operation::Status;
use crate::report::{Body, OperationNews, Response, RosterNews};
use crate::roster::{Extent, Participant, Presence};
use crate::text::Uri;
use crate::time::Span;

type Table = Calls<2, 2, 2>;

const TARGETS: [Identity<'static>; 1] = [Identity::User("u")];
const PLACEMENT: Placement<'static> =
    Placement::to_targets(Uri::new("https://bot.example"), List::new(&TARGETS));

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn key(number: u64) -> CallKey {
    CallKey::new(number)
}

fn id(number: u8) -> CallId {
    CallId::from_bytes([number; 16])
}

fn news(change: Change, state: State) -> Report<'static> {
    Report::Call { change, news: CallNews::of(state) }
}

fn rings() -> Report<'static> {
    news(Change::Created, State::Incoming)
}

fn ended() -> Report<'static> {
    news(Change::Deleted, State::Terminated)
}

fn response(status: u16, code: u32, body: Body<'static>) -> Report<'static> {
    Report::Response(Response { ticket: Ticket::FIRST, status, code, body })
}

/// Tells the table of a call to the bot, which gets `number` as its key.
fn ring(calls: &mut Table, call: CallId, number: u64) -> Routed {
    calls.route(at(0), Address::Id(call), &rings(), |_| Setup::new(key(number)))
}

fn place(calls: &mut Table, number: u64) -> Result<(), NotPlaced> {
    calls.place(at(0), Setup::new(key(number)), &PLACEMENT).map(|_| ())
}

fn report(calls: &mut Table, address: Address, report: &Report<'_>) -> Option<CallKey> {
    match calls.route(at(1), address, report, |_| panic!("no new call")) {
        Routed::Told { key, .. } => Some(key),
        Routed::Unknown => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_report_reaches_the_call_that_it_names() {
    // Call 1 has the id 1; call 2 is being created. A known id comes before a key, a known key before a guess.
    let both = |id, number| Address::Both { id, key: key(number) };
    let context = |number| {
        let context = Some(ClientContext { key: key(number), ticket: Ticket::FIRST });
        let news = OperationNews { context, ..OperationNews::of(Status::Running) };
        Report::Operation { change: Change::Updated, news }
    };
    let live = news(Change::Updated, State::Establishing);
    let granted = Report::Granted(crate::permission::Grants::Unknown);
    for (name, address, said, expected) in [
        ("by id", Address::Id(id(1)), live, Some(1)),
        ("by key", Address::Key(key(1)), live, Some(1)),
        ("by key, before its id is known", Address::Key(key(2)), live, Some(2)),
        ("by key, with its id", both(id(9), 2), live, Some(2)),
        ("the id decides", both(id(1), 2), live, Some(1)),
        ("the key of a call that has another id", both(id(9), 1), live, None),
        ("a key of nobody", Address::Key(key(9)), live, None),
        ("a key of nobody, with a new id", both(id(9), 9), live, None),
        ("a new id, while one is being created", Address::Id(id(9)), live, Some(2)),
        ("the clientContext of call 1, and another id", Address::Id(id(9)), context(1), Some(2)),
        ("the clientContext of call 2", Address::Id(id(9)), context(2), Some(2)),
        ("the answer to a request is never guessed", Address::Id(id(9)), response(200, 0, Body::None), None),
        ("nor is what the embedder states", Address::Id(id(9)), granted, None),
    ] {
        let mut calls = Table::new();
        assert!(matches!(ring(&mut calls, id(1), 1), Routed::New { .. }));
        assert_eq!(place(&mut calls, 2), Ok(()));
        assert_eq!(report(&mut calls, address, &said), expected.map(key), "{name}");
    }
}

#[test]
fn an_early_notification_is_guessed_only_while_one_call_is_created() {
    let live = news(Change::Updated, State::Establishing);
    let mut calls = Table::new();
    assert_eq!(report(&mut calls, Address::Id(id(1)), &live), None, "no call");
    assert_eq!(place(&mut calls, 1), Ok(()));
    assert_eq!(place(&mut calls, 2), Ok(()));
    assert_eq!(report(&mut calls, Address::Id(id(1)), &live), None, "two calls");
    assert_eq!(report(&mut calls, Address::Key(key(2)), &response(201, 0, Body::None)), Some(key(2)));
    assert_eq!(report(&mut calls, Address::Id(id(1)), &live), Some(key(1)), "one call");
    assert_eq!(calls.get(key(1)).and_then(Call::id), Some(id(1)), "it learnt the id of the path");
    assert_eq!(report(&mut calls, Address::Id(id(3)), &live), None, "none any more");
}

#[test]
fn a_wrong_guess_is_put_right_by_the_answer() {
    let live = news(Change::Updated, State::Establishing);
    let mut calls = Table::new();
    assert_eq!(place(&mut calls, 1), Ok(()));
    assert_eq!(report(&mut calls, Address::Id(id(9)), &live), Some(key(1)));
    let body = Body::Call(CallNews { id: Some(id(1)), ..CallNews::of(State::Establishing) });
    assert_eq!(report(&mut calls, Address::Key(key(1)), &response(201, 0, body)), Some(key(1)));
    assert_eq!(report(&mut calls, Address::Id(id(1)), &live), Some(key(1)));
    assert_eq!(report(&mut calls, Address::Id(id(9)), &live), None);
}

#[test]
fn regression_a_call_learns_its_id_from_whatever_comes_first() {
    let live = news(Change::Updated, State::Establishing);
    let member = [Participant::new(Some(ParticipantId::parse("bot")), Presence::Present)];
    let roster = Report::Roster(RosterNews { extent: Extent::Full, participants: List::new(&member) });
    let mut calls = Table::new();
    assert_eq!(place(&mut calls, 1), Ok(()));
    assert_eq!(report(&mut calls, Address::Id(id(1)), &roster), Some(key(1)));
    assert_eq!(calls.get(key(1)).and_then(Call::id), Some(id(1)));
    assert_eq!(report(&mut calls, Address::Id(id(1)), &live), Some(key(1)));
}

#[test]
fn regression_the_end_of_another_call_does_not_end_the_one_that_is_being_created() {
    let mut calls = Table::new();
    assert_eq!(place(&mut calls, 1), Ok(()));
    for end in [ended(), news(Change::Updated, State::Terminated), news(Change::Updated, State::Terminating)]
    {
        assert_eq!(report(&mut calls, Address::Id(id(9)), &end), None);
    }
    // By its key it is the call's own.
    let own = Address::Both { id: id(1), key: key(1) };
    assert_eq!(report(&mut calls, own, &ended()), Some(key(1)));
    assert!(calls.get(key(1)).is_some_and(|call| call.end().is_some()));
}

#[test]
fn full_is_named_and_the_call_rejected_as_busy() {
    let mut calls = Table::new();
    assert!(matches!(ring(&mut calls, id(1), 1), Routed::New { .. }));
    assert_eq!(ring(&mut calls, id(2), 1), Routed::KeyTaken);
    assert!(matches!(ring(&mut calls, id(2), 2), Routed::New { .. }));
    let before = calls.clone();
    assert!(!calls.has_room());
    let Routed::Full { call, reject } = ring(&mut calls, id(3), 3) else { panic!("there is no room") };
    assert_eq!(call, id(3));
    assert!(matches!(reject, Request::Perform { command: Command::Reject(RejectReason::Busy), .. }));
    let full = NoPlace::Full { places: 2 };
    assert_eq!(place(&mut calls, 3), Err(NotPlaced::NoPlace(full)));
    assert_eq!(calls.offered(at(0), Setup::new(key(3)), Offer::new(id(3))), Err(full));
    assert_eq!(calls.offered(at(0), Setup::new(key(3)), Offer::new(id(2))), Err(NoPlace::IdTaken));
    assert_eq!(calls, before);
    assert!(matches!(ring(&mut calls, id(2), 4), Routed::Told { .. }), "the same call rings once");
}

#[test]
fn a_call_that_is_refused_takes_no_place() {
    let nobody = Placement::to_targets(Uri::new("https://bot.example"), List::new(&[]));
    let mut calls = Table::new();
    for (name, number) in [("an empty place", 1), ("the place of a call that is over", 3)] {
        let before = calls.clone();
        let refused = calls.place(at(0), Setup::new(key(9)), &nobody);
        assert!(matches!(refused, Err(NotPlaced::Refused(_))), "{name}");
        assert_eq!(calls, before, "{name}");
        assert!(matches!(ring(&mut calls, id(number), number.into()), Routed::New { .. }));
        assert!(matches!(ring(&mut calls, id(number + 1), (number + 1).into()), Routed::New { .. }));
        for call in [number, number + 1] {
            assert_eq!(report(&mut calls, Address::Id(id(call)), &ended()), Some(key(call.into())));
        }
    }
}

#[test]
fn a_call_gives_up_its_place_when_its_end_was_told_and_not_when_it_was_inferred() {
    for (name, said, expected) in [
        ("told", ended(), true),
        ("not created", response(403, 0, Body::None), true),
        ("inferred", Report::NoResponse { ticket: Ticket::FIRST }, false),
    ] {
        let mut calls = Table::new();
        assert_eq!(place(&mut calls, 1), Ok(()));
        assert!(matches!(ring(&mut calls, id(2), 2), Routed::New { .. }));
        assert_eq!(report(&mut calls, Address::Key(key(1)), &said), Some(key(1)));
        while let Some(call) = calls.get(key(1))
            && call.end().is_none()
        {
            let (_, due) = calls.next_deadline().unwrap();
            assert!(calls.tick(due.at).is_some());
        }
        assert_eq!(calls.len(), 2, "{name}: it stays readable until its place is needed");
        assert_eq!(calls.has_room(), expected, "{name}");
        assert_eq!(place(&mut calls, 3).is_ok(), expected, "{name}");
        assert_eq!(calls.get(key(1)).is_none(), expected, "{name}");
        if !expected {
            assert_eq!(calls.forget(key(1)), Ok(()), "{name}");
            assert_eq!(place(&mut calls, 3), Ok(()), "{name}");
        }
    }
}

#[test]
fn what_was_forgotten_neither_rings_again_nor_is_taken_for_another_call() {
    let mut calls = Table::new();
    assert!(matches!(ring(&mut calls, id(1), 1), Routed::New { .. }));
    assert_eq!(calls.forget(key(1)), Err(NotForgotten::Live));
    assert_eq!(report(&mut calls, Address::Id(id(1)), &ended()), Some(key(1)));
    assert_eq!(calls.forget(key(1)), Ok(()));
    assert_eq!(calls.forget(key(1)), Err(NotForgotten::UnknownKey));
    assert!(calls.is_empty());
    assert_eq!(place(&mut calls, 2), Ok(()));
    assert_eq!(ring(&mut calls, id(1), 3), Routed::Forgotten);
    let late = calls.route(at(1), Address::Id(id(1)), &ended(), |_| panic!("no new call"));
    assert_eq!(late, Routed::Forgotten);
    assert!(calls.get(key(2)).is_some_and(|call| call.end().is_none()));
}

#[test]
fn the_embedder_completes_an_offer_and_does_not_change_whose_it_is() {
    let mut calls = Table::new();
    let routed = calls.route(at(0), Address::Id(id(1)), &rings(), |offer| {
        *offer = Offer { id: id(7), recording: PolicyRecording::Yes, ..*offer };
        Setup::new(key(1))
    });
    let Routed::New { output, .. } = routed else { panic!("there is room") };
    assert_eq!(output.events(), [Event::Offered]);
    let call = calls.get(key(1)).unwrap();
    assert_eq!(call.id(), Some(id(1)));
    // Source: Graph docs, call: answer (example 3).
    assert_eq!(call.next_deadline().map(|due| due.at), Some(at(5_000)));
}

#[test]
fn rebase_moves_every_call() {
    let mut calls = Table::new();
    assert!(matches!(ring(&mut calls, id(1), 1), Routed::New { .. }));
    assert_eq!(place(&mut calls, 2), Ok(()));
    let before: Vec<_> = calls.iter().map(|call| call.next_deadline().unwrap().at).collect();
    calls.rebase(at(0), at(70_000));
    let after: Vec<_> = calls.iter().map(|call| call.next_deadline().unwrap().at).collect();
    let expected: Vec<_> = before.iter().map(|at| at.plus(Span::from_millis(70_000))).collect();
    assert_eq!(after, expected);
}

#[test]
fn a_call_from_a_snapshot_is_adopted_once() {
    let (call, _) = Call::offered(at(0), Setup::new(key(1)), Offer::new(id(1)));
    let mut calls = Table::new();
    assert_eq!(calls.adopt(call.clone()), Ok(()));
    assert_eq!(calls.adopt(call), Err(NoPlace::KeyTaken));
    let (twin, _) = Call::offered(at(0), Setup::new(key(2)), Offer::new(id(1)));
    assert_eq!(calls.adopt(twin), Err(NoPlace::IdTaken));
}

#[derive(Clone, Debug)]
enum Step {
    Ring(u8),
    Place(u8),
    Told(Address, Report<'static>),
    Handled(u8, Report<'static>),
    Forget(u8),
    Tick(u64),
}

fn reports() -> impl Strategy<Value = Report<'static>> {
    let change = proptest::sample::select(Change::ALL);
    let state = proptest::sample::select(State::ALL);
    let told = (change, state, proptest::option::of(0..4u8)).prop_map(|(change, state, of)| {
        let news = CallNews { id: of.map(id), ..CallNews::of(state) };
        Report::Call { change, news }
    });
    let operation = (0..4u64, 0..4u8).prop_map(|(of, operation)| {
        let context = Some(ClientContext { key: key(of), ticket: Ticket::FIRST });
        let id = Some(OperationId::from_bytes([operation; 16]));
        let news = OperationNews { id, context, ..OperationNews::of(Status::Completed) };
        Report::Operation { change: Change::Updated, news }
    });
    let status = proptest::sample::select(vec![200, 201, 403, 404, 500]);
    let answer = (1..4u32, status, proptest::option::of(0..4u8)).prop_map(|(ticket, status, of)| {
        let news = of.map(|of| CallNews { id: Some(id(of)), ..CallNews::of(State::Established) });
        let ticket = Ticket::try_new(ticket).unwrap();
        let body = news.map_or(Body::None, Body::Call);
        Report::Response(Response { ticket, status, code: CALL_NOT_FOUND, body })
    });
    prop_oneof![4 => told, 1 => operation, 2 => answer, 1 => Just(Report::Unrecognised)]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let address = prop_oneof![
        (0..4u8).prop_map(|of| Address::Id(id(of))),
        (0..4u64).prop_map(|of| Address::Key(key(of))),
        (0..4u8, 0..4u64).prop_map(|(of, number)| Address::Both { id: id(of), key: key(number) }),
    ];
    let step = prop_oneof![
        2 => (0..4u8).prop_map(Step::Ring),
        2 => (0..4u8).prop_map(Step::Place),
        6 => (address, reports()).prop_map(|(address, report)| Step::Told(address, report)),
        2 => (0..4u8, reports()).prop_map(|(of, report)| Step::Handled(of, report)),
        1 => (0..4u8).prop_map(Step::Forget),
        2 => (0..1_000_000u64).prop_map(Step::Tick),
    ];
    proptest::collection::vec(step, 0..60)
}

/// The calls that a step changed, added or took away; a table of two is no place for more.
fn changed(before: &Table, after: &Table) -> Vec<CallKey> {
    let all = before.iter().chain(after.iter()).map(Call::key);
    let mut changed: Vec<_> = all.filter(|key| before.get(*key) != after.get(*key)).collect();
    changed.sort_by_key(|key| key.bits());
    changed.dedup();
    changed
}

proptest! {
    #[test]
    fn whatever_comes_reaches_one_call_and_one_deadline_is_over_all(steps in steps()) {
        let mut calls = Table::new();
        let mut fresh = 100;
        for step in steps {
            let before = calls.clone();
            fresh += 1;
            match step {
                Step::Ring(of) => match ring(&mut calls, id(of), fresh) {
                    Routed::New { key: new, .. } => {
                        prop_assert_eq!(new, key(fresh));
                        let over = changed(&before, &calls).into_iter().filter(|key| *key != new);
                        for key in over {
                            let how = before.get(key).and_then(Call::end).map(|end| end.how);
                            prop_assert!(matches!(how, Some(How::Told | How::NotCreated)));
                        }
                    }
                    Routed::Told { key, .. } => {
                        prop_assert!(changed(&before, &calls).iter().all(|other| *other == key));
                    }
                    Routed::Full { .. } => {
                        prop_assert!(!before.has_room());
                        prop_assert_eq!(&before, &calls);
                    }
                    Routed::Forgotten | Routed::Unknown => prop_assert_eq!(&before, &calls),
                    Routed::KeyTaken => prop_assert!(false, "the key is new"),
                },
                Step::Place(of) => {
                    let placed = place(&mut calls, u64::from(of));
                    let is_taken = before.get(key(of.into())).is_some();
                    prop_assert_eq!(placed.is_ok(), before.has_room() && !is_taken);
                }
                Step::Told(address, report) => {
                    let new = |_: &mut Offer| Setup::new(key(fresh));
                    match calls.route(at(0), address, &report, new) {
                        Routed::Told { key, .. } => {
                            prop_assert!(before.get(key).is_some());
                            prop_assert!(changed(&before, &calls).iter().all(|other| *other == key));
                        }
                        Routed::New { key, .. } => prop_assert!(before.get(key).is_none()),
                        _ => prop_assert_eq!(&before, &calls),
                    }
                }
                Step::Handled(of, report) => {
                    let key = key(of.into());
                    let handled = calls.handle(at(0), key, Input::Report(&report));
                    prop_assert_eq!(handled.is_ok(), before.get(key).is_some());
                    prop_assert!(changed(&before, &calls).iter().all(|other| *other == key));
                }
                Step::Forget(of) => {
                    let is_over = before.get(key(of.into())).is_some_and(|call| call.end().is_some());
                    prop_assert_eq!(calls.forget(key(of.into())).is_ok(), is_over);
                }
                Step::Tick(now) => {
                    let due = before.next_deadline().filter(|(_, due)| due.at <= at(now));
                    let ticked = calls.tick(at(now)).map(|(key, _)| key);
                    prop_assert_eq!(ticked, due.map(|(key, _)| key));
                    prop_assert!(changed(&before, &calls).iter().all(|other| Some(*other) == ticked));
                }
            }
            let least = calls.iter().filter_map(Call::next_deadline).map(|due| due.at).min();
            prop_assert_eq!(calls.next_deadline().map(|(_, due)| due.at), least);
            let mut keys: Vec<_> = calls.iter().map(|call| call.key().bits()).collect();
            keys.sort_unstable();
            keys.dedup();
            prop_assert_eq!(keys.len(), calls.len());
        }
    }
}
