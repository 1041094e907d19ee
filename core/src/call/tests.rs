//! Stories of whole calls, and the invariants.

use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::id::{OperationId, ParticipantId, Sequence};
use crate::lifecycle::end::How;
use crate::media::Tone;
use crate::operation::{Outcome, Status};
use crate::report::{Body, CallNews, Change, OperationNews, Response, RosterNews, Told, ToneInfo};
use crate::roster::{Extent, Participant, Presence};
use crate::testing::{Act, Observer, acts, call_news};

type Small = Call<4, 3>;

const PROMPT: [Uri<'static>; 1] = [Uri::new("https://bot.example/menu.wav")];
const USER: [Identity<'static>; 2] = [Identity::User("a"), Identity::User("b")];

fn at(secs: u64) -> Timestamp {
    Timestamp::from_millis(secs * 1000)
}

fn offered() -> Small {
    Small::offered(at(0), Offer::new(CallKey::new(9), CallId::parse("57DAB8B1894C409AB240BD8BEAE78896"))).0
}

fn placed() -> Small {
    let placement = Placement::new(CallKey::new(9), Uri::new("https://bot.example/9"), List::new(&USER[..1]));
    Small::place(at(0), &placement).unwrap().0
}

fn told(call: &mut Small, secs: u64, state: State) -> Vec<Event> {
    news(call, secs, CallNews::of(state))
}

fn news(call: &mut Small, secs: u64, news: CallNews) -> Vec<Event> {
    let report = Report::Call { change: Change::Updated, news };
    call.handle(at(secs), Input::Report(report)).unwrap().events().to_vec()
}

fn deleted(call: &mut Small, secs: u64, news: CallNews) -> Vec<Event> {
    let report = Report::Call { change: Change::Deleted, news };
    call.handle(at(secs), Input::Report(report)).unwrap().events().to_vec()
}

fn respond(call: &mut Small, secs: u64, ticket: Ticket, status: u16, body: Body<'static>) -> Vec<Event> {
    answer_with(call, secs, Response { ticket, status, code: 0, body })
}

fn answer_with(call: &mut Small, secs: u64, response: Response<'static>) -> Vec<Event> {
    call.handle(at(secs), Input::Report(Report::Response(response))).unwrap().events().to_vec()
}

fn answer(call: &mut Small, secs: u64) -> Result<Ticket, Why> {
    let command =
        Command::Answer { callback: Uri::new("https://bot.example/9"), media: MediaConfig::ServiceHosted };
    command_of(call, secs, command)
}

fn play(call: &mut Small, secs: u64) -> Result<Ticket, Why> {
    command_of(call, secs, Command::PlayPrompt { prompts: List::new(&PROMPT) })
}

fn command_of(call: &mut Small, secs: u64, command: Command<'static>) -> Result<Ticket, Why> {
    let output = call.handle(at(secs), Input::Command(command)).map_err(|refused| refused.why)?;
    Ok(output.ticket().unwrap())
}

fn operation(id: &str, status: Status) -> OperationNews {
    OperationNews { id: Some(OperationId::parse(id)), context: None, status, result: None }
}

fn with_audio(state: State) -> CallNews {
    CallNews { audio: Some(Audio::Active), ..CallNews::of(state) }
}

/// A call that was answered and has audio.
fn talking() -> Small {
    let mut call = offered();
    let ticket = answer(&mut call, 1).unwrap();
    respond(&mut call, 1, ticket, 202, Body::None);
    news(&mut call, 2, with_audio(State::Established));
    call
}

#[test]
fn from_ring_to_hang_up() {
    let mut call = offered();
    let ticket = answer(&mut call, 1).unwrap();
    let _ = play(&mut call, 1).unwrap();
    respond(&mut call, 1, ticket, 202, Body::None);
    assert_eq!(call.state(), State::Incoming);
    assert_eq!(told(&mut call, 2, State::Establishing).len(), 1);
    let report = Report::Call { change: Change::Updated, news: with_audio(State::Established) };
    let output = call.handle(at(3), Input::Report(report)).unwrap();
    assert!(matches!(output.requests(), [Request::Release { .. }]));
    assert_eq!(
        output.events(),
        [
            Event::StateChanged { from: State::Establishing, to: State::Established },
            Event::Established,
            Event::MediaChanged { audio: Audio::Active }
        ]
    );
    drop(output);
    let prompt = Ticket::try_new(2).unwrap();
    respond(&mut call, 3, prompt, 200, Body::Operation(operation("p", Status::Running)));
    let report = Report::Operation { change: Change::Deleted, news: operation("P", Status::Completed) };
    let ended = call.handle(at(6), Input::Report(report)).unwrap().events().to_vec();
    assert_eq!(
        ended,
        [Event::NotUsed(crate::report::Topic::ForeignOperation)],
        "another id is another operation"
    );
    let report = Report::Operation { change: Change::Deleted, news: operation("p", Status::Completed) };
    let ended = call.handle(at(6), Input::Report(report)).unwrap().events().to_vec();
    assert!(matches!(ended[..], [Event::OperationEnded { outcome: Outcome::Completed, .. }]));
    let hang_up = command_of(&mut call, 7, Command::HangUp).unwrap();
    respond(&mut call, 7, hang_up, 204, Body::None);
    told(&mut call, 8, State::Terminating);
    let result = Some(ResultInfo { code: 200, subcode: 7000 });
    let events = deleted(&mut call, 8, CallNews { result, ..CallNews::of(State::Terminated) });
    let end = End { how: How::Told, ever_established: true, result };
    assert_eq!(events.last(), Some(&Event::Ended(end)));
    assert_eq!(call.next_deadline(), None);
}

#[test]
fn another_id_is_not_used() {
    // The ids "p" and "P" are no GUIDs, so they differ; those of a GUID do not.
    assert_ne!(OperationId::parse("p"), OperationId::parse("P"));
}

#[test]
fn placing_to_the_end_without_an_answer() {
    let mut call = placed();
    let created = CallNews { id: Some(CallId::parse("x")), ..CallNews::of(State::Establishing) };
    assert_eq!(respond(&mut call, 1, Ticket::FIRST, 201, Body::Call(created)), [Event::Created]);
    told(&mut call, 2, State::Ringing);
    let events = deleted(
        &mut call,
        40,
        CallNews { result: Some(ResultInfo { code: 200, subcode: 5002 }), ..CallNews::of(State::Terminated) },
    );
    assert!(matches!(events.last(), Some(Event::Ended(End { ever_established: false, .. }))));
}

#[test]
fn news_before_the_answer_to_the_creation_tells_of_it() {
    let mut call = placed();
    let news_of = CallNews { id: Some(CallId::parse("x")), ..CallNews::of(State::Established) };
    assert_eq!(news(&mut call, 1, news_of).first(), Some(&Event::Created));
    assert_eq!(respond(&mut call, 2, Ticket::FIRST, 201, Body::Call(CallNews::of(State::Establishing))), []);
    assert_eq!((call.state(), call.id()), (State::Established, Some(CallId::parse("x"))));
}

#[test]
fn a_missing_permission_is_told_with_its_code_and_nothing_was_created() {
    let mut call = placed();
    let refused = Response { ticket: Ticket::FIRST, status: 403, code: 7504, body: Body::None };
    let events = answer_with(&mut call, 1, refused);
    assert!(matches!(
        events[0],
        Event::CommandFailed { status: 403, code: 7504, command: command::Kind::Create, .. }
    ));
    assert_eq!(call.end().map(|end| end.how), Some(How::NotCreated));

    let mut placement =
        Placement::new(CallKey::new(9), Uri::new("https://bot.example/9"), List::new(&USER[..1]));
    placement.grants = Grants::Known(permission::Permissions::NONE);
    placement.policy = Policy::Enforce;
    let refused = Small::place(at(0), &placement).unwrap_err();
    assert_eq!(refused.why, Why::PermissionMissing(Permission::InitiateAll));
}

#[test]
fn targets_at_below_and_above_the_limit() {
    let targets = [Identity::User("a"); 6];
    for (count, expected) in [
        (0, Err(Why::NoTarget)),
        (1, Ok(classification::Kind::PeerToPeer)),
        (5, Ok(classification::Kind::Group)),
    ] {
        let placement = Placement::new(CallKey::new(9), Uri::new("https://b"), List::new(&targets[..count]));
        let kind =
            Small::place(at(0), &placement).map(|(call, _)| call.kind()).map_err(|refused| refused.why);
        assert_eq!(kind, expected, "{count}");
    }
    let placement = Placement::new(CallKey::new(9), Uri::new("https://b"), List::new(&targets));
    assert_eq!(Small::place(at(0), &placement).unwrap_err().why, Why::TooManyTargets { limit: 5 });
}

#[test]
fn a_lost_creation_waits_for_news_and_is_never_repeated() {
    let mut call = placed();
    let lost = Report::NoResponse { ticket: Ticket::FIRST };
    let output = call.handle(at(30), Input::Report(lost)).unwrap();
    assert!(output.requests().is_empty());
    assert!(matches!(output.events(), [Event::OutcomeUnknown { command: command::Kind::Create, .. }]));
    drop(output);
    assert!(command_of(&mut call, 31, Command::HangUp).is_ok());
    let report = Report::Call { change: Change::Updated, news: CallNews::of(State::Establishing) };
    let output = call.handle(at(32), Input::Report(report)).unwrap();
    assert!(matches!(output.requests(), [Request::HangUp { .. }]), "{output:?}");
}

#[test]
fn a_lost_creation_of_which_nothing_is_heard_ends() {
    let mut call = placed();
    let _ = call.handle(at(30), Input::Report(Report::NoResponse { ticket: Ticket::FIRST })).unwrap();
    let due = call.next_deadline().unwrap();
    assert_eq!(due, Deadline { at: at(180), kind: deadline::Kind::Creation });
    let _ = call.handle(due.at, Input::Tick).unwrap();
    assert_eq!(call.end().map(|end| end.how), Some(How::Inferred));
}

#[test]
fn answer_limit_below_at_and_above() {
    for (secs, expected) in [(14, true), (15, false), (16, false)] {
        assert_eq!(answer(&mut offered(), secs).is_ok(), expected, "{secs}");
    }
    let mut call = offered();
    let output = call.handle(at(15), Input::Tick).unwrap();
    assert_eq!(output.events(), [Event::AnswerTimeout]);
    assert!(matches!(output.requests(), [Request::GetCall { .. }]));
    drop(output);
    let gone = Response { ticket: Ticket::FIRST, status: 404, code: 8522, body: Body::None };
    answer_with(&mut call, 16, gone);
    assert_eq!(call.end().map(|end| end.how), Some(How::Inferred));
}

#[test]
fn an_answer_refused_after_the_limit_is_too_late_for_another() {
    let mut call = offered();
    let ticket = answer(&mut call, 14).unwrap();
    let output = call.handle(at(15), Input::Tick).unwrap();
    assert_eq!(output.events(), [], "it may still have been taken");
    drop(output);
    let events = respond(&mut call, 16, ticket, 400, Body::None);
    assert!(matches!(events[..], [Event::CommandFailed { .. }, Event::AnswerTimeout]), "{events:?}");
    assert_eq!(answer(&mut call, 16), Err(Why::Settlement(Unsettled::TooLate)));
}

#[test]
fn reject_after_a_refused_answer_and_never_after_a_lost_one() {
    let mut call = offered();
    let first = answer(&mut call, 1).unwrap();
    assert_eq!(answer(&mut call, 1), Err(Why::Settlement(Unsettled::Answered)));
    let events = respond(&mut call, 2, first, 400, Body::None);
    assert!(matches!(events[..], [Event::CommandFailed { command: command::Kind::Answer, status: 400, .. }]));
    let second = answer(&mut call, 3).unwrap();
    let _ = call.handle(at(4), Input::Report(Report::NoResponse { ticket: second })).unwrap();
    let reject = Command::Reject { reason: command::RejectReason::Busy };
    assert_eq!(command_of(&mut call, 5, reject), Err(Why::Settlement(Unsettled::Answered)));
}

#[test]
fn hanging_up_an_unanswered_call_says_to_reject_it() {
    let mut call = offered();
    let refused = command_of(&mut call, 1, Command::HangUp).unwrap_err();
    assert_eq!(refused, Why::Lifecycle(lifecycle::Why::UseReject));
    assert_eq!(play(&mut call, 1), Err(Why::Lifecycle(lifecycle::Why::AnswerFirst)));
}

#[test]
fn out_of_order_established_first() {
    let mut call = offered();
    let ticket = answer(&mut call, 1).unwrap();
    told(&mut call, 2, State::Established);
    assert_eq!(told(&mut call, 3, State::Establishing), []);
    assert_eq!(respond(&mut call, 4, ticket, 202, Body::None), []);
    assert_eq!(call.state(), State::Established);
}

#[test]
fn keep_alive_every_fifteen_minutes_and_a_bare_404_is_asked_again() {
    let mut call = talking();
    let due = call.next_deadline().unwrap();
    assert_eq!(due, Deadline { at: at(900), kind: deadline::Kind::KeepAlive });
    let ticket = {
        let output = call.handle(due.at, Input::Tick).unwrap();
        let [Request::KeepAlive { ticket }] = output.requests() else { panic!("{output:?}") };
        *ticket
    };
    let output_requests = |call: &mut Small, secs, ticket, code| {
        let response = Response { ticket, status: 404, code, body: Body::None };
        let output = call.handle(at(secs), Input::Report(Report::Response(response))).unwrap();
        output.requests().iter().map(Request::ticket).collect::<Vec<_>>()
    };
    let asked = output_requests(&mut call, 901, ticket, 0);
    assert_eq!(asked.len(), 1, "a bare 404 is asked again");
    assert!(!call.state().is_ended());
    assert_eq!(output_requests(&mut call, 902, asked[0], 0).len(), 0);
    assert_eq!(call.end().map(|end| end.how), Some(How::Inferred));
    // News of it says otherwise: it is asked for, and comes back.
    let report = Report::Call { change: Change::Updated, news: CallNews::of(State::Established) };
    let output = call.handle(at(950), Input::Report(report)).unwrap();
    let [Request::GetCall { ticket }] = output.requests() else { panic!("{output:?}") };
    let ticket = *ticket;
    drop(output);
    let events = respond(&mut call, 951, ticket, 200, Body::Call(CallNews::of(State::Established)));
    assert_eq!(events[0], Event::Revived);
    assert_eq!(call.state(), State::Established);
    assert_eq!(call.next_deadline().map(|due| due.kind), Some(deadline::Kind::KeepAlive));
}

#[test]
fn an_answer_that_news_overtook_is_not_believed_and_asked_for_again() {
    let mut call = talking();
    let question = command_of(&mut call, 10, Command::Refresh).unwrap();
    told(&mut call, 11, State::Hold);
    assert_eq!(respond(&mut call, 12, question, 200, Body::Call(CallNews::of(State::Established))), []);
    assert_eq!(call.state(), State::Hold);
    assert_eq!(call.next_deadline(), Some(Deadline { at: at(20), kind: deadline::Kind::Ask }));
}

#[test]
fn what_is_held_does_not_leave_once_the_bot_hung_up() {
    let mut call = offered();
    answer(&mut call, 1).unwrap();
    play(&mut call, 1).unwrap();
    told(&mut call, 2, State::Established);
    let _ = command_of(&mut call, 3, Command::HangUp).unwrap();
    let report = Report::Call { change: Change::Updated, news: with_audio(State::Established) };
    assert!(call.handle(at(4), Input::Report(report)).unwrap().requests().is_empty());
    assert_eq!(play(&mut call, 5), Err(Why::HangingUp));
}

#[test]
fn held_prompts_leave_after_ten_seconds_without_word_of_audio() {
    let mut call = offered();
    answer(&mut call, 1).unwrap();
    play(&mut call, 1).unwrap();
    told(&mut call, 2, State::Established);
    let due = call.next_deadline().unwrap();
    assert_eq!(due, Deadline { at: at(12), kind: deadline::Kind::Media });
    let output = call.handle(due.at, Input::Tick).unwrap();
    assert!(matches!(output.requests(), [Request::Release { .. }]));
}

#[test]
fn operations_end_with_the_call_each_once() {
    let mut call = talking();
    let first = play(&mut call, 3).unwrap();
    play(&mut call, 3).unwrap();
    respond(&mut call, 3, first, 200, Body::Operation(operation("p", Status::Running)));
    let events = deleted(&mut call, 4, CallNews::NONE);
    let places = events.iter().find_map(|event| match event {
        Event::OperationsEnded { places } => Some(places.len()),
        _ => None,
    });
    assert_eq!(places, Some(2));
    assert_eq!(
        call.operations().of(first).map(operation::Operation::phase),
        Some(operation::Phase::Ended(Outcome::CallEnded))
    );
}

#[test]
fn a_refused_prompt_ends_with_status_and_code() {
    let mut call = talking();
    let ticket = play(&mut call, 3).unwrap();
    let refused = Response { ticket, status: 403, code: 7504, body: Body::None };
    let result = Some(ResultInfo { code: 403, subcode: 7504 });
    let expected = Event::OperationEnded {
        ticket,
        kind: operation::Kind::PlayPrompt,
        outcome: Outcome::Refused,
        result,
    };
    assert_eq!(answer_with(&mut call, 4, refused), [expected]);
}

#[test]
fn tones_are_told_once() {
    let mut call = talking();
    let tone = Some(ToneInfo { sequence: Sequence::new(6), tone: Tone::Tone1 });
    let pressed = CallNews { tone, ..CallNews::of(State::Established) };
    assert_eq!(news(&mut call, 5, pressed).len(), 1);
    assert_eq!(news(&mut call, 6, pressed).len(), 0);
}

#[test]
fn what_has_no_rule_is_named() {
    let mut call = talking();
    let output = call.handle(at(3), Input::Report(Report::ContentSharing(Change::Created))).unwrap();
    assert_eq!(output.verdict(), Verdict::NotUsed);
    assert_eq!(output.events(), [Event::NotUsed(crate::report::Topic::ContentSharing)]);
}

#[test]
fn three_in_a_roster_make_a_group() {
    let mut call = talking();
    let members = [1u8, 2, 3]
        .map(|n| Participant { id: Some(ParticipantId::from_bytes([n; 16])), presence: Presence::Present });
    let report = Report::Roster(RosterNews { extent: Extent::Full, participants: List::new(&members) });
    let output = call.handle(at(3), Input::Report(report)).unwrap();
    assert_eq!(output.events()[..2], [Event::KindChanged, Event::HostingChanged]);
}

/// Runs a story, with a tick at every deadline that passes.
fn run(mut call: Small, story: &[(u64, Act)]) -> Result<(Small, Timestamp), TestCaseError> {
    let mut now = at(0);
    let mut observer = Observer::new(&call, now);
    for (pause, act) in story {
        now = now.plus(Span::from_millis(*pause));
        observer.wait(&mut call, now).map_err(broken)?;
        let before = call.clone();
        act.with(&before, |input| observer.handle(&mut call, now, input)).map_err(broken)?;
        #[cfg(feature = "snapshot")]
        {
            let mut buffer = [0; Small::SNAPSHOT_LEN];
            let bytes = call.encode(&mut buffer).unwrap();
            prop_assert_eq!(Small::decode(bytes), Ok(call.clone()), "I11");
        }
        // A tick between deadlines does nothing.
        observer.handle(&mut call, now, Input::Tick).map_err(broken)?;
    }
    Ok((call, now))
}

fn broken(broken: crate::testing::Broken) -> TestCaseError {
    TestCaseError::fail(std::format!("{}: {}", broken.invariant, broken.seen))
}

/// What a call is, without what it does next.
fn facts(call: &Small) -> impl PartialEq + core::fmt::Debug + use<> {
    (call.state(), call.end(), call.was_ever_established(), call.classification(), call.audio(), call.id())
}

fn is_asking(call: &Small) -> bool {
    call.pending.outstanding.of(Exchange::GetCall).is_some()
        || call.deadlines.of(deadline::Kind::Ask).is_some()
}

/// What a service could say of one call, in order.
fn history() -> impl Strategy<Value = Vec<(Change, CallNews)>> {
    let middle = proptest::collection::vec(
        prop_oneof![
            Just(CallNews { audio: Some(Audio::Active), ..CallNews::of(State::Established) }),
            Just(CallNews { audio: Some(Audio::Inactive), ..CallNews::NONE }),
            Just(CallNews { coordinates: Coordinates::Both, ..CallNews::NONE }),
            Just(CallNews::of(State::Hold)),
            Just(CallNews::of(State::Established)),
            (0u64..30).prop_map(|n| CallNews {
                tone: Some(ToneInfo { sequence: Sequence::new(n), tone: Tone::Tone1 }),
                ..CallNews::of(State::Established)
            }),
        ],
        0..5,
    );
    (any::<bool>(), middle, 0u8..3).prop_map(|(rings, middle, ends)| {
        let mut all = vec![CallNews::of(State::Establishing)];
        all.extend(rings.then_some(CallNews::of(State::Ringing)));
        all.push(CallNews::of(State::Established));
        all.extend(middle);
        let mut all: Vec<_> = all.into_iter().map(|news| (Change::Updated, news)).collect();
        let result = Some(ResultInfo { code: 200, subcode: 5001 });
        if ends > 0 {
            all.push((Change::Updated, CallNews::of(State::Terminating)));
        }
        if ends > 1 {
            all.push((Change::Deleted, CallNews { result, ..CallNews::of(State::Terminated) }));
        }
        all
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 1500 } else { 20_000 }))]

    #[test]
    fn i1_to_i14_hold_for_an_incoming_call(story in acts(40)) {
        run(offered(), &story)?;
    }

    #[test]
    fn i1_to_i14_hold_for_an_outgoing_call(story in acts(40)) {
        run(placed(), &story)?;
    }

    #[test]
    fn i6_a_notification_delivered_twice_has_the_effect_of_one(story in acts(20), news in call_news(), change in proptest::sample::select(Change::ALL)) {
        let (mut once, now) = run(offered(), &story)?;
        let report = Input::Report(Report::Call { change, news });
        let _ = once.handle(now, report).unwrap();
        let mut twice = once.clone();
        let output = twice.handle(now, report).unwrap();
        prop_assert_eq!(output.events(), []);
        prop_assert_eq!(facts(&once), facts(&twice));
    }

    #[test]
    fn i6_another_order_leads_to_the_same_facts_or_asks(
        (history, shuffled) in history().prop_flat_map(|h| (Just(h.clone()), Just(h).prop_shuffle())),
    ) {
        let deliver = |order: &[(Change, CallNews)]| {
            let mut call = placed();
            let _ = respond(&mut call, 0, Ticket::FIRST, 201, Body::Call(CallNews::of(State::Establishing)));
            for (change, news) in order {
                let _ = call.handle(at(1), Input::Report(Report::Call { change: *change, news: *news })).unwrap();
            }
            call
        };
        let (in_order, other) = (deliver(&history), deliver(&shuffled));
        if other.state().is_ended() {
            prop_assert_eq!(in_order.end(), other.end());
        } else {
            prop_assert!(facts(&in_order) == facts(&other) || is_asking(&other), "{:?} {:?}", in_order, other);
        }
    }

    #[test]
    fn i9_one_question_brings_the_state_back_after_any_loss(history in history(), kept in proptest::collection::vec(any::<bool>(), 12)) {
        let mut call = placed();
        let _ = respond(&mut call, 0, Ticket::FIRST, 201, Body::Call(CallNews::of(State::Establishing)));
        for ((change, news), _) in history.iter().zip(&kept).filter(|(_, kept)| **kept) {
            let _ = call.handle(at(1), Input::Report(Report::Call { change: *change, news: *news })).unwrap();
        }
        let truth = history.iter().rev().find_map(|(_, news)| match news.state {
            Told::State(state) => Some(state),
            Told::Nothing | Told::Unrecognised => None,
        });
        if call.state().is_ended() {
            return Ok(());
        }
        // A question that is out is answered first.
        let ticket = match call.pending.outstanding.of(Exchange::GetCall) {
            Some(ticket) => {
                let _ = respond(&mut call, 2, ticket, 503, Body::None);
                command_of(&mut call, 3, Command::Refresh).unwrap()
            }
            None => command_of(&mut call, 3, Command::Refresh).unwrap(),
        };
        let _ = respond(&mut call, 4, ticket, 200, Body::Call(CallNews::of(truth.unwrap())));
        prop_assert_eq!(Some(call.state()), truth);
    }

    #[test]
    fn i10_time_that_jumps_breaks_nothing(story in acts(30), jumps in proptest::collection::vec(any::<u64>(), 30)) {
        let mut call = offered();
        for ((_, act), jump) in story.iter().zip(jumps) {
            let before = call.clone();
            let overflow = act.with(&before, |input| {
                call.handle(Timestamp::from_millis(jump), input).is_ok_and(|output| output.has_overflowed())
            });
            prop_assert!(!overflow);
        }
    }
}

#[cfg(feature = "snapshot")]
mod snapshots {
    use super::*;
    use crate::snapshot::SnapshotError;

    fn bytes_of(call: &Small) -> Vec<u8> {
        let mut buffer = [0; Small::SNAPSHOT_LEN];
        call.encode(&mut buffer).unwrap().to_vec()
    }

    #[test]
    fn golden_bytes_of_version_1_decode() {
        let mut call = talking();
        let ticket = play(&mut call, 3).unwrap();
        respond(&mut call, 3, ticket, 200, Body::Operation(operation("p", Status::Running)));
        let golden = include_bytes!("golden/version-1.bin");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(
                concat!(env!("CARGO_MANIFEST_DIR"), "/src/call/golden/version-1.bin"),
                bytes_of(&call),
            )
            .unwrap();
        }
        assert_eq!(Small::decode(golden), Ok(call));
    }

    #[test]
    fn what_is_no_snapshot_is_refused_by_name() {
        let good = bytes_of(&talking());
        assert_eq!(Small::decode(&[]), Err(SnapshotError::Empty));
        assert_eq!(Small::decode(&[9, 1, 2]), Err(SnapshotError::UnknownVersion { found: 9 }));
        let mut longer = good.clone();
        longer.push(0);
        assert_eq!(Small::decode(&longer), Err(SnapshotError::TrailingBytes));
        for cut in 1..good.len() {
            assert!(matches!(Small::decode(&good[..cut]), Err(SnapshotError::Malformed { .. })), "{cut}");
        }
        assert_eq!(talking().encode(&mut [0; 20]).map(<[u8]>::len), Err(SnapshotError::BufferTooSmall));
    }

    proptest! {
        #[test]
        fn i10_no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), story in acts(10)) {
            let mut bytes = bytes;
            bytes.insert(0, crate::snapshot::VERSION);
            if let Ok(call) = Small::decode(&bytes) {
                let mut call = call;
                for (_, act) in &story {
                    let before = call.clone();
                    act.with(&before, |input| { let _ = call.handle(at(1), input); });
                }
            }
        }

        #[test]
        fn i10_a_damaged_snapshot_never_makes_it_panic(story in acts(15), place in any::<prop::sample::Index>(), byte in any::<u8>(), then in acts(10)) {
            let (call, now) = run(offered(), &story)?;
            let mut bytes = bytes_of(&call);
            let place = place.index(bytes.len());
            bytes[place] = byte;
            if let Ok(mut call) = Small::decode(&bytes) {
                for (_, act) in &then {
                    let before = call.clone();
                    act.with(&before, |input| { let _ = call.handle(now, input); });
                }
            }
        }
    }
}
