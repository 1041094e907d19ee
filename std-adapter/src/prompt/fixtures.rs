//! Files for tests: a quarter of a second of 440 Hz on the left and 660 Hz on the right, at 44.1 kHz.
//!
//! Made with ffmpeg 5.1, flac 1.4, lame 3.100 and oggenc 1.4:
//!
//! ```text
//! ffmpeg -f lavfi -i sine=frequency=440:duration=0.25:sample_rate=44100 \
//!        -f lavfi -i sine=frequency=660:duration=0.25:sample_rate=44100 \
//!        -filter_complex '[0][1]amerge=inputs=2' -bitexact tone.wav
//! flac -8 --no-padding --no-seektable -o tone.flac tone.wav
//! lame -b 64 tone.wav tone.mp3          # which is of 24 kHz
//! oggenc -q 0 --serial 1 -o tone.ogg tone.wav
//! ```

use bytes::Bytes;

pub(crate) const FLAC: &[u8] = include_bytes!("fixtures/tone.flac");
pub(crate) const MP3: &[u8] = include_bytes!("fixtures/tone.mp3");
pub(crate) const OGG: &[u8] = include_bytes!("fixtures/tone.ogg");

/// A WAV of 16 bits and two channels, with 440 Hz on both.
pub(crate) fn stereo(rate: u32, frames: u32) -> Bytes {
    let size = frames * 4;
    let mut wav = b"RIFF".to_vec();
    wav.extend((size + 36).to_le_bytes());
    wav.extend(b"WAVEfmt \x10\0\0\0\x01\0\x02\0");
    wav.extend(rate.to_le_bytes());
    wav.extend((rate * 4).to_le_bytes());
    wav.extend(b"\x04\0\x10\0data");
    wav.extend(size.to_le_bytes());
    for n in 0..frames {
        let phase = f64::from(n) * 440.0 * std::f64::consts::TAU / f64::from(rate);
        #[allow(clippy::cast_possible_truncation)] // between -8000 and 8000
        let sample = ((phase.sin() * 8000.0) as i16).to_le_bytes();
        wav.extend(sample);
        wav.extend(sample);
    }
    wav.into()
}
