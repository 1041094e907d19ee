//! A store that may be behind: while it cannot be written, calls go on from memory, and it is told later what came.
//!
//! Of each call that is kept, memory has the record as the store has it. Where a change cannot be written, it is made there
//! by the same function that the stores use, and written down as owed. From then on the call's changes are made in memory
//! alone, until the store has been given all that is owed, in order: versions and numbers of inbox entries come out as they
//! were given.
//!
//! A change at the store holds the call's gate together with others; only the first one that goes into memory has it alone,
//! so that what it begins from has all that the store still answered.

mod ledger;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockWriteGuard, Weak};
use std::time::Duration;

use tokio::sync::{RwLock as Gate, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::ledger::{Ledger, bytes_of};
use super::alarm::Alarm;
use super::{CallName, Change, Commit, Pending, Record, Reply, Store, StoreError};

/// How long after the store could not be written it is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(1);
/// How many calls are written at a time.
const AT_A_TIME: usize = 64;

/// What becomes of calls that are up while the store cannot be written: its disk is full, or broken, or it was closed.
///
/// New calls are refused meanwhile, whichever it is: an incoming one is answered 503 and comes again, a placed one is
/// [`PlaceError::Store`](crate::bot::PlaceError::Store). The request that creates a call never leaves before it is kept that
/// it does. [`Bot::store_fault`](crate::bot::Bot::store_fault) tells when it begins, and when it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreOutage {
    /// They go on from memory. What came meanwhile is written, in order, once the store can be written again, which is tried
    /// every second.
    ///
    /// If the process ends without that, the next one goes on with each call from where the store was: it asks the service
    /// how the call stands, but the handler may be given an event again, and does not know what it commanded since. So a
    /// prompt may be played, or somebody invited, a second time. What the service was answered 202 for since is lost with
    /// the process.
    GoOn {
        /// How much may be owed to the store of one call, in bytes. Beyond it that call waits.
        max_of_call: usize,
        /// How much may be owed to it of all calls, in bytes. Beyond it all wait.
        max: usize,
    },
    /// They wait: nothing is done that is not kept. What they are told is answered 503 and comes again.
    Wait,
}

impl StoreOutage {
    /// Calls go on, with 1 MiB for each and 64 MiB for all.
    pub const GO_ON: Self = Self::GoOn { max_of_call: 1 << 20, max: 64 << 20 };
}

impl Default for StoreOutage {
    fn default() -> Self {
        Self::GO_ON
    }
}

/// One call.
#[derive(Default)]
struct Entry {
    /// Held together by changes at the store, and alone by whoever has to know that there are none.
    gate: Gate<()>,
    ledger: Mutex<Ledger>,
}

impl Entry {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Default)]
struct Calls {
    by_name: HashMap<CallName, Arc<Entry>>,
    by_alias: HashMap<String, CallName>,
}

#[derive(Default)]
struct Debtors {
    /// The calls of which something is owed.
    names: BTreeSet<CallName>,
    /// Whether the store is tried every second.
    is_paying: bool,
}

/// A store, and what is owed to it.
pub(crate) struct Behind {
    me: Weak<Self>,
    inner: Arc<dyn Store>,
    outage: StoreOutage,
    alarm: Alarm,
    calls: RwLock<Calls>,
    debtors: Mutex<Debtors>,
    /// How much is owed of all calls, in bytes.
    bytes: AtomicUsize,
    /// Whose turn it is to write what is owed.
    turn: tokio::sync::Mutex<()>,
    closed: CancellationToken,
}

/// A change that is at the store. Where nobody learns what became of it, what the store has is not certain any more.
struct AtStore<'a> {
    entry: &'a Entry,
    is_known: bool,
}

impl Drop for AtStore<'_> {
    fn drop(&mut self) {
        if !self.is_known {
            self.entry.ledger().unlearn();
        }
    }
}

/// Whether calls go on without the store. Where another process has it, or another release wrote it, they do not: they may be
/// that one's to drive.
fn is_outage(error: &StoreError) -> bool {
    matches!(error, StoreError::Unwritable { .. } | StoreError::Corrupt { .. } | StoreError::Closed)
}

/// Whether no call can be written, rather than this one.
fn is_of_all(error: &StoreError) -> bool {
    match error {
        StoreError::Unwritable { .. }
        | StoreError::Corrupt { .. }
        | StoreError::Closed
        | StoreError::InUse { .. }
        | StoreError::NewerFormat { .. } => true,
        StoreError::Conflict { .. }
        | StoreError::NotFound(_)
        | StoreError::Damaged { .. }
        | StoreError::NoKey { .. }
        | StoreError::WrongKey { .. }
        | StoreError::NotEncrypted(_) => false,
    }
}

async fn make(store: &dyn Store, name: &CallName, change: Change) -> Reply {
    match change {
        Change::Append(bytes) => store.append(name, bytes).await,
        Change::Commit(commit) => store.commit(name, *commit).await,
        Change::MarkAttempted(ticket) => store.mark_attempted(name, ticket).await.map(|()| 0),
        Change::Forget(last_seq) => store.forget(name, last_seq).await.map(u64::from),
    }
}

impl Behind {
    pub(crate) fn new(inner: Arc<dyn Store>, outage: StoreOutage) -> Arc<Self> {
        let meanwhile = match outage {
            StoreOutage::GoOn { .. } => "calls go on from memory, and new ones are refused",
            StoreOutage::Wait => "calls wait for it, and new ones are refused",
        };
        Arc::new_cyclic(|me| Self {
            me: Weak::clone(me),
            inner,
            outage,
            alarm: Alarm::new(meanwhile),
            calls: RwLock::default(),
            debtors: Mutex::default(),
            bytes: AtomicUsize::new(0),
            turn: tokio::sync::Mutex::default(),
            closed: CancellationToken::new(),
        })
    }

    /// Why the store cannot be written now, or has not got yet all that it is owed.
    pub(crate) fn fault(&self) -> watch::Receiver<Option<StoreError>> {
        self.alarm.fault()
    }

    /// Writes what is owed once more, and lets nothing go into memory from now on.
    pub(crate) async fn close(&self) {
        self.closed.cancel();
        let left = self.pay_all().await;
        if left > 0 {
            tracing::error!(
                count = left,
                "the store could not be written before the bot stopped: these calls go on from where it was"
            );
        }
    }

    fn debtors(&self) -> MutexGuard<'_, Debtors> {
        self.debtors.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn calls_to_change(&self) -> RwLockWriteGuard<'_, Calls> {
        self.calls.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn entry(&self, name: &CallName) -> Arc<Entry> {
        let known = self.calls.read().unwrap_or_else(PoisonError::into_inner).by_name.get(name).cloned();
        known.unwrap_or_else(|| Arc::clone(self.calls_to_change().by_name.entry(name.clone()).or_default()))
    }

    /// Drops an entry of which nothing is known, unless somebody else is at it.
    fn tidy(&self, name: &CallName, entry: &Arc<Entry>) {
        let mut calls = self.calls_to_change();
        // It is cloned only while the map is held: one is the map's, one is ours.
        if Arc::strong_count(entry) == 2 && entry.ledger().is_blank() {
            calls.by_name.remove(name);
        }
    }

    /// Changes a ledger, and takes in the alias that the call has got by that.
    fn write_down<T>(
        &self,
        name: &CallName,
        mut ledger: MutexGuard<'_, Ledger>,
        change: impl FnOnce(&mut Ledger) -> T,
    ) -> T {
        let before = ledger.alias().cloned();
        let result = change(&mut ledger);
        let alias = ledger.alias().filter(|alias| before.as_ref() != Some(*alias)).cloned();
        // The map is taken before a ledger, never after it.
        drop(ledger);
        if let Some(alias) = alias {
            self.calls_to_change().by_alias.insert(alias, name.clone());
        }
        result
    }

    fn note<T>(&self, result: &Result<T, StoreError>) {
        match result {
            Ok(_) => {
                let debtors = self.debtors();
                if debtors.names.is_empty() {
                    self.alarm.end();
                }
            }
            Err(error) if is_of_all(error) => self.alarm.begin(error),
            Err(_) => {}
        }
    }

    fn watch<'a, T: Send + 'a>(&'a self, change: Pending<'a, T>) -> Pending<'a, T> {
        Box::pin(async move {
            let result = change.await;
            self.note(&result);
            result
        })
    }

    /// Makes a change at the store, or in memory.
    fn change(&self, name: &CallName, change: Change) -> Pending<'_, u64> {
        let name = name.clone();
        Box::pin(async move {
            let StoreOutage::GoOn { .. } = self.outage else {
                let reply = make(&*self.inner, &name, change).await;
                self.note(&reply);
                return reply;
            };
            let entry = self.entry(&name);
            let reply = self.change_of(&name, &entry, change).await;
            if reply.is_err() {
                self.tidy(&name, &entry);
            }
            reply
        })
    }

    async fn change_of(&self, name: &CallName, entry: &Entry, change: Change) -> Reply {
        let together = entry.gate.read().await;
        {
            let ledger = entry.ledger();
            if ledger.is_barred(&change) {
                return Err(conflict(name, &change, ledger.record()));
            }
            if ledger.is_behind() {
                return self.owe(name, ledger, change, &self.alarm.refusal());
            }
        }
        let mut at_store = AtStore { entry, is_known: false };
        let reply = make(&*self.inner, name, change.clone()).await;
        self.note(&reply);
        let reply = match reply {
            Err(error) if is_outage(&error) => {
                drop(together);
                self.fall_back(name, entry, change, error).await
            }
            reply => {
                self.write_down(name, entry.ledger(), |ledger| ledger.did(name, change, &reply));
                reply
            }
        };
        at_store.is_known = reply.is_ok();
        reply
    }

    /// Makes in memory what the store refused to, where it may be.
    async fn fall_back(&self, name: &CallName, entry: &Entry, change: Change, error: StoreError) -> Reply {
        let _alone = entry.gate.write().await;
        let is_known = entry.ledger().record().is_some();
        if !is_known {
            let Ok(Some(record)) = self.inner.read(name).await else { return Err(error) };
            let made = ledger::made(&record, &change);
            self.learn(name, entry, record);
            if let Some(answer) = made {
                return Ok(answer);
            }
        }
        self.owe(name, entry.ledger(), change, &error)
    }

    fn owe(
        &self,
        name: &CallName,
        mut ledger: MutexGuard<'_, Ledger>,
        change: Change,
        error: &StoreError,
    ) -> Reply {
        if !ledger.may_go_on(&change) || self.closed.is_cancelled() {
            return Err(error.clone());
        }
        let StoreOutage::GoOn { max_of_call, max } = self.outage else { return Err(error.clone()) };
        let size = bytes_of(&change);
        let owed = ledger.bytes().saturating_add(size);
        let owed_in_all = self.bytes.load(Ordering::Relaxed).saturating_add(size);
        if owed > max_of_call || owed_in_all > max {
            if ledger.fill() {
                tracing::error!(
                    %name, owed, max_of_call, owed_in_all, max,
                    "too much is owed to the store that cannot be written: the call waits for it"
                );
            }
            return Err(error.clone());
        }
        self.write_down(name, ledger, |ledger| {
            let reply = ledger.owe(name, change)?;
            self.bytes.fetch_add(size, Ordering::Relaxed);
            self.is_owed(name, error);
            Ok(reply)
        })
    }

    /// Notes that something is owed of this call, and sees to it that it is written later.
    fn is_owed(&self, name: &CallName, error: &StoreError) {
        let mut debtors = self.debtors();
        if !debtors.names.insert(name.clone()) {
            return;
        }
        self.alarm.begin(error);
        if let (false, Some(me)) = (debtors.is_paying, self.me.upgrade()) {
            debtors.is_paying = true;
            tokio::spawn(async move { me.pay_in_time().await });
        }
    }

    async fn pay_in_time(&self) {
        loop {
            tokio::select! {
                () = self.closed.cancelled() => return,
                () = tokio::time::sleep(TRY_AGAIN) => {}
            }
            self.pay_all().await;
            let mut debtors = self.debtors();
            if debtors.names.is_empty() {
                debtors.is_paying = false;
                return;
            }
        }
    }

    /// Writes what is owed, as far as it can be written; gives of how many calls something is owed yet.
    async fn pay_all(&self) -> usize {
        let _turn = self.turn.lock().await;
        let mut names: Vec<_> = self.debtors().names.iter().cloned().collect();
        // One first: it tells whether the store can be written.
        let mut at_a_time = 1;
        while let (false, Some(me)) = (names.is_empty(), self.me.upgrade()) {
            let mut paying = JoinSet::new();
            for name in names.split_off(names.len().saturating_sub(at_a_time)) {
                let me = Arc::clone(&me);
                paying.spawn(async move { me.pay(&name).await });
            }
            let mut is_outage = false;
            while let Some(paid) = paying.join_next().await {
                if let Ok(Err(error)) = paid {
                    tracing::debug!(%error, "what is owed to the store cannot be written yet");
                    is_outage |= is_of_all(&error);
                }
            }
            if is_outage {
                break;
            }
            at_a_time = AT_A_TIME;
        }
        let debtors = self.debtors();
        if debtors.names.is_empty() {
            self.alarm.end();
        }
        debtors.names.len()
    }

    /// Writes what is owed of one call, in order.
    async fn pay(&self, name: &CallName) -> Result<(), StoreError> {
        let entry = self.entry(name);
        self.find_place(name, &entry).await?;
        while let Some(change) = self.next(name, &entry) {
            let reply = make(&*self.inner, name, change).await;
            let freed = match reply {
                Ok(answer) => entry.ledger().paid(name, answer),
                Err(StoreError::Conflict { .. } | StoreError::NotFound(_)) => None,
                Err(error) => return Err(error),
            };
            if let Some(freed) = freed {
                self.bytes.fetch_sub(freed, Ordering::Relaxed);
                continue;
            }
            self.find_place(name, &entry).await?;
            if !entry.ledger().is_anothers() {
                return Err(self.alarm.refusal());
            }
        }
        Ok(())
    }

    /// What is owed next of a call. Where that is nothing, it is at the store again.
    fn next(&self, name: &CallName, entry: &Entry) -> Option<Change> {
        let mut ledger = entry.ledger();
        let next = ledger.next();
        if next.is_none() && ledger.close() {
            self.debtors().names.remove(name);
        }
        next
    }

    /// Finds the place in what is owed at which the store is.
    async fn find_place(&self, name: &CallName, entry: &Entry) -> Result<(), StoreError> {
        let found = self.inner.read(name).await?;
        let mut ledger = entry.ledger();
        let freed = ledger.skip_to(name, found.as_ref()).unwrap_or_else(|| {
            tracing::error!(
                %name,
                "somebody else changed the call in the store while it could not be written here: it is left to them, and \
                 what it did meanwhile is not kept; give each instance a store of its own"
            );
            ledger.leave(name, found)
        });
        self.bytes.fetch_sub(freed, Ordering::Relaxed);
        Ok(())
    }

    fn learn(&self, name: &CallName, entry: &Entry, record: Record) {
        self.write_down(name, entry.ledger(), |ledger| ledger.learn(record));
    }

    async fn look(&self, name: &CallName) -> Result<Option<Record>, StoreError> {
        let entry = self.entry(name);
        let is_known = entry.ledger().record().is_some();
        if !is_known {
            let alone = entry.gate.write().await;
            let is_known = entry.ledger().record().is_some();
            if !is_known {
                let read = self.inner.read(name).await;
                if let Ok(Some(record)) = &read {
                    self.learn(name, &entry, record.clone());
                }
                drop(alone);
                self.tidy(name, &entry);
                return read;
            }
        }
        let in_memory = |ledger: &Ledger| ledger.record().cloned();
        {
            let ledger = entry.ledger();
            if ledger.is_behind() {
                return Ok(in_memory(&ledger));
            }
        }
        match self.inner.read(name).await {
            Err(error) if is_outage(&error) => in_memory(&entry.ledger()).map(Some).ok_or(error),
            read => read,
        }
    }

    async fn drop_call(&self, name: &CallName, last_seq: u64) -> Result<bool, StoreError> {
        let entry = self.entry(name);
        let alone = entry.gate.write().await;
        if entry.ledger().is_behind() {
            return Err(self.alarm.refusal());
        }
        let mut at_store = AtStore { entry: &entry, is_known: false };
        let result = self.inner.forget(name, last_seq).await;
        self.note(&result);
        at_store.is_known = result == Ok(false);
        drop(at_store);
        if result == Ok(true) {
            let alias = std::mem::take(&mut *entry.ledger()).alias().cloned();
            if let Some(alias) = alias {
                self.calls_to_change().by_alias.remove(&alias);
            }
        }
        drop(alone);
        self.tidy(name, &entry);
        result
    }
}

/// What a commit of a call that is another's is answered.
fn conflict(name: &CallName, change: &Change, record: Option<&Record>) -> StoreError {
    let expected = match change {
        Change::Commit(commit) => commit.version,
        Change::Append(_) | Change::MarkAttempted(_) | Change::Forget(_) => 0,
    };
    let found = record.map_or(0, |record| record.version);
    StoreError::Conflict { name: name.clone(), expected, found }
}

impl Store for Behind {
    fn append(&self, name: &CallName, bytes: Vec<u8>) -> Pending<'_, u64> {
        self.change(name, Change::Append(bytes))
    }

    fn read(&self, name: &CallName) -> Pending<'_, Option<Record>> {
        match self.outage {
            StoreOutage::GoOn { .. } => {
                let name = name.clone();
                Box::pin(async move { self.look(&name).await })
            }
            StoreOutage::Wait => self.inner.read(name),
        }
    }

    fn commit(&self, name: &CallName, commit: Commit) -> Pending<'_, u64> {
        self.change(name, Change::Commit(Box::new(commit)))
    }

    fn mark_attempted(&self, name: &CallName, ticket: u32) -> Pending<'_, ()> {
        let marked = self.change(name, Change::MarkAttempted(ticket));
        Box::pin(async move { marked.await.map(|_| ()) })
    }

    fn resolve(&self, alias: &str) -> Pending<'_, Option<CallName>> {
        let known = self.calls.read().unwrap_or_else(PoisonError::into_inner).by_alias.get(alias).cloned();
        match known {
            Some(name) => Box::pin(std::future::ready(Ok(Some(name)))),
            None => self.inner.resolve(alias),
        }
    }

    fn names(&self) -> Pending<'_, Vec<CallName>> {
        Box::pin(async move {
            match self.inner.names().await {
                Err(error) if is_outage(&error) => {
                    let calls = self.calls.read().unwrap_or_else(PoisonError::into_inner);
                    let names: BTreeSet<_> = calls.by_name.keys().cloned().collect();
                    if names.is_empty() { Err(error) } else { Ok(names.into_iter().collect()) }
                }
                names => names,
            }
        })
    }

    fn forget(&self, name: &CallName, last_seq: u64) -> Pending<'_, bool> {
        let StoreOutage::GoOn { .. } = self.outage else {
            return self.watch(self.inner.forget(name, last_seq));
        };
        let name = name.clone();
        Box::pin(async move { self.drop_call(&name, last_seq).await })
    }

    fn count(&self, key: &str, by: u64) -> Pending<'_, u64> {
        self.watch(self.inner.count(key, by))
    }
}
