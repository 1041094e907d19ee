//! People: what somebody does who calls a bot, or is called by one.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::call::Call;
use super::recording::Speech;
use super::step::Step;

/// A person.
#[derive(Clone, Debug)]
pub struct Person {
    /// His object id.
    pub id: String,
    /// His name.
    pub display_name: String,
    /// What he does when a bot calls him.
    pub when_rung: WhenRung,
}

impl Person {
    /// A telephone number that nobody has: 480/10134, could not be routed.
    pub(super) fn unallocated(number: &str) -> Self {
        Self { id: number.to_owned(), display_name: "a telephone".to_owned(), when_rung: WhenRung::Decline }
    }

    /// A telephone: its id is its number, in E.164.
    pub(super) fn is_phone(&self) -> bool {
        self.id.starts_with('+')
    }

    /// The kind of his identity, and the identity.
    pub(super) fn identity(&self) -> (&'static str, Value) {
        if self.is_phone() {
            ("phone", json!({"@odata.type": "#microsoft.graph.identity", "id": self.id}))
        } else {
            let identity = json!({
                "@odata.type": "#microsoft.graph.identity",
                "id": self.id,
                "displayName": self.display_name,
            });
            ("user", identity)
        }
    }

    /// His identity among the kinds.
    pub(super) fn identity_set(&self) -> Value {
        let (kind, identity) = self.identity();
        json!({"@odata.type": "#microsoft.graph.identitySet", kind: identity})
    }
}

/// What somebody does who is called.
///
/// The numbers are those with which a call to him ends. Source: Graph docs, call: delete, but for what says otherwise.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum WhenRung {
    /// He picks up.
    PickUp {
        /// After this long.
        after: Duration,
        /// And then does this.
        then: Vec<Step>,
    },
    /// He declines: 480/10134.
    Decline,
    /// He lets it ring, until the ringing ends: 200/5002 where the bot called him, as captured.
    Ignore,
    /// He is in another call: 486/560486. The pair is documented of telephones, for another product on the same
    /// infrastructure, and assumed of others.
    Busy,
    /// None of his devices can be reached: 480/10076.
    Unreachable,
    /// He is signed in nowhere: 480/10037.
    NoEndpoint,
    /// His devices do not answer the signalling: 408/10057.
    NoSignaling,
    /// The tenant's policy lets nobody call him: 480/10199.
    PrivateCallingDisabled,
    /// He picks up, and the acceptance is not acknowledged in time: 408/1106.
    AcceptanceLost {
        /// He picks up after this long.
        after: Duration,
    },
    /// He picks up, and no media can be had: 410/301005.
    NoMedia {
        /// He picks up after this long.
        after: Duration,
    },
    /// His calls are forwarded to another person, or telephone.
    Forward {
        /// Whose id this is.
        to: String,
    },
    /// His voice mail takes the call, and hangs up after [`VOICE_MAIL_FOR`].
    VoiceMail {
        /// After he was rung this long.
        after: Duration,
    },
    /// He does what somebody decides while it rings, by [`Simulator::decide`](super::Simulator::decide) or on the page.
    Ask,
}

/// How long a voice mail listens. Source: assumed; no page has a length.
pub const VOICE_MAIL_FOR: Duration = Duration::from_secs(60);

/// How far a person's script got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// He is at it.
    Running,
    /// He did all of it.
    Done,
    /// The call ended before he could do this.
    CutShort(Step),
}

/// How far a call has come, as a person hears it.
#[allow(clippy::struct_excessive_bools)] // each is a fact of its own, and they come in any order
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress {
    pub(super) established: bool,
    pub(super) prompts_started: u32,
    pub(super) prompts_ended: u32,
    pub(super) listens: bool,
    /// The bot was let in from the lobby.
    pub(super) admitted: bool,
    /// How many are speaking.
    pub(super) speaking: u32,
    pub(super) ended: bool,
}

/// Lets a person do what his script says.
pub(super) async fn act(call: Arc<Call>, person: Person, script: Vec<Step>) {
    let mut progress = call.progress();
    let (mut starts, mut ends) = (0u32, 0u32);
    for step in script {
        let reached = match &step {
            Step::Wait(length) => {
                tokio::time::sleep(*length).await;
                true
            }
            Step::AwaitAnswer => wait(&mut progress, |p| p.established).await,
            Step::AwaitPromptStart => {
                starts = starts.saturating_add(1);
                wait(&mut progress, |p| p.prompts_started >= starts).await
            }
            Step::AwaitPromptEnd => {
                ends = ends.saturating_add(1);
                wait(&mut progress, |p| p.prompts_ended >= ends).await
            }
            Step::AwaitToneSubscription => wait(&mut progress, |p| p.listens).await,
            Step::Press(_)
            | Step::Speak(_)
            | Step::Mute
            | Step::Unmute
            | Step::Share
            | Step::StopSharing
            | Step::RemoveBot
            | Step::EndForAll
            | Step::HangUp => perform(&call, &person, &step).await,
            Step::AwaitHangUp => wait(&mut progress, |p| p.ended).await,
        };
        if !reached {
            call.set_outcome(Outcome::CutShort(step));
            return;
        }
    }
    call.set_outcome(Outcome::Done);
}

/// Lets a person do something; whether the call was there to do it in. What only waits does nothing here.
pub(super) async fn perform(call: &Call, person: &Person, step: &Step) -> bool {
    match step {
        Step::Press(key) => call.press(person, *key),
        Step::Speak(length) => {
            call.speak(&person.display_name, Speech::Tone(*length)).await;
            true
        }
        Step::Mute => call.mute_user(person, true),
        Step::Unmute => call.mute_user(person, false),
        Step::Share => call.begin_sharing(person),
        Step::StopSharing => call.end_sharing(person),
        Step::RemoveBot => call.end_by(person, "removes the bot", 5300),
        Step::EndForAll => call.end_by(person, "ends the call for everybody", 5001),
        Step::HangUp => call.hang_up_by(person),
        Step::Wait(_)
        | Step::AwaitAnswer
        | Step::AwaitPromptStart
        | Step::AwaitPromptEnd
        | Step::AwaitToneSubscription
        | Step::AwaitHangUp => true,
    }
}

/// Waits until `is_reached`; false where the call ended before.
async fn wait(
    progress: &mut tokio::sync::watch::Receiver<Progress>,
    mut is_reached: impl FnMut(&Progress) -> bool,
) -> bool {
    match progress.wait_for(|p| is_reached(p) || p.ended).await {
        Ok(now) => is_reached(&now),
        Err(_) => false,
    }
}
