//! Metrics of a bot, as Prometheus and others read them.
//!
//! [`Bot::metrics`] gives them as text in the format of OpenMetrics, [`Bot::metrics_routes`] serves that at `/metrics`: to be
//! mounted on a listener that the outside does not reach, since they tell how much a bot has to do. Each bot has its own;
//! there is no registry of the whole process.
//!
//! | name | kind | labels | what it counts or tells |
//! | --- | --- | --- | --- |
//! | `callflow_calls` | gauge | `state`, `kind` | the calls that are kept, by Graph's `callState`, and peer-to-peer or group |
//! | `callflow_requests_total` | counter | `operation`, `outcome` | requests of calls that came to an end: `2xx`, `3xx`, `4xx`, `429`, `5xx`, `no answer`, `not sent` |
//! | `callflow_request_duration_seconds` | histogram | `operation` | how long they took, with all that was tried again |
//! | `callflow_request_retries_total` | counter | `reason` | what was tried again, and why: `429`, `failed`, `no answer`, `not sent` |
//! | `callflow_refreshes_total` | counter | `operation` | GETs by which calls asked how things stand, of their own accord or ordered |
//! | `callflow_outcome_unknown_total` | counter | `operation` | commands of which it is not known whether they took effect |
//! | `callflow_notifications_total` | counter | `subject`, `verdict` | notifications that were handled; one that came late is `stale`, one that came twice a `repeat` |
//! | `callflow_notification_wait_seconds` | histogram | `subject` | how long each waited, from its acceptance until it was handled |
//! | `callflow_settling_duration_seconds` | histogram | `operation` | how long it took from when a request left until a notification told what became of it: of an answer that the call is established, of a hang-up that it is over, of an operation that it ended |
//! | `callflow_anomalies_total` | counter | `what` | what should not be: `unexplained` notifications, calls `revived` after an end was inferred, ends that were `inferred`, limits that passed: `answer timeout`, `joining timeout`, and a `roster full` |
//! | `callflow_webhook_answers_total` | counter | `status`, `code` | answers of the webhook; `code` says why one was refused |
//! | `callflow_inbox_waiting` | gauge | | notifications that wait to be handled |
//! | `callflow_store_duration_seconds` | histogram | `operation` | how long the store took |
//! | `callflow_store_errors_total` | counter | `operation` | what the store refused |
//! | `callflow_store_fault` | gauge | | 1 while the store cannot be written |
//! | `callflow_token_asks_total` | counter | | how often a token was needed; most come from the cache |
//! | `callflow_token_fetches_total` | counter | `outcome` | how often one was fetched: `fetched`, `failed` |
//! | `callflow_circuits_open` | gauge | | hosts to which requests are refused for a while |
//! | `callflow_quota_used` | gauge | `limit` | calls that count against a limit of the app: `concurrent`, `monthly` |
//! | `callflow_quota_limit` | gauge | `limit` | how many may |
//! | `callflow_trace_lost_entries` | gauge | | entries of the trace that could not be written |
//!
//! No label has an id: each is one of a few words, `status` one of the webhook's, `operation` one of core's actions or of the
//! store's operations.
//!
//! When a notification happened at the service none of them says, so that its lateness alone cannot be told in seconds. What
//! is told is how long it waited here, whether it was older than what was known, and how long after the request it came that
//! it settles: for a prompt or a recording that is its length too. What left before a restart is not in it.
//!
//! Source: Prometheus docs, metric and label naming.

mod labels;
mod store;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State as Of;
use axum::response::IntoResponse;
use axum::routing::get;
use callflow_core::action::Action;
use callflow_core::call::Verdict;
use callflow_core::classification::Kind;
use callflow_core::event::Event;
use callflow_core::lifecycle::State;
use callflow_core::lifecycle::end::How;
use http::header::CONTENT_TYPE;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::bot::{Bot, QuotaLimit, Usage};
use crate::client::retry::When;
use crate::client::{Answer, ClientError};
use crate::session::Outgoing;
use crate::wire::notification::Subject;
use labels::{Called, Noticed, OfLimit, OfOperation, OfReason, OfSubject, Outcome, Requested, Status, What};

pub(crate) use store::Timed;

/// The type of [`Bot::metrics`].
pub const CONTENT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds in seconds: of what a network takes, and of what a disk takes.
const OF_NETWORK: [f64; 10] = [0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
const OF_DISK: [f64; 10] = [0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.1, 0.5, 2.0];

type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

/// The metrics of a bot.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    calls: Family<Called, Gauge>,
    requests: Family<Requested, Counter>,
    request_durations: Histograms<OfOperation>,
    retries: Family<OfReason, Counter>,
    refreshes: Family<OfOperation, Counter>,
    unknown: Family<OfOperation, Counter>,
    notifications: Family<Noticed, Counter>,
    waits: Histograms<OfSubject>,
    settlings: Histograms<OfOperation>,
    anomalies: Family<What, Counter>,
    answers: Family<Status, Counter>,
    waiting: Gauge,
    store_durations: Histograms<OfOperation>,
    store_errors: Family<OfOperation, Counter>,
    store_fault: Gauge,
    token_asks: Counter,
    token_fetches: Family<Outcome, Counter>,
    circuits_open: Gauge,
    quota_used: Family<OfLimit, Gauge>,
    quota_limit: Family<OfLimit, Gauge>,
    trace_lost: Gauge,
}

fn of_network() -> Histogram {
    Histogram::new(OF_NETWORK)
}

fn of_disk() -> Histogram {
    Histogram::new(OF_DISK)
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("callflow"),
            calls: Family::default(),
            requests: Family::default(),
            request_durations: Family::new_with_constructor(of_network),
            retries: Family::default(),
            refreshes: Family::default(),
            unknown: Family::default(),
            notifications: Family::default(),
            waits: Family::new_with_constructor(of_network),
            settlings: Family::new_with_constructor(of_network),
            anomalies: Family::default(),
            answers: Family::default(),
            waiting: Gauge::default(),
            store_durations: Family::new_with_constructor(of_disk),
            store_errors: Family::default(),
            store_fault: Gauge::default(),
            token_asks: Counter::default(),
            token_fetches: Family::default(),
            circuits_open: Gauge::default(),
            quota_used: Family::default(),
            quota_limit: Family::default(),
            trace_lost: Gauge::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    /// Names them. What counts has `_total` put behind its name by the encoding.
    fn register(&mut self) {
        let to = &mut self.registry;
        to.register("calls", "Calls that are kept", self.calls.clone());
        to.register("requests", "Requests of calls that came to an end", self.requests.clone());
        let durations = self.request_durations.clone();
        to.register("request_duration_seconds", "How long requests of calls took", durations);
        to.register("request_retries", "Requests that were tried again", self.retries.clone());
        to.register("refreshes", "GETs by which calls asked how things stand", self.refreshes.clone());
        let unknown = self.unknown.clone();
        to.register("outcome_unknown", "Commands of which the effect is not known", unknown);
        to.register("notifications", "Notifications that were handled", self.notifications.clone());
        let waits = self.waits.clone();
        to.register("notification_wait_seconds", "How long notifications waited to be handled", waits);
        let settlings = self.settlings.clone();
        to.register("settling_duration_seconds", "How long until outcomes of requests were told", settlings);
        to.register("anomalies", "What should not be", self.anomalies.clone());
        to.register("webhook_answers", "Answers of the webhook", self.answers.clone());
        to.register("inbox_waiting", "Notifications that wait to be handled", self.waiting.clone());
        let durations = self.store_durations.clone();
        to.register("store_duration_seconds", "How long the store took", durations);
        to.register("store_errors", "What the store refused", self.store_errors.clone());
        to.register("store_fault", "Whether the store cannot be written", self.store_fault.clone());
        to.register("token_asks", "How often a token was needed", self.token_asks.clone());
        to.register("token_fetches", "How often a token was fetched", self.token_fetches.clone());
        let circuits = self.circuits_open.clone();
        to.register("circuits_open", "Hosts to which requests are refused for a while", circuits);
        to.register("quota_used", "Calls that count against a limit of the app", self.quota_used.clone());
        to.register("quota_limit", "How many calls may count against a limit", self.quota_limit.clone());
        let lost = self.trace_lost.clone();
        to.register("trace_lost_entries", "Entries of the trace that could not be written", lost);
    }

    /// A request of a call came to an end.
    pub(crate) fn request(
        &self,
        action: Option<Action>,
        result: &Result<Answer, ClientError>,
        took: Duration,
    ) {
        let operation = action.map_or("unknown", Action::name);
        let outcome = match result {
            Ok(answer) => match answer.status {
                429 => "429",
                200..=299 => "2xx",
                300..=399 => "3xx",
                400..=499 => "4xx",
                _ => "5xx",
            },
            Err(error) if error.is_certainly_undone() => "not sent",
            Err(_) => "no answer",
        };
        count(&self.requests, &Requested { operation, outcome });
        self.request_durations.get_or_create(&OfOperation { operation }).observe(took.as_secs_f64());
    }

    /// A request is tried again after this.
    pub(crate) fn retry(&self, came: When) {
        let reason = match came {
            When::NotSent => "not sent",
            When::Throttled => "429",
            When::NoAnswer => "no answer",
            When::Failed => "failed",
            When::Answered => "answered",
        };
        count(&self.retries, &OfReason { reason });
    }

    /// What an input of a call gave.
    pub(crate) fn step(&self, requests: &[Outgoing], events: &[Event]) {
        for request in requests {
            if matches!(request.action, Action::Refresh | Action::ListParticipants | Action::GetOperation) {
                count(&self.refreshes, &OfOperation { operation: request.action.name() });
            }
        }
        for event in events {
            let what = match event {
                Event::OutcomeUnknown { action, .. } => {
                    count(&self.unknown, &OfOperation { operation: action.name() });
                    continue;
                }
                Event::Revived => "revived",
                Event::Ended(end) if end.how == How::Inferred => "inferred",
                Event::AnswerTimeout => "answer timeout",
                Event::JoiningTimeout => "joining timeout",
                Event::RosterFull { .. } => "roster full",
                _ => continue,
            };
            count(&self.anomalies, &What { what });
        }
    }

    /// A notification was handled, so many milliseconds after it was accepted.
    pub(crate) fn notification(&self, subject: &Subject, verdict: Verdict, waited: u64) {
        let subject = subject.name();
        count(&self.notifications, &Noticed { subject, verdict: verdict.name() });
        let waited = Duration::from_millis(waited).as_secs_f64();
        self.waits.get_or_create(&OfSubject { subject }).observe(waited);
        if verdict == Verdict::Unexplained {
            count(&self.anomalies, &What { what: "unexplained" });
        }
    }

    /// A notification told what became of a request, so many milliseconds after that left.
    pub(crate) fn settled(&self, action: Action, after: u64) {
        let operation = action.name();
        let after = Duration::from_millis(after).as_secs_f64();
        self.settlings.get_or_create(&OfOperation { operation }).observe(after);
    }

    /// The webhook answered.
    pub(crate) fn answered(&self, status: u16, code: &'static str) {
        count(&self.answers, &Status { status, code });
    }

    /// The store was asked for something at `since`, and gave it, or not.
    fn stored(&self, operation: &'static str, since: Instant, is_good: bool) {
        let labels = OfOperation { operation };
        self.store_durations.get_or_create(&labels).observe(since.elapsed().as_secs_f64());
        if !is_good {
            count(&self.store_errors, &labels);
        }
    }

    /// A token was needed.
    pub(crate) fn token_asked(&self) {
        self.token_asks.inc();
    }

    /// A token was fetched, or not.
    pub(crate) fn token_fetched(&self, is_good: bool) {
        let outcome = if is_good { "fetched" } else { "failed" };
        count(&self.token_fetches, &Outcome { outcome });
    }

    /// Requests to a host are refused from now on.
    pub(crate) fn circuit_opened(&self) {
        self.circuits_open.inc();
    }

    /// They pass again.
    pub(crate) fn circuit_closed(&self) {
        self.circuits_open.dec();
    }

    /// What is looked at when somebody asks, and the text of everything.
    pub(crate) fn text(&self, now: &Now) -> String {
        self.waiting.set(signed(now.waiting));
        self.store_fault.set(now.has_store_fault.into());
        self.trace_lost.set(signed(now.trace_lost));
        for Usage { limit, used, of } in now.quota {
            let limit = match limit {
                QuotaLimit::Concurrent => "concurrent",
                QuotaLimit::Monthly => "monthly",
            };
            self.quota_used.get_or_create(&OfLimit { limit }).set(signed(used));
            self.quota_limit.get_or_create(&OfLimit { limit }).set(signed(of));
        }
        let mut text = String::new();
        // A text takes whatever is written to it.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// How things stand when somebody asks.
pub(crate) struct Now {
    pub(crate) waiting: u64,
    pub(crate) has_store_fault: bool,
    pub(crate) quota: [Usage; 2],
    pub(crate) trace_lost: u64,
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn count<L>(family: &Family<L, Counter>, labels: &L)
where
    L: Clone + EncodeLabelSet + Eq + std::hash::Hash + std::fmt::Debug + Send + Sync + 'static,
{
    family.get_or_create(labels).inc();
}

/// A call's place among the calls by state and kind; it is given up with the call's task.
#[derive(Debug)]
pub(crate) struct Counted {
    metrics: Arc<Metrics>,
    at: Option<Called>,
}

impl Counted {
    pub(crate) const fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics, at: None }
    }

    /// The call stands so now.
    pub(crate) fn move_to(&mut self, state: State, kind: Kind) {
        let next = Called { state: state.name(), kind: kind.name() };
        if self.at.as_ref() == Some(&next) {
            return;
        }
        self.leave();
        self.metrics.calls.get_or_create(&next).inc();
        self.at = Some(next);
    }

    fn leave(&mut self) {
        if let Some(at) = self.at.take() {
            self.metrics.calls.get_or_create(&at).dec();
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.leave();
    }
}

/// The routes of [`Bot::metrics_routes`].
pub(crate) fn routes(bot: Bot) -> Router {
    let answer = async |Of(bot): Of<Bot>| ([(CONTENT_TYPE, CONTENT)], bot.metrics()).into_response();
    Router::new().route("/metrics", get(answer)).with_state(bot)
}

#[cfg(test)]
mod tests;
