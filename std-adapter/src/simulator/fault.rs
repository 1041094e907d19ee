//! What goes wrong on purpose, by name and seed.
//!
//! A fault comes with a chance. Whether it strikes depends on the seed, the fault, what it is about and how often that came
//! before, and on nothing else: the same bot, asked the same, meets the same faults, however calls overlap.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use axum::body::Body;
use axum::extract::{OriginalUri, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{HeaderValue, RETRY_AFTER};
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::service::Served;
use super::step::{time_in_words, time_of};
use super::{What, World};

macro_rules! faults {
    ($($(#[doc = $words:literal])+ $fault:ident = $name:literal,)+) => {
        /// Something that goes wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "kebab-case")]
        #[non_exhaustive]
        pub enum Fault {
            $($(#[doc = $words])+ $fault,)+
        }

        impl Fault {
            /// All that there are.
            pub const ALL: &[Self] = &[$(Self::$fault),+];

            /// Its name: `notification-lost`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$fault => $name,)+
                }
            }

            /// What it does, in words.
            pub fn about(self) -> &'static str {
                match self {
                    $(Self::$fault => concat!($($words),+).trim_ascii(),)+
                }
            }
        }
    };
}

faults! {
    /// A notification comes late, and is overtaken by others.
    NotificationLate = "notification-late",
    /// A notification is posted twice.
    NotificationTwice = "notification-twice",
    /// A notification comes after the next one of its call.
    NotificationReordered = "notification-reordered",
    /// A notification is lost.
    NotificationLost = "notification-lost",
    /// What a request brings about is told before the request is answered.
    NotificationFirst = "notification-first",
    /// A request is answered with 429 and Retry-After, and nothing is done.
    Throttled = "throttled",
    /// A request is answered with 503, and nothing is done.
    FailedBefore = "failed-before",
    /// A request is answered with 503, and done all the same.
    FailedAfter = "failed-after",
    /// The connection is cut before anything is done.
    CutBefore = "cut-before",
    /// What is asked is done, and the connection is cut.
    CutAfter = "cut-after",
    /// An answer takes long.
    SlowAnswer = "slow-answer",
    /// A call that there is gets a bare 404, once.
    PassingNotFound = "passing-not-found",
    /// A token is refused as if it had expired.
    TokenExpired = "token-expired",
    /// The key that signs notifications is another one from now on.
    KeyRotated = "key-rotated",
}

impl std::str::FromStr for Fault {
    type Err = NoFault;

    fn from_str(name: &str) -> Result<Self, NoFault> {
        Self::ALL.iter().copied().find(|fault| fault.name() == name).ok_or_else(|| NoFault(name.to_owned()))
    }
}

/// There is no fault of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no fault: {all} are", all = Fault::ALL.iter().map(|fault| fault.name()).collect::<Vec<_>>().join(", "))]
pub struct NoFault(String);

/// Which faults there are, how often, and where their chances begin.
///
/// ```
/// use std::time::Duration;
/// use callflow_graph::simulator::{Fault, Faults};
///
/// let faults = Faults::seeded(7).with(Fault::NotificationLost, 10).with(Fault::CutAfter, 5);
/// assert_eq!(faults.chance(Fault::NotificationLost), 10);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Faults {
    /// One seed gives one history.
    #[serde(default = "first_seed")]
    pub seed: u64,
    /// How late a notification is at most.
    #[serde(default = "late_by", with = "in_words")]
    #[schema(value_type = String, example = "3s")]
    late_by: Duration,
    /// How long a slow answer takes at most.
    #[serde(default = "slow_by", with = "in_words")]
    #[schema(value_type = String, example = "20s")]
    slow_by: Duration,
    /// Of a hundred, how many. A fault that is not named does not come.
    #[serde(default)]
    #[schema(value_type = std::collections::BTreeMap<String, u8>)]
    chances: BTreeMap<Fault, u8>,
}

fn first_seed() -> u64 {
    1
}

fn late_by() -> Duration {
    Duration::from_secs(3)
}

fn slow_by() -> Duration {
    Duration::from_secs(20)
}

impl Default for Faults {
    fn default() -> Self {
        Self::seeded(first_seed())
    }
}

impl Faults {
    /// None, until they are named.
    pub fn seeded(seed: u64) -> Self {
        Self { seed, late_by: late_by(), slow_by: slow_by(), chances: BTreeMap::new() }
    }

    /// Some of everything that a bot has to survive: a few in a hundred each.
    pub fn mixed(seed: u64) -> Self {
        Fault::ALL.iter().fold(Self::seeded(seed), |faults, fault| {
            let chance = match fault {
                Fault::NotificationLate | Fault::NotificationTwice | Fault::NotificationReordered => 15,
                Fault::NotificationFirst => 10,
                Fault::NotificationLost
                | Fault::Throttled
                | Fault::FailedBefore
                | Fault::FailedAfter
                | Fault::CutBefore
                | Fault::CutAfter
                | Fault::SlowAnswer
                | Fault::PassingNotFound
                | Fault::TokenExpired
                | Fault::KeyRotated => 3,
            };
            faults.with(*fault, chance)
        })
    }

    /// With this fault so many times in a hundred.
    #[must_use]
    pub fn with(mut self, fault: Fault, hundredths: u8) -> Self {
        self.chances.insert(fault, hundredths);
        self
    }

    /// With notifications that are this late at most: 3 seconds by default.
    #[must_use]
    pub fn late_by(mut self, most: Duration) -> Self {
        self.late_by = most;
        self
    }

    /// With slow answers that take this long at most: 20 seconds by default.
    #[must_use]
    pub fn slow_by(mut self, most: Duration) -> Self {
        self.slow_by = most;
        self
    }

    /// How often a fault comes, of a hundred.
    pub fn chance(&self, fault: Fault) -> u8 {
        self.chances.get(&fault).copied().unwrap_or(0)
    }

    /// Those that come at all.
    pub fn named(&self) -> impl Iterator<Item = (Fault, u8)> + '_ {
        self.chances.iter().map(|(fault, chance)| (*fault, *chance)).filter(|(_, chance)| *chance > 0)
    }
}

mod in_words {
    use std::time::Duration;

    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::time_in_words(*time))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        super::time_of(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// The faults of a simulator, and how often what came about.
pub(super) struct Chances {
    faults: RwLock<Faults>,
    met: Mutex<HashMap<(Fault, String), u64>>,
}

impl Chances {
    pub(super) fn new(faults: Faults) -> Self {
        Self { faults: RwLock::new(faults), met: Mutex::default() }
    }

    pub(super) fn faults(&self) -> Faults {
        self.faults.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on these, from their beginning.
    pub(super) fn set(&self, faults: Faults) {
        *self.faults.write().unwrap_or_else(PoisonError::into_inner) = faults;
        self.met.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Whether a fault strikes what `about` names; a number of its own where it does.
    pub(super) fn strikes(&self, fault: Fault, about: &str) -> Option<u64> {
        let (seed, chance) = {
            let faults = self.faults.read().unwrap_or_else(PoisonError::into_inner);
            (faults.seed, u64::from(faults.chance(fault)))
        };
        if chance == 0 {
            return None;
        }
        let time = {
            let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
            let met = met.entry((fault, about.to_owned())).or_default();
            *met = met.saturating_add(1);
            *met
        };
        let drawn = digest(&SHA256, format!("{seed}/{}/{about}/{time}", fault.name()).as_bytes());
        let (chosen, rest) = drawn.as_ref().split_first_chunk()?;
        let (number, _) = rest.split_first_chunk()?;
        (u64::from_le_bytes(*chosen) % 100 < chance).then(|| u64::from_le_bytes(*number))
    }
}

/// How late a notification is, by a number that was drawn.
pub(super) fn lateness(faults: &Faults, drawn: u64) -> Duration {
    part_of(faults.late_by, drawn)
}

fn part_of(most: Duration, drawn: u64) -> Duration {
    let millis = u64::try_from(most.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(drawn.checked_rem(millis).unwrap_or(0))
}

impl World {
    /// Whether a fault strikes; it is noted where it does.
    pub(super) fn strikes(&self, fault: Fault, call: Option<&str>, about: &str) -> Option<u64> {
        let of_call = call.and_then(|id| self.call(id)).map_or(0, |call| call.ordinal());
        let drawn = self.chances.strikes(fault, &format!("{of_call}/{about}"))?;
        self.observe(call, What::Fault { fault, about: about.to_owned() });
        Some(drawn)
    }
}

/// A connection that is cut in the place of this answer. Who serves the router may close it at once; else the body breaks off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut;

/// An answer that breaks off before it begins.
pub(super) fn cut() -> Response {
    let broken = futures_util::stream::once(async { Err::<bytes::Bytes, _>(std::io::Error::other("cut")) });
    let mut response = Response::new(Body::from_stream(broken));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response.extensions_mut().insert(Cut);
    response
}

/// How long the answer waits so that what it brought about is told first.
const TOLD_FIRST: Duration = Duration::from_millis(400);

/// Lets requests of the calling API meet the faults.
pub(super) async fn inject(
    State(world): State<Served>,
    OriginalUri(uri): OriginalUri,
    request: Request,
    next: Next,
) -> Response {
    let call = super::history::call_in(uri.path());
    let (call, about) = (call.as_deref(), about(request.method(), uri.path()));
    let strikes = |fault| world.strikes(fault, call, &about);
    if strikes(Fault::Throttled).is_some() {
        // Source: Graph docs, throttling guidance.
        let mut response = Error::new(429, "TooManyRequests", "Too many requests.").into_response();
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("2"));
        return response;
    }
    if strikes(Fault::FailedBefore).is_some() {
        return unavailable();
    }
    if strikes(Fault::CutBefore).is_some() {
        return cut();
    }
    if strikes(Fault::TokenExpired).is_some() {
        return Error::unauthorized("Lifetime validation failed, the token is expired.").into_response();
    }
    if call.is_some() && strikes(Fault::PassingNotFound).is_some() {
        return StatusCode::NOT_FOUND.into_response();
    }
    let is_asked_for = *request.method() != Method::GET;
    let response = next.run(request).await;
    if strikes(Fault::FailedAfter).is_some() {
        return unavailable();
    }
    if strikes(Fault::CutAfter).is_some() {
        return cut();
    }
    if let Some(drawn) = strikes(Fault::SlowAnswer) {
        tokio::time::sleep(part_of(world.chances.faults().slow_by, drawn)).await;
    }
    if is_asked_for && strikes(Fault::NotificationFirst).is_some() {
        tokio::time::sleep(TOLD_FIRST).await;
    }
    response
}

fn unavailable() -> Response {
    Error::new(503, "ServiceUnavailable", "The service is unavailable.").into_response()
}

/// What a request is about, without the ids in it.
fn about(method: &Method, path: &str) -> String {
    let is_id = |part: &&str| uuid::Uuid::try_parse(part).is_err();
    let parts: Vec<&str> = path.split('/').filter(is_id).collect();
    format!("{method} {}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws<'a>(seed: u64, order: &[&'a str]) -> Vec<(&'a str, Option<u64>)> {
        let chances = Chances::new(Faults::seeded(seed).with(Fault::CutAfter, 30));
        let mut struck: Vec<_> =
            order.iter().map(|about| (*about, chances.strikes(Fault::CutAfter, about))).collect();
        struck.sort_unstable();
        struck
    }

    #[test]
    fn one_seed_gives_one_history_and_another_another() {
        let (one, other) = (["a", "b"].repeat(50), [["a"; 50], ["b"; 50]].concat());
        assert_eq!(draws(1, &one), draws(1, &other), "how calls overlap does not matter");
        assert_ne!(draws(1, &one), draws(2, &one));
        let struck = draws(1, &one).iter().filter(|(_, drawn)| drawn.is_some()).count();
        assert!((15..45).contains(&struck), "{struck} of 100");
    }

    #[test]
    fn a_fault_of_no_chance_never_comes_and_one_of_a_hundred_always() {
        let chances = Chances::new(Faults::seeded(1).with(Fault::Throttled, 100));
        for _ in 0..100 {
            assert!(chances.strikes(Fault::Throttled, "x").is_some());
            assert!(chances.strikes(Fault::CutAfter, "x").is_none());
        }
    }

    #[test]
    fn faults_are_written_as_they_are_read() {
        for fault in Fault::ALL {
            assert_eq!(fault.name().parse(), Ok(*fault));
            assert_eq!(serde_json::to_string(fault).unwrap(), format!("\"{}\"", fault.name()));
            assert!(fault.about().ends_with('.') && !fault.about().starts_with(' '), "{}", fault.about());
        }
        let faults = Faults::mixed(9);
        let json = serde_json::to_string(&faults).unwrap();
        assert_eq!(serde_json::from_str::<Faults>(&json).unwrap(), faults);
        assert_eq!(serde_json::from_str::<Faults>("{}").unwrap(), Faults::default());
        assert!(serde_json::from_str::<Faults>(r#"{"chances": {"rain": 1}}"#).is_err());
        assert!("rain".parse::<Fault>().unwrap_err().to_string().contains("cut-after"));
    }

    #[test]
    fn every_fault_is_in_the_guide() {
        let guide = include_str!("../guide/simulator.md");
        let rows = guide.lines().filter(|line| line.starts_with("| `") && line.matches('|').count() == 3);
        let told: Vec<_> = rows.map(str::to_owned).collect();
        let expected: Vec<_> =
            Fault::ALL.iter().map(|fault| format!("| `{}` | {} |", fault.name(), fault.about())).collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn what_a_request_is_about_has_no_ids() {
        let path = "/v1.0/communications/calls/57dab8b1-894c-409a-b240-bd8beae78896/playPrompt";
        assert_eq!(about(&Method::POST, path), "POST /v1.0/communications/calls/playPrompt");
    }
}
