//! The difficulty a child must have. RSKIP-97, RSKIP-156 and RSKIP-290; rskj's `DifficultyCalculator`.

use rustock_core::{
    consensus::params::NetworkParams,
    primitives::{header::Header, number::BlockNumber},
};

/// Without RSKIP-97, a block that comes so late has the least difficulty.
pub(super) const RESET_SECONDS: u64 = 600;

/// The child whose difficulty is asked for, by the fields that decide it.
pub(super) struct Child {
    pub number: BlockNumber,
    pub timestamp: u64,
    pub uncle_count: u32,
}

/// The difficulty of `child` on top of `parent`: one fixed step up when blocks and uncles come too fast, one
/// down when they come too slowly.
pub(super) fn difficulty(params: &NetworkParams, parent: &Header, child: &Child) -> u128 {
    let parent_difficulty = parent.difficulty().get();
    let parent_time = parent.timestamp().as_secs();
    let rules = &params.activations;
    let minimum = match params.minimum_difficulty_after_rskip290 {
        Some(minimum) if rules.rskip290.is_active(child.number) => minimum.get(),
        _ => params.minimum_difficulty.get(),
    };
    if !rules.rskip97.is_active(child.number) && child.timestamp >= parent_time + RESET_SECONDS {
        return minimum;
    }
    if child.timestamp < parent_time {
        return parent_difficulty;
    }
    let seconds = i128::from(child.timestamp - parent_time);
    // rskj multiplies 32-bit integers, and uncle counts are the sender's word.
    let target = (child.uncle_count.wrapping_add(1)).wrapping_mul(params.target_block_seconds) as i32;
    let target = i128::from(target);
    if seconds == target {
        return parent_difficulty;
    }
    let divisor = if rules.rskip156.is_active(child.number) {
        params.difficulty_divisor_after_rskip156
    } else {
        params.difficulty_divisor
    };
    let step = parent_difficulty / u128::from(divisor);
    let moved = if seconds < target { parent_difficulty + step } else { parent_difficulty - step };
    moved.max(minimum)
}

/// floor(2^256 / difficulty), as 32 big-endian bytes. Difficulties 0, 1 and 2 count as 3.
pub(super) fn target(difficulty: u128) -> [u8; 32] {
    let divisor = if difficulty <= 2 { 3 } else { difficulty };
    // Long division by bits of a one with 256 zeros. The remainder stays below the divisor, but twice the
    // remainder can need a 129th bit.
    let mut remainder = 1u128;
    let mut quotient = [0u8; 32];
    for bit in 0..256 {
        let overflows = remainder >> 127 == 1;
        remainder <<= 1;
        if overflows || remainder >= divisor {
            remainder = remainder.wrapping_sub(divisor);
            quotient[bit / 8] |= 0x80 >> (bit % 8);
        }
    }
    quotient
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_two_to_the_256_divided_by_the_difficulty() {
        assert_eq!(target(3), [0x55; 32]);
        assert_eq!(target(1), target(3));
        let mut power = [0; 32];
        power[15] = 0x02;
        assert_eq!(target(1 << 127), power);
        // 2^256 = (2^128 - 1)(2^128 + 1) + 1
        let mut largest = [0; 32];
        largest[15] = 1;
        largest[31] = 1;
        assert_eq!(target(u128::MAX), largest);
    }
}
