//! A journal: what a session was told, in order, and what it made of that. [`trace`](crate::trace) writes it down.
//!
//! It is kept only where [`Settings::journal`](super::Settings::journal) says so, or from [`Session::keep_journal`] on,
//! and grows until [`Session::take_journal`] takes it away: after each input, or it is all kept in memory.

use callflow_core::id::{CallKey, Ticket};
use callflow_core::permission::Grants;
use callflow_core::time::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::wire::inline;
pub use crate::wire::posted::Posted;

use super::{JoiningAnswer, Machine, Order, OrderError, Placement, Session, Settings, Step};

/// Whether a session keeps a journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Journaling {
    /// It keeps none.
    #[default]
    Off,
    /// It keeps one, which has to be taken away.
    On,
}

/// An input of a session, and what it made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The time that was handed in with it.
    pub at: Timestamp,
    /// What was handed in.
    pub input: Input,
    /// What came out, or why nothing did.
    pub output: Result<Step, OrderError>,
    /// The number of the first of its events in the history of the call, as the bot is told it.
    pub first_event: u64,
    /// The call afterwards.
    pub call: Box<Machine>,
}

/// What is handed in to a session. As JSON, what Graph wrote stands there as it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// It began: the bot placed the call.
    Placed {
        /// Its key.
        key: CallKey,
        /// What it began with.
        settings: Box<Settings>,
        /// Whom it goes to.
        placement: Box<Placement>,
    },
    /// It began: a notification offered the call.
    Offered {
        /// Its key.
        key: CallKey,
        /// What it began with.
        settings: Box<Settings>,
        /// The notification.
        notice: Posted,
    },
    /// It began: nothing was left of the call but its id, and what the service answered to GET of it.
    Recovered {
        /// Its key.
        key: CallKey,
        /// What it began with.
        settings: Box<Settings>,
        /// Graph's id.
        id: String,
        /// Whether somebody called the bot.
        is_incoming: bool,
        /// The status of the answer.
        status: u16,
        /// Its body.
        body: Body,
    },
    /// It goes on from what was kept of it: after a restart, or where entries of its journal were lost.
    Restored {
        /// The call, as core keeps it, in hexadecimal digits.
        snapshot: Snapshot,
        /// The texts beside it.
        texts: Body,
        /// How many entries before this one were lost.
        lost: u64,
    },
    /// [`Session::notice`].
    Notified(Posted),
    /// [`Session::joining`].
    Joining {
        /// The notification.
        notice: Posted,
        /// By which a repeat is recognised.
        key: String,
    },
    /// [`Session::answer_joining`].
    AnsweredJoining {
        /// Of the notification.
        key: String,
        /// The answer.
        answer: JoiningAnswer,
    },
    /// [`Session::response`].
    Answered {
        /// Of the request.
        ticket: Ticket,
        /// The status.
        status: u16,
        /// `Location`.
        location: Option<String>,
        /// The body.
        body: Body,
    },
    /// [`Session::no_response`].
    NoAnswer {
        /// Of the request.
        ticket: Ticket,
    },
    /// [`Session::not_sent`].
    NotSent {
        /// Of the request.
        ticket: Ticket,
    },
    /// [`Session::order`].
    Ordered(Box<Order>),
    /// [`Session::grant`].
    Granted(Grants),
    /// [`Session::tick`].
    Tick,
}

impl Input {
    /// What it is called in a trace.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Placed { .. } => "placed",
            Self::Offered { .. } => "offered",
            Self::Recovered { .. } => "recovered",
            Self::Restored { .. } => "restored",
            Self::Notified(_) => "notified",
            Self::Joining { .. } => "joining",
            Self::AnsweredJoining { .. } => "answered_joining",
            Self::Answered { .. } => "answered",
            Self::NoAnswer { .. } => "no_answer",
            Self::NotSent { .. } => "not_sent",
            Self::Ordered(_) => "ordered",
            Self::Granted(_) => "granted",
            Self::Tick => "tick",
        }
    }
}

/// A body as it came. `Debug` shows how long it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Body(pub Vec<u8>);

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Body(<{} bytes>)", self.0.len())
    }
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        inline::serialize(&String::from_utf8_lossy(&self.0), serializer)
    }
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        inline::deserialize(deserializer).map(|text| Self(text.as_bytes().to_vec()))
    }
}

/// The bytes of a snapshot; as JSON, hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot(pub Vec<u8>);

impl Serialize for Snapshot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digits = self.0.iter().flat_map(|byte| [byte >> 4, byte & 0xF]);
        let text: String = digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect();
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Snapshot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap_or_default());
        let bytes: Result<_, _> = pairs.map(|pair| u8::from_str_radix(pair, 16)).collect();
        bytes.map(Self).map_err(|_| serde::de::Error::custom("a snapshot is hexadecimal digits"))
    }
}

/// The journal of a session. Two sessions are equal whatever their journals say.
#[derive(Clone, Debug, Default)]
pub(super) struct Journal {
    entries: Option<Vec<Entry>>,
    /// How many events came out until now.
    events: u64,
}

impl PartialEq for Journal {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Journal {}

impl Journal {
    pub(super) fn new(journaling: Journaling) -> Self {
        let entries = match journaling {
            Journaling::Off => None,
            Journaling::On => Some(Vec::new()),
        };
        Self { entries, events: 0 }
    }

    /// Writes down an input; it is made only where there is a journal.
    pub(super) fn note(
        &mut self,
        at: Timestamp,
        input: impl FnOnce() -> Input,
        output: Result<&Step, OrderError>,
        call: &Machine,
    ) {
        let Some(entries) = &mut self.entries else { return };
        let first_event = self.events.saturating_add(1);
        let count = output.map_or(0, |step| step.events.len());
        self.events = self.events.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        let (output, call) = (output.cloned(), Box::new(call.clone()));
        entries.push(Entry { at, input: input(), output, first_event, call });
    }
}

impl Session {
    /// Keeps a journal from here on: it begins with what is kept of the call, as [`Input::Restored`]. What it had until
    /// now is dropped; `lost` says how many entries that were not written down anywhere.
    pub fn keep_journal(&mut self, now: Timestamp, lost: u64) {
        self.journal = Journal { entries: Some(Vec::new()), events: self.texts.events };
        if let Ok((snapshot, texts)) = self.to_bytes() {
            let input = || Input::Restored { snapshot: Snapshot(snapshot), texts: Body(texts), lost };
            self.journal.note(now, input, Ok(&Step::none()), &self.call);
        }
    }

    /// Takes away what the journal has, oldest first: nothing where none is kept.
    pub fn take_journal(&mut self) -> Vec<Entry> {
        // Events that came out and were given to nobody have no number.
        self.journal.events = self.texts.events;
        self.journal.entries.as_mut().map(std::mem::take).unwrap_or_default()
    }
}
