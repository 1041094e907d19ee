//! Audio routing groups: who hears whom.
//!
//! Source: Graph docs, audioRoutingGroup.

use serde_json::{Value, json};

use super::asked::{self, member};
use super::call::{Call, Inner};
use super::error::Error;

#[derive(Clone, Debug)]
pub(super) struct Group {
    id: String,
    mode: &'static str,
    sources: Vec<String>,
    receivers: Vec<String>,
}

impl Group {
    fn json(&self) -> Value {
        json!({
            "@odata.type": "#microsoft.graph.audioRoutingGroup",
            "id": self.id,
            "routingMode": self.mode,
            "sources": self.sources,
            "receivers": self.receivers,
        })
    }

    /// With what `body` says; what it leaves out stays.
    fn changed(mut self, body: &Value) -> Result<Self, Error> {
        if let Some(mode) = asked::word_of(body, "routingMode", &["oneToOne", "multicast"]) {
            self.mode = mode;
        }
        for (name, ids) in [("sources", &mut self.sources), ("receivers", &mut self.receivers)] {
            if member(body, name).is_some() {
                *ids = asked::items(body, name).iter().filter_map(Value::as_str).map(str::to_owned).collect();
            }
        }
        match (self.mode, self.sources.len(), self.receivers.len()) {
            ("oneToOne", 1, 1) => Ok(self),
            ("multicast", 1, receivers) if receivers > 0 => Ok(self),
            ("oneToOne", ..) => Err(Error::bad_request("oneToOne has one source and one receiver.")),
            ("multicast", ..) => Err(Error::bad_request("multicast has one source, and receivers.")),
            _ => Err(Error::bad_request("routingMode is required.")),
        }
    }

    /// Source: assumed; no page says what becomes of ids that are not in the call.
    fn is_among(&self, inner: &Inner) -> bool {
        let is_here = |id: &String| inner.roster.iter().any(|participant| participant.id == *id);
        self.sources.iter().chain(&self.receivers).all(is_here)
    }
}

impl Call {
    pub(super) fn groups(&self) -> Vec<Value> {
        self.with(|inner| inner.groups.iter().map(Group::json).collect())
    }

    pub(super) fn audio_group(&self, id: &str) -> Result<Value, Error> {
        self.with(|inner| inner.groups.iter().find(|group| group.id == id).map(Group::json))
            .ok_or_else(no_group)
    }

    pub(super) fn add_group(&self, body: &Value) -> Result<Value, Error> {
        let id = uuid::Uuid::new_v4().to_string();
        let group = Group { id, mode: "", sources: Vec::new(), receivers: Vec::new() }.changed(body)?;
        self.group()?;
        self.with(|inner| {
            if !group.is_among(inner) {
                return Err(not_here());
            }
            let json = group.json();
            inner.groups.push(group);
            Ok(json)
        })
    }

    pub(super) fn change_group(&self, id: &str, body: &Value) -> Result<Value, Error> {
        self.group()?;
        self.with(|inner| {
            let place = inner.groups.iter().position(|group| group.id == id).ok_or_else(no_group)?;
            let changed = inner.groups.get(place).cloned().ok_or_else(no_group)?.changed(body)?;
            if !changed.is_among(inner) {
                return Err(not_here());
            }
            let json = changed.json();
            if let Some(group) = inner.groups.get_mut(place) {
                *group = changed;
            }
            Ok(json)
        })
    }

    pub(super) fn remove_group(&self, id: &str) -> Result<(), Error> {
        self.group()?;
        self.with(|inner| {
            let place = inner.groups.iter().position(|group| group.id == id).ok_or_else(no_group)?;
            inner.groups.remove(place);
            Ok(())
        })
    }
}

fn no_group() -> Error {
    Error::not_found("Audio routing group")
}

fn not_here() -> Error {
    Error::bad_request("Sources and receivers are participants of the call.").assumed()
}
