//! A miner's free bytes are few.
//!
//! No RSKIP. Mirrors rskj's `ExtraDataRule`. A genesis is exempt, being compared as a whole.

use crate::{consensus::error::HeaderError, primitives::header::Header};

/// Most bytes of extra data.
pub const MAXIMUM_SIZE: usize = 32;

/// The extra data has at most 32 bytes.
///
/// # Errors
/// [`HeaderError::ExtraData`].
pub fn check(header: &Header) -> Result<(), HeaderError> {
    let seen = header.extra_data().len();
    if seen <= MAXIMUM_SIZE { Ok(()) } else { Err(HeaderError::ExtraData { most: MAXIMUM_SIZE, seen }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consensus::test_headers;

    #[test]
    fn thirty_two_bytes_and_no_more() {
        let with = |size| test_headers::child(|fields| fields.extra_data = vec![7; size]);
        assert_eq!(check(&with(0)), Ok(()));
        assert_eq!(check(&with(32)), Ok(()));
        assert_eq!(check(&with(33)), Err(HeaderError::ExtraData { most: 32, seen: 33 }));
    }
}
