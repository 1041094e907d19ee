//! The built-in IVR: menus that a file describes, and the handler that walks callers through them.
//!
//! ```toml
#![doc = include_str!("ivr/example.toml")]
//! ```
//!
//! A key is `0` to `9`, `star` (`"*"`), `pound` (`"#"`), or `A` to `D`. One that is pressed while the menu is played stops it.
//! One that is pressed while something else is played, or while a caller is transferred, counts in the menu that comes next,
//! which is not played then: who knows the way presses it at once. One that is pressed during a recording ends it, and
//! does nothing else. A key that means nothing is answered with the menu again, and those that were pressed after it and
//! not heard yet are forgotten. So is, and counts as such a key, a transfer that fails, and that a caller presses no key
//! within `no_input_seconds` of the prompt's end. After more than `retries` of these the bot says goodbye.
//!
//! What cannot be played is left out: a menu waits for its keys all the same.
//!
//! # Calls that the bot places
//!
//! `[outgoing.NAME]` says whom it calls, and which menu he comes to when he picks up. `callflow calls place NAME` has it
//! placed, or `POST /outgoing/NAME` of [`operations`](crate::operations), as often as it is asked. Where nobody picks up
//! within `ring_seconds` it is hung up. Where voice mail takes it, as far as the service tells, it is told what
//! `voice_mail_say` says, and hung up. Without `Calls.Initiate.All` it is refused, where the grants are known.
//!
//! The handler is made of the [pieces](crate::piece) that a bot of one's own is made of. What a caller is at is kept with
//! his call, so that it outlives a restart. The whole description is checked at the start:
//! menus and prompts that there are not, keys that come twice, menus that nothing leads to, and permissions that lack.

mod doing;
mod handler;
mod outgoing;
mod read;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use callflow_core::media::Tone;
use callflow_core::permission::{Grants, Permission};
use serde::{Deserialize, Serialize};

use crate::configuration::{Configuration, ConfigurationError, OTHER_TABLES};
use crate::prompt::{PromptError, Prompts};
use crate::session::Target;
use crate::transport::Transport;

pub use handler::{Ivr, Place};
pub use outgoing::{Dialler, Outgoing};

/// Menus as they may be described, with what each line does.
pub const EXAMPLE: &str = include_str!("ivr/example.toml");

/// Menus, as a file describes them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Menus {
    /// The one that callers come to.
    pub start: String,
    /// All, by their names.
    pub by_name: BTreeMap<String, Menu>,
    /// The calls that the bot places when it is told to, by their names.
    pub outgoing: BTreeMap<String, Outgoing>,
    /// The folder for what is recorded.
    pub recordings: Option<PathBuf>,
    /// What may be a mistake, and is none for certain.
    pub warnings: Vec<String>,
}

/// A menu.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Menu {
    /// What is played to whoever comes to it.
    pub prompt: Sound,
    /// What is played after a key that means nothing, before the menu again.
    pub invalid: Option<Sound>,
    /// What is played before the bot hangs up.
    pub goodbye: Option<Sound>,
    /// How many keys may mean nothing.
    pub retries: u32,
    /// How long after the prompt a key is waited for. None in this time is as one that means nothing.
    pub no_input: Duration,
    /// What each key does.
    pub keys: Vec<(Tone, Choice)>,
}

impl Menu {
    /// What a key does.
    pub fn choice(&self, tone: Tone) -> Option<&Choice> {
        self.keys.iter().find(|(key, _)| *key == tone).map(|(_, choice)| choice)
    }

    /// What the key does that this stands on.
    fn of_key(&self, key: char) -> Option<&Choice> {
        self.keys.iter().find(|(tone, _)| tone.key() == Some(key)).map(|(_, choice)| choice)
    }

    /// Everything that it plays.
    fn sounds(&self) -> impl Iterator<Item = &Sound> {
        let of_keys = self.keys.iter().filter_map(|(_, choice)| match choice {
            Choice::Play { sound, .. } => Some(sound),
            _ => None,
        });
        std::iter::once(&self.prompt).chain(&self.invalid).chain(&self.goodbye).chain(of_keys)
    }
}

/// Something to play.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sound {
    /// A prompt of this name.
    Prompt(String),
    /// A text that is spoken.
    Say(String),
}

/// What a key does.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Choice {
    /// Leads to another menu.
    Menu(String),
    /// Plays something.
    Play {
        /// What.
        sound: Sound,
        /// What comes afterwards.
        then: Then,
    },
    /// Transfers the caller.
    Transfer(Target),
    /// Records what he says.
    Record {
        /// How long at most, in seconds.
        seconds: u8,
        /// What comes afterwards.
        then: Then,
    },
    /// Plays the menu again.
    Repeat,
    /// Hangs up.
    HangUp,
}

/// What comes after something was played or recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Then {
    /// The menu again.
    #[default]
    Repeat,
    /// The bot hangs up.
    HangUp,
}

/// A sound cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("{table}: {error}")]
pub struct SoundError {
    /// The table that names it, as `menu.main`.
    pub table: String,
    /// Why.
    pub error: PromptError,
}

impl Menus {
    /// The menus of a configuration's file.
    ///
    /// # Errors
    /// [`ConfigurationError`], with everything that is wrong.
    pub fn read(configuration: &Configuration) -> Result<Self, ConfigurationError> {
        let mut menus = read::read(configuration.document())?;
        menus.warn_of_permissions(configuration.bot.grants);
        Ok(menus)
    }

    /// Whether a configuration's file describes any, well or not.
    pub(crate) fn are_in(configuration: &Configuration) -> bool {
        let table = configuration.document().map(|document| document.parse());
        table
            .and_then(Result::ok)
            .is_some_and(|table| OTHER_TABLES.iter().any(|name| table.get_ref().contains_key(*name)))
    }

    /// Looks for every prompt, and has every text spoken, so that no caller waits for it.
    ///
    /// # Errors
    /// [`SoundError`] of the first that is not to be had.
    pub async fn prepare(&self, prompts: &Prompts) -> Result<(), SoundError> {
        for (name, menu) in &self.by_name {
            for sound in menu.sounds() {
                sound.check(prompts, || format!("menu.{name}")).await?;
            }
        }
        for (name, outgoing) in &self.outgoing {
            if let Some(sound) = &outgoing.voice_mail {
                sound.check(prompts, || format!("outgoing.{name}")).await?;
            }
        }
        Ok(())
    }

    /// The handler.
    pub fn handler(self, prompts: Prompts, transport: Arc<dyn Transport>) -> Ivr {
        Ivr::new(self, prompts, transport)
    }

    fn warn_of_permissions(&mut self, grants: Grants) {
        let Grants::Known(granted) = grants else { return };
        let transfers = |choice: &Choice| matches!(choice, Choice::Transfer(_));
        let has = |wanted: &dyn Fn(&Choice) -> bool| {
            self.by_name.values().flat_map(|menu| &menu.keys).any(|(_, choice)| wanted(choice))
        };
        let mut warnings = Vec::new();
        if has(&transfers) && !granted.has(Permission::InitiateAll) {
            warnings.push(
                "callers are transferred, which needs Calls.Initiate.All, and it is not granted".to_owned(),
            );
        }
        if !self.outgoing.is_empty()
            && let Some(missing) = outgoing::lacks(grants)
        {
            warnings.push(format!("somebody is called, which needs {missing}, and it is not granted"));
        }
        if !granted.has(Permission::AccessMediaAll) {
            warnings.push("no key is heard without Calls.AccessMedia.All, and it is not granted".to_owned());
        }
        self.warnings.append(&mut warnings);
    }
}

impl Sound {
    async fn check(&self, prompts: &Prompts, table: impl Fn() -> String) -> Result<(), SoundError> {
        self.address(prompts).await.map(drop).map_err(|error| SoundError { table: table(), error })
    }

    async fn address(&self, prompts: &Prompts) -> Result<crate::session::Address, PromptError> {
        match self {
            Self::Prompt(name) => prompts.url(name),
            Self::Say(text) => prompts.say(text.as_str()).await,
        }
    }
}
