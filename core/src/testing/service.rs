//! A service: what Graph may do to one call, in virtual time, written from the documentation and not from core's tables.
//!
//! It has the facts, carries out what is asked of it as far as a page allows, tells what changed over a channel that may
//! delay, repeat and lose, and answers questions truly. People act as a [`History`] says.

mod requests;

pub(crate) use requests::Sent;

use std::collections::{BTreeMap, BTreeSet};
use std::vec::Vec;

use super::act::{Act, Opening, participant_id};
use super::invariant::Facts;
use super::script::{AudioManner, Channel, Fate, Fault, History, Manners, Reaction, Scene};
use crate::action::Action;
use crate::command::CallOptions;
use crate::id::{CallId, CallKey, ClientContext, OperationId, ParticipantId, Sequence, SessionId, Ticket};
use crate::lifecycle::State;
use crate::media::{Audio, MediaHost, Mute, Tone};
use crate::meeting::Coordinates;
use crate::operation::{Completion, Status};
use crate::report::{CallNews, Change, OperationNews, ToneInfo};
use crate::restriction::PolicyRecording;
use crate::result::ResultInfo;
use crate::roster::{Extent, Participant, Presence};
use crate::time::{Span, Timestamp};

/// What the service does, or what befalls it, at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    Scene(Scene),
    Connect,
    Audio(Audio),
    EndOperation(u8, Status),
    TransferIsAccepted,
    TransferEnds(bool),
    End(Option<ResultInfo>),
    /// The limit for answering passes.
    Limit,
    /// Whether the call was kept alive.
    LooksForKeepAlive,
}

/// What happened, for the trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened {
    /// Somebody did something.
    Scene(Scene),
    /// The service carried out what was asked of it.
    CarriedOut(Action),
    /// The call ended.
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Person {
    id: ParticipantId,
    is_in_lobby: bool,
    mute: Mute,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Running {
    ticket: Ticket,
    action: Action,
    invited: Option<ParticipantId>,
}

/// One call at the service: what Graph may do to it, in virtual time.
#[allow(clippy::struct_excessive_bools)] // each is a fact of its own
#[derive(Clone, Debug)]
pub struct Service {
    key: CallKey,
    manners: Manners,
    /// None before its creation.
    state: Option<State>,
    is_settled: bool,
    is_hosted: bool,
    is_recorded: bool,
    media_host: MediaHost,
    options: CallOptions,
    own: Person,
    others: Vec<Person>,
    people: u8,
    audio: Option<Audio>,
    is_subscribed: bool,
    tones: u64,
    rosters: u64,
    is_sharing: bool,
    kept: Timestamp,
    running: BTreeMap<u8, Running>,
    ended: BTreeMap<u8, (Running, Status)>,
    operations: u8,
    agenda: BTreeMap<(Timestamp, u32), Doing>,
    deliveries: BTreeMap<(Timestamp, u32), Act>,
    happened: Vec<(Timestamp, Happened)>,
    entries: u32,
    fates: std::vec::IntoIter<Fate>,
    questions: std::vec::IntoIter<Fate>,
    /// Of the call, of rosters, and of operations.
    faults: [std::vec::IntoIter<Fault>; 3],
}

/// Source: Graph docs, call: keepAlive.
const CLEARED_UP_AFTER: Span = Span::from_minutes(45);
/// How long a notification takes that nothing befalls.
const USUAL: Span = Span::from_millis(20);

const fn normal(subcode: u32) -> ResultInfo {
    ResultInfo { code: 200, subcode }
}

impl Service {
    /// The service before `history`, in which the call opens at `now`.
    pub fn new(history: &History, now: Timestamp) -> Self {
        let own = Person { id: participant_id(1), is_in_lobby: false, mute: Mute::Off };
        let (setup, state, coordinates) = match &history.opening {
            Opening::Offered(setup, offer) => (setup, Some(State::Incoming), offer.coordinates),
            Opening::Placed(setup, placement) => (setup, None, placement.coordinates()),
        };
        let Channel { calls, rosters, operations } = history.channel.clone();
        let mut service = Self {
            key: setup.key,
            manners: history.manners,
            state,
            is_settled: false,
            is_hosted: coordinates.are_given(),
            is_recorded: false,
            media_host: MediaHost::Service,
            options: CallOptions::NONE,
            own,
            others: Vec::new(),
            people: 1,
            audio: None,
            is_subscribed: false,
            tones: 5,
            rosters: 0,
            is_sharing: false,
            kept: now,
            running: BTreeMap::new(),
            ended: BTreeMap::new(),
            operations: 0,
            agenda: BTreeMap::new(),
            deliveries: BTreeMap::new(),
            happened: Vec::new(),
            entries: 0,
            fates: history.fates.clone().into_iter(),
            questions: history.questions.clone().into_iter(),
            faults: [calls, rosters, operations].map(Vec::into_iter),
        };
        if let Opening::Offered(_, offer) = &history.opening {
            service.is_recorded = offer.recording == PolicyRecording::Yes;
            service.arrives();
            let limit = if service.is_recorded { 5 } else { 15 };
            service.plan(now, Span::from_secs(limit), Doing::Limit);
            service.plan(now, CLEARED_UP_AFTER, Doing::LooksForKeepAlive);
        }
        let mut at = now;
        for (pause, scene) in &history.scenes {
            at = at.plus(Span::from_millis(u64::from(*pause)));
            service.plan(at, Span::default(), Doing::Scene(*scene));
        }
        service
    }

    /// From here on nothing befalls requests and notifications.
    pub fn calm_down(&mut self) {
        self.fates = Vec::new().into_iter();
        self.questions = Vec::new().into_iter();
        self.faults = [Vec::new(), Vec::new(), Vec::new()].map(Vec::into_iter);
    }

    /// When something happens next.
    pub fn next(&self) -> Option<Timestamp> {
        let first = |at: Option<&(Timestamp, u32)>| at.map(|(at, _)| *at);
        let (agenda, delivery) = (first(self.agenda.keys().next()), first(self.deliveries.keys().next()));
        agenda.into_iter().chain(delivery).min()
    }

    /// The next report that arrives at `now` or did before, once everything up to then happened.
    pub fn take(&mut self, now: Timestamp) -> Option<Act> {
        while let Some(entry) = self.agenda.first_entry()
            && entry.key().0 <= now
        {
            let (at, _) = *entry.key();
            let doing = entry.remove();
            self.does(at, doing);
        }
        let entry = self.deliveries.first_entry().filter(|entry| entry.key().0 <= now)?;
        Some(entry.remove())
    }

    /// What happened since this was asked last, and when.
    pub fn happened(&mut self) -> Vec<(Timestamp, Happened)> {
        core::mem::take(&mut self.happened)
    }

    /// Whether a report is on its way.
    pub fn is_telling(&self) -> bool {
        !self.deliveries.is_empty()
    }

    /// How many others are in the call.
    pub fn others(&self) -> usize {
        self.others.iter().filter(|person| !person.is_in_lobby).count()
    }

    /// Whether the call is there, and connected.
    pub fn is_connected(&self) -> bool {
        self.state.is_some_and(State::is_connected)
    }

    /// What is, of what a resource tells.
    pub fn facts(&self) -> Facts {
        let people = self.roster();
        let ids: BTreeSet<_> = people.iter().filter_map(|one| one.id).map(ParticipantId::to_bytes).collect();
        Facts {
            state: self.state.filter(|state| !state.is_ended()),
            participants: self.is_hosted.then_some(ids),
            running: self.running.keys().map(|number| operation_id(*number).to_bytes()).collect(),
        }
    }

    fn plan(&mut self, now: Timestamp, span: Span, doing: Doing) {
        self.entries = self.entries.saturating_add(1);
        self.agenda.insert((now.plus(span), self.entries), doing);
    }

    fn deliver(&mut self, at: Timestamp, act: Act) {
        self.entries = self.entries.saturating_add(1);
        self.deliveries.insert((at, self.entries), act);
    }

    /// Sends a notification over the channel.
    fn tell(&mut self, now: Timestamp, act: Act) {
        let sent = now.plus(USUAL);
        let [calls, rosters, operations] = &mut self.faults;
        let faults = match &act {
            Act::Call(..) => calls,
            Act::Roster(..) => rosters,
            _ => operations,
        };
        match faults.next().unwrap_or(Fault::None) {
            Fault::None => self.deliver(sent, act),
            Fault::Late(by) => self.deliver(sent.plus(Span::from_millis(by.into())), act),
            Fault::Twice(apart) => {
                self.deliver(sent, act.clone());
                self.deliver(sent.plus(Span::from_millis(apart.into())), act);
            }
            Fault::Lost => {}
        }
    }

    fn tell_call(&mut self, now: Timestamp, news: CallNews) {
        self.tell(now, Act::Call(Change::Updated, news));
    }

    /// The id of the next one to come.
    fn next_id(&mut self) -> ParticipantId {
        self.people = self.people.saturating_add(1);
        participant_id(self.people)
    }

    fn arrives(&mut self) {
        let id = self.next_id();
        self.others.push(Person { id, is_in_lobby: false, mute: Mute::Off });
    }

    fn does(&mut self, now: Timestamp, doing: Doing) {
        if self.state.is_some_and(State::is_ended) {
            return;
        }
        match doing {
            Doing::Scene(scene) => {
                if self.plays(now, scene).is_some() {
                    self.happened.push((now, Happened::Scene(scene)));
                }
            }
            Doing::Connect => self.connects(now),
            Doing::Audio(audio) => {
                self.audio = Some(audio);
                let state = self.state.unwrap_or(State::Established);
                self.tell_call(now, CallNews { audio: Some(audio), ..CallNews::of(state) });
            }
            Doing::EndOperation(number, status) => self.ends_operation(now, number, status),
            Doing::TransferIsAccepted => self.enters(now, State::TransferAccepted),
            Doing::TransferEnds(true) => {
                self.ends(now, Some(ResultInfo { code: 0, subcode: 7015 }));
            }
            Doing::TransferEnds(false) => {
                self.state = Some(State::Established);
                let result = Some(ResultInfo { code: 500, subcode: 7000 });
                self.tell_call(now, CallNews { result, ..CallNews::of(State::Established) });
            }
            Doing::End(result) => self.ends(now, result),
            Doing::Limit => {
                if self.state == Some(State::Incoming) && !self.is_settled {
                    self.ends(now, None);
                }
            }
            Doing::LooksForKeepAlive => {
                let due = self.kept.plus(CLEARED_UP_AFTER);
                if now >= due {
                    self.ends(now, Some(ResultInfo { code: 408, subcode: 8537 }));
                } else {
                    self.plan(due, Span::default(), Doing::LooksForKeepAlive);
                }
            }
        }
    }

    fn enters(&mut self, now: Timestamp, state: State) {
        self.state = Some(state);
        self.tell_call(now, CallNews::of(state));
    }

    /// The call is connected: told with audio, or before it.
    fn connects(&mut self, now: Timestamp) {
        if !matches!(self.state, Some(State::Incoming | State::Establishing | State::Ringing)) {
            return;
        }
        self.state = Some(State::Established);
        let coordinates = if self.is_hosted { Coordinates::Both } else { Coordinates::None };
        let mut news =
            CallNews { coordinates, own_participant: Some(self.own.id), ..CallNews::of(State::Established) };
        match self.manners.audio {
            AudioManner::AtOnce => {
                self.audio = Some(Audio::Active);
                news.audio = self.audio;
            }
            AudioManner::After(millis) => {
                self.plan(now, Span::from_millis(millis.into()), Doing::Audio(Audio::Active));
            }
            AudioManner::Never => {}
        }
        self.tell_call(now, news);
        if self.is_hosted {
            self.own.is_in_lobby = self.manners.lobby;
            self.tell_roster(now);
        }
    }

    fn ends(&mut self, now: Timestamp, result: Option<ResultInfo>) {
        if self.manners.tells_terminating && self.is_connected() {
            self.tell_call(now, CallNews::of(State::Terminating));
        }
        self.state = Some(State::Terminated);
        self.others.clear();
        self.running.clear();
        self.happened.push((now, Happened::Ended));
        let news = CallNews { result, ..CallNews::of(State::Terminated) };
        self.tell(now, Act::Call(Change::Deleted, news));
    }

    /// Who is in the call, as a list of the participants has them.
    fn roster(&self) -> Vec<Participant> {
        let as_listed = |person: &Person| {
            let presence = if person.is_in_lobby { Presence::Lobby } else { Presence::Present };
            Participant { mute: Some(person.mute), ..Participant::new(Some(person.id), presence) }
        };
        if self.own.is_in_lobby {
            // From the lobby the bot sees nobody else.
            return Vec::from([as_listed(&self.own)]);
        }
        core::iter::once(&self.own).chain(&self.others).map(as_listed).collect()
    }

    /// Tells the roster after `changed` came, changed or left; everybody where that is told as a full one.
    fn tell_roster_of(&mut self, now: Timestamp, changed: Participant, is_short: bool) {
        self.is_hosted = true;
        self.rosters = self.rosters.saturating_add(1);
        let act = if self.options.has(CallOptions::DELTA_ROSTER) {
            let changed = if self.rosters == 1 { self.roster() } else { Vec::from([changed]) };
            Act::Roster(Extent::Delta(Sequence::new(self.rosters)), changed)
        } else if is_short && self.manners.short_rosters {
            Act::Roster(Extent::Full, Vec::from([changed]))
        } else {
            Act::Roster(Extent::Full, self.roster())
        };
        self.tell(now, act);
    }

    fn tell_roster(&mut self, now: Timestamp) {
        let own = Participant::new(Some(self.own.id), Presence::Present);
        self.tell_roster_of(now, own, false);
    }

    fn joins(&mut self, now: Timestamp, id: ParticipantId) {
        self.others.push(Person { id, is_in_lobby: false, mute: Mute::Off });
        self.tell_roster_of(now, Participant::new(Some(id), Presence::Present), false);
    }

    fn leaves(&mut self, now: Timestamp, place: usize) {
        let person = self.others.remove(place);
        if self.others.is_empty() {
            // Source: Graph docs, call: delete (5010, 4521); field captures (5002 for both).
            self.ends(now, Some(normal(if self.is_hosted { 5010 } else { 5002 })));
        } else {
            self.tell_roster_of(now, Participant::new(Some(person.id), Presence::Left), false);
        }
    }

    /// Plays a scene, if it is possible now.
    fn plays(&mut self, now: Timestamp, scene: Scene) -> Option<()> {
        let state = self.state?;
        if scene == Scene::HangsUp {
            // Whoever called gives up, or hangs up.
            let result = (state != State::Incoming).then_some(normal(5002));
            self.ends(now, result);
            return Some(());
        }
        if !state.is_connected() {
            return None;
        }
        match scene {
            Scene::Presses(tone) => self.presses(now, tone),
            Scene::Joins if self.others.len() < 6 && !self.own.is_in_lobby => {
                let id = self.next_id();
                self.joins(now, id);
                Some(())
            }
            Scene::Leaves(place) if !self.others.is_empty() && !self.own.is_in_lobby => {
                self.leaves(now, usize::from(place).checked_rem(self.others.len())?);
                Some(())
            }
            Scene::Mutes(place) if self.is_hosted && !self.own.is_in_lobby => {
                let place = usize::from(place).checked_rem(self.others.len())?;
                let person = self.others.get_mut(place)?;
                person.mute = if person.mute == Mute::On { Mute::Off } else { Mute::On };
                let (id, mute) = (person.id, person.mute);
                let one = Participant { mute: Some(mute), ..Participant::new(Some(id), Presence::Present) };
                self.tell_roster_of(now, one, true);
                Some(())
            }
            Scene::Admits if self.own.is_in_lobby => {
                self.own.is_in_lobby = false;
                self.tell_roster(now);
                Some(())
            }
            Scene::Audio => {
                let audio = if self.audio? == Audio::Active { Audio::Inactive } else { Audio::Active };
                self.does(now, Doing::Audio(audio));
                Some(())
            }
            Scene::Holds => {
                match state {
                    State::Established => self.enters(now, State::Hold),
                    State::Hold => self.enters(now, State::Established),
                    _ => return None,
                }
                Some(())
            }
            Scene::TellsAgain if state == State::Established => {
                self.tell_call(now, CallNews { audio: self.audio, ..CallNews::of(state) });
                Some(())
            }
            Scene::Coordinates => {
                self.is_hosted = true;
                self.tell_call(now, CallNews { coordinates: Coordinates::Both, ..CallNews::of(state) });
                // Source: field captures: rosters begin with them.
                self.tell_roster(now);
                Some(())
            }
            Scene::Transcribes(transcription) => {
                self.tell_call(now, CallNews { transcription: Some(transcription), ..CallNews::of(state) });
                Some(())
            }
            Scene::Shares => {
                let change = if self.is_sharing { Change::Deleted } else { Change::Created };
                self.is_sharing = !self.is_sharing;
                self.tell(now, Act::ContentSharing(change, Some(SessionId::parse("sharing"))));
                Some(())
            }
            Scene::RecordedJoins if self.is_recorded => {
                // It comes in a request of its own, which is answered by its response.
                self.deliver(now.plus(USUAL), Act::Joining);
                Some(())
            }
            Scene::RecordedLeaves if self.is_recorded => {
                self.deliver(now.plus(USUAL), Act::Left);
                Some(())
            }
            _ => None,
        }
    }

    /// Tones are told of one by one, with `established`, where the bot subscribed.
    fn presses(&mut self, now: Timestamp, tone: Tone) -> Option<()> {
        if !self.is_subscribed || self.audio != Some(Audio::Active) {
            return None;
        }
        self.tones = self.tones.saturating_add(1);
        let tone = Some(ToneInfo { sequence: Sequence::new(self.tones), tone });
        self.tell_call(now, CallNews { tone, ..CallNews::of(self.state?) });
        Some(())
    }

    fn ends_operation(&mut self, now: Timestamp, number: u8, status: Status) {
        let Some(running) = self.running.remove(&number) else { return };
        self.ended.insert(number, (running, status));
        if let Some(invited) = running.invited.filter(|_| status == Status::Completed) {
            self.joins(now, invited);
        }
        let (code, subcode) = if status == Status::Completed { (200, 0) } else { (400, 8508) };
        let news = OperationNews {
            result: Some(ResultInfo { code, subcode }),
            ..self.operation_news(number, &running, status)
        };
        self.tell(now, Act::Operation(Change::Deleted, None, news));
    }

    fn operation_news(&self, number: u8, running: &Running, status: Status) -> OperationNews {
        OperationNews {
            id: Some(operation_id(number)),
            context: Some(ClientContext { key: self.key, ticket: running.ticket }),
            invited: running.invited,
            ..OperationNews::of(status)
        }
    }

    fn cancels(&mut self, now: Timestamp) {
        let media = [Action::PlayPrompt, Action::Record, Action::SendDtmf];
        let playing: Vec<u8> =
            self.running.iter().filter(|(_, one)| media.contains(&one.action)).map(|(n, _)| *n).collect();
        for number in playing {
            let Some(running) = self.running.remove(&number) else { continue };
            // Source: Graph docs, call: cancelMediaProcessing: a recording fails with 8508, the others complete as cancelled.
            let is_recording = running.action == Action::Record;
            let status = if is_recording { Status::Failed } else { Status::Completed };
            self.ended.insert(number, (running, status));
            let (code, subcode) = if is_recording { (400, 8508) } else { (200, 0) };
            let news = OperationNews {
                result: Some(ResultInfo { code, subcode }),
                completion: (!is_recording).then_some(Completion::MediaOperationCanceled),
                ..self.operation_news(number, &running, status)
            };
            self.tell(now, Act::Operation(Change::Deleted, None, news));
        }
    }
}

pub(crate) const fn call_id() -> CallId {
    CallId::from_bytes([7; 16])
}

const fn operation_id(number: u8) -> OperationId {
    OperationId::from_bytes([number, 0x0E, 0x52, 0xB1, 0x33, 0x4C, 0x4A, 0x11, 0x88, 0x10, 9, 8, 7, 6, 5, 4])
}

fn after(reaction: Reaction) -> (Span, bool) {
    match reaction {
        Reaction::Does(millis) => (Span::from_millis(millis.into()), true),
        Reaction::Refuses(millis) => (Span::from_millis(millis.into()), false),
    }
}
