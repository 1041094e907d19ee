//! Operations: what a request began, and how it ended.
//!
//! Source: Graph docs, commsOperation: one that is answered as completed or failed is final, and nothing is told of it.

use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::call::Call;

/// The text and codes of an operation that was cancelled. Source: Graph docs, call: cancelMediaProcessing.
const CANCELLED: (u32, u32, &str) = (400, 8508, "Action failed, the operation was cancelled.");

/// How an operation ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) status: &'static str,
    pub(super) result: (u32, u32, String),
    /// Members of its own type.
    pub(super) details: Map<String, Value>,
}

impl Ended {
    pub(super) fn completed(code: u32, subcode: u32, message: &str) -> Self {
        Self { status: "completed", result: (code, subcode, message.to_owned()), details: Map::new() }
    }

    pub(super) fn well() -> Self {
        Self::completed(200, 0, "Action completed successfully.")
    }

    pub(super) fn failed(code: u32, subcode: u32, message: &str) -> Self {
        Self { status: "failed", ..Self::completed(code, subcode, message) }
    }

    pub(super) fn cancelled() -> Self {
        let (code, subcode, message) = CANCELLED;
        Self::failed(code, subcode, message)
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }
}

#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) id: String,
    pub(super) kind: &'static str,
    client_context: Option<String>,
    status: &'static str,
    result: Option<Value>,
    details: Map<String, Value>,
    /// Cancelled when the bot asks for its end.
    pub(super) cancelled: CancellationToken,
}

impl Operation {
    /// One that goes on.
    pub(super) fn running(kind: &'static str, client_context: Option<String>) -> Self {
        Self {
            id: uuid::Uuid::new_v4().to_string(),
            kind,
            client_context,
            status: "running",
            result: None,
            details: Map::new(),
            cancelled: CancellationToken::new(),
        }
    }

    /// One that is done when it is answered.
    pub(super) fn done(kind: &'static str, client_context: Option<String>) -> Self {
        Self { status: "completed", ..Self::running(kind, client_context) }
    }

    pub(super) fn with(mut self, name: &str, value: Value) -> Self {
        self.details.insert(name.to_owned(), value);
        self
    }

    /// With the status in another spelling: the documented answers to an invitation write `Running`.
    pub(super) fn spelled(mut self, status: &'static str) -> Self {
        self.status = status;
        self
    }

    pub(super) fn is_running(&self) -> bool {
        self.status.eq_ignore_ascii_case("running")
    }

    pub(super) fn json(&self) -> Value {
        let mut json = self.details.clone();
        json.insert("@odata.type".to_owned(), format!("#microsoft.graph.{}", self.kind).into());
        json.insert("id".to_owned(), self.id.clone().into());
        json.insert("status".to_owned(), self.status.into());
        json.insert("clientContext".to_owned(), json!(self.client_context));
        json.insert("resultInfo".to_owned(), json!(self.result));
        json.into()
    }

    fn end(&mut self, ended: Ended) {
        let (code, subcode, message) = ended.result;
        self.status = ended.status;
        self.result = Some(json!({
            "@odata.type": "#microsoft.graph.resultInfo",
            "code": code,
            "subcode": subcode,
            "message": message,
        }));
        self.details.extend(ended.details);
    }
}

impl Call {
    /// Keeps an operation; its JSON as the request is answered with.
    pub(super) fn keep(&self, operation: Operation) -> Value {
        let json = operation.json();
        self.with(|inner| inner.operations.push(operation));
        json
    }

    /// Ends an operation and tells of it, once.
    pub(super) fn end_operation(&self, id: &str, ended: Ended) {
        let status = ended.status;
        let json = self.with(|inner| {
            let operation = inner.operations.iter_mut().find(|kept| kept.id == id && kept.is_running())?;
            operation.end(ended);
            Some(operation.json())
        });
        if let Some(json) = json {
            self.tell("deleted", &format!("deleted operation {status}"), format!("/operations/{id}"), json);
        }
    }

    pub(super) fn operation(&self, id: &str) -> Option<Value> {
        let id = super::plain(id);
        self.with(|inner| {
            inner.operations.iter().find(|kept| super::plain(&kept.id) == id).map(Operation::json)
        })
    }
}
