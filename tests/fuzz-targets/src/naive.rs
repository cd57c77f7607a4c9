//! Oracles that more than one target needs.

use rlp::RlpStream;
use sha2::Digest as _;
use sha3::Keccak256;

/// SHA-256 of SHA-256, by another library than the core's.
pub fn double_sha256(bytes: &[u8]) -> [u8; 32] {
    sha2::Sha256::digest(sha2::Sha256::digest(bytes)).into()
}

/// Keccak-256 in one go.
pub fn keccak256(bytes: &[u8]) -> [u8; 32] {
    Keccak256::digest(bytes).into()
}

/// The bytes in reverse.
pub fn reversed(bytes: &[u8; 32]) -> [u8; 32] {
    let mut reversed = *bytes;
    reversed.reverse();
    reversed
}

/// Where `sought` was last seen, compared place by place.
pub fn last_position(bytes: &[u8], sought: &[u8]) -> Option<usize> {
    bytes.windows(sought.len()).rposition(|window| window == sought)
}

/// The strings of a list, by the `rlp` crate.
pub fn items(list: &[u8]) -> Vec<Vec<u8>> {
    rlp::Rlp::new(list).iter().map(|item| item.data().expect("a string").to_vec()).collect()
}

/// The list of these strings, by the same crate.
pub fn list(items: &[Vec<u8>]) -> Vec<u8> {
    let mut stream = RlpStream::new_list(items.len());
    for item in items {
        stream.append(item);
    }
    stream.out().to_vec()
}
