//! The root of a block's transactions: rskj's binary trie over their places.
//!
//! RSKIP-107 (the encoding of nodes from RSKIP-126 on) and the older one before. Mirrors rskj's
//! `BlockHashesHelper.getTxTrieRoot` and `Trie`.

use rustock_core::{
    consensus::params::EMPTY_TRIE_ROOT,
    primitives::{
        block::Transaction,
        hash::{Hash256, keccak256},
    },
};

/// Values above this many bytes are in a node by their hash.
const LONG_VALUE: usize = 32;
/// Leaves whose encoding has at most this many bytes stand inside their parent.
const MOST_EMBEDDED: usize = 44;

/// How nodes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NodeForm {
    /// Before RSKIP-126.
    Orchid,
    /// From RSKIP-126 on.
    Unitrie,
}

/// The root over these transactions, in order.
pub(super) fn transactions_root(transactions: &[Transaction], form: NodeForm) -> Hash256 {
    let entries: Vec<Entry<'_>> = transactions
        .iter()
        .enumerate()
        .map(|(place, transaction)| Entry { key: bits(&rlp::encode(&place)), value: transaction.raw() })
        .collect();
    let entries: Vec<&Entry<'_>> = entries.iter().collect();
    match node(&entries, 0, form) {
        Some(root) => Hash256::new(keccak256(&[&root.message])),
        None => EMPTY_TRIE_ROOT,
    }
}

struct Entry<'a> {
    key: Vec<bool>,
    value: &'a [u8],
}

/// A written node.
struct Node {
    message: Vec<u8>,
    has_children: bool,
    /// Bytes of everything below it.
    children_size: u64,
    value_size: usize,
}

fn bits(bytes: &[u8]) -> Vec<bool> {
    bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1)).collect()
}

fn packed(bits: &[bool]) -> Vec<u8> {
    let byte = |bits: &[bool]| {
        bits.iter().enumerate().fold(0, |byte, (index, bit)| byte | u8::from(*bit) << (7 - index))
    };
    bits.chunks(8).map(byte).collect()
}

/// The node over the entries, all of which share the first `depth` bits.
fn node(entries: &[&Entry<'_>], depth: usize, form: NodeForm) -> Option<Node> {
    let first = &entries.first()?.key;
    let shares = |length: usize| entries.iter().all(|entry| entry.key.get(..length) == first.get(..length));
    let end = (depth..=first.len()).take_while(|length| shares(*length)).last()?;
    let value = entries.iter().find(|entry| entry.key.len() == end).map(|entry| entry.value);
    let child = |side: bool| {
        let below: Vec<&Entry<'_>> =
            entries.iter().copied().filter(|entry| entry.key.get(end) == Some(&side)).collect();
        node(&below, end + 1, form)
    };
    let children = [child(false), child(true)];
    let path = &first[depth..end];
    let message = match form {
        NodeForm::Orchid => orchid(path, &children, value),
        NodeForm::Unitrie => unitrie(path, &children, value),
    };
    Some(Node {
        message,
        has_children: children.iter().any(Option::is_some),
        children_size: children_size(&children),
        value_size: value.map_or(0, <[u8]>::len),
    })
}

fn children_size(children: &[Option<Node>; 2]) -> u64 {
    let size = |child: &Node| {
        let value = if child.value_size > LONG_VALUE { child.value_size } else { 0 };
        child.children_size + (child.message.len() + value) as u64
    };
    children.iter().flatten().map(size).sum()
}

fn orchid(path: &[bool], children: &[Option<Node>; 2], value: Option<&[u8]>) -> Vec<u8> {
    let value = value.unwrap_or_default();
    let is_long = value.len() > LONG_VALUE;
    let mut message = vec![2, if is_long { 2 } else { 0 }];
    let [left, right] = children;
    message.extend((u16::from(left.is_some()) | u16::from(right.is_some()) << 1).to_be_bytes());
    message.extend((path.len() as u16).to_be_bytes());
    message.extend(packed(path));
    for child in children.iter().flatten() {
        message.extend(keccak256(&[&child.message]));
    }
    if is_long {
        message.extend(keccak256(&[value]));
    } else {
        message.extend(value);
    }
    message
}

fn unitrie(path: &[bool], children: &[Option<Node>; 2], value: Option<&[u8]>) -> Vec<u8> {
    let value = value.unwrap_or_default();
    let is_long = value.len() > LONG_VALUE;
    let is_embedded = |child: &Node| !child.has_children && child.message.len() <= MOST_EMBEDDED;
    let flag = |is_set: bool, bit: u8| u8::from(is_set) << bit;
    let [left, right] = children;
    let mut message = vec![
        0x40 | flag(is_long, 5)
            | flag(!path.is_empty(), 4)
            | flag(left.is_some(), 3)
            | flag(right.is_some(), 2)
            | flag(left.as_ref().is_some_and(is_embedded), 1)
            | flag(right.as_ref().is_some_and(is_embedded), 0),
    ];
    if !path.is_empty() {
        match path.len() {
            length @ 1..=32 => message.push((length - 1) as u8),
            length @ 160..=382 => message.push((length - 128) as u8),
            length => {
                message.push(0xff);
                message.extend(count(length as u64));
            }
        }
        message.extend(packed(path));
    }
    for child in children.iter().flatten() {
        if is_embedded(child) {
            message.push(child.message.len() as u8);
            message.extend(&child.message);
        } else {
            message.extend(keccak256(&[&child.message]));
        }
    }
    if left.is_some() || right.is_some() {
        message.extend(count(children_size(children)));
    }
    if is_long {
        message.extend(keccak256(&[value]));
        message.extend(&(value.len() as u32).to_be_bytes()[1..]);
    } else {
        message.extend(value);
    }
    message
}

/// Bitcoin's variable-length count.
fn count(count: u64) -> Vec<u8> {
    match count {
        0..=0xfc => vec![count as u8],
        0xfd..=0xffff => [&[0xfd][..], &(count as u16).to_le_bytes()].concat(),
        0x1_0000..=0xffff_ffff => [&[0xfe][..], &(count as u32).to_le_bytes()].concat(),
        _ => [&[0xff][..], &count.to_le_bytes()].concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_transactions_have_the_empty_root() {
        for form in [NodeForm::Orchid, NodeForm::Unitrie] {
            assert_eq!(transactions_root(&[], form), EMPTY_TRIE_ROOT);
        }
    }

    #[test]
    fn rskjs_root_of_the_remasc_transaction_of_block_2() {
        // `tx_trie_root` of block 2 of rskj's local network.
        let raw = [
            &[0xdd, 0x01, 0x00, 0x00, 0x94][..],
            &[0; 16],
            &[0x01, 0x00, 0x00, 0x08, 0x80, 0x80, 0x80, 0x80, 0x80],
        ];
        let transaction = Transaction::decode(&raw.concat()).unwrap();
        assert_eq!(
            transactions_root(&[transaction], NodeForm::Unitrie).to_string(),
            "0xf364781513dcc5a16cefd940ea58cae7d1b424520c939cee0e5cf2d35a2b6724"
        );
    }
}
