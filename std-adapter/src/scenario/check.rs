//! What is seen, held against what a scenario expects.

use std::collections::BTreeMap;
use std::time::Duration;

use super::file::{CallKind, End, Expectation, Scenario};
use super::pattern::{Kind, Looks, below_communications};
use crate::simulator::{CallView, Observed, Outcome, What};

/// Why a run did not go as its scenario says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// The line of the file that it is about, from 1; none where it is about what every bot has to keep to.
    pub line: Option<usize>,
    /// What was expected.
    pub expected: String,
    /// What was seen in its place.
    pub seen: String,
    /// The number of the entry that should not be; none where something is missing.
    pub entry: Option<u64>,
    /// The number of an entry that is nearly what is missing.
    pub nearly: Option<u64>,
}

/// How one sequence of expectations is met so far.
struct Sequence<'a> {
    steps: Vec<Vec<&'a Expectation>>,
    /// What is still open of the first step that is not met.
    open: Vec<&'a Expectation>,
    /// How many steps are met.
    met: usize,
    /// When the last one was met, in milliseconds.
    since: u64,
    /// How many entries had been seen then.
    after: usize,
    /// Whether times count.
    is_timed: bool,
}

impl<'a> Sequence<'a> {
    fn new(scenario: &'a Scenario, is_in_it: impl Fn(&Kind) -> bool, begun: u64, is_timed: bool) -> Self {
        let steps = scenario
            .see
            .iter()
            .map(|step| step.iter().filter(|one| is_in_it(&one.pattern.kind)).collect::<Vec<_>>());
        let steps: Vec<Vec<_>> = steps.filter(|step| !step.is_empty()).collect();
        let open = steps.first().cloned().unwrap_or_default();
        Self { steps, open, met: 0, since: begun, after: 0, is_timed }
    }

    /// Takes an entry; the line of the expectation that it meets.
    fn take(&mut self, seen: &Observed, count: usize, ids: &BTreeMap<String, String>) -> Option<usize> {
        let is_met = |one: &&Expectation| {
            let is_late = self.until(one).is_some_and(|until| seen.at > until);
            !is_late && one.pattern.of(seen, ids) == Looks::So
        };
        let place = self.open.iter().position(is_met)?;
        let line = self.open.remove(place).line;
        if self.open.is_empty() {
            self.met = self.met.saturating_add(1);
            self.open = self.steps.get(self.met).cloned().unwrap_or_default();
            self.since = seen.at;
        }
        self.after = count;
        Some(line)
    }

    /// When the time of an expectation is over.
    fn until(&self, one: &Expectation) -> Option<u64> {
        let within = one.within.filter(|_| self.is_timed)?;
        Some(self.since.saturating_add(u64::try_from(within.as_millis()).unwrap_or(u64::MAX)))
    }

    /// When its time is over, and for what.
    fn deadline(&self) -> Option<(u64, &'a Expectation)> {
        let of = |one: &&'a Expectation| Some((self.until(one)?, *one));
        self.open.iter().filter_map(of).min_by_key(|(at, _)| *at)
    }
}

/// Everything that is seen in one run, and what is still expected.
pub(super) struct Check<'a> {
    scenario: &'a Scenario,
    ids: BTreeMap<String, String>,
    with_faults: bool,
    sequences: Vec<Sequence<'a>>,
    pub(super) entries: Vec<Observed>,
    /// Which line an entry met, by its number.
    pub(super) met: BTreeMap<u64, usize>,
    /// The calls in the order of their beginning.
    calls: Vec<String>,
    /// Those that a person made: he is to come to the end of what he does.
    by_people: Vec<String>,
}

impl<'a> Check<'a> {
    pub(super) fn new(
        scenario: &'a Scenario,
        ids: BTreeMap<String, String>,
        with_faults: bool,
        begun: u64,
    ) -> Self {
        // Under faults the service tells it as they have it, and a request whose answer comes late is seen after what it
        // brought about.
        let sequences = if with_faults {
            vec![
                Sequence::new(scenario, |kind| !kind.is_news() && !kind.is_deed(), begun, false),
                Sequence::new(scenario, Kind::is_deed, begun, false),
            ]
        } else {
            vec![
                Sequence::new(scenario, |kind| !kind.is_news(), begun, true),
                Sequence::new(scenario, Kind::is_news, begun, true),
            ]
        };
        Self {
            scenario,
            ids,
            with_faults,
            sequences,
            entries: Vec::new(),
            met: BTreeMap::new(),
            calls: Vec::new(),
            by_people: Vec::new(),
        }
    }

    /// Takes what was seen.
    pub(super) fn take(&mut self, seen: Observed) -> Result<(), Failure> {
        if let Some(call) = seen.call.as_ref().filter(|call| !self.calls.contains(call)) {
            self.calls.push(call.clone());
        }
        let count = self.entries.len().saturating_add(1);
        let line = self.sequences.iter_mut().find_map(|sequence| sequence.take(&seen, count, &self.ids));
        let number = seen.number;
        if let Some(line) = line {
            self.met.insert(number, line);
        }
        self.entries.push(seen);
        let Some(seen) = self.entries.last() else { return Ok(()) };
        for never in &self.scenario.never {
            let most = never.more_than.unwrap_or_default();
            if never.pattern.of(seen, &self.ids) == Looks::So && self.count(never) > most {
                return Err(Failure {
                    line: Some(never.line),
                    expected: match never.more_than {
                        None => format!("never: {}", never.pattern),
                        Some(most) => format!("not more than {most} of: {}", never.pattern),
                    },
                    seen: in_words(seen),
                    entry: Some(number),
                    nearly: None,
                });
            }
        }
        for one in self.scenario.see.iter().flatten() {
            let is_counted = !(self.with_faults && one.pattern.kind.is_news());
            let Some(most) = one.exactly.filter(|_| is_counted) else { continue };
            if one.pattern.of(seen, &self.ids) == Looks::So && self.count(one) > most {
                return Err(Failure {
                    line: Some(one.line),
                    expected: format!("exactly {most} of: {}", one.pattern),
                    seen: format!("{} once more", in_words(seen)),
                    entry: Some(number),
                    nearly: None,
                });
            }
        }
        if line.is_none() { self.is_allowed(seen) } else { Ok(()) }
    }

    fn count(&self, one: &Expectation) -> usize {
        self.entries.iter().filter(|seen| one.pattern.of(seen, &self.ids) == Looks::So).count()
    }

    /// What every bot has to keep to, whatever the file says: it accepts notifications, and asks for nothing that its
    /// call, or the service, cannot do.
    fn is_allowed(&self, seen: &Observed) -> Result<(), Failure> {
        let expected = match &seen.what {
            What::Notification { result, .. } if result == "lost" => return Ok(()),
            What::Notification { result, .. } => {
                if result.parse().is_ok_and(|status: u16| (200..400).contains(&status)) {
                    return Ok(());
                }
                "the bot accepts every notification, with a status from 200 to 399"
            }
            // A token is refused by a fault as well.
            What::Request { status: 401, .. } if self.with_faults => return Ok(()),
            What::Request { status: 400 | 401 | 405 | 501, .. } => {
                "no request that the service has to refuse, unless the scenario says so by its `status`"
            }
            _ => return Ok(()),
        };
        let of_file = |one: &Expectation| one.pattern.of(seen, &self.ids) == Looks::So;
        if self.scenario.see.iter().flatten().any(of_file) {
            return Ok(());
        }
        Err(Failure {
            line: None,
            expected: expected.to_owned(),
            seen: in_words(seen),
            entry: Some(seen.number),
            nearly: None,
        })
    }

    /// When something has to be there at the latest; under faults nothing has, before the scenario's time is over.
    pub(super) fn deadline(&self) -> Option<(u64, Failure)> {
        let late = self.sequences.iter().filter_map(|one| Some((one, one.deadline()?)));
        let (sequence, (at, one)) = late.min_by_key(|(_, (at, _))| *at)?;
        Some((at, self.missing(sequence, one)))
    }

    /// What is missing when the time of the scenario is over.
    pub(super) fn unmet(&self) -> Option<Failure> {
        let open = self.sequences.iter().find_map(|one| Some((one, *one.open.first()?)));
        open.map(|(sequence, one)| self.missing(sequence, one))
    }

    fn missing(&self, sequence: &Sequence<'_>, one: &Expectation) -> Failure {
        let since = self.entries.get(sequence.after..).unwrap_or_default();
        let nearly = since.iter().rev().find_map(|seen| match one.pattern.of(seen, &self.ids) {
            Looks::Nearly(how) => Some((seen.number, format!("{}: {how}", in_words(seen)))),
            Looks::So | Looks::Not => None,
        });
        let (nearly, seen) = match nearly {
            Some((number, how)) => (Some(number), how),
            None => (None, instead(since, one.pattern.kind.is_news())),
        };
        let within = match one.within {
            Some(within) if !self.with_faults => format!(" within {within:?}"),
            _ => String::new(),
        };
        let after = match sequence.after {
            0 => String::new(),
            _ => " after what was seen before it".to_owned(),
        };
        Failure {
            line: Some(one.line),
            expected: format!("{}{within}{after}", one.pattern),
            seen,
            entry: None,
            nearly,
        }
    }

    /// Whether nothing is expected any more. `calls` are those of the simulator, `scripts` the outcomes of those who called.
    pub(super) fn is_met(&self, calls: &[CallView]) -> bool {
        self.unmet().is_none() && self.ends(calls).is_ok()
    }

    /// Whether counts and calls are as they should be in the end.
    pub(super) fn end(&self, calls: &[CallView]) -> Result<(), Failure> {
        for one in self.scenario.see.iter().flatten() {
            let is_counted = !(self.with_faults && one.pattern.kind.is_news());
            let Some(exactly) = one.exactly.filter(|_| is_counted) else { continue };
            let count = self.count(one);
            if count != exactly {
                return Err(Failure {
                    line: Some(one.line),
                    expected: format!("exactly {exactly} of: {}", one.pattern),
                    seen: format!("{count} of them"),
                    entry: None,
                    nearly: None,
                });
            }
        }
        self.ends(calls)
    }

    fn ends(&self, calls: &[CallView]) -> Result<(), Failure> {
        let in_order: Vec<&CallView> =
            self.calls.iter().filter_map(|id| calls.iter().find(|call| is_same(&call.id, id))).collect();
        let Some(first) = self.scenario.ends.first() else {
            return in_order.iter().try_for_each(|call| self.script_of(call, None));
        };
        if in_order.len() != self.scenario.ends.len() {
            return Err(Failure {
                line: Some(first.line),
                expected: format!("{} calls, one for each [[end]]", self.scenario.ends.len()),
                seen: format!("{} calls", in_order.len()),
                entry: None,
                nearly: None,
            });
        }
        for (place, (end, call)) in self.scenario.ends.iter().zip(in_order).enumerate() {
            self.end_of(place.saturating_add(1), end, call)?;
        }
        Ok(())
    }

    fn end_of(&self, place: usize, End { line, file }: &End, call: &CallView) -> Result<(), Failure> {
        let result = call.result.map_or_else(|| "none".to_owned(), |(code, sub)| format!("{code}/{sub}"));
        let kind = if call.is_group { CallKind::Group } else { CallKind::PeerToPeer };
        let wrong = if call.state != file.state {
            Some((format!("is {}", file.state), format!("is {}", call.state)))
        } else if let Some(expected) = file.result.as_ref().filter(|expected| **expected != result) {
            Some((format!("has the result {expected}"), format!("has the result {result}")))
        } else {
            let expected = file.kind.filter(|expected| *expected != kind);
            expected.map(|expected| {
                (format!("is a {} call", expected.words()), format!("is a {} call", kind.words()))
            })
        };
        match wrong {
            Some((expected, found)) => Err(Failure {
                line: Some(*line),
                expected: format!("call {place} {expected} in the end"),
                seen: format!("it {found}"),
                entry: None,
                nearly: None,
            }),
            None => self.script_of(call, Some(*line)),
        }
    }

    /// Whether whoever is in the call could do all of what he was to do.
    fn script_of(&self, call: &CallView, line: Option<usize>) -> Result<(), Failure> {
        let seen = match &call.outcome {
            Outcome::Running if self.by_people.iter().any(|id| is_same(id, &call.id)) => {
                "he is not at the end of it".to_owned()
            }
            Outcome::Done | Outcome::Running => return Ok(()),
            Outcome::CutShort(step) => format!("the call ended before he could: {step}"),
        };
        let expected = "the person of the call does all of `then`".to_owned();
        Err(Failure { line, expected, seen, entry: None, nearly: None })
    }

    /// Until when something may still come after everything is met, in milliseconds since the last entry.
    pub(super) fn quiet(&self) -> Duration {
        if self.with_faults { QUIET_UNDER_FAULTS } else { QUIET }
    }
}

/// How long nothing may be wrong after everything is met; under faults a notification may still be on its way.
const QUIET: Duration = Duration::from_secs(1);
const QUIET_UNDER_FAULTS: Duration = Duration::from_secs(6);
/// How much of what was seen instead is told.
const SHOWN: usize = 3;

impl CallKind {
    fn words(self) -> &'static str {
        match self {
            Self::PeerToPeer => "peer-to-peer",
            Self::Group => "group",
        }
    }
}

/// What was seen in the place of something that is missing.
fn instead(since: &[Observed], is_news: bool) -> String {
    let others = since.iter().filter(|seen| match seen.what {
        What::Notification { .. } => is_news,
        What::Request { .. } | What::Person { .. } => !is_news,
        What::Prompt { .. } | What::Fault { .. } => false,
    });
    let others: Vec<String> = others.take(SHOWN).map(in_words).collect();
    if others.is_empty() { "nothing more".to_owned() } else { others.join("; ") }
}

/// Whether two spellings are those of one id.
fn is_same(one: &str, other: &str) -> bool {
    let plain = |id: &str| id.replace('-', "").to_ascii_lowercase();
    plain(one) == plain(other)
}

/// An entry in words.
pub(super) fn in_words(seen: &Observed) -> String {
    match &seen.what {
        What::Request { method, path, status, exchange } => {
            let request = format!("{method} {}", short(below_communications(path)));
            match (*status >= 400).then(|| refusal(exchange.answer.json())).flatten() {
                Some(reason) => format!("{request}, answered with {status}: {reason}"),
                None => format!("{request}, answered with {status}"),
            }
        }
        What::Notification { about, result, .. } => format!("notification: {about}, answered with {result}"),
        What::Person { name, did } => format!("{name} {did}"),
        What::Fault { fault, about } => format!("fault {}: {about}", fault.name()),
        What::Prompt { did, .. } => format!("a prompt {}", format!("{did:?}").to_lowercase()),
    }
}

/// Why the service refused something.
fn refusal(answer: Option<serde_json::Value>) -> Option<String> {
    let answer = answer?;
    let text = |pointer: &str| answer.pointer(pointer).and_then(serde_json::Value::as_str);
    text("/simulator/why").or_else(|| text("/error/message")).map(str::to_owned)
}

/// A path with its ids cut short.
pub(super) fn short(path: &str) -> String {
    let segment = |segment: &str| {
        if segment.len() >= 32 {
            segment.chars().take(4).chain(['…']).collect()
        } else {
            segment.to_owned()
        }
    };
    path.split('/').map(segment).collect::<Vec<String>>().join("/")
}

impl Check<'_> {
    /// The id of a person.
    pub(super) fn id(&self, name: &str) -> String {
        self.ids.get(name).cloned().unwrap_or_default()
    }

    pub(super) fn filled(&self, body: &serde_json::Value) -> serde_json::Value {
        super::placeholder::filled(body, &self.ids)
    }

    /// A person made this call.
    pub(super) fn began(&mut self, call: String) {
        self.by_people.push(call);
    }

    /// The call that began first.
    pub(super) fn first_call(&self) -> Option<&str> {
        self.calls.first().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::simulator::{Exchange, Posted};

    const HEAD: &str = "name = \"n\"\nshows = \"s\"\nsource = \"p\"\n[[person]]\nname = \"Ada\"\n";

    fn asked(at: u64, line: &str, status: u16) -> (u64, What) {
        let (method, path) = line.split_once(' ').unwrap();
        let path = format!("/v1.0/communications{path}");
        let exchange = Arc::new(Exchange::default());
        (at, What::Request { method: method.to_owned(), path, status, exchange })
    }

    fn told(at: u64, about: &str, result: &str) -> (u64, What) {
        let posted = Arc::new(Posted::default());
        (at, What::Notification { about: about.to_owned(), result: result.to_owned(), posted })
    }

    fn did(at: u64, did: &str) -> (u64, What) {
        (at, What::Person { name: "Ada".to_owned(), did: did.to_owned() })
    }

    /// What is wrong, and what is open in the end.
    fn checked(file: &str, with_faults: bool, seen: &[(u64, What)]) -> (Option<String>, Option<usize>) {
        let scenario = Scenario::read(&format!("{HEAD}{file}")).unwrap();
        let mut check = Check::new(&scenario, BTreeMap::new(), with_faults, 0);
        for (number, (at, what)) in (1..).zip(seen) {
            let entry = Observed { number, at: *at, call: Some("c".to_owned()), what: what.clone() };
            if let Err(failure) = check.take(entry) {
                return (Some(format!("{}, not {}", failure.expected, failure.seen)), failure.line);
            }
        }
        (None, check.unmet().and_then(|failure| failure.line))
    }

    /// Lines 6, 8 and 10.
    const THREE: &str = "[[see]]\nrequest = \"POST /calls/{id}/answer\"\n[[see]]\nnotification = \"updated call\"\n\
                         [[see]]\nperson = \"Ada hangs up\"\n";

    #[test]
    fn expectations_are_met_in_their_order_and_notifications_among_themselves() {
        let answer = || asked(1, "POST /calls/c/answer", 202);
        let news = || told(2, "updated call established", "202");
        for (seen, with_faults, open) in [
            (vec![answer(), news(), did(3, "hangs up")], false, None),
            (vec![news(), answer(), did(3, "hangs up")], false, None),
            (vec![did(1, "hangs up"), news(), answer()], false, Some(10)),
            (vec![did(1, "hangs up"), answer()], false, Some(10)),
            (vec![answer(), did(3, "hangs up")], false, Some(8)),
            // Under faults an answer may be late, and notifications are not looked at.
            (vec![did(1, "hangs up"), answer()], true, None),
            (vec![answer()], true, Some(10)),
        ] {
            assert_eq!(checked(THREE, with_faults, &seen), (None, open), "{seen:?}");
        }
    }

    #[test]
    fn what_comes_too_late_does_not_count() {
        let file = "[[see]]\nperson = \"Ada speaks\"\n[[see]]\nrequest = \"POST /calls\"\nwithin = \"2s\"\n";
        for (at, with_faults, open) in [(3_000, false, None), (3_001, false, Some(8)), (9_000, true, None)] {
            let seen = [did(1_000, "speaks"), asked(at, "POST /calls", 201)];
            assert_eq!(checked(file, with_faults, &seen), (None, open), "{at}");
        }
    }

    #[test]
    fn what_must_not_be_is_told_at_once() {
        let twice = [asked(1, "POST /calls/c/playPrompt", 200), asked(2, "POST /calls/c/playPrompt", 200)];
        let prompt = "request = \"POST /calls/{id}/playPrompt\"";
        for (file, seen, expected) in [
            (format!("[[never]]\n{prompt}"), twice.to_vec(), Some("never: POST")),
            (format!("[[never]]\n{prompt}\nmore_than = 1"), twice.to_vec(), Some("not more than 1 of: POST")),
            (format!("[[never]]\n{prompt}\nmore_than = 2"), twice.to_vec(), None),
            (format!("[[see]]\n{prompt}\nexactly = 1"), twice.to_vec(), Some("exactly 1 of: POST")),
            (format!("[[see]]\n{prompt}\nexactly = 2"), twice.to_vec(), None),
            (
                String::new(),
                vec![asked(1, "POST /calls/c/answer", 400)],
                Some("no request that the service has to"),
            ),
            (String::new(), vec![asked(1, "POST /calls/c/answer", 404)], None),
            (
                "[[see]]\nrequest = \"POST /calls/{id}/answer\"\nstatus = 400".to_owned(),
                vec![asked(1, "POST /calls/c/answer", 400), asked(2, "POST /calls/c/answer", 400)],
                None,
            ),
            (String::new(), vec![told(1, "updated call", "500")], Some("the bot accepts every notification")),
            (String::new(), vec![told(1, "updated call", "cannot reach it")], Some("the bot accepts every")),
            (String::new(), vec![told(1, "updated call", "307"), told(1, "updated call", "lost")], None),
        ] {
            let (wrong, _) = checked(&file, false, &seen);
            let is_as_expected = match (&wrong, expected) {
                (Some(wrong), Some(expected)) => wrong.starts_with(expected),
                (wrong, expected) => wrong.is_none() && expected.is_none(),
            };
            assert!(is_as_expected, "{file}\n{wrong:?}");
        }
    }

    #[test]
    fn calls_stand_in_the_end_as_the_file_says() {
        let call = |state, result, is_group, outcome| CallView {
            id: "C".to_owned(),
            state,
            is_group,
            result,
            outcome,
            prompts_started: 0,
            prompts_ended: 0,
        };
        let ended = || call("terminated", Some((200, 7000)), false, Outcome::Done);
        let cut = || {
            call("terminated", Some((200, 7000)), false, Outcome::CutShort(crate::simulator::Step::HangUp))
        };
        for (file, calls, expected) in [
            ("[[end]]", vec![ended()], None),
            ("[[end]]\nresult = \"200/7000\"\nkind = \"peer-to-peer\"", vec![ended()], None),
            ("[[end]]\nresult = \"none\"", vec![ended()], Some("call 1 has the result none")),
            ("[[end]]\nkind = \"group\"", vec![ended()], Some("call 1 is a group call")),
            ("[[end]]\nstate = \"established\"", vec![ended()], Some("call 1 is established in the end")),
            ("[[end]]\n[[end]]", vec![ended()], Some("2 calls")),
            ("[[end]]", vec![], Some("1 calls")),
            ("", vec![cut()], Some("the person of the call does all of `then`")),
            ("", vec![call("established", None, false, Outcome::Running)], None),
        ] {
            let scenario = Scenario::read(&format!("{HEAD}{file}")).unwrap();
            let mut check = Check::new(&scenario, BTreeMap::new(), false, 0);
            let (at, what) = did(1, "calls the bot");
            check.take(Observed { number: 1, at, call: Some("c".to_owned()), what }).unwrap();
            let wrong = check.end(&calls).err().map(|failure| failure.expected);
            assert_eq!(wrong.is_some(), expected.is_some(), "{file}: {wrong:?}");
            assert!(wrong.unwrap_or_default().starts_with(expected.unwrap_or_default()), "{file}");
        }
    }
}
