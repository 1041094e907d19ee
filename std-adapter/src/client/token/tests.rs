use std::sync::atomic::AtomicU32;

use axum::extract::{Form, Path};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{HeaderMap, StatusCode, Uri};
use serde_json::{Value, json};

use super::*;
use crate::client::certificate::tests::{checked, made, rsa};
use crate::client::{AssertionSource, Certificate, Federation, Fetch, ManagedIdentity, Proof, TokenSource};
use crate::transport::InProcess;

const HOME: &str = "home.example";
const EXCHANGE: &str = "api://AzureADTokenExchange";
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The tenant of a fetch, and its form.
type Asking = (String, HashMap<String, String>);

/// What the issuer of tokens was asked, with the tenant, and what it answers next.
#[derive(Clone, Default)]
struct Login {
    asked: Arc<Mutex<Vec<Asking>>>,
    answers: Arc<Mutex<Vec<(u16, Value)>>>,
}

impl Login {
    fn answer_next(&self, status: u16, body: Value) {
        self.answers.lock().unwrap().push((status, body));
    }

    fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    fn last(&self) -> HashMap<String, String> {
        self.asked.lock().unwrap().last().unwrap().1.clone()
    }

    fn router(&self) -> Router {
        let login = self.clone();
        let issue = async move |Path(tenant): Path<String>, Form(form): Form<HashMap<String, String>>| {
            tokio::time::sleep(Duration::from_millis(50)).await;
            login.asked.lock().unwrap().push((tenant.clone(), form));
            let mut answers = login.answers.lock().unwrap();
            if answers.is_empty() {
                let token = format!("token-{}-{tenant}", login.count());
                return (StatusCode::OK, Json(json!({"access_token": token, "expires_in": 3600})));
            }
            let (status, body) = answers.remove(0);
            (StatusCode::from_u16(status).unwrap(), Json(body))
        };
        Router::new().route("/{tenant}/oauth2/v2.0/token", post(issue))
    }
}

struct Scene {
    net: InProcess,
    login: Login,
    tokens: Tokens,
}

fn scene(proof: impl Into<Proof>) -> Scene {
    let (net, login) = (InProcess::new(), Login::default());
    net.mount("login.test", login.router());
    let endpoints = Endpoints { authority: "https://login.test".to_owned(), ..Endpoints::global() };
    let credentials = Credentials::new(HOME, "app", proof);
    let transport = Arc::new(net.clone());
    let tokens = Tokens::new(credentials, endpoints, Limits::default(), transport, Clock::system());
    Scene { net, login, tokens }
}

fn by_secret() -> Scene {
    scene(SecretString::from("s3cret"))
}

impl Scene {
    async fn get(&self, tenant: &str) -> Result<String, TokenError> {
        match self.tokens.get(tenant, None).await {
            Ok(token) => Ok(token.expose_secret().to_owned()),
            Err(ClientError::NoToken { reason, .. }) => Err(*reason),
            Err(other) => panic!("{other}"),
        }
    }
}

fn refusal(code: u32) -> Value {
    json!({"error": "invalid_client", "error_description": format!("AADSTS{code}: No."), "error_codes": [code]})
}

#[tokio::test(start_paused = true)]
async fn a_secret_goes_to_the_tenants_own_endpoint() {
    let scene = by_secret();
    assert_eq!(scene.get("other.example").await.unwrap(), "token-1-other.example");
    let form = scene.login.last();
    let sent = |name: &str| form.get(name).map(String::as_str);
    assert_eq!((sent("client_id"), sent("client_secret")), (Some("app"), Some("s3cret")));
    assert_eq!(sent("grant_type"), Some("client_credentials"));
    assert_eq!(sent("scope"), Some("https://graph.microsoft.com/.default"));
}

#[tokio::test(start_paused = true)]
async fn a_certificate_signs_an_assertion_for_each_fetch() {
    let (certificate, key) = made(&rsa());
    let scene = scene(Certificate::from_pem(format!("{certificate}{key}")).unwrap());
    let mut ids = Vec::new();
    for tenant in ["a.example", "b.example"] {
        scene.get(tenant).await.unwrap();
        let form = scene.login.last();
        assert_eq!(form["client_assertion_type"], JWT_BEARER);
        assert!(!form.contains_key("client_secret"));
        let endpoint = format!("https://login.test/{tenant}/oauth2/v2.0/token");
        let (_, claims) = checked(&certificate, &form["client_assertion"], &endpoint);
        let now = scene.tokens.platform.clock.now_seconds();
        assert!(claims["nbf"].as_u64().unwrap() <= now && claims["exp"].as_u64().unwrap() > now);
        ids.push(claims["jti"].clone());
    }
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test(start_paused = true)]
async fn an_assertions_file_is_read_anew_at_every_fetch() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let scene = scene(Federation::File(file.path().to_owned()));
    let empty = scene.get("a.example").await.unwrap_err();
    assert!(matches!(&empty, TokenError::NoProof(reason) if reason.contains("empty")), "{empty}");
    assert!(empty.to_string().contains(file.path().to_str().unwrap()), "{empty}");
    for assertion in ["first", "second"] {
        std::fs::write(file.path(), format!("{assertion}\n")).unwrap();
        scene.get(&format!("{assertion}.example")).await.unwrap();
        let form = scene.login.last();
        assert_eq!((&*form["client_assertion"], &*form["client_assertion_type"]), (assertion, JWT_BEARER));
    }
    assert_eq!(scene.login.count(), 2, "without an assertion nobody is asked");
}

struct Sealed;

impl AssertionSource for Sealed {
    fn assertion<'a>(&'a self, audience: &'a str) -> Fetch<'a, SecretString> {
        Box::pin(async move { Ok(SecretString::from(format!("sealed for {audience}"))) })
    }
}

#[tokio::test(start_paused = true)]
async fn an_assertion_of_the_authors_own_is_for_the_exchange_and_never_told() {
    let scene = scene(Federation::source(Sealed));
    let repeated = json!({"error": "invalid_client", "error_description": format!("AADSTS700213: sealed for {EXCHANGE}?")});
    scene.login.answer_next(401, repeated);
    let error = scene.get(HOME).await.unwrap_err().to_string();
    assert!(error.contains("subject") && !error.contains("sealed for"), "{error}");
    assert_eq!(scene.login.last()["client_assertion"], format!("sealed for {EXCHANGE}"));
}

/// A machine's own service: what it was asked, by header and query, and its answer.
type Asked = Arc<Mutex<Vec<(HeaderMap, HashMap<String, String>)>>>;

fn machine(path: &str, status: StatusCode, body: Value) -> (Router, Asked) {
    let asked = Asked::default();
    let heard = Arc::clone(&asked);
    let answer = async move |uri: Uri, headers: HeaderMap| {
        let query = uri.query().unwrap_or_default().as_bytes();
        let query = url::form_urlencoded::parse(query).into_owned().collect();
        heard.lock().unwrap().push((headers, query));
        (status, Json(body))
    };
    (Router::new().route(path, get(answer)), asked)
}

const METADATA: &str = "/metadata/identity/oauth2/token";

#[tokio::test(start_paused = true)]
async fn a_virtual_machine_has_tokens_of_its_own_identity() {
    let given = json!({"access_token": "of the machine", "expires_in": "86400", "expires_on": "1"});
    for (identity, client_id) in [
        (ManagedIdentity::of_virtual_machine(), None),
        (ManagedIdentity::of_virtual_machine().user_assigned("app"), Some("app")),
    ] {
        let scene = scene(identity);
        let (router, asked) = machine(METADATA, StatusCode::OK, given.clone());
        scene.net.mount("169.254.169.254", router);
        assert_eq!(scene.get(&HOME.to_uppercase()).await.unwrap(), "of the machine");
        tokio::time::advance(Duration::from_secs(86_400 - 301)).await;
        scene.get(HOME).await.unwrap();
        let asked = asked.lock().unwrap();
        assert_eq!(asked.len(), 1, "it is kept for as long as it lives");
        let (headers, query) = &asked[0];
        assert_eq!(headers["metadata"], "true");
        assert_eq!(query["api-version"], "2018-02-01");
        assert_eq!(query["resource"], "https://graph.microsoft.com");
        assert_eq!(query.get("client_id").map(String::as_str), client_id);
    }
}

#[tokio::test(start_paused = true)]
async fn an_app_service_has_tokens_of_its_own_identity() {
    let identity =
        ManagedIdentity::of_app_service("http://localhost:41732/msi/token", "h3ader").user_assigned("app");
    let scene = scene(identity);
    let end = scene.tokens.platform.clock.now_seconds() + 1000;
    let given = json!({"access_token": "of the app", "expires_on": end.to_string()});
    let (router, asked) = machine("/msi/token", StatusCode::OK, given);
    scene.net.mount("localhost:41732", router);
    assert_eq!(scene.get(HOME).await.unwrap(), "of the app");
    tokio::time::advance(Duration::from_secs(890)).await;
    scene.get(HOME).await.unwrap();
    assert_eq!(asked.lock().unwrap().len(), 1, "the end that it states counts");
    tokio::time::advance(Duration::from_secs(20)).await;
    scene.get(HOME).await.unwrap();
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 2, "and it is renewed before that");
    let (headers, query) = &asked[0];
    assert_eq!(headers["x-identity-header"], "h3ader");
    assert_eq!((&*query["api-version"], &*query["client_id"]), ("2019-08-01", "app"));
}

#[tokio::test(start_paused = true)]
async fn a_managed_identity_has_no_token_of_another_tenant_and_the_way_out_is_named() {
    let there = scene(ManagedIdentity::of_virtual_machine());
    let error = there.get("other.example").await.unwrap_err();
    assert_eq!(error, TokenError::HomeTenantOnly { home_tenant_id: HOME.to_owned() });
    assert!(error.to_string().contains("Federation::ManagedIdentity"), "{error}");
    // The way out.
    let scene =
        scene(Federation::ManagedIdentity(ManagedIdentity::of_virtual_machine().user_assigned("identity")));
    let (router, asked) =
        machine(METADATA, StatusCode::OK, json!({"access_token": "of the machine", "expires_in": "86400"}));
    scene.net.mount("169.254.169.254", router);
    assert_eq!(scene.get("other.example").await.unwrap(), "token-1-other.example");
    assert_eq!(asked.lock().unwrap()[0].1["resource"], EXCHANGE);
    assert_eq!(asked.lock().unwrap()[0].1["client_id"], "identity");
    let form = scene.login.last();
    assert_eq!((&*form["client_id"], &*form["client_assertion"]), ("app", "of the machine"));
}

#[tokio::test(start_paused = true)]
async fn a_machines_service_that_refuses_or_is_away_is_told_apart() {
    for (status, body, is_definite) in [
        (400, json!({"error": "invalid_request", "error_description": "No identity for h3ader"}), true),
        (404, json!({"error": "not_found"}), false),
        (410, json!({}), false),
        (429, json!({"error": "too_many"}), false),
        (503, json!("down"), false),
    ] {
        let identity = ManagedIdentity::of_app_service("http://127.0.0.1:8081/msi/token", "h3ader");
        let scene = scene(identity);
        let (router, _) = machine("/msi/token", StatusCode::from_u16(status).unwrap(), body);
        scene.net.mount("127.0.0.1:8081", router);
        let error = scene.get(HOME).await.unwrap_err();
        assert_eq!(error.is_definite(), is_definite, "{status} {error}");
        assert!(!error.to_string().contains("h3ader"), "{error}");
    }
    let gone = scene(ManagedIdentity::of_virtual_machine()).get(HOME).await.unwrap_err();
    assert!(!gone.is_definite() && gone.to_string().contains("169.254.169.254"), "{gone}");
    let astray = ManagedIdentity::of_app_service("http://identity.example/msi/token", "h3ader");
    let error = scene(astray).get(HOME).await.unwrap_err().to_string();
    assert!(error.contains("plain http") && !error.contains("h3ader"), "{error}");
}

#[derive(Clone, Default)]
struct Broker {
    asked: Arc<AtomicU32>,
}

impl TokenSource for Broker {
    fn token<'a>(&'a self, tenant_id: &'a str, scope: &'a str) -> Fetch<'a, AccessToken> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::SeqCst);
            match tenant_id {
                "refused.example" => {
                    return Err(TokenError::Source("the broker knows no such tenant".to_owned()));
                }
                "silent.example" => tokio::time::sleep(Duration::from_secs(60)).await,
                _ => {}
            }
            let token = format!("{tenant_id} {scope}");
            Ok(AccessToken::new(SecretString::from(token), Duration::from_secs(100)))
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_of_the_authors_own_is_kept_paused_and_limited_like_any_other() {
    let broker = Broker::default();
    let scene = scene(Proof::Source(Arc::new(broker.clone())));
    for _ in 0..2 {
        assert_eq!(scene.get(HOME).await.unwrap(), format!("{HOME} https://graph.microsoft.com/.default"));
    }
    assert_eq!(broker.asked.load(Ordering::SeqCst), 1);
    tokio::time::advance(Duration::from_secs(91)).await;
    scene.get(HOME).await.unwrap();
    assert_eq!(broker.asked.load(Ordering::SeqCst), 2, "renewed before its end");
    let refused = scene.get("refused.example").await.unwrap_err();
    assert_eq!(scene.get("refused.example").await.unwrap_err(), refused);
    assert_eq!(broker.asked.load(Ordering::SeqCst), 3, "the second was told without asking");
    let silent = scene.get("silent.example").await.unwrap_err();
    assert!(matches!(silent, TokenError::Unavailable(_)), "{silent}");
}

#[tokio::test(start_paused = true)]
async fn a_definite_refusal_is_told_for_a_while_without_asking_again() {
    let scene = by_secret();
    scene.login.answer_next(401, refusal(7_000_222));
    let error = scene.get(HOME).await.unwrap_err();
    assert!(error.to_string().contains("has expired") && error.is_definite(), "{error}");
    tokio::time::advance(PAUSE.saturating_sub(Duration::from_millis(1))).await;
    assert_eq!(scene.get(HOME).await.unwrap_err(), error);
    assert_eq!(scene.login.count(), 1);
    scene.get("other.example").await.unwrap();
    tokio::time::advance(Duration::from_millis(1)).await;
    scene.get(HOME).await.unwrap();
    assert_eq!(scene.login.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_asked_about_at_once_again_but_once_for_all_who_wait() {
    let scene = Arc::new(by_secret());
    scene.login.answer_next(503, json!({"error": "temporarily_unavailable"}));
    let asks: Vec<_> = (0..20)
        .map(|_| {
            let scene = Arc::clone(&scene);
            tokio::spawn(async move { scene.get(HOME).await })
        })
        .collect();
    for ask in asks {
        let error = ask.await.unwrap().unwrap_err();
        assert!(matches!(error, TokenError::Unavailable(_)), "{error}");
    }
    assert_eq!(scene.login.count(), 1);
    scene.get(HOME).await.unwrap();
    assert_eq!(scene.login.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_the_platform_says_is_for_now_is_no_refusal() {
    for (status, body) in [
        (400, refusal(90_024)),
        (400, json!({"error": "temporarily_unavailable"})),
        (429, refusal(7_000_215)),
        (500, json!({})),
        (200, json!({"token_type": "Bearer"})),
        (302, json!({})),
    ] {
        let scene = by_secret();
        scene.login.answer_next(status, body);
        let error = scene.get(HOME).await.unwrap_err();
        assert!(!error.is_definite(), "{status} {error}");
        assert!(scene.get(HOME).await.is_ok(), "it is asked again at once");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_cannot_be_renewed_serves_to_its_end() {
    let scene = by_secret();
    let first = scene.get(HOME).await.unwrap();
    scene.net.unmount("login.test");
    tokio::time::advance(Duration::from_secs(3400)).await;
    assert_eq!(scene.get(HOME).await.unwrap(), first, "renewal fails");
    scene.net.mount("login.test", scene.login.router());
    assert_eq!(scene.get(HOME).await.unwrap(), first, "and is not tried again at once");
    scene.net.unmount("login.test");
    tokio::time::advance(Duration::from_secs(200)).await;
    assert!(matches!(scene.get(HOME).await.unwrap_err(), TokenError::Unavailable(_)));
    scene.net.mount("login.test", scene.login.router());
    assert_ne!(scene.get(HOME).await.unwrap(), first);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_could_not_be_renewed_and_is_refused_is_fetched_anew_at_once() {
    let scene = by_secret();
    let first = scene.tokens.get(HOME, None).await.unwrap();
    tokio::time::advance(Duration::from_secs(3400)).await;
    scene.login.answer_next(503, json!({}));
    assert_eq!(scene.get(HOME).await.unwrap(), first.expose_secret());
    let second = scene.tokens.get(HOME, Some(&first)).await.unwrap();
    assert_ne!(second.expose_secret(), first.expose_secret());
}

#[tokio::test(start_paused = true)]
async fn while_one_renews_a_token_the_old_one_serves_the_others() {
    let scene = Arc::new(by_secret());
    let first = scene.get(HOME).await.unwrap();
    tokio::time::advance(Duration::from_secs(3301)).await;
    let renewing = tokio::spawn({
        let scene = Arc::clone(&scene);
        async move { scene.get(HOME).await.unwrap() }
    });
    tokio::task::yield_now().await;
    assert_eq!(scene.get(HOME).await.unwrap(), first);
    assert!(!renewing.is_finished(), "nobody waited for it");
    let second = renewing.await.unwrap();
    assert_ne!(second, first);
    assert_eq!(scene.get(HOME).await.unwrap(), second);
    assert_eq!(scene.login.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_is_given_up_leaves_the_turn_to_the_next() {
    let scene = by_secret();
    let given_up = tokio::time::timeout(Duration::from_millis(10), scene.get(HOME)).await;
    assert!(given_up.is_err());
    assert!(scene.get(HOME).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_never_comes_back_even_where_there_is_no_new_one() {
    let scene = by_secret();
    let first = scene.tokens.get(HOME, None).await.unwrap();
    scene.login.answer_next(401, refusal(7_000_215));
    assert!(scene.tokens.get(HOME, Some(&first)).await.is_err());
    assert!(scene.get(HOME).await.is_err());
    tokio::time::advance(PAUSE).await;
    assert_ne!(scene.get(HOME).await.unwrap(), first.expose_secret());
}

#[tokio::test(start_paused = true)]
async fn as_many_tenants_are_kept_as_fit_and_the_one_unused_longest_goes() {
    let broker = Broker::default();
    let scene = scene(Proof::Source(Arc::new(broker.clone())));
    for number in 0..MAX_TENANTS {
        scene.get(&format!("t{number}.example")).await.unwrap();
    }
    scene.get("T0.example").await.unwrap();
    scene.get("one-more.example").await.unwrap();
    let asked = || broker.asked.load(Ordering::SeqCst) as usize;
    assert_eq!((asked(), scene.tokens.of_tenants.lock().unwrap().len()), (MAX_TENANTS + 1, MAX_TENANTS));
    scene.get("t0.example").await.unwrap();
    assert_eq!(asked(), MAX_TENANTS + 1, "it was used a moment ago");
    scene.get("t1.example").await.unwrap();
    assert_eq!(asked(), MAX_TENANTS + 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_tenant_leads_nowhere() {
    let scene = by_secret();
    for tenant in ["", "../x", "a/b", "a?b", "a#b", "a@b", ".", "ä.example"] {
        assert_eq!(scene.get(tenant).await.unwrap_err(), TokenError::Tenant, "{tenant}");
    }
    assert_eq!(scene.login.count(), 0);
}

/// A JWT whose signature nobody checks.
fn jwt(claims: &Value) -> String {
    let key = jsonwebtoken::EncodingKey::from_secret(b"anybody's");
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), claims, &key).unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_newest_token_says_what_is_granted() {
    let scene = by_secret();
    assert_eq!(scene.tokens.granted(HOME), Grants::Unknown, "before the first");
    let both = Permissions::of(&[Permission::InitiateAll, Permission::AccessMediaAll]);
    for (token, grants) in [
        (
            jwt(&json!({"roles": ["Calls.AccessMedia.All", "User.Read.All", "Calls.Initiate.All"]})),
            Grants::Known(both),
        ),
        (jwt(&json!({"roles": ["User.Read.All"]})), Grants::Known(Permissions::NONE)),
        (jwt(&json!({"roles": []})), Grants::Unknown),
        (jwt(&json!({"aud": "graph"})), Grants::Unknown),
        (jwt(&json!({"roles": "Calls.Initiate.All"})), Grants::Unknown),
        ("opaque".to_owned(), Grants::Unknown),
    ] {
        scene.login.answer_next(200, json!({"access_token": token, "expires_in": 10}));
        scene.get(HOME).await.unwrap();
        assert_eq!(scene.tokens.granted(&HOME.to_uppercase()), grants, "{token}");
        assert_eq!(scene.tokens.granted("other.example"), Grants::Unknown);
        tokio::time::advance(Duration::from_secs(10)).await;
    }
}
