//! A prompt, until it has been heard.

use callflow_core::action::Action;
use callflow_core::command::Repeat;
use callflow_core::event::Event;
use serde::{Deserialize, Serialize};

use super::operation::{Operation, check_live, done};
use super::{Failure, Piece, Progress};
use crate::bot::Call;
use crate::session::{Address, Order};

/// Plays prompts, one after another, as soon as the call has audio and after what was asked before.
///
/// A prompt that cannot be had is [`Failure::Failed`], one that `cancel_media` ends [`Failure::Cancelled`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Play {
    prompts: Vec<Address>,
    operation: Option<Operation>,
}

impl Play {
    /// The WAV file at `uri`.
    pub fn new(uri: impl Into<Address>) -> Self {
        Self { prompts: vec![uri.into()], operation: None }
    }

    /// And then this one; 20 at most.
    #[must_use]
    pub fn then(mut self, uri: impl Into<Address>) -> Self {
        self.prompts.push(uri.into());
        self
    }

    fn order(&mut self, call: &mut Call<'_>) -> Result<(), Failure> {
        check_live(call)?;
        self.operation = Some(play_all(call, self.prompts.clone())?);
        Ok(())
    }
}

/// Plays prompts as one operation.
pub(super) fn play_all(call: &mut Call<'_>, prompts: Vec<Address>) -> Result<Operation, Failure> {
    let ticket = call.order(&Order::PlayPrompt { prompts, repeat: Repeat::Once })?;
    Ok(Operation::new(ticket, Action::PlayPrompt))
}

impl Piece for Play {
    type Output = ();

    fn begin(&mut self, call: &mut Call<'_>) -> Progress<()> {
        self.order(call).map(|()| None).into()
    }

    fn on_event(&mut self, call: &mut Call<'_>, event: &Event) -> Progress<()> {
        done(self.operation, call, event)
    }
}
