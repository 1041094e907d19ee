//! Who takes part: the identity kinds of Graph's `identitySet`, as far as a rule asks for them.

use crate::text::Secret;

/// One participant's identity, as a command names it.
///
/// Source: Graph docs, identitySet and participantInfo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Identity<'a> {
    /// A user of a directory, by object id.
    User(&'a str),
    /// A bot, by application id.
    Application(&'a str),
    /// A bot with a phone number or a policy, by the object id of its application instance.
    ApplicationInstance(&'a str),
    /// A phone number in E.164 form.
    Phone(#[cfg_attr(feature = "serde", serde(borrow))] Secret<'a>),
    /// A guest without an account, by id.
    Guest(&'a str),
}
