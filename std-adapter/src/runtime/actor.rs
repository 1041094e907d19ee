//! The task of one call.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use callflow_core::action::Action;
use callflow_core::command::RejectReason;
use callflow_core::event::Event;
use callflow_core::id::{CallId, Ticket};
use callflow_core::lifecycle::State;
use callflow_core::time::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use uuid::Uuid;

use super::delivery::{Delivery, HandedOver};
use super::joining::{Defaulted, JoiningKey};
use super::quota::Month;
use super::recovery::{ASK_AGAIN, Remains, Unanswered, UnknownCalls};
use super::settling::Settling;
use super::span::CallSpan;
use super::{Incoming, Shared, Wake, What, alias_of, is_of_tenant};
use crate::bot::{Call, Given, Kept, Logged, Recovered};
use crate::client::retry::Class;
use crate::client::{Answer, ClientError, GraphRequest};
use crate::clock::Clock;
use crate::metrics::Counted;
use crate::session::{Order, Outgoing, Session, Step};
use crate::store::{About, CallName, Commit, InboxEntry, OutboxRow, Record, StoreError};
use crate::transport::TransportError;
use crate::wire::graph_error::GraphError;
use crate::wire::notification::{Notice, Subject};
use crate::wire::request::{HttpRequest, Method, Version};

/// How long after a failed commit it is tried again.
const COMMIT_AGAIN: Duration = Duration::from_secs(1);
/// How often an inbox is looked at whose call is not known.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How long after a restart what the service could not tell meanwhile may still come by itself: asked too early, it says of a
/// call that was established and ended in between only that it is gone.
///
/// Source: assumed; when a failed notification is sent again is not documented.
const NEWS_FIRST: Duration = Duration::from_secs(10);

/// A call in its task's hands.
struct Actor {
    shared: Arc<Shared>,
    name: CallName,
    wake: mpsc::UnboundedSender<Wake>,
    session: Session,
    version: u64,
    author: Kept,
    /// Requests that leave one after another.
    queue: VecDeque<OutboxRow>,
    /// The ticket of the one of them that is out.
    in_flight: Option<Ticket>,
    /// Whether an earlier process began it.
    is_taken_up: bool,
    /// Held until the service has answered how the call stands.
    reconciling: Option<OwnedSemaphorePermit>,
    /// The number of the last inbox entry that was seen; none before the inbox was looked into.
    handled_to: Option<u64>,
    /// How long it is kept once it has ended.
    keep: Duration,
    /// Somebody else drives the call.
    lost: CancellationToken,
    /// Where it is counted.
    counted: Counted,
    /// What its span has.
    span: CallSpan,
    /// Requests of which the outcome is awaited.
    settling: Settling,
}

/// Puts a call away for the first time, with the requests that begin it.
pub(super) async fn begin(
    shared: &Arc<Shared>,
    name: &CallName,
    session: Session,
    step: Step,
    author: Kept,
) -> Result<(), StoreError> {
    let (wake, _) = mpsc::unbounded_channel();
    let mut actor = Actor {
        shared: Arc::clone(shared),
        name: name.clone(),
        wake,
        session,
        version: 0,
        author,
        queue: VecDeque::new(),
        in_flight: None,
        is_taken_up: false,
        reconciling: None,
        handled_to: None,
        keep: shared.config.keep_ended,
        lost: CancellationToken::new(),
        counted: Counted::new(Arc::clone(&shared.metrics)),
        // That of whoever places the call is not the call's.
        span: CallSpan::none(),
        settling: Settling::default(),
    };
    let commit = actor.author_step(None, step, Vec::new(), Vec::new()).await;
    // The task that takes the call up sends what is in the outbox.
    shared.store.commit(name, commit).await.map(|_| ())
}

/// Drives one call until it is forgotten, or the bot stops.
pub(super) async fn run(
    shared: Arc<Shared>,
    name: CallName,
    wake: mpsc::UnboundedSender<Wake>,
    mut wakes: mpsc::UnboundedReceiver<Wake>,
) {
    let (stop, lost) = (shared.stop.clone(), CancellationToken::new());
    let driven = async {
        let Some(mut actor) = take_up(&shared, &name, wake, &lost).await else { return };
        actor.resume().await;
        actor.drive(&mut wakes).await;
    };
    tokio::select! {
        () = driven => {}
        () = stop.cancelled() => {}
        () = lost.cancelled() => return shared.leave(&name),
    }
    shared.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
    // What was put into its inbox since it was forgotten was told to a task that is no more.
    if !stop.is_cancelled()
        && shared.store.read(&name).await.is_ok_and(|record| record.as_ref().is_some_and(is_new))
    {
        shared.wake(&name, Wake::Inbox);
    }
}

/// Whether nobody has looked at this record yet: only a forgotten call begins anew.
fn is_new(record: &Record) -> bool {
    record.version == 0 && !record.inbox.is_empty()
}

/// What is kept of a call; a store that cannot be read now is waited for. `None` where there is nothing that can be read.
async fn kept(shared: &Shared, name: &CallName) -> Option<Record> {
    loop {
        match shared.store.read(name).await {
            Ok(record) => return record,
            Err(
                error @ (StoreError::Corrupt { .. }
                | StoreError::Damaged { .. }
                | StoreError::NoKey { .. }
                | StoreError::WrongKey { .. }
                | StoreError::NotEncrypted(_)),
            ) => {
                tracing::error!(%error, "the call is kept and cannot be read; it is left as it is");
                return None;
            }
            Err(error) => {
                tracing::error!(%error, "the call cannot be read");
                tokio::time::sleep(COMMIT_AGAIN).await;
            }
        }
    }
}

/// Reads a call, or waits for the notification that begins it. `None` where none comes.
async fn take_up(
    shared: &Arc<Shared>,
    name: &CallName,
    wake: mpsc::UnboundedSender<Wake>,
    lost: &CancellationToken,
) -> Option<Actor> {
    let keep = u64::try_from(shared.config.keep_unknown.as_millis()).unwrap_or(u64::MAX);
    let give_up_at = shared.clock.instant(shared.clock.now_millis().saturating_add(keep));
    loop {
        let record = kept(shared, name).await?;
        let actor = |session, version, author, queue| Actor {
            shared: Arc::clone(shared),
            name: name.clone(),
            wake: wake.clone(),
            session,
            version,
            author,
            queue,
            in_flight: None,
            is_taken_up: record.version > 0,
            reconciling: None,
            handled_to: None,
            keep: shared.config.keep_ended,
            lost: lost.clone(),
            counted: Counted::new(Arc::clone(&shared.metrics)),
            span: CallSpan::current(),
            settling: Settling::default(),
        };
        if record.version > 0 {
            return match Session::from_bytes(&record.call, &record.texts) {
                Ok(mut session) => {
                    shared.trace_from_here(&mut session);
                    let author = Kept { version: record.about.author_version, bytes: record.author };
                    Some(actor(session, record.version, author, record.outbox.into()))
                }
                Err(error) => {
                    let Some(remains) = Remains::of_record(&record) else {
                        tracing::error!(%error, "the call is kept and cannot be read, nor its id; it is left as it is");
                        return None;
                    };
                    tracing::error!(%error, "the call is kept and cannot be read; the service is asked how it stands");
                    let author = Kept { version: record.about.author_version, bytes: record.author };
                    let (session, step) = remains.recover(shared, name).await?;
                    let lost = record.outbox.iter().map(|row| row.ticket).collect();
                    let begun = actor(session, record.version, author, VecDeque::new());
                    Some(begun.recovered(Recovered::Unreadable, step, lost).await)
                }
            };
        }
        if let Some(mut begun) = offered(shared, name, &record.inbox, &actor).await {
            begun.version = 1;
            return Some(begun);
        }
        match moved(shared, name, &record).await {
            Moved::To(known) => {
                shared.wake(&known, Wake::Inbox);
                return None;
            }
            // What came meanwhile is moved as well; what was moved already is told twice, which a call recognises.
            Moved::NotAll => continue,
            Moved::No => {}
        }
        if tokio::time::Instant::now() >= give_up_at {
            if let Some(remains) = Remains::of_inbox(&record) {
                let adopted = match shared.config.unknown_calls {
                    UnknownCalls::Ignore => Ok(None),
                    UnknownCalls::HangUp => remains.hang_up(shared, name).await.map(|()| None),
                    UnknownCalls::Adopt => remains.adopt(shared, name).await,
                };
                match adopted {
                    Ok(None) => {}
                    Ok(Some((session, step))) => {
                        let begun = actor(session, 0, Kept::default(), VecDeque::new());
                        return Some(begun.recovered(Recovered::Unknown, step, Vec::new()).await);
                    }
                    // What waits for it stays: nothing else is known of the call.
                    Err(Unanswered) => {
                        tokio::time::sleep(ASK_AGAIN).await;
                        continue;
                    }
                }
            }
            match shared.forget(name, record.last_seq).await {
                Ok(true) => {}
                Ok(false) => continue,
                Err(error) => tracing::error!(%error, "the inbox of an unknown call cannot be dropped"),
            }
            tell_of_dropped(shared, &record);
            return None;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Says in the log what waited for a call that nobody came to know.
fn tell_of_dropped(shared: &Shared, record: &Record) {
    for entry in &record.inbox {
        if let Some(told) = Defaulted::read(entry) {
            shared.desk.forget(&told.joining);
            continue;
        }
        let about =
            Delivery::read(entry).map(|read| read.notices.iter().map(Notice::in_words).collect::<Vec<_>>());
        tracing::warn!(?about, "no call is known for this notification; it is dropped");
    }
}

/// Begins the call where its first notification is in the inbox.
async fn offered(
    shared: &Arc<Shared>,
    name: &CallName,
    inbox: &[InboxEntry],
    actor: &impl Fn(Session, u64, Kept, VecDeque<OutboxRow>) -> Actor,
) -> Option<Actor> {
    for entry in inbox {
        let Some(Delivery { accepted, notices }) = Delivery::read(entry) else { continue };
        let now = Timestamp::from_millis(accepted.at);
        let mut settings = shared.settings(name, &accepted.tenant_id);
        if let Some(scenario_id) = accepted.scenario_id() {
            settings.scenario_id = Some(scenario_id.to_string());
        }
        for (place, notice) in notices.iter().enumerate().filter(|(_, notice)| begins(notice, name)) {
            let Some((mut session, mut step)) = Session::offered(now, super::new_key(), notice, &settings)
            else {
                continue;
            };
            if shared.draining() == Some(Incoming::Busy)
                && let Ok(rejected) = session.order(now, &Order::Reject(RejectReason::Busy))
            {
                step = rejected;
            }
            shared.learn_tenant(name, session.tenant_id());
            let state = session.call().state();
            let about = notice.in_words();
            shared.observe(name, state, What::Notification { accepted_at: accepted.at, about });
            let mut begun = actor(session, 0, Kept::default(), VecDeque::new());
            let mut commit = begun.author_step(Some(notice), step, Vec::new(), Vec::new()).await;
            // Where the batch tells more of this call, it stays in the inbox: what is known by then is a repeat.
            let others = notices.iter().enumerate().filter(|(other, _)| *other != place);
            if !others.into_iter().any(|(_, other)| same_call(other, notice)) {
                commit.done.push(entry.seq);
            }
            let caused_at = Some(accepted.at);
            let warned = shared.counter.offered(name, shared.clock.now_millis());
            shared.warn_of_quota(name, state, warned);
            begun.put_away(commit, caused_at).await;
            return Some(begun);
        }
    }
    None
}

/// Whether a notice could begin the call of this name: a batch may tell of others too.
fn begins(notice: &Notice, name: &CallName) -> bool {
    notice.call.as_ref().is_some_and(|id| CallName::of_incoming(CallId::parse(id)) == *name)
}

fn same_call(one: &Notice, other: &Notice) -> bool {
    match (&one.call, &other.call) {
        (Some(one), Some(other)) => alias_of(one) == alias_of(other),
        (Some(_) | None, Some(_) | None) => false,
    }
}

/// What became of the inbox of a call that is not known.
enum Moved {
    /// It is with this call now.
    To(CallName),
    /// Something came while it was moved.
    NotAll,
    /// Whose it is is not known yet.
    No,
}

/// Moves the inbox to the call that has become known under this id: one that the bot created itself.
async fn moved(shared: &Arc<Shared>, name: &CallName, record: &Record) -> Moved {
    let Some(alias) = name.as_str().strip_prefix("c-") else { return Moved::No };
    let Some(known) = shared.store.resolve(alias).await.ok().flatten() else { return Moved::No };
    for entry in &record.inbox {
        if let Err(error) = shared.store.append(&known, entry.bytes.clone()).await {
            tracing::error!(%error, "a notification cannot be moved to its call");
            return Moved::No;
        }
    }
    shared.waiting.restore(&known, record.inbox.len());
    match shared.forget(name, record.last_seq).await {
        Ok(true) => {}
        Ok(false) => {
            shared.wake(&known, Wake::Inbox);
            return Moved::NotAll;
        }
        // It is told of twice then, which a call recognises.
        Err(error) => tracing::warn!(%error, "the inbox of an unknown call cannot be dropped"),
    }
    Moved::To(known)
}

impl Actor {
    /// Goes on after a restart, or begins to: what is in the outbox was not answered.
    async fn resume(&mut self) {
        self.shared.learn_tenant(&self.name, self.session.tenant_id());
        self.span.tell(&self.session, None);
        self.note_live();
        self.counted.move_to(self.state(), self.session.call().kind());
        let now = self.shared.clock.now_millis();
        let (lost, rows): (Vec<_>, Vec<_>) = self
            .queue
            .drain(..)
            .partition(|row| row.once_only && row.attempted && !may_be_settled_again(row, now));
        for row in rows {
            self.send(row, None).await;
        }
        // What the service told meanwhile may settle what was not answered.
        self.empty_inbox().await;
        for row in lost {
            let Some(ticket) = Ticket::try_new(row.ticket) else { continue };
            tracing::warn!(ticket = row.ticket, "sent before a restart, and not answered");
            let step = self.session.no_response(self.shared.now(), ticket);
            self.finish(step, Vec::new(), vec![row.ticket], None).await;
        }
    }

    /// Tells the handler that the call is known by its id alone, and puts it away: `lost` are requests of before.
    async fn recovered(mut self, why: Recovered, step: Step, lost: Vec<u32>) -> Self {
        self.is_taken_up = false;
        let commit = self.step_of(Given::Recovered(why), None, step, Vec::new(), lost).await;
        self.put_away(commit, None).await;
        self
    }

    /// Tells the handler that the call goes on, and asks the service in its turn how it stands: its end may have been told
    /// to nobody.
    async fn restarted(&mut self) {
        if !self.is_taken_up || self.state().is_ended() {
            return;
        }
        let commit = self.step_of(Given::Resumed, None, Step::none(), Vec::new(), Vec::new()).await;
        self.put_away(commit, None).await;
        let (wake, turns) = (self.wake.clone(), Arc::clone(&self.shared.reconciling));
        let stop = self.shared.stop.clone();
        let in_turn = async move {
            tokio::time::sleep(NEWS_FIRST).await;
            turns.acquire_owned().await
        };
        self.shared.tasks.spawn(async move {
            tokio::select! {
                permit = in_turn => {
                    if let Ok(permit) = permit {
                        // The call's task may have ended.
                        let _ = wake.send(Wake::Reconcile(permit));
                    }
                }
                () = stop.cancelled() => {}
            }
        });
    }

    /// Calls the handler where it asked for that.
    async fn woken(&mut self) {
        self.session.take_wakes(self.shared.now());
        let commit = self.step_of(Given::Woken, None, Step::none(), Vec::new(), Vec::new()).await;
        self.put_away(commit, None).await;
    }

    /// Asks the service how the call stands. Where an operation is pending it is asked only whether the call is still there:
    /// an operation that ended meanwhile may not be readable any more, and its notification may yet come.
    async fn reconcile(&mut self, permit: OwnedSemaphorePermit) {
        let is_idle = self.session.call().operations().rows().next().is_none();
        let order = if is_idle { Order::Refresh } else { Order::KeepAlive };
        if let Ok(step) = self.session.order(self.shared.now(), &order) {
            self.reconciling = Some(permit);
            self.finish(step, Vec::new(), Vec::new(), None).await;
        }
    }

    async fn drive(&mut self, wakes: &mut mpsc::UnboundedReceiver<Wake>) {
        loop {
            let deadline = self.session.next_deadline().map(|due| due.at.as_millis());
            let ended = self.session.call().state().is_ended();
            let keep = self.keep;
            let due = reached(self.shared.clock, deadline);
            let woken = reached(self.shared.clock, self.session.next_wake());
            tokio::select! {
                wake = wakes.recv() => match wake {
                    Some(Wake::Inbox) => self.empty_inbox().await,
                    Some(Wake::Delivered(handed_over)) => self.handed_over(handed_over).await,
                    Some(Wake::Restarted) => self.restarted().await,
                    Some(Wake::Reconcile(permit)) => self.reconcile(permit).await,
                    Some(Wake::Answered { ticket, result, line }) => self.answered(ticket, result, line).await,
                    Some(Wake::Order(order, done)) => {
                        let (before, ordered) =
                            self.shared.desk.order(&mut self.session, self.shared.now(), &order);
                        let (step, told) = match ordered {
                            Ok(step) => (before.followed_by(step), Ok(())),
                            Err(refused) => (before, Err(refused)),
                        };
                        if told.is_ok() || matches!(order, Order::AnswerJoining(_)) {
                            self.finish(step, Vec::new(), Vec::new(), None).await;
                        }
                        // Who asked may have gone.
                        let _ = done.send(told);
                    }
                    Some(Wake::Woken(done)) => {
                        self.woken().await;
                        // Who asked may have gone.
                        let _ = done.send(());
                    }
                    None => return,
                },
                // What is told first comes first: that the call goes on after a restart before what it slept over.
                () = woken, if wakes.is_empty() => self.woken().await,
                () = due => {
                    let step = self.session.tick(self.shared.now());
                    self.finish(step, Vec::new(), Vec::new(), None).await;
                }
                () = tokio::time::sleep(keep), if ended => {
                    match self.forget().await {
                        Ok(true) => {
                            tracing::debug!("forgotten");
                            return;
                        }
                        Ok(false) => {
                            // Whoever has not done with it is asked again in a while.
                            self.keep = keep.max(COMMIT_AGAIN);
                            self.empty_inbox().await;
                        }
                        // It is tried again when as much time has passed.
                        Err(error @ (StoreError::Unwritable { .. } | StoreError::Closed)) if !keep.is_zero() => {
                            tracing::debug!(%error, "the ended call cannot be forgotten yet");
                        }
                        Err(error) => {
                            tracing::error!(%error, "the ended call cannot be forgotten");
                            return;
                        }
                    }
                }
            }
        }
    }

    /// Forgets the ended call; not where something still waits in its inbox.
    async fn forget(&self) -> Result<bool, StoreError> {
        let Some(record) = self.shared.store.read(&self.name).await? else { return Ok(true) };
        if !record.inbox.is_empty() {
            return Ok(false);
        }
        if !self.shared.author.may_forget(&self.name) {
            return Ok(false);
        }
        self.shared.forget(&self.name, record.last_seq).await
    }

    /// Handles the next entry of the inbox without looking there; looks there where it is not the next.
    async fn handed_over(&mut self, HandedOver { seq, delivery }: HandedOver) {
        match self.handled_to {
            Some(handled) if seq <= handled => {}
            Some(handled) if seq == handled.saturating_add(1) => {
                self.handled_to = Some(seq);
                self.delivered(seq, &delivery).await;
            }
            Some(_) | None => self.empty_inbox().await,
        }
    }

    /// Handles what waits in the inbox, entry by entry.
    async fn empty_inbox(&mut self) {
        let inbox = match self.shared.store.read(&self.name).await {
            Ok(record) => {
                self.handled_to = record.as_ref().map(|record| record.last_seq);
                record.map(|record| record.inbox).unwrap_or_default()
            }
            Err(error) => {
                tracing::error!(%error, "the inbox cannot be read; it is looked at again with the next notification");
                return;
            }
        };
        self.learn_defaults(&inbox);
        for entry in inbox {
            if let Some(told) = Defaulted::read(&entry) {
                let step =
                    self.session.answer_joining(self.shared.now(), told.joining.as_str(), &told.answer);
                self.finish(step, vec![entry.seq], Vec::new(), None).await;
                continue;
            }
            if let Some(delivery) = Delivery::read(&entry) {
                self.delivered(entry.seq, &delivery).await;
            } else {
                tracing::error!(seq = entry.seq, "an inbox entry cannot be read; it is dropped");
                self.finish(Step::none(), vec![entry.seq], Vec::new(), None).await;
            }
        }
    }

    /// Handles what an entry of the inbox tells of this call.
    async fn delivered(&mut self, seq: u64, delivery: &Delivery) {
        let Delivery { accepted, notices } = delivery;
        if !is_of_tenant(self.session.tenant_id(), &accepted.tenant_id) {
            // It came before the call was known.
            tracing::warn!("a notification is of another tenant than the call; it is dropped");
            self.finish(Step::none(), vec![seq], Vec::new(), None).await;
            return;
        }
        let all = notices.iter().enumerate();
        let ours: Vec<_> = all.filter(|(_, notice)| self.is_ours(notice)).collect();
        let last = ours.len().saturating_sub(1);
        if ours.is_empty() {
            self.finish(Step::none(), vec![seq], Vec::new(), None).await;
        }
        for (number, (place, notice)) in ours.into_iter().enumerate() {
            let step = match notice.subject {
                Subject::Joining => self.joining(notice, &JoiningKey::of(accepted, place)),
                _ => self.session.notice(self.shared.now(), notice),
            };
            tracing::info!(about = notice.in_words(), verdict = step.verdict.name(), state = %self.state(), "notified");
            if let Subject::Call(told) = &notice.subject
                && !told.unrecognised.is_empty()
            {
                tracing::warn!(words = ?told.unrecognised, "words that this version does not know");
            }
            let waited = self.shared.clock.now_millis().saturating_sub(accepted.at);
            self.shared.metrics.notification(&notice.subject, step.verdict, waited);
            let about = notice.in_words();
            self.observe(What::Notification { accepted_at: accepted.at, about });
            let done = if number == last { vec![seq] } else { Vec::new() };
            let commit = self.author_step(Some(notice), step, done, Vec::new()).await;
            self.put_away(commit, Some(accepted.at)).await;
        }
    }

    /// What the inbox says was answered by the default: the bot is not to answer it again.
    fn learn_defaults(&self, inbox: &[InboxEntry]) {
        for entry in inbox {
            if let Some(told) = Defaulted::read(entry)
                && self.session.joining_answer(told.joining.as_str()).is_none()
            {
                self.shared.desk.learn_default(&told.joining, &told.answer);
            }
        }
    }

    /// Takes in that somebody is joining. Where he was answered by the default meanwhile, or the call has ended, the bot has
    /// nothing to answer.
    fn joining(&mut self, notice: &Notice, key: &JoiningKey) -> Step {
        let now = self.shared.now();
        let step = self.session.joining(now, notice, key.as_str());
        let is_waiting = self.session.joinings_waiting().any(|waiting| waiting == key.as_str());
        let answer = match self.shared.desk.default_of(key) {
            Some(answer) => answer,
            None if is_waiting => return step,
            None => self.shared.config.joining.default.clone(),
        };
        step.followed_by(self.session.answer_joining(now, key.as_str(), &answer))
    }

    /// Whether a notice of a batch is for this call: one whose id is not known yet takes what came to its own address.
    fn is_ours(&self, notice: &Notice) -> bool {
        match (self.session.id(), &notice.call) {
            (Some(ours), Some(theirs)) => alias_of(ours) == alias_of(theirs),
            (None, Some(_)) => true,
            (Some(_) | None, None) => false,
        }
    }

    async fn answered(&mut self, ticket: Ticket, result: Result<Answer, ClientError>, line: String) {
        let now = self.shared.now();
        self.reconciling = None;
        if self.in_flight == Some(ticket) {
            self.in_flight = None;
        }
        let (step, words) = match result {
            Ok(answer) => {
                let words = words_of(&answer, &line);
                let location = answer.location.as_deref();
                let (step, fault) = self.session.response(now, ticket, answer.status, location, &answer.body);
                if let Some(fault) = fault {
                    tracing::warn!(line, status = answer.status, %fault, "the answer's body cannot be read");
                }
                (step, words)
            }
            Err(error) => {
                tracing::warn!(line, %error, "no answer");
                let undone = error.is_certainly_undone();
                let step = if undone {
                    self.session.not_sent(now, ticket)
                } else {
                    self.session.no_response(now, ticket)
                };
                (step, error.to_string())
            }
        };
        self.observe(What::Answer { line, result: words });
        self.finish(step, Vec::new(), vec![ticket.number()], None).await;
        self.send_next().await;
    }

    /// Gives the events of a step to the handler, commits, and lets the requests go. Transaction 2.
    async fn finish(&mut self, step: Step, done: Vec<u64>, drop: Vec<u32>, caused_at: Option<u64>) {
        let commit = self.author_step(None, step, done, drop).await;
        self.put_away(commit, caused_at).await;
    }

    async fn author_step(
        &mut self,
        notice: Option<&Notice>,
        step: Step,
        done: Vec<u64>,
        drop: Vec<u32>,
    ) -> Commit {
        self.step_of(Given::Events, notice, step, done, drop).await
    }

    async fn step_of(
        &mut self,
        given: Given,
        notice: Option<&Notice>,
        step: Step,
        done: Vec<u64>,
        drop: Vec<u32>,
    ) -> Commit {
        self.span.tell(&self.session, notice);
        let before = std::mem::take(&mut self.author);
        let now = self.shared.now();
        let mut call = Call::new(&self.name, &mut self.session, now, &self.shared.desk, step)
            .caused_by(notice)
            .handled_within(self.shared.config.handler_within)
            .given(given);
        let (after, events) = self.shared.author.handle(&mut call, given, before).await;
        let mut requests = call.into_requests();
        self.author = after;
        if events.iter().any(|event| matches!(event, Event::JoiningTimeout | Event::Ended(_))) {
            let default = &self.shared.config.joining.default;
            let closed = self.shared.desk.close(&mut self.session, self.shared.now(), default);
            requests.extend(closed.requests);
        }
        self.session.learn_placed(&events);
        self.shared.trace(&self.name, &mut self.session);
        self.shared.metrics.step(&requests, &events);
        self.counted.move_to(self.state(), self.session.call().kind());
        for event in events {
            if let (Some((action, left_at)), Some(_)) = (self.settling.settled(&event), notice) {
                self.shared.metrics.settled(action, now.as_millis().saturating_sub(left_at));
            }
            tracing::debug!(event = ?Logged(&event), "event");
            self.observe(What::Event(event));
        }
        let (call, texts) = self.session.to_bytes().unwrap_or_else(|error| {
            tracing::error!(%error, "the call cannot be written");
            (Vec::new(), Vec::new())
        });
        let deadline = self.session.next_deadline().map(|due| due.at.as_millis());
        // With the commit that begins it, so that no crash comes between. An adopted call was begun by another.
        let counts = (self.version == 0 && given == Given::Events).then(|| Month::of(now.as_millis()).key());
        Commit {
            version: self.version,
            call,
            texts,
            author: self.author.bytes.clone(),
            done,
            add: requests.iter().map(|request| row_of(request, deadline)).collect(),
            drop,
            alias: self.session.id().map(alias_of),
            about: About {
                author_version: self.author.version,
                at: now.as_millis(),
                call_id: self.session.id().map(str::to_owned),
                tenant_id: self.session.tenant_id().map(str::to_owned),
            },
            counts,
        }
    }

    async fn put_away(&mut self, commit: Commit, caused_at: Option<u64>) {
        self.version = self.commit(&commit).await;
        self.shared.desk.tell(&self.session);
        self.shared.waiting.release(&self.name, commit.done.len());
        let rows = commit.add;
        self.note_live();
        for row in rows {
            self.send(row, caused_at).await;
        }
    }

    /// Commits, and gives the new version. Nothing leaves that is not put away: where the store refuses, the call waits.
    async fn commit(&self, commit: &Commit) -> u64 {
        let mut is_again = false;
        loop {
            match self.shared.store.commit(&self.name, commit.clone()).await {
                Ok(version) => return version,
                Err(error @ StoreError::Conflict { .. }) if !is_again => self.lose(&error).await,
                // What failed before may have been made all the same.
                Err(error @ StoreError::Conflict { .. }) => match self.shared.store.read(&self.name).await {
                    Ok(Some(record)) if commit.is_in(&record) => return record.version,
                    Ok(_) => self.lose(&error).await,
                    Err(error) => tracing::debug!(%error, "the call cannot be read; trying again"),
                },
                Err(error) => tracing::debug!(%error, "the call cannot be put away; trying again"),
            }
            tokio::time::sleep(COMMIT_AGAIN).await;
            is_again = true;
        }
    }

    /// Leaves the call to whoever else drives it: its task ends here.
    async fn lose(&self, error: &StoreError) {
        tracing::error!(
            %error,
            "another instance drives this call in the same store: it is left to that one; give each instance a store of its own"
        );
        self.lost.cancel();
        std::future::pending::<()>().await;
    }

    /// Counts the call among those that are up, or not any more.
    fn note_live(&self) {
        let warned = self.shared.counter.set_live(&self.name, !self.state().is_ended());
        self.shared.live.send_replace(());
        self.shared.warn_of_quota(&self.name, self.state(), warned);
    }

    /// Lets a request go: a safe one at once, the others one after another, in the order in which they came.
    async fn send(&mut self, row: OutboxRow, caused_at: Option<u64>) {
        let http = serde_json::from_slice::<StoredRequest>(&row.bytes);
        let goes_alone = http.is_ok_and(|http| http.class(row.once_only) != Class::Safe);
        // Between an answer and what waits for it there is room, which is not for those that came later.
        if goes_alone && (self.in_flight.is_some() || !self.queue.is_empty()) {
            self.queue.push_back(row);
            return;
        }
        self.transmit(row, caused_at).await;
    }

    async fn transmit(&mut self, row: OutboxRow, caused_at: Option<u64>) {
        let Ok(http) = serde_json::from_slice::<StoredRequest>(&row.bytes) else {
            tracing::error!(ticket = row.ticket, "a request of the outbox cannot be read; it is not sent");
            return;
        };
        let class = http.class(row.once_only);
        let Some(ticket) = Ticket::try_new(row.ticket) else { return };
        if row.once_only {
            while let Err(error) = self.shared.store.mark_attempted(&self.name, row.ticket).await {
                if matches!(error, StoreError::Conflict { .. } | StoreError::NotFound(_)) {
                    self.lose(&error).await;
                }
                tracing::debug!(%error, "a request cannot be marked as sent; trying again");
                tokio::time::sleep(COMMIT_AGAIN).await;
            }
        }
        if class != Class::Safe {
            self.in_flight = Some(ticket);
        }
        let line = format!("{} {}", http.method, http.path);
        self.observe(What::Request { line: line.clone(), caused_at });
        let (shared, wake) = (Arc::clone(&self.shared), self.wake.clone());
        let tenant = self.session.tenant_id().map(str::to_owned);
        let scenario_id = self.scenario_id();
        let is_again = row.once_only && row.attempted;
        let action = http.action;
        if let Some(action) = action.filter(|_| class != Class::Safe) {
            self.settling.sent(ticket, action, self.shared.clock.now_millis());
        }
        let sending = async move {
            let since = tokio::time::Instant::now();
            let mut result = exchange(&shared, tenant.as_deref(), scenario_id, http, class).await;
            if is_again {
                result = after_an_open_one(result);
            }
            shared.metrics.request(action, &result, since.elapsed());
            // The call's task may have ended.
            let _ = wake.send(Wake::Answered { ticket, result, line });
        };
        let span = super::span::of_request(action, ticket);
        self.shared.tasks.spawn(sending.instrument(span));
    }

    async fn send_next(&mut self) {
        if self.in_flight.is_none()
            && let Some(row) = self.queue.pop_front()
        {
            self.transmit(row, None).await;
        }
    }

    fn scenario_id(&self) -> Uuid {
        let kept = self.session.scenario_id().and_then(|text| Uuid::parse_str(text).ok());
        kept.unwrap_or_else(|| super::scenario_of(&self.name))
    }

    fn state(&self) -> State {
        self.session.call().state()
    }

    fn observe(&self, what: What) {
        self.shared.observe(&self.name, self.state(), what);
    }
}

/// Waits until `at`, where that is a moment.
async fn reached(clock: Clock, at: Option<u64>) {
    match at {
        Some(at) => tokio::time::sleep_until(clock.instant(at)).await,
        None => std::future::pending().await,
    }
}

/// What Graph answered in words; of a refusal also what Microsoft's support asks for.
pub(super) fn words_of(answer: &Answer, line: &str) -> String {
    let (status, support) = (answer.status, &answer.support);
    if status < 400 {
        return status.to_string();
    }
    let Some(error) = GraphError::read(&answer.body) else {
        tracing::warn!(line, status, %support, "refused");
        return format!("{status} ({support})");
    };
    let words = error.words(status);
    tracing::warn!(line, status, code = error.code, %support, words, "refused");
    format!("{status} {} {words} ({support})", error.code)
}

/// Sends a request by the rule of its class.
async fn exchange(
    shared: &Shared,
    tenant_id: Option<&str>,
    scenario_id: Uuid,
    http: StoredRequest,
    class: Class,
) -> Result<Answer, ClientError> {
    let method = match http.method {
        Method::Get => http::Method::GET,
        Method::Post => http::Method::POST,
        Method::Patch => http::Method::PATCH,
        Method::Delete => http::Method::DELETE,
    };
    let request = GraphRequest {
        tenant_id,
        version: http.version,
        scenario_id: Some(scenario_id),
        body: http.body.map(bytes::Bytes::from),
        class: Some(class),
        until: http.until,
        ..GraphRequest::new(method, &http.path)
    };
    shared.client.send(&request).await
}

/// Whether a request that left before a restart may leave again: one that settles an incoming call, while somebody waits
/// for that. The service takes it once.
fn may_be_settled_again(row: &OutboxRow, now: u64) -> bool {
    let stored = serde_json::from_slice::<StoredRequest>(&row.bytes).ok();
    stored.is_some_and(|stored| {
        stored.class(row.once_only) == Class::Settling && stored.until.is_some_and(|until| now < until)
    })
}

/// What came of a request that may have arrived once before: what the second one is refused for may be what the first one
/// did.
fn after_an_open_one(result: Result<Answer, ClientError>) -> Result<Answer, ClientError> {
    let reason = match result {
        Ok(answer) if matches!(answer.status, 200..=299) => return Ok(answer),
        Ok(answer) => {
            format!("it left before a restart, and was answered {} when it left again", answer.status)
        }
        Err(error) => format!("it left before a restart, and when it left again: {error}"),
    };
    let cause = TransportError::NoAnswer { host: "Graph".to_owned(), reason };
    Err(ClientError::NoAnswer { cause, client_request_id: String::new() })
}

/// A request, as the outbox keeps it.
#[derive(serde::Serialize, serde::Deserialize)]
struct StoredRequest {
    /// The first, in rows of before there were two.
    #[serde(default)]
    version: Version,
    method: Method,
    path: String,
    body: Option<String>,
    /// None in rows of before there were classes.
    #[serde(default)]
    class: Option<Class>,
    /// What it does; none in rows of before that was kept.
    #[serde(default)]
    action: Option<Action>,
    /// The call's limit for it, in milliseconds since the Unix epoch.
    #[serde(default)]
    until: Option<u64>,
}

impl StoredRequest {
    fn class(&self, once_only: bool) -> Class {
        match self.class {
            Some(class) => class,
            None if once_only => Class::OnceOnly,
            None if self.method == Method::Get => Class::Safe,
            None => Class::Idempotent,
        }
    }
}

/// The row of a request. What settles an incoming call is not repeated beyond the call's next deadline: that is the limit
/// for answering, or earlier.
fn row_of(request: &Outgoing, deadline: Option<u64>) -> OutboxRow {
    let HttpRequest { version, method, path, body } = request.http.clone();
    let class = Class::of(request.action);
    let until = deadline.filter(|_| class == Class::Settling);
    let action = Some(request.action);
    let stored = StoredRequest { version, method, path, body, class: Some(class), action, until };
    let bytes = serde_json::to_vec(&stored).unwrap_or_default();
    OutboxRow { ticket: request.ticket.number(), once_only: request.once_only, attempted: false, bytes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_from_before_there_were_classes_is_read() {
        for (method, once_only, expected) in [
            ("Get", false, Class::Safe),
            ("Post", true, Class::OnceOnly),
            ("Post", false, Class::Idempotent),
            ("Delete", false, Class::Idempotent),
        ] {
            let row = format!(r#"{{"method":"{method}","path":"/x","body":null}}"#);
            let stored: StoredRequest = serde_json::from_str(&row).unwrap();
            assert_eq!((stored.class(once_only), stored.until), (expected, None), "{row}");
        }
    }

    #[test]
    fn only_what_settles_a_call_has_its_limit() {
        for (action, expected) in [
            (Action::Answer, Some(15_000)),
            (Action::Redirect, Some(15_000)),
            (Action::HangUp, None),
            (Action::PlayPrompt, None),
        ] {
            let http =
                HttpRequest { version: Version::V1, method: Method::Post, path: "/x".to_owned(), body: None };
            let request = Outgoing { ticket: Ticket::FIRST, action, once_only: action.is_once_only(), http };
            let row = row_of(&request, Some(15_000));
            let stored: StoredRequest = serde_json::from_slice(&row.bytes).unwrap();
            assert_eq!(stored.until, expected, "{action:?}");
            assert_eq!(stored.class(row.once_only), Class::of(action), "{action:?}");
        }
    }
}
