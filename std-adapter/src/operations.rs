//! A bot that runs is looked at and drained: by HTTP, with a key, on a listener of its own.
//!
//! | request | answer | what it does |
//! | --- | --- | --- |
//! | `GET /live` | 200 | says that the process answers; it needs no key |
//! | `GET /ready` | 200, 503 | whether calls can be taken: the store can be written, keys and a token are there, and the bot is not drained; without a key only whether |
//! | `GET /calls` | 200 | the calls that have not ended; `?all=true`: those too that are kept after their end |
//! | `GET /calls/{call}` | 200, 404 | one call, by its name or Graph's id |
//! | `POST /calls/{call}/hang-up` | 202, 404, 409 | ends a call, or rejects one that rings |
//! | `GET /metrics` | 200 | the [metrics](crate::metrics), for Prometheus, which sends the key as `authorization` of its scrape |
//! | `GET /outgoing` | 200 | the calls that the program knows how to place, by name |
//! | `POST /outgoing/{name}` | 202, 403, 404, 409 | places one of them |
//! | `POST /drain` | 202 | drains the bot; [`Operations::drained`] tells the program when that is done |
//!
//! Each but the first two wants `Authorization: Bearer <key>`, else it is answered 401. An error has a JSON body:
//! `{"error": {"code": …, "message": …}}`, with the codes `keyMissing`, `keyWrong`, `callUnknown`, `outgoingUnknown`,
//! `permissionMissing`, `refused` and `storeUnavailable`.
//!
//! # Members
//!
//! `/ready`: `ready`, and with a key `draining`, and `store`, `keys` and `token`, each `"ok"` or what is wrong.
//!
//! `/calls`: `calls`, a list of calls with `name`, `id` (Graph's), `direction`, `state`, `kind` (`p2p` or `group`), `reason`
//! (why it is of that kind), `hosting`, `ever_established`, and `ended`: null, or `how`, `by`, `code`, `subcode`, `text`.
//!
//! `/calls/{call}`: the same of one call, and `participants` (each `id`, `kind`, `party_id`, `presence`, `muted`, `on_hold`;
//! of a phone there is no `party_id`), `unnamed_participants`, `operations` (each `ticket`, `action`, `phase`), and
//! `recent`: what happened to it since the process began, the newest last and [`MAX_RECENT`] at most, each with `at`
//! (milliseconds since the Unix epoch), `what` (`notification`, `request`, `answer`, `event`), `text` and `state`. Keys that
//! were pressed, names of people and numbers are not told.
//!
//! `/outgoing`: `outgoing`, a list of names. `/outgoing/{name}`: `call`, the name of the new call.
//!
//! New members may come; those that are here keep their names and meanings.
//!
//! ```no_run
//! use callflow_graph::operations::Operations;
//!
//! # async fn run(bot: callflow_graph::bot::Bot) -> Result<(), Box<dyn std::error::Error>> {
//! let operations = Operations::try_new(&bot, std::env::var("OPERATIONS_KEY")?)?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:3979").await?;
//! tokio::spawn(operations.clone().serve(listener));
//! operations.drained().await;
//! # Ok(())
//! # }
//! ```

mod placing;
mod recent;
mod routes;
#[cfg(feature = "simulator")]
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Digest, SHA256, digest};
use axum::Router;
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::bot::{Bot, Drain, Drained};
use recent::Recent;

pub use placing::{NotPlaced, Placing, PlacingCall};
pub use recent::MAX_RECENT;

/// The shortest key, in bytes.
pub const MIN_KEY_BYTES: usize = 16;

/// Why a bot is not served for operation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OperationsError {
    /// The key could be guessed.
    #[error("a key has {MIN_KEY_BYTES} bytes at least, and this has {0}; give a longer one")]
    KeyTooShort(usize),
    /// The listener can be reached by others.
    #[error(
        "{0} is no loopback address, and what is served there is plain http; listen on 127.0.0.1, and come there through a \
         tunnel or a proxy on this machine"
    )]
    NotLoopback(SocketAddr),
    /// The network fails.
    #[error("cannot be served: {0}")]
    Io(#[from] std::io::Error),
}

/// The operation of a bot. Clones share it.
#[derive(Clone)]
pub struct Operations {
    inner: Arc<Inner>,
    placing: Option<Arc<dyn Placing>>,
}

struct Inner {
    bot: Bot,
    key: Digest,
    drain: Drain,
    recent: Recent,
    drained: watch::Sender<Drains>,
}

/// How far a drain is.
#[derive(Clone)]
enum Drains {
    NotBegun,
    Begun,
    Done(Drained),
}

impl fmt::Debug for Operations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operations").field("bot", &self.inner.bot).finish_non_exhaustive()
    }
}

impl Operations {
    /// The operation of `bot`, for whoever has `key`. A drain gives calls five minutes.
    ///
    /// # Errors
    /// [`OperationsError::KeyTooShort`]
    pub fn try_new(bot: &Bot, key: impl Into<SecretString>) -> Result<Self, OperationsError> {
        Self::draining_by(bot, key, Drain::new(std::time::Duration::from_secs(300)))
    }

    /// The same, where `/drain` does it as `drain` says.
    ///
    /// # Errors
    /// [`OperationsError::KeyTooShort`]
    pub fn draining_by(
        bot: &Bot,
        key: impl Into<SecretString>,
        drain: Drain,
    ) -> Result<Self, OperationsError> {
        let key = key.into();
        let length = key.expose_secret().len();
        if length < MIN_KEY_BYTES {
            return Err(OperationsError::KeyTooShort(length));
        }
        let inner = Inner {
            bot: bot.clone(),
            key: digest(&SHA256, key.expose_secret().as_bytes()),
            drain,
            recent: Recent::of(bot),
            drained: watch::Sender::new(Drains::NotBegun),
        };
        Ok(Self { inner: Arc::new(inner), placing: None })
    }

    /// Lets calls be placed that `placing` knows by name; without this there are none.
    #[must_use]
    pub fn placing(self, placing: Arc<dyn Placing>) -> Self {
        Self { placing: Some(placing), ..self }
    }

    /// What is served. It belongs on a listener that only this machine reaches: [`Self::serve`] sees to that. It has nothing to
    /// do beside the webhook, which the whole world reaches.
    pub fn router(&self) -> Router {
        routes::router(self.clone())
    }

    /// Serves it on `listener`, whose address has to be a loopback one.
    ///
    /// # Errors
    /// [`OperationsError::NotLoopback`], [`OperationsError::Io`]
    pub async fn serve(self, listener: TcpListener) -> Result<(), OperationsError> {
        let address = listener.local_addr()?;
        if !address.ip().is_loopback() {
            return Err(OperationsError::NotLoopback(address));
        }
        Ok(axum::serve(listener, self.router()).await?)
    }

    /// Drains the bot, as `/drain` does: once, however many ask.
    pub fn drain(&self) {
        let is_first = self.inner.drained.send_if_modified(|drains| {
            let is_first = matches!(drains, Drains::NotBegun);
            if is_first {
                *drains = Drains::Begun;
            }
            is_first
        });
        if is_first {
            let inner = Arc::clone(&self.inner);
            tokio::spawn(async move {
                let drained = inner.bot.drain(inner.drain).await;
                inner.drained.send_replace(Drains::Done(drained));
            });
        }
    }

    /// Waits until the bot was drained this way, and gives what that left behind.
    pub async fn drained(&self) -> Drained {
        let mut drains = self.inner.drained.subscribe();
        loop {
            if let Drains::Done(drained) = &*drains.borrow_and_update() {
                return drained.clone();
            }
            // The sender is our own.
            if drains.changed().await.is_err() {
                return Drained::default();
            }
        }
    }

    /// Compares in a time that does not tell how much of a key is right.
    fn is_key(&self, key: &str) -> bool {
        let given = digest(&SHA256, key.as_bytes());
        verify_slices_are_equal(self.inner.key.as_ref(), given.as_ref()).is_ok()
    }
}
