//! Headers that break exactly one rule, mined so that nothing else is wrong with them.

use rustock_core::{
    consensus::error::Rule,
    primitives::{header::Header, number::UnixTime},
};

use super::{
    chain::Chain,
    draft::{Draft, ProofDamage},
    federation::SignatureDamage,
    partial_tree::TreeDamage,
};

mod apply;

/// A way to break one rule, by one step beyond its boundary where it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spoil {
    /// The parent hash is of no block.
    ParentHash,
    /// The height is two above the parent's.
    Number,
    /// The gas limit is one above what the parent allows.
    GasLimitTooHigh,
    /// The gas limit is one below what the parent allows.
    GasLimitTooLow,
    /// The minimum gas price is one above what the parent allows.
    MinimumGasPriceTooHigh,
    /// The minimum gas price is one below what the parent allows (below zero after a price of 0).
    MinimumGasPriceTooLow,
    /// There is no minimum gas price.
    MinimumGasPriceMissing,
    /// The extra data has one byte too many.
    ExtraData,
    /// One more gas is used than the limit allows.
    GasUsed,
    /// The difficulty is one too high.
    Difficulty,
    /// The Bitcoin header is later by the network's bound.
    BitcoinTimestamp,
    /// The Bitcoin header is earlier by the network's bound.
    BitcoinTimestampEarly,
    /// The `ummRoot` has 19 bytes.
    UmmRoot,
    /// The `ummRoot` has 21 bytes.
    UmmRootTooLong,
    /// The `ummRoot` has the 32 bytes of a hash.
    UmmRootOfAHash,
    /// The merkle proof ends inside a hash; a partial merkle tree has one byte more than it declares.
    MerkleProofPartial,
    /// The merkle proof has 31 hashes and leads to the right root. From RSKIP-180 on.
    MerkleProofTooLong,
    /// The Bitcoin header's hash does not meet the difficulty.
    ProofOfWork,
    /// There is no Bitcoin coinbase.
    CoinbaseMissing,
    /// The Bitcoin coinbase has no room for a midstate.
    CoinbaseTooShort,
    /// The Bitcoin coinbase is a transaction of 64 bytes.
    CoinbaseOfAnInnerNode,
    /// The Bitcoin coinbase commits to another header.
    Commitment,
    /// The tag starts at byte 64 of the tail or later.
    TagTooFar,
    /// Another tag follows the commitment.
    TagNotLast,
    /// 129 bytes follow the commitment.
    TagBytesAfter,
    /// The merkle proof leads to another root.
    MerkleRoot,
    /// One byte of the fork-detection data differs. From height 450 on.
    ForkDetection,
    /// The partial merkle tree is damaged. Before RSKIP-92.
    Tree(TreeDamage),
    /// The Bitcoin header is followed by the count of a transaction that is not there. Before RSKIP-98.
    BitcoinBlock,
    /// The federation's signature is damaged. Before RSKIP-98.
    Signature(SignatureDamage),
    /// The key of the other parity signed. Before RSKIP-98.
    SignedByOtherParity,
    /// A key that is not the federation's signed. Before RSKIP-98.
    SignedByStranger,
    /// The federation signed a block whose difficulty is above the threshold. Before RSKIP-92 and RSKIP-98.
    SignedAboveThreshold,
}

impl Spoil {
    /// Every way.
    pub const ALL: [Self; 43] = [
        Self::ParentHash,
        Self::Number,
        Self::GasLimitTooHigh,
        Self::GasLimitTooLow,
        Self::MinimumGasPriceTooHigh,
        Self::MinimumGasPriceTooLow,
        Self::MinimumGasPriceMissing,
        Self::ExtraData,
        Self::GasUsed,
        Self::Difficulty,
        Self::BitcoinTimestamp,
        Self::BitcoinTimestampEarly,
        Self::UmmRoot,
        Self::UmmRootTooLong,
        Self::UmmRootOfAHash,
        Self::MerkleProofPartial,
        Self::MerkleProofTooLong,
        Self::ProofOfWork,
        Self::CoinbaseMissing,
        Self::CoinbaseTooShort,
        Self::CoinbaseOfAnInnerNode,
        Self::Commitment,
        Self::TagTooFar,
        Self::TagNotLast,
        Self::TagBytesAfter,
        Self::MerkleRoot,
        Self::ForkDetection,
        Self::Tree(TreeDamage::NoTransactions),
        Self::Tree(TreeDamage::TooManyTransactions),
        Self::Tree(TreeDamage::CoinbaseNotProven),
        Self::Tree(TreeDamage::HashLeftOver),
        Self::Tree(TreeDamage::HashMissing),
        Self::Tree(TreeDamage::FlagsLeftOver),
        Self::Tree(TreeDamage::EqualBranches),
        Self::BitcoinBlock,
        Self::Signature(SignatureDamage::HighS),
        Self::Signature(SignatureDamage::HighV),
        Self::Signature(SignatureDamage::PaddedR),
        Self::Signature(SignatureDamage::OtherHash),
        Self::Signature(SignatureDamage::NoS),
        Self::SignedByOtherParity,
        Self::SignedByStranger,
        Self::SignedAboveThreshold,
    ];

    /// The rule that has to notice.
    pub const fn rule(self) -> Rule {
        match self {
            Self::ParentHash => Rule::Linkage,
            Self::Number => Rule::Number,
            Self::GasLimitTooHigh | Self::GasLimitTooLow => Rule::GasLimit,
            Self::MinimumGasPriceTooHigh | Self::MinimumGasPriceTooLow | Self::MinimumGasPriceMissing => {
                Rule::MinimumGasPrice
            }
            Self::ExtraData => Rule::ExtraData,
            Self::GasUsed => Rule::GasUsed,
            Self::Difficulty => Rule::Difficulty,
            Self::BitcoinTimestamp | Self::BitcoinTimestampEarly => Rule::BitcoinTimestamp,
            Self::UmmRoot | Self::UmmRootTooLong | Self::UmmRootOfAHash => Rule::UmmRoot,
            // A block that is too difficult to be signed is one with an empty merkle proof.
            Self::MerkleProofPartial | Self::MerkleProofTooLong | Self::SignedAboveThreshold => {
                Rule::MerkleProofFormat
            }
            Self::BitcoinBlock => Rule::BitcoinHeader,
            Self::ProofOfWork => Rule::ProofOfWork,
            Self::CoinbaseMissing | Self::CoinbaseTooShort | Self::CoinbaseOfAnInnerNode => {
                Rule::MergedMiningCoinbase
            }
            Self::Commitment => Rule::MergedMiningCommitment,
            Self::TagTooFar | Self::TagNotLast | Self::TagBytesAfter => Rule::MergedMiningTagPosition,
            Self::MerkleRoot | Self::Tree(_) => Rule::MerkleRoot,
            Self::ForkDetection => Rule::ForkDetection,
            Self::Signature(_) | Self::SignedByOtherParity | Self::SignedByStranger => {
                Rule::FallbackSignature
            }
        }
    }
}

impl Chain {
    /// True when the rule that `spoil` breaks holds for the block at `number`.
    ///
    /// # Panics
    /// When the chain does not reach up to the parent.
    pub fn can_be_spoiled(&self, number: u64, spoil: Spoil) -> bool {
        spoil.applies(&self.draft_at(number), self.params())
    }

    /// A header in the place of the one at `number`, on top of the same parent, that breaks the one rule
    /// named. The chain is left as it is.
    ///
    /// # Panics
    /// When the rule does not hold at that height, or the chain does not reach up to the parent.
    pub fn spoiled(&self, number: u64, spoil: Spoil) -> Header {
        let mut draft = self.draft_at(number);
        assert!(spoil.applies(&draft, self.params()), "{spoil:?} breaks no rule at height {number}");
        spoil.apply(&mut draft, self.parent_of(number), self.params());
        draft.mine(self.params())
    }

    /// The block at `number` as it was before it was mined.
    pub(super) fn draft_at(&self, number: u64) -> Draft {
        self.settings.draft(&self.headers()[..number as usize])
    }

    pub(super) fn parent_of(&self, number: u64) -> &Header {
        self.header(number - 1).expect("the chain reaches up to the parent")
    }
}

impl Draft {
    /// Moves the block and its Bitcoin header in time by the same number of seconds. The difficulty is left
    /// alone: see [`Chain::difficulty_after`](super::chain::Chain::difficulty_after).
    pub fn shift_time(&mut self, seconds: i64) {
        let moved = self.fields.timestamp.as_secs().saturating_add_signed(seconds);
        let moved_bitcoin = i64::from(self.mining.bitcoin_time) + seconds;
        self.fields.timestamp = UnixTime::from_secs(moved);
        self.mining.bitcoin_time = u32::try_from(moved_bitcoin).unwrap_or(0);
    }

    /// Takes away the signature: the block is mined with the damage given.
    fn mined_with(&mut self, damage: Option<ProofDamage>) {
        self.signing = None;
        self.mining.damage = damage;
    }
}
