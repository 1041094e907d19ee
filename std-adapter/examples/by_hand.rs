//! A call driven by hand, through bytes: what to embed where there is a web server, a client and a clock already.
//!
//! Ada calls, hears a prompt, presses a key, and is hung up on; in between the process ends and another goes on from what
//! the first put away. Nothing here does I/O or reads a clock: the arrows show what an embedder would send and receive.
//! `cargo run -p callflow-graph --no-default-features --example by_hand`
#![allow(clippy::print_stdout)] // what it is there for

use callflow_core::event::Event;
use callflow_core::id::CallKey;
use callflow_core::time::Timestamp;
use callflow_graph::session::{Answer, Order, OrderError, Outgoing, Session, SessionError, Settings, Step};
use callflow_graph::wire::notification::{Notice, read_batch};

/// What Graph posts to the bot's address, and when: milliseconds since Ada called.
const POSTED: [(u64, &str); 7] = [
    (
        0,
        r##"{"value": [{"changeType": "created", "resourceUrl": "/communications/calls/57DA",
            "resourceData": {"@odata.type": "#microsoft.graph.call", "state": "incoming",
                "source": {"identity": {"user": {"id": "112f7296", "displayName": "Ada"}}}}}]}"##,
    ),
    (
        900,
        r#"{"value": [{"changeType": "updated", "resourceUrl": "/communications/calls/57DA", "resourceData": {"state": "established"}}]}"#,
    ),
    (
        1_000,
        r#"{"value": [{"changeType": "updated", "resourceUrl": "/communications/calls/57DA",
            "resourceData": {"state": "established", "mediaState": {"audio": "active"}}}]}"#,
    ),
    (
        20_000,
        r##"{"value": [{"changeType": "deleted", "resourceUrl": "/communications/calls/57DA/operations/2",
            "resourceData": {"@odata.type": "#microsoft.graph.playPromptOperation", "status": "completed"}}]}"##,
    ),
    (
        960_000,
        r#"{"value": [{"changeType": "updated", "resourceUrl": "/communications/calls/57DA",
            "resourceData": {"toneInfo": {"sequenceId": 6, "tone": "tone1"}}}]}"#,
    ),
    (
        // Said twice, as happens.
        960_050,
        r#"{"value": [{"changeType": "updated", "resourceUrl": "/communications/calls/57DA",
            "resourceData": {"toneInfo": {"sequenceId": 6, "tone": "tone1"}}}]}"#,
    ),
    (
        961_000,
        r#"{"value": [{"changeType": "deleted", "resourceUrl": "/communications/calls/57DA",
            "resourceData": {"state": "terminated", "resultInfo": {"code": 200, "subcode": 5001}}}]}"#,
    ),
];

/// The bot: its call, and what it learnt.
struct Bot {
    session: Session,
    events: Vec<Event>,
}

impl Bot {
    /// Lets what an input gave take its course: requests go out and are answered, events are acted upon.
    fn follow(&mut self, now: Timestamp, step: Step) -> Result<(), OrderError> {
        for request in step.requests {
            println!("{:>8} -> {} {}", now.as_millis(), request.http.method, request.http.path);
            let (status, body) = graph_answers(&request);
            println!("{:>8} <- {status} {body}", now.as_millis());
            let (next, fault) = self.session.response(now, request.ticket, status, None, body.as_bytes());
            assert_eq!(fault, None);
            self.follow(now, next)?;
        }
        for event in step.events {
            println!("{:>8}    {event:?}", now.as_millis());
            self.events.push(event);
            let orders = match event {
                // All of it at once: each leaves when the call can take it.
                Event::Offered => vec![
                    Order::Answer(Answer::default()),
                    Order::SubscribeToTone,
                    Order::play("https://bot.example/menu.wav"),
                ],
                Event::Tone { .. } => vec![Order::HangUp],
                _ => Vec::new(),
            };
            for order in orders {
                let step = self.session.order(now, &order)?;
                self.follow(now, step)?;
            }
        }
        Ok(())
    }

    /// Fires the deadlines that pass until `now`: here the keep-alive, every fifteen minutes.
    fn wait_until(&mut self, now: Timestamp) -> Result<(), OrderError> {
        while let Some(due) = self.session.next_deadline().filter(|due| due.at < now) {
            let step = self.session.tick(due.at);
            self.follow(due.at, step)?;
        }
        Ok(())
    }
}

/// What Graph answers to a request. Its operations run on; their ends come as notifications.
fn graph_answers(request: &Outgoing) -> (u16, String) {
    let path = request.http.path.as_str();
    match path.rsplit('/').next() {
        Some("answer") => (202, String::new()),
        Some("subscribeToTone") => (200, r#"{"id": "1", "status": "completed"}"#.to_owned()),
        Some("playPrompt") => (200, r#"{"id": "2", "status": "running"}"#.to_owned()),
        Some("keepAlive") => (200, String::new()),
        _ => (204, String::new()),
    }
}

fn notices(body: &str) -> Result<Vec<Notice>, callflow_graph::wire::WireError> {
    Ok(read_batch(body.as_bytes())?.notices)
}

/// Another process reads what the first put away.
fn through_a_restart(session: &Session) -> Result<Session, SessionError> {
    let (call, texts) = session.to_bytes()?;
    println!("            a restart: {} bytes of call, {} of texts", call.len(), texts.len());
    Session::from_bytes(&call, &texts)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [(_, incoming), later @ ..] = POSTED;
    let settings = Settings::new("https://bot.example/calls/1");
    let now = Timestamp::from_millis(0);
    let first = notices(incoming)?;
    let offered = first.first().and_then(|notice| Session::offered(now, CallKey::new(1), notice, &settings));
    let (session, step) = offered.ok_or("no incoming call")?;
    println!("       0 <= created, by {:?}", session.source().and_then(|ada| ada.display_name.clone()));
    let mut bot = Bot { session, events: Vec::new() };
    bot.follow(now, step)?;

    for (at, body) in later {
        let now = Timestamp::from_millis(at);
        bot.wait_until(now)?;
        for notice in notices(body)? {
            println!("{at:>8} <= {} {}", notice.change.name(), notice.subject.name());
            let step = bot.session.notice(now, &notice);
            bot.follow(now, step)?;
        }
        bot.session = through_a_restart(&bot.session)?;
    }

    let tones = bot.events.iter().filter(|event| matches!(event, Event::Tone { .. })).count();
    assert_eq!(tones, 1, "a key that is told twice was pressed once");
    assert!(matches!(bot.events.last(), Some(Event::Ended(_))), "{:?}", bot.events);
    assert_eq!(bot.session.next_deadline(), None, "an ended call waits for nothing");
    Ok(())
}
