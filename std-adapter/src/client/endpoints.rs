//! Where the services are.

use std::borrow::Cow;

use super::cloud::Cloud;
use crate::wire::request::Version;

/// Where the services are. Each can be stated; [`Self::of`] has those of a cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// The cloud that they are in.
    pub cloud: Cloud,
    /// Where tokens come from; `/{tenant}/oauth2/v2.0/token` is put behind it.
    pub authority: String,
    /// The base of Graph's API, with its version, `v1.0`, at the end. Where it ends in another way, requests for beta are
    /// refused.
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

    /// The base of a version of Graph's API; `None` where [`Self::graph`] does not say where that lies.
    pub(super) fn base(&self, version: Version) -> Option<Cow<'_, str>> {
        let graph = self.graph.trim_end_matches('/');
        match version {
            Version::V1 => Some(Cow::Borrowed(graph)),
            Version::Beta => {
                let root = graph.strip_suffix(Version::V1.name())?;
                Some(Cow::Owned(format!("{root}{}", version.name())))
            }
        }
    }

    /// The resource that [`Self::scope`] is of, as managed identities are asked for it.
    pub(super) fn resource(&self) -> &str {
        self.scope.strip_suffix("/.default").unwrap_or(&self.scope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beta_lies_beside_the_first_version() {
        for (graph, beta) in [
            ("https://graph.microsoft.com/v1.0", Some("https://graph.microsoft.com/beta")),
            ("http://127.0.0.1:80/v1.0/", Some("http://127.0.0.1:80/beta")),
            ("https://gateway.example/graph", None),
        ] {
            let endpoints = Endpoints { graph: graph.to_owned(), ..Endpoints::global() };
            assert_eq!(endpoints.base(Version::Beta).as_deref(), beta, "{graph}");
            assert_eq!(endpoints.base(Version::V1).as_deref(), Some(graph.trim_end_matches('/')));
        }
    }
}
