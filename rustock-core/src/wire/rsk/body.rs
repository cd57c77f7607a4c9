//! BodyRequest (type 14) and BodyResponse (type 15).
//!
//! RSKIP-351 adds the header extension to the response. Mirrors rskj's `BodyRequestMessage` and
//! `BodyResponseMessage`, read at 9.1.0.

use rlp::RlpStream;

use super::{
    block::{decode_hash_with_id, hash_with_id},
    raw_list::RawList,
    request_id::{RequestId, begin_with_id, open_with_id},
};
use crate::{
    primitives::{
        activation::Activations,
        block::{Body, BodyDecodeError},
        hash::BlockHash,
        number::BlockNumber,
    },
    wire::error::{MessageError, MessageFault},
};

/// The most uncles a valid block can have (rskj's `uncleListLimit`).
pub const MAX_UNCLES: usize = 10;

/// Asks for the transactions and uncles of one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyRequest {
    /// Ties the response to this request.
    pub id: RequestId,
    /// The block's hash.
    pub hash: BlockHash,
}

impl BodyRequest {
    pub(super) fn body(&self) -> Vec<u8> {
        hash_with_id(self.id, self.hash)
    }

    pub(super) fn decode(body: &[u8]) -> Result<Self, MessageError> {
        let (id, hash) = decode_hash_with_id("BodyRequest", body)?;
        Ok(Self { id, hash })
    }
}

/// The transactions and uncles of one block, unread. The response does not say which block they belong to: only
/// the roots in its header do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyResponse {
    /// The id of the request.
    pub id: RequestId,
    /// The list of transactions, as received.
    pub transactions: RawList,
    /// At most [`MAX_UNCLES`] uncle headers in their full form, each as received.
    pub uncles: Vec<RawList>,
    /// `[version, bytes(rlp(extension))]` for a block whose header has an extension, as received.
    pub extension: Option<RawList>,
}

impl BodyResponse {
    /// Reads the lists as the body of the block at `number`.
    ///
    /// # Errors
    /// What is wrong with the first transaction, uncle or extension that cannot be read.
    pub fn decode_body(
        &self,
        activations: &Activations,
        number: BlockNumber,
    ) -> Result<Body, BodyDecodeError> {
        let mut stream = RlpStream::new_list(2 + usize::from(self.extension.is_some()));
        self.append_lists(&mut stream);
        Body::decode(&stream.out(), activations, number)
    }

    pub(super) fn body(&self) -> Vec<u8> {
        let mut stream = begin_with_id(self.id, 2 + usize::from(self.extension.is_some()));
        self.append_lists(&mut stream);
        stream.out().to_vec()
    }

    fn append_lists(&self, stream: &mut RlpStream) {
        stream.append_raw(self.transactions.as_bytes(), 1);
        stream.begin_list(self.uncles.len());
        for uncle in &self.uncles {
            stream.append_raw(uncle.as_bytes(), 1);
        }
        if let Some(extension) = &self.extension {
            stream.append_raw(extension.as_bytes(), 1);
        }
    }

    pub(super) fn decode(body: &[u8]) -> Result<Self, MessageError> {
        let (id, mut fields) = open_with_id("BodyResponse", body)?;
        let transactions = RawList::take(&mut fields, "transactions")?;
        let mut entries = fields.list("uncles")?;
        let mut uncles = Vec::new();
        while !entries.is_empty() {
            if uncles.len() == MAX_UNCLES {
                return Err(entries.fault("uncles", MessageFault::TooManyEntries { limit: MAX_UNCLES }));
            }
            uncles.push(RawList::take(&mut entries, "uncle")?);
        }
        let extension = if fields.is_empty() { None } else { Some(RawList::take(&mut fields, "extension")?) };
        fields.finish()?;
        Ok(Self { id, transactions, uncles, extension })
    }
}
