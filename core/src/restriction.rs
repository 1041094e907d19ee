//! Restrictions: for which calls an action is.
//!
//! The lifecycle says in which states an action is possible; this book says for which calls: by kind, hosting, media and a
//! few facts more. What a page of the Graph docs rules out is refused, what is captured or assumed is advised against.
//! Every restriction has a name, by which an embedder switches it off where the service turns out to allow more.
//!
//! ```
//! use callflow_core::action::Action;
//! use callflow_core::classification::{Hosting, Kind};
//! use callflow_core::media::MediaHost;
//! use callflow_core::restriction::{CallFacts, Overrides, Restriction, Verdict, check};
//!
//! let facts = CallFacts::new(Kind::PeerToPeer, Hosting::Direct, MediaHost::Service);
//! let broken = Restriction::ConversationOnly;
//! assert_eq!(check(Action::Mute, &facts, Overrides::NONE), Verdict::Refuse(broken));
//! assert_eq!(check(Action::Mute, &facts, Overrides::NONE.with(broken)), Verdict::Go);
//! ```
//!
//! Source: Graph docs, the page that each row names.

use crate::action::Action;
use crate::certainty::Certainty;
use crate::classification::{Hosting, Kind};
use crate::media::MediaHost;
use crate::words::words;

words! {
    /// What keeps an action from being for a call.
    pub enum Restriction {
        /// For group calls and what is hosted as a conversation.
        ConversationOnly = "conversationOnly",
        /// The same, where no page says so in as many words.
        ConversationLikely = "conversationLikely",
        /// For calls whose `chatInfo` is known.
        ChatNeeded = "chatNeeded",
        /// A transfer in a group names whom to transfer.
        TransfereeNeeded = "transfereeNeeded",
        /// A transfer without a transferee is likely refused once the call is hosted as a conversation.
        MeetingMode = "meetingMode",
        /// For calls whose media the service hosts.
        ServiceHostedMedia = "serviceHostedMedia",
        /// For calls whose media the bot hosts.
        AppHostedMedia = "appHostedMedia",
        /// For calls of policy-based recording.
        PolicyRecordingOnly = "policyRecordingOnly",
        /// One participant on hold at a time.
        OneOnHold = "oneOnHold",
        /// A list of the participants that says nothing.
        EmptyList = "emptyList",
        /// For calls that are established; the lifecycle advises it, whatever the call.
        Established = "established",
    }
}

impl Restriction {
    /// The restriction of this name, in any case.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|restriction| restriction.name().eq_ignore_ascii_case(name))
    }

    /// How sure it is.
    pub const fn certainty(self) -> Certainty {
        if DOCUMENTED.has(self) {
            return Certainty::Documented;
        }
        if CAPTURED.has(self) {
            return Certainty::Captured;
        }
        Certainty::Assumed
    }

    /// What it says, and the way out.
    pub fn words(self) -> &'static str {
        REASONS.iter().find(|reason| reason.restriction == self).map_or("", |reason| reason.words)
    }

    /// Where it stands.
    pub fn source(self) -> &'static str {
        REASONS.iter().find(|reason| reason.restriction == self).map_or("", |reason| reason.source)
    }

    /// Whether a call, and what is asked of it, breaks the restriction.
    const fn is_broken_by(self, facts: CallFacts) -> bool {
        let is_conversation = matches!(
            (facts.kind, facts.hosting),
            (Kind::Group, _) | (Kind::PeerToPeer, Hosting::Conversation)
        );
        match self {
            Self::ConversationOnly | Self::ConversationLikely | Self::EmptyList => !is_conversation,
            // The lifecycle knows the state: see its `Leave::Advise`.
            Self::Established => false,
            Self::ChatNeeded => matches!(facts.chat, Chat::Unknown),
            Self::TransfereeNeeded => {
                matches!((facts.kind, facts.transferee), (Kind::Group, Transferee::Unnamed))
            }
            Self::MeetingMode => matches!(
                (facts.kind, facts.hosting, facts.transferee),
                (Kind::PeerToPeer, Hosting::Conversation, Transferee::Unnamed)
            ),
            Self::ServiceHostedMedia => !matches!(facts.media, MediaHost::Service),
            Self::AppHostedMedia => !matches!(facts.media, MediaHost::App),
            Self::PolicyRecordingOnly => matches!(facts.recording, PolicyRecording::No),
            Self::OneOnHold => matches!(facts.hold, Hold::Another),
        }
    }
}

words! {
    /// Whether the call's `chatInfo` is known.
    pub enum Chat {
        /// It is not.
        Unknown = "unknown",
        /// It is.
        Known = "known",
    }
}

words! {
    /// Whether the bot was called in for policy-based recording.
    pub enum PolicyRecording {
        /// It was not.
        No = "no",
        /// It was.
        Yes = "yes",
    }
}

words! {
    /// Who is on hold already.
    pub enum Hold {
        /// Nobody, or the participant that is asked for.
        Free = "free",
        /// Another participant than the one that is asked for.
        Another = "another",
    }
}

words! {
    /// Whether a transfer names whom to transfer.
    pub enum Transferee {
        /// It does not.
        Unnamed = "unnamed",
        /// It does.
        Named = "named",
    }
}

/// What the restrictions look at: the call, and what is asked of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct CallFacts {
    /// Peer-to-peer or group.
    pub kind: Kind,
    /// How the service hosts it.
    pub hosting: Hosting,
    /// Who hosts its media.
    pub media: MediaHost,
    /// Whether its `chatInfo` is known.
    pub chat: Chat,
    /// Whether it is one of policy-based recording.
    pub recording: PolicyRecording,
    /// Who is on hold, for [`Action::StartHoldMusic`].
    pub hold: Hold,
    /// Whether a transferee is named, for [`Action::Transfer`].
    pub transferee: Transferee,
}

impl CallFacts {
    /// A call of which nothing else is known, and an action that names nobody.
    pub const fn new(kind: Kind, hosting: Hosting, media: MediaHost) -> Self {
        Self {
            kind,
            hosting,
            media,
            chat: Chat::Unknown,
            recording: PolicyRecording::No,
            hold: Hold::Free,
            transferee: Transferee::Unnamed,
        }
    }
}

/// A set of restrictions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Restrictions(u16);

/// The restrictions that the embedder switches off, by name.
///
/// A name of its own for the parameter; the set is the same.
pub use Restrictions as Overrides;

impl Restrictions {
    /// None.
    pub const NONE: Self = Self(0);

    /// The set of these.
    pub const fn of(list: &[Restriction]) -> Self {
        let mut set = Self::NONE;
        let mut rest = list;
        while let [first, others @ ..] = rest {
            set = set.with(*first);
            rest = others;
        }
        set
    }

    /// This set and `restriction`.
    #[must_use]
    pub const fn with(self, restriction: Restriction) -> Self {
        Self(self.0 | 1u16.wrapping_shl(restriction as u32))
    }

    /// Whether `restriction` is in the set.
    pub const fn has(self, restriction: Restriction) -> bool {
        self.0 & 1u16.wrapping_shl(restriction as u32) != 0
    }

    /// Whether nothing is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The set of these names, apart from commas and white space; or the first that is no name.
    ///
    /// # Errors
    /// The part that names no restriction: the names are those of [`Restriction::ALL`].
    pub fn parse(names: &str) -> Result<Self, &str> {
        names
            .split(|c: char| c == ',' || c.is_whitespace())
            .filter(|name| !name.is_empty())
            .try_fold(Self::NONE, |set, name| Restriction::parse(name).map(|one| set.with(one)).ok_or(name))
    }

    /// What is in the set, in the order of [`Restriction::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Restriction> {
        Restriction::ALL.iter().copied().filter(move |restriction| self.has(*restriction))
    }

    /// The first in the set, in the order of [`Restriction::ALL`].
    pub const fn first(self) -> Option<Restriction> {
        let mut rest = Restriction::ALL;
        while let [first, others @ ..] = rest {
            if self.has(*first) {
                return Some(*first);
            }
            rest = others;
        }
        None
    }

    /// What is in this set and not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The set as bits, for snapshots.
    #[cfg(feature = "snapshot")]
    pub(crate) const fn bits(self) -> u16 {
        self.0
    }

    /// The set of these bits; `None` where one stands for nothing.
    #[cfg(feature = "snapshot")]
    pub(crate) const fn from_bits(bits: u16) -> Option<Self> {
        if bits & !Self::of(Restriction::ALL).0 == 0 { Some(Self(bits)) } else { None }
    }

    const fn both(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

/// Whether an action is for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Verdict {
    /// Nothing speaks against it.
    Go,
    /// The service likely refuses it; it goes on all the same.
    Advise(Restriction),
    /// A page says that it is not for such a call.
    Refuse(Restriction),
}

/// Decides whether an action is for a call: a documented restriction refuses, any other advises.
///
/// # Errors
/// None. [`Verdict::Refuse`]: [`Restriction::words`] says the way out.
pub const fn check(action: Action, facts: &CallFacts, overrides: Overrides) -> Verdict {
    let broken = broken(action, facts).without(overrides);
    if broken.is_empty() {
        return Verdict::Go;
    }
    if let Some(restriction) = broken.both(DOCUMENTED).first() {
        return Verdict::Refuse(restriction);
    }
    match broken.first() {
        Some(restriction) => Verdict::Advise(restriction),
        None => Verdict::Go,
    }
}

/// All restrictions of an action that a call breaks.
pub const fn broken(action: Action, facts: &CallFacts) -> Restrictions {
    let mut applying = applying(action).0;
    let mut broken = Restrictions::NONE;
    let mut rest = Restriction::ALL;
    while let ([first, others @ ..], true) = (rest, applying != 0) {
        if applying & 1 != 0 && first.is_broken_by(*facts) {
            broken = broken.with(*first);
        }
        applying >>= 1;
        rest = others;
    }
    broken
}

/// The restrictions of an action.
pub const fn applying(action: Action) -> Restrictions {
    match TABLE.split_at_checked(action.index()) {
        Some((_, [restrictions, ..])) => *restrictions,
        _ => Restrictions::NONE,
    }
}

/// A row of the table: the restrictions of one action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Row {
    /// The action.
    pub action: Action,
    /// Its restrictions.
    pub restrictions: Restrictions,
    /// Where they stand.
    pub source: &'static str,
}

/// The whole table, for printing.
pub fn rows() -> impl Iterator<Item = Row> {
    ROWS.iter().copied()
}

const fn row(action: Action, restrictions: &[Restriction], source: &'static str) -> Row {
    Row { action, restrictions: Restrictions::of(restrictions), source }
}

use Restriction as R;

/// Action, restrictions, source.
///
/// Source: the last column. That one invitation makes a group of a peer-to-peer call, and so is for every call, is what
/// the current page shows; an earlier one had it for group calls only.
#[rustfmt::skip] // One line a rule.
const ROWS: &[Row] = &[
    row(Action::Place, &[], "Graph docs, application: post calls"),
    row(Action::PlaceGroup, &[], "Graph docs, application: post calls"),
    row(Action::Join, &[], "Graph docs, application: post calls"),
    row(Action::JoinAsGuest, &[], "Graph docs, application: post calls"),
    row(Action::Answer, &[], "Graph docs, call: answer"),
    row(Action::AnswerPolicyRecording, &[R::PolicyRecordingOnly], "Graph docs, call: answer (participantCapacity)"),
    row(Action::Reject, &[], "Graph docs, call: reject"),
    row(Action::Redirect, &[], "Graph docs, call: redirect"),
    row(Action::Transfer, &[R::TransfereeNeeded, R::MeetingMode], "Graph docs, call: transfer; field reports (8523)"),
    row(Action::HangUp, &[], "Graph docs, call: delete"),
    row(Action::KeepAlive, &[], "Graph docs, call: keepAlive"),
    row(Action::Refresh, &[], "Graph docs, call: get"),
    row(Action::Mute, &[R::ConversationOnly], "Graph docs, call: mute"),
    row(Action::Unmute, &[R::ConversationOnly], "Graph docs, call: unmute"),
    row(Action::PlayPrompt, &[R::ServiceHostedMedia], "Graph docs, call: playPrompt"),
    row(Action::Record, &[R::ServiceHostedMedia], "Graph docs, call: record"),
    row(Action::CancelMediaProcessing, &[R::ServiceHostedMedia], "Graph docs, call: cancelMediaProcessing"),
    row(Action::SubscribeToTone, &[R::ServiceHostedMedia], "Graph docs, call: subscribeToTone"),
    row(Action::SendDtmf, &[], "Graph docs, call: sendDtmfTones (no restriction stated)"),
    row(Action::Invite, &[], "Graph docs, participant: invite (one participant to an existing call)"),
    row(Action::InviteSeveral, &[R::ConversationOnly, R::ChatNeeded], "Graph docs, participant: invite"),
    row(Action::RemoveParticipant, &[R::ConversationLikely], "assumed; if it is wrong, the advice is"),
    row(Action::MuteParticipant, &[R::ConversationOnly], "Graph docs, participant: mute"),
    row(Action::StartHoldMusic, &[R::ConversationLikely, R::OneOnHold], "Graph docs, participant: startHoldMusic"),
    row(Action::StopHoldMusic, &[R::ConversationLikely], "assumed; if it is wrong, the advice is"),
    row(Action::UpdateRecordingStatus, &[R::PolicyRecordingOnly], "Graph docs, call: updateRecordingStatus"),
    row(Action::AnswerJoining, &[R::PolicyRecordingOnly], "Graph docs, participantJoiningNotification"),
    row(Action::ChangeScreenSharingRole, &[R::ConversationOnly, R::AppHostedMedia], "Graph docs, call: changeScreenSharingRole"),
    row(Action::AddLargeGalleryView, &[R::ConversationLikely], "assumed; if it is wrong, the advice is"),
    row(Action::CreateAudioRoutingGroup, &[R::ConversationLikely], "assumed (audioRoutingGroup speaks of a multiparty conversation); if it is wrong, the advice is"),
    row(Action::UpdateAudioRoutingGroup, &[R::ConversationLikely], "assumed (as for making one); if it is wrong, the advice is"),
    row(Action::DeleteAudioRoutingGroup, &[R::ConversationLikely], "assumed (as for making one); if it is wrong, the advice is"),
    row(Action::ListParticipants, &[R::EmptyList], "Graph docs, call: list participants; field reports (an empty list)"),
    row(Action::GetOperation, &[], "Graph docs, addLargeGalleryViewOperation: get"),
];

/// How sure a restriction is, and what it says.
struct Reason {
    restriction: Restriction,
    certainty: Certainty,
    words: &'static str,
    source: &'static str,
}

/// Source: the `source` of each row.
const REASONS: &[Reason] = &[
    Reason {
        restriction: R::ConversationOnly,
        certainty: Certainty::Documented,
        words: "only group calls have this: invite a participant first, or call several",
        source: "Graph docs, call: mute, participant: mute, participant: invite, call: changeScreenSharingRole; that a \
                 peer-to-peer call hosted as a conversation has it too is assumed: if it is wrong, the service refuses",
    },
    Reason {
        restriction: R::ConversationLikely,
        certainty: Certainty::Assumed,
        words: "this is likely for group calls only: invite a participant first, or be ready for a refusal",
        source: "assumed (it addresses participants of a roster); if it is wrong, only the advice is",
    },
    Reason {
        restriction: R::ChatNeeded,
        certainty: Certainty::Documented,
        words: "several are invited at once only into a call with a known chatInfo: invite them one by one",
        source: "Graph docs, participant: invite",
    },
    Reason {
        restriction: R::TransfereeNeeded,
        certainty: Certainty::Documented,
        words: "in a group call a transfer names whom to transfer: name a participant of the roster",
        source: "Graph docs, call: transfer",
    },
    Reason {
        restriction: R::MeetingMode,
        certainty: Certainty::Captured,
        words: "the call is hosted as a conversation, where a plain transfer is likely refused with 8523: name the \
                transferee, or transfer before inviting anybody",
        source: "field reports (8523 after an invitation, also after one that was declined)",
    },
    Reason {
        restriction: R::ServiceHostedMedia,
        certainty: Certainty::Documented,
        words: "only for media that the service hosts: create or answer the call with serviceHostedMediaConfig",
        source: "Graph docs, call: playPrompt, call: record, call: subscribeToTone, call: cancelMediaProcessing",
    },
    Reason {
        restriction: R::AppHostedMedia,
        certainty: Certainty::Documented,
        words: "only for media that the bot hosts: create or answer the call with appHostedMediaConfig",
        source: "Graph docs, call: changeScreenSharingRole",
    },
    Reason {
        restriction: R::PolicyRecordingOnly,
        certainty: Certainty::Documented,
        words: "only where a recording policy called the bot in: have an administrator assign the policy",
        source: "Graph docs, call: updateRecordingStatus, call: answer, participantJoiningNotification",
    },
    Reason {
        restriction: R::OneOnHold,
        certainty: Certainty::Documented,
        words: "one participant is on hold at a time: take the other off hold first",
        source: "Graph docs, participant: startHoldMusic",
    },
    Reason {
        restriction: R::EmptyList,
        certainty: Certainty::Captured,
        words: "of a peer-to-peer call the list is empty or refused: it does not say that nobody is there",
        source: "field reports (an empty list); Graph docs, call: list participants",
    },
    Reason {
        restriction: R::Established,
        certainty: Certainty::Assumed,
        words: "the call is not established, so that the service is likely to refuse this: wait until it is",
        source: "assumed (the pages have it on established calls and name no state); if it is wrong, only the advice is",
    },
];

static TABLE: [Restrictions; Action::COUNT] = table();
const DOCUMENTED: Restrictions = of_certainty(Certainty::Documented);
const CAPTURED: Restrictions = of_certainty(Certainty::Captured);

const _: () = assert!(Restriction::COUNT <= 16, "a set of restrictions has 16 bits");
const _: () = assert!(has_each_action_once(), "each action stands in the table exactly once");
const _: () = assert!(has_each_restriction_once(), "each restriction has its reason exactly once");

const fn table() -> [Restrictions; Action::COUNT] {
    let mut table = [Restrictions::NONE; Action::COUNT];
    let (mut slots, mut actions): (&mut [Restrictions], _) = (&mut table, Action::ALL);
    while let ([slot, other_slots @ ..], [action, other_actions @ ..]) = (slots, actions) {
        if let Some(row) = row_of(*action) {
            *slot = row.restrictions;
        }
        (slots, actions) = (other_slots, other_actions);
    }
    table
}

const fn row_of(action: Action) -> Option<&'static Row> {
    let mut rest = ROWS;
    while let [first, others @ ..] = rest {
        if first.action.index() == action.index() {
            return Some(first);
        }
        rest = others;
    }
    None
}

const fn of_certainty(certainty: Certainty) -> Restrictions {
    let mut set = Restrictions::NONE;
    let mut rest = REASONS;
    while let [first, others @ ..] = rest {
        if first.certainty.index() == certainty.index() {
            set = set.with(first.restriction);
        }
        rest = others;
    }
    set
}

const fn has_each_action_once() -> bool {
    let mut actions = Action::ALL;
    while let [action, others @ ..] = actions {
        if row_of(*action).is_none() {
            return false;
        }
        actions = others;
    }
    ROWS.len() == Action::COUNT
}

const fn has_each_restriction_once() -> bool {
    let all = of_certainty(Certainty::Documented).0
        | of_certainty(Certainty::Captured).0
        | of_certainty(Certainty::Assumed).0;
    all == Restrictions::of(Restriction::ALL).0 && REASONS.len() == Restriction::COUNT
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    const P2P: CallFacts = CallFacts::new(Kind::PeerToPeer, Hosting::Direct, MediaHost::Service);
    const HOSTED: CallFacts = CallFacts { hosting: Hosting::Conversation, ..P2P };
    const GROUP: CallFacts = CallFacts { kind: Kind::Group, ..HOSTED };

    /// Checks an action on the three kinds of calls there are.
    fn on_each(action: Action, p2p: Verdict, hosted: Verdict, group: Verdict) {
        for (name, facts, verdict) in [("p2p", P2P, p2p), ("hosted", HOSTED, hosted), ("group", GROUP, group)]
        {
            assert_eq!(check(action, &facts, Overrides::NONE), verdict, "{action}, {name}");
        }
    }

    #[test]
    fn what_is_for_group_calls_only_is_refused_in_a_direct_call() {
        // Graph docs, call: mute, call: unmute, participant: mute.
        for action in [Action::Mute, Action::Unmute, Action::MuteParticipant] {
            on_each(action, Verdict::Refuse(R::ConversationOnly), Verdict::Go, Verdict::Go);
        }
    }

    #[test]
    fn what_is_likely_for_group_calls_is_advised_against_in_a_direct_call() {
        for action in [
            Action::RemoveParticipant,
            Action::StartHoldMusic,
            Action::StopHoldMusic,
            Action::AddLargeGalleryView,
            Action::CreateAudioRoutingGroup,
            Action::UpdateAudioRoutingGroup,
            Action::DeleteAudioRoutingGroup,
        ] {
            on_each(action, Verdict::Advise(R::ConversationLikely), Verdict::Go, Verdict::Go);
        }
        on_each(Action::ListParticipants, Verdict::Advise(R::EmptyList), Verdict::Go, Verdict::Go);
    }

    #[test]
    fn one_is_invited_into_every_call_and_several_into_a_conversation_with_a_chat() {
        // Graph docs, participant: invite.
        on_each(Action::Invite, Verdict::Go, Verdict::Go, Verdict::Go);
        let no_chat = Verdict::Refuse(R::ChatNeeded);
        on_each(Action::InviteSeveral, Verdict::Refuse(R::ConversationOnly), no_chat, no_chat);
        for facts in [HOSTED, GROUP] {
            let facts = CallFacts { chat: Chat::Known, ..facts };
            assert_eq!(check(Action::InviteSeveral, &facts, Overrides::NONE), Verdict::Go);
        }
    }

    #[test]
    fn a_transfer_in_a_group_names_the_transferee_and_in_meeting_mode_it_had_better() {
        // Graph docs, call: transfer.
        let (advise, refuse) = (Verdict::Advise(R::MeetingMode), Verdict::Refuse(R::TransfereeNeeded));
        on_each(Action::Transfer, Verdict::Go, advise, refuse);
        for facts in [P2P, HOSTED, GROUP] {
            let facts = CallFacts { transferee: Transferee::Named, ..facts };
            assert_eq!(check(Action::Transfer, &facts, Overrides::NONE), Verdict::Go);
        }
    }

    #[test]
    fn media_of_the_other_host_are_refused() {
        // Graph docs, call: playPrompt, call: record, call: subscribeToTone, call: cancelMediaProcessing.
        let app = CallFacts { media: MediaHost::App, ..GROUP };
        for action in
            [Action::PlayPrompt, Action::Record, Action::SubscribeToTone, Action::CancelMediaProcessing]
        {
            on_each(action, Verdict::Go, Verdict::Go, Verdict::Go);
            assert_eq!(
                check(action, &app, Overrides::NONE),
                Verdict::Refuse(R::ServiceHostedMedia),
                "{action}"
            );
        }
        // Graph docs, call: changeScreenSharingRole.
        let (role, refused) = (Action::ChangeScreenSharingRole, Verdict::Refuse(R::AppHostedMedia));
        on_each(role, Verdict::Refuse(R::ConversationOnly), refused, refused);
        assert_eq!(check(role, &app, Overrides::NONE), Verdict::Go);
        // Graph docs, call: sendDtmfTones: nothing is said of the media's host.
        assert_eq!(check(Action::SendDtmf, &app, Overrides::NONE), Verdict::Go);
    }

    #[test]
    fn what_is_for_policy_recording_is_refused_elsewhere() {
        // Graph docs, call: updateRecordingStatus, participantJoiningNotification.
        let recording = CallFacts { recording: PolicyRecording::Yes, ..GROUP };
        for action in [Action::UpdateRecordingStatus, Action::AnswerJoining, Action::AnswerPolicyRecording] {
            let refused = Verdict::Refuse(R::PolicyRecordingOnly);
            on_each(action, refused, refused, refused);
            assert_eq!(check(action, &recording, Overrides::NONE), Verdict::Go, "{action}");
        }
    }

    #[test]
    fn a_second_one_on_hold_is_refused() {
        // Graph docs, participant: startHoldMusic.
        let held = CallFacts { hold: Hold::Another, ..GROUP };
        let refused = Verdict::Refuse(R::OneOnHold);
        assert_eq!(check(Action::StartHoldMusic, &held, Overrides::NONE), refused);
        assert_eq!(check(Action::StopHoldMusic, &held, Overrides::NONE), Verdict::Go);
    }

    #[test]
    fn what_every_call_has_is_never_restricted() {
        for action in [
            Action::Place,
            Action::PlaceGroup,
            Action::Join,
            Action::JoinAsGuest,
            Action::Answer,
            Action::Reject,
            Action::Redirect,
            Action::HangUp,
            Action::KeepAlive,
            Action::Refresh,
            Action::SendDtmf,
            Action::GetOperation,
        ] {
            on_each(action, Verdict::Go, Verdict::Go, Verdict::Go);
        }
    }

    #[test]
    fn an_override_switches_off_its_own_restriction_only() {
        let overrides = Overrides::parse("ConversationOnly, meetingMode").unwrap();
        assert_eq!(overrides, Overrides::of(&[R::ConversationOnly, R::MeetingMode]));
        assert_eq!(check(Action::Mute, &P2P, overrides), Verdict::Go);
        assert_eq!(check(Action::Transfer, &HOSTED, overrides), Verdict::Go);
        assert_eq!(check(Action::InviteSeveral, &P2P, overrides), Verdict::Refuse(R::ChatNeeded));
        assert_eq!(Overrides::parse("chatNeeded conversationAlways"), Err("conversationAlways"));
        assert_eq!(Overrides::parse(""), Ok(Overrides::NONE));
    }

    #[test]
    fn all_that_is_broken_is_told_in_order() {
        let several: Vec<_> = broken(Action::InviteSeveral, &P2P).iter().collect();
        assert_eq!(several, [R::ConversationOnly, R::ChatNeeded]);
        assert!(broken(Action::InviteSeveral, &CallFacts { chat: Chat::Known, ..GROUP }).is_empty());
    }

    #[test]
    fn a_documented_restriction_counts_before_one_that_is_not() {
        let held = CallFacts { hold: Hold::Another, ..P2P };
        assert_eq!(check(Action::StartHoldMusic, &held, Overrides::NONE), Verdict::Refuse(R::OneOnHold));
    }

    #[test]
    fn each_restriction_says_its_certainty_its_way_out_and_its_source() {
        for restriction in Restriction::ALL {
            assert!(restriction.words().contains(':'), "{restriction}");
            let is_assumed = restriction.source().starts_with("assumed");
            assert_eq!(restriction.certainty() == Certainty::Assumed, is_assumed, "{restriction}");
            assert_eq!(Restriction::parse(restriction.name()), Some(*restriction));
            let is_used = rows().any(|row| row.restrictions.has(*restriction));
            // That one is the lifecycle's, in its own table.
            assert_eq!(is_used, *restriction != R::Established, "{restriction}");
        }
    }

    #[test]
    fn the_compact_table_says_what_the_rows_say() {
        for row in rows() {
            assert_eq!(applying(row.action), row.restrictions, "{}", row.action);
        }
        assert_eq!(rows().count(), Action::COUNT);
    }
}
