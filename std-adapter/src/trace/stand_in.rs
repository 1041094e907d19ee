//! Stands in for whatever may be personal or secret in JSON: what is not known to be harmless is replaced, each value by the
//! same stand-in wherever it comes again.

use std::collections::HashMap;

use callflow_core::id::{CallId, ClientContext};
use callflow_core::media::Tone;
use serde_json::{Map, Value};

use crate::session::journal::Snapshot;
use crate::wire::escape::unescaped;

/// Members whose values are Graph's or callflow's own words, and numbers that are times, counts or places in an order.
const HARMLESS: [&str; 34] = [
    "@odata.type",
    "action",
    "at",
    "audio",
    "changeType",
    "class",
    "code",
    "completionReason",
    "direction",
    "endpointType",
    "isInLobby",
    "isMuted",
    "label",
    "mediaType",
    "method",
    "modality",
    "once_only",
    "origin",
    "recordingStatus",
    "roleType",
    "rosterSequenceNumber",
    "routingMode",
    "routingType",
    "sequenceId",
    "sequenceNumber",
    "state",
    "status",
    "subCode",
    "subcode",
    "terminationReason",
    "transcriptionState",
    "until",
    "verdict",
    "version",
];

/// Members of callflow's own that hold words of its vocabularies, beside those of [`HARMLESS`].
const OUR_WORDS: [&str; 29] = [
    "AnswerJoining",
    "ChangeScreenSharingRole",
    "CreateAudioRoutingGroup",
    "Reject",
    "UpdateRecordingStatus",
    "answer",
    "answered",
    "audio_group",
    "barge_in",
    "beep",
    "beta",
    "grants",
    "group",
    "held",
    "kind",
    "mask",
    "media",
    "modalities",
    "mode",
    "options",
    "ordered",
    "policy",
    "reason",
    "repeat",
    "routing_mode",
    "source",
    "stop_tones",
    "trust",
    "visibility",
];

/// The member that holds a key that somebody pressed, and the one with those that the bot sends.
const PRESSED: &str = "tone";
const SENT: &str = "tones";
/// What stands for any key that was pressed: no tone of Graph's, so that a session takes it for one that it does not know.
const ANY_KEY: &str = "hidden";

/// Members that hold paths of Graph's.
const PATHS: [&str; 5] = ["@odata.id", "location", "path", "resource", "resourceUrl"];

/// Segments of Graph's paths that are no ids.
const SEGMENTS: [&str; 31] = [
    "",
    "addLargeGalleryView",
    "answer",
    "app",
    "audioRoutingGroups",
    "calls",
    "cancelMediaProcessing",
    "changeScreenSharingRole",
    "communications",
    "contentSharingSessions",
    "invite",
    "keepAlive",
    "mute",
    "muteAll",
    "operations",
    "participants",
    "playPrompt",
    "record",
    "recordResponse",
    "redirect",
    "reject",
    "sendDtmfTones",
    "startHoldMusic",
    "stopHoldMusic",
    "subscribeToTone",
    "transfer",
    "unmute",
    "updateMetadata",
    "updateRecordingStatus",
    "v1.0",
    "beta",
];

/// Members below which ids are somebody's.
const PERSONAL: [&str; 18] = [
    "Guest",
    "Phone",
    "User",
    "acsUser",
    "encrypted",
    "guest",
    "identity",
    "onBehalfOf",
    "organizer",
    "organizer_id",
    "party",
    "phone",
    "presenter",
    "source",
    "targets",
    "transferor",
    "user",
    "users",
];

/// Members that hold what Graph wrote, among callflow's own.
const GRAPHS: [&str; 2] = ["body", "entry"];

/// Whose JSON it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
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

/// Whether a trace shows the keys that were pressed, and those that the bot sent.
///
/// Some may be those of a PIN, so that not even the same key is told by the same stand-in: all are one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyPresses {
    /// They stand as `hidden`, and in events as `unrecognised`; those that are sent as `tone0`.
    #[default]
    Hidden,
    /// They stand as they came.
    Shown,
}

/// What the stand-ins are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum For {
    /// To be looked at: ids are replaced too.
    #[default]
    Export,
    /// To be fed to a session again: ids of calls, participants and operations stay, and stand-ins need no escaping.
    Replay,
}

/// The stand-ins of one export or trace, in the order of first need.
#[derive(Debug, Default)]
pub struct StandIns {
    known: HashMap<String, String>,
    counts: HashMap<&'static str, usize>,
    what_for: For,
    keys: KeyPresses,
    /// What core keeps of an id that has a stand-in, and what it keeps of the stand-in.
    ids: HashMap<Id, Id>,
}

/// An id, as core keeps it.
type Id = [u8; 16];

/// Where a value stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    member: Option<&'a str>,
    whose: Whose,
    /// Whether callflow wrote it, whose numbers are nobody's.
    is_ours: bool,
    is_personal: bool,
}

impl Place<'_> {
    fn is_one_of(&self, members: &[&str]) -> bool {
        self.whose == Whose::Known && self.member.is_some_and(|member| members.contains(&member))
    }
}

impl StandIns {
    /// Stand-ins on which a replay does not depend: an input of a session with them gives the same states, events and
    /// requests as the input itself, but for the keys in [`Self::event`].
    pub fn for_replay(keys: KeyPresses) -> Self {
        Self { what_for: For::Replay, keys, ..Self::default() }
    }

    /// The stand-in of a text.
    pub fn text(&mut self, text: &str) -> String {
        if let Some(known) = self.known.get(text) {
            return known.clone();
        }
        let kind = kind_of(text);
        let count = self.counts.entry(kind).or_default();
        *count = count.saturating_add(1);
        let stand_in = match self.what_for {
            For::Export => format!("<{kind} {count}>"),
            For::Replay => format!("{kind}-{count}"),
        };
        if self.what_for == For::Replay {
            self.ids.insert(CallId::parse(text).to_bytes(), CallId::parse(&stand_in).to_bytes());
        }
        self.known.insert(text.to_owned(), stand_in.clone());
        stand_in
    }

    /// JSON with stand-ins; where the bytes are no JSON, one for all of them.
    pub fn bytes(&mut self, bytes: &[u8], whose: Whose) -> Value {
        match serde_json::from_slice(bytes) {
            Ok(value) => self.value(value, Place { member: None, whose, is_ours: false, is_personal: false }),
            Err(_) if bytes.is_empty() => Value::Null,
            Err(_) => Value::String(self.text(&String::from_utf8_lossy(bytes))),
        }
    }

    /// The JSON of an [`Input`](crate::session::journal::Input) with stand-ins.
    pub fn input(&mut self, input: Value) -> Value {
        let place = Place { member: Some("ordered"), whose: Whose::Known, is_ours: true, is_personal: false };
        let mut input = self.value(input, place);
        self.replace_ids(&mut input);
        input
    }

    /// The JSON of an event: what a replay of its input with stand-ins gives.
    pub fn event(&self, mut event: Value) -> Value {
        if self.keys == KeyPresses::Hidden
            && let Some(key) = event.pointer_mut("/Tone/tone")
        {
            *key = Tone::Unrecognised.name().into();
        }
        event
    }

    /// Replaces the ids of which core keeps a hash, as those of the stand-ins are kept: in orders, and in snapshots.
    fn replace_ids(&self, value: &mut Value) {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            Value::Array(all) => match self.stand_in_of(all) {
                Some(stand_in) => *all = stand_in.iter().map(|byte| Value::from(*byte)).collect(),
                None => all.iter_mut().for_each(|one| self.replace_ids(one)),
            },
            Value::Object(members) => {
                for (name, below) in members {
                    match below {
                        Value::String(digits) if name == "snapshot" => *digits = self.in_snapshot(digits),
                        below => self.replace_ids(below),
                    }
                }
            }
        }
    }

    fn stand_in_of(&self, bytes: &[Value]) -> Option<Id> {
        let bytes: Option<Vec<u8>> =
            bytes.iter().map(|byte| byte.as_u64().and_then(|byte| byte.try_into().ok())).collect();
        self.ids.get(&Id::try_from(bytes?).ok()?).copied()
    }

    fn in_snapshot(&self, digits: &str) -> String {
        let Ok(Snapshot(mut bytes)) = serde_json::from_value(Value::from(digits)) else {
            return String::new();
        };
        let mut at = 0usize;
        while let Some(id) = bytes.get_mut(at..at.saturating_add(size_of::<Id>())) {
            let stand_in = Id::try_from(&*id).ok().and_then(|id| self.ids.get(&id));
            if let Some(stand_in) = stand_in {
                id.copy_from_slice(stand_in);
            }
            at = at.saturating_add(if stand_in.is_some() { size_of::<Id>() } else { 1 });
        }
        let written = serde_json::to_value(Snapshot(bytes)).unwrap_or_default();
        written.as_str().map(str::to_owned).unwrap_or_default()
    }

    fn value(&mut self, value: Value, place: Place<'_>) -> Value {
        match value {
            Value::String(key) if place.is_one_of(&[PRESSED]) => Value::String(self.pressed(key)),
            Value::String(key) if place.is_ours && place.is_one_of(&[SENT]) => Value::String(self.sent(key)),
            Value::Null | Value::Bool(_) => value,
            Value::Number(number) if Self::is_harmless(&number, place) => Value::Number(number),
            Value::Number(number) => Value::String(self.text(&number.to_string())),
            Value::String(text) => self.string(text, place),
            Value::Array(all) => all.into_iter().map(|one| self.value(one, place)).collect(),
            Value::Object(members) => Value::Object(self.members(members, place)),
        }
    }

    fn pressed(&self, key: String) -> String {
        match self.keys {
            KeyPresses::Shown if is_our_word(&key) => key,
            KeyPresses::Hidden | KeyPresses::Shown => ANY_KEY.to_owned(),
        }
    }

    /// What stands for a key that the bot sends is one too: core refuses what is none.
    fn sent(&self, key: String) -> String {
        match (self.keys, Tone::parse(&key)) {
            (KeyPresses::Shown, _) | (KeyPresses::Hidden, Tone::Unrecognised) => key,
            (KeyPresses::Hidden, _) => Tone::Tone0.name().to_owned(),
        }
    }

    fn is_harmless(number: &serde_json::Number, place: Place<'_>) -> bool {
        place.is_ours
            || place.is_one_of(&HARMLESS)
            || number.as_f64().is_some_and(|number| number.abs() < place.whose.long())
    }

    fn string(&mut self, text: String, place: Place<'_>) -> Value {
        let is_replayed = self.what_for == For::Replay;
        if text.is_empty() && is_replayed {
            return Value::String(text);
        }
        let is_plain = is_word(&text) || is_replayed && (is_our_word(&text) || is_number_in_order(&text));
        if place.is_one_of(&HARMLESS) && is_plain {
            return Value::String(text);
        }
        if place.is_ours && place.is_one_of(&OUR_WORDS) && is_our_word(&text) {
            return Value::String(text);
        }
        let paths = if is_replayed { PATHS.as_slice() } else { &["path"] };
        if place.is_one_of(paths) {
            return Value::String(self.segments(&text, str::to_owned));
        }
        if is_replayed && place.whose == Whose::Known {
            if place.is_ours && place.is_one_of(&["snapshot"]) {
                return Value::String(text);
            }
            if place.is_one_of(&["@odata.context"]) {
                return Value::String(collection_of(&text));
            }
            if let (true, Some(context)) = (place.is_one_of(&["clientContext"]), ClientContext::parse(&text))
            {
                return Value::String(context.to_string());
            }
            if !place.is_personal && is_guid(&text) {
                return Value::String(text);
            }
        }
        match serde_json::from_str(&text) {
            // JSON in a text, as the body of a request.
            Ok(inner @ (Value::Object(_) | Value::Array(_))) if !is_replayed => {
                self.value(inner, Place { member: None, ..place })
            }
            Ok(_) | Err(_) => Value::String(self.text(&text)),
        }
    }

    fn members(&mut self, members: Map<String, Value>, place: Place<'_>) -> Map<String, Value> {
        let stand_in = |(name, value): (String, Value)| {
            let below = Place {
                member: Some(&name),
                whose: place.whose,
                is_ours: place.is_ours && !GRAPHS.contains(&name.as_str()),
                is_personal: place.is_personal || PERSONAL.contains(&name.as_str()),
            };
            let value = self.value(value, below);
            (if is_word(&name) { name } else { self.text(&name) }, value)
        };
        members.into_iter().map(stand_in).collect()
    }

    /// The path of a request, without the ids in it that may be somebody's.
    pub fn path(&mut self, path: &str) -> String {
        self.segments(path, unescaped)
    }

    fn segments(&mut self, path: &str, read: impl Fn(&str) -> String) -> String {
        let is_name = |segment: &str| match self.what_for {
            For::Export => segment.bytes().all(|byte| byte.is_ascii_alphabetic()),
            For::Replay => SEGMENTS.contains(&segment) || is_guid(segment),
        };
        let segments: Vec<_> = path.split('/').map(|segment| (segment, is_name(segment))).collect();
        let replaced = segments
            .into_iter()
            .map(|(segment, stays)| if stays { segment.to_owned() } else { self.text(&read(segment)) });
        replaced.collect::<Vec<_>>().join("/")
    }
}

/// What of a context says which collection a list is.
fn collection_of(context: &str) -> String {
    let context = context.to_ascii_lowercase();
    let known = ["participant", "audioRoutingGroup", "contentSharingSession"];
    let named = known.into_iter().find(|name| context.contains(&name.to_ascii_lowercase()));
    format!("$metadata#{}", named.unwrap_or_default())
}

/// Whether a text is a GUID, with all its dashes or with none.
fn is_guid(text: &str) -> bool {
    CallId::parse(text).is_guid()
}

/// Whether a text is a number that is too short for anybody's.
fn is_number_in_order(text: &str) -> bool {
    (1..=6).contains(&text.trim().len()) && text.trim().bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a text may be a word of a vocabulary, where one is expected.
fn is_our_word(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    text.len() <= 64
        && digits < 4
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_ *#".contains(&byte))
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
    } else if is_number
        || (digits >= 5 && text.contains('+'))
        || text.starts_with('+')
        || text.starts_with("tel:")
    {
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
        // In the order of their names, which is the order that they have in either kind of map.
        let input = json!({
            "+49301234567": {"phone": "+49301234567", "said": 49_301_234_567_u64},
            "again": ["57dab8b1-894c-409a-b240-bd8beae78896"],
            "at": 1_700_000_000_000_u64,
            "body": body.to_string(),
            "count": 3,
            "id": "57dab8b1-894c-409a-b240-bd8beae78896",
            "path": "/communications/calls/57DAB8B1/playPrompt",
            "state": "established",
            "status": "+4930123",
            "token": "eyJhbGciOi",
            "url": "https://bot.example/x?sig=abc",
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
        let of_author = json!({"code": "123", "pin": 1234, "state": "Ada", "tones": 3});
        assert_eq!(
            stand_ins.bytes(of_author.to_string().as_bytes(), Whose::Authors),
            json!({"state": "<text 6>", "code": "<text 4>", "pin": "<text 5>", "tones": 3}),
        );
        assert_eq!(stand_ins.bytes(b"no JSON", Whose::Authors), json!("<text 7>"));
        assert_eq!(stand_ins.bytes(b"", Whose::Known), Value::Null);
    }
}
