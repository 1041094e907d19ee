//! Prompts of a bot, as Graph's stand-in fetches and plays them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // helpers of tests, beside the tests themselves

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use callflow_core::event::Event;
use callflow_core::operation::Outcome;
use callflow_graph::bot::{Bot, Call, CallHandler, Config, HandlerError};
use callflow_graph::client::Credentials;
use callflow_graph::clock::Clock;
use callflow_graph::prompt::format::inspect;
use callflow_graph::prompt::tts::Tones;
use callflow_graph::prompt::{Key, Load, Prompts, Settings};
use callflow_graph::session::Address;
use callflow_graph::simulator::{self, Person, Registration, Simulator, Step, WhenRung};
use callflow_graph::store::memory::Memory;
use callflow_graph::transport::{InProcess, Transport};
use http::{Request, Response};
use tokio::sync::mpsc;

const APP: &str = "app-1";
const TENANT: &str = "tenant-1";
const PERSON: &str = "ada";
const MP3: &[u8] = include_bytes!("../src/prompt/fixtures/tone.mp3");
const FLAC: &[u8] = include_bytes!("../src/prompt/fixtures/tone.flac");

/// Plays what it is asked to, and tells how each ended.
struct Player {
    prompts: Prompts,
    names: Vec<&'static str>,
    says: Option<&'static str>,
    ended: mpsc::UnboundedSender<Outcome>,
}

impl CallHandler for Player {
    type State = ();

    async fn on_event(&self, call: &mut Call<'_>, (): &mut (), event: &Event) -> Result<(), HandlerError> {
        match event {
            Event::Offered => {
                call.answer()?;
                for name in &self.names {
                    call.play(self.prompts.url(name)?)?;
                }
                if let Some(text) = self.says {
                    call.play(self.prompts.say(text).await?)?;
                }
            }
            Event::OperationEnded { outcome, .. } => {
                let _ = self.ended.send(*outcome);
            }
            _ => {}
        }
        Ok(())
    }
}

/// A network on which the service's fetches are seen.
#[derive(Clone)]
struct Seen {
    net: InProcess,
    fetched: mpsc::UnboundedSender<(String, Bytes)>,
}

impl Transport for Seen {
    fn send(&self, request: Request<Bytes>) -> callflow_graph::transport::Exchange {
        let (uri, sent, fetched) = (request.uri().to_string(), self.net.send(request), self.fetched.clone());
        Box::pin(async move {
            let response = sent.await?;
            if uri.contains("/prompts/") {
                let _ = fetched.send((uri, response.body().clone()));
            }
            Ok(response)
        })
    }
}

struct Scene {
    net: InProcess,
    simulator: Simulator,
    clock: Clock,
    fetched: mpsc::UnboundedReceiver<(String, Bytes)>,
}

impl Scene {
    fn new() -> Self {
        let (net, clock) = (InProcess::new(), Clock::system());
        let app = Registration::new(APP, TENANT, "s3cret", "https://bot.test/calls")
            .with("Calls.Initiate.All")
            .with("Calls.AccessMedia.All");
        let (seen, fetched) = mpsc::unbounded_channel();
        let transport = Seen { net: net.clone(), fetched: seen };
        let config = simulator::Config::new("https://graph.test", app);
        let simulator = Simulator::try_new(config, Arc::new(transport), clock).unwrap();
        net.mount("graph.test", simulator.router());
        let (id, display_name) = (PERSON.to_owned(), "Ada".to_owned());
        simulator.add_person(Person { id, display_name, when_rung: WhenRung::Ignore });
        Self { net, simulator, clock, fetched }
    }

    fn prompts(&self) -> Prompts {
        let mut settings =
            Settings::new("https://bot.test/prompts", Key::new("a secret of the bot").unwrap());
        settings.tts = Some(Arc::new(Tones));
        Prompts::try_new(settings, self.clock).unwrap()
    }

    /// Starts a bot that plays `names`, with `router` beside its webhook, has Ada call it, and tells how each prompt ended.
    async fn call(&self, player: Player, router: Router) -> Bot {
        let credentials = Credentials::with_secret(TENANT, APP, "s3cret");
        let mut config = Config::new(credentials, "https://bot.test/calls");
        config.endpoints = self.simulator.endpoints();
        let (store, transport) = (Arc::new(Memory::new()), Arc::new(self.net.clone()));
        let bot = Bot::start(config, player, store, transport, self.clock).await.unwrap();
        self.net.mount("bot.test", bot.router().merge(router));
        let listen = vec![Step::AwaitAnswer, Step::Wait(Duration::from_secs(60)), Step::HangUp];
        self.simulator.call_bot(PERSON, APP, listen).unwrap();
        bot
    }

    async fn get(&self, address: &str) -> Response<Bytes> {
        self.net.send(Request::get(address).body(Bytes::new()).unwrap()).await.unwrap()
    }
}

/// A WAV of 44.1 kHz, 16 bits and two channels: half a second of a square wave.
fn stereo() -> Bytes {
    let (rate, frames) = (44_100u32, 22_050u32);
    let mut wav = b"RIFF".to_vec();
    wav.extend((frames * 4 + 36).to_le_bytes());
    wav.extend(b"WAVEfmt \x10\0\0\0\x01\0\x02\0");
    wav.extend(rate.to_le_bytes());
    wav.extend((rate * 4).to_le_bytes());
    wav.extend(b"\x04\0\x10\0data");
    wav.extend((frames * 4).to_le_bytes());
    for n in 0..frames {
        let sample = if n / 50 % 2 == 0 { 4000i16 } else { -4000 };
        wav.extend(sample.to_le_bytes());
        wav.extend(sample.to_le_bytes());
    }
    wav.into()
}

fn text(address: &Address) -> String {
    address.uri().reveal().to_owned()
}

#[tokio::test(start_paused = true)]
async fn prompts_of_every_kind_are_fetched_and_played() {
    let mut scene = Scene::new();
    let prompts = scene.prompts();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("menu.mp3"), MP3).unwrap();
    std::fs::write(folder.path().join("goodbye.flac"), FLAC).unwrap();
    prompts.add_folder(folder.path(), Load::OnFirstUse).await.unwrap();
    prompts.insert("beep", stereo()).await.unwrap();
    let (ended, mut outcomes) = mpsc::unbounded_channel();
    let names = vec!["menu", "goodbye", "beep"];
    let player = Player { prompts: prompts.clone(), names, says: Some("press one"), ended };
    let bot = scene.call(player, prompts.router()).await;
    for (name, millis) in [("menu", 250), ("goodbye", 250), ("beep", 500), ("spoken-", 360)] {
        let (address, file) = scene.fetched.recv().await.unwrap();
        assert!(address.starts_with(&format!("https://bot.test/prompts/{name}")), "{address}");
        let length = inspect(&file).unwrap_or_else(|error| panic!("{name}: {error}")).length();
        assert_eq!(length, Duration::from_millis(millis), "{name}");
        assert_eq!(outcomes.recv().await, Some(Outcome::Completed), "{name}");
    }
    bot.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_address_that_is_not_good_any_more_or_was_changed_is_not_played() {
    let scene = Scene::new();
    let prompts = scene.prompts();
    prompts.insert("menu", MP3).await.unwrap();
    let address = text(&prompts.url("menu").unwrap());
    scene.net.mount("bot.test", prompts.router());
    assert_eq!(scene.get(&address).await.status(), 200);
    let changed = address.replace("/menu.wav", "/other.wav");
    assert_eq!(scene.get(&changed).await.status(), 403);
    tokio::time::advance(Duration::from_secs(31 * 3600)).await;
    assert_eq!(scene.get(&address).await.status(), 403);
    assert_eq!(scene.get(&text(&prompts.url("menu").unwrap())).await.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_prompt_that_cannot_be_fetched_fails_and_the_next_is_played() {
    let mut scene = Scene::new();
    let prompts = scene.prompts();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lost.mp3");
    std::fs::write(&file, MP3).unwrap();
    prompts.add_file("lost", &file, Load::OnFirstUse).await.unwrap();
    prompts.insert("menu", MP3).await.unwrap();
    std::fs::remove_file(&file).unwrap();
    let (ended, mut outcomes) = mpsc::unbounded_channel();
    let player = Player { prompts: prompts.clone(), names: vec!["lost", "menu"], says: None, ended };
    let bot = scene.call(player, prompts.router()).await;
    assert_eq!(outcomes.recv().await, Some(Outcome::Failed));
    assert_eq!(outcomes.recv().await, Some(Outcome::Completed));
    assert!(inspect(&scene.fetched.recv().await.unwrap().1).is_err());
    bot.stop().await;
}
