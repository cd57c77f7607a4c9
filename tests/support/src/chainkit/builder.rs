//! What chain to make: the network, the seed, the shape of blocks.

use std::{ops::RangeInclusive, sync::Arc};

use rustock_core::consensus::params::NetworkParams;

use super::{chain::Chain, presets, random::Random};

/// Most uncles that a block can have.
pub(super) const MOST_UNCLES: u32 = 10;

/// How many uncles the blocks have; without bodies, how many the headers speak of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uncles {
    /// None ever.
    None,
    /// The same number in every block.
    Always(u32),
    /// 0 to 5, 1.29 on average, none in a third of the blocks: mainnet's habit.
    LikeMainnet,
}

impl Uncles {
    pub(super) fn draw(self, random: &mut Random) -> u32 {
        match self {
            Self::None => 0,
            Self::Always(count) => count,
            Self::LikeMainnet => match random.between(0, 99) {
                0..=33 => 0,
                34..=62 => 1,
                63..=82 => 2,
                83..=92 => 3,
                93..=97 => 4,
                _ => 5,
            },
        }
    }
}

/// The fees that blocks pay, which decide between branches of equal weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fees {
    /// None in a quarter of the blocks, any amount in the others.
    Any,
    /// The same in every block, in wei.
    Always(u128),
}

/// The settings of a chain. The same settings make the same bytes on every machine.
#[derive(Debug, Clone)]
pub struct ChainBuilder {
    pub(super) params: Arc<NetworkParams>,
    pub(super) seed: u64,
    pub(super) merkle_depth: RangeInclusive<usize>,
    pub(super) uncles: Uncles,
    pub(super) fees: Fees,
    pub(super) bodies: bool,
    pub(super) false_uncle_counts: bool,
}

impl ChainBuilder {
    /// A chain of any network whose difficulty can be mined here (up to some tens of thousands).
    ///
    /// Before RSKIP-98 a quarter of the blocks that may be signed instead of mined are signed, if the
    /// network's fallback keys are [`presets::fallback_keys`].
    pub fn new(params: impl Into<Arc<NetworkParams>>) -> Self {
        Self {
            params: params.into(),
            seed: 0,
            merkle_depth: 0..=3,
            uncles: Uncles::LikeMainnet,
            fees: Fees::Any,
            bodies: false,
            false_uncle_counts: false,
        }
    }

    /// A chain of the offline network.
    pub fn simnet() -> Self {
        Self::new(NetworkParams::simnet())
    }

    /// A chain of [`presets::eras`].
    pub fn eras() -> Self {
        Self::new(presets::eras())
    }

    /// The seed of everything that the rules leave open. 0 unless set.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How many hashes merkle paths have. 0 to 3 unless set, which is fast to make; mainnet's have 12, and
    /// then a header has about 1.1 kB. The partial merkle trees before RSKIP-92 have at most 14.
    pub fn merkle_depth(mut self, depth: RangeInclusive<usize>) -> Self {
        self.merkle_depth = depth;
        self
    }

    /// How many uncles blocks have. As on mainnet unless set. Real ones ([`Self::with_bodies`]) are ten at
    /// most, and none below height 2.
    pub fn uncles(mut self, uncles: Uncles) -> Self {
        self.uncles = uncles;
        self
    }

    /// What blocks pay. Anything unless set.
    pub fn fees(mut self, fees: Fees) -> Self {
        self.fees = fees;
        self
    }

    /// Makes bodies too, and keeps them: transactions, the extension, and uncles that are mined siblings of
    /// the last six ancestors. Takes about twice the time.
    pub fn with_bodies(mut self) -> Self {
        self.bodies = true;
        self
    }

    /// In a quarter of the blocks the header speaks of another number of uncles than the body has, which no
    /// rule forbids. Only with bodies.
    pub fn with_false_uncle_counts(mut self) -> Self {
        self.false_uncle_counts = true;
        self
    }

    /// Genesis and `blocks` blocks on top of it.
    ///
    /// # Panics
    /// When the genesis of the network is not a header, or its difficulty is too high to mine.
    pub fn build(self, blocks: u64) -> Chain {
        Chain::from_genesis(self).extended(blocks)
    }
}
