//! Events against a plain list of blocks: whatever happened since a cursor, replaying rebuilds the chain.

use proptest::prelude::*;

use super::{
    event_reader::EventReader,
    events::{ChainEvent, RebaseReason},
};
use crate::{
    chain::{
        batch::{BlockEntry, ChainBatch},
        record::BlockId,
        test_chain::TestChain,
    },
    primitives::{hash::BlockHash, number::BlockNumber},
    store::{Store, memory::MemoryStore},
};

/// Height of the base of the chains here.
const BASE: u64 = 5;

/// A store, and the canonical blocks it should have, base first.
struct History {
    chain: TestChain,
    store: MemoryStore,
    canonical: Vec<BlockEntry>,
    steps: u8,
}

impl History {
    fn new() -> Self {
        let chain = TestChain::starting_at(BASE);
        let store = MemoryStore::new(chain.base().clone());
        let canonical = vec![chain.base().clone()];
        Self { chain, store, canonical, steps: 0 }
    }

    /// Takes `depth` blocks off and puts `added` others on.
    fn step(&mut self, depth: usize, added: usize) {
        self.steps += 1;
        let previous_head = self.head();
        let kept = self.canonical.len() - depth.min(self.canonical.len() - 1);
        self.canonical.truncate(kept);
        let common_ancestor = self.head();
        let entries = self.chain.extend(&self.canonical[kept - 1], added, self.steps);
        self.canonical.extend(entries.iter().cloned());
        let batch = ChainBatch { common_ancestor, added: entries, ..ChainBatch::at(previous_head) };
        self.store.commit(&batch).expect("made to fit");
    }

    fn head(&self) -> BlockId {
        self.canonical.last().expect("never empty").record.id()
    }

    fn ids(&self) -> Vec<BlockId> {
        self.canonical.iter().map(|entry| entry.record.id()).collect()
    }
}

/// What an app knows: the blocks it has taken in, oldest first.
struct App {
    reader: EventReader,
    blocks: Vec<BlockId>,
}

impl App {
    /// An app that has taken in everything settled so far.
    fn at(history: &History, settle_depth: u32, max_batch: u32) -> Self {
        let reader = EventReader { network: 35, settle_depth, max_batch };
        let start = reader.start(&history.store).expect("readable");
        let blocks = history.ids().into_iter().filter(|block| block.number <= start.number).collect();
        Self { reader, blocks }
    }

    fn cursor(&self) -> BlockId {
        *self.blocks.last().expect("never empty")
    }

    /// Takes in one event; false when there is none.
    fn take_in(&mut self, history: &History) -> bool {
        let read = || self.reader.next(&history.store, self.cursor()).expect("readable");
        let event = read();
        assert_eq!(event, read(), "the same event comes until it is taken in");
        let Some(event) = event else { return false };
        match &event {
            ChainEvent::Extended { blocks, .. } => {
                assert!(!blocks.is_empty() && blocks.len() <= self.reader.max_batch as usize);
                self.push(blocks);
            }
            ChainEvent::Reorg { common_ancestor, removed, added, .. } => {
                assert!(!removed.is_empty() && added.len() <= self.reader.max_batch as usize);
                for block in removed {
                    assert_eq!(self.blocks.pop(), Some(block.id()), "undone from the top down");
                }
                assert_eq!(self.cursor(), common_ancestor.id());
                self.push(added);
            }
            ChainEvent::Rebased { .. } => panic!("every cursor here can be followed"),
        }
        assert_eq!(event.cursor().block, self.cursor());
        true
    }

    fn push(&mut self, blocks: &[super::events::BlockRef]) {
        for block in blocks {
            assert_eq!(block.parent_hash, self.cursor().hash, "nothing is left out and nothing comes twice");
            self.blocks.push(block.id());
        }
    }
}

proptest! {
    #[test]
    fn replaying_from_any_cursor_rebuilds_the_stored_chain(
        steps in proptest::collection::vec((0usize..8, 0usize..10, 0usize..3), 1..40),
        joins_at in 0usize..40,
        settle_depth in 0u32..6,
        max_batch in 1u32..7,
    ) {
        let mut history = History::new();
        let mut app = None;
        for (index, (depth, added, events)) in steps.iter().enumerate() {
            if index == joins_at.min(steps.len() - 1) {
                app = Some(App::at(&history, settle_depth, max_batch));
            }
            if depth + added > 0 {
                history.step(*depth, *added);
            }
            // Sometimes it keeps up, sometimes it lags behind several reorganisations.
            for _ in 0..*events {
                app.as_mut().map(|app| app.take_in(&history));
            }
        }
        let mut app = app.expect("it joined");
        while app.take_in(&history) {}
        let chain = history.ids();
        let settled = chain.len().saturating_sub(settle_depth as usize).max(1);
        // A rollback may leave an app above what is settled now, never beside it.
        prop_assert!(app.blocks.len() >= settled && app.blocks.len() <= chain.len());
        prop_assert_eq!(&app.blocks, &chain[..app.blocks.len()]);
    }
}

#[test]
fn a_cursor_that_nobody_knows_is_rebased_with_the_reason_and_goes_on_from_there() {
    let mut history = History::new();
    history.step(0, 20);
    let reader = EventReader { network: 35, settle_depth: 2, max_batch: 100 };
    let settled = history.ids()[history.canonical.len() - 3];
    for (number, expected) in [
        (BASE - 1, RebaseReason::BelowBase),
        (BASE + 3, RebaseReason::UnknownBlock),
        (BASE + 21, RebaseReason::AboveHead),
    ] {
        let unknown = BlockId { number: BlockNumber::new(number), hash: BlockHash::new([0xee; 32]) };
        match reader.next(&history.store, unknown) {
            Ok(Some(ChainEvent::Rebased { old, new, reason, cursor })) => {
                assert_eq!((old.block, reason), (unknown, expected));
                assert_eq!((new.id(), cursor.block), (settled, settled));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(reader.next(&history.store, settled), Ok(None));
    history.step(0, 1);
    let event = reader.next(&history.store, settled).expect("readable").expect("one more is settled");
    assert_eq!(event.cursor().block, history.ids()[history.canonical.len() - 3]);
}
