//! The lifecycle of a call: which state each command is for, and which state each piece of news leads to.
//!
//! The state is Graph's `callState`. What is asked and not yet settled (an answer that was sent, a hang-up that waits for
//! the call's id) is kept beside it, in [`pending`]. The table below is the whole rule: its rows may name sets of
//! states, a `const fn` spreads them into a dense array and asserts that each pair of state and trigger stands there
//! exactly once, so that a new state or trigger breaks the build until somebody has thought about each pair.
//!
//! A *command* is allowed, or refused with a reason. A piece of *news* is never refused: it leads to a state, is a
//! repeat, is stale, or nothing documented explains it, and then the call is asked for.
//!
//! Source: Graph docs, call (callState), call: create, answer, reject, redirect, transfer, delete, keepAlive,
//! playPrompt, subscribeToTone.

pub mod doubt;
pub mod end;
pub mod pending;

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
    /// What can happen to a call: the bot's commands, and news.
    pub enum Trigger {
        /// The bot answers.
        Answer = "command answer",
        /// The bot rejects.
        Reject = "command reject",
        /// The bot hangs up.
        HangUp = "command hangUp",
        /// The bot asks that the call be kept.
        KeepAlive = "command keepAlive",
        /// The bot asks for the call.
        Refresh = "command refresh",
        /// The bot plays a prompt.
        PlayPrompt = "command playPrompt",
        /// The bot wants to hear tones.
        SubscribeToTone = "command subscribeToTone",
        /// Graph says `incoming`.
        ToldIncoming = "told incoming",
        /// Graph says `establishing`.
        ToldEstablishing = "told establishing",
        /// Graph says `ringing`.
        ToldRinging = "told ringing",
        /// Graph says `established`.
        ToldEstablished = "told established",
        /// Graph says `hold`.
        ToldHold = "told hold",
        /// Graph says `transferring`.
        ToldTransferring = "told transferring",
        /// Graph says `transferAccepted`.
        ToldTransferAccepted = "told transferAccepted",
        /// Graph says `redirecting`.
        ToldRedirecting = "told redirecting",
        /// Graph says `terminating`.
        ToldTerminating = "told terminating",
        /// Graph says `terminated`, or that the resource was deleted.
        ToldTerminated = "told terminated",
        /// The call is not there any more: an answer 404 with code 8522, or a bare 404 for the second time.
        Gone = "gone",
        /// Graph refused to create the call.
        NotCreated = "not created",
    }
}

impl Trigger {
    /// Whether this is a command of the bot; the others are news.
    pub const fn is_command(self) -> bool {
        match self {
            Self::Answer
            | Self::Reject
            | Self::HangUp
            | Self::KeepAlive
            | Self::Refresh
            | Self::PlayPrompt
            | Self::SubscribeToTone => true,
            Self::ToldIncoming
            | Self::ToldEstablishing
            | Self::ToldRinging
            | Self::ToldEstablished
            | Self::ToldHold
            | Self::ToldTransferring
            | Self::ToldTransferAccepted
            | Self::ToldRedirecting
            | Self::ToldTerminating
            | Self::ToldTerminated
            | Self::Gone
            | Self::NotCreated => false,
        }
    }

    /// The news that Graph gave this state.
    pub const fn told(state: State) -> Self {
        match state {
            State::Incoming => Self::ToldIncoming,
            State::Establishing => Self::ToldEstablishing,
            State::Ringing => Self::ToldRinging,
            State::Established => Self::ToldEstablished,
            State::Hold => Self::ToldHold,
            State::Transferring => Self::ToldTransferring,
            State::TransferAccepted => Self::ToldTransferAccepted,
            State::Redirecting => Self::ToldRedirecting,
            State::Terminating => Self::ToldTerminating,
            State::Terminated => Self::ToldTerminated,
        }
    }
}

impl Effect {
    /// Whether this is an effect that a command has; the others are those of news.
    const fn is_of_command(self) -> bool {
        match self {
            Self::Allow | Self::AllowIfAnswered(_) | Self::AllowIfInferred(_) | Self::Refuse(_) => true,
            Self::To(_) | Self::Adopt(_) | Self::Same | Self::Stale | Self::Unexplained => false,
        }
    }
}

/// What a trigger does in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Effect {
    /// The command may leave.
    Allow,
    /// The command is allowed once the call was answered (or may have been), and refused before.
    AllowIfAnswered(Why),
    /// The command is allowed where the call's end was inferred, not told.
    AllowIfInferred(Why),
    /// The command is refused.
    Refuse(Why),
    /// The news leads to this state.
    To(State),
    /// The news leads to this state, but no documented order says that it is the newest: the call is asked for too.
    Adopt(State),
    /// The news says what is known.
    Same,
    /// The news is older than what is known.
    Stale,
    /// Nothing documented explains the news: the call is asked for, and the answer adopted.
    Unexplained,
}

words! {
    /// Why the lifecycle refuses a command.
    pub enum Why {
        /// The call is over.
        Ended = "the call is over; nothing more can be done with it",
        /// Only an incoming call can be answered or rejected.
        NotIncoming = "only an incoming call that waits can be answered or rejected; to end this one, hang up",
        /// An incoming call that waits is rejected, not hung up.
        UseReject = "the call waits to be answered; use reject",
        /// The incoming call was not answered yet.
        AnswerFirst = "the call waits to be answered; answer it first",
        /// The call is being torn down or handed on.
        Leaving = "the call is being torn down or handed on; wait for its end",
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

struct Row(States, Trigger, Effect);

use Effect::{Adopt, Allow, AllowIfAnswered, AllowIfInferred, Refuse, Same, Stale, To, Unexplained};

/// The rule. Each comment names the page that the rows below it come from.
const ROWS: &[Row] = &[
    // Source: Graph docs, call: answer. An incoming call, within its limit.
    Row(INCOMING, Trigger::Answer, Allow),
    Row(BEYOND_INCOMING, Trigger::Answer, Refuse(Why::NotIncoming)),
    Row(TERMINATED, Trigger::Answer, Refuse(Why::Ended)),
    // Source: Graph docs, call: reject. An incoming call, within its limit.
    Row(INCOMING, Trigger::Reject, Allow),
    Row(BEYOND_INCOMING, Trigger::Reject, Refuse(Why::NotIncoming)),
    Row(TERMINATED, Trigger::Reject, Refuse(Why::Ended)),
    // Source: Graph docs, call: delete; call: reject for one that waits (once answered it may be hung up).
    Row(INCOMING, Trigger::HangUp, AllowIfAnswered(Why::UseReject)),
    Row(BEYOND_INCOMING, Trigger::HangUp, Allow),
    Row(TERMINATED, Trigger::HangUp, Refuse(Why::Ended)),
    // Source: Graph docs, call: keepAlive. Any live call.
    Row(LIVE, Trigger::KeepAlive, Allow),
    Row(TERMINATED, Trigger::KeepAlive, Refuse(Why::Ended)),
    // Source: Graph docs, call: get. An end that was only inferred may still be asked about.
    Row(LIVE, Trigger::Refresh, Allow),
    Row(TERMINATED, Trigger::Refresh, AllowIfInferred(Why::Ended)),
    // Source: Graph docs, call: playPrompt. It waits until the call is established and its audio active.
    Row(INCOMING, Trigger::PlayPrompt, AllowIfAnswered(Why::AnswerFirst)),
    Row(SETTING_UP, Trigger::PlayPrompt, Allow),
    Row(CONNECTED, Trigger::PlayPrompt, Allow),
    Row(LEAVING, Trigger::PlayPrompt, Refuse(Why::Leaving)),
    Row(TERMINATED, Trigger::PlayPrompt, Refuse(Why::Ended)),
    // Source: Graph docs, call: subscribeToTone. As playing.
    Row(INCOMING, Trigger::SubscribeToTone, AllowIfAnswered(Why::AnswerFirst)),
    Row(SETTING_UP, Trigger::SubscribeToTone, Allow),
    Row(CONNECTED, Trigger::SubscribeToTone, Allow),
    Row(LEAVING, Trigger::SubscribeToTone, Refuse(Why::Leaving)),
    Row(TERMINATED, Trigger::SubscribeToTone, Refuse(Why::Ended)),
    // Source: Graph docs, call: answer (`created/incoming`); a later one is a repeat of it.
    Row(INCOMING, Trigger::ToldIncoming, Same),
    Row(BEYOND_INCOMING, Trigger::ToldIncoming, Stale),
    Row(TERMINATED, Trigger::ToldIncoming, Stale),
    // Source: Graph docs, call: create and call: answer; either may be delivered after `established`.
    Row(INCOMING, Trigger::ToldEstablishing, To(State::Establishing)),
    Row(ESTABLISHING, Trigger::ToldEstablishing, Same),
    Row(RINGING, Trigger::ToldEstablishing, Stale),
    Row(CONNECTED, Trigger::ToldEstablishing, Stale),
    Row(LEAVING, Trigger::ToldEstablishing, Stale),
    Row(TERMINATED, Trigger::ToldEstablishing, Stale),
    // Source: Graph docs, call (callState); assumed: an outgoing call rings between establishing and established.
    Row(INCOMING, Trigger::ToldRinging, Unexplained),
    Row(ESTABLISHING, Trigger::ToldRinging, To(State::Ringing)),
    Row(RINGING, Trigger::ToldRinging, Same),
    Row(CONNECTED, Trigger::ToldRinging, Stale),
    Row(LEAVING, Trigger::ToldRinging, Stale),
    Row(TERMINATED, Trigger::ToldRinging, Stale),
    // Source: Graph docs, call: answer ("may arrive out of order"), call: create, call: transfer (a failed one).
    Row(INCOMING, Trigger::ToldEstablished, To(State::Established)),
    Row(SETTING_UP, Trigger::ToldEstablished, To(State::Established)),
    Row(ESTABLISHED, Trigger::ToldEstablished, Same),
    Row(HOLD, Trigger::ToldEstablished, Adopt(State::Established)),
    Row(IN_TRANSFER, Trigger::ToldEstablished, Adopt(State::Established)),
    Row(REDIRECTING, Trigger::ToldEstablished, Unexplained),
    Row(TERMINATING, Trigger::ToldEstablished, Stale),
    Row(TERMINATED, Trigger::ToldEstablished, Stale),
    // Source: assumed, the page has only the name; if it is wrong, the answer to the question puts it right.
    Row(INCOMING, Trigger::ToldHold, Unexplained),
    Row(SETTING_UP, Trigger::ToldHold, Unexplained),
    Row(ESTABLISHED, Trigger::ToldHold, Adopt(State::Hold)),
    Row(HOLD, Trigger::ToldHold, Same),
    Row(IN_TRANSFER, Trigger::ToldHold, Unexplained),
    Row(REDIRECTING, Trigger::ToldHold, Unexplained),
    Row(TERMINATING, Trigger::ToldHold, Stale),
    Row(TERMINATED, Trigger::ToldHold, Stale),
    // Source: Graph docs, call: transfer.
    Row(INCOMING, Trigger::ToldTransferring, Unexplained),
    Row(SETTING_UP, Trigger::ToldTransferring, Unexplained),
    Row(ESTABLISHED, Trigger::ToldTransferring, Adopt(State::Transferring)),
    Row(HOLD, Trigger::ToldTransferring, Adopt(State::Transferring)),
    Row(TRANSFERRING, Trigger::ToldTransferring, Same),
    Row(TRANSFER_ACCEPTED, Trigger::ToldTransferring, Stale),
    Row(REDIRECTING, Trigger::ToldTransferring, Unexplained),
    Row(TERMINATING, Trigger::ToldTransferring, Stale),
    Row(TERMINATED, Trigger::ToldTransferring, Stale),
    // Source: Graph docs, call: transfer.
    Row(INCOMING, Trigger::ToldTransferAccepted, Unexplained),
    Row(SETTING_UP, Trigger::ToldTransferAccepted, Unexplained),
    Row(ESTABLISHED, Trigger::ToldTransferAccepted, Adopt(State::TransferAccepted)),
    Row(HOLD, Trigger::ToldTransferAccepted, Adopt(State::TransferAccepted)),
    Row(TRANSFERRING, Trigger::ToldTransferAccepted, To(State::TransferAccepted)),
    Row(TRANSFER_ACCEPTED, Trigger::ToldTransferAccepted, Same),
    Row(REDIRECTING, Trigger::ToldTransferAccepted, Unexplained),
    Row(TERMINATING, Trigger::ToldTransferAccepted, Stale),
    Row(TERMINATED, Trigger::ToldTransferAccepted, Stale),
    // Source: Graph docs, call: redirect; assumed that the name is delivered at all.
    Row(INCOMING, Trigger::ToldRedirecting, To(State::Redirecting)),
    Row(SETTING_UP, Trigger::ToldRedirecting, Unexplained),
    Row(CONNECTED, Trigger::ToldRedirecting, Unexplained),
    Row(REDIRECTING, Trigger::ToldRedirecting, Same),
    Row(TERMINATING, Trigger::ToldRedirecting, Stale),
    Row(TERMINATED, Trigger::ToldRedirecting, Stale),
    // Source: Graph docs, call: delete. It may be left out.
    Row(INCOMING, Trigger::ToldTerminating, To(State::Terminating)),
    Row(SETTING_UP, Trigger::ToldTerminating, To(State::Terminating)),
    Row(CONNECTED, Trigger::ToldTerminating, To(State::Terminating)),
    Row(REDIRECTING, Trigger::ToldTerminating, To(State::Terminating)),
    Row(TERMINATING, Trigger::ToldTerminating, Same),
    Row(TERMINATED, Trigger::ToldTerminating, Stale),
    // Source: Graph docs, call: delete, reject, redirect, transfer. `deleted` ends the call, whatever it carries.
    Row(LIVE, Trigger::ToldTerminated, To(State::Terminated)),
    Row(TERMINATED, Trigger::ToldTerminated, Same),
    // Source: Graph docs, call: keepAlive (404: clean up).
    Row(LIVE, Trigger::Gone, To(State::Terminated)),
    Row(TERMINATED, Trigger::Gone, Same),
    // Source: Graph docs, call: create; a definite refusal creates nothing. News of the call would have said otherwise.
    Row(ESTABLISHING, Trigger::NotCreated, To(State::Terminated)),
    Row(INCOMING, Trigger::NotCreated, Stale),
    Row(RINGING, Trigger::NotCreated, Stale),
    Row(CONNECTED, Trigger::NotCreated, Stale),
    Row(LEAVING, Trigger::NotCreated, Stale),
    Row(TERMINATED, Trigger::NotCreated, Stale),
];

const PAIRS: usize = State::COUNT * Trigger::COUNT;

/// The rows, spread over every pair of state and trigger.
static TABLE: [Effect; PAIRS] = spread();

/// Spreads the rows; fails the build where a pair stands twice or not at all.
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)] // runs while compiling only
const fn spread() -> [Effect; PAIRS] {
    let mut table = [Effect::Unexplained; PAIRS];
    let mut seen = [false; PAIRS];
    let mut row = 0;
    while row < ROWS.len() {
        let Row(States(bits), trigger, effect) = ROWS[row];
        let mut state = 0;
        while state < State::COUNT {
            if bits & (1 << state) != 0 {
                let pair = state * Trigger::COUNT + trigger as usize;
                assert!(!seen[pair], "a pair of state and trigger stands in two rows");
                assert!(
                    trigger.is_command() == effect.is_of_command(),
                    "a command or news has the other's effect"
                );
                seen[pair] = true;
                table[pair] = effect;
            }
            state += 1;
        }
        row += 1;
    }
    let mut pair = 0;
    while pair < PAIRS {
        assert!(seen[pair], "a pair of state and trigger stands in no row");
        pair += 1;
    }
    table
}

/// What `trigger` does in `state`.
pub fn effect(state: State, trigger: Trigger) -> Effect {
    let pair = state.index().wrapping_mul(Trigger::COUNT).wrapping_add(trigger.index());
    // Every pair is inside the table; the fallback asks, which is safe for any.
    TABLE.get(pair).copied().unwrap_or(Effect::Unexplained)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;
    use std::string::String;

    use super::*;

    #[test]
    fn every_pair_answers_as_the_reviewed_matrix_says() {
        let mut matrix = String::new();
        for trigger in Trigger::ALL {
            writeln!(matrix, "{trigger}").unwrap();
            for state in State::ALL {
                writeln!(matrix, "  {state:16} {:?}", effect(*state, *trigger)).unwrap();
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
        for (name, from, trigger, expected) in [
            ("answer: only incoming", State::Established, Trigger::Answer, Refuse(Why::NotIncoming)),
            ("answer: established first", State::Incoming, Trigger::ToldEstablished, To(State::Established)),
            ("answer: establishing late", State::Established, Trigger::ToldEstablishing, Stale),
            ("create: ringing", State::Establishing, Trigger::ToldRinging, To(State::Ringing)),
            ("reject: deleted", State::Incoming, Trigger::ToldTerminated, To(State::Terminated)),
            ("delete: no answer", State::Establishing, Trigger::ToldTerminated, To(State::Terminated)),
            ("delete: terminating", State::Established, Trigger::ToldTerminating, To(State::Terminating)),
            ("keepAlive: 404", State::Established, Trigger::Gone, To(State::Terminated)),
            ("transfer: late start", State::TransferAccepted, Trigger::ToldTransferring, Stale),
        ] {
            assert_eq!(effect(from, trigger), expected, "{name}");
        }
    }
}
