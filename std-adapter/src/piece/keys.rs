//! Keys that were pressed, in the order in which they were pressed, and nowhere printed.

use std::fmt;

use callflow_core::id::Sequence;
use callflow_core::media::Tone;
use serde::{Deserialize, Serialize};

/// How many keys are kept.
const KEPT: usize = 64;

/// Keys that were pressed and not taken yet. `Debug` says how many.
///
/// They stand in the order of their sequence numbers: what came late stands where it belongs.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys(Vec<(u64, char)>);

impl Keys {
    /// Adds the key of a tone; what has no key is left out. The newest 64 are kept.
    pub fn press(&mut self, sequence: Sequence, tone: Tone) {
        let Some(key) = tone.key() else { return };
        let place = self.0.partition_point(|(earlier, _)| *earlier < sequence.number());
        self.0.insert(place, (sequence.number(), key));
        if self.0.len() > KEPT {
            self.0.remove(0);
        }
    }

    /// Forgets those of these tones.
    pub(super) fn forget(&mut self, tones: &[Tone]) {
        self.0.retain(|(_, key)| !tones.iter().any(|tone| tone.key() == Some(*key)));
    }

    /// Takes the first.
    pub(super) fn take_first(&mut self) -> Option<(Sequence, char)> {
        if self.0.is_empty() {
            return None;
        }
        let (sequence, key) = self.0.remove(0);
        Some((Sequence::new(sequence), key))
    }

    /// Puts one back.
    pub(super) fn insert(&mut self, sequence: Sequence, key: char) {
        let place = self.0.partition_point(|(earlier, _)| *earlier < sequence.number());
        self.0.insert(place, (sequence.number(), key));
    }

    pub(super) fn append(&mut self, other: &mut Self) {
        self.0.append(&mut other.0);
        self.0.sort_unstable();
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets them.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn digits(&self) -> Digits {
        Digits(self.0.iter().map(|(_, key)| *key).collect())
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({} redacted)", self.len())
    }
}

/// What was entered. `Debug` says how many keys they were; they compare with a text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digits(String);

impl Digits {
    /// The keys.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digits({} redacted)", self.0.len())
    }
}

impl PartialEq<str> for Digits {
    fn eq(&self, text: &str) -> bool {
        self.0 == text
    }
}

impl PartialEq<&str> for Digits {
    fn eq(&self, text: &&str) -> bool {
        self.0 == *text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stand_in_their_order_and_are_not_printed() {
        let mut keys = Keys::default();
        for (sequence, tone) in
            [(6, Tone::Tone4), (8, Tone::Tone2), (7, Tone::Pound), (9, Tone::Flash), (10, Tone::Tone7)]
        {
            keys.press(Sequence::new(sequence), tone);
        }
        assert_eq!(keys.digits(), "4#27");
        assert_eq!(format!("{keys:?} {:?}", keys.digits()), "Keys(4 redacted) Digits(4 redacted)");
        for sequence in 100..200 {
            keys.press(Sequence::new(sequence), Tone::Tone1);
        }
        assert_eq!((keys.len(), keys.digits().as_str().contains('4')), (KEPT, false));
    }
}
