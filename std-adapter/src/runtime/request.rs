//! Requests that callflow does not model: the way out for what is new, in beta, or not of a call's own.

use http::Method;

use super::{Bot, Shared, What, scenario_of};
use crate::client::retry::Class;
use crate::client::{Answer, ClientError, GraphRequest, Support};
use crate::session::{Beta, Session};
use crate::store::{CallName, StoreError};
use crate::wire::WireError;
use crate::wire::direct::Direct;
use crate::wire::graph_error::GraphError;
use crate::wire::online_meeting::{OnlineMeeting, by_join_url, read_meetings};
use crate::wire::request::{self as wire, HttpRequest, Version};
use crate::wire::response::{Answered, read_answer};

/// Why a request was not answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// There is no such call any more.
    #[error("there is no call {0} any more")]
    NoCall(CallName),
    /// The call has no id yet: wait until it is created, or give a path of Graph with its leading slash.
    #[error("call {0} has no id yet; wait until it is created")]
    NoId(CallName),
    /// The path leads out of the call.
    #[error("{0} leads out of the call; give the path of Graph with its leading slash")]
    Path(String),
    /// The call cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no answer.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl Bot {
    /// Sends a request of the author's own, and gives its answer whatever the status.
    ///
    /// `path` is below the call (`participants/invite`; empty for the call itself), or with a leading slash below Graph's
    /// base (`/users/{id}`), query included. The request carries a token of the call's tenant and the call's `Scenario-Id`.
    /// `version` is that of the API. It is sent once, and once more with a new token after a 401, unless a class says by which rule it may be repeated;
    /// [`Class::OnceOnly`] repeats it only where it was certainly not carried out.
    ///
    /// It is for what callflow does not model. The call's state machine knows nothing of it: what it changes comes back as
    /// news of the service's own accord, or not at all. It does not wait for the call's other requests, nothing of it is
    /// kept, and a restart forgets it. For whatever has a command take [`order`](Self::order).
    ///
    /// ```no_run
    /// use callflow_graph::bot::Bot;
    /// use callflow_graph::client::retry::Class;
    /// use callflow_graph::store::CallName;
    /// use callflow_graph::wire::request::Version;
    /// use http::Method;
    ///
    /// # async fn ask(bot: &Bot, call: &CallName) -> Result<(), callflow_graph::bot::RequestError> {
    /// let answer = bot.request(call, Version::V1, Method::GET, "transcripts", None, Some(Class::Safe)).await?;
    /// println!("{} {}", answer.status, answer.support);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`RequestError`]
    pub async fn request(
        &self,
        name: &CallName,
        version: Version,
        method: Method,
        path: &str,
        body: Option<&serde_json::Value>,
        class: Option<Class>,
    ) -> Result<Answer, RequestError> {
        let session = self.session_of(name).await?;
        let path = path_of(name, session.id(), path)?;
        let scenario_id = session.scenario_id().and_then(|text| text.parse().ok());
        let request = GraphRequest {
            tenant_id: session.tenant_id(),
            version,
            body: body.map(|body| body.to_string().into()),
            scenario_id: Some(scenario_id.unwrap_or_else(|| scenario_of(name))),
            class,
            ..GraphRequest::new(method, &path)
        };
        Ok(self.shared.observed(name, &session, &request).await?)
    }
}

impl Shared {
    /// Sends a request of a call, for those who watch as well.
    async fn observed(
        &self,
        name: &CallName,
        session: &Session,
        request: &GraphRequest<'_>,
    ) -> Result<Answer, ClientError> {
        let state = session.call().state();
        let line = format!("{} {}", request.method, request.path.split('?').next().unwrap_or_default());
        self.observe(name, state, What::Request { line: line.clone(), caused_at: None });
        let result = self.client.send(request).await;
        let words = match &result {
            Ok(answer) => super::actor::words_of(answer, &line),
            Err(error) => error.to_string(),
        };
        self.observe(name, state, What::Answer { line, result: words });
        result
    }
}

/// What was asked and is not known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// It was not answered.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// It is in beta only.
    #[error("this is in the beta version of Graph only: set `Config::beta` to `Beta::On`")]
    Beta,
    /// Graph refused it.
    #[error("Graph refused it: {words} ({support})")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Graph's code, status and what to do, in words.
        words: String,
        /// What Microsoft's support asks for.
        support: Box<Support>,
    },
    /// The answer cannot be read.
    #[error("Graph's answer cannot be read: {0}")]
    Unreadable(#[from] WireError),
}

impl Bot {
    /// Asks or does what no rule of the call decides on: one participant, audio routing groups, content sharing; in beta
    /// the lobby, the recording and the transcription of Teams.
    ///
    /// What only asks may be sent more than once; the rest is sent once.
    ///
    /// # Errors
    /// [`AskError`]
    pub async fn ask(&self, name: &CallName, direct: &Direct) -> Result<Answered, AskError> {
        if (self.shared.config.beta, direct.version()) == (Beta::Off, Version::Beta) {
            return Err(AskError::Beta);
        }
        let session = self.session_of(name).await?;
        let id = session.id().ok_or_else(|| RequestError::NoId(name.clone()))?;
        let answer = self.exchange(name, &session, &direct.write(id)).await?;
        Ok(read_answer(&answer.body)?.0)
    }

    /// Looks up the meeting that `link` leads to and that `organizer_id`, a user's object id, organizes; `None` where there
    /// is none. It needs the permission `OnlineMeetings.Read.All`, and an application access policy for the organizer.
    ///
    /// [`JoinUrl`](crate::wire::join_url::JoinUrl) needs no request, where the link is of the long shape.
    ///
    /// # Errors
    /// [`AskError`]
    pub async fn find_meeting(
        &self,
        organizer_id: &str,
        tenant_id: &str,
        link: &str,
    ) -> Result<Option<OnlineMeeting>, AskError> {
        let http = by_join_url(organizer_id, link);
        let request = GraphRequest { tenant_id: Some(tenant_id), ..request_of(&http) };
        let answer = self.shared.client.send(&request).await.map_err(RequestError::from)?;
        let answer = taken(answer)?;
        Ok(read_meetings(&answer.body, tenant_id)?.into_iter().next())
    }

    /// Sends a request of a call, and watches it.
    async fn exchange(
        &self,
        name: &CallName,
        session: &Session,
        http: &HttpRequest,
    ) -> Result<Answer, AskError> {
        let shared = &self.shared;
        let scenario_id = session.scenario_id().and_then(|text| text.parse().ok());
        let request = GraphRequest {
            tenant_id: session.tenant_id(),
            scenario_id: Some(scenario_id.unwrap_or_else(|| scenario_of(name))),
            ..request_of(http)
        };
        taken(shared.observed(name, session, &request).await.map_err(RequestError::from)?)
    }

    async fn session_of(&self, name: &CallName) -> Result<Session, RequestError> {
        let record = self.shared.store.read(name).await?.filter(|record| record.version > 0);
        let session = record.and_then(|record| Session::from_bytes(&record.call, &record.texts).ok());
        session.ok_or_else(|| RequestError::NoCall(name.clone()))
    }
}

fn request_of(http: &HttpRequest) -> GraphRequest<'_> {
    let method = match http.method {
        wire::Method::Get => Method::GET,
        wire::Method::Post => Method::POST,
        wire::Method::Patch => Method::PATCH,
        wire::Method::Delete => Method::DELETE,
    };
    GraphRequest {
        version: http.version,
        body: http.body.clone().map(Into::into),
        class: (http.method == wire::Method::Get).then_some(Class::Safe),
        ..GraphRequest::new(method, &http.path)
    }
}

fn taken(answer: Answer) -> Result<Answer, AskError> {
    if matches!(answer.status, 200..=299) {
        return Ok(answer);
    }
    let status = answer.status;
    let words =
        GraphError::read(&answer.body).map_or_else(|| status.to_string(), |error| error.words(status));
    Err(AskError::Refused { status, words, support: Box::new(answer.support) })
}

/// The path below Graph's base.
fn path_of(name: &CallName, id: Option<&str>, path: &str) -> Result<String, RequestError> {
    if path.starts_with('/') {
        return Ok(path.to_owned());
    }
    let id = id.ok_or_else(|| RequestError::NoId(name.clone()))?;
    let steps = path.split(['?', '#']).next().unwrap_or_default();
    let is_dots = |step: &str| matches!(step.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    if steps.split(['/', '\\']).any(is_dots) {
        return Err(RequestError::Path(steps.to_owned()));
    }
    let call = format!("/communications/calls/{id}");
    Ok(match path {
        "" => call,
        query if query.starts_with('?') => format!("{call}{query}"),
        below => format!("{call}/{below}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_below_the_call_and_below_graph() {
        let name = CallName::try_new("c-1").unwrap();
        for (path, expected) in [
            ("participants/invite", Some("/communications/calls/57DA/participants/invite")),
            ("", Some("/communications/calls/57DA")),
            ("?$select=id", Some("/communications/calls/57DA?$select=id")),
            ("a..b/c?x=../y", Some("/communications/calls/57DA/a..b/c?x=../y")),
            ("/users/1", Some("/users/1")),
            ("../57DB", None),
            ("a/%2E%2e/b", None),
            ("a/./b", None),
            ("..\\57DB", None),
        ] {
            assert_eq!(path_of(&name, Some("57DA"), path).ok().as_deref(), expected, "{path}");
        }
        assert!(matches!(path_of(&name, None, "mute"), Err(RequestError::NoId(_))));
        assert_eq!(path_of(&name, None, "/users/1").unwrap(), "/users/1");
    }
}
