//! Any sequence of inputs, on calls to the bot and calls that it places: nothing panics, and what must hold holds.
#![no_main]

use callflow_core::call::{Offer, Setup};
use callflow_core::deadline::{Timer, Timers};
use callflow_core::id::{CallId, CallKey};
use callflow_core::permission::Policy;
use callflow_core::restriction::PolicyRecording;
use callflow_core::roster::Trust;
use callflow_core::time::{Span, Timestamp};
use callflow_fuzz::{Bytes, Call, Moment, Watch, with_input, with_placement};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let bytes = &mut Bytes::new(data);
    let mut now = Timestamp::from_millis(bytes.number::<2>());
    let timer = bytes.one(Timer::ALL);
    let timers = Timers::DEFAULT.with(timer, Span::from_millis(bytes.number::<3>()));
    let setup = Setup {
        policy: bytes.one(&[Policy::Enforce, Policy::Advise]),
        trust: bytes.one(Trust::ALL),
        timers: timers.unwrap_or(Timers::DEFAULT),
        ..Setup::new(CallKey::new(7))
    };
    let call = if bytes.coin() {
        let recording = bytes.one(PolicyRecording::ALL);
        let offer = Offer { recording, ..Offer::new(CallId::from_bytes([1; 16])) };
        Call::offered(now, setup, offer).0
    } else {
        match with_placement(bytes, |placement| Call::place(now, setup, placement).map(|(call, _)| call)) {
            Ok(call) => call,
            Err(_) => return,
        }
    };
    let mut watch = if bytes.coin() { Watch::orderly(call, now) } else { Watch::new(call, now) };
    while !bytes.are_used_up() {
        let moment = Moment::of(bytes);
        if watch.is_orderly() {
            now = now.max(moment.forward().after(now, &watch.call));
            watch.wait(now);
        } else {
            now = moment.after(now, &watch.call);
        }
        let call = watch.call.clone();
        with_input(bytes, &call, |input| watch.handle(now, input));
    }
});
