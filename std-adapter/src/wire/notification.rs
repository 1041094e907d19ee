//! Notifications: what Graph posts to the bot's callback.
//!
//! A body is a batch of entries; an entry may carry one resource, an array of them, or none. Which resource it tells of is
//! decided by `@odata.type` and by the path, since the two disagree in some of the documentation's examples.
//!
//! Source: Graph docs, commsNotification; field captures, where a call's id stands in `resourceUrl` only.

use std::borrow::Cow;
use std::sync::Arc;

use callflow_core::id::SessionId;
use callflow_core::media::Tone;
use callflow_core::report::{Change, Report, Told, ToneInfo};
use callflow_core::roster::Extent;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::extra::{Extra, OF_A_CALL, OF_A_PARTICIPANT};
use super::lenient::There;
use super::posted::Posted;
use super::resource::{
    CallJson, CallTold, DeltaJson, OperationJson, OperationTold, ParticipantJson, RosterTold, short_type,
};
use super::{WireError, line_of, read_at, utf8};

/// What a body told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The entries that could be read, in order.
    pub notices: Vec<Notice>,
    /// Those that could not.
    pub faults: Vec<WireError>,
}

/// One thing that Graph tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The id of the call as it was written; none in a notification in the legacy format.
    pub call: Option<String>,
    /// What happened to the resource.
    pub change: Change,
    /// What it is about.
    pub subject: Subject,
    /// The members that nothing reads.
    pub ignored: Vec<String>,
    /// Where it was read.
    pub(crate) posted: Posted,
}

/// What a notice is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The call.
    Call(Box<CallTold>),
    /// The roster.
    Roster(RosterTold),
    /// An operation.
    Operation(Box<OperationTold>),
    /// A content sharing session.
    ContentSharing {
        /// Its id as it was written, where one was.
        session: Option<String>,
    },
    /// A participant asks to join (policy-based recording).
    Joining,
    /// A participant left (policy-based recording).
    Left {
        /// His id as it was written.
        participant: Option<String>,
    },
    /// A notification in the format before Graph's. Answered with 204, it is sent again in Graph's.
    ///
    /// Source: the vendor's article on calling notifications.
    Legacy,
    /// A resource that this version does not know, by its type or path.
    Unrecognised(String),
}

impl Subject {
    /// The name of the resource.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Call(_) => "call",
            Self::Roster(_) => "roster",
            Self::Operation(_) => "operation",
            Self::ContentSharing { .. } => "content-sharing",
            Self::Joining => "joining",
            Self::Left { .. } => "left",
            Self::Legacy => "legacy",
            Self::Unrecognised(_) => "unknown",
        }
    }
}

impl Notice {
    /// The report for core.
    pub fn report(&self) -> Report<'_> {
        let change = self.change;
        match &self.subject {
            Subject::Call(told) => Report::Call { change, news: told.news },
            Subject::Roster(told) => Report::Roster(told.news()),
            Subject::Operation(told) => Report::Operation { change, news: told.news },
            Subject::ContentSharing { session } => {
                Report::ContentSharing { change, session: session.as_deref().map(SessionId::parse) }
            }
            Subject::Joining => Report::Joining,
            Subject::Left { .. } => Report::Left,
            Subject::Legacy | Subject::Unrecognised(_) => Report::Unrecognised,
        }
    }

    /// What it tells in a few words, without anything secret: `updated call established audio active`. Of a key that was
    /// pressed it tells the sequence: `updated call tone #6`.
    pub fn in_words(&self) -> String {
        self.words(|tone| format!("tone #{}", tone.sequence.number()))
    }

    /// The same with the key that was pressed: `updated call tone1 #6`. It may be one of a PIN.
    pub fn in_words_with_key(&self) -> String {
        self.words(|tone| match tone.tone {
            Tone::Unrecognised => format!("tone #{}", tone.sequence.number()),
            key => format!("{key} #{}", tone.sequence.number()),
        })
    }

    fn words(&self, key: impl Fn(ToneInfo) -> String) -> String {
        let mut words = vec![self.change.name().to_owned(), self.subject.name().to_owned()];
        match (self.change, self.report()) {
            (Change::Created | Change::Updated | Change::Deleted, Report::Call { news, .. }) => {
                match news.state {
                    Told::State(state) => words.push(state.name().to_owned()),
                    Told::Unrecognised => words.push("(state not recognised)".to_owned()),
                    Told::Nothing => {}
                }
                words.extend(news.audio.map(|audio| format!("audio {audio}")));
                words.extend(news.tone.map(key));
                words.extend(news.result.map(|result| format!("{}/{}", result.code, result.subcode)));
            }
            (_, Report::Operation { news, .. }) => words.push(news.status.name().to_owned()),
            (_, Report::Roster(news)) => words.push(format!("of {}", news.participants.len())),
            (_, _) => {}
        }
        words.join(" ")
    }
}

#[derive(Deserialize)]
struct EnvelopeJson<'a> {
    #[serde(borrow)]
    value: Option<&'a RawValue>,
    #[serde(borrow, rename = "changeType")]
    change_type: Option<&'a RawValue>,
    #[serde(rename = "callState")]
    call_state: Option<There>,
    #[serde(rename = "isMultiparty")]
    is_multiparty: Option<There>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EntryJson<'a> {
    #[serde(rename = "@odata.type")]
    _odata_type: Option<There>,
    #[serde(borrow)]
    change_type: Option<Text<'a>>,
    #[serde(borrow)]
    resource_url: Option<Text<'a>>,
    #[serde(borrow)]
    resource: Option<Text<'a>>,
    #[serde(borrow)]
    resource_data: Option<&'a RawValue>,
}

/// A text that is borrowed where nothing in it is escaped.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Default, Deserialize)]
struct TypeJson<'a> {
    #[serde(borrow, rename = "@odata.type")]
    odata_type: Option<Text<'a>>,
    #[serde(borrow, rename = "@odata.id")]
    odata_id: Option<Text<'a>>,
}

/// Where a part of a body stands: asked for where it cannot be read.
#[derive(Clone, Copy)]
struct Place<'a> {
    whole: &'a str,
    /// The place of the entry in the batch; none where it is the body.
    entry: Option<usize>,
    /// The member below the entry.
    member: &'static str,
}

impl Place<'_> {
    fn of(self, member: &'static str) -> Self {
        Self { member, ..self }
    }

    /// The path of the member.
    fn path(self) -> String {
        let under = self.entry.map(|entry| format!("value[{entry}]")).unwrap_or_default();
        let dot = if under.is_empty() || self.member.is_empty() { "" } else { "." };
        format!("{under}{dot}{}", self.member)
    }

    /// The line on which `part` begins, and the path of the member.
    fn at(self, part: &str) -> (usize, String) {
        (line_of(self.whole, part), self.path())
    }

    fn fault(self, part: &str, reason: impl Into<String>) -> WireError {
        let (line, path) = self.at(part);
        WireError::new(line, path, reason)
    }
}

/// Reads the body of a notification.
///
/// # Errors
/// [`WireError`] where not even its entries can be told apart; an entry that cannot be read is among the faults.
pub fn read_batch(body: &[u8]) -> Result<Batch, WireError> {
    let text = utf8(body)?;
    if text.trim_start().starts_with('[') {
        return Err(WireError::new(
            1,
            "",
            "an array: an object with a batch of notifications in `value` is expected",
        ));
    }
    if let Some(notices) = read_at_once(text) {
        return Ok(Batch { notices, faults: Vec::new() });
    }
    read_apart(text)
}

/// A batch of which every entry can be read, as nearly all are.
fn read_at_once(text: &str) -> Option<Vec<Notice>> {
    #[derive(Deserialize)]
    struct BatchJson<'a> {
        #[serde(borrow)]
        value: Vec<&'a RawValue>,
    }
    let batch: BatchJson<'_> = serde_json::from_str(text).ok()?;
    let mut notices = Vec::with_capacity(batch.value.len());
    for (number, entry) in batch.value.into_iter().enumerate() {
        let place = Place { whole: text, entry: Some(number), member: "" };
        read_entry(entry.get(), place, &mut notices).ok()?;
    }
    Some(notices)
}

/// Any other body: its entries are told apart first, so that one that cannot be read costs none of the others.
fn read_apart(text: &str) -> Result<Batch, WireError> {
    let envelope: EnvelopeJson<'_> =
        serde_json::from_str(text).map_err(|e| WireError::of_json(&e, 1, "", ""))?;
    let entries = match envelope.value {
        Some(value) if value.get().starts_with('[') => serde_json::from_str::<Vec<&RawValue>>(value.get())
            .map_err(|e| WireError::of_json(&e, line_of(text, value.get()), "value", ""))?
            .into_iter()
            .map(RawValue::get)
            .collect(),
        Some(value) if value.get().starts_with('{') => vec![value.get()],
        Some(value) => {
            return Err(WireError::new(line_of(text, value.get()), "value", "not an array of notifications"));
        }
        // A notification that nobody put into a batch.
        None if envelope.change_type.is_some() => vec![text],
        None if envelope.call_state.is_some() || envelope.is_multiparty.is_some() => {
            let legacy = Notice {
                call: None,
                change: Change::Created,
                subject: Subject::Legacy,
                ignored: Vec::new(),
                posted: Posted { place: 0, entry: text.into() },
            };
            return Ok(Batch { notices: vec![legacy], faults: Vec::new() });
        }
        None => return Err(WireError::new(1, "value", "missing: a batch of notifications is expected")),
    };
    let mut batch = Batch { notices: Vec::new(), faults: Vec::new() };
    for (place, entry) in entries.into_iter().enumerate() {
        let place = Place { whole: text, entry: envelope.value.map(|_| place), member: "" };
        if let Err(fault) = read_entry(entry, place, &mut batch.notices) {
            batch.faults.push(fault);
        }
    }
    Ok(batch)
}

/// A path of Graph's, taken apart: the call's id, the collection below it, the id in that.
#[derive(Clone, Copy, Default)]
struct Path<'a> {
    call: Option<&'a str>,
    collection: Option<&'a str>,
    member: Option<&'a str>,
}

impl<'a> Path<'a> {
    /// Source: Graph docs, commsNotification (`resourceUrl`); segments vary in case and the leading slash may lack.
    fn parse(path: &'a str) -> Self {
        let mut segments = path.split('/').filter(|segment| !segment.is_empty());
        if !segments.any(|segment| segment.eq_ignore_ascii_case("calls")) {
            return Self::default();
        }
        Self { call: segments.next(), collection: segments.next(), member: segments.next() }
    }

    fn is(self, collection: &str) -> bool {
        self.collection.is_some_and(|c| c.eq_ignore_ascii_case(collection))
    }
}

fn read_entry(entry: &str, place: Place<'_>, notices: &mut Vec<Notice>) -> Result<(), WireError> {
    let (json, ignored_here) = read_at::<EntryJson<'_>>(entry, || place.at(entry))?;
    let of_change = place.of("changeType");
    let Some(Text(change)) = json.change_type else {
        return Err(of_change.fault(entry, "missing: created, updated or deleted is expected"));
    };
    let Some(change) = Change::ALL.iter().copied().find(|c| c.name().eq_ignore_ascii_case(change.trim()))
    else {
        return Err(of_change.fault(entry, format!("`{change}` is none of created, updated, deleted")));
    };
    let data = json.resource_data.map(RawValue::get).filter(|data| *data != "null");
    let of_data = place.of("resourceData");
    let is_plainly_of_a_call = |data: &&str| json.resource_url.is_some() && data.starts_with(A_CALL);
    let first = match data {
        Some(data) if is_plainly_of_a_call(&data) => {
            TypeJson { odata_type: Some(Text(Cow::Borrowed("#microsoft.graph.call"))), odata_id: None }
        }
        Some(data) => read_type(data, of_data)?,
        None => TypeJson::default(),
    };
    let url = json.resource_url.or(first.odata_id).or(json.resource).map(|url| url.0).unwrap_or_default();
    let path = Path::parse(&url);
    let kind = first.odata_type.as_ref().map(|kind| short_type(&kind.0));
    let (told, mut ignored) = read_resource(path, kind, data, of_data)?;
    ignored.extend(ignored_here);
    let call_in = |subject: &Subject| match subject {
        Subject::Call(told) => told.id.clone(),
        _ => None,
    };
    let posted: Arc<str> = entry.into();
    for (number, subject) in told.into_iter().enumerate() {
        let call = path.call.map(str::to_owned).or_else(|| call_in(&subject));
        if call.is_none() && !matches!(subject, Subject::Unrecognised(_)) {
            let reason = "names no call, and neither does the resource";
            return Err(place.of("resourceUrl").fault(data.unwrap_or(entry), reason));
        }
        let posted = Posted { place: number, entry: Arc::clone(&posted) };
        notices.push(Notice { call, change, subject, ignored: ignored.clone(), posted });
    }
    Ok(())
}

/// How nearly every resource begins: its type need not be looked for.
const A_CALL: &str = r##"{"@odata.type":"#microsoft.graph.call","##;

/// The type and id of the resource, of the first one in an array.
fn read_type<'a>(data: &'a str, place: Place<'_>) -> Result<TypeJson<'a>, WireError> {
    if !data.starts_with('[') {
        return read_at(data, || place.at(data)).map(|(first, _)| first);
    }
    let all: Vec<&'a RawValue> = serde_json::from_str(data).map_err(|e| {
        let (line, path) = place.at(data);
        WireError::of_json(&e, line, &path, "")
    })?;
    let Some(first) = all.first().map(|first| first.get()) else { return Ok(TypeJson::default()) };
    let at = || (line_of(place.whole, first), format!("{}[0]", place.path()));
    read_at(first, at).map(|(first, _)| first)
}

fn read_resource(
    path: Path<'_>,
    kind: Option<&str>,
    data: Option<&str>,
    place: Place<'_>,
) -> Result<(Vec<Subject>, Vec<String>), WireError> {
    let is = |name: &str| kind.is_some_and(|kind| kind.eq_ignore_ascii_case(name));
    let is_a_call_path = path.call.is_some() && path.collection.is_none();
    let roster = is("participant") || (kind.is_none() && path.is("participants"));
    let operation = kind.is_some_and(|kind| kind.to_ascii_lowercase().ends_with("operation"))
        || (kind.is_none() && path.is("operations"));
    let is_recording_note = is("participantJoiningNotification") || is("participantLeftNotification");
    // What an absent resource would have said; a roster that is absent names nobody.
    let named = data;
    let data = data.unwrap_or("{}");
    if is("contentSharingSession") || (kind.is_none() && path.is("contentSharingSessions")) {
        let (sessions, ignored) = read_at::<Many<SessionJson>>(data, || place.at(data))?;
        let of_path = path.member.filter(|_| path.is("contentSharingSessions"));
        let told = sessions.0.into_iter().map(|session| Subject::ContentSharing {
            session: session.id.or_else(|| of_path.map(str::to_owned)),
        });
        return Ok((told.collect(), ignored));
    }
    if is_recording_note {
        let (notes, ignored) = read_at::<Many<RecordingNoteJson>>(data, || place.at(data))?;
        let is_joining = is("participantJoiningNotification");
        let told = notes.0.into_iter().map(|note| {
            if is_joining { Subject::Joining } else { Subject::Left { participant: note.participant_id } }
        });
        return Ok((told.collect(), ignored));
    }
    if is("deltaParticipants") {
        let (delta, ignored) = read_at::<Many<DeltaJson>>(data, || place.at(data))?;
        let below: Vec<_> =
            ignored.iter().filter_map(|name| name.strip_prefix("participants.").map(str::to_owned)).collect();
        let told = delta.0.into_iter().map(|delta| {
            let told = delta.into_told().with_extras(Extra::of_member(
                data,
                "participants",
                &below,
                OF_A_PARTICIPANT,
            ));
            Subject::Roster(told)
        });
        return Ok((told.collect(), ignored));
    }
    if roster {
        // Nobody is told of, or one by his own path: nobody else may be taken for missing.
        let Some(data) = named else {
            return Ok((vec![Subject::Roster(RosterTold::new(Extent::Part, []))], Vec::new()));
        };
        let (participants, ignored) = read_at::<Many<ParticipantJson>>(data, || place.at(data))?;
        let is_of_one = path.is("participants") && path.member.is_some();
        let extent = if is_of_one { Extent::Part } else { Extent::Full };
        let told =
            RosterTold::new(extent, participants.0).with_extras(Extra::of(data, &ignored, OF_A_PARTICIPANT));
        return Ok((vec![Subject::Roster(told)], ignored));
    }
    if operation {
        let (operations, ignored) = read_at::<Many<OperationJson>>(data, || place.at(data))?;
        // Some examples put a collection where the operation's id belongs.
        let id = path
            .member
            .filter(|member| path.is("operations") && !member.eq_ignore_ascii_case("participants"));
        let extras = Extra::of(data, &ignored, &[]).into_iter().chain(std::iter::repeat_with(Extra::default));
        let told = operations.0.into_iter().zip(extras).map(|(operation, extra)| {
            Subject::Operation(Box::new(OperationTold { extra, ..operation.into_told(id) }))
        });
        return Ok((told.collect(), ignored));
    }
    if is("call") || (kind.is_none() && is_a_call_path) {
        let tell = |(call, extra): (CallJson, Extra)| {
            let mut told = call.into_told();
            told.extra = extra;
            // `resourceUrl` is what Graph routes by; some examples have another id inside.
            if let Some(id) = path.call {
                told.id = Some(id.to_owned());
                told.news.id = Some(callflow_core::id::CallId::parse(id));
            }
            Subject::Call(Box::new(told))
        };
        if !data.starts_with('[') {
            let (call, ignored) = read_at::<CallJson>(data, || place.at(data))?;
            let extra = Extra::of(data, &ignored, OF_A_CALL).pop().unwrap_or_default();
            return Ok((vec![tell((call, extra))], ignored));
        }
        let (calls, ignored) = read_at::<Many<CallJson>>(data, || place.at(data))?;
        let extras =
            Extra::of(data, &ignored, OF_A_CALL).into_iter().chain(std::iter::repeat_with(Extra::default));
        return Ok((calls.0.into_iter().zip(extras).map(tell).collect(), ignored));
    }
    let name = kind.or(path.collection).unwrap_or("(no type and no path)");
    Ok((vec![Subject::Unrecognised(name.to_owned())], unread(Some(data))))
}

/// The names of the members of an object, or of the first in an array.
fn names(json: &str) -> Vec<String> {
    type Names<'a> = std::collections::BTreeMap<String, &'a RawValue>;
    let first = || serde_json::from_str::<Vec<Names<'_>>>(json).ok()?.into_iter().next();
    serde_json::from_str::<Names<'_>>(json).ok().or_else(first).unwrap_or_default().into_keys().collect()
}

/// The members of a resource of which only its kind is read.
fn unread(data: Option<&str>) -> Vec<String> {
    data.map(names).unwrap_or_default().into_iter().filter(|name| name != "@odata.type").collect()
}

#[derive(Deserialize)]
struct SessionJson {
    #[serde(rename = "@odata.type")]
    _odata_type: Option<There>,
    id: Option<String>,
}

/// `participantJoiningNotification` or `participantLeftNotification`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RecordingNoteJson {
    #[serde(rename = "@odata.type")]
    _odata_type: Option<There>,
    participant_id: Option<String>,
}

struct Many<T>(Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Many<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::lenient::one_or_many(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use callflow_core::id::{ParticipantId, Sequence};
    use callflow_core::identity::{Answerer, Routing};
    use callflow_core::lifecycle::State;
    use callflow_core::lifecycle::end::TerminationReason;
    use callflow_core::media::{Audio, Mute, RecordingStatus, ScreenSharingRole, Tone, Transcription};
    use callflow_core::meeting::Coordinates;
    use callflow_core::operation::{Completion, Status};
    use callflow_core::report::Told;
    use callflow_core::roster::{Hold, Participant, Presence};
    use serde_json::json;

    use crate::wire::placement::Meeting;

    use super::*;

    const CALL: &str = "57DAB8B1894C409AB240BD8BEAE78896";

    fn read_one(change: &str, path: &str, data: serde_json::Value) -> Notice {
        let mut entry = json!({"changeType": change, "resourceUrl": path});
        if !data.is_null() {
            entry["resourceData"] = data;
        }
        let body = json!({"value": [entry]}).to_string();
        let mut batch = read_batch(body.as_bytes()).unwrap();
        assert_eq!(batch.faults, []);
        assert_eq!(read_at_once(&body), Some(batch.notices.clone()));
        assert_eq!(read_apart(&body), Ok(batch.clone()), "both ways to read it say the same");
        batch.notices.remove(0)
    }

    fn call(change: &str, data: serde_json::Value) -> CallTold {
        match read_one(change, &format!("/communications/calls/{CALL}"), data).subject {
            Subject::Call(told) => *told,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_incoming_call_without_an_id_inside() {
        let told = call(
            "Created",
            json!({
                "@odata.type": "#microsoft.graph.call", "state": "Incoming", "direction": "incoming",
                "source": {"identity": {"user": {"displayName": "Ada", "id": "u-1"}}},
                "targets": [{"identity": {"application": {"id": "a-1"}}}],
                "chatInfo": null, "meetingInfo": {"token": "t"},
            }),
        );
        assert_eq!(told.id.as_deref(), Some(CALL));
        assert_eq!(told.news.state, Told::State(State::Incoming));
        assert_eq!(told.news.coordinates, Coordinates::Meeting);
        assert_eq!(told.source.unwrap().display_name.as_deref(), Some("Ada"));
    }

    #[test]
    fn numbers_as_strings_and_names_in_any_case() {
        let told = call(
            "updated",
            json!({
                "state": "ESTABLISHED", "mediaState": {"audio": "Active"},
                "toneInfo": {"sequenceId": "6", "tone": "Tone1"},
                "resultInfo": {"code": "200", "subCode": "5002"},
            }),
        );
        assert_eq!(told.news.audio, Some(Audio::Active));
        assert_eq!(told.news.tone.map(|t| (t.sequence.number(), t.tone)), Some((6, Tone::Tone1)));
        assert_eq!(told.news.result.map(|r| (r.code, r.subcode)), Some((200, 5002)));
    }

    #[test]
    fn unknown_words_are_kept_and_unknown_members_named() {
        let notice = read_one(
            "updated",
            &format!("communications/Calls/{CALL}"),
            json!({"state": "dancing", "callChainId": "x"}),
        );
        let Subject::Call(told) = &notice.subject else { panic!("{notice:?}") };
        assert_eq!(
            (told.news.state, &told.unrecognised[..]),
            (Told::Unrecognised, &["dancing".to_owned()][..])
        );
        assert_eq!(notice.ignored, ["callChainId"]);
    }

    #[test]
    fn what_is_not_read_is_named() {
        let path = format!("/communications/calls/{CALL}/contentSharingSessions");
        let data =
            json!([{"@odata.type": "#microsoft.graph.contentSharingSession", "pngOfCurrentSlide": "1"}]);
        assert_eq!(read_one("created", &path, data).ignored, ["pngOfCurrentSlide"]);
        let body = json!({"value": [{"changeType": "updated", "resourceUrl": format!("/communications/calls/{CALL}"),
            "callbackUri": "https://bot.example", "resourceData": {"state": "established", "subject": "x"}}]});
        assert_eq!(
            read_batch(body.to_string().as_bytes()).unwrap().notices[0].ignored,
            ["subject", "callbackUri"]
        );
    }

    #[test]
    fn deleted_without_anything_inside() {
        let told = call("deleted", serde_json::Value::Null);
        assert_eq!(told.news.state, Told::Nothing);
    }

    #[test]
    fn an_operation_whose_id_stands_in_the_path() {
        let path = format!("/communications/calls/{CALL}/operations/0FE0");
        let data = json!({"@odata.type": "#microsoft.graph.playPromptOperation", "status": "Completed", "clientContext": "00000000000000ab-7"});
        let Subject::Operation(told) = read_one("deleted", &path, data).subject else { panic!() };
        assert_eq!(told.id.as_deref(), Some("0FE0"));
        assert_eq!((told.news.status, told.news.context.is_some()), (Status::Completed, true));
        let path = format!("/communications/calls/{CALL}/operations/participants");
        let data = json!({"@odata.type": "#microsoft.graph.inviteParticipantsOperation", "id": null, "status": "completed"});
        let Subject::Operation(told) = read_one("deleted", &path, data).subject else { panic!() };
        assert_eq!(told.id, None);
    }

    #[test]
    fn a_roster_under_the_path_of_operations() {
        let path = format!("/communications/calls/{CALL}/operations/participants");
        let data = json!([{"@odata.type": "#microsoft.graph.participant", "id": "p", "isInLobby": "true"}, {"id": null}]);
        let Subject::Roster(told) = read_one("updated", &path, data).subject else { panic!() };
        assert_eq!(told.participants.len(), 2);
        assert_eq!(told.participants[0].presence, Presence::Lobby);
        assert_eq!(told.participants[1].id, None);
    }

    #[test]
    fn news_of_one_participant_says_nothing_of_the_others() {
        let path = format!("/communications/calls/{CALL}/participants/p");
        let data = json!({"@odata.type": "#microsoft.graph.participant", "id": "p"});
        let Subject::Roster(told) = read_one("updated", &path, data).subject else { panic!() };
        assert_eq!((told.extent, told.participants.len()), (Extent::Part, 1));
    }

    #[test]
    fn a_roster_without_its_participants_names_nobody() {
        let body = json!({"value": [{"changeType": "updated",
            "resourceUrl": format!("/communications/calls/{CALL}/participants")}]});
        let batch = read_batch(body.to_string().as_bytes()).unwrap();
        let [Notice { subject: Subject::Roster(told), .. }] = &batch.notices[..] else { panic!("{batch:?}") };
        assert_eq!((told.extent, told.participants.len()), (Extent::Part, 0));
    }

    #[test]
    fn what_is_not_read_is_kept_whole() {
        let told = call(
            "updated",
            json!({"state": "established", "callChainId": "c", "transcription": {"state": "active", "by": {"user": "x"}}}),
        );
        assert_eq!(told.extra.get("callChainId"), Some(&json!("c")));
        assert_eq!(told.extra.get("transcription"), Some(&json!({"state": "active", "by": {"user": "x"}})));
        assert_eq!(told.extra.iter().count(), 2);
        assert_eq!(format!("{:?}", told.extra), r#"{"callChainId", "transcription"}"#);

        let context = json!({"transferor": {"user": {"id": "u"}}});
        let told = call("created", json!({"state": "incoming", "incomingContext": context, "source": null}));
        assert_eq!(told.extra.iter().collect::<Vec<_>>(), [("incomingContext", &context)]);

        let path = format!("/communications/calls/{CALL}/participants");
        let data = json!([{"id": null, "mood": 0}, {"id": "p", "mood": 1}, {"id": "q", "removedState": {"reason": "left"}}]);
        let Subject::Roster(told) = read_one("updated", &path, data).subject else { panic!() };
        assert_eq!(told.named[1].extra.get("removedState"), Some(&json!({"reason": "left"})));
        let moods: Vec<_> = told.named.iter().map(|named| named.extra.get("mood").cloned()).collect();
        assert_eq!(moods, [Some(json!(1)), None]);

        let data = json!({"@odata.type": "#microsoft.graph.deltaParticipants", "participants": [{"id": "p", "mood": 2}]});
        let Subject::Roster(told) = read_one("updated", &path, data).subject else { panic!() };
        assert_eq!(told.named[0].extra.get("mood"), Some(&json!(2)));

        let path = format!("/communications/calls/{CALL}/operations/1");
        let data = json!([{"@odata.type": "#microsoft.graph.playPromptOperation", "prompts": []}]);
        let Subject::Operation(told) = read_one("deleted", &path, data).subject else { panic!() };
        assert_eq!(told.extra.get("prompts"), Some(&json!([])));
    }

    #[test]
    fn the_way_into_a_meeting_is_told_where_it_is_whole() {
        let chat = json!({"threadId": "19:x", "messageId": "0", "replyChainMessageId": "7"});
        let organizer = json!({"organizer": {"user": {"id": "o", "tenantId": "t"}}});
        for (chat, info, meeting) in [
            (
                chat.clone(),
                organizer.clone(),
                Some(Meeting::Organizer {
                    thread_id: "19:x".to_owned(),
                    message_id: "0".to_owned(),
                    reply_chain_message_id: Some("7".to_owned()),
                    organizer_id: "o".to_owned(),
                    tenant_id: "t".to_owned(),
                }),
            ),
            (chat.clone(), json!({"token": "s3cret"}), Some(Meeting::Token("s3cret".into()))),
            (
                json!(null),
                json!({"joinMeetingId": "12", "passcode": null}),
                Some(Meeting::JoinId { id: "12".to_owned(), passcode: None }),
            ),
            (json!(null), organizer, None),
            (chat, json!(null), None),
            (json!("strange"), json!(["strange"]), None),
        ] {
            let told = call("created", json!({"state": "incoming", "chatInfo": chat, "meetingInfo": info}));
            assert_eq!(told.meeting, meeting, "{chat} {info}");
            assert!(!format!("{told:?}").contains("s3cret"));
        }
    }

    #[test]
    fn one_malformed_number_loses_no_state() {
        let path = format!("/communications/calls/{CALL}");
        for (result, expected) in [
            (json!({"code": -1, "subcode": 8537}), Some((0, 8537))),
            (json!({"code": "", "subCode": 8537}), Some((0, 8537))),
            (json!({"code": 408, "subcode": 8537, "subCode": 8537}), Some((408, 8537))),
            (json!({"code": "no number"}), None),
        ] {
            let data = json!({"@odata.type": "#microsoft.graph.call", "state": "terminated",
                "resultInfo": result, "toneInfo": {"sequenceId": -1, "tone": "tone1"}, "targets": [null]});
            let notice = read_one("deleted", &path, data);
            let Subject::Call(told) = notice.subject else { panic!() };
            assert_eq!(told.news.state, Told::State(State::Terminated));
            assert_eq!(told.news.result.map(|info| (info.code, info.subcode)), expected);
            assert!(told.unrecognised.iter().any(|one| one.contains("-1")), "{:?}", told.unrecognised);
        }
    }

    #[test]
    fn a_delta_roster_with_and_without_its_number() {
        let path = format!("/communications/calls/{CALL}/participants");
        for (number, extent) in [(json!("7"), Extent::Delta(Sequence::new(7))), (json!(null), Extent::Part)] {
            let data = json!({"@odata.type": "#microsoft.graph.deltaParticipants", "sequenceNumber": number,
                "participants": [{"id": "p", "removedState": {"reason": "left"}}]});
            let Subject::Roster(told) = read_one("updated", &path, data).subject else { panic!() };
            assert_eq!((told.extent, told.participants[0].presence), (extent, Presence::Left));
        }
    }

    #[test]
    fn other_resources_are_recognised() {
        let path = format!("/communications/calls/{CALL}/contentsharingsessions/1");
        let session = Some("1".to_owned());
        let notice = read_one("created", &path, serde_json::Value::Null);
        assert_eq!(notice.subject, Subject::ContentSharing { session });
        assert!(matches!(notice.report(), Report::ContentSharing { session: Some(_), .. }));
        let path = format!("/communications/calls/{CALL}/contentSharingSessions");
        let data = json!([{"@odata.type": "#microsoft.graph.contentSharingSession", "id": "2"}]);
        let session = Some("2".to_owned());
        assert_eq!(read_one("deleted", &path, data).subject, Subject::ContentSharing { session });
        for (name, subject) in [
            ("participantJoiningNotification", Subject::Joining),
            ("participantLeftNotification", Subject::Left { participant: Some("p".to_owned()) }),
            ("audioRoutingGroup", Subject::Unrecognised("audioRoutingGroup".to_owned())),
        ] {
            let data = json!({"@odata.type": format!("#microsoft.graph.{name}"), "participantId": "p"});
            assert_eq!(read_one("updated", &format!("/communications/calls/{CALL}"), data).subject, subject);
        }
    }

    #[test]
    fn who_took_the_call_and_by_which_detour_and_why_it_ended() {
        let phone = json!({"identity": {"user": null, "phone": {"id": "+4912"}}});
        for (answered_by, expected) in [
            (json!({"identity": {"user": {"id": "u"}}}), Answerer::User),
            (
                json!({"identity": {"applicationInstance": {"id": "a"}}, "endpointType": "default"}),
                Answerer::Application,
            ),
            (phone, Answerer::Phone),
            (json!({"identity": {"user": {"id": "u"}}, "endpointType": "voicemail"}), Answerer::VoiceMail),
            (json!({"identity": {"user": {"id": "u"}, "endpointType": "Voicemail"}}), Answerer::VoiceMail),
            (json!({"identity": {"encrypted": {"id": "e"}}}), Answerer::Other),
        ] {
            let told = call("updated", json!({"state": "established", "answeredBy": answered_by}));
            assert_eq!(told.news.answered_by, Some(expected), "{answered_by}");
        }
        let told = call(
            "updated",
            json!({
                "terminationReason": "appTransferred", "transcription": {"state": "Active"},
                "callRoutes": [{"routingType": "lookup"}, {"routingType": "selffork"}],
            }),
        );
        assert_eq!(told.news.reason, Some(TerminationReason::AppTransferred));
        assert_eq!(told.news.transcription, Some(Transcription::Active));
        assert_eq!(told.news.routing, Some(Routing::SelfFork));
        let told = call(
            "updated",
            json!({
                "terminationReason": "Bored", "transcription": {"state": "sung"}, "callRoutes": [], "answeredBy": null,
            }),
        );
        assert_eq!(told.news.reason, Some(TerminationReason::Unrecognised));
        assert_eq!((told.news.routing, told.news.answered_by), (None, None));
        assert_eq!(told.unrecognised, ["Bored", "sung"]);
    }

    #[test]
    fn an_invitation_for_recording_says_so() {
        let incoming = |more: serde_json::Value| {
            let mut data = json!({"state": "incoming", "incomingContext": {}, "meetingInfo": {"token": "t"}});
            data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            call("created", data).is_policy_recording
        };
        let reasons = |reason: &str| json!({"applicationMetadata": {"botData": {"inviteReasons": [reason]}}});
        assert!(incoming(reasons("PolicyBasedRecording")));
        assert!(!incoming(reasons("Other")));
        assert!(incoming(json!({})));
        assert!(!incoming(json!({"chatInfo": {"threadId": "19:x@thread.v2"}})));
    }

    #[test]
    fn a_participant_with_all_that_is_told_of_him() {
        let path = format!("/communications/calls/{CALL}/participants");
        let one = |data: serde_json::Value| {
            let data = json!([data]);
            let Subject::Roster(mut told) = read_one("updated", &path, data).subject else { panic!() };
            (told.participants.remove(0), told.named.pop())
        };
        let (told, named) = one(json!({
            "@odata.type": "#microsoft.graph.participant", "id": "P-1", "isMuted": true,
            "info": {"identity": {"user": {"id": "u", "displayName": "Ada"}}},
            "mediaStreams": [
                {"mediaType": "audio", "direction": "inactive"},
                {"mediaType": "VideoBasedScreenSharing", "direction": "sendOnly"},
            ],
            "recordingInfo": {"recordingStatus": "Recording"}, "rosterSequenceNumber": "7",
        }));
        assert_eq!((told.mute, told.hold), (Some(Mute::On), Some(Hold::On)));
        assert_eq!(told.recording, Some(RecordingStatus::Recording));
        assert_eq!((told.screen, told.sequence), (Some(ScreenSharingRole::Sharer), Some(Sequence::new(7))));
        let named = named.unwrap();
        assert_eq!((named.id.as_str(), named.party.unwrap().display_name.as_deref()), ("P-1", Some("Ada")));

        let (told, _) = one(json!({
            "id": "p", "isMuted": false, "recordingInfo": {"recordingStatus": "unknown"},
            "mediaStreams": [
                {"mediaType": "audio", "direction": "inactive"}, {"mediaType": "audio", "direction": "sendReceive"},
                {"label": "applicationsharing-video", "direction": "receiveOnly"},
            ],
        }));
        assert_eq!((told.mute, told.hold), (Some(Mute::Off), Some(Hold::Off)));
        assert_eq!((told.recording, told.screen), (None, Some(ScreenSharingRole::Viewer)));

        let (told, named) = one(json!({"id": null, "mediaStreams": null}));
        assert_eq!((told, named), (Participant::new(None, Presence::Present), None));

        let view =
            json!({"id": "v", "info": {"identity": {"application": {"ApplicationType": "LargeGallery-V2"}}}});
        assert_eq!(one(view).0.presence, Presence::GalleryView);
        let bot = json!({"id": "b", "info": {"identity": {"application": {"applicationType": "Large"}}}});
        assert_eq!(one(bot).0.presence, Presence::Present);
    }

    #[test]
    fn an_operation_says_why_it_completed_whom_it_invited_and_where_its_recording_is() {
        let path = format!("/communications/calls/{CALL}/operations/0FE0");
        let one = |data| {
            let Subject::Operation(told) = read_one("deleted", &path, data).subject else { panic!() };
            told
        };
        let told = one(json!({
            "@odata.type": "#microsoft.graph.recordOperation", "status": "completed",
            "completionReason": "stopToneDetected",
            "recordingLocation": "https://file.location/1", "recordingAccessToken": "token",
        }));
        assert_eq!(told.news.completion, Some(Completion::StopToneDetected));
        let recording = told.recording.unwrap();
        assert_eq!(recording.location, "https://file.location/1");
        assert!(!format!("{recording:?}").contains("token"));
        let told = one(json!({
            "@odata.type": "#microsoft.graph.inviteParticipantsOperation", "status": "running",
            "completionReason": "unknown", "recordingLocation": "", "recordingAccessToken": "",
            "participants": [{"identity": {}, "participantId": "p-9"}],
        }));
        assert_eq!((told.news.completion, told.recording), (None, None));
        assert_eq!(told.news.invited, Some(ParticipantId::parse("p-9")));
        assert_eq!(told.participants[0].id, "p-9");
    }

    #[test]
    fn the_legacy_format_is_told_apart() {
        let batch = read_batch(br#"{"id": "1", "callState": "incoming", "participants": []}"#).unwrap();
        assert_eq!(batch.notices[0].subject, Subject::Legacy);
    }

    #[test]
    fn one_bad_entry_costs_none_of_the_others() {
        let body = r#"{"value": [
  {"changeType": "updated", "resourceUrl": "/communications/calls/1", "resourceData": {"state": "established"}},
  {"changeType": "updated", "resourceUrl": "/communications/calls/2", "resourceData": {
     "state": "established",
     "mediaState": {"audio": 7}}},
  {"changeType": "sung", "resourceUrl": "/communications/calls/3"},
  {"changeType": "updated", "resourceUrl": "/communications/calls/4", "resourceData": {"state": 7}}
]}"#;
        let batch = read_batch(body.as_bytes()).unwrap();
        assert_eq!(batch.notices.len(), 1);
        let places: Vec<_> = batch.faults.iter().map(|fault| (fault.line(), fault.member())).collect();
        assert_eq!(
            places,
            [
                (5, "value[1].resourceData.mediaState.audio"),
                (6, "value[2].changeType"),
                (7, "value[3].resourceData.state")
            ]
        );
        assert!(batch.faults[0].reason().contains("expected a string"), "{}", batch.faults[0]);
    }

    #[test]
    fn what_is_no_batch_is_refused_with_line_and_reason() {
        for (body, line, words) in [
            ("", 1, "no JSON"),
            ("hello", 1, "expected"),
            ("{\"value\": [\n{]}", 2, "key must be a string"),
            ("[]", 1, "an array"),
            ("{}", 1, "missing"),
            ("{\n\"value\": 7}", 2, "not an array"),
        ] {
            let error = read_batch(body.as_bytes()).unwrap_err();
            assert!(error.line() == line && error.reason().contains(words), "{body}: {error}");
        }
        assert!(read_batch(b"\xff\xfe").unwrap_err().reason().contains("UTF-8"));
    }

    #[test]
    fn debug_of_a_party_shows_no_number() {
        let party = Party { kind: "phone".to_owned(), id: Some("+491234".to_owned()), display_name: None };
        assert!(!format!("{party:?}").contains("1234"));
    }

    use super::super::resource::Party;

    #[test]
    fn a_call_reads_alike_wherever_its_type_stands_and_however_it_is_written() {
        let kind = r##""@odata.type":"#microsoft.graph.call""##;
        for members in [
            r#""state":"established""#,
            r#""state":"establishing","mediaState":{"audio":"active"},"toneInfo":{"sequenceId":6,"tone":"tone1"}"#,
            r#""id":"another","callChainId":"a chain","what nobody knows":{"a":[1]}"#,
            r#""resultInfo":{"code":200,"subcode":"4521"},"state":"terminated""#,
            r#""@odata.id":"communications/calls/another/participants","state":"established""#,
            r#""resultInfo":7,"state":"established""#,
            r#""state":"established","state":"terminated""#,
        ] {
            let url = r#""resourceUrl":"/communications/calls/57DA","#;
            for url in [url, r#""resource":"/communications/calls/57DA","#, ""] {
                let read = |data: String| {
                    let entry = format!(r#"{{"changeType":"updated",{url}"resourceData":{data}}}"#);
                    let batch = read_batch(format!(r#"{{"value":[{entry}]}}"#).as_bytes()).unwrap();
                    let faults = batch.faults.into_iter();
                    (
                        batch.notices,
                        faults
                            .map(|fault| (fault.member().to_owned(), fault.reason().to_owned()))
                            .collect::<Vec<_>>(),
                    )
                };
                let usual = read(format!("{{{kind},{members}}}"));
                assert_ne!(usual.0.len(), usual.1.len(), "{members}");
                for written in [
                    format!("{{{members},{kind}}}"),
                    format!("{{ {kind}, {members} }}"),
                    format!("{{{},{members}}}", kind.replace(':', " : ")),
                    format!("{{{},{members}}}", kind.replace('#', "\\u0023")),
                    format!("{{{},{members}}}", kind.replace("graph.call", "Graph.Call")),
                ] {
                    assert_eq!(read(written.clone()), usual, "{url} {written}");
                }
            }
        }
    }
}
