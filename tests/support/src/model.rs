//! A naive oracle for a chain that grows and reorganises: a plain list of blocks, rewritten step by step.
//!
//! Stores, subscriptions and the synchronisation machine are compared with it: what they derive cleverly it
//! derives by rewriting the list.

use core::fmt;

use rustock_core::chain::{batch::ChainBatch, record::BlockId};

/// A change of the canonical chain, as a subscriber is told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelEvent {
    /// Blocks on top of the head, ascending.
    Extended {
        /// At least one.
        blocks: Vec<BlockId>,
    },
    /// Blocks went, and others may have taken their place.
    Reorg {
        /// The highest block that stays.
        common_ancestor: BlockId,
        /// What went, from the top down; at least one.
        removed: Vec<BlockId>,
        /// What came, ascending.
        added: Vec<BlockId>,
    },
}

/// A batch or an event does not fit the chain it is applied to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelError {
    /// A batch was worked out from another head.
    OtherHead {
        /// Head of the chain.
        expected: BlockId,
        /// Head that the batch names.
        seen: BlockId,
    },
    /// The common ancestor is not in the chain.
    UnknownAncestor {
        /// The block named.
        seen: BlockId,
    },
    /// A block does not follow the one below it: missing, twice, or out of order.
    NotConsecutive {
        /// The block below.
        below: BlockId,
        /// The block that came.
        seen: BlockId,
    },
    /// An event says that other blocks went than did.
    OtherRemoved {
        /// What went, from the top down.
        expected: Vec<BlockId>,
        /// What the event says.
        seen: Vec<BlockId>,
    },
    /// An event changes nothing.
    NothingHappened,
    /// The events lead to another chain.
    OtherOutcome {
        /// The head that should have come out.
        expected: BlockId,
        /// The head that did.
        seen: BlockId,
        /// The lowest place, counted from the base, at which the chains differ.
        position: usize,
    },
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherHead { expected, seen } => {
                write!(f, "the head is {expected}, the batch starts from {seen}")
            }
            Self::UnknownAncestor { seen } => write!(f, "the common ancestor {seen} is not in the chain"),
            Self::NotConsecutive { below, seen } => write!(f, "{seen} does not follow {below}"),
            Self::OtherRemoved { expected, seen } => {
                write!(f, "{} blocks went, the event names {}", expected.len(), seen.len())
            }
            Self::NothingHappened => f.write_str("the event changes nothing"),
            Self::OtherOutcome { expected, seen, position } => {
                write!(f, "the events lead to {seen} instead of {expected}, from place {position} on")
            }
        }
    }
}

impl std::error::Error for ModelError {}

/// A canonical chain, from its base up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainModel {
    blocks: Vec<BlockId>,
}

impl ChainModel {
    /// A chain of one block.
    pub fn new(base: BlockId) -> Self {
        Self { blocks: vec![base] }
    }

    /// The lowest block.
    pub fn base(&self) -> BlockId {
        self.blocks[0]
    }

    /// The highest block.
    pub fn head(&self) -> BlockId {
        *self.blocks.last().expect("a chain has a base")
    }

    /// Every block, ascending from the base.
    pub fn blocks(&self) -> &[BlockId] {
        &self.blocks
    }

    /// The chain after a batch.
    ///
    /// # Errors
    /// [`ModelError`] says how the batch does not fit; the chain is then as it was.
    pub fn apply_batch(&mut self, batch: &ChainBatch) -> Result<(), ModelError> {
        if batch.previous_head != self.head() {
            return Err(ModelError::OtherHead { expected: self.head(), seen: batch.previous_head });
        }
        let kept = self.kept_with(batch.common_ancestor)?;
        let added: Vec<_> = batch.added.iter().map(|entry| entry.record.id()).collect();
        self.replace_above(kept, &added)
    }

    /// The chain after an event.
    ///
    /// # Errors
    /// [`ModelError`] says how the event does not fit; the chain is then as it was.
    pub fn apply_event(&mut self, event: &ModelEvent) -> Result<(), ModelError> {
        match event {
            ModelEvent::Extended { blocks } if blocks.is_empty() => Err(ModelError::NothingHappened),
            ModelEvent::Extended { blocks } => self.replace_above(self.blocks.len(), blocks),
            ModelEvent::Reorg { removed, .. } if removed.is_empty() => Err(ModelError::NothingHappened),
            ModelEvent::Reorg { common_ancestor, removed, added } => {
                let kept = self.kept_with(*common_ancestor)?;
                let expected: Vec<_> = self.blocks[kept..].iter().rev().copied().collect();
                if expected != *removed {
                    return Err(ModelError::OtherRemoved { expected, seen: removed.clone() });
                }
                self.replace_above(kept, added)
            }
        }
    }

    /// The event that leads from this chain to `later`, in one step; `None` when they are the same. Both have the
    /// same base.
    ///
    /// # Panics
    /// When the bases differ.
    pub fn event_to(&self, later: &Self) -> Option<ModelEvent> {
        assert_eq!(self.base(), later.base(), "chains with other bases have no common ancestor");
        let pairs = self.blocks.iter().zip(&later.blocks);
        let shared = pairs.take_while(|(ours, theirs)| ours == theirs).count();
        let removed: Vec<_> = self.blocks[shared..].iter().rev().copied().collect();
        let added = later.blocks[shared..].to_vec();
        match (removed.is_empty(), added.is_empty()) {
            (true, true) => None,
            (true, false) => Some(ModelEvent::Extended { blocks: added }),
            (false, _) => {
                Some(ModelEvent::Reorg { common_ancestor: self.blocks[shared - 1], removed, added })
            }
        }
    }

    /// How many blocks stay when everything above `ancestor` goes.
    fn kept_with(&self, ancestor: BlockId) -> Result<usize, ModelError> {
        let position = self.blocks.iter().position(|block| *block == ancestor);
        Ok(position.ok_or(ModelError::UnknownAncestor { seen: ancestor })? + 1)
    }

    fn replace_above(&mut self, kept: usize, added: &[BlockId]) -> Result<(), ModelError> {
        let mut below = self.blocks[kept - 1];
        for block in added {
            if block.number != below.number.next() {
                return Err(ModelError::NotConsecutive { below, seen: *block });
            }
            below = *block;
        }
        self.blocks.truncate(kept);
        self.blocks.extend_from_slice(added);
        Ok(())
    }
}

/// The canonical chain before the first batch and after each one.
///
/// # Errors
/// The first batch that does not fit, by its place, and how.
pub fn chains_after<'a>(
    base: BlockId,
    batches: impl IntoIterator<Item = &'a ChainBatch>,
) -> Result<Vec<ChainModel>, (usize, ModelError)> {
    let mut chains = vec![ChainModel::new(base)];
    for (place, batch) in batches.into_iter().enumerate() {
        let mut chain = chains[place].clone();
        chain.apply_batch(batch).map_err(|error| (place, error))?;
        chains.push(chain);
    }
    Ok(chains)
}

/// Whether replaying `events` on `earlier` rebuilds `later`, with nothing missing and nothing twice.
///
/// # Errors
/// The first event that does not fit, or that the outcome is another.
pub fn check_replay<'a>(
    earlier: &ChainModel,
    events: impl IntoIterator<Item = &'a ModelEvent>,
    later: &ChainModel,
) -> Result<(), ModelError> {
    let mut replayed = earlier.clone();
    for event in events {
        replayed.apply_event(event)?;
    }
    if replayed == *later {
        return Ok(());
    }
    let pairs = replayed.blocks.iter().zip(&later.blocks);
    let position = pairs.take_while(|(ours, theirs)| ours == theirs).count();
    Err(ModelError::OtherOutcome { expected: later.head(), seen: replayed.head(), position })
}

#[cfg(test)]
mod tests {
    use rustock_core::{
        chain::{batch::BlockEntry, record::BlockRecord},
        primitives::number::BlockNumber,
    };

    use super::*;
    use crate::chainkit::{Chain, ChainBuilder};

    fn id(chain: &Chain, number: u64) -> BlockId {
        let header = chain.header(number).unwrap();
        BlockId { number: header.number(), hash: header.hash() }
    }

    fn ids(chain: &Chain, numbers: core::ops::RangeInclusive<u64>) -> Vec<BlockId> {
        numbers.map(|number| id(chain, number)).collect()
    }

    fn batch(head: BlockId, common_ancestor: BlockId, chain: &Chain, up_to: u64) -> ChainBatch {
        let first = common_ancestor.number.next().get();
        let entry = |number| {
            let header = chain.header(number).unwrap().clone();
            let record = BlockRecord::new(&header, chain.header_difficulty_sum(number), 0);
            BlockEntry { record, header }
        };
        let added = (first..=up_to).map(entry).collect();
        ChainBatch { common_ancestor, added, ..ChainBatch::at(head) }
    }

    fn trunk_and_branch() -> (Chain, Chain) {
        let trunk = ChainBuilder::simnet().build(8);
        let branch = trunk.fork_at(5, 1).extended(5);
        (trunk, branch)
    }

    #[test]
    fn batches_extend_and_reorganise_and_any_later_chain_is_one_event_away() {
        let (trunk, branch) = trunk_and_branch();
        let base = id(&trunk, 0);
        let batches = [
            batch(base, base, &trunk, 6),
            batch(id(&trunk, 6), id(&trunk, 6), &trunk, 8),
            batch(id(&trunk, 8), id(&trunk, 5), &branch, 10),
            batch(id(&branch, 10), id(&branch, 7), &branch, 7),
        ];
        let chains = chains_after(base, &batches).unwrap();
        let expected = [
            ids(&trunk, 0..=0),
            ids(&trunk, 0..=6),
            ids(&trunk, 0..=8),
            ids(&branch, 0..=10),
            ids(&branch, 0..=7),
        ];
        let blocks: Vec<_> = chains.iter().map(|chain| chain.blocks().to_vec()).collect();
        assert_eq!(blocks, expected);

        for earlier in &chains {
            for later in &chains {
                check_replay(earlier, &earlier.event_to(later), later).unwrap();
            }
        }
        let steps: Vec<_> = chains.windows(2).map(|pair| pair[0].event_to(&pair[1]).unwrap()).collect();
        check_replay(&chains[0], &steps, &chains[4]).unwrap();
        assert!(
            matches!(&steps[3], ModelEvent::Reorg { removed, added, .. } if removed.len() == 3 && added.is_empty())
        );
    }

    #[test]
    fn a_batch_that_does_not_fit_is_refused_and_changes_nothing() {
        let (trunk, branch) = trunk_and_branch();
        let mut chain = ChainModel::new(id(&trunk, 0));
        chain.apply_batch(&batch(id(&trunk, 0), id(&trunk, 0), &trunk, 8)).unwrap();
        let before = chain.clone();
        let stale = batch(id(&trunk, 7), id(&trunk, 7), &trunk, 8);
        let expected = ModelError::OtherHead { expected: id(&trunk, 8), seen: id(&trunk, 7) };
        assert_eq!(chain.apply_batch(&stale), Err(expected));
        let foreign = batch(id(&trunk, 8), id(&branch, 6), &branch, 8);
        assert_eq!(chain.apply_batch(&foreign), Err(ModelError::UnknownAncestor { seen: id(&branch, 6) }));
        let mut gap = batch(id(&trunk, 8), id(&trunk, 5), &branch, 8);
        gap.added.remove(1);
        let expected = ModelError::NotConsecutive { below: id(&branch, 6), seen: id(&branch, 8) };
        assert_eq!(chain.apply_batch(&gap), Err(expected));
        assert_eq!(chain, before);
        assert_eq!(chains_after(id(&trunk, 0), [&stale]).unwrap_err().0, 0);
    }

    #[test]
    fn events_that_are_missing_twice_or_wrong_are_noticed() {
        let (trunk, branch) = trunk_and_branch();
        let at = |chain: &Chain, number| ChainModel { blocks: ids(chain, 0..=number) };
        let (first, second, third) = (at(&trunk, 6), at(&trunk, 8), at(&branch, 10));
        let extended = first.event_to(&second).unwrap();
        let reorg = second.event_to(&third).unwrap();
        check_replay(&first, [&extended, &reorg], &third).unwrap();

        let twice = ModelError::NotConsecutive { below: id(&trunk, 8), seen: id(&trunk, 7) };
        assert_eq!(check_replay(&first, [&extended, &extended], &second), Err(twice));
        let outcome =
            ModelError::OtherOutcome { expected: id(&branch, 10), seen: id(&trunk, 8), position: 6 };
        assert_eq!(check_replay(&first, [&extended], &third), Err(outcome));
        assert!(matches!(check_replay(&first, [&reorg], &third), Err(ModelError::OtherRemoved { .. })));

        let ModelEvent::Reorg { common_ancestor, mut removed, added } = reorg else { panic!("{reorg:?}") };
        removed.reverse();
        let ascending = ModelEvent::Reorg { common_ancestor, removed, added: added.clone() };
        assert!(matches!(check_replay(&second, [&ascending], &third), Err(ModelError::OtherRemoved { .. })));
        let nothing = [
            ModelEvent::Extended { blocks: Vec::new() },
            ModelEvent::Reorg { common_ancestor: id(&trunk, 8), removed: Vec::new(), added: Vec::new() },
        ];
        for event in &nothing {
            assert_eq!(check_replay(&second, [event], &second), Err(ModelError::NothingHappened));
        }
        let unknown = BlockId { number: BlockNumber::new(6), hash: id(&branch, 6).hash };
        let removed = vec![id(&trunk, 8), id(&trunk, 7)];
        let from_unknown = ModelEvent::Reorg { common_ancestor: unknown, removed, added };
        let expected = ModelError::UnknownAncestor { seen: unknown };
        assert_eq!(check_replay(&second, [&from_unknown], &third), Err(expected));
    }
}
