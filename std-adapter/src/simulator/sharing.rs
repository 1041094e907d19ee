//! What people show in a call: content sharing sessions.
//!
//! Source: Graph docs, contentSharingSession; call: create, the notifications of sharing.

use serde_json::{Value, json};

use super::call::{Call, Stage};
use super::error::Error;
use super::person::Person;

/// Somebody shows something.
#[derive(Clone, Debug)]
pub(super) struct Session {
    id: String,
    by: String,
}

impl Session {
    fn json(&self) -> Value {
        json!({"@odata.type": "#microsoft.graph.contentSharingSession", "id": self.id})
    }
}

impl Call {
    /// A person begins to share; whether he could.
    pub(super) fn begin_sharing(&self, person: &Person) -> bool {
        if self.stage() != Stage::Established {
            return false;
        }
        self.did(&person.display_name, "shares his screen");
        let session = Session { id: uuid::Uuid::new_v4().to_string(), by: person.id.clone() };
        self.with(|inner| inner.sessions.push(session.clone()));
        self.tell_sharing("created", &session);
        true
    }

    /// A person shares no longer; whether he did.
    pub(super) fn end_sharing(&self, person: &Person) -> bool {
        let ended = self.with(|inner| {
            let place = inner.sessions.iter().position(|session| session.by == person.id)?;
            Some(inner.sessions.remove(place))
        });
        let Some(session) = ended.filter(|_| self.stage() == Stage::Established) else { return false };
        self.did(&person.display_name, "shares his screen no longer");
        self.tell_sharing("deleted", &session);
        true
    }

    /// Whoever asked for it hears of it.
    fn tell_sharing(&self, change: &'static str, session: &Session) {
        if self.with(|inner| inner.options.with_sharing) {
            let about = format!("{change} content sharing session");
            // The documented path is written small.
            self.tell(change, &about, "/contentsharingsessions".to_owned(), json!([session.json()]));
        }
    }

    pub(super) fn sessions(&self) -> Vec<Value> {
        self.with(|inner| inner.sessions.iter().map(Session::json).collect())
    }

    pub(super) fn session(&self, id: &str) -> Result<Value, Error> {
        self.with(|inner| inner.sessions.iter().find(|session| session.id == id).map(Session::json))
            .ok_or_else(|| Error::not_found("Content sharing session"))
    }
}
