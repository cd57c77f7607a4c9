//! Whether a batch can be applied: from this head, linked, on the canonical chain. Shared by the backends, so
//! that they refuse alike.

use super::{MAX_ANCESTORS, StoreError};
use crate::{
    chain::{batch::ChainBatch, record::BlockRecord},
    primitives::{hash::BlockHash, number::BlockNumber},
};

/// The lowest header known: the place where the next ancestor below goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct LowestKnown {
    /// Height of the lowest ancestor, or of the base when there is none.
    pub number: BlockNumber,
    /// The parent hash it names.
    pub parent_hash: BlockHash,
}

/// Checks `batch` against a chain with this base and head. `ancestor` is the canonical record at the height of
/// the batch's common ancestor, if there is one.
pub(super) fn check_batch(
    batch: &ChainBatch,
    base: &BlockRecord,
    head: &BlockRecord,
    ancestor: Option<&BlockRecord>,
    lowest: LowestKnown,
) -> Result<(), StoreError> {
    if batch.previous_head != head.id() {
        return Err(StoreError::StaleBatch { expected: batch.previous_head, found: head.id() });
    }
    let broken = |number| StoreError::BrokenBatch { number };
    let common = batch.common_ancestor;
    let ancestor = ancestor.filter(|record| record.id() == common).ok_or_else(|| broken(common.number))?;
    let mut below = ancestor;
    for entry in &batch.added {
        let record = &entry.record;
        let sum = below.header_difficulty_sum.checked_add(record.difficulty);
        if below.number.next() != record.number
            || below.hash != record.parent_hash
            || sum != Some(record.header_difficulty_sum)
            || record.hash != entry.header.hash()
            || record.number != entry.header.number()
        {
            return Err(broken(record.number));
        }
        below = record;
    }
    check_ancestors(batch, base, lowest)
}

fn check_ancestors(batch: &ChainBatch, base: &BlockRecord, mut above: LowestKnown) -> Result<(), StoreError> {
    for ancestor in &batch.ancestors {
        if above.number.previous() != Some(ancestor.number)
            || above.parent_hash != ancestor.hash
            || base.number.blocks_above(ancestor.number) > MAX_ANCESTORS
        {
            return Err(StoreError::BrokenBatch { number: ancestor.number });
        }
        above = LowestKnown { number: ancestor.number, parent_hash: ancestor.parent_hash };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chain::record::AncestorRecord,
        primitives::number::{CumulativeDifficulty, Difficulty},
        store::test_chain::TestChain,
    };

    fn verdict(chain: &TestChain, batch: &ChainBatch) -> Result<(), StoreError> {
        let base = chain.base();
        let lowest = LowestKnown { number: base.record.number, parent_hash: base.record.parent_hash };
        let ancestor = (batch.common_ancestor.number == base.record.number).then_some(&base.record);
        check_batch(batch, &base.record, &base.record, ancestor, lowest)
    }

    #[test]
    fn a_linked_batch_passes_and_every_broken_link_is_named() {
        let chain = TestChain::starting_at(1_000);
        let base = chain.base().record.id();
        let good = ChainBatch { added: chain.extend(chain.base(), 3, 0), ..ChainBatch::at(base) };
        assert_eq!(verdict(&chain, &good), Ok(()));

        let broken_at = |number| Err(StoreError::BrokenBatch { number: BlockNumber::new(number) });
        let mut gap = good.clone();
        gap.added.remove(1);
        assert_eq!(verdict(&chain, &gap), broken_at(1_003));
        let mut other_sum = good.clone();
        other_sum.added[1].record.header_difficulty_sum = CumulativeDifficulty::new(7);
        assert_eq!(verdict(&chain, &other_sum), broken_at(1_002));
        let mut other_difficulty = good.clone();
        other_difficulty.added[2].record.difficulty = Difficulty::new(u128::MAX);
        assert_eq!(verdict(&chain, &other_difficulty), broken_at(1_003));
        let mut other_header = good.clone();
        other_header.added[2].header = good.added[1].header.clone();
        assert_eq!(verdict(&chain, &other_header), broken_at(1_003));
        let mut off_chain = good.clone();
        off_chain.common_ancestor.hash = BlockHash::ZERO;
        assert_eq!(verdict(&chain, &off_chain), broken_at(1_000));
    }

    #[test]
    fn a_batch_from_another_head_is_stale_before_anything_else() {
        let chain = TestChain::starting_at(1_000);
        let mut batch = ChainBatch::at(chain.base().record.id());
        batch.previous_head.hash = BlockHash::ZERO;
        batch.common_ancestor.hash = BlockHash::ZERO;
        let expected =
            StoreError::StaleBatch { expected: batch.previous_head, found: chain.base().record.id() };
        assert_eq!(verdict(&chain, &batch), Err(expected));
    }

    #[test]
    fn ancestors_descend_from_the_lowest_known_and_no_deeper_than_the_bound() {
        let chain = TestChain::starting_at(2_000);
        let base = chain.base().record.id();
        let with = |ancestors: Vec<AncestorRecord>| ChainBatch { ancestors, ..ChainBatch::at(base) };
        let all = chain.ancestors(MAX_ANCESTORS + 1);
        let fitting = all[..all.len() - 1].to_vec();
        assert_eq!(verdict(&chain, &with(fitting.clone())), Ok(()));
        assert_eq!(
            verdict(&chain, &with(all)),
            Err(StoreError::BrokenBatch { number: BlockNumber::new(2_000 - MAX_ANCESTORS - 1) })
        );
        assert_eq!(
            verdict(&chain, &with(fitting[1..].to_vec())),
            Err(StoreError::BrokenBatch { number: BlockNumber::new(1_998) })
        );
    }
}
