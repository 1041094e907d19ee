//! Scenarios: who does what in a call, and what a bot in any language has to make of it.
//!
//! A scenario is a TOML file. `callflow test` runs it against a bot that is reached by HTTP; [`run`] runs it in this
//! process against a bot of this crate, under a paused clock in no time. Either way it is run once as the documentation
//! has it, and, where seeds are given, once more for each with notifications that come late, twice, in another order or
//! not at all, by the chances of the seed.
//!
//! Beside what a file says, each run checks what every bot has to keep to: it accepts each notification (200 to 399), and
//! asks for nothing that the service has to refuse as wrong (400, 401, 405, 501). A refusal that belongs to the story is
//! expected by its `status`.
//!
//! ```toml
#![doc = include_str!("example.toml")]
//! ```
//!
//! What people do is described at [`Step`](crate::simulator::Step), what they do when they are called at
//! [`PersonSeed`](crate::simulator::seed::PersonSeed). The scenarios that come with this crate are in [`SHIPPED`].
//!
//! ```
//! use std::sync::Arc;
//! use callflow_core::event::Event;
//! use callflow_graph::bot::{Bot, Call, CallHandler, HandlerError};
//! use callflow_graph::scenario::{Scenario, run};
//! use callflow_graph::store::memory::Memory;
//!
//! struct Answering;
//!
//! impl CallHandler for Answering {
//!     type State = ();
//!
//!     async fn on_event(&self, call: &mut Call<'_>, _: &mut (), event: &Event) -> Result<(), HandlerError> {
//!         if *event == Event::Offered {
//!             call.answer()?;
//!         }
//!         Ok(())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let scenario = Scenario::read(
//!     r#"
//!     name = "a call is answered"
//!     shows = "A bot has 15 seconds."
//!     source = "Graph docs, call: answer"
//!
//!     [[person]]
//!     name = "Ada"
//!
//!     [[call]]
//!     from = "Ada"
//!     then = ["await answer", "hang up"]
//!
//!     [[see]]
//!     request = "POST /calls/{id}/answer"
//!     within = "15s"
//!     "#,
//! )?;
//! for seed in [None, Some(1), Some(2)] {
//!     let report = run(&scenario, seed, async |stage| {
//!         let store = Arc::new(Memory::new());
//!         let bot = Bot::start(stage.config(), Answering, store, stage.transport(), stage.clock).await?;
//!         stage.mount(&bot);
//!         Ok(bot)
//!     })
//!     .await?;
//!     assert!(report.is_passed(), "{report}");
//! }
//! # Ok(())
//! # }
//! ```

mod check;
mod file;
mod ladder;
mod pattern;
mod placeholder;
mod report;
mod run;
mod shipped;

pub use check::Failure;
pub use file::{Scenario, ScenarioError};
pub use report::Report;
pub use run::{RunError, Site, run};
pub use shipped::SHIPPED;

/// A scenario as it may be written, with what each line does.
pub const EXAMPLE: &str = include_str!("example.toml");
