//! The minimum gas price moves by at most 1 % a block.
//!
//! No RSKIP. Mirrors rskj's `PrevMinGasPriceRule` and `BlockGasPriceRange`.

use crate::{
    consensus::{
        error::{AllowedGasPrice, HeaderError},
        parent::Parent,
    },
    primitives::{header::Header, number::GasPrice},
};

/// The header has a minimum gas price, and it is not negative: true whatever the parent's is.
///
/// # Errors
/// [`HeaderError::MinimumGasPrice`].
pub fn check_sign(header: &Header) -> Result<(), HeaderError> {
    let seen = header.minimum_gas_price();
    if seen.is_some_and(|price| price.get() >= 0) {
        return Ok(());
    }
    Err(HeaderError::MinimumGasPrice { expected: AllowedGasPrice::NotNegative, seen })
}

/// The header's minimum gas price is within a step of its parent's.
///
/// # Errors
/// [`HeaderError::MinimumGasPrice`].
pub fn check_step(header: &Header, parent: &Parent) -> Result<(), HeaderError> {
    let seen = header.minimum_gas_price();
    let Some(parent_price) = parent.minimum_gas_price else {
        return Err(HeaderError::MinimumGasPrice { expected: AllowedGasPrice::NoneAfterParentWithout, seen });
    };
    let (least, most) = bounds(parent_price);
    if seen.is_some_and(|price| least <= price && price <= most) {
        return Ok(());
    }
    Err(HeaderError::MinimumGasPrice { expected: AllowedGasPrice::Between { least, most }, seen })
}

/// The least and greatest price after a parent's: 1 % down or up, at least one wei, never below zero.
pub fn bounds(parent: GasPrice) -> (GasPrice, GasPrice) {
    let parent = parent.get();
    let step = match parent / 100 {
        0 => 1,
        step => step,
    };
    let (least, most) = (parent.saturating_sub(step).max(0), parent.saturating_add(step));
    (GasPrice::new(least), GasPrice::new(most))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consensus::test_headers;

    fn step(parent: Option<i128>, own: Option<i128>) -> Result<(), HeaderError> {
        let child = test_headers::child(|fields| fields.minimum_gas_price = own.map(GasPrice::new));
        let minimum_gas_price = parent.map(GasPrice::new);
        check_step(&child, &Parent { minimum_gas_price, ..test_headers::parent() })
    }

    #[test]
    fn one_percent_or_one_wei_both_ends_allowed() {
        for (parent, least, most) in [(0, 0, 1), (1, 0, 2), (99, 98, 100), (199, 198, 200), (200, 198, 202)] {
            for allowed in [least, parent, most] {
                assert_eq!(step(Some(parent), Some(allowed)), Ok(()), "{parent} to {allowed}");
            }
            let expected =
                AllowedGasPrice::Between { least: GasPrice::new(least), most: GasPrice::new(most) };
            for seen in [least - 1, most + 1] {
                let seen = Some(GasPrice::new(seen));
                let refusal = Err(HeaderError::MinimumGasPrice { expected, seen });
                assert_eq!(step(Some(parent), seen.map(GasPrice::get)), refusal);
            }
        }
    }

    #[test]
    fn a_missing_price_is_refused_in_the_header_and_in_the_parent() {
        assert!(step(Some(0), None).is_err());
        let expected = AllowedGasPrice::NoneAfterParentWithout;
        let seen = Some(GasPrice::new(0));
        assert_eq!(step(None, Some(0)), Err(HeaderError::MinimumGasPrice { expected, seen }));
    }

    #[test]
    fn without_a_parent_the_price_must_still_be_there_and_not_negative() {
        let sign = |price: Option<i128>| {
            check_sign(&test_headers::child(|fields| fields.minimum_gas_price = price.map(GasPrice::new)))
        };
        assert_eq!(sign(Some(0)), Ok(()));
        assert_eq!(sign(Some(-1)).map_err(|error| error.expected()), Err("0 or more".to_owned()));
        assert!(sign(None).is_err());
    }

    #[test]
    fn the_greatest_price_does_not_overflow() {
        assert_eq!(step(Some(i128::MAX), Some(i128::MAX)), Ok(()));
    }
}
