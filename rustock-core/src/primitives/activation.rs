//! When each protocol upgrade that touches headers starts, per network, as data.
//!
//! One field per RSKIP that changes a header's form, hash or rules. Mirrors rskj's `ActivationConfig` and
//! `ConsensusRule`.

use super::number::BlockNumber;

/// The first height at which a rule holds, or never. rskj writes never as −1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Activation(Option<BlockNumber>);

impl Activation {
    /// The rule holds nowhere.
    pub const NEVER: Self = Self(None);
    /// The rule holds from genesis on.
    pub const GENESIS: Self = Self(Some(BlockNumber::GENESIS));

    /// The rule holds from `number` on.
    pub const fn at(number: u64) -> Self {
        Self(Some(BlockNumber::new(number)))
    }

    /// Reads rskj's form: a negative height is never.
    pub const fn from_rskj(height: i64) -> Self {
        if height < 0 { Self::NEVER } else { Self::at(height as u64) }
    }

    /// True when the rule holds for the block at `number`.
    pub fn is_active(self, number: BlockNumber) -> bool {
        self.0.is_some_and(|first| first <= number)
    }

    /// The first height at which the rule holds.
    pub const fn first(self) -> Option<BlockNumber> {
        self.0
    }
}

/// The activation height of every RSKIP that a header verifier has to know.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Activations {
    /// RSKIP-92: the block hash leaves out proof and coinbase; the proof is a plain path of hashes.
    pub rskip92: Activation,
    /// RSKIP-97: no fall to the minimum difficulty after 600 seconds.
    pub rskip97: Activation,
    /// RSKIP-98: no federated fallback blocks; the Bitcoin header is exactly 80 bytes.
    pub rskip98: Activation,
    /// RSKIP-110: fork-detection data inside the merged-mining hash, from height 449.
    pub rskip110: Activation,
    /// RSKIP-126: Unitrie encoding of the roots; `stateRoot` is checked by full nodes from here on.
    pub rskip126: Activation,
    /// RSKIP-144: edges of parallel execution, where RSKIP-351 is active too.
    pub rskip144: Activation,
    /// RSKIP-156: difficulty divisor 400 instead of 50.
    pub rskip156: Activation,
    /// RSKIP-179: the header's time and its Bitcoin header's time must be close.
    pub rskip179: Activation,
    /// RSKIP-180: the merkle proof has at most 960 bytes.
    pub rskip180: Activation,
    /// RSKIP-290: a higher minimum difficulty on test networks.
    pub rskip290: Activation,
    /// RSKIP-297: a wider RSKIP-179 bound on test networks.
    pub rskip297: Activation,
    /// RSKIP-351: header version 1, with extension data in place of the logs bloom.
    pub rskip351: Activation,
    /// RSKIP-535: header version 2, with a base event in the extension.
    pub rskip535: Activation,
    /// RSKIP-UMM: the `ummRoot` field.
    pub rskip_umm: Activation,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_holds_from_its_first_height_on_and_never_means_nowhere() {
        let rule = Activation::at(10);
        assert!(!rule.is_active(BlockNumber::new(9)));
        assert!(rule.is_active(BlockNumber::new(10)));
        assert!(!Activation::from_rskj(-1).is_active(BlockNumber::new(u64::MAX)));
        assert!(Activation::from_rskj(0).is_active(BlockNumber::GENESIS));
    }
}
