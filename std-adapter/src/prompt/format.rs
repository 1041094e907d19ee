//! What the service plays: WAV, PCM, 16 kHz, 16 bits, one channel.
//!
//! ```
//! use callflow_graph::prompt::format::{FormatError, inspect};
//!
//! assert_eq!(inspect(b"<html>Not Found</html>"), Err(FormatError::NotWav));
//! ```
//!
//! Source: Graph docs, call: playPrompt. It states no limit of size or length.

use std::ops::Range;
use std::time::Duration;

use crate::wav::{self, Fault};

/// A prompt that the service plays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Playable {
    samples: Range<usize>,
}

impl Playable {
    /// How long it is.
    pub fn length(&self) -> Duration {
        wav::length_of(self.samples.len())
    }

    /// Where its samples are in the file: 16 bits each, little endian.
    pub fn samples(&self) -> Range<usize> {
        self.samples.clone()
    }
}

/// Why the service does not play a file. [`convert`](super::convert::convert) makes one that it plays of most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// There is nothing in it.
    #[error("it is empty; write it again")]
    Empty,
    /// It is something else.
    #[error("it is no WAV file; convert it to WAV, PCM, 16 kHz, 16 bits, mono")]
    NotWav,
    /// Its chunks do not say what its samples are.
    #[error("its format is not stated before its samples; write it again")]
    NoFormat,
    /// It has a head alone.
    #[error("it has no samples; write it again")]
    NoSamples,
    /// It breaks off.
    #[error("it breaks off: {missing} bytes of its samples are missing; copy it again, whole")]
    Truncated {
        /// How many bytes.
        missing: usize,
    },
    /// It was written into a pipe, and does not say how long it is.
    #[error("its head does not say how long it is, as that of a file from a pipe; write it to a file")]
    LengthUnknown,
    /// Its samples are not PCM.
    #[error("its samples are {}; convert them to 16-bit PCM", encoding(*tag))]
    Encoding {
        /// `wFormatTag`.
        tag: u16,
    },
    /// It is stereo, or more.
    #[error("it has {found} channels, and the service plays one; mix it down to mono")]
    Channels {
        /// How many.
        found: u16,
    },
    /// It has another sample rate.
    #[error("it has {found} samples a second, and the service plays 16000; resample it to 16 kHz")]
    Rate {
        /// How many.
        found: u32,
    },
    /// Its samples are of another size.
    #[error("its samples have {found} bits, and the service plays 16; convert them to 16 bits")]
    Bits {
        /// How many.
        found: u16,
    },
}

/// The format tags that occur, in words.
fn encoding(tag: u16) -> String {
    match tag {
        1 => "PCM".to_owned(),
        2 => "Microsoft ADPCM".to_owned(),
        3 => "IEEE float".to_owned(),
        6 => "A-law".to_owned(),
        7 => "µ-law".to_owned(),
        0x11 => "IMA ADPCM".to_owned(),
        0x55 => "MP3".to_owned(),
        0xFFFE => "of the extensible kind".to_owned(),
        other => format!("of kind {other:#06x}"),
    }
}

/// Says whether the service plays `file`, and why not. Chunks that are not known are passed over.
///
/// # Errors
/// [`FormatError`]: what is wrong first, and the way out.
pub fn inspect(file: &[u8]) -> Result<Playable, FormatError> {
    if file.is_empty() {
        return Err(FormatError::Empty);
    }
    let layout = wav::read(file).map_err(|fault| match fault {
        Fault::NotWav => FormatError::NotWav,
        Fault::NoFormat => FormatError::NoFormat,
        Fault::NoSamples => FormatError::NoSamples,
    })?;
    if layout.tag != wav::PCM {
        return Err(FormatError::Encoding { tag: layout.tag });
    }
    if layout.channels != wav::CHANNELS {
        return Err(FormatError::Channels { found: layout.channels });
    }
    if layout.rate != wav::RATE {
        return Err(FormatError::Rate { found: layout.rate });
    }
    if layout.bits != wav::BITS {
        return Err(FormatError::Bits { found: layout.bits });
    }
    if layout.said.is_none() {
        return Err(FormatError::LengthUnknown);
    }
    if layout.missing() > 0 {
        return Err(FormatError::Truncated { missing: layout.missing() });
    }
    let (start, whole) = (layout.data.start, layout.data.len() & !1);
    if whole == 0 {
        return Err(FormatError::NoSamples);
    }
    Ok(Playable { samples: start..start.saturating_add(whole) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named() {
        let good = wav::write(&vec![0; 16_000]);
        assert_eq!(inspect(&good).map(|playable| playable.length()), Ok(Duration::from_secs(1)));
        let with = |at: usize, to: &[u8]| {
            let mut file = good.clone();
            file[at..at + to.len()].copy_from_slice(to);
            file
        };
        for (case, file, expected, says) in [
            ("empty", vec![], FormatError::Empty, "empty"),
            ("an error page", b"<html>".to_vec(), FormatError::NotWav, "convert it to WAV"),
            ("a head that breaks off", good[..30].to_vec(), FormatError::NoFormat, "write it again"),
            ("a head alone", wav::write(&[]), FormatError::NoSamples, "no samples"),
            ("one byte", [&wav::header(1)[..], &[0]].concat(), FormatError::NoSamples, "no samples"),
            ("cut", good[..44 + 100].to_vec(), FormatError::Truncated { missing: 31_900 }, "31900 bytes"),
            ("from a pipe", with(40, &[0xFF; 4]), FormatError::LengthUnknown, "pipe"),
            ("float", with(20, &[3, 0]), FormatError::Encoding { tag: 3 }, "IEEE float"),
            ("µ-law", with(20, &[7, 0]), FormatError::Encoding { tag: 7 }, "µ-law"),
            ("something", with(20, &[0x42, 1]), FormatError::Encoding { tag: 0x142 }, "0x0142"),
            ("stereo", with(22, &[2, 0]), FormatError::Channels { found: 2 }, "mono"),
            ("44.1 kHz", with(24, &44_100u32.to_le_bytes()), FormatError::Rate { found: 44_100 }, "16 kHz"),
            ("24 bits", with(34, &[24, 0]), FormatError::Bits { found: 24 }, "16 bits"),
        ] {
            let error = inspect(&file).unwrap_err();
            assert_eq!(error, expected, "{case}");
            assert!(error.to_string().contains(says), "{case}: {error}");
        }
    }
}
