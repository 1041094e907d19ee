//! What a bot counts while calls go on, as its monitoring reads it.
#![allow(clippy::unwrap_used)] // helpers of tests, beside the tests themselves

use std::time::Duration;

use callflow_graph::session::Target;
use callflow_graph::simulator::{Fault, Faults, Step};
use callflow_graph::transport::Transport;
use callflow_tests::{APP, PERSON, Scene};

/// The value of a metric, by all that stands before it.
fn value(text: &str, name: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

async fn fetched(scene: &Scene) -> String {
    let request = http::Request::get("https://metrics.test/metrics").body(bytes::Bytes::new()).unwrap();
    let response = scene.net.send(request).await.unwrap();
    let content = response.headers().get("content-type").unwrap().to_str().unwrap();
    assert!(content.starts_with("application/openmetrics-text"), "{content}");
    String::from_utf8(response.into_body().to_vec()).unwrap()
}

async fn after(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn calls_are_counted_while_they_are_up_and_requests_by_what_became_of_them() {
    let faults = Faults::default().with(Fault::NotificationTwice, 100);
    let scene = Scene::new(&["Calls.Initiate.All", "Calls.AccessMedia.All"], faults);
    let bot = scene.start().await;
    scene.net.mount("metrics.test", bot.metrics_routes());
    assert_eq!(value(&fetched(&scene).await, "callflow_inbox_waiting"), Some(0.0));
    scene.simulator.refuse_next("/playPrompt", 429);
    let id = scene
        .simulator
        .call_bot(PERSON, APP, vec![Step::AwaitAnswer, Step::Wait(Duration::from_secs(30)), Step::HangUp])
        .unwrap();
    let placed = bot.place(Target::User(PERSON.to_owned())).await.unwrap();
    after(10).await;
    let text = fetched(&scene).await;
    assert_eq!(value(&text, "callflow_calls{state=\"established\",kind=\"p2p\"}"), Some(1.0), "{text}");
    assert_eq!(value(&text, "callflow_quota_used{limit=\"concurrent\"}"), Some(1.0), "{text}");
    assert_eq!(value(&text, "callflow_quota_used{limit=\"monthly\"}"), Some(2.0), "{text}");
    assert_eq!(
        value(&text, "callflow_requests_total{operation=\"answer\",outcome=\"2xx\"}"),
        Some(1.0),
        "{text}"
    );
    assert_eq!(
        value(&text, "callflow_requests_total{operation=\"place\",outcome=\"2xx\"}"),
        Some(1.0),
        "{text}"
    );
    assert_eq!(value(&text, "callflow_request_retries_total{reason=\"429\"}"), Some(1.0), "{text}");
    let repeats = value(&text, "callflow_notifications_total{subject=\"call\",verdict=\"repeat\"}");
    assert!(repeats.is_some_and(|repeats| repeats >= 3.0), "{text}");
    assert_eq!(value(&text, "callflow_token_fetches_total{outcome=\"fetched\"}"), Some(1.0), "{text}");
    assert!(value(&text, "callflow_token_asks_total") > Some(3.0), "{text}");
    assert!(
        value(&text, "callflow_store_duration_seconds_count{operation=\"commit\"}") > Some(5.0),
        "{text}"
    );
    assert!(value(&text, "callflow_webhook_answers_total{status=\"202\",code=\"\"}") > Some(5.0), "{text}");
    assert_eq!(value(&text, "callflow_store_fault"), Some(0.0), "{text}");

    let refused = http::Request::post("https://bot.test/calls").body(bytes::Bytes::new()).unwrap();
    assert_eq!(scene.net.send(refused).await.unwrap().status(), 401);
    after(2000).await;
    let text = fetched(&scene).await;
    let of_calls: Vec<_> = text.lines().filter(|line| line.starts_with("callflow_calls{")).collect();
    assert!(of_calls.iter().all(|line| line.ends_with(" 0")), "forgotten: {of_calls:?}");
    let unauthorized = text.lines().find(|line| line.contains("status=\"401\"")).unwrap();
    assert!(!unauthorized.contains("code=\"\"") && unauthorized.ends_with(" 1"), "{unauthorized}");
    for secret in [id.as_str(), placed.as_str(), PERSON, APP, "s3cret", "menu.wav"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    bot.stop().await;
}
