//! The keys that the service signs with, as it publishes them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::Request;
use serde::Deserialize;
use tokio::sync::{Mutex, MutexGuard};

use super::{Fault, KEYS_FRESH_FOR, REFETCH_AFTER};
use crate::transport::Transport;

/// How long one fetch may take.
const FETCH_LIMIT: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
struct OpenIdJson {
    jwks_uri: String,
}

#[derive(Deserialize)]
struct KeysJson {
    keys: Vec<KeyJson>,
}

#[derive(Deserialize)]
struct KeyJson {
    kid: Option<String>,
    kty: Option<String>,
    n: Option<String>,
    e: Option<String>,
    r#use: Option<String>,
}

/// A key. What was checked with it holds for as long as the same one is published.
pub(super) struct Published {
    pub(super) id: String,
    pub(super) key: ParsedPublicKey,
    modulus: String,
    exponent: String,
}

/// Keys by their ids.
type ById = HashMap<String, Arc<Published>>;

/// Where keys come from.
pub(super) enum Source {
    /// The OpenID document at this address leads to them.
    OpenId(String, Arc<dyn Transport>),
    /// They were given, and stay.
    Given,
}

#[derive(Default)]
struct State {
    by_id: ById,
    fetched_at: Option<u64>,
    tried_at: Option<u64>,
}

/// The published keys, fetched as they are needed.
pub(super) struct Keys {
    source: Source,
    state: Mutex<State>,
}

impl Keys {
    pub(super) fn published(openid: String, transport: Arc<dyn Transport>) -> Self {
        Self { source: Source::OpenId(openid, transport), state: Mutex::default() }
    }

    /// The keys of a set that is at hand.
    pub(super) fn given(set: &[u8]) -> Result<Self, String> {
        let state = State { by_id: read(set)?, fetched_at: Some(0), tried_at: None };
        Ok(Self { source: Source::Given, state: Mutex::new(state) })
    }

    /// Whether there are any; fetches them where there are none, or they are old.
    pub(super) async fn are_there(
        &self,
        now: u64,
        refreshed: impl FnOnce(&dyn Fn(&Arc<Published>) -> bool),
    ) -> Result<(), Fault> {
        self.current(now, |_| true, refreshed).await.map(drop)
    }

    /// The key of this id; fetches the published ones where they do not have it, or are old.
    pub(super) async fn get(
        &self,
        id: &str,
        now: u64,
        refreshed: impl FnOnce(&dyn Fn(&Arc<Published>) -> bool),
    ) -> Result<Arc<Published>, Fault> {
        let state = self.current(now, |by_id| by_id.contains_key(id), refreshed).await?;
        state.by_id.get(id).cloned().ok_or(Fault::UnknownKey)
    }

    /// The published keys; fetches them where they are not `enough`, or are old, and says `is_published` of each afterwards
    /// to `refreshed`. Keys that are old are better than none: they were published once.
    async fn current(
        &self,
        now: u64,
        enough: impl FnOnce(&ById) -> bool,
        refreshed: impl FnOnce(&dyn Fn(&Arc<Published>) -> bool),
    ) -> Result<MutexGuard<'_, State>, Fault> {
        // Whoever comes while they are fetched waits here, and finds them.
        let mut state = self.state.lock().await;
        let age = |at: Option<u64>| at.map(|at| Duration::from_millis(now.saturating_sub(at)));
        let is_old = age(state.fetched_at).is_none_or(|age| age >= KEYS_FRESH_FOR);
        let may_try = age(state.tried_at).is_none_or(|age| age >= REFETCH_AFTER);
        let mut failure = None;
        if let Source::OpenId(openid, transport) = &self.source
            && (is_old || !enough(&state.by_id))
            && may_try
        {
            state.tried_at = Some(now);
            match fetch_keys(openid, &**transport).await {
                Ok(by_id) => {
                    state.by_id = renewed(&state.by_id, by_id);
                    state.fetched_at = Some(now);
                    refreshed(&|one| state.by_id.values().any(|known| Arc::ptr_eq(known, one)));
                }
                Err(reason) => {
                    tracing::warn!(reason, "the keys of the calling service cannot be fetched");
                    failure = Some(reason);
                }
            }
        }
        if state.fetched_at.is_none() {
            return Err(Fault::KeysUnavailable(failure.unwrap_or_else(|| "tried a moment ago".to_owned())));
        }
        Ok(state)
    }
}

/// The keys of now. One that is as it was stays the same, so that what was checked with it holds.
fn renewed(before: &ById, now: ById) -> ById {
    let same = |id: &str, new: &Published| {
        before.get(id).filter(|old| old.modulus == new.modulus && old.exponent == new.exponent).cloned()
    };
    now.into_iter().map(|(id, new)| (id.clone(), same(&id, &new).unwrap_or(new))).collect()
}

async fn fetch_keys(openid: &str, transport: &dyn Transport) -> Result<ById, String> {
    let document: OpenIdJson =
        serde_json::from_slice(&fetch(openid, transport).await?).map_err(|e| e.to_string())?;
    read(&fetch(&document.jwks_uri, transport).await?)
}

fn read(set: &[u8]) -> Result<ById, String> {
    let published: KeysJson = serde_json::from_slice(set).map_err(|e| e.to_string())?;
    let mut by_id = HashMap::new();
    for key in published.keys {
        let is_for_signing = key.r#use.as_deref().is_none_or(|purpose| purpose == "sig");
        if let (true, Some("RSA"), Some(id), Some(modulus), Some(exponent)) =
            (is_for_signing, key.kty.as_deref(), key.kid, key.n, key.e)
            && let Some(key) = key_of(&modulus, &exponent)
        {
            by_id.insert(id.clone(), Arc::new(Published { id, key, modulus, exponent }));
        }
    }
    if by_id.is_empty() { Err("no RSA key is published".to_owned()) } else { Ok(by_id) }
}

/// A key of RS256.
fn key_of(modulus: &str, exponent: &str) -> Option<ParsedPublicKey> {
    let [n, e] = [modulus, exponent].map(|part| URL_SAFE_NO_PAD.decode(part).ok());
    RsaPublicKeyComponents { n: n?, e: e? }.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).ok()
}

async fn fetch(url: &str, transport: &dyn Transport) -> Result<Bytes, String> {
    let request = Request::get(url).body(Bytes::new()).map_err(|e| e.to_string())?;
    let response = tokio::time::timeout(FETCH_LIMIT, transport.send(request))
        .await
        .map_err(|_| format!("nothing came within {FETCH_LIMIT:?}"))?
        .map_err(|e| e.to_string())?;
    if !response.status().is_success() {
        return Err(format!("status {}", response.status().as_u16()));
    }
    Ok(response.into_body())
}
