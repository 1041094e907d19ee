//! Words in braces that stand for ids: `{Ada}`, `{tenant}`.

use std::collections::BTreeMap;

use serde_json::Value;

/// The words in braces in the texts of `value`. Braces that hold anything but a name are braces.
pub(super) fn all(value: &Value) -> Box<dyn Iterator<Item = String> + '_> {
    match value {
        Value::String(text) => Box::new(parts(text).into_iter().filter_map(|part| match part {
            Part::Name(name) => Some(name.to_owned()),
            Part::Text(_) => None,
        })),
        Value::Array(items) => Box::new(items.iter().flat_map(all)),
        Value::Object(members) => Box::new(members.values().flat_map(all)),
        Value::Null | Value::Bool(_) | Value::Number(_) => Box::new(std::iter::empty()),
    }
}

/// `value` with what they stand for in their place.
pub(super) fn filled(value: &Value, ids: &BTreeMap<String, String>) -> Value {
    match value {
        Value::String(text) => fill(text, ids).into(),
        Value::Array(items) => items.iter().map(|item| filled(item, ids)).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, member)| (name.clone(), filled(member, ids))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

fn fill(text: &str, ids: &BTreeMap<String, String>) -> String {
    let part = |part| match part {
        Part::Text(text) => text.to_owned(),
        Part::Name(name) => ids.get(name).cloned().unwrap_or_else(|| format!("{{{name}}}")),
    };
    parts(text).into_iter().map(part).collect()
}

/// The beginning of a text that somebody else wrote.
pub(super) fn cut(text: &str) -> String {
    text.chars().take(200).collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part<'a> {
    Text(&'a str),
    Name(&'a str),
}

fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let is_name = |name: &&str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == ' ');
        let named = after.split_once('}').filter(|(name, _)| is_name(name));
        let part = named.map_or(Part::Text("{"), |(name, _)| Part::Name(name));
        parts.extend([Part::Text(before), part]);
        rest = named.map_or(after, |(_, after)| after);
    }
    parts.push(Part::Text(rest));
    parts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_found_and_filled_in_and_other_braces_stay() {
        let ids = BTreeMap::from([("Sue of sales".to_owned(), "u1".to_owned())]);
        let value = json!({"a": ["{Sue of sales}", 1], "b": "x{Bob}y{\"c\"}{Sue of sales}"});
        assert_eq!(all(&value).collect::<Vec<_>>(), ["Sue of sales", "Bob", "Sue of sales"]);
        assert_eq!(filled(&value, &ids), json!({"a": ["u1", 1], "b": "x{Bob}y{\"c\"}u1"}));
    }
}
