//! Partial merkle trees, of any bytes and made from a block, against Bitcoin's own way to walk them.

use rustock_core::consensus::rules::merged_mining::partial_merkle_tree::{
    PartialMerkleTree, check as check_tree, check_format,
};

use crate::{
    input::Input,
    merkle_proof::{could_be_a_transaction, header},
    naive::{double_sha256, reversed},
};

type Hash = [u8; 32];

/// A first byte of settings, the coinbase's id, and a proof or what to make one from.
pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let settings = input.byte();
    let coinbase_id: Hash = input.array();
    let (field, made_root) =
        if settings & 1 == 0 { (input.rest().to_vec(), None) } else { made(coinbase_id, input) };

    let parts = parse(&field);
    assert_eq!(check_format(&field).is_ok(), parts.is_some());
    let walked = parts.as_ref().and_then(Tree::walk);
    if let Some(tree) = &parts {
        let split = PartialMerkleTree::split(&field).expect("checked above");
        assert_eq!(
            (split.transaction_count, split.hashes, split.flags),
            (tree.count, &tree.hashes[..], &tree.flags[..])
        );
    }
    let root = match &walked {
        Some((root, _)) if settings & 2 == 0 => *root,
        _ => made_root.unwrap_or(coinbase_id),
    };
    let expected = walked.is_some_and(|(end, proven)| end == root && proven.contains(&coinbase_id));
    assert_eq!(check_tree(&header(&root, &field), &coinbase_id).is_ok(), expected);
}

/// What a proof says, by its own words.
struct Tree {
    count: u32,
    hashes: Vec<Hash>,
    flags: Vec<u8>,
}

fn parse(field: &[u8]) -> Option<Tree> {
    let (count, rest) = field.split_first_chunk()?;
    let (hash_count, rest) = parse_size(rest)?;
    let (hashes, rest) = rest.split_at_checked(32 * hash_count)?;
    let (flag_bytes, flags) = parse_size(rest)?;
    let hashes = hashes.chunks_exact(32).map(|hash| hash.try_into().expect("32 bytes")).collect();
    let tree = Tree { count: u32::from_le_bytes(*count), hashes, flags: flags.to_vec() };
    (flags.len() == flag_bytes).then_some(tree)
}

/// A size in one, three, five or nine bytes, and what follows.
fn parse_size(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let (size, rest): (u64, &[u8]) = match first {
        0xfd => rest.split_first_chunk().map(|(size, rest)| (u16::from_le_bytes(*size).into(), rest))?,
        0xfe => rest.split_first_chunk().map(|(size, rest)| (u32::from_le_bytes(*size).into(), rest))?,
        0xff => rest.split_first_chunk().map(|(size, rest)| (u64::from_le_bytes(*size), rest))?,
        small => ((*small).into(), rest),
    };
    (size < 1 << 31).then_some((size as usize, rest))
}

impl Tree {
    /// The root, and the transactions proven.
    fn walk(&self) -> Option<(Hash, Vec<Hash>)> {
        let flags: Vec<bool> =
            self.flags.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1)).collect();
        if !(1..=16_666).contains(&self.count)
            || self.hashes.len() > self.count as usize
            || flags.len() < self.hashes.len()
        {
            return None;
        }
        let height = (0..).find(|height| self.width(*height) == 1)?;
        let (mut flags_left, mut hashes_left, mut proven) =
            (flags.as_slice(), self.hashes.as_slice(), Vec::new());
        let root = self.node(height, 0, &mut flags_left, &mut hashes_left, &mut proven)?;
        (hashes_left.is_empty() && flags_left.len() < 8).then_some((root, proven))
    }

    fn width(&self, height: u32) -> usize {
        (self.count as usize + (1 << height) - 1) >> height
    }

    fn node(
        &self,
        height: u32,
        place: usize,
        flags: &mut &[bool],
        hashes: &mut &[Hash],
        proven: &mut Vec<Hash>,
    ) -> Option<Hash> {
        let flag = *flags.split_off_first()?;
        if !flag || height == 0 {
            let hash = *hashes.split_off_first()?;
            if flag {
                proven.push(hash);
            }
            return Some(hash);
        }
        let left = self.node(height - 1, 2 * place, flags, hashes, proven)?;
        let right = if 2 * place + 1 < self.width(height - 1) {
            Some(self.node(height - 1, 2 * place + 1, flags, hashes, proven)?)
        } else {
            None
        };
        if right == Some(left) {
            return None;
        }
        let right = right.unwrap_or(left);
        // rskj's guard sees both halves backwards.
        if could_be_a_transaction(&[reversed(&left), reversed(&right)].concat()) {
            return None;
        }
        Some(double_sha256(&[left, right].concat()))
    }
}

/// A block of up to 64 transactions, the coinbase anywhere in it, and the proof of some of them, with one byte
/// changed or none. And the block's root.
fn made(coinbase_id: Hash, mut input: Input<'_>) -> (Vec<u8>, Option<Hash>) {
    let count = usize::from(input.byte() % 64) + 1;
    let coinbase = usize::from(input.byte()) % count;
    let matched = u64::from_be_bytes(input.array()) | 1 << coinbase;
    let (place, flip) = (usize::from(u16::from_be_bytes(input.array())), input.byte());
    let mut layers: Vec<Vec<Hash>> = vec![(0..count).map(|index| double_sha256(&[index as u8])).collect()];
    layers[0][coinbase] = coinbase_id;
    while layers[layers.len() - 1].len() > 1 {
        let below = &layers[layers.len() - 1];
        layers.push(
            below.chunks(2).map(|pair| double_sha256(&[pair[0], pair[pair.len() - 1]].concat())).collect(),
        );
    }
    let (mut hashes, mut flags) = (Vec::new(), Vec::new());
    prove(&layers, matched, layers.len() - 1, 0, &mut hashes, &mut flags);
    let mut field = (count as u32).to_le_bytes().to_vec();
    field.push(hashes.len() as u8);
    field.extend(hashes.concat());
    field.push(flags.len().div_ceil(8) as u8);
    field.extend(
        flags.chunks(8).map(|bits| bits.iter().rev().fold(0u8, |byte, bit| byte << 1 | u8::from(*bit))),
    );
    if let Some(byte) = field.get_mut(place) {
        *byte ^= flip;
    }
    (field, Some(layers[layers.len() - 1][0]))
}

fn prove(
    layers: &[Vec<Hash>],
    matched: u64,
    height: usize,
    place: usize,
    hashes: &mut Vec<Hash>,
    flags: &mut Vec<bool>,
) {
    let leads_to_match = (0..layers[0].len()).any(|leaf| leaf >> height == place && matched >> leaf & 1 == 1);
    flags.push(leads_to_match);
    if height == 0 || !leads_to_match {
        hashes.push(layers[height][place]);
        return;
    }
    for child in [2 * place, 2 * place + 1] {
        if child < layers[height - 1].len() {
            prove(layers, matched, height - 1, child, hashes, flags);
        }
    }
}
