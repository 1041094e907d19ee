//! Walks callers through the menus.

use std::path::PathBuf;
use std::sync::Arc;

use callflow_core::action::Action;
use callflow_core::event::Event;
use callflow_core::id::Ticket;
use callflow_core::media::Tone;
use callflow_core::operation::Outcome;
use serde::{Deserialize, Serialize};

use super::{Choice, Menu, Menus, Sound, Then};
use crate::bot::{Call, CallHandler, HandlerError};
use crate::prompt::Prompts;
use crate::recording::{Fetching, download_to_file};
use crate::session::Record;
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
    /// Until when a key is waited for, in milliseconds since the Unix epoch; none while something is played.
    #[serde(default)]
    until: Option<u64>,
    /// Recordings that are to be fetched, by the numbers of their tickets.
    #[serde(default)]
    recordings: Vec<u32>,
}

/// What the bot does with him.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Doing {
    /// Nothing yet.
    #[default]
    Arriving,
    /// Plays the menu, as long as there is a ticket, and waits for a key.
    Menu { playing: Option<u32> },
    /// Plays something, or records.
    Busy { ticket: u32, then: Then },
    /// Transfers him.
    Transferring,
    /// Says goodbye, as long as there is a ticket.
    Leaving { playing: Option<u32> },
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

    async fn play(&self, call: &mut Call<'_>, sound: &Sound) -> Result<u32, HandlerError> {
        let address = sound.address(&self.prompts).await?;
        Ok(call.play(address)?.number())
    }

    /// Plays the menu that he is in.
    async fn enter(&self, call: &mut Call<'_>, place: &mut Place) -> Result<(), HandlerError> {
        // Whatever becomes of the prompt: a key counts from here on.
        place.doing = Doing::Menu { playing: None };
        place.until = None;
        let Some(menu) = self.menu(place) else { return self.leave(call, place).await };
        match self.play(call, &menu.prompt).await {
            Ok(playing) => place.doing = Doing::Menu { playing: Some(playing) },
            Err(error) => {
                // It is tried again as after a prompt that nobody answered.
                place.until = Some(call.wake_in(menu.no_input).as_millis());
                return Err(error);
            }
        }
        Ok(())
    }

    async fn go_to(&self, call: &mut Call<'_>, place: &mut Place, name: &str) -> Result<(), HandlerError> {
        place.menu = Some(name.to_owned());
        place.tries = 0;
        self.enter(call, place).await
    }

    /// Says goodbye, and hangs up.
    async fn leave(&self, call: &mut Call<'_>, place: &mut Place) -> Result<(), HandlerError> {
        place.doing = Doing::Leaving { playing: None };
        if let Some(goodbye) = self.menu(place).and_then(|menu| menu.goodbye.as_ref()) {
            match self.play(call, goodbye).await {
                Ok(playing) => {
                    place.doing = Doing::Leaving { playing: Some(playing) };
                    return Ok(());
                }
                Err(error) => tracing::warn!(%error, "the goodbye cannot be played"),
            }
        }
        call.hang_up()?;
        Ok(())
    }

    async fn then(&self, call: &mut Call<'_>, place: &mut Place, then: Then) -> Result<(), HandlerError> {
        match then {
            Then::Repeat => self.enter(call, place).await,
            Then::HangUp => self.leave(call, place).await,
        }
    }

    /// Something led nowhere: the menu again, unless that was so too often.
    async fn again(&self, call: &mut Call<'_>, place: &mut Place) -> Result<(), HandlerError> {
        place.tries = place.tries.saturating_add(1);
        match self.menu(place) {
            Some(menu) if place.tries <= menu.retries => {
                if let Some(invalid) = &menu.invalid {
                    self.play(call, invalid).await?;
                }
                self.enter(call, place).await
            }
            Some(_) | None => self.leave(call, place).await,
        }
    }

    async fn pressed(&self, call: &mut Call<'_>, place: &mut Place, tone: Tone) -> Result<(), HandlerError> {
        // Anywhere else a key counts for nothing.
        let Doing::Menu { playing } = place.doing else { return Ok(()) };
        if playing.is_some() {
            call.cancel_media()?;
        }
        place.doing = Doing::Menu { playing: None };
        place.until = None;
        let choice = self.menu(place).and_then(|menu| menu.choice(tone)).cloned();
        match choice {
            None => self.again(call, place).await,
            Some(Choice::Menu(name)) => self.go_to(call, place, &name).await,
            Some(Choice::Repeat) => self.enter(call, place).await,
            Some(Choice::HangUp) => self.leave(call, place).await,
            Some(Choice::Play { sound, then }) => {
                let ticket = self.play(call, &sound).await?;
                place.doing = Doing::Busy { ticket, then };
                Ok(())
            }
            Some(Choice::Record { seconds, then }) => {
                let record =
                    Record { max_duration: Some(seconds), stop_tones: KEYS.to_vec(), ..Record::default() };
                let ticket = call.record(record)?.number();
                place.doing = Doing::Busy { ticket, then };
                Ok(())
            }
            Some(Choice::Transfer(target)) => {
                call.transfer(target)?;
                place.doing = Doing::Transferring;
                Ok(())
            }
        }
    }

    async fn ended(
        &self,
        call: &mut Call<'_>,
        place: &mut Place,
        (ticket, action, outcome): (Ticket, Action, Outcome),
    ) -> Result<(), HandlerError> {
        let number = ticket.number();
        if action == Action::Record && outcome == Outcome::Completed {
            place.recordings.push(number);
            self.fetch(call, number);
        }
        match (&mut place.doing, outcome) {
            (_, Outcome::CallEnded) => Ok(()),
            // Without keys there is nothing to wait for.
            (_, Outcome::Failed | Outcome::Refused | Outcome::NotSent)
                if action == Action::SubscribeToTone =>
            {
                tracing::warn!(?outcome, "no key can be heard, so the caller is told goodbye");
                self.leave(call, place).await
            }
            (Doing::Menu { playing }, _) if *playing == Some(number) => {
                *playing = None;
                let wait = self.menu(place).map(|menu| menu.no_input);
                place.until = wait.map(|wait| call.wake_in(wait).as_millis());
                Ok(())
            }
            (Doing::Busy { ticket, then }, _) if *ticket == number => {
                let then = *then;
                self.then(call, place, then).await
            }
            (Doing::Leaving { playing }, _) if *playing == Some(number) => {
                *playing = None;
                call.hang_up()?;
                Ok(())
            }
            (Doing::Transferring, Outcome::Failed | Outcome::Refused | Outcome::NotSent)
                if action == Action::Transfer =>
            {
                self.again(call, place).await
            }
            _ => Ok(()),
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

/// The keys that end a recording.
const KEYS: [Tone; 12] = [
    Tone::Tone0,
    Tone::Tone1,
    Tone::Tone2,
    Tone::Tone3,
    Tone::Tone4,
    Tone::Tone5,
    Tone::Tone6,
    Tone::Tone7,
    Tone::Tone8,
    Tone::Tone9,
    Tone::Star,
    Tone::Pound,
];

impl CallHandler for Ivr {
    type State = Place;

    async fn on_event(
        &self,
        call: &mut Call<'_>,
        place: &mut Place,
        event: &Event,
    ) -> Result<(), HandlerError> {
        match event {
            Event::Offered => {
                call.answer()?;
                call.subscribe_to_tone()?;
                self.enter(call, place).await
            }
            Event::Tone { tone, .. } => self.pressed(call, place, *tone).await,
            Event::OperationEnded { ticket, action, outcome, .. } => {
                self.ended(call, place, (*ticket, *action, *outcome)).await
            }
            Event::TransferFailed(_) | Event::CommandFailed { action: Action::Transfer, .. }
                if place.doing == Doing::Transferring =>
            {
                self.again(call, place).await
            }
            _ => Ok(()),
        }
    }

    async fn on_wake(&self, call: &mut Call<'_>, place: &mut Place) -> Result<(), HandlerError> {
        let is_over = place.until.is_some_and(|until| until <= call.now().as_millis());
        if is_over && place.doing == (Doing::Menu { playing: None }) {
            place.until = None;
            return self.again(call, place).await;
        }
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
