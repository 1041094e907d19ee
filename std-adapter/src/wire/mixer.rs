//! Who is heard how loud by whom, in a call of several.
//!
//! Source: Graph docs, participant: configureMixer, participantMixerLevel, audioDuckingConfiguration, mixerLevel (beta).
//! Levels are per cent; the page gives no unit of the ramps.

use serde::{Deserialize, Serialize};

/// What one participant hears.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MixerLevel {
    /// Who hears it, by his id in the roster.
    pub participant: String,
    /// Whether he hears these sources alone.
    #[serde(default)]
    pub exclusive: bool,
    /// How the others become quieter while somebody speaks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ducking: Option<Ducking>,
    /// Whom he hears how.
    #[serde(default)]
    pub source_levels: Vec<SourceLevel>,
}

/// How the others become quieter while somebody speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ducking {
    /// How fast, where somebody begins to speak.
    pub ramp_active: u32,
    /// How fast, where he ends.
    pub ramp_inactive: u32,
    /// The level of the others while he speaks.
    pub lower_level: u32,
    /// The level of the others else.
    pub upper_level: u32,
}

/// How loud one is heard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceLevel {
    /// Who is heard, by his id in the roster.
    pub participant: String,
    /// How loud.
    pub level: u32,
    /// Whether the others become quieter while he speaks.
    #[serde(default)]
    pub duck_others: bool,
}
