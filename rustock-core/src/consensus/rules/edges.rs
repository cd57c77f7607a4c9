//! Where the lists of transactions that can run in parallel end: few places, ascending, within the transactions.
//!
//! RSKIP-144, where RSKIP-351 is active too. Mirrors rskj's `ValidTxExecutionSublistsEdgesRule`. The RSKIP speaks
//! of four lists; rskj has two.

use crate::{
    consensus::body_error::{BodyError, EdgesFault},
    primitives::header::HeaderExtension,
};

/// Most edges: rskj's `Constants.getTransactionExecutionThreads`.
pub const MOST_EDGES: usize = 2;

/// Judges the edges of an extension of a block with so many transactions. An extension of a height without
/// edges passes.
///
/// # Errors
/// [`BodyError::Edges`].
pub fn check(extension: &HeaderExtension, transactions: usize) -> Result<(), BodyError> {
    match &extension.edges {
        Some(edges) => check_edges(edges, transactions).map_err(BodyError::Edges),
        None => Ok(()),
    }
}

fn check_edges(edges: &[i16], transactions: usize) -> Result<(), EdgesFault> {
    let (Some(&first), Some(&last)) = (edges.first(), edges.last()) else { return Ok(()) };
    if edges.len() > MOST_EDGES {
        return Err(EdgesFault::TooMany { most: MOST_EDGES, seen: edges.len() });
    }
    if first <= 0 {
        return Err(EdgesFault::NotPositive { seen: first });
    }
    if let Some(pair) = edges.windows(2).find(|pair| pair[0] >= pair[1]) {
        return Err(EdgesFault::NotAscending { before: pair[0], seen: pair[1] });
    }
    // Ascending from above zero: not negative.
    if last as usize >= transactions {
        return Err(EdgesFault::PastTransactions { transactions, seen: last });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn judge(edges: Option<&[i16]>, transactions: usize) -> Result<(), BodyError> {
        let edges = edges.map(<[i16]>::to_vec);
        check(&HeaderExtension { logs_bloom: Box::new([0; 256]), base_event: None, edges }, transactions)
    }

    #[test]
    fn none_or_an_empty_list_is_fine_whatever_the_transactions() {
        assert_eq!(judge(None, 0), Ok(()));
        assert_eq!(judge(Some(&[]), 0), Ok(()));
    }

    #[test]
    fn two_and_no_more() {
        assert_eq!(judge(Some(&[1, 2]), 3), Ok(()));
        let refusal = EdgesFault::TooMany { most: 2, seen: 3 };
        assert_eq!(judge(Some(&[1, 2, 3]), 10), Err(BodyError::Edges(refusal)));
    }

    #[test]
    fn the_first_is_above_zero_as_a_signed_number() {
        assert_eq!(judge(Some(&[1]), 2), Ok(()));
        for seen in [0, -1, i16::MIN] {
            let refusal = EdgesFault::NotPositive { seen };
            assert_eq!(judge(Some(&[seen]), 2), Err(BodyError::Edges(refusal)));
        }
    }

    #[test]
    fn they_ascend_strictly() {
        assert_eq!(judge(Some(&[3, 4]), 10), Ok(()));
        for seen in [3, 2, -1] {
            let refusal = EdgesFault::NotAscending { before: 3, seen };
            assert_eq!(judge(Some(&[3, seen]), 10), Err(BodyError::Edges(refusal)));
        }
    }

    #[test]
    fn the_last_is_at_most_the_number_of_transactions_less_one() {
        assert_eq!(judge(Some(&[4]), 5), Ok(()));
        assert_eq!(judge(Some(&[1, i16::MAX]), 32_768), Ok(()));
        for transactions in [4, 3, 0] {
            let refusal = EdgesFault::PastTransactions { transactions, seen: 4 };
            assert_eq!(judge(Some(&[4]), transactions), Err(BodyError::Edges(refusal)));
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_rule_in_plain_words(
            edges in proptest::collection::vec(-2i16..7, 0..4),
            transactions in 0usize..8,
        ) {
            let sorted = edges.windows(2).all(|pair| pair[0] < pair[1]);
            let within = edges.iter().all(|edge| *edge > 0 && i64::from(*edge) < transactions as i64);
            prop_assert_eq!(judge(Some(&edges), transactions).is_ok(), edges.len() <= 2 && sorted && within);
        }
    }
}
