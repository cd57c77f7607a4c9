//! The rules of a header, each asked on its own.

use num_bigint::BigInt;

use super::{
    fork_data,
    header::{NaiveExtension, NaiveHeader},
    params::{NaiveParams, active},
    proof,
};

/// A rule that a header breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NaiveRule {
    /// The parent hash is another block's.
    ParentHash,
    /// The height is not the parent's plus one.
    Number,
    /// The gas limit moved by more than one part in 1024, or there is none.
    GasLimitBound,
    /// The gas limit is below the network's minimum, or there is none.
    GasLimitMinimum,
    /// The minimum gas price moved by more than one percent, or there is none.
    MinimumGasPrice,
    /// The extra data is longer than 32 bytes.
    ExtraData,
    /// More gas is used than the limit allows.
    GasUsed,
    /// The difficulty does not follow from the parent.
    Difficulty,
    /// The Bitcoin header's time is too far from the block's, or there is none.
    BitcoinTime,
    /// The block is ahead of the clock.
    FutureTime,
    /// The `ummRoot` is neither empty nor 20 bytes. Such a header has no valid proof of work either.
    UmmRoot,
    /// The proof of work, or the signature in its place.
    ProofOfWork {
        /// The first step that fails.
        detail: String,
    },
    /// The fork-detection data.
    ForkDetectionData {
        /// What is wrong.
        detail: String,
    },
}

/// Every rule of import that the header breaks, as far as can be judged from what is given: rules about the parent
/// need `parent`, the rule about the clock needs `now`, and the rule about fork-detection data needs `ancestors`
/// (newest last, the parent being the last; with fewer than 449 the rule is broken). Not for a genesis.
pub fn verify(
    header: &NaiveHeader,
    parent: Option<&NaiveHeader>,
    ancestors: Option<&[NaiveHeader]>,
    now: Option<u64>,
    params: &NaiveParams,
) -> Vec<NaiveRule> {
    let mut broken = Vec::new();
    if let Some(parent) = parent {
        broken.extend(against_parent(header, parent, params));
    }
    broken.extend(alone(header, now, params));
    if let Some(ancestors) = ancestors {
        broken.extend(fork_detection_data(header, ancestors, params));
    }
    broken
}

fn against_parent(header: &NaiveHeader, parent: &NaiveHeader, params: &NaiveParams) -> Vec<NaiveRule> {
    let mut broken = Vec::new();
    if header.parent_hash != parent.block_hash(params) {
        broken.push(NaiveRule::ParentHash);
    }
    if i128::from(header.number) != i128::from(parent.number) + 1 {
        broken.push(NaiveRule::Number);
    }
    if !gas_limit_is_near(header, parent) {
        broken.push(NaiveRule::GasLimitBound);
    }
    if !gas_price_is_near(header, parent) {
        broken.push(NaiveRule::MinimumGasPrice);
    }
    if header.difficulty != expected_difficulty(header, parent, params) {
        broken.push(NaiveRule::Difficulty);
    }
    broken
}

fn alone(header: &NaiveHeader, now: Option<u64>, params: &NaiveParams) -> Vec<NaiveRule> {
    let mut broken = Vec::new();
    if header.gas_limit_value().is_none_or(|limit| limit < BigInt::from(params.minimum_gas_limit)) {
        broken.push(NaiveRule::GasLimitMinimum);
    }
    if header.gas_limit_value().is_none_or(|limit| limit < BigInt::from(header.gas_used)) {
        broken.push(NaiveRule::GasUsed);
    }
    if header.extra_data.len() > 32 {
        broken.push(NaiveRule::ExtraData);
    }
    if !bitcoin_time_is_near(header, params) {
        broken.push(NaiveRule::BitcoinTime);
    }
    if now.is_some_and(|now| is_in_the_future(header, now, params)) {
        broken.push(NaiveRule::FutureTime);
    }
    if header.umm_root.as_ref().is_some_and(|root| !root.is_empty() && root.len() != 20) {
        broken.push(NaiveRule::UmmRoot);
    }
    if let Err(detail) = proof::check(header, params) {
        broken.push(NaiveRule::ProofOfWork { detail });
    }
    broken
}

fn fork_detection_data(
    header: &NaiveHeader,
    ancestors: &[NaiveHeader],
    params: &NaiveParams,
) -> Option<NaiveRule> {
    if !active(params.rskip110, header.number) || header.number <= 449 {
        return None;
    }
    let compared = || {
        let expected = fork_data::expected(header.number, ancestors)?;
        let seen = header.fork_detection_data(params)?;
        if seen == Some(expected) { Ok(()) } else { Err(format!("{seen:?} where {expected:?} is due")) }
    };
    compared().err().map(|detail| NaiveRule::ForkDetectionData { detail })
}

fn gas_limit_is_near(header: &NaiveHeader, parent: &NaiveHeader) -> bool {
    let (Some(limit), Some(of_parent)) = (header.gas_limit_value(), parent.gas_limit_value()) else {
        return false;
    };
    limit >= &of_parent * 1023 / 1024 && limit <= &of_parent * 1025 / 1024
}

fn gas_price_is_near(header: &NaiveHeader, parent: &NaiveHeader) -> bool {
    let (Some(price), Some(of_parent)) = (&header.minimum_gas_price, &parent.minimum_gas_price) else {
        return false;
    };
    let zero = BigInt::from(0);
    // Division of big integers cuts towards zero, here and in Java.
    let percent = of_parent / 100;
    let step = if percent == zero { BigInt::from(1) } else { percent };
    let lowest = (of_parent - &step).max(zero);
    let highest = of_parent + &step;
    lowest <= *price && *price <= highest
}

/// The difficulty that the header must have on top of this parent.
pub fn expected_difficulty(header: &NaiveHeader, parent: &NaiveHeader, params: &NaiveParams) -> BigInt {
    let minimum = if active(params.rskip290, header.number) {
        &params.minimum_difficulty_after_rskip290
    } else {
        &params.minimum_difficulty
    };
    let divisor = if active(params.rskip156, header.number) {
        params.difficulty_divisor_after_rskip156
    } else {
        params.difficulty_divisor
    };

    // Java's signed 64-bit and 32-bit numbers, with their overflow.
    let (time, parent_time) = (header.timestamp as i64, parent.timestamp as i64);
    if !active(params.rskip97, header.number) && time >= parent_time.wrapping_add(600) {
        return minimum.clone();
    }
    let spacing = time.wrapping_sub(parent_time);
    let wanted = i64::from(1_i32.wrapping_add(header.uncle_count).wrapping_mul(params.duration_limit));
    if spacing < 0 || wanted == spacing {
        return parent.difficulty.clone();
    }
    let step = &parent.difficulty / divisor;
    let moved = if wanted > spacing { &parent.difficulty + step } else { &parent.difficulty - step };
    moved.max(minimum.clone())
}

fn bitcoin_time_is_near(header: &NaiveHeader, params: &NaiveParams) -> bool {
    if params.max_future_seconds == 0 || !active(params.rskip179, header.number) {
        return true;
    }
    let bound = if active(params.rskip297, header.number) {
        params.bitcoin_time_bound_after_rskip297
    } else {
        params.bitcoin_time_bound
    };
    // The size that RSKIP-98 asks for is for the decoder and the proof of work to check.
    super::bitcoin::BitcoinHeader::parse(&header.bitcoin_header)
        .is_ok_and(|bitcoin| u64::from(bitcoin.time).abs_diff(header.timestamp) < bound)
}

fn is_in_the_future(header: &NaiveHeader, now: u64, params: &NaiveParams) -> bool {
    params.max_future_seconds != 0
        && i128::from(header.timestamp) - i128::from(now) > i128::from(params.max_future_seconds)
}

/// Something wrong with an extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NaiveExtensionRule {
    /// The header commits to another extension, or to none.
    ExtensionData,
    /// More than two edges.
    TooManyEdges,
    /// An edge is not greater than the one before it, the first not greater than zero.
    EdgesNotAscending,
    /// The last edge is beyond the last transaction.
    EdgeBeyondTransactions,
}

/// What is wrong with an extension. `transaction_count` counts the block's transactions, its last one included;
/// without it the edges are not compared with it.
pub fn check_extension(
    header: &NaiveHeader,
    extension: &NaiveExtension,
    transaction_count: Option<usize>,
) -> Vec<NaiveExtensionRule> {
    let mut broken = Vec::new();
    if header.version == 0 || header.bloom_or_extension_data != extension.extension_data() {
        broken.push(NaiveExtensionRule::ExtensionData);
    }
    let edges = extension.edges.as_deref().unwrap_or_default();
    if edges.len() > 2 {
        broken.push(NaiveExtensionRule::TooManyEdges);
    }
    let ascending =
        edges.first().is_none_or(|first| *first > 0) && edges.windows(2).all(|pair| pair[0] < pair[1]);
    if !ascending {
        broken.push(NaiveExtensionRule::EdgesNotAscending);
    }
    if let (Some(last), Some(count)) = (edges.last(), transaction_count)
        && i128::from(*last) > count as i128 - 1
    {
        broken.push(NaiveExtensionRule::EdgeBeyondTransactions);
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::{NaiveExtensionRule, check_extension};
    use crate::naive::{
        decode::decode_wire,
        header::{NaiveExtension, NaiveHeader},
        params::NaiveParams,
        rlp::Rlp,
    };

    /// A header of version 2 with this extension, and nothing of value in it.
    fn header_of(extension: &NaiveExtension) -> NaiveHeader {
        let mut fields = vec![Rlp::of(&[1; 32]); 17];
        fields[2] = Rlp::of(&[]);
        fields[6] = Rlp::Bytes(extension.extension_data());
        for short in [7, 8, 9, 10, 11, 13, 14, 15] {
            fields[short] = Rlp::of(&[1]);
        }
        decode_wire(&Rlp::List(fields).encode(), &NaiveParams::regtest()).unwrap()
    }

    fn broken(edges: &[i16], transactions: Option<usize>) -> Vec<NaiveExtensionRule> {
        let extension = NaiveExtension {
            version: 2,
            logs_bloom: vec![0; 256],
            base_event: Some(Vec::new()),
            edges: Some(edges.to_vec()),
        };
        check_extension(&header_of(&extension), &extension, transactions)
    }

    #[test]
    fn edges_are_two_at_most_ascending_from_one_and_within_the_transactions() {
        use NaiveExtensionRule::{EdgeBeyondTransactions, EdgesNotAscending, TooManyEdges};
        assert_eq!(broken(&[], Some(0)), []);
        assert_eq!(broken(&[1, 4], Some(5)), []);
        assert_eq!(broken(&[1, 5], Some(5)), [EdgeBeyondTransactions]);
        assert_eq!(broken(&[1, 5], None), []);
        assert_eq!(broken(&[0, 1], Some(5)), [EdgesNotAscending]);
        assert_eq!(broken(&[-1], Some(5)), [EdgesNotAscending]);
        assert_eq!(broken(&[2, 2], Some(5)), [EdgesNotAscending]);
        assert_eq!(broken(&[1, 2, 3], Some(5)), [TooManyEdges]);
    }

    #[test]
    fn a_header_commits_to_one_extension() {
        let mut extension = NaiveExtension {
            version: 2,
            logs_bloom: vec![0; 256],
            base_event: Some(vec![7]),
            edges: Some(Vec::new()),
        };
        let header = header_of(&extension);
        assert_eq!(check_extension(&header, &extension, None), []);
        extension.base_event = Some(vec![8]);
        assert_eq!(check_extension(&header, &extension, None), [NaiveExtensionRule::ExtensionData]);
    }
}
