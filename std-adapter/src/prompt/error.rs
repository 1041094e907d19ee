//! Why there is no prompt.

use std::path::PathBuf;
use std::time::Duration;

use super::convert::ConvertError;
use super::tts::TtsError;

/// Why there is no prompt. Nothing in it is secret: no text that was to be spoken, no signature.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PromptError {
    /// The service would not fetch from there.
    #[error(
        "prompts are fetched from {0}, which the service cannot use: give an https address, without a query (http on \
         loopback)"
    )]
    Address(String),
    /// It cannot be called so.
    #[error("{0:?} is no name for a prompt: give 1…100 bytes without slashes and control characters")]
    Name(String),
    /// There is no prompt of this name.
    #[error("there is no prompt {0:?}; add it, or look how its file is called")]
    Unknown(String),
    /// Two files would be one prompt.
    #[error("{first} and {second} would both be the prompt {name:?}; rename one")]
    Duplicate {
        /// The name.
        name: String,
        /// The one file.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// A file or folder cannot be read.
    #[error("{path} cannot be read ({reason}); look whether it is there, and readable")]
    Unreadable {
        /// Where.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The service could not play it.
    #[error("the prompt {name:?} is refused: {reason}")]
    Refused {
        /// The name.
        name: String,
        /// Why, and the way out.
        reason: ConvertError,
    },
    /// Several files of a folder are refused, and so the folder is: each with its reason.
    #[error("{} files of the folder are refused: {}", .0.len(), listed(.0))]
    Folder(Vec<PromptError>),
    /// Prompts that were given as bytes stay in memory, and there is no room for one more.
    #[error(
        "there is no room in memory for the prompt {name:?}: allow more than {limit} bytes, or add it as a file"
    )]
    Full {
        /// The name.
        name: String,
        /// [`Settings::memory`](super::Settings::memory).
        limit: usize,
    },
    /// It took too long to make.
    #[error(
        "the prompt {name:?} was not made within {within:?}; shorten it, look what is slow, or allow more time"
    )]
    TooSlow {
        /// The name.
        name: String,
        /// [`Settings::within`](super::Settings::within).
        within: Duration,
    },
    /// Nobody is there to speak.
    #[error(
        "no text-to-speech is set up; give one as `Settings::tts`, or in a configuration as `prompts.speech`"
    )]
    NoTts,
    /// It could not be spoken.
    #[error(transparent)]
    Tts(#[from] TtsError),
}

fn listed(refused: &[PromptError]) -> String {
    refused.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// So that a handler can say `call.play(prompts.url("menu")?)`.
impl From<PromptError> for crate::bot::HandlerError {
    fn from(error: PromptError) -> Self {
        Self::Other(error.to_string())
    }
}
