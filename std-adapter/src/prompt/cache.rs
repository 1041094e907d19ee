//! Prompts that were made: kept in memory within a bound, and in a folder where one is given. Who asks for one that is being
//! made waits for it.

use std::collections::HashMap;
use std::future::Future;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::OnceCell;

use super::error::PromptError;
use super::format;
use super::signature::{Digest, digest_of};

/// A prompt as the service plays it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sound {
    pub(super) wav: Bytes,
    pub(super) digest: Digest,
}

impl Sound {
    pub(super) fn new(wav: Bytes) -> Self {
        Self { digest: digest_of(&wav), wav }
    }
}

/// Raised where converting comes out another way: what earlier releases put into a folder is not used then.
const VERSION: u32 = 1;

type Making = Arc<OnceCell<Result<Sound, PromptError>>>;

pub(super) struct Cache {
    memory: Mutex<Memory>,
    folder: Option<PathBuf>,
    making: Mutex<HashMap<Digest, Making>>,
}

#[derive(Default)]
struct Memory {
    kept: HashMap<Digest, Kept>,
    /// What the kept ones have together.
    bytes: usize,
    /// What others have that cannot be let go.
    fixed: usize,
    most: usize,
    uses: u64,
}

struct Kept {
    sound: Sound,
    last_used: u64,
}

impl Memory {
    fn find(&mut self, digest: &Digest) -> Option<Sound> {
        self.uses = self.uses.saturating_add(1);
        let kept = self.kept.get_mut(digest)?;
        kept.last_used = self.uses;
        Some(kept.sound.clone())
    }

    /// Keeps it, in the place of what was not used for longest.
    fn keep(&mut self, digest: Digest, sound: Sound) {
        self.uses = self.uses.saturating_add(1);
        self.bytes = self.bytes.saturating_add(sound.wav.len());
        let before = self.kept.insert(digest, Kept { sound, last_used: self.uses });
        self.bytes = self.bytes.saturating_sub(before.map_or(0, |kept| kept.sound.wav.len()));
        self.shrink();
    }

    /// The newest stays, whatever it has: it is about to be fetched.
    fn shrink(&mut self) {
        while self.bytes.saturating_add(self.fixed) > self.most && self.kept.len() > 1 {
            let oldest = self.kept.iter().min_by_key(|(_, kept)| kept.last_used).map(|(digest, _)| *digest);
            let Some(gone) = oldest.and_then(|digest| self.kept.remove(&digest)) else { return };
            self.bytes = self.bytes.saturating_sub(gone.sound.wav.len());
        }
    }
}

impl Cache {
    /// A cache of `most` bytes in memory, and without a bound in `folder`.
    pub(super) fn new(most: usize, folder: Option<PathBuf>) -> Self {
        Self { memory: Mutex::new(Memory { most, ..Memory::default() }), folder, making: Mutex::default() }
    }

    /// Sets `bytes` aside for a prompt that is held elsewhere, where `before` were set aside for it. Whether there is room.
    pub(super) fn set_aside(&self, before: usize, bytes: usize) -> bool {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let fixed = memory.fixed.saturating_sub(before).saturating_add(bytes);
        if fixed > memory.most {
            return false;
        }
        memory.fixed = fixed;
        memory.shrink();
        true
    }

    /// What was made before.
    pub(super) async fn find(&self, digest: &Digest) -> Option<Sound> {
        if let Some(sound) = self.memory.lock().unwrap_or_else(PoisonError::into_inner).find(digest) {
            return Some(sound);
        }
        let path = self.path_of(digest)?;
        let read = tokio::task::spawn_blocking(move || std::fs::read(path).ok()).await.ok()??;
        // A disk may have been full, or a file damaged: then it is made again.
        format::inspect(&read).ok()?;
        let sound = Sound::new(read.into());
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).keep(*digest, sound.clone());
        Some(sound)
    }

    /// What was made before, or what `make` makes of it. However many ask at once, it is made once; where that fails, all
    /// of them are told so, and the next who asks has it tried again.
    pub(super) async fn get_or_make<F>(
        &self,
        digest: Digest,
        make: impl FnOnce() -> F,
    ) -> Result<Sound, PromptError>
    where
        F: Future<Output = Result<Bytes, PromptError>>,
    {
        if let Some(sound) = self.find(&digest).await {
            return Ok(sound);
        }
        let turn = self.turn(digest);
        let sound = turn.making.get_or_init(async || {
            // It may have been made since.
            if let Some(sound) = self.find(&digest).await {
                return Ok(sound);
            }
            let sound = Sound::new(make().await?);
            self.keep(digest, sound.clone()).await;
            Ok(sound)
        });
        sound.await.clone()
    }

    fn turn(&self, digest: Digest) -> Turn<'_> {
        let mut making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        Turn { cache: self, making: Arc::clone(making.entry(digest).or_default()), digest }
    }

    async fn keep(&self, digest: Digest, sound: Sound) {
        let wav = sound.wav.clone();
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).keep(digest, sound);
        let Some(path) = self.path_of(&digest) else { return };
        let written = tokio::task::spawn_blocking(move || write_whole(&path, &wav)).await;
        match written {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "a prompt cannot be kept on disk; it is in memory"),
            Err(_) => tracing::warn!("a prompt was not kept on disk; it is in memory"),
        }
    }

    fn path_of(&self, digest: &Digest) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(format!("{}-{VERSION}.wav", hex(digest))))
    }
}

/// One who waits for a prompt that is being made.
struct Turn<'a> {
    cache: &'a Cache,
    making: Making,
    digest: Digest,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut making = self.cache.making.lock().unwrap_or_else(PoisonError::into_inner);
        let is_mine = making.get(&self.digest).is_some_and(|found| Arc::ptr_eq(found, &self.making));
        // The table, and the last who waits.
        let is_left = Arc::strong_count(&self.making) <= 2;
        if is_mine && (is_left || self.making.initialized()) {
            making.remove(&self.digest);
        }
    }
}

/// Writes a file that is there only when it is whole, readable by its owner only.
fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let part = path.with_extension(format!("{}.part", uuid::Uuid::new_v4().simple()));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&part).and_then(|mut file| file.write_all(bytes));
    let done = written.and_then(|()| std::fs::rename(&part, path));
    if done.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    done
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use super::*;
    use crate::prompt::tts::TtsError;
    use crate::wav;

    fn sound(samples: usize) -> Bytes {
        wav::write(&vec![7; samples]).into()
    }

    async fn is_kept(cache: &Cache, digest: u8) -> bool {
        cache.find(&[digest; 32]).await.is_some()
    }

    async fn make(cache: &Cache, digest: u8, samples: usize) {
        cache.get_or_make([digest; 32], async || Ok(sound(samples))).await.unwrap();
    }

    #[tokio::test]
    async fn what_was_not_used_for_longest_goes_first() {
        let cache = Cache::new(3 * 1044, None);
        for digest in 1..=3 {
            make(&cache, digest, 500).await;
        }
        assert!(is_kept(&cache, 1).await);
        make(&cache, 4, 500).await;
        assert!(!is_kept(&cache, 2).await && is_kept(&cache, 1).await && is_kept(&cache, 3).await);
        // The newest stays even where it is larger than all that is allowed.
        make(&cache, 5, 5000).await;
        assert!(is_kept(&cache, 5).await && !is_kept(&cache, 4).await && !is_kept(&cache, 1).await);
    }

    #[tokio::test]
    async fn what_is_set_aside_is_not_used_and_has_a_bound() {
        let cache = Cache::new(3 * 1044, None);
        make(&cache, 1, 500).await;
        make(&cache, 2, 500).await;
        assert!(cache.set_aside(0, 2 * 1044));
        assert!(!is_kept(&cache, 1).await && is_kept(&cache, 2).await);
        assert!(!cache.set_aside(0, 1045), "beyond the bound");
        assert!(cache.set_aside(2 * 1044, 3 * 1044), "in the place of the one before");
    }

    #[tokio::test(start_paused = true)]
    async fn however_many_ask_it_is_made_once() {
        let (cache, count) = (Arc::new(Cache::new(1 << 20, None)), Arc::new(AtomicU32::new(0)));
        let asks: Vec<_> = (0..20)
            .map(|_| {
                let (cache, count) = (Arc::clone(&cache), Arc::clone(&count));
                tokio::spawn(async move {
                    let making = async || {
                        count.fetch_add(1, Ordering::SeqCst);
                        tokio::time::sleep(Duration::from_secs(1)).await;
                        Ok(sound(500))
                    };
                    cache.get_or_make([1; 32], making).await
                })
            })
            .collect();
        for ask in asks {
            assert_eq!(ask.await.unwrap(), Ok(Sound::new(sound(500))));
        }
        assert_eq!(count.load(Ordering::SeqCst), 1);
        assert!(cache.making.lock().unwrap().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_told_to_all_and_tried_again_for_the_next() {
        let (cache, count) = (Arc::new(Cache::new(1 << 20, None)), Arc::new(AtomicU32::new(0)));
        let failing = || {
            let count = Arc::clone(&count);
            async move || {
                count.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_secs(1)).await;
                Err(PromptError::Tts(TtsError::Empty))
            }
        };
        let (first, second) =
            tokio::join!(cache.get_or_make([1; 32], failing()), cache.get_or_make([1; 32], failing()));
        assert_eq!((first.is_err(), second.is_err(), count.load(Ordering::SeqCst)), (true, true, 1));
        make(&cache, 1, 500).await;
        assert!(is_kept(&cache, 1).await);
    }

    #[tokio::test(start_paused = true)]
    async fn who_goes_away_leaves_it_to_the_next() {
        let cache = Cache::new(1 << 20, None);
        let never = cache.get_or_make([1; 32], std::future::pending);
        assert!(tokio::time::timeout(Duration::from_secs(1), never).await.is_err());
        assert!(cache.making.lock().unwrap().is_empty());
        make(&cache, 1, 500).await;
        assert!(is_kept(&cache, 1).await);
    }

    #[tokio::test]
    async fn a_folder_outlives_the_process_and_damage_is_made_good() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("made");
        make(&Cache::new(1 << 20, Some(place.clone())), 1, 500).await;
        let next = || Cache::new(1 << 20, Some(place.clone()));
        assert_eq!(next().find(&[1; 32]).await, Some(Sound::new(sound(500))));
        let file = next().path_of(&[1; 32]).unwrap();
        std::fs::write(&file, &sound(500)[..100]).unwrap();
        assert_eq!(next().find(&[1; 32]).await, None);
        make(&next(), 1, 500).await;
        assert_eq!(next().find(&[1; 32]).await, Some(Sound::new(sound(500))));
        assert_eq!(std::fs::read_dir(&place).unwrap().count(), 1, "nothing is left over");
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_written_costs_no_prompt() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a file");
        std::fs::write(&file, "").unwrap();
        let cache = Cache::new(1 << 20, Some(file.join("no folder")));
        make(&cache, 1, 500).await;
        assert!(is_kept(&cache, 1).await);
    }
}
