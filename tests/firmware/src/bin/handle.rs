//! Calls that come and calls that are placed, every command and every report, and the next deadline.
#![no_std]
#![no_main]

use callflow_firmware::inputs;

#[cortex_m_rt::entry]
fn main() -> ! {
    // SAFETY: asked for here only, and `main` runs once.
    let call = unsafe { inputs::memory() };
    loop {
        match inputs::selected() {
            0 => inputs::offered(call),
            1 => inputs::placed(call),
            _ => inputs::handle(call),
        }
    }
}
