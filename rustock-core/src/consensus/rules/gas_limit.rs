//! The gas limit moves in small steps and never below a minimum.
//!
//! No RSKIP. Mirrors rskj's `BlockParentGasLimitRule` and `GasLimitRule`. Unlike Ethereum's, the bounds are
//! inclusive, and they are multiplied before they are divided.

use core::ops::RangeInclusive;

use crate::{
    consensus::{error::HeaderError, params::NetworkParams, parent::Parent},
    primitives::{header::Header, number::GasLimit},
};

/// The header's gas limit is there and not below the minimum.
///
/// # Errors
/// [`HeaderError::GasLimit`] without an upper bound.
pub fn check_minimum(header: &Header, params: &NetworkParams) -> Result<(), HeaderError> {
    let (least, seen) = (params.minimum_gas_limit, header.gas_limit());
    if !seen.is_empty() && seen.get() >= least {
        Ok(())
    } else {
        Err(HeaderError::GasLimit { least, most: None, seen })
    }
}

/// The header's gas limit is within a step of its parent's.
///
/// # Errors
/// [`HeaderError::GasLimit`] with both bounds.
pub fn check_step(header: &Header, parent: &Parent, params: &NetworkParams) -> Result<(), HeaderError> {
    let (bounds, seen) = (bounds(parent.gas_limit, params.gas_limit_bound_divisor), header.gas_limit());
    if bounds.contains(&seen.get()) {
        return Ok(());
    }
    Err(HeaderError::GasLimit { least: *bounds.start(), most: Some(*bounds.end()), seen })
}

/// From ⌊parent·(divisor − 1)/divisor⌋ to ⌊parent·(divisor + 1)/divisor⌋, both allowed.
pub fn bounds(parent: GasLimit, divisor: u128) -> RangeInclusive<u128> {
    let parent = parent.get();
    parent - parent.div_ceil(divisor)..=parent.saturating_add(parent / divisor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consensus::test_headers;
    use proptest::prelude::*;

    fn step(parent: u128, own: GasLimit) -> Result<(), HeaderError> {
        let child = test_headers::child(|fields| fields.gas_limit = own);
        let parent = Parent { gas_limit: GasLimit::new(0, parent), ..test_headers::parent() };
        check_step(&child, &parent, &NetworkParams::simnet())
    }

    #[test]
    fn both_ends_of_the_step_are_allowed_and_nothing_beyond() {
        let (least, most) = (6_793_359, 6_806_640);
        for allowed in [least, 6_800_000, most] {
            assert_eq!(step(6_800_000, GasLimit::new(0, allowed)), Ok(()));
            assert_eq!(step(6_800_000, GasLimit::new(1, allowed)), Ok(()), "leading zeros do not count");
        }
        for seen in [least - 1, most + 1].map(|limit| GasLimit::new(0, limit)) {
            assert_eq!(step(6_800_000, seen), Err(HeaderError::GasLimit { least, most: Some(most), seen }));
        }
    }

    #[test]
    fn three_million_is_the_least() {
        let with = |limit| test_headers::child(|fields| fields.gas_limit = limit);
        for params in [NetworkParams::mainnet(), NetworkParams::testnet(), NetworkParams::regtest()] {
            assert_eq!(check_minimum(&with(GasLimit::new(0, 3_000_000)), &params), Ok(()));
            for seen in [GasLimit::new(0, 2_999_999), GasLimit::new(0, 0), GasLimit::new(1, 0)] {
                let refusal = HeaderError::GasLimit { least: 3_000_000, most: None, seen };
                assert_eq!(check_minimum(&with(seen), &params), Err(refusal), "{}", params.name);
            }
        }
        let params = NetworkParams { minimum_gas_limit: 0, ..NetworkParams::simnet() };
        assert!(check_minimum(&with(GasLimit::new(0, 0)), &params).is_err(), "an empty field");
        assert_eq!(check_minimum(&with(GasLimit::new(1, 0)), &params), Ok(()));
    }

    proptest! {
        #[test]
        fn the_bounds_are_the_ones_of_multiplying_first(parent in 0..u128::MAX >> 13, divisor in 2u128..5000) {
            let exact = bounds(GasLimit::new(0, parent), divisor);
            prop_assert_eq!(*exact.start(), parent * (divisor - 1) / divisor);
            prop_assert_eq!(*exact.end(), parent * (divisor + 1) / divisor);
        }

        #[test]
        fn the_greatest_limits_do_not_overflow(parent in u128::MAX - 10_000..=u128::MAX) {
            prop_assert!(bounds(GasLimit::new(0, parent), 1024).contains(&parent));
        }
    }
}
