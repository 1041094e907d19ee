//! The default store: one file, written by one thread, which puts the changes that wait together into one transaction.
//!
//! A transaction costs a flush of the disk, whatever is in it. While one is being flushed, the changes that come wait
//! and go into the next together, so that many calls at once cost little more than one.
//!
//! After a failed write, as on a full disk, the file is opened anew: what had resolved is there, and what had not is not.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;

use redb::{Database, DatabaseError, ReadableDatabase, ReadableTable, TableDefinition};
use serde::Deserialize;
use tokio::sync::{mpsc, oneshot};

use super::{
    About, CallName, Change, Commit, InboxEntry, OutboxRow, Pending, Record, Reply, Store, StoreError, apply,
};

pub(super) const CALLS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("calls");
pub(super) const ALIASES: TableDefinition<'_, &str, &str> = TableDefinition::new("aliases");
pub(super) const COUNTERS: TableDefinition<'_, &str, u64> = TableDefinition::new("counters");
pub(super) const ABOUT: TableDefinition<'_, &str, u64> = TableDefinition::new("about");
pub(super) const FORMAT: &str = "format";
/// The format that this release writes. Format 1 is read too: its records end where [`Record::about`] begins.
pub(super) const KNOWN: u64 = 2;
/// The most changes in one transaction.
const MAX_GROUP: usize = 256;

struct Job {
    work: Work,
    done: oneshot::Sender<Reply>,
}

enum Work {
    Change(CallName, Change),
    Count(String, u64),
}

/// The store in a file.
#[derive(Debug)]
pub struct Embedded {
    file: Arc<File>,
    jobs: Option<mpsc::UnboundedSender<Job>>,
    writer: Option<JoinHandle<()>>,
}

impl Embedded {
    /// Opens the store at `path`, and makes it where there is none.
    ///
    /// # Errors
    /// [`StoreError::Unwritable`], [`StoreError::Corrupt`], [`StoreError::InUse`], [`StoreError::NewerFormat`]
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let path = path.into();
        create_private(&path)?;
        Self::open_by(path, |path| Database::create(path))
    }

    fn open_by(path: PathBuf, open: Open) -> Result<Self, StoreError> {
        let database = open(&path).map_err(|e| of_open(&path, e))?;
        prepare(&path, &database)?;
        let file = Arc::new(File { path, open, database: RwLock::new(Some(database)) });
        let (jobs, queue) = mpsc::unbounded_channel();
        let of_writer = Arc::clone(&file);
        let writer = std::thread::Builder::new()
            .name("callflow-store".to_owned())
            .spawn(move || write_all(&of_writer, queue))
            .map_err(|e| StoreError::Unwritable { path: file.path.clone(), reason: e.to_string() })?;
        Ok(Self { file, jobs: Some(jobs), writer: Some(writer) })
    }

    fn change(&self, name: &CallName, change: Change) -> Pending<'_, u64> {
        self.work(Work::Change(name.clone(), change))
    }

    fn work(&self, work: Work) -> Pending<'_, u64> {
        let (done, reply) = oneshot::channel();
        let job = Job { work, done };
        let sent = self.jobs.as_ref().is_some_and(|jobs| jobs.send(job).is_ok());
        Box::pin(async move {
            if sent { reply.await.unwrap_or(Err(StoreError::Closed)) } else { Err(StoreError::Closed) }
        })
    }

    fn look<T: Send + 'static>(
        &self,
        at: fn(&Path, &Database, &str) -> Result<T, StoreError>,
        key: &str,
    ) -> Pending<'_, T> {
        let (file, key) = (Arc::clone(&self.file), key.to_owned());
        Box::pin(async move {
            tokio::task::spawn_blocking(move || file.with(|database| at(&file.path, database, &key)))
                .await
                .unwrap_or(Err(StoreError::Closed))
        })
    }
}

type Open = fn(&Path) -> Result<Database, DatabaseError>;

/// The file, and the database in it; none where it could not be opened anew.
#[derive(Debug)]
struct File {
    path: PathBuf,
    open: Open,
    database: RwLock<Option<Database>>,
}

impl File {
    fn with<T>(&self, work: impl FnOnce(&Database) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.ensure_open()?;
        match &*self.database.read().unwrap_or_else(PoisonError::into_inner) {
            Some(database) => work(database),
            None => Err(StoreError::Unwritable {
                path: self.path.clone(),
                reason: "it could not be opened again after a failed write".to_owned(),
            }),
        }
    }

    /// Opens it where it is not open.
    fn ensure_open(&self) -> Result<(), StoreError> {
        if self.database.read().unwrap_or_else(PoisonError::into_inner).is_some() {
            return Ok(());
        }
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        if database.is_none() {
            let opened = (self.open)(&self.path).map_err(|e| of_open(&self.path, e))?;
            prepare(&self.path, &opened)?;
            *database = Some(opened);
        }
        Ok(())
    }

    /// Opens it anew: after an error of the file, redb does nothing with it any more.
    fn reopen(&self) -> Result<(), StoreError> {
        // Its lock has to go first.
        *self.database.write().unwrap_or_else(PoisonError::into_inner) = None;
        self.ensure_open()
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        // The writer ends when nobody can send to it any more, after it has done what waits.
        self.jobs = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

impl Store for Embedded {
    fn append(&self, name: &CallName, bytes: Vec<u8>) -> Pending<'_, u64> {
        self.change(name, Change::Append(bytes))
    }

    fn read(&self, name: &CallName) -> Pending<'_, Option<Record>> {
        self.look(
            |path, database, name| {
                let read = database.begin_read().map_err(|e| of_use(path, e))?;
                let calls = read.open_table(CALLS).map_err(|e| of_use(path, e))?;
                let found = calls.get(name).map_err(|e| of_use(path, e))?;
                let name = CallName(name.to_owned());
                found.map(|bytes| decode(&name, bytes.value())).transpose()
            },
            name.as_str(),
        )
    }

    fn commit(&self, name: &CallName, commit: Commit) -> Pending<'_, u64> {
        self.change(name, Change::Commit(Box::new(commit)))
    }

    fn mark_attempted(&self, name: &CallName, ticket: u32) -> Pending<'_, ()> {
        let marked = self.change(name, Change::MarkAttempted(ticket));
        Box::pin(async move { marked.await.map(|_| ()) })
    }

    fn resolve(&self, alias: &str) -> Pending<'_, Option<CallName>> {
        self.look(
            |path, database, alias| {
                let read = database.begin_read().map_err(|e| of_use(path, e))?;
                let aliases = read.open_table(ALIASES).map_err(|e| of_use(path, e))?;
                let found = aliases.get(alias).map_err(|e| of_use(path, e))?;
                Ok(found.and_then(|name| CallName::try_new(name.value())))
            },
            alias,
        )
    }

    fn names(&self) -> Pending<'_, Vec<CallName>> {
        self.look(
            |path, database, _| {
                let read = database.begin_read().map_err(|e| of_use(path, e))?;
                let calls = read.open_table(CALLS).map_err(|e| of_use(path, e))?;
                let mut names = Vec::new();
                for row in calls.iter().map_err(|e| of_use(path, e))? {
                    let (name, _) = row.map_err(|e| of_use(path, e))?;
                    names.extend(CallName::try_new(name.value()));
                }
                Ok(names)
            },
            "",
        )
    }

    fn forget(&self, name: &CallName, last_seq: u64) -> Pending<'_, bool> {
        let forgotten = self.change(name, Change::Forget(last_seq));
        Box::pin(async move { forgotten.await.map(|gone| gone == 1) })
    }

    fn count(&self, key: &str, by: u64) -> Pending<'_, u64> {
        self.work(Work::Count(key.to_owned(), by))
    }
}

/// Makes the file, readable by its owner only: it holds what passes in calls.
pub(super) fn create_private(path: &Path) -> Result<(), StoreError> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(e) => Err(StoreError::Unwritable { path: path.to_owned(), reason: e.to_string() }),
    }
}

fn prepare(path: &Path, database: &Database) -> Result<(), StoreError> {
    let write = database.begin_write().map_err(|e| of_use(path, e))?;
    {
        let mut about = write.open_table(ABOUT).map_err(|e| of_use(path, e))?;
        let found = about.get(FORMAT).map_err(|e| of_use(path, e))?.map(|format| format.value());
        match found {
            Some(found) if found > KNOWN => {
                return Err(StoreError::NewerFormat { path: path.to_owned(), found, known: KNOWN });
            }
            Some(KNOWN) => {}
            // An earlier release would read on past what it knows, and write it back without the rest.
            Some(_) | None => {
                about.insert(FORMAT, KNOWN).map_err(|e| of_use(path, e))?;
            }
        }
        write.open_table(CALLS).map_err(|e| of_use(path, e))?;
        write.open_table(ALIASES).map_err(|e| of_use(path, e))?;
        write.open_table(COUNTERS).map_err(|e| of_use(path, e))?;
    }
    write.commit().map_err(|e| of_use(path, e))
}

/// The writing thread: takes what waits, puts it into one transaction, answers, and again.
fn write_all(file: &File, mut queue: mpsc::UnboundedReceiver<Job>) {
    let mut group = Vec::new();
    while queue.blocking_recv_many(&mut group, MAX_GROUP) > 0 {
        let mut answers = Vec::with_capacity(group.len());
        let written = file.with(|database| write_group(&file.path, database, &mut group, &mut answers));
        match written {
            Ok(()) => {
                for (done, reply) in answers {
                    // Who asked may have gone.
                    let _ = done.send(reply);
                }
            }
            Err(error) => {
                // Whoever asked tells of it, once for all: see `Bot::store_fault`.
                tracing::debug!(%error, "the store cannot be written");
                if matches!(error, StoreError::Unwritable { .. })
                    && let Err(error) = file.reopen()
                {
                    tracing::debug!(%error, "the store cannot be opened again");
                }
                let unanswered = answers.into_iter().map(|(done, _)| done);
                for done in unanswered.chain(group.drain(..).map(|job| job.done)) {
                    let _ = done.send(Err(error.clone()));
                }
            }
        }
    }
}

fn write_group(
    path: &Path,
    database: &Database,
    group: &mut Vec<Job>,
    answers: &mut Vec<(oneshot::Sender<Reply>, Reply)>,
) -> Result<(), StoreError> {
    let write = database.begin_write().map_err(|e| of_use(path, e))?;
    {
        let mut calls = write.open_table(CALLS).map_err(|e| of_use(path, e))?;
        let mut aliases = write.open_table(ALIASES).map_err(|e| of_use(path, e))?;
        let mut counters = write.open_table(COUNTERS).map_err(|e| of_use(path, e))?;
        for Job { work, done } in group.drain(..) {
            // Answered whatever comes of it: kept here before anything can fail.
            answers.push((done, Err(StoreError::Closed)));
            let (name, change) = match work {
                Work::Change(name, change) => (name, change),
                Work::Count(key, by) => {
                    let after = add(&mut counters, &key, by).map_err(|e| of_use(path, e))?;
                    if let Some((_, answer)) = answers.last_mut() {
                        *answer = Ok(after);
                    }
                    continue;
                }
            };
            let stored = calls.get(name.as_str()).map_err(|e| of_use(path, e))?;
            let mut record = match stored.map(|bytes| decode(&name, bytes.value())).transpose() {
                Ok(record) => record,
                Err(damaged) => {
                    // One damaged call costs none of the others in the group.
                    if let Some((_, answer)) = answers.last_mut() {
                        *answer = Err(damaged);
                    }
                    continue;
                }
            };
            let alias_before = record.as_ref().and_then(|record| record.alias.clone());
            let counts = change.counts().map(str::to_owned);
            let reply = apply(&name, &mut record, change);
            if reply.is_ok() {
                if let Some(key) = counts {
                    add(&mut counters, &key, 1).map_err(|e| of_use(path, e))?;
                }
                match &record {
                    Some(record) => {
                        calls
                            .insert(name.as_str(), encode(path, record)?.as_slice())
                            .map_err(|e| of_use(path, e))?;
                    }
                    None => {
                        calls.remove(name.as_str()).map_err(|e| of_use(path, e))?;
                    }
                }
                let alias = record.and_then(|record| record.alias);
                if alias != alias_before {
                    if let Some(alias) = &alias_before {
                        aliases.remove(alias.as_str()).map_err(|e| of_use(path, e))?;
                    }
                    if let Some(alias) = &alias {
                        aliases.insert(alias.as_str(), name.as_str()).map_err(|e| of_use(path, e))?;
                    }
                }
            }
            if let Some((_, answer)) = answers.last_mut() {
                *answer = reply;
            }
        }
    }
    write.commit().map_err(|e| of_use(path, e))
}

/// Adds to a counter, and gives what it is then.
fn add(counters: &mut redb::Table<'_, &str, u64>, key: &str, by: u64) -> Result<u64, redb::StorageError> {
    let before = counters.get(key)?.map_or(0, |count| count.value());
    let after = before.saturating_add(by);
    counters.insert(key, after)?;
    Ok(after)
}

fn encode(path: &Path, record: &Record) -> Result<Vec<u8>, StoreError> {
    postcard::to_allocvec(record)
        .map_err(|e| StoreError::Unwritable { path: path.to_owned(), reason: e.to_string() })
}

pub(super) fn decode(name: &CallName, bytes: &[u8]) -> Result<Record, StoreError> {
    read_record(bytes).map_err(|e| StoreError::Damaged { name: name.clone(), reason: e.to_string() })
}

/// A record as format 1 has it.
#[derive(Deserialize)]
struct First {
    version: u64,
    call: Vec<u8>,
    texts: Vec<u8>,
    author: Vec<u8>,
    inbox: Vec<InboxEntry>,
    outbox: Vec<OutboxRow>,
    last_seq: u64,
    alias: Option<String>,
}

fn read_record(bytes: &[u8]) -> Result<Record, postcard::Error> {
    let (first, rest) = postcard::take_from_bytes::<First>(bytes)?;
    let about = if rest.is_empty() { About::default() } else { postcard::from_bytes(rest)? };
    let First { version, call, texts, author, inbox, outbox, last_seq, alias } = first;
    Ok(Record { version, call, texts, author, inbox, outbox, last_seq, alias, about })
}

pub(super) fn of_open(path: &Path, error: DatabaseError) -> StoreError {
    match error {
        DatabaseError::DatabaseAlreadyOpen => StoreError::InUse { path: path.to_owned() },
        other => of_use(path, redb::Error::from(other)),
    }
}

pub(super) fn of_use(path: &Path, error: impl Into<redb::Error>) -> StoreError {
    let path = path.to_owned();
    match error.into() {
        redb::Error::Io(e) if e.kind() != std::io::ErrorKind::InvalidData => {
            StoreError::Unwritable { path, reason: e.to_string() }
        }
        redb::Error::PreviousIo => {
            StoreError::Unwritable { path, reason: "a write failed before".to_owned() }
        }
        redb::Error::DatabaseAlreadyOpen => StoreError::InUse { path },
        other => StoreError::Corrupt { path, reason: other.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_second_opening_a_damaged_file_and_an_unwritable_place_say_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calls.redb");
        let first = Embedded::open(&path).unwrap();
        first.append(&CallName::try_new("c-1").unwrap(), vec![0; 5000]).await.unwrap();
        assert_eq!(Embedded::open(&path).unwrap_err(), StoreError::InUse { path: path.clone() });
        drop(first);

        let garbage = folder.path().join("garbage.redb");
        std::fs::write(&garbage, vec![0x5A; 9000]).unwrap();
        let error = Embedded::open(&garbage).unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
        assert!(error.to_string().contains("restore"), "{error}");

        let whole = std::fs::read(&path).unwrap();
        let cut = folder.path().join("cut.redb");
        std::fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
        let error = Embedded::open(&cut).unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. } | StoreError::Unwritable { .. }), "{error}");

        let error = Embedded::open(folder.path().join("no such folder/calls.redb")).unwrap_err();
        assert!(matches!(error, StoreError::Unwritable { .. }), "{error}");
        let error = Embedded::open(folder.path()).unwrap_err();
        assert!(matches!(error, StoreError::Unwritable { .. }), "{error}");
    }

    #[tokio::test]
    async fn one_damaged_call_costs_none_of_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calls.redb");
        drop(Embedded::open(&path).unwrap());
        let database = Database::create(&path).unwrap();
        let write = database.begin_write().unwrap();
        write.open_table(CALLS).unwrap().insert("c-1", [0xFF; 3].as_slice()).unwrap();
        write.commit().unwrap();
        drop(database);
        let store = Embedded::open(&path).unwrap();
        let (damaged, other) = (CallName::try_new("c-1").unwrap(), CallName::try_new("c-2").unwrap());
        let is_it = |error| matches!(error, StoreError::Damaged { name, .. } if name == damaged);
        assert!(is_it(store.read(&damaged).await.unwrap_err()));
        let (refused, put) = tokio::join!(store.append(&damaged, vec![1]), store.append(&other, vec![1]));
        assert!(is_it(refused.unwrap_err()));
        assert_eq!(put, Ok(1));
    }

    /// A file on a disk that is full for as long as there is a file beside it that says so.
    #[derive(Debug)]
    struct Disk {
        file: redb::backends::FileBackend,
        full: PathBuf,
    }

    impl Disk {
        fn check(&self) -> Result<(), std::io::Error> {
            if self.full.exists() { Err(std::io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        }
    }

    impl redb::StorageBackend for Disk {
        fn len(&self) -> Result<u64, std::io::Error> {
            self.file.len()
        }

        fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), std::io::Error> {
            self.file.read(offset, out)
        }

        fn set_len(&self, len: u64) -> Result<(), std::io::Error> {
            self.check()?;
            self.file.set_len(len)
        }

        fn sync_data(&self) -> Result<(), std::io::Error> {
            self.check()?;
            self.file.sync_data()
        }

        fn write(&self, offset: u64, data: &[u8]) -> Result<(), std::io::Error> {
            self.check()?;
            self.file.write(offset, data)
        }

        fn close(&self) -> Result<(), std::io::Error> {
            self.file.close()
        }
    }

    fn on_disk(path: &Path) -> Result<Database, DatabaseError> {
        let mut options = std::fs::OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(path)?;
        let disk = Disk { file: redb::backends::FileBackend::new(file)?, full: path.with_extension("full") };
        Database::builder().create_with_backend(disk)
    }

    #[tokio::test]
    async fn once_the_disk_has_room_again_the_store_goes_on_without_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calls.redb");
        let store = Embedded::open_by(path.clone(), on_disk).unwrap();
        let call = CallName::try_new("c-1").unwrap();
        assert_eq!(store.append(&call, vec![1]).await, Ok(1));
        std::fs::write(path.with_extension("full"), []).unwrap();
        for _ in 0..3 {
            let error = store.append(&call, vec![2; 100_000]).await.unwrap_err();
            assert!(matches!(error, StoreError::Unwritable { .. }), "{error}");
            assert!(store.commit(&call, Commit::default()).await.is_err());
        }
        std::fs::remove_file(path.with_extension("full")).unwrap();
        assert_eq!(store.append(&call, vec![3]).await, Ok(2), "what failed was not done");
        let inbox = store.read(&call).await.unwrap().unwrap().inbox;
        assert_eq!(inbox.iter().map(|entry| entry.bytes.clone()).collect::<Vec<_>>(), [vec![1], vec![3]]);
    }

    #[tokio::test]
    async fn a_call_that_went_on_while_the_disk_was_full_is_in_the_file_afterwards() {
        use super::super::StoreOutage;
        use super::super::behind::Behind;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calls.redb");
        let call = CallName::try_new("o-1").unwrap();
        let store = Arc::new(Embedded::open_by(path.clone(), on_disk).unwrap());
        let behind = Behind::new(Arc::<Embedded>::clone(&store), StoreOutage::GO_ON);
        let alias = Some("57da".to_owned());
        assert_eq!(behind.commit(&call, Commit { alias, ..Commit::default() }).await, Ok(1));
        std::fs::write(path.with_extension("full"), []).unwrap();
        assert_eq!(behind.append(&call, vec![1]).await, Ok(1));
        let commit = Commit { version: 1, call: vec![7], done: vec![1], ..Commit::default() };
        assert_eq!(behind.commit(&call, commit).await, Ok(2));
        assert_eq!(behind.append(&call, vec![2]).await, Ok(2));
        assert_eq!(behind.resolve("57da").await, Ok(Some(call.clone())));
        let seen = behind.read(&call).await.unwrap();
        assert!(store.read(&call).await.is_err(), "the file itself cannot be opened again");
        std::fs::remove_file(path.with_extension("full")).unwrap();
        behind.close().await;
        drop((behind, store));
        let store = Embedded::open(&path).unwrap();
        assert_eq!(store.read(&call).await, Ok(seen));
    }

    /// A record as format 1 wrote it: version 3, a call, texts, a state, an inbox entry, a row, and an alias.
    const OF_FORMAT_1: &[u8] =
        b"\x03\x02\x07\x08\x02{}\x0242\x01\x05\x01\x09\x01\x02\x01\x00\x01\x0a\x05\x01\x0457da";

    #[tokio::test]
    async fn a_store_of_format_1_is_read_and_becomes_one_of_this_format() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calls.redb");
        drop(Embedded::open(&path).unwrap());
        let database = Database::create(&path).unwrap();
        let write = database.begin_write().unwrap();
        write.open_table(ABOUT).unwrap().insert(FORMAT, 1).unwrap();
        write.open_table(CALLS).unwrap().insert("c-1", OF_FORMAT_1).unwrap();
        write.commit().unwrap();
        drop(database);

        let name = CallName::try_new("c-1").unwrap();
        let expected = Record {
            version: 3,
            call: vec![7, 8],
            texts: b"{}".to_vec(),
            author: b"42".to_vec(),
            inbox: vec![InboxEntry { seq: 5, bytes: vec![9] }],
            outbox: vec![OutboxRow { ticket: 2, once_only: true, attempted: false, bytes: vec![10] }],
            last_seq: 5,
            alias: Some("57da".to_owned()),
            about: About::default(),
        };
        let store = Embedded::open(&path).unwrap();
        assert_eq!(store.read(&name).await, Ok(Some(expected.clone())));
        let about = About { author_version: 3, at: 9, call_id: Some("57DA".to_owned()), tenant_id: None };
        let commit = Commit { version: 3, about: about.clone(), ..Commit::default() };
        assert_eq!(store.commit(&name, commit).await, Ok(4));
        let after = store.read(&name).await.unwrap().unwrap();
        assert_eq!((after.about, after.inbox, after.alias), (about, expected.inbox, expected.alias));
        drop(store);
        let database = Database::create(&path).unwrap();
        let read = database.begin_read().unwrap();
        let format = read.open_table(ABOUT).unwrap().get(FORMAT).unwrap().map(|format| format.value());
        assert_eq!(format, Some(KNOWN));
    }

    #[test]
    fn a_newer_format_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calls.redb");
        drop(Embedded::open(&path).unwrap());
        let database = Database::create(&path).unwrap();
        let write = database.begin_write().unwrap();
        write.open_table(ABOUT).unwrap().insert(FORMAT, KNOWN + 1).unwrap();
        write.commit().unwrap();
        drop(database);
        let error = Embedded::open(&path).unwrap_err();
        assert_eq!(error, StoreError::NewerFormat { path, found: KNOWN + 1, known: KNOWN });
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calls.redb");
        drop(Embedded::open(&path).unwrap());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
