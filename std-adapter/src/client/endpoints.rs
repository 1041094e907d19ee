//! Where the services are.

use super::cloud::Cloud;

/// Where the services are. Each can be stated; [`Self::of`] has those of a cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// The cloud that they are in.
    pub cloud: Cloud,
    /// Where tokens come from; `/{tenant}/oauth2/v2.0/token` is put behind it.
    pub authority: String,
    /// The base of Graph's API.
    pub graph: String,
    /// The OpenID document of the service that posts notifications. For the government's clouds no page has it: what
    /// [`Self::of`] gives there is assumed ([`Cloud::openid_certainty`]).
    pub openid: String,
    /// The scope of tokens for Graph.
    pub scope: String,
}

impl Endpoints {
    /// The worldwide cloud.
    ///
    /// Source: Graph docs, national cloud deployments; the vendor's article on calling notifications.
    pub fn global() -> Self {
        Self::of(Cloud::Global)
    }

    /// Those of `cloud`.
    ///
    /// Source: the table of [`Cloud`].
    pub fn of(cloud: Cloud) -> Self {
        Self {
            cloud,
            authority: cloud.login().to_owned(),
            graph: format!("{}/v1.0", cloud.graph_root()),
            openid: cloud.openid().unwrap_or_default().to_owned(),
            scope: format!("{}/.default", cloud.graph_root()),
        }
    }

    /// The address that tokens of `tenant_id` are fetched from.
    pub(super) fn token_endpoint(&self, tenant_id: &str) -> String {
        format!("{}/{tenant_id}/oauth2/v2.0/token", self.authority.trim_end_matches('/'))
    }

    /// The resource that [`Self::scope`] is of, as managed identities are asked for it.
    pub(super) fn resource(&self) -> &str {
        self.scope.strip_suffix("/.default").unwrap_or(&self.scope)
    }
}
