//! Proves an app by a certificate: an assertion that is signed with its private key, made anew for each fetch.
//!
//! Source: Microsoft identity platform, certificate credentials (PS256, `x5t#S256`).

use std::fmt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use pem::Pem;
use secrecy::SecretString;
use serde::Serialize;
use simple_asn1::ASN1Block;

use super::token_source::TokenError;

/// How long an assertion is good for, in seconds.
///
/// Source: Microsoft identity platform, certificate credentials (5 to 10 minutes at most).
const LIFETIME: u64 = 300;
/// How far the clock of who made the certificate may be ahead, in seconds.
const TOLERANCE: i64 = 300;

/// A certificate and its private key.
///
/// It is given as PEM: the private key, not encrypted, and the certificate, in any order and with others of its chain. RSA
/// of at least 2048 bits.
#[derive(Clone)]
pub struct Certificate {
    key: EncodingKey,
    thumbprint: String,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let thumbprint = &self.thumbprint;
        f.debug_struct("Certificate").field("thumbprint", thumbprint).field("key", &"<redacted>").finish()
    }
}

/// Why a certificate cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// The file cannot be read.
    #[error("the certificate's file {path} cannot be read ({reason}): check the path and who may read it")]
    File {
        /// The file.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// There is no certificate in it.
    #[error(
        "there is no `BEGIN CERTIFICATE` in it: give PEM; `openssl pkcs12 -in app.pfx -out app.pem -nodes` makes it of PKCS#12"
    )]
    NoCertificate,
    /// There is no private key in it.
    #[error("there is no `BEGIN PRIVATE KEY` in it: put the private key into the same PEM")]
    NoKey,
    /// The private key is encrypted.
    #[error(
        "the private key is encrypted: give it decrypted (`openssl pkey -in app.pem`), in a file that only the bot may read"
    )]
    Encrypted,
    /// The private key cannot be used.
    #[error("the private key cannot be used: it must be RSA, of at least 2048 bits")]
    Key,
    /// The private key is not the certificate's.
    #[error(
        "the private key belongs to none of the certificates beside it: put those together that were made together"
    )]
    NotItsKey,
    /// The certificate cannot be read.
    #[error("the certificate cannot be read: it is no X.509 certificate with an RSA key")]
    Malformed,
    /// It has expired.
    #[error("the certificate has expired: make a new one, and upload it to the app's registration")]
    Expired,
    /// It is not valid yet.
    #[error("the certificate is not valid yet: check the clock")]
    NotYetValid,
}

/// Source: Microsoft identity platform, certificate credentials (claims).
#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    iss: &'a str,
    sub: &'a str,
    jti: String,
    iat: u64,
    nbf: u64,
    exp: u64,
}

impl Certificate {
    /// Reads a certificate and its private key from the text of a PEM file.
    ///
    /// # Errors
    /// [`CertificateError`], which never shows the key.
    pub fn from_pem(pem: impl AsRef<[u8]>) -> Result<Self, CertificateError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Self::from_pem_at(pem.as_ref(), i64::try_from(now).unwrap_or(i64::MAX))
    }

    /// Reads a certificate and its private key from the PEM file at `path`.
    ///
    /// # Errors
    /// [`CertificateError`]
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, CertificateError> {
        let path = path.as_ref();
        let pem = std::fs::read(path).map_err(|error| CertificateError::File {
            path: path.display().to_string(),
            reason: error.to_string(),
        })?;
        Self::from_pem(pem)
    }

    fn from_pem_at(pem: &[u8], now: i64) -> Result<Self, CertificateError> {
        let sections = pem::parse_many(pem).map_err(|_| CertificateError::NoCertificate)?;
        let is_certificate = |section: &&Pem| section.tag() == "CERTIFICATE";
        let certificates: Vec<&Pem> = sections.iter().filter(is_certificate).collect();
        if certificates.is_empty() {
            return Err(CertificateError::NoCertificate);
        }
        let key = private_key(&sections)?;
        // Proven by use: what the key signs, the certificate's public key must take.
        let probe = jsonwebtoken::crypto::sign(b"probe", &key, Algorithm::PS256)
            .map_err(|_| CertificateError::Key)?;
        let mut failure = CertificateError::NotItsKey;
        for certificate in certificates {
            let Ok(public) = DecodingKey::from_rsa_pem(pem::encode(certificate).as_bytes()) else {
                failure = CertificateError::Malformed;
                continue;
            };
            if !jsonwebtoken::crypto::verify(&probe, b"probe", &public, Algorithm::PS256).unwrap_or(false) {
                continue;
            }
            check_validity(certificate.contents(), now)?;
            return Ok(Self { key, thumbprint: thumbprint(certificate.contents()) });
        }
        Err(failure)
    }

    /// The SHA-256 of the certificate, as base64url: how the identity platform finds it among the app's.
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// A new assertion that this is the app `app_id`, for the token endpoint `audience`.
    pub(super) fn assertion(
        &self,
        app_id: &str,
        audience: &str,
        now: u64,
    ) -> Result<SecretString, TokenError> {
        let header = Header { x5t_s256: Some(self.thumbprint.clone()), ..Header::new(Algorithm::PS256) };
        let claims = Claims {
            aud: audience,
            iss: app_id,
            sub: app_id,
            jti: uuid::Uuid::new_v4().to_string(),
            iat: now,
            nbf: now,
            exp: now.saturating_add(LIFETIME),
        };
        jsonwebtoken::encode(&header, &claims, &self.key)
            .map(SecretString::from)
            .map_err(|_| TokenError::NoProof("the certificate's key does not sign".to_owned()))
    }
}

fn private_key(sections: &[Pem]) -> Result<EncodingKey, CertificateError> {
    let of_tag = |tags: &[&str]| sections.iter().find(|section| tags.contains(&section.tag()));
    if let Some(key) = of_tag(&["PRIVATE KEY", "RSA PRIVATE KEY"]) {
        // An older form of encryption keeps the tag.
        if key.headers().get("Proc-Type").is_some_and(|kind| kind.contains("ENCRYPTED")) {
            return Err(CertificateError::Encrypted);
        }
        return EncodingKey::from_rsa_pem(pem::encode(key).as_bytes()).map_err(|_| CertificateError::Key);
    }
    if of_tag(&["ENCRYPTED PRIVATE KEY"]).is_some() {
        return Err(CertificateError::Encrypted);
    }
    Err(if of_tag(&["EC PRIVATE KEY"]).is_some() { CertificateError::Key } else { CertificateError::NoKey })
}

fn thumbprint(der: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der))
}

/// Refuses a certificate that is not valid at `now`, in seconds since the Unix epoch.
///
/// Source: RFC 5280, 4.1 (the members of a certificate that stand before its validity).
fn check_validity(der: &[u8], now: i64) -> Result<(), CertificateError> {
    let blocks = simple_asn1::from_der(der).map_err(|_| CertificateError::Malformed)?;
    let (begin, end) = validity(&blocks).ok_or(CertificateError::Malformed)?;
    if now > end {
        return Err(CertificateError::Expired);
    }
    if now.saturating_add(TOLERANCE) < begin { Err(CertificateError::NotYetValid) } else { Ok(()) }
}

/// The two times of the first sequence that has two times and nothing else: those of `Validity`.
fn validity(blocks: &[ASN1Block]) -> Option<(i64, i64)> {
    let time = |block: &ASN1Block| match block {
        ASN1Block::UTCTime(_, at) | ASN1Block::GeneralizedTime(_, at) => {
            Some(at.assume_utc().unix_timestamp())
        }
        _ => None,
    };
    blocks.iter().find_map(|block| {
        let ASN1Block::Sequence(_, inner) = block else { return None };
        match inner.as_slice() {
            [begin, end] if time(begin).is_some() => Some((time(begin)?, time(end)?)),
            _ => validity(inner),
        }
    })
}

#[cfg(test)]
pub(super) mod tests {
    use jsonwebtoken::Validation;
    use serde_json::Value;

    use super::*;

    /// A certificate for `key`, and both as PEM.
    pub(in super::super) fn made(key: &rcgen::KeyPair) -> (String, String) {
        let certificate = rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(key).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    pub(in super::super) fn rsa() -> rcgen::KeyPair {
        rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap()
    }

    /// What a foreign checker of the assertion, who has only the certificate, reads.
    pub(in super::super) fn checked(certificate: &str, assertion: &str, audience: &str) -> (Header, Value) {
        let public = DecodingKey::from_rsa_pem(certificate.as_bytes()).unwrap();
        let mut validation = Validation::new(Algorithm::PS256);
        validation.validate_exp = false;
        validation.set_audience(&[audience]);
        let token = jsonwebtoken::decode::<Value>(assertion, &public, &validation).unwrap();
        (token.header, token.claims)
    }

    #[test]
    fn an_assertion_is_signed_with_the_certificates_key_and_made_anew() {
        use secrecy::ExposeSecret as _;
        let (certificate, key) = made(&rsa());
        let endpoint = "https://login.test/t/oauth2/v2.0/token";
        let read = Certificate::from_pem(format!("{key}{certificate}")).unwrap();
        let assertion = read.assertion("app", endpoint, 1_800_000_000).unwrap();
        let (header, claims) = checked(&certificate, assertion.expose_secret(), endpoint);
        let der = pem::parse(&certificate).unwrap();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der.contents());
        assert_eq!(header.x5t_s256.as_deref(), Some(&*URL_SAFE_NO_PAD.encode(digest)));
        assert_eq!((header.typ.as_deref(), header.alg), (Some("JWT"), Algorithm::PS256));
        assert_eq!((claims["iss"].as_str(), claims["sub"].as_str()), (Some("app"), Some("app")));
        let (begin, end) = (claims["nbf"].as_u64().unwrap(), claims["exp"].as_u64().unwrap());
        assert_eq!((begin, end), (1_800_000_000, 1_800_000_300));
        let again = read.assertion("app", endpoint, 1_800_000_000).unwrap();
        let (_, other) = checked(&certificate, again.expose_secret(), endpoint);
        assert_ne!(claims["jti"], other["jti"]);
    }

    #[test]
    fn the_certificate_of_the_key_is_found_in_a_chain_and_in_any_order() {
        let (certificate, key) = made(&rsa());
        let (other, _) = made(&rsa());
        let alone = Certificate::from_pem(format!("{certificate}{key}")).unwrap();
        for pem in [format!("{other}{certificate}{key}"), format!("{key}{certificate}{other}")] {
            assert_eq!(Certificate::from_pem(pem).unwrap().thumbprint(), alone.thumbprint());
        }
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_its_reason() {
        let (certificate, key) = made(&rsa());
        let (_, other_key) = made(&rsa());
        let elliptic = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let (elliptic_certificate, elliptic_key) = made(&elliptic);
        let encrypted = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
        for (pem, reason) in [
            (String::new(), CertificateError::NoCertificate),
            ("\u{0}binary".to_owned(), CertificateError::NoCertificate),
            (key.clone(), CertificateError::NoCertificate),
            (certificate.clone(), CertificateError::NoKey),
            (format!("{certificate}{encrypted}"), CertificateError::Encrypted),
            (format!("{certificate}{other_key}"), CertificateError::NotItsKey),
            (format!("{elliptic_certificate}{elliptic_key}"), CertificateError::Key),
            (format!("{elliptic_certificate}{key}"), CertificateError::Malformed),
        ] {
            assert_eq!(Certificate::from_pem(pem).unwrap_err(), reason);
        }
        let error = Certificate::from_file("/nowhere/app.pem").unwrap_err();
        assert!(error.to_string().contains("/nowhere/app.pem"), "{error}");
    }

    #[test]
    fn a_certificate_is_used_within_its_time_only() {
        let key = rsa();
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2027, 1, 1);
        let pem = format!("{}{}", params.self_signed(&key).unwrap().pem(), key.serialize_pem());
        let (begin, end) = (1_767_225_600, 1_798_761_600);
        for (now, result) in [
            (begin - TOLERANCE - 1, Err(CertificateError::NotYetValid)),
            (begin - TOLERANCE, Ok(())),
            (end, Ok(())),
            (end + 1, Err(CertificateError::Expired)),
        ] {
            assert_eq!(Certificate::from_pem_at(pem.as_bytes(), now).map(|_| ()), result, "{now}");
        }
    }

    #[test]
    fn the_key_is_never_shown() {
        let (certificate, key) = made(&rsa());
        let read = Certificate::from_pem(format!("{certificate}{key}")).unwrap();
        let shown = format!("{read:?}");
        let secret = key.lines().nth(1).unwrap();
        assert!(shown.contains("<redacted>") && shown.contains(read.thumbprint()) && !shown.contains(secret));
    }
}
