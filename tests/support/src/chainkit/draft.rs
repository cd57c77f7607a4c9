//! A block that is not mined yet: every value free to edit, then a proof that fits whatever was edited.

use rustock_core::{
    consensus::params::NetworkParams,
    primitives::{
        block::{Block, Body},
        hash::{Hash256, keccak256},
        header::{Header, HeaderFields, ProofFields},
    },
};

use super::{
    bitcoin::{BitcoinHeader, SHA256_BLOCK, compress_coinbase, double_sha256, merkle_root},
    federation::Signing,
    fork_data::hash_for_merged_mining,
    partial_tree::{PartialTree, TreeDamage, TreePlace},
    retarget::target,
    trie::{NodeForm, transactions_root},
};

/// What stands before a merged-mining commitment.
const TAG: &[u8] = b"RSKBLOCK:";

/// A block to be mined. Nothing is checked: a draft with a wrong value makes a header that breaks the rule for
/// that value, and no other, because the proof is made for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The header's values; `proof` is filled in by mining.
    pub fields: HeaderFields,
    /// Transactions, uncles and extension: what `fields` commits to by hashes. Empty but for the extension
    /// where the chain has no bodies. After an edit, [`Draft::commit_to_body`] makes it the header's again.
    pub body: Body,
    /// The last twelve bytes of the commitment, from height 449 on.
    pub fork_data: Option<[u8; 12]>,
    /// How to make the proof.
    pub mining: MiningPlan,
    /// Who signs the block instead of its being mined, if anybody.
    pub signing: Option<Signing>,
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
    /// The merkle path, in display order, from the coinbase up. In a partial merkle tree: the hash beside the
    /// coinbase's way up in each layer, in hashing order.
    pub siblings: Vec<[u8; 32]>,
    /// The coinbase's place in a partial merkle tree; `None` for a path of hashes, as from RSKIP-92 on.
    pub tree: Option<TreePlace>,
    /// The block that the Bitcoin header names as its parent.
    pub previous_bitcoin_block: [u8; 32],
    /// Seconds since the epoch in the Bitcoin header.
    pub bitcoin_time: u32,
    /// What follows the 80 bytes of the Bitcoin header: transactions of a whole Bitcoin block, before RSKIP-98.
    pub bitcoin_block_rest: Vec<u8>,
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
    /// One byte too many follows the merkle proof.
    PartialSibling,
    /// The partial merkle tree is damaged.
    Tree(TreeDamage),
    /// There is no coinbase.
    NoCoinbase,
    /// The compressed coinbase ends inside its midstate.
    ShortCoinbase,
}

impl Draft {
    /// Makes the header commit to the body as it stands: transactions, uncles and their number, extension.
    pub fn commit_to_body(&mut self, params: &NetworkParams) {
        let has_unitrie = params.activations.rskip126.is_active(self.fields.number);
        let form = if has_unitrie { NodeForm::Unitrie } else { NodeForm::Orchid };
        self.fields.transactions_root = transactions_root(&self.body.transactions, form);
        self.fields.uncle_count = self.body.uncles.len() as u32;
        self.commit_to_uncles();
        self.commit_to_extension();
    }

    /// Makes the header commit to the uncles as they stand, whatever number of them it speaks of.
    pub fn commit_to_uncles(&mut self) {
        self.fields.uncles_hash = Hash256::new(keccak256(&[&self.body.encode_uncles()]));
    }

    /// Makes the header commit to the extension as it stands, if there is one.
    pub fn commit_to_extension(&mut self) {
        if let Some(extension) = &self.body.extension {
            self.fields.logs = extension.commitment();
        }
    }

    /// Makes the proof and the header.
    ///
    /// # Panics
    /// When the values do not make a header that can be decoded, or the difficulty is too high to mine.
    pub fn mine(self, params: &NetworkParams) -> Header {
        Header::decode(&self.mine_bytes(), &params.activations).expect("a draft's values make a header")
    }

    /// Makes the proof and the header's bytes, whether or not they decode.
    ///
    /// # Panics
    /// When the difficulty is too high to mine.
    pub fn mine_bytes(mut self) -> Vec<u8> {
        self.fields.proof = Some(self.prove());
        self.fields.encode()
    }

    /// Makes the proof and the block. Whether the body is the header's is up to the draft.
    ///
    /// # Panics
    /// See [`Draft::mine`].
    pub fn mine_block(mut self, params: &NetworkParams) -> Block {
        let empty = Body { transactions: Vec::new(), uncles: Vec::new(), extension: None };
        let body = core::mem::replace(&mut self.body, empty);
        Block { header: self.mine(params), body }
    }

    /// The proof that fits the values, or the signature in its place.
    pub(super) fn prove(&self) -> ProofFields {
        if let Some(signing) = &self.signing {
            let bitcoin_header = signing.sign(hash_for_merged_mining(&self.fields, None));
            return ProofFields { bitcoin_header, merkle_proof: Vec::new(), coinbase: Vec::new() };
        }
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

        let (mut root, mut merkle_proof) = plan.merkle_proof(double_sha256(&transaction));
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
        let mut bitcoin_header =
            header.mine(plan.first_nonce, &goal, !damaged(ProofDamage::AboveTarget)).to_vec();
        bitcoin_header.extend_from_slice(&plan.bitcoin_block_rest);

        match plan.damage {
            Some(ProofDamage::PartialSibling) => merkle_proof.push(0),
            Some(ProofDamage::NoCoinbase) => coinbase.clear(),
            Some(ProofDamage::ShortCoinbase) => coinbase.truncate(39),
            _ => {}
        }
        ProofFields { bitcoin_header, merkle_proof, coinbase }
    }
}

impl MiningPlan {
    /// Root, in hashing order, and proof that the coinbase is below it.
    fn merkle_proof(&self, coinbase_id: [u8; 32]) -> ([u8; 32], Vec<u8>) {
        let Some(place) = self.tree else {
            return (merkle_root(coinbase_id, &self.siblings), self.siblings.concat());
        };
        let damage = match self.damage {
            Some(ProofDamage::Tree(damage)) => Some(damage),
            _ => None,
        };
        PartialTree::prove(coinbase_id, place, &self.siblings, damage)
    }
}
