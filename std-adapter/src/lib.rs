//! Adapter.
#[cfg(feature = "net")]
pub mod bot;
#[cfg(feature = "net")]
pub mod client;
#[cfg(feature = "net")]
pub mod clock;
#[cfg(feature = "net")]
pub mod runtime;
pub mod session;
#[cfg(feature = "net")]
pub mod store;
#[cfg(feature = "net")]
pub mod transport;
#[cfg(feature = "net")]
pub mod webhook;
pub mod wire;
