//! What can be heard: the prompts that bots play, kept for whoever listens in.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;

/// How many bytes of sounds are kept; the oldest are forgotten first.
const KEPT: usize = 64 * 1024 * 1024;

/// Sounds by what is in them: however many calls play a prompt, it is kept once.
#[derive(Default)]
pub(super) struct Sounds(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    sounds: VecDeque<(String, Bytes)>,
    bytes: usize,
}

impl Sounds {
    /// Keeps a WAV file, and gives its name.
    pub(super) fn keep(&self, wav: &Bytes) -> String {
        let name = URL_SAFE_NO_PAD.encode(digest(&SHA256, wav));
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.sounds.iter().all(|(known, _)| *known != name) {
            kept.bytes = kept.bytes.saturating_add(wav.len());
            kept.sounds.push_back((name.clone(), wav.clone()));
        }
        while kept.bytes > KEPT && kept.sounds.len() > 1 {
            let Some((_, oldest)) = kept.sounds.pop_front() else { break };
            kept.bytes = kept.bytes.saturating_sub(oldest.len());
        }
        name
    }

    /// The WAV file of this name, as long as it is kept.
    pub(super) fn get(&self, name: &str) -> Option<Bytes> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.sounds.iter().find(|(known, _)| known == name).map(|(_, wav)| wav.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_is_kept_once_and_the_oldest_are_forgotten() {
        let sounds = Sounds::default();
        let first = sounds.keep(&Bytes::from(vec![1; KEPT / 2]));
        assert_eq!(sounds.keep(&Bytes::from(vec![1; KEPT / 2])), first);
        let second = sounds.keep(&Bytes::from(vec![2; KEPT / 2]));
        assert!(sounds.get(&first).is_some() && sounds.get(&second).is_some());
        let third = sounds.keep(&Bytes::from(vec![3; 1]));
        assert!(sounds.get(&first).is_none());
        assert!(sounds.get(&second).is_some() && sounds.get(&third).is_some());
    }
}
