//! Calls that are to be made: whom, when, how often, and how many at a time.
//!
//! What is planned is in the store before [`OutboundBot::plan`] returns. From then on it outlives restarts and crashes: each
//! entry ends in one [`Outcome`], nobody is rung twice for one attempt, and nobody is forgotten. Where it cannot be known
//! whether an attempt rang, that is [`Disposition::Unknown`]: it counts as an attempt, and is not repeated unless the plan
//! says so.
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use std::time::Duration;
//! use callflow_core::event::Event;
//! use callflow_graph::bot::{Call, CallHandler, Config, HandlerError};
//! use callflow_graph::outbound::{Disposition, Entry, Outbound, OutboundHandler, Pacing, Planned, RetryPlan};
//! use callflow_graph::piece::{Confirm, Confirmed, Running};
//! use callflow_graph::session::Target;
//!
//! #[derive(Default, serde::Serialize, serde::Deserialize)]
//! struct Appointment {
//!     number: u32,
//!     question: Running<Confirm>,
//!     is_kept: Option<bool>,
//! }
//!
//! struct Reminder;
//!
//! impl CallHandler for Reminder {
//!     type State = Appointment;
//!
//!     async fn on_event(&self, call: &mut Call<'_>, its: &mut Appointment, event: &Event) -> Result<(), HandlerError> {
//!         if *event == Event::Established {
//!             its.question.begin(call, Confirm::new("https://bot.example/do_you_come.wav"));
//!         }
//!         if let Some(answer) = its.question.on_event(call, event) {
//!             its.is_kept = answer.ok().map(|answer| answer == Confirmed::Yes);
//!             if call.end().is_none() {
//!                 call.hang_up()?;
//!             }
//!         }
//!         Ok(())
//!     }
//! }
//!
//! impl OutboundHandler for Reminder {
//!     // Who answered and did not say is asked again.
//!     fn disposition(&self, its: &Appointment, told: Disposition) -> Disposition {
//!         match told {
//!             Disposition::Answered if its.is_kept.is_none() => Disposition::Incomplete,
//!             told => told,
//!         }
//!     }
//!
//!     async fn on_settled(&self, entry: &Entry, its: &Appointment) -> Result<(), HandlerError> {
//!         println!("appointment {}: {:?}, {:?}", its.number, entry.standing, its.is_kept);
//!         Ok(())
//!     }
//! }
//!
//! # async fn run(config: Config, store: Arc<dyn callflow_graph::store::Store>,
//! #     transport: Arc<dyn callflow_graph::transport::Transport>,
//! #     clock: callflow_graph::clock::Clock) -> Result<(), Box<dyn std::error::Error>> {
//! let bot = Outbound::new(Reminder)
//!     .pacing(Pacing { at_once: 10, per_minute: 30 })
//!     .start(config, store, transport, clock)
//!     .await?;
//! let plan = RetryPlan { attempts: 4, ..RetryPlan::default() }.never(Disposition::Declined);
//! let whom = Target::User("112f7296-5fa4-42ca-bae8-6a692b15d4b8".to_owned());
//! let appointment = Appointment { number: 4711, ..Appointment::default() };
//! bot.plan(Planned::new(whom, appointment).plan(plan).key("appointment 4711")).await?;
//! # Ok(())
//! # }
//! ```

mod book;
mod dialer;
mod disposition;
mod entry;
mod handler;
mod pacing;
mod plan;
mod window;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use disposition::Disposition;
pub use entry::{Attempt, Entry, EntryId, Outcome, Standing};
pub use handler::OutboundHandler;
pub use pacing::Pacing;
pub use plan::{MAX_ATTEMPTS, PlanError, Planned, RetryPlan};
pub use window::{DailyHours, Window};

use self::dialer::Dialer;
use self::entry::Kept;
use self::handler::{Attended, Holds};
use crate::bot::{Bot, Config, Kept as Author, StartError, StateError};
use crate::clock::Clock;
use crate::store::{CallName, Store, StoreError};
use crate::transport::Transport;

/// A bot that makes calls which are planned, before it is started.
#[must_use]
pub struct Outbound<H> {
    handler: H,
    pacing: Pacing,
    keep_settled: Duration,
}

impl<H> fmt::Debug for Outbound<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound").field("pacing", &self.pacing).finish_non_exhaustive()
    }
}

impl<H: OutboundHandler> Outbound<H> {
    /// `handler` has every call of the bot: those that are planned, and any other.
    pub fn new(handler: H) -> Self {
        Self { handler, pacing: Pacing::default(), keep_settled: Duration::from_secs(3600) }
    }

    /// How many calls are made at a time. Neither bound is less than one.
    pub fn pacing(mut self, pacing: Pacing) -> Self {
        self.pacing = pacing;
        self
    }

    /// How long an entry is kept once it is over and the handler was told: an hour by default, a minute at least. A
    /// [`Planned::key`] counts for as long.
    pub fn keep_settled(mut self, keep: Duration) -> Self {
        self.keep_settled = keep;
        self
    }

    /// Starts the bot, as [`Bot::start`] does, and goes on with what the store has.
    ///
    /// # Errors
    /// [`StartError`]
    pub async fn start(
        self,
        config: Config,
        store: Arc<dyn Store>,
        transport: Arc<dyn Transport>,
        clock: Clock,
    ) -> Result<OutboundBot<H>, StartError> {
        let (handler, holds) = (Arc::new(self.handler), Arc::new(Holds::default()));
        let attended = Attended { handler: Arc::clone(&handler), holds: Arc::clone(&holds) };
        let within = config.handler_within;
        if let Err(error) = dialer::date_anew(&*store, clock).await {
            tracing::warn!(%error, "the store cannot be written; more may be called in the first minute than the pacing says");
        }
        let bot = Bot::start(config, attended, store, transport, clock).await?;
        let loaded = Dialer::load(bot.clone(), handler, &holds, self.pacing, self.keep_settled, within).await;
        let dialer = match loaded {
            Ok(dialer) => dialer,
            Err(error) => {
                bot.stop().await;
                return Err(error.into());
            }
        };
        bot.spawn_to_end(Arc::clone(&dialer).run());
        Ok(OutboundBot { dialer })
    }
}

/// A bot that makes calls which are planned. Clones are the same bot.
pub struct OutboundBot<H> {
    dialer: Arc<Dialer<H>>,
}

impl<H> Clone for OutboundBot<H> {
    fn clone(&self) -> Self {
        Self { dialer: Arc::clone(&self.dialer) }
    }
}

impl<H> fmt::Debug for OutboundBot<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dialer = &self.dialer;
        f.debug_struct("OutboundBot").field("bot", &dialer.bot).field("pacing", &dialer.pacing).finish()
    }
}

impl<H: OutboundHandler> OutboundBot<H> {
    /// The bot itself: its router, its calls, its end. Once it is drained or stopped nobody else is called; what waits is
    /// for the next start.
    pub fn bot(&self) -> &Bot {
        &self.dialer.bot
    }

    /// Plans calls to somebody. They are in the store when this returns, and begin as soon as the pacing lets them.
    ///
    /// Where [`Planned::key`] names an entry that is kept already, that one is given, as it is.
    ///
    /// # Errors
    /// [`PlanError`]: nothing is planned. Where that is because of a store that failed while it wrote, it may be all the
    /// same: a key tells.
    pub async fn plan(&self, planned: Planned<H::State>) -> Result<EntryId, PlanError> {
        let Planned { to, state, plan, key } = planned;
        let id = CallName::planned(key.as_deref());
        let author = Author { version: H::STATE_VERSION, bytes: serde_json::to_vec(&state)? };
        let kept = Kept::new(to, plan, author, self.dialer.bot.clock().now_millis())?;
        let mut book = self.dialer.book().await;
        if book.get(&id).is_none() {
            let planned = self.dialer.put(&mut book, &id, kept).await;
            if planned.is_err() {
                // It may be in the store.
                let _ = self.dialer.reread(&mut book, &id).await;
            }
            planned?;
        }
        drop(book);
        self.dialer.notify();
        Ok(EntryId::of(&id))
    }

    /// Cancels an entry, and gives whether there was anything to cancel. Where nobody is called now it is over at once; where
    /// a call is up it is ended, and the entry with it: [`Outcome::Cancelled`], unless he was reached before.
    ///
    /// # Errors
    /// [`StoreError`]: it is not cancelled.
    pub async fn cancel(&self, id: &EntryId) -> Result<bool, StoreError> {
        let (name, mut book) = (id.name(), self.dialer.book().await);
        if book.get(name).is_some_and(|slot| slot.is_stale) {
            self.dialer.reread(&mut book, name).await?;
        }
        let Some(mut kept) = book.get(name).map(|slot| slot.kept.clone()) else { return Ok(false) };
        match kept.standing {
            Standing::Settled { .. } => return Ok(false),
            Standing::Calling { .. } => kept.is_cancelled = true,
            Standing::Waiting { .. } => {
                kept.is_cancelled = true;
                kept.end(self.dialer.bot.clock().now_millis(), Outcome::Cancelled);
            }
        }
        self.dialer.put(&mut book, name, kept).await?;
        drop(book);
        self.dialer.notify();
        Ok(true)
    }

    /// An entry; none where there is none any more.
    pub async fn entry(&self, id: &EntryId) -> Option<Entry> {
        let book = self.dialer.book().await;
        book.get(id.name()).map(|slot| slot.kept.entry(id.name()))
    }

    /// Every entry that is kept, in the order in which they were planned: those that wait, those that are called, and those
    /// that are over and not forgotten.
    pub async fn entries(&self) -> Vec<Entry> {
        let book = self.dialer.book().await;
        let mut all: Vec<_> = book.all().map(|(id, slot)| slot.kept.entry(id)).collect();
        drop(book);
        all.sort_by(|one, other| (one.planned_at, &one.id).cmp(&(other.planned_at, &other.id)));
        all
    }

    /// The handler's state of an entry, as its last call left it; none where there is none any more. That of a call which is
    /// up is with the call: [`Bot::view`].
    ///
    /// # Errors
    /// [`StateError`]
    pub async fn state(&self, id: &EntryId) -> Result<Option<H::State>, StateError> {
        let kept = {
            let book = self.dialer.book().await;
            book.get(id.name()).map(|slot| slot.kept.clone())
        };
        kept.map(|kept| self.dialer.read_state(&kept)).transpose()
    }
}
