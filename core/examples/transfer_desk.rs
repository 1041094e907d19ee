//! A reception: Ada calls, the bot asks Ben whether he takes her, and hands her over once he says so.
//!
//! Two calls in one table, each with its key in its callback URI. The transfer is asked for on Ben's call, which then takes
//! the place of Ada's; the first try fails, and the failure's result is no end of the call. No network:
//! `cargo run -p callflow-core --example transfer_desk`.

mod ladder;

use callflow_core::action::Action;
use callflow_core::command::{Answer, Command, Placement, Transfer};
use callflow_core::event::Event;
use callflow_core::id::CallKey;
use callflow_core::identity::Identity;
use callflow_core::lifecycle::State;
use callflow_core::lifecycle::end::TerminationReason;
use callflow_core::list::List;
use callflow_core::media::Tone;
use callflow_core::report::{CallNews, Change, Report};
use callflow_core::restriction::PolicyRecording;
use callflow_core::result::{By, ResultInfo};
use callflow_core::text::Uri;

use ladder::{Asked, Scenes, Stage, audible, over, pressed, state};

const ADA: CallKey = CallKey::new(1);
const BEN: CallKey = CallKey::new(2);
const CALL_OF_ADA: &str = "call-of-ada";
const ADA_HERSELF: Identity<'static> = Identity::User("550fae72-d251-43ec-868c-373732c2704f");
const BEN_HIMSELF: [Identity<'static>; 1] = [Identity::User("112f7296-5fa4-42ca-bae8-6a692b15d4b8")];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut stage = Stage::new(&[(ADA, "Ada"), (BEN, "Ben")], graph());
    stage.ring(ADA, CALL_OF_ADA, PolicyRecording::No);

    let hand_over =
        Command::Transfer(Transfer { replaces_call_id: Some(CALL_OF_ADA), ..Transfer::to(ADA_HERSELF) });
    let mut tries = 0;
    while let Some((call, event)) = stage.next_event() {
        match (call, event) {
            (ADA, Event::Offered) => {
                stage.command(ADA, &Command::Answer(Answer::new(Uri::new("https://bot.example/calls/1"))))?;
                stage.play(ADA, "https://bot.example/one-moment.wav")?;
            }
            (ADA, Event::Established) => {
                let callback = Uri::new("https://bot.example/calls/2");
                stage.place(BEN, &Placement::to_targets(callback, List::new(&BEN_HIMSELF)))?;
            }
            (BEN, Event::Established) => {
                stage.command(BEN, &Command::SubscribeToTone)?;
                stage.play(BEN, "https://bot.example/press-1-to-take-the-call.wav")?;
            }
            (BEN, Event::Tone { tone: Tone::Tone1, .. }) => {
                tries += 1;
                stage.command(BEN, &hand_over)?;
            }
            (BEN, Event::TransferFailed(_)) => {
                stage.play(BEN, "https://bot.example/that-failed-press-1-again.wav")?;
            }
            _ => {}
        }
    }

    assert_eq!(tries, 2);
    let end = |key| stage.call(key).and_then(ladder::Call::end);
    assert!(
        end(BEN).is_some_and(|end| end.reason == Some(TerminationReason::AppTransferred)),
        "{:?}",
        end(BEN)
    );
    assert!(end(BEN).is_some_and(|end| end.by == By::Bot), "{:?}", end(BEN));
    assert!(end(ADA).is_some_and(|end| end.ever_established), "{:?}", end(ADA));
    Ok(())
}

/// What Graph tells because of what the bot asked.
fn graph() -> impl FnMut(Asked) -> Scenes {
    let mut transfers = 0;
    move |asked| match asked.action {
        Action::Answer => vec![(800, ADA, audible())],
        Action::Place => vec![
            (200, BEN, state(State::Establishing)),
            (3_000, BEN, audible()),
            (6_000, BEN, pressed(1, Tone::Tone1)),
        ],
        Action::PlayPrompt => vec![(2_500, asked.key, asked.done())],
        Action::Transfer => {
            transfers += 1;
            if transfers == 1 {
                let result = Some(ResultInfo { code: 500, subcode: 7700 });
                let news = CallNews { result, ..CallNews::of(State::Established) };
                let failed = Report::Call { change: Change::Updated, news };
                return vec![
                    (300, BEN, state(State::Transferring)),
                    (900, BEN, failed),
                    (5_000, BEN, pressed(2, Tone::Tone1)),
                ];
            }
            let reason = Some(TerminationReason::AppTransferred);
            vec![
                (300, BEN, state(State::Transferring)),
                (700, BEN, state(State::TransferAccepted)),
                (1_100, BEN, over(CallNews { reason, ..CallNews::NONE })),
                (1_150, ADA, over(CallNews::NONE)),
            ]
        }
        _ => Vec::new(),
    }
}
