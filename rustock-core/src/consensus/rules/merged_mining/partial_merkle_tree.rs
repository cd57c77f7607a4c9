//! The merkle proof before RSKIP-92: a partial merkle tree as in Bitcoin's BIP-37.
//!
//! RSKIP-92 (which ended it). Mirrors rskj's `GenesisMerkleProofValidator` and `PartialMerkleTreeFormatUtils`
//! and bitcoinj's `PartialMerkleTree`. Unlike the later path, its hashes are in hashing order, and the coinbase
//! may stand anywhere among the transactions that are proven.

use bitcoin_hashes::sha256d;

use super::merkle_proof::{bitcoin_root, merkle_root_error, reads_as_transaction, reversed};
use crate::{
    consensus::error::{FoldedRoot, HeaderError, PartialTreeFault},
    primitives::{
        hash::Hash256,
        header::{Header, MergedMiningProof},
    },
};

/// Bytes of one hash.
const HASH_SIZE: usize = 32;
/// Most transactions: a million bytes of block, sixty bytes each.
const MOST_TRANSACTIONS: u32 = 16_666;

/// A partial merkle tree, in its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartialMerkleTree<'a> {
    /// Transactions of the Bitcoin block.
    pub transaction_count: u32,
    /// Hashes in the order of the walk, in hashing order.
    pub hashes: &'a [[u8; HASH_SIZE]],
    /// Flag bits in the order of the walk, lowest bit of each byte first.
    pub flags: &'a [u8],
}

impl<'a> PartialMerkleTree<'a> {
    /// Takes the field apart. It must have exactly the size that its two counts give.
    ///
    /// # Errors
    /// [`HeaderError::PartialMerkleTreeSize`].
    pub fn split(field: &'a [u8]) -> Result<Self, HeaderError> {
        let parts = || {
            let (transaction_count, rest) = field.split_first_chunk()?;
            let (hash_count, rest) = split_count(rest)?;
            let (hashes, rest) = rest.split_at_checked(hash_count.checked_mul(HASH_SIZE)?)?;
            let (flag_bytes, flags) = split_count(rest)?;
            let (hashes, _) = hashes.as_chunks();
            let transaction_count = u32::from_le_bytes(*transaction_count);
            (flags.len() == flag_bytes).then_some(Self { transaction_count, hashes, flags })
        };
        parts().ok_or(HeaderError::PartialMerkleTreeSize { seen: field.len() })
    }

    /// Walks the tree: its root, and whether `transaction` is among those it proves.
    fn walk(&self, transaction: &[u8; HASH_SIZE]) -> Result<([u8; HASH_SIZE], bool), FoldedRoot> {
        let count = self.transaction_count;
        if count == 0 || count > MOST_TRANSACTIONS {
            return Err(FoldedRoot::PartialTree(PartialTreeFault::TransactionCount { seen: count }));
        }
        if self.hashes.len() > count as usize {
            return Err(FoldedRoot::PartialTree(PartialTreeFault::TooManyHashes));
        }
        if self.flags.len().saturating_mul(8) < self.hashes.len() {
            return Err(FoldedRoot::PartialTree(PartialTreeFault::TooFewFlags));
        }
        let height = u32::BITS - (count - 1).leading_zeros();
        let mut walk = Walk { tree: self, transaction, flags_used: 0, hashes_used: 0, is_proven: false };
        let root = walk.node(height, 0)?;
        if walk.flags_used.div_ceil(8) != self.flags.len() || walk.hashes_used != self.hashes.len() {
            return Err(FoldedRoot::PartialTree(PartialTreeFault::NotUsedUp));
        }
        Ok((root, walk.is_proven))
    }
}

/// One walk through a tree, depth first. At most fifteen levels deep.
struct Walk<'a> {
    tree: &'a PartialMerkleTree<'a>,
    transaction: &'a [u8; HASH_SIZE],
    flags_used: usize,
    hashes_used: usize,
    is_proven: bool,
}

impl Walk<'_> {
    /// The hash of the node at a place, counted from the left, of the layer at a height above the transactions.
    fn node(&mut self, height: u32, place: u32) -> Result<[u8; HASH_SIZE], FoldedRoot> {
        let leads_to_match = self.next_flag()?;
        if height == 0 || !leads_to_match {
            let hash = self.next_hash()?;
            self.is_proven |= height == 0 && leads_to_match && hash == *self.transaction;
            return Ok(hash);
        }
        let left = self.node(height - 1, 2 * place)?;
        let mut right = left;
        if 2 * place + 1 < self.width(height - 1) {
            right = self.node(height - 1, 2 * place + 1)?;
            if right == left {
                return Err(FoldedRoot::PartialTree(PartialTreeFault::EqualBranches));
            }
        }
        if reads_as_transaction(&left, &reversed(&right)) {
            return Err(FoldedRoot::TransactionLookalike { layer: height as usize - 1 });
        }
        Ok(sha256d::Hash::hash(&[left, right].concat()).to_byte_array())
    }

    /// Nodes in the layer at a height.
    fn width(&self, height: u32) -> u32 {
        self.tree.transaction_count.div_ceil(1 << height)
    }

    fn next_flag(&mut self) -> Result<bool, FoldedRoot> {
        let byte = self.tree.flags.get(self.flags_used / 8);
        let byte = byte.ok_or(FoldedRoot::PartialTree(PartialTreeFault::TooFewFlags))?;
        let flag = byte >> (self.flags_used % 8) & 1 == 1;
        self.flags_used += 1;
        Ok(flag)
    }

    fn next_hash(&mut self) -> Result<[u8; HASH_SIZE], FoldedRoot> {
        let hash = self.tree.hashes.get(self.hashes_used);
        self.hashes_used += 1;
        hash.copied().ok_or(FoldedRoot::PartialTree(PartialTreeFault::TooFewHashes))
    }
}

/// The proof has the size it declares.
///
/// # Errors
/// [`HeaderError::PartialMerkleTreeSize`].
pub fn check_format(merkle_proof: &[u8]) -> Result<(), HeaderError> {
    PartialMerkleTree::split(merkle_proof).map(drop)
}

/// The tree leads to the Bitcoin header's root, and proves the coinbase (by its id, in hashing order).
///
/// # Errors
/// [`HeaderError::MerkleRoot`]; [`HeaderError::PartialMerkleTreeSize`].
pub fn check(header: &Header, coinbase_id: &[u8; 32]) -> Result<(), HeaderError> {
    let merkle_proof = header.proof().map_or(&[][..], |MergedMiningProof { merkle_proof, .. }| merkle_proof);
    let tree = PartialMerkleTree::split(merkle_proof)?;
    let refused = |seen| merkle_root_error(header, seen);
    let (root, is_proven) = tree.walk(coinbase_id).map_err(refused)?;
    if bitcoin_root(header) != Some(&root) {
        return Err(refused(FoldedRoot::Root(Hash256::new(reversed(&root)))));
    }
    if !is_proven {
        return Err(refused(FoldedRoot::PartialTree(PartialTreeFault::CoinbaseNotProven)));
    }
    Ok(())
}

/// A count in one, three, five or nine bytes, and not always in the fewest; counts of 2^31 and more are refused.
fn split_count(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let size = match first {
        0xfd => 2,
        0xfe => 4,
        0xff => 8,
        small => return Some((usize::from(*small), rest)),
    };
    let (little_endian, rest) = rest.split_at_checked(size)?;
    let count = little_endian.iter().rev().fold(0u64, |count, byte| count << 8 | u64::from(*byte));
    let count = i32::try_from(count).ok()?;
    Some((usize::try_from(count).ok()?, rest))
}

#[cfg(test)]
mod tests;
