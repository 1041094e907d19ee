//! The signalling of a policy recorder: it is called to record somebody, answers, reports that it records, and keeps nothing
//! before that is confirmed. The media itself needs Microsoft's media library, and is no part of this.
//!
//! It is written in the durable style, and runs against the simulator, in virtual time and without a network:
//! `cargo run -p callflow-graph --example recorder`
#![allow(clippy::print_stdout)] // it shows what happened

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use callflow_core::event::Event;
use callflow_core::media::RecordingStatus;
use callflow_graph::bot::{Bot, Call, CallHandler, HandlerError, What};
use callflow_graph::simulator::{Outcome, Stage, Step, WhenRung};
use callflow_graph::store::memory::Memory;
use serde::{Deserialize, Serialize};

/// What may be done with the media of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Media {
    /// Nothing: it is not confirmed that everybody was told.
    #[default]
    Dropped,
    /// It may be kept.
    Kept,
}

pub(crate) struct Recorder;

impl CallHandler for Recorder {
    type State = Media;

    async fn on_event(
        &self,
        call: &mut Call<'_>,
        media: &mut Media,
        event: &Event,
    ) -> Result<(), HandlerError> {
        match event {
            Event::Offered => drop(call.answer()?),
            Event::Established => drop(call.update_recording_status(RecordingStatus::Recording)?),
            Event::RecordingConfirmed(status) => {
                *media = if *status == RecordingStatus::Recording { Media::Kept } else { Media::Dropped };
            }
            Event::Ended(_) => *media = Media::Dropped,
            _ => {}
        }
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut stage = Stage::try_new()?;
    stage.person("Ada", WhenRung::Ignore);
    let store = Arc::new(Memory::new());
    let bot = Bot::start(stage.config(), Recorder, store, stage.transport(), stage.clock).await?;
    stage.mount(&bot);
    let mut seen = bot.watch();
    let talks = vec![Step::AwaitAnswer, Step::Wait(Duration::from_secs(60)), Step::HangUp];
    let call = stage.ring_recorder("Ada", talks)?;

    let mut kept_while = Vec::new();
    let mut media = Media::Dropped;
    while let Ok(Some(observed)) = tokio::time::timeout(Duration::from_secs(100), seen.recv()).await {
        let What::Event(event) = observed.what else { continue };
        tokio::time::sleep(Duration::from_millis(1)).await;
        let view = bot.view(&observed.call).await?.ok_or("there is no such call")?;
        let now: Media = serde_json::from_slice(&view.author)?;
        if now != media {
            println!("{event:?}: media is {now:?}");
            kept_while.push(now);
            media = now;
        }
    }
    bot.stop().await;

    let lines = stage.transcript();
    println!("{}", lines.join("\n"));
    assert_eq!(kept_while, [Media::Kept, Media::Dropped]);
    assert!(lines.iter().any(|line| line.contains("bot: updateRecordingStatus (200)")));
    assert_eq!(stage.simulator.call(&call).map(|call| call.outcome), Some(Outcome::Done));
    Ok(())
}
