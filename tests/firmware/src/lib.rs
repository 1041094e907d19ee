//! callflow-core on a Cortex-M0: what the images share.
//!
//! [`inputs`] and [`cases`] are what knows core; the images are thin. Nothing here is meant to do a call's work: every
//! input comes out of memory that the compiler cannot see into, so that no rule of core can be left out of an image.
#![no_std]

pub mod cases;
pub mod inputs;
mod volatile;

/// Ends QEMU with an error.
#[cfg(not(feature = "link-trap"))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    use cortex_m_semihosting::debug::{EXIT_FAILURE, exit};
    loop {
        exit(EXIT_FAILURE);
    }
}

/// Calls what is defined nowhere: an image that can reach a panic does not link.
#[cfg(feature = "link-trap")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        safe fn a_panic_path_is_left() -> !;
    }
    a_panic_path_is_left()
}
