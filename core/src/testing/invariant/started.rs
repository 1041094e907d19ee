//! I5: operations.

use std::collections::BTreeSet;

use super::{Broken, Step, holds};
use crate::call::Input;
use crate::command::Command;
use crate::event::Event;
use crate::id::Ticket;
use crate::operation::Phase;
use crate::request::{Dispatch, Request};

/// The operations that were started and have not ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Started {
    tickets: BTreeSet<Ticket>,
    held: BTreeSet<Ticket>,
}

impl Started {
    /// I5: every operation that was started ends in exactly one completion event; at the latest when the call ends.
    ///
    /// # Errors
    /// [`Broken`]
    pub fn i05_each_operation_ends_once<const R: usize, const O: usize>(
        &mut self,
        step: &Step<'_, '_, R, O>,
    ) -> Result<(), Broken> {
        if let (Input::Command(command), Ok(output)) = (step.input, step.result)
            && is_operation(command)
        {
            let ticket =
                output.ticket().ok_or(Broken { invariant: "I5", seen: "a command has no ticket" })?;
            holds("I5", self.tickets.insert(ticket), "a ticket was used twice")?;
        }
        for request in step.requests() {
            match request {
                Request::Perform { ticket, dispatch: Dispatch::Held, .. } => {
                    holds("I5", self.held.insert(ticket), "a request was held twice")?;
                }
                Request::Release { ticket } => {
                    holds("I5", self.held.remove(&ticket), "a request left that was not held")?;
                    holds("I5", self.tickets.contains(&ticket), "a request left whose operation had ended")?;
                }
                _ => {}
            }
        }
        for event in step.events() {
            match event {
                Event::OperationEnded { ticket, .. } => self.end(*ticket)?,
                Event::OperationsEnded { places } => {
                    for (place, row) in (0u8..).zip(step.after.operations().rows()) {
                        if places.has(place) {
                            self.end(row.ticket())?;
                        }
                    }
                }
                Event::Ended(_) => holds("I5", self.tickets.is_empty(), "an operation outlived its call")?,
                _ => {}
            }
        }
        let pending = step.after.operations().rows();
        let pending = pending.filter(|row| !matches!(row.phase(), Phase::Ended(_)));
        let pending: BTreeSet<_> = pending.map(crate::operation::Operation::ticket).collect();
        holds("I5", pending == self.tickets, "the call forgot an operation, or keeps one that ended")
    }

    fn end(&mut self, ticket: Ticket) -> Result<(), Broken> {
        self.held.remove(&ticket);
        holds("I5", self.tickets.remove(&ticket), "an operation ended twice, or never began")
    }
}

/// What Graph answers with a commsOperation, or what has such a completion of its own.
fn is_operation(command: &Command<'_>) -> bool {
    match command {
        Command::Mute
        | Command::Unmute
        | Command::PlayPrompt { .. }
        | Command::Record(_)
        | Command::CancelMediaProcessing
        | Command::SubscribeToTone
        | Command::SendDtmf { .. }
        | Command::Invite(_)
        | Command::RemoveParticipant(_)
        | Command::MuteParticipant(_)
        | Command::StartHoldMusic { .. }
        | Command::StopHoldMusic(_)
        | Command::UpdateRecordingStatus(_)
        | Command::ChangeScreenSharingRole(_)
        | Command::AddLargeGalleryView
        | Command::CreateAudioRoutingGroup(_)
        | Command::UpdateAudioRoutingGroup { .. }
        | Command::DeleteAudioRoutingGroup { .. } => true,
        Command::Answer(_)
        | Command::Reject(_)
        | Command::Redirect(_)
        | Command::Transfer(_)
        | Command::HangUp
        | Command::KeepAlive
        | Command::Refresh
        | Command::AnswerJoining(_) => false,
    }
}
