//! A header as plain values, and its encoding: what a genesis, a generator or a test builds headers from.
//!
//! RSKIP-92, RSKIP-UMM and RSKIP-351 shape the layout. Mirrors rskj's `BlockHeader.getEncoded` and `RLP.encode*`.

use rlp::RlpStream;

use super::Header;
use crate::primitives::{
    activation::HeaderVersion,
    hash::{Address, BlockHash, Hash256},
    number::{BlockNumber, Difficulty, GasLimit, GasPrice, UnixTime, minimal_be},
};

/// The three merged-mining fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofFields {
    /// 80 bytes of Bitcoin header; a genesis has the single byte zero here and below.
    pub bitcoin_header: Vec<u8>,
    /// Sibling hashes from the coinbase up, 32 bytes each, in display order.
    pub merkle_proof: Vec<u8>,
    /// SHA-256 byte count (8), midstate (32) and tail of the Bitcoin coinbase.
    pub coinbase: Vec<u8>,
}

/// What a header says about its logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogsCommitment {
    /// The bloom filter itself: version 0.
    Bloom(Box<[u8; 256]>),
    /// Version and hash of the extension that has the bloom: versions 1 and 2.
    Extension {
        /// The header's version.
        version: HeaderVersion,
        /// Hash of the extension.
        hash: Hash256,
    },
}

impl LogsCommitment {
    /// The bloom of a block without logs.
    pub fn empty_bloom() -> Self {
        Self::Bloom(Box::new([0; 256]))
    }

    /// The content of the header's seventh field.
    fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Bloom(bloom) => bloom.to_vec(),
            Self::Extension { version, hash } => extension_data(*version, hash),
        }
    }
}

/// `[version, hash]` of an extension: what stands in the place of the logs bloom.
pub(super) fn extension_data(version: HeaderVersion, hash: &Hash256) -> Vec<u8> {
    let mut out = RlpStream::new_list(2);
    out.append(&version.number());
    out.append(&hash.as_ref());
    out.out().to_vec()
}

/// Every value of a header in its wire form, free to edit. Nothing here is checked: [`Header::decode`] checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderFields {
    /// Hash of the block below; zero in a genesis.
    pub parent_hash: BlockHash,
    /// Hash of the list of uncle headers.
    pub uncles_hash: Hash256,
    /// Fee address, or none.
    pub coinbase: Option<Address>,
    /// Root of the state after the block.
    pub state_root: Hash256,
    /// Root of the transactions.
    pub transactions_root: Hash256,
    /// Root of the receipts.
    pub receipts_root: Hash256,
    /// Bloom filter of the logs, or the hash of the extension that has it.
    pub logs: LogsCommitment,
    /// Claimed work.
    pub difficulty: Difficulty,
    /// Zero bytes in front of the difficulty: only in a genesis.
    pub genesis_difficulty_padding: u8,
    /// Height.
    pub number: BlockNumber,
    /// Gas limit, as written.
    pub gas_limit: GasLimit,
    /// Gas used.
    pub gas_used: u64,
    /// Seconds since the epoch.
    pub timestamp: UnixTime,
    /// Free bytes of the miner.
    pub extra_data: Vec<u8>,
    /// Fees paid, in wei.
    pub paid_fees: u128,
    /// Least gas price, or rskj's null.
    pub minimum_gas_price: Option<GasPrice>,
    /// Number of uncles the header speaks of.
    pub uncle_count: u32,
    /// The `ummRoot` bytes where RSKIP-UMM is active, else `None`.
    pub umm_root: Option<Vec<u8>>,
    /// The merged-mining fields, if any.
    pub proof: Option<ProofFields>,
}

impl HeaderFields {
    /// The values of a decoded header.
    pub fn of(header: &Header) -> Self {
        Self {
            parent_hash: header.parent_hash(),
            uncles_hash: header.uncles_hash(),
            coinbase: header.coinbase(),
            state_root: header.state_root(),
            transactions_root: header.transactions_root(),
            receipts_root: header.receipts_root(),
            logs: header.logs(),
            difficulty: header.difficulty(),
            genesis_difficulty_padding: header.genesis_difficulty_padding(),
            number: header.number(),
            gas_limit: header.gas_limit(),
            gas_used: header.gas_used(),
            timestamp: header.timestamp(),
            extra_data: header.extra_data().to_vec(),
            paid_fees: header.paid_fees(),
            minimum_gas_price: header.minimum_gas_price(),
            uncle_count: header.uncle_count(),
            umm_root: header.umm_root().map(<[u8]>::to_vec),
            proof: header.proof().map(|proof| ProofFields {
                bitcoin_header: proof.bitcoin_header.to_vec(),
                merkle_proof: proof.merkle_proof.to_vec(),
                coinbase: proof.coinbase.to_vec(),
            }),
        }
    }

    /// The wire encoding, which for version 0 is the full encoding too.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = RlpStream::new();
        out.begin_unbounded_list();
        self.append_merged_mining_fields(&mut out);
        if let Some(proof) = &self.proof {
            out.append(&proof.bitcoin_header);
            out.append(&proof.merkle_proof);
            out.append(&proof.coinbase);
        }
        out.finalize_unbounded_list();
        out.out().to_vec()
    }

    /// The encoding without merged-mining fields: what a miner hashes to learn what to commit to.
    pub fn encode_for_merged_mining(&self) -> Vec<u8> {
        let mut out = RlpStream::new();
        out.begin_unbounded_list();
        self.append_merged_mining_fields(&mut out);
        out.finalize_unbounded_list();
        out.out().to_vec()
    }

    fn append_merged_mining_fields(&self, out: &mut RlpStream) {
        let bytes = |out: &mut RlpStream, field: &[u8]| {
            out.append(&field);
        };
        let unsigned = |out: &mut RlpStream, value: u128| {
            out.append(&minimal_be(&value.to_be_bytes()));
        };
        bytes(out, self.parent_hash.as_ref());
        bytes(out, self.uncles_hash.as_ref());
        bytes(out, self.coinbase.as_ref().map_or(&[], |address| address.as_ref()));
        bytes(out, self.state_root.as_ref());
        bytes(out, self.transactions_root.as_ref());
        bytes(out, self.receipts_root.as_ref());
        bytes(out, &self.logs.to_bytes());
        bytes(out, &self.difficulty_bytes());
        unsigned(out, self.number.get().into());
        bytes(out, &self.gas_limit.to_bytes());
        unsigned(out, self.gas_used.into());
        unsigned(out, self.timestamp.as_secs().into());
        bytes(out, &self.extra_data);
        unsigned(out, self.paid_fees);
        bytes(out, &self.minimum_gas_price.map_or_else(Vec::new, |price| signed_minimal_bytes(price.get())));
        unsigned(out, self.uncle_count.into());
        if let Some(umm_root) = &self.umm_root {
            bytes(out, umm_root);
        }
    }

    fn difficulty_bytes(&self) -> Vec<u8> {
        let digits = self.difficulty.get().to_be_bytes();
        if self.number == BlockNumber::GENESIS {
            let mut bytes = vec![0; usize::from(self.genesis_difficulty_padding)];
            bytes.extend_from_slice(minimal_be(&digits));
            return bytes;
        }
        difficulty_bytes(self.difficulty)
    }
}

/// rskj's `encodeBlockDifficulty`: shortest two's complement, zero as one zero byte.
fn difficulty_bytes(difficulty: Difficulty) -> Vec<u8> {
    signed_form(&difficulty.get().to_be_bytes())
}

/// The shortest two's complement of an unsigned big-endian integer.
fn signed_form(digits: &[u8]) -> Vec<u8> {
    let significant = minimal_be(digits);
    let mut bytes = Vec::with_capacity(significant.len() + 1);
    if significant.first().is_none_or(|first| first & 0x80 != 0) {
        bytes.push(0);
    }
    bytes.extend_from_slice(significant);
    bytes
}

fn signed_minimal_bytes(value: i128) -> Vec<u8> {
    let digits = value.to_be_bytes();
    let mut start = 0;
    while start < digits.len() - 1 {
        let sign_follows = digits[start + 1] & 0x80 != 0;
        match digits[start] {
            0x00 if !sign_follows => start += 1,
            0xff if sign_follows => start += 1,
            _ => break,
        }
    }
    digits[start..].to_vec()
}
