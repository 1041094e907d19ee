//! Content sharing sessions as Graph tells of them.

use serde::Deserialize;

use super::lenient::There;
use super::resource::short_type;

/// A content sharing session. Ids are texts, as Graph wrote them.
///
/// Source: Graph docs, contentSharingSession.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContentSharingTold {
    /// Its id.
    pub id: Option<String>,
    /// Who presents. Beta.
    pub presenter: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ContentSharingJson {
    #[serde(rename = "@odata.type")]
    odata_type: Option<String>,
    #[serde(rename = "@odata.context")]
    _context: Option<There>,
    id: Option<String>,
    presenter_participant_id: Option<String>,
}

impl ContentSharingJson {
    pub(super) fn is_one(&self) -> bool {
        let is_typed = |kind: &String| short_type(kind).eq_ignore_ascii_case("contentSharingSession");
        self.odata_type.as_ref().is_some_and(is_typed)
    }

    pub(super) fn into_told(self) -> ContentSharingTold {
        ContentSharingTold { id: self.id, presenter: self.presenter_participant_id }
    }
}
