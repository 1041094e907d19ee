//! What went in goes in again: traces of whole calls, and of histories drawn at random, replay to what was recorded, and
//! hold no secret.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // helpers of tests, beside the tests themselves

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use callflow_core::event::Event;
use callflow_core::id::{CallKey, Ticket};
use callflow_core::lifecycle::State;
use callflow_core::time::Timestamp;
use callflow_graph::bot::{Bot, Call, CallHandler, Config, HandlerError};
use callflow_graph::session::journal::{Input, Journaling};
use callflow_graph::session::{Caller, Order, Placement, Record as Recording, Session, Settings, Target};
use callflow_graph::simulator::{Fault, Faults, Person, Step, WhenRung};

use callflow_graph::trace::{Line, Reader, Record, Recorder, Replay, TraceError};
use callflow_graph::wire::notification::read_batch;
use callflow_tests::{APP, PERSON, Scene, asks};
use proptest::prelude::*;
use serde_json::{Value, json};

/// A file in memory.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Memory {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

fn read(text: &str) -> Vec<Line> {
    let records =
        Reader::new(text.as_bytes()).map(|record| record.unwrap_or_else(|error| panic!("{error}\n{text}")));
    records.filter_map(|record| if let Record::Entry(line) = record { Some(*line) } else { None }).collect()
}

/// Replays a trace, in which nothing may differ.
fn replayed(text: &str) -> (Replay, Vec<Line>) {
    let (mut replay, lines) = (Replay::default(), read(text));
    for line in &lines {
        let replayed = replay.step(line).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(replayed.difference(line), None, "line {}\n{text}", line.number);
        assert_eq!(replayed.missing, None, "line {}", line.number);
    }
    (replay, lines)
}

const NUMBER: &str = "+491234567890";
const NEIGHBOUR: &str = "550fae72-d251-43ec-868c-373732c2704f";

/// Does what has secrets: plays from a signed address, records, invites a number.
struct Host;

impl CallHandler for Host {
    type State = ();

    async fn on_event(&self, call: &mut Call<'_>, (): &mut (), event: &Event) -> Result<(), HandlerError> {
        match event {
            Event::Offered => {
                call.answer()?;
                call.subscribe_to_tone()?;
                call.play("https://bot.test/menu.wav?sig=planted-signature")?;
            }
            Event::Created => {
                call.subscribe_to_tone()?;
                call.play("https://bot.test/menu.wav?sig=planted-signature")?;
            }
            Event::Tone { .. } => {
                call.record(Recording { max_duration: Some(2), ..Recording::default() })?;
                call.invite(Target::User(NEIGHBOUR.to_owned()))?;
                // Refused, and written down as that.
                let _ = call.answer();
            }
            _ => {}
        }
        Ok(())
    }
}

struct Traced {
    scene: Scene,
    file: Memory,
}

impl Traced {
    fn new() -> Self {
        let permissions = [
            "Calls.Initiate.All",
            "Calls.InitiateGroupCall.All",
            "Calls.AccessMedia.All",
            "Calls.JoinGroupCall.All",
        ];
        let scene = Scene::new(
            &permissions,
            Faults::default()
                .late_by(Duration::ZERO)
                .with(Fault::NotificationLate, 30)
                .with(Fault::NotificationTwice, 30),
        );
        for (id, name) in [(PERSON, "Ada Planted"), (NEIGHBOUR, "Grace Planted")] {
            let then = vec![
                Step::AwaitAnswer,
                Step::AwaitPromptStart,
                Step::Press('1'),
                Step::Speak(Duration::from_secs(2)),
                Step::Wait(Duration::from_secs(30)),
                Step::HangUp,
            ];
            let when_rung = WhenRung::PickUp { after: Duration::from_secs(1), then };
            scene.simulator.add_person(Person {
                id: id.to_owned(),
                display_name: name.to_owned(),
                when_rung,
            });
        }
        Self { scene, file: Memory::default() }
    }

    async fn start(&self) -> Bot {
        let config =
            Config { trace: Some(Recorder::to_writer(self.file.clone()).unwrap()), ..self.scene.config() };
        let (store, net) = (Arc::clone(&self.scene.store), Arc::new(self.scene.net.clone()));
        let bot = Bot::start(config, Host, store, net, self.scene.clock).await.unwrap();
        let menu = bytes::Bytes::from(callflow_graph::simulator::wav_tone(Duration::from_secs(2)));
        let prompts = axum::Router::new().route("/menu.wav", axum::routing::get(async || menu));
        self.scene.net.mount("bot.test", bot.router().merge(prompts));
        bot
    }
}

async fn after(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn calls_of_several_kinds_with_a_restart_replay_to_what_they_were_and_tell_no_secret() {
    let traced = Traced::new();
    let scene = &traced.scene;
    let bot = traced.start().await;
    let script = vec![
        Step::AwaitAnswer,
        Step::AwaitPromptStart,
        Step::Press('1'),
        Step::Speak(Duration::from_secs(2)),
        Step::Wait(Duration::from_secs(20)),
        Step::HangUp,
    ];
    scene.simulator.call_bot(PERSON, APP, script.clone()).unwrap();
    let outgoing = bot.place(Target::User(PERSON.to_owned())).await.unwrap();
    let two = vec![Target::User(PERSON.to_owned()), Target::User(NEIGHBOUR.to_owned())];
    let group = bot.place(two).await.unwrap();
    let to_a_phone = Placement {
        source: Caller::ApplicationInstance("3d913abb-aec0-4964-8fa6-3c6850c4f278".to_owned()),
        subject: Some("about Planted".to_owned()),
        ..Target::Phone(NUMBER.into()).into()
    };
    let phone = bot.place(to_a_phone).await.unwrap();
    after(5).await;
    // Nobody waits for an order of this kind to be taken.
    let _ = bot.order(&outgoing, Order::play("https://bot.test/menu.wav?sig=planted-again")).await;
    bot.stop().await;
    let bot = traced.start().await;
    after(120).await;
    let mut live = Vec::new();
    for name in bot.calls().await.unwrap() {
        let record = scene.store.read(&name).await.unwrap().unwrap();
        live.push((name, Session::from_bytes(&record.call, &record.texts).unwrap()));
    }
    let token = scene.authorization(APP, callflow_tests::TENANT).await;
    bot.stop().await;

    let text = traced.file.text();
    let (replay, lines) = replayed(&text);
    assert!(live.len() >= 4, "{live:?}");
    // The name of a call that the bot placed is a stand-in; its end is the same.
    let calls: BTreeSet<_> = lines.iter().map(|line| line.call.as_str()).collect();
    for (name, session) in &live {
        let same = calls.iter().any(|call| replay.call(call).is_some_and(|of| of.call() == session.call()));
        assert!(same, "{name} stands as {:?}", session.call());
    }
    let kinds: BTreeSet<_> = lines.iter().map(|line| line.input.name()).collect();
    for kind in ["placed", "offered", "restored", "notified", "answered", "ordered"] {
        assert!(kinds.contains(kind), "{kind}: {kinds:?}");
    }
    assert!(lines.iter().any(|line| line.output.refused.is_some()));
    assert!(lines.iter().any(|line| line.state.kind == "group"));
    let token = token.trim_start_matches("Bearer ");
    for secret in [
        "lanted",
        "s3cret",
        NUMBER.trim_start_matches('+'),
        PERSON,
        NEIGHBOUR,
        token,
        "eyJ",
        "menu.wav",
        outgoing.as_str(),
        group.as_str(),
        phone.as_str(),
    ] {
        let told = text.lines().find(|line| line.contains(secret));
        assert_eq!(told, None, "{secret}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_that_is_planted_in_a_trace_is_found_where_it_stands() {
    let traced = Traced::new();
    let bot = traced.start().await;
    let script = vec![Step::AwaitAnswer, Step::AwaitPromptStart, Step::Press('1'), Step::HangUp];
    traced.scene.simulator.call_bot(PERSON, APP, script).unwrap();
    after(30).await;
    bot.stop().await;
    let lines = read(&traced.file.text());
    let of = |change: &dyn Fn(&mut Line) -> bool| {
        let (mut replay, mut changed) = (Replay::default(), false);
        lines.iter().cloned().find_map(|mut line| {
            changed = changed || change(&mut line);
            let replayed = replay.step(&line).unwrap();
            replayed.difference(&line).map(|difference| (changed, difference))
        })
    };
    assert_eq!(of(&|_| false), None);
    for (name, change, expected) in [
        (
            "an event that did not come",
            &(|line: &mut Line| line.output.events.pop().is_some()) as &dyn Fn(&mut Line) -> bool,
            "output.events",
        ),
        (
            "another path",
            &|line: &mut Line| {
                let first = line.output.requests.first_mut();
                first.is_some_and(|request| !std::mem::replace(&mut request.path, "/x".to_owned()).is_empty())
            },
            "output.requests[0].path: recorded \"/x\"",
        ),
        (
            "another state",
            &|line: &mut Line| !std::mem::replace(&mut line.state.state, "on the moon".to_owned()).is_empty(),
            "state.state: recorded \"on the moon\"",
        ),
        (
            "another answer",
            &|line: &mut Line| match &mut line.input {
                Input::Answered { status, .. } => std::mem::replace(status, 403) != 403,
                _ => false,
            },
            "output",
        ),
    ] {
        let found = of(change);
        let Some((true, difference)) = &found else { panic!("{name}: {found:?}") };
        assert!(difference.starts_with(expected), "{name}: {difference}");
    }
}

#[test]
fn a_trace_that_is_cut_off_or_damaged_says_where() {
    let header = json!({"callflow_trace": 1, "written_by": "0.1.0"}).to_string();
    let entry = json!({"at": 7, "call": "c-1", "input": "tick", "output": {}, "state": {}}).to_string();
    let of = |lines: &[&str]| Reader::new(lines.concat().as_bytes()).collect::<Vec<_>>();
    let (header, entry) = (format!("{header}\n"), format!("{entry}\n"));
    let (half, _) = entry.split_at(20);
    let last = of(&[&header, &entry, half]);
    assert!(matches!(last.as_slice(), [Ok(_), Ok(Record::Entry(_)), Ok(Record::Truncated { line: 3 })]));
    let restarted = of(&[&header, half, "\n", &header, &entry]);
    assert!(
        matches!(
            restarted.as_slice(),
            [Ok(_), Ok(Record::Truncated { line: 2 }), Ok(Record::Opened { .. }), Ok(Record::Entry(line))]
                if line.number == 4
        ),
        "{restarted:?}"
    );
    for (lines, expected) in [
        (&[half, "\n", &entry][..], "line 1: no trace"),
        (&[][..], "line 1: no trace"),
        (&[&entry], "line 1: no trace"),
        (&[&header, half, "\n", &entry], "line 2: no JSON"),
        (&[&header, "\n", "{\"at\": 7}\n"], "line 3: missing field"),
        (&[&header, "{\"lost\": \"many\"}\n"], "line 2: `lost` is no number"),
        (
            &["{\"callflow_trace\": 2, \"written_by\": \"9.9.9\"}\n"],
            "line 1: the trace is of version 2, and this release reads up to 1; read it with callflow 9.9.9",
        ),
    ] {
        let read = of(lines);
        let Some(Err(error)) = read.last() else { panic!("{lines:?}: {read:?}") };
        assert!(error.to_string().starts_with(expected), "{error}");
        let count = read.iter().filter(|one| one.is_err()).count();
        assert_eq!(count, 1, "it ends with the fault");
    }
    let error = Reader::new(&b""[..]).last().unwrap().unwrap_err();
    assert!(matches!(error, TraceError::NoHeader { .. }));
}

/// A writer that lets nothing pass until it is told to.
struct Dam {
    is_open: Arc<(Mutex<bool>, std::sync::Condvar)>,
    file: Memory,
}

impl Write for Dam {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let (is_open, changed) = &*self.is_open;
        let _open = changed.wait_while(is_open.lock().unwrap(), |is_open| !*is_open).unwrap();
        self.file.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn offered(key: u64) -> (Session, Timestamp) {
    let body = json!({"value": [{"changeType": "created", "resourceUrl": format!("/communications/calls/{CALL}"),
        "resourceData": {"@odata.type": "#microsoft.graph.call", "state": "incoming"}}]});
    let batch = read_batch(body.to_string().as_bytes()).unwrap();
    let now = Timestamp::from_millis(1_000_000);
    let settings = Settings { journal: Journaling::On, ..Settings::new("https://bot.test/calls/1") };
    let notice = batch.notices.first().unwrap();
    (Session::offered(now, CallKey::new(key), notice, &settings).unwrap().0, now)
}

#[test]
fn what_is_lost_is_counted_and_the_call_goes_on_from_how_it_stands() {
    let dam = Dam { is_open: Arc::default(), file: Memory::default() };
    let (is_open, file) = (Arc::clone(&dam.is_open), dam.file.clone());
    let recorder = Recorder::to_writer(dam).unwrap();
    let (mut session, now) = offered(1);
    let mut ticks = 0u64;
    while recorder.lost() == 0 {
        let _ = session.tick(now);
        recorder.record("c-1", &mut session);
        ticks += 1;
    }
    assert!(ticks > u64::try_from(Recorder::WAITING).unwrap(), "a call never waits");
    *is_open.0.lock().unwrap() = true;
    is_open.1.notify_all();
    recorder.flush();
    let ordered = session.order(now, &Order::Answer(callflow_graph::session::Answer::default()));
    assert!(ordered.is_ok());
    recorder.record("c-1", &mut session);
    recorder.flush();
    let text = file.text();
    let is_told =
        |line: &str| serde_json::from_str::<Value>(line).is_ok_and(|line| line == json!({"lost": 1}));
    assert!(text.lines().any(is_told), "{}", recorder.lost());
    let (replay, lines) = replayed(&text);
    assert!(lines.iter().any(|line| matches!(line.input, Input::Restored { lost: 1, .. })));
    assert_eq!(replay.call("c-1").unwrap().call(), session.call());
}

/// A disk that is full.
struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_costs_the_trace_and_no_call() {
    let recorder = Recorder::to_writer(Full).unwrap();
    let (mut session, now) = offered(1);
    recorder.record("c-1", &mut session);
    recorder.flush();
    let _ = session.tick(now);
    recorder.record("c-1", &mut session);
    recorder.flush();
    assert!(recorder.lost() >= 1, "{}", recorder.lost());
    assert!(session.order(now, &Order::Answer(callflow_graph::session::Answer::default())).is_ok());
}

#[test]
fn a_file_whose_last_line_was_cut_off_is_written_on_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace");
    let of = |key| {
        let recorder = Recorder::to_file(&path).unwrap();
        let (mut session, _) = offered(key);
        recorder.record(&format!("c-{key}"), &mut session);
        recorder.flush();
    };
    of(1);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.trim_end().strip_suffix('}').unwrap()).unwrap();
    of(2);
    let text = std::fs::read_to_string(&path).unwrap();
    let (_, lines) = replayed(&text);
    assert_eq!(lines.iter().map(|line| line.call.as_str()).collect::<Vec<_>>(), ["c-2"]);
    let cut = Reader::new(text.as_bytes()).any(|one| matches!(one, Ok(Record::Truncated { line: 2 })));
    assert!(cut, "{text}");
}

const CALL: &str = "57dab8b1-894c-409a-b240-bd8beae78896";
const OURS: &str = "00000000-0000-4000-8000-000000000001";

/// Something that happens to a call.
#[derive(Clone, Debug)]
enum Act {
    Order(Order),
    Notice(Value),
    /// To the request of this many before the last.
    Answer(u8, u16, Value),
    NoAnswer(u8),
    NotSent(u8),
    Wait(u64),
}

fn member(number: u8) -> String {
    // As [`asks`] writes participants: half of them are no GUIDs.
    if number.is_multiple_of(2) {
        format!("part/{number}?")
    } else {
        format!("0000000{number}-0000-0000-0000-00000000000a")
    }
}

fn roster() -> impl Strategy<Value = Value> {
    let stream = proptest::sample::select(vec![
        json!({"mediaType": "audio", "label": "main-audio", "direction": "sendReceive"}),
        json!({"label": "applicationsharing-video", "direction": "sendOnly"}),
        json!({"mediaType": "videoBasedScreenSharing", "direction": "receiveOnly"}),
    ]);
    let one = (0u8..8, any::<bool>(), any::<bool>(), 0u64..1_000_000, stream).prop_map(
        |(number, lobby, muted, sequence, stream)| {
            json!({
                "@odata.type": "#microsoft.graph.participant",
                "id": member(number),
                "info": {"identity": {"user": {"id": format!("user {number}"), "displayName": "Somebody"}},
                    "endpointType": "default"},
                "isInLobby": lobby,
                "isMuted": muted,
                "mediaStreams": [stream],
                "rosterSequenceNumber": sequence,
            })
        },
    );
    proptest::collection::vec(one, 0..5).prop_map(Value::from)
}

fn call_resource() -> impl Strategy<Value = Value> {
    let state = prop_oneof![
        6 => proptest::sample::select(State::ALL).prop_map(|state| json!(state.name())),
        1 => Just(json!("somethingNew")),
        1 => Just(Value::Null),
    ];
    let tone = proptest::option::of((1u64..300_000, 0..12usize));
    let ended = proptest::option::of((0u64..600, 0u64..9999));
    (state, proptest::option::of(any::<bool>()), tone, ended, any::<bool>()).prop_map(
        |(state, audio, tone, ended, chat)| {
            let mut call = json!({
                "@odata.type": "#microsoft.graph.call",
                "state": state,
                "myParticipantId": OURS,
                "callChainId": "86ca06cf-3a70-4d0b-9f9f-a554be018fca",
                "source": {"identity": {"phone": {"id": NUMBER}}},
            });
            if let Some(audio) = audio {
                call["mediaState"] = json!({"audio": if audio { "active" } else { "inactive" }});
            }
            if let Some((sequence, tone)) = tone {
                call["toneInfo"] = json!({"sequenceId": sequence, "tone": format!("tone{}", tone % 10)});
            }
            if let Some((code, subcode)) = ended {
                call["resultInfo"] =
                    json!({"code": code, "subcode": subcode.to_string(), "message": "Planted."});
            }
            if chat {
                call["chatInfo"] = json!({"threadId": "19:planted@thread.v2", "messageId": "0"});
                call["meetingInfo"] = json!({"@odata.type": "#microsoft.graph.organizerMeetingInfo",
                    "organizer": {"user": {"id": "planted", "tenantId": asks::TENANT}}});
            }
            call
        },
    )
}

fn operation(key: u64) -> impl Strategy<Value = Value> {
    let status = proptest::sample::select(vec!["notStarted", "running", "completed", "failed", "Completed"]);
    (1u32..12, status, 0u8..4).prop_map(move |(ticket, status, id)| {
        json!({
            "@odata.type": "#microsoft.graph.recordOperation",
            "id": format!("op-{id}"),
            "status": status,
            "clientContext": format!("{key:016x}-{ticket} of planted"),
            "resultInfo": {"code": 200, "subcode": 0},
            "recordingLocation": "https://planted.test/recording?sig=1",
            "recordingAccessToken": "planted",
        })
    })
}

const KEY: u64 = 0xAB;

fn acts() -> impl Strategy<Value = Act> {
    let of_call = |change: &'static str, path: &'static str, data: Value| {
        Act::Notice(json!({"value": [{"changeType": change,
            "resourceUrl": format!("/communications/calls/{CALL}{path}"), "resourceData": data}]}))
    };
    let change = || proptest::sample::select(vec!["created", "updated", "deleted"]);
    let status =
        proptest::sample::select(vec![200u16, 201, 202, 204, 400, 401, 403, 404, 409, 429, 500, 503]);
    let body = prop_oneof![
        2 => Just(Value::Null),
        2 => call_resource().prop_map(|mut call| { call["id"] = json!(CALL); call }),
        2 => operation(KEY),
        1 => roster().prop_map(|all| json!({"@odata.context": "x/$metadata#participants", "value": all})),
        1 => Just(json!({"error": {"code": "7504", "message": "Planted."}})),
        1 => Just(json!({"error": {"code": "8522", "message": "Planted."}})),
        1 => Just(json!("no object")),
    ];
    prop_oneof![
        4 => asks::orders().prop_map(Act::Order),
        4 => (change(), call_resource()).prop_map(move |(change, data)| of_call(change, "", data)),
        2 => (change(), roster()).prop_map(move |(change, data)| of_call(change, "/participants", data)),
        2 => (change(), operation(KEY)).prop_map(move |(change, data)| of_call(change, "/operations/op-1", data)),
        4 => (0u8..3, status, body).prop_map(|(back, status, body)| Act::Answer(back, status, body)),
        1 => (0u8..3).prop_map(Act::NoAnswer),
        1 => (0u8..3).prop_map(Act::NotSent),
        2 => (1u64..3_000_000).prop_map(Act::Wait),
    ]
}

/// Does it to the call, and says which requests left.
fn act(session: &mut Session, now: &mut u64, asked: &mut Vec<Ticket>, act: &Act) {
    let at = Timestamp::from_millis(*now);
    let ticket = |asked: &[Ticket], back: u8| asked.iter().rev().nth(back.into()).copied();
    let steps = match act {
        Act::Order(order) => session.order(at, order).into_iter().collect(),
        Act::Notice(body) => {
            let batch = read_batch(body.to_string().as_bytes()).unwrap();
            batch.notices.iter().map(|notice| session.notice(at, notice)).collect()
        }
        Act::Answer(back, status, body) => match ticket(asked, *back) {
            Some(ticket) => {
                let body = if body.is_null() { String::new() } else { body.to_string() };
                let location = format!("https://graph.test/v1.0/communications/calls/{CALL}");
                vec![session.response(at, ticket, *status, Some(&location), body.as_bytes()).0]
            }
            None => Vec::new(),
        },
        Act::NoAnswer(back) => {
            ticket(asked, *back).map(|ticket| session.no_response(at, ticket)).into_iter().collect()
        }
        Act::NotSent(back) => {
            ticket(asked, *back).map(|ticket| session.not_sent(at, ticket)).into_iter().collect()
        }
        Act::Wait(millis) => {
            *now += millis;
            vec![session.tick(Timestamp::from_millis(*now))]
        }
    };
    asked.extend(steps.iter().flat_map(|step| &step.requests).map(|request| request.ticket));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_history_replays_to_what_it_was(
        placement in proptest::option::of(asks::placements()),
        history in proptest::collection::vec(acts(), 1..40),
        restarts in any::<bool>(),
    ) {
        let (mut session, start) = offered(KEY);
        let mut asked = Vec::new();
        if let Some(placement) = placement {
            let settings = Settings { journal: Journaling::On, ..Settings::new(asks::CALLBACK) };
            let Ok((placed, step)) = Session::place(start, CallKey::new(KEY), &placement, &settings) else { return Ok(()) };
            asked.extend(step.requests.iter().map(|request| request.ticket));
            session = placed;
        }
        let file = Memory::default();
        let recorder = Recorder::to_writer(file.clone()).unwrap();
        let mut now = start.as_millis();
        for (place, one) in history.iter().enumerate() {
            if restarts && place == history.len() / 2 {
                recorder.record("5ecret-name", &mut session);
                let (call, texts) = session.to_bytes().unwrap();
                session = Session::from_bytes(&call, &texts).unwrap();
                session.keep_journal(Timestamp::from_millis(now), 0);
            }
            act(&mut session, &mut now, &mut asked, one);
            recorder.record("5ecret-name", &mut session);
        }
        recorder.flush();
        let text = file.text();
        let (_, lines) = replayed(&text);
        prop_assert!(!lines.is_empty());
        for secret in ["lanted", "5ecret", "Somebody", NUMBER.trim_start_matches('+')] {
            prop_assert!(!text.contains(secret), "{}: {}", secret, text);
        }
    }
}

#[test]
fn names_of_placed_calls_are_stand_ins() {
    let (mut session, _) = offered(1);
    let file = Memory::default();
    let recorder = Recorder::to_writer(file.clone()).unwrap();
    recorder.record("0f1e2d3c4b5a69788796a5b4c3d2e1f0", &mut session);
    recorder.flush();
    let name = read(&file.text())[0].call.clone();
    assert!(name.starts_with("call-") && name.len() == 21 && !name.contains("0f1e"), "{name}");
}
