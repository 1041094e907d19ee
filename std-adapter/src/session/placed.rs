//! What became of a call that the bot placed and nobody took: core tells it once, and does not keep it.

#[cfg(feature = "net")]
use callflow_core::action::Action;
#[cfg(feature = "net")]
use callflow_core::event::Event;
use serde::{Deserialize, Serialize};

#[cfg(feature = "net")]
use super::Session;

/// What is kept of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Placed {
    /// The status by which the service refused to create the call; 0 where it was never asked.
    pub(crate) refused: Option<u16>,
    /// Whether nobody took it within the ring timer.
    pub(crate) rang_out: bool,
}

#[cfg(feature = "net")]
impl Session {
    /// Keeps what events tell of it.
    pub(crate) fn learn_placed(&mut self, events: &[Event]) {
        for event in events {
            match *event {
                Event::NoAnswer => self.texts.placed.get_or_insert_default().rang_out = true,
                Event::CommandFailed {
                    action: Action::Place | Action::PlaceGroup | Action::Join | Action::JoinAsGuest,
                    status,
                    ..
                } => self.texts.placed.get_or_insert_default().refused = Some(status),
                _ => {}
            }
        }
    }

    pub(crate) fn placed(&self) -> Placed {
        self.texts.placed.unwrap_or_default()
    }
}
