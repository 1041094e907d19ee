//! What the stories reach: a rule that no story reaches is checked by none.

use std::collections::BTreeSet;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::*;
use crate::action::Action;
use crate::call::{Verdict, Why};
use crate::certainty::Certainty;
use crate::event::Event;
use crate::lifecycle::pending::Unsettled;
use crate::lifecycle::{self, State};
use crate::limit::Limit;
use crate::restriction::Restriction;

/// How many stories are played: what is seen once in a few hundred is seen.
const STORIES: usize = if cfg!(debug_assertions) { 1_500 } else { 20_000 };

macro_rules! names {
    ($of:ident, $type:ident: $($variant:ident),+ $(,)?) => {
        /// The names of the variants; the match breaks the build where one is added.
        fn $of(value: Option<&$type>) -> Vec<&'static str> {
            match value {
                None => Vec::from([$(stringify!($variant)),+]),
                $(Some($type::$variant { .. }) => Vec::from([stringify!($variant)]),)+
            }
        }
    };
}

names!(events, Event:
    Offered, Created, StateChanged, Established, Reached, MediaChanged, Tone, OperationEnded, OperationsEnded,
    CommandFailed, OutcomeUnknown, AnswerTimeout, NoAnswer, KindChanged, HostingChanged, RosterChanged, RosterUpdated,
    RosterFull, PermissionMissing, Restricted, DroppedIfGroup, TransferFailed, RecordingConfirmed,
    TranscriptionChanged, ContentSharing, Joining, JoiningTimeout, RecordedParticipantLeft, Revived, NotUsed, Ended,
    EndRevised,
);

names!(whys, Why:
    Lifecycle, Settlement, Restricted, Limit, PermissionMissing, Busy, NotCreatedYet, HangingUp, OperationsFull,
    ReplacesOne, NobodyJoining, NoStatus, NoTone, PhoneNeedsInstance, GuestNeedsMeeting,
);

#[derive(Default)]
struct Seen(BTreeSet<String>);

impl Seen {
    fn note(&mut self, what: &str, which: impl core::fmt::Display) {
        self.0.insert(format!("{what} {which}"));
    }

    fn refused(&mut self, why: Why) {
        for name in whys(Some(&why)) {
            self.note("why", name);
        }
        match why {
            Why::Lifecycle(why) => self.note("lifecycle", format!("{why:?}")),
            Why::Settlement(why) => self.note("settlement", format!("{why:?}")),
            Why::Restricted(restriction) => self.note("refused", restriction),
            Why::Limit(breach) => self.note("limit", format!("{:?}", breach.limit)),
            _ => {}
        }
    }

    fn lacks(&self, what: &str, which: impl Iterator<Item = String>) -> Vec<String> {
        which.map(|one| format!("{what} {one}")).filter(|one| !self.0.contains(one)).collect()
    }
}

#[test]
fn every_state_command_refusal_event_and_verdict_is_reached() {
    let mut runner = TestRunner::deterministic();
    let mut seen = Seen::default();
    let stories = story(60);
    for _ in 0..STORIES {
        let story = stories.new_tree(&mut runner).unwrap().current();
        if let Err(refused) = story.opening.open::<4, 3>(Timestamp::from_millis(0)) {
            seen.refused(refused.why);
        }
        let played = story.play::<4, 3>(|call, result| {
            seen.note("state", call.state());
            match result {
                Err(refused) => seen.refused(refused.why),
                Ok(output) => {
                    seen.note("verdict", output.verdict());
                    for request in output.requests() {
                        match request.action() {
                            // Which way of answering it is, the call knows.
                            Some(Action::Answer) => seen.note("left", call.facts.created_by),
                            Some(action) => seen.note("left", action),
                            None => {}
                        }
                    }
                    for event in output.events() {
                        for name in events(Some(event)) {
                            seen.note("event", name);
                        }
                        if let Event::Restricted { restriction, .. } = event {
                            seen.note("advised", restriction);
                        }
                    }
                }
            }
        });
        assert_eq!(played.err(), None, "{story:?}");
    }
    let of_certainty = |is_documented: bool| {
        let of = move |one: &&Restriction| (one.certainty() == Certainty::Documented) == is_documented;
        Restriction::ALL.iter().filter(of).map(ToString::to_string)
    };
    // The bot has no command to list participants: what is advised of it is advised to nobody.
    let advised = of_certainty(false).filter(|name| *name != Restriction::EmptyList.to_string());
    // No command creates a call that exists, and a call that waits always needs an answer: the rule books are complete,
    // and say so to whoever uses them alone.
    let lifecycles = lifecycle::Why::ALL.iter().filter(|why| **why != lifecycle::Why::Exists);
    let settlements = Unsettled::ALL.iter().filter(|why| **why != Unsettled::NotIncoming);
    let lacking: Vec<String> = [
        seen.lacks("state", State::ALL.iter().map(ToString::to_string)),
        seen.lacks("verdict", Verdict::ALL.iter().map(ToString::to_string)),
        seen.lacks("left", Action::ALL.iter().map(ToString::to_string)),
        seen.lacks("event", events(None).into_iter().map(String::from)),
        seen.lacks("why", whys(None).into_iter().map(String::from)),
        seen.lacks("lifecycle", lifecycles.map(|one| format!("{one:?}"))),
        seen.lacks("settlement", settlements.map(|one| format!("{one:?}"))),
        seen.lacks("limit", Limit::ALL.iter().map(|one| format!("{one:?}"))),
        seen.lacks("refused", of_certainty(true)),
        seen.lacks("advised", advised),
    ]
    .concat();
    assert_eq!(lacking, Vec::<String>::new(), "no story reaches these");
}

/// Everything that a history is made of happens in some, and brings about what it should.
#[test]
fn every_scene_happens_and_every_event_of_the_documentation_is_told_in_histories() {
    let mut runner = TestRunner::deterministic();
    let mut seen = Seen::default();
    let cases = (history(12), super::histories::busy());
    for _ in 0..STORIES {
        let (history, mut bot) = cases.new_tree(&mut runner).unwrap().current();
        let trace = run::<10, 6>(&mut bot, &history).unwrap();
        for entry in trace.entries() {
            match &entry.what {
                What::AtService(Happened::Scene(scene)) => seen.note("scene", first_word(*scene)),
                What::AtService(Happened::CarriedOut(action)) => seen.note("carried out", action),
                What::Learnt(event) => seen.note("event", events(Some(event)).concat()),
                _ => {}
            }
        }
    }
    let scenes = [
        "Presses",
        "Joins",
        "Leaves",
        "Mutes",
        "Admits",
        "Audio",
        "Holds",
        "TellsAgain",
        "Coordinates",
        "Transcribes",
        "Shares",
        "RecordedJoins",
        "RecordedLeaves",
        "HangsUp",
    ];
    // The service here names nobody who answered, fills no table, states no grants and sends nothing unknown; that it
    // denies a call twice that lives is too rare to count on.
    let never = ["Reached", "RosterFull", "PermissionMissing", "DroppedIfGroup", "NotUsed", "Revived"];
    // With these openings nobody joins as a guest; questions and what nobody needs are carried out unseen.
    let carried_out = [Action::Place, Action::PlaceGroup, Action::Join, Action::Answer, Action::Transfer]
        .into_iter()
        .chain([Action::AnswerPolicyRecording, Action::Reject, Action::Redirect, Action::HangUp])
        .chain([
            Action::PlayPrompt,
            Action::Record,
            Action::SubscribeToTone,
            Action::SendDtmf,
            Action::Invite,
        ])
        .chain([Action::CancelMediaProcessing, Action::UpdateRecordingStatus, Action::AnswerJoining]);
    let lacking = [
        seen.lacks("scene", scenes.into_iter().map(String::from)),
        seen.lacks("carried out", carried_out.map(|action| action.to_string())),
        seen.lacks("event", events(None).into_iter().filter(|name| !never.contains(name)).map(String::from)),
    ]
    .concat();
    assert_eq!(lacking, Vec::<String>::new(), "no history reaches these");
}

fn first_word(scene: Scene) -> String {
    format!("{scene:?}").split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_string()
}
