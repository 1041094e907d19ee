//! The call: one value, one entrance, where the rule books meet.
//!
//! ```
//! use callflow_core::call::{Call, Input, Offer};
//! use callflow_core::command::{Command, MediaConfig};
//! use callflow_core::id::{CallId, CallKey};
//! use callflow_core::lifecycle::State;
//! use callflow_core::report::{CallNews, Change, Report};
//! use callflow_core::request::Request;
//! use callflow_core::text::Uri;
//! use callflow_core::time::Timestamp;
//!
//! # fn main() -> Result<(), callflow_core::call::Refused> {
//! let at = Timestamp::from_millis;
//! let offer = Offer::new(CallKey::new(1), CallId::parse("57DAB8B1894C409AB240BD8BEAE78896"));
//! let (mut call, _) = Call::<4, 2>::offered(at(0), offer);
//!
//! let answer = Command::Answer { callback: Uri::new("https://bot.example/1"), media: MediaConfig::ServiceHosted };
//! let output = call.handle(at(20), Input::Command(answer))?;
//! assert!(matches!(output.requests(), [Request::Answer { .. }]));
//! assert_eq!(call.state(), State::Incoming); // taken is not done: Graph will say
//!
//! let news = Report::Call { change: Change::Updated, news: CallNews::of(State::Established) };
//! let _ = call.handle(at(900), Input::Report(news))?;
//! assert_eq!(call.state(), State::Established);
//! # Ok(())
//! # }
//! ```

mod answers;
mod output;
mod reports;

pub use output::{MAX_EVENTS, MAX_REQUESTS, Output, Refused, Verdict, Why};

use crate::classification::{self, Classification, Direction, MAX_TARGETS};
use crate::command::{self, Command, MediaConfig};
use crate::deadline::{self, Deadline, Deadlines};
use crate::event::Event;
use crate::id::{CallId, CallKey, ClientContext, ParticipantId, Ticket};
use crate::identity::Identity;
use crate::lifecycle::doubt::{self, Doubt};
use crate::lifecycle::end::{End, How};
use crate::lifecycle::pending::{
    Creation, Exchange, HangingUp, Outstanding, Settlement, Settling, Unsettled,
};
use crate::lifecycle::{self, Effect, State, Trigger};
use crate::list::List;
use crate::media::{Audio, Media};
use crate::meeting::Coordinates;
use crate::operation::{self, Operations};
use crate::permission::{self, Action, Grants, Permission, Policy};
use crate::report::Report;
use crate::request::{Dispatch, Request};
use crate::result::ResultInfo;
use crate::roster::Roster;
use crate::text::Uri;
use crate::time::{Span, Timestamp};

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Input<'a> {
    /// The bot wants something.
    Command(#[cfg_attr(feature = "serde", serde(borrow))] Command<'a>),
    /// Graph says something.
    Report(#[cfg_attr(feature = "serde", serde(borrow))] Report<'a>),
    /// The next deadline passed.
    Tick,
}

/// A call to the bot, as its first notification tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Offer {
    /// The embedder's name for it.
    pub key: CallKey,
    /// Graph's id.
    pub id: CallId,
    /// Which coordinates the notification carried.
    pub coordinates: Coordinates,
    /// How long it waits to be answered: [`deadline::ANSWER`] or [`deadline::ANSWER_POLICY_RECORDING`].
    pub answer_within: Span,
    /// What is known of the app's permissions.
    pub grants: Grants,
    /// What becomes of a command whose permission is known to be missing.
    pub policy: Policy,
}

impl Offer {
    /// An offer without coordinates, with the usual limit, of an app whose permissions are not known.
    pub const fn new(key: CallKey, id: CallId) -> Self {
        Self {
            key,
            id,
            coordinates: Coordinates::None,
            answer_within: deadline::ANSWER,
            grants: Grants::Unknown,
            policy: Policy::Advise,
        }
    }
}

/// A call that the bot places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement<'a> {
    /// The embedder's name for it.
    pub key: CallKey,
    /// Where news of it goes.
    pub callback: Uri<'a>,
    /// Whom to call: one for a peer-to-peer call, up to [`MAX_TARGETS`] for a new group call.
    pub targets: List<'a, Identity<'a>>,
    /// Who hosts its media.
    pub media: MediaConfig<'a>,
    /// What is known of the app's permissions.
    pub grants: Grants,
    /// What becomes of a command whose permission is known to be missing.
    pub policy: Policy,
}

impl<'a> Placement<'a> {
    /// A call with service-hosted media, of an app whose permissions are not known.
    pub const fn new(key: CallKey, callback: Uri<'a>, targets: List<'a, Identity<'a>>) -> Self {
        let (grants, policy) = (Grants::Unknown, Policy::Advise);
        Self { key, callback, targets, media: MediaConfig::ServiceHosted, grants, policy }
    }
}

/// One call, with room for `R` participants (64 at most) and `O` operations (32 at most).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Call<const R: usize, const O: usize> {
    pub(crate) facts: Facts,
    pub(crate) pending: Pending,
    pub(crate) deadlines: Deadlines,
    pub(crate) operations: Operations<O>,
    pub(crate) roster: Roster<R>,
}

/// What is known of the call.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Facts {
    pub(crate) key: CallKey,
    pub(crate) id: Option<CallId>,
    pub(crate) direction: Direction,
    pub(crate) state: State,
    pub(crate) ever_established: bool,
    pub(crate) result: Option<ResultInfo>,
    pub(crate) end: Option<How>,
    pub(crate) classification: Classification,
    pub(crate) media: Media,
    pub(crate) service_hosted: bool,
    pub(crate) own_participant: Option<ParticipantId>,
    pub(crate) grants: Grants,
    pub(crate) policy: Policy,
}

/// What is asked and not settled.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Pending {
    pub(crate) next_ticket: Ticket,
    pub(crate) creation: Creation,
    pub(crate) settlement: Settlement,
    pub(crate) hanging_up: HangingUp,
    pub(crate) outstanding: Outstanding,
    pub(crate) doubt: Doubt,
}

impl<const R: usize, const O: usize> Call<R, O> {
    const SMALL_ENOUGH: () = assert!(R <= 64 && O <= 32, "a roster has 64 places at most, operations 32");

    /// A call to the bot.
    ///
    /// Source: Graph docs, call: answer (`created/incoming`).
    pub fn offered(now: Timestamp, offer: Offer) -> (Self, Output<'static>) {
        let classification = Classification::at_creation(Direction::Incoming, 1, offer.coordinates);
        let mut call = Self::new(offer.key, Direction::Incoming, classification, offer.grants, offer.policy);
        call.facts.id = Some(offer.id);
        call.deadlines.set(deadline::Kind::Answer, now.plus(offer.answer_within));
        call.deadlines.set(deadline::Kind::KeepAlive, now.plus(deadline::KEEP_ALIVE));
        let mut output = Output::new();
        output.verdict = Verdict::Applied;
        output.event(Event::Offered);
        (call, output)
    }

    /// A call that the bot places; its request is in the output.
    ///
    /// # Errors
    /// [`Why::NoTarget`], [`Why::TooManyTargets`], or [`Why::PermissionMissing`] under [`Policy::Enforce`].
    ///
    /// Source: Graph docs, call: create; Calls overview (Calls.Initiate.All).
    pub fn place<'a>(now: Timestamp, placement: &Placement<'a>) -> Result<(Self, Output<'a>), Refused> {
        let refuse = |why| Err(Refused { state: State::Establishing, command: command::Kind::Create, why });
        let targets = placement.targets.len();
        if targets == 0 {
            return refuse(Why::NoTarget);
        }
        if targets > usize::from(MAX_TARGETS) {
            return refuse(Why::TooManyTargets { limit: MAX_TARGETS });
        }
        let classification = Classification::at_creation(Direction::Outgoing, targets, Coordinates::None);
        let action = Action::Place { targets };
        let verdict = permission::check(action, classification.kind(), placement.grants, placement.policy);
        let advice = match permitted(verdict) {
            Ok(advice) => advice,
            Err(why) => return refuse(why),
        };
        let mut call =
            Self::new(placement.key, Direction::Outgoing, classification, placement.grants, placement.policy);
        call.facts.service_hosted = placement.media.is_service_hosted();
        call.deadlines.set(deadline::Kind::Creation, now.plus(deadline::CREATION));
        let mut output = Output::new();
        output.verdict = Verdict::Applied;
        if let Some(permission) = advice {
            output.event(Event::PermissionMissing(permission));
        }
        let ticket = call.take_ticket();
        call.pending.outstanding.put(Exchange::Create, ticket);
        output.ticket = Some(ticket);
        let Placement { callback, targets, media, .. } = *placement;
        output.request(Request::Create { ticket, callback, targets, media });
        Ok((call, output))
    }

    /// Takes in what happened at `now`, and gives what to do.
    ///
    /// # Errors
    /// [`Refused`], for a command only: the call is as it was before.
    pub fn handle<'a>(&mut self, now: Timestamp, input: Input<'a>) -> Result<Output<'a>, Refused> {
        match input {
            Input::Command(command) => self.command(now, command),
            Input::Report(report) => {
                self.sweep();
                let mut output = Output::new();
                output.verdict = self.report(now, report, &mut output);
                self.let_media_go(now, &mut output);
                Ok(output)
            }
            Input::Tick => Ok(self.tick(now)),
        }
    }

    /// When to hand in the next [`Input::Tick`], and what for. `None`: never, unless something else happens.
    pub fn next_deadline(&self) -> Option<Deadline> {
        self.deadlines.next()
    }

    /// Carries the call from one origin of time to another: a device whose clock starts anew at its boot.
    pub fn rebase(&mut self, old_now: Timestamp, new_now: Timestamp) {
        self.deadlines.rebase(old_now, new_now);
        self.pending.doubt.rebase(old_now, new_now);
    }

    /// The embedder's name for the call.
    pub const fn key(&self) -> CallKey {
        self.facts.key
    }

    /// Graph's id, once known.
    pub const fn id(&self) -> Option<CallId> {
        self.facts.id
    }

    /// Who called whom.
    pub const fn direction(&self) -> Direction {
        self.facts.direction
    }

    /// Graph's `callState`, as far as known.
    pub const fn state(&self) -> State {
        self.facts.state
    }

    /// Peer-to-peer or group, why, and how it is hosted.
    pub const fn classification(&self) -> Classification {
        self.facts.classification
    }

    /// Peer-to-peer or group.
    pub const fn kind(&self) -> classification::Kind {
        self.facts.classification.kind()
    }

    /// Whether the service has the call.
    pub const fn creation(&self) -> Creation {
        self.pending.creation
    }

    /// What became of answering or rejecting.
    pub const fn settlement(&self) -> Settlement {
        self.pending.settlement
    }

    /// Whether the call was ever established.
    pub const fn was_ever_established(&self) -> bool {
        self.facts.ever_established
    }

    /// The end, once there is one.
    pub const fn end(&self) -> Option<End> {
        match self.facts.end {
            Some(how) => {
                Some(End { how, ever_established: self.facts.ever_established, result: self.facts.result })
            }
            None => None,
        }
    }

    /// Whether audio is active, as far as Graph said.
    pub const fn audio(&self) -> Option<Audio> {
        self.facts.media.audio()
    }

    /// The operations, those that ended with the last input included.
    pub const fn operations(&self) -> &Operations<O> {
        &self.operations
    }

    /// The roster, those who left with the last input included.
    pub const fn roster(&self) -> &Roster<R> {
        &self.roster
    }

    /// What goes into `clientContext` of the request of this ticket.
    pub const fn client_context(&self, ticket: Ticket) -> ClientContext {
        ClientContext { key: self.facts.key, ticket }
    }

    fn new(
        key: CallKey,
        direction: Direction,
        classification: Classification,
        grants: Grants,
        policy: Policy,
    ) -> Self {
        let () = Self::SMALL_ENOUGH;
        let (state, creation, settlement) = match direction {
            Direction::Incoming => (State::Incoming, Creation::Done, Settlement::Open),
            Direction::Outgoing => (State::Establishing, Creation::Asked, Settlement::NotNeeded),
        };
        Self {
            facts: Facts {
                key,
                id: None,
                direction,
                state,
                ever_established: false,
                result: None,
                end: None,
                classification,
                media: Media::default(),
                service_hosted: true,
                own_participant: None,
                grants,
                policy,
            },
            pending: Pending {
                next_ticket: Ticket::FIRST,
                creation,
                settlement,
                hanging_up: HangingUp::No,
                outstanding: Outstanding::default(),
                doubt: Doubt::default(),
            },
            deadlines: Deadlines::default(),
            operations: Operations::new(),
            roster: Roster::new(),
        }
    }

    fn command<'a>(&mut self, now: Timestamp, command: Command<'a>) -> Result<Output<'a>, Refused> {
        let refused = |why| Refused { state: self.facts.state, command: command.kind(), why };
        let advice = self.permit(now, &command).map_err(refused)?;
        self.sweep();
        let mut output = Output::new();
        output.verdict = Verdict::Applied;
        if let Some(permission) = advice {
            output.event(Event::PermissionMissing(permission));
        }
        let ticket = self.take_ticket();
        output.ticket = Some(ticket);
        match command {
            Command::Answer { callback, media } => {
                self.facts.service_hosted = media.is_service_hosted();
                self.settle(Settling::Answer, ticket);
                output.request(Request::Answer { ticket, callback, media });
            }
            Command::Reject { reason } => {
                self.settle(Settling::Reject, ticket);
                output.request(Request::Reject { ticket, reason });
            }
            Command::HangUp => match self.pending.creation {
                Creation::Done => self.hang_up(ticket, &mut output),
                Creation::Asked | Creation::Unknown => {
                    self.pending.hanging_up = HangingUp::Wanted;
                    self.pending.outstanding.put(Exchange::HangUp, ticket);
                }
            },
            Command::KeepAlive => self.keep_alive(now, ticket, &mut output),
            Command::Refresh => self.refresh(now, ticket, &mut output),
            Command::PlayPrompt { prompts } => {
                let context = self.client_context(ticket);
                let dispatch = self.ask_operation(ticket, operation::Kind::PlayPrompt);
                output.request(Request::PlayPrompt { context, prompts, dispatch });
            }
            Command::SubscribeToTone => {
                let context = self.client_context(ticket);
                let dispatch = self.ask_operation(ticket, operation::Kind::SubscribeToTone);
                output.request(Request::SubscribeToTone { context, dispatch });
            }
        }
        self.let_media_go(now, &mut output);
        Ok(output)
    }

    /// Whether the rule books let a command leave, and what they advise; changes nothing.
    fn permit(&self, now: Timestamp, command: &Command<'_>) -> Result<Option<Permission>, Why> {
        let trigger = match command {
            Command::Answer { .. } => Trigger::Answer,
            Command::Reject { .. } => Trigger::Reject,
            Command::HangUp => Trigger::HangUp,
            Command::KeepAlive => Trigger::KeepAlive,
            Command::Refresh => Trigger::Refresh,
            Command::PlayPrompt { .. } => Trigger::PlayPrompt,
            Command::SubscribeToTone => Trigger::SubscribeToTone,
        };
        match lifecycle::effect(self.facts.state, trigger) {
            Effect::AllowIfAnswered(why) if !self.pending.settlement.is_answered() => {
                return Err(Why::Lifecycle(why));
            }
            Effect::AllowIfInferred(why) if self.facts.end != Some(How::Inferred) => {
                return Err(Why::Lifecycle(why));
            }
            Effect::Refuse(why) => return Err(Why::Lifecycle(why)),
            Effect::Allow | Effect::AllowIfAnswered(_) | Effect::AllowIfInferred(_) => {}
            // The effects of news: an assertion beside the table keeps commands from having them.
            Effect::To(_) | Effect::Adopt(_) | Effect::Same | Effect::Stale | Effect::Unexplained => {}
        }
        match command {
            Command::Answer { .. } => {
                self.may_settle(now)?;
                self.check(Action::Answer)
            }
            Command::Reject { .. } => self.may_settle(now).map(|()| None),
            Command::HangUp if self.is_out(Exchange::HangUp) => Err(Why::HangingUp),
            Command::KeepAlive | Command::Refresh if self.pending.creation != Creation::Done => {
                Err(Why::NotCreatedYet)
            }
            Command::KeepAlive if self.is_out(Exchange::KeepAlive) => Err(Why::Busy(Exchange::KeepAlive)),
            Command::Refresh if self.is_out(Exchange::GetCall) => Err(Why::Busy(Exchange::GetCall)),
            Command::PlayPrompt { prompts } if prompts.is_empty() => Err(Why::NothingToPlay),
            Command::PlayPrompt { .. } => self.may_use_media().map(|()| None),
            Command::SubscribeToTone => {
                self.may_use_media()?;
                self.check(Action::SubscribeToTone)
            }
            Command::HangUp | Command::KeepAlive | Command::Refresh => Ok(None),
        }
    }

    fn may_settle(&self, now: Timestamp) -> Result<(), Why> {
        self.pending.settlement.may_try().map_err(Why::Settlement)?;
        match self.deadlines.of(deadline::Kind::Answer) {
            Some(limit) if now < limit => Ok(()),
            Some(_) | None => Err(Why::Settlement(Unsettled::TooLate)),
        }
    }

    fn may_use_media(&self) -> Result<(), Why> {
        if !self.facts.service_hosted {
            return Err(Why::AppHostedMedia);
        }
        if self.pending.hanging_up != HangingUp::No {
            return Err(Why::HangingUp);
        }
        if !self.operations.has_room() {
            return Err(Why::OperationsFull { places: u8::try_from(O).unwrap_or(u8::MAX) });
        }
        Ok(())
    }

    fn check(&self, action: Action) -> Result<Option<Permission>, Why> {
        permitted(permission::check(action, self.kind(), self.facts.grants, self.facts.policy))
    }

    fn is_out(&self, exchange: Exchange) -> bool {
        self.pending.outstanding.of(exchange).is_some()
    }

    fn settle(&mut self, settling: Settling, ticket: Ticket) {
        self.pending.settlement = Settlement::Asked(settling);
        self.pending.outstanding.put(Exchange::Settle, ticket);
    }

    fn hang_up(&mut self, ticket: Ticket, output: &mut Output<'_>) {
        self.pending.hanging_up = HangingUp::Sent;
        self.pending.outstanding.put(Exchange::HangUp, ticket);
        output.request(Request::HangUp { ticket });
    }

    fn keep_alive(&mut self, now: Timestamp, ticket: Ticket, output: &mut Output<'_>) {
        self.pending.outstanding.put(Exchange::KeepAlive, ticket);
        self.deadlines.set(deadline::Kind::KeepAlive, now.plus(deadline::KEEP_ALIVE));
        output.request(Request::KeepAlive { ticket });
    }

    fn refresh(&mut self, now: Timestamp, ticket: Ticket, output: &mut Output<'_>) {
        self.get_call(now, ticket, output);
        if let Some(operation) = self.operations.running().and_then(operation::Operation::id) {
            let ticket = self.take_ticket();
            self.pending.outstanding.put(Exchange::GetOperation, ticket);
            output.request(Request::GetOperation { ticket, operation });
        }
    }

    fn get_call(&mut self, now: Timestamp, ticket: Ticket, output: &mut Output<'_>) {
        self.pending.outstanding.put(Exchange::GetCall, ticket);
        self.pending.doubt.asked(now);
        self.deadlines.set(deadline::Kind::Ask, now.plus(doubt::LOST_AFTER));
        output.request(Request::GetCall { ticket });
    }

    /// Asks for the call, now or as soon as its rate allows.
    fn ask(&mut self, now: Timestamp, output: &mut Output<'_>) {
        if self.pending.creation != Creation::Done {
            return;
        }
        if self.is_out(Exchange::GetCall) {
            self.pending.doubt.overtake();
            return;
        }
        let at = self.pending.doubt.earliest(now);
        if at <= now {
            let ticket = self.take_ticket();
            self.get_call(now, ticket, output);
        } else {
            self.deadlines.set(deadline::Kind::Ask, at);
        }
    }

    fn ask_operation(&mut self, ticket: Ticket, kind: operation::Kind) -> Dispatch {
        match self.operations.ask(ticket, kind, self.is_media_usable()) {
            Some(true) => Dispatch::Now,
            Some(false) | None => Dispatch::Held,
        }
    }

    /// Whether a media request may leave.
    fn is_media_usable(&self) -> bool {
        let hanging_up = self.pending.hanging_up != HangingUp::No;
        self.facts.state.is_connected() && self.facts.media.is_usable() && !hanging_up
    }

    /// Lets the next held request go where it may, and sets or clears the limit of waiting for audio.
    fn let_media_go(&mut self, now: Timestamp, output: &mut Output<'_>) {
        let waits = self.operations.holds() && self.facts.state.is_connected();
        if waits
            && self.is_media_usable()
            && let Some(ticket) = self.operations.release()
        {
            output.request(Request::Release { ticket });
        }
        if waits && self.facts.media.is_unknown() {
            if self.deadlines.of(deadline::Kind::Media).is_none() {
                self.deadlines.set(deadline::Kind::Media, now.plus(deadline::MEDIA));
            }
        } else {
            self.deadlines.clear(deadline::Kind::Media);
        }
    }

    fn tick<'a>(&mut self, now: Timestamp) -> Output<'a> {
        let mut output = Output::new();
        let Some(due) = self.deadlines.next().filter(|due| due.at <= now) else { return output };
        self.sweep();
        output.verdict = Verdict::Applied;
        self.deadlines.clear(due.kind);
        match due.kind {
            deadline::Kind::Answer => self.answer_limit_passed(now, &mut output),
            deadline::Kind::KeepAlive => {
                let ticket = self.take_ticket();
                self.keep_alive(now, ticket, &mut output);
            }
            deadline::Kind::Media => self.facts.media.presume(),
            deadline::Kind::News => self.ask(now, &mut output),
            deadline::Kind::Ask => {
                // A question that is out by now counts as lost.
                let ticket = self.take_ticket();
                self.get_call(now, ticket, &mut output);
            }
            deadline::Kind::Creation => self.finish(How::Inferred, &mut output),
        }
        self.let_media_go(now, &mut output);
        output
    }

    /// Source: Graph docs, call: answer (15 seconds); what the service tells afterwards is not documented, so it is asked.
    fn answer_limit_passed(&mut self, now: Timestamp, output: &mut Output<'_>) {
        match self.pending.settlement {
            Settlement::Open => {
                self.pending.settlement = Settlement::Expired;
                output.event(Event::AnswerTimeout);
                self.ask(now, output);
            }
            Settlement::Unknown(_) => self.ask(now, output),
            Settlement::Asked(_) | Settlement::Taken(_) | Settlement::Expired | Settlement::NotNeeded => {}
        }
    }

    fn take_ticket(&mut self) -> Ticket {
        let ticket = self.pending.next_ticket;
        self.pending.next_ticket = ticket.next();
        ticket
    }

    fn sweep(&mut self) {
        self.operations.sweep();
        self.roster.sweep();
    }
}

/// What a permission's verdict means for a command.
fn permitted(verdict: permission::Verdict) -> Result<Option<Permission>, Why> {
    match verdict {
        permission::Verdict::Go => Ok(None),
        permission::Verdict::Advise(permission) => Ok(Some(permission)),
        permission::Verdict::Refuse(permission) => Err(Why::PermissionMissing(permission)),
    }
}

#[cfg(target_pointer_width = "32")]
const _: () = assert!(core::mem::size_of::<Call<16, 8>>() <= 1536);

#[cfg(test)]
mod tests;
