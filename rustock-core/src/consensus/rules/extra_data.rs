//! A miner's free bytes are few.
//!
//! No RSKIP. Mirrors rskj's `ExtraDataRule`. A genesis is exempt, being compared as a whole.

use crate::{
    consensus::{error::HeaderError, params::NetworkParams},
    primitives::header::Header,
};

/// The extra data has at most so many bytes as the network allows: 32 on every public one.
///
/// # Errors
/// [`HeaderError::ExtraData`].
pub fn check(header: &Header, params: &NetworkParams) -> Result<(), HeaderError> {
    let (most, seen) = (params.maximum_extra_data, header.extra_data().len());
    if seen <= most { Ok(()) } else { Err(HeaderError::ExtraData { most, seen }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consensus::test_headers;

    #[test]
    fn thirty_two_bytes_and_no_more() {
        let judge = |size| {
            let header = test_headers::child(|fields| fields.extra_data = vec![7; size]);
            check(&header, &NetworkParams::simnet())
        };
        assert_eq!(judge(0), Ok(()));
        assert_eq!(judge(32), Ok(()));
        assert_eq!(judge(33), Err(HeaderError::ExtraData { most: 32, seen: 33 }));
    }
}
