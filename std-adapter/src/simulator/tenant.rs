//! Whose tenant a request is about.
//!
//! Source: field reports of 403 with code 7505, "Request authorization tenant mismatch.": a token serves the calls of its
//! own tenant.

use serde_json::Value;

use super::error::Error;

/// Refuses a body that names another tenant than `own`, at whatever depth.
pub(super) fn check(body: &Value, own: &str) -> Result<(), Error> {
    check_at("", body, own)
}

fn check_at(path: &str, value: &Value, own: &str) -> Result<(), Error> {
    match value {
        Value::Object(members) => members.iter().try_for_each(|(name, value)| {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            match value.as_str().filter(|_| name == "tenantId") {
                Some(said) if !said.is_empty() && !said.eq_ignore_ascii_case(own) => {
                    Err(Error::tenant(&path, said))
                }
                _ => check_at(&path, value, own),
            }
        }),
        Value::Array(items) => {
            items.iter().enumerate().try_for_each(|(at, item)| check_at(&format!("{path}[{at}]"), item, own))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}
