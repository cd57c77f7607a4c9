use super::*;
use crate::chain::test_chain::TestChain;

fn tail_of(base: u64, blocks: usize) -> ChainTail {
    let chain = TestChain::starting_at(base);
    let mut records = vec![chain.base().record.clone()];
    records.extend(chain.extend(chain.base(), blocks, 1).into_iter().map(|entry| entry.record));
    ChainTail::new(BlockNumber::new(base), Vec::new(), records).expect("linked")
}

#[test]
fn only_a_child_of_the_head_is_taken() {
    let chain = TestChain::starting_at(5);
    let blocks = chain.extend(chain.base(), 3, 1);
    let mut tail = tail_of(5, 0);
    assert_eq!(tail.push(blocks[1].record.clone()), Err(NotLinked { number: BlockNumber::new(7) }));
    assert_eq!(tail.push(blocks[0].record.clone()), Ok(()));
    assert_eq!(tail.push(blocks[0].record.clone()), Err(NotLinked { number: BlockNumber::new(6) }));
    assert_eq!(tail.find(&blocks[0].record.hash), Some(&blocks[0].record));
}

#[test]
fn what_is_truncated_is_given_back_and_no_longer_found() {
    let mut tail = tail_of(5, 10);
    let removed = tail.truncate_to(BlockNumber::new(12));
    let numbers: Vec<u64> = removed.iter().map(|record| record.number.get()).collect();
    assert_eq!(numbers, [13, 14, 15]);
    assert_eq!(tail.head().number.get(), 12);
    assert!(removed.iter().all(|record| tail.find(&record.hash).is_none()));
    tail.truncate_to(BlockNumber::GENESIS);
    assert_eq!(tail.head().number.get(), 5, "the lowest record always stays");
}

#[test]
fn the_tail_forgets_its_oldest_blocks_and_says_how_deep_a_branch_may_leave() {
    let tail = tail_of(0, TAIL_LIMIT + 10);
    let head = tail.head().number;
    assert_eq!(tail.lowest().get(), 11);
    assert_eq!(tail.lowest_common_ancestor(), head.saturating_sub(MAX_REORG_DEPTH));
    assert_eq!(tail_of(0, 100).lowest_common_ancestor(), BlockNumber::GENESIS);
}

#[test]
fn ancestors_below_the_base_are_part_of_the_window() {
    let chain = TestChain::starting_at(1_000);
    let mut tail = tail_of(1_000, 20);
    for ancestor in chain.ancestors(40) {
        tail.prepend_ancestor(ancestor).expect("each is the parent of the one above");
    }
    assert!(tail.prepend_ancestor(chain.ancestors(1)[0]).is_err(), "known already");
    let window = tail.window_at(BlockNumber::new(1_010));
    assert_eq!(window.newest(), Some(BlockNumber::new(1_010)));
    assert_eq!(window.oldest(), Some(BlockNumber::new(960)));
}

#[test]
fn no_ancestors_are_missing_when_as_many_or_more_are_known() {
    let chain = TestChain::starting_at(1_000);
    for (known, missing) in [(0, 449), (448, 1), (449, 0), (455, 0)] {
        let mut ancestors = chain.ancestors(known);
        ancestors.reverse();
        let records = vec![chain.base().record.clone()];
        let tail = ChainTail::new(BlockNumber::new(1_000), ancestors, records).expect("linked");
        assert_eq!(tail.missing_ancestors(), missing, "{known} known");
        let next = tail.next_ancestor(chain.base().record.parent_hash).map(|next| next.number.get());
        assert_eq!(next, (missing > 0).then(|| 999 - known), "{known} known");
    }
}
