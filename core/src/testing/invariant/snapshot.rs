//! I11: snapshots.

use std::vec;

use super::{Broken, holds};
use crate::call::Call;
use crate::snapshot::{SnapshotError, VERSION};

/// I11: a snapshot decodes to an equal call, within its promised length; one of an unknown version is refused by name.
///
/// # Errors
/// [`Broken`]
pub fn i11_snapshot_is_the_call<const R: usize, const O: usize>(call: &Call<R, O>) -> Result<(), Broken> {
    let mut buffer = vec![0; Call::<R, O>::SNAPSHOT_LEN];
    let seen = |seen| Broken { invariant: "I11", seen };
    let bytes = call.encode(&mut buffer).map_err(|_| seen("a call does not fit into its snapshot"))?;
    let decoded = Call::decode(bytes).map_err(|_| seen("a snapshot cannot be read"))?;
    holds("I11", decoded == *call, "a snapshot was read as another call")?;
    let mut unknown = bytes.to_vec();
    if let Some(version) = unknown.first_mut() {
        *version = VERSION.saturating_add(1);
    }
    let found = VERSION.saturating_add(1);
    let refused = Call::<R, O>::decode(&unknown).err();
    holds("I11", refused == Some(SnapshotError::UnknownVersion { found }), "an unknown version was read")
}

/// I11: bytes that are no snapshot are refused, or are a call that is written as it was read. Nothing panics.
///
/// # Errors
/// [`Broken`]
pub fn i11_damaged_bytes_are_refused<const R: usize, const O: usize>(bytes: &[u8]) -> Result<(), Broken> {
    match Call::<R, O>::decode(bytes) {
        Ok(call) => i11_snapshot_is_the_call(&call),
        Err(_) => Ok(()),
    }
}
