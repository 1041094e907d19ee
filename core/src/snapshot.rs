//! Snapshots: a call as versioned bytes, and back.
//!
//! The first byte is the version; then come the parts of the call in postcard, one after another. They are read one
//! by one, and checked: bytes that are no call are refused by name, and never read as another call. Times are those of
//! the embedder's clock: see [`Call::rebase`] where its origin changes.
//!
//! ```
//! use callflow_core::call::{Call, Offer};
//! use callflow_core::id::{CallId, CallKey};
//! use callflow_core::time::Timestamp;
//!
//! # fn main() -> Result<(), callflow_core::snapshot::SnapshotError> {
//! let (call, _) = Call::<4, 2>::offered(Timestamp::from_millis(0), Offer::new(CallKey::new(1), CallId::parse("a")));
//! let mut buffer = [0; Call::<4, 2>::SNAPSHOT_LEN];
//! let bytes = call.encode(&mut buffer)?;
//! assert_eq!(Call::<4, 2>::decode(bytes)?, call);
//! # Ok(())
//! # }
//! ```

use serde::{Deserialize, Serialize};

use crate::call::{Call, Facts, Pending};
use crate::classification::Direction;
use crate::deadline::Deadlines;
use crate::lifecycle::State;
use crate::lifecycle::end::How;
use crate::lifecycle::pending::{Creation, HangingUp, Settlement};
use crate::operation::Operations;
use crate::roster::Roster;
use crate::words::words;

/// The version that [`Call::encode`] writes. [`Call::decode`] reads it and, once there is one, the version before it.
pub const VERSION: u8 = 1;

words! {
    /// A part of a snapshot.
    pub enum Part {
        /// What is known of the call.
        Facts = "facts",
        /// What is asked and not settled.
        Pending = "pending",
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
    /// A part cannot be read: the bytes are damaged, or the tables of the call that wrote them were larger.
    Malformed {
        /// Which part.
        part: Part,
    },
    /// The parts contradict each other: the bytes are damaged.
    Unsound,
    /// Bytes are left over: they are damaged, or two snapshots were joined.
    TrailingBytes,
    /// The buffer is too small: give [`Call::SNAPSHOT_LEN`] bytes.
    BufferTooSmall,
}

impl core::fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Empty => f.write_str("the snapshot is empty; restore it from a copy"),
            Self::UnknownVersion { found } => {
                write!(f, "snapshot version {found} is not {VERSION}; read it with the release that wrote it")
            }
            Self::Malformed { part } => write!(
                f,
                "the {part} of the snapshot cannot be read; restore it from a copy, or read it with tables as large as the writer's"
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

impl<const R: usize, const O: usize> Call<R, O> {
    /// A buffer of this many bytes holds any snapshot of such a call.
    pub const SNAPSHOT_LEN: usize =
        320usize.saturating_add(40usize.saturating_mul(O)).saturating_add(20usize.saturating_mul(R));

    /// Writes the call into `buffer`, and gives the bytes written.
    ///
    /// # Errors
    /// [`SnapshotError::BufferTooSmall`]
    pub fn encode<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], SnapshotError> {
        let whole = buffer.len();
        let (version, rest) = buffer.split_first_mut().ok_or(SnapshotError::BufferTooSmall)?;
        *version = VERSION;
        let rest = put(&self.facts, rest)?;
        let rest = put(&self.pending, rest)?;
        let rest = put(&self.deadlines, rest)?;
        let rest = put(&self.operations, rest)?;
        let left = put(&self.roster, rest)?.len();
        buffer.get(..whole.saturating_sub(left)).ok_or(SnapshotError::BufferTooSmall)
    }

    /// Reads a call that [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`SnapshotError`], which names what is wrong.
    pub fn decode(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let (version, rest) = bytes.split_first().ok_or(SnapshotError::Empty)?;
        if *version != VERSION {
            return Err(SnapshotError::UnknownVersion { found: *version });
        }
        let (facts, rest) = take::<Facts>(rest, Part::Facts)?;
        let (pending, rest) = take::<Pending>(rest, Part::Pending)?;
        let (deadlines, rest) = take::<Deadlines>(rest, Part::Deadlines)?;
        let (operations, rest) = take::<Operations<O>>(rest, Part::Operations)?;
        let (roster, rest) = take::<Roster<R>>(rest, Part::Roster)?;
        if !rest.is_empty() {
            return Err(SnapshotError::TrailingBytes);
        }
        let call = Self { facts, pending, deadlines, operations, roster };
        if call.is_sound() { Ok(call) } else { Err(SnapshotError::Unsound) }
    }

    /// Whether the parts can occur together.
    pub(crate) fn is_sound(&self) -> bool {
        let Facts { state, end, ever_established, direction, classification, .. } = &self.facts;
        let Pending { creation, settlement, hanging_up, .. } = &self.pending;
        let incoming = *direction == Direction::Incoming;
        classification.is_sound()
            && self.operations.is_sound()
            && state.is_ended() == end.is_some()
            && (*ever_established || !state.is_connected())
            && (*state != State::Incoming || incoming)
            && (!incoming || *creation == Creation::Done)
            && (incoming || *settlement == Settlement::NotNeeded)
            && (*creation == Creation::Done || matches!(state, State::Establishing | State::Terminated))
            && (!state.is_ended() || *hanging_up == HangingUp::No)
            && (*end != Some(How::Told) || self.deadlines.next().is_none())
    }
}

fn put<'b, T: Serialize>(part: &T, buffer: &'b mut [u8]) -> Result<&'b mut [u8], SnapshotError> {
    let used = postcard::to_slice(part, buffer).map_err(|_| SnapshotError::BufferTooSmall)?.len();
    buffer.get_mut(used..).ok_or(SnapshotError::BufferTooSmall)
}

fn take<'b, T: Deserialize<'b>>(bytes: &'b [u8], part: Part) -> Result<(T, &'b [u8]), SnapshotError> {
    postcard::take_from_bytes(bytes).map_err(|_| SnapshotError::Malformed { part })
}
