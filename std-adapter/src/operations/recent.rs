//! What happened lately to each call.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use crate::bot::{Bot, Logged, Observed, What};
use crate::store::CallName;

/// How much is kept of one call.
pub const MAX_RECENT: usize = 50;
/// Of how many calls: beyond that the one goes that was heard of longest ago.
const MAX_CALLS: usize = 1000;

#[derive(Clone, Default)]
pub(super) struct Recent {
    of_calls: Arc<Mutex<HashMap<CallName, VecDeque<Value>>>>,
}

impl Recent {
    /// What happens to the calls of `bot` from now on.
    pub(super) fn of(bot: &Bot) -> Self {
        let recent = Self::default();
        let (mut seen, kept) = (bot.watch(), Arc::downgrade(&recent.of_calls));
        tokio::spawn(async move {
            while let Some(observed) = seen.recv().await {
                let Some(of_calls) = kept.upgrade() else { break };
                Self { of_calls }.note(observed);
            }
        });
        recent
    }

    fn note(&self, observed: Observed) {
        let Some((what, text)) = told(&observed.what) else { return };
        let entry = json!({"at": observed.at, "what": what, "text": text, "state": observed.state.name()});
        let mut of_calls = self.of_calls.lock().unwrap_or_else(PoisonError::into_inner);
        if of_calls.len() >= MAX_CALLS && !of_calls.contains_key(&observed.call) {
            let at = |entries: &VecDeque<Value>| entries.back().and_then(|entry| entry.get("at")?.as_u64());
            let oldest = of_calls.iter().min_by_key(|(_, entries)| at(entries)).map(|(name, _)| name.clone());
            if let Some(oldest) = oldest {
                of_calls.remove(&oldest);
            }
        }
        let entries = of_calls.entry(observed.call).or_default();
        if entries.len() >= MAX_RECENT {
            entries.pop_front();
        }
        entries.push_back(entry);
    }

    pub(super) fn call(&self, name: &CallName) -> Vec<Value> {
        let of_calls = self.of_calls.lock().unwrap_or_else(PoisonError::into_inner);
        of_calls.get(name).map(|entries| entries.iter().cloned().collect()).unwrap_or_default()
    }
}

/// In words, without the keys that somebody pressed.
fn told(what: &What) -> Option<(&'static str, String)> {
    Some(match what {
        What::Notification { about, .. } => ("notification", about.clone()),
        What::Request { line, .. } => ("request", line.clone()),
        What::Answer { line, result } => ("answer", format!("{result} (to {line})")),
        What::Event(event) => ("event", format!("{:?}", Logged(event))),
        What::QuotaNearlyUsed(_) => return None,
    })
}
