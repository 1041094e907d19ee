//! What becomes of a phone that rings.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::call::Call;
use super::person::{Person, WhenRung};
use super::step::Step;

/// What somebody did whose phone rang.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answered {
    /// He picked up, and does this from then on.
    PickedUp(Vec<Step>),
    /// He declined.
    Declined,
    /// It rang until the time was over.
    Not,
}

/// What a person decides whose phone rings until he is asked no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Decision {
    /// He picks up.
    PickUp,
    /// He declines.
    Decline,
}

/// The phones that ring until somebody decides, by call and person.
#[derive(Default)]
pub(super) struct Ringing(Mutex<HashMap<(String, String), oneshot::Sender<Decision>>>);

impl Ringing {
    fn begin(&self, call: &str, person: &str) -> oneshot::Receiver<Decision> {
        let (decide, decided) = oneshot::channel();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, decide| !decide.is_closed());
        all.insert((call.to_owned(), person.to_owned()), decide);
        decided
    }

    /// Decides for a person; whether his phone rang.
    pub(super) fn decide(&self, call: &str, person: &str, decision: Decision) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let decide = all.remove(&(call.to_owned(), person.to_owned()));
        decide.is_some_and(|decide| decide.send(decision).is_ok())
    }

    /// The people whose phones ring for a call.
    pub(super) fn of_call(&self, call: &str) -> Vec<String> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ringing = all.iter().filter(|((of, _), decide)| of == call && !decide.is_closed());
        ringing.map(|((_, person), _)| person.clone()).collect()
    }
}

impl Call {
    /// Rings somebody for as long as `limit`.
    pub(super) async fn ring(&self, person: &Person, limit: Duration) -> Answered {
        self.did(&person.display_name, "is rung");
        let mut progress = self.progress();
        let answered = tokio::select! {
            biased;
            _ = progress.wait_for(|progress| progress.ended) => return Answered::Not,
            answered = tokio::time::timeout(limit, self.answered_by(person)) => answered.unwrap_or(Answered::Not),
        };
        match &answered {
            Answered::PickedUp(_) => {}
            Answered::Declined => self.did(&person.display_name, "declines"),
            Answered::Not => self.did(&person.display_name, "does not answer"),
        }
        answered
    }

    async fn answered_by(&self, person: &Person) -> Answered {
        match &person.when_rung {
            WhenRung::PickUp { after, then } => {
                tokio::time::sleep(*after).await;
                Answered::PickedUp(then.clone())
            }
            WhenRung::Decline => Answered::Declined,
            WhenRung::Ignore => std::future::pending().await,
            WhenRung::Ask => {
                let Some(decided) = self.world().map(|world| world.ringing.begin(self.id(), &person.id))
                else {
                    return Answered::Not;
                };
                match decided.await {
                    Ok(Decision::PickUp) => Answered::PickedUp(Vec::new()),
                    Ok(Decision::Decline) => Answered::Declined,
                    // Another phone rings for him in the same call.
                    Err(_) => Answered::Not,
                }
            }
        }
    }
}
