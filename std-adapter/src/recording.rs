//! Recordings: what [`recordResponse`](crate::bot::Call::record) made, fetched while it is there.
//!
//! A recording lies at an address of its own and is read with a token of its own, which goes to no other host: redirects
//! are not followed, and Graph's token is not used. It is discarded soon after the call ended, so it is fetched at once
//! when the operation completed. It comes in pieces, is written as it comes, and goes on where it was when the connection
//! broke.
//!
//! ```no_run
//! use callflow_graph::recording::Fetching;
//! # async fn keep(
//! #     bot: callflow_graph::bot::Bot,
//! #     recording: callflow_graph::wire::resource::Recording,
//! # ) -> Result<(), callflow_graph::recording::RecordingError> {
//! let bytes = bot.download_to_file(&recording, "answer.wav", &Fetching::default()).await?;
//! println!("{bytes} bytes");
//! # Ok(())
//! # }
//! ```
//!
//! Source: Graph docs, call: record (the address, the token, that it is gone soon); RFC 9110, 13.1.5 and 14 (ranges).

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use axum::body::Body;
use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, AUTHORIZATION, CONTENT_LENGTH, CONTENT_RANGE, ETAG, IF_RANGE, RANGE, RETRY_AFTER,
};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::BodyExt;
use tokio::fs::File;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;

use crate::bot::Bot;
use crate::client::retry::{pauses, read_retry_after};
use crate::transport::{Transport, TransportError, chain, check_scheme};
use crate::wire::resource::Recording;

/// How a recording is fetched.
#[derive(Clone, Debug)]
pub struct Fetching {
    /// The most that it may hold, in bytes. 256 MiB by default: two hours of 16-bit sound at 16 kHz.
    pub max_bytes: u64,
    /// How often it is asked for, the first time included. 5 by default.
    pub tries: u32,
    /// How long the next piece may take. 30 seconds by default.
    pub patience: Duration,
    /// Where to tell how far it is.
    pub progress: Option<watch::Sender<Progress>>,
}

impl Default for Fetching {
    fn default() -> Self {
        Self { max_bytes: 256 * 1024 * 1024, tries: 5, patience: Duration::from_secs(30), progress: None }
    }
}

/// How far it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// How many bytes are written.
    pub bytes: u64,
    /// How many there are, where the server said so.
    pub total: Option<u64>,
}

/// Why a recording was not fetched. Nothing of its address or token is in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// It has no address that its token may be sent to.
    #[error("a recording's address has to be https (or http on loopback), and its token a header value")]
    Address,
    /// 401 or 403: its token is not good, or not any more.
    #[error(
        "{host} refused the recording's token with {status}; fetch it at once when its operation completed"
    )]
    Refused {
        /// The host.
        host: String,
        /// The status.
        status: u16,
    },
    /// 404 or 410: it is not there, or not any more.
    #[error("{host} has no such recording ({status}); it is discarded soon after the call: fetch it at once")]
    Gone {
        /// The host.
        host: String,
        /// The status.
        status: u16,
    },
    /// It is said to lie elsewhere, where its token does not go.
    #[error("{host} sends elsewhere ({status}), and a recording's token goes to its own host only")]
    Redirected {
        /// The host.
        host: String,
        /// The status.
        status: u16,
    },
    /// An answer that says nothing that would help.
    #[error("{host} answered {status}, not with a recording")]
    Unexpected {
        /// The host.
        host: String,
        /// The status.
        status: u16,
    },
    /// It is larger than it may be.
    #[error("the recording has more than {limit} bytes; allow more, or record for less time")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// The connection broke too often.
    #[error("after {tries} tries {bytes} bytes were there, and no more came: {cause}; try again soon")]
    Broken {
        /// How often it was asked for.
        tries: u32,
        /// How many bytes were written.
        bytes: u64,
        /// What happened last.
        cause: TransportError,
    },
    /// The connection broke, and what is there now is not what it was: begin anew, with an empty target.
    #[error("after {bytes} bytes the connection broke, and what {host} has now is another; begin anew")]
    Changed {
        /// The host.
        host: String,
        /// How many bytes were written.
        bytes: u64,
    },
    /// The connection broke, and the server says too little to go on from there: begin anew, with an empty target.
    #[error("after {bytes} bytes the connection broke, and {host} cannot go on from there; begin anew")]
    NotResumable {
        /// The host.
        host: String,
        /// How many bytes were written.
        bytes: u64,
    },
    /// It cannot be written.
    #[error("the recording cannot be written: {0}; look whether the place is there, writable, and not full")]
    Unwritable(#[from] io::Error),
}

impl Bot {
    /// Fetches a recording, and gives how many bytes it has.
    ///
    /// # Errors
    /// [`RecordingError`]; what came before is written.
    pub async fn download<W: AsyncWrite + Unpin>(
        &self,
        recording: &Recording,
        to: &mut W,
        fetching: &Fetching,
    ) -> Result<u64, RecordingError> {
        download(self.transport(), recording, to, fetching).await
    }

    /// Fetches a recording into a file, which is there only when it is whole, and readable by its owner only. Gives how
    /// many bytes it has. Where it cannot be gone on with, it is begun anew once.
    ///
    /// # Errors
    /// [`RecordingError`]; an earlier file of this name is as it was.
    pub async fn download_to_file(
        &self,
        recording: &Recording,
        path: impl AsRef<Path>,
        fetching: &Fetching,
    ) -> Result<u64, RecordingError> {
        download_to_file(self.transport(), recording, path.as_ref(), fetching).await
    }
}

/// Fetches a recording over `transport`: see [`Bot::download`].
///
/// # Errors
/// [`RecordingError`]
pub async fn download<W: AsyncWrite + Unpin>(
    transport: &dyn Transport,
    recording: &Recording,
    to: &mut W,
    fetching: &Fetching,
) -> Result<u64, RecordingError> {
    let mut transfer = Transfer::new(transport, recording, to, fetching)?;
    let mut pauses = pauses();
    let mut tried = 0u32;
    loop {
        tried = tried.saturating_add(1);
        let before = transfer.bytes;
        let Break { cause, retry_after } = match transfer.go_on().await {
            Ok(()) => {
                transfer.to.flush().await?;
                return Ok(transfer.bytes);
            }
            Err(Stop::Break(broken)) => broken,
            Err(Stop::Final(error)) => return Err(error),
        };
        // A connection that broke while it worked is worth another at once.
        let pause = if transfer.bytes > before { Some(Duration::ZERO) } else { pauses.next() };
        let wait = retry_after.or(pause).unwrap_or(fetching.patience);
        if tried >= fetching.tries || wait > fetching.patience {
            return Err(RecordingError::Broken { tries: tried, bytes: transfer.bytes, cause });
        }
        tracing::info!(tried, bytes = transfer.bytes, %cause, ?wait, "the recording is asked for again");
        tokio::time::sleep(wait).await;
    }
}

/// Fetches a recording into a file over `transport`: see [`Bot::download_to_file`].
///
/// # Errors
/// [`RecordingError`]
pub async fn download_to_file(
    transport: &dyn Transport,
    recording: &Recording,
    path: &Path,
    fetching: &Fetching,
) -> Result<u64, RecordingError> {
    let part = Part::new(path);
    let mut file = part.create().await?;
    let mut result = download(transport, recording, &mut file, fetching).await;
    if matches!(result, Err(RecordingError::Changed { .. } | RecordingError::NotResumable { .. })) {
        file = part.create().await?;
        result = download(transport, recording, &mut file, fetching).await;
    }
    let bytes = result?;
    file.sync_all().await?;
    part.keep().await?;
    Ok(bytes)
}

/// The file that becomes the recording's when it is whole. Dropped before, it is removed.
struct Part {
    path: PathBuf,
    whole: PathBuf,
    is_kept: bool,
}

impl Part {
    fn new(path: &Path) -> Self {
        let mut part = path.as_os_str().to_owned();
        part.push(format!(".{}.part", uuid::Uuid::new_v4().simple()));
        Self { path: part.into(), whole: path.to_owned(), is_kept: false }
    }

    async fn create(&self) -> io::Result<File> {
        let mut options = tokio::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        options.mode(0o600);
        options.open(&self.path).await
    }

    async fn keep(mut self) -> io::Result<()> {
        tokio::fs::rename(&self.path, &self.whole).await?;
        self.is_kept = true;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.is_kept {
            // It may never have been made.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Why a try ended before the recording was whole.
enum Stop {
    /// It may be gone on with.
    Break(Break),
    Final(RecordingError),
}

struct Break {
    cause: TransportError,
    retry_after: Option<Duration>,
}

impl From<RecordingError> for Stop {
    fn from(error: RecordingError) -> Self {
        Self::Final(error)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Final(error.into())
    }
}

/// By what a recording is known again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Identity {
    /// A strong validator.
    etag: Option<HeaderValue>,
    total: Option<u64>,
}

/// Whether what the server has now is what it had.
#[derive(Debug, PartialEq, Eq)]
enum Same {
    Yes,
    No,
    Unknown,
}

impl Identity {
    fn of(headers: &HeaderMap, total: Option<u64>) -> Self {
        let etag = headers.get(ETAG).filter(|etag| etag.as_bytes().starts_with(b"\"")).cloned();
        Self { etag, total }
    }

    /// Compares. Where there are no validators the length decides.
    ///
    /// Source: RFC 9110, 8.8.3 (strong validators); that a recording of the same length at the same address is the same is
    /// assumed: its operation completed, so nothing is recorded any more. If it is wrong, the file is damaged in the middle.
    fn compare(&self, now: &Self) -> Same {
        let lengths = self.total.zip(now.total).map(|(was, is)| was == is);
        let validators = self.etag.as_ref().zip(now.etag.as_ref()).map(|(was, is)| was == is);
        match (validators, lengths) {
            (Some(false), _) | (_, Some(false)) => Same::No,
            (Some(true), _) | (None, Some(true)) => Same::Yes,
            (None, None) => Same::Unknown,
        }
    }
}

/// A recording on its way.
struct Transfer<'a, W> {
    transport: &'a dyn Transport,
    uri: Uri,
    host: String,
    bearer: HeaderValue,
    to: &'a mut W,
    fetching: &'a Fetching,
    bytes: u64,
    identity: Identity,
}

impl<'a, W: AsyncWrite + Unpin> Transfer<'a, W> {
    fn new(
        transport: &'a dyn Transport,
        recording: &Recording,
        to: &'a mut W,
        fetching: &'a Fetching,
    ) -> Result<Self, RecordingError> {
        let uri: Uri = recording.location.parse().map_err(|_| RecordingError::Address)?;
        check_scheme(&uri).map_err(|_| RecordingError::Address)?;
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", recording.access_token))
            .map_err(|_| RecordingError::Address)?;
        bearer.set_sensitive(true);
        let host = uri.host().unwrap_or_default().to_owned();
        Ok(Self { transport, uri, host, bearer, to, fetching, bytes: 0, identity: Identity::default() })
    }

    /// Asks for what is missing, and writes what comes.
    async fn go_on(&mut self) -> Result<(), Stop> {
        let response = self.ask().await?;
        let status = response.status();
        let skip = match status {
            StatusCode::OK => self.whole(response.headers())?,
            StatusCode::PARTIAL_CONTENT if self.bytes > 0 => self.part(response.headers())?,
            StatusCode::RANGE_NOT_SATISFIABLE if self.bytes > 0 => {
                // Of a recording whose length was not told the last piece came, and its end was lost.
                let total = content_range(response.headers()).and_then(|range| range.total);
                return if total == Some(self.bytes) { Ok(()) } else { Err(self.changed().into()) };
            }
            _ => return Err(self.refused(status.as_u16(), response.headers())),
        };
        if self.identity.total.is_some_and(|total| total > self.fetching.max_bytes) {
            return Err(self.too_large().into());
        }
        self.write(response.into_body(), skip).await
    }

    async fn ask(&self) -> Result<Response<Body>, Stop> {
        let mut request = Request::get(&self.uri).header(AUTHORIZATION, &self.bearer);
        if self.bytes > 0 {
            request = request.header(RANGE, format!("bytes={}-", self.bytes));
            if let Some(etag) = &self.identity.etag {
                request = request.header(IF_RANGE, etag);
            }
        }
        let request = request.body(Bytes::new()).map_err(|_| RecordingError::Address)?;
        match tokio::time::timeout(self.fetching.patience, self.transport.stream(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(TransportError::Forbidden { .. })) => Err(RecordingError::Address.into()),
            Ok(Err(cause)) => Err(Stop::Break(Break { cause, retry_after: None })),
            Err(_) => Err(self.silent()),
        }
    }

    /// Reads the head of a whole recording, and says how much of it is written already.
    fn whole(&mut self, headers: &HeaderMap) -> Result<u64, RecordingError> {
        let total = headers.get(CONTENT_LENGTH).and_then(number);
        let now = Identity::of(headers, total);
        if self.bytes == 0 {
            self.identity = now;
            return Ok(0);
        }
        tracing::info!(ranges = ?headers.get(ACCEPT_RANGES), "the server begins anew; what is there is skipped");
        self.check(&now)?;
        Ok(self.bytes)
    }

    /// Reads the head of a part, which has to begin where what is there ends.
    fn part(&mut self, headers: &HeaderMap) -> Result<u64, RecordingError> {
        let Some(range) = content_range(headers).filter(|range| range.first == Some(self.bytes)) else {
            return Err(self.not_resumable());
        };
        self.check(&Identity::of(headers, range.total))?;
        Ok(0)
    }

    fn check(&self, now: &Identity) -> Result<(), RecordingError> {
        match self.identity.compare(now) {
            Same::Yes => Ok(()),
            Same::No => Err(self.changed()),
            Same::Unknown => Err(self.not_resumable()),
        }
    }

    async fn write(&mut self, mut body: Body, mut skip: u64) -> Result<(), Stop> {
        loop {
            let frame = tokio::time::timeout(self.fetching.patience, body.frame()).await;
            let data = match frame.map_err(|_| self.silent())? {
                Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
                Some(Err(error)) => return Err(self.broken(chain(&*error.into_inner()))),
                None => break,
            };
            let skipped = usize::try_from(skip).unwrap_or(usize::MAX).min(data.len());
            skip = skip.saturating_sub(length(skipped));
            let fresh = data.get(skipped..).unwrap_or_default();
            let bytes = self.bytes.saturating_add(length(fresh.len()));
            if bytes > self.fetching.max_bytes {
                return Err(self.too_large().into());
            }
            self.to.write_all(fresh).await?;
            self.bytes = bytes;
            if let Some(progress) = &self.fetching.progress {
                progress.send_replace(Progress { bytes, total: self.identity.total });
            }
        }
        match self.identity.total {
            Some(total) if self.bytes < total => Err(self.broken("it ended too early".to_owned())),
            Some(total) if self.bytes > total => Err(self.changed().into()),
            Some(_) | None if skip > 0 => Err(self.changed().into()),
            Some(_) | None => Ok(()),
        }
    }

    fn refused(&self, status: u16, headers: &HeaderMap) -> Stop {
        let host = self.host.clone();
        match status {
            401 | 403 => RecordingError::Refused { host, status }.into(),
            404 | 410 => RecordingError::Gone { host, status }.into(),
            300..=399 => RecordingError::Redirected { host, status }.into(),
            408 | 429 | 500..=599 => {
                let text = headers.get(RETRY_AFTER).and_then(|text| text.to_str().ok());
                let retry_after = text.and_then(|text| read_retry_after(text, SystemTime::now()));
                let cause = TransportError::NoAnswer { host, reason: format!("status {status}") };
                Stop::Break(Break { cause, retry_after })
            }
            _ => RecordingError::Unexpected { host, status }.into(),
        }
    }

    fn broken(&self, reason: String) -> Stop {
        let cause = TransportError::NoAnswer { host: self.host.clone(), reason };
        Stop::Break(Break { cause, retry_after: None })
    }

    fn silent(&self) -> Stop {
        self.broken(format!("nothing came within {:?}", self.fetching.patience))
    }

    fn changed(&self) -> RecordingError {
        RecordingError::Changed { host: self.host.clone(), bytes: self.bytes }
    }

    fn not_resumable(&self) -> RecordingError {
        RecordingError::NotResumable { host: self.host.clone(), bytes: self.bytes }
    }

    fn too_large(&self) -> RecordingError {
        RecordingError::TooLarge { limit: self.fetching.max_bytes }
    }
}

/// `Content-Range: bytes 5-9/10`, or `bytes */10`.
#[derive(Debug, PartialEq, Eq)]
struct ContentRange {
    first: Option<u64>,
    total: Option<u64>,
}

fn content_range(headers: &HeaderMap) -> Option<ContentRange> {
    let (range, total) =
        headers.get(CONTENT_RANGE)?.to_str().ok()?.strip_prefix("bytes ")?.split_once('/')?;
    let first = range.split_once('-').and_then(|(first, _)| first.parse().ok());
    Some(ContentRange { first, total: total.parse().ok() })
}

fn number(value: &HeaderValue) -> Option<u64> {
    value.to_str().ok()?.parse().ok()
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
