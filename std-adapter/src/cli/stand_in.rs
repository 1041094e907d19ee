//! Stands in for whatever may be personal or secret in JSON: what is not known to be harmless is replaced, each value by the
//! same stand-in wherever it comes again.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// Members whose values are Graph's or callflow's own words, and numbers that are times or counts.
const HARMLESS: [&str; 18] = [
    "@odata.type",
    "action",
    "at",
    "audio",
    "changeType",
    "class",
    "code",
    "direction",
    "method",
    "modality",
    "once_only",
    "origin",
    "state",
    "status",
    "subcode",
    "until",
    "verdict",
    "version",
];

/// Whose JSON it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// Graph's or callflow's: what its members mean is known.
    Known,
    /// The bot's: only short numbers, and names of members, are taken for harmless.
    Authors,
}

impl Whose {
    /// From here on a number may be somebody's.
    fn long(self) -> f64 {
        match self {
            Self::Known => 100_000.0,
            Self::Authors => 1000.0,
        }
    }
}

/// The stand-ins of one export, in the order of first need.
#[derive(Default)]
pub(super) struct StandIns {
    known: HashMap<String, String>,
    counts: HashMap<&'static str, usize>,
}

impl StandIns {
    /// The stand-in of a text.
    pub(super) fn text(&mut self, text: &str) -> String {
        if let Some(known) = self.known.get(text) {
            return known.clone();
        }
        let kind = kind_of(text);
        let count = self.counts.entry(kind).or_default();
        *count = count.saturating_add(1);
        let stand_in = format!("<{kind} {count}>");
        self.known.insert(text.to_owned(), stand_in.clone());
        stand_in
    }

    /// JSON with stand-ins; where the bytes are no JSON, one for all of them.
    pub(super) fn bytes(&mut self, bytes: &[u8], whose: Whose) -> Value {
        match serde_json::from_slice(bytes) {
            Ok(value) => self.value(value, None, whose),
            Err(_) if bytes.is_empty() => Value::Null,
            Err(_) => Value::String(self.text(&String::from_utf8_lossy(bytes))),
        }
    }

    fn value(&mut self, value: Value, member: Option<&str>, whose: Whose) -> Value {
        let member = member.filter(|_| whose == Whose::Known);
        let is_harmless = member.is_some_and(|member| HARMLESS.contains(&member));
        match value {
            Value::Null | Value::Bool(_) => value,
            Value::Number(number)
                if is_harmless || number.as_f64().is_some_and(|n| n.abs() < whose.long()) =>
            {
                Value::Number(number)
            }
            Value::Number(number) => Value::String(self.text(&number.to_string())),
            Value::String(text) if is_harmless && is_word(&text) => Value::String(text),
            Value::String(text) if member == Some("path") => Value::String(self.path(&text)),
            Value::String(text) => match serde_json::from_str(&text) {
                // JSON in a text, as the body of a request.
                Ok(inner @ (Value::Object(_) | Value::Array(_))) => self.value(inner, None, whose),
                Ok(_) | Err(_) => Value::String(self.text(&text)),
            },
            Value::Array(all) => all.into_iter().map(|one| self.value(one, member, whose)).collect(),
            Value::Object(members) => Value::Object(self.members(members, whose)),
        }
    }

    fn members(&mut self, members: Map<String, Value>, whose: Whose) -> Map<String, Value> {
        let stand_in = |(name, value): (String, Value)| {
            let value = self.value(value, Some(&name), whose);
            (if is_word(&name) { name } else { self.text(&name) }, value)
        };
        members.into_iter().map(stand_in).collect()
    }

    /// A path, without the ids in it.
    fn path(&mut self, path: &str) -> String {
        let segments = path.split('/').map(|segment| {
            let is_name = segment.bytes().all(|byte| byte.is_ascii_alphabetic());
            if is_name { segment.to_owned() } else { self.text(segment) }
        });
        segments.collect::<Vec<_>>().join("/")
    }
}

/// Whether a text is a name such as programs have: nobody's number, id or address.
fn is_word(text: &str) -> bool {
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'@' | b'.' | b'_' | b'#');
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    text.len() <= 64
        && digits < 4
        && text.bytes().all(is_good)
        && !text.get(1..).is_some_and(|rest| rest.contains('@'))
}

fn kind_of(text: &str) -> &'static str {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let is_number = digits >= 5 && text.bytes().all(|byte| byte.is_ascii_digit() || b"+-() ".contains(&byte));
    if text.contains("://") {
        "address"
    } else if is_number || text.starts_with('+') || text.starts_with("tel:") {
        "number"
    } else if text.len() >= 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') {
        "id"
    } else {
        "text"
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_known_to_be_harmless_is_replaced_the_same_each_time() {
        let mut stand_ins = StandIns::default();
        let body = json!({"value": [{"changeType": "updated", "resource": "/communications/calls/57DA"}]});
        let input = json!({
            "state": "established",
            "id": "57dab8b1-894c-409a-b240-bd8beae78896",
            "again": ["57dab8b1-894c-409a-b240-bd8beae78896"],
            "+49301234567": {"phone": "+49301234567", "said": 49_301_234_567_u64},
            "url": "https://bot.example/x?sig=abc",
            "token": "eyJhbGciOi",
            "count": 3,
            "at": 1_700_000_000_000_u64,
            "body": body.to_string(),
            "path": "/communications/calls/57DAB8B1/playPrompt",
            "status": "+4930123",
        });
        let output = stand_ins.bytes(input.to_string().as_bytes(), Whose::Known);
        assert_eq!(
            output,
            json!({
                "state": "established",
                "id": "<id 1>",
                "again": ["<id 1>"],
                "<number 1>": {"phone": "<number 1>", "said": "<number 2>"},
                "url": "<address 1>",
                "token": "<text 3>",
                "count": 3,
                "at": 1_700_000_000_000_u64,
                "body": {"value": [{"changeType": "updated", "resource": "<text 1>"}]},
                "path": "/communications/calls/<text 2>/playPrompt",
                "status": "<number 3>",
            })
        );
        let of_author = json!({"state": "Ada", "code": "123", "pin": 1234, "tones": 3});
        assert_eq!(
            stand_ins.bytes(of_author.to_string().as_bytes(), Whose::Authors),
            json!({"state": "<text 6>", "code": "<text 4>", "pin": "<text 5>", "tones": 3}),
        );
        assert_eq!(stand_ins.bytes(b"no JSON", Whose::Authors), json!("<text 7>"));
        assert_eq!(stand_ins.bytes(b"", Whose::Known), Value::Null);
    }
}
