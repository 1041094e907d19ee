//! Who may look at a simulator's page and steer it: everybody on this machine, or whoever has the key.
//!
//! A client shows the key as `Authorization: Bearer …`. A browser is given it by a link that is good once, and shows it as
//! a cookie from then on.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use axum::response::{IntoResponse, Redirect, Response};
use http::header::{AUTHORIZATION, COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};

/// The cookie that holds the key.
const COOKIE_NAME: &str = "callflow-sim";
/// The path of links.
pub(super) const LINK_PATH: &str = "/sim/session";
/// How many links wait to be used; an older one is good no more.
const LINKS: usize = 8;

/// From where a simulator may be reached, and who may look at its page and steer it.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// The host names and addresses under which it is reached, besides those of loopback and that of
    /// [`Config::base`](super::Config::base): without ports.
    pub hosts: Vec<String>,
    /// The key that whoever looks at the page or steers must have. None: everybody may who reaches it, which is for
    /// loopback alone.
    pub key: Option<SecretString>,
}

impl Access {
    /// A new key: 32 hexadecimal digits.
    pub fn new_key() -> SecretString {
        uuid::Uuid::new_v4().simple().to_string().into()
    }
}

/// The key, and the links that give it to a browser.
pub(super) struct Key {
    key: SecretString,
    links: Mutex<VecDeque<String>>,
}

impl Key {
    pub(super) fn new(key: SecretString) -> Self {
        Self { key, links: Mutex::default() }
    }

    /// A path that is good once.
    pub(super) fn link(&self) -> String {
        let code = uuid::Uuid::new_v4().simple().to_string();
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        links.truncate(LINKS.saturating_sub(1));
        links.push_front(code.clone());
        format!("{LINK_PATH}?code={code}")
    }

    /// Gives the key to who comes by a link, as a cookie, and sends him to the page.
    pub(super) fn enter(&self, code: &str, is_encrypted: bool) -> Option<Response> {
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        let place = links.iter().position(|link| is_same(link, code))?;
        links.remove(place);
        let secure = if is_encrypted { "; Secure" } else { "" };
        let cookie =
            format!("{COOKIE_NAME}={}; Path=/; HttpOnly; SameSite=Strict{secure}", self.key.expose_secret());
        let mut cookie = HeaderValue::from_str(&cookie).ok()?;
        cookie.set_sensitive(true);
        Some(([(SET_COOKIE, cookie)], Redirect::to("/")).into_response())
    }

    /// Whether a request shows the key.
    pub(super) fn is_shown(&self, headers: &HeaderMap) -> bool {
        let by_header = headers.get_all(AUTHORIZATION).iter().filter_map(bearer);
        let by_cookie = headers.get_all(COOKIE).iter().flat_map(cookies);
        by_header.chain(by_cookie).any(|shown| is_same(shown, self.key.expose_secret()))
    }
}

fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, key) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(key.trim())
}

/// Each value of our cookie: other programs of this host may have set one by the same name.
fn cookies(value: &HeaderValue) -> impl Iterator<Item = &str> {
    let pairs = value.to_str().unwrap_or_default().split(';');
    pairs
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == COOKIE_NAME)
        .map(|(_, key)| key)
}

/// Compares in a time that does not tell how much is right.
fn is_same(one: &str, other: &str) -> bool {
    let [one, other] = [one, other].map(|text| digest(&SHA256, text.as_bytes()));
    verify_slices_are_equal(one.as_ref(), other.as_ref()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: http::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    fn code(link: &str) -> &str {
        link.split_once("?code=").unwrap().1
    }

    #[test]
    fn the_key_is_shown_by_header_or_by_cookie() {
        let key = Key::new("k3y".into());
        for (name, value, is_shown) in [
            (AUTHORIZATION, "Bearer k3y", true),
            (AUTHORIZATION, "bearer  k3y ", true),
            (AUTHORIZATION, "k3y", false),
            (AUTHORIZATION, "Basic k3y", false),
            (AUTHORIZATION, "Bearer k3", false),
            (AUTHORIZATION, "Bearer k3y1", false),
            (AUTHORIZATION, "Bearer ", false),
            (COOKIE, "callflow-sim=k3y", true),
            (COOKIE, "a=b; callflow-sim=other; callflow-sim=k3y", true),
            (COOKIE, "callflow-sim=", false),
            (COOKIE, "other=k3y", false),
        ] {
            assert_eq!(key.is_shown(&headers(name, value)), is_shown, "{value}");
        }
        assert!(!key.is_shown(&HeaderMap::new()));
    }

    #[test]
    fn a_link_is_good_once() {
        let key = Key::new("k3y".into());
        let (first, second) = (key.link(), key.link());
        let entered = key.enter(code(&first), true).unwrap();
        let cookie = entered.headers()[SET_COOKIE].to_str().unwrap();
        assert_eq!(cookie, "callflow-sim=k3y; Path=/; HttpOnly; SameSite=Strict; Secure");
        assert_eq!(
            (entered.status().as_u16(), &entered.headers()["location"]),
            (303, &HeaderValue::from_static("/"))
        );
        assert!(key.enter(code(&first), true).is_none());
        for wrong in ["", "k3y"] {
            assert!(key.enter(wrong, true).is_none(), "{wrong}");
        }
        assert!(
            !key.enter(code(&second), false).unwrap().headers()[SET_COOKIE]
                .to_str()
                .unwrap()
                .contains("Secure")
        );
    }

    #[test]
    fn only_the_newest_links_wait() {
        let key = Key::new("k3y".into());
        let links: Vec<_> = (0..=LINKS).map(|_| key.link()).collect();
        assert!(key.enter(code(&links[0]), false).is_none());
        assert!(links[1..].iter().all(|link| key.enter(code(link), false).is_some()));
    }

    #[test]
    fn keys_differ_and_are_not_shown() {
        let key = Access::new_key();
        assert_ne!(key.expose_secret(), Access::new_key().expose_secret());
        let access = Access { hosts: Vec::new(), key: Some(key.clone()) };
        assert!(!format!("{access:?}").contains(key.expose_secret()));
    }
}
