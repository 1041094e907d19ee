//! The file of [`embedded`](super::embedded) while no bot has it open: to look at, to make smaller, and to delete from.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use redb::{Database, ReadableDatabase, ReadableTable};

use super::embedded::{
    ABOUT, ALIASES, CALLS, COUNTERS, FORMAT, KNOWN, create_private, decode, of_open, of_use,
};
use super::{CallName, Record, StoreError};

/// The file. A bot cannot open it meanwhile.
#[derive(Debug)]
pub struct Offline {
    path: PathBuf,
    database: Database,
    format: u64,
}

/// How large a file was and is, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Before.
    pub before: u64,
    /// After.
    pub after: u64,
}

impl Offline {
    /// Opens the file at `path`, and changes nothing in it but what a crash left unfinished.
    ///
    /// # Errors
    /// [`StoreError::InUse`] while a bot has it open; [`StoreError::Unwritable`] where there is none;
    /// [`StoreError::Corrupt`], [`StoreError::NewerFormat`]
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let path = path.into();
        let database = Database::open(&path).map_err(|e| of_open(&path, e))?;
        let format = format_of(&path, &database)?;
        if format > KNOWN {
            return Err(StoreError::NewerFormat { path, found: format, known: KNOWN });
        }
        Ok(Self { path, database, format })
    }

    /// The format that it is in.
    pub fn format(&self) -> u64 {
        self.format
    }

    /// How large the file is, in bytes.
    ///
    /// # Errors
    /// [`StoreError::Unwritable`]
    pub fn size(&self) -> Result<u64, StoreError> {
        let found = std::fs::metadata(&self.path).map_err(|e| unwritable(&self.path, &e))?;
        Ok(found.len())
    }

    /// Every call that is kept.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn names(&self) -> Result<Vec<CallName>, StoreError> {
        let use_of = |e: redb::Error| of_use(&self.path, e);
        let read = self.database.begin_read().map_err(|e| use_of(e.into()))?;
        let calls = read.open_table(CALLS).map_err(|e| use_of(e.into()))?;
        let mut names = Vec::new();
        for row in calls.iter().map_err(|e| use_of(e.into()))? {
            let (name, _) = row.map_err(|e| use_of(e.into()))?;
            names.extend(CallName::try_new(name.value()));
        }
        Ok(names)
    }

    /// What is kept of a call.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where it cannot be read; [`StoreError::Corrupt`] where the file cannot.
    pub fn read(&self, name: &CallName) -> Result<Option<Record>, StoreError> {
        let use_of = |e: redb::Error| of_use(&self.path, e);
        let read = self.database.begin_read().map_err(|e| use_of(e.into()))?;
        let calls = read.open_table(CALLS).map_err(|e| use_of(e.into()))?;
        let found = calls.get(name.as_str()).map_err(|e| use_of(e.into()))?;
        found.map(|bytes| decode(name, bytes.value())).transpose()
    }

    /// Gives back room that is not used.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn compact(&mut self) -> Result<Sizes, StoreError> {
        let before = self.size()?;
        // One pass may leave room that the next one finds.
        while self.database.compact().map_err(|e| of_use(&self.path, e))? {}
        Ok(Sizes { before, after: self.size()? })
    }

    /// Deletes calls so that nothing of them is left in the file: what stays is written into a new one, which then takes the
    /// place of this. A crash leaves the one or the other.
    ///
    /// # Errors
    /// [`StoreError`]: nothing was deleted.
    pub fn delete(self, names: &BTreeSet<CallName>) -> Result<Sizes, StoreError> {
        let before = self.size()?;
        let mut file_name = self.path.file_name().unwrap_or_default().to_owned();
        file_name.push(".new");
        let new = self.path.with_file_name(file_name);
        let written = self.write_without(names, &new);
        if written.is_err() {
            // It is of no use to anybody.
            let _ = std::fs::remove_file(&new);
        }
        written?;
        std::fs::rename(&new, &self.path).map_err(|e| unwritable(&self.path, &e))?;
        sync_folder(&self.path)?;
        Ok(Sizes { before, after: self.size()? })
    }

    fn write_without(&self, names: &BTreeSet<CallName>, path: &Path) -> Result<(), StoreError> {
        match std::fs::remove_file(path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(unwritable(path, &e)),
            Ok(()) | Err(_) => {}
        }
        create_private(path)?;
        let of_new = |e: redb::Error| of_use(path, e);
        let database = Database::create(path).map_err(|e| of_open(path, e))?;
        let write = database.begin_write().map_err(|e| of_new(e.into()))?;
        self.copy_into(&write, names).map_err(of_new)?;
        write.commit().map_err(|e| of_new(e.into()))
    }

    fn copy_into(
        &self,
        write: &redb::WriteTransaction,
        names: &BTreeSet<CallName>,
    ) -> Result<(), redb::Error> {
        let is_deleted = |name: &str| names.iter().any(|deleted| deleted.as_str() == name);
        let read = self.database.begin_read()?;
        let mut calls = write.open_table(CALLS)?;
        for row in read.open_table(CALLS)?.iter()? {
            let (name, record) = row?;
            if !is_deleted(name.value()) {
                calls.insert(name.value(), record.value())?;
            }
        }
        let mut aliases = write.open_table(ALIASES)?;
        for row in read.open_table(ALIASES)?.iter()? {
            let (alias, name) = row?;
            if !is_deleted(name.value()) {
                aliases.insert(alias.value(), name.value())?;
            }
        }
        let mut counters = write.open_table(COUNTERS)?;
        for row in read.open_table(COUNTERS)?.iter()? {
            let (key, count) = row?;
            counters.insert(key.value(), count.value())?;
        }
        write.open_table(ABOUT)?.insert(FORMAT, self.format)?;
        Ok(())
    }
}

fn format_of(path: &Path, database: &Database) -> Result<u64, StoreError> {
    let read = database.begin_read().map_err(|e| of_use(path, e))?;
    let no_store =
        || StoreError::Corrupt { path: path.to_owned(), reason: "it is no store of calls".to_owned() };
    let about = read.open_table(ABOUT).map_err(|_| no_store())?;
    let format = about.get(FORMAT).map_err(|e| of_use(path, e))?;
    format.map(|format| format.value()).ok_or_else(no_store)
}

fn unwritable(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Unwritable { path: path.to_owned(), reason: error.to_string() }
}

/// A file that took another's place has done so after a power cut too once its folder is on the disk.
fn sync_folder(path: &Path) -> Result<(), StoreError> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(|e| unwritable(path, &e))
}

#[cfg(test)]
mod tests {
    use super::super::embedded::Embedded;
    use super::super::{Commit, Store};
    use super::*;

    fn name(text: &str) -> CallName {
        CallName::try_new(text).unwrap()
    }

    async fn filled(path: &Path) {
        let store = Embedded::open(path).unwrap();
        for (call, texts) in [("c-1", "what Ada said"), ("c-2", "what Bob said")] {
            let commit = Commit {
                texts: texts.as_bytes().to_vec(),
                alias: Some(format!("alias-{call}")),
                ..Commit::default()
            };
            store.commit(&name(call), commit).await.unwrap();
        }
        store.count("month", 7).await.unwrap();
    }

    #[tokio::test]
    async fn nothing_of_a_deleted_call_is_left_in_the_file_and_all_of_the_others_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calls.redb");
        filled(&path).await;
        Offline::open(&path).unwrap().delete(&BTreeSet::from([name("c-1")])).unwrap();
        let file = std::fs::read(&path).unwrap();
        let has = |words: &[u8]| file.windows(words.len()).any(|window| window == words);
        assert!(!has(b"Ada") && !has(b"c-1") && has(b"what Bob said"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no other file is left");
        let store = Embedded::open(&path).unwrap();
        assert_eq!(store.names().await, Ok(vec![name("c-2")]));
        assert_eq!(store.resolve("alias-c-2").await, Ok(Some(name("c-2"))));
        assert_eq!(store.resolve("alias-c-1").await, Ok(None));
        assert_eq!(store.count("month", 0).await, Ok(7));
    }

    #[tokio::test]
    async fn a_file_that_a_bot_has_open_or_that_is_none_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calls.redb");
        assert!(matches!(Offline::open(&path), Err(StoreError::Unwritable { .. })));
        assert!(!path.exists(), "none is made");
        let store = Embedded::open(&path).unwrap();
        assert_eq!(Offline::open(&path).unwrap_err(), StoreError::InUse { path: path.clone() });
        drop(store);
        let offline = Offline::open(&path).unwrap();
        assert_eq!(Embedded::open(&path).unwrap_err(), StoreError::InUse { path: path.clone() });
        drop(offline);
        let other = folder.path().join("other.redb");
        drop(Database::create(&other).unwrap());
        assert!(matches!(Offline::open(&other), Err(StoreError::Corrupt { .. })));
    }

    #[tokio::test]
    async fn compacting_makes_a_file_smaller_and_keeps_its_calls() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calls.redb");
        filled(&path).await;
        let store = Embedded::open(&path).unwrap();
        for n in 0..40 {
            store.append(&name(&format!("c-large-{n}")), vec![7; 100_000]).await.unwrap();
        }
        for n in 0..40 {
            assert_eq!(store.forget(&name(&format!("c-large-{n}")), 1).await, Ok(true));
        }
        drop(store);
        let mut offline = Offline::open(&path).unwrap();
        let sizes = offline.compact().unwrap();
        assert!(sizes.after < sizes.before / 2, "{sizes:?}");
        assert_eq!(offline.names(), Ok(vec![name("c-1"), name("c-2")]));
        assert_eq!(offline.read(&name("c-2")).unwrap().unwrap().texts, b"what Bob said");
    }
}
