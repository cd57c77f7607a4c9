//! What a block adds to the total difficulty of its chain: its own difficulty and that of its uncles.
//!
//! No RSKIP. Mirrors rskj's `Block.getCumulativeDifficulty` and the sum in `BlockChainImpl.internalTryToConnect`.
//! A header commits to the uncles and does not carry them, so alone it gives only [`WeightBounds`].

use core::fmt;

use super::{
    family::Family,
    params::{EMPTY_UNCLES_HASH, NetworkParams},
    rules::difficulty,
};
use crate::primitives::{
    header::{FullHeader, Header},
    number::{CumulativeDifficulty, Difficulty},
};

/// A block's own difficulty and its uncles'. Their uncles are not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct BlockWeight(u128);

impl BlockWeight {
    /// Wraps a weight.
    pub const fn new(weight: u128) -> Self {
        Self(weight)
    }

    /// The weight of a block with these uncles. Stops at 2^128 − 1, beyond all work there can be.
    pub fn of(header: &Header, uncles: &[FullHeader]) -> Self {
        let difficulties = uncles.iter().map(|uncle| uncle.header().difficulty());
        Self(difficulties.fold(header.difficulty().get(), |sum, uncle| sum.saturating_add(uncle.get())))
    }

    /// The weight as a plain integer.
    pub const fn get(self) -> u128 {
        self.0
    }

    /// The total difficulty of a block of this weight on top of a chain with that total; `None` past 2^128 − 1.
    /// A genesis has its difficulty as total.
    pub const fn on_top_of(self, total: CumulativeDifficulty) -> Option<CumulativeDifficulty> {
        total.checked_add(Difficulty::new(self.0))
    }
}

impl fmt::Display for BlockWeight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Between what the weight of a block lies, going by its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WeightBounds {
    /// It is at least this.
    pub least: BlockWeight,
    /// It is at most this.
    pub most: BlockWeight,
}

impl WeightBounds {
    /// The bounds for a block with such a header, if it has a valid body at all.
    ///
    /// A header that commits to no uncles has one weight. Any other has at least one uncle and at most as many as
    /// the network allows, each a child of an ancestor that the family has; an uncle's difficulty is its
    /// parent's, or one step from it, or the network's minimum. The header's uncle count is no promise, and is
    /// not used.
    ///
    /// `None` when the header commits to uncles and the family is not the header's, or does not reach back to
    /// the lowest parent that an uncle can have; and when there is none: block 1 can have no uncles.
    pub fn of(header: &Header, family: Option<&Family>, params: &NetworkParams) -> Option<Self> {
        let own = header.difficulty().get();
        if header.uncles_hash() == EMPTY_UNCLES_HASH {
            return Some(Self { least: BlockWeight(own), most: BlockWeight(own) });
        }
        let family = family.filter(|family| family.is_of(header))?;
        if !family.reaches(family.lowest_uncle_parent()?) {
            return None;
        }
        let (mut lowest, mut highest) = (None, None);
        // The block's parent has no other child below the block.
        for parent in family.relatives().rev().skip(1) {
            let range = difficulty::range(params, parent.facts.difficulty, parent.facts.number.next());
            lowest = Some(lowest.map_or(*range.start(), |lowest: Difficulty| lowest.min(*range.start())));
            highest = highest.max(Some(*range.end()));
        }
        let most_uncles = (highest?.get()).saturating_mul(params.uncle_list_limit as u128);
        Some(Self {
            least: BlockWeight(own.saturating_add(lowest?.get())),
            most: BlockWeight(own.saturating_add(most_uncles)),
        })
    }

    /// True when there is one weight only.
    pub fn is_exact(&self) -> bool {
        self.least == self.most
    }
}

#[cfg(test)]
mod tests;
