//! Digits that somebody enters.

use std::time::Duration;

use callflow_core::action::Action;
use callflow_core::event::Event;
use callflow_core::id::Sequence;
use callflow_core::lifecycle::State;
use callflow_core::media::Tone;
use callflow_core::operation::Outcome;
use serde::{Deserialize, Serialize};

use super::operation::{Operation, check_live};
use super::play::play_all;
use super::timer::Timer;
use super::{Digits, Failure, Keys, Piece, Progress};
use crate::bot::Call;
use crate::session::Address;

/// What a key does that is not among those asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum OtherKey {
    /// Nothing.
    Ignored,
    /// It makes the entry invalid.
    Invalid,
}

/// Collects digits: plays a prompt, which the first key stops, and waits for keys.
///
/// * Done with `max` digits, at the terminator, or when no further key came in time and there are `min` of them.
/// * Where too few came, or none, it asks again, with a prompt of its own before the first one, until the attempts are
///   used: then it is [`Failure::InvalidInput`] or [`Failure::NoInput`].
/// * The time for the first key begins when the prompt ends, and without a prompt when the call is established.
/// * A terminator before the first digit does nothing: it may be the one that somebody pressed after a full entry.
/// * Other keys do nothing. Keys are put in their order where the service tells of them late.
/// * It asks to be told of tones where the bot has not.
///
/// The digits are part of the call's kept state until it is done; encrypt the store where they are secret.
/// [`Debug`] prints none of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collect {
    min: usize,
    max: usize,
    terminator: Option<char>,
    allowed: String,
    other: OtherKey,
    /// Until the first key, from the prompt's end.
    first: Duration,
    /// Between two keys.
    between: Duration,
    attempts: u8,
    prompt: Option<Address>,
    /// Before the prompt, the first time.
    preface: Option<Address>,
    no_input: Option<Address>,
    invalid: Option<Address>,
    barge_in: bool,
    /// A prompt that cannot be played counts as heard.
    is_tolerant: bool,
    keys: Keys,
    asked: u8,
    playing: Option<Operation>,
    timer: Timer,
}

impl Collect {
    /// This many digits, 8 seconds for the first and 4 for each further one, asked once.
    pub fn digits(count: usize) -> Self {
        Self::between(count, count)
    }

    /// From `min` to `max` digits.
    pub fn between(min: usize, max: usize) -> Self {
        let min = min.max(1);
        Self {
            min,
            max: max.max(min),
            terminator: None,
            allowed: "0123456789".to_owned(),
            other: OtherKey::Ignored,
            first: Duration::from_secs(8),
            between: Duration::from_secs(4),
            attempts: 1,
            prompt: None,
            preface: None,
            no_input: None,
            invalid: None,
            barge_in: true,
            is_tolerant: false,
            keys: Keys::default(),
            asked: 0,
            playing: None,
            timer: Timer::default(),
        }
    }

    /// The keys that count, instead of digits.
    pub(super) fn keys(mut self, allowed: String, other: OtherKey) -> Self {
        (self.allowed, self.other) = (allowed, other);
        self
    }

    /// The key that ends the entry early: `#`, as a rule.
    #[must_use]
    pub fn terminator(mut self, key: char) -> Self {
        self.terminator = Some(key);
        self
    }

    /// Played before the prompt where it is asked first.
    #[must_use]
    pub fn preceded_by(mut self, uri: impl Into<Address>) -> Self {
        self.preface = Some(uri.into());
        self
    }

    /// Goes on where a prompt cannot be played, as if it had been heard.
    #[must_use]
    pub fn tolerant(mut self) -> Self {
        self.is_tolerant = true;
        self
    }

    /// Played first.
    #[must_use]
    pub fn prompt(mut self, uri: impl Into<Address>) -> Self {
        self.prompt = Some(uri.into());
        self
    }

    /// How long the first key may take, from the end of the prompt.
    #[must_use]
    pub fn timeout(mut self, wait: Duration) -> Self {
        self.first = wait;
        self
    }

    /// How long each further key may take.
    #[must_use]
    pub fn between_keys(mut self, wait: Duration) -> Self {
        self.between = wait;
        self
    }

    /// How often it is asked, at least once.
    #[must_use]
    pub fn attempts(mut self, attempts: u8) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// Played before it is asked again because no key came.
    #[must_use]
    pub fn no_input_prompt(mut self, uri: impl Into<Address>) -> Self {
        self.no_input = Some(uri.into());
        self
    }

    /// Played before it is asked again because too few digits came.
    #[must_use]
    pub fn invalid_prompt(mut self, uri: impl Into<Address>) -> Self {
        self.invalid = Some(uri.into());
        self
    }

    /// A key does not stop the prompt. It counts all the same.
    #[must_use]
    pub fn uninterruptible(mut self) -> Self {
        self.barge_in = false;
        self
    }

    /// Begins with keys that were pressed before.
    #[must_use]
    pub fn with_keys(mut self, mut keys: Keys) -> Self {
        self.keys.append(&mut keys);
        self
    }

    fn start(&mut self, call: &mut Call<'_>) -> Result<Option<Digits>, Failure> {
        check_live(call)?;
        call.listen()?;
        let mut before = std::mem::take(&mut self.keys);
        while let Some((sequence, key)) = before.take_first() {
            if let Some(digits) = self.press(call, sequence, key)? {
                return Ok(Some(digits));
            }
        }
        if self.keys.is_empty() && self.playing.is_none() {
            let preface = self.preface.take();
            self.ask(call, preface)?;
        }
        Ok(None)
    }

    /// Asks: plays the prompts, or begins to wait where there are none.
    fn ask(&mut self, call: &mut Call<'_>, why: Option<Address>) -> Result<(), Failure> {
        let prompts: Vec<_> = why.into_iter().chain(self.prompt.clone()).collect();
        if !prompts.is_empty() {
            self.playing = Some(play_all(call, prompts)?);
        } else if call.state() == State::Established {
            self.timer.start(call, self.first);
        }
        Ok(())
    }

    fn press(
        &mut self,
        call: &mut Call<'_>,
        sequence: Sequence,
        key: char,
    ) -> Result<Option<Digits>, Failure> {
        if self.terminator == Some(key) {
            return match self.keys.len() {
                0 => Ok(None),
                entered if entered >= self.min => Ok(Some(self.finish(call))),
                _ => self.ask_again(call, Failure::InvalidInput),
            };
        }
        if !self.allowed.contains(key) {
            return match self.other {
                OtherKey::Ignored => Ok(None),
                OtherKey::Invalid => self.ask_again(call, Failure::InvalidInput),
            };
        }
        self.keys.insert(sequence, key);
        if self.keys.len() >= self.max {
            return Ok(Some(self.finish(call)));
        }
        if self.barge_in {
            self.stop_prompt(call);
        }
        if self.playing.is_none() {
            self.timer.start(call, self.between);
        }
        Ok(None)
    }

    fn finish(&mut self, call: &mut Call<'_>) -> Digits {
        if self.barge_in {
            self.stop_prompt(call);
        }
        self.timer.stop();
        let digits = self.keys.digits();
        self.keys.clear();
        digits
    }

    /// Where the prompt cannot be stopped it is heard to its end, and the keys count all the same.
    fn stop_prompt(&mut self, call: &mut Call<'_>) {
        if self.playing.take().is_some()
            && let Err(error) = call.cancel_media()
        {
            tracing::debug!(%error, "the prompt goes on");
        }
    }

    fn ask_again(&mut self, call: &mut Call<'_>, why: Failure) -> Result<Option<Digits>, Failure> {
        self.timer.stop();
        self.keys.clear();
        self.asked = self.asked.saturating_add(1);
        self.stop_prompt(call);
        if self.asked >= self.attempts {
            return Err(why);
        }
        let prompt = if why == Failure::NoInput { self.no_input.clone() } else { self.invalid.clone() };
        self.ask(call, prompt)?;
        Ok(None)
    }

    fn take(&mut self, call: &mut Call<'_>, event: &Event) -> Result<Option<Digits>, Failure> {
        match *event {
            Event::Ended(end) => return Err(Failure::Ended(end)),
            Event::OperationEnded { ticket, action: action @ Action::SubscribeToTone, outcome, .. }
                if outcome != Outcome::Completed =>
            {
                let listening = Operation::new(ticket, action);
                return listening.outcome(call, event).map(|_| None);
            }
            Event::Tone { sequence, tone, .. } => {
                let Some(key) = tone.key() else { return Ok(None) };
                return self.press(call, sequence, key);
            }
            Event::Established if self.playing.is_none() && !self.timer.is_running() => {
                let wait = if self.keys.is_empty() { self.first } else { self.between };
                self.timer.start(call, wait);
                return Ok(None);
            }
            _ => {}
        }
        let Some((playing, ended)) =
            self.playing.and_then(|playing| Some((playing, playing.ended(call, event)?)))
        else {
            return Ok(None);
        };
        self.playing = None;
        match playing.failure(call, &ended) {
            // Somebody else stopped it: it is over, and was asked.
            None | Some(Failure::Cancelled { .. }) => {}
            // What was pressed already counts, whatever became of the prompt.
            Some(_) if !self.keys.is_empty() || self.is_tolerant => {}
            Some(failure) => return Err(failure),
        }
        let wait = if self.keys.is_empty() { self.first } else { self.between };
        self.timer.start(call, wait);
        Ok(None)
    }

    fn wake(&mut self, call: &mut Call<'_>) -> Result<Option<Digits>, Failure> {
        if !self.timer.has_come(call) {
            return Ok(None);
        }
        match self.keys.len() {
            0 => self.ask_again(call, Failure::NoInput),
            entered if entered >= self.min => Ok(Some(self.finish(call))),
            _ => self.ask_again(call, Failure::InvalidInput),
        }
    }
}

impl Piece for Collect {
    type Output = Digits;

    fn begin(&mut self, call: &mut Call<'_>) -> Progress<Digits> {
        self.start(call).into()
    }

    fn on_event(&mut self, call: &mut Call<'_>, event: &Event) -> Progress<Digits> {
        self.take(call, event).into()
    }

    fn on_wake(&mut self, call: &mut Call<'_>) -> Progress<Digits> {
        self.wake(call).into()
    }

    fn hears(&self, _: Tone) -> bool {
        true
    }

    /// Takes what it has room for: what is left belongs to whoever asks next.
    fn type_ahead(&mut self, keys: &mut Keys) {
        while self.keys.len() < self.max
            && let Some((sequence, key)) = keys.take_first()
        {
            let is_last = self.terminator == Some(key) && !self.keys.is_empty();
            self.keys.insert(sequence, key);
            if is_last {
                break;
            }
        }
    }
}
