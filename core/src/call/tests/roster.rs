//! Who is in the call: full rosters, deltas, rosters that are short or too large, and what is done to participants.

use super::*;

fn presence(call: &Small, name: &str) -> Option<Presence> {
    call.roster().of(participant(name)).map(Member::presence)
}

#[test]
fn a_participant_is_removed() {
    // Graph docs, participant: delete; `removedState` says so.
    joined()
        .at(4)
        .roster(&[here("bot"), here("anna"), here("ben")])
        .gives(&[roster_changed(&[0, 1, 2], &[])])
        .at(9)
        .bot(Command::RemoveParticipant(participant("ben")))
        .response(Action::RemoveParticipant, 204)
        .gives(&[ended(Action::RemoveParticipant, Outcome::Completed)])
        .at(10)
        .roster(&[here("bot"), here("anna"), gone("ben")])
        .gives(&[roster_changed(&[], &[2])])
        .asks(&[Action::RemoveParticipant])
        .in_every_way();
}

#[test]
fn a_participant_who_is_not_there_says_nothing_of_the_call() {
    joined()
        .at(9)
        .bot(Command::RemoveParticipant(participant("ben")))
        .refusal(Action::RemoveParticipant, 404, 0)
        .gives(&[ended(Action::RemoveParticipant, Outcome::Refused)])
        .asks(&[Action::RemoveParticipant])
        .tell();
}

#[test]
fn absent_is_not_left_until_the_list_says_so() {
    let mut call = joined().at(4).roster(&[here("bot"), here("anna"), here("ben")]).tell();
    let members = [here("bot"), here("anna")];
    let short = Report::Roster(RosterNews { extent: Extent::Full, participants: List::new(&members) });
    let output = call.handle(at(5), Input::Report(&short)).unwrap();
    assert_eq!(output.events(), [roster_updated(&[2])]);
    let asked = output.requests().next().unwrap();
    assert_eq!(asked.action(), Some(Action::ListParticipants));
    assert_eq!(presence(&call, "ben"), Some(Presence::Unconfirmed));
    assert!(!call.is_alone());
    let list = Body::Roster(RosterNews { extent: Extent::Full, participants: List::new(&members) });
    let response = Report::Response(Response { ticket: asked.ticket(), status: 200, code: 0, body: list });
    let output = call.handle(at(6), Input::Report(&response)).unwrap();
    assert_eq!(output.events(), [roster_changed(&[], &[2])]);
    assert_eq!(presence(&call, "ben"), Some(Presence::Left), "readable until the next input");
}

#[test]
fn an_embedder_may_trust_rosters() {
    joined()
        .with(|setup| setup.trust = Trust::Snapshots)
        .at(4)
        .roster(&[here("bot"), here("anna"), here("ben")])
        .at(5)
        .roster(&[here("bot"), here("anna")])
        .gives(&[roster_changed(&[0, 1, 2], &[]), roster_changed(&[], &[2])])
        .asks(&[])
        .tell();
}

#[test]
fn a_short_roster_is_no_roster_of_those_who_left() {
    // Graph docs, participant: mute: its example lists only the one concerned.
    let muted = Participant { mute: Some(Mute::On), ..here("anna") };
    let call = joined()
        .at(4)
        .roster(&[here("bot"), here("anna"), here("ben")])
        .at(9)
        .bot(Command::MuteParticipant(participant("anna")))
        .operation(Action::MuteParticipant, "m", Status::Completed)
        .roster_is(&[here("bot"), muted, here("ben")])
        .says_late(Said::Roster(Extent::Full, std::vec![muted]))
        .gives(&[
            roster_changed(&[0, 1, 2], &[]),
            ended(Action::MuteParticipant, Outcome::Completed),
            roster_updated(&[0, 1, 2]),
            roster_updated(&[0, 2]),
        ])
        .asks(&[Action::MuteParticipant, Action::ListParticipants])
        .telling_again()
        .in_every_way();
    assert_eq!(call.roster().count(), 3);
    assert_eq!(call.roster().of(participant("anna")).and_then(Member::mute), Some(Mute::On));
}

#[test]
fn deltas_add_change_and_remove() {
    // Graph docs, deltaParticipants.
    let call = joined()
        .at(4)
        .delta(1, &[here("bot"), here("anna")])
        .gives(&[roster_changed(&[0, 1], &[])])
        .at(5)
        .delta(2, &[here("ben")])
        .gives(&[roster_changed(&[2], &[])])
        .at(9)
        .delta(3, &[gone("anna")])
        .gives(&[roster_changed(&[], &[1])])
        .asks(&[])
        .in_every_way();
    assert_eq!(call.roster().count(), 2);
}

#[test]
fn a_gap_between_deltas_is_asked_about() {
    joined()
        .at(4)
        .delta(4, &[here("bot"), here("anna")])
        .asks(&[])
        .at(9)
        .roster_is(&[here("bot"), here("anna"), here("ben")])
        .delta(6, &[here("carla")])
        .gives(&[roster_changed(&[0, 1], &[]), roster_changed(&[2], &[]), roster_changed(&[3], &[])])
        .asks(&[Action::ListParticipants])
        .says_late(Said::Roster(Extent::Delta(Sequence::new(5)), std::vec![here("ben")]))
        .nothing()
        .in_every_way();
}

#[test]
fn regression_a_delta_that_a_newer_one_overtook_is_asked_about() {
    let call = joined()
        .at(4)
        .delta(2, &[here("anna")])
        .gives(&[roster_changed(&[0], &[])])
        .asks(&[])
        .at(5)
        .roster_is(&[here("bot"), here("anna")])
        .says_late(Said::Roster(Extent::Delta(Sequence::new(1)), std::vec![here("bot")]))
        .asks(&[Action::ListParticipants])
        .gives(&[roster_changed(&[1], &[])])
        .says_late(Said::Roster(Extent::Delta(Sequence::new(2)), std::vec![here("anna")]))
        .nothing()
        .asks(&[])
        .in_order();
    assert_eq!(call.roster().count(), 2);
}

#[test]
fn a_delta_of_two_makes_a_group_with_one_who_is_known() {
    let call = talking()
        .at(4)
        .delta(1, &[here("bot")])
        .at(5)
        .delta(2, &[here("anna"), here("ben")])
        .but_lost(&[Fact::Roster, Fact::Kind, Fact::Hosting]) // nothing else says that there is a roster
        .in_every_way();
    assert_eq!(call.kind(), Kind::Group);
}

#[test]
fn a_roster_larger_than_the_table_is_counted() {
    let six = [here("bot"), here("anna"), here("ben"), here("carla"), here("dora"), here("emil")];
    let call = joined()
        .at(4)
        .roster(&six)
        .gives(&[roster_changed(&[0, 1, 2, 3], &[]), Event::RosterFull { unnamed: 2 }])
        .at(9)
        .roster(&six)
        .nothing()
        .in_every_way();
    assert_eq!((call.roster().count(), call.roster().unnamed()), (6, 2));
    assert!(!call.is_alone());
    // One leaves: whom there is a place for now is in the list.
    let call = joined()
        .at(4)
        .roster(&six)
        .at(12)
        .roster(&[six[0], six[1], six[2], gone("carla"), six[4], six[5]])
        .asks(&[Action::ListParticipants])
        .in_order();
    assert_eq!((call.roster().count(), call.roster().unnamed()), (5, 1));
}

#[test]
fn a_large_roster_makes_a_group_in_a_small_table() {
    let mut call = Call::<2, 1>::offered(at(0), setup(), offer()).0;
    let members = [here("bot"), here("anna"), here("ben")];
    let roster = Report::Roster(RosterNews { extent: Extent::Full, participants: List::new(&members) });
    let _ = call.handle(at(1), Input::Report(&roster)).unwrap();
    assert_eq!((call.kind(), call.roster().unnamed()), (Kind::Group, 1));
}

#[test]
fn participants_without_an_id_are_counted() {
    // Graph docs, participant: examples have `id: null`.
    let nameless = Participant { id: None, ..here("") };
    let call = joined().at(4).roster(&[here("bot"), nameless, nameless]).in_every_way();
    assert_eq!((call.roster().count(), call.roster().unnamed()), (3, 2));
    assert!(!call.is_alone());
}

#[test]
fn the_large_gallery_view_is_nobody() {
    // Graph docs, call: addLargeGalleryView.
    let view = Participant::new(Some(participant("view")), Presence::GalleryView);
    let call = joined()
        .at(4)
        .roster(&[here("bot"), here("anna")])
        .bot(Command::AddLargeGalleryView)
        .operation(Action::AddLargeGalleryView, "g", Status::Running)
        .at(6)
        .finished("g", Status::Completed, None)
        .roster(&[here("bot"), here("anna"), view])
        .gives(&[
            roster_changed(&[0, 1], &[]),
            ended(Action::AddLargeGalleryView, Outcome::Completed),
            roster_changed(&[2], &[]),
        ])
        .in_every_way();
    assert_eq!(call.roster().count(), 2);
}

#[test]
fn two_endpoints_of_one_user_are_two() {
    let call =
        joined().at(4).roster(&[here("bot"), here("anna's desk"), here("anna's phone")]).in_every_way();
    assert_eq!(call.roster().count(), 3);
}

#[test]
fn the_bot_is_alone_once_everybody_else_is_known_to_have_left() {
    // Field report: a meeting that its organizer ended gave the bot a roster, and no end.
    let call = joined()
        .at(4)
        .roster(&[here("bot"), here("anna")])
        .check(|call| assert!(!call.is_alone()))
        .at(600)
        .roster(&[here("bot")])
        .asks(&[Action::ListParticipants])
        .gives(&[roster_changed(&[0, 1], &[]), roster_updated(&[1]), roster_changed(&[], &[1])])
        .check(|call| assert!(call.is_alone()))
        .gone(8522)
        .at(900)
        .in_every_way();
    assert_eq!(call.end().map(|end| end.how), Some(How::Inferred), "its keepAlive found no call");
}

#[test]
fn hold_music_plays_for_one_at_a_time() {
    // Graph docs, participant: startHoldMusic.
    let hold = |name: &str| Command::StartHoldMusic { participant: participant(name), prompt: None };
    joined()
        .at(4)
        .roster(&[here("bot"), here("anna"), here("ben")])
        .begun()
        .bot(hold("anna"))
        .refused(hold("anna"), Why::Busy(Action::StartHoldMusic))
        .operation(Action::StartHoldMusic, "h", Status::Running)
        .refused(hold("ben"), Why::Restricted(Restriction::OneOnHold))
        .at(20)
        .bot(Command::StopHoldMusic(participant("anna")))
        .operation(Action::StopHoldMusic, "s", Status::Completed)
        .gives(&[ended(Action::StopHoldMusic, Outcome::Completed)])
        .finished("h", Status::Completed, None)
        .gives(&[ended(Action::StartHoldMusic, Outcome::Completed)])
        .bot(hold("ben"))
        .asks(&[Action::StartHoldMusic, Action::StopHoldMusic, Action::StartHoldMusic])
        .tell();
    // Who is on hold and leaves, is not.
    joined()
        .at(4)
        .roster(&[here("bot"), here("anna"), here("ben")])
        .bot(hold("anna"))
        .operation(Action::StartHoldMusic, "h", Status::Running)
        .at(9)
        .roster(&[here("bot"), gone("anna"), here("ben")])
        .bot(hold("ben"))
        .tell();
    // Nor is he whose music failed.
    joined()
        .at(4)
        .roster(&[here("bot"), here("anna"), here("ben")])
        .bot(hold("anna"))
        .operation(Action::StartHoldMusic, "h", Status::Running)
        .finished("h", Status::Failed, None)
        .bot(hold("ben"))
        .tell();
}

#[test]
fn regression_music_that_ends_late_is_not_that_which_plays_since() {
    let hold = |name: &str| Command::StartHoldMusic { participant: participant(name), prompt: None };
    joined()
        .at(4)
        .roster(&[here("bot"), here("anna"), here("ben")])
        .bot(hold("anna"))
        .operation(Action::StartHoldMusic, "h", Status::Running)
        .at(20)
        .bot(Command::StopHoldMusic(participant("anna")))
        .operation(Action::StopHoldMusic, "s", Status::Completed)
        .bot(hold("ben"))
        .operation(Action::StartHoldMusic, "i", Status::Running)
        .finished("h", Status::Failed, None)
        .refused(hold("anna"), Why::Restricted(Restriction::OneOnHold))
        .tell();
}

#[test]
fn regression_whose_music_could_not_be_stopped_is_not_known_to_be_on_hold() {
    let hold = |name: &str| Command::StartHoldMusic { participant: participant(name), prompt: None };
    joined()
        .at(4)
        .roster(&[here("bot"), here("anna"), here("ben")])
        .bot(hold("anna"))
        .operation(Action::StartHoldMusic, "h", Status::Completed)
        .at(20)
        .bot(Command::StopHoldMusic(participant("anna")))
        .refusal(Action::StopHoldMusic, 400, 0)
        .bot(hold("ben"))
        .tell();
}

#[test]
fn what_a_roster_says_of_a_participant_is_kept() {
    let anna = Participant {
        mute: Some(Mute::On),
        hold: Some(Hold::On),
        recording: Some(RecordingStatus::Recording),
        screen: Some(ScreenSharingRole::Sharer),
        ..here("anna")
    };
    let call = joined()
        .at(4)
        .roster(&[here("bot"), here("anna")])
        .at(5)
        .roster(&[here("bot"), anna])
        .gives(&[roster_changed(&[0, 1], &[]), roster_updated(&[1])])
        .in_every_way_but(&[Fact::Roster]); // nothing tells which of two words of him is the newer
    let member = call.roster().of(participant("anna")).unwrap();
    assert_eq!((member.mute(), member.hold()), (Some(Mute::On), Some(Hold::On)));
    assert_eq!(member.screen(), Some(ScreenSharingRole::Sharer));
    assert_eq!(member.recording(), Some(RecordingStatus::Recording));
}

#[test]
fn what_is_older_by_its_own_number_changes_nothing() {
    // Graph docs, participant (rosterSequenceNumber).
    let anna = |mute, number| Participant {
        mute: Some(mute),
        sequence: Some(Sequence::new(number)),
        ..here("anna")
    };
    let call = joined()
        .at(4)
        .roster(&[here("bot"), anna(Mute::Off, 1)])
        .at(5)
        .roster(&[here("bot"), anna(Mute::On, 2)])
        .in_every_way();
    assert_eq!(call.roster().of(participant("anna")).and_then(Member::mute), Some(Mute::On));
}

#[test]
fn the_bot_mutes_itself_and_others() {
    joined()
        .at(4)
        .bot(Command::Mute)
        .refused(Command::Unmute, Why::Busy(Action::Unmute))
        .operation(Action::Mute, "m", Status::Completed)
        .bot(Command::Unmute)
        .operation(Action::Unmute, "u", Status::Completed)
        .gives(&[ended(Action::Mute, Outcome::Completed), ended(Action::Unmute, Outcome::Completed)])
        .in_every_way();
    let refused = Why::Restricted(Restriction::ConversationOnly);
    talking()
        .at(4)
        .refused(Command::Mute, refused)
        .refused(Command::Unmute, refused)
        .refused(Command::MuteParticipant(participant("anna")), refused)
        .in_every_way();
}

#[test]
fn audio_is_routed_in_groups() {
    let receivers = std::boxed::Box::leak(std::boxed::Box::new([participant("ben")]));
    let group = AudioRoutingGroup {
        mode: RoutingMode::OneToOne,
        source: participant("anna"),
        receivers: List::new(receivers),
    };
    joined()
        .at(4)
        .bot(Command::CreateAudioRoutingGroup(group))
        .response(Action::CreateAudioRoutingGroup, 200)
        .bot(Command::UpdateAudioRoutingGroup { id: "g", group })
        .response(Action::UpdateAudioRoutingGroup, 200)
        .bot(Command::DeleteAudioRoutingGroup { id: "g" })
        .response(Action::DeleteAudioRoutingGroup, 204)
        .gives(&[
            ended(Action::CreateAudioRoutingGroup, Outcome::Completed),
            ended(Action::UpdateAudioRoutingGroup, Outcome::Completed),
            ended(Action::DeleteAudioRoutingGroup, Outcome::Completed),
        ])
        .in_every_way();
}

#[test]
fn an_empty_list_says_nothing() {
    // Field report: a peer-to-peer call.
    let mut call = joined().at(4).roster(&[here("bot"), here("anna")]).tell();
    let refresh = Command::Refresh;
    let output = call.handle(at(5), Input::Command(&refresh)).unwrap();
    let list = output.requests().find(|request| request.action() == Some(Action::ListParticipants)).unwrap();
    let nobody = Body::Roster(RosterNews { extent: Extent::Full, participants: List::new(&[]) });
    let response = Report::Response(Response { ticket: list.ticket(), status: 200, code: 0, body: nobody });
    let output = call.handle(at(6), Input::Report(&response)).unwrap();
    assert_eq!((output.verdict(), output.events()), (Verdict::Repeat, &[][..]));
    assert_eq!(call.roster().count(), 2);
}

#[test]
fn a_direct_call_is_not_asked_for_its_participants() {
    talking().at(4).bot(Command::Refresh).asks(&[Action::Refresh]).in_every_way();
}
