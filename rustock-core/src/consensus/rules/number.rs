//! Heights count up by one.
//!
//! No RSKIP. Mirrors rskj's `BlockParentNumberRule`.

use crate::{
    consensus::{error::HeaderError, parent::Parent},
    primitives::header::Header,
};

/// The header's height is its parent's plus one.
///
/// # Errors
/// [`HeaderError::Number`].
pub fn check(header: &Header, parent: &Parent) -> Result<(), HeaderError> {
    let (expected, seen) = (parent.number.next(), header.number());
    if seen == expected { Ok(()) } else { Err(HeaderError::Number { expected, seen }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{consensus::test_headers, primitives::number::BlockNumber};

    #[test]
    fn one_more_than_the_parent_and_nothing_else() {
        let child = test_headers::child(|_| {});
        let at = |number| Parent { number: BlockNumber::new(number), ..test_headers::parent() };
        let number = child.number().get();
        assert_eq!(check(&child, &at(number - 1)), Ok(()));
        for wrong in [number - 2, number, number + 1] {
            let error = HeaderError::Number { expected: BlockNumber::new(wrong + 1), seen: child.number() };
            assert_eq!(check(&child, &at(wrong)), Err(error));
        }
    }
}
