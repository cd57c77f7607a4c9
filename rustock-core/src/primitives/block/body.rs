//! What a block has besides its header: transactions, uncles, the header's extension.
//!
//! RSKIP-351 adds the extension. Mirrors the lists of rskj's `BodyResponseMessage`.

use rlp::RlpStream;

use super::{Transaction, TransactionDecodeError};
use crate::primitives::{
    activation::{Activations, HeaderVersion},
    header::{FullHeader, HeaderDecodeError, HeaderExtension},
    number::BlockNumber,
    rlp::{Item, RlpError},
};

/// The body of a block. Decoding proves its form; whether it belongs to a header, the rules for bodies tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// The transactions, in order; the last one is REMASC's.
    pub transactions: Vec<Transaction>,
    /// The uncles, in order.
    pub uncles: Vec<FullHeader>,
    /// The header's extension, from version 1 on.
    pub extension: Option<HeaderExtension>,
}

/// Why bytes are not a body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BodyDecodeError {
    /// Not a canonical list of transactions, uncles and, where there is one, an extension.
    #[error("not a list of transactions, uncles and extension: {0}")]
    NotAList(RlpError),
    /// A transaction.
    #[error("transaction {}: {reason}", index + 1)]
    Transaction {
        /// Its place, from 0.
        index: usize,
        /// What is wrong with it.
        reason: TransactionDecodeError,
    },
    /// An uncle.
    #[error("uncle {}: {reason}", index + 1)]
    Uncle {
        /// Its place, from 0.
        index: usize,
        /// What is wrong with it.
        reason: HeaderDecodeError,
    },
    /// The extension.
    #[error("extension: {0}")]
    Extension(HeaderDecodeError),
}

impl Body {
    /// Decodes `[transactions, uncles, extension?]` of the block at `number`, strictly.
    ///
    /// # Errors
    /// [`BodyDecodeError`] names the part and what is wrong with it.
    pub fn decode(
        raw: &[u8],
        activations: &Activations,
        number: BlockNumber,
    ) -> Result<Self, BodyDecodeError> {
        let mut parts = Item::decode(raw).and_then(|item| item.list()).map_err(BodyDecodeError::NotAList)?;
        let transaction_list = parts.next_item().map_err(BodyDecodeError::NotAList)?;
        let uncle_list = parts.next_item().map_err(BodyDecodeError::NotAList)?;
        let extension = match activations.header_version(number) {
            HeaderVersion::V0 => None,
            HeaderVersion::V1 | HeaderVersion::V2 => {
                let extension = parts.next_item().map_err(BodyDecodeError::NotAList)?;
                let extension = HeaderExtension::decode_in_body(extension.encoded(), activations, number);
                Some(extension.map_err(BodyDecodeError::Extension)?)
            }
        };
        parts.finish().map_err(BodyDecodeError::NotAList)?;
        Ok(Self {
            transactions: transactions(transaction_list)?,
            uncles: uncles(uncle_list, activations)?,
            extension,
        })
    }

    /// `[transactions, uncles, extension?]`.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = RlpStream::new_list(2 + usize::from(self.extension.is_some()));
        self.append_transactions(&mut out);
        self.append_uncles(&mut out);
        if let Some(extension) = &self.extension {
            out.append_raw(&extension.encode_in_body(), 1);
        }
        out.out().to_vec()
    }

    pub(super) fn append_transactions(&self, out: &mut RlpStream) {
        out.begin_list(self.transactions.len());
        for transaction in &self.transactions {
            out.append_raw(transaction.raw(), 1);
        }
    }

    /// The list whose Keccak-256 is the header's `unclesHash`.
    pub(super) fn append_uncles(&self, out: &mut RlpStream) {
        out.begin_list(self.uncles.len());
        for uncle in &self.uncles {
            out.append_raw(&uncle.encode(), 1);
        }
    }

    /// The encoded list of uncles, each in its full form: what the header's `unclesHash` is the Keccak-256 of.
    pub fn encode_uncles(&self) -> Vec<u8> {
        let mut out = RlpStream::new();
        self.append_uncles(&mut out);
        out.out().to_vec()
    }
}

pub(super) fn transactions(list: Item<'_>) -> Result<Vec<Transaction>, BodyDecodeError> {
    let mut items = list.list().map_err(BodyDecodeError::NotAList)?;
    let mut transactions = Vec::new();
    while !items.is_empty() {
        let index = transactions.len();
        let item = items.next_item().map_err(TransactionDecodeError::from);
        let transaction = item.and_then(|item| Transaction::decode(item.encoded()));
        transactions.push(transaction.map_err(|reason| BodyDecodeError::Transaction { index, reason })?);
    }
    Ok(transactions)
}

pub(super) fn uncles(list: Item<'_>, activations: &Activations) -> Result<Vec<FullHeader>, BodyDecodeError> {
    let mut items = list.list().map_err(BodyDecodeError::NotAList)?;
    let mut uncles = Vec::new();
    while !items.is_empty() {
        let index = uncles.len();
        let item = items.next_item().map_err(HeaderDecodeError::NotAList);
        let uncle = item.and_then(|item| FullHeader::decode_uncle(item.encoded(), activations));
        uncles.push(uncle.map_err(|reason| BodyDecodeError::Uncle { index, reason })?);
    }
    Ok(uncles)
}
