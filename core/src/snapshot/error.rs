//! Why bytes are no snapshot.

use super::VERSION;
use crate::words::words;

words! {
    /// A part of a snapshot.
    pub enum Part {
        /// What is known of the call, and what is pending.
        Facts = "facts",
        /// The tickets that are out.
        Tickets = "tickets",
        /// The deadlines.
        Deadlines = "deadlines",
        /// The operations.
        Operations = "operations",
        /// The roster.
        Roster = "roster",
    }
}

/// Why bytes are no snapshot, or a call does not fit into a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SnapshotError {
    /// There are no bytes.
    Empty,
    /// The version is not one that this release reads: read it with the release that wrote it.
    UnknownVersion {
        /// The version found.
        found: u8,
    },
    /// A part cannot be read: the bytes are damaged.
    Malformed {
        /// Which part.
        part: Part,
    },
    /// A part has more rows than the call has places: read it with tables as large as the writer's.
    TooLarge {
        /// Which part.
        part: Part,
        /// How many rows it has.
        needed: u8,
        /// How many places the call has.
        places: u8,
    },
    /// The parts contradict each other: the bytes are damaged.
    Unsound,
    /// Bytes are left over: they are damaged, or two snapshots were joined.
    TrailingBytes,
    /// The buffer is too small: give [`Call::SNAPSHOT_LEN`](crate::call::Call::SNAPSHOT_LEN) bytes.
    BufferTooSmall,
}

impl core::fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Empty => f.write_str("the snapshot is empty; restore it from a copy"),
            Self::UnknownVersion { found } => {
                write!(f, "snapshot version {found} is not {VERSION}; read it with the release that wrote it")
            }
            Self::Malformed { part } => {
                write!(f, "the {part} of the snapshot cannot be read; restore it from a copy")
            }
            Self::TooLarge { part, needed, places } => write!(
                f,
                "the {part} of the snapshot take {needed} places, and there are {places}; read it with larger tables"
            ),
            Self::Unsound => f.write_str("the snapshot contradicts itself; restore it from a copy"),
            Self::TrailingBytes => {
                f.write_str("the snapshot has bytes after its end; restore it from a copy")
            }
            Self::BufferTooSmall => f.write_str("the buffer is too small; give SNAPSHOT_LEN bytes"),
        }
    }
}

impl core::error::Error for SnapshotError {}
