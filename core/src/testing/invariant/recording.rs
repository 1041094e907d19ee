//! I8: recording.

use std::collections::BTreeMap;

use super::{Broken, Step, holds};
use crate::action::Action;
use crate::call::Input;
use crate::command::Command;
use crate::event::Event;
use crate::id::Ticket;
use crate::media::RecordingStatus;
use crate::operation::{Outcome, Status};
use crate::report::{Body, Change, Report};
use crate::result::ResultInfo;

/// The recording statuses that were reported and not confirmed yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Confirmed {
    reported: BTreeMap<Ticket, usize>,
}

impl Confirmed {
    /// I8: no event says that media may be kept unless the service confirmed the status `recording`.
    ///
    /// # Errors
    /// [`Broken`]
    pub fn i08_recording_was_confirmed<const R: usize, const O: usize>(
        &mut self,
        step: &Step<'_, '_, R, O>,
    ) -> Result<(), Broken> {
        if let (Input::Command(Command::UpdateRecordingStatus(status)), Ok(output)) =
            (step.input, step.result)
            && let Some(ticket) = output.ticket()
        {
            self.reported.insert(ticket, status.index());
        }
        let mut confirmed = None;
        for event in step.events() {
            match event {
                Event::OperationEnded { ticket, action: Action::UpdateRecordingStatus, outcome, .. } => {
                    let reported = self.reported.remove(ticket);
                    confirmed = reported.filter(|_| *outcome == Outcome::Completed);
                }
                Event::RecordingConfirmed(status) => {
                    holds(
                        "I8",
                        confirmed == Some(status.index()),
                        "a status was confirmed that was not reported",
                    )?;
                    holds(
                        "I8",
                        is_success(step.input),
                        "a status was confirmed by something else than success",
                    )?;
                }
                _ => {}
            }
        }
        let recording = Some(RecordingStatus::Recording);
        let is_new = step.after.recording() == recording && step.before.recording() != recording;
        let is_told = step.events().contains(&Event::RecordingConfirmed(RecordingStatus::Recording));
        holds("I8", !is_new || is_told, "media may be kept, and no event says so")
    }
}

/// Whether the service said that something was done.
fn is_success(input: Input<'_>) -> bool {
    let is_normal =
        |result: Option<ResultInfo>| result.is_none_or(|one| one.code == 0 || one.code / 100 == 2);
    match input {
        Input::Report(Report::Response(response)) => {
            let is_done = match response.body {
                Body::Operation(news) => news.status != Status::Failed,
                Body::None | Body::Call(_) | Body::Roster(_) => true,
            };
            response.status / 100 == 2 && is_done
        }
        Input::Report(Report::Operation { change, news }) => match news.status {
            Status::Completed => true,
            Status::Failed => false,
            Status::NotStarted | Status::Running | Status::Unrecognised => {
                *change == Change::Deleted && is_normal(news.result)
            }
        },
        Input::Report(_) | Input::Command(_) | Input::Tick => false,
    }
}
