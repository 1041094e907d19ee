//! Checks and strategies for property tests: of this crate, and of an embedder's own rules on top of it.
//!
//! [`Act`] is an input that owns what it carries, [`acts`] a strategy for stories of them, and [`Observer`] watches a
//! call through a story and says which invariant broke. A fuzz target or a model checker can use the same observer.
//!
//! ```
//! use callflow_core::call::{Call, Input, Offer};
//! use callflow_core::id::{CallId, CallKey};
//! use callflow_core::testing::Observer;
//! use callflow_core::time::Timestamp;
//!
//! let now = Timestamp::from_millis(0);
//! let (mut call, _) = Call::<4, 2>::offered(now, Offer::new(CallKey::new(1), CallId::parse("a")));
//! let mut observer = Observer::new(&call, now);
//! assert_eq!(observer.handle(&mut call, now, Input::Tick), Ok(()));
//! ```

use std::collections::BTreeSet;
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use crate::call::{Call, Input, Output, Refused};
use crate::classification::{Kind, Reason};
use crate::command::{Command, MediaConfig, RejectReason};
use crate::deadline;
use crate::event::Event;
use crate::id::{CallId, ClientContext, OperationId, ParticipantId, Sequence, Ticket};
use crate::lifecycle::end::How;
use crate::lifecycle::pending::{Creation, Reading};
use crate::lifecycle::{State, doubt};
use crate::list::List;
use crate::media::{Audio, Tone};
use crate::meeting::Coordinates;
use crate::operation::{Outcome, Status};
use crate::report::{Body, CallNews, Change, OperationNews, Report, Response, RosterNews, Told, ToneInfo};
use crate::request::{Dispatch, Request};
use crate::result::ResultInfo;
use crate::roster::{Extent, Participant, Presence};
use crate::text::Uri;
use crate::time::{Span, Timestamp};

/// An input that owns what it carries.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Act {
    /// The bot answers.
    Answer,
    /// The bot rejects.
    Reject,
    /// The bot hangs up.
    HangUp,
    /// The bot asks that the call be kept.
    KeepAlive,
    /// The bot asks for the call.
    Refresh,
    /// The bot plays so many prompts.
    PlayPrompt(u8),
    /// The bot wants to hear tones.
    SubscribeToTone,
    /// A notification of the call.
    Call(Change, CallNews),
    /// A notification of the roster.
    Roster(Extent, Vec<Participant>),
    /// A notification of the operation of this ticket, under this id.
    Operation(Change, u8, Option<u8>, Status),
    /// A notification that no rule uses.
    ContentSharing,
    /// The answer to a request without a body.
    Response(u8, u16, u32),
    /// The answer to a request, with the call.
    CallResponse(u8, u16, CallNews),
    /// The answer to a request, with an operation of this id.
    OperationResponse(u8, u8, Status),
    /// No answer.
    NoResponse(u8),
    /// A request did not leave.
    NotSent(u8),
    /// Nothing but time.
    Tick,
}

/// A prompt for [`Act::PlayPrompt`].
const PROMPTS: [Uri<'static>; 3] = [
    Uri::new("https://bot.example/1.wav"),
    Uri::new("https://bot.example/2.wav"),
    Uri::new("https://bot.example/3.wav"),
];

impl Act {
    /// Hands this act to `with` as an input of `call`.
    pub fn with<T, const R: usize, const O: usize>(
        &self,
        call: &Call<R, O>,
        with: impl FnOnce(Input<'_>) -> T,
    ) -> T {
        let ticket = |number: u8| Ticket::try_new(u32::from(number)).unwrap_or(Ticket::FIRST);
        let operation = |number: u8| OperationId::from_bytes([number; 16]);
        let command = |command| Input::Command(command);
        let report = |report| Input::Report(report);
        let response = |number, status, code, body| {
            Input::Report(Report::Response(Response { ticket: ticket(number), status, code, body }))
        };
        with(match self {
            Self::Answer => command(Command::Answer {
                callback: Uri::new("https://bot.example/calls/1"),
                media: MediaConfig::ServiceHosted,
            }),
            Self::Reject => command(Command::Reject { reason: RejectReason::Busy }),
            Self::HangUp => command(Command::HangUp),
            Self::KeepAlive => command(Command::KeepAlive),
            Self::Refresh => command(Command::Refresh),
            Self::PlayPrompt(count) => {
                let prompts = PROMPTS.get(..usize::from(*count)).unwrap_or(&PROMPTS);
                command(Command::PlayPrompt { prompts: List::new(prompts) })
            }
            Self::SubscribeToTone => command(Command::SubscribeToTone),
            Self::Call(change, news) => report(Report::Call { change: *change, news: *news }),
            Self::Roster(extent, participants) => {
                report(Report::Roster(RosterNews { extent: *extent, participants: List::new(participants) }))
            }
            Self::Operation(change, number, id, status) => report(Report::Operation {
                change: *change,
                news: OperationNews {
                    id: id.map(operation),
                    context: Some(ClientContext { key: call.key(), ticket: ticket(*number) }),
                    status: *status,
                    result: None,
                },
            }),
            Self::ContentSharing => report(Report::ContentSharing(Change::Updated)),
            Self::Response(number, status, code) => response(*number, *status, *code, Body::None),
            Self::CallResponse(number, status, news) => response(*number, *status, 0, Body::Call(*news)),
            Self::OperationResponse(number, id, status) => {
                let news =
                    OperationNews { id: Some(operation(*id)), context: None, status: *status, result: None };
                response(*number, 200, 0, Body::Operation(news))
            }
            Self::NoResponse(number) => report(Report::NoResponse { ticket: ticket(*number) }),
            Self::NotSent(number) => report(Report::NotSent { ticket: ticket(*number) }),
            Self::Tick => Input::Tick,
        })
    }
}

fn one_of<T: Copy + core::fmt::Debug + 'static>(values: &'static [T]) -> impl Strategy<Value = T> + Clone {
    proptest::sample::select(values)
}

/// Any news of a call.
pub fn call_news() -> impl Strategy<Value = CallNews> {
    let told = prop_oneof![
        2 => Just(Told::Nothing),
        1 => Just(Told::Unrecognised),
        12 => one_of(State::ALL).prop_map(Told::State),
    ];
    let tone =
        (0u64..40, one_of(Tone::ALL)).prop_map(|(n, tone)| ToneInfo { sequence: Sequence::new(n), tone });
    let result = (one_of(&[0, 200, 408, 500]), one_of(&[5002, 7000, 8537]));
    let coordinates = one_of(&[Coordinates::None, Coordinates::None, Coordinates::Chat, Coordinates::Both]);
    (
        told,
        proptest::option::weighted(0.3, one_of(Audio::ALL)),
        proptest::option::weighted(0.2, tone),
        proptest::option::weighted(0.2, result.prop_map(|(code, subcode)| ResultInfo { code, subcode })),
        coordinates,
        any::<bool>(),
    )
        .prop_map(|(state, audio, tone, result, coordinates, with_id)| CallNews {
            id: with_id.then(|| CallId::from_bytes([7; 16])),
            state,
            audio,
            tone,
            result,
            coordinates,
            own_participant: None,
        })
}

/// Any act. Tickets are small, so that they often name a request that is out.
pub fn act() -> impl Strategy<Value = Act> {
    let ticket = 1u8..12;
    let status = one_of(&[200u16, 201, 202, 204, 302, 400, 403, 404, 408, 409, 429, 500, 503]);
    let code = one_of(&[0u32, 7504, 8522]);
    let presence = one_of(&[Presence::Present, Presence::Present, Presence::Lobby, Presence::Left]);
    let participant = (proptest::option::weighted(0.9, 0u8..6), presence).prop_map(|(id, presence)| {
        Participant { id: id.map(|n| ParticipantId::from_bytes([n; 16])), presence }
    });
    let extent = prop_oneof![
        5 => Just(Extent::Full),
        2 => (0u64..9).prop_map(|n| Extent::Delta(Sequence::new(n))),
        1 => Just(Extent::Part),
    ];
    let participants = proptest::collection::vec(participant, 0..6);
    prop_oneof![
        3 => Just(Act::Answer),
        1 => Just(Act::Reject),
        1 => Just(Act::HangUp),
        1 => Just(Act::KeepAlive),
        1 => Just(Act::Refresh),
        3 => (0u8..4).prop_map(Act::PlayPrompt),
        1 => Just(Act::SubscribeToTone),
        8 => (prop_oneof![9 => Just(Change::Updated), 1 => one_of(Change::ALL)], call_news())
            .prop_map(|(change, news)| Act::Call(change, news)),
        2 => (extent, participants).prop_map(|(extent, participants)| Act::Roster(extent, participants)),
        3 => (one_of(Change::ALL), ticket.clone(), proptest::option::of(0u8..4), one_of(Status::ALL))
            .prop_map(|(change, ticket, id, status)| Act::Operation(change, ticket, id, status)),
        1 => Just(Act::ContentSharing),
        4 => (ticket.clone(), status.clone(), code).prop_map(|(t, status, code)| Act::Response(t, status, code)),
        3 => (ticket.clone(), status, call_news()).prop_map(|(t, status, news)| Act::CallResponse(t, status, news)),
        3 => (ticket.clone(), 0u8..4, one_of(Status::ALL))
            .prop_map(|(t, id, status)| Act::OperationResponse(t, id, status)),
        1 => ticket.clone().prop_map(Act::NoResponse),
        1 => ticket.prop_map(Act::NotSent),
        1 => Just(Act::Tick),
    ]
}

/// A story: acts, and how many milliseconds pass before each.
pub fn acts(length: usize) -> impl Strategy<Value = Vec<(u64, Act)>> {
    let pause = prop_oneof![4 => 0u64..2_000, 2 => 0u64..30_000, 1 => 0u64..1_000_000];
    proptest::collection::vec((pause, act()), 0..length)
}

/// An invariant that broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Its name, as in `I1`.
    pub invariant: &'static str,
    /// What was seen.
    pub seen: &'static str,
}

fn holds(invariant: &'static str, condition: bool, seen: &'static str) -> Result<(), Broken> {
    if condition { Ok(()) } else { Err(Broken { invariant, seen }) }
}

/// The service clears a call up that it had no keepAlive for in this time.
///
/// Source: Graph docs, call: keepAlive.
const CLEARED_UP_AFTER: Span = Span::from_minutes(45);

/// Watches a call, and says which invariant broke.
#[derive(Clone, Debug)]
pub struct Observer {
    established: bool,
    /// The ticket of the answer or rejection that was or may have been taken.
    settled: Option<Ticket>,
    answer_limit: Option<Timestamp>,
    operations: BTreeSet<u32>,
    held: BTreeSet<u32>,
    kept_alive: Timestamp,
    asked: Option<Timestamp>,
}

impl Observer {
    /// Watches `call`, which was just made.
    pub fn new<const R: usize, const O: usize>(call: &Call<R, O>, now: Timestamp) -> Self {
        let answer_limit = call.next_deadline().filter(|d| d.kind == deadline::Kind::Answer).map(|d| d.at);
        Self {
            established: false,
            settled: None,
            answer_limit,
            operations: BTreeSet::new(),
            held: BTreeSet::new(),
            kept_alive: now,
            asked: None,
        }
    }

    /// Lets time pass up to `now`, with a tick at each deadline.
    ///
    /// # Errors
    /// The invariant that broke.
    pub fn wait<const R: usize, const O: usize>(
        &mut self,
        call: &mut Call<R, O>,
        now: Timestamp,
    ) -> Result<(), Broken> {
        while let Some(due) = call.next_deadline().filter(|due| due.at <= now) {
            self.handle(call, due.at, Input::Tick)?;
        }
        Ok(())
    }

    /// Hands `input` to `call`, and checks what comes of it.
    ///
    /// # Errors
    /// The invariant that broke.
    pub fn handle<const R: usize, const O: usize>(
        &mut self,
        call: &mut Call<R, O>,
        now: Timestamp,
        input: Input<'_>,
    ) -> Result<(), Broken> {
        let before = call.clone();
        let result = call.handle(now, input);
        self.check(&before, now, &input, &result, call)
    }

    /// Checks what `input` did.
    ///
    /// # Errors
    /// The invariant that broke.
    pub fn check<const R: usize, const O: usize>(
        &mut self,
        before: &Call<R, O>,
        now: Timestamp,
        input: &Input<'_>,
        result: &Result<Output<'_>, Refused>,
        after: &Call<R, O>,
    ) -> Result<(), Broken> {
        let Ok(output) = result else {
            return holds("I10", before == after, "a refused command changed the call");
        };
        holds("I10", !output.has_overflowed(), "an output found no room")?;
        self.settlements(before, now, input, output)?;
        self.requests(before, now, input, output, after)?;
        self.events(output, after)?;
        Self::ends(before, output, after)?;
        Self::kind(before, input, after)?;
        self.time(before, now, input, output, after)
    }

    fn ends<const R: usize, const O: usize>(
        before: &Call<R, O>,
        output: &Output<'_>,
        after: &Call<R, O>,
    ) -> Result<(), Broken> {
        let Some(end) = before.end() else { return Ok(()) };
        let is_get =
            |request: &Request<'_>| matches!(request, Request::GetCall { .. } | Request::GetOperation { .. });
        if after.state().is_ended() || !output.events().contains(&Event::Revived) {
            holds("I1", output.requests().iter().all(is_get), "a request other than GET left an ended call")?;
        }
        if end.how == How::Told {
            holds("I1", output.requests().is_empty(), "a request left a call whose end was told")?;
            holds(
                "I1",
                after.end().is_some_and(|end| end.how == How::Told),
                "an end that was told was taken back",
            )?;
            holds(
                "I13",
                end.result.is_none() || after.end().is_some_and(|e| e.result == end.result),
                "the result of an end changed",
            )?;
        }
        Ok(())
    }

    fn kind<const R: usize, const O: usize>(
        before: &Call<R, O>,
        input: &Input<'_>,
        after: &Call<R, O>,
    ) -> Result<(), Broken> {
        if before.kind() == Kind::Group {
            return holds("I2", after.kind() == Kind::Group, "a group became peer-to-peer");
        }
        if after.kind() == Kind::Group {
            let Input::Report(Report::Roster(news)) = input else {
                return holds("I2", false, "something else than a roster made a call a group");
            };
            let known = if news.extent == Extent::Full { 0 } else { before.roster().members().count() };
            let many = news.participants.len().saturating_add(known) >= 3;
            holds(
                "I2",
                many && after.classification().reason() == Reason::ThreeParticipants,
                "fewer than three made a group",
            )?;
        }
        Ok(())
    }

    fn settlements<const R: usize, const O: usize>(
        &mut self,
        before: &Call<R, O>,
        now: Timestamp,
        input: &Input<'_>,
        output: &Output<'_>,
    ) -> Result<(), Broken> {
        let undone = match input {
            Input::Report(Report::Response(response)) if Reading::of(response.status) == Reading::Refused => {
                Some(response.ticket)
            }
            Input::Report(Report::NotSent { ticket }) => Some(*ticket),
            Input::Report(_) | Input::Command(_) | Input::Tick => None,
        };
        if undone.is_some() && undone == self.settled && before.state() == State::Incoming {
            self.settled = None;
        }
        for request in output.requests() {
            if let Request::Answer { ticket, .. } | Request::Reject { ticket, .. } = request {
                holds("I3", self.settled.is_none(), "a second way to settle the call was tried")?;
                holds(
                    "I3",
                    self.answer_limit.is_some_and(|limit| now < limit),
                    "the call was settled after the limit",
                )?;
                self.settled = Some(*ticket);
            }
        }
        Ok(())
    }

    fn requests<const R: usize, const O: usize>(
        &mut self,
        before: &Call<R, O>,
        now: Timestamp,
        input: &Input<'_>,
        output: &Output<'_>,
        after: &Call<R, O>,
    ) -> Result<(), Broken> {
        for request in output.requests() {
            let connected = after.state().is_connected();
            match request {
                Request::Answer { .. } | Request::Reject { .. } => {
                    holds(
                        "I4",
                        before.state() == State::Incoming,
                        "a call that was not incoming was settled",
                    )?;
                }
                Request::PlayPrompt { context, dispatch, .. }
                | Request::SubscribeToTone { context, dispatch } => {
                    let number = context.ticket.number();
                    holds("I5", self.operations.insert(number), "a ticket was used twice")?;
                    match dispatch {
                        Dispatch::Now => {
                            holds("I4", connected, "media was used before the call was established")?;
                        }
                        Dispatch::Held => {
                            self.held.insert(number);
                        }
                    }
                }
                Request::Release { ticket } => {
                    holds("I4", connected, "media was used before the call was established")?;
                    holds("I5", self.held.remove(&ticket.number()), "a request left that was not held")?;
                }
                Request::KeepAlive { .. } => self.kept_alive = now,
                Request::GetCall { .. } => {
                    let on_demand = matches!(input, Input::Command(_));
                    let soon = self.asked.is_some_and(|asked| now < asked.plus(doubt::GAP));
                    holds("I10", on_demand || !soon, "the call was asked for too often")?;
                    self.asked = Some(now);
                }
                Request::Create { .. } | Request::HangUp { .. } | Request::GetOperation { .. } => {}
            }
        }
        Ok(())
    }

    fn events<const R: usize, const O: usize>(
        &mut self,
        output: &Output<'_>,
        after: &Call<R, O>,
    ) -> Result<(), Broken> {
        for event in output.events() {
            match event {
                Event::Established => self.established = true,
                Event::MediaChanged { .. } | Event::Tone { .. } => {
                    holds("I13", self.established, "media of a call that was never established")?;
                }
                Event::OperationEnded { ticket, outcome, .. } => {
                    holds(
                        "I5",
                        self.operations.remove(&ticket.number()),
                        "an operation ended twice, or never began",
                    )?;
                    let carried_out = matches!(outcome, Outcome::Completed | Outcome::Failed);
                    holds(
                        "I13",
                        !carried_out || self.established,
                        "an operation of a call never established",
                    )?;
                }
                Event::OperationsEnded { places } => {
                    for (place, row) in (0u8..).zip(after.operations().rows()) {
                        if places.has(place) {
                            let was = self.operations.remove(&row.ticket().number());
                            holds("I5", was, "an operation ended twice, or never began")?;
                        }
                    }
                }
                Event::Ended(end) | Event::EndRevised(end) => {
                    // News that comes after the end may tell that the call had been established.
                    self.established |= matches!(event, Event::EndRevised(_)) && end.ever_established;
                    holds(
                        "I13",
                        end.ever_established == self.established,
                        "the end is wrong about being established",
                    )?;
                    holds("I5", self.operations.is_empty(), "an operation outlived its call")?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn time<const R: usize, const O: usize>(
        &mut self,
        before: &Call<R, O>,
        now: Timestamp,
        input: &Input<'_>,
        output: &Output<'_>,
        after: &Call<R, O>,
    ) -> Result<(), Broken> {
        if *input == Input::Tick {
            match before.next_deadline().filter(|due| due.at <= now) {
                None => {
                    let silent = output.requests().is_empty() && output.events().is_empty();
                    holds("I14", before == after && silent, "a tick before the deadline did something")?;
                }
                Some(due) => {
                    holds(
                        "I14",
                        after.next_deadline() != Some(due),
                        "a tick left its deadline where it was",
                    )?;
                }
            }
        }
        if output.events().contains(&Event::Created) || output.events().contains(&Event::Revived) {
            self.kept_alive = now;
        }
        let is_live = !after.state().is_ended() && after.creation() == Creation::Done;
        holds(
            "I12",
            !is_live || now <= self.kept_alive.plus(CLEARED_UP_AFTER),
            "a live call was not kept alive",
        )
    }
}
