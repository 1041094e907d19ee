//! Permissions: what an app needs an administrator's consent for, action by action.
//!
//! One table says it, with a column for peer-to-peer calls and one for groups. The service is the judge: a rule refuses
//! locally only where the current pages are clear (the row is a [`Gate`]), the embedder states which permissions the app
//! has, and the policy is [`Policy::Enforce`]. Otherwise what is missing is advice. What the service itself refuses is
//! learnt ([`Knowledge::refused`]), and is advice from then on.
//!
//! ```
//! use callflow_core::action::Action;
//! use callflow_core::classification::{Hosting, Kind};
//! use callflow_core::media::MediaHost;
//! use callflow_core::permission::{Grants, Knowledge, Permission, Permissions, Policy, Verdict, check};
//!
//! let known = Knowledge::new(Grants::Known(Permissions::of(&[Permission::InitiateAll])));
//! let verdict = |action| {
//!     check(action, Kind::PeerToPeer, Hosting::Direct, MediaHost::Service, &known, Policy::Enforce)
//! };
//! assert_eq!(verdict(Action::Place), Verdict::Go);
//! assert_eq!(verdict(Action::Answer), Verdict::Go);
//! let Verdict::Refuse(missing) = verdict(Action::Record) else { panic!("recording needs media") };
//! assert_eq!(missing.to_string(), "Calls.AccessMedia.All");
//! ```
//!
//! Source: Graph docs, permissions reference; Calls overview; and the page that each row names.

use core::fmt;

use crate::action::Action;
use crate::certainty::Certainty;
use crate::classification::{Hosting, Kind};
use crate::media::MediaHost;
use crate::words::words;

words! {
    /// The application permissions of the calling API.
    ///
    /// Source: Graph docs, permissions reference.
    pub enum Permission {
        /// Place outgoing calls to one user, and transfer and redirect calls.
        InitiateAll = "Calls.Initiate.All",
        /// Place outgoing calls to several users, and invite into calls.
        InitiateGroupCallAll = "Calls.InitiateGroupCall.All",
        /// Join group calls and meetings as a directory user.
        JoinGroupCallAll = "Calls.JoinGroupCall.All",
        /// Join group calls and meetings as a guest.
        JoinGroupCallAsGuestAll = "Calls.JoinGroupCallAsGuest.All",
        /// Use the media of a call: tones, recording, or the media themselves.
        AccessMediaAll = "Calls.AccessMedia.All",
        /// [`Self::JoinGroupCallAll`] for the calls of one chat.
        JoinGroupCallsChat = "Calls.JoinGroupCalls.Chat",
        /// [`Self::AccessMediaAll`] for the calls of one chat.
        AccessMediaChat = "Calls.AccessMedia.Chat",
    }
}

impl Permission {
    /// The permission of this name, in any case; older pages write some with an `s` more.
    ///
    /// Source: Graph docs, permissions reference; application: post calls (older spelling).
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

/// A set of permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Permissions(u8);

/// A bit that names no permission of this version is passed over.
#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Permissions {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bits = <u8 as serde::Deserialize>::deserialize(deserializer)?;
        Ok(Self(bits & Self::ALL.0))
    }
}

impl Permissions {
    /// None at all.
    pub const NONE: Self = Self(0);

    /// Every one.
    pub const ALL: Self = Self::of(Permission::ALL);

    /// The set of these.
    pub const fn of(list: &[Permission]) -> Self {
        let mut set = Self::NONE;
        let mut rest = list;
        while let [first, others @ ..] = rest {
            set = set.with(*first);
            rest = others;
        }
        set
    }

    /// This set and `permission`.
    #[must_use]
    pub const fn with(self, permission: Permission) -> Self {
        Self(self.0 | 1u8.wrapping_shl(permission as u32))
    }

    /// The set as bits, for snapshots.
    #[cfg(feature = "snapshot")]
    pub(crate) const fn bits(self) -> u8 {
        self.0
    }

    /// The set of these bits.
    #[cfg(feature = "snapshot")]
    pub(crate) const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// Whether `permission` is in the set.
    pub const fn has(self, permission: Permission) -> bool {
        self.0 & 1u8.wrapping_shl(permission as u32) != 0
    }

    /// What is in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the sets have a permission in common.
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether nothing is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What is in the set, in the order of [`Permission::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |permission| self.has(*permission))
    }

    const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The set in which what was granted for one chat counts as granted.
    ///
    /// Source: Graph docs, application: post calls; assumed for every other action: if it is wrong, or the call is not of
    /// that chat, the service refuses with 7504, and that is learnt.
    const fn widened(self) -> Self {
        let mut set = self;
        if self.has(Permission::JoinGroupCallsChat) {
            set = set.with(Permission::JoinGroupCallAll);
        }
        if self.has(Permission::AccessMediaChat) {
            set = set.with(Permission::AccessMediaAll);
        }
        set
    }

    /// The set and what is granted for one chat of what is in it.
    const fn with_narrow_forms(self) -> Self {
        let mut set = self;
        if self.has(Permission::JoinGroupCallAll) {
            set = set.with(Permission::JoinGroupCallsChat);
        }
        if self.has(Permission::AccessMediaAll) {
            set = set.with(Permission::AccessMediaChat);
        }
        set
    }
}

/// Permissions that an action needs: one of some, and all of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Needs {
    any_of: Permissions,
    all_of: Permissions,
}

impl Needs {
    /// One of these is needed; if the set is empty, none is.
    pub const fn any_of(self) -> Permissions {
        self.any_of
    }

    /// All of these are needed besides.
    pub const fn all_of(self) -> Permissions {
        self.all_of
    }
}

impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        in_words(f, self.any_of, self.all_of)
    }
}

/// What an action needs, in a call of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Requirement {
    /// No permission, or none that is checked again after the call was made.
    Nothing,
    /// No call of this kind has the action, so that no page names a permission.
    NotSupported,
    /// These permissions.
    Needs(Needs),
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing"),
            Self::NotSupported => f.write_str("not supported"),
            Self::Needs(needs) => needs.fmt(f),
        }
    }
}

/// What is missing: one of some permissions, and all of others. Never nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Missing {
    any_of: Permissions,
    all_of: Permissions,
}

impl Missing {
    const fn new(any_of: Permissions, all_of: Permissions) -> Option<Self> {
        if any_of.union(all_of).is_empty() { None } else { Some(Self { any_of, all_of }) }
    }

    /// One of these is missing.
    pub const fn any_of(self) -> Permissions {
        self.any_of
    }

    /// All of these are missing.
    pub const fn all_of(self) -> Permissions {
        self.all_of
    }

    /// The permission to ask for first: the least privileged of those of which one is enough.
    ///
    /// Source: Graph docs, application: post calls (permissions, from the least to the most privileged).
    pub const fn first(self) -> Permission {
        let among = if self.any_of.is_empty() { self.all_of } else { self.any_of };
        let mut rest: &[Permission] = &[
            Permission::AccessMediaAll,
            Permission::JoinGroupCallAsGuestAll,
            Permission::JoinGroupCallAll,
            Permission::InitiateAll,
        ];
        while let [first, others @ ..] = rest {
            if among.has(*first) {
                return *first;
            }
            rest = others;
        }
        Permission::InitiateGroupCallAll
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        in_words(f, self.any_of, self.all_of)
    }
}

fn in_words(f: &mut fmt::Formatter<'_>, any_of: Permissions, all_of: Permissions) -> fmt::Result {
    let mut between = "";
    for permission in any_of.iter() {
        write!(f, "{between}{permission}")?;
        between = " or ";
    }
    let mut between = if any_of.is_empty() { "" } else { ", and " };
    for permission in all_of.iter() {
        write!(f, "{between}{permission}")?;
        between = " and ";
    }
    Ok(())
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
    /// It is refused before it costs a request, where the row is a gate and the grants are stated; else it is advised on.
    #[default]
    Enforce,
    /// It leaves, and an event says what is missing.
    Advise,
    /// It leaves.
    Off,
}

/// Whether the permission for an action is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Verdict {
    /// Nothing is known to be missing.
    Go,
    /// This seems to be missing; the action goes on all the same.
    Advise(Missing),
    /// This is known to be missing, and the policy is to refuse.
    Refuse(Missing),
}

/// What is known of the app's permissions: what was stated, and what the service's answers taught since.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Knowledge {
    grants: Grants,
    lacking: Permissions,
}

impl Knowledge {
    /// What was stated, and nothing learnt yet.
    pub const fn new(grants: Grants) -> Self {
        Self { grants, lacking: Permissions::NONE }
    }

    /// What was stated, and what was learnt before.
    pub const fn with_lacking(grants: Grants, lacking: Permissions) -> Self {
        Self { grants, lacking }
    }

    /// What the embedder stated.
    pub const fn grants(&self) -> Grants {
        self.grants
    }

    /// What the service's refusals taught to be lacking.
    pub const fn lacking(&self) -> Permissions {
        self.lacking
    }

    /// What is known once the embedder states the grants anew: what was learnt before is forgotten.
    #[must_use]
    pub const fn restated(self, grants: Grants) -> Self {
        Self::new(grants)
    }

    /// Learns from a refusal ([`CODE`]) of an action with this requirement.
    ///
    /// What the requirement names and was not stated to be granted is lacking. Where all of it was stated, the service's
    /// newer word counts.
    ///
    /// Source: field reports (403 with code 7504); which of several permissions it means is assumed: if it is wrong, only
    /// the advice is, for a refusal needs stated grants.
    pub const fn refused(&mut self, requirement: Requirement) {
        let Requirement::Needs(needs) = requirement else { return };
        let named = match self.grants {
            Grants::Unknown => needs,
            Grants::Known(granted) => match missing(granted, requirement) {
                Some(Missing { any_of, all_of }) => Needs { any_of, all_of },
                None => needs,
            },
        };
        self.lacking = self.lacking.union(named.any_of.union(named.all_of).with_narrow_forms());
    }

    /// Learns from the success of an action with this requirement: nothing that it names is held to be lacking any longer.
    ///
    /// Source: assumed (which of several permissions was used is not told); if it is wrong, advice stays out.
    pub const fn taken(&mut self, requirement: Requirement) {
        if let Requirement::Needs(needs) = requirement {
            self.lacking = self.lacking.without(needs.any_of.union(needs.all_of).with_narrow_forms());
        }
    }

    /// What is missing for this requirement, as far as is known.
    pub const fn missing(&self, requirement: Requirement) -> Option<Missing> {
        let granted = match self.grants {
            Grants::Unknown => Permissions::ALL,
            Grants::Known(granted) => granted,
        };
        missing(granted.without(self.lacking), requirement)
    }
}

/// The code of a refusal for want of a permission, with status 403.
///
/// Source: field reports.
pub const CODE: u32 = 7504;

/// Permissions any one of which keeps the app in a call that becomes a group.
///
/// Source: Teams docs, calls and meetings bots overview; which ones it means is assumed: if it is wrong, only a warning is.
pub const GROUP: Permissions = Permissions::of(&[
    Permission::InitiateGroupCallAll,
    Permission::JoinGroupCallAll,
    Permission::JoinGroupCallAsGuestAll,
]);

/// What the app lacks so that it is dropped when others make a group of its peer-to-peer call.
///
/// Source: Teams docs, calls and meetings bots overview.
pub const fn would_be_dropped(knowledge: &Knowledge) -> Option<Missing> {
    knowledge.missing(Requirement::Needs(Needs { any_of: GROUP, all_of: Permissions::NONE }))
}

/// What is missing of a requirement where exactly `granted` is granted.
///
/// What was granted for one chat counts: whether the call is of that chat is not known here.
pub const fn missing(granted: Permissions, requirement: Requirement) -> Option<Missing> {
    let Requirement::Needs(needs) = requirement else { return None };
    let granted = granted.widened();
    let any_of = if needs.any_of.intersects(granted) { Permissions::NONE } else { needs.any_of };
    Missing::new(any_of, needs.all_of.without(granted))
}

/// Which permissions an action needs.
///
/// A peer-to-peer call that is hosted as a conversation reads the group column where its own has no such action; answering
/// a peer-to-peer call needs nothing in either hosting.
///
/// Source: Graph docs, Calls overview, and the page of each row; the group column for a conversation is assumed: if it is
/// wrong, a bot that lacks the permission is advised or refused where it needed none.
pub const fn required(action: Action, kind: Kind, hosting: Hosting, media: MediaHost) -> Requirement {
    let entry = entry(action);
    let column = match (kind, hosting) {
        (Kind::PeerToPeer, Hosting::Direct) => Column::PeerToPeer,
        (Kind::PeerToPeer, Hosting::Conversation) if entry.p2p & NOT_SUPPORTED == 0 => Column::PeerToPeer,
        (Kind::PeerToPeer, Hosting::Conversation) | (Kind::Group, _) => Column::Group,
    };
    let (bits, with_media) = match column {
        Column::PeerToPeer => (entry.p2p, entry.flags & P2P_MEDIA != 0),
        Column::Group => (entry.group, entry.flags & GROUP_MEDIA != 0),
    };
    if bits & NOT_SUPPORTED != 0 {
        return Requirement::NotSupported;
    }
    let is_hosted_here = matches!(media, MediaHost::App) && entry.flags & IF_APP_HOSTED != 0;
    let all_of = if with_media || is_hosted_here { MEDIA } else { Permissions::NONE };
    if bits == 0 && all_of.is_empty() {
        return Requirement::Nothing;
    }
    Requirement::Needs(Needs { any_of: Permissions(bits), all_of })
}

/// Decides whether an action may go, with what is known.
///
/// # Errors
/// None. [`Verdict::Refuse`]: have an administrator grant what is missing and consent again, then state the grants anew.
pub const fn check(
    action: Action,
    kind: Kind,
    hosting: Hosting,
    media: MediaHost,
    knowledge: &Knowledge,
    policy: Policy,
) -> Verdict {
    if matches!(policy, Policy::Off) {
        return Verdict::Go;
    }
    let requirement = required(action, kind, hosting, media);
    if let (Grants::Known(granted), Policy::Enforce) = (knowledge.grants, policy)
        && entry(action).flags & GATE != 0
        && let Some(missing) = missing(granted, requirement)
    {
        return Verdict::Refuse(missing);
    }
    match knowledge.missing(requirement) {
        Some(missing) => Verdict::Advise(missing),
        None => Verdict::Go,
    }
}

words! {
    /// Whether a row refuses or advises.
    pub enum Gate {
        /// The current pages are clear: what is missing refuses, under [`Policy::Enforce`].
        Refuses = "refuses",
        /// Sources differ, or nothing is needed: at most it advises.
        Advises = "advises",
    }
}

words! {
    /// What the media's host adds to a row.
    pub enum MediaNote {
        /// Nothing.
        Nothing = "",
        /// `Calls.AccessMedia.All` where the bot hosts the media.
        IfAppHosted = "and Calls.AccessMedia.All where the bot hosts the media",
    }
}

/// A row of the table: what one action needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Row {
    /// The action.
    pub action: Action,
    /// What it needs in a peer-to-peer call.
    pub p2p: Requirement,
    /// What it needs in a group.
    pub group: Requirement,
    /// What the media's host adds.
    pub media: MediaNote,
    /// Whether the row refuses or advises.
    pub gate: Gate,
    /// How sure it is.
    pub certainty: Certainty,
    /// Where it stands.
    pub source: &'static str,
}

/// The whole table, for printing.
pub fn rows() -> impl Iterator<Item = Row> {
    ROWS.iter().copied()
}

const INITIATE: Requirement = any(&[Permission::InitiateAll]);
const INITIATE_GROUP: Requirement = any(&[Permission::InitiateGroupCallAll]);
const JOIN: Requirement = any(&[Permission::JoinGroupCallAll]);
const JOIN_AS_GUEST: Requirement = any(&[Permission::JoinGroupCallAsGuestAll]);
const EITHER_JOIN: Requirement = any(&[Permission::JoinGroupCallAll, Permission::JoinGroupCallAsGuestAll]);
const ACCESS_MEDIA: Requirement = any(&[Permission::AccessMediaAll]);
const RECORDER: Requirement = Requirement::Needs(Needs {
    any_of: Permissions::of(&[Permission::JoinGroupCallAll]),
    all_of: Permissions::of(&[Permission::AccessMediaAll]),
});
const STATUS: Requirement = any(&[Permission::AccessMediaAll, Permission::JoinGroupCallAll]);
const ROUTING: Requirement = any(&[Permission::JoinGroupCallAll, Permission::InitiateGroupCallAll]);
const GALLERY: Requirement = any(&[
    Permission::JoinGroupCallAsGuestAll,
    Permission::JoinGroupCallAll,
    Permission::InitiateGroupCallAll,
]);
const NOTHING: Requirement = Requirement::Nothing;
const UNSUPPORTED: Requirement = Requirement::NotSupported;

const fn any(list: &[Permission]) -> Requirement {
    Requirement::Needs(Needs { any_of: Permissions::of(list), all_of: Permissions::NONE })
}

/// A row that refuses, of a page of the Graph docs.
const fn gate(action: Action, p2p: Requirement, group: Requirement, source: &'static str) -> Row {
    let (media, gate, certainty) = (MediaNote::Nothing, Gate::Refuses, Certainty::Documented);
    Row { action, p2p, group, media, gate, certainty, source }
}

/// The same where the media's host counts.
const fn hosted(action: Action, p2p: Requirement, group: Requirement, source: &'static str) -> Row {
    Row { media: MediaNote::IfAppHosted, ..gate(action, p2p, group, source) }
}

/// A row that advises, of a page of the Graph docs.
const fn advice(action: Action, p2p: Requirement, group: Requirement, source: &'static str) -> Row {
    Row { gate: Gate::Advises, ..gate(action, p2p, group, source) }
}

/// A row that no page has.
const fn assumed(action: Action, source: &'static str) -> Row {
    Row { certainty: Certainty::Assumed, ..advice(action, NOTHING, NOTHING, source) }
}

/// Action, peer-to-peer, group, source.
///
/// Source: the last column.
#[rustfmt::skip] // One line a rule.
const ROWS: &[Row] = &[
    hosted(Action::Place, INITIATE, UNSUPPORTED, "Graph docs, application: post calls (one target)"),
    hosted(Action::PlaceGroup, UNSUPPORTED, INITIATE_GROUP, "Graph docs, application: post calls (several targets)"),
    hosted(Action::Join, UNSUPPORTED, JOIN, "Graph docs, application: post calls (join a meeting)"),
    hosted(Action::JoinAsGuest, UNSUPPORTED, JOIN_AS_GUEST, "Graph docs, application: post calls (join as a guest)"),
    hosted(Action::Answer, NOTHING, EITHER_JOIN, "Graph docs, Calls overview (peer-to-peer: nothing); call: answer"),
    gate(Action::AnswerPolicyRecording, RECORDER, RECORDER, "Graph docs, call: answer; the vendor's sample of a policy recording bot needs both"),
    advice(Action::Reject, NOTHING, NOTHING, "Graph docs, call: reject"),
    gate(Action::Redirect, INITIATE, INITIATE, "Graph docs, call: redirect"),
    gate(Action::Transfer, INITIATE, INITIATE, "Graph docs, call: transfer"),
    advice(Action::HangUp, NOTHING, NOTHING, "Graph docs, call: delete (checked when the call is made)"),
    advice(Action::KeepAlive, NOTHING, NOTHING, "Graph docs, call: keepAlive (checked when the call is made)"),
    advice(Action::Refresh, NOTHING, NOTHING, "Graph docs, call: get (checked when the call is made)"),
    advice(Action::Mute, UNSUPPORTED, NOTHING, "Graph docs, call: mute (checked when the call is made)"),
    advice(Action::Unmute, UNSUPPORTED, NOTHING, "Graph docs, call: unmute (checked when the call is made)"),
    advice(Action::PlayPrompt, NOTHING, NOTHING, "Graph docs, call: playPrompt (checked when the call is made)"),
    gate(Action::Record, ACCESS_MEDIA, ACCESS_MEDIA, "Graph docs, call: record"),
    advice(Action::CancelMediaProcessing, NOTHING, NOTHING, "Graph docs, call: cancelMediaProcessing (checked when the call is made)"),
    gate(Action::SubscribeToTone, ACCESS_MEDIA, ACCESS_MEDIA, "Graph docs, call: subscribeToTone"),
    gate(Action::SendDtmf, ACCESS_MEDIA, ACCESS_MEDIA, "Graph docs, call: sendDtmfTones"),
    gate(Action::Invite, INITIATE_GROUP, INITIATE_GROUP, "Graph docs, participant: invite"),
    gate(Action::InviteSeveral, UNSUPPORTED, INITIATE_GROUP, "Graph docs, participant: invite"),
    advice(Action::RemoveParticipant, UNSUPPORTED, EITHER_JOIN, "Graph docs, participant: delete (earlier versions: nothing)"),
    advice(Action::MuteParticipant, UNSUPPORTED, EITHER_JOIN, "Graph docs, participant: mute (earlier versions: nothing)"),
    advice(Action::StartHoldMusic, UNSUPPORTED, EITHER_JOIN, "Graph docs, participant: startHoldMusic (one version: nothing)"),
    advice(Action::StopHoldMusic, UNSUPPORTED, EITHER_JOIN, "Graph docs, participant: stopHoldMusic (one version: nothing)"),
    gate(Action::UpdateRecordingStatus, STATUS, STATUS, "Graph docs, call: updateRecordingStatus"),
    assumed(Action::AnswerJoining, "assumed (it is the answer to a notification); if it is wrong, the service drops the answer"),
    gate(Action::ChangeScreenSharingRole, UNSUPPORTED, ACCESS_MEDIA, "Graph docs, call: changeScreenSharingRole"),
    gate(Action::AddLargeGalleryView, UNSUPPORTED, GALLERY, "Graph docs, call: addLargeGalleryView"),
    gate(Action::CreateAudioRoutingGroup, UNSUPPORTED, ROUTING, "Graph docs, call: post audioRoutingGroups"),
    gate(Action::UpdateAudioRoutingGroup, UNSUPPORTED, ROUTING, "Graph docs, audioRoutingGroup: update"),
    gate(Action::DeleteAudioRoutingGroup, UNSUPPORTED, ROUTING, "Graph docs, audioRoutingGroup: delete"),
    advice(Action::ListParticipants, NOTHING, NOTHING, "Graph docs, call: list participants (checked when the call is made)"),
    advice(Action::GetOperation, NOTHING, NOTHING, "Graph docs, addLargeGalleryViewOperation: get"),
];

/// A row as the machine reads it.
#[derive(Clone, Copy)]
struct Entry {
    p2p: u8,
    group: u8,
    flags: u8,
}

enum Column {
    PeerToPeer,
    Group,
}

/// The bit beside the seven permissions of a column.
const NOT_SUPPORTED: u8 = 1 << 7;
const P2P_MEDIA: u8 = 1;
const GROUP_MEDIA: u8 = 1 << 1;
const IF_APP_HOSTED: u8 = 1 << 2;
const GATE: u8 = 1 << 3;
const MEDIA: Permissions = Permissions::of(&[Permission::AccessMediaAll]);
const NO_ENTRY: Entry = Entry { p2p: 0, group: 0, flags: 0 };

static TABLE: [Entry; Action::COUNT] = table();

const _: () = assert!(is_whole(), "each action stands in the table exactly once, and fits an entry");
const _: () = assert!(Permission::COUNT <= 7, "a column has seven bits for permissions");

const fn entry(action: Action) -> Entry {
    match TABLE.split_at_checked(action.index()) {
        Some((_, [entry, ..])) => *entry,
        _ => NO_ENTRY,
    }
}

const fn table() -> [Entry; Action::COUNT] {
    let mut table = [NO_ENTRY; Action::COUNT];
    let (mut slots, mut actions): (&mut [Entry], _) = (&mut table, Action::ALL);
    while let ([slot, other_slots @ ..], [action, other_actions @ ..]) = (slots, actions) {
        if let Some(row) = row(*action) {
            *slot = packed(row);
        }
        (slots, actions) = (other_slots, other_actions);
    }
    table
}

const fn row(action: Action) -> Option<&'static Row> {
    let mut rest = ROWS;
    while let [first, others @ ..] = rest {
        if first.action.index() == action.index() {
            return Some(first);
        }
        rest = others;
    }
    None
}

const fn packed(row: &Row) -> Entry {
    let (p2p, p2p_media) = column(row.p2p);
    let (group, group_media) = column(row.group);
    let mut flags = 0;
    if p2p_media {
        flags |= P2P_MEDIA;
    }
    if group_media {
        flags |= GROUP_MEDIA;
    }
    if matches!(row.media, MediaNote::IfAppHosted) {
        flags |= IF_APP_HOSTED;
    }
    if matches!(row.gate, Gate::Refuses) {
        flags |= GATE;
    }
    Entry { p2p, group, flags }
}

const fn column(requirement: Requirement) -> (u8, bool) {
    match requirement {
        Requirement::Nothing => (0, false),
        Requirement::NotSupported => (NOT_SUPPORTED, false),
        Requirement::Needs(needs) => (needs.any_of.0, needs.all_of.intersects(MEDIA)),
    }
}

const fn is_whole() -> bool {
    let mut actions = Action::ALL;
    while let [action, others @ ..] = actions {
        let Some(row) = row(*action) else { return false };
        let is_clear = matches!(row.certainty, Certainty::Documented) || matches!(row.gate, Gate::Advises);
        if !(is_clear && fits(row.p2p) && fits(row.group)) {
            return false;
        }
        actions = others;
    }
    ROWS.len() == Action::COUNT
}

/// Whether an entry can hold it: all that is needed besides is media.
const fn fits(requirement: Requirement) -> bool {
    match requirement {
        Requirement::Needs(needs) => needs.all_of.without(MEDIA).is_empty(),
        Requirement::Nothing | Requirement::NotSupported => true,
    }
}

#[cfg(test)]
mod tests;
