//! A menu: Ada calls, cuts it short with a wrong key, presses a right one, hears the opening hours, and is hung up on.
//!
//! What the bot wants is asked at once, when the call rings: it leaves when it can. A key that Graph tells of twice is
//! told to the bot once, and so is the end of a prompt. No network: `cargo run -p callflow-core --example ivr`.

mod ladder;

use callflow_core::action::Action;
use callflow_core::command::{Answer, Command};
use callflow_core::event::Event;
use callflow_core::id::CallKey;
use callflow_core::lifecycle::State;
use callflow_core::lifecycle::end::End;
use callflow_core::media::Tone;
use callflow_core::operation::Outcome;
use callflow_core::report::CallNews;
use callflow_core::restriction::PolicyRecording;
use callflow_core::result::{By, ResultInfo};
use callflow_core::text::Uri;

use ladder::{Asked, Scenes, Stage, audible, over, pressed, state};

const ADA: CallKey = CallKey::new(1);
const MENU: &str = "https://bot.example/menu.wav";
const SORRY: &str = "https://bot.example/sorry.wav";
const HOURS: &str = "https://bot.example/hours.wav";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut stage = Stage::new(&[(ADA, "Ada")], graph());
    stage.ring(ADA, "call-of-ada", PolicyRecording::No);
    stage.later(2_000, ADA, pressed(6, Tone::Tone9));
    stage.later(2_010, ADA, pressed(6, Tone::Tone9)); // Graph says it twice
    stage.later(6_000, ADA, pressed(7, Tone::Tone1));

    let (mut keys, mut goodbye, mut end) = (String::new(), false, None::<End>);
    while let Some((call, event)) = stage.next_event() {
        match event {
            Event::Offered => {
                stage
                    .command(call, &Command::Answer(Answer::new(Uri::new("https://bot.example/calls/1"))))?;
                stage.command(call, &Command::SubscribeToTone)?;
                stage.play(call, MENU)?;
            }
            Event::Tone { tone, .. } => {
                keys.extend(tone.key());
                stage.command(call, &Command::CancelMediaProcessing)?;
                goodbye = tone == Tone::Tone1;
                stage.play(call, if goodbye { HOURS } else { SORRY })?;
            }
            Event::OperationEnded { action: Action::PlayPrompt, outcome: Outcome::Completed, .. }
                if goodbye =>
            {
                stage.command(call, &Command::HangUp)?;
            }
            Event::Ended(ended) => end = Some(ended),
            _ => {}
        }
    }

    assert_eq!(keys, "91", "each key once, in order");
    assert!(goodbye, "she heard the opening hours");
    assert!(end.is_some_and(|end| end.ever_established && end.by == By::Bot), "{end:?}");
    Ok(())
}

/// What Graph tells because of what the bot asked.
fn graph() -> impl FnMut(Asked) -> Scenes {
    let mut playing = None::<Asked>;
    move |asked| match asked.action {
        Action::Answer => vec![(300, ADA, state(State::Establishing)), (900, ADA, audible())],
        Action::PlayPrompt => {
            playing = Some(asked);
            vec![(3_000, ADA, asked.done())]
        }
        Action::CancelMediaProcessing => playing.iter().map(|prompt| (40, ADA, prompt.cancelled())).collect(),
        Action::HangUp => {
            let result = Some(ResultInfo { code: 200, subcode: 7000 });
            vec![(150, ADA, over(CallNews { result, ..CallNews::NONE }))]
        }
        _ => Vec::new(),
    }
}
