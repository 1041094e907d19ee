//! A bot that does not stay where everybody else has left.

use std::time::Duration;

use callflow_core::event::Event;
use serde::{Deserialize, Serialize};

use super::timer::Timer;
use super::{Failure, Piece, Progress};
use crate::bot::Call;

/// Hangs up once everybody else is known to have left, and nobody came back for a while: 10 seconds by default.
///
/// It goes by confirmed leaves only: whom a roster merely lacks counts as there, and so does who is invited or in the lobby.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaveWhenAlone {
    grace: Duration,
    timer: Timer,
}

impl Default for LeaveWhenAlone {
    fn default() -> Self {
        Self::after(Duration::from_secs(10))
    }
}

impl LeaveWhenAlone {
    /// Hangs up when the bot has been alone for this long.
    pub fn after(grace: Duration) -> Self {
        Self { grace, timer: Timer::default() }
    }

    fn look(&mut self, call: &mut Call<'_>) {
        if !call.machine().is_alone() {
            self.timer.stop();
        } else if !self.timer.is_running() {
            self.timer.start(call, self.grace);
        }
    }
}

impl Piece for LeaveWhenAlone {
    type Output = ();

    fn begin(&mut self, call: &mut Call<'_>) -> Progress<()> {
        if let Some(end) = call.end() {
            return Progress::Done(Err(Failure::Ended(end)));
        }
        self.look(call);
        Progress::Pending
    }

    fn on_event(&mut self, call: &mut Call<'_>, event: &Event) -> Progress<()> {
        if let Event::Ended(end) = *event {
            return Progress::Done(Err(Failure::Ended(end)));
        }
        self.look(call);
        Progress::Pending
    }

    fn on_wake(&mut self, call: &mut Call<'_>) -> Progress<()> {
        if !self.timer.has_come(call) {
            return Progress::Pending;
        }
        Progress::Done(call.hang_up().map(drop).map_err(Failure::from))
    }
}

#[cfg(test)]
mod tests {
    use callflow_core::id::CallKey;
    use callflow_core::time::Timestamp;

    use super::*;
    use crate::runtime::joining::Desk;
    use crate::session::{Answer, Order, Session, Settings, Step};
    use crate::store::CallName;
    use crate::wire::notification::{Notice, read_batch};

    const CALL: &str = "/communications/calls/57DA";

    fn notice(below: &str, data: &str) -> Notice {
        let body = format!(
            r#"{{"value": [{{"changeType": "updated", "resourceUrl": "{CALL}{below}", "resourceData": {data}}}]}}"#
        );
        read_batch(body.as_bytes()).unwrap().notices.remove(0)
    }

    fn roster(ids: &[&str]) -> Notice {
        let members: Vec<_> = ids
            .iter()
            .map(|id| format!(r##"{{"@odata.type": "#microsoft.graph.participant", "id": "{id}"}}"##))
            .collect();
        notice("/participants", &format!("[{}]", members.join(",")))
    }

    fn call_told(word: &str) -> String {
        format!(
            r##"{{"@odata.type": "#microsoft.graph.call", "state": "{word}", "myParticipantId": "bot"}}"##
        )
    }

    #[test]
    fn it_leaves_when_the_others_are_known_to_have_left_and_not_when_a_roster_lacks_them() {
        let at = |seconds: u64| Timestamp::from_millis(seconds * 1000);
        let settings = Settings::new("https://bot.example/calls/1");
        let offer = format!(
            r#"{{"value": [{{"changeType": "created", "resourceUrl": "{CALL}", "resourceData": {}}}]}}"#,
            call_told("incoming")
        );
        let offer = read_batch(offer.as_bytes()).unwrap().notices.remove(0);
        let (mut session, _) = Session::offered(at(0), CallKey::new(1), &offer, &settings).unwrap();
        let _ = session.order(at(0), &Order::Answer(Answer::default())).unwrap();
        let (name, desk) = (CallName::try_new("c-1").unwrap(), Desk::default());
        let mut piece = LeaveWhenAlone::after(Duration::from_secs(5));
        let mut hear = |session: &mut Session, seconds, step: Step| {
            let mut call = Call::new(&name, session, at(seconds), &desk, step);
            while let Some(event) = call.next_event() {
                assert_eq!(piece.on_event(&mut call, &event), Progress::Pending);
            }
            drop(call);
            (piece.timer.is_running(), session.next_wake())
        };
        let step = session.notice(at(1), &notice("", &call_told("established")));
        hear(&mut session, 1, step);
        let step = session.notice(at(2), &roster(&["bot", "ada", "bob"]));
        assert!(!hear(&mut session, 2, step).0);
        // The roster lacks them, which does not say that they left: the call asks.
        let step = session.notice(at(3), &roster(&["bot"]));
        let asked: Vec<_> = step.requests.iter().map(|request| request.ticket).collect();
        assert!(!hear(&mut session, 3, step).0, "whom a roster lacks may be there");
        let mut wakes = None;
        for ticket in asked {
            let body = br##"{"value": [{"@odata.type": "#microsoft.graph.participant", "id": "bot"}]}"##;
            let (step, _) = session.response(at(5), ticket, 200, None, body);
            wakes = Some(hear(&mut session, 5, step));
        }
        assert_eq!(wakes, Some((true, Some(10_000))), "{:?}", session.call().roster());
        for (seconds, leaves) in [(9, false), (10, true)] {
            let mut call = Call::new(&name, &mut session, at(seconds), &desk, Step::none());
            assert_eq!(piece.on_wake(&mut call) == Progress::Done(Ok(())), leaves, "{seconds}");
            assert_eq!(call.into_requests().len(), usize::from(leaves));
        }
    }
}
