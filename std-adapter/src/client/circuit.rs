//! A circuit for each host: where a host has failed many times one after another, requests to it are refused here at
//! once, as certainly not sent, until it had time to recover; then one goes and tells.
//!
//! | state | what passes | left by |
//! | --- | --- | --- |
//! | closed | everything | [`CircuitLimits::failures`] one after another: open |
//! | open | what is urgent | [`CircuitLimits::pause`] passed: the next request is the probe; a success: closed |
//! | probing | what is urgent | the probe succeeds: closed; fails: open; says nothing for another pause: the next probe |
//!
//! A failure is: no connection, no answer, a 5xx. A 429 and any other 4xx come from a service that works. One answer
//! closes the circuit, whichever request it is for.
//!
//! What is urgent is a hang-up. It passes an open circuit, because refused it would leave somebody in a call that the bot
//! wants to end, and nothing else would end it; there is one for each call at most, so that a dead host is not hammered.
//! It counts as any other request does, and may close the circuit.
//!
//! Source: assumed; if it is wrong, a request is refused here for as long as a pause that would have been answered.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::Request;

use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::transport::{Exchange, Transport, TransportError};

/// When a circuit opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CircuitLimits {
    /// After how many failures one after another it opens; 0 for never.
    pub failures: u32,
    /// After what time a probe goes.
    pub pause: Duration,
}

impl Default for CircuitLimits {
    /// Ten failures: one request is tried three times, so that no three calls in trouble shut out all others. Five
    /// seconds: a call waits 15 to be answered, and a probe has to come in time for it.
    fn default() -> Self {
        Self { failures: 10, pause: Duration::from_secs(5) }
    }
}

/// A moment, in milliseconds since the Unix epoch.
type Millis = u64;

/// The circuit of one host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Circuit {
    Closed { failures: u32 },
    Open { since: Millis, until: Millis },
    Probing { since: Millis, until: Millis },
}

/// Whether a request may pass an open circuit. It travels in the request's extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Urgency {
    Ordinary,
    Urgent,
}

/// Since when a circuit is open, and when the next probe may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Refused {
    since: Millis,
    until: Millis,
}

impl Circuit {
    const CLOSED: Self = Self::Closed { failures: 0 };

    /// Lets a request pass, or says why not.
    fn admit(&mut self, now: Millis, urgency: Urgency, limits: &CircuitLimits) -> Result<(), Refused> {
        match *self {
            Self::Closed { .. } => Ok(()),
            Self::Open { since, until } | Self::Probing { since, until } if now >= until => {
                *self = Self::Probing { since, until: limits.after(now) };
                Ok(())
            }
            Self::Open { .. } | Self::Probing { .. } if urgency == Urgency::Urgent => Ok(()),
            Self::Open { since, until } | Self::Probing { since, until } => Err(Refused { since, until }),
        }
    }

    fn failed(&mut self, now: Millis, limits: &CircuitLimits) {
        *self = match *self {
            Self::Closed { failures } => {
                let failures = failures.saturating_add(1);
                if limits.failures > 0 && failures >= limits.failures {
                    Self::Open { since: now, until: limits.after(now) }
                } else {
                    Self::Closed { failures }
                }
            }
            Self::Probing { since, .. } => Self::Open { since, until: limits.after(now) },
            // One that left before it opened, or an urgent one, says nothing new.
            open @ Self::Open { .. } => open,
        };
    }
}

impl CircuitLimits {
    fn after(&self, now: Millis) -> Millis {
        now.saturating_add(u64::try_from(self.pause.as_millis()).unwrap_or(u64::MAX))
    }
}

/// A transport with a circuit for each host.
pub(super) struct Circuits {
    transport: Arc<dyn Transport>,
    shared: Arc<Shared>,
}

struct Shared {
    limits: CircuitLimits,
    clock: Clock,
    metrics: Arc<Metrics>,
    of_hosts: Mutex<HashMap<String, Circuit>>,
}

impl Circuits {
    pub(super) fn new(
        transport: Arc<dyn Transport>,
        limits: CircuitLimits,
        clock: Clock,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self { transport, shared: Arc::new(Shared { limits, clock, metrics, of_hosts: Mutex::default() }) }
    }
}

impl Shared {
    fn change<T>(&self, host: &str, change: impl FnOnce(&mut Circuit, Millis, &CircuitLimits) -> T) -> T {
        let mut circuits = self.of_hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let circuit = circuits.entry(host.to_owned()).or_insert(Circuit::CLOSED);
        let before = *circuit;
        let result = change(circuit, self.clock.now_millis(), &self.limits);
        match (before, *circuit) {
            (Circuit::Closed { .. }, Circuit::Open { .. }) => {
                self.metrics.circuit_opened();
                tracing::error!(host, "it failed too often; requests to it are refused for a while");
            }
            (Circuit::Open { .. } | Circuit::Probing { .. }, Circuit::Closed { .. }) => {
                self.metrics.circuit_closed();
                tracing::info!(host, "it answers again");
            }
            (_, _) => {}
        }
        result
    }
}

/// A request that is out. One that is given up, because no answer came in time, has failed.
struct Out {
    shared: Arc<Shared>,
    host: String,
    is_told: bool,
}

impl Out {
    fn tell(&mut self, is_failure: bool) {
        self.is_told = true;
        self.shared.change(&self.host, |circuit, now, limits| {
            if is_failure {
                circuit.failed(now, limits);
            } else {
                *circuit = Circuit::CLOSED;
            }
        });
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        if !self.is_told {
            self.tell(true);
        }
    }
}

impl Transport for Circuits {
    fn send(&self, mut request: Request<Bytes>) -> Exchange {
        let urgency = request.extensions_mut().remove().unwrap_or(Urgency::Ordinary);
        let host = request.uri().authority().map(ToString::to_string).unwrap_or_default();
        let (transport, shared) = (Arc::clone(&self.transport), Arc::clone(&self.shared));
        Box::pin(async move {
            let admitted = shared.change(&host, |circuit, now, limits| circuit.admit(now, urgency, limits));
            if let Err(Refused { since, until }) = admitted {
                let wait = Duration::from_millis(until.saturating_sub(shared.clock.now_millis()));
                return Err(TransportError::CircuitOpen { host, since, until, wait });
            }
            let mut out = Out { shared, host, is_told: false };
            let result = transport.send(request).await;
            out.tell(match &result {
                Ok(response) => response.status().is_server_error(),
                Err(TransportError::Unreachable { .. } | TransportError::NoAnswer { .. }) => true,
                Err(TransportError::Forbidden { .. } | TransportError::CircuitOpen { .. }) => false,
            });
            result
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: CircuitLimits = CircuitLimits { failures: 3, pause: Duration::from_secs(5) };

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Fail,
        Succeed,
        Passes,
        PassesUrgent,
        Refused { since: Millis, until: Millis },
    }

    #[test]
    fn stories_of_a_host() {
        use Step::{Fail, Passes, PassesUrgent, Refused, Succeed};
        for (name, story) in [
            ("below the limit", &[(0, Fail), (1, Fail), (2, Passes)][..]),
            ("a success between", &[(0, Fail), (1, Fail), (2, Succeed), (3, Fail), (4, Fail), (5, Passes)]),
            ("open", &[(0, Fail), (1, Fail), (2, Fail), (3, Refused { since: 2, until: 5002 })]),
            (
                "late failures do not lengthen it",
                &[
                    (0, Fail),
                    (0, Fail),
                    (0, Fail),
                    (4000, Fail),
                    (4999, Refused { since: 0, until: 5000 }),
                    (5000, Passes),
                ],
            ),
            (
                "one probe only",
                &[
                    (0, Fail),
                    (0, Fail),
                    (0, Fail),
                    (5000, Passes),
                    (5001, Refused { since: 0, until: 10_000 }),
                    (9999, Refused { since: 0, until: 10_000 }),
                    // The probe was lost: the next one goes.
                    (10_000, Passes),
                ],
            ),
            (
                "a probe that fails",
                &[
                    (0, Fail),
                    (0, Fail),
                    (0, Fail),
                    (5000, Passes),
                    (6000, Fail),
                    (6001, Refused { since: 0, until: 11_000 }),
                ],
            ),
            (
                "a probe that succeeds",
                &[
                    (0, Fail),
                    (0, Fail),
                    (0, Fail),
                    (5000, Passes),
                    (6000, Succeed),
                    (6000, Fail),
                    (6001, Passes),
                ],
            ),
            (
                "what is urgent passes, and tells",
                &[
                    (0, Fail),
                    (0, Fail),
                    (0, Fail),
                    (1, PassesUrgent),
                    (2, Refused { since: 0, until: 5000 }),
                    (3, Succeed),
                    (4, Passes),
                ],
            ),
        ] {
            let mut circuit = Circuit::CLOSED;
            for (now, step) in story {
                let told = format!("{name}: {step:?} at {now}");
                match step {
                    Fail => circuit.failed(*now, &LIMITS),
                    Succeed => circuit = Circuit::CLOSED,
                    Passes => assert_eq!(circuit.admit(*now, Urgency::Ordinary, &LIMITS), Ok(()), "{told}"),
                    PassesUrgent => {
                        assert_eq!(circuit.admit(*now, Urgency::Urgent, &LIMITS), Ok(()), "{told}");
                    }
                    Refused { since, until } => {
                        let expected = Err(super::Refused { since: *since, until: *until });
                        assert_eq!(circuit.admit(*now, Urgency::Ordinary, &LIMITS), expected, "{told}");
                    }
                }
            }
        }
    }

    #[test]
    fn without_a_limit_it_never_opens() {
        let limits = CircuitLimits { failures: 0, ..LIMITS };
        let mut circuit = Circuit::CLOSED;
        for now in 0..100 {
            circuit.failed(now, &limits);
        }
        assert_eq!(circuit.admit(100, Urgency::Ordinary, &limits), Ok(()));
    }
}
