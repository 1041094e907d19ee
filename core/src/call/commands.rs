//! How a command changes a call: the rule books are asked first, and then it leaves.

use super::deadlines::Question;
use super::{Call, Marks, Output, Refused, Setup, Verdict, Why, folded};
use crate::action::{Action, Actions};
use crate::classification::{Classification, Direction};
use crate::command::{BargeIn, Command, Destination, JoiningAnswer, Placement, Repeat};
use crate::deadline::{self, Timer};
use crate::event::Event;
use crate::id::Ticket;
use crate::identity::Source;
use crate::lifecycle::end::How;
use crate::lifecycle::pending::{
    Creation, Exchange, HangingUp, Settlement, Settling, Transferring, Unsettled,
};
use crate::lifecycle::{self, Leave};
use crate::limit::Limit;
use crate::media::{MediaHost, RecordingStatus, Tone};
use crate::operation::{Asking, Outcome};
use crate::permission::{self, Knowledge, Missing, Policy, Requirement};
use crate::request::Dispatch;
use crate::restriction::{self, CallFacts, Hold, PolicyRecording, Restriction, Transferee};
use crate::time::{Span, Timestamp};

/// What the rule books advise of a command that they let leave.
#[derive(Default)]
struct Advice {
    restriction: Option<Restriction>,
    missing: Option<Missing>,
}

/// The kind of a call that is to be placed, if the pages allow it.
///
/// Source: Graph docs, application: post calls.
pub(super) fn classify(placement: &Placement<'_>) -> Result<Classification, Why> {
    let targets = match &placement.to {
        Destination::Targets(targets) => {
            Limit::PlaceTargets.check(targets.len()).map_err(Why::Limit)?;
            let from_instance = matches!(placement.source, Source::ApplicationInstance(_));
            if !from_instance && targets.iter().any(|target| target.is_phone()) {
                return Err(Why::PhoneNeedsInstance);
            }
            if matches!(placement.source, Source::Guest { .. }) {
                return Err(Why::GuestNeedsMeeting);
            }
            targets.len()
        }
        Destination::Meeting(_) => 0,
    };
    let coordinates = placement.coordinates();
    let none = crate::limit::Breach { limit: Limit::PlaceTargets, found: 0 };
    Classification::try_at_creation(Direction::Outgoing, targets, coordinates).map_err(|_| Why::Limit(none))
}

/// What the permissions advise of a call that is to be placed.
pub(super) fn permitted(
    placement: &Placement<'_>,
    classification: Classification,
    setup: &Setup,
) -> Result<Option<Missing>, Why> {
    let knowledge = Knowledge::new(setup.grants);
    let host = placement.media.host();
    check(placement.action(), classification, host, knowledge, setup.policy)
}

fn check(
    action: Action,
    classification: Classification,
    host: MediaHost,
    knowledge: Knowledge,
    policy: Policy,
) -> Result<Option<Missing>, Why> {
    let (kind, hosting) = (classification.kind(), classification.hosting());
    match permission::check(action, kind, hosting, host, &knowledge, policy) {
        permission::Verdict::Go => Ok(None),
        permission::Verdict::Advise(missing) => Ok(Some(missing)),
        permission::Verdict::Refuse(missing) => Err(Why::PermissionMissing(missing)),
    }
}

impl<const R: usize, const O: usize> Call<R, O> {
    #[inline(never)] // a report's stack is not to pay for it
    pub(super) fn command<'a>(
        &mut self,
        now: Timestamp,
        command: &'a Command<'a>,
        output: &mut Output<'a>,
    ) -> Result<(), Refused> {
        let action = self.action_of(command);
        let advice = self.permit(now, action, command).map_err(|why| Refused {
            state: self.facts.state,
            action,
            why,
        })?;
        self.sweep();
        output.of_command(command);
        output.verdict = Verdict::Applied;
        if let Some(restriction) = advice.restriction {
            output.event(Event::Restricted { action, restriction });
        }
        if let Some(missing) = advice.missing {
            output.event(Event::PermissionMissing { action, missing });
        }
        let ticket = self.take_ticket();
        output.ticket = Some(ticket);
        self.carry_out(now, action, command, ticket, output);
        self.let_media_go(now, output);
        Ok(())
    }

    fn action_of(&self, command: &Command<'_>) -> Action {
        match command.action() {
            Action::Answer if self.facts.recording == PolicyRecording::Yes => Action::AnswerPolicyRecording,
            action => action,
        }
    }

    /// Whether the rule books let a command leave, and what they advise; changes nothing.
    fn permit(&self, now: Timestamp, action: Action, command: &Command<'_>) -> Result<Advice, Why> {
        command.check_limits().map_err(Why::Limit)?;
        let mut advice = Advice::default();
        match lifecycle::leave(self.facts.state, action) {
            Leave::IfAnswered(why) if !self.pending.settlement.is_answered() => {
                return Err(Why::Lifecycle(why));
            }
            Leave::IfInferred(why) if self.facts.end != Some(How::Inferred) => {
                return Err(Why::Lifecycle(why));
            }
            Leave::Refuse(why) => return Err(Why::Lifecycle(why)),
            Leave::Advise if !self.facts.overrides.has(Restriction::Established) => {
                advice.restriction = Some(Restriction::Established);
            }
            Leave::Advise | Leave::Allow | Leave::IfAnswered(_) | Leave::IfInferred(_) => {}
        }
        self.may_ask_now(now, action, command)?;
        match restriction::check(action, &self.facts_for(command), self.facts.overrides) {
            restriction::Verdict::Go => {}
            restriction::Verdict::Advise(restriction) => advice.restriction = Some(restriction),
            restriction::Verdict::Refuse(restriction) => return Err(Why::Restricted(restriction)),
        }
        advice.missing = self.check_permission(action, command)?;
        Ok(advice)
    }

    /// Whether what is pending leaves room for the command.
    fn may_ask_now(&self, now: Timestamp, action: Action, command: &Command<'_>) -> Result<(), Why> {
        match command {
            Command::Answer(_) | Command::Reject(_) | Command::Redirect(_) => return self.may_settle(now),
            Command::HangUp if self.is_out(Exchange::HangUp) => return Err(Why::HangingUp),
            Command::HangUp => return Ok(()),
            Command::AnswerJoining(_) if self.pending.joining == 0 => return Err(Why::NobodyJoining),
            Command::AnswerJoining(_) => return Ok(()),
            Command::KeepAlive | Command::Refresh => {
                let exchange = match action {
                    Action::KeepAlive => Exchange::KeepAlive,
                    _ => Exchange::GetCall,
                };
                self.must_be_created()?;
                return if self.is_out(exchange) { Err(Why::Busy(action)) } else { Ok(()) };
            }
            Command::Invite(invitees)
                if invitees.len() > 1 && invitees.iter().any(|one| one.replaces_call_id.is_some()) =>
            {
                return Err(Why::ReplacesOne);
            }
            Command::UpdateRecordingStatus(RecordingStatus::Unrecognised) => return Err(Why::NoStatus),
            Command::SendDtmf { tones, .. } if tones.iter().any(|tone| tone == Tone::Unrecognised) => {
                return Err(Why::NoTone);
            }
            Command::Record(record) if record.stop_tones.iter().any(|tone| tone.key().is_none()) => {
                return Err(Why::NoTone);
            }
            Command::Transfer(_) => {
                return match self.pending.transferring {
                    Transferring::No | Transferring::Unknown => self.must_not_be_leaving(),
                    Transferring::Asked => Err(Why::Busy(action)),
                    Transferring::Taken => Err(Why::Lifecycle(lifecycle::Why::InTransfer)),
                };
            }
            Command::PlayPrompt { .. }
            | Command::Record(_)
            | Command::SubscribeToTone
            | Command::SendDtmf { .. }
            | Command::CancelMediaProcessing => {}
            Command::Mute
            | Command::Unmute
            | Command::Invite(_)
            | Command::RemoveParticipant(_)
            | Command::MuteParticipant(_)
            | Command::StartHoldMusic { .. }
            | Command::StopHoldMusic(_)
            | Command::UpdateRecordingStatus(_)
            | Command::ChangeScreenSharingRole(_)
            | Command::AddLargeGalleryView
            | Command::CreateAudioRoutingGroup(_)
            | Command::UpdateAudioRoutingGroup { .. }
            | Command::DeleteAudioRoutingGroup { .. } => {
                self.must_be_created()?;
                if self.operations.is_asked(of_one_kind(action)) {
                    return Err(Why::Busy(action));
                }
            }
        }
        self.must_not_be_leaving()?;
        if self.operations.has_room() {
            Ok(())
        } else {
            Err(Why::OperationsFull { places: u8::try_from(O).unwrap_or(u8::MAX) })
        }
    }

    fn must_be_created(&self) -> Result<(), Why> {
        if self.pending.creation == Creation::Done { Ok(()) } else { Err(Why::NotCreatedYet) }
    }

    fn must_not_be_leaving(&self) -> Result<(), Why> {
        if self.pending.hanging_up == HangingUp::No { Ok(()) } else { Err(Why::HangingUp) }
    }

    fn may_settle(&self, now: Timestamp) -> Result<(), Why> {
        self.pending.settlement.may_try().map_err(Why::Settlement)?;
        match self.deadlines.of(deadline::Kind::Answer) {
            Some(limit) if now < limit => Ok(()),
            Some(_) | None => Err(Why::Settlement(Unsettled::TooLate)),
        }
    }

    /// The call as the restrictions see it, with what the command names.
    fn facts_for(&self, command: &Command<'_>) -> CallFacts {
        let classification = self.facts.classification;
        let mut facts =
            CallFacts::new(classification.kind(), classification.hosting(), self.facts.media_host);
        facts.chat = self.facts.chat;
        facts.recording = self.facts.recording;
        if let Command::StartHoldMusic { participant, .. } = command
            && self.facts.on_hold.is_some()
            && self.facts.on_hold != folded(*participant)
        {
            facts.hold = Hold::Another;
        }
        if let Command::Transfer(transfer) = command
            && transfer.transferee.is_some()
        {
            facts.transferee = Transferee::Named;
        }
        facts
    }

    pub(super) fn requirement(&self, action: Action) -> Requirement {
        let classification = self.facts.classification;
        permission::required(action, classification.kind(), classification.hosting(), self.facts.media_host)
    }

    /// What the permissions advise of an action. An answer says itself who is going to host the media.
    fn check_permission(&self, action: Action, command: &Command<'_>) -> Result<Option<Missing>, Why> {
        let facts = &self.facts;
        let host = match command {
            Command::Answer(answer) => answer.media.host(),
            _ => facts.media_host,
        };
        check(action, facts.classification, host, facts.knowledge, facts.policy)
    }

    fn carry_out(
        &mut self,
        now: Timestamp,
        action: Action,
        command: &Command<'_>,
        ticket: Ticket,
        output: &mut Output<'_>,
    ) {
        match command {
            Command::Answer(answer) => {
                self.facts.media_host = answer.media.host();
                self.settle(Settling::Answer, ticket, output);
            }
            Command::Reject(_) => self.settle(Settling::Reject, ticket, output),
            Command::Redirect(redirect) => {
                self.settle(Settling::Redirect, ticket, output);
                // Source: Graph docs, call: redirect (it rings for 55 or 60 seconds by default).
                let ring = Span::from_secs(u64::from(redirect.timeout.unwrap_or(60)));
                let news = now.plus(ring).plus(self.facts.timers.of(Timer::News));
                self.deadlines.set(deadline::Kind::News, news);
            }
            Command::Transfer(_) => {
                self.pending.transferring = Transferring::Asked;
                self.pending.outstanding.put(Exchange::Transfer, ticket);
                output.given(ticket, Dispatch::Now);
            }
            Command::HangUp => match self.pending.creation {
                Creation::Done => self.hang_up(ticket, output),
                Creation::Asked | Creation::Unknown => {
                    self.pending.hanging_up = HangingUp::Wanted;
                    self.pending.outstanding.put(Exchange::HangUp, ticket);
                }
            },
            Command::KeepAlive => self.keep_alive(now, ticket, output),
            Command::Refresh => self.refresh(now, ticket, output),
            Command::AnswerJoining(answer) => {
                self.pending.joining = self.pending.joining.saturating_sub(1);
                if self.pending.joining == 0 {
                    self.deadlines.clear(deadline::Kind::Joining);
                }
                if *answer == JoiningAnswer::Accept {
                    self.facts.media.recorded = self.facts.media.recorded.saturating_add(1);
                }
                output.given(ticket, Dispatch::Now);
            }
            Command::CancelMediaProcessing => {
                self.cancel_held(output);
                let asking = Asking::default();
                if self.facts.state.is_connected() {
                    self.ask_operation(action, ticket, asking, output);
                } else if self.operations.ask(ticket, action, asking).is_some()
                    && let Some(ended) = self.operations.close(ticket, Outcome::Completed)
                {
                    // Nothing is at the service yet that could be cancelled.
                    self.facts.marks.set(Marks::ENDED);
                    output.event(super::operations::operation_ended(&ended, Outcome::Completed));
                }
            }
            Command::Record(record) => {
                let interrupts = record.barge_in == BargeIn::Interrupts;
                if interrupts {
                    self.cancel_held(output);
                }
                let asking = Asking { interrupts, ..self.usual() };
                self.ask_operation(action, ticket, asking, output);
            }
            Command::PlayPrompt { repeat, .. } => {
                let asking = Asking { endless: *repeat == Repeat::Forever, ..self.usual() };
                self.ask_operation(action, ticket, asking, output);
            }
            Command::StartHoldMusic { participant, .. } => {
                self.facts.on_hold = folded(*participant);
                self.ask_operation(action, ticket, self.usual(), output);
            }
            Command::UpdateRecordingStatus(status) => {
                self.pending.reporting = Some(*status);
                self.facts.media.recording_reported(*status);
                self.ask_operation(action, ticket, self.usual(), output);
            }
            Command::SubscribeToTone
            | Command::SendDtmf { .. }
            | Command::Mute
            | Command::Unmute
            | Command::Invite(_)
            | Command::RemoveParticipant(_)
            | Command::MuteParticipant(_)
            | Command::StopHoldMusic(_)
            | Command::ChangeScreenSharingRole(_)
            | Command::AddLargeGalleryView
            | Command::CreateAudioRoutingGroup(_)
            | Command::UpdateAudioRoutingGroup { .. }
            | Command::DeleteAudioRoutingGroup { .. } => {
                self.ask_operation(action, ticket, self.usual(), output);
            }
        }
    }

    fn settle(&mut self, settling: Settling, ticket: Ticket, output: &mut Output<'_>) {
        self.pending.settlement = Settlement::Asked(settling);
        self.pending.outstanding.put(Exchange::Settle, ticket);
        output.given(ticket, Dispatch::Now);
    }

    #[inline(never)]
    pub(super) fn hang_up(&mut self, ticket: Ticket, output: &mut Output<'_>) {
        self.pending.hanging_up = HangingUp::Sent;
        // What is asked already may be answered before the call is torn down.
        self.pending.doubt.overtake();
        self.pending.outstanding.put(Exchange::HangUp, ticket);
        output.hang_up(ticket);
    }

    pub(super) fn keep_alive(&mut self, now: Timestamp, ticket: Ticket, output: &mut Output<'_>) {
        self.pending.outstanding.put(Exchange::KeepAlive, ticket);
        self.arm(now, deadline::Kind::KeepAlive, Timer::KeepAlive);
        output.keep_alive(ticket);
    }

    /// Asks for the call, and for whatever else can be asked for.
    ///
    /// Source: Graph docs, call: get, call: list participants (not of a call between two endpoints).
    fn refresh(&mut self, now: Timestamp, ticket: Ticket, output: &mut Output<'_>) {
        self.put_as(Question::Call, now, ticket, output);
        let may_list = !self.facts.state.is_ended() && !self.is_out(Exchange::ListParticipants);
        if may_list && self.has_roster() {
            let ticket = self.take_ticket();
            self.put_as(Question::Participants, now, ticket, output);
        }
        let wait = self.facts.timers.of(Timer::Operation);
        if let Some((of, id)) = self.operations.ask_running(now, wait) {
            self.get_operation(of, id, output);
        }
    }

    fn usual(&self) -> Asking {
        Asking { media_is_usable: self.is_media_usable(), ..Asking::default() }
    }

    fn ask_operation(&mut self, action: Action, ticket: Ticket, asking: Asking, output: &mut Output<'_>) {
        let dispatch = if self.operations.ask(ticket, action, asking) == Some(true) {
            Dispatch::Now
        } else {
            self.facts.marks.set(Marks::HELD);
            Dispatch::Held
        };
        output.given(ticket, dispatch);
    }

    fn cancel_held(&mut self, output: &mut Output<'_>) {
        let places = self.operations.cancel_held();
        if !places.is_empty() {
            self.facts.marks.set(Marks::ENDED);
            output.event(Event::OperationsEnded { places });
        }
    }
}

/// The actions of which one request may be out at a time.
const fn of_one_kind(action: Action) -> Actions {
    match action {
        Action::Invite | Action::InviteSeveral => Actions::of(&[Action::Invite, Action::InviteSeveral]),
        Action::Mute | Action::Unmute => Actions::of(&[Action::Mute, Action::Unmute]),
        Action::StartHoldMusic | Action::StopHoldMusic => {
            Actions::of(&[Action::StartHoldMusic, Action::StopHoldMusic])
        }
        other => Actions::of(&[other]),
    }
}
