//! What memory keeps of one call: its record, and what of it the store does not have yet.

use std::collections::{BTreeSet, VecDeque};

use super::super::{CallName, Change, InboxEntry, Record, Reply, apply};

/// What is owed to the store of one call.
#[derive(Debug)]
struct Owed {
    /// The record as the store has it.
    base: Option<Record>,
    /// What has changed since, in order.
    changes: VecDeque<Change>,
    bytes: usize,
}

/// The record of one call as its changes were answered, whether the store has them or not.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// `None` where it is not known.
    record: Option<Record>,
    alias: Option<String>,
    /// Inbox entries that were done before it was seen that they had been put in.
    done_early: BTreeSet<u64>,
    /// `None` while the store has all.
    owed: Option<Owed>,
    /// Somebody else changed the call in the store.
    is_anothers: bool,
    /// It was told of that there is no room for more.
    is_full: bool,
}

/// How much memory a change takes until the store has it, in bytes.
pub(super) fn bytes_of(change: &Change) -> usize {
    let of_change = match change {
        Change::Append(bytes) => bytes.len(),
        Change::Commit(commit) => {
            let rows = commit.add.iter().map(|row| row.bytes.len());
            commit.call.len() + commit.texts.len() + commit.author.len() + rows.sum::<usize>()
        }
        Change::MarkAttempted(_) | Change::Forget(_) => 0,
    };
    of_change.saturating_add(size_of::<Change>())
}

/// What the store would have answered to a change that failed, where it was made all the same and the record came to be so.
pub(super) fn made(record: &Record, change: &Change) -> Option<u64> {
    match change {
        Change::Append(bytes) => {
            record.inbox.last().filter(|entry| entry.bytes == *bytes).map(|entry| entry.seq)
        }
        Change::Commit(commit) => commit.is_in(record).then_some(record.version),
        Change::MarkAttempted(_) | Change::Forget(_) => None,
    }
}

impl Ledger {
    /// The record, where it is known.
    pub(super) fn record(&self) -> Option<&Record> {
        self.record.as_ref()
    }

    /// Whether the store lacks something.
    pub(super) fn is_behind(&self) -> bool {
        self.owed.is_some()
    }

    /// Whether nothing is known of the call.
    pub(super) fn is_blank(&self) -> bool {
        self.record.is_none() && self.alias.is_none() && self.owed.is_none() && !self.is_anothers
    }

    /// Whether somebody else changed the call in the store.
    pub(super) fn is_anothers(&self) -> bool {
        self.is_anothers
    }

    /// How much is owed, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.owed.as_ref().map_or(0, |owed| owed.bytes)
    }

    /// Graph's id of the call, in one spelling.
    pub(super) fn alias(&self) -> Option<&String> {
        self.alias.as_ref()
    }

    /// Notes that there is no room for more; gives whether that is news.
    pub(super) fn fill(&mut self) -> bool {
        !std::mem::replace(&mut self.is_full, true)
    }

    /// Takes in the record as the store has it.
    pub(super) fn learn(&mut self, record: Record) {
        self.alias.clone_from(&record.alias);
        self.record = Some(record);
        self.done_early.clear();
    }

    /// What the store has is not certain any more.
    pub(super) fn unlearn(&mut self) {
        if self.owed.is_none() {
            self.record = None;
            self.done_early.clear();
        }
    }

    /// Whether a change must not be made, since the call is another's.
    pub(super) fn is_barred(&self, change: &Change) -> bool {
        self.is_anothers && matches!(change, Change::Commit(_) | Change::MarkAttempted(_))
    }

    /// Takes in what the store did. Answers may be seen in another order than that in which it did it.
    pub(super) fn did(&mut self, name: &CallName, change: Change, reply: &Reply) {
        let Ok(number) = *reply else { return self.unlearn() };
        let is_first = number == 1 && self.record.is_none() && !name.is_of_incoming();
        match (change, &mut self.record) {
            // Nothing was put into its inbox before: nobody knew its name.
            (change @ Change::Commit(_), None) if is_first => {
                let _ = apply(name, &mut self.record, change);
            }
            (_, None) => return,
            (Change::Append(bytes), Some(record)) => {
                record.last_seq = record.last_seq.max(number);
                if !self.done_early.remove(&number) {
                    let place = record.inbox.partition_point(|entry| entry.seq < number);
                    record.inbox.insert(place, InboxEntry { seq: number, bytes });
                }
            }
            (Change::Commit(commit), Some(record)) => {
                let seen = |seq: &u64| record.inbox.iter().any(|entry| entry.seq == *seq);
                self.done_early.extend(commit.done.iter().filter(|seq| !seen(seq)));
                if apply(name, &mut self.record, Change::Commit(commit)).is_err() {
                    return self.unlearn();
                }
            }
            (change @ (Change::MarkAttempted(_) | Change::Forget(_)), Some(_)) => {
                let _ = apply(name, &mut self.record, change);
            }
        }
        self.alias = self.record.as_ref().and_then(|record| record.alias.clone());
    }

    /// Whether the call may go on by this change while the store cannot be written: one that is kept, and for requests that
    /// must not be repeated, one that the service knows. Creating a call is never repeated.
    pub(super) fn may_go_on(&self, change: &Change) -> bool {
        let Some(record) = self.record.as_ref().filter(|record| record.version > 0) else { return false };
        match change {
            Change::Append(_) | Change::Commit(_) => true,
            Change::MarkAttempted(_) => record.alias.is_some(),
            Change::Forget(_) => false,
        }
    }

    /// Makes a change that the store is owed.
    pub(super) fn owe(&mut self, name: &CallName, change: Change) -> Reply {
        let base = if self.owed.is_none() { self.record.clone() } else { None };
        let reply = apply(name, &mut self.record, change.clone())?;
        let owed = self.owed.get_or_insert_with(|| Owed { base, changes: VecDeque::new(), bytes: 0 });
        owed.bytes = owed.bytes.saturating_add(bytes_of(&change));
        owed.changes.push_back(change);
        self.alias = self.record.as_ref().and_then(|record| record.alias.clone());
        Ok(reply)
    }

    /// What the store is owed next.
    pub(super) fn next(&self) -> Option<Change> {
        self.owed.as_ref().and_then(|owed| owed.changes.front().cloned())
    }

    /// The store did what it was owed next, and answered so. Gives how many bytes that frees; `None` where the answer is
    /// another than the one that was given for it.
    pub(super) fn paid(&mut self, name: &CallName, answer: u64) -> Option<usize> {
        let owed = self.owed.as_mut()?;
        let change = owed.changes.front()?;
        let expected = apply(name, &mut owed.base, change.clone());
        if expected != Ok(answer) && !self.is_anothers {
            return None;
        }
        let size = bytes_of(change);
        owed.changes.pop_front();
        owed.bytes = owed.bytes.saturating_sub(size);
        Some(size)
    }

    /// Ends owing where the store has all; gives whether it has.
    pub(super) fn close(&mut self) -> bool {
        let has_all = self.owed.as_ref().is_none_or(|owed| owed.changes.is_empty());
        if has_all {
            self.owed = None;
            self.is_full = false;
            if self.is_anothers {
                self.record = None;
            }
        }
        has_all
    }

    /// Drops what the store has already: a change that failed may have been made all the same. Gives how many bytes that
    /// frees; `None` where the store has what none of the changes led to.
    pub(super) fn skip_to(&mut self, name: &CallName, found: Option<&Record>) -> Option<usize> {
        if self.is_anothers {
            return Some(0);
        }
        let Some(owed) = &mut self.owed else { return Some(0) };
        let mut at = owed.base.clone();
        let mut freed = 0_usize;
        let mut changes = owed.changes.iter();
        let mut count = 0;
        while at.as_ref() != found {
            let change = changes.next()?;
            let _ = apply(name, &mut at, change.clone());
            freed = freed.saturating_add(bytes_of(change));
            count += 1;
        }
        owed.changes.drain(..count);
        owed.bytes = owed.bytes.saturating_sub(freed);
        owed.base = at;
        Some(freed)
    }

    /// Leaves the call to whoever else changed it. What was accepted for it stays owed. Gives how many bytes that frees.
    pub(super) fn leave(&mut self, name: &CallName, found: Option<Record>) -> usize {
        self.is_anothers = true;
        let Some(owed) = &mut self.owed else { return 0 };
        let before = owed.bytes;
        owed.changes.retain(|change| matches!(change, Change::Append(_)));
        owed.bytes = owed.changes.iter().map(bytes_of).sum();
        owed.base.clone_from(&found);
        self.record = found;
        for change in &owed.changes {
            let _ = apply(name, &mut self.record, change.clone());
        }
        before.saturating_sub(owed.bytes)
    }
}
