//! The Bitcoin header's hash, read as a number, is at most 2^256 divided by the difficulty.
//!
//! No RSKIP. Mirrors rskj's `ProofOfWorkRule` and `DifficultyUtils.difficultyToTarget`. The Bitcoin header's
//! own `nBits` is ignored.

use bitcoin_hashes::sha256d;

use crate::{
    consensus::error::HeaderError,
    primitives::{hash::Hash256, header::BITCOIN_HEADER_SIZE, number::Difficulty},
};

/// Least difficulty that rskj divides by: 0, 1 and 2 count as 3.
const LEAST_DIVISOR: u128 = 3;

/// The Bitcoin header's work meets the difficulty. Returns its double SHA-256, in hashing order.
///
/// # Errors
/// [`HeaderError::ProofOfWork`].
pub fn check(
    bitcoin_header: &[u8; BITCOIN_HEADER_SIZE],
    difficulty: Difficulty,
) -> Result<[u8; 32], HeaderError> {
    let hash = sha256d::Hash::hash(bitcoin_header).to_byte_array();
    if meets(&hash, difficulty) {
        return Ok(hash);
    }
    let mut shown = hash;
    shown.reverse();
    Err(HeaderError::ProofOfWork { difficulty, seen: Hash256::new(shown) })
}

/// True when the hash, a little-endian number, is at most ⌊2^256 / difficulty⌋.
///
/// For whole numbers that is the same as `hash · difficulty ≤ 2^256`, which takes no division. Equality is
/// allowed on both sides, so 2^256 itself is let through.
pub fn meets(hash: &[u8; 32], difficulty: Difficulty) -> bool {
    let divisor = difficulty.get().max(LEAST_DIVISOR);
    let divisor = [divisor as u64, (divisor >> 64) as u64];
    let mut product = [0u64; 6];
    for (place, digits) in hash.chunks_exact(8).enumerate() {
        let digit = u64::from_le_bytes(digits.try_into().expect("chunks of eight"));
        let mut carry = 0u128;
        for (offset, factor) in divisor.into_iter().enumerate() {
            let sum = u128::from(digit) * u128::from(factor) + u128::from(product[place + offset]) + carry;
            product[place + offset] = sum as u64;
            carry = sum >> 64;
        }
        product[place + 2] = carry as u64;
    }
    let [low @ .., two_to_256, two_to_320] = product;
    match (two_to_320, two_to_256) {
        (0, 0) => true,
        (0, 1) => low == [0; 4],
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// ⌊2^256 / difficulty⌋ by long division, as little-endian bytes.
    fn target(difficulty: u128) -> [u8; 32] {
        let divisor = difficulty.max(LEAST_DIVISOR);
        let mut target = [0u8; 32];
        let mut remainder = 1u128; // the leading one of 2^256
        for bit in (0..256).rev() {
            let overflows = remainder >> 127 == 1;
            remainder <<= 1;
            if overflows || remainder >= divisor {
                remainder = remainder.wrapping_sub(divisor);
                target[bit / 8] |= 1 << (bit % 8);
            }
        }
        target
    }

    fn plus_one(mut number: [u8; 32]) -> [u8; 32] {
        for byte in &mut number {
            *byte = byte.wrapping_add(1);
            if *byte != 0 {
                break;
            }
        }
        number
    }

    fn shown(mut number: [u8; 32]) -> String {
        number.reverse();
        hex::encode(number)
    }

    #[test]
    fn difficulties_up_to_two_count_as_three() {
        for difficulty in 0..=3 {
            let third = target(3);
            assert_eq!(shown(third), "5".repeat(64));
            assert!(meets(&third, Difficulty::new(difficulty)));
            assert!(!meets(&plus_one(third), Difficulty::new(difficulty)));
        }
    }

    #[test]
    fn a_difficulty_that_divides_two_to_the_256_allows_the_exact_quotient() {
        for shift in 2..128 {
            let mut exact = [0u8; 32];
            exact[(256 - shift) / 8] = 1 << ((256 - shift) % 8);
            let difficulty = Difficulty::new(1 << shift);
            assert!(meets(&exact, difficulty), "2^256 / 2^{shift}");
            assert!(!meets(&plus_one(exact), difficulty), "2^256 / 2^{shift} + 1");
        }
    }

    #[test]
    fn no_hash_is_too_small_and_the_largest_is_always_too_large() {
        for difficulty in [0, 1, 4, 1 << 74, u128::MAX] {
            assert!(meets(&[0; 32], Difficulty::new(difficulty)));
            assert!(!meets(&[0xff; 32], Difficulty::new(difficulty)));
        }
    }

    #[test]
    fn a_header_without_the_work_is_refused_with_its_hash_as_it_is_usually_shown() {
        let error = check(&[0; 80], Difficulty::new(u128::MAX)).expect_err("no work in it");
        let shown = "0x14508459b221041eab257d2baaa7459775ba748246c8403609eb708f0e57e74b";
        assert_eq!(error.seen(), shown);
        assert!(check(&[0; 80], Difficulty::new(1)).is_ok());
    }

    proptest! {
        #[test]
        fn multiplying_agrees_with_dividing(difficulty in any::<u128>(), shift in 0u32..127) {
            let difficulty = difficulty >> shift;
            let target = target(difficulty);
            prop_assert!(meets(&target, Difficulty::new(difficulty)));
            prop_assert!(!meets(&plus_one(target), Difficulty::new(difficulty)));
        }
    }
}
