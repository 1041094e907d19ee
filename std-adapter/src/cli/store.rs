//! `callflow store`: what a bot's file holds, while no bot has it open.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use callflow_graph::session::Session;
use callflow_graph::store::encrypted::key_id;
use callflow_graph::store::offline::{Offline, Sizes};
use callflow_graph::store::{CallName, Record, StoreError};
use callflow_graph::trace::stand_in::{StandIns, Whose};
use clap::Subcommand;
use serde_json::{Value, json};

use super::{BAD_INPUT, Failure, complain, print};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the calls, with their states, versions and how much waits
    Inspect {
        /// The file of the store
        file: PathBuf,
        /// Print one JSON object a call, after one for the file
        #[arg(long)]
        json: bool,
    },
    /// Print the calls, one JSON object a line, with stand-ins for ids, numbers, addresses and whatever else may be secret
    Export {
        /// The file of the store
        file: PathBuf,
    },
    /// Give back room that is not used
    Compact {
        /// The file of the store
        file: PathBuf,
    },
    /// Delete calls so that nothing of them is left in the file
    #[command(group = clap::ArgGroup::new("which").required(true).multiple(true))]
    Purge {
        /// The file of the store
        file: PathBuf,
        /// Calls whose texts, inbox, outbox or bot's state name this id or number
        #[arg(long, value_name = "ID", group = "which", value_parser = person)]
        person: Option<String>,
        /// Calls that were last changed longer ago than this: 30d, 12h, 90m; with --person, both have to hold
        #[arg(long, value_name = "AGE", group = "which", value_parser = age)]
        older_than: Option<Duration>,
    },
}

/// The shortest id that is looked for, in bytes: a shorter one is in too many texts by chance.
const MIN_PERSON: usize = 6;

fn person(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.len() < MIN_PERSON {
        return Err(format!(
            "an id or number has {MIN_PERSON} characters at least, so that no other call has it by chance"
        ));
    }
    Ok(text.to_owned())
}

fn age(text: &str) -> Result<Duration, String> {
    let seconds = [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)]
        .into_iter()
        .find_map(|(unit, seconds)| text.strip_suffix(unit)?.parse::<u64>().ok()?.checked_mul(seconds));
    seconds.map(Duration::from_secs).ok_or_else(|| "give a number and d, h, m or s, as 30d".to_owned())
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let file = match &args.command {
        Command::Inspect { file, .. }
        | Command::Export { file }
        | Command::Compact { file }
        | Command::Purge { file, .. } => file,
    };
    if let Err(error) = std::fs::metadata(file) {
        complain(&format!("{} cannot be read: {error}; give the file of a bot's store", file.display()));
        return Ok(ExitCode::from(BAD_INPUT));
    }
    let mut store = match Offline::open(file) {
        Ok(store) => store,
        Err(error) => {
            complain(&error.to_string());
            return Ok(ExitCode::from(BAD_INPUT));
        }
    };
    match &args.command {
        Command::Inspect { json, .. } => inspect(&store, *json),
        Command::Export { .. } => export(&store),
        Command::Compact { .. } => print(&in_words(store.compact()?)),
        Command::Purge { person, older_than, .. } => purge(store, person.as_deref(), *older_than),
    }
}

fn in_words(Sizes { before, after }: Sizes) -> String {
    format!("{before} bytes before, {after} after\n")
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// What can be read of a record.
fn summary(name: &CallName, read: &Result<Option<Record>, StoreError>, now: u64) -> Value {
    let record = match read {
        Ok(Some(record)) => record,
        Ok(None) => return json!({"state": "gone"}),
        Err(error) => return json!({"state": "unreadable", "why": error.to_string()}),
    };
    let session = Session::from_bytes(&record.call, &record.texts);
    let (state, kind) = match (&session, key_id(&record.call)) {
        (Err(_), _) if name.is_planned() => ("planned", None),
        (Ok(session), _) => {
            let call = session.call();
            (call.state().name(), Some(call.classification().kind().name()))
        }
        (Err(_), Some(_)) => ("encrypted", None),
        (Err(_), None) if record.version == 0 => ("unknown", None),
        (Err(_), None) => ("unreadable", None),
    };
    let age = (record.about.at > 0).then(|| now.saturating_sub(record.about.at) / 1000);
    json!({
        "state": state,
        "kind": kind,
        "key": key_id(&record.call),
        "version": record.version,
        "snapshot": record.call.first().filter(|_| session.is_ok()),
        "state_version": record.about.author_version,
        "inbox": record.inbox.len(),
        "outbox": record.outbox.len(),
        "age_seconds": age,
    })
}

fn inspect(store: &Offline, as_json: bool) -> Result<ExitCode, Failure> {
    let names = store.names()?;
    let mut out = std::io::stdout().lock();
    let (format, size) = (store.format(), store.size()?);
    if as_json {
        writeln!(out, "{}", json!({"format": format, "calls": names.len(), "bytes": size}))?;
    } else {
        writeln!(out, "format {format}, {} calls, {size} bytes", names.len())?;
    }
    let now = now();
    for name in names {
        let mut told = summary(&name, &store.read(&name), now);
        if as_json {
            if let Some(told) = told.as_object_mut() {
                told.insert("name".to_owned(), json!(name));
            }
            writeln!(out, "{told}")?;
            continue;
        }
        let word = |member: &str| match told.get(member) {
            None | Some(Value::Null) => "-".to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        let (state, kind) = (word("state"), word("kind"));
        write!(out, "{name}  {state:<13} {kind:<5}  version {}", word("version"))?;
        write!(out, ", state's version {}, snapshot's {}", word("state_version"), word("snapshot"))?;
        writeln!(
            out,
            ", inbox {}, outbox {}, changed {} s ago",
            word("inbox"),
            word("outbox"),
            word("age_seconds")
        )?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn export(store: &Offline) -> Result<ExitCode, Failure> {
    let mut stand_ins = StandIns::default();
    let mut out = std::io::stdout().lock();
    let now = now();
    for name in store.names()? {
        let read = store.read(&name);
        let mut line = summary(&name, &read, now);
        if let (Some(line), Ok(Some(record))) = (line.as_object_mut(), &read) {
            // What the same file gives tomorrow too.
            line.remove("age_seconds");
            line.insert("at".to_owned(), record.about.at.into());
            line.insert("texts".to_owned(), stand_ins.bytes(&record.texts, Whose::Known));
            line.insert("author".to_owned(), stand_ins.bytes(&record.author, Whose::Authors));
            let inbox = record.inbox.iter();
            let inbox: Vec<_> = inbox
                .map(|entry| {
                    let (head, body) = entry.parts();
                    let body = body.map(|body| stand_ins.bytes(body, Whose::Known));
                    json!({"seq": entry.seq, "entry": stand_ins.bytes(head, Whose::Known), "body": body})
                })
                .collect();
            line.insert("inbox".to_owned(), inbox.into());
            let outbox = record.outbox.iter().map(|row| {
                json!({
                    "ticket": row.ticket,
                    "once_only": row.once_only,
                    "attempted": row.attempted,
                    "request": stand_ins.bytes(&row.bytes, Whose::Known),
                })
            });
            let outbox: Vec<_> = outbox.collect();
            line.insert("outbox".to_owned(), outbox.into());
        }
        if let Some(line) = line.as_object_mut() {
            // Whoever has the name of a placed call can post to its address.
            line.insert("name".to_owned(), stand_ins.text(name.as_str()).into());
        }
        writeln!(out, "{line}")?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn purge(store: Offline, person: Option<&str>, older_than: Option<Duration>) -> Result<ExitCode, Failure> {
    let now = now();
    let mut found = BTreeSet::<CallName>::new();
    let (mut sealed, mut unreadable, mut timeless) = (0_usize, 0_usize, 0_usize);
    let names = store.names()?;
    let all = names.len();
    for name in names {
        let Ok(Some(record)) = store.read(&name) else {
            unreadable = unreadable.saturating_add(1);
            continue;
        };
        if let Some(age) = older_than {
            if record.about.at == 0 {
                timeless = timeless.saturating_add(1);
                continue;
            }
            let changed = Duration::from_millis(now.saturating_sub(record.about.at));
            if changed <= age {
                continue;
            }
        }
        if person.is_some() && is_sealed(&record) {
            sealed = sealed.saturating_add(1);
        }
        if person.is_none_or(|person| is_named(&record, person)) {
            found.insert(name);
        }
    }
    if sealed > 0 {
        return Err(Failure::Because(format!(
            "{sealed} calls are encrypted, so that whom they name cannot be seen here; nothing was deleted: purge by --older-than, or delete the keys"
        )));
    }
    let count = found.len();
    let sizes = if found.is_empty() { None } else { Some(store.delete(&found)?) };
    let mut words = format!("{count} of {all} calls deleted\n");
    words.extend(sizes.map(in_words));
    for (count, why) in [
        (unreadable, "cannot be read, and were left"),
        (timeless, "do not say when they were changed, and were left"),
    ] {
        if count > 0 {
            words.extend([format!("{count} calls {why}\n")]);
        }
    }
    print(&words)
}

fn is_sealed(record: &Record) -> bool {
    let inbox = record.inbox.iter().map(|entry| &entry.bytes);
    inbox.chain([&record.call, &record.author]).any(|value| key_id(value).is_some())
}

/// Whether anything that is kept of a call names this person.
fn is_named(record: &Record, person: &str) -> bool {
    let inbox = record.inbox.iter().flat_map(|entry| {
        let (head, body) = entry.parts();
        [Some(head), body]
    });
    let outbox = record.outbox.iter().map(|row| row.bytes.as_slice());
    let mut kept = inbox.flatten().chain(outbox).chain([record.texts.as_slice(), record.author.as_slice()]);
    let person = person.to_lowercase();
    kept.any(|bytes| {
        String::from_utf8_lossy(bytes).to_lowercase().contains(&person)
            || serde_json::from_slice(bytes).is_ok_and(|value| names(&value, &person))
    })
}

/// Whether JSON has `person`, in lower case, in a text of it, written in whatever way.
fn names(value: &Value, person: &str) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
        Value::String(text) => {
            text.to_lowercase().contains(person)
                || serde_json::from_str(text)
                    .is_ok_and(|inner: Value| !inner.is_string() && names(&inner, person))
        }
        Value::Array(all) => all.iter().any(|one| names(one, person)),
        Value::Object(members) => members
            .iter()
            .any(|(member, value)| member.to_lowercase().contains(person) || names(value, person)),
    }
}

#[cfg(test)]
mod tests {
    use callflow_graph::store::InboxEntry;

    use super::*;

    #[test]
    fn ages_and_persons_that_are_none_are_refused() {
        for (text, expected) in [
            ("30d", Some(2_592_000)),
            ("12h", Some(43_200)),
            ("90m", Some(5400)),
            ("5s", Some(5)),
            ("5", None),
            ("d", None),
            ("-1d", None),
            ("99999999999999999999d", None),
        ] {
            assert_eq!(age(text).ok(), expected.map(Duration::from_secs), "{text}");
        }
        assert!(person("12345").is_err() && person("  1 ").is_err());
        assert_eq!(person(" 123456 "), Ok("123456".to_owned()));
    }

    #[test]
    fn a_person_is_found_wherever_the_id_stands_and_however_it_is_written() {
        let number = "+49301234567";
        let of = |bytes: &str| bytes.as_bytes().to_vec();
        let escaped = r#"{"body": "{\"id\": \"\\u002b49301234567\"}"}"#;
        let posted = "{\"at\": 1}\n{\"id\":\n \"\\u002b49301234567\"}";
        for (record, expected) in [
            (Record { texts: of(r#"{"source": {"phone": "+49301234567"}}"#), ..Record::default() }, true),
            (Record { author: of(r#"{"+49301234567": 1}"#), ..Record::default() }, true),
            (Record { author: of("not JSON: +49301234567"), ..Record::default() }, true),
            (Record { inbox: vec![InboxEntry { seq: 1, bytes: of(escaped) }], ..Record::default() }, true),
            (Record { inbox: vec![InboxEntry { seq: 1, bytes: of(posted) }], ..Record::default() }, true),
            (Record { texts: of(r#"{"source": {"phone": "+49309999999"}}"#), ..Record::default() }, false),
        ] {
            assert_eq!(is_named(&record, number), expected, "{record:?}");
        }
        let upper = Record { texts: of(r#"{"id": "57DAB8B1"}"#), ..Record::default() };
        assert!(is_named(&upper, "57dab8b1"));
    }
}
