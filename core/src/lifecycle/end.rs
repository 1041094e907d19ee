//! The end of a call: whether it was told or inferred, whether the call was ever established, who ended it, and its
//! result.
//!
//! An end that was told is final. One that was inferred is not: later live news lets the call ask, and come back.
//!
//! Source: Graph docs, call: delete, call: keepAlive. That the result of an unanswered call and of a finished one can be
//! the same (200/5002) is seen in field captures: only `ever_established` tells them apart.

use crate::result::{By, ResultInfo};
use crate::words::words;

words! {
    /// How the call's end became known.
    pub enum How {
        /// Graph said `deleted` or `terminated`.
        Told = "told",
        /// A request was answered 404 with code 8522, or 404 twice, or nothing was ever heard of the call.
        Inferred = "inferred",
        /// Graph refused to create the call.
        NotCreated = "not created",
    }
}

words! {
    /// `terminationReason`
    ///
    /// Source: field captures and an example of Graph docs, call: transfer; the member is beta's, its words are no closed
    /// list.
    pub enum TerminationReason {
        /// The bot's transfer was completed.
        AppTransferred = "AppTransferred",
        /// The call was terminated.
        CallTerminated = "CallTerminated",
        /// Another word; the adapter keeps it.
        Unrecognised = "unrecognised",
    }
}

impl TerminationReason {
    /// The reason that Graph calls by this name, in any case.
    pub fn parse(name: &str) -> Self {
        Self::ALL
            .iter()
            .copied()
            .find(|reason| reason.name().eq_ignore_ascii_case(name))
            .unwrap_or(Self::Unrecognised)
    }
}

/// The end of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct End {
    /// How it became known.
    pub how: How,
    /// Whether the call was ever established.
    pub ever_established: bool,
    /// Who ended it, as far as that can be known.
    pub by: By,
    /// `terminationReason`, where Graph gave one.
    pub reason: Option<TerminationReason>,
    /// The result that Graph gave; after a 404 it is unknown for good.
    pub result: Option<ResultInfo>,
}
