//! A bot whose calls are scripts.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use callflow_core::command::RejectReason;
use callflow_core::event::Event;

use super::fallback::{Fallback, LastResort};
use super::line::{Left, Registry};
use super::{Conversation, Handle};
use crate::bot::{Bot, Call, CallHandler, Config, HandlerError, PlaceError, Recovered, StartError};
use crate::clock::Clock;
use crate::piece::Farewell;
use crate::session::Placement;
use crate::store::{CallName, Store, StoreError};
use crate::transport::Transport;

type Failed = Box<dyn Error + Send + Sync>;
type Ran = Pin<Box<dyn Future<Output = Result<(), Failed>> + Send>>;
type Script = Box<dyn Fn(Conversation) -> Ran + Send + Sync>;

/// A bot whose calls are scripts, before it is started.
#[must_use]
pub struct Scripted {
    script: Option<Script>,
    fallback: Fallback,
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scripted").field("fallback", &self.fallback).finish_non_exhaustive()
    }
}

impl Scripted {
    /// Runs `script` for each call to the bot, in a task of its own. It has about 15 seconds to answer.
    ///
    /// Source: Graph docs, call: answer (the time for answering).
    pub fn new<F, Fut, E>(script: F) -> Self
    where
        F: Fn(Conversation) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Failed>,
    {
        let script = move |call| -> Ran {
            let run = script(call);
            Box::pin(async move { run.await.map_err(Into::into) })
        };
        Self { script: Some(Box::new(script)), fallback: Fallback::hang_up() }
    }

    /// Takes no calls, and only places them: calls to the bot are rejected as busy.
    pub fn placing_only() -> Self {
        Self { script: None, fallback: Fallback::hang_up() }
    }

    /// What becomes of calls whose script failed, or was lost in a restart: by default they are hung up.
    pub fn fallback(mut self, fallback: Fallback) -> Self {
        self.fallback = fallback;
        self
    }

    /// Starts the bot, as [`Bot::start`] does. Calls that an earlier process left get the fallback.
    ///
    /// # Errors
    /// [`StartError`]
    pub async fn start(
        self,
        config: Config,
        store: Arc<dyn Store>,
        transport: Arc<dyn Transport>,
        clock: Clock,
    ) -> Result<ScriptedBot, StartError> {
        let registry = Arc::new(Registry::new());
        let handler =
            Scripts { registry: Arc::clone(&registry), script: self.script, fallback: self.fallback };
        let bot = Bot::start(config, handler, store, transport, clock).await?;
        registry.started(&bot);
        Ok(ScriptedBot { bot, registry })
    }
}

/// A bot whose calls are scripts. Clones are the same bot.
#[derive(Clone)]
pub struct ScriptedBot {
    bot: Bot,
    registry: Arc<Registry>,
}

impl fmt::Debug for ScriptedBot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedBot").field("bot", &self.bot).finish_non_exhaustive()
    }
}

impl ScriptedBot {
    /// The bot itself: its router, its calls, its end.
    pub fn bot(&self) -> &Bot {
        &self.bot
    }

    /// Calls somebody, or joins a meeting: see [`Bot::place`]. Whether the service took the call is known with the first
    /// thing that is awaited of it.
    ///
    /// # Errors
    /// [`PlaceError`]: nobody was called.
    pub async fn place(&self, placement: impl Into<Placement>) -> Result<Conversation, PlaceError> {
        let name = self.bot.place(placement).await?;
        Ok(Conversation::new(name, Arc::clone(&self.registry)))
    }

    /// A handle of a call that is up: of one that was detached, as a rule. None where no such call is known.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn attach(&self, name: &CallName) -> Result<Option<Conversation>, StoreError> {
        let is_up = self.bot.view(name).await?.is_some_and(|view| view.end.is_none());
        Ok(is_up.then(|| Conversation::new(name.clone(), Arc::clone(&self.registry))))
    }
}

/// The handler under the scripts.
struct Scripts {
    registry: Arc<Registry>,
    script: Option<Script>,
    fallback: Fallback,
}

impl Scripts {
    /// Runs the script of an incoming call.
    fn answer(&self, call: &mut Call<'_>) -> Result<(), HandlerError> {
        let Some(script) = &self.script else {
            call.reject(RejectReason::Busy)?;
            return Ok(());
        };
        let conversation = Conversation::new(call.name().clone(), Arc::clone(&self.registry));
        // Kept until it is known how the script ended.
        let handle = Arc::clone(&conversation.handle);
        let running = tokio::spawn(tracing::Instrument::in_current_span(script(conversation)));
        tokio::spawn(async move {
            let why = match running.await {
                Ok(Ok(())) => return,
                Ok(Err(error)) => error.to_string(),
                Err(panicked) => panicked.to_string(),
            };
            fail(&handle, why);
        });
        Ok(())
    }

    /// Whether the fallback has the call, or takes it now.
    fn is_left(&self, call: &mut Call<'_>, last: &mut LastResort) -> bool {
        if last.is_begun() {
            return true;
        }
        let Some(left) = self.registry.take_left(&call.name().clone()) else { return false };
        match left {
            Left::Dropped => last.part(call, Farewell::silent()),
            Left::Failed(why) => {
                // As a rule because the other side hung up.
                if call.end().is_none() {
                    tracing::warn!(why, "the script failed; the call gets the fallback");
                }
                self.fallback.begin(call, last);
            }
        }
        true
    }

    /// Gives a call to the fallback that no script of this process has.
    fn take_over(&self, call: &mut Call<'_>, last: &mut LastResort) {
        let name = call.name().clone();
        if last.is_begun() || self.registry.is_attached(&name) {
            return;
        }
        self.registry.give_up(&name);
        self.fallback.begin(call, last);
    }
}

fn fail(handle: &Arc<Handle>, why: String) {
    handle.is_detached.store(true, std::sync::atomic::Ordering::Release);
    Registry::failed(&handle.registry, &handle.name, why);
}

impl CallHandler for Scripts {
    type State = LastResort;

    async fn on_event(
        &self,
        call: &mut Call<'_>,
        last: &mut LastResort,
        event: &Event,
    ) -> Result<(), HandlerError> {
        if *event == Event::Offered && !last.is_begun() {
            return self.answer(call);
        }
        if self.is_left(call, last) {
            last.on_event(call, event);
        } else {
            self.registry.on_event(call, event);
        }
        Ok(())
    }

    async fn on_wake(&self, call: &mut Call<'_>, last: &mut LastResort) -> Result<(), HandlerError> {
        if !self.is_left(call, last) {
            self.registry.on_wake(call);
        }
        Ok(())
    }

    async fn on_resumed(&self, call: &mut Call<'_>, last: &mut LastResort) -> Result<(), HandlerError> {
        self.take_over(call, last);
        Ok(())
    }

    async fn on_recovered(
        &self,
        call: &mut Call<'_>,
        last: &mut LastResort,
        _: Recovered,
    ) -> Result<(), HandlerError> {
        self.take_over(call, last);
        Ok(())
    }
}
