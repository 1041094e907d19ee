//! Tokens for Graph: one fetch for however many ask, one token kept for each tenant.
//!
//! Source: Microsoft identity platform, client credentials flow.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use http::header::CONTENT_TYPE;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::{ClientError, Credentials, Endpoints, Limits, within};
use crate::clock::Clock;
use crate::transport::Transport;

#[derive(Clone)]
struct Token {
    secret: SecretString,
    renew_at: u64,
}

type Slot = Arc<Mutex<Option<Token>>>;

#[derive(Deserialize)]
struct TokenJson {
    access_token: Option<SecretString>,
    expires_in: Option<serde_json::Value>,
    error: Option<String>,
    error_description: Option<String>,
}

/// The tokens of a client.
pub(super) struct Tokens {
    pub(super) credentials: Credentials,
    endpoints: Endpoints,
    limits: Limits,
    transport: Arc<dyn Transport>,
    clock: Clock,
    of_tenants: Mutex<HashMap<String, Slot>>,
}

impl Tokens {
    pub(super) fn new(
        credentials: Credentials,
        endpoints: Endpoints,
        limits: Limits,
        transport: Arc<dyn Transport>,
        clock: Clock,
    ) -> Self {
        Self { credentials, endpoints, limits, transport, clock, of_tenants: Mutex::default() }
    }

    /// The tenant whose token is used where a call names none.
    pub(super) fn home_tenant(&self) -> &str {
        &self.credentials.tenant_id
    }

    /// A token of `tenant_id` that is still good, and is not `refused`.
    pub(super) async fn get(
        &self,
        tenant_id: &str,
        refused: Option<&SecretString>,
    ) -> Result<SecretString, ClientError> {
        let slot = Arc::clone(self.of_tenants.lock().await.entry(tenant_id.to_owned()).or_default());
        // Whoever comes while one is fetched waits here, and finds it.
        let mut slot = slot.lock().await;
        if let Some(token) = slot.as_ref() {
            let is_refused =
                refused.is_some_and(|refused| refused.expose_secret() == token.secret.expose_secret());
            if !is_refused && self.clock.now_millis() < token.renew_at {
                return Ok(token.secret.clone());
            }
        }
        let token = self.fetch(tenant_id).await?;
        let secret = token.secret.clone();
        *slot = Some(token);
        Ok(secret)
    }

    async fn fetch(&self, tenant_id: &str) -> Result<Token, ClientError> {
        let Credentials { app_id, client_secret, .. } = &self.credentials;
        let no_token = |reason: String| ClientError::NoToken {
            app_id: app_id.clone(),
            tenant_id: tenant_id.to_owned(),
            reason,
        };
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", app_id)
            .append_pair("scope", &self.endpoints.scope)
            .append_pair("client_secret", client_secret.expose_secret())
            .append_pair("grant_type", "client_credentials")
            .finish();
        let request = Request::post(format!("{}/{tenant_id}/oauth2/v2.0/token", self.endpoints.authority))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Bytes::from(form))
            .map_err(|e| no_token(e.to_string()))?;
        let response = within(&*self.transport, self.limits.exchange, request)
            .await
            .map_err(|e| no_token(e.to_string()))?;
        let status = response.status().as_u16();
        let json: TokenJson = serde_json::from_slice(response.body())
            .map_err(|_| no_token(format!("status {status} without JSON; check the authority's address")))?;
        let Some(secret) = json.access_token else { return Err(no_token(refusal(status, &json))) };
        let lifetime = match &json.expires_in {
            Some(serde_json::Value::String(secs)) => secs.parse().unwrap_or(3600),
            Some(secs) => secs.as_u64().unwrap_or(3600),
            None => 3600,
        };
        let margin = self.limits.renew_before.as_secs().min(lifetime / 10);
        let renew_in = lifetime.saturating_sub(margin).saturating_mul(1000);
        tracing::debug!(tenant_id, lifetime, "fetched a token");
        Ok(Token { secret, renew_at: self.clock.now_millis().saturating_add(renew_in) })
    }
}

/// What the identity platform says, and what to do.
///
/// Source: Microsoft identity platform, authentication and authorization error codes.
fn refusal(status: u16, json: &TokenJson) -> String {
    let description = json.error_description.as_deref().unwrap_or_default();
    let first_line: String = description.lines().next().unwrap_or_default().chars().take(300).collect();
    let what_to_do = match json.error.as_deref() {
        Some("invalid_client") => "check the client secret: it is wrong, or expired",
        Some("unauthorized_client") => "check the app id and the tenant: the app is not known there",
        Some("invalid_request" | "invalid_scope") => "check the tenant and the scope",
        _ => "check the app's registration",
    };
    let error = json.error.as_deref().unwrap_or("no error named");
    format!("{what_to_do} ({status} {error}: {first_line})")
}
