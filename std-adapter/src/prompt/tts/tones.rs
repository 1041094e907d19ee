//! A stand-in for speech: a tone for each word.

use std::time::Duration;

use bytes::Bytes;

use super::{Speech, Tts, Utterance};
use crate::wav;

/// Sings a short tone for each word, its pitch by the word: the same text always sounds the same. It is **not speech**, and
/// needs nothing: for tests, and for demos on a machine where no [`Program`](super::Program) speaks.
///
/// Marks of SSML are sung as words. After 200 words it ends.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tones;

const TONE: Duration = Duration::from_millis(120);
const PAUSE: Duration = Duration::from_millis(60);
const MOST_WORDS: usize = 200;

impl Tts for Tones {
    fn speak<'a>(&'a self, utterance: &'a Utterance) -> Speech<'a> {
        Box::pin(async move {
            let mut samples = Vec::new();
            for word in utterance.content().as_str().split_whitespace().take(MOST_WORDS) {
                wav::sing(&mut samples, pitch_of(word), TONE);
                wav::sing(&mut samples, 0.0, PAUSE);
            }
            Ok(Bytes::from(wav::write(&samples)))
        })
    }

    fn identity(&self) -> String {
        "tones 1".to_owned()
    }
}

/// One of 24 semitones from 220 Hz.
fn pitch_of(word: &str) -> f64 {
    let sum = word.bytes().fold(7u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    220.0 * 2f64.powf(f64::from(sum % 24) / 12.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::format;

    #[tokio::test]
    async fn a_word_is_a_tone() {
        let sung = async |text: &str| Tones.speak(&text.into()).await.unwrap();
        let two = sung("press one").await;
        assert_eq!(format::inspect(&two).unwrap().length(), Duration::from_millis(360));
        assert_eq!(two, sung("press  one").await);
        assert_ne!(two, sung("press two").await);
        let long = sung(&"word ".repeat(10_000)).await;
        assert_eq!(format::inspect(&long).unwrap().length(), Duration::from_secs(36));
    }
}
