//! Peer-to-peer calls that become conversations, or groups.

use super::*;

const ONE: [Invitee<'static>; 1] = [Invitee::new(USERS[0])];
const MERGED: [Invitee<'static>; 1] =
    [Invitee { replaces_call_id: Some("57dab8b1-894c-409a-b240-bd8beae78896"), ..ONE[0] }];

fn invite() -> Command<'static> {
    Command::Invite(List::new(&ONE))
}

/// The answer to an invitation says who will come.
fn taken(story: Story) -> Story {
    let news = OperationNews {
        id: Some(OperationId::parse("i")),
        invited: Some(participant("carla")),
        ..OperationNews::of(Status::Running)
    };
    story.says(Said::Answer(Action::Invite, 200, 0, Carried::Operation(news)))
}

fn is_a(kind: Kind, hosting: Hosting, call: &Small) {
    assert_eq!((call.kind(), call.classification().hosting()), (kind, hosting));
}

#[test]
fn an_invitation_makes_a_group() {
    // Graph docs, participant: invite; field reports: rosters begin with the invitation.
    let asked = talking().at(30).bot(invite()).asks(&[Action::Invite]).nothing();
    let call = taken(asked)
        .gives(&[Event::HostingChanged(HostingCause::InviteTaken)])
        .check(|call| is_a(Kind::PeerToPeer, Hosting::Conversation, call))
        .at(31)
        .roster(&[here("bot"), here("anna")])
        .gives(&[roster_changed(&[1, 2], &[])])
        .at(40)
        .finished("i", Status::Completed, None)
        .gives(&[ended(Action::Invite, Outcome::Completed), Event::KindChanged(Reason::InviteCompleted)])
        .roster(&[here("bot"), here("anna"), here("carla")])
        .in_every_way();
    is_a(Kind::Group, Hosting::Conversation, &call);
    assert_eq!(call.roster().count(), 3);
}

#[test]
fn an_invitation_is_declined() {
    // Field reports: the call stays in meeting mode, where a transfer is refused.
    let restricted = Event::Restricted { action: Action::Transfer, restriction: Restriction::MeetingMode };
    let call = taken(talking().at(30).bot(invite()))
        .at(55)
        .finished("i", Status::Failed, result(480, 10076))
        .gives(&[Event::HostingChanged(HostingCause::InviteTaken), ended(Action::Invite, Outcome::Failed)])
        .at(60)
        .bot(transfer())
        .gives(&[restricted])
        .refusal(Action::Transfer, 400, 8523)
        .but_lost(&[Fact::Transfer])
        .in_every_way();
    is_a(Kind::PeerToPeer, Hosting::Conversation, &call);
    assert_eq!(call.roster().members().count(), 0, "who was invited did not come");
}

#[test]
fn an_invitation_that_is_refused_changes_nothing() {
    let call = talking()
        .at(30)
        .bot(invite())
        .refusal(Action::Invite, 403, 7504)
        .gives(&[ended(Action::Invite, Outcome::Refused)])
        .in_order();
    is_a(Kind::PeerToPeer, Hosting::Direct, &call);
}

#[test]
fn a_roster_comes_before_the_answer_to_the_invitation() {
    let asked = talking()
        .at(30)
        .bot(invite())
        .roster(&[here("bot")])
        .gives(&[Event::HostingChanged(HostingCause::Roster), roster_changed(&[0], &[])]);
    let call = taken(asked)
        .nothing()
        .roster(&[here("bot"), here("anna"), here("carla")])
        .gives(&[Event::KindChanged(Reason::ThreeParticipants), roster_changed(&[1, 2], &[])])
        .at(40)
        .finished("i", Status::Completed, None)
        .gives(&[ended(Action::Invite, Outcome::Completed)])
        .in_every_way();
    is_a(Kind::Group, Hosting::Conversation, &call);
}

#[test]
fn an_invitation_completes_and_no_roster_ever_comes() {
    // Field reports, with and without a recorded user.
    let call = taken(talking().at(30).bot(invite()))
        .at(40)
        .finished("i", Status::Completed, None)
        .at(50)
        .roster_is(&[here("bot"), here("anna"), here("carla")])
        .bot(Command::Mute)
        .operation(Action::Mute, "m", Status::Completed)
        .but_lost(&[Fact::Roster]) // nobody asked for it
        .in_every_way();
    is_a(Kind::Group, Hosting::Conversation, &call);
    assert_eq!(call.classification().reason(), Reason::InviteCompleted);
}

#[test]
fn an_invitation_that_nobody_answers_is_asked_for() {
    // Field reports: it fails after about a minute.
    taken(talking().at(30).bot(invite())).at(90).finished("i", Status::Failed, result(408, 0)).in_every_way();
    let call =
        taken(talking().at(30).bot(invite())).at(95).asks(&[Action::Invite, Action::GetOperation]).tell();
    assert_eq!(call.operations().rows().next().map(Operation::phase), Some(Phase::Running));
}

#[test]
fn an_invitation_is_withdrawn() {
    let call = taken(talking().at(30).bot(invite()))
        .check(|call| {
            let invited = call.roster().of(participant("carla")).map(Member::presence);
            assert_eq!(invited, Some(Presence::Invited));
        })
        .at(35)
        .bot(Command::RemoveParticipant(participant("carla")))
        .response(Action::RemoveParticipant, 204)
        .gives(&[
            Event::HostingChanged(HostingCause::InviteTaken),
            ended(Action::RemoveParticipant, Outcome::Completed),
        ])
        .at(36)
        .finished("i", Status::Failed, None)
        .gives(&[ended(Action::Invite, Outcome::Failed)])
        .in_every_way();
    assert_eq!(call.roster().of(participant("carla")), None);
}

#[test]
fn regression_an_invitation_that_failed_before_its_answer_was_taken() {
    let call = talking()
        .at(30)
        .bot(invite())
        .at(31)
        .finished_by_context(Action::Invite, Status::Failed)
        .gives(&[ended(Action::Invite, Outcome::Failed), Event::HostingChanged(HostingCause::InviteTaken)])
        .at(32);
    is_a(Kind::PeerToPeer, Hosting::Conversation, &taken(call).nothing().in_order());
}

#[test]
fn one_invitation_at_a_time() {
    let both = [ONE[0], ONE[0]];
    let several = Command::Invite(List::new(&both));
    let call = talking().at(30).bot(invite()).refused(invite(), Why::Busy(Action::Invite)).tell();
    let before = call.clone();
    let mut call = call;
    assert!(call.handle(at(31), Input::Command(&several)).is_err());
    assert_eq!(call, before);
    taken(talking().at(30).bot(invite())).bot(invite()).asks(&[Action::Invite, Action::Invite]).tell();
}

#[test]
fn the_other_side_adds_somebody() {
    let call = talking()
        .at(30)
        .roster(&[here("bot"), here("anna"), here("ben")])
        .gives(&[
            Event::KindChanged(Reason::ThreeParticipants),
            Event::HostingChanged(HostingCause::Roster),
            roster_changed(&[0, 1, 2], &[]),
        ])
        .but_lost(&[Fact::Roster, Fact::Kind, Fact::Hosting]) // a call without a sign of one has no roster
        .in_every_way();
    is_a(Kind::Group, Hosting::Conversation, &call);
}

#[test]
fn a_bot_without_a_permission_for_groups_is_warned_and_dropped() {
    // Teams docs, calls and meetings bots overview.
    let call = incoming()
        .with(|setup| setup.grants = Grants::Known(Permissions::of(&[Permission::AccessMediaAll])))
        .at(1)
        .bot(answer())
        .at(2)
        .told(State::Established)
        .check(|call| {
            let missing = permission_advice(call);
            assert_eq!(missing, Some(permission::GROUP));
        })
        .at(30)
        .deleted(result(200, 5300))
        .but_lost(&[Fact::EverEstablished]) // one word of it, and the end
        .in_every_way();
    assert_eq!(call.end().map(|end| end.by), Some(By::OtherParticipant));
    let granted = incoming()
        .with(|setup| setup.grants = Grants::Known(Permissions::of(&[Permission::JoinGroupCallAll])))
        .at(1)
        .bot(answer())
        .at(2)
        .told(State::Established)
        .gives(&[Event::Offered, moved(State::Incoming, State::Established), Event::Established]);
    granted.in_every_way();
}

fn permission_advice(call: &Small) -> Option<Permissions> {
    permission::would_be_dropped(&call.knowledge()).map(Missing::any_of)
}

#[test]
fn two_calls_are_merged() {
    // Graph docs, participant: invite (replacesCallId): the old call ends once he is in this one.
    let merged = Command::Invite(List::new(&MERGED));
    let with_anna = taken(talking().at(30).bot(merged))
        .at(33)
        .finished("i", Status::Completed, None)
        .roster(&[here("bot"), here("anna"), here("carla")])
        .in_every_way();
    is_a(Kind::Group, Hosting::Conversation, &with_anna);
    let with_carla = called()
        .at(33)
        .told(State::Terminating)
        .deleted(None)
        .gives(&[
            moved(State::Established, State::Terminating),
            moved(State::Terminating, State::Terminated),
            over(By::Unknown, None),
        ])
        .in_every_way();
    is_a(Kind::PeerToPeer, Hosting::Direct, &with_carla);
}

#[test]
fn a_captured_call_of_two_becomes_a_conversation_and_no_group() {
    // Field capture.
    let with = |coordinates| CallNews { coordinates, ..CallNews::of(State::Established) };
    let call = talking()
        .at(5)
        .news(with(Coordinates::Chat))
        .gives(&[Event::HostingChanged(HostingCause::Coordinates)])
        .at(6)
        .news(with(Coordinates::Both))
        .nothing()
        .roster(&[here("anna"), here("bot")])
        .gives(&[roster_changed(&[0, 1], &[])])
        .bot(Command::Mute)
        .operation(Action::Mute, "m", Status::Completed)
        .in_every_way();
    is_a(Kind::PeerToPeer, Hosting::Conversation, &call);
    // Its chat is known now, so that several may be invited at once.
    let both = [ONE[0], ONE[0]];
    let mut call = call;
    assert!(call.handle(at(400), Input::Command(&Command::Invite(List::new(&both)))).is_ok());
}
