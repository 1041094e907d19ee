//! What can be told of a bot before its first call: one finding a check, with the reason and the way out.
//!
//! | check | what it does |
//! | --- | --- |
//! | `token` | fetches a token of the app's own tenant |
//! | `clock` | compares the clock with that of the host where tokens come from |
//! | `permissions` | compares what is stated with what the token says, and both with what a bot needs |
//! | `graph` | asks Graph for a call that there is not: whether it knows the app, as far as that tells |
//! | `keys` | fetches the keys of the service that posts notifications |
//! | `callback` | posts to the callback without a token, as nobody may |
//! | `store` | opens the store, and writes to it |
//! | `prompts` | converts every prompt, and fetches one as the service would |
//! | `speech` | has a word spoken |
//!
//! Nothing of it places a call, or changes anything but a store that is not there yet, which is made and removed.

mod app;
mod callback;
mod local;
mod refusals;
#[cfg(feature = "simulator")]
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use callflow_core::action::Action;
use callflow_core::classification::{Hosting, Kind};
use callflow_core::media::MediaHost;
use callflow_core::permission::{Grants, Permissions, Requirement, missing, required};

use crate::clock::Clock;
use crate::configuration::Configuration;
use crate::transport::Transport;

pub use refusals::{REFUSALS, Refusal};

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Nothing is wrong, as far as can be told.
    Ok,
    /// Something may be wrong, or cannot be told.
    Warning,
    /// The bot will not do.
    Failed,
}

impl Outcome {
    /// Its name: `ok`, `warning`, `failed`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a check found. Nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// Which check.
    pub check: &'static str,
    /// How it came out.
    pub outcome: Outcome,
    /// What was found, or why it cannot be told.
    pub found: String,
    /// What to do; none where nothing has to be done.
    pub way_out: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, outcome: Outcome::Ok, found: found.into(), way_out: None }
    }

    fn warning(check: &'static str, found: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self { check, outcome: Outcome::Warning, found: found.into(), way_out: Some(way_out.into()) }
    }

    fn failed(check: &'static str, found: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self { check, outcome: Outcome::Failed, found: found.into(), way_out: Some(way_out.into()) }
    }
}

/// Whether the app may do something, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ability {
    /// It may.
    Can,
    /// It lacks a permission.
    Lacks(callflow_core::permission::Missing),
    /// It is not known what was granted; these are needed.
    Needs(callflow_core::permission::Needs),
    /// No such call has it, or the cloud does not.
    NotOffered,
}

impl fmt::Display for Ability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Can => f.write_str("can"),
            Self::Lacks(missing) => write!(f, "cannot: lacks {missing}"),
            Self::Needs(needs) => write!(f, "needs {needs}"),
            Self::NotOffered => f.write_str("not offered"),
        }
    }
}

/// What the bot can do in its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Row {
    /// The action.
    pub action: Action,
    /// In a peer-to-peer call.
    pub p2p: Ability,
    /// In a group call or meeting.
    pub group: Ability,
}

/// What all checks found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// In the order of the checks.
    pub findings: Vec<Finding>,
    /// What the bot can and cannot do.
    pub abilities: Vec<Row>,
}

impl Report {
    /// The worst outcome of all.
    pub fn outcome(&self) -> Outcome {
        self.findings.iter().map(|finding| finding.outcome).max().unwrap_or(Outcome::Ok)
    }
}

/// Makes every check of a bot that is set up so. What goes over the network goes over `transport`.
pub async fn check(configuration: &Configuration, transport: Arc<dyn Transport>, clock: Clock) -> Report {
    let app = app::App::new(configuration, Arc::clone(&transport), clock);
    let mut findings = vec![app.token().await, app.clock().await];
    let granted = app.granted();
    findings.push(app.permissions(granted));
    findings.push(app.graph().await);
    findings.push(app.keys().await);
    let callback = callback::check(configuration, &*transport).await;
    let is_served = callback.outcome == Outcome::Ok;
    findings.push(callback);
    findings.push(local::store(configuration).await);
    findings.extend(local::menus(configuration));
    findings.extend(local::prompts(configuration, &transport, clock, is_served).await);
    let cloud = configuration.bot.endpoints.cloud;
    let abilities = abilities(granted, |action| cloud.has(action));
    Report { findings, abilities }
}

/// What an app can do to which `granted` was granted, of the actions that its cloud has.
pub fn abilities(granted: Grants, has: impl Fn(Action) -> bool) -> Vec<Row> {
    let of = |action: Action, kind, hosting| {
        let requirement = required(action, kind, hosting, MediaHost::Service);
        match (requirement, granted) {
            (Requirement::NotSupported, _) => Ability::NotOffered,
            _ if !has(action) => Ability::NotOffered,
            (Requirement::Nothing, _) => Ability::Can,
            (Requirement::Needs(needs), Grants::Unknown) => Ability::Needs(needs),
            (Requirement::Needs(_), Grants::Known(granted)) => {
                missing(granted, requirement).map_or(Ability::Can, Ability::Lacks)
            }
        }
    };
    let row = |action: &Action| Row {
        action: *action,
        p2p: of(*action, Kind::PeerToPeer, Hosting::Direct),
        group: of(*action, Kind::Group, Hosting::Conversation),
    };
    Action::ALL.iter().map(row).collect()
}

/// The names of a set of permissions, for messages.
fn names(permissions: Permissions) -> String {
    let names: Vec<_> = permissions.iter().map(callflow_core::permission::Permission::name).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
