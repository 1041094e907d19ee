//! Traces: every input of every call with its time, and what came out, as lines of JSON.
//!
//! The inputs of a call are its whole history. A trace of them, fed to [`Session`](crate::session::Session)s again by
//! [`Replay`], gives the same states, events and requests: what happened can be looked at step by step after it happened,
//! drawn as a ladder, sent with a report, and kept as a test.
//!
//! ```
//! use callflow_graph::trace::{Reader, Record, Replay};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let file = concat!(r#"{"callflow_trace": 1, "written_by": "0.1.0"}"#, "\n");
//! let mut replay = Replay::default();
//! for record in Reader::new(file.as_bytes()) {
//!     let Record::Entry(line) = record? else { continue };
//!     let replayed = replay.step(&line)?;
//!     assert_eq!(replayed.difference(&line), None);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # The file
//!
//! | line | members |
//! | --- | --- |
//! | header: one for each time that the file was opened | `callflow_trace` (the version, 1), `written_by` (callflow's version) |
//! | entry | `at` (ms since the Unix epoch), `call`, `input`, `output`, `state` |
//! | lost | `lost`: how many entries could not be written since the line before |
//!
//! `input` is an [`Input`](crate::session::journal::Input), `output` an [`Output`], `state` a [`Standing`]. Members that a
//! reader does not know are to be passed over; a change that an older reader would misread raises the version.
//!
//! # What is not in it
//!
//! Tokens, passcodes, addresses with their signatures, phone numbers, names of persons and their ids, texts of messages, and
//! the names of calls that the bot placed, which are in their callback addresses: each is replaced by a [stand-in](stand_in),
//! the same wherever it comes again in the call until the next header. Keys that were pressed are all replaced by the same one,
//! unless [`Recorder::showing_keys`] says otherwise. Ids of calls, participants and operations, and tenants, stay as
//! they are where they are GUIDs, since support asks for them. Bodies of requests are not written: they follow from the
//! inputs.

mod fault;
mod line;
mod reader;
mod recorder;
mod replay;
pub mod stand_in;
mod standing;

pub use fault::TraceError;
pub use line::{Line, Output, Requested};
pub use reader::{Reader, Record};
pub use recorder::Recorder;
pub use replay::{Replay, ReplayError, Replayed};
pub use stand_in::KeyPresses;
pub use standing::Standing;

/// The version that is written; a reader knows no later one.
pub const VERSION: u32 = 1;
