//! How a report changes a call: each is handed to the rule book that it concerns.

use super::{Call, Output, Verdict, chat_of, folded};
use crate::action::Action;
use crate::classification::{HostingCause, Kind};
use crate::deadline::{self, Timer};
use crate::event::Event;
use crate::lifecycle::end::How;
use crate::lifecycle::pending::{Creation, Exchange, HangingUp, Settlement, Settling, Transferring};
use crate::lifecycle::{self, Effect, News, State};
use crate::permission::{self, Grants};
use crate::report::{CallNews, Change, Report, Told, ToneInfo, Topic};
use crate::restriction::{Chat, PolicyRecording};
use crate::result::{Class, ResultInfo};
use crate::time::Timestamp;

/// Where news comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// A notification, which may come late.
    Notification,
    /// The answer to a question, which says what is.
    Answer,
}

impl<const R: usize, const O: usize> Call<R, O> {
    pub(super) fn report(&mut self, now: Timestamp, report: &Report<'_>, output: &mut Output<'_>) -> Verdict {
        match report {
            Report::Call { change, news } => self.call_news(now, *change, news, Source::Notification, output),
            Report::Roster(news) => self.roster_news(now, news, Source::Notification, output),
            Report::Operation { change, news } => self.operation_news(now, *change, news, output),
            // They are of a call that lives.
            Report::ContentSharing { .. } | Report::Joining | Report::Left if self.facts.state.is_ended() => {
                Verdict::Stale
            }
            Report::ContentSharing { change, session } => {
                let sharing = self.facts.media.shared(*change == Change::Deleted, *session);
                tell(sharing.map(Event::ContentSharing), output)
            }
            Report::Joining => self.joining(now, output),
            Report::Left => {
                self.facts.media.recorded = self.facts.media.recorded.saturating_sub(1);
                output.event(Event::RecordedParticipantLeft);
                Verdict::Applied
            }
            Report::Unrecognised => not_used(Topic::Unrecognised, output),
            Report::Response(response) => self.response(now, response, output),
            Report::NoResponse { ticket } => self.no_response(now, *ticket, output),
            Report::NotSent { ticket } => self.not_sent(now, *ticket, output),
            Report::Granted(grants) => self.granted(*grants),
        }
    }

    fn granted(&mut self, grants: Grants) -> Verdict {
        let before = self.facts.knowledge;
        self.facts.knowledge = before.restated(grants);
        if before == self.facts.knowledge { Verdict::Repeat } else { Verdict::Applied }
    }

    /// Source: Graph docs, participantJoiningNotification. That it comes at all says that the call is one of policy-based
    /// recording.
    fn joining(&mut self, now: Timestamp, output: &mut Output<'_>) -> Verdict {
        self.facts.recording = PolicyRecording::Yes;
        if self.pending.joining == 0 {
            self.arm(now, deadline::Kind::Joining, Timer::AnswerPolicyRecording);
        }
        self.pending.joining = self.pending.joining.saturating_add(1);
        output.event(Event::Joining);
        Verdict::Applied
    }

    pub(super) fn call_news(
        &mut self,
        now: Timestamp,
        change: Change,
        news: &CallNews,
        source: Source,
        output: &mut Output<'_>,
    ) -> Verdict {
        let told = match (change, news.state) {
            (Change::Deleted, _) => Some(State::Terminated),
            (Change::Created | Change::Updated, Told::State(state)) => Some(state),
            (Change::Created | Change::Updated, Told::Nothing | Told::Unrecognised) => None,
        };
        let mut is_new = self.learn_id(news.id);
        if let (None, Some(own)) = (self.facts.own_participant, news.own_participant) {
            self.facts.own_participant = folded(own);
            is_new = true;
        }
        if self.facts.state.is_ended() {
            return self.news_after_the_end(now, told, news, source, output);
        }
        let was_established = self.facts.ever_established;
        is_new |= self.learn_of_creation(now, output);
        let mut verdict = Verdict::Repeat;
        if chat_of(news.coordinates) == Chat::Known && self.facts.chat == Chat::Unknown {
            self.facts.chat = Chat::Known;
            is_new = true;
        }
        if self.facts.classification.saw_coordinates(news.coordinates).hosting {
            output.event(Event::HostingChanged(HostingCause::Coordinates));
        }
        if matches!(told, Some(State::Terminating | State::Terminated)) {
            is_new |= self.learn_of_the_end(news);
        }
        if let Some(state) = told {
            // A transfer that failed explains why the call is just established again: there is nothing to ask.
            let in_transfer = matches!(self.facts.state, State::Transferring | State::TransferAccepted);
            let is_explained =
                in_transfer && state == State::Established && self.failed_transfer(news).is_some();
            let source = if is_explained { Source::Answer } else { source };
            verdict = self.told_state(now, state, source, output);
        } else if news.tone.is_some() && !self.facts.ever_established {
            verdict = self.told_state(now, lifecycle::WITH_TONES, source, output);
            self.ask(now, output);
        }
        self.transfer_news(now, told, news, source, output);
        if news.state == Told::Unrecognised && change != Change::Deleted {
            self.ask(now, output);
            verdict = Verdict::Unexplained;
        }
        is_new |= self.hear(now, news, was_established, source, output);
        self.hang_up_if_wanted(output);
        if source == Source::Answer {
            self.wait_on(now);
        }
        is_new |= !output.events().is_empty();
        if is_new && verdict != Verdict::Unexplained { Verdict::Applied } else { verdict }
    }

    /// What does not go on by itself is asked for again, after a while.
    fn wait_on(&mut self, now: Timestamp) {
        match self.facts.state {
            State::Transferring | State::TransferAccepted | State::Redirecting | State::Terminating => {
                self.arm(now, deadline::Kind::News, Timer::KeepAliveRetry);
            }
            // A hang-up was taken, and the call is there all the same: another command may be tried.
            State::Incoming
            | State::Establishing
            | State::Ringing
            | State::Established
            | State::Hold
            | State::Terminated => {
                if self.pending.hanging_up == HangingUp::Sent && !self.is_out(Exchange::HangUp) {
                    self.pending.hanging_up = HangingUp::No;
                }
            }
        }
    }

    /// Takes in audio, tones, and what else only a call that is or was established can have; whether the audio is news.
    fn hear(
        &mut self,
        now: Timestamp,
        news: &CallNews,
        was_established: bool,
        source: Source,
        output: &mut Output<'_>,
    ) -> bool {
        if self.facts.state.is_ended() {
            return false;
        }
        let known = self.facts.media.audio();
        let transcription = self.facts.media.transcription();
        if let Some(audio) = news.audio {
            self.facts.media.told(audio);
        }
        let audio = self.facts.media.audio();
        if self.facts.ever_established {
            let first_heard = !was_established && known.is_some();
            if let Some(audio) = audio.filter(|_| audio != known || first_heard) {
                output.event(Event::MediaChanged { audio });
            }
            if let Some(ToneInfo { sequence, tone }) = news.tone
                && let Some(arrival) = self.facts.media.hear(sequence)
            {
                output.event(Event::Tone { sequence, tone, arrival });
            }
        }
        if let Some(told) = news.transcription
            && self.facts.media.transcribed(told)
        {
            output.event(Event::TranscriptionChanged(told));
        }
        let (by, routing) = (news.answered_by, news.routing);
        let is_new = (by.is_some() && by != self.facts.answered_by)
            || (routing.is_some() && routing != self.facts.routing);
        if is_new {
            self.facts.answered_by = by.or(self.facts.answered_by);
            self.facts.routing = routing.or(self.facts.routing);
            output.event(Event::Reached { by: self.facts.answered_by, routing: self.facts.routing });
        }
        // What goes and comes has no documented order: which is the newer?
        let came_and_went = (known.is_some() && audio != known)
            || (transcription.is_some() && transcription != self.facts.media.transcription());
        if came_and_went && source == Source::Notification {
            self.ask(now, output);
        }
        audio != known
    }

    /// Source: Graph docs, application: post calls; news of a call may come before the answer to its creation.
    pub(super) fn learn_of_creation(&mut self, now: Timestamp, output: &mut Output<'_>) -> bool {
        if self.pending.creation == Creation::Done {
            return false;
        }
        self.pending.creation = Creation::Done;
        self.deadlines.clear(deadline::Kind::Creation);
        self.arm(now, deadline::Kind::KeepAlive, Timer::KeepAlive);
        self.arm(now, deadline::Kind::News, Timer::Creation);
        if matches!(self.facts.created_by, Action::Place | Action::PlaceGroup) {
            self.let_ring(now);
        }
        output.event(Event::Created);
        true
    }

    pub(super) fn told_state(
        &mut self,
        now: Timestamp,
        told: State,
        source: Source,
        output: &mut Output<'_>,
    ) -> Verdict {
        match (lifecycle::effect(self.facts.state, News::told(told)), source) {
            (Effect::To(to), Source::Notification | Source::Answer)
            | (Effect::Adopt(to) | Effect::AsAsked(to), Source::Answer) => {
                self.enter(now, to, output);
                Verdict::Applied
            }
            (Effect::AsAsked(to), Source::Notification) => {
                let asked = self.is_asked_for(to);
                self.enter(now, to, output);
                if !asked {
                    self.ask(now, output);
                }
                Verdict::Applied
            }
            (Effect::Adopt(to), Source::Notification) => {
                self.enter(now, to, output);
                self.ask(now, output);
                Verdict::Applied
            }
            (Effect::Unexplained, Source::Answer) => {
                self.enter(now, told, output);
                Verdict::Applied
            }
            (Effect::Unexplained, Source::Notification) => {
                self.ask(now, output);
                Verdict::Unexplained
            }
            (Effect::Same, Source::Notification | Source::Answer) => Verdict::Repeat,
            (Effect::Stale, Source::Notification | Source::Answer) => {
                if told.is_connected() && !self.facts.ever_established {
                    // Late, and yet news: an end that is under way followed an established call.
                    self.first_established(output);
                }
                Verdict::Stale
            }
        }
    }

    /// Whether the bot asked for what leads to this state.
    fn is_asked_for(&self, state: State) -> bool {
        match state {
            State::Transferring | State::TransferAccepted => self.pending.transferring != Transferring::No,
            State::Redirecting => self.pending.settlement.settling() == Some(Settling::Redirect),
            State::Incoming
            | State::Establishing
            | State::Ringing
            | State::Established
            | State::Hold
            | State::Terminating
            | State::Terminated => false,
        }
    }

    /// Takes in what news says of the bot's transfer. A result on a call that goes on is the transfer's, and no end.
    ///
    /// Source: Graph docs, call: transfer (500/7000 and 500/7700 with `established`). That any other failure there is the
    /// transfer's as well is assumed: if it is wrong, the bot learns of a failure of a transfer that goes on.
    fn transfer_news(
        &mut self,
        now: Timestamp,
        told: Option<State>,
        news: &CallNews,
        source: Source,
        output: &mut Output<'_>,
    ) {
        if self.pending.transferring == Transferring::No || !self.facts.state.is_connected() {
            return;
        }
        match (told, self.failed_transfer(news), source) {
            (Some(State::Established), Some(result), _) => {
                self.pending.transferring = Transferring::No;
                self.deadlines.clear(deadline::Kind::News);
                output.event(Event::TransferFailed(Some(result)));
            }
            // The service says that the call just goes on: whether the transfer failed or never began is not told.
            (Some(State::Established), None, Source::Answer)
                if self.pending.transferring == Transferring::Taken =>
            {
                self.pending.transferring = Transferring::Unknown;
            }
            (Some(State::Transferring | State::TransferAccepted), _, _) => {
                self.pending.transferring = Transferring::Taken;
                self.arm(now, deadline::Kind::News, Timer::News);
            }
            (_, _, _) => {}
        }
    }

    /// The result of a transfer that failed, if the bot transfers and there is one.
    fn failed_transfer(&self, news: &CallNews) -> Option<ResultInfo> {
        news.result.filter(|result| {
            self.pending.transferring != Transferring::No
                && matches!(result.class(), Class::Refused | Class::Failed)
        })
    }

    /// Lets the hang-up go that waited for the creation of the call.
    pub(super) fn hang_up_if_wanted(&mut self, output: &mut Output<'_>) {
        let is_due = self.pending.hanging_up == HangingUp::Wanted && self.pending.creation == Creation::Done;
        if let Some(ticket) = self.pending.outstanding.of(Exchange::HangUp).filter(|_| is_due) {
            self.hang_up(ticket, output);
        }
    }

    /// The one place where the state changes.
    pub(super) fn enter(&mut self, now: Timestamp, to: State, output: &mut Output<'_>) {
        if to.is_ended() {
            self.finish(How::Told, output);
            return;
        }
        let from = core::mem::replace(&mut self.facts.state, to);
        if from == to {
            return;
        }
        self.pending.doubt.overtake();
        match to {
            // What hands the call on was waited for from its command on.
            State::Redirecting => {}
            State::Transferring | State::TransferAccepted | State::Terminating => {
                self.arm(now, deadline::Kind::News, Timer::News);
            }
            State::Incoming | State::Establishing | State::Ringing | State::Established | State::Hold => {
                self.deadlines.clear(deadline::Kind::News);
            }
            State::Terminated => {}
        }
        output.event(Event::StateChanged { from, to });
        if from == State::Incoming {
            self.deadlines.clear(deadline::Kind::Answer);
            self.pending.settlement = match self.pending.settlement {
                // Not by this bot: another instance of it may have answered.
                Settlement::Open | Settlement::Expired => Settlement::NotNeeded,
                Settlement::Asked(settling) | Settlement::Unknown(settling) | Settlement::Taken(settling) => {
                    Settlement::Taken(settling)
                }
                Settlement::NotNeeded => Settlement::NotNeeded,
            };
        }
        if !matches!(to, State::Establishing | State::Ringing) {
            self.deadlines.clear(deadline::Kind::Ring);
        }
        if to.is_connected() && !self.facts.ever_established {
            self.first_established(output);
        }
    }

    /// Source: Graph docs, call (callState); Teams docs, calls and meetings bots overview (the bot is dropped without a
    /// permission for group calls when somebody adds a participant).
    pub(super) fn first_established(&mut self, output: &mut Output<'_>) {
        self.facts.ever_established = true;
        output.event(Event::Established);
        if self.facts.recording == PolicyRecording::Yes {
            self.facts.media.recorded = self.facts.media.recorded.max(1);
        }
        let dropped = permission::would_be_dropped(&self.facts.knowledge);
        if let Some(missing) = dropped.filter(|_| self.kind() == Kind::PeerToPeer) {
            output.event(Event::DroppedIfGroup(missing));
        }
    }
}

pub(super) fn not_used(topic: Topic, output: &mut Output<'_>) -> Verdict {
    output.event(Event::NotUsed(topic));
    Verdict::NotUsed
}

fn tell(event: Option<Event>, output: &mut Output<'_>) -> Verdict {
    match event {
        Some(event) => {
            output.event(event);
            Verdict::Applied
        }
        None => Verdict::Repeat,
    }
}
