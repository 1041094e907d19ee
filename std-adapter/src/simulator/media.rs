//! Media that the service hosts: prompts, recordings, tones.
//!
//! Source: Graph docs, call: playPrompt, recordResponse, cancelMediaProcessing, subscribeToTone, sendDtmfTones.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc;

use super::asked::{self, Hosting};
use super::call::{Call, Stage};
use super::error::Error;
use super::operation::{Ended, Operation};
use super::recording::{self, Recording};
use super::{Heard, Play, What, World, prompt};

/// Something that waits for its turn.
pub(super) struct Queued {
    operation: Operation,
    prompts: Value,
    /// The prompts are played again and again, until they are cancelled. Source: Graph docs, call: playPrompt (beta).
    repeats: bool,
    recording: Option<Recording>,
}

impl Call {
    pub(super) fn play(self: &Arc<Self>, body: &Value) -> Result<Value, Error> {
        let prompts = Value::from(asked::items(body, "prompts"));
        let context = asked::context_of(body);
        self.hear()?;
        let operation = Operation::running("playPromptOperation", context).with("prompts", prompts.clone());
        let repeats = body.get("loop").and_then(Value::as_bool) == Some(true);
        Ok(self.queue(Queued { operation, prompts, repeats, recording: None }))
    }

    pub(super) fn record(self: &Arc<Self>, body: &Value) -> Result<Value, Error> {
        let prompts = Value::from(asked::items(body, "prompts"));
        let (recording, context) = (Recording::of(body), asked::context_of(body));
        self.hear()?;
        if body.get("bargeInAllowed").and_then(Value::as_bool) == Some(true) {
            self.cancel_queued();
        }
        let operation = Operation::running("recordOperation", context);
        Ok(self.queue(Queued { operation, prompts, repeats: false, recording: Some(recording) }))
    }

    pub(super) fn cancel_media(&self, body: &Value) -> Result<Value, Error> {
        let context = asked::context_of(body);
        self.service_hosted()?;
        self.cancel_queued();
        Ok(self.keep(Operation::done("cancelMediaProcessingOperation", context)))
    }

    pub(super) fn subscribe_to_tone(&self, body: &Value) -> Result<Value, Error> {
        let context = asked::context_of(body);
        self.hear()?;
        self.with(|inner| inner.listens = true);
        self.progress_is(|progress| progress.listens = true);
        Ok(self.keep(Operation::done("subscribeToToneOperation", context)))
    }

    pub(super) fn send_dtmf(self: &Arc<Self>, body: &Value) -> Result<Value, Error> {
        let tones = asked::items(body, "tones");
        let delay = asked::number_of(body, "delayBetweenTonesMs", 0);
        let context = asked::context_of(body);
        self.established()?;
        let operation = Operation::running("sendDtmfTonesOperation", context);
        let (id, call) = (operation.id.clone(), Arc::clone(self));
        let takes = Duration::from_millis(delay)
            .saturating_mul(u32::try_from(tones.len()).unwrap_or(u32::MAX).saturating_sub(1));
        let json = self.keep(operation);
        self.later(async move {
            tokio::time::sleep(super::call::STEP.saturating_add(takes)).await;
            if call.stage() != Stage::Terminated {
                let ended = Ended::well().with("completionReason", "completedSuccessfully");
                call.end_operation(&id, ended);
            }
        });
        Ok(json)
    }

    /// Refuses what needs the service to host the media and the media to be there.
    fn hear(&self) -> Result<(), Error> {
        self.service_hosted()?;
        self.established()?;
        if self.with(|inner| inner.has_audio) {
            Ok(())
        } else {
            Err(Error::not_in_this_state("The call has no audio yet."))
        }
    }

    fn service_hosted(&self) -> Result<(), Error> {
        match self.with(|inner| inner.hosting) {
            Hosting::Service => Ok(()),
            Hosting::App => Err(Error::not_in_this_state("The app hosts the media of this call.")),
        }
    }

    /// Prompts and recordings of a call wait for each other.
    fn queue(self: &Arc<Self>, queued: Queued) -> Value {
        let json = self.keep(queued.operation.clone());
        let player = self.with(|inner| inner.player.clone()).unwrap_or_else(|| {
            let (player, queue) = mpsc::unbounded_channel();
            self.with(|inner| inner.player = Some(player.clone()));
            self.later(run_all(Arc::clone(self), queue));
            player
        });
        // The player lives as long as the call.
        let _ = player.send(queued);
        json
    }

    fn cancel_queued(&self) {
        let waiting: Vec<Operation> = self.with(|inner| {
            let is_queued = |kept: &&Operation| {
                kept.is_running() && matches!(kept.kind, "playPromptOperation" | "recordOperation")
            };
            inner.operations.iter().filter(is_queued).cloned().collect()
        });
        for operation in waiting {
            operation.cancelled.cancel();
            let ended = if operation.kind == "recordOperation" {
                Ended::cancelled().with("recordingLocation", "").with("recordingAccessToken", "")
            } else {
                // Source: Graph docs, playPromptOperation (beta), completionReason; assumed: that it is completed, as one
                // that sends tones is.
                Ended::well().with("completionReason", "mediaOperationCanceled")
            };
            self.end_operation(&operation.id, ended);
        }
    }
}

/// Runs what comes, one operation after another, until the call ends.
async fn run_all(call: Arc<Call>, mut queue: mpsc::UnboundedReceiver<Queued>) {
    while let Some(queued) = queue.recv().await {
        let mut progress = call.progress();
        let cancelled = queued.operation.cancelled.clone();
        tokio::select! {
            biased;
            () = cancelled.cancelled() => {}
            _ = progress.wait_for(|progress| progress.ended) => return,
            ended = run_one(&call, &queued) => call.end_operation(&queued.operation.id, ended),
        }
    }
}

async fn run_one(call: &Call, queued: &Queued) -> Ended {
    let Some(world) = call.world() else { return Ended::cancelled() };
    loop {
        if let Err(reason) = play_prompts(call, &world, &queued.operation.id, &queued.prompts).await {
            // Source: assumed; no page has the code of a prompt that cannot be had.
            return Ended::failed(400, 8500, &format!("Prompt: {reason}"));
        }
        if !queued.repeats {
            break;
        }
        // A pause, so that prompts that take no time leave some to others.
        tokio::time::sleep(super::call::STEP).await;
    }
    match &queued.recording {
        None => Ended::well().with("completionReason", "completedSuccessfully"),
        Some(recording) => recording::record(call, &world, &queued.operation.id, recording).await,
    }
}

async fn play_prompts(call: &Call, world: &World, operation: &str, prompts: &Value) -> Result<(), String> {
    for prompt in prompts.as_array().into_iter().flatten() {
        let uri = prompt.pointer("/mediaInfo/uri").and_then(Value::as_str).unwrap_or_default();
        let wav = prompt::fetch(world, uri).await?;
        let length = prompt::length_of(&wav)?;
        let sound = format!("/sim/v1/sounds/{}", world.sounds.keep(&wav));
        call.progress_is(|p| p.prompts_started = p.prompts_started.saturating_add(1));
        let playing = Playing::begin(call, operation, sound, length);
        tokio::time::sleep(length.mul_f64(world.config.time_scale.clamp(0.0, 1000.0))).await;
        playing.end();
        call.progress_is(|p| p.prompts_ended = p.prompts_ended.saturating_add(1));
    }
    Ok(())
}

/// A prompt that is heard. Where it is let go before its end, it is stopped.
struct Playing<'a> {
    call: &'a Call,
    heard: Heard,
    is_over: bool,
}

impl<'a> Playing<'a> {
    fn begin(call: &'a Call, operation: &str, sound: String, length: Duration) -> Self {
        let length_ms = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
        call.did_all("hears a prompt");
        let heard = Heard { operation: operation.to_owned(), sound, length_ms };
        let playing = Self { call, heard, is_over: false };
        playing.note(Play::Begins);
        playing
    }

    fn end(mut self) {
        self.is_over = true;
        self.note(Play::Ends);
    }

    fn note(&self, did: Play) {
        self.call.happened(What::Prompt { did, heard: self.heard.clone() });
    }
}

impl Drop for Playing<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.note(Play::Stopped);
        }
    }
}
