//! A menu: one key of several.

use std::time::Duration;

use callflow_core::event::Event;
use callflow_core::media::Tone;
use serde::{Deserialize, Serialize};

use super::collect::{Collect, OtherKey};
use super::{Failure, Keys, Piece, Progress};
use crate::bot::Call;
use crate::session::Address;

/// Plays a menu, which the first key stops, and gives the key. A key that is not of the menu counts as
/// [`Failure::InvalidInput`], and it is asked again as for [`Collect`]: three times by default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Menu(Collect);

impl Menu {
    /// The menu that the WAV file at `prompt` reads out, with these keys: digits, `*` and `#`.
    pub fn new(prompt: impl Into<Address>, keys: &str) -> Self {
        Self(Self::unprompted(keys).0.prompt(prompt))
    }

    /// A menu of these keys that is not read out: its time begins at once.
    pub fn unprompted(keys: &str) -> Self {
        Self(Collect::digits(1).keys(keys.to_owned(), OtherKey::Invalid).attempts(3))
    }

    /// How long the key may take, from the end of the menu: 8 seconds by default.
    #[must_use]
    pub fn timeout(self, wait: Duration) -> Self {
        Self(self.0.timeout(wait))
    }

    /// How often the menu is read out, at least once.
    #[must_use]
    pub fn attempts(self, attempts: u8) -> Self {
        Self(self.0.attempts(attempts))
    }

    /// Played before the menu when no key came.
    #[must_use]
    pub fn no_input_prompt(self, uri: impl Into<Address>) -> Self {
        Self(self.0.no_input_prompt(uri))
    }

    /// Played before the menu when another key was pressed.
    #[must_use]
    pub fn invalid_prompt(self, uri: impl Into<Address>) -> Self {
        Self(self.0.invalid_prompt(uri))
    }

    /// Played before the menu where it is read out first: what came before went wrong, or something is new.
    #[must_use]
    pub fn preceded_by(self, uri: impl Into<Address>) -> Self {
        Self(self.0.preceded_by(uri))
    }

    /// Goes on where a prompt cannot be played, as if it had been heard: a key may be pressed all the same.
    #[must_use]
    pub fn tolerant(self) -> Self {
        Self(self.0.tolerant())
    }

    fn chosen(progress: Progress<super::Digits>) -> Progress<char> {
        progress.and_then(|digits| digits.as_str().chars().next().ok_or(Failure::InvalidInput))
    }
}

impl Piece for Menu {
    type Output = char;

    fn begin(&mut self, call: &mut Call<'_>) -> Progress<char> {
        Self::chosen(self.0.begin(call))
    }

    fn on_event(&mut self, call: &mut Call<'_>, event: &Event) -> Progress<char> {
        Self::chosen(self.0.on_event(call, event))
    }

    fn on_wake(&mut self, call: &mut Call<'_>) -> Progress<char> {
        Self::chosen(self.0.on_wake(call))
    }

    fn hears(&self, tone: Tone) -> bool {
        self.0.hears(tone)
    }

    fn type_ahead(&mut self, keys: &mut Keys) {
        self.0.type_ahead(keys);
    }
}
