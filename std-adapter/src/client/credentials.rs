//! Who the bot is, and how it proves that.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::certificate::{Certificate, CertificateError};
use super::cloud::Cloud;
use super::federation::Federation;
use super::managed_identity::ManagedIdentity;
use super::platform::Platform;
use super::token_source::{AccessToken, TokenError, TokenSource, opaque};

/// Source: RFC 7523, using JWTs for client authentication.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Who the bot is. Its app is registered for one tenant, for several, or is a user-assigned managed identity; for calls of
/// several tenants it must be registered for several.
///
/// ```
/// use callflow_graph::client::{Credentials, ManagedIdentity};
///
/// let by_secret = Credentials::with_secret("tenant", "app", "s3cret");
/// let identity = ManagedIdentity::of_virtual_machine().user_assigned("app");
/// let by_identity = Credentials::new("tenant", "app", identity);
/// ```
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The tenant whose token is fetched where a call names none.
    pub tenant_id: String,
    /// The application (client) id.
    pub app_id: String,
    /// How the app proves who it is.
    pub proof: Proof,
}

/// How an app proves who it is.
#[derive(Clone)]
#[non_exhaustive]
pub enum Proof {
    /// By a client secret.
    Secret(SecretString),
    /// By a certificate.
    Certificate(Certificate),
    /// By an assertion of somebody whom its registration trusts.
    Federation(Federation),
    /// It is a managed identity of this machine: calls of its own tenant only.
    ManagedIdentity(ManagedIdentity),
    /// The author's own code fetches the tokens.
    Source(Arc<dyn TokenSource>),
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(_) => opaque(f, "Secret"),
            Self::Certificate(certificate) => certificate.fmt(f),
            Self::Federation(federation) => federation.fmt(f),
            Self::ManagedIdentity(identity) => identity.fmt(f),
            Self::Source(_) => opaque(f, "Source"),
        }
    }
}

impl From<SecretString> for Proof {
    fn from(secret: SecretString) -> Self {
        Self::Secret(secret)
    }
}

impl From<Certificate> for Proof {
    fn from(certificate: Certificate) -> Self {
        Self::Certificate(certificate)
    }
}

impl From<Federation> for Proof {
    fn from(federation: Federation) -> Self {
        Self::Federation(federation)
    }
}

impl From<ManagedIdentity> for Proof {
    fn from(identity: ManagedIdentity) -> Self {
        Self::ManagedIdentity(identity)
    }
}

/// What the environment lacks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvironmentError {
    /// A variable that is always needed.
    #[error("the variable {0} is not set: it says {1}")]
    Missing(&'static str, &'static str),
    /// No variable says how the app proves who it is.
    #[error(
        "none of {SECRET}, {CERTIFICATE} and {FEDERATED} is set: one of them proves the app (on App Service and Container \
         Apps, {IDENTITY_ENDPOINT} and {IDENTITY_HEADER} do)"
    )]
    NoProof,
    /// The certificate cannot be used.
    #[error("the variable {CERTIFICATE}: {0}")]
    Certificate(#[from] CertificateError),
    /// The login host is of no cloud.
    #[error("the variable {AUTHORITY}: {0} is the login host of no cloud; state the endpoints instead")]
    Authority(String),
}

const TENANT: &str = "AZURE_TENANT_ID";
const APP: &str = "AZURE_CLIENT_ID";
const SECRET: &str = "AZURE_CLIENT_SECRET";
const CERTIFICATE: &str = "AZURE_CLIENT_CERTIFICATE_PATH";
const FEDERATED: &str = "AZURE_FEDERATED_TOKEN_FILE";
const AUTHORITY: &str = "AZURE_AUTHORITY_HOST";
const IDENTITY_ENDPOINT: &str = "IDENTITY_ENDPOINT";
const IDENTITY_HEADER: &str = "IDENTITY_HEADER";

impl Credentials {
    /// The app `app_id`, which proves who it is by `proof`.
    pub fn new(tenant_id: impl Into<String>, app_id: impl Into<String>, proof: impl Into<Proof>) -> Self {
        Self { tenant_id: tenant_id.into(), app_id: app_id.into(), proof: proof.into() }
    }

    /// The app `app_id`, with a client secret.
    pub fn with_secret(
        tenant_id: impl Into<String>,
        app_id: impl Into<String>,
        secret: impl Into<SecretString>,
    ) -> Self {
        Self::new(tenant_id, app_id, secret.into())
    }

    /// The app `app_id`, whose tokens the author's own code fetches.
    pub fn with_token_source(
        tenant_id: impl Into<String>,
        app_id: impl Into<String>,
        source: impl TokenSource,
    ) -> Self {
        Self::new(tenant_id, app_id, Proof::Source(Arc::new(source)))
    }

    /// The app of the variables that Azure's tools use: `AZURE_TENANT_ID`, `AZURE_CLIENT_ID`, and the first of
    /// `AZURE_CLIENT_SECRET`, `AZURE_CLIENT_CERTIFICATE_PATH` (PEM), `AZURE_FEDERATED_TOKEN_FILE`, and `IDENTITY_ENDPOINT`
    /// with `IDENTITY_HEADER` (the user-assigned identity of that client id). An empty variable is not set.
    ///
    /// A virtual machine states nothing of its identity: use [`ManagedIdentity::of_virtual_machine`]. Which cloud it is
    /// says [`Cloud::from_env`].
    ///
    /// # Errors
    /// [`EnvironmentError`], which names the variable.
    pub fn from_env() -> Result<Self, EnvironmentError> {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    /// As [`Self::from_env`], of the variables that `variable` looks up.
    ///
    /// # Errors
    /// [`EnvironmentError`], which names the variable.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, EnvironmentError> {
        let set = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let tenant_id = set(TENANT).ok_or(EnvironmentError::Missing(TENANT, "which tenant the app is of"))?;
        let app_id = set(APP).ok_or(EnvironmentError::Missing(APP, "which app the bot is"))?;
        let proof = if let Some(secret) = set(SECRET) {
            Proof::Secret(secret.into())
        } else if let Some(path) = set(CERTIFICATE) {
            Proof::Certificate(Certificate::from_file(path)?)
        } else if let Some(path) = set(FEDERATED) {
            Proof::Federation(Federation::File(PathBuf::from(path)))
        } else if let (Some(endpoint), Some(header)) = (set(IDENTITY_ENDPOINT), set(IDENTITY_HEADER)) {
            Proof::ManagedIdentity(ManagedIdentity::of_app_service(endpoint, header).user_assigned(&*app_id))
        } else {
            return Err(EnvironmentError::NoProof);
        };
        Ok(Self { tenant_id, app_id, proof })
    }

    /// Fetches a token of `tenant_id`.
    pub(super) async fn token(
        &self,
        platform: &Platform,
        tenant_id: &str,
    ) -> Result<AccessToken, TokenError> {
        let of_secret = async |secret: &SecretString| {
            let proof = [("client_secret", secret.expose_secret())];
            platform.by_client_credentials(tenant_id, &self.app_id, &proof).await
        };
        let of_assertion = async |assertion: SecretString| {
            let proof =
                [("client_assertion_type", JWT_BEARER), ("client_assertion", assertion.expose_secret())];
            platform.by_client_credentials(tenant_id, &self.app_id, &proof).await
        };
        match &self.proof {
            Proof::Secret(secret) => of_secret(secret).await,
            Proof::Certificate(certificate) => {
                let endpoint = platform.endpoints.token_endpoint(tenant_id);
                let now = platform.clock.now_seconds();
                of_assertion(certificate.assertion(&self.app_id, &endpoint, now)?).await
            }
            Proof::Federation(federation) => of_assertion(federation.assertion(platform).await?).await,
            Proof::ManagedIdentity(identity) => {
                if !tenant_id.eq_ignore_ascii_case(&self.tenant_id) {
                    return Err(TokenError::HomeTenantOnly { home_tenant_id: self.tenant_id.clone() });
                }
                identity.token(platform, platform.endpoints.resource()).await
            }
            Proof::Source(source) => {
                let late = || Err(TokenError::Unavailable("the source of tokens does not answer".to_owned()));
                let fetched = source.token(tenant_id, &platform.endpoints.scope);
                tokio::time::timeout(platform.limits.exchange, fetched).await.unwrap_or_else(|_| late())
            }
        }
    }
}

impl Cloud {
    /// The cloud whose login host the variable `AZURE_AUTHORITY_HOST` names; the global one where it is not set. The two
    /// clouds of the US Government share a login host: this gives [`Self::UsGovL4`].
    ///
    /// # Errors
    /// [`EnvironmentError::Authority`]
    pub fn from_env() -> Result<Self, EnvironmentError> {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    /// As [`Self::from_env`], of the variables that `variable` looks up.
    ///
    /// # Errors
    /// [`EnvironmentError::Authority`]
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, EnvironmentError> {
        match variable(AUTHORITY).filter(|login| !login.trim().is_empty()) {
            Some(login) => Self::of_login(&login).ok_or(EnvironmentError::Authority(login)),
            None => Ok(Self::Global),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::certificate::tests::{made, rsa};

    fn from(set: &[(&str, &str)]) -> Result<Credentials, EnvironmentError> {
        Credentials::from_variables(|name| {
            set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_environment_says_who_and_how() {
        let whose = [(TENANT, "t"), (APP, "a")];
        let with = |more: &[(&'static str, &'static str)]| from(&[&whose, more].concat()).unwrap();
        let by_secret = with(&[(SECRET, "s3cret"), (FEDERATED, "/token")]);
        assert_eq!((&*by_secret.tenant_id, &*by_secret.app_id), ("t", "a"));
        assert!(matches!(by_secret.proof, Proof::Secret(secret) if secret.expose_secret() == "s3cret"));
        let by_file = with(&[(SECRET, " "), (FEDERATED, "/token")]);
        assert!(
            matches!(by_file.proof, Proof::Federation(Federation::File(path)) if path.to_str() == Some("/token"))
        );
        let by_identity =
            with(&[(IDENTITY_ENDPOINT, "http://localhost:1/msi/token"), (IDENTITY_HEADER, "h3ader")]);
        let shown = format!("{by_identity:?}");
        assert!(shown.contains("localhost:1") && shown.contains(r#"Some("a")"#) && !shown.contains("h3ader"));
    }

    #[test]
    fn a_certificate_is_read_at_once() {
        let (certificate, key) = made(&rsa());
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        let read = || from(&[(TENANT, "t"), (APP, "a"), (CERTIFICATE, &path)]);
        assert_eq!(read().unwrap_err(), EnvironmentError::Certificate(CertificateError::NoCertificate));
        std::fs::write(&path, format!("{certificate}{key}")).unwrap();
        assert!(matches!(read().unwrap().proof, Proof::Certificate(_)));
    }

    #[test]
    fn what_is_missing_is_named() {
        for (set, named) in [
            (&[][..], &[TENANT][..]),
            (&[(TENANT, "t"), (APP, "")], &[APP]),
            (&[(TENANT, "t"), (APP, "a")], &[SECRET, CERTIFICATE, FEDERATED, IDENTITY_ENDPOINT]),
            (&[(TENANT, "t"), (APP, "a"), (IDENTITY_ENDPOINT, "http://localhost/")], &[IDENTITY_HEADER]),
            (&[(TENANT, "t"), (APP, "a"), (CERTIFICATE, "/nowhere/a.pem")], &[CERTIFICATE, "/nowhere/a.pem"]),
        ] {
            let error = from(set).unwrap_err().to_string();
            assert!(named.iter().all(|name| error.contains(name)), "{error}");
        }
    }

    #[test]
    fn the_login_host_says_which_cloud() {
        let of = |login: Option<&str>| Cloud::from_variables(|_| login.map(str::to_owned));
        assert_eq!(of(None), Ok(Cloud::Global));
        assert_eq!(of(Some("https://login.microsoftonline.us/")), Ok(Cloud::UsGovL4));
        let error = of(Some("https://login.test/")).unwrap_err().to_string();
        assert!(error.contains(AUTHORITY) && error.contains("login.test"), "{error}");
    }

    #[test]
    fn nothing_secret_is_shown() {
        let shown = format!("{:?}", Credentials::with_secret("t", "a", "s3cret"));
        assert!(shown.contains("<redacted>") && !shown.contains("s3cret"), "{shown}");
    }
}
