//! BlockHashRequest (type 8) and BlockHashResponse (type 18).
//!
//! No RSKIP. Mirrors rskj's `BlockHashRequestMessage` and `BlockHashResponseMessage`, read at 9.1.0.

use super::{
    block::{decode_hash_with_id, hash_with_id},
    request_id::{RequestId, begin_with_id, open_with_id},
};
use crate::{
    primitives::{hash::BlockHash, number::BlockNumber},
    wire::error::MessageError,
};

/// Asks for the hash of the peer's main-chain block at a height. rskj answers height 0 with silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockHashRequest {
    /// Ties the response to this request.
    pub id: RequestId,
    /// The height.
    pub height: BlockNumber,
}

impl BlockHashRequest {
    pub(super) fn body(&self) -> Vec<u8> {
        let mut stream = begin_with_id(self.id, 1);
        stream.append(&self.height.get());
        stream.out().to_vec()
    }

    pub(super) fn decode(body: &[u8]) -> Result<Self, MessageError> {
        let (id, mut fields) = open_with_id("BlockHashRequest", body)?;
        let height = fields.block_number("height")?;
        fields.finish()?;
        Ok(Self { id, height })
    }
}

/// The hash of the peer's main-chain block at the height asked for. The height is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockHashResponse {
    /// The id of the request.
    pub id: RequestId,
    /// The hash.
    pub hash: BlockHash,
}

impl BlockHashResponse {
    pub(super) fn body(&self) -> Vec<u8> {
        hash_with_id(self.id, self.hash)
    }

    pub(super) fn decode(body: &[u8]) -> Result<Self, MessageError> {
        let (id, hash) = decode_hash_with_id("BlockHashResponse", body)?;
        Ok(Self { id, hash })
    }
}
