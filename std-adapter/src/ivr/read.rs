//! Menus are read from a file.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use callflow_core::media::Tone;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Choice, Menu, Menus, Outgoing, Sound, Then};
use crate::configuration::{ConfigurationError, Document, Fault, Origin, Problem, nearest};
use crate::session::{Caller, Target};

const START: &str = "main";
const RETRIES: u64 = 2;
const MAX_RETRIES: u64 = 20;
const NO_INPUT: u64 = 10;
const MAX_NO_INPUT: u64 = 3600;
/// The longest recording, in seconds.
///
/// Source: Graph docs, call: record (maxRecordDurationInSeconds).
const MAX_SECONDS: u64 = 120;

/// How long it rings, in seconds.
const RING: u64 = 45;
/// The service gives up by itself at some time.
///
/// Source: Graph docs, application: post calls (beta; `ringingTimeoutInSeconds`, 115 at most).
const MAX_RING: u64 = 115;

const OF_RUN: [&str; 2] = ["start", "recordings"];
const OF_MENU: [&str; 9] = [
    "prompt",
    "say",
    "invalid_prompt",
    "invalid_say",
    "goodbye_prompt",
    "goodbye_say",
    "no_input_seconds",
    "retries",
    "keys",
];
const OF_OUTGOING: [&str; 6] = ["to", "from", "menu", "ring_seconds", "voice_mail_prompt", "voice_mail_say"];
const TARGET: &str = "give \"user:\" and the id of a user, \"phone:\" and a number as +49301234567, or \"instance:\" and \
                      the id of an application instance";
const OF_CHOICE: [&str; 6] = ["menu", "play", "say", "transfer", "record", "then"];
const WORDS: [&str; 2] = ["repeat", "hang_up"];

type Value<'a> = Spanned<DeValue<'a>>;

struct Reader<'a> {
    document: &'a Document,
    problems: Vec<Problem>,
    /// Where each menu is led to.
    led_to: Vec<(String, String, Origin)>,
}

pub(super) fn read(document: Option<&Document>) -> Result<Menus, ConfigurationError> {
    let nowhere = |fault| Problem { key: "menu".to_owned(), origin: Origin::Nowhere, fault };
    let Some(document) = document else {
        let fault =
            Fault::Together("menus are described in a file: give one with tables [menu.…]".to_owned());
        return Err(ConfigurationError { problems: vec![nowhere(fault)] });
    };
    let table = document.parse().map_err(|problem| ConfigurationError { problems: vec![*problem] })?;
    let mut reader = Reader { document, problems: Vec::new(), led_to: Vec::new() };
    let menus = reader.menus(table.get_ref());
    if reader.problems.is_empty() { Ok(menus) } else { Err(ConfigurationError { problems: reader.problems }) }
}

impl Reader<'_> {
    fn problem(&mut self, key: impl Into<String>, at: usize, fault: Fault) {
        self.problems.push(Problem { key: key.into(), origin: self.document.at(at), fault });
    }

    fn wrong(&mut self, key: impl Into<String>, value: &Value<'_>, expected: &str) {
        let found = match value.get_ref() {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) | DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.problem(key, value.span().start, Fault::Type { expected: expected.to_owned(), found });
    }

    /// Refuses what is none of `known`.
    fn check_names(&mut self, path: &str, table: &DeTable<'_>, known: &[&str]) {
        for name in table.keys() {
            let word = name.get_ref().as_ref();
            if !known.contains(&word) {
                let meant = nearest(word, known.iter().copied());
                let key = format!("{path}.{word}");
                self.problem(
                    key,
                    name.span().start,
                    Fault::UnknownKey(meant.map(|name| format!("{path}.{name}"))),
                );
            }
        }
    }

    fn menus(&mut self, file: &DeTable<'_>) -> Menus {
        let mut menus = Menus {
            start: START.to_owned(),
            by_name: BTreeMap::new(),
            outgoing: BTreeMap::new(),
            recordings: None,
            warnings: Vec::new(),
        };
        let mut start_at = Origin::Nowhere;
        if let Some(value) = file.get("run") {
            match value.get_ref() {
                DeValue::Table(table) => {
                    self.check_names("run", table, &OF_RUN);
                    if let (Some(value), Some(start)) =
                        (table.get("start"), self.text("run.start", table.get("start")))
                    {
                        start_at = self.document.at(value.span().start);
                        menus.start = start;
                    }
                    let folder = self.text("run.recordings", table.get("recordings"));
                    let beside =
                        self.document.path.parent().map(std::path::Path::to_owned).unwrap_or_default();
                    menus.recordings = folder.map(|folder| beside.join(folder));
                }
                _ => self.wrong("run", value, "a table"),
            }
        }
        menus.outgoing = self.all_outgoing(file.get("outgoing"));
        match file.get("menu").map(|value| (value, value.get_ref())) {
            Some((_, DeValue::Table(table))) => {
                for (name, value) in table {
                    let path = format!("menu.{}", name.get_ref());
                    match value.get_ref() {
                        DeValue::Table(menu) => {
                            if let Some(menu) = self.menu(&path, name.span().start, menu) {
                                menus.by_name.insert(name.get_ref().to_string(), menu);
                            }
                        }
                        _ => self.wrong(path, value, "a table"),
                    }
                }
                let names: BTreeSet<_> = table.keys().map(|name| name.get_ref().to_string()).collect();
                self.check_links(&mut menus, &names, start_at);
            }
            Some((value, _)) => self.wrong("menu", value, "tables, as [menu.main]"),
            None => {
                let fault = Fault::Together("there is no menu; describe one as [menu.main]".to_owned());
                self.problem("menu", 0, fault);
            }
        }
        menus
    }

    /// That what is led to is there, and what is there is led to.
    fn check_links(&mut self, menus: &mut Menus, names: &BTreeSet<String>, start_at: Origin) {
        let mut links = std::mem::take(&mut self.led_to);
        links.push(("run.start".to_owned(), menus.start.clone(), start_at));
        for (key, to, origin) in links {
            if !names.contains(&to) {
                let meant = nearest(&to, names.iter().map(String::as_str));
                let fault = Fault::Choice { found: to, among: names.iter().cloned().collect(), meant };
                self.problems.push(Problem { key, origin, fault });
            }
        }
        let mut reached = BTreeSet::new();
        let mut next = vec![menus.start.clone()];
        next.extend(menus.outgoing.values().map(|outgoing| outgoing.menu.clone()));
        while let Some(name) = next.pop() {
            if let Some(menu) = menus.by_name.get(&name)
                && reached.insert(name)
            {
                next.extend(menu.keys.iter().filter_map(|(_, choice)| match choice {
                    Choice::Menu(to) => Some(to.clone()),
                    _ => None,
                }));
            }
        }
        let lost = menus.by_name.keys().filter(|name| !reached.contains(*name));
        menus.warnings.extend(lost.map(|name| format!("no key leads to menu.{name}")));
        let records = menus.by_name.values().flat_map(|menu| &menu.keys);
        if menus.recordings.is_none()
            && records.into_iter().any(|(_, choice)| matches!(choice, Choice::Record { .. }))
        {
            let fault =
                "something is recorded, and there is nowhere to keep it: give a folder as `run.recordings`";
            self.problem("run.recordings", 0, Fault::Together(fault.to_owned()));
        }
    }

    fn all_outgoing(&mut self, value: Option<&Value<'_>>) -> BTreeMap<String, Outgoing> {
        let mut all = BTreeMap::new();
        let Some(value) = value else { return all };
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong("outgoing", value, "tables, as [outgoing.reminder]");
            return all;
        };
        for (name, value) in table {
            let path = format!("outgoing.{}", name.get_ref());
            match value.get_ref() {
                DeValue::Table(table) => {
                    if let Some(outgoing) = self.outgoing(&path, name.span().start, table) {
                        all.insert(name.get_ref().to_string(), outgoing);
                    }
                }
                _ => self.wrong(path, value, "a table"),
            }
        }
        all
    }

    fn outgoing(&mut self, path: &str, at: usize, table: &DeTable<'_>) -> Option<Outgoing> {
        self.check_names(path, table, &OF_OUTGOING);
        let to = self.party(path, table, "to");
        if !table.contains_key("to") {
            self.problem(path, at, Fault::Together(format!("it says whom it goes to, as `to`: {TARGET}")));
        }
        let from = self.party(path, table, "from");
        let from_path = format!("{path}.from");
        let source = match (&to, from) {
            (_, Some(Target::ApplicationInstance(id))) => Caller::ApplicationInstance(id),
            (_, Some(_)) => {
                let fault = "the bot calls as an application instance: give \"instance:\" and its id, or leave it out";
                self.problem(from_path, at, Fault::Together(fault.to_owned()));
                Caller::Bot
            }
            // Source: Graph docs, application: post calls (a call to a phone).
            (Some(Target::Phone(_)), None) if !table.contains_key("from") => {
                let fault = "a phone is called as an application instance: give \"instance:\" and its id";
                self.problem(from_path, at, Fault::Together(fault.to_owned()));
                Caller::Bot
            }
            (_, None) => Caller::Bot,
        };
        let menu_path = format!("{path}.menu");
        let menu = self.text(&menu_path, table.get("menu"));
        if let (Some(value), Some(menu)) = (table.get("menu"), &menu) {
            self.led_to.push((menu_path, menu.clone(), self.document.at(value.span().start)));
        } else if !table.contains_key("menu") {
            let fault = "it says which menu he comes to, as `menu`";
            self.problem(path, at, Fault::Together(fault.to_owned()));
        }
        let ring = table
            .get("ring_seconds")
            .map(|value| self.number(&format!("{path}.ring_seconds"), value, 5, MAX_RING));
        let voice_mail = self.sound(path, table, "voice_mail_prompt", "voice_mail_say");
        let ring = Duration::from_secs(ring.unwrap_or(Some(RING))?);
        Some(Outgoing { to: to?, from: source, menu: menu?, ring, voice_mail })
    }

    fn party(&mut self, path: &str, table: &DeTable<'_>, name: &str) -> Option<Target> {
        let path = format!("{path}.{name}");
        let value = table.get(name)?;
        let party = target(&self.text(&path, Some(value))?);
        if party.is_none() {
            self.problem(path, value.span().start, Fault::Together(TARGET.to_owned()));
        }
        party
    }

    fn menu(&mut self, path: &str, at: usize, menu: &DeTable<'_>) -> Option<Menu> {
        self.check_names(path, menu, &OF_MENU);
        let prompt = self.sound(path, menu, "prompt", "say");
        if prompt.is_none() && !menu.contains_key("prompt") && !menu.contains_key("say") {
            let fault =
                Fault::Together("a menu says what there is to press: give `say`, or `prompt`".to_owned());
            self.problem(path, at, fault);
        }
        let invalid = self.sound(path, menu, "invalid_prompt", "invalid_say");
        let goodbye = self.sound(path, menu, "goodbye_prompt", "goodbye_say");
        let retries =
            menu.get("retries").map(|value| self.number(&format!("{path}.retries"), value, 0, MAX_RETRIES));
        let no_input = menu
            .get("no_input_seconds")
            .map(|value| self.number(&format!("{path}.no_input_seconds"), value, 1, MAX_NO_INPUT));
        let keys = match menu.get("keys").map(|value| (value, value.get_ref())) {
            Some((_, DeValue::Table(keys))) => self.keys(&format!("{path}.keys"), keys),
            Some((value, _)) => {
                self.wrong(format!("{path}.keys"), value, "a table, as [menu.main.keys]");
                Vec::new()
            }
            None => {
                self.problem(
                    path,
                    at,
                    Fault::Together("a menu has keys: describe them as [menu.….keys]".to_owned()),
                );
                Vec::new()
            }
        };
        let retries = retries.unwrap_or(Some(RETRIES))?;
        let no_input = no_input.unwrap_or(Some(NO_INPUT))?;
        Some(Menu {
            prompt: prompt?,
            invalid,
            goodbye,
            retries: u32::try_from(retries).ok()?,
            no_input: Duration::from_secs(no_input),
            keys,
        })
    }

    fn keys(&mut self, path: &str, table: &DeTable<'_>) -> Vec<(Tone, Choice)> {
        let mut keys: Vec<(Tone, Choice)> = Vec::new();
        for (name, value) in table {
            let key = format!("{path}.{}", name.get_ref());
            let Some(tone) = tone(name.get_ref()) else {
                let fault = "this is no key: give 0 to 9, star, pound, or A to D";
                self.problem(key, name.span().start, Fault::Together(fault.to_owned()));
                continue;
            };
            if keys.iter().any(|(known, _)| *known == tone) {
                self.problem(key, name.span().start, Fault::Together("this key is there already".to_owned()));
                continue;
            }
            if let Some(choice) = self.choice(&key, value) {
                keys.push((tone, choice));
            }
        }
        keys
    }

    fn choice(&mut self, key: &str, value: &Value<'_>) -> Option<Choice> {
        let at = value.span().start;
        match value.get_ref() {
            DeValue::String(word) => match word.as_ref() {
                "repeat" => Some(Choice::Repeat),
                "hang_up" => Some(Choice::HangUp),
                other => {
                    self.no_word(key, at, other);
                    None
                }
            },
            DeValue::Table(table) => {
                self.check_names(key, table, &OF_CHOICE);
                let then = self.then(key, table);
                let mut what = table.iter().filter(|(name, _)| name.get_ref().as_ref() != "then");
                let (Some((name, value)), None) = (what.next(), what.next()) else {
                    let fault = "a key does one thing: `menu`, `play`, `say`, `transfer` or `record`";
                    self.problem(key, at, Fault::Together(fault.to_owned()));
                    return None;
                };
                self.does(key, name.get_ref(), value, then)
            }
            _ => {
                self.wrong(
                    key,
                    value,
                    "what the key does, as { menu = \"more\" }, \"repeat\" or \"hang_up\"",
                );
                None
            }
        }
    }

    fn does(&mut self, key: &str, name: &str, value: &Value<'_>, then: Then) -> Option<Choice> {
        let path = format!("{key}.{name}");
        match name {
            "menu" => {
                let to = self.text(&path, Some(value))?;
                self.led_to.push((path, to.clone(), self.document.at(value.span().start)));
                Some(Choice::Menu(to))
            }
            "play" => Some(Choice::Play { sound: Sound::Prompt(self.text(&path, Some(value))?), then }),
            "say" => Some(Choice::Play { sound: Sound::Say(self.text(&path, Some(value))?), then }),
            "record" => {
                let seconds = self.number(&path, value, 1, MAX_SECONDS)?;
                Some(Choice::Record { seconds: u8::try_from(seconds).ok()?, then })
            }
            "transfer" => {
                let to = self.text(&path, Some(value))?;
                let target = target(&to);
                if target.is_none() {
                    self.problem(path, value.span().start, Fault::Together(TARGET.to_owned()));
                }
                target.map(Choice::Transfer)
            }
            // Told of already.
            _ => None,
        }
    }

    fn then(&mut self, key: &str, table: &DeTable<'_>) -> Then {
        let path = format!("{key}.then");
        match (table.get("then"), self.text(&path, table.get("then")).as_deref()) {
            (Some(_), Some("hang_up")) => Then::HangUp,
            (Some(value), Some(other)) if other != "repeat" => {
                self.no_word(&path, value.span().start, other);
                Then::Repeat
            }
            _ => Then::Repeat,
        }
    }

    fn no_word(&mut self, key: &str, at: usize, word: &str) {
        let among = WORDS.iter().map(|word| (*word).to_owned()).collect();
        let (found, meant) = (word.chars().take(40).collect(), nearest(word, WORDS));
        self.problem(key, at, Fault::Choice { found, among, meant });
    }

    fn sound(&mut self, path: &str, menu: &DeTable<'_>, prompt: &str, say: &str) -> Option<Sound> {
        let of_prompt = self.text(&format!("{path}.{prompt}"), menu.get(prompt));
        let of_text = self.text(&format!("{path}.{say}"), menu.get(say));
        match (of_prompt, of_text) {
            (Some(_), Some(_)) => {
                let at = menu.get(say).map_or(0, |value| value.span().start);
                let fault = format!("give `{prompt}` or `{say}`, not both");
                self.problem(format!("{path}.{say}"), at, Fault::Together(fault));
                None
            }
            (Some(name), None) => Some(Sound::Prompt(name)),
            (None, Some(text)) => Some(Sound::Say(text)),
            (None, None) => None,
        }
    }

    fn text(&mut self, path: &str, value: Option<&Value<'_>>) -> Option<String> {
        let value = value?;
        match value.get_ref() {
            DeValue::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
            _ => {
                self.wrong(path, value, "a text that is not empty");
                None
            }
        }
    }

    fn number(&mut self, path: &str, value: &Value<'_>, least: u64, most: u64) -> Option<u64> {
        let number = match value.get_ref() {
            DeValue::Integer(number) if number.radix() == 10 => number,
            _ => {
                self.wrong(path, value, "a whole number, in base ten");
                return None;
            }
        };
        let read = number.as_str().parse().ok().filter(|number| (least..=most).contains(number));
        if read.is_none() {
            let [least, most] = [least, most].map(|bound| bound.to_string());
            let fault = Fault::Range { found: number.to_string(), least, most };
            self.problem(path, value.span().start, fault);
        }
        read
    }
}

fn tone(name: &str) -> Option<Tone> {
    let word = name.trim();
    Tone::ALL.iter().copied().find(|tone| {
        let is_key = tone.key().is_some_and(|key| word.eq_ignore_ascii_case(&key.to_string()));
        is_key || (matches!(tone, Tone::Star | Tone::Pound) && tone.name() == word)
    })
}

fn target(text: &str) -> Option<Target> {
    let (kind, id) = text.split_once(':')?;
    let id = id.trim();
    let is_guid = uuid::Uuid::try_parse(id).is_ok();
    let is_number = id.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    match kind.trim() {
        "user" if is_guid => Some(Target::User(id.to_owned())),
        "instance" if is_guid => Some(Target::ApplicationInstance(id.to_owned())),
        "phone" if is_number => Some(Target::Phone(id.into())),
        _ => None,
    }
}
