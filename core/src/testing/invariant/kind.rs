//! I2: peer-to-peer or group.

use super::{Broken, Step, holds};
use crate::action::Action;
use crate::call::{Call, Input};
use crate::classification::{Hosting, Kind, Reason};
use crate::command::Destination;
use crate::event::Event;
use crate::id::ParticipantId;
use crate::meeting::Coordinates;
use crate::operation::Outcome;
use crate::report::{Report, RosterNews};
use crate::roster::{Extent, Presence};
use crate::testing::Opening;

/// I2: a peer-to-peer call may become a group, with three or more participants or by a completed invitation only; a group
/// stays one. Late coordinates, rosters, and invitations that were taken make the call a conversation, and no group.
///
/// # Errors
/// [`Broken`]
pub fn i02_group_for_a_reason<const R: usize, const O: usize>(
    step: &Step<'_, '_, R, O>,
) -> Result<(), Broken> {
    let (before, after) = (step.before.classification(), step.after.classification());
    if before.hosting() == Hosting::Conversation {
        holds("I2", after.hosting() == Hosting::Conversation, "a conversation became a direct call")?;
    }
    if before.kind() == Kind::Group {
        return holds("I2", after == before, "a group became peer-to-peer, or a group for another reason");
    }
    let rosters = step.roster_news().map(|news| counted(news, step.before));
    if after.kind() == Kind::Group {
        let enough = match after.reason() {
            Reason::ThreeParticipants => rosters.is_some_and(|counted| counted.most >= 3),
            Reason::InviteCompleted => step.events().iter().any(is_completed_invite),
            Reason::OneTarget
            | Reason::CalledDirectly
            | Reason::SeveralTargets
            | Reason::CoordinatesAtCreation => false,
        };
        holds("I2", enough, "something else than three participants or an invitation made a group")?;
        return holds("I2", after.hosting() == Hosting::Conversation, "a group is hosted direct");
    }
    let is_notified = matches!(step.input, Input::Report(Report::Roster(_)));
    let is_live = !step.before.state().is_ended();
    let three = is_notified && is_live && rosters.is_some_and(|counted| counted.least >= 3);
    holds("I2", !three, "a roster of three made no group")?;
    if before.hosting() == Hosting::Direct {
        return hosting(step, after.hosting() == Hosting::Conversation);
    }
    Ok(())
}

fn hosting<const R: usize, const O: usize>(step: &Step<'_, '_, R, O>, became: bool) -> Result<(), Broken> {
    let coordinates = step.call_news().is_some_and(|news| news.coordinates.are_given());
    let pending_invite = step.before.operations().rows().any(|row| is_invite(row.action()));
    let answered_or_lost = matches!(
        step.input,
        Input::Report(Report::Operation { .. } | Report::Response(_) | Report::NoResponse { .. })
    );
    let may = coordinates || step.roster_news().is_some() || (pending_invite && answered_or_lost);
    holds("I2", !became || may, "something without meaning for it made a conversation")?;
    let notified = match step.input {
        Input::Report(Report::Call { .. }) => coordinates,
        Input::Report(Report::Roster(news)) => news.extent == Extent::Full,
        Input::Report(_) | Input::Command(_) | Input::Tick => false,
    };
    let must = notified && !step.before.state().is_ended();
    holds("I2", became || !must, "coordinates or a roster made no conversation")
}

/// I2 at the creation of a call: a group by coordinates, or by two targets or more, and else peer-to-peer.
///
/// # Errors
/// [`Broken`]
pub fn i02_kind_at_creation<const R: usize, const O: usize>(
    opening: &Opening,
    call: &Call<R, O>,
) -> Result<(), Broken> {
    let (coordinates, targets) = match opening {
        Opening::Offered(_, offer) => (offer.coordinates, 1),
        Opening::Placed(_, placement) => match &placement.to {
            Destination::Targets(targets) => (Coordinates::None, targets.len()),
            Destination::Meeting(_) => (Coordinates::Both, 0),
        },
    };
    let is_group = coordinates != Coordinates::None || targets >= 2;
    holds("I2", (call.kind() == Kind::Group) == is_group, "a call was created as the wrong kind")?;
    let is_hosted = call.classification().hosting() == Hosting::Conversation;
    holds("I2", is_hosted == is_group, "a call was created with the wrong hosting")
}

fn is_invite(action: Action) -> bool {
    matches!(action, Action::Invite | Action::InviteSeveral)
}

fn is_completed_invite(event: &Event) -> bool {
    matches!(event, Event::OperationEnded { action, outcome: Outcome::Completed, .. } if is_invite(*action))
}

/// How many distinct participants there are, at the least and at the most, once a roster came.
struct Counted {
    least: usize,
    most: usize,
}

fn counted<const R: usize, const O: usize>(news: &RosterNews<'_>, before: &Call<R, O>) -> Counted {
    let named = |id: ParticipantId| news.participants.iter().any(|one| one.id == Some(id));
    let (mut most, mut least) = (0usize, 0usize);
    for (nth, one) in news.participants.iter().enumerate() {
        let is_there = one.presence == Presence::Present;
        let Some(id) = one.id else {
            most = most.saturating_add(usize::from(is_there));
            least = least.saturating_add(usize::from(is_there));
            continue;
        };
        let others = || news.participants.iter().filter(move |other| other.id == Some(id));
        let is_first = news.participants.iter().position(|other| other.id == Some(id)) == Some(nth);
        let (any, all) = (
            others().any(|other| other.presence == Presence::Present),
            // A record with a number may be older than what is known.
            others().all(|other| other.presence == Presence::Present && other.sequence.is_none()),
        );
        // What is known of him stands, if it is newer than this.
        let stands = others().any(|other| other.sequence.is_some())
            && before.roster().of(id).is_some_and(|member| member.presence() == Presence::Present);
        most = most.saturating_add(usize::from(is_first && (any || stands)));
        least = least.saturating_add(usize::from(is_first && all));
    }
    if news.extent != Extent::Full {
        let others = before.roster().members().filter(|member| !named(member.id())).count();
        most = most.saturating_add(others).saturating_add(before.roster().unnamed().into());
        // A delta may be older than what is known.
        least = 0;
    }
    Counted { least, most }
}
