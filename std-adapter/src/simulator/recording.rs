//! Recordings: what is heard while the bot records, and why it stops.
//!
//! Source: Graph docs, call: recordResponse.

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tokio::time::Instant;

use super::World;
use super::asked;
use super::call::Call;
use super::operation::Ended;
use crate::wav;

/// How many times somebody spoke are kept with a call, to be recorded.
const SPOKEN: usize = 64;

/// What a recordResponse asks for.
pub(super) struct Recording {
    initial_silence: Duration,
    max_silence: Duration,
    max_duration: Duration,
    stop_tones: Vec<char>,
}

impl Recording {
    pub(super) fn of(body: &Value) -> Self {
        // Source: Graph docs, call: recordResponse (each 5 seconds where it is left out).
        let seconds = |name| Duration::from_secs(asked::number_of(body, name, 5));
        let tones = asked::items(body, "stopTones").iter();
        Self {
            initial_silence: seconds("initialSilenceTimeoutInSeconds"),
            max_silence: seconds("maxSilenceTimeoutInSeconds"),
            max_duration: seconds("maxRecordDurationInSeconds"),
            stop_tones: tones.filter_map(|tone| tone.as_str()?.chars().next()).collect(),
        }
    }
}

/// What was recorded, until the bot fetches it.
pub(super) struct Recorded {
    operation: String,
    token: String,
    wav: Bytes,
}

/// What somebody says.
#[derive(Clone, Debug)]
pub(super) enum Speech {
    /// A tone for as long, in the place of words.
    Tone(Duration),
    /// Samples as the service hears them: 16 kHz, 16 bits, mono.
    Samples(Bytes),
}

impl Speech {
    pub(super) fn length(&self) -> Duration {
        match self {
            Self::Tone(length) => *length,
            Self::Samples(samples) => wav::length_of(samples.len()),
        }
    }

    fn samples(&self) -> Vec<i16> {
        match self {
            Self::Tone(length) => {
                let mut samples = Vec::new();
                wav::sing(&mut samples, 440.0, *length);
                samples
            }
            Self::Samples(bytes) => {
                bytes.as_chunks::<2>().0.iter().map(|sample| i16::from_le_bytes(*sample)).collect()
            }
        }
    }
}

/// What was said, and when.
pub(super) struct Spoken {
    from: Instant,
    speech: Speech,
}

/// What was heard from `from` on for `length`: who speaks at the same time is heard at the same time.
fn mixed(spoken: &[Spoken], from: Instant, length: Duration) -> Vec<i16> {
    let place = |time: Duration| {
        usize::try_from(time.as_millis().saturating_mul(u128::from(wav::RATE / 1000))).unwrap_or(usize::MAX)
    };
    let mut heard = vec![0i16; place(length)];
    for Spoken { from: began, speech } in spoken {
        // Who spoke before is heard from then on.
        let (late, early) = (place(began.duration_since(from)), place(from.duration_since(*began)));
        let to = heard.iter_mut().skip(late);
        for (to, sample) in to.zip(speech.samples().into_iter().skip(early)) {
            *to = to.saturating_add(sample);
        }
    }
    heard
}

impl Call {
    /// Somebody speaks, and is heard by whoever records.
    pub(super) async fn speak(&self, name: &str, speech: Speech) {
        self.did(name, "speaks");
        let length = speech.length();
        self.with(|inner| {
            inner.spoken.push(Spoken { from: Instant::now(), speech });
            let old = inner.spoken.len().saturating_sub(SPOKEN);
            inner.spoken.drain(..old);
        });
        self.progress_is(|p| p.speaking = p.speaking.saturating_add(1));
        tokio::time::sleep(length).await;
        self.progress_is(|p| p.speaking = p.speaking.saturating_sub(1));
    }

    /// The recording that an operation made, for who has its token.
    pub(super) fn recorded(&self, operation: &str, token: &str) -> Option<Bytes> {
        self.with(|inner| {
            let of = |kept: &&Recorded| kept.operation == operation && kept.token == token;
            inner.recorded.iter().find(of).map(|kept| kept.wav.clone())
        })
    }
}

/// Why a recording came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    Tone,
    MaxDuration,
    MaxSilence,
    InitialSilence,
}

pub(super) async fn record(call: &Call, world: &World, operation: &str, asked: &Recording) -> Ended {
    let began = Instant::now();
    let stop = listen(call, asked, began).await;
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
    let wav = call.with(|inner| wav::write(&mixed(&inner.spoken, began, began.elapsed()))).into();
    let recorded = Recorded { operation: operation.to_owned(), token: token.clone(), wav };
    call.with(|inner| inner.recorded.push(recorded));
    ended.with("recordingLocation", location).with("recordingAccessToken", token)
}

/// Listens to the people of the call until there is a reason to stop.
async fn listen(call: &Call, asked: &Recording, began: Instant) -> Stop {
    let limit = began + asked.max_duration;
    let heard = call.with(|inner| inner.keys.len());
    let mut progress = call.progress();
    let (mut has_spoken, mut silent_since) = (false, began);
    loop {
        let is_speaking = progress.borrow_and_update().speaking > 0;
        let is_stopped =
            call.with(|inner| inner.keys.iter().skip(heard).any(|key| asked.stop_tones.contains(key)));
        if is_stopped {
            return Stop::Tone;
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
            () = tokio::time::sleep_until(deadline) => return stop,
            _ = progress.changed() => {
                if is_speaking && progress.borrow().speaking == 0 {
                    silent_since = Instant::now();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_heard_where_it_was_said() {
        let from = Instant::now() + Duration::from_secs(10);
        let samples = |sample: i16, count: usize| Speech::Samples(sample.to_le_bytes().repeat(count).into());
        let at = |millis: u64| from + Duration::from_millis(millis);
        let spoken = [
            // It began 1 ms before, and goes on for 1 ms more.
            Spoken { from: from - Duration::from_millis(1), speech: samples(7, 32) },
            Spoken { from: at(2), speech: samples(100, 32) },
            Spoken { from: at(3), speech: samples(i16::MAX, 16) },
            // After the end.
            Spoken { from: at(9), speech: samples(1, 16) },
        ];
        let heard = mixed(&spoken, from, Duration::from_millis(5));
        let expected = [7, 0, 100, i16::MAX, 0].map(|sample| [sample; 16]).concat();
        assert_eq!(heard, expected);
    }
}
