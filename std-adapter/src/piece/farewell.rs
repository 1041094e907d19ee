//! The last words of a bot.

use callflow_core::command::RejectReason;
use callflow_core::event::Event;
use callflow_core::lifecycle::State;
use callflow_core::lifecycle::end::End;
use serde::{Deserialize, Serialize};

use super::operation::Operation;
use super::play::play_all;
use super::{Failure, Piece, Progress};
use crate::bot::Call;
use crate::session::Address;

/// Plays some last words where there are any, hangs up, and waits for the end. A prompt that cannot be played is left out; a
/// call that still rings is rejected as busy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Farewell {
    prompt: Option<Address>,
    playing: Option<Operation>,
}

impl Farewell {
    /// Hangs up without a word.
    pub fn silent() -> Self {
        Self::default()
    }

    /// Plays the WAV file at `uri` first.
    pub fn saying(uri: impl Into<Address>) -> Self {
        Self { prompt: Some(uri.into()), playing: None }
    }

    fn start(&mut self, call: &mut Call<'_>) -> Result<Option<End>, Failure> {
        if let Some(end) = call.end() {
            return Ok(Some(end));
        }
        if call.state() == State::Incoming {
            call.reject(RejectReason::Busy)?;
            return Ok(None);
        }
        let prompt = self.prompt.take().filter(|_| call.state() == State::Established);
        self.playing = prompt.and_then(|prompt| play_all(call, vec![prompt]).ok());
        if self.playing.is_none() && call.is_created() {
            call.hang_up()?;
        }
        Ok(None)
    }

    fn take(&mut self, call: &mut Call<'_>, event: &Event) -> Result<Option<End>, Failure> {
        if let Event::Ended(end) = *event {
            return Ok(Some(end));
        }
        if *event == Event::Created && self.playing.is_none() {
            // There was nothing to hang up before.
            call.hang_up()?;
        }
        if self.playing.is_some_and(|playing| playing.ended(call, event).is_some()) {
            self.playing = None;
            call.hang_up()?;
        }
        Ok(None)
    }
}

impl Piece for Farewell {
    type Output = End;

    fn begin(&mut self, call: &mut Call<'_>) -> Progress<End> {
        self.start(call).into()
    }

    fn on_event(&mut self, call: &mut Call<'_>, event: &Event) -> Progress<End> {
        self.take(call, event).into()
    }
}
