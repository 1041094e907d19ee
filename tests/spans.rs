//! The spans of a call have the ids that Microsoft's support asks for, and no secret.
#![allow(clippy::unwrap_used)] // a test

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use callflow_graph::session::{Caller, Placement, Target};
use callflow_graph::simulator::{Faults, Step};
use callflow_graph::transport::{Exchange, InProcess, Transport};
use callflow_tests::{APP, PERSON, Scene, TENANT};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// A span: its name, that of the span around it, and its fields, each with all that was recorded.
#[derive(Clone, Debug, Default)]
struct Span {
    name: &'static str,
    within: Option<&'static str>,
    fields: BTreeMap<&'static str, Vec<String>>,
}

impl Visit for Span {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let value = format!("{value:?}").trim_matches('"').to_owned();
        self.fields.entry(field.name()).or_default().push(value);
    }
}

/// Keeps every span.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<BTreeMap<u64, Span>>>, Arc<Mutex<Vec<Span>>>);

impl<S: tracing::Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Seen {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let within = context.span(id).and_then(|span| span.parent()).map(|parent| parent.name());
        let mut span = Span { name: attributes.metadata().name(), within, ..Span::default() };
        attributes.record(&mut span);
        self.0.lock().unwrap().insert(id.into_u64(), span);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        if let Some(span) = self.0.lock().unwrap().get_mut(&id.into_u64()) {
            values.record(span);
        }
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        self.1.lock().unwrap().extend(self.0.lock().unwrap().remove(&id.into_u64()));
    }
}

impl Seen {
    fn all(&self) -> Vec<Span> {
        let closed = self.1.lock().unwrap().clone();
        closed.into_iter().chain(self.0.lock().unwrap().values().cloned()).collect()
    }
}

/// A network whose answers have what Graph puts on its own.
struct Graph(InProcess);

impl Transport for Graph {
    fn send(&self, request: http::Request<bytes::Bytes>) -> Exchange {
        let sent = self.0.send(request);
        Box::pin(async move {
            let mut answer = sent.await?;
            let headers = answer.headers_mut();
            headers.insert("request-id", REQUEST_ID.parse().unwrap());
            headers.insert("x-ms-ags-diagnostic", DIAGNOSTIC.parse().unwrap());
            Ok(answer)
        })
    }
}

const REQUEST_ID: &str = "6d9ea3bb-5b37-4e9c-a1c5-31e2a1ab8d2f";
const DIAGNOSTIC: &str = "ServerInfo: West Europe, Slice E";

fn only<'a>(span: &'a Span, field: &str) -> &'a str {
    match span.fields.get(field).map(Vec::as_slice) {
        Some([one]) => one,
        other => unreachable!("{field} of {}: {other:?}", span.name),
    }
}

#[tokio::test(start_paused = true)]
async fn spans_have_what_support_asks_for_once_and_nothing_secret() {
    let seen = Seen::default();
    let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(seen.clone()));
    let scene = Scene::new(&["Calls.Initiate.All", "Calls.AccessMedia.All"], Faults::default());
    let bot = scene.start_over(Arc::new(Graph(scene.net.clone()))).await;
    scene.simulator.refuse_next("/playPrompt", 429);
    let id = scene
        .simulator
        .call_bot(PERSON, APP, vec![Step::AwaitAnswer, Step::Wait(Duration::from_secs(9)), Step::HangUp])
        .unwrap();
    let to_a_phone = Placement {
        source: Caller::ApplicationInstance("3d913abb-aec0-4964-8fa6-3c6850c4f278".to_owned()),
        ..Target::Phone("+49123456789".into()).into()
    };
    bot.place(to_a_phone).await.unwrap();
    tokio::time::sleep(Duration::from_secs(30)).await;
    // Whoever posts may write anything into headers.
    let odd = http::Request::post("https://bot.test/calls").header("scenario-id", "planted \"header\"");
    let odd = odd.header("authorization", "Bearer planted-token").body(bytes::Bytes::new()).unwrap();
    assert_eq!(scene.net.send(odd).await.unwrap().status(), 401);
    bot.stop().await;
    drop(guard);

    let all = seen.all();
    let call = all
        .iter()
        .find(|span| span.name == "call" && span.fields.get("call_id").is_some_and(|ids| ids.contains(&id)))
        .unwrap();
    assert!(only(call, "name").starts_with("c-"));
    assert_eq!((only(call, "call_id"), only(call, "tenant_id")), (id.as_str(), TENANT));
    for field in ["scenario_id", "call_chain_id"] {
        let value = only(call, field);
        assert_eq!((value.len(), value.matches('-').count()), (36, 4), "{field}: {value}");
    }
    let answer =
        all.iter().find(|span| span.name == "request" && only(span, "operation") == "answer").unwrap();
    assert_eq!((only(answer, "ticket"), answer.within), ("1", Some("call")));
    let sent = |suffix: &str| {
        all.iter().find(|span| span.name == "graph" && only(span, "path").ends_with(suffix)).unwrap()
    };
    for (suffix, status, attempts) in [("/answer", "202", "1"), ("/playPrompt", "200", "2")] {
        let span = sent(suffix);
        assert_eq!((only(span, "status"), only(span, "attempts")), (status, attempts), "{span:?}");
        assert_eq!((only(span, "method"), span.within), ("POST", Some("request")));
        assert_eq!(only(span, "scenario_id"), only(call, "scenario_id"));
        assert_eq!(only(span, "client_request_id").len(), 36, "{span:?}");
        assert_eq!((only(span, "request_id"), only(span, "diagnostic")), (REQUEST_ID, DIAGNOSTIC));
    }
    let of_webhook: Vec<_> = all.iter().filter(|span| span.name == "webhook").collect();
    assert!(of_webhook.iter().any(|span| only(span, "status") == "202"), "{of_webhook:?}");
    let refused = of_webhook.iter().find(|span| only(span, "status") == "401").unwrap();
    assert!(!refused.fields.contains_key("scenario_id"), "{refused:?}");
    let text = format!("{all:?}");
    for secret in ["planted", "s3cret", "+4912", "eyJ", "Bearer", "menu.wav", "Ada"] {
        assert!(!text.contains(secret), "{secret}");
    }
}
