//! SkeletonRequest (type 16) and SkeletonResponse (type 13).
//!
//! No RSKIP. Mirrors rskj's `SkeletonRequestMessage`, `SkeletonResponseMessage` and
//! `NodeBlockProcessor.processSkeletonRequest`, read at 9.1.0.

use super::{
    announce::BlockIdentifier,
    request_id::{RequestId, begin_with_id, open_with_id},
};
use crate::{
    primitives::number::BlockNumber,
    wire::error::{MessageError, MessageFault},
};

/// The most entries of a skeleton that are read. rskj sends up to 21: twenty steps of 192 and the one after.
pub const MAX_SKELETON_ENTRIES: usize = 22;

/// Asks for every 192nd block from the multiple of 192 at or below `start`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SkeletonRequest {
    /// Ties the response to this request.
    pub id: RequestId,
    /// The height to start from; 0 is allowed.
    pub start: BlockNumber,
}

impl SkeletonRequest {
    pub(super) fn body(&self) -> Vec<u8> {
        let mut stream = begin_with_id(self.id, 1);
        stream.append(&self.start.get());
        stream.out().to_vec()
    }

    pub(super) fn decode(body: &[u8]) -> Result<Self, MessageError> {
        let (id, mut fields) = open_with_id("SkeletonRequest", body)?;
        let start = fields.block_number("start")?;
        fields.finish()?;
        Ok(Self { id, start })
    }
}

/// Every 192nd block, ascending; within reach of the peer's best block that one comes last. One entry is
/// possible. The order and the steps are not checked here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkeletonResponse {
    /// The id of the request.
    pub id: RequestId,
    /// At most [`MAX_SKELETON_ENTRIES`] blocks.
    pub identifiers: Vec<BlockIdentifier>,
}

impl SkeletonResponse {
    pub(super) fn body(&self) -> Vec<u8> {
        let mut stream = begin_with_id(self.id, 1);
        stream.begin_list(self.identifiers.len());
        for identifier in &self.identifiers {
            identifier.append_to(&mut stream);
        }
        stream.out().to_vec()
    }

    pub(super) fn decode(body: &[u8]) -> Result<Self, MessageError> {
        let (id, mut fields) = open_with_id("SkeletonResponse", body)?;
        let mut entries = fields.list("identifiers")?;
        fields.finish()?;
        let mut identifiers = Vec::new();
        while !entries.is_empty() {
            if identifiers.len() == MAX_SKELETON_ENTRIES {
                let reason = MessageFault::TooManyEntries { limit: MAX_SKELETON_ENTRIES };
                return Err(entries.fault("identifiers", reason));
            }
            identifiers.push(BlockIdentifier::take(&mut entries)?);
        }
        Ok(Self { id, identifiers })
    }
}
