//! The library of a bot's prompts.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::sync::Semaphore;

use super::cache::{Cache, Sound, hex};
use super::convert::{ConvertError, Limits, convert_unless, probe};
use super::error::PromptError;
use super::signature::{Digest, Key, digest_of};
use super::tts::{Content, Tts, Utterance};
use crate::clock::Clock;
use crate::session::Address;
use crate::transport::check_scheme;

/// How prompts are made and served.
#[derive(Clone)]
pub struct Settings {
    /// Where the service reaches [`Prompts::router`]: `https://bot.example/prompts`.
    pub address: String,
    /// What addresses are signed with: the same for all who serve the same prompts.
    pub key: Key,
    /// How long an address is good, at least; at most a quarter longer. A day by default: a command to play is kept over a
    /// restart, and its address has to be good afterwards. For a quarter of this time one prompt has one address, so that
    /// the service can cache it.
    pub valid_for: Duration,
    /// The most that a prompt may be.
    pub limits: Limits,
    /// How long one may take to be read and converted, or spoken. 8 seconds by default: a call waits 15 to be answered, and
    /// what a handler commands leaves when it is done.
    pub within: Duration,
    /// How many bytes of prompts are kept in memory, as the service plays them: 32,000 a second. 64 MiB by default.
    pub memory: usize,
    /// A folder where prompts are kept as they were made, so that a restart converts and speaks nothing again. It grows as
    /// new ones are made; whatever is in it may be deleted at any time. None by default.
    pub cache_folder: Option<PathBuf>,
    /// Who speaks what is [said](Prompts::say). Nobody by default.
    pub tts: Option<Arc<dyn Tts>>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("address", &self.address)
            .field("tts", &self.tts.as_ref().map(|tts| tts.identity()))
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// The usual ones.
    pub fn new(address: impl Into<String>, key: Key) -> Self {
        Self {
            address: address.into(),
            key,
            valid_for: Duration::from_secs(24 * 3600),
            limits: Limits::default(),
            within: Duration::from_secs(8),
            memory: 64 * 1024 * 1024,
            cache_folder: None,
            tts: None,
        }
    }
}

/// When the files of a folder are converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// Before the folder is added: what cannot be is told then.
    AtStart,
    /// When one is first fetched. Its head alone is looked at before.
    OnFirstUse,
}

/// The prompts of a bot. Clones share them.
#[derive(Clone)]
pub struct Prompts {
    inner: Arc<Inner>,
}

impl fmt::Debug for Prompts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prompts").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}

struct Inner {
    settings: Settings,
    clock: Clock,
    cache: Cache,
    prompts: RwLock<HashMap<String, Arc<Prompt>>>,
    /// One decoder a processor.
    converting: Semaphore,
}

enum Prompt {
    /// Of bytes: there is nowhere else to have it from.
    Held { sound: Sound, source: Digest },
    /// Of a file, which may be another by now. It is read by one at a time: however many fetch it at once, it is in memory
    /// once.
    File { path: PathBuf, source: Mutex<Digest>, reading: tokio::sync::Mutex<()> },
}

impl Prompt {
    fn source(&self) -> Digest {
        match self {
            Self::Held { source, .. } => *source,
            Self::File { source, .. } => known(source),
        }
    }

    /// What it takes of the memory that is set aside.
    fn held_bytes(&self) -> usize {
        match self {
            Self::Held { sound, .. } => sound.wav.len(),
            Self::File { .. } => 0,
        }
    }
}

/// What a file was when it was last read.
fn known(source: &Mutex<Digest>) -> Digest {
    *source.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What an address says beside the name.
pub(super) struct Claim<'a> {
    pub(super) name: &'a str,
    /// Which content was there when it was given: another one has another address, and no cache mistakes them.
    pub(super) content: &'a str,
    /// Until when it is good, in seconds since the Unix epoch.
    pub(super) until: u64,
}

impl Claim<'_> {
    /// No name has a line break in it.
    pub(super) fn text(&self) -> String {
        format!("{}\n{}\n{}", self.name, self.content, self.until)
    }
}

impl Prompts {
    /// A library without prompts.
    ///
    /// # Errors
    /// [`PromptError::Address`]
    pub fn try_new(settings: Settings, clock: Clock) -> Result<Self, PromptError> {
        let is_good = settings
            .address
            .parse::<Uri>()
            .is_ok_and(|uri| check_scheme(&uri).is_ok() && uri.query().is_none());
        if !is_good {
            return Err(PromptError::Address(settings.address));
        }
        let at_once = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            inner: Arc::new(Inner {
                cache: Cache::new(settings.memory, settings.cache_folder.clone()),
                prompts: RwLock::default(),
                converting: Semaphore::new(at_once),
                settings,
                clock,
            }),
        })
    }

    /// Adds every file of a folder: `menu.mp3` is the prompt `menu`, and `menu.mp3` means it too. Hidden files and folders
    /// in it are passed over. A folder that was added before may be added again, when its files have changed.
    ///
    /// # Errors
    /// [`PromptError`]: nothing was added. All files that are refused are named, each with its reason.
    pub async fn add_folder(&self, folder: impl AsRef<Path>, load: Load) -> Result<(), PromptError> {
        let (mut added, mut refused) = (BTreeMap::new(), Vec::new());
        for path in files_of(folder.as_ref()).await? {
            match self.file(path, load, &added).await {
                Ok((name, prompt)) => {
                    added.insert(name, prompt);
                }
                Err(error) => refused.push(error),
            }
        }
        match (refused.pop(), refused.is_empty()) {
            (None, _) => {}
            (Some(only), true) => return Err(only),
            (Some(last), false) => {
                refused.push(last);
                return Err(PromptError::Folder(refused));
            }
        }
        for (name, prompt) in added {
            self.put(&name, prompt)?;
        }
        Ok(())
    }

    /// Adds one file, as the prompt `name`.
    ///
    /// # Errors
    /// [`PromptError`]: nothing was added.
    pub async fn add_file(
        &self,
        name: impl Into<String>,
        path: impl Into<PathBuf>,
        load: Load,
    ) -> Result<(), PromptError> {
        let name = name.into();
        check_name(&name)?;
        let prompt = self.loaded(&name, path.into(), load).await?;
        self.put(&name, prompt)
    }

    /// Adds a prompt of any bytes, or takes the place of one: WAV, MP3, Ogg Vorbis or FLAC. It is converted now, and stays in
    /// memory.
    ///
    /// # Errors
    /// [`PromptError`]: nothing was added.
    pub async fn insert(&self, name: impl Into<String>, file: impl Into<Bytes>) -> Result<(), PromptError> {
        let (name, file) = (name.into(), file.into());
        check_name(&name)?;
        let source = digest_of(&file);
        let wav = self.within(&name, self.converted(&name, file)).await?;
        self.put(&name, Prompt::Held { sound: Sound::new(wav), source })
    }

    /// The address of a prompt, signed, for [`Call::play`](crate::bot::Call::play) and wherever else an address is asked for.
    ///
    /// # Errors
    /// [`PromptError::Unknown`]
    pub fn url(&self, name: &str) -> Result<Address, PromptError> {
        let (name, prompt) = self.named(name).ok_or_else(|| PromptError::Unknown(name.to_owned()))?;
        Ok(self.signed(&name, &prompt.source()))
    }

    /// Speaks, and gives the address of what is spoken. The same is spoken once: it is found again by what is said, by whom
    /// and in which language.
    ///
    /// The handler that awaits it holds its call up, so what is known beforehand is best said at the start. Without a
    /// [folder](Settings::cache_folder) what is spoken is lost with the process, and a command to play it that is carried
    /// out after a restart fails.
    ///
    /// # Errors
    /// [`PromptError::NoTts`], [`PromptError::Tts`], [`PromptError::TooSlow`], [`PromptError::Refused`]
    pub async fn say(&self, utterance: impl Into<Utterance>) -> Result<Address, PromptError> {
        let utterance = utterance.into();
        let tts = self.inner.settings.tts.as_deref().ok_or(PromptError::NoTts)?;
        utterance.check()?;
        let digest = self.digest_of(tts, &utterance);
        let name = spoken(&digest);
        let speak = async || {
            let spoken = async {
                let sound = tts.speak(&utterance).await?;
                self.converted(&name, sound).await
            };
            self.within(&name, spoken).await
        };
        self.inner.cache.get_or_make(digest, speak).await?;
        Ok(self.signed(&name, &digest))
    }

    /// The names of the prompts that were added, in order.
    pub fn names(&self) -> Vec<String> {
        let prompts = self.inner.prompts.read().unwrap_or_else(PoisonError::into_inner);
        let mut names: Vec<_> = prompts.keys().cloned().collect();
        names.sort();
        names
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    pub(super) fn now_seconds(&self) -> u64 {
        self.inner.clock.now_seconds()
    }

    /// The sound of a prompt, made if it has to be.
    pub(super) async fn sound(&self, name: &str) -> Result<Sound, PromptError> {
        let unknown = || PromptError::Unknown(name.to_owned());
        let Some((name, prompt)) = self.named(name) else {
            let digest = digest_in(name).ok_or_else(unknown)?;
            return self.inner.cache.find(&digest).await.ok_or_else(unknown);
        };
        match &*prompt {
            Prompt::Held { sound, .. } => Ok(sound.clone()),
            Prompt::File { path, source, reading } => self.sound_of(&name, path, source, reading).await,
        }
    }

    /// The sound of a file, as it was or as it is now.
    async fn sound_of(
        &self,
        name: &str,
        path: &Path,
        source: &Mutex<Digest>,
        reading: &tokio::sync::Mutex<()>,
    ) -> Result<Sound, PromptError> {
        if let Some(sound) = self.inner.cache.find(&known(source)).await {
            return Ok(sound);
        }
        let _turn = self.within(name, async { Ok(reading.lock().await) }).await?;
        // Whoever had the turn before may have made it.
        if let Some(sound) = self.inner.cache.find(&known(source)).await {
            return Ok(sound);
        }
        let file = self.within(name, self.read(name, path)).await?;
        let digest = digest_of(&file);
        let convert = async || self.within(name, self.converted(name, file)).await;
        let sound = self.inner.cache.get_or_make(digest, convert).await?;
        *source.lock().unwrap_or_else(PoisonError::into_inner) = digest;
        Ok(sound)
    }

    /// A file of a folder and the name that it has as a prompt.
    async fn file(
        &self,
        path: PathBuf,
        load: Load,
        added: &BTreeMap<String, Prompt>,
    ) -> Result<(String, Prompt), PromptError> {
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        check_name(&name)?;
        if let Some(Prompt::File { path: first, .. }) = added.get(&name) {
            return Err(PromptError::Duplicate { name, first: first.clone(), second: path });
        }
        let prompt = self.loaded(&name, path, load).await?;
        Ok((name, prompt))
    }

    async fn loaded(&self, name: &str, path: PathBuf, load: Load) -> Result<Prompt, PromptError> {
        let file = self.within(name, self.read(name, &path)).await?;
        let source = digest_of(&file);
        match load {
            Load::AtStart => {
                let convert = async || self.within(name, self.converted(name, file)).await;
                self.inner.cache.get_or_make(source, convert).await?;
            }
            Load::OnFirstUse => probe(&file, self.inner.settings.limits).map_err(refused(name))?,
        }
        Ok(Prompt::File { path, source: Mutex::new(source), reading: tokio::sync::Mutex::default() })
    }

    fn put(&self, name: &str, prompt: Prompt) -> Result<(), PromptError> {
        let mut prompts = self.inner.prompts.write().unwrap_or_else(PoisonError::into_inner);
        let before = prompts.get(name).map_or(0, |before| before.held_bytes());
        let (needed, limit) = (prompt.held_bytes(), self.inner.settings.memory);
        if !self.inner.cache.set_aside(before, needed) {
            return Err(PromptError::Full { name: name.to_owned(), limit });
        }
        prompts.insert(name.to_owned(), Arc::new(prompt));
        Ok(())
    }

    /// The prompt of this name, or of the file that is called so, and its name.
    fn named(&self, name: &str) -> Option<(String, Arc<Prompt>)> {
        let prompts = self.inner.prompts.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(prompt) = prompts.get(name) {
            return Some((name.to_owned(), Arc::clone(prompt)));
        }
        let stem = Path::new(name).file_stem()?.to_str()?;
        let prompt = prompts.get(stem)?;
        let is_called_so = match &**prompt {
            Prompt::File { path, .. } => path.file_name().is_some_and(|file| file == name),
            Prompt::Held { .. } => false,
        };
        is_called_so.then(|| (stem.to_owned(), Arc::clone(prompt)))
    }

    fn signed(&self, name: &str, content: &Digest) -> Address {
        let settings = &self.inner.settings;
        let valid_for = settings.valid_for.as_secs().max(1);
        let step = (valid_for / 4).max(1);
        // The same for a while: what the service caches it finds by the address.
        let until =
            (self.now_seconds() / step).saturating_add(1).saturating_mul(step).saturating_add(valid_for);
        let content = hex(content.get(..8).unwrap_or_default());
        let signature = settings.key.sign(&Claim { name, content: &content, until }.text());
        let base = settings.address.trim_end_matches('/');
        let name = utf8_percent_encode(name, NOT_IN_A_SEGMENT);
        Address::from(format!("{base}/{name}.wav?v={content}&e={until}&s={signature}"))
    }

    fn digest_of(&self, tts: &dyn Tts, utterance: &Utterance) -> Digest {
        let kind = match utterance.content() {
            Content::Text(_) => "text",
            Content::Ssml(_) => "ssml",
        };
        let (voice, language) = (utterance.voice().unwrap_or(""), utterance.language().unwrap_or(""));
        let texts = [&tts.identity(), voice, language, kind, utterance.content().as_str()];
        self.inner.settings.key.digest(&texts)
    }

    async fn read(&self, name: &str, path: &Path) -> Result<Bytes, PromptError> {
        let unreadable = |reason: String| PromptError::Unreadable { path: path.to_owned(), reason };
        let found = tokio::fs::metadata(path).await.map_err(|error| unreadable(error.to_string()))?;
        if !found.is_file() {
            return Err(unreadable("it is no file".to_owned()));
        }
        let limit = self.inner.settings.limits.input_bytes;
        if usize::try_from(found.len()).unwrap_or(usize::MAX) > limit {
            return Err(refused(name)(ConvertError::TooLarge { bytes: found.len(), limit }));
        }
        let file = tokio::fs::read(path).await.map_err(|error| unreadable(error.to_string()))?;
        Ok(file.into())
    }

    async fn converted(&self, name: &str, file: Bytes) -> Result<Bytes, PromptError> {
        // The semaphore is never closed.
        let _turn = self.inner.converting.acquire().await;
        let limits = self.inner.settings.limits;
        let waiting = Waiting(Arc::default());
        let given_up = Arc::clone(&waiting.0);
        let convert = move || convert_unless(&file, limits, &given_up);
        let converted = tokio::task::spawn_blocking(convert).await;
        converted.unwrap_or(Err(ConvertError::GivenUp)).map_err(refused(name))
    }

    async fn within<T>(
        &self,
        name: &str,
        making: impl Future<Output = Result<T, PromptError>>,
    ) -> Result<T, PromptError> {
        let within = self.inner.settings.within;
        tokio::time::timeout(within, making)
            .await
            .unwrap_or_else(|_| Err(PromptError::TooSlow { name: name.to_owned(), within }))
    }
}

/// Ends a decoder that nobody waits for any longer.
struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What a segment of a path holds as it is. Source: RFC 3986, 2.3.
const NOT_IN_A_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn check_name(name: &str) -> Result<(), PromptError> {
    let has_bad = name.chars().any(|c| c.is_control() || c == '/' || c == '\\');
    if has_bad || name.is_empty() || name.len() > 100 || name.chars().all(|c| c == '.') {
        return Err(PromptError::Name(name.to_owned()));
    }
    Ok(())
}

fn refused(name: &str) -> impl FnOnce(ConvertError) -> PromptError {
    move |reason| PromptError::Refused { name: name.to_owned(), reason }
}

const SPOKEN: &str = "spoken-";

/// The name of a spoken prompt.
fn spoken(digest: &Digest) -> String {
    format!("{SPOKEN}{}", hex(digest))
}

/// The digest in the name of a spoken prompt.
fn digest_in(name: &str) -> Option<Digest> {
    let hex = name.strip_prefix(SPOKEN)?.as_bytes();
    let mut digest = [0; 32];
    let digits = hex.chunks_exact(2).map(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok());
    if hex.len() != 64 || !hex.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    for (to, from) in digest.iter_mut().zip(digits) {
        *to = from?;
    }
    Some(digest)
}

/// The files of a folder that are no hidden ones, in the order of their names.
async fn files_of(folder: &Path) -> Result<Vec<PathBuf>, PromptError> {
    let unreadable = |error: std::io::Error| PromptError::Unreadable {
        path: folder.to_owned(),
        reason: error.to_string(),
    };
    let mut entries = tokio::fs::read_dir(folder).await.map_err(unreadable)?;
    let mut files = Vec::new();
    while let Some(entry) = entries.next_entry().await.map_err(unreadable)? {
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        let is_folder = tokio::fs::metadata(entry.path()).await.is_ok_and(|found| found.is_dir());
        if !is_hidden && !is_folder {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests;
