//! Somebody who waits, with music.

use std::time::Duration;

use callflow_core::action::Action;
use callflow_core::event::Event;
use callflow_core::id::ParticipantId;
use serde::{Deserialize, Serialize};

use super::operation::{Operation, check_live};
use super::play::play_all;
use super::timer::Timer;
use super::{Failure, Piece, Progress};
use crate::bot::Call;
use crate::session::{Address, Order};

/// How long one round of the music lasts at least, from one request to the next: a WAV file of no length would have the
/// service asked without end.
const ROUND: Duration = Duration::from_secs(1);

/// Lets somebody wait with music, until [`Self::unhold`], or half an hour at most.
///
/// * [`Self::with_music`] plays a WAV file over and over, to whoever hears the bot: so the other participant of a peer-to-peer
///   call waits. It is no hold that Graph knows of: he may speak, and his Teams does not say that he is on hold.
///   Between two rounds there is a moment of silence, as the next is asked for when one has ended; at most one a second is.
/// * [`Self::participant`] has the service put one participant of a group call on hold, who hears the music and not the
///   others. One at a time; how often a file of one's own is played there is the service's.
///
/// Other prompts are heard between two rounds. A `cancel_media` that is not its own ends it with [`Failure::Cancelled`], and a
/// file that cannot be had with [`Failure::Failed`]. After the limit it ends the music, and is [`Failure::TimedOut`].
///
/// Source: Graph docs, call: playPrompt (one prompt after another), participant: startHoldMusic, stopHoldMusic (of a group
/// call). That `startHoldMusic` completes when the music begins is assumed; where it completes at the music's end, he is
/// on hold until [`Self::unhold`] all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    who: Who,
    at_most: Duration,
    limit: Timer,
    /// When the next round may begin, where one ended early.
    pause: Timer,
    /// When the last began, in milliseconds.
    begun: u64,
    operation: Option<Operation>,
    is_released: bool,
}

/// Who waits, and what he hears.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Who {
    Everybody(Address),
    One(ParticipantId, Option<Address>),
}

impl Hold {
    /// Whoever hears the bot, with the music of the WAV file at `uri`.
    pub fn with_music(uri: impl Into<Address>) -> Self {
        Self::new(Who::Everybody(uri.into()))
    }

    /// A participant of a group call, with the service's music.
    pub fn participant(participant: ParticipantId) -> Self {
        Self::new(Who::One(participant, None))
    }

    fn new(who: Who) -> Self {
        Self {
            who,
            at_most: Duration::from_secs(30 * 60),
            limit: Timer::default(),
            pause: Timer::default(),
            begun: 0,
            operation: None,
            is_released: false,
        }
    }

    /// With the music of the WAV file at `uri`.
    #[must_use]
    pub fn music(mut self, uri: impl Into<Address>) -> Self {
        self.who = match self.who {
            Who::Everybody(_) => Who::Everybody(uri.into()),
            Who::One(participant, _) => Who::One(participant, Some(uri.into())),
        };
        self
    }

    /// For so long at most.
    #[must_use]
    pub fn at_most(mut self, limit: Duration) -> Self {
        self.at_most = limit;
        self
    }

    /// Ends it, in a handler by [`Running::tell`](super::Running::tell). The music stops; of a participant it is done when the
    /// service has taken him off hold.
    pub fn unhold(&mut self, call: &mut Call<'_>) -> Progress<()> {
        self.release(call).into()
    }

    fn release(&mut self, call: &mut Call<'_>) -> Result<Option<()>, Failure> {
        check_live(call)?;
        if std::mem::replace(&mut self.is_released, true) {
            return Ok(None);
        }
        self.limit.stop();
        self.pause.stop();
        match &self.who {
            Who::Everybody(_) => {
                if self.operation.take().is_some() {
                    call.cancel_media()?;
                }
                Ok(Some(()))
            }
            // He is taken off when he is on.
            Who::One(..) if self.operation.is_some() => Ok(None),
            Who::One(participant, _) => {
                let ticket = call.stop_hold_music(*participant)?;
                self.operation = Some(Operation::new(ticket, Action::StopHoldMusic));
                Ok(None)
            }
        }
    }

    fn start(&mut self, call: &mut Call<'_>) -> Result<(), Failure> {
        check_live(call)?;
        self.limit.start(call, self.at_most);
        match self.who.clone() {
            Who::Everybody(_) => self.play(call),
            Who::One(participant, prompt) => {
                let ticket = call.order(&Order::StartHoldMusic { participant, prompt })?;
                self.operation = Some(Operation::new(ticket, Action::StartHoldMusic));
                Ok(())
            }
        }
    }

    /// Plays the next round.
    fn play(&mut self, call: &mut Call<'_>) -> Result<(), Failure> {
        let Who::Everybody(music) = &self.who else { return Ok(()) };
        self.begun = call.now().as_millis();
        self.operation = Some(play_all(call, vec![music.clone()])?);
        Ok(())
    }

    /// Plays the next round, unless the last was over too soon.
    fn go_on(&mut self, call: &mut Call<'_>) -> Result<(), Failure> {
        let lasted = Duration::from_millis(call.now().as_millis().saturating_sub(self.begun));
        match ROUND.checked_sub(lasted).filter(|rest| !rest.is_zero()) {
            Some(rest) => self.pause.start(call, rest),
            None => self.play(call)?,
        }
        Ok(())
    }

    fn take(&mut self, call: &mut Call<'_>, event: &Event) -> Result<Option<()>, Failure> {
        if let Event::Ended(end) = *event {
            return Err(Failure::Ended(end));
        }
        let Some(operation) = self.operation else { return Ok(None) };
        let Some(ended) = operation.ended(call, event) else { return Ok(None) };
        self.operation = None;
        let is_everybody = matches!(self.who, Who::Everybody(_));
        match operation.failure(call, &ended) {
            None => {}
            // Whether this round is heard is not known, and the next is another.
            Some(Failure::Unknown { .. }) if is_everybody => {}
            Some(failure) => return Err(failure),
        }
        match (&self.who, self.is_released) {
            (Who::Everybody(_), false) => self.go_on(call).map(|()| None),
            (Who::One(..), true) if operation.action() == Action::StartHoldMusic => {
                self.is_released = false;
                self.release(call)
            }
            (Who::Everybody(_) | Who::One(..), true) => Ok(Some(())),
            (Who::One(..), false) => Ok(None),
        }
    }

    fn wake(&mut self, call: &mut Call<'_>) -> Result<Option<()>, Failure> {
        if self.limit.has_come(call) {
            // Of a participant nothing more is waited for: what becomes of it is in the log.
            self.release(call)?;
            return Err(Failure::TimedOut);
        }
        if self.pause.has_come(call) {
            self.play(call)?;
        }
        Ok(None)
    }
}

impl Piece for Hold {
    type Output = ();

    fn begin(&mut self, call: &mut Call<'_>) -> Progress<()> {
        self.start(call).map(|()| None).into()
    }

    fn on_event(&mut self, call: &mut Call<'_>, event: &Event) -> Progress<()> {
        self.take(call, event).into()
    }

    fn on_wake(&mut self, call: &mut Call<'_>) -> Progress<()> {
        self.wake(call).into()
    }
}
