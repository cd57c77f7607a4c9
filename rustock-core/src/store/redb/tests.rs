//! A medium that fails or loses power at every single operation: what was committed is there afterwards.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard},
};

use redb::StorageBackend;

use super::RedbStore;
use crate::{
    chain::{
        batch::{BlockEntry, ChainBatch},
        record::BlockId,
    },
    primitives::hash::keccak256,
    store::{Store, StoreError, StoreView, memory::MemoryStore, test_chain::TestChain},
};

/// A disk with a write cache, and the operation at which it stops working.
#[derive(Debug, Default)]
struct Disk {
    durable: Vec<u8>,
    /// Written and not flushed, oldest first.
    pending: Vec<Write>,
    current: Vec<u8>,
    operations: u64,
    fails_at: Option<u64>,
    failure: Failure,
}

#[derive(Debug, Clone)]
enum Write {
    Length(usize),
    Bytes { offset: usize, bytes: Vec<u8> },
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Failure {
    /// Every operation from then on fails.
    #[default]
    DeviceGone,
    /// Every write and every growth from then on fails.
    NoSpace,
}

/// What is left of the unflushed writes after a power cut.
#[derive(Debug, Clone, Copy)]
enum PowerCut {
    KeepsAll,
    LosesAll,
    /// Keeps a part that this number chooses.
    KeepsSome(u64),
}

#[derive(Debug, Clone, Default)]
struct Medium(Arc<Mutex<Disk>>);

impl Medium {
    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().expect("no test panics while it holds the disk")
    }

    fn fail_at(&self, operation: u64, failure: Failure) {
        let mut disk = self.disk();
        disk.operations = 0;
        disk.fails_at = Some(operation);
        disk.failure = failure;
    }

    /// The machine starts again with what reached the disk.
    fn power_cut(&self, cut: PowerCut) -> Self {
        let mut disk = self.disk();
        let mut bytes = disk.durable.clone();
        for (place, write) in disk.pending.drain(..).enumerate() {
            let keeps = match cut {
                PowerCut::KeepsAll => true,
                PowerCut::LosesAll => false,
                PowerCut::KeepsSome(seed) => {
                    keccak256(&[&seed.to_be_bytes(), &place.to_be_bytes()])[0] & 1 == 0
                }
            };
            if keeps {
                write.apply(&mut bytes);
            }
        }
        let disk = Disk { durable: bytes.clone(), current: bytes, ..Disk::default() };
        Self(Arc::new(Mutex::new(disk)))
    }
}

impl Write {
    fn apply(&self, to: &mut Vec<u8>) {
        match self {
            Self::Length(length) => to.resize(*length, 0),
            Self::Bytes { offset, bytes } => {
                let end = offset + bytes.len();
                if to.len() < end {
                    to.resize(end, 0);
                }
                to[*offset..end].copy_from_slice(bytes);
            }
        }
    }
}

impl Disk {
    fn operate(&mut self, writes: bool) -> io::Result<()> {
        self.operations += 1;
        match self.failure {
            _ if self.fails_at.is_none_or(|at| self.operations <= at) => Ok(()),
            Failure::DeviceGone => Err(io::Error::other("the device is gone")),
            Failure::NoSpace if writes => Err(io::ErrorKind::StorageFull.into()),
            Failure::NoSpace => Ok(()),
        }
    }

    fn write(&mut self, write: Write) -> io::Result<()> {
        self.operate(true)?;
        write.apply(&mut self.current);
        self.pending.push(write);
        Ok(())
    }
}

impl StorageBackend for Medium {
    fn len(&self) -> io::Result<u64> {
        Ok(self.disk().current.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut disk = self.disk();
        disk.operate(false)?;
        let start = offset as usize;
        let bytes = disk.current.get(start..start + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk().write(Write::Length(len as usize))
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut disk = self.disk();
        disk.operate(false)?;
        disk.pending.clear();
        disk.durable = disk.current.clone();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.disk().write(Write::Bytes { offset: offset as usize, bytes: data.to_vec() })
    }
}

/// Growth, two reorganisations, a rollback and ancestors, as batches that follow on each other.
fn script(chain: &TestChain) -> Vec<ChainBatch> {
    let base = chain.base();
    let first = chain.extend(base, 30, 0);
    let other = chain.extend(&first[19], 15, 1);
    let back = chain.extend(&other[4], 12, 2);
    let last = chain.extend(&back[0], 40, 0);
    let step = |previous: &BlockEntry, ancestor: &BlockEntry, added: &[BlockEntry]| ChainBatch {
        common_ancestor: ancestor.record.id(),
        added: added.to_vec(),
        ..ChainBatch::at(previous.record.id())
    };
    let mut batches = vec![
        step(base, base, &first),
        step(&first[29], &first[19], &other),
        step(&other[14], &other[4], &back),
        step(&back[11], &back[0], &[]),
        step(&back[0], &back[0], &last),
    ];
    batches[2].ancestors = chain.ancestors(449);
    batches[2].fork_detection_from = Some(base.record.number.next());
    batches
}

/// Heads before and after each batch of the script.
fn heads(chain: &TestChain) -> Vec<BlockId> {
    let heads = script(chain).iter().map(ChainBatch::new_head).collect::<Vec<_>>();
    [vec![chain.base().record.id()], heads].concat()
}

/// Runs the script until the medium fails. How many batches were committed, and the error.
fn run(store: &RedbStore, chain: &TestChain) -> (usize, Option<StoreError>) {
    for (done, batch) in script(chain).iter().enumerate() {
        if let Err(error) = store.commit(batch) {
            return (done, Some(error));
        }
    }
    (script(chain).len(), None)
}

/// The store holds exactly what the first `commits` batches made.
fn assert_holds(store: &RedbStore, chain: &TestChain, commits: usize) {
    let oracle = MemoryStore::new(chain.base().clone());
    for batch in &script(chain)[..commits] {
        oracle.commit(batch).expect("the script fits");
    }
    assert_eq!(store.head(), oracle.head());
    assert_eq!(store.ancestors(), oracle.ancestors());
    assert_eq!(store.fork_detection_from(), oracle.fork_detection_from());
    for batch in script(chain) {
        for entry in &batch.added {
            let (number, hash) = (entry.record.number, entry.record.hash);
            assert_eq!(store.find(&hash), oracle.find(&hash));
            assert_eq!(store.record(number), oracle.record(number));
            assert_eq!(store.wire(number), oracle.wire(number));
            assert_eq!(store.abandoned(number, &hash), oracle.abandoned(number, &hash));
        }
    }
    let report = store.check().expect("whole");
    assert!(report.pages);
    assert_eq!(report.canonical, oracle.check().expect("whole").canonical);
}

/// Fails the script's medium at every operation in turn and starts again after a power cut.
fn survives(failure: Failure, cut: impl Fn(u64) -> PowerCut) {
    let chain = TestChain::starting_at(1_000);
    let new = Medium::default();
    drop(RedbStore::open_on(new.clone(), chain.options()).expect("opens"));
    let (heads, mut reached_commits) = (heads(&chain), Vec::new());
    for operation in 0.. {
        let medium = new.power_cut(PowerCut::KeepsAll);
        let store = RedbStore::open_on(medium.clone(), chain.options()).expect("opens");
        medium.fail_at(operation, failure);
        let (done, error) = run(&store, &chain);
        if let Some(error) = &error {
            assert!(matches!(error, StoreError::Io { action: "write", .. }), "{error}");
            assert_eq!(store.head(), Err(error.clone()), "latched");
            assert_eq!(store.commit(&script(&chain)[0]), Err(error.clone()), "latched");
        }
        drop(store);

        let after = medium.power_cut(cut(operation));
        let store = RedbStore::open_on(after, chain.options()).expect("opens after the failure");
        let head = store.head().expect("whole").id();
        let held = heads.iter().position(|expected| *expected == head).expect("a head of the script");
        // The batch that failed may have become durable just before: it is there wholly, or not at all.
        assert!(held == done || error.is_some() && held == done + 1, "{operation}: {done} done, {held} held");
        assert_holds(&store, &chain, held);
        reached_commits.push(done);
        if error.is_none() {
            break;
        }
    }
    for commits in 0..heads.len() {
        assert!(reached_commits.contains(&commits), "failures after {commits} commits were tried");
    }
}

#[test]
fn a_device_that_goes_away_at_any_operation_loses_no_commit() {
    survives(Failure::DeviceGone, |_| PowerCut::KeepsAll);
}

#[test]
fn a_power_cut_at_any_operation_loses_no_commit() {
    survives(Failure::DeviceGone, |_| PowerCut::LosesAll);
    survives(Failure::DeviceGone, PowerCut::KeepsSome);
}

#[test]
fn a_disk_that_fills_at_any_operation_loses_no_commit() {
    survives(Failure::NoSpace, |_| PowerCut::KeepsAll);
}

#[test]
fn a_medium_that_fails_while_opening_is_an_error_and_opens_later() {
    let chain = TestChain::starting_at(1_000);
    let medium = Medium::default();
    let store = RedbStore::open_on(medium.clone(), chain.options()).expect("opens");
    assert_eq!(run(&store, &chain), (script(&chain).len(), None));
    drop(store);
    let mut failures = 0;
    for operation in 0.. {
        let copy = medium.power_cut(PowerCut::KeepsAll);
        copy.fail_at(operation, Failure::DeviceGone);
        match RedbStore::open_on(copy.clone(), chain.options()) {
            Err(error) => {
                assert!(matches!(error, StoreError::Io { .. }), "{error}");
                failures += 1;
            }
            Ok(_) => break,
        }
        let healthy = copy.power_cut(PowerCut::KeepsAll);
        let store = RedbStore::open_on(healthy, chain.options()).expect("opens");
        assert_holds(&store, &chain, script(&chain).len());
    }
    assert!(failures > 3, "opening takes operations that can fail");
}

#[test]
fn a_medium_that_fails_while_reading_latches_the_store() {
    let chain = TestChain::starting_at(1_000);
    let medium = Medium::default();
    let options = super::OpenOptions { cache_bytes: 0, ..chain.options() };
    let store = RedbStore::open_on(medium.clone(), options).expect("opens");
    assert_eq!(run(&store, &chain), (script(&chain).len(), None));
    medium.fail_at(0, Failure::DeviceGone);
    let error = store.record(chain.base().record.number.next()).expect_err("nothing is cached");
    assert!(matches!(error, StoreError::Io { action: "read", .. }), "{error}");
    medium.fail_at(u64::MAX, Failure::DeviceGone);
    assert_eq!(store.head(), Err(error), "latched, though the medium works again");
}

#[test]
fn closing_writes_nothing_and_the_next_start_needs_no_walk() {
    let chain = TestChain::starting_at(1_000);
    let medium = Medium::default();
    let store = RedbStore::open_on(medium.clone(), chain.options()).expect("opens");
    assert_eq!(run(&store, &chain), (script(&chain).len(), None));
    let before = medium.disk().current.clone();
    drop(store);
    assert!(medium.disk().current == before);

    let mut builder = redb::Builder::new();
    builder.set_repair_callback(|repair| repair.abort());
    builder.create_with_backend(medium).expect("no walk is due");
}

#[test]
fn a_store_can_be_dropped_by_a_thread_that_panics() {
    let chain = TestChain::starting_at(1_000);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let store = chain.open(directory.path()).expect("opens");
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _store = store;
        std::panic::resume_unwind(Box::new("the app's own panic"));
    }));
    assert_eq!(panicked.expect_err("it panicked").downcast_ref(), Some(&"the app's own panic"));
    let store = chain.open(directory.path()).expect("closed, so it opens");
    assert_eq!(store.head(), Ok(chain.base().record.clone()));
}
