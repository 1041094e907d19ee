//! Permissions: what an app needs an administrator's consent for, as far as a rule here decides on it.
//!
//! The service is the judge. A rule refuses locally only where the documentation is clear, the embedder says which
//! permissions the app has, and the policy is [`Policy::Enforce`]; otherwise a missing one is advice.
//!
//! Source: Graph docs, permissions reference; Calls overview.

use crate::classification::Kind;
use crate::words::words;

words! {
    /// The application permissions of the calling API.
    pub enum Permission {
        /// Place outgoing calls to one user.
        InitiateAll = "Calls.Initiate.All",
        /// Place outgoing calls to several users.
        InitiateGroupCallAll = "Calls.InitiateGroupCall.All",
        /// Join group calls and meetings as a directory user.
        JoinGroupCallAll = "Calls.JoinGroupCall.All",
        /// Join group calls and meetings as a guest.
        JoinGroupCallAsGuestAll = "Calls.JoinGroupCallAsGuest.All",
        /// Use the media of a call: hear tones, record, or host the media.
        AccessMediaAll = "Calls.AccessMedia.All",
    }
}

/// A set of permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Permissions(u8);

impl Permissions {
    /// None at all.
    pub const NONE: Self = Self(0);

    /// This set and `permission`.
    #[must_use]
    pub const fn with(self, permission: Permission) -> Self {
        Self(self.0 | 1u8.wrapping_shl(permission as u32))
    }

    /// Whether `permission` is in the set.
    pub const fn has(self, permission: Permission) -> bool {
        self.0 & 1u8.wrapping_shl(permission as u32) != 0
    }
}

impl Permission {
    /// The permission of this name, in any case; older pages write some with an `s` more.
    ///
    /// Source: Graph docs, permissions reference; call: create (older spelling).
    pub fn parse(name: &str) -> Option<Self> {
        let older = [
            ("Calls.InitiateGroupCalls.All", Self::InitiateGroupCallAll),
            ("Calls.JoinGroupCalls.All", Self::JoinGroupCallAll),
            ("Calls.JoinGroupCallsAsGuest.All", Self::JoinGroupCallAsGuestAll),
        ];
        let now = Self::ALL.iter().map(|permission| (permission.name(), *permission));
        now.chain(older).find(|(word, _)| word.eq_ignore_ascii_case(name)).map(|(_, permission)| permission)
    }
}

/// What the embedder knows of the app's permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Grants {
    /// Nothing: the service will say.
    #[default]
    Unknown,
    /// Exactly these were granted.
    Known(Permissions),
}

/// What becomes of a command whose permission is known to be missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Policy {
    /// It is refused before it costs a request, where the rule is documented.
    Enforce,
    /// It leaves, and an event says what is missing.
    #[default]
    Advise,
    /// It leaves.
    Off,
}

/// What needs a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Action {
    /// Calling, with this many targets; none joins a meeting.
    Place {
        /// How many targets.
        targets: usize,
    },
    /// Answering.
    Answer,
    /// Hearing tones.
    SubscribeToTone,
}

/// Whether the permission for an action is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Verdict {
    /// Nothing is known to be missing.
    Go,
    /// This is known to be missing; the action goes on all the same.
    Advise(Permission),
    /// This is known to be missing, and the policy is to refuse.
    Refuse(Permission),
}

/// Which permissions an action needs: any one of those named.
///
/// Source: Graph docs, Calls overview (answering peer-to-peer needs none, calling a user Calls.Initiate.All),
/// call: create, call: answer, call: subscribeToTone.
pub const fn needed(action: Action, kind: Kind) -> &'static [Permission] {
    match (action, kind) {
        (Action::Place { targets: 1 }, Kind::PeerToPeer) => &[Permission::InitiateAll],
        (Action::Place { targets: 0 }, _) | (Action::Answer, Kind::Group) => {
            &[Permission::JoinGroupCallAll, Permission::JoinGroupCallAsGuestAll]
        }
        (Action::Place { .. }, _) => &[Permission::InitiateGroupCallAll],
        (Action::Answer, Kind::PeerToPeer) => &[],
        (Action::SubscribeToTone, _) => &[Permission::AccessMediaAll],
    }
}

/// Decides whether an action may go, with what is known.
pub fn check(action: Action, kind: Kind, grants: Grants, policy: Policy) -> Verdict {
    let (Grants::Known(granted), Some(first)) = (grants, needed(action, kind).first()) else {
        return Verdict::Go;
    };
    if needed(action, kind).iter().any(|permission| granted.has(*permission)) {
        return Verdict::Go;
    }
    match policy {
        Policy::Enforce => Verdict::Refuse(*first),
        Policy::Advise => Verdict::Advise(*first),
        Policy::Off => Verdict::Go,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calling_a_user_needs_initiate_and_answering_one_needs_nothing() {
        let none = Grants::Known(Permissions::NONE);
        let place = Action::Place { targets: 1 };
        let initiate = Grants::Known(Permissions::NONE.with(Permission::InitiateAll));
        for (name, action, kind, grants, policy, verdict) in [
            (
                "known missing",
                place,
                Kind::PeerToPeer,
                none,
                Policy::Enforce,
                Verdict::Refuse(Permission::InitiateAll),
            ),
            (
                "advised",
                place,
                Kind::PeerToPeer,
                none,
                Policy::Advise,
                Verdict::Advise(Permission::InitiateAll),
            ),
            ("not asked", place, Kind::PeerToPeer, none, Policy::Off, Verdict::Go),
            ("unknown", place, Kind::PeerToPeer, Grants::Unknown, Policy::Enforce, Verdict::Go),
            ("granted", place, Kind::PeerToPeer, initiate, Policy::Enforce, Verdict::Go),
            ("answer", Action::Answer, Kind::PeerToPeer, none, Policy::Enforce, Verdict::Go),
            (
                "answer an invitation",
                Action::Answer,
                Kind::Group,
                none,
                Policy::Enforce,
                Verdict::Refuse(Permission::JoinGroupCallAll),
            ),
        ] {
            assert_eq!(check(action, kind, grants, policy), verdict, "{name}");
        }
    }

    #[test]
    fn names_are_read_in_any_case_and_in_the_older_spelling() {
        assert_eq!(
            Permission::parse("calls.joingroupcallasguest.all"),
            Some(Permission::JoinGroupCallAsGuestAll)
        );
        assert_eq!(
            Permission::parse("Calls.JoinGroupCallsasGuest.All"),
            Some(Permission::JoinGroupCallAsGuestAll)
        );
        assert_eq!(Permission::parse("User.Read"), None);
    }
}
