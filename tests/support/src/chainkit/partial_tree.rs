//! The merkle proof before RSKIP-92: a partial merkle tree as in Bitcoin's BIP-37.
//!
//! Mirrors what rskj's `GenesisMerkleProofBuilder` writes: one transaction is proven, the coinbase. Hashes are in
//! hashing order, and those beside its way up are free to choose.

use super::bitcoin::double_sha256;

/// Most hashes beside the way up: two to this power is the last one below Bitcoin's 16,666 transactions.
pub(super) const MOST_SIBLINGS: usize = 14;

/// Where the coinbase stands. Bitcoin has it first; rskj takes it anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreePlace {
    /// Transactions of the Bitcoin block.
    pub transactions: u32,
    /// The coinbase's place among them, from 0.
    pub place: u32,
}

/// What can be wrong with a partial merkle tree that has the size it declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TreeDamage {
    /// It is about no transactions.
    NoTransactions,
    /// It is about 16,667 transactions.
    TooManyTransactions,
    /// The coinbase's hash is there, but is not among those proven.
    CoinbaseNotProven,
    /// One hash more than the walk takes.
    HashLeftOver,
    /// One hash less than the walk takes.
    HashMissing,
    /// One byte of flags more than the walk takes.
    FlagsLeftOver,
    /// The coinbase is its own right neighbour.
    EqualBranches,
}

/// A tree that is being written.
pub(super) struct PartialTree<'a> {
    place: TreePlace,
    leaf: [u8; 32],
    siblings: &'a [[u8; 32]],
    damage: Option<TreeDamage>,
    hashes: Vec<[u8; 32]>,
    flags: Vec<bool>,
}

impl<'a> PartialTree<'a> {
    /// The root and the encoded tree that proves `leaf`, with a sibling for each layer, from the leaf up.
    ///
    /// # Panics
    /// When there are fewer siblings than layers.
    pub(super) fn prove(
        leaf: [u8; 32],
        place: TreePlace,
        siblings: &'a [[u8; 32]],
        damage: Option<TreeDamage>,
    ) -> ([u8; 32], Vec<u8>) {
        let height = u32::BITS - (place.transactions - 1).leading_zeros();
        assert!(siblings.len() >= height as usize, "{height} layers need as many siblings");
        let mut tree = Self { place, leaf, siblings, damage, hashes: Vec::new(), flags: Vec::new() };
        let root = tree.way_down(height);
        (root, tree.encode())
    }

    /// The node at `height` on the coinbase's way, written depth first.
    fn way_down(&mut self, height: u32) -> [u8; 32] {
        if height == 0 {
            self.flags.push(self.damage != Some(TreeDamage::CoinbaseNotProven));
            self.hashes.push(self.leaf);
            return self.leaf;
        }
        self.flags.push(true);
        let below = height - 1;
        let on_the_way = self.place.place >> below;
        if on_the_way % 2 == 1 {
            let left = self.sibling(below);
            let right = self.way_down(below);
            return combine(&left, &right);
        }
        let left = self.way_down(below);
        let nodes_below = self.place.transactions.div_ceil(1 << below);
        let right = if on_the_way + 1 < nodes_below { self.sibling(below) } else { left };
        combine(&left, &right)
    }

    fn sibling(&mut self, layer: u32) -> [u8; 32] {
        let mut hash = self.siblings[layer as usize];
        if layer == 0 && self.damage == Some(TreeDamage::EqualBranches) {
            hash = self.leaf;
        }
        self.flags.push(false);
        self.hashes.push(hash);
        hash
    }

    fn encode(mut self) -> Vec<u8> {
        let mut transactions = self.place.transactions;
        let mut flag_bytes = vec![0u8; self.flags.len().div_ceil(8)];
        for (index, flag) in self.flags.iter().enumerate() {
            flag_bytes[index / 8] |= u8::from(*flag) << (index % 8);
        }
        match self.damage {
            Some(TreeDamage::NoTransactions) => transactions = 0,
            Some(TreeDamage::TooManyTransactions) => transactions = 16_667,
            Some(TreeDamage::HashLeftOver) => self.hashes.push([0x5b; 32]),
            Some(TreeDamage::HashMissing) => drop(self.hashes.pop()),
            Some(TreeDamage::FlagsLeftOver) => flag_bytes.push(0),
            _ => {}
        }
        // Fewer than 253 hashes and flag bytes, so that each count is one byte.
        let mut field = transactions.to_le_bytes().to_vec();
        field.push(self.hashes.len() as u8);
        field.extend(self.hashes.iter().flatten());
        field.push(flag_bytes.len() as u8);
        field.extend(flag_bytes);
        field
    }
}

fn combine(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    double_sha256(&[*left, *right].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIBLINGS: [[u8; 32]; 3] = [[1; 32], [2; 32], [3; 32]];

    fn prove(transactions: u32, place: u32) -> ([u8; 32], Vec<u8>) {
        PartialTree::prove([9; 32], TreePlace { transactions, place }, &SIBLINGS, None)
    }

    #[test]
    fn a_lone_coinbase_is_its_own_root() {
        let (root, field) = prove(1, 0);
        assert_eq!(root, [9; 32]);
        assert_eq!(field, [&[1, 0, 0, 0, 1][..], &[9; 32], &[1, 1]].concat());
    }

    #[test]
    fn the_root_is_that_of_the_whole_tree() {
        // Five transactions, the coinbase last: twice without a right neighbour.
        let pair = combine(&[9; 32], &[9; 32]);
        let quadruple = combine(&pair, &pair);
        let (root, field) = prove(5, 4);
        assert_eq!(root, combine(&[3; 32], &quadruple));
        // Hashes: the left half, the coinbase. Flags from the root: on the way, beside it, on, on, proven.
        assert_eq!(field, [&[5, 0, 0, 0, 2][..], &[3; 32], &[9; 32], &[1, 0b11101]].concat());
        let (root, _) = prove(4, 1);
        assert_eq!(root, combine(&combine(&[1; 32], &[9; 32]), &[2; 32]));
    }
}
