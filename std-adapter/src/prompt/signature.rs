//! Signed addresses: who has one may fetch one prompt, for a time.

use std::fmt;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use aws_lc_rs::{digest, hmac, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// SHA-256.
pub(super) type Digest = [u8; 32];

/// The digest of `bytes`.
pub(super) fn digest_of(bytes: &[u8]) -> Digest {
    let mut digest = [0; 32];
    for (to, from) in digest.iter_mut().zip(digest::digest(&digest::SHA256, bytes).as_ref()) {
        *to = *from;
    }
    digest
}

/// The key that addresses of prompts are signed with.
///
/// An address is kept with the command to play it, and may be fetched after a restart, or from another instance. So each
/// process that serves the same prompts needs the same key: [`Self::new`] of a secret that the bot has anyway, or
/// [`Self::kept`] in a file. With [`Self::random`] the addresses of one process are worth nothing to the next.
#[derive(Clone)]
pub struct Key {
    addresses: hmac::Key,
    texts: hmac::Key,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(<redacted>)")
    }
}

/// Why there is no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// It could be guessed.
    #[error("a key has {MIN_KEY_BYTES} bytes at least, and this has {0}; give a longer secret")]
    TooShort(usize),
    /// It cannot be read or made.
    #[error("the key in {path} cannot be had ({reason}); look whether its folder is there, and writable")]
    Unreadable {
        /// Where.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The file is something else.
    #[error("{0} is no key of 32 bytes; remove it, and a new one is made")]
    NotAKey(PathBuf),
    /// The system has no random numbers.
    #[error("the system gives no random numbers; give a secret as the key")]
    NoRandom,
}

/// The shortest secret that a key is made of, in bytes.
pub const MIN_KEY_BYTES: usize = 16;

impl Key {
    /// A key made of a secret: the app's client secret, or one for this alone. The secret itself cannot be found out from
    /// what is signed, and what is signed is worth nothing elsewhere.
    ///
    /// # Errors
    /// [`KeyError::TooShort`]
    pub fn new(secret: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        let secret = secret.as_ref();
        if secret.len() < MIN_KEY_BYTES {
            return Err(KeyError::TooShort(secret.len()));
        }
        let root = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let derived = |purpose: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&root, purpose).as_ref());
        Ok(Self {
            addresses: derived(b"callflow prompts, addresses, 1"),
            texts: derived(b"callflow prompts, texts, 1"),
        })
    }

    /// A key of this process alone.
    ///
    /// # Errors
    /// [`KeyError::NoRandom`]
    pub fn random() -> Result<Self, KeyError> {
        Self::new(random_bytes()?)
    }

    /// The key in the file at `path`, which is made, readable by its owner only, where it is not there.
    ///
    /// # Errors
    /// [`KeyError`]
    pub fn kept(path: impl AsRef<Path>) -> Result<Self, KeyError> {
        let path = path.as_ref();
        let unreadable =
            |error: std::io::Error| KeyError::Unreadable { path: path.to_owned(), reason: error.to_string() };
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(path) {
            Ok(mut file) => {
                let secret = random_bytes()?;
                file.write_all(&secret).and_then(|()| file.sync_all()).map_err(unreadable)?;
                Self::new(secret)
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                let mut secret = Vec::new();
                let file = std::fs::File::open(path).map_err(unreadable)?;
                file.take(33).read_to_end(&mut secret).map_err(unreadable)?;
                if secret.len() == 32 { Self::new(secret) } else { Err(KeyError::NotAKey(path.to_owned())) }
            }
            Err(error) => Err(unreadable(error)),
        }
    }

    /// The signature of `text`, for a query.
    pub(super) fn sign(&self, text: &str) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.addresses, text.as_bytes()))
    }

    /// Whether `signature` is that of `text`, in a time that does not tell how much of it is right.
    pub(super) fn is_good(&self, text: &str, signature: &str) -> bool {
        URL_SAFE_NO_PAD
            .decode(signature)
            .is_ok_and(|signature| hmac::verify(&self.addresses, text.as_bytes(), &signature).is_ok())
    }

    /// A digest of texts from which they cannot be guessed without the key: it stands in addresses.
    pub(super) fn digest(&self, texts: &[&str]) -> Digest {
        let mut context = hmac::Context::with_key(&self.texts);
        for text in texts {
            context.update(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
            context.update(text.as_bytes());
        }
        let mut digest = [0; 32];
        for (to, from) in digest.iter_mut().zip(context.sign().as_ref()) {
            *to = *from;
        }
        digest
    }
}

fn random_bytes() -> Result<[u8; 32], KeyError> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(|_| KeyError::NoRandom)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_secret_is_one_key_and_another_is_another() {
        let key = |secret: &str| Key::new(secret).unwrap();
        let signature = key("a secret of the bot").sign("menu");
        assert!(key("a secret of the bot").is_good("menu", &signature));
        assert!(!key("a secret of the bot").is_good("menus", &signature));
        assert!(!key("a secret of a fool").is_good("menu", &signature));
        for bad in ["", "A", "!!!!", signature.strip_prefix(|_| true).unwrap(), &signature.to_lowercase()] {
            assert!(!key("a secret of the bot").is_good("menu", bad), "{bad}");
        }
        assert!(!Key::random().unwrap().is_good("menu", &signature));
        assert_eq!(Key::new("short").unwrap_err(), KeyError::TooShort(5));
        assert_eq!(format!("{:?}", key("a secret of the bot")), "Key(<redacted>)");
    }

    #[test]
    fn texts_are_told_apart_by_where_they_end() {
        let key = Key::new("a secret of the bot").unwrap();
        assert_eq!(key.digest(&["ab", "c"]), key.digest(&["ab", "c"]));
        assert_ne!(key.digest(&["ab", "c"]), key.digest(&["a", "bc"]));
    }

    #[test]
    fn a_key_is_kept_in_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prompts.key");
        let signature = Key::kept(&path).unwrap().sign("menu");
        assert!(Key::kept(&path).unwrap().is_good("menu", &signature));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        std::fs::write(&path, "something else").unwrap();
        assert_eq!(Key::kept(&path).unwrap_err(), KeyError::NotAKey(path));
        let nowhere = Key::kept(folder.path().join("no/folder.key")).unwrap_err().to_string();
        assert!(nowhere.contains("look whether its folder is there"), "{nowhere}");
    }
}
