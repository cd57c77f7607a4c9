//! The newest part of the verified chain, in memory: enough to extend it, to leave it for a better branch, and
//! to compute fork-detection data, without asking the store.
//!
//! Bounded: [`TAIL_LIMIT`] records of about 300 bytes and as many hashes, 2 MB in all. A branch that leaves
//! the chain below the tail cannot be followed; [`MAX_REORG_DEPTH`] says how deep that is.

use std::collections::{BTreeMap, VecDeque};

use super::record::{AncestorRecord, BlockId, BlockRecord};
use crate::{
    consensus::{
        fork_detection_window::{Ancestor, FORK_DETECTION_ANCESTORS, ForkDetectionWindow},
        parent::Parent,
    },
    primitives::{hash::BlockHash, number::BlockNumber},
};

/// How many blocks of ours a better branch may replace. rskj has no limit; this is a day and a half of
/// mainnet blocks, and the depth to which the store keeps what was replaced.
pub const MAX_REORG_DEPTH: u64 = 4_096;

/// Records kept: the deepest reorganisation, and below it the ancestors that fork-detection data reads.
pub const TAIL_LIMIT: usize = MAX_REORG_DEPTH as usize + FORK_DETECTION_ANCESTORS as usize + 1;

/// The newest records of the canonical chain.
#[derive(Debug, Clone)]
pub struct ChainTail {
    /// Height of the chain's base: the genesis or checkpoint.
    base: BlockNumber,
    /// Known ancestors below the base, ascending and contiguous up to the base.
    ancestors: VecDeque<AncestorRecord>,
    /// Ascending and contiguous; never empty.
    records: VecDeque<BlockRecord>,
    by_hash: BTreeMap<BlockHash, BlockNumber>,
}

impl From<&AncestorRecord> for Ancestor {
    fn from(record: &AncestorRecord) -> Self {
        Self {
            number: record.number,
            bitcoin_hash_byte: record.bitcoin_hash_byte,
            uncle_count: record.uncle_count,
        }
    }
}

/// The records do not make a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the records are not linked at height {number}")]
pub struct NotLinked {
    /// Where the chain breaks.
    pub number: BlockNumber,
}

impl ChainTail {
    /// A tail of `records` (ascending, the newest of the chain that starts at `base`) and known ancestors
    /// below the base (ascending).
    ///
    /// # Errors
    /// [`NotLinked`] when there is no record, or they are not linked to each other.
    pub fn new(
        base: BlockNumber,
        ancestors: Vec<AncestorRecord>,
        records: Vec<BlockRecord>,
    ) -> Result<Self, NotLinked> {
        let mut all = records.into_iter();
        let first = all.next().ok_or(NotLinked { number: base })?;
        let mut tail = Self {
            base,
            ancestors: ancestors.into(),
            by_hash: BTreeMap::from([(first.hash, first.number)]),
            records: VecDeque::from([first]),
        };
        for record in all {
            let number = record.number;
            tail.push(record).map_err(|_| NotLinked { number })?;
        }
        Ok(tail)
    }

    /// The best block.
    pub fn head(&self) -> &BlockRecord {
        self.records.back().expect("a tail is never empty")
    }

    /// Height of the chain's base.
    pub fn base(&self) -> BlockNumber {
        self.base
    }

    /// The lowest height held here.
    pub fn lowest(&self) -> BlockNumber {
        self.records.front().expect("a tail is never empty").number
    }

    /// The lowest block that a branch may leave the chain at: at most [`MAX_REORG_DEPTH`] below the head, and
    /// with all the ancestors here that fork-detection data reads. After a deep reorganisation the second is
    /// the tighter bound, until the chain has grown.
    pub fn lowest_common_ancestor(&self) -> BlockNumber {
        let with_ancestors = match self.lowest() {
            lowest if lowest == self.base => lowest,
            lowest => lowest.saturating_add(FORK_DETECTION_ANCESTORS - 1).min(self.head().number),
        };
        with_ancestors.max(self.head().number.saturating_sub(MAX_REORG_DEPTH))
    }

    /// The record at a height.
    pub fn record(&self, number: BlockNumber) -> Option<&BlockRecord> {
        let index = number.get().checked_sub(self.lowest().get())?;
        self.records.get(usize::try_from(index).ok()?)
    }

    /// The record with a hash.
    pub fn find(&self, hash: &BlockHash) -> Option<&BlockRecord> {
        self.record(*self.by_hash.get(hash)?)
    }

    /// Puts a block on top.
    ///
    /// # Errors
    /// [`NotLinked`] when it is not a child of the head.
    pub fn push(&mut self, record: BlockRecord) -> Result<(), NotLinked> {
        let head = self.head();
        if record.parent_hash != head.hash || record.number != head.number.next() {
            return Err(NotLinked { number: record.number });
        }
        if self.records.len() == TAIL_LIMIT
            && let Some(oldest) = self.records.pop_front()
        {
            self.by_hash.remove(&oldest.hash);
        }
        self.by_hash.insert(record.hash, record.number);
        self.records.push_back(record);
        Ok(())
    }

    /// Takes off everything above a height and returns it, ascending. The lowest record always stays.
    pub fn truncate_to(&mut self, number: BlockNumber) -> Vec<BlockRecord> {
        let kept = number.max(self.lowest()).get() - self.lowest().get() + 1;
        let kept = usize::try_from(kept).unwrap_or(usize::MAX).min(self.records.len());
        let removed: Vec<BlockRecord> = self.records.split_off(kept).into();
        for record in &removed {
            self.by_hash.remove(&record.hash);
        }
        removed
    }

    /// Known ancestors below the base, ascending.
    pub fn ancestors(&self) -> impl ExactSizeIterator<Item = &AncestorRecord> + DoubleEndedIterator {
        self.ancestors.iter()
    }

    /// How many ancestors below those known fork-detection data could still need: none when 449 or more are
    /// known.
    pub fn missing_ancestors(&self) -> u64 {
        FORK_DETECTION_ANCESTORS.saturating_sub(self.ancestors.len() as u64)
    }

    /// Hash and height of the next ancestor to learn below the base; `None` when fork-detection data needs no
    /// more, or there is none.
    pub fn next_ancestor(&self, base_parent: BlockHash) -> Option<BlockId> {
        if self.missing_ancestors() == 0 {
            return None;
        }
        let (above, hash) = match self.ancestors.front() {
            Some(lowest) => (lowest.number, lowest.parent_hash),
            None => (self.base, base_parent),
        };
        // Genesis has no Bitcoin header, and no sample ever reaches it.
        above
            .previous()
            .filter(|number| *number != BlockNumber::GENESIS)
            .map(|number| BlockId { number, hash })
    }

    /// Adds an ancestor below those known.
    ///
    /// # Errors
    /// [`NotLinked`] when it is not the parent of the lowest one known.
    pub fn prepend_ancestor(&mut self, ancestor: AncestorRecord) -> Result<(), NotLinked> {
        let fits = match self.ancestors.front() {
            Some(lowest) => lowest.parent_hash == ancestor.hash && lowest.number == ancestor.number.next(),
            None => ancestor.number.next() == self.base,
        };
        if !fits {
            return Err(NotLinked { number: ancestor.number });
        }
        self.ancestors.push_front(ancestor);
        Ok(())
    }

    /// What a child of the block at `number` is checked against.
    pub fn parent(&self, number: BlockNumber) -> Option<Parent> {
        self.record(number).map(|record| Parent {
            hash: record.hash,
            number: record.number,
            timestamp: record.timestamp,
            difficulty: record.difficulty,
            gas_limit: record.gas_limit,
            minimum_gas_price: record.minimum_gas_price,
        })
    }

    /// The ancestors up to and including `number`, as fork-detection data needs them: as many of the 449 as
    /// are known.
    pub fn window_at(&self, number: BlockNumber) -> ForkDetectionWindow {
        let oldest = number.saturating_sub(FORK_DETECTION_ANCESTORS - 1);
        let below_base =
            self.ancestors.iter().filter(|ancestor| ancestor.number >= oldest).map(|ancestor| Ancestor {
                number: ancestor.number,
                bitcoin_hash_byte: ancestor.bitcoin_hash_byte,
                uncle_count: ancestor.uncle_count,
            });
        // Ancestors below the base only join the records while those still reach down to the base.
        let below_base = below_base.filter(|_| self.lowest() == self.base);
        let from = oldest.max(self.lowest());
        let skipped = usize::try_from(from.blocks_above(self.lowest())).unwrap_or(usize::MAX);
        let records =
            self.records.iter().skip(skipped).take_while(|record| record.number <= number).map(|record| {
                Ancestor {
                    number: record.number,
                    bitcoin_hash_byte: record.bitcoin_hash_byte,
                    uncle_count: record.uncle_count,
                }
            });
        let mut window = ForkDetectionWindow::new();
        for ancestor in below_base.chain(records) {
            if window.push(ancestor).is_err() {
                // Only a gap between ancestors and records could do this; then the upper part counts.
                window.clear();
            }
        }
        window
    }
}

#[cfg(test)]
mod tests;
