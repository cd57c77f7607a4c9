//! The root of merged mining with further chains is empty or 20 bytes.
//!
//! RSKIP-UMM. Mirrors the size check in rskj's `BlockHeader.getBaseHashForMergedMining`.

use crate::{consensus::error::HeaderError, primitives::header::Header};

/// Bytes of an `ummRoot` that is not empty.
pub const SIZE: usize = 20;

/// The `ummRoot`, where the height's layout has one, is empty or 20 bytes.
///
/// # Errors
/// [`HeaderError::UmmRoot`].
pub fn check(header: &Header) -> Result<(), HeaderError> {
    match header.umm_root().map_or(0, <[u8]>::len) {
        0 | SIZE => Ok(()),
        seen => Err(HeaderError::UmmRoot { seen }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consensus::test_headers;

    #[test]
    fn empty_or_twenty_bytes() {
        let with = |size| test_headers::child(|fields| fields.umm_root = Some(vec![9; size]));
        assert_eq!(check(&with(0)), Ok(()));
        assert_eq!(check(&with(20)), Ok(()));
        for seen in [1, 19, 21, 32] {
            assert_eq!(check(&with(seen)), Err(HeaderError::UmmRoot { seen }));
        }
    }
}
