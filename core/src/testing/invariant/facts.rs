//! I9: what a round of questions brings.

use std::collections::BTreeSet;

use super::{Broken, holds};
use crate::call::Call;
use crate::id::OperationId;
use crate::lifecycle::State;
use crate::operation::Phase;
use crate::roster::Presence;

/// What is, at the service, of what a resource tells. Tones, the codes of an end, audio, who answered, and content that is
/// shared are in no resource: see [`lifecycle`](crate::lifecycle).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The state; none where the call is not there.
    pub state: Option<State>,
    /// Who is in the call, where there is a list of them.
    pub participants: Option<BTreeSet<[u8; 16]>>,
    /// The operations that go on.
    pub running: BTreeSet<[u8; 16]>,
}

/// I9: after one round of keepAlive, `GET` call, `GET` participants and `GET` of the operations that are pending, the call
/// has the service's facts. To be checked once the answers are in.
///
/// # Errors
/// [`Broken`]
pub fn i09_a_round_brings_the_facts<const R: usize, const O: usize>(
    call: &Call<R, O>,
    facts: &Facts,
) -> Result<(), Broken> {
    let Some(state) = facts.state.filter(|state| !state.is_ended()) else {
        return holds("I9", call.state().is_ended(), "the call is over, and is not known to be");
    };
    holds("I9", call.state() == state, "the state is not the service's")?;
    holds(
        "I9",
        call.was_ever_established() || !state.is_connected(),
        "the call is connected, and was never established",
    )?;
    if let Some(participants) = &facts.participants
        && participants.len() <= R
        && !participants.is_empty()
    {
        let there = |presence| matches!(presence, Presence::Present | Presence::Lobby);
        let known = call.roster().members().filter(|member| there(member.presence()));
        let known: BTreeSet<_> = known.map(|member| member.id().to_bytes()).collect();
        holds("I9", known == *participants, "the participants are not the service's")?;
    }
    let goes_on = |phase| !matches!(phase, Phase::Ended(_) | Phase::Held);
    let rows = call.operations().rows().filter(|row| goes_on(row.phase()));
    let known = rows.filter_map(crate::operation::Operation::id).map(OperationId::to_bytes);
    let known: BTreeSet<_> = known.collect();
    holds("I9", known.is_subset(&facts.running), "an operation ended, and is not known to have")
}
