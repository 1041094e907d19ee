//! Walks callers through the menus, with the pieces that bots of their own are made of.

use std::path::PathBuf;
use std::sync::Arc;

use callflow_core::action::Action;
use callflow_core::event::Event;
use callflow_core::id::Ticket;
use callflow_core::operation::Outcome;
use serde::{Deserialize, Serialize};

use super::doing::{Doing, Done, record};
use super::{Choice, Menu, Menus, Sound, Then};
use crate::bot::{Call, CallHandler, HandlerError};
use crate::piece::{self, Farewell, Keys, Play, Reached, Ring, TransferTo};
use crate::prompt::Prompts;
use crate::recording::{Fetching, download_to_file};
use crate::session::Address;
use crate::transport::Transport;

/// The handler of the built-in IVR.
pub struct Ivr {
    menus: Menus,
    prompts: Prompts,
    transport: Arc<dyn Transport>,
}

/// Where a caller is. It is kept with his call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The menu that he is in; the start, where there is none yet.
    menu: Option<String>,
    /// How many keys meant nothing since he came to it, and how often he pressed none.
    tries: u32,
    doing: Doing,
    /// The call of the file that this is, until it is begun.
    placed: Option<String>,
    /// Keys that he pressed, and that no menu has taken yet.
    keys: Keys,
    /// Recordings that are to be fetched, by the numbers of their tickets.
    recordings: Vec<u32>,
}

impl Place {
    /// That of a call that the bot places.
    pub(super) fn placed(name: &str) -> Self {
        Self { placed: Some(name.to_owned()), ..Self::default() }
    }

    #[cfg(test)]
    pub(super) fn doing(&self) -> &Doing {
        &self.doing
    }

    /// Begins something, with the keys that were pressed before. Gives what came of it, where it is done at once.
    fn begin(&mut self, call: &mut Call<'_>, doing: Doing) -> Option<Done> {
        self.doing = doing;
        self.doing.begin(call, &mut self.keys)
    }
}

impl Ivr {
    pub(super) fn new(menus: Menus, prompts: Prompts, transport: Arc<dyn Transport>) -> Self {
        Self { menus, prompts, transport }
    }

    /// The menu that a caller is in: the start, where a file without his menu has come since.
    fn menu(&self, place: &Place) -> Option<&Menu> {
        let named = place.menu.as_ref().and_then(|name| self.menus.by_name.get(name));
        named.or_else(|| self.menus.by_name.get(&self.menus.start))
    }

    /// The address of a sound; none, and a line in the log, where it cannot be had now.
    async fn address(&self, sound: Option<&Sound>) -> Option<Address> {
        match sound?.address(&self.prompts).await {
            Ok(address) => Some(address),
            Err(error) => {
                tracing::error!(%error, "something that is to be played cannot be had, and is left out");
                None
            }
        }
    }

    /// Plays the menu that he is in, after `preface`.
    async fn enter(&self, call: &mut Call<'_>, place: &mut Place, preface: Option<&Sound>) -> Option<Done> {
        let Some(menu) = self.menu(place) else { return self.leave(call, place).await };
        let keys: String = menu.keys.iter().filter_map(|(tone, _)| tone.key()).collect();
        let asked = match self.address(Some(&menu.prompt)).await {
            Some(prompt) => piece::Menu::new(prompt, &keys),
            // A key counts all the same, and it is tried again when none came.
            None => piece::Menu::unprompted(&keys),
        };
        // Tries are counted here, since those of a transfer count too.
        let mut asked = asked.tolerant().attempts(1).timeout(menu.no_input);
        if let Some(preface) = self.address(preface).await {
            asked = asked.preceded_by(preface);
        }
        place.begin(call, Doing::Menu(Box::new(asked)))
    }

    /// Says goodbye, and hangs up.
    async fn leave(&self, call: &mut Call<'_>, place: &mut Place) -> Option<Done> {
        let goodbye = self.menu(place).and_then(|menu| menu.goodbye.as_ref());
        let farewell = self.address(goodbye).await.map_or_else(Farewell::silent, Farewell::saying);
        place.begin(call, Doing::Leaving(farewell))
    }

    async fn then(&self, call: &mut Call<'_>, place: &mut Place, then: Then) -> Option<Done> {
        match then {
            Then::Repeat => self.enter(call, place, None).await,
            Then::HangUp => self.leave(call, place).await,
        }
    }

    /// Something led nowhere: the menu again, unless that was so too often.
    async fn again(&self, call: &mut Call<'_>, place: &mut Place) -> Option<Done> {
        place.tries = place.tries.saturating_add(1);
        // Who pressed a wrong key did not mean those after it as he thought.
        place.keys.clear();
        match self.menu(place) {
            Some(menu) if place.tries <= menu.retries => self.enter(call, place, menu.invalid.as_ref()).await,
            Some(_) | None => self.leave(call, place).await,
        }
    }

    async fn chosen(&self, call: &mut Call<'_>, place: &mut Place, key: char) -> Option<Done> {
        let choice = self.menu(place).and_then(|menu| menu.of_key(key)).cloned();
        match choice {
            // Another file has come since he was asked.
            None => self.again(call, place).await,
            Some(Choice::Menu(name)) => {
                place.menu = Some(name);
                place.tries = 0;
                self.enter(call, place, None).await
            }
            Some(Choice::Repeat) => self.enter(call, place, None).await,
            Some(Choice::HangUp) => self.leave(call, place).await,
            Some(Choice::Play { sound, then }) => match self.address(Some(&sound)).await {
                Some(address) => place.begin(call, Doing::Play { play: Play::new(address), then }),
                None => self.then(call, place, then).await,
            },
            Some(Choice::Record { seconds, then }) => {
                place.begin(call, Doing::Record { record: Box::new(record(seconds)), then })
            }
            Some(Choice::Transfer(target)) => {
                place.begin(call, Doing::Transfer(Box::new(TransferTo::new(target))))
            }
        }
    }

    /// Rings whom the file says, once the call is there.
    fn ring(&self, call: &mut Call<'_>, place: &mut Place, name: String) -> Option<Done> {
        let Some(outgoing) = self.menus.outgoing.get(&name) else {
            tracing::warn!(name, "the file has no such outgoing call any more; it is hung up");
            return place.begin(call, Doing::Leaving(Farewell::silent()));
        };
        let ring = Ring::within(outgoing.ring);
        place.begin(call, Doing::Ringing { ring: Box::new(ring), name })
    }

    /// Somebody took it.
    async fn reached(
        &self,
        call: &mut Call<'_>,
        place: &mut Place,
        name: &str,
        reached: Reached,
    ) -> Option<Done> {
        let outgoing = self.menus.outgoing.get(name);
        if reached.is_voice_mail() {
            tracing::info!(name, "voice mail answered");
            let message = self.address(outgoing.and_then(|outgoing| outgoing.voice_mail.as_ref())).await;
            let farewell = message.map_or_else(Farewell::silent, Farewell::saying);
            return place.begin(call, Doing::Leaving(farewell));
        }
        place.menu = outgoing.map(|outgoing| outgoing.menu.clone());
        self.enter(call, place, None).await
    }

    /// Does what comes next, until there is something to wait for.
    async fn go_on(&self, call: &mut Call<'_>, place: &mut Place, mut done: Option<Done>) {
        while let Some(outcome) = done {
            place.doing = Doing::Nothing;
            done = match outcome {
                Done::Chosen(key) => self.chosen(call, place, key).await,
                Done::Again => self.again(call, place).await,
                Done::Then(then) => self.then(call, place, then).await,
                Done::Fails(failure) => {
                    tracing::warn!(%failure, "the caller is told goodbye");
                    self.leave(call, place).await
                }
                Done::Reached(name, reached) => self.reached(call, place, &name, reached).await,
                Done::NotReached(name) => {
                    tracing::info!(name, "nobody picked up; it is hung up");
                    place.begin(call, Doing::Leaving(Farewell::silent()))
                }
                Done::Over => None,
            };
        }
    }

    /// Where a recording is kept; none where no folder is stated.
    fn file_of(&self, call: &Call<'_>, number: u32) -> Option<PathBuf> {
        Some(self.menus.recordings.as_ref()?.join(format!("{}-{number}.wav", call.name())))
    }

    /// Fetches a recording, in a task of its own.
    fn fetch(&self, call: &Call<'_>, number: u32) {
        let recording = Ticket::try_new(number).and_then(|ticket| call.recording(ticket)).cloned();
        let (Some(recording), Some(file)) = (recording, self.file_of(call, number)) else { return };
        let transport = Arc::clone(&self.transport);
        tokio::spawn(async move {
            match download_to_file(&*transport, &recording, &file, &Fetching::default()).await {
                Ok(bytes) => tracing::info!(file = %file.display(), bytes, "a recording is kept"),
                Err(error) => tracing::error!(file = %file.display(), %error, "a recording cannot be had"),
            }
        });
    }
}

impl CallHandler for Ivr {
    type State = Place;

    async fn on_event(
        &self,
        call: &mut Call<'_>,
        place: &mut Place,
        event: &Event,
    ) -> Result<(), HandlerError> {
        if let Some(name) = place.placed.take() {
            let done = self.ring(call, place, name);
            self.go_on(call, place, done).await;
            // What rings is to hear of this event; what hangs up is not told of what it began with.
            if !matches!(place.doing, Doing::Ringing { .. }) {
                return Ok(());
            }
        }
        match *event {
            Event::Offered => {
                call.answer()?;
                let done = self.enter(call, place, None).await;
                self.go_on(call, place, done).await;
                return Ok(());
            }
            Event::Tone { sequence, tone, .. } if !place.doing.hears(tone) => {
                place.keys.press(sequence, tone);
            }
            // Whatever he is at by now: it may come when he has hung up.
            Event::OperationEnded { ticket, action: Action::Record, outcome: Outcome::Completed, .. } => {
                place.recordings.push(ticket.number());
                self.fetch(call, ticket.number());
            }
            _ => {}
        }
        let done = match *event {
            // He was as good as gone, and is here again.
            Event::TransferFailed(_) if place.doing == Doing::Nothing => Some(Done::Again),
            _ => place.doing.on_event(call, event),
        };
        self.go_on(call, place, done).await;
        Ok(())
    }

    async fn on_wake(&self, call: &mut Call<'_>, place: &mut Place) -> Result<(), HandlerError> {
        let done = place.doing.on_wake(call);
        self.go_on(call, place, done).await;
        Ok(())
    }

    async fn on_resumed(&self, call: &mut Call<'_>, place: &mut Place) -> Result<(), HandlerError> {
        for number in &place.recordings {
            // What was fetched before is there.
            if self.file_of(call, *number).is_some_and(|file| !file.exists()) {
                self.fetch(call, *number);
            }
        }
        Ok(())
    }
}
