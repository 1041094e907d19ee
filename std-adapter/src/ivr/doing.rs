//! What the bot does with a caller: one piece at a time.

use callflow_core::event::Event;
use callflow_core::media::Tone;
use serde::{Deserialize, Serialize};

use super::Then;
use crate::bot::Call;
use crate::piece::{
    Failure, Farewell, Keys, Menu, Piece, Play, Progress, Reached, RecordMessage, Ring, TransferTo,
};
use crate::session::Record;

/// The piece that runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Doing {
    /// None.
    #[default]
    Nothing,
    /// Rings whom the file says.
    Ringing { ring: Box<Ring>, name: String },
    /// Plays a menu, and waits for a key.
    Menu(Box<Menu>),
    /// Plays something.
    Play { play: Play, then: Then },
    /// Records.
    Record { record: Box<RecordMessage>, then: Then },
    /// Transfers him.
    Transfer(Box<TransferTo>),
    /// Says goodbye.
    Leaving(Farewell),
}

/// What came of a piece.
#[derive(Debug)]
pub(super) enum Done {
    /// Somebody, or something, took the call of this name.
    Reached(String, Reached),
    /// Nobody took it in time.
    NotReached(String),
    /// A key of the menu was pressed.
    Chosen(char),
    /// No key, one that means nothing, or a transfer that failed.
    Again,
    /// Something was played, or recorded.
    Then(Then),
    /// The caller cannot be asked.
    Fails(Failure),
    /// There is nobody to talk to any more.
    Over,
}

/// The keys that end a recording.
const KEYS: [Tone; 12] = [
    Tone::Tone0,
    Tone::Tone1,
    Tone::Tone2,
    Tone::Tone3,
    Tone::Tone4,
    Tone::Tone5,
    Tone::Tone6,
    Tone::Tone7,
    Tone::Tone8,
    Tone::Tone9,
    Tone::Star,
    Tone::Pound,
];

/// Records for so long at most; a key ends it.
pub(super) fn record(seconds: u8) -> RecordMessage {
    RecordMessage::new(Record { max_duration: Some(seconds), stop_tones: KEYS.to_vec(), ..Record::default() })
}

impl Doing {
    pub(super) fn begin(&mut self, call: &mut Call<'_>, keys: &mut Keys) -> Option<Done> {
        match self {
            Self::Nothing => None,
            Self::Ringing { ring, name } => rung(ring.begin(call), name),
            Self::Menu(menu) => {
                menu.type_ahead(keys);
                chosen(menu.begin(call))
            }
            Self::Play { play, then } => afterwards(play.begin(call), *then),
            Self::Record { record, then } => {
                record.type_ahead(keys);
                afterwards(record.begin(call), *then)
            }
            Self::Transfer(transfer) => transferred(transfer.begin(call)),
            Self::Leaving(farewell) => left(farewell.begin(call)),
        }
    }

    pub(super) fn on_event(&mut self, call: &mut Call<'_>, event: &Event) -> Option<Done> {
        match self {
            Self::Nothing => None,
            Self::Ringing { ring, name } => rung(ring.on_event(call, event), name),
            Self::Menu(menu) => chosen(menu.on_event(call, event)),
            Self::Play { play, then } => afterwards(play.on_event(call, event), *then),
            Self::Record { record, then } => afterwards(record.on_event(call, event), *then),
            Self::Transfer(transfer) => transferred(transfer.on_event(call, event)),
            Self::Leaving(farewell) => left(farewell.on_event(call, event)),
        }
    }

    pub(super) fn on_wake(&mut self, call: &mut Call<'_>) -> Option<Done> {
        match self {
            Self::Ringing { ring, name } => rung(ring.on_wake(call), name),
            Self::Menu(menu) => chosen(menu.on_wake(call)),
            Self::Transfer(transfer) => transferred(transfer.on_wake(call)),
            // They wait for no time.
            Self::Nothing | Self::Play { .. } | Self::Record { .. } | Self::Leaving(_) => None,
        }
    }

    pub(super) fn hears(&self, tone: Tone) -> bool {
        match self {
            Self::Menu(menu) => menu.hears(tone),
            Self::Record { record, .. } => record.hears(tone),
            // Nothing comes after it.
            Self::Leaving(_) => true,
            Self::Nothing | Self::Ringing { .. } | Self::Play { .. } | Self::Transfer(_) => false,
        }
    }
}

/// The outcome of a piece; none while it goes on.
fn outcome<T>(progress: Progress<T>) -> Option<Result<T, Failure>> {
    match progress {
        Progress::Pending => None,
        Progress::Done(outcome) => Some(outcome),
    }
}

fn rung(progress: Progress<Reached>, name: &str) -> Option<Done> {
    outcome(progress).map(|outcome| match outcome {
        Ok(reached) => Done::Reached(name.to_owned(), reached),
        Err(Failure::TimedOut) => Done::NotReached(name.to_owned()),
        Err(failure) => {
            tracing::warn!(name, %failure, "nobody was reached");
            Done::Over
        }
    })
}

fn chosen(progress: Progress<char>) -> Option<Done> {
    outcome(progress).map(|outcome| match outcome {
        Ok(key) => Done::Chosen(key),
        Err(Failure::NoInput | Failure::InvalidInput) => Done::Again,
        Err(Failure::Ended(_) | Failure::Gone) => Done::Over,
        Err(failure) => Done::Fails(failure),
    })
}

/// What was played or recorded, or could not be.
fn afterwards<T>(progress: Progress<T>, then: Then) -> Option<Done> {
    outcome(progress).map(|outcome| match outcome {
        Ok(_) | Err(Failure::NoInput) => Done::Then(then),
        Err(Failure::Ended(_) | Failure::Gone) => Done::Over,
        Err(failure) => {
            tracing::warn!(%failure, "the caller goes on without it");
            Done::Then(then)
        }
    })
}

fn transferred<T>(progress: Progress<T>) -> Option<Done> {
    outcome(progress).map(|outcome| match outcome {
        Ok(_) | Err(Failure::Ended(_) | Failure::Gone) => Done::Over,
        Err(failure) => {
            tracing::warn!(%failure, "a transfer leads back to the menu");
            Done::Again
        }
    })
}

fn left<T>(progress: Progress<T>) -> Option<Done> {
    outcome(progress).map(|outcome| {
        if let Err(failure) = outcome {
            tracing::warn!(%failure, "a call cannot be hung up");
        }
        Done::Over
    })
}
