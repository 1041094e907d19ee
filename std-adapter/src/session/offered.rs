//! What the service at the other end offers, and what of it may be used.

use callflow_core::action::Actions;
use callflow_core::command::Command;
use serde::{Deserialize, Serialize};

use super::{Beta, OrderError};
use crate::wire::request::beta_member;

/// What a call was begun with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Offered {
    pub(super) beta: Beta,
    pub(super) lacking: Actions,
}

impl Offered {
    /// Whether a command can be carried out there at all.
    pub(super) fn check(self, command: &Command<'_>) -> Result<(), OrderError> {
        let action = command.action();
        if self.lacking.has(action) {
            return Err(OrderError::NotInCloud { action });
        }
        match (self.beta, beta_member(command)) {
            (Beta::Off, Some(member)) => Err(OrderError::Beta { member }),
            (Beta::Off, None) | (Beta::On, _) => Ok(()),
        }
    }
}
