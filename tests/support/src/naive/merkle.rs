//! From the hash of a coinbase transaction to the merkle root of a Bitcoin block: the two forms of proof.
//!
//! Hashes here are in the order in which they come out of the hash function, unless a name says `displayed`: that
//! is the reversed order.

use super::{
    bitcoin::{Reader, java_int},
    hashes::double_sha256,
};

/// A partial merkle tree of more transactions than this is refused: the number that fitted in a block of a million
/// bytes.
const MOST_TRANSACTIONS: i32 = 16_666;

/// Checks the form of a proof since RSKIP-92: whole hashes, and no more than 960 bytes where `limited`.
///
/// # Errors
/// When it has another form.
pub fn check_list_form(proof: &[u8], limited: bool) -> Result<(), String> {
    if limited && proof.len() > 960 {
        return Err(format!("merkle proof of {} bytes", proof.len()));
    }
    if !proof.len().is_multiple_of(32) {
        return Err(format!("merkle proof of {} bytes, not whole hashes", proof.len()));
    }
    Ok(())
}

/// The root that a proof since RSKIP-92 leads to: its siblings, in displayed order, are to the right all the way up.
///
/// # Errors
/// When two nodes together read as a Bitcoin transaction.
pub fn root_of_list(leaf: [u8; 32], proof: &[u8]) -> Result<[u8; 32], String> {
    let mut node = leaf;
    for sibling in proof.chunks(32) {
        let mut sibling = sibling.to_vec();
        sibling.reverse();
        node = combine(&node, &sibling)?;
    }
    Ok(node)
}

/// Checks the size of a proof before RSKIP-92: what it announces is what is there.
///
/// # Errors
/// When it is not.
pub fn check_tree_form(proof: &[u8]) -> Result<(), String> {
    PartialTree::read(proof).map(|_| ())
}

/// The root of a proof before RSKIP-92, and the leaves that it marks.
///
/// # Errors
/// When the tree is not well formed, or two nodes together read as a Bitcoin transaction.
pub fn root_and_leaves_of_tree(proof: &[u8]) -> Result<([u8; 32], Vec<[u8; 32]>), String> {
    let tree = PartialTree::read(proof)?;
    let transactions = tree.transactions;
    if transactions == 0 || transactions > MOST_TRANSACTIONS {
        return Err(format!("a tree of {transactions} transactions"));
    }
    if tree.hashes.len() as i128 > i128::from(transactions) {
        return Err("more hashes than transactions".into());
    }
    if tree.flags.len() * 8 < tree.hashes.len() {
        return Err("fewer flags than hashes".into());
    }
    let mut height = 0;
    while width(transactions, height) > 1 {
        height += 1;
    }
    let mut walk = Walk { tree: &tree, flags_used: 0, hashes_used: 0, leaves: Vec::new() };
    let root = walk.node(height, 0)?;
    if walk.flags_used.div_ceil(8) != tree.flags.len() || walk.hashes_used != tree.hashes.len() {
        return Err("the tree has flags or hashes that nothing uses".into());
    }
    Ok((root, walk.leaves))
}

/// The layout of BIP 37.
struct PartialTree {
    transactions: i32,
    hashes: Vec<[u8; 32]>,
    flags: Vec<u8>,
}

impl PartialTree {
    fn read(proof: &[u8]) -> Result<Self, String> {
        let mut reader = Reader { bytes: proof, position: 0 };
        let transactions =
            reader.take(4)?.iter().rev().fold(0, |value, byte| (value << 8) | i32::from(*byte));
        let hash_count = exact_int(reader.varint()?)?;
        let mut hashes = Vec::new();
        for _ in 0..hash_count {
            let mut hash = [0; 32];
            hash.copy_from_slice(reader.take(32)?);
            hashes.push(hash);
        }
        let flag_bytes = exact_int(reader.varint()?)?;
        let flags = reader.take(flag_bytes as usize)?.to_vec();
        if reader.position != proof.len() {
            return Err("bytes follow the tree".into());
        }
        Ok(Self { transactions, hashes, flags })
    }
}

fn exact_int(value: i64) -> Result<i32, String> {
    if i64::from(value as i32) == value {
        java_int(value)
    } else {
        Err(format!("{value} does not fit 32 bits"))
    }
}

fn width(transactions: i32, height: u32) -> i64 {
    (i64::from(transactions) + (1 << height) - 1) >> height
}

struct Walk<'a> {
    tree: &'a PartialTree,
    flags_used: usize,
    hashes_used: usize,
    leaves: Vec<[u8; 32]>,
}

impl Walk<'_> {
    fn node(&mut self, height: u32, position: i64) -> Result<[u8; 32], String> {
        let flags = self.tree.flags.get(self.flags_used / 8).ok_or("the tree needs more flags")?;
        let leads_to_match = flags >> (self.flags_used % 8) & 1 == 1;
        self.flags_used += 1;

        if height == 0 || !leads_to_match {
            let hash = *self.tree.hashes.get(self.hashes_used).ok_or("the tree needs more hashes")?;
            self.hashes_used += 1;
            if height == 0 && leads_to_match {
                self.leaves.push(hash);
            }
            return Ok(hash);
        }
        let left = self.node(height - 1, position * 2)?;
        let mut right = left;
        if position * 2 + 1 < width(self.tree.transactions, height - 1) {
            right = self.node(height - 1, position * 2 + 1)?;
            if right == left {
                return Err("the same node left and right".into());
            }
        }
        combine(&left, &right)
    }
}

/// The hash of two nodes, unless they read as a Bitcoin transaction of 64 bytes.
fn combine(left: &[u8], right: &[u8]) -> Result<[u8; 32], String> {
    let displayed: Vec<u8> = left.iter().rev().chain(right.iter().rev()).copied().collect();
    if reads_as_transaction(&displayed) {
        return Err("two nodes together read as a Bitcoin transaction".into());
    }
    Ok(double_sha256(&[left, right].concat()))
}

/// These 64 bytes could be a transaction of one input and one output. rskj reads them in displayed order.
fn reads_as_transaction(bytes: &[u8]) -> bool {
    let little_endian = |at: usize, size: usize| {
        bytes[at..at + size].iter().rev().fold(0_u64, |value, byte| (value << 8) | u64::from(*byte))
    };
    if bytes[4] != 1 {
        return false;
    }
    let output_index = little_endian(37, 4);
    if output_index > 1_000_000 && output_index != 0xffff_ffff {
        return false;
    }
    let input_script = usize::from(bytes[41]);
    if input_script > 4 {
        return false;
    }
    if bytes[46 + input_script] != 1 {
        return false;
    }
    let value = little_endian(47 + input_script, 8) as i64;
    if !(1..=2_100_000_000_000_000).contains(&value) {
        return false;
    }
    let output_script = usize::from(bytes[55 + input_script]);
    output_script <= 4 && input_script + output_script == 4
}

#[cfg(test)]
mod tests {
    use super::{
        check_list_form, check_tree_form, combine, double_sha256, reads_as_transaction,
        root_and_leaves_of_tree, root_of_list,
    };

    fn leaf(byte: u8) -> [u8; 32] {
        double_sha256(&[byte])
    }

    /// Five transactions, the last one marked: its sibling on two levels is itself.
    fn tree_of_five() -> ([u8; 32], Vec<u8>) {
        let left =
            combine(&combine(&leaf(0), &leaf(1)).unwrap(), &combine(&leaf(2), &leaf(3)).unwrap()).unwrap();
        let right = combine(&leaf(4), &leaf(4)).unwrap();
        let root = combine(&left, &combine(&right, &right).unwrap()).unwrap();
        // Root, left (hash), right, its only child, its only child (the leaf).
        let flags = 0b0001_1101_u8;
        (root, [&[5, 0, 0, 0, 2][..], &left, &leaf(4), &[1, flags]].concat())
    }

    #[test]
    fn siblings_are_taken_in_displayed_order() {
        let mut displayed = leaf(1);
        displayed.reverse();
        assert_eq!(root_of_list(leaf(0), &displayed), combine(&leaf(0), &leaf(1)));
        assert_ne!(root_of_list(leaf(0), &leaf(1)), combine(&leaf(0), &leaf(1)));
        assert_eq!(root_of_list(leaf(0), &[]), Ok(leaf(0)));
    }

    #[test]
    fn lists_are_whole_hashes_and_limited_from_rskip180_on() {
        assert!(check_list_form(&[0; 960], true).is_ok());
        assert!(check_list_form(&[0; 992], true).is_err());
        assert!(check_list_form(&[0; 992], false).is_ok());
        assert!(check_list_form(&[0; 31], false).is_err());
    }

    #[test]
    fn a_partial_tree_gives_its_root_and_the_marked_leaf() {
        let (root, proof) = tree_of_five();
        assert_eq!(root_and_leaves_of_tree(&proof), Ok((root, vec![leaf(4)])));
        let without_mark = [&proof[..70], &[0b0000_1101]].concat();
        assert_eq!(root_and_leaves_of_tree(&without_mark), Ok((root, vec![])));
    }

    #[test]
    fn a_partial_tree_of_another_size_or_shape_is_refused() {
        let (_, proof) = tree_of_five();
        assert!(check_tree_form(&proof[..proof.len() - 1]).is_err());
        assert!(check_tree_form(&[&proof[..], &[0]].concat()).is_err());
        for (at, byte) in [(0, 0), (0, 1), (2, 1), (3, 0x80), (70, 0b0000_0011), (70, 0)] {
            let mut changed = proof.clone();
            changed[at] = byte;
            assert!(root_and_leaves_of_tree(&changed).is_err(), "byte {at} set to {byte}");
        }
        let unused_flags = [&proof[..69], &[2, proof[70], 0]].concat();
        assert!(check_tree_form(&unused_flags).is_ok());
        assert!(root_and_leaves_of_tree(&unused_flags).is_err());
    }

    #[test]
    fn every_field_of_the_64_byte_transaction_counts() {
        let mut bytes = [0; 64];
        (bytes[4], bytes[41], bytes[47], bytes[48], bytes[56]) = (1, 1, 1, 1, 3);
        assert!(reads_as_transaction(&bytes));
        for (at, byte) in [(4, 2), (39, 0x10), (41, 2), (47, 0), (55, 0x80), (56, 2), (56, 0x83)] {
            let mut changed = bytes;
            changed[at] = byte;
            assert!(!reads_as_transaction(&changed), "byte {at} set to {byte}");
        }
        bytes[37..41].fill(0xff);
        assert!(reads_as_transaction(&bytes));
        bytes.reverse();
        assert!(combine(&bytes[32..], &bytes[..32]).is_err());
    }
}
