//! Which of two branches to follow.
//!
//! No RSKIP. Stands where rskj has `BlockChainImpl.internalTryToConnect` and `SelectionRule`.

use crate::primitives::number::CumulativeDifficulty;

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
}
