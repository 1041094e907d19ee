//! The tokens of a client: one fetch for however many ask, one token kept for each tenant.
//!
//! A token is renewed before its end, by one who needs it; for the others, and where that fails, the old one serves to its
//! end. What the identity platform refuses
//! definitely is not asked for again for a moment, since asking would change nothing and be counted.
//!
//! Source: Microsoft identity platform, client credentials flow.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use callflow_core::permission::{Grants, Permission, Permissions};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::platform::Platform;
use super::token_source::{AccessToken, TokenError};
use super::{ClientError, Credentials, Endpoints, Limits};
use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::transport::Transport;

/// How many tenants' tokens are kept: beyond that the one that was used longest ago goes.
const MAX_TENANTS: usize = 1024;
/// How long after a definite refusal, or while the old token serves, the same tenant is not asked for again.
///
/// Source: assumed; if it is wrong, a mistake that is mended counts that much later.
const PAUSE: Duration = Duration::from_secs(10);

struct Token {
    secret: SecretString,
    renew_at: u64,
    ends_at: u64,
}

/// Why there is no newer token, and until when one need not ask.
struct Failure {
    error: TokenError,
    until: u64,
}

#[derive(Default)]
struct Kept {
    token: Option<Token>,
    failure: Option<Failure>,
    /// What the newest token says of the app's permissions.
    granted: Grants,
}

/// What is kept serves at some time.
enum Found {
    Fresh(SecretString),
    /// It is good, and shall be renewed.
    Old(SecretString),
    Nothing,
}

impl Kept {
    fn at(&self, now: u64) -> Found {
        match &self.token {
            Some(token) if now < token.renew_at => Found::Fresh(token.secret.clone()),
            Some(token) if now < token.ends_at => Found::Old(token.secret.clone()),
            Some(_) | None => Found::Nothing,
        }
    }

    fn forget(&mut self, refused: &SecretString) {
        let is_it = |token: &mut Token| token.secret.expose_secret() == refused.expose_secret();
        // Dropped: it is of no more use.
        let _ = self.token.take_if(is_it);
    }
}

/// What is kept of one tenant.
#[derive(Default)]
struct Slot {
    kept: Mutex<Kept>,
    /// Whose turn it is to fetch.
    turn: tokio::sync::Mutex<()>,
    /// How many fetches came to an end.
    fetched: AtomicU64,
    /// When it was last asked for, in the order of all.
    used: AtomicU64,
}

impl Slot {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The tokens of a client.
pub(super) struct Tokens {
    pub(super) credentials: Credentials,
    platform: Platform,
    of_tenants: Mutex<HashMap<String, Arc<Slot>>>,
    asks: AtomicU64,
    metrics: Arc<Metrics>,
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
        Self {
            credentials,
            platform,
            of_tenants: Mutex::default(),
            asks: AtomicU64::new(0),
            metrics: Arc::default(),
        }
    }

    /// The same; what they do is counted in `metrics`.
    pub(super) fn counted(self, metrics: Arc<Metrics>) -> Self {
        Self { metrics, ..self }
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
        self.metrics.token_asked();
        self.kept_or_fetched(tenant_id, refused).await.map_err(|reason| ClientError::NoToken {
            app_id: self.credentials.app_id.clone(),
            tenant_id: tenant_id.to_owned(),
            reason: Box::new(reason),
        })
    }

    /// What the newest token of `tenant_id` says of the app's permissions.
    pub(super) fn granted(&self, tenant_id: &str) -> Grants {
        let slots = self.of_tenants.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = slots.get(&tenant_id.to_ascii_lowercase());
        slot.map_or(Grants::Unknown, |slot| slot.kept().granted)
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
        if let Some(refused) = refused {
            slot.kept().forget(refused);
        }
        let before = slot.fetched.load(Ordering::SeqCst);
        let found = slot.kept().at(self.platform.clock.now_millis());
        let turn = match found {
            Found::Fresh(secret) => return Ok(secret),
            // Where somebody is renewing it, it serves meanwhile.
            Found::Old(secret) => match slot.turn.try_lock() {
                Ok(turn) => turn,
                Err(_) => return Ok(secret),
            },
            // Whoever comes while one is fetched waits here, and finds it, or why there is none.
            Found::Nothing => slot.turn.lock().await,
        };
        let now = self.platform.clock.now_millis();
        let has_waited = slot.fetched.load(Ordering::SeqCst) != before;
        let (found, told) = {
            let kept = slot.kept();
            let found = kept.at(now);
            // A passing fault is no reason to wait where there is nothing to use meanwhile.
            let may_rest = |error: &TokenError| error.is_definite() || matches!(found, Found::Old(_));
            let is_told =
                |failure: &&Failure| has_waited || (now < failure.until && may_rest(&failure.error));
            let told = kept.failure.as_ref().filter(is_told).map(|failure| failure.error.clone());
            (found, told)
        };
        let result = match (found, told) {
            (Found::Fresh(secret), _) | (Found::Old(secret), Some(_)) => Ok(secret),
            (Found::Nothing, Some(error)) => Err(error),
            (Found::Old(_) | Found::Nothing, None) => self.fetch(&slot, tenant_id).await,
        };
        drop(turn);
        result
    }

    async fn fetch(&self, slot: &Slot, tenant_id: &str) -> Result<SecretString, TokenError> {
        let fetched = self.credentials.token(&self.platform, tenant_id).await;
        let now = self.platform.clock.now_millis();
        let mut kept = slot.kept();
        slot.fetched.fetch_add(1, Ordering::SeqCst);
        self.metrics.token_fetched(fetched.is_ok());
        match fetched {
            Ok(token) => {
                tracing::debug!(tenant_id, "fetched a token");
                let (granted, secret) = (granted(&token.secret), token.secret.clone());
                *kept = Kept { token: Some(self.dated(token, now)), failure: None, granted };
                Ok(secret)
            }
            Err(error) => {
                let found = kept.at(now);
                let serves_on = matches!(found, Found::Fresh(_) | Found::Old(_));
                tracing::warn!(tenant_id, %error, serves_on, "no new token");
                let until = now.saturating_add(millis(PAUSE));
                kept.failure = Some(Failure { error: error.clone(), until });
                match found {
                    Found::Fresh(secret) | Found::Old(secret) => Ok(secret),
                    Found::Nothing => Err(error),
                }
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
