//! Requests that callflow does not model: the way out for what is new, in beta, or not of a call's own.

use http::Method;

use super::{Bot, What, scenario_of};
use crate::client::retry::Class;
use crate::client::{Answer, ClientError, GraphRequest};
use crate::session::Session;
use crate::store::{CallName, StoreError};

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
    /// It is sent once, and once more with a new token after a 401, unless a class says by which rule it may be repeated;
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
    /// use http::Method;
    ///
    /// # async fn ask(bot: &Bot, call: &CallName) -> Result<(), callflow_graph::bot::RequestError> {
    /// let answer = bot.request(call, Method::GET, "contentSharingSessions", None, Some(Class::Safe)).await?;
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
        method: Method,
        path: &str,
        body: Option<&serde_json::Value>,
        class: Option<Class>,
    ) -> Result<Answer, RequestError> {
        let shared = &self.shared;
        let record = shared.store.read(name).await?.filter(|record| record.version > 0);
        let session = record.and_then(|record| Session::from_bytes(&record.call, &record.texts).ok());
        let session = session.ok_or_else(|| RequestError::NoCall(name.clone()))?;
        let path = path_of(name, session.id(), path)?;
        let scenario_id = session.scenario_id().and_then(|text| text.parse().ok());
        let request = GraphRequest {
            tenant_id: session.tenant_id(),
            body: body.map(|body| body.to_string().into()),
            scenario_id: Some(scenario_id.unwrap_or_else(|| scenario_of(name))),
            class,
            ..GraphRequest::new(method, &path)
        };
        let state = session.call().state();
        let line = format!("{} {}", request.method, path.split('?').next().unwrap_or_default());
        shared.observe(name, state, What::Request { line: line.clone(), caused_at: None });
        let result = shared.client.send(&request).await;
        let words = match &result {
            Ok(answer) => super::actor::words_of(answer, &line),
            Err(error) => error.to_string(),
        };
        shared.observe(name, state, What::Answer { line, result: words });
        Ok(result?)
    }
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
