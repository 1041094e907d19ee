//! I7: tones and rosters in their order.

use std::collections::{BTreeMap, BTreeSet};

use super::{Broken, Step, holds};
use crate::event::Event;
use crate::id::ParticipantId;
use crate::media::Arrival;
use crate::report::RosterNews;
use crate::roster::{Extent, Presence};

/// The numbers by which the service orders what it tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Order {
    tones: BTreeSet<u64>,
    /// The newest delta roster.
    delta: Option<u64>,
    /// The newest word of each participant who has a place.
    participants: BTreeMap<[u8; 16], u64>,
}

impl Order {
    /// I7: where an order is known (tones, delta rosters, a participant's roster number), older never overwrites newer.
    ///
    /// # Errors
    /// [`Broken`]
    pub fn i07_older_never_overwrites_newer<const R: usize, const O: usize>(
        &mut self,
        step: &Step<'_, '_, R, O>,
    ) -> Result<(), Broken> {
        for event in step.events() {
            if let Event::Tone { sequence, arrival, .. } = event {
                let newest = self.tones.last().copied();
                let is_newest = newest.is_none_or(|newest| sequence.number() > newest);
                let is_in_order = *arrival == Arrival::InOrder;
                holds("I7", is_in_order == is_newest, "a tone was told in the wrong order")?;
                holds("I7", self.tones.insert(sequence.number()), "a tone was told twice")?;
            }
        }
        match step.roster_news().filter(|_| !step.before.state().is_ended()) {
            Some(news) => self.rosters(step, news),
            None => Ok(()),
        }
    }

    fn rosters<const R: usize, const O: usize>(
        &mut self,
        step: &Step<'_, '_, R, O>,
        news: &RosterNews<'_>,
    ) -> Result<(), Broken> {
        if let Extent::Delta(number) = news.extent {
            let number = number.number();
            if self.delta.is_some_and(|newest| number <= newest) {
                return holds("I7", is_unchanged(step), "an older delta roster was applied");
            }
            self.delta = if is_unchanged(step) { self.delta } else { Some(number) };
        }
        // The numbers are part of the roster: what changed nothing was not taken in.
        let is_applied = !is_unchanged(step);
        for told in &news.participants {
            let (Some(id), Some(sequence)) = (told.id, told.sequence) else { continue };
            let sequence = sequence.number();
            let once = news.participants.iter().filter(|other| other.id == Some(id)).count() == 1;
            let known = self.participants.get(&id.to_bytes()).copied();
            // Numbers past 32 bits are kept as the most that 32 bits hold.
            if let Some(known) = known
                && once
                && sequence < known
                && known <= u32::MAX.into()
            {
                let is_same = place(step.after, id) == place(step.before, id);
                holds("I7", is_same, "an older word of a participant was applied")?;
            }
            if is_applied && once && place(step.after, id).is_some() {
                let newest = self.participants.entry(id.to_bytes()).or_default();
                *newest = sequence.max(*newest);
            }
        }
        let has_place = |id: &[u8; 16]| place(step.after, ParticipantId::from_bytes(*id)).is_some();
        self.participants.retain(|id, _| has_place(id));
        Ok(())
    }
}

fn place<const R: usize, const O: usize>(
    call: &crate::call::Call<R, O>,
    id: ParticipantId,
) -> Option<crate::roster::Member> {
    call.roster().of(id).copied().filter(|member| member.presence() != Presence::Left)
}

fn is_unchanged<const R: usize, const O: usize>(step: &Step<'_, '_, R, O>) -> bool {
    let mut before = step.before.roster().clone();
    before.sweep();
    before == *step.after.roster()
}
