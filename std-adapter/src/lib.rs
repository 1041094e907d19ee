//! Adapter.
#[cfg(feature = "net")]
pub mod transport;
