//! A header's time should be after its parent's, and a chain in which it is not is valid all the same.
//!
//! No RSKIP. rskj's `BlockTimeStampValidationRule.isValid(header, parent)` judges uncles and gossiped blocks;
//! importing a block does not ask it, and the difficulty formula has a case for it. So this warns and never
//! rejects.

use crate::{
    consensus::parent::Parent,
    primitives::{header::Header, number::UnixTime},
};

/// Something unusual about a valid header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// The header's time is not after its parent's.
    TimestampNotAfterParent {
        /// The parent's time.
        parent: UnixTime,
        /// The header's time.
        seen: UnixTime,
    },
}

/// Warns when the header's time is not after its parent's.
pub fn warn(header: &Header, parent: &Parent) -> Option<Warning> {
    let seen = header.timestamp();
    (seen <= parent.timestamp).then_some(Warning::TimestampNotAfterParent { parent: parent.timestamp, seen })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consensus::test_headers;

    #[test]
    fn the_same_second_warns_and_the_next_does_not() {
        let child = test_headers::child(|_| {});
        let seen = child.timestamp();
        let at = |timestamp| Parent { timestamp, ..test_headers::parent() };
        assert_eq!(warn(&child, &at(UnixTime::from_secs(seen.as_secs() - 1))), None);
        for parent in [seen, UnixTime::from_secs(seen.as_secs() + 1)] {
            assert_eq!(warn(&child, &at(parent)), Some(Warning::TimestampNotAfterParent { parent, seen }));
        }
    }
}
