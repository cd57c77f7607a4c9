//! Linked headers without proof of work, for tests of what does not verify them.

use crate::{
    chain::{
        batch::BlockEntry,
        record::{AncestorRecord, BlockRecord},
    },
    primitives::{
        activation::{Activation, Activations},
        hash::{Address, BlockHash, Hash256, keccak256},
        header::{Header, HeaderFields, LogsCommitment, ProofFields},
        number::{BlockNumber, CumulativeDifficulty, Difficulty, GasLimit, GasPrice, UnixTime},
    },
};

/// A base and whatever is built on it.
pub(crate) struct TestChain {
    base: BlockEntry,
}

impl TestChain {
    /// A chain whose base has this height. Above genesis the base's ancestors are known by hash only.
    pub(crate) fn starting_at(number: u64) -> Self {
        let fields = HeaderFields {
            number: BlockNumber::new(number),
            parent_hash: number.checked_sub(1).map_or(BlockHash::ZERO, ancestor_hash),
            umm_root: (number > 0).then(Vec::new),
            ..block_fields()
        };
        let header = Header::decode(&fields.encode(), &ACTIVATIONS).expect("well formed");
        let sum = CumulativeDifficulty::new(header.difficulty().get());
        let base = BlockEntry { record: BlockRecord::new(&header, sum, 7), header };
        Self { base }
    }

    pub(crate) fn base(&self) -> &BlockEntry {
        &self.base
    }

    /// `count` blocks on top of `parent`; another `branch` gives other hashes.
    pub(crate) fn extend(&self, parent: &BlockEntry, count: usize, branch: u8) -> Vec<BlockEntry> {
        let mut entries: Vec<BlockEntry> = Vec::with_capacity(count);
        for _ in 0..count {
            let entry = self.child(entries.last().unwrap_or(parent), branch);
            entries.push(entry);
        }
        entries
    }

    fn child(&self, parent: &BlockEntry, branch: u8) -> BlockEntry {
        let number = parent.record.number.next();
        let fields = HeaderFields {
            parent_hash: parent.record.hash,
            number,
            difficulty: Difficulty::new(1 + u128::from(branch)),
            uncle_count: (number.get() % 3) as u32,
            extra_data: vec![branch],
            ..block_fields()
        };
        let header = Header::decode(&fields.encode(), &ACTIVATIONS).expect("well formed");
        let sum = parent.record.header_difficulty_sum.checked_add(header.difficulty()).expect("small");
        BlockEntry { record: BlockRecord::new(&header, sum, branch), header }
    }

    /// The `count` headers below the base, from its parent down.
    pub(crate) fn ancestors(&self, count: u64) -> Vec<AncestorRecord> {
        let base = self.base.record.number.get();
        (1..=count.min(base))
            .map(|below| {
                let number = base - below;
                AncestorRecord {
                    number: BlockNumber::new(number),
                    hash: ancestor_hash(number),
                    parent_hash: number.checked_sub(1).map_or(BlockHash::ZERO, ancestor_hash),
                    bitcoin_hash_byte: number as u8,
                    uncle_count: (number % 4) as u32,
                }
            })
            .collect()
    }
}

/// Every rule of version 0, from the first block on.
pub(crate) const ACTIVATIONS: Activations = Activations {
    rskip92: Activation::GENESIS,
    rskip97: Activation::GENESIS,
    rskip98: Activation::GENESIS,
    rskip110: Activation::GENESIS,
    rskip126: Activation::GENESIS,
    rskip144: Activation::NEVER,
    rskip156: Activation::GENESIS,
    rskip179: Activation::GENESIS,
    rskip180: Activation::GENESIS,
    rskip290: Activation::GENESIS,
    rskip297: Activation::GENESIS,
    rskip351: Activation::NEVER,
    rskip535: Activation::NEVER,
    rskip_umm: Activation::at(1),
    base_event_required: Activation::GENESIS,
};

fn block_fields() -> HeaderFields {
    HeaderFields {
        parent_hash: BlockHash::ZERO,
        uncles_hash: Hash256::new([1; 32]),
        coinbase: Some(Address::new([2; 20])),
        state_root: Hash256::new([3; 32]),
        transactions_root: Hash256::new([4; 32]),
        receipts_root: Hash256::new([5; 32]),
        logs: LogsCommitment::empty_bloom(),
        difficulty: Difficulty::new(1),
        genesis_difficulty_padding: 0,
        number: BlockNumber::GENESIS,
        gas_limit: GasLimit::new(1, 6_800_000),
        gas_used: 21_000,
        timestamp: UnixTime::from_secs(1_700_000_000),
        extra_data: Vec::new(),
        paid_fees: 0,
        minimum_gas_price: Some(GasPrice::new(60_000_000)),
        uncle_count: 0,
        umm_root: Some(Vec::new()),
        proof: Some(ProofFields {
            bitcoin_header: vec![7; 80],
            merkle_proof: vec![8; 384],
            coinbase: vec![9; 150],
        }),
    }
}

fn ancestor_hash(number: u64) -> BlockHash {
    BlockHash::new(keccak256(&[b"ancestor", &number.to_be_bytes()]))
}
