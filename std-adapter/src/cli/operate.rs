//! `callflow calls`, `callflow drain` and `callflow health`: a bot that runs is looked at and drained.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use callflow_graph::transport::{Https, Transport};
use clap::Subcommand;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Method, Request};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::{BAD_INPUT, Failure, complain, print};

/// Which bot, and who may.
#[derive(clap::Args, Debug)]
pub(crate) struct Which {
    /// Where the bot listens for operation
    #[arg(
        long,
        value_name = "URL",
        env = "CALLFLOW_OPERATIONS_URL",
        default_value = "http://127.0.0.1:3979"
    )]
    url: String,
    /// A file with the key [default: the variable CALLFLOW_OPERATIONS_KEY]
    #[arg(long, value_name = "FILE", env = "CALLFLOW_OPERATIONS_KEY_FILE")]
    key_file: Option<PathBuf>,
    /// Print what the bot answered, as JSON
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args, Debug)]
pub(crate) struct Calls {
    #[command(subcommand)]
    command: CallsCommand,
}

#[derive(Debug, Subcommand)]
enum CallsCommand {
    /// List the calls that have not ended
    List {
        #[command(flatten)]
        which: Which,
        /// Those too that are kept after their end
        #[arg(long)]
        all: bool,
    },
    /// Show one call: state, hosting, roster, operations, and what happened lately
    Show {
        /// Its name, or Graph's id
        call: String,
        #[command(flatten)]
        which: Which,
    },
    /// Place a call that the bot's file describes, as [outgoing.NAME]
    Place {
        /// Its name in the file; without it those that there are are listed
        name: Option<String>,
        #[command(flatten)]
        which: Which,
    },
    /// End a call, or reject one that rings
    HangUp {
        /// Its name, or Graph's id
        call: String,
        #[command(flatten)]
        which: Which,
    },
}

pub(super) async fn calls(Calls { command }: &Calls) -> Result<ExitCode, Failure> {
    match command {
        CallsCommand::List { which, all } => {
            let path = if *all { "/calls?all=true" } else { "/calls" };
            which.show(Method::GET, path, list).await
        }
        CallsCommand::Show { call, which } => which.show(Method::GET, &of_call(call, ""), one).await,
        CallsCommand::Place { name: None, which } => which.show(Method::GET, "/outgoing", outgoing).await,
        CallsCommand::Place { name: Some(name), which } => {
            let placed = |body: &Value| format!("placed: {}\n", text(of(body, "call")));
            which.show(Method::POST, &format!("/outgoing/{}", escaped(name)), placed).await
        }
        CallsCommand::HangUp { call, which } => {
            which.show(Method::POST, &of_call(call, "/hang-up"), |_| "ending\n".to_owned()).await
        }
    }
}

pub(super) async fn drain(which: &Which) -> Result<ExitCode, Failure> {
    which
        .show(Method::POST, "/drain", |_| {
            "draining: new calls are refused, and those that are up may end\n".to_owned()
        })
        .await
}

pub(super) async fn health(which: &Which) -> Result<ExitCode, Failure> {
    which.show(Method::GET, "/ready", members).await
}

fn of_call(call: &str, rest: &str) -> String {
    format!("/calls/{}{rest}", escaped(call))
}

fn escaped(text: &str) -> percent_encoding::PercentEncode<'_> {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC)
}

impl Which {
    fn key(&self) -> Result<SecretString, String> {
        let text = match &self.key_file {
            Some(file) => std::fs::read_to_string(file)
                .map_err(|error| format!("{} cannot be read: {error}; give the file of the key", file.display()))?,
            None => std::env::var("CALLFLOW_OPERATIONS_KEY").map_err(|_| {
                "set the variable CALLFLOW_OPERATIONS_KEY to the bot's key of operations, or give its file as --key-file"
                    .to_owned()
            })?,
        };
        Ok(text.trim().into())
    }

    async fn show(
        &self,
        method: Method,
        path: &str,
        in_words: impl Fn(&Value) -> String,
    ) -> Result<ExitCode, Failure> {
        let key = match self.key() {
            Ok(key) => key,
            Err(words) => {
                complain(&words);
                return Ok(ExitCode::from(BAD_INPUT));
            }
        };
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", key.expose_secret()))
            .map_err(|_| Failure::Because("the key is no text for a header; look at its file".to_owned()))?;
        bearer.set_sensitive(true);
        let address = format!("{}{path}", self.url.trim_end_matches('/'));
        let request =
            Request::builder().method(method).uri(address).header(AUTHORIZATION, bearer).body(Bytes::new());
        let request = request.map_err(|error| Failure::Because(format!("--url: {error}")))?;
        let transport = Https::try_new(Duration::from_secs(3), Duration::from_secs(30))?;
        let answer = transport.send(request).await?;
        let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        if let Some(message) = body.pointer("/error/message").and_then(Value::as_str) {
            complain(message);
            return Ok(ExitCode::FAILURE);
        }
        if body.is_null() {
            let words = format!(
                "{} answered {} without JSON; look whether the bot's operation listens there",
                self.url,
                answer.status()
            );
            return Err(Failure::Because(words));
        }
        if self.json {
            print(&format!("{body}\n"))?
        } else {
            print(&in_words(&body))?
        };
        Ok(if answer.status().is_success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn of<'a>(value: &'a Value, member: &str) -> &'a Value {
    value.get(member).unwrap_or(&Value::Null)
}

fn list(body: &Value) -> String {
    let calls = of(body, "calls").as_array().map(Vec::as_slice).unwrap_or_default();
    if calls.is_empty() {
        return "no calls\n".to_owned();
    }
    let line = |call: &Value| {
        let [name, state, kind, direction, reason] =
            ["name", "state", "kind", "direction", "reason"].map(|member| text(of(call, member)));
        format!("{name}  {state:<14} {kind:<6} {direction:<9} {reason}\n")
    };
    calls.iter().fold(String::new(), |all, call| all + &line(call))
}

fn outgoing(body: &Value) -> String {
    let names = of(body, "outgoing").as_array().map(Vec::as_slice).unwrap_or_default();
    if names.is_empty() {
        return "no call can be placed: describe one as [outgoing.NAME] in the bot's file\n".to_owned();
    }
    names.iter().fold(String::new(), |all, name| all + &text(name) + "\n")
}

fn members(body: &Value) -> String {
    let all = body.as_object().into_iter().flatten();
    all.fold(String::new(), |lines, (name, value)| format!("{lines}{name:>20}  {}\n", text(value)))
}

fn one(call: &Value) -> String {
    let mut lines = String::new();
    for (name, value) in call.as_object().into_iter().flatten() {
        if !value.is_array() {
            // Writing to a text does not fail.
            let _ = writeln!(lines, "{name:>20}  {}", text(value));
        }
    }
    for (name, value) in call.as_object().into_iter().flatten() {
        for entry in value.as_array().into_iter().flatten() {
            let parts: Vec<_> = entry
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, value)| format!("{name}={}", text(value)))
                .collect();
            let _ = writeln!(lines, "{name:>20}  {}", parts.join(" "));
        }
    }
    lines
}
