//! Asks an issuer of tokens, the identity platform's or a machine's own, and reads its answer.
//!
//! Source: Microsoft identity platform, client credentials flow; managed identities, how to use a token.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::header::CONTENT_TYPE;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::refusal::{self, Answered, refused};
use super::token_source::{AccessToken, TokenError};
use super::{Endpoints, Limits, within};
use crate::clock::Clock;
use crate::transport::Transport;

/// How long a token is taken to live whose answer does not say.
const USUAL_LIFETIME: u64 = 3600;

/// What every source of tokens needs.
pub(super) struct Platform {
    pub(super) endpoints: Endpoints,
    pub(super) limits: Limits,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) clock: Clock,
}

#[derive(Deserialize)]
struct TokenJson {
    access_token: Option<SecretString>,
    expires_in: Option<Number>,
    expires_on: Option<Number>,
    error: Option<String>,
    error_description: Option<String>,
    #[serde(default)]
    error_codes: Vec<u32>,
    /// What a managed identity's service says in place of a description.
    message: Option<String>,
}

/// Machines' own services write numbers as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Whole(u64),
    Text(String),
    Other(serde::de::IgnoredAny),
}

impl Number {
    fn get(&self) -> Option<u64> {
        match self {
            Self::Whole(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
            Self::Other(_) => None,
        }
    }
}

impl Platform {
    /// Fetches a token of `tenant_id` by the client credentials flow, with `proof` as the members that prove the app.
    pub(super) async fn by_client_credentials(
        &self,
        tenant_id: &str,
        app_id: &str,
        proof: &[(&str, &str)],
    ) -> Result<AccessToken, TokenError> {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", app_id)
            .append_pair("scope", &self.endpoints.scope)
            .extend_pairs(proof)
            .append_pair("grant_type", "client_credentials")
            .finish();
        let request = Request::post(self.endpoints.token_endpoint(tenant_id))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Bytes::from(form))
            .map_err(|error| TokenError::Unavailable(error.to_string()))?;
        let secrets: Vec<&str> = proof.iter().map(|(_, value)| *value).collect();
        self.ask(request, &secrets).await
    }

    /// Sends `request`, and reads the token that it is answered. None of `secrets` gets into an error.
    pub(super) async fn ask(
        &self,
        request: Request<Bytes>,
        secrets: &[&str],
    ) -> Result<AccessToken, TokenError> {
        let response = within(&*self.transport, self.limits.exchange, request)
            .await
            .map_err(|error| TokenError::Unavailable(error.to_string()))?;
        let status = response.status().as_u16();
        let unavailable = |reason: String| Err(TokenError::Unavailable(reason));
        let Ok(json) = serde_json::from_slice::<TokenJson>(response.body()) else {
            return unavailable(format!("status {status} without JSON; where that lasts, check the address"));
        };
        if let Some(secret) = json.access_token.filter(|secret| !secret.expose_secret().is_empty()) {
            let left = json.expires_on.as_ref().and_then(Number::get);
            let left = left.map(|end| end.saturating_sub(self.clock.now_seconds()));
            let lifetime = json.expires_in.as_ref().and_then(Number::get).or(left).unwrap_or(USUAL_LIFETIME);
            return Ok(AccessToken::new(secret, Duration::from_secs(lifetime)));
        }
        let is_away = matches!(json.error.as_deref(), Some("temporarily_unavailable" | "server_error"));
        if is_away || is_for_now(status) || refusal::is_for_now(&json.error_codes) {
            return unavailable(format!("status {status}; the platform is busy or away"));
        }
        if status < 400 {
            return unavailable(format!(
                "status {status} without a token; where that lasts, check the address"
            ));
        }
        let description = json.error_description.or(json.message).unwrap_or_default();
        let (error, codes) = (json.error.as_deref(), json.error_codes.as_slice());
        Err(refused(&Answered { status, error, codes, description: &description }, secrets))
    }
}

/// Whether a status says only that there is nothing to be had at the moment.
///
/// Source: managed identities, how to use a token (404 and 410: the service is being updated); RFC 6585 (429).
fn is_for_now(status: u16) -> bool {
    matches!(status, 404 | 408 | 410 | 429 | 500..)
}
