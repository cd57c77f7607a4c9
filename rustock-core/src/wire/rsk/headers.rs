//! BlockHeadersRequest (type 9) and BlockHeadersResponse (type 10).
//!
//! No RSKIP. Mirrors rskj's `BlockHeadersRequestMessage`, `BlockHeadersResponseMessage` and
//! `NodeBlockProcessor.processBlockHeadersRequest`, read at 9.1.0. Headers travel in the form of
//! `BlockHeader.getEncodedCompressed`.

use super::{
    raw_list::RawList,
    request_id::{RequestId, begin_with_id, open_with_id},
};
use crate::{
    primitives::hash::BlockHash,
    wire::{
        error::{MessageError, MessageFault},
        fields::append_bytes,
    },
};

/// The most headers in one response, and the most that may be asked for: rskj is silent above it.
pub const MAX_HEADERS: usize = 192;

/// Asks for a header and the ones below it. rskj answers 0 and 1 with one header, more than
/// [`MAX_HEADERS`] with silence, a hash it does not know with silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockHeadersRequest {
    /// Ties the response to this request.
    pub id: RequestId,
    /// Hash of the highest header wanted.
    pub hash: BlockHash,
    /// Number of headers wanted. rskj closes the connection above 2^31 − 1, so no more is read here.
    pub count: u32,
}

impl BlockHeadersRequest {
    pub(super) fn body(&self) -> Vec<u8> {
        let mut stream = begin_with_id(self.id, 2);
        append_bytes(&mut stream, self.hash.as_ref());
        stream.append(&self.count);
        stream.out().to_vec()
    }

    pub(super) fn decode(body: &[u8]) -> Result<Self, MessageError> {
        let (id, mut fields) = open_with_id("BlockHeadersRequest", body)?;
        let hash = fields.hash("hash")?;
        let count = fields.unsigned("count", i32::MAX as u64)?;
        let count = u32::try_from(count).expect("the limit is below the largest of the type");
        fields.finish()?;
        Ok(Self { id, hash, count })
    }
}

/// Headers, in descending order from the requested hash. Fewer than asked where the peer's store ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockHeadersResponse {
    /// The id of the request.
    pub id: RequestId,
    /// At most [`MAX_HEADERS`] headers, each as received.
    pub headers: Vec<RawList>,
}

impl BlockHeadersResponse {
    pub(super) fn body(&self) -> Vec<u8> {
        let mut stream = begin_with_id(self.id, 1);
        stream.begin_list(self.headers.len());
        for header in &self.headers {
            stream.append_raw(header.as_bytes(), 1);
        }
        stream.out().to_vec()
    }

    pub(super) fn decode(body: &[u8]) -> Result<Self, MessageError> {
        let (id, mut fields) = open_with_id("BlockHeadersResponse", body)?;
        let mut entries = fields.list("headers")?;
        fields.finish()?;
        let mut headers = Vec::new();
        while !entries.is_empty() {
            if headers.len() == MAX_HEADERS {
                return Err(entries.fault("headers", MessageFault::TooManyEntries { limit: MAX_HEADERS }));
            }
            headers.push(RawList::take(&mut entries, "header")?);
        }
        Ok(Self { id, headers })
    }
}
