//! From height 449 on, twelve bytes of the hash for merged mining summarise the block's ancestors.
//!
//! RSKIP-110. Mirrors rskj's `ForkDetectionDataRule`.

use crate::{
    consensus::{
        error::HeaderError,
        fork_detection_window::{
            ExpectedData, FORK_DETECTION_ANCESTORS, FORK_DETECTION_DATA_SIZE, ForkDetectionWindow,
        },
        params::NetworkParams,
    },
    primitives::number::BlockNumber,
};

/// Whether the rule was applied to a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForkDetectionCheck {
    /// The header's data is the one of its ancestors.
    Checked,
    /// The rule holds at this height, but the ancestors it needs were not at hand.
    NotApplied,
    /// The rule does not hold at this height.
    NotRequired,
}

/// True when the hash for merged mining carries fork-detection data at this height.
pub fn is_carried(params: &NetworkParams, number: BlockNumber) -> bool {
    params.activations.rskip110.is_active(number) && number.get() >= FORK_DETECTION_ANCESTORS
}

/// True when the data at this height must be right. At height 449 itself it is carried and never compared.
pub fn is_required(params: &NetworkParams, number: BlockNumber) -> bool {
    params.activations.rskip110.is_active(number) && number.get() > FORK_DETECTION_ANCESTORS
}

/// The data that the block at `number` carries is what its ancestors in the window give.
///
/// # Errors
/// [`HeaderError::ForkDetection`].
pub fn check(
    number: BlockNumber,
    seen: [u8; FORK_DETECTION_DATA_SIZE],
    ancestors: &ForkDetectionWindow,
) -> Result<ForkDetectionCheck, HeaderError> {
    match ancestors.look_up(number) {
        ExpectedData::AncestorsMissing => Ok(ForkDetectionCheck::NotApplied),
        ExpectedData::Data(expected) if expected == seen => Ok(ForkDetectionCheck::Checked),
        ExpectedData::Data(expected) => Err(HeaderError::ForkDetection { expected: Some(expected), seen }),
        ExpectedData::None { .. } => Err(HeaderError::ForkDetection { expected: None, seen }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consensus::fork_detection_window::Ancestor;

    fn window(newest: u64, uncle_count: u32) -> ForkDetectionWindow {
        let mut window = ForkDetectionWindow::new();
        for number in 0..=newest {
            let number = BlockNumber::new(number);
            let ancestor = Ancestor { number, bitcoin_hash_byte: number.get() as u8, uncle_count };
            window.push(ancestor).expect("one after another");
        }
        window
    }

    #[test]
    fn every_byte_counts() {
        let number = BlockNumber::new(500);
        let ancestors = window(499, 1);
        let right = ancestors.expected(number).expect("all ancestors are here");
        assert_eq!(check(number, right, &ancestors), Ok(ForkDetectionCheck::Checked));
        for index in 0..right.len() {
            let mut seen = right;
            seen[index] ^= 1;
            let refusal = HeaderError::ForkDetection { expected: Some(right), seen };
            assert_eq!(check(number, seen, &ancestors), Err(refusal));
        }
    }

    #[test]
    fn without_ancestors_it_is_not_applied_and_with_absurd_ones_nothing_is_right() {
        let number = BlockNumber::new(500);
        let none = ForkDetectionWindow::new();
        assert_eq!(check(number, [0; 12], &none), Ok(ForkDetectionCheck::NotApplied));
        let absurd = window(499, i32::MAX as u32);
        // 32 times the largest count wraps to −32.
        assert_eq!(
            check(number, [0; 12], &absurd),
            Err(HeaderError::ForkDetection { expected: None, seen: [0; 12] })
        );
    }

    #[test]
    fn it_is_carried_from_449_and_required_from_450() {
        let simnet = NetworkParams::simnet();
        let at = BlockNumber::new;
        assert!(!is_carried(&simnet, at(448)));
        assert!(is_carried(&simnet, at(449)) && !is_required(&simnet, at(449)));
        assert!(is_required(&simnet, at(450)));
        let mainnet = NetworkParams::mainnet();
        assert!(!is_carried(&mainnet, at(1_590_999)) && !is_required(&mainnet, at(1_590_999)));
        assert!(is_carried(&mainnet, at(1_591_000)) && is_required(&mainnet, at(1_591_000)));
    }
}
