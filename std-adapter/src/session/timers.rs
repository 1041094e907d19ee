//! Timers as JSON: those that are not the usual ones, by name, in milliseconds.

use std::collections::BTreeMap;

use callflow_core::deadline::{Timer, Timers};
use callflow_core::time::Span;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(super) fn serialize<S: Serializer>(timers: &Timers, serializer: S) -> Result<S::Ok, S::Error> {
    let all = Timer::ALL.iter().map(|timer| (timer, timers.of(*timer)));
    let changed = all.filter(|(timer, span)| *span != Timers::DEFAULT.of(**timer));
    let named: BTreeMap<_, _> = changed.map(|(timer, span)| (timer.name(), span.as_millis())).collect();
    named.serialize(serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timers, D::Error> {
    let named = BTreeMap::<String, u64>::deserialize(deserializer)?;
    let mut timers = Timers::DEFAULT;
    for (name, span) in named {
        let timer = Timer::ALL.iter().find(|timer| timer.name() == name);
        let timer = timer.ok_or_else(|| serde::de::Error::custom(format!("`{name}` is no timer")))?;
        timers = timers.with(*timer, Span::from_millis(span)).map_err(serde::de::Error::custom)?;
    }
    Ok(timers)
}
