//! A block uses at most the gas it allows.
//!
//! No RSKIP. Mirrors rskj's `ValidGasUsedRule` for uncles. That rule reads the low 64 bits of the limit as a signed
//! number, which differs from the limit from 2^63 on. rskj does not ask it of a block that it imports: there,
//! executing the transactions keeps the gas used within the limit.

use crate::{consensus::error::HeaderError, primitives::header::Header};

/// The gas used is at most the gas limit.
///
/// # Errors
/// [`HeaderError::GasUsed`].
pub fn check(header: &Header) -> Result<(), HeaderError> {
    let (most, seen) = (header.gas_limit(), header.gas_used());
    if u128::from(seen) <= most.get() { Ok(()) } else { Err(HeaderError::GasUsed { most, seen }) }
}

/// The gas used by an uncle is at most the gas limit, as rskj reads that for uncles.
///
/// # Errors
/// [`HeaderError::GasUsed`].
pub fn check_of_uncle(uncle: &Header) -> Result<(), HeaderError> {
    let (most, seen) = (uncle.gas_limit(), uncle.gas_used());
    let low_bits = most.get() as u64 as i64;
    if u64::try_from(low_bits).is_ok_and(|limit| seen <= limit) {
        Ok(())
    } else {
        Err(HeaderError::GasUsed { most, seen })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{consensus::test_headers, primitives::number::GasLimit};

    #[test]
    fn up_to_the_limit_and_no_further() {
        let with = |gas_used| test_headers::child(|fields| fields.gas_used = gas_used);
        let limit = with(0).gas_limit();
        assert_eq!(check(&with(6_800_000)), Ok(()));
        assert_eq!(check(&with(6_800_001)), Err(HeaderError::GasUsed { most: limit, seen: 6_800_001 }));
    }

    #[test]
    fn of_the_limit_of_an_uncle_the_low_64_bits_count_as_a_signed_number() {
        let with = |limit: u128, gas_used| {
            test_headers::child(|fields| {
                fields.gas_limit = GasLimit::new(0, limit);
                fields.gas_used = gas_used;
            })
        };
        let greatest = i64::MAX as u64;
        let sign_bit = 1u128 << 63;
        let cases = [
            (6_800_000, 6_800_000, true),
            (6_800_000, 6_800_001, false),
            (sign_bit - 1, greatest, true),
            (sign_bit, 0, false),
            (sign_bit, greatest, false),
            (u64::MAX.into(), 0, false),
            (1 << 64, 0, true),
            (1 << 64, 1, false),
            ((1 << 64) + 5, 5, true),
            ((1 << 64) + 5, 6, false),
            ((1 << 64) + sign_bit, 0, false),
        ];
        for (limit, gas_used, is_valid) in cases {
            let uncle = with(limit, gas_used);
            assert_eq!(check_of_uncle(&uncle).is_ok(), is_valid, "{gas_used} of {limit}");
            assert_eq!(check(&uncle).is_ok(), u128::from(gas_used) <= limit, "a block");
        }
    }
}
