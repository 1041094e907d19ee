//! Orders: the commands of core, owned, so that they can be kept.

use callflow_core::command::{
    self, AudioGroup, BargeIn, Beep, CallOptions, Command, Mask, Modalities, RejectReason, Repeat,
    RoutingMode, Visibility,
};
use callflow_core::id::ParticipantId;
use callflow_core::list::List;
use callflow_core::media::{RecordingStatus, ScreenSharingRole, Tone};
use callflow_core::text::Uri;
use serde::{Deserialize, Serialize};

use super::placement::{Media, Target};
use super::request::{HttpRequest, pre_fetch};
use super::text::Address;

/// An answer to an incoming call. Where news of the call goes the session knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Who hosts its media.
    pub media: Media,
    /// What is accepted.
    pub modalities: Modalities,
    /// Under policy-based recording, how many participants this call takes before the next one is invited anew.
    pub participant_capacity: Option<u16>,
    /// What the call is asked to do beyond the usual.
    pub options: CallOptions,
    /// Prompts that the service fetches when the call is answered, where it hosts the media.
    ///
    /// Source: Graph docs, serviceHostedMediaConfig (`preFetchMedia`).
    #[serde(default)]
    pub pre_fetch: Vec<Address>,
}

impl Answer {
    /// Adds to the request what no rule of the call decides on: a session does so.
    pub fn complete(&self, http: &mut HttpRequest) {
        if !self.pre_fetch.is_empty() {
            http.amend(|body| pre_fetch(body, &self.pre_fetch));
        }
    }
}

impl Default for Answer {
    /// Audio that the service hosts.
    fn default() -> Self {
        Self {
            media: Media::Service,
            modalities: Modalities::AUDIO,
            participant_capacity: None,
            options: CallOptions::NONE,
            pre_fetch: Vec::new(),
        }
    }
}

/// A redirection of an incoming call: the first target to pick up gets it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redirect {
    /// 1…25 targets: one is a forward, several ring at once.
    pub targets: Vec<Target>,
    /// How long they ring, 15…90 seconds; the service's default is 55 for one and 60 for several.
    pub timeout: Option<u8>,
    /// Whose identity is hidden. Beta only.
    pub mask: Mask,
}

impl From<Target> for Redirect {
    /// A forward.
    fn from(target: Target) -> Self {
        Self { targets: vec![target], timeout: None, mask: Mask::NONE }
    }
}

/// A transfer of the call's other participant to somebody else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// To whom.
    pub target: Target,
    /// Graph's id of the bot's other call, with the target, which this one takes the place of: a consultative transfer.
    pub replaces_call_id: Option<String>,
    /// Who is moved, where the call is a group call.
    pub transferee: Option<Transferee>,
}

impl From<Target> for Transfer {
    /// A blind transfer.
    fn from(target: Target) -> Self {
        Self { target, replaces_call_id: None, transferee: None }
    }
}

/// Who is moved out of a group call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transferee {
    /// His identity.
    pub identity: Target,
    /// His place in the roster.
    pub participant: ParticipantId,
}

/// A recording of what is said, after a prompt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Played first.
    pub prompt: Option<Address>,
    /// Whether it waits its turn.
    pub barge_in: BargeIn,
    /// Whether a beep says that it begins.
    pub beep: Beep,
    /// How long nothing may be said at first, 1…120 seconds, 5 by default; then the operation fails.
    pub initial_silence: Option<u8>,
    /// How long nothing may be said afterwards, 1…120 seconds, 5 by default; then the recording is done.
    pub max_silence: Option<u8>,
    /// How long is recorded, 1…120 seconds, 5 by default.
    pub max_duration: Option<u8>,
    /// The keys that end it.
    pub stop_tones: Vec<Tone>,
}

impl Default for Record {
    /// Without a prompt, and as the service does it by default.
    fn default() -> Self {
        Self {
            prompt: None,
            barge_in: BargeIn::Waits,
            beep: Beep::Played,
            initial_silence: None,
            max_silence: None,
            max_duration: None,
            stop_tones: Vec::new(),
        }
    }
}

/// Somebody who is invited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitee {
    /// Who.
    pub identity: Target,
    /// Graph's id of the call in which he is with the bot now, which ends once he is in this one.
    pub replaces_call_id: Option<String>,
    /// His participant id in that call, where it is a group call of the same app.
    pub participant_id: Option<String>,
    /// Whether the others see him.
    pub visibility: Visibility,
    /// Whether he hears the others from the beginning.
    pub audio_group: AudioGroup,
}

impl From<Target> for Invitee {
    /// Invited in the usual way.
    fn from(identity: Target) -> Self {
        Self {
            identity,
            replaces_call_id: None,
            participant_id: None,
            visibility: Visibility::Shown,
            audio_group: AudioGroup::Default,
        }
    }
}

impl Invitee {
    fn invitee(&self) -> command::Invitee<'_> {
        command::Invitee {
            identity: self.identity.identity(),
            replaces_call_id: self.replaces_call_id.as_deref(),
            participant_id: self.participant_id.as_deref(),
            visibility: self.visibility,
            audio_group: self.audio_group,
        }
    }
}

/// The answer to a notification that a participant is joining, under policy-based recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JoiningAnswer {
    /// This call takes him.
    Accept,
    /// He is not taken, as if an incoming call had been rejected.
    Reject(RejectReason),
    /// Another bot takes him: he is told of as an incoming call at this address.
    InviteNewBot(Address),
}

impl JoiningAnswer {
    /// The JSON body of the response to the notification.
    pub fn body(&self) -> String {
        crate::wire::joining::write_answer(&self.command())
    }

    fn command(&self) -> command::JoiningAnswer<'_> {
        match self {
            Self::Accept => command::JoiningAnswer::Accept,
            Self::Reject(reason) => command::JoiningAnswer::Reject(*reason),
            Self::InviteNewBot(address) => command::JoiningAnswer::InviteNewBot(address.uri()),
        }
    }
}

/// Whom a participant's audio goes to, apart from the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioRoutingGroup {
    /// How it sends.
    pub mode: RoutingMode,
    /// Whose audio.
    pub source: ParticipantId,
    /// To whom.
    pub receivers: Vec<ParticipantId>,
}

impl AudioRoutingGroup {
    fn group(&self) -> command::AudioRoutingGroup<'_> {
        command::AudioRoutingGroup {
            mode: self.mode,
            source: self.source,
            receivers: List::new(&self.receivers),
        }
    }
}

/// A command of the bot: core's vocabulary, owned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// Answer an incoming call.
    Answer(Answer),
    /// Reject it, for this reason.
    Reject(RejectReason),
    /// Redirect it.
    Redirect(Redirect),
    /// Transfer the other participant to somebody else.
    Transfer(Transfer),
    /// Hang up. In a group call only the bot's own leg ends.
    HangUp,
    /// Keep the call alive now. The call does so by itself every 15 minutes.
    KeepAlive,
    /// Ask the service for the call, and for the participants and an operation that may be pending.
    Refresh,
    /// Mute the bot in a group call.
    Mute,
    /// Unmute the bot in a group call.
    Unmute,
    /// Play prompts, one after another, as soon as there is audio.
    PlayPrompt {
        /// Addresses of WAV files (one channel, 16 bits, 16 000 Hz), 1…20.
        prompts: Vec<Address>,
        /// How often.
        repeat: Repeat,
    },
    /// Record what is said, as soon as there is audio.
    Record(Record),
    /// End what is played and recorded, and what waits for it.
    CancelMediaProcessing,
    /// Be told of the tones that are pressed, as soon as there is audio.
    SubscribeToTone,
    /// Send tones, as soon as there is audio.
    SendDtmf {
        /// Which, at least one.
        tones: Vec<Tone>,
        /// Milliseconds between two.
        delay: Option<u16>,
    },
    /// Invite 1…5 participants.
    Invite(Vec<Invitee>),
    /// Remove a participant, or withdraw his invitation.
    RemoveParticipant(ParticipantId),
    /// Mute a participant of a group call.
    MuteParticipant(ParticipantId),
    /// Put a participant on hold, with music. One at a time.
    StartHoldMusic {
        /// Whom.
        participant: ParticipantId,
        /// What he hears; the service's music where none is given.
        prompt: Option<Address>,
    },
    /// Take a participant off hold.
    StopHoldMusic(ParticipantId),
    /// Say whether the bot records, under policy-based recording.
    UpdateRecordingStatus(RecordingStatus),
    /// Answer the oldest notification that a participant is joining. The answer is
    /// [`Step::joining_answer`](crate::session::Step::joining_answer), and no request.
    AnswerJoining(JoiningAnswer),
    /// Become the sharer or a viewer of the screen; with media that the bot hosts.
    ChangeScreenSharingRole(ScreenSharingRole),
    /// Add the large gallery view.
    AddLargeGalleryView,
    /// Make an audio routing group.
    CreateAudioRoutingGroup(AudioRoutingGroup),
    /// Change an audio routing group.
    UpdateAudioRoutingGroup {
        /// Its id.
        id: String,
        /// What it becomes.
        group: AudioRoutingGroup,
    },
    /// Delete the audio routing group of this id.
    DeleteAudioRoutingGroup {
        /// Its id.
        id: String,
    },
}

impl Order {
    /// Plays the WAV file at `prompt` once.
    pub fn play(prompt: impl Into<Address>) -> Self {
        Self::PlayPrompt { prompts: vec![prompt.into()], repeat: Repeat::Once }
    }

    /// Gives core's view of it, with news of the call going to `callback`, to `then`.
    pub fn with<T>(&self, callback: &str, then: impl FnOnce(&Command<'_>) -> T) -> T {
        match self {
            Self::Answer(answer) => then(&Command::Answer(command::Answer {
                callback: Uri::new(callback),
                media: answer.media.config(),
                modalities: answer.modalities,
                participant_capacity: answer.participant_capacity,
                options: answer.options,
            })),
            Self::Reject(reason) => then(&Command::Reject(*reason)),
            Self::Redirect(redirect) => {
                let targets = Target::identities(&redirect.targets);
                then(&Command::Redirect(command::Redirect {
                    targets: List::new(&targets),
                    timeout: redirect.timeout,
                    mask: redirect.mask,
                }))
            }
            Self::Transfer(transfer) => {
                let transferee = transfer.transferee.as_ref().map(|transferee| command::Transferee {
                    identity: transferee.identity.identity(),
                    participant: transferee.participant,
                });
                then(&Command::Transfer(command::Transfer {
                    target: transfer.target.identity(),
                    replaces_call_id: transfer.replaces_call_id.as_deref(),
                    transferee,
                }))
            }
            Self::HangUp => then(&Command::HangUp),
            Self::KeepAlive => then(&Command::KeepAlive),
            Self::Refresh => then(&Command::Refresh),
            Self::Mute => then(&Command::Mute),
            Self::Unmute => then(&Command::Unmute),
            Self::PlayPrompt { prompts, repeat } => {
                let prompts: Vec<_> = prompts.iter().map(Address::uri).collect();
                then(&Command::PlayPrompt { prompts: List::new(&prompts), repeat: *repeat })
            }
            Self::Record(record) => then(&Command::Record(command::Record {
                prompt: record.prompt.as_ref().map(Address::uri),
                barge_in: record.barge_in,
                beep: record.beep,
                initial_silence: record.initial_silence,
                max_silence: record.max_silence,
                max_duration: record.max_duration,
                stop_tones: List::new(&record.stop_tones),
            })),
            Self::CancelMediaProcessing => then(&Command::CancelMediaProcessing),
            Self::SubscribeToTone => then(&Command::SubscribeToTone),
            Self::SendDtmf { tones, delay } => {
                then(&Command::SendDtmf { tones: List::new(tones), delay: *delay })
            }
            Self::Invite(invitees) => {
                let invitees: Vec<_> = invitees.iter().map(Invitee::invitee).collect();
                then(&Command::Invite(List::new(&invitees)))
            }
            Self::RemoveParticipant(id) => then(&Command::RemoveParticipant(*id)),
            Self::MuteParticipant(id) => then(&Command::MuteParticipant(*id)),
            Self::StartHoldMusic { participant, prompt } => then(&Command::StartHoldMusic {
                participant: *participant,
                prompt: prompt.as_ref().map(Address::uri),
            }),
            Self::StopHoldMusic(id) => then(&Command::StopHoldMusic(*id)),
            Self::UpdateRecordingStatus(status) => then(&Command::UpdateRecordingStatus(*status)),
            Self::AnswerJoining(answer) => then(&Command::AnswerJoining(answer.command())),
            Self::ChangeScreenSharingRole(role) => then(&Command::ChangeScreenSharingRole(*role)),
            Self::AddLargeGalleryView => then(&Command::AddLargeGalleryView),
            Self::CreateAudioRoutingGroup(group) => then(&Command::CreateAudioRoutingGroup(group.group())),
            Self::UpdateAudioRoutingGroup { id, group } => {
                then(&Command::UpdateAudioRoutingGroup { id, group: group.group() })
            }
            Self::DeleteAudioRoutingGroup { id } => then(&Command::DeleteAudioRoutingGroup { id }),
        }
    }
}
