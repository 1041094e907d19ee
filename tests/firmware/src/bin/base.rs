//! The firmware without core: what a share of flash is counted from.
#![no_std]
#![no_main]

use callflow_firmware as _;

#[cortex_m_rt::entry]
fn main() -> ! {
    loop {
        core::hint::black_box(());
    }
}
