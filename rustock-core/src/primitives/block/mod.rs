//! A block as peers send it: its header and its body.
//!
//! RSKIP-351 adds the header's extension to the body. Mirrors rskj's `Block`, `BlockFactory.decodeBlock` and
//! `Block.getEncoded`.

mod body;
#[cfg(test)]
mod tests;
mod transaction;

pub use body::{Body, BodyDecodeError};
pub use transaction::{Transaction, TransactionDecodeError};

use super::{
    activation::Activations,
    hash::BlockHash,
    header::{ExtensionMismatch, FullHeader, Header, HeaderDecodeError},
    number::BlockNumber,
    rlp::{Item, RlpError},
};

/// A header and a body. That the body is the header's own is not checked here: the rules for bodies do that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The header, in its wire form.
    pub header: Header,
    /// Transactions, uncles and the header's extension.
    pub body: Body,
}

/// Why bytes are not a block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BlockDecodeError {
    /// Not a canonical list of header, transactions and uncles.
    #[error("not a list of header, transactions and uncles: {0}")]
    NotAList(RlpError),
    /// The header.
    #[error("header: {0}")]
    Header(#[from] HeaderDecodeError),
    /// The rest.
    #[error(transparent)]
    Body(#[from] BodyDecodeError),
}

impl Block {
    /// Decodes `[header in full form, transactions, uncles]`, strictly.
    ///
    /// # Errors
    /// [`BlockDecodeError`] names the part and what is wrong with it.
    pub fn decode(raw: &[u8], activations: &Activations) -> Result<Self, BlockDecodeError> {
        let mut parts = Item::decode(raw).and_then(|item| item.list()).map_err(BlockDecodeError::NotAList)?;
        let mut part = || parts.next_item().map_err(BlockDecodeError::NotAList);
        let [header, transactions, uncles] = [part()?, part()?, part()?];
        parts.finish().map_err(BlockDecodeError::NotAList)?;
        let (header, extension) = FullHeader::decode(header.encoded(), activations)?.into_parts();
        let body = Body {
            transactions: body::transactions(transactions)?,
            uncles: body::uncles(uncles, activations)?,
            extension,
        };
        Ok(Self { header, body })
    }

    /// `[header in full form, transactions, uncles]`.
    ///
    /// # Errors
    /// When the body's extension is not the header's: then there is no full form.
    pub fn encode(&self) -> Result<Vec<u8>, ExtensionMismatch> {
        let header = FullHeader::new(self.header.clone(), self.body.extension.clone())?;
        let mut out = rlp::RlpStream::new_list(3);
        out.append_raw(&header.encode(), 1);
        self.body.append_transactions(&mut out);
        self.body.append_uncles(&mut out);
        Ok(out.out().to_vec())
    }

    /// The block's hash.
    pub fn hash(&self) -> BlockHash {
        self.header.hash()
    }

    /// The block's height.
    pub fn number(&self) -> BlockNumber {
        self.header.number()
    }
}
