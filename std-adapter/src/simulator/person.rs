//! People: what somebody does who calls a bot, or is called by one.

use std::sync::Arc;
use std::time::Duration;

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

/// What somebody does who is called.
#[derive(Clone, Debug)]
pub enum WhenRung {
    /// He picks up.
    PickUp {
        /// After this long.
        after: Duration,
        /// And then does this.
        then: Vec<Step>,
    },
    /// He declines.
    Decline,
    /// He lets it ring.
    Ignore,
    /// He does what somebody decides while it rings, by [`Simulator::decide`](super::Simulator::decide) or on the page.
    Ask,
}

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
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress {
    pub(super) established: bool,
    pub(super) prompts_started: u32,
    pub(super) prompts_ended: u32,
    pub(super) listens: bool,
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
            Step::Press(_) | Step::Speak(_) | Step::Mute | Step::Unmute | Step::HangUp => {
                perform(&call, &person, &step).await
            }
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
