//! The Bitcoin side of a merged-mining proof: a coinbase cut at a SHA-256 midstate, a merkle path, a header.
//!
//! RSKIP-92's proof form. Mirrors rskj's `MinerServerImpl.compressCoinbase` and `Rskip92MerkleProofBuilder`.

use sha2::{Digest, Sha256, block_api::compress256};

/// SHA-256's initial chaining value.
const INITIAL_STATE: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// Bytes of a SHA-256 block.
pub(super) const SHA256_BLOCK: usize = 64;

pub(super) fn double_sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(Sha256::digest(bytes)).into()
}

/// rskj's compressed coinbase: how many bytes went into the midstate, the midstate, the bytes after them.
///
/// # Panics
/// When `hashed` is not a whole number of SHA-256 blocks inside the transaction.
pub(super) fn compress_coinbase(transaction: &[u8], hashed: usize) -> Vec<u8> {
    let (head, tail) = transaction.split_at(hashed);
    let (blocks, rest) = head.as_chunks::<SHA256_BLOCK>();
    assert!(rest.is_empty(), "{hashed} bytes are not whole SHA-256 blocks");
    let mut state = INITIAL_STATE;
    compress256(&mut state, blocks);

    let mut compressed = Vec::with_capacity(40 + tail.len());
    compressed.extend_from_slice(&(hashed as u64).to_be_bytes());
    for word in state {
        compressed.extend_from_slice(&word.to_be_bytes());
    }
    compressed.extend_from_slice(tail);
    compressed
}

/// The root of a tree in which `leaf` stands leftmost. Leaf and root are in internal order, siblings in
/// display order (reversed), from the leaf up.
pub(super) fn merkle_root(leaf: [u8; 32], siblings: &[[u8; 32]]) -> [u8; 32] {
    let mut pair = [0; 64];
    siblings.iter().fold(leaf, |node, sibling| {
        let mut internal_order = *sibling;
        internal_order.reverse();
        pair[..32].copy_from_slice(&node);
        pair[32..].copy_from_slice(&internal_order);
        double_sha256(&pair)
    })
}

/// The 80 bytes of a Bitcoin header.
pub(super) struct BitcoinHeader {
    pub version: u32,
    pub previous: [u8; 32],
    pub merkle_root: [u8; 32],
    pub time: u32,
    pub bits: u32,
}

impl BitcoinHeader {
    /// Tries nonces from `first_nonce` on until the hash, read as a little-endian integer, is at most `target`
    /// (`meets` true) or above it (`meets` false).
    pub fn mine(&self, first_nonce: u32, target: &[u8; 32], meets: bool) -> [u8; 80] {
        let mut bytes = [0; 80];
        bytes[..4].copy_from_slice(&self.version.to_le_bytes());
        bytes[4..36].copy_from_slice(&self.previous);
        bytes[36..68].copy_from_slice(&self.merkle_root);
        bytes[68..72].copy_from_slice(&self.time.to_le_bytes());
        bytes[72..76].copy_from_slice(&self.bits.to_le_bytes());
        let mut nonce = first_nonce;
        loop {
            bytes[76..].copy_from_slice(&nonce.to_le_bytes());
            let mut hash = double_sha256(&bytes);
            hash.reverse();
            if (hash <= *target) == meets {
                return bytes;
            }
            nonce = nonce.wrapping_add(1);
            assert_ne!(nonce, first_nonce, "no nonce meets the difficulty: it is too high to generate");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coinbase_cut_before_its_first_block_keeps_the_initial_state() {
        let compressed = compress_coinbase(b"tail", 0);
        assert_eq!(compressed[..8], [0; 8]);
        assert_eq!(compressed[8..12], [0x6a, 0x09, 0xe6, 0x67]);
        assert_eq!(compressed[40..], *b"tail");
    }

    #[test]
    fn without_siblings_the_root_is_the_leaf() {
        assert_eq!(merkle_root([9; 32], &[]), [9; 32]);
        assert_ne!(merkle_root([9; 32], &[[1; 32]]), merkle_root([9; 32], &[[2; 32]]));
    }
}
