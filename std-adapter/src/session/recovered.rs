//! A call of which nothing is left but Graph's id.

use callflow_core::id::CallKey;
use callflow_core::time::Timestamp;

use super::journal::{Body, Input, Journal, Journaling};
use super::{Order, Placement, Session, Settings, Step, Target};
use crate::wire::notification::{Notice, Subject, read_batch};

impl Session {
    /// The call of Graph's `id`, as the answer to GET of it tells: its status and body.
    ///
    /// What is not in the answer is not known: what was asked before, whom the bot called, and what was played. The step has
    /// the events of the answer and no requests. A 404 without a code of Graph's does not end it: the next request tells.
    pub(crate) fn recovered(
        now: Timestamp,
        key: CallKey,
        id: &str,
        is_incoming: bool,
        answer: (u16, &[u8]),
        settings: &Settings,
    ) -> Option<(Self, Step)> {
        let unheard = Settings { journal: Journaling::Off, ..settings.clone() };
        let mut session = if is_incoming {
            Self::offered(now, key, &offer(id, settings)?, &unheard)?.0
        } else {
            Self::placed_before(now, key, id, &unheard)?
        };
        let (status, body) = answer;
        let asked = session.order(now, &Order::Refresh).ok()?;
        let mut step = match asked.ticket {
            Some(ticket) => session.response(now, ticket, status, None, body).0,
            None => Step::none(),
        };
        step.requests.clear();
        session.journal = Journal::new(settings.journal);
        let heard = || Input::Recovered {
            key,
            settings: Box::new(settings.clone()),
            id: id.to_owned(),
            is_incoming,
            status,
            body: Body(body.to_vec()),
        };
        session.journal.note(now, heard, Ok(&step), &session.call);
        Some((session, step))
    }

    fn placed_before(now: Timestamp, key: CallKey, id: &str, settings: &Settings) -> Option<Self> {
        // Whom it called is not known, and nobody is called by this: the request is dropped, its answer at hand.
        let placement = Placement::from(Target::User(String::new()));
        let (mut session, step) = Self::place(now, key, &placement, settings).ok()?;
        let body = serde_json::json!({"@odata.type": "#microsoft.graph.call", "id": id});
        let (_, fault) = session.response(now, step.ticket?, 201, None, body.to_string().as_bytes());
        fault.is_none().then_some(session)
    }
}

/// The notification that a call of this id began with.
fn offer(id: &str, settings: &Settings) -> Option<Notice> {
    let body = serde_json::json!({"value": [{
        "changeType": "created",
        "resourceUrl": format!("/communications/calls/{id}"),
        "resourceData": {
            "@odata.type": "#microsoft.graph.call",
            "state": "incoming",
            "tenantId": settings.tenant_id,
        },
    }]});
    let batch = read_batch(body.to_string().as_bytes()).ok()?;
    batch.notices.into_iter().find(|notice| matches!(notice.subject, Subject::Call(_)))
}

#[cfg(test)]
mod tests {
    use callflow_core::event::Event;
    use callflow_core::lifecycle::State;

    use super::*;

    const ID: &str = "57DAB8B1894C409AB240BD8BEAE78896";

    fn recovered(is_incoming: bool, status: u16, state: &str) -> (Session, Step) {
        let body = serde_json::json!({"@odata.type": "#microsoft.graph.call", "id": ID, "state": state});
        let settings = Settings::new("https://bot.example/calls/1");
        let body = body.to_string();
        let answer = (status, body.as_bytes());
        Session::recovered(Timestamp::from_millis(9), CallKey::new(1), ID, is_incoming, answer, &settings)
            .unwrap()
    }

    #[test]
    fn a_call_is_what_the_service_says_and_can_be_hung_up() {
        for is_incoming in [true, false] {
            for (status, state, expected) in [
                (200, "established", State::Established),
                (200, "establishing", State::Establishing),
                (200, "terminated", State::Terminated),
                (404, "", if is_incoming { State::Incoming } else { State::Establishing }),
            ] {
                let (mut session, step) = recovered(is_incoming, status, state);
                let case = (is_incoming, status, state);
                assert_eq!((session.call().state(), session.id()), (expected, Some(ID)), "{case:?}");
                assert_eq!(step.requests, [], "{case:?}");
                let ended = step.events.iter().any(|event| matches!(event, Event::Ended(_)));
                assert_eq!(ended, expected.is_ended(), "{case:?}");
                if matches!(expected, State::Established | State::Establishing) {
                    let hung_up = session.order(Timestamp::from_millis(9), &Order::HangUp).unwrap();
                    let path = format!("/communications/calls/{ID}");
                    assert_eq!(hung_up.requests.first().map(|request| &request.http.path), Some(&path));
                }
            }
        }
        let (ringing, _) = recovered(true, 200, "incoming");
        assert_eq!(ringing.call().state(), State::Incoming);
    }
}
