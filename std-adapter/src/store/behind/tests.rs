use std::sync::atomic::{AtomicBool, AtomicU64};

use proptest::prelude::*;

use super::super::memory::Memory;
use super::super::{About, OutboxRow};
use super::*;

/// How a disk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Disk {
    Good,
    /// Nothing can be written.
    Full,
    /// Nothing can be written or read.
    Gone,
    /// What is kept of calls that are up is written, and said not to be.
    Lies,
}

/// A store on such a disk. Each operation takes some time before and after it takes effect.
struct Flaky {
    kept: Memory,
    disk: Mutex<Disk>,
    takes_time: AtomicBool,
    count: AtomicU64,
}

impl Flaky {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            kept: Memory::new(),
            disk: Mutex::new(Disk::Good),
            takes_time: AtomicBool::new(false),
            count: AtomicU64::new(0),
        })
    }

    fn set(&self, disk: Disk) {
        *self.disk.lock().unwrap() = disk;
    }

    fn disk(&self) -> Disk {
        *self.disk.lock().unwrap()
    }

    async fn pass(&self) {
        if self.takes_time.load(Ordering::Relaxed) {
            let number = self.count.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(number.wrapping_mul(37) % 7 * 150)).await;
        }
    }

    fn change<'a, T: Send + 'a>(&'a self, name: Option<CallName>, change: Pending<'a, T>) -> Pending<'a, T> {
        Box::pin(async move {
            self.pass().await;
            let full = Err(StoreError::Unwritable { path: "/calls.redb".into(), reason: "full".to_owned() });
            let result = match self.disk() {
                Disk::Good => change.await,
                Disk::Full | Disk::Gone => full,
                Disk::Lies => {
                    let is_up = match &name {
                        Some(name) => self.kept.read(name).await?.is_some_and(|record| record.version > 0),
                        None => false,
                    };
                    if is_up {
                        change.await?;
                    }
                    full
                }
            };
            self.pass().await;
            result
        })
    }

    fn look<'a, T: Send + 'a>(&'a self, look: Pending<'a, T>) -> Pending<'a, T> {
        if self.disk() == Disk::Gone { Box::pin(std::future::ready(Err(StoreError::Closed))) } else { look }
    }
}

/// An operation begins when it is first waited for.
macro_rules! later {
    ($self:ident, $name:expr, |$inner:ident| $call:expr) => {{
        let (name, $inner) = ($name.clone(), &$self.kept);
        let of = name.clone();
        $self.change(
            Some(of),
            Box::pin(async move {
                let $inner = ($inner, &name);
                $call.await
            }),
        )
    }};
}

impl Store for Flaky {
    fn append(&self, name: &CallName, bytes: Vec<u8>) -> Pending<'_, u64> {
        later!(self, name, |at| at.0.append(at.1, bytes))
    }

    fn read(&self, name: &CallName) -> Pending<'_, Option<Record>> {
        self.look(self.kept.read(name))
    }

    fn commit(&self, name: &CallName, commit: Commit) -> Pending<'_, u64> {
        later!(self, name, |at| at.0.commit(at.1, commit))
    }

    fn mark_attempted(&self, name: &CallName, ticket: u32) -> Pending<'_, ()> {
        later!(self, name, |at| at.0.mark_attempted(at.1, ticket))
    }

    fn resolve(&self, alias: &str) -> Pending<'_, Option<CallName>> {
        self.look(self.kept.resolve(alias))
    }

    fn names(&self) -> Pending<'_, Vec<CallName>> {
        self.look(self.kept.names())
    }

    fn forget(&self, name: &CallName, last_seq: u64) -> Pending<'_, bool> {
        later!(self, name, |at| at.0.forget(at.1, last_seq))
    }

    fn count(&self, key: &str, by: u64) -> Pending<'_, u64> {
        let key = key.to_owned();
        self.change(None, Box::pin(async move { self.kept.count(&key, by).await }))
    }
}

fn name(text: &str) -> CallName {
    CallName::try_new(text).unwrap()
}

async fn after(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

fn row(ticket: u32) -> OutboxRow {
    OutboxRow { ticket, once_only: true, attempted: false, bytes: vec![1] }
}

/// A call that is up.
async fn begun(behind: &Behind, name: &CallName) {
    behind.append(name, vec![1]).await.unwrap();
    behind.read(name).await.unwrap().unwrap();
    let alias = Some(format!("{name}-alias"));
    let commit = Commit { done: vec![1], add: vec![row(1)], alias, ..Commit::default() };
    assert_eq!(behind.commit(name, commit).await, Ok(1));
}

fn behind(outage: StoreOutage) -> (Arc<Flaky>, Arc<Behind>) {
    let flaky = Flaky::new();
    let behind = Behind::new(Arc::<Flaky>::clone(&flaky), outage);
    (flaky, behind)
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_up_goes_on_and_the_store_is_given_what_came() {
    for disk in [Disk::Full, Disk::Gone, Disk::Lies] {
        let (flaky, behind) = behind(StoreOutage::GO_ON);
        let call = name("c-1");
        begun(&behind, &call).await;
        let mut fault = behind.fault();
        flaky.set(disk);
        assert_eq!(behind.append(&call, vec![2]).await, Ok(2), "{disk:?}");
        assert_eq!(behind.mark_attempted(&call, 1).await, Ok(()), "{disk:?}");
        let commit = Commit { version: 1, call: vec![7], done: vec![2], drop: vec![1], ..Commit::default() };
        assert_eq!(behind.commit(&call, commit).await, Ok(2), "{disk:?}");
        assert_eq!(behind.append(&call, vec![3]).await, Ok(3), "{disk:?}");
        let seen = behind.read(&call).await.unwrap().unwrap();
        assert_eq!((seen.version, seen.call.as_slice(), seen.inbox.len()), (2, [7_u8].as_slice(), 1));
        assert_eq!(behind.resolve("c-1-alias").await, Ok(Some(call.clone())));
        assert_eq!(behind.names().await, Ok(vec![call.clone()]));
        assert!(matches!(behind.forget(&call, 3).await, Err(StoreError::Unwritable { .. })), "{disk:?}");
        assert!(matches!(*fault.borrow_and_update(), Some(StoreError::Unwritable { .. })));
        after(5).await;
        assert_eq!(fault.has_changed().unwrap(), disk == Disk::Lies, "{disk:?}: it is told of once");
        flaky.set(Disk::Good);
        after(2).await;
        assert_eq!(*fault.borrow_and_update(), None, "{disk:?}");
        assert_eq!(flaky.kept.read(&call).await, Ok(Some(seen)), "{disk:?}");
        assert_eq!(behind.bytes.load(Ordering::Relaxed), 0);
        assert_eq!(behind.forget(&call, 3).await, Ok(true));
        assert!(behind.calls.read().unwrap().by_name.is_empty());
        assert!(behind.calls.read().unwrap().by_alias.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_kept_yet_is_refused_and_so_is_creating_a_call() {
    let (flaky, behind) = behind(StoreOutage::GO_ON);
    let placed = name("o-1");
    assert_eq!(behind.commit(&placed, Commit { add: vec![row(1)], ..Commit::default() }).await, Ok(1));
    behind.append(&name("c-2"), vec![1]).await.unwrap();
    behind.read(&name("c-2")).await.unwrap();
    flaky.set(Disk::Full);
    let full = |reply| matches!(reply, Err(StoreError::Unwritable { .. }));
    assert!(full(behind.append(&name("c-1"), vec![1]).await), "a call that nobody knows");
    assert!(full(behind.commit(&name("o-2"), Commit::default()).await), "one to place");
    assert!(full(behind.commit(&name("c-2"), Commit { done: vec![1], ..Commit::default() }).await));
    assert!(full(behind.mark_attempted(&placed, 1).await.map(|()| 0)), "its first request");
    let created = Commit { version: 1, alias: Some("57da".to_owned()), drop: vec![1], ..Commit::default() };
    assert_eq!(behind.commit(&placed, created).await, Ok(2), "the service knows it");
    assert_eq!(behind.mark_attempted(&placed, 2).await, Ok(()));
    assert_eq!(behind.resolve("57da").await, Ok(Some(placed)));
    let known = behind.calls.read().unwrap().by_name.len();
    assert_eq!(known, 1, "of what was refused nothing is left in memory");
}

#[tokio::test(start_paused = true)]
async fn beyond_its_bounds_a_call_waits() {
    let size = |bytes: usize| bytes + size_of::<Change>();
    for (outage, others_go_on) in [
        (StoreOutage::GoOn { max_of_call: 2 * size(100), max: usize::MAX }, true),
        (StoreOutage::GoOn { max_of_call: usize::MAX, max: 2 * size(100) }, false),
    ] {
        let (flaky, behind) = behind(outage);
        let (one, other) = (name("c-1"), name("c-2"));
        begun(&behind, &one).await;
        begun(&behind, &other).await;
        flaky.set(Disk::Full);
        assert_eq!(behind.append(&one, vec![0; 100]).await, Ok(2));
        assert_eq!(behind.append(&one, vec![0; 100]).await, Ok(3));
        assert!(matches!(behind.append(&one, vec![]).await, Err(StoreError::Unwritable { .. })));
        assert_eq!(behind.append(&other, vec![]).await.is_ok(), others_go_on);
        flaky.set(Disk::Good);
        after(2).await;
        assert_eq!(behind.append(&one, vec![0; 500]).await, Ok(4));
        flaky.set(Disk::Full);
        assert_eq!(behind.append(&one, vec![]).await, Ok(5), "there is room again");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_another_instance_changed_meanwhile_is_left_to_it_with_what_was_accepted() {
    let (flaky, behind) = behind(StoreOutage::GO_ON);
    let call = name("c-1");
    begun(&behind, &call).await;
    flaky.set(Disk::Full);
    assert_eq!(behind.append(&call, vec![2]).await, Ok(2));
    assert_eq!(behind.commit(&call, Commit { version: 1, done: vec![2], ..Commit::default() }).await, Ok(2));
    let theirs = Commit { version: 1, call: vec![9], ..Commit::default() };
    flaky.kept.commit(&call, theirs).await.unwrap();
    flaky.set(Disk::Good);
    after(2).await;
    assert_eq!(*behind.fault().borrow(), None);
    let record = flaky.kept.read(&call).await.unwrap().unwrap();
    assert_eq!((record.version, record.call.as_slice()), (2, [9_u8].as_slice()));
    assert_eq!(record.inbox.iter().map(|entry| entry.bytes.clone()).collect::<Vec<_>>(), [vec![2]]);
    // By chance it is at the version that this instance would be at.
    let ours = Commit { version: 2, ..Commit::default() };
    assert!(matches!(behind.commit(&call, ours).await, Err(StoreError::Conflict { .. })));
    assert!(matches!(behind.mark_attempted(&call, 1).await, Err(StoreError::Conflict { .. })));
    assert_eq!(behind.append(&call, vec![3]).await, Ok(3), "what is accepted is kept");
    assert_eq!(behind.bytes.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn closing_writes_once_more_and_lets_nothing_into_memory() {
    for is_good_again in [true, false] {
        let (flaky, behind) = behind(StoreOutage::GO_ON);
        let (call, other) = (name("c-1"), name("c-2"));
        begun(&behind, &call).await;
        begun(&behind, &other).await;
        flaky.set(Disk::Full);
        assert_eq!(behind.append(&call, vec![2]).await, Ok(2));
        if is_good_again {
            flaky.set(Disk::Good);
        }
        behind.close().await;
        let inbox = flaky.kept.read(&call).await.unwrap().unwrap().inbox;
        assert_eq!(inbox.len(), usize::from(is_good_again));
        flaky.set(Disk::Full);
        assert!(behind.append(&call, vec![3]).await.is_err());
        assert!(behind.append(&other, vec![3]).await.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn many_calls_are_written_together() {
    let (flaky, behind) = behind(StoreOutage::GO_ON);
    let names: Vec<_> = (0..150).map(|number| name(&format!("c-{number}"))).collect();
    for call in &names {
        begun(&behind, call).await;
    }
    flaky.takes_time.store(true, Ordering::Relaxed);
    flaky.set(Disk::Gone);
    for call in &names {
        assert_eq!(behind.append(call, vec![2]).await, Ok(2));
        assert_eq!(behind.append(call, vec![3]).await, Ok(3));
    }
    flaky.set(Disk::Good);
    after(20).await;
    assert_eq!(*behind.fault().borrow(), None);
    for call in &names {
        assert_eq!(flaky.kept.read(call).await.unwrap().unwrap().inbox.len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn where_calls_wait_nothing_goes_into_memory() {
    let (flaky, behind) = behind(StoreOutage::Wait);
    let call = name("c-1");
    begun(&behind, &call).await;
    flaky.set(Disk::Full);
    assert!(behind.append(&call, vec![2]).await.is_err());
    assert!(behind.commit(&call, Commit { version: 1, ..Commit::default() }).await.is_err());
    assert!(behind.mark_attempted(&call, 1).await.is_err());
    assert!(behind.fault().borrow().is_some());
    flaky.set(Disk::Good);
    assert_eq!(behind.append(&call, vec![2]).await, Ok(2));
    assert_eq!(*behind.fault().borrow(), None);
    assert!(behind.calls.read().unwrap().by_name.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_about_one_call_is_no_fault_of_the_store() {
    let call = || name("c-1");
    let path = || "/calls.redb".into();
    for (error, of_all) in [
        (StoreError::Unwritable { path: path(), reason: String::new() }, true),
        (StoreError::Corrupt { path: path(), reason: String::new() }, true),
        (StoreError::Damaged { name: call(), reason: String::new() }, false),
        (StoreError::Closed, true),
        (StoreError::InUse { path: path() }, true),
        (StoreError::NewerFormat { path: path(), found: 9, known: 2 }, true),
        (StoreError::Conflict { name: call(), expected: 1, found: 2 }, false),
        (StoreError::NotFound(call()), false),
        (StoreError::NoKey { name: call(), key_id: "k".to_owned() }, false),
        (StoreError::WrongKey { name: call(), key_id: "k".to_owned() }, false),
        (StoreError::NotEncrypted(call()), false),
    ] {
        let (_, behind) = behind(StoreOutage::GO_ON);
        behind.note::<()>(&Err(error.clone()));
        assert_eq!(behind.fault().borrow().is_some(), of_all, "{error:?}");
    }
}

/// What happens to one call at once.
#[derive(Clone, Debug)]
struct Input {
    call: usize,
    appends: u64,
    /// How much of the inbox is done, and the ticket that is added.
    commit: Option<(usize, u32)>,
    mark: Option<u32>,
    /// How the disk becomes meanwhile, and after how many milliseconds.
    disk: Option<(Disk, u64)>,
    /// How long it is until the next, in milliseconds.
    pause: u64,
}

fn inputs() -> impl Strategy<Value = Vec<Input>> {
    let disk = prop_oneof![Just(Disk::Good), Just(Disk::Full), Just(Disk::Gone), Just(Disk::Lies)];
    let input = (
        0..3_usize,
        0..3_u64,
        proptest::option::of((0..4_usize, 1..5_u32)),
        proptest::option::of(1..5_u32),
        proptest::option::of((disk, 0..1500_u64)),
        prop_oneof![Just(0_u64), 0..3000_u64],
    );
    let input = input.prop_map(|(call, appends, commit, mark, disk, pause)| Input {
        call,
        appends,
        commit,
        mark,
        disk,
        pause,
    });
    proptest::collection::vec(input, 1..25)
}

/// Puts one input to the store that may be behind, and to one that never failed.
async fn put(behind: &Behind, flaky: &Flaky, never: &Memory, input: &Input) {
    let call = name(["c-0", "c-1", "o-2"][input.call]);
    let before = never.read(&call).await.unwrap().unwrap_or_default();
    let is_up = before.version > 0;
    let Ok(record) = behind.read(&call).await else {
        // It is not known, and the disk is gone: it waits.
        assert!(!behind.entry(&call).ledger().is_behind());
        return flaky.set(Disk::Full);
    };
    assert_eq!(record.unwrap_or_default(), before);
    let commit = input.commit.map(|(done, ticket)| Commit {
        version: before.version,
        call: vec![before.version.to_le_bytes()[0], 7],
        done: before.inbox.iter().take(done).map(|entry| entry.seq).collect(),
        add: vec![row(ticket)],
        drop: vec![ticket % 4 + 1],
        alias: Some(format!("{call}-alias")),
        about: About { at: before.version, ..About::default() },
        ..Commit::default()
    });
    let switch = async {
        if let Some((disk, at)) = input.disk {
            tokio::time::sleep(Duration::from_millis(at)).await;
            flaky.set(disk);
        }
    };
    let appends = async {
        let mut put = Vec::new();
        // Nobody knows the name of a call that the bot places before it is kept.
        for _ in (0..input.appends).filter(|_| is_up || call.is_of_incoming()) {
            // No two are the same: each says when it was accepted.
            let bytes = never.count("appends", 1).await.unwrap().to_le_bytes().to_vec();
            put.push((behind.append(&call, bytes.clone()).await, bytes));
        }
        put
    };
    let committed = async {
        let committed = match &commit {
            Some(commit) => Some(behind.commit(&call, commit.clone()).await),
            None => None,
        };
        let mark = input.mark.filter(|_| is_up);
        let marked = match mark {
            Some(ticket) => Some((behind.mark_attempted(&call, ticket).await, ticket)),
            None => None,
        };
        (committed, marked)
    };
    // Of two changes at once nobody knows which one a disk that lies has first.
    let lies = flaky.disk() == Disk::Lies || matches!(input.disk, Some((Disk::Lies, _)));
    let (put, (committed, marked)) = if lies {
        switch.await;
        (appends.await, committed.await)
    } else {
        let (put, committed, ()) = tokio::join!(appends, committed, switch);
        (put, committed)
    };
    for (reply, bytes) in put {
        assert!(reply.is_ok() || !is_up, "{reply:?}");
        if let Ok(seq) = reply {
            assert_eq!(never.append(&call, bytes).await, Ok(seq));
        }
    }
    if let (Some(reply), Some(commit)) = (committed, commit) {
        assert!(reply.is_ok() || !is_up, "{reply:?}");
        if let Ok(version) = reply {
            assert_eq!(never.commit(&call, commit).await, Ok(version));
        }
    }
    if let Some((reply, ticket)) = marked {
        assert_eq!(reply, Ok(()));
        never.mark_attempted(&call, ticket).await.unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn in_the_end_the_store_is_as_one_that_never_failed(inputs in inputs()) {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let (flaky, behind) = behind(StoreOutage::GO_ON);
            flaky.takes_time.store(true, Ordering::Relaxed);
            let never = Memory::new();
            for input in &inputs {
                put(&behind, &flaky, &never, input).await;
                tokio::time::sleep(Duration::from_millis(input.pause)).await;
            }
            flaky.set(Disk::Good);
            after(300).await;
            assert_eq!(flaky.kept.names().await, never.names().await);
            for call in never.names().await.unwrap() {
                let record = never.read(&call).await;
                assert_eq!(flaky.kept.read(&call).await, record);
                assert_eq!(behind.read(&call).await, record);
                let alias = record.unwrap().unwrap().alias.unwrap_or_default();
                assert_eq!(flaky.kept.resolve(&alias).await, never.resolve(&alias).await);
            }
            assert_eq!(behind.bytes.load(Ordering::Relaxed), 0);
            assert!(behind.debtors().names.is_empty());
        });
    }
}
