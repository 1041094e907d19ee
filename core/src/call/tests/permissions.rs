//! Permissions through the whole machine: what refuses, what advises, and what the service's answers teach.

use std::string::ToString;
use std::vec::Vec;

use super::*;

const INVITEES: [Invitee<'static>; 2] = [Invitee::new(USERS[0]); 2];
const RECEIVERS: [ParticipantId; 1] = [ParticipantId::from_bytes([7; 16])];
const TONES: [Tone; 1] = [Tone::Pound];

fn with(grants: Grants, policy: Policy) -> impl Fn(Story) -> Story {
    move |story| {
        story.with(|setup| {
            setup.grants = grants;
            setup.policy = policy;
        })
    }
}

const NONE: Grants = Grants::Known(Permissions::NONE);

fn recorder() -> Story {
    offered(Offer { coordinates: Coordinates::Meeting, recording: PolicyRecording::Yes, ..offer() })
}

/// Every command that a page clearly makes depend on a permission: on a call that it is for, and what is missing where
/// the app has none.
///
/// Expected: Graph docs, the page of each command.
fn gated() -> Vec<(Story, Command<'static>, &'static str)> {
    let redirect = Command::Redirect(Redirect::to(List::new(&USERS[..1])));
    let hosted = Answer { media: MediaConfig::AppHosted(Secret::new("blob")), ..Answer::new(CALLBACK) };
    let one = Command::Invite(List::new(&INVITEES[..1]));
    let several = Command::Invite(List::new(&INVITEES));
    let tones = Command::SendDtmf { tones: List::new(&TONES), delay: None };
    let group = AudioRoutingGroup {
        mode: RoutingMode::OneToOne,
        source: participant("anna"),
        receivers: List::new(&RECEIVERS),
    };
    let invitation = offered(Offer { coordinates: Coordinates::Both, ..offer() });
    let hosted_meeting = incoming()
        .bot(Command::Answer(Answer { ..hosted }))
        .told(State::Established)
        .roster(&[here("bot"), here("anna")]);
    let recording = recorder().told(State::Established);
    let join = "Calls.JoinGroupCall.All or Calls.JoinGroupCallAsGuest.All";
    let gallery = "Calls.InitiateGroupCall.All or Calls.JoinGroupCall.All or Calls.JoinGroupCallAsGuest.All";
    let routing = "Calls.InitiateGroupCall.All or Calls.JoinGroupCall.All";
    Vec::from([
        (incoming(), Command::Answer(hosted), "Calls.AccessMedia.All"),
        (invitation, answer(), join),
        (recorder(), answer(), "Calls.JoinGroupCall.All, and Calls.AccessMedia.All"),
        (incoming(), redirect, "Calls.Initiate.All"),
        (talking(), transfer(), "Calls.Initiate.All"),
        (talking(), record(), "Calls.AccessMedia.All"),
        (talking(), Command::SubscribeToTone, "Calls.AccessMedia.All"),
        (talking(), tones, "Calls.AccessMedia.All"),
        (talking(), one, "Calls.InitiateGroupCall.All"),
        (meeting(), several, "Calls.InitiateGroupCall.All"),
        (
            recording,
            Command::UpdateRecordingStatus(RecordingStatus::Recording),
            "Calls.JoinGroupCall.All or Calls.AccessMedia.All",
        ),
        (
            hosted_meeting,
            Command::ChangeScreenSharingRole(ScreenSharingRole::Sharer),
            "Calls.AccessMedia.All",
        ),
        (meeting(), Command::AddLargeGalleryView, gallery),
        (meeting(), Command::CreateAudioRoutingGroup(group), routing),
        (meeting(), Command::UpdateAudioRoutingGroup { id: "g", group }, routing),
        (meeting(), Command::DeleteAudioRoutingGroup { id: "g" }, routing),
    ])
}

/// A group call with a chat, into which the bot was invited without being asked for a permission here.
fn meeting() -> Story {
    offered(Offer { coordinates: Coordinates::Both, ..offer() }).told(State::Established)
}

/// Commands that never need a permission of their own: they were checked when the call was made, or need none.
fn free() -> Vec<(Story, Command<'static>)> {
    Vec::from([
        (incoming(), answer()),
        (incoming(), reject()),
        (talking(), Command::HangUp),
        (talking(), Command::KeepAlive),
        (talking(), Command::Refresh),
        (talking(), play()),
        (talking(), Command::CancelMediaProcessing),
        (meeting(), Command::Mute),
        (meeting(), Command::Unmute),
    ])
}

/// The missing permissions that a command is refused for, or advised on.
fn verdict(call: &Small, command: &Command<'_>) -> (Option<Missing>, Option<Missing>) {
    let mut after = call.clone();
    match after.handle(at(4), Input::Command(command)) {
        Err(Refused { why: Why::PermissionMissing(missing), .. }) => {
            assert_eq!(after, *call);
            (Some(missing), None)
        }
        Err(refused) => panic!("{refused}"),
        Ok(output) => {
            let advice = output.events().iter().find_map(|event| match event {
                Event::PermissionMissing { missing, .. } => Some(*missing),
                _ => None,
            });
            (None, advice)
        }
    }
}

/// The call as the story made it, with these grants and this policy from here on.
fn call_with(story: &Story, grants: Grants, policy: Policy) -> Small {
    let mut call = story.tell();
    call.facts.knowledge = Knowledge::new(grants);
    call.facts.policy = policy;
    call
}

#[test]
fn what_is_known_to_be_missing_refuses_under_enforce_and_advises_under_advise() {
    for (story, command, words) in gated() {
        let (refused, advised) = verdict(&call_with(&story, NONE, Policy::Enforce), &command);
        assert_eq!(refused.map(|missing| missing.to_string()).as_deref(), Some(words), "{command:?}");
        assert_eq!(advised, None);
        let (refused, advised) = verdict(&call_with(&story, NONE, Policy::Advise), &command);
        assert_eq!(advised.map(|missing| missing.to_string()).as_deref(), Some(words), "{command:?}");
        assert_eq!(refused, None);
        for (grants, policy) in [
            (NONE, Policy::Off),
            (Grants::Unknown, Policy::Enforce),
            (Grants::Known(Permissions::ALL), Policy::Enforce),
        ] {
            assert_eq!(verdict(&call_with(&story, grants, policy), &command), (None, None), "{command:?}");
        }
    }
}

#[test]
fn regression_an_answer_with_media_of_its_own_needs_access_to_media() {
    // Graph docs, call: answer (appHostedMediaConfig).
    let hosted = Answer { media: MediaConfig::AppHosted(Secret::new("blob")), ..Answer::new(CALLBACK) };
    let call = call_with(&incoming(), NONE, Policy::Enforce);
    let (refused, _) = verdict(&call, &Command::Answer(hosted));
    assert_eq!(refused.map(Missing::first), Some(Permission::AccessMediaAll));
    assert_eq!(verdict(&call, &answer()), (None, None));
}

#[test]
fn what_needs_no_permission_leaves_without_any() {
    for (story, command) in free() {
        assert_eq!(verdict(&call_with(&story, NONE, Policy::Enforce), &command), (None, None), "{command:?}");
    }
}

#[test]
fn where_sources_differ_the_command_leaves_with_advice() {
    // Graph docs, participant: delete, mute, startHoldMusic, stopHoldMusic: earlier versions need nothing.
    let hold = Command::StartHoldMusic { participant: RECEIVERS[0], prompt: None };
    for command in [
        Command::RemoveParticipant(RECEIVERS[0]),
        Command::MuteParticipant(RECEIVERS[0]),
        hold,
        Command::StopHoldMusic(RECEIVERS[0]),
    ] {
        let (refused, advised) = verdict(&call_with(&meeting(), NONE, Policy::Enforce), &command);
        let words = "Calls.JoinGroupCall.All or Calls.JoinGroupCallAsGuest.All";
        assert_eq!(refused, None);
        assert_eq!(advised.map(|missing| missing.to_string()).as_deref(), Some(words), "{command:?}");
    }
}

#[test]
fn a_call_is_placed_only_with_its_permission() {
    // Graph docs, application: post calls.
    let guest = Source::Guest { id: "g", display_name: "The bot" };
    let meeting = Placement::into_meeting(CALLBACK, MEETING);
    let hosted = MediaConfig::AppHosted(Secret::new("blob"));
    for (placement, words) in [
        (to_users(1), "Calls.Initiate.All"),
        (Placement { media: hosted, ..to_users(1) }, "Calls.Initiate.All, and Calls.AccessMedia.All"),
        (to_users(2), "Calls.InitiateGroupCall.All"),
        (meeting, "Calls.JoinGroupCall.All"),
        (Placement { source: guest, ..meeting }, "Calls.JoinGroupCallAsGuest.All"),
    ] {
        let none = Setup { grants: NONE, ..setup() };
        let Why::PermissionMissing(missing) = Small::place(at(0), none, &placement).unwrap_err().why else {
            panic!("{placement:?}")
        };
        assert_eq!(missing.to_string(), words);
        let advise = Setup { policy: Policy::Advise, ..none };
        let (call, output) = Small::place(at(0), advise, &placement).unwrap();
        let action = placement.action();
        assert_eq!(output.events(), [Event::PermissionMissing { action, missing }]);
        assert_eq!(call.creation(), Creation::Asked);
        let all = Setup { grants: Grants::Known(Permissions::ALL), ..setup() };
        assert_eq!(Small::place(at(0), all, &placement).unwrap().1.events(), []);
    }
}

#[test]
fn a_refusal_of_the_service_teaches_advice_and_a_success_unteaches_it() {
    // Field reports: 403 with 7504.
    let advice = |call: &Small| verdict(call, &record()).1.map(|missing| missing.to_string());
    let refused = talking().at(4).bot(record()).refusal(Action::Record, 403, 7504);
    assert_eq!(advice(&refused.tell()).as_deref(), Some("Calls.AccessMedia.All"));
    let taken = refused.clone().bot(record()).operation(Action::Record, "r", Status::Running);
    assert_eq!(advice(&taken.tell()), None);
    // Another code, or another status, teaches nothing.
    for (status, code) in [(403, 7505), (400, 7504), (503, 7504)] {
        let other = talking().at(4).bot(record()).refusal(Action::Record, status, code);
        assert_eq!(advice(&other.tell()), None, "{status} {code}");
    }
    // Stated anew, what was learnt is forgotten.
    let mut call = refused.tell();
    let stated = Report::Granted(Grants::Known(Permissions::ALL));
    assert_eq!(call.handle(at(5), Input::Report(&stated)).unwrap().verdict(), Verdict::Applied);
    assert_eq!(call.handle(at(5), Input::Report(&stated)).unwrap().verdict(), Verdict::Repeat);
    assert_eq!(advice(&call), None);
}

#[test]
fn what_was_learnt_never_refuses() {
    let granted = Grants::Known(Permissions::of(&[Permission::AccessMediaAll]));
    let story = with(granted, Policy::Enforce)(talking());
    let call = story.at(4).bot(record()).refusal(Action::Record, 403, 7504).tell();
    let (refused, advised) = verdict(&call, &record());
    assert_eq!(refused, None, "the embedder states that it is granted");
    assert!(advised.is_some());
}

#[test]
fn an_answer_under_a_recording_policy_that_is_refused_teaches_its_own_permissions() {
    let call = recorder().at(1).bot(answer()).refusal(Action::Answer, 403, 7504).tell();
    let lacking: Vec<_> = call.knowledge().lacking().iter().map(Permission::name).collect();
    assert!(lacking.contains(&"Calls.JoinGroupCall.All") && lacking.contains(&"Calls.AccessMedia.All"));
    // A peer-to-peer call is answered without any.
    let call = incoming().at(1).bot(answer()).refusal(Action::Answer, 403, 7504).tell();
    assert!(call.knowledge().lacking().is_empty());
}

#[test]
fn a_redirect_that_is_refused_teaches_its_own_permission() {
    let redirect = Command::Redirect(Redirect::to(List::new(&USERS[..1])));
    let call = incoming().at(1).bot(redirect).refusal(Action::Redirect, 403, 7504).tell();
    let lacking: Vec<_> = call.knowledge().lacking().iter().collect();
    assert_eq!(lacking, [Permission::InitiateAll]);
}

#[test]
fn a_bot_that_would_be_dropped_is_told_once() {
    // Teams docs, calls and meetings bots overview.
    let some = Grants::Known(Permissions::of(&[Permission::AccessMediaAll]));
    let told = |story: Story| {
        let story = with(some, Policy::Enforce)(story).at(1).bot(answer()).begun().told(State::Established);
        let run = story.tell_events();
        run.iter().filter(|event| matches!(event, Event::DroppedIfGroup(_))).count()
    };
    assert_eq!(told(incoming()), 1);
    // Without a word of the grants nothing is said.
    let unknown = incoming().at(1).bot(answer()).told(State::Established).tell_events();
    assert!(!unknown.iter().any(|event| matches!(event, Event::DroppedIfGroup(_))));
}
