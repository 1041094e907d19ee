use std::string::ToString;
use std::vec::Vec;

use super::*;

const DIRECT: Hosting = Hosting::Direct;
const SERVICE: MediaHost = MediaHost::Service;

fn known(list: &[Permission]) -> Knowledge {
    Knowledge::new(Grants::Known(Permissions::of(list)))
}

fn needs(action: Action, kind: Kind) -> Requirement {
    required(action, kind, DIRECT, SERVICE)
}

fn enforced(action: Action, kind: Kind, knowledge: Knowledge) -> Verdict {
    check(action, kind, DIRECT, SERVICE, &knowledge, Policy::Enforce)
}

/// Action, peer-to-peer, group; the pages of the Graph docs that the rows name.
const PAGES: &[(Action, &str, &str)] = &[
    (Action::Place, "Calls.Initiate.All", "not supported"),
    (Action::PlaceGroup, "not supported", "Calls.InitiateGroupCall.All"),
    (Action::Join, "not supported", "Calls.JoinGroupCall.All"),
    (Action::JoinAsGuest, "not supported", "Calls.JoinGroupCallAsGuest.All"),
    (Action::Answer, "nothing", "Calls.JoinGroupCall.All or Calls.JoinGroupCallAsGuest.All"),
    (
        Action::AnswerPolicyRecording,
        "Calls.JoinGroupCall.All, and Calls.AccessMedia.All",
        "Calls.JoinGroupCall.All, and Calls.AccessMedia.All",
    ),
    (Action::Reject, "nothing", "nothing"),
    (Action::Redirect, "Calls.Initiate.All", "Calls.Initiate.All"),
    (Action::Transfer, "Calls.Initiate.All", "Calls.Initiate.All"),
    (Action::HangUp, "nothing", "nothing"),
    (Action::KeepAlive, "nothing", "nothing"),
    (Action::Refresh, "nothing", "nothing"),
    (Action::Mute, "not supported", "nothing"),
    (Action::Unmute, "not supported", "nothing"),
    (Action::PlayPrompt, "nothing", "nothing"),
    (Action::Record, "Calls.AccessMedia.All", "Calls.AccessMedia.All"),
    (Action::CancelMediaProcessing, "nothing", "nothing"),
    (Action::SubscribeToTone, "Calls.AccessMedia.All", "Calls.AccessMedia.All"),
    (Action::SendDtmf, "Calls.AccessMedia.All", "Calls.AccessMedia.All"),
    (Action::Invite, "Calls.InitiateGroupCall.All", "Calls.InitiateGroupCall.All"),
    (Action::InviteSeveral, "not supported", "Calls.InitiateGroupCall.All"),
    (Action::RemoveParticipant, "not supported", "Calls.JoinGroupCall.All or Calls.JoinGroupCallAsGuest.All"),
    (Action::MuteParticipant, "not supported", "Calls.JoinGroupCall.All or Calls.JoinGroupCallAsGuest.All"),
    (Action::StartHoldMusic, "not supported", "Calls.JoinGroupCall.All or Calls.JoinGroupCallAsGuest.All"),
    (Action::StopHoldMusic, "not supported", "Calls.JoinGroupCall.All or Calls.JoinGroupCallAsGuest.All"),
    (
        Action::UpdateRecordingStatus,
        "Calls.JoinGroupCall.All or Calls.AccessMedia.All",
        "Calls.JoinGroupCall.All or Calls.AccessMedia.All",
    ),
    (Action::AnswerJoining, "nothing", "nothing"),
    (Action::ChangeScreenSharingRole, "not supported", "Calls.AccessMedia.All"),
    (
        Action::AddLargeGalleryView,
        "not supported",
        "Calls.InitiateGroupCall.All or Calls.JoinGroupCall.All or Calls.JoinGroupCallAsGuest.All",
    ),
    (
        Action::CreateAudioRoutingGroup,
        "not supported",
        "Calls.InitiateGroupCall.All or Calls.JoinGroupCall.All",
    ),
    (
        Action::UpdateAudioRoutingGroup,
        "not supported",
        "Calls.InitiateGroupCall.All or Calls.JoinGroupCall.All",
    ),
    (
        Action::DeleteAudioRoutingGroup,
        "not supported",
        "Calls.InitiateGroupCall.All or Calls.JoinGroupCall.All",
    ),
    (Action::ListParticipants, "nothing", "nothing"),
    (Action::GetOperation, "nothing", "nothing"),
];

#[test]
fn each_action_needs_what_its_page_says() {
    let mut actions: Vec<_> = PAGES.iter().map(|(action, ..)| action.index()).collect();
    actions.sort_unstable();
    assert!(actions.into_iter().eq(0..Action::COUNT), "each action once");
    for (action, p2p, group) in PAGES {
        assert_eq!(needs(*action, Kind::PeerToPeer).to_string(), *p2p, "{action}, peer-to-peer");
        assert_eq!(needs(*action, Kind::Group).to_string(), *group, "{action}, group");
    }
}

#[test]
fn the_compact_table_says_what_the_rows_say() {
    for row in rows() {
        assert_eq!(needs(row.action, Kind::PeerToPeer), row.p2p, "{}", row.action);
        assert_eq!(needs(row.action, Kind::Group), row.group, "{}", row.action);
        assert_eq!(row.gate == Gate::Refuses, entry(row.action).flags & GATE != 0, "{}", row.action);
        assert!(
            row.source.starts_with("Graph docs, ") || row.source.starts_with("assumed"),
            "{}",
            row.action
        );
    }
    assert_eq!(rows().count(), Action::COUNT);
}

#[test]
fn media_that_the_bot_hosts_needs_access_on_creating_and_answering_only() {
    // Graph docs, application: post calls, call: answer.
    let creating = [Action::Place, Action::PlaceGroup, Action::Join, Action::JoinAsGuest, Action::Answer];
    for action in Action::ALL {
        for kind in [Kind::PeerToPeer, Kind::Group] {
            let (service, app) = (needs(*action, kind), required(*action, kind, DIRECT, MediaHost::App));
            let expected = match (creating.contains(action), service) {
                (false, _) | (_, Requirement::NotSupported) => service,
                (true, Requirement::Nothing) => {
                    Requirement::Needs(Needs { any_of: Permissions::NONE, all_of: MEDIA })
                }
                (true, Requirement::Needs(needs)) => {
                    Requirement::Needs(Needs { any_of: needs.any_of, all_of: MEDIA })
                }
            };
            assert_eq!(app, expected, "{action} {kind}");
        }
    }
}

#[test]
fn a_peer_to_peer_call_hosted_as_a_conversation_needs_what_a_group_needs() {
    for (action, expected) in [
        (Action::InviteSeveral, "Calls.InitiateGroupCall.All"),
        (Action::RemoveParticipant, "Calls.JoinGroupCall.All or Calls.JoinGroupCallAsGuest.All"),
        (Action::Mute, "nothing"),
        (Action::Transfer, "Calls.Initiate.All"),
        // Graph docs, Calls overview: whoever hosts it, responding to a peer-to-peer call needs nothing.
        (Action::Answer, "nothing"),
    ] {
        let needs = required(action, Kind::PeerToPeer, Hosting::Conversation, SERVICE);
        assert_eq!(needs.to_string(), expected, "{action}");
    }
}

#[test]
fn what_is_never_refused_goes_without_any_permission() {
    for action in [
        Action::Refresh,
        Action::HangUp,
        Action::KeepAlive,
        Action::Mute,
        Action::Unmute,
        Action::PlayPrompt,
        Action::CancelMediaProcessing,
        Action::ListParticipants,
        Action::GetOperation,
        Action::Reject,
    ] {
        for kind in [Kind::PeerToPeer, Kind::Group] {
            assert_eq!(enforced(action, kind, known(&[])), Verdict::Go, "{action} {kind}");
        }
    }
}

#[test]
fn each_gate_refuses_what_is_known_to_be_missing_and_advises_under_advise() {
    let gates: Vec<_> = rows().filter(|row| row.gate == Gate::Refuses).map(|row| row.action).collect();
    for action in [
        Action::Place,
        Action::PlaceGroup,
        Action::Join,
        Action::JoinAsGuest,
        Action::Answer,
        Action::AnswerPolicyRecording,
        Action::Redirect,
        Action::Transfer,
        Action::Invite,
        Action::InviteSeveral,
        Action::Record,
        Action::SendDtmf,
        Action::SubscribeToTone,
        Action::UpdateRecordingStatus,
        Action::ChangeScreenSharingRole,
    ] {
        assert!(gates.contains(&action), "{action}");
    }
    for action in gates {
        let kind = if action == Action::Place { Kind::PeerToPeer } else { Kind::Group };
        let at = |knowledge, policy| check(action, kind, DIRECT, SERVICE, &knowledge, policy);
        assert!(matches!(at(known(&[]), Policy::Enforce), Verdict::Refuse(_)), "{action}");
        assert!(matches!(at(known(&[]), Policy::Advise), Verdict::Advise(_)), "{action}");
        assert_eq!(at(known(&[]), Policy::Off), Verdict::Go, "{action}");
        assert_eq!(at(known(Permission::ALL), Policy::Enforce), Verdict::Go, "{action}");
        assert_eq!(at(Knowledge::default(), Policy::Enforce), Verdict::Go, "{action}");
    }
}

#[test]
fn a_row_that_is_no_gate_advises_even_under_enforce() {
    let verdict = enforced(Action::RemoveParticipant, Kind::Group, known(&[Permission::InitiateAll]));
    assert!(matches!(verdict, Verdict::Advise(_)), "{verdict:?}");
}

#[test]
fn recording_under_policy_needs_both_and_says_which_is_missing() {
    for (granted, missing) in [
        (&[][..], Some("Calls.JoinGroupCall.All, and Calls.AccessMedia.All")),
        (&[Permission::JoinGroupCallAll], Some("Calls.AccessMedia.All")),
        (&[Permission::AccessMediaAll], Some("Calls.JoinGroupCall.All")),
        (&[Permission::AccessMediaAll, Permission::JoinGroupCallAll], None),
        (&[Permission::AccessMediaChat, Permission::JoinGroupCallsChat], None),
    ] {
        let found =
            super::missing(Permissions::of(granted), needs(Action::AnswerPolicyRecording, Kind::Group));
        assert_eq!(found.map(|missing| missing.to_string()).as_deref(), missing, "{granted:?}");
    }
}

#[test]
fn the_permission_to_ask_for_is_the_least_privileged() {
    // Graph docs, the permission tables of the pages.
    for (action, first) in [
        (Action::AddLargeGalleryView, Permission::JoinGroupCallAsGuestAll),
        (Action::StartHoldMusic, Permission::JoinGroupCallAsGuestAll),
        (Action::CreateAudioRoutingGroup, Permission::JoinGroupCallAll),
        (Action::UpdateRecordingStatus, Permission::AccessMediaAll),
        (Action::Invite, Permission::InitiateGroupCallAll),
        (Action::Transfer, Permission::InitiateAll),
        (Action::AnswerPolicyRecording, Permission::JoinGroupCallAll),
    ] {
        let missing = super::missing(Permissions::NONE, needs(action, Kind::Group)).unwrap();
        assert_eq!(missing.first(), first, "{action}");
    }
}

#[test]
fn a_refusal_by_the_service_teaches_advice_and_a_success_unteaches_it() {
    let mut knowledge = Knowledge::default();
    knowledge.refused(needs(Action::Answer, Kind::Group));
    for action in [Action::Answer, Action::Join, Action::JoinAsGuest, Action::RemoveParticipant] {
        let verdict = enforced(action, Kind::Group, knowledge);
        assert!(matches!(verdict, Verdict::Advise(_)), "{action}: {verdict:?}");
    }
    assert_eq!(enforced(Action::Answer, Kind::PeerToPeer, knowledge), Verdict::Go);
    assert_eq!(enforced(Action::AddLargeGalleryView, Kind::Group, knowledge), Verdict::Go);
    knowledge.taken(needs(Action::Answer, Kind::Group));
    assert_eq!(knowledge, Knowledge::default());
}

#[test]
fn a_refusal_of_what_was_stated_to_be_granted_is_believed_but_only_advises() {
    let mut knowledge = known(&[Permission::InitiateAll]);
    knowledge.refused(needs(Action::Place, Kind::PeerToPeer));
    let verdict = enforced(Action::Transfer, Kind::PeerToPeer, knowledge);
    assert!(matches!(verdict, Verdict::Advise(_)), "{verdict:?}");
    assert_eq!(knowledge.restated(knowledge.grants()), known(&[Permission::InitiateAll]));
}

#[test]
fn a_refusal_blames_what_was_not_stated() {
    let mut knowledge = known(&[Permission::JoinGroupCallAll]);
    knowledge.refused(needs(Action::AnswerPolicyRecording, Kind::Group));
    assert!(knowledge.lacking().has(Permission::AccessMediaAll));
    assert!(!knowledge.lacking().has(Permission::JoinGroupCallAll));
}

#[test]
fn a_refusal_of_what_needs_nothing_teaches_nothing() {
    let mut knowledge = Knowledge::default();
    knowledge.refused(needs(Action::KeepAlive, Kind::Group));
    knowledge.refused(needs(Action::Mute, Kind::PeerToPeer));
    assert_eq!(knowledge, Knowledge::default());
}

#[test]
fn a_bot_without_any_group_permission_would_be_dropped() {
    // Teams docs, calls and meetings bots overview.
    assert!(would_be_dropped(&known(&[Permission::InitiateAll, Permission::AccessMediaAll])).is_some());
    assert_eq!(would_be_dropped(&Knowledge::default()), None);
    for permission in [
        Permission::InitiateGroupCallAll,
        Permission::JoinGroupCallAll,
        Permission::JoinGroupCallAsGuestAll,
        Permission::JoinGroupCallsChat,
    ] {
        assert_eq!(would_be_dropped(&known(&[permission])), None, "{permission}");
    }
}

#[test]
fn names_are_read_in_any_case_and_in_the_older_spelling() {
    for (name, permission) in [
        ("calls.joingroupcallasguest.all", Some(Permission::JoinGroupCallAsGuestAll)),
        ("Calls.JoinGroupCallsasGuest.All", Some(Permission::JoinGroupCallAsGuestAll)),
        ("Calls.JoinGroupCalls.All", Some(Permission::JoinGroupCallAll)),
        ("Calls.JoinGroupCalls.Chat", Some(Permission::JoinGroupCallsChat)),
        ("User.Read", None),
    ] {
        assert_eq!(Permission::parse(name), permission, "{name}");
    }
    for permission in Permission::ALL {
        assert_eq!(Permission::parse(permission.name()), Some(*permission));
    }
}

#[test]
fn a_set_has_what_was_put_into_it() {
    let set = Permissions::of(&[Permission::AccessMediaAll, Permission::InitiateAll]);
    assert_eq!(set.iter().collect::<Vec<_>>(), [Permission::InitiateAll, Permission::AccessMediaAll]);
    assert!(set.intersects(Permissions::ALL) && !set.intersects(GROUP) && !set.is_empty());
    assert_eq!(set.union(Permissions::ALL), Permissions::ALL);
    assert_eq!(core::mem::size_of::<Missing>(), 2);
    assert!(core::mem::size_of::<Knowledge>() <= 3);
}

#[cfg(feature = "serde")]
#[test]
fn regression_a_bit_of_no_permission_is_passed_over() {
    assert_eq!(postcard::from_bytes(&[0xFF]), Ok(Permissions::ALL));
    assert_eq!(postcard::from_bytes(&[0x80]), Ok(Permissions::NONE));
}
