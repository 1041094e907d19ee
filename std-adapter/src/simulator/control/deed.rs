//! What somebody at the page, or a test, lets a person do.

use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use super::super::step::{Step, StepError};

/// Something that a person does now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// `pick up`: his phone rings.
    PickUp,
    /// `decline`: his phone rings.
    Decline,
    /// `join`: he is added to the call by those who are in it.
    Join,
    /// A step that waits for nothing: `press 1`, `speak 3s`, `mute`, `unmute`, `share`, `stop sharing`,
    /// `remove bot`, `end call`, `hang up`.
    Step(Step),
}

impl FromStr for Deed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["pick", "up"] => return Ok(Self::PickUp),
            ["decline"] => return Ok(Self::Decline),
            ["join"] => return Ok(Self::Join),
            _ => {}
        }
        match text.parse() {
            Ok(
                step @ (Step::Press(_)
                | Step::Speak(_)
                | Step::Mute
                | Step::Unmute
                | Step::Share
                | Step::StopSharing
                | Step::RemoveBot
                | Step::EndForAll
                | Step::HangUp),
            ) => Ok(Self::Step(step)),
            Ok(
                Step::Wait(_)
                | Step::AwaitAnswer
                | Step::AwaitPromptStart
                | Step::AwaitPromptEnd
                | Step::AwaitToneSubscription
                | Step::AwaitHangUp,
            ) => Err(format!("{text:?} waits: wait yourself, or give it in the `then` of a call")),
            Err(StepError::Unknown(_)) => Err(format!(
                "{text:?} is nothing that a person does: pick up, decline, join, press 1, speak 3s, mute, unmute, \
                 share, stop sharing, remove bot, end call and hang up are"
            )),
            Err(error @ (StepError::Time(_) | StepError::Key(_))) => Err(error.to_string()),
        }
    }
}

impl<'de> Deserialize<'de> for Deed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deed_is_one_that_waits_for_nothing() {
        for (text, expected) in [
            ("pick up", Ok(Deed::PickUp)),
            ("decline", Ok(Deed::Decline)),
            ("join", Ok(Deed::Join)),
            ("press #", Ok(Deed::Step(Step::Press('#')))),
            ("hang up", Ok(Deed::Step(Step::HangUp))),
            ("remove bot", Ok(Deed::Step(Step::RemoveBot))),
            ("await answer", Err("waits")),
            ("press 12", Err("no key")),
            ("dance", Err("nothing that a person does")),
            ("dance", Err("share, stop sharing, remove bot, end call")),
        ] {
            match (text.parse::<Deed>(), expected) {
                (Ok(deed), Ok(expected)) => assert_eq!(deed, expected),
                (Err(error), Err(words)) => assert!(error.contains(words), "{error}"),
                (read, _) => panic!("{text}: {read:?}"),
            }
        }
    }
}
