//! Real input: every example of the documentation, through wire and core.
//!
//! The examples lie beside the checkout, not in it. Where they are not there this test says so; on a machine that has
//! `CI=true` their absence is a failure.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)] // helpers of a test that prints its counts

use std::collections::BTreeMap;
use std::path::PathBuf;

use callflow_core::call::{Call, Input, Offer, Setup, Verdict};
use callflow_core::id::{CallId, CallKey, Ticket};
use callflow_core::report::{Report, Response};
use callflow_core::time::Timestamp;
use callflow_graph::wire::asked::{Ask, read_request};
use callflow_graph::wire::notification::{Subject, read_batch};
use callflow_graph::wire::request::Method;
use callflow_graph::wire::response::{Answered, read_answer};
use serde_json::Value;

/// What may not be understood, and why.
const EXCEPTIONS: [(&str, &str); 1] = [(
    "sdk-article-calling-notifications-2021-01-notification-legacy-shape",
    "the page's example is no JSON: a list with names in it",
)];

/// Requests that are no action on a call.
const UNMODELLED: [&str; 1] = [
    // The download of a recording, which goes to an address of its own.
    "v1_0-call-record-2021-04-ex2-request",
];

fn corpus() -> Option<Vec<(String, Value)>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/graph/corpus/visible");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        let must_be_there = std::env::var("CI").is_ok_and(|ci| ci == "true");
        assert!(!must_be_there, "the corpus is not at {}", folder.display());
        println!("skipped: the corpus is not at {}", folder.display());
        return None;
    };
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let files =
        files.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    Some(
        files
            .map(|path| {
                let json = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
                (path.file_stem().unwrap().to_string_lossy().into_owned(), json)
            })
            .collect(),
    )
}

/// What a bot gets: the body, as it would come.
fn body(file: &Value) -> Vec<u8> {
    match (&file["body"], &file["body_text"]) {
        (Value::Null, Value::String(text)) => text.clone().into_bytes(),
        (Value::Null, _) => Vec::new(),
        (body, _) => serde_json::to_vec_pretty(body).unwrap(),
    }
}

fn offered(id: Option<&str>) -> Call<32, 8> {
    let offer = Offer::new(CallId::parse(id.unwrap_or("-")));
    Call::offered(Timestamp::from_millis(0), Setup::new(CallKey::new(1)), offer).0
}

#[test]
fn every_notification_is_understood_or_excepted() {
    let Some(corpus) = corpus() else { return };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let (mut excepted, mut files) = (0, 0);
    for (name, file) in corpus.iter().filter(|(_, file)| file["kind"] == "notification") {
        files += 1;
        let read = read_batch(&body(file));
        if let Some((_, why)) = EXCEPTIONS.iter().find(|(excepted, _)| excepted == name) {
            println!("excepted: {name}: {why}");
            assert!(read.is_err(), "{name} is understood after all");
            excepted += 1;
            continue;
        }
        let batch = read.unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert_eq!(batch.faults, [], "{name}");
        assert!(!batch.notices.is_empty(), "{name} says nothing");
        for notice in &batch.notices {
            let mut call = offered(notice.call.as_deref());
            let report = notice.report();
            let output = call.handle(Timestamp::from_millis(1), Input::Report(&report)).unwrap();
            let verdict = match (&notice.subject, output.verdict()) {
                (Subject::Unrecognised(kind), _) => panic!("{name}: {kind} is not recognised"),
                // An operation that this call did not ask for.
                (Subject::Operation(_), Verdict::NotUsed) => "operation understood".to_owned(),
                (subject, Verdict::NotUsed) => panic!("{name}: {} is not used", subject.name()),
                (subject, _) => format!("{} understood", subject.name()),
            };
            *counts.entry(verdict).or_default() += 1;
        }
    }
    println!("{files} notifications: {counts:?}, {excepted} excepted");
    assert!(files >= 50, "{files} files are not the whole corpus");
    assert_eq!(excepted, EXCEPTIONS.len());
}

#[test]
fn every_response_is_understood() {
    let Some(corpus) = corpus() else { return };
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut files = 0;
    for (name, file) in corpus.iter().filter(|(_, file)| file["kind"] == "response") {
        files += 1;
        let (answered, _) = read_answer(&body(file)).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        let kind = match &answered {
            Answered::Nothing => "without a body",
            Answered::Call(told) => {
                assert!(told.id.is_some() || file["headers"]["Location"].is_string(), "{name}: no id");
                "call"
            }
            Answered::Operation(_) => "operation",
            Answered::Roster(_) => "roster",
            Answered::AudioRoutingGroups(_) => "audio routing groups",
            Answered::ContentSharing(_) => "content sharing sessions",
            Answered::Error => "error",
            Answered::Other(kind) => panic!("{name}: {kind} is not understood"),
        };
        *counts.entry(kind).or_default() += 1;
        let status = file["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or(200);
        let response = Response { ticket: Ticket::FIRST, status, code: 0, body: answered.body() };
        // A call that asked nothing: that it takes any answer without a refusal is what there is to see.
        let taken = offered(None)
            .handle(Timestamp::from_millis(1), Input::Report(&Report::Response(response)))
            .is_ok();
        assert!(taken, "{name}: a report was refused");
    }
    println!("{files} responses: {counts:?}");
    assert!(files >= 40, "{files} files are not the whole corpus");
}

#[test]
fn every_request_is_read() {
    let Some(corpus) = corpus() else { return };
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut files = 0;
    for (name, file) in corpus.iter().filter(|(_, file)| file["kind"] == "request") {
        files += 1;
        let word = file["method"].as_str().unwrap();
        let method = [Method::Get, Method::Post, Method::Patch, Method::Delete]
            .into_iter()
            .find(|method| method.name() == word)
            .unwrap_or_else(|| panic!("{name}: {word}"));
        let asked = read_request(method, file["url"].as_str().unwrap(), &body(file))
            .unwrap_or_else(|fault| panic!("{name}: {fault}"));
        let kind = match &asked.what {
            Ask::Create { .. } => "create",
            Ask::Order(order) => order.with("", |command| command.action().name()),
            Ask::ListParticipants => "list participants",
            Ask::GetOperation(_) => "get operation",
            Ask::Direct(_) => "direct",
            Ask::Other(what) => {
                assert!(UNMODELLED.contains(&name.as_str()), "{name}: {what} is not modelled");
                "not modelled"
            }
        };
        *counts.entry(kind).or_default() += 1;
        // What an SDK sends beyond what is read is named, and never more than what it sent.
        let sent = file["body"].to_string();
        for ignored in &asked.ignored {
            let member = ignored.rsplit('.').next().unwrap();
            assert!(sent.contains(&format!("\"{member}\"")), "{name}: {ignored} was not sent");
        }
    }
    println!("{files} requests: {counts:?}");
    assert!(files >= 50, "{files} files are not the whole corpus");
    assert_eq!(counts.get("not modelled"), Some(&UNMODELLED.len()));
}
