use std::collections::BTreeMap;

use axum::Extension;
use axum::body::Body;
use axum::routing::any;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use tower::ServiceExt as _;

use super::*;
use crate::clock::Clock;
use crate::simulator::{Access, Registration, Simulator, SimulatorError, seed};
use crate::transport::InProcess;

const APP: &str = "app-1";
const TENANT: &str = "tenant-1";
const SECRET: &str = "s3cret";
const KEY: &str = "the key of this simulator";
/// A secret as Entra ID makes them, and nobody's.
const LIKE_A_REAL_SECRET: &str = "abc8Q~0123456789012345678901234567890123";

fn config(key: Option<&str>) -> Config {
    let app = Registration::new(APP, TENANT, SECRET, "https://bot.test/calls");
    let mut config = Config::new("http://127.0.0.1:4100", app);
    config.access = Access { hosts: vec!["Sim.Test".to_owned()], key: key.map(Into::into) };
    config
}

fn simulator(key: Option<&str>) -> Simulator {
    Simulator::try_new(config(key), Arc::new(InProcess::new()), Clock::system()).unwrap()
}

/// A page and a control request behind the guard, as the simulator serves them, by https where that is said.
fn guarded(key: Option<&str>, is_encrypted: bool) -> Router {
    let policy = Policy::of(&config(key));
    let router = Router::new()
        .route("/", get(async || "page"))
        .route("/sim/v1/people", any(async || "done"))
        .layer(layer(Arc::clone(&policy)))
        .merge(links(&policy))
        .layer(outermost(policy, Arc::new(Keys::try_new().unwrap())));
    if is_encrypted { router.layer(Extension(Encrypted)) } else { router }
}

fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> Request {
    let mut request = http::Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::empty()).unwrap()
}

async fn ask(router: &Router, request: Request) -> Response {
    router.clone().oneshot(request).await.unwrap()
}

/// The status, and the code of the refusal where there is one.
async fn outcome(router: &Router, request: Request) -> (u16, String) {
    let response = ask(router, request).await;
    let status = response.status().as_u16();
    let body = axum::body::to_bytes(response.into_body(), 100_000).await.unwrap();
    let json: Value = serde_json::from_slice(&body).unwrap_or_default();
    (status, json["error"]["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_name_that_is_not_ours_reaches_nothing() {
    let router = simulator(None).router();
    for path in [
        "/",
        "/sim/session?code=x",
        "/tenant-1/oauth2/v2.0/token",
        "/tenant-1/v2.0/.well-known/openid-configuration",
        "/common/discovery/instance",
        "/v1/.well-known/OpenIdConfiguration",
        "/v1/.well-known/keys",
        "/recordings/x",
        "/v1.0/communications/calls",
        "/sim/v1/openapi.json",
        "/sim/v1/people",
        "/anything",
    ] {
        for method in ["GET", "POST", "OPTIONS"] {
            for host in
                ["evil.test", "localhost.evil.test:4100", "10.0.0.1:4100", "localhost.", "sim.test.evil"]
            {
                let refused = outcome(&router, request(method, path, &[("host", host)])).await;
                assert_eq!(refused, (421, "wrongHost".to_owned()), "{method} {path} {host}");
            }
            for host in
                ["localhost:4100", "LOCALHOST", "127.0.0.1:4100", "127.0.0.2", "[::1]:4100", "sim.test:1"]
            {
                let (status, code) = outcome(&router, request(method, path, &[("host", host)])).await;
                assert!(status != 421 && code != "wrongHost", "{method} {path} {host}: {status}");
            }
        }
    }
}

#[tokio::test]
async fn a_request_names_one_host() {
    let router = guarded(None, false);
    let no_host: [&[(&str, &str)]; 4] = [
        &[],
        &[("host", "")],
        &[("host", "localhost"), ("host", "localhost")],
        &[("host", "localhost@evil.test")],
    ];
    for headers in no_host {
        let refused = outcome(&router, request("GET", "/", headers)).await;
        assert_eq!(refused, (400, "noHost".to_owned()), "{headers:?}");
    }
    // Within the process the address itself names it.
    assert_eq!(ask(&router, request("GET", "http://localhost/", &[])).await.status(), 200);
    assert_eq!(ask(&router, request("GET", "http://evil.test/", &[])).await.status(), 421);
}

#[tokio::test]
async fn a_page_of_another_origin_neither_steers_nor_reads() {
    let router = guarded(None, false);
    let own = "http://localhost:4100";
    let visit =
        |site| vec![("sec-fetch-site", site), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
    let with = |mut all: Vec<(&'static str, &'static str)>, one| {
        all.push(one);
        all
    };
    for (what, method, path, headers, passes) in [
        ("a program", "POST", "/sim/v1/people", vec![], true),
        (
            "our page",
            "POST",
            "/sim/v1/people",
            vec![("origin", own), ("sec-fetch-site", "same-origin")],
            true,
        ),
        ("our page in an old browser", "POST", "/sim/v1/people", vec![("origin", own)], true),
        ("our page reads", "GET", "/sim/v1/people", vec![("sec-fetch-site", "same-origin")], true),
        ("an address typed in", "GET", "/", visit("none"), true),
        ("a link elsewhere", "GET", "/", visit("cross-site"), true),
        ("a link on another port", "HEAD", "/", visit("same-site"), true),
        (
            "a form elsewhere",
            "POST",
            "/sim/v1/people",
            with(visit("cross-site"), ("origin", "https://evil.test")),
            false,
        ),
        ("a form without an origin", "POST", "/sim/v1/people", visit("cross-site"), false),
        ("a form on another port", "POST", "/sim/v1/people", visit("same-site"), false),
        (
            "a script of an old browser",
            "POST",
            "/sim/v1/people",
            vec![("origin", "https://evil.test")],
            false,
        ),
        ("an origin that is hidden", "POST", "/sim/v1/people", vec![("origin", "null")], false),
        (
            "an origin on another port",
            "PUT",
            "/sim/v1/people",
            vec![("origin", "http://localhost:3000")],
            false,
        ),
        ("an origin by https", "DELETE", "/sim/v1/people", vec![("origin", "https://localhost:4100")], false),
        (
            "an origin of our beginning",
            "PATCH",
            "/",
            vec![("origin", "http://localhost:4100.evil.test")],
            false,
        ),
        (
            "two origins",
            "POST",
            "/sim/v1/people",
            vec![("origin", own), ("origin", "https://evil.test")],
            false,
        ),
        ("a script elsewhere reads", "GET", "/sim/v1/people", vec![("sec-fetch-site", "cross-site")], false),
        ("a script reads by CORS", "GET", "/sim/v1/people", vec![("origin", "https://evil.test")], false),
        (
            "an image elsewhere",
            "GET",
            "/",
            vec![("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")],
            false,
        ),
        (
            "a frame elsewhere",
            "GET",
            "/",
            vec![
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-mode", "navigate"),
                ("sec-fetch-dest", "iframe"),
            ],
            false,
        ),
        ("a word that is not known", "GET", "/", vec![("sec-fetch-site", "SAME-ORIGIN?")], false),
    ] {
        let mut headers = headers;
        headers.push(("host", "localhost:4100"));
        let (status, code) = outcome(&router, request(method, path, &headers)).await;
        if passes {
            assert_eq!((status, code.as_str()), (200, ""), "{what}");
        } else {
            assert_eq!((status, code.as_str()), (403, "wrongOrigin"), "{what}");
        }
    }
}

#[tokio::test]
async fn the_own_origin_is_that_of_the_listener() {
    let host = ("host", "localhost:4101");
    for (is_encrypted, origin, status) in [
        (true, "https://localhost:4101", 200),
        (true, "http://localhost:4101", 403),
        (false, "http://localhost:4101", 200),
        (false, "https://localhost:4101", 403),
    ] {
        let posted = request("POST", "/sim/v1/people", &[host, ("origin", origin)]);
        assert_eq!(
            ask(&guarded(None, is_encrypted), posted).await.status(),
            status,
            "{is_encrypted} {origin}"
        );
    }
}

#[tokio::test]
async fn no_answer_lets_another_origin_read_frame_or_keep_it() {
    let host = ("host", "localhost:4100");
    let foreign = ("origin", "https://evil.test");
    let asks = ("access-control-request-method", "POST");
    let (real, toy) = (simulator(None).router(), guarded(None, false));
    for (router, path) in [
        (&toy, "/"),
        (&toy, "/sim/v1/people"),
        (&toy, "/sim/session"),
        (&real, "/v1.0/communications/calls"),
        (&real, "/tenant-1/oauth2/v2.0/token"),
        (&real, "/v1/.well-known/keys"),
    ] {
        for method in ["OPTIONS", "GET", "POST"] {
            let response = ask(router, request(method, path, &[host, foreign, asks])).await;
            let mut names = response.headers().keys().map(HeaderName::as_str);
            assert!(!names.any(|name| name.starts_with("access-control")), "{method} {path}");
        }
    }
    for (path, headers) in [("/", vec![host]), ("/sim/v1/people", vec![host, foreign])] {
        let response = ask(&toy, request("GET", path, &headers)).await;
        for (name, value) in [
            ("content-security-policy", "frame-ancestors 'none'"),
            ("x-frame-options", "DENY"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(
                response.headers().get(name).map(HeaderValue::as_bytes),
                Some(value.as_bytes()),
                "{name}"
            );
        }
    }
}

#[tokio::test]
async fn where_there_is_a_key_it_is_shown_with_every_request() {
    let (host, good) = (("host", "localhost"), format!("Bearer {KEY}"));
    let cookie = format!("callflow-sim={KEY}");
    let keyed = guarded(Some(KEY), false);
    for path in ["/", "/sim/v1/people"] {
        for (method, header, status) in [
            ("GET", None, 401),
            ("GET", Some(("authorization", "Bearer another")), 401),
            ("GET", Some(("cookie", "callflow-sim=another")), 401),
            ("GET", Some(("authorization", good.as_str())), 200),
            ("GET", Some(("cookie", cookie.as_str())), 200),
            ("HEAD", None, 401),
        ] {
            let headers: Vec<_> = [Some(host), header].into_iter().flatten().collect();
            let response = ask(&keyed, request(method, path, &headers)).await;
            assert_eq!(response.status(), status, "{method} {path} {header:?}");
            assert_eq!(response.headers().contains_key(WWW_AUTHENTICATE), status == 401, "{method} {path}");
        }
    }
    // The key is no way past the others.
    let elsewhere = [host, ("cookie", cookie.as_str()), ("origin", "https://evil.test")];
    assert_eq!(outcome(&keyed, request("POST", "/sim/v1/people", &elsewhere)).await.1, "wrongOrigin");
    // An empty key is none.
    let unkeyed = guarded(Some(""), false);
    assert_eq!(ask(&unkeyed, request("GET", "/", &[host])).await.status(), 200);
}

/// Each operation of the control API, by its own description: method and path.
async fn operations(router: &Router, headers: &[(&str, &str)]) -> Vec<(String, String)> {
    let described = ask(router, request("GET", "/sim/v1/openapi.json", headers)).await;
    let body = axum::body::to_bytes(described.into_body(), 1_000_000).await.unwrap();
    let json: Value = serde_json::from_slice(&body).unwrap();
    let paths = json["paths"].as_object().unwrap();
    let all = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().keys();
        methods.map(|method| (method.to_uppercase(), path.replace(['{', '}'], "")))
    });
    all.collect()
}

#[tokio::test]
async fn every_operation_of_the_control_api_is_behind_the_guard() {
    let (host, good) = (("host", "localhost:4100"), format!("Bearer {KEY}"));
    let shown = ("authorization", good.as_str());
    let (keyed, open) = (simulator(Some(KEY)).router(), simulator(None).router());
    let operations = operations(&open, &[host]).await;
    assert!(operations.len() > 10, "{operations:?}");
    for (method, path) in &operations {
        let evil = ("origin", "https://evil.test");
        for (router, headers) in [(&open, vec![host, evil]), (&keyed, vec![host, shown, evil])] {
            let refused = outcome(router, request(method, path, &headers)).await;
            assert_eq!(refused, (403, "wrongOrigin".to_owned()), "{method} {path}");
        }
        let refused = outcome(&keyed, request(method, path, &[host])).await;
        assert_eq!(refused, (401, "noKey".to_owned()), "{method} {path}");
    }
    let described = request("GET", "/sim/v1/openapi.json", &[host]);
    assert_eq!(outcome(&keyed, described).await, (401, "noKey".to_owned()));
    let with_key = request("GET", "/sim/v1/people", &[host, shown]);
    assert_eq!(ask(&keyed, with_key).await.status(), 200);
}

#[tokio::test]
async fn the_control_api_registers_no_app_with_a_real_secret() {
    let simulator = simulator(None);
    let app = json!({"id": "app-2", "tenant": TENANT, "secret": LIKE_A_REAL_SECRET, "callback": "https://bot.test/c"});
    let asked = http::Request::put("/sim/v1/apps/app-2").header("host", "localhost");
    let asked = asked.header("content-type", "application/json").body(Body::from(app.to_string())).unwrap();
    let response = ask(&simulator.router(), asked).await;
    assert_eq!(response.status(), 400);
    let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
    let text = String::from_utf8(body.to_vec()).unwrap();
    assert!(text.contains("real tenant") && !text.contains("Q~"), "{text}");
    assert!(simulator.world.app("app-2").is_none());
}

#[tokio::test]
async fn a_link_lets_a_browser_in_once() {
    let (host, good) = (("host", "localhost"), format!("Bearer {KEY}"));
    let keyed = guarded(Some(KEY), true);
    assert_eq!(outcome(&keyed, request("POST", LINK_PATH, &[host])).await, (401, "noKey".to_owned()));
    let made = ask(&keyed, request("POST", LINK_PATH, &[host, ("authorization", &good)])).await;
    let body = axum::body::to_bytes(made.into_body(), 10_000).await.unwrap();
    let link = serde_json::from_slice::<BTreeMap<String, String>>(&body).unwrap()["link"].clone();
    assert!(!link.contains(KEY));
    let entered = ask(&keyed, request("GET", &link, &[host])).await;
    assert_eq!(entered.status(), 303);
    let cookie = entered.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && cookie.contains("Secure"));
    let shown = ("cookie", cookie.split(';').next().unwrap());
    assert_eq!(ask(&keyed, request("GET", "/", &[host, shown])).await.status(), 200);
    for path in [link.as_str(), "/sim/session", "/sim/session?code="] {
        let again = ask(&keyed, request("GET", path, &[host])).await;
        assert!(!again.headers().contains_key("set-cookie"));
        assert_eq!(again.status(), 403, "{path}");
    }
}

#[test]
fn a_simulator_gives_links_where_it_has_a_key() {
    assert_eq!(simulator(None).link(), None);
    let simulator = simulator(Some(KEY));
    let (first, second) = (simulator.link().unwrap(), simulator.link().unwrap());
    assert!(first.starts_with("http://127.0.0.1:4100/sim/session?code=") && first != second, "{first}");
}

fn like_a_real_token() -> String {
    let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
    let claims = part(r#"{"iss":"https://sts.windows.net/932899f8/","aud":"https://graph.microsoft.com"}"#);
    format!("{}.{claims}.c2lnbmF0dXJl", part(r#"{"alg":"RS256","typ":"JWT"}"#))
}

#[tokio::test]
async fn a_real_token_is_refused_by_name_and_seen_by_nobody() {
    let simulator = simulator(None);
    let (router, mut seen) = (simulator.router(), simulator.watch());
    let host = ("host", "localhost");
    for shown in [format!("Bearer {}", like_a_real_token()), format!("bearer  {LIKE_A_REAL_SECRET}")] {
        for path in ["/v1.0/communications/calls/x", "/recordings/x", "/sim/session"] {
            let refused = outcome(&router, request("GET", path, &[host, ("authorization", &shown)])).await;
            assert_eq!(refused, (401, "realCredential".to_owned()), "{path}");
        }
    }
    assert!(seen.try_recv().is_err(), "nothing was observed");
    let junk = request("GET", "/v1.0/communications/calls/x", &[host, ("authorization", "Bearer junk")]);
    let (status, code) = outcome(&router, junk).await;
    assert!(status == 401 && code != "realCredential", "{code}");
    assert!(seen.try_recv().is_ok());
}

#[tokio::test]
async fn what_we_signed_ourselves_is_not_a_real_token() {
    let keys = Arc::new(Keys::try_new().unwrap());
    let policy = Policy::of(&config(None));
    let router = Router::new().route("/", get(async || "page")).layer(outermost(policy, Arc::clone(&keys)));
    let ours = keys.signed_for_tests(&json!({"iss": "https://sts.windows.net/932899f8/"}));
    let shown = format!("Bearer {ours}");
    let headers = [("host", "localhost"), ("authorization", shown.as_str())];
    assert_eq!(ask(&router, request("GET", "/", &headers)).await.status(), 200);
}

#[tokio::test]
async fn a_real_secret_is_refused_by_name_wherever_it_is_given() {
    let router = simulator(None).router();
    let real = like_a_real_token();
    for (name, value, is_named) in [
        ("client_secret", LIKE_A_REAL_SECRET, true),
        ("client_assertion", real.as_str(), true),
        ("client_secret", "another", false),
    ] {
        let form = format!("grant_type=client_credentials&client_id={APP}&scope=x/.default&{name}={value}");
        let asked = http::Request::post("/tenant-1/oauth2/v2.0/token")
            .header("host", "localhost")
            .header("content-type", "application/x-www-form-urlencoded");
        let response = ask(&router, asked.body(Body::from(form)).unwrap()).await;
        assert_eq!(response.status(), 401, "{name}");
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert_eq!(text.contains("real tenant"), is_named, "{text}");
        assert!(!text.contains(value), "{text}");
    }
    let app = Registration::new(APP, TENANT, LIKE_A_REAL_SECRET, "https://bot.test/calls");
    let registered =
        Simulator::try_new(Config::new("http://localhost", app), Arc::new(InProcess::new()), Clock::system());
    let refused = registered.unwrap_err();
    assert_eq!(refused, SimulatorError::RealSecret(APP.to_owned()));
    assert!(!refused.to_string().contains("Q~"), "{refused}");
    let seed = format!(
        "[[app]]\nid = \"{APP}\"\ntenant = \"{TENANT}\"\nsecret = \"{LIKE_A_REAL_SECRET}\"\ncallback = \"https://bot.test/c\"\n"
    );
    let app = Registration::from(seed::Seed::read(&seed).unwrap().apps.remove(0));
    let config = Config::new("http://localhost", app);
    let seeded = Simulator::try_new(config, Arc::new(InProcess::new()), Clock::system());
    assert_eq!(seeded.unwrap_err(), SimulatorError::RealSecret(APP.to_owned()));
}
