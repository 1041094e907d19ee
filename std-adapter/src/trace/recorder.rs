//! Writes a trace, from a thread of its own, so that no call ever waits for the disk.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};

use callflow_core::id::CallId;
use serde_json::json;

use super::stand_in::StandIns;
use super::{KeyPresses, Line, VERSION};
use crate::session::Session;
use crate::session::journal::Entry;

/// How many steps of calls may wait to be written.
const WAITING: usize = 4096;

/// Where a trace is written; clones write the same one.
///
/// What a call did is handed over and written by a thread. Where that is too slow and [`WAITING`](Self::WAITING) steps wait,
/// what comes is lost: it is counted, the trace says so, and the call goes on in the trace from what is kept of it. Where
/// the file cannot be written any more, everything after that is lost, and the log says so once.
#[derive(Clone, Debug)]
pub struct Recorder {
    to: SyncSender<Message>,
    lost: Arc<AtomicU64>,
    keys: KeyPresses,
}

enum Message {
    Step {
        call: String,
        entries: Vec<Entry>,
        keys: KeyPresses,
    },
    /// The call is forgotten.
    Forget(String),
    /// To be told when everything before it is written.
    Flush(SyncSender<()>),
}

impl Recorder {
    /// How many steps of calls may wait to be written.
    pub const WAITING: usize = WAITING;

    /// Writes to `to`, from a thread that ends with the last clone.
    ///
    /// # Errors
    /// Where there can be no thread.
    pub fn to_writer(to: impl Write + Send + 'static) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        let writer = Writer {
            to: Some(BufWriter::new(to)),
            calls: HashMap::new(),
            lost: Arc::clone(&lost),
            told_lost: 0,
        };
        std::thread::Builder::new().name("callflow trace".to_owned()).spawn(move || writer.run(&receiver))?;
        Ok(Self { to: sender, lost, keys: KeyPresses::default() })
    }

    /// Writes calls that begin from here on with the keys that were pressed, or without: they are hidden by default. For a
    /// bot whose callers enter nothing that is secret, and while it is made.
    #[must_use]
    pub fn showing_keys(self, keys: KeyPresses) -> Self {
        Self { keys, ..self }
    }

    /// Writes to this file, behind what it has.
    ///
    /// # Errors
    /// Where it cannot be opened or read.
    pub fn to_file(path: impl AsRef<Path>) -> io::Result<Self> {
        let mut file = OpenOptions::new().create(true).read(true).append(true).open(path)?;
        // A line that was cut off, by a crash, must not take the header into itself.
        if file.seek(SeekFrom::End(0))? > 0 {
            let mut last = [0];
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                file.write_all(b"\n")?;
            }
        }
        Self::to_writer(file)
    }

    /// Takes the journal of a call, and hands it over. Never waits.
    pub fn record(&self, call: &str, session: &mut Session) {
        let entries = session.take_journal();
        let Some(last) = entries.last() else { return };
        let (now, count) = (last.at, u64::try_from(entries.len()).unwrap_or(u64::MAX));
        if self.to.try_send(Message::Step { call: call.to_owned(), entries, keys: self.keys }).is_err() {
            self.lost.fetch_add(count, Ordering::Relaxed);
            // The rest of its history means something only with how it stands now.
            session.keep_journal(now, count);
        }
    }

    /// Forgets a call that is over: what is kept of it for its stand-ins.
    pub fn forget(&self, call: &str) {
        // Where that is full, a little memory stays in use.
        let _ = self.to.try_send(Message::Forget(call.to_owned()));
    }

    /// How many entries were lost.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Waits until everything that was handed over is written.
    pub fn flush(&self) {
        let (done, written) = sync_channel(1);
        if self.to.send(Message::Flush(done)).is_ok() {
            // Nothing comes where the thread is gone.
            let _ = written.recv();
        }
    }
}

/// The name of a call as it stands in a trace. That of an incoming call is made of Graph's id; any other is secret, and half
/// as many bits as it has do not tell it.
fn name_of(call: &str) -> String {
    if call.starts_with("c-") {
        return call.to_owned();
    }
    let bits = u128::from_be_bytes(CallId::parse(&format!("call {call}")).to_bytes());
    format!("call-{:016x}", ((bits >> 64) ^ bits) & u128::from(u64::MAX))
}

struct Writer<W: Write> {
    /// None once writing failed.
    to: Option<BufWriter<W>>,
    /// The stand-ins of each call: a text of one call cannot be followed into another.
    calls: HashMap<String, StandIns>,
    lost: Arc<AtomicU64>,
    /// How many of those the trace has told of.
    told_lost: u64,
}

impl<W: Write> Writer<W> {
    fn run(mut self, from: &Receiver<Message>) {
        self.try_to(|writer| {
            writer.line(&json!({"callflow_trace": VERSION, "written_by": env!("CARGO_PKG_VERSION")}))
        });
        loop {
            let message = match from.try_recv() {
                Ok(message) => message,
                Err(TryRecvError::Disconnected) => break,
                Err(TryRecvError::Empty) => {
                    self.try_to(Self::flush);
                    match from.recv() {
                        Ok(message) => message,
                        Err(_) => break,
                    }
                }
            };
            match message {
                Message::Step { call, entries, keys } => {
                    let count = u64::try_from(entries.len()).unwrap_or(u64::MAX);
                    if !self.try_to(|writer| writer.step(&call, &entries, keys)) {
                        self.lost.fetch_add(count, Ordering::Relaxed);
                    }
                }
                Message::Forget(call) => {
                    self.calls.remove(&call);
                }
                Message::Flush(done) => {
                    self.try_to(Self::flush);
                    // Who asked may have gone.
                    let _ = done.send(());
                }
            }
        }
        self.try_to(Self::flush);
    }

    /// Whether it was written.
    fn try_to(&mut self, write: impl FnOnce(&mut Self) -> io::Result<()>) -> bool {
        if self.to.is_none() {
            return false;
        }
        let written = write(self);
        if let Err(error) = &written {
            tracing::error!(%error, "the trace cannot be written any more; the calls go on without one");
            self.to = None;
        }
        written.is_ok()
    }

    fn line(&mut self, line: &serde_json::Value) -> io::Result<()> {
        let Some(to) = &mut self.to else { return Ok(()) };
        writeln!(to, "{line}")
    }

    fn step(&mut self, call: &str, entries: &[Entry], keys: KeyPresses) -> io::Result<()> {
        self.tell_lost()?;
        let name = name_of(call);
        let stand_ins = self.calls.entry(call.to_owned()).or_insert_with(|| StandIns::for_replay(keys));
        let lines: Vec<_> = entries.iter().filter_map(|entry| Line::write(&name, entry, stand_ins)).collect();
        lines.iter().try_for_each(|line| self.line(line))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.tell_lost()?;
        self.to.as_mut().map_or(Ok(()), Write::flush)
    }

    fn tell_lost(&mut self) -> io::Result<()> {
        let lost = self.lost.load(Ordering::Relaxed);
        let new = lost.saturating_sub(self.told_lost);
        self.told_lost = lost;
        if new > 0 { self.line(&json!({"lost": new})) } else { Ok(()) }
    }
}
