//! Symbols whose sizes are those of core's types.
#![no_std]
#![no_main]

use core::hint::black_box;

use callflow_firmware::inputs::{Call, Output, SmallCall};

#[unsafe(no_mangle)]
static SIZE_OF_CALL_2_4: [u8; size_of::<SmallCall>()] = [0; _];
#[unsafe(no_mangle)]
static SIZE_OF_CALL_16_8: [u8; size_of::<Call>()] = [0; _];
#[unsafe(no_mangle)]
static SIZE_OF_OUTPUT: [u8; size_of::<Output<'_>>()] = [0; _];

#[cortex_m_rt::entry]
fn main() -> ! {
    loop {
        black_box((&SIZE_OF_CALL_2_4, &SIZE_OF_CALL_16_8, &SIZE_OF_OUTPUT));
    }
}
