//! A block uses at most the gas it allows.
//!
//! No RSKIP. Mirrors rskj's `ValidGasUsedRule`.

use crate::{consensus::error::HeaderError, primitives::header::Header};

/// The gas used is at most the gas limit.
///
/// # Errors
/// [`HeaderError::GasUsed`].
pub fn check(header: &Header) -> Result<(), HeaderError> {
    let (most, seen) = (header.gas_limit(), header.gas_used());
    if u128::from(seen) <= most.get() { Ok(()) } else { Err(HeaderError::GasUsed { most, seen }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consensus::test_headers;

    #[test]
    fn up_to_the_limit_and_no_further() {
        let with = |gas_used| test_headers::child(|fields| fields.gas_used = gas_used);
        let limit = with(0).gas_limit();
        assert_eq!(check(&with(6_800_000)), Ok(()));
        assert_eq!(check(&with(6_800_001)), Err(HeaderError::GasUsed { most: limit, seen: 6_800_001 }));
    }
}
