//! Calls of which only Graph's id is known: what was kept cannot be read, or the service tells of a call and nothing was kept.

use std::sync::Arc;
use std::time::Duration;

use callflow_core::report::{Change, Told};
use serde::Deserialize;

use super::delivery::Delivery;
use super::{Shared, new_key, scenario_of};
use crate::client::GraphRequest;
use crate::client::retry::Class;
use crate::session::{Session, Step};
use crate::store::{CallName, Record};
use crate::wire::notification::Subject;

/// How long after the service could not say how a call stands it is asked again.
pub(super) const ASK_AGAIN: Duration = Duration::from_secs(30);

/// What becomes of a call that the service tells of while nothing is kept of it: one that an instance with another store
/// placed or took, or whose record is lost. It is looked at once [`Config::keep_unknown`](super::Config::keep_unknown) has
/// passed, in which a call that has just begun becomes known, and only where no notification said that it is over.
///
/// Not documented is whether the service takes a GET or DELETE from another instance than the one that hosts the call's
/// media, and what it answers then; where it answers neither that the call is there nor that it is not, nothing is done. Where
/// it does not answer at all, or that it cannot now, it is asked again every 30 s, as long as no notification says that the
/// call is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UnknownCalls {
    /// Its notifications are dropped, with a warning.
    #[default]
    Ignore,
    /// It is hung up by DELETE, and its notifications are dropped.
    HangUp,
    /// The service is asked by GET how it stands, and the call goes on from there:
    /// [`CallHandler::on_recovered`](crate::bot::CallHandler::on_recovered).
    Adopt,
}

/// The service did not answer, or not for good: it is to be asked again after [`ASK_AGAIN`].
pub(super) struct Unanswered;

/// What is left of a call.
pub(super) struct Remains {
    id: String,
    tenant_id: Option<String>,
    /// How many events its handler was given.
    events: u64,
}

impl Remains {
    /// Of a record that cannot be read; `None` where Graph's id is lost too, or never was.
    pub(super) fn of_record(record: &Record) -> Option<Self> {
        #[derive(Default, Deserialize)]
        struct OfTexts {
            #[serde(default)]
            call: Option<String>,
            #[serde(default)]
            tenant_id: Option<String>,
            #[serde(default)]
            events: u64,
        }
        let texts: OfTexts = serde_json::from_slice(&record.texts).unwrap_or_default();
        Some(Self {
            id: record.about.call_id.clone().or(texts.call)?,
            tenant_id: record.about.tenant_id.clone().or(texts.tenant_id),
            events: texts.events,
        })
    }

    /// Of an unknown call's inbox; `None` where nothing in it says that the call is up.
    pub(super) fn of_inbox(record: &Record) -> Option<Self> {
        let mut found = None;
        for Delivery { accepted, notices } in record.inbox.iter().filter_map(Delivery::read) {
            for notice in notices {
                let Some(id) = notice.call else { continue };
                let is_over = match &notice.subject {
                    Subject::Call(told) => {
                        notice.change == Change::Deleted
                            || matches!(told.news.state, Told::State(state) if state.is_ended())
                    }
                    _ => false,
                };
                if is_over {
                    return None;
                }
                found = Some(Self { id, tenant_id: Some(accepted.tenant_id.clone()), events: 0 });
            }
        }
        found
    }

    /// Asks the service for the call once; `None` where it did not say how the call stands.
    async fn ask(&self, shared: &Shared, name: &CallName) -> Option<crate::client::Answer> {
        let answer = self.send(shared, name, http::Method::GET, Class::Safe).await?;
        if matches!(answer.status, 200 | 404) {
            return Some(answer);
        }
        tracing::warn!(status = answer.status, support = %answer.support, "the service does not say how a call stands that is known by its id alone");
        None
    }

    async fn send(
        &self,
        shared: &Shared,
        name: &CallName,
        method: http::Method,
        class: Class,
    ) -> Option<crate::client::Answer> {
        // A few at a time: a whole store may be unreadable.
        let _turn = shared.reconciling.acquire().await.ok()?;
        let path = format!("/communications/calls/{}", self.id);
        let request = GraphRequest {
            tenant_id: self.tenant_id.as_deref(),
            scenario_id: Some(scenario_of(name)),
            class: Some(class),
            ..GraphRequest::new(method, &path)
        };
        match shared.client.send(&request).await {
            Ok(answer) => Some(answer),
            Err(error) => {
                tracing::warn!(%error, "no answer about a call that is known by its id alone");
                None
            }
        }
    }

    fn begin(&self, shared: &Shared, name: &CallName, status: u16, body: &[u8]) -> Option<(Session, Step)> {
        #[derive(Default, Deserialize)]
        struct Direction {
            #[serde(default)]
            direction: Option<String>,
        }
        let told: Direction = serde_json::from_slice(body).unwrap_or_default();
        let is_incoming = match told.direction.as_deref() {
            Some("incoming") => true,
            Some("outgoing") => false,
            Some(_) | None => name.is_of_incoming(),
        };
        let home = &shared.config.credentials.tenant_id;
        let settings = shared.settings(name, self.tenant_id.as_ref().unwrap_or(home));
        let answer = (status, body);
        let begun = Session::recovered(shared.now(), new_key(), &self.id, is_incoming, answer, &settings);
        let (mut session, step) = begun?;
        session.count_events(self.events);
        Some((session, step))
    }

    /// The call as the service says that it stands; asks until it says it.
    pub(super) async fn recover(&self, shared: &Arc<Shared>, name: &CallName) -> Option<(Session, Step)> {
        loop {
            if let Some(answer) = self.ask(shared, name).await {
                return self.begin(shared, name, answer.status, &answer.body);
            }
            tokio::time::sleep(ASK_AGAIN).await;
        }
    }

    /// The call, where the service says that it is up.
    pub(super) async fn adopt(
        &self,
        shared: &Arc<Shared>,
        name: &CallName,
    ) -> Result<Option<(Session, Step)>, Unanswered> {
        let answer = self.decided(shared, name, http::Method::GET, Class::Safe).await?;
        if answer.status != 200 {
            tracing::warn!(status = answer.status, support = %answer.support, "a call of which nothing is kept is not taken up");
            return Ok(None);
        }
        let begun = self.begin(shared, name, answer.status, &answer.body);
        Ok(begun.filter(|(session, _)| !session.call().state().is_ended()))
    }

    /// Hangs the call up.
    pub(super) async fn hang_up(&self, shared: &Arc<Shared>, name: &CallName) -> Result<(), Unanswered> {
        let answer = self.decided(shared, name, http::Method::DELETE, Class::HangUp).await?;
        tracing::warn!(status = answer.status, "a call of which nothing is kept was hung up");
        Ok(())
    }

    /// What the service answered for good.
    async fn decided(
        &self,
        shared: &Shared,
        name: &CallName,
        method: http::Method,
        class: Class,
    ) -> Result<crate::client::Answer, Unanswered> {
        let answer = self.send(shared, name, method, class).await.ok_or(Unanswered)?;
        if matches!(answer.status, 408 | 429 | 500..=599) {
            tracing::warn!(status = answer.status, support = %answer.support, "the service cannot say now how a call stands of which nothing is kept");
            return Err(Unanswered);
        }
        Ok(answer)
    }
}
