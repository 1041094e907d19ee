//! What a client of the Microsoft identity platform asks an authority before it asks for a token.
//!
//! The libraries do so over https alone, and ask Microsoft's own login host about an authority that they do not know, unless
//! they are told not to (`disable_instance_discovery`, `disableInstanceDiscovery`, `DisableInstanceDiscovery`,
//! `instance_discovery=False`).
//!
//! Source: Microsoft identity platform, OpenID Connect (the tenant's configuration document); MSAL docs, authority aliases
//! (instance discovery).

use axum::extract::{FromRequestParts, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::request::Parts;
use http::{StatusCode, header::HOST};
use serde_json::{Value, json};

use super::World;
use super::service::Served;
use super::tls::Encrypted;

/// The tenants' names that stand for any tenant.
const ANY_TENANT: [&str; 2] = ["common", "organizations"];

/// Scheme and authority under which a request came: what its answer names, so that a client that came by https stays there.
pub(super) struct Base(pub(super) String);

impl FromRequestParts<Served> for Base {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, world: &Served) -> Result<Self, Self::Rejection> {
        let is_encrypted = parts.extensions.get::<Encrypted>().is_some();
        // Checked already: it is one of ours.
        let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok()).filter(|_| is_encrypted);
        Ok(Self(host.map_or_else(|| world.base().to_owned(), |host| format!("https://{host}"))))
    }
}

pub(super) fn router() -> Router<Served> {
    Router::new()
        .route("/{tenant}/v2.0/.well-known/openid-configuration", get(configuration))
        .route("/{tenant}/discovery/v2.0/keys", get(keys))
        .route("/common/discovery/instance", get(instance))
}

/// Source: Microsoft identity platform, OpenID Connect on the Microsoft identity platform.
async fn configuration(
    State(world): State<Served>,
    Path(tenant): Path<String>,
    Base(base): Base,
) -> Result<Json<Value>, NoTenant> {
    is_tenant(&world, &tenant)?;
    let tenant = format!("{base}/{tenant}");
    Ok(Json(json!({
        "issuer": format!("{tenant}/v2.0"),
        "authorization_endpoint": format!("{tenant}/oauth2/v2.0/authorize"),
        "token_endpoint": format!("{tenant}/oauth2/v2.0/token"),
        "jwks_uri": format!("{tenant}/discovery/v2.0/keys"),
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
        "response_types_supported": ["code"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
    })))
}

async fn keys(State(world): State<Served>, Path(tenant): Path<String>) -> Result<Json<Value>, NoTenant> {
    is_tenant(&world, &tenant)?;
    Ok(Json(world.keys.published()))
}

/// This authority is the only one that there is.
///
/// Source: MSAL docs, authority aliases (instance discovery).
async fn instance(Base(base): Base) -> Json<Value> {
    let host = base.split_once("://").map_or(base.as_str(), |(_, host)| host);
    Json(json!({
        "tenant_discovery_endpoint": format!("{base}/common/v2.0/.well-known/openid-configuration"),
        "api-version": "1.1",
        "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
    }))
}

/// There is no such tenant here.
struct NoTenant;

impl IntoResponse for NoTenant {
    fn into_response(self) -> Response {
        let words =
            "AADSTS90002: Tenant not found. Check that it is that of an app that the simulator knows.";
        let body = json!({"error": "invalid_tenant", "error_description": words});
        (StatusCode::BAD_REQUEST, Json(body)).into_response()
    }
}

fn is_tenant(world: &World, tenant: &str) -> Result<(), NoTenant> {
    let registrations = world.registrations.read().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut tenants = registrations.values().map(|app| app.tenant_id.as_str()).chain(ANY_TENANT);
    if tenants.any(|known| known.eq_ignore_ascii_case(tenant)) { Ok(()) } else { Err(NoTenant) }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::Extension;
    use axum::body::Body;
    use http::Request;
    use tower::ServiceExt as _;

    use super::*;
    use crate::clock::Clock;
    use crate::simulator::{Config, Registration, Simulator};
    use crate::transport::InProcess;

    async fn ask(is_encrypted: bool, path: &str) -> (StatusCode, Value) {
        let app = Registration::new("app-1", "tenant-1", "s3cret", "https://bot.test/calls");
        let config = Config::new("http://127.0.0.1:4100", app);
        let simulator = Simulator::try_new(config, Arc::new(InProcess::new()), Clock::system()).unwrap();
        let router = simulator.router();
        let router = if is_encrypted { router.layer(Extension(Encrypted)) } else { router };
        let request = Request::get(path).header(HOST, "localhost:4101").body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 100_000).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    #[tokio::test]
    async fn a_client_that_came_by_https_stays_there() {
        for (is_encrypted, base) in [(false, "http://127.0.0.1:4100"), (true, "https://localhost:4101")] {
            let (_, document) = ask(is_encrypted, "/tenant-1/v2.0/.well-known/openid-configuration").await;
            assert_eq!(document["issuer"], format!("{base}/tenant-1/v2.0"));
            assert_eq!(document["token_endpoint"], format!("{base}/tenant-1/oauth2/v2.0/token"));
            assert_eq!(document["jwks_uri"], format!("{base}/tenant-1/discovery/v2.0/keys"));
            let (_, document) = ask(is_encrypted, "/v1/.well-known/OpenIdConfiguration").await;
            assert_eq!(document["jwks_uri"], format!("{base}/v1/.well-known/keys"));
            let (_, document) = ask(is_encrypted, "/common/discovery/instance?api-version=1.1").await;
            let host = base.split("//").nth(1).unwrap();
            assert_eq!(document["metadata"][0]["aliases"], json!([host]));
            let discovery = format!("{base}/common/v2.0/.well-known/openid-configuration");
            assert_eq!(document["tenant_discovery_endpoint"], discovery);
        }
    }

    #[tokio::test]
    async fn only_tenants_of_apps_are_there() {
        for (tenant, status) in [("tenant-1", 200), ("TENANT-1", 200), ("common", 200), ("tenant-2", 400)] {
            for path in ["v2.0/.well-known/openid-configuration", "discovery/v2.0/keys"] {
                let (found, document) = ask(true, &format!("/{tenant}/{path}")).await;
                assert_eq!(found, status, "{tenant} {path}: {document}");
            }
        }
        assert_eq!(ask(true, "/tenant-1/discovery/v2.0/keys").await.1["keys"][0]["kty"], "RSA");
    }
}
