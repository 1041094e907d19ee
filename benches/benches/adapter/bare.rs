//! What a webhook costs without callflow: axum, jsonwebtoken and serde_json, the same checks, and no call logic.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use http::{HeaderMap, StatusCode};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;

use crate::graph::{APP, Graph, ISSUER, TENANT};

struct Bare {
    keys: HashMap<String, DecodingKey>,
    validation: Validation,
}

pub(crate) fn router(graph: &Graph) -> Router {
    let keys = graph.published()["keys"].as_array().unwrap().iter();
    let keys = keys.map(|key| {
        let key = serde_json::from_value(key.clone()).unwrap();
        (crate::graph::KEY.to_owned(), DecodingKey::from_jwk(&key).unwrap())
    });
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&[APP]);
    validation.set_issuer(&[ISSUER, "https://graph.microsoft.com"]);
    validation.validate_nbf = true;
    let bare = Arc::new(Bare { keys: keys.collect(), validation });
    Router::new().route("/calls", post(accept)).with_state(bare)
}

async fn accept(State(bare): State<Arc<Bare>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let token = headers.get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let Some(token) = token else { return StatusCode::UNAUTHORIZED };
    let Ok(header) = jsonwebtoken::decode_header(token) else { return StatusCode::UNAUTHORIZED };
    let key = header.kid.filter(|_| header.alg == Algorithm::RS256).and_then(|id| bare.keys.get(&id));
    let Some(key) = key else { return StatusCode::UNAUTHORIZED };
    let Ok(read) = jsonwebtoken::decode::<Value>(token, key, &bare.validation) else {
        return StatusCode::UNAUTHORIZED;
    };
    if read.claims["tid"] != TENANT {
        return StatusCode::FORBIDDEN;
    }
    let Ok(batch) = serde_json::from_slice::<Value>(&body) else { return StatusCode::BAD_REQUEST };
    let all = batch["value"].as_array().into_iter().flatten();
    let is_notification =
        |one: &Value| one["changeType"].is_string() && one["resourceUrl"].as_str().is_some();
    if all.clone().count() == 0 || !all.into_iter().all(is_notification) {
        return StatusCode::BAD_REQUEST;
    }
    StatusCode::ACCEPTED
}
