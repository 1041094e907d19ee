//! Prompts: WAV files, and how long they take.

use std::time::Duration;

use bytes::Bytes;
use http::Request;

use super::World;

const RATE: u32 = 16_000;
const FETCH_LIMIT: Duration = Duration::from_secs(20);

/// A WAV file with a tone of 440 Hz: 16 kHz, 16 bits, mono, as the service wants prompts.
///
/// Source: Graph docs, call: playPrompt.
pub fn wav_tone(length: Duration) -> Vec<u8> {
    let samples = u32::try_from(length.as_millis()).unwrap_or(u32::MAX / 32).saturating_mul(RATE / 1000);
    let size = samples.saturating_mul(2);
    let mut wav = Vec::new();
    wav.extend(b"RIFF");
    wav.extend(size.saturating_add(36).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(16u32.to_le_bytes());
    wav.extend(1u16.to_le_bytes()); // PCM
    wav.extend(1u16.to_le_bytes()); // mono
    wav.extend(RATE.to_le_bytes());
    wav.extend((RATE * 2).to_le_bytes());
    wav.extend(2u16.to_le_bytes());
    wav.extend(16u16.to_le_bytes());
    wav.extend(b"data");
    wav.extend(size.to_le_bytes());
    for n in 0..samples {
        let phase = f64::from(n) * 440.0 * std::f64::consts::TAU / f64::from(RATE);
        #[allow(clippy::cast_possible_truncation)] // between -8000 and 8000
        wav.extend(((phase.sin() * 8000.0) as i16).to_le_bytes());
    }
    wav
}

/// How long the sound in a WAV file is.
fn wav_length(wav: &[u8]) -> Result<Duration, &'static str> {
    let number = |at: usize| -> Option<u32> {
        let bytes = wav.get(at..at.checked_add(4)?)?;
        bytes.try_into().ok().map(u32::from_le_bytes)
    };
    if wav.get(..4) != Some(b"RIFF") || wav.get(8..12) != Some(b"WAVE") {
        return Err("it is no WAV file");
    }
    let (mut at, mut per_second) = (12usize, None);
    while let (Some(name), Some(size)) = (wav.get(at..at.saturating_add(4)), number(at.saturating_add(4))) {
        match name {
            b"fmt " => per_second = number(at.saturating_add(16)),
            b"data" => {
                let per_second = per_second.filter(|rate| *rate > 0).ok_or("its format is not stated")?;
                return Ok(Duration::from_secs_f64(f64::from(size) / f64::from(per_second)));
            }
            _ => {}
        }
        at = at.saturating_add(8).saturating_add(usize::try_from(size).unwrap_or(usize::MAX));
    }
    Err("it has no sound")
}

/// Fetches a prompt as the service does, and gives its length.
pub(super) async fn fetch(world: &World, uri: &str) -> Result<Duration, String> {
    let request = Request::get(uri).body(Bytes::new()).map_err(|e| e.to_string())?;
    let response = tokio::time::timeout(FETCH_LIMIT, world.transport.send(request))
        .await
        .map_err(|_| format!("nothing came within {FETCH_LIMIT:?}"))?
        .map_err(|e| e.to_string())?;
    if !response.status().is_success() {
        return Err(format!("status {}", response.status().as_u16()));
    }
    wav_length(response.body()).map_err(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_is_as_long_as_it_was_asked() {
        assert_eq!(wav_length(&wav_tone(Duration::from_millis(1500))), Ok(Duration::from_millis(1500)));
        assert!(wav_length(b"<html>").is_err());
        assert!(wav_length(&wav_tone(Duration::ZERO)[..20]).is_err());
    }
}
