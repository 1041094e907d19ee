//! Nothing secret is printed: secrets are planted in a whole call, and everything that is logged is searched for them.
#![allow(clippy::unwrap_used)] // a test

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use callflow_core::event::Event;
use callflow_core::media::Tone;
use callflow_graph::bot::{Bot, Call, CallHandler, Config, HandlerError};
use callflow_graph::operations::Operations;
use callflow_graph::session::{Caller, Placement, Target};
use callflow_graph::simulator::{Step, wav_tone};
use callflow_graph::trace::{KeyPresses, Reader, Record, Recorder, Replay};
use callflow_graph::transport::Transport as _;
use callflow_tests::{APP, PERSON, Scene};
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<u8>>>);

impl Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Logged {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// Takes what this thread logs, until the guard is dropped.
    fn listen(&self) -> tracing::subscriber::DefaultGuard {
        let subscriber =
            tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(self.clone());
        tracing::subscriber::set_default(subscriber.finish())
    }
}

impl MakeWriter<'_> for Logged {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Plays a prompt whose address is signed, and fails at something that it then says.
struct Talks;

impl CallHandler for Talks {
    type State = ();

    async fn on_event(&self, call: &mut Call<'_>, (): &mut (), event: &Event) -> Result<(), HandlerError> {
        if matches!(event, Event::Offered) {
            call.answer()?;
            call.play("https://bot.test/menu.wav?sig=planted-signature")?;
            call.answer()?;
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_secret_is_in_no_log() {
    let logged = Logged::default();
    let guard = logged.listen();
    let scene = Scene::good();
    let transport = Arc::new(scene.net.clone());
    let bot =
        Bot::start(scene.config(), Talks, Arc::clone(&scene.store), transport, scene.clock).await.unwrap();
    scene.net.mount("bot.test", bot.router());
    scene.simulator.call_bot(PERSON, APP, Scene::script()).unwrap();
    let to_a_phone = Placement {
        source: Caller::ApplicationInstance("3d913abb-aec0-4964-8fa6-3c6850c4f278".to_owned()),
        ..Target::Phone("+49123456789".into()).into()
    };
    let shown = format!("{to_a_phone:?}");
    let phone = bot.place(to_a_phone).await.unwrap();
    tokio::time::sleep(Duration::from_secs(20)).await;
    // A token that is wrong, in a request that is refused.
    let request =
        http::Request::post("https://bot.test/calls").header("authorization", "Bearer planted-token");
    let request = request.body(bytes::Bytes::from_static(b"planted body")).unwrap();
    let refused = scene.net.send(request).await.unwrap();
    assert_eq!(refused.status(), 401);
    drop(guard);
    let text = logged.text();
    for expected in ["the handler failed", "call", phone.as_str(), "a notification was refused"] {
        assert!(text.contains(expected), "{expected} is not logged: {text}");
    }
    for secret in ["planted", "s3cret", "+49123456789", "eyJ", "Bearer"] {
        let line = text.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
    assert!(!format!("{bot:?} {shown} {:?}", scene.config()).contains("+4912"));
}

const KEY: &str = "the key of operations";

/// Is told a PIN, fails at its first key, panics at the second, hears the third too late, and sends a key itself.
struct Asks;

impl CallHandler for Asks {
    type State = u32;

    async fn on_event(
        &self,
        call: &mut Call<'_>,
        heard: &mut u32,
        event: &Event,
    ) -> Result<(), HandlerError> {
        match event {
            Event::Offered => {
                call.answer()?;
                call.subscribe_to_tone()?;
                call.play("https://bot.test/menu.wav")?;
                call.send_dtmf([Tone::Pound])?;
            }
            Event::Tone { sequence, .. } if sequence.number() == 2 => call.answer().map(drop)?,
            #[allow(clippy::panic)] // as a handler may
            Event::Tone { sequence, .. } if sequence.number() == 3 => panic!("planted"),
            Event::Tone { .. } => *heard += 1,
            _ => {}
        }
        Ok(())
    }
}

/// The call of somebody who enters a PIN: everything that is told of it, and its trace.
async fn told_of_a_pin(keys: KeyPresses) -> (String, String) {
    let (logged, traced) = (Logged::default(), Logged::default());
    let guard = logged.listen();
    let scene = Scene::good();
    let recorder = Recorder::to_writer(traced.clone()).unwrap().showing_keys(keys);
    let config = Config { trace: Some(recorder), ..scene.config() };
    let transport = Arc::new(scene.net.clone());
    let bot = Bot::start(config, Asks, Arc::clone(&scene.store), transport, scene.clock).await.unwrap();
    let menu = bytes::Bytes::from(wav_tone(Duration::from_secs(2)));
    let prompts = axum::Router::new().route("/menu.wav", axum::routing::get(async || menu));
    scene.net.mount("bot.test", bot.router().merge(prompts));
    let operations = Operations::try_new(&bot, KEY).unwrap();
    scene.net.mount("127.0.0.1", operations.router());
    let mut seen = bot.watch();
    let mut script = vec![Step::AwaitAnswer, Step::AwaitPromptStart];
    script.extend("7*997".chars().map(Step::Press));
    script.push(Step::Wait(Duration::from_secs(20)));
    scene.simulator.call_bot(PERSON, APP, script).unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    let mut told = Vec::new();
    while let Ok(observed) = seen.try_recv() {
        told.push(format!("{observed:?}"));
    }
    for name in bot.calls().await.unwrap() {
        let request = http::Request::get(format!("http://127.0.0.1/calls/{name}"));
        let request = request.header("authorization", format!("Bearer {KEY}"));
        let shown = scene.net.send(request.body(bytes::Bytes::new()).unwrap()).await.unwrap();
        assert_eq!(shown.status(), 200);
        told.push(String::from_utf8(shown.body().to_vec()).unwrap());
        told.push(format!("{:?}", bot.view(&name).await.unwrap()));
    }
    told.push(bot.metrics());
    bot.stop().await;
    drop(guard);
    told.push(logged.text());
    (told.join("\n"), traced.text())
}

#[tokio::test(start_paused = true)]
async fn keys_that_were_pressed_are_told_nowhere() {
    let (told, trace) = told_of_a_pin(KeyPresses::Hidden).await;
    for heard in ["the handler failed", "its state from before is kept", "tone #6", "\"hidden\"", "\"tone0\""]
    {
        assert!(told.contains(heard) || trace.contains(heard), "{heard}: {told}");
    }
    for text in [&told, &trace] {
        for key in ["tone7", "tone9", "star\"", "star,", "star #", "pound", "\"7\"", "'7'"] {
            let line = text.lines().find(|line| line.to_ascii_lowercase().contains(key));
            assert_eq!(line, None, "{key}");
        }
    }
    let mut replay = Replay::default();
    for record in Reader::new(trace.as_bytes()) {
        let Record::Entry(line) = record.unwrap() else { continue };
        assert_eq!(replay.step(&line).unwrap().difference(&line), None, "line {}", line.number);
    }
}

#[tokio::test(start_paused = true)]
async fn a_trace_shows_keys_where_that_is_asked_for() {
    let (told, trace) = told_of_a_pin(KeyPresses::Shown).await;
    for key in ["tone7", "tone9", "star", "pound"] {
        assert!(trace.contains(key), "{key}: {trace}");
        assert!(!told.to_ascii_lowercase().contains(key), "{key}");
    }
}
