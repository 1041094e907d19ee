//! A message that somebody leaves.

use callflow_core::action::Action;
use callflow_core::event::Event;
use callflow_core::media::Tone;
use callflow_core::operation::Completion;
use serde::{Deserialize, Serialize};

use super::operation::{Operation, check_live};
use super::{Failure, Keys, Piece, Progress};
use crate::bot::Call;
use crate::session::{Order, Record};
use crate::wire::resource::Recording;

/// Plays a prompt where there is one, and records what is said. Gives where the recording can be had: it is gone soon after
/// the call, and [`Bot::download_to_file`](crate::bot::Bot::download_to_file) fetches it.
///
/// Silence from the beginning is [`Failure::NoInput`]. A key that ends it does nothing else.
///
/// Source: Graph docs, call: record (a failed operation with `initialSilenceTimeout`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordMessage {
    record: Record,
    operation: Option<Operation>,
}

impl RecordMessage {
    /// As `record` says.
    pub fn new(record: Record) -> Self {
        Self { record, operation: None }
    }

    fn order(&mut self, call: &mut Call<'_>) -> Result<(), Failure> {
        check_live(call)?;
        let ticket = call.order(&Order::Record(self.record.clone()))?;
        self.operation = Some(Operation::new(ticket, Action::Record));
        Ok(())
    }

    fn take(&self, call: &Call<'_>, event: &Event) -> Result<Option<Recording>, Failure> {
        let Some(operation) = self.operation else { return Ok(None) };
        let Some(ended) = operation.ended(call, event) else { return Ok(None) };
        if ended.completion == Some(Completion::InitialSilenceTimeout) {
            return Err(Failure::NoInput);
        }
        if let Some(failure) = operation.failure(call, &ended) {
            return Err(failure);
        }
        let recording = call.recording(operation.ticket()).cloned();
        recording.map(Some).ok_or(Failure::Failed { action: Action::Record, result: None })
    }
}

impl Piece for RecordMessage {
    type Output = Recording;

    fn begin(&mut self, call: &mut Call<'_>) -> Progress<Recording> {
        self.order(call).map(|()| None).into()
    }

    fn on_event(&mut self, call: &mut Call<'_>, event: &Event) -> Progress<Recording> {
        self.take(call, event).into()
    }

    /// The keys that end the recording.
    fn hears(&self, tone: Tone) -> bool {
        self.record.stop_tones.contains(&tone)
    }

    /// They ended nothing that had not begun, and are not meant for what comes after it.
    fn type_ahead(&mut self, keys: &mut Keys) {
        keys.forget(&self.record.stop_tones);
    }
}
