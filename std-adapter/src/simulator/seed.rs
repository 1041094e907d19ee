//! Who and what there is at the beginning: apps and people, as a file or the control API describes them.
//!
//! ```toml
#![doc = include_str!("seed/example.toml")]
//! ```

use std::collections::BTreeSet;
use std::time::Duration;

use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use super::person::{Person, WhenRung};
use super::step::{Step, StepError, time_in_words, time_of};
use super::{Issuer, Registration};

/// A seed as it may be written, with what each line does.
pub const EXAMPLE: &str = include_str!("seed/example.toml");

/// What a simulator begins with, and goes back to.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub struct Seed {
    /// The apps, by `[[app]]`.
    #[serde(default, rename = "app")]
    pub apps: Vec<AppSeed>,
    /// The people, by `[[person]]`.
    #[serde(default, rename = "person")]
    pub people: Vec<PersonSeed>,
}

/// Why a seed is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SeedError {
    /// It is no TOML, or says what a seed does not have.
    #[error("{0}")]
    Toml(String),
    /// Two have the same id.
    #[error("{0} is described twice: leave one out, or give it another name or id")]
    Twice(String),
}

impl Seed {
    /// Reads a file.
    ///
    /// # Errors
    /// [`SeedError`], with the line where there is one.
    pub fn read(text: &str) -> Result<Self, SeedError> {
        let seed: Self = toml::from_str(text).map_err(|error| {
            // Its own words show the whole line, where a secret may stand.
            let line = error
                .span()
                .and_then(|span| text.get(..span.start))
                .map(|before| before.matches('\n').count().saturating_add(1));
            let place = line.map(|line| format!("line {line}: ")).unwrap_or_default();
            SeedError::Toml(format!("{place}{}", error.message()))
        })?;
        let mut known = BTreeSet::new();
        let apps = seed.apps.iter().map(|app| app.id.clone());
        for id in apps.chain(seed.people.iter().map(PersonSeed::id)) {
            if !known.insert(super::plain(&id)) {
                return Err(SeedError::Twice(id));
            }
        }
        Ok(seed)
    }
}

/// An app, as an administrator registers it.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub struct AppSeed {
    /// Its application id.
    pub id: String,
    /// The tenant that gave its consent.
    pub tenant: String,
    /// Its client secret. It is never shown again.
    #[schema(value_type = String, write_only)]
    pub secret: secrecy::SecretString,
    /// Where its incoming calls are announced.
    pub callback: String,
    /// Whom the tokens of its notifications name as their issuer: `botframework` or `graph`.
    #[serde(default)]
    pub issuer: Issuer,
    /// The application permissions that were granted.
    #[serde(default)]
    pub permissions: BTreeSet<String>,
}

impl From<AppSeed> for Registration {
    fn from(app: AppSeed) -> Self {
        let mut registration =
            Self::new(app.id, app.tenant, app.secret.expose_secret().to_owned(), app.callback);
        registration.permissions = app.permissions;
        registration.issued_by(app.issuer)
    }
}

/// A person.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub struct PersonSeed {
    /// His object id; one made of his name where it is left out.
    #[serde(default)]
    pub id: Option<String>,
    /// His name.
    pub name: String,
    /// What he does when a bot calls him: `ask` (somebody decides while it rings), `pick up after 2s`, `decline`,
    /// `ignore`, or one of the others that [`Habit`] has.
    #[serde(default)]
    #[schema(value_type = String, example = "pick up after 2s")]
    pub when_rung: Habit,
    /// What he does once he picked up.
    #[serde(default)]
    #[schema(value_type = Vec<String>, example = json!(["await prompt end", "press 1"]))]
    pub then: Vec<Step>,
}

impl PersonSeed {
    /// His object id.
    pub fn id(&self) -> String {
        self.id.clone().unwrap_or_else(|| id_of(&self.name))
    }
}

/// An object id for a name: always the same.
pub(super) fn id_of(name: &str) -> String {
    const PEOPLE: uuid::Uuid = uuid::uuid!("0f2c9d1e-5f55-4f5c-8f0f-8a3b7a2f5d10");
    uuid::Uuid::new_v5(&PEOPLE, name.as_bytes()).to_string()
}

impl From<PersonSeed> for Person {
    fn from(seed: PersonSeed) -> Self {
        let when_rung = match seed.when_rung.clone() {
            Habit::PickUp(after) => WhenRung::PickUp { after, then: seed.then.clone() },
            Habit::Decline => WhenRung::Decline,
            Habit::Ignore => WhenRung::Ignore,
            Habit::Ask => WhenRung::Ask,
            Habit::Busy => WhenRung::Busy,
            Habit::Unreachable => WhenRung::Unreachable,
            Habit::NoEndpoint => WhenRung::NoEndpoint,
            Habit::NoSignaling => WhenRung::NoSignaling,
            Habit::PrivateCallingDisabled => WhenRung::PrivateCallingDisabled,
            Habit::AcceptanceLost(after) => WhenRung::AcceptanceLost { after },
            Habit::NoMedia(after) => WhenRung::NoMedia { after },
            Habit::VoiceMail(after) => WhenRung::VoiceMail { after },
            Habit::Forward(to) => WhenRung::Forward { to },
        };
        Self { id: seed.id(), display_name: seed.name, when_rung }
    }
}

impl From<&Person> for PersonSeed {
    fn from(person: &Person) -> Self {
        let (when_rung, then) = match &person.when_rung {
            WhenRung::PickUp { after, then } => (Habit::PickUp(*after), then.clone()),
            WhenRung::Decline => (Habit::Decline, Vec::new()),
            WhenRung::Ignore => (Habit::Ignore, Vec::new()),
            WhenRung::Ask => (Habit::Ask, Vec::new()),
            WhenRung::Busy => (Habit::Busy, Vec::new()),
            WhenRung::Unreachable => (Habit::Unreachable, Vec::new()),
            WhenRung::NoEndpoint => (Habit::NoEndpoint, Vec::new()),
            WhenRung::NoSignaling => (Habit::NoSignaling, Vec::new()),
            WhenRung::PrivateCallingDisabled => (Habit::PrivateCallingDisabled, Vec::new()),
            WhenRung::AcceptanceLost { after } => (Habit::AcceptanceLost(*after), Vec::new()),
            WhenRung::NoMedia { after } => (Habit::NoMedia(*after), Vec::new()),
            WhenRung::VoiceMail { after } => (Habit::VoiceMail(*after), Vec::new()),
            WhenRung::Forward { to } => (Habit::Forward(to.clone()), Vec::new()),
        };
        Self { id: Some(person.id.clone()), name: person.display_name.clone(), when_rung, then }
    }
}

/// What somebody does whose phone rings, without what he does then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Habit {
    /// `ask`: somebody decides.
    #[default]
    Ask,
    /// `pick up after 2s`, or `pick up`.
    PickUp(Duration),
    /// `decline`
    Decline,
    /// `ignore`
    Ignore,
    /// `busy`
    Busy,
    /// `unreachable`
    Unreachable,
    /// `no endpoint`
    NoEndpoint,
    /// `no signaling`
    NoSignaling,
    /// `private calling disabled`
    PrivateCallingDisabled,
    /// `acceptance lost after 2s`
    AcceptanceLost(Duration),
    /// `no media after 2s`
    NoMedia(Duration),
    /// `voice mail after 20s`
    VoiceMail(Duration),
    /// `forward to ID`: the object id of another person, or a telephone number.
    Forward(String),
}

/// The habits that have no argument.
const PLAIN: [(&str, Habit); 8] = [
    ("ask", Habit::Ask),
    ("decline", Habit::Decline),
    ("ignore", Habit::Ignore),
    ("busy", Habit::Busy),
    ("unreachable", Habit::Unreachable),
    ("no endpoint", Habit::NoEndpoint),
    ("no signaling", Habit::NoSignaling),
    ("private calling disabled", Habit::PrivateCallingDisabled),
];

/// A text that is no habit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HabitError {
    /// There is none of this name.
    #[error(
        "{0:?} is nothing that a phone's owner does: ask, pick up after 2s, decline, ignore, busy, \
         unreachable, no endpoint, no signaling, private calling disabled, acceptance lost after 2s, no media after 2s, voice mail \
         after 20s and forward to ID are"
    )]
    Unknown(String),
    /// The time of it cannot be read.
    #[error(transparent)]
    Time(#[from] StepError),
}

impl std::str::FromStr for Habit {
    type Err = HabitError;

    fn from_str(text: &str) -> Result<Self, HabitError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        if let Some((_, habit)) = PLAIN.iter().find(|(name, _)| words == name.split(' ').collect::<Vec<_>>())
        {
            return Ok(habit.clone());
        }
        match words.as_slice() {
            ["pick", "up"] => Ok(Self::PickUp(Duration::ZERO)),
            ["pick", "up", "after", time] => Ok(Self::PickUp(time_of(time)?)),
            ["acceptance", "lost", "after", time] => Ok(Self::AcceptanceLost(time_of(time)?)),
            ["no", "media", "after", time] => Ok(Self::NoMedia(time_of(time)?)),
            ["voice", "mail", "after", time] => Ok(Self::VoiceMail(time_of(time)?)),
            ["forward", "to", id] => Ok(Self::Forward((*id).to_owned())),
            _ => Err(HabitError::Unknown(text.to_owned())),
        }
    }
}

impl std::fmt::Display for Habit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::PickUp(after) => write!(f, "pick up after {}", time_in_words(*after)),
            Self::AcceptanceLost(after) => write!(f, "acceptance lost after {}", time_in_words(*after)),
            Self::NoMedia(after) => write!(f, "no media after {}", time_in_words(*after)),
            Self::VoiceMail(after) => write!(f, "voice mail after {}", time_in_words(*after)),
            Self::Forward(to) => write!(f, "forward to {to}"),
            Self::Ask
            | Self::Decline
            | Self::Ignore
            | Self::Busy
            | Self::Unreachable
            | Self::NoEndpoint
            | Self::NoSignaling
            | Self::PrivateCallingDisabled => {
                let name = PLAIN.iter().find(|(_, habit)| habit == self).map(|(name, _)| *name);
                f.write_str(name.unwrap_or_default())
            }
        }
    }
}

impl<'de> Deserialize<'de> for Habit {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Habit {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_read() {
        let seed = Seed::read(EXAMPLE).unwrap();
        assert_eq!(seed.apps.len(), 1);
        let people: Vec<Person> = seed.people.into_iter().map(Person::from).collect();
        assert_eq!(people.len(), 3);
        assert_eq!(people[1].id, id_of("Ben"));
        let WhenRung::PickUp { after, then } = &people[1].when_rung else { panic!("{:?}", people[1]) };
        assert_eq!((*after, then.len()), (Duration::from_secs(2), 3));
        for person in &people {
            assert_eq!(Person::from(PersonSeed::from(person)).id, person.id);
        }
    }

    #[test]
    fn a_habit_is_written_as_it_is_read() {
        let timed = [
            "pick up after 250ms",
            "acceptance lost after 2s",
            "no media after 2s",
            "voice mail after 20s",
            "forward to +15550100",
        ];
        for text in PLAIN.map(|(name, _)| name).into_iter().chain(timed) {
            let habit: Habit = text.parse().unwrap();
            assert_eq!(habit.to_string(), text);
            let seed =
                PersonSeed { id: None, name: "Ada".to_owned(), when_rung: habit.clone(), then: Vec::new() };
            assert_eq!(PersonSeed::from(&Person::from(seed)).when_rung, habit, "{text}");
        }
        assert_eq!("pick up".parse(), Ok(Habit::PickUp(Duration::ZERO)));
        assert_eq!(
            "pick up after 2".parse::<Habit>(),
            Err(HabitError::Time(StepError::Time("2".to_owned())))
        );
        assert_eq!("sleep".parse::<Habit>(), Err(HabitError::Unknown("sleep".to_owned())));
    }

    #[test]
    fn a_mistake_is_shown_where_it_is() {
        let secret = Seed::read("[[app]]\nid = \"a\"\nsecert = \"planted\"").unwrap_err().to_string();
        assert!(
            !secret.contains("planted") && secret.starts_with("line 3: unknown field `secert`"),
            "{secret}"
        );
        for (text, expected) in [
            ("[[persn]]\nname = \"Ada\"", "line 1"),
            ("[[person]]\nnam = \"Ada\"", "unknown field `nam`"),
            ("[[person]]\nname = \"Ada\"\nwhen_rung = \"dance\"", "dance"),
            ("[[person]]\nname = \"Ada\"\nthen = [\"press x\"]", "is no key"),
            ("[[person]]\nname = \"Ada\"\n[[person]]\nname = \"Ada\"", "described twice"),
            ("[[app]]\nid = \"a\"", "missing field `tenant`"),
        ] {
            let error = Seed::read(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
