//! What a child is checked against: the few facts of its parent that the rules read.
//!
//! No RSKIP. rskj hands whole parent headers to its rules; a light client keeps these facts of old blocks.

use crate::primitives::{
    hash::BlockHash,
    header::Header,
    number::{BlockNumber, Difficulty, GasLimit, GasPrice, UnixTime},
};

/// The facts of a block that the rules read when they check its child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parent {
    /// Hash of the block.
    pub hash: BlockHash,
    /// Height of the block.
    pub number: BlockNumber,
    /// Its time.
    pub timestamp: UnixTime,
    /// Its difficulty.
    pub difficulty: Difficulty,
    /// Its gas limit.
    pub gas_limit: GasLimit,
    /// Its least gas price; `None` is rskj's null, which no child can follow.
    pub minimum_gas_price: Option<GasPrice>,
}

impl From<&Header> for Parent {
    fn from(header: &Header) -> Self {
        Self {
            hash: header.hash(),
            number: header.number(),
            timestamp: header.timestamp(),
            difficulty: header.difficulty(),
            gas_limit: header.gas_limit(),
            minimum_gas_price: header.minimum_gas_price(),
        }
    }
}
