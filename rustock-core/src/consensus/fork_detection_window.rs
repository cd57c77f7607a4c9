//! The ancestors that fork-detection data is computed from: 449, a few more for uncles, three facts of each.
//!
//! RSKIP-110. Mirrors rskj's `ForkDetectionDataCalculator`.

use std::collections::VecDeque;

use super::{params::NetworkParams, verify::VerifiedHeader};
use crate::primitives::number::BlockNumber;

/// Bytes of fork-detection data at the end of the hash for merged mining.
pub const FORK_DETECTION_DATA_SIZE: usize = 12;
/// Ancestors that rskj asks for, and so the first height whose hash for merged mining carries the data.
pub const FORK_DETECTION_ANCESTORS: u64 = 449;

/// Every so many heights a Bitcoin hash is sampled.
const SAMPLE_DISTANCE: u64 = 64;
/// Bitcoin hashes sampled.
const SAMPLES: usize = 7;
/// Ancestors whose uncle counts are added up.
const UNCLE_COUNT_ANCESTORS: u64 = 32;

/// What fork-detection data needs to know of one ancestor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ancestor {
    /// Height.
    pub number: BlockNumber,
    /// First byte of the double SHA-256 of its Bitcoin header (the last two digits of the Bitcoin block id as
    /// it is usually shown).
    pub bitcoin_hash_byte: u8,
    /// The uncle count its header gives.
    pub uncle_count: u32,
}

impl From<&VerifiedHeader> for Ancestor {
    fn from(header: &VerifiedHeader) -> Self {
        Self {
            number: header.number(),
            bitcoin_hash_byte: header.bitcoin_hash_byte(),
            uncle_count: header.uncle_count(),
        }
    }
}

/// An ancestor does not join on to the ones in the window.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected the ancestor at height {expected}, seen {seen}")]
pub struct NotContiguous {
    /// The height that joins on.
    pub expected: BlockNumber,
    /// The height given.
    pub seen: BlockNumber,
}

/// What the ancestors in a window say about a child's fork-detection data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpectedData {
    /// The child must carry these bytes.
    Data([u8; FORK_DETECTION_DATA_SIZE]),
    /// No child can be valid: the 32 uncle counts, which no rule checks, add up to a negative number in
    /// rskj's 32-bit arithmetic, and rskj fails on it.
    None {
        /// The sum, as rskj has it.
        uncle_count_sum: i32,
    },
    /// The window lacks some of the ancestors that the data is computed from.
    AncestorsMissing,
}

/// The newest ancestors of a block on its own branch, without gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForkDetectionWindow {
    /// Oldest first; the newest stands at `newest`.
    ancestors: VecDeque<(u8, u32)>,
    newest: BlockNumber,
    limit: u64,
}

impl Default for ForkDetectionWindow {
    fn default() -> Self {
        Self::new()
    }
}

impl ForkDetectionWindow {
    /// A window without ancestors, that keeps the 449 which a header needs.
    pub fn new() -> Self {
        Self::keeping(FORK_DETECTION_ANCESTORS)
    }

    /// A window without ancestors, that keeps the ones which a block's uncles need as well: their parents are
    /// lower than the block's, and so are the ancestors that their data is computed from.
    pub fn for_uncles(params: &NetworkParams) -> Self {
        let lower = params.uncle_generation_limit.saturating_sub(1);
        Self::keeping(FORK_DETECTION_ANCESTORS.saturating_add(lower))
    }

    fn keeping(limit: u64) -> Self {
        Self { ancestors: VecDeque::new(), newest: BlockNumber::GENESIS, limit }
    }

    /// Number of ancestors in the window.
    pub fn len(&self) -> usize {
        self.ancestors.len()
    }

    /// True when the window has no ancestor.
    pub fn is_empty(&self) -> bool {
        self.ancestors.is_empty()
    }

    /// Height of the newest ancestor.
    pub fn newest(&self) -> Option<BlockNumber> {
        (!self.is_empty()).then_some(self.newest)
    }

    /// Height of the oldest ancestor.
    pub fn oldest(&self) -> Option<BlockNumber> {
        (!self.is_empty()).then(|| self.newest.saturating_sub(self.len() as u64 - 1))
    }

    /// True when older ancestors would still be of use to the block above the newest.
    pub fn wants_older(&self) -> bool {
        self.oldest().is_some_and(|oldest| oldest != BlockNumber::GENESIS) && (self.len() as u64) < self.limit
    }

    /// Puts a block on top; the oldest falls out when there are more than the window keeps.
    ///
    /// # Errors
    /// [`NotContiguous`] unless it is the block above the newest.
    pub fn push(&mut self, block: Ancestor) -> Result<(), NotContiguous> {
        if let Some(newest) = self.newest()
            && block.number != newest.next()
        {
            return Err(NotContiguous { expected: newest.next(), seen: block.number });
        }
        if self.len() as u64 == self.limit {
            self.ancestors.pop_front();
        }
        self.ancestors.push_back((block.bitcoin_hash_byte, block.uncle_count));
        self.newest = block.number;
        Ok(())
    }

    /// Puts an older block below the oldest. A full window has no use for it and stays as it is.
    ///
    /// # Errors
    /// [`NotContiguous`] unless it is the block below the oldest.
    pub fn prepend(&mut self, block: Ancestor) -> Result<(), NotContiguous> {
        if self.len() as u64 == self.limit {
            return Ok(());
        }
        let Some(oldest) = self.oldest() else { return self.push(block) };
        let expected = oldest.saturating_sub(1);
        if block.number != expected || oldest == BlockNumber::GENESIS {
            return Err(NotContiguous { expected, seen: block.number });
        }
        self.ancestors.push_front((block.bitcoin_hash_byte, block.uncle_count));
        Ok(())
    }

    /// Takes off every block above `number`: what a reorganisation does before the other branch is pushed.
    pub fn truncate_to(&mut self, number: BlockNumber) {
        let above = self.newest().map_or(0, |newest| newest.blocks_above(number));
        let kept = (self.len() as u64).saturating_sub(above) as usize;
        self.ancestors.truncate(kept);
        self.newest = self.newest.saturating_sub(above);
    }

    /// Forgets every block.
    pub fn clear(&mut self) {
        self.ancestors.clear();
    }

    /// The fork-detection data of the child at `child` on this branch, as soon as the seven ancestors whose
    /// Bitcoin hash is sampled and the 32 whose uncle counts are added up are here, even if not all 449 are.
    /// `None` when some are missing, below height 449, and where no data can be right. The child need not stand on
    /// the newest ancestor: of a lower one, this is the data of a sibling of an ancestor.
    pub fn expected(&self, child: BlockNumber) -> Option<[u8; FORK_DETECTION_DATA_SIZE]> {
        match self.look_up(child) {
            ExpectedData::Data(data) => Some(data),
            ExpectedData::None { .. } | ExpectedData::AncestorsMissing => None,
        }
    }

    /// As [`expected`](Self::expected), and says why there is no data.
    pub fn look_up(&self, child: BlockNumber) -> ExpectedData {
        self.compute(child).unwrap_or(ExpectedData::AncestorsMissing)
    }

    /// The lowest ancestor that the data of the block at `child` is computed from.
    pub fn lowest_read(child: BlockNumber) -> BlockNumber {
        let newest_sample = child.saturating_sub(1).get() / SAMPLE_DISTANCE * SAMPLE_DISTANCE;
        let lowest_sample = newest_sample.saturating_sub((SAMPLES as u64 - 1) * SAMPLE_DISTANCE);
        BlockNumber::new(lowest_sample).min(child.saturating_sub(UNCLE_COUNT_ANCESTORS))
    }

    fn compute(&self, child: BlockNumber) -> Option<ExpectedData> {
        if child.get() < FORK_DETECTION_ANCESTORS {
            return None;
        }
        let parent = child.previous()?.get();
        let mut data = [0; FORK_DETECTION_DATA_SIZE];
        let newest_sample = parent / SAMPLE_DISTANCE * SAMPLE_DISTANCE;
        for (index, byte) in data[..SAMPLES].iter_mut().enumerate() {
            let sampled = newest_sample.checked_sub(index as u64 * SAMPLE_DISTANCE)?;
            (*byte, _) = self.get(sampled)?;
        }

        let mut uncle_count_sum = 0i32;
        for number in child.get() - UNCLE_COUNT_ANCESTORS..child.get() {
            let (_, uncle_count) = self.get(number)?;
            uncle_count_sum = uncle_count_sum.wrapping_add(uncle_count as i32);
        }
        if uncle_count_sum < 0 {
            return Some(ExpectedData::None { uncle_count_sum });
        }
        data[SAMPLES] = uncle_count_sum.min(0xff) as u8;

        let low_bits_of_height = child.get() as u32;
        data[SAMPLES + 1..].copy_from_slice(&low_bits_of_height.to_be_bytes());
        Some(ExpectedData::Data(data))
    }

    fn get(&self, number: u64) -> Option<(u8, u32)> {
        let index = number.checked_sub(self.oldest()?.get())?;
        self.ancestors.get(usize::try_from(index).ok()?).copied()
    }
}

#[cfg(test)]
mod tests;
