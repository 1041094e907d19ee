//! A scenario as its file says it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use toml::Spanned;

use super::pattern::{Kind, Pattern};
use super::placeholder;
use crate::simulator::seed::PersonSeed;
use crate::simulator::{Config, Fault, Faults, Person, Step};

/// How long a scenario may take where its file says nothing else.
const LIMIT: Duration = Duration::from_secs(60);
/// Words in braces that stand for what is known only when it runs.
pub(super) const RESERVED: [&str; 2] = ["tenant", "app"];

/// Why a file is no scenario.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScenarioError {
    /// It is no TOML, or has a key that a scenario does not have, or a value of another type.
    #[error("{0}")]
    Toml(String),
    /// A value cannot be what it is.
    #[error("line {line}: {reason}")]
    Value {
        /// The line, from 1.
        line: usize,
        /// What is wrong, and the way out.
        reason: String,
    },
}

/// Who does what in a call, and what must be seen of it.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What happens, in a few words.
    pub name: String,
    /// What it shows.
    pub shows: String,
    /// The page of the documentation that says so, or where else it is from.
    pub source: String,
    pub(super) permissions: BTreeSet<String>,
    pub(super) faults: Vec<Fault>,
    pub(super) limit: Duration,
    pub(super) people: Vec<PersonSeed>,
    pub(super) acts: Vec<(Duration, Act)>,
    pub(super) see: Vec<Vec<Expectation>>,
    pub(super) never: Vec<Expectation>,
    pub(super) ends: Vec<End>,
}

/// Something that is done to the bot.
#[derive(Clone, Debug)]
pub(super) enum Act {
    /// Somebody calls it.
    Call(CallAct),
    /// Who operates it tells it something.
    Tell(TellAct),
    /// Somebody is added to the first call by those who are in it.
    Add { person: String },
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CallAct {
    pub(super) from: String,
    #[serde(default)]
    at: Time,
    #[serde(default)]
    pub(super) recording: bool,
    #[serde(default)]
    pub(super) then: Vec<Step>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TellAct {
    #[serde(default)]
    at: Time,
    #[serde(default = "post")]
    pub(super) method: String,
    pub(super) path: String,
    #[serde(default)]
    pub(super) body: Option<Value>,
}

fn post() -> String {
    "POST".to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AddAct {
    person: String,
    #[serde(default)]
    at: Time,
}

/// Something that must be seen, or must not.
#[derive(Clone, Debug)]
pub(super) struct Expectation {
    /// Where it stands in the file, from 1.
    pub(super) line: usize,
    pub(super) pattern: Pattern,
    /// At the latest so long after what was seen before it.
    pub(super) within: Option<Duration>,
    /// So often in all, where that is said.
    pub(super) exactly: Option<usize>,
    /// Of what must not be: not more often than this.
    pub(super) more_than: Option<usize>,
}

/// How a call stands in the end.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) line: usize,
    pub(super) file: EndFile,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EndFile {
    #[serde(default = "terminated")]
    pub(super) state: String,
    /// `200/7000`, or `none`.
    #[serde(default)]
    pub(super) result: Option<String>,
    #[serde(default)]
    pub(super) kind: Option<CallKind>,
}

fn terminated() -> String {
    "terminated".to_owned()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum CallKind {
    PeerToPeer,
    Group,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    shows: String,
    source: String,
    #[serde(default)]
    permissions: BTreeSet<String>,
    #[serde(default = "usual_faults")]
    faults: Vec<Fault>,
    #[serde(default)]
    limit: Option<Time>,
    #[serde(default, rename = "person")]
    people: Vec<PersonSeed>,
    #[serde(default, rename = "call")]
    calls: Vec<Spanned<CallAct>>,
    #[serde(default)]
    tell: Vec<Spanned<TellAct>>,
    #[serde(default)]
    add: Vec<Spanned<AddAct>>,
    #[serde(default)]
    see: Vec<Spanned<SeeFile>>,
    #[serde(default)]
    never: Vec<Spanned<SeeFile>>,
    #[serde(default, rename = "end")]
    ends: Vec<Spanned<EndFile>>,
}

/// What a bot survives without that anybody notices, where a file names no faults. A request that failed or was refused, or
/// of which that is not known, a notification that is lost and a key that is not known yet are not among them: what becomes
/// of a call then is the bot's to decide.
fn usual_faults() -> Vec<Fault> {
    vec![
        Fault::NotificationLate,
        Fault::NotificationTwice,
        Fault::NotificationReordered,
        Fault::NotificationFirst,
        Fault::Throttled,
    ]
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeeFile {
    #[serde(default)]
    request: Option<String>,
    #[serde(default)]
    notification: Option<String>,
    #[serde(default)]
    person: Option<String>,
    #[serde(default)]
    status: Option<u16>,
    #[serde(default)]
    body: Option<Value>,
    #[serde(default)]
    lacks: Vec<String>,
    #[serde(default)]
    answer: Option<Value>,
    #[serde(default)]
    within: Option<Time>,
    #[serde(default)]
    exactly: Option<usize>,
    #[serde(default)]
    more_than: Option<usize>,
    #[serde(default)]
    any_order: Option<Vec<Spanned<SeeFile>>>,
}

/// A time as steps write it: `250ms`, `2s`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Time(Duration);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match format!("wait {text}").parse() {
            Ok(Step::Wait(time)) => Ok(Self(time)),
            Ok(_) => Err(serde::de::Error::custom(format!("{text:?} is no time: 250ms and 2s are"))),
            Err(error) => Err(serde::de::Error::custom(error)),
        }
    }
}

impl Scenario {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ScenarioError`], with the line.
    pub fn read(text: &str) -> Result<Self, ScenarioError> {
        let file: File = toml::from_str(text).map_err(|error| ScenarioError::Toml(error.to_string()))?;
        Reader { text, people: file.people.iter().map(|person| person.name.clone()).collect() }.scenario(file)
    }

    /// The people by their names, with their object ids.
    pub(super) fn ids(&self) -> BTreeMap<String, String> {
        self.people.iter().map(|person| (person.name.clone(), person.id())).collect()
    }

    /// Sets a simulator of one app up for this scenario; with a seed, notifications fail by its chances.
    pub fn set_up(&self, config: &mut Config, seed: Option<u64>) {
        config.people = self.people.iter().cloned().map(Person::from).collect();
        for app in &mut config.registrations {
            app.permissions.clone_from(&self.permissions);
        }
        if let Some(seed) = seed {
            let mixed = Faults::mixed(seed);
            let none = Faults::seeded(seed).late_by(LATE_BY);
            config.faults =
                self.faults.iter().fold(none, |all, fault| all.with(*fault, mixed.chance(*fault)));
        }
    }
}

/// How late notifications are at most under faults.
const LATE_BY: Duration = Duration::from_secs(2);

struct Reader<'a> {
    text: &'a str,
    people: BTreeSet<String>,
}

impl Reader<'_> {
    fn line<T>(&self, of: &Spanned<T>) -> usize {
        let before = self.text.get(..of.span().start).unwrap_or_default();
        before.matches('\n').count().saturating_add(1)
    }

    fn scenario(&self, file: File) -> Result<Scenario, ScenarioError> {
        let mut acts = Vec::new();
        for call in file.calls {
            let line = self.line(&call);
            let call = call.into_inner();
            self.knows(line, &call.from)?;
            acts.push((call.at.0, Act::Call(call)));
        }
        for tell in file.tell {
            let line = self.line(&tell);
            let tell = tell.into_inner();
            if !tell.path.starts_with('/') {
                return Err(wrong(line, format!("{:?} is no path: it begins with /", tell.path)));
            }
            self.knows_all(line, tell.body.as_ref())?;
            acts.push((tell.at.0, Act::Tell(tell)));
        }
        for add in file.add {
            let line = self.line(&add);
            let AddAct { person, at } = add.into_inner();
            self.knows(line, &person)?;
            acts.push((at.0, Act::Add { person }));
        }
        acts.sort_by_key(|(at, _)| *at);
        let see = file.see.into_iter().map(|see| self.seen(see)).collect::<Result<_, _>>()?;
        let never = file.never.into_iter().map(|never| self.unseen(never)).collect::<Result<_, _>>()?;
        let ends = file.ends.into_iter().map(|end| End { line: self.line(&end), file: end.into_inner() });
        let ends: Vec<End> = ends.collect();
        for End { line, file } in &ends {
            if file.result.as_deref().is_some_and(|result| !is_result(result)) {
                return Err(wrong(*line, "`result` is code/subcode, as 200/7000, or none".to_owned()));
            }
        }
        Ok(Scenario {
            name: file.name,
            shows: file.shows,
            source: file.source,
            permissions: file.permissions,
            faults: file.faults,
            limit: file.limit.map_or(LIMIT, |limit| limit.0),
            people: file.people,
            acts,
            see,
            never,
            ends,
        })
    }

    fn seen(&self, see: Spanned<SeeFile>) -> Result<Vec<Expectation>, ScenarioError> {
        let line = self.line(&see);
        match see.as_ref().any_order.clone() {
            None => Ok(vec![self.expected(see)?]),
            Some(_) if see.as_ref().kind().is_some() => {
                Err(wrong(line, "`any_order` stands alone: move the rest into it".to_owned()))
            }
            Some(several) => several.into_iter().map(|one| self.expected(one)).collect(),
        }
    }

    fn expected(&self, see: Spanned<SeeFile>) -> Result<Expectation, ScenarioError> {
        let one = self.one(see)?;
        if one.more_than.is_some() {
            return Err(wrong(
                one.line,
                "`more_than` stands in [[never]]; `exactly` is that of [[see]]".to_owned(),
            ));
        }
        Ok(one)
    }

    fn unseen(&self, never: Spanned<SeeFile>) -> Result<Expectation, ScenarioError> {
        let one = self.one(never)?;
        if one.within.is_some() || one.exactly.is_some() {
            let reason = "`within` and `exactly` stand in [[see]]; `more_than` is that of [[never]]";
            return Err(wrong(one.line, reason.to_owned()));
        }
        Ok(one)
    }

    fn one(&self, see: Spanned<SeeFile>) -> Result<Expectation, ScenarioError> {
        let line = self.line(&see);
        let see = see.into_inner();
        let kind = match (see.kind(), see.any_order.is_some()) {
            (Some(kind), false) => kind.map_err(|reason| wrong(line, reason))?,
            (Some(_) | None, true) => {
                return Err(wrong(line, "`any_order` stands in [[see]] only, and not in itself".to_owned()));
            }
            (None, false) => {
                return Err(wrong(
                    line,
                    "say one of `request`, `notification`, `person` and `any_order`".to_owned(),
                ));
            }
        };
        if let Some(key) = see.not_of(&kind) {
            return Err(wrong(line, format!("`{key}` is not seen of a {}", kind.noun())));
        }
        self.knows_all(line, see.body.as_ref())?;
        self.knows_all(line, see.answer.as_ref())?;
        let pattern =
            Pattern { kind, status: see.status, body: see.body, lacks: see.lacks, answer: see.answer };
        let within = see.within.map(|time| time.0);
        Ok(Expectation { line, pattern, within, exactly: see.exactly, more_than: see.more_than })
    }

    fn knows(&self, line: usize, name: &str) -> Result<(), ScenarioError> {
        if self.people.contains(name) {
            Ok(())
        } else {
            Err(wrong(line, format!("there is no person {name}; describe him by [[person]]")))
        }
    }

    fn knows_all(&self, line: usize, value: Option<&Value>) -> Result<(), ScenarioError> {
        let Some(value) = value else { return Ok(()) };
        match placeholder::all(value)
            .find(|name| !RESERVED.contains(&name.as_str()) && !self.people.contains(name))
        {
            None => Ok(()),
            Some(name) => Err(wrong(
                line,
                format!("{{{name}}} stands for nothing: {{tenant}}, {{app}} and {{name of a person}} do"),
            )),
        }
    }
}

impl SeeFile {
    /// What it is about; none where nothing or more than one thing is said.
    fn kind(&self) -> Option<Result<Kind, String>> {
        match (&self.request, &self.notification, &self.person) {
            (Some(request), None, None) => Some(Kind::request(request)),
            (None, Some(about), None) => Some(Ok(Kind::Notification(about.clone()))),
            (None, None, Some(did)) => Some(Ok(Kind::Person(did.clone()))),
            _ => None,
        }
    }

    /// A key that what it is about does not have.
    fn not_of(&self, kind: &Kind) -> Option<&'static str> {
        let (status, answer) = (self.status.is_some(), self.answer.is_some());
        match kind {
            Kind::Request { .. } => None,
            Kind::Notification(_) => answer.then_some("answer"),
            Kind::Person(_) => [
                (status, "status"),
                (answer, "answer"),
                (self.body.is_some(), "body"),
                (!self.lacks.is_empty(), "lacks"),
            ]
            .into_iter()
            .find_map(|(is_there, key)| is_there.then_some(key)),
        }
    }
}

fn wrong(line: usize, reason: String) -> ScenarioError {
    ScenarioError::Value { line, reason }
}

fn is_result(text: &str) -> bool {
    let is_number = |text: &str| text.parse::<u32>().is_ok();
    text == "none" || text.split_once('/').is_some_and(|(code, sub)| is_number(code) && is_number(sub))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "name = \"n\"\nshows = \"s\"\nsource = \"p\"\n[[person]]\nname = \"Ada\"\n";

    #[test]
    fn a_mistake_is_shown_where_it_is() {
        for (text, expected) in [
            ("[[cal]]\nfrom = \"Ada\"", "line 6"),
            ("[[call]]\nform = \"Ada\"", "unknown field `form`"),
            ("[[call]]\nfrom = \"Bob\"", "line 6: there is no person Bob"),
            ("[[call]]\nfrom = \"Ada\"\nthen = [\"press x\"]", "is no key"),
            ("[[call]]\nfrom = \"Ada\"\nat = \"2\"", "is no time"),
            ("[[tell]]\npath = \"place\"", "line 6: \"place\" is no path"),
            ("[[tell]]\npath = \"/place\"\nbody = { who = \"{Bob}\" }", "line 6: {Bob} stands for nothing"),
            ("[[see]]\nwithin = \"2s\"", "line 6: say one of `request`"),
            ("[[see]]\nrequest = \"POST /calls\"\nperson = \"Ada\"", "line 6: say one of `request`"),
            ("[[see]]\nrequest = \"answer\"", "line 6: \"answer\" is no request"),
            ("[[see]]\nperson = \"Ada hangs up\"\nstatus = 200", "line 6: `status` is not seen of a person"),
            ("[[see]]\nperson = \"a\"\n\n[[see]]\nany_order = [{ within = \"1s\" }]", "line 10: say one of"),
            ("[[see]]\nperson = \"a\"\nany_order = [{ person = \"b\" }]", "line 6: `any_order` stands alone"),
            ("[[never]]\nany_order = [{ person = \"b\" }]", "line 6: `any_order` stands in [[see]] only"),
            ("[[never]]\nperson = \"a\"\nexactly = 1", "line 6: `within` and `exactly` stand in [[see]]"),
            ("[[see]]\nperson = \"a\"\nmore_than = 1", "line 6: `more_than` stands in [[never]]"),
            ("[[end]]\nresult = \"7000\"", "line 6: `result` is code/subcode"),
            ("[[end]]\nkind = \"party\"", "unknown variant `party`"),
            ("faults = [\"rain\"]", "unknown field `faults`"),
        ] {
            let error = Scenario::read(&format!("{HEAD}{text}")).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}\n{error}");
        }
        let error = Scenario::read("name = \"n\"\nfaults = [\"rain\"]").unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("unknown variant `rain`"), "{error}");
    }

    #[test]
    fn a_seed_brings_the_faults_of_the_file_and_no_others() {
        let app =
            crate::simulator::Registration::new("a", "t", "s", "https://bot.test/calls").with("Old.All");
        let faults = "faults = [\"notification-twice\"]";
        let text = format!("permissions = [\"Calls.Initiate.All\"]\n{faults}\n{HEAD}");
        let scenario = Scenario::read(&text).unwrap();
        let mut config = Config::new("https://graph.test", app);
        scenario.set_up(&mut config, None);
        assert_eq!(config.faults.named().count(), 0);
        assert_eq!(config.people.len(), 1);
        let permissions: Vec<_> = config.registrations[0].permissions.iter().map(String::as_str).collect();
        assert_eq!(permissions, ["Calls.Initiate.All"]);
        scenario.set_up(&mut config, Some(7));
        let named: Vec<_> = config.faults.named().map(|(fault, _)| fault).collect();
        assert_eq!((named, config.faults.seed), (vec![Fault::NotificationTwice], 7));
    }

    #[test]
    fn the_example_is_read_and_has_every_key() {
        let example = super::super::EXAMPLE;
        Scenario::read(example).unwrap();
        let tables = ["", "[[person]]", "[[call]]", "[[tell]]", "[[add]]", "[[see]]", "[[never]]", "[[end]]"];
        for table in tables {
            // A key that there is not is answered with those that there are.
            let error = Scenario::read(&format!("{table}\nno_such_key = 1")).unwrap_err().to_string();
            let (_, keys) = error.split_once("expected ").unwrap_or_else(|| panic!("{table}: {error}"));
            for key in keys.split('`').skip(1).step_by(2) {
                let is_there =
                    [format!("{key} = "), format!("[[{key}]]")].iter().any(|it| example.contains(it));
                assert!(is_there, "{table} {key}");
            }
        }
    }
}
