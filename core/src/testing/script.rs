//! Histories: what people and the service do to one call, as plain data.
//!
//! Whatever happens is decided here, before it happens: nothing is drawn at random later on, so that a history that breaks
//! a rule shrinks to the few decisions that matter. What the service does with them, [`Service`](super::Service) knows.

use std::vec::Vec;

use super::Opening;
use crate::media::{Tone, Transcription};

/// What somebody does, or what befalls the call. What is not possible when its time comes does not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scene {
    /// Somebody presses a key; the service tells of it where the bot subscribed.
    Presses(Tone),
    /// Somebody joins: a call of two becomes one of three.
    Joins,
    /// The one of this place among the others leaves; the last one ends the call.
    Leaves(u8),
    /// The one of this place among the others mutes himself, or unmutes.
    Mutes(u8),
    /// Whoever waits in the lobby is admitted, the bot first.
    Admits,
    /// Audio stops flowing, or flows again.
    Audio,
    /// The call is held, or taken up again.
    Holds,
    /// The service tells of the established call once more.
    TellsAgain,
    /// The service tells the coordinates of a conversation.
    Coordinates,
    /// The call is transcribed, or is no more.
    Transcribes(Transcription),
    /// Content is shared, or is no more.
    Shares,
    /// A participant is to be recorded too, under a policy.
    RecordedJoins,
    /// One who was recorded leaves.
    RecordedLeaves,
    /// The other side ends the call.
    HangsUp,
}

/// What becomes of a request on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// The service does what it does, and its answer takes so many milliseconds.
    Answered(u16),
    /// The service takes it, and the answer is lost.
    AnswerLost,
    /// It is lost on its way, and nobody knows.
    Lost,
    /// It does not leave, and that is known.
    NotSent,
    /// The service refuses it: the status, and its own code.
    Refused(u16, u32),
    /// The service takes it, and a gateway answers 504.
    GatewayTimeout,
    /// The service fails, and does nothing: 500.
    Fails,
}

/// What becomes of a notification on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// It arrives.
    None,
    /// It arrives so many milliseconds late, and so after others.
    Late(u32),
    /// It arrives twice, so many milliseconds apart.
    Twice(u32),
    /// It does not arrive.
    Lost,
}

/// How notifications travel: a fault for each of a kind, in the order in which they were sent; those after the last arrive.
/// Each kind is counted for itself, so that one notification more or less moves no fault to another kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Channel {
    /// What becomes of each notification of the call.
    pub calls: Vec<Fault>,
    /// What becomes of each roster.
    pub rosters: Vec<Fault>,
    /// What becomes of each notification of an operation, or of anything else.
    pub operations: Vec<Fault>,
}

impl Channel {
    /// Everything arrives.
    pub const PERFECT: Self = Self { calls: Vec::new(), rosters: Vec::new(), operations: Vec::new() };
}

/// What comes of what the bot asks of people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reaction {
    /// They do it, after so many milliseconds.
    Does(u32),
    /// They do not, after so many milliseconds.
    Refuses(u32),
}

/// How the service tells that audio flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AudioManner {
    /// With the news that the call is established.
    AtOnce,
    /// So many milliseconds after it.
    After(u32),
    /// Never.
    Never,
}

/// The service's manners, where the documentation leaves a choice.
#[allow(clippy::struct_excessive_bools)] // each is a manner of its own
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Manners {
    /// Whether, and when, an outgoing call is picked up, or an incoming one connected once it was answered.
    pub pick_up: Reaction,
    /// How audio is told of.
    pub audio: AudioManner,
    /// Whether ringing is told of.
    pub rings: bool,
    /// Whether `terminating` is told of before the end.
    pub tells_terminating: bool,
    /// Whether the bot waits in the lobby of a meeting.
    pub lobby: bool,
    /// Whether a roster after a mute names only whom it concerns, as examples do.
    pub short_rosters: bool,
    /// What comes of a transfer.
    pub transfer: Reaction,
    /// What comes of an invitation, and of a redirection.
    pub invitation: Reaction,
    /// How long a prompt, a recording and tones take, in milliseconds.
    pub playing: u32,
}

impl Manners {
    /// Everybody does what is asked, within seconds.
    pub const PLAIN: Self = Self {
        pick_up: Reaction::Does(800),
        audio: AudioManner::AtOnce,
        rings: false,
        tells_terminating: true,
        lobby: false,
        short_rosters: false,
        transfer: Reaction::Does(2_000),
        invitation: Reaction::Does(2_000),
        playing: 3_000,
    };
}

/// One call, from its opening to its end, as far as it does not depend on the bot.
///
/// `Debug` prints a line each.
#[derive(Clone, PartialEq, Eq)]
pub struct History {
    /// How it begins.
    pub opening: Opening,
    /// The service's manners.
    pub manners: Manners,
    /// What happens, and how many milliseconds after what happened before.
    pub scenes: Vec<(u32, Scene)>,
    /// What becomes of each request of the bot's, in the order in which they leave; those after the last are answered.
    pub fates: Vec<Fate>,
    /// What becomes of each keepAlive and each question, likewise.
    pub questions: Vec<Fate>,
    /// How notifications travel.
    pub channel: Channel,
}

impl core::fmt::Debug for History {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        writeln!(f, "{:?}\n{:?}", self.opening, self.manners)?;
        for (pause, scene) in &self.scenes {
            writeln!(f, "{pause:>9} ms later: {scene:?}")?;
        }
        write!(f, "requests: {:?}\nquestions: {:?}\n{:?}", self.fates, self.questions, self.channel)
    }
}

impl History {
    /// A history in which nothing happens by itself and nothing is lost.
    pub const fn of(opening: Opening) -> Self {
        Self {
            opening,
            manners: Manners::PLAIN,
            scenes: Vec::new(),
            fates: Vec::new(),
            questions: Vec::new(),
            channel: Channel::PERFECT,
        }
    }

    /// This history, and then `scene`, so many milliseconds later.
    #[must_use]
    pub fn then(mut self, millis: u32, scene: Scene) -> Self {
        self.scenes.push((millis, scene));
        self
    }
}
