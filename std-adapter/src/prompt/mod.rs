//! Prompts: what the service plays, and how other sound becomes that.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`mod@format`] | what the service plays, and why it does not play a file |
//! | [`mod@convert`] | makes it of WAV, MP3, Ogg Vorbis and FLAC |

pub mod convert;
#[cfg(test)]
mod fixtures;
pub mod format;
