//! `callflow decode`: what is understood of JSON.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use callflow_core::action::Action;
use callflow_core::report::Told;
use callflow_graph::wire::asked::{Ask, Asked, read_request};
use callflow_graph::wire::notification::{Notice, Subject, read_batch};
use callflow_graph::wire::order::Order;
use callflow_graph::wire::request::Method;
use callflow_graph::wire::resource::{CallTold, OperationTold, RosterTold};
use callflow_graph::wire::response::{Answered, read_answer};
use clap::ValueEnum;
use serde_json::{Map, Value, json};

use super::Failure;

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Files of JSON; - is standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// What the JSON is
    #[arg(long = "as", value_enum, default_value_t = Kind::Notification)]
    kind: Kind,
    /// With --as request, its first line: "POST /communications/calls/ID/playPrompt"; without it, what is asked is
    /// told from the members of the body
    #[arg(long, value_name = "LINE", value_parser = parse_line)]
    line: Option<(Method, String)>,
}

/// A method and a path or URL; what stands behind them in HTTP may stand there.
fn parse_line(text: &str) -> Result<(Method, String), String> {
    let mut words = text.split_ascii_whitespace();
    let named = words.next().unwrap_or_default();
    let method = [Method::Get, Method::Post, Method::Patch, Method::Delete]
        .into_iter()
        .find(|method| method.name().eq_ignore_ascii_case(named))
        .ok_or_else(|| format!("`{named}` is none of GET, POST, PATCH, DELETE"))?;
    let path = words.next().ok_or("a path or URL is missing behind the method")?;
    Ok((method, path.to_owned()))
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// What Graph posts to a bot
    Notification,
    /// What Graph answers
    Response,
    /// What a bot asks of Graph
    Request,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    if args.line.is_some() && !matches!(args.kind, Kind::Request) {
        writeln!(std::io::stderr(), "callflow: --line is the first line of a request: say --as request too")?;
        return Ok(ExitCode::from(super::BAD_INPUT));
    }
    let mut out = std::io::stdout().lock();
    let mut is_good = true;
    for path in &args.files {
        let name = path.display().to_string();
        let result = read(path).and_then(|body| decode(&name, &body, args));
        let (lines, faults) = match result {
            Ok(read) => read,
            Err(fault) => (Vec::new(), vec![fault]),
        };
        for line in lines {
            writeln!(out, "{line}")?;
        }
        for fault in faults {
            is_good = false;
            out.flush()?;
            writeln!(std::io::stderr(), "callflow: {name}: {fault}")?;
        }
    }
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::from(super::BAD_INPUT) })
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().read_to_end(&mut body).map(|_| ())
    } else {
        std::fs::read(path).map(|bytes| body = bytes)
    };
    read.map(|()| body)
        .map_err(|e| format!("cannot be read: {e}; give the name of a file, or - for standard input"))
}

/// The lines for `body`, and what of it cannot be read.
fn decode(file: &str, body: &[u8], args: &Args) -> Result<(Vec<Value>, Vec<String>), String> {
    match args.kind {
        Kind::Notification => {
            let batch = read_batch(body).map_err(|fault| fault.to_string())?;
            let lines = batch.notices.iter().map(|notice| of_notice(file, notice)).collect();
            Ok((lines, batch.faults.iter().map(ToString::to_string).collect()))
        }
        Kind::Response => {
            let (answered, ignored) = read_answer(body).map_err(|fault| fault.to_string())?;
            Ok((vec![of_answer(file, &answered, &ignored)], Vec::new()))
        }
        Kind::Request => {
            if let Some((method, path)) = &args.line {
                let asked = read_request(*method, path, body).map_err(|fault| fault.to_string())?;
                return Ok((vec![of_asked(file, &asked)], Vec::new()));
            }
            let (answered, ignored) = read_answer(body).map_err(|fault| fault.to_string())?;
            let mut line = of_answer(file, &answered, &ignored);
            if let (Answered::Other(_), Ok(body)) = (&answered, serde_json::from_slice::<Value>(body)) {
                of_request(&body, &mut line);
            }
            Ok((vec![line], Vec::new()))
        }
    }
}

fn of_notice(file: &str, notice: &Notice) -> Value {
    let mut line = Map::new();
    line.insert("file".to_owned(), json!(file));
    line.insert("resource".to_owned(), json!(notice.subject.name()));
    line.insert("call".to_owned(), json!(notice.call));
    let change = if notice.subject == Subject::Legacy { Value::Null } else { json!(notice.change.name()) };
    line.insert("change".to_owned(), change);
    match &notice.subject {
        Subject::Call(told) => of_call(told, &mut line),
        Subject::Roster(told) => of_roster(told, &mut line),
        Subject::Operation(told) => of_operation(told, &mut line),
        Subject::ContentSharing { session } => {
            line.insert("session".to_owned(), json!(session));
        }
        Subject::Left { participant } => {
            line.insert("participant".to_owned(), json!(participant));
        }
        Subject::Joining | Subject::Legacy | Subject::Unrecognised(_) => {}
    }
    line.insert("ignored".to_owned(), json!(notice.ignored));
    Value::Object(line)
}

fn of_answer(file: &str, answered: &Answered, ignored: &[String]) -> Value {
    let mut line = Map::new();
    line.insert("file".to_owned(), json!(file));
    let (resource, call) = match answered {
        Answered::Call(told) => ("call", told.id.clone()),
        Answered::Operation(_) => ("operation", None),
        Answered::Roster(_) => ("roster", None),
        Answered::AudioRoutingGroups(_) => ("audio-routing-group", None),
        Answered::ContentSharing(_) => ("content-sharing", None),
        Answered::Nothing | Answered::Error | Answered::Other(_) => ("unknown", None),
    };
    line.insert("resource".to_owned(), json!(resource));
    line.insert("call".to_owned(), json!(call));
    line.insert("change".to_owned(), Value::Null);
    match answered {
        Answered::Call(told) => of_call(told, &mut line),
        Answered::Roster(told) => of_roster(told, &mut line),
        Answered::Operation(told) => of_operation(told, &mut line),
        Answered::AudioRoutingGroups(_)
        | Answered::ContentSharing(_)
        | Answered::Nothing
        | Answered::Error
        | Answered::Other(_) => {}
    }
    line.insert("ignored".to_owned(), json!(ignored));
    Value::Object(line)
}

fn of_call(told: &CallTold, line: &mut Map<String, Value>) {
    match told.news.state {
        Told::State(state) => {
            line.insert("state".to_owned(), json!(state.name()));
        }
        Told::Unrecognised => {
            line.insert("state".to_owned(), json!(told.unrecognised.first()));
        }
        Told::Nothing => {}
    }
    if let Some(audio) = told.news.audio {
        line.insert("media".to_owned(), json!(audio.name()));
    }
    if let Some(tone) = told.news.tone {
        let tone = json!({"sequence": tone.sequence.number(), "tone": tone.tone.name()});
        line.insert("tone".to_owned(), tone);
    }
    if let Some(result) = told.news.result {
        line.insert("result".to_owned(), json!({"code": result.code, "subcode": result.subcode}));
    }
    if told.news.coordinates.are_given() {
        line.insert("coordinates".to_owned(), json!(true));
    }
}

fn of_roster(told: &RosterTold, line: &mut Map<String, Value>) {
    line.insert("participants".to_owned(), json!(told.participants.len()));
}

fn of_operation(told: &OperationTold, line: &mut Map<String, Value>) {
    line.insert("operation".to_owned(), json!({"id": told.id, "type": told.kind, "status": told.status}));
    if let Some(result) = told.news.result {
        line.insert("result".to_owned(), json!({"code": result.code, "subcode": result.subcode}));
    }
}

/// A request of which all is known. Whom it calls and what it says is not printed.
fn of_asked(file: &str, asked: &Asked) -> Value {
    let mut line = json!({
        "file": file,
        "resource": "request",
        "call": asked.call,
        "action": match &asked.what {
            Ask::Create { placement, .. } => placement.with("", |placement| placement.action().name()),
            Ask::Order(order) => order.with("", |command| command.action().name()),
            Ask::ListParticipants => Action::ListParticipants.name(),
            Ask::GetOperation(_) => Action::GetOperation.name(),
            Ask::Direct(_) => "direct",
            Ask::Other(_) => "unknown",
        },
        "clientContext": asked.client_context,
        "ignored": asked.ignored,
    });
    let target = match &asked.what {
        Ask::Order(Order::Invite(invitees)) => Some(("participants", json!(invitees.len()))),
        Ask::Order(Order::PlayPrompt { prompts, .. }) => Some(("prompts", json!(prompts.len()))),
        Ask::Order(Order::Redirect(redirect)) => Some(("targets", json!(redirect.targets.len()))),
        Ask::GetOperation(id) => Some(("operation", json!({"id": id}))),
        Ask::Create { .. } | Ask::Order(_) | Ask::ListParticipants | Ask::Direct(_) | Ask::Other(_) => None,
    };
    if let (Some((name, value)), Some(line)) = (target, line.as_object_mut()) {
        line.insert(name.to_owned(), value);
    }
    line
}

/// What a request asks for, told from its members.
///
/// Source: Graph docs, the pages of the actions.
fn of_request(body: &Value, line: &mut Value) {
    let has = |name: &str| body.get(name).is_some();
    let kind = match () {
        () if has("prompts") && has("bargeInAllowed") => Some("recordOperation"),
        () if has("prompts") => Some("playPromptOperation"),
        () if has("tones") => Some("sendDtmfTonesOperation"),
        () if has("participants") => Some("inviteParticipantsOperation"),
        () => None,
    };
    if let (Some(kind), Some(line)) = (kind, line.as_object_mut()) {
        line.insert("resource".to_owned(), json!("operation"));
        line.insert("operation".to_owned(), json!({"id": null, "type": kind, "status": null}));
    }
    if let (Some(participants), Some(line)) =
        (body.get("participants").and_then(Value::as_array), line.as_object_mut())
    {
        line.insert("participants".to_owned(), json!(participants.len()));
    }
}
