//! Calls those who are to be called.
//!
//! What is to be done is in the store before it is done. An entry is a record of its own there, and each attempt a call. An
//! attempt is kept with the entry first, under the name that its call is to have; then the call is put away, and only then
//! does its request leave. So after a crash it is known of each attempt whether its call was ever there: where it was not,
//! nobody was rung, and the attempt is taken back. What came of a call goes to its entry once the call's end is put away, and
//! until then the call is not forgotten. One that is lost all the same is [`Disposition::Unknown`].

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard, Notify};

use super::book::Book;
use super::disposition::Disposition;
use super::entry::{Kept, Outcome, PUT_BACK, Standing};
use super::handler::{Holds, OutboundHandler};
use super::pacing::Pacing;
use crate::bot::{Bot, Kept as Author, PlaceError, QuotaExceeded, StateError, read_state, unwound};
use crate::clock::Clock;
use crate::session::{Placement, Session};
use crate::store::{CallName, Record, Store, StoreError};

/// How long after a failure of the store it is tried again, in milliseconds.
const STORE_AGAIN: u64 = 1_000;
/// How long after the author could not be told, or his state not be read, it is tried again.
const AUTHOR_AGAIN: u64 = 60_000;
/// How long nothing is begun where as many calls are up as the quota has.
const QUOTA_AGAIN: u64 = 10_000;

/// What it takes to make a call.
struct Beginning {
    id: CallName,
    call: CallName,
    to: Placement,
    kept: Kept,
}

/// What came of looking for the next one to call.
enum Next {
    Begin(Box<Beginning>),
    /// The one whose turn it was waits, or is over: there may be another.
    Look,
    /// Nobody is called now.
    Wait,
}

/// Dates attempts anew whose calls were put away and whose requests did not leave before an earlier process ended: they leave
/// once the bot starts. This comes before that, so that they count for the minute in which they do.
pub(super) async fn date_anew(store: &dyn Store, clock: Clock) -> Result<(), StoreError> {
    let now = clock.now_millis();
    for id in store.names().await?.into_iter().filter(CallName::is_planned) {
        // What cannot be read is told of when it is to go on.
        let Ok(Some(record)) = store.read(&id).await else { continue };
        let Ok(mut kept) = Kept::read(&record) else { continue };
        let Some(call) = kept.call() else { continue };
        let Ok(Some(of_call)) = store.read(call).await else { continue };
        if of_call.outbox.iter().any(|row| row.once_only && !row.attempted) {
            kept.date_anew(now);
            let Ok(commit) = kept.commit(record.version, now) else { continue };
            store.commit(&id, commit).await?;
        }
    }
    Ok(())
}

pub(super) struct Dialer<H> {
    pub(super) bot: Bot,
    pub(super) handler: Arc<H>,
    pub(super) pacing: Pacing,
    within: Duration,
    book: Mutex<Book>,
    /// Something was planned, or cancelled.
    changed: Notify,
}

impl<H: OutboundHandler> Dialer<H> {
    /// Reads what the store has.
    pub(super) async fn load(
        bot: Bot,
        handler: Arc<H>,
        holds: &Arc<Holds>,
        pacing: Pacing,
        keep_settled: Duration,
        within: Duration,
    ) -> Result<Arc<Self>, StoreError> {
        let keep_settled = u64::try_from(keep_settled.as_millis()).unwrap_or(u64::MAX);
        let mut book = Book::new(Arc::clone(holds), keep_settled);
        for id in bot.store().names().await?.into_iter().filter(CallName::is_planned) {
            match bot.record(&id).await {
                Ok(Some(record)) => match Kept::read(&record) {
                    Ok(kept) => book.learn(&id, record.version, kept),
                    Err(error) => {
                        tracing::error!(%id, %error, "an entry cannot be read; it is left as it is");
                    }
                },
                Ok(None) => {}
                Err(error) => tracing::error!(%id, %error, "an entry cannot be read; the others go on"),
            }
        }
        holds.is_loaded();
        let (book, changed) = (Mutex::new(book), Notify::new());
        Ok(Arc::new(Self { bot, handler, pacing, within, book, changed }))
    }

    pub(super) async fn run(self: Arc<Self>) {
        let (mut changes, stopping) = (self.bot.changes(), self.bot.stopping());
        // A turn is done to its end: what is being written then is there when the bot has stopped.
        while !stopping.is_cancelled() {
            changes.mark_unchanged();
            let next = self.turn().await;
            let moment = async {
                match next {
                    Some(at) => tokio::time::sleep_until(self.bot.clock().instant(at)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = moment => {}
                () = stopping.cancelled() => {}
                () = self.changed.notified() => {}
                told = changes.changed() => {
                    if told.is_err() {
                        return;
                    }
                }
            }
        }
    }

    pub(super) async fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().await
    }

    fn now(&self) -> u64 {
        self.bot.clock().now_millis()
    }

    /// Does what there is to do, and gives when to look again.
    async fn turn(self: &Arc<Self>) -> Option<u64> {
        self.look_at_calls().await;
        self.keep_agenda().await;
        loop {
            match self.next().await {
                Next::Begin(beginning) => self.place(*beginning).await,
                Next::Look => {}
                Next::Wait => break,
            }
        }
        self.next_moment().await
    }

    async fn next_moment(&self) -> Option<u64> {
        let now = self.now();
        let mut book = self.book().await;
        let has_room = book.at_once() < self.pacing.at_once.max(1) && !self.bot.is_draining();
        let first = book.first_due().filter(|_| has_room).map(|(due, _)| due);
        let begin_at = first.map(|due| due.max(book.held_until).max(book.begun.free_at(now, &self.pacing)));
        [book.next_moment(), begin_at].into_iter().flatten().min()
    }

    /// Puts an entry away as it is from now on. What the store has is not certain where that fails: it is read again.
    pub(super) async fn put(&self, book: &mut Book, id: &CallName, kept: Kept) -> Result<(), StoreError> {
        let now = self.now();
        let version = book.get(id).map_or(0, |slot| slot.version);
        let committed = match kept.commit(version, now) {
            Ok(commit) => self.bot.store().commit(id, commit).await,
            Err(error) => {
                tracing::error!(%id, %error, "an entry cannot be written");
                Err(StoreError::Closed)
            }
        };
        match committed {
            Ok(version) => {
                book.learn(id, version, kept);
                Ok(())
            }
            Err(error) => {
                tracing::debug!(%id, %error, "an entry cannot be put away; trying again");
                book.held_until = book.held_until.max(now.saturating_add(STORE_AGAIN));
                self.distrust(book, id);
                Err(error)
            }
        }
    }

    fn distrust(&self, book: &mut Book, id: &CallName) {
        let again_at = self.now().saturating_add(STORE_AGAIN);
        book.change(id, |slot| {
            slot.is_stale = true;
            slot.again_at = Some(again_at);
        });
    }

    /// Reads an entry again of which it is not certain what the store has.
    pub(super) async fn reread(&self, book: &mut Book, id: &CallName) -> Result<(), StoreError> {
        match self.bot.record(id).await {
            Ok(Some(record)) => match Kept::read(&record) {
                Ok(kept) => book.learn(id, record.version, kept),
                Err(error) => {
                    tracing::error!(%id, %error, "an entry cannot be read any more; it is left as it is");
                    book.forget(id);
                }
            },
            Ok(None) => book.forget(id),
            Err(error) => {
                self.distrust(book, id);
                return Err(error);
            }
        }
        Ok(())
    }

    pub(super) fn notify(&self) {
        self.changed.notify_one();
    }

    /// Takes in what came of calls, and ends those that are not wanted any more.
    async fn look_at_calls(self: &Arc<Self>) {
        let mut book = self.book().await;
        for id in book.calling() {
            let Some(kept) = book.get(&id).map(|slot| slot.kept.clone()) else { continue };
            let Some(call) = kept.call().cloned() else { continue };
            if self.bot.is_live(&call) {
                self.end_unwanted(&mut book, &id, &kept, &call);
                continue;
            }
            match self.bot.record(&call).await {
                Ok(Some(record)) if record.version > 0 => {
                    self.look_at_call(&mut book, &id, kept, &call, record).await;
                }
                Ok(_) => self.missing(&mut book, &id, kept).await,
                Err(error @ StoreError::Damaged { .. }) => {
                    self.unreadable(&mut book, &id, kept, error.to_string()).await;
                }
                Err(error) => {
                    tracing::debug!(%id, %error, "the call of an attempt cannot be read; trying again");
                    let again_at = Some(self.now().saturating_add(STORE_AGAIN));
                    book.change(&id, |slot| slot.again_at = again_at);
                }
            }
        }
    }

    async fn look_at_call(
        self: &Arc<Self>,
        book: &mut Book,
        id: &CallName,
        mut kept: Kept,
        call: &CallName,
        record: Record,
    ) {
        match Session::from_bytes(&record.call, &record.texts) {
            Ok(session) => match Disposition::of(&session) {
                Some(told) => {
                    let author = Author { version: record.about.author_version, bytes: record.author };
                    self.ended(book, id, kept, told, author).await;
                }
                None if !kept.is_begun => {
                    kept.is_begun = true;
                    // It is tried again where that fails.
                    let _ = self.put(book, id, kept).await;
                }
                None => self.end_unwanted(book, id, &kept, call),
            },
            // The service is asked how it stands, where its id is left.
            Err(_) if record.about.call_id.is_some() => {}
            Err(error) => self.unreadable(book, id, kept, error.to_string()).await,
        }
    }

    /// The call of an attempt is in the store, and nobody can go on with it.
    async fn unreadable(&self, book: &mut Book, id: &CallName, kept: Kept, error: String) {
        tracing::error!(%id, error, "the call of an attempt cannot be read: what came of it is not known");
        self.ended(book, id, kept, Disposition::Unknown, Author::default()).await;
    }

    /// An attempt has ended.
    async fn ended(&self, book: &mut Book, id: &CallName, mut kept: Kept, told: Disposition, author: Author) {
        kept.learn_author(author);
        let disposition = self.disposition(&kept, told);
        let now = self.now();
        kept.settle(now, disposition);
        if disposition == Disposition::NotPlaced {
            book.held_until = book.held_until.max(now.saturating_add(PUT_BACK));
            tracing::warn!(%id, "the service took no call, and is let alone for a while; the entry waits");
        }
        tracing::info!(%id, ?disposition, standing = ?kept.standing, "an attempt has ended");
        // What is not put away is looked at again.
        let _ = self.put(book, id, kept).await;
    }

    /// What the handler says of an attempt.
    fn disposition(&self, kept: &Kept, told: Disposition) -> Disposition {
        if !told.is_attempt() {
            return told;
        }
        match self.read_state(kept) {
            Ok(state) => {
                let asked = catch_unwind(AssertUnwindSafe(|| self.handler.disposition(&state, told)));
                // An attempt that was cannot be undone.
                asked.ok().filter(|said| said.is_attempt()).unwrap_or_else(|| {
                    tracing::error!(
                        "`OutboundHandler::disposition` gave none; what the service tells counts"
                    );
                    told
                })
            }
            Err(error) => {
                tracing::error!(%error, "the handler's state of an attempt cannot be read; what the service tells counts");
                told
            }
        }
    }

    /// The call of an attempt is not in the store.
    async fn missing(&self, book: &mut Book, id: &CallName, mut kept: Kept) {
        if kept.is_begun {
            tracing::error!(%id, "the call of an attempt is lost: what came of it is not known");
            return self.ended(book, id, kept, Disposition::Unknown, Author::default()).await;
        }
        let now = self.now();
        if let Some(attempt) = kept.attempts.last() {
            book.begun.take_back(attempt.began_at, &attempt.call);
        }
        kept.take_back(now, kept.planned_at);
        let _ = self.put(book, id, kept).await;
    }

    /// Ends the call of an entry that was cancelled.
    fn end_unwanted(self: &Arc<Self>, book: &mut Book, id: &CallName, kept: &Kept, call: &CallName) {
        if !kept.is_cancelled {
            return;
        }
        // Until it has ended, or that failed, nobody looks at it.
        book.change(id, |slot| slot.is_busy = true);
        let (me, id, call) = (Arc::clone(self), id.clone(), call.clone());
        self.bot.spawn(async move {
            if let Err(error) = me.bot.end(&call).await {
                tracing::debug!(%call, %error, "a cancelled call cannot be ended yet; trying again");
            }
            let mut changes = me.bot.changes();
            let until = tokio::time::sleep(Duration::from_millis(PUT_BACK));
            tokio::pin!(until);
            while me.bot.is_live(&call) {
                tokio::select! {
                    () = &mut until => break,
                    told = changes.changed() => if told.is_err() { break },
                }
            }
            me.book().await.change(&id, |slot| slot.is_busy = false);
            me.notify();
        });
    }

    async fn keep_agenda(self: &Arc<Self>) {
        let now = self.now();
        let mut book = self.book().await;
        while let Some(id) = book.take_moment(now) {
            let Some(slot) = book.get(&id) else { continue };
            if slot.is_stale {
                // It is tried again where that fails.
                let _ = self.reread(&mut book, &id).await;
                continue;
            }
            let mut kept = slot.kept.clone();
            match kept.standing {
                Standing::Waiting { .. } => {
                    kept.end(now, Outcome::Expired);
                    let _ = self.put(&mut book, &id, kept).await;
                }
                Standing::Calling { .. } => book.change(&id, |slot| slot.again_at = None),
                Standing::Settled { .. } if !kept.is_told => self.tell(&mut book, id, kept),
                Standing::Settled { .. } => match self.bot.store().forget(&id, 0).await {
                    Ok(true) => book.forget(&id),
                    Ok(false) | Err(_) => {
                        book.change(&id, |slot| slot.again_at = Some(now.saturating_add(AUTHOR_AGAIN)));
                    }
                },
            }
        }
    }

    /// Tells the author how an entry ended.
    fn tell(self: &Arc<Self>, book: &mut Book, id: CallName, kept: Kept) {
        book.change(&id, |slot| slot.is_busy = true);
        let me = Arc::clone(self);
        self.bot.spawn(async move {
            let is_told = me.told(&id, &kept).await;
            let now = me.now();
            let mut book = me.book().await;
            book.change(&id, |slot| {
                slot.is_busy = false;
                slot.again_at = Some(now.saturating_add(AUTHOR_AGAIN));
            });
            if is_told && book.get(&id).is_some() {
                let mut kept = kept;
                kept.is_told = true;
                let _ = me.put(&mut book, &id, kept).await;
            }
            drop(book);
            me.notify();
        });
    }

    async fn told(&self, id: &CallName, kept: &Kept) -> bool {
        let state = match self.read_state(kept) {
            Ok(state) => state,
            Err(error) => {
                tracing::error!(%id, %error, "the handler's state of an entry cannot be read: it is not told of yet");
                return false;
            }
        };
        let entry = kept.entry(id);
        match unwound(self.within, self.handler.on_settled(&entry, &state)).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::warn!(%id, %error, "`OutboundHandler::on_settled` failed; it is called again");
                false
            }
            Err(error) => {
                tracing::error!(%id, %error, "`OutboundHandler::on_settled` is called again");
                false
            }
        }
    }

    pub(super) fn read_state(&self, kept: &Kept) -> Result<H::State, StateError> {
        read_state(&*self.handler, &kept.author())
    }

    /// Chooses whom to call now, and keeps that he is.
    async fn next(&self) -> Next {
        let now = self.now();
        let mut book = self.book().await;
        let is_full = book.at_once() >= self.pacing.at_once.max(1);
        let is_over = self.bot.is_draining() || self.bot.stopping().is_cancelled();
        if is_full || is_over || now < book.held_until {
            return Next::Wait;
        }
        if now < book.begun.free_at(now, &self.pacing) {
            return Next::Wait;
        }
        if self.bot.store_fault().borrow().is_some() {
            // No call can begin, and no entry need say so.
            book.held_until = now.saturating_add(STORE_AGAIN);
            return Next::Wait;
        }
        let Some((_, id)) = book.first_due().filter(|(due, _)| *due <= now) else { return Next::Wait };
        let Some(mut kept) = book.get(&id).map(|slot| slot.kept.clone()) else { return Next::Wait };
        // It may have waited for its turn until the hours are over.
        kept.schedule(now, now);
        if kept.standing != (Standing::Waiting { due: now }) {
            return if self.put(&mut book, &id, kept).await.is_ok() { Next::Look } else { Next::Wait };
        }
        if let Err(error) = self.read_state(&kept) {
            tracing::error!(%id, %error, "the handler's state of an entry cannot be read: nobody is called for it yet");
            book.change(&id, |slot| slot.again_at = Some(now.saturating_add(AUTHOR_AGAIN)));
            return Next::Look;
        }
        let Some(to) = kept.next_to().cloned() else {
            kept.end(now, Outcome::GivenUp(Disposition::Refused));
            return if self.put(&mut book, &id, kept).await.is_ok() { Next::Look } else { Next::Wait };
        };
        let call = CallName::random();
        kept.begin(now, call.clone());
        if self.put(&mut book, &id, kept.clone()).await.is_err() {
            return Next::Wait;
        }
        book.change(&id, |slot| slot.is_busy = true);
        Next::Begin(Box::new(Beginning { id, call, to, kept }))
    }

    /// Puts the call away, and lets its request go.
    async fn place(&self, Beginning { id, call, to, kept }: Beginning) {
        let ring = Some(kept.plan.ring_timer());
        let placed = self.bot.place_as(&call, &to, kept.author(), ring).await;
        let now = self.now();
        let mut book = self.book().await;
        book.change(&id, |slot| slot.is_busy = false);
        // It may have been cancelled meanwhile.
        let Some(mut kept) = book.get(&id).map(|slot| slot.kept.clone()) else { return };
        match placed {
            Ok(()) => {
                kept.is_begun = true;
                // Where that fails, the call is found when the entry is read again.
                let _ = self.put(&mut book, &id, kept).await;
            }
            Err(PlaceError::Quota(QuotaExceeded { usage, free_at })) => {
                tracing::warn!(limit = %usage.limit, "the quota is used: whoever is to be called waits");
                let free_at = free_at.unwrap_or(now.saturating_add(QUOTA_AGAIN));
                book.held_until = book.held_until.max(free_at);
                self.missing(&mut book, &id, kept).await;
            }
            Err(PlaceError::Draining) => self.missing(&mut book, &id, kept).await,
            Err(PlaceError::Order(error)) => {
                tracing::error!(%id, %error, "the rules forbid the call");
                self.ended(&mut book, &id, kept, Disposition::Refused, Author::default()).await;
            }
            // Whether it is there is seen when the entry was read again.
            Err(error @ (PlaceError::Store(_) | PlaceError::NoCall(_))) => {
                tracing::warn!(%id, %error, "the call of an attempt cannot be put away");
                book.held_until = book.held_until.max(now.saturating_add(STORE_AGAIN));
                self.distrust(&mut book, &id);
            }
        }
    }
}
