//! Somebody who is invited, until he is there.

use std::time::Duration;

use callflow_core::action::Action;
use callflow_core::event::Event;
use serde::{Deserialize, Serialize};

use super::operation::{Operation, check_live, done};
use super::timer::Timer;
use super::{Failure, Piece, Progress};
use crate::bot::Call;
use crate::session::{Invitee, Order};

/// Invites somebody and waits until the service says that he is in the call. A peer-to-peer call becomes a group call by that.
///
/// Where he does not come in time it is [`Failure::TimedOut`]; the invitation stands, and he may come yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteAndWait {
    invitee: Invitee,
    within: Duration,
    operation: Option<Operation>,
    timer: Timer,
}

impl InviteAndWait {
    /// Invites `invitee`, and waits for a minute.
    pub fn new(invitee: impl Into<Invitee>) -> Self {
        let within = Duration::from_secs(60);
        Self { invitee: invitee.into(), within, operation: None, timer: Timer::default() }
    }

    /// Waits for this long.
    #[must_use]
    pub fn timeout(mut self, within: Duration) -> Self {
        self.within = within;
        self
    }

    fn order(&mut self, call: &mut Call<'_>) -> Result<(), Failure> {
        check_live(call)?;
        let ticket = call.order(&Order::Invite(vec![self.invitee.clone()]))?;
        self.operation = Some(Operation::new(ticket, Action::Invite));
        self.timer.start(call, self.within);
        Ok(())
    }
}

impl Piece for InviteAndWait {
    type Output = ();

    fn begin(&mut self, call: &mut Call<'_>) -> Progress<()> {
        self.order(call).map(|()| None).into()
    }

    fn on_event(&mut self, call: &mut Call<'_>, event: &Event) -> Progress<()> {
        done(self.operation, call, event)
    }

    fn on_wake(&mut self, call: &mut Call<'_>) -> Progress<()> {
        if self.timer.has_come(call) { Progress::Done(Err(Failure::TimedOut)) } else { Progress::Pending }
    }
}
