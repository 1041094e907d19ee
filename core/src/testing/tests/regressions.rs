//! What the properties found in core, each as the shortest story that shows it.

use super::*;
use crate::call::{Offer, Setup, Why};
use crate::command::{Answer, BargeIn, Command, MediaConfig, Record, Repeat};
use crate::deadline::{Timer, Timers};
use crate::id::CallId;
use crate::lifecycle::State;
use crate::list::List;
use crate::media::Audio;
use crate::permission::{Grants, Permissions, Policy};
use crate::report::{CallNews, Change};
use crate::text::{Secret, Uri};
use crate::time::Span;

const CALLBACK: Uri<'static> = Uri::new("https://bot.example/1");
const PROMPT: [Uri<'static>; 1] = [Uri::new("https://bot.example/1.wav")];

fn offered(setup: Setup, acts: Vec<(u64, Act)>) -> Result<Call<4, 3>, Broken> {
    let opening = Opening::Offered(setup, Offer::new(CallId::parse("a")));
    Story { opening, acts }.play(|_, _| {}).map(Option::unwrap)
}

#[test]
fn regression_an_answer_with_media_of_its_own_needs_the_permission() {
    let answer = Answer { media: MediaConfig::AppHosted(Secret::new("blob")), ..Answer::new(CALLBACK) };
    let setup = Setup {
        grants: Grants::Known(Permissions::NONE),
        policy: Policy::Enforce,
        ..Setup::new(strategy::KEY)
    };
    let mut call = offered(setup, Vec::new()).unwrap();
    let now = Timestamp::from_millis(1_000_001);
    let refused = call.handle(now, Input::Command(&Command::Answer(answer))).unwrap_err();
    assert!(matches!(refused.why, Why::PermissionMissing(_)), "{refused}");
    assert!(call.handle(now, Input::Command(&Command::Answer(Answer::new(CALLBACK)))).is_ok());
}

#[test]
fn regression_a_call_with_an_interrupting_recording_can_be_read_again() {
    let with_audio = CallNews { audio: Some(Audio::Active), ..CallNews::of(State::Established) };
    let record = Record { barge_in: BargeIn::Interrupts, ..Record::after(None) };
    let acts = Vec::from([
        (0, Act::Call(Change::Updated, with_audio)),
        (0, Act::Command(Command::PlayPrompt { prompts: List::new(&PROMPT), repeat: Repeat::Once })),
        (0, Act::Command(Command::Record(record))),
    ]);
    assert_eq!(offered(Setup::new(strategy::KEY), acts).err(), None);
}

#[test]
fn regression_questions_keep_their_distance_also_where_answers_are_lost() {
    let timers = Timers::DEFAULT.with(Timer::Question, Span::from_secs(120)).unwrap();
    let setup = Setup { timers, ..Setup::new(strategy::KEY) };
    assert_eq!(offered(setup, Vec::from([(600_000, Act::Tick)])).err(), None);
}
