//! What `handle` has, with snapshots both ways, commands that come as bytes and requests that leave as bytes.
#![no_std]
#![no_main]

use callflow_firmware::inputs;

#[cortex_m_rt::entry]
fn main() -> ! {
    // SAFETY: asked for here only, and `main` runs once.
    let (call, buffer) = unsafe { (inputs::memory(), inputs::buffer()) };
    loop {
        match inputs::selected() {
            0 => inputs::offered(call),
            1 => inputs::placed(call),
            2 => inputs::encode(call, buffer),
            3 => inputs::decode(call),
            4 => inputs::command(call),
            5 => inputs::request(buffer),
            _ => inputs::handle(call),
        }
    }
}
