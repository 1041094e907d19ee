use std::time::Duration;

use http::{Method, Request};
use tower::ServiceExt;

use super::*;
use crate::clock::Clock;
use crate::prompt::fixtures::FLAC;
use crate::prompt::{Key, Load, Settings};
use crate::wav;

async fn library() -> Prompts {
    let key = Key::new("a secret of the bot").unwrap();
    let prompts = Prompts::try_new(Settings::new("https://bot.test/prompts", key), Clock::system()).unwrap();
    prompts.insert("menu", wav::write(&[0x0102; 100])).await.unwrap();
    prompts
}

/// The path and query of a prompt's address.
fn target(prompts: &Prompts, name: &str) -> String {
    prompts.url(name).unwrap().uri().reveal().replace("https://bot.test", "")
}

async fn ask(prompts: &Prompts, method: Method, target: &str, headers: &[(HeaderName, &str)]) -> Response {
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    prompts.router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn get(prompts: &Prompts, target: &str, headers: &[(HeaderName, &str)]) -> Response {
    ask(prompts, Method::GET, target, headers).await
}

async fn body(response: Response) -> Bytes {
    axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap()
}

#[tokio::test]
async fn a_prompt_is_served_whole() {
    let prompts = library().await;
    let response = get(&prompts, &target(&prompts, "menu"), &[]).await;
    assert_eq!(response.status(), 200);
    let header = |name| text(response.headers(), name).unwrap().to_owned();
    assert_eq!(header(CONTENT_TYPE), "audio/wav");
    assert_eq!(header(CONTENT_LENGTH), "244");
    assert_eq!(header(ACCEPT_RANGES), "bytes");
    assert!(header(CACHE_CONTROL).starts_with("private, max-age="));
    let tag = header(ETAG);
    assert_eq!(body(response).await, wav::write(&[0x0102; 100]));

    let head = ask(&prompts, Method::HEAD, &target(&prompts, "menu"), &[]).await;
    assert_eq!((head.status().as_u16(), text(head.headers(), CONTENT_LENGTH)), (200, Some("244")));
    assert_eq!(text(head.headers(), ETAG), Some(tag.as_str()));
    assert!(body(head).await.is_empty());
    assert_eq!(ask(&prompts, Method::POST, &target(&prompts, "menu"), &[]).await.status(), 405);
}

#[tokio::test]
async fn a_part_is_served_and_what_is_known_is_not() {
    let prompts = library().await;
    let target = target(&prompts, "menu");
    let tag = text(get(&prompts, &target, &[]).await.headers(), ETAG).unwrap().to_owned();
    let weak = format!("W/{tag}, \"x\"");
    for (headers, status, length, range) in [
        (vec![(RANGE, "bytes=0-43")], 206, 44, Some("bytes 0-43/244")),
        (vec![(RANGE, "bytes=44-")], 206, 200, Some("bytes 44-243/244")),
        (vec![(RANGE, "bytes=-4")], 206, 4, Some("bytes 240-243/244")),
        (vec![(RANGE, "bytes=240-9999")], 206, 4, Some("bytes 240-243/244")),
        (vec![(RANGE, "bytes=244-")], 416, 0, Some("bytes */244")),
        (vec![(RANGE, "bytes=0-1,4-5")], 200, 244, None),
        (vec![(RANGE, "bytes=5-1")], 200, 244, None),
        (vec![(RANGE, "lines=1-2")], 200, 244, None),
        (vec![(RANGE, "bytes=0-1"), (IF_RANGE, tag.as_str())], 206, 2, Some("bytes 0-1/244")),
        (vec![(RANGE, "bytes=0-1"), (IF_RANGE, "\"other\"")], 200, 244, None),
        (vec![(IF_NONE_MATCH, tag.as_str())], 304, 0, None),
        (vec![(IF_NONE_MATCH, weak.as_str())], 304, 0, None),
        (vec![(IF_NONE_MATCH, "*")], 304, 0, None),
        (vec![(IF_NONE_MATCH, "\"other\"")], 200, 244, None),
    ] {
        let response = get(&prompts, &target, &headers).await;
        let found = (response.status().as_u16(), text(response.headers(), CONTENT_RANGE).map(str::to_owned));
        assert_eq!(found, (status, range.map(str::to_owned)), "{headers:?}");
        assert_eq!(body(response).await.len(), length, "{headers:?}");
    }
    let last = get(&prompts, &target, &[(RANGE, "bytes=-1")]).await;
    assert_eq!(body(last).await, [1][..]);
}

#[tokio::test(start_paused = true)]
async fn only_an_address_that_the_bot_gave_is_served_and_for_a_time() {
    let prompts = library().await;
    prompts.insert("secret", FLAC).await.unwrap();
    let target = target(&prompts, "menu");
    let (path, query) = target.split_once('?').unwrap();
    let until: u64 = query.split("&e=").nth(1).unwrap().split('&').next().unwrap().parse().unwrap();
    let another = library().await;
    let stranger = Prompts::try_new(
        Settings::new("https://bot.test/prompts", Key::new("a secret of a fool").unwrap()),
        Clock::system(),
    )
    .unwrap();
    stranger.insert("menu", wav::write(&[0x0102; 100])).await.unwrap();
    for (case, target, status) in [
        ("as it was given", target.clone(), 200),
        ("without a query", path.to_owned(), 403),
        ("an empty query", format!("{path}?"), 403),
        ("another prompt", format!("/prompts/secret.wav?{query}"), 403),
        ("a longer time", target.replace(&until.to_string(), &(until + 1).to_string()), 403),
        ("another content", target.replace("?v=", "?v=0"), 403),
        ("a cut signature", target.strip_suffix(|_| true).unwrap().to_owned(), 403),
        ("no signature", format!("{}&s=", target.split("&s=").next().unwrap()), 403),
        ("no number", target.replace(&until.to_string(), "soon"), 403),
        ("without its ending", target.replace(".wav", ""), 403),
        ("up and away", format!("/prompts/..%2F..%2Fetc%2Fpasswd?{query}"), 403),
        ("up and away to a prompt", format!("/prompts/..%2Fprompts%2Fmenu.wav?{query}"), 403),
        ("below it", format!("/prompts/menu.wav/menu.wav?{query}"), 404),
        ("its ending twice", target.replace(".wav", ".wav.wav"), 403),
        ("in another case", target.replace("menu", "MENU"), 403),
        ("with a byte that is none", target.replace("menu", "menu%00"), 403),
        ("what is no text", target.replace("menu", "menu%FF"), 400),
        ("encoded twice", target.replace("menu", "%256Denu"), 403),
        ("encoded once, which is the same", target.replace("menu", "%6Denu"), 200),
        ("another signature before", target.replace("&s=", "&s=x&s="), 403),
        ("of another key", stranger.url("menu").unwrap().uri().reveal().replace("https://bot.test", ""), 403),
        (
            "of the same key in another process",
            another.url("menu").unwrap().uri().reveal().replace("https://bot.test", ""),
            200,
        ),
    ] {
        assert_eq!(get(&prompts, &target, &[]).await.status(), status, "{case}: {target}");
    }
    let missing = Prompts::try_new(prompts.settings().clone(), Clock::system()).unwrap();
    assert_eq!(get(&missing, &target, &[]).await.status(), 404, "signed, and not there any more");
    tokio::time::advance(Duration::from_secs(24 * 3600)).await;
    assert_eq!(get(&prompts, &target, &[]).await.status(), 200);
    tokio::time::advance(Duration::from_secs(6 * 3600)).await;
    let late = get(&prompts, &target, &[]).await;
    assert_eq!(late.status(), 403);
    assert_eq!(body(late).await, "this address is not good any more");
}

#[tokio::test]
async fn a_prompt_that_is_lost_later_is_an_error_of_the_server() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("menu.flac");
    std::fs::write(&file, FLAC).unwrap();
    let prompts = library().await;
    prompts.add_file("gone", &file, Load::OnFirstUse).await.unwrap();
    let target = target(&prompts, "gone");
    std::fs::remove_file(&file).unwrap();
    let response = get(&prompts, &target, &[]).await;
    assert_eq!(response.status(), 500);
    assert!(
        !String::from_utf8_lossy(&body(response).await).contains("menu.flac"),
        "paths are nobody's business"
    );
    std::fs::write(&file, FLAC).unwrap();
    assert_eq!(get(&prompts, &target, &[]).await.status(), 200);
}
