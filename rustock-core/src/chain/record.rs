//! What is kept of a block once its header is verified: all that checking a child, choosing a branch and
//! answering an app needs, without the proof.
//!
//! No RSKIP. Stands where rskj keeps whole blocks (`IndexedBlockStore`).

use bitcoin_hashes::sha256d;

use crate::primitives::{
    hash::{BlockHash, Hash256},
    header::{BITCOIN_HEADER_SIZE, Header},
    number::{BlockNumber, CumulativeDifficulty, Difficulty, GasLimit, GasPrice, UnixTime},
};

/// One verified block of the chain, by its facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockRecord {
    /// Height.
    pub number: BlockNumber,
    /// Block hash.
    pub hash: BlockHash,
    /// Hash of the block below.
    pub parent_hash: BlockHash,
    /// Root of the state after the block.
    pub state_root: Hash256,
    /// Root of the transactions.
    pub transactions_root: Hash256,
    /// Root of the receipts.
    pub receipts_root: Hash256,
    /// Seconds since the epoch.
    pub timestamp: UnixTime,
    /// Work of the header.
    pub difficulty: Difficulty,
    /// Sum of header difficulties from the chain's base (its genesis or checkpoint) up to and including this
    /// block. Uncles are not in it, so it is not rskj's total difficulty.
    pub header_difficulty_sum: CumulativeDifficulty,
    /// Gas limit, as encoded.
    pub gas_limit: GasLimit,
    /// Minimum gas price; `None` is rskj's null, which only a trusted base could carry.
    pub minimum_gas_price: Option<GasPrice>,
    /// Uncle count of the header.
    pub uncle_count: u32,
    /// First byte of the Bitcoin block hash in the merged-mining proof, for fork-detection data; 0 where there
    /// is no Bitcoin header (genesis).
    pub bitcoin_hash_byte: u8,
}

impl BlockRecord {
    /// The record of `header`, whose chain weighs `header_difficulty_sum` with it.
    pub fn new(header: &Header, header_difficulty_sum: CumulativeDifficulty, bitcoin_hash_byte: u8) -> Self {
        Self {
            number: header.number(),
            hash: header.hash(),
            parent_hash: header.parent_hash(),
            state_root: header.state_root(),
            transactions_root: header.transactions_root(),
            receipts_root: header.receipts_root(),
            timestamp: header.timestamp(),
            difficulty: header.difficulty(),
            header_difficulty_sum,
            gas_limit: header.gas_limit(),
            minimum_gas_price: header.minimum_gas_price(),
            uncle_count: header.uncle_count(),
            bitcoin_hash_byte,
        }
    }

    /// Height and hash.
    pub fn id(&self) -> BlockId {
        BlockId { number: self.number, hash: self.hash }
    }
}

/// A block by height and hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockId {
    /// Height.
    pub number: BlockNumber,
    /// Block hash.
    pub hash: BlockHash,
}

impl core::fmt::Display for BlockId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "#{} {}", self.number, self.hash)
    }
}

/// An ancestor below the chain's base, as far as fork-detection data needs it (RSKIP-110).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AncestorRecord {
    /// Height.
    pub number: BlockNumber,
    /// Block hash; each is the parent hash of the one above, up to the base.
    pub hash: BlockHash,
    /// Hash of the block below.
    pub parent_hash: BlockHash,
    /// First byte of the Bitcoin block hash in its proof.
    pub bitcoin_hash_byte: u8,
    /// Uncle count of the header.
    pub uncle_count: u32,
}

impl AncestorRecord {
    /// The record of a header whose hash is trusted. The hash covers the Bitcoin header and the uncle count.
    pub fn of(header: &Header) -> Self {
        // Before RSKIP-98 the field may hold a whole Bitcoin block, of which only the header is hashed, or a
        // signature, which is shorter. The other two fields are not looked at: from RSKIP-92 on the hash does not
        // cover them.
        let field = header.proof().map(|proof| proof.bitcoin_header);
        let bitcoin_header = field.and_then(|field| field.first_chunk::<BITCOIN_HEADER_SIZE>());
        let bitcoin_hash = bitcoin_header.map(|bitcoin_header| sha256d::Hash::hash(bitcoin_header));
        Self {
            number: header.number(),
            hash: header.hash(),
            parent_hash: header.parent_hash(),
            bitcoin_hash_byte: bitcoin_hash.map_or(0, |hash| hash.to_byte_array()[0]),
            uncle_count: header.uncle_count(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        consensus::params::NetworkParams,
        primitives::header::{HeaderFields, ProofFields},
    };

    fn sample_of(bitcoin_header: Vec<u8>) -> u8 {
        let params = NetworkParams::mainnet();
        let mut fields = params.genesis.clone();
        fields.number = BlockNumber::new(64);
        fields.proof = Some(ProofFields { bitcoin_header, merkle_proof: vec![1], coinbase: vec![1] });
        let header = Header::decode(&HeaderFields::encode(&fields), &params.activations).expect("a header");
        AncestorRecord::of(&header).bitcoin_hash_byte
    }

    #[test]
    fn the_sample_of_an_ancestor_is_of_the_bitcoin_header_alone() {
        let bitcoin_header = vec![0x5b; BITCOIN_HEADER_SIZE];
        let expected = sha256d::Hash::hash(&bitcoin_header).to_byte_array()[0];
        assert_eq!(sample_of(bitcoin_header.clone()), expected);
        // A whole Bitcoin block, without transactions.
        let whole = [&bitcoin_header[..], &[0]].concat();
        assert_ne!(sha256d::Hash::hash(&whole).to_byte_array()[0], expected);
        assert_eq!(sample_of(whole), expected);
    }

    #[test]
    fn an_ancestor_without_a_bitcoin_header_has_a_sample_of_zero() {
        assert_eq!(sample_of(vec![0x5b; BITCOIN_HEADER_SIZE - 1]), 0);
        assert_eq!(
            AncestorRecord::of(&NetworkParams::simnet().genesis_header().expect("valid")).bitcoin_hash_byte,
            0
        );
    }
}
