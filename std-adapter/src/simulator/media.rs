//! Media that the service hosts: prompts, recordings, tones.
//!
//! Source: Graph docs, call: playPrompt, recordResponse, cancelMediaProcessing, subscribeToTone, sendDtmfTones.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::asked::{self, Hosting};
use super::call::{Call, Stage};
use super::error::Error;
use super::operation::{Ended, Operation};
use super::{World, prompt};

/// The tones that there are. Source: Graph docs, tone.
const TONES: [&str; 17] = [
    "tone0", "tone1", "tone2", "tone3", "tone4", "tone5", "tone6", "tone7", "tone8", "tone9", "star",
    "pound", "a", "b", "c", "d", "flash",
];

/// Something that waits for its turn.
pub(super) struct Queued {
    operation: Operation,
    prompts: Value,
    recording: Option<Recording>,
}

/// What a recordResponse asks for.
struct Recording {
    initial_silence: Duration,
    max_silence: Duration,
    max_duration: Duration,
    stop_tones: Vec<char>,
}

/// What was recorded, until the bot fetches it.
pub(super) struct Recorded {
    pub(super) operation: String,
    pub(super) token: String,
    pub(super) length: Duration,
}

impl Recording {
    fn of(body: &Value) -> Result<Self, Error> {
        let seconds = |name| asked::seconds_of(body, name, 5, 1..=120).map(Duration::from_secs);
        let tones = asked::items(body, "stopTones")?.iter().map(|tone| {
            // The documented example has characters, not members of tone.
            let mut said = tone.as_str().unwrap_or_default().chars();
            let tone = said.next().filter(|key| said.next().is_none() && "0123456789*#".contains(*key));
            tone.ok_or_else(|| Error::bad_request("A stop tone is a digit, * or #."))
        });
        Ok(Self {
            initial_silence: seconds("initialSilenceTimeoutInSeconds")?,
            max_silence: seconds("maxSilenceTimeoutInSeconds")?,
            max_duration: seconds("maxRecordDurationInSeconds")?,
            stop_tones: tones.collect::<Result<_, _>>()?,
        })
    }
}

impl Call {
    pub(super) fn play(self: &Arc<Self>, body: &Value) -> Result<Value, Error> {
        let prompts = asked::prompts_of(body, 1..=20)?;
        let context = asked::context_of(body)?;
        self.hear()?;
        let operation = Operation::running("playPromptOperation", context).with("prompts", prompts.clone());
        Ok(self.queue(Queued { operation, prompts, recording: None }))
    }

    pub(super) fn record(self: &Arc<Self>, body: &Value) -> Result<Value, Error> {
        let prompts = asked::prompts_of(body, 0..=1)?;
        let (recording, context) = (Recording::of(body)?, asked::context_of(body)?);
        self.hear()?;
        if body.get("bargeInAllowed").and_then(Value::as_bool) == Some(true) {
            self.cancel_queued();
        }
        let operation = Operation::running("recordOperation", context);
        Ok(self.queue(Queued { operation, prompts, recording: Some(recording) }))
    }

    pub(super) fn cancel_media(&self, body: &Value) -> Result<Value, Error> {
        let context = asked::context_of(body)?;
        self.service_hosted()?;
        self.cancel_queued();
        Ok(self.keep(Operation::done("cancelMediaProcessingOperation", context)))
    }

    pub(super) fn subscribe_to_tone(&self, body: &Value) -> Result<Value, Error> {
        let context = asked::context_of(body)?;
        self.hear()?;
        self.with(|inner| inner.listens = true);
        self.progress_is(|progress| progress.listens = true);
        Ok(self.keep(Operation::done("subscribeToToneOperation", context)))
    }

    pub(super) fn send_dtmf(self: &Arc<Self>, body: &Value) -> Result<Value, Error> {
        let tones = asked::items(body, "tones")?;
        if tones.is_empty() {
            return Err(Error::bad_request("tones is required."));
        }
        for tone in tones {
            asked::one_of(Some(tone), &TONES)?;
        }
        let delay = asked::seconds_of(body, "delayBetweenTonesMs", 0, 0..=u64::from(u32::MAX))?;
        let context = asked::context_of(body)?;
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

    /// The recording that an operation made, for who has its token.
    pub(super) fn recorded(&self, operation: &str, token: &str) -> Option<Duration> {
        self.with(|inner| {
            let of = |kept: &&Recorded| kept.operation == operation && kept.token == token;
            inner.recorded.iter().find(of).map(|kept| kept.length)
        })
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
    if let Err(reason) = play_prompts(call, &world, &queued.prompts).await {
        // Source: assumed; no page has the code of a prompt that cannot be had.
        return Ended::failed(400, 8500, &format!("Prompt: {reason}"));
    }
    match &queued.recording {
        None => Ended::well().with("completionReason", "completedSuccessfully"),
        Some(recording) => record_voice(call, &world, &queued.operation.id, recording).await,
    }
}

async fn play_prompts(call: &Call, world: &World, prompts: &Value) -> Result<(), String> {
    for prompt in prompts.as_array().into_iter().flatten() {
        let uri = prompt.pointer("/mediaInfo/uri").and_then(Value::as_str).unwrap_or_default();
        let length = prompt::fetch(world, uri).await?;
        call.progress_is(|p| p.prompts_started = p.prompts_started.saturating_add(1));
        call.did_all("hears a prompt");
        tokio::time::sleep(length.mul_f64(world.config.time_scale.clamp(0.0, 1000.0))).await;
        call.progress_is(|p| p.prompts_ended = p.prompts_ended.saturating_add(1));
    }
    Ok(())
}

/// Why a recording came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    Tone,
    MaxDuration,
    MaxSilence,
    InitialSilence,
}

async fn record_voice(call: &Call, world: &World, operation: &str, asked: &Recording) -> Ended {
    let (stop, length) = listen(call, asked).await;
    let ended = match stop {
        // Source: assumed; no page has the code of a silence.
        Stop::InitialSilence => {
            return Ended::failed(400, 8500, "Action failed, initial silence timeout reached.")
                .with("recordingLocation", "")
                .with("recordingAccessToken", "")
                .with("completionReason", "initialSilenceTimeout");
        }
        Stop::MaxDuration => Ended::completed(200, 8515, "Action completed, max record duration reached.")
            .with("completionReason", "maxRecordDurationReached"),
        Stop::Tone => Ended::well().with("completionReason", "stopToneDetected"),
        Stop::MaxSilence => Ended::well().with("completionReason", "maxSilenceTimeout"),
    };
    let token = uuid::Uuid::new_v4().to_string();
    let location = format!("{}/recordings/{operation}", world.base());
    let recorded = Recorded { operation: operation.to_owned(), token: token.clone(), length };
    call.with(|inner| inner.recorded.push(recorded));
    ended.with("recordingLocation", location).with("recordingAccessToken", token)
}

/// Listens to the people of the call until there is a reason to stop; for how long.
async fn listen(call: &Call, asked: &Recording) -> (Stop, Duration) {
    let began = Instant::now();
    let limit = began + asked.max_duration;
    let heard = call.with(|inner| inner.keys.len());
    let mut progress = call.progress();
    let (mut has_spoken, mut silent_since) = (false, began);
    loop {
        let is_speaking = progress.borrow_and_update().speaking > 0;
        let is_stopped =
            call.with(|inner| inner.keys.iter().skip(heard).any(|key| asked.stop_tones.contains(key)));
        if is_stopped {
            return (Stop::Tone, began.elapsed());
        }
        has_spoken |= is_speaking;
        let (deadline, stop) = if is_speaking {
            (limit, Stop::MaxDuration)
        } else if has_spoken {
            (silent_since + asked.max_silence, Stop::MaxSilence)
        } else {
            (began + asked.initial_silence, Stop::InitialSilence)
        };
        let (deadline, stop) =
            if limit <= deadline && has_spoken { (limit, Stop::MaxDuration) } else { (deadline, stop) };
        tokio::select! {
            () = tokio::time::sleep_until(deadline) => return (stop, began.elapsed()),
            _ = progress.changed() => {
                if is_speaking && progress.borrow().speaking == 0 {
                    silent_since = Instant::now();
                }
            }
        }
    }
}
