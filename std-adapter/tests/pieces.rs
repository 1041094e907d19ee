//! Pieces in a durable handler, against the simulator, in virtual time.
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests, beside the tests themselves

use std::sync::Arc;
use std::time::Duration;

use callflow_core::event::Event;
use callflow_core::identity::Answerer;
use callflow_graph::bot::{Bot, Call, CallHandler, HandlerError};
use callflow_graph::piece::{
    Collect, Failure, Hold, InviteAndWait, LeaveWhenAlone, Menu, Piece, Running, TransferTo, WhoAnswered,
};
use callflow_graph::session::Target;
use callflow_graph::simulator::{Outcome, Stage, Step, WhenRung};
use callflow_graph::store::memory::Memory;
use callflow_graph::store::{CallName, Store};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A piece that runs, and how it came out, as it prints.
#[derive(Serialize, Deserialize)]
struct Kept<P> {
    running: Running<P>,
    outcomes: Vec<String>,
}

impl<P> Default for Kept<P> {
    fn default() -> Self {
        Self { running: Running::default(), outcomes: Vec::new() }
    }
}

/// Answers, runs one piece once the call is established, or at once, and hangs up when it is done, where that is wanted.
struct One<P: Piece> {
    piece: P,
    at_once: bool,
    hangs_up: bool,
    print: fn(&P::Output) -> String,
}

impl<P> One<P>
where
    P: Piece + Clone,
{
    fn settle(
        &self,
        call: &mut Call<'_>,
        kept: &mut Kept<P>,
        outcome: Option<Result<P::Output, Failure>>,
    ) -> Result<(), HandlerError> {
        let Some(outcome) = outcome else { return Ok(()) };
        kept.outcomes.push(match &outcome {
            Ok(output) => (self.print)(output),
            Err(failure) => format!("{failure:?}").split([' ', '(', '{']).next().unwrap().to_owned(),
        });
        if self.hangs_up && call.end().is_none() {
            call.hang_up()?;
        }
        Ok(())
    }
}

impl<P> CallHandler for One<P>
where
    P: Piece + Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    P::Output: Send + 'static,
{
    type State = Kept<P>;

    async fn on_event(
        &self,
        call: &mut Call<'_>,
        kept: &mut Kept<P>,
        event: &Event,
    ) -> Result<(), HandlerError> {
        if *event == Event::Offered {
            call.answer()?;
        }
        let begins = if self.at_once { Event::Offered } else { Event::Established };
        let outcome = if *event == begins {
            kept.running.begin(call, self.piece.clone())
        } else {
            kept.running.on_event(call, event)
        };
        self.settle(call, kept, outcome)
    }

    async fn on_wake(&self, call: &mut Call<'_>, kept: &mut Kept<P>) -> Result<(), HandlerError> {
        let outcome = kept.running.on_wake(call);
        self.settle(call, kept, outcome)
    }
}

async fn start(stage: &Stage, handler: impl CallHandler, store: &Arc<dyn Store>) -> Bot {
    let started =
        Bot::start(stage.config(), handler, Arc::clone(store), stage.transport(), stage.clock).await;
    let bot = started.unwrap();
    stage.mount(&bot);
    bot
}

fn store() -> Arc<dyn Store> {
    Arc::new(Memory::new())
}

async fn outcomes<P: DeserializeOwned + Piece>(bot: &Bot, name: &CallName) -> Vec<String> {
    let view = bot.view(name).await.unwrap().unwrap();
    serde_json::from_slice::<Kept<P>>(&view.author).unwrap().outcomes
}

fn name_of(id: &str) -> CallName {
    CallName::try_new(format!("c-{}", id.to_lowercase())).unwrap()
}

fn digits(piece: Collect) -> One<Collect> {
    One { piece, at_once: true, hangs_up: true, print: |digits| digits.as_str().to_owned() }
}

/// Lets Ada call and do what `script` says; how the piece came out.
async fn told<P>(stage: &Stage, one: One<P>, script: Vec<Step>) -> Vec<String>
where
    P: Piece + Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    P::Output: Send + 'static,
{
    stage.person("Ada", WhenRung::Ignore);
    let bot = start(stage, one, &store()).await;
    let id = stage.ring("Ada", script).unwrap();
    tokio::time::sleep(seconds(120)).await;
    let told = outcomes::<P>(&bot, &name_of(&id)).await;
    bot.stop().await;
    told
}

fn keys(keys: &str) -> Vec<Step> {
    keys.chars().map(Step::Press).collect()
}

fn pin() -> Collect {
    Collect::digits(4).prompt(Stage::prompt("pin"))
}

#[tokio::test(start_paused = true)]
#[allow(clippy::too_many_lines)] // one table
async fn digits_are_collected_however_they_come() {
    use Step::{
        AwaitAnswer, AwaitHangUp, AwaitPromptEnd, AwaitPromptStart, AwaitToneSubscription, HangUp, Wait,
    };
    let then = |steps: &[&[Step]]| steps.concat();
    // The case, the piece, what she does, how it comes out, and how many prompts were begun and heard to their end.
    let cases = [
        (
            "after the prompt",
            pin(),
            then(&[&[AwaitPromptEnd], &keys("1234"), &[AwaitHangUp]]),
            "1234",
            (1, 1),
        ),
        (
            "the first key stops the prompt",
            pin(),
            then(&[&[AwaitPromptStart], &keys("1"), &[Wait(seconds(3))], &keys("234"), &[AwaitHangUp]]),
            "1234",
            (1, 0),
        ),
        (
            "all at once as soon as it listens",
            pin(),
            then(&[&[AwaitToneSubscription], &keys("1234"), &[AwaitHangUp]]),
            "1234",
            (1, 0),
        ),
        (
            "a prompt that is heard to its end",
            pin().uninterruptible(),
            then(&[&[AwaitPromptStart], &keys("12"), &[AwaitPromptEnd], &keys("34"), &[AwaitHangUp]]),
            "1234",
            (1, 1),
        ),
        (
            "the terminator",
            Collect::between(2, 6).terminator('#').prompt(Stage::prompt("pin")),
            then(&[&[AwaitPromptEnd], &keys("#12#"), &[AwaitHangUp]]),
            "12",
            (1, 1),
        ),
        (
            "a pause after enough",
            Collect::between(2, 6).prompt(Stage::prompt("pin")),
            then(&[&[AwaitPromptEnd], &keys("123"), &[AwaitHangUp]]),
            "123",
            (1, 1),
        ),
        (
            "other keys do nothing",
            pin(),
            then(&[&[AwaitPromptEnd], &keys("1*2#34"), &[AwaitHangUp]]),
            "1234",
            (1, 1),
        ),
        (
            "without a prompt",
            Collect::digits(2),
            then(&[&[AwaitToneSubscription], &keys("42"), &[AwaitHangUp]]),
            "42",
            (0, 0),
        ),
        ("nothing", pin(), vec![AwaitAnswer, AwaitHangUp], "NoInput", (1, 1)),
        ("nothing, without a prompt", Collect::digits(2), vec![AwaitAnswer, AwaitHangUp], "NoInput", (0, 0)),
        (
            "too little",
            pin(),
            then(&[&[AwaitPromptEnd], &keys("12"), &[AwaitHangUp]]),
            "InvalidInput",
            (1, 1),
        ),
        (
            "asked again after silence, with a word before",
            pin().attempts(3).no_input_prompt(Stage::prompt("nothing")),
            then(&[&[AwaitPromptEnd, AwaitPromptEnd, AwaitPromptEnd], &keys("1234"), &[AwaitHangUp]]),
            "1234",
            (3, 3),
        ),
        (
            "asked again after too little, which is forgotten",
            pin().attempts(2).invalid_prompt(Stage::prompt("again")).terminator('#'),
            then(&[
                &[AwaitPromptEnd],
                &keys("99#"),
                &[AwaitPromptEnd, AwaitPromptEnd],
                &keys("1234"),
                &[AwaitHangUp],
            ]),
            "1234",
            (3, 3),
        ),
        ("asked as often as may be", pin().attempts(2), vec![AwaitAnswer, AwaitHangUp], "NoInput", (2, 2)),
        (
            "the prompt cannot be had",
            Collect::digits(4).prompt("https://nowhere.test/pin.wav"),
            vec![AwaitAnswer, AwaitHangUp],
            "Failed",
            (0, 0),
        ),
        (
            "she hangs up in its midst",
            pin(),
            then(&[&[AwaitPromptStart], &keys("12"), &[Wait(seconds(1)), HangUp]]),
            "Ended",
            (1, 0),
        ),
    ];
    for (case, piece, script, expected, prompts) in cases {
        let stage = Stage::try_new().unwrap();
        assert_eq!(told(&stage, digits(piece), script).await, [expected], "{case}");
        let call = stage.simulator.calls().into_iter().next().unwrap();
        assert_eq!((call.prompts_started, call.prompts_ended), prompts, "{case}");
        assert_eq!(call.outcome, Outcome::Done, "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_bot_that_may_not_listen_says_so() {
    let stage = Stage::try_new().unwrap();
    stage.simulator.revoke("8a34a46b-3d17-4adc-8dce-dc4e7d572698", "Calls.AccessMedia.All");
    let script = vec![Step::AwaitAnswer, Step::AwaitHangUp];
    assert_eq!(told(&stage, digits(pin()), script).await, ["Refused"]);
}

#[tokio::test(start_paused = true)]
async fn a_collection_goes_on_after_a_restart() {
    // When the first process ends, for how long nobody is there, and how it comes out.
    let cases = [
        ("between two keys, briefly", 4, 1, "1234"),
        // The time for the next key passed meanwhile.
        ("between two keys, for long", 4, 60, "InvalidInput"),
        ("while the prompt plays", 1, 1, "1234"),
    ];
    for (case, up, away, expected) in cases {
        let stage = Stage::try_new().unwrap();
        stage.person("Ada", WhenRung::Ignore);
        let store = store();
        let piece = pin().between_keys(seconds(6));
        let first = start(&stage, digits(piece.clone()), &store).await;
        let script = [
            &[Step::AwaitAnswer, Step::Wait(seconds(3))][..],
            &keys("12"),
            &[Step::Wait(seconds(4))],
            &keys("34"),
            &[Step::AwaitHangUp],
        ]
        .concat();
        let id = stage.ring("Ada", script).unwrap();
        tokio::time::sleep(seconds(up)).await;
        first.stop().await;
        drop(first);
        stage.net.mount("bot.test", axum::Router::new());
        tokio::time::sleep(seconds(away)).await;
        let second = start(&stage, digits(piece), &store).await;
        tokio::time::sleep(seconds(120)).await;
        assert_eq!(outcomes::<Collect>(&second, &name_of(&id)).await, [expected], "{case}");
        second.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_menu_is_read_again_after_a_wrong_key() {
    let cases = [("2", "2"), ("92", "2"), ("999", "InvalidInput")];
    for (pressed, expected) in cases {
        let stage = Stage::try_new().unwrap();
        let piece = Menu::new(Stage::prompt("menu"), "12").invalid_prompt(Stage::prompt("wrong"));
        let one = One { piece, at_once: false, hangs_up: true, print: char::to_string };
        let mut script = Vec::new();
        for key in pressed.chars() {
            script.extend([Step::AwaitPromptStart, Step::Press(key), Step::Wait(seconds(1))]);
        }
        script.push(Step::AwaitHangUp);
        assert_eq!(told(&stage, one, script).await, [expected], "{pressed}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_transfer_goes_to_whoever_takes_it() {
    let picks_up = || WhenRung::PickUp { after: seconds(2), then: vec![Step::AwaitHangUp] };
    // What the two targets do, and how it comes out.
    let cases = [
        (picks_up(), picks_up(), "Bob"),
        (WhenRung::Decline, picks_up(), "Cid"),
        (WhenRung::Decline, WhenRung::Decline, "Failed"),
    ];
    for (bobs, cids, expected) in cases {
        let stage = Stage::try_new().unwrap();
        let (bob, cid) = (stage.person("Bob", bobs), stage.person("Cid", cids));
        let expected = match expected {
            "Bob" => format!("{bob:?}"),
            "Cid" => format!("{cid:?}"),
            other => other.to_owned(),
        };
        let piece = TransferTo::new(bob).or_else(cid);
        let one =
            One { piece, at_once: false, hangs_up: false, print: |target: &Target| format!("{target:?}") };
        let script = vec![Step::AwaitAnswer, Step::Wait(seconds(100)), Step::HangUp];
        assert_eq!(told(&stage, one, script).await, [expected]);
    }
}

#[tokio::test(start_paused = true)]
async fn somebody_is_invited_and_comes_or_does_not() {
    let cases = [
        (WhenRung::PickUp { after: seconds(2), then: vec![Step::AwaitHangUp] }, "there"),
        (WhenRung::Decline, "Failed"),
        (WhenRung::Ignore, "TimedOut"),
    ];
    for (when_rung, expected) in cases {
        let stage = Stage::try_new().unwrap();
        let bob = stage.person("Bob", when_rung.clone());
        let piece = InviteAndWait::new(bob).timeout(seconds(20));
        let one = One { piece, at_once: false, hangs_up: true, print: |()| "there".to_owned() };
        let script = vec![Step::AwaitAnswer, Step::AwaitHangUp];
        assert_eq!(told(&stage, one, script).await, [expected], "{when_rung:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_says_who_answered_and_the_bot_does_not_wait_for_ever() {
    let stage = Stage::try_new().unwrap();
    let print = |reached: &callflow_graph::piece::Reached| {
        assert_ne!(reached.by, Some(Answerer::VoiceMail));
        format!("{:?}", reached.by)
    };
    let one = One { piece: WhoAnswered::default(), at_once: false, hangs_up: true, print };
    let told = told(&stage, one, vec![Step::AwaitAnswer, Step::AwaitHangUp]).await;
    assert_eq!(told, ["None"]);
}

#[tokio::test(start_paused = true)]
async fn a_bot_that_is_not_known_to_be_alone_stays() {
    let stage = Stage::try_new().unwrap();
    let one = One {
        piece: LeaveWhenAlone::after(seconds(5)),
        at_once: false,
        hangs_up: false,
        print: |()| "left".to_owned(),
    };
    let script = vec![Step::AwaitAnswer, Step::Wait(seconds(60)), Step::HangUp];
    assert_eq!(told(&stage, one, script).await, ["Ended"]);
}

#[test]
fn nothing_of_what_was_pressed_is_printed() {
    let mut kept = callflow_graph::piece::Keys::default();
    for (sequence, tone) in ["tone8", "tone7", "tone6"].into_iter().enumerate() {
        let sequence = callflow_core::id::Sequence::new(u64::try_from(sequence).unwrap());
        kept.press(sequence, callflow_core::media::Tone::parse(tone));
    }
    let printed = format!("{:?}", Collect::digits(4).with_keys(kept));
    assert!(!printed.contains("'8'") && printed.contains("Keys(3 redacted)"), "{printed}");
}

/// Lets who calls wait with music until he presses a key, and plays a word before it hangs up.
struct Waiting {
    hold: Hold,
}

impl CallHandler for Waiting {
    type State = Kept<Hold>;

    async fn on_event(
        &self,
        call: &mut Call<'_>,
        kept: &mut Kept<Hold>,
        event: &Event,
    ) -> Result<(), HandlerError> {
        let outcome = match event {
            Event::Offered => {
                call.answer()?;
                call.listen()?;
                kept.running.begin(call, self.hold.clone())
            }
            Event::Tone { .. } => kept.running.tell(|hold| hold.unhold(call)),
            event => kept.running.on_event(call, event),
        };
        kept.outcomes.extend(outcome.map(|outcome| format!("{outcome:?}").chars().take(12).collect()));
        Ok(())
    }

    async fn on_wake(&self, call: &mut Call<'_>, kept: &mut Kept<Hold>) -> Result<(), HandlerError> {
        let outcome = kept.running.on_wake(call);
        kept.outcomes.extend(outcome.map(|outcome| format!("{outcome:?}").chars().take(12).collect()));
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn music_goes_on_until_it_is_ended_also_over_a_restart() {
    let music = || Hold::with_music(Stage::prompt("music"));
    let short = Hold::with_music("https://short.test/music");
    let nowhere = Hold::with_music("https://nowhere.test/music");
    // The piece, whether its process ends in the midst, whether a key is pressed after 9 seconds, how it comes out, and how
    // many rounds are heard: each of music is 2 seconds, of the short one 10 milliseconds.
    let cases = [
        ("a key", music(), false, true, "Ok(())", 4..=5),
        ("a restart", music(), true, true, "Ok(())", 4..=5),
        ("the limit", music().at_most(seconds(5)), false, false, "Err(TimedOut", 3..=3),
        ("the limit, over a restart", music().at_most(seconds(5)), true, false, "Err(TimedOut", 3..=3),
        ("a file of next to nothing", short, false, true, "Ok(())", 9..=10),
        ("a file that there is not", nowhere, false, true, "Err(Failed {", 0..=0),
    ];
    for (case, hold, restart, presses, expected, rounds) in cases {
        let stage = Stage::try_new().unwrap();
        let wav = || async { callflow_graph::simulator::wav_tone(Duration::from_millis(10)) };
        stage.net.mount("short.test", axum::Router::new().route("/music", axum::routing::get(wav)));
        stage.person("Ada", WhenRung::Ignore);
        let store = store();
        let mut bot = start(&stage, Waiting { hold: hold.clone() }, &store).await;
        let mut script = vec![Step::AwaitAnswer, Step::Wait(seconds(9))];
        script.extend(presses.then_some(Step::Press('1')));
        script.extend([Step::Wait(seconds(20)), Step::HangUp]);
        let id = stage.ring("Ada", script).unwrap();
        tokio::time::sleep(seconds(3)).await;
        if restart {
            bot.stop().await;
            bot = start(&stage, Waiting { hold }, &store).await;
        }
        tokio::time::sleep(seconds(20)).await;
        assert_eq!(outcomes::<Hold>(&bot, &name_of(&id)).await, [expected], "{case}");
        let started = stage.simulator.calls().first().unwrap().prompts_started;
        assert!(rounds.contains(&started), "{case}: {started}");
        // Nothing is heard any more: the round that ran was cut off.
        tokio::time::sleep(seconds(4)).await;
        let call = stage.simulator.calls().swap_remove(0);
        assert_eq!(call.prompts_started, started, "{case}");
        if !case.starts_with("a file") {
            assert_eq!(call.prompts_ended + 1, started, "{case}");
        }
        bot.stop().await;
    }
}
