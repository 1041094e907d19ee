//! The lifecycle of Microsoft Teams calls over Graph, and the peer-to-peer and group rules, as pure transitions.
#![no_std]
#[cfg(any(test, feature = "std"))]
extern crate std;

pub mod id;
pub mod list;
pub mod text;
pub mod time;
