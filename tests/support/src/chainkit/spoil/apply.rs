//! What each way to spoil a header does to its draft, and where there is a rule to notice it.

use rustock_core::{
    consensus::params::NetworkParams,
    primitives::{
        activation::HeaderVersion,
        hash::BlockHash,
        header::{Header, HeaderExtension, LogsCommitment},
        number::{BlockNumber, Difficulty, GasLimit, GasPrice, UnixTime},
    },
};

use super::Spoil;
use crate::chainkit::{
    draft::{Draft, ProofDamage},
    drafting::may_be_signed,
    federation::{Signer, Signing},
    fork_data::FIRST_HEIGHT,
    partial_tree::{TreeDamage, TreePlace},
};

impl Spoil {
    /// True when the rule holds for the draft.
    pub(in crate::chainkit) fn applies(self, draft: &Draft, params: &NetworkParams) -> bool {
        let number = draft.fields.number;
        let rules = &params.activations;
        let has_path = rules.rskip92.is_active(number);
        let is_only_mined = rules.rskip98.is_active(number);
        match self {
            Self::BitcoinTimestamp | Self::BitcoinTimestampEarly => {
                rules.rskip179.is_active(number) && !params.max_future.is_zero()
            }
            Self::UmmRoot | Self::UmmRootTooLong | Self::UmmRootOfAHash => rules.has_umm_root(number),
            Self::MerkleProofTooLong => has_path && rules.rskip180.is_active(number),
            Self::ForkDetection => draft.fork_data.is_some() && number.get() > FIRST_HEIGHT,
            Self::Tree(_) => !has_path,
            Self::BitcoinBlock => !is_only_mined,
            Self::Signature(_) | Self::SignedByOtherParity | Self::SignedByStranger => {
                may_be_signed(params, draft)
            }
            Self::SignedAboveThreshold => {
                !has_path && !is_only_mined && draft.fields.difficulty > params.fallback_mining_difficulty
            }
            _ => true,
        }
    }

    pub(in crate::chainkit) fn apply(self, draft: &mut Draft, parent: &Header, params: &NetworkParams) {
        let number = draft.fields.number;
        let own_signer = Signer::of_height(number.get());
        let other_signer = Signer::of_height(number.get() + 1);
        match self {
            Self::Tree(damage) => {
                draft.mined_with(Some(ProofDamage::Tree(damage)));
                if damage == TreeDamage::EqualBranches && draft.mining.siblings.is_empty() {
                    draft.mining.siblings.push([0x66; 32]);
                }
                if damage == TreeDamage::EqualBranches {
                    draft.mining.tree = Some(TreePlace { transactions: 2, place: 0 });
                }
            }
            Self::BitcoinBlock => {
                draft.mined_with(None);
                draft.mining.bitcoin_block_rest = vec![1];
            }
            Self::Signature(damage) => {
                draft.signing = Some(Signing { signer: own_signer, damage: Some(damage) });
            }
            Self::SignedByOtherParity => {
                draft.signing = Some(Signing { signer: other_signer, damage: None });
            }
            Self::SignedByStranger => {
                draft.signing = Some(Signing { signer: Signer::Stranger, damage: None });
            }
            Self::SignedAboveThreshold => {
                draft.signing = Some(Signing { signer: own_signer, damage: None });
            }
            _ if self.is_about_the_proof() => self.apply_to_proof(draft, params),
            _ => self.apply_to_fields(draft, parent, params),
        }
    }

    const fn is_about_the_proof(self) -> bool {
        matches!(
            self,
            Self::BitcoinTimestamp
                | Self::BitcoinTimestampEarly
                | Self::MerkleProofPartial
                | Self::MerkleProofTooLong
                | Self::ProofOfWork
                | Self::CoinbaseMissing
                | Self::CoinbaseTooShort
                | Self::CoinbaseOfAnInnerNode
                | Self::Commitment
                | Self::TagTooFar
                | Self::TagNotLast
                | Self::TagBytesAfter
                | Self::MerkleRoot
                | Self::ForkDetection
        )
    }

    fn apply_to_proof(self, draft: &mut Draft, params: &NetworkParams) {
        draft.mined_with(match self {
            Self::MerkleProofPartial => Some(ProofDamage::PartialSibling),
            Self::ProofOfWork => Some(ProofDamage::AboveTarget),
            Self::CoinbaseMissing => Some(ProofDamage::NoCoinbase),
            Self::CoinbaseTooShort => Some(ProofDamage::ShortCoinbase),
            Self::Commitment => Some(ProofDamage::OtherCommitment),
            Self::MerkleRoot => Some(ProofDamage::OtherMerkleRoot),
            _ => None,
        });
        let mining = &mut draft.mining;
        let time = draft.fields.timestamp.as_secs();
        let bound = match params.bitcoin_time_bound_after_rskip297 {
            Some(bound) if params.activations.rskip297.is_active(draft.fields.number) => bound.as_secs(),
            _ => params.bitcoin_time_bound.as_secs(),
        };
        match self {
            Self::BitcoinTimestamp => mining.bitcoin_time = bitcoin_time(time + bound),
            Self::BitcoinTimestampEarly => mining.bitcoin_time = bitcoin_time(time - bound),
            Self::MerkleProofTooLong => mining.siblings = vec![[0x77; 32]; 31],
            // Without coinbase and without a merkle proof it would be one to sign.
            Self::CoinbaseMissing if mining.siblings.is_empty() && mining.tree.is_none() => {
                mining.siblings.push([0x77; 32]);
            }
            Self::CoinbaseOfAnInnerNode => {
                mining.coinbase_before = vec![1; 13];
                mining.coinbase_after = vec![2; 10];
            }
            Self::TagTooFar => {
                mining.coinbase_before = vec![3; 64];
                mining.blocks_kept = 1;
            }
            Self::TagNotLast => mining.coinbase_after = b"RSKBLOCK:".to_vec(),
            Self::TagBytesAfter => mining.coinbase_after = vec![4; 129],
            Self::ForkDetection => {
                draft.fork_data.as_mut().expect("the height carries fork-detection data")[0] ^= 1;
            }
            _ => {}
        }
    }

    fn apply_to_fields(self, draft: &mut Draft, parent: &Header, params: &NetworkParams) {
        let fields = &mut draft.fields;
        let parent_limit = parent.gas_limit().get();
        let divisor = params.gas_limit_bound_divisor;
        let parent_price = parent.minimum_gas_price().map_or(0, GasPrice::get);
        let price_step = (parent_price / 100).max(1);
        match self {
            Self::ParentHash => fields.parent_hash = BlockHash::new([0xab; 32]),
            Self::Number => set_number(draft, fields_number(parent) + 2, params),
            Self::GasLimitTooHigh => set_gas_limit(draft, parent_limit * (divisor + 1) / divisor + 1),
            Self::GasLimitTooLow => set_gas_limit(draft, parent_limit * (divisor - 1) / divisor - 1),
            Self::MinimumGasPriceTooHigh => {
                fields.minimum_gas_price = Some(GasPrice::new(parent_price + price_step + 1));
            }
            Self::MinimumGasPriceTooLow => {
                fields.minimum_gas_price = Some(GasPrice::new((parent_price - price_step).max(0) - 1));
            }
            Self::MinimumGasPriceMissing => fields.minimum_gas_price = None,
            Self::ExtraData => fields.extra_data = vec![0x5a; params.maximum_extra_data + 1],
            Self::GasUsed => fields.gas_used = fields.gas_limit.get() as u64 + 1,
            Self::Difficulty => fields.difficulty = Difficulty::new(fields.difficulty.get() + 1),
            Self::UmmRoot => fields.umm_root = Some(vec![0x11; 19]),
            Self::UmmRootTooLong => fields.umm_root = Some(vec![0x11; 21]),
            Self::UmmRootOfAHash => fields.umm_root = Some(vec![0x11; 32]),
            other => unreachable!("{other:?} is about the proof"),
        }
    }
}

fn fields_number(header: &Header) -> u64 {
    header.number().get()
}

fn bitcoin_time(seconds: u64) -> u32 {
    u32::try_from(UnixTime::from_secs(seconds).as_secs()).expect("generated times are far below 2106")
}

fn set_gas_limit(draft: &mut Draft, value: u128) {
    draft.fields.gas_limit = GasLimit::new(0, value);
    draft.fields.gas_used = 0;
}

/// Another height, which decides the layout: the header gets the one that can be decoded there.
fn set_number(draft: &mut Draft, number: u64, params: &NetworkParams) {
    let rules = &params.activations;
    draft.fields.number = BlockNumber::new(number);
    draft.fields.umm_root = rules.has_umm_root(draft.fields.number).then(Vec::new);
    draft.body.extension = None;
    let version = rules.header_version(draft.fields.number);
    draft.fields.logs = match version {
        HeaderVersion::V0 => LogsCommitment::empty_bloom(),
        HeaderVersion::V1 | HeaderVersion::V2 => {
            let extension = HeaderExtension {
                logs_bloom: Box::new([0; 256]),
                base_event: (version == HeaderVersion::V2).then(Vec::new),
                edges: rules.has_edges(draft.fields.number).then(Vec::new),
            };
            extension.commitment()
        }
    };
    draft.mined_with(None);
    draft.mining.bitcoin_block_rest.clear();
    if let Some(data) = &mut draft.fork_data {
        data[8..].copy_from_slice(&(number as u32).to_be_bytes());
    }
}
