//! The checks of a token, one by one: what the webhook makes in this order until one fails, and what
//! [`Authenticator::examine`](super::Authenticator::examine) makes all of.

use aws_lc_rs::signature::ParsedPublicKey;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, Header};
use serde::Deserialize;

use super::{Expected, Fault, MAX_SHOWN, TOLERANCE_SECONDS};

/// A check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// It is a JWT.
    Shape,
    /// It is signed with RS256.
    Algorithm,
    /// Its key is published.
    Key,
    /// Its signature is right.
    Signature,
    /// It is valid now.
    Lifetime,
    /// The calling service issued it.
    Issuer,
    /// It is for this app.
    Audience,
    /// It names a tenant, and one that is served.
    Tenant,
}

impl Check {
    /// A word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shape => "shape",
            Self::Algorithm => "algorithm",
            Self::Key => "key",
            Self::Signature => "signature",
            Self::Lifetime => "lifetime",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Tenant => "tenant",
        }
    }
}

/// What a check says of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The check.
    pub check: Check,
    /// What was found, in words, without anything secret.
    pub found: String,
    /// Whether it holds; else why not.
    pub outcome: Result<(), Fault>,
}

#[derive(Deserialize)]
pub(super) struct Claims {
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
    fn all(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

impl Claims {
    pub(super) fn issuer(&self) -> &str {
        self.iss.as_deref().unwrap_or_default()
    }

    /// The tenant in lower case; empty where there is none.
    pub(super) fn tenant(&self) -> String {
        self.tid.as_deref().unwrap_or_default().trim().to_ascii_lowercase()
    }
}

/// `alg: none` ends here: it is no algorithm of the library.
pub(super) fn shape(token: &str) -> Result<Header, Fault> {
    jsonwebtoken::decode_header(token).map_err(|_| Fault::Malformed)
}

pub(super) fn algorithm(header: &Header) -> Result<(), Fault> {
    if header.alg == Algorithm::RS256 { Ok(()) } else { Err(Fault::Algorithm) }
}

/// The key is at hand as the library of cryptography has it: to make it anew for each token costs a good part of the check.
pub(super) fn signature(token: &str, key: &ParsedPublicKey) -> Result<Claims, Fault> {
    let (message, signature) = token.rsplit_once('.').ok_or(Fault::Malformed)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Fault::Malformed)?;
    key.verify_sig(message.as_bytes(), &signature).map_err(|_| Fault::Signature)?;
    unverified(token).ok_or(Fault::Malformed)
}

/// What a token claims whose signature may be wrong: for words about it, and to be believed only once it was checked.
pub(super) fn unverified(token: &str) -> Option<Claims> {
    jsonwebtoken::dangerous::insecure_decode_claims(token).ok()
}

type OfClaims = fn(&Claims, &Expected, u64) -> Result<(), Fault>;
type Words = fn(&Claims, u64) -> String;

/// The checks of what a token claims, at a time in seconds, with words for what was found.
pub(super) const OF_CLAIMS: [(Check, OfClaims, Words); 4] = [
    (Check::Lifetime, lifetime, words_of_lifetime),
    (Check::Issuer, issuer, words_of_issuer),
    (Check::Audience, audience, words_of_audience),
    (Check::Tenant, tenant, words_of_tenant),
];

fn lifetime(claims: &Claims, _: &Expected, now: u64) -> Result<(), Fault> {
    let end = claims.exp.ok_or(Fault::Expired)?;
    if end.saturating_add(TOLERANCE_SECONDS) <= now {
        return Err(Fault::Expired);
    }
    if claims.nbf.is_some_and(|begin| begin > now.saturating_add(TOLERANCE_SECONDS)) {
        return Err(Fault::NotYetValid);
    }
    Ok(())
}

fn issuer(claims: &Claims, expected: &Expected, _: u64) -> Result<(), Fault> {
    let is_known = claims.iss.as_ref().is_some_and(|issuer| expected.issuers.contains(issuer));
    if is_known { Ok(()) } else { Err(Fault::Issuer) }
}

fn audience(claims: &Claims, expected: &Expected, _: u64) -> Result<(), Fault> {
    let all = claims.aud.as_ref().map(Audience::all).unwrap_or_default();
    let is_ours = all.iter().any(|one| one.eq_ignore_ascii_case(&expected.app_id));
    if is_ours { Ok(()) } else { Err(Fault::Audience) }
}

fn tenant(claims: &Claims, expected: &Expected, _: u64) -> Result<(), Fault> {
    let tenant = claims.tenant();
    if tenant.is_empty() {
        return Err(Fault::NoTenant);
    }
    if expected.tenants.as_ref().is_some_and(|served| !served.contains(&tenant)) {
        return Err(Fault::TenantNotServed(tenant.chars().take(MAX_SHOWN).collect()));
    }
    Ok(())
}

fn words_of_lifetime(claims: &Claims, now: u64) -> String {
    let at = |when: u64| match when.checked_sub(now) {
        Some(0) => "now".to_owned(),
        Some(until) => format!("in {}", span(until)),
        None => format!("{} ago", span(now.saturating_sub(when))),
    };
    let begin = claims.nbf.map_or_else(|| "no begin".to_owned(), |begin| format!("begins {}", at(begin)));
    let begin =
        if claims.nbf.is_some_and(|begin| begin <= now) { begin.replace("begins", "began") } else { begin };
    let end = match claims.exp {
        Some(end) if end < now => format!("expired {}", at(end)),
        Some(end) => format!("expires {}", at(end)),
        None => "no end".to_owned(),
    };
    format!("{begin}, {end}; {} of tolerance", span(TOLERANCE_SECONDS))
}

fn words_of_issuer(claims: &Claims, _: u64) -> String {
    claims.iss.as_deref().map_or_else(|| "none".to_owned(), shown)
}

fn words_of_audience(claims: &Claims, _: u64) -> String {
    let all = claims.aud.as_ref().map(Audience::all).unwrap_or_default();
    if all.is_empty() { "none".to_owned() } else { shown(&all.join(", ")) }
}

fn words_of_tenant(claims: &Claims, _: u64) -> String {
    let tenant = claims.tenant();
    if tenant.is_empty() { "none".to_owned() } else { shown(&tenant) }
}

/// A text of somebody else's, fit to be printed.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(MAX_SHOWN).map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// A span in its two largest units: `1 h 5 min`.
fn span(seconds: u64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let mut rest = seconds;
    let mut words = Vec::new();
    for (unit, name) in units {
        if rest >= unit {
            words.push(format!("{} {name}", rest / unit));
            rest %= unit;
        }
    }
    words.truncate(2);
    if words.is_empty() { "0 s".to_owned() } else { words.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_texts_as_they_are_shown() {
        for (seconds, words) in [(0, "0 s"), (59, "59 s"), (3_900, "1 h 5 min"), (90_061, "1 d 1 h")] {
            assert_eq!(span(seconds), words);
        }
        assert_eq!(shown("a\u{1b}[31m"), "a?[31m");
        assert_eq!(shown(&"x".repeat(200)).len(), MAX_SHOWN);
    }
}
