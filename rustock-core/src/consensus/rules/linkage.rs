//! A header names its parent by hash.
//!
//! No RSKIP. Mirrors the parent look-up of rskj's `BlockValidatorImpl`.

use crate::{
    consensus::{error::HeaderError, parent::Parent},
    primitives::header::Header,
};

/// The header's parent hash is the parent's hash.
///
/// # Errors
/// [`HeaderError::Linkage`].
pub fn check(header: &Header, parent: &Parent) -> Result<(), HeaderError> {
    let seen = header.parent_hash();
    if seen == parent.hash { Ok(()) } else { Err(HeaderError::Linkage { expected: parent.hash, seen }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{consensus::test_headers, primitives::hash::BlockHash};

    #[test]
    fn the_parent_hash_must_be_the_parents() {
        let parent = test_headers::parent();
        let child = test_headers::child(|_| {});
        assert_eq!(check(&child, &parent), Ok(()));
        let stranger = Parent { hash: BlockHash::new([1; 32]), ..parent };
        assert_eq!(
            check(&child, &stranger),
            Err(HeaderError::Linkage { expected: stranger.hash, seen: parent.hash })
        );
    }
}
