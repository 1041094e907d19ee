//! What a session keeps beside the call of core: the texts of ids, and what core holds back.

use std::collections::{BTreeSet, HashMap};

use callflow_core::action::Action;
use callflow_core::call::Output;
use callflow_core::command::Command;
use callflow_core::event::Event;
use callflow_core::id::{OperationId, ParticipantId, Ticket};
use callflow_core::request::{Dispatch, Request};
use callflow_core::text::Uri;
use serde::{Deserialize, Serialize};

use super::joining::Joinings;
use super::offered::Offered;
use super::placed::Placed;
use super::{Machine, Outgoing, Step};
use crate::wire::extra::Extra;
use crate::wire::joining::write_answer;
use crate::wire::notification::Subject;
use crate::wire::order::Order;
use crate::wire::placement::Meeting;
use crate::wire::request::{HttpRequest, IdTexts, Origin, write};
use crate::wire::resource::{CallTold, Named, OperationTold, Party, Recording, RosterTold};

/// How many texts of operations' ids are kept, how many recordings and audio routing groups, and how many answers to joining
/// participants: the newest.
pub(super) const KEPT: usize = 64;
/// How many participants are kept beside those who have a place in core's roster.
const KEPT_PARTICIPANTS: usize = 512;

/// The texts of a call, which core does not keep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Texts {
    pub(super) callback: String,
    pub(super) tenant_id: Option<String>,
    #[serde(default)]
    pub(super) scenario_id: Option<String>,
    pub(super) call: Option<String>,
    pub(super) source: Option<Party>,
    /// How many events were given to the bot.
    #[serde(default)]
    pub(super) events: u64,
    /// When the handler asked to be called again, in milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) wakes: BTreeSet<u64>,
    /// Whether the bot asked to be told of tones.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) listens: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) placed: Option<Placed>,
    #[serde(default)]
    pub(super) offered: Offered,
    /// The way into the meeting that the call is in.
    #[serde(default)]
    pub(super) meeting: Option<Meeting>,
    operations: Vec<String>,
    participants: Participants,
    /// What core holds back, to be written when it is released.
    held: Vec<(Ticket, Order)>,
    recordings: Vec<(Ticket, Recording)>,
    audio_routing_groups: Vec<(Ticket, String)>,
    #[serde(default)]
    pub(super) joinings: Joinings,
}

/// Participants by their ids; as bytes, a list of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Named>", into = "Vec<Named>")]
struct Participants(HashMap<ParticipantId, Named>);

impl From<Vec<Named>> for Participants {
    fn from(all: Vec<Named>) -> Self {
        Self(all.into_iter().map(|named| (ParticipantId::parse(&named.id), named)).collect())
    }
}

impl From<Participants> for Vec<Named> {
    fn from(Participants(all): Participants) -> Self {
        all.into_values().collect()
    }
}

impl Participants {
    /// Keeps a participant. What he was called before he keeps where this does not say.
    fn learn(&mut self, named: &Named) {
        let known = self.0.entry(ParticipantId::parse(&named.id)).or_insert_with(|| Named {
            id: named.id.clone(),
            party: None,
            extra: Extra::default(),
        });
        known.party = named.party.clone().or_else(|| known.party.take());
    }
}

impl IdTexts for Texts {
    fn call(&self) -> Option<&str> {
        self.call.as_deref()
    }

    fn operation(&self, id: OperationId) -> Option<&str> {
        self.operations.iter().map(String::as_str).find(|text| OperationId::parse(text) == id)
    }

    fn participant(&self, id: ParticipantId) -> Option<&str> {
        self.named(id).map(|named| named.id.as_str())
    }
}

impl Texts {
    pub(super) fn new(callback: &str, tenant_id: Option<String>) -> Self {
        Self {
            callback: callback.to_owned(),
            tenant_id,
            scenario_id: None,
            call: None,
            source: None,
            events: 0,
            wakes: BTreeSet::new(),
            listens: false,
            placed: None,
            offered: Offered::default(),
            meeting: None,
            operations: Vec::new(),
            participants: Participants::default(),
            held: Vec::new(),
            recordings: Vec::new(),
            audio_routing_groups: Vec::new(),
            joinings: Joinings::default(),
        }
    }

    pub(super) fn named(&self, id: ParticipantId) -> Option<&Named> {
        self.participants.0.get(&id)
    }

    pub(super) fn recording(&self, ticket: Ticket) -> Option<&Recording> {
        self.recordings.iter().find(|(of, _)| *of == ticket).map(|(_, recording)| recording)
    }

    pub(super) fn audio_routing_group(&self, ticket: Ticket) -> Option<&str> {
        self.audio_routing_groups.iter().find(|(of, _)| *of == ticket).map(|(_, id)| id.as_str())
    }

    pub(super) fn learn(&mut self, machine: &Machine, call: Option<&str>, subject: &Subject) {
        if self.call.is_none() {
            self.call = call.map(str::to_owned);
        }
        match subject {
            Subject::Call(told) => self.learn_call(told),
            Subject::Roster(told) => self.learn_roster(told),
            Subject::Operation(told) => self.learn_operation(machine, None, told),
            Subject::Left { participant } => self.learn_id(participant.as_deref()),
            Subject::ContentSharing { .. }
            | Subject::Joining
            | Subject::Legacy
            | Subject::Unrecognised(_) => {}
        }
    }

    pub(super) fn learn_call(&mut self, told: &CallTold) {
        self.learn_id(told.own_participant.as_deref());
        // What is told later need not name it again.
        self.meeting = told.meeting.clone().or_else(|| self.meeting.take());
    }

    pub(super) fn learn_roster(&mut self, told: &RosterTold) {
        for named in &told.named {
            self.participants.learn(named);
        }
    }

    /// `ticket` is that of the request which this answers, where it is one.
    pub(super) fn learn_operation(
        &mut self,
        machine: &Machine,
        ticket: Option<Ticket>,
        told: &OperationTold,
    ) {
        for named in &told.participants {
            self.participants.learn(named);
        }
        if let Some(id) = told.id.as_ref().filter(|id| !self.operations.contains(id)) {
            keep(&mut self.operations, id.clone());
        }
        let of_context = told.news.context.filter(|context| context.key == machine.key());
        let of_id = machine.operations().rows().find(|row| row.id() == told.news.id && row.id().is_some());
        let ticket = of_context
            .map(|context| context.ticket)
            .or_else(|| of_id.map(callflow_core::operation::Operation::ticket))
            .or(ticket);
        if let (Some(ticket), Some(recording)) = (ticket, &told.recording) {
            keep(&mut self.recordings, (ticket, recording.clone()));
        }
    }

    pub(super) fn learn_audio_routing_group(&mut self, ticket: Ticket, id: &str) {
        keep(&mut self.audio_routing_groups, (ticket, id.to_owned()));
    }

    fn learn_id(&mut self, participant: Option<&str>) {
        if let Some(id) = participant {
            self.participants.learn(&Named { id: id.to_owned(), party: None, extra: Extra::default() });
        }
    }

    /// Writes what core asks for; also gives the tickets of what could not be written.
    pub(super) fn write(
        &mut self,
        machine: &Machine,
        output: &Output<'_>,
        order: Option<&Order>,
    ) -> (Step, Vec<Ticket>) {
        let mut step = Step {
            requests: Vec::new(),
            joining_answer: None,
            events: output.events().to_vec(),
            verdict: output.verdict(),
            ticket: output.ticket(),
        };
        let mut unwritten = Vec::new();
        for request in output.requests() {
            let ticket = request.ticket();
            let written = match &request {
                Request::Perform { command: Command::AnswerJoining(answer), .. } => {
                    step.joining_answer = Some(write_answer(answer));
                    if let Some(Order::AnswerJoining(answer)) = order {
                        self.joinings.conclude_oldest(answer);
                    }
                    continue;
                }
                Request::Perform { dispatch: Dispatch::Held, .. } => {
                    self.held.extend(order.map(|order| (ticket, order.clone())));
                    continue;
                }
                Request::Release { .. } => self.release(machine, ticket),
                request => write(request, &self.origin(machine), self).zip(request.action()),
            };
            match written {
                Some((mut http, action)) => {
                    if let (Action::Answer, Some(Order::Answer(answer))) = (action, order) {
                        answer.complete(&mut http);
                    }
                    let once_only = request.is_once_only();
                    step.requests.push(Outgoing { ticket, action, once_only, http });
                }
                None => unwritten.push(ticket),
            }
        }
        self.forget(machine, output.events());
        (step, unwritten)
    }

    fn origin(&self, machine: &Machine) -> Origin<'_> {
        Origin {
            key: machine.key(),
            callback: Uri::new(&self.callback),
            tenant_id: self.tenant_id.as_deref(),
        }
    }

    fn release(&mut self, machine: &Machine, ticket: Ticket) -> Option<(HttpRequest, Action)> {
        let place = self.held.iter().position(|(held, _)| *held == ticket)?;
        let (_, order) = self.held.remove(place);
        order.with(&self.callback, |command| {
            let request = Request::Perform { ticket, command: *command, dispatch: Dispatch::Now };
            write(&request, &self.origin(machine), self).zip(request.action())
        })
    }

    /// Forgets what is not needed any more: held orders whose operation ended, and participants, where they are many, who
    /// have no place in the roster.
    fn forget(&mut self, machine: &Machine, events: &[Event]) {
        for event in events {
            match event {
                Event::OperationEnded { ticket, .. } => self.held.retain(|(held, _)| held != ticket),
                Event::OperationsEnded { places } => {
                    let ended = |ticket: Ticket| {
                        (0u8..)
                            .zip(machine.operations().rows())
                            .any(|(place, row)| places.has(place) && row.ticket() == ticket)
                    };
                    self.held.retain(|(held, _)| !ended(*held));
                }
                Event::Ended(_) => self.held.clear(),
                _ => {}
            }
        }
        if self.participants.0.len() > KEPT_PARTICIPANTS {
            self.participants.0.retain(|id, _| machine.roster().of(*id).is_some());
        }
    }
}

/// Puts `one` behind the others, and takes the oldest away where they become many.
pub(super) fn keep<T>(all: &mut Vec<T>, one: T) {
    if all.len() >= KEPT {
        all.remove(0);
    }
    all.push(one);
}
