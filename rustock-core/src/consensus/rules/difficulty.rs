//! Each header's difficulty follows from its parent's: one fixed step up, down, or none.
//!
//! RSKIP-97 (no fall to the minimum after ten minutes), RSKIP-156 (smaller steps), RSKIP-290 (a higher minimum
//! on test networks). Mirrors rskj's `DifficultyCalculator` and `DifficultyRule`. There is no bomb, and the
//! step does not grow with the delay.

use core::ops::RangeInclusive;

use crate::{
    consensus::{error::HeaderError, params::NetworkParams, parent::Parent},
    primitives::{
        header::Header,
        number::{BlockNumber, Difficulty, UnixTime},
    },
};

/// Where RSKIP-97 is not active, a block so many seconds after its parent has the minimum difficulty.
const RESET_AFTER_SECONDS: i64 = 600;

/// The header's difficulty is the one that its parent, its time and its uncle count give.
///
/// # Errors
/// [`HeaderError::Difficulty`].
pub fn check(header: &Header, parent: &Parent, params: &NetworkParams) -> Result<(), HeaderError> {
    let expected = expected(params, parent, header.number(), header.timestamp(), header.uncle_count());
    let seen = header.difficulty();
    if expected == Some(seen) { Ok(()) } else { Err(HeaderError::Difficulty { expected, seen }) }
}

/// The difficulty of a child at `number` with this time and uncle count; `None` when it is 2^128 or more.
///
/// The uncle count is the header's own word: no rule of rskj's compares it with the uncles there are.
pub fn expected(
    params: &NetworkParams,
    parent: &Parent,
    number: BlockNumber,
    timestamp: UnixTime,
    uncle_count: u32,
) -> Option<Difficulty> {
    let minimum = minimum(params, number);
    // rskj holds times in a signed 64-bit, and decoding saw to it that they fit.
    let (time, parent_time) = (timestamp.as_secs() as i64, parent.timestamp.as_secs() as i64);
    // Its sum wraps for a parent at the end of time, as rskj's does.
    let reset_from = parent_time.wrapping_add(RESET_AFTER_SECONDS);
    if !params.activations.rskip97.is_active(number) && time >= reset_from {
        return Some(minimum);
    }
    let seconds_since_parent = time.wrapping_sub(parent_time);
    if seconds_since_parent < 0 {
        return Some(parent.difficulty);
    }
    let target_seconds = target_seconds(params, uncle_count);
    if seconds_since_parent == target_seconds {
        return Some(parent.difficulty);
    }
    let parent_difficulty = parent.difficulty.get();
    let step = parent_difficulty / u128::from(divisor(params, number));
    let stepped = if seconds_since_parent < target_seconds {
        parent_difficulty.checked_add(step)?
    } else {
        parent_difficulty - step
    };
    Some(Difficulty::new(stepped).max(minimum))
}

/// Between what the difficulty of a child at `number` lies, whatever its time and its uncle count. Both ends can
/// be had. Stops at 2^128 − 1.
pub fn range(params: &NetworkParams, parent: Difficulty, number: BlockNumber) -> RangeInclusive<Difficulty> {
    let minimum = minimum(params, number);
    let step = parent.get() / u128::from(divisor(params, number));
    let up = Difficulty::new(parent.get().saturating_add(step)).max(minimum);
    let down = Difficulty::new(parent.get() - step).max(minimum);
    // A child in step with its parent keeps its difficulty, even one below the minimum.
    let (mut least, most) = (down.min(parent), up.max(parent));
    if !params.activations.rskip97.is_active(number) {
        least = least.min(minimum);
    }
    least..=most
}

/// The least difficulty of a block at `number` after a step.
pub fn minimum(params: &NetworkParams, number: BlockNumber) -> Difficulty {
    match params.minimum_difficulty_after_rskip290 {
        Some(minimum) if params.activations.rskip290.is_active(number) => minimum,
        _ => params.minimum_difficulty,
    }
}

fn divisor(params: &NetworkParams, number: BlockNumber) -> u32 {
    if params.activations.rskip156.is_active(number) {
        params.difficulty_divisor_after_rskip156
    } else {
        params.difficulty_divisor
    }
}

/// The time a block with so many uncles should take, in rskj's wrapping 32-bit arithmetic: absurd uncle
/// counts, which no rule refuses, make it negative.
fn target_seconds(params: &NetworkParams, uncle_count: u32) -> i64 {
    let blocks = 1i32.wrapping_add(uncle_count as i32);
    i64::from(blocks.wrapping_mul(params.target_block_seconds as i32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{consensus::test_headers, primitives::activation::Activation};

    const PARENT: u128 = 1_000_000_000_000_000_007;

    fn next(params: &NetworkParams, number: u64, parent: u128, seconds: i64, uncles: u32) -> Option<u128> {
        let timestamp = 1_000_000;
        let parent = Parent {
            timestamp: UnixTime::from_secs(timestamp),
            difficulty: Difficulty::new(parent),
            ..test_headers::parent()
        };
        let own = UnixTime::from_secs(timestamp.checked_add_signed(seconds).unwrap());
        expected(params, &parent, BlockNumber::new(number), own, uncles).map(Difficulty::get)
    }

    #[test]
    fn up_before_the_target_down_after_it_unchanged_on_it() {
        let mainnet = NetworkParams::mainnet();
        let (up, down) = (PARENT + PARENT / 400, PARENT - PARENT / 400);
        for (uncles, target) in [(0, 14), (2, 42), (10, 154)] {
            assert_eq!(next(&mainnet, 3_000_000, PARENT, 0, uncles), Some(up));
            assert_eq!(next(&mainnet, 3_000_000, PARENT, target - 1, uncles), Some(up));
            assert_eq!(next(&mainnet, 3_000_000, PARENT, target, uncles), Some(PARENT));
            assert_eq!(next(&mainnet, 3_000_000, PARENT, target + 1, uncles), Some(down));
            assert_eq!(next(&mainnet, 3_000_000, PARENT, 100_000, uncles), Some(down));
        }
    }

    #[test]
    fn a_child_older_than_its_parent_keeps_the_difficulty() {
        assert_eq!(next(&NetworkParams::mainnet(), 3_000_000, PARENT, -1, 0), Some(PARENT));
        let below_the_minimum = 5;
        assert_eq!(next(&NetworkParams::mainnet(), 3_000_000, below_the_minimum, -1, 0), Some(5));
        assert_eq!(next(&NetworkParams::mainnet(), 3_000_000, below_the_minimum, 14, 0), Some(5));
    }

    #[test]
    fn rskip156_shrinks_the_step_from_its_height_on() {
        let mainnet = NetworkParams::mainnet();
        assert_eq!(next(&mainnet, 2_392_699, PARENT, 1, 0), Some(PARENT + PARENT / 50));
        assert_eq!(next(&mainnet, 2_392_700, PARENT, 1, 0), Some(PARENT + PARENT / 400));
    }

    #[test]
    fn rskip97_ends_the_fall_to_the_minimum() {
        let mainnet = NetworkParams::mainnet();
        let minimum = 7_000_000_000_000_000;
        assert_eq!(next(&mainnet, 728_999, PARENT, 599, 0), Some(PARENT - PARENT / 50));
        assert_eq!(next(&mainnet, 728_999, PARENT, 600, 0), Some(minimum));
        assert_eq!(next(&mainnet, 729_000, PARENT, 600, 0), Some(PARENT - PARENT / 50));
    }

    #[test]
    fn a_step_never_ends_below_the_minimum() {
        let minimum = 7_000_000_000_000_000;
        assert_eq!(next(&NetworkParams::mainnet(), 3_000_000, minimum, 1_000, 0), Some(minimum));
        let just_above = minimum + minimum / 399;
        let stepped = just_above - just_above / 400;
        assert!(stepped >= minimum);
        assert_eq!(next(&NetworkParams::mainnet(), 3_000_000, just_above, 1_000, 0), Some(stepped));
        assert_eq!(next(&NetworkParams::mainnet(), 3_000_000, 1_048_576, 1, 0), Some(minimum));
    }

    #[test]
    fn rskip290_raises_the_minimum_of_networks_that_have_it() {
        let testnet = NetworkParams::testnet();
        assert_eq!(next(&testnet, 2_581_799, PARENT, 600, 0), Some(131_072));
        assert_eq!(next(&testnet, 2_581_800, PARENT, 600, 0), Some(550_000_000));
        let mainnet_minimum = Some(7_000_000_000_000_000);
        assert_eq!(next(&NetworkParams::mainnet(), 5_000_000, 1, 600, 0), mainnet_minimum);
    }

    #[test]
    fn at_the_end_of_time_the_reset_wraps_as_in_rskj() {
        let at = |parent_time: i64, time: i64| {
            let parent = Parent {
                timestamp: UnixTime::from_secs(parent_time as u64),
                difficulty: Difficulty::new(PARENT),
                ..test_headers::parent()
            };
            let testnet = NetworkParams::testnet();
            expected(&testnet, &parent, BlockNumber::new(1), UnixTime::from_secs(time as u64), 0)
        };
        let minimum = Some(NetworkParams::testnet().minimum_difficulty);
        assert_ne!(at(i64::MAX - 600, i64::MAX - 599), minimum);
        assert_eq!(at(i64::MAX - 600, i64::MAX), minimum);
        assert_eq!(at(i64::MAX - 599, i64::MAX - 598), minimum, "the sum is negative");
    }

    #[test]
    fn absurd_uncle_counts_wrap_as_in_rskj() {
        let mainnet = NetworkParams::mainnet();
        let (up, down) = (PARENT + PARENT / 400, PARENT - PARENT / 400);
        assert_eq!(next(&mainnet, 3_000_000, PARENT, 1, 153_391_688), Some(up));
        assert_eq!(next(&mainnet, 3_000_000, PARENT, 1, 153_391_689), Some(down));
        assert_eq!(next(&mainnet, 3_000_000, PARENT, 1, 2_147_483_647), Some(down));
    }

    #[test]
    fn a_difficulty_beyond_128_bits_matches_no_header() {
        assert_eq!(next(&NetworkParams::mainnet(), 3_000_000, u128::MAX, 1, 0), None);
        assert_eq!(next(&NetworkParams::mainnet(), 3_000_000, u128::MAX, 14, 0), Some(u128::MAX));
    }

    #[test]
    fn the_header_must_have_exactly_the_expected_difficulty() {
        let mut params = NetworkParams::simnet();
        params.activations.rskip156 = Activation::GENESIS;
        let parent = Parent { difficulty: Difficulty::new(4_000), ..test_headers::parent() };
        let with = |difficulty| {
            test_headers::child(|fields| {
                fields.difficulty = Difficulty::new(difficulty);
                fields.timestamp = UnixTime::from_secs(parent.timestamp.as_secs() + 1);
            })
        };
        assert_eq!(check(&with(4_010), &parent, &params), Ok(()));
        for seen in [4_009, 4_011] {
            let refusal = HeaderError::Difficulty {
                expected: Some(Difficulty::new(4_010)),
                seen: Difficulty::new(seen),
            };
            assert_eq!(check(&with(seen), &parent, &params), Err(refusal));
        }
    }
}
