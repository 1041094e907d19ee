//! Why a trace cannot be read.

use super::VERSION;

/// Why a trace cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// The file cannot be read.
    #[error("line {line}: {error}; check the file and the disk")]
    Io {
        /// The line.
        line: usize,
        /// Why.
        error: std::io::Error,
    },
    /// It does not begin with the header of a trace.
    #[error(
        "line {line}: no trace: the first line of one has `callflow_trace`; give a file that was written with `--trace`"
    )]
    NoHeader {
        /// The line.
        line: usize,
    },
    /// It is of a later version.
    #[error(
        "line {line}: the trace is of version {version}, and this release reads up to {VERSION}; read it with callflow {written_by} or later"
    )]
    Later {
        /// The line.
        line: usize,
        /// The version of the trace.
        version: u64,
        /// The release that wrote it.
        written_by: String,
    },
    /// A line is none of a trace.
    #[error("line {line}: {reason}; the lines before it are good")]
    Line {
        /// The line.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
}
