//! GetBlock (type 3) and BlockRequest (type 11): both ask for a whole block. Its answer is not decoded.
//!
//! No RSKIP. Mirrors rskj's `GetBlockMessage` and `BlockRequestMessage`, read at 9.1.0.

use rlp::RlpStream;

use super::request_id::{RequestId, begin_with_id, open_with_id};
use crate::{
    primitives::hash::BlockHash,
    wire::{
        error::MessageError,
        fields::{Fields, append_bytes},
    },
};

/// Asks for a whole block, without an id. rskj sends it for every hash announced to it that it does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GetBlock {
    /// The block's hash.
    pub hash: BlockHash,
}

impl GetBlock {
    pub(super) fn body(&self) -> Vec<u8> {
        let mut stream = RlpStream::new_list(1);
        append_bytes(&mut stream, self.hash.as_ref());
        stream.out().to_vec()
    }

    pub(super) fn decode(body: &[u8]) -> Result<Self, MessageError> {
        let mut fields = Fields::of_payload("GetBlock", body)?;
        let hash = fields.hash("hash")?;
        fields.finish()?;
        Ok(Self { hash })
    }
}

/// Asks for a whole block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockRequest {
    /// Ties the response to this request.
    pub id: RequestId,
    /// The block's hash.
    pub hash: BlockHash,
}

impl BlockRequest {
    pub(super) fn body(&self) -> Vec<u8> {
        hash_with_id(self.id, self.hash)
    }

    pub(super) fn decode(body: &[u8]) -> Result<Self, MessageError> {
        let (id, hash) = decode_hash_with_id("BlockRequest", body)?;
        Ok(Self { id, hash })
    }
}

/// The body `[id, [hash]]`, which three messages share.
pub(super) fn hash_with_id(id: RequestId, hash: BlockHash) -> Vec<u8> {
    let mut stream = begin_with_id(id, 1);
    append_bytes(&mut stream, hash.as_ref());
    stream.out().to_vec()
}

/// Reads the body `[id, [hash]]`.
pub(super) fn decode_hash_with_id(
    message: &'static str,
    body: &[u8],
) -> Result<(RequestId, BlockHash), MessageError> {
    let (id, mut fields) = open_with_id(message, body)?;
    let hash = fields.hash("hash")?;
    fields.finish()?;
    Ok((id, hash))
}
