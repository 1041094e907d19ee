//! Ready pieces of calls: a prompt, a menu, digits, a recording, a transfer, each until it is done.
//!
//! A piece is a small state machine over a [`Call`]. It commands, takes in the call's events, and says when it is done and
//! what came of it. It is plain data: as part of [`CallHandler::State`](crate::bot::CallHandler::State) it is committed with
//! what it commanded, and goes on after a restart, its deadlines included. The same pieces are under the async style
//! ([`conversation`](crate::conversation)).
//!
//! | piece | done when | gives |
//! | --- | --- | --- |
//! | [`Play`] | the prompt came to its end | nothing |
//! | [`Collect`] | enough digits were pressed | [`Digits`] |
//! | [`Menu`] | a key of the menu was pressed | the key |
//! | [`Confirm`] | 1 or 2 was pressed | [`Confirmed`] |
//! | [`RecordMessage`] | the message was recorded | where it can be had |
//! | [`TransferTo`] | a target took the call | which |
//! | [`Hold`] | somebody has waited with music, until `unhold` | nothing |
//! | [`InviteAndWait`] | the invited one is in the call | nothing |
//! | [`Ring`] | somebody picked up in time | [`Reached`] |
//! | [`WhoAnswered`] | the service said who took the call, or did not in time | [`Reached`] |
//! | [`LeaveWhenAlone`] | everybody else is known to have left | nothing |
//! | [`CarryOut`] | any command was carried out: tones that are sent, muting | nothing |
//! | [`Farewell`] | the call is over | its end |
//!
//! ```
//! use callflow_core::event::Event;
//! use callflow_graph::bot::{Call, CallHandler, HandlerError};
//! use callflow_graph::piece::{Collect, Running};
//!
//! struct Vault;
//!
//! impl CallHandler for Vault {
//!     type State = Running<Collect>;
//!
//!     async fn on_event(&self, call: &mut Call<'_>, pin: &mut Self::State, event: &Event) -> Result<(), HandlerError> {
//!         if *event == Event::Offered {
//!             call.answer()?;
//!             pin.begin(call, Collect::digits(4).prompt("https://bot.example/pin.wav").terminator('#'));
//!         }
//!         match pin.on_event(call, event) {
//!             Some(Ok(digits)) if digits == "1234" => drop(call.play("https://bot.example/open.wav")?),
//!             Some(_) => drop(call.hang_up()?),
//!             None => {}
//!         }
//!         Ok(())
//!     }
//!
//!     // Pieces that wait for a time are told when it comes.
//!     async fn on_wake(&self, call: &mut Call<'_>, pin: &mut Self::State) -> Result<(), HandlerError> {
//!         if pin.on_wake(call).is_some() {
//!             call.hang_up()?;
//!         }
//!         Ok(())
//!     }
//! }
//! ```

mod alone;
mod answered;
mod carry_out;
mod collect;
mod confirm;
mod established;
mod failure;
mod farewell;
mod hold;
mod invite;
mod keys;
mod menu;
mod operation;
mod play;
mod record;
mod ring;
mod timer;
mod transfer;

use callflow_core::event::Event;
use callflow_core::media::Tone;
use serde::{Deserialize, Serialize};

pub use alone::LeaveWhenAlone;
pub use answered::{Reached, WhoAnswered};
pub use carry_out::CarryOut;
pub use collect::Collect;
pub use confirm::{Confirm, Confirmed};
pub use established::{AwaitCreated, AwaitEnd, AwaitEstablished};
pub use failure::Failure;
pub use farewell::Farewell;
pub use hold::Hold;
pub use invite::InviteAndWait;
pub use keys::{Digits, Keys};
pub use menu::Menu;
pub use play::Play;
pub use record::RecordMessage;
pub use ring::Ring;
pub use transfer::TransferTo;

use crate::bot::Call;

/// How far a piece has come.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Progress<T> {
    /// It goes on.
    Pending,
    /// It is done, and is told nothing more.
    Done(Result<T, Failure>),
}

impl<T> Progress<T> {
    /// The same of what `then` makes of the output.
    pub fn and_then<U>(self, then: impl FnOnce(T) -> Result<U, Failure>) -> Progress<U> {
        match self {
            Self::Pending => Progress::Pending,
            Self::Done(outcome) => Progress::Done(outcome.and_then(then)),
        }
    }
}

impl<T> From<Result<Option<T>, Failure>> for Progress<T> {
    fn from(result: Result<Option<T>, Failure>) -> Self {
        match result {
            Ok(None) => Self::Pending,
            Ok(Some(output)) => Self::Done(Ok(output)),
            Err(failure) => Self::Done(Err(failure)),
        }
    }
}

/// A part of a call that ends in an outcome.
///
/// It is begun once, then given every event of the call and every [`on_wake`](crate::bot::CallHandler::on_wake) of its
/// handler, until it is done. [`Running`] keeps account of that.
pub trait Piece {
    /// What it gives.
    type Output;

    /// Begins: commands what there is to command.
    fn begin(&mut self, call: &mut Call<'_>) -> Progress<Self::Output>;

    /// Takes in an event.
    fn on_event(&mut self, call: &mut Call<'_>, event: &Event) -> Progress<Self::Output>;

    /// Takes in that a moment has come.
    fn on_wake(&mut self, call: &mut Call<'_>) -> Progress<Self::Output> {
        let _ = call;
        Progress::Pending
    }

    /// Whether a key is for it: those that nobody hears wait for the next piece that does.
    fn hears(&self, tone: Tone) -> bool {
        let _ = tone;
        false
    }

    /// Takes in keys that were pressed before it began; it takes those that it has use for.
    fn type_ahead(&mut self, keys: &mut Keys) {
        let _ = keys;
    }
}

/// A piece that runs, or none: what a handler keeps in its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Running<P>(Option<P>);

impl<P> Default for Running<P> {
    fn default() -> Self {
        Self(None)
    }
}

impl<P: Piece> Running<P> {
    /// Begins a piece, in the place of one that may have been there. Gives its outcome where it is done at once.
    pub fn begin(&mut self, call: &mut Call<'_>, piece: P) -> Option<Result<P::Output, Failure>> {
        let piece = self.0.insert(piece);
        let progress = piece.begin(call);
        self.settle(progress)
    }

    /// Hands in an event. Gives the outcome, once.
    pub fn on_event(&mut self, call: &mut Call<'_>, event: &Event) -> Option<Result<P::Output, Failure>> {
        let progress = self.0.as_mut()?.on_event(call, event);
        self.settle(progress)
    }

    /// Hands in that a moment has come. Gives the outcome, once.
    pub fn on_wake(&mut self, call: &mut Call<'_>) -> Option<Result<P::Output, Failure>> {
        let progress = self.0.as_mut()?.on_wake(call);
        self.settle(progress)
    }

    /// Tells the piece something beyond events, as [`Hold::unhold`]. Gives the outcome, where that ends it.
    ///
    /// ```
    /// use callflow_graph::bot::Call;
    /// use callflow_graph::piece::{Hold, Running};
    ///
    /// fn somebody_is_free(call: &mut Call<'_>, waiting: &mut Running<Hold>) {
    ///     let _ = waiting.tell(|hold| hold.unhold(call));
    /// }
    /// ```
    pub fn tell(
        &mut self,
        tell: impl FnOnce(&mut P) -> Progress<P::Output>,
    ) -> Option<Result<P::Output, Failure>> {
        let progress = tell(self.0.as_mut()?);
        self.settle(progress)
    }

    /// Whether one runs.
    pub fn is_running(&self) -> bool {
        self.0.is_some()
    }

    /// Drops the piece; what it commanded stays commanded.
    pub fn stop(&mut self) {
        self.0 = None;
    }

    fn settle(&mut self, progress: Progress<P::Output>) -> Option<Result<P::Output, Failure>> {
        match progress {
            Progress::Pending => None,
            Progress::Done(outcome) => {
                self.0 = None;
                Some(outcome)
            }
        }
    }
}
