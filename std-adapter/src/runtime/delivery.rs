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

/// An accepted notification, as the inbox keeps it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Accepted {
    pub(crate) at: u64,
    pub(crate) tenant_id: String,
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
        let accepted: Accepted = serde_json::from_slice(&entry.bytes).ok()?;
        let notices = read_batch(accepted.body.as_bytes()).ok()?.notices;
        Some(Self { accepted, notices })
    }

    /// As the inbox keeps it.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(&self.accepted).unwrap_or_default()
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
        let body = r#"{"value":[{"changeType":"updated","resourceUrl":"/communications/calls/57DA"}]}"#;
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
    fn an_inbox_entry_from_before_scenarios_were_kept_is_read() {
        let old = r#"{"at":7,"tenant_id":"t","body":"{}"}"#;
        let accepted: Accepted = serde_json::from_str(old).unwrap();
        assert_eq!((accepted.at, accepted.scenario_id), (7, None));
    }
}
