//! Tokens whose signature was checked: the service puts the same one on many notifications.
//!
//! What is kept of a token is a hash of it and what it claims. That it has not expired is checked each time anew.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest;

use super::checks::Claims;
use super::keys::Published;

/// The most tokens that are kept: the oldest goes.
pub(super) const MAX_TOKENS: usize = 1024;

/// SHA-256 of a token.
pub(super) type Hash = [u8; 32];

struct Known {
    key: Arc<Published>,
    claims: Arc<Claims>,
}

#[derive(Default)]
struct All {
    by_hash: HashMap<Hash, Known>,
    /// The same, the oldest first.
    by_age: VecDeque<Hash>,
}

/// The tokens.
#[derive(Default)]
pub(super) struct Cache(Mutex<All>);

pub(super) fn hash_of(token: &str) -> Hash {
    let mut hash = [0; 32];
    for (to, from) in hash.iter_mut().zip(digest::digest(&digest::SHA256, token.as_bytes()).as_ref()) {
        *to = *from;
    }
    hash
}

impl Cache {
    fn all(&self) -> MutexGuard<'_, All> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the token claims, and the key with which its signature was checked.
    pub(super) fn get(&self, hash: &Hash) -> Option<(Arc<Published>, Arc<Claims>)> {
        let all = self.all();
        all.by_hash.get(hash).map(|known| (Arc::clone(&known.key), Arc::clone(&known.claims)))
    }

    pub(super) fn put(&self, hash: Hash, key: Arc<Published>, claims: Arc<Claims>) {
        let mut all = self.all();
        // Whoever checked the same token at the same time has put it in already.
        if all.by_hash.insert(hash, Known { key, claims }).is_none() {
            all.by_age.push_back(hash);
        }
        if all.by_age.len() > MAX_TOKENS
            && let Some(oldest) = all.by_age.pop_front()
        {
            all.by_hash.remove(&oldest);
        }
    }

    pub(super) fn remove(&self, hash: &Hash) {
        let mut all = self.all();
        if all.by_hash.remove(hash).is_some() {
            all.by_age.retain(|kept| kept != hash);
        }
    }

    /// Takes away the tokens whose key is not published any more.
    pub(super) fn keep_signed_by(&self, is_published: &dyn Fn(&Arc<Published>) -> bool) {
        let All { by_hash, by_age } = &mut *self.all();
        by_hash.retain(|_, known| is_published(&known.key));
        by_age.retain(|hash| by_hash.contains_key(hash));
    }

    #[cfg(all(test, feature = "simulator"))]
    pub(super) fn len(&self) -> usize {
        self.all().by_hash.len()
    }
}
