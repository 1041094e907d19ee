//! A request that must not be carried out twice, over real connections to a service that carries it out and then fails.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // helpers of tests, beside the tests themselves

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use callflow_graph::client::retry::Class;
use callflow_graph::client::{ClientError, Credentials, Endpoints, GraphClient, GraphRequest, Limits};
use callflow_graph::clock::Clock;
use callflow_graph::transport::Https;
use http::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the service does after it carried a request out.
#[derive(Clone, Copy, Debug)]
enum Then {
    Answer(u16),
    Drop,
    DropWithinBody,
}

/// Reads one request: its head, and whether there was one.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut all = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&all).to_string();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some(head.to_owned());
            }
        }
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => all.extend_from_slice(&piece[..count]),
        }
    }
}

async fn serve(listener: TcpListener, then: Then, done: Arc<AtomicU32>) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let done = Arc::clone(&done);
        tokio::spawn(async move {
            while let Some(head) = read_request(&mut stream).await {
                let answer = if head.contains("/oauth2/") {
                    let body = r#"{"access_token": "t", "expires_in": 3600}"#;
                    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
                } else {
                    done.fetch_add(1, Ordering::SeqCst);
                    match then {
                        Then::Answer(status) => {
                            format!("HTTP/1.1 {status} X\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n")
                        }
                        Then::Drop => return,
                        Then::DropWithinBody => {
                            "HTTP/1.1 201 Created\r\ncontent-length: 100\r\n\r\n{".to_owned()
                        }
                    }
                };
                let _ = stream.write_all(answer.as_bytes()).await;
                if answer.ends_with('{') {
                    return;
                }
            }
        });
    }
}

async fn service(then: Then) -> (GraphClient, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let done = Arc::new(AtomicU32::new(0));
    tokio::spawn(serve(listener, then, Arc::clone(&done)));
    let endpoints =
        Endpoints { authority: base.clone(), graph: format!("{base}/v1.0"), ..Endpoints::global() };
    let credentials = Credentials::with_secret("t", "a", "s");
    let https = Https::try_new(Duration::from_secs(5), Duration::from_secs(10)).unwrap();
    let client =
        GraphClient::new(credentials, endpoints, Limits::default(), Arc::new(https), Clock::system());
    (client, done)
}

#[tokio::test]
async fn what_the_service_may_have_done_is_never_asked_twice() {
    for then in [
        Then::Answer(503),
        Then::Answer(504),
        Then::Answer(502),
        Then::Answer(500),
        Then::Answer(408),
        Then::Drop,
        Then::DropWithinBody,
    ] {
        let (client, done) = service(then).await;
        // The first request makes the connection, the second uses it again: a layer below could repeat that one.
        for sent in 1..=2 {
            let body = Some(Bytes::from_static(b"{}"));
            let path = "/communications/calls";
            let request =
                GraphRequest { body, class: Some(Class::OnceOnly), ..GraphRequest::new(Method::POST, path) };
            let result = client.send(&request).await;
            match (then, &result) {
                (Then::Answer(status), Ok(answer)) => assert_eq!(answer.status, status),
                (Then::Drop | Then::DropWithinBody, Err(error @ ClientError::NoAnswer { .. })) => {
                    assert!(!error.is_certainly_undone(), "{error}");
                    assert!(error.to_string().contains("client-request-id"), "{error}");
                }
                _ => panic!("{then:?}: {result:?}"),
            }
            assert_eq!(done.load(Ordering::SeqCst), sent, "{then:?}");
        }
    }
}

#[tokio::test]
async fn what_sets_a_state_is_asked_as_often_as_the_rule_says() {
    for (class, expected) in [(Class::Idempotent, 3), (Class::Settling, 1), (Class::HangUp, 3)] {
        let (client, done) = service(Then::Answer(503)).await;
        let request = GraphRequest { class: Some(class), ..GraphRequest::new(Method::POST, "/x") };
        assert_eq!(client.send(&request).await.unwrap().status, 503);
        assert_eq!(done.load(Ordering::SeqCst), expected, "{class:?}");
    }
}
