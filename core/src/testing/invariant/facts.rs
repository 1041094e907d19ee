//! I9: what a round of questions brings.

use std::collections::BTreeSet;

use super::{Broken, holds};
use crate::call::Call;
use crate::id::OperationId;
use crate::lifecycle::State;
use crate::operation::Phase;
use crate::roster::Presence;

/// What is, at the service, of what a resource tells, as far as it is compared: not how the call is hosted, the
/// transcription, and who is muted. Tones, the codes of an end, audio, who answered, and content that is
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
    has_the_facts("I9", call, facts, |known, participants| known == participants)
}

/// I6: where every report arrived, in whatever order and however often, the call has the service's facts, or asks.
///
/// One thing is excepted, which nothing tells: a full roster has no number, so that one that comes late may name somebody
/// who left meanwhile.
///
/// # Errors
/// [`Broken`]
pub fn i06_has_the_facts_or_asks<const R: usize, const O: usize>(
    call: &Call<R, O>,
    facts: &Facts,
) -> Result<(), Broken> {
    if super::is_asking(call) {
        return Ok(());
    }
    has_the_facts("I6", call, facts, Ids::is_superset)
}

type Ids = BTreeSet<[u8; 16]>;

fn has_the_facts<const R: usize, const O: usize>(
    invariant: &'static str,
    call: &Call<R, O>,
    facts: &Facts,
    agree: impl FnOnce(&Ids, &Ids) -> bool,
) -> Result<(), Broken> {
    let holds = |condition, seen| holds(invariant, condition, seen);
    if call.id().is_none() {
        // Nothing was ever heard of the call: there is no id to ask for.
        return Ok(());
    }
    let Some(state) = facts.state.filter(|state| !state.is_ended()) else {
        return holds(call.state().is_ended(), "the call is over, and is not known to be");
    };
    holds(call.state() == state, "the state is not the service's")?;
    holds(
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
        holds(agree(&known, participants), "the participants are not the service's")?;
    }
    // Of one that cannot be asked for the outcome stays unknown, and is said to be.
    let rows = call.operations().rows().filter(|row| row.phase() == Phase::Running);
    let known = rows.filter_map(crate::operation::Operation::id).map(OperationId::to_bytes);
    let known: BTreeSet<_> = known.collect();
    holds(known.is_subset(&facts.running), "an operation ended, and is not known to have")
}
