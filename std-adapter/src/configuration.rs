//! A bot's configuration: a TOML file, the environment, and flags.
//!
//! A flag overrides the environment, and that the file. Every key has a variable: `webhook.listen` is
//! `CALLFLOW_WEBHOOK_LISTEN`; for the app those of Azure's tools count too (`AZURE_TENANT_ID`, …). Secrets are never in the
//! file nor in a flag: each has its variable, or a file of its own that the key with `_file` behind it names. An empty
//! variable is not set.
//!
//! What is wrong is told all at once, each fault with its key, where that stands, and the way out:
//!
//! ```
//! use callflow_graph::configuration::Sources;
//!
//! let error = Sources::new()
//!     .text("bot.toml", "[app]\nid = \"8a34\"\n[webhook]\ncalback = \"http://bot.example/calls\"\n")
//!     .load()
//!     .unwrap_err()
//!     .to_string();
//! assert!(error.contains("bot.toml:4:1: webhook.calback: there is no such key; did you mean `webhook.callback`?"));
//! assert!(error.contains("app.tenant_id: it is missing; add it to the file, or set the variable CALLFLOW_APP_TENANT_ID"));
//! ```
//!
//! What comes of it is a [`Configuration`], whose [`bot`](Configuration::bot) an author may change further before
//! [`Bot::start`](crate::bot::Bot::start).
//!
//! # The keys
//!
#![doc = include_str!("configuration/keys.md")]

mod apply;
mod error;
mod key;
#[cfg(test)]
mod tests;
mod value;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use crate::bot::{Config, Drain};
use crate::clock::Clock;
use crate::prompt::tts::{AzureSpeech, Program, Tones, Tts};
use crate::prompt::{self, Load, PromptError, Prompts, Settings};
use crate::store::embedded::Embedded;
use crate::store::encrypted::{Encrypted, Keys};
use crate::store::memory::Memory;
use crate::store::{Store, StoreError};
use crate::trace::{KeyPresses, Recorder};
use crate::transport::{Https, Transport, TransportError};

pub(crate) use error::nearest;
pub use error::{ConfigurationError, Fault, Origin, Problem};
pub use key::{KEYS, Key, Kind, example, markdown};
use value::Values;
pub(crate) use value::{Document, OTHER_TABLES};

/// Where a configuration comes from. The order of the calls does not matter: a flag overrides the environment, and that the
/// file.
#[derive(Debug, Default)]
pub struct Sources {
    document: Option<Result<Document, Box<Problem>>>,
    variables: BTreeMap<String, String>,
    /// The names of variables whose values are no text.
    not_text: Vec<String>,
    flags: Vec<(String, String)>,
}

impl Sources {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The file at `path`.
    #[must_use]
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        self.document = Some(match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Document { path, text }),
            Err(error) => Err(Box::new(Problem {
                key: String::new(),
                origin: Origin::File { path, line: 1, column: 1 },
                fault: Fault::Unreadable(error.to_string()),
            })),
        });
        self
    }

    /// A file whose text is at hand already. Paths in it begin at the folder of `path`.
    #[must_use]
    pub fn text(mut self, path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        self.document = Some(Ok(Document { path: path.into(), text: text.into() }));
        self
    }

    /// The environment of this process.
    #[must_use]
    pub fn environment(mut self) -> Self {
        let named = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        for (name, value) in named {
            match value.into_string() {
                Ok(value) => drop(self.variables.insert(name, value)),
                Err(_) => self.not_text.push(name),
            }
        }
        self
    }

    /// These variables.
    #[must_use]
    pub fn variables<N: Into<String>, V: Into<String>>(
        mut self,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        self.variables.extend(variables.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// What a flag says of a key, as text: lists apart by commas.
    #[must_use]
    pub fn set(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.flags.push((key.into(), value.into()));
        self
    }

    /// Reads all, and checks all.
    ///
    /// # Errors
    /// [`ConfigurationError`], with everything that is wrong.
    pub fn load(self) -> Result<Configuration, ConfigurationError> {
        let mut values = Values::default();
        let document = self.document.transpose().and_then(|document| {
            document.as_ref().map_or(Ok(()), |document| values.read_file(document))?;
            Ok(document)
        });
        values.read_environment(&self.variables);
        values.refuse_variables(&self.not_text);
        for (key, value) in &self.flags {
            values.set(key, value);
        }
        match document {
            Ok(document) => apply::apply(values, document, &self.variables),
            // What is missing besides nobody knows who has not read it.
            Err(problem) => {
                let mut problems = vec![*problem];
                problems.append(&mut values.into_problems());
                Err(ConfigurationError { problems })
            }
        }
    }
}

/// How the bot is reached, looked at, kept and ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Configuration {
    /// The bot's own part.
    pub bot: Config,
    /// Where the bot listens.
    pub listen: SocketAddr,
    /// Where calls are kept.
    pub store: StoreSettings,
    /// Its prompts.
    pub prompts: PromptSettings,
    /// Where it can be looked at and drained; none where there is no key for that.
    pub operations: Option<OperationsSettings>,
    /// Where its calls are traced; nowhere by default.
    pub trace: Option<TraceSettings>,
    /// How it is drained.
    pub drain: Drain,
    /// What may be a mistake, and is none for certain.
    pub warnings: Vec<String>,
    authorities: Option<Vec<u8>>,
    document: Option<Document>,
    settings: Vec<Setting>,
}

/// Where calls are traced.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TraceSettings {
    /// The file.
    pub file: PathBuf,
    /// Whether it shows the keys that were pressed.
    pub keys: KeyPresses,
}

impl TraceSettings {
    /// What [`Config::trace`] takes.
    ///
    /// # Errors
    /// Where the file cannot be opened.
    pub fn open(&self) -> std::io::Result<Recorder> {
        Ok(Recorder::to_file(&self.file)?.showing_keys(self.keys))
    }
}

/// Where calls are kept.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoreSettings {
    /// The file; in memory alone where there is none.
    pub file: Option<PathBuf>,
    /// The keys with which it is encrypted, where it is.
    pub keys: Option<Keys>,
}

impl StoreSettings {
    /// Opens it.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn open(&self) -> Result<Arc<dyn Store>, StoreError> {
        let store: Arc<dyn Store> = match &self.file {
            Some(file) => Arc::new(Embedded::open(file)?),
            None => Arc::new(Memory::new()),
        };
        Ok(match &self.keys {
            Some(keys) => Arc::new(Encrypted::new(store, Arc::new(keys.clone()))),
            None => store,
        })
    }
}

/// A bot's prompts.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PromptSettings {
    /// The library's settings, without who speaks.
    pub library: Settings,
    /// The folder of the prompts, where there is one.
    pub folder: Option<PathBuf>,
    /// When they are converted.
    pub load: Load,
    /// Who speaks.
    pub speech: Speech,
    /// Where the key is kept, and made where it is not there, that addresses are signed with. None where it is made of a
    /// secret, or of this process alone.
    pub kept_key: Option<PathBuf>,
}

impl PromptSettings {
    /// The library, with the prompts of the folder. `transport` carries what is spoken elsewhere.
    ///
    /// # Errors
    /// [`OpenPromptsError`]
    pub async fn open(
        &self,
        transport: Arc<dyn Transport>,
        clock: Clock,
    ) -> Result<Prompts, OpenPromptsError> {
        let mut library = self.library.clone();
        library.tts = self.speech.open(transport)?;
        if let Some(path) = &self.kept_key {
            library.key = prompt::Key::kept(path)?;
        }
        let prompts = Prompts::try_new(library, clock)?;
        if let Some(folder) = &self.folder {
            prompts.add_folder(folder, self.load).await?;
        }
        Ok(prompts)
    }
}

/// Why there are no prompts.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenPromptsError {
    /// One cannot be had.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// The key for their addresses cannot be had.
    #[error(transparent)]
    Key(#[from] prompt::KeyError),
}

/// Who speaks texts.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Speech {
    /// Nobody.
    Nobody,
    /// Azure's speech service.
    Azure {
        /// Its endpoint.
        endpoint: String,
        /// The key of the resource.
        key: SecretString,
        /// The voice.
        voice: String,
    },
    /// A program on this machine, with the options of espeak-ng.
    Program(PathBuf),
    /// A tone for each word: no speech, and nothing that a machine would have to have.
    Tones,
}

impl Speech {
    fn open(&self, transport: Arc<dyn Transport>) -> Result<Option<Arc<dyn Tts>>, PromptError> {
        Ok(match self {
            Self::Nobody => None,
            Self::Tones => Some(Arc::new(Tones)),
            Self::Azure { endpoint, key, voice } => {
                Some(Arc::new(AzureSpeech::at(endpoint, key.clone(), voice.clone(), transport)?))
            }
            Self::Program(path) => {
                let program = Program::new(path)
                    .with_args(["--stdin", "--stdout", "-b", "1"])
                    .with_voice_option("-v")
                    .with_ssml_option("-m");
                Some(Arc::new(program))
            }
        })
    }
}

/// Where a bot can be looked at and drained.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OperationsSettings {
    /// Where it listens for that.
    pub listen: SocketAddr,
    /// Who may.
    pub key: SecretString,
}

/// A key that was given, for whoever asks what is in effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The key.
    pub key: &'static str,
    /// Its value, as TOML; `***` for a secret.
    pub value: String,
    /// Where it was given.
    pub origin: Origin,
}

impl Configuration {
    /// What the bot sends its requests by: a transport that gives up connecting after `connect`, waits at most `total` for a
    /// whole response, and trusts the authorities of `cloud.ca_file` too.
    ///
    /// # Errors
    /// [`TransportError::Unreachable`] where TLS cannot be set up on this machine.
    pub fn transport(&self, connect: Duration, total: Duration) -> Result<Https, TransportError> {
        match &self.authorities {
            Some(pem) => Https::try_new_trusting(connect, total, pem),
            None => Https::try_new(connect, total),
        }
    }

    /// What was given, in the order of the keys. Nothing in it is secret.
    pub fn settings(&self) -> &[Setting] {
        &self.settings
    }

    /// The same as lines, with where each was given.
    pub fn in_words(&self) -> String {
        let mut text = String::new();
        for Setting { key, value, origin } in &self.settings {
            // Writing to a text does not fail.
            let _ = writeln!(text, "{key} = {value}  # {origin}");
        }
        text
    }

    pub(crate) fn document(&self) -> Option<&Document> {
        self.document.as_ref()
    }

    /// The file, where there is one.
    pub fn file(&self) -> Option<&Path> {
        self.document.as_ref().map(|document| document.path.as_path())
    }
}
