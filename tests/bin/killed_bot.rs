//! A bot to be killed: it serves on loopback, keeps its calls in a file, and notes in another what its handler is told.
//!
//! Arguments: its port, the service's address, the store, the notes.
#![allow(clippy::unwrap_used)] // what cannot be set up ends it

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use callflow_core::event::Event;
use callflow_graph::bot::{Bot, Call, CallHandler, Config, HandlerError};
use callflow_graph::client::{Credentials, Endpoints};
use callflow_graph::clock::Clock;
use callflow_graph::session::Target;
use callflow_graph::store::embedded::Embedded;
use callflow_graph::transport::Https;
use callflow_tests::outage::CALLED;
use callflow_tests::script::{History, heard};
use callflow_tests::{APP, TENANT};

struct Menu {
    service: String,
    notes: File,
}

impl Menu {
    fn note(&self, line: &str) {
        (&self.notes).write_all(format!("{line}\n").as_bytes()).unwrap();
    }
}

impl CallHandler for Menu {
    type State = History;

    async fn on_event(
        &self,
        call: &mut Call<'_>,
        history: &mut History,
        event: &Event,
    ) -> Result<(), HandlerError> {
        let words = heard(event);
        self.note(&format!("{} {words}", call.name()));
        history.events.push(words);
        let prompt = |name: &str| format!("{}/menu.wav?{name}", self.service);
        match event {
            Event::Offered => {
                call.answer()?;
                call.subscribe_to_tone()?;
                call.play(prompt(call.name().as_str()))?;
            }
            Event::Created => {
                call.subscribe_to_tone()?;
                call.play(prompt(call.name().as_str()))?;
            }
            Event::Tone { sequence, .. } => {
                call.play(prompt(&format!("{}-{}", call.name(), sequence.number())))?;
            }
            _ => {}
        }
        Ok(())
    }
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [port, service, store, notes] = arguments.as_slice() else { return };
    let credentials = Credentials::with_secret(TENANT, APP, "s3cret");
    let mut config = Config::new(credentials, format!("http://127.0.0.1:{port}/calls"));
    config.endpoints = Endpoints {
        authority: service.clone(),
        graph: format!("{service}/v1.0"),
        openid: format!("{service}/v1/.well-known/OpenIdConfiguration"),
        ..Endpoints::global()
    };
    let notes = OpenOptions::new().create(true).append(true).open(notes).unwrap();
    let placing = notes.try_clone().unwrap();
    let menu = Menu { service: service.clone(), notes };
    let store = Arc::new(Embedded::open(store).unwrap());
    let https = Arc::new(Https::try_new(Duration::from_secs(2), Duration::from_secs(5)).unwrap());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await.unwrap();
    let bot = Bot::start(config, menu, store, https, Clock::system()).await.unwrap();
    let router = bot.router();
    tokio::spawn(async move {
        (&placing).write_all(b"placing\n").unwrap();
        bot.place(Target::User(CALLED.to_owned())).await.unwrap();
        std::future::pending::<()>().await;
    });
    axum::serve(listener, router).await.unwrap();
}
