//! The two tables of the lifecycle, row by row, with where each stands and how sure it is; and their dense forms, which
//! are what a call reads.

use super::{Effect, Leave, News, State, Why};
use crate::action::{Action, Actions};
use crate::certainty::Certainty;

/// A set of states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct States(u16);

impl States {
    /// The set of these.
    pub const fn of(list: &[State]) -> Self {
        let mut bits = 0u16;
        let mut rest = list;
        while let [first, others @ ..] = rest {
            bits |= 1u16.wrapping_shl(*first as u32);
            rest = others;
        }
        Self(bits)
    }

    /// Whether `state` is in the set.
    pub const fn has(self, state: State) -> bool {
        self.0 & 1u16.wrapping_shl(state as u32) != 0
    }

    /// What is in the set, in the order of [`State::ALL`].
    pub fn iter(self) -> impl Iterator<Item = State> {
        State::ALL.iter().copied().filter(move |state| self.has(*state))
    }
}

const _: () = assert!(State::COUNT <= 16, "a set of states has 16 bits");

/// A row of the table of actions: whether they may leave in these states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ActionRow {
    /// The states.
    pub states: States,
    /// The actions.
    pub actions: Actions,
    /// Whether they may leave.
    pub leave: Leave,
    /// How sure it is.
    pub certainty: Certainty,
    /// Where it stands.
    pub source: &'static str,
}

/// A row of the table of news: what it does in these states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct NewsRow {
    /// The states.
    pub states: States,
    /// The news.
    pub news: News,
    /// What it does.
    pub effect: Effect,
    /// How sure it is.
    pub certainty: Certainty,
    /// Where it stands.
    pub source: &'static str,
}

/// The whole table of actions, for printing.
pub fn action_rows() -> impl Iterator<Item = ActionRow> {
    ACTIONS.iter().copied()
}

/// The whole table of news, for printing.
pub fn news_rows() -> impl Iterator<Item = NewsRow> {
    NEWS.iter().copied()
}

/// A row that a page of the Graph docs has.
const fn on_page(states: States, actions: Actions, leave: Leave, source: &'static str) -> ActionRow {
    ActionRow { states, actions, leave, certainty: Certainty::Documented, source }
}

/// A row that no page has.
const fn assumed(states: States, actions: Actions, leave: Leave, source: &'static str) -> ActionRow {
    ActionRow { certainty: Certainty::Assumed, ..on_page(states, actions, leave, source) }
}

/// News as a page of the Graph docs has it.
const fn told(states: States, news: News, effect: Effect, source: &'static str) -> NewsRow {
    NewsRow { states, news, effect, certainty: Certainty::Documented, source }
}

/// News as field reports have it.
const fn reported(states: States, news: News, effect: Effect, source: &'static str) -> NewsRow {
    NewsRow { certainty: Certainty::Captured, ..told(states, news, effect, source) }
}

/// News that no page has in these states.
const fn inferred(states: States, news: News, effect: Effect, source: &'static str) -> NewsRow {
    NewsRow { certainty: Certainty::Assumed, ..told(states, news, effect, source) }
}

const INCOMING: States = States::of(&[State::Incoming]);
const ESTABLISHING: States = States::of(&[State::Establishing]);
const RINGING: States = States::of(&[State::Ringing]);
const ESTABLISHED: States = States::of(&[State::Established]);
const HOLD: States = States::of(&[State::Hold]);
const TRANSFERRING: States = States::of(&[State::Transferring]);
const TRANSFER_ACCEPTED: States = States::of(&[State::TransferAccepted]);
const IN_TRANSFER: States = States::of(&[State::Transferring, State::TransferAccepted]);
const REDIRECTING: States = States::of(&[State::Redirecting]);
const TERMINATING: States = States::of(&[State::Terminating]);
const TERMINATED: States = States::of(&[State::Terminated]);
const SETTING_UP: States = States::of(&[State::Establishing, State::Ringing]);
const CONNECTED: States =
    States::of(&[State::Established, State::Hold, State::Transferring, State::TransferAccepted]);
const LEAVING: States = States::of(&[State::Redirecting, State::Terminating]);
const NOT_CONNECTED: States = States::of(&[
    State::Incoming,
    State::Establishing,
    State::Ringing,
    State::Redirecting,
    State::Terminating,
]);
const BEYOND_INCOMING: States = States::of(&[
    State::Establishing,
    State::Ringing,
    State::Established,
    State::Hold,
    State::Transferring,
    State::TransferAccepted,
    State::Redirecting,
    State::Terminating,
]);
const LIVE: States = States::of(&[
    State::Incoming,
    State::Establishing,
    State::Ringing,
    State::Established,
    State::Hold,
    State::Transferring,
    State::TransferAccepted,
    State::Redirecting,
    State::Terminating,
]);
const ALL: States = States::of(State::ALL);

/// In which states actions are for a call: states, actions, whether they may leave, source.
///
/// Source: the last column.
#[rustfmt::skip] // One line a rule.
const ACTIONS: &[ActionRow] = &[
    // What creates a call is not for one that exists.
    on_page(ALL, CREATION, Leave::Refuse(Why::Exists), "Graph docs, application: post calls (it creates a call, with an id of its own)"),

    // Within the limit, which the call keeps.
    on_page(INCOMING, SETTLEMENT, Leave::Allow, "Graph docs, call: answer, call: reject, call: redirect"),
    on_page(BEYOND_INCOMING, SETTLEMENT, Leave::Refuse(Why::NotIncoming), "Graph docs, call: answer, call: reject, call: redirect (an incoming call)"),
    on_page(TERMINATED, SETTLEMENT, Leave::Refuse(Why::Ended), ENDED),

    on_page(INCOMING, TRANSFER, Leave::Refuse(Why::AnswerFirst), "Graph docs, call: transfer (an active call)"),
    on_page(SETTING_UP, TRANSFER, Leave::Refuse(Why::NotEstablished), "Graph docs, call: transfer (an active call, taken for one that is established)"),
    on_page(ESTABLISHED, TRANSFER, Leave::Allow, "Graph docs, call: transfer"),
    assumed(HOLD, TRANSFER, Leave::Allow, "assumed (a call on hold is taken for an active one); if it is wrong, the service refuses"),
    assumed(IN_TRANSFER, TRANSFER, Leave::Refuse(Why::InTransfer), "assumed (no page has a second transfer meanwhile); if it is wrong, it is refused until the first one failed"),
    on_page(LEAVING, TRANSFER, Leave::Refuse(Why::Leaving), "Graph docs, call: transfer (an active call)"),
    on_page(TERMINATED, TRANSFER, Leave::Refuse(Why::Ended), ENDED),

    on_page(INCOMING, HANG_UP, Leave::IfAnswered(Why::UseReject), "Graph docs, call: delete (an active call), call: reject (one that waits, not one that was answered)"),
    on_page(BEYOND_INCOMING, HANG_UP, Leave::Allow, "Graph docs, call: delete"),
    on_page(TERMINATED, HANG_UP, Leave::Refuse(Why::Ended), ENDED),

    on_page(LIVE, KEEP_ALIVE, Leave::Allow, "Graph docs, call: keepAlive"),
    on_page(TERMINATED, KEEP_ALIVE, Leave::Refuse(Why::Ended), ENDED),

    on_page(LIVE, QUESTIONS, Leave::Allow, "Graph docs, call: get, call: list participants, addLargeGalleryViewOperation: get"),
    // An end that was only inferred may still be asked about.
    on_page(TERMINATED, QUESTIONS, Leave::IfInferred(Why::Ended), ENDED),

    // They wait until the call is established and its audio active.
    assumed(NOT_CONNECTED, MEDIA, Leave::Allow, "assumed (they wait for audio, as the vendor's samples do); if it is wrong, they leave later than they could"),
    on_page(CONNECTED, MEDIA, Leave::Allow, "Graph docs, call: playPrompt, call: record, call: cancelMediaProcessing, call: subscribeToTone, call: sendDtmfTones"),
    on_page(TERMINATED, MEDIA, Leave::Refuse(Why::Ended), ENDED),

    assumed(NOT_CONNECTED, STEERING, Leave::Advise, "assumed (the pages have it on established calls and name no state); if it is wrong, only the advice is"),
    on_page(CONNECTED, STEERING, Leave::Allow, "Graph docs, call: mute, participant: invite, and the page of each other action"),
    on_page(TERMINATED, STEERING, Leave::Refuse(Why::Ended), ENDED),

    // It is answered in the HTTP response, whatever the state.
    on_page(LIVE, JOINING, Leave::Allow, "Graph docs, participantJoiningNotification"),
    on_page(TERMINATED, JOINING, Leave::Refuse(Why::Ended), ENDED),
];

const ENDED: &str =
    "Graph docs, call: keepAlive (404 after the end: release what belongs to the call), call: delete";

const CREATION: Actions =
    Actions::of(&[Action::Place, Action::PlaceGroup, Action::Join, Action::JoinAsGuest]);
const SETTLEMENT: Actions =
    Actions::of(&[Action::Answer, Action::AnswerPolicyRecording, Action::Reject, Action::Redirect]);
const TRANSFER: Actions = Actions::of(&[Action::Transfer]);
const HANG_UP: Actions = Actions::of(&[Action::HangUp]);
const KEEP_ALIVE: Actions = Actions::of(&[Action::KeepAlive]);
const QUESTIONS: Actions = Actions::of(&[Action::Refresh, Action::ListParticipants, Action::GetOperation]);
const MEDIA: Actions = Actions::of(&[
    Action::PlayPrompt,
    Action::Record,
    Action::CancelMediaProcessing,
    Action::SubscribeToTone,
    Action::SendDtmf,
]);
const STEERING: Actions = Actions::of(&[
    Action::Mute,
    Action::Unmute,
    Action::Invite,
    Action::InviteSeveral,
    Action::RemoveParticipant,
    Action::MuteParticipant,
    Action::StartHoldMusic,
    Action::StopHoldMusic,
    Action::UpdateRecordingStatus,
    Action::ChangeScreenSharingRole,
    Action::AddLargeGalleryView,
    Action::CreateAudioRoutingGroup,
    Action::UpdateAudioRoutingGroup,
    Action::DeleteAudioRoutingGroup,
]);
const JOINING: Actions = Actions::of(&[Action::AnswerJoining]);

use Effect::{Adopt, AsAsked, Same, Stale, To, Unexplained};

/// What news does: states, news, effect, source.
///
/// Source: the last column.
#[rustfmt::skip] // One line a rule.
const NEWS: &[NewsRow] = &[
    inferred(INCOMING, News::Incoming, Same, REPEAT),
    inferred(BEYOND_INCOMING, News::Incoming, Stale, LATE),
    inferred(TERMINATED, News::Incoming, Stale, OVER),

    told(INCOMING, News::Establishing, To(State::Establishing), "Graph docs, call: answer"),
    told(ESTABLISHING, News::Establishing, Same, "Graph docs, application: post calls (the answer says it, and then a notification)"),
    inferred(RINGING, News::Establishing, Stale, LATE),
    told(CONNECTED, News::Establishing, Stale, OUT_OF_ORDER),
    inferred(LEAVING, News::Establishing, Stale, LATE),
    inferred(TERMINATED, News::Establishing, Stale, OVER),

    // An outgoing call rings between establishing and established.
    inferred(INCOMING, News::Ringing, Unexplained, NO_ORDER),
    inferred(ESTABLISHING, News::Ringing, To(State::Ringing), "assumed (call (callState) has only the name); if it is wrong, a call is said to ring that does not"),
    inferred(RINGING, News::Ringing, Same, REPEAT),
    inferred(CONNECTED, News::Ringing, Stale, LATE),
    inferred(LEAVING, News::Ringing, Stale, LATE),
    inferred(TERMINATED, News::Ringing, Stale, OVER),

    told(INCOMING, News::Established, To(State::Established), OUT_OF_ORDER),
    told(SETTING_UP, News::Established, To(State::Established), "Graph docs, call: answer, application: post calls"),
    told(ESTABLISHED, News::Established, Same, "Graph docs, call: subscribeToTone (each tone comes with it)"),
    inferred(HOLD, News::Established, Adopt(State::Established), "assumed (call (callState) has only the name of hold); if it is wrong, the answer to the question puts it right"),
    // A transfer that failed; or late news of before it.
    told(IN_TRANSFER, News::Established, Adopt(State::Established), "Graph docs, call: transfer (one that failed)"),
    inferred(REDIRECTING, News::Established, Unexplained, NO_ORDER),
    inferred(TERMINATING, News::Established, Stale, LATE),
    inferred(TERMINATED, News::Established, Stale, OVER),

    inferred(INCOMING, News::Hold, Unexplained, NO_ORDER),
    inferred(SETTING_UP, News::Hold, Unexplained, NO_ORDER),
    inferred(ESTABLISHED, News::Hold, Adopt(State::Hold), "assumed (call (callState) has only the name); if it is wrong, the answer to the question puts it right"),
    inferred(HOLD, News::Hold, Same, REPEAT),
    inferred(IN_TRANSFER, News::Hold, Unexplained, NO_ORDER),
    inferred(REDIRECTING, News::Hold, Unexplained, NO_ORDER),
    inferred(TERMINATING, News::Hold, Stale, LATE),
    inferred(TERMINATED, News::Hold, Stale, OVER),

    inferred(INCOMING, News::Transferring, Unexplained, NO_ORDER),
    inferred(SETTING_UP, News::Transferring, Unexplained, NO_ORDER),
    told(ESTABLISHED, News::Transferring, AsAsked(State::Transferring), "Graph docs, call: transfer"),
    inferred(HOLD, News::Transferring, AsAsked(State::Transferring), ON_HOLD),
    inferred(TRANSFERRING, News::Transferring, Same, REPEAT),
    inferred(TRANSFER_ACCEPTED, News::Transferring, Stale, LATE),
    inferred(REDIRECTING, News::Transferring, Unexplained, NO_ORDER),
    inferred(TERMINATING, News::Transferring, Stale, LATE),
    inferred(TERMINATED, News::Transferring, Stale, OVER),

    inferred(INCOMING, News::TransferAccepted, Unexplained, NO_ORDER),
    inferred(SETTING_UP, News::TransferAccepted, Unexplained, NO_ORDER),
    // That the transfer began was missed.
    inferred(ESTABLISHED, News::TransferAccepted, AsAsked(State::TransferAccepted), MISSED),
    inferred(HOLD, News::TransferAccepted, AsAsked(State::TransferAccepted), ON_HOLD),
    told(TRANSFERRING, News::TransferAccepted, To(State::TransferAccepted), "Graph docs, call: transfer"),
    inferred(TRANSFER_ACCEPTED, News::TransferAccepted, Same, REPEAT),
    inferred(REDIRECTING, News::TransferAccepted, Unexplained, NO_ORDER),
    inferred(TERMINATING, News::TransferAccepted, Stale, LATE),
    inferred(TERMINATED, News::TransferAccepted, Stale, OVER),

    inferred(INCOMING, News::Redirecting, AsAsked(State::Redirecting), "assumed (call (callState) has only the name, and call: redirect goes straight to the end); if it is wrong, it never comes"),
    inferred(SETTING_UP, News::Redirecting, Unexplained, NO_ORDER),
    inferred(CONNECTED, News::Redirecting, Unexplained, NO_ORDER),
    inferred(REDIRECTING, News::Redirecting, Same, REPEAT),
    inferred(TERMINATING, News::Redirecting, Stale, LATE),
    inferred(TERMINATED, News::Redirecting, Stale, OVER),

    // It may be left out.
    inferred(INCOMING, News::Terminating, To(State::Terminating), ENDING),
    reported(SETTING_UP, News::Terminating, To(State::Terminating), "field reports (a call that nobody picked up)"),
    told(CONNECTED, News::Terminating, To(State::Terminating), "Graph docs, call: delete"),
    inferred(REDIRECTING, News::Terminating, To(State::Terminating), ENDING),
    inferred(TERMINATING, News::Terminating, Same, REPEAT),
    inferred(TERMINATED, News::Terminating, Stale, OVER),

    // `deleted` ends the call, whatever it carries.
    told(LIVE, News::Terminated, To(State::Terminated), "Graph docs, call: delete, call: reject, call: redirect, call: transfer"),
    inferred(TERMINATED, News::Terminated, Same, REPEAT),

    told(LIVE, News::Gone, To(State::Terminated), "Graph docs, call: keepAlive (404: release what belongs to the call)"),
    inferred(TERMINATED, News::Gone, Same, REPEAT),

    // A definite refusal creates nothing. News of the call would have said otherwise.
    told(ESTABLISHING, News::NotCreated, To(State::Terminated), "Graph docs, application: post calls, Microsoft Graph error responses"),
    inferred(INCOMING, News::NotCreated, Stale, CREATED),
    inferred(RINGING, News::NotCreated, Stale, CREATED),
    inferred(CONNECTED, News::NotCreated, Stale, CREATED),
    inferred(LEAVING, News::NotCreated, Stale, CREATED),
    inferred(TERMINATED, News::NotCreated, Stale, OVER),
];

const OUT_OF_ORDER: &str = "Graph docs, call: answer (the two may arrive out of order)";
const REPEAT: &str = "assumed (news may be delivered twice); if it is wrong, this never comes";
const LATE: &str = "assumed (what comes earlier in the documented sequences is late); if it is wrong, the state is ahead of the service's until the next news or answer";
const OVER: &str = "assumed (field reports: news up to an hour late); if it is wrong, a call lives of which the service told the end";
const NO_ORDER: &str =
    "assumed (no page has this order); if it is wrong, the answer to the question tells the same";
const ON_HOLD: &str =
    "assumed (as for an established call); if it is wrong, the answer to the question puts it right";
const MISSED: &str =
    "assumed (news may be lost or late); if it is wrong, the answer to the question puts it right";
const ENDING: &str = "assumed (the examples go straight to the end); if it is wrong, it never comes";
const CREATED: &str = "assumed (who was told of a call trusts that); if it is wrong, the call is asked for when it is to be kept alive, and found gone";

const ACTION_PAIRS: usize = State::COUNT * Action::COUNT;
const NEWS_PAIRS: usize = State::COUNT * News::COUNT;

/// The rows, spread over every pair of action and state. The sources stay behind: what a call reads has no text.
const LEAVES: [Leave; ACTION_PAIRS] = spread_actions();
/// Which actions may leave in the same states: for each the number of its group. Most share one, which keeps the table
/// that a device carries small.
static GROUPS: [u8; Action::COUNT] = GROUPED.0;
/// Whether the actions of each group may leave.
static GROUP_LEAVES: [[Leave; State::COUNT]; GROUPED.1] = group_leaves();
const GROUPED: ([u8; Action::COUNT], usize) = group();
/// The rows, spread over every pair of news and state.
pub(super) static EFFECTS: [Effect; NEWS_PAIRS] = spread_news();

/// Spreads the rows; fails the build where a pair stands twice or not at all.
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)] // runs while compiling only
const fn spread_actions() -> [Leave; ACTION_PAIRS] {
    let mut table = [Leave::Allow; ACTION_PAIRS];
    let mut seen = [false; ACTION_PAIRS];
    let mut row = 0;
    while row < ACTIONS.len() {
        let ActionRow { states, actions, leave, .. } = ACTIONS[row];
        let mut pair = 0;
        while pair < ACTION_PAIRS {
            let (action, state) = (Action::ALL[pair / State::COUNT], State::ALL[pair % State::COUNT]);
            if states.has(state) && actions.has(action) {
                assert!(!seen[pair], "a pair of state and action stands in two rows");
                seen[pair] = true;
                table[pair] = leave;
            }
            pair += 1;
        }
        row += 1;
    }
    let mut pair = 0;
    while pair < ACTION_PAIRS {
        assert!(seen[pair], "a pair of state and action stands in no row");
        pair += 1;
    }
    table
}

/// Numbers the groups of actions whose answers are alike in every state, and counts them.
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::cast_possible_truncation)] // as above
const fn group() -> ([u8; Action::COUNT], usize) {
    let mut groups = [0; Action::COUNT];
    let mut count = 0;
    let mut action = 0;
    while action < Action::COUNT {
        let mut earlier = 0;
        while earlier < action && !are_alike(earlier, action) {
            earlier += 1;
        }
        if earlier < action {
            groups[action] = groups[earlier];
        } else {
            groups[action] = count as u8;
            count += 1;
        }
        action += 1;
    }
    (groups, count)
}

#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)] // as above
const fn are_alike(one: usize, other: usize) -> bool {
    let mut state = 0;
    while state < State::COUNT {
        if !LEAVES[one * State::COUNT + state].is(LEAVES[other * State::COUNT + state]) {
            return false;
        }
        state += 1;
    }
    true
}

#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)] // as above
const fn group_leaves() -> [[Leave; State::COUNT]; GROUPED.1] {
    let mut table = [[Leave::Allow; State::COUNT]; GROUPED.1];
    let mut action = 0;
    while action < Action::COUNT {
        let mut state = 0;
        while state < State::COUNT {
            table[GROUPED.0[action] as usize][state] = LEAVES[action * State::COUNT + state];
            state += 1;
        }
        action += 1;
    }
    table
}

impl Leave {
    /// Equality, for what runs while compiling.
    const fn is(self, other: Self) -> bool {
        match (self, other) {
            (Self::Allow, Self::Allow) | (Self::Advise, Self::Advise) => true,
            (Self::IfAnswered(why), Self::IfAnswered(other))
            | (Self::IfInferred(why), Self::IfInferred(other))
            | (Self::Refuse(why), Self::Refuse(other)) => why as u8 == other as u8,
            (Self::Allow | Self::Advise | Self::IfAnswered(_) | Self::IfInferred(_) | Self::Refuse(_), _) => {
                false
            }
        }
    }
}

/// Whether `action` may leave in `state`: see [`super::leave`].
pub(super) fn leave(state: State, action: Action) -> Leave {
    let group = GROUPS.get(action.index()).copied().unwrap_or(u8::MAX);
    let leaves = GROUP_LEAVES.get(usize::from(group));
    // Every action has a group, and every group every state; the fallback lets the service decide.
    leaves.and_then(|leaves| leaves.get(state.index())).copied().unwrap_or(Leave::Allow)
}

/// As [`spread_actions`], for news.
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)] // runs while compiling only
const fn spread_news() -> [Effect; NEWS_PAIRS] {
    let mut table = [Unexplained; NEWS_PAIRS];
    let mut seen = [false; NEWS_PAIRS];
    let mut row = 0;
    while row < NEWS.len() {
        let NewsRow { states, news, effect, .. } = NEWS[row];
        let mut state = 0;
        while state < State::COUNT {
            if states.has(State::ALL[state]) {
                let pair = news as usize * State::COUNT + state;
                assert!(!seen[pair], "a pair of state and news stands in two rows");
                seen[pair] = true;
                table[pair] = effect;
            }
            state += 1;
        }
        row += 1;
    }
    let mut pair = 0;
    while pair < NEWS_PAIRS {
        assert!(seen[pair], "a pair of state and news stands in no row");
        pair += 1;
    }
    table
}
