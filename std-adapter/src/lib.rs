//! Adapter.
#[cfg(feature = "net")]
pub mod clock;
#[cfg(feature = "net")]
pub mod transport;
pub mod wire;
