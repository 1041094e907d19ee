use std::collections::{BTreeMap, BTreeSet};

use callflow_core::id::Ticket;
use callflow_core::lifecycle::end::End;
use callflow_core::result::By;

use super::*;

const NOW: Now = Now {
    waiting: 3,
    has_store_fault: true,
    quota: [
        Usage { limit: QuotaLimit::Concurrent, used: 1, of: 50_000 },
        Usage { limit: QuotaLimit::Monthly, used: 7, of: 9 },
    ],
    trace_lost: 2,
};

/// Everything happened once.
fn all() -> Arc<Metrics> {
    let metrics = Arc::new(Metrics::default());
    metrics.request(Some(Action::Answer), &Err(no_answer()), Duration::from_millis(30));
    metrics.retry(When::NoAnswer);
    let http = crate::wire::request::HttpRequest {
        version: crate::wire::request::Version::V1,
        method: crate::wire::request::Method::Get,
        path: "/x".to_owned(),
        body: None,
    };
    let asked = Outgoing { ticket: Ticket::FIRST, action: Action::Refresh, once_only: false, http };
    let unknown = Event::OutcomeUnknown { ticket: Ticket::FIRST, action: Action::PlayPrompt };
    metrics.step(&[asked], &[unknown, Event::Revived]);
    metrics.notification(&Subject::Joining, Verdict::Unexplained, 70);
    metrics.settled(Action::HangUp, 70);
    metrics.answered(503, "overloaded");
    metrics.stored("commit", Instant::now(), false);
    metrics.token_asked();
    metrics.token_fetched(true);
    metrics.circuit_opened();
    metrics
}

fn no_answer() -> ClientError {
    let cause = crate::transport::TransportError::NoAnswer { host: "h".to_owned(), reason: String::new() };
    ClientError::NoAnswer { cause, client_request_id: String::new() }
}

#[test]
fn the_table_of_the_docs_names_what_there_is() {
    let documented: BTreeMap<_, _> = include_str!("mod.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("//! | `callflow_"))
        .map(|row| {
            let mut cells = row.split('|').map(str::trim);
            let name = format!("callflow_{}", cells.next().unwrap().trim_end_matches('`'));
            let kind = cells.next().unwrap().to_owned();
            let labels = cells.next().unwrap().split(['`', ',', ' ']).filter(|word| !word.is_empty());
            (name, (kind, labels.map(str::to_owned).collect::<BTreeSet<_>>()))
        })
        .collect();
    let metrics = all();
    let mut counted = Counted::new(Arc::clone(&metrics));
    counted.move_to(State::Incoming, Kind::PeerToPeer);
    let text = metrics.text(&NOW);
    let found: BTreeMap<_, _> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
        .map(|(name, kind)| {
            let sample = text.lines().find(|line| {
                line.strip_prefix(name).is_some_and(|rest| {
                    let rest = rest.strip_prefix("_total").or(rest.strip_prefix("_bucket")).unwrap_or(rest);
                    rest.starts_with(['{', ' '])
                })
            });
            let inside = sample.unwrap().split_once('{').map_or("", |(_, rest)| rest);
            let labels = inside.split_once('}').map_or("", |(labels, _)| labels).split(',');
            let labels = labels.filter_map(|label| label.split_once('=')).map(|(label, _)| label.to_owned());
            let labels: BTreeSet<_> = labels.filter(|label| label != "le").collect();
            let name = if kind == "counter" { format!("{name}_total") } else { name.to_owned() };
            (name, (kind.to_owned(), labels))
        })
        .collect();
    assert_eq!(documented, found, "{text}");
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn what_happened_is_counted_under_its_words() {
    let text = all().text(&NOW);
    for line in [
        "callflow_requests_total{operation=\"answer\",outcome=\"no answer\"} 1",
        "callflow_request_duration_seconds_bucket{le=\"0.05\",operation=\"answer\"} 1",
        "callflow_request_retries_total{reason=\"no answer\"} 1",
        "callflow_refreshes_total{operation=\"refresh\"} 1",
        "callflow_outcome_unknown_total{operation=\"playPrompt\"} 1",
        "callflow_notifications_total{subject=\"joining\",verdict=\"unexplained\"} 1",
        "callflow_settling_duration_seconds_bucket{le=\"0.05\",operation=\"hangUp\"} 0",
        "callflow_settling_duration_seconds_bucket{le=\"0.1\",operation=\"hangUp\"} 1",
        "callflow_anomalies_total{what=\"unexplained\"} 1",
        "callflow_anomalies_total{what=\"revived\"} 1",
        "callflow_webhook_answers_total{status=\"503\",code=\"overloaded\"} 1",
        "callflow_inbox_waiting 3",
        "callflow_store_errors_total{operation=\"commit\"} 1",
        "callflow_store_fault 1",
        "callflow_token_asks_total 1",
        "callflow_token_fetches_total{outcome=\"fetched\"} 1",
        "callflow_circuits_open 1",
        "callflow_quota_used{limit=\"monthly\"} 7",
        "callflow_quota_limit{limit=\"concurrent\"} 50000",
        "callflow_trace_lost_entries 2",
    ] {
        assert!(text.lines().any(|other| other == line), "{line}: {text}");
    }
}

#[test]
fn ends_that_were_told_are_no_anomalies() {
    for (how, expected) in [(How::Told, false), (How::Inferred, true), (How::NotCreated, false)] {
        let metrics = Metrics::default();
        let end = End { how, ever_established: true, by: By::Bot, reason: None, result: None };
        metrics.step(&[], &[Event::Ended(end)]);
        assert_eq!(metrics.text(&NOW).contains("what=\"inferred\"} 1"), expected, "{how}");
    }
}

#[test]
fn a_call_counts_once_where_it_stands_and_not_when_it_is_gone() {
    let metrics = Arc::new(Metrics::default());
    let mut counted = Counted::new(Arc::clone(&metrics));
    let calls = |state: &str, kind: &str| {
        let start = format!("callflow_calls{{state=\"{state}\",kind=\"{kind}\"}} ");
        let text = metrics.text(&NOW);
        text.lines().find_map(|line| line.strip_prefix(&start)?.parse::<i64>().ok())
    };
    counted.move_to(State::Incoming, Kind::PeerToPeer);
    counted.move_to(State::Incoming, Kind::PeerToPeer);
    assert_eq!(calls("incoming", "p2p"), Some(1));
    counted.move_to(State::Established, Kind::Group);
    assert_eq!((calls("incoming", "p2p"), calls("established", "group")), (Some(0), Some(1)));
    drop(counted);
    assert_eq!(calls("established", "group"), Some(0));
}
