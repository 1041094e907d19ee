//! What the body of a request has to look like: which members, of which types, within which limits.
//!
//! The shapes of [`bodies`] are the tables of the documentation; [`Shape::check`] holds a body against one and names the
//! first member that does not fit. What a shape does not name passes: most of these types are open.

pub(super) mod bodies;

use http::Uri;
use serde_json::{Map, Value};

use super::endpoint::Version;
use super::error::Error;

/// The members of an object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape(pub(super) &'static [Member]);

/// A member of an object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    name: &'static str,
    kind: Kind,
    presence: Presence,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    Required,
    Optional,
    /// A parameter that only the beta version of the action has.
    Beta,
}

/// What a value is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// A text that says something.
    Text,
    /// A text of so many characters at most.
    TextUpTo(usize),
    /// An https address.
    Address,
    Flag,
    Number,
    /// A whole number between these.
    Between(i64, i64),
    /// A member of an enum, in any case: older clients write them with capitals.
    Word(&'static [&'static str]),
    /// From so many to so many of a kind.
    List(&'static Kind, usize, usize),
    Object(&'static Shape),
    /// One of several types, which `@odata.type` tells apart.
    OneOf(&'static [(&'static str, Shape)]),
    /// Who: an object with one member a kind of identity.
    Identity,
}

/// The kinds of identity. Source: Graph docs, identitySet, communicationsIdentitySet.
const IDENTITIES: [&str; 9] = [
    "user",
    "application",
    "applicationInstance",
    "phone",
    "guest",
    "device",
    "encrypted",
    "onPremises",
    "azureCommunicationServicesUser",
];

/// No limit is documented.
pub(super) const ANY: usize = usize::MAX;

pub(super) const fn must(name: &'static str, kind: Kind) -> Member {
    Member { name, kind, presence: Presence::Required }
}

pub(super) const fn may(name: &'static str, kind: Kind) -> Member {
    Member { name, kind, presence: Presence::Optional }
}

pub(super) const fn beta(name: &'static str, kind: Kind) -> Member {
    Member { name, kind, presence: Presence::Beta }
}

impl Shape {
    /// Refuses the first member that does not fit.
    pub(super) fn check(&self, body: &Value, version: Version) -> Result<(), Error> {
        self.check_at("", body, version)
    }

    fn check_at(&self, path: &str, value: &Value, version: Version) -> Result<(), Error> {
        let Value::Object(members) = value else {
            return Err(wrong_type(path, "an object", value));
        };
        for member in self.0 {
            member.check(&below(path, member.name), members, version)?;
        }
        Ok(())
    }
}

impl Member {
    fn check(&self, path: &str, members: &Map<String, Value>, version: Version) -> Result<(), Error> {
        match (members.get(self.name).filter(|value| !value.is_null()), self.presence, version) {
            (None, Presence::Required, _) => Err(Error::bad_request(format!("{path} is required."))),
            (None, Presence::Optional | Presence::Beta, _) => Ok(()),
            (Some(_), Presence::Beta, Version::V1) => {
                // Source: assumed; that v1.0 does not know a parameter of beta is documented, the answer is OData's.
                let words =
                    format!("The parameter '{path}' in the request payload is not a valid parameter.");
                Err(Error::bad_request(words).because(format!("Only the beta version has {path}.")))
            }
            (Some(value), _, _) => self.kind.check(path, value, version),
        }
    }
}

impl Kind {
    fn check(&self, path: &str, value: &Value, version: Version) -> Result<(), Error> {
        let refuse = |rule: String| Err(Error::bad_request(format!("{path} {rule}.")));
        match self {
            Self::Text => match text(path, value)? {
                "" => refuse("is empty".to_owned()),
                _ => Ok(()),
            },
            Self::TextUpTo(most) => {
                if text(path, value)?.chars().count() <= *most {
                    Ok(())
                } else {
                    refuse(format!("has {most} characters at most"))
                }
            }
            Self::Address => {
                let address = text(path, value)?.parse::<Uri>();
                if address.is_ok_and(|address| crate::transport::check_scheme(&address).is_ok()) {
                    Ok(())
                } else {
                    refuse("has to be an https address".to_owned())
                }
            }
            Self::Flag if value.is_boolean() => Ok(()),
            Self::Flag => Err(wrong_type(path, "true or false", value)),
            Self::Number if value.is_number() => Ok(()),
            Self::Number => Err(wrong_type(path, "a number", value)),
            Self::Between(least, most) => match value.as_i64() {
                Some(number) if (*least..=*most).contains(&number) => Ok(()),
                Some(number) => refuse(format!("is between {least} and {most}, not {number}")),
                None => Err(wrong_type(path, "a whole number", value)),
            },
            Self::Word(words) => {
                let said = text(path, value)?;
                if words.iter().any(|word| word.eq_ignore_ascii_case(said)) {
                    Ok(())
                } else {
                    refuse(format!("is one of {}", words.join(", ")))
                }
            }
            Self::List(of, least, most) => check_list(path, value, (of, *least, *most), version),
            Self::Object(shape) => shape.check_at(path, value, version),
            Self::OneOf(types) => check_derived(path, value, types, version),
            Self::Identity => check_identity(path, value),
        }
    }
}

fn check_list(
    path: &str,
    value: &Value,
    (of, least, most): (&Kind, usize, usize),
    version: Version,
) -> Result<(), Error> {
    let Value::Array(items) = value else { return Err(wrong_type(path, "a collection", value)) };
    if !(least..=most).contains(&items.len()) {
        let rule = match (least, most) {
            (_, ANY) => format!("has {least} entries at least"),
            (0, _) => format!("has {most} entries at most"),
            _ => format!("has {least} to {most} entries"),
        };
        return Err(Error::bad_request(format!("{path} {rule}, not {}.", items.len())));
    }
    items.iter().enumerate().try_for_each(|(at, item)| of.check(&format!("{path}[{at}]"), item, version))
}

fn check_derived(path: &str, value: &Value, types: &[(&str, Shape)], version: Version) -> Result<(), Error> {
    if !value.is_object() {
        return Err(wrong_type(path, "an object", value));
    }
    if let Some((_, shape)) = types.iter().find(|(name, _)| super::asked::is_of_type(value, name)) {
        return shape.check_at(path, value, version);
    }
    let names: Vec<_> = types.iter().map(|(name, _)| format!("#microsoft.graph.{name}")).collect();
    Err(Error::bad_request(format!("{path} has an @odata.type of {}.", names.join(" or "))))
}

/// Source: Graph docs, identitySet, identity.
fn check_identity(path: &str, value: &Value) -> Result<(), Error> {
    let Value::Object(members) = value else { return Err(wrong_type(path, "an object", value)) };
    let mut named = 0_usize;
    for kind in IDENTITIES {
        let Some(identity) = members.get(kind).filter(|identity| !identity.is_null()) else { continue };
        let path = below(path, kind);
        if !identity.is_object() {
            return Err(wrong_type(&path, "an object", identity));
        }
        for (name, is_required) in [("id", true), ("displayName", false), ("tenantId", false)] {
            let path = below(&path, name);
            match identity.get(name).filter(|value| !value.is_null()) {
                Some(value) => drop(text(&path, value)?),
                None if is_required => return Err(Error::bad_request(format!("{path} is required."))),
                None => {}
            }
        }
        named = named.saturating_add(1);
    }
    if named > 0 { Ok(()) } else { Err(Error::bad_request(format!("{path} names nobody."))) }
}

fn text<'a>(path: &str, value: &'a Value) -> Result<&'a str, Error> {
    value.as_str().ok_or_else(|| wrong_type(path, "a text", value))
}

fn wrong_type(path: &str, expected: &str, found: &Value) -> Error {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a collection",
        Value::Object(_) => "an object",
    };
    let path = if path.is_empty() { "The body" } else { path };
    Error::bad_request(format!("{path} is {expected}, not {found}."))
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

#[cfg(test)]
mod tests;
