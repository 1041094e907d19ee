//! How the webhook is set up: what it takes at most, and what becomes of calls that another region is to have.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;

use super::{BODY_WITHIN, MAX_BODY};
use crate::wire::notification::Notice;

/// What the webhook takes, and how it answers.
///
/// Whatever is above a bound is answered 503 with `Retry-After`, before its body is read where that can be told then. How
/// often the service tries again is not documented: a bound is there to keep the machine alive, not to be reached.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The most that a notification may hold, in bytes: [`MAX_BODY`] by default.
    pub max_body: usize,
    /// How long its body may take to come: [`BODY_WITHIN`] by default.
    pub body_within: Duration,
    /// How many requests are taken at a time: 10,000 by default.
    pub max_requests: usize,
    /// How many bytes of bodies are held at a time: 64 MiB by default. Where a length is not said they count as they come.
    pub max_buffered: usize,
    /// How many notifications of one call may wait to be handled: 1000 by default.
    pub max_waiting_of_call: usize,
    /// How many of all calls: 100,000 by default.
    pub max_waiting: usize,
    /// What becomes of the connection after an answer.
    pub connection: Connection,
    /// Sends calls to another region; nobody by default.
    pub elsewhere: Option<Elsewhere>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_body: MAX_BODY,
            body_within: BODY_WITHIN,
            max_requests: 10_000,
            max_buffered: 64 * 1024 * 1024,
            max_waiting_of_call: 1000,
            max_waiting: 100_000,
            connection: Connection::Kept,
            elsewhere: None,
        }
    }
}

/// What becomes of the connection after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// It is kept.
    Kept,
    /// It is closed, so that a balancer spreads the notifications.
    ///
    /// Source: the vendor's samples.
    Closed,
}

/// The first notification of a call that is not known.
#[derive(Clone, Copy, Debug)]
pub struct First<'a> {
    /// The tenant of the call.
    pub tenant_id: &'a str,
    /// What was told.
    pub notices: &'a [Notice],
    /// The headers of the request, without its token.
    pub headers: &'a HeaderMap,
}

/// Decides which calls another region is to have: gives the https address at which its bot is.
///
/// It is asked at the first notification of an incoming call, once the token is checked. The answer is 302 with the
/// address in `Location`, and nothing of the call is kept here. The other side gets the same notification, and every later
/// one that goes to the address it answers the call with. Whether the service follows a redirection of a later notification,
/// and how many it follows, is not documented: so none is asked for.
///
/// Source: the vendor's article on calling notifications (302); its samples answer 307.
#[derive(Clone)]
pub struct Elsewhere(Decide);

type Decide = Arc<dyn Fn(&First<'_>) -> Option<String> + Send + Sync>;

impl Elsewhere {
    /// Asks `decide`, which must not take long.
    pub fn new(decide: impl Fn(&First<'_>) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(decide))
    }

    pub(super) fn decide(&self, first: &First<'_>) -> Option<String> {
        (self.0)(first)
    }
}

impl fmt::Debug for Elsewhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Elsewhere").finish_non_exhaustive()
    }
}
