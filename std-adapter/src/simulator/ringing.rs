//! What becomes of a phone that rings: who picks up, or why nobody does.
//!
//! Source: Graph docs, call: delete (the codes); callRoute (forwarding).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::call::{Call, RING_FOR, STEP, Stage};
use super::person::{Person, VOICE_MAIL_FOR, WhenRung};
use super::step::Step;

/// How often a call is forwarded on. Source: assumed; that two people forward to each other has to end.
const FORWARDED_AT_MOST: usize = 5;
/// That it rings as long as it may and nobody takes it. Source: field reports, an invitation that is not answered.
pub(super) const UNANSWERED: (u32, u32) = (408, 8544);
/// That somebody declines. Source: Graph docs, call: delete (rejected).
const DECLINED: Refused = refused(480, 10134, "declines");

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

/// How somebody is rung. Source: Graph docs, call: create (beta: ringingTimeoutInSeconds, routingPolicies).
#[derive(Clone, Copy, Debug)]
pub(super) struct Rings {
    /// How long at most.
    pub(super) at_most: Duration,
    /// Nobody else may take the call.
    pub(super) for_him_alone: bool,
}

impl Rings {
    pub(super) const fn at_most(at_most: Duration) -> Self {
        Self { at_most, for_him_alone: false }
    }
}

impl Default for Rings {
    fn default() -> Self {
        Self::at_most(RING_FOR)
    }
}

/// Somebody takes the call.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    pub(super) by: Person,
    /// What he does from then on.
    pub(super) then: Vec<Step>,
    /// How the call came to him, where he is not the one who was called.
    pub(super) route: Option<Value>,
    /// It is his voice mail.
    pub(super) by_voice_mail: bool,
    /// What the call ends with at once, although it was taken.
    pub(super) but: Option<(u32, u32)>,
}

impl Taken {
    fn by(person: &Person, then: Vec<Step>) -> Self {
        Self { by: person.clone(), then, route: None, by_voice_mail: false, but: None }
    }

    /// Who it is that answered, as call updates say it.
    pub(super) fn answered_by(&self) -> Value {
        json!({
            "@odata.type": "#microsoft.graph.participantInfo",
            "identity": self.by.identity_set(),
            "endpointType": if self.by_voice_mail { "voicemail" } else { "default" },
        })
    }
}

/// Nobody takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Refused {
    codes: (u32, u32),
    /// What is seen of it.
    did: &'static str,
}

const fn refused(code: u32, subcode: u32, did: &'static str) -> Refused {
    Refused { codes: (code, subcode), did }
}

impl Call {
    /// Rings somebody; who takes the call, or the codes of why nobody does.
    pub(super) async fn ring(&self, person: &Person, how: Rings) -> Result<Taken, (u32, u32)> {
        if self.stage() == Stage::Terminated {
            return Err(UNANSWERED);
        }
        self.did(&person.display_name, "is rung");
        let (called, route) = self.forwarded(person, how);
        let mut progress = self.progress();
        let taken = tokio::select! {
            biased;
            _ = progress.wait_for(|progress| progress.ended) => return Err(UNANSWERED),
            taken = tokio::time::timeout(how.at_most, self.taken_by(&called, how)) => taken,
        };
        match taken {
            Ok(Ok(taken)) => Ok(Taken { route, ..taken }),
            Ok(Err(Refused { codes, did })) => {
                self.did(&called.display_name, did);
                Err(codes)
            }
            Err(_) => {
                self.did(&called.display_name, "does not answer");
                Err(UNANSWERED)
            }
        }
    }

    /// Rings somebody who is to join, and may be on the line already.
    pub(super) async fn reach(&self, person: &Person, is_on_the_line: bool) -> Result<Taken, (u32, u32)> {
        tokio::time::sleep(STEP).await;
        if is_on_the_line {
            let then = match &person.when_rung {
                WhenRung::PickUp { then, .. } => then.clone(),
                _ => Vec::new(),
            };
            return Ok(Taken::by(person, then));
        }
        let taken = self.ring(person, Rings::default()).await?;
        taken.but.map_or(Ok(taken), Err)
    }

    /// Whose phone rings in the end, and how the call came there.
    fn forwarded(&self, person: &Person, how: Rings) -> (Person, Option<Value>) {
        let (mut called, mut route) = (person.clone(), None);
        for _ in 0..FORWARDED_AT_MOST {
            let WhenRung::Forward { to } = &called.when_rung else { break };
            let next = self.world().and_then(|world| world.person(to)).filter(|_| !how.for_him_alone);
            let Some(next) = next else { break };
            self.did(&called.display_name, &format!("has his calls forwarded to {}", next.display_name));
            route = Some(json!({
                "@odata.type": "#microsoft.graph.callRoute",
                "routingType": "forwarded",
                "original": person.identity_set(),
                "final": next.identity_set(),
            }));
            called = next;
        }
        (called, route)
    }

    async fn taken_by(&self, person: &Person, how: Rings) -> Result<Taken, Refused> {
        let taken = |then| Taken::by(person, then);
        match person.when_rung.clone() {
            WhenRung::PickUp { after, then } => {
                tokio::time::sleep(after).await;
                Ok(taken(then))
            }
            WhenRung::AcceptanceLost { after } => {
                tokio::time::sleep(after).await;
                Ok(Taken { but: Some((408, 1106)), ..taken(Vec::new()) })
            }
            WhenRung::NoMedia { after } => {
                tokio::time::sleep(after).await;
                Ok(Taken { but: Some((410, 301_005)), ..taken(Vec::new()) })
            }
            WhenRung::VoiceMail { after } if !how.for_him_alone => {
                tokio::time::sleep(after).await;
                let then = vec![Step::Wait(VOICE_MAIL_FOR), Step::HangUp];
                Ok(Taken { by_voice_mail: true, ..taken(then) })
            }
            WhenRung::Decline => Err(DECLINED),
            WhenRung::Busy => Err(refused(486, 560_486, "is busy")),
            WhenRung::Unreachable => Err(refused(480, 10076, "cannot be reached")),
            WhenRung::NoEndpoint => Err(refused(480, 10037, "is signed in nowhere")),
            WhenRung::NoSignaling => Err(refused(408, 10057, "gives no sign")),
            WhenRung::PrivateCallingDisabled => Err(refused(480, 10199, "may not be called")),
            WhenRung::Ask => self.decided_by(person).await,
            // Who forwards to nobody is rung himself, and so is he for whom alone the call is.
            WhenRung::Ignore | WhenRung::Forward { .. } | WhenRung::VoiceMail { .. } => {
                std::future::pending().await
            }
        }
    }

    async fn decided_by(&self, person: &Person) -> Result<Taken, Refused> {
        let not_asked = refused(UNANSWERED.0, UNANSWERED.1, "does not answer");
        let decided =
            self.world().map(|world| world.ringing.begin(self.id(), &person.id)).ok_or(not_asked)?;
        match decided.await {
            Ok(Decision::PickUp) => Ok(Taken::by(person, Vec::new())),
            Ok(Decision::Decline) => Err(DECLINED),
            // Another phone rings for him in the same call.
            Err(_) => Err(not_asked),
        }
    }
}
