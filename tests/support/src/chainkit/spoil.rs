//! Headers that break exactly one rule, mined so that nothing else is wrong with them.

use rustock_core::{
    consensus::params::NetworkParams,
    primitives::{
        hash::BlockHash,
        header::Header,
        number::{BlockNumber, Difficulty, GasLimit, GasPrice, UnixTime},
    },
};

use super::{
    draft::{Draft, ProofDamage},
    fork_data::FIRST_HEIGHT,
};

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
    /// The extra data has 33 bytes.
    ExtraData,
    /// One more gas is used than the limit allows.
    GasUsed,
    /// The difficulty is one too high.
    Difficulty,
    /// The Bitcoin header is 300 seconds (the network's bound) later.
    BitcoinTimestamp,
    /// The `ummRoot` has 19 bytes.
    UmmRoot,
    /// The merkle proof ends inside a hash.
    MerkleProofPartial,
    /// The merkle proof has 31 hashes and leads to the right root.
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
}

impl Spoil {
    /// Every way.
    pub const ALL: [Self; 24] = [
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
        Self::UmmRoot,
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
    ];

    pub(super) fn apply(self, draft: &mut Draft, parent: &Header, params: &NetworkParams) {
        let fields = &mut draft.fields;
        let mining = &mut draft.mining;
        let parent_gas_limit = parent.gas_limit().get();
        let parent_price = parent.minimum_gas_price().map_or(0, GasPrice::get);
        let price_step = (parent_price / 100).max(1);
        match self {
            Self::ParentHash => fields.parent_hash = BlockHash::new([0xab; 32]),
            Self::Number => {
                let number = fields.number.get() + 1;
                fields.number = BlockNumber::new(number);
                // The height decides the layout, so that the header can be decoded at all.
                let has_umm_root = params.activations.rskip_umm.is_active(fields.number);
                fields.umm_root = has_umm_root.then(Vec::new);
                if let Some(data) = &mut draft.fork_data {
                    data[8..].copy_from_slice(&(number as u32).to_be_bytes());
                }
            }
            Self::GasLimitTooHigh => set_gas_limit(draft, parent_gas_limit * 1025 / 1024 + 1),
            Self::GasLimitTooLow => set_gas_limit(draft, parent_gas_limit * 1023 / 1024 - 1),
            Self::MinimumGasPriceTooHigh => {
                fields.minimum_gas_price = Some(GasPrice::new(parent_price + price_step + 1));
            }
            Self::MinimumGasPriceTooLow => {
                fields.minimum_gas_price = Some(GasPrice::new((parent_price - price_step).max(0) - 1));
            }
            Self::MinimumGasPriceMissing => fields.minimum_gas_price = None,
            Self::ExtraData => fields.extra_data = vec![0x5a; 33],
            Self::GasUsed => fields.gas_used = fields.gas_limit.get() as u64 + 1,
            Self::Difficulty => fields.difficulty = Difficulty::new(fields.difficulty.get() + 1),
            Self::BitcoinTimestamp => {
                let time = fields.timestamp.as_secs() + params.bitcoin_time_bound.as_secs();
                mining.bitcoin_time = u32::try_from(time).expect("generated times are far below 2106");
            }
            Self::UmmRoot => fields.umm_root = Some(vec![0x11; 19]),
            Self::MerkleProofPartial => mining.damage = Some(ProofDamage::PartialSibling),
            Self::MerkleProofTooLong => mining.siblings = vec![[0x77; 32]; 31],
            Self::ProofOfWork => mining.damage = Some(ProofDamage::AboveTarget),
            Self::CoinbaseMissing => mining.damage = Some(ProofDamage::NoCoinbase),
            Self::CoinbaseTooShort => mining.damage = Some(ProofDamage::ShortCoinbase),
            Self::CoinbaseOfAnInnerNode => {
                mining.coinbase_before = vec![1; 13];
                mining.coinbase_after = vec![2; 10];
            }
            Self::Commitment => mining.damage = Some(ProofDamage::OtherCommitment),
            Self::TagTooFar => {
                mining.coinbase_before = vec![3; 64];
                mining.blocks_kept = 1;
            }
            Self::TagNotLast => mining.coinbase_after = b"RSKBLOCK:".to_vec(),
            Self::TagBytesAfter => mining.coinbase_after = vec![4; 129],
            Self::MerkleRoot => mining.damage = Some(ProofDamage::OtherMerkleRoot),
            Self::ForkDetection => {
                assert!(fields.number.get() > FIRST_HEIGHT, "fork-detection data is compared above 449");
                let data = draft.fork_data.as_mut().expect("RSKIP-110 holds on the network");
                data[0] ^= 1;
            }
        }
    }
}

fn set_gas_limit(draft: &mut Draft, value: u128) {
    draft.fields.gas_limit = GasLimit::new(0, value);
    draft.fields.gas_used = 0;
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
}
