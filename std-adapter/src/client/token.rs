//! The tokens of a client: one fetch for however many ask, one token kept for each tenant.
//!
//! A token is renewed before its end; where that fails the old one serves to its end. What the identity platform refuses
//! definitely is not asked for again for a moment, since asking would change nothing and be counted.
//!
//! Source: Microsoft identity platform, client credentials flow.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use callflow_core::permission::{Grants, Permission, Permissions};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::platform::Platform;
use super::token_source::{AccessToken, TokenError};
use super::{ClientError, Credentials, Endpoints, Limits};
use crate::clock::Clock;
use crate::transport::Transport;

/// How many tenants' tokens are kept: beyond that the one that was used longest ago goes.
const MAX_TENANTS: usize = 1024;
/// How long after a definite refusal the same tenant is not asked for again.
///
/// Source: assumed; if it is wrong, a mistake that is mended counts that much later.
const PAUSE: Duration = Duration::from_secs(10);

struct Token {
    secret: SecretString,
    renew_at: u64,
    ends_at: u64,
}

/// Why there is no newer token, and until when that is told without asking.
struct Failure {
    error: TokenError,
    until: u64,
}

#[derive(Default)]
struct Kept {
    token: Option<Token>,
    failure: Option<Failure>,
}

/// What is kept of one tenant.
#[derive(Default)]
struct Slot {
    kept: tokio::sync::Mutex<Kept>,
    /// How many fetches came to an end.
    fetched: AtomicU64,
    /// When it was last asked for, in the order of all.
    used: AtomicU64,
    /// What the newest token says of the app's permissions.
    granted: Mutex<Grants>,
}

/// The tokens of a client.
pub(super) struct Tokens {
    pub(super) credentials: Credentials,
    platform: Platform,
    of_tenants: Mutex<HashMap<String, Arc<Slot>>>,
    asks: AtomicU64,
}

impl Tokens {
    pub(super) fn new(
        credentials: Credentials,
        endpoints: Endpoints,
        limits: Limits,
        transport: Arc<dyn Transport>,
        clock: Clock,
    ) -> Self {
        let platform = Platform { endpoints, limits, transport, clock };
        Self { credentials, platform, of_tenants: Mutex::default(), asks: AtomicU64::new(0) }
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
        self.kept_or_fetched(tenant_id, refused).await.map_err(|reason| ClientError::NoToken {
            app_id: self.credentials.app_id.clone(),
            tenant_id: tenant_id.to_owned(),
            reason,
        })
    }

    /// What the newest token of `tenant_id` says of the app's permissions.
    pub(super) fn granted(&self, tenant_id: &str) -> Grants {
        let slots = self.of_tenants.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = slots.get(&tenant_id.to_ascii_lowercase());
        slot.map_or(Grants::Unknown, |slot| *slot.granted.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn kept_or_fetched(
        &self,
        tenant_id: &str,
        refused: Option<&SecretString>,
    ) -> Result<SecretString, TokenError> {
        if !is_tenant(tenant_id) {
            return Err(TokenError::Tenant);
        }
        let slot = self.slot(tenant_id);
        let before = slot.fetched.load(Ordering::SeqCst);
        // Whoever comes while one is fetched waits here, and finds it, or why there is none.
        let mut kept = slot.kept.lock().await;
        let is_refused = |token: &Token| {
            refused.is_some_and(|refused| refused.expose_secret() == token.secret.expose_secret())
        };
        if kept.token.as_ref().is_some_and(is_refused) {
            kept.token = None;
        }
        let good = kept.token.as_ref();
        let now = self.platform.clock.now_millis();
        if let Some(token) = good.filter(|token| now < token.renew_at) {
            return Ok(token.secret.clone());
        }
        let has_waited = slot.fetched.load(Ordering::SeqCst) != before;
        if let Some(failure) = kept.failure.as_ref().filter(|failure| has_waited || now < failure.until) {
            return still_good(good, now).ok_or_else(|| failure.error.clone());
        }
        let fetched = self.credentials.token(&self.platform, tenant_id).await;
        slot.fetched.fetch_add(1, Ordering::SeqCst);
        let now = self.platform.clock.now_millis();
        match fetched {
            Ok(token) => {
                *slot.granted.lock().unwrap_or_else(PoisonError::into_inner) = granted(&token.secret);
                let secret = token.secret.clone();
                *kept = Kept { token: Some(self.dated(token, now)), failure: None };
                tracing::debug!(tenant_id, "fetched a token");
                Ok(secret)
            }
            Err(error) => {
                let old = still_good(kept.token.as_ref(), now);
                tracing::warn!(tenant_id, %error, serves_on = old.is_some(), "no new token");
                // While the old one serves there is no hurry.
                let pause = if error.is_definite() || old.is_some() { PAUSE } else { Duration::ZERO };
                kept.failure =
                    Some(Failure { error: error.clone(), until: now.saturating_add(millis(pause)) });
                old.ok_or(error)
            }
        }
    }

    fn dated(&self, token: AccessToken, now: u64) -> Token {
        let margin = self.platform.limits.renew_before.min(token.lifetime / 10);
        let ends_at = now.saturating_add(millis(token.lifetime));
        Token { secret: token.secret, renew_at: ends_at.saturating_sub(millis(margin)), ends_at }
    }

    fn slot(&self, tenant_id: &str) -> Arc<Slot> {
        let key = tenant_id.to_ascii_lowercase();
        let mut slots = self.of_tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if !slots.contains_key(&key) && slots.len() >= MAX_TENANTS {
            let used = |slot: &Arc<Slot>| slot.used.load(Ordering::SeqCst);
            let oldest = slots.iter().min_by_key(|(_, slot)| used(slot)).map(|(tenant, _)| tenant.clone());
            if let Some(oldest) = oldest {
                slots.remove(&oldest);
            }
        }
        let slot = slots.entry(key).or_default();
        slot.used.store(self.asks.fetch_add(1, Ordering::SeqCst), Ordering::SeqCst);
        Arc::clone(slot)
    }
}

fn still_good(token: Option<&Token>, now: u64) -> Option<SecretString> {
    token.filter(|token| now < token.ends_at).map(|token| token.secret.clone())
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Whether it may stand in the address of a token endpoint: an id, or a domain name.
fn is_tenant(tenant_id: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.' || c == '_';
    tenant_id.chars().all(is_inner) && tenant_id.starts_with(|c: char| c.is_ascii_alphanumeric())
}

#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    roles: Vec<String>,
}

/// What a token says of the app's permissions. It is only a hint, so that its signature does not matter; a token without
/// roles, and one that is no JWT, says nothing.
///
/// Source: Microsoft identity platform, access token claims (roles). What is granted for one chat is not among them.
fn granted(token: &SecretString) -> Grants {
    let claims = jsonwebtoken::dangerous::insecure_decode_claims::<Claims>(token.expose_secret());
    let Ok(Claims { roles }) = claims else { return Grants::Unknown };
    if roles.is_empty() {
        return Grants::Unknown;
    }
    let known = roles.iter().filter_map(|role| Permission::parse(role));
    Grants::Known(known.fold(Permissions::NONE, Permissions::with))
}

#[cfg(test)]
mod tests;
