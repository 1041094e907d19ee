//! Requests, read: what a bot asks of Graph, back in the vocabularies.
//!
//! The other way of [`request`](super::request), for whoever looks at traffic: what is written can be shown to mean what
//! was meant. As lenient as the service is known to be: both spellings of an action
//! (`sendDtmfTones`, `microsoft.graph.sendDtmfTones`), either version and base, types left out where only one is possible.
//!
//! ```
//! use callflow_graph::wire::asked::{Ask, read_request};
//! use callflow_graph::wire::order::Order;
//! use callflow_graph::wire::request::Method;
//!
//! # fn main() -> Result<(), callflow_graph::wire::WireError> {
//! let path = "/v1.0/communications/calls/57DA/mute";
//! let asked = read_request(Method::Post, path, br#"{"clientContext": "mine"}"#)?;
//! assert_eq!(asked.call.as_deref(), Some("57DA"));
//! assert_eq!(asked.what, Ask::Order(Order::Mute));
//! # Ok(())
//! # }
//! ```

mod body;

use callflow_core::id::ParticipantId;

use super::direct::Direct;
use super::escape::unescaped;
use super::order::Order;
use super::placement::Placement;
use super::request::Method;
use super::resource::short_type;
use super::text::Address;
use super::{WireError, utf8};

/// A request, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// The id of the call that it is about, as it was written.
    pub call: Option<String>,
    /// Where news of the call is to go, where the request says.
    pub callback: Option<Address>,
    /// Its `clientContext`, as it was written.
    pub client_context: Option<String>,
    /// What is asked.
    pub what: Ask,
    /// The members that nothing reads.
    pub ignored: Vec<String>,
}

/// What a request asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// That a call be made, or a meeting joined.
    Create {
        /// How.
        placement: Box<Placement>,
        /// In which tenant.
        tenant_id: Option<String>,
    },
    /// That something be done in a call, or the call itself.
    Order(Order),
    /// Who takes part.
    ListParticipants,
    /// What became of the operation of this id.
    GetOperation(String),
    /// Something past the call machine.
    Direct(Direct),
    /// Something that is not modelled: its method and path.
    Other(String),
}

/// Reads a request: its method, its path or URL, and its body.
///
/// # Errors
/// [`WireError`], with line and member, where the body is not what the action takes.
pub fn read_request(method: Method, path: &str, body: &[u8]) -> Result<Asked, WireError> {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    if !segments.any(|segment| segment.eq_ignore_ascii_case("calls")) {
        return Ok(Asked::unmodelled(method, path));
    }
    let segments: Vec<String> = segments.map(unescaped).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let text = if body.iter().all(u8::is_ascii_whitespace) { "{}" } else { utf8(body)? };
    let Some((call, below)) = segments.split_first() else {
        return match method {
            Method::Post => body::create(text),
            Method::Get | Method::Patch | Method::Delete => Ok(Asked::unmodelled(method, path)),
        };
    };
    let asked = match (method, below) {
        (Method::Get, []) => Asked::order(Order::Refresh),
        (Method::Delete, []) => Asked::order(Order::HangUp),
        (Method::Get, ["participants"]) => Asked::new(Ask::ListParticipants),
        (Method::Get, ["operations", id]) => Asked::new(Ask::GetOperation((*id).to_owned())),
        (Method::Delete, ["participants", id]) => {
            Asked::order(Order::RemoveParticipant(ParticipantId::parse(id)))
        }
        (Method::Get, ["participants", id]) => Asked::direct(Direct::GetParticipant((*id).to_owned())),
        (Method::Get, ["audioRoutingGroups"]) => Asked::direct(Direct::ListAudioRoutingGroups),
        (Method::Get, ["audioRoutingGroups", id]) => {
            Asked::direct(Direct::GetAudioRoutingGroup((*id).to_owned()))
        }
        (Method::Get, ["contentSharingSessions"]) => Asked::direct(Direct::ListContentSharingSessions),
        (Method::Get, ["contentSharingSessions", id]) => {
            Asked::direct(Direct::GetContentSharingSession((*id).to_owned()))
        }
        (Method::Post, ["participants", action]) => match short_type(action) {
            "invite" => body::invite(text)?,
            "muteAll" => body::mute_all(text)?,
            "configureMixer" => body::configure_mixer(text)?,
            "admitAllFromLobby" => Asked::direct(Direct::AdmitAllFromLobby),
            _ => Asked::unmodelled(method, path),
        },
        (Method::Post, ["participants", id, action]) => {
            of_participant(id, short_type(action), text)?.unwrap_or_else(|| Asked::unmodelled(method, path))
        }
        (Method::Post, ["audioRoutingGroups"]) => {
            body::audio_routing_group(text, Order::CreateAudioRoutingGroup)?
        }
        (Method::Patch, ["audioRoutingGroups", id]) => {
            let id = (*id).to_owned();
            body::audio_routing_group(text, |group| Order::UpdateAudioRoutingGroup { id, group })?
        }
        (Method::Delete, ["audioRoutingGroups", id]) => {
            Asked::order(Order::DeleteAudioRoutingGroup { id: (*id).to_owned() })
        }
        (Method::Post, [action]) => {
            of_call(short_type(action), text)?.unwrap_or_else(|| Asked::unmodelled(method, path))
        }
        _ => Asked::unmodelled(method, path),
    };
    Ok(Asked { call: Some((*call).to_owned()), ..asked })
}

/// An action on a participant; `None` for one that is not modelled.
fn of_participant(text_of_id: &str, action: &str, text: &str) -> Result<Option<Asked>, WireError> {
    let id = ParticipantId::parse(text_of_id);
    Ok(Some(match action {
        "mute" => body::bare(text, Order::MuteParticipant(id))?,
        "startHoldMusic" => body::start_hold_music(text, id)?,
        "stopHoldMusic" => body::bare(text, Order::StopHoldMusic(id))?,
        "admitFromLobby" => Asked::direct(Direct::AdmitFromLobby(text_of_id.to_owned())),
        "removeFromLobby" => Asked::direct(Direct::RemoveFromLobby(text_of_id.to_owned())),
        _ => return Ok(None),
    }))
}

/// An action on a call; `None` for one that is not modelled.
fn of_call(action: &str, text: &str) -> Result<Option<Asked>, WireError> {
    Ok(Some(match action {
        "answer" => body::answer(text)?,
        "reject" => body::reject(text)?,
        "redirect" => body::redirect(text)?,
        "transfer" => body::transfer(text)?,
        "keepAlive" => body::bare(text, Order::KeepAlive)?,
        "mute" => body::bare(text, Order::Mute)?,
        "unmute" => body::bare(text, Order::Unmute)?,
        "playPrompt" => body::play_prompt(text)?,
        "recordResponse" => body::record(text)?,
        "cancelMediaProcessing" => body::bare(text, Order::CancelMediaProcessing)?,
        "subscribeToTone" => body::bare(text, Order::SubscribeToTone)?,
        "sendDtmfTones" => body::send_dtmf_tones(text)?,
        "updateRecordingStatus" => body::update_recording_status(text)?,
        "changeScreenSharingRole" => body::change_screen_sharing_role(text)?,
        "startRecording" | "stopRecording" | "startTranscription" | "stopTranscription" => {
            body::of_teams(text, action)?
        }
        "addLargeGalleryView" => body::bare(text, Order::AddLargeGalleryView)?,
        _ => return Ok(None),
    }))
}

impl Asked {
    const fn new(what: Ask) -> Self {
        Self { call: None, callback: None, client_context: None, what, ignored: Vec::new() }
    }

    const fn order(order: Order) -> Self {
        Self::new(Ask::Order(order))
    }

    const fn direct(direct: Direct) -> Self {
        Self::new(Ask::Direct(direct))
    }

    fn unmodelled(method: Method, path: &str) -> Self {
        Self::new(Ask::Other(format!("{method} {path}")))
    }
}

#[cfg(test)]
mod tests;
