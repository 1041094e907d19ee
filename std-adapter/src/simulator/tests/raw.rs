use http::HeaderMap;

use super::*;

/// An answer as it came: status, headers, body.
pub(super) struct Raw {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

impl Raw {
    pub(super) fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    pub(super) fn why(&self) -> &str {
        self.body["simulator"]["why"].as_str().unwrap_or_default()
    }

    pub(super) fn page(&self) -> &str {
        self.body["simulator"]["page"].as_str().unwrap_or_default()
    }
}

impl Scene {
    pub(super) fn token(&self) -> String {
        let app = self.simulator.world.app(APP).unwrap();
        self.simulator.world.keys.for_graph(&app, self.clock.now_seconds()).unwrap()
    }

    /// Sends a request as it is, with a good token.
    pub(super) async fn raw(&self, method: Method, path: &str, body: impl Into<Bytes>) -> Raw {
        let request = Request::builder().method(method).uri(format!("https://graph.test{path}"));
        self.raw_with(request.header("authorization", format!("Bearer {}", self.token())), body).await
    }

    pub(super) async fn raw_with(&self, request: http::request::Builder, body: impl Into<Bytes>) -> Raw {
        let answer = self.net.send(request.body(body.into()).unwrap()).await.unwrap();
        Raw {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body: serde_json::from_slice(answer.body()).unwrap_or_default(),
        }
    }
}
