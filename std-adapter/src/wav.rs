//! WAV files: written as the service plays them, and read for what they are.
//!
//! Source: Microsoft and IBM, Multimedia Programming Interface and Data Specifications 1.0 (RIFF, WAVE).

use std::ops::Range;
use std::time::Duration;

/// Samples a second. Source: Graph docs, call: playPrompt.
pub(crate) const RATE: u32 = 16_000;
/// Bits a sample. Source: Graph docs, call: playPrompt.
pub(crate) const BITS: u16 = 16;
/// Source: Graph docs, call: playPrompt.
pub(crate) const CHANNELS: u16 = 1;
/// `WAVE_FORMAT_PCM`.
pub(crate) const PCM: u16 = 1;
/// What stands before the samples in a file that [`write`] made.
pub(crate) const HEADER_BYTES: usize = 44;
/// A second of samples.
pub(crate) const BYTES_PER_SECOND: u32 = RATE * 2;

/// A size from here on is what a program puts that writes into a pipe and cannot go back.
const SIZE_UNKNOWN: u32 = 0x7FFF_F000;

/// What a WAV file says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// `wFormatTag`.
    pub(crate) tag: u16,
    pub(crate) channels: u16,
    pub(crate) rate: u32,
    pub(crate) bits: u16,
    /// Where the samples are; no further than the file goes.
    pub(crate) data: Range<usize>,
    /// How many bytes of them it says that there are; none where its writer did not know.
    pub(crate) said: Option<usize>,
}

impl Layout {
    /// How many bytes of samples are not there.
    pub(crate) fn missing(&self) -> usize {
        self.said.map_or(0, |said| said.saturating_sub(self.data.len()))
    }
}

/// Why a file is not read as WAV.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It does not begin as one.
    NotWav,
    /// It breaks off, or has samples, before its format is stated.
    NoFormat,
    /// It breaks off before its samples.
    NoSamples,
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at.checked_add(2)?)?.try_into().ok().map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_le_bytes)
}

/// Reads the chunks of a WAV file up to its samples; those that are not known are passed over.
pub(crate) fn read(wav: &[u8]) -> Result<Layout, Fault> {
    if wav.get(..4) != Some(b"RIFF") || wav.get(8..12) != Some(b"WAVE") {
        return Err(Fault::NotWav);
    }
    let (mut at, mut format) = (12usize, None);
    loop {
        let body = at.saturating_add(8);
        let missing = if format.is_none() { Fault::NoFormat } else { Fault::NoSamples };
        let name = wav.get(at..at.saturating_add(4)).ok_or(missing)?;
        let size = u32_at(wav, at.saturating_add(4)).ok_or(missing)?;
        let length = usize::try_from(size).unwrap_or(usize::MAX);
        match name {
            b"fmt " if length >= 16 => {
                let number = |offset: usize| u16_at(wav, body.saturating_add(offset));
                let rate = u32_at(wav, body.saturating_add(4));
                format = number(0).zip(number(2)).zip(rate).zip(number(14));
            }
            b"data" => {
                let (((tag, channels), rate), bits) = format.ok_or(Fault::NoFormat)?;
                let data = body..body.saturating_add(length).min(wav.len()).max(body);
                let said = (size < SIZE_UNKNOWN).then_some(length);
                return Ok(Layout { tag, channels, rate, bits, data, said });
            }
            _ => {}
        }
        // A chunk of an odd size has a byte behind it.
        at = body.saturating_add(length).saturating_add(length & 1);
    }
}

/// What stands before `bytes` bytes of samples.
pub(crate) fn header(bytes: u32) -> [u8; HEADER_BYTES] {
    let fields: [&[u8]; 13] = [
        b"RIFF",
        &bytes.saturating_add(36).to_le_bytes(),
        b"WAVE",
        b"fmt ",
        &16u32.to_le_bytes(),
        &PCM.to_le_bytes(),
        &CHANNELS.to_le_bytes(),
        &RATE.to_le_bytes(),
        &BYTES_PER_SECOND.to_le_bytes(),
        &2u16.to_le_bytes(),
        &BITS.to_le_bytes(),
        b"data",
        &bytes.to_le_bytes(),
    ];
    let mut header = [0; HEADER_BYTES];
    for (to, from) in header.iter_mut().zip(fields.into_iter().flatten()) {
        *to = *from;
    }
    header
}

/// A file with these samples, as the service plays it: 16 kHz, 16 bits, mono.
pub(crate) fn write(samples: &[i16]) -> Vec<u8> {
    let bytes = u32::try_from(samples.len().saturating_mul(2)).unwrap_or(u32::MAX);
    let mut wav = header(bytes).to_vec();
    wav.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    wav
}

/// The length of so many bytes of samples, as the service plays them.
pub(crate) fn length_of(bytes: usize) -> Duration {
    let samples = u64::try_from(bytes / 2).unwrap_or(u64::MAX);
    Duration::from_nanos(samples.saturating_mul(1_000_000_000 / u64::from(RATE)))
}

/// Appends a tone of `hertz`, at a quarter of full loudness.
pub(crate) fn sing(samples: &mut Vec<i16>, hertz: f64, length: Duration) {
    let count = u32::try_from(length.as_millis()).unwrap_or(u32::MAX / RATE).saturating_mul(RATE / 1000);
    samples.extend((0..count).map(|n| {
        let phase = f64::from(n) * hertz * std::f64::consts::TAU / f64::from(RATE);
        #[allow(clippy::cast_possible_truncation)] // between -8000 and 8000
        let sample = (phase.sin() * 8000.0) as i16;
        sample
    }));
}

/// A WAV file with a tone of 440 Hz: 16 kHz, 16 bits, mono, as the service wants prompts.
///
/// Source: Graph docs, call: playPrompt.
#[cfg(feature = "simulator")]
pub fn tone(length: Duration) -> Vec<u8> {
    let mut samples = Vec::new();
    sing(&mut samples, 440.0, length);
    write(&samples)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of one chunk after another.
    fn riff(chunks: &[(&[u8], u32, &[u8])]) -> Vec<u8> {
        let mut wav = b"RIFF\0\0\0\0WAVE".to_vec();
        for (name, size, body) in chunks {
            wav.extend(*name);
            wav.extend(size.to_le_bytes());
            wav.extend(*body);
        }
        wav
    }

    #[test]
    fn what_is_written_is_read() {
        let wav = write(&[1, -2, 3]);
        let data = 44..50;
        let expected = Layout { tag: 1, channels: 1, rate: 16_000, bits: 16, data, said: Some(6) };
        assert_eq!(read(&wav), Ok(expected));
        assert_eq!(u32_at(&wav, 4), Some(42), "the file is 8 bytes longer than it says");
        assert_eq!(&wav[44..], &[1, 0, 0xFE, 0xFF, 3, 0]);
    }

    #[test]
    fn chunks_are_told_apart() {
        let format = &header(0)[20..36];
        let fmt = (b"fmt ".as_slice(), 16, format);
        let data = (b"data".as_slice(), 4, b"abcd".as_slice());
        let read = |chunks: &[_]| super::read(&riff(chunks)).map(|layout| (layout.data, layout.said));
        for (case, chunks, expected) in [
            (
                "unknown chunks are passed over",
                vec![(&b"LIST"[..], 3, &b"xyz\0"[..]), fmt, data],
                Ok((56..60, Some(4))),
            ),
            ("a size that was not known", vec![fmt, (b"data", 0xFFFF_FFFF, b"abcd")], Ok((44..48, None))),
            ("espeak's", vec![fmt, (b"data", 0x7FFF_F000, b"abcd")], Ok((44..48, None))),
            ("samples that break off", vec![fmt, (b"data", 9, b"abcd")], Ok((44..48, Some(9)))),
            (
                "what follows the samples is not theirs",
                vec![fmt, data, (b"LIST", 1, b"x")],
                Ok((44..48, Some(4))),
            ),
            ("samples without a format", vec![data, fmt], Err(Fault::NoFormat)),
            ("a format without samples", vec![fmt], Err(Fault::NoSamples)),
            ("a format that is too short", vec![(b"fmt ", 8, b"12345678"), data], Err(Fault::NoFormat)),
            ("a format that breaks off", vec![(b"fmt ", 16, b"1234")], Err(Fault::NoFormat)),
            ("nothing", vec![], Err(Fault::NoFormat)),
        ] {
            assert_eq!(read(&chunks), expected, "{case}");
        }
        assert_eq!(super::read(b"<html>").err(), Some(Fault::NotWav));
    }

    #[test]
    fn samples_have_a_length() {
        assert_eq!(length_of(48_000), Duration::from_millis(1500));
        assert_eq!(length_of(3), Duration::from_nanos(62_500));
        let mut samples = Vec::new();
        sing(&mut samples, 440.0, Duration::from_millis(1500));
        assert_eq!(length_of(samples.len() * 2), Duration::from_millis(1500));
    }
}
