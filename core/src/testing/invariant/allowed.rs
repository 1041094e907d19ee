//! I4: what the pages forbid, written from the pages once more, and not from core's tables.

use super::{Broken, Step, holds};
use crate::action::Action;
use crate::call::{Call, Input};
use crate::classification::{Direction, Hosting, Kind};
use crate::command::{Command, Destination, MediaConfig};
use crate::event::Event;
use crate::id::{ParticipantId, Ticket};
use crate::identity::Source;
use crate::lifecycle::State;
use crate::media::{Audio, MediaHost};
use crate::operation::Outcome;
use crate::permission::{Grants, Permission, Permissions, Policy};
use crate::report::Report;
use crate::request::{Dispatch, Request};
use crate::restriction::{Chat, PolicyRecording, Restriction};
use crate::testing::Opening;

/// What a page may look at and a call does not tell.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Allowed {
    knows_chat: bool,
    records: bool,
    /// The hold music that is asked for, and of whom.
    asked: Option<(Ticket, ParticipantId)>,
    /// Who is on hold for certain.
    on_hold: Option<ParticipantId>,
    /// Whether answering was, or may have been, taken.
    is_answered: bool,
}

impl Allowed {
    /// Remembers what a call that was just made begins with.
    pub fn new<const R: usize, const O: usize>(call: &Call<R, O>) -> Self {
        Self {
            knows_chat: call.facts.chat == Chat::Known,
            records: call.facts.recording == PolicyRecording::Yes,
            asked: None,
            on_hold: None,
            is_answered: call.direction() == Direction::Outgoing,
        }
    }

    /// I4: no request leaves that a documented rule on the call's kind, state or media hosting forbids, nor, under
    /// [`Policy::Enforce`], one whose permission is known to be missing.
    ///
    /// # Errors
    /// [`Broken`]
    pub fn i04_nothing_forbidden_leaves<const R: usize, const O: usize>(
        &mut self,
        step: &Step<'_, '_, R, O>,
    ) -> Result<(), Broken> {
        self.knows_chat |= step.call_news().is_some_and(|news| news.coordinates.has_chat());
        self.records |= matches!(step.input, Input::Report(Report::Joining));
        for request in step.requests() {
            match request {
                Request::Perform { ticket, command, dispatch } => {
                    self.documented(step, &command)?;
                    holds(
                        "I4",
                        !lacks_permission(step.before, &command),
                        "a request left without its permission",
                    )?;
                    if dispatch == Dispatch::Now && needs_audio(&command) {
                        uses_media(step.after)?;
                    }
                    self.leaves(ticket, &command);
                }
                Request::Release { .. } => uses_media(step.after)?,
                Request::Create { .. } => return holds("I4", false, "a call was created that exists"),
                Request::ListParticipants { .. } | Request::GetOperation { .. } => {}
            }
        }
        self.ends(step);
        Ok(())
    }

    /// What the pages say of a command, apart from permissions.
    fn documented<const R: usize, const O: usize>(
        &self,
        step: &Step<'_, '_, R, O>,
        command: &Command<'_>,
    ) -> Result<(), Broken> {
        let call = step.before;
        let is_off = |restriction| call.facts.overrides.has(restriction);
        let is_group = call.kind() == Kind::Group;
        let is_hosted = is_group || call.classification().hosting() == Hosting::Conversation;
        let is_service_hosted =
            call.media_host() == MediaHost::Service || is_off(Restriction::ServiceHostedMedia);
        let has_roster = is_hosted || is_off(Restriction::ConversationOnly);
        let records = self.records || is_off(Restriction::PolicyRecordingOnly);
        let state = call.state();
        match command {
            // call: answer, call: reject, call: redirect.
            Command::Answer(_) | Command::Reject(_) | Command::Redirect(_) => {
                holds("I4", state == State::Incoming, "a call that was not incoming was settled")
            }
            // call: transfer; in a group it names the transferee.
            Command::Transfer(transfer) => {
                let is_active = matches!(state, State::Established | State::Hold);
                let is_named =
                    !is_group || transfer.transferee.is_some() || is_off(Restriction::TransfereeNeeded);
                holds("I4", is_active, "a call that was not active was transferred")?;
                holds("I4", is_named, "a transfer in a group named nobody")
            }
            // call: reject is for what waits, call: delete for the rest.
            Command::HangUp => {
                let waits = state == State::Incoming && !self.is_answered;
                holds("I4", !waits, "a call that waited was hung up instead of rejected")
            }
            // call: mute, call: unmute, participant: mute: group calls.
            Command::Mute | Command::Unmute | Command::MuteParticipant(_) => {
                holds("I4", has_roster, "mute left for a direct call")
            }
            // participant: invite: several only with a chat.
            Command::Invite(invitees) => {
                let one = invitees.len() == 1;
                let has_chat = self.knows_chat || is_off(Restriction::ChatNeeded);
                holds(
                    "I4",
                    invitees.len() <= 5 && !invitees.is_empty(),
                    "an invitation of none or too many",
                )?;
                holds("I4", one || (has_roster && has_chat), "several were invited without a chat")
            }
            // call: playPrompt, record, cancelMediaProcessing, subscribeToTone: media that the service hosts.
            Command::PlayPrompt { .. }
            | Command::Record(_)
            | Command::CancelMediaProcessing
            | Command::SubscribeToTone => holds(
                "I4",
                is_service_hosted,
                "media of the service were used on a call whose media the bot hosts",
            ),
            Command::SendDtmf { tones, .. } => holds("I4", !tones.is_empty(), "no tone was sent"),
            // call: changeScreenSharingRole: group calls, media that the bot hosts.
            Command::ChangeScreenSharingRole(_) => {
                let is_app_hosted =
                    call.media_host() == MediaHost::App || is_off(Restriction::AppHostedMedia);
                holds("I4", is_app_hosted, "a screen was shared though the service hosts the media")?;
                holds("I4", has_roster, "a screen was shared in a direct call")
            }
            // call: updateRecordingStatus, participantJoiningNotification: policy-based recording.
            Command::UpdateRecordingStatus(_) | Command::AnswerJoining(_) => {
                holds("I4", records, "recording was reported though no policy asked for it")
            }
            // participant: startHoldMusic: one at a time.
            Command::StartHoldMusic { participant, .. } => {
                let is_free = self.on_hold.is_none_or(|held| held == *participant);
                holds("I4", is_free || is_off(Restriction::OneOnHold), "a second participant was put on hold")
            }
            Command::RemoveParticipant(_)
            | Command::StopHoldMusic(_)
            | Command::AddLargeGalleryView
            | Command::CreateAudioRoutingGroup(_)
            | Command::UpdateAudioRoutingGroup { .. }
            | Command::DeleteAudioRoutingGroup { .. }
            | Command::KeepAlive
            | Command::Refresh => Ok(()),
        }
    }

    fn leaves(&mut self, ticket: Ticket, command: &Command<'_>) {
        match command {
            Command::Answer(_) => self.is_answered = true,
            Command::StartHoldMusic { participant, .. } => self.asked = Some((ticket, *participant)),
            // From here on nothing is certain.
            Command::StopHoldMusic(_) | Command::RemoveParticipant(_) => self.on_hold = None,
            _ => {}
        }
    }

    fn ends<const R: usize, const O: usize>(&mut self, step: &Step<'_, '_, R, O>) {
        for event in step.events() {
            match event {
                Event::OperationEnded { ticket, action: Action::StartHoldMusic, outcome, .. } => {
                    if let Some((_, participant)) = self.asked.take_if(|(asked, _)| asked == ticket) {
                        match outcome {
                            Outcome::Completed => self.on_hold = Some(participant),
                            // Whether it was on before, the service knows.
                            _ => self.on_hold = None,
                        }
                    }
                }
                Event::OperationEnded { action: Action::StopHoldMusic, .. } | Event::RosterChanged { .. } => {
                    (self.on_hold, self.asked) = (None, None);
                }
                Event::CommandFailed { action: Action::Answer | Action::AnswerPolicyRecording, .. } => {
                    self.is_answered = false;
                }
                _ => {}
            }
        }
    }
}

/// I4 at the creation of a call: what the page demands of it, and its permission.
///
/// # Errors
/// [`Broken`]
pub fn i04_creation_is_allowed(opening: &Opening) -> Result<(), Broken> {
    let Opening::Placed(setup, placement) = opening else { return Ok(()) };
    let is_guest = matches!(placement.source, Source::Guest { .. });
    let (needed, chat) = match &placement.to {
        Destination::Targets(targets) => {
            let phones = targets.iter().any(|target| target.is_phone());
            let from_instance = matches!(placement.source, Source::ApplicationInstance(_));
            holds("I4", (1..=5).contains(&targets.len()), "a call was placed to none or too many")?;
            holds("I4", !phones || from_instance, "a phone was called without a number of the bot's own")?;
            holds("I4", !is_guest, "a guest placed a call")?;
            let several = targets.len() > 1;
            let needed = if several { Permission::InitiateGroupCallAll } else { Permission::InitiateAll };
            (needed, None)
        }
        Destination::Meeting(_) if is_guest => (Permission::JoinGroupCallAsGuestAll, None),
        Destination::Meeting(_) => (Permission::JoinGroupCallAll, Some(Permission::JoinGroupCallsChat)),
    };
    let (Grants::Known(granted), Policy::Enforce) = (setup.grants, setup.policy) else { return Ok(()) };
    let has = granted.has(needed) || chat.is_some_and(|chat| granted.has(chat));
    let media = has_media(granted) || matches!(placement.media, MediaConfig::ServiceHosted);
    holds("I4", has && media, "a call was placed without its permission")
}

/// call: playPrompt, record, subscribeToTone, sendDtmfTones: on an established call with audio.
fn uses_media<const R: usize, const O: usize>(call: &Call<R, O>) -> Result<(), Broken> {
    holds("I4", call.state().is_connected(), "media were used before the call was established")?;
    holds("I4", call.audio() != Some(Audio::Inactive), "media were used while audio was inactive")
}

fn needs_audio(command: &Command<'_>) -> bool {
    matches!(
        command,
        Command::PlayPrompt { .. } | Command::Record(_) | Command::SubscribeToTone | Command::SendDtmf { .. }
    )
}

fn has_media(granted: Permissions) -> bool {
    granted.has(Permission::AccessMediaAll) || granted.has(Permission::AccessMediaChat)
}

/// Whether a permission that the page of a command names is known to be missing, where the pages are clear about it.
fn lacks_permission<const R: usize, const O: usize>(call: &Call<R, O>, command: &Command<'_>) -> bool {
    let (Grants::Known(granted), Policy::Enforce) = (call.knowledge().grants(), call.facts.policy) else {
        return false;
    };
    let joins = granted.has(Permission::JoinGroupCallAll) || granted.has(Permission::JoinGroupCallsChat);
    let as_guest = granted.has(Permission::JoinGroupCallAsGuestAll);
    let invites = granted.has(Permission::InitiateGroupCallAll);
    let media = has_media(granted);
    // What no direct call has, no page names a permission for: whoever switches that rule off is on his own.
    let is_direct = call.classification().hosting() == Hosting::Direct;
    !match command {
        Command::Answer(_) if call.facts.recording == PolicyRecording::Yes => joins && media,
        Command::Answer(answer) => {
            let may_host = media || matches!(answer.media, MediaConfig::ServiceHosted);
            may_host && (call.kind() == Kind::PeerToPeer || joins || as_guest)
        }
        Command::Redirect(_) | Command::Transfer(_) => granted.has(Permission::InitiateAll),
        Command::Record(_) | Command::SubscribeToTone | Command::SendDtmf { .. } => media,
        Command::ChangeScreenSharingRole(_) => is_direct || media,
        Command::Invite(list) => invites || (is_direct && list.len() > 1),
        Command::UpdateRecordingStatus(_) => media || joins,
        Command::AddLargeGalleryView => is_direct || joins || as_guest || invites,
        Command::CreateAudioRoutingGroup(_)
        | Command::UpdateAudioRoutingGroup { .. }
        | Command::DeleteAudioRoutingGroup { .. } => is_direct || joins || invites,
        Command::Reject(_)
        | Command::HangUp
        | Command::KeepAlive
        | Command::Refresh
        | Command::Mute
        | Command::Unmute
        | Command::PlayPrompt { .. }
        | Command::CancelMediaProcessing
        | Command::RemoveParticipant(_)
        | Command::MuteParticipant(_)
        | Command::StartHoldMusic { .. }
        | Command::StopHoldMusic(_)
        | Command::AnswerJoining(_) => true,
    }
}
