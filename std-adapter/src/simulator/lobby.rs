//! The lobby of a meeting: who waits there, and who is let in.
//!
//! Source: Graph docs, call: create (joining as a guest); participant, isInLobby; call: delete (200/5855). How long
//! somebody may wait, and what the call's state is meanwhile, no page says.

use std::sync::Arc;
use std::time::Duration;

use super::call::{Call, STEP, Stage};
use super::error::Error;
use super::participants::Participant;
use super::person::Person;

/// How long somebody may wait. Source: assumed.
const WAITS_FOR: Duration = Duration::from_secs(30 * 60);

impl Call {
    /// The bot waits; it sees nobody but itself until it is let in.
    pub(super) async fn wait_in_lobby(self: &Arc<Self>, admits_after: Option<Duration>) {
        let let_in = admits_after.filter(|after| *after < WAITS_FOR);
        let mut progress = self.progress();
        let waits = tokio::time::sleep(let_in.unwrap_or(WAITS_FOR));
        tokio::select! {
            biased;
            _ = progress.wait_for(|progress| progress.ended || progress.admitted) => {}
            () = waits => {
                if let_in.is_some() {
                    self.let_in();
                } else {
                    self.with(|inner| inner.in_lobby = false);
                    self.end(200, 5855, false);
                }
            }
        }
    }

    /// Lets the bot in; whether it was waiting.
    pub(super) fn let_in(&self) -> bool {
        let was_waiting = self.with(|inner| {
            for own in inner.roster.iter_mut().filter(|one| one.id == self.participant_id()) {
                own.is_in_lobby = false;
            }
            std::mem::replace(&mut inner.in_lobby, false)
        });
        if was_waiting {
            self.progress_is(|progress| progress.admitted = true);
        }
        was_waiting
    }

    /// Sends the bot away that waits; whether it did. Source: assumed; no page has the code.
    pub(super) fn send_away(&self) -> bool {
        let is_waiting = self.with(|inner| std::mem::replace(&mut inner.in_lobby, false));
        if is_waiting {
            self.end(200, 5300, false);
        }
        is_waiting
    }

    /// Somebody comes to the lobby of the bot's meeting.
    pub(super) fn knock(&self, person: &Person) -> bool {
        let is_there = self.stage() == Stage::Established && self.with(|inner| inner.is_group);
        if is_there {
            self.did(&person.display_name, "waits in the lobby");
            self.join(Participant::user(person).in_lobby(true));
        }
        is_there
    }

    /// Source: assumed; the model names the action, no page describes it.
    pub(super) fn admit_all(&self) -> Result<(), Error> {
        self.group()?;
        self.with(|inner| inner.roster.iter_mut().for_each(|waiting| waiting.is_in_lobby = false));
        self.tell_roster();
        Ok(())
    }

    /// Source: assumed; the model names the action, no page describes it.
    pub(super) fn admit(&self, id: &str) -> Result<(), Error> {
        self.waiting(id)?;
        self.change(id, |waiting| waiting.is_in_lobby = false)
    }

    /// Source: assumed; the model names the action, no page describes it.
    pub(super) fn turn_away(&self, id: &str) -> Result<(), Error> {
        self.waiting(id)?;
        self.leave(|participant| participant.id == id);
        Ok(())
    }

    fn waiting(&self, id: &str) -> Result<(), Error> {
        self.group()?;
        self.participant(id)?;
        let is_waiting = self.with(|inner| {
            inner.roster.iter().any(|participant| participant.id == id && participant.is_in_lobby)
        });
        if is_waiting {
            Ok(())
        } else {
            Err(Error::not_in_this_state("The participant does not wait in the lobby.").assumed())
        }
    }

    /// The bot is in the meeting; those who are there are seen.
    pub(super) async fn enter_meeting(self: &Arc<Self>, organizer: &Person) {
        if self.stage() != Stage::Established {
            return;
        }
        tokio::time::sleep(STEP).await;
        self.activate_audio();
        self.join(Participant::user(organizer));
    }
}
