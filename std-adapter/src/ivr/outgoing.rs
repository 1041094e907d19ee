//! Calls that the bot places, as the file describes them.

use std::collections::BTreeMap;
use std::time::Duration;

use callflow_core::action::Action;
use callflow_core::classification::{Hosting, Kind};
use callflow_core::media::MediaHost;
use callflow_core::permission::{Grants, Policy, missing, required};

use super::Sound;
use super::handler::{Ivr, Place};
use crate::bot::{Bot, CallHandler, Config, Kept};
use crate::operations::{NotPlaced, Placing, PlacingCall};
use crate::session::{Caller, Placement, Target};
use crate::store::CallName;

/// A call that the bot places when it is told to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outgoing {
    /// Whom it goes to.
    pub to: Target,
    /// As whom the bot calls: a phone is called as an application instance.
    pub from: Caller,
    /// The menu that he comes to once he picked up.
    pub menu: String,
    /// For how long it rings. Then it is hung up.
    pub ring: Duration,
    /// What is played to voice mail before it is hung up; without it nothing is.
    pub voice_mail: Option<Sound>,
}

/// The permission that lacks for calling somebody, as far as the grants are known.
pub(super) fn lacks(grants: Grants) -> Option<String> {
    let Grants::Known(granted) = grants else { return None };
    let required = required(Action::Place, Kind::PeerToPeer, Hosting::Direct, MediaHost::Service);
    missing(granted, required).map(|missing| missing.to_string())
}

/// Places the calls of a file, by their names.
#[derive(Debug)]
pub struct Dialler {
    bot: Bot,
    outgoing: BTreeMap<String, Outgoing>,
    lacks: Option<String>,
}

impl Dialler {
    /// Those of `outgoing`, with `bot`, which is set up as `config` says and whose handler is [`Ivr`].
    pub fn new(bot: &Bot, outgoing: BTreeMap<String, Outgoing>, config: &Config) -> Self {
        let lacks = if config.policy == Policy::Off { None } else { lacks(config.grants) };
        Self { bot: bot.clone(), outgoing, lacks }
    }

    async fn call(&self, name: &str) -> Result<CallName, NotPlaced> {
        let Some(outgoing) = self.outgoing.get(name) else {
            return Err(NotPlaced::Unknown { name: name.to_owned(), among: self.names() });
        };
        if let Some(missing) = &self.lacks {
            return Err(NotPlaced::Permission { missing: missing.clone() });
        }
        let placement = Placement { source: outgoing.from.clone(), ..outgoing.to.clone().into() };
        // Kept with the call before it leaves: whatever happens then, it is known where he belongs.
        let kept = Kept { version: Ivr::STATE_VERSION, bytes: serde_json::to_vec(&Place::placed(name))? };
        Ok(self.bot.place_keeping(placement, kept).await?)
    }
}

impl Placing for Dialler {
    fn names(&self) -> Vec<String> {
        self.outgoing.keys().cloned().collect()
    }

    fn place<'a>(&'a self, name: &'a str) -> PlacingCall<'a> {
        Box::pin(self.call(name))
    }
}
