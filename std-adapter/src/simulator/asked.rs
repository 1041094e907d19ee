//! What a request asks: its JSON, read as the documentation describes it and as real clients write it. That it has the shape
//! of [`super::shape::bodies`] was checked before.
//!
//! They leave out a type where only one is possible, put members in any order, and older ones write enum members in
//! capitals and types without `#`.

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
pub(super) fn items<'a>(body: &'a Value, name: &str) -> &'a [Value] {
    member(body, name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

pub(super) fn callback_of(body: &Value) -> String {
    optional_callback_of(body).unwrap_or_default()
}

/// A callback that may be left out.
pub(super) fn optional_callback_of(body: &Value) -> Option<String> {
    body.get("callbackUri").and_then(Value::as_str).map(str::to_owned)
}

pub(super) fn context_of(body: &Value) -> Option<String> {
    body.get("clientContext").and_then(Value::as_str).map(str::to_owned)
}

/// Whether a value says that it is of this type, with or without `#`.
pub(super) fn is_of_type(value: &Value, kind: &str) -> bool {
    let said = value.get("@odata.type").and_then(Value::as_str).unwrap_or_default();
    said.trim_start_matches('#').strip_prefix("microsoft.graph.") == Some(kind)
}

pub(super) fn hosting_of(body: &Value) -> Hosting {
    let is_of_app =
        member(body, "mediaConfig").is_some_and(|config| is_of_type(config, "appHostedMediaConfig"));
    if is_of_app { Hosting::App } else { Hosting::Service }
}

/// A member of an enum, in the documented spelling.
pub(super) fn word_of(body: &Value, name: &str, known: &[&'static str]) -> Option<&'static str> {
    let said = body.get(name).and_then(Value::as_str)?;
    known.iter().find(|word| word.eq_ignore_ascii_case(said)).copied()
}

pub(super) fn number_of(body: &Value, name: &str, default: u64) -> u64 {
    body.get(name).and_then(Value::as_u64).unwrap_or(default)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_real_clients_write_is_read() {
        for (kind, expected) in [
            ("#microsoft.graph.serviceHostedMediaConfig", Hosting::Service),
            ("microsoft.graph.serviceHostedMediaConfig", Hosting::Service),
            ("#microsoft.graph.appHostedMediaConfig", Hosting::App),
            ("microsoft.graph.appHostedMediaConfig", Hosting::App),
        ] {
            assert_eq!(hosting_of(&json!({"mediaConfig": {"@odata.type": kind}})), expected, "{kind}");
        }
        let body = json!({"mode": "OneToOne"});
        assert_eq!(word_of(&body, "mode", &["oneToOne"]), Some("oneToOne"));
        assert_eq!(word_of(&body, "other", &["oneToOne"]), None);
        assert!(read(b"").is_err());
    }

    #[test]
    fn a_collection_with_references_is_refused_by_name() {
        let body = br#"{"targets": {"$id": "1", "$values": []}}"#;
        assert!(read(body).unwrap_err().message.contains("$values"));
    }
}
