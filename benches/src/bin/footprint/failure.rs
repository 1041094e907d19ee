//! Why something cannot be measured, and what to do about it.

use std::io;
use std::path::PathBuf;

/// Why something cannot be measured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// An argument that there is not.
    #[error("there is no argument `{argument}`; give --json, --record, both or none")]
    Argument {
        /// The argument.
        argument: String,
    },
    /// This program itself is not optimised.
    #[error(
        "this program counts its own instructions, and is not optimised; run it with `cargo run --release`"
    )]
    NotOptimised,
    /// A program could not be started.
    #[error("`{program}` cannot be run: {source}; install it, or put it on the PATH")]
    NotRun {
        /// The program.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// A program ended with an error.
    #[error("`{command}` failed; see to what it says:\n{said}")]
    Failed {
        /// How it was run.
        command: String,
        /// What it printed.
        said: String,
    },
    /// Something is missing, and was not to be had.
    #[error("{what} is missing, and installing it failed; install it yourself: `{by_hand}`\n{source}")]
    NotInstalled {
        /// What is missing.
        what: &'static str,
        /// How to install it.
        by_hand: String,
        /// Why it was not installed.
        source: Box<Failure>,
    },
    /// A tool printed something unexpected.
    #[error(
        "{what} is not found in what `{command}` printed; compare it with what this program looks for:\n{said}"
    )]
    NotFound {
        /// What was looked for.
        what: String,
        /// What printed.
        command: String,
        /// What it printed.
        said: String,
    },
    /// The stack of an image has no bound.
    #[error(
        "the stack of `{image}` has no bound; take the recursion or the indirect call out of core:\n{said}"
    )]
    NoBound {
        /// The image.
        image: &'static str,
        /// What the script said.
        said: String,
    },
    /// A case does not do what it is there for.
    #[error("a case does not do what it says; correct it in tests/firmware/src/cases.rs: {said}")]
    Case {
        /// Which, and what it does.
        said: String,
    },
    /// A call does not fit into the buffer that core names.
    #[error("a snapshot failed: {0}")]
    Snapshot(#[source] callflow_core::snapshot::SnapshotError),
    /// A file could not be read or written.
    #[error("{path}: {source}; see to the file and its folder")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The recorded figures cannot be read.
    #[error("{path} cannot be read: {source}; write it anew with --record")]
    Json {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// The figures cannot be written as JSON.
    #[error("the figures cannot be written as JSON: {0}; report this")]
    NotJson(#[source] serde_json::Error),
}

impl Failure {
    /// For [`Result::map_err`] of what was done to a file.
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}
