//! Tokens of the machine's own identity, which Azure manages: there is no secret to keep.
//!
//! Source: Azure docs, managed identities: how to use a token on a virtual machine; App Service docs, managed identities
//! (REST endpoint); Container Apps docs, managed identities.

use std::fmt;

use bytes::Bytes;
use http::{HeaderValue, Request};
use secrecy::{ExposeSecret, SecretString};

use super::platform::Platform;
use super::token_source::{AccessToken, TokenError};

/// The service of a virtual machine. Plain http goes there by exception: [`crate::transport::check_scheme`].
const INSTANCE_METADATA: &str = "http://169.254.169.254/metadata/identity/oauth2/token";
const INSTANCE_METADATA_VERSION: &str = "2018-02-01";
const APP_SERVICE_VERSION: &str = "2019-08-01";

/// A managed identity of the machine that the bot runs on.
///
/// Its tokens are of its own tenant. For calls of other tenants let an app registration trust it:
/// [`Federation::ManagedIdentity`](super::Federation::ManagedIdentity).
#[derive(Clone)]
pub struct ManagedIdentity {
    host: Host,
    client_id: Option<String>,
}

#[derive(Clone)]
enum Host {
    VirtualMachine,
    AppService { endpoint: String, header: SecretString },
}

impl fmt::Debug for ManagedIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = match &self.host {
            Host::VirtualMachine => "virtual machine",
            Host::AppService { endpoint, .. } => endpoint,
        };
        f.debug_struct("ManagedIdentity").field("host", &host).field("client_id", &self.client_id).finish()
    }
}

impl ManagedIdentity {
    /// The system-assigned identity of a virtual machine, a scale set, or a node of Kubernetes.
    pub fn of_virtual_machine() -> Self {
        Self { host: Host::VirtualMachine, client_id: None }
    }

    /// The system-assigned identity of an App Service, a Function or a Container App, whose platform states `endpoint`
    /// and `header` in the variables `IDENTITY_ENDPOINT` and `IDENTITY_HEADER`.
    pub fn of_app_service(endpoint: impl Into<String>, header: impl Into<SecretString>) -> Self {
        Self { host: Host::AppService { endpoint: endpoint.into(), header: header.into() }, client_id: None }
    }

    /// The user-assigned identity of this client id instead. It is the app id of a bot that is registered with it.
    #[must_use]
    pub fn user_assigned(mut self, client_id: impl Into<String>) -> Self {
        self.client_id = Some(client_id.into());
        self
    }

    /// Fetches a token for `resource`.
    pub(super) async fn token(&self, platform: &Platform, resource: &str) -> Result<AccessToken, TokenError> {
        let (endpoint, version) = match &self.host {
            Host::VirtualMachine => (INSTANCE_METADATA, INSTANCE_METADATA_VERSION),
            Host::AppService { endpoint, .. } => (endpoint.as_str(), APP_SERVICE_VERSION),
        };
        let unusable = |reason: String| TokenError::NoProof(format!("the identity's service: {reason}"));
        let mut url = url::Url::parse(endpoint).map_err(|error| unusable(error.to_string()))?;
        url.query_pairs_mut().append_pair("api-version", version).append_pair("resource", resource);
        if let Some(client_id) = &self.client_id {
            url.query_pairs_mut().append_pair("client_id", client_id);
        }
        let request = Request::get(url.as_str());
        let (request, secret) = match &self.host {
            Host::VirtualMachine => (request.header("Metadata", "true"), ""),
            Host::AppService { header, .. } => {
                let mut value = HeaderValue::try_from(header.expose_secret())
                    .map_err(|_| unusable("IDENTITY_HEADER is no header value".to_owned()))?;
                value.set_sensitive(true);
                (request.header("X-IDENTITY-HEADER", value), header.expose_secret())
            }
        };
        let request = request.body(Bytes::new()).map_err(|error| unusable(error.to_string()))?;
        platform.ask(request, &[secret]).await
    }
}
