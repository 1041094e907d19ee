//! Tokens of both directions: those that apps fetch for Graph, and those that the service puts on its notifications.
//!
//! Source: Microsoft identity platform, client credentials flow; the vendor's article on calling notifications.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Registration, SimulatorError};

const GRAPH: &str = "https://graph.microsoft.com";
/// How long a token for Graph lives, in seconds.
pub(super) const TOKEN_LIFE: u64 = 3599;
/// How long the token of a notification lives, in seconds.
const NOTIFICATION_LIFE: u64 = 3900;
/// How long one of them serves, in seconds.
const REUSED_FOR: u64 = 60;

/// Whom the token of a notification names as its issuer. A bot has to take both.
///
/// Source: the vendor's article on calling notifications, and its samples, whose validators accept these two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Issuer {
    /// `https://api.botframework.com`, as in the article's example.
    #[default]
    BotFramework,
    /// `https://graph.microsoft.com`.
    Graph,
}

impl Issuer {
    /// Both.
    pub const ALL: &[Self] = &[Self::BotFramework, Self::Graph];

    /// Its name in short.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BotFramework => "botframework",
            Self::Graph => "graph",
        }
    }

    /// What the claim `iss` says.
    pub const fn claim(self) -> &'static str {
        match self {
            Self::BotFramework => "https://api.botframework.com",
            Self::Graph => GRAPH,
        }
    }
}

/// What is wrong with a token that a bot has to refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It is for another app.
    Audience,
    /// Somebody else issued it.
    Issuer,
    /// Its time is over, by more than any tolerance for clocks.
    Expired,
    /// Its key is not in the key set.
    KeyId,
}

/// Issuer, app and tenant of a notification's token.
type Whose = (Issuer, String, String);

pub(super) struct Keys {
    sign: EncodingKey,
    verify: DecodingKey,
    public: Jwk,
    /// How often the key got another name.
    rotated: AtomicU64,
    /// Since when each serves, and the token.
    issued: Mutex<HashMap<Whose, (u64, String)>>,
}

/// Why a token does not open Graph. What is said are Graph's words, as far as they are known from field reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unusable {
    #[error("Access token is empty.")]
    Missing,
    #[error("CompactToken parsing failed with error code: 80049217")]
    Malformed,
    #[error("Access token validation failure. Invalid signature.")]
    Signature,
    #[error("Access token validation failure. Invalid audience.")]
    Audience,
    #[error("Access token validation failure. Invalid issuer.")]
    Issuer,
    #[error("Lifetime validation failed, the token is expired.")]
    Expired,
    #[error("Access token validation failure. The token is of another tenant.")]
    Tenant,
    #[error("Access token validation failure. The app is not registered.")]
    App,
}

/// What a token lacks is read as empty, so that one that is not for Graph is refused by what it is for.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct GraphClaims {
    iss: String,
    aud: String,
    appid: String,
    tid: String,
    roles: Vec<String>,
    exp: u64,
}

impl Keys {
    pub(super) fn try_new() -> Result<Self, SimulatorError> {
        // Made once in a process: making one takes a while, and nothing here is secret.
        static MADE: OnceLock<Result<String, String>> = OnceLock::new();
        let make = || rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).map(|pair| pair.serialize_pem());
        let pem = MADE.get_or_init(|| make().map_err(|e| e.to_string())).as_ref();
        let pem = pem.map_err(|reason| SimulatorError::Key(reason.clone()))?;
        let of_token = |e: jsonwebtoken::errors::Error| SimulatorError::Key(e.to_string());
        let sign = EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(of_token)?;
        let public = Jwk::from_encoding_key(&sign, Algorithm::RS256).map_err(of_token)?;
        let verify = DecodingKey::from_jwk(&public).map_err(of_token)?;
        Ok(Self { sign, verify, public, rotated: AtomicU64::new(0), issued: Mutex::default() })
    }

    /// The key set: the key under the name that it has now.
    pub(super) fn published(&self) -> Value {
        let mut key = self.public.clone();
        key.common.key_id = Some(self.key_id());
        json!({"keys": [key]})
    }

    fn key_id(&self) -> String {
        format!("simulator-{}", self.rotated.load(Ordering::Relaxed).saturating_add(1))
    }

    /// From now on the key has another name, as a new one would: a bot has to ask for the key set again.
    pub(super) fn rotate(&self) {
        self.rotated.fetch_add(1, Ordering::Relaxed);
        self.issued.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// A token for Graph.
    pub(super) fn for_graph(&self, app: &Registration, now: u64) -> Option<String> {
        self.signed(&GraphClaims {
            iss: issuer_for(&app.tenant_id),
            aud: GRAPH.to_owned(),
            appid: app.app_id.clone(),
            tid: app.tenant_id.clone(),
            roles: app.permissions.iter().cloned().collect(),
            exp: now.saturating_add(TOKEN_LIFE),
        })
    }

    /// The app and the tenant whose token for Graph this is, where it is good.
    pub(super) fn holder_of(&self, token: &str, now: u64) -> Result<(String, String), Unusable> {
        let mut validation = Validation::new(Algorithm::RS256);
        // The lifetime is checked by the simulator's own clock.
        validation.validate_exp = false;
        validation.set_audience(&[GRAPH]);
        let claims = jsonwebtoken::decode::<GraphClaims>(token, &self.verify, &validation);
        let claims = claims.map_err(|e| match e.kind() {
            ErrorKind::InvalidAudience => Unusable::Audience,
            ErrorKind::InvalidSignature | ErrorKind::InvalidAlgorithm => Unusable::Signature,
            _ => Unusable::Malformed,
        })?;
        let claims = claims.claims;
        if claims.iss != issuer_for(&claims.tid) {
            return Err(Unusable::Issuer);
        }
        if claims.exp <= now {
            return Err(Unusable::Expired);
        }
        Ok((claims.appid, claims.tid))
    }

    /// Whether this service signed it, whatever it says.
    pub(super) fn signed_by_us(&self, token: &str) -> bool {
        let mut validation = Validation::new(Algorithm::RS256);
        (validation.validate_exp, validation.validate_aud) = (false, false);
        validation.required_spec_claims.clear();
        jsonwebtoken::decode::<Value>(token, &self.verify, &validation).is_ok()
    }

    /// The token of a notification: one serves the notifications of a while, since signing takes long.
    pub(super) fn for_notification(
        &self,
        issuer: Issuer,
        app_id: &str,
        tenant_id: &str,
        now: u64,
    ) -> Option<String> {
        let mut kept = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        let whose = (issuer, app_id.to_owned(), tenant_id.to_owned());
        if let Some((since, token)) = kept.get(&whose)
            && now.saturating_sub(*since) < REUSED_FOR
        {
            return Some(token.clone());
        }
        let token = self.signed(&notification_claims(issuer.claim(), app_id, tenant_id, now))?;
        kept.insert(whose, (now, token.clone()));
        Some(token)
    }

    /// The token of a notification, but for one flaw.
    pub(super) fn flawed(
        &self,
        issuer: Issuer,
        app_id: &str,
        tenant_id: &str,
        now: u64,
        flaw: Flaw,
    ) -> Option<String> {
        let issuer = issuer.claim();
        let claims = match flaw {
            Flaw::Audience => notification_claims(issuer, "another-app", tenant_id, now),
            Flaw::Issuer => notification_claims("https://issuer.invalid", app_id, tenant_id, now),
            Flaw::Expired => {
                let then = now.saturating_sub(NOTIFICATION_LIFE.saturating_mul(2));
                notification_claims(issuer, app_id, tenant_id, then)
            }
            Flaw::KeyId => notification_claims(issuer, app_id, tenant_id, now),
        };
        let key_id = if flaw == Flaw::KeyId { "simulator-0".to_owned() } else { self.key_id() };
        self.signed_as(key_id, &claims)
    }

    #[cfg(test)]
    pub(super) fn signed_for_tests(&self, claims: &Value) -> String {
        self.signed(claims).unwrap_or_default()
    }

    fn signed(&self, claims: &impl Serialize) -> Option<String> {
        self.signed_as(self.key_id(), claims)
    }

    fn signed_as(&self, key_id: String, claims: &impl Serialize) -> Option<String> {
        let header = Header { kid: Some(key_id), ..Header::new(Algorithm::RS256) };
        jsonwebtoken::encode(&header, claims, &self.sign).ok()
    }
}

/// Who issues the tokens of a tenant for Graph. Source: Microsoft identity platform, access tokens.
fn issuer_for(tenant_id: &str) -> String {
    format!("https://sts.windows.net/{tenant_id}/")
}

fn notification_claims(issuer: &str, app_id: &str, tenant_id: &str, now: u64) -> Value {
    json!({
        "iss": issuer,
        "aud": app_id,
        "tid": tenant_id,
        "iat": now,
        "nbf": now,
        "exp": now.saturating_add(NOTIFICATION_LIFE),
    })
}
