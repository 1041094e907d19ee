//! The lifecycle of Microsoft Teams calls over Graph, and the peer-to-peer and group rules, as pure transitions.
#![no_std]
#![deny(clippy::arithmetic_side_effects, clippy::unreachable)]
#[cfg(any(test, feature = "std"))]
extern crate std;

pub mod classification;
pub mod deadline;
pub mod id;
pub mod identity;
pub mod lifecycle;
pub mod list;
pub mod media;
pub mod meeting;
pub mod operation;
pub mod permission;
pub mod result;
pub mod roster;
pub mod text;
pub mod time;
mod words;
