//! Any bytes as a snapshot: refused by name, or a call that is written as it is and goes on without a panic.
#![no_main]

use callflow_core::time::Timestamp;
use callflow_fuzz::{Bytes, Call, Moment, Watch, with_input};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let bytes = &mut Bytes::new(data);
    let mut now = Timestamp::from_millis(bytes.number::<2>());
    let length = usize::try_from(bytes.number::<2>()).unwrap_or(0);
    let Some((snapshot, rest)) = bytes.rest().split_at_checked(length) else { return };
    let call = match Call::decode(snapshot) {
        Ok(call) => call,
        Err(error) => {
            let _ = error.to_string();
            return;
        }
    };
    let mut buffer = [0; Call::SNAPSHOT_LEN];
    let again = call.encode(&mut buffer).expect("a buffer of SNAPSHOT_LEN is large enough");
    assert_eq!(Call::decode(again).as_ref(), Ok(&call));
    let bytes = &mut Bytes::new(rest);
    let mut watch = Watch::decoded(call, now);
    while !bytes.are_used_up() {
        now = Moment::of(bytes).after(now, &watch.call);
        let call = watch.call.clone();
        with_input(bytes, &call, |input| watch.handle(now, input));
    }
});
