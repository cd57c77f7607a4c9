//! A transaction as bytes, and its hash. What is inside is not read.
//!
//! No RSKIP. Mirrors rskj's `Transaction` and `ImmutableTransaction`, of which every one is a list of nine strings.

use core::fmt;

use crate::primitives::{
    hash::{TransactionHash, keccak256},
    rlp::{Item, RlpError},
};

/// The encoded bytes of one transaction.
#[derive(Clone, PartialEq, Eq)]
pub struct Transaction {
    raw: Box<[u8]>,
    hash: TransactionHash,
}

/// Nonce, gas price, gas limit, receiver, value, data, and the three parts of a signature.
const FIELDS: usize = 9;

/// Why bytes are not a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransactionDecodeError {
    /// Not one canonical list of strings.
    #[error("not a canonical list of strings: {0}")]
    NotAList(#[from] RlpError),
    /// The list has another number of fields.
    #[error("{actual} fields where {FIELDS} belong")]
    FieldCount {
        /// Fields found.
        actual: usize,
    },
}

impl Transaction {
    /// Takes the bytes of one canonical list of nine strings.
    ///
    /// # Errors
    /// [`TransactionDecodeError`].
    pub fn decode(raw: &[u8]) -> Result<Self, TransactionDecodeError> {
        let mut fields = Item::decode(raw)?.list()?;
        let mut actual = 0;
        while !fields.is_empty() {
            fields.next_item()?.string()?;
            actual += 1;
        }
        if actual != FIELDS {
            return Err(TransactionDecodeError::FieldCount { actual });
        }
        Ok(Self { raw: raw.into(), hash: TransactionHash::new(keccak256(&[raw])) })
    }

    /// The bytes, as received.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The transaction's hash.
    pub fn hash(&self) -> TransactionHash {
        self.hash
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Transaction({}, {} bytes)", self.hash, self.raw.len())
    }
}
