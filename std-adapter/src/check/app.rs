//! The app, as the identity platform and Graph know it.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use callflow_core::permission::{Grants, Permission};
use http::header::DATE;
use http::{Method, Request};

use super::{Finding, names, refusals};
use crate::client::{Answer, ClientError, GraphClient, GraphRequest};
use crate::clock::Clock;
use crate::configuration::Configuration;
use crate::transport::Transport;
use crate::webhook::authentication::{Authenticator, TOLERANCE_SECONDS};
use crate::wire::graph_error::GraphError;

/// How long a host may take.
pub(super) const WITHIN: Duration = Duration::from_secs(10);
/// From here on clocks that differ are worth a warning, in seconds.
const NOTABLE_SECONDS: u64 = 30;
/// A call that there is not.
const NO_CALL: &str = "/communications/calls/00000000-0000-0000-0000-000000000000";

pub(super) struct App<'a> {
    configuration: &'a Configuration,
    client: GraphClient,
    authenticator: Authenticator,
    transport: Arc<dyn Transport>,
    clock: Clock,
}

impl<'a> App<'a> {
    pub(super) fn new(configuration: &'a Configuration, transport: Arc<dyn Transport>, clock: Clock) -> Self {
        let bot = &configuration.bot;
        let client = GraphClient::new(
            bot.credentials.clone(),
            bot.endpoints.clone(),
            bot.limits,
            Arc::clone(&transport),
            clock,
        );
        let authenticator = Authenticator::new(
            bot.expected.clone(),
            bot.endpoints.openid.clone(),
            Arc::clone(&transport),
            clock,
        );
        Self { configuration, client, authenticator, transport, clock }
    }

    pub(super) async fn token(&self) -> Finding {
        match self.client.check_credentials().await {
            Ok(()) => {
                let credentials = &self.configuration.bot.credentials;
                let (app, tenant) = (&credentials.app_id, &credentials.tenant_id);
                Finding::ok("token", format!("app {app} gets one in tenant {tenant}"))
            }
            Err(ClientError::NoToken { app_id, tenant_id, reason }) => {
                // What it says begins with what to do.
                Finding::failed(
                    "token",
                    format!("app {app_id} gets none in tenant {tenant_id}"),
                    reason.to_string(),
                )
            }
            Err(error) => Finding::failed("token", "there is none", error.to_string()),
        }
    }

    /// What was granted: as it is stated, or as the token says.
    pub(super) fn granted(&self) -> Grants {
        match self.configuration.bot.grants {
            Grants::Unknown => self.client.granted(None),
            stated @ Grants::Known(_) => stated,
        }
    }

    pub(super) fn permissions(&self, granted: Grants) -> Finding {
        const CHECK: &str = "permissions";
        const CONSENT: &str =
            "add them to the app (application permissions), and have an administrator consent again";
        let (stated, told) = (self.configuration.bot.grants, self.client.granted(None));
        let Grants::Known(known) = granted else {
            let found = "nothing is stated, and the token names none: none was granted, or there is no token";
            return Finding::warning(
                CHECK,
                found,
                format!(
                    "what the bot cannot do then the table says; {CONSENT}, or state them in `app.permissions`"
                ),
            );
        };
        if let (Grants::Known(stated), Grants::Known(told)) = (stated, told) {
            // What is granted for one chat is in no token.
            let in_tokens = |one: &Permission| {
                !matches!(one, Permission::JoinGroupCallsChat | Permission::AccessMediaChat)
            };
            let lacking: Vec<_> =
                stated.iter().filter(in_tokens).filter(|one| !told.has(*one)).map(Permission::name).collect();
            if !lacking.is_empty() {
                let found = format!("stated, but not in the token: {}", lacking.join(", "));
                return Finding::failed(
                    CHECK,
                    found,
                    format!("{CONSENT}, or take them out of `app.permissions`"),
                );
            }
        }
        let whose = if stated == Grants::Unknown { "the token says" } else { "stated" };
        let found = format!("{whose}: {}", names(known));
        if known.has(Permission::AccessMediaAll) || known.has(Permission::AccessMediaChat) {
            return Finding::ok(CHECK, found);
        }
        let way_out =
            format!("without Calls.AccessMedia.All the bot hears no keys and records nothing; {CONSENT}");
        Finding::warning(CHECK, found, way_out)
    }

    /// Compares the clocks. Any answer has a date, whatever its status.
    pub(super) async fn clock(&self) -> Finding {
        const CHECK: &str = "clock";
        let authority = &self.configuration.bot.endpoints.authority;
        let tenant = &self.configuration.bot.credentials.tenant_id;
        let address =
            format!("{}/{tenant}/v2.0/.well-known/openid-configuration", authority.trim_end_matches('/'));
        let Ok(request) = Request::get(&address).body(Bytes::new()) else {
            return Finding::warning(
                CHECK,
                "cannot be compared",
                "check `cloud.authority` and `app.tenant_id`",
            );
        };
        let answer = match tokio::time::timeout(WITHIN, self.transport.send(request)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                return Finding::failed(
                    CHECK,
                    "the host where tokens come from does not answer",
                    error.to_string(),
                );
            }
            Err(_) => {
                let way_out = "check the network, its proxy, and `cloud.authority`";
                return Finding::failed(
                    CHECK,
                    format!("nothing came within {WITHIN:?} from {authority}"),
                    way_out,
                );
            }
        };
        let date = answer.headers().get(DATE).and_then(|date| date.to_str().ok());
        let told = date.and_then(|date| httpdate::parse_http_date(date).ok());
        let Some(told) = told.and_then(|told| told.duration_since(UNIX_EPOCH).ok()) else {
            let way_out = format!(
                "see to it that the clock is set by the network: beyond {TOLERANCE_SECONDS} seconds notifications are refused"
            );
            return Finding::warning(
                CHECK,
                format!("{authority} tells no date, so it cannot be compared"),
                way_out,
            );
        };
        let (own, told) = (self.clock.now_seconds(), told.as_secs());
        let (apart, which) = (own.abs_diff(told), if own > told { "ahead" } else { "behind" });
        let found = format!("{apart} seconds {which} of the authority's");
        let way_out = format!(
            "let the clock be set by the network (NTP): beyond {TOLERANCE_SECONDS} seconds the bot refuses good notifications, \
             and the platform its certificate"
        );
        match apart {
            // A date is told in whole seconds, and was told a moment ago.
            0..=2 => Finding::ok(CHECK, "agrees with the authority's"),
            3..NOTABLE_SECONDS => Finding::ok(CHECK, found),
            NOTABLE_SECONDS..=TOLERANCE_SECONDS => Finding::warning(CHECK, found, way_out),
            _ => Finding::failed(CHECK, found, way_out),
        }
    }

    /// Asks for a call that there is not.
    ///
    /// Source: assumed (field reports of a call that has ended: 404 with 8522); if the service answers otherwise, the
    /// finding says what it answered, as a warning.
    pub(super) async fn graph(&self) -> Finding {
        const CHECK: &str = "graph";
        match self.client.send(&GraphRequest::new(Method::GET, NO_CALL)).await {
            Ok(answer) => answered(CHECK, &answer),
            Err(ClientError::NoToken { .. }) => {
                Finding::warning(CHECK, "cannot be asked without a token", "see to the token first")
            }
            Err(error) => Finding::failed(CHECK, "Graph does not answer", error.to_string()),
        }
    }

    pub(super) async fn keys(&self) -> Finding {
        const CHECK: &str = "keys";
        let openid = &self.configuration.bot.endpoints.openid;
        match self.authenticator.check_keys().await {
            Ok(()) => Finding::ok(CHECK, format!("those that sign notifications were fetched by {openid}")),
            Err(fault) => Finding::failed(
                CHECK,
                fault.to_string(),
                format!(
                    "let the machine reach {openid}, or give the right address as `cloud.openid`: without keys every notification is answered 503"
                ),
            ),
        }
    }
}

fn answered(check: &'static str, answer: &Answer) -> Finding {
    let body = String::from_utf8_lossy(&answer.body);
    let words = GraphError::read(&answer.body).map_or_else(String::new, |e| e.words(answer.status));
    let found = |words: &str| {
        format!("Graph answered {} to a question for a call that there is not: {words}", answer.status)
    };
    match answer.status {
        404 => Finding::ok(
            check,
            "takes the app's token; whether calling is switched on, and what other tenants consented to, only a call can tell",
        ),
        403 => match refusals::told(&body) {
            Some(refusal) => Finding::failed(
                check,
                format!("{}: {} ({})", found(&words), refusal.says, refusal.code),
                refusal.causes.join("; or "),
            ),
            None => Finding::failed(check, found(&words), "look at the app's permissions and their consent"),
        },
        401 => Finding::failed(
            check,
            found(&words),
            "check `cloud.scope` and `cloud.graph`: the token is for something else",
        ),
        _ => Finding::warning(
            check,
            found(&words),
            format!("try again later; for Microsoft's support: {}", answer.support),
        ),
    }
}
