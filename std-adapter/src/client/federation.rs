//! Proves an app by an assertion of somebody whom its registration trusts: workload identity federation.
//!
//! Source: Microsoft identity platform, workload identity federation; AKS docs, workload identity; configure an application
//! to trust a managed identity.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::SecretString;

use super::managed_identity::ManagedIdentity;
use super::platform::Platform;
use super::token_source::{Fetch, TokenError, opaque};

/// The most that a file with an assertion may hold, in bytes.
const MAX_FILE: u64 = 64 * 1024;

/// A source of assertions of the author's own.
pub trait AssertionSource: Send + Sync + 'static {
    /// Gives an assertion for `audience`, as `api://AzureADTokenExchange`: a JWT of an issuer whom the app's registration
    /// trusts. It is asked at every fetch of a token, and has as long as one exchange.
    ///
    /// # Errors
    /// [`TokenError::NoProof`], without anything secret: it is logged.
    fn assertion<'a>(&'a self, audience: &'a str) -> Fetch<'a, SecretString>;
}

/// Whose assertion proves the app.
#[derive(Clone)]
#[non_exhaustive]
pub enum Federation {
    /// The one in this file, which somebody else renews. It is read anew at every fetch of a token.
    File(PathBuf),
    /// A managed identity of this machine: the way to tokens of other tenants than its own. The app's registration, which
    /// may be of several tenants, trusts it by a federated identity credential.
    ManagedIdentity(ManagedIdentity),
    /// Somebody of the author's own.
    Source(Arc<dyn AssertionSource>),
}

impl fmt::Debug for Federation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::ManagedIdentity(identity) => f.debug_tuple("ManagedIdentity").field(identity).finish(),
            Self::Source(_) => opaque(f, "Source"),
        }
    }
}

impl Federation {
    /// A source of the author's own.
    pub fn source(source: impl AssertionSource) -> Self {
        Self::Source(Arc::new(source))
    }

    pub(super) async fn assertion(&self, platform: &Platform) -> Result<SecretString, TokenError> {
        let audience = platform.endpoints.cloud.token_exchange_audience();
        match self {
            Self::File(path) => read(path.clone()).await,
            Self::ManagedIdentity(identity) => Ok(identity.token(platform, audience).await?.secret),
            Self::Source(source) => {
                let late = || Err(TokenError::NoProof("its source does not answer".to_owned()));
                let given = tokio::time::timeout(platform.limits.exchange, source.assertion(audience)).await;
                given.unwrap_or_else(|_| late())
            }
        }
    }
}

async fn read(path: PathBuf) -> Result<SecretString, TokenError> {
    let shown = path.display().to_string();
    let read = tokio::task::spawn_blocking(move || read_now(&path)).await;
    let reason = match read {
        Ok(Ok(text)) => return Ok(SecretString::from(text)),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "it was not read".to_owned(),
    };
    Err(TokenError::NoProof(format!("the file {shown}: {reason}; check the path and who may read it")))
}

fn read_now(path: &Path) -> std::io::Result<String> {
    if std::fs::metadata(path)?.len() > MAX_FILE {
        return Err(std::io::Error::other("it is too large for a token"));
    }
    let text = std::fs::read_to_string(path)?;
    let token = text.trim();
    if token.is_empty() { Err(std::io::Error::other("it is empty")) } else { Ok(token.to_owned()) }
}
