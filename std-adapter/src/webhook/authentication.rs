//! Who posts a notification: the token in its `Authorization` header, checked before its body is read.
//!
//! The token is a JWT that the calling service signs with keys of its own, published in an OpenID document. A bot that
//! lets anybody post can be made to answer, play and hang up; so every fault of the token refuses the request.
//!
//! Source: the vendor's article on calling notifications, and its samples: RS256, key by `kid`, two issuers, the bot's app
//! id as audience, a lifetime with five minutes of tolerance, and the call's tenant in `tid`.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::client::Cloud;
use crate::clock::Clock;
use crate::transport::Transport;

/// The issuers of the service.
///
/// Source: the vendor's samples.
pub const ISSUERS: [&str; 2] = ["https://graph.microsoft.com", "https://api.botframework.com"];
/// How far the clocks of the two sides may differ.
pub const TOLERANCE_SECONDS: u64 = 300;
/// How long keys are used before they are fetched anew.
///
/// Source: the vendor's samples (two hours).
pub const KEYS_FRESH_FOR: Duration = Duration::from_secs(7200);
/// The least time between two fetches for keys that are not known: forged ids must not make the bot a nuisance.
pub const REFETCH_AFTER: Duration = Duration::from_secs(60);
/// How long one fetch may take.
const FETCH_LIMIT: Duration = Duration::from_secs(10);
/// How many tenants' or issuers' names are put into a message.
const MAX_SHOWN: usize = 80;

/// Whom the bot listens to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    app_id: String,
    issuers: Vec<String>,
    tenants: Option<BTreeSet<String>>,
}

impl Expected {
    /// The service, speaking to this app, of any tenant.
    pub fn for_app(app_id: impl Into<String>) -> Self {
        Self { app_id: app_id.into(), issuers: ISSUERS.map(str::to_owned).to_vec(), tenants: None }
    }

    /// Only calls of these tenants.
    #[must_use]
    pub fn of_tenants(mut self, tenants: impl IntoIterator<Item = String>) -> Self {
        self.tenants = Some(tenants.into_iter().map(|tenant| tenant.to_ascii_lowercase()).collect());
        self
    }

    /// Only tokens of the service in `cloud`.
    #[must_use]
    pub fn in_cloud(self, cloud: Cloud) -> Self {
        self.issued_by(cloud.issuers().iter().map(|issuer| (*issuer).to_owned()))
    }

    /// Only tokens of these issuers.
    #[must_use]
    pub fn issued_by(mut self, issuers: impl IntoIterator<Item = String>) -> Self {
        self.issuers = issuers.into_iter().collect();
        self
    }
}

/// Who posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The tenant of the call, in lower case.
    pub tenant_id: String,
    /// The issuer of the token.
    pub issuer: String,
}

/// What is wrong with a request's token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// There is none.
    #[error("there is no bearer token: send `Authorization: Bearer …`")]
    Missing,
    /// It is no JWT, or names no algorithm that there is.
    #[error("the token is no JWT, or is not signed")]
    Malformed,
    /// It is not signed with RS256.
    #[error("the token is not signed with RS256")]
    Algorithm,
    /// It is signed with a key that is not published.
    #[error("the token's key is not among the published ones")]
    UnknownKey,
    /// Its signature is wrong.
    #[error("the token's signature is wrong")]
    Signature,
    /// It has expired.
    #[error("the token has expired: check the clocks")]
    Expired,
    /// It is not valid yet.
    #[error("the token is not valid yet: check the clocks")]
    NotYetValid,
    /// Somebody else issued it.
    #[error("the token's issuer is not the calling service")]
    Issuer,
    /// It is for another app.
    #[error("the token is for another app: check the app id")]
    Audience,
    /// It names no tenant.
    #[error("the token names no tenant")]
    NoTenant,
    /// It is good, and of a tenant that is not served.
    #[error("tenant {0} is not served")]
    TenantNotServed(String),
    /// It is good, and of another tenant than the call.
    #[error("the call belongs to another tenant")]
    AnotherTenant,
    /// The published keys cannot be had: nobody can be believed.
    #[error("the keys of the calling service cannot be had: {0}")]
    KeysUnavailable(String),
}

impl Fault {
    /// The status to answer with.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Missing
            | Self::Malformed
            | Self::Algorithm
            | Self::UnknownKey
            | Self::Signature
            | Self::Expired
            | Self::NotYetValid
            | Self::Issuer
            | Self::Audience
            | Self::NoTenant => 401,
            Self::TenantNotServed(_) | Self::AnotherTenant => 403,
            Self::KeysUnavailable(_) => 503,
        }
    }

    /// A word for it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing => "tokenMissing",
            Self::Malformed => "tokenMalformed",
            Self::Algorithm => "tokenAlgorithm",
            Self::UnknownKey => "tokenKeyUnknown",
            Self::Signature => "tokenSignature",
            Self::Expired => "tokenExpired",
            Self::NotYetValid => "tokenNotYetValid",
            Self::Issuer => "tokenIssuer",
            Self::Audience => "tokenAudience",
            Self::NoTenant => "tokenTenantMissing",
            Self::TenantNotServed(_) => "tenantNotServed",
            Self::AnotherTenant => "tenantMismatch",
            Self::KeysUnavailable(_) => "keysUnavailable",
        }
    }
}

#[derive(Deserialize)]
struct Claims {
    iss: Option<String>,
    aud: Option<Audience>,
    exp: Option<u64>,
    nbf: Option<u64>,
    tid: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn has(&self, app_id: &str) -> bool {
        match self {
            Self::One(one) => one.eq_ignore_ascii_case(app_id),
            Self::Many(many) => many.iter().any(|one| one.eq_ignore_ascii_case(app_id)),
        }
    }
}

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

#[derive(Default)]
struct Keys {
    by_id: HashMap<String, DecodingKey>,
    fetched_at: Option<u64>,
    tried_at: Option<u64>,
}

/// Checks tokens, and keeps the keys that it needs for that.
#[derive(Clone)]
pub struct Authenticator {
    inner: Arc<Inner>,
}

struct Inner {
    expected: Expected,
    openid: String,
    transport: Arc<dyn Transport>,
    clock: Clock,
    keys: Mutex<Keys>,
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticator").field("expected", &self.inner.expected).finish_non_exhaustive()
    }
}

impl Authenticator {
    /// Checks against `expected`, with the keys that the OpenID document at `openid` leads to.
    pub fn new(
        expected: Expected,
        openid: impl Into<String>,
        transport: Arc<dyn Transport>,
        clock: Clock,
    ) -> Self {
        let keys = Mutex::new(Keys::default());
        Self { inner: Arc::new(Inner { expected, openid: openid.into(), transport, clock, keys }) }
    }

    /// Checks the value of an `Authorization` header.
    ///
    /// # Errors
    /// [`Fault`], with the status to answer.
    pub async fn authenticate(&self, authorization: Option<&str>) -> Result<Sender, Fault> {
        let token = authorization.and_then(bearer).ok_or(Fault::Missing)?;
        // `alg: none` ends here: it is no algorithm of the library.
        let header = jsonwebtoken::decode_header(token).map_err(|_| Fault::Malformed)?;
        if header.alg != Algorithm::RS256 {
            return Err(Fault::Algorithm);
        }
        let key = self.key(&header.kid.ok_or(Fault::UnknownKey)?).await?;
        let claims = read_claims(token, &key)?;
        self.check(claims)
    }

    fn check(&self, claims: Claims) -> Result<Sender, Fault> {
        let Expected { app_id, issuers, tenants } = &self.inner.expected;
        let now = self.inner.clock.now_seconds();
        let end = claims.exp.ok_or(Fault::Expired)?;
        if end.saturating_add(TOLERANCE_SECONDS) <= now {
            return Err(Fault::Expired);
        }
        if claims.nbf.is_some_and(|begin| begin > now.saturating_add(TOLERANCE_SECONDS)) {
            return Err(Fault::NotYetValid);
        }
        let issuer = claims.iss.filter(|issuer| issuers.contains(issuer)).ok_or(Fault::Issuer)?;
        if !claims.aud.is_some_and(|audience| audience.has(app_id)) {
            return Err(Fault::Audience);
        }
        let tenant_id = claims.tid.map(|tenant| tenant.trim().to_ascii_lowercase()).unwrap_or_default();
        if tenant_id.is_empty() {
            return Err(Fault::NoTenant);
        }
        if tenants.as_ref().is_some_and(|served| !served.contains(&tenant_id)) {
            return Err(Fault::TenantNotServed(tenant_id.chars().take(MAX_SHOWN).collect()));
        }
        Ok(Sender { tenant_id, issuer })
    }

    /// The key of this id; fetches the published ones where they are old, or do not have it.
    async fn key(&self, id: &str) -> Result<DecodingKey, Fault> {
        // Whoever comes while they are fetched waits here, and finds them.
        let mut keys = self.inner.keys.lock().await;
        let now = self.inner.clock.now_millis();
        let age = |at: Option<u64>| at.map(|at| Duration::from_millis(now.saturating_sub(at)));
        let is_old = age(keys.fetched_at).is_none_or(|age| age >= KEYS_FRESH_FOR);
        let may_try = age(keys.tried_at).is_none_or(|age| age >= REFETCH_AFTER);
        let mut failure = None;
        if (is_old || !keys.by_id.contains_key(id)) && may_try {
            keys.tried_at = Some(now);
            match self.fetch_keys().await {
                Ok(by_id) => {
                    keys.by_id = by_id;
                    keys.fetched_at = Some(now);
                }
                Err(reason) => {
                    tracing::warn!(reason, "the keys of the calling service cannot be fetched");
                    failure = Some(reason);
                }
            }
        }
        match keys.by_id.get(id) {
            // Keys that are old are better than none: they were published once.
            Some(key) => Ok(key.clone()),
            None if keys.fetched_at.is_none() => {
                Err(Fault::KeysUnavailable(failure.unwrap_or_else(|| "tried a moment ago".to_owned())))
            }
            None => Err(Fault::UnknownKey),
        }
    }

    async fn fetch_keys(&self) -> Result<HashMap<String, DecodingKey>, String> {
        let document: OpenIdJson = self.fetch(&self.inner.openid).await?;
        let published: KeysJson = self.fetch(&document.jwks_uri).await?;
        let mut by_id = HashMap::new();
        for key in published.keys {
            let is_for_signing = key.r#use.as_deref().is_none_or(|purpose| purpose == "sig");
            if let (true, Some("RSA"), Some(id), Some(n), Some(e)) =
                (is_for_signing, key.kty.as_deref(), key.kid, key.n, key.e)
                && let Ok(key) = DecodingKey::from_rsa_components(&n, &e)
            {
                by_id.insert(id, key);
            }
        }
        if by_id.is_empty() { Err("no RSA key is published".to_owned()) } else { Ok(by_id) }
    }

    async fn fetch<T: for<'de> Deserialize<'de>>(&self, url: &str) -> Result<T, String> {
        let request = Request::get(url).body(Bytes::new()).map_err(|e| e.to_string())?;
        let response = tokio::time::timeout(FETCH_LIMIT, self.inner.transport.send(request))
            .await
            .map_err(|_| format!("nothing came within {FETCH_LIMIT:?}"))?
            .map_err(|e| e.to_string())?;
        if !response.status().is_success() {
            return Err(format!("status {}", response.status().as_u16()));
        }
        serde_json::from_slice(response.body()).map_err(|e| e.to_string())
    }
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.trim().split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

fn read_claims(token: &str, key: &DecodingKey) -> Result<Claims, Fault> {
    let mut validation = Validation::new(Algorithm::RS256);
    // Only the signature is checked there: everything else is checked here, by the adapter's own clock.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    jsonwebtoken::decode::<Claims>(token, key, &validation).map(|data| data.claims).map_err(|e| {
        match e.kind() {
            jsonwebtoken::errors::ErrorKind::InvalidSignature => Fault::Signature,
            _ => Fault::Malformed,
        }
    })
}

#[cfg(test)]
#[cfg(feature = "simulator")]
mod tests {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    use axum::Router;
    use axum::routing::get;
    use jsonwebtoken::jwk::Jwk;
    use jsonwebtoken::{EncodingKey, Header};
    use serde_json::{Value, json};

    use super::*;
    use crate::transport::InProcess;

    const APP: &str = "8A34A46B-3D17-4ADC-8DCE-DC4E7D572698";

    /// Two keys, made once: making one takes a while.
    fn keys() -> &'static [EncodingKey; 2] {
        static KEYS: OnceLock<[EncodingKey; 2]> = OnceLock::new();
        KEYS.get_or_init(|| {
            [(); 2].map(|()| {
                let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
                EncodingKey::from_rsa_pem(pair.serialize_pem().as_bytes()).unwrap()
            })
        })
    }

    fn published(id: &str, key: &EncodingKey) -> Value {
        let mut jwk = Jwk::from_encoding_key(key, Algorithm::RS256).unwrap();
        jwk.common.key_id = Some(id.to_owned());
        serde_json::to_value(jwk).unwrap()
    }

    struct Scene {
        authenticator: Authenticator,
        clock: Clock,
        net: InProcess,
        fetched: Arc<AtomicU32>,
    }

    fn serve(net: &InProcess, fetched: &Arc<AtomicU32>, keys: Vec<Value>) {
        let fetched = Arc::clone(fetched);
        let document = json!({"issuer": ISSUERS[1], "jwks_uri": "https://keys.test/keys"}).to_string();
        let jwks = async move || {
            fetched.fetch_add(1, Ordering::SeqCst);
            json!({"keys": keys}).to_string()
        };
        net.mount(
            "keys.test",
            Router::new().route("/openid", get(async || document)).route("/keys", get(jwks)),
        );
    }

    fn scene() -> Scene {
        let (net, fetched, clock) = (InProcess::new(), Arc::default(), Clock::system());
        serve(&net, &fetched, vec![json!({"kid": "elliptic", "kty": "EC"}), published("one", &keys()[0])]);
        let authenticator = Authenticator::new(
            Expected::for_app(APP),
            "https://keys.test/openid",
            Arc::new(net.clone()),
            clock,
        );
        Scene { authenticator, clock, net, fetched }
    }

    impl Scene {
        fn claims(&self) -> Value {
            let now = self.clock.now_seconds();
            json!({"iss": ISSUERS[0], "aud": APP.to_lowercase(), "nbf": now, "exp": now + 3900, "tid": "TENANT-1"})
        }

        fn token(&self, change: impl FnOnce(&mut Value)) -> String {
            let mut claims = self.claims();
            change(&mut claims);
            sign("one", &claims, &keys()[0])
        }

        async fn check(&self, token: &str) -> Result<Sender, Fault> {
            self.authenticator.authenticate(Some(&format!("Bearer {token}"))).await
        }
    }

    fn sign(id: &str, claims: &Value, key: &EncodingKey) -> String {
        let header = Header { kid: Some(id.to_owned()), ..Header::new(Algorithm::RS256) };
        jsonwebtoken::encode(&header, claims, key).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_good_token_names_its_tenant() {
        let scene = scene();
        let sender = scene.check(&scene.token(|_| {})).await.unwrap();
        assert_eq!(sender, Sender { tenant_id: "tenant-1".to_owned(), issuer: ISSUERS[0].to_owned() });
        let many = scene.token(|claims| claims["aud"] = json!(["other", APP]));
        assert!(scene.check(&many).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn the_cloud_says_which_issuers_are_believed() {
        let scene = scene();
        let token = scene.token(|claims| claims["iss"] = json!("https://graph.microsoft.us"));
        assert_eq!(scene.check(&token).await, Err(Fault::Issuer));
        let expected = Expected::for_app(APP).of_tenants(["tenant-1".to_owned()]).in_cloud(Cloud::UsGovL4);
        let net = Arc::new(scene.net.clone());
        let authenticator = Authenticator::new(expected, "https://keys.test/openid", net, scene.clock);
        let check = async |token: String| authenticator.authenticate(Some(&format!("Bearer {token}"))).await;
        assert!(check(token).await.is_ok());
        assert!(check(scene.token(|_| {})).await.is_ok(), "the public issuer too");
        let other = scene.token(|claims| claims["iss"] = json!("https://dod-graph.microsoft.us"));
        assert_eq!(check(other).await, Err(Fault::Issuer));
        let foreign = scene.token(|claims| claims["tid"] = json!("tenant-2"));
        assert_eq!(check(foreign).await, Err(Fault::TenantNotServed("tenant-2".to_owned())));
    }

    #[tokio::test(start_paused = true)]
    async fn each_single_defect_is_refused() {
        let scene = scene();
        let now = scene.clock.now_seconds();
        let good = scene.token(|_| {});
        let (head, _) = good.rsplit_once('.').unwrap();
        let payload = good.split('.').nth(1).unwrap();
        let forged = scene.token(|claims| claims["tid"] = json!("other"));
        let tampered = format!(
            "{}.{}.{}",
            good.split('.').next().unwrap(),
            forged.split('.').nth(1).unwrap(),
            good.rsplit('.').next().unwrap()
        );
        // The payload of a good token below `{"alg":"none","kid":"one"}`, without a signature.
        let unsigned = format!("eyJhbGciOiJub25lIiwia2lkIjoib25lIn0.{payload}.");
        let public = published("one", &keys()[0]).to_string();
        let hs256 = {
            let header = Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::HS256) };
            jsonwebtoken::encode(&header, &scene.claims(), &EncodingKey::from_secret(public.as_bytes()))
                .unwrap()
        };
        for (name, token, fault) in [
            ("no signature", format!("{head}."), Fault::Signature),
            ("alg none", unsigned, Fault::Malformed),
            ("hs256 with the public key as secret", hs256, Fault::Algorithm),
            ("tampered", tampered, Fault::Signature),
            ("another key", sign("one", &scene.claims(), &keys()[1]), Fault::Signature),
            ("unknown kid", sign("two", &scene.claims(), &keys()[1]), Fault::UnknownKey),
            ("garbage", "garbage".to_owned(), Fault::Malformed),
            ("expired", scene.token(|c| c["exp"] = json!(now - TOLERANCE_SECONDS)), Fault::Expired),
            ("no end", scene.token(|c| c["exp"] = Value::Null), Fault::Expired),
            (
                "not yet valid",
                scene.token(|c| c["nbf"] = json!(now + TOLERANCE_SECONDS + 1)),
                Fault::NotYetValid,
            ),
            ("other issuer", scene.token(|c| c["iss"] = json!("https://sts.windows.net/x")), Fault::Issuer),
            ("other audience", scene.token(|c| c["aud"] = json!("another-app")), Fault::Audience),
            ("no audience", scene.token(|c| c["aud"] = Value::Null), Fault::Audience),
            ("no tid", scene.token(|c| c["tid"] = Value::Null), Fault::NoTenant),
            ("empty tid", scene.token(|c| c["tid"] = json!(" ")), Fault::NoTenant),
        ] {
            assert_eq!(scene.check(&token).await, Err(fault.clone()), "{name}");
            assert_eq!(fault.status(), 401, "{name}");
        }
        for header in [None, Some(""), Some("Bearer"), Some("Bearer "), Some("Basic abc")] {
            assert_eq!(scene.authenticator.authenticate(header).await, Err(Fault::Missing), "{header:?}");
        }
        assert!(scene.check(&scene.token(|c| c["exp"] = json!(now - TOLERANCE_SECONDS + 1))).await.is_ok());
        assert!(scene.check(&scene.token(|c| c["nbf"] = json!(now + TOLERANCE_SECONDS))).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_good_token_of_a_tenant_that_is_not_served_is_forbidden() {
        let scene = scene();
        let expected = Expected::for_app(APP).of_tenants(["Tenant-2".to_owned()]);
        let only_two = Authenticator::new(
            expected,
            "https://keys.test/openid",
            Arc::new(scene.net.clone()),
            scene.clock,
        );
        let token = format!("Bearer {}", scene.token(|_| {}));
        let fault = only_two.authenticate(Some(&token)).await.unwrap_err();
        assert_eq!((fault.status(), &fault), (403, &Fault::TenantNotServed("tenant-1".to_owned())));
        let token = format!("Bearer {}", scene.token(|c| c["tid"] = json!("TENANT-2")));
        assert!(only_two.authenticate(Some(&token)).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn new_keys_are_found_and_forged_ids_do_not_hammer() {
        let scene = scene();
        assert!(scene.check(&scene.token(|_| {})).await.is_ok());
        for _ in 0..20 {
            let _ = scene.check(&sign("forged", &scene.claims(), &keys()[1])).await;
        }
        assert_eq!(scene.fetched.load(Ordering::SeqCst), 1);
        serve(&scene.net, &scene.fetched, vec![published("two", &keys()[1])]);
        tokio::time::advance(REFETCH_AFTER).await;
        assert!(scene.check(&sign("two", &scene.claims(), &keys()[1])).await.is_ok());
        assert_eq!(scene.fetched.load(Ordering::SeqCst), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn keys_that_cannot_be_had_are_no_fault_of_the_token_and_old_ones_go_on() {
        let scene = scene();
        scene.net.unmount("keys.test");
        let fault = scene.check(&scene.token(|_| {})).await.unwrap_err();
        assert!(fault.status() == 503 && fault.to_string().contains("keys.test"), "{fault}");
        serve(&scene.net, &scene.fetched, vec![published("one", &keys()[0])]);
        tokio::time::advance(REFETCH_AFTER).await;
        assert!(scene.check(&scene.token(|_| {})).await.is_ok());
        scene.net.unmount("keys.test");
        tokio::time::advance(KEYS_FRESH_FOR).await;
        assert!(scene.check(&scene.token(|_| {})).await.is_ok());
    }
}
