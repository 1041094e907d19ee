//! A store whose values are encrypted, over any other: calls, texts, the author's state, inboxes and outboxes.
//!
//! In the clear stay the calls' names, their aliases (Graph's ids in one spelling, by which they are found), the numbers and
//! times in a record, and the counters. Each value is sealed by AES-256-GCM under the current key of a [`KeySource`], with a
//! random nonce, and bound to its call and its place in the record: it cannot be put elsewhere unnoticed. A value that is
//! removed, or a whole record that is put back to an earlier state, is not noticed.
//!
//! Each value names its key, so that keys can be rotated: what is written again goes under the current one, and what is not
//! stays readable for as long as the source has its key. With random nonces a key is good for 2^32 values (Source: NIST
//! SP 800-38D, section 8.3): an app at its quota of calls writes fewer in many years.
//!
//! A store that holds values in the clear is not read through this: [`StoreError::NotEncrypted`]. Drain the bot, and begin
//! with an empty store.
//!
//! ```
//! use std::sync::Arc;
//!
//! use callflow_graph::store::encrypted::{Encrypted, Key, Keys};
//! use callflow_graph::store::memory::Memory;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (new, old) = ([1; 32], [2; 32]);
//! let keys = Keys::new(Key::try_new("2026-11", new)?).with_old(Key::try_new("2026-05", old)?);
//! let store = Encrypted::new(Arc::new(Memory::new()), Arc::new(keys));
//! # Ok(())
//! # }
//! ```

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use secrecy::{ExposeSecret, SecretBox};

use super::{CallName, Commit, Pending, Record, Store, StoreError};

/// The longest id of a key, in bytes.
pub const MAX_KEY_ID: usize = 64;

/// A key of 256 bits, and its id, which is no secret: it stands beside each value.
pub struct Key {
    id: String,
    secret: SecretBox<[u8; 32]>,
}

/// The id is none: it has to be of 1 to [`MAX_KEY_ID`] visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key's id is of 1 to {MAX_KEY_ID} visible ASCII characters")]
pub struct BadKeyId;

impl Key {
    /// The key `secret` of this id.
    ///
    /// # Errors
    /// [`BadKeyId`]
    pub fn try_new(id: impl Into<String>, secret: [u8; 32]) -> Result<Self, BadKeyId> {
        let id = id.into();
        let is_good = (1..=MAX_KEY_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
        if is_good { Ok(Self { id, secret: SecretBox::new(Box::new(secret)) }) } else { Err(BadKeyId) }
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Where keys come from. It is asked for each value that is read or written, and must not block: one that fetches keys from
/// elsewhere keeps them.
pub trait KeySource: Send + Sync + 'static {
    /// The key under which is written.
    fn current(&self) -> Arc<Key>;

    /// The key of this id, the current or an old one.
    fn key(&self, id: &str) -> Option<Arc<Key>>;
}

/// Keys that are known from the start.
#[derive(Clone, Debug)]
pub struct Keys {
    current: Arc<Key>,
    old: Vec<Arc<Key>>,
}

impl Keys {
    /// Everything is written under `current`.
    pub fn new(current: Key) -> Self {
        Self { current: Arc::new(current), old: Vec::new() }
    }

    /// What was written under `old` is read too.
    #[must_use]
    pub fn with_old(mut self, old: Key) -> Self {
        self.old.push(Arc::new(old));
        self
    }
}

impl KeySource for Keys {
    fn current(&self) -> Arc<Key> {
        Arc::clone(&self.current)
    }

    fn key(&self, id: &str) -> Option<Arc<Key>> {
        std::iter::once(&self.current).chain(&self.old).find(|key| key.id == id).map(Arc::clone)
    }
}

/// The first byte of a sealed value: neither JSON nor a call begins with it.
const SEALED: u8 = 0xE1;

/// Where in a record a value stands.
#[derive(Clone, Copy)]
enum Place {
    Call = 1,
    Texts,
    Author,
    Inbox,
    Outbox,
    CallId,
    TenantId,
}

/// The store.
pub struct Encrypted {
    inner: Arc<dyn Store>,
    keys: Arc<dyn KeySource>,
}

impl fmt::Debug for Encrypted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encrypted").finish_non_exhaustive()
    }
}

impl Encrypted {
    /// What is kept goes into `inner`, sealed by `keys`.
    pub fn new(inner: Arc<dyn Store>, keys: Arc<dyn KeySource>) -> Self {
        Self { inner, keys }
    }

    fn seal(&self, name: &CallName, place: Place, mut value: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        let key = self.keys.current();
        let unusable = || StoreError::WrongKey { name: name.clone(), key_id: key.id.clone() };
        let nonce = cipher(&key)
            .and_then(|cipher| {
                cipher.seal_in_place_append_tag(Aad::from(bound_to(name, place)), &mut value).ok()
            })
            .ok_or_else(unusable)?;
        let id_len = u8::try_from(key.id.len()).map_err(|_| unusable())?;
        let mut sealed = vec![SEALED, id_len];
        sealed.extend_from_slice(key.id.as_bytes());
        sealed.extend_from_slice(nonce.as_ref());
        sealed.append(&mut value);
        Ok(sealed)
    }

    fn open(&self, name: &CallName, place: Place, sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
        if sealed.is_empty() {
            // Never written: what is written is never empty.
            return Ok(Vec::new());
        }
        let Some((id, nonce, value)) = parts(sealed) else {
            return Err(StoreError::NotEncrypted(name.clone()));
        };
        let Some(key) = self.keys.key(id) else {
            return Err(StoreError::NoKey { name: name.clone(), key_id: id.to_owned() });
        };
        let wrong = || StoreError::WrongKey { name: name.clone(), key_id: id.to_owned() };
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| wrong())?;
        let mut value = value.to_vec();
        let opened = cipher(&key)
            .and_then(|cipher| {
                let aad = Aad::from(bound_to(name, place));
                cipher.open_in_place(nonce, aad, &mut value).ok().map(|opened| opened.len())
            })
            .ok_or_else(wrong)?;
        value.truncate(opened);
        Ok(value)
    }

    fn seal_text(
        &self,
        name: &CallName,
        place: Place,
        text: Option<String>,
    ) -> Result<Option<String>, StoreError> {
        let sealed = text.map(|text| self.seal(name, place, text.into_bytes())).transpose()?;
        Ok(sealed.map(|sealed| STANDARD_NO_PAD.encode(sealed)))
    }

    fn open_text(
        &self,
        name: &CallName,
        place: Place,
        text: Option<String>,
    ) -> Result<Option<String>, StoreError> {
        let Some(text) = text else { return Ok(None) };
        let not_encrypted = || StoreError::NotEncrypted(name.clone());
        let sealed = STANDARD_NO_PAD.decode(text).map_err(|_| not_encrypted())?;
        let opened = self.open(name, place, &sealed)?;
        String::from_utf8(opened).map(Some).map_err(|_| not_encrypted())
    }

    fn seal_commit(&self, name: &CallName, mut commit: Commit) -> Result<Commit, StoreError> {
        commit.call = self.seal(name, Place::Call, commit.call)?;
        commit.texts = self.seal(name, Place::Texts, commit.texts)?;
        commit.author = self.seal(name, Place::Author, commit.author)?;
        for row in &mut commit.add {
            row.bytes = self.seal(name, Place::Outbox, std::mem::take(&mut row.bytes))?;
        }
        commit.about.call_id = self.seal_text(name, Place::CallId, commit.about.call_id)?;
        commit.about.tenant_id = self.seal_text(name, Place::TenantId, commit.about.tenant_id)?;
        Ok(commit)
    }

    fn open_record(&self, name: &CallName, mut record: Record) -> Result<Record, StoreError> {
        record.call = self.open(name, Place::Call, &record.call)?;
        record.texts = self.open(name, Place::Texts, &record.texts)?;
        record.author = self.open(name, Place::Author, &record.author)?;
        for entry in &mut record.inbox {
            entry.bytes = self.open(name, Place::Inbox, &entry.bytes)?;
        }
        for row in &mut record.outbox {
            row.bytes = self.open(name, Place::Outbox, &row.bytes)?;
        }
        record.about.call_id = self.open_text(name, Place::CallId, record.about.call_id)?;
        record.about.tenant_id = self.open_text(name, Place::TenantId, record.about.tenant_id)?;
        Ok(record)
    }
}

fn cipher(key: &Key) -> Option<RandomizedNonceKey> {
    RandomizedNonceKey::new(&AES_256_GCM, key.secret.expose_secret()).ok()
}

/// What a value is bound to.
fn bound_to(name: &CallName, place: Place) -> Vec<u8> {
    let mut bound = vec![place as u8];
    bound.extend_from_slice(name.as_str().as_bytes());
    bound
}

/// The id of the key that a value is sealed by; `None` where it is not sealed.
pub fn key_id(value: &[u8]) -> Option<&str> {
    parts(value).map(|(id, ..)| id)
}

/// The id of its key, the nonce, and the sealed value.
fn parts(sealed: &[u8]) -> Option<(&str, &[u8], &[u8])> {
    let (&[SEALED, id_len], rest) = sealed.split_first_chunk()? else { return None };
    let (id, rest) = rest.split_at_checked(usize::from(id_len))?;
    let (nonce, value) = rest.split_at_checked(NONCE_LEN)?;
    Some((std::str::from_utf8(id).ok()?, nonce, value))
}

fn failed<'a, T: Send + 'a>(error: StoreError) -> Pending<'a, T> {
    Box::pin(std::future::ready(Err(error)))
}

impl Store for Encrypted {
    fn append(&self, name: &CallName, bytes: Vec<u8>) -> Pending<'_, u64> {
        match self.seal(name, Place::Inbox, bytes) {
            Ok(sealed) => self.inner.append(name, sealed),
            Err(error) => failed(error),
        }
    }

    fn read(&self, name: &CallName) -> Pending<'_, Option<Record>> {
        let (read, name) = (self.inner.read(name), name.clone());
        Box::pin(async move { read.await?.map(|record| self.open_record(&name, record)).transpose() })
    }

    fn commit(&self, name: &CallName, commit: Commit) -> Pending<'_, u64> {
        match self.seal_commit(name, commit) {
            Ok(sealed) => self.inner.commit(name, sealed),
            Err(error) => failed(error),
        }
    }

    fn mark_attempted(&self, name: &CallName, ticket: u32) -> Pending<'_, ()> {
        self.inner.mark_attempted(name, ticket)
    }

    fn resolve(&self, alias: &str) -> Pending<'_, Option<CallName>> {
        self.inner.resolve(alias)
    }

    fn names(&self) -> Pending<'_, Vec<CallName>> {
        self.inner.names()
    }

    fn forget(&self, name: &CallName, last_seq: u64) -> Pending<'_, bool> {
        self.inner.forget(name, last_seq)
    }

    fn count(&self, key: &str, by: u64) -> Pending<'_, u64> {
        self.inner.count(key, by)
    }
}

#[cfg(test)]
mod tests {
    use super::super::embedded::Embedded;
    use super::super::memory::Memory;
    use super::super::{About, OutboxRow};
    use super::*;

    const PLAIN: &[u8] = b"what Ada said";

    fn key(id: &str, byte: u8) -> Key {
        Key::try_new(id, [byte; 32]).unwrap()
    }

    fn over(inner: &Arc<dyn Store>, keys: Keys) -> Encrypted {
        Encrypted::new(Arc::clone(inner), Arc::new(keys))
    }

    fn name(text: &str) -> CallName {
        CallName::try_new(text).unwrap()
    }

    fn plain() -> Commit {
        let text = String::from_utf8(PLAIN.to_vec()).unwrap();
        Commit {
            call: PLAIN.to_vec(),
            texts: PLAIN.to_vec(),
            author: PLAIN.to_vec(),
            add: vec![OutboxRow { ticket: 1, once_only: true, attempted: false, bytes: PLAIN.to_vec() }],
            about: About { call_id: Some(text.clone()), tenant_id: Some(text), ..About::default() },
            ..Commit::default()
        }
    }

    #[tokio::test]
    async fn nothing_that_is_written_is_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calls.redb");
        let inner: Arc<dyn Store> = Arc::new(Embedded::open(&path).unwrap());
        let store = over(&inner, Keys::new(key("k1", 1)));
        store.append(&name("c-1"), PLAIN.to_vec()).await.unwrap();
        store.commit(&name("c-1"), plain()).await.unwrap();
        let read = store.read(&name("c-1")).await.unwrap().unwrap();
        let all = [&read.call, &read.texts, &read.author, &read.inbox[0].bytes, &read.outbox[0].bytes];
        assert!(all.iter().all(|value| *value == PLAIN));
        assert_eq!(
            (read.about.call_id, read.about.tenant_id),
            (plain().about.call_id, plain().about.tenant_id)
        );
        drop((store, inner));
        let file = std::fs::read(&path).unwrap();
        assert!(!file.windows(PLAIN.len()).any(|window| window == PLAIN));
        assert!(file.windows(3).any(|window| window == b"c-1"), "names stay readable");
        assert!(!file.windows(32).any(|window| window == [1; 32]), "nor is the key");
    }

    #[tokio::test]
    async fn an_old_key_still_reads_and_what_is_written_goes_under_the_new_one() {
        let inner: Arc<dyn Store> = Arc::new(Memory::new());
        let (one, two) = (name("c-1"), name("c-2"));
        over(&inner, Keys::new(key("k1", 1))).commit(&one, plain()).await.unwrap();
        let rotated = over(&inner, Keys::new(key("k2", 2)).with_old(key("k1", 1)));
        assert_eq!(rotated.read(&one).await.unwrap().unwrap().call, PLAIN);
        rotated.commit(&two, plain()).await.unwrap();
        let only_new = over(&inner, Keys::new(key("k2", 2)));
        assert_eq!(only_new.read(&two).await.unwrap().unwrap().call, PLAIN);
        let missing = StoreError::NoKey { name: one.clone(), key_id: "k1".to_owned() };
        assert_eq!(only_new.read(&one).await, Err(missing.clone()));
        assert!(missing.to_string().contains("k1"), "{missing}");
    }

    #[tokio::test]
    async fn a_wrong_key_a_moved_value_a_changed_one_and_a_plain_one_are_refused_by_name() {
        let inner: Arc<dyn Store> = Arc::new(Memory::new());
        let (one, two) = (name("c-1"), name("c-2"));
        let good = over(&inner, Keys::new(key("k1", 1)));
        good.commit(&one, plain()).await.unwrap();
        let wrong = StoreError::WrongKey { name: one.clone(), key_id: "k1".to_owned() };
        assert_eq!(over(&inner, Keys::new(key("k1", 9))).read(&one).await, Err(wrong.clone()));

        let sealed = inner.read(&one).await.unwrap().unwrap();
        let as_it_is = |record: &Record| Commit {
            call: record.call.clone(),
            texts: record.texts.clone(),
            author: record.author.clone(),
            ..Commit::default()
        };
        inner.commit(&two, as_it_is(&sealed)).await.unwrap();
        let moved = StoreError::WrongKey { name: two.clone(), key_id: "k1".to_owned() };
        assert_eq!(good.read(&two).await, Err(moved), "of another call");
        let swapped = Commit { version: 1, call: sealed.texts.clone(), ..as_it_is(&sealed) };
        inner.commit(&one, swapped).await.unwrap();
        assert_eq!(good.read(&one).await, Err(wrong.clone()), "of another place");
        let mut changed = as_it_is(&sealed);
        *changed.call.last_mut().unwrap() ^= 1;
        inner.commit(&one, Commit { version: 2, ..changed }).await.unwrap();
        assert_eq!(good.read(&one).await, Err(wrong));
        inner.commit(&one, Commit { version: 3, ..plain() }).await.unwrap();
        assert_eq!(good.read(&one).await, Err(StoreError::NotEncrypted(one)));
    }

    #[test]
    fn ids_of_keys_at_below_and_above_their_limits_and_no_key_in_debug() {
        for (id, good) in [
            ("", false),
            ("k", true),
            ("a b", false),
            ("é", false),
            (&"k".repeat(64), true),
            (&"k".repeat(65), false),
        ] {
            assert_eq!(Key::try_new(id, [0; 32]).is_ok(), good, "{id}");
        }
        let shown = format!("{:?}", Keys::new(key("k1", 77)));
        assert!(shown.contains("k1") && !shown.contains("77"), "{shown}");
    }

    #[test]
    fn no_prefix_of_a_sealed_value_panics() {
        let store = Encrypted::new(Arc::new(Memory::new()), Arc::new(Keys::new(key("k1", 1))));
        let sealed = store.seal(&name("c-1"), Place::Call, PLAIN.to_vec()).unwrap();
        for end in 1..sealed.len() {
            assert!(store.open(&name("c-1"), Place::Call, &sealed[..end]).is_err(), "{end}");
        }
        assert_eq!(store.open(&name("c-1"), Place::Call, &sealed).unwrap(), PLAIN);
    }
}
