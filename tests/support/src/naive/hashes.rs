//! The two hash functions, and the SHA-256 that goes on from where somebody else stopped.

use sha2::{Digest, Sha256};
use sha3::Keccak256;

/// Keccak-256 with the original padding.
pub fn keccak(bytes: &[u8]) -> [u8; 32] {
    Keccak256::digest(bytes).into()
}

/// SHA-256 twice: Bitcoin's hash, in the order in which it comes out.
pub fn double_sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(Sha256::digest(bytes)).into()
}

/// SHA-256 once.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The constants of FIPS 180-4, 4.2.2.
const ROUND_CONSTANTS: [u32; 64] = [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
];

/// Finishes a SHA-256 that has seen `seen_bytes` bytes and stands at `state`, over the bytes of `tail`.
///
/// Nothing is assumed to be left over in a buffer, whatever the count says, and the length that the padding
/// states is taken modulo 2^64 bits.
pub fn finish_sha256(state: [u32; 8], seen_bytes: u64, tail: &[u8]) -> [u8; 32] {
    let bits = seen_bytes.wrapping_add(tail.len() as u64).wrapping_mul(8);
    let mut padded = tail.to_vec();
    padded.push(0x80);
    while padded.len() % 64 != 56 {
        padded.push(0);
    }
    padded.extend(bits.to_be_bytes());

    let mut state = state;
    for block in padded.chunks(64) {
        state = compress(state, block);
    }
    let mut digest = [0; 32];
    for (bytes, word) in digest.chunks_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    digest
}

/// FIPS 180-4, 6.2.2, for one block of 64 bytes.
fn compress(state: [u32; 8], block: &[u8]) -> [u32; 8] {
    let mut schedule: Vec<u32> = block
        .chunks(4)
        .map(|word| word.iter().fold(0, |value, byte| (value << 8) | u32::from(*byte)))
        .collect();
    for t in 16..64 {
        let (w15, w2) = (schedule[t - 15], schedule[t - 2]);
        let sigma0 = w15.rotate_right(7) ^ w15.rotate_right(18) ^ (w15 >> 3);
        let sigma1 = w2.rotate_right(17) ^ w2.rotate_right(19) ^ (w2 >> 10);
        let word = schedule[t - 16].wrapping_add(sigma0).wrapping_add(schedule[t - 7]).wrapping_add(sigma1);
        schedule.push(word);
    }

    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = state;
    for t in 0..64 {
        let sum1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let choice = (e & f) ^ (!e & g);
        let first = h
            .wrapping_add(sum1)
            .wrapping_add(choice)
            .wrapping_add(ROUND_CONSTANTS[t])
            .wrapping_add(schedule[t]);
        let sum0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let majority = (a & b) ^ (a & c) ^ (b & c);
        let second = sum0.wrapping_add(majority);
        (h, g, f, e) = (g, f, e, d.wrapping_add(first));
        (d, c, b, a) = (c, b, a, first.wrapping_add(second));
    }

    let mut next = state;
    for (word, addend) in next.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *word = word.wrapping_add(addend);
    }
    next
}

#[cfg(test)]
mod tests {
    use super::{compress, finish_sha256, sha256};

    /// The state of a SHA-256 that has seen nothing (FIPS 180-4, 5.3.3).
    const START: [u32; 8] =
        [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];

    #[test]
    fn finishing_from_the_start_is_sha256() {
        for length in [0, 1, 55, 56, 63, 64, 65, 200] {
            let message: Vec<u8> = (0..length).collect();
            assert_eq!(finish_sha256(START, 0, &message), sha256(&message), "{length} bytes");
        }
    }

    #[test]
    fn finishing_after_whole_blocks_is_sha256_of_everything() {
        let message: Vec<u8> = (0..=255).collect();
        let state = message[..128].chunks(64).fold(START, compress);
        assert_eq!(finish_sha256(state, 128, &message[128..]), sha256(&message));
        assert_ne!(finish_sha256(state, 127, &message[128..]), sha256(&message));
    }

    #[test]
    fn the_three_highest_bits_of_the_count_do_not_matter() {
        let plain = finish_sha256(START, 64, b"tail");
        assert_eq!(finish_sha256(START, 64 | (1 << 61), b"tail"), plain);
        assert_eq!(finish_sha256(START, 64 | (7 << 61), b"tail"), plain);
        assert_ne!(finish_sha256(START, 64 | (1 << 60), b"tail"), plain);
    }
}
