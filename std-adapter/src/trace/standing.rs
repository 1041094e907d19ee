//! How a call stands, in words.

use callflow_core::operation::Phase;
use callflow_core::roster::Member;
use serde::{Deserialize, Serialize};

use crate::session::Machine;

/// How a call stands: what core knows of it, in words and without ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Standing {
    /// Graph's `callState`.
    pub state: String,
    /// Who called: `incoming`, `outgoing`.
    pub direction: String,
    /// Peer-to-peer or group.
    pub kind: String,
    /// Why.
    pub reason: String,
    /// How the service hosts it.
    pub hosting: String,
    /// What became of the request that creates it.
    pub creation: String,
    /// What became of answering, rejecting or redirecting it.
    pub settlement: String,
    /// Whether it is transferred.
    pub transferring: String,
    /// Whether it was ever established.
    pub ever_established: bool,
    /// Its end: how it is known, by whom, why, and the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// Whether audio is active.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio: Option<String>,
    /// Who hosts the media.
    pub media_host: String,
    /// The state of the bot's recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recording: Option<String>,
    /// The state of the transcription.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transcription: Option<String>,
    /// Who took the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered_by: Option<String>,
    /// The operations: ticket, action, phase.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<String>,
    /// The participants in their places: presence, and what else is known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roster: Vec<String>,
    /// How many participants have no place.
    #[serde(skip_serializing_if = "is_zero")]
    pub unnamed: u16,
    /// The next deadline: when, in milliseconds since the Unix epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline_at: Option<u64>,
    /// What for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // as serde calls it
const fn is_zero(number: &u16) -> bool {
    *number == 0
}

impl Standing {
    /// How this call stands.
    pub fn of(call: &Machine) -> Self {
        let classification = call.classification();
        let due = call.next_deadline();
        Self {
            state: call.state().name().to_owned(),
            direction: call.direction().name().to_owned(),
            kind: classification.kind().name().to_owned(),
            reason: classification.reason().name().to_owned(),
            hosting: classification.hosting().name().to_owned(),
            creation: format!("{:?}", call.creation()),
            settlement: format!("{:?}", call.settlement()),
            transferring: format!("{:?}", call.transferring()),
            ever_established: call.was_ever_established(),
            end: call.end().map(|end| {
                let result = end.result.map(|result| format!(", {}/{}", result.code, result.subcode));
                let reason = end.reason.map(|reason| format!(", {reason}"));
                let (reason, result) = (reason.unwrap_or_default(), result.unwrap_or_default());
                format!("{} by {}{reason}{result}", end.how, end.by)
            }),
            audio: call.audio().map(|audio| audio.name().to_owned()),
            media_host: call.media_host().name().to_owned(),
            recording: call.recording().map(|status| status.name().to_owned()),
            transcription: call.transcription().map(|state| state.name().to_owned()),
            answered_by: call.answered_by().map(|by| by.name().to_owned()),
            operations: call
                .operations()
                .rows()
                .map(|row| format!("{} {} {}", row.ticket().number(), row.action(), phase(row.phase())))
                .collect(),
            roster: call.roster().members().map(in_words).collect(),
            unnamed: call.roster().unnamed(),
            deadline_at: due.map(|due| due.at.as_millis()),
            deadline: due.map(|due| due.kind.name().to_owned()),
        }
    }
}

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Held => "held",
        Phase::Asked => "asked",
        Phase::Running => "running",
        Phase::Unknown => "unknown",
        Phase::Ended(outcome) => outcome.name(),
    }
}

fn in_words(member: &Member) -> String {
    let mut words = vec![member.presence().name().to_owned()];
    words.extend(member.mute().map(|mute| mute.name().to_owned()));
    words.extend(member.hold().map(|hold| format!("hold {hold}")));
    words.extend(member.screen().map(|screen| format!("screen {screen}")));
    words.extend(member.recording().map(|recording| format!("recording {recording}")));
    words.join(", ")
}
