//! I6: twice, and in another order.

use super::{Broken, Step, holds, is_question};
use crate::call::{Call, Input};
use crate::deadline;
use crate::event::Event;
use crate::lifecycle::pending::Exchange;
use crate::operation::Phase;
use crate::report::{Body, Report, Response, RosterNews};
use crate::roster::Presence;

/// I6: a report delivered twice has the effect of one. The second may ask, and says nothing new.
///
/// Not of notifications of participants who join or leave under policy-based recording: nothing in them tells a repetition
/// from another participant, so that the embedder has to. Nor of a report that contradicts itself, or of a roster that finds no
/// place for somebody: there may be one the second time.
///
/// # Errors
/// [`Broken`]
pub fn i06_twice_is_once<const R: usize, const O: usize>(step: &Step<'_, '_, R, O>) -> Result<(), Broken> {
    let Input::Report(report) = step.input else { return Ok(()) };
    let is_unclear = |news| contradicts_itself(news) || finds_no_place(news, step.after);
    let is_unclear = step.roster_news().is_some_and(is_unclear) || names_two_operations(step);
    if matches!(report, Report::Joining | Report::Left) || is_unclear {
        return Ok(());
    }
    let mut twice = step.after.clone();
    let seen = |seen| Broken { invariant: "I6", seen };
    let output = twice.handle(step.now, step.input).map_err(|_| seen("a report was refused"))?;
    let silent = output.events().iter().all(|event| matches!(event, Event::NotUsed(_)));
    holds("I6", silent, "a report told something again when it came twice")?;
    holds(
        "I6",
        output.requests().all(|request| is_question(&request)),
        "a report that came twice did something",
    )?;
    match difference(step.after, &twice) {
        None => Ok(()),
        Some(part) => Err(seen(part)),
    }
}

/// I6: two calls to which the same was reported in another order are alike, or one that is not has asked, or is about to.
///
/// # Errors
/// [`Broken`]
pub fn i06_same_facts_or_asked<const R: usize, const O: usize>(
    one: &Call<R, O>,
    other: &Call<R, O>,
) -> Result<(), Broken> {
    if is_asking(one) || is_asking(other) {
        return Ok(());
    }
    let seen = |is_same, seen| holds("I6", is_same, seen);
    seen(one.state() == other.state(), "another order led to another state")?;
    // Why it is a group depends on what came first.
    let hosting = |call: &Call<R, O>| call.classification().hosting();
    seen(one.kind() == other.kind(), "another order led to another kind")?;
    seen(hosting(one) == hosting(other), "another order led to another hosting")?;
    seen(
        one.was_ever_established() == other.was_ever_established(),
        "another order established the call, or not",
    )?;
    let how = |call: &Call<R, O>| call.end().map(|end| (end.how, end.result));
    seen(how(one) == how(other), "another order led to another end")?;
    seen(one.audio() == other.audio(), "another order led to other audio")?;
    // What ended or left stays readable until the next input, and is no fact any more.
    let roster = |call: &Call<R, O>| {
        let members = call.roster().members().filter(|member| member.presence() != Presence::Left);
        let mut members: std::vec::Vec<_> =
            members.map(|member| (member.id().to_bytes(), member.presence().index())).collect();
        members.sort_unstable();
        members
    };
    seen(roster(one) == roster(other), "another order led to another roster")?;
    let pending = |call: &Call<R, O>| {
        let rows = call.operations().rows().filter(|row| !matches!(row.phase(), Phase::Ended(_)));
        rows.map(crate::operation::Operation::ticket).collect::<std::vec::Vec<_>>()
    };
    seen(pending(one) == pending(other), "another order led to other operations")
}

/// Whether the call has asked the service for something, or will by itself.
pub(crate) fn is_asking<const R: usize, const O: usize>(call: &Call<R, O>) -> bool {
    let questions = [Exchange::GetCall, Exchange::ListParticipants, Exchange::GetOperation];
    let planned = [deadline::Kind::Ask, deadline::Kind::AskParticipants, deadline::Kind::News];
    questions.iter().any(|question| call.pending.outstanding.of(*question).is_some())
        || planned.iter().any(|kind| call.deadlines.of(*kind).is_some())
}

/// Whether a roster says two things of one participant.
fn contradicts_itself(news: &RosterNews<'_>) -> bool {
    let twice = |(nth, one): (usize, crate::roster::Participant)| {
        let mut earlier = news.participants.iter().take(nth);
        one.id.is_some() && earlier.any(|other| other.id == one.id && other != one)
    };
    news.participants.iter().enumerate().any(twice)
}

/// Whether a report gives one operation's id to another.
fn names_two_operations<const R: usize, const O: usize>(step: &Step<'_, '_, R, O>) -> bool {
    let (ticket, news) = match step.input {
        Input::Report(Report::Operation { news, .. }) => (news.context.map(|context| context.ticket), news),
        Input::Report(Report::Response(Response { ticket, body: Body::Operation(news), .. })) => {
            (Some(*ticket), news)
        }
        Input::Report(_) | Input::Command(_) | Input::Tick => return false,
    };
    let mut rows = step.before.operations().rows();
    rows.any(|row| row.id().is_some() && row.id() == news.id && Some(row.ticket()) != ticket)
}

/// Whether a roster names somebody who has no place in the table.
fn finds_no_place<const R: usize, const O: usize>(news: &RosterNews<'_>, call: &Call<R, O>) -> bool {
    let lacks = |one: crate::roster::Participant| {
        one.presence != Presence::Left && one.id.is_some_and(|id| call.roster().of(id).is_none())
    };
    news.participants.iter().any(lacks)
}

/// What differs between two calls, apart from what is asked and was only kept to be read.
fn difference<const R: usize, const O: usize>(once: &Call<R, O>, twice: &Call<R, O>) -> Option<&'static str> {
    let (mut once, mut twice) = (once.clone(), twice.clone());
    for call in [&mut once, &mut twice] {
        call.operations.sweep();
        call.roster.sweep();
        let pending = &mut call.pending;
        pending.next_ticket = crate::id::Ticket::FIRST;
        pending.questioned = None;
        pending.doubt = crate::lifecycle::doubt::Doubt::default();
        pending.roster_doubt = pending.doubt;
        let mut others = crate::lifecycle::pending::Outstanding::default();
        for exchange in
            [Exchange::Create, Exchange::Settle, Exchange::Transfer, Exchange::HangUp, Exchange::KeepAlive]
        {
            if let Some(ticket) = pending.outstanding.of(exchange) {
                others.put(exchange, ticket);
            }
        }
        pending.outstanding = others;
    }
    let deadlines = |call: &Call<R, O>| {
        let asks =
            |kind: &deadline::Kind| matches!(kind, deadline::Kind::Ask | deadline::Kind::AskParticipants);
        let others = deadline::Kind::ALL.iter().filter(|kind| !asks(kind));
        others.map(|kind| call.deadlines.of(*kind)).collect::<std::vec::Vec<_>>()
    };
    if once.facts != twice.facts {
        return Some("a report that came twice changed the facts twice");
    }
    if once.operations != twice.operations {
        return Some("a report that came twice changed the operations twice");
    }
    if once.roster != twice.roster {
        return Some("a report that came twice changed the roster twice");
    }
    if once.pending != twice.pending {
        return Some("a report that came twice changed what is pending twice");
    }
    (deadlines(&once) != deadlines(&twice)).then_some("a report that came twice moved a deadline twice")
}
