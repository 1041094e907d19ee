//! Whom a bot calls, and what it joins: core's vocabulary, owned.

use callflow_core::command::{self, CallOptions, MediaConfig, Modalities};
use callflow_core::identity::{Identity, Source};
use callflow_core::list::List;
use callflow_core::meeting::{self, ByOrganizer};
use callflow_core::text::Uri;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::request::{HttpRequest, Version, pre_fetch};
use super::text::{Address, Sensitive};

/// Somebody: whom to call, to invite, to transfer to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// A user, by object id.
    User(String),
    /// A phone number in E.164 form. Only an application instance may call one.
    Phone(Sensitive),
    /// Another bot, by application id.
    Application(String),
    /// A bot with a phone number or a policy, by the object id of its application instance.
    ApplicationInstance(String),
    /// A guest without an account, by id.
    Guest(String),
}

impl Target {
    /// Core's view of it.
    pub fn identity(&self) -> Identity<'_> {
        match self {
            Self::User(id) => Identity::User(id),
            Self::Phone(number) => Identity::Phone(number.secret()),
            Self::Application(id) => Identity::Application(id),
            Self::ApplicationInstance(id) => Identity::ApplicationInstance(id),
            Self::Guest(id) => Identity::Guest(id),
        }
    }

    pub(super) fn identities(targets: &[Self]) -> Vec<Identity<'_>> {
        targets.iter().map(Self::identity).collect()
    }
}

/// As whom the bot calls or joins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Caller {
    /// As itself.
    #[default]
    Bot,
    /// As this application, by application id.
    Application(String),
    /// As this application instance, by object id: what calling a phone needs.
    ApplicationInstance(String),
    /// As a guest of a meeting.
    Guest {
        /// Any id, unique among the guests.
        id: String,
        /// The name that the others see.
        display_name: String,
    },
}

impl Caller {
    fn source(&self) -> Source<'_> {
        match self {
            Self::Bot => Source::Bot,
            Self::Application(id) => Source::Application(id),
            Self::ApplicationInstance(id) => Source::ApplicationInstance(id),
            Self::Guest { id, display_name } => Source::Guest { id, display_name },
        }
    }
}

/// How a meeting or a group call is found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Meeting {
    /// By its organizer and its chat thread, as a join link names them.
    Organizer {
        /// The chat thread.
        thread_id: String,
        /// `0`, or the root message of a channel meeting.
        message_id: String,
        /// The message to which it replies, where a link names one.
        reply_chain_message_id: Option<String>,
        /// The organizer's object id.
        organizer_id: String,
        /// The organizer's tenant.
        tenant_id: String,
    },
    /// By a token, which an invitation carried.
    Token(Sensitive),
    /// By its meeting id.
    JoinId {
        /// The id, digits only.
        id: String,
        /// The passcode; none where the meeting needs none.
        passcode: Option<Sensitive>,
    },
}

impl Meeting {
    /// The tenant, where the way in names it.
    pub fn tenant_id(&self) -> Option<&str> {
        match self {
            Self::Organizer { tenant_id, .. } => Some(tenant_id),
            Self::Token(_) | Self::JoinId { .. } => None,
        }
    }

    fn meeting(&self) -> meeting::Meeting<'_> {
        match self {
            Self::Organizer { thread_id, message_id, reply_chain_message_id, organizer_id, tenant_id } => {
                meeting::Meeting::Organizer(ByOrganizer {
                    thread_id,
                    message_id,
                    reply_chain_message_id: reply_chain_message_id.as_deref(),
                    organizer_id,
                    tenant_id,
                })
            }
            Self::Token(token) => meeting::Meeting::Token(token.secret()),
            Self::JoinId { id, passcode } => {
                meeting::Meeting::JoinId { id, passcode: passcode.as_ref().map(Sensitive::secret) }
            }
        }
    }
}

/// Who hosts the media of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Media {
    /// The service: prompts, tones and recording go through Graph.
    #[default]
    Service,
    /// The bot, with this blob of its media library.
    App(Sensitive),
}

impl Media {
    pub(super) fn config(&self) -> MediaConfig<'_> {
        match self {
            Self::Service => MediaConfig::ServiceHosted,
            Self::App(blob) => MediaConfig::AppHosted(blob.secret()),
        }
    }
}

/// Whom or what a call that the bot places goes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Destination {
    /// To these: one for a peer-to-peer call, up to five for a new group call.
    Targets(Vec<Target>),
    /// Into this meeting or group call.
    Meeting(Meeting),
}

/// How a peer-to-peer call is routed to its callee. Beta.
///
/// Source: Graph docs, call (`routingPolicies`, beta; peer-to-peer calls only).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RoutingPolicy {
    /// Nobody is told of a missed call.
    NoMissedCall,
    /// It is not forwarded, but to a phone.
    DisableForwardingExceptPhone,
    /// It is not forwarded.
    DisableForwarding,
    /// It goes to Skype for Business rather.
    PreferSkypeForBusiness,
}

impl RoutingPolicy {
    pub(super) const ALL: [Self; 4] = [
        Self::NoMissedCall,
        Self::DisableForwardingExceptPhone,
        Self::DisableForwarding,
        Self::PreferSkypeForBusiness,
    ];

    /// Graph's word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoMissedCall => "noMissedCall",
            Self::DisableForwardingExceptPhone => "disableForwardingExceptPhone",
            Self::DisableForwarding => "disableForwarding",
            Self::PreferSkypeForBusiness => "preferSkypeForBusiness",
        }
    }
}

/// A call that the bot places, or a meeting that it joins. A [`Target`] or a [`Meeting`] becomes one with what is usual.
///
/// ```
/// use callflow_graph::session::{Caller, Meeting, Placement, Target};
///
/// let to_a_phone = Placement {
///     source: Caller::ApplicationInstance("3d913abb-aec0-4964-8fa6-3c6850c4f278".to_owned()),
///     ..Placement::from(Target::Phone("+12345678901".into()))
/// };
/// let to_a_meeting = Placement::from(Meeting::JoinId { id: "1234567".to_owned(), passcode: None });
/// assert_ne!(to_a_phone, to_a_meeting);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// Whom it goes to.
    pub to: Destination,
    /// As whom the bot calls.
    pub source: Caller,
    /// Who hosts its media.
    pub media: Media,
    /// What it is about.
    pub modalities: Modalities,
    /// What it is asked to do beyond the usual.
    pub options: CallOptions,
    /// What it is about, in words.
    pub subject: Option<String>,
    /// The chain of an earlier call, which this one is to belong to.
    pub call_chain_id: Option<String>,
    /// For how long one callee rings, 115 seconds at most. Beta.
    ///
    /// Source: Graph docs, application: post calls (beta; peer-to-peer calls only).
    pub ringing_timeout: Option<u8>,
    /// How it is routed to the callee. Beta.
    #[serde(default)]
    pub routing_policies: Vec<RoutingPolicy>,
    /// Prompts that the service fetches when the call is made, where it hosts the media.
    ///
    /// Source: Graph docs, serviceHostedMediaConfig (`preFetchMedia`).
    #[serde(default)]
    pub pre_fetch: Vec<Address>,
}

impl Placement {
    /// A call to `to` as the bot itself, with audio that the service hosts.
    pub fn new(to: Destination) -> Self {
        Self {
            to,
            source: Caller::Bot,
            media: Media::Service,
            modalities: Modalities::AUDIO,
            options: CallOptions::NONE,
            subject: None,
            call_chain_id: None,
            ringing_timeout: None,
            routing_policies: Vec::new(),
            pre_fetch: Vec::new(),
        }
    }

    /// Adds to the request for the call what no rule of it decides on: a session does so.
    pub fn complete(&self, http: &mut HttpRequest) {
        let policies: Vec<_> = self.routing_policies.iter().map(|policy| policy.name()).collect();
        let members = [
            ("subject", self.subject.as_deref().map(Value::from)),
            ("callChainId", self.call_chain_id.as_deref().map(Value::from)),
            ("ringingTimeoutInSeconds", self.ringing_timeout.map(Value::from)),
            ("routingPolicies", (!policies.is_empty()).then(|| policies.into())),
        ];
        if self.beta_member().is_some() {
            http.version = Version::Beta;
        }
        http.amend(|body| {
            body.extend(members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
            pre_fetch(body, &self.pre_fetch);
        });
    }

    /// The member that only beta has, where it uses one.
    pub(crate) fn beta_member(&self) -> Option<&'static str> {
        let routed = (!self.routing_policies.is_empty()).then_some("routingPolicies");
        self.ringing_timeout.map(|_| "ringingTimeoutInSeconds").or(routed)
    }

    /// The tenant, where the destination names it.
    pub fn tenant_id(&self) -> Option<&str> {
        match &self.to {
            Destination::Targets(_) => None,
            Destination::Meeting(meeting) => meeting.tenant_id(),
        }
    }

    /// Gives core's view of it, with news going to `callback`, to `then`.
    pub fn with<T>(&self, callback: &str, then: impl FnOnce(&command::Placement<'_>) -> T) -> T {
        let identities;
        let to = match &self.to {
            Destination::Targets(targets) => {
                identities = Target::identities(targets);
                command::Destination::Targets(List::new(&identities))
            }
            Destination::Meeting(meeting) => command::Destination::Meeting(meeting.meeting()),
        };
        then(&command::Placement {
            callback: Uri::new(callback),
            to,
            source: self.source.source(),
            media: self.media.config(),
            modalities: self.modalities,
            options: self.options,
        })
    }
}

impl From<Target> for Placement {
    fn from(target: Target) -> Self {
        Self::new(Destination::Targets(vec![target]))
    }
}

impl From<Vec<Target>> for Placement {
    fn from(targets: Vec<Target>) -> Self {
        Self::new(Destination::Targets(targets))
    }
}

impl From<Meeting> for Placement {
    fn from(meeting: Meeting) -> Self {
        Self::new(Destination::Meeting(meeting))
    }
}
