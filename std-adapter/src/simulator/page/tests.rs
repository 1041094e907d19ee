use std::collections::BTreeSet;

use axum::body::Body;
use http::{Request, Response};
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::*;

async fn fetch(path: &str, known: Option<&str>) -> Response<Body> {
    let mut request = Request::get(path);
    if let Some(tag) = known {
        request = request.header(IF_NONE_MATCH, tag);
    }
    router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

#[tokio::test]
async fn files_come_with_their_policy_and_only_where_they_are_not_known() {
    for asset in ASSETS {
        let response = fetch(asset.path, None).await;
        let header = |name: HeaderName| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(response.status(), 200, "{}", asset.path);
        assert_eq!(header(CONTENT_TYPE), asset.kind);
        assert_eq!(header(X_CONTENT_TYPE_OPTIONS), "nosniff");
        assert!(header(CONTENT_SECURITY_POLICY).starts_with("default-src 'self';"));
        let tag = header(ETAG);
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), asset.text);
        let again = fetch(asset.path, Some(&tag)).await;
        assert_eq!((again.status().as_u16(), &again.headers()[ETAG]), (304, &tag.parse().unwrap()));
        assert_eq!(fetch(asset.path, Some("\"other\"")).await.status(), 200);
    }
}

#[test]
fn every_file_that_is_named_is_served_and_every_other_is_used() {
    let served: BTreeSet<&str> = ASSETS.iter().map(|asset| asset.path).collect();
    let mut named = BTreeSet::from(["/"]);
    for asset in ASSETS {
        let quoted = asset.text.split(['"', '\'']).filter(|text| !text.contains(char::is_whitespace));
        for text in quoted {
            match text.strip_prefix("./") {
                Some(module) => {
                    let path = served.iter().find(|path| **path == format!("/page/{module}"));
                    named.insert(path.unwrap_or_else(|| panic!("{}: {text}", asset.path)));
                }
                _ if text.starts_with("/page/") => {
                    named.insert(text);
                }
                _ => {}
            }
        }
    }
    assert_eq!(named, served);
}

#[test]
fn nothing_is_read_as_html_and_nothing_stands_in_the_way_of_the_policy() {
    for asset in ASSETS {
        for word in
            ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"]
        {
            assert!(!asset.text.contains(word), "{} has {word}", asset.path);
        }
        for word in ["http://", "https://", "<style", " style=\"", " onclick", "javascript:"] {
            let rest = asset.text.replace("http://www.w3.org/2000/svg", "");
            assert!(!rest.contains(word), "{} has {word}", asset.path);
        }
    }
}

#[test]
fn every_fault_has_its_switch() {
    use super::super::Fault;
    let settings = ASSETS.iter().find(|asset| asset.path == "/page/settings.js").unwrap().text;
    for fault in Fault::ALL {
        let line = format!("  ['{}', '{}'],\n", fault.name(), fault.about());
        assert!(settings.contains(&line), "{line}");
    }
}

/// The relative luminance of a colour, `#rrggbb`.
fn luminance(colour: &str) -> f64 {
    let part = |at: usize| {
        let part = f64::from(u8::from_str_radix(colour.get(at..at + 2).unwrap(), 16).unwrap()) / 255.0;
        if part <= 0.03928 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
}

/// Source: W3C, Web Content Accessibility Guidelines 2.2, 1.4.3 (4.5 to 1 for text).
#[test]
fn text_stands_out_in_the_light_and_in_the_dark() {
    let style = ASSETS.iter().find(|asset| asset.path == "/page/style.css").unwrap().text;
    let (light, dark) = style.split_once("(prefers-color-scheme: dark)").unwrap();
    for (scheme, text) in [("light", light), ("dark", dark)] {
        let colour = |name: &str| {
            let (_, rest) = text.split_once(&format!("--{name}: ")).unwrap();
            luminance(rest.get(..7).unwrap())
        };
        for (text, grounds) in [
            ("text", &["back", "card", "sunk"][..]),
            ("soft", &["back", "card", "sunk"]),
            ("accent", &["card", "sunk"]),
            ("on-accent", &["accent"]),
            ("good", &["back", "card", "sunk", "good-back"]),
            ("bad", &["back", "card", "bad-back"]),
            ("warn", &["card", "warn-back"]),
            ("person", &["card"]),
            ("graph", &["card"]),
            ("bot", &["card"]),
        ] {
            for ground in grounds {
                let (one, other) = (colour(text), colour(ground));
                let contrast = (one.max(other) + 0.05) / (one.min(other) + 0.05);
                assert!(contrast >= 4.5, "{scheme}: {text} on {ground} has {contrast:.2}");
            }
        }
    }
}
