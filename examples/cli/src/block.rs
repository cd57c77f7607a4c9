//! A block as every JSON object of the command line names one.

use rustock_core::{BlockId, BlockRef, Header};
use serde::Serialize;

/// A block by height and hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Block {
    /// Height.
    pub number: u64,
    /// Hash.
    pub hash: String,
}

impl From<BlockId> for Block {
    fn from(block: BlockId) -> Self {
        Self { number: block.number.get(), hash: block.hash.to_string() }
    }
}

impl From<&BlockRef> for Block {
    fn from(block: &BlockRef) -> Self {
        block.id().into()
    }
}

impl From<&Header> for Block {
    fn from(header: &Header) -> Self {
        BlockId { number: header.number(), hash: header.hash() }.into()
    }
}
