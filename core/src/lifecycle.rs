//! The lifecycle of a call: in which state each action is for it, and which state each piece of news leads to.
//!
//! The state is Graph's `callState`. What is asked and not yet settled (an answer that was sent, a transfer that is under
//! way, a hang-up that waits for the call's id) is kept beside it, in [`pending`]. The two tables below are the whole
//! rule: a row names sets of states, and an action or a piece of news; a `const fn` spreads the rows into dense arrays
//! and asserts that each pair stands there exactly once, so that a new state, action or piece of news breaks the build
//! until somebody has thought about each pair.
//!
//! An *action* may leave, may leave with advice, or is refused with a reason. A piece of *news* is never refused: it
//! leads to a state, is a repeat, is stale, or nothing documented explains it, and then the call is asked for.
//!
//! # What a lost report costs, and what brings it back
//!
//! One round of keepAlive, `GET` call, `GET` participants and `GET` of an operation that is pending (the call makes it by
//! itself on doubt, and [`Command::Refresh`](crate::command::Command::Refresh) at any time) tells what is:
//!
//! | lost | costs | brought back by |
//! | --- | --- | --- |
//! | `establishing`, `ringing` | nothing: later news says more | the next news, or `GET` call |
//! | `established` | media commands wait | `GET` call, 15 seconds after the answer was taken; a tone; audio |
//! | audio became active | held media commands wait | ten seconds: then they leave, and the service decides |
//! | audio became active again | what was held since it was inactive waits | the next word of it: no `GET` tells `mediaState` |
//! | audio became inactive | a prompt is refused by the service | nothing: no documented `GET` tells `mediaState` |
//! | `transferring`, `transferAccepted` | the state is late | the end, or `GET` call |
//! | a transfer failed | the next transfer waits | `GET` call |
//! | a tone | the key press is gone for good | nothing: no resource has tones |
//! | the answer to a request | its outcome is unknown until other news tells it | the news it causes, `GET` call, `GET` operation |
//! | an operation's completion | its place stays taken | `GET` operation, where its id is known; else the end of the call |
//! | a roster | joins and leaves are late | the next roster, `GET` participants |
//! | the last participant left | the call looks alive | keepAlive or `GET` call: 404 |
//! | the end | the call looks alive, for 15 minutes at most | keepAlive or `GET` call: 404; its code stays unknown for good |
//! | who answered, how it was routed | is not told | nothing: no documented `GET` tells them |
//! | content sharing began or ended | is not told | the next news of a session |
//! | a participant is joining, or left, under policy-based recording | he is not recorded, or counted too long | nothing |
//!
//! Source: Graph docs, call (callState), application: post calls, call: answer, reject, redirect, transfer, delete,
//! keepAlive, playPrompt, subscribeToTone; the table is checked by the tests of each row.

pub mod doubt;
pub mod end;
pub mod pending;

use crate::action::{Action, Actions};
use crate::words::words;

words! {
    /// Graph's `callState`.
    pub enum State {
        /// A call to the bot waits to be answered or rejected.
        Incoming = "incoming",
        /// It is being set up.
        Establishing = "establishing",
        /// The callee is alerted.
        Ringing = "ringing",
        /// It is connected; media may or may not be active yet.
        Established = "established",
        /// It is on hold.
        Hold = "hold",
        /// The bot's transfer is being carried out.
        Transferring = "transferring",
        /// The other side accepted the transfer.
        TransferAccepted = "transferAccepted",
        /// It is being redirected.
        Redirecting = "redirecting",
        /// It is being torn down.
        Terminating = "terminating",
        /// It is over.
        Terminated = "terminated",
    }
}

impl State {
    /// Whether the call was connected and is still.
    pub const fn is_connected(self) -> bool {
        match self {
            Self::Established | Self::Hold | Self::Transferring | Self::TransferAccepted => true,
            Self::Incoming
            | Self::Establishing
            | Self::Ringing
            | Self::Redirecting
            | Self::Terminating
            | Self::Terminated => false,
        }
    }

    /// Whether the call is over.
    pub const fn is_ended(self) -> bool {
        matches!(self, Self::Terminated)
    }
}

/// The state that a tone tells of, where its news says none: that news was missed.
///
/// Source: Graph docs, call: subscribeToTone (tones come with `established`); assumed for one without a state: the call
/// is asked for as well.
pub const WITH_TONES: State = State::Established;

words! {
    /// What Graph can say of the state of a call.
    pub enum News {
        /// Graph says `incoming`.
        Incoming = "incoming",
        /// Graph says `establishing`.
        Establishing = "establishing",
        /// Graph says `ringing`.
        Ringing = "ringing",
        /// Graph says `established`.
        Established = "established",
        /// Graph says `hold`.
        Hold = "hold",
        /// Graph says `transferring`.
        Transferring = "transferring",
        /// Graph says `transferAccepted`.
        TransferAccepted = "transferAccepted",
        /// Graph says `redirecting`.
        Redirecting = "redirecting",
        /// Graph says `terminating`.
        Terminating = "terminating",
        /// Graph says `terminated`, or that the resource was deleted.
        Terminated = "terminated",
        /// The call is not there any more: an answer 404 with code 8522, or a bare 404 for the second time.
        Gone = "gone",
        /// Graph refused to create the call.
        NotCreated = "not created",
    }
}

impl News {
    /// The news that Graph gave this state.
    pub const fn told(state: State) -> Self {
        match state {
            State::Incoming => Self::Incoming,
            State::Establishing => Self::Establishing,
            State::Ringing => Self::Ringing,
            State::Established => Self::Established,
            State::Hold => Self::Hold,
            State::Transferring => Self::Transferring,
            State::TransferAccepted => Self::TransferAccepted,
            State::Redirecting => Self::Redirecting,
            State::Terminating => Self::Terminating,
            State::Terminated => Self::Terminated,
        }
    }
}

/// What a piece of news does in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Effect {
    /// It leads to this state.
    To(State),
    /// It leads to this state; unless the bot asked for that, the call is asked for too.
    AsAsked(State),
    /// It leads to this state, but no documented order says that it is the newest: the call is asked for too.
    Adopt(State),
    /// It says what is known.
    Same,
    /// It is older than what is known.
    Stale,
    /// Nothing documented explains it: the call is asked for, and the answer adopted.
    Unexplained,
}

/// Whether an action may leave in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Leave {
    /// It may.
    Allow,
    /// It may, and an event says that it is likely to be refused before the call is established.
    Advise,
    /// It may once the call was answered (or may have been), and is refused before.
    IfAnswered(Why),
    /// It may where the call's end was inferred, not told.
    IfInferred(Why),
    /// It is refused.
    Refuse(Why),
}

words! {
    /// Why the lifecycle refuses an action.
    pub enum Why {
        /// The call is over.
        Ended = "the call is over; nothing more can be done with it",
        /// Only an incoming call can be answered, rejected or redirected.
        NotIncoming = "only an incoming call that waits can be answered, rejected or redirected; to end this one, hang up",
        /// An incoming call that waits is rejected, not hung up.
        UseReject = "the call waits to be answered; use reject",
        /// The incoming call was not answered yet.
        AnswerFirst = "the call waits to be answered; answer it first",
        /// The call is being torn down or handed on.
        Leaving = "the call is being torn down or handed on; wait for its end",
        /// Only an established call can be transferred.
        NotEstablished = "the call is not established yet; wait until it is",
        /// A transfer is being carried out.
        InTransfer = "a transfer is under way; wait until it failed or the call ended",
        /// A call is created once.
        Exists = "the call exists; place another one",
    }
}

/// A set of states.
#[derive(Clone, Copy)]
struct States(u16);

const fn states(list: &[State]) -> States {
    let mut bits = 0u16;
    let mut rest = list;
    while let [first, others @ ..] = rest {
        bits |= 1u16.wrapping_shl(*first as u32);
        rest = others;
    }
    States(bits)
}

const INCOMING: States = states(&[State::Incoming]);
const ESTABLISHING: States = states(&[State::Establishing]);
const RINGING: States = states(&[State::Ringing]);
const ESTABLISHED: States = states(&[State::Established]);
const HOLD: States = states(&[State::Hold]);
const TRANSFERRING: States = states(&[State::Transferring]);
const TRANSFER_ACCEPTED: States = states(&[State::TransferAccepted]);
const IN_TRANSFER: States = states(&[State::Transferring, State::TransferAccepted]);
const REDIRECTING: States = states(&[State::Redirecting]);
const TERMINATING: States = states(&[State::Terminating]);
const TERMINATED: States = states(&[State::Terminated]);
const SETTING_UP: States = states(&[State::Establishing, State::Ringing]);
const CONNECTED: States =
    states(&[State::Established, State::Hold, State::Transferring, State::TransferAccepted]);
const LEAVING: States = states(&[State::Redirecting, State::Terminating]);
const BEYOND_INCOMING: States = states(&[
    State::Establishing,
    State::Ringing,
    State::Established,
    State::Hold,
    State::Transferring,
    State::TransferAccepted,
    State::Redirecting,
    State::Terminating,
]);
const STEADY: States = states(&[State::Established, State::Hold]);
const LIVE: States = states(&[
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

const ALL: States = states(State::ALL);

/// In which states actions are for a call. Each comment names the page that the rows below it come from.
const ACTIONS: &[(States, Actions, Leave)] = &[
    // Source: Graph docs, application: post calls. What creates a call is not for one that exists.
    (ALL, CREATION, Leave::Refuse(Why::Exists)),
    // Source: Graph docs, call: answer, call: reject, call: redirect. An incoming call, within its limit.
    (INCOMING, SETTLEMENT, Leave::Allow),
    (BEYOND_INCOMING, SETTLEMENT, Leave::Refuse(Why::NotIncoming)),
    (TERMINATED, SETTLEMENT, Leave::Refuse(Why::Ended)),
    // Source: Graph docs, call: transfer. An active call.
    (INCOMING, TRANSFER, Leave::Refuse(Why::AnswerFirst)),
    (SETTING_UP, TRANSFER, Leave::Refuse(Why::NotEstablished)),
    (STEADY, TRANSFER, Leave::Allow),
    (IN_TRANSFER, TRANSFER, Leave::Refuse(Why::InTransfer)),
    (LEAVING, TRANSFER, Leave::Refuse(Why::Leaving)),
    (TERMINATED, TRANSFER, Leave::Refuse(Why::Ended)),
    // Source: Graph docs, call: delete; call: reject for one that waits (once answered it may be hung up).
    (INCOMING, HANG_UP, Leave::IfAnswered(Why::UseReject)),
    (BEYOND_INCOMING, HANG_UP, Leave::Allow),
    (TERMINATED, HANG_UP, Leave::Refuse(Why::Ended)),
    // Source: Graph docs, call: keepAlive. Any live call.
    (LIVE, KEEP_ALIVE, Leave::Allow),
    (TERMINATED, KEEP_ALIVE, Leave::Refuse(Why::Ended)),
    // Source: Graph docs, call: get, call: list participants. An end that was only inferred may still be asked about.
    (LIVE, QUESTIONS, Leave::Allow),
    (TERMINATED, QUESTIONS, Leave::IfInferred(Why::Ended)),
    // Source: Graph docs, call: playPrompt, record, subscribeToTone, sendDtmfTones. They wait until the call is established
    // and its audio active.
    (INCOMING, MEDIA, Leave::IfAnswered(Why::AnswerFirst)),
    (SETTING_UP, MEDIA, Leave::Allow),
    (CONNECTED, MEDIA, Leave::Allow),
    (LEAVING, MEDIA, Leave::Refuse(Why::Leaving)),
    (TERMINATED, MEDIA, Leave::Refuse(Why::Ended)),
    // Source: assumed, the pages have these on established calls and name no state; if it is wrong, the service says so.
    (INCOMING, STEERING, Leave::IfAnswered(Why::AnswerFirst)),
    (SETTING_UP, STEERING, Leave::Advise),
    (CONNECTED, STEERING, Leave::Allow),
    (LEAVING, STEERING, Leave::Refuse(Why::Leaving)),
    (TERMINATED, STEERING, Leave::Refuse(Why::Ended)),
    // Source: Graph docs, participantJoiningNotification. It is answered in the HTTP response, whatever the state.
    (LIVE, JOINING, Leave::Allow),
    (TERMINATED, JOINING, Leave::Refuse(Why::Ended)),
];

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

/// What news does. Each comment names the page that the rows below it come from.
const NEWS: &[(States, News, Effect)] = &[
    // Source: Graph docs, call: answer (`created/incoming`); a later one is a repeat of it.
    (INCOMING, News::Incoming, Same),
    (BEYOND_INCOMING, News::Incoming, Stale),
    (TERMINATED, News::Incoming, Stale),
    // Source: Graph docs, application: post calls and call: answer; either may be delivered after `established`.
    (INCOMING, News::Establishing, To(State::Establishing)),
    (ESTABLISHING, News::Establishing, Same),
    (RINGING, News::Establishing, Stale),
    (CONNECTED, News::Establishing, Stale),
    (LEAVING, News::Establishing, Stale),
    (TERMINATED, News::Establishing, Stale),
    // Source: Graph docs, call (callState); assumed: an outgoing call rings between establishing and established.
    (INCOMING, News::Ringing, Unexplained),
    (ESTABLISHING, News::Ringing, To(State::Ringing)),
    (RINGING, News::Ringing, Same),
    (CONNECTED, News::Ringing, Stale),
    (LEAVING, News::Ringing, Stale),
    (TERMINATED, News::Ringing, Stale),
    // Source: Graph docs, call: answer ("may arrive out of order"), application: post calls, call: transfer (a failed one).
    (INCOMING, News::Established, To(State::Established)),
    (SETTING_UP, News::Established, To(State::Established)),
    (ESTABLISHED, News::Established, Same),
    (HOLD, News::Established, Adopt(State::Established)),
    (IN_TRANSFER, News::Established, Adopt(State::Established)),
    (REDIRECTING, News::Established, Unexplained),
    (TERMINATING, News::Established, Stale),
    (TERMINATED, News::Established, Stale),
    // Source: assumed, the page has only the name; if it is wrong, the answer to the question puts it right.
    (INCOMING, News::Hold, Unexplained),
    (SETTING_UP, News::Hold, Unexplained),
    (ESTABLISHED, News::Hold, Adopt(State::Hold)),
    (HOLD, News::Hold, Same),
    (IN_TRANSFER, News::Hold, Unexplained),
    (REDIRECTING, News::Hold, Unexplained),
    (TERMINATING, News::Hold, Stale),
    (TERMINATED, News::Hold, Stale),
    // Source: Graph docs, call: transfer.
    (INCOMING, News::Transferring, Unexplained),
    (SETTING_UP, News::Transferring, Unexplained),
    (ESTABLISHED, News::Transferring, AsAsked(State::Transferring)),
    (HOLD, News::Transferring, AsAsked(State::Transferring)),
    (TRANSFERRING, News::Transferring, Same),
    (TRANSFER_ACCEPTED, News::Transferring, Stale),
    (REDIRECTING, News::Transferring, Unexplained),
    (TERMINATING, News::Transferring, Stale),
    (TERMINATED, News::Transferring, Stale),
    // Source: Graph docs, call: transfer.
    (INCOMING, News::TransferAccepted, Unexplained),
    (SETTING_UP, News::TransferAccepted, Unexplained),
    (ESTABLISHED, News::TransferAccepted, AsAsked(State::TransferAccepted)),
    (HOLD, News::TransferAccepted, AsAsked(State::TransferAccepted)),
    (TRANSFERRING, News::TransferAccepted, To(State::TransferAccepted)),
    (TRANSFER_ACCEPTED, News::TransferAccepted, Same),
    (REDIRECTING, News::TransferAccepted, Unexplained),
    (TERMINATING, News::TransferAccepted, Stale),
    (TERMINATED, News::TransferAccepted, Stale),
    // Source: Graph docs, call: redirect; assumed that the name is delivered at all.
    (INCOMING, News::Redirecting, AsAsked(State::Redirecting)),
    (SETTING_UP, News::Redirecting, Unexplained),
    (CONNECTED, News::Redirecting, Unexplained),
    (REDIRECTING, News::Redirecting, Same),
    (TERMINATING, News::Redirecting, Stale),
    (TERMINATED, News::Redirecting, Stale),
    // Source: Graph docs, call: delete. It may be left out.
    (INCOMING, News::Terminating, To(State::Terminating)),
    (SETTING_UP, News::Terminating, To(State::Terminating)),
    (CONNECTED, News::Terminating, To(State::Terminating)),
    (REDIRECTING, News::Terminating, To(State::Terminating)),
    (TERMINATING, News::Terminating, Same),
    (TERMINATED, News::Terminating, Stale),
    // Source: Graph docs, call: delete, reject, redirect, transfer. `deleted` ends the call, whatever it carries.
    (LIVE, News::Terminated, To(State::Terminated)),
    (TERMINATED, News::Terminated, Same),
    // Source: Graph docs, call: keepAlive (404: clean up).
    (LIVE, News::Gone, To(State::Terminated)),
    (TERMINATED, News::Gone, Same),
    // Source: Graph docs, application: post calls; a definite refusal creates nothing. News of the call would have said
    // otherwise.
    (ESTABLISHING, News::NotCreated, To(State::Terminated)),
    (INCOMING, News::NotCreated, Stale),
    (RINGING, News::NotCreated, Stale),
    (CONNECTED, News::NotCreated, Stale),
    (LEAVING, News::NotCreated, Stale),
    (TERMINATED, News::NotCreated, Stale),
];

const ACTION_PAIRS: usize = State::COUNT * Action::COUNT;
const NEWS_PAIRS: usize = State::COUNT * News::COUNT;

/// The rows, spread over every pair of action and state.
static LEAVES: [Leave; ACTION_PAIRS] = spread_actions();
/// The rows, spread over every pair of news and state.
static EFFECTS: [Effect; NEWS_PAIRS] = spread_news();

/// Spreads the rows; fails the build where a pair stands twice or not at all.
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)] // runs while compiling only
const fn spread_actions() -> [Leave; ACTION_PAIRS] {
    let mut table = [Leave::Allow; ACTION_PAIRS];
    let mut seen = [false; ACTION_PAIRS];
    let mut row = 0;
    while row < ACTIONS.len() {
        let (States(bits), actions, leave) = ACTIONS[row];
        let mut pair = 0;
        while pair < ACTION_PAIRS {
            let (action, state) = (Action::ALL[pair / State::COUNT], pair % State::COUNT);
            if bits & (1 << state) != 0 && actions.has(action) {
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

/// As [`spread_actions`], for news.
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)] // runs while compiling only
const fn spread_news() -> [Effect; NEWS_PAIRS] {
    let mut table = [Unexplained; NEWS_PAIRS];
    let mut seen = [false; NEWS_PAIRS];
    let mut row = 0;
    while row < NEWS.len() {
        let (States(bits), news, effect) = NEWS[row];
        let mut state = 0;
        while state < State::COUNT {
            if bits & (1 << state) != 0 {
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

/// Whether `action` may leave in `state`.
pub fn leave(state: State, action: Action) -> Leave {
    let pair = action.index().wrapping_mul(State::COUNT).wrapping_add(state.index());
    // Every pair is inside the table; the fallback lets the service decide.
    LEAVES.get(pair).copied().unwrap_or(Leave::Allow)
}

/// What `news` does in `state`.
pub fn effect(state: State, news: News) -> Effect {
    let pair = news.index().wrapping_mul(State::COUNT).wrapping_add(state.index());
    // Every pair is inside the table; the fallback asks, which is safe for any.
    EFFECTS.get(pair).copied().unwrap_or(Unexplained)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;
    use std::string::String;

    use super::*;

    #[test]
    fn every_pair_answers_as_the_reviewed_matrix_says() {
        let mut matrix = String::new();
        for action in Action::ALL {
            writeln!(matrix, "action {action}").unwrap();
            for state in State::ALL {
                writeln!(matrix, "  {state:16} {:?}", leave(*state, *action)).unwrap();
            }
        }
        for news in News::ALL {
            writeln!(matrix, "told {news}").unwrap();
            for state in State::ALL {
                writeln!(matrix, "  {state:16} {:?}", effect(*state, *news)).unwrap();
            }
        }
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/lifecycle/matrix.txt");
        if std::env::var_os("UPDATE_MATRIX").is_some() {
            std::fs::write(path, &matrix).unwrap();
        }
        assert_eq!(
            matrix,
            include_str!("lifecycle/matrix.txt"),
            "review the change, then run with UPDATE_MATRIX=1"
        );
    }

    #[test]
    fn documented_rows_read_as_the_pages_do() {
        for (page, from, news, expected) in [
            ("answer: established first", State::Incoming, News::Established, To(State::Established)),
            ("answer: establishing late", State::Established, News::Establishing, Stale),
            ("create: ringing", State::Establishing, News::Ringing, To(State::Ringing)),
            ("reject: deleted", State::Incoming, News::Terminated, To(State::Terminated)),
            ("delete: no answer", State::Establishing, News::Terminated, To(State::Terminated)),
            ("delete: terminating", State::Established, News::Terminating, To(State::Terminating)),
            ("keepAlive: 404", State::Established, News::Gone, To(State::Terminated)),
            ("transfer: late start", State::TransferAccepted, News::Transferring, Stale),
            ("transfer: start", State::Established, News::Transferring, AsAsked(State::Transferring)),
            ("redirect", State::Incoming, News::Redirecting, AsAsked(State::Redirecting)),
        ] {
            assert_eq!(effect(from, news), expected, "{page}");
        }
        for (page, state, action, expected) in [
            ("answer: only incoming", State::Established, Action::Answer, Leave::Refuse(Why::NotIncoming)),
            (
                "redirect: only incoming",
                State::Establishing,
                Action::Redirect,
                Leave::Refuse(Why::NotIncoming),
            ),
            ("transfer: active", State::Established, Action::Transfer, Leave::Allow),
            ("transfer: not before", State::Ringing, Action::Transfer, Leave::Refuse(Why::NotEstablished)),
            ("keepAlive: any live call", State::Ringing, Action::KeepAlive, Leave::Allow),
        ] {
            assert_eq!(leave(state, action), expected, "{page}");
        }
    }
}
