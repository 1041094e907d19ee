//! A command, until it was carried out.

use callflow_core::event::Event;
use serde::{Deserialize, Serialize};

use super::operation::{Operation, check_live, done};
use super::{Failure, Piece, Progress};
use crate::bot::Call;
use crate::session::Order;

/// Commands something and waits until the service has done it: tones that are sent, muting. A command that is
/// no operation (one that changes the call itself, as hanging up does) is done when it was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarryOut {
    order: Order,
    operation: Option<Operation>,
}

impl CarryOut {
    /// What `order` says.
    pub fn new(order: Order) -> Self {
        Self { order, operation: None }
    }

    fn order(&mut self, call: &mut Call<'_>) -> Result<Option<()>, Failure> {
        check_live(call)?;
        let ticket = call.order(&self.order)?;
        let operation = call.machine().operations().of(ticket);
        self.operation = operation.map(|operation| Operation::new(ticket, operation.action()));
        Ok(if self.operation.is_some() { None } else { Some(()) })
    }
}

impl Piece for CarryOut {
    type Output = ();

    fn begin(&mut self, call: &mut Call<'_>) -> Progress<()> {
        self.order(call).into()
    }

    fn on_event(&mut self, call: &mut Call<'_>, event: &Event) -> Progress<()> {
        done(self.operation, call, event)
    }
}
