//! Members that no rule reads, kept for a bot that wants them.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// What of a call is read in part: which kind of identity it is, and that there is something.
pub(super) const OF_A_CALL: &[&str] =
    &["answeredBy", "applicationMetadata", "incomingContext", "source", "targets"];
/// What of a participant is read in part.
pub(super) const OF_A_PARTICIPANT: &[&str] = &["info", "removedState"];

/// The members of a resource of which not all is read, as they came, each whole. `Debug` shows their names only: nobody
/// knows what stands in them.
///
/// ```
/// use callflow_graph::wire::notification::{Subject, read_batch};
///
/// # fn main() -> Result<(), callflow_graph::wire::WireError> {
/// let body = br#"{"value": [{"changeType": "updated", "resourceUrl": "/communications/calls/57DA",
///     "resourceData": {"state": "established", "meetingCapability": {"allowTranslatedCaptions": false}}}]}"#;
/// let batch = read_batch(body)?;
/// let Some(Subject::Call(told)) = batch.notices.first().map(|notice| &notice.subject) else { return Ok(()) };
/// let capability = told.extra.get("meetingCapability");
/// assert!(capability.is_some_and(|value| value["allowTranslatedCaptions"] == false));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Extra(Map<String, Value>);

impl Extra {
    /// The member of this name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes from `json`, an object or an array of objects, the members to which the paths of `ignored` lead, and those that
    /// are among `partly`: one for each object.
    pub(super) fn of(json: &str, ignored: &[String], partly: &[&str]) -> Vec<Self> {
        let is_quoted = |(at, name): (usize, &str)| {
            let beside = |at: Option<usize>| at.and_then(|at| json.as_bytes().get(at)) == Some(&b'"');
            beside(at.checked_sub(1)) && beside(at.checked_add(name.len()))
        };
        let has = |name: &&str| json.match_indices(*name).any(is_quoted);
        if ignored.is_empty() && !partly.iter().any(has) {
            return Vec::new();
        }
        let keep = |members: Map<String, Value>| {
            let is_ignored = |name: &str| ignored.iter().any(|path| path.split('.').next() == Some(name));
            let is_kept = |(name, value): &(String, Value)| {
                is_ignored(name) || (partly.contains(&name.as_str()) && !value.is_null())
            };
            Self(members.into_iter().filter(is_kept).collect())
        };
        match serde_json::from_str(json) {
            Ok(Value::Object(members)) => vec![keep(members)],
            Ok(Value::Array(all)) => all
                .into_iter()
                .map(|one| if let Value::Object(members) = one { keep(members) } else { Self::default() })
                .collect(),
            Ok(_) | Err(_) => Vec::new(),
        }
    }

    /// As [`Self::of`], of the objects below one member; the paths of `ignored` begin there.
    pub(super) fn of_member(json: &str, member: &str, ignored: &[String], partly: &[&str]) -> Vec<Self> {
        let members = serde_json::from_str::<BTreeMap<String, &RawValue>>(json).unwrap_or_default();
        members.get(member).map(|below| Self::of(below.get(), ignored, partly)).unwrap_or_default()
    }
}

impl std::fmt::Debug for Extra {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
