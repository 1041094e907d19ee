//! How Azure's speech service knows who asks.
//!
//! Source: Azure docs, Text to speech REST API (authentication); Microsoft Entra authentication with the Speech SDK.

use std::fmt;
use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::super::TtsError;
use crate::client::TokenSource;

/// By what a request is let in.
#[derive(Clone)]
pub enum Access {
    /// The key of the speech resource.
    Key(SecretString),
    /// Tokens of Microsoft Entra ID, of who has the role Cognitive Services Speech User. They are kept until shortly before
    /// their end.
    Tokens {
        /// The id of the speech resource: `/subscriptions/…/providers/Microsoft.CognitiveServices/accounts/…`.
        resource_id: String,
        /// The tenant that the source is asked for.
        tenant_id: String,
        /// Where they come from.
        source: Arc<dyn TokenSource>,
    },
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(_) => f.write_str("Key(<redacted>)"),
            Self::Tokens { resource_id, tenant_id, .. } => f
                .debug_struct("Tokens")
                .field("resource_id", resource_id)
                .field("tenant_id", tenant_id)
                .finish_non_exhaustive(),
        }
    }
}

impl From<SecretString> for Access {
    fn from(key: SecretString) -> Self {
        Self::Key(key)
    }
}

impl From<String> for Access {
    fn from(key: String) -> Self {
        Self::Key(key.into())
    }
}

impl From<&str> for Access {
    fn from(key: &str) -> Self {
        Self::Key(key.into())
    }
}

/// What a token has to be for.
const SCOPE: &str = "https://cognitiveservices.azure.com/.default";
const KEY: HeaderName = HeaderName::from_static("ocp-apim-subscription-key");

/// What lets a request in, once it is had.
pub(super) struct Entrance {
    access: Access,
    token: Mutex<Option<(HeaderValue, Instant)>>,
}

impl Entrance {
    pub(super) fn new(access: Access) -> Self {
        Self { access, token: Mutex::new(None) }
    }

    /// The header for a request to `host`.
    pub(super) async fn header(&self, host: &str) -> Result<(HeaderName, HeaderValue), TtsError> {
        let what_to_do =
            "the key is empty, or has characters that no key has; give the key of the speech resource";
        let refused = || TtsError::Refused { host: host.to_owned(), status: 401, what_to_do };
        let (resource_id, tenant_id, source) = match &self.access {
            Access::Key(key) => return Ok((KEY, secret(key.expose_secret()).ok_or_else(refused)?)),
            Access::Tokens { resource_id, tenant_id, source } => (resource_id, tenant_id, source),
        };
        let mut kept = self.token.lock().await;
        if let Some((token, until)) = &*kept
            && Instant::now() < *until
        {
            return Ok((AUTHORIZATION, token.clone()));
        }
        let token = source.token(tenant_id, SCOPE).await.map_err(TtsError::NoToken)?;
        let value = format!("Bearer aad#{resource_id}#{}", token.secret.expose_secret());
        let value = secret(&value).ok_or_else(refused)?;
        let until = Instant::now().checked_add(token.lifetime / 10 * 9).unwrap_or_else(Instant::now);
        *kept = Some((value.clone(), until));
        Ok((AUTHORIZATION, value))
    }

    /// It was refused: the next request has another.
    pub(super) async fn forget(&self) {
        *self.token.lock().await = None;
    }
}

fn secret(value: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(value).ok().filter(|value| !value.is_empty())?;
    value.set_sensitive(true);
    Some(value)
}
