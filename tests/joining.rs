//! Participants who join under policy-based recording: each notification is answered in the response to it, once, and a
//! repeat of it the same.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // helpers of tests, beside the tests themselves

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use callflow_core::command::RejectReason;
use callflow_core::event::Event;
use callflow_graph::bot::{Bot, Call, CallHandler, Config, HandlerError, Joining};
use callflow_graph::session::{JoiningAnswer, Order};
use callflow_graph::store::CallName;
use callflow_graph::transport::Transport;
use callflow_tests::{APP, Log, Scene, TENANT};
use http::{Request, Response};
use serde_json::{Value, json};

const CALL: &str = "57dab8b1894c409ab240bd8beae78896";
const OTHER: &str = "57dab8b1894c409ab240bd8beae78897";
const WITHIN: Duration = Duration::from_secs(3);

/// Answers a joining participant as it is told to, after a while.
#[derive(Clone, Default)]
struct Recorder {
    answer: Option<JoiningAnswer>,
    after: Duration,
    log: Log,
}

impl CallHandler for Recorder {
    type State = u32;

    async fn on_event(
        &self,
        call: &mut Call<'_>,
        joined: &mut u32,
        event: &Event,
    ) -> Result<(), HandlerError> {
        self.log.lock().unwrap().push((call.name().clone(), *event));
        if *event == Event::Joining {
            *joined += 1;
            tokio::time::sleep(self.after).await;
            if let Some(answer) = &self.answer {
                call.answer_joining(answer.clone())?;
            }
        }
        Ok(())
    }
}

struct Hook {
    scene: Scene,
    recorder: Recorder,
    bot: Bot,
    authorization: String,
}

async fn hook(answer: Option<JoiningAnswer>, after: Duration) -> Hook {
    let scene = Scene::good();
    let authorization = scene.authorization(APP, TENANT).await;
    let recorder = Recorder { answer, after, log: Log::default() };
    let bot = start(&scene, &recorder).await;
    Hook { scene, recorder, bot, authorization }
}

async fn start(scene: &Scene, recorder: &Recorder) -> Bot {
    let joining = Joining { within: WITHIN, default: JoiningAnswer::Reject(RejectReason::Forbidden) };
    let config = Config { joining, ..scene.config() };
    let transport = Arc::new(scene.net.clone());
    let store = Arc::clone(&scene.store);
    let bot = Bot::start(config, recorder.clone(), store, transport, scene.clock).await.unwrap();
    scene.net.mount("bot.test", bot.router());
    bot
}

fn name() -> CallName {
    CallName::try_new(format!("c-{CALL}")).unwrap()
}

fn incoming(id: &str) -> Value {
    let data = json!({"@odata.type": "#microsoft.graph.call", "state": "incoming"});
    json!({"changeType": "created", "resourceUrl": format!("/communications/calls/{id}"), "resourceData": data})
}

fn joining(id: &str) -> Value {
    let data = json!({"@odata.type": "#microsoft.graph.participantJoiningNotification"});
    json!({"changeType": "created", "resourceUrl": format!("/communications/calls/{id}"), "resourceData": data})
}

impl Hook {
    async fn post(&self, message_id: &str, entries: &[Value]) -> Response<Bytes> {
        let body = json!({"value": entries}).to_string();
        let request = Request::post("https://bot.test/calls")
            .header("authorization", &self.authorization)
            .header("content-type", "application/json")
            .header("x-microsoft-skype-message-id", message_id)
            .body(Bytes::from(body))
            .unwrap();
        self.scene.net.send(request).await.unwrap()
    }

    async fn restart(&mut self) {
        self.bot.stop().await;
        self.bot = start(&self.scene, &self.recorder).await;
    }

    /// How often the bot was told that somebody is joining.
    fn told(&self) -> usize {
        self.recorder.log.lock().unwrap().iter().filter(|(_, event)| *event == Event::Joining).count()
    }

    async fn joined(&self) -> u32 {
        serde_json::from_slice(&self.bot.view(&name()).await.unwrap().unwrap().author).unwrap()
    }
}

fn answer(response: &Response<Bytes>) -> Value {
    assert_eq!(response.status(), 200, "{response:?}");
    assert_eq!(response.headers()["content-type"], "application/json");
    serde_json::from_slice(response.body()).unwrap()
}

fn by_default() -> Value {
    json!({"@odata.type": "#microsoft.graph.rejectJoinResponse", "reason": "forbidden"})
}

#[tokio::test(start_paused = true)]
async fn what_the_bot_answers_is_in_the_response_and_stays_so() {
    let elsewhere = "https://bot-2.test/calls?sig=1";
    for (ordered, expected) in [
        (JoiningAnswer::Accept, json!({"@odata.type": "#microsoft.graph.acceptJoinResponse"})),
        (
            JoiningAnswer::Reject(RejectReason::Busy),
            json!({"@odata.type": "#microsoft.graph.rejectJoinResponse", "reason": "busy"}),
        ),
        (
            JoiningAnswer::InviteNewBot(elsewhere.into()),
            json!({"@odata.type": "#microsoft.graph.inviteNewBotResponse", "inviteUri": elsewhere}),
        ),
    ] {
        let mut hook = hook(Some(ordered), Duration::ZERO).await;
        assert_eq!(hook.post("1", &[incoming(CALL)]).await.status(), 202);
        let response = hook.post("2", &[joining(CALL)]).await;
        assert_eq!(answer(&response), expected);
        // The same notification again, before and after a restart with another bot.
        assert_eq!(hook.post("2", &[joining(CALL)]).await.body(), response.body());
        hook.recorder.answer = None;
        hook.restart().await;
        assert_eq!(hook.post("2", &[joining(CALL)]).await.body(), response.body());
        assert_eq!((hook.told(), hook.joined().await), (1, 1), "told once");
        // Another participant, whose notification differs in its id alone.
        assert_eq!(answer(&hook.post("3", &[joining(CALL)]).await), by_default());
        assert_eq!((hook.told(), hook.joined().await), (2, 2));
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_is_not_answered_in_time_gets_the_default_and_the_bot_cannot_answer_any_more() {
    for (answered, after) in [(None, Duration::ZERO), (Some(JoiningAnswer::Accept), Duration::from_secs(4))] {
        let mut hook = hook(answered, after).await;
        assert_eq!(hook.post("1", &[incoming(CALL)]).await.status(), 202);
        let began = tokio::time::Instant::now();
        let response = hook.post("2", &[joining(CALL)]).await;
        assert_eq!(answer(&response), by_default());
        assert_eq!(began.elapsed(), WITHIN);
        // While the handler is at it, and once it is done.
        assert_eq!(hook.post("2", &[joining(CALL)]).await.body(), response.body());
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(hook.post("2", &[joining(CALL)]).await.body(), response.body());
        let order = Order::AnswerJoining(JoiningAnswer::Accept);
        let refused = hook.bot.order(&name(), order).await.unwrap_err();
        assert!(refused.to_string().contains("no joining participant"), "{refused}");
        hook.restart().await;
        assert_eq!(hook.post("2", &[joining(CALL)]).await.body(), response.body());
        assert_eq!((hook.told(), hook.joined().await), (1, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn an_order_from_outside_of_the_handler_answers_as_well() {
    let hook = Arc::new(hook(None, Duration::ZERO).await);
    assert_eq!(hook.post("1", &[incoming(CALL)]).await.status(), 202);
    let posting = {
        let hook = Arc::clone(&hook);
        tokio::spawn(async move { hook.post("2", &[joining(CALL)]).await })
    };
    tokio::time::sleep(Duration::from_secs(1)).await;
    hook.bot.order(&name(), Order::AnswerJoining(JoiningAnswer::Accept)).await.unwrap();
    let body = answer(&posting.await.unwrap());
    assert_eq!(body, json!({"@odata.type": "#microsoft.graph.acceptJoinResponse"}));
}

#[tokio::test(start_paused = true)]
async fn the_default_that_was_sent_holds_after_a_crash_in_the_middle_of_the_handler() {
    let mut hook = hook(Some(JoiningAnswer::Accept), Duration::from_secs(1000)).await;
    assert_eq!(hook.post("1", &[incoming(CALL)]).await.status(), 202);
    let response = hook.post("2", &[joining(CALL)]).await;
    assert_eq!(answer(&response), by_default());
    hook.recorder.after = Duration::ZERO;
    hook.restart().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(
        (hook.told(), hook.joined().await),
        (2, 1),
        "told again, since nothing came of the first time"
    );
    assert_eq!(hook.post("2", &[joining(CALL)]).await.body(), response.body(), "and could not answer");
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_handled_in_order_and_the_others_in_it_too() {
    let hook = hook(Some(JoiningAnswer::Accept), Duration::ZERO).await;
    let response = hook.post("1", &[incoming(CALL), joining(CALL), incoming(OTHER)]).await;
    assert!(answer(&response)["@odata.type"].as_str().unwrap().contains("accept"));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let log = hook.recorder.log.lock().unwrap().clone();
    let of = |id: &str| -> Vec<_> {
        let ours = log.iter().filter(|(call, _)| call.as_str().ends_with(id));
        ours.map(|(_, event)| *event)
            .filter(|event| matches!(event, Event::Offered | Event::Joining))
            .collect()
    };
    assert_eq!(of(CALL), [Event::Offered, Event::Joining]);
    assert_eq!(of(OTHER), [Event::Offered]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_not_known_takes_nobody() {
    let hook = hook(Some(JoiningAnswer::Accept), Duration::ZERO).await;
    let response = hook.post("1", &[joining(CALL)]).await;
    assert_eq!(answer(&response), by_default());
    assert_eq!(hook.post("1", &[joining(CALL)]).await.body(), response.body());
    // Its first notification comes at last: what was answered stays.
    assert_eq!(hook.post("2", &[incoming(CALL)]).await.status(), 202);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(hook.told(), 1);
    assert_eq!(hook.post("1", &[joining(CALL)]).await.body(), response.body());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_has_ended_takes_nobody_and_says_so_at_once() {
    let hook = hook(Some(JoiningAnswer::Accept), Duration::ZERO).await;
    assert_eq!(hook.post("1", &[incoming(CALL)]).await.status(), 202);
    let mut gone = incoming(CALL);
    gone["changeType"] = json!("deleted");
    gone["resourceData"]["state"] = json!("terminated");
    assert_eq!(hook.post("2", &[gone]).await.status(), 202);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let began = tokio::time::Instant::now();
    assert_eq!(answer(&hook.post("3", &[joining(CALL)]).await), by_default());
    assert_eq!((began.elapsed(), hook.told()), (Duration::ZERO, 0));
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_when_the_call_ends_is_answered_by_the_default() {
    let hook = Arc::new(hook(None, Duration::ZERO).await);
    assert_eq!(hook.post("1", &[incoming(CALL)]).await.status(), 202);
    let posting = {
        let hook = Arc::clone(&hook);
        tokio::spawn(async move {
            let began = tokio::time::Instant::now();
            (hook.post("2", &[joining(CALL)]).await, began.elapsed())
        })
    };
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut gone = incoming(CALL);
    gone["changeType"] = json!("deleted");
    gone["resourceData"]["state"] = json!("terminated");
    assert_eq!(hook.post("3", &[gone]).await.status(), 202);
    let (response, after) = posting.await.unwrap();
    assert_eq!(answer(&response), by_default());
    assert_eq!(after, Duration::from_secs(1));
}
