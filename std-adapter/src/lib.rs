//! Adapter.
#[cfg(feature = "net")]
pub mod clock;
pub mod session;
#[cfg(feature = "net")]
pub mod store;
#[cfg(feature = "net")]
pub mod transport;
pub mod wire;
