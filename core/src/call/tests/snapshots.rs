//! Calls as bytes: what was written is read, and what is no call is refused by name.

use std::vec::Vec;

use super::*;
use crate::snapshot::{Part, SnapshotError, VERSION};

/// A call of which every part of a snapshot has something to say.
fn rich() -> Small {
    let recorder = Offer { coordinates: Coordinates::Meeting, recording: PolicyRecording::Yes, ..offer() };
    let anna = Participant {
        mute: Some(Mute::On),
        hold: Some(Hold::Off),
        recording: Some(RecordingStatus::Recording),
        sequence: Some(Sequence::new(7)),
        ..here("anna")
    };
    let told = CallNews {
        own_participant: Some(participant("bot")),
        transcription: Some(Transcription::Active),
        answered_by: Some(Answerer::User),
        routing: Some(Routing::Lookup),
        ..CallNews::of(State::Established)
    };
    let hold = Command::StartHoldMusic { participant: participant("anna"), prompt: None };
    offered(recorder)
        .with(|setup| {
            setup.grants = Grants::Known(Permissions::ALL);
            setup.policy = Policy::Advise;
            setup.overrides = Overrides::of(&[Restriction::MeetingMode]);
            setup.timers = setup.timers.with(Timer::Ring, Span::from_secs(20)).unwrap();
        })
        .at(1)
        .bot(answer())
        .response(Action::Answer, 202)
        .at(2)
        .news(told)
        .audio(Audio::Active)
        .at(3)
        .delta(5, &[here("bot"), anna, in_lobby("ben"), here("carla"), here("dora")])
        .says(Said::Joining)
        .says(Said::Joining)
        .bot(Command::AnswerJoining(JoiningAnswer::Accept))
        .says(Said::Sharing(Change::Created, Some("s")))
        .tone(6, Tone::Star)
        .tone(4, Tone::Pound)
        .bot(Command::UpdateRecordingStatus(RecordingStatus::Recording))
        .operation(Action::UpdateRecordingStatus, "u", Status::Completed)
        .bot(record())
        .refusal(Action::Record, 403, 7504)
        .bot(hold)
        .operation(Action::StartHoldMusic, "h", Status::Running)
        .bot(play())
        .bot(play())
        .tell()
}

fn bytes_of<const R: usize, const O: usize>(call: &Call<R, O>) -> Vec<u8> {
    let mut buffer = std::vec![0; Call::<R, O>::SNAPSHOT_LEN];
    call.encode(&mut buffer).unwrap().to_vec()
}

#[test]
fn golden_bytes_of_version_2_decode() {
    let golden = include_bytes!("../golden/version-2.bin");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/call/golden/version-2.bin");
        std::fs::write(path, bytes_of(&rich())).unwrap();
        return;
    }
    assert_eq!(Small::decode(golden), Ok(rich()), "review the change, then run with UPDATE_GOLDEN=1");
    assert_eq!(bytes_of(&rich()), golden);
}

#[test]
fn the_golden_call_says_something_of_every_part() {
    let call = rich();
    let phases: Vec<_> = call.operations().rows().map(Operation::phase).collect();
    assert_eq!(phases, [Phase::Running, Phase::Asked, Phase::Held]);
    assert_eq!((call.roster().members().count(), call.roster().unnamed()), (4, 1));
    assert_eq!(call.recording(), Some(RecordingStatus::Recording));
    assert_eq!(call.recorded_participants(), 2);
    assert!(call.knowledge().lacking().has(Permission::AccessMediaAll));
    assert!(call.is_own(participant("bot")));
    let Facts { on_hold, answered_by, routing, media, .. } = &call.facts;
    assert!(on_hold.is_some() && answered_by.is_some() && routing.is_some() && media.heard);
    assert_eq!(call.pending.joining, 1);
    assert_ne!(call.pending.roster_doubt, Doubt::default());
    assert!(call.operations().at(0).is_some_and(|row| row.id() == Some(OperationId::parse("h"))));
}

#[test]
fn every_version_but_this_one_is_refused_by_name() {
    let mut bytes = bytes_of(&rich());
    for version in (0..=u8::MAX).filter(|version| *version != VERSION) {
        bytes[0] = version;
        assert_eq!(Small::decode(&bytes), Err(SnapshotError::UnknownVersion { found: version }));
    }
    // The version before this one was never released.
    assert_eq!(VERSION, 2);
}

#[test]
fn what_is_cut_short_or_goes_on_is_refused() {
    let mut bytes = bytes_of(&rich());
    assert_eq!(Small::decode(&[]), Err(SnapshotError::Empty));
    for cut in 1..bytes.len() {
        let error = Small::decode(&bytes[..cut]).unwrap_err();
        assert!(matches!(error, SnapshotError::Malformed { .. }), "{cut}: {error}");
    }
    bytes.push(0);
    assert_eq!(Small::decode(&bytes), Err(SnapshotError::TrailingBytes));
}

#[test]
fn a_buffer_that_is_too_small_is_refused_and_one_of_the_length_never_is() {
    let call = rich();
    let length = bytes_of(&call).len();
    assert!(length <= Small::SNAPSHOT_LEN);
    for short in 0..length {
        assert_eq!(call.encode(&mut std::vec![0; short]), Err(SnapshotError::BufferTooSmall), "{short}");
    }
    assert_eq!(call.encode(&mut std::vec![0; length]).map(<[u8]>::len), Ok(length));
}

#[test]
fn smaller_tables_read_what_fits_and_refuse_what_does_not() {
    let bytes = bytes_of(&rich());
    let too_large = |part, needed, places| SnapshotError::TooLarge { part, needed, places };
    assert_eq!(Call::<4, 2>::decode(&bytes).unwrap_err(), too_large(Part::Operations, 3, 2));
    assert_eq!(Call::<3, 3>::decode(&bytes).unwrap_err(), too_large(Part::Roster, 4, 3));
    assert_eq!(Call::<0, 0>::decode(&bytes).unwrap_err(), too_large(Part::Operations, 3, 0));
    let larger = Call::<64, 32>::decode(&bytes).unwrap();
    assert_eq!(bytes_of(&larger), bytes);
    let small = bytes_of(&talking().bot(play()).tell());
    assert_eq!(bytes_of(&Call::<0, 1>::decode(&small).unwrap()), small);
}

#[test]
fn what_was_read_in_place_is_the_call_or_none() {
    let bytes = bytes_of(&rich());
    let mut call = talking().tell();
    assert_eq!(call.decode_into(&bytes), Ok(()));
    assert_eq!(call, rich());
    for damaged in [&bytes[..bytes.len() - 1], &[9], &[]] {
        let mut call = rich();
        assert!(call.decode_into(damaged).is_err());
        assert_eq!(call, Small::blank());
        assert_eq!((call.state(), call.next_deadline()), (State::Terminated, None));
        // It takes another in its place.
        let _ = call.begin_offered(at(0), setup(), offer());
        assert_eq!(call, incoming().tell());
    }
}

#[test]
fn parts_that_contradict_each_other_are_refused() {
    let ended = |change: fn(&mut Small)| {
        let mut call = talking().at(4).deleted(None).tell();
        change(&mut call);
        Small::decode(&bytes_of(&call))
    };
    assert!(ended(|_| {}).is_ok());
    assert_eq!(ended(|call| call.facts.end = None), Err(SnapshotError::Unsound));
    assert_eq!(ended(|call| call.pending.hanging_up = HangingUp::Sent), Err(SnapshotError::Unsound));
    assert_eq!(ended(|call| call.facts.state = State::Established), Err(SnapshotError::Unsound));
    assert_eq!(
        ended(|call| call.deadlines.set(deadline::Kind::KeepAlive, at(9))),
        Err(SnapshotError::Unsound)
    );
    let mut call = incoming().tell();
    call.facts.created_by = Action::Place;
    assert_eq!(Small::decode(&bytes_of(&call)), Err(SnapshotError::Unsound));
}

#[test]
fn a_damaged_snapshot_is_refused_or_is_a_call_that_goes_on() {
    let good = bytes_of(&rich());
    let commands = [play(), Command::HangUp, Command::Refresh, answer(), transfer()];
    for place in 1..good.len() {
        for flip in [0x01, 0x80, 0xFF, 0x55] {
            let mut bytes = good.clone();
            bytes[place] ^= flip;
            let Ok(mut call) = Small::decode(&bytes) else { continue };
            assert_eq!(Small::decode(&bytes_of(&call)).as_ref(), Ok(&call), "{place} {flip}");
            for command in &commands {
                if let Ok(output) = call.handle(at(9), Input::Command(command)) {
                    assert!(!output.has_overflowed());
                }
            }
            while let Some(due) = call.next_deadline().filter(|due| due.at <= at(4000)) {
                let output = call.handle(due.at.max(at(9)), Input::Tick).unwrap();
                assert!(!output.has_overflowed());
                assert_ne!(call.next_deadline(), Some(due), "{place} {flip}: a tick left it where it was");
            }
            let deleted = Report::Call { change: Change::Deleted, news: CallNews::NONE };
            let _ = call.handle(at(5000), Input::Report(&deleted)).unwrap();
            assert!(call.state().is_ended());
        }
    }
}
