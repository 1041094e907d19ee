//! The spans of calls, and what of a call its span has.

use callflow_core::action::Action;
use callflow_core::id::Ticket;
use tracing::Span;
use tracing::field::Empty;

use crate::session::Session;
use crate::store::CallName;
use crate::wire::notification::{Notice, Subject};

/// The span of a call's task.
pub(super) fn of_call(name: &CallName) -> Span {
    tracing::info_span!(
        "call",
        %name,
        call_id = Empty,
        tenant_id = Empty,
        scenario_id = Empty,
        call_chain_id = Empty,
    )
}

/// The span of a request of a call.
pub(super) fn of_request(action: Option<Action>, ticket: Ticket) -> Span {
    tracing::info_span!("request", operation = action.map(Action::name), ticket = ticket.number())
}

/// What the span of a call was told: each once, since what is told twice stands there twice.
pub(super) struct CallSpan {
    span: Span,
    told: Vec<&'static str>,
}

impl CallSpan {
    /// The span of the call's task, which this is.
    pub(super) fn current() -> Self {
        Self { span: Span::current(), told: Vec::new() }
    }

    pub(super) fn none() -> Self {
        Self { span: Span::none(), told: Vec::new() }
    }

    /// Takes in what is known of the call.
    pub(super) fn tell(&mut self, session: &Session, notice: Option<&Notice>) {
        let chain = match notice.map(|notice| &notice.subject) {
            Some(Subject::Call(told)) => told.extra.get("callChainId").and_then(serde_json::Value::as_str),
            Some(_) | None => None,
        };
        for (name, value) in [
            ("call_id", session.id()),
            ("tenant_id", session.tenant_id()),
            ("scenario_id", session.scenario_id()),
            // Graph's to choose; whatever is no GUID is not repeated in logs.
            ("call_chain_id", chain.filter(|chain| uuid::Uuid::try_parse(chain).is_ok())),
        ] {
            if let Some(value) = value.filter(|_| !self.told.contains(&name)) {
                self.span.record(name, value);
                self.told.push(name);
            }
        }
    }
}
