//! Checks for property tests: of this crate, and of an embedder's own rules on top of it.
//!
//! * [`Act`] is an input that owns what it carries; [`strategy`] makes commands, reports, acts and stories of them.
//! * [`invariant`] has what must always hold of a call, each written once, and [`Observer`] checks all of them on every
//!   step of a call. Neither knows proptest: a fuzz target and a model checker use the same ones.
//!
//! ```
//! use callflow_core::call::{Call, Input, Offer, Setup};
//! use callflow_core::id::{CallId, CallKey};
//! use callflow_core::testing::Observer;
//! use callflow_core::time::Timestamp;
//!
//! let now = Timestamp::from_millis(0);
//! let (mut call, _) = Call::<4, 2>::offered(now, Setup::new(CallKey::new(1)), Offer::new(CallId::parse("a")));
//! let mut observer = Observer::new(&call, now);
//! assert_eq!(observer.handle(&mut call, now, Input::Tick), Ok(()));
//! ```

mod act;
pub mod invariant;
mod observer;
mod run;
mod script;
mod service;
pub mod strategy;
mod trace;

pub use act::{Act, Carried, Opening, Which};
pub use invariant::{Broken, Step};
pub use observer::Observer;
pub use run::{Bot, run, run_as_told};
pub use script::{AudioManner, Channel, Fate, Fault, History, Manners, Reaction, Scene};
pub use service::{Happened, Service};
pub use strategy::{
    Story, act, acts, call_news, command, history, late_history, opening, report, setup, story,
};
pub use trace::{Entry, Failure, Trace, What};

#[cfg(test)]
mod tests;
