//! What must hold of calls whatever happens to the process that handles them: rules with names, each of which a bot can
//! break.

use std::collections::{BTreeMap, BTreeSet};

use crate::cut::Point;
use crate::outage::{Seen, SeenOfOurs, expected};

/// A rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// A call whose notification was accepted is known.
    NoCallForgotten,
    /// A prompt that was asked for once is played once at most.
    NoPromptTwice,
    /// Nobody is called twice who was to be called once.
    NobodyRungTwice,
    /// No transfer, invitation or recording is made twice.
    NothingElseTwice,
    /// What an accepted notification told stands in the committed history.
    NoEventLost,
    /// No event stands twice in the committed history.
    NoEventTwice,
    /// An event is given to the handler again only where a cut lies between.
    GivenAgainOnlyAfterACut,
    /// An outcome is unknown only of a request that was marked as sent and not settled when the power went, or where news
    /// of it may be among what the service gave up to tell.
    UnknownOnlyWhatWasOpen,
    /// What the service carried out does not count as failed.
    DoneIsNotFailed,
    /// An incoming call is answered, where a process was there in time.
    IsAnswered,
    /// Every call reaches its end, here and at the service.
    EveryCallEnds,
    /// Nothing is kept of calls that ended long ago.
    NothingLeft,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::NoCallForgotten,
        Self::NoPromptTwice,
        Self::NobodyRungTwice,
        Self::NothingElseTwice,
        Self::NoEventLost,
        Self::NoEventTwice,
        Self::GivenAgainOnlyAfterACut,
        Self::UnknownOnlyWhatWasOpen,
        Self::DoneIsNotFailed,
        Self::IsAnswered,
        Self::EveryCallEnds,
        Self::NothingLeft,
    ];
}

/// A rule that was broken, and how.
pub type Broken = (Rule, String);

fn counted<T: Ord>(all: impl IntoIterator<Item = T>) -> BTreeMap<T, usize> {
    let mut counts = BTreeMap::new();
    for one in all {
        *counts.entry(one).or_default() += 1;
    }
    counts
}

/// The rules that any bot can be held to.
pub fn judge(seen: &Seen) -> Vec<Broken> {
    let mut broken = Vec::new();
    let done = seen.asked.iter().filter(|asked| matches!(asked.status, 200..=299));
    for ((call, what, intent), count) in counted(done.map(|asked| {
        // Two creations have two ids: what they have in common is who is called.
        let call = if asked.what == "POST " { "" } else { asked.call.as_str() };
        (call, asked.what.as_str(), asked.intent.as_str())
    })) {
        let rule = match what {
            "POST playPrompt" => Rule::NoPromptTwice,
            "POST " => Rule::NobodyRungTwice,
            "POST transfer" | "POST invite" | "POST recordResponse" => Rule::NothingElseTwice,
            _ => continue,
        };
        if count > 1 {
            broken.push((rule, format!("{call} {what} {intent}: {count} times")));
        }
    }
    let settled = |call: &str| {
        let mut all = seen.asked.iter();
        all.any(|asked| {
            asked.call == call
                && asked.status < 300
                && matches!(asked.what.as_str(), "POST answer" | "POST reject")
        })
    };
    for accepted in &seen.accepted {
        let is_offer = expected(&accepted.entry).as_deref() == Some("offered");
        if is_offer && seen.pause.as_secs() <= 5 && !settled(&accepted.call) {
            broken.push((Rule::IsAnswered, format!("{}: cut at {:?}", accepted.call, seen.cut)));
        }
    }
    let nothing = Vec::new();
    for (call, words) in seen
        .accepted
        .iter()
        .filter_map(|accepted| Some((&accepted.call, expected(&accepted.entry)?)))
        .collect::<BTreeSet<_>>()
    {
        let history = seen.histories.get(call);
        if history.is_none() && words == "offered" {
            broken.push((Rule::NoCallForgotten, call.clone()));
        } else if !history.unwrap_or(&nothing).contains(&words) {
            broken.push((Rule::NoEventLost, format!("{call}: {words}")));
        }
    }
    for (call, history) in &seen.histories {
        for (event, count) in counted(history) {
            if count > 1 {
                broken.push((Rule::NoEventTwice, format!("{call}: {event} {count} times")));
            }
        }
        if !history.iter().any(|event| event == "ended") {
            broken.push((Rule::EveryCallEnds, format!("{call}: {history:?}")));
        }
    }
    broken.extend(seen.open.iter().map(|call| (Rule::EveryCallEnds, format!("{call} at the service"))));
    broken
}

/// The rules that a bot of callflow is held to.
pub fn judge_ours(seen: &Seen, ours: &SeenOfOurs) -> Vec<Broken> {
    let mut broken = judge(seen);
    let most = 1 + usize::from(seen.cut.is_some());
    for ((call, event), count) in counted(ours.told.iter().map(|told| (&told.call, &told.event))) {
        if count > most {
            broken.push((Rule::GivenAgainOnlyAfterACut, format!("{call}: {event} {count} times")));
        }
    }
    for told in &ours.told {
        let Some(rest) = told.event.strip_prefix("OutcomeUnknown { ticket: Ticket(") else { continue };
        let ticket = rest.split(')').next().and_then(|number| number.parse().ok()).unwrap_or(0);
        if seen.missed == 0 && !ours.unsettled.contains(&(told.call.clone(), ticket)) {
            broken.push((Rule::UnknownOnlyWhatWasOpen, format!("{}: {}", told.call, told.event)));
        }
    }
    for (call, history) in &seen.histories {
        for event in history.iter().filter(|event| event.starts_with("CommandFailed")) {
            for asked in seen.asked.iter().filter(|asked| asked.call == *call && asked.status < 300) {
                let action = asked.what.split(' ').next_back().unwrap_or_default();
                if event.to_ascii_lowercase().contains(&format!("action: {}", action.to_ascii_lowercase())) {
                    broken.push((Rule::DoneIsNotFailed, format!("{call}: {event}")));
                }
            }
        }
    }
    broken.extend(ours.left.iter().map(|name| (Rule::NothingLeft, name.clone())));
    broken
}

/// Where a cut was, in few words.
pub fn place(point: Option<&Point>) -> String {
    match point {
        None => "nowhere".to_owned(),
        Some(Point::Store(operation)) => format!("store {operation}"),
        Some(Point::Request(line)) => line.clone(),
        Some(Point::Response) => "a response".to_owned(),
    }
}
