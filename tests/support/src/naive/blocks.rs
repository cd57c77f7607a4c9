//! Uncles, weight, and which of two blocks is the better one.

use std::cmp::Ordering;

use num_bigint::BigInt;

use super::{
    fork_data::ANCESTORS_NEEDED,
    hashes::keccak,
    header::NaiveHeader,
    params::NaiveParams,
    rules::{NaiveRule, verify},
};

/// The hash of a list of uncles, from the full encoding of each.
pub fn uncles_hash(full_encodings: &[Vec<u8>]) -> [u8; 32] {
    let payload = full_encodings.concat();
    let length = payload.len();
    let mut list = if length <= 55 {
        vec![0xc0 + length as u8]
    } else {
        let size: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
        [vec![0xf7 + size.len() as u8], size].concat()
    };
    list.extend(payload);
    keccak(&list)
}

/// The difficulty of a block and of every uncle in it.
pub fn block_weight(header: &NaiveHeader, uncles: &[NaiveHeader]) -> BigInt {
    uncles.iter().fold(header.difficulty.clone(), |weight, uncle| weight + &uncle.difficulty)
}

/// What decides between two blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NaiveTip {
    /// Weight of the block and of everything below it.
    pub total_difficulty: BigInt,
    /// Fees paid in the block.
    pub paid_fees: BigInt,
    /// Its hash.
    pub hash: [u8; 32],
}

/// The new block takes the place of the best one.
pub fn is_better(new: &NaiveTip, best: &NaiveTip) -> bool {
    match new.total_difficulty.cmp(&best.total_difficulty) {
        Ordering::Greater => true,
        Ordering::Less => false,
        Ordering::Equal => {
            let twice = |fees: &BigInt| fees * 2;
            new.paid_fees > twice(&best.paid_fees)
                || (best.paid_fees < twice(&new.paid_fees) && new.hash < best.hash)
        }
    }
}

/// A block with its uncles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NaiveFamily {
    /// Its header.
    pub header: NaiveHeader,
    /// Headers of its uncles.
    pub uncles: Vec<NaiveHeader>,
}

/// Something wrong with the uncles of a block. `index` counts them from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NaiveUncleRule {
    /// The header commits to another list.
    UnclesHash,
    /// More than ten.
    TooMany,
    /// Twice in the list.
    Duplicate {
        /// The second of the two.
        index: usize,
    },
    /// Not lower than the block, or more than six blocks lower.
    Generation {
        /// Which uncle.
        index: usize,
    },
    /// An ancestor of the block.
    IsAncestor {
        /// Which uncle.
        index: usize,
    },
    /// An ancestor of the block has it as an uncle.
    AlreadyUsed {
        /// Which uncle.
        index: usize,
    },
    /// Its parent is not one of the last seven ancestors of the block.
    ParentIsNoAncestor {
        /// Which uncle.
        index: usize,
    },
    /// Not later than its parent.
    NotAfterParent {
        /// Which uncle.
        index: usize,
    },
    /// The uncle breaks a rule of headers.
    Header {
        /// Which uncle.
        index: usize,
        /// The rule.
        rule: NaiveRule,
    },
}

/// Everything that is wrong with the uncles of a block.
///
/// `uncles` holds each header with its full encoding; `ancestors` is the block's branch, newest last, the parent
/// being the last. The fork-detection data of an uncle is judged when 449 of them lie below it.
pub fn check_uncles(
    block: &NaiveHeader,
    uncles: &[(NaiveHeader, Vec<u8>)],
    ancestors: &[NaiveFamily],
    now: Option<u64>,
    params: &NaiveParams,
) -> Vec<NaiveUncleRule> {
    let mut broken = Vec::new();
    let encodings: Vec<Vec<u8>> = uncles.iter().map(|(_, full)| full.clone()).collect();
    if block.uncles_hash != uncles_hash(&encodings) {
        broken.push(NaiveUncleRule::UnclesHash);
    }
    if uncles.len() > 10 {
        broken.push(NaiveUncleRule::TooMany);
    }

    let recent: Vec<&NaiveFamily> =
        ancestors.iter().filter(|it| i128::from(it.header.number) >= i128::from(block.number) - 7).collect();
    let recent_hashes: Vec<[u8; 32]> = recent.iter().map(|it| it.header.block_hash(params)).collect();
    let used: Vec<[u8; 32]> =
        recent.iter().flat_map(|it| &it.uncles).map(|uncle| uncle.block_hash(params)).collect();

    let mut seen = Vec::new();
    for (index, (uncle, _)) in uncles.iter().enumerate() {
        let hash = uncle.block_hash(params);
        if seen.contains(&hash) {
            broken.push(NaiveUncleRule::Duplicate { index });
        }
        seen.push(hash);
        let (height, block_height) = (i128::from(uncle.number), i128::from(block.number));
        if height >= block_height || height < block_height - 6 {
            broken.push(NaiveUncleRule::Generation { index });
        }
        if recent_hashes.contains(&hash) {
            broken.push(NaiveUncleRule::IsAncestor { index });
        }
        if used.contains(&hash) {
            broken.push(NaiveUncleRule::AlreadyUsed { index });
        }
        let parent = recent.iter().zip(&recent_hashes).find(|(_, hash)| hash[..] == uncle.parent_hash[..]);
        let Some((parent, _)) = parent else {
            broken.push(NaiveUncleRule::ParentIsNoAncestor { index });
            broken.extend(header_rules(uncle, None, ancestors, now, params, index));
            continue;
        };
        if params.max_future_seconds != 0 && uncle.timestamp <= parent.header.timestamp {
            broken.push(NaiveUncleRule::NotAfterParent { index });
        }
        broken.extend(header_rules(uncle, Some(&parent.header), ancestors, now, params, index));
    }
    broken
}

/// The rules of headers that hold for uncles: neither the lowest gas limit nor the length of the extra data.
fn header_rules(
    uncle: &NaiveHeader,
    parent: Option<&NaiveHeader>,
    ancestors: &[NaiveFamily],
    now: Option<u64>,
    params: &NaiveParams,
    index: usize,
) -> Vec<NaiveUncleRule> {
    let below: Vec<NaiveHeader> =
        ancestors.iter().map(|it| it.header.clone()).filter(|header| header.number < uncle.number).collect();
    let judged = parent.is_some() && below.len() >= ANCESTORS_NEEDED;
    verify(uncle, parent, judged.then_some(below.as_slice()), now, params)
        .into_iter()
        .filter(|rule| !matches!(rule, NaiveRule::GasLimitMinimum | NaiveRule::ExtraData))
        .map(|rule| NaiveUncleRule::Header { index, rule })
        .collect()
}

#[cfg(test)]
mod tests {
    use num_bigint::BigInt;

    use super::{NaiveTip, is_better, uncles_hash};
    use crate::naive::hex_bytes;

    fn tip(total: u32, fees: u32, first_byte: u8) -> NaiveTip {
        let mut hash = [0; 32];
        hash[0] = first_byte;
        NaiveTip { total_difficulty: BigInt::from(total), paid_fees: BigInt::from(fees), hash }
    }

    #[test]
    fn no_uncles_are_an_empty_list() {
        let empty = "1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347";
        assert_eq!(uncles_hash(&[]).to_vec(), hex_bytes(empty));
    }

    #[test]
    fn the_heavier_block_is_better_whatever_its_fees_and_hash() {
        assert!(is_better(&tip(11, 0, 9), &tip(10, 100, 1)));
        assert!(!is_better(&tip(9, 100, 1), &tip(10, 0, 9)));
    }

    #[test]
    fn among_equals_more_than_twice_the_fees_win_and_else_the_lower_hash() {
        assert!(is_better(&tip(10, 21, 9), &tip(10, 10, 1)));
        assert!(!is_better(&tip(10, 20, 9), &tip(10, 10, 1)));
        assert!(is_better(&tip(10, 20, 1), &tip(10, 10, 9)));
        assert!(is_better(&tip(10, 6, 1), &tip(10, 11, 9)));
        assert!(!is_better(&tip(10, 5, 1), &tip(10, 10, 9)));
    }

    #[test]
    fn without_fees_the_first_one_stays() {
        assert!(!is_better(&tip(10, 0, 1), &tip(10, 0, 9)));
        assert!(!is_better(&tip(10, 0, 9), &tip(10, 0, 1)));
    }
}
