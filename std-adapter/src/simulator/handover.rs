//! Handing a call on: redirecting one that rings, transferring one that is established.
//!
//! Source: Graph docs, call: redirect, transfer.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::Registration;
use super::asked::{self, member};
use super::call::{Call, STEP, Stage};
use super::error::Error;
use super::person::Person;
use super::placement::Reason;
use super::ringing::Rings;
use super::step::Step;

/// Where a call is redirected to.
enum Target {
    Person(Person),
    App(Registration),
}

impl Call {
    pub(super) fn redirect(self: &Arc<Self>, body: &Value) -> Result<(), Error> {
        let targets = asked::items(body, "targets");
        // Source: Graph docs, call: redirect (timeout).
        let default = if targets.len() == 1 { 55 } else { 60 };
        let at_most = Duration::from_secs(asked::number_of(body, "timeout", default));
        let callback = asked::optional_callback_of(body);
        let targets = targets.iter().map(|target| self.target(target)).collect::<Result<Vec<_>, _>>()?;
        self.settle(Stage::Redirecting)?;
        self.call_back_to(callback);
        let call = Arc::clone(self);
        self.later(async move {
            tokio::time::sleep(STEP).await;
            match call.first_of(targets, Rings::at_most(at_most)).await {
                Some(answered_by) => call.end_answered_by(&answered_by),
                // Source: assumed; no page says what the bot is told then.
                None => call.end(408, 10057, false),
            }
        });
        Ok(())
    }

    /// Who of `targets` picks up first. All ring at once, for as long as the time lasts.
    async fn first_of(self: &Arc<Self>, targets: Vec<Target>, how: Rings) -> Option<Value> {
        let until = tokio::time::sleep(how.at_most);
        let mut ringing = tokio::task::JoinSet::new();
        for target in targets {
            let call = Arc::clone(self);
            ringing.spawn(async move {
                match target {
                    Target::Person(person) => {
                        let taken = call.ring(&person, how).await.ok()?;
                        taken.but.is_none().then(|| taken.answered_by())
                    }
                    Target::App(app) => call.taken_by_app(&app, how).await,
                }
            });
        }
        let mut first = None;
        while let (None, Some(answered)) = (&first, ringing.join_next().await) {
            first = answered.ok().flatten();
        }
        if first.is_none() {
            until.await;
        }
        first
    }

    /// The caller calls another app in the place of the bot; who answers, where it does.
    async fn taken_by_app(&self, app: &Registration, how: Rings) -> Option<Value> {
        let (world, caller) = (self.world()?, self.peer()?);
        let id = Self::incoming(&world, app, &caller, vec![Step::AwaitHangUp], &Reason::Plain).ok()?;
        let mut progress = world.call(&id)?.progress();
        drop(world);
        let answered = progress.wait_for(|progress| progress.established || progress.ended);
        let is_answered = tokio::time::timeout(how.at_most, answered).await.ok()?.ok()?.established;
        is_answered.then(|| {
            json!({
                "@odata.type": "#microsoft.graph.participantInfo",
                "identity": {"application": {"@odata.type": "#microsoft.graph.identity", "id": app.app_id}},
                "endpointType": "default",
            })
        })
    }

    pub(super) fn transfer(self: &Arc<Self>, body: &Value) -> Result<(), Error> {
        let target = member(body, "transferTarget")
            .ok_or_else(|| Error::bad_request("transferTarget is required."))?;
        let person = self.callee(target)?;
        let transferee = body.pointer("/transferee/participantId").and_then(Value::as_str);
        self.established()?;
        let (is_group, has_roster) = self.with(|inner| (inner.is_group, !inner.roster.is_empty()));
        let transferee = match transferee {
            // Source: field reports: an invitation that was taken leaves the call in this mode.
            None if has_roster && !is_group => {
                let why = "An invitation was taken in this call, so it is hosted as a meeting.";
                let words = "Cannot do transfer for meeting mode.";
                return Err(Error::not_in_this_state(words).because(why).assumed());
            }
            None if is_group => {
                return Err(Error::bad_request("transferee.participantId is required in a group call."));
            }
            Some(id) if has_roster => {
                self.participant(id)?;
                Some(id.to_owned())
            }
            _ => None,
        };
        let replaced = target.get("replacesCallId").and_then(Value::as_str);
        let replaced = replaced.map(|id| self.other_call(id)).transpose()?;
        if transferee.is_none() && !self.step_on(Stage::Established, Stage::Transferring) {
            return Err(Error::not_in_this_state("The call is not established."));
        }
        let call = Arc::clone(self);
        self.later(async move {
            match transferee {
                None => call.transfer_peer(&person, replaced).await,
                // Source: assumed; no page shows what the bot sees of it.
                Some(id) => {
                    let taken = call.reach(&person, replaced.is_some()).await;
                    if taken.is_ok() && call.stage() == Stage::Established {
                        call.leave(|participant| participant.id == id);
                    }
                }
            }
        });
        Ok(())
    }

    async fn transfer_peer(&self, target: &Person, replaced: Option<Arc<Self>>) {
        if self.stage() != Stage::Transferring {
            return;
        }
        self.tell_state("transferring");
        if self.reach(target, replaced.is_some()).await.is_err() {
            if self.step_on(Stage::Transferring, Stage::Established) {
                // The documented failure writes subCode.
                let result = json!({
                    "@odata.type": "#microsoft.graph.resultInfo",
                    "code": 500,
                    "subCode": 7700,
                    "message": "The transfer target did not answer.",
                });
                let data = json!({"@odata.type": "#microsoft.graph.call", "state": "established", "resultInfo": result});
                self.tell("updated", "updated call established 500/7700", String::new(), data);
            }
            return;
        }
        if !self.step_on(Stage::Transferring, Stage::TransferAccepted) {
            return;
        }
        self.tell_state("transferAccepted");
        tokio::time::sleep(STEP).await;
        self.end_saying(0, 7015, "GracefulTransferCompleted");
        if let Some(replaced) = replaced {
            // Source: assumed; no page shows what becomes of the call that is replaced.
            replaced.end(0, 7015, false);
        }
    }

    /// Whom a call is redirected to. Source: Graph docs, call: redirect, whose first example names another app.
    fn target(&self, target: &Value) -> Result<Target, Error> {
        let id = target.pointer("/identity/application/id").and_then(Value::as_str);
        let app = id.and_then(|id| self.world()?.app(id)).filter(|app| app.app_id != self.app_id());
        app.map_or_else(|| self.callee(target).map(Target::Person), |app| Ok(Target::App(app)))
    }

    /// The person, or telephone, whom a target names.
    fn callee(&self, target: &Value) -> Result<Person, Error> {
        let world = self.world().ok_or_else(Error::call_not_found)?;
        world.callee(target, self.reaches_phones())
    }
}
