//! Sizes and speed of core, as figures a person can read: bytes, and times as ratios to a plain copy of the call.
#![allow(clippy::print_stdout, clippy::unwrap_used)] // a program that prints figures

use std::hint::black_box;
use std::mem::size_of;
use std::time::Instant;

use callflow_core::call::{Call, Input, Offer, Output, Setup};
use callflow_core::event::Event;
use callflow_core::id::{CallId, CallKey};
use callflow_core::lifecycle::State;
use callflow_core::report::{CallNews, Change, Report};
use callflow_core::request::Request;
use callflow_core::time::Timestamp;

const ROUNDS: u32 = 200_000;

/// Nanoseconds that one `action` takes, the best of five.
fn nanos(mut action: impl FnMut()) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..5 {
        let begun = Instant::now();
        for _ in 0..ROUNDS {
            action();
        }
        best = best.min(begun.elapsed().as_secs_f64() * 1e9 / f64::from(ROUNDS));
    }
    best
}

fn main() {
    println!("bytes on this machine ({} bits)", usize::BITS);
    println!("  Call<1, 1>      {:>6}", size_of::<Call<1, 1>>());
    println!("  Call<16, 8>     {:>6}", size_of::<Call<16, 8>>());
    println!("  Call<64, 16>    {:>6}", size_of::<Call<64, 16>>());
    println!("  Output          {:>6}", size_of::<Output<'_>>());
    println!("  Request         {:>6}", size_of::<Request<'_>>());
    println!("  Event           {:>6}", size_of::<Event>());

    let now = Timestamp::from_millis(0);
    let (call, _) = Call::<16, 8>::offered(now, Setup::new(CallKey::new(1)), Offer::new(CallId::parse("a")));
    let report = |state| Report::Call { change: Change::Updated, news: CallNews::of(state) };
    let (established, incoming) = (report(State::Established), report(State::Incoming));
    let mut buffer = [0; Call::<16, 8>::SNAPSHOT_LEN];
    println!(
        "  snapshot        {:>6}  (of a call that was just offered)",
        call.encode(&mut buffer).unwrap().len()
    );

    let copy = nanos(|| {
        black_box(black_box(&call).clone());
    });
    let of = |name: &str, taken: f64| println!("  {name:<28} {:>7.1}", taken / copy);
    println!("time, as a multiple of one copy of Call<16, 8>");
    of(
        "copy and establish",
        nanos(|| {
            let mut call = call.clone();
            black_box(call.handle(now, Input::Report(&established)).is_ok());
        }),
    );
    of(
        "copy and a repeat",
        nanos(|| {
            let mut call = call.clone();
            black_box(call.handle(now, Input::Report(&incoming)).is_ok());
        }),
    );
    of(
        "encode",
        nanos(|| {
            black_box(call.encode(&mut buffer).is_ok());
        }),
    );
    let bytes = call.encode(&mut buffer).unwrap().to_vec();
    of(
        "decode",
        nanos(|| {
            black_box(Call::<16, 8>::decode(&bytes).is_ok());
        }),
    );
}
