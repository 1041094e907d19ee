//! Calls that are placed by name.

use std::pin::Pin;

use crate::bot::PlaceError;
use crate::store::CallName;

/// Why a call was not placed. Nobody was called.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotPlaced {
    /// No call has this name.
    #[error("there is no outgoing call {name:?}; {}", known(.among))]
    Unknown {
        /// The name.
        name: String,
        /// Those that there are.
        among: Vec<String>,
    },
    /// The app lacks a permission.
    #[error(
        "calling somebody needs {missing}, which is not granted: have an administrator grant it, and consent again"
    )]
    Permission {
        /// Which.
        missing: String,
    },
    /// What is to be kept with it cannot be written.
    #[error("what is to be kept with the call cannot be written: {0}")]
    State(#[from] serde_json::Error),
    /// The bot refuses.
    #[error(transparent)]
    Place(#[from] PlaceError),
}

fn known(among: &[String]) -> String {
    if among.is_empty() { "there are none".to_owned() } else { format!("there are {}", among.join(", ")) }
}

/// A call that is being placed.
pub type PlacingCall<'a> = Pin<Box<dyn Future<Output = Result<CallName, NotPlaced>> + Send + 'a>>;

/// What places calls by their names.
pub trait Placing: Send + Sync + 'static {
    /// The names that there are.
    fn names(&self) -> Vec<String>;

    /// Places the call of this name, and gives the new call's.
    fn place<'a>(&'a self, name: &'a str) -> PlacingCall<'a>;
}
