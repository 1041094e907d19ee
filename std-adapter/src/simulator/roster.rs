//! How a bot hears of the roster: as a whole, or by what changed.
//!
//! Source: field captures, which have the whole; Graph docs, deltaParticipants, participant. No page has an example of
//! the second; where its numbers begin and that they rise by one is assumed.

use serde_json::{Value, json};

use super::asked::member;
use super::call::Call;

/// What a bot asked for when it created or answered a call. Source: Graph docs, callOptions.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Options {
    pub(super) in_deltas: bool,
    pub(super) with_sharing: bool,
}

impl Options {
    pub(super) fn of(body: &Value) -> Self {
        let is_on = |name: &str| {
            let options = member(body, "callOptions");
            options.and_then(|options| options.get(name)).and_then(Value::as_bool) == Some(true)
        };
        Self {
            in_deltas: is_on("isDeltaRosterEnabled"),
            with_sharing: is_on("isContentSharingNotificationEnabled"),
        }
    }
}

/// What was told of the roster so far.
#[derive(Debug, Default)]
pub(super) struct Told {
    number: u64,
    participants: Vec<Value>,
}

impl Told {
    /// What is new since, numbered; it counts as told from here on.
    fn delta(&mut self, now: &[Value]) -> Value {
        self.number = self.number.saturating_add(1);
        let id = |one: &Value| one.get("id").cloned().unwrap_or_default();
        let with = |one: &Value, name: &str, value: Value| {
            let mut one = one.clone();
            if let Some(members) = one.as_object_mut() {
                members.insert(name.to_owned(), value);
            }
            one
        };
        let changed = now.iter().filter(|one| !self.participants.contains(one));
        let left = self.participants.iter().filter(|one| !now.iter().any(|here| id(here) == id(one)));
        let removed = json!({
            "@odata.type": "#microsoft.graph.removedState",
            "reason": "Participant has left the meeting call.",
        });
        let participants: Vec<Value> = changed
            .cloned()
            .chain(left.map(|one| with(one, "removedState", removed.clone())))
            .map(|one| with(&one, "rosterSequenceNumber", self.number.into()))
            .collect();
        self.participants = now.to_vec();
        json!({
            "@odata.type": "#microsoft.graph.deltaParticipants",
            "sequenceNumber": self.number,
            "participants": participants,
        })
    }
}

impl Call {
    /// Tells of the roster.
    pub(super) fn tell_roster(&self) {
        let now = self.participants();
        let about = format!("updated roster of {}", now.len());
        let data = self
            .with(|inner| if inner.options.in_deltas { inner.told.delta(&now) } else { now.clone().into() });
        self.tell("updated", &about, "/participants".to_owned(), data);
    }
}
