//! Where tokens for Graph come from: the trait, what it gives, and why it gives nothing.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use secrecy::SecretString;

/// What is fetched, once it is there.
pub type Fetch<'a, T> = Pin<Box<dyn Future<Output = Result<T, TokenError>> + Send + 'a>>;

/// A token for Graph.
#[derive(Clone, Debug)]
pub struct AccessToken {
    pub(crate) secret: SecretString,
    pub(crate) lifetime: Duration,
}

impl AccessToken {
    /// The token `secret`, which is good for `lifetime` from now on.
    pub fn new(secret: SecretString, lifetime: Duration) -> Self {
        Self { secret, lifetime }
    }
}

/// A source of tokens of the author's own: a broker, a vault, a sidecar.
///
/// The client keeps what it gives, for each tenant, until shortly before its end; for however many ask at once it asks
/// once. An answer that takes longer than [`Limits::exchange`](super::Limits::exchange) is no answer.
///
/// ```
/// use std::time::Duration;
///
/// use callflow_graph::client::{AccessToken, Credentials, Fetch, TokenError, TokenSource};
///
/// struct Broker;
///
/// impl TokenSource for Broker {
///     fn token<'a>(&'a self, tenant_id: &'a str, scope: &'a str) -> Fetch<'a, AccessToken> {
///         Box::pin(async move {
///             if scope.is_empty() {
///                 return Err(TokenError::Source(format!("the broker knows no scope of {tenant_id}")));
///             }
///             Ok(AccessToken::new("the broker's token".into(), Duration::from_secs(3600)))
///         })
///     }
/// }
///
/// let credentials = Credentials::with_token_source("tenant", "app", Broker);
/// ```
pub trait TokenSource: Send + Sync + 'static {
    /// Fetches a new token of `tenant_id` for `scope`, as `https://graph.microsoft.com/.default`.
    ///
    /// # Errors
    /// [`TokenError::Source`] where asking again is of no use, [`TokenError::Unavailable`] where it is. Neither may hold
    /// anything secret: it is logged.
    fn token<'a>(&'a self, tenant_id: &'a str, scope: &'a str) -> Fetch<'a, AccessToken>;
}

/// Why there is no token. None of it holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The identity platform refuses, and will until something is changed.
    #[error("{what_to_do} ({status} {error}: {said})")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// OAuth's word for it, as `invalid_client`.
        error: String,
        /// The number behind `AADSTS`, where there is one.
        code: Option<u32>,
        /// What to do.
        what_to_do: &'static str,
        /// The first line of what the platform said.
        said: String,
    },
    /// There was no usable answer: asking again may help.
    #[error("no token came: {0}")]
    Unavailable(String),
    /// The app cannot prove who it is: its certificate, its assertion or its identity is not to be had.
    #[error("the app cannot prove who it is: {0}")]
    NoProof(String),
    /// A managed identity was asked for a token of another tenant.
    #[error(
        "a managed identity has tokens of its own tenant {home_tenant_id} only: let an app registration trust it, and give \
         it as `Federation::ManagedIdentity`"
    )]
    HomeTenantOnly {
        /// The tenant that it is of.
        home_tenant_id: String,
    },
    /// The tenant is neither an id nor a domain name.
    #[error("this is no tenant: give its id, or one of its domain names")]
    Tenant,
    /// A source of the author's own refuses.
    #[error("{0}")]
    Source(String),
}

impl TokenError {
    /// Whether asking again is of no use until something is changed.
    pub const fn is_definite(&self) -> bool {
        match self {
            Self::Refused { .. } | Self::HomeTenantOnly { .. } | Self::Tenant | Self::Source(_) => true,
            // A file that is being replaced is there a moment later.
            Self::Unavailable(_) | Self::NoProof(_) => false,
        }
    }
}

/// A word for a source of the author's own, which may hold secrets.
pub(super) fn opaque(f: &mut fmt::Formatter<'_>, what: &str) -> fmt::Result {
    write!(f, "{what}(<redacted>)")
}
