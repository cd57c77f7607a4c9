//! The path of hashes from the Bitcoin coinbase to the Bitcoin header's merkle root.
//!
//! RSKIP-92 (a plain path) and RSKIP-180 (its greatest size). Mirrors rskj's `Rskip92MerkleProofValidator` and
//! `MerkleTreeUtils`, whose hashes are in display order: each sibling is written backwards.

use bitcoin_hashes::sha256d;

use crate::{
    consensus::{
        error::{FoldedRoot, HeaderError},
        params::NetworkParams,
    },
    primitives::{
        hash::Hash256,
        header::{Header, MergedMiningProof},
        number::BlockNumber,
    },
};

/// Bytes of one hash.
const HASH_SIZE: usize = 32;
/// Most bytes of a proof from RSKIP-180 on: 30 hashes.
pub const MAXIMUM_SIZE: usize = 960;
/// The merkle root's place in a Bitcoin header.
const ROOT: core::ops::Range<usize> = 36..68;
/// Satoshis that will ever be.
const MAXIMUM_MONEY: i64 = 21_000_000 * 100_000_000;

/// The proof is a whole number of hashes, and not too many.
///
/// # Errors
/// [`HeaderError::MerkleProofFormat`].
pub fn check_format(
    merkle_proof: &[u8],
    params: &NetworkParams,
    number: BlockNumber,
) -> Result<(), HeaderError> {
    let most = params.activations.rskip180.is_active(number).then_some(MAXIMUM_SIZE);
    let seen = merkle_proof.len();
    if seen.is_multiple_of(HASH_SIZE) && most.is_none_or(|most| seen <= most) {
        return Ok(());
    }
    Err(HeaderError::MerkleProofFormat { most, seen })
}

/// The path leads from the coinbase's transaction id (in hashing order) to the Bitcoin header's root.
///
/// # Errors
/// [`HeaderError::MerkleRoot`].
pub fn check(header: &Header, coinbase_id: [u8; 32]) -> Result<(), HeaderError> {
    let mut node = coinbase_id;
    let mut pair = [0; 2 * HASH_SIZE];
    for layer in 0..depth(header) {
        if !join(header, layer, &node, &mut pair) {
            return Err(lookalike(header, layer));
        }
        node = sha256d::Hash::hash(&pair).to_byte_array();
    }
    check_root(header, &node)
}

/// Paths of many headers, folded together, layer by layer: a batch of hashes costs two thirds of as many
/// single ones.
#[derive(Debug, Default)]
pub struct BatchFold {
    pairs: Vec<[u8; 64]>,
    hashes: Vec<[u8; 32]>,
    /// Which header each pair belongs to.
    owners: Vec<usize>,
}

impl BatchFold {
    /// Folds the path of each header from its node (the coinbase's transaction id), and puts the outcome in
    /// the node's place: where the path ends, to be compared by [`check_root`], or the error on the way.
    pub fn fold(&mut self, headers: &[&Header], nodes: &mut [Result<[u8; 32], HeaderError>]) {
        for layer in 0.. {
            self.join_layer(layer, headers, nodes);
            if self.owners.is_empty() {
                return;
            }
            // The library's kernels take pairs of inputs and do a last odd one in plain software.
            if self.pairs.len() % 2 == 1 {
                self.pairs.push([0; 64]);
            }
            self.hashes.resize(self.pairs.len(), [0; 32]);
            sha256d::Hash::hash_64_many(&mut self.hashes, &self.pairs);
            for (owner, hash) in self.owners.iter().zip(&self.hashes) {
                nodes[*owner] = Ok(*hash);
            }
        }
    }

    fn join_layer(&mut self, layer: usize, headers: &[&Header], nodes: &mut [Result<[u8; 32], HeaderError>]) {
        self.owners.clear();
        self.pairs.clear();
        for (owner, (header, outcome)) in headers.iter().zip(nodes).enumerate() {
            let Ok(node) = outcome else { continue };
            if layer >= depth(header) {
                continue;
            }
            let mut pair = [0; 2 * HASH_SIZE];
            if join(header, layer, node, &mut pair) {
                self.owners.push(owner);
                self.pairs.push(pair);
            } else {
                *outcome = Err(lookalike(header, layer));
            }
        }
    }
}

/// The end of a path is the Bitcoin header's merkle root.
///
/// # Errors
/// [`HeaderError::MerkleRoot`].
pub fn check_root(header: &Header, end: &[u8; 32]) -> Result<(), HeaderError> {
    if bitcoin_root(header) == Some(end) {
        return Ok(());
    }
    Err(merkle_root_error(header, FoldedRoot::Root(Hash256::new(reversed(end)))))
}

/// Number of hashes in the proof; none when there is no proof.
fn depth(header: &Header) -> usize {
    header.proof().map_or(0, |proof| proof.merkle_proof.len() / HASH_SIZE)
}

/// Writes the pair of a node and its sibling, both in hashing order: the coinbase's side is always the left.
/// False when the two could be read as a transaction.
fn join(header: &Header, layer: usize, node: &[u8; 32], pair: &mut [u8; 64]) -> bool {
    let Some(MergedMiningProof { merkle_proof, .. }) = header.proof() else { return true };
    let sibling = merkle_proof[layer * HASH_SIZE..].first_chunk().expect("the layer is below the depth");
    pair[..HASH_SIZE].copy_from_slice(node);
    pair[HASH_SIZE..].copy_from_slice(&reversed(sibling));
    !reads_as_transaction(node, sibling)
}

/// True when a pair of hashes, *both in display order*, could be read as a transaction of 64 bytes with one
/// input and one output. Mirrors rskj's `MerkleTreeUtils.checkNotAValid64ByteTransaction`, which looks at the
/// bytes the wrong way round; so do we, or a proof could be made that only one of us takes.
///
/// The node is in hashing order here, the sibling in display order as the proof has it.
pub fn reads_as_transaction(node: &[u8; 32], sibling: &[u8; 32]) -> bool {
    let [.., input_count, _, _, _, _] = node;
    if *input_count != 1 {
        return false;
    }
    // All further fields lie in the second half of the 64 bytes.
    let at = |place: usize| sibling[place - HASH_SIZE];
    let number = |place: usize| &sibling[place - HASH_SIZE..];
    let input_index = u32::from_le_bytes(*number(37).first_chunk().expect("four bytes"));
    let input_script_size = usize::from(at(41));
    if (input_index > 1_000_000 && input_index != u32::MAX) || input_script_size > 4 {
        return false;
    }
    let output_count = at(46 + input_script_size);
    let output_value =
        i64::from_le_bytes(*number(47 + input_script_size).first_chunk().expect("eight bytes"));
    let output_script_size = usize::from(at(55 + input_script_size));
    output_count == 1
        && (1..=MAXIMUM_MONEY).contains(&output_value)
        && input_script_size + output_script_size == 4
}

/// The merkle root that the Bitcoin header names, in hashing order.
pub(super) fn bitcoin_root(header: &Header) -> Option<&[u8; 32]> {
    header.proof()?.bitcoin_header.get(ROOT)?.first_chunk()
}

/// The error of a proof that leads elsewhere than to the Bitcoin header's root.
pub(super) fn merkle_root_error(header: &Header, seen: FoldedRoot) -> HeaderError {
    let expected = bitcoin_root(header).map_or(Hash256::ZERO, |root| Hash256::new(reversed(root)));
    HeaderError::MerkleRoot { expected, seen }
}

fn lookalike(header: &Header, layer: usize) -> HeaderError {
    merkle_root_error(header, FoldedRoot::TransactionLookalike { layer })
}

pub(super) fn reversed(bytes: &[u8; 32]) -> [u8; 32] {
    let mut reversed = *bytes;
    reversed.reverse();
    reversed
}

#[cfg(test)]
mod tests;
