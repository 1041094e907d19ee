//! The clouds that Microsoft 365 runs in, as a table: where tokens come from, where Graph is, who signs notifications, and
//! which actions of a call there are.
//!
//! Tenants of one cloud are served there and nowhere else: a token of another cloud's login host is worth nothing.
//!
//! ```
//! use callflow_core::action::{Action, Actions};
//! use callflow_graph::client::{Cloud, Endpoints};
//!
//! let cloud: Cloud = "gccHigh".parse()?;
//! assert_eq!(cloud, Cloud::UsGovL4);
//! assert_eq!(Endpoints::of(cloud).graph, "https://graph.microsoft.us/v1.0");
//! assert!(cloud.has(Action::Answer) && !cloud.has(Action::SendDtmf));
//! # Ok::<(), callflow_graph::client::UnknownCloud>(())
//! ```
//!
//! Source: Graph docs, national cloud deployments; the page of each action (availability). What no page says is marked as
//! assumed in the table.

use std::fmt;
use std::str::FromStr;

use callflow_core::action::{Action, Actions};
use callflow_core::certainty::Certainty;

use crate::webhook::authentication::ISSUERS;

/// A cloud.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Cloud {
    /// The worldwide one; tenants of GCC are in it too.
    #[default]
    Global,
    /// US Government L4: GCC High.
    UsGovL4,
    /// US Government L5: the Department of Defense.
    UsGovL5,
    /// China, operated by 21Vianet: it has no calling.
    China,
}

/// A name that no cloud has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no cloud; these are: global, usGovL4 (gccHigh), usGovL5 (dod), china")]
pub struct UnknownCloud(pub String);

/// Which actions of a call a cloud has.
enum Calling {
    AllBut(&'static [Action]),
    Nothing,
}

/// A row of the table.
struct Row {
    /// The first is its name, the others are read as well.
    names: &'static [&'static str],
    /// The first is used, the others were once.
    logins: &'static [&'static str],
    graph_root: &'static str,
    issuers: &'static [&'static str],
    issuers_certainty: Certainty,
    openid: Option<&'static str>,
    openid_certainty: Certainty,
    token_exchange_audience: &'static str,
    calling: Calling,
}

/// Source: the vendor's article on calling notifications.
const OPENID: &str = "https://api.aps.skype.com/v1/.well-known/OpenIdConfiguration";

/// Not in the metadata of the government's clouds.
///
/// Source: Graph metadata of the national clouds; Graph docs, national cloud deployments.
const NOT_FOR_GOVERNMENT: &[Action] = &[Action::SendDtmf, Action::AddLargeGalleryView];

const GLOBAL: Row = Row {
    names: &["global", "gcc", "AzureCloud", "AzurePublicCloud"],
    // Source: Microsoft identity platform, national clouds.
    logins: &["https://login.microsoftonline.com"],
    graph_root: "https://graph.microsoft.com",
    issuers: &ISSUERS,
    issuers_certainty: Certainty::Documented,
    openid: Some(OPENID),
    openid_certainty: Certainty::Documented,
    // Source: Microsoft identity platform, configure an application to trust a managed identity.
    token_exchange_audience: "api://AzureADTokenExchange",
    calling: Calling::AllBut(&[]),
};

const US_GOV_L4: Row = Row {
    names: &["usGovL4", "gccHigh", "AzureUSGovernment", "AzureUSGovernmentCloud"],
    logins: &["https://login.microsoftonline.us"],
    graph_root: "https://graph.microsoft.us",
    // Source: assumed; the public issuers may be named here too. If it is wrong, notifications are refused with
    // `tokenIssuer`: state the right ones with `Expected::issued_by`.
    issuers: &[
        "https://graph.microsoft.us",
        "https://api.botframework.us",
        "https://graph.microsoft.com",
        "https://api.botframework.com",
    ],
    issuers_certainty: Certainty::Assumed,
    // Source: assumed; if it is wrong, notifications are refused with `tokenKeyUnknown`: state the right one in
    // `Endpoints::openid`.
    openid: Some(OPENID),
    openid_certainty: Certainty::Assumed,
    token_exchange_audience: "api://AzureADTokenExchangeUSGov",
    calling: Calling::AllBut(NOT_FOR_GOVERNMENT),
};

const US_GOV_L5: Row = Row {
    names: &["usGovL5", "dod"],
    graph_root: "https://dod-graph.microsoft.us",
    // Source: assumed, as in L4.
    issuers: &[
        "https://dod-graph.microsoft.us",
        "https://graph.microsoft.us",
        "https://api.botframework.us",
        "https://graph.microsoft.com",
        "https://api.botframework.com",
    ],
    ..US_GOV_L4
};

const CHINA: Row = Row {
    names: &["china", "AzureChinaCloud"],
    // Source: assumed (the newer of two, which newer pages name); the older one still stands in Azure's tools.
    logins: &["https://login.partner.microsoftonline.cn", "https://login.chinacloudapi.cn"],
    graph_root: "https://microsoftgraph.chinacloudapi.cn",
    // There are no notifications.
    issuers: &[],
    issuers_certainty: Certainty::Documented,
    openid: None,
    openid_certainty: Certainty::Documented,
    token_exchange_audience: "api://AzureADTokenExchangeChina",
    calling: Calling::Nothing,
};

impl Cloud {
    /// Every one.
    pub const ALL: &[Self] = &[Self::Global, Self::UsGovL4, Self::UsGovL5, Self::China];

    const fn row(self) -> &'static Row {
        match self {
            Self::Global => &GLOBAL,
            Self::UsGovL4 => &US_GOV_L4,
            Self::UsGovL5 => &US_GOV_L5,
            Self::China => &CHINA,
        }
    }

    /// Its name, as configuration has it.
    pub fn name(self) -> &'static str {
        self.row().names.first().copied().unwrap_or_default()
    }

    /// Where its tokens come from.
    pub fn login(self) -> &'static str {
        self.row().logins.first().copied().unwrap_or_default()
    }

    /// Graph's root, without a version. It is also the resource of tokens for Graph.
    pub const fn graph_root(self) -> &'static str {
        self.row().graph_root
    }

    /// Whom the tokens of notifications may name as their issuer. A government tenant's may name the public one.
    pub const fn issuers(self) -> &'static [&'static str] {
        self.row().issuers
    }

    /// How sure [`Self::issuers`] is.
    pub const fn issuers_certainty(self) -> Certainty {
        self.row().issuers_certainty
    }

    /// The OpenID document of the service that posts notifications, where there is one.
    pub const fn openid(self) -> Option<&'static str> {
        self.row().openid
    }

    /// How sure [`Self::openid`] is. Where it is assumed, ask Microsoft and state what they say in
    /// [`Endpoints::openid`](super::Endpoints::openid).
    pub const fn openid_certainty(self) -> Certainty {
        self.row().openid_certainty
    }

    /// The audience of a token that proves an app which trusts its issuer.
    ///
    /// Source: Microsoft identity platform, configure an application to trust a managed identity.
    pub const fn token_exchange_audience(self) -> &'static str {
        self.row().token_exchange_audience
    }

    /// Whether there are calls at all.
    pub const fn has_calling(self) -> bool {
        match self.row().calling {
            Calling::AllBut(_) => true,
            Calling::Nothing => false,
        }
    }

    /// Whether `action` exists there.
    pub fn has(self, action: Action) -> bool {
        match self.row().calling {
            Calling::AllBut(missing) => !missing.contains(&action),
            Calling::Nothing => false,
        }
    }

    /// The actions that the worldwide cloud has and this one lacks.
    pub fn lacking(self) -> Actions {
        match self.row().calling {
            Calling::AllBut(missing) => Actions::of(missing),
            Calling::Nothing => Actions::of(Action::ALL),
        }
    }

    /// The cloud whose tokens come from `login`, as `https://login.microsoftonline.us/`. The two clouds of the US Government
    /// share one: this gives [`Self::UsGovL4`].
    pub fn of_login(login: &str) -> Option<Self> {
        let asked = host(login);
        let is_its_own = |cloud: &Self| cloud.row().logins.iter().any(|known| host(known) == asked);
        Self::ALL.iter().copied().find(is_its_own)
    }
}

fn host(address: &str) -> String {
    address.trim().trim_end_matches('/').trim_start_matches("https://").to_ascii_lowercase()
}

impl fmt::Display for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Cloud {
    type Err = UnknownCloud;

    /// Reads a name, in any case: `global` (`gcc`), `usGovL4` (`gccHigh`), `usGovL5` (`dod`), `china`, or Azure's.
    fn from_str(name: &str) -> Result<Self, UnknownCloud> {
        let is_named =
            |cloud: &Self| cloud.row().names.iter().any(|known| known.eq_ignore_ascii_case(name.trim()));
        Self::ALL.iter().copied().find(is_named).ok_or_else(|| UnknownCloud(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Endpoints;

    #[test]
    fn each_cloud_is_where_the_pages_say() {
        for (cloud, name, login, graph, scope, has_calling) in [
            (
                Cloud::Global,
                "global",
                "https://login.microsoftonline.com",
                "https://graph.microsoft.com/v1.0",
                "https://graph.microsoft.com/.default",
                true,
            ),
            (
                Cloud::UsGovL4,
                "usGovL4",
                "https://login.microsoftonline.us",
                "https://graph.microsoft.us/v1.0",
                "https://graph.microsoft.us/.default",
                true,
            ),
            (
                Cloud::UsGovL5,
                "usGovL5",
                "https://login.microsoftonline.us",
                "https://dod-graph.microsoft.us/v1.0",
                "https://dod-graph.microsoft.us/.default",
                true,
            ),
            (
                Cloud::China,
                "china",
                "https://login.partner.microsoftonline.cn",
                "https://microsoftgraph.chinacloudapi.cn/v1.0",
                "https://microsoftgraph.chinacloudapi.cn/.default",
                false,
            ),
        ] {
            let endpoints = Endpoints::of(cloud);
            assert_eq!((cloud.name(), endpoints.cloud), (name, cloud));
            assert_eq!(endpoints.authority, login, "{name}");
            assert_eq!(endpoints.graph, graph, "{name}");
            assert_eq!(endpoints.scope, scope, "{name}");
            assert_eq!(cloud.has_calling(), has_calling, "{name}");
        }
        assert_eq!(Endpoints::of(Cloud::Global), Endpoints::global());
        assert_eq!(
            Endpoints::global().openid,
            "https://api.aps.skype.com/v1/.well-known/OpenIdConfiguration"
        );
    }

    #[test]
    fn two_actions_are_in_the_global_cloud_only_and_none_in_china() {
        for action in Action::ALL {
            let is_global_only = matches!(action.name(), "sendDtmfTones" | "addLargeGalleryView");
            assert!(Cloud::Global.has(*action), "{action}");
            assert_eq!(Cloud::UsGovL4.has(*action), !is_global_only, "{action}");
            assert_eq!(Cloud::UsGovL5.has(*action), !is_global_only, "{action}");
            assert!(!Cloud::China.has(*action), "{action}");
        }
    }

    #[test]
    fn a_government_cloud_takes_the_public_issuers_too_and_says_what_is_assumed() {
        let public = ["https://graph.microsoft.com", "https://api.botframework.com"];
        assert_eq!(Cloud::Global.issuers(), public);
        assert_eq!(Cloud::Global.openid_certainty(), Certainty::Documented);
        for cloud in [Cloud::UsGovL4, Cloud::UsGovL5] {
            assert!(public.iter().all(|issuer| cloud.issuers().contains(issuer)), "{cloud}");
            assert!(cloud.issuers().contains(&cloud.graph_root()), "{cloud}");
            assert_eq!(cloud.openid_certainty(), Certainty::Assumed, "{cloud}");
            assert_eq!(cloud.issuers_certainty(), Certainty::Assumed, "{cloud}");
        }
        assert_eq!((Cloud::China.issuers(), Cloud::China.openid()), (&[][..], None));
    }

    #[test]
    fn a_name_in_any_case_is_a_cloud_and_another_is_told_what_there_is() {
        for (name, cloud) in [
            ("global", Some(Cloud::Global)),
            ("GCC", Some(Cloud::Global)),
            ("gcchigh", Some(Cloud::UsGovL4)),
            ("AzureUSGovernment", Some(Cloud::UsGovL4)),
            (" DoD ", Some(Cloud::UsGovL5)),
            ("china", Some(Cloud::China)),
            ("germany", None),
            ("", None),
        ] {
            assert_eq!(name.parse().ok(), cloud, "{name}");
        }
        let error = "germany".parse::<Cloud>().unwrap_err().to_string();
        assert!(Cloud::ALL.iter().all(|cloud| error.contains(cloud.name())), "{error}");
    }

    #[test]
    fn a_login_host_tells_its_cloud() {
        for (login, cloud) in [
            ("https://login.microsoftonline.com/", Some(Cloud::Global)),
            ("https://LOGIN.microsoftonline.us", Some(Cloud::UsGovL4)),
            ("https://login.chinacloudapi.cn/", Some(Cloud::China)),
            ("https://login.partner.microsoftonline.cn", Some(Cloud::China)),
            ("https://login.microsoftonline.com.evil.test/", None),
            ("", None),
        ] {
            assert_eq!(Cloud::of_login(login), cloud, "{login}");
        }
    }
}
