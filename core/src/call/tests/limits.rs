//! Every limit of a page, and every reason of a refusal, through the whole machine: a refused command changes nothing.

use std::string::ToString;
use std::vec::Vec;

use super::*;

const INVITEES: [Invitee<'static>; 6] = [Invitee::new(USERS[0]); 6];
const MERGED: [Invitee<'static>; 2] = [Invitee { replaces_call_id: Some("a"), ..INVITEES[0] }, INVITEES[0]];
const RECEIVERS: [ParticipantId; 3] = [ParticipantId::from_bytes([7; 16]); 3];
const TONES: [Tone; 40] = [Tone::Star; 40];

/// What the call says of a command, which changes nothing where it is refused.
fn tried(call: &Small, command: &Command<'_>) -> Result<(), Why> {
    let mut after = call.clone();
    let result = after.handle(at(14), Input::Command(command)).map(drop);
    if let Err(refused) = result {
        assert_eq!(after, *call, "{command:?}");
        assert_eq!(refused.state, call.state());
        return Err(refused.why);
    }
    assert_ne!(after, *call, "{command:?}");
    Ok(())
}

fn breach(limit: Limit, found: u16) -> Result<(), Why> {
    Err(Why::Limit(Breach { limit, found }))
}

/// Tries a command with each number around a limit.
fn around<'a>(call: &Small, limit: Limit, numbers: &[(usize, bool)], command: impl Fn(usize) -> Command<'a>) {
    for (number, fits) in numbers {
        let expected = if *fits { Ok(()) } else { breach(limit, u16::try_from(*number).unwrap()) };
        assert_eq!(tried(call, &command(*number)), expected, "{number} {limit}");
    }
}

fn invite(count: usize) -> Command<'static> {
    Command::Invite(List::new(INVITEES.split_at(count).0))
}

fn meeting() -> Small {
    joined().tell()
}

#[test]
fn a_redirect_has_1_to_25_targets_and_rings_for_15_to_90_seconds() {
    // Graph docs, call: redirect.
    let call = incoming().tell();
    let targets = [(0, false), (1, true), (2, true), (25, true), (26, false)];
    around(&call, Limit::RedirectTargets, &targets, |count| {
        Command::Redirect(Redirect::to(List::new(USERS.split_at(count).0)))
    });
    let seconds = [(0, false), (14, false), (15, true), (90, true), (91, false), (255, false)];
    around(&call, Limit::RedirectTimeoutSeconds, &seconds, |seconds| {
        let timeout = u8::try_from(seconds).ok();
        Command::Redirect(Redirect { timeout, ..Redirect::to(List::new(&USERS[..2])) })
    });
}

#[test]
fn a_redirect_is_waited_for_as_long_as_it_may_ring() {
    for (timeout, secs) in [(Some(15), 15 + 15), (Some(90), 90 + 15), (None, 60 + 15)] {
        let command = Command::Redirect(Redirect { timeout, ..Redirect::to(List::new(&USERS[..2])) });
        let call = incoming().at(1).bot(command).response(Action::Redirect, 202).tell();
        let expected = Deadline { at: at(1 + secs), kind: deadline::Kind::News };
        assert_eq!(call.next_deadline(), Some(expected), "{timeout:?}");
    }
}

#[test]
fn up_to_20_prompts_are_played_at_once() {
    // Graph docs, call: playPrompt.
    let counts = [(0, false), (1, true), (20, true), (21, false)];
    around(&talking().tell(), Limit::Prompts, &counts, |count| Command::PlayPrompt {
        prompts: List::new(PROMPTS.split_at(count).0),
        repeat: Repeat::Once,
    });
}

#[test]
fn a_recording_waits_and_lasts_1_to_120_seconds() {
    // Graph docs, call: record.
    let call = talking().tell();
    let seconds = [(0, false), (1, true), (120, true), (121, false)];
    let of = |seconds: usize| u8::try_from(seconds).ok();
    let usual = Record::after(Some(PROMPTS[0]));
    around(&call, Limit::InitialSilenceSeconds, &seconds, |seconds| {
        Command::Record(Record { initial_silence: of(seconds), ..usual })
    });
    around(&call, Limit::MaxSilenceSeconds, &seconds, |seconds| {
        Command::Record(Record { max_silence: of(seconds), ..usual })
    });
    around(&call, Limit::RecordSeconds, &seconds, |seconds| {
        Command::Record(Record { max_duration: of(seconds), ..usual })
    });
    assert_eq!(tried(&call, &Command::Record(usual)), Ok(()));
}

#[test]
fn at_least_one_tone_is_sent() {
    let counts = [(0, false), (1, true), (40, true)];
    around(&talking().tell(), Limit::Tones, &counts, |count| Command::SendDtmf {
        tones: List::new(TONES.split_at(count).0),
        delay: None,
    });
}

#[test]
fn up_to_5_are_invited_at_once_and_several_only_where_the_chat_is_known() {
    // Graph docs, participant: invite.
    let counts = [(0, false), (1, true), (2, true), (5, true), (6, false)];
    around(&meeting(), Limit::Invitees, &counts, invite);
    assert_eq!(tried(&talking().tell(), &invite(1)), Ok(()));
    assert_eq!(tried(&talking().tell(), &invite(2)), Err(Why::Restricted(Restriction::ConversationOnly)));
    // A group call that the bot made by its targets has no chat.
    let group = placed(to_users(2)).created(State::Establishing).at(1).told(State::Established).tell();
    assert_eq!(tried(&group, &invite(1)), Ok(()));
    assert_eq!(tried(&group, &invite(2)), Err(Why::Restricted(Restriction::ChatNeeded)));
    let told = CallNews { coordinates: Coordinates::Chat, ..CallNews::NONE };
    let group = placed(to_users(2)).created(State::Established).at(1).news(told).tell();
    assert_eq!(tried(&group, &invite(2)), Ok(()));
    // Only one is invited out of another call.
    assert_eq!(tried(&meeting(), &Command::Invite(List::new(&MERGED))), Err(Why::ReplacesOne));
    assert_eq!(tried(&meeting(), &Command::Invite(List::new(&MERGED[..1]))), Ok(()));
}

#[test]
fn audio_is_routed_to_one_or_to_many() {
    // Graph docs, audioRoutingGroup.
    let group = |mode, count: usize| AudioRoutingGroup {
        mode,
        source: participant("anna"),
        receivers: List::new(RECEIVERS.split_at(count).0),
    };
    let one = [(0, false), (1, true), (2, false)];
    let many = [(0, false), (1, true), (3, true)];
    for (mode, limit, counts) in [
        (RoutingMode::OneToOne, Limit::OneToOneReceivers, one),
        (RoutingMode::Multicast, Limit::MulticastReceivers, many),
    ] {
        around(&meeting(), limit, &counts, |count| Command::CreateAudioRoutingGroup(group(mode, count)));
        around(&meeting(), limit, &counts, |count| Command::UpdateAudioRoutingGroup {
            id: "g",
            group: group(mode, count),
        });
    }
}

#[test]
fn a_call_is_placed_to_1_to_5_targets() {
    // Graph docs, application: post calls.
    for (count, expected) in [
        (0, Err(Why::Limit(Breach { limit: Limit::PlaceTargets, found: 0 }))),
        (1, Ok(classification::Kind::PeerToPeer)),
        (2, Ok(classification::Kind::Group)),
        (5, Ok(classification::Kind::Group)),
        (6, Err(Why::Limit(Breach { limit: Limit::PlaceTargets, found: 6 }))),
    ] {
        let placement = to_users(count);
        let kind = Small::place(at(0), setup(), &placement).map(|(call, _)| call.kind());
        assert_eq!(kind.map_err(|refused| refused.why), expected, "{count}");
    }
}

#[test]
fn a_phone_needs_an_application_instance_and_a_guest_only_joins() {
    // Graph docs, application: post calls.
    let phone = [Identity::User("anna"), Identity::Phone(Secret::new("+12345678901"))];
    let guest = Source::Guest { id: "g", display_name: "The bot" };
    let instance = Source::ApplicationInstance("3d913abb-aec0-4964-8fa6-3c6850c4f278");
    let place = |placement: Placement<'_>| {
        // What is in the place of the call stays there where it is refused.
        let mut call = talking().tell();
        let before = call.clone();
        let result = call.begin_placed(at(0), setup(), &placement).map(drop);
        assert_eq!(call == before, result.is_err());
        result.map_err(|refused| refused.why)
    };
    for source in [Source::Bot, Source::Application("a")] {
        let placement = Placement { source, ..Placement::to_targets(CALLBACK, List::new(&phone)) };
        assert_eq!(place(placement), Err(Why::PhoneNeedsInstance));
        assert_eq!(place(Placement { source, ..to_users(1) }), Ok(()));
    }
    assert_eq!(
        place(Placement { source: instance, ..Placement::to_targets(CALLBACK, List::new(&phone)) }),
        Ok(())
    );
    assert_eq!(place(Placement { source: guest, ..to_users(1) }), Err(Why::GuestNeedsMeeting));
    assert_eq!(place(Placement { source: guest, ..Placement::into_meeting(CALLBACK, MEETING) }), Ok(()));
}

/// A command, a call that refuses it, and one that takes it, where any does.
struct Refusal {
    why: Why,
    refuses: Small,
    command: Command<'static>,
    takes: Option<Small>,
}

fn refusal(why: Why, command: Command<'static>, refuses: &Story, takes: &Story) -> Refusal {
    Refusal { why, refuses: refuses.tell(), command, takes: Some(takes.tell()) }
}

fn hold(name: &str) -> Command<'static> {
    Command::StartHoldMusic { participant: participant(name), prompt: None }
}

fn of_state() -> Vec<Refusal> {
    use lifecycle::Why::{AnswerFirst, Ended, InTransfer, Leaving, NotEstablished, NotIncoming, UseReject};

    let over = talking().at(4).deleted(None);
    let leaving = talking().at(4).told(State::Terminating);
    let answered = incoming().at(1).bot(answer());
    let ringing = outgoing().created(State::Ringing);
    let in_transfer = talking().at(4).bot(transfer()).response(Action::Transfer, 202);
    let transferring = in_transfer.clone().told(State::Transferring);
    [
        (Ended, Command::Refresh, &over, talking()),
        (Ended, Command::Mute, &over, joined()),
        (Ended, answer(), &over, incoming()),
        (NotIncoming, answer(), &talking(), incoming()),
        (UseReject, Command::HangUp, &incoming(), answered.clone()),
        (AnswerFirst, transfer(), &answered, talking()),
        (Leaving, transfer(), &leaving, talking()),
        (NotEstablished, transfer(), &ringing, called()),
        (InTransfer, transfer(), &in_transfer, talking()),
        (InTransfer, transfer(), &transferring, called()),
    ]
    .map(|(why, command, refuses, takes)| refusal(Why::Lifecycle(why), command, refuses, &takes))
    .into()
}

fn of_settlements() -> Vec<Refusal> {
    let redirect = Command::Redirect(Redirect::to(List::new(&USERS[..1])));
    [
        (Unsettled::Answered, reject(), incoming().at(1).bot(answer())),
        (Unsettled::Rejected, answer(), incoming().at(1).bot(reject())),
        (Unsettled::Redirected, answer(), incoming().at(1).bot(redirect)),
        (Unsettled::TooLate, redirect, incoming().at(15)),
    ]
    .map(|(why, command, refuses)| refusal(Why::Settlement(why), command, &refuses, &incoming()))
    .into()
}

/// A call that a recording policy brought, established.
fn recorder() -> Story {
    let recorder = Offer { coordinates: Coordinates::Meeting, recording: PolicyRecording::Yes, ..offer() };
    offered(recorder).at(1).bot(answer()).at(2).told(State::Established)
}

/// A conversation whose media the bot hosts.
fn app_hosted() -> Story {
    let media = MediaConfig::AppHosted(Secret::new("blob"));
    let answer = Command::Answer(Answer { media, ..Answer::new(CALLBACK) });
    incoming().at(1).bot(answer).at(2).audio(Audio::Active).roster(&[here("bot"), here("anna")])
}

fn of_kinds_of_calls() -> Vec<Refusal> {
    let targets = placed(to_users(2)).created(State::Established);
    let held = joined().at(4).bot(hold("anna")).operation(Action::StartHoldMusic, "h", Status::Running);
    let role = Command::ChangeScreenSharingRole(ScreenSharingRole::Sharer);
    let report = Command::UpdateRecordingStatus(RecordingStatus::Recording);
    [
        (Restriction::ConversationOnly, Command::Mute, talking(), joined()),
        (Restriction::ChatNeeded, invite(2), targets, joined()),
        (Restriction::TransfereeNeeded, transfer(), joined(), talking()),
        (Restriction::ServiceHostedMedia, play(), app_hosted(), talking()),
        (Restriction::AppHostedMedia, role, joined(), app_hosted()),
        (Restriction::PolicyRecordingOnly, report, joined(), recorder()),
        (Restriction::OneOnHold, hold("ben"), held, joined()),
    ]
    .map(|(why, command, refuses, takes)| refusal(Why::Restricted(why), command, &refuses, &takes))
    .into()
}

fn of_what_is_pending() -> Vec<Refusal> {
    let accept = Command::AnswerJoining(JoiningAnswer::Accept);
    let muted = joined().at(4).bot(Command::Mute);
    let transferred = talking().at(4).bot(transfer());
    let hung_up = talking().at(4).bot(Command::HangUp);
    let two = talking().at(4).bot(play()).bot(play());
    let full = two.clone().bot(play());
    [
        (Why::Busy(Action::Mute), Command::Mute, muted.clone(), joined()),
        (Why::Busy(Action::Unmute), Command::Unmute, muted, joined()),
        (Why::Busy(Action::Transfer), transfer(), transferred, talking()),
        (Why::NotCreatedYet, Command::KeepAlive, outgoing(), outgoing().created(State::Establishing)),
        (Why::HangingUp, play(), hung_up.clone(), talking()),
        (Why::HangingUp, Command::HangUp, hung_up, talking()),
        (Why::OperationsFull { places: 3 }, play(), full, two),
        (Why::NobodyJoining, accept, recorder(), recorder().at(3).says(Said::Joining)),
    ]
    .map(|(why, command, refuses, takes)| refusal(why, command, &refuses, &takes))
    .into()
}

fn of_what_is_carried() -> Vec<Refusal> {
    let none = Command::UpdateRecordingStatus(RecordingStatus::Unrecognised);
    let merged = Command::Invite(List::new(&MERGED));
    let limit = Why::Limit(Breach { limit: Limit::Invitees, found: 6 });
    let unknown = Command::SendDtmf { tones: List::new(&[Tone::Unrecognised]), delay: None };
    let flash = Command::Record(Record { stop_tones: List::new(&[Tone::Flash]), ..Record::after(None) });
    [
        (Why::ReplacesOne, merged, joined()),
        (Why::NoStatus, none, recorder()),
        (Why::NoTone, unknown, talking()),
        (Why::NoTone, flash, talking()),
        (limit, invite(6), joined()),
    ]
    .map(|(why, command, refuses)| Refusal { why, refuses: refuses.tell(), command, takes: None })
    .into()
}

fn refusals() -> Vec<Refusal> {
    [of_state(), of_settlements(), of_kinds_of_calls(), of_what_is_pending(), of_what_is_carried()]
        .into_iter()
        .flatten()
        .collect()
}

#[test]
fn i10_a_refused_command_changes_nothing_and_its_twin_is_taken() {
    for Refusal { why, refuses, command, takes } in refusals() {
        assert_eq!(tried(&refuses, &command), Err(why), "{command:?}");
        if let Some(takes) = takes {
            assert_eq!(tried(&takes, &command), Ok(()), "{why}: {command:?}");
        }
    }
}

#[test]
fn every_reason_of_a_refusal_is_tried() {
    let tried: Vec<_> = refusals().iter().map(|refusal| refusal.why).collect();
    // No command creates a call that exists, and no call that is not incoming waits to be settled.
    for why in lifecycle::Why::ALL.iter().filter(|why| **why != lifecycle::Why::Exists) {
        assert!(tried.contains(&Why::Lifecycle(*why)), "{why}");
    }
    for why in Unsettled::ALL.iter().filter(|why| **why != Unsettled::NotIncoming) {
        assert!(tried.contains(&Why::Settlement(*why)), "{why}");
    }
    let documented = |one: &&Restriction| one.certainty() == Certainty::Documented;
    for why in Restriction::ALL.iter().filter(documented) {
        assert!(tried.contains(&Why::Restricted(*why)), "{why}");
    }
    // A match, so that a new reason breaks the build until somebody has thought of it.
    let number = |why: &Why| match why {
        Why::Lifecycle(_) => 0,
        Why::Settlement(_) => 1,
        Why::Restricted(_) => 2,
        Why::Limit(_) => 3,
        Why::Busy(_) => 4,
        Why::NotCreatedYet => 5,
        Why::HangingUp => 6,
        Why::OperationsFull { .. } => 7,
        Why::ReplacesOne => 8,
        Why::NobodyJoining => 9,
        Why::NoStatus => 10,
        Why::NoTone => 11,
        // Of a placement, and of permissions: tried above, and in `permissions`.
        Why::PhoneNeedsInstance | Why::GuestNeedsMeeting | Why::PermissionMissing(_) => 12,
    };
    let mut numbers: Vec<_> = tried.iter().map(number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers, (0..12).collect::<Vec<_>>());
}

#[test]
fn a_refusal_says_what_and_when_and_the_way_out() {
    for Refusal { refuses, command, .. } in refusals() {
        let mut call = refuses;
        let refused = call.handle(at(14), Input::Command(&command)).unwrap_err();
        let (text, why) = (refused.to_string(), refused.why.to_string());
        assert!(
            text.starts_with(&std::format!("cannot {} while {}: ", refused.action, refused.state)),
            "{text}"
        );
        assert!(why.contains([';', ':']), "{why}: and what to do?");
        assert!(!why.ends_with('.') && !why.starts_with(char::is_uppercase), "{why}");
    }
}

#[test]
fn an_embedder_switches_a_restriction_off_by_name() {
    let with = |names| talking().with(|setup| setup.overrides = Overrides::parse(names).unwrap()).tell();
    assert_eq!(tried(&with(""), &Command::Mute), Err(Why::Restricted(Restriction::ConversationOnly)));
    assert_eq!(tried(&with("conversationOnly"), &Command::Mute), Ok(()));
    assert_eq!(
        tried(&with("chatNeeded"), &Command::Mute),
        Err(Why::Restricted(Restriction::ConversationOnly))
    );
    assert_eq!(tried(&with("conversationOnly chatNeeded"), &invite(2)), Ok(()));
    assert_eq!(tried(&with("conversationOnly"), &invite(2)), Err(Why::Restricted(Restriction::ChatNeeded)));
}

#[test]
fn what_no_page_forbids_before_and_after_a_conversation_leaves() {
    let in_states = || [incoming().at(1), joined().at(4).told(State::Terminating)];
    for story in in_states() {
        let call = story.begun().bot(play()).nothing().asks(&[]).tell();
        let phases: std::vec::Vec<_> = call.operations().rows().map(Operation::phase).collect();
        assert_eq!(phases, [Phase::Held], "it waits for audio");
    }
    let advice = Event::Restricted { action: Action::Invite, restriction: Restriction::Established };
    for story in in_states() {
        story.begun().bot(invite(1)).gives(&[advice]).asks(&[Action::Invite]).tell();
    }
    // What waits ends with the call.
    let over = incoming().at(1).begun().bot(play()).at(2).deleted(None);
    let call = over.tell();
    let phases: std::vec::Vec<_> = call.operations().rows().map(Operation::phase).collect();
    assert_eq!(phases, [Phase::Ended(Outcome::CallEnded)]);
}

#[test]
fn what_is_likely_refused_leaves_with_advice() {
    for (story, command, restriction) in [
        (talking(), Command::AddLargeGalleryView, Restriction::ConversationLikely),
        (talking(), hold("anna"), Restriction::ConversationLikely),
        (talking(), Command::RemoveParticipant(participant("anna")), Restriction::ConversationLikely),
        (outgoing().created(State::Ringing), invite(1), Restriction::Established),
        (talking().roster(&[here("bot"), here("anna")]), transfer(), Restriction::MeetingMode),
    ] {
        let action = command.action();
        let story = story.begun().bot(command);
        story.clone().gives(&[Event::Restricted { action, restriction }]).asks(&[action]).tell();
        let silent = story.with(|setup| setup.overrides = Overrides::of(&[restriction]));
        // That the call is not established is the lifecycle's to say, and no restriction of a kind of calls.
        if restriction != Restriction::Established {
            silent.nothing().asks(&[action]).tell();
        }
    }
}
