//! What the fuzz targets share: inputs made of bytes, and what must hold after each.

mod bytes;
mod inputs;
mod watch;

pub use bytes::Bytes;
pub use inputs::{Moment, with_input, with_placement};
pub use watch::{Call, Watch};
