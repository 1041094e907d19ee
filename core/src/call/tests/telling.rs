//! Telling a story as it is, and disturbed: with every report twice, with the reports of a moment late, with two neighbours
//! swapped, with one report lost, and with slow answers to what the call asks by itself.
//!
//! What a disturbed telling may not change are the facts at its end, but for what is lost for good.

use std::format;
use std::vec::Vec;

use super::*;

impl Story {
    /// Tells the story as it is; the call right after its last step.
    pub(super) fn tell(&self) -> Small {
        Run::up_to_the_last_step(self, Telling::AsItIs).call
    }

    /// Tells the story as it is; all its events.
    pub(super) fn tell_events(&self) -> Vec<Event> {
        Run::up_to_the_last_step(self, Telling::AsItIs).events
    }

    /// Tells the story as it is; the requests that left since its beginning was told.
    pub(super) fn requests(&self) -> Vec<Action> {
        let run = Run::up_to_the_last_step(self, Telling::AsItIs);
        run.sent[run.requests_seen..].iter().filter(|sent| sent.left).map(|sent| sent.action).collect()
    }

    /// Tells the story as it is, and with each report twice. For a story that is one only in this order.
    pub(super) fn in_order(&self) -> Small {
        let plain = Run::of(self, Telling::AsItIs);
        let twice = Run::of(self, Telling::Twice);
        same(&plain, &twice, &[]);
        assert!(self.tells_again || plain.events == twice.events, "{:?}\n{:?}", plain.events, twice.events);
        plain.call
    }

    /// Tells the story in every way.
    pub(super) fn in_every_way(&self) -> Small {
        self.in_every_way_but(&[])
    }

    /// Tells the story in every way; these facts depend on the order, for a reason that the test gives.
    pub(super) fn in_every_way_but(&self, differ: &[Fact]) -> Small {
        let plain = Run::of(self, Telling::AsItIs);
        let _ = self.in_order();
        same(&plain, &Run::of(self, Telling::SlowAnswers), differ);
        for moment in 0..=self.moments() {
            same(&plain, &Run::of(self, Telling::Late(moment)), differ);
        }
        let reports = self.reports();
        for first in 0..reports.len().saturating_sub(1) {
            same(&plain, &Run::of(self, Telling::Swapped(first)), differ);
        }
        for (lost, said) in reports.iter().enumerate() {
            let mut differ = [differ, self.lost.as_slice()].concat();
            differ.extend(lost_for_good(said));
            same(&plain, &Run::of(self, Telling::Lost(lost)), &differ);
        }
        plain.call
    }
}

/// How a story is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Telling {
    AsItIs,
    /// Every report comes twice.
    Twice,
    /// The reports of this moment come after those of the next.
    Late(usize),
    /// This report comes after the one that follows it.
    Swapped(usize),
    /// This report never comes; of an answer the bot knows that it was lost.
    Lost(usize),
    /// What the call asks by itself is answered as of then, and the answers come a moment later.
    SlowAnswers,
}

/// A fact of a call at the end of a story.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fact {
    Id,
    State,
    How,
    EndedBy,
    EndCode,
    EverEstablished,
    Kind,
    Hosting,
    Audio,
    Transcription,
    Recording,
    Recorded,
    Reached,
    Settlement,
    Transfer,
    Roster,
    Tones,
    Outcomes,
    Sharing,
}

/// A row of the table in the docs of `lifecycle`, which reports it is of, and what is lost with them.
type Row = (&'static str, fn(&Said) -> bool, &'static [Fact]);

/// What one round of questions does not bring back. Each name is a row of the table in the docs of `lifecycle`.
const LOST_FOR_GOOD: &[Row] = &[
    ("audio became active", |said| audio_of(said) == Some(Audio::Active), &[Fact::Audio]),
    ("audio became inactive", |said| audio_of(said) == Some(Audio::Inactive), &[Fact::Audio]),
    ("a tone", |said| matches!(said, Said::Call(_, CallNews { tone: Some(_), .. })), &[Fact::Tones]),
    // What only the answer tells: that an operation which it completes is done, and so that recording is confirmed.
    (
        "the answer to a request",
        |said| matches!(said, Said::Answer(..) | Said::NotSent(_)),
        &[Fact::Outcomes, Fact::Recording, Fact::Settlement, Fact::EndedBy],
    ),
    ("the end", ends, &[Fact::How, Fact::EndedBy, Fact::EndCode]),
    (
        "who answered, how it was routed",
        |said| matches!(said, Said::Call(_, news) if news.answered_by.is_some() || news.routing.is_some()),
        &[Fact::Reached],
    ),
    ("content sharing began or ended", |said| matches!(said, Said::Sharing(..)), &[Fact::Sharing]),
    (
        "a participant is joining, or left, under policy-based recording",
        |said| matches!(said, Said::Joining | Said::Left),
        &[Fact::Recorded],
    ),
];

fn audio_of(said: &Said) -> Option<Audio> {
    match said {
        Said::Call(_, news) => news.audio,
        _ => None,
    }
}

fn ends(said: &Said) -> bool {
    matches!(said, Said::Call(Change::Deleted, _))
        || matches!(
            said,
            Said::Call(_, CallNews { state: Told::State(State::Terminating | State::Terminated), .. })
        )
}

fn lost_for_good(said: &Said) -> impl Iterator<Item = Fact> + use<> {
    let rows = LOST_FOR_GOOD.iter().filter(|(_, is_of, _)| is_of(said));
    rows.flat_map(|(_, _, facts)| facts.iter().copied()).collect::<Vec<_>>().into_iter()
}

#[test]
fn what_is_lost_for_good_stands_in_the_table_of_the_docs() {
    let docs = include_str!("../../lifecycle.rs");
    for (name, _, _) in LOST_FOR_GOOD {
        assert!(docs.contains(&format!("//! | {name} |")), "{name}");
    }
}

fn same(plain: &Run<'_>, other: &Run<'_>, may_differ: &[Fact]) {
    let (expected, found) = (plain.facts(), other.facts());
    for (fact, value) in &expected {
        assert!(
            may_differ.contains(fact) || found.get(fact) == Some(value),
            "{:?}: {fact:?} is {} and should be {value}\n{:?}\n{:?}",
            other.telling,
            found[fact],
            other.telling.what_of(other.story),
            other.events,
        );
    }
}

impl Telling {
    fn what_of(self, story: &Story) -> Option<Said> {
        match self {
            Self::Swapped(nth) | Self::Lost(nth) => story.reports().get(nth).cloned(),
            Self::AsItIs | Self::Twice | Self::Late(_) | Self::SlowAnswers => None,
        }
    }
}
