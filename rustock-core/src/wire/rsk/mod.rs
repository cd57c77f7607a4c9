//! The `rsk/62` sub-protocol: every message that a header client sends or gets, typed; the rest known by type
//! and size.
//!
//! No RSKIP, except that RSKIP-351 adds an element to `BodyResponse`. Mirrors rskj's `co.rsk.net.messages`
//! and `Eth62MessageFactory`, read at 9.1.0. Two message codes exist: 0x10 carries [`LegacyStatus`], 0x18
//! carries [`RskMessage`].

pub mod announce;
pub mod block;
pub mod block_hash;
pub mod body;
pub mod envelope;
pub mod headers;
pub mod legacy_status;
pub mod raw_list;
pub mod request_id;
pub mod skeleton;
pub mod snap;
pub mod status;
#[cfg(test)]
mod tests;

pub use announce::{BlockIdentifier, MAX_USED_IDENTIFIERS, NewBlockHash, NewBlockHashes};
pub use block::{BlockRequest, GetBlock};
pub use block_hash::{BlockHashRequest, BlockHashResponse};
pub use body::{BodyRequest, BodyResponse, MAX_UNCLES};
pub use envelope::{MessageKind, PEEK_SIZE, seal};
pub use headers::{BlockHeadersRequest, BlockHeadersResponse, MAX_HEADERS};
pub use legacy_status::LegacyStatus;
pub use raw_list::RawList;
pub use request_id::RequestId;
pub use skeleton::{MAX_SKELETON_ENTRIES, SkeletonRequest, SkeletonResponse};
pub use snap::{SnapBlocksRequest, SnapStateChunkRequest, SnapStatusRequest};
pub use status::Status;

use super::error::MessageError;
use envelope::open;

/// A message inside the 0x18 envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RskMessage {
    /// Type 1: what the sender says its best block is.
    Status(Status),
    /// Type 3: asks for a whole block, without an id.
    GetBlock(GetBlock),
    /// Type 6: blocks the sender has.
    NewBlockHashes(NewBlockHashes),
    /// Type 8: asks for the hash at a height.
    BlockHashRequest(BlockHashRequest),
    /// Type 9: asks for headers from a hash downwards.
    BlockHeadersRequest(BlockHeadersRequest),
    /// Type 10: headers, the requested one first.
    BlockHeadersResponse(BlockHeadersResponse),
    /// Type 11: asks for a whole block.
    BlockRequest(BlockRequest),
    /// Type 13: every 192nd block.
    SkeletonResponse(SkeletonResponse),
    /// Type 14: asks for the transactions and uncles of a block.
    BodyRequest(BodyRequest),
    /// Type 15: transactions and uncles of a block.
    BodyResponse(BodyResponse),
    /// Type 16: asks for every 192nd block.
    SkeletonRequest(SkeletonRequest),
    /// Type 17: a block the sender has. rskj never sends it.
    NewBlockHash(NewBlockHash),
    /// Type 18: the hash at a height.
    BlockHashResponse(BlockHashResponse),
    /// Type 20: asks for a part of the state.
    SnapStateChunkRequest(SnapStateChunkRequest),
    /// Type 22: asks where a state synchronisation could start.
    SnapStatusRequest(SnapStatusRequest),
    /// Type 24: asks for the blocks below a height.
    SnapBlocksRequest(SnapBlocksRequest),
    /// Types 2, 7, 12, 21, 23, 25: whole blocks, transactions and snap responses. Their body is not decoded.
    Ignored {
        /// The type.
        kind: MessageKind,
        /// Bytes of the body.
        size: usize,
    },
}

impl RskMessage {
    /// The message code of the envelope.
    pub const CODE: u8 = 0x18;

    /// The message's type.
    pub fn kind(&self) -> MessageKind {
        match self {
            Self::Status(_) => MessageKind::Status,
            Self::GetBlock(_) => MessageKind::GetBlock,
            Self::NewBlockHashes(_) => MessageKind::NewBlockHashes,
            Self::BlockHashRequest(_) => MessageKind::BlockHashRequest,
            Self::BlockHeadersRequest(_) => MessageKind::BlockHeadersRequest,
            Self::BlockHeadersResponse(_) => MessageKind::BlockHeadersResponse,
            Self::BlockRequest(_) => MessageKind::BlockRequest,
            Self::SkeletonResponse(_) => MessageKind::SkeletonResponse,
            Self::BodyRequest(_) => MessageKind::BodyRequest,
            Self::BodyResponse(_) => MessageKind::BodyResponse,
            Self::SkeletonRequest(_) => MessageKind::SkeletonRequest,
            Self::NewBlockHash(_) => MessageKind::NewBlockHash,
            Self::BlockHashResponse(_) => MessageKind::BlockHashResponse,
            Self::SnapStateChunkRequest(_) => MessageKind::SnapStateChunkRequest,
            Self::SnapStatusRequest(_) => MessageKind::SnapStatusRequest,
            Self::SnapBlocksRequest(_) => MessageKind::SnapBlocksRequest,
            Self::Ignored { kind, .. } => *kind,
        }
    }

    /// The id of a request, or of the request that a response answers; `None` where the body is not decoded
    /// or the type has no id.
    pub fn request_id(&self) -> Option<RequestId> {
        match self {
            Self::BlockHashRequest(message) => Some(message.id),
            Self::BlockHeadersRequest(message) => Some(message.id),
            Self::BlockHeadersResponse(message) => Some(message.id),
            Self::BlockRequest(message) => Some(message.id),
            Self::SkeletonResponse(message) => Some(message.id),
            Self::BodyRequest(message) => Some(message.id),
            Self::BodyResponse(message) => Some(message.id),
            Self::SkeletonRequest(message) => Some(message.id),
            Self::BlockHashResponse(message) => Some(message.id),
            Self::SnapStateChunkRequest(message) => Some(message.id),
            Self::SnapStatusRequest(message) => Some(message.id),
            Self::SnapBlocksRequest(message) => Some(message.id),
            Self::Status(_)
            | Self::GetBlock(_)
            | Self::NewBlockHashes(_)
            | Self::NewBlockHash(_)
            | Self::Ignored { .. } => None,
        }
    }

    /// True for the requests whose answers may be larger than any other message that is read.
    pub const fn asks_for_large_answer(&self) -> bool {
        matches!(self, Self::BlockHeadersRequest(_) | Self::BodyRequest(_))
    }

    /// The payload of the message, without its code 0x18. An ignored message has lost its body: its place is
    /// taken by as many zero bytes. [`seal`] sends a body of those types.
    pub fn encode(&self) -> Vec<u8> {
        let body = match self {
            Self::Status(message) => message.body(),
            Self::GetBlock(message) => message.body(),
            Self::NewBlockHashes(message) => message.body(),
            Self::BlockHashRequest(message) => message.body(),
            Self::BlockHeadersRequest(message) => message.body(),
            Self::BlockHeadersResponse(message) => message.body(),
            Self::BlockRequest(message) => message.body(),
            Self::SkeletonResponse(message) => message.body(),
            Self::BodyRequest(message) => message.body(),
            Self::BodyResponse(message) => message.body(),
            Self::SkeletonRequest(message) => message.body(),
            Self::NewBlockHash(message) => message.body(),
            Self::BlockHashResponse(message) => message.body(),
            Self::SnapStateChunkRequest(message) => message.body(),
            Self::SnapStatusRequest(message) => message.body(),
            Self::SnapBlocksRequest(message) => message.body(),
            Self::Ignored { size, .. } => vec![0; *size],
        };
        seal(self.kind(), &body)
    }

    /// Decodes a payload. Only the form rskj writes is taken: no longer lengths, no further elements.
    ///
    /// # Errors
    /// The field that is wrong.
    pub fn decode(payload: &[u8]) -> Result<Self, MessageError> {
        let (kind, body) = open(payload)?;
        Ok(match kind {
            MessageKind::Status => Self::Status(Status::decode(body)?),
            MessageKind::GetBlock => Self::GetBlock(GetBlock::decode(body)?),
            MessageKind::NewBlockHashes => Self::NewBlockHashes(NewBlockHashes::decode(body)?),
            MessageKind::BlockHashRequest => Self::BlockHashRequest(BlockHashRequest::decode(body)?),
            MessageKind::BlockHeadersRequest => Self::BlockHeadersRequest(BlockHeadersRequest::decode(body)?),
            MessageKind::BlockHeadersResponse => {
                Self::BlockHeadersResponse(BlockHeadersResponse::decode(body)?)
            }
            MessageKind::BlockRequest => Self::BlockRequest(BlockRequest::decode(body)?),
            MessageKind::SkeletonResponse => Self::SkeletonResponse(SkeletonResponse::decode(body)?),
            MessageKind::BodyRequest => Self::BodyRequest(BodyRequest::decode(body)?),
            MessageKind::BodyResponse => Self::BodyResponse(BodyResponse::decode(body)?),
            MessageKind::SkeletonRequest => Self::SkeletonRequest(SkeletonRequest::decode(body)?),
            MessageKind::NewBlockHash => Self::NewBlockHash(NewBlockHash::decode(body)?),
            MessageKind::BlockHashResponse => Self::BlockHashResponse(BlockHashResponse::decode(body)?),
            MessageKind::SnapStateChunkRequest => {
                Self::SnapStateChunkRequest(SnapStateChunkRequest::decode(body)?)
            }
            MessageKind::SnapStatusRequest => Self::SnapStatusRequest(SnapStatusRequest::decode(body)?),
            MessageKind::SnapBlocksRequest => Self::SnapBlocksRequest(SnapBlocksRequest::decode(body)?),
            MessageKind::Block
            | MessageKind::Transactions
            | MessageKind::BlockResponse
            | MessageKind::SnapStateChunkResponse
            | MessageKind::SnapStatusResponse
            | MessageKind::SnapBlocksResponse => Self::Ignored { kind, size: body.len() },
        })
    }
}
