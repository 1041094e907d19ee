//! Calls that the bot places, and meetings that it joins.

use super::*;

#[test]
fn an_outgoing_call_is_answered() {
    outgoing()
        .asks(&[Action::Place])
        .nothing()
        .created(State::Establishing)
        .gives(&[Event::Created])
        .at(1)
        .told(State::Establishing)
        .nothing()
        .told(State::Ringing)
        .gives(&[moved(State::Establishing, State::Ringing)])
        .at(9)
        .told(State::Established)
        .gives(&[moved(State::Ringing, State::Established), Event::Established])
        .at(10)
        .audio(Audio::Active)
        .gives(&[Event::MediaChanged { audio: Audio::Active }])
        .at(60)
        .told(State::Terminating)
        .deleted(result(200, 4521))
        .gives(&[
            moved(State::Established, State::Terminating),
            moved(State::Terminating, State::Terminated),
            over(By::OtherParticipant, result(200, 4521)),
        ])
        .asks(&[])
        .in_every_way();
}

#[test]
fn an_outgoing_call_that_nobody_picks_up_ends_as_a_finished_one_does() {
    // Field capture: straight from establishing, with 200/5002.
    outgoing()
        .created(State::Establishing)
        .at(1)
        .told(State::Establishing)
        .at(41)
        .deleted(result(200, 5002))
        .gives(&[
            Event::Created,
            moved(State::Establishing, State::Terminated),
            Event::Ended(never_established(By::Unknown, result(200, 5002))),
        ])
        .asks(&[Action::Place])
        .in_every_way();
    let finished = called().at(41).deleted(result(200, 5002)).in_every_way();
    assert_eq!(finished.end().map(|end| (end.ever_established, end.result)), Some((true, result(200, 5002))));
}

#[test]
fn a_callee_without_endpoints_is_told_by_the_result() {
    // Graph docs, call: delete.
    outgoing()
        .created(State::Establishing)
        .at(2)
        .told(State::Terminating)
        .deleted(result(480, 10037))
        .gives(&[
            Event::Created,
            moved(State::Establishing, State::Terminating),
            moved(State::Terminating, State::Terminated),
            Event::Ended(never_established(By::Service, result(480, 10037))),
        ])
        .in_every_way();
}

#[test]
fn the_bots_own_ring_timer_hangs_up() {
    outgoing()
        .with(|setup| setup.timers = setup.timers.with(Timer::Ring, Span::from_secs(20)).unwrap())
        .created(State::Establishing)
        .at(1)
        .told(State::Ringing)
        .at(19)
        .gives(&[Event::Created, moved(State::Establishing, State::Ringing)])
        // Shortly before, it asks whether somebody picked up.
        .asks(&[Action::Place, Action::Refresh])
        .at(20)
        .gives(&[Event::NoAnswer])
        .asks(&[Action::HangUp])
        .response(Action::HangUp, 204)
        .nothing()
        .at(21)
        .deleted(result(200, 7000))
        .gives(&[
            moved(State::Ringing, State::Terminated),
            Event::Ended(never_established(By::Bot, result(200, 7000))),
        ])
        .in_every_way();
}

#[test]
fn the_ring_timer_hangs_up_again_while_it_rings_on() {
    outgoing()
        .created(State::Ringing)
        .at(115)
        .gives(&[Event::Created, moved(State::Establishing, State::Ringing), Event::NoAnswer])
        .says(Said::NoAnswer(Action::HangUp))
        .gives(&[unknown(Action::HangUp)])
        .asks(&[Action::Place, Action::Refresh, Action::HangUp, Action::Refresh])
        .at(130)
        .asks(&[Action::HangUp])
        .nothing()
        .in_order();
}

#[test]
fn whoever_picks_up_in_time_is_not_hung_up() {
    let call = outgoing()
        .created(State::Establishing)
        .at(114)
        .told(State::Established)
        .at(200)
        .asks(&[Action::Place, Action::Refresh])
        .in_every_way();
    assert_eq!(call.state(), State::Established);
}

#[test]
fn regression_a_call_whose_established_was_lost_is_not_hung_up_by_the_ring_timer() {
    let call = outgoing()
        .created(State::Establishing)
        .at(20)
        .found(State::Established)
        .at(115)
        .gives(&[Event::Created, moved(State::Establishing, State::Established), Event::Established])
        .asks(&[Action::Place, Action::Refresh])
        .in_order();
    assert_eq!((call.state(), call.pending.hanging_up), (State::Established, HangingUp::No));
}

#[test]
fn a_call_that_the_bot_may_not_place_ends_before_it_began() {
    outgoing()
        .at(1)
        .refusal(Action::Place, 403, 7504)
        .gives(&[
            failed(Action::Place, 403, 7504),
            moved(State::Establishing, State::Terminated),
            Event::Ended(End { how: How::NotCreated, ..never_established(By::Service, None) }),
        ])
        .asks(&[Action::Place])
        .check(|call| {
            let advice = call.knowledge().lacking().iter().collect::<std::vec::Vec<_>>();
            assert_eq!(advice, [Permission::InitiateAll]);
        })
        // Without the refusal the call waits for news that never comes: see `lost_answers`.
        .in_order();
}

#[test]
fn news_of_a_call_may_come_before_its_201() {
    let news = CallNews { id: Some(CallId::parse(CALL)), ..CallNews::of(State::Established) };
    let call = outgoing()
        .at(1)
        .news(news)
        .gives(&[Event::Created, moved(State::Establishing, State::Established), Event::Established])
        .at(2)
        .created(State::Establishing)
        .nothing()
        .asks(&[Action::Place])
        .check(|call| assert!(call.is_own(participant("bot"))))
        .in_order();
    assert_eq!((call.state(), call.id()), (State::Established, Some(CallId::parse(CALL))));
    // The refusal of another try of the same request takes nothing back.
    outgoing().at(1).news(news).refusal(Action::Place, 409, 0).in_order();
}

#[test]
fn a_hang_up_waits_until_the_call_is_created() {
    outgoing()
        .at(1)
        .bot(Command::HangUp)
        .asks(&[Action::Place])
        .refused(Command::HangUp, Why::HangingUp)
        .at(2)
        .created(State::Establishing)
        .asks(&[Action::HangUp])
        .gives(&[Event::Created])
        .told(State::Establishing)
        .response(Action::HangUp, 204)
        .at(3)
        .told(State::Terminating)
        .deleted(result(200, 7000))
        .in_every_way();
}

#[test]
fn what_asks_of_the_call_waits_until_it_is_created() {
    let call = outgoing()
        .refused(Command::KeepAlive, Why::NotCreatedYet)
        .refused(Command::Refresh, Why::NotCreatedYet)
        .refused(Command::Mute, Why::NotCreatedYet)
        .refused(transfer(), Why::Lifecycle(lifecycle::Why::NotEstablished))
        .created(State::Establishing)
        .told(State::Establishing)
        .bot(Command::KeepAlive)
        .in_every_way();
    assert_eq!(call.state(), State::Establishing);
}

#[test]
fn a_meeting_is_joined_and_its_rosters_come() {
    let coordinates = CallNews { coordinates: Coordinates::Both, ..CallNews::of(State::Establishing) };
    let call = placed(Placement::into_meeting(CALLBACK, MEETING))
        .asks(&[Action::Join])
        .created(State::Establishing)
        .at(1)
        .news(coordinates)
        .news(CallNews { coordinates: Coordinates::Both, ..CallNews::of(State::Established) })
        .gives(&[Event::Created, moved(State::Establishing, State::Established), Event::Established])
        .roster(&[here("bot")])
        .gives(&[roster_changed(&[0], &[])])
        .at(2)
        .audio(Audio::Active)
        .gives(&[Event::MediaChanged { audio: Audio::Active }])
        .at(3)
        .roster(&[here("bot"), here("anna"), here("ben")])
        .gives(&[roster_changed(&[1, 2], &[])])
        .check(|call| assert!(!call.is_alone()))
        .asks(&[])
        .in_every_way();
    assert_eq!(call.kind(), classification::Kind::Group);
    assert_eq!(call.roster().count(), 3);
}

#[test]
fn a_guest_waits_in_the_lobby_and_is_admitted() {
    let source = Source::Guest { id: "d7a3b999-17ac-4bca-9e77-e6a730d2ec2e", display_name: "The bot" };
    let call = placed(Placement { source, ..Placement::into_meeting(CALLBACK, MEETING) })
        .asks(&[Action::JoinAsGuest])
        .created(State::Establishing)
        .at(1)
        .told(State::Established)
        .roster(&[in_lobby("bot")])
        .gives(&[
            Event::Created,
            moved(State::Establishing, State::Established),
            Event::Established,
            roster_changed(&[0], &[]),
        ])
        .check(|call| assert!(call.is_in_lobby() && !call.is_alone()))
        .at(60)
        .roster(&[here("bot"), here("anna")])
        .gives(&[roster_changed(&[1], &[]), roster_updated(&[0])])
        .check(|call| assert!(!call.is_in_lobby()))
        .in_every_way();
    assert_eq!(call.roster().of(participant("bot")).map(Member::presence), Some(Presence::Present));
}

#[test]
fn regression_a_roster_tells_that_the_call_was_created() {
    let call = placed(Placement::into_meeting(CALLBACK, MEETING))
        .says(Said::NoAnswer(Action::Join))
        .gives(&[unknown(Action::Join)])
        .at(1)
        .roster(&[in_lobby("bot")])
        .gives(&[Event::Created, roster_changed(&[0], &[])])
        .at(179)
        .asks(&[Action::Join])
        .at(181)
        .asks(&[Action::Refresh])
        .nothing()
        .in_order();
    assert_eq!(call.state(), State::Establishing, "it waits in the lobby");
}

#[test]
fn a_guest_whom_nobody_admits_is_removed() {
    // Graph docs, call: delete: the lobby's inactivity limit.
    let source = Source::Guest { id: "d7a3b999-17ac-4bca-9e77-e6a730d2ec2e", display_name: "The bot" };
    let call = placed(Placement { source, ..Placement::into_meeting(CALLBACK, MEETING) })
        .created(State::Establishing)
        .at(1)
        .roster(&[in_lobby("bot")])
        .at(500)
        .deleted(result(200, 5855))
        .in_every_way();
    assert_eq!(call.end(), Some(never_established(By::Service, result(200, 5855))));
}

#[test]
fn several_targets_are_a_group_before_anybody_picks_up() {
    let call = placed(to_users(2))
        .asks(&[Action::PlaceGroup])
        .check(|call| assert_eq!(call.kind(), classification::Kind::Group))
        .created(State::Establishing)
        .at(5)
        .told(State::Established)
        .audio(Audio::Active)
        .roster(&[here("bot"), here("anna")])
        .at(30)
        .told(State::Terminating)
        .deleted(result(200, 5010))
        .in_every_way();
    assert_eq!(call.end().map(|end| end.by), Some(By::Service), "only one participant remained");
}

#[test]
fn regression_a_hang_up_that_waits_for_the_creation_leaves_with_whatever_tells_of_it() {
    outgoing()
        .at(1)
        .bot(Command::HangUp)
        .asks(&[Action::Place])
        .roster(&[here("bot"), here("anna")])
        .asks(&[Action::HangUp])
        .tell();
}

#[test]
fn voice_mail_takes_the_call() {
    let taken = CallNews {
        answered_by: Some(Answerer::VoiceMail),
        routing: Some(Routing::Forwarded),
        ..CallNews::of(State::Established)
    };
    outgoing()
        .created(State::Establishing)
        .at(20)
        .news(taken)
        .gives(&[
            Event::Created,
            moved(State::Establishing, State::Established),
            Event::Established,
            Event::Reached { by: Some(Answerer::VoiceMail), routing: Some(Routing::Forwarded) },
        ])
        .in_every_way();
}

#[test]
fn a_forward_may_be_told_before_who_answered() {
    let forwarded = CallNews { routing: Some(Routing::Forwarded), ..CallNews::of(State::Ringing) };
    let answered = CallNews { answered_by: Some(Answerer::User), ..CallNews::of(State::Established) };
    outgoing()
        .created(State::Establishing)
        .at(1)
        .news(forwarded)
        .gives(&[
            Event::Created,
            moved(State::Establishing, State::Ringing),
            Event::Reached { by: None, routing: Some(Routing::Forwarded) },
        ])
        .at(5)
        .news(answered)
        .gives(&[
            moved(State::Ringing, State::Established),
            Event::Established,
            Event::Reached { by: Some(Answerer::User), routing: Some(Routing::Forwarded) },
        ])
        .in_every_way();
}

#[test]
fn a_phone_is_called_as_an_application_instance() {
    const PHONE: [Identity<'static>; 1] = [Identity::Phone(Secret::new("+12345678901"))];
    let placement = Placement::to_targets(CALLBACK, List::new(&PHONE));
    let refused = Small::place(at(0), setup(), &placement).unwrap_err();
    assert_eq!(refused.why, Why::PhoneNeedsInstance);
    let source = Source::ApplicationInstance("3d913abb-aec0-4964-8fa6-3c6850c4f278");
    let call = placed(Placement { source, ..placement })
        .created(State::Establishing)
        .at(3)
        .told(State::Established)
        .audio(Audio::Active)
        .at(9)
        .told(State::Terminating)
        .deleted(result(200, 540_000))
        .in_every_way();
    assert_eq!(call.end().map(|end| end.by), Some(By::OtherParticipant));
}

#[test]
fn a_guest_only_joins() {
    let source = Source::Guest { id: "d7a3b999-17ac-4bca-9e77-e6a730d2ec2e", display_name: "The bot" };
    let refused = Small::place(at(0), setup(), &Placement { source, ..to_users(1) }).unwrap_err();
    assert_eq!((refused.why, refused.state), (Why::GuestNeedsMeeting, State::Establishing));
}

#[test]
fn a_hang_up_of_a_call_that_is_not_created_after_all_is_over_with_it() {
    outgoing()
        .at(1)
        .bot(Command::HangUp)
        .refusal(Action::Place, 403, 7504)
        .gives(&[
            failed(Action::Place, 403, 7504),
            moved(State::Establishing, State::Terminated),
            Event::Ended(End { how: How::NotCreated, ..never_established(By::Service, None) }),
        ])
        .asks(&[Action::Place])
        .in_order();
}

#[test]
fn somebody_picks_up_in_the_moment_in_which_the_bot_gives_up() {
    let call = outgoing()
        .created(State::Ringing)
        .at(115)
        .begun()
        .told(State::Established)
        .gives(&[moved(State::Ringing, State::Established), Event::Established])
        .response(Action::HangUp, 204)
        .at(116)
        .deleted(result(200, 7000))
        // A later 201 would let it ring for longer.
        .in_order();
    assert!(call.end().is_some_and(|end| end.by == By::Bot));
}
