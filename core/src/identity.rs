//! Who takes part: the identity kinds of Graph's `identitySet`, as far as a rule asks for them.

use crate::text::Secret;
use crate::words::words;

/// One participant's identity, as a command names it.
///
/// Source: Graph docs, identitySet and participantInfo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Identity<'a> {
    /// A user of a directory, by object id.
    User(#[cfg_attr(feature = "serde", serde(serialize_with = "crate::text::write"))] &'a str),
    /// A bot, by application id.
    Application(#[cfg_attr(feature = "serde", serde(serialize_with = "crate::text::write"))] &'a str),
    /// A bot with a phone number or a policy, by the object id of its application instance.
    ApplicationInstance(#[cfg_attr(feature = "serde", serde(serialize_with = "crate::text::write"))] &'a str),
    /// A phone number in E.164 form.
    Phone(#[cfg_attr(feature = "serde", serde(borrow))] Secret<'a>),
    /// A guest without an account, by id.
    Guest(#[cfg_attr(feature = "serde", serde(serialize_with = "crate::text::write"))] &'a str),
}

impl Identity<'_> {
    /// Whether this is a phone number, which only an application instance may call.
    pub const fn is_phone(&self) -> bool {
        matches!(self, Self::Phone(_))
    }
}

/// As whom the bot calls or joins.
///
/// Source: Graph docs, application: post calls (`source`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Source<'a> {
    /// As itself: nothing is sent.
    Bot,
    /// As this application, by application id.
    Application(#[cfg_attr(feature = "serde", serde(serialize_with = "crate::text::write"))] &'a str),
    /// As this application instance, by object id: what calling a phone needs.
    ApplicationInstance(#[cfg_attr(feature = "serde", serde(serialize_with = "crate::text::write"))] &'a str),
    /// As a guest of a meeting.
    Guest {
        /// Any id, unique among the guests.
        #[cfg_attr(feature = "serde", serde(serialize_with = "crate::text::write"))]
        id: &'a str,
        /// The name that the others see.
        #[cfg_attr(feature = "serde", serde(serialize_with = "crate::text::write"))]
        display_name: &'a str,
    },
}

words! {
    /// Who took the call, as far as the service tells: it need not be whom the bot called.
    ///
    /// Source: field captures (`answeredBy`); no page explains it.
    pub enum Answerer {
        /// A user.
        User = "user",
        /// A bot.
        Application = "application",
        /// A phone.
        Phone = "phone",
        /// Voice mail.
        VoiceMail = "voicemail",
        /// Somebody else, or somebody whom the service does not name.
        Other = "other",
    }
}

words! {
    /// How a call came to whom it came, instead of straight.
    ///
    /// Source: Graph docs, callRoute (`routingType`).
    pub enum Routing {
        /// It was forwarded.
        Forwarded = "forwarded",
        /// It was looked up.
        Lookup = "lookup",
        /// It rang on several endpoints of the callee.
        SelfFork = "selfFork",
        /// In a way that this version does not know.
        Unrecognised = "unrecognised",
    }
}
