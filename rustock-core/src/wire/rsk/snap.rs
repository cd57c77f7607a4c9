//! The requests of state synchronisation (types 20, 22, 24). A header client neither sends nor answers them; a
//! node that runs rskj's snap client may send them anyway.
//!
//! No RSKIP. Mirrors rskj's `SnapStateChunkRequestMessage`, `SnapStatusRequestMessage` and
//! `SnapBlocksRequestMessage`, read at 9.1.0.

use super::request_id::{RequestId, begin_with_id, open_with_id};
use crate::{
    primitives::number::BlockNumber,
    wire::{error::MessageError, fields::LARGEST_SIGNED},
};

/// Asks where a state synchronisation could start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapStatusRequest {
    /// Ties the response to this request.
    pub id: RequestId,
}

impl SnapStatusRequest {
    pub(super) fn body(&self) -> Vec<u8> {
        begin_with_id(self.id, 0).out().to_vec()
    }

    pub(super) fn decode(body: &[u8]) -> Result<Self, MessageError> {
        let (id, fields) = open_with_id("SnapStatusRequest", body)?;
        fields.finish()?;
        Ok(Self { id })
    }
}

/// Asks for the blocks below a height.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapBlocksRequest {
    /// Ties the response to this request.
    pub id: RequestId,
    /// The height.
    pub number: BlockNumber,
}

impl SnapBlocksRequest {
    pub(super) fn body(&self) -> Vec<u8> {
        let mut stream = begin_with_id(self.id, 1);
        stream.append(&self.number.get());
        stream.out().to_vec()
    }

    pub(super) fn decode(body: &[u8]) -> Result<Self, MessageError> {
        let (id, mut fields) = open_with_id("SnapBlocksRequest", body)?;
        let number = fields.block_number("number")?;
        fields.finish()?;
        Ok(Self { id, number })
    }
}

/// Asks for a part of the state at a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapStateChunkRequest {
    /// Ties the response to this request.
    pub id: RequestId,
    /// The block's height.
    pub number: BlockNumber,
    /// Where the part begins, in bytes of the serialised state, at most 2^63 − 1.
    pub from: u64,
    /// Size wanted, which rskj's server ignores, at most 2^63 − 1.
    pub chunk_size: u64,
}

impl SnapStateChunkRequest {
    pub(super) fn body(&self) -> Vec<u8> {
        let mut stream = begin_with_id(self.id, 3);
        stream.append(&self.number.get()).append(&self.from).append(&self.chunk_size);
        stream.out().to_vec()
    }

    pub(super) fn decode(body: &[u8]) -> Result<Self, MessageError> {
        let (id, mut fields) = open_with_id("SnapStateChunkRequest", body)?;
        let number = fields.block_number("number")?;
        let from = fields.unsigned("from", LARGEST_SIGNED)?;
        let chunk_size = fields.unsigned("chunk size", LARGEST_SIGNED)?;
        fields.finish()?;
        Ok(Self { id, number, from, chunk_size })
    }
}
