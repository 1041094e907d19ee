//! Requests past the call machine: what they read or do, no rule of a call decides on.
//!
//! They may be made at any time and as often as wanted, and their answers go to whoever asked. What is neither here nor an
//! [`Order`](super::order::Order) can be sent as a request of one's own.
//!
//! ```
//! use callflow_graph::wire::direct::Direct;
//!
//! let http = Direct::GetAudioRoutingGroup("oneToOne".to_owned()).write("57DA");
//! assert_eq!(http.path, "/communications/calls/57DA/audioRoutingGroups/oneToOne");
//! ```

use serde_json::json;

use super::device_quality::TeleconferenceDeviceQuality;
use super::escape::segment;
use super::mixer::MixerLevel;
use super::request::{HttpRequest, Method, Version};

/// A request past the call machine. Ids are texts, as Graph wrote them.
#[derive(Clone, Debug, PartialEq)]
pub enum Direct {
    /// One participant.
    ///
    /// Source: Graph docs, participant: get.
    GetParticipant(String),
    /// The audio routing groups.
    ///
    /// Source: Graph docs, call: list audioRoutingGroups.
    ListAudioRoutingGroups,
    /// One audio routing group.
    ///
    /// Source: Graph docs, audioRoutingGroup: get.
    GetAudioRoutingGroup(String),
    /// What is being shared.
    ///
    /// Source: Graph docs, call: list contentSharingSessions.
    ListContentSharingSessions,
    /// One content sharing session.
    ///
    /// Source: Graph docs, contentSharingSession: get.
    GetContentSharingSession(String),
    /// How well a device of a certified video interop partner did. It belongs to no call of the bot.
    ///
    /// Source: Graph docs, call: logTeleconferenceDeviceQuality.
    LogTeleconferenceDeviceQuality(Box<TeleconferenceDeviceQuality>),
    /// Mutes these participants. Beta, and deprecated: its page says that it goes, by a day that has long passed.
    ///
    /// Source: Graph docs, participant: muteAll.
    MuteAll {
        /// Their ids.
        participants: Vec<String>,
        /// Comes back in the operation; 256 characters at most.
        client_context: String,
    },
    /// Says how loud whom is heard by whom. Beta, and in its documentation alone: no model has it.
    ///
    /// Source: Graph docs, participant: configureMixer.
    ConfigureMixer {
        /// For each listener.
        levels: Vec<MixerLevel>,
        /// Comes back in the operation; 256 characters at most.
        client_context: String,
    },
    /// Lets everybody in who waits in the lobby. Beta.
    ///
    /// Source: the vendor's client for beta (generated from its model); no page.
    AdmitAllFromLobby,
    /// Lets one participant in who waits in the lobby. Beta.
    ///
    /// Source: as [`Self::AdmitAllFromLobby`].
    AdmitFromLobby(String),
    /// Turns away a participant who waits in the lobby. Beta.
    ///
    /// Source: as [`Self::AdmitAllFromLobby`].
    RemoveFromLobby(String),
    /// Starts the recording of Teams. Beta.
    ///
    /// Source: as [`Self::AdmitAllFromLobby`].
    StartRecording {
        /// Comes back in the operation; 256 characters at most.
        client_context: String,
    },
    /// Stops the recording of Teams. Beta.
    ///
    /// Source: as [`Self::AdmitAllFromLobby`].
    StopRecording {
        /// Comes back in the operation; 256 characters at most.
        client_context: String,
    },
    /// Starts the transcription of Teams. Beta.
    ///
    /// Source: as [`Self::AdmitAllFromLobby`].
    StartTranscription {
        /// Comes back in the operation; 256 characters at most.
        client_context: String,
        /// What is spoken: `en-us`.
        language: Option<String>,
    },
    /// Stops the transcription of Teams. Beta.
    ///
    /// Source: as [`Self::AdmitAllFromLobby`].
    StopTranscription {
        /// Comes back in the operation; 256 characters at most.
        client_context: String,
    },
}

impl Direct {
    /// The version of the API that has it.
    pub const fn version(&self) -> Version {
        match self {
            Self::GetParticipant(_)
            | Self::ListAudioRoutingGroups
            | Self::GetAudioRoutingGroup(_)
            | Self::ListContentSharingSessions
            | Self::GetContentSharingSession(_)
            | Self::LogTeleconferenceDeviceQuality(_) => Version::V1,
            Self::MuteAll { .. }
            | Self::ConfigureMixer { .. }
            | Self::AdmitAllFromLobby
            | Self::AdmitFromLobby(_)
            | Self::RemoveFromLobby(_)
            | Self::StartRecording { .. }
            | Self::StopRecording { .. }
            | Self::StartTranscription { .. }
            | Self::StopTranscription { .. } => Version::Beta,
        }
    }

    /// Writes it, for the call of this id.
    pub fn write(&self, call: &str) -> HttpRequest {
        let get = |below: String| (Method::Get, below, None);
        let post = |below: String, body: Option<serde_json::Value>| (Method::Post, below, body);
        let participant = |id: &str, action: &str| format!("/participants/{}{action}", segment(id));
        let context = |context: &str| Some(json!({"clientContext": context}));
        let (method, below, body) = match self {
            Self::GetParticipant(id) => get(participant(id, "")),
            Self::ListAudioRoutingGroups => get("/audioRoutingGroups".to_owned()),
            Self::GetAudioRoutingGroup(id) => get(format!("/audioRoutingGroups/{}", segment(id))),
            Self::ListContentSharingSessions => get("/contentSharingSessions".to_owned()),
            Self::GetContentSharingSession(id) => get(format!("/contentSharingSessions/{}", segment(id))),
            Self::LogTeleconferenceDeviceQuality(quality) => {
                return HttpRequest {
                    version: self.version(),
                    method: Method::Post,
                    path: "/communications/calls/logTeleconferenceDeviceQuality".to_owned(),
                    body: Some(json!({"quality": quality.to_json()}).to_string()),
                };
            }
            Self::MuteAll { participants, client_context } => post(
                "/participants/muteAll".to_owned(),
                Some(json!({"participants": participants, "clientContext": client_context})),
            ),
            Self::ConfigureMixer { levels, client_context } => post(
                "/participants/configureMixer".to_owned(),
                Some(json!({"participantMixerLevels": levels, "clientContext": client_context})),
            ),
            Self::AdmitAllFromLobby => post("/participants/admitAllFromLobby".to_owned(), None),
            Self::AdmitFromLobby(id) => post(participant(id, "/admitFromLobby"), None),
            Self::RemoveFromLobby(id) => post(participant(id, "/removeFromLobby"), None),
            Self::StartRecording { client_context } => {
                post("/startRecording".to_owned(), context(client_context))
            }
            Self::StopRecording { client_context } => {
                post("/stopRecording".to_owned(), context(client_context))
            }
            Self::StartTranscription { client_context, language } => {
                let mut body = json!({"clientContext": client_context});
                if let (Some(language), Some(members)) = (language, body.as_object_mut()) {
                    members.insert("language".to_owned(), json!(language));
                }
                post("/startTranscription".to_owned(), Some(body))
            }
            Self::StopTranscription { client_context } => {
                post("/stopTranscription".to_owned(), context(client_context))
            }
        };
        HttpRequest {
            version: self.version(),
            method,
            path: format!("/communications/calls/{}{below}", segment(call)),
            body: body.map(|body| body.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::asked::{Ask, read_request};
    use crate::wire::mixer::{Ducking, SourceLevel};

    #[test]
    fn each_goes_where_its_page_says() {
        let context = || "c".to_owned();
        for (direct, version, line, body) in [
            (Direct::GetParticipant("p/1".to_owned()), Version::V1, "GET /participants/p%2F1", None),
            (Direct::ListAudioRoutingGroups, Version::V1, "GET /audioRoutingGroups", None),
            (Direct::GetAudioRoutingGroup("g".to_owned()), Version::V1, "GET /audioRoutingGroups/g", None),
            (Direct::ListContentSharingSessions, Version::V1, "GET /contentSharingSessions", None),
            (
                Direct::GetContentSharingSession("s".to_owned()),
                Version::V1,
                "GET /contentSharingSessions/s",
                None,
            ),
            (
                Direct::MuteAll { participants: vec!["p".to_owned()], client_context: context() },
                Version::Beta,
                "POST /participants/muteAll",
                Some(json!({"participants": ["p"], "clientContext": "c"})),
            ),
            (
                Direct::ConfigureMixer {
                    levels: vec![MixerLevel {
                        participant: "p".to_owned(),
                        exclusive: true,
                        ducking: Some(Ducking {
                            ramp_active: 50,
                            ramp_inactive: 40,
                            lower_level: 10,
                            upper_level: 60,
                        }),
                        source_levels: vec![SourceLevel {
                            participant: "q".to_owned(),
                            level: 30,
                            duck_others: false,
                        }],
                    }],
                    client_context: context(),
                },
                Version::Beta,
                "POST /participants/configureMixer",
                Some(json!({"clientContext": "c", "participantMixerLevels": [{
                    "participant": "p", "exclusive": true,
                    "ducking": {"rampActive": 50, "rampInactive": 40, "lowerLevel": 10, "upperLevel": 60},
                    "sourceLevels": [{"participant": "q", "level": 30, "duckOthers": false}]}]})),
            ),
            (Direct::AdmitAllFromLobby, Version::Beta, "POST /participants/admitAllFromLobby", None),
            (
                Direct::AdmitFromLobby("p".to_owned()),
                Version::Beta,
                "POST /participants/p/admitFromLobby",
                None,
            ),
            (
                Direct::RemoveFromLobby("p".to_owned()),
                Version::Beta,
                "POST /participants/p/removeFromLobby",
                None,
            ),
            (
                Direct::StartRecording { client_context: context() },
                Version::Beta,
                "POST /startRecording",
                Some(json!({"clientContext": "c"})),
            ),
            (
                Direct::StopRecording { client_context: context() },
                Version::Beta,
                "POST /stopRecording",
                Some(json!({"clientContext": "c"})),
            ),
            (
                Direct::StartTranscription { client_context: context(), language: Some("en-us".to_owned()) },
                Version::Beta,
                "POST /startTranscription",
                Some(json!({"clientContext": "c", "language": "en-us"})),
            ),
            (
                Direct::StopTranscription { client_context: context() },
                Version::Beta,
                "POST /stopTranscription",
                Some(json!({"clientContext": "c"})),
            ),
        ] {
            let http = direct.write("57DA/x");
            let bytes = http.body.as_deref().unwrap_or_default().as_bytes();
            let asked = read_request(http.method, &http.path, bytes).unwrap();
            assert_eq!((asked.call.as_deref(), asked.what), (Some("57DA/x"), Ask::Direct(direct)));
            assert_eq!(asked.ignored, Vec::<String>::new());
            let (method, below) = line.split_once(' ').unwrap();
            assert_eq!(http.method.name(), method, "{line}");
            assert_eq!(http.path, format!("/communications/calls/57DA%2Fx{below}"));
            assert_eq!(http.version, version, "{line}");
            let written = http.body.map(|body| serde_json::from_str::<serde_json::Value>(&body).unwrap());
            assert_eq!(written, body, "{line}");
        }
    }
}
