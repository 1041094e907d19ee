//! What is wrong with a configuration: each fault with its key, where that stands, and the way out.

use std::fmt;
use std::path::PathBuf;

/// Where a value was given.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// In the file, at this line and column, from 1.
    File {
        /// Which file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// The column, in characters.
        column: usize,
    },
    /// In the environment, by this variable.
    Variable(String),
    /// By a flag, or by [`Sources::set`](super::Sources::set).
    Flag,
    /// Nowhere: it is missing, or by default.
    Nowhere,
}

impl Origin {
    /// What overrides what: a flag the environment, and that the file.
    pub(super) const fn rank(&self) -> u8 {
        match self {
            Self::Nowhere => 0,
            Self::File { .. } => 1,
            Self::Variable(_) => 2,
            Self::Flag => 3,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line, column } => write!(f, "{}:{line}:{column}", path.display()),
            Self::Variable(name) => write!(f, "the variable {name}"),
            Self::Flag => f.write_str("a flag"),
            Self::Nowhere => f.write_str("configuration"),
        }
    }
}

/// What is wrong with one key. No text of it holds a value that may be secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The file cannot be read.
    #[error("it cannot be read ({0}); check the path and who may read it")]
    Unreadable(String),
    /// The file is no TOML.
    #[error("this is no TOML: {0}")]
    Syntax(String),
    /// There is no such key.
    #[error("there is no such key{}; `callflow config --example` lists all", in_question(.0.as_deref()))]
    UnknownKey(Option<String>),
    /// The value has another type.
    #[error("{found} stands here; give {expected}")]
    Type {
        /// What is expected, with an example.
        expected: String,
        /// What is there.
        found: &'static str,
    },
    /// The value is none of a list.
    #[error("`{found}` is none of these: {}{}", .among.join(", "), in_question(.meant.as_deref()))]
    Choice {
        /// What is there.
        found: String,
        /// What may be.
        among: Vec<String>,
        /// Which is the nearest.
        meant: Option<String>,
    },
    /// The value is too small or too large.
    #[error("{found} is out of range; give {least} to {most}")]
    Range {
        /// What is there.
        found: String,
        /// The least.
        least: String,
        /// The most.
        most: String,
    },
    /// The address is none that the service would use.
    #[error("this is no https address (plain http is for loopback only); give one as https://bot.example{0}")]
    Address(&'static str),
    /// A secret stands where it can be read by others.
    #[error(
        "a secret does not belong in the file, nor in a flag; set the variable {variable}, or give a file that holds it as \
         `{file_key}`"
    )]
    SecretInTheOpen {
        /// The variable.
        variable: String,
        /// The key for a file.
        file_key: String,
    },
    /// A key that has to be there.
    #[error("it is missing; add it to the file, or set the variable {0}")]
    Missing(String),
    /// A secret that has to be there.
    #[error("it is missing; set the variable {variable}, or give a file that holds it as `{file_key}`")]
    MissingSecret {
        /// The variable.
        variable: String,
        /// The key for a file.
        file_key: String,
    },
    /// It goes with another key, or with none.
    #[error("{0}")]
    Together(String),
    /// Something that is made of it says what is wrong.
    #[error("{0}")]
    Refused(String),
}

fn in_question(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

/// A fault, with its key and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The key, as `webhook.callback`; empty where the file itself is at fault.
    pub key: String,
    /// Where it stands.
    pub origin: Origin,
    /// What is wrong, and the way out.
    pub fault: Fault,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, origin, fault } = self;
        if key.is_empty() { write!(f, "{origin}: {fault}") } else { write!(f, "{origin}: {key}: {fault}") }
    }
}

/// Everything that is wrong with a configuration, not the first fault alone. `Display` writes a line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigurationError {
    /// In the order of the keys.
    pub problems: Vec<Problem>,
}

impl fmt::Display for ConfigurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, problem) in self.problems.iter().enumerate() {
            if place > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigurationError {}

/// The one of `names` that `word` was most likely meant to be.
pub(crate) fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    /// From here on two words are taken for the same, mistyped.
    const ALIKE: f64 = 0.8;
    let word = word.to_ascii_lowercase();
    let alike = |name: &str| strsim::normalized_damerau_levenshtein(&word, &name.to_ascii_lowercase());
    let scored = names.into_iter().map(|name| (alike(name), name));
    let best = scored.max_by(|(one, _), (other, _)| one.total_cmp(other));
    // A short word may differ in a single letter.
    best.filter(|(score, name)| *score >= ALIKE || (name.len() < 8 && *score >= 0.6))
        .map(|(_, name)| name.to_owned())
}
