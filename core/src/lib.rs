//! The lifecycle of Microsoft Teams calls over Graph, and the peer-to-peer and group rules, as pure transitions.
//!
//! A [`Call`](call::Call) is a value. Commands, reports and the time go in; requests, events and the next deadline come
//! out. There is no I/O, no clock and no allocation in it, and no input makes it panic. What carries its requests to
//! Graph and Graph's reports back is up to the embedder.
//!
//! The modules stand in floors, and each uses lower ones only:
//!
//! | floor | modules | what is found there |
//! | --- | --- | --- |
//! | 6 | [`calls`] | a bounded table of calls, for devices |
//! | 5 | [`call`] | the call, where the rule books meet |
//! | 4 | [`command`], [`report`], [`request`], [`event`] | the four vocabularies |
//! | 3 | [`lifecycle`], [`classification`], [`restriction`], [`permission`], [`limit`], [`operation`], [`roster`], [`media`], [`deadline`] | one rule book each, usable alone |
//! | 2 | [`action`], [`identity`], [`meeting`], [`result`], [`certainty`] | what the rules speak about |
//! | 1 | [`id`], [`time`], [`text`], [`list`] | small value types |
//!
//! Beside them: [`diagram`] draws the rules, `snapshot` puts a call into bytes, `testing` watches one.
//!
//! Features, all additive: `defmt` (`Format` on every public type), `serde` (the vocabularies over postcard), `snapshot`
//! (a call as versioned bytes), `std`, `testing` (strategies and checks for property tests).
#![no_std]
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects, clippy::unreachable))]
#[cfg(any(test, feature = "std"))]
extern crate std;

pub mod action;
pub mod call;
pub mod calls;
pub mod certainty;
pub mod classification;
pub mod command;
pub mod deadline;
pub mod diagram;
pub mod event;
pub mod id;
pub mod identity;
pub mod lifecycle;
pub mod limit;
pub mod list;
pub mod media;
pub mod meeting;
pub mod operation;
pub mod permission;
pub mod report;
pub mod request;
pub mod restriction;
pub mod result;
pub mod roster;
#[cfg(feature = "snapshot")]
pub mod snapshot;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod text;
pub mod time;
mod words;

/// The examples of the package's README are tests as well.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
