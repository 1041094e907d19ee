//! What the service delivered in one request: a batch of notices, and how it came.
//!
//! It is read once, at the door. The task of a call gets it from there, and reads it from the inbox where it did not: after a
//! restart, or where more waits than is kept in memory twice.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::store::InboxEntry;
use crate::wire::notification::{Notice, read_batch};

/// How many deliveries to one call are handed over beside the inbox. What comes above that waits in the inbox alone.
pub(super) const HANDED_OVER: usize = 8;
/// The longest body that is handed over, in bytes.
pub(super) const MAX_HANDED_OVER: usize = 64 * 1024;

/// How many bytes an entry has beside its body, about.
const HEAD: usize = 256;

/// An accepted notification, as the inbox keeps it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Accepted {
    pub(crate) at: u64,
    pub(crate) tenant_id: String,
    /// It stands below the rest as it came: to write it as a text of JSON takes as long as to read it.
    #[serde(default, skip_serializing)]
    pub(crate) body: String,
    /// The id that the service gave the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) message_id: Option<String>,
    /// `Scenario-Id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) scenario_id: Option<String>,
}

impl Accepted {
    /// `Scenario-Id`, where it is the GUID that it should be: whatever was posted goes back to the service in it.
    pub(super) fn scenario_id(&self) -> Option<uuid::Uuid> {
        self.scenario_id.as_ref()?.trim().parse().ok()
    }
}

/// A batch, and how it came.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) accepted: Accepted,
    /// What its body says.
    pub(crate) notices: Vec<Notice>,
}

impl Delivery {
    /// Of an inbox; `None` where it is none.
    pub(super) fn read(entry: &InboxEntry) -> Option<Self> {
        let (head, body) = entry.parts();
        let mut accepted: Accepted = serde_json::from_slice(head).ok()?;
        if let Some(body) = body {
            std::str::from_utf8(body).ok()?.clone_into(&mut accepted.body);
        }
        let notices = read_batch(accepted.body.as_bytes()).ok()?.notices;
        Some(Self { accepted, notices })
    }

    /// As the inbox keeps it.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.accepted.body.len().saturating_add(HEAD));
        // A vector takes whatever is written, and texts and numbers can be written.
        let _ = serde_json::to_writer(&mut bytes, &self.accepted);
        bytes.push(b'\n');
        bytes.extend_from_slice(self.accepted.body.as_bytes());
        bytes
    }
}

/// A delivery that is in the inbox, on its way to the call.
pub(super) struct HandedOver {
    /// Its number there.
    pub(super) seq: u64,
    pub(super) delivery: Arc<Delivery>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_into_an_inbox_is_read_again() {
        let body =
            "{\"value\":[\n{\"changeType\":\"updated\",\"resourceUrl\":\"/communications/calls/57DA\"}\n]}\n";
        let notices = read_batch(body.as_bytes()).unwrap().notices;
        let accepted = Accepted {
            at: 7,
            tenant_id: "t".to_owned(),
            body: body.to_owned(),
            message_id: Some("m".to_owned()),
            scenario_id: None,
        };
        let delivery = Delivery { accepted, notices };
        let read = Delivery::read(&InboxEntry { seq: 1, bytes: delivery.to_bytes() }).unwrap();
        assert_eq!((read.notices, read.accepted.at), (delivery.notices, 7));
        assert_eq!((read.accepted.tenant_id.as_str(), read.accepted.message_id.as_deref()), ("t", Some("m")));
    }

    #[test]
    fn an_inbox_entry_of_before_is_read() {
        // The body was a text of the JSON, and scenarios were not kept.
        let body =
            r#"{\"value\":[{\"changeType\":\"updated\",\"resourceUrl\":\"/communications/calls/57DA\"}]}"#;
        let old = format!(r#"{{"at":7,"tenant_id":"t","body":"{body}"}}"#);
        let read = Delivery::read(&InboxEntry { seq: 1, bytes: old.into_bytes() }).unwrap();
        assert_eq!((read.accepted.at, read.accepted.scenario_id, read.notices.len()), (7, None, 1));
    }
}
