//! Any bytes as a word of the vocabularies: refused, or a value that is written as it is; commands, reports and
//! placements are handed to calls besides.
#![no_main]

use callflow_core::call::{Input, Offer, Refused, Setup};
use callflow_core::command::{Command, Placement};
use callflow_core::event::Event;
use callflow_core::id::{CallId, CallKey};
use callflow_core::lifecycle::State;
use callflow_core::media::Audio;
use callflow_core::report::{CallNews, Change, Report};
use callflow_core::request::Request;
use callflow_core::time::Timestamp;
use callflow_fuzz::{Call, Watch};
use libfuzzer_sys::fuzz_target;

const NOW: Timestamp = Timestamp::from_millis(0);

/// Reads a value, writes it, and reads it again. No function: what is read again lives shorter than what was read first.
macro_rules! with {
    ($word:ty, $data:expr, $with:expr) => {
        if let Ok(value) = postcard::from_bytes::<$word>($data) {
            let written = postcard::to_allocvec(&value).expect("what was read can be written");
            assert_eq!(postcard::from_bytes::<$word>(&written).as_ref(), Ok(&value));
            let _ = format!("{value:?}");
            let with: fn(&$word) = $with;
            with(&value);
        }
    };
}

fuzz_target!(|data: &[u8]| {
    let Some((which, data)) = data.split_first() else { return };
    match which % 6 {
        0 => with!(Command<'_>, data, |command| {
            let _ = (command.check_limits(), command.action());
            for mut watch in calls() {
                watch.handle(NOW, Input::Command(command));
            }
        }),
        1 => with!(Report<'_>, data, |report| {
            for mut watch in calls() {
                watch.handle(NOW, Input::Report(report));
                watch.handle(NOW, Input::Report(report));
            }
        }),
        2 => with!(Request<'_>, data, |request| {
            let _ = (request.ticket(), request.action(), request.is_once_only());
        }),
        3 => with!(Event, data, |_| {}),
        4 => with!(Refused, data, |refused| {
            let _ = refused.to_string();
        }),
        _ => with!(Placement<'_>, data, |placement| {
            if let Ok((call, output)) = Call::place(NOW, Setup::new(CallKey::new(7)), placement) {
                assert!(!output.has_overflowed());
                Watch::new(call, NOW).handle(NOW, Input::Tick);
            }
        }),
    }
});

/// A call that rings, one that is established with audio, and one that is over.
fn calls() -> [Watch; 3] {
    let offer = Offer::new(CallId::from_bytes([1; 16]));
    let (rings, _) = Call::offered(NOW, Setup::new(CallKey::new(7)), offer);
    let told = |state| Report::Call {
        change: Change::Updated,
        news: CallNews { audio: Some(Audio::Active), ..CallNews::of(state) },
    };
    [None, Some(State::Established), Some(State::Terminated)].map(|state| {
        let mut watch = Watch::new(rings.clone(), NOW);
        if let Some(state) = state {
            watch.handle(NOW, Input::Report(&told(state)));
        }
        watch
    })
}
