//! Counts the instructions of each case. It has to run under QEMU with `-icount shift=6,sleep=off`, which
//! `cargo run --release --features snapshot --bin count` does: the timer then counts instructions, not time.
#![no_std]
#![no_main]

use core::arch::asm;
use core::hint::black_box;

use callflow_core::call::Output;
use callflow_firmware::cases::{CASES, Case, Gives, hand_in};
use cortex_m::Peripherals;
use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_semihosting::debug::{EXIT_FAILURE, EXIT_SUCCESS, exit};
use cortex_m_semihosting::hprintln;

/// How many instructions the known loop has.
const KNOWN: u32 = 20_000;

#[cortex_m_rt::entry]
fn main() -> ! {
    let verdict = if run() { EXIT_SUCCESS } else { EXIT_FAILURE };
    loop {
        exit(verdict);
    }
}

#[cortex_m_rt::exception]
unsafe fn HardFault(_: &cortex_m_rt::ExceptionFrame) -> ! {
    loop {
        exit(EXIT_FAILURE);
    }
}

/// Prints a line for each case; whether each did what it says.
fn run() -> bool {
    let Some(peripherals) = Peripherals::take() else { return false };
    start(peripherals.SYST);
    let nothing = ticks(|| {});
    let known = ticks(known_loop).wrapping_sub(nothing);
    if known < KNOWN / 2 {
        hprintln!("the timer does not count instructions: run under QEMU with -icount shift=6,sleep=off");
        return false;
    }
    let mut all_right = true;
    for case in black_box(CASES) {
        let (ticks, gives) = count(case);
        let instructions = u64::from(ticks.wrapping_sub(nothing)) * u64::from(KNOWN) / u64::from(known);
        hprintln!("{} {}", instructions, case.name);
        if gives != case.gives {
            hprintln!("the case `{}` gives {:?}, not {:?}", case.name, gives, case.gives);
            all_right = false;
        }
    }
    all_right
}

fn start(mut timer: SYST) {
    timer.set_clock_source(SystClkSource::Core);
    timer.set_reload(0x00FF_FFFF);
    timer.clear_current();
    timer.enable_counter();
}

fn count(case: &Case) -> (u32, Gives) {
    let mut call = (case.before)();
    let (at, input) = black_box((case.at, case.input));
    let mut output = Output::new();
    let mut result = Ok(());
    let ticks = ticks(|| result = hand_in(black_box(&mut call), at, input, black_box(&mut output)));
    (ticks, Gives::of(result, &output))
}

/// How far the timer gets meanwhile. It counts down, and has 24 bits.
#[inline(never)]
fn ticks(action: impl FnOnce()) -> u32 {
    let before = SYST::get_current();
    action();
    before.wrapping_sub(SYST::get_current()) & 0x00FF_FFFF
}

fn known_loop() {
    // SAFETY: it only counts a register down.
    unsafe {
        asm!("2: subs {n}, #1", "bne 2b", n = inout(reg) KNOWN / 2 => _);
    }
}
