//! What the identity platform refuses, and what to do.
//!
//! The platform's page says that its numbers may change: what is not in the table is judged by OAuth's own word, and the
//! platform's first line is always told beside it.
//!
//! Source: Microsoft identity platform, error codes; numbers that are not on that page are from field reports.

use super::token_source::TokenError;

/// How much of what the platform says is told, in characters.
const MAX_SAID: usize = 300;

const SECRET_EXPIRED: &str = "make a new client secret in the app's registration: this one has expired";
const NO_PROOF: &str = "give the app a client secret, a certificate or an assertion: the platform saw none";
const APP_UNKNOWN: &str = "check the app id and the tenant: the app is not known there; where it is another tenant's app, an \
                           administrator of this one must consent first";
const CONSENT: &str = "let an administrator of the tenant consent to the app's permissions";
const CERTIFICATE: &str =
    "check the certificate: it must be uploaded to the app's registration, and not be expired";
const ASSERTION_TIME: &str =
    "check the clocks, and that the assertion's file is renewed: the assertion is not valid now";
const ASSERTION_INVALID: &str =
    "check the assertion: the platform cannot read it, or its issuer, subject, audience or time is not right";
const ASSERTION_AUDIENCE: &str = "check the cloud, the authority and the scope: the assertion is for another token endpoint \
                                  than the one that got it";
const FEDERATED: &str = "compare the app's federated identity credential with the assertion, letter by letter: issuer, \
                         subject and audience must be equal, and a new one takes some minutes to count";
const FEDERATED_ISSUER: &str =
    "compare the issuer of the app's federated identity credential with the assertion's, letter by letter";
const FEDERATED_AUDIENCE: &str = "compare the audience of the app's federated identity credential with the assertion's: each cloud has its own";
const FEDERATED_SUBJECT: &str =
    "compare the subject of the app's federated identity credential with the assertion's, letter by letter";
const FEDERATED_ENTRA: &str =
    "of Entra's own tokens only those of a managed identity can be the assertion: check where it comes from";
const TENANT_UNKNOWN: &str = "check the tenant and the cloud: there is no such tenant here";
const OTHER_CLOUD: &str = "check the cloud: the tenant is another one's";
const DISABLED: &str = "enable the app in this tenant: it is disabled there";
const SCOPE: &str = "check the scope and the cloud: it must be Graph's root with /.default behind it";

/// Number, what to do.
const CODES: &[(u32, &str)] = &[
    // On the page.
    (7_000_215, "check the client secret: it is wrong; its value is needed, not its id"),
    (70_002, "check the client secret: it is not this app's"),
    (7_000_222, SECRET_EXPIRED),
    (7_000_218, NO_PROOF),
    (700_016, APP_UNKNOWN),
    (700_011, APP_UNKNOWN),
    (65_001, CONSENT),
    (700_027, CERTIFICATE),
    (700_030, "check the certificate: its subject is not one that the app may use"),
    (700_025, "register the app as a confidential client: a public one cannot prove who it is"),
    (50_027, ASSERTION_INVALID),
    (700_229, FEDERATED_ENTRA),
    (90_002, TENANT_UNKNOWN),
    (90_038, OTHER_CLOUD),
    (900_382, OTHER_CLOUD),
    (900_432, OTHER_CLOUD),
    (70_011, SCOPE),
    (500_011, SCOPE),
    (70_001, DISABLED),
    (7_000_112, DISABLED),
    (53_003, "ask an administrator of the tenant: a policy of conditional access blocks the app"),
    (50_196, "wait some minutes: the app has asked for the same token too often"),
    // Field reports.
    (7_000_216, NO_PROOF),
    (7_000_229, APP_UNKNOWN),
    (
        7_000_232,
        "give the bot its `ManagedIdentity` as proof: the app id is one of a managed identity, which has no secret",
    ),
    (7_000_214, CERTIFICATE),
    (1_000_502, CERTIFICATE),
    (700_024, ASSERTION_TIME),
    // The page has another meaning for it, which does not go with the message that is seen: both are told.
    (700_023, ASSERTION_AUDIENCE),
    (70_021, FEDERATED),
    (700_211, FEDERATED_ISSUER),
    (700_212, FEDERATED_AUDIENCE),
    (7_002_121, FEDERATED_AUDIENCE),
    (700_213, FEDERATED_SUBJECT),
    (7_002_131, FEDERATED_SUBJECT),
    (700_222, FEDERATED_ENTRA),
    (900_023, TENANT_UNKNOWN),
    (1_002_012, SCOPE),
];

/// Numbers that say only that there is nothing to be had at the moment; all are on the page.
const FOR_NOW: &[u32] = &[90_006, 90_012, 90_024, 90_033, 90_055, 90_090];

/// Whether one of `codes` says that asking again may help.
pub(super) fn is_for_now(codes: &[u32]) -> bool {
    codes.iter().any(|code| FOR_NOW.contains(code))
}

/// What the platform answered in place of a token.
pub(super) struct Answered<'a> {
    pub(super) status: u16,
    pub(super) error: Option<&'a str>,
    pub(super) codes: &'a [u32],
    pub(super) description: &'a str,
}

/// The refusal in words, without any of `secrets`.
pub(super) fn refused(answered: &Answered<'_>, secrets: &[&str]) -> TokenError {
    let Answered { status, error, codes, description } = *answered;
    let clean = |text: &str, most: usize| -> String {
        let text = secrets
            .iter()
            .filter(|secret| !secret.is_empty())
            .fold(text.to_owned(), |text, secret| text.replace(secret, "<redacted>"));
        text.lines().next().unwrap_or_default().chars().take(most).collect()
    };
    let code = codes.first().copied().or_else(|| code_in(description));
    let known = CODES.iter().find(|(number, _)| Some(*number) == code).map(|(_, what_to_do)| *what_to_do);
    TokenError::Refused {
        status,
        error: clean(error.unwrap_or("no error named"), 80),
        code,
        what_to_do: known.unwrap_or_else(|| by_word(error)),
        said: clean(description, MAX_SAID),
    }
}

/// Source: RFC 6749, error response.
fn by_word(error: Option<&str>) -> &'static str {
    match error {
        Some("invalid_client") => {
            "check the client secret, certificate or assertion: it is wrong, expired or not this app's"
        }
        Some("unauthorized_client") => "check the app id and the tenant: the app is not known there",
        Some("invalid_request" | "invalid_scope" | "invalid_resource") => "check the tenant and the scope",
        _ => "check the app's registration",
    }
}

/// The number behind `AADSTS`.
fn code_in(description: &str) -> Option<u32> {
    let (_, rest) = description.split_once("AADSTS")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(error: &str, codes: &[u32], description: &str) -> String {
        refused(&Answered { status: 401, error: Some(error), codes, description }, &["s3cret"]).to_string()
    }

    #[test]
    fn a_known_number_says_what_to_do() {
        for (number, word) in [
            (7_000_215, "check the client secret"),
            (7_000_222, "has expired"),
            (7_000_218, "client secret, a certificate or an assertion"),
            (700_016, "check the app id and the tenant"),
            (65_001, "consent"),
            (700_027, "certificate"),
            (700_024, "clocks"),
            (70_021, "federated identity credential"),
            (700_211, "issuer"),
            (700_212, "audience"),
            (700_213, "subject"),
            (90_002, "tenant"),
            (1_002_012, "scope"),
        ] {
            let description = format!("AADSTS{number}: Words.\r\nTrace ID: x");
            for told in
                [told("invalid_client", &[], &description), told("invalid_client", &[number], "Words.")]
            {
                assert!(told.starts_with(CODES.iter().find(|(n, _)| *n == number).unwrap().1), "{told}");
                assert!(told.contains(word) && !told.contains("Trace"), "{told}");
            }
        }
    }

    #[test]
    fn another_number_is_judged_by_the_word() {
        for (error, word) in [
            ("invalid_client", "check the client secret"),
            ("unauthorized_client", "check the app id"),
            ("invalid_scope", "check the tenant and the scope"),
            ("something_new", "check the app's registration"),
        ] {
            let told = told(error, &[], "AADSTS424242: New.");
            assert!(
                told.starts_with(word) && told.contains("AADSTS424242") && told.contains(error),
                "{told}"
            );
        }
    }

    #[test]
    fn what_was_sent_is_never_told_even_where_the_platform_repeats_it() {
        let told = told("invalid_client s3cret", &[], "AADSTS7000215: The secret s3cret is wrong.");
        assert!(!told.contains("s3cret") && told.contains("<redacted>"), "{told}");
    }

    #[test]
    fn no_number_stands_twice() {
        for (place, (number, _)) in CODES.iter().enumerate() {
            assert!(CODES.iter().skip(place + 1).all(|(other, _)| other != number), "{number}");
        }
    }
}
