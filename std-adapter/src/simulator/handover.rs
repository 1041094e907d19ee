//! Handing a call on: redirecting one that rings, transferring one that is established.
//!
//! Source: Graph docs, call: redirect, transfer.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::asked::{self, member};
use super::call::{Call, STEP, Stage};
use super::error::Error;
use super::person::Person;
use super::ringing::Answered;

impl Call {
    pub(super) fn redirect(self: &Arc<Self>, body: &Value) -> Result<(), Error> {
        let targets = asked::items(body, "targets")?;
        if targets.is_empty() || targets.len() > 25 {
            return Err(Error::bad_request("1 to 25 targets are expected."));
        }
        let default = if targets.len() == 1 { 55 } else { 60 };
        let timeout = Duration::from_secs(asked::seconds_of(body, "timeout", default, 15..=90)?);
        let callback = asked::optional_callback_of(body)?;
        let people = targets.iter().map(|target| self.user(target)).collect::<Result<Vec<_>, _>>()?;
        self.settle(Stage::Redirecting)?;
        self.call_back_to(callback);
        let call = Arc::clone(self);
        self.later(async move {
            tokio::time::sleep(STEP).await;
            if call.is_picked_up(people, timeout).await {
                call.end_without_result();
            } else {
                // Source: assumed; no page says what the bot is told then.
                call.end(408, 10057, false);
            }
        });
        Ok(())
    }

    /// Whether one of `people` picks up in time. All ring at once; the first is connected.
    async fn is_picked_up(self: &Arc<Self>, people: Vec<Person>, timeout: Duration) -> bool {
        let mut ringing = tokio::task::JoinSet::new();
        for person in people {
            let call = Arc::clone(self);
            ringing.spawn(async move { call.ring(&person, timeout).await });
        }
        let picked_up = async {
            while let Some(answered) = ringing.join_next().await {
                if matches!(answered, Ok(Answered::PickedUp(_))) {
                    return;
                }
            }
            // Who declines does not end the time of the others. Source: assumed.
            std::future::pending::<()>().await;
        };
        tokio::time::timeout(timeout, picked_up).await.is_ok()
    }

    pub(super) fn transfer(self: &Arc<Self>, body: &Value) -> Result<(), Error> {
        let target = member(body, "transferTarget")
            .ok_or_else(|| Error::bad_request("transferTarget is required."))?;
        let person = self.user(target)?;
        let transferee = body.pointer("/transferee/participantId").and_then(Value::as_str);
        self.established()?;
        let transferee = match (self.with(|inner| inner.is_group), transferee) {
            (false, _) => None,
            (true, None) => return Err(Error::bad_request("transferee is required in a group call.")),
            (true, Some(id)) => {
                self.participant(id)?;
                Some(id.to_owned())
            }
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
                    if call.react(&person, replaced.is_some()).await.is_ok()
                        && call.stage() == Stage::Established
                    {
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
        let reaction = self.react(target, replaced.is_some()).await;
        if reaction.is_err() {
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

    /// The user whom a target names.
    fn user(&self, target: &Value) -> Result<Person, Error> {
        let person = self.world().and_then(|world| world.person(asked::user_of(target)));
        person.ok_or_else(|| Error::bad_request("A target is no user of this tenant."))
    }
}
