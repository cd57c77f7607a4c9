//! A verified run of headers that is not (yet) part of our chain, and the question whether it should be.

use crate::{
    chain::{
        batch::BlockEntry,
        record::{BlockId, BlockRecord},
        tail::ChainTail,
    },
    consensus::{
        fork_choice::{Preference, prefer},
        fork_detection_window::ForkDetectionWindow,
        parent::Parent,
        rules::fork_detection::ForkDetectionCheck,
        verify::VerifiedHeader,
    },
    primitives::number::{BlockNumber, CumulativeDifficulty},
};

/// Headers above a block of ours. Bounded by [`MAX_BRANCH_LENGTH`], about 12 MB.
#[derive(Debug, Clone)]
pub(super) struct Branch {
    common_ancestor: BlockRecord,
    entries: Vec<BlockEntry>,
    window: ForkDetectionWindow,
    /// The highest entry whose fork-detection data could not be checked.
    unchecked: Option<BlockNumber>,
}

/// Headers a branch may hold without outweighing ours.
pub(super) const MAX_BRANCH_LENGTH: usize = 8_192;

/// The sum of difficulties does not fit 128 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SumOverflow {
    pub number: BlockNumber,
}

impl Branch {
    /// An empty branch on the canonical block at `number`; `None` when the tail does not hold it.
    pub fn at(tail: &ChainTail, number: BlockNumber) -> Option<Self> {
        let common_ancestor = tail.record(number)?.clone();
        Some(Self { common_ancestor, entries: Vec::new(), window: tail.window_at(number), unchecked: None })
    }

    pub fn common_ancestor(&self) -> BlockId {
        self.common_ancestor.id()
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    fn top(&self) -> &BlockRecord {
        self.entries.last().map_or(&self.common_ancestor, |entry| &entry.record)
    }

    pub fn top_id(&self) -> BlockId {
        self.top().id()
    }

    /// What the next header is checked against.
    pub fn parent(&self) -> Parent {
        let top = self.top();
        Parent {
            hash: top.hash,
            number: top.number,
            timestamp: top.timestamp,
            difficulty: top.difficulty,
            gas_limit: top.gas_limit,
            minimum_gas_price: top.minimum_gas_price,
        }
    }

    /// Lends the window to a verification job; [`Branch::extend`] brings it back.
    pub fn take_window(&mut self) -> ForkDetectionWindow {
        core::mem::take(&mut self.window)
    }

    /// Puts verified headers on top.
    pub fn extend(
        &mut self,
        verified: Vec<VerifiedHeader>,
        window: ForkDetectionWindow,
    ) -> Result<(), SumOverflow> {
        self.window = window;
        for header in verified {
            let overflow = SumOverflow { number: header.number() };
            let sum = self.top().header_difficulty_sum.checked_add(header.difficulty()).ok_or(overflow)?;
            if header.applied().fork_detection == ForkDetectionCheck::NotApplied {
                self.unchecked = Some(header.number());
            }
            let record = BlockRecord::new(header.header(), sum, header.bitcoin_hash_byte());
            self.entries.push(BlockEntry { record, header: header.into_header() });
        }
        Ok(())
    }

    /// Weights above the common ancestor: ours and theirs.
    pub fn weights(&self, tail: &ChainTail) -> (CumulativeDifficulty, CumulativeDifficulty) {
        let above = |sum: CumulativeDifficulty| {
            CumulativeDifficulty::new(sum.get() - self.common_ancestor.header_difficulty_sum.get())
        };
        (above(tail.head().header_difficulty_sum), above(self.top().header_difficulty_sum))
    }

    /// Should these headers replace ours above the common ancestor?
    pub fn is_preferred(&self, tail: &ChainTail) -> bool {
        let (ours, theirs) = self.weights(tail);
        !self.entries.is_empty() && prefer(ours, theirs) == Preference::Theirs
    }

    /// Gives up the headers, which become ours, and goes on as an empty branch on the last of them. With them
    /// comes the height of the highest whose fork-detection data could not be checked.
    pub fn take_entries(&mut self) -> (Vec<BlockEntry>, Option<BlockNumber>) {
        self.common_ancestor = self.top().clone();
        (core::mem::take(&mut self.entries), self.unchecked.take())
    }
}
