//! What `handle` has, with snapshots both ways, commands that come as bytes and requests that leave as bytes.
#![no_std]
#![no_main]

use callflow_firmware::inputs;

#[cortex_m_rt::entry]
fn main() -> ! {
    // SAFETY: asked for here only, and `main` runs once.
    let (memory, buffer) = unsafe { (inputs::memory(), inputs::buffer()) };
    let call = inputs::offered(memory);
    loop {
        match inputs::selected() {
            0 => inputs::placed(call),
            1 => inputs::encode(call, buffer),
            2 => inputs::decode(call),
            3 => inputs::command(call),
            4 => inputs::request(buffer),
            _ => inputs::handle(call),
        }
    }
}
