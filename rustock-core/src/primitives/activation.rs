//! When each protocol upgrade that touches headers starts, per network, as data.
//!
//! One field per RSKIP that changes a header's form, hash or rules. Mirrors rskj's `ActivationConfig` and
//! `ConsensusRule`, and `BlockFactory.isInBaseEventRecoveryWindow`.

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
    /// Where a version-2 header in its full form must have a base event. Below, rskj also reads headers
    /// without one, and headers of version 1: what was mined while nodes learned of RSKIP-535.
    pub base_event_required: Activation,
}

impl Activations {
    /// No rule anywhere: a start for made-up networks.
    pub const NONE: Self = Self {
        rskip92: Activation::NEVER,
        rskip97: Activation::NEVER,
        rskip98: Activation::NEVER,
        rskip110: Activation::NEVER,
        rskip126: Activation::NEVER,
        rskip144: Activation::NEVER,
        rskip156: Activation::NEVER,
        rskip179: Activation::NEVER,
        rskip180: Activation::NEVER,
        rskip290: Activation::NEVER,
        rskip297: Activation::NEVER,
        rskip351: Activation::NEVER,
        rskip535: Activation::NEVER,
        rskip_umm: Activation::NEVER,
        base_event_required: Activation::GENESIS,
    };

    /// The version of a header at `number`. A genesis is always version 0.
    pub fn header_version(&self, number: BlockNumber) -> HeaderVersion {
        if number == BlockNumber::GENESIS || !self.rskip351.is_active(number) {
            HeaderVersion::V0
        } else if self.rskip535.is_active(number) {
            HeaderVersion::V2
        } else {
            HeaderVersion::V1
        }
    }

    /// True when a header at `number` may be of this version. Besides the height's version that is version 1 at
    /// the heights where rskj still reads version-2 headers without their base event: nodes that did not know
    /// RSKIP-535 yet mined such blocks, and rskj keeps them as they are.
    pub fn allows_version(&self, number: BlockNumber, version: HeaderVersion) -> bool {
        let due = self.header_version(number);
        let may_be_older = due == HeaderVersion::V2 && !self.base_event_required.is_active(number);
        version == due || (may_be_older && version == HeaderVersion::V1)
    }

    /// True when a header's extension at `number` has a list of edges.
    pub fn has_edges(&self, number: BlockNumber) -> bool {
        self.header_version(number) != HeaderVersion::V0 && self.rskip144.is_active(number)
    }

    /// True when a header at `number` has the `ummRoot` field.
    pub fn has_umm_root(&self, number: BlockNumber) -> bool {
        self.rskip_umm.is_active(number)
    }
}

/// The version of a header, which its height decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HeaderVersion {
    /// The logs bloom is a field of the header.
    V0,
    /// The header has the hash of an extension (RSKIP-351) with logs bloom and edges.
    V1,
    /// The extension has a base event too (RSKIP-535).
    V2,
}

impl HeaderVersion {
    /// The version with an extension that has this number.
    pub(super) const fn with_extension(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::V1),
            2 => Some(Self::V2),
            _ => None,
        }
    }

    /// The version's number, as headers write it.
    pub const fn number(self) -> u8 {
        match self {
            Self::V0 => 0,
            Self::V1 => 1,
            Self::V2 => 2,
        }
    }
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

    #[test]
    fn the_height_decides_the_version() {
        let rules = Activations {
            rskip351: Activation::at(10),
            rskip144: Activation::at(12),
            rskip535: Activation::at(14),
            ..Activations::NONE
        };
        let version = |number| rules.header_version(BlockNumber::new(number)).number();
        assert_eq!([0, 9, 10, 13, 14].map(version), [0, 0, 1, 1, 2]);
        let edges = |number| rules.has_edges(BlockNumber::new(number));
        assert_eq!([9, 11, 12].map(edges), [false, false, true]);
        let from_genesis = Activations { rskip351: Activation::GENESIS, ..Activations::NONE };
        assert_eq!([0, 1].map(|n| from_genesis.header_version(BlockNumber::new(n)).number()), [0, 1]);
        let allowed = |rules: &Activations, number| {
            let all = [HeaderVersion::V0, HeaderVersion::V1, HeaderVersion::V2];
            all.map(|version| rules.allows_version(BlockNumber::new(number), version))
        };
        let lenient = Activations { base_event_required: Activation::at(20), ..rules.clone() };
        assert_eq!(allowed(&lenient, 9), [true, false, false]);
        assert_eq!(allowed(&lenient, 13), [false, true, false]);
        assert_eq!(allowed(&lenient, 14), [false, true, true]);
        assert_eq!(allowed(&lenient, 19), [false, true, true]);
        assert_eq!(allowed(&lenient, 20), [false, false, true]);
        assert_eq!(allowed(&rules, 14), [false, false, true]);
        let out_of_order = Activations { rskip535: Activation::GENESIS, ..Activations::NONE };
        assert_eq!(out_of_order.header_version(BlockNumber::new(1)), HeaderVersion::V0);
    }
}
