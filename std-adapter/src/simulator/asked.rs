//! What a request asks: its JSON, read as the documentation describes it and as real clients write it.
//!
//! They leave out a type where only one is possible, put members in any order, and older ones write enum members in
//! capitals and types without `#`.

use std::ops::RangeInclusive;

use http::Uri;
use serde_json::Value;

use super::error::Error;

/// Who runs the media of a call. Source: Graph docs, mediaConfig.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hosting {
    Service,
    App,
}

/// The body of a request that needs one.
pub(super) fn read(body: &[u8]) -> Result<Value, Error> {
    let body: Value =
        serde_json::from_slice(body).map_err(|e| Error::bad_request(format!("Not JSON: {e}")))?;
    if has_references(&body) {
        let words = "A collection was written as an object with $values: \
                     switch off the preservation of references in the serializer.";
        return Err(Error::bad_request(words));
    }
    if body.is_object() { Ok(body) } else { Err(Error::bad_request("An object is expected.")) }
}

fn has_references(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.contains_key("$values") || members.values().any(has_references),
        Value::Array(items) => items.iter().any(has_references),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// A member that is there and not null.
pub(super) fn member<'a>(body: &'a Value, name: &str) -> Option<&'a Value> {
    body.get(name).filter(|value| !value.is_null())
}

/// The items of a collection; none where it is left out.
pub(super) fn items<'a>(body: &'a Value, name: &str) -> Result<&'a [Value], Error> {
    match member(body, name) {
        None => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(Error::bad_request(format!("{name} is a collection."))),
    }
}

pub(super) fn callback_of(body: &Value) -> Result<String, Error> {
    let callback = body.get("callbackUri").and_then(Value::as_str).unwrap_or_default();
    let is_good = callback.parse().is_ok_and(|uri: Uri| crate::transport::check_scheme(&uri).is_ok());
    if is_good {
        Ok(callback.to_owned())
    } else {
        Err(Error::bad_request("callbackUri has to be an https address."))
    }
}

/// A callback that may be left out.
pub(super) fn optional_callback_of(body: &Value) -> Result<Option<String>, Error> {
    member(body, "callbackUri").map(|_| callback_of(body)).transpose()
}

/// Source: Graph docs, commsOperation (256 characters).
pub(super) fn context_of(body: &Value) -> Result<Option<String>, Error> {
    let context = body.get("clientContext").and_then(Value::as_str);
    if context.is_some_and(|context| context.chars().count() > 256) {
        return Err(Error::bad_request("clientContext has 256 characters at most."));
    }
    Ok(context.map(str::to_owned))
}

/// Whether a value says that it is of this type, with or without `#`.
pub(super) fn is_of_type(value: &Value, kind: &str) -> bool {
    let said = value.get("@odata.type").and_then(Value::as_str).unwrap_or_default();
    said.trim_start_matches('#').strip_prefix("microsoft.graph.") == Some(kind)
}

/// Source: Graph docs, call: create, answer.
pub(super) fn hosting_of(body: &Value) -> Result<Hosting, Error> {
    let config = member(body, "mediaConfig").ok_or_else(|| Error::bad_request("mediaConfig is required."))?;
    if is_of_type(config, "serviceHostedMediaConfig") {
        Ok(Hosting::Service)
    } else if is_of_type(config, "appHostedMediaConfig") {
        match config.get("blob").and_then(Value::as_str) {
            Some(blob) if !blob.is_empty() => Ok(Hosting::App),
            _ => Err(Error::bad_request("mediaConfig.blob is required.")),
        }
    } else {
        Err(Error::bad_request("mediaConfig is a serviceHostedMediaConfig or an appHostedMediaConfig."))
    }
}

/// A member of an enum, in the documented spelling.
pub(super) fn one_of(value: Option<&Value>, known: &[&'static str]) -> Result<&'static str, Error> {
    let said = value.and_then(Value::as_str).unwrap_or_default();
    let found = known.iter().find(|word| word.eq_ignore_ascii_case(said));
    found.copied().ok_or_else(|| Error::bad_request(format!("One of {} is expected.", known.join(", "))))
}

/// A number of seconds.
pub(super) fn seconds_of(
    body: &Value,
    name: &str,
    default: u64,
    range: RangeInclusive<u64>,
) -> Result<u64, Error> {
    let Some(value) = member(body, name) else { return Ok(default) };
    value.as_u64().filter(|seconds| range.contains(seconds)).ok_or_else(|| {
        Error::bad_request(format!("{name} is between {} and {}.", range.start(), range.end()))
    })
}

/// Prompts, each with the address of its sound.
pub(super) fn prompts_of(body: &Value, range: RangeInclusive<usize>) -> Result<Value, Error> {
    let prompts = items(body, "prompts")?;
    let has_address = |prompt: &Value| {
        prompt.pointer("/mediaInfo/uri").and_then(Value::as_str).is_some_and(|uri| !uri.is_empty())
    };
    if range.contains(&prompts.len()) && prompts.iter().all(has_address) {
        Ok(prompts.into())
    } else {
        let (least, most) = range.into_inner();
        Err(Error::bad_request(format!("{least} to {most} prompts with a mediaInfo.uri are expected.")))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_real_clients_write_is_read() {
        for kind in ["#microsoft.graph.serviceHostedMediaConfig", "microsoft.graph.serviceHostedMediaConfig"]
        {
            let body = json!({"mediaConfig": {"@odata.type": kind}});
            assert_eq!(hosting_of(&body).ok(), Some(Hosting::Service), "{kind}");
        }
        for kind in ["serviceHostedMediaConfig", "#microsoft.graph.mediaConfig"] {
            let body = json!({"mediaConfig": {"@odata.type": kind}});
            assert_eq!(hosting_of(&body).unwrap_err().status, 400, "{kind}");
        }
        assert_eq!(one_of(Some(&json!("OneToOne")), &["oneToOne"]).ok(), Some("oneToOne"));
        assert!(one_of(None, &["oneToOne"]).is_err());
        assert!(read(b"").is_err());
    }

    #[test]
    fn a_collection_with_references_is_refused_by_name() {
        let body = br#"{"targets": {"$id": "1", "$values": []}}"#;
        assert!(read(body).unwrap_err().message.contains("$values"));
    }

    #[test]
    fn seconds_are_tried_at_below_and_above_their_limits() {
        for (said, expected) in [
            (json!(0), None),
            (json!(1), Some(1)),
            (json!(120), Some(120)),
            (json!(121), None),
            (Value::Null, Some(5)),
            (json!("5"), None),
        ] {
            let body = json!({"n": said});
            assert_eq!(seconds_of(&body, "n", 5, 1..=120).ok(), expected, "{said}");
        }
    }
}
