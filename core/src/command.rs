//! Commands: what the bot wants of a call.
//!
//! A command is taken, and its ticket given, or refused before it costs a request. What it borrows travels on in the
//! request that it becomes; the call keeps only what later decisions need. Every limit of a page is checked before a
//! request leaves.
//!
//! ```
//! use callflow_core::command::{Command, Redirect};
//! use callflow_core::identity::Identity;
//! use callflow_core::list::List;
//!
//! let desk = [Identity::User("550fae72-d251-43ec-868c-373732c2704f")];
//! assert!(Command::Redirect(Redirect::to(List::new(&desk))).check_limits().is_ok());
//! let nobody = Command::Redirect(Redirect { timeout: Some(14), ..Redirect::to(List::new(&desk)) });
//! assert!(nobody.check_limits().is_err(), "a redirect rings for 15 seconds at least");
//! ```

use crate::action::Action;
use crate::id::ParticipantId;
use crate::identity::{Identity, Source};
use crate::limit::{Breach, Limit};
use crate::list::List;
use crate::media::{MediaHost, RecordingStatus, ScreenSharingRole, Tone};
use crate::meeting::{Coordinates, Meeting};
use crate::text::{Secret, Uri};
use crate::words::words;

/// Who hosts the media of a call.
///
/// Source: Graph docs, mediaConfig.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum MediaConfig<'a> {
    /// The service: prompts, tones and recording go through Graph.
    ServiceHosted,
    /// The bot, with this blob of its media library.
    AppHosted(#[cfg_attr(feature = "serde", serde(borrow))] Secret<'a>),
}

impl MediaConfig<'_> {
    /// Who hosts the media.
    pub const fn host(&self) -> MediaHost {
        match self {
            Self::ServiceHosted => MediaHost::Service,
            Self::AppHosted(_) => MediaHost::App,
        }
    }
}

macro_rules! flags {
    ($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $flag:ident = $bit:literal => $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        pub struct $name(u8);

        impl $name {
            /// None of them.
            pub const NONE: Self = Self(0);
            $($(#[$fdoc])* pub const $flag: Self = Self(1 << $bit);)+

            /// These and `others`.
            #[must_use]
            pub const fn and(self, others: Self) -> Self {
                Self(self.0 | others.0)
            }

            /// Whether all of `others` are among these.
            pub const fn has(self, others: Self) -> bool {
                self.0 & others.0 == others.0
            }

            /// The one that Graph calls by this word, in any case.
            pub fn parse(word: &str) -> Option<Self> {
                [$((Self::$flag, $word)),+].into_iter().find(|(_, own)| own.eq_ignore_ascii_case(word)).map(|(flag, _)| flag)
            }

            /// Graph's words for these, in order.
            pub fn names(self) -> impl Iterator<Item = &'static str> {
                [$((Self::$flag, $word)),+].into_iter().filter(move |(flag, _)| self.has(*flag)).map(|(_, word)| word)
            }
        }
    };
}

flags! {
    /// A set of modalities.
    ///
    /// Source: Graph docs, call (`requestedModalities`), call: answer (`acceptedModalities`).
    Modalities {
        /// Sound.
        AUDIO = 0 => "audio",
        /// Cameras.
        VIDEO = 1 => "video",
        /// Shared screens.
        SCREEN_SHARING = 2 => "videoBasedScreenSharing",
        /// Data.
        DATA = 3 => "data",
    }
}

flags! {
    /// What a call is asked to do beyond the usual.
    ///
    /// Source: Graph docs, callOptions, outgoingCallOptions, incomingCallOptions.
    CallOptions {
        /// The bot is hidden once the call became a group call.
        HIDE_BOT_AFTER_ESCALATION = 0 => "hideBotAfterEscalation",
        /// The sharing of content is told of.
        CONTENT_SHARING_NOTIFICATION = 1 => "isContentSharingNotificationEnabled",
        /// Rosters tell only what changed.
        DELTA_ROSTER = 2 => "isDeltaRosterEnabled",
        /// Rosters are filtered by interactivity.
        INTERACTIVE_ROSTER = 3 => "isInteractiveRosterEnabled",
    }
}

flags! {
    /// Whose identity a redirect hides behind the bot's.
    ///
    /// Source: Graph docs, call: redirect (beta).
    Mask {
        /// The callee's.
        CALLEE = 0 => "maskCallee",
        /// The caller's.
        CALLER = 1 => "maskCaller",
    }
}

/// Whom or what a call that the bot places goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Destination<'a> {
    /// To these: one for a peer-to-peer call, up to five for a new group call.
    Targets(#[cfg_attr(feature = "serde", serde(borrow))] List<'a, Identity<'a>>),
    /// Into this meeting or group call.
    Meeting(#[cfg_attr(feature = "serde", serde(borrow))] Meeting<'a>),
}

/// A call that the bot places, or a meeting that it joins.
///
/// Source: Graph docs, application: post calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Placement<'a> {
    /// Where news of it goes; must be https.
    #[cfg_attr(feature = "serde", serde(borrow))]
    pub callback: Uri<'a>,
    /// Whom it goes to.
    #[cfg_attr(feature = "serde", serde(borrow))]
    pub to: Destination<'a>,
    /// As whom the bot calls.
    #[cfg_attr(feature = "serde", serde(borrow))]
    pub source: Source<'a>,
    /// Who hosts its media.
    #[cfg_attr(feature = "serde", serde(borrow))]
    pub media: MediaConfig<'a>,
    /// What it is about.
    pub modalities: Modalities,
    /// What it is asked to do beyond the usual.
    pub options: CallOptions,
}

impl<'a> Placement<'a> {
    /// A call to `targets`, with audio that the service hosts.
    pub const fn to_targets(callback: Uri<'a>, targets: List<'a, Identity<'a>>) -> Self {
        Self::new(callback, Destination::Targets(targets))
    }

    /// Joins `meeting`, with audio that the service hosts.
    pub const fn into_meeting(callback: Uri<'a>, meeting: Meeting<'a>) -> Self {
        Self::new(callback, Destination::Meeting(meeting))
    }

    const fn new(callback: Uri<'a>, to: Destination<'a>) -> Self {
        Self {
            callback,
            to,
            source: Source::Bot,
            media: MediaConfig::ServiceHosted,
            modalities: Modalities::AUDIO,
            options: CallOptions::NONE,
        }
    }

    /// Which action this is.
    pub const fn action(&self) -> Action {
        match (&self.to, &self.source) {
            (Destination::Targets(targets), _) if targets.len() > 1 => Action::PlaceGroup,
            (Destination::Targets(_), _) => Action::Place,
            (Destination::Meeting(_), Source::Guest { .. }) => Action::JoinAsGuest,
            (
                Destination::Meeting(_),
                Source::Bot | Source::Application(_) | Source::ApplicationInstance(_),
            ) => Action::Join,
        }
    }

    /// Which coordinates the call has from its creation.
    pub const fn coordinates(&self) -> Coordinates {
        match &self.to {
            Destination::Targets(_) => Coordinates::None,
            Destination::Meeting(meeting) => meeting.coordinates(),
        }
    }
}

words! {
    /// The reason of a rejection.
    ///
    /// Source: Graph docs, call: reject.
    pub enum RejectReason {
        /// None is given.
        None = "none",
        /// The bot is busy.
        Busy = "busy",
        /// The bot may not take the call.
        Forbidden = "forbidden",
    }
}

/// An answer to an incoming call.
///
/// Source: Graph docs, call: answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Answer<'a> {
    /// Where news of the call goes from now on; must be https.
    #[cfg_attr(feature = "serde", serde(borrow))]
    pub callback: Uri<'a>,
    /// Who hosts its media.
    #[cfg_attr(feature = "serde", serde(borrow))]
    pub media: MediaConfig<'a>,
    /// What is accepted.
    pub modalities: Modalities,
    /// Under policy-based recording, how many participants this call takes before the next one is invited anew.
    pub participant_capacity: Option<u16>,
    /// What the call is asked to do beyond the usual.
    pub options: CallOptions,
}

impl<'a> Answer<'a> {
    /// An answer with audio that the service hosts.
    pub const fn new(callback: Uri<'a>) -> Self {
        Self {
            callback,
            media: MediaConfig::ServiceHosted,
            modalities: Modalities::AUDIO,
            participant_capacity: None,
            options: CallOptions::NONE,
        }
    }
}

/// A redirection of an incoming call: the first target to pick up gets it.
///
/// Source: Graph docs, call: redirect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Redirect<'a> {
    /// 1…25 targets: one is a forward, several ring at once.
    #[cfg_attr(feature = "serde", serde(borrow))]
    pub targets: List<'a, Identity<'a>>,
    /// How long they ring, 15…90 seconds; the service's default is 55 for one and 60 for several.
    pub timeout: Option<u8>,
    /// Whose identity is hidden. Beta only.
    pub mask: Mask,
}

impl<'a> Redirect<'a> {
    /// A redirection to `targets`, for as long as the service does it by default.
    pub const fn to(targets: List<'a, Identity<'a>>) -> Self {
        Self { targets, timeout: None, mask: Mask::NONE }
    }
}

/// A transfer of the call's other participant to somebody else.
///
/// Source: Graph docs, call: transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Transfer<'a> {
    /// To whom.
    #[cfg_attr(feature = "serde", serde(borrow))]
    pub target: Identity<'a>,
    /// The bot's other call, with the target, which this one takes the place of: a consultative transfer.
    pub replaces_call_id: Option<&'a str>,
    /// Who is moved, where the call is a group call.
    #[cfg_attr(feature = "serde", serde(borrow))]
    pub transferee: Option<Transferee<'a>>,
}

impl<'a> Transfer<'a> {
    /// A blind transfer to `target`.
    pub const fn to(target: Identity<'a>) -> Self {
        Self { target, replaces_call_id: None, transferee: None }
    }
}

/// Who is moved out of a group call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Transferee<'a> {
    /// His identity.
    #[cfg_attr(feature = "serde", serde(borrow))]
    pub identity: Identity<'a>,
    /// His place in the roster.
    pub participant: ParticipantId,
}

words! {
    /// How often prompts are played.
    ///
    /// Source: Graph docs, call: playPrompt (`loop`, beta).
    pub enum Repeat {
        /// Once.
        Once = "once",
        /// Until it is cancelled: such an operation never completes by itself. Beta only.
        Forever = "forever",
    }
}

words! {
    /// Whether a recording waits its turn.
    ///
    /// Source: Graph docs, call: record (`bargeInAllowed`).
    pub enum BargeIn {
        /// It does.
        Waits = "waits",
        /// It ends what is played and recorded, and what waits for it.
        Interrupts = "interrupts",
    }
}

words! {
    /// Whether a beep says that the recording begins.
    ///
    /// Source: Graph docs, call: record (`playBeep`).
    pub enum Beep {
        /// It does: the service's default.
        Played = "played",
        /// It does not.
        Silent = "silent",
    }
}

/// A recording of what is said, after a prompt.
///
/// Source: Graph docs, call: record (`recordResponse`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Record<'a> {
    /// Played first; the page allows one at most.
    #[cfg_attr(feature = "serde", serde(borrow))]
    pub prompt: Option<Uri<'a>>,
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
    #[cfg_attr(feature = "serde", serde(borrow))]
    pub stop_tones: List<'a, Tone>,
}

impl<'a> Record<'a> {
    /// A recording after `prompt`, with the service's defaults.
    pub const fn after(prompt: Option<Uri<'a>>) -> Self {
        Self {
            prompt,
            barge_in: BargeIn::Waits,
            beep: Beep::Played,
            initial_silence: None,
            max_silence: None,
            max_duration: None,
            stop_tones: List::new(&[]),
        }
    }
}

words! {
    /// Whether the others see an invited participant.
    ///
    /// Source: Graph docs, invitationParticipantInfo (`hidden`).
    pub enum Visibility {
        /// They do.
        Shown = "shown",
        /// They do not.
        Hidden = "hidden",
    }
}

words! {
    /// Whether an invited participant hears the others from the beginning.
    ///
    /// Source: Graph docs, invitationParticipantInfo (`removeFromDefaultAudioRoutingGroup`); no page explains it.
    pub enum AudioGroup {
        /// He is in the group of all.
        Default = "default",
        /// He is not: he hears only what an audio routing group sends him.
        Apart = "apart",
    }
}

/// Somebody who is invited.
///
/// Source: Graph docs, participant: invite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Invitee<'a> {
    /// Who.
    #[cfg_attr(feature = "serde", serde(borrow))]
    pub identity: Identity<'a>,
    /// The call in which he is with the bot now, which ends once he is in this one.
    pub replaces_call_id: Option<&'a str>,
    /// His participant id in that call, where it is a group call of the same app.
    pub participant_id: Option<&'a str>,
    /// Whether the others see him.
    pub visibility: Visibility,
    /// Whether he hears the others from the beginning.
    pub audio_group: AudioGroup,
}

impl<'a> Invitee<'a> {
    /// Invites `identity` in the usual way.
    pub const fn new(identity: Identity<'a>) -> Self {
        Self {
            identity,
            replaces_call_id: None,
            participant_id: None,
            visibility: Visibility::Shown,
            audio_group: AudioGroup::Default,
        }
    }
}

/// The answer to a notification that a participant is joining, under policy-based recording.
///
/// Source: Graph docs, participantJoiningResponse, acceptJoinResponse, rejectJoinResponse, inviteNewBotResponse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum JoiningAnswer<'a> {
    /// This call takes him.
    Accept,
    /// He is not taken, as if an incoming call had been rejected.
    Reject(RejectReason),
    /// Another bot takes him: he is told of as an incoming call at this address.
    InviteNewBot(#[cfg_attr(feature = "serde", serde(borrow))] Uri<'a>),
}

words! {
    /// How an audio routing group sends.
    ///
    /// Source: Graph docs, audioRoutingGroup (`routingMode`).
    pub enum RoutingMode {
        /// From one to one.
        OneToOne = "oneToOne",
        /// From one to many.
        Multicast = "multicast",
    }
}

/// Whom a participant's audio goes to, apart from the others.
///
/// Source: Graph docs, audioRoutingGroup (one source in either mode).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AudioRoutingGroup<'a> {
    /// How it sends.
    pub mode: RoutingMode,
    /// Whose audio.
    pub source: ParticipantId,
    /// To whom.
    #[cfg_attr(feature = "serde", serde(borrow))]
    pub receivers: List<'a, ParticipantId>,
}

/// What the bot wants.
///
/// Serialised variants are append-only, and none ever gains a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Command<'a> {
    /// Answer an incoming call.
    ///
    /// Source: Graph docs, call: answer.
    Answer(#[cfg_attr(feature = "serde", serde(borrow))] Answer<'a>),
    /// Reject an incoming call.
    ///
    /// Source: Graph docs, call: reject.
    Reject(RejectReason),
    /// Redirect an incoming call.
    ///
    /// Source: Graph docs, call: redirect.
    Redirect(#[cfg_attr(feature = "serde", serde(borrow))] Redirect<'a>),
    /// Transfer the other participant to somebody else.
    ///
    /// Source: Graph docs, call: transfer.
    Transfer(#[cfg_attr(feature = "serde", serde(borrow))] Transfer<'a>),
    /// Hang up. In a group call only the bot's own leg ends. While the creation of the call is not settled, the request
    /// waits for that.
    ///
    /// Source: Graph docs, call: delete.
    HangUp,
    /// Keep the call alive now. The call does so by itself every 15 minutes.
    ///
    /// Source: Graph docs, call: keepAlive.
    KeepAlive,
    /// Ask the service for the call, and for the participants and an operation that may be pending.
    ///
    /// Source: Graph docs, call: get.
    Refresh,
    /// Mute the bot in a group call.
    ///
    /// Source: Graph docs, call: mute.
    Mute,
    /// Unmute the bot in a group call.
    ///
    /// Source: Graph docs, call: unmute.
    Unmute,
    /// Play prompts, one after another. Waits until the call is established with audio active.
    ///
    /// Source: Graph docs, call: playPrompt.
    PlayPrompt {
        /// Addresses of WAV files (one channel, 16 bits, 16 000 Hz), 1…20.
        #[cfg_attr(feature = "serde", serde(borrow))]
        prompts: List<'a, Uri<'a>>,
        /// How often.
        repeat: Repeat,
    },
    /// Record what is said, after a prompt. Waits as playing does.
    ///
    /// Source: Graph docs, call: record.
    Record(#[cfg_attr(feature = "serde", serde(borrow))] Record<'a>),
    /// End what is played and recorded, and what waits for it.
    ///
    /// Source: Graph docs, call: cancelMediaProcessing.
    CancelMediaProcessing,
    /// Be told of the tones that are pressed. Waits as playing does.
    ///
    /// Source: Graph docs, call: subscribeToTone.
    SubscribeToTone,
    /// Send tones. Waits as playing does.
    ///
    /// Source: Graph docs, call: sendDtmfTones.
    SendDtmf {
        /// Which, at least one.
        #[cfg_attr(feature = "serde", serde(borrow))]
        tones: List<'a, Tone>,
        /// Milliseconds between two.
        delay: Option<u16>,
    },
    /// Invite 1…5 participants; several only where the call's chat is known. One that is invited into a peer-to-peer
    /// call makes it a group call.
    ///
    /// Source: Graph docs, participant: invite.
    Invite(#[cfg_attr(feature = "serde", serde(borrow))] List<'a, Invitee<'a>>),
    /// Remove a participant, or withdraw his invitation.
    ///
    /// Source: Graph docs, participant: delete.
    RemoveParticipant(ParticipantId),
    /// Mute a participant of a group call. There is no unmuting of others.
    ///
    /// Source: Graph docs, participant: mute.
    MuteParticipant(ParticipantId),
    /// Put a participant on hold, with music. One at a time.
    ///
    /// Source: Graph docs, participant: startHoldMusic.
    StartHoldMusic {
        /// Whom.
        participant: ParticipantId,
        /// What he hears; the service's music where none is given.
        #[cfg_attr(feature = "serde", serde(borrow))]
        prompt: Option<Uri<'a>>,
    },
    /// Take a participant off hold.
    ///
    /// Source: Graph docs, participant: stopHoldMusic.
    StopHoldMusic(ParticipantId),
    /// Say whether the bot records, under policy-based recording. Nothing may be kept before the service confirmed
    /// `recording`. This is signalling alone: the media themselves a policy recorder gets only through Microsoft's
    /// media library for .NET on Windows, as it has to host them itself.
    ///
    /// Source: Graph docs, call: updateRecordingStatus.
    UpdateRecordingStatus(RecordingStatus),
    /// Answer the oldest notification that a participant is joining, in the HTTP response to it.
    ///
    /// Source: Graph docs, participantJoiningNotification.
    AnswerJoining(#[cfg_attr(feature = "serde", serde(borrow))] JoiningAnswer<'a>),
    /// Become the sharer or a viewer of the screen; with media that the bot hosts.
    ///
    /// Source: Graph docs, call: changeScreenSharingRole.
    ChangeScreenSharingRole(ScreenSharingRole),
    /// Add the large gallery view.
    ///
    /// Source: Graph docs, call: addLargeGalleryView.
    AddLargeGalleryView,
    /// Make an audio routing group; the answer carries its id.
    ///
    /// Source: Graph docs, call: post audioRoutingGroups.
    CreateAudioRoutingGroup(#[cfg_attr(feature = "serde", serde(borrow))] AudioRoutingGroup<'a>),
    /// Change an audio routing group.
    ///
    /// Source: Graph docs, audioRoutingGroup: update.
    UpdateAudioRoutingGroup {
        /// Its id.
        #[cfg_attr(feature = "serde", serde(serialize_with = "crate::text::write"))]
        id: &'a str,
        /// What it becomes.
        #[cfg_attr(feature = "serde", serde(borrow))]
        group: AudioRoutingGroup<'a>,
    },
    /// Delete an audio routing group.
    ///
    /// Source: Graph docs, audioRoutingGroup: delete.
    DeleteAudioRoutingGroup {
        /// Its id.
        #[cfg_attr(feature = "serde", serde(serialize_with = "crate::text::write"))]
        id: &'a str,
    },
}

impl Command<'_> {
    /// Which action this is. [`Action::AnswerPolicyRecording`] is an answer on a call that such a policy brought: the call
    /// knows that, a command does not.
    pub const fn action(&self) -> Action {
        match self {
            Self::Answer(_) => Action::Answer,
            Self::Reject(_) => Action::Reject,
            Self::Redirect(_) => Action::Redirect,
            Self::Transfer(_) => Action::Transfer,
            Self::HangUp => Action::HangUp,
            Self::KeepAlive => Action::KeepAlive,
            Self::Refresh => Action::Refresh,
            Self::Mute => Action::Mute,
            Self::Unmute => Action::Unmute,
            Self::PlayPrompt { .. } => Action::PlayPrompt,
            Self::Record(_) => Action::Record,
            Self::CancelMediaProcessing => Action::CancelMediaProcessing,
            Self::SubscribeToTone => Action::SubscribeToTone,
            Self::SendDtmf { .. } => Action::SendDtmf,
            Self::Invite(invitees) if invitees.len() > 1 => Action::InviteSeveral,
            Self::Invite(_) => Action::Invite,
            Self::RemoveParticipant(_) => Action::RemoveParticipant,
            Self::MuteParticipant(_) => Action::MuteParticipant,
            Self::StartHoldMusic { .. } => Action::StartHoldMusic,
            Self::StopHoldMusic(_) => Action::StopHoldMusic,
            Self::UpdateRecordingStatus(_) => Action::UpdateRecordingStatus,
            Self::AnswerJoining(_) => Action::AnswerJoining,
            Self::ChangeScreenSharingRole(_) => Action::ChangeScreenSharingRole,
            Self::AddLargeGalleryView => Action::AddLargeGalleryView,
            Self::CreateAudioRoutingGroup(_) => Action::CreateAudioRoutingGroup,
            Self::UpdateAudioRoutingGroup { .. } => Action::UpdateAudioRoutingGroup,
            Self::DeleteAudioRoutingGroup { .. } => Action::DeleteAudioRoutingGroup,
        }
    }

    /// Whether the command keeps the limits that the pages give for what it carries.
    ///
    /// # Errors
    /// [`Breach`], which says what is allowed.
    pub fn check_limits(&self) -> Result<(), Breach> {
        match self {
            Self::Redirect(redirect) => {
                Limit::RedirectTargets.check(redirect.targets.len())?;
                Limit::RedirectTimeoutSeconds.check_some(redirect.timeout)
            }
            Self::PlayPrompt { prompts, .. } => Limit::Prompts.check(prompts.len()),
            Self::Record(record) => {
                Limit::InitialSilenceSeconds.check_some(record.initial_silence)?;
                Limit::MaxSilenceSeconds.check_some(record.max_silence)?;
                Limit::RecordSeconds.check_some(record.max_duration)
            }
            Self::SendDtmf { tones, .. } => Limit::Tones.check(tones.len()),
            Self::Invite(invitees) => Limit::Invitees.check(invitees.len()),
            Self::CreateAudioRoutingGroup(group) | Self::UpdateAudioRoutingGroup { group, .. } => {
                let limit = match group.mode {
                    RoutingMode::OneToOne => Limit::OneToOneReceivers,
                    RoutingMode::Multicast => Limit::MulticastReceivers,
                };
                limit.check(group.receivers.len())
            }
            Self::Answer(_)
            | Self::Reject(_)
            | Self::Transfer(_)
            | Self::HangUp
            | Self::KeepAlive
            | Self::Refresh
            | Self::Mute
            | Self::Unmute
            | Self::CancelMediaProcessing
            | Self::SubscribeToTone
            | Self::RemoveParticipant(_)
            | Self::MuteParticipant(_)
            | Self::StartHoldMusic { .. }
            | Self::StopHoldMusic(_)
            | Self::UpdateRecordingStatus(_)
            | Self::AnswerJoining(_)
            | Self::ChangeScreenSharingRole(_)
            | Self::AddLargeGalleryView
            | Self::DeleteAudioRoutingGroup { .. } => Ok(()),
        }
    }
}
