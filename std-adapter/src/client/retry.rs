//! Whether and when a request is sent again: a table, and a function that reads it.
//!
//! Two things decide: what the request does where it is carried out twice ([`Class`]), and what is known of the last try
//! ([`When`]). No page documents an idempotency key of the calling API, so whoever cannot know whether a request took
//! effect decides for "not again", unless a second one sets or reads what the first one did.
//!
//! ```
//! use std::time::Duration;
//! use callflow_core::action::Action;
//! use callflow_graph::client::retry::{Class, Decision, Tried, When, decide};
//!
//! let (pause, left) = (Duration::from_secs(1), Duration::from_secs(15));
//! let unanswered = Tried { count: 1, came: When::NoAnswer, retry_after: None };
//! assert_eq!(decide(Class::of(Action::Place), unanswered, pause, left), Decision::GiveUp, "it may ring");
//! assert_eq!(decide(Class::of(Action::Mute), unanswered, pause, left), Decision::Again { after: pause });
//! ```

use std::time::{Duration, SystemTime};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use callflow_core::action::Action;
use callflow_core::certainty::Certainty;
use serde::{Deserialize, Serialize};

/// What a request does where it is carried out twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Class {
    /// It reads, or resets a timer. It need not wait for other requests of its call.
    Safe,
    /// It sets a state, which a second one finds set.
    Idempotent,
    /// It ends the bot's part in the call. A second one is answered 404. An open [circuit](super::circuit) lets it pass.
    HangUp,
    /// It answers, rejects or redirects: a second one is refused where the first took effect, and the call's limit of time
    /// ends it.
    Settling,
    /// It rings, plays, records or sends tones: a second one would do so again.
    OnceOnly,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 5] = [Self::Safe, Self::Idempotent, Self::HangUp, Self::Settling, Self::OnceOnly];

    /// The class of an action's request.
    ///
    /// Source: assumed, as `Action::is_once_only` is; that keepAlive only resets a timer: Graph docs, call: keepAlive.
    pub const fn of(action: Action) -> Self {
        match action {
            Action::KeepAlive | Action::Refresh | Action::ListParticipants | Action::GetOperation => {
                Self::Safe
            }
            Action::HangUp => Self::HangUp,
            Action::Answer | Action::AnswerPolicyRecording | Action::Reject | Action::Redirect => {
                Self::Settling
            }
            other if other.is_once_only() => Self::OnceOnly,
            _ => Self::Idempotent,
        }
    }
}

/// What is known of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum When {
    /// It certainly did not arrive.
    NotSent,
    /// 429: it arrived, and nothing was done.
    Throttled,
    /// It may have arrived, and no whole answer came.
    NoAnswer,
    /// 408, 500, 502 to 504 or 509: the service, or a gateway in front of it, failed before or after acting.
    Failed,
    /// Any other status: it is the answer.
    Answered,
}

impl When {
    /// Reads a status.
    ///
    /// Source: Graph docs, Microsoft Graph error responses and throttling guidance; that a 408 or a 5xx leaves the effect
    /// open is assumed: a gateway may give up after the service acted.
    pub const fn of_status(status: u16) -> Self {
        match status {
            429 => Self::Throttled,
            408 | 500 | 502..=504 | 509 => Self::Failed,
            _ => Self::Answered,
        }
    }
}

/// How often a request may be tried, the first time included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// After what.
    pub when: When,
    /// Which requests.
    pub of: &'static [Class],
    /// How often at most.
    pub tries: u32,
    /// How sure the rule is.
    pub certainty: Certainty,
    /// Where it stands.
    pub source: &'static str,
}

/// How often a request is tried that may be repeated.
pub const TRIES: u32 = 3;

const FREELY: &[Class] = &[Class::Safe, Class::Idempotent, Class::HangUp];

/// The rule. Each pair of class and try stands in one row.
pub const ROWS: &[Row] = &[
    Row {
        when: When::NotSent,
        of: &Class::ALL,
        tries: TRIES,
        certainty: Certainty::Assumed,
        source: "assumed (without a connection nothing was received); if it is wrong, something is done twice",
    },
    Row {
        when: When::Throttled,
        of: &Class::ALL,
        tries: TRIES,
        certainty: Certainty::Documented,
        source: "Graph docs, Microsoft Graph throttling guidance",
    },
    Row {
        when: When::NoAnswer,
        of: FREELY,
        tries: TRIES,
        certainty: Certainty::Assumed,
        source: "assumed (no page promises that a repeated request is recognised); if it is wrong, a state is set twice",
    },
    Row {
        when: When::NoAnswer,
        of: &[Class::Settling],
        tries: 2,
        certainty: Certainty::Assumed,
        source: "assumed (a second answer to an answered call is refused); if it is wrong, the call is answered twice, \
                 which leaves it answered",
    },
    Row {
        when: When::NoAnswer,
        of: &[Class::OnceOnly],
        tries: 1,
        certainty: Certainty::Assumed,
        source: "assumed (no page has an idempotency key); if it is wrong, a request that could have been repeated is \
                 called unknown",
    },
    Row {
        when: When::Failed,
        of: FREELY,
        tries: TRIES,
        certainty: Certainty::Documented,
        source: "Graph docs, Microsoft Graph error responses (503: repeat after Retry-After)",
    },
    Row {
        when: When::Failed,
        of: &[Class::Settling],
        tries: 1,
        certainty: Certainty::Assumed,
        source: "assumed (the service had the request, and its news tells the rest); if it is wrong, a call is not \
                 answered that a second try would have answered",
    },
    Row {
        when: When::Failed,
        of: &[Class::OnceOnly],
        tries: 1,
        certainty: Certainty::Assumed,
        source: "assumed (a gateway can fail after the service acted); if it is wrong, a request that could have been \
                 repeated is called unknown",
    },
    Row {
        when: When::Answered,
        of: &Class::ALL,
        tries: 1,
        certainty: Certainty::Documented,
        source: "Graph docs, Microsoft Graph error responses",
    },
];

/// How often a request of this class may be tried after this. What stands in no row is not repeated.
pub fn tries(class: Class, when: When) -> u32 {
    let row = ROWS.iter().find(|row| row.when == when && row.of.contains(&class));
    row.map_or(1, |row| row.tries)
}

/// The tries so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tried {
    /// How many there were, the last one included.
    pub count: u32,
    /// What came of the last one.
    pub came: When,
    /// How long the service, or the circuit, asked to wait.
    pub retry_after: Option<Duration>,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Send it again.
    Again {
        /// After this.
        after: Duration,
    },
    /// Take what came for the answer.
    GiveUp,
}

/// Decides what follows a try. `pause` is waited where nobody named a time; a wait that would use up all that is `left`
/// is not begun, so that a call is told at once of a refusal that lasts beyond its limit.
pub fn decide(class: Class, tried: Tried, pause: Duration, left: Duration) -> Decision {
    let after = tried.retry_after.unwrap_or(pause);
    let may = tried.count < tries(class, tried.came);
    if may && after < left { Decision::Again { after } } else { Decision::GiveUp }
}

/// The pauses between tries: half a second, doubled each time to ten seconds at most, each with up to as much again by
/// chance, so that calls that failed together do not come back together.
///
/// Source: Graph docs, Microsoft Graph throttling guidance (exponential back-off); its figures are assumed: a call waits
/// 15 seconds to be answered.
pub(crate) fn pauses() -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(500))
        .with_max_delay(Duration::from_secs(10))
        .without_max_times()
        .with_jitter()
        .build()
}

/// Reads `Retry-After`: seconds, also with a fraction (`2.128`), or an HTTP date, which counts from `now`. `None` where it
/// is neither.
///
/// Source: Graph docs, Microsoft Graph throttling guidance (its example has a fraction); RFC 9110, 10.2.3 (a date).
pub fn read_retry_after(text: &str, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Duration::try_from_secs_f64(text.parse().ok()?).ok();
    }
    let at = httpdate::parse_http_date(text).ok()?;
    Some(at.duration_since(now).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(1);
    const LEFT: Duration = Duration::from_secs(15);

    fn tried(count: u32, came: When) -> Tried {
        Tried { count, came, retry_after: None }
    }

    /// How many times a request leaves that ends so each time.
    fn leaves(class: Class, came: When) -> u32 {
        (1..=9).find(|count| decide(class, tried(*count, came), PAUSE, LEFT) == Decision::GiveUp).unwrap()
    }

    #[test]
    fn each_row_and_each_class() {
        for (came, of, expected) in [
            (When::NotSent, &Class::ALL[..], 3),
            (When::Throttled, &Class::ALL[..], 3),
            (When::NoAnswer, &[Class::Safe, Class::Idempotent, Class::HangUp][..], 3),
            (When::NoAnswer, &[Class::Settling][..], 2),
            (When::NoAnswer, &[Class::OnceOnly][..], 1),
            (When::Failed, &[Class::Safe, Class::Idempotent, Class::HangUp][..], 3),
            (When::Failed, &[Class::Settling][..], 1),
            (When::Failed, &[Class::OnceOnly][..], 1),
            (When::Answered, &Class::ALL[..], 1),
        ] {
            for class in of {
                assert_eq!(leaves(*class, came), expected, "{class:?} {came:?}");
            }
        }
    }

    #[test]
    fn every_pair_stands_in_one_row_which_has_a_source() {
        for class in Class::ALL {
            for when in [When::NotSent, When::Throttled, When::NoAnswer, When::Failed, When::Answered] {
                let rows = ROWS.iter().filter(|row| row.when == when && row.of.contains(&class));
                assert_eq!(rows.count(), 1, "{class:?} {when:?}");
            }
        }
        for row in ROWS {
            let is_assumed = row.certainty == Certainty::Assumed;
            assert_eq!(row.source.starts_with("assumed ("), is_assumed, "{row:?}");
            assert_eq!(row.source.contains("; if it is wrong, "), is_assumed, "{row:?}");
        }
    }

    #[test]
    fn once_only_and_settling_are_what_core_calls_once_only() {
        for action in Action::ALL {
            let class = Class::of(*action);
            let once_only = matches!(class, Class::OnceOnly | Class::Settling);
            assert_eq!(once_only, action.is_once_only(), "{action:?} {class:?}");
        }
        for (action, expected) in [
            (Action::Place, Class::OnceOnly),
            (Action::Invite, Class::OnceOnly),
            (Action::Transfer, Class::OnceOnly),
            (Action::PlayPrompt, Class::OnceOnly),
            (Action::Record, Class::OnceOnly),
            (Action::SendDtmf, Class::OnceOnly),
            (Action::AnswerPolicyRecording, Class::Settling),
            (Action::Redirect, Class::Settling),
            (Action::HangUp, Class::HangUp),
            (Action::Mute, Class::Idempotent),
            (Action::UpdateRecordingStatus, Class::Idempotent),
            (Action::ChangeScreenSharingRole, Class::Idempotent),
            (Action::KeepAlive, Class::Safe),
        ] {
            assert_eq!(Class::of(action), expected, "{action:?}");
        }
    }

    #[test]
    fn statuses() {
        for (status, expected) in [
            (200, When::Answered),
            (404, When::Answered),
            (409, When::Answered),
            (408, When::Failed),
            (429, When::Throttled),
            (500, When::Failed),
            (501, When::Answered),
            (503, When::Failed),
            (504, When::Failed),
            (509, When::Failed),
        ] {
            assert_eq!(When::of_status(status), expected, "{status}");
        }
    }

    #[test]
    fn what_was_asked_to_wait_is_waited_or_not_at_all() {
        let asked =
            |secs| Tried { retry_after: Some(Duration::from_secs(secs)), ..tried(1, When::Throttled) };
        for (secs, expected) in [
            (0, Decision::Again { after: Duration::ZERO }),
            (14, Decision::Again { after: Duration::from_secs(14) }),
            (15, Decision::GiveUp),
            (16, Decision::GiveUp),
        ] {
            assert_eq!(decide(Class::Settling, asked(secs), PAUSE, LEFT), expected, "{secs}");
        }
        let late = decide(Class::Safe, tried(1, When::NoAnswer), PAUSE, Duration::ZERO);
        assert_eq!(late, Decision::GiveUp, "no time is left");
    }

    #[test]
    fn pauses_grow_by_chance_within_their_bounds() {
        let half = Duration::from_millis(500);
        for (pause, least) in pauses().zip([half, half * 2, half * 4, half * 8, half * 16]) {
            assert!((least..=least * 2).contains(&pause), "{pause:?} {least:?}");
        }
        assert!(pauses().nth(40).unwrap() <= Duration::from_secs(20));
    }

    #[test]
    fn retry_after_in_every_form() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        let millis = |millis| Some(Duration::from_millis(millis));
        for (text, expected) in [
            ("2.128", millis(2128)),
            ("10", millis(10_000)),
            (" 3 ", millis(3000)),
            ("0", millis(0)),
            ("Sun, 06 Nov 1994 08:50:00 GMT", millis(23_000)),
            ("Sunday, 06-Nov-94 08:50:00 GMT", millis(23_000)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", millis(0)),
            ("-1", None),
            ("1e9", None),
            ("inf", None),
            ("1.2.3", None),
            ("", None),
            ("soon", None),
            ("99999999999999999999999", None),
        ] {
            assert_eq!(read_retry_after(text, now), expected, "{text}");
        }
    }
}
