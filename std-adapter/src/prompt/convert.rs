//! Makes what the service plays of what authors have: WAV, MP3, Ogg Vorbis and FLAC.
//!
//! Files are decoded by symphonia, mixed down to one channel and resampled by rubato. Nothing is trusted of a file: what it
//! holds is limited before and after it is decoded, and a panic of a decoder is one more reason to refuse it.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Async, FixedAsync, Indexing, Resampler, SincInterpolationParameters, WindowFunction};
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;

use super::format;
use crate::wav;

/// The most that a prompt may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The bytes of a file, before it is converted. 32 MiB by default.
    pub input_bytes: usize,
    /// How long it is. Ten minutes by default, which are 18 MiB as the service plays them.
    pub length: Duration,
}

impl Default for Limits {
    /// Source: assumed. Graph docs state no limit; Azure's speech service ends after ten minutes, which are 27 MiB as it
    /// gives them.
    fn default() -> Self {
        Self { input_bytes: 32 * 1024 * 1024, length: Duration::from_secs(600) }
    }
}

/// Why no prompt is made of a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConvertError {
    /// There is nothing in it.
    #[error("it is empty; write it again")]
    Empty,
    /// It is larger than may be read.
    #[error("it has {bytes} bytes, and {limit} are allowed; shorten it, compress it, or allow more")]
    TooLarge {
        /// How many it has.
        bytes: u64,
        /// [`Limits::input_bytes`].
        limit: usize,
    },
    /// It is longer than may be played.
    #[error("it is longer than {limit:?}; shorten it, or allow more")]
    TooLong {
        /// [`Limits::length`].
        limit: Duration,
    },
    /// It is no sound of a kind that is read.
    #[error("it is not audio that can be read; give it as WAV, MP3, Ogg Vorbis or FLAC")]
    NotAudio,
    /// It is sound of a kind that is not read.
    #[error("it cannot be read: {0}; give it as WAV, MP3, Ogg Vorbis or FLAC")]
    Unsupported(String),
    /// It breaks off.
    #[error("it breaks off before its end; copy it again, whole")]
    Truncated,
    /// Too much of it cannot be decoded.
    #[error("it is damaged: {0}; write it again")]
    Damaged(String),
    /// It is sound without any samples.
    #[error("there is no sound in it; write it again")]
    NoSound,
    /// It was given up.
    #[error("converting it was given up")]
    GivenUp,
}

impl ConvertError {
    fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported(what.into())
    }
}

/// Makes a prompt of `file`: WAV, PCM, 16 kHz, 16 bits, mono. One that is so already keeps its samples, and loses what else
/// is in the file.
///
/// It takes as long as decoding does: run it where blocking is allowed.
///
/// # Errors
/// [`ConvertError`]
pub fn convert(file: &Bytes, limits: Limits) -> Result<Bytes, ConvertError> {
    convert_unless(file, limits, &AtomicBool::new(false))
}

/// As [`convert`], until `given_up` says so.
pub(super) fn convert_unless(
    file: &Bytes,
    limits: Limits,
    given_up: &AtomicBool,
) -> Result<Bytes, ConvertError> {
    guarded(|| {
        check_size(file, limits)?;
        if let Ok(playable) = format::inspect(file) {
            return keep(file, &playable, limits);
        }
        let mut reading = Reading::new(file)?;
        decode(&mut reading, limits, given_up)
    })
}

/// Looks whether `file` is of a kind that is converted, by its head alone.
///
/// # Errors
/// [`ConvertError`]; [`convert`] may find more.
pub fn probe(file: &Bytes, limits: Limits) -> Result<(), ConvertError> {
    guarded(|| {
        check_size(file, limits)?;
        Reading::new(file).map(|_| ())
    })
}

/// A decoder must not take the process with it.
fn guarded<T>(make: impl FnOnce() -> Result<T, ConvertError>) -> Result<T, ConvertError> {
    catch_unwind(AssertUnwindSafe(make))
        .unwrap_or_else(|_| Err(ConvertError::Damaged("the decoder failed on it".to_owned())))
}

fn check_size(file: &[u8], limits: Limits) -> Result<(), ConvertError> {
    if file.is_empty() {
        return Err(ConvertError::Empty);
    }
    if file.len() > limits.input_bytes {
        let bytes = u64::try_from(file.len()).unwrap_or(u64::MAX);
        return Err(ConvertError::TooLarge { bytes, limit: limits.input_bytes });
    }
    Ok(())
}

/// Takes over what the service plays already.
fn keep(file: &Bytes, playable: &format::Playable, limits: Limits) -> Result<Bytes, ConvertError> {
    if playable.length() > limits.length {
        return Err(ConvertError::TooLong { limit: limits.length });
    }
    let samples = playable.samples();
    let header = wav::header(u32::try_from(samples.len()).unwrap_or(u32::MAX));
    if file.len() == wav::HEADER_BYTES.saturating_add(samples.len()) && file.starts_with(&header) {
        return Ok(file.clone());
    }
    let mut wav = header.to_vec();
    wav.extend(file.get(samples).unwrap_or_default());
    Ok(wav.into())
}

/// A file whose head is read.
struct Reading {
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    rate: u32,
    /// How many samples of each channel it says that there are.
    frames: Option<u64>,
}

/// The sample rates that are taken: what is beyond them is no sound for people.
const RATES: std::ops::RangeInclusive<u32> = 4_000..=384_000;

impl Reading {
    fn new(file: &Bytes) -> Result<Self, ConvertError> {
        let file = whole(file)?;
        let looks_like_audio =
            ["RIFF", "OggS", "fLaC", "ID3"].iter().any(|magic| file.starts_with(magic.as_bytes()));
        let stream = MediaSourceStream::new(Box::new(Cursor::new(file)), MediaSourceStreamOptions::default());
        let probed = symphonia::default::get_probe().probe(
            &Hint::new(),
            stream,
            FormatOptions::default(),
            MetadataOptions::default(),
        );
        let format = probed.map_err(|error| match error {
            _ if !looks_like_audio => ConvertError::NotAudio,
            Error::IoError(_) => ConvertError::Truncated,
            error => ConvertError::unsupported(error.to_string()),
        })?;
        let track = format.default_track(TrackType::Audio).ok_or(ConvertError::NotAudio)?;
        let parameters = track.codec_params.as_ref().and_then(|parameters| parameters.audio());
        let parameters = parameters.ok_or_else(|| ConvertError::unsupported("its codec is not known"))?;
        let decoder = symphonia::default::get_codecs()
            .make_audio_decoder(parameters, &AudioDecoderOptions::default())
            .map_err(|error| ConvertError::unsupported(error.to_string()))?;
        let rate =
            parameters.sample_rate.ok_or_else(|| ConvertError::unsupported("it has no sample rate"))?;
        if !RATES.contains(&rate) {
            return Err(ConvertError::unsupported(format!("it has {rate} samples a second")));
        }
        Ok(Self { track: track.id, rate, frames: track.num_frames, decoder, format })
    }
}

/// Gives a WAV file that was written into a pipe the length that it has, and refuses one that breaks off.
fn whole(file: &Bytes) -> Result<Bytes, ConvertError> {
    match wav::read(file) {
        Ok(layout) if layout.missing() > 0 => Err(ConvertError::Truncated),
        Ok(layout) if layout.said.is_none() => {
            let size = u32::try_from(layout.data.len()).unwrap_or(u32::MAX).to_le_bytes();
            let mut whole = file.to_vec();
            let at = layout.data.start.saturating_sub(4);
            for (to, from) in whole.iter_mut().skip(at).zip(size) {
                *to = from;
            }
            Ok(whole.into())
        }
        Err(wav::Fault::NoFormat | wav::Fault::NoSamples) => Err(ConvertError::Truncated),
        Ok(_) | Err(wav::Fault::NotWav) => Ok(file.clone()),
    }
}

fn decode(reading: &mut Reading, limits: Limits, given_up: &AtomicBool) -> Result<Bytes, ConvertError> {
    let mut mixer = Mixer::new(reading.rate, limits.length)?;
    let (mut interleaved, mut frames, mut good, mut bad) = (Vec::new(), 0u64, 0u32, 0u32);
    loop {
        if given_up.load(Ordering::Relaxed) {
            return Err(ConvertError::GivenUp);
        }
        let packet = match reading.format.next_packet() {
            Ok(Some(packet)) if packet.track_id == reading.track => packet,
            Ok(Some(_)) => continue,
            Ok(None) => break,
            Err(Error::IoError(_)) => return Err(ConvertError::Truncated),
            Err(error) => return Err(ConvertError::Damaged(error.to_string())),
        };
        match reading.decoder.decode(&packet) {
            Ok(decoded) if decoded.spec().rate() == reading.rate => {
                good = good.saturating_add(1);
                frames = frames.saturating_add(u64::try_from(decoded.frames()).unwrap_or(u64::MAX));
                decoded.copy_to_vec_interleaved(&mut interleaved);
                mixer.push(&interleaved, decoded.spec().channels().count())?;
            }
            Ok(_) => return Err(ConvertError::unsupported("its sample rate changes on the way")),
            // A player would pass over it, too.
            Err(Error::DecodeError(_)) => bad = bad.saturating_add(1),
            Err(error) => return Err(ConvertError::Damaged(error.to_string())),
        }
    }
    if bad > good / 10 {
        return Err(ConvertError::Damaged(format!("{bad} of its {} packets", good.saturating_add(bad))));
    }
    // MP3 without a count of its own says about how much there is.
    if reading.frames.is_some_and(|said| frames < said / 10 * 9) {
        return Err(ConvertError::Truncated);
    }
    mixer.finish()
}

/// Mixes down, resamples, and keeps what comes of it within the limit.
struct Mixer {
    mono: Vec<f32>,
    resampler: Option<Async<f32>>,
    /// How many frames went into the resampler.
    taken: u64,
    /// How many samples at the beginning are the resampler's own.
    early: usize,
    out: Vec<i16>,
    most: usize,
    limit: Duration,
}

/// How many frames are resampled at once.
const CHUNK: usize = 1024;
/// What the resampler looks at for each sample.
const SINC_LENGTH: usize = 128;

fn failed(error: impl std::fmt::Display) -> ConvertError {
    ConvertError::Damaged(error.to_string())
}

impl Mixer {
    fn new(rate: u32, limit: Duration) -> Result<Self, ConvertError> {
        let resampler = if rate == wav::RATE {
            None
        } else {
            let ratio = f64::from(wav::RATE) / f64::from(rate);
            let parameters = SincInterpolationParameters::new(SINC_LENGTH, WindowFunction::BlackmanHarris2);
            let made = Async::new_sinc(ratio, 1.0, &parameters, CHUNK, 1, FixedAsync::Input);
            Some(made.map_err(failed)?)
        };
        let early = resampler.as_ref().map_or(0, Resampler::output_delay);
        let most = limit.as_millis().saturating_mul(u128::from(wav::RATE / 1000));
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        Ok(Self { mono: Vec::new(), resampler, taken: 0, early, out: Vec::new(), most, limit })
    }

    /// Takes in interleaved samples of so many channels.
    fn push(&mut self, interleaved: &[f32], channels: usize) -> Result<(), ConvertError> {
        let mean = 1.0 / u16::try_from(channels).map_or(1.0, f32::from);
        self.mono.extend(interleaved.chunks(channels.max(1)).map(|frame| frame.iter().sum::<f32>() * mean));
        match self.resampler.take() {
            None => {
                let mono = std::mem::take(&mut self.mono);
                self.give(&mono);
            }
            Some(mut resampler) => {
                self.resample(&mut resampler)?;
                self.resampler = Some(resampler);
            }
        }
        if self.out.len() > self.most.saturating_add(self.early) {
            return Err(ConvertError::TooLong { limit: self.limit });
        }
        Ok(())
    }

    /// Resamples what makes whole chunks.
    fn resample(&mut self, resampler: &mut Async<f32>) -> Result<(), ConvertError> {
        let mut done = 0usize;
        while let Some(chunk) = self.mono.get(done..done.saturating_add(resampler.input_frames_next())) {
            let frames = chunk.len();
            let input = InterleavedSlice::new(chunk, 1, frames).map_err(failed)?;
            let sounds = resampler.process(&input, None).map_err(failed)?.take_data();
            self.give(&sounds);
            done = done.saturating_add(frames);
        }
        self.taken = self.taken.saturating_add(u64::try_from(done).unwrap_or(u64::MAX));
        self.mono.drain(..done);
        Ok(())
    }

    fn give(&mut self, samples: &[f32]) {
        self.out.extend(samples.iter().map(|sample| {
            #[allow(clippy::cast_possible_truncation)] // held within what 16 bits have
            let sample = (sample * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16;
            sample
        }));
    }

    /// Gives the file.
    fn finish(mut self) -> Result<Bytes, ConvertError> {
        if let Some(mut resampler) = self.resampler.take() {
            let rest = std::mem::take(&mut self.mono);
            let taken = self.taken.saturating_add(u64::try_from(rest.len()).unwrap_or(u64::MAX));
            #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            // a count of samples, limited above
            let expected = (taken as f64 * resampler.resample_ratio()).ceil() as usize;
            let end = self.early.saturating_add(expected);
            self.pump(&mut resampler, &rest)?;
            while self.out.len() < end {
                self.pump(&mut resampler, &[])?;
            }
            self.out.truncate(end);
            self.out.drain(..self.early.min(self.out.len()));
        }
        if self.out.is_empty() {
            return Err(ConvertError::NoSound);
        }
        if self.out.len() > self.most {
            return Err(ConvertError::TooLong { limit: self.limit });
        }
        Ok(wav::write(&self.out).into())
    }

    /// Resamples `rest`, and silence behind it.
    fn pump(&mut self, resampler: &mut Async<f32>, rest: &[f32]) -> Result<(), ConvertError> {
        let frames = resampler.input_frames_next();
        let mut chunk = rest.to_vec();
        chunk.resize(frames, 0.0);
        let input = InterleavedSlice::new(&chunk, 1, frames).map_err(failed)?;
        let indexing = Indexing { partial_len: Some(rest.len()), ..Indexing::default() };
        let sounds = resampler.process(&input, Some(&indexing)).map_err(failed)?.take_data();
        if sounds.is_empty() {
            return Err(failed("nothing comes out of the resampler"));
        }
        self.give(&sounds);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
