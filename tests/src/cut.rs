//! Power cuts: a store and a network that stop at a chosen step, before it took effect or after it did and before that
//! was seen. What lies in the store, and what the service carried out, stays.
#![allow(clippy::missing_panics_doc, clippy::unwrap_used)] // a poisoned lock is a test that failed already

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use callflow_graph::store::{CallName, Commit, Pending, Record, Store};
use callflow_graph::transport::{Exchange, Transport, TransportError};
use http::Request;
use tokio::sync::watch;

use crate::service::Service;

/// On which side of a step the power goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It did not take effect.
    Before,
    /// It took effect, and nobody was told.
    After,
}

/// What a process does that something outside of it sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Point {
    /// An operation of the store.
    Store(&'static str),
    /// A request leaves.
    Request(String),
    /// A response to a notification leaves.
    Response,
}

enum Fate {
    Goes,
    Last,
    Never,
}

#[derive(Debug)]
struct Steps {
    count: u32,
    cut: Option<(u32, Side)>,
    at: Option<Point>,
}

/// The power of one process.
#[derive(Debug)]
pub struct Power {
    steps: Mutex<Steps>,
    off: watch::Sender<bool>,
}

impl Power {
    /// Goes at step `cut`, counted from 1; never where there is none.
    pub fn until(cut: Option<(u32, Side)>) -> Arc<Self> {
        let steps = Mutex::new(Steps { count: 0, cut, at: None });
        Arc::new(Self { steps, off: watch::Sender::new(false) })
    }

    /// Whether it is off.
    pub fn is_off(&self) -> bool {
        *self.off.borrow()
    }

    /// Waits until it is off.
    pub async fn off(&self) {
        let mut off = self.off.subscribe();
        if off.wait_for(|off| *off).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Turns it off at no step of the process's own.
    pub fn cut(&self) {
        self.off.send_replace(true);
    }

    /// The step at which it went.
    pub fn cut_at(&self) -> Option<Point> {
        self.steps.lock().unwrap().at.clone()
    }

    fn step(&self, point: Point) -> Fate {
        let mut steps = self.steps.lock().unwrap();
        if self.is_off() {
            return Fate::Never;
        }
        steps.count += 1;
        match steps.cut {
            Some((at, side)) if at == steps.count => {
                steps.at = Some(point);
                self.off.send_replace(true);
                match side {
                    Side::Before => Fate::Never,
                    Side::After => Fate::Last,
                }
            }
            Some(_) | None => Fate::Goes,
        }
    }

    /// Carries out an operation of a store of another kind.
    pub async fn stored<T>(&self, name: &'static str, step: impl Future<Output = T>) -> T {
        self.through(Point::Store(name), step).await
    }

    /// Carries out `step`, as far as there is power for it.
    async fn through<T>(&self, point: Point, step: impl Future<Output = T>) -> T {
        match self.step(point) {
            Fate::Goes => {
                let done = step.await;
                if self.is_off() { std::future::pending().await } else { done }
            }
            Fate::Last => {
                step.await;
                std::future::pending().await
            }
            Fate::Never => std::future::pending().await,
        }
    }
}

/// What a faulty store leaves out: to see that the rules notice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Requests to make are not kept.
    LosesOutbox,
    /// It is not noted that a request leaves.
    LosesMarks,
    /// What is accepted is not kept.
    LosesInbox,
    /// What is done stays in the inbox, and the call as it was.
    LosesCommits,
    /// Nothing is forgotten.
    ForgetsNothing,
    /// What is committed is kept a moment after it was said to be.
    CommitsLate,
}

/// How much later than it says a store commits that does so late.
const LATE: Duration = Duration::from_millis(1);

/// A store of a process whose power goes.
pub struct CutStore {
    /// Where it is kept.
    pub inner: Arc<dyn Store>,
    /// The process's power.
    pub power: Arc<Power>,
    /// How long it takes for anything: meanwhile the process goes on with whatever does not wait for it.
    pub takes: Duration,
    /// What it does wrong.
    pub fault: Fault,
}

impl CutStore {
    fn through<'a, T: Send + 'a>(&'a self, name: &'static str, step: Pending<'a, T>) -> Pending<'a, T> {
        let wait = if self.fault == Fault::CommitsLate { self.takes + 2 * LATE } else { self.takes };
        Box::pin(async move {
            if !wait.is_zero() {
                tokio::time::sleep(wait).await;
            }
            self.power.through(Point::Store(name), step).await
        })
    }
}

/// An operation begins when it is first waited for, so that one for which there is no power does nothing.
macro_rules! lazily {
    ($call:expr) => {
        Box::pin(async move { $call.await })
    };
}

impl Store for CutStore {
    fn append(&self, name: &CallName, bytes: Vec<u8>) -> Pending<'_, u64> {
        let name = name.clone();
        if self.fault == Fault::LosesInbox {
            return self.through("append", Box::pin(std::future::ready(Ok(1))));
        }
        self.through("append", lazily!(self.inner.append(&name, bytes)))
    }

    fn read(&self, name: &CallName) -> Pending<'_, Option<Record>> {
        let name = name.clone();
        self.through("read", lazily!(self.inner.read(&name)))
    }

    fn commit(&self, name: &CallName, mut commit: Commit) -> Pending<'_, u64> {
        let name = name.clone();
        if self.fault == Fault::LosesOutbox {
            commit.add.clear();
        }
        if self.fault == Fault::LosesCommits && commit.version > 0 {
            // As a process without transactions: what was done is noted later, which a cut forestalls.
            let version = commit.version + 1;
            return self.through("commit", Box::pin(std::future::ready(Ok(version))));
        }
        if self.fault == Fault::CommitsLate {
            let (version, inner, power) =
                (commit.version + 1, Arc::clone(&self.inner), Arc::clone(&self.power));
            tokio::spawn(async move {
                tokio::time::sleep(LATE).await;
                let committed = async move { inner.commit(&name, commit).await };
                // Nobody waits for it.
                let _ = power.through(Point::Store("commit"), committed).await;
            });
            return Box::pin(std::future::ready(Ok(version)));
        }
        self.through("commit", lazily!(self.inner.commit(&name, commit)))
    }

    fn mark_attempted(&self, name: &CallName, ticket: u32) -> Pending<'_, ()> {
        let name = name.clone();
        if self.fault == Fault::LosesMarks {
            return self.through("mark_attempted", Box::pin(std::future::ready(Ok(()))));
        }
        self.through("mark_attempted", lazily!(self.inner.mark_attempted(&name, ticket)))
    }

    fn resolve(&self, alias: &str) -> Pending<'_, Option<CallName>> {
        let alias = alias.to_owned();
        self.through("resolve", lazily!(self.inner.resolve(&alias)))
    }

    fn names(&self) -> Pending<'_, Vec<CallName>> {
        self.through("names", lazily!(self.inner.names()))
    }

    fn forget(&self, name: &CallName, last_seq: u64) -> Pending<'_, bool> {
        let name = name.clone();
        if self.fault == Fault::ForgetsNothing {
            return self.through("forget", Box::pin(std::future::ready(Ok(true))));
        }
        self.through("forget", lazily!(self.inner.forget(&name, last_seq)))
    }

    fn count(&self, key: &str, by: u64) -> Pending<'_, u64> {
        let key = key.to_owned();
        self.through("count", lazily!(self.inner.count(&key, by)))
    }
}

/// The way out of a process whose power goes. What has left arrives.
pub struct CutNet {
    /// The network.
    pub net: Arc<Service>,
    /// The process's power.
    pub power: Arc<Power>,
}

impl Transport for CutNet {
    fn send(&self, request: Request<Bytes>) -> Exchange {
        let (net, power) = (Arc::clone(&self.net), Arc::clone(&self.power));
        let point = Point::Request(format!("{} {}", request.method(), request.uri().path()));
        Box::pin(async move {
            let sent = async { tokio::spawn(net.asked(request)).await.ok() };
            power.through(point, sent).await.unwrap_or_else(|| Err(gone()))
        })
    }
}

/// The way to a process whose power goes, for the service.
#[derive(Default)]
pub struct Line {
    power: Mutex<Option<Arc<Power>>>,
}

impl Line {
    /// Leads to the process of this power from now on.
    pub fn lead_to(&self, power: &Arc<Power>) {
        *self.power.lock().unwrap() = Some(Arc::clone(power));
    }

    /// Posts to the process, whose answer comes by `sent`.
    pub(crate) async fn post(&self, sent: Exchange) -> Result<http::Response<Bytes>, TransportError> {
        let power = self.power.lock().unwrap().clone();
        let Some(power) = power.filter(|power| !power.is_off()) else {
            let (host, reason) = ("bot.test".to_owned(), "connection refused".to_owned());
            return Err(TransportError::Unreachable { host, reason });
        };
        let answered = async {
            let response = sent.await;
            match power.step(Point::Response) {
                Fate::Goes | Fate::Last => response,
                Fate::Never => Err(gone()),
            }
        };
        tokio::select! {
            biased;
            response = answered => response,
            () = power.off() => Err(gone()),
        }
    }
}

fn gone() -> TransportError {
    TransportError::NoAnswer { host: "bot.test".to_owned(), reason: "connection reset".to_owned() }
}
