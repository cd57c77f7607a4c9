//! What chain to make: the network, the seed, the shape of blocks.

use std::{ops::RangeInclusive, sync::Arc};

use rustock_core::{consensus::params::NetworkParams, primitives::activation::Activation};

use super::{chain::Chain, random::Random};

/// How many uncles the headers speak of.
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

/// The settings of a chain. The same settings make the same bytes on every machine.
#[derive(Debug, Clone)]
pub struct ChainBuilder {
    pub(super) params: Arc<NetworkParams>,
    pub(super) seed: u64,
    pub(super) merkle_depth: RangeInclusive<usize>,
    pub(super) uncles: Uncles,
}

impl ChainBuilder {
    /// A chain of a network whose rules are mainnet's from wasabi on, at a difficulty that can be mined here
    /// (up to some tens of thousands).
    ///
    /// # Panics
    /// When the network's headers are not all of version 0, or rules of older eras hold on it.
    pub fn new(params: impl Into<Arc<NetworkParams>>) -> Self {
        let params = params.into();
        let rules = &params.activations;
        for (name, rule) in [("92", rules.rskip92), ("97", rules.rskip97), ("98", rules.rskip98)] {
            assert_eq!(rule, Activation::GENESIS, "RSKIP-{name} must hold from genesis on");
        }
        assert_eq!(rules.rskip351.first(), None, "only version-0 headers can be generated");
        Self { params, seed: 0, merkle_depth: 0..=3, uncles: Uncles::LikeMainnet }
    }

    /// A chain of the offline network.
    pub fn simnet() -> Self {
        Self::new(NetworkParams::simnet())
    }

    /// The seed of everything that the rules leave open. 0 unless set.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How many hashes merkle paths have. 0 to 3 unless set, which is fast to make; mainnet's have 12, and
    /// then a header has about 1.1 kB.
    pub fn merkle_depth(mut self, depth: RangeInclusive<usize>) -> Self {
        self.merkle_depth = depth;
        self
    }

    /// How many uncles headers speak of. As on mainnet unless set.
    pub fn uncles(mut self, uncles: Uncles) -> Self {
        self.uncles = uncles;
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
