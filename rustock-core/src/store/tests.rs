//! What every backend does: the same sequences of batches give the same answers, in memory and on disk, before and
//! after the store is opened anew.

use proptest::{prelude::*, sample::Index};

use super::{
    ABANDONED_DEPTH, CheckReport, HASH_INDEX_DEPTH, HashLookup, Store, StoreError, StoreView,
    memory::MemoryStore, test_chain::TestChain,
};
use crate::{
    chain::{
        batch::{BlockEntry, ChainBatch},
        record::{AncestorRecord, BlockId},
    },
    primitives::{hash::BlockHash, number::BlockNumber},
};

const BASE: u64 = 700;

/// One thing that happens to a store. What it acts on depends on the chain as it is then.
#[derive(Debug, Clone)]
enum Step {
    /// Drops everything above a block and adds to it; 0 added is a rollback.
    Reorganise { from: Index, added: usize, branch: u8 },
    /// Adds to the head.
    Extend { added: usize, branch: u8 },
    /// A batch worked out from a head that is no more.
    Stale,
    /// A batch with a hole.
    Hole,
    /// A batch that names an ancestor that is not canonical.
    OffChain,
    /// More of the headers below the base, then none, then out of place.
    Ancestors { count: usize, skip: usize },
    /// Fork-detection data was checked from here on.
    ForkDetectionFrom(u64),
    /// Nothing.
    Empty,
}

fn step() -> impl Strategy<Value = Step> {
    let reorganise = |added: std::ops::Range<usize>| {
        (any::<Index>(), added, 0u8..3).prop_map(|(from, added, branch)| Step::Reorganise {
            from,
            added,
            branch,
        })
    };
    prop_oneof![
        4 => reorganise(0..12),
        2 => (1usize..30, 0u8..3)
            .prop_map(|(added, branch)| Step::Extend { added, branch }),
        1 => Just(Step::Stale),
        1 => Just(Step::Hole),
        1 => Just(Step::OffChain),
        2 => (0usize..200, 0usize..2).prop_map(|(count, skip)| Step::Ancestors { count, skip }),
        1 => (BASE..BASE + 100).prop_map(Step::ForkDetectionFrom),
        1 => Just(Step::Empty),
    ]
}

/// The chain as the test knows it, and every block it ever saw.
struct Model {
    chain: TestChain,
    canonical: Vec<BlockEntry>,
    seen: Vec<BlockEntry>,
    ancestors: Vec<AncestorRecord>,
}

impl Model {
    fn new(chain: TestChain) -> Self {
        let base = chain.base().clone();
        Self { chain, canonical: vec![base.clone()], seen: vec![base], ancestors: Vec::new() }
    }

    fn head(&self) -> &BlockEntry {
        self.canonical.last().expect("the base stays")
    }

    fn reorganise(&mut self, keep: usize, added: usize, branch: u8) -> ChainBatch {
        let previous_head = self.head().record.id();
        self.canonical.truncate(keep);
        let entries = self.chain.extend(self.head(), added, branch);
        let batch = ChainBatch {
            previous_head,
            common_ancestor: self.head().record.id(),
            added: entries.clone(),
            ..ChainBatch::at(previous_head)
        };
        self.seen.extend(entries.clone());
        self.canonical.extend(entries);
        batch
    }

    fn batch(&mut self, step: &Step) -> ChainBatch {
        let head = self.head().record.id();
        match step {
            Step::Reorganise { from, added, branch } => {
                let keep = from.index(self.canonical.len()) + 1;
                self.reorganise(keep, *added, *branch)
            }
            Step::Extend { added, branch } => self.reorganise(self.canonical.len(), *added, *branch),
            Step::Stale => ChainBatch::at(BlockId { number: head.number, hash: BlockHash::new([0xee; 32]) }),
            Step::Hole => {
                let mut added = self.chain.extend(self.head(), 3, 0);
                added.remove(1);
                ChainBatch { added, ..ChainBatch::at(head) }
            }
            Step::OffChain => {
                let mut batch = ChainBatch::at(head);
                batch.common_ancestor.hash = BlockHash::new([0xdd; 32]);
                batch
            }
            Step::Ancestors { count, skip } => {
                let known = self.ancestors.len();
                let all = self.chain.ancestors(BASE);
                let ancestors: Vec<_> = all.into_iter().skip(known + skip).take(*count).collect();
                if *skip == 0 {
                    self.ancestors.extend(&ancestors);
                }
                ChainBatch { ancestors, ..ChainBatch::at(head) }
            }
            Step::ForkDetectionFrom(number) => {
                ChainBatch { fork_detection_from: Some(BlockNumber::new(*number)), ..ChainBatch::at(head) }
            }
            Step::Empty => ChainBatch::at(head),
        }
    }
}

/// Both answer every question alike, and as the model says.
fn assert_alike(model: &Model, oracle: &MemoryStore, store: &dyn StoreView) {
    assert_eq!(store.base(), Ok(model.canonical[0].record.clone()));
    assert_eq!(store.head(), Ok(model.head().record.clone()));
    let top = model.head().record.number.get();
    for number in (BASE - 1..=top + 2).map(BlockNumber::new) {
        let expected = number.get().checked_sub(BASE).and_then(|place| model.canonical.get(place as usize));
        assert_eq!(store.record(number), Ok(expected.map(|entry| entry.record.clone())));
        assert_eq!(store.wire(number), Ok(expected.map(|entry| entry.header.raw().to_vec())));
        assert_eq!(oracle.record(number), store.record(number));
        assert_eq!(oracle.wire(number), store.wire(number));
    }
    for entry in &model.seen {
        let (number, hash) = (entry.record.number, entry.record.hash);
        assert_eq!(store.find(&hash), oracle.find(&hash));
        assert_eq!(store.abandoned(number, &hash), oracle.abandoned(number, &hash));
    }
    assert_eq!(store.find(&BlockHash::ZERO), Ok(HashLookup::Unknown));
    assert_eq!(store.ancestors(), oracle.ancestors());
    assert_eq!(store.fork_detection_from(), oracle.fork_detection_from());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_batches_leaves_both_backends_answering_alike(
        steps in prop::collection::vec(step(), 1..12),
    ) {
        let chain = TestChain::starting_at(BASE);
        let oracle = MemoryStore::new(chain.base().clone());
        let mut model = Model::new(chain);
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut disk = model.chain.open(directory.path()).expect("opens");
        for step in &steps {
            let batch = model.batch(step);
            let outcome = disk.commit(&batch);
            prop_assert_eq!(&outcome, &oracle.commit(&batch));
            let refused = matches!(outcome, Err(StoreError::StaleBatch { .. } | StoreError::BrokenBatch { .. }));
            prop_assert!(outcome.is_ok() || refused, "{:?}", outcome);
            assert_alike(&model, &oracle, &disk);
            drop(disk);
            disk = model.chain.open(directory.path()).expect("opens again");
            assert_alike(&model, &oracle, &disk);
            let on_disk = disk.check().expect("whole");
            prop_assert!(on_disk.pages);
            prop_assert_eq!(
                CheckReport { pages: false, ..on_disk },
                oracle.check().expect("whole")
            );
        }
    }
}

/// The bounds of what is kept, at their edges, through growth, a deep rollback and regrowth.
fn depths_hold(store: &dyn Store, chain: &TestChain) {
    let commit = |ancestor: &BlockEntry, head: &BlockEntry, added: &[BlockEntry]| {
        let batch = ChainBatch {
            common_ancestor: ancestor.record.id(),
            added: added.to_vec(),
            ..ChainBatch::at(head.record.id())
        };
        store.commit(&batch).expect("fits");
    };
    let base = chain.base();
    let window = HASH_INDEX_DEPTH as usize;
    let blocks = chain.extend(base, window + 10, 0);
    let hash_at = |place: usize| blocks[place].record.hash;

    // Base and window - 1 blocks: everything is indexed. One more, and the base is not.
    commit(base, base, &blocks[..window - 1]);
    assert_eq!(store.find(&base.record.hash), Ok(HashLookup::Canonical(base.record.number)));
    assert_eq!(store.find(&BlockHash::ZERO), Ok(HashLookup::Unknown));
    commit(&blocks[window - 2], &blocks[window - 2], &blocks[window - 1..window]);
    assert_eq!(store.find(&base.record.hash), Ok(HashLookup::NotIndexed));
    assert_eq!(store.find(&BlockHash::ZERO), Ok(HashLookup::NotIndexed));
    assert_eq!(store.find(&hash_at(0)), Ok(HashLookup::Canonical(blocks[0].record.number)));

    // Ten more, all ten rolled back again: what fell out of the index is in it again.
    commit(&blocks[window - 1], &blocks[window - 1], &blocks[window..]);
    assert_eq!(store.find(&hash_at(9)), Ok(HashLookup::NotIndexed));
    assert_eq!(store.find(&hash_at(10)), Ok(HashLookup::Canonical(blocks[10].record.number)));
    commit(&blocks[window - 1], &blocks[window + 9], &[]);
    assert_eq!(store.find(&hash_at(0)), Ok(HashLookup::Canonical(blocks[0].record.number)));
    let lost = &blocks[window + 9].record;
    assert_eq!(store.find(&lost.hash), Ok(HashLookup::Abandoned(lost.number)));
    assert_eq!(store.abandoned(lost.number, &lost.hash), Ok(Some(lost.clone())));

    // A block that comes back is canonical and no more abandoned.
    commit(&blocks[window - 1], &blocks[window - 1], &blocks[window..=window]);
    let back = &blocks[window].record;
    assert_eq!(store.find(&back.hash), Ok(HashLookup::Canonical(back.number)));
    assert_eq!(store.abandoned(back.number, &back.hash), Ok(None));

    // Abandoned blocks live until the head is more than the depth above them.
    let other = chain.extend(&blocks[window], ABANDONED_DEPTH as usize + 20, 1);
    let last_kept = (lost.number.get() + ABANDONED_DEPTH - blocks[window].record.number.get()) as usize;
    commit(&blocks[window], &blocks[window], &other[..last_kept]);
    assert_eq!(store.abandoned(lost.number, &lost.hash), Ok(Some(lost.clone())));
    commit(&other[last_kept - 1], &other[last_kept - 1], &other[last_kept..=last_kept]);
    assert_eq!(store.abandoned(lost.number, &lost.hash), Ok(None));
    assert_eq!(store.find(&lost.hash), Ok(HashLookup::NotIndexed));
    store.check().expect("whole");
}

#[test]
fn depths_hold_in_memory() {
    let chain = TestChain::starting_at(BASE);
    depths_hold(&MemoryStore::new(chain.base().clone()), &chain);
}

#[test]
fn depths_hold_on_disk() {
    let chain = TestChain::starting_at(BASE);
    let directory = tempfile::tempdir().expect("a temporary directory");
    depths_hold(&chain.open(directory.path()).expect("opens"), &chain);
    chain.open(directory.path()).expect("opens again").check().expect("whole");
}

#[test]
fn a_snapshot_stays_as_it_was_taken() {
    let chain = TestChain::starting_at(BASE);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let memory: Box<dyn Store> = Box::new(MemoryStore::new(chain.base().clone()));
    let disk: Box<dyn Store> = Box::new(chain.open(directory.path()).expect("opens"));
    for store in [memory, disk] {
        let before = store.snapshot().expect("open");
        let added = chain.extend(chain.base(), 2, 0);
        store
            .commit(&ChainBatch { added: added.clone(), ..ChainBatch::at(chain.base().record.id()) })
            .expect("fits");
        assert_eq!(before.head(), Ok(chain.base().record.clone()));
        assert_eq!(before.find(&added[0].record.hash), Ok(HashLookup::Unknown));
        assert_eq!(before.record(added[0].record.number), Ok(None));
        assert_eq!(store.head(), Ok(added[1].record.clone()));
        let report = store.check().expect("whole");
        assert!(!report.pages, "a snapshot keeps the pages from being checked");
    }
}
