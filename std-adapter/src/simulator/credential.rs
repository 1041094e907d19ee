//! What must never reach a simulator: a client secret or a token of a real tenant.
//!
//! They are told by their looks. What is refused is neither compared, nor kept, nor shown.
//!
//! Source: field reports and secret scanners on what Entra ID's client secrets look like (three characters, a digit, `Q~`,
//! and 31 to 34 more); Microsoft identity platform, access tokens (the claim `iss`). Secrets older than that form look like
//! any other text, and are not told.

use std::ops::RangeInclusive;

use serde::Deserialize;

/// Stands behind the first four characters of a secret.
const MARK: &[u8] = b"Q~";
const LENGTHS: RangeInclusive<usize> = 37..=40;

/// The hosts of the authorities that issue tokens for apps, in every cloud.
const AUTHORITIES: [&str; 8] = [
    "login.microsoftonline.com",
    "login.microsoftonline.us",
    "login.partner.microsoftonline.cn",
    "login.chinacloudapi.cn",
    "login.microsoft.com",
    "login.windows.net",
    "sts.windows.net",
    "sts.chinacloudapi.cn",
];

/// What a text looks like that no simulator may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Real {
    /// A client secret of Entra ID.
    Secret,
    /// A token that Entra ID issued.
    Token,
}

impl Real {
    /// What `text` is, where it is one of them.
    pub(super) fn of(text: &str) -> Option<Self> {
        let text = text.trim();
        if is_secret(text.as_bytes()) {
            return Some(Self::Secret);
        }
        is_token(text).then_some(Self::Token)
    }

    /// What to do, in words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Secret => {
                "This looks like the client secret of an app in a real tenant. It was not looked at; give the simulator a \
                 made-up one, and keep yours for Microsoft's addresses."
            }
            Self::Token => {
                "This is a token that a real tenant issued. It was not looked at; fetch one from the simulator: the \
                 authority's address of your client is still Microsoft's."
            }
        }
    }
}

fn is_secret(text: &[u8]) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.~-".contains(byte);
    LENGTHS.contains(&text.len())
        && text.iter().all(is_plain)
        && text.get(3).is_some_and(u8::is_ascii_digit)
        && text.get(4..6) == Some(MARK)
}

fn is_token(text: &str) -> bool {
    #[derive(Deserialize)]
    struct Claims {
        iss: String,
    }
    let claims = jsonwebtoken::dangerous::insecure_decode_claims::<Claims>(text);
    let issuer = claims.ok().and_then(|claims| claims.iss.parse::<http::Uri>().ok());
    let host = issuer.as_ref().and_then(http::Uri::host).unwrap_or_default();
    AUTHORITIES.iter().any(|authority| authority.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn secret(begin: &str, rest: usize) -> String {
        format!("{begin}{}", "x".repeat(rest))
    }

    fn token(issuer: &str) -> String {
        let part = |json: String| URL_SAFE_NO_PAD.encode(json);
        let header = part(r#"{"alg":"RS256","typ":"JWT"}"#.to_owned());
        format!("{header}.{}.c2lnbmF0dXJl", part(format!(r#"{{"iss":"{issuer}","aud":"x"}}"#)))
    }

    #[test]
    fn a_secret_of_entra_is_told_by_its_form() {
        for (text, found) in [
            (secret("abc8Q~", 34), Some(Real::Secret)),
            (secret("~.-7Q~", 31), Some(Real::Secret)),
            (format!(" {}\n", secret("abc8Q~", 34)), Some(Real::Secret)),
            (secret("abc8Q~", 35), None),
            (secret("abc8Q~", 30), None),
            (secret("abcdQ~", 34), None),
            (secret("abc8q~", 34), None),
            (secret("ab8Q~x", 34), None),
            (secret("a c8Q~", 34), None),
            ("only-for-the-simulator".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(Real::of(&text), found, "{text}");
        }
    }

    #[test]
    fn a_token_is_told_by_who_issued_it() {
        for (issuer, found) in [
            ("https://sts.windows.net/932899f8-2ea1-4604-8413-27bd2892079f/", Some(Real::Token)),
            ("https://login.microsoftonline.com/932899f8/v2.0", Some(Real::Token)),
            ("https://LOGIN.microsoftonline.us/x/v2.0", Some(Real::Token)),
            ("https://login.microsoftonline.com.evil.test/x", None),
            ("https://localhost:4100/932899f8/v2.0", None),
            ("https://api.botframework.com", None),
            ("", None),
        ] {
            assert_eq!(Real::of(&token(issuer)), found, "{issuer}");
        }
        for text in ["a.b.c", "a.b", "eyJ9.eyJ9.x"] {
            assert_eq!(Real::of(text), None, "{text}");
        }
    }

    #[test]
    fn the_words_show_nothing_of_it() {
        for real in [Real::Secret, Real::Token] {
            assert!(!real.words().contains("Q~") && !real.words().contains("eyJ"));
        }
    }
}
