//! What outlives a process: for each call its inbox, its state, and the requests that it wants made.
//!
//! Transaction 1 puts a notification into a call's inbox; then it is acknowledged. Transaction 2 puts away together what
//! came of it: the call, the author's state, the requests to make, and which inbox entries are done. Only then do
//! requests leave. A request that must not be repeated is marked before it leaves, so that after a crash it is known
//! that it may have.
//!
//! The two stores, [`memory`] and [`embedded`], share one pure function that says what each change does to a call's
//! record; they differ in where the record lies. [`encrypted`] seals what goes into either. [`StoreOutage`] says what becomes
//! of calls while none of this can be written.

mod alarm;
pub(crate) mod behind;
pub mod embedded;
pub mod encrypted;
pub mod memory;
pub mod offline;

pub use behind::StoreOutage;

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;

use serde::{Deserialize, Serialize};

/// A call's name in the store.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CallName(String);

/// The longest name of a call, in bytes.
pub const MAX_NAME: usize = 64;

impl CallName {
    /// The name `text`: 1 to [`MAX_NAME`] ASCII letters, digits and dashes, so that it can stand in a URL.
    pub fn try_new(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        let is_name = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        ((1..=MAX_NAME).contains(&text.len()) && is_name(&text)).then_some(Self(text))
    }

    /// A name that nobody can guess.
    pub(crate) fn random() -> Self {
        Self(format!("o-{}", uuid::Uuid::new_v4().simple()))
    }

    /// The name of what is planned by calls, made of a key, or one that nobody can guess.
    pub(crate) fn planned(key: Option<&str>) -> Self {
        const PLANS: uuid::Uuid = uuid::uuid!("b1a3a8a0-0e4c-4a55-9a2b-6f5f0a6f9d21");
        let id = key.map_or_else(uuid::Uuid::new_v4, |key| uuid::Uuid::new_v5(&PLANS, key.as_bytes()));
        Self(format!("p-{}", id.simple()))
    }

    /// Whether it is the name of an entry of [`outbound`](crate::outbound) rather than a call's.
    pub fn is_planned(&self) -> bool {
        self.0.starts_with("p-")
    }

    /// The name of an incoming call, made of its id.
    pub(crate) fn of_incoming(id: callflow_core::id::CallId) -> Self {
        Self(format!("c-{:032x}", u128::from_be_bytes(id.to_bytes())))
    }

    /// Whether it is the name of an incoming call.
    pub(crate) fn is_of_incoming(&self) -> bool {
        self.0.starts_with("c-")
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CallName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An accepted notification that waits to be handled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxEntry {
    /// Its number within the call, ascending.
    pub seq: u64,
    /// What was accepted.
    pub bytes: Vec<u8>,
}

impl InboxEntry {
    /// JSON that says what the entry is, on one line; and what stands below it: the body of a notification, as it was posted.
    pub fn parts(&self) -> (&[u8], Option<&[u8]>) {
        let mut parts = self.bytes.splitn(2, |byte| *byte == b'\n');
        (parts.next().unwrap_or_default(), parts.next())
    }
}

/// A request to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxRow {
    /// Its ticket.
    pub ticket: u32,
    /// Whether it must not be repeated.
    pub once_only: bool,
    /// Whether it left, or may have.
    pub attempted: bool,
    /// What to send.
    pub bytes: Vec<u8>,
}

/// What the store keeps of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Counts commits; 0 for a call of which only an inbox is there.
    pub version: u64,
    /// The call.
    pub call: Vec<u8>,
    /// The texts beside it.
    pub texts: Vec<u8>,
    /// The author's state.
    pub author: Vec<u8>,
    /// What waits to be handled, in the order in which it came.
    pub inbox: Vec<InboxEntry>,
    /// What waits to be sent or answered, in order.
    pub outbox: Vec<OutboxRow>,
    /// The last number given to an inbox entry.
    pub last_seq: u64,
    /// Another name under which the call is found: Graph's id.
    pub alias: Option<String>,
    /// The rest of it, which format 1 did not have.
    pub about: About,
}

/// What is kept of a call in the clear of its bytes: enough to go on where those cannot be read any more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The version of the author's state
    /// ([`CallHandler::STATE_VERSION`](crate::bot::CallHandler::STATE_VERSION)); 0 in format 1.
    pub author_version: u32,
    /// When the call was last committed, in milliseconds since the Unix epoch; 0 where that is not known.
    pub at: u64,
    /// Graph's id, as Graph wrote it.
    pub call_id: Option<String>,
    /// The tenant of the call.
    pub tenant_id: Option<String>,
}

/// What came of handling an input: put away together, or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commit {
    /// The version that the call was read at.
    pub version: u64,
    /// The call.
    pub call: Vec<u8>,
    /// The texts beside it.
    pub texts: Vec<u8>,
    /// The author's state.
    pub author: Vec<u8>,
    /// The inbox entries that are done.
    pub done: Vec<u64>,
    /// Requests to make.
    pub add: Vec<OutboxRow>,
    /// Tickets of requests that are settled.
    pub drop: Vec<u32>,
    /// Graph's id, once known.
    pub alias: Option<String>,
    /// The rest of it.
    pub about: About,
    /// A counter to which 1 is added with it.
    pub counts: Option<String>,
}

impl Commit {
    /// Whether a record is what this made of it.
    pub(crate) fn is_in(&self, record: &Record) -> bool {
        self.version.checked_add(1) == Some(record.version)
            && (&self.call, &self.texts, &self.author) == (&record.call, &record.texts, &record.author)
            && self.about == record.about
    }
}

/// Why the store did not do something. Nothing changed, unless the disk failed after it had taken the change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Somebody else changed the call: read it again.
    #[error("call {name} is at version {found}, not {expected}; read it again")]
    Conflict {
        /// The call.
        name: CallName,
        /// The version it was thought to be at.
        expected: u64,
        /// The version it is at.
        found: u64,
    },
    /// There is no such call.
    #[error("the store has no call {0}")]
    NotFound(CallName),
    /// The place cannot be written: free space on it, or give one that can be.
    #[error(
        "cannot write the store at {path}: {reason}; check that the folder is there, writable, and not full"
    )]
    Unwritable {
        /// Where.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// What is stored cannot be read: restore it from a copy, or move it away to begin anew.
    #[error(
        "the store at {path} is damaged: {reason}; restore it from a copy, or move it away to begin with an empty one"
    )]
    Corrupt {
        /// Where.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// What is stored of one call cannot be read; the others are not touched. Restore the store from a copy, or delete the call.
    #[error(
        "what the store has of call {name} is damaged: {reason}; restore the store from a copy, or delete the call from it"
    )]
    Damaged {
        /// The call.
        name: CallName,
        /// What was found.
        reason: String,
    },
    /// Another process has it open: stop that one, or give each a store of its own.
    #[error(
        "the store at {path} is in use by another process; stop that one, or give each a store of its own"
    )]
    InUse {
        /// Where.
        path: PathBuf,
    },
    /// It was written by a later release: run that one.
    #[error("the store at {path} has format {found}, this release knows {known}; run a later release")]
    NewerFormat {
        /// Where.
        path: PathBuf,
        /// The format found.
        found: u64,
        /// The newest format known.
        known: u64,
    },
    /// A value is sealed by a key that is not there: give the key source that key.
    #[error(
        "call {name} is encrypted under the key {key_id}, which the key source does not have; give it that one too"
    )]
    NoKey {
        /// The call.
        name: CallName,
        /// The key.
        key_id: String,
    },
    /// A value cannot be opened by the key of its id: it is another key, or the value was changed.
    #[error(
        "call {name} cannot be opened by the key {key_id}: it is another key of the same id, or the value was changed"
    )]
    WrongKey {
        /// The call.
        name: CallName,
        /// The key.
        key_id: String,
    },
    /// A value is not encrypted in a store that should be.
    #[error("call {0} is not encrypted; open the store without encryption, or begin with an empty one")]
    NotEncrypted(CallName),
    /// The store was closed.
    #[error("the store was closed")]
    Closed,
}

/// The answer of a store.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// What outlives a process. What has resolved to `Ok` is there after a crash.
pub trait Store: Send + Sync + 'static {
    /// Puts `bytes` into the inbox of a call, which need not be known yet, and gives its number.
    fn append(&self, name: &CallName, bytes: Vec<u8>) -> Pending<'_, u64>;

    /// What is kept of a call.
    fn read(&self, name: &CallName) -> Pending<'_, Option<Record>>;

    /// Puts away what came of an input, and gives the new version.
    fn commit(&self, name: &CallName, commit: Commit) -> Pending<'_, u64>;

    /// Notes that a request leaves now: afterwards it counts as sent.
    fn mark_attempted(&self, name: &CallName, ticket: u32) -> Pending<'_, ()>;

    /// The call whose alias this is.
    fn resolve(&self, alias: &str) -> Pending<'_, Option<CallName>>;

    /// Every call that is kept.
    fn names(&self) -> Pending<'_, Vec<CallName>>;

    /// Forgets a call with all that is kept of it.
    ///
    /// Only where `last_seq` is still the last number that was given to an entry of its inbox: what came since is not lost.
    /// Gives whether the call is gone.
    fn forget(&self, name: &CallName, last_seq: u64) -> Pending<'_, bool>;

    /// Adds `by` to the counter of this key, which begins at 0, and gives what it is then.
    fn count(&self, key: &str, by: u64) -> Pending<'_, u64>;
}

/// A change of one call's record.
#[derive(Clone, Debug)]
enum Change {
    Append(Vec<u8>),
    Commit(Box<Commit>),
    MarkAttempted(u32),
    /// Where this is still the last number that was given.
    Forget(u64),
}

impl Change {
    /// The counter to which it adds 1, where it is made.
    fn counts(&self) -> Option<&str> {
        match self {
            Self::Commit(commit) => commit.counts.as_deref(),
            Self::Append(_) | Self::MarkAttempted(_) | Self::Forget(_) => None,
        }
    }
}

/// What a change did: the number of an inbox entry, a version, or nothing.
type Reply = Result<u64, StoreError>;

/// Applies a change to a call's record; on `Err` the record is as before.
fn apply(name: &CallName, record: &mut Option<Record>, change: Change) -> Reply {
    match change {
        Change::Append(bytes) => {
            let record = record.get_or_insert_default();
            record.last_seq = record.last_seq.saturating_add(1);
            record.inbox.push(InboxEntry { seq: record.last_seq, bytes });
            Ok(record.last_seq)
        }
        Change::Commit(commit) => {
            // What it counts is not of the record: the store adds it.
            let commit = *commit;
            let found = record.as_ref().map_or(0, |record| record.version);
            if found != commit.version {
                return Err(StoreError::Conflict { name: name.clone(), expected: commit.version, found });
            }
            let record = record.get_or_insert_default();
            record.version = found.saturating_add(1);
            record.call = commit.call;
            record.texts = commit.texts;
            record.author = commit.author;
            record.inbox.retain(|entry| !commit.done.contains(&entry.seq));
            record.outbox.retain(|row| !commit.drop.contains(&row.ticket));
            record.outbox.extend(commit.add);
            record.alias = commit.alias.or_else(|| record.alias.take());
            record.about = commit.about;
            Ok(record.version)
        }
        Change::MarkAttempted(ticket) => {
            let record = record.as_mut().ok_or_else(|| StoreError::NotFound(name.clone()))?;
            for row in record.outbox.iter_mut().filter(|row| row.ticket == ticket) {
                row.attempted = true;
            }
            Ok(0)
        }
        Change::Forget(last_seq) => {
            if record.as_ref().is_some_and(|record| record.last_seq != last_seq) {
                return Ok(0);
            }
            *record = None;
            Ok(1)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::embedded::Embedded;
    use super::encrypted::{Encrypted, Key, Keys};
    use super::memory::Memory;
    use super::*;

    fn name(text: &str) -> CallName {
        CallName::try_new(text).unwrap()
    }

    fn row(ticket: u32) -> OutboxRow {
        OutboxRow { ticket, once_only: true, attempted: false, bytes: vec![1] }
    }

    /// What every store must do.
    async fn conform(store: &dyn Store) {
        let call = name("c-1");
        assert_eq!(store.read(&call).await, Ok(None));
        assert_eq!(store.append(&call, vec![1]).await, Ok(1));
        assert_eq!(store.append(&call, vec![2]).await, Ok(2));
        let record = store.read(&call).await.unwrap().unwrap();
        assert_eq!((record.version, record.inbox.len()), (0, 2));

        let commit = Commit {
            call: vec![7],
            done: vec![1],
            add: vec![row(1), row(2)],
            alias: Some("57da".to_owned()),
            ..Commit::default()
        };
        assert_eq!(store.commit(&call, commit.clone()).await, Ok(1));
        let stale = store.commit(&call, commit).await;
        assert_eq!(stale, Err(StoreError::Conflict { name: call.clone(), expected: 0, found: 1 }));
        store.mark_attempted(&call, 2).await.unwrap();
        let record = store.read(&call).await.unwrap().unwrap();
        assert_eq!(record.inbox, [InboxEntry { seq: 2, bytes: vec![2] }]);
        assert_eq!(record.outbox.iter().map(|row| row.attempted).collect::<Vec<_>>(), [false, true]);
        assert_eq!(store.resolve("57da").await, Ok(Some(call.clone())));
        assert_eq!(store.resolve("other").await, Ok(None));

        let settle = Commit { version: 1, drop: vec![1], ..Commit::default() };
        assert_eq!(store.commit(&call, settle).await, Ok(2));
        assert_eq!(store.append(&call, vec![3]).await, Ok(3), "numbers are not given twice");
        assert_eq!(store.names().await, Ok(vec![call.clone()]));
        let counted = |version| Commit { version, counts: Some("month".to_owned()), ..Commit::default() };
        assert_eq!(store.commit(&name("c-3"), counted(0)).await, Ok(1));
        assert!(store.commit(&name("c-3"), counted(0)).await.is_err());
        assert_eq!(store.count("month", 0).await, Ok(1), "with the commit, and only with one that was made");
        assert_eq!(store.forget(&name("c-3"), 0).await, Ok(true));
        assert_eq!(store.mark_attempted(&name("c-2"), 1).await, Err(StoreError::NotFound(name("c-2"))));
        assert_eq!(store.forget(&call, 2).await, Ok(false), "something came since");
        assert!(store.read(&call).await.unwrap().is_some());
        assert_eq!(store.forget(&call, 3).await, Ok(true));
        assert_eq!(store.forget(&call, 3).await, Ok(true), "it is gone");
        assert_eq!(store.read(&call).await, Ok(None));
        assert_eq!(store.resolve("57da").await, Ok(None));

        for (key, by, expected) in
            [("one", 0, 0), ("one", 2, 2), ("other", 1, 1), ("one", 3, 5), ("one", 0, 5)]
        {
            assert_eq!(store.count(key, by).await, Ok(expected), "{key} {by}");
        }
        assert_eq!(store.count("one", u64::MAX).await, Ok(u64::MAX));
        assert_eq!(store.names().await, Ok(Vec::new()), "a counter is no call");
    }

    #[tokio::test]
    async fn memory_conforms() {
        conform(&Memory::new()).await;
    }

    fn sealed(inner: Arc<dyn Store>) -> Encrypted {
        Encrypted::new(inner, Arc::new(Keys::new(Key::try_new("k1", [7; 32]).unwrap())))
    }

    #[tokio::test]
    async fn encrypted_conforms_over_both() {
        conform(&sealed(Arc::new(Memory::new()))).await;
        let folder = tempfile::tempdir().unwrap();
        conform(&sealed(Arc::new(Embedded::open(folder.path().join("calls.redb")).unwrap()))).await;
    }

    #[tokio::test]
    async fn embedded_conforms() {
        let folder = tempfile::tempdir().unwrap();
        conform(&Embedded::open(folder.path().join("calls.redb")).unwrap()).await;
    }

    #[tokio::test]
    async fn what_resolved_is_there_after_reopening() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calls.redb");
        let store = Arc::new(Embedded::open(&path).unwrap());
        let writers = (0..50).map(|n| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                store.count("all", 1).await.unwrap();
                store.append(&name(&format!("c-{n}")), vec![n]).await.unwrap()
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
        drop(store);
        let store = Embedded::open(&path).unwrap();
        assert_eq!(store.names().await.unwrap().len(), 50);
        assert_eq!(store.count("all", 0).await, Ok(50));
    }

    #[test]
    fn names_at_below_and_above_their_limits() {
        for (text, good) in [
            (String::new(), false),
            ("a".to_owned(), true),
            ("a".repeat(64), true),
            ("a".repeat(65), false),
            ("../x".to_owned(), false),
        ] {
            assert_eq!(CallName::try_new(text.clone()).is_some(), good, "{text}");
        }
    }

    fn changes() -> impl Strategy<Value = Vec<(u8, Change)>> {
        let change = prop_oneof![
            any::<u8>().prop_map(|byte| Change::Append(vec![byte])),
            (0u64..4, 0u64..4, 1u32..4).prop_map(|(version, done, ticket)| Change::Commit(Box::new(
                Commit {
                    version,
                    done: vec![done],
                    add: vec![row(ticket)],
                    drop: vec![ticket.wrapping_add(1)],
                    ..Commit::default()
                }
            ))),
            (1u32..4).prop_map(Change::MarkAttempted),
            (0u64..4).prop_map(Change::Forget),
        ];
        proptest::collection::vec((0u8..3, change), 1..25)
    }

    async fn run(store: &dyn Store, changes: &[(u8, Change)]) -> Vec<(Reply, Option<Record>)> {
        let mut seen = Vec::new();
        for (number, change) in changes {
            let call = name(&format!("c-{number}"));
            let reply = match change.clone() {
                Change::Append(bytes) => store.append(&call, bytes).await,
                Change::Commit(commit) => store.commit(&call, *commit).await,
                Change::MarkAttempted(ticket) => store.mark_attempted(&call, ticket).await.map(|()| 0),
                Change::Forget(last_seq) => store.forget(&call, last_seq).await.map(u64::from),
            };
            seen.push((reply, store.read(&call).await.unwrap()));
        }
        seen
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn all_stores_answer_alike(changes in changes()) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let folder = tempfile::tempdir().unwrap();
            let (one, other, encrypted) = runtime.block_on(async {
                let embedded = Embedded::open(folder.path().join("calls.redb")).unwrap();
                let encrypted = sealed(Arc::new(Memory::new()));
                (run(&Memory::new(), &changes).await, run(&embedded, &changes).await, run(&encrypted, &changes).await)
            });
            prop_assert_eq!(&one, &other);
            prop_assert_eq!(one, encrypted);
        }
    }
}
