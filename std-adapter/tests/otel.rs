//! Spans arrive at a collector.
#![allow(clippy::unwrap_used)] // helpers of tests, beside the tests themselves

use std::io::Read;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use bytes::Bytes;
use callflow_graph::otel::{Exporter, OtelError};
use tracing_subscriber::layer::SubscriberExt;

type Taken = Arc<Mutex<Vec<Bytes>>>;

async fn take(State(taken): State<Taken>, body: Bytes) {
    taken.lock().unwrap().push(body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_span_arrives_at_the_collector_with_what_it_has() {
    let taken = Taken::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    let router = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&taken));
    tokio::spawn(async move { axum::serve(listener, router).await });

    let exporter =
        tokio::task::spawn_blocking(move || Exporter::try_new(&address, "the-pager")).await.unwrap();
    let exporter = exporter.unwrap();
    let subscriber = tracing_subscriber::registry().with(exporter.layer());
    tracing::subscriber::with_default(subscriber, || {
        let call = tracing::info_span!("call", call_id = "57DAB8B1");
        call.in_scope(|| tracing::info_span!("request", operation = "playPrompt").in_scope(|| ()));
    });
    tokio::task::spawn_blocking(move || exporter.shut_down()).await.unwrap().unwrap();

    let all: Vec<u8> = taken.lock().unwrap().iter().flat_map(|body| body.to_vec()).collect();
    for words in ["the-pager", "call_id", "57DAB8B1", "operation", "playPrompt"] {
        assert!(all.windows(words.len()).any(|part| part == words.as_bytes()), "{words} did not arrive");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_not_there_is_told_of_at_the_end_and_plain_http_elsewhere_at_once() {
    for address in ["http://collector.example/v1/traces", "collector", ""] {
        let made = Exporter::try_new(address, "bot");
        assert!(matches!(&made, Err(OtelError::Address(given)) if given == address), "{made:?}");
    }
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let shut_down = tokio::task::spawn_blocking(move || {
        let exporter = Exporter::try_new(&format!("http://{nobody}/v1/traces"), "bot").unwrap();
        let subscriber = tracing_subscriber::registry().with(exporter.layer());
        tracing::subscriber::with_default(subscriber, || drop(tracing::info_span!("call").entered()));
        exporter.shut_down()
    });
    let error = shut_down.await.unwrap().unwrap_err();
    assert!(error.to_string().contains("look whether the collector runs"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_to_an_https_address_is_encrypted() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("https://{}/v1/traces", listener.local_addr().unwrap());
    let heard = std::thread::spawn(move || {
        let mut first = [0; 3];
        listener.accept().unwrap().0.read_exact(&mut first).unwrap();
        first
    });
    let shut_down = tokio::task::spawn_blocking(move || {
        let exporter = Exporter::try_new(&address, "bot").unwrap();
        let subscriber = tracing_subscriber::registry().with(exporter.layer());
        tracing::subscriber::with_default(subscriber, || drop(tracing::info_span!("call").entered()));
        exporter.shut_down()
    });
    assert!(shut_down.await.unwrap().is_err(), "nobody answers as a server of TLS does");
    // A record of a handshake, of TLS 1.0 or later by its head.
    assert_eq!(heard.join().unwrap(), [0x16, 3, 1]);
}
