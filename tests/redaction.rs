//! Nothing secret is printed: secrets are planted in a whole call, and everything that is logged is searched for them.
#![allow(clippy::unwrap_used)] // a test

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use callflow_core::event::Event;
use callflow_graph::bot::{Bot, Call, CallHandler, HandlerError};
use callflow_graph::session::{Caller, Placement, Target};
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
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(logged.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
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
    let refused = callflow_graph::transport::Transport::send(&scene.net, request).await.unwrap();
    assert_eq!(refused.status(), 401);
    drop(guard);
    let text = String::from_utf8(logged.0.lock().unwrap().clone()).unwrap();
    for expected in ["the handler failed", "call", phone.as_str(), "a notification was refused"] {
        assert!(text.contains(expected), "{expected} is not logged: {text}");
    }
    for secret in ["planted", "s3cret", "+49123456789", "eyJ", "Bearer"] {
        let line = text.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
    assert!(!format!("{bot:?} {shown} {:?}", scene.config()).contains("+4912"));
}
