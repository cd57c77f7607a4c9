//! A block header: the received bytes, the values in them, and the hash, computed once.
//!
//! RSKIP-92 (what the hash covers), RSKIP-UMM, RSKIP-351 and RSKIP-535 (versions 1 and 2). Mirrors rskj's
//! `BlockHeader`, `BlockHeaderV0`, `BlockHeaderV1`, `BlockHeaderV2` and `BlockFactory.decodeHeader`.
//!
//! A [`Header`] is a header in its wire form (rskj's *compressed*), which the block hash and every rule of the
//! header can be computed from. From version 1 on its full form has an extension besides: [`FullHeader`].

mod decode;
mod extension;
mod field;
mod fields;
mod full;
#[cfg(test)]
mod tests;

use core::fmt;
use std::sync::Arc;

use decode::{ProofSpans, Sizes, Spans};

pub use decode::{BITCOIN_HEADER_SIZE, FieldError, HeaderDecodeError, LOGS_BLOOM_SIZE};
pub use extension::HeaderExtension;
pub use field::HeaderField;
pub use fields::{HeaderFields, LogsCommitment, ProofFields};
pub use full::{ExtensionMismatch, FullHeader};

use super::{
    activation::{Activations, HeaderVersion},
    hash::{Address, BlockHash, Hash256, keccak256},
    number::{BlockNumber, Difficulty, GasLimit, GasPrice, UnixTime},
    rlp::list_prefix,
};

/// A decoded header. Cheap to clone; immutable. Decoding proves its form and nothing else.
#[derive(Clone)]
pub struct Header(Arc<Inner>);

struct Inner {
    raw: Box<[u8]>,
    hash: BlockHash,
    parsed: decode::Parsed,
}

/// The merged-mining fields of a header, as slices of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MergedMiningProof<'a> {
    /// 80 bytes of Bitcoin header (from RSKIP-98 on; a genesis has one zero byte in each field).
    pub bitcoin_header: &'a [u8],
    /// Path from the coinbase to the merkle root.
    pub merkle_proof: &'a [u8],
    /// SHA-256 byte count (8), midstate (32) and tail of the Bitcoin coinbase.
    pub coinbase: &'a [u8],
}

impl Header {
    /// Decodes the wire form strictly: the layout of the height, canonical RLP, no form that rskj would
    /// rewrite before hashing. The bytes are kept and hashed once.
    ///
    /// # Errors
    /// [`HeaderDecodeError`] names the field and what is wrong with it.
    pub fn decode(raw: &[u8], activations: &Activations) -> Result<Self, HeaderDecodeError> {
        Self::decode_with(raw, activations, Sizes::OfBlocks)
    }

    /// Decodes the wire form with the sizes that an uncle may have.
    fn decode_with(raw: &[u8], activations: &Activations, sizes: Sizes) -> Result<Self, HeaderDecodeError> {
        let parsed = decode::parse(raw, activations, sizes)?;
        let hashed = &raw[parsed.spans.payload_start..parsed.spans.hash_end];
        let hash = BlockHash::new(hash_as_list(hashed));
        Ok(Self(Arc::new(Inner { raw: raw.into(), hash, parsed })))
    }

    /// The bytes as received: the wire encoding.
    pub fn raw(&self) -> &[u8] {
        &self.0.raw
    }

    /// The block hash.
    pub fn hash(&self) -> BlockHash {
        self.0.hash
    }

    /// The bytes that the block hash is the Keccak-256 of.
    pub fn hash_preimage(&self) -> Vec<u8> {
        as_list(&self.0.raw[self.spans().payload_start..self.spans().hash_end])
    }

    /// The bytes that [`Self::hash_without_merged_mining`] is the Keccak-256 of.
    pub fn merged_mining_preimage(&self) -> Vec<u8> {
        as_list(&self.0.raw[self.spans().payload_start..self.spans().merged_mining_end])
    }

    /// Keccak-256 of the header without its merged-mining fields: the base of what a miner commits to, before
    /// `ummRoot` and fork-detection data come in.
    pub fn hash_without_merged_mining(&self) -> [u8; 32] {
        let spans = self.spans();
        hash_as_list(&self.0.raw[spans.payload_start..spans.merged_mining_end])
    }

    /// Hash of the block below.
    pub fn parent_hash(&self) -> BlockHash {
        self.0.parsed.parent_hash
    }

    /// Hash of the list of uncle headers.
    pub fn uncles_hash(&self) -> Hash256 {
        self.0.parsed.uncles_hash
    }

    /// Fee address, or none.
    pub fn coinbase(&self) -> Option<Address> {
        self.0.parsed.coinbase
    }

    /// Root of the state after the block.
    pub fn state_root(&self) -> Hash256 {
        self.0.parsed.state_root
    }

    /// Root of the transactions.
    pub fn transactions_root(&self) -> Hash256 {
        self.0.parsed.transactions_root
    }

    /// Root of the receipts.
    pub fn receipts_root(&self) -> Hash256 {
        self.0.parsed.receipts_root
    }

    /// The header's version.
    pub fn version(&self) -> HeaderVersion {
        self.0.parsed.version
    }

    /// Bloom filter of the logs, or the hash of the extension that has it.
    pub fn logs(&self) -> LogsCommitment {
        let bytes = &self.0.raw[self.spans().logs.clone()];
        match self.version() {
            // An uncle's bloom can have another size, and is read as empty then.
            HeaderVersion::V0 => LogsCommitment::Bloom(Box::new(bytes.try_into().unwrap_or([0; 256]))),
            version @ (HeaderVersion::V1 | HeaderVersion::V2) => {
                let hash = *bytes.last_chunk().expect("decoding checked the size");
                LogsCommitment::Extension { version, hash: Hash256::new(hash) }
            }
        }
    }

    /// Hash of the extension, from version 1 on.
    pub fn extension_hash(&self) -> Option<Hash256> {
        match self.version() {
            HeaderVersion::V0 => None,
            HeaderVersion::V1 | HeaderVersion::V2 => {
                let bytes = &self.0.raw[self.spans().logs.clone()];
                Some(Hash256::new(*bytes.last_chunk().expect("decoding checked the size")))
            }
        }
    }

    /// Claimed work.
    pub fn difficulty(&self) -> Difficulty {
        self.0.parsed.difficulty
    }

    /// Zero bytes in front of the difficulty; only a genesis has any.
    pub fn genesis_difficulty_padding(&self) -> u8 {
        self.0.parsed.genesis_difficulty_padding
    }

    /// Height.
    pub fn number(&self) -> BlockNumber {
        self.0.parsed.number
    }

    /// Gas limit.
    pub fn gas_limit(&self) -> GasLimit {
        self.0.parsed.gas_limit
    }

    /// Gas used.
    pub fn gas_used(&self) -> u64 {
        self.0.parsed.gas_used
    }

    /// Seconds since the epoch.
    pub fn timestamp(&self) -> UnixTime {
        self.0.parsed.timestamp
    }

    /// Free bytes of the miner.
    pub fn extra_data(&self) -> &[u8] {
        &self.0.raw[self.spans().extra_data.clone()]
    }

    /// Fees paid, in wei.
    pub fn paid_fees(&self) -> u128 {
        self.0.parsed.paid_fees
    }

    /// Least gas price; `None` is rskj's null, which its rule refuses.
    pub fn minimum_gas_price(&self) -> Option<GasPrice> {
        self.0.parsed.minimum_gas_price
    }

    /// Number of uncles the header speaks of. No rule of rskj's compares it with the uncles there are.
    pub fn uncle_count(&self) -> u32 {
        self.0.parsed.uncle_count
    }

    /// The `ummRoot` bytes, where RSKIP-UMM is active.
    pub fn umm_root(&self) -> Option<&[u8]> {
        self.spans().umm_root.clone().map(|span| &self.0.raw[span])
    }

    /// The merged-mining fields, if the header carries them.
    pub fn proof(&self) -> Option<MergedMiningProof<'_>> {
        let raw = &self.0.raw;
        self.spans().proof.as_ref().map(|ProofSpans { bitcoin_header, merkle_proof, coinbase }| {
            MergedMiningProof {
                bitcoin_header: &raw[bitcoin_header.clone()],
                merkle_proof: &raw[merkle_proof.clone()],
                coinbase: &raw[coinbase.clone()],
            }
        })
    }

    fn spans(&self) -> &Spans {
        &self.0.parsed.spans
    }
}

/// The RLP list with these encoded items.
fn as_list(items: &[u8]) -> Vec<u8> {
    let (prefix, used) = list_prefix(items.len());
    [&prefix[..used], items].concat()
}

/// Keccak-256 of the RLP list with these encoded items.
fn hash_as_list(items: &[u8]) -> [u8; 32] {
    let (prefix, used) = list_prefix(items.len());
    keccak256(&[&prefix[..used], items])
}

impl PartialEq for Header {
    /// Equal bytes, proof included: two headers can share a hash and differ in their proof.
    fn eq(&self, other: &Self) -> bool {
        self.0.raw == other.0.raw
    }
}

impl Eq for Header {}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Header")
            .field("number", &self.number().get())
            .field("hash", &self.hash())
            .field("bytes", &self.raw().len())
            .finish_non_exhaustive()
    }
}
