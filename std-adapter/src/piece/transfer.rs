//! A transfer, and where else to turn when it fails.

use std::time::Duration;

use callflow_core::action::Action;
use callflow_core::event::Event;
use callflow_core::id::Ticket;
use callflow_core::lifecycle::State;
use callflow_core::lifecycle::end::{End, TerminationReason};
use serde::{Deserialize, Serialize};

use super::operation::check_live;
use super::timer::Timer;
use super::{Failure, Piece, Progress};
use crate::bot::Call;
use crate::session::{Order, Target, Transfer};

/// The subcode of a call that ended by its transfer.
///
/// Source: Graph docs, call: transfer (the notifications of its example).
const TRANSFERRED: u32 = 7015;
/// How long news of a transfer is waited for of which the service says nothing any more.
///
/// Source: assumed; if it is too short, a transfer that succeeds is told of as unknown first.
const PATIENCE: Duration = Duration::from_secs(5);

/// Transfers the other participant, to the first of several targets that takes him. Gives the target.
///
/// A target that is refused, or that does not take the call, gives way to the next. After the last the call goes on with
/// the bot, with the failure of that one: say so, or offer something else. After a transfer the bot's call ends by itself.
///
/// Where the answer is lost, or the service lets the call go on without a word of the transfer, it is
/// [`Failure::Unknown`] after 5 seconds, and nobody else is tried: the first may have been rung.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferTo {
    /// The current one first.
    transfers: Vec<Transfer>,
    ticket: Option<Ticket>,
    timer: Timer,
}

impl TransferTo {
    /// To `transfer`: a [`Target`] for a blind one.
    pub fn new(transfer: impl Into<Transfer>) -> Self {
        Self { transfers: vec![transfer.into()], ticket: None, timer: Timer::default() }
    }

    /// To `target`, with whom the bot is in the call of Graph's id `replaces_call_id`: a consultative transfer.
    pub fn consultative(target: Target, replaces_call_id: impl Into<String>) -> Self {
        Self::new(Transfer { replaces_call_id: Some(replaces_call_id.into()), ..target.into() })
    }

    /// To `transfer`, where those before failed.
    #[must_use]
    pub fn or_else(mut self, transfer: impl Into<Transfer>) -> Self {
        self.transfers.push(transfer.into());
        self
    }

    fn order(&mut self, call: &mut Call<'_>) -> Result<Option<Target>, Failure> {
        check_live(call)?;
        let Some(transfer) = self.transfers.first() else { return Err(Failure::InvalidInput) };
        self.ticket = Some(call.order(&Order::Transfer(transfer.clone()))?);
        Ok(None)
    }

    fn next(&mut self, call: &mut Call<'_>, failure: Failure) -> Result<Option<Target>, Failure> {
        self.ticket = None;
        self.timer.stop();
        if self.transfers.len() < 2 {
            return Err(failure);
        }
        self.transfers.remove(0);
        self.order(call)
    }

    fn take(&mut self, call: &mut Call<'_>, event: &Event) -> Result<Option<Target>, Failure> {
        let action = Action::Transfer;
        match *event {
            Event::CommandFailed { ticket, status, code, .. } if self.ticket == Some(ticket) => {
                let failure = Failure::of_command(call, action, status, code);
                self.next(call, failure)
            }
            Event::TransferFailed(result) if self.ticket.is_some() => {
                self.next(call, Failure::Failed { action, result })
            }
            Event::OutcomeUnknown { ticket, .. } if self.ticket == Some(ticket) => {
                self.timer.start(call, PATIENCE);
                Ok(None)
            }
            // Why follows, as a rule.
            Event::StateChanged { from: State::Transferring, to: State::Established, .. } => {
                self.timer.start(call, PATIENCE);
                Ok(None)
            }
            Event::StateChanged { to: State::Transferring, .. } => {
                self.timer.stop();
                Ok(None)
            }
            Event::StateChanged { to: State::TransferAccepted, .. } => Ok(self.target()),
            Event::Ended(end) if is_by_transfer(&end) => Ok(self.target()),
            Event::Ended(end) => Err(Failure::Ended(end)),
            _ => Ok(None),
        }
    }

    fn target(&self) -> Option<Target> {
        self.transfers.first().map(|transfer| transfer.target.clone())
    }
}

fn is_by_transfer(end: &End) -> bool {
    end.reason == Some(TerminationReason::AppTransferred)
        || end.result.is_some_and(|result| result.subcode == TRANSFERRED)
}

impl Piece for TransferTo {
    type Output = Target;

    fn begin(&mut self, call: &mut Call<'_>) -> Progress<Target> {
        self.order(call).into()
    }

    fn on_event(&mut self, call: &mut Call<'_>, event: &Event) -> Progress<Target> {
        self.take(call, event).into()
    }

    fn on_wake(&mut self, call: &mut Call<'_>) -> Progress<Target> {
        if !self.timer.has_come(call) {
            return Progress::Pending;
        }
        Progress::Done(Err(Failure::Unknown { action: Action::Transfer }))
    }
}

#[cfg(test)]
mod tests {
    use callflow_core::id::CallKey;
    use callflow_core::time::Timestamp;

    use super::*;
    use crate::runtime::joining::Desk;
    use crate::session::{Placement, Session, Settings, Step};
    use crate::store::CallName;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn of_a_transfer_whose_answer_is_lost_it_is_said_that_it_is_not_known_and_nobody_else_is_rung() {
        let target = |id: &str| Target::User(id.to_owned());
        let settings = Settings::new("https://bot.example/calls/1");
        let placement = Placement::from(target("ada"));
        let (mut session, step) = Session::place(at(0), CallKey::new(1), &placement, &settings).unwrap();
        let body = br#"{"id": "57DA", "state": "established"}"#;
        let _ = session.response(at(0), step.requests[0].ticket, 201, None, body);
        let (name, desk) = (CallName::try_new("c-1").unwrap(), Desk::default());
        let mut piece = TransferTo::new(target("bob")).or_else(target("cid"));
        let mut call = Call::new(&name, &mut session, at(1), &desk, Step::none());
        assert_eq!(piece.begin(&mut call), Progress::Pending);
        let [request] = &call.into_requests()[..] else { panic!("one request") };
        let step = session.no_response(at(2), request.ticket);
        let mut call = Call::new(&name, &mut session, at(2), &desk, step);
        while let Some(event) = call.next_event() {
            assert_eq!(piece.on_event(&mut call, &event), Progress::Pending, "{event:?}");
        }
        for seconds in [6, 7] {
            let mut call = Call::new(&name, &mut session, at(seconds), &desk, Step::none());
            let told = piece.on_wake(&mut call);
            let unknown = Progress::Done(Err(Failure::Unknown { action: Action::Transfer }));
            assert_eq!(told, if seconds < 7 { Progress::Pending } else { unknown });
            assert!(call.into_requests().is_empty());
        }
    }
}
