//! Checks for property tests: of this crate, and of an embedder's own rules on top of it.
//!
//! * [`invariant`] has what must always hold of a call, each written once, and [`Observer`] checks all of them on every
//!   step of a call. A fuzz target and a model checker use the same ones.
//! * [`Act`] is an input that owns what it carries, and a [`Story`] a call to which any acts happen.
//! * A [`History`] is one call as the documentation allows it: what people do, what the service chooses, what becomes of
//!   each request and notification on its way. [`Service`] plays it in virtual time.
//! * [`run`] puts a [`Bot`], an embedder's own logic, through a history, and gives a [`Trace`] or a [`Failure`] with its
//!   ladder: who did what, and when.
//! * [`strategy`] draws all of these with proptest, and nothing else here knows of it.
//!
//! A rule of a bot's own is a demand on its traces. This one answers, plays something, and hangs up when that is done:
//!
//! ```
//! use callflow_core::action::Action;
//! use callflow_core::call::Call;
//! use callflow_core::command::{Answer, Command, Repeat};
//! use callflow_core::event::Event;
//! use callflow_core::list::List;
//! use callflow_core::media::Tone;
//! use callflow_core::testing::{Failure, History, Scene, run, strategy};
//! use callflow_core::text::Uri;
//!
//! static NEWS: [Uri<'static>; 1] = [Uri::new("https://bot.example/news.wav")];
//!
//! let mut bot = |_: &Call<8, 4>, event: &Event| match event {
//!     Event::Offered => vec![Command::Answer(Answer::new(Uri::new("https://bot.example/calls")))],
//!     Event::Established => vec![Command::PlayPrompt { prompts: List::new(&NEWS), repeat: Repeat::Once }],
//!     Event::OperationEnded { action: Action::PlayPrompt, .. } => vec![Command::HangUp],
//!     _ => Vec::new(),
//! };
//! let history = History::of(strategy::incoming()).then(2_000, Scene::Presses(Tone::Tone1));
//! let trace = run(&mut bot, &history)?;
//! trace
//!     .never("the outcome of everything is known", |entry| {
//!         matches!(entry.event(), Some(Event::OutcomeUnknown { .. }))
//!     })?
//!     .always_after(
//!         "what was played to the end is followed by a hang-up",
//!         |entry| matches!(entry.event(), Some(Event::OperationEnded { .. })),
//!         |entry| entry.command() == Some(&Command::HangUp),
//!     )?;
//! # Ok::<(), Failure>(())
//! ```
//!
//! In a property, `history(12)` takes the place of the one that is written down: see `tests/bot_rules.rs` in the repository,
//! where such checks find mistakes that no demo shows.

mod act;
pub mod invariant;
mod observer;
mod run;
mod script;
mod service;
mod story;
pub mod strategy;
mod trace;

pub use act::{Act, Carried, KEY, Opening, Which, participant_id};
pub use invariant::{Broken, Step};
pub use observer::Observer;
pub use run::{Bot, run, run_as_told};
pub use script::{AudioManner, Channel, Fate, Fault, History, Manners, Reaction, Scene};
pub use service::{Happened, Service};
pub use story::Story;
pub use strategy::{act, acts, call_news, command, history, late_history, opening, report, setup, story};
pub use trace::{Entry, Failure, Trace, What};

#[cfg(test)]
mod tests;
