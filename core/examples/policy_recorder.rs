//! A recorder under policy-based recording, as far as it is signalling: which calls and participants it takes, and from
//! when to when media may be kept. The media themselves are the vendor's library's, and not shown.
//!
//! The bot is called in for Ada. It may keep nothing before the service confirmed `recording`, and nothing after the call
//! ended. It takes one more participant; for the next it names another instance of itself. No network:
//! `cargo run -p callflow-core --example policy_recorder`.

mod ladder;

use callflow_core::action::Action;
use callflow_core::command::{Answer, Command, JoiningAnswer, MediaConfig};
use callflow_core::event::Event;
use callflow_core::id::CallKey;
use callflow_core::lifecycle::State;
use callflow_core::media::RecordingStatus;
use callflow_core::report::{CallNews, Report};
use callflow_core::restriction::PolicyRecording;
use callflow_core::result::{By, ResultInfo};
use callflow_core::text::{Secret, Uri};

use ladder::{Asked, Scenes, Stage, audible, over, state};

const CALL: CallKey = CallKey::new(1);
const CAPACITY: u16 = 2;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut stage = Stage::new(&[(CALL, "Ada")], graph);
    stage.ring(CALL, "call-of-ada", PolicyRecording::Yes);

    let (mut keeps, mut kept, mut sent_on) = (false, 0, 0);
    while let Some((call, event)) = stage.next_event() {
        match event {
            Event::Offered => {
                let answer = Answer {
                    media: MediaConfig::AppHosted(Secret::new("the blob of the media library")),
                    participant_capacity: Some(CAPACITY),
                    ..Answer::new(Uri::new("https://recorder.example/calls/1"))
                };
                stage.command(call, &Command::Answer(answer))?;
            }
            Event::Established => {
                stage.command(call, &Command::UpdateRecordingStatus(RecordingStatus::Recording))?;
            }
            Event::RecordingConfirmed(status) => keeps = status == RecordingStatus::Recording,
            Event::Joining => {
                let taken = stage.call(call).map_or(0, ladder::Call::recorded_participants);
                let answer = if taken < CAPACITY {
                    JoiningAnswer::Accept
                } else {
                    sent_on += 1;
                    JoiningAnswer::InviteNewBot(Uri::new("https://recorder.example/second"))
                };
                stage.command(call, &Command::AnswerJoining(answer))?;
            }
            // Where a recorder has media, it writes them down while `keeps` says so.
            Event::MediaChanged { .. } => assert!(!keeps, "not confirmed yet"),
            Event::RecordedParticipantLeft => kept += u32::from(keeps),
            Event::Ended(_) => keeps = false,
            _ => {}
        }
    }

    assert!(!keeps, "nothing is kept after the end");
    assert_eq!((kept, sent_on), (1, 1));
    let call = stage.call(CALL).ok_or("the call is kept until it is forgotten")?;
    assert_eq!(call.recorded_participants(), 1);
    assert!(call.end().is_some_and(|end| end.by == By::OtherParticipant), "{:?}", call.end());
    Ok(())
}

/// What Graph tells because of what the bot asked.
fn graph(asked: Asked) -> Scenes {
    match asked.action {
        Action::Answer => {
            let result = Some(ResultInfo { code: 200, subcode: 4521 });
            vec![
                (200, CALL, state(State::Establishing)),
                (600, CALL, audible()),
                (5_000, CALL, Report::Joining),
                (8_000, CALL, Report::Joining),
                (30_000, CALL, Report::Left),
                (60_000, CALL, over(CallNews { result, ..CallNews::NONE })),
            ]
        }
        _ => Vec::new(),
    }
}
