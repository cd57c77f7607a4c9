//! The verified chain, and how much of it is durable.
//!
//! The tail runs ahead of the store: verified blocks gather in one pending batch, at most one batch is being
//! committed, and a reorganisation of blocks that were never committed leaves no trace in the store.

use core::time::Duration;

use crate::{
    chain::{
        batch::{BlockEntry, ChainBatch},
        record::{AncestorRecord, BlockId},
        tail::ChainTail,
    },
    primitives::number::BlockNumber,
    proto::time::Timestamp,
};

/// Blocks that make a commit worth its fsync while catching up: one skeleton.
const FULL_BATCH: usize = 3_840;
/// Blocks that may wait while a commit runs; past that no new headers are verified. About 12 MB.
const MAX_PENDING: usize = 2 * FULL_BATCH;
/// A smaller batch is committed when this long has passed.
const COMMIT_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Ledger {
    tail: ChainTail,
    pending: ChainBatch,
    committing: bool,
    last_commit: Timestamp,
    fork_detection_from: Option<BlockNumber>,
}

impl Ledger {
    pub fn new(tail: ChainTail, fork_detection_from: Option<BlockNumber>) -> Self {
        let pending = ChainBatch::at(tail.head().id());
        Self { tail, pending, committing: false, last_commit: Timestamp::ZERO, fork_detection_from }
    }

    pub fn tail(&self) -> &ChainTail {
        &self.tail
    }

    /// The first height from which on fork-detection data of every block was checked.
    pub fn fork_detection_from(&self) -> Option<BlockNumber> {
        self.fork_detection_from
    }

    pub fn set_fork_detection_from(&mut self, number: BlockNumber) {
        if self.fork_detection_from != Some(number) {
            self.fork_detection_from = Some(number);
            self.pending.fork_detection_from = Some(number);
        }
    }

    /// True when nothing waits for the store.
    pub fn is_settled(&self) -> bool {
        !self.committing && self.pending.is_empty()
    }

    /// True when so much waits for the store that verifying has to pause.
    pub fn is_full(&self) -> bool {
        self.pending.added.len() >= MAX_PENDING
    }

    /// Leaves everything above `common_ancestor` for `entries`, which are linked to it.
    pub fn replace(&mut self, common_ancestor: BlockId, entries: Vec<BlockEntry>) {
        self.tail.truncate_to(common_ancestor.number);
        if common_ancestor.number <= self.pending.common_ancestor.number {
            self.pending.added.clear();
            self.pending.common_ancestor = common_ancestor;
        } else {
            let kept = common_ancestor.number.blocks_above(self.pending.common_ancestor.number);
            self.pending.added.truncate(usize::try_from(kept).unwrap_or(usize::MAX));
        }
        for entry in entries {
            self.tail.push(entry.record.clone()).expect("a branch is linked to its common ancestor");
            self.pending.added.push(entry);
        }
    }

    /// Goes back to a chain that ends below what the tail holds.
    pub fn rebuild(&mut self, tail: ChainTail) {
        self.pending.added.clear();
        self.pending.common_ancestor = tail.head().id();
        self.tail = tail;
    }

    pub fn prepend_ancestor(&mut self, ancestor: AncestorRecord) -> bool {
        let added = self.tail.prepend_ancestor(ancestor).is_ok();
        if added {
            self.pending.ancestors.push(ancestor);
        }
        added
    }

    /// The batch to commit now, if there is one. `at_rest`: no more headers are on their way.
    pub fn take_batch(&mut self, now: Timestamp, at_rest: bool) -> Option<ChainBatch> {
        if self.committing || self.pending.is_empty() {
            return None;
        }
        let due = at_rest
            || self.pending.added.len() >= FULL_BATCH
            || self.pending.common_ancestor != self.pending.previous_head
            || now >= self.next_commit();
        if !due {
            return None;
        }
        self.committing = true;
        let next = ChainBatch::at(self.pending.new_head());
        Some(core::mem::replace(&mut self.pending, next))
    }

    pub fn committed(&mut self, now: Timestamp) {
        self.committing = false;
        self.last_commit = now;
    }

    /// When a small batch becomes due.
    pub fn commit_deadline(&self) -> Option<Timestamp> {
        (!self.committing && !self.pending.is_empty()).then(|| self.next_commit())
    }

    fn next_commit(&self) -> Timestamp {
        self.last_commit.saturating_add(COMMIT_INTERVAL)
    }
}
