//! The stations of a call: created, established, over.

use callflow_core::event::Event;
use callflow_core::lifecycle::end::End;
use serde::{Deserialize, Serialize};

use super::{Failure, Piece, Progress};
use crate::bot::Call;

/// Waits until the service has the call that the bot placed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwaitCreated;

impl Piece for AwaitCreated {
    type Output = ();

    fn begin(&mut self, call: &mut Call<'_>) -> Progress<()> {
        match call.end() {
            Some(end) => Progress::Done(Err(Failure::Ended(end))),
            None if call.id().is_some() => Progress::Done(Ok(())),
            None => Progress::Pending,
        }
    }

    fn on_event(&mut self, call: &mut Call<'_>, event: &Event) -> Progress<()> {
        match *event {
            Event::CommandFailed { action, status, code, .. } if call.id().is_none() => {
                Progress::Done(Err(Failure::of_command(call, action, status, code)))
            }
            Event::Created | Event::Established => Progress::Done(Ok(())),
            Event::Ended(end) => Progress::Done(Err(Failure::Ended(end))),
            _ => Progress::Pending,
        }
    }
}

/// Waits until somebody picked up, or the bot is in the meeting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwaitEstablished;

impl Piece for AwaitEstablished {
    type Output = ();

    fn begin(&mut self, call: &mut Call<'_>) -> Progress<()> {
        match call.end() {
            Some(end) => Progress::Done(Err(Failure::Ended(end))),
            None if call.machine().was_ever_established() => Progress::Done(Ok(())),
            None => Progress::Pending,
        }
    }

    fn on_event(&mut self, call: &mut Call<'_>, event: &Event) -> Progress<()> {
        match *event {
            Event::CommandFailed { action, status, code, .. } => {
                Progress::Done(Err(Failure::of_command(call, action, status, code)))
            }
            Event::Established => Progress::Done(Ok(())),
            Event::Ended(end) => Progress::Done(Err(Failure::Ended(end))),
            _ => Progress::Pending,
        }
    }
}

/// Waits until the call is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwaitEnd;

impl Piece for AwaitEnd {
    type Output = End;

    fn begin(&mut self, call: &mut Call<'_>) -> Progress<End> {
        call.end().map_or(Progress::Pending, |end| Progress::Done(Ok(end)))
    }

    fn on_event(&mut self, _: &mut Call<'_>, event: &Event) -> Progress<End> {
        match *event {
            Event::Ended(end) => Progress::Done(Ok(end)),
            _ => Progress::Pending,
        }
    }
}
