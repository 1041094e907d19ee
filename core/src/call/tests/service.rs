//! The service behind a story: a fold over it. What happened, happened, whatever became of its report, and whoever asks
//! is told so.

use std::vec::Vec;

use super::*;

/// The service's own view of the call: what happened so far.
#[derive(Clone, Debug)]
pub(super) struct Service {
    pub(super) state: State,
    pub(super) not_found: Option<u32>,
    pub(super) coordinates: Coordinates,
    pub(super) transcription: Option<Transcription>,
    pub(super) own: Option<ParticipantId>,
    pub(super) roster: Vec<Participant>,
    pub(super) operations: Vec<OperationNews>,
}

impl Service {
    pub(super) fn happens(&mut self, said: &Said) {
        match said {
            Said::Call(change, news) => self.call(*change, news),
            Said::Answer(_, 200..=299, _, Carried::Call(news)) => self.call(Change::Updated, news),
            Said::Roster(Extent::Full, members) => self.roster = members.clone(),
            Said::Roster(Extent::Delta(_) | Extent::Part, members) => {
                for member in members {
                    self.roster.retain(|known| known.id != member.id);
                    self.roster.push(*member);
                }
            }
            Said::Operation(_, change, news) => {
                let status = news.status.told_by(*change == Change::Deleted, news.result);
                self.operation(OperationNews { status, ..*news });
            }
            Said::Answer(_, 200..=299, _, Carried::Operation(news)) => self.operation(*news),
            Said::Answer(..)
            | Said::NotSent(_)
            | Said::NoAnswer(_)
            | Said::Sharing(..)
            | Said::Joining
            | Said::Left => {}
        }
    }

    fn call(&mut self, change: Change, news: &CallNews) {
        if let Told::State(state) = news.state {
            self.state = state;
        }
        if change == Change::Deleted || self.state == State::Terminated {
            self.not_found = Some(8522);
        }
        let has = |one: fn(Coordinates) -> bool| one(self.coordinates) || one(news.coordinates);
        self.coordinates = Coordinates::new(has(Coordinates::has_chat), has(has_meeting));
        self.transcription = news.transcription.or(self.transcription);
        self.own = news.own_participant.or(self.own);
    }

    fn operation(&mut self, news: OperationNews) {
        match self.operations.iter_mut().find(|known| known.id == news.id) {
            // A completion may come before the answer, which is older.
            Some(known) if is_final(known.status) => {}
            Some(known) => *known = news,
            None => self.operations.push(news),
        }
    }

    /// What the service answers to a question, or to a keepAlive.
    pub(super) fn answer(&self, action: Action, operation: Option<OperationId>) -> Said {
        if let Some(code) = self.not_found {
            return Said::Answer(action, 404, code, Carried::Nothing);
        }
        let (status, carried) = match action {
            Action::Refresh => (200, Carried::Call(self.told())),
            Action::ListParticipants => {
                let is_there = |member: &&Participant| member.presence != Presence::Left;
                (200, Carried::Roster(self.roster.iter().filter(is_there).copied().collect()))
            }
            Action::GetOperation => match self.operations.iter().find(|known| known.id == operation) {
                Some(known) => (200, Carried::Operation(*known)),
                None => (404, Carried::Nothing),
            },
            _ => (200, Carried::Nothing),
        };
        Said::Answer(action, status, 0, carried)
    }

    /// Source: Graph docs, call: get; it has no `mediaState`, no tone, and nobody who answered.
    fn told(&self) -> CallNews {
        CallNews {
            id: Some(CallId::parse(CALL)),
            coordinates: self.coordinates,
            own_participant: self.own,
            transcription: self.transcription,
            ..CallNews::of(self.state)
        }
    }
}

fn has_meeting(coordinates: Coordinates) -> bool {
    matches!(coordinates, Coordinates::Meeting | Coordinates::Both)
}

fn is_final(status: Status) -> bool {
    matches!(status, Status::Completed | Status::Failed)
}
