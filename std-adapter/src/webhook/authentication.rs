//! Who posts a notification: the token in its `Authorization` header, checked before its body is read.
//!
//! The token is a JWT that the calling service signs with keys of its own, published in an OpenID document. A bot that
//! lets anybody post can be made to answer, play and hang up; so every fault of the token refuses the request.
//!
//! Source: the vendor's article on calling notifications, and its samples: RS256, key by `kid`, two issuers, the bot's app
//! id as audience, a lifetime with five minutes of tolerance, and the call's tenant in `tid`.

mod cache;
mod checks;
mod keys;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::client::Cloud;
use crate::clock::Clock;
use crate::transport::Transport;
use cache::Cache;
use checks::{Claims, OF_CLAIMS};
use keys::{Keys, Published};

pub use checks::{Check, Finding};

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

/// Checks tokens, and keeps the keys that it needs for that.
#[derive(Clone)]
pub struct Authenticator {
    inner: Arc<Inner>,
}

struct Inner {
    expected: Expected,
    clock: Clock,
    keys: Keys,
    cache: Cache,
    signatures: AtomicU64,
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
        Self::with(expected, Keys::published(openid.into(), transport), clock)
    }

    /// Checks against `expected`, with the keys of `set`, which is the JSON of a key set, and no others.
    ///
    /// # Errors
    /// What is wrong with the set.
    pub fn with_keys(expected: Expected, set: &[u8], clock: Clock) -> Result<Self, String> {
        Ok(Self::with(expected, Keys::given(set)?, clock))
    }

    fn with(expected: Expected, keys: Keys, clock: Clock) -> Self {
        let (cache, signatures) = (Cache::default(), AtomicU64::new(0));
        Self { inner: Arc::new(Inner { expected, clock, keys, cache, signatures }) }
    }

    /// Checks the value of an `Authorization` header.
    ///
    /// The signature of a token is checked once; that its key is published, and everything else, each time.
    ///
    /// # Errors
    /// [`Fault`], with the status to answer.
    pub async fn authenticate(&self, authorization: Option<&str>) -> Result<Sender, Fault> {
        let Inner { expected, clock, cache, .. } = &*self.inner;
        let token = authorization.and_then(bearer).ok_or(Fault::Missing)?;
        let hash = cache::hash_of(token);
        let (claims, new) = if let Some(claims) = self.known(&hash).await? {
            (claims, None)
        } else {
            let header = checks::shape(token)?;
            checks::algorithm(&header)?;
            let key = self.key(header.kid.as_deref()).await?;
            (Arc::new(self.signature(token, &key)?), Some(key))
        };
        let now = clock.now_seconds();
        for (_, check, _) in OF_CLAIMS {
            check(&claims, expected, now).inspect_err(|_| cache.remove(&hash))?;
        }
        if let Some(key) = new {
            cache.put(hash, key, Arc::clone(&claims));
        }
        Ok(Sender { tenant_id: claims.tenant(), issuer: claims.issuer().to_owned() })
    }

    /// Makes every check of `token` that can be made, whatever the others say: to find out why one is refused.
    ///
    /// What a token claims is told also where its signature is wrong, and is not to be believed then.
    pub async fn examine(&self, token: &str) -> Vec<Finding> {
        let Inner { expected, clock, .. } = &*self.inner;
        let finding = |check, found: String, outcome| Finding { check, found, outcome };
        let parts = token.split('.').count();
        let header = match checks::shape(token) {
            Ok(header) => header,
            Err(fault) => {
                let found = format!("{} characters in {parts} parts", token.chars().count());
                return vec![finding(Check::Shape, found, Err(fault))];
            }
        };
        let mut findings = vec![
            finding(Check::Shape, "a JWT".to_owned(), Ok(())),
            finding(Check::Algorithm, format!("{:?}", header.alg), checks::algorithm(&header)),
        ];
        let key = self.key(header.kid.as_deref()).await;
        let id = header.kid.as_deref().map_or_else(|| "no key id".to_owned(), checks::shown);
        findings.push(finding(Check::Key, id, key.as_ref().map(|_| ()).map_err(Clone::clone)));
        let claims = match key {
            Ok(key) => {
                let checked = checks::algorithm(&header).and_then(|()| self.signature(token, &key));
                let (claims, outcome) = match checked {
                    Ok(claims) => (Some(claims), Ok(())),
                    Err(fault) => (checks::unverified(token), Err(fault)),
                };
                findings.push(finding(Check::Signature, "checked with the key".to_owned(), outcome));
                claims
            }
            Err(fault) => {
                let found = "cannot be checked without the key".to_owned();
                findings.push(finding(Check::Signature, found, Err(fault)));
                checks::unverified(token)
            }
        };
        let now = clock.now_seconds();
        for (check, holds, words) in OF_CLAIMS {
            findings.push(match &claims {
                Some(claims) => finding(check, words(claims, now), holds(claims, expected, now)),
                None => finding(check, "the claims cannot be read".to_owned(), Err(Fault::Malformed)),
            });
        }
        findings
    }

    /// Fetches the service's keys, where there are none yet: without them nobody can be believed.
    ///
    /// # Errors
    /// [`Fault::KeysUnavailable`]
    pub async fn check_keys(&self) -> Result<(), Fault> {
        let Inner { clock, keys, cache, .. } = &*self.inner;
        keys.are_there(clock.now_millis(), |is_published| cache.keep_signed_by(is_published)).await
    }

    /// How many signatures were checked so far.
    pub fn signatures_checked(&self) -> u64 {
        self.inner.signatures.load(Ordering::Relaxed)
    }

    /// What a token claims whose signature was checked before, with a key that is still published.
    async fn known(&self, hash: &cache::Hash) -> Result<Option<Arc<Claims>>, Fault> {
        let Some((key, claims)) = self.inner.cache.get(hash) else { return Ok(None) };
        let published = self.key(Some(&key.id)).await?;
        Ok(Arc::ptr_eq(&published, &key).then_some(claims))
    }

    async fn key(&self, id: Option<&str>) -> Result<Arc<Published>, Fault> {
        let Inner { clock, keys, cache, .. } = &*self.inner;
        let id = id.ok_or(Fault::UnknownKey)?;
        keys.get(id, clock.now_millis(), |is_published| cache.keep_signed_by(is_published)).await
    }

    fn signature(&self, token: &str, key: &Published) -> Result<Claims, Fault> {
        self.inner.signatures.fetch_add(1, Ordering::Relaxed);
        checks::signature(token, &key.key)
    }
}

/// The token of an `Authorization` header.
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.trim().split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
#[cfg(feature = "simulator")]
mod tests {
    use std::sync::OnceLock;
    use std::sync::atomic::AtomicU32;

    use axum::Router;
    use axum::routing::get;
    use jsonwebtoken::jwk::Jwk;
    use jsonwebtoken::{Algorithm, EncodingKey, Header};
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
        let without_key_id =
            jsonwebtoken::encode(&Header::new(Algorithm::RS256), &scene.claims(), &keys()[0]).unwrap();
        for (name, token, fault) in [
            ("no signature", format!("{head}."), Fault::Signature),
            ("alg none", unsigned, Fault::Malformed),
            ("hs256 with the public key as secret", hs256, Fault::Algorithm),
            ("tampered", tampered, Fault::Signature),
            ("another key", sign("one", &scene.claims(), &keys()[1]), Fault::Signature),
            ("unknown kid", sign("two", &scene.claims(), &keys()[1]), Fault::UnknownKey),
            ("no kid", without_key_id, Fault::UnknownKey),
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
        tokio::time::advance(REFETCH_AFTER).await;
        for number in 0..20 {
            let forged = sign(&format!("forged-{number}"), &scene.claims(), &keys()[1]);
            assert_eq!(scene.check(&forged).await, Err(Fault::UnknownKey));
        }
        assert_eq!(scene.fetched.load(Ordering::SeqCst), 2, "once for however many");
        serve(&scene.net, &scene.fetched, vec![published("two", &keys()[1])]);
        tokio::time::advance(REFETCH_AFTER).await;
        assert!(scene.check(&sign("two", &scene.claims(), &keys()[1])).await.is_ok());
        assert_eq!(scene.fetched.load(Ordering::SeqCst), 3);
        assert_eq!(scene.check(&scene.token(|_| {})).await, Err(Fault::UnknownKey), "rotated away");
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

    #[tokio::test(start_paused = true)]
    async fn a_signature_is_checked_once_a_token_and_its_end_each_time() {
        let scene = scene();
        let token = scene.token(|_| {});
        for _ in 0..20 {
            assert!(scene.check(&token).await.is_ok());
        }
        assert_eq!(scene.authenticator.signatures_checked(), 1);
        // The same beginning, and another end.
        let other = scene.token(|claims| claims["iat"] = json!(1));
        let (head, _) = token.rsplit_once('.').unwrap();
        let (_, signature) = other.rsplit_once('.').unwrap();
        assert_eq!(scene.check(&format!("{head}.{signature}")).await, Err(Fault::Signature));
        assert!(scene.check(&other).await.is_ok());
        assert_eq!(scene.authenticator.signatures_checked(), 3);
        tokio::time::advance(Duration::from_secs(3900 + TOLERANCE_SECONDS - 1)).await;
        assert!(scene.check(&token).await.is_ok());
        assert_eq!(scene.authenticator.signatures_checked(), 3, "still of the first time");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(scene.check(&token).await, Err(Fault::Expired));
        assert_eq!(scene.authenticator.inner.cache.len(), 1, "and gone");
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_is_withdrawn_or_replaced_takes_its_tokens_with_it() {
        let scene = scene();
        let long = |key: &EncodingKey| {
            let mut claims = scene.claims();
            claims["exp"] = json!(scene.clock.now_seconds() + 100_000);
            sign("one", &claims, key)
        };
        let token = long(&keys()[0]);
        assert!(scene.check(&token).await.is_ok());
        tokio::time::advance(KEYS_FRESH_FOR).await;
        assert!(scene.check(&token).await.is_ok());
        assert_eq!(scene.fetched.load(Ordering::SeqCst), 2);
        assert_eq!(scene.authenticator.signatures_checked(), 1, "the same key is published");
        // Another key under the same id.
        serve(&scene.net, &scene.fetched, vec![published("one", &keys()[1])]);
        tokio::time::advance(KEYS_FRESH_FOR).await;
        assert_eq!(scene.check(&token).await, Err(Fault::Signature));
        assert!(scene.check(&long(&keys()[1])).await.is_ok());
        serve(&scene.net, &scene.fetched, vec![published("two", &keys()[1])]);
        tokio::time::advance(KEYS_FRESH_FOR).await;
        assert_eq!(scene.check(&long(&keys()[1])).await, Err(Fault::UnknownKey));
        assert_eq!(scene.authenticator.inner.cache.len(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn of_very_many_tokens_the_oldest_go() {
        let scene = scene();
        let set = json!({"keys": [published("one", &keys()[0])]}).to_string();
        let given = Keys::given(set.as_bytes()).unwrap();
        let key = given.get("one", 0, |_| {}).await.unwrap();
        let claims = Arc::new(checks::unverified(&scene.token(|_| {})).unwrap());
        let cache = Cache::default();
        let hash = |number: usize| cache::hash_of(&number.to_string());
        for number in 0..=cache::MAX_TOKENS {
            cache.put(hash(number), Arc::clone(&key), Arc::clone(&claims));
        }
        assert_eq!(cache.len(), cache::MAX_TOKENS);
        assert!(cache.get(&hash(0)).is_none() && cache.get(&hash(1)).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_that_another_app_or_tenant_may_use_is_refused_however_often_it_was_good_elsewhere() {
        let scene = scene();
        let transport: Arc<dyn Transport> = Arc::new(scene.net.clone());
        let other = |expected| {
            let openid = "https://keys.test/openid";
            Authenticator::new(expected, openid, Arc::clone(&transport), scene.clock)
        };
        let other_app = other(Expected::for_app("another-app"));
        let other_tenant = other(Expected::for_app(APP).of_tenants(["tenant-2".to_owned()]));
        let header = format!("Bearer {}", scene.token(|_| {}));
        for _ in 0..2 {
            assert!(scene.authenticator.authenticate(Some(&header)).await.is_ok());
            assert_eq!(other_app.authenticate(Some(&header)).await, Err(Fault::Audience));
            let fault = other_tenant.authenticate(Some(&header)).await.unwrap_err();
            assert_eq!(fault, Fault::TenantNotServed("tenant-1".to_owned()));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn every_check_is_told_of_and_the_first_that_fails_is_what_the_webhook_says() {
        let scene = scene();
        let now = scene.clock.now_seconds();
        let good = scene.token(|_| {});
        let findings = scene.authenticator.examine(&good).await;
        assert!(findings.iter().all(|finding| finding.outcome.is_ok()), "{findings:?}");
        let lifetime = &findings.iter().find(|finding| finding.check == Check::Lifetime).unwrap().found;
        assert_eq!(lifetime, "began now, expires in 1 h 5 min; 5 min of tolerance");
        for (token, fails) in [
            ("x.y".to_owned(), vec![Check::Shape]),
            (sign("one", &scene.claims(), &keys()[1]), vec![Check::Signature]),
            (sign("two", &scene.claims(), &keys()[0]), vec![Check::Key, Check::Signature]),
            (scene.token(|c| c["exp"] = json!(now - 3_900)), vec![Check::Lifetime]),
            (
                scene.token(|c| {
                    c["iss"] = json!("https://sts.windows.net/x");
                    c["aud"] = json!("another");
                    c["tid"] = Value::Null;
                }),
                vec![Check::Issuer, Check::Audience, Check::Tenant],
            ),
        ] {
            let findings = scene.authenticator.examine(&token).await;
            let failed: Vec<_> = findings
                .iter()
                .filter(|finding| finding.outcome.is_err())
                .map(|finding| finding.check)
                .collect();
            assert_eq!(failed, fails);
            let first = findings.into_iter().find_map(|finding| finding.outcome.err());
            assert_eq!(scene.check(&token).await.err(), first);
        }
    }
}
