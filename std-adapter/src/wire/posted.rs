//! Where a notice was read: what a journal keeps of it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::inline;

/// The entry of a notification from which a notice was read, and which of those in it the notice is. `Debug` shows nothing
/// of it, and any two are equal: what they told is in the notices.
#[derive(Clone, Serialize, Deserialize)]
pub struct Posted {
    /// The notice's place among those of the entry.
    pub place: usize,
    /// The entry, JSON.
    #[serde(with = "inline")]
    pub entry: Arc<str>,
}

impl std::fmt::Debug for Posted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Posted(<{} bytes>)", self.entry.len())
    }
}

impl PartialEq for Posted {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Posted {}
