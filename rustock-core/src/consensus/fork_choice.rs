//! Which of two branches to follow.
//!
//! No RSKIP. [`is_better`] mirrors rskj's `SelectionRule.shouldWeAddThisBlock`, which needs the bodies of both
//! branches; [`prefer`] is what syncing by headers uses in its place.

use crate::primitives::{hash::BlockHash, header::Header, number::CumulativeDifficulty};

/// What rskj's choice looks at in the head of a branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Contender {
    /// Sum of the weights of the chain's blocks up to this one, uncles included.
    pub total_difficulty: CumulativeDifficulty,
    /// Fees paid in the block, in wei, as its header has them.
    pub paid_fees: u128,
    /// Hash of the block.
    pub hash: BlockHash,
}

impl Contender {
    /// The head of a chain with this total.
    pub fn new(header: &Header, total_difficulty: CumulativeDifficulty) -> Self {
        Self { total_difficulty, paid_fees: header.paid_fees(), hash: header.hash() }
    }
}

/// True when rskj leaves its best block for a new one (`SelectionRule.shouldWeAddThisBlock`): the greater total
/// difficulty wins. On a tie the new block wins with more than twice the fees; or with more than half of them and
/// the lower hash. So of two blocks without fees the first to come stays, and which block is best can depend on the
/// order of arrival.
pub fn is_better(new: &Contender, best: &Contender) -> bool {
    if new.total_difficulty != best.total_difficulty {
        return new.total_difficulty > best.total_difficulty;
    }
    is_more_than_twice(new.paid_fees, best.paid_fees)
        || is_less_than_twice(best.paid_fees, new.paid_fees) && new.hash.as_bytes() < best.hash.as_bytes()
}

/// Twice the greatest values overflow, and nothing is more than that.
fn is_more_than_twice(fees: u128, other: u128) -> bool {
    other.checked_mul(2).is_some_and(|twice| fees > twice)
}

fn is_less_than_twice(fees: u128, other: u128) -> bool {
    other.checked_mul(2).is_none_or(|twice| fees < twice)
}

/// Which branch to follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Preference {
    /// Stay on the branch we follow.
    Ours,
    /// Switch to the other one.
    Theirs,
    /// Headers alone cannot tell: the bodies of both branches are needed, for their uncles. Never answered
    /// yet; see [`prefer`].
    NeedBodies,
}

/// Chooses between two branches by their weights above their common ancestor: the sum of the difficulties of
/// each branch's headers. The greater sum wins; on a tie we stay, as rskj does when neither head paid fees.
///
/// **Uncles are not counted yet.** A full node weighs a block by its own difficulty *and* that of the uncles
/// in its body, and uncles are more than half of mainnet's total. Headers commit to uncles but do not carry
/// them. So while two branches compete, this can prefer another one than full nodes do, until one of them is
/// ahead by more than the uncles of the other can outweigh. What it prefers is a valid chain with real work
/// in it, all of it checked; it may not be the one that the network settles on. Wait for more confirmations
/// than the depth of the forks you expect. Counting uncles takes the bodies of both branches, which is what
/// [`Preference::NeedBodies`] is for.
pub fn prefer(ours: CumulativeDifficulty, theirs: CumulativeDifficulty) -> Preference {
    if theirs > ours { Preference::Theirs } else { Preference::Ours }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greater_sum_wins_and_a_tie_stays() {
        let sum = CumulativeDifficulty::new;
        assert_eq!(prefer(sum(5), sum(6)), Preference::Theirs);
        assert_eq!(prefer(sum(5), sum(5)), Preference::Ours);
        assert_eq!(prefer(sum(5), sum(4)), Preference::Ours);
    }

    fn contender(total: u128, paid_fees: u128, hash: u8) -> Contender {
        let hash = BlockHash::new([hash; 32]);
        Contender { total_difficulty: CumulativeDifficulty::new(total), paid_fees, hash }
    }

    #[test]
    fn the_greater_total_wins_whatever_fees_and_hash() {
        assert!(is_better(&contender(6, 0, 9), &contender(5, 100, 1)));
        assert!(!is_better(&contender(4, 100, 1), &contender(5, 0, 9)));
    }

    #[test]
    fn on_a_tie_more_than_twice_the_fees_win() {
        let best = contender(5, 10, 1);
        assert!(is_better(&contender(5, 21, 9), &best));
        assert!(!is_better(&contender(5, 20, 9), &best));
        assert!(is_better(&contender(5, 1, 9), &contender(5, 0, 1)));
    }

    #[test]
    fn on_a_tie_more_than_half_of_the_fees_and_the_lower_hash_win() {
        let best = contender(5, 10, 5);
        assert!(is_better(&contender(5, 6, 4), &best));
        assert!(!is_better(&contender(5, 5, 4), &best), "exactly half");
        assert!(!is_better(&contender(5, 6, 5), &best), "the same hash");
        assert!(!is_better(&contender(5, 6, 6), &best), "a higher hash");
        let unsigned = (contender(5, 6, 0x7f), contender(5, 6, 0x80));
        assert!(is_better(&unsigned.0, &unsigned.1) && !is_better(&unsigned.1, &unsigned.0));
    }

    #[test]
    fn of_two_blocks_without_fees_the_first_stays() {
        assert!(!is_better(&contender(5, 0, 1), &contender(5, 0, 9)));
        assert!(!is_better(&contender(5, 0, 9), &contender(5, 0, 1)));
    }

    #[test]
    fn absurd_fees_do_not_overflow() {
        let most = u128::MAX;
        assert!(!is_better(&contender(5, most, 9), &contender(5, most / 2 + 1, 1)));
        assert!(is_better(&contender(5, most, 9), &contender(5, most / 2 - 1, 1)));
        assert!(is_better(&contender(5, most / 2 + 1, 1), &contender(5, most, 9)));
        assert!(!is_better(&contender(5, most / 2, 1), &contender(5, most, 9)), "less than half");
    }
}
