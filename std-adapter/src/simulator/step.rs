//! What a person does, one thing after another, and how a file writes it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Something that a person does, or waits for.
///
/// In files and in JSON it is a text: `wait 2s`, `await answer`, `await prompt`, `await prompt end`, `await tones`,
/// `press 1`, `speak 3s`, `mute`, `unmute`, `share`, `stop sharing`, `remove bot`, `end call`, `hang up`, `await hang up`. A
/// time is a whole number of milliseconds or seconds: `250ms`, `2s`.
///
/// ```
/// use std::time::Duration;
/// use callflow_graph::simulator::Step;
///
/// assert_eq!("wait 2s".parse(), Ok(Step::Wait(Duration::from_secs(2))));
/// assert_eq!(Step::Press('#').to_string(), "press #");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// He waits this long.
    Wait(Duration),
    /// He waits until the call is established.
    AwaitAnswer,
    /// He waits until a prompt begins, one that he has not waited for yet.
    AwaitPromptStart,
    /// He waits until a prompt ends, one that he has not waited for yet.
    AwaitPromptEnd,
    /// He waits until the bot listens to tones.
    AwaitToneSubscription,
    /// He presses a key: a digit, `*` or `#`.
    Press(char),
    /// He speaks this long, and is heard by whoever records.
    Speak(Duration),
    /// He mutes himself.
    Mute,
    /// He unmutes himself.
    Unmute,
    /// He hangs up.
    HangUp,
    /// He shares his screen.
    Share,
    /// He shares it no longer.
    StopSharing,
    /// He removes the bot from the call: 200/5300.
    RemoveBot,
    /// He ends the call for everybody: 200/5001.
    EndForAll,
    /// He waits until the bot hangs up.
    AwaitHangUp,
}

/// A text that is no step.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// No step begins so.
    #[error(
        "{0:?} is no step: wait 2s, await answer, await prompt, await prompt end, await tones, press 1, speak 3s, \
         mute, unmute, share, stop sharing, remove bot, end call, hang up and await hang up are"
    )]
    Unknown(String),
    /// The time of it cannot be read.
    #[error("{0:?} is no time: 250ms and 2s are")]
    Time(String),
    /// There is no such key.
    #[error("{0:?} is no key: a digit, * and # are")]
    Key(String),
}

/// The steps that have no argument.
const PLAIN: [(&str, Step); 12] = [
    ("mute", Step::Mute),
    ("unmute", Step::Unmute),
    ("await answer", Step::AwaitAnswer),
    ("await prompt", Step::AwaitPromptStart),
    ("await prompt end", Step::AwaitPromptEnd),
    ("await tones", Step::AwaitToneSubscription),
    ("hang up", Step::HangUp),
    ("share", Step::Share),
    ("stop sharing", Step::StopSharing),
    ("remove bot", Step::RemoveBot),
    ("end call", Step::EndForAll),
    ("await hang up", Step::AwaitHangUp),
];

impl FromStr for Step {
    type Err = StepError;

    fn from_str(text: &str) -> Result<Self, StepError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        if let Some((_, step)) = PLAIN.iter().find(|(name, _)| words == name.split(' ').collect::<Vec<_>>()) {
            return Ok(step.clone());
        }
        match words.as_slice() {
            ["wait", time] => time_of(time).map(Self::Wait),
            ["speak", time] => time_of(time).map(Self::Speak),
            ["press", key] => key_of(key).map(Self::Press),
            _ => Err(StepError::Unknown(text.to_owned())),
        }
    }
}

/// A key as a phone has it.
pub(super) fn key_of(text: &str) -> Result<char, StepError> {
    let mut keys = text.chars();
    let key = keys.next().filter(|key| keys.next().is_none() && "0123456789*#".contains(*key));
    key.ok_or_else(|| StepError::Key(text.to_owned()))
}

/// A time as a file writes it.
pub(super) fn time_of(text: &str) -> Result<Duration, StepError> {
    let read = |number: &str, of: fn(u64) -> Duration| number.parse().ok().map(of);
    let time = match text.strip_suffix("ms") {
        Some(number) => read(number, Duration::from_millis),
        None => text.strip_suffix('s').and_then(|number| read(number, Duration::from_secs)),
    };
    time.ok_or_else(|| StepError::Time(text.to_owned()))
}

/// A time as a file writes it.
pub(super) fn time_in_words(time: Duration) -> String {
    if time.subsec_millis() == 0 { format!("{}s", time.as_secs()) } else { format!("{}ms", time.as_millis()) }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wait(time) => write!(f, "wait {}", time_in_words(*time)),
            Self::Speak(time) => write!(f, "speak {}", time_in_words(*time)),
            Self::Press(key) => write!(f, "press {key}"),
            Self::AwaitAnswer
            | Self::AwaitPromptStart
            | Self::AwaitPromptEnd
            | Self::AwaitToneSubscription
            | Self::Mute
            | Self::Unmute
            | Self::HangUp
            | Self::Share
            | Self::StopSharing
            | Self::RemoveBot
            | Self::EndForAll
            | Self::AwaitHangUp => {
                let name = PLAIN.iter().find(|(_, step)| step == self).map(|(name, _)| *name);
                f.write_str(name.unwrap_or_default())
            }
        }
    }
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_written_as_it_is_read() {
        for (text, step) in [
            ("wait 250ms", Step::Wait(Duration::from_millis(250))),
            ("speak 3s", Step::Speak(Duration::from_secs(3))),
            ("press *", Step::Press('*')),
        ]
        .into_iter()
        .chain(PLAIN)
        {
            assert_eq!(text.parse().as_ref(), Ok(&step), "{text}");
            assert_eq!(step.to_string(), text);
        }
        assert_eq!("  hang   up ".parse(), Ok(Step::HangUp));
    }

    #[test]
    fn what_is_no_step_is_refused_by_what_is_wrong() {
        for (text, expected) in [
            ("dance", StepError::Unknown("dance".to_owned())),
            ("press", StepError::Unknown("press".to_owned())),
            ("", StepError::Unknown(String::new())),
            ("wait 2", StepError::Time("2".to_owned())),
            ("wait -1s", StepError::Time("-1s".to_owned())),
            ("speak 2min", StepError::Time("2min".to_owned())),
            ("press 12", StepError::Key("12".to_owned())),
            ("press a", StepError::Key("a".to_owned())),
        ] {
            assert_eq!(text.parse::<Step>(), Err(expected), "{text}");
        }
    }
}
