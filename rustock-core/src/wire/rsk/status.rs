//! Status (type 1): what a peer says its best block is.
//!
//! No RSKIP. Mirrors rskj's `StatusMessage` and `co.rsk.net.Status`, read at 9.1.0.

use rlp::RlpStream;

use crate::{
    primitives::{
        hash::BlockHash,
        number::{BlockNumber, CumulativeDifficulty},
    },
    wire::{
        error::MessageError,
        fields::{Fields, append_bytes, append_signed_difficulty},
    },
};

/// A peer's claim about its chain. Nothing in it is proved; number 0 means that the peer cannot serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// Height of the best block.
    pub number: BlockNumber,
    /// Hash of the best block.
    pub best_hash: BlockHash,
    /// Hash of the block below; zero for genesis.
    pub parent_hash: BlockHash,
    /// Work of the chain, uncles included. Two's complement on the wire, unlike in the legacy Status.
    pub total_difficulty: CumulativeDifficulty,
}

impl Status {
    pub(super) fn body(&self) -> Vec<u8> {
        let mut stream = RlpStream::new_list(4);
        stream.append(&self.number.get());
        append_bytes(&mut stream, self.best_hash.as_ref());
        append_bytes(&mut stream, self.parent_hash.as_ref());
        append_signed_difficulty(&mut stream, self.total_difficulty);
        stream.out().to_vec()
    }

    pub(super) fn decode(body: &[u8]) -> Result<Self, MessageError> {
        let mut fields = Fields::of_payload("Status", body)?;
        let number = fields.block_number("number")?;
        let best_hash = fields.hash("best hash")?;
        let parent_hash = fields.hash("parent hash")?;
        let total_difficulty = fields.signed_difficulty("total difficulty")?;
        fields.finish()?;
        Ok(Self { number, best_hash, parent_hash, total_difficulty })
    }
}
