//! How long the service takes to tell what became of a request.

use std::collections::VecDeque;

use callflow_core::action::Action;
use callflow_core::event::Event;
use callflow_core::id::Ticket;
use callflow_core::lifecycle::State;

/// How many requests are remembered of a call: the newest.
const KEPT: usize = 64;

/// The requests of a call that left, and when, until a notification tells what became of them. A restart forgets them.
#[derive(Debug, Default)]
pub(super) struct Settling {
    /// The oldest first; times are milliseconds since the Unix epoch.
    sent: VecDeque<(Ticket, Action, u64)>,
}

impl Settling {
    /// A request left.
    pub(super) fn sent(&mut self, ticket: Ticket, action: Action, at: u64) {
        if self.sent.len() >= KEPT {
            self.sent.pop_front();
        }
        self.sent.push_back((ticket, action, at));
    }

    /// The request that an event settles, and when that left.
    pub(super) fn settled(&mut self, event: &Event) -> Option<(Action, u64)> {
        let is_settled = |sent: &(Ticket, Action, u64)| match event {
            Event::OperationEnded { ticket, .. }
            | Event::CommandFailed { ticket, .. }
            | Event::OutcomeUnknown { ticket, .. } => sent.0 == *ticket,
            Event::StateChanged { to: State::Establishing | State::Established, .. } => {
                matches!(sent.1, Action::Answer | Action::AnswerPolicyRecording)
            }
            Event::Ended(_) => matches!(sent.1, Action::HangUp | Action::Reject | Action::Redirect),
            _ => false,
        };
        let place = self.sent.iter().position(is_settled)?;
        self.sent.remove(place).map(|(_, action, at)| (action, at))
    }
}

#[cfg(test)]
mod tests {
    use callflow_core::lifecycle::end::{End, How};
    use callflow_core::operation::Outcome;
    use callflow_core::result::By;

    use super::*;

    fn ticket(number: u32) -> Ticket {
        Ticket::try_new(number).unwrap()
    }

    #[test]
    fn each_request_is_settled_once_by_what_tells_of_it() {
        let ended = |number| Event::OperationEnded {
            ticket: ticket(number),
            action: Action::PlayPrompt,
            outcome: Outcome::Completed,
            completion: None,
            result: None,
        };
        let changed = |to| Event::StateChanged { from: State::Incoming, to };
        let end = End { how: How::Told, ever_established: true, by: By::Bot, reason: None, result: None };
        let mut settling = Settling::default();
        for (number, action) in
            [(1, Action::Answer), (2, Action::PlayPrompt), (3, Action::PlayPrompt), (4, Action::HangUp)]
        {
            settling.sent(ticket(number), action, u64::from(number) * 100);
        }
        for (event, expected) in [
            (Event::Offered, None),
            (ended(7), None),
            (changed(State::Terminated), None),
            (changed(State::Establishing), Some((Action::Answer, 100))),
            (changed(State::Established), None),
            (ended(3), Some((Action::PlayPrompt, 300))),
            (ended(3), None),
            (
                Event::OutcomeUnknown { ticket: ticket(2), action: Action::PlayPrompt },
                Some((Action::PlayPrompt, 200)),
            ),
            (Event::Ended(end), Some((Action::HangUp, 400))),
            (Event::Ended(end), None),
        ] {
            assert_eq!(settling.settled(&event), expected, "{event:?}");
        }
    }

    #[test]
    fn what_is_never_settled_does_not_stay_for_ever() {
        let mut settling = Settling::default();
        for number in 1..=200 {
            settling.sent(ticket(number), Action::KeepAlive, 0);
        }
        assert_eq!(settling.sent.len(), KEPT);
        assert_eq!(settling.sent.back().map(|sent| sent.0), Some(ticket(200)));
    }
}
