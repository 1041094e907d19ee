//! Values, as they were given: read from the file, the environment and flags, and checked against the table of the keys.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::Uri;
use secrecy::SecretString;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Fault, Origin, Problem, nearest};
use super::key::{KEYS, Key, Kind, of_path};
use crate::transport::check_scheme;

/// A value of the type that its key asks for.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    Boolean(bool),
    Count(u64),
    Span(Duration),
    Socket(SocketAddr),
    Path(PathBuf),
    List(Vec<String>),
    Secret(SecretString),
}

impl Value {
    /// As it is shown to whoever asks what is in effect.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Text(text) => format!("{text:?}"),
            Self::Boolean(is_set) => is_set.to_string(),
            Self::Count(count) => count.to_string(),
            Self::Span(span) => format!("\"{span:?}\""),
            Self::Socket(address) => format!("\"{address}\""),
            Self::Path(path) => format!("{:?}", path.display().to_string()),
            Self::List(list) => format!("{list:?}"),
            Self::Secret(_) => "***".to_owned(),
        }
    }
}

/// A value as it was given, before its key says what it has to be.
enum Raw {
    Text(String),
    Number(String),
    Boolean(bool),
    List(Vec<String>),
    Other(&'static str),
}

impl Raw {
    fn of(value: &DeValue<'_>) -> Self {
        match value {
            DeValue::String(text) => Self::Text(text.to_string()),
            DeValue::Integer(number) if number.radix() == 10 => Self::Number(number.as_str().to_owned()),
            DeValue::Integer(_) => Self::Other("a number in another base than ten"),
            DeValue::Float(number) => Self::Number(number.as_str().to_owned()),
            DeValue::Boolean(is_set) => Self::Boolean(*is_set),
            DeValue::Datetime(_) => Self::Other("a date"),
            DeValue::Table(_) => Self::Other("a table"),
            DeValue::Array(all) => {
                let texts = all.iter().map(|one| match one.get_ref() {
                    DeValue::String(text) => Some(text.to_string()),
                    _ => None,
                });
                texts
                    .collect::<Option<_>>()
                    .map_or(Self::Other("a list of other things than texts"), Self::List)
            }
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Text(text) if text.trim().is_empty() => "an empty text",
            Self::Text(_) => "a text",
            Self::Number(_) => "a number",
            Self::Boolean(_) => "true or false",
            Self::List(_) => "a list",
            Self::Other(name) => name,
        }
    }
}

/// The values in effect, and where each was given.
#[derive(Debug, Default)]
pub(super) struct Values {
    given: BTreeMap<&'static str, (Value, Origin)>,
    problems: RefCell<Vec<Problem>>,
    asked: RefCell<BTreeSet<&'static str>>,
    pub(super) warnings: Vec<String>,
}

/// Tables that are read elsewhere: the file of `callflow run`.
pub(crate) const OTHER_TABLES: [&str; 3] = ["menu", "outgoing", "run"];

/// The variables that are callflow's and no keys.
const OTHER_VARIABLES: [&str; 4] =
    ["CALLFLOW_CONFIG", "CALLFLOW_CLIENT_SECRET", "CALLFLOW_OPERATIONS_URL", "CALLFLOW_STORE"];

/// A file that was read.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

impl Document {
    /// Where the byte at `offset` stands.
    pub(crate) fn at(&self, offset: usize) -> Origin {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line = before.matches('\n').count().saturating_add(1);
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count().saturating_add(1);
        Origin::File { path: self.path.clone(), line, column }
    }

    /// The whole as a table; what is wrong where it is none.
    pub(crate) fn parse(&self) -> Result<Spanned<DeTable<'_>>, Box<Problem>> {
        DeTable::parse(&self.text).map_err(|error| {
            Box::new(Problem {
                key: String::new(),
                origin: self.at(error.span().map_or(0, |span| span.start)),
                fault: Fault::Syntax(error.message().trim().to_owned()),
            })
        })
    }
}

impl Values {
    /// Takes in a file. What it says gives way to what was given already.
    ///
    /// # Errors
    /// It is no TOML.
    pub(super) fn read_file(&mut self, document: &Document) -> Result<(), Box<Problem>> {
        let table = document.parse()?;
        for (name, value) in table.get_ref() {
            let (table, at) = (name.get_ref().as_ref(), document.at(name.span().start));
            if OTHER_TABLES.contains(&table) {
                continue;
            }
            match value.get_ref() {
                DeValue::Table(keys) if is_table(table) => self.read_table(document, table, keys),
                _ => self.unknown(table, at),
            }
        }
        Ok(())
    }

    fn read_table(&mut self, document: &Document, table: &str, keys: &DeTable<'_>) {
        for (name, value) in keys {
            let path = format!("{table}.{}", name.get_ref());
            match of_path(&path) {
                Some(key) => {
                    let folder = document.path.parent();
                    let at = document.at(value.span().start);
                    self.take(key, &Raw::of(value.get_ref()), at, folder);
                }
                None => self.unknown(&path, document.at(name.span().start)),
            }
        }
    }

    /// Takes in the variables that name keys. An empty one is not set.
    pub(super) fn read_environment(&mut self, variables: &BTreeMap<String, String>) {
        for key in KEYS {
            let set = |name: &String| variables.get(name).is_some_and(|value| !value.trim().is_empty());
            if let Some(name) = key.variables().find(set)
                && let Some(value) = variables.get(&name)
            {
                let raw = Raw::Text(value.clone());
                self.take(key, &raw, Origin::Variable(name), None);
            }
        }
        let known: BTreeSet<_> = KEYS.iter().flat_map(Key::variables).collect();
        for name in variables.keys() {
            let is_ours = name.starts_with(super::key::PREFIX);
            if is_ours && !known.contains(name) && !OTHER_VARIABLES.contains(&name.as_str()) {
                let meant = nearest(name, known.iter().map(String::as_str));
                let meant = meant.map_or_else(String::new, |name| format!("; did you mean {name}?"));
                self.warnings.push(format!("the variable {name} names no key{meant}"));
            }
        }
    }

    /// Refuses variables that name keys and are no text.
    pub(super) fn refuse_variables(&self, names: &[String]) {
        for name in names {
            let Some(key) = KEYS.iter().find(|key| key.variables().any(|known| known == *name)) else {
                continue;
            };
            let fault = Fault::Type { expected: key.kind.words(), found: "what is no UTF-8" };
            self.problem(Problem { key: key.path.to_owned(), origin: Origin::Variable(name.clone()), fault });
        }
    }

    /// Takes in what a flag says.
    pub(super) fn set(&mut self, path: &str, value: &str) {
        match of_path(path) {
            Some(key) => self.take(key, &Raw::Text(value.to_owned()), Origin::Flag, None),
            None => self.unknown(path, Origin::Flag),
        }
    }

    fn unknown(&mut self, path: &str, origin: Origin) {
        let tables = KEYS.iter().filter_map(|key| key.path.split_once('.')).map(|(table, _)| table);
        let tables = tables.chain(OTHER_TABLES);
        let paths = KEYS.iter().map(|key| key.path);
        let of_name = || {
            let (_, name) = path.split_once('.')?;
            KEYS.iter()
                .map(|key| key.path)
                .find(|known| known.split_once('.').is_some_and(|(_, n)| n == name))
        };
        // The right name in the wrong table comes before a similar one.
        let meant = if path.contains('.') {
            nearest(path, paths).or_else(|| of_name().map(str::to_owned))
        } else {
            let names = KEYS.iter().find(|key| key.path.ends_with(&format!(".{path}")));
            names.map(|key| key.path.to_owned()).or_else(|| nearest(path, tables))
        };
        self.problem(Problem { key: path.to_owned(), origin, fault: Fault::UnknownKey(meant) });
    }

    fn take(&mut self, key: &'static Key, raw: &Raw, origin: Origin, folder: Option<&Path>) {
        let read = if key.kind == Kind::Secret && !matches!(origin, Origin::Variable(_)) {
            let (variable, file_key) = (key.variable(), format!("{}_file", key.path));
            Err(Fault::SecretInTheOpen { variable, file_key })
        } else {
            read(key, raw, matches!(origin, Origin::File { .. }), folder)
        };
        match read {
            Ok(value) => {
                let known = self.given.get(key.path).map_or(0, |(_, origin)| origin.rank());
                if origin.rank() >= known {
                    self.given.insert(key.path, (value, origin));
                }
            }
            Err(fault) => self.problem(Problem { key: key.path.to_owned(), origin, fault }),
        }
    }

    pub(super) fn problem(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    /// Something that is made of the value of `path` is not to be had.
    pub(super) fn refuse(&self, path: &'static str, fault: Fault) {
        let origin = self.origin(path);
        self.problem(Problem { key: path.to_owned(), origin, fault });
    }

    pub(super) fn origin(&self, path: &str) -> Origin {
        self.given.get(path).map_or(Origin::Nowhere, |(_, origin)| origin.clone())
    }

    /// What is wrong, in the order of the keys.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        let place = |problem: &Problem| KEYS.iter().position(|key| key.path == problem.key);
        problems.sort_by_key(place);
        problems
    }

    pub(super) fn given(&self) -> impl Iterator<Item = (&'static str, &Value, &Origin)> {
        self.given.iter().map(|(path, (value, origin))| (*path, value, origin))
    }

    #[cfg(test)]
    pub(super) fn asked(&self) -> BTreeSet<&'static str> {
        self.asked.borrow().clone()
    }

    fn get(&self, path: &'static str) -> Option<&Value> {
        self.asked.borrow_mut().insert(path);
        self.given.get(path).map(|(value, _)| value)
    }

    pub(super) fn text(&self, path: &'static str) -> Option<&str> {
        match self.get(path) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    pub(super) fn boolean(&self, path: &'static str) -> bool {
        matches!(self.get(path), Some(Value::Boolean(true)))
    }

    pub(super) fn count(&self, path: &'static str) -> Option<u64> {
        match self.get(path) {
            Some(Value::Count(count)) => Some(*count),
            _ => None,
        }
    }

    pub(super) fn span(&self, path: &'static str) -> Option<Duration> {
        match self.get(path) {
            Some(Value::Span(span)) => Some(*span),
            _ => None,
        }
    }

    pub(super) fn socket(&self, path: &'static str) -> Option<SocketAddr> {
        match self.get(path) {
            Some(Value::Socket(address)) => Some(*address),
            _ => None,
        }
    }

    pub(super) fn path(&self, path: &'static str) -> Option<&Path> {
        match self.get(path) {
            Some(Value::Path(found)) => Some(found),
            _ => None,
        }
    }

    pub(super) fn list(&self, path: &'static str) -> Option<&[String]> {
        match self.get(path) {
            Some(Value::List(list)) => Some(list),
            _ => None,
        }
    }

    /// Which of two keys for the same was given nearer to the command; the first where both were.
    pub(super) fn nearer(&self, key: &'static str, other: &'static str) -> &'static str {
        if self.origin(other).rank() > self.origin(key).rank() { other } else { key }
    }

    /// A secret, by its variable or from its file: whichever was given nearer to the command.
    pub(super) fn secret(&self, path: &'static str, file_key: &'static str) -> Option<SecretString> {
        let file = self.path(file_key);
        let by_variable = match self.get(path) {
            Some(Value::Secret(secret)) => Some(secret.clone()),
            _ => None,
        };
        if by_variable.is_some() && self.nearer(path, file_key) == path {
            return by_variable;
        }
        let file = file?;
        match std::fs::read_to_string(file) {
            Ok(text) if !text.trim().is_empty() => Some(text.trim_end_matches(['\r', '\n']).into()),
            Ok(_) => {
                self.refuse(file_key, Fault::Refused(format!("{} is empty", file.display())));
                None
            }
            Err(error) => {
                self.refuse(file_key, Fault::Unreadable(format!("{}: {error}", file.display())));
                None
            }
        }
    }
}

fn is_table(name: &str) -> bool {
    KEYS.iter().any(|key| key.path.split_once('.').is_some_and(|(table, _)| table == name))
}

/// Reads a value as its key has it. In the environment and in flags everything is a text.
fn read(key: &Key, raw: &Raw, is_typed: bool, folder: Option<&Path>) -> Result<Value, Fault> {
    let wrong = || Err(Fault::Type { expected: key.kind.words(), found: raw.name() });
    match (key.kind, raw) {
        (Kind::Text, Raw::Text(text)) if !text.trim().is_empty() => Ok(Value::Text(text.trim().to_owned())),
        (Kind::Boolean, Raw::Boolean(is_set)) => Ok(Value::Boolean(*is_set)),
        (Kind::Boolean, Raw::Text(text)) if !is_typed => match text.trim() {
            "true" | "1" => Ok(Value::Boolean(true)),
            "false" | "0" => Ok(Value::Boolean(false)),
            _ => wrong(),
        },
        (Kind::Count { least, most }, Raw::Number(text)) => count(text, least, most),
        (Kind::Count { least, most }, Raw::Text(text)) if !is_typed => count(text, least, most),
        (Kind::Span { least, most }, Raw::Number(text) | Raw::Text(text)) => span(text, least, most),
        (Kind::Address, Raw::Text(text)) => address(key, text.trim()),
        (Kind::Socket, Raw::Text(text)) => text.trim().parse().map(Value::Socket).or_else(|_| wrong()),
        (Kind::Path, Raw::Text(text)) if !text.trim().is_empty() => {
            let path = Path::new(text.trim());
            Ok(Value::Path(folder.map_or_else(|| path.to_owned(), |folder| folder.join(path))))
        }
        (Kind::Choice(words), Raw::Text(text)) => choice(text.trim(), words),
        (Kind::List, Raw::List(list)) => Ok(Value::List(list.clone())),
        (Kind::List, Raw::Text(text)) if !is_typed => {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            Ok(Value::List(parts.map(str::to_owned).collect()))
        }
        (Kind::Secret, Raw::Text(text)) => Ok(Value::Secret(text.trim_end_matches(['\r', '\n']).into())),
        _ => wrong(),
    }
}

fn count(text: &str, least: u64, most: u64) -> Result<Value, Fault> {
    let range =
        || Fault::Range { found: text.trim().to_owned(), least: least.to_string(), most: most.to_string() };
    let plain = text.trim().replace('_', "");
    let whole: i128 = plain.parse().map_err(|_| {
        let expected = Kind::Count { least, most }.words();
        Fault::Type { expected, found: "what is no whole number" }
    })?;
    let count = u64::try_from(whole).map_err(|_| range())?;
    if (least..=most).contains(&count) { Ok(Value::Count(count)) } else { Err(range()) }
}

fn span(text: &str, least: u64, most: u64) -> Result<Value, Fault> {
    let text = text.trim();
    let expected = Kind::Span { least, most }.words();
    let none = || Fault::Type { expected: expected.clone(), found: "what is no time" };
    let span = if let Ok(seconds) = text.replace('_', "").parse::<f64>() {
        Duration::try_from_secs_f64(seconds).map_err(|_| none())?
    } else {
        let span: jiff::SignedDuration = text.parse().map_err(|_| none())?;
        Duration::try_from(span).map_err(|_| none())?
    };
    let bounds = (Duration::from_millis(least), Duration::from_millis(most));
    if span < bounds.0 || span > bounds.1 {
        let (least, most) = (format!("{:?}", bounds.0), format!("{:?}", bounds.1));
        return Err(Fault::Range { found: format!("{span:?}"), least, most });
    }
    Ok(Value::Span(span))
}

fn address(key: &Key, text: &str) -> Result<Value, Fault> {
    let example = if key.path == "webhook.callback" { "/calls" } else { "" };
    let is_good = text
        .parse::<Uri>()
        .is_ok_and(|uri| check_scheme(&uri).is_ok() && uri.query().is_none() && uri.host().is_some());
    if is_good { Ok(Value::Text(text.to_owned())) } else { Err(Fault::Address(example)) }
}

fn choice(text: &str, words: &'static [&'static str]) -> Result<Value, Fault> {
    let known = words.iter().find(|word| word.eq_ignore_ascii_case(text));
    known.map(|word| Value::Text((*word).to_owned())).ok_or_else(|| Fault::Choice {
        found: text.chars().take(40).collect(),
        among: words.iter().map(|word| (*word).to_owned()).collect(),
        meant: nearest(text, words.iter().copied()),
    })
}
