//! Text to speech: the trait, and three that speak.
//!
//! | | speaks |
//! | --- | --- |
//! | [`AzureSpeech`] | by Azure's speech service |
//! | [`Program`] | by a program on this machine, as espeak-ng: for tests and demos |
//! | [`Tones`] | not at all: a tone for each word, where nothing else is there |

mod azure_speech;
mod program;
mod tones;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;

use crate::client::TokenError;
use crate::transport::TransportError;

pub use azure_speech::{Access, AzureSpeech};
pub use program::Program;
pub use tones::Tones;

/// The most that is spoken at once, in bytes.
///
/// Source: Azure docs, Speech service quotas and limits (SSML of a turn).
pub const MAX_TEXT_BYTES: usize = 64 * 1024;

/// What is spoken, once it is.
pub type Speech<'a> = Pin<Box<dyn Future<Output = Result<Bytes, TtsError>> + Send + 'a>>;

/// Speaks texts.
///
/// ```
/// use callflow_graph::prompt::tts::{Speech, Tts, TtsError, Utterance};
///
/// /// Asks a service of one's own.
/// struct House;
///
/// impl Tts for House {
///     fn speak<'a>(&'a self, utterance: &'a Utterance) -> Speech<'a> {
///         Box::pin(async move {
///             let _text = utterance.content();
///             Err(TtsError::Other("the house is silent today; call it back tomorrow".to_owned()))
///         })
///     }
///
///     fn identity(&self) -> String {
///         "house, voice 3".to_owned()
///     }
/// }
/// ```
pub trait Tts: Send + Sync + 'static {
    /// Speaks it: a WAV, MP3, Ogg Vorbis or FLAC file. It is dropped where it takes too long.
    ///
    /// # Errors
    /// [`TtsError`], without the text: it is logged.
    fn speak<'a>(&'a self, utterance: &'a Utterance) -> Speech<'a>;

    /// What the sound depends on beside the utterance: the engine, its voice, its settings. What was spoken under another
    /// identity is spoken again.
    fn identity(&self) -> String;
}

/// Something to say. `Debug` does not print it: it may be personal.
///
/// ```
/// use callflow_graph::prompt::tts::Utterance;
///
/// let plain: Utterance = "Press one for sales.".into();
/// let german = Utterance::text("Für den Vertrieb die Eins.").with_language("de-DE");
/// # assert_ne!(plain, german);
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Utterance {
    content: Content,
    voice: Option<String>,
    language: Option<String>,
}

/// A text as it is read, or with marks how.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Content {
    /// Plain text.
    Text(String),
    /// SSML: a whole document, with its `speak` element. It names its voices itself.
    Ssml(String),
}

impl Utterance {
    /// Plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { content: Content::Text(text.into()), voice: None, language: None }
    }

    /// A document of SSML, with its `speak` element.
    pub fn ssml(document: impl Into<String>) -> Self {
        Self { content: Content::Ssml(document.into()), voice: None, language: None }
    }

    /// By this voice, as the service calls it: `de-DE-KatjaNeural`.
    #[must_use]
    pub fn with_voice(mut self, voice: impl Into<String>) -> Self {
        self.voice = Some(voice.into());
        self
    }

    /// In this language: `de-DE`.
    #[must_use]
    pub fn with_language(mut self, language: impl Into<String>) -> Self {
        self.language = Some(language.into());
        self
    }

    /// What to say.
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// By which voice, where it is said.
    pub fn voice(&self) -> Option<&str> {
        self.voice.as_deref()
    }

    /// In which language, where it is said.
    pub fn language(&self) -> Option<&str> {
        self.language.as_deref()
    }

    /// Refuses what cannot be spoken by anybody.
    pub(super) fn check(&self) -> Result<(), TtsError> {
        let text = self.content.as_str();
        if text.trim().is_empty() {
            return Err(TtsError::Empty);
        }
        if text.len() > MAX_TEXT_BYTES {
            return Err(TtsError::TooLong { bytes: text.len() });
        }
        Ok(())
    }
}

impl Content {
    /// The text, or the document.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Text(text) | Self::Ssml(text) => text,
        }
    }
}

impl From<&str> for Utterance {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Utterance {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl fmt::Debug for Utterance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Utterance")
            .field("content", &self.content)
            .field("voice", &self.voice)
            .field("language", &self.language)
            .finish()
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text(<redacted>)",
            Self::Ssml(_) => "Ssml(<redacted>)",
        })
    }
}

/// Why nothing is spoken. Nothing of the text is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TtsError {
    /// There is nothing to say.
    #[error("there is no text to speak; give some")]
    Empty,
    /// There is too much to say.
    #[error(
        "the text has {bytes} bytes, and {MAX_TEXT_BYTES} are spoken at once; make several prompts of it"
    )]
    TooLong {
        /// How many it has.
        bytes: usize,
    },
    /// A voice or a language has characters that no name of one has.
    #[error("{0:?} is no name of a voice or a language; give one as en-US-AvaMultilingualNeural, or en-US")]
    Voice(String),
    /// A region has characters that no name of one has.
    #[error("{0:?} is no region; give one as westeurope")]
    Region(String),
    /// The address is no https address.
    #[error("speech is not asked for at {0}: give an https address (http on loopback)")]
    Address(String),
    /// The service refuses, and will until something is changed.
    #[error("{host} does not speak ({status}): {what_to_do}")]
    Refused {
        /// The host.
        host: String,
        /// The HTTP status.
        status: u16,
        /// What to do.
        what_to_do: &'static str,
    },
    /// The service has had too many requests.
    #[error(
        "{host} has had too many requests (429){}; speak less at once, keep what was spoken in a folder, or have the quota raised",
        retry_after.map(|wait| format!(" and asks to wait {wait:?}")).unwrap_or_default()
    )]
    Throttled {
        /// The host.
        host: String,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// The service cannot now.
    #[error("{host} cannot speak now ({status}); try again later, or play a prompt that is there")]
    Unavailable {
        /// The host.
        host: String,
        /// The HTTP status.
        status: u16,
    },
    /// No token lets the request in: nothing was asked.
    #[error("no token for the speech service: {0}")]
    NoToken(TokenError),
    /// There was no answer.
    #[error("{0}; play a prompt that is there, or try again later")]
    NoAnswer(TransportError),
    /// A program is not there, or does not begin.
    #[error(
        "{program} cannot be run ({reason}); install it, as with `apt-get install espeak-ng`, or give its path"
    )]
    NoProgram {
        /// Which.
        program: String,
        /// What the system said.
        reason: String,
    },
    /// A program ended without having spoken.
    #[error("{program} did not speak: {reason}")]
    Program {
        /// Which.
        program: String,
        /// How it ended.
        reason: String,
    },
    /// One of an author's own.
    #[error("{0}")]
    Other(String),
}

/// Refuses what would not stay within the place that a voice or a language has in a document or in arguments.
fn check_name(name: &str) -> Result<(), TtsError> {
    let is_word = |c: char| {
        c.is_alphanumeric() || matches!(c, '-' | '_' | '+' | '.' | ':' | '(' | ')' | ' ' | ',' | '/')
    };
    if name.is_empty() || name.len() > 200 || name.starts_with('-') || !name.chars().all(is_word) {
        return Err(TtsError::Voice(name.chars().take(40).collect()));
    }
    Ok(())
}
