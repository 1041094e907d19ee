//! What becomes of a call that has lost its script.

use callflow_core::event::Event;
use callflow_core::lifecycle::State;
use serde::{Deserialize, Serialize};

use crate::bot::Call;
use crate::piece::{Farewell, Running, TransferTo};
use crate::session::{Address, Target};

/// What becomes of a call whose script failed or panicked, or was lost in a restart. It is carried out durably: a restart in
/// its midst loses nothing of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fallback {
    prompt: Option<Address>,
    target: Option<Target>,
}

impl Fallback {
    /// It is hung up; what still rings is rejected as busy.
    pub fn hang_up() -> Self {
        Self::default()
    }

    /// The WAV file at `uri` is played, and then it is hung up.
    pub fn say(uri: impl Into<Address>) -> Self {
        Self { prompt: Some(uri.into()), target: None }
    }

    /// The other participant is transferred to `target`; what still rings is forwarded. Where that fails, it is hung up.
    pub fn transfer(target: Target) -> Self {
        Self { prompt: None, target: Some(target) }
    }

    pub(super) fn begin(&self, call: &mut Call<'_>, last: &mut LastResort) {
        last.is_begun = true;
        if call.end().is_some() {
            return;
        }
        match &self.target {
            Some(target) if call.state() == State::Incoming => {
                if call.redirect(target.clone()).is_ok() {
                    return;
                }
            }
            Some(target) if call.state() == State::Established => {
                if !matches!(last.transfer.begin(call, TransferTo::new(target.clone())), Some(Err(_))) {
                    return;
                }
            }
            Some(_) | None => {}
        }
        let farewell = self.prompt.clone().map_or_else(Farewell::silent, Farewell::saying);
        last.part(call, farewell);
    }
}

/// A fallback that is under way, as it is kept with the call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LastResort {
    is_begun: bool,
    farewell: Running<Farewell>,
    transfer: Running<TransferTo>,
}

impl LastResort {
    pub(super) fn is_begun(&self) -> bool {
        self.is_begun
    }

    pub(super) fn on_event(&mut self, call: &mut Call<'_>, event: &Event) {
        if let Some(Err(failure)) = self.transfer.on_event(call, event)
            && call.end().is_none()
        {
            tracing::warn!(%failure, "a call without a script cannot be transferred; it is hung up");
            self.part(call, Farewell::silent());
            return;
        }
        if let Some(Err(failure)) = self.farewell.on_event(call, event) {
            tracing::warn!(%failure, "a call without a script is not hung up");
        }
    }

    /// Hangs up after the last words.
    pub(super) fn part(&mut self, call: &mut Call<'_>, farewell: Farewell) {
        self.is_begun = true;
        if let Some(Err(failure)) = self.farewell.begin(call, farewell) {
            tracing::warn!(%failure, "a call without a script is not hung up");
        }
    }
}
