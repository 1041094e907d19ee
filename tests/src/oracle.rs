//! What must hold of calls whatever happens to the process that handles them: rules with names, each of which a bot can
//! break.

use std::collections::{BTreeMap, BTreeSet};

use crate::cut::Point;
use crate::outage::{Seen, SeenOfOurs};
use crate::script::{Loss, Plan, Told, expected, is_recovery};
use crate::service::{Accepted, ticket_of};

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
    /// An event that is given again has a number that was given before: where each takes back what was given under its
    /// number and after, what remains is the committed history.
    GivenAgainIsMarked,
    /// An outcome is unknown only of a request that was marked as sent and not settled when the power went, or where the
    /// service gave up to tell of just this one.
    UnknownOnlyWhatWasOpen,
    /// An outcome is not unknown where it was accepted before.
    KnownIsNotUnknown,
    /// What the service carried out does not count as failed.
    DoneIsNotFailed,
    /// An incoming call is answered, where a process was there in time.
    IsAnswered,
    /// Every call reaches its end, here and at the service.
    EveryCallEnds,
    /// Nothing is kept of calls that ended long ago.
    NothingLeft,
    /// A participant who joins is answered, and each time the same.
    OneAnswerToWhoJoins,
    /// He is answered what stands in the committed history.
    AnswerIsCommitted,
    /// A handler is told of a call of which nothing was left but its id.
    RecoveredIsTold,
    /// What is not known any more and is to be hung up, is.
    UnknownIsHungUp,
    /// A drained bot names the calls that it leaves behind.
    LeftIsNamed,
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
        let without = seen.pause.as_secs() * seen.cuts.len().max(1) as u64;
        // A policy recording bot has less time.
        let most = if seen.plan == Plan::Joining { 3 } else { 5 };
        if is_offer && without <= most && !settled(&accepted.call) {
            broken.push((Rule::IsAnswered, format!("{}: cut at {:?}", accepted.call, seen.cuts)));
        }
    }
    let nothing = Vec::new();
    // Calls that are not known and not adopted are dropped, and so is what is told of them.
    let kept = seen.accepted.iter().filter(|_| seen.plan != Plan::HangUpUnknown);
    for (call, words) in kept
        .filter_map(|accepted| Some((&accepted.call, expected(&accepted.entry)?)))
        .collect::<BTreeSet<_>>()
    {
        let history = seen.histories.get(call);
        let begins = |accepted: &Accepted| {
            accepted.call == *call && expected(&accepted.entry).as_deref() == Some("offered")
        };
        let is_heard_of = seen.accepted.iter().any(begins)
            || seen.asked.iter().any(|asked| asked.call == *call && asked.status < 300);
        if history.is_none() && !is_heard_of {
            // It rang while no process could take its first notification, and is over.
            continue;
        }
        if history.is_none() && words == "offered" {
            broken.push((Rule::NoCallForgotten, call.clone()));
        } else if words == "offered" && seen.plan.drain().is_some() && is_turned_away(seen, call) {
            // The handler is told of the end alone.
        } else if !history.unwrap_or(&nothing).contains(&words) {
            broken.push((Rule::NoEventLost, format!("{call}: {words}")));
        }
    }
    for (call, history) in &seen.histories {
        // A call that is known by its id alone begins anew with what the service says of it.
        for part in history.split_inclusive(|event| is_recovery(event)) {
            for (event, count) in counted(part.iter().filter(|event| !event.starts_with("joining"))) {
                if count > 1 {
                    broken.push((Rule::NoEventTwice, format!("{call}: {event} {count} times")));
                }
            }
        }
        if !history.iter().any(|event| event == "ended") {
            broken.push((Rule::EveryCallEnds, format!("{call}: {history:?}")));
        }
    }
    broken.extend(seen.open.iter().map(|call| (Rule::EveryCallEnds, format!("{call} at the service"))));
    broken
}

/// Whether a call ended that a drained bot did not answer.
fn is_turned_away(seen: &Seen, call: &str) -> bool {
    let mut asked = seen.asked.iter();
    let is_answered =
        asked.any(|asked| asked.call == call && asked.what == "POST answer" && asked.status < 300);
    !is_answered
        && seen.histories.get(call).is_some_and(|history| history.iter().any(|event| event == "ended"))
}

/// The rules that a bot of callflow is held to.
pub fn judge_ours(seen: &Seen, ours: &SeenOfOurs) -> Vec<Broken> {
    let mut broken = judge(seen);
    broken.extend(given_again(seen, ours));
    for told in ours.told.iter().filter(|told| told.event.starts_with("OutcomeUnknown")) {
        broken.extend(unknown(seen, ours, told).map(|rule| (rule, format!("{}: {}", told.call, told.event))));
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
    broken.extend(joined(seen));
    broken.extend(lost_and_drained(seen, ours));
    broken
}

/// What is given twice, and whether that can be told by its number.
fn given_again(seen: &Seen, ours: &SeenOfOurs) -> Vec<Broken> {
    let mut broken = Vec::new();
    let most = 1 + seen.cuts.len();
    let events = ours.told.iter().map(|told| (&told.call, &told.event, told.number));
    for ((call, event, number), count) in counted(events) {
        if count > most {
            broken
                .push((Rule::GivenAgainOnlyAfterACut, format!("{call}: {event} as {number} {count} times")));
        }
    }
    if seen.plan == Plan::UnreadableHungUp {
        // The numbers were in what is lost.
        return broken;
    }
    let mut remaining = BTreeMap::<&str, Vec<(u64, &str)>>::new();
    let ids: BTreeMap<_, _> =
        ours.told.iter().filter_map(|told| Some((&told.call, told.id.as_ref()?))).collect();
    for told in &ours.told {
        let Some(id) = ids.get(&told.call) else { continue };
        let events = remaining.entry(id).or_default();
        // That a call was recovered is no event, and has no number of its own.
        let is_event = !is_recovery(&told.event);
        events.retain(|(number, event)| {
            *number < told.number || (!is_event && *number == told.number && !is_recovery(event))
        });
        events.push((told.number, &told.event));
    }
    for (call, events) in remaining {
        let is_joining = |event: &str| event.to_ascii_lowercase().starts_with("joining");
        let given: Vec<_> =
            events.iter().map(|(_, event)| *event).filter(|event| !is_joining(event)).collect();
        let history = seen.histories.get(call).map_or(&[][..], Vec::as_slice);
        let kept: Vec<_> = history.iter().map(String::as_str).filter(|event| !is_joining(event)).collect();
        if given != kept {
            broken.push((Rule::GivenAgainIsMarked, format!("{call}: given {given:?}, kept {kept:?}")));
        }
    }
    broken
}

/// Which rule is broken by telling that an outcome is unknown.
fn unknown(seen: &Seen, ours: &SeenOfOurs, told: &Told) -> Option<Rule> {
    let rest = told.event.strip_prefix("OutcomeUnknown { ticket: Ticket(")?;
    let ticket = rest.split(')').next()?.parse::<u32>().ok()?;
    let action = rest.split("action: ").nth(1)?.trim_end_matches(['}', ' ']);
    let id = told.id.as_deref().unwrap_or_default();
    let mut open = ours.unsettled.iter();
    let was_open = open.any(|(call, of, at)| *call == told.call && *of == ticket && *at < told.at);
    let is_missed = seen.missed.iter().any(|missed| missed.call == id && missed.ticket == Some(ticket));
    if !was_open && !is_missed {
        return Some(Rule::UnknownOnlyWhatWasOpen);
    }
    let mut before = seen.accepted.iter().chain(&ours.waiting).filter(|accepted| accepted.at < told.at);
    let is_known = before.any(|accepted| accepted.call == id && settles(&accepted.entry, ticket, action));
    is_known.then_some(Rule::KnownIsNotUnknown)
}

/// Whether a notification says what became of a request.
fn settles(entry: &serde_json::Value, ticket: u32, action: &str) -> bool {
    let text = |path: &str| entry.pointer(path).and_then(serde_json::Value::as_str).unwrap_or_default();
    let state = text("/resourceData/state");
    match action {
        "Answer" | "AnswerPolicyRecording" => state == "established",
        "Transfer" => state == "transferAccepted",
        "HangUp" | "Reject" => text("/changeType") == "deleted",
        action if action.starts_with("Create") => !state.is_empty(),
        _ => {
            ticket_of(entry) == Some(ticket)
                && matches!(
                    text("/resourceData/status").to_ascii_lowercase().as_str(),
                    "completed" | "failed"
                )
        }
    }
}

/// The rules of participants who join.
fn joined(seen: &Seen) -> Vec<Broken> {
    let mut broken = Vec::new();
    for joined in &seen.joined {
        let of = format!("{} {}: {:?}", joined.call, joined.number, joined.answers);
        let Some(Some(first)) = joined.answers.first() else {
            broken.push((Rule::OneAnswerToWhoJoins, of));
            continue;
        };
        if joined.answers.iter().any(|answer| answer.as_ref() != Some(first)) {
            broken.push((Rule::OneAnswerToWhoJoins, of.clone()));
        }
        let history = seen.histories.get(&joined.call).map_or(&[][..], Vec::as_slice);
        let mut kept = history.iter().filter_map(|event| event.strip_prefix("joining: "));
        let place = usize::try_from(joined.number).unwrap_or(usize::MAX);
        if kept.nth(place) != Some(first) {
            broken.push((Rule::AnswerIsCommitted, format!("{of}, kept {history:?}")));
        }
    }
    for (call, history) in &seen.histories {
        let told = history.iter().filter(|event| event.starts_with("joining")).count();
        if told > seen.joined.len() {
            broken.push((Rule::NoEventTwice, format!("{call}: {history:?}")));
        }
    }
    broken
}

/// The rules of records that are lost, and of bots that are drained.
fn lost_and_drained(seen: &Seen, ours: &SeenOfOurs) -> Vec<Broken> {
    let mut broken = Vec::new();
    // Of a call that is not known nothing is heard where its only news came while there was no process.
    let is_heard_of = seen.plan.loss() != Some(Loss::All)
        || seen
            .accepted
            .iter()
            .any(|accepted| expected(&accepted.entry).is_some_and(|words| words.starts_with("tone")));
    if matches!(seen.plan, Plan::Unreadable | Plan::UnreadableHungUp | Plan::Adopt) && is_heard_of {
        let told = ours.told.iter().filter(|told| is_recovery(&told.event));
        let numbers: BTreeSet<_> = told.map(|told| (&told.call, told.number)).collect();
        let mut kept = seen.histories.values().flatten().filter(|event| is_recovery(event));
        if numbers.len() != 1 || kept.next().is_none() || kept.next().is_some() {
            broken.push((Rule::RecoveredIsTold, format!("{numbers:?}, kept {:?}", seen.histories)));
        }
    }
    if matches!(seen.plan, Plan::UnreadableHungUp | Plan::HangUpUnknown)
        && is_heard_of
        && !seen.asked.iter().any(|asked| asked.what == "DELETE " && asked.status < 300)
    {
        broken.push((Rule::UnknownIsHungUp, format!("{:?}", seen.asked)));
    }
    if let Some((open, drained)) = &seen.drained {
        for call in open.iter().map(|id| crate::service::plain(id)) {
            if !drained.left.iter().any(|name| name.as_str().ends_with(&call)) {
                broken.push((Rule::LeftIsNamed, format!("{call}: {drained:?}")));
            }
        }
    }
    broken
}

/// Where cuts were, in few words.
pub fn places(points: &[Point]) -> String {
    let words = points.iter().map(|point| match point {
        Point::Store(operation) => format!("store {operation}"),
        Point::Request(line) => line.clone(),
        Point::Response => "a response".to_owned(),
    });
    words.collect::<Vec<_>>().join(", then ")
}
