//! "Press 1 to accept."

use std::time::Duration;

use callflow_core::event::Event;
use callflow_core::media::Tone;
use serde::{Deserialize, Serialize};

use super::{Keys, Menu, Piece, Progress};
use crate::bot::Call;
use crate::session::Address;

/// What somebody decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Confirmed {
    /// He pressed 1.
    Yes,
    /// He pressed 2.
    No,
}

/// Asks for 1 or 2, as [`Menu`] does. Voice mail presses nothing: who must be a person is asked this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirm(Menu);

impl Confirm {
    /// The question that the WAV file at `prompt` asks, twice at most.
    pub fn new(prompt: impl Into<Address>) -> Self {
        Self(Menu::new(prompt, "12").attempts(2))
    }

    /// How long the key may take, from the end of the question: 8 seconds by default.
    #[must_use]
    pub fn timeout(self, wait: Duration) -> Self {
        Self(self.0.timeout(wait))
    }

    /// How often it is asked, at least once.
    #[must_use]
    pub fn attempts(self, attempts: u8) -> Self {
        Self(self.0.attempts(attempts))
    }

    fn decided(progress: Progress<char>) -> Progress<Confirmed> {
        progress.and_then(|key| Ok(if key == '1' { Confirmed::Yes } else { Confirmed::No }))
    }
}

impl Piece for Confirm {
    type Output = Confirmed;

    fn begin(&mut self, call: &mut Call<'_>) -> Progress<Confirmed> {
        Self::decided(self.0.begin(call))
    }

    fn on_event(&mut self, call: &mut Call<'_>, event: &Event) -> Progress<Confirmed> {
        Self::decided(self.0.on_event(call, event))
    }

    fn on_wake(&mut self, call: &mut Call<'_>) -> Progress<Confirmed> {
        Self::decided(self.0.on_wake(call))
    }

    fn hears(&self, tone: Tone) -> bool {
        self.0.hears(tone)
    }

    fn type_ahead(&mut self, keys: &mut Keys) {
        self.0.type_ahead(keys);
    }
}
