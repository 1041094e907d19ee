//! Audio routing groups as Graph tells of them.

use callflow_core::command::RoutingMode;
use serde::Deserialize;

use super::lenient::There;
use super::resource::{short_type, word};

/// An audio routing group. Ids are texts, as Graph wrote them.
///
/// Source: Graph docs, audioRoutingGroup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioRoutingGroupTold {
    /// Its id.
    pub id: Option<String>,
    /// How it sends; `None` for a mode that this version does not know.
    pub mode: Option<RoutingMode>,
    /// Whose audio.
    pub sources: Vec<String>,
    /// To whom.
    pub receivers: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AudioRoutingGroupJson {
    #[serde(rename = "@odata.type")]
    odata_type: Option<String>,
    #[serde(rename = "@odata.context")]
    _context: Option<There>,
    id: Option<String>,
    routing_mode: Option<String>,
    sources: Option<Vec<String>>,
    receivers: Option<Vec<String>>,
}

impl AudioRoutingGroupJson {
    pub(super) fn is_one(&self) -> bool {
        let is_typed = |kind: &String| short_type(kind).eq_ignore_ascii_case("audioRoutingGroup");
        self.routing_mode.is_some() || self.odata_type.as_ref().is_some_and(is_typed)
    }

    pub(super) fn into_told(self) -> AudioRoutingGroupTold {
        AudioRoutingGroupTold {
            id: self.id,
            mode: self.routing_mode.and_then(|written| word(RoutingMode::ALL, RoutingMode::name, &written)),
            sources: self.sources.unwrap_or_default(),
            receivers: self.receivers.unwrap_or_default(),
        }
    }
}
