//! A block that is not mined yet: every value free to edit, then a proof that fits whatever was edited.

use rustock_core::{
    consensus::params::NetworkParams,
    primitives::header::{Header, HeaderFields, ProofFields},
};

use super::{
    bitcoin::{BitcoinHeader, SHA256_BLOCK, compress_coinbase, double_sha256, merkle_root},
    fork_data::hash_for_merged_mining,
    retarget::target,
};

/// What stands before a merged-mining commitment.
const TAG: &[u8] = b"RSKBLOCK:";

/// A block to be mined. Nothing is checked: a draft with a wrong value makes a header that breaks the rule for
/// that value, and no other, because the proof is made for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The header's values; `proof` is filled in by mining.
    pub fields: HeaderFields,
    /// The last twelve bytes of the commitment, from height 449 on.
    pub fork_data: Option<[u8; 12]>,
    /// How to make the proof.
    pub mining: MiningPlan,
}

/// How a proof is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MiningPlan {
    /// Bytes of the Bitcoin coinbase before the tag `RSKBLOCK:`.
    pub coinbase_before: Vec<u8>,
    /// Bytes of the Bitcoin coinbase after the commitment.
    pub coinbase_after: Vec<u8>,
    /// How many whole 64-byte blocks before the tag stay in the tail instead of going into the midstate: 0, as
    /// rskj's miner does.
    pub blocks_kept: usize,
    /// The merkle path, in display order, from the coinbase up.
    pub siblings: Vec<[u8; 32]>,
    /// The block that the Bitcoin header names as its parent.
    pub previous_bitcoin_block: [u8; 32],
    /// Seconds since the epoch in the Bitcoin header.
    pub bitcoin_time: u32,
    /// Where the search for a nonce starts.
    pub first_nonce: u32,
    /// What is wrong with the proof, if anything.
    pub damage: Option<ProofDamage>,
}

/// What can be wrong with a proof that is otherwise made well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProofDamage {
    /// The Bitcoin header's hash is above the target.
    AboveTarget,
    /// The coinbase commits to another header.
    OtherCommitment,
    /// The Bitcoin header has another merkle root.
    OtherMerkleRoot,
    /// The merkle path ends in the first byte of another sibling.
    PartialSibling,
    /// There is no coinbase.
    NoCoinbase,
    /// The compressed coinbase ends inside its midstate.
    ShortCoinbase,
}

impl Draft {
    /// Makes the proof and the header.
    ///
    /// # Panics
    /// When the values do not make a header that can be decoded, or the difficulty is too high to mine.
    pub fn mine(mut self, params: &NetworkParams) -> Header {
        self.fields.proof = Some(self.prove());
        Header::decode(&self.fields.encode(), &params.activations).expect("a draft's values make a header")
    }

    fn prove(&self) -> ProofFields {
        let plan = &self.mining;
        let damaged = |damage| plan.damage == Some(damage);

        let mut commitment = hash_for_merged_mining(&self.fields, self.fork_data);
        if damaged(ProofDamage::OtherCommitment) {
            commitment[0] ^= 1;
        }
        let transaction = [&plan.coinbase_before, TAG, &commitment, &plan.coinbase_after].concat();
        let whole_blocks = plan.coinbase_before.len() / SHA256_BLOCK;
        let hashed = whole_blocks.saturating_sub(plan.blocks_kept) * SHA256_BLOCK;
        let mut coinbase = compress_coinbase(&transaction, hashed);

        let mut root = merkle_root(double_sha256(&transaction), &plan.siblings);
        if damaged(ProofDamage::OtherMerkleRoot) {
            root[0] ^= 1;
        }
        let header = BitcoinHeader {
            version: 0x2000_0000,
            previous: plan.previous_bitcoin_block,
            merkle_root: root,
            time: plan.bitcoin_time,
            bits: 0x1703_4219,
        };
        let goal = target(self.fields.difficulty.get());
        let bitcoin_header =
            header.mine(plan.first_nonce, &goal, !damaged(ProofDamage::AboveTarget)).to_vec();

        let mut merkle_proof = plan.siblings.concat();
        match plan.damage {
            Some(ProofDamage::PartialSibling) => merkle_proof.push(0),
            Some(ProofDamage::NoCoinbase) => coinbase.clear(),
            Some(ProofDamage::ShortCoinbase) => coinbase.truncate(39),
            _ => {}
        }
        ProofFields { bitcoin_header, merkle_proof, coinbase }
    }
}
