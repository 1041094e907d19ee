//! What the service does with a request, and what it answers.

use std::vec::Vec;

use super::{Doing, Happened, Running, Service, after, call_id, normal, operation_id};
use crate::action::Action;
use crate::command::{Command, Destination, Repeat};
use crate::id::{OperationId, Ticket};
use crate::lifecycle::State;
use crate::list::List;
use crate::media::MediaHost;
use crate::meeting::Coordinates;
use crate::operation::Status;
use crate::report::{CallNews, OperationNews};
use crate::request::{Dispatch, Request};
use crate::roster::{Extent, Participant, Presence};
use crate::testing::act::{Act, Carried, Which};
use crate::testing::script::Fate;
use crate::time::{Span, Timestamp};

/// What the service answers.
struct Answer {
    status: u16,
    code: u32,
    body: Carried,
}

const fn plain(status: u16) -> Answer {
    Answer { status, code: 0, body: Carried::None }
}

/// The call is not there (any more).
const GONE: Answer = Answer { status: 404, code: 8522, body: Carried::None };

/// How long a request waits for its answer before the embedder gives up.
const GIVEN_UP_AFTER: Span = Span::from_secs(30);

/// A request as the service gets it: a held one comes when it is released.
pub(crate) enum Sent<'r> {
    /// As the call gave it.
    Request(&'r Request<'r>),
    /// One that was held.
    Released(Ticket, Command<'r>),
}

impl Service {
    /// Takes a request, as its fate has it.
    pub(crate) fn request(&mut self, now: Timestamp, sent: &Sent<'_>) {
        let ticket = match sent {
            Sent::Request(Request::Perform { dispatch: Dispatch::Held, .. } | Request::Release { .. }) => {
                return;
            }
            Sent::Request(request) => request.ticket(),
            Sent::Released(ticket, _) => *ticket,
        };
        if let Sent::Request(Request::Perform { command: Command::AnswerJoining(_), .. }) = sent {
            // It is itself the answer to a request of the service's.
            self.carried_out(now, Action::AnswerJoining);
            return;
        }
        let which = Which::Ticket(ticket);
        let fates = if is_question(sent) { &mut self.questions } else { &mut self.fates };
        let (late, respond) = match fates.next().unwrap_or(Fate::Answered(30)) {
            Fate::Answered(millis) => {
                let answer = self.serve(now, ticket, sent);
                (
                    Span::from_millis(millis.into()),
                    Act::Response(which, answer.status, answer.code, answer.body),
                )
            }
            Fate::AnswerLost => {
                self.serve(now, ticket, sent);
                (GIVEN_UP_AFTER, Act::NoResponse(which))
            }
            Fate::Lost => (GIVEN_UP_AFTER, Act::NoResponse(which)),
            Fate::NotSent => (Span::from_millis(5), Act::NotSent(which)),
            Fate::Refused(status, code) => {
                (Span::from_millis(30), Act::Response(which, status, code, Carried::None))
            }
            Fate::GatewayTimeout => {
                self.serve(now, ticket, sent);
                (GIVEN_UP_AFTER, Act::Response(which, 504, 0, Carried::None))
            }
            Fate::Fails => (Span::from_millis(30), Act::Response(which, 500, 0, Carried::None)),
        };
        self.deliver(now.plus(late), respond);
    }

    fn carried_out(&mut self, now: Timestamp, action: Action) {
        self.happened.push((now, Happened::CarriedOut(action)));
    }

    fn serve(&mut self, now: Timestamp, ticket: Ticket, sent: &Sent<'_>) -> Answer {
        let command = match sent {
            Sent::Released(_, command) => command,
            Sent::Request(Request::Perform { command, .. }) => command,
            Sent::Request(Request::Create { placement, .. }) => {
                self.media_host = placement.media.host();
                self.options = placement.options;
                return self.creates(now, placement.action(), &placement.to);
            }
            Sent::Request(Request::ListParticipants { .. }) => return self.lists(),
            Sent::Request(Request::GetOperation { operation, .. }) => {
                return self.gets(*operation);
            }
            Sent::Request(Request::Release { .. }) => return plain(400),
        };
        let Some(state) = self.state.filter(|state| !state.is_ended()) else { return GONE };
        let answer = self.performs(now, ticket, state, command);
        if answer.status / 100 == 2 {
            let action = match command.action() {
                Action::Answer if self.is_recorded => Action::AnswerPolicyRecording,
                action => action,
            };
            self.carried_out(now, action);
        }
        answer
    }

    /// Source: Graph docs, application: post calls.
    fn creates(&mut self, now: Timestamp, action: Action, to: &Destination<'_>) -> Answer {
        if self.state.is_some() {
            return plain(409);
        }
        self.state = Some(State::Establishing);
        self.kept = now;
        self.plan(now, super::CLEARED_UP_AFTER, Doing::LooksForKeepAlive);
        self.carried_out(now, action);
        let news = CallNews { id: Some(call_id()), ..CallNews::of(State::Establishing) };
        self.tell_call(now, news);
        let targets = match to {
            Destination::Targets(targets) => targets.len(),
            Destination::Meeting(_) => 2,
        };
        for _ in 0..targets {
            self.arrives();
        }
        self.is_hosted |= targets > 1;
        if self.manners.rings && matches!(to, Destination::Targets(_)) {
            self.state = Some(State::Ringing);
            self.tell_call(now.plus(Span::from_millis(50)), CallNews::of(State::Ringing));
        }
        let (pause, connects) = after(self.manners.pick_up);
        self.plan(now, pause, if connects { Doing::Connect } else { Doing::End(Some(normal(5002))) });
        Answer { status: 201, code: 0, body: Carried::Call(news) }
    }

    /// Source: Graph docs, call: list participants; field reports (an empty list).
    fn lists(&self) -> Answer {
        match self.state {
            None | Some(State::Terminated) => GONE,
            Some(_) => {
                let list = if self.is_hosted { self.roster() } else { Vec::new() };
                Answer { status: 200, code: 0, body: Carried::Roster(Extent::Full, list) }
            }
        }
    }

    /// Source: Graph docs, addLargeGalleryViewOperation: get; assumed for the others.
    fn gets(&self, operation: OperationId) -> Answer {
        let running = self.running.iter().map(|(number, one)| (*number, *one, Status::Running));
        let ended = self.ended.iter().map(|(number, (one, status))| (*number, *one, *status));
        match running.chain(ended).find(|(number, ..)| operation_id(*number) == operation) {
            Some((number, one, status)) => {
                let body = Carried::Operation(self.operation_news(number, &one, status));
                Answer { status: 200, code: 0, body }
            }
            None => plain(404),
        }
    }

    /// Takes an answer, a rejection or a redirection, where it still can.
    ///
    /// Source: Graph docs, call: answer, call: reject, call: redirect.
    fn settles(&mut self, now: Timestamp, state: State, command: &Command<'_>) -> Answer {
        if state != State::Incoming || self.is_settled {
            return plain(409);
        }
        self.is_settled = true;
        match command {
            Command::Answer(answer) => {
                self.media_host = answer.media.host();
                self.options = answer.options;
                let (pause, connects) = after(self.manners.pick_up);
                self.tell_call(now, CallNews::of(State::Establishing));
                self.plan(now, pause, if connects { Doing::Connect } else { Doing::End(Some(normal(5002))) });
            }
            Command::Redirect(_) => {
                let (pause, _) = after(self.manners.invitation);
                self.plan(now, pause, Doing::End(None));
            }
            _ => self.plan(now, Span::from_millis(10), Doing::End(None)),
        }
        plain(202)
    }

    fn performs(&mut self, now: Timestamp, ticket: Ticket, state: State, command: &Command<'_>) -> Answer {
        let connected = state.is_connected();
        let is_service_hosted = self.media_host == MediaHost::Service;
        match command {
            Command::Answer(_) | Command::Reject(_) | Command::Redirect(_) => {
                self.settles(now, state, command)
            }
            Command::Refresh => {
                // The answers of the page have no mediaState; field reports have coordinates in them.
                let coordinates = if self.is_hosted { Coordinates::Both } else { Coordinates::None };
                let news = CallNews {
                    id: Some(call_id()),
                    coordinates,
                    own_participant: Some(self.own.id),
                    ..CallNews::of(state)
                };
                Answer { status: 200, code: 0, body: Carried::Call(news) }
            }
            Command::KeepAlive => {
                self.kept = now;
                plain(200)
            }
            Command::HangUp if state == State::Incoming && !self.is_settled => plain(409),
            Command::HangUp => {
                self.plan(now, Span::from_millis(50), Doing::End(Some(normal(7000))));
                plain(204)
            }
            Command::Transfer(transfer) if matches!(state, State::Established | State::Hold) => {
                let is_named = transfer.transferee.is_some();
                if self.is_hosted && !is_named {
                    return Answer { code: 8523, ..plain(400) };
                }
                self.transfers(now);
                plain(202)
            }
            Command::PlayPrompt { repeat, .. } if connected && is_service_hosted => {
                let ends = (*repeat == Repeat::Once).then_some(Status::Completed);
                self.runs(now, ticket, command.action(), ends)
            }
            Command::Record(_) if connected && is_service_hosted => {
                self.runs(now, ticket, Action::Record, Some(Status::Completed))
            }
            Command::SendDtmf { .. } if connected => {
                self.runs(now, ticket, Action::SendDtmf, Some(Status::Completed))
            }
            Command::SubscribeToTone if connected && is_service_hosted => {
                self.is_subscribed = true;
                done(200)
            }
            Command::CancelMediaProcessing if connected && is_service_hosted => {
                self.cancels(now);
                done(200)
            }
            Command::Invite(invitees) if connected && !self.own.is_in_lobby => {
                self.invites(now, ticket, *invitees)
            }
            Command::Mute | Command::Unmute | Command::UpdateRecordingStatus(_) if connected => done(200),
            Command::MuteParticipant(_)
            | Command::RemoveParticipant(_)
            | Command::StartHoldMusic { .. }
            | Command::StopHoldMusic(_)
                if connected && self.is_hosted =>
            {
                self.on_participant(now, ticket, command)
            }
            Command::AddLargeGalleryView if connected && self.is_hosted => {
                self.runs(now, ticket, Action::AddLargeGalleryView, Some(Status::Completed))
            }
            Command::ChangeScreenSharingRole(_) if connected && self.is_hosted && !is_service_hosted => {
                plain(202)
            }
            Command::CreateAudioRoutingGroup(_) if connected => plain(201),
            Command::UpdateAudioRoutingGroup { .. } if connected => plain(200),
            Command::DeleteAudioRoutingGroup { .. } if connected => plain(204),
            _ => plain(400),
        }
    }

    fn transfers(&mut self, now: Timestamp) {
        self.enters(now, State::Transferring);
        let (pause, succeeds) = after(self.manners.transfer);
        if succeeds {
            self.plan(now, Span::from_millis(pause.as_millis() / 2), Doing::TransferIsAccepted);
        }
        self.plan(now, pause, Doing::TransferEnds(succeeds));
    }

    /// Starts an operation that ends by notification, in this way.
    fn runs(&mut self, now: Timestamp, ticket: Ticket, action: Action, ends: Option<Status>) -> Answer {
        self.operations = self.operations.saturating_add(1);
        let number = self.operations;
        let running = Running { ticket, action, invited: None };
        self.running.insert(number, running);
        if let Some(status) = ends {
            let pause = Span::from_millis(self.manners.playing.into());
            self.plan(now, pause, Doing::EndOperation(number, status));
        }
        let body = Carried::Operation(self.operation_news(number, &running, Status::Running));
        Answer { status: 200, code: 0, body }
    }

    /// Source: Graph docs, participant: invite; field reports (a conversation from then on; rosters begin).
    fn invites(
        &mut self,
        now: Timestamp,
        ticket: Ticket,
        invitees: List<'_, crate::command::Invitee<'_>>,
    ) -> Answer {
        let (pause, accepts) = after(self.manners.invitation);
        let is_pending = self.running.values().any(|one| one.invited.is_some());
        if is_pending || invitees.len() > 1 && !self.is_hosted || self.others.len() > 5 {
            return plain(409);
        }
        self.operations = self.operations.saturating_add(1);
        let number = self.operations;
        let invited = Some(self.next_id());
        let running = Running { ticket, action: Action::Invite, invited };
        self.running.insert(number, running);
        self.is_hosted = true;
        self.tell_roster(now);
        let status = if accepts { Status::Completed } else { Status::Failed };
        self.plan(now, pause, Doing::EndOperation(number, status));
        let body = Carried::Operation(self.operation_news(number, &running, Status::Running));
        Answer { status: 200, code: 0, body }
    }

    fn on_participant(&mut self, now: Timestamp, ticket: Ticket, command: &Command<'_>) -> Answer {
        let (Command::MuteParticipant(id)
        | Command::RemoveParticipant(id)
        | Command::StopHoldMusic(id)
        | Command::StartHoldMusic { participant: id, .. }) = command
        else {
            return plain(400);
        };
        let Some(place) = self.others.iter().position(|person| person.id == *id) else { return plain(404) };
        match command {
            Command::StartHoldMusic { .. } => {
                self.runs(now, ticket, Action::StartHoldMusic, Some(Status::Completed))
            }
            Command::MuteParticipant(_) => {
                let mute = Some(crate::media::Mute::On);
                if let Some(person) = self.others.get_mut(place) {
                    person.mute = crate::media::Mute::On;
                }
                let one = Participant { mute, ..Participant::new(Some(*id), Presence::Present) };
                self.tell_roster_of(now, one, true);
                done(200)
            }
            Command::RemoveParticipant(_) => {
                self.leaves(now, place);
                plain(204)
            }
            _ => done(200),
        }
    }
}

/// Whether a request is one that the call may make by itself, and repeat.
fn is_question(sent: &Sent<'_>) -> bool {
    matches!(
        sent,
        Sent::Request(
            Request::ListParticipants { .. }
                | Request::GetOperation { .. }
                | Request::Perform { command: Command::KeepAlive | Command::Refresh, .. }
        )
    )
}

/// An operation that is completed in the answer.
const fn done(status: u16) -> Answer {
    Answer { status, code: 0, body: Carried::Operation(OperationNews::of(Status::Completed)) }
}
