//! Actions: what the calling API lets a bot do, by the names of its pages.
//!
//! One list for all rule books: the lifecycle says in which state an action is for, [`restriction`](crate::restriction)
//! for which calls, [`permission`](crate::permission) what an administrator has to grant for it, and
//! [`operation`](crate::operation) how its completion is told. Creating a call and inviting into one are several actions
//! each, because the rules tell them apart by what is asked.
//!
//! Source: Graph docs, call and participant (their methods).

use crate::words::words;

words! {
    /// What the calling API lets a bot do.
    pub enum Action {
        /// Call one user, phone or application.
        ///
        /// Source: Graph docs, application: post calls.
        Place = "place",
        /// Call several users: a new group call.
        ///
        /// Source: Graph docs, application: post calls.
        PlaceGroup = "placeGroup",
        /// Join a meeting or a group call.
        ///
        /// Source: Graph docs, application: post calls.
        Join = "join",
        /// Join a meeting or a group call as a guest.
        ///
        /// Source: Graph docs, application: post calls.
        JoinAsGuest = "joinAsGuest",
        /// Answer an incoming call.
        ///
        /// Source: Graph docs, call: answer.
        Answer = "answer",
        /// Answer an invitation for policy-based recording.
        ///
        /// Source: Graph docs, call: answer.
        AnswerPolicyRecording = "answerPolicyRecording",
        /// Reject an incoming call.
        ///
        /// Source: Graph docs, call: reject.
        Reject = "reject",
        /// Redirect an incoming call.
        ///
        /// Source: Graph docs, call: redirect.
        Redirect = "redirect",
        /// Transfer a call.
        ///
        /// Source: Graph docs, call: transfer.
        Transfer = "transfer",
        /// Hang up; in a group call the bot's own leg.
        ///
        /// Source: Graph docs, call: delete.
        HangUp = "hangUp",
        /// Keep the call alive.
        ///
        /// Source: Graph docs, call: keepAlive.
        KeepAlive = "keepAlive",
        /// Ask for the call.
        ///
        /// Source: Graph docs, call: get.
        Refresh = "refresh",
        /// Mute the bot.
        ///
        /// Source: Graph docs, call: mute.
        Mute = "mute",
        /// Unmute the bot.
        ///
        /// Source: Graph docs, call: unmute.
        Unmute = "unmute",
        /// Play prompts.
        ///
        /// Source: Graph docs, call: playPrompt.
        PlayPrompt = "playPrompt",
        /// Record what is said, after a prompt.
        ///
        /// Source: Graph docs, call: record (`recordResponse`).
        Record = "recordResponse",
        /// End what is played and recorded, and what waits for it.
        ///
        /// Source: Graph docs, call: cancelMediaProcessing.
        CancelMediaProcessing = "cancelMediaProcessing",
        /// Be told of the tones that are pressed.
        ///
        /// Source: Graph docs, call: subscribeToTone.
        SubscribeToTone = "subscribeToTone",
        /// Send tones.
        ///
        /// Source: Graph docs, call: sendDtmfTones.
        SendDtmf = "sendDtmfTones",
        /// Invite one participant.
        ///
        /// Source: Graph docs, participant: invite.
        Invite = "invite",
        /// Invite several participants at once.
        ///
        /// Source: Graph docs, participant: invite.
        InviteSeveral = "inviteSeveral",
        /// Remove a participant, or withdraw an invitation.
        ///
        /// Source: Graph docs, participant: delete.
        RemoveParticipant = "removeParticipant",
        /// Mute a participant.
        ///
        /// Source: Graph docs, participant: mute.
        MuteParticipant = "muteParticipant",
        /// Put a participant on hold, with music.
        ///
        /// Source: Graph docs, participant: startHoldMusic.
        StartHoldMusic = "startHoldMusic",
        /// Take a participant off hold.
        ///
        /// Source: Graph docs, participant: stopHoldMusic.
        StopHoldMusic = "stopHoldMusic",
        /// Say whether the bot records, under policy-based recording.
        ///
        /// Source: Graph docs, call: updateRecordingStatus.
        UpdateRecordingStatus = "updateRecordingStatus",
        /// Answer a notification that a participant is joining (policy-based recording).
        ///
        /// Source: Graph docs, participantJoiningNotification.
        AnswerJoining = "answerJoining",
        /// Become the sharer or a viewer of the screen.
        ///
        /// Source: Graph docs, call: changeScreenSharingRole.
        ChangeScreenSharingRole = "changeScreenSharingRole",
        /// Add the large gallery view.
        ///
        /// Source: Graph docs, call: addLargeGalleryView.
        AddLargeGalleryView = "addLargeGalleryView",
        /// Make an audio routing group.
        ///
        /// Source: Graph docs, call: post audioRoutingGroups.
        CreateAudioRoutingGroup = "createAudioRoutingGroup",
        /// Change an audio routing group.
        ///
        /// Source: Graph docs, audioRoutingGroup: update.
        UpdateAudioRoutingGroup = "updateAudioRoutingGroup",
        /// Delete an audio routing group.
        ///
        /// Source: Graph docs, audioRoutingGroup: delete.
        DeleteAudioRoutingGroup = "deleteAudioRoutingGroup",
        /// List the participants.
        ///
        /// Source: Graph docs, call: list participants.
        ListParticipants = "listParticipants",
        /// Ask for an operation.
        ///
        /// Source: Graph docs, addLargeGalleryViewOperation: get; that the others can be asked for alike is assumed: if
        /// it is wrong, the operation's outcome stays unknown.
        GetOperation = "getOperation",
    }
}

impl Action {
    /// The action of this name, in any case.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.name().eq_ignore_ascii_case(name))
    }
}

/// A set of actions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Actions(u64);

impl Actions {
    /// The set of these.
    pub const fn of(list: &[Action]) -> Self {
        let mut bits = 0u64;
        let mut rest = list;
        while let [first, others @ ..] = rest {
            bits |= 1u64.wrapping_shl(*first as u32);
            rest = others;
        }
        Self(bits)
    }

    /// Whether `action` is in the set.
    pub const fn has(self, action: Action) -> bool {
        self.0 & 1u64.wrapping_shl(action as u32) != 0
    }

    /// What is in the set, in the order of [`Action::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Action> {
        Action::ALL.iter().copied().filter(move |action| self.has(*action))
    }
}

const _: () = assert!(Action::COUNT <= 64, "a set of actions has 64 bits");
