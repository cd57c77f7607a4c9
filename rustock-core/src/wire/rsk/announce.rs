//! NewBlockHashes (type 6) and NewBlockHash (type 17), and the identifier they share with the skeleton.
//!
//! No RSKIP. Mirrors rskj's `NewBlockHashesMessage`, `NewBlockHashMessage` and `BlockIdentifier`, read at
//! 9.1.0.

use rlp::RlpStream;

use crate::{
    primitives::{hash::BlockHash, number::BlockNumber},
    wire::{
        error::MessageError,
        fields::{Fields, append_bytes},
    },
};

/// The identifiers of an announcement that are read. rskj sets no limit and sends one.
pub const MAX_USED_IDENTIFIERS: usize = 256;

/// A block by hash and height.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockIdentifier {
    /// Its hash.
    pub hash: BlockHash,
    /// Its height, as the sender says.
    pub number: BlockNumber,
}

impl BlockIdentifier {
    pub(super) fn append_to(&self, stream: &mut RlpStream) {
        stream.begin_list(2);
        append_bytes(stream, self.hash.as_ref());
        stream.append(&self.number.get());
    }

    /// Takes the next entry of a list of identifiers.
    pub(super) fn take(entries: &mut Fields<'_>) -> Result<Self, MessageError> {
        let mut fields = entries.list("identifier")?;
        let hash = fields.hash("identifier hash")?;
        let number = fields.block_number("identifier number")?;
        fields.finish()?;
        Ok(Self { hash, number })
    }
}

/// Blocks the sender says it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBlockHashes {
    /// The first [`MAX_USED_IDENTIFIERS`] of them.
    pub identifiers: Vec<BlockIdentifier>,
    /// How many more there were. They are not kept, so encoding leaves them out.
    pub ignored: usize,
}

impl NewBlockHashes {
    pub(super) fn body(&self) -> Vec<u8> {
        let mut stream = RlpStream::new_list(self.identifiers.len());
        for identifier in &self.identifiers {
            identifier.append_to(&mut stream);
        }
        stream.out().to_vec()
    }

    pub(super) fn decode(body: &[u8]) -> Result<Self, MessageError> {
        let mut entries = Fields::of_payload("NewBlockHashes", body)?;
        let mut identifiers = Vec::new();
        while !entries.is_empty() && identifiers.len() < MAX_USED_IDENTIFIERS {
            identifiers.push(BlockIdentifier::take(&mut entries)?);
        }
        Ok(Self { identifiers, ignored: entries.count("identifier")? })
    }
}

/// One block the sender says it has, without its height.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewBlockHash {
    /// Its hash.
    pub hash: BlockHash,
}

impl NewBlockHash {
    pub(super) fn body(&self) -> Vec<u8> {
        let mut stream = RlpStream::new_list(1);
        append_bytes(&mut stream, self.hash.as_ref());
        stream.out().to_vec()
    }

    pub(super) fn decode(body: &[u8]) -> Result<Self, MessageError> {
        let mut fields = Fields::of_payload("NewBlockHash", body)?;
        let hash = fields.hash("hash")?;
        fields.finish()?;
        Ok(Self { hash })
    }
}
