//! Prompts: WAV files, and how long they take.

use std::time::Duration;

use bytes::Bytes;
use http::Request;

use super::World;
use crate::wav::{self, Fault};

const FETCH_LIMIT: Duration = Duration::from_secs(20);

/// How long the sound in a prompt is, where it is one that the service plays.
///
/// Source: Graph docs, call: playPrompt.
pub(super) fn length_of(prompt: &[u8]) -> Result<Duration, &'static str> {
    let layout = wav::read(prompt).map_err(|fault| match fault {
        Fault::NotWav => "it is no WAV file",
        Fault::NoFormat => "its format is not stated",
        Fault::NoSamples => "it has no sound",
    })?;
    let found = (layout.tag, layout.channels, layout.rate, layout.bits);
    if found != (wav::PCM, wav::CHANNELS, wav::RATE, wav::BITS) {
        return Err("it is not PCM of one channel, 16 bits and 16000 Hz");
    }
    if layout.missing() > 0 {
        return Err("it breaks off");
    }
    Ok(wav::length_of(layout.data.len()))
}

/// The samples of a WAV file that the service would play.
pub(super) fn samples_of(wav: &Bytes) -> Result<Bytes, &'static str> {
    length_of(wav)?;
    let layout = wav::read(wav).map_err(|_| "it is no WAV file")?;
    Ok(wav.slice(layout.data))
}

/// Fetches a prompt as the service does.
pub(super) async fn fetch(world: &World, uri: &str) -> Result<Bytes, String> {
    let request = Request::get(uri).body(Bytes::new()).map_err(|e| e.to_string())?;
    let response = tokio::time::timeout(FETCH_LIMIT, world.transport.send(request))
        .await
        .map_err(|_| format!("nothing came within {FETCH_LIMIT:?}"))?
        .map_err(|e| e.to_string())?;
    if !response.status().is_success() {
        return Err(format!("status {}", response.status().as_u16()));
    }
    Ok(response.into_body())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_one_that_the_service_plays() {
        let good = wav::tone(Duration::from_millis(1500));
        let changed = |at: usize, to: u8| {
            let mut wav = good.clone();
            wav[at] = to;
            wav
        };
        let format = Err("it is not PCM of one channel, 16 bits and 16000 Hz");
        for (case, prompt, expected) in [
            ("good", good.clone(), Ok(Duration::from_millis(1500))),
            ("an error page", b"<html>".to_vec(), Err("it is no WAV file")),
            ("its head alone", good[..20].to_vec(), Err("its format is not stated")),
            ("without samples", good[..40].to_vec(), Err("it has no sound")),
            ("cut", good[..1000].to_vec(), Err("it breaks off")),
            ("IEEE float", changed(20, 3), format),
            ("stereo", changed(22, 2), format),
            ("another rate", changed(24, 0x81), format),
            ("8 bits", changed(34, 8), format),
        ] {
            assert_eq!(length_of(&prompt), expected, "{case}");
        }
    }
}
