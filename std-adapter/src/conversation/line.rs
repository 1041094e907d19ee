//! What scripts have asked of their calls, and the calls' tasks take up.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use callflow_core::action::Action;
use callflow_core::event::Event;
use callflow_core::id::ParticipantId;
use callflow_core::media::Tone;
use callflow_core::roster::Presence;
use tokio::sync::{mpsc, oneshot, watch};

use crate::bot::{Bot, Call};
use crate::piece::{Failure, Keys, Piece, Progress};
use crate::runtime::WeakBot;
use crate::session::Order;
use crate::store::CallName;
use crate::wire::resource::Named;

/// A piece that somebody waits for, without its type.
trait Task: Send {
    /// Begins; whether it is done.
    fn begin(&mut self, call: &mut Call<'_>, keys: &mut Keys) -> bool;
    /// Takes in an event; whether it is done.
    fn on_event(&mut self, call: &mut Call<'_>, event: &Event) -> bool;
    /// Takes in that a moment has come; whether it is done.
    fn on_wake(&mut self, call: &mut Call<'_>) -> bool;
    /// Ends without having begun.
    fn fail(&mut self, failure: Failure);
    fn hears(&self, tone: Tone) -> bool;
}

struct Asked<P: Piece> {
    piece: P,
    outcome: Option<oneshot::Sender<Result<P::Output, Failure>>>,
}

impl<P: Piece> Asked<P> {
    /// Whether nobody waits for it any more.
    fn is_dropped(&self) -> bool {
        self.outcome.as_ref().is_none_or(oneshot::Sender::is_closed)
    }

    fn settle(&mut self, progress: Progress<P::Output>) -> bool {
        match progress {
            Progress::Pending => false,
            Progress::Done(outcome) => {
                if let Some(sender) = self.outcome.take() {
                    // Who waited may have gone.
                    let _ = sender.send(outcome);
                }
                true
            }
        }
    }
}

impl<P> Task for Asked<P>
where
    P: Piece + Send,
    P::Output: Send,
{
    fn begin(&mut self, call: &mut Call<'_>, keys: &mut Keys) -> bool {
        if self.is_dropped() {
            return true;
        }
        self.piece.type_ahead(keys);
        let progress = self.piece.begin(call);
        self.settle(progress)
    }

    fn on_event(&mut self, call: &mut Call<'_>, event: &Event) -> bool {
        if self.is_dropped() {
            return true;
        }
        let progress = self.piece.on_event(call, event);
        self.settle(progress)
    }

    fn on_wake(&mut self, call: &mut Call<'_>) -> bool {
        if self.is_dropped() {
            return true;
        }
        let progress = self.piece.on_wake(call);
        self.settle(progress)
    }

    fn fail(&mut self, failure: Failure) {
        self.settle(Progress::Done(Err(failure)));
    }

    fn hears(&self, tone: Tone) -> bool {
        self.piece.hears(tone) && !self.is_dropped()
    }
}

/// Why a call has nobody any more who talks in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// The last handle was dropped.
    Dropped,
    /// The script failed, or panicked, for this reason.
    Failed(String),
}

/// What scripts have asked of one call.
#[derive(Default)]
struct Line {
    /// Whether a script of this process talks in it.
    is_attached: bool,
    waiting: Vec<Box<dyn Task>>,
    running: Vec<Box<dyn Task>>,
    keys: Keys,
    watchers: Vec<mpsc::UnboundedSender<Event>>,
    left: Option<Left>,
    /// The end was told.
    is_over: bool,
}

/// The calls of a bot whose scripts run in this process.
pub(super) struct Registry {
    bot: watch::Sender<Option<WeakBot>>,
    lines: Mutex<HashMap<CallName, Line>>,
}

impl Registry {
    pub(super) fn new() -> Self {
        Self { bot: watch::Sender::new(None), lines: Mutex::default() }
    }

    /// The bot has started.
    pub(super) fn started(&self, bot: &Bot) {
        self.bot.send_replace(Some(bot.downgrade()));
    }

    /// The bot, once it has started; none where it is gone.
    pub(super) async fn bot(&self) -> Option<Bot> {
        let mut bot = self.bot.subscribe();
        let weak = bot.wait_for(Option::is_some).await.ok()?.clone();
        weak?.upgrade()
    }

    fn with<T>(&self, name: &CallName, change: impl FnOnce(&mut Line) -> T) -> T {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        change(lines.entry(name.clone()).or_default())
    }

    fn remove(&self, name: &CallName) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    pub(super) fn attach(&self, name: &CallName) {
        self.with(name, |line| line.is_attached = true);
    }

    pub(super) fn is_attached(&self, name: &CallName) -> bool {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.get(name).is_some_and(|line| line.is_attached)
    }

    pub(super) fn forget_keys(&self, name: &CallName) {
        self.with(name, |line| line.keys.clear());
    }

    pub(super) fn watch(&self, name: &CallName) -> mpsc::UnboundedReceiver<Event> {
        let (watcher, events) = mpsc::unbounded_channel();
        self.with(name, |line| line.watchers.push(watcher));
        events
    }

    pub(super) async fn run<P>(registry: &Arc<Self>, name: &CallName, piece: P) -> Result<P::Output, Failure>
    where
        P: Piece + Send + 'static,
        P::Output: Send + 'static,
    {
        Self::ask(registry, name, piece).await?.await.unwrap_or(Err(Failure::Gone))
    }

    /// Asks for a piece; gives where its outcome comes.
    pub(super) async fn ask<P>(
        registry: &Arc<Self>,
        name: &CallName,
        piece: P,
    ) -> Result<oneshot::Receiver<Result<P::Output, Failure>>, Failure>
    where
        P: Piece + Send + 'static,
        P::Output: Send + 'static,
    {
        let bot = registry.bot().await.ok_or(Failure::Gone)?;
        let (outcome, done) = oneshot::channel();
        let asked = Box::new(Asked { piece, outcome: Some(outcome) });
        registry.with(name, |line| line.waiting.push(asked));
        registry.wake(&bot, name).await;
        Ok(done)
    }

    /// Has the call's task look at what is asked of it.
    pub(super) async fn wake(&self, bot: &Bot, name: &CallName) {
        if let Err(error) = bot.wake(name).await {
            tracing::debug!(%name, %error, "a script asks something of a call that is not there");
            self.remove(name);
        }
    }

    /// Nobody holds the call any more.
    pub(super) fn abandon(registry: &Arc<Self>, name: &CallName) {
        let is_up = {
            let mut lines = registry.lines.lock().unwrap_or_else(PoisonError::into_inner);
            // A call that is over has no line.
            lines.get_mut(name).map(|line| {
                line.left.get_or_insert(Left::Dropped);
            })
        };
        if is_up.is_some() {
            Self::wake_later(registry, name);
        }
    }

    /// The script of a call failed.
    pub(super) fn failed(registry: &Arc<Self>, name: &CallName, why: String) {
        registry.with(name, |line| line.left = Some(Left::Failed(why)));
        Self::wake_later(registry, name);
    }

    fn wake_later(registry: &Arc<Self>, name: &CallName) {
        // Without a runtime the bot does not run either: the next start takes care of the call.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (registry, name) = (Arc::clone(registry), name.clone());
        runtime.spawn(async move {
            let Some(bot) = registry.bot().await else { return };
            registry.wake(&bot, &name).await;
        });
    }

    /// Hands an event to what runs, and begins what waits.
    pub(super) fn on_event(&self, call: &mut Call<'_>, event: &Event) {
        let name = call.name().clone();
        let mut running = self.with(&name, |line| {
            line.watchers.retain(|watcher| watcher.send(*event).is_ok());
            std::mem::take(&mut line.running)
        });
        if let Event::Tone { sequence, tone, .. } = *event
            && !running.iter().any(|task| task.hears(tone))
        {
            self.with(&name, |line| line.keys.press(sequence, tone));
        }
        running.retain_mut(|task| !task.on_event(call, event));
        self.with(&name, |line| line.running.splice(..0, running).for_each(drop));
        if let Event::CommandFailed { action: Action::Place, status, code, .. } = *event {
            let refused = Failure::of_command(call, Action::Place, status, code);
            self.with(&name, |line| line.waiting.drain(..).for_each(|mut task| task.fail(refused)));
        }
        self.with(&name, |line| line.is_over |= matches!(event, Event::Ended(_)));
        self.begin(call);
    }

    /// Tells what runs that a moment has come, and begins what waits.
    pub(super) fn on_wake(&self, call: &mut Call<'_>) {
        let name = call.name().clone();
        let mut running = self.with(&name, |line| std::mem::take(&mut line.running));
        running.retain_mut(|task| !task.on_wake(call));
        self.with(&name, |line| line.running.splice(..0, running).for_each(drop));
        self.begin(call);
    }

    /// Begins what waits, once the service has the call.
    fn begin(&self, call: &mut Call<'_>) {
        let name = call.name().clone();
        if call.end().is_some() || call.is_created() {
            let (waiting, mut keys) =
                self.with(&name, |line| (std::mem::take(&mut line.waiting), std::mem::take(&mut line.keys)));
            for mut task in waiting {
                if !task.begin(call, &mut keys) {
                    self.with(&name, |line| line.running.push(task));
                }
            }
            self.with(&name, |line| line.keys = keys);
        }
        // What runs waits for the event of the end, which other events of the same input come before.
        if call.end().is_some() {
            self.with(&name, |line| line.is_over |= line.running.is_empty() && line.watchers.is_empty());
            self.remove_where_over(&name);
        }
    }

    fn remove_where_over(&self, name: &CallName) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.get(name).is_some_and(|line| line.is_over) {
            lines.remove(name);
        }
    }

    /// Whether nobody talks in the call any more: what was asked of it is dropped then.
    pub(super) fn take_left(&self, name: &CallName) -> Option<Left> {
        let left = self.with(name, |line| line.left.take())?;
        self.remove(name);
        Some(left)
    }

    /// Drops what was asked of a call that the fallback takes.
    pub(super) fn give_up(&self, name: &CallName) {
        self.remove(name);
    }
}

/// A command alone.
pub(super) struct Command(pub(super) Order);

impl Piece for Command {
    type Output = ();

    fn begin(&mut self, call: &mut Call<'_>) -> Progress<()> {
        if let Some(end) = call.end() {
            return Progress::Done(Err(Failure::Ended(end)));
        }
        let ordered = match &self.0 {
            Order::SubscribeToTone => call.listen(),
            order => call.order(order).map(drop),
        };
        Progress::Done(ordered.map_err(Failure::from))
    }

    fn on_event(&mut self, _: &mut Call<'_>, _: &Event) -> Progress<()> {
        Progress::Pending
    }
}

/// Graph's id of the call.
pub(super) struct Id;

impl Piece for Id {
    type Output = String;

    fn begin(&mut self, call: &mut Call<'_>) -> Progress<String> {
        Progress::Done(call.id().map(str::to_owned).ok_or(Failure::Gone))
    }

    fn on_event(&mut self, _: &mut Call<'_>, _: &Event) -> Progress<String> {
        Progress::Pending
    }
}

/// Those who are in the call but the bot.
pub(super) struct Others;

impl Piece for Others {
    type Output = Vec<(ParticipantId, Named)>;

    fn begin(&mut self, call: &mut Call<'_>) -> Progress<Self::Output> {
        if let Some(end) = call.end() {
            return Progress::Done(Err(Failure::Ended(end)));
        }
        let machine = call.machine();
        let present = machine
            .roster()
            .members()
            .filter(|member| member.presence() == Presence::Present && !machine.is_own(member.id()));
        let named = present.filter_map(|member| Some((member.id(), call.participant(member.id())?.clone())));
        Progress::Done(Ok(named.collect()))
    }

    fn on_event(&mut self, _: &mut Call<'_>, _: &Event) -> Progress<Self::Output> {
        Progress::Pending
    }
}
